/*
 * mdlstm_grad.c - back-propagation through the multi-dimensional LSTM, the steps of cpu/wave.h in reverse.  What flows
 * back from a point to its predecessors waits in the states for them to take it.  The errors are kept in the order of the
 * arrays; the weight gradients (mdlstm_outer.c) and dx are products after the scans.
 *
 * Order of the sums for biases and peepholes: backwards along each lane, then over the lanes of a sample, the last first,
 * then over the samples.  For one dimension this is lstm_grad.c's order.  Lanes without a point in a step have gates of 0,
 * so that their errors and what flows out of them are 0.
 */
#include "cpu/mdlstm_grad.h"
#include "cpu/squash.h"

/* What the units of a group need, as one row: gates, errors and peepholes `flat` apart; what flows back and the sums
 * `width`.  Where a lane is not smaller than a vector, gates, errors and what flows back through the states are read and
 * written lane by lane where they stand. */
typedef struct place {
    size_t count, flat, width, lanes;
    const float *g, *dy, *cell, *peep;
    const float *old[JD_MD_DIMS], *dc[JD_MD_DIMS], *dh;
    float *delta, *back, *total;
    bool large;
    size_t unit[2];                /* floats between the rows of gates and of dy */
    jd_rows rows;                  /* of the lanes, there */
    const float *flow[JD_MD_DIMS]; /* rows of the lanes, or NULL: in dh */
    size_t flow_unit;
    jd_rows to; /* rows of delta, G apart */
} place;

/* Where a vector of units stands. */
typedef struct ends {
    jd_span in, own, to;
    const float *g[2], *dy[2], *flow[JD_MD_DIMS][2];
    float *delta[2];
} ends;

JD_INLINE void add_to(float *sum, vf x, int left)
{
    if (left >= VL)
        vf_store(sum, vf_add(vf_load(sum), x));
    else
        vf_storen(sum, vf_add(vf_load(sum), x), left);
}
JD_INLINE void add_product(float *sum, vf x, vf y, int left)
{
    if (left >= VL)
        vf_store(sum, vf_fma(x, y, vf_load(sum)));
    else
        vf_storen(sum, vf_fma(x, y, vf_load(sum)), left);
}

/* Matrix q of the gates, and of the errors. */
JD_INLINE vf gate(const mdback *m, const place *p, const ends *s, const bool whole, size_t q, size_t at)
{
    return s ? jd_span_load(&s->in, whole, s->g[0] + q * m->H, s->g[1] + q * m->H) : vf_load(p->g + q * p->flat + at);
}
JD_INLINE void put(const mdback *m, const place *p, const ends *s, const bool whole, size_t q, size_t at, vf x)
{
    if (s)
        jd_span_store(&s->to, whole, s->delta[0] + q * m->H, s->delta[1] + q * m->H, x);
    else
        vf_store(p->delta + q * p->flat + at, x);
}

