/* fit.h - pictures of any size as the picture that a classifier knows: shared by `eval`, `predict` and `serve`. */
#ifndef JD_CMD_FIT_H
#define JD_CMD_FIT_H

#include "model.h"

typedef struct fit_canvas {
    bool drawn; /* ink on nothing: 0 is background; else a photograph, whose paper may be bright */
    int width, height, channels;
    const uint8_t *pixels;
} fit_canvas;

/* A picture of the size that the model's preparation begins with (model.picture), for jd_free.  Pictures of several channels
 * are scaled.  Of a grey one, what is on it is cut out, scaled to as many pixels as the model says, or to fill the picture, and
 * its box or centre of mass put into the middle: MNIST's digits have 20 of 28 pixels. */
uint8_t *fit_picture(jd_ctx *ctx, const model *m, const fit_canvas *c);
/* Fits all pictures of a set, if they are of another size; drawings of the right size with dark ink on paper are turned. */
jd_status fit_samples(jd_ctx *ctx, const model *m, samples *s);

#endif
