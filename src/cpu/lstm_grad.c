/*
 * lstm_grad.c - back-propagation through time of the LSTM layer.  The loop over the steps computes the errors of the
 * pre-activations and keeps them; the weight gradients and dx are one product each after the loop.  Sums over the steps
 * (bias, peepholes) are kept for each sample and added in the order of the samples at the end.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

typedef struct lstm_back {
    jd_recur r;
    jd_panels R, proj, W;
    const jd_lstm_attr *a;
    const float *peep, *c0, *gates, *cells, *dy;
    jd_rec_space s;
    int N, H, P;
    size_t ld, dh_ld; /* floats from row to row of delta and of dh; dh in the order of the members' samples */
    bool has_h0;
} lstm_back;

static float *dh_of(const lstm_back *L, int k)
{
    return L->s.dh + (size_t)(L->r.base + k) * L->dh_ld;
}

/* What one sample's units need at a step. */
typedef struct place {
    const float *gates, *cell, *before, *dm, *dy;
    float *dc, *delta, *sum;
} place;

/* The errors of n units from u on. */
JD_INLINE void error_step(const lstm_back *L, const bool plain, const place *p, size_t u, int n)
{
    const size_t H = (size_t)L->H;
    const vf one = vf_set1(1.f);
    const vf i = vf_loadn(p->gates + u, n), f = vf_loadn(p->gates + H + u, n);
    const vf z = vf_loadn(p->gates + 2 * H + u, n), o = vf_loadn(p->gates + 3 * H + u, n);
    const vf cell = vf_loadn(p->cell + u, n), old = p->before ? vf_loadn(p->before + u, n) : vf_zero();
    const float *peep = plain ? NULL : L->peep;
    const int in = plain ? JD_SQUASH_TANH : L->a->in_squash, out = plain ? JD_SQUASH_TANH : L->a->out_squash;
    vf dm = vf_loadn(p->dm + u, n);
    if (p->dy) dm = vf_add(dm, vf_loadn(p->dy + u, n));
    const vf s = vf_squash(out, cell), dmo = vf_mul(dm, o);
    const vf d_o = vf_mul(vf_mul(dmo, s), vf_sub(one, o));
    vf dc = vf_fma(dmo, vf_squash_slope(out, s), vf_loadn(p->dc + u, n));
    if (peep) dc = vf_fma(vf_loadn(peep + 2 * H + u, n), d_o, dc);
    const vf dci = vf_mul(dc, i), dcf = vf_mul(dc, f);
    const vf d_i = vf_mul(vf_mul(dci, z), vf_sub(one, i));
    const vf d_f = !plain && L->a->no_forget ? vf_zero() : vf_mul(vf_mul(dcf, old), vf_sub(one, f));
    const vf d_z = vf_mul(dci, vf_squash_slope(in, z));
    vf back = dcf;
    if (peep && !L->a->truncate)
        back = vf_fma(vf_loadn(peep + u, n), d_i, vf_fma(vf_loadn(peep + H + u, n), d_f, back));
    vf_storen(p->dc + u, back, n);
    vf_storen(p->delta + u, d_i, n);
    vf_storen(p->delta + H + u, d_f, n);
    vf_storen(p->delta + 2 * H + u, d_z, n);
    vf_storen(p->delta + 3 * H + u, d_o, n);
    float *sum = p->sum + u;
    vf_storen(sum, vf_add(vf_loadn(sum, n), d_i), n);
    vf_storen(sum + H, vf_add(vf_loadn(sum + H, n), d_f), n);
    vf_storen(sum + 2 * H, vf_add(vf_loadn(sum + 2 * H, n), d_z), n);
    vf_storen(sum + 3 * H, vf_add(vf_loadn(sum + 3 * H, n), d_o), n);
    if (!peep) return;
    sum += 4 * H;
    vf_storen(sum, vf_fma(d_i, old, vf_loadn(sum, n)), n);
    vf_storen(sum + H, vf_fma(d_f, old, vf_loadn(sum + H, n)), n);
    vf_storen(sum + 2 * H, vf_fma(d_o, cell, vf_loadn(sum + 2 * H, n)), n);
}

