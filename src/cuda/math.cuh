/*
 * math.cuh - exp, log, tanh, sigmoid, sin, cos on the device: the operations of cpu/vecmath.h one for one, hence the
 * CPU's bits.
 */
#ifndef JD_CUDA_MATH_CUH
#define JD_CUDA_MATH_CUH

#include "cuda/cu.h"

static __device__ inline float jd_expm1_core(float r)
{
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    return fmaf(p, r * r, r);
}

static __device__ inline float jd_exp_reduce(float x, int *n)
{
    *n = __float2int_rn(x * 1.44269504088896341f);
    const float k = (float)*n;
    return fmaf(-k, -2.12194440e-4f, fmaf(-k, 0.693359375f, x));
}

static __device__ inline float jd_pow2(int n)
{
    return __int_as_float((n + 127) << 23);
}

static __device__ inline float jd_expf(float x)
{
    if (x != x) return x;
    x = x < 89.f ? x : 89.f;
    x = x > -105.f ? x : -105.f;
    int n;
    const float r = jd_exp_reduce(x, &n), y = jd_expm1_core(r) + 1.f;
    const int half = n >> 1;
    return y * jd_pow2(half) * jd_pow2(n - half);
}

static __device__ inline float jd_tanhf(float x)
{
    const float b = fabsf(x), a = 20.f < b ? 20.f : b, z = a * a;
    float p = -5.70498872745e-3f;
    p = fmaf(p, z, 2.06390887954e-2f);
    p = fmaf(p, z, -5.37397155531e-2f);
    p = fmaf(p, z, 1.33314422036e-1f);
    p = fmaf(p, z, -3.33332819422e-1f);
    if (0.625f > a) return copysignf(fmaf(p * z, a, a), x);
    /* e^(2a) = 2^n e^(2r) */
    const float whole = 12582912.f, s = fmaf(a, 2.8853900818f, whole);
    const float r = fmaf(-(s - whole), 0.34657359028f, a), r2 = r * r;
    const float low = fmaf(2.f, r, 1.f), mid = fmaf(1.3333216906f, r, 1.9999997616f);
    const float high = fmaf(0.26779893041f, r, 0.66669422388f);
    const float two_n = __int_as_float((int)((unsigned)__float_as_int(s) << 23) + 0x3f800000);
    const float y = fmaf(fmaf(0.08841343969f, r2, high), r2 * r2, fmaf(mid, r2, low));
    return copysignf(1.f - 2.f / fmaf(y, two_n, 1.f), x);
}

/* That of populations of networks. */
static __device__ inline float jd_tanh_shortf(float x)
{
    const float cut = 8.21875f, least = cut < x ? cut : x, a = -cut > least ? -cut : least, z = a * a;
    float p = 1.4082364628e-08f, q = 8.0705933515e-07f;
    p = fmaf(p, z, 2.1122304722e-05f), q = fmaf(q, z, 3.3362625946e-04f);
    p = fmaf(p, z, 3.5263968791e-03f), q = fmaf(q, z, 2.5993881991e-02f);
    p = fmaf(p, z, 1.3406871320e-01f), q = fmaf(q, z, 4.6740192856e-01f);
    p = fmaf(p, z, 1.f), q = fmaf(q, z, 1.f);
    return a * p / q;
}

static __device__ inline float jd_sigmoidf(float x)
{
    if (x != x) return x;
    float z = 0.f - x;
    z = z < 105.f ? z : 105.f;
    z = z > -70.f ? z : -70.f;
    int n;
    const float r = jd_exp_reduce(z, &n), y = jd_expm1_core(r) + 1.f;
    return 2.98023224e-8f / fmaf(y, jd_pow2(n - 25), 2.98023224e-8f);
}

