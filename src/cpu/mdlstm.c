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

/* What the units of a group need, as one row: peepholes `flat` apart.  Gates stand in such rows too where a lane is
 * smaller than a vector; else they are read lane by lane from the pre-activations and go to their places in the arrays. */
typedef struct place {
    size_t count, flat, lanes;
    float *g;
    const float *peep, *old[JD_MD_DIMS]; /* cells of the predecessors */
    float *cell, *h;
    const float *pre;
    jd_rows rows;
    float *gates, *cells, *y; /* of the direction, in row 0 */
} place;

/* Where a vector of units stands: in the pre-activations, and in the arrays. */
typedef struct ends {
    jd_span own, out;
    const float *pre[2];
    float *gates[2], *cells[2], *y[2];
} ends;

JD_INLINE vf gate_in(const mdlstm *m, const place *p, const ends *s, const bool whole, size_t q, size_t at)
{
    return s ? jd_span_load(&s->own, whole, s->pre[0] + q * m->H, s->pre[1] + q * m->H)
             : vf_load(p->g + q * p->flat + at);
}
JD_INLINE void gate_out(const mdlstm *m, const place *p, const ends *s, const bool whole, size_t q, size_t at, vf x)
{
    if (s)
        jd_span_store(&s->out, whole, s->gates[0] + q * m->H, s->gates[1] + q * m->H, x);
    else
        vf_store(p->g + q * p->flat + at, x);
}

/* s: NULL where a lane is smaller than a vector. */
JD_INLINE void cell_step(const mdlstm *m, const int n, const bool tanhs, const bool peeps, const place *p, size_t at,
                         const ends *s, const bool whole)
{
    const size_t flat = p->flat, out = (size_t)n + 2;
    const float *peep = p->peep + at;
    vf before[JD_MD_DIMS], i = gate_in(m, p, s, whole, 0, at);
    for (int e = 0; e < n; e++) before[e] = vf_load(p->old[e] + at);
    for (int e = 0; e < n && peeps; e++) i = vf_fma(vf_load(peep), before[e], i);
    i = vf_sigmoid(i);
    vf z = gate_in(m, p, s, whole, out - 1, at), o = gate_in(m, p, s, whole, out, at);
    z = tanhs ? vf_tanh(z) : vf_squash(m->a->in_squash, z);
    vf next = vf_mul(z, i);
    for (int e = 0; e < n; e++) {
        const size_t q = 1 + (size_t)e;
        vf f = gate_in(m, p, s, whole, q, at);
        if (peeps) f = vf_fma(vf_load(peep + q * flat), before[e], f);
        f = vf_sigmoid(f);
        gate_out(m, p, s, whole, q, at, f);
        next = vf_fma(before[e], f, next);
    }
    if (peeps) o = vf_fma(vf_load(peep + (size_t)(n + 1) * flat), next, o);
    o = vf_sigmoid(o);
    gate_out(m, p, s, whole, 0, at, i);
    gate_out(m, p, s, whole, out - 1, at, z);
    gate_out(m, p, s, whole, out, at, o);
    const vf y = vf_mul(o, tanhs ? vf_tanh(next) : vf_squash(m->a->out_squash, next));
    if (at + VL <= p->count) {
        vf_store(p->cell + at, next);
        vf_store(p->h + at, y);
    } else {
        vf_storen(p->cell + at, next, (int)(p->count - at));
        vf_storen(p->h + at, y, (int)(p->count - at));
    }
    if (s) jd_span_store(&s->out, whole, s->cells[0], s->cells[1], next);
    if (s) jd_span_store(&s->out, whole, s->y[0], s->y[1], y);
}