/* s: NULL where a lane is smaller than a vector. */
JD_INLINE void error_step(const mdback *m, const int n, const bool plain, const bool peeps, const place *p, size_t at,
                          const int left, const ends *s, const bool whole)
{
    const size_t flat = p->flat, width = p->width, q_in = (size_t)n + 1, q_out = (size_t)n + 2;
    const vf one = vf_set1(1.f), most = vf_set1(m->a->clip), least = vf_set1(-m->a->clip);
    const bool clip = !plain && m->a->clip > 0;
    const int in = plain ? JD_SQUASH_TANH : m->a->in_squash, out = plain ? JD_SQUASH_TANH : m->a->out_squash;
    const float *peep = p->peep + at;
    const vf i = gate(m, p, s, whole, 0, at), z = gate(m, p, s, whole, q_in, at), o = gate(m, p, s, whole, q_out, at);
    const vf cell = vf_load(p->cell + at);
    vf dm = vf_zero(), flow = vf_zero();
    for (int e = 0; e < n; e++) {
        const vf dh = s && s->flow[e][0] ? jd_span_load(&s->own, whole, s->flow[e][0], s->flow[e][1])
                                         : vf_load(p->dh + (size_t)e * flat + at);
        const vf dc = vf_load(p->dc[e] + at);
        dm = e ? vf_add(dm, dh) : dh;
        flow = e ? vf_add(flow, dc) : dc;
    }
    dm = vf_add(dm, s ? jd_span_load(&s->in, whole, s->dy[0], s->dy[1]) : vf_load(p->dy + at));
    const vf y = vf_squash(out, cell), dmo = vf_mul(dm, o);
    vf d_o = vf_mul(vf_mul(dmo, y), vf_sub(one, o));
    if (clip) d_o = vf_max(least, vf_min(most, d_o));
    vf dc = vf_fma(dmo, vf_squash_slope(out, y), flow);
    if (peeps) dc = vf_fma(vf_load(peep + (size_t)(n + 1) * flat), d_o, dc);
    const vf dci = vf_mul(dc, i);
    vf d_i = vf_mul(vf_mul(dci, z), vf_sub(one, i)), d_z = vf_mul(dci, vf_squash_slope(in, z));
    if (clip) {
        d_i = vf_max(least, vf_min(most, d_i));
        d_z = vf_max(least, vf_min(most, d_z));
    }
    float *const sums = p->total + at, *const sum_peeps = sums + (size_t)(n + 3) * width;
    for (int e = 0; e < n; e++) {
        const vf f = gate(m, p, s, whole, 1 + (size_t)e, at), old = vf_load(p->old[e] + at), dcf = vf_mul(dc, f);
        vf d_f = vf_mul(vf_mul(dcf, old), vf_sub(one, f)), back = dcf;
        if (clip) d_f = vf_max(least, vf_min(most, d_f));
        if (peeps) {
            back = vf_fma(vf_load(peep), d_i, vf_fma(vf_load(peep + (size_t)(1 + e) * flat), d_f, back));
            add_product(sum_peeps, d_i, old, left);
            add_product(sum_peeps + (size_t)(1 + e) * width, d_f, old, left);
        }
        put(m, p, s, whole, 1 + (size_t)e, at, d_f);
        if (left >= VL)
            vf_store(p->back + (size_t)e * width + at, back);
        else
            vf_storen(p->back + (size_t)e * width + at, back, left);
        add_to(sums + (size_t)(1 + e) * width, d_f, left);
    }
    if (peeps) add_product(sum_peeps + (size_t)(n + 1) * width, d_o, cell, left);
    put(m, p, s, whole, 0, at, d_i);
    put(m, p, s, whole, q_in, at, d_z);
    put(m, p, s, whole, q_out, at, d_o);
    add_to(sums, d_i, left);
    add_to(sums + (size_t)(n + 1) * width, d_z, left);
    add_to(sums + (size_t)(n + 2) * width, d_o, left);
}

/* Large lanes: the units from `unit` on of a lane, and of the next one. */
JD_INLINE ends ends_at(const mdback *m, const int n, const place *p, size_t lane, size_t unit)
{
    const size_t H = m->H;
    const bool more = lane + 1 < p->lanes;
    const ptrdiff_t r[2] = {jd_row(&p->rows, lane), more ? jd_row(&p->rows, lane + 1) : -1};
    const ptrdiff_t to[2] = {jd_row(&p->to, lane), more ? jd_row(&p->to, lane + 1) : 0};
    ends s = {.in = jd_span_at(H, unit, r[0] >= 0, r[1] >= 0), .own = jd_span_at(H, unit, true, more)};
    s.to = s.own;
    for (size_t k = 0; k < 2; k++) {
        const ptrdiff_t from = (ptrdiff_t)unit - (ptrdiff_t)(k * H), row = r[k] < 0 ? 0 : r[k];
        s.g[k] = p->g + row * (ptrdiff_t)p->unit[0] + from;
        s.dy[k] = p->dy + row * (ptrdiff_t)p->unit[1] + from;
        s.delta[k] = p->delta + to[k] * (ptrdiff_t)m->v.z.G + from;
        for (int e = 0; e < n; e++)
            s.flow[e][k] = p->flow[e] ? p->flow[e] + (ptrdiff_t)((lane + k) * p->flow_unit) + from : NULL;
    }
    return s;
}

