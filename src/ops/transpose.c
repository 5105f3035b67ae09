/* transpose.c - another order of the dimensions. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    const jd_transpose_attr *a = c->attr;
    unsigned seen = 0;
    c->out[0] = c->in[0];
    for (int i = 0; i < c->in[0].rank; i++) {
        if (a->perm[i] < 0 || a->perm[i] >= c->in[0].rank || seen & JD_AXIS(a->perm[i]))
            return jd__bad(c, "perm must name each of the %d dimensions once", c->in[0].rank);
        seen |= JD_AXIS(a->perm[i]);
        c->out[0].dim[i] = c->in[0].dim[a->perm[i]];
    }
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const jd_transpose_attr *a = c->attr;
    int back[JD_MAX_RANK] = {0};
    for (int i = 0; i < jd_rank(c->g, c->in[0]); i++) back[a->perm[i]] = i;
    c->din[0] = jd_transpose(c->g, c->dout[0], back);
}

#define JD_SELF "ops/transpose.c"
#include "ops/twice.h"

const jd_op jd__op_transpose = {.name = "transpose",
                                .doc = "another order of the dimensions",
                                .attr_bytes = sizeof(jd_transpose_attr),
                                .infer = infer,
                                .grad = grad,
                                .ref = {transpose_f32, transpose_f64}};

jd_node jd_transpose(jd_graph *g, jd_node x, const int *perm)
{
    if (!x.id) return JD_NONE;
    jd_transpose_attr a = {{0}};
    for (int i = 0; i < jd_rank(g, x); i++) a.perm[i] = (int8_t)perm[i];
    return jd__add(g, JD_OP_transpose, &a, &x, 1, NULL);
}

#else
/* `count` runs, `step` apart, one behind the other.  Runs of constant length are copied without a call. */
static void FN(copy_runs)(const REAL *x, int64_t step, size_t count, size_t run, REAL *y)
{
    for (size_t r = 0; r < count && run == 1; r++) y[r] = x[(int64_t)r * step];
    for (size_t r = 0; r < count && run == 4; r++) memcpy(y + 4 * r, x + (int64_t)r * step, 4 * sizeof *y);
    for (size_t r = 0; r < count && run != 1 && run != 4; r++)
        memcpy(y + r * run, x + (int64_t)r * step, run * sizeof *y);
}

/* Dimensions at the end that keep their place are copied as one run. */
static void FN(transpose)(const jd_call *c, const jd_worker *w)
{
    const jd_transpose_attr *a = c->attr;
    const jd_type *t = &c->out_type[0], *s = &c->in_type[0];
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    int64_t stride[JD_MAX_RANK], at[JD_MAX_RANK], n = 1, from = 0;
    for (int i = s->rank; i-- > 0; n *= s->dim[i]) stride[i] = n;
    int rank = t->rank;
    size_t run = 1, begin, end;
    while (rank > 0 && a->perm[rank - 1] == rank - 1) run *= (size_t)t->dim[--rank];
    jd_share(w, run ? (size_t)n / run : 0, run < 64 ? 64 : 1, &begin, &end);
    if (begin == end) return;
    int64_t rest = (int64_t)begin;
    for (int i = rank; i-- > 0; rest /= t->dim[i]) {
        at[i] = rest % t->dim[i];
        from += at[i] * stride[a->perm[i]];
    }
    for (size_t r = begin, count; r < end; r += count) {
        /* the rest of a line of runs */
        const int last = rank - 1;
        const size_t line = rank ? (size_t)(t->dim[last] - at[last]) : 1;
        count = end - r < line ? end - r : line;
        FN(copy_runs)(x + from, rank ? stride[a->perm[last]] : 0, count, run, y + r * run);
        if (r + count == end) return;
        from -= at[last] * stride[a->perm[last]];
        at[last] = 0;
        for (int i = last; i-- > 0;) {
            from += stride[a->perm[i]];
            if (++at[i] < t->dim[i]) break;
            from -= t->dim[i] * stride[a->perm[i]];
            at[i] = 0;
        }
    }
}
#endif
