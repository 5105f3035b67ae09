/*
 * conv2d.cu - the three convolutions as products whose operands are found in the images (implicit GEMM).  The chains of
 * conv2d and conv2d_dx run over the taps in the CPU's order; that of conv2d_dw is cut into parts of the pixels.
 */
#include "cuda/gemm.cuh"
#include "cuda/table.h"

struct conv {
    int H, W, I, O, kh, kw, oh, ow, stride, pad;
};

/* x at pixel p of the result and tap k = (u, v, i). */
struct window {
    static constexpr bool k_inner = true;
    const float *x;
    conv s;
    __device__ float at(int64_t p_, int64_t k_) const
    {
        const int p = (int)p_, k = (int)k_;
        const int i = k % s.I, v = k / s.I % s.kw, u = k / s.I / s.kw;
        const int y0 = p / s.ow % s.oh * s.stride - s.pad + u, x0 = p % s.ow * s.stride - s.pad + v;
        if (y0 < 0 || y0 >= s.H || x0 < 0 || x0 >= s.W) return 0;
        return x[(((int64_t)(p / s.ow / s.oh) * s.H + y0) * s.W + x0) * s.I + i];
    }
};

/* The same with pixels as terms and taps as columns. */
struct window_turned {
    static constexpr bool k_inner = false;
    window w;
    __device__ float at(int64_t k, int64_t n) const { return w.at(k, n); }
};

/* dy that pixel p of the image took part in by tap k = (kh - 1 - u, kw - 1 - v, o). */
struct shadow {
    static constexpr bool k_inner = true;
    const float *dy;
    conv s;
    __device__ float at(int64_t p_, int64_t k_) const
    {
        const int p = (int)p_, k = (int)k_;
        const int o = k % s.O, v = s.kw - 1 - k / s.O % s.kw, u = s.kh - 1 - k / s.O / s.kw;
        const int y = p / s.W % s.H + s.pad - u, x = p % s.W + s.pad - v;
        if (y < 0 || x < 0 || y % s.stride || x % s.stride || y / s.stride >= s.oh || x / s.stride >= s.ow) return 0;
        return dy[(((int64_t)(p / s.W / s.H) * s.oh + y / s.stride) * s.ow + x / s.stride) * s.O + o];
    }
};

/* The weight of that tap for input channel n. */
struct tap {
    static constexpr bool k_inner = false;
    const float *w;
    conv s;
    __device__ float at(int64_t k_, int64_t n) const
    {
        const int k = (int)k_, o = k % s.O, v = s.kw - 1 - k / s.O % s.kw, u = s.kh - 1 - k / s.O / s.kw;
        return w[(((int64_t)o * s.kh + u) * s.kw + v) * s.I + n];
    }
};

static conv sizes(const jd_call *c, const jd_type *x, const jd_type *w, const jd_type *y)
{
    const jd_conv_attr *a = jd_attr<jd_conv_attr>(c);
    return {(int)x->dim[1], (int)x->dim[2], (int)x->dim[3], (int)w->dim[0], (int)w->dim[1],
            (int)w->dim[2], (int)y->dim[1], (int)y->dim[2], a->stride,      a->pad};
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
    return gemm_launch(d, "conv2d", window{jd_in<float>(c, 0), s}, jd_right<true>{jd_in<float>(c, 1), K},
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
    const int64_t tiles = ((O + 63) / 64) * ((N + 63) / 64), want = 264 / tiles, most = pixels / 256;
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
    const jd_left<false> dy = {jd_in<float>(c, 0), s.O};
    const window_turned x = {{jd_in<float>(c, 1), s}};
    if (parts == 1) return gemm_launch(d, "conv2d_dw", dy, x, jd_store{dw, N, NULL, 0, false}, s.O, N, pixels);
    return gemm_launch(d, "conv2d_dw", dy, x, jd_store_part{each, N, n}, s.O, N, pixels, (int)parts) ||
           jd_sum_parts(d, each, parts, n, dw);
}

const jd_cu_op jd_cu_conv2d = {"implicit gemm", launch_conv2d, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dx = {"implicit gemm", launch_conv2d_dx, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dw = {"implicit gemm", launch_conv2d_dw, scratch_conv2d_dw, fits_conv, NULL};
