/*
 * mdlstm_grad.c - back-propagation through the multi-dimensional LSTM, diagonals in reverse.  The errors of a diagonal's
 * panel, times R', wait in its states for the predecessors to take them.  The errors are kept in the order of the arrays;
 * the weight gradients and dx are products after the scans.
 *
 * Order of the sums over points: weight gradients, by place and then sample when all samples have the full size, else by
 * sample and then scan order; biases and peepholes, scan order backwards for each sample, then over the samples.  For one
 * dimension this is lstm_grad.c's order.
 */
#include "cpu/cpu.h"
#include "cpu/gemm.h"
#include "cpu/squash.h"
#include "cpu/wave.h"

enum { L = JD_MD_LANES, LIST = 4 };

typedef struct mdback {
    jd_wave v;
    jd_md_space s;
    const jd_mdlstm_attr *a;
    const float *peep, *x, *y, *gates, *cells, *dy;
    size_t H, N, K, nH, step;
} mdback;

/* What one vector of points needs; matrices (rows,16), at unit u. */
typedef struct place {
    const float *g, *cell, *old, *dy, *dh, *dc; /* dh, dc: one matrix for each dimension */
    float *delta, *back;
} place;

JD_INLINE void error_step(const mdback *m, const int n, const bool plain, const float *peep, const place *p)
{
    const size_t H = m->H, gate = H * L;
    const vf one = vf_set1(1.f), most = vf_set1(m->a->clip), least = vf_set1(-m->a->clip);
    const bool clip = !plain && m->a->clip > 0;
    const int in = plain ? JD_SQUASH_TANH : m->a->in_squash, out = plain ? JD_SQUASH_TANH : m->a->out_squash;
    const vf i = vf_load(p->g), z = vf_load(p->g + (size_t)(n + 1) * gate), o = vf_load(p->g + (size_t)(n + 2) * gate);
    const vf cell = vf_load(p->cell);
    vf dm = vf_load(p->dh), flow = vf_load(p->dc);
    for (int e = 1; e < n; e++) {
        dm = vf_add(dm, vf_load(p->dh + (size_t)e * gate));
        flow = vf_add(flow, vf_load(p->dc + (size_t)e * gate));
    }
    dm = vf_add(dm, vf_load(p->dy));
    const vf s = vf_squash(out, cell), dmo = vf_mul(dm, o);
    vf d_o = vf_mul(vf_mul(dmo, s), vf_sub(one, o));
    if (clip) d_o = vf_max(least, vf_min(most, d_o));
    vf dc = vf_fma(dmo, vf_squash_slope(out, s), flow);
    if (peep) dc = vf_fma(vf_set1(peep[(size_t)(n + 1) * H]), d_o, dc);
    const vf dci = vf_mul(dc, i);
    vf d_i = vf_mul(vf_mul(dci, z), vf_sub(one, i)), d_z = vf_mul(dci, vf_squash_slope(in, z));
    if (clip) {
        d_i = vf_max(least, vf_min(most, d_i));
        d_z = vf_max(least, vf_min(most, d_z));
    }
    for (int e = 0; e < n; e++) {
        const vf f = vf_load(p->g + (size_t)(1 + e) * gate), old = vf_load(p->old + (size_t)e * gate);
        const vf dcf = vf_mul(dc, f);
        vf d_f = vf_mul(vf_mul(dcf, old), vf_sub(one, f)), back = dcf;
        if (clip) d_f = vf_max(least, vf_min(most, d_f));
        if (peep) back = vf_fma(vf_set1(peep[0]), d_i, vf_fma(vf_set1(peep[(size_t)(1 + e) * H]), d_f, back));
        vf_store(p->delta + (size_t)(1 + e) * gate, d_f);
        vf_store(p->back + (size_t)e * gate, back);
    }
    vf_store(p->delta, d_i);
    vf_store(p->delta + (size_t)(n + 1) * gate, d_z);
    vf_store(p->delta + (size_t)(n + 2) * gate, d_o);
}

