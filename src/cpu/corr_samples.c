/*
 * corr_samples.c - correlations whose lanes are samples; see corr.h.
 *
 * The images of VL samples are turned so that each value is a vector, row by row as they are needed; the weights are met
 * by broadcast.  A row of results is pooled, biased and squashed as vectors and turned back.
 */
#include "cpu/corr.h"
#include "cpu/transpose8.h"
#include "cpu/vecmath.h"

#if VL >= 8

/* Columns that go together, as even as can be, and the pixels that go with c columns. */
enum { COLUMNS = VL == 16 ? 12 : 6 };
#if VL == 16
#define PIXELS(c) ((c) <= 3 ? 8 : (c) <= 6 ? 4 : 2)
#else
#define PIXELS(c) ((c) <= 1 ? 8 : (c) <= 3 ? 4 : 2)
#endif

typedef struct columns {
    int64_t n0;
    int n;
} columns;
JD_INLINE int64_t columns_groups(int64_t N)
{
    return (N + COLUMNS - 1) / COLUMNS;
}
JD_INLINE columns columns_at(int64_t N, int64_t j)
{
    const int64_t groups = columns_groups(N), n0 = j * N / groups;
    return (columns){n0, (int)((j + 1) * N / groups - n0)};
}

/* Pixels with the same taps, by so many columns. */
typedef struct tile {
    const float *a[8]; /* the first tap of each pixel */
    float *c[8];
    int64_t nkh, run; /* rows of taps, taps in a row */
    int64_t lda, ldb; /* from one row to the next: image, weights */
    const float *b;   /* [k][columns] */
} tile;

/* p and n are constants: pixels and columns. */
JD_INLINE void work(const int p, const int n, const tile *t)
{
    vf acc[8][COLUMNS];
    const float *a[8];
    JD_UNROLL for (int i = 0; i < p; i++)
    {
        a[i] = t->a[i];
        JD_UNROLL for (int j = 0; j < n; j++) acc[i][j] = vf_zero();
    }
    for (int64_t u = 0; u < t->nkh; u++) {
        const float *b = t->b + u * t->ldb;
        JD_ROLLED for (int64_t k = 0; k < t->run * VL; k += VL, b += n)
        {
            vf x[8];
            JD_UNROLL for (int i = 0; i < p; i++) x[i] = vf_load(a[i] + k);
            JD_UNROLL for (int j = 0; j < n; j++)
            {
                const vf w = vf_set1(b[j]);
                JD_UNROLL for (int i = 0; i < p; i++) acc[i][j] = vf_fma(x[i], w, acc[i][j]);
            }
        }
        JD_UNROLL for (int i = 0; i < p; i++) a[i] += t->lda;
    }
    JD_UNROLL for (int i = 0; i < p; i++)
    {
        JD_UNROLL for (int j = 0; j < n; j++) vf_store(t->c[i] + j * VL, acc[i][j]);
    }
}

/* clang-format off */
#define TILE(n)                                                                                                        \
    static void one_##n(const tile *t) { work(1, n, t); }                                                              \
    static void all_##n(const tile *t) { work(PIXELS(n), n, t); }
#define PAIR(n) { one_##n, all_##n }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if VL == 16
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif
static void (*const tiles[COLUMNS][2])(const tile *) = {
    PAIR(1), PAIR(2), PAIR(3), PAIR(4), PAIR(5), PAIR(6),
#if VL == 16
    PAIR(7), PAIR(8), PAIR(9), PAIR(10), PAIR(11), PAIR(12),
#endif
};
/* clang-format on */

/* to (n,VL) = VL rows of n, `step` apart. */
static void turn_in(const float *from, int64_t step, int64_t n, float *to)
{
    int64_t e = 0;
    for (; e + 8 <= n; e += 8) {
        JD_UNROLL for (int h = 0; h < VL; h += 8)
        {
            __m256 r[8];
            jd_load8x8_transposed(r, from + h * step + e, step);
            JD_UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(to + (e + i) * VL + h, r[i]);
        }
    }
    for (; e < n; e++)
        for (int s = 0; s < VL; s++) to[e * VL + s] = from[s * step + e];
}

