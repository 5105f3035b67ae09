/* corr.c - correlations as implicit matrix products; see corr.h. */
#include "cpu/corr.h"
#include "cpu/transpose8.h"
#include "cpu/vecmath.h"

/* One tile's work: R pixels with the same taps. */
typedef struct tile {
    const float *a[8]; /* the first tap of each pixel */
    float *c[8];
    int64_t nkh, run; /* rows of taps, taps in a row */
    int64_t lda, ldb; /* from one row to the next: image, panel */
    const float *b;
    int64_t last; /* column of the last vector */
    int n;        /* columns that exist, of a single vector */
    bool add;
} tile;

/* R, V and H are constants: rows, vectors, and whether the last vector is a half one. */
JD_INLINE void work(const int R, const int V, const int H, const tile *t)
{
    const int F = V - H; /* whole vectors */
    const int64_t run = t->run, last = t->last;
    vf acc[8][3];
    const float *a[8];
#if HALF
    hf end[8];
#endif
    JD_UNROLL for (int r = 0; r < R; r++)
    {
        const float *c = t->c[r];
        a[r] = t->a[r];
        JD_UNROLL for (int v = 0; v < F; v++)
        {
            if (!t->add)
                acc[r][v] = vf_zero();
            else
                acc[r][v] = V > 1 ? vf_load(c + CONV_AT(v, V, last)) : vf_loadn(c, t->n);
        }
#if HALF
        if (H) end[r] = !t->add ? hf_low(vf_zero()) : V > 1 ? hf_load(c + last) : hf_loadn(c, t->n);
#endif
    }
    for (int64_t u = 0; u < t->nkh; u++) {
        const float *b = t->b + u * t->ldb;
        JD_ROLLED for (int64_t k = 0; k < run; k++)
        {
            vf bv[3];
            JD_UNROLL for (int v = 0; v < F; v++) bv[v] = vf_load(b + CONV_AT(v, V, last));
#if HALF
            const hf be = H ? hf_load(b + last) : hf_low(vf_zero());
#endif
            b += V * VL;
            JD_UNROLL for (int r = 0; r < R; r++)
            {
                const vf av = vf_set1(a[r][k]);
                JD_UNROLL for (int v = 0; v < F; v++) acc[r][v] = vf_fma(av, bv[v], acc[r][v]);
#if HALF
                if (H) end[r] = hf_fma(hf_low(av), be, end[r]);
#endif
            }
        }
        JD_UNROLL for (int r = 0; r < R; r++) a[r] += t->lda;
    }
    JD_UNROLL for (int r = 0; r < R; r++)
    {
        float *c = t->c[r];
        JD_UNROLL for (int v = 0; v < F; v++)
        {
            if (V > 1)
                vf_store(c + CONV_AT(v, V, last), acc[r][v]);
            else
                vf_storen(c, acc[r][v], t->n);
        }
#if HALF
        if (H && V > 1)
            hf_store(c + last, end[r]);
        else if (H)
            hf_storen(c, end[r], t->n);
#endif
    }
}

/* clang-format off */
#define TILE(R, V, H) static void tile_##R##_##V##_##H(const tile *t) { work(R, V, H, t); }
#define TILES4(V, H) TILE(1, V, H) TILE(2, V, H) TILE(3, V, H) TILE(4, V, H)
#define NAMES4(V, H) tile_1_##V##_##H, tile_2_##V##_##H, tile_3_##V##_##H, tile_4_##V##_##H
#define TILES8(V, H) TILES4(V, H) TILE(5, V, H) TILE(6, V, H) TILE(7, V, H) TILE(8, V, H)
#define NAMES8(V, H) NAMES4(V, H), tile_5_##V##_##H, tile_6_##V##_##H, tile_7_##V##_##H, tile_8_##V##_##H
#if VL == 16
TILES8(1, 0) TILES8(2, 0) TILES8(3, 0) TILES8(1, 1) TILES8(2, 1) TILES8(3, 1)
static void (*const tiles[2][3][8])(const tile *) = { { { NAMES8(1, 0) }, { NAMES8(2, 0) }, { NAMES8(3, 0) } },
                                                      { { NAMES8(1, 1) }, { NAMES8(2, 1) }, { NAMES8(3, 1) } } };
#elif VL == 8
TILES8(1, 0) TILES4(2, 0) TILE(5, 2, 0) TILE(6, 2, 0) TILES4(3, 0)
static void (*const tiles[1][3][8])(const tile *) = {
    { { NAMES8(1, 0) }, { NAMES4(2, 0), tile_5_2_0, tile_6_2_0 }, { NAMES4(3, 0) } } };
