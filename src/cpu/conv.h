/*
 * conv.h - what the fast convolutions share: how N columns are cut into panels of 1-3 vectors, and the register tiles.
 *
 * A tile is R rows by V vectors of results.  Row r of the left operand is read by broadcast where it lies (an image, or
 * the cotangent); the right operand is packed, panel by panel, as [k][V VL].  Each result is one chain over k.  Where half
 * of the last vector would be empty it is a vector of half the length, which costs half on machines that run 512 bits as
 * two halves.
 */
#ifndef JD_CPU_CONV_H
#define JD_CPU_CONV_H

#include "cpu/cpu.h"
#include "cpu/simd.h"

#if VL == 16
#define CONV_ROWS(v) 8 /* 32 registers: 8 x 3 results, 3 of the panel, 1 broadcast */
#elif VL == 8
#define CONV_ROWS(v) ((v) == 3 ? 4 : (v) == 2 ? 6 : 8) /* 16 registers: 4 x 3, 6 x 2 */
#elif VL == 4
#define CONV_ROWS(v) 8 /* 32 registers: 8 x 3 results, 3 of the panel */
#else
#define CONV_ROWS(v) 4
#endif

/* clang-format off */
#if VL == 16
#define HALF 8
typedef __m256 hf;
JD_INLINE hf hf_load(const float *p) { return _mm256_loadu_ps(p); }
JD_INLINE hf hf_loadn(const float *p, int n) { return _mm256_maskz_loadu_ps((__mmask8)VM_(n), p); }
JD_INLINE void hf_store(float *p, hf a) { _mm256_storeu_ps(p, a); }
JD_INLINE void hf_storen(float *p, hf a, int n) { _mm256_mask_storeu_ps(p, (__mmask8)VM_(n), a); }
JD_INLINE hf hf_low(vf a) { return _mm512_castps512_ps256(a); }
JD_INLINE hf hf_fma(hf a, hf b, hf c) { return _mm256_fmadd_ps(a, b, c); }
#else
#define HALF 0
#endif
/* clang-format on */

typedef struct conv_panel {
    int64_t n0;    /* first column */
    int v;         /* vectors */
    int half;      /* 1: half the length is enough for the last of them */
    int n;         /* columns that exist */
    int64_t start; /* columns before, in whole vectors */
    int64_t last;  /* column of the last vector: it is moved back to end with the panel, so that no lane is masked; the
                      lanes it shares with its neighbour hold the same chains */
} conv_panel;

JD_INLINE int64_t conv_panels(int64_t n)
{
    return ((n + VL - 1) / VL + 2) / 3;
}

/* Panels of 3 and 2 vectors: even, so that none is thin. */
JD_INLINE conv_panel conv_panel_at(int64_t n, int64_t j)
{
    const int64_t vectors = (n + VL - 1) / VL, panels = (vectors + 2) / 3;
    const int64_t base = vectors / panels, rest = vectors % panels;
    conv_panel p;
    p.start = (j * base + (j < rest ? j : rest)) * VL;
    p.v = (int)(base + (j < rest));
    p.n0 = p.start;
    p.n = (int)(n - p.n0 < p.v * VL ? n - p.n0 : p.v * VL);
    p.half = (p.v * VL - p.n) * 2 >= VL && HALF > 0;
    p.last = p.v == 1 ? 0 : p.n - VL;
    return p;
}

/* The column of vector i of V. */
#define CONV_AT(i, V, last) ((i) == (V)-1 ? (last) : (int64_t)(i)*VL)

/* The columns of vector i of a panel of n columns that exist. */
JD_INLINE int conv_lanes(int n, int i)
{
    const int left = n - i * VL;
    return left < 0 ? 0 : left > VL ? VL : left;
}

#endif
