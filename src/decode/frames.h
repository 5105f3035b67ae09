/* frames.h - what all decoders do with a frame of outputs. */
#ifndef JD_DECODE_FRAMES_H
#define JD_DECODE_FRAMES_H

#include "jackdaw/base.h"

typedef struct frames {
    const float *scores;
    size_t stride, count, K;
} frames;

/* Refuses no outputs, too many, and a blank that is none of them.  `who` is the public function's name. */
jd_status jd__frames_check(jd_ctx *ctx, const frames *f, int32_t blank, const char *who);
/* Frame t's probabilities p (K).  JD_EDIVERGED: a NaN or infinity, or nothing but -infinity. */
jd_status jd__frame_probabilities(jd_ctx *ctx, const frames *f, size_t t, double *p, const char *who);

#endif