static __device__ inline float jd_logf(float x)
{
    if (!(x > 0.f)) return x == 0.f ? -INFINITY : x < 0.f ? NAN : x;
    if (x == INFINITY) return x;
    const bool small = x < 1.17549435e-38f;
    const int bits = __float_as_int(small ? x * 8388608.f : x) - 0x3f3504f3;
    const float m = __int_as_float((bits & 0x007fffff) + 0x3f3504f3);
    const float f = m - 1.f, z = f * f, k = (float)((bits >> 23) - (small ? 23 : 0));
    float p = 7.0376836292e-2f;
    p = fmaf(p, f, -1.1514610310e-1f);
    p = fmaf(p, f, 1.1676998740e-1f);
    p = fmaf(p, f, -1.2420140846e-1f);
    p = fmaf(p, f, 1.4249322787e-1f);
    p = fmaf(p, f, -1.6668057665e-1f);
    p = fmaf(p, f, 2.0000714765e-1f);
    p = fmaf(p, f, -2.4999993993e-1f);
    p = fmaf(p, f, 3.3333331174e-1f);
    float y = p * f * z;
    y = fmaf(k, -2.12194440e-4f, y);
    y = fmaf(-0.5f, z, y);
    return fmaf(k, 0.693359375f, f + y);
}

/* x = r + n pi/2 for |x| < 1e5; larger ones are the toolkit's, which may differ from the CPU's in the last bit. */
static __device__ inline float jd_quarter_turns(float x, int *n)
{
    *n = __float2int_rn(x * 0.636619772367581343f);
    const float k = (float)*n;
    const float r = fmaf(-k, -4.37113900018624283e-8f, fmaf(-k, 1.57079637050628662f, x));
    return x == 0 ? x : fmaf(-k, -1.71512490118e-15f, r); /* -0 stays -0 */
}

/* sin of r + n pi/2 for |r| <= pi/4: +-sin r or +-cos r. */
static __device__ inline float jd_sin_turned(float r, int n)
{
    const float z = r * r;
    float p = -1.9515295891e-4f;
    p = fmaf(p, z, 8.3321608736e-3f);
    p = fmaf(p, z, -1.6666654611e-1f);
    const float sine = copysignf(fabsf(fmaf(p * z, r, r)), r);
    float q = 2.443315711809948e-5f;
    q = fmaf(q, z, -1.388731625493765e-3f);
    q = fmaf(q, z, 4.166664568298827e-2f);
    const float cosine = fmaf(q * z, z, fmaf(-0.5f, z, 1.f));
    const float y = n & 1 ? cosine : sine;
    return __int_as_float(__float_as_int(y) ^ (int)((unsigned)(n & 2) << 30));
}
static __device__ inline float jd_sinf(float x)
{
    int n;
    if (!(fabsf(x) < 1e5f)) return sinf(x);
    const float r = jd_quarter_turns(x, &n);
    return jd_sin_turned(r, n);
}
static __device__ inline float jd_cosf(float x)
{
    int n;
    if (!(fabsf(x) < 1e5f)) return cosf(x);
    const float r = jd_quarter_turns(x, &n);
    return jd_sin_turned(r, n + 1);
}

/* The squashing functions of the LSTM cell and their slopes as functions of their value (ops/squash.h). */
static __device__ inline float jd_squash_of(int kind, float x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return 4 * jd_sigmoidf(x) - 2;
    case JD_SQUASH_2SIGM1: return 2 * jd_sigmoidf(x) - 1;
    default: return jd_tanhf(x);
    }
}
static __device__ inline float jd_squash_slope(int kind, float y)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return 1;
    case JD_SQUASH_4SIGM2: return 1 - y * y / 4;
    case JD_SQUASH_2SIGM1: return (1 - y * y) / 2;
    default: return 1 - y * y;
    }
}

/* jd_act of a product's epilogue. */
static __device__ inline float jd_act_of(int act, float x)
{
    switch (act) {
    case JD_ACT_TANH: return jd_tanhf(x);
    case JD_ACT_SIGMOID: return jd_sigmoidf(x);
    case JD_ACT_RELU: return x > 0 ? x : 0;
    default: return x;
    }
}

#endif
