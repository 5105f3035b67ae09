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
    STREAM_ROWS = 160, /* so few rows: B is packed a little at a time, and what follows is fetched meanwhile */
    STREAM_NC = 64,
    SHALLOW = 64, /* a sum of so few terms: a row of tiles walks along C, as memory likes it */
    TILES_AHEAD = 4,
    A_GAP =
        16 /* floats between packed tiles of A, so that their lines do not compete for the same place in the cache */
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

/* Tiles of A, each (K,mr) and A_GAP floats.  Vectors are stored whole; what hangs over is overwritten by the next store or
 * falls into the gap. */
static float *packed_tile(float *out, const jd_cut *cut, int64_t t, int64_t K)
{
    return out + jd_cut_start(cut, t) * K + t * A_GAP;
}

static void pack_a_tile(const jd_gemm *g, int64_t m, int mr, int64_t k0, int64_t K, float *out)
{
    const float *A = g->A + m * g->am + k0 * g->ak;
    int64_t k = 0;
#if VL >= 8
    enum { WIDE = (JD_MR + 7) / 8 * 8 };
    if (m + WIDE <= g->M && g->ak == 1) {
        for (; k + 8 <= K; k += 8) {
            __m256 r[WIDE / 8][8];
            if (k % 16 == 0) {
                JD_UNROLL for (int i = 0; i < WIDE; i++) __builtin_prefetch(A + i * g->am + k + 64);
            }
            JD_UNROLL for (int j = 0; j < WIDE; j += 8) jd_load8x8_transposed(r[j / 8], A + j * g->am + k, g->am);
            JD_UNROLL for (int i = 0; i < 8; i++)
            {
                JD_UNROLL for (int j = 0; j < WIDE; j += 8) _mm256_storeu_ps(out + (k + i) * mr + j, r[j / 8][i]);
            }
        }
    }
#endif
    for (; k < K; k++) {
        for (int i = 0; i < mr; i++) out[k * mr + i] = A[i * g->am + k * g->ak];
    }
}

/* Rows m0.. of a transposed A, whose columns are contiguous: each is read in one go. */
static void pack_a_columns(const jd_gemm *g, int64_t m0, const jd_cut *cut, int64_t k0, int64_t K, float *out)
{
    for (int64_t k = 0; k < K; k++) {
        const float *A = g->A + m0 + (k0 + k) * g->ak;
        for (int64_t t = 0; t < cut->tiles; t++) {
            const int64_t m = jd_cut_start(cut, t);
            const int mr = jd_cut_size(cut, t);
            float *to = packed_tile(out, cut, t, K) + k * mr;
#if VL >= 8
            enum { WIDE = (JD_MR + 7) / 8 * 8 };
            if (m0 + m + WIDE <= g->M) {
                JD_UNROLL for (int j = 0; j < WIDE; j += 8) _mm256_storeu_ps(to + j, _mm256_loadu_ps(A + m + j));
                continue;
            }
#endif
            for (int i = 0; i < mr; i++) to[i] = A[m + i];
        }
        for (int64_t m = 0; m < cut->tiles * JD_MR; m += 16) __builtin_prefetch(A + 8 * g->ak + m);
    }
}

static void pack_a(const jd_gemm *g, int64_t m0, int64_t rows, int64_t k0, int64_t K, float *out)
{
    const jd_cut cut = jd_cut_rows(rows);
    if (g->am == 1) {
        pack_a_columns(g, m0, &cut, k0, K, out);
        return;
    }
    for (int64_t t = 0; t < cut.tiles; t++)
        pack_a_tile(g, m0 + jd_cut_start(&cut, t), jd_cut_size(&cut, t), k0, K, packed_tile(out, &cut, t, K));
}

/* One block of the product: rows m0..m0+rows-1, columns n0..n0+cols-1, terms k0..k0+K-1. */
typedef struct block {
    int64_t m0, rows, n0, cols, k0, K;
    const float *packed_b, *packed_a; /* packed_a NULL: A as it is */
    const float *init;                /* where the chains stand, for (m0,n0); NULL: 0 */
    float *C;                         /* where they go */
    ptrdiff_t ldi, ldc;
    int update, last;
    const float *ahead; /* what will be packed next, where its rows are contiguous; NULL: nothing known */
} block;

