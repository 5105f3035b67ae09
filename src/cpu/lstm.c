/*
 * lstm.c - the LSTM layer.  A pre-activation is one chain of fused multiply-adds: from its bias over the inputs (done for
 * a chunk of steps at once), then over the recurrent inputs.  The gates array holds the pre-activations until the
 * point-wise pass of the step turns them into gates, still in the first-level cache.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

/* Blocks of JD_RW units whose products are done before their point-wise pass: their gates stay in the caches. */
enum { TOGETHER = 4 };

typedef struct lstm {
    jd_recur r;
    jd_panels W, R, proj;
    const jd_lstm_attr *a;
    const float *x, *b, *peep, *h0, *c0;
    float *y, *gates, *cells, *m;
    int N, H, P;
    bool flat; /* few units: the four gates are packed as one group, and a step has one point-wise pass */
} lstm;

/* Units u..u+n-1 (n <= VL) of one sample: g points to the pre-activations of gate i. */
JD_INLINE void cell_step(const lstm *L, const bool plain, float *g, const float *before, float *cell, float *m, int u,
                         int n)
{
    const size_t H = (size_t)L->H;
    const vf old = before ? vf_loadn(before + u, n) : vf_zero();
    vf i = vf_loadn(g + u, n), f = vf_loadn(g + H + u, n), z = vf_loadn(g + 2 * H + u, n),
       o = vf_loadn(g + 3 * H + u, n);
    const float *peep = plain ? NULL : L->peep;
    if (peep) {
        i = vf_fma(vf_loadn(peep + u, n), old, i);
        f = vf_fma(vf_loadn(peep + H + u, n), old, f);
    }
    i = vf_sigmoid(i);
    f = !plain && L->a->no_forget ? vf_set1(1.f) : vf_sigmoid(f);
    z = plain ? vf_tanh(z) : vf_squash(L->a->in_squash, z);
    const vf next = vf_fma(old, f, vf_mul(z, i));
    if (peep) o = vf_fma(vf_loadn(peep + 2 * H + u, n), next, o);
    o = vf_sigmoid(o);
    vf_storen(g + u, i, n);
    vf_storen(g + H + u, f, n);
    vf_storen(g + 2 * H + u, z, n);
    vf_storen(g + 3 * H + u, o, n);
    vf_storen(cell + u, next, n);
    vf_storen(m + u, vf_mul(o, plain ? vf_tanh(next) : vf_squash(L->a->out_squash, next)), n);
}

JD_INLINE void units(const lstm *L, const bool plain, int n, int u0, int u1)
{
    const size_t H = (size_t)L->H;
    for (int k = 0; k < n; k++) {
        const size_t row = (size_t)L->r.row[k];
        const float *before = L->r.prev[k] >= 0 ? L->cells + (size_t)L->r.prev[k] * H
                              : L->c0           ? L->c0 + (size_t)L->r.sample[k] * H
                                                : NULL;
        float *g = L->gates + row * 4 * H, *cell = L->cells + row * H, *m = L->m + row * H;
        int u = u0;
        for (; u + VL <= u1; u += VL) cell_step(L, plain, g, before, cell, m, u, VL);
        if (u < u1) cell_step(L, plain, g, before, cell, m, u, u1 - u);
    }
}

static void units_plain(const lstm *L, int n, int u0, int u1)
{
    units(L, true, n, u0, u1);
}
static void units_any(const lstm *L, int n, int u0, int u1)
{
    units(L, false, n, u0, u1);
}

