/*
 * update_adam.c - Adam: D. P. Kingma, J. Ba, ICLR 2015, algorithm 1.
 *     m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g g
 *     w -= lr m' / (sqrt(v') + epsilon),  m' = m / (1 - beta1^t),  v' = v / (1 - beta2^t)
 */
#ifndef REAL
#include "ops/real.h"
#include "ops/update.h"

#define JD_SELF "ops/update_adam.c"
#include "ops/twice.h"

const jd_op jd__op_update_adam = {.name = "update_adam",
                                  .doc = "one step of Adam",
                                  .flags = JD_OP_FENCE,
                                  .attr_bytes = sizeof(jd_update_attr),
                                  .infer = jd__infer_update,
                                  .ref = {update_adam_f32, update_adam_f64}};
#else

static void FN(update_adam)(const jd_call *c, const jd_worker *worker)
{
    const jd_update_attr *a = c->attr;
    const REAL *grad = c->in[JD_UP_GRAD], lr = *(const REAL *)c->in[JD_UP_LR];
    const REAL scale = c->in[JD_UP_SCALE] ? *(const REAL *)c->in[JD_UP_SCALE] : 1;
    const REAL decay = (REAL)a->weight_decay, epsilon = (REAL)a->epsilon;
    const REAL b1 = (REAL)a->beta1, b2 = (REAL)a->beta2, r1 = (REAL)(1 - a->beta1), r2 = (REAL)(1 - a->beta2);
    REAL *w = c->in[JD_UP_W], *m = c->in[JD_UP_STATE1], *v = c->in[JD_UP_STATE2];
    const uint64_t t = (uint64_t)jd__next_step(c, worker);
    const REAL step = (REAL)(-(double)lr / (1 - jd__power(a->beta1, t))), c2 = (REAL)(1 / (1 - jd__power(a->beta2, t)));
    size_t begin, end;
    jd_share(worker, (size_t)jd__count(&c->in_type[JD_UP_W]), 1024, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const REAL g = R_FMA(decay, w[i], scale * grad[i]);
        m[i] = R_FMA(b1, m[i], r1 * g);
        v[i] = R_FMA(b2, v[i], r2 * (g * g));
        w[i] = R_FMA(step, m[i] / (R_SQRT(v[i] * c2) + epsilon), w[i]);
    }
}
#endif