/* The inverse. */
static void turn_out(const float *from, int64_t n, float *to, int64_t step)
{
    int64_t e = 0;
    for (; e + 8 <= n; e += 8) {
        JD_UNROLL for (int h = 0; h < VL; h += 8)
        {
            __m256 r[8];
            jd_load8x8_transposed(r, from + e * VL + h, VL);
            JD_UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(to + (h + i) * step + e, r[i]);
        }
    }
    for (; e < n; e++)
        for (int s = 0; s < VL; s++) to[s * step + e] = from[e * VL + s];
}

/* Row y of results, (ow,N,VL), of turned images x (H,W,C,VL). */
static void one_row(const jd_corr *q, const float *x, int64_t y, float *out)
{
    const int64_t line = q->W * q->C * VL;
    int64_t x0, x1;
    jd_taps ty, tx;
    jd_same_taps(y, y + 1, q->step, q->off_y, q->kh, q->H, &ty);
    const int64_t iy = ty.hi > ty.lo ? y * q->step + q->off_y + ty.lo : 0;
    for (int64_t j = 0; j < columns_groups(q->N); j++) {
        const columns g = columns_at(q->N, j);
        const int pixels = PIXELS(g.n);
        tile t = {.nkh = ty.hi - ty.lo, .lda = line, .ldb = q->kw * q->C * g.n};
        for (x0 = 0; x0 < q->ow; x0 = x1) {
            x1 = jd_same_taps(x0, q->ow, q->step, q->off_x, q->kw, q->W, &tx);
            t.run = (tx.hi - tx.lo) * q->C;
            t.b = q->pack + g.n0 * q->kh * q->kw * q->C + (ty.lo * q->kw + tx.lo) * q->C * g.n;
            const float *a = x + iy * line + (t.run ? (x0 * q->step + q->off_x + tx.lo) * q->C * VL : 0);
            const int64_t next = t.run ? q->step * q->C * VL : 0;
            float *c = out + (x0 * q->N + g.n0) * VL;
            for (int64_t left = x1 - x0; left > 0;) {
                const int n = left >= pixels ? pixels : 1;
                for (int i = 0; i < n; i++, a += next, c += q->N * VL) t.a[i] = a, t.c[i] = c;
                tiles[g.n - 1][n > 1](&t);
                left -= n;
            }
        }
    }
}

/* Pools `rows` rows (ow,N,VL) of results to out and winner (pw,N,VL). */
static void pool_rows(const jd_corr_samples *s, const float *sums, int64_t rows, float *out, int32_t *winner)
{
    const int64_t N = s->q->N, ow = s->q->ow;
    for (int64_t px = 0; px < s->pw; px++) {
        const int64_t x0 = px * s->pool, nx = ow - x0 < s->pool ? ow - x0 : s->pool;
        for (int64_t n = 0; n < N; n++, out += VL, winner += VL) {
            const float *c = sums + (x0 * N + n) * VL;
            vf best = vf_load(c);
            vi at = vi_set1(0);
            for (int64_t u = 0; u < rows; u++)
                for (int64_t v = 0; v < nx; v++) {
                    if (!u && !v) continue;
                    const vf t = vf_load(c + (u * ow + v) * N * VL);
                    const vm more = vm_or(vf_gt(t, best), vf_isnan(t));
                    best = vf_select(more, t, best);
                    at = vi_select(more, vi_set1((int32_t)(u * s->pool + v)), at);
                }
            vf_store(out, best);
            vi_store(winner, at);
        }
    }
}

