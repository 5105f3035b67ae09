/*
 * pixel_driver.h - a recurrent network of 1,115,139 weights that sees 64 x 64 pixels and drives, made of 200 coefficients.
 *
 * Hidden units stand on a grid of 16 x 16.  The genome's five chromosomes are the low frequencies of five arrays of weights:
 * from the pixels to the units (16,16,64,64), between units (16,16,16,16), their biases (16,16), from the units to the
 * outputs (3,16,16), and the outputs' biases (3).
 *     h_t = sigmoid(W x_t + R h_t-1 + b), o_t = sigmoid(V h_t + c)
 * The two large products are computed from the coefficients; the weights themselves are made for the report only.
 */
#ifndef PIXEL_DRIVER_H
#define PIXEL_DRIVER_H

#include "jackdaw/code.h"

enum {
    PD_SIDE = 64,
    PD_GRID = 16,
    PD_PIXELS = PD_SIDE * PD_SIDE,
    PD_HIDDEN = PD_GRID * PD_GRID,
    PD_OUTPUTS = 3,
    PD_GENES = 200,
    PD_ACTIONS = 3
};
/* Where the arrays begin in the vector of weights. */
enum {
    PD_RECURRENT = PD_HIDDEN * PD_PIXELS,
    PD_BIAS = PD_RECURRENT + PD_HIDDEN * PD_HIDDEN,
    PD_OUTPUT = PD_BIAS + PD_HIDDEN,
    PD_OUTPUT_BIAS = PD_OUTPUT + PD_OUTPUTS * PD_HIDDEN,
    PD_WEIGHTS = PD_OUTPUT_BIAS + PD_OUTPUTS
};

typedef struct pd_nets pd_nets; /* `count` networks, each with its own genome and state */
pd_nets *pd_nets_new(jd_ctx *ctx, size_t count);
void pd_nets_free(pd_nets *n);
/* Network i gets this genome (PD_GENES) and forgets what it saw. */
void pd_nets_set(pd_nets *n, size_t i, const double *genome);
/* The picture (64,64,3) seen now; what it does: steering, accelerator, brake. */
void pd_nets_step(pd_nets *n, size_t i, const float *rgb, float action[PD_ACTIONS]);
const float *pd_nets_hidden(const pd_nets *n, size_t i); /* (PD_HIDDEN) after the last step */

/* All weights of a genome (PD_WEIGHTS), to be given to jd_free. */
float *pd_weights(jd_ctx *ctx, const double *genome);
/* One step with all weights made, for comparison: h (PD_HIDDEN) is updated, out (PD_OUTPUTS). */
void pd_step_with_weights(const float *weights, const float *rgb, float *h, double *out);

/* Edges of the picture's saturation, 0 or 1 (64,64): Roberts' cross of (max - min) / max above 0.1. */
void pd_edges(const float *rgb, float *edge);

#endif
