/*
 * normal.h - normal numbers from 32 random bits each: the sign, and the probability t of what lies beyond the number on
 * either side, so that the tails keep their precision (they end at 6.2).
 *
 * |x| is a polynomial of t in each half octave of t down to 1.5 2^-16, which a vector looks up without memory; beyond, once in
 * 44,000 numbers, M. B. Giles, "Approximating the erfinv function", GPU Computing Gems, 2010.  Absolute error at most 5e-7.
 */
#ifndef JD_CPU_NORMAL_H
#define JD_CPU_NORMAL_H

#include "cpu/vecmath.h"

/* Coefficients, the highest power first, of r in -1/4 .. 1/4 where t = 2^e (m + r), m 5/4 or 7/4: number (2 e + [m is 7/4]) mod 32.
 * Number 30 is for t = 1, where |x| is 0. */
static const float jd__normal_segment[6][32] = {
    {-0.0143631268f,
     -0.00264257123f,
     -0.0147933103f,
     -0.00272401515f,
     -0.0152629241f,
     -0.00281314109f,
     -0.0157781579f,
     -0.00291118911f,
     -0.0163465999f,
     -0.00301968725f,
     -0.0169776361f,
     -0.0031405373f,
     -0.0176830236f,
     -0.00327613298f,
     -0.0184776429f,
     -0.00342952134f,
     -0.0193805378f,
     -0.00360462442f,
     -0.020416351f,
     -0.00380653748f,
     -0.0216172021f,
     -0.00404191809f,
     -0.0230250806f,
     -0.00431945128f,
     -0.0246945303f,
     -0.00465042284f,
     -0.0267006513f,
     -0.00505811162f,
     -0.0297100637f,
     -0.00714189094f,
     0.f,
     -0.00256779161f},
    {0.0224532653f, 0.00581420353f, 0.0231402554f, 0.0059973672f,  0.0238916036f, 0.00619819714f,
     0.0247176383f, 0.00641961163f, 0.0256310664f, 0.00666521955f, 0.026647687f,  0.00693953177f,
     0.0277873669f, 0.0072482531f,  0.0290753599f, 0.00759867579f, 0.0305441357f, 0.0080002211f,
     0.0322358236f, 0.00846516062f, 0.0342054181f, 0.00900950935f, 0.0365244634f, 0.00965390727f,
     0.0392825939f, 0.0104219094f,  0.0425397642f, 0.0112715224f,  0.0444396771f, 0.00777640473f,
     0.f,           0.00564632285f},
    {-0.0364675932f,
     -0.0134949712f,
     -0.0376185402f,
     -0.0139335319f,
     -0.0388808027f,
     -0.014415767f,
     -0.0402728282f,
     -0.0149491252f,
     -0.0418174602f,
     -0.015542875f,
     -0.0435432643f,
     -0.0162086785f,
     -0.0454863943f,
     -0.0169613659f,
     -0.0476930998f,
     -0.0178200137f,
     -0.0502231494f,
     -0.0188093707f,
     -0.0531543829f,
     -0.0199617539f,
     -0.0565886535f,
     -0.0213195812f,
     -0.0606609955f,
     -0.0229408368f,
     -0.0655746683f,
     -0.0249352418f,
     -0.0719491839f,
     -0.0279277954f,
     -0.0866897479f,
     -0.0446674563f,
     0.f,
     -0.0130940303f},
    {0.069991827f,  0.0362777896f, 0.0723074228f, 0.0375153981f, 0.0748583153f, 0.0388826728f, 0.0776855424f,
     0.0404029116f, 0.0808403566f, 0.0421053693f, 0.0843874738f, 0.0440271571f, 0.0884094313f, 0.0462158136f,
     0.093012251f,  0.0487324633f, 0.0983320475f, 0.0516551062f, 0.104539916f,  0.0550790504f, 0.111832932f,
     0.0591020808f, 0.120359667f,  0.0637396351f, 0.129838184f,  0.0684901699f, 0.137461782f,  0.0696372539f,
     0.121828236f,  0.0316574462f, 0.f,           0.0351511016f},
    {-0.184390262f, -0.134014085f, -0.191230223f, -0.139163122f, -0.19886674f,  -0.144934386f, -0.207464382f,
     -0.151461571f, -0.217238918f, -0.158921897f, -0.228479668f, -0.167555749f, -0.241584688f, -0.177698746f,
     -0.25711906f,  -0.189835653f, -0.275915831f, -0.20469673f,  -0.299262464f, -0.22344175f,  -0.32927236f,
     -0.248043776f, -0.369702995f, -0.28218767f,  -0.428024381f, -0.333746403f, -0.521804452f, -0.423548371f,
     -0.706166565f, -0.634459138f, 0.f,           -0.12938422f},
    {4.11842585f, 4.04019928f, 3.95575309f, 3.87457371f,  3.78681946f,  3.70233655f,  3.61086655f, 3.52265573f,
     3.42697239f, 3.334512f,   3.23399806f, 3.13663554f,  3.03051066f,  2.92741108f,  2.81466484f, 2.70473266f,
     2.58401966f, 2.46577096f, 2.33523321f, 2.20657516f,  2.06352806f,  1.92135084f,  1.76167047f, 1.60100865f,
     1.41779721f, 1.22985876f, 1.00999033f, 0.776421785f, 0.488776565f, 0.157310694f, 0.f,         4.19990349f},
};

