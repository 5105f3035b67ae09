/*
 * conv2d.cu - the three convolutions as products whose operands are found in the images (implicit GEMM, conv.cuh).  The
 * chains of conv2d and conv2d_dx run over the taps in the CPU's order; that of conv2d_dw is cut into parts of the pixels.
 */
#include "cuda/conv.cuh"

/* Pixels and taps are numbered with 31 bits. */
static jd_divisor by(int64_t d)
{
    return jd_divide_by(d, INT32_MAX);
}

conv conv_of(const int64_t *x, const int64_t *w, const int64_t *y, int stride, int pad)
{
    return {(int)x[1], (int)x[2], (int)x[3], (int)w[0], (int)w[1], (int)w[2], (int)y[1], (int)y[2], stride,
            pad,       by(x[2]),  by(x[1]),  by(x[3]),  by(w[0]),  by(w[2]),  by(y[1]),  by(y[2]),  by(stride)};
}

static conv sizes(const jd_call *c, const jd_type *x, const jd_type *w, const jd_type *y)
{
    const jd_conv_attr *a = jd_attr<jd_conv_attr>(c);
    return conv_of(x->dim, w->dim, y->dim, a->stride, a->pad);
}

static bool fits_conv(const jd_call *c)
{
    for (int i = 0; i < 2; i++)
        if (jd__count(&c->in_type[i]) > 1 << 30) return false;
    return jd__count(&c->out_type[0]) <= 1 << 30;
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
static int64_t parts_of(int64_t O, int64_t N, int64_t pixels)
{
    const int64_t wide = N <= 16 ? 16 : N <= 32 ? 32 : 64; /* as gemm_launch has it */
    const int64_t tiles = ((O + 63) / 64) * ((N + wide - 1) / wide), want = 264 / tiles, most = pixels / 256;
    const int64_t parts = want < most ? want : most;
    return parts < 1 ? 1 : parts;
}

size_t conv_dw_scratch(int64_t O, int64_t taps, int64_t pixels)
{
    const int64_t parts = parts_of(O, taps, pixels);
    return parts > 1 ? (size_t)(parts * O * taps) * sizeof(float) : 0;
}

int conv_dw(jd_cu *d, const conv &s, const float *dy, const float *x, int64_t pixels, float *dw, void *scratch)
{
    const int64_t N = (int64_t)s.kh * s.kw * s.I, parts = parts_of(s.O, N, pixels), n = s.O * N;
    float *each = static_cast<float *>(scratch);
    const jd_matrix<false> left = {dy, s.O};
    const window_turned right = {{x, s}};
    if (parts == 1) return gemm_launch(d, "conv2d_dw", left, right, jd_store{dw, N, NULL, 0, false}, s.O, N, pixels);
    return gemm_launch(d, "conv2d_dw", left, right, jd_store_part{each, N, n}, s.O, N, pixels, (int)parts) ||
           jd_sum_parts(d, each, parts, n, dw);
}

static size_t scratch_conv2d_dw(const jd_call *c)
{
    const int64_t *w = c->out_type[0].dim;
    return conv_dw_scratch(w[0], w[1] * w[2] * w[3], jd__rows(&c->in_type[0]));
}

static int launch_conv2d_dw(jd_cu *d, const jd_call *c)
{
    return conv_dw(d, sizes(c, &c->in_type[1], &c->out_type[0], &c->in_type[0]), jd_in<float>(c, 0), jd_in<float>(c, 1),
                   jd__rows(&c->in_type[0]), jd_out<float>(c, 0), c->scratch);
}

const jd_cu_op jd_cu_conv2d = {"implicit gemm", launch_conv2d, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dx = {"implicit gemm", launch_conv2d_dx, NULL, fits_conv, NULL};
const jd_cu_op jd_cu_conv2d_dw = {"implicit gemm", launch_conv2d_dw, scratch_conv2d_dw, fits_conv, NULL};