JD_INLINE void units(const mdback *m, const int n, const bool plain, const bool peeps, const place *p)
{
    size_t at = 0, lane = 0, unit = 0;
    for (; p->large && at < p->count; at += VL) {
        const ends s = ends_at(m, n, p, lane, unit);
        const int left = p->count - at < VL ? (int)(p->count - at) : VL;
        if (s.in.whole && s.own.whole)
            error_step(m, n, plain, peeps, p, at, VL, &s, true);
        else
            error_step(m, n, plain, peeps, p, at, left, &s, false);
        unit += VL;
        if (unit >= m->H) unit -= m->H, lane++;
    }
    for (; at + VL <= p->count; at += VL) error_step(m, n, plain, peeps, p, at, VL, NULL, false);
    if (at < p->count) error_step(m, n, plain, peeps, p, at, (int)(p->count - at), NULL, false);
}

static void point_wise(const mdback *m, const place *p)
{
    const int n = m->v.z.n;
    const bool plain = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH && !(m->a->clip > 0);
    if (n == 2 && plain && m->peep)
        units(m, 2, true, true, p);
    else if (n == 2 && plain)
        units(m, 2, true, false, p);
    else
        units(m, n, false, m->peep != NULL, p);
}

/* The cells of lanes begin..end-1 in step k, 0 where a lane has no point. */
static void load_cells(const mdback *m, int d, int k, size_t begin, size_t end)
{
    const jd_wave *v = &m->v;
    const size_t H = m->H, D = (size_t)v->z.D;
    float *to = v->o.side.cell[k & 1] + v->margin * H;
    const float *all = m->cells + (size_t)d * H;
    size_t first = end, last = end;
    if (k >= 0) JD_K(jd__wave_range)(v, k, &first, &last);
    if (first < begin) first = begin;
    if (last > end) last = end;
    for (size_t l0 = first, l1; l0 < last; l0 = l1) {
        l1 = last - l0 < v->group ? last : l0 + v->group;
        const jd_rows rows = JD_K(jd__wave_rows)(v, k, l0, l1);
        jd_rows_in(all, D * H, &rows, v->o.zero, l1 - l0, 1, H, to + l0 * H, 0);
    }
    if (last < first) last = first = end;
    for (size_t i = begin * H; i < first * H; i++) to[i] = 0;
    for (size_t i = last * H; i < end * H; i++) to[i] = 0;
}

/* A vector meets two lanes at most. */
static bool large(const mdback *m)
{
    return VL > 1 && m->H >= VL;
}

/* Gates, errors of the outputs and what flows back into lanes l0..l1-1 in step k, as rows of all units: what is not read
 * where it stands. */
static void load(const mdback *m, int d, int k, size_t l0, size_t l1, const jd_rows *rows)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, G = v->z.G, D = (size_t)v->z.D, lanes = l1 - l0, width = m->width;
    const int n = v->z.n;
    const float *zero = v->o.zero, *gates = m->gates + (size_t)d * G, *cell = s->cell[!(k & 1)] + v->margin * H;
    if (!large(m)) {
        jd_rows_in(gates, D * G, rows, zero, lanes, (size_t)n + 3, H, s->gates, v->flat);
        jd_rows_in(m->dy + (size_t)d * H, D * H, rows, zero, lanes, 1, H, s->dy, 0);
    }
    jd__wave_fetch(rows, -s->along, lanes, gates, D * G, G);
    jd__wave_fetch(rows, -s->along, lanes, m->dy + (size_t)d * H, D * H, H);
    if (jd__md_along(&v->z)) {
        jd__wave_fetch(rows, -s->along, lanes, m->x, m->N, m->N);
        jd__wave_fetch(rows, -2 * s->along, lanes, m->y + (size_t)d * H, D * H, H);
    }
    for (int e = 0; e < n; e++) {
        const size_t to = (size_t)e * v->flat;
        const jd_rows after = JD_K(jd__wave_neighbours)(v, e, false, l0, l1);
        const float *flow = s->h[k & 1] + v->margin * jd__md_row(m->nH) + (size_t)e * H;
        if (after.at || !large(m)) jd_rows_in(flow, jd__md_row(m->nH), &after, zero, lanes, 1, H, s->dh + to, 0);
        if (!after.at) continue;
        jd_rows_in(s->c[k & 1] + (size_t)e * width + v->margin * H, H, &after, zero, lanes, 1, H, s->flow + to, 0);
        const jd_rows before = JD_K(jd__wave_neighbours)(v, e, true, l0, l1);
        jd_rows_in(cell, H, &before, zero, lanes, 1, H, s->old + to, 0);
    }
}