static place place_of(const lstm_back *L, int s, int k)
{
    const jd_recur *r = &L->r;
    const size_t H = (size_t)L->H, row = (size_t)r->row[k], b = (size_t)r->sample[k];
    return (place){.gates = L->gates + row * 4 * H,
                   .cell = L->cells + row * H,
                   .before = r->prev[k] >= 0 ? L->cells + (size_t)r->prev[k] * H
                             : L->c0         ? L->c0 + b * H
                                             : NULL,
                   .dm = L->proj.data ? L->s.dm + b * H : dh_of(L, k),
                   .dy = L->proj.data || !L->dy ? NULL : L->dy + row * (size_t)L->P,
                   .dc = L->s.dc + b * H,
                   .delta = L->s.delta + jd__recur_packed(r, k, s) * L->ld,
                   .sum = L->s.sum + b * 7 * H};
}

/* Fetches what stands elsewhere at every step: the processor does not foresee where the next sample's rows are. */
JD_INLINE void fetch(const place *p, size_t H, size_t u)
{
    for (size_t i = 0; i < 4; i++) {
        __builtin_prefetch(p->gates + i * H + u, 0, 3);
        __builtin_prefetch(p->delta + i * H + u, 1, 3);
    }
    if (p->before) __builtin_prefetch(p->before + u, 0, 3);
    if (p->dy) __builtin_prefetch(p->dy + u, 0, 3);
}

JD_INLINE void units(const lstm_back *L, const bool plain, int s, int n)
{
    enum { LINE = 16 };
    const jd_recur *r = &L->r;
    const size_t H = (size_t)L->H, u0 = (size_t)r->u0 * JD_RW,
                 u1 = (size_t)r->u1 * JD_RW < H ? (size_t)r->u1 * JD_RW : H;
    if (n <= 0) return;
    place p = place_of(L, s, 0);
    for (int k = 0; k < n; k++) {
        const place next = place_of(L, s, k + 1 < n ? k + 1 : k);
        for (size_t v = u0; v < u1; v += LINE) {
            if (k + 1 < n) fetch(&next, H, v);
            for (size_t u = v; u < v + LINE && u < u1; u += VL)
                error_step(L, plain, &p, u, u1 - u < VL ? (int)(u1 - u) : VL);
        }
        p = next;
    }
}

static void units_plain(const lstm_back *L, int s, int n)
{
    units(L, true, s, n);
}
static void units_any(const lstm_back *L, int s, int n)
{
    units(L, false, s, n);
}

/* With a projection: dr = dy + dh, dm = proj' dr. */
static void through_projection(lstm_back *L, int s, int n)
{
    jd_recur *r = &L->r;
    const int p0 = r->p0 * JD_RW, p1 = r->p1 * JD_RW < L->P ? r->p1 * JD_RW : L->P;
    for (int k = 0; k < n; k++) {
        const size_t P = (size_t)L->P, b = (size_t)r->sample[k];
        float *dr = L->s.dr + jd__recur_packed(r, k, s) * P;
        const float *dh = dh_of(L, k), *dy = L->dy ? L->dy + (size_t)r->row[k] * P : NULL;
        for (int j = p0; j < p1; j++) dr[j] = dy ? dh[j] + dy[j] : dh[j];
        r->a[k] = dr;
        r->c[k] = L->s.dm + b * (size_t)L->H;
    }
    jd__recur_sync(r);
    JD_K(jd__rows_mul)(&L->proj, r->u0, r->u1, n, r->a, r->c, NULL, 0);
}

static void step(lstm_back *L, int s)
{
    jd_recur *r = &L->r;
    const jd_lstm_attr *a = L->a;
    const bool plain = !L->peep && !a->no_forget && a->in_squash == JD_SQUASH_TANH && a->out_squash == JD_SQUASH_TANH;
    const int n = JD_K(jd__recur_step)(r, s);
    if (L->proj.data) through_projection(L, s, n);
    (plain ? units_plain : units_any)(L, s, n);
    jd__recur_sync(r);
    if (!s && !L->has_h0) return;
    const size_t p0 = (size_t)r->p0 * JD_RW, p1 = (size_t)r->p1 * JD_RW;
    for (int k = 0; k < n; k++) {
        r->a[k] = L->s.delta + jd__recur_packed(r, k, s) * L->ld;
        if (p0 < p1) memset(dh_of(L, k) + p0, 0, (p1 - p0) * sizeof(float));
    }
    const jd_part part = {&L->R, r->a};
    if (!L->a->truncate) JD_K(jd__rows_chain)(&part, 1, r->p0, r->p1, r->p0, n, NULL, dh_of(L, 0) + p0, L->dh_ld);
}

