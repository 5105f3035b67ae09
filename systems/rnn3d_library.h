/* rnn3d_library.h - the steps of rnn3d.h and rnn3d_planes.h by the library's own operations, in float64 and in one piece. */
#ifndef RNN3D_LIBRARY_H
#define RNN3D_LIBRARY_H

#include "jackdaw/fn.h"
#include "rnn3d_planes.h"

/* weight and gradient (r3_weights) in the order of r3_weight. */
jd_status r3_by_library(jd_ctx *ctx, const r3_options *o, const double *weight, const double *volume,
                        const double *target, double *gradient, double *loss);
/* weight and gradient (rp_weights) in the order of rp_weight. */
jd_status rp_by_library(jd_ctx *ctx, const rp_options *o, const double *weight, const double *volume,
                        const double *target, double *gradient, double *loss);

#endif
