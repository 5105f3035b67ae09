/* broadcast.c - repetition along dimensions of size 1 and new leading dimensions. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"

typedef struct broadcast_attr {
    const jd_type *type;
} broadcast_attr;

static jd_status infer(jd_infer *c)
{
    const jd_type *t = ((const broadcast_attr *)c->attr)->type, *x = &c->in[0];
    char want[64];
    c->out[0] = *t;
    c->out[0].dtype = x->dtype;
    for (int i = 0; i < x->rank; i++) {
        const int k = t->rank - x->rank + i;
        if (k < 0 || (x->dim[i] != 1 && x->dim[i] != t->dim[k]))
            return jd__bad(c, "cannot be repeated to %s: a dimension must be equal or 1", jd__shape_text(t, want));
    }
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    c->din[0] = jd_sum_to(c->g, c->dout[0], jd__dims(jd_type_of(c->g, c->in[0])));
}

#define JD_SELF "ops/broadcast.c"
#include "ops/twice.h"

const jd_op jd__op_broadcast = {.name = "broadcast",
                                .doc = "repeats along dimensions of size 1",
                                .attr_bytes = sizeof(broadcast_attr),
                                .infer = infer,
                                .grad = grad,
                                .ref = {broadcast_f32, broadcast_f64}};

jd_node jd_broadcast_to(jd_graph *g, jd_node x, jd_dims shape)
{
    if (!x.id || !jd__shape_ok(g, "jd_broadcast_to", &shape, 0)) return JD_NONE;
    const jd_type *have = jd_type_of(g, x);
    bool same = have->rank == shape.rank;
    for (int i = 0; same && i < shape.rank; i++) same = have->dim[i] == shape.dim[i];
    if (same) return x;
    jd_type *t = jd__graph_alloc(g, sizeof *t);
    if (!t) return JD_NONE;
    t->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) t->dim[i] = shape.dim[i];
    return jd__add(g, JD_OP_broadcast, &(broadcast_attr){t}, &x, 1, NULL);
}

#else
static void FN(broadcast)(const jd_call *c, const jd_worker *w)
{
    const jd_type *t = &c->out_type[0], *s = &c->in_type[0];
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    int64_t stride[JD_MAX_RANK] = {0}, step = 1;
    for (int i = s->rank; i-- > 0;) {
        stride[t->rank - s->rank + i] = s->dim[i] == 1 ? 0 : step;
        step *= s->dim[i];
    }
    /* The last dimensions that are all repeated, or all copied, are one run. */
    int d = t->rank;
    bool found = false, repeat = true;
    size_t run = 1;
    for (; d > 0; d--) {
        const bool again = stride[d - 1] == 0;
        if (t->dim[d - 1] != 1) {
            if (found && again != repeat) break;
            found = true;
            repeat = again;
        }
        run *= (size_t)t->dim[d - 1];
    }
    size_t begin, end;
    jd_share(w, (size_t)jd__count(t), 64, &begin, &end);
    for (size_t e = begin, n; e < end; e += n) {
        const size_t inside = e % run;
        n = run - inside < end - e ? run - inside : end - e;
        int64_t rest = (int64_t)(e / run), at = 0;
        for (int i = d; i-- > 0; rest /= t->dim[i]) at += rest % t->dim[i] * stride[i];
        if (repeat)
            for (size_t k = 0; k < n; k++) y[e + k] = x[at];
        else
            memcpy(y + e, x + at + inside, n * sizeof(REAL));
    }
}
#endif