JD_INLINE void units(const mdback *m, const int n, const bool plain, const float *peep, int vectors, const place *p)
{
    for (size_t u = 0; u < m->H; u++)
        for (int j = 0; j < vectors; j++) {
            const size_t at = u * L + (size_t)j * VL;
            const place q = {p->g + at,  p->cell + at, p->old + at,   p->dy + at,
                             p->dh + at, p->dc + at,   p->delta + at, p->back + at};
            error_step(m, n, plain, peep ? peep + u : NULL, &q);
        }
}

static void point_wise(const mdback *m, int d, int vectors, const place *p)
{
    const int n = m->v.z.n;
    const float *peep = m->peep ? m->peep + (size_t)d * (size_t)(n + 2) * m->H : NULL;
    const bool plain = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH && !(m->a->clip > 0);
    if (n == 2 && plain)
        units(m, 2, true, peep, vectors, p);
    else
        units(m, n, false, peep, vectors, p);
}

static void load_rows(const mdback *m, const jd_panel *p, const float *all, int d, size_t n, float *to)
{
    const float *row[L];
    for (int l = 0; l < L; l++)
        row[l] = l < p->lanes ? all + (p->row[l] * (size_t)m->v.z.D + (size_t)d) * n : m->v.o.zero;
    JD_K(jd__lanes_in)(row, p->lanes, n, to);
}

static void group(mdback *m, int k, int q0, int panels, int d, int from)
{
    const jd_md_own *o = &m->v.o;
    const jd_md *z = &m->v.z;
    const size_t H = m->H, G = z->G, D = (size_t)z->D;
    float *g = o->side, *cell = g + G * L, *dy = cell + H * L, *old = dy + H * L, *dh = o->pre, *dc = dh + m->nH * L;
    jd_panel p;
    int lanes[JD_MD_GROUP];
    for (int q = 0; q < panels; q++) {
        float *delta = o->in + (size_t)q * G * L, *to[L];
        JD_K(jd__wave_panel)(&m->v, k, q0 + q, d, true, m->step, &p);
        lanes[q] = p.lanes;
        load_rows(m, &p, m->gates, d, G, g);
        load_rows(m, &p, m->cells, d, H, cell);
        load_rows(m, &p, m->dy, d, H, dy);
        for (int e = 0; e < z->n; e++) {
            const float *row[L];
            for (int l = 0; l < L; l++)
                row[l] = l < p.lanes && p.before[e][l] != SIZE_MAX ? m->cells + (p.before[e][l] * D + (size_t)d) * H
                                                                   : o->zero;
            JD_K(jd__lanes_in)(row, p.lanes, H, old + (size_t)e * H * L);
            JD_K(jd__lanes_take)(o->h[from] + (size_t)e * H * L, p.from[e], p.lanes, H, dh + (size_t)e * H * L);
            JD_K(jd__lanes_take)(o->c[from] + (size_t)e * H * L, p.from[e], p.lanes, H, dc + (size_t)e * H * L);
        }
        point_wise(m, d, jd__lane_vectors(p.lanes),
                   &(place){g, cell, old, dy, dh, dc, delta, o->c[!from] + (size_t)(q0 + q) * m->step});
        for (int l = 0; l < L; l++) to[l] = l < p.lanes ? m->s.delta + (p.row[l] * D + (size_t)d) * G : o->dump;
        JD_K(jd__lanes_out)(delta, G, p.lanes, to);
    }
    if (k == 0) return;
    JD_K(jd__lanes_mul)
    (m->s.weights + (size_t)d * m->s.weights_step, m->nH, G, NULL, panels, lanes, o->in, G * L,
     o->h[!from] + (size_t)q0 * m->step, m->step);
}

/* ---- after the scans ------------------------------------------------------------------------------------------------------*/

/* Appends a point with its predecessors to the list of rows; c: scan coordinates. */
static size_t note(const jd_md *z, int s, int32_t *list, size_t n, size_t row, const size_t at[JD_MD_DIMS])
{
    int32_t *p = list + n * LIST;
    p[0] = (int32_t)row;
    for (int e = 0; e < z->n; e++) {
        const ptrdiff_t stride = s >> e & 1 ? -(ptrdiff_t)z->stride[e] : (ptrdiff_t)z->stride[e];
        p[1 + e] = at[e] ? (int32_t)((ptrdiff_t)row - stride) : -1;
    }
    return n + 1;
}