/* Tile t of panel p, the tile number `count` of its block. */
JD_INLINE void one_tile(const jd_gemm *g, const block *b, const jd_cut *cut, int64_t t, int64_t p, int64_t count)
{
    const int64_t m = jd_cut_start(cut, t), n = p * JD_NR;
    const int mr = jd_cut_size(cut, t);
    float *const C = b->C + m * b->ldc + n;
    jd_tile_end e = {.init = b->init ? b->init + m * b->ldi + n : NULL,
                     .ldi = b->ldi,
                     .C = C,
                     .ldc = b->ldc,
                     .n = b->cols - n < JD_NR ? (int)(b->cols - n) : JD_NR,
                     .update = b->update,
                     .alpha = g->alpha};
    if (b->K <= SHALLOW)
        e.next = C + TILES_AHEAD * JD_NR;
    else
        e.next = t + 1 < cut->tiles ? C + mr * b->ldc : b->C + n + JD_NR;
    if (b->ahead) {
        /* Lines of 16 floats, STREAM_NC / 16 beside each other; each tile fetches K / 4 of them, one below the other. */
        enum { LINES = STREAM_NC / 16 };
        e.ahead = b->ahead + count % LINES * 16 + count / LINES * (b->K / 4) * g->bk;
        e.ahead_step = g->bk;
        if (count / LINES >= 4) e.ahead = NULL;
    } else if (b->K > SHALLOW && n + JD_NR < b->cols && t * (b->K / 4) < b->K * JD_NR / 16) {
        /* The panel that follows, a line for every four terms. */
        e.ahead = b->packed_b + (n + JD_NR) * b->K + t * (b->K / 4) * 16;
        e.ahead_step = 16;
    }
    const float *B = b->packed_b + n * b->K;
    if (b->packed_a)
        JD_K(jd__tile)(mr, b->K, b->packed_a + m * b->K + t * A_GAP, 1, mr, B, &e);
    else
        JD_K(jd__tile)(mr, b->K, g->A + (b->m0 + m) * g->am + b->k0 * g->ak, g->am, g->ak, B, &e);
    if (b->last && jd_gemm_has_end(g)) JD_K(jd__gemm_end)(g, e.C, mr, b->n0 + n, e.n);
}

static void run_block(const jd_gemm *g, const block *b)
{
    const jd_cut cut = jd_cut_rows(b->rows);
    const int64_t panels = (b->cols + JD_NR - 1) / JD_NR;
    int64_t count = 0;
    if (b->K <= SHALLOW) {
        for (int64_t t = 0; t < cut.tiles; t++) {
            for (int64_t p = 0; p < panels; p++) one_tile(g, b, &cut, t, p, count++);
        }
    } else {
        for (int64_t p = 0; p < panels; p++) {
            for (int64_t t = 0; t < cut.tiles; t++) one_tile(g, b, &cut, t, p, count++);
        }
    }
}

/* What a member multiplies, and its scratch. */
typedef struct part {
    int64_t m0, m1, n0, n1, nc;
    float *b_space, *a_space, *sums;
    int apart; /* partial sums cannot stand in C */
} part;

static void pack_block_b(const jd_gemm *g, const block *b, float *out)
{
    JD_K(jd__pack_b)
    (g->B + b->k0 * g->bk + b->n0 * g->bn, g->bk, g->bn, b->K, b->cols, 0, (b->cols + JD_NR - 1) / JD_NR, out);
}

/* Where the chains of block b's rows from m on start and end; `sums` belongs to (m,n0). */
static void place(const jd_gemm *g, block *b, const part *p, int64_t m, int64_t rows, float *sums)
{
    float *const C = g->C + m * g->ldc + b->n0, *const S = p->apart ? sums : C;
    b->m0 = m;
    b->rows = rows;
    b->last = b->k0 + b->K >= g->K;
    b->update = g->update && b->last;
    b->init = b->k0 ? S : g->accumulate && !g->update ? C : NULL;
    b->ldi = p->apart ? p->nc : g->ldc;
    b->C = p->apart && !b->last ? S : C;
    b->ldc = p->apart && !b->last ? p->nc : g->ldc;
}

/* Terms of the block from k on: as few blocks as can be, of about the same depth. */
static int64_t terms_of(const jd_gemm *g, int64_t k)
{
    const int64_t blocks = (g->K + JD_GEMM_KC - 1) / JD_GEMM_KC;
    const int64_t each = blocks > 1 ? ((g->K + blocks - 1) / blocks + 7) / 8 * 8 : g->K;
    return g->K - k < each ? g->K - k : each;
}

