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

/* What one vector of points needs, at unit u: matrices (rows,16), and rows of the states. */
typedef struct place {
    const float *g, *dy, *cell;
    const float *old[JD_MD_DIMS], *dh[JD_MD_DIMS], *dc[JD_MD_DIMS];
    float *delta, *back, *total;
} place;

/* Which lanes have a neighbour before and after them. */
typedef struct sides {
    vi low[JD_MD_DIMS], high[JD_MD_DIMS];
} sides;

JD_INLINE vf masked(const float *p, vi bits)
{
    return vi_as_float(vi_and(vf_bits(vf_load(p)), bits));
}

JD_INLINE void add_to(float *sum, vf x)
{
    vf_store(sum, vf_add(vf_load(sum), x));
}
JD_INLINE void add_product(float *sum, vf x, vf y)
{
    vf_store(sum, vf_fma(x, y, vf_load(sum)));
}

JD_INLINE void error_step(const mdback *m, const int n, const bool plain, const float *peep, const place *p,
                          const sides *s)
{
    const size_t H = m->H, gate = H * L, unit = H * m->width;
    const vf one = vf_set1(1.f), most = vf_set1(m->a->clip), least = vf_set1(-m->a->clip);
    const bool clip = !plain && m->a->clip > 0;
    const int in = plain ? JD_SQUASH_TANH : m->a->in_squash, out = plain ? JD_SQUASH_TANH : m->a->out_squash;
    const vf i = vf_load(p->g), z = vf_load(p->g + (size_t)(n + 1) * gate), o = vf_load(p->g + (size_t)(n + 2) * gate);
    const vf cell = vf_load(p->cell);
    vf dm = vf_zero(), flow = vf_zero();
    for (int e = 0; e < n; e++) {
        const vf dh = e < n - 1 ? masked(p->dh[e], s->high[e]) : vf_load(p->dh[e]);
        const vf dc = e < n - 1 ? masked(p->dc[e], s->high[e]) : vf_load(p->dc[e]);
        dm = e ? vf_add(dm, dh) : dh;
        flow = e ? vf_add(flow, dc) : dc;
    }
    dm = vf_add(dm, vf_load(p->dy));
    const vf y = vf_squash(out, cell), dmo = vf_mul(dm, o);
    vf d_o = vf_mul(vf_mul(dmo, y), vf_sub(one, o));
    if (clip) d_o = vf_max(least, vf_min(most, d_o));
    vf dc = vf_fma(dmo, vf_squash_slope(out, y), flow);
    if (peep) dc = vf_fma(vf_set1(peep[(size_t)(n + 1) * H]), d_o, dc);
    const vf dci = vf_mul(dc, i);
    vf d_i = vf_mul(vf_mul(dci, z), vf_sub(one, i)), d_z = vf_mul(dci, vf_squash_slope(in, z));
    if (clip) {
        d_i = vf_max(least, vf_min(most, d_i));
        d_z = vf_max(least, vf_min(most, d_z));
    }
    float *const sums = p->total, *const peeps = sums + (size_t)(n + 3) * unit;
    for (int e = 0; e < n; e++) {
        const vf f = vf_load(p->g + (size_t)(1 + e) * gate);
        const vf old = e < n - 1 ? masked(p->old[e], s->low[e]) : vf_load(p->old[e]);
        const vf dcf = vf_mul(dc, f);
        vf d_f = vf_mul(vf_mul(dcf, old), vf_sub(one, f)), back = dcf;
        if (clip) d_f = vf_max(least, vf_min(most, d_f));
        if (peep) {
            back = vf_fma(vf_set1(peep[0]), d_i, vf_fma(vf_set1(peep[(size_t)(1 + e) * H]), d_f, back));
            add_product(peeps, d_i, old);
            add_product(peeps + (size_t)(1 + e) * unit, d_f, old);
        }
        vf_store(p->delta + (size_t)(1 + e) * gate, d_f);
        vf_store(p->back + (size_t)e * unit, back);
        add_to(sums + (size_t)(1 + e) * unit, d_f);
    }
    if (peep) add_product(peeps + (size_t)(n + 1) * unit, d_o, cell);
    vf_store(p->delta, d_i);
    vf_store(p->delta + (size_t)(n + 1) * gate, d_z);
    vf_store(p->delta + (size_t)(n + 2) * gate, d_o);
    add_to(sums, d_i);
    add_to(sums + (size_t)(n + 1) * unit, d_z);
    add_to(sums + (size_t)(n + 2) * unit, d_o);
}

JD_INLINE void units(const mdback *m, const int n, const bool plain, const float *peep, const place *first,
                     const sides *s)
{
    place p = *first;
    for (size_t u = 0; u < m->H; u++) {
        error_step(m, n, plain, peep ? peep + u : NULL, &p, s);
        p.g += L;
        p.dy += L;
        p.delta += L;
        p.cell += m->width;
        p.back += m->width;
        p.total += m->width;
        for (int e = 0; e < n; e++) {
            p.old[e] += m->width;
            p.dh[e] += m->width;
            p.dc[e] += m->width;
        }
    }
}

