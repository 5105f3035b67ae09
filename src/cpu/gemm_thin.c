/*
 * gemm_thin.c - products that are bound by memory: few rows of A, or short sums.  B is read once, as it lies.
 */
#include "cpu/gemm_end.h"
#include "cpu/gemm_tile.h"
#include "cpu/transpose8.h"

/* ---- B's rows contiguous: a few of them at a time are added to the results, which stay in the cache ---------------------*/

/* Adds `depth` (constant) terms from k on to rows 0..M-1 of C, columns n0..n1-1; `start`: the sums begin here. */
JD_INLINE void add_rows(const jd_gemm *g, const int depth, int64_t k, int64_t n0, int64_t n1, int start)
{
    for (int64_t m = 0; m < g->M; m++) {
        const float *a = g->A + m * g->am + k * g->ak;
        float *C = g->C + m * g->ldc;
        vf x[8];
        JD_UNROLL for (int i = 0; i < depth; i++) x[i] = vf_set1(a[i * g->ak]);
        const float *B = g->B + k * g->bk;
        int64_t n = n0;
        for (; n + VL <= n1; n += VL) {
            vf s = start ? vf_zero() : vf_load(C + n);
            JD_UNROLL for (int i = 0; i < depth; i++) s = vf_fma(x[i], vf_load(B + i * g->bk + n), s);
            vf_store(C + n, s);
        }
        if (n < n1) {
            const int left = (int)(n1 - n);
            vf s = start ? vf_zero() : vf_loadn(C + n, left);
            JD_UNROLL for (int i = 0; i < depth; i++) s = vf_fma(x[i], vf_loadn(B + i * g->bk + n, left), s);
            vf_storen(C + n, s, left);
        }
    }
}

void JD_K(jd__gemm_rows)(const jd_gemm *g, int64_t n0, int64_t n1)
{
    /* With one row of A the rows of B are read along their whole length; with more, a stretch that the first-level cache
     * holds is used for each of them. */
    const int64_t stretch = g->M == 1 ? n1 - n0 : 512;
    for (int64_t n = n0; n < n1; n += stretch) {
        const int64_t e = n + stretch < n1 ? n + stretch : n1;
        int64_t k = 0;
        int start = !g->accumulate;
        for (; k + 8 <= g->K; k += 8, start = 0) add_rows(g, 8, k, n, e, start);
        for (; k + 2 <= g->K; k += 2, start = 0) add_rows(g, 2, k, n, e, start);
        for (; k < g->K; k++, start = 0) add_rows(g, 1, k, n, e, start);
        if (start) add_rows(g, 0, 0, n, e, 1);
    }
    if (jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, g->C + n0, g->M, n0, n1 - n0);
}

/* ---- B's columns contiguous: blocks of 8 x 8 are transposed on the way ---------------------------------------------------*/
#if VL >= 8

/* Fewer than eight columns: those missing repeat the last. */
static void last_columns(const jd_gemm *g, int64_t n0, int n)
{
    const float *column[8];
    for (int j = 0; j < 8; j++) column[j] = g->B + (n0 + (j < n ? j : n - 1)) * g->bn;
    for (int64_t m = 0; m < g->M; m++) {
        const float *a = g->A + m * g->am;
        _Alignas(32) float s[8] = {0};
        for (int j = 0; j < n && g->accumulate; j++) s[j] = g->C[m * g->ldc + n0 + j];
        __m256 acc = _mm256_load_ps(s);
        int64_t k = 0;
        for (; k + 8 <= g->K; k += 8) {
            __m256 r[8];
            jd_load8x8_rows(r, column, k);
            JD_UNROLL for (int i = 0; i < 8; i++)
            {
                acc = _mm256_fmadd_ps(_mm256_set1_ps(a[(k + i) * g->ak]), r[i], acc);
            }
        }
        for (; k < g->K; k++) {
            const __m256 b = _mm256_setr_ps(column[0][k], column[1][k], column[2][k], column[3][k], column[4][k],
                                            column[5][k], column[6][k], column[7][k]);
            acc = _mm256_fmadd_ps(_mm256_set1_ps(a[k * g->ak]), b, acc);
        }
        _mm256_store_ps(s, acc);
        for (int j = 0; j < n; j++) g->C[m * g->ldc + n0 + j] = s[j];
    }
}

