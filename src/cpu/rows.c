/* rows.c - see rows.h. */
#include <stdbool.h>

#include "cpu/gemm_end.h"
#include "cpu/rows.h"
#include "cpu/transpose8.h"

/* k of one pass: a panel of so many k and the rows it meets stay in the first-level cache.  MR: rows of a tile at most, two
 * vectors of sums each. */
enum { KC = 256, MR = VL == 16 ? 12 : 6 };

/* columns of panel q, and where they start in the result */
JD_INLINE int width_of(const jd_panels *p, int q)
{
    const int left = p->n - q / p->G * JD_RW;
    return left < JD_RW ? left : JD_RW;
}
JD_INLINE int column_of(const jd_panels *p, int q)
{
    return p->at[q % p->G] + q / p->G * JD_RW;
}

void JD_K(jd__rows_pack)(const jd_panels *p, const float *b, size_t sk, size_t sn, int q0, int q1)
{
    for (int q = q0; q < q1; q++) {
        const size_t first = (size_t)(q % p->G) * (size_t)p->n + (size_t)(q / p->G) * JD_RW;
        const float *from = b + first * sn;
        float *out = p->data + (size_t)q * (size_t)p->K * JD_RW;
        const int width = width_of(p, q);
        int k = 0;
#if VL >= 8
        for (; width == JD_RW && sk == 1 && sn != 1 && k + 8 <= p->K; k += 8, from += 8, out += 8 * JD_RW)
            for (int j = 0; j < JD_RW; j += 8) {
                __m256 r[8];
                jd_load8x8_transposed(r, from + (size_t)j * sn, (ptrdiff_t)sn);
                for (int i = 0; i < 8; i++) _mm256_store_ps(out + i * JD_RW + j, r[i]);
            }
#endif
        for (; k < p->K; k++, from += sk, out += JD_RW) {
            if (width == JD_RW && sn == 1) {
                vf_store(out, vf_load(from));
                vf_store(out + VL, vf_load(from + VL));
                continue;
            }
            for (int j = 0; j < width; j++) out[j] = from[(size_t)j * sn];
            for (int j = width; j < JD_RW; j++) out[j] = 0;
        }
    }
}

/* Panels that were not packed: row by row against the weights as they lie, which stay in the first-level cache. */
static void mul_raw(const jd_panels *p, int q0, int q1, int m, const float *const *a, float *const *c,
                    const float *bias, int add)
{
    for (int q = q0; q < q1; q++) {
        const int at = column_of(p, q), width = width_of(p, q);
        const float *from = p->raw + ((size_t)(q % p->G) * (size_t)p->n + (size_t)(q / p->G) * JD_RW) * (size_t)p->K;
        for (int i = 0; i < m; i++) {
            if (bias) memcpy(c[i] + at, bias + at, (size_t)width * sizeof(float));
            const jd_gemm g = {.M = 1,
                               .N = width,
                               .K = p->K,
                               .A = a[i],
                               .ak = 1,
                               .B = from,
                               .bk = 1,
                               .bn = p->K,
                               .C = c[i] + at,
                               .accumulate = bias || add};
            JD_K(jd__gemm_columns)(&g, 0, width);
        }
    }
}

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* What a tile works on: panels side by side, each at its own columns of the result. */
typedef struct block {
    const float *b[4];   /* panels, from the first k on */
    int at[4], width[4]; /* columns of the result */
    int K;
    const float *bias; /* start values by column, */
    int add;           /* else the result itself, else 0 */
} block;
typedef const float *const *rows_in;
typedef float *const *rows_out;

