/*
 * update_sgd.c - gradient descent, with momentum (Rumelhart, Hinton, Williams 1986) or Nesterov's (Sutskever, Martens,
 * Dahl, Hinton, ICML 2013).  g is scale x gradient + weight_decay w:
 *     plain     w = fma(-lr, g, w)
 *     momentum  v = momentum v - lr g;  w += v
 *     nesterov  v = momentum v - lr g;  w += momentum v - lr g
 */
#ifndef REAL
#include "ops/real.h"
#include "ops/update.h"

#define JD_SELF "ops/update_sgd.c"
#include "ops/twice.h"

const jd_op jd__op_update_sgd = {.name = "update_sgd",
                                 .doc = "one step of gradient descent, with or without momentum",
                                 .flags = JD_OP_FENCE,
                                 .attr_bytes = sizeof(jd_update_attr),
                                 .infer = jd__infer_update,
                                 .ref = {update_sgd_f32, update_sgd_f64}};
#else

static void FN(update_sgd)(const jd_call *c, const jd_worker *worker)
{
    const jd_update_attr *a = c->attr;
    const REAL *grad = c->in[JD_UP_GRAD], lr = *(const REAL *)c->in[JD_UP_LR];
    const REAL scale = c->in[JD_UP_SCALE] ? *(const REAL *)c->in[JD_UP_SCALE] : 1;
    const REAL momentum = (REAL)a->momentum, decay = (REAL)a->weight_decay;
    REAL *w = c->in[JD_UP_W], *v = c->in[JD_UP_STATE1];
    size_t begin, end;
    jd_share(worker, (size_t)jd__count(&c->in_type[JD_UP_W]), 1024, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const REAL g = R_FMA(decay, w[i], scale * grad[i]);
        if (!v) {
            w[i] = R_FMA(-lr, g, w[i]);
        } else {
            v[i] = R_FMA(momentum, v[i], -(lr * g));
            w[i] += a->nesterov ? R_FMA(momentum, v[i], -(lr * g)) : v[i];
        }
    }
}
#endif
