/*
 * lstm.c - the LSTM layer.  A pre-activation is one chain of fused multiply-adds: from its bias over the inputs, then over
 * the recurrent inputs.  With many samples a step runs the whole chain for some units at a time, in a small buffer; with
 * few, the inputs of a chunk of steps come first and the gates array holds the pre-activations until their step.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

/* Blocks of JD_RW units whose products are done before their point-wise pass: their gates stay in the caches. */
enum { TOGETHER = 4, CHAIN_BLOCKS = JD_PRE_FLOATS / (4 * JD_RW) };
/* With so many samples, a step takes in the input as well; with fewer the weights would be read too often. */
enum { CHAIN_SAMPLES = 6 };

typedef struct lstm {
    jd_recur r;
    jd_panels W, R, proj;
    const jd_lstm_attr *a;
    const float *x, *b, *peep, *h0, *c0;
    float *y, *gates, *cells, *m;
    int N, H, P;
    const float *start; /* the bias by panels */
    float *pre;         /* (n, JD_PRE_FLOATS): pre-activations of some units, the gates of JD_RW units side by side */
    bool chain;         /* a step's product begins with the bias and the input */
    bool flat;          /* few units: the four gates are packed as one group, and a step has one point-wise pass */
} lstm;

/* Units u..u+n-1 (n <= VL) of one sample: their gates, in place of the pre-activations of gate i at p + i ld. */
JD_INLINE void gates_of(const lstm *L, const bool plain, float *p, size_t ld, const float *before, int u, int n)
{
    const size_t H = (size_t)L->H;
    const float *peep = plain ? NULL : L->peep;
    vf i = vf_loadn(p, n), f = vf_loadn(p + ld, n), z = vf_loadn(p + 2 * ld, n);
    if (peep) {
        const vf old = before ? vf_loadn(before + u, n) : vf_zero();
        i = vf_fma(vf_loadn(peep + u, n), old, i);
        f = vf_fma(vf_loadn(peep + H + u, n), old, f);
    } else {
        vf_storen(p + 3 * ld, vf_sigmoid(vf_loadn(p + 3 * ld, n)), n);
    }
    vf_storen(p, vf_sigmoid(i), n);
    vf_storen(p + ld, !plain && L->a->no_forget ? vf_set1(1.f) : vf_sigmoid(f), n);
    vf_storen(p + 2 * ld, plain ? vf_tanh(z) : vf_squash(L->a->in_squash, z), n);
}

/* The cells and outputs of these units, and with peepholes their output gates; all gates go to g. */
JD_INLINE void cells_of(const lstm *L, const bool plain, const float *p, size_t ld, float *g, const float *before,
                        float *cell, float *m, int u, int n)
{
    const size_t H = (size_t)L->H;
    const vf i = vf_loadn(p, n), f = vf_loadn(p + ld, n), z = vf_loadn(p + 2 * ld, n);
    const vf old = before ? vf_loadn(before + u, n) : vf_zero(), next = vf_fma(old, f, vf_mul(z, i));
    vf o = vf_loadn(p + 3 * ld, n);
    if (!plain && L->peep) o = vf_sigmoid(vf_fma(vf_loadn(L->peep + 2 * H + u, n), next, o));
    if (p != g + u) {
        vf_storen(g + u, i, n);
        vf_storen(g + H + u, f, n);
        vf_storen(g + 2 * H + u, z, n);
    }
    if (p != g + u || !plain) vf_storen(g + 3 * H + u, o, n);
    vf_storen(cell + u, next, n);
    vf_storen(m + u, vf_mul(o, plain ? vf_tanh(next) : vf_squash(L->a->out_squash, next)), n);
}

/* Fetches what the units of a sample will read and write: the processor does not foresee where a row of the result is. */
static void fetch_units(const lstm *L, int k, int u0, int u1)
{
    const size_t H = (size_t)L->H, row = (size_t)L->r.row[k];
    const float *g = L->gates + row * 4 * H, *cell = L->cells + row * H, *m = L->m + row * H;
    const float *before = L->r.prev[k] >= 0 ? L->cells + (size_t)L->r.prev[k] * H : NULL;
    for (int u = u0; u < u1; u += 16) {
        for (size_t i = 0; i < 4; i++) __builtin_prefetch(g + i * H + u, 1, 3);
        __builtin_prefetch(cell + u, 1, 3);
        __builtin_prefetch(m + u, 1, 3);
        if (before) __builtin_prefetch(before + u, 0, 3);
    }
}

/* Units u0..u1-1 of all samples, in two passes over a sample: in each the functions of many units are under way at once.
 * Pre-activations stand in the gates, or with chain in L->pre. */
