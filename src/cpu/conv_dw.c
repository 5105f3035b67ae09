/*
 * conv_dw.c - conv2d_dw: M is result channels o, N is the weights (kh,kw,i) of one o, K is the pixels (b,oy,ox).
 *
 * A strip of the unfolded image, some pixels by one panel of N, is packed into the first cache; the cotangent is read by
 * broadcast where it lies.  The sums live in dw itself between strips, so each is one chain over the pixels of its part.
 */
#include "cpu/conv_dw.h"

void JD_K(jd__k_conv2d_dw)(const jd_call *c, const jd_worker *w);

#define DW_ROWS CONV_ROWS(3)

/* Adds n pixels to R x V sums: rows o of dw (row stride ldc), columns of one panel. */
typedef struct sums {
    const float *dy; /* [pixel][R] */
    const float *b;  /* strip [pixel][V VL] */
    int64_t n;
    float *c;
    int64_t ldc;
    int64_t last; /* column of the last vector */
    int cols;     /* columns that exist, of a single vector */
    bool first;   /* sums start from 0 */
} sums;

/* clang-format off */
#define DW_EACH(R, V, what)                                                                                            \
    JD_UNROLL for (int r = 0; r < R; r++)                                                                              \
        JD_UNROLL for (int v = 0; v < V; v++) what
#define DW_TILE(R, V)                                                                                                  \
    static void sums_##R##_##V(const sums *t)                                                                          \
    {                                                                                                                  \
        vf acc[R][V];                                                                                                  \
        const int64_t ldc = t->ldc, last = t->last;                                                                    \
        /* What the next tile goes on from. */                                                                         \
        JD_UNROLL for (int r = 0; r < R; r++) {                                                                        \
            __builtin_prefetch(t->c + (R + r) * ldc, 1);                                                               \
            __builtin_prefetch(t->c + (R + r) * ldc + 16, 1);                                                          \
        }                                                                                                              \
        if (t->first) DW_EACH(R, V, acc[r][v] = vf_zero());                                                            \
        else if (V > 1) DW_EACH(R, V, acc[r][v] = vf_load(t->c + r * ldc + CONV_AT(v, V, last)));                      \
        else DW_EACH(R, V, acc[r][v] = vf_loadn(t->c + r * ldc, t->cols));                                             \
        const float *b = t->b, *a = t->dy;                                                                             \
        JD_ROLLED for (int64_t k = t->n; k > 0; k--) {                                                                 \
            vf bv[V];                                                                                                  \
            JD_UNROLL for (int v = 0; v < V; v++) bv[v] = vf_load(b + CONV_AT(v, V, last));                            \
            b += V * VL;                                                                                               \
            JD_UNROLL for (int r = 0; r < R; r++) {                                                                    \
                const vf av = vf_set1(a[r]);                                                                           \
                JD_UNROLL for (int v = 0; v < V; v++) acc[r][v] = vf_fma(av, bv[v], acc[r][v]);                        \
            }                                                                                                          \
            a += R;                                                                                                    \
        }                                                                                                              \
        if (V > 1) DW_EACH(R, V, vf_store(t->c + r * ldc + CONV_AT(v, V, last), acc[r][v]));                           \
        else DW_EACH(R, V, vf_storen(t->c + r * ldc, acc[r][v], t->cols));                                             \
    }
DW_TILE(1, 1) DW_TILE(2, 1) DW_TILE(3, 1) DW_TILE(4, 1)
DW_TILE(1, 2) DW_TILE(2, 2) DW_TILE(3, 2) DW_TILE(4, 2)
DW_TILE(1, 3) DW_TILE(2, 3) DW_TILE(3, 3) DW_TILE(4, 3)
#if VL == 16 || VL == 4
DW_TILE(5, 1) DW_TILE(6, 1) DW_TILE(7, 1) DW_TILE(8, 1)
DW_TILE(5, 2) DW_TILE(6, 2) DW_TILE(7, 2) DW_TILE(8, 2)
DW_TILE(5, 3) DW_TILE(6, 3) DW_TILE(7, 3) DW_TILE(8, 3)
#endif
static void (*const sum_tiles[3][8])(const sums *) = {
#if VL == 16 || VL == 4
    { sums_1_1, sums_2_1, sums_3_1, sums_4_1, sums_5_1, sums_6_1, sums_7_1, sums_8_1 },
    { sums_1_2, sums_2_2, sums_3_2, sums_4_2, sums_5_2, sums_6_2, sums_7_2, sums_8_2 },
    { sums_1_3, sums_2_3, sums_3_3, sums_4_3, sums_5_3, sums_6_3, sums_7_3, sums_8_3 },
#else
    { sums_1_1, sums_2_1, sums_3_1, sums_4_1 },
    { sums_1_2, sums_2_2, sums_3_2, sums_4_2 },
    { sums_1_3, sums_2_3, sums_3_3, sums_4_3 },
#endif
};
/* clang-format on */

