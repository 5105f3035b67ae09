/*
 * mdlstm.c - the LSTM in one to three dimensions, diagonal by diagonal.  The columns of a panel are up to 16 points of one
 * diagonal, of all samples.  Their inputs, and the states of their predecessors, are stacked into one right side, so that
 * a diagonal needs one product with [W | R]; a pre-activation is one chain from its bias over the inputs, then over the
 * recurrent inputs dimension by dimension, as in lstm.c.
 */
#include "cpu/cpu.h"
#include "cpu/squash.h"
#include "cpu/wave.h"

enum { L = JD_MD_LANES };

typedef struct mdlstm {
    jd_wave v;
    jd_md_space s;
    const jd_mdlstm_attr *a;
    const float *x, *peep;
    float *y, *gates, *cells;
    size_t H, N, K;
} mdlstm;

/* Unit u of one vector of points: g points to the pre-activation of gate i, old to the first predecessors' cells. */
JD_INLINE void cell_step(const mdlstm *m, const int n, const bool plain, const float *peep, float *g, const float *old,
                         float *cell, float *h)
{
    const size_t H = m->H, gate = H * L;
    vf before[JD_MD_DIMS], i = vf_load(g);
    for (int e = 0; e < n; e++) before[e] = vf_load(old + (size_t)e * gate);
    for (int e = 0; e < n && !plain && peep; e++) i = vf_fma(vf_set1(peep[0]), before[e], i);
    i = vf_sigmoid(i);
    float *gz = g + (size_t)(n + 1) * gate, *go = gz + gate;
    const vf z = plain ? vf_tanh(vf_load(gz)) : vf_squash(m->a->in_squash, vf_load(gz));
    vf next = vf_mul(z, i), o = vf_load(go);
    for (int e = 0; e < n; e++) {
        float *gf = g + (size_t)(1 + e) * gate;
        vf f = vf_load(gf);
        if (!plain && peep) f = vf_fma(vf_set1(peep[(size_t)(1 + e) * H]), before[e], f);
        f = vf_sigmoid(f);
        vf_store(gf, f);
        next = vf_fma(before[e], f, next);
    }
    if (!plain && peep) o = vf_fma(vf_set1(peep[(size_t)(n + 1) * H]), next, o);
    o = vf_sigmoid(o);
    vf_store(g, i);
    vf_store(gz, z);
    vf_store(go, o);
    vf_store(cell, next);
    vf_store(h, vf_mul(o, plain ? vf_tanh(next) : vf_squash(m->a->out_squash, next)));
}

JD_INLINE void units(const mdlstm *m, const int n, const bool plain, const float *peep, int vectors, float *g,
                     const float *old, float *cell, float *h)
{
    for (size_t u = 0; u < m->H; u++)
        for (int j = 0; j < vectors; j++) {
            const size_t at = u * L + (size_t)j * VL;
            cell_step(m, n, plain, peep ? peep + u : NULL, g + at, old + at, cell + at, h + at);
        }
}

static void point_wise(const mdlstm *m, int d, int vectors, float *g, const float *old, float *cell, float *h)
{
    const int n = m->v.z.n;
    const float *peep = m->peep ? m->peep + (size_t)d * (size_t)(n + 2) * m->H : NULL;
    const bool plain = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH && !peep;
    if (n == 1 && plain)
        units(m, 1, true, NULL, vectors, g, old, cell, h);
    else if (n == 2 && plain)
        units(m, 2, true, NULL, vectors, g, old, cell, h);
    else if (n == 2)
        units(m, 2, false, peep, vectors, g, old, cell, h);
    else
        units(m, n, false, peep, vectors, g, old, cell, h);
}

