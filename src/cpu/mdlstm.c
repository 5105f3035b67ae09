/*
 * mdlstm.c - the LSTM in one to three dimensions, step by step along the lanes of cpu/wave.h.  The columns of a panel are
 * up to 16 points of one diagonal.  Their inputs, and the states of their predecessors, are stacked into one right side,
 * so that a step needs one product with [W | R]; a pre-activation is one chain from its bias over the inputs, then over
 * the recurrent inputs dimension by dimension, as in lstm.c.
 */
#include "cpu/cpu.h"
#include "cpu/gemm.h"
#include "cpu/squash.h"
#include "cpu/wave.h"

enum { L = JD_MD_LANES };

typedef struct mdlstm {
    jd_wave v;
    jd_md_space s;
    const jd_mdlstm_attr *a;
    const float *x, *peep;
    float *y, *gates, *cells;
    size_t H, N, K, width;
} mdlstm;

/* What one vector of lanes needs, at unit u: the gates' matrix (rows,16) and rows of the states. */
typedef struct place {
    float *g;
    const float *old[JD_MD_DIMS]; /* cells of the predecessors */
    float *cell, *h;
} place;

/* States outside the grid are 0: the bits of `in` say which lanes have a predecessor. */
JD_INLINE vf inside(const float *state, vi in)
{
    return vi_as_float(vi_and(vf_bits(vf_load(state)), in));
}

/* Unit u of one vector of points. */
JD_INLINE void cell_step(const mdlstm *m, const int n, const bool plain, const float *peep, const place *p,
                         const vi in[JD_MD_DIMS], vi here)
{
    const size_t H = m->H, gate = H * L;
    vf before[JD_MD_DIMS], i = vf_load(p->g);
    for (int e = 0; e < n; e++) before[e] = e < n - 1 ? inside(p->old[e], in[e]) : vf_load(p->old[e]);
    for (int e = 0; e < n && !plain && peep; e++) i = vf_fma(vf_set1(peep[0]), before[e], i);
    i = vf_sigmoid(i);
    float *gz = p->g + (size_t)(n + 1) * gate, *go = gz + gate;
    const vf z = plain ? vf_tanh(vf_load(gz)) : vf_squash(m->a->in_squash, vf_load(gz));
    vf next = vf_mul(z, i), o = vf_load(go);
    for (int e = 0; e < n; e++) {
        float *gf = p->g + (size_t)(1 + e) * gate;
        vf f = vf_load(gf);
        if (!plain && peep) f = vf_fma(vf_set1(peep[(size_t)(1 + e) * H]), before[e], f);
        f = vf_sigmoid(f);
        vf_store(gf, f);
        next = vf_fma(before[e], f, next);
    }
    if (!plain && peep) o = vf_fma(vf_set1(peep[(size_t)(n + 1) * H]), next, o);
    o = vf_sigmoid(o);
    vf_store(p->g, i);
    vf_store(gz, z);
    vf_store(go, o);
    const vf y = vf_mul(o, plain ? vf_tanh(next) : vf_squash(m->a->out_squash, next));
    vf_store(p->cell, vi_as_float(vi_and(vf_bits(next), here)));
    vf_store(p->h, vi_as_float(vi_and(vf_bits(y), here)));
}

JD_INLINE void units(const mdlstm *m, const int n, const bool plain, const float *peep, const place *first,
                     const vi in[JD_MD_DIMS], vi here)
{
    place p = *first;
    for (size_t u = 0; u < m->H; u++) {
        cell_step(m, n, plain, peep ? peep + u : NULL, &p, in, here);
        p.g += L;
        p.cell += m->width;
        p.h += m->width;
        for (int e = 0; e < n; e++) p.old[e] += m->width;
    }
}

static void point_wise(const mdlstm *m, int d, const place *p, const vi in[JD_MD_DIMS], vi here)
{
    const int n = m->v.z.n;
    const float *peep = m->peep ? m->peep + (size_t)d * (size_t)(n + 2) * m->H : NULL;
    const bool tanhs = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH, plain = tanhs && !peep;
    if (n == 1 && plain)
        units(m, 1, true, NULL, p, in, here);
    else if (n == 2 && plain)
        units(m, 2, true, NULL, p, in, here);
    else if (n == 2)
        units(m, 2, false, peep, p, in, here);
    else
        units(m, n, false, peep, p, in, here);
}

