/*
 * srn_tiny.c - the simple recurrent layer on one sample, a controller of a few units: recurrent weights and state stay in
 * registers, and a step has no other work than its chains, which nothing shortens.
 *
 * Eight lanes hold all units.  With AVX-512 too: a division of 16 lanes takes half as long again as one of 8.
 */
#include "cpu/isa.h"
#if defined(JD_ISA_avx512)
#undef JD_ISA_avx512
#define JD_ISA_avx2 1 /* the width of vectors; names keep their ending */
#endif
#include "cpu/recur.h"
#include "cpu/squash.h"

enum { TINY = JD_TINY, VECTORS = TINY / VL, WIDE = TINY };

/* The lane of unit j.  Where there is room, unit 0 is in both halves of a vector of eight, 0 1 2 3 0 4 5 6: it begins the
 * chain of the next step, and a way within the halves is two cycles shorter. */
JD_INLINE bool twice(int units)
{
    return VL == 8 && units < VL;
}

JD_INLINE int lane(int j, int units)
{
    return twice(units) && j > 3 ? j + 1 : j;
}

/* m[k * stride] of all units k. */
JD_INLINE void spread(const float *m, int units, int stride, float out[WIDE])
{
    for (int v = 0; v < VECTORS; v++) vf_store(out + v * VL, vf_zero());
    for (int k = 0; k < units; k++) out[lane(k, units)] = m[k * stride];
    if (twice(units)) out[4] = m[0];
}

/* The units of one step: in registers where one vector holds them, since a way through memory would be a third of the
 * step's time. */
typedef struct tiny_state {
#if defined(__AVX512VL__)
    vf all;
#elif VL == 8
    vf all, low, high; /* low, high: its halves, twice */
#else
    float unit[TINY];
#endif
} tiny_state;

JD_INLINE void keep(tiny_state *s, const vf h[VECTORS])
{
#if VL == 8
    s->all = h[0];
#endif
#if VL == 8 && !defined(__AVX512VL__)
    s->low = _mm256_permute2f128_ps(h[0], h[0], 0x00);
    s->high = _mm256_permute2f128_ps(h[0], h[0], 0x11);
#elif VL != 8
    for (int v = 0; v < VECTORS; v++) vf_store(s->unit + v * VL, h[v]);
#endif
}

/* Unit j, constant, in all lanes. */
JD_INLINE vf unit(const tiny_state *s, const int j, const int units)
{
#if defined(__AVX512VL__) /* which has registers for the numbers of lanes */
    if (twice(units) && j == 0) return _mm256_permute_ps(s->all, 0x00);
    return _mm256_permutevar8x32_ps(s->all, _mm256_set1_epi32(lane(j, units)));
#elif VL == 8
    const int at = lane(j, units);
    const vf x = twice(units) && j == 0 ? s->all : at < 4 ? s->low : s->high;
    switch (at % 4) {
    case 0: return _mm256_permute_ps(x, 0x00);
    case 1: return _mm256_permute_ps(x, 0x55);
    case 2: return _mm256_permute_ps(x, 0xaa);
    default: return _mm256_permute_ps(x, 0xff);
    }
#else
    (void)units;
    return vf_set1(s->unit[j]);
#endif
}

/* y[H] = h.  What lies behind is overwritten where `room` allows: later steps put it right. */
JD_INLINE void put(float *y, const vf h[VECTORS], int H, bool room)
{
#if VL == 8
    const vf all = twice(H) ? _mm256_permutevar8x32_ps(h[0], _mm256_setr_epi32(0, 1, 2, 3, 5, 6, 7, 7)) : h[0];
    if (room)
        vf_store(y, all);
    else
        vf_storen(y, all, H);
#else
    (void)room;
    for (int v = 0; v * VL < H; v++) vf_storen(y + v * VL, h[v], H - v * VL);
#endif
}

typedef struct layer {
    int act, N, T;
    bool reverse;
    const float *x, *b, *h0;
    float *y;
} layer;

/* All steps; act and units are constant where it is inlined, so that R stays in registers.  h: the last state. */
JD_INLINE void tiny_steps(const layer *L, const int act, const int units, int length, const float *W, const float *R,
                          const float *b, vf h[VECTORS])
{
    vf column[TINY][VECTORS];
    tiny_state state;
    JD_UNROLL for (int j = 0; j < units; j++)
    {
        for (int v = 0; v < VECTORS; v++) column[j][v] = vf_load(R + j * WIDE + v * VL);
    }
    keep(&state, h);
    for (int s = 0; s < length; s++) {
        const int t = L->reverse ? length - 1 - s : s;
        const float *x = L->x + (size_t)t * (size_t)L->N;
        for (int v = 0; v < VECTORS; v++) h[v] = vf_load(b + v * VL);
        for (int j = 0; j < L->N; j++) {
            const vf xj = vf_set1(x[j]);
            for (int v = 0; v < VECTORS; v++) h[v] = vf_fma(xj, vf_load(W + j * WIDE + v * VL), h[v]);
        }
        if (s || L->h0) {
            JD_UNROLL for (int j = 0; j < units; j++)
            {
                const vf hj = unit(&state, j, units);
                for (int v = 0; v < VECTORS; v++) h[v] = vf_fma(hj, column[j][v], h[v]);
            }
        }
        for (int v = 0; v < VECTORS; v++) h[v] = vf_rnn_act(act, h[v]);
        keep(&state, h);
        put(L->y + (size_t)t * (size_t)units, h, units, !L->reverse && (L->T - t) * units >= VL);
    }
}

#define TINY_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        if (L->act == 0)                                                                                               \
            tiny_steps(L, 0, n, length, W, R, bias, h);                                                                \
        else                                                                                                           \
            tiny_steps(L, L->act, n, length, W, R, bias, h);                                                           \
        break;

void JD_K(jd__srn_tiny)(const jd_call *c)
{
    const jd_type *x = &c->in_type[0];
    const jd_rnn_attr *a = c->attr;
    const int H = (int)c->in_type[3].dim[0], N = (int)x->dim[2], T = (int)x->dim[0];
    const layer all = {.act = a->act,
                       .N = N,
                       .T = T,
                       .reverse = a->reverse,
                       .x = c->in[0],
                       .b = c->in[4],
                       .h0 = c->in[5],
                       .y = c->out[0]};
    const layer *L = &all;
    const int length = (int)jd__length(c->in[1], 0, (size_t)T);
    _Alignas(64) float R[TINY * WIDE], W[TINY * WIDE], bias[WIDE], start[WIDE];
    vf h[VECTORS];
    for (int j = 0; j < H; j++) spread((const float *)c->in[3] + j, H, H, R + j * WIDE);
    for (int j = 0; j < N; j++) spread((const float *)c->in[2] + j, H, N, W + j * WIDE);
    spread(L->b, H, 1, bias);
    for (int v = 0; v < VECTORS; v++) h[v] = vf_zero();
    if (L->h0) {
        spread(L->h0, H, 1, start);
        for (int v = 0; v < VECTORS; v++) h[v] = vf_load(start + v * VL);
    }
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
    if (length < T) memset(L->y + (size_t)length * (size_t)H, 0, (size_t)(T - length) * (size_t)H * sizeof(float));
    put(c->out[1], h, H, false);
}