/* Few rows: A is packed once for each stretch of terms, B flows through the cache. */
static void run_stream(const jd_gemm *g, const part *p)
{
    int64_t k = 0;
    do {
        const int64_t K = terms_of(g, k);
        const float *packed_a = NULL;
        if (p->n1 - p->n0 > 2 * JD_NR || g->ak != 1) {
            pack_a(g, p->m0, p->m1 - p->m0, k, K, p->a_space);
            packed_a = p->a_space;
        }
        for (int64_t n = p->n0; n < p->n1; n += p->nc) {
            block b = {.n0 = n,
                       .cols = p->n1 - n < p->nc ? p->n1 - n : p->nc,
                       .k0 = k,
                       .K = K,
                       .packed_b = p->b_space,
                       .packed_a = packed_a};
            if (g->bn == 1 && K > SHALLOW)
                b.ahead = n + p->nc < p->n1 ? g->B + k * g->bk + n + p->nc : g->B + (k + K) * g->bk + p->n0;
            pack_block_b(g, &b, p->b_space);
            place(g, &b, p, p->m0, p->m1 - p->m0, NULL);
            run_block(g, &b);
        }
        k += K;
    } while (k < g->K);
}

static void run_columns(const jd_gemm *g, const part *p, int64_t m0, int64_t m1, int64_t n)
{
    const int pack = g->ak != 1 || p->n1 - p->n0 > 2 * JD_NR;
    block b = {.n0 = n,
               .cols = p->n1 - n < p->nc ? p->n1 - n : p->nc,
               .packed_b = p->b_space,
               .packed_a = pack ? p->a_space : NULL};
    do {
        b.K = terms_of(g, b.k0);
        pack_block_b(g, &b, p->b_space);
        for (int64_t m = m0; m < m1; m += JD_GEMM_MC) {
            const int64_t rows = m1 - m < JD_GEMM_MC ? m1 - m : JD_GEMM_MC;
            place(g, &b, p, m, rows, p->sums + (m - m0) * p->nc);
            if (pack) pack_a(g, m, rows, b.k0, b.K, p->a_space);
            run_block(g, &b);
        }
        b.k0 += b.K;
    } while (b.k0 < g->K);
}

/* Rows m0..m1-1 and columns n0..n1-1. */
static void run_part(const jd_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float *scratch)
{
    const int64_t kc = g->K < JD_GEMM_KC ? g->K : JD_GEMM_KC;
    const int64_t padded = (g->N + JD_GEMM_PAD - 1) / JD_GEMM_PAD * JD_GEMM_PAD;
    part p = {.m0 = m0, .m1 = m1, .n0 = n0, .n1 = n1, .apart = g->update && g->K > JD_GEMM_KC};
    const int stream = g->M <= STREAM_ROWS && !p.apart;
    if (g->update && g->K <= JD_UPDATE_K) {
        JD_K(jd__gemm_update)(g, m0, m1, n0, n1, scratch);
        return;
    }
    p.nc = p.apart ? JD_GEMM_UPDATE_NC : stream ? STREAM_NC : JD_GEMM_NC;
    if (p.nc > padded) p.nc = padded;
    p.b_space = scratch;
    p.a_space = p.b_space + kc * (padded < JD_GEMM_NC ? padded : JD_GEMM_NC);
    p.sums = p.a_space + jd__gemm_packed_rows(g->M, kc);
    if (stream) {
        run_stream(g, &p);
        return;
    }
    const int64_t ms = p.apart ? JD_GEMM_UPDATE_MC : m1 - m0;
    for (int64_t m = m0; m < m1; m += ms) {
        for (int64_t n = n0; n < n1; n += p.nc) run_columns(g, &p, m, m + ms < m1 ? m + ms : m1, n);
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
    if (JD_K(jd__gemm_can_turn)(g)) {
        share(w, (size_t)g->N, 8, &begin, &end);
        JD_K(jd__gemm_turned)(g, (int64_t)begin, (int64_t)end, own);
        return;
    }
    /* What is packed twice is the side that is not shared out: share the longer one. */
    if (g->M <= STREAM_ROWS || g->N > g->M) {
        share(w, (size_t)g->N, JD_NR, &begin, &end);
        run_part(g, 0, g->M, (int64_t)begin, (int64_t)end, own);
    } else {
        share(w, (size_t)g->M, JD_MR, &begin, &end);
        run_part(g, (int64_t)begin, (int64_t)end, 0, g->N, own);
    }
}
