/* pad.c - zeros before and after along one axis; the adjoint of slice. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    const jd_slice_attr *a = c->attr;
    if (c->in[0].dtype == JD_I32) return jd__bad(c, "needs a real operand; convert with jd_real_of");
    if (a->axis < 0 || a->axis >= c->in[0].rank)
        return jd__bad(c, "axis %d does not exist; use 0..%d", a->axis, c->in[0].rank - 1);
    if (a->begin < 0 || a->size < 0) return jd__bad(c, "the number of zeros must not be negative; use jd_slice to cut");
    c->out[0] = c->in[0];
    c->out[0].dim[a->axis] += a->begin + a->size;
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const jd_slice_attr *a = c->attr;
    c->din[0] = jd_slice(c->g, c->dout[0], a->axis, a->begin, jd_dim(c->g, c->in[0], a->axis));
}

#define JD_SELF "ops/pad.c"
#include "ops/twice.h"

const jd_op jd__op_pad = {.name = "pad",
                          .doc = "zeros before and after along one axis",
                          .attr_bytes = sizeof(jd_slice_attr),
                          .infer = infer,
                          .grad = grad,
                          .ref = {pad_f32, pad_f64}};

jd_node jd_pad(jd_graph *g, jd_node x, int axis, int64_t before, int64_t after)
{
    if (!x.id) return JD_NONE;
    if (axis < 0) axis += jd_rank(g, x);
    return jd__add(g, JD_OP_pad, &(jd_slice_attr){axis, before, after}, &x, 1, NULL);
}

#else
static void FN(pad)(const jd_call *c, const jd_worker *w)
{
    const jd_slice_attr *a = c->attr;
    const jd_type *t = &c->in_type[0];
    size_t inner = 1, outer = 1;
    for (int i = 0; i < a->axis; i++) outer *= (size_t)t->dim[i];
    for (int i = a->axis + 1; i < t->rank; i++) inner *= (size_t)t->dim[i];
    const size_t n = (size_t)t->dim[a->axis] * inner, before = (size_t)a->begin * inner,
                 after = (size_t)a->size * inner;
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    size_t begin, end;
    jd_share(w, outer, 1, &begin, &end);
    for (size_t o = begin; o < end; o++) {
        REAL *row = y + o * (before + n + after);
        if (before) memset(row, 0, before * sizeof *row);
        if (n) memcpy(row + before, x + o * n, n * sizeof *row);
        if (after) memset(row + before + n, 0, after * sizeof *row);
    }
}
#endif
