/*
 * srn.c - the simple recurrent layer; see lstm.c for the order of the sums.  A small net on one sample (a controller of a
 * few units) keeps its recurrent weights in registers and has no other work per step than its chains.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

typedef struct srn {
    jd_recur r;
    jd_panels W, R;
    int act, N, H;
    const float *x, *b, *h0;
    float *y;
} srn;

static void step(srn *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s);
    for (int k = 0; k < n; k++) {
        r->a[k] = s ? L->y + (size_t)r->prev[k] * H : L->h0 ? L->h0 + (size_t)r->sample[k] * H : NULL;
        r->c[k] = L->y + (size_t)r->row[k] * H;
    }
    if (s || L->h0) JD_K(jd__rows_mul)(&L->R, r->u0, r->u1, n, r->a, r->c, NULL, 1);
    const int u1 = r->u1 * JD_RW < L->H ? r->u1 * JD_RW : L->H;
    for (int k = 0; k < n; k++)
        for (int u = r->u0 * JD_RW; u < u1; u += VL)
            vf_storen(r->c[k] + u, vf_rnn_act(L->act, vf_loadn(r->c[k] + u, u1 - u)), u1 - u);
    jd__recur_sync(r);
}

/* ---- one sample, at most 8 units -----------------------------------------------------------------------------------------*/
enum { TINY = 8, TINY_VECTORS = TINY / VL ? TINY / VL : 1, TINY_WIDE = TINY_VECTORS * VL };

/* Columns of a matrix (H,n), filled up to whole vectors. */
static void columns(const float *m, int H, int n, float *out)
{
    memset(out, 0, (size_t)n * TINY_WIDE * sizeof(float));
    for (int j = 0; j < n; j++)
        for (int k = 0; k < H; k++) out[j * TINY_WIDE + k] = m[k * n + j];
}

/* The units of one step: in registers where one vector holds them, since a way through memory would be a third of the
 * step's time. */
typedef struct tiny_state {
#if VL == 8
    vf low, high; /* units 0..3 and 4..7, twice */
#elif VL == 16
    vf all;
#else
    float unit[TINY];
#endif
} tiny_state;

JD_INLINE void keep(tiny_state *s, const vf h[TINY_VECTORS])
{
#if VL == 8
    s->low = _mm256_permute2f128_ps(h[0], h[0], 0x00);
    s->high = _mm256_permute2f128_ps(h[0], h[0], 0x11);
#elif VL == 16
    s->all = h[0];
#else
    for (int k = 0; k < TINY; k++) s->unit[k] = h[k];
#endif
}

/* Unit j, constant, in all lanes. */
JD_INLINE vf unit(const tiny_state *s, const int j)
{
#if VL == 8
    const vf x = j < 4 ? s->low : s->high;
    switch (j % 4) {
    case 0: return _mm256_permute_ps(x, 0x00);
    case 1: return _mm256_permute_ps(x, 0x55);
    case 2: return _mm256_permute_ps(x, 0xaa);
    default: return _mm256_permute_ps(x, 0xff);
    }
#elif VL == 16
    return _mm512_permutexvar_ps(_mm512_set1_epi32(j), s->all);
#else
    return s->unit[j];
#endif
}

/* y[H] = h.  What lies behind is overwritten where `room` allows: later steps put it right. */
JD_INLINE void put(float *y, const vf h[TINY_VECTORS], int H, bool room)
{
    if (VL == 8 && room)
        vf_store(y, h[0]);
    else
        for (int v = 0; v * VL < H; v++) vf_storen(y + v * VL, h[v], H - v * VL < VL ? H - v * VL : VL);
}

