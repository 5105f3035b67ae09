/*
 * explore.h - directed exploration (B. Bakker 2001): a small net that learns how wrong the values ahead are,
 * v(t) = |delta(t)| + beta v(t+1), from what the value net sees and remembers.  16 lanes with shared weights, as advantage.h.
 */
#ifndef JD_REWARD_EXPLORE_H
#define JD_REWARD_EXPLORE_H

#include "base/ctx.h"

enum { JD_EXPLORERS = 8 }; /* its tanh units */

typedef struct jd_explore {
    int inputs; /* the last of them is 1 */
    double *w;  /* (JD_EXPLORERS, inputs); then (JD_EXPLORERS + 1) of the output */
    double *x;  /* (inputs,16) of the step that v was computed for */
    double h[JD_EXPLORERS * 16], v[16];
} jd_explore;
jd_status jd__explore_open(jd_explore *e, jd_ctx *ctx, int inputs, jd_rng *r);
void jd__explore_close(jd_explore *e, jd_ctx *ctx);
/* v (16) of x (inputs,16). */
void jd__explore_value(const jd_explore *e, const double *x, double *v);
/* The same as e->v, kept to be learned from. */
void jd__explore_see(jd_explore *e, const double *x);
/* w += rate (target (16) - v) dv/dw, summed over the lanes with go. */
void jd__explore_learn(jd_explore *e, const double *target, const int *go, double rate);

#endif
