/*
 * conv_dw_taps.c - conv2d_dw where rows of a tile are taps n = (kh,kw,i), lanes are result channels o, terms are the
 * pixels (b,oy,ox).
 *
 * Nothing is unfolded: a tap reads the image where it lies, at the same distance from the place of every pixel, and the
 * places are listed once for a chunk of pixels.  Images with padded edges are first copied into a frame of zeros, as much
 * as a chunk sees.  Else only the cotangent is packed, a chunk by one panel of channels.  The sums stand as
 * [part][panel][tap][channel] between chunks, each one chain over the pixels of its part.
 */
#include "cpu/conv_dw.h"
#include "cpu/transpose8.h"

enum { CHUNK = 128 };

/* Adds n pixels to r taps by v vectors. */
typedef struct taps_tile {
    const float *x[8]; /* the taps of the pixel with place 0 */
    const ptrdiff_t *place;
    const float *dy; /* (n, v VL) */
    int64_t n;
    float *sums; /* (r, v VL) */
    bool first;  /* the sums start from 0 */
} taps_tile;

/* r, v and h are constants: taps, vectors, and whether the last vector is a half one. */
JD_INLINE void add_taps(const int r, const int v, const int h, const taps_tile *t)
{
    const int f = v - h; /* whole vectors */
    vf acc[8][3];
    const float *x[8], *dy = t->dy;
    float *const sums = t->sums;
#if HALF
    hf end[8];
#endif
    JD_UNROLL for (int i = 0; i < r; i++)
    {
        x[i] = t->x[i];
        JD_UNROLL for (int j = 0; j < f; j++) acc[i][j] = t->first ? vf_zero() : vf_load(sums + (i * v + j) * VL);
#if HALF
        if (h) end[i] = t->first ? hf_low(vf_zero()) : hf_load(sums + (i * v + f) * VL);
#endif
        __builtin_prefetch(sums + (r + i) * v * VL);
    }
    const ptrdiff_t *place = t->place, *const stop = place + t->n;
    JD_ROLLED for (; place < stop; place++, dy += v * VL)
    {
        const ptrdiff_t at = *place;
        vf d[3];
        JD_UNROLL for (int j = 0; j < f; j++) d[j] = vf_load(dy + j * VL);
#if HALF
        const hf e = h ? hf_load(dy + f * VL) : hf_low(vf_zero());
#endif
        JD_UNROLL for (int i = 0; i < r; i++)
        {
            const vf a = vf_set1(x[i][at]);
            JD_UNROLL for (int j = 0; j < f; j++) acc[i][j] = vf_fma(a, d[j], acc[i][j]);
#if HALF
            if (h) end[i] = hf_fma(hf_low(a), e, end[i]);
#endif
        }
    }
    JD_UNROLL for (int i = 0; i < r; i++)
    {
        JD_UNROLL for (int j = 0; j < f; j++) vf_store(sums + (i * v + j) * VL, acc[i][j]);
#if HALF
        if (h) hf_store(sums + (i * v + f) * VL, end[i]);
#endif
    }
}

/* clang-format off */
#define TAPS(r, v, h) static void taps_##r##_##v##_##h(const taps_tile *t) { add_taps(r, v, h, t); }
#define TAPS4(v, h) TAPS(1, v, h) TAPS(2, v, h) TAPS(3, v, h) TAPS(4, v, h)
#define NAMES4(v, h) taps_1_##v##_##h, taps_2_##v##_##h, taps_3_##v##_##h, taps_4_##v##_##h
#define TAPS8(v, h) TAPS4(v, h) TAPS(5, v, h) TAPS(6, v, h) TAPS(7, v, h) TAPS(8, v, h)
#define NAMES8(v, h) NAMES4(v, h), taps_5_##v##_##h, taps_6_##v##_##h, taps_7_##v##_##h, taps_8_##v##_##h
#if VL == 16
TAPS8(1, 0) TAPS8(2, 0) TAPS8(3, 0) TAPS8(1, 1) TAPS8(2, 1) TAPS8(3, 1)
static void (*const tiles[2][3][8])(const taps_tile *) = { { { NAMES8(1, 0) }, { NAMES8(2, 0) }, { NAMES8(3, 0) } },
                                                           { { NAMES8(1, 1) }, { NAMES8(2, 1) }, { NAMES8(3, 1) } } };