/* Whether a group's errors go to their places in the arrays only, where the product reads them. */
static bool in_place(const mdback *m)
{
    return !jd__md_along(&m->v.z) && m->v.steady;
}

/* What flows back from the step after is in h and c [k & 1]; this one's goes to the others.  to: room for the errors, lane
 * by lane. */
static void errors(const mdback *m, int d, int k, size_t l0, size_t l1, const jd_rows *rows, float *to)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t H = m->H, at = (v->margin + l0) * H, G = v->z.G, D = (size_t)v->z.D;
    const int n = v->z.n;
    place p = {.count = (l1 - l0) * H,
               .lanes = l1 - l0,
               .flat = v->flat,
               .width = m->width,
               .g = s->gates,
               .dy = s->dy,
               .dh = s->dh,
               .cell = s->cell[k & 1] + at,
               .peep = s->peep,
               .delta = s->delta,
               .back = s->c[!(k & 1)] + at,
               .total = s->total + at,
               .large = large(m)};
    if (p.large) {
        p.g = m->gates + (size_t)d * G;
        p.dy = m->dy + (size_t)d * H;
        p.unit[0] = D * G;
        p.unit[1] = D * H;
        p.rows = *rows;
        p.flow_unit = jd__md_row(m->nH);
        p.delta = in_place(m) ? jd__mdlstm_delta(m, (size_t)d) : to;
        p.to = in_place(m) ? *rows : (jd_rows){0, 1, NULL};
    }
    for (int e = 0; e < n; e++) {
        const bool near = v->exact || e == n - 1;
        const ptrdiff_t lane = (ptrdiff_t)(v->margin + l0 + v->aside[e]);
        p.old[e] = near ? s->cell[!(k & 1)] + at - v->aside[e] * H : s->old + (size_t)e * v->flat;
        p.dc[e] = near ? s->c[k & 1] + (size_t)e * m->width + at + v->aside[e] * H : s->flow + (size_t)e * v->flat;
        if (near) p.flow[e] = s->h[k & 1] + lane * (ptrdiff_t)p.flow_unit + (size_t)e * H;
    }
    point_wise(m, &p);
}

/* The group's errors go to where products find them, and meet R to flow back. */
static void products(mdback *m, int d, int k, size_t l0, size_t l1, const jd_rows *rows, float *to)
{
    const jd_wave *v = &m->v;
    const jd_md_side *s = &v->o.side;
    const size_t G = v->z.G, lanes = l1 - l0, parts = (size_t)v->z.n + 3;
    const jd_rows own = {0, 1, NULL};
    float *const delta = jd__mdlstm_delta(m, (size_t)d);
    jd_points p = {.M = lanes,
                   .N = m->nH,
                   .parts = 1,
                   .ak = 1,
                   .packed = m->s.weights + (size_t)d * m->s.weights_step,
                   .C = s->h[!(k & 1)] + (v->margin + l0) * jd__md_row(m->nH),
                   .ldc = jd__md_row(m->nH)};
    if (in_place(m))
        p.part[0] = (jd_terms){delta + rows->first * (ptrdiff_t)G, rows->step * (ptrdiff_t)G, G};
    else
        p.part[0] = (jd_terms){to, (ptrdiff_t)G, G};
    if (!large(m) && !in_place(m)) jd_rows_out(s->delta, v->flat, lanes, parts, m->H, to, G, &own);
    if (v->z.errors) {
        if (!large(m))
            jd_rows_out(s->delta, v->flat, lanes, parts, m->H, delta, G, rows);
        else if (!in_place(m))
            jd_rows_out(to, 0, lanes, 1, G, delta, G, rows);
        jd__wave_fetch(rows, -s->along, lanes, delta, G, G);
    }
    if (jd__md_along(&v->z)) JD_K(jd__mdlstm_meet)(m, d, k, l0, l1, rows);
    if (k > 0) JD_K(jd__points_mul)(&p);
}

