/* recurrent.c - what the recurrent ops share; see recurrent.h. */
#include <string.h>

#include "graph/graph.h"
#include "ops/recurrent.h"

jd_type jd__rec_type(jd_dtype dtype, jd_dims shape)
{
    jd_type t;
    memset(&t, 0, sizeof t);
    t.dtype = dtype;
    t.rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) t.dim[i] = shape.dim[i];
    return t;
}

jd_type jd__rec_like(const jd_infer *c, int i)
{
    return c->in[i].rank < 0 ? jd__rec_type(c->in[0].dtype, JD_DIMS(0)) : c->in[i];
}

void jd__rec_grad(const jd_rule *c, jd_opcode back, const void *attr, int inputs, const int *kept, int nkept)
{
    enum { MOST = 12 };
    jd_node in[MOST], out[MOST];
    int n = 0;
    if (!c->dout[0].id && !c->dout[1].id) return;
    for (int i = 0; i < inputs; i++) in[n++] = c->in[i];
    for (int i = 0; i < nkept; i++) in[n++] = c->out[kept[i]];
    for (int i = 0; i < 2; i++) in[n++] = c->dout[i];
    if (!jd__add(c->g, back, attr, in, n, out).id) return;
    for (int i = 0, k = 0; i < inputs; i++) {
        if (i == 1) continue;
        if (c->need[i]) c->din[i] = out[k];
        k++;
    }
}

jd_status jd__rec_infer_grad(jd_infer *c, int n, bool need_dx)
{
    c->nout = n;
    for (int k = 0; k < n; k++) c->out[k] = jd__rec_like(c, k ? k + 1 : 0);
    if (!need_dx) c->out[0] = jd__rec_type(c->in[0].dtype, JD_DIMS(0));
    return JD_OK;
}

jd_status jd__rec_want(const jd_infer *c, int i, const char *what, bool optional, jd_dtype dtype, jd_dims shape)
{
    const jd_type *t = &c->in[i], want = jd__rec_type(dtype, shape);
    char text[64], have[64];
    if (t->rank < 0) {
        if (optional) return JD_OK;
        return jd__bad(c, "%s is missing; give it the shape %s", what, jd__shape_text(&want, text));
    }
    bool fits = t->rank == shape.rank && t->dtype == dtype;
    for (int k = 0; fits && k < shape.rank; k++) fits = t->dim[k] == shape.dim[k];
    if (fits) return JD_OK;
    if (t->dtype != dtype)
        return jd__bad(c, "%s has the wrong element type; it must be %s", what,
                       dtype == JD_I32 ? "int32" : "that of x");
    return jd__bad(c, "%s has the shape %s; it must be %s", what, jd__shape_text(t, have), jd__shape_text(&want, text));
}

jd_status jd__rec_want_sequence(const jd_infer *c)
{
    if (c->in[0].rank != 3 || c->in[0].dtype == JD_I32)
        return jd__bad(c, "x must be a real sequence (T,B,N); reshape or transpose it");
    return jd__rec_want(c, 1, "length", true, JD_I32, JD_DIMS(c->in[0].dim[1]));
}

jd_unroll jd__unroll(const jd_rule *c, bool reverse)
{
    const jd_type *x = jd_type_of(c->g, c->in[0]);
    jd_unroll u = {.g = c->g, .T = x->dim[0], .B = x->dim[1], .raw = c->in[1], .reverse = reverse};
    if (u.raw.id) u.length = jd_real_of(c->g, u.raw);
    return u;
}

jd_node jd__unroll_input(const jd_unroll *u, jd_node x, jd_node W, jd_node b)
{
    jd_graph *g = u->g;
    const int64_t N = jd_dim(g, x, 2), n = jd_dim(g, W, 0);
    if (u->reverse) x = jd_reverse(g, x, u->raw);
    const jd_node flat = jd_matmul(g, jd_reshape(g, x, JD_DIMS(u->T * u->B, N)), W, .tb = true);
    return jd_reshape(g, jd_add(g, flat, b), JD_DIMS(u->T, u->B, n));
}

