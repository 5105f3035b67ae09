/*
 * mdlstm.c - the LSTM in one, two or three dimensions: Graves, Fernandez and Schmidhuber, ICANN 2007.  At point p, with
 * predecessors p-e in the n dimensions (outside the grid: h = c = 0):
 *
 *     i   = sigma(Wi x + sum_e Ri^e h_{p-e} + sum_e pi c_{p-e} + bi)
 *     f^e = sigma(Wf^e x + sum_e' Rf^{e,e'} h_{p-e'} + pf^e c_{p-e} + bf^e)
 *     z   = g(Wz x + sum_e Rz^e h_{p-e} + bz)          c = z i + sum_e f^e c_{p-e}
 *     o   = sigma(Wo x + sum_e Ro^e h_{p-e} + po c + bo)     h = o squash(c)
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/mdlstm.h"
#include "ops/real.h"

static jd_status infer_mdlstm(jd_infer *c)
{
    const jd_mdlstm_attr *a = c->attr;
    const jd_type *x = &c->in[0];
    const int n = a->n;
    if (n < 1 || n > JD_MD_DIMS || x->rank != n + 2 || x->dtype == JD_I32)
        return jd__bad(c, "x must be real with the shape (B,d1..dn,N), n from 1 to 3; reshape or transpose it");
    if (!a->directions || a->directions >> (1 << n))
        return jd__bad(c, "directions must name some of the 2^%d scans: bits 0 to %d", n, (1 << n) - 1);
    const int64_t D = __builtin_popcount(a->directions), B = x->dim[0], N = x->dim[n + 1];
    if (c->in[3].rank != 2 || c->in[3].dim[1] % n || c->in[3].dim[1] < n)
        return jd__bad(c, "R must have the shape (D G,n H), G = (n+3) H");
    const int64_t H = c->in[3].dim[1] / n, G = D * (n + 3) * H;
    if (jd__rec_want(c, 1, "size", true, JD_I32, JD_DIMS(B, n)) ||
        jd__rec_want(c, 2, "W", false, x->dtype, JD_DIMS(G, N)) ||
        jd__rec_want(c, 3, "R", false, x->dtype, JD_DIMS(G, n * H)) ||
        jd__rec_want(c, 4, "b", false, x->dtype, JD_DIMS(G)) ||
        jd__rec_want(c, 5, "peep", true, x->dtype, JD_DIMS(D * (n + 2) * H)))
        return JD_EUSAGE;
    /* The kernels number steps and lanes with 32 bits. */
    int64_t points = B;
    bool fits = true;
    for (int e = 1; e <= n; e++) fits = fits && !__builtin_mul_overflow(points, x->dim[e], &points);
    fits = fits && !__builtin_mul_overflow(points, n * H + JD_MD_OVER, &points);
    if (!fits || points > INT32_MAX)
        return jd__bad(c, "2^31 or more states (points times n H); cut the batch or the images");
    c->nout = 3;
    for (int k = 0; k < 3; k++) c->out[k] = *x;
    c->out[0].dim[n + 1] = c->out[2].dim[n + 1] = D * H;
    c->out[1].dim[n + 1] = G;
    return JD_OK;
}

static void grad_mdlstm(const jd_rule *c)
{
    jd_node in[10], out[5];
    jd_mdlstm_attr a = *(const jd_mdlstm_attr *)c->attr;
    a.need_dx = c->need[0];
    if (!c->dout[0].id) return;
    for (int i = 0; i < 6; i++) in[i] = c->in[i];
    for (int i = 0; i < 3; i++) in[6 + i] = c->out[i];
    in[9] = c->dout[0];
    if (!jd__add(c->g, JD_OP_mdlstm_grad, &a, in, 10, out).id) return;
    static const int of[5] = {0, 2, 3, 4, 5};
    for (int k = 0; k < 5; k++)
        if (c->need[of[k]]) c->din[of[k]] = out[k];
}

static jd_node squash_node(jd_graph *g, int kind, jd_node x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return jd_affine(g, jd_sigmoid(g, x), 4, -2);
    case JD_SQUASH_2SIGM1: return jd_affine(g, jd_sigmoid(g, x), 2, -1);
    default: return jd_tanh(g, x);
    }
}