/* The sums of each of the crew's samples over its lanes, the last first. */
static void add_lanes(const mdback *m, int d)
{
    const jd_wave *v = &m->v;
    const jd_md *z = &v->z;
    const size_t H = m->H, rows = jd__md_sums(z), S = v->samples;
    for (size_t s = 0; s < S; s++) {
        float *to = m->s.sums + ((size_t)d * z->B + v->from + s) * rows;
        size_t lanes = v->lanes / S;
        while (lanes && v->o.last[(lanes - 1) * S + s] < 0) lanes--;
        for (size_t r = 0; r < rows; r++) {
            const float *from = v->o.side.total + r / H * m->width + (v->margin + s) * H + r % H;
            float sum = lanes ? from[(lanes - 1) * S * H] : 0;
            for (size_t l = lanes; l-- > 1;) sum += from[(l - 1) * S * H];
            to[r] = sum;
        }
    }
}

static bool any_here(const jd_wave *v, size_t l0, size_t l1, int k)
{
    bool any = v->exact;
    for (size_t l = l0; l < l1 && !any; l++) any = jd__wave_here(v, l, k);
    return any;
}

static void scan(mdback *m, int d)
{
    jd_wave *v = &m->v;
    const size_t n = (size_t)v->z.n, bytes = m->width * sizeof(float);
    const jd_md_side *s = &v->o.side;
    JD_K(jd__wave_turn)(v, d);
    memset(s->total, 0, (2 * n + 5) * bytes);
    for (int k = 0; k < 2; k++) {
        memset(s->h[k], 0, jd__md_back(&v->z) * sizeof(float));
        memset(s->c[k], 0, n * bytes);
        memset(s->cell[k], 0, bytes);
    }
    if (m->peep) JD_K(jd__wave_peep)(v, m->peep + (size_t)d * (n + 2) * m->H);
    load_cells(m, d, v->steps - 1, 0, v->lanes);
    for (int k = v->steps; k-- > 0;) {
        size_t begin, end;
        JD_K(jd__wave_range)(v, k, &begin, &end);
        /* with what the first lane's predecessor has */
        load_cells(m, d, k - 1, begin > v->samples ? begin - v->samples : 0, end);
        for (size_t l0 = begin, l1; l0 < end; l0 = l1) {
            l1 = end - l0 < v->group ? end : l0 + v->group;
            if (!any_here(v, l0, l1, k)) continue;
            const jd_rows rows = JD_K(jd__wave_rows)(v, k, l0, l1);
            float *const to = jd__md_along(&v->z) ? JD_K(jd__mdlstm_room)(m, l1 - l0) : s->pre;
            load(m, d, k, l0, l1, &rows);
            errors(m, d, k, l0, l1, &rows, to);
            products(m, d, k, l0, l1, &rows, to);
        }
    }
    add_lanes(m, d);
}

/* Members take parts of the batch in one direction each: the parts do not depend on the team. */
static void scan_parts(mdback *m)
{
    jd_wave *v = &m->v;
    const size_t D = (size_t)v->z.D, parts = jd__md_parts(&v->z);
    size_t begin, end;
    jd_share(&v->w, parts * D, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t part = i / D, d = i % D;
        v->b0 = v->from = v->to = jd__md_part(&v->z, part);
        v->b1 = jd__md_part(&v->z, part + 1);
        m->sum = m->s.product + (d * parts + part) * v->z.G * m->K;
        while (JD_K(jd__wave_crew)(v)) scan(m, (int)d);
        JD_K(jd__mdlstm_end)(m);
    }
}

