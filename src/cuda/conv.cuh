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

/* A tap: how far its element lies from that of a pixel; row and column of the window. */
struct tap_at {
    int at, u, v;
};

/* `at`: the channel. */
static __device__ inline tap_at tap_of(int k, const jd_divisor &channels, const jd_divisor &width)
{
    const int c = channels.cut31(&k), v = width.cut31(&k);
    return {c, k, v};
}

/* A pixel: its first element, row and column. */
struct pixel {
    int at, y, x;
};

/* `at`: the first element of its picture. */
static __device__ inline pixel pixel_of(int p, const jd_divisor &width, const jd_divisor &height, int picture)
{
    const int x = width.cut31(&p), y = height.cut31(&p);
    return {p * picture, y, x};
}

/* x at pixel p of the result and tap k = (u, v, i).  An element that is found costs two comparisons and one addition. */
struct window {
    static constexpr bool k_inner = true;
    typedef pixel side; /* of the image: the window's corner */
    typedef tap_at term;
    const float *x;
    conv s;
    __device__ pixel side_of(int64_t p) const
    {
        const pixel o = pixel_of((int)p, s.by_ow, s.by_oh, s.H * s.W * s.I);
        const int y = o.y * s.stride - s.pad, x0 = o.x * s.stride - s.pad;
        return {o.at + (y * s.W + x0) * s.I, y, x0};
    }
    __device__ tap_at term_of(int64_t k) const
    {
        const tap_at t = tap_of((int)k, s.by_I, s.by_kw);
        return {(t.u * s.W + t.v) * s.I + t.at, t.u, t.v};
    }
    __device__ float at(const pixel &p, const tap_at &t) const
    {
        return (unsigned)(p.y + t.u) < (unsigned)s.H && (unsigned)(p.x + t.v) < (unsigned)s.W ? x[p.at + t.at] : 0;
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
    /* With a stride an element is found from its picture and channel. */
    __device__ pixel side_of(int64_t p) const
    {
        const pixel i = pixel_of((int)p, s.by_W, s.by_H, s.oh * s.ow * s.O);
        const int y = i.y + s.pad, x = i.x + s.pad;
        return {s.stride > 1 ? i.at : i.at + (y * s.ow + x) * s.O, y, x};
    }
    __device__ tap_at term_of(int64_t k) const
    {
        const tap_at t = tap_of((int)k, s.by_O, s.by_kw);
        const int u = s.kh - 1 - t.u, v = s.kw - 1 - t.v;
        return {s.stride > 1 ? t.at : t.at - (u * s.ow + v) * s.O, u, v};
    }
    __device__ float at(const pixel &p, const tap_at &t) const
    {
        const int y = p.y - t.u, x = p.x - t.v;
        if (s.stride == 1) return (unsigned)y < (unsigned)s.oh && (unsigned)x < (unsigned)s.ow ? dy[p.at + t.at] : 0;
        if (y < 0 || x < 0) return 0;
        const int down = s.by_stride.quotient31(y), right = s.by_stride.quotient31(x);
        if (down * s.stride != y || right * s.stride != x || down >= s.oh || right >= s.ow) return 0;
        return dy[p.at + (down * s.ow + right) * s.O + t.at];
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
        return ((t.at * s.kh + s.kh - 1 - t.u) * s.kw + s.kw - 1 - t.v) * s.I;
    }
    __device__ float at(int n, int k) const { return w[k + n]; }
};

/* x (.,H,W,I), w (O,kh,kw,I), y (.,oh,ow,O). */
conv conv_of(const int64_t *x, const int64_t *w, const int64_t *y, int stride, int pad);
/* dw from dy (pixels,O) and x; scratch of conv_dw_scratch(O, kh kw I, pixels) bytes. */
int conv_dw(jd_cu *d, const conv &s, const float *dy, const float *x, int64_t pixels, float *dw, void *scratch);
size_t conv_dw_scratch(int64_t O, int64_t taps, int64_t pixels);

#endif
