/*
 * softmax_xent.c - cross entropy of softmax outputs with integer labels: -ln softmax(logits)[label].
 * A negative label marks a row that does not count: loss 0.  A label past the last class is a fault of the data; its
 * loss is NaN, which every check of a training run sees.
 */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

/* in: logits (...,K), labels int32 (...); out: loss (...), softmax (...,K) */
static jd_status infer_xent(jd_infer *c)
{
    const jd_type *x = &c->in[0], *l = &c->in[1];
    if (x->rank < 1 || x->dtype == JD_I32 || x->dim[x->rank - 1] < 1)
        return jd__bad(c, "needs real logits (...,K); give it the output of the last layer, before any softmax");
    if (l->rank < 0 || l->dtype != JD_I32) return jd__bad(c, "needs int32 labels, one for each row of logits");
    bool fits = l->rank == x->rank - 1;
    for (int i = 0; fits && i < l->rank; i++) fits = l->dim[i] == x->dim[i];
    if (!fits)
        return jd__bad(c, "the labels must have the shape of the logits without the last axis; reshape one of them");
    c->nout = 2;
    c->out[0] = *l;
    c->out[0].dtype = x->dtype;
    c->out[1] = *x;
    return JD_OK;
}

static void grad_xent(const jd_rule *c)
{
    if (!c->dout[0].id || !c->need[0]) return;
    c->din[0] =
        jd__add(c->g, JD_OP_softmax_xent_grad, NULL, (jd_node[]){c->in[0], c->in[1], c->out[1], c->dout[0]}, 4, NULL);
}

/* 1 where a label counts, else 0 */
static jd_node counts(jd_graph *g, jd_node labels)
{
    return jd_greater(g, jd_real_of(g, labels), jd_const(g, -0.5, JD_SCALAR));
}

jd_node jd_softmax_xent_each(jd_graph *g, jd_node logits, jd_node labels)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_softmax_xent, NULL, (jd_node[]){logits, labels}, 2, NULL);
}

jd_node jd_softmax_xent(jd_graph *g, jd_node logits, jd_node labels)
{
    const jd_node each = jd_softmax_xent_each(g, logits, labels);
    if (!each.id) return JD_NONE;
    const jd_node n = jd_sum(g, counts(g, labels), JD_ALL_AXES, false);
    return jd_div(g, jd_sum(g, each, JD_ALL_AXES, false), jd_max(g, n, jd_const(g, 1, JD_SCALAR)));
}

jd_node jd_sigmoid_xent_each(jd_graph *g, jd_node logits, jd_node targets)
{
    return jd_sub(g, jd_softplus(g, logits), jd_mul(g, logits, targets));
}

#define JD_SELF "ops/softmax_xent.c"
#include "ops/twice.h"

const jd_op jd__op_softmax_xent = {.name = "softmax_xent",
                                   .doc = "-ln softmax(logits)[label] for each row, and the softmax",
                                   .infer = infer_xent,
                                   .grad = grad_xent,
                                   .ref = {softmax_xent_f32, softmax_xent_f64}};
#else

static void FN(softmax_xent)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    const int32_t *labels = c->in[1];
    REAL *loss = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *x = (const REAL *)c->in[0] + r * (size_t)K;
        REAL *p = (REAL *)c->out[1] + r * (size_t)K, max = x[0], sum = 0;
        for (int64_t k = 1; k < K; k++)
            if (x[k] > max) max = x[k];
        for (int64_t k = 0; k < K; k++) {
            p[k] = R_EXP(x[k] - max);
            sum += p[k];
        }
        const REAL scale = 1 / sum;
        for (int64_t k = 0; k < K; k++) p[k] *= scale;
        loss[r] = labels[r] < 0 ? 0 : labels[r] >= K ? (REAL)NAN : R_LOG(sum) - (x[labels[r]] - max);
    }
}
#endif
