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

static __device__ inline tap_at tap_of(int k, const jd_divisor &channels, const jd_divisor &width)
{
    const int c = channels.cut31(&k), v = width.cut31(&k);
    return {k, v, c};
}

/* A pixel: the first element of its picture, row and column. */
struct pixel {
    int base, y, x;
};

static __device__ inline pixel pixel_of(int p, const jd_divisor &width, const jd_divisor &height, int picture)
{
    const int x = width.cut31(&p), y = height.cut31(&p);
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
        const pixel o = pixel_of((int)p, s.by_ow, s.by_oh, s.H * s.W * s.I);
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
        const pixel i = pixel_of((int)p, s.by_W, s.by_H, s.oh * s.ow * s.O);
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
            const int down = s.by_stride.quotient31(y), right = s.by_stride.quotient31(x);
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
    typedef int side, term;
    const float *w;
    conv s;
    __device__ int side_of(int64_t n) const { return (int)n; }
    __device__ int term_of(int64_t k) const
    {
        const tap_at t = tap_of((int)k, s.by_O, s.by_kw);
        return ((t.c * s.kh + s.kh - 1 - t.u) * s.kw + s.kw - 1 - t.v) * s.I;
    }
    __device__ float at(int n, int k) const { return w[k + n]; }
};

/* x (.,H,W,I), w (O,kh,kw,I), y (.,oh,ow,O). */
conv conv_of(const int64_t *x, const int64_t *w, const int64_t *y, int stride, int pad);
/* dw from dy (pixels,O) and x; scratch of conv_dw_scratch(O, kh kw I, pixels) bytes. */
int conv_dw(jd_cu *d, const conv &s, const float *dy, const float *x, int64_t pixels, float *dw, void *scratch);
size_t conv_dw_scratch(int64_t O, int64_t taps, int64_t pixels);

#endif