/* Large lanes: the units from `unit` on of a lane, and of the next one. */
JD_INLINE ends ends_at(const mdlstm *m, const place *p, size_t lane, size_t unit)
{
    const size_t H = m->H, G = m->v.z.G, D = (size_t)m->v.z.D;
    const bool more = lane + 1 < p->lanes;
    const ptrdiff_t r0 = jd_row(&p->rows, lane), r1 = more ? jd_row(&p->rows, lane + 1) : -1;
    ends s = {.own = jd_span_at(H, unit, true, more), .out = jd_span_at(H, unit, r0 >= 0, r1 >= 0)};
    const size_t at[2] = {r0 < 0 ? 0 : (size_t)r0 * D, r1 < 0 ? 0 : (size_t)r1 * D};
    for (size_t k = 0; k < 2; k++) {
        const ptrdiff_t from = (ptrdiff_t)unit - (ptrdiff_t)(k * H);
        s.pre[k] = p->pre + (ptrdiff_t)((lane + k) * G) + from;
        s.gates[k] = p->gates + (ptrdiff_t)(at[k] * G) + from;
        s.cells[k] = p->cells + (ptrdiff_t)(at[k] * H) + from;
        s.y[k] = p->y + (ptrdiff_t)(at[k] * H) + from;
    }
    return s;
}

JD_INLINE void units(const mdlstm *m, const int n, const bool tanhs, const bool peeps, const place *p)
{
    size_t lane = 0, unit = 0;
    for (size_t at = 0; at < p->count; at += VL) {
        if (!p->pre) {
            cell_step(m, n, tanhs, peeps, p, at, NULL, false);
            continue;
        }
        const ends s = ends_at(m, p, lane, unit);
        if (s.own.whole && s.out.whole)
            cell_step(m, n, tanhs, peeps, p, at, &s, true);
        else
            cell_step(m, n, tanhs, peeps, p, at, &s, false);
        unit += VL;
        if (unit >= m->H) unit -= m->H, lane++;
    }
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

/* A vector meets two lanes at most. */
static bool large(const mdlstm *m)
{
    return VL > 1 && m->H >= VL;
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
    if (!large(m)) jd_rows_in(s->pre, p.ldc, &own, NULL, lanes, (size_t)n + 3, H, s->gates, v->flat);
}

static void cells(const mdlstm *m, int d, int k, size_t l0, size_t l1)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, G = v->z.G, D = (size_t)v->z.D, lanes = l1 - l0, at = (v->margin + l0) * H;
    const int n = v->z.n;
    place p = {.count = lanes * H,
               .flat = v->flat,
               .lanes = lanes,
               .g = s->gates,
               .peep = s->peep,
               .cell = s->c[!(k & 1)] + at,
               .h = s->h[!(k & 1)] + at,
               .pre = large(m) ? s->pre : NULL,
               .rows = JD_K(jd__wave_rows)(v, k, l0, l1),
               .gates = m->gates + (size_t)d * G,
               .cells = m->cells + (size_t)d * H,
               .y = m->y + (size_t)d * H};
    for (int e = 0; e < n; e++)
        p.old[e] = v->exact || e == n - 1 ? s->c[k & 1] + at - v->aside[e] * H : s->old + (size_t)e * v->flat;
    point_wise(m, &p);
    for (size_t l = 0; l < lanes && !v->exact; l++) {
        if (p.rows.at[l] >= 0) continue;
        memset(p.cell + l * H, 0, H * sizeof(float));
        memset(p.h + l * H, 0, H * sizeof(float));
    }
    if (!p.pre) {
        jd_rows_out(s->gates, v->flat, lanes, (size_t)n + 3, H, p.gates, D * G, &p.rows);
        jd_rows_out(p.cell, 0, lanes, 1, H, p.cells, D * H, &p.rows);
        jd_rows_out(p.h, 0, lanes, 1, H, p.y, D * H, &p.rows);
    }
    jd__wave_fetch(&p.rows, s->along, lanes, p.gates, D * G, G);
    jd__wave_fetch(&p.rows, s->along, lanes, p.cells, D * H, H);
    jd__wave_fetch(&p.rows, s->along, lanes, p.y, D * H, H);
    jd__wave_fetch(&p.rows, s->along, lanes, m->x, m->N, m->N);
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
            cells(m, d, k, l0, l1);
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
