/*
 * gemm_turned.c - the transposed product: rows of A become the lanes of a tile.
 *
 * Few rows of A against a large B, which is what a dense layer computes from a batch, forward and backward.  A is small
 * and packed; B is met as it lies, by broadcasts, so that the weights flow from memory to the adders without being
 * copied, and each line of them is fetched while its predecessor is worked on.  The sums stand transposed in scratch
 * until they are whole.
 */
#include "cpu/gemm_end.h"
#include "cpu/gemm_tile.h"
#include "cpu/transpose8.h"

enum {
    GROUP = VL == 16 ? 2 : 4, /* vectors of lanes that go together */
    PIECE_DOWN = 160,         /* terms whose A the first-level cache holds, */
    PIECE_ACROSS = 24,        /* with as many lines of B, and those that follow */
    LINE = 16,                /* floats of a cache line */
    NEAR = 48                 /* columns that all groups meet before the next ones */
};

/* Columns of B that a tile of v vectors takes: as many sums as there are registers for. */
#if VL == 16
#define COLUMNS(v) 12
#else
#define COLUMNS(v) ((v) == 1 ? 8 : 12 / (v))
#endif

typedef struct turned {
    int64_t K;
    const float *A, *B; /* A (K, v VL) packed, B(k,n) */
    ptrdiff_t bk, bn;   /* one of them is 1 */
    float *S;           /* (columns, lanes) */
    ptrdiff_t lanes;
    const float *ahead; /* what B is to a later tile */
    int start;          /* the sums begin at 0, not at S */
} turned;

/* One term of r x v sums.  What is used by several additions is loaded once and held: the fewer of the two kinds. */
JD_INLINE void turned_term(const int r, const int v, vf acc[12][GROUP], const float *A, const float *B, ptrdiff_t bn)
{
    if (v > r) {
        vf b[GROUP];
        JD_UNROLL for (int i = 0; i < r; i++) b[i] = vf_set1(B[i * bn]);
        JD_UNROLL for (int j = 0; j < v; j++)
        {
            const vf a = vf_load(A + j * VL);
            JD_UNROLL for (int i = 0; i < r; i++) acc[i][j] = vf_fma(b[i], a, acc[i][j]);
        }
    } else {
        vf a[GROUP];
        JD_UNROLL for (int j = 0; j < v; j++) a[j] = vf_load(A + j * VL);
        JD_UNROLL for (int i = 0; i < r; i++)
        {
            const vf b = vf_set1(B[i * bn]);
            JD_UNROLL for (int j = 0; j < v; j++) acc[i][j] = vf_fma(b, a[j], acc[i][j]);
        }
    }
}

/* r columns and v vectors, constants, as is `down`: B's columns are contiguous, otherwise its rows are. */
JD_INLINE void turned_tile(const int r, const int v, const int down, const turned *t)
{
    vf acc[12][GROUP];
    const ptrdiff_t bk = down ? 1 : t->bk, bn = down ? t->bn : 1;
    float *const S = t->S;
    if (t->start) {
        JD_UNROLL for (int i = 0; i < r; i++)
        {
            JD_UNROLL for (int j = 0; j < v; j++) acc[i][j] = vf_zero();
        }
    } else {
        JD_UNROLL for (int i = 0; i < r; i++)
        {
            JD_UNROLL for (int j = 0; j < v; j++) acc[i][j] = vf_load(S + i * t->lanes + j * VL);
        }
    }
    const float *A = t->A, *B = t->B, *ahead = t->ahead;
    if (down) {
        for (int64_t k = t->K; k > 0; k -= LINE, ahead += LINE) {
            JD_UNROLL for (int i = 0; i < r; i++) __builtin_prefetch(ahead + i * bn);
            const float *const end = A + (k < LINE ? k : LINE) * v * VL;
            JD_ROLLED for (; A < end; A += v * VL, B++) turned_term(r, v, acc, A, B, bn);
        }
    } else {
        const float *const end = A + t->K * v * VL;
        JD_ROLLED for (; A < end; A += v * VL, B += bk, ahead += bk)
        {
            __builtin_prefetch(ahead);
            turned_term(r, v, acc, A, B, 1);
        }
    }
    JD_UNROLL for (int i = 0; i < r; i++)
    {
        JD_UNROLL for (int j = 0; j < v; j++) vf_store(S + i * t->lanes + j * VL, acc[i][j]);
    }
}

