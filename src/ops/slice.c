/* slice.c - a part along one axis.  Along the outermost axis it is a view (graph/memory.c) and no kernel runs. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    const jd_slice_attr *a = c->attr;
    if (a->axis < 0 || a->axis >= c->in[0].rank)
        return jd__bad(c, "axis %d does not exist; use 0..%d", a->axis, c->in[0].rank - 1);
    if (a->begin < 0 || a->size < 0 || a->begin > c->in[0].dim[a->axis] - a->size)
        return jd__bad(c, "begin %lld and size %lld do not lie within %lld elements of axis %d", (long long)a->begin,
                       (long long)a->size, (long long)c->in[0].dim[a->axis], a->axis);
    c->out[0] = c->in[0];
    c->out[0].dim[a->axis] = a->size;
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const jd_slice_attr *a = c->attr;
    const int64_t n = jd_dim(c->g, c->in[0], a->axis);
    c->din[0] = jd_pad(c->g, c->dout[0], a->axis, a->begin, n - a->begin - a->size);
}

#define JD_SELF "ops/slice.c"
#include "ops/twice.h"

const jd_op jd__op_slice = {.name = "slice",
                            .doc = "a part along one axis",
                            .attr_bytes = sizeof(jd_slice_attr),
                            .infer = infer,
                            .grad = grad,
                            .ref = {slice_f32, slice_f64}};

jd_node jd_slice(jd_graph *g, jd_node x, int axis, int64_t begin, int64_t size)
{
    if (!x.id) return JD_NONE;
    if (axis < 0) axis += jd_rank(g, x);
    return jd__add(g, JD_OP_slice, &(jd_slice_attr){axis, begin, size}, &x, 1, NULL);
}

#else
static void FN(slice)(const jd_call *c, const jd_worker *w)
{
    const jd_slice_attr *a = c->attr;
    const jd_type *t = &c->in_type[0];
    size_t inner = c->out_type[0].dtype == JD_I32 ? sizeof(int32_t) : sizeof(REAL), outer = 1;
    for (int i = 0; i < a->axis; i++) outer *= (size_t)t->dim[i];
    for (int i = a->axis + 1; i < t->rank; i++) inner *= (size_t)t->dim[i];
    const char *x = c->in[0];
    char *y = c->out[0];
    const size_t from = (size_t)t->dim[a->axis] * inner, to = (size_t)a->size * inner;
    size_t begin, end;
    jd_share(w, outer, 1, &begin, &end);
    for (size_t o = begin; o < end && to; o++) memcpy(y + o * to, x + o * from + (size_t)a->begin * inner, to);
}
#endif