#elif VL == 8
TAPS8(1, 0) TAPS4(2, 0) TAPS(5, 2, 0) TAPS(6, 2, 0) TAPS4(3, 0)
static void (*const tiles[1][3][8])(const taps_tile *) = {
    { { NAMES8(1, 0) }, { NAMES4(2, 0), taps_5_2_0, taps_6_2_0 }, { NAMES4(3, 0) } } };
#elif VL == 4
TAPS8(1, 0) TAPS8(2, 0) TAPS8(3, 0)
static void (*const tiles[1][3][8])(const taps_tile *) = { { { NAMES8(1, 0) }, { NAMES8(2, 0) }, { NAMES8(3, 0) } } };
#else
TAPS4(1, 0) TAPS4(2, 0) TAPS4(3, 0)
static void (*const tiles[1][3][8])(const taps_tile *) = { { { NAMES4(1, 0) }, { NAMES4(2, 0) }, { NAMES4(3, 0) } } };
#endif
/* clang-format on */

/* The shapes of one call. */
typedef struct shape {
    const float *dy, *x;
    int64_t O, N, run;     /* run: taps of one kh */
    int64_t oh, ow;        /* pixels of one sample */
    int64_t H, W, line, I; /* of the image: rows, cells, floats of a row, channels */
    int64_t kh, kw, stride, pad;
    int64_t panels, padded; /* channels in panels, and their number with the lanes that fill the last vector */
    float *frame;           /* room for what a chunk sees of padded images */
} shape;

/* Pixels of a chunk that starts at p0 and ends before p1.  In padded images: whole rows, or a piece of one. */
static int64_t chunk_of(const shape *s, int64_t p0, int64_t p1)
{
    int64_t n = CHUNK;
    if (s->pad && s->ow <= CHUNK) n = CHUNK / s->ow * s->ow;
    if (s->pad && s->ow > CHUNK && s->ow - p0 % s->ow < n) n = s->ow - p0 % s->ow;
    return p1 - p0 < n ? p1 - p0 : n;
}

/* Packs pixels [p0,p0+n) of one panel of the cotangent. */
static void pack_pixels(const shape *s, const conv_panel *p, int64_t p0, int64_t n, float *dy)
{
    const float *from = s->dy + p0 * s->O + p->n0;
    for (int64_t k = 0; k < n; k++, from += s->O)
        for (int j = 0; j < p->v; j++, dy += VL) vf_store(dy, vf_loadn(from + j * VL, conv_lanes(p->n, j)));
}

/* Lists the places of pixels [p0,p0+n) in the image. */
static void list_places(const shape *s, int64_t p0, int64_t n, ptrdiff_t *place)
{
    int64_t row = p0 / s->ow, ox = p0 % s->ow;
    for (int64_t k = 0; k < n; row++, ox = 0) {
        const int64_t at = (row / s->oh * s->H + row % s->oh * s->stride) * s->line;
        for (; ox < s->ow && k < n; ox++) place[k++] = at + ox * s->stride * s->I;
    }
}

/* Cells left..left+n-1 of a row of sample b; those outside the image are zero. */
static void copy_cells(const shape *s, int64_t b, int64_t row, int64_t left, int64_t n, float *to)
{
    const int64_t c0 = row < 0 || row >= s->H || left > s->W ? n : left < 0 ? -left < n ? -left : n : 0;
    const int64_t c1 = s->W - left < n ? s->W - left : n, end = c1 > c0 ? c1 : c0;
    memset(to, 0, (size_t)(c0 * s->I) * sizeof *to);
    if (end > c0)
        memcpy(to + c0 * s->I, s->x + (b * s->H + row) * s->line + (left + c0) * s->I,
               (size_t)((end - c0) * s->I) * sizeof *to);
    memset(to + end * s->I, 0, (size_t)((n - end) * s->I) * sizeof *to);
}

/* Copies what pixels [p0,p0+n) see of padded images into the frame, and lists their places there; returns the floats of a
 * row of it. */