/* clang-format off */
#define TILE(r, v)                                                                                                     \
    static void down_##r##_##v(const turned *t) { turned_tile(r, v, 1, t); }                                           \
    static void across_##r##_##v(const turned *t) { turned_tile(r, v, 0, t); }
#define PAIR(r, v) { across_##r##_##v, down_##r##_##v }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
#if VL == 16
TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(7, 2) TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2)
#else
TILE(1, 3) TILE(2, 3) TILE(3, 3) TILE(4, 3)
TILE(1, 4) TILE(2, 4) TILE(3, 4)
#endif
static void (*const tiles[GROUP][12][2])(const turned *) = {
#if VL == 16
    { PAIR(1, 1), PAIR(2, 1), PAIR(3, 1), PAIR(4, 1), PAIR(5, 1), PAIR(6, 1), PAIR(7, 1), PAIR(8, 1),
      PAIR(9, 1), PAIR(10, 1), PAIR(11, 1), PAIR(12, 1) },
    { PAIR(1, 2), PAIR(2, 2), PAIR(3, 2), PAIR(4, 2), PAIR(5, 2), PAIR(6, 2), PAIR(7, 2), PAIR(8, 2),
      PAIR(9, 2), PAIR(10, 2), PAIR(11, 2), PAIR(12, 2) },
#else
    { PAIR(1, 1), PAIR(2, 1), PAIR(3, 1), PAIR(4, 1), PAIR(5, 1), PAIR(6, 1), PAIR(7, 1), PAIR(8, 1) },
    { PAIR(1, 2), PAIR(2, 2), PAIR(3, 2), PAIR(4, 2), PAIR(5, 2), PAIR(6, 2) },
    { PAIR(1, 3), PAIR(2, 3), PAIR(3, 3), PAIR(4, 3) },
    { PAIR(1, 4), PAIR(2, 4), PAIR(3, 4) },
#endif
};
/* clang-format on */

/* How the rows of A are cut into groups of 1..GROUP vectors, as even as can be. */
typedef struct lanes_cut {
    int64_t vectors, groups;
} lanes_cut;
static lanes_cut cut_lanes(int64_t M)
{
    const int64_t vectors = (M + VL - 1) / VL;
    return (lanes_cut){vectors, (vectors + GROUP - 1) / GROUP};
}
static int64_t group_start(const lanes_cut *c, int64_t i)
{
    return i * c->vectors / c->groups;
}

int JD_K(jd__gemm_can_turn)(const jd_gemm *g)
{
    const int64_t lanes = cut_lanes(g->M).vectors * VL;
    /* Rows of B a multiple of 256 floats apart would compete for the same places in the caches. */
    const int flows = g->bk == 1 || (g->bn == 1 && g->bk % 256 != 0);
    return flows && !g->update && g->M > JD_FEW_ROWS && g->M <= JD_GEMM_TURNED_ROWS && 4 * lanes <= 5 * g->M;
}

/* Rows m0..m0+width-1 of A, as far as they exist, as (K,width). */
static void pack_lanes(const jd_gemm *g, int64_t m0, int64_t width, int64_t k0, int64_t K, float *out)
{
    const float *A = g->A + m0 * g->am + k0 * g->ak;
    const int64_t rows = g->M - m0 < width ? g->M - m0 : width;
    int64_t k = 0;
#if VL >= 8
    if (g->ak == 1) {
        for (; k + 8 <= K; k += 8) {
            for (int64_t m = 0; m < width; m += 8) {
                __m256 r[8];
                if (m + 8 <= rows) {
                    jd_load8x8_transposed(r, A + m * g->am + k, g->am);
                } else {
                    const float *row[8];
                    for (int i = 0; i < 8; i++) row[i] = A + (m + i < rows ? m + i : rows - 1) * g->am;
                    jd_load8x8_rows(r, row, k);
                }
                JD_UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + (k + i) * width + m, r[i]);
            }
        }
    }
#endif
    for (; k < K; k++) {
        for (int64_t m = 0; m < rows; m++) out[k * width + m] = A[m * g->am + k * g->ak];
        for (int64_t m = rows; m < width; m++) out[k * width + m] = 0.f;
    }
}