/* All steps; act and units are constant where it is inlined, so that R stays in registers.  h: the last state. */
JD_INLINE void tiny_steps(const srn *L, const int act, const int units, int length, const float *W, const float *R,
                          const float *b, vf h[TINY_VECTORS])
{
    vf column[TINY][TINY_VECTORS];
    tiny_state state;
    JD_UNROLL for (int j = 0; j < units; j++)
    {
        for (int v = 0; v < TINY_VECTORS; v++) column[j][v] = vf_load(R + j * TINY_WIDE + v * VL);
    }
    keep(&state, h);
    for (int s = 0; s < length; s++) {
        const int t = L->r.reverse ? length - 1 - s : s;
        const float *x = L->x + (size_t)t * (size_t)L->N;
        for (int v = 0; v < TINY_VECTORS; v++) h[v] = vf_load(b + v * VL);
        for (int j = 0; j < L->N; j++) {
            const vf xj = vf_set1(x[j]);
            for (int v = 0; v < TINY_VECTORS; v++) h[v] = vf_fma(xj, vf_load(W + j * TINY_WIDE + v * VL), h[v]);
        }
        if (s || L->h0) {
            JD_UNROLL for (int j = 0; j < units; j++)
            {
                const vf hj = unit(&state, j);
                for (int v = 0; v < TINY_VECTORS; v++) h[v] = vf_fma(hj, column[j][v], h[v]);
            }
        }
        for (int v = 0; v < TINY_VECTORS; v++) h[v] = vf_rnn_act(act, h[v]);
        keep(&state, h);
        put(L->y + (size_t)t * (size_t)units, h, units, !L->r.reverse && (L->r.T - t) * units >= VL);
    }
}

#define TINY_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        if (L->act == 0)                                                                                               \
            tiny_steps(L, 0, n, length, W, R, bias, h);                                                                \
        else                                                                                                           \
            tiny_steps(L, L->act, n, length, W, R, bias, h);                                                           \
        break;

static void tiny(srn *L, const jd_call *c)
{
    const int H = L->H, N = L->N, T = L->r.T;
    const int length = (int)jd__length(c->in[1], 0, (size_t)T);
    _Alignas(64) float R[TINY * TINY_WIDE], W[TINY * TINY_WIDE], bias[TINY_WIDE] = {0}, start[TINY_WIDE] = {0};
    vf h[TINY_VECTORS];
    columns(c->in[3], H, H, R);
    columns(c->in[2], H, N, W);
    for (int k = 0; k < H; k++) bias[k] = L->b[k];
    for (int k = 0; L->h0 && k < H; k++) start[k] = L->h0[k];
    for (int v = 0; v < TINY_VECTORS; v++) h[v] = vf_load(start + v * VL);
    switch (H) {
        TINY_CASE(1)
        TINY_CASE(2)
        TINY_CASE(3)
        TINY_CASE(4)
        TINY_CASE(5)
        TINY_CASE(6)
        TINY_CASE(7)
        TINY_CASE(8)
    }
    memset(L->y + (size_t)length * (size_t)H, 0, (size_t)(T - length) * (size_t)H * sizeof(float));
    put(c->out[1], h, H, false);
}

jd_kernel JD_K(jd__k_srn);

void JD_K(jd__k_srn)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0], *R = &c->in_type[3];
    const jd_rnn_attr *a = c->attr;
    srn L = {.act = a->act,
             .N = (int)x->dim[2],
             .H = (int)R->dim[0],
             .x = c->in[0],
             .b = c->in[4],
             .h0 = c->in[5],
             .y = c->out[0]};
    jd_recur *r = &L.r;
    if (x->dim[1] == 1 && L.H <= TINY && L.N <= TINY) {
        r->T = (int)x->dim[0];
        r->reverse = a->reverse;
        if (w->id == 0) tiny(&L, c);
        return;
    }
    jd_rec_space space;
    jd__rec_space(c, 1, false, w->count, c->scratch, &space);
    if (!JD_K(jd__recur_init)(r, c, w, &space, a->reverse, L.H, L.H, 2. * L.H * L.H)) return;
    L.W = (jd_panels){.data = space.w, .K = L.N, .G = 1, .n = L.H};
    L.R = (jd_panels){.data = space.r, .K = L.H, .G = 1, .n = L.H};
    JD_K(jd__recur_pack)(r, &L.W, c->in[2], 1, (size_t)L.N);
    JD_K(jd__recur_pack)(r, &L.R, c->in[3], 1, (size_t)L.H);
    jd__recur_meet(r);
    for (int s = 0, next; s < r->T; s = next) {
        next = JD_K(jd__recur_input)(r, s, L.x, L.N, &L.W, r->u0, r->u1, L.b, L.y, L.H);
        for (int t = s; t < next; t++) step(&L, t);
    }
    JD_K(jd__recur_last)(r, L.y, L.h0, c->out[1], L.H);
    JD_K(jd__recur_clear)(r, L.y, L.H);
}
