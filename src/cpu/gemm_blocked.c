/*
 * gemm_blocked.c - products of any size: blocks of B (and of A where it helps) are packed and met by tiles.
 *
 * Each member packs what it needs itself, so that no member waits for another.
 */
#include "cpu/gemm_end.h"
#include "cpu/gemm_tile.h"
#include "cpu/transpose8.h"
#include "cpu/vecmath.h"

enum {
    STREAM_ROWS =
        48, /* so few rows do not pay for large blocks: weights are packed a little at a time and met at once */
    STREAM_NC = 128,
    SHALLOW = 64 /* a sum of so few terms: a row of tiles walks along C, as memory likes it */
};

void JD_K(jd__gemm_end)(const jd_gemm *g, float *C, int64_t rows, int64_t n0, int64_t n)
{
    for (int64_t m = 0; m < rows; m++, C += g->ldc) {
        for (int64_t j = 0; j < n; j += VL) {
            const int left = n - j < VL ? (int)(n - j) : VL;
            vf x = vf_loadn(C + j, left);
            if (g->bias) x = vf_add(x, vf_loadn(g->bias + n0 + j, left));
            switch (g->act) {
            case JD_ACT_TANH: x = vf_tanh(x); break;
            case JD_ACT_SIGMOID: x = vf_sigmoid(x); break;
            case JD_ACT_RELU: x = vf_select(vf_gt(x, vf_zero()), x, vf_zero()); break;
            default: break;
            }
            vf_storen(C + j, x, left);
        }
    }
}

/* One tile of A, (K,mr) contiguous.  Vectors are stored whole; what hangs over is overwritten by the next store, and the
 * scratch has room for the last. */
static void pack_a_tile(const jd_gemm *g, int64_t m, int mr, int64_t k0, int64_t K, float *out)
{
    const float *A = g->A + m * g->am + k0 * g->ak;
    int64_t k = 0;
#if VL >= 8
    enum { WIDE = (JD_MR + 7) / 8 * 8 };
    if (m + WIDE <= g->M && g->ak == 1) {
        for (; k + 8 <= K; k += 8) {
            __m256 r[WIDE / 8][8];
            JD_UNROLL for (int j = 0; j < WIDE; j += 8) jd_load8x8_transposed(r[j / 8], A + j * g->am + k, g->am);
            JD_UNROLL for (int i = 0; i < 8; i++)
            {
                JD_UNROLL for (int j = 0; j < WIDE; j += 8) _mm256_storeu_ps(out + (k + i) * mr + j, r[j / 8][i]);
            }
        }
    } else if (m + WIDE <= g->M && g->am == 1) {
        for (; k < K; k++) {
            JD_UNROLL for (int j = 0; j < WIDE; j += 8)
                _mm256_storeu_ps(out + k * mr + j, _mm256_loadu_ps(A + k * g->ak + j));
        }
    }
#endif
    for (; k < K; k++) {
        for (int i = 0; i < mr; i++) out[k * mr + i] = A[i * g->am + k * g->ak];
    }
}

/* One block of the product: rows m0..m0+rows-1, columns n0..n0+cols-1, terms k0..k0+K-1. */
typedef struct block {
    int64_t m0, rows, n0, cols, k0, K;
    const float *packed_b, *packed_a; /* packed_a NULL: A as it is */
    const float *init;                /* where the chains stand, for (m0,n0); NULL: 0 */
    float *C;                         /* where they go */
    ptrdiff_t ldi, ldc;
    int update, last;
} block;

JD_INLINE void one_tile(const jd_gemm *g, const block *b, const jd_cut *cut, int64_t t, int64_t p, int across)
{
    const int64_t m = jd_cut_start(cut, t), n = p * JD_NR;
    const int mr = jd_cut_size(cut, t);
    float *const C = b->C + m * b->ldc + n;
    const float *const next = across ? C + JD_NR : t + 1 < cut->tiles ? C + mr * b->ldc : b->C + n + JD_NR;
    const jd_tile_end e = {.init = b->init ? b->init + m * b->ldi + n : NULL,
                           .ldi = b->ldi,
                           .C = C,
                           .ldc = b->ldc,
                           .next = next,
                           .n = b->cols - n < JD_NR ? (int)(b->cols - n) : JD_NR,
                           .update = b->update,
                           .alpha = g->alpha};
    const float *B = b->packed_b + n * b->K;
    if (b->packed_a)
        JD_K(jd__tile)(mr, b->K, b->packed_a + m * b->K, 1, mr, B, &e);
    else
        JD_K(jd__tile)(mr, b->K, g->A + (b->m0 + m) * g->am + b->k0 * g->ak, g->am, g->ak, B, &e);
    if (b->last && jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, e.C, mr, b->n0 + n, e.n);
}

