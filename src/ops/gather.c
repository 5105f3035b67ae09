/* gather.c - rows of a table by index.  An index outside the table gives a row of zeros, so -1 may pad. */
#ifndef REAL
#include <string.h>

#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_gather(jd_infer *c)
{
    const jd_type *table = &c->in[0], *index = &c->in[1];
    if (table->rank != 2 || table->dtype == JD_I32)
        return jd__bad(c, "needs a real table (V,E), one row for each symbol; reshape the table");
    if (index->rank < 0 || index->dtype != JD_I32) return jd__bad(c, "needs int32 indices (...)");
    if (index->rank + 1 > JD_MAX_RANK) return jd__bad(c, "the result would have more than %d axes", JD_MAX_RANK);
    c->out[0] = *index;
    c->out[0].dtype = table->dtype;
    c->out[0].dim[c->out[0].rank++] = table->dim[1];
    return JD_OK;
}

static void grad_gather(const jd_rule *c)
{
    if (c->need[0]) c->din[0] = jd_scatter_add(c->g, c->dout[0], c->in[1], jd_dim(c->g, c->in[0], 0));
}

jd_node jd_gather(jd_graph *g, jd_node table, jd_node index)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_gather, NULL, (jd_node[]){table, index}, 2, NULL);
}

#define JD_SELF "ops/gather.c"
#include "ops/twice.h"

const jd_op jd__op_gather = {.name = "gather",
                             .doc = "rows of a table (V,E) by int32 index",
                             .infer = infer_gather,
                             .grad = grad_gather,
                             .ref = {gather_f32, gather_f64}};
#else

static void FN(gather)(const jd_call *c, const jd_worker *w)
{
    const int64_t V = c->in_type[0].dim[0];
    const size_t E = (size_t)c->in_type[0].dim[1];
    const int32_t *index = c->in[1];
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->in_type[1]), 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        REAL *y = (REAL *)c->out[0] + i * E;
        if (index[i] >= 0 && index[i] < V)
            memcpy(y, (const REAL *)c->in[0] + (size_t)index[i] * E, E * sizeof *y);
        else
            memset(y, 0, E * sizeof *y);
    }
}
#endif
