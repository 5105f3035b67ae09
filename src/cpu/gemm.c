/* gemm.c - packing of weights, and products with packed weights. */
#include "cpu/gemm.h"
#include "cpu/gemm_tile.h"
#include "cpu/transpose8.h"

size_t JD_K(jd__pack_size)(int64_t K, int64_t N)
{
    return (size_t)((N + JD_NR - 1) / JD_NR * JD_NR * K);
}

/* One panel of n columns (n < JD_NR at the edge), element by element. */
static void pack_any(const float *B, ptrdiff_t sk, ptrdiff_t sn, int64_t k0, int64_t K, int n, float *out)
{
    for (int64_t k = k0; k < K; k++) {
        for (int j = 0; j < n; j++) out[k * JD_NR + j] = B[k * sk + j * sn];
        for (int j = n; j < JD_NR; j++) out[k * JD_NR + j] = 0.f;
    }
}

/* Rows of B are contiguous: `panels` panels side by side, so that memory is read in stretches. */
static void pack_rows(const float *B, ptrdiff_t sk, int64_t K, int panels, float *out)
{
    for (int64_t k = 0; k < K; k++, B += sk) {
        for (int q = 0; q < panels; q++) {
            float *to = out + (q * K + k) * JD_NR;
            __builtin_prefetch(B + 8 * sk + q * JD_NR);
            JD_UNROLL for (int j = 0; j < NV; j++) vf_store(to + j * VL, vf_load(B + q * JD_NR + j * VL));
        }
    }
}

/* Columns of B are contiguous: blocks of 8 x 8 are transposed in registers. */
static void pack_columns(const float *B, ptrdiff_t sn, int64_t K, float *out)
{
    int64_t k = 0;
#if VL >= 8
    for (; k + 8 <= K; k += 8) {
        for (int j = 0; j < JD_NR; j += 8) {
            __m256 r[8];
            jd_load8x8_transposed(r, B + j * sn + k, sn);
            JD_UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + (k + i) * JD_NR + j, r[i]);
        }
        if (k % 16 == 0) {
            for (int j = 0; j < JD_NR; j++) __builtin_prefetch(B + j * sn + k + 64);
        }
    }
#endif
    pack_any(B, 1, sn, k, K, JD_NR, out);
}

void JD_K(jd__pack_b)(const float *B, ptrdiff_t sk, ptrdiff_t sn, int64_t K, int64_t N, int64_t panel0, int64_t panel1,
                      float *out)
{
    enum { SIDE = 4 };
    int64_t side = 1;
    for (int64_t p = panel0; p < panel1; p += side) {
        const int64_t n0 = p * JD_NR, whole = (N - n0) / JD_NR;
        const int n = whole ? JD_NR : (int)(N - n0);
        float *to = out + p * K * JD_NR;
        const float *from = B + n0 * sn;
        side = 1;
        if (n == JD_NR && sn == 1) {
            side = whole < panel1 - p ? whole : panel1 - p;
            if (side > SIDE) side = SIDE;
            pack_rows(from, sk, K, (int)side, to);
        } else if (n == JD_NR && sk == 1) {
            pack_columns(from, sn, K, to);
        } else {
            pack_any(from, sk, sn, 0, K, n, to);
        }
    }
}

/* A few rows of A against many panels: as many panels side by side as it takes to keep the adders busy. */
JD_INLINE void few_rows(const int mr, const int panels, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak,
                        const float *packed, int64_t n, float *C, ptrdiff_t ldc, int accumulate)
{
    vf acc[8][NV];
    const int whole = n >= (int64_t)panels * JD_NR;
    JD_UNROLL for (int i = 0; i < mr * panels; i++)
    {
        JD_UNROLL for (int j = 0; j < NV; j++)
        {
            const int64_t at = (i % panels) * JD_NR + j * VL;
            const float *p = C + (i / panels) * ldc + at;
            acc[i][j] = !accumulate ? vf_zero() : whole ? vf_load(p) : n > at ? vf_loadn(p, (int)(n - at)) : vf_zero();
        }
    }
    const int64_t step = K * JD_NR;
    for (int64_t k = 0; k < K; k++) {
        JD_UNROLL for (int q = 0; q < panels; q++)
        {
            JD_UNROLL for (int j = 0; j < NV; j++)
            {
                const vf b = vf_load(packed + q * step + k * JD_NR + j * VL);
                JD_UNROLL for (int i = 0; i < mr; i++)
                {
                    acc[i * panels + q][j] = vf_fma(vf_set1(A[i * am + k * ak]), b, acc[i * panels + q][j]);
                }
            }
        }
    }
    JD_UNROLL for (int i = 0; i < mr * panels; i++)
    {
        JD_UNROLL for (int j = 0; j < NV; j++)
        {
            const int64_t at = (i % panels) * JD_NR + j * VL;
            float *p = C + (i / panels) * ldc + at;
            if (whole)
                vf_store(p, acc[i][j]);
            else if (n > at)
                vf_storen(p, acc[i][j], n - at < VL ? (int)(n - at) : VL);
        }
    }
}

static void one_row(int panels, int64_t K, const float *A, ptrdiff_t ak, const float *packed, int64_t n, float *C,
                    int accumulate)
{
    if (panels == 4)
        few_rows(1, 4, K, A, 0, ak, packed, n, C, 0, accumulate);
    else if (panels == 3)
        few_rows(1, 3, K, A, 0, ak, packed, n, C, 0, accumulate);
    else if (panels == 2)
        few_rows(1, 2, K, A, 0, ak, packed, n, C, 0, accumulate);
    else
        few_rows(1, 1, K, A, 0, ak, packed, n, C, 0, accumulate);
}

static void two_rows(int panels, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *packed, int64_t n,
                     float *C, ptrdiff_t ldc, int accumulate)
{
    if (panels == 2)
        few_rows(2, 2, K, A, am, ak, packed, n, C, ldc, accumulate);
    else
        few_rows(2, 1, K, A, am, ak, packed, n, C, ldc, accumulate);
}

void JD_K(jd__gemm_packed)(int64_t M, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *packed,
                           int64_t panel0, int64_t panel1, int64_t N, float *C, ptrdiff_t ldc, int accumulate)
{
    if (M <= 2) {
        const int64_t most = M == 1 ? 4 : 2;
        for (int64_t p = panel0; M > 0 && p < panel1;) {
            const int64_t n = N - p * JD_NR;
            const int panels = (int)(panel1 - p < most ? panel1 - p : most);
            const float *B = packed + p * K * JD_NR;
            if (M == 1)
                one_row(panels, K, A, ak, B, n, C + p * JD_NR, accumulate);
            else
                two_rows(panels, K, A, am, ak, B, n, C + p * JD_NR, ldc, accumulate);
            p += panels;
        }
        return;
    }
    const jd_cut cut = jd_cut_rows(M);
    for (int64_t p = panel0; p < panel1; p++) {
        const int64_t n0 = p * JD_NR;
        jd_tile_end e = {.ldi = ldc, .ldc = ldc, .n = N - n0 < JD_NR ? (int)(N - n0) : JD_NR};
        for (int64_t t = 0; t < cut.tiles; t++) {
            const int64_t m = jd_cut_start(&cut, t);
            e.C = C + m * ldc + n0;
            e.next = t + 1 < cut.tiles ? e.C + cut.base * ldc : C + n0 + JD_NR;
            e.init = accumulate ? e.C : NULL;
            JD_K(jd__tile)(jd_cut_size(&cut, t), K, A + m * am, am, ak, packed + p * K * JD_NR, &e);
        }
    }
}