JD_INLINE void units(const lstm *L, const bool plain, const bool chain, int n, int u0, int u1)
{
    const size_t H = (size_t)L->H, ld = chain ? JD_RW : H, block = chain ? 4 * JD_RW : JD_RW;
    for (int k = 0; k < n; k++) {
        const size_t row = (size_t)L->r.row[k];
        const float *before = L->r.prev[k] >= 0 ? L->cells + (size_t)L->r.prev[k] * H
                              : L->c0           ? L->c0 + (size_t)L->r.sample[k] * H
                                                : NULL;
        float *g = L->gates + row * 4 * H, *cell = L->cells + row * H, *m = L->m + row * H;
        float *pre = chain ? L->pre + (size_t)k * JD_PRE_FLOATS : g + u0, *p = pre;
        if (k + 1 < n) fetch_units(L, k + 1, u0, u1);
        for (int u = u0; u < u1; u += JD_RW, p += block)
            for (int h = 0; h < JD_RW && u + h < u1; h += VL)
                gates_of(L, plain, p + h, ld, before, u + h, u1 - u - h < VL ? u1 - u - h : VL);
        p = pre;
        for (int u = u0; u < u1; u += JD_RW, p += block)
            for (int h = 0; h < JD_RW && u + h < u1; h += VL)
                cells_of(L, plain, p + h, ld, g, before, cell, m, u + h, u1 - u - h < VL ? u1 - u - h : VL);
    }
}

static void units_plain(const lstm *L, int n, int u0, int u1)
{
    units(L, true, false, n, u0, u1);
}
static void units_any(const lstm *L, int n, int u0, int u1)
{
    units(L, false, false, n, u0, u1);
}
static void chain_plain(const lstm *L, int n, int u0, int u1)
{
    units(L, true, true, n, u0, u1);
}
static void chain_any(const lstm *L, int n, int u0, int u1)
{
    units(L, false, true, n, u0, u1);
}

/* The whole chain of a step's pre-activations, some units of all samples at a time. */
static void chain_step(lstm *L, int n, bool product, bool plain)
{
    jd_recur *r = &L->r;
    const float **x = (const float **)(void *)r->c;
    for (int k = 0; k < n; k++) x[k] = L->x + (size_t)r->row[k] * (size_t)L->N;
    const jd_part part[2] = {{&L->W, x}, {&L->R, r->a}};
    for (int q = r->u0, next; q < r->u1; q = next) {
        next = q + CHAIN_BLOCKS < r->u1 ? q + CHAIN_BLOCKS : r->u1;
        const int follow = next < r->u1 ? next : r->u0;
        JD_K(jd__rows_chain)
        (part, product ? 2 : 1, 4 * q, 4 * next, 4 * follow, n, L->start, L->pre, JD_PRE_FLOATS);
        const int u1 = next * JD_RW < L->H ? next * JD_RW : L->H;
        (plain ? chain_plain : chain_any)(L, n, q * JD_RW, u1);
    }
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
    if (L->chain) chain_step(L, n, product, plain);
    if (L->flat) {
        if (product) JD_K(jd__rows_mul)(&L->R, 0, jd__row_blocks(L->R.n), n, r->a, r->c, NULL, 1);
        (plain ? units_plain : units_any)(L, n, 0, L->H);
    }
    for (int q = r->u0, next; q < r->u1 && !L->flat && !L->chain; q = next) {
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

static void order_bias(const lstm *L, float *start)
{
    for (int q = 0; q < jd__row_blocks(L->H); q++)
        for (int g = 0; g < 4; g++, start += JD_RW)
            for (int l = 0; l < JD_RW; l++) start[l] = q * JD_RW + l < L->H ? L->b[g * L->H + q * JD_RW + l] : 0;
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
    jd_rec_space space;
    jd__rec_space(c, 4, false, w->count, c->scratch, &space);
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
    L.chain = !L.flat && r->n >= CHAIN_SAMPLES;
    L.start = space.start;
    L.pre = space.pre + (size_t)r->w.id * (size_t)r->B * JD_PRE_FLOATS;
    if (r->w.id == 0) order_bias(&L, space.start);
    jd__recur_meet(r);
    const int q0 = L.flat ? 0 : 4 * r->u0, q1 = L.flat ? jd__row_blocks(L.W.n) : 4 * r->u1;
    for (int s = 0, next; s < r->T; s = next) {
        next = L.chain ? r->T : JD_K(jd__recur_input)(r, s, L.x, L.N, &L.W, q0, q1, L.b, L.gates, 4 * L.H);
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
