/* rtrl.h (internal) - what the steps of rtrl_steps.h work on. */
#ifndef JD_TRAIN_RTRL_H
#define JD_TRAIN_RTRL_H

#include "jackdaw/rtrl.h"

struct jd_rtrl {
    jd_ctx *ctx;
    jd_rtrl_options o;
    size_t N, H, G, weights; /* G: gates */
    int now;                 /* which of h[2], dh[2] is the state of the last step */
    /* numbers of o.dtype: */
    void *h[2], *c;   /* (H) */
    void *dh[2], *dc; /* (H, weights): exact sensitivities */
    void *trace;      /* (H, 3 (N+H+1) + 2), truncated: dc_k by the weights of k's own i f z, and its two peepholes */
    void *x;          /* (N), truncated: the last input... */
    void *slope;      /* (2H): ...and what dh gives to the cell and to the output gate's pre-activation */
};

#endif
