/* onehot.c - a row with a single 1 for each index; an index outside 0..depth-1 gives a row of zeros. */
#ifndef REAL
#include <string.h>

#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_onehot(jd_infer *c)
{
    const jd_depth_attr *a = c->attr;
    if (c->in[0].rank < 0 || c->in[0].dtype != JD_I32) return jd__bad(c, "needs int32 indices (...)");
    if (c->in[0].rank + 1 > JD_MAX_RANK) return jd__bad(c, "the result would have more than %d axes", JD_MAX_RANK);
    if (a->depth < 1 || a->depth > INT32_MAX)
        return jd__bad(c, "%lld classes; give a number from 1 to 2147483647", (long long)a->depth);
    c->out[0] = c->in[0];
    c->out[0].dtype = jd_real(c->g);
    c->out[0].dim[c->out[0].rank++] = a->depth;
    return JD_OK;
}

jd_node jd_onehot(jd_graph *g, jd_node index, int64_t depth)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_onehot, &(jd_depth_attr){depth}, &index, 1, NULL);
}

#define JD_SELF "ops/onehot.c"
#include "ops/twice.h"

const jd_op jd__op_onehot = {.name = "onehot",
                             .doc = "int32 (...) to real (...,depth), 1 at the index",
                             .attr_bytes = sizeof(jd_depth_attr),
                             .infer = infer_onehot,
                             .ref = {onehot_f32, onehot_f64}};
#else

static void FN(onehot)(const jd_call *c, const jd_worker *w)
{
    const jd_depth_attr *a = c->attr;
    const size_t depth = (size_t)a->depth;
    const int32_t *index = c->in[0];
    REAL *y = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->in_type[0]), 1, &begin, &end);
    memset(y + begin * depth, 0, (end - begin) * depth * sizeof *y);
    for (size_t i = begin; i < end; i++)
        if (index[i] >= 0 && index[i] < a->depth) y[i * depth + (size_t)index[i]] = 1;
}
#endif