/* The extents of all samples in dimension e, int32 (B). */
static jd_node extent(jd_graph *g, jd_node size, int e)
{
    return jd_reshape(g, jd_slice(g, size, 1, e, 1), JD_DIMS(jd_dim(g, size, 0)));
}

/* x (B,d1..dn,C) with the samples' own points in reverse order along the dimensions of direction s. */
static jd_node turned(jd_graph *g, jd_node x, jd_node size, int n, int s)
{
    for (int e = 0; e < n; e++) {
        if (!(s >> e & 1)) continue;
        int there[JD_MAX_RANK], back[JD_MAX_RANK];
        there[0] = e + 1;
        there[1] = 0;
        for (int i = 1, k = 2; i < n + 2; i++)
            if (i != e + 1) there[k++] = i;
        for (int i = 0; i < n + 2; i++) back[there[i]] = i;
        x = jd_reverse(g, jd_transpose(g, x, there), size.id ? extent(g, size, e) : JD_NONE);
        x = jd_transpose(g, x, back);
    }
    return x;
}

/* 1 at the samples' own points: (B,d1..dn,1). */
static jd_node inside(jd_graph *g, const jd_type *x, jd_node size, int n)
{
    jd_node all = JD_NONE;
    for (int e = 0; e < n; e++) {
        jd_dims line = {n + 2, {1, 1, 1, 1, 1}}, column = line;
        line.dim[e + 1] = x->dim[e + 1];
        column.dim[0] = x->dim[0];
        const jd_node at = jd_reshape(g, jd_affine(g, jd_real_of(g, jd_iota(g, x->dim[e + 1])), 1, 0.5), line);
        const jd_node in = jd_greater(g, jd_reshape(g, jd_real_of(g, extent(g, size, e)), column), at);
        all = all.id ? jd_mul(g, all, in) : in;
    }
    return all;
}

/* One point of one direction: h and c from those of the predecessors (null: outside the grid). */
static void point(const jd_rule *c, int d, jd_node pre, const jd_node *R, const jd_node *peep, const jd_node *h,
                  const jd_node *cell, jd_node *h_out, jd_node *c_out)
{
    jd_graph *g = c->g;
    const jd_mdlstm_attr *a = c->attr;
    const int n = a->n;
    const int64_t H = jd_dim(g, c->in[3], 1) / n;
    jd_node gate[JD_MD_DIMS + 3];
    (void)d;
    for (int e = 0; e < n; e++)
        if (h[e].id) pre = jd_add(g, pre, jd_matmul(g, h[e], R[e], .tb = true));
    for (int k = 0; k < n + 3; k++) gate[k] = jd_slice(g, pre, 1, k * H, H);
    for (int e = 0; e < n && peep[0].id; e++) {
        if (!cell[e].id) continue;
        gate[0] = jd_add(g, gate[0], jd_mul(g, peep[0], cell[e]));
        gate[1 + e] = jd_add(g, gate[1 + e], jd_mul(g, peep[1 + e], cell[e]));
    }
    jd_node next = jd_mul(g, squash_node(g, a->in_squash, gate[n + 1]), jd_sigmoid(g, gate[0]));
    for (int e = 0; e < n; e++)
        if (cell[e].id) next = jd_add(g, next, jd_mul(g, cell[e], jd_sigmoid(g, gate[1 + e])));
    if (peep[0].id) gate[n + 2] = jd_add(g, gate[n + 2], jd_mul(g, peep[n + 1], next));
    *h_out = jd_mul(g, jd_sigmoid(g, gate[n + 2]), squash_node(g, a->out_squash, next));
    *c_out = next;
}