static int64_t make_frame(const shape *s, int64_t p0, int64_t n, ptrdiff_t *place)
{
    const int64_t r0 = p0 / s->ow, r1 = (p0 + n - 1) / s->ow + 1, x0 = p0 % s->ow;
    const int64_t x1 = r1 - r0 > 1 ? s->ow : x0 + n, cells = (x1 - x0 - 1) * s->stride + s->kw, line = cells * s->I;
    float *to = s->frame;
    for (int64_t r = r0, end; r < r1; r = end) {
        const int64_t b = r / s->oh, top = r % s->oh * s->stride - s->pad;
        end = (b + 1) * s->oh < r1 ? (b + 1) * s->oh : r1;
        for (int64_t u = r; u < end; u++)
            for (int64_t x = x0; x < x1; x++) *place++ = to - s->frame + ((u - r) * line + (x - x0) * s->I) * s->stride;
        for (int64_t y = 0; y < (end - r - 1) * s->stride + s->kh; y++, to += line)
            copy_cells(s, b, top + y, x0 * s->stride - s->pad, cells, to);
    }
    return line;
}

/* Floats that a frame may take. */
static int64_t frame_most(const shape *s)
{
    const int64_t width = s->ow < CHUNK ? s->ow : CHUNK, rows = CHUNK / width, images = (rows - 1) / s->oh + 2;
    return (rows * s->stride + (images < rows ? images : rows) * s->kh) * ((width - 1) * s->stride + s->kw) * s->I;
}

/* Tiles [t0,t1) of the taps, of `count`, against the pixels [p0,p1). */
static void add_part(const shape *s, const conv_panel *p, int64_t t0, int64_t t1, int64_t count, int64_t p0, int64_t p1,
                     float *sums)
{
    const int64_t base = s->N / count, longer = s->N % count;
    _Alignas(64) float dy[CHUNK * 3 * VL];
    ptrdiff_t place[CHUNK];
    for (int64_t q = p0, chunk; q < p1; q += chunk) {
        chunk = chunk_of(s, q, p1);
        taps_tile t = {.place = place, .dy = dy, .n = chunk, .first = q == p0};
        const float *image = s->pad ? s->frame : s->x;
        int64_t line = s->line;
        if (p->v * VL == s->O)
            t.dy = s->dy + q * s->O;
        else
            pack_pixels(s, p, q, chunk, dy);
        if (s->pad)
            line = make_frame(s, q, chunk, place);
        else
            list_places(s, q, chunk, place);
        int64_t n = t0 * base + (t0 < longer ? t0 : longer);
        int64_t kh = n / s->run, left = s->run - n % s->run;
        const float *x = image + kh * line + n % s->run;
        for (int64_t i = t0; i < t1; i++) {
            const int r = (int)(base + (i < longer));
            t.sums = sums + n * p->v * VL;
            for (int e = 0; e < r; e++) {
                t.x[e] = x++;
                if (--left == 0) left = s->run, x = image + ++kh * line;
            }
            tiles[p->half][p->v - 1][r - 1](&t);
            n += r;
        }
    }
}

/* Up to 8 taps of up to 8 channels: the fixed tree over the parts, turned into dw. */
static void finish_block(const shape *s, const float *sums, int64_t width, int64_t parts, int64_t rows, int64_t lanes,
                         float *dw)
{
    float block[8][8];
    const int64_t part = s->padded * s->N;
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t e = 0; e < lanes; e += VL) {
            vf a[JD_DW_PARTS];
            const int n = conv_lanes((int)lanes, (int)e / VL);
            for (int64_t k = 0; k < parts; k++) a[k] = vf_loadn(sums + k * part + r * width + e, n);
            for (int64_t h = 1; h < parts; h *= 2)
                for (int64_t k = 0; k < parts; k += 2 * h) a[k] = vf_add(a[k], a[k + h]);
            vf_storen(block[r] + e, a[0], n);
        }
    }
#if VL >= 8
    if (rows == 8) {
        __m256 c[8];
        jd_load8x8_transposed(c, block[0], 8);
        for (int64_t e = 0; e < lanes; e++) _mm256_storeu_ps(dw + e * s->N, c[e]);
        return;
    }