/* The states of panel q's predecessors in dimension e, as rows of the right side. */
static void take(const mdlstm *m, const float *h, int q, int lanes, int e, float *to)
{
    const ptrdiff_t lane = (ptrdiff_t)q * L, aside = m->v.aside[e];
    for (int j = 0; j < jd__lane_vectors(lanes); j++) {
        const float *from = h + lane - aside + j * VL;
        float *out = to + j * VL;
        if (!aside) {
            for (size_t u = 0; u < m->H; u++, from += m->width, out += L) vf_store(out, vf_load(from));
            continue;
        }
        const vi in = vi_load(m->v.o.low[e] + lane + j * VL);
        for (size_t u = 0; u < m->H; u++, from += m->width, out += L) vf_store(out, inside(from, in));
    }
}

static void finish_panel(mdlstm *m, const jd_panel *p, int q, int d, float *g, int from)
{
    const jd_md_own *o = &m->v.o;
    const size_t D = (size_t)m->v.z.D, margin = jd__md_margin(&m->v.z), lane = (size_t)q * L + margin;
    const int n = m->v.z.n;
    for (int j = 0; j < jd__lane_vectors(p->lanes); j++) {
        const size_t at = lane + (size_t)j * VL;
        place here = {.g = g + j * VL, .cell = o->c[!from] + at, .h = o->h[!from] + at};
        vi in[JD_MD_DIMS];
        for (int e = 0; e < n; e++) {
            here.old[e] = o->c[from] + at - m->v.aside[e];
            in[e] = vi_load(o->low[e] + q * L + j * VL);
        }
        point_wise(m, d, &here, in, vi_load(p->here + j * VL));
    }
    float *row[3][L];
    for (int l = 0; l < L; l++) {
        const bool none = p->row[l] == SIZE_MAX;
        const size_t r = none ? 0 : p->row[l] * D + (size_t)d;
        row[0][l] = none ? o->dump : m->gates + r * m->v.z.G;
        row[1][l] = none ? o->dump : m->cells + r * m->H;
        row[2][l] = none ? o->dump : m->y + r * m->H;
    }
    jd__lanes_fetch((const float *const *)row[0], m->v.z.G, m->v.along * (ptrdiff_t)(D * m->v.z.G));
    JD_K(jd__lanes_out)(g, L, m->v.z.G, p->lanes, row[0]);
    JD_K(jd__lanes_out)(o->c[!from] + lane, m->width, m->H, p->lanes, row[1]);
    JD_K(jd__lanes_out)(o->h[!from] + lane, m->width, m->H, p->lanes, row[2]);
}

/* Some panels of a step; the states of the step before are in h and c [from]. */
static void group(mdlstm *m, const jd_panel *p, const int *number, int panels, int d, int from)
{
    const jd_md_own *o = &m->v.o;
    const jd_md *z = &m->v.z;
    const size_t padded = jd__md_padded(z->G) * L, margin = jd__md_margin(z);
    const float *in[JD_MD_GROUP] = {0};
    float *pre[JD_MD_GROUP] = {0};
    int lanes[JD_MD_GROUP] = {0};
    for (int i = 0; i < panels; i++) {
        float *to = o->in + (size_t)i * m->K * L;
        const float *row[L];
        lanes[i] = p[i].lanes;
        in[i] = to;
        pre[i] = o->pre + (size_t)i * padded;
        for (int l = 0; l < L; l++) row[l] = p[i].row[l] == SIZE_MAX ? o->zero : m->x + p[i].row[l] * m->N;
        JD_K(jd__lanes_in)(row, lanes[i], m->N, to, L);
        for (int e = 0; e < z->n; e++)
            take(m, o->h[from] + margin, number[i], lanes[i], e, to + (m->N + (size_t)e * m->H) * L);
    }
    const float *weights = m->s.weights + (size_t)d * m->s.weights_step;
    const float *start = m->s.start + (size_t)d * jd__md_padded(z->G);
    if (m->v.few)
        JD_K(jd__lanes_mul_few)(weights, z->G, m->K, start, lanes[0], in[0], o->few, pre[0], L);
    else
        JD_K(jd__lanes_mul)(weights, z->G, m->K, start, panels, lanes, in, pre, L);
    for (int i = 0; i < panels; i++) finish_panel(m, &p[i], number[i], d, pre[i], from);
}

