/* argmax.c - index of the first largest of the last axis.  A NaN is never the largest; 0 if all are. */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_argmax(jd_infer *c)
{
    if (c->in[0].rank < 1 || c->in[0].dtype == JD_I32) return jd__bad(c, "needs a real array (...,K)");
    const int64_t K = c->in[0].dim[c->in[0].rank - 1];
    if (K < 1 || K > INT32_MAX) return jd__bad(c, "the last axis must have from 1 to 2147483647 elements");
    c->out[0] = c->in[0];
    c->out[0].dtype = JD_I32;
    c->out[0].rank--;
    return JD_OK;
}

jd_node jd_argmax(jd_graph *g, jd_node x)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_argmax, NULL, &x, 1, NULL);
}

#define JD_SELF "ops/argmax.c"
#include "ops/twice.h"

const jd_op jd__op_argmax = {.name = "argmax",
                             .doc = "index of the first largest of the last axis, which goes",
                             .infer = infer_argmax,
                             .ref = {argmax_f32, argmax_f64}};
#else

static void FN(argmax)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    int32_t *y = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 16, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *x = (const REAL *)c->in[0] + r * (size_t)K;
        REAL best = -(REAL)INFINITY;
        y[r] = 0;
        for (int64_t k = 0; k < K; k++)
            if (x[k] > best) {
                best = x[k];
                y[r] = (int32_t)k;
            }
    }
}
#endif