#endif
    for (int64_t e = 0; e < lanes; e++)
        for (int64_t r = 0; r < rows; r++) dw[e * s->N + r] = block[r][e];
}

static void finish(const shape *s, const float *sums, int64_t parts, float *dw, const jd_worker *w)
{
    size_t begin, end;
    jd_share(w, (size_t)s->N, 8, &begin, &end);
    for (int64_t j = 0; j < s->panels; j++) {
        const conv_panel p = conv_panel_at(s->O, j);
        const int64_t width = p.v * VL;
        for (int64_t n = (int64_t)begin; n < (int64_t)end; n += 8)
            for (int64_t o = 0; o < p.n; o += 8)
                finish_block(s, sums + p.start * s->N + n * width + o, width, parts, s->N - n < 8 ? s->N - n : 8,
                             p.n - o < 8 ? p.n - o : 8, dw + (p.n0 + o) * s->N + n);
    }
}

static shape shape_of(const jd_call *c)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in_type[0].dim, *x = c->in_type[1].dim, *wt = c->out_type[0].dim;
    const shape s = {.O = dy[3],
                     .N = wt[1] * wt[2] * wt[3],
                     .run = wt[2] * wt[3],
                     .oh = dy[1],
                     .ow = dy[2],
                     .H = x[1],
                     .W = x[2],
                     .line = x[2] * x[3],
                     .I = x[3],
                     .kh = wt[1],
                     .kw = wt[2],
                     .stride = a->stride,
                     .pad = a->pad,
                     .panels = conv_panels(dy[3]),
                     .padded = (dy[3] + VL - 1) / VL * VL};
    return s;
}

bool JD_K(jd__dw_by_taps)(const jd_call *c)
{
    const shape s = shape_of(c);
    /* Many weights are better met panel by panel, with the unfolded image in the cache.  Pixels a multiple of 256 floats
     * apart would compete for the same places there.  A frame pays where the channels fill vectors. */
    return jd__conv_dw_parts(&c->in_type[0], &c->out_type[0]).parts > 1 && s.stride * s.I % 256 != 0 &&
           (s.pad == 0 || (s.O >= 16 && s.ow > 0 && frame_most(&s) <= JD_DW_STRIP));
}

void JD_K(jd__dw_taps)(const jd_call *c, const jd_worker *w)
{
    const jd__dw_parts cut = jd__conv_dw_parts(&c->in_type[0], &c->out_type[0]);
    shape s = shape_of(c);
    float *const sums = c->scratch;
    s.dy = c->in[0];
    s.x = c->in[1];
    s.frame = sums + cut.parts * s.padded * s.N + w->id * JD_DW_STRIP;
    /* Every panel has as many tiles of taps, though of other heights: the work is shared out tile by tile. */
    int64_t most = CONV_ROWS(1);
    for (int v = 2; v <= 3; v++) most = most < CONV_ROWS(v) ? most : CONV_ROWS(v);
    const int64_t tiles_each = (s.N + most - 1) / most;
    size_t begin, end;
    jd_share(w, (size_t)(cut.parts * s.panels * tiles_each), 1, &begin, &end);
    for (int64_t at = (int64_t)begin; at < (int64_t)end;) {
        const int64_t unit = at / tiles_each, k = unit / s.panels;
        const conv_panel p = conv_panel_at(s.O, unit % s.panels);
        const int64_t next = (unit + 1) * tiles_each < (int64_t)end ? (unit + 1) * tiles_each : (int64_t)end;
        const int64_t count = (s.N + CONV_ROWS(p.v) - 1) / CONV_ROWS(p.v);
        const int64_t t0 = (at - unit * tiles_each) * count / tiles_each;
        const int64_t t1 = (next - unit * tiles_each) * count / tiles_each;
        add_part(&s, &p, t0, t1, count, k * cut.rows / cut.parts * s.ow, (k + 1) * cut.rows / cut.parts * s.ow,
                 sums + (k * s.padded + p.start) * s.N);
        at = next;
    }
    jd_team_barrier(w);
    finish(&s, sums, cut.parts, c->out[0], w);
}