/* rows x (8 groups) results at once; both constant. */
JD_INLINE void eights(const jd_gemm *g, const int rows, const int groups, int64_t m, int64_t n)
{
    __m256 acc[8];
    const float *a = g->A + m * g->am, *B = g->B + n * g->bn;
    float *C = g->C + m * g->ldc + n;
    const int far = g->K > 256;
    JD_UNROLL for (int i = 0; i < rows * groups; i++)
    {
        acc[i] = g->accumulate ? _mm256_loadu_ps(C + i / groups * g->ldc + i % groups * 8) : _mm256_setzero_ps();
    }
    int64_t k = 0;
    for (; k + 8 <= g->K; k += 8) {
        JD_UNROLL for (int q = 0; q < groups; q++)
        {
            __m256 r[8];
            const float *b = B + q * 8 * g->bn + k;
            if (far && k % 16 == 0) {
                JD_UNROLL for (int i = 0; i < 8; i++) __builtin_prefetch(b + i * g->bn + 128);
            }
            jd_load8x8_transposed(r, b, g->bn);
            JD_UNROLL for (int i = 0; i < 8; i++)
            {
                JD_UNROLL for (int h = 0; h < rows; h++)
                {
                    acc[h * groups + q] =
                        _mm256_fmadd_ps(_mm256_set1_ps(a[h * g->am + (k + i) * g->ak]), r[i], acc[h * groups + q]);
                }
            }
        }
    }
    for (; k < g->K; k++) {
        JD_UNROLL for (int q = 0; q < groups; q++)
        {
            const float *b = B + q * 8 * g->bn + k;
            const __m256 r = _mm256_setr_ps(b[0], b[g->bn], b[2 * g->bn], b[3 * g->bn], b[4 * g->bn], b[5 * g->bn],
                                            b[6 * g->bn], b[7 * g->bn]);
            JD_UNROLL for (int h = 0; h < rows; h++)
            {
                acc[h * groups + q] = _mm256_fmadd_ps(_mm256_set1_ps(a[h * g->am + k * g->ak]), r, acc[h * groups + q]);
            }
        }
    }
    JD_UNROLL for (int i = 0; i < rows * groups; i++)
    {
        _mm256_storeu_ps(C + i / groups * g->ldc + i % groups * 8, acc[i]);
    }
}

void JD_K(jd__gemm_columns)(const jd_gemm *g, int64_t n0, int64_t n1)
{
    int64_t n = n0;
    if (g->M == 1) {
        for (; n + 32 <= n1; n += 32) eights(g, 1, 4, 0, n);
        for (; n + 8 <= n1; n += 8) eights(g, 1, 1, 0, n);
    } else if (g->M == 2) {
        for (; n + 16 <= n1; n += 16) eights(g, 2, 2, 0, n);
        for (; n + 8 <= n1; n += 8) eights(g, 2, 1, 0, n);
    } else {
        for (; n + 8 <= n1; n += 8) {
            if (g->M == 3)
                eights(g, 3, 1, 0, n);
            else if (g->M == 4)
                eights(g, 4, 1, 0, n);
            else
                eights(g, 5, 1, 0, n);
        }
    }
    if (n < n1) last_columns(g, n, (int)(n1 - n));
    if (jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, g->C + n0, g->M, n0, n1 - n0);
}

#else

void JD_K(jd__gemm_columns)(const jd_gemm *g, int64_t n0, int64_t n1)
{
    for (int64_t m = 0; m < g->M; m++) {
        for (int64_t n = n0; n < n1; n++) {
            const float *a = g->A + m * g->am, *b = g->B + n * g->bn;
            float s = g->accumulate ? g->C[m * g->ldc + n] : 0.f;
            for (int64_t k = 0; k < g->K; k++) s = fmaf(a[k * g->ak], b[k], s);
            g->C[m * g->ldc + n] = s;
        }
    }
    if (jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, g->C + n0, g->M, n0, n1 - n0);
}
#endif

/* ---- short sums: row after row of C ---------------------------------------------------------------------------------------*/

JD_INLINE void short_row(const jd_gemm *g, const int depth, int64_t m)
{
    float *C = g->C + m * g->ldc;
    vf a[JD_SHORT_K];
    JD_UNROLL for (int k = 0; k < depth; k++) a[k] = vf_set1(g->A[m * g->am + k * g->ak]);
    const vf alpha = vf_set1(g->alpha);
    for (int64_t n = 0; n < g->N; n += VL) {
        const int left = g->N - n < VL ? (int)(g->N - n) : VL;
        vf s = vf_zero();
        JD_UNROLL for (int k = 0; k < depth; k++) s = vf_fma(a[k], vf_loadn(g->B + k * g->bk + n, left), s);
        if (g->update) s = vf_fma(alpha, s, vf_loadn(C + n, left));
        vf_storen(C + n, s, left);
    }
}

void JD_K(jd__gemm_short)(const jd_gemm *g, int64_t m0, int64_t m1)
{
    for (int64_t m = m0; m < m1; m++) {
        switch (g->K) {
        case 0: short_row(g, 0, m); break;
        case 1: short_row(g, 1, m); break;
        case 2: short_row(g, 2, m); break;
        case 3: short_row(g, 3, m); break;
        default: short_row(g, 4, m); break;
        }
    }
    if (jd_gemm_has_end(g) && !g->update) JD_K(jd__gemm_end)(g, g->C + m0 * g->ldc, m1 - m0, 0, g->N);
}
