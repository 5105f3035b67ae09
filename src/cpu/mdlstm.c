/*
 * mdlstm.c - the LSTM in one to three dimensions, step by step along the lanes of cpu/wave.h.  The input of a point and
 * the states of its predecessors are put side by side in one row, so that a step needs one product with [W | R]; a
 * pre-activation is one chain from its bias over the inputs, then over the recurrent inputs dimension by dimension, as in
 * lstm.c.  What follows is done for the units of all lanes as if for one row.
 */
#include "cpu/cpu.h"
#include "cpu/squash.h"
#include "cpu/wave.h"

typedef struct mdlstm {
    jd_wave v;
    jd_md_space s;
    const jd_mdlstm_attr *a;
    const float *x, *b, *peep;
    float *y, *gates, *cells;
    size_t H, N, K;
} mdlstm;

/* What the units of a group need, as one row: gates and peepholes `flat` apart. */
typedef struct place {
    size_t count, flat;
    float *g;
    const float *peep, *old[JD_MD_DIMS]; /* cells of the predecessors */
    float *cell, *h;
} place;

JD_INLINE void cell_step(const mdlstm *m, const int n, const bool tanhs, const bool peeps, const place *p, size_t at)
{
    const size_t flat = p->flat;
    const float *peep = p->peep + at;
    float *g = p->g + at, *gz = g + (size_t)(n + 1) * flat, *go = gz + flat;
    vf before[JD_MD_DIMS], i = vf_load(g);
    for (int e = 0; e < n; e++) before[e] = vf_load(p->old[e] + at);
    for (int e = 0; e < n && peeps; e++) i = vf_fma(vf_load(peep), before[e], i);
    i = vf_sigmoid(i);
    const vf z = tanhs ? vf_tanh(vf_load(gz)) : vf_squash(m->a->in_squash, vf_load(gz));
    vf next = vf_mul(z, i), o = vf_load(go);
    for (int e = 0; e < n; e++) {
        float *gf = g + (size_t)(1 + e) * flat;
        vf f = vf_load(gf);
        if (peeps) f = vf_fma(vf_load(peep + (size_t)(1 + e) * flat), before[e], f);
        f = vf_sigmoid(f);
        vf_store(gf, f);
        next = vf_fma(before[e], f, next);
    }
    if (peeps) o = vf_fma(vf_load(peep + (size_t)(n + 1) * flat), next, o);
    o = vf_sigmoid(o);
    vf_store(g, i);
    vf_store(gz, z);
    vf_store(go, o);
    const vf y = vf_mul(o, tanhs ? vf_tanh(next) : vf_squash(m->a->out_squash, next));
    if (at + VL <= p->count) {
        vf_store(p->cell + at, next);
        vf_store(p->h + at, y);
    } else {
        vf_storen(p->cell + at, next, (int)(p->count - at));
        vf_storen(p->h + at, y, (int)(p->count - at));
    }
}

JD_INLINE void units(const mdlstm *m, const int n, const bool tanhs, const bool peeps, const place *p)
{
    for (size_t at = 0; at < p->count; at += VL) cell_step(m, n, tanhs, peeps, p, at);
}

static void point_wise(const mdlstm *m, const place *p)
{
    const int n = m->v.z.n;
    const bool tanhs = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH;
    if (n == 2 && tanhs && m->peep)
        units(m, 2, true, true, p);
    else if (n == 2 && tanhs)
        units(m, 2, true, false, p);
    else if (n == 2)
        units(m, 2, false, m->peep != NULL, p);
    else
        units(m, n, false, m->peep != NULL, p);
}

/* The pre-activations of lanes l0..l1-1 in step k, and what their cells need. */
static void products(const mdlstm *m, int d, int k, size_t l0, size_t l1)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, N = m->N, G = v->z.G, lanes = l1 - l0;
    const float *h = s->h[k & 1] + v->margin * H, *c = s->c[k & 1] + v->margin * H;
    const int n = v->z.n;
    const jd_rows rows = JD_K(jd__wave_rows)(v, k, l0, l1), own = {0, 1, NULL};
    jd_points p = {.M = lanes,
                   .N = G,
                   .parts = 1 + n,
                   .ak = 1,
                   .packed = m->s.weights + (size_t)d * m->s.weights_step,
                   .init = m->b + (size_t)d * G,
                   .C = s->pre,
                   .ldc = jd__md_row(G)};
    float *in = v->o.in;
    p.part[0] = (jd_terms){in, (ptrdiff_t)N, N};
    if (v->steady)
        p.part[0] = (jd_terms){m->x + rows.first * (ptrdiff_t)N, rows.step * (ptrdiff_t)N, N};
    else
        jd_rows_in(m->x, N, &rows, v->o.zero, lanes, 1, N, in, 0);
    in += lanes * N;
    for (int e = 0; e < n; e++, in += lanes * H) {
        const jd_rows from = JD_K(jd__wave_neighbours)(v, e, true, l0, l1);
        p.part[1 + e] = (jd_terms){from.at ? in : h + from.first * (ptrdiff_t)H, (ptrdiff_t)H, H};
        if (!from.at) continue;
        jd_rows_in(h, H, &from, v->o.zero, lanes, 1, H, in, 0);
        jd_rows_in(c, H, &from, v->o.zero, lanes, 1, H, s->old + (size_t)e * v->flat, 0);
    }
    JD_K(jd__points_mul)(&p);
    jd_rows_in(s->pre, p.ldc, &own, NULL, lanes, (size_t)n + 3, H, s->gates, v->flat);
}