/* The errors that come from behind the last step. */
static void start(lstm_back *L, const float *dh)
{
    jd_recur *r = &L->r;
    const size_t P = (size_t)L->P;
    for (int k = 0; k < r->n; k++) {
        if (r->by_units && k % r->w.count != r->w.id) continue;
        if (dh)
            memcpy(dh_of(L, k), dh + (size_t)r->sample[k] * P, P * sizeof(float));
        else
            memset(dh_of(L, k), 0, P * sizeof(float));
    }
}

/* The errors of the first state; the caller's members met. */
static void end(const lstm_back *L, float *dh)
{
    const jd_recur *r = &L->r;
    const size_t P = (size_t)L->P;
    for (int k = 0; k < r->n; k++)
        if (!r->by_units || k % r->w.count == r->w.id)
            memcpy(dh + (size_t)r->sample[k] * P, dh_of(L, k), P * sizeof(float));
}

/* After all members met: the weight gradients, dx, and the errors of the first state. */
static void finish(lstm_back *L, const jd_call *c)
{
    jd_recur *r = &L->r;
    const int H = L->H, P = L->P, N = L->N;
    JD_K(jd__recur_reduce)(r, L->s.sum, 7 * (size_t)H, 4 * H, c->out[3]);
    if (L->peep) JD_K(jd__recur_reduce)(r, L->s.sum + 4 * (size_t)H, 7 * (size_t)H, 3 * H, c->out[4]);
    float *room = L->s.outer + (size_t)r->w.id * L->s.outer_floats;
    const jd_outer term[2] = {
        {.lo = 0, .hi = 4 * H, .n = N, .all = c->in[0], .out = c->out[1]},
        {.lo = 0, .hi = 4 * H, .n = P, .all = c->in[9], .first = c->in[7], .before = true, .out = c->out[2]}};
    JD_K(jd__recur_outer)(r, L->s.delta, (int)L->ld, term, 2, room);
    if (L->proj.data) {
        const jd_outer m = {.lo = 0, .hi = P, .n = H, .all = c->in[12], .out = c->out[5]};
        JD_K(jd__recur_outer)(r, L->s.dr, P, &m, 1, room);
    }
    if (L->a->need_dx) JD_K(jd__recur_dx)(r, L->s.delta, (int)L->ld, &L->W, c->out[0], N);
    if (c->in[7]) end(L, c->out[6]);
    if (r->w.id) return;
    if (c->in[8]) memcpy(c->out[7], L->s.dc, (size_t)r->B * (size_t)H * sizeof(float));
}

jd_kernel JD_K(jd__k_lstm_grad);

void JD_K(jd__k_lstm_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0], *R = &c->in_type[3];
    lstm_back L = {.a = c->attr,
                   .N = (int)x->dim[2],
                   .H = (int)R->dim[0] / 4,
                   .P = (int)R->dim[1],
                   .peep = c->in[5],
                   .c0 = c->in[8],
                   .gates = c->in[10],
                   .cells = c->in[11],
                   .dy = c->in[13],
                   .has_h0 = c->in[7] != NULL};
    jd__rec_space(c, 4, true, w->count, c->scratch, &L.s);
    jd_recur *r = &L.r;
    if (!JD_K(jd__recur_init)(r, c, w, &L.s, L.a->reverse, L.H, L.P, 8. * L.H * L.P)) return;
    L.ld = 4 * (size_t)L.H + JD_DELTA_PAD;
    L.dh_ld = jd__packed_floats(1, 1, (size_t)L.P);
    L.R = (jd_panels){.data = L.s.r, .K = 4 * L.H, .G = 1, .n = L.P};
    L.W = (jd_panels){.data = L.s.w, .K = 4 * L.H, .G = 1, .n = L.N};
    if (!L.a->truncate) JD_K(jd__recur_pack)(r, &L.R, c->in[3], (size_t)L.P, 1);
    if (L.a->need_dx) JD_K(jd__recur_pack)(r, &L.W, c->in[2], (size_t)L.N, 1);
    if (c->in[6]) {
        L.proj = (jd_panels){.data = L.s.proj, .K = L.P, .G = 1, .n = L.H};
        JD_K(jd__recur_pack)(r, &L.proj, c->in[6], (size_t)L.H, 1);
    }
    start(&L, c->in[14]);
    JD_K(jd__recur_start)(r, c->in[15], L.s.dc, L.H);
    JD_K(jd__recur_start)(r, NULL, L.s.sum, 7 * L.H);
    jd__recur_meet(r);
    for (int s = r->T; s-- > 0;) step(&L, s);
    jd__recur_meet(r);
    finish(&L, c);
}
