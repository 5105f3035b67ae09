/*
 * lanes64.h - float64 lanes for the physics of environments: the compiler's vectors, W to a register, and functions of them.
 * For the compilers of devices, in C++ and behind cuda/cu.h, a "vector" is one number: a thread has one lane.
 *
 * Only basic operations and square roots, nothing fused: every width, plain C and a device give the same bits.
 */
#ifndef JD_BASE_LANES64_H
#define JD_BASE_LANES64_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus

#define INLINE static __device__ __forceinline__
namespace jd_lanes
{
typedef double vd;
typedef int64_t vl;
typedef uint64_t vu;

INLINE vu bits_of(vd x)
{
    vu b;
    memcpy(&b, &x, sizeof b);
    return b;
}

INLINE vd of_bits(vu b)
{
    vd x;
    memcpy(&x, &b, sizeof x);
    return x;
}

INLINE vd choose(vl condition, vd a, vd b)
{
    return condition ? a : b;
}

INLINE vd to_real(vl i)
{
    return (vd)i;
}

INLINE vd sqrt_lanes(vd a)
{
    return sqrt(a);
}

INLINE int any_lane(vl condition)
{
    return condition != 0;
}

#else

#if defined(JD_ISA_avx512) || defined(JD_ISA_avx2) || defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline, unused))
#if defined(JD_ISA_avx512)
#define W 8
#elif defined(JD_ISA_avx2)
#define W 4
#else
#define W 2
#endif
typedef double vd __attribute__((vector_size(8 * W), aligned(8), may_alias));
typedef int64_t vl __attribute__((vector_size(8 * W), aligned(8), may_alias)); /* what comparisons give */
typedef uint64_t vu __attribute__((vector_size(8 * W), aligned(8), may_alias));

INLINE vu bits_of(vd x)
{
    return (vu)x;
}

INLINE vd of_bits(vu b)
{
    return (vd)b;
}

INLINE vd choose(vl mask, vd a, vd b)
{
    return (vd)(((vu)mask & (vu)a) | (~(vu)mask & (vu)b));
}

INLINE vd to_real(vl i)
{
    return __builtin_convertvector(i, vd);
}

INLINE vd sqrt_lanes(vd a)
{
#if defined(JD_ISA_avx512)
    return (vd)_mm512_sqrt_pd((__m512d)a);
#elif defined(JD_ISA_avx2)
    return (vd)_mm256_sqrt_pd((__m256d)a);
#elif defined(__SSE2__)
    return (vd)_mm_sqrt_pd((__m128d)a);
#else
    vd r;
    for (int l = 0; l < W; l++) r[l] = sqrt(a[l]);
    return r;
#endif
}

INLINE int any_lane(vl mask)
{
#if defined(JD_ISA_avx512)
    return _mm512_movepi64_mask((__m512i)mask) != 0;
#elif defined(JD_ISA_avx2)
    return _mm256_movemask_pd((__m256d)mask) != 0;
#else
    int64_t r = 0;
    for (int l = 0; l < W; l++) r |= mask[l];
    return r != 0;
#endif
}

#endif

INLINE vd abs_lanes(vd a)
{
    return of_bits(bits_of(a) & INT64_MAX);
}

/* a, which is not negative, with the sign of b: negative times negative is positive. */
INLINE vd with_sign(vd a, vd b)
{
    return of_bits(bits_of(a) ^ (bits_of(b) & (uint64_t)INT64_MIN));
}

/* Reduction by pi/2 in two parts, then Taylor's series on [-pi/4, pi/4]; errors below 1e-15 for |x| < 1e5. */
INLINE void sincos_lanes(vd x, vd *sine, vd *cosine)
{
    const double magic = 0x1.8p52; /* adding it rounds to an integer, which then stands in the lowest bits */
    const vd shifted = x * 0x1.45f306dc9c883p-1 + magic, k = shifted - magic;
    const vu quadrant = bits_of(shifted);
    const vd r = (x - k * 0x1.921fb54400000p+0) - k * 0x1.0b4611a626331p-34, z = r * r;
    vd s = z * 2.8114572543455206e-15 - 7.6471637318198165e-13, c = z * 4.7794773323873853e-14 - 1.1470745597729725e-11;
    s = s * z + 1.6059043836821613e-10, c = c * z + 2.0876756987868099e-09;
    s = s * z - 2.5052108385441719e-08, c = c * z - 2.7557319223985888e-07;
    s = s * z + 2.7557319223985893e-06, c = c * z + 2.4801587301587302e-05;
    s = s * z - 1.9841269841269841e-04, c = c * z - 1.3888888888888889e-03;
    s = s * z + 8.3333333333333332e-03, c = c * z + 4.1666666666666664e-02;
    s = (s * z - 1.6666666666666666e-01) * z * r + r, c = (c * z - 0.5) * z + 1.0;
    const vl odd = (vl) - (quadrant & 1);
    const vu sign = (quadrant & 2) << 62, sign_c = ((quadrant + 1) & 2) << 62;
    *sine = of_bits(bits_of(choose(odd, c, s)) ^ sign);
    *cosine = of_bits(bits_of(choose(odd, s, c)) ^ sign_c);
}

/* The angle is halved three times, which leaves |z| < 0.2 for the series; errors below 1e-15. */
INLINE vd arctan_lanes(vd x)
{
    for (int i = 0; i < 3; i++) x = x / (1.0 + sqrt_lanes(1.0 + x * x));
    const vd z = x * x;
    vd s = z * (1. / 21) - 1. / 19;
    s = s * z + 1. / 17;
    s = s * z - 1. / 15;
    s = s * z + 1. / 13;
    s = s * z - 1. / 11;
    s = s * z + 1. / 9;
    s = s * z - 1. / 7;
    s = s * z + 1. / 5;
    s = s * z - 1. / 3;
    return 8.0 * (s * z * x + x);
}

/* x^p of normal x > 0 whose power is between 1e-300 and 1e300; relative error below 1e-13. */
INLINE vd power_lanes(vd x, double p)
{
    /* x = 2^e m, 1/sqrt 2 <= m < sqrt 2; ln m = 2 artanh((m - 1) / (m + 1)) */
    const uint64_t half = 0x3FE6A09E667F3BCDu; /* 1/sqrt 2 */
    const vl e = ((vl)(bits_of(x) - half)) >> 52;
    const vd m = of_bits(bits_of(x) - ((vu)e << 52)), q = (m - 1.0) / (m + 1.0), z = q * q;
    vd s = z * (1. / 21) + 1. / 19;
    s = s * z + 1. / 17;
    s = s * z + 1. / 15;
    s = s * z + 1. / 13;
    s = s * z + 1. / 11;
    s = s * z + 1. / 9;
    s = s * z + 1. / 7;
    s = s * z + 1. / 5;
    s = s * z + 1. / 3;
    const vd log2 = to_real(e) + 2.8853900817779268 * (s * z * q + q), y = p * log2;
    const double magic = 0x1.8p52;
    const vd shifted = y + magic, r = (y - (shifted - magic)) * 0.69314718055994531;
    vd f = r * (1. / 6227020800) + 1. / 479001600;
    f = f * r + 1. / 39916800;
    f = f * r + 1. / 3628800;
    f = f * r + 1. / 362880;
    f = f * r + 1. / 40320;
    f = f * r + 1. / 5040;
    f = f * r + 1. / 720;
    f = f * r + 1. / 120;
    f = f * r + 1. / 24;
    f = f * r + 1. / 6;
    f = f * r + .5;
    f = f * r + 1.0;
    f = f * r + 1.0;
    return of_bits(bits_of(f) + (bits_of(shifted) << 52));
}

#ifdef __cplusplus
}
#endif

#endif
