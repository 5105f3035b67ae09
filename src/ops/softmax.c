/* softmax.c - softmax and log softmax over the last axis. */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_softmax(jd_infer *c)
{
    if (c->in[0].rank < 1 || c->in[0].dtype == JD_I32)
        return jd__bad(c, "needs real scores (...,K); give it the output of a layer");
    if (c->in[0].dim[c->in[0].rank - 1] < 1) return jd__bad(c, "the last axis is empty; it needs at least one class");
    c->out[0] = c->in[0];
    return JD_OK;
}

static void grad_softmax(const jd_rule *c)
{
    const jd_softmax_attr *a = c->attr;
    const jd_node y = c->out[0], dy = c->dout[0];
    const unsigned last = JD_AXIS(jd_rank(c->g, y) - 1);
    if (a->log) { /* dx = dy - softmax sum(dy) */
        c->din[0] = jd_sub(c->g, dy, jd_mul(c->g, jd_exp(c->g, y), jd_sum(c->g, dy, last, true)));
    } else { /* dx = y (dy - sum(y dy)) */
        c->din[0] = jd_mul(c->g, y, jd_sub(c->g, dy, jd_sum(c->g, jd_mul(c->g, y, dy), last, true)));
    }
}

static jd_node add_softmax(jd_graph *g, jd_node x, int32_t log)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_softmax, &(jd_softmax_attr){log}, &x, 1, NULL);
}

jd_node jd_softmax(jd_graph *g, jd_node x)
{
    return add_softmax(g, x, 0);
}

jd_node jd_log_softmax(jd_graph *g, jd_node x)
{
    return add_softmax(g, x, 1);
}

#define JD_SELF "ops/softmax.c"
#include "ops/twice.h"

const jd_op jd__op_softmax = {.name = "softmax",
                              .doc = "softmax or log softmax over the last axis",
                              .attr_bytes = sizeof(jd_softmax_attr),
                              .infer = infer_softmax,
                              .grad = grad_softmax,
                              .ref = {softmax_f32, softmax_f64}};
#else

static void FN(softmax)(const jd_call *c, const jd_worker *w)
{
    const jd_softmax_attr *a = c->attr;
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *x = (const REAL *)c->in[0] + r * (size_t)K;
        REAL *y = (REAL *)c->out[0] + r * (size_t)K, max = x[0], sum = 0;
        for (int64_t k = 1; k < K; k++)
            if (x[k] > max) max = x[k];
        for (int64_t k = 0; k < K; k++) {
            y[k] = R_EXP(x[k] - max);
            sum += y[k];
        }
        const REAL scale = 1 / sum, lse = R_LOG(sum);
        for (int64_t k = 0; k < K; k++) y[k] = a->log ? x[k] - max - lse : y[k] * scale;
    }
}
#endif