/* A tile of `rows` rows and `cols` whole panels; both are constant where it is inlined, and the sums live in registers. */
JD_INLINE void tile(const int rows, const int cols, const block *p, size_t k0, rows_in a, rows_out c)
{
    vf s[MR][8];
    const float *b[4], *x[MR];
    UNROLL for (int j = 0; j < cols; j++) b[j] = p->b[j];
    UNROLL for (int i = 0; i < rows; i++) x[i] = a[i] + k0;
    if (p->bias) {
        UNROLL for (int j = 0; j < 2 * cols; j++)
        {
            const vf start = vf_load(p->bias + p->at[j / 2] + j % 2 * VL);
            UNROLL for (int i = 0; i < rows; i++) s[i][j] = start;
        }
    } else if (p->add) {
        UNROLL for (int i = 0; i < rows; i++)
        {
            UNROLL for (int j = 0; j < 2 * cols; j++) s[i][j] = vf_load(c[i] + p->at[j / 2] + j % 2 * VL);
        }
    } else {
        UNROLL for (int i = 0; i < rows; i++)
        {
            UNROLL for (int j = 0; j < 2 * cols; j++) s[i][j] = vf_zero();
        }
    }
    const size_t K = (size_t)p->K;
    for (size_t k = 0; k < K; k++) {
        vf w[8];
        UNROLL for (int j = 0; j < 2 * cols; j++) w[j] = vf_load(b[j / 2] + k * JD_RW + (size_t)(j % 2) * VL);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const vf xi = vf_set1(x[i][k]);
            UNROLL for (int j = 0; j < 2 * cols; j++) s[i][j] = vf_fma(xi, w[j], s[i][j]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < 2 * cols; j++) vf_store(c[i] + p->at[j / 2] + j % 2 * VL, s[i][j]);
    }
}

#define TILE(r, n)                                                                                                     \
    static __attribute__((noinline)) void tile_##r##x##n(const block *p, size_t k0, rows_in a, rows_out c)             \
    {                                                                                                                  \
        tile(r, n, p, k0, a, c);                                                                                       \
    }
TILE(1, 1)
TILE(1, 4)
TILE(2, 1)
TILE(2, 2)
TILE(3, 1)
TILE(3, 2)
TILE(4, 1)
TILE(5, 1)
TILE(6, 1)
#if VL == 16
TILE(7, 1)
TILE(8, 1)
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
#define WIDE(f) , f##_7x1, f##_8x1, f##_9x1, f##_10x1, f##_11x1, f##_12x1
#else
#define WIDE(f)
#endif
/* By the number of rows. */
#define ONE(f)                                                                                                         \
    {                                                                                                                  \
        0, f##_1x1, f##_2x1, f##_3x1, f##_4x1, f##_5x1, f##_6x1 WIDE(f)                                                \
    }

typedef void tile_fn(const block *, size_t, rows_in, rows_out);

/* Panels that are not full: the tile works on copies of the result's columns. */
static void edge(tile_fn *f, int rows, int cols, const block *p, size_t k0, rows_in a, rows_out c)
{
    float copy[MR * 4 * JD_RW], bias[4 * JD_RW], *to[MR];
    block q = *p;
    for (int j = 0; j < cols; j++) {
        q.at[j] = j * JD_RW;
        for (int i = 0; i < rows; i++)
            for (int l = 0; p->add && l < p->width[j]; l++) copy[(i * 4 + j) * JD_RW + l] = c[i][p->at[j] + l];
        for (int i = 0; i < rows; i++)
            for (int l = p->add ? p->width[j] : 0; l < JD_RW; l++) copy[(i * 4 + j) * JD_RW + l] = 0;
        for (int l = 0; p->bias && l < JD_RW; l++) bias[j * JD_RW + l] = l < p->width[j] ? p->bias[p->at[j] + l] : 0;
    }
    if (p->bias) q.bias = bias;
    for (int i = 0; i < rows; i++) to[i] = copy + i * 4 * JD_RW;
    f(&q, k0, a, to);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) memcpy(c[i] + p->at[j], to[i] + j * JD_RW, (size_t)p->width[j] * sizeof(float));
}