/* All points of a direction in the order of the weight gradients; returns their number. */
static size_t list_points(const jd_md *z, int s, int32_t *list)
{
    size_t n = 0, ext[JD_MD_DIMS], at[JD_MD_DIMS] = {0};
    if (z->size) {
        for (size_t b = 0; b < z->B; b++) {
            if (!jd__md_extent(z, b, ext)) continue;
            memset(at, 0, sizeof at);
            do {
                n = note(z, s, list, n, b * z->P + jd__md_place(z, s, ext, at), at);
            } while (jd__md_next(ext, at));
        }
        return n;
    }
    if (!z->B || !jd__md_extent(z, 0, ext)) return 0;
    size_t row = 0;
    do { /* `at` counts through the array here */
        size_t seen[JD_MD_DIMS];
        for (int e = 0; e < JD_MD_DIMS; e++) seen[e] = s >> e & 1 ? ext[e] - 1 - at[e] : at[e];
        for (size_t b = 0; b < z->B; b++) n = note(z, s, list, n, b * z->P + row, seen);
        row++;
    } while (jd__md_next(ext, at));
    return n;
}

/* Rows of [x | h of the predecessors], in panels of JD_NR columns; and the rows of the errors that they meet. */
static void pack_block(const mdback *m, int d, const int32_t *list, size_t rows, float *a, float *b)
{
    const jd_md *z = &m->v.z;
    const size_t G = z->G, H = m->H, D = (size_t)z->D, K = m->K, panels = (K + JD_NR - 1) / JD_NR;
    for (size_t r = 0; r < rows; r++) {
        const int32_t *p = list + r * LIST;
        memcpy(a + r * G, m->s.delta + ((size_t)p[0] * D + (size_t)d) * G, G * sizeof(float));
        for (int part = 0; part <= z->n; part++) {
            const size_t k0 = part ? m->N + (size_t)(part - 1) * H : 0, width = part ? H : m->N;
            const float *from = !part         ? m->x + (size_t)p[0] * m->N
                                : p[part] < 0 ? m->v.o.zero
                                              : m->y + ((size_t)p[part] * D + (size_t)d) * H;
            for (size_t k = 0; k < width;) {
                const size_t at = k0 + k, in = at % JD_NR, left = JD_NR - in, n = width - k < left ? width - k : left;
                memcpy(b + (at / JD_NR * rows + r) * JD_NR + in, from + k, n * sizeof(float));
                k += n;
            }
        }
        for (size_t k = K; k < panels * JD_NR; k++) b[(k / JD_NR * rows + r) * JD_NR + k % JD_NR] = 0;
    }
}

/* Gate rows g0..g1-1 of direction d of the gradients of [W | R]. */
static void outer(mdback *m, int d, size_t g0, size_t g1)
{
    const jd_md *z = &m->v.z;
    const jd_md_own *o = &m->v.o;
    const size_t G = z->G, n = list_points(z, z->dir[d], o->point), panels = (m->K + JD_NR - 1) / JD_NR;
    float *to = m->s.product + ((size_t)d * G + g0) * m->K;
    memset(to, 0, (g1 - g0) * m->K * sizeof(float));
    for (size_t k = 0; k < n; k += JD_MD_BLOCK) {
        const size_t rows = n - k < JD_MD_BLOCK ? n - k : JD_MD_BLOCK;
        pack_block(m, d, o->point + k * LIST, rows, o->rows_a, o->rows_b);
        JD_K(jd__gemm_packed)
        ((int64_t)(g1 - g0), (int64_t)rows, o->rows_a + g0, 1, (ptrdiff_t)G, o->rows_b, 0, (int64_t)panels,
         (int64_t)m->K, to, (ptrdiff_t)m->K, 1);
    }
}

/* What add_lines does at each point, with the rows of the point and its predecessors. */
typedef struct sums {
    vf gate[4];                /* of up to 4 VL columns of the errors */
    vf pi, pf[JD_MD_DIMS], po; /* of VL units' peepholes */
} sums;

JD_INLINE void add_gates(const mdback *m, size_t row, size_t first, int vectors, sums *s)
{
    const float *delta = m->s.delta + row * (size_t)m->v.z.D * m->v.z.G + first;
    for (int j = 0; j < vectors; j++) s->gate[j] = vf_add(s->gate[j], vf_load(delta + j * VL));
}