/* Row r of what becomes of the results of group g. */
static void finish_row(const jd_corr_samples *s, int64_t g, int64_t r, float *sums, int64_t rows, float *space)
{
    const jd_corr *q = s->q;
    const int64_t n = s->pw * q->N;
    if (s->pool > 1) {
        int32_t *const winner = (int32_t *)(void *)(space + n * VL);
        pool_rows(s, sums, rows, space, winner);
        sums = space;
        if (s->winner)
            turn_out((const float *)(const void *)winner, n,
                     (float *)(void *)s->winner + g * VL * s->out_b + r * s->out_y, s->out_b);
    }
    if (q->bias)
        for (int64_t x = 0; x < s->pw; x++)
            for (int64_t o = 0; o < q->N; o++) {
                float *const at = sums + (x * q->N + o) * VL;
                vf_store(at, vf_add(vf_load(at), vf_set1(q->bias[o])));
            }
    JD_K(jd__corr_squash)(q->act, sums, n * VL);
    turn_out(sums, n, q->out + g * VL * s->out_b + r * s->out_y, s->out_b);
}

void JD_K(jd__corr_samples)(const jd_corr_samples *s, int64_t B, float *room, const jd_worker *w)
{
    const jd_corr *q = s->q;
    const int64_t line = q->W * q->C;
    float *const sums = room + q->H * line * VL, *const space = sums + s->pool * q->ow * q->N * VL;
    int64_t turned = 0, group = -1; /* rows of the present group that stand in `room` end here */
    size_t begin, end;
    jd_share(w, (size_t)(B / VL * s->ph), 1, &begin, &end);
    for (int64_t at = (int64_t)begin; at < (int64_t)end; at++) {
        const int64_t g = at / s->ph, r = at % s->ph, y0 = r * s->pool;
        const int64_t rows = q->oh - y0 < s->pool ? q->oh - y0 : s->pool;
        const int64_t first = y0 * q->step + q->off_y, stop = (y0 + rows - 1) * q->step + q->off_y + q->kh;
        if (g != group) turned = 0, group = g;
        if (turned < first) turned = first;
        for (; turned < q->H && turned < stop; turned++)
            turn_in(q->in + g * VL * q->in_b + turned * q->in_y, q->in_b, line, room + turned * line * VL);
        for (int64_t y = 0; y < rows; y++) one_row(q, room, y0 + y, sums + y * q->ow * q->N * VL);
        finish_row(s, g, r, sums, rows, space);
    }
}

void JD_K(jd__corr_samples_pack)(const jd_corr_weights *src, int64_t K, float *dst, const jd_worker *w)
{
    const int64_t N = src->N, step = src->turned ? 1 : K;
    size_t begin, end;
    jd_share(w, (size_t)K, 16, &begin, &end);
    for (int64_t j = 0; j < columns_groups(N); j++) {
        const columns g = columns_at(N, j);
        float *d = dst + g.n0 * K + (int64_t)begin * g.n;
        for (int64_t k = (int64_t)begin; k < (int64_t)end; k++) {
            const int64_t at = src->turned ? (k % src->O * src->taps + src->taps - 1 - k / src->O) * N : k;
            const float *from = src->w + at + g.n0 * step;
            for (int i = 0; i < g.n; i++) *d++ = from[i * step];
        }
    }
}

bool JD_K(jd__corr_by_samples)(const jd_corr *q, int64_t B, int64_t results)
{
    const int64_t empty = (q->N + VL - 1) / VL * VL - q->N, K = q->kh * q->kw * q->C;
    if (B < VL || !jd__corr_samples_fit(q->H, q->W, q->C, q->N) || empty * 8 < q->N) return false;
    /* What is saved, two multiply-adds a cycle, against turning. */
    return q->oh * q->ow * K * empty / (2 * VL) > (q->H * q->W * q->C + results) / 2;
}

#else
bool JD_K(jd__corr_by_samples)(const jd_corr *q, int64_t B, int64_t results)
{
    (void)q;
    (void)B;
    (void)results;
    return false;
}
void JD_K(jd__corr_samples)(const jd_corr_samples *s, int64_t B, float *room, const jd_worker *w)
{
    (void)s;
    (void)B;
    (void)room;
    (void)w;
}
void JD_K(jd__corr_samples_pack)(const jd_corr_weights *src, int64_t K, float *dst, const jd_worker *w)
{
    (void)src;
    (void)K;
    (void)dst;
    (void)w;
}
#endif
