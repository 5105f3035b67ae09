/* fit.h - pictures of any size as the picture that a classifier knows: shared by `eval`, `predict` and `serve`. */
#ifndef JD_CMD_FIT_H
#define JD_CMD_FIT_H

#include "model.h"

typedef struct fit_canvas {
    bool drawn; /* ink on nothing: 0 is background; else a photograph, whose paper may be bright */
    int width, height, channels;
    const uint8_t *pixels;
} fit_canvas;

/* (H,W,C) of the model, for jd_free.  Colour pictures are scaled.  Of a grey one, what is on it is cut out and scaled to fill
 * the picture, or for digits placed as MNIST's are: 20 of 28 pixels, the centre of mass in the middle. */
uint8_t *fit_picture(jd_ctx *ctx, const model *m, const fit_canvas *c);
/* Fits all pictures of a set to the model's size, if they are of another. */
jd_status fit_samples(jd_ctx *ctx, const model *m, samples *s);

#endif
