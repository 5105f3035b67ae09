/*
 * conv2d.cu - the three convolutions as products whose operands are found in the images (implicit GEMM).  The chains of
 * conv2d and conv2d_dx run over the taps in the CPU's order; that of conv2d_dw is cut into parts of the pixels.
 */
#include "cuda/gemm.cuh"
#include "cuda/table.h"

/* Quotient and remainder of n < 2^31 by a number that the host knows, without a division: n m / 2^(31 + shift) with
 * m = ceil(2^(31 + shift) / d) and 2^shift >= d is too large by less than n d / 2^(31 + shift) / d < 1 / d. */
struct divisor {
    int d;
    unsigned m, shift;
    __device__ int quotient(int n) const { return (int)((uint64_t)(unsigned)n * m >> (31 + shift)); }
};

static divisor by(int64_t d)
{
    divisor q = {(int)d, 0, 0};
    while ((int64_t)1 << q.shift < d) q.shift++;
    if (d > 0) q.m = (unsigned)((((uint64_t)1 << (31 + q.shift)) + (uint64_t)d - 1) / (uint64_t)d);
    return q;
}

struct conv {
    int H, W, I, O, kh, kw, oh, ow, stride, pad;
    divisor by_W, by_H, by_I, by_O, by_kw, by_oh, by_ow, by_stride;
};

/* A tap: row and column of the window, channel. */
struct tap_at {
    int u, v, c;
};

static __device__ inline tap_at tap_of(int k, const divisor &channels, const divisor &width)
{
    const int uv = channels.quotient(k), u = width.quotient(uv);
    return {u, uv - u * width.d, k - uv * channels.d};
}

/* A pixel: the first element of its picture, row and column. */
struct pixel {
    int64_t base;
    int y, x;
};

static __device__ inline pixel pixel_of(int p, const divisor &width, const divisor &height, int64_t picture)
{
    const int line = width.quotient(p), b = height.quotient(line);
    return {b * picture, line - b * height.d, p - line * width.d};
}

/* x at pixel p of the result and tap k = (u, v, i). */
struct window {
    static constexpr bool k_inner = true;
    typedef pixel side; /* of the image: the window's corner */
    typedef tap_at term;
    const float *x;
    conv s;
    __device__ pixel side_of(int64_t p) const
    {
        const pixel o = pixel_of((int)p, s.by_ow, s.by_oh, (int64_t)s.H * s.W * s.I);
        return {o.base, o.y * s.stride - s.pad, o.x * s.stride - s.pad};
    }
    __device__ tap_at term_of(int64_t k) const { return tap_of((int)k, s.by_I, s.by_kw); }
    __device__ float at(const pixel &p, const tap_at &t) const
    {
        const int y = p.y + t.u, x0 = p.x + t.v;
        return y < 0 || y >= s.H || x0 < 0 || x0 >= s.W ? 0 : x[p.base + (y * s.W + x0) * s.I + t.c];
    }
};

/* The same with pixels as terms and taps as columns. */
struct window_turned {
    static constexpr bool k_inner = false;
    typedef tap_at side;
    typedef pixel term;
    window w;
    __device__ tap_at side_of(int64_t n) const { return w.term_of(n); }
    __device__ pixel term_of(int64_t k) const { return w.side_of(k); }
    __device__ float at(const tap_at &t, const pixel &p) const { return w.at(p, t); }
};

/* dy that pixel p of the image took part in by tap k = (kh - 1 - u, kw - 1 - v, o). */
struct shadow {
    static constexpr bool k_inner = true;
    typedef pixel side;
    typedef tap_at term;
    const float *dy;
    conv s;
    __device__ pixel side_of(int64_t p) const
    {
        const pixel i = pixel_of((int)p, s.by_W, s.by_H, (int64_t)s.oh * s.ow * s.O);
        return {i.base, i.y + s.pad, i.x + s.pad};
    }
    __device__ tap_at term_of(int64_t k) const
    {
        const tap_at t = tap_of((int)k, s.by_O, s.by_kw);
        return {s.kh - 1 - t.u, s.kw - 1 - t.v, t.c};
    }
    __device__ float at(const pixel &p, const tap_at &t) const
    {
        int y = p.y - t.u, x = p.x - t.v;
        if (y < 0 || x < 0) return 0;
        if (s.stride > 1) {
            const int down = s.by_stride.quotient(y), right = s.by_stride.quotient(x);
            if (down * s.stride != y || right * s.stride != x) return 0;
            y = down;
            x = right;
        }
        return y >= s.oh || x >= s.ow ? 0 : dy[p.base + (y * s.ow + x) * s.O + t.c];
    }
};