JD_INLINE void add_peep(const mdback *m, int d, size_t row, const ptrdiff_t *stride, const bool *inside, size_t u,
                        int left, sums *s)
{
    const jd_md *z = &m->v.z;
    const size_t H = m->H, D = (size_t)z->D, cell = D * H;
    const float *delta = m->s.delta + (row * D + (size_t)d) * z->G + u;
    const float *here = m->cells + (row * D + (size_t)d) * H + u;
    const vf d_i = vf_load(delta);
    for (int e = 0; e < z->n; e++) {
        const vf old = inside[e] ? vf_loadn(here - stride[e] * (ptrdiff_t)cell, left) : vf_zero();
        s->pi = vf_fma(d_i, old, s->pi);
        s->pf[e] = vf_fma(vf_load(delta + (size_t)(1 + e) * H), old, s->pf[e]);
    }
    s->po = vf_fma(vf_load(delta + (size_t)(z->n + 2) * H), vf_loadn(here, left), s->po);
}

/* Adds all points of sample b, the last of the scan first: columns first.. of the errors, or with vectors = 0 the
 * peepholes of the units u.. */
static void add_sample(const mdback *m, int d, size_t b, size_t first, int vectors, size_t u, sums *s)
{
    const jd_md *z = &m->v.z;
    const int dir = z->dir[d], left = m->H - u < VL ? (int)(m->H - u) : VL;
    size_t ext[JD_MD_DIMS];
    if (!jd__md_extent(z, b, ext)) return;
    ptrdiff_t stride[JD_MD_DIMS] = {0};
    for (int e = 0; e < z->n; e++) stride[e] = dir >> e & 1 ? -(ptrdiff_t)z->stride[e] : (ptrdiff_t)z->stride[e];
    const int last = z->n - 1;
    size_t at[JD_MD_DIMS] = {ext[0] - 1, ext[1] - 1, ext[2] - 1};
    do {
        size_t row = b * z->P + jd__md_place(z, dir, ext, at);
        bool inside[JD_MD_DIMS] = {at[0] > 0, at[1] > 0, at[2] > 0};
        for (size_t k = ext[last]; k-- > 0; row = (size_t)((ptrdiff_t)row - stride[last])) {
            inside[last] = k > 0;
            if (vectors)
                add_gates(m, row, first, vectors, s);
            else
                add_peep(m, d, row, stride, inside, u, left, s);
        }
        at[last] = 0;
    } while (jd__md_before(ext, at));
}

