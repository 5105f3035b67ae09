/* amax.c - the largest of the last axis.  A NaN is never the largest. */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_amax(jd_infer *c)
{
    if (c->in[0].rank < 1 || c->in[0].dtype == JD_I32) return jd__bad(c, "needs a real array (...,K)");
    if (c->in[0].dim[c->in[0].rank - 1] < 1) return jd__bad(c, "the last axis is empty; it needs at least one element");
    c->out[0] = c->in[0];
    c->out[0].dim[c->in[0].rank - 1] = 1;
    return JD_OK;
}

static void grad_amax(const jd_rule *c)
{
    const jd_node winner = jd_onehot(c->g, jd_argmax(c->g, c->in[0]), jd_dim(c->g, c->in[0], -1));
    c->din[0] = jd_mul(c->g, winner, c->dout[0]);
}

jd_node jd_amax(jd_graph *g, jd_node x)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_amax, NULL, &x, 1, NULL);
}

#define JD_SELF "ops/amax.c"
#include "ops/twice.h"

const jd_op jd__op_amax = {.name = "amax",
                           .doc = "largest of the last axis, kept as 1",
                           .infer = infer_amax,
                           .grad = grad_amax,
                           .ref = {amax_f32, amax_f64}};
#else

static void FN(amax)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    REAL *y = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 16, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *x = (const REAL *)c->in[0] + r * (size_t)K;
        REAL best = -(REAL)INFINITY;
        for (int64_t k = 0; k < K; k++)
            if (x[k] > best) best = x[k];
        y[r] = best;
    }
}
#endif