/* Panels q..q+cols-1 over k0..k1-1; returns whether all are full. */
static bool make_block(block *k, const jd_panels *p, int q, int cols, int k0, int k1, const float *bias, int add)
{
    bool full = true;
    for (int j = 0; j < cols; j++) {
        k->b[j] = p->data + ((size_t)(q + j) * (size_t)p->K + (size_t)k0) * JD_RW;
        k->at[j] = column_of(p, q + j);
        k->width[j] = width_of(p, q + j);
        full = full && k->width[j] == JD_RW;
    }
    k->K = k1 - k0;
    k->bias = k0 ? NULL : bias;
    k->add = add || k0 > 0;
    return full;
}

static void run(tile_fn *f, bool full, int rows, int cols, const block *k, int k0, rows_in a, rows_out c)
{
    if (full)
        f(k, (size_t)k0, a, c);
    else
        edge(f, rows, cols, k, (size_t)k0, a, c);
}

/* Few rows: several panels at once, so that enough chains are under way to hide the latency of the additions. */
static void mul_few(const jd_panels *p, int q0, int q1, int m, rows_in a, rows_out c, const float *bias, int add)
{
    static tile_fn *const one[4] = {0, tile_1x1, tile_2x1, tile_3x1}, *const many[4] = {0, tile_1x4, tile_2x2,
                                                                                        tile_3x2};
    static const int step[4] = {0, 4, 2, 2};
    block k;
    for (int q = q0; q < q1;) {
        const int cols = q + step[m] <= q1 ? step[m] : 1;
        const bool full = make_block(&k, p, q, cols, 0, p->K, bias, add);
        run(cols > 1 ? many[m] : one[m], full, m, cols, &k, 0, a, c);
        q += cols;
    }
}

/* Tiles for m > 3 rows: count[0] of size[0], then count[1] of size[1].  Tiles of 4 rows leave the multipliers waiting, so
 * 8 rows are 5 + 3 (the 3 over two panels at once) where a tile has 6 rows; 16 are 6 + 5 + 5, with the larger ones first. */
static void split_rows(int m, int *size, int *count)
{
    const int tiles = (m + MR - 1) / MR, least = m / tiles, more = m % tiles;
    size[0] = least + 1;
    count[0] = more;
    size[1] = least;
    count[1] = tiles - more;
    if (MR == 12 && tiles == 2) { /* the first tile fetches the next panel: the taller, the more time it has */
        size[0] = m - 5 < MR ? m - 5 : MR;
        size[1] = m - size[0];
        count[0] = count[1] = 1;
    }
    if (MR > 6 || least != 4) return;
    const int five = (m - 3) / 5;
    if (five > 0 && five * 5 == m - 3) {
        size[0] = 5;
        count[0] = five;
    } else if (m - 3 == 6) {
        size[0] = 6;
        count[0] = 1;
    } else {
        return;
    }
    size[1] = 3;
    count[1] = 1;
}

static void fetch(rows_out c, int rows, int at)
{
    for (int i = 0; i < rows; i++) __builtin_prefetch(c[i] + at, 1, 3);
}

/* Terms k0..k1-1 of the rows with all panels: a panel meets all rows, tile by tile.  While a tile is at work, the places of
 * the next one in the result are fetched: they stand a whole row apart, where the processor does not foresee them. */
static void pass(const jd_panels *p, int q0, int q1, const int *size, const int *count, int k0, int k1, rows_in a,
                 rows_out c, const float *bias, int add)
{
    static tile_fn *const one[MR + 1] = ONE(tile);
    const int tiles = count[0] + count[1];
    for (int q = q0; q < q1;) {
        const int cols = q + 2 <= q1 ? 2 : 1;
        block k, pair;
        const bool both = make_block(&pair, p, q, cols, k0, k1, bias, add);
        for (int j = 0; j < cols; j++) {
            const bool full = make_block(&k, p, q + j, 1, k0, k1, bias, add);
            for (int t = 0, i = 0; t < tiles; t++) {
                const int r = size[t >= count[0]], end = i + r;
                if (t + 1 < tiles)
                    fetch(c + end, size[t + 1 >= count[0]], k.at[0]);
                else if (q + j + 1 < q1)
                    fetch(c, size[count[0] == 0], column_of(p, q + j + 1));
                if (r != 3 || cols == 1)
                    run(one[r], full, r, 1, &k, k0, a + i, c + i);
                else if (j == 0)
                    run(tile_3x2, both, r, 2, &pair, k0, a + i, c + i);
                i = end;
            }
        }
        q += cols;
    }
}

