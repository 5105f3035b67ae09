/*
 * gemm_update.c - C = fma(alpha, A B, C) for short sums: what a dense layer's weights receive from one batch.
 *
 * All of C is read and written for a few terms of each sum, so the product lives from a steady flow of C: tiles follow
 * one another along its rows, in one routine without a call between them, and the lines of C that come next are asked
 * for meanwhile.
 */
#include "cpu/gemm_end.h"
#include "cpu/gemm_tile.h"

enum {
    AHEAD = 8 * JD_NR, /* so many columns ahead is C fetched */
    LINE = 16          /* floats of a cache line */
};

/* One row of tiles. */
typedef struct update_row {
    int64_t K, panels;
    const float *A; /* (K,mr) packed */
    const float *B; /* panels (K,JD_NR) */
    float *C;
    ptrdiff_t ldc;
    const float *next; /* the C of the row of tiles that follows */
    float alpha;
} update_row;

/* mr is a constant. */
JD_INLINE void run_row(const int mr, const update_row *u)
{
    const vf alpha = vf_set1(u->alpha);
    const ptrdiff_t ldc = u->ldc;
    const float *B = u->B, *ahead = u->C + AHEAD;
    float *C = u->C;
    for (int64_t p = 0; p < u->panels; p++, C += JD_NR, ahead += JD_NR) {
        vf acc[JD_MR][NV];
        if (p == u->panels - AHEAD / JD_NR) ahead = u->next;
        JD_UNROLL for (int i = 0; i < mr; i++)
        {
            JD_UNROLL for (int j = 0; j < JD_NR; j += LINE) __builtin_prefetch(ahead + i * ldc + j, 1);
        }
        JD_UNROLL for (int i = 0; i < mr; i++)
        {
            JD_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = vf_zero();
        }
        const float *A = u->A, *const end = A + u->K * mr;
        JD_ROLLED for (; A < end; A += mr, B += JD_NR)
        {
            vf b[NV];
            JD_UNROLL for (int j = 0; j < NV; j++) b[j] = vf_load(B + j * VL);
            JD_UNROLL for (int i = 0; i < mr; i++)
            {
                const vf a = vf_set1(A[i]);
                JD_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = vf_fma(a, b[j], acc[i][j]);
            }
        }
        JD_UNROLL for (int i = 0; i < mr; i++)
        {
            JD_UNROLL for (int j = 0; j < NV; j++)
            {
                float *const c = C + i * ldc + j * VL;
                vf_store(c, vf_fma(alpha, acc[i][j], vf_load(c)));
            }
        }
    }
}

/* clang-format off */
#define ROW(mr) static void row_##mr(const update_row *u) { run_row(mr, u); }
ROW(1) ROW(2) ROW(3) ROW(4)
#if VL >= 4
ROW(5) ROW(6)
#endif
#if VL >= 16
ROW(7) ROW(8) ROW(9) ROW(10) ROW(11) ROW(12)
#endif
static void (*const rows[JD_MR])(const update_row *) = {
    row_1, row_2, row_3, row_4,
#if VL >= 4
    row_5, row_6,
#endif
#if VL >= 16
    row_7, row_8, row_9, row_10, row_11, row_12,
#endif
};
/* clang-format on */

/* Rows m..m+mr-1 of A as (K,mr).  Vectors are stored whole, and what hangs over is overwritten by the next. */
enum { WIDE = JD_MR > 8 ? 16 : 8 };
static void pack_tile(const jd_gemm *g, int64_t m, int mr, float *out)
{
    const float *A = g->A + m * g->am;
#if VL >= 8
    if (g->am == 1 && m + WIDE <= g->M) {
        for (int64_t k = 0; k < g->K; k++, A += g->ak, out += mr) {
            JD_UNROLL for (int i = 0; i < WIDE; i += VL) vf_store(out + i, vf_load(A + i));
        }
        return;
    }
#endif
    for (int64_t k = 0; k < g->K; k++) {
        for (int i = 0; i < mr; i++) *out++ = A[i * g->am + k * g->ak];
    }
}

void JD_K(jd__gemm_update)(const jd_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float *scratch)
{
    const jd_cut cut = jd_cut_rows(m1 - m0);
    for (int64_t n = n0; n < n1; n += JD_GEMM_NC) {
        const int64_t cols = n1 - n < JD_GEMM_NC ? n1 - n : JD_GEMM_NC, panels = cols / JD_NR;
        const int rest = (int)(cols - panels * JD_NR);
        JD_K(jd__pack_b)(g->B + n * g->bn, g->bk, g->bn, g->K, cols, 0, panels + (rest > 0), scratch);
        for (int64_t t = 0; t < cut.tiles; t++) {
            const int64_t m = m0 + jd_cut_start(&cut, t);
            const int mr = jd_cut_size(&cut, t);
            float A[JD_UPDATE_K * JD_MR + WIDE];
            pack_tile(g, m, mr, A);
            float *const C = g->C + m * g->ldc + n;
            const update_row u = {.K = g->K,
                                  .panels = panels,
                                  .A = A,
                                  .B = scratch,
                                  .C = C,
                                  .ldc = g->ldc,
                                  .next = C + mr * g->ldc,
                                  .alpha = g->alpha};
            rows[mr - 1](&u);
            if (rest) {
                const jd_tile_end e = {.C = C + panels * JD_NR,
                                       .ldc = g->ldc,
                                       .next = C + mr * g->ldc + panels * JD_NR,
                                       .n = rest,
                                       .update = 1,
                                       .alpha = g->alpha};
                JD_K(jd__tile)(mr, g->K, A, 1, mr, scratch + panels * JD_NR * g->K, &e);
            }
        }
    }
}