static void point_wise(const mdback *m, int d, const place *p, const sides *s)
{
    const int n = m->v.z.n;
    const float *peep = m->peep ? m->peep + (size_t)d * (size_t)(n + 2) * m->H : NULL;
    const bool plain = m->a->in_squash == JD_SQUASH_TANH && m->a->out_squash == JD_SQUASH_TANH && !(m->a->clip > 0);
    if (n == 2 && plain)
        units(m, 2, true, peep, p, s);
    else
        units(m, n, false, peep, p, s);
}

/* Rows of n floats of `all`, whose points are `step` floats apart, of the lanes that have a point. */
static void rows_of(const mdback *m, const jd_panel *p, const float *all, size_t step, const float *row[L])
{
    for (int l = 0; l < L; l++) row[l] = p->row[l] == SIZE_MAX ? m->v.o.zero : all + p->row[l] * step;
}

/* The cells of panel q in step k, 0 where a lane has no point. */
static void load_cells(const mdback *m, int q, int k, int d)
{
    float *to = m->v.o.cell[k & 1] + m->margin + q * L;
    const size_t D = (size_t)m->v.z.D;
    jd_panel p;
    if (!JD_K(jd__wave_panel)(&m->v, q, k, &p)) {
        for (size_t u = 0; u < m->H; u++) memset(to + u * m->width, 0, L * sizeof(float));
        return;
    }
    const float *row[L];
    rows_of(m, &p, m->cells + (size_t)d * m->H, D * m->H, row);
    JD_K(jd__lanes_in)(row, p.lanes, m->H, to, m->width);
}

static void one_panel(mdback *m, const jd_panel *p, int q, int k, int d, float *delta)
{
    const jd_md_own *o = &m->v.o;
    const jd_md *z = &m->v.z;
    const size_t H = m->H, G = z->G, D = (size_t)z->D, lane = m->margin + (size_t)q * L;
    float *g = o->side, *dy = g + G * L, *to[L];
    const int from = k & 1;
    const float *row[L];
    const ptrdiff_t next = -m->v.along * (ptrdiff_t)(D * G);
    rows_of(m, p, m->gates + (size_t)d * G, D * G, row);
    jd__lanes_fetch(row, G, next);
    JD_K(jd__lanes_in)(row, p->lanes, G, g, L);
    rows_of(m, p, m->dy + (size_t)d * H, D * H, row);
    JD_K(jd__lanes_in)(row, p->lanes, H, dy, L);
    for (int j = 0; j < jd__lane_vectors(p->lanes); j++) {
        const size_t at = lane + (size_t)j * VL;
        place here = {.g = g + j * VL,
                      .dy = dy + j * VL,
                      .cell = o->cell[k & 1] + at,
                      .delta = delta + j * VL,
                      .back = o->c[!from] + at,
                      .total = o->total + at};
        sides s;
        for (int e = 0; e < z->n; e++) {
            const ptrdiff_t aside = m->v.aside[e];
            here.old[e] = o->cell[!(k & 1)] + at - aside;
            here.dh[e] = o->h[from] + (size_t)e * H * m->width + at + aside;
            here.dc[e] = o->c[from] + (size_t)e * H * m->width + at + aside;
            s.low[e] = vi_load(o->low[e] + q * L + j * VL);
            s.high[e] = vi_load(o->high[e] + q * L + j * VL);
        }
        point_wise(m, d, &here, &s);
    }
    for (int l = 0; l < L; l++) to[l] = p->row[l] == SIZE_MAX ? o->dump : m->s.delta + (p->row[l] * D + (size_t)d) * G;
    jd__lanes_fetch((const float *const *)to, G, next);
    JD_K(jd__lanes_out)(delta, L, G, p->lanes, to);
}

/* Some panels of step k.  What flows back from the step after is in h and c [k & 1]; this one's goes to the others. */
static void group(mdback *m, const jd_panel *p, const int *number, int panels, int k, int d)
{
    const jd_md_own *o = &m->v.o;
    const size_t G = m->v.z.G;
    const float *in[JD_MD_GROUP] = {0};
    float *out[JD_MD_GROUP] = {0};
    int lanes[JD_MD_GROUP] = {0};
    for (int i = 0; i < panels; i++) {
        float *delta = o->in + (size_t)i * G * L;
        in[i] = delta;
        out[i] = o->h[!(k & 1)] + m->margin + (size_t)number[i] * L;
        lanes[i] = p[i].lanes;
        one_panel(m, &p[i], number[i], k, d, delta);
    }
    if (k == 0) return;
    const float *weights = m->s.weights + (size_t)d * m->s.weights_step;
    if (m->v.few)
        JD_K(jd__lanes_mul_few)(weights, m->nH, G, NULL, lanes[0], in[0], o->few, out[0], m->width);
    else
        JD_K(jd__lanes_mul)(weights, m->nH, G, NULL, panels, lanes, in, out, m->width);
}