/* ---- chains of several parts ---------------------------------------------------------------------------------------------*/

/* Up to two pieces of a chain that follow each other; b: the first panel's part. */
typedef struct link {
    int pieces, K[2];
    const float *b[2];
    size_t panel[2]; /* from a panel to the next */
    rows_in a[2];
    size_t k0[2];
    const float *next[2]; /* what is fetched meanwhile: the pieces of the panel that follows, */
    const float *then;    /* and behind the last panel what comes after this link */
    const float *start;   /* of the first panel; NULL: the sums go on from `out` */
    float *out;
    size_t ld;
} link;

/* `ahead`: the panels that follow are fetched into the second-level cache, a line or two for each k. */
JD_INLINE void link_tile(const int rows, const int cols, const bool ahead, const link *p, int i0)
{
    vf s[MR][8];
    float *c = p->out + (size_t)i0 * p->ld;
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < 2 * cols; j++) s[i][j] =
            vf_load(p->start ? p->start + j * VL : c + (size_t)i * p->ld + j * VL);
    }
    for (int e = 0; e < p->pieces; e++) {
        const float *b[4], *x[MR];
        UNROLL for (int j = 0; j < cols; j++) b[j] = p->b[e] + (size_t)j * p->panel[e];
        UNROLL for (int i = 0; i < rows; i++) x[i] = p->a[e][i0 + i] + p->k0[e];
        const size_t K = (size_t)p->K[e];
        const float *next = p->next[e];
        for (size_t k = 0; k < K; k++) {
            vf w[8];
            UNROLL for (int j = 0; j < 2 * cols; j++) w[j] = vf_load(b[j / 2] + k * JD_RW + (size_t)(j % 2) * VL);
            if (ahead) {
                UNROLL for (int l = 0; l < JD_RW; l += 16) __builtin_prefetch(next + k * JD_RW + l, 0, 2);
            }
            UNROLL for (int i = 0; i < rows; i++)
            {
                const vf xi = vf_set1(x[i][k]);
                UNROLL for (int j = 0; j < 2 * cols; j++) s[i][j] = vf_fma(xi, w[j], s[i][j]);
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < 2 * cols; j++) vf_store(c + (size_t)i * p->ld + j * VL, s[i][j]);
    }
}

#define LINK(r, n)                                                                                                     \
    static __attribute__((noinline)) void link_##r##x##n(const link *p, int i, bool ahead)                             \
    {                                                                                                                  \
        if (ahead)                                                                                                     \
            link_tile(r, n, true, p, i);                                                                               \
        else                                                                                                           \
            link_tile(r, n, false, p, i);                                                                              \
    }
LINK(1, 1)
LINK(1, 4)
LINK(2, 1)
LINK(2, 2)
LINK(3, 1)
LINK(3, 2)
LINK(4, 1)
LINK(5, 1)
LINK(6, 1)
#if VL == 16
LINK(7, 1)
LINK(8, 1)
LINK(9, 1)
LINK(10, 1)
LINK(11, 1)
LINK(12, 1)
#endif

/* The next tile covers `cols` panels; `last`: none follow. */
static void look_ahead(link *p, int cols, bool last)
{
    for (int e = 0; e < p->pieces; e++)
        p->next[e] = !last ? p->b[e] + (size_t)cols * p->panel[e] : e ? p->then + (size_t)p->K[0] * JD_RW : p->then;
}