/* The scan of direction number d, with the outputs in place: (B,d1..dn,H), not masked. */
static jd_node scan(const jd_rule *c, int d, int s)
{
    jd_graph *g = c->g;
    const int n = ((const jd_mdlstm_attr *)c->attr)->n;
    const jd_type x = *jd_type_of(g, c->in[0]);
    const int64_t H = jd_dim(g, c->in[3], 1) / n, G = (n + 3) * H, B = x.dim[0], N = x.dim[n + 1];
    size_t ext[JD_MD_DIMS] = {1, 1, 1}, at[JD_MD_DIMS] = {0}, stride[JD_MD_DIMS] = {0}, P = 1;
    for (int e = n; e-- > 0;) {
        ext[e] = (size_t)x.dim[e + 1];
        stride[e] = P;
        P *= ext[e];
    }
    jd_node R[JD_MD_DIMS], peep[JD_MD_DIMS + 2] = {{0}};
    const jd_node rows = jd_slice(g, c->in[3], 0, d * G, G);
    for (int e = 0; e < n; e++) R[e] = jd_slice(g, rows, 1, e * H, H);
    for (int k = 0; c->in[5].id && k < n + 2; k++) peep[k] = jd_slice(g, c->in[5], 0, (d * (n + 2) + k) * H, H);
    const jd_node flat = jd_reshape(g, turned(g, c->in[0], c->in[1], n, s), JD_DIMS(B * (int64_t)P, N));
    jd_node pre = jd_matmul(g, flat, jd_slice(g, c->in[2], 0, d * G, G), .tb = true);
    pre = jd_reshape(g, jd_add(g, pre, jd_slice(g, c->in[4], 0, d * G, G)), JD_DIMS(B, (int64_t)P, G));
    jd_node *h = jd__graph_alloc(g, 2 * P * sizeof *h), *cell = h + P;
    if (!h || !P) return JD_NONE;
    size_t p = 0;
    do {
        jd_node before[JD_MD_DIMS] = {{0}}, old[JD_MD_DIMS] = {{0}};
        for (int e = 0; e < n; e++) {
            if (!at[e]) continue;
            before[e] = h[p - stride[e]];
            old[e] = cell[p - stride[e]];
        }
        const jd_node here = jd_reshape(g, jd_slice(g, pre, 1, (int64_t)p, 1), JD_DIMS(B, G));
        point(c, d, here, R, peep, before, old, &h[p], &cell[p]);
        p++;
    } while (jd__md_next(ext, at));
    for (p = 0; p < P; p++) h[p] = jd_reshape(g, h[p], JD_DIMS(B, 1, H));
    jd_type shape = x;
    shape.dim[n + 1] = H;
    const jd_node y = jd_reshape(g, jd_concat(g, h, (int)P, 1), jd__dims(&shape));
    return turned(g, y, c->in[1], n, s);
}

static void decompose_mdlstm(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_mdlstm_attr *a = c->attr;
    const jd_type x = *jd_type_of(g, c->in[0]);
    jd_node y[JD_MD_DIRS], mask = JD_NONE;
    int D = 0;
    if (c->in[1].id) mask = inside(g, &x, c->in[1], a->n);
    for (int s = 0; s < JD_MD_DIRS; s++) {
        if (!(a->directions >> s & 1)) continue;
        y[D] = scan(c, D, s);
        D++;
    }
    jd_node all = jd_concat(g, y, D, a->n + 1);
    if (mask.id) all = jd_where(g, mask, all, jd_const(g, 0, jd__dims(jd_type_of(g, all))));
    c->out[0] = all;
}

static double flop_mdlstm(const jd_call *c)
{
    const jd_md z = jd__md(c);
    return 2. * (double)(z.B * z.P) * (double)((size_t)z.D * z.G) * (double)(z.N + (size_t)z.n * z.H);
}

static size_t scratch_mdlstm(const jd_call *c, int threads)
{
    const jd_md z = jd__md(c);
    jd_md_space s;
    return jd__md_space(&z, false, threads, NULL, &s);
}

static void side_space(const jd_md *z, bool grad, jd_carve *m, jd_md_side *s)
{
    const size_t F = sizeof(float), n = (size_t)z->n, width = (jd__md_width(z) + JD_MD_OVER) * F;
    s->row = jd__carve(m, jd__md_lines(z) * jd__md_samples(z) * sizeof(ptrdiff_t));
    for (int k = 0; k < 2; k++) {
        s->h[k] = jd__carve(m, grad ? jd__md_back(z) * F : width);
        s->c[k] = jd__carve(m, grad ? n * width : width);
        if (grad) s->cell[k] = jd__carve(m, width);
    }
    if (grad) s->total = jd__carve(m, (2 * n + 5) * width);
    const size_t flat = jd__md_flat(z) * F;
    s->at = jd__carve(m, jd__md_group(z) * sizeof *s->at);
    s->peep = jd__carve(m, (n + 2) * flat);
    s->pre = jd__carve(m, jd__md_group(z) * jd__md_row(z->G) * F);
    s->gates = jd__carve(m, (n + 3) * flat);
    s->old = jd__carve(m, n * flat);
    if (!grad) return;
    s->flow = jd__carve(m, n * flat);
    s->dh = jd__carve(m, n * flat);
    s->delta = jd__carve(m, (n + 3) * flat);
    s->dy = jd__carve(m, flat);
}

