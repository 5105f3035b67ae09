/* rnn3d_library.h - the step of rnn3d.h by the library's mdlstm, in float64 and in one process. */
#ifndef RNN3D_LIBRARY_H
#define RNN3D_LIBRARY_H

#include "jackdaw/fn.h"
#include "rnn3d.h"

/* weight and gradient (r3_weights) in the order of r3_weight. */
jd_status r3_by_library(jd_ctx *ctx, const r3_options *o, const double *weight, const double *volume,
                        const double *target, double *gradient, double *loss);

#endif