static void scan(mdlstm *m, int d)
{
    const jd_md_own *o = &m->v.o;
    JD_K(jd__wave_turn)(&m->v, d);
    for (int k = 0; k < 2; k++) {
        memset(o->h[k], 0, m->H * m->width * sizeof(float));
        memset(o->c[k], 0, m->H * m->width * sizeof(float));
    }
    jd_panel p[JD_MD_GROUP];
    int number[JD_MD_GROUP], n = 0;
    for (int k = 0; k < m->v.steps; k++) {
        for (int q = 0; q < m->v.panels; q++) {
            if (!JD_K(jd__wave_panel)(&m->v, q, k, &p[n])) continue;
            number[n++] = q;
            if (n < JD_MD_GROUP) continue;
            group(m, p, number, n, d, k & 1);
            n = 0;
        }
        if (n) group(m, p, number, n, d, k & 1);
        n = 0;
    }
}

/* [W | R] of direction d, and where its chains start. */
static void pack(mdlstm *m, const jd_call *c, size_t d)
{
    const size_t N = m->N, G = m->v.z.G, nH = (size_t)m->v.z.n * m->H, padded = jd__md_padded(G);
    const float *W = (const float *)c->in[2] + d * G * N, *R = (const float *)c->in[3] + d * G * nH;
    float *to = m->s.weights + d * m->s.weights_step, *start = m->s.start + d * padded;
    for (size_t k = 0; k < padded; k++) start[k] = k < G ? ((const float *)c->in[4])[d * G + k] : 0;
    if (!m->v.few) {
        JD_K(jd__lanes_pack)(W, N, 1, G, N, 0, m->K, to);
        JD_K(jd__lanes_pack)(R, nH, 1, G, nH, N, m->K, to);
        return;
    }
    for (int64_t p = 0; p < (int64_t)((G + JD_NR - 1) / JD_NR); p++) {
        const size_t g0 = (size_t)p * JD_NR, left = G - g0 < JD_NR ? G - g0 : JD_NR;
        float *panel = to + g0 * m->K;
        JD_K(jd__pack_b)(W + g0 * N, 1, (ptrdiff_t)N, (int64_t)N, (int64_t)left, 0, 1, panel);
        JD_K(jd__pack_b)(R + g0 * nH, 1, (ptrdiff_t)nH, (int64_t)nH, (int64_t)left, 0, 1, panel + N * JD_NR);
    }
}

jd_kernel JD_K(jd__k_mdlstm);

void JD_K(jd__k_mdlstm)(const jd_call *c, const jd_worker *w)
{
    mdlstm m = {.a = c->attr, .x = c->in[0], .peep = c->in[5], .y = c->out[0], .gates = c->out[1], .cells = c->out[2]};
    const jd_md z = jd__md(c);
    m.H = z.H;
    m.N = z.N;
    m.K = z.N + (size_t)z.n * z.H;
    m.width = jd__md_width(&z);
    jd__md_space(&z, false, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, false)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) pack(&m, c, d);
    jd__wave_meet(&m.v);
    for (int d = m.v.d0; d < m.v.d1; d++) {
        JD_K(jd__wave_clear)(&m.v, d, z.H, m.y);
        JD_K(jd__wave_clear)(&m.v, d, z.G, m.gates);
        JD_K(jd__wave_clear)(&m.v, d, z.H, m.cells);
    }
    while (JD_K(jd__wave_crew)(&m.v))
        for (int d = m.v.d0; d < m.v.d1; d++) scan(&m, d);
}