#elif VL == 4
TILES8(1, 0) TILES8(2, 0) TILES8(3, 0)
static void (*const tiles[1][3][8])(const tile *) = { { { NAMES8(1, 0) }, { NAMES8(2, 0) }, { NAMES8(3, 0) } } };
#else
TILES4(1, 0) TILES4(2, 0) TILES4(3, 0)
static void (*const tiles[1][3][8])(const tile *) = { { { NAMES4(1, 0) }, { NAMES4(2, 0) }, { NAMES4(3, 0) } } };
#endif
/* clang-format on */

#define SQUASH_EACH(expr)                                                                                              \
    for (int64_t i = 0; i < n; i += VL) {                                                                              \
        const int left = n - i < VL ? (int)(n - i) : VL;                                                               \
        const vf v = vf_loadn(x + i, left);                                                                            \
        vf_storen(x + i, (expr), left);                                                                                \
    }
void JD_K(jd__corr_squash)(jd_act act, float *x, int64_t n)
{
    switch (act) {
    case JD_ACT_TANH: SQUASH_EACH(vf_tanh(v)) break;
    case JD_ACT_SIGMOID: SQUASH_EACH(vf_sigmoid(v)) break;
    case JD_ACT_RELU: SQUASH_EACH(vf_select(vf_gt(v, vf_zero()), v, vf_zero())) break;
    default: break;
    }
}

/* Bias and perhaps rectification of n results of a pixel. */
JD_INLINE void end_pixel(const jd_corr *q, const bool relu, float *c, int64_t n0, int n)
{
    for (int j = 0; j < n; j += VL) {
        const int left = n - j < VL ? n - j : VL;
        vf x = vf_loadn(c + j, left);
        if (q->bias) x = vf_add(x, vf_loadn(q->bias + n0 + j, left));
        if (relu) x = vf_select(vf_gt(x, vf_zero()), x, vf_zero());
        vf_storen(c + j, x, left);
    }
}

/* A tile of so many rows, and of what follows its sums all that takes no time. */
static void run_tile(const jd_corr *q, const conv_panel *p, void (*const *set)(const tile *), const tile *t, int rows)
{
    set[rows - 1](t);
    if (q->act == JD_ACT_RELU)
        for (int i = 0; i < rows; i++) end_pixel(q, true, t->c[i], p->n0, p->n);
    else if (q->bias)
        for (int i = 0; i < rows; i++) end_pixel(q, false, t->c[i], p->n0, p->n);
}

/* The results of rows [r0,r1) of (B,oh), of those with y in [y0,y1) and x in [x0,x1), which share their taps. */
static void same_class(const jd_corr *q, const conv_panel *p, int64_t r0, int64_t r1, const int64_t y[2],
                       const int64_t x[2], jd_taps ty, jd_taps tx)
{
    const int rows = CONV_ROWS(p->v);
    void (*const *set)(const tile *) = tiles[p->half][p->v - 1];
    tile t;
    t.nkh = ty.hi - ty.lo;
    t.run = (tx.hi - tx.lo) * q->C;
    t.lda = q->in_y;
    t.ldb = q->kw * q->C * p->v * VL;
    t.b = q->pack + p->start * q->kh * q->kw * q->C + (ty.lo * q->kw + tx.lo) * q->C * p->v * VL;
    t.n = p->n;
    t.last = p->half && p->v > 1 ? p->n - HALF : p->last;
    t.add = q->add;
    int n = 0;
    for (int64_t r = r0; r < r1; r++) {
        const int64_t b = r / q->oh, yy = r % q->oh;
        if (yy < y[0] || yy >= y[1]) continue;
        /* Where no tap lies on the image nothing is read, and the address stays inside it. */
        const int64_t iy = t.nkh ? yy * q->step + q->off_y + ty.lo : 0;
        const float *line = q->in + b * q->in_b + iy * q->in_y;
        float *out = q->out + (b * q->out_b + yy * q->out_y + p->n0 - q->before);
        for (int64_t xx = x[0]; xx < x[1]; xx++) {
            t.a[n] = t.run ? line + (xx * q->step + q->off_x + tx.lo) * q->C : line;
            t.c[n] = out + xx * q->out_x;
            if (++n == rows) run_tile(q, p, set, &t, n), n = 0;
        }
    }
    if (n) run_tile(q, p, set, &t, n);
}

/* Rows of results worked on for each panel before the next panel: the panel is read from the outer caches once for so
 * many pixels, and the images of a block stay near. */
