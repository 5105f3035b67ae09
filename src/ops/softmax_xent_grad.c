/* softmax_xent_grad.c - dlogits = (softmax - onehot(label)) dloss; 0 for a row whose label does not count. */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"

/* in: logits (...,K), labels (...), softmax (...,K), dloss (...); out: dlogits (...,K) */
static jd_status infer_xent_grad(jd_infer *c)
{
    c->out[0] = c->in[0];
    return JD_OK;
}

static void grad_xent_grad(const jd_rule *c)
{
    /* From the formula itself, with the softmax built anew from the logits, so that it can be differentiated again. */
    jd_graph *g = c->g;
    const jd_node labels = c->in[1], u = c->dout[0];
    const int rank = jd_rank(g, c->in[0]);
    const unsigned last = JD_AXIS(rank - 1);
    jd_dims column = jd__dims(jd_type_of(g, c->in[0]));
    column.dim[rank - 1] = 1;
    const jd_node p = jd_softmax(g, c->in[0]);
    const jd_node hot = jd_onehot(g, labels, jd_dim(g, c->in[0], -1));
    const jd_node counts = jd_greater(g, jd_real_of(g, labels), jd_const(g, -0.5, JD_SCALAR));
    if (c->need[3]) c->din[3] = jd_mul(g, counts, jd_sum(g, jd_mul(g, jd_sub(g, p, hot), u), last, false));
    if (c->need[0]) {
        const jd_node v = jd_mul(g, u, jd_reshape(g, jd_mul(g, counts, c->in[3]), column));
        c->din[0] = jd_mul(g, p, jd_sub(g, v, jd_sum(g, jd_mul(g, p, v), last, true)));
    }
}

#define JD_SELF "ops/softmax_xent_grad.c"
#include "ops/real.h"
#include "ops/twice.h"

const jd_op jd__op_softmax_xent_grad = {.name = "softmax_xent_grad",
                                        .doc = "gradient of softmax_xent with respect to the logits",
                                        .infer = infer_xent_grad,
                                        .grad = grad_xent_grad,
                                        .ref = {softmax_xent_grad_f32, softmax_xent_grad_f64}};
#else

static void FN(softmax_xent_grad)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    const int32_t *labels = c->in[1];
    const REAL *dloss = c->in[3];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *p = (const REAL *)c->in[2] + r * (size_t)K, d = dloss[r];
        REAL *dx = (REAL *)c->out[0] + r * (size_t)K;
        const bool counts = labels[r] >= 0 && labels[r] < K;
        for (int64_t k = 0; k < K; k++) dx[k] = counts ? (p[k] - (REAL)(k == labels[r])) * d : 0;
    }
}
#endif