typedef struct image {
    const float *x; /* (B,H,W,I) */
    int64_t H, W, I, kw, oh, ow, stride, pad;
} image;

/* Copies n floats, of which `whole` (a constant) vectors are full, for each of some pixels. */
JD_INLINE void copy_runs(const int whole, float *d, int64_t width, const float *s, int64_t step, int64_t pixels, int n)
{
    const int tail = n - whole * VL;
    if (tail) JD_ROLLED for (; pixels > 0; pixels--, d += width, s += step)
        {
            JD_UNROLL for (int v = 0; v < whole; v++) vf_store(d + v * VL, vf_load(s + v * VL));
            vf_storen(d + whole * VL, vf_loadn(s + whole * VL, tail), tail);
        }
    else
        JD_ROLLED for (; pixels > 0; pixels--, d += width, s += step)
        {
            JD_UNROLL for (int v = 0; v < whole; v++) vf_store(d + v * VL, vf_load(s + v * VL));
        }
}

/* The columns of a panel that are taps of one kh: taps [from, from + n) of its run, at column `at` of the strip. */
typedef struct segment {
    int64_t u, from, n, at;
} segment;

/* A segment of pixels whose first cells are ix, ix + stride...; row NULL: outside the image. */
static void pack_segment(const image *m, const segment *g, const float *row, int64_t ix, int64_t pixels, float *d,
                         int64_t width)
{
    const int64_t step = m->stride * m->I, cells = m->W * m->I, n = g->n;
    int64_t at = ix * m->I + g->from, q = 0;
    for (; q < pixels && (!row || at < 0); q++, at += step, d += width)
        for (int64_t e = 0; e < n; e++) d[e] = row && at + e >= 0 && at + e < cells ? row[at + e] : 0.f;
    const int64_t inside = at + n <= cells ? (cells - n - at) / step + 1 : 0;
    const int64_t run = inside < pixels - q ? inside : pixels - q;
    if (run > 0) {
        const float *s = row + at;
        switch (n / VL) {
        case 0: copy_runs(0, d, width, s, step, run, (int)n); break;
        case 1: copy_runs(1, d, width, s, step, run, (int)n); break;
        case 2: copy_runs(2, d, width, s, step, run, (int)n); break;
        default: copy_runs(3, d, width, s, step, run, (int)n); break;
        }
        q += run, at += run * step, d += run * width;
    }
    for (; q < pixels; q++, at += step, d += width)
        for (int64_t e = 0; e < n; e++) d[e] = at + e < cells ? row[at + e] : 0.f;
}

/* Packs columns [n0, n0 + cols) of the unfolded pixels [p0,p1) as [pixel][width]. */
static void pack_strip(const image *m, int64_t n0, int64_t cols, int64_t width, int64_t p0, int64_t p1, float *strip)
{
    const int64_t taps = m->kw * m->I;
    for (int64_t at = 0, n; at < cols; at += n) {
        const int64_t from = (n0 + at) % taps, left = cols - at;
        n = taps - from < left ? taps - from : left;
        const segment g = {(n0 + at) / taps, from, n, at};
        float *d = strip + at;
        for (int64_t p = p0, line; p < p1; p += line, d += line * width) {
            const int64_t r = p / m->ow, ox = p % m->ow, iy = r % m->oh * m->stride - m->pad + g.u;
            const float *row = iy >= 0 && iy < m->H ? m->x + (r / m->oh * m->H + iy) * m->W * m->I : NULL;
            line = m->ow - ox < p1 - p ? m->ow - ox : p1 - p;
            pack_segment(m, &g, row, ox * m->stride - m->pad, line, d, width);
        }
    }
}

/* Packs the cotangents (pixels,O) of [p0,p1): chunk by chunk, [rows of a tile][pixel][row]. */
static void pack_cotangents(const float *dy, int64_t O, int64_t p0, int64_t p1, float *d)
{
    for (int64_t q = p0; q < p1; q += JD_DW_CHUNK) {
        const int64_t n = q + JD_DW_CHUNK < p1 ? JD_DW_CHUNK : p1 - q;
        for (int64_t o = 0; o < O; o += DW_ROWS) {
            const float *s = dy + q * O + o;
            if (O - o >= DW_ROWS)
                for (int64_t p = 0; p < n; p++, s += O, d += DW_ROWS) memcpy(d, s, DW_ROWS * sizeof *d);
            else
                for (int64_t p = 0; p < n; p++, s += O)
                    for (int64_t r = 0; r < O - o; r++) *d++ = s[r];
        }
    }
}