/* Panels q0..q0+panels-1 of diagonal k in direction d; the states of the diagonal before are in h and c [from]. */
static void group(mdlstm *m, int k, int q0, int panels, int d, int from)
{
    const jd_md_own *o = &m->v.o;
    const jd_md *z = &m->v.z;
    const size_t H = m->H, step = H * L, padded = jd__md_padded(z->G) * L, D = (size_t)z->D;
    jd_panel p[JD_MD_GROUP];
    int lanes[JD_MD_GROUP];
    for (int q = 0; q < panels; q++) {
        float *in = o->in + (size_t)q * m->K * L;
        const float *row[L];
        JD_K(jd__wave_panel)(&m->v, k, q0 + q, d, false, step, &p[q]);
        lanes[q] = p[q].lanes;
        for (int l = 0; l < L; l++) row[l] = l < lanes[q] ? m->x + p[q].row[l] * m->N : o->zero;
        JD_K(jd__lanes_in)(row, lanes[q], m->N, in);
        for (int e = 0; e < z->n; e++)
            JD_K(jd__lanes_take)(o->h[from], p[q].from[e], lanes[q], H, in + (m->N + (size_t)e * H) * L);
    }
    JD_K(jd__lanes_mul)
    (m->s.weights + (size_t)d * m->s.weights_step, z->G, m->K, m->s.start + (size_t)d * jd__md_padded(z->G), panels,
     lanes, o->in, m->K * L, o->pre, padded);
    for (int q = 0; q < panels; q++) {
        float *g = o->pre + (size_t)q * padded, *h = o->h[!from] + (size_t)(q0 + q) * step;
        float *cell = o->c[!from] + (size_t)(q0 + q) * step, *row[L];
        for (int e = 0; e < z->n; e++)
            JD_K(jd__lanes_take)(o->c[from], p[q].from[e], lanes[q], H, o->side + (size_t)e * step);
        point_wise(m, d, jd__lane_vectors(lanes[q]), g, o->side, cell, h);
        for (int l = 0; l < L; l++) row[l] = l < lanes[q] ? m->gates + (p[q].row[l] * D + (size_t)d) * z->G : o->dump;
        JD_K(jd__lanes_out)(g, z->G, lanes[q], row);
        for (int l = 0; l < L; l++) row[l] = l < lanes[q] ? m->cells + (p[q].row[l] * D + (size_t)d) * H : o->dump;
        JD_K(jd__lanes_out)(cell, H, lanes[q], row);
        for (int l = 0; l < L; l++) row[l] = l < lanes[q] ? m->y + (p[q].row[l] * D + (size_t)d) * H : o->dump;
        JD_K(jd__lanes_out)(h, H, lanes[q], row);
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
    jd__md_space(&z, false, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, false, z.H * L)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) {
        const size_t nH = (size_t)z.n * z.H;
        float *to = m.s.weights + d * m.s.weights_step, *start = m.s.start + d * jd__md_padded(z.G);
        JD_K(jd__lanes_pack)((const float *)c->in[2] + d * z.G * z.N, z.N, 1, z.G, z.N, 0, m.K, to);
        JD_K(jd__lanes_pack)((const float *)c->in[3] + d * z.G * nH, nH, 1, z.G, nH, z.N, m.K, to);
        for (size_t k = 0; k < jd__md_padded(z.G); k++) start[k] = k < z.G ? ((const float *)c->in[4])[d * z.G + k] : 0;
    }
    jd__wave_meet(&m.v);
    for (int d = m.v.d0; d < m.v.d1; d++) {
        JD_K(jd__wave_clear)(&m.v, d, z.H, m.y);
        JD_K(jd__wave_clear)(&m.v, d, z.G, m.gates);
        JD_K(jd__wave_clear)(&m.v, d, z.H, m.cells);
        for (int k = 0; k < m.v.waves; k++) {
            const int panels = jd__wave_panels(&m.v, k);
            for (int q = 0; q < panels; q += JD_MD_GROUP)
                group(&m, k, q, panels - q < JD_MD_GROUP ? panels - q : JD_MD_GROUP, d, k & 1);
        }
    }
}