/* The weight of that tap for input channel n. */
struct tap {
    static constexpr bool k_inner = false;
    typedef int64_t side, term;
    const float *w;
    conv s;
    __device__ int64_t side_of(int64_t n) const { return n; }
    __device__ int64_t term_of(int64_t k) const
    {
        const tap_at t = tap_of((int)k, s.by_O, s.by_kw);
        return (((int64_t)t.c * s.kh + s.kh - 1 - t.u) * s.kw + s.kw - 1 - t.v) * s.I;
    }
    __device__ float at(int64_t n, int64_t k) const { return w[k + n]; }
};

static conv sizes(const jd_call *c, const jd_type *x, const jd_type *w, const jd_type *y)
{
    const jd_conv_attr *a = jd_attr<jd_conv_attr>(c);
    return {(int)x->dim[1], (int)x->dim[2], (int)x->dim[3], (int)w->dim[0], (int)w->dim[1], (int)w->dim[2],
            (int)y->dim[1], (int)y->dim[2], a->stride,      a->pad,         by(x->dim[2]),  by(x->dim[1]),
            by(x->dim[3]),  by(w->dim[0]),  by(w->dim[2]),  by(y->dim[1]),  by(y->dim[2]),  by(a->stride)};
}

/* Pixels and taps are numbered with 32 bits. */
static bool fits_conv(const jd_call *c)
{
    for (int i = 0; i < 2; i++)
        if (jd__count(&c->in_type[i]) > INT32_MAX) return false;
    return jd__count(&c->out_type[0]) <= INT32_MAX;
}

static int launch_conv2d(jd_cu *d, const jd_call *c)
{
    const conv s = sizes(c, &c->in_type[0], &c->in_type[1], &c->out_type[0]);
    const int64_t K = (int64_t)s.kh * s.kw * s.I;
    return gemm_launch(d, "conv2d", window{jd_in<float>(c, 0), s}, jd_matrix<true>{jd_in<float>(c, 1), K},
                       jd_store{jd_out<float>(c, 0), s.O, NULL, 0, false}, jd__rows(&c->out_type[0]), s.O, K);
}

static int launch_conv2d_dx(jd_cu *d, const jd_call *c)
{
    const conv s = sizes(c, &c->out_type[0], &c->in_type[1], &c->in_type[0]);
    return gemm_launch(d, "conv2d_dx", shadow{jd_in<float>(c, 0), s}, tap{jd_in<float>(c, 1), s},
                       jd_store{jd_out<float>(c, 0), s.I, NULL, 0, false}, jd__rows(&c->out_type[0]), s.I,
                       (int64_t)s.kh * s.kw * s.O);
}

/* Enough tiles for the machine, and at least 256 pixels in a part. */
static int64_t parts_of(const jd_call *c)
{
    const int64_t *w = c->out_type[0].dim, O = w[0], N = w[1] * w[2] * w[3], pixels = jd__rows(&c->in_type[0]);
    const int64_t wide = N <= 16 ? 16 : N <= 32 ? 32 : 64; /* as gemm_launch has it */
    const int64_t tiles = ((O + 63) / 64) * ((N + wide - 1) / wide), want = 264 / tiles, most = pixels / 256;
    const int64_t parts = want < most ? want : most;
    return parts < 1 ? 1 : parts;
}

static size_t scratch_conv2d_dw(const jd_call *c)
{
    const int64_t parts = parts_of(c);
    return parts > 1 ? (size_t)(parts * jd__count(&c->out_type[0])) * sizeof(float) : 0;
}

static int launch_conv2d_dw(jd_cu *d, const jd_call *c)
{
    const conv s = sizes(c, &c->in_type[1], &c->out_type[0], &c->in_type[0]);
    const int64_t N = (int64_t)s.kh * s.kw * s.I, pixels = jd__rows(&c->in_type[0]), parts = parts_of(c), n = s.O * N;
    float *dw = jd_out<float>(c, 0), *each = static_cast<float *>(c->scratch);
    const jd_matrix<false> dy = {jd_in<float>(c, 0), s.O};
    const window_turned x = {{jd_in<float>(c, 1), s}};
    if (parts == 1) return gemm_launch(d, "conv2d_dw", dy, x, jd_store{dw, N, NULL, 0, false}, s.O, N, pixels);
    return gemm_launch(d, "conv2d_dw", dy, x, jd_store_part{each, N, n}, s.O, N, pixels, (int)parts) ||
           jd_sum_parts(d, each, parts, n, dw);
}

const jd_cu_op jd_cu_conv2d = {"implicit gemm", launch_conv2d, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dx = {"implicit gemm", launch_conv2d_dx, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dw = {"implicit gemm", launch_conv2d_dw, scratch_conv2d_dw, fits_conv, NULL};