/* Adds pixels [p0,p1) to panel j of the sums c (O,N). */
static void add_pixels(const jd_call *call, const image *m, int64_t j, int64_t p0, int64_t p1, bool first, float *c,
                       float *strip, const float *packed)
{
    const int64_t O = call->in_type[0].dim[3], N = jd__count(&call->out_type[0]) / (O ? O : 1);
    const conv_panel p = conv_panel_at(N, j);
    for (int64_t q = p0; q < p1; q += JD_DW_CHUNK) {
        const int64_t q1 = q + JD_DW_CHUNK < p1 ? q + JD_DW_CHUNK : p1;
        pack_strip(m, p.n0, p.n, p.v * VL, q, q1, strip);
        sums t = {.b = strip, .n = q1 - q, .ldc = N, .last = p.last, .cols = p.n, .first = first};
        for (int64_t o = 0; o < O; o += DW_ROWS) {
            t.dy = packed + (q - p0) * O + o * (q1 - q);
            t.c = c + o * N + p.n0;
            sum_tiles[p.v - 1][(O - o < DW_ROWS ? O - o : DW_ROWS) - 1](&t);
        }
        first = false;
    }
}

/* The fixed tree over the parts. */
static void add_parts(const float *s, float *dw, int64_t n, const jd_worker *w)
{
    size_t begin, end;
    jd_share(w, (size_t)n, 64, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e += VL) {
        const int k = (int)((int64_t)end - e < VL ? (int64_t)end - e : VL);
        vf a[JD_DW_PARTS];
        for (int i = 0; i < JD_DW_PARTS; i++) a[i] = vf_loadn(s + i * n + e, k);
        for (int h = 1; h < JD_DW_PARTS; h *= 2)
            for (int i = 0; i < JD_DW_PARTS; i += 2 * h) a[i] = vf_add(a[i], a[i + h]);
        vf_storen(dw + e, a[0], k);
    }
}

void JD_K(jd__k_conv2d_dw)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in_type[0].dim, *x = c->in_type[1].dim, count = jd__count(&c->out_type[0]);
    const jd__dw_parts cut = jd__conv_dw_parts(&c->in_type[0], &c->out_type[0]);
    const image m = {c->in[1], x[1], x[2], x[3], c->out_type[0].dim[2], dy[1], dy[2], a->stride, a->pad};
    if (!count) return;
    if (!cut.rows) {
        if (w->id == 0) memset(c->out[0], 0, (size_t)count * sizeof(float));
        return;
    }
    if (JD_K(jd__dw_by_taps)(c)) {
        JD_K(jd__dw_taps)(c, w);
        return;
    }
    float *part = cut.parts > 1 ? c->scratch : c->out[0];
    float *strip =
        (float *)c->scratch + (cut.parts > 1 ? cut.parts * count : 0) + w->id * (JD_DW_STRIP + JD_DW_SPAN * dy[3]);
    float *packed = strip + JD_DW_STRIP;
    const int64_t panels = conv_panels(count / dy[3]);
    size_t begin, end;
    jd_share(w, (size_t)(cut.parts * panels), 1, &begin, &end);
    for (int64_t k = (int64_t)begin / panels; k * panels < (int64_t)end; k++) {
        const int64_t j0 = k * panels > (int64_t)begin ? 0 : (int64_t)begin - k * panels;
        const int64_t j1 = (k + 1) * panels < (int64_t)end ? panels : (int64_t)end - k * panels;
        const int64_t p0 = k * cut.rows / cut.parts * dy[2], p1 = (k + 1) * cut.rows / cut.parts * dy[2];
        for (int64_t q = p0; q < p1; q += JD_DW_SPAN) {
            const int64_t q1 = q + JD_DW_SPAN < p1 ? q + JD_DW_SPAN : p1;
            pack_cotangents(c->in[0], dy[3], q, q1, packed);
            for (int64_t j = j0; j < j1; j++) add_pixels(c, &m, j, q, q1, q == p0, part + k * count, strip, packed);
        }
    }
    if (cut.parts > 1) {
        jd_team_barrier(w);
        add_parts(part, c->out[0], count, w);
    }
}