#if defined(JD_ISA_avx512)
#define all_lanes(m) ((m) == 0xffff)
JD_INLINE vf coefficient(int k, vi number)
{
    const float *c = jd__normal_segment[k];
    return _mm512_permutex2var_ps(vf_load(c), number, vf_load(c + 16));
}
#elif defined(JD_ISA_avx2)
#define all_lanes(m) (_mm256_movemask_ps(m) == 0xff)
#elif defined(JD_ISA_neon)
#define all_lanes(m) (vminvq_u32(m) != 0)
JD_INLINE vf coefficient(int k, vi number)
{
    int32_t at[VL];
    float c[VL];
    vst1q_s32(at, number);
    for (int l = 0; l < VL; l++) c[l] = jd__normal_segment[k][at[l] & 31];
    return vld1q_f32(c);
}
#else
#define all_lanes(m) (m)
JD_INLINE vf coefficient(int k, vi number)
{
    return jd__normal_segment[k][number & 31];
}
#endif

/* The polynomials' values. */
#if defined(JD_ISA_avx2)
JD_INLINE vf in_segments(vf t, vi number, vf r)
{
    vf x = vf_zero();
    if (all_lanes(vf_ge(t, vf_set1(0x1p-7f)))) { /* numbers 16 .. 30 */
        const vf second = vi_as_float(vi_shl(number, 28));
        JD_UNROLL
        for (int k = 0; k < 6; k++) {
            const float *c = jd__normal_segment[k] + 16;
            const vf low = _mm256_permutevar8x32_ps(vf_load(c), number);
            const vf high = _mm256_permutevar8x32_ps(vf_load(c + 8), number);
            const vf one = _mm256_blendv_ps(low, high, second);
            x = k ? vf_fma(x, r, one) : one;
        }
        return x;
    }
    number = vi_and(number, vi_set1(31));
    for (int k = 0; k < 6; k++) {
        const vf one = _mm256_i32gather_ps(jd__normal_segment[k], number, 4);
        x = k ? vf_fma(x, r, one) : one;
    }
    return x;
}
#else
JD_INLINE vf in_segments(vf t, vi number, vf r)
{
    (void)t;
    vf x = coefficient(0, number);
    JD_UNROLL
    for (int k = 1; k < 6; k++) x = vf_fma(x, r, coefficient(k, number));
    return x;
}
#endif

/* Where t < 2^-14: w = -log((1 - x) (1 + x)) of erfinv's argument x = 1 - t is above 9. */
JD_INLINE vf in_tail(vf t)
{
    static const float c[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                              -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
    const vf w = vf_sub(vf_zero(), vf_log(vf_mul(t, vf_sub(vf_set1(2.f), t))));
    const vf s = vf_sub(vf_sqrt(vf_max(w, vf_zero())), vf_set1(3.f));
    vf p = vf_set1(c[0]);
    for (int i = 1; i < 9; i++) p = vf_fma(p, s, vf_set1(c[i]));
    return vf_mul(vf_mul(p, vf_sub(vf_set1(1.f), t)), vf_set1(1.41421356f));
}

JD_INLINE vf vf_normal(vi bits)
{
    const vf t = vf_fma(vi_float(vi_and(bits, vi_set1(0x7fffffff))), vf_set1(0x1p-31f), vf_set1(0x1p-32f));
    const vi part = vi_or(vi_and(vf_bits(t), vi_set1(0x3fffff)), vi_set1(0x3f800000));
    vf x = in_segments(t, vi_shr(vf_bits(t), 22), vf_sub(vi_as_float(part), vf_set1(1.25f)));
    const vm inside = vf_ge(t, vf_set1(0x1.8p-16f));
    if (!all_lanes(inside)) x = vf_select(inside, x, in_tail(t));
    return vi_as_float(vi_xor(vf_bits(x), vi_and(bits, vi_set1(INT32_MIN))));
}

#undef all_lanes
#endif
