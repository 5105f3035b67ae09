/*
 * conv.cuh - convolutions as products (gemm.cuh): functors that find the windows in images (pictures, rows, columns,
 * channels), and sizes with what divisions by them need.
 */
#ifndef JD_CUDA_CONV_CUH
#define JD_CUDA_CONV_CUH

#include "cuda/gemm.cuh"
#include "cuda/table.h"

struct conv {
    int H, W, I, O, kh, kw, oh, ow, stride, pad;
    jd_divisor by_W, by_H, by_I, by_O, by_kw, by_oh, by_ow, by_stride;
};

/* A tap: row and column of the window, channel. */
struct tap_at {
    int u, v, c;
};

static __device__ inline tap_at tap_of(int64_t k, const jd_divisor &channels, const jd_divisor &width)
{
    const int c = (int)channels.cut(&k), v = (int)width.cut(&k);
    return {(int)k, v, c};
}

/* A pixel: the first element of its picture, row and column. */
struct pixel {
    int64_t base;
    int y, x;
};

static __device__ inline pixel pixel_of(int64_t p, const jd_divisor &width, const jd_divisor &height, int64_t picture)
{
    const int x = (int)width.cut(&p), y = (int)height.cut(&p);
    return {p * picture, y, x};
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
        const pixel o = pixel_of(p, s.by_ow, s.by_oh, (int64_t)s.H * s.W * s.I);
        return {o.base, o.y * s.stride - s.pad, o.x * s.stride - s.pad};
    }
    __device__ tap_at term_of(int64_t k) const { return tap_of(k, s.by_I, s.by_kw); }
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
        const pixel i = pixel_of(p, s.by_W, s.by_H, (int64_t)s.oh * s.ow * s.O);
        return {i.base, i.y + s.pad, i.x + s.pad};
    }
    __device__ tap_at term_of(int64_t k) const
    {
        const tap_at t = tap_of(k, s.by_O, s.by_kw);
        return {s.kh - 1 - t.u, s.kw - 1 - t.v, t.c};
    }
    __device__ float at(const pixel &p, const tap_at &t) const
    {
        int y = p.y - t.u, x = p.x - t.v;
        if (y < 0 || x < 0) return 0;
        if (s.stride > 1) {
            const int down = (int)s.by_stride.quotient(y), right = (int)s.by_stride.quotient(x);
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
        const tap_at t = tap_of(k, s.by_O, s.by_kw);
        return (((int64_t)t.c * s.kh + s.kh - 1 - t.u) * s.kw + s.kw - 1 - t.v) * s.I;
    }
    __device__ float at(int64_t n, int64_t k) const { return w[k + n]; }
};

/* x (.,H,W,I), w (O,kh,kw,I), y (.,oh,ow,O). */
conv conv_of(const int64_t *x, const int64_t *w, const int64_t *y, int stride, int pad);
/* dw from dy (pixels,O) and x; scratch of conv_dw_scratch(O, kh kw I, pixels) bytes. */
int conv_dw(jd_cu *d, const conv &s, const float *dy, const float *x, int64_t pixels, float *dw, void *scratch);
size_t conv_dw_scratch(int64_t O, int64_t taps, int64_t pixels);

#endif