static void cells(const mdlstm *m, int k, size_t l0, size_t l1)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, at = (v->margin + l0) * H;
    const int n = v->z.n;
    place p = {.count = (l1 - l0) * H,
               .flat = v->flat,
               .g = s->gates,
               .peep = s->peep,
               .cell = s->c[!(k & 1)] + at,
               .h = s->h[!(k & 1)] + at};
    for (int e = 0; e < n; e++)
        p.old[e] = v->exact || e == n - 1 ? s->c[k & 1] + at - v->aside[e] * H : s->old + (size_t)e * v->flat;
    point_wise(m, &p);
}

static void results(const mdlstm *m, int d, int k, size_t l0, size_t l1)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, G = v->z.G, D = (size_t)v->z.D, lanes = l1 - l0, at = (v->margin + l0) * H;
    float *h = s->h[!(k & 1)] + at, *c = s->c[!(k & 1)] + at;
    const jd_rows rows = JD_K(jd__wave_rows)(v, k, l0, l1);
    for (size_t l = 0; l < lanes && !v->exact; l++) {
        if (rows.at[l] >= 0) continue;
        memset(c + l * H, 0, H * sizeof(float));
        memset(h + l * H, 0, H * sizeof(float));
    }
    float *const gates = m->gates + (size_t)d * G;
    jd_rows_out(s->gates, v->flat, lanes, (size_t)v->z.n + 3, H, gates, D * G, &rows);
    jd_rows_out(c, 0, lanes, 1, H, m->cells + (size_t)d * H, D * H, &rows);
    jd_rows_out(h, 0, lanes, 1, H, m->y + (size_t)d * H, D * H, &rows);
    jd__wave_fetch(&rows, s->along, lanes, gates, D * G, G);
}

static bool any_here(const jd_wave *v, size_t l0, size_t l1, int k)
{
    bool any = v->exact;
    for (size_t l = l0; l < l1 && !any; l++) any = jd__wave_here(v, l, k);
    return any;
}

static void scan(const mdlstm *m, jd_wave *v, int d)
{
    const size_t bytes = jd__md_width(&v->z) * sizeof(float);
    const jd_md_side *s = &v->o.side;
    JD_K(jd__wave_turn)(v, d);
    for (int k = 0; k < 2; k++) {
        memset(s->h[k], 0, bytes);
        memset(s->c[k], 0, bytes);
    }
    if (m->peep) JD_K(jd__wave_peep)(v, m->peep + (size_t)d * (size_t)(v->z.n + 2) * m->H);
    for (int k = 0; k < v->steps; k++) {
        size_t begin, end;
        JD_K(jd__wave_range)(v, k, &begin, &end);
        for (size_t l0 = begin, l1; l0 < end; l0 = l1) {
            l1 = end - l0 < v->group ? end : l0 + v->group;
            if (!any_here(v, l0, l1, k)) continue;
            products(m, d, k, l0, l1);
            cells(m, k, l0, l1);
            results(m, d, k, l0, l1);
        }
    }
}

/* [W | R] of direction d. */
static void pack(mdlstm *m, const jd_call *c, size_t d)
{
    const size_t N = m->N, G = m->v.z.G, nH = (size_t)m->v.z.n * m->H;
    const float *W = (const float *)c->in[2] + d * G * N, *R = (const float *)c->in[3] + d * G * nH;
    float *to = m->s.weights + d * m->s.weights_step;
    for (size_t g = 0; g < G; g += JD_NR, to += m->K * JD_NR) {
        const size_t left = G - g < JD_NR ? G - g : JD_NR;
        JD_K(jd__pack_b)(W + g * N, 1, (ptrdiff_t)N, (int64_t)N, (int64_t)left, 0, 1, to);
        JD_K(jd__pack_b)(R + g * nH, 1, (ptrdiff_t)nH, (int64_t)nH, (int64_t)left, 0, 1, to + N * JD_NR);
    }
}

jd_kernel JD_K(jd__k_mdlstm);

void JD_K(jd__k_mdlstm)(const jd_call *c, const jd_worker *w)
{
    mdlstm m = {.a = c->attr,
                .x = c->in[0],
                .b = c->in[4],
                .peep = c->in[5],
                .y = c->out[0],
                .gates = c->out[1],
                .cells = c->out[2]};
    const jd_md z = jd__md(c);
    m.H = z.H;
    m.N = z.N;
    m.K = z.N + (size_t)z.n * z.H;
    jd__md_space(&z, false, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, false)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) pack(&m, c, d);
    jd__wave_meet(&m.v);
    const size_t D = (size_t)z.D;
    for (size_t d = (size_t)m.v.d0; d < (size_t)m.v.d1; d++) {
        JD_K(jd__wave_clear)(&m.v, z.H, m.y + d * z.H, D * z.H);
        JD_K(jd__wave_clear)(&m.v, z.G, m.gates + d * z.G, D * z.G);
        JD_K(jd__wave_clear)(&m.v, z.H, m.cells + d * z.H, D * z.H);
    }
    while (JD_K(jd__wave_crew)(&m.v))
        for (int d = m.v.d0; d < m.v.d1; d++) scan(&m, &m.v, d);
}