/* sums (cols,lanes) to C(m,n) for all m < M; `back`: the other way. */
static void turn(const jd_gemm *g, int64_t n0, int64_t cols, float *sums, int64_t lanes, int back)
{
    float *const C = g->C + n0;
    int64_t n = 0;
    if (back) {
        for (; n < cols; n++) {
            for (int64_t m = 0; m < g->M; m++) sums[n * lanes + m] = C[m * g->ldc + n];
            for (int64_t m = g->M; m < lanes; m++) sums[n * lanes + m] = 0.f;
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

/* Columns n0..n0+cols-1 against one group of lanes and one piece of terms; t->B is the first column's.  `wrap`: what
 * comes after the last column; NULL: B has been fetched already. */
static void run_columns(turned *t, int v, int64_t cols, int more, const float *wrap)
{
    const int most = COLUMNS(v), down = t->bk == 1;
    const int64_t count = (cols + most - 1) / most, base = cols / count, longer = cols % count;
    const float *const B = t->B;
    float *const S = t->S;
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        const int r = (int)(base + (i < longer));
        const int64_t to = n + (down ? r : LINE); /* where the fetching stands */
        t->B = B + n * t->bn;
        t->S = S + n * t->lanes;
        t->ahead = !wrap ? t->B : to < cols || more ? B + to * t->bn : wrap + (to - cols) * t->bn;
        tiles[v - 1][r - 1][down](t);
        n += r;
    }
    t->B = B;
    t->S = S;
}

/* Terms k0..k0+K-1 of columns n0..n0+cols-1: piece by piece of the terms, all groups meet the columns that are near. */
static void run_terms(const jd_gemm *g, const lanes_cut *cut, int64_t n0, int64_t cols, int64_t k0, int64_t K,
                      const float *packed, float *sums)
{
    const int64_t most = g->bk == 1 ? PIECE_DOWN : PIECE_ACROSS;
    const int64_t pieces = (K + most - 1) / most, piece = pieces ? (K + pieces - 1) / pieces : 0;
    const int64_t lanes = cut->vectors * VL, near = cut->groups > 1 ? NEAR : cols;
    int64_t k = 0;
    do {
        const int64_t terms = K - k < piece ? K - k : piece;
        const float *const B = g->B + (k0 + k) * g->bk + n0 * g->bn;
        for (int64_t n = 0; n < cols; n += near) {
            const int64_t c = cols - n < near ? cols - n : near;
            for (int64_t i = 0; i < cut->groups; i++) {
                const int64_t start = group_start(cut, i), v = group_start(cut, i + 1) - start;
                turned t = {.K = terms,
                            .A = packed + (start * K + v * k) * VL,
                            .B = B + n * g->bn,
                            .bk = g->bk,
                            .bn = g->bn,
                            .S = sums + n * lanes + start * VL,
                            .lanes = lanes,
                            .start = k0 + k == 0 && !g->accumulate};
                run_columns(&t, (int)v, c, n + near < cols, i ? NULL : B + terms * g->bk);
            }
        }
        k += piece;
    } while (k < K);
}

void JD_K(jd__gemm_turned)(const jd_gemm *g, int64_t n0, int64_t n1, float *scratch)
{
    const lanes_cut cut = cut_lanes(g->M);
    const int64_t lanes = cut.vectors * VL, most = JD_GEMM_TURNED_A / lanes;
    const int64_t pieces = g->K ? (g->K + most - 1) / most : 1, kc = (g->K + pieces - 1) / pieces;
    float *const packed = scratch, *const sums = packed + (lanes * kc + 15) / 16 * 16;
    for (int64_t n = n0; n < n1; n += JD_GEMM_TURNED_NC) {
        const int64_t cols = n1 - n < JD_GEMM_TURNED_NC ? n1 - n : JD_GEMM_TURNED_NC;
        if (g->accumulate) turn(g, n, cols, sums, lanes, 1);
        int64_t k = 0;
        do {
            const int64_t K = g->K - k < kc ? g->K - k : kc;
            if (n == n0 || pieces > 1) {
                for (int64_t i = 0; i < cut.groups; i++) {
                    const int64_t start = group_start(&cut, i), v = group_start(&cut, i + 1) - start;
                    pack_lanes(g, start * VL, v * VL, k, K, packed + start * VL * K);
                }
            }
            run_terms(g, &cut, n, cols, k, K, packed, sums);
            k += kc;
        } while (k < g->K);
        turn(g, n, cols, sums, lanes, 0);
        if (jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, g->C + n, g->M, n, cols);
    }
}
