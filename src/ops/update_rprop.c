/*
 * update_rprop.c - Rprop: M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the
 * RPROP algorithm", ICNN 1993.  Each weight has its own step size, which grows by 1.2 while the sign of its gradient stays
 * and halves when it changes; a change of sign takes the last step back and skips the next adaptation.
 */
#ifndef REAL
#include "ops/real.h"
#include "ops/update.h"

#define JD_SELF "ops/update_rprop.c"
#include "ops/twice.h"

const jd_op jd__op_update_rprop = {.name = "update_rprop",
                                   .doc = "one step of Rprop",
                                   .flags = JD_OP_FENCE,
                                   .attr_bytes = sizeof(jd_update_attr),
                                   .infer = jd__infer_update,
                                   .ref = {update_rprop_f32, update_rprop_f64}};
#else

static void FN(update_rprop)(const jd_call *c, const jd_worker *worker)
{
    const jd_update_attr *a = c->attr;
    const REAL largest = 50, smallest = (REAL)1e-6;
    const REAL *grad = c->in[JD_UP_GRAD], first = *(const REAL *)c->in[JD_UP_LR];
    const REAL scale = c->in[JD_UP_SCALE] ? *(const REAL *)c->in[JD_UP_SCALE] : 1, decay = (REAL)a->weight_decay;
    REAL *w = c->in[JD_UP_W], *step = c->in[JD_UP_STATE1], *last = c->in[JD_UP_STATE2];
    const bool start = jd__next_step(c, worker) == 1;
    size_t begin, end;
    jd_share(worker, (size_t)jd__count(&c->in_type[JD_UP_W]), 1024, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const REAL g = R_FMA(decay, w[i], scale * grad[i]);
        REAL s = start ? first : step[i], l = start ? 0 : last[i];
        if ((g > 0 && l < 0) || (g < 0 && l > 0)) {
            w[i] += l > 0 ? s : -s; /* the last step was -sign(l) s */
            s = s * (REAL)0.5 > smallest ? s * (REAL)0.5 : smallest;
            l = 0;
        } else {
            if ((g > 0 && l > 0) || (g < 0 && l < 0)) s = s * (REAL)1.2 < largest ? s * (REAL)1.2 : largest;
            w[i] -= g > 0 ? s : g < 0 ? -s : g;
            l = g;
        }
        step[i] = s;
        last[i] = l;
    }
}
#endif
