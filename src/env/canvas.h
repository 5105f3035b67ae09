/*
 * canvas.h - shapes in a small RGB picture, with smooth edges.
 */
#ifndef JD_ENV_CANVAS_H
#define JD_ENV_CANVAS_H

#include <stdint.h>

typedef struct jd_canvas {
    uint8_t *rgb; /* (h, w, 3) */
    int w, h;
    double x0, y0, scale; /* world point (x, y), y upward, is at pixel ((x - x0) scale, h - (y - y0) scale) */
} jd_canvas;

/* Shows the world from (x0, y0) to (x1, y1) in the middle of the picture. */
void jd__canvas_view(jd_canvas *c, double x0, double y0, double x1, double y1);
void jd__canvas_clear(jd_canvas *c, uint32_t color); /* 0xRRGGBB */
/* A line of the given thickness with round ends; one of length 0 is a disc. */
void jd__canvas_line(jd_canvas *c, double x0, double y0, double x1, double y1, double thickness, uint32_t color);
void jd__canvas_box(jd_canvas *c, double x0, double y0, double x1, double y1, uint32_t color);

#endif