static void run_block(const jd_gemm *g, const block *b, float *a_space, int pack_a)
{
    const jd_cut cut = jd_cut_rows(b->rows);
    const int64_t panels = (b->cols + JD_NR - 1) / JD_NR;
    block c = *b;
    c.packed_a = NULL;
    if (pack_a) {
        for (int64_t t = 0; t < cut.tiles; t++) {
            const int64_t m = jd_cut_start(&cut, t);
            pack_a_tile(g, b->m0 + m, jd_cut_size(&cut, t), b->k0, b->K, a_space + m * b->K);
        }
        c.packed_a = a_space;
    }
    if (b->K <= SHALLOW) {
        for (int64_t t = 0; t < cut.tiles; t++) {
            for (int64_t p = 0; p < panels; p++) one_tile(g, &c, &cut, t, p, 1);
        }
    } else {
        for (int64_t p = 0; p < panels; p++) {
            for (int64_t t = 0; t < cut.tiles; t++) one_tile(g, &c, &cut, t, p, 0);
        }
    }
}

/* Rows m0..m1-1 and columns n0..n1-1. */
static void run_part(const jd_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float *scratch)
{
    const int stream = g->M <= STREAM_ROWS;
    const int apart = g->update && g->K > JD_GEMM_KC; /* partial sums cannot stand in C */
    const int pack_a = g->ak != 1 || (!stream && n1 - n0 > 2 * JD_NR);
    const int64_t kc = g->K < JD_GEMM_KC ? g->K : JD_GEMM_KC;
    const int64_t padded = (g->N + JD_GEMM_PAD - 1) / JD_GEMM_PAD * JD_GEMM_PAD;
    int64_t nc = apart ? JD_GEMM_UPDATE_NC : !stream ? JD_GEMM_NC : g->bk == 1 ? JD_NR : STREAM_NC;
    if (nc > padded) nc = padded;
    float *const b_space = scratch, *const a_space = b_space + kc * (padded < JD_GEMM_NC ? padded : JD_GEMM_NC);
    float *const sums = a_space + ((g->M < JD_GEMM_MC ? g->M : JD_GEMM_MC) * kc + 31) / 16 * 16;
    const int64_t ms = apart ? JD_GEMM_UPDATE_MC : m1 - m0;
    for (int64_t mo = m0; mo < m1; mo += ms) {
        const int64_t mo1 = mo + ms < m1 ? mo + ms : m1;
        for (int64_t n = n0; n < n1; n += nc) {
            block b = {.n0 = n, .cols = n1 - n < nc ? n1 - n : nc, .packed_b = b_space};
            int64_t k = 0;
            do {
                b.k0 = k;
                b.K = g->K - k < JD_GEMM_KC ? g->K - k : JD_GEMM_KC;
                b.last = k + b.K >= g->K;
                b.update = g->update && b.last;
                JD_K(jd__pack_b)
                (g->B + k * g->bk + n * g->bn, g->bk, g->bn, b.K, b.cols, 0, (b.cols + JD_NR - 1) / JD_NR, b_space);
                for (int64_t m = mo; m < mo1; m += JD_GEMM_MC) {
                    float *const C = g->C + m * g->ldc + n, *const S = apart ? sums + (m - mo) * nc : C;
                    b.m0 = m;
                    b.rows = mo1 - m < JD_GEMM_MC ? mo1 - m : JD_GEMM_MC;
                    b.init = k ? S : g->accumulate && !g->update ? C : NULL;
                    b.ldi = apart ? nc : g->ldc;
                    b.C = apart && !b.last ? S : C;
                    b.ldc = apart && !b.last ? nc : g->ldc;
                    run_block(g, &b, a_space, pack_a);
                }
                k += b.K;
            } while (k < g->K);
        }
    }
}

/* As jd_share, but free of divisions for a single member: the smallest products take less time than those. */
static void share(const jd_worker *w, size_t n, size_t grain, size_t *begin, size_t *end)
{
    *end = n;
    if (w->count > 1) jd_share(w, n, grain, begin, end);
}

void JD_K(jd__gemm)(const jd_gemm *g, const jd_worker *w, float *scratch)
{
    size_t begin = 0, end;
    if (g->M <= 0 || g->N <= 0) return;
    if (g->K <= JD_SHORT_K && g->bn == 1 && !g->accumulate && (g->update || g->M > JD_FEW_ROWS)) {
        share(w, (size_t)g->M, 1, &begin, &end);
        JD_K(jd__gemm_short)(g, (int64_t)begin, (int64_t)end);
        return;
    }
    if (g->M <= JD_FEW_ROWS && !g->update && (g->bn == 1 || g->bk == 1)) {
        share(w, (size_t)g->N, 32, &begin, &end);
        if (begin == end) return;
        if (g->bk == 1)
            JD_K(jd__gemm_columns)(g, (int64_t)begin, (int64_t)end);
        else
            JD_K(jd__gemm_rows)(g, (int64_t)begin, (int64_t)end);
        return;
    }
    float *const own = scratch + (size_t)w->id * jd__gemm_scratch_each(g->M, g->N, g->K);
    /* What is packed twice is the side that is not shared out: share the longer one. */
    if (g->M <= STREAM_ROWS || g->N > g->M) {
        share(w, (size_t)g->N, JD_NR, &begin, &end);
        run_part(g, 0, g->M, (int64_t)begin, (int64_t)end, own);
    } else {
        share(w, (size_t)g->M, JD_MR, &begin, &end);
        run_part(g, (int64_t)begin, (int64_t)end, 0, g->N, own);
    }
}
