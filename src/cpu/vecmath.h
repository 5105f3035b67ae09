/*
 * vecmath.h - exp, log, tanh, sigmoid, sin, cos on vectors: the same operations, hence the same bits, on every instruction
 * set.
 *
 * Relative error at most 2 ulp (tests/test_vecmath.c).  tanh and sigmoid are monotone, which lets max pooling be exchanged
 * with them.  Coefficients of exp, log, sin and cos: S. Moshier's Cephes library, single precision.
 */
#ifndef JD_CPU_VECMATH_H
#define JD_CPU_VECMATH_H

#include "base/mathf.h"
#include "cpu/simd.h"

/* r + r^2 P(r) = e^r - 1 for |r| <= ln 2 / 2. */
JD_INLINE vf vf_expm1_core(vf r)
{
    vf p = vf_set1(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set1(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set1(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set1(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set1(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set1(5.0000001201e-1f));
    return vf_fma(p, vf_mul(r, r), r);
}

/* x = n ln 2 + r; ln 2 in two parts so that n's product with the first is exact. */
JD_INLINE vf vf_exp_reduce(vf x, vi *n)
{
    *n = vf_round(vf_mul(x, vf_set1(1.44269504088896341f)));
    const vf k = vi_float(*n);
    return vf_fnma(k, vf_set1(-2.12194440e-4f), vf_fnma(k, vf_set1(0.693359375f), x));
}

/* 2^n for -126 <= n <= 127. */
JD_INLINE vf vf_pow2(vi n)
{
    return vi_as_float(vi_shl(vi_add(n, vi_set1(127)), 23));
}

JD_INLINE vf vf_exp(vf x)
{
    /* The operand stands second: a NaN passes. */
    x = vf_max(vf_set1(-105.f), vf_min(vf_set1(89.f), x));
    vi n;
    const vf r = vf_exp_reduce(x, &n), y = vf_add(vf_expm1_core(r), vf_set1(1.f));
    /* In two steps, so that denormal results and overflow come out right. */
    const vi half = vi_sar(n, 1);
    return vf_mul(vf_mul(y, vf_pow2(half)), vf_pow2(vi_sub(n, half)));
}

/* The same bits for -87 <= x <= 87, where one step is enough. */
JD_INLINE vf vf_exp_normal(vf x)
{
    vi n;
    const vf r = vf_exp_reduce(x, &n);
    return vf_mul(vf_add(vf_expm1_core(r), vf_set1(1.f)), vf_pow2(n));
}

JD_INLINE vf vf_abs(vf x)
{
    return vi_as_float(vi_and(vf_bits(x), vi_set1(0x7fffffff)));
}

JD_INLINE vf vf_copysign(vf magnitude, vf sign)
{
    return vi_as_float(vi_or(vf_bits(magnitude), vi_and(vf_bits(sign), vi_set1(INT32_MIN))));
}

/* e^(2a) = 2^n e^(2r), n in bits, for 0 <= a <= 20: a + a = n ln 2 + 2r, by adding what leaves no room for fractions.  The
 * longest chain is kept short: tanh stands in chains that nothing else shortens.  Coefficients: minimax in relative error
 * for |2r| <= ln 2 / 2, the first two fixed. */
JD_INLINE vf vf_exp_double(vf a, vf *two_n)
{
    const vf whole = vf_set1(12582912.f), s = vf_fma(a, vf_set1(2.8853900818f), whole);
    const vf r = vf_fnma(vf_sub(s, whole), vf_set1(0.34657359028f), a), r2 = vf_mul(r, r);
    const vf low = vf_fma(vf_set1(2.f), r, vf_set1(1.f));
    const vf mid = vf_fma(vf_set1(1.3333216906f), r, vf_set1(1.9999997616f));
    const vf high = vf_fma(vf_set1(0.26779893041f), r, vf_set1(0.66669422388f));
    *two_n = vi_as_float(vi_add(vi_shl(vf_bits(s), 23), vi_set1(0x3f800000)));
    return vf_fma(vf_fma(vf_set1(0.08841343969f), r2, high), vf_mul(r2, r2), vf_fma(mid, r2, low));
}

/* Near 0 an odd polynomial, which keeps the relative precision; else 1 - 2 / (e^(2|x|) + 1).  The longest chain again: |x| is
 * cut as an integer, in a quarter of the time, and the sign, or a NaN that the cut hides, comes back with the 1 and the 2. */
JD_INLINE vf vf_tanh(vf x)
{
    const vf a = vi_as_float(vi_min(vf_bits(vf_abs(x)), vf_bits(vf_set1(20.f)))), z = vf_mul(a, a);
    const vf one = vf_copysign(vf_set1(1.f), x), two = vf_select(vf_isnan(x), x, vf_copysign(vf_set1(2.f), x));
    vf p = vf_set1(-5.70498872745e-3f);
    p = vf_fma(p, z, vf_set1(2.06390887954e-2f));
    p = vf_fma(p, z, vf_set1(-5.37397155531e-2f));
    p = vf_fma(p, z, vf_set1(1.33314422036e-1f));
    p = vf_fma(p, z, vf_set1(-3.33332819422e-1f));
    const vf near = vf_copysign(vf_fma(vf_mul(p, z), a, a), x);
    vf two_n;
    const vf y = vf_exp_double(a, &two_n);
    const vf far = vf_sub(one, vf_div(two, vf_fma(y, two_n, vf_set1(1.f))));
    return vf_select(vf_gt(vf_set1(0.625f), a), near, far);
}

/* tanh as a quotient of polynomials: half the operations of vf_tanh, where a network is so small that its squashing is most
 * of the work.  Error at most 6 ulp, not monotone in the last bits.  Minimax in relative error on 0..8.6;
 * cut where the quotient is 1, below which it is never more.  z = a^2. */
#define VF_TANH_CUT 8.21875f
JD_INLINE void vf_tanh_parts(vf z, vf *over, vf *under)
{
    const vf one = vf_set1(1.f);
    vf p = vf_set1(1.4082364628e-08f), q = vf_set1(8.0705933515e-07f);
    p = vf_fma(p, z, vf_set1(2.1122304722e-05f)), q = vf_fma(q, z, vf_set1(3.3362625946e-04f));
    p = vf_fma(p, z, vf_set1(3.5263968791e-03f)), q = vf_fma(q, z, vf_set1(2.5993881991e-02f));
    p = vf_fma(p, z, vf_set1(1.3406871320e-01f)), q = vf_fma(q, z, vf_set1(4.6740192856e-01f));
    *over = vf_fma(p, z, one), *under = vf_fma(q, z, one);
}

JD_INLINE vf vf_tanh_quotient(vf a, vf z)
{
    vf p, q;
    vf_tanh_parts(z, &p, &q);
    return vf_div(vf_mul(a, p), q);
}

JD_INLINE vf vf_tanh_short(vf x)
{
    const vf a = vf_max(vf_set1(-VF_TANH_CUT), vf_min(vf_set1(VF_TANH_CUT), x));
    return vf_tanh_quotient(a, vf_mul(a, a));
}

/* The same bits sooner, for chains that nothing else shortens, by more operations: cut as in vf_tanh, or, where a division
 * can leave lanes as they are, not at all. */
JD_INLINE vf vf_tanh_soon(vf x)
{
#if defined(__AVX512VL__) && VL == 8
    const __mmask8 within = _mm256_cmp_ps_mask(vf_abs(x), _mm256_set1_ps(VF_TANH_CUT), _CMP_NGE_UQ);
    const vf one = vf_set1(1.f), z = vf_mul(x, x);
    vf p, q;
    vf_tanh_parts(z, &p, &q);
    return _mm256_mask_div_ps(vf_copysign(one, x), within, vf_mul(x, p), q);
#else
    const vf cut = vi_as_float(vi_min(vf_bits(vf_abs(x)), vf_bits(vf_set1(VF_TANH_CUT))));
    return vf_tanh_quotient(vf_select(vf_isnan(x), x, vf_copysign(cut, x)), vf_mul(cut, cut));
#endif
}

/* 1 / (1 + e^-x) for both signs: each operation is monotone, so the whole is.  Both sides of the fraction are taken times
 * 2^-25, which leaves room for e^105: beyond, not even a denormal number is left. */
JD_INLINE vf vf_sigmoid(vf x)
{
    const vf scale = vf_set1(2.98023224e-8f), z = vf_max(vf_set1(-70.f), vf_min(vf_set1(105.f), vf_sub(vf_zero(), x)));
    vi n;
    const vf r = vf_exp_reduce(z, &n), y = vf_add(vf_expm1_core(r), vf_set1(1.f));
    return vf_div(scale, vf_fma(y, vf_pow2(vi_sub(n, vi_set1(25))), scale));
}

JD_INLINE vf vf_log(vf x)
{
    const vf tiny = vf_set1(1.17549435e-38f), inf = vf_set1(INFINITY);
    const vm small = vf_gt(tiny, x);
    const vf scaled = vf_select(small, vf_mul(x, vf_set1(8388608.f)), x);
    /* scaled = m 2^e with m in [sqrt(1/2), sqrt 2). */
    vi bits = vi_sub(vf_bits(scaled), vi_set1(0x3f3504f3));
    vi e = vi_sar(bits, 23);
    const vf m = vi_as_float(vi_add(vi_and(bits, vi_set1(0x007fffff)), vi_set1(0x3f3504f3)));
    e = vi_sub(e, vi_select(small, vi_set1(23), vi_set1(0)));
    const vf f = vf_sub(m, vf_set1(1.f)), z = vf_mul(f, f), k = vi_float(e);
    vf p = vf_set1(7.0376836292e-2f);
    p = vf_fma(p, f, vf_set1(-1.1514610310e-1f));
    p = vf_fma(p, f, vf_set1(1.1676998740e-1f));
    p = vf_fma(p, f, vf_set1(-1.2420140846e-1f));
    p = vf_fma(p, f, vf_set1(1.4249322787e-1f));
    p = vf_fma(p, f, vf_set1(-1.6668057665e-1f));
    p = vf_fma(p, f, vf_set1(2.0000714765e-1f));
    p = vf_fma(p, f, vf_set1(-2.4999993993e-1f));
    p = vf_fma(p, f, vf_set1(3.3333331174e-1f));
    vf y = vf_mul(vf_mul(p, f), z);
    y = vf_fma(k, vf_set1(-2.12194440e-4f), y);
    y = vf_fnma(vf_set1(0.5f), z, y);
    y = vf_fma(k, vf_set1(0.693359375f), vf_add(f, y));
    y = vf_select(vf_gt(inf, x), y, x);                  /* +inf, NaN */
    y = vf_select(vf_gt(vf_zero(), x), vf_set1(NAN), y); /* negative */
    return vf_select(vf_eq(x, vf_zero()), vf_set1(-INFINITY), y);
}

/* x = n pi/2 + r with pi/2 in three parts: n times the first is taken off exactly.  Lanes beyond 1e5, where that ends, and
 * those that are not finite go one by one through jd__quarter_turns. */
JD_INLINE vf vf_quarter_turns(vf x, vi *n)
{
    const vm near = vf_gt(vf_set1(1e5f), vf_abs(x));
    const vf inside = vf_select(near, x, vf_zero());
    *n = vf_round(vf_mul(inside, vf_set1(0.636619772367581343f)));
    const vf k = vi_float(*n);
    vf r = vf_fnma(k, vf_set1(1.57079637050628662f), inside);
    r = vf_fnma(k, vf_set1(-4.37113900018624283e-8f), r);
    r = vf_fnma(k, vf_set1(-1.71512490118e-15f), r);
    r = vf_select(vf_eq(x, vf_zero()), x, r); /* -0 stays -0 */
    float lane[VL], far[VL];
    int32_t quadrant[VL];
    vf_store(far, vf_select(near, vf_zero(), vf_set1(1.f)));
    float any = 0;
    for (int i = 0; i < VL; i++) any += far[i];
    if (any > 0) {
        vf_store(lane, x);
        float reduced[VL];
        vf_store(reduced, r);
        vi_store(quadrant, *n);
        for (int i = 0; i < VL; i++)
            if (far[i] > 0) reduced[i] = jd__quarter_turns(lane[i], &quadrant[i]);
        r = vf_load(reduced);
        *n = vi_load(quadrant);
    }
    return r;
}

/* sin of r + n pi/2 for |r| <= pi/4: +-sin r or +-cos r; the sign is bit 1 of n, the choice bit 0. */
JD_INLINE vf vf_sin_turned(vf r, vi n)
{
    const vf z = vf_mul(r, r);
    vf p = vf_set1(-1.9515295891e-4f);
    p = vf_fma(p, z, vf_set1(8.3321608736e-3f));
    p = vf_fma(p, z, vf_set1(-1.6666654611e-1f));
    const vf sine = vf_copysign(vf_abs(vf_fma(vf_mul(p, z), r, r)), r);
    vf q = vf_set1(2.443315711809948e-5f);
    q = vf_fma(q, z, vf_set1(-1.388731625493765e-3f));
    q = vf_fma(q, z, vf_set1(4.166664568298827e-2f));
    const vf cosine = vf_fma(vf_mul(q, z), z, vf_fnma(vf_set1(0.5f), z, vf_set1(1.f)));
    const vf odd = vi_float(vi_and(n, vi_set1(1)));
    const vf y = vf_select(vf_gt(odd, vf_zero()), cosine, sine);
    return vi_as_float(vi_xor(vf_bits(y), vi_shl(vi_and(n, vi_set1(2)), 30)));
}

JD_INLINE vf vf_sin(vf x)
{
    vi n;
    const vf r = vf_quarter_turns(x, &n);
    return vf_sin_turned(r, n);
}

JD_INLINE vf vf_cos(vf x)
{
    vi n;
    const vf r = vf_quarter_turns(x, &n);
    return vf_sin_turned(r, vi_add(n, vi_set1(1)));
}

#endif
