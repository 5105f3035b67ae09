/* sum.c - sums over axes, means, and the adjoint of broadcasting. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"
#include "ops/sum.h"

static jd_status infer(jd_infer *c)
{
    const jd_sum_attr *a = c->attr;
    jd_type *out = &c->out[0];
    if (c->in[0].dtype == JD_I32) return jd__bad(c, "needs a real operand; convert with jd_real_of");
    out->dtype = c->in[0].dtype;
    for (int i = 0; i < c->in[0].rank; i++) {
        if (!(a->axes & JD_AXIS(i)))
            out->dim[out->rank++] = c->in[0].dim[i];
        else if (a->keep)
            out->dim[out->rank++] = 1;
    }
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const jd_sum_attr *a = c->attr;
    const jd_type *t = jd_type_of(c->g, c->in[0]);
    jd_dims kept = jd__dims(t);
    for (int i = 0; i < t->rank; i++)
        if (a->axes & JD_AXIS(i)) kept.dim[i] = 1;
    c->din[0] = jd_broadcast_to(c->g, jd_reshape(c->g, c->dout[0], kept), jd__dims(t));
}

bool jd__sum_pattern(const jd_call *c, int64_t *outer, int64_t *rows, int64_t *inner)
{
    const unsigned axes = ((const jd_sum_attr *)c->attr)->axes;
    const jd_type *t = &c->in_type[0];
    int i = 0;
    *outer = *rows = *inner = 1;
    for (; i < t->rank && (!(axes & JD_AXIS(i)) || t->dim[i] == 1); i++) *outer *= t->dim[i];
    for (; i < t->rank && (axes & JD_AXIS(i) || t->dim[i] == 1); i++) *rows *= t->dim[i];
    for (; i < t->rank && (!(axes & JD_AXIS(i)) || t->dim[i] == 1); i++) *inner *= t->dim[i];
    return i == t->rank;
}

static size_t scratch(const jd_call *c, int threads)
{
    int64_t outer, rows, inner;
    (void)threads;
    if (!jd__sum_pattern(c, &outer, &rows, &inner) || outer != 1) return 0;
    const int64_t n = inner == 1 ? rows / JD_SUM_PIECE + 1 : (rows / JD_SUM_BLOCK + 1) * inner;
    return (size_t)n * sizeof(float);
}

#define JD_SELF "ops/sum.c"
#include "ops/twice.h"

const jd_op jd__op_sum = {.name = "sum",
                          .doc = "the sum over some axes",
                          .attr_bytes = sizeof(jd_sum_attr),
                          .infer = infer,
                          .grad = grad,
                          .scratch = scratch,
                          .ref = {sum_f32, sum_f64}};

/* Axes of length 1 hold nothing to add: the sum over them is another view. */
static bool is_view(const jd_type *t, unsigned axes)
{
    for (int i = 0; i < t->rank; i++)
        if (axes & JD_AXIS(i) && t->dim[i] != 1) return false;
    return t->dtype != JD_I32;
}

static jd_node without_axes(jd_graph *g, jd_node x, const jd_type *t, unsigned axes)
{
    jd_dims left = {0};
    for (int i = 0; i < t->rank; i++)
        if (!(axes & JD_AXIS(i))) left.dim[left.rank++] = t->dim[i];
    return jd_reshape(g, x, left);
}

jd_node jd_sum(jd_graph *g, jd_node x, unsigned axes, bool keep)
{
    if (!x.id) return JD_NONE;
    const jd_type *t = jd_type_of(g, x);
    if (axes != JD_ALL_AXES && t->rank > 0 && t->rank < JD_MAX_RANK && axes >> t->rank) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "jd_sum: axes 0x%x of a value of rank %d; give JD_AXIS(0) to JD_AXIS(%d), or JD_ALL_AXES", axes,
                t->rank, t->rank - 1);
        return JD_NONE;
    }
    if (is_view(t, axes)) return keep ? x : without_axes(g, x, t, axes);
    return jd__add(g, JD_OP_sum, &(jd_sum_attr){axes, keep}, &x, 1, NULL);
}

jd_node jd_mean(jd_graph *g, jd_node x, unsigned axes, bool keep)
{
    if (!x.id) return JD_NONE;
    const jd_type *t = jd_type_of(g, x);
    double n = 1;
    for (int i = 0; i < t->rank; i++)
        if (axes & JD_AXIS(i)) n *= (double)t->dim[i];
    return jd_affine(g, jd_sum(g, x, axes, keep), n > 0 ? 1 / n : 0, 0);
}

jd_node jd_sum_to(jd_graph *g, jd_node x, jd_dims shape)
{
    if (!x.id) return JD_NONE;
    const jd_type *t = jd_type_of(g, x);
    unsigned axes = 0;
    const int lead = t->rank - shape.rank;
    for (int i = 0; i < t->rank; i++)
        if (i < lead || (shape.dim[i - lead] == 1 && t->dim[i] != 1)) axes |= JD_AXIS(i);
    const jd_node y = axes ? jd_sum(g, x, axes, true) : x;
    return lead ? jd_reshape(g, y, shape) : y;
}

#else
static void FN(sum)(const jd_call *c, const jd_worker *w)
{
    const jd_sum_attr *a = c->attr;
    const jd_type *t = &c->in_type[0];
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    int64_t stride[JD_MAX_RANK], n = 1;
    for (int i = t->rank; i-- > 0;) {
        stride[i] = (a->axes & JD_AXIS(i)) ? 0 : n;
        if (!(a->axes & JD_AXIS(i))) n *= t->dim[i];
    }
    if (w->id) return;
    for (int64_t i = 0; i < n; i++) y[i] = 0;
    const int64_t total = jd__count(t);
    for (int64_t e = 0; e < total; e++) {
        int64_t rest = e, at = 0;
        for (int i = t->rank; i-- > 0; rest /= t->dim[i]) at += rest % t->dim[i] * stride[i];
        y[at] += x[e];
    }
}
#endif
