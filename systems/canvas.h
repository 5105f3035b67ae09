/*
 * canvas.h - small pictures of places and of ways through them, for reports: soft-edged discs, lines and boxes.
 *
 *     canvas c = canvas_new(ctx, 4, 240, 240, 10);            // 4 pictures; x to the right, y upward, 10 units wide
 *     canvas_disc(&c, 0, 5, 5, .8, CANVAS_WALL, 1);
 *     canvas_line(&c, 0, 1, 1, 9, 9, .1, CANVAS_BLUE, 1);
 *     canvas_show(r, &c, captions, 4, "What is seen.");       // and frees it
 */
#ifndef CANVAS_H
#define CANVAS_H

#include "jackdaw/system.h"

typedef struct canvas {
    size_t n, w, h;
    double units; /* pixels a unit */
    uint8_t *pixels;
} canvas;

extern const double CANVAS_WALL[3], CANVAS_INK[3], CANVAS_PALE[3], CANVAS_GOAL[3];
/* Colours that can be told apart, of part i of anything. */
const double *canvas_colour(int i);
/* Between two colours. */
void canvas_mix(const double a[3], const double b[3], double share, double rgb[3]);

/* n pictures of w x h pixels, nearly white; `across` units from left to right.  NULL pixels after an error. */
canvas canvas_new(jd_ctx *ctx, size_t n, size_t w, size_t h, double across);
/* Centres, ends, radius and width in units; cover 0..1 is how much hides what is below. */
void canvas_disc(canvas *c, size_t i, double x, double y, double radius, const double rgb[3], double cover);
void canvas_line(canvas *c, size_t i, double x0, double y0, double x1, double y1, double width, const double rgb[3],
                 double cover);
void canvas_box(canvas *c, size_t i, double x0, double y0, double x1, double y1, const double rgb[3], double cover);
void canvas_show(jd_run *r, canvas *c, const char *const *captions, int columns, const char *caption);

#endif
