/*
 * update_rmsprop.c - RMSprop: T. Tieleman, G. Hinton, lecture 6.5 of "Neural networks for machine learning", 2012.
 *     ms = beta2 ms + (1 - beta2) g g;  step = -lr g / (sqrt(ms) + epsilon)
 *     w += step, or with momentum  v = momentum v + step;  w += v
 */
#ifndef REAL
#include "ops/real.h"
#include "ops/update.h"

#define JD_SELF "ops/update_rmsprop.c"
#include "ops/twice.h"

const jd_op jd__op_update_rmsprop = {.name = "update_rmsprop",
                                     .doc = "one step of RMSprop",
                                     .flags = JD_OP_FENCE,
                                     .attr_bytes = sizeof(jd_update_attr),
                                     .infer = jd__infer_update,
                                     .ref = {update_rmsprop_f32, update_rmsprop_f64}};
#else

static void FN(update_rmsprop)(const jd_call *c, const jd_worker *worker)
{
    const jd_update_attr *a = c->attr;
    const REAL *grad = c->in[JD_UP_GRAD], lr = *(const REAL *)c->in[JD_UP_LR];
    const REAL scale = c->in[JD_UP_SCALE] ? *(const REAL *)c->in[JD_UP_SCALE] : 1;
    const REAL decay = (REAL)a->weight_decay, epsilon = (REAL)a->epsilon, momentum = (REAL)a->momentum;
    const REAL b2 = (REAL)a->beta2, r2 = (REAL)(1 - a->beta2);
    REAL *w = c->in[JD_UP_W], *ms = c->in[JD_UP_STATE1], *v = c->in[JD_UP_STATE2];
    size_t begin, end;
    jd_share(worker, (size_t)jd__count(&c->in_type[JD_UP_W]), 1024, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const REAL g = R_FMA(decay, w[i], scale * grad[i]);
        ms[i] = R_FMA(b2, ms[i], r2 * (g * g));
        const REAL direction = g / (R_SQRT(ms[i]) + epsilon);
        if (!v) {
            w[i] = R_FMA(-lr, direction, w[i]);
        } else {
            v[i] = R_FMA(momentum, v[i], -(lr * direction));
            w[i] += v[i];
        }
    }
}
#endif
