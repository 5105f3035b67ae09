/*
 * gemm_turned.c - the transposed product: rows of A become the lanes of a tile.
 *
 * Few rows of A against a B whose columns are contiguous, which is what a dense layer computes from a batch.  A is small
 * and packed once; every column of B is met as it lies, by broadcasts, so that the weights flow from memory to the adders
 * without being copied.  The sums stand transposed in scratch until they are whole.
 */
#include "cpu/gemm_end.h"
#include "cpu/gemm_tile.h"
#include "cpu/transpose8.h"

enum {
    BURST = 32 /* so many lines may be asked for at once */
};

int JD_K(jd__gemm_can_turn)(const jd_gemm *g)
{
    const int64_t lanes = (g->M + JD_NR - 1) / JD_NR * JD_NR;
    return g->bk == 1 && !g->update && g->M > JD_FEW_ROWS && g->M <= JD_GEMM_TURNED_ROWS && 4 * lanes <= 5 * g->M;
}

/* sums (cols,lanes) to C(m,n) for all m < M; `back`: the other way. */
static void turn(const jd_gemm *g, int64_t n0, int64_t cols, float *sums, int64_t lanes, int back)
{
    float *const C = g->C + n0;
    int64_t n = 0;
    if (back) {
        for (; n < cols; n++) {
            for (int64_t m = 0; m < g->M; m++) sums[n * lanes + m] = C[m * g->ldc + n];
        }
        return;
    }
#if VL >= 8
    for (; n + 8 <= cols; n += 8) {
        for (int64_t m = 0; m < g->M; m += 8) {
            const int64_t rows = g->M - m < 8 ? g->M - m : 8;
            __m256 r[8];
            jd_load8x8_transposed(r, sums + n * lanes + m, lanes);
            for (int64_t i = 0; i < rows; i++) _mm256_storeu_ps(C + (m + i) * g->ldc + n, r[i]);
        }
    }
#endif
    for (; n < cols; n++) {
        for (int64_t m = 0; m < g->M; m++) C[m * g->ldc + n] = sums[n * lanes + m];
    }
}

/* Columns n0..n0+cols-1, terms k0..k0+K-1: each group of columns meets all panels of A. */
static void run_terms(const jd_gemm *g, int64_t n0, int64_t cols, int64_t k0, int64_t K, const float *panels,
                      int64_t lanes, float *sums)
{
    const jd_cut cut = jd_cut_rows(cols);
    const int64_t count = lanes / JD_NR, rows_lines = (K + 15) / 16;
    const int64_t share = (rows_lines * cut.base + count - 1) / count; /* lines of the next group for each panel */
    for (int64_t t = 0; t < cut.tiles; t++) {
        const int64_t n = jd_cut_start(&cut, t);
        const int mr = jd_cut_size(&cut, t);
        const float *const B = g->B + (n0 + n) * g->bn + k0, *const next = B + mr * g->bn;
        int64_t row = 0, line = 0;
        for (int64_t p = 0; p < count; p++) {
            float *const S = sums + n * lanes + p * JD_NR;
            jd_tile_end e = {.init = k0 || g->accumulate ? S : NULL,
                             .ldi = lanes,
                             .C = S,
                             .ldc = lanes,
                             .next = p + 1 < count ? S + JD_NR : sums + (n + mr) * lanes,
                             .n = JD_NR};
            if (share <= BURST) {
                for (int64_t i = 0; i < share && row < mr; i++) {
                    __builtin_prefetch(next + row * g->bn + line * 16);
                    if (++line == rows_lines) line = 0, row++;
                }
            } else if (K == g->bn && p * 4 < mr) {
                e.ahead = next + p * 4 * K;
                e.ahead_step = 16;
            }
            JD_K(jd__tile)(mr, K, B, g->bn, 1, panels + p * K * JD_NR, &e);
        }
    }
}

void JD_K(jd__gemm_turned)(const jd_gemm *g, int64_t n0, int64_t n1, float *scratch)
{
    const int64_t count = (g->M + JD_NR - 1) / JD_NR, lanes = count * JD_NR;
    const int64_t most = JD_GEMM_TURNED_A / lanes, pieces = g->K ? (g->K + most - 1) / most : 1;
    const int64_t kc = (g->K + pieces - 1) / pieces;
    float *const panels = scratch, *const sums = panels + (lanes * kc + 15) / 16 * 16;
    for (int64_t n = n0; n < n1; n += JD_GEMM_TURNED_NC) {
        const int64_t cols = n1 - n < JD_GEMM_TURNED_NC ? n1 - n : JD_GEMM_TURNED_NC;
        if (g->accumulate) turn(g, n, cols, sums, lanes, 1);
        int64_t k = 0;
        do {
            const int64_t K = g->K - k < kc ? g->K - k : kc;
            JD_K(jd__pack_b)(g->A + k * g->ak, g->ak, g->am, K, g->M, 0, count, panels);
            run_terms(g, n, cols, k, K, panels, lanes, sums);
            k += kc;
        } while (k < g->K);
        turn(g, n, cols, sums, lanes, 0);
        if (jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, g->C + n, g->M, n, cols);
    }
}