/* ---- after the scans ------------------------------------------------------------------------------------------------------*/

/* Biases and peepholes of direction d: the sums over the samples. */
static void add_samples(const mdback *m, size_t d, float *db, float *dpeep)
{
    const jd_md *z = &m->v.z;
    const size_t rows = jd__md_sums(z), peeps = rows - z->G;
    for (size_t r = 0; r < rows && (r < z->G || m->peep); r++) {
        float sum = 0;
        for (size_t b = 0; b < z->B; b++) sum += m->s.sums[(d * z->B + b) * rows + r];
        if (r < z->G)
            db[d * z->G + r] = sum;
        else
            dpeep[d * peeps + r - z->G] = sum;
    }
}

/* Rows g0..g1-1 of the weights of direction d: the sums over the parts. */
static void add_parts(const mdback *m, size_t d, size_t g0, size_t g1, float *dW, float *dR)
{
    const size_t G = m->v.z.G, K = m->K, N = m->N, parts = jd__md_parts(&m->v.z);
    for (size_t g = g0; g < g1; g++) {
        float *row = m->s.product + (d * parts * G + g) * K;
        for (size_t q = 1; q < parts; q++)
            for (size_t k = 0; k < K; k++) row[k] += row[q * G * K + k];
        memcpy(dW + (d * G + g) * N, row, N * sizeof(float));
        memcpy(dR + (d * G + g) * m->nH, row + N, m->nH * sizeof(float));
    }
}

static void finish(mdback *m, const jd_call *c)
{
    const jd_md *z = &m->v.z;
    const size_t G = z->G;
    size_t begin, end;
    jd_share(&m->v.w, (size_t)z->D * G, 1, &begin, &end);
    for (size_t d = begin / G; d * G < end; d++) {
        const size_t g0 = begin > d * G ? begin - d * G : 0, g1 = end - d * G < G ? end - d * G : G;
        if (!jd__md_along(z)) JD_K(jd__mdlstm_outer)(m, (int)d, g0, g1);
        add_parts(m, d, g0, g1, c->out[1], c->out[2]);
    }
    jd_share(&m->v.w, (size_t)z->D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) add_samples(m, d, c->out[3], c->out[4]);
    for (size_t d = 0; d < (size_t)z->D && m->a->need_dx; d++) {
        const jd_gemm g = {.M = (int64_t)(z->B * z->P),
                           .N = (int64_t)m->N,
                           .K = (int64_t)G,
                           .A = jd__mdlstm_delta(m, d),
                           .am = (ptrdiff_t)G,
                           .ak = 1,
                           .B = (const float *)c->in[2] + d * G * m->N,
                           .bk = (ptrdiff_t)m->N,
                           .bn = 1,
                           .C = c->out[0],
                           .ldc = (ptrdiff_t)m->N,
                           .accumulate = d > 0};
        JD_K(jd__gemm)(&g, &m->v.w, m->s.gemm);
    }
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
    m.width = jd__md_width(&z) + JD_MD_OVER;
    jd__md_space(&z, true, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, true)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) {
        const float *R = (const float *)c->in[3] + d * z.G * m.nH;
        const int64_t panels = (int64_t)((m.nH + JD_NR - 1) / JD_NR);
        JD_K(jd__pack_b)
        (R, (ptrdiff_t)m.nH, 1, (int64_t)z.G, (int64_t)m.nH, 0, panels, m.s.weights + d * m.s.weights_step);
    }
    jd__wave_meet(&m.v);
    for (int d = m.v.d0; d < m.v.d1 && z.errors; d++)
        JD_K(jd__wave_clear)(&m.v, z.G, jd__mdlstm_delta(&m, (size_t)d), z.G);
    if (jd__md_along(&z))
        scan_parts(&m);
    else
        while (JD_K(jd__wave_crew)(&m.v))
            for (int d = m.v.d0; d < m.v.d1; d++) scan(&m, d);
    jd__wave_meet(&m.v);
    finish(&m, c);
}
