/* concat.c - values one after another along an axis.  A null operand pointer means that this part is in place already
 * (graph/memory.c lets producers write straight into the result). */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    const int axis = ((const jd_slice_attr *)c->attr)->axis;
    if (axis < 0 || axis >= c->in[0].rank)
        return jd__bad(c, "axis %d does not exist; use 0..%d", axis, c->in[0].rank - 1);
    c->out[0] = c->in[0];
    for (int k = 1; k < c->nin; k++) {
        bool fits = c->in[k].rank == c->in[0].rank && c->in[k].dtype == c->in[0].dtype;
        for (int i = 0; fits && i < c->in[0].rank; i++) fits = i == axis || c->in[k].dim[i] == c->in[0].dim[i];
        if (!fits) return jd__bad(c, "part %d does not fit the first: all dimensions but axis %d must agree", k, axis);
        c->out[0].dim[axis] += c->in[k].dim[axis];
    }
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const int axis = ((const jd_slice_attr *)c->attr)->axis;
    int64_t at = 0;
    for (int k = 0; k < c->nin; k++) {
        const int64_t n = jd_dim(c->g, c->in[k], axis);
        if (c->need[k]) {
            /* The same value may stand twice: the gradients of both places add up. */
            c->din[k] = jd_slice(c->g, c->dout[0], axis, at, n);
        }
        at += n;
    }
}

#define JD_SELF "ops/concat.c"
#include "ops/twice.h"

const jd_op jd__op_concat = {.name = "concat",
                             .doc = "values one after another along an axis",
                             .attr_bytes = sizeof(jd_slice_attr),
                             .infer = infer,
                             .grad = grad,
                             .ref = {concat_f32, concat_f64}};

jd_node jd_concat(jd_graph *g, const jd_node *x, int n, int axis)
{
    if (!g) return JD_NONE;
    for (int i = 0; i < n; i++)
        if (!x[i].id) return JD_NONE;
    if (n < 1) {
        jd_fail(g->ctx, JD_EUSAGE, "%sconcat: no parts were given", g->scope);
        return JD_NONE;
    }
    if (axis < 0) axis += jd_rank(g, x[0]);
    return jd__add(g, JD_OP_concat, &(jd_slice_attr){.axis = axis}, x, n, NULL);
}

#else
static void FN(concat)(const jd_call *c, const jd_worker *w)
{
    const int axis = ((const jd_slice_attr *)c->attr)->axis;
    const jd_type *t = &c->out_type[0];
    size_t inner = t->dtype == JD_I32 ? sizeof(int32_t) : sizeof(REAL), outer = 1, at = 0;
    for (int i = 0; i < axis; i++) outer *= (size_t)t->dim[i];
    for (int i = axis + 1; i < t->rank; i++) inner *= (size_t)t->dim[i];
    const size_t row = (size_t)t->dim[axis] * inner;
    size_t begin, end;
    jd_share(w, outer, 1, &begin, &end);
    for (int k = 0; k < c->nin; k++) {
        const size_t n = (size_t)c->in_type[k].dim[axis] * inner;
        if (c->in[k] && n)
            for (size_t o = begin; o < end; o++)
                memcpy((char *)c->out[0] + o * row + at, (const char *)c->in[k] + o * n, n);
        at += n;
    }
}
#endif
