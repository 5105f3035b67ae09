/* reverse.c - sequences backwards, each within its own length. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    if (c->in[0].rank < 2 || c->in[0].dtype == JD_I32) return jd__bad(c, "needs a real sequence (T,B,...)");
    if (c->in[1].rank >= 0 && (c->in[1].rank != 1 || c->in[1].dtype != JD_I32 || c->in[1].dim[0] != c->in[0].dim[1]))
        return jd__bad(c, "the lengths must be int32 (B) with B = %lld", (long long)c->in[0].dim[1]);
    c->out[0] = c->in[0];
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    c->din[0] = jd_reverse(c->g, c->dout[0], c->in[1]);
}

#define JD_SELF "ops/reverse.c"
#include "ops/twice.h"

const jd_op jd__op_reverse = {.name = "reverse",
                              .doc = "sequences backwards, each within its own length",
                              .infer = infer,
                              .grad = grad,
                              .ref = {reverse_f32, reverse_f64}};

jd_node jd_reverse(jd_graph *g, jd_node x, jd_node length)
{
    if (!x.id) return JD_NONE;
    return jd__add(g, JD_OP_reverse, NULL, (const jd_node[]){x, length}, 2, NULL);
}

#else
static void FN(reverse)(const jd_call *c, const jd_worker *w)
{
    const jd_type *t = &c->in_type[0];
    const int32_t *length = c->in[1];
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    const size_t B = (size_t)t->dim[1], row = t->dim[0] ? (size_t)(jd__count(t) / t->dim[0]) : 0, n = B ? row / B : 0;
    size_t begin, end;
    jd_share(w, B, 1, &begin, &end);
    for (int64_t s = 0; s < t->dim[0]; s++)
        for (size_t b = begin; b < end; b++) {
            const int64_t len = length ? (length[b] < t->dim[0] ? length[b] : t->dim[0]) : t->dim[0];
            const int64_t from = s < len ? len - 1 - s : s;
            memcpy(y + (size_t)s * row + b * n, x + (size_t)from * row + b * n, n * sizeof *y);
        }
}
#endif