size_t jd__md_own(const jd_md *z, bool grad, void *base, jd_md_own *o)
{
    jd_carve m = {base, 0};
    const size_t F = sizeof(float), n = (size_t)z->n, K = z->N + n * z->H, over = JD_MD_OVER;
    const size_t lanes = jd__md_lines(z) * jd__md_samples(z), group = jd__md_group(z);
    memset(o, 0, sizeof *o);
    o->first = jd__carve(&m, lanes * sizeof(int32_t));
    o->last = jd__carve(&m, lanes * sizeof(int32_t));
    o->low = jd__carve(&m, lanes);
    o->high = jd__carve(&m, lanes);
    side_space(z, grad, &m, &o->side);
    o->at = jd__carve(&m, group * sizeof *o->at);
    if (!grad) o->in = jd__carve(&m, (group * K + over) * F);
    o->zero = jd__carve(&m, ((z->G > z->N ? z->G : z->N) + over) * F);
    if (!grad) return m.used;
    o->rows_a = jd__carve(&m, (JD_MD_BLOCK * z->G + over) * F);
    o->rows_b = jd__carve(&m, (JD_MD_BLOCK * jd__packed_floats(1, 1, K) + over) * F);
    return m.used;
}

size_t jd__md_space(const jd_md *z, bool grad, int threads, void *base, jd_md_space *s)
{
    jd_carve m = {base, 0};
    const size_t F = sizeof(float), nH = (size_t)z->n * z->H, K = z->N + nH, DG = (size_t)z->D * z->G;
    jd_md_own o;
    memset(s, 0, sizeof *s);
    s->weights_step = jd__packed_floats(grad ? z->G : K, 1, grad ? nH : z->G);
    s->weights = jd__carve(&m, F * s->weights_step * (size_t)z->D);
    if (grad) {
        if (z->errors) s->delta = jd__carve(&m, F * z->B * z->P * DG);
        s->sums = jd__carve(&m, F * (size_t)z->D * z->B * jd__md_sums(z));
        s->product = jd__carve(&m, F * DG * K * jd__md_parts(z));
        s->gemm = jd__carve(&m, jd__gemm_scratch((int64_t)(z->B * z->P), (int64_t)z->N, (int64_t)z->G, threads));
    }
    s->each = jd__md_own(z, grad, NULL, &o);
    s->own = jd__carve(&m, s->each * (size_t)threads);
    return m.used;
}

jd_mdlstm_out jd_mdlstm_raw(jd_graph *g, jd_mdlstm_args a)
{
    jd_node out[3] = {{0}};
    if (jd_error(jd_graph_ctx(g)) || !a.x.id) return (jd_mdlstm_out){0};
    const int n = jd_rank(g, a.x) - 2;
    const unsigned all = n >= 1 && n <= JD_MD_DIMS ? (1u << (1 << n)) - 1 : 0;
    if (a.directions & ~all || !(a.clip >= 0)) {
        jd_fail(g->ctx, JD_EUSAGE,
                "mdlstm: directions %#x and clip %g do not fit input of rank %d; rank n + 2 allows "
                "the bits 0 to 2^n - 1 and a clip of at least 0",
                a.directions, a.clip, n + 2);
        return (jd_mdlstm_out){0};
    }
    const jd_mdlstm_attr attr = {.n = (uint8_t)n,
                                 .directions = (uint8_t)(a.directions ? a.directions : all),
                                 .in_squash = (uint8_t)a.in_squash,
                                 .out_squash = (uint8_t)a.out_squash,
                                 .clip = (float)a.clip};
    const jd_node in[6] = {a.x, a.size, a.W, a.R, a.b, a.peep};
    if (!jd__add(g, JD_OP_mdlstm, &attr, in, 6, out).id) return (jd_mdlstm_out){0};
    return (jd_mdlstm_out){out[0], jd_stop(g, out[1]), jd_stop(g, out[2])};
}