static void step(lstm *L, int s)
{
    jd_recur *r = &L->r;
    const jd_lstm_attr *a = L->a;
    const bool plain = !L->peep && !a->no_forget && a->in_squash == JD_SQUASH_TANH && a->out_squash == JD_SQUASH_TANH;
    const int n = JD_K(jd__recur_step)(r, s);
    const bool product = s || L->h0;
    for (int k = 0; k < n; k++) {
        r->a[k] = s       ? L->y + (size_t)r->prev[k] * (size_t)L->P
                  : L->h0 ? L->h0 + (size_t)r->sample[k] * (size_t)L->P
                          : NULL;
        r->c[k] = L->gates + (size_t)r->row[k] * 4 * (size_t)L->H;
    }
    if (L->flat) {
        if (product) JD_K(jd__rows_mul)(&L->R, 0, jd__row_blocks(L->R.n), n, r->a, r->c, NULL, 1);
        (plain ? units_plain : units_any)(L, n, 0, L->H);
    }
    for (int q = r->u0, next; q < r->u1 && !L->flat; q = next) {
        next = q + TOGETHER < r->u1 ? q + TOGETHER : r->u1;
        if (product) JD_K(jd__rows_mul)(&L->R, 4 * q, 4 * next, n, r->a, r->c, NULL, 1);
        const int u1 = next * JD_RW < L->H ? next * JD_RW : L->H;
        (plain ? units_plain : units_any)(L, n, q * JD_RW, u1);
    }
    jd__recur_sync(r);
    if (!L->proj.data) return;
    for (int k = 0; k < n; k++) {
        r->a[k] = L->m + (size_t)r->row[k] * (size_t)L->H;
        r->c[k] = L->y + (size_t)r->row[k] * (size_t)L->P;
    }
    JD_K(jd__rows_mul)(&L->proj, r->p0, r->p1, n, r->a, r->c, NULL, 0);
    jd__recur_sync(r);
}

static jd_panels gate_panels(const lstm *L, float *data, int K)
{
    if (L->flat) return (jd_panels){.data = data, .K = K, .G = 1, .n = 4 * L->H};
    return (jd_panels){.data = data, .K = K, .G = 4, .n = L->H, .at = {0, L->H, 2 * L->H, 3 * L->H}};
}

jd_kernel JD_K(jd__k_lstm);

void JD_K(jd__k_lstm)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0], *R = &c->in_type[3];
    lstm L = {.a = c->attr,
              .N = (int)x->dim[2],
              .H = (int)R->dim[0] / 4,
              .P = (int)R->dim[1],
              .x = c->in[0],
              .b = c->in[4],
              .peep = c->in[5],
              .h0 = c->in[7],
              .c0 = c->in[8],
              .y = c->out[0],
              .gates = c->out[3],
              .cells = c->out[4],
              .m = c->in[6] ? c->out[5] : c->out[0]};
    const jd_rec_size size = {.T = (size_t)x->dim[0],
                              .B = (size_t)x->dim[1],
                              .N = (size_t)L.N,
                              .H = (size_t)L.H,
                              .P = (size_t)L.P,
                              .G = 4,
                              .threads = w->count,
                              .proj = c->in[6] != NULL};
    jd_rec_space space;
    jd__rec_space(&size, c->scratch, &space);
    jd_recur *r = &L.r;
    if (!JD_K(jd__recur_init)(r, c, w, &space, L.a->reverse, L.H, L.P, 8. * L.H * L.P)) return;
    L.flat = L.H <= 3 * JD_RW && L.H % JD_RW && !r->by_units;
    L.W = gate_panels(&L, space.w, L.N);
    L.R = gate_panels(&L, space.r, L.P);
    JD_K(jd__recur_pack)(r, &L.W, c->in[2], 1, (size_t)L.N);
    JD_K(jd__recur_pack)(r, &L.R, c->in[3], 1, (size_t)L.P);
    if (c->in[6]) {
        L.proj = (jd_panels){.data = space.proj, .K = L.H, .G = 1, .n = L.P};
        JD_K(jd__recur_pack)(r, &L.proj, c->in[6], 1, (size_t)L.H);
    }
    jd__recur_meet(r);
    const int q0 = L.flat ? 0 : 4 * r->u0, q1 = L.flat ? jd__row_blocks(L.W.n) : 4 * r->u1;
    for (int s = 0, next; s < r->T; s = next) {
        next = JD_K(jd__recur_input)(r, s, L.x, L.N, &L.W, q0, q1, L.b, L.gates, 4 * L.H);
        for (int t = s; t < next; t++) step(&L, t);
    }
    JD_K(jd__recur_last)(r, L.y, L.h0, c->out[1], L.P);
    JD_K(jd__recur_clear)(r, L.y, L.P);
    JD_K(jd__recur_clear)(r, L.gates, 4 * L.H);
    if (c->in[6]) JD_K(jd__recur_clear)(r, L.m, L.H);
    jd__recur_meet(r); /* with few samples, cells of one sample come from several members */
    JD_K(jd__recur_last)(r, L.cells, L.c0, c->out[2], L.H);
    JD_K(jd__recur_clear)(r, L.cells, L.H);
}