/* The sums of each of the crew's samples over its lanes. */
static void add_lanes(const mdback *m, int d)
{
    const jd_md *z = &m->v.z;
    const size_t rows = jd__md_sums(z), per = z->n == 3 ? z->dim[1] : 1;
    size_t lane = 0;
    for (size_t b = m->v.from; b < m->v.to; b++) {
        size_t ext[JD_MD_DIMS];
        float *to = m->s.sums + ((size_t)d * z->B + b) * rows;
        const bool any = jd__md_extent(z, b, ext);
        const size_t lanes = !any ? 0 : z->n == 1 ? 1 : ext[0] * per;
        for (size_t r = 0; r < rows; r++) {
            const float *from = m->v.o.total + r * m->width + m->margin + lane;
            float sum = lanes ? from[lanes - 1] : 0;
            for (size_t l = lanes; l-- > 1;) sum += from[l - 1];
            to[r] = sum;
        }
        lane += lanes;
    }
}

static void scan(mdback *m, int d)
{
    const jd_md_own *o = &m->v.o;
    jd_wave *v = &m->v;
    JD_K(jd__wave_turn)(v, d);
    memset(o->total, 0, jd__md_sums(&v->z) * m->width * sizeof(float));
    for (int k = 0; k < 2; k++) {
        memset(o->h[k], 0, jd__md_padded(m->nH) * m->width * sizeof(float));
        memset(o->c[k], 0, m->nH * m->width * sizeof(float));
        memset(o->cell[k], 0, m->H * m->width * sizeof(float));
    }
    jd_panel p[JD_MD_GROUP];
    int number[JD_MD_GROUP], n = 0;
    for (int q = 0; q < v->panels; q++)
        if (jd__wave_at_work(v, q, v->steps - 1)) load_cells(m, q, v->steps - 1, d);
    for (int k = v->steps; k-- > 0;) {
        for (int q = 0; q < v->panels; q++)
            if (jd__wave_at_work(v, q, k) || jd__wave_at_work(v, q, k - 1)) load_cells(m, q, k - 1, d);
        for (int q = 0; q < v->panels; q++) {
            if (!JD_K(jd__wave_panel)(v, q, k, &p[n])) continue;
            number[n++] = q;
            if (n < JD_MD_GROUP) continue;
            group(m, p, number, n, k, d);
            n = 0;
        }
        if (n) group(m, p, number, n, k, d);
        n = 0;
    }
    add_lanes(m, d);
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

static void finish(mdback *m, const jd_call *c)
{
    const jd_md *z = &m->v.z;
    const size_t G = z->G;
    float *dW = c->out[1], *dR = c->out[2];
    size_t begin, end;
    jd_share(&m->v.w, (size_t)z->D * G, 1, &begin, &end);
    for (size_t d = begin / G; d * G < end; d++) {
        const size_t g0 = begin > d * G ? begin - d * G : 0, g1 = end - d * G < G ? end - d * G : G;
        JD_K(jd__mdlstm_outer)(m, (int)d, g0, g1);
        for (size_t g = d * G + g0; g < d * G + g1; g++) {
            memcpy(dW + g * m->N, m->s.product + g * m->K, m->N * sizeof(float));
            memcpy(dR + g * m->nH, m->s.product + g * m->K + m->N, m->nH * sizeof(float));
        }
    }
    jd_share(&m->v.w, (size_t)z->D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) add_samples(m, d, c->out[3], c->out[4]);
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
    m.width = jd__md_width(&z);
    m.margin = jd__md_margin(&z);
    jd__md_space(&z, true, w->count, c->scratch, &m.s);
    if (!JD_K(jd__wave_init)(&m.v, c, w, &m.s, true)) return;
    size_t begin, end;
    jd_share(&m.v.w, (size_t)z.D, 1, &begin, &end);
    for (size_t d = begin; d < end; d++) {
        const float *R = (const float *)c->in[3] + d * z.G * m.nH;
        float *to = m.s.weights + d * m.s.weights_step;
        if (m.v.few) JD_K(jd__pack_b)
        (R, (ptrdiff_t)m.nH, 1, (int64_t)z.G, (int64_t)m.nH, 0, (int64_t)((m.nH + JD_NR - 1) / JD_NR), to);
        else JD_K(jd__lanes_pack)(R, 1, m.nH, m.nH, z.G, 0, z.G, to);
    }
    jd__wave_meet(&m.v);
    for (int d = m.v.d0; d < m.v.d1; d++) JD_K(jd__wave_clear)(&m.v, d, z.G, m.s.delta);
    while (JD_K(jd__wave_crew)(&m.v))
        for (int d = m.v.d0; d < m.v.d1; d++) scan(&m, d);
    jd__wave_meet(&m.v);
    finish(&m, c);
}