/* All panels and rows of one link; the tiles as in pass(). */
static void run_link(link *p, int panels, const int *size, const int *count)
{
    typedef void link_fn(const link *, int, bool);
    static link_fn *const one[MR + 1] = ONE(link);
    const int tiles = count[0] + count[1], few = tiles == 1 && size[1] < 4 ? size[1] : 0;
    static link_fn *const many[4] = {0, link_1x4, link_2x2, link_3x2};
    static const int step[4] = {2, 4, 2, 2};
    for (int q = 0; q < panels;) {
        const int cols = q + step[few] <= panels ? step[few] : 1;
        for (int j = 0; j < cols; j++, q++) {
            for (int t = 0, i = 0; t < tiles; t++) {
                const int r = size[t >= count[0]], wide = r > 3 ? 1 : cols;
                look_ahead(p, wide, q + wide >= panels);
                if (r > 3 || cols == 1)
                    one[r](p, i, MR == 12 ? t == 0 : t + 1 == tiles);
                else if (j == 0)
                    many[r](p, i, few > 0);
                i += r;
            }
            p->out += JD_RW;
            if (p->start) p->start += JD_RW;
            for (int e = 0; e < p->pieces; e++) p->b[e] += p->panel[e];
        }
    }
}

/* The next link of the chain, of parts e.. from term k0 on, for panels from q0 on; moves e and k0 behind it. */
static link next_link(const jd_part *part, int parts, int q0, int *e, int *k0)
{
    link p = {.pieces = 0};
    for (int most = KC + KC / 2; p.pieces < 2 && *e < parts;) {
        const jd_panels *w = part[*e].p;
        const int left = w->K - *k0, n = left > KC + KC / 2 ? KC : left, k = p.pieces;
        if (n > most) break;
        p.K[k] = n;
        p.b[k] = w->data + ((size_t)q0 * (size_t)w->K + (size_t)*k0) * JD_RW;
        p.panel[k] = (size_t)w->K * JD_RW;
        p.a[k] = part[*e].a;
        p.k0[k] = (size_t)*k0;
        p.pieces++;
        most -= n;
        *k0 += n;
        if (*k0 == w->K) {
            ++*e;
            *k0 = 0;
        }
    }
    return p;
}

/* Where the larger piece of a link's first panel stands. */
static const float *larger_piece(const link *p)
{
    return p->b[p->pieces > 1 && p->K[1] > p->K[0]];
}

void JD_K(jd__rows_chain)(const jd_part *part, int parts, int q0, int q1, int follow, int m, const float *start,
                          float *out, size_t ld)
{
    if (m <= 0 || q1 <= q0) return;
    int size[2], count[2], e = 0, k0 = 0, e0 = 0, again = 0;
    split_rows(m, size, count);
    const link after = next_link(part, parts, follow, &e0, &again);
    link p = next_link(part, parts, q0, &e, &k0);
    p.start = start ? start + (size_t)q0 * JD_RW : NULL;
    while (p.pieces) {
        const link next = next_link(part, parts, q0, &e, &k0);
        p.then = larger_piece(next.pieces ? &next : &after);
        p.out = out;
        p.ld = ld;
        run_link(&p, q1 - q0, size, count);
        p = next;
    }
}

void JD_K(jd__rows_mul)(const jd_panels *p, int q0, int q1, int m, const float *const *a, float *const *c,
                        const float *bias, int add)
{
    if (m <= 0) return;
    if (p->raw) {
        mul_raw(p, q0, q1, m, a, c, bias, add);
        return;
    }
    if (m <= 3) {
        mul_few(p, q0, q1, m, a, c, bias, add);
        return;
    }
    int size[2], count[2];
    split_rows(m, size, count);
    int k0 = 0;
    do {
        const int k1 = p->K - k0 > KC + KC / 2 ? k0 + KC : p->K;
        pass(p, q0, q1, size, count, k0, k1, a, c, bias, add);
        k0 = k1;
    } while (k0 < p->K);
}
