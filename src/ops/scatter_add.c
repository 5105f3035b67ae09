/* scatter_add.c - the adjoint of gather: adds rows into a table by index.  Indices outside the table are left out. */
#ifndef REAL
#include <string.h>

#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_scatter(jd_infer *c)
{
    const jd_depth_attr *a = c->attr;
    const jd_type *rows = &c->in[0], *index = &c->in[1];
    if (rows->rank < 1 || rows->dtype == JD_I32) return jd__bad(c, "needs real rows (...,E)");
    bool fits = index->rank == rows->rank - 1 && index->dtype == JD_I32;
    for (int i = 0; fits && i < index->rank; i++) fits = index->dim[i] == rows->dim[i];
    if (!fits) return jd__bad(c, "needs int32 indices of the shape of the rows without the last axis");
    if (a->depth < 1 || a->depth > INT32_MAX)
        return jd__bad(c, "a table of %lld rows; give a number from 1 to 2147483647", (long long)a->depth);
    c->out[0] = (jd_type){rows->dtype, 2, {a->depth, rows->dim[rows->rank - 1]}};
    return JD_OK;
}

static void grad_scatter(const jd_rule *c)
{
    if (c->need[0]) c->din[0] = jd_gather(c->g, c->dout[0], c->in[1]);
}

jd_node jd_scatter_add(jd_graph *g, jd_node rows, jd_node index, int64_t V)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_scatter_add, &(jd_depth_attr){V}, (jd_node[]){rows, index}, 2, NULL);
}

#define JD_SELF "ops/scatter_add.c"
#include "ops/twice.h"

const jd_op jd__op_scatter_add = {.name = "scatter_add",
                                  .doc = "adds rows (...,E) into a table (V,E) by int32 index",
                                  .attr_bytes = sizeof(jd_depth_attr),
                                  .infer = infer_scatter,
                                  .grad = grad_scatter,
                                  .ref = {scatter_add_f32, scatter_add_f64}};
#else

/* Each member owns some rows of the table and adds to them in the order of the input, so the sums do not depend on how
 * many members there are. */
static void FN(scatter_add)(const jd_call *c, const jd_worker *w)
{
    const size_t E = (size_t)c->out_type[0].dim[1];
    const int64_t n = jd__count(&c->in_type[1]);
    const int32_t *index = c->in[1];
    REAL *table = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)c->out_type[0].dim[0], 1, &begin, &end);
    memset(table + begin * E, 0, (end - begin) * E * sizeof *table);
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || (size_t)index[i] < begin || (size_t)index[i] >= end) continue;
        const REAL *restrict x = (const REAL *)c->in[0] + (size_t)i * E;
        REAL *restrict y = table + (size_t)index[i] * E;
        for (size_t e = 0; e < E; e++) y[e] += x[e];
    }
}
#endif
