/* scanning.h - a model of membranes or points (MODEL_SCANNER) and the way in which its file says it is scanned. */
#ifndef JD_CMD_SCANNING_H
#define JD_CMD_SCANNING_H

#include "em_report.h"
#include "mitosis.h"
#include "model.h"

typedef struct scanning {
    jd_ctx *ctx;
    model m;
    jd_params *w, *weights[MODEL_MEMBERS];
    jd_scanner *scan[MODEL_MEMBERS];
    bool points;
    bool stretch; /* points: the contrast of pictures is stretched first */
    int views, median;
    double spread, centre, radius;
    em_cubic cubic;
    detector d;
} scanning;

/* `o`: the tile and who is told of the progress; the rest is the model's. */
jd_status scanning_open(jd_ctx *ctx, const char *path, const jd_scan_options *o, scanning *s);
/* After an error too. */
void scanning_close(scanning *s);
/* Membranes: each pixel's probability to lie inside, (n,H,W), of all slices, for jd_free. */
float *scanning_inside(scanning *s, const em_stack *stack);
/* The mean of the nets' maps of a picture with points (H,W), for jd_free. */
float *scanning_map(scanning *s, const slide *a);

#endif