enum { BLOCK_PIXELS = 512 };

void JD_K(jd__corr_rows)(const jd_corr *q, int64_t begin, int64_t end)
{
    if (!q->oh || !q->ow) return;
    int64_t block = q->ow < BLOCK_PIXELS ? BLOCK_PIXELS / q->ow : 1;
    if (block < 2 * q->oh && end > q->oh) block = 2 * q->oh;
    if (q->off_y < 0 && block < 8 * q->oh) block = 8 * q->oh; /* samples share the tiles of the edges */
    for (int64_t r0 = begin; r0 < end; r0 += block) {
        const int64_t r1 = r0 + block < end ? r0 + block : end;
        for (int64_t j = 0; j < conv_panels(q->N); j++) {
            const conv_panel p = conv_panel_at(q->N, j);
            int64_t y[2], x[2];
            jd_taps ty, tx;
            for (y[0] = 0; y[0] < q->oh; y[0] = y[1]) {
                y[1] = jd_same_taps(y[0], q->oh, q->step, q->off_y, q->kh, q->H, &ty);
                for (x[0] = 0; x[0] < q->ow; x[0] = x[1]) {
                    x[1] = jd_same_taps(x[0], q->ow, q->step, q->off_x, q->kw, q->W, &tx);
                    same_class(q, &p, r0, r1, y, x, ty, tx);
                }
            }
        }
        /* Few columns leave lanes empty, and a tanh is dear: whole rows. */
        if (q->act != JD_ACT_NONE && q->act != JD_ACT_RELU)
            JD_K(jd__corr_squash)(q->act, q->out + (r0 * q->out_y - q->before), (r1 - r0) * q->out_y);
    }
}

void JD_K(jd__corr)(const jd_corr *q, int64_t b0, int64_t b1, const jd_worker *w)
{
    size_t begin, end;
    jd_share(w, (size_t)((b1 - b0) * q->oh), 1, &begin, &end);
    JD_K(jd__corr_rows)(q, b0 * q->oh + (int64_t)begin, b0 * q->oh + (int64_t)end);
}

void JD_K(jd__corr_pack)(const float *src, int64_t N, int64_t K, float *dst, const jd_worker *w)
{
    size_t begin, end;
    jd_share(w, (size_t)(conv_panels(N) * K), 64, &begin, &end);
    for (int64_t at = (int64_t)begin; at < (int64_t)end;) {
        const int64_t j = at / K, k0 = at % K;
        const int64_t k1 = K - k0 < (int64_t)end - at ? K : k0 + (int64_t)end - at;
        const conv_panel p = conv_panel_at(N, j);
        const int64_t width = p.v * VL;
        float *d = dst + p.start * K;
        int64_t k = k0;
#if VL >= 8
        for (; k + 8 <= k1; k += 8) {
            for (int64_t n = 0; n < width; n += 8) {
                const float *row[8];
                __m256 r[8];
                for (int i = 0; i < 8; i++) row[i] = src + (p.n0 + (n + i < p.n ? n + i : p.n - 1)) * K;
                jd_load8x8_rows(r, row, k);
                JD_UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(d + (k + i) * width + n, r[i]);
            }
        }
#endif
        for (; k < k1; k++)
            for (int64_t n = 0; n < width; n++) d[k * width + n] = n < p.n ? src[(p.n0 + n) * K + k] : 0.f;
        at += k1 - k0;
    }
}

void JD_K(jd__corr_pack_turned)(const float *src, const int64_t wt[4], int64_t ph_y, int64_t ph_x, int64_t stride,
                                int64_t ny, int64_t nx, float *dst, const jd_worker *w)
{
    const int64_t O = wt[0], kh = wt[1], kw = wt[2], I = wt[3], K = ny * nx * O;
    size_t begin, end;
    jd_share(w, (size_t)K, 8, &begin, &end);
    for (int64_t k = (int64_t)begin; k < (int64_t)end; k++) {
        const int64_t o = k % O, u = ph_y + stride * (ny - 1 - k / O / nx), v = ph_x + stride * (nx - 1 - k / O % nx);
        const float *s = src + ((o * kh + u) * kw + v) * I;
        for (int64_t j = 0; j < conv_panels(I); j++) {
            const conv_panel p = conv_panel_at(I, j);
            float *d = dst + p.start * K + k * p.v * VL;
            for (int i = 0; i < p.v; i++) vf_store(d + i * VL, vf_loadn(s + p.n0 + i * VL, conv_lanes(p.n, i)));
        }
    }
}
