/* update.h - what the update ops share; inputs and attribute: attrs.h. */
#ifndef JD_OPS_UPDATE_H
#define JD_OPS_UPDATE_H

#include "graph/op.h"
#include "ops/attrs.h"

enum { JD_UP_GRAD, JD_UP_LR, JD_UP_SCALE, JD_UP_W, JD_UP_STATE1, JD_UP_STATE2, JD_UP_T, JD_UP_INPUTS };

/* The shape rule of all update ops: vectors of one length, scalars, no outputs. */
jd_status jd__infer_update(jd_infer *c);

/* The gradient as its mean over the group's shards; without a group (tests), its copy. */
jd_node jd__exchange(jd_graph *g, jd_node gradient, struct jd_group *group);

/* base^n from products only: the same bits on every machine, which pow() does not promise. */
static inline double jd__power(double base, uint64_t n)
{
    double y = 1;
    for (; n; n >>= 1, base *= base)
        if (n & 1) y *= base;
    return y;
}

/* All members read the step counter before member 0 writes it. */
static inline double jd__next_step(const jd_call *c, const jd_worker *w)
{
    double *t = (double *)c->in[JD_UP_T], next = *t + 1;
    jd_team_barrier(w);
    if (w->id == 0) *t = next;
    return next;
}

#endif