jd_node jd__unroll_at(const jd_unroll *u, jd_node x, int64_t s)
{
    return jd_reshape(u->g, jd_slice(u->g, x, 0, s, 1), JD_DIMS(u->B, jd_dim(u->g, x, 2)));
}

jd_node jd__unroll_alive(const jd_unroll *u, int64_t s, jd_node now, jd_node otherwise)
{
    jd_graph *g = u->g;
    if (!u->length.id) return now;
    if (!otherwise.id) otherwise = jd_const(g, 0, JD_DIMS(u->B, jd_dim(g, now, 1)));
    const jd_node alive = jd_greater(g, u->length, jd_const(g, (double)s + 0.5, JD_SCALAR));
    return jd_where(g, jd_reshape(g, alive, JD_DIMS(u->B, 1)), now, otherwise);
}

jd_node jd__unroll_stack(const jd_unroll *u, jd_node *y)
{
    jd_graph *g = u->g;
    for (int64_t s = 0; s < u->T; s++) y[s] = jd_reshape(g, y[s], JD_DIMS(1, u->B, jd_dim(g, y[s], 1)));
    const jd_node all = jd_concat(g, y, (int)u->T, 0);
    return u->reverse ? jd_reverse(g, all, u->raw) : all;
}

size_t jd__rec_plan_bytes(size_t T, size_t B)
{
    /* Row pointers for a chunk of steps (x and gates), order and lengths of the samples, a histogram of the lengths. */
    return ((6 * B + 2 * 512) * sizeof(void *) + (4 * B + T + 8) * sizeof(int32_t) + 1024 + 63) / 64 * 64;
}

size_t jd__rec_space(const jd_call *c, int gates, bool grad, int threads, void *base, jd_rec_space *s)
{
    const jd_type *x = &c->in_type[0], *R = &c->in_type[3];
    const size_t T = (size_t)x->dim[0], B = (size_t)x->dim[1], N = (size_t)x->dim[2], G = (size_t)gates;
    const size_t H = (size_t)R->dim[0] / G, P = (size_t)R->dim[1], D = gates == 1 ? 1 : 4;
    const size_t F = sizeof(float), members = (size_t)threads, rows = T * B;
    const bool proj = gates == 4 && c->in_type[6].rank >= 0;
    jd_carve m = {base, 0};
    memset(s, 0, sizeof *s);
    s->plan_bytes = jd__rec_plan_bytes(T, B);
    s->plan = jd__carve(&m, s->plan_bytes * members);
    if (!grad) {
        s->w = jd__carve(&m, F * jd__packed_floats(N, G, H));
        s->r = jd__carve(&m, F * jd__packed_floats(P, G, H));
        if (proj) s->proj = jd__carve(&m, F * jd__packed_floats(H, 1, P));
        if (gates == 4) {
            s->start = jd__carve(&m, F * jd__packed_floats(1, G, H));
            s->pre = jd__carve(&m, F * JD_PRE_FLOATS * B * members);
        }
        return m.used;
    }
    s->w = jd__carve(&m, F * jd__packed_floats(D * H, 1, N));
    s->r = jd__carve(&m, F * jd__packed_floats(D * H, 1, P));
    if (gates == 3) s->r2 = jd__carve(&m, F * jd__packed_floats(H, 1, H));
    if (proj) s->proj = jd__carve(&m, F * jd__packed_floats(P, 1, H));
    s->delta = jd__carve(&m, F * rows * (D * H + JD_DELTA_PAD));
    s->dh = jd__carve(&m, F * B * jd__packed_floats(1, 1, P));
    s->dc = jd__carve(&m, F * B * H);
    s->sum = jd__carve(&m, F * B * (D * H + 3 * H));
    if (proj) {
        s->dr = jd__carve(&m, F * rows * P);
        s->dm = jd__carve(&m, F * B * H);
    }
    s->outer_floats = JD_OUTER_ROWS * (jd__packed_floats(1, 1, N) + jd__packed_floats(1, 1, P) +
                                       (proj ? jd__packed_floats(1, 1, H) : 0) + JD_OUTER_COLUMNS);
    s->outer = jd__carve(&m, F * s->outer_floats * members);
    return m.used;
}