#define JD_SELF "ops/mdlstm.c"
#include "ops/twice.h"

const jd_op jd__op_mdlstm = {.name = "mdlstm",
                             .doc = "LSTM in one to three dimensions, all scan directions",
                             .attr_bytes = sizeof(jd_mdlstm_attr),
                             .infer = infer_mdlstm,
                             .grad = grad_mdlstm,
                             .decompose = decompose_mdlstm,
                             .scratch = scratch_mdlstm,
                             .flop = flop_mdlstm,
                             .ref = {mdlstm_f32, mdlstm_f64}};
#else
#include "ops/squash.h"

/* One point of direction number d; row: its place in the arrays, before[e]: that of the predecessor in dimension e. */
static void FN(mdlstm_point)(const jd_call *c, const jd_md *z, size_t d, size_t row, const size_t *before)
{
    const jd_mdlstm_attr *a = c->attr;
    const size_t n = (size_t)z->n, H = z->H, G = z->G, D = (size_t)z->D;
    const REAL *x = (const REAL *)c->in[0] + row * z->N, *W = (const REAL *)c->in[2] + d * G * z->N;
    const REAL *R = (const REAL *)c->in[3] + d * G * n * H, *bias = (const REAL *)c->in[4] + d * G;
    const REAL *peep = c->in[5] ? (const REAL *)c->in[5] + d * (n + 2) * H : NULL;
    REAL *y = c->out[0], *gates = (REAL *)c->out[1] + (row * D + d) * G, *cells = c->out[2];
    for (size_t k = 0; k < G; k++) {
        REAL sum = bias[k];
        for (size_t j = 0; j < z->N; j++) sum += W[k * z->N + j] * x[j];
        for (size_t e = 0; e < n; e++)
            for (size_t j = 0; before[e] != SIZE_MAX && j < H; j++)
                sum += R[(k * n + e) * H + j] * y[(before[e] * D + d) * H + j];
        gates[k] = sum;
    }
    for (size_t u = 0; u < H; u++) {
        REAL *i = gates + u, *in = gates + (n + 1) * H + u, *o = in + H, old[JD_MD_DIMS] = {0};
        for (size_t e = 0; e < n; e++) {
            if (before[e] != SIZE_MAX) old[e] = cells[(before[e] * D + d) * H + u];
            if (peep) *i += peep[u] * old[e];
        }
        *i = R_SIGMOID(*i);
        *in = FN(squash)(a->in_squash, *in);
        REAL next = *in * *i;
        for (size_t e = 0; e < n; e++) {
            REAL *f = gates + (1 + e) * H + u;
            *f = R_SIGMOID(*f + (peep ? peep[(1 + e) * H + u] * old[e] : 0));
            next += old[e] * *f;
        }
        *o = R_SIGMOID(*o + (peep ? peep[(n + 1) * H + u] * next : 0));
        cells[(row * D + d) * H + u] = next;
        y[(row * D + d) * H + u] = *o * FN(squash)(a->out_squash, next);
    }
}

static void FN(mdlstm)(const jd_call *c, const jd_worker *w)
{
    jd_md z = jd__md(c);
    z.size = c->in[1];
    if (w->id) return;
    for (int k = 0; k < 3; k++) memset(c->out[k], 0, (size_t)jd__count(&c->out_type[k]) * sizeof(REAL));
    for (size_t b = 0; b < z.B; b++) {
        size_t ext[JD_MD_DIMS];
        if (!jd__md_extent(&z, b, ext)) continue;
        for (int d = 0; d < z.D; d++) {
            size_t at[JD_MD_DIMS] = {0};
            do {
                size_t before[JD_MD_DIMS];
                for (int e = 0; e < z.n; e++) {
                    size_t p[JD_MD_DIMS] = {at[0], at[1], at[2]};
                    before[e] = p[e]-- ? b * z.P + jd__md_place(&z, z.dir[d], ext, p) : SIZE_MAX;
                }
                FN(mdlstm_point)(c, &z, (size_t)d, b * z.P + jd__md_place(&z, z.dir[d], ext, at), before);
            } while (jd__md_next(ext, at));
        }
    }
}
#endif