static void add_biases(const mdback *m, int d, size_t k0, float *out)
{
    const jd_md *z = &m->v.z;
    const size_t columns = z->G - k0 < 4 * VL ? z->G - k0 : 4 * VL;
    const int vectors = (int)((columns + VL - 1) / VL);
    vf total[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    for (size_t b = 0; b < z->B; b++) {
        sums s = {
            {vf_zero(), vf_zero(), vf_zero(), vf_zero()}, vf_zero(), {vf_zero(), vf_zero(), vf_zero()}, vf_zero()};
        add_sample(m, d, b, (size_t)d * z->G + k0, vectors, 0, &s);
        for (int j = 0; j < vectors; j++) total[j] = vf_add(total[j], s.gate[j]);
    }
    for (int j = 0; j < vectors; j++) {
        const int left = (int)columns - j * VL;
        vf_storen(out + (size_t)d * z->G + k0 + (size_t)j * VL, total[j], left < VL ? left : VL);
    }
}

static void add_peepholes(const mdback *m, int d, size_t u, float *out)
{
    const jd_md *z = &m->v.z;
    const int left = m->H - u < VL ? (int)(m->H - u) : VL;
    vf total[JD_MD_DIMS + 2];
    for (int k = 0; k < z->n + 2; k++) total[k] = vf_zero();
    for (size_t b = 0; b < z->B; b++) {
        sums s = {
            {vf_zero(), vf_zero(), vf_zero(), vf_zero()}, vf_zero(), {vf_zero(), vf_zero(), vf_zero()}, vf_zero()};
        add_sample(m, d, b, 0, 0, u, &s);
        total[0] = vf_add(total[0], s.pi);
        for (int e = 0; e < z->n; e++) total[1 + e] = vf_add(total[1 + e], s.pf[e]);
        total[z->n + 1] = vf_add(total[z->n + 1], s.po);
    }
    for (int k = 0; k < z->n + 2; k++)
        vf_storen(out + ((size_t)d * (size_t)(z->n + 2) + (size_t)k) * m->H + u, total[k], left);
}

static void finish(mdback *m, const jd_call *c)
{
    const jd_md *z = &m->v.z;
    const size_t G = z->G, chunks = (G + 4 * VL - 1) / (4 * VL), blocks = (m->H + VL - 1) / VL;
    float *dW = c->out[1], *dR = c->out[2];
    size_t begin, end;
    jd_share(&m->v.w, (size_t)z->D * G, 1, &begin, &end);
    for (size_t d = begin / G; d * G < end; d++) {
        const size_t g0 = begin > d * G ? begin - d * G : 0, g1 = end - d * G < G ? end - d * G : G;
        outer(m, (int)d, g0, g1);
        for (size_t g = d * G + g0; g < d * G + g1; g++) {
            memcpy(dW + g * m->N, m->s.product + g * m->K, m->N * sizeof(float));
            memcpy(dR + g * m->nH, m->s.product + g * m->K + m->N, m->nH * sizeof(float));
        }
    }
    jd_share(&m->v.w, (size_t)z->D * chunks, 1, &begin, &end);
    for (size_t k = begin; k < end; k++) add_biases(m, (int)(k / chunks), k % chunks * 4 * VL, c->out[3]);
    jd_share(&m->v.w, (size_t)z->D * blocks, 1, &begin, &end);
    for (size_t k = begin; m->peep && k < end; k++) add_peepholes(m, (int)(k / blocks), k % blocks * VL, c->out[4]);
    if (!m->a->need_dx) return;
    const ptrdiff_t DG = (ptrdiff_t)((size_t)z->D * G);
    const jd_gemm g = {.M = (int64_t)(z->B * z->P),
                       .N = (int64_t)m->N,
                       .K = DG,
                       .A = m->s.delta,
                       .am = DG,
                       .ak = 1,
                       .B = c->in[2],
                       .bk = (ptrdiff_t)m->N,
                       .bn = 1,
                       .C = c->out[0],
                       .ldc = (ptrdiff_t)m->N};
    JD_K(jd__gemm)(&g, &m->v.w, m->s.gemm);
}

jd_kernel JD_K(jd__k_mdlstm_grad);

void JD_K(jd__k_mdlstm_grad)(const jd_call *c, const jd_worker *w)
{
    mdback m = {.a = c->attr,
                .peep = c->in[5],
                .x = c->in[0],
                .y = c->in[6],
                .gates = c->in[7],
                .cells = c->in[8],
                .dy = c->in[9]};
    const jd_md z = jd__md(c);
    m.H = z.H;
    m.N = z.N;
    m.nH = (size_t)z.n * z.H;
    m.K = z.N + m.nH;
    m.step = jd__md_padded(m.nH) * L;
    jd__md_space(&z, true, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, true, m.step)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) JD_K(jd__lanes_pack)
    ((const float *)c->in[3] + d * z.G * m.nH, 1, m.nH, m.nH, z.G, 0, z.G, m.s.weights + d * m.s.weights_step);
    jd__wave_meet(&m.v);
    for (int d = m.v.d0; d < m.v.d1; d++) {
        JD_K(jd__wave_clear)(&m.v, d, z.G, m.s.delta);
        for (int k = 0; k < 2; k++) {
            /* The last diagonal has no successors: all its places say "nowhere". */
            memset(m.v.o.h[k] + m.v.nowhere, 0, m.step * sizeof(float));
        }
        for (int k = m.v.waves; k-- > 0;) {
            const int panels = jd__wave_panels(&m.v, k);
            for (int q = 0; q < panels; q += JD_MD_GROUP)
                group(&m, k, q, panels - q < JD_MD_GROUP ? panels - q : JD_MD_GROUP, d, k & 1);
        }
    }
    jd__wave_meet(&m.v);
    finish(&m, c);
}
