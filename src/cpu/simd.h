/*
 * simd.h - the vector vocabulary of the fast kernels: VL float32 lanes (1, 4, 8 or 16).
 *
 * Kernels are written once against these names.  The rule that keeps the bits equal on every instruction set: lanes run
 * over independent results, never over the terms of one sum; each result is a chain of explicit vf_fma in a fixed
 * order.  Where a sum must run over lanes (row sums, softmax), it uses 16 partial sums whatever VL is, added by
 * jd_tree16.
 *
 * vf: VL floats; vi: VL int32; vm: a mask of VL lanes.
 */
#ifndef JD_CPU_SIMD_H
#define JD_CPU_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "cpu/isa.h"

#define JD_INLINE static inline __attribute__((always_inline, unused))

/* The fixed tree that ends every sum with 16 partial sums. */
JD_INLINE float jd_tree16(const float s[16])
{
    const float a0 = (s[0] + s[8]) + (s[4] + s[12]), a1 = (s[1] + s[9]) + (s[5] + s[13]);
    const float a2 = (s[2] + s[10]) + (s[6] + s[14]), a3 = (s[3] + s[11]) + (s[7] + s[15]);
    return (a0 + a2) + (a1 + a3);
}

/* One word a line, as a table. */
/* clang-format off */
#if defined(JD_ISA_avx512)
#include <immintrin.h>
#define VL 16
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;
#define VM_(n) ((__mmask16)((1u << (n)) - 1u))
JD_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
JD_INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
JD_INLINE vf vf_loadn(const float *p, int n) { return n >= VL ? vf_load(p) : _mm512_maskz_loadu_ps(VM_(n), p); }
JD_INLINE void vf_storen(float *p, vf a, int n)
{
    if (n >= VL) vf_store(p, a);
    else _mm512_mask_storeu_ps(p, VM_(n), a);
}
JD_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
JD_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
JD_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
JD_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
JD_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
JD_INLINE vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
JD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
JD_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
JD_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
JD_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
JD_INLINE vm vf_gt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
JD_INLINE vm vf_ge(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
JD_INLINE vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
JD_INLINE vm vf_isnan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
JD_INLINE vm vm_or(vm a, vm b) { return (vm)(a | b); }
JD_INLINE vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
JD_INLINE vi vi_select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }
JD_INLINE vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
JD_INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
JD_INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
JD_INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
JD_INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
JD_INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
JD_INLINE vi vi_min(vi a, vi b) { return _mm512_min_epi32(a, b); }
#define vi_shl(a, n) _mm512_slli_epi32((a), (n))
#define vi_sar(a, n) _mm512_srai_epi32((a), (n))
#define vi_shr(a, n) _mm512_srli_epi32((a), (n))
JD_INLINE vi vf_round(vf a) { return _mm512_cvtps_epi32(a); } /* to nearest, ties to even */
JD_INLINE vf vi_float(vi a) { return _mm512_cvtepi32_ps(a); }
JD_INLINE vi vf_bits(vf a) { return _mm512_castps_si512(a); }
JD_INLINE vf vi_as_float(vi a) { return _mm512_castsi512_ps(a); }
JD_INLINE vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
JD_INLINE vi vi_loadn(const int32_t *p, int n) { return n >= VL ? vi_load(p) : _mm512_maskz_loadu_epi32(VM_(n), p); }
JD_INLINE void vi_store(int32_t *p, vi a) { _mm512_storeu_si512(p, a); }
JD_INLINE void vi_storen(int32_t *p, vi a, int n)
{
    if (n >= VL) vi_store(p, a);
    else _mm512_mask_storeu_epi32(p, VM_(n), a);
}

#elif defined(JD_ISA_avx2)
#include <immintrin.h>
#define VL 8
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;
JD_INLINE __m256i jd_tail_mask(int n)
{
    static const int32_t ramp[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
    return _mm256_loadu_si256((const __m256i *)(const void *)(ramp + 8 - n));
}
JD_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
JD_INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
JD_INLINE vf vf_loadn(const float *p, int n) { return n >= VL ? vf_load(p) : _mm256_maskload_ps(p, jd_tail_mask(n)); }
JD_INLINE void vf_storen(float *p, vf a, int n)
{
    if (n >= VL) vf_store(p, a);
    else _mm256_maskstore_ps(p, jd_tail_mask(n), a);
}
JD_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
JD_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
JD_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
JD_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
JD_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
JD_INLINE vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
JD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
JD_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
JD_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
JD_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
JD_INLINE vm vf_gt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
JD_INLINE vm vf_ge(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
JD_INLINE vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
JD_INLINE vm vf_isnan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
JD_INLINE vm vm_or(vm a, vm b) { return _mm256_or_ps(a, b); }
JD_INLINE vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
JD_INLINE vi vi_select(vm m, vi a, vi b)
{
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b), _mm256_castsi256_ps(a), m));
}
JD_INLINE vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
JD_INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
JD_INLINE vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
JD_INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
JD_INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
JD_INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
JD_INLINE vi vi_min(vi a, vi b) { return _mm256_min_epi32(a, b); }
#define vi_shl(a, n) _mm256_slli_epi32((a), (n))
#define vi_sar(a, n) _mm256_srai_epi32((a), (n))
#define vi_shr(a, n) _mm256_srli_epi32((a), (n))
JD_INLINE vi vf_round(vf a) { return _mm256_cvtps_epi32(a); }
JD_INLINE vf vi_float(vi a) { return _mm256_cvtepi32_ps(a); }
JD_INLINE vi vf_bits(vf a) { return _mm256_castps_si256(a); }
JD_INLINE vf vi_as_float(vi a) { return _mm256_castsi256_ps(a); }
JD_INLINE vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
JD_INLINE vi vi_loadn(const int32_t *p, int n) { return n >= VL ? vi_load(p) : _mm256_maskload_epi32(p, jd_tail_mask(n)); }
JD_INLINE void vi_store(int32_t *p, vi a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
JD_INLINE void vi_storen(int32_t *p, vi a, int n)
{
    if (n >= VL) vi_store(p, a);
    else _mm256_maskstore_epi32(p, jd_tail_mask(n), a);
}

#elif defined(JD_ISA_neon)
#include <arm_neon.h>
#define VL 4
typedef float32x4_t vf;
typedef int32x4_t vi;
typedef uint32x4_t vm;
JD_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
JD_INLINE void vf_store(float *p, vf a) { vst1q_f32(p, a); }
JD_INLINE vf vf_loadn(const float *p, int n)
{
    if (n >= VL) return vf_load(p);
    const float32x4_t none = vdupq_n_f32(0.f);
    if (n <= 0) return none;
    if (n == 1) return vld1q_lane_f32(p, none, 0);
    const float32x4_t two = vcombine_f32(vld1_f32(p), vdup_n_f32(0.f));
    return n == 2 ? two : vld1q_lane_f32(p + 2, two, 2);
}
JD_INLINE void vf_storen(float *p, vf a, int n)
{
    if (n >= VL) vf_store(p, a);
    else if (n == 1) vst1q_lane_f32(p, a, 0);
    else if (n > 1) {
        vst1_f32(p, vget_low_f32(a));
        if (n == 3) vst1q_lane_f32(p + 2, a, 2);
    }
}
JD_INLINE vf vf_set1(float x) { return vdupq_n_f32(x); }
JD_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
JD_INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
JD_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
JD_INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
JD_INLINE vf vf_sqrt(vf a) { return vsqrtq_f32(a); }
JD_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
JD_INLINE vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
JD_INLINE vf vf_max(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); } /* as x86: the second where one is NaN */
JD_INLINE vf vf_min(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
JD_INLINE vm vf_gt(vf a, vf b) { return vcgtq_f32(a, b); }
JD_INLINE vm vf_ge(vf a, vf b) { return vcgeq_f32(a, b); }
JD_INLINE vm vf_eq(vf a, vf b) { return vceqq_f32(a, b); }
JD_INLINE vm vf_isnan(vf a) { return vmvnq_u32(vceqq_f32(a, a)); }
JD_INLINE vm vm_or(vm a, vm b) { return vorrq_u32(a, b); }
JD_INLINE vf vf_select(vm m, vf a, vf b) { return vbslq_f32(m, a, b); }
JD_INLINE vi vi_select(vm m, vi a, vi b) { return vbslq_s32(m, a, b); }
JD_INLINE vi vi_set1(int32_t x) { return vdupq_n_s32(x); }
JD_INLINE vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
JD_INLINE vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
JD_INLINE vi vi_and(vi a, vi b) { return vandq_s32(a, b); }
JD_INLINE vi vi_or(vi a, vi b) { return vorrq_s32(a, b); }
JD_INLINE vi vi_xor(vi a, vi b) { return veorq_s32(a, b); }
JD_INLINE vi vi_min(vi a, vi b) { return vminq_s32(a, b); }
JD_INLINE vi vi_shl(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
JD_INLINE vi vi_sar(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(-n)); }
JD_INLINE vi vi_shr(vi a, int n)
{
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-n)));
}
JD_INLINE vi vf_round(vf a)
{
    /* out of range and NaN give INT32_MIN, as on x86 */
    const vm within = vandq_u32(vcgeq_f32(a, vdupq_n_f32(-2147483648.f)), vcltq_f32(a, vdupq_n_f32(2147483648.f)));
    return vbslq_s32(within, vcvtnq_s32_f32(a), vdupq_n_s32(INT32_MIN));
}
JD_INLINE vf vi_float(vi a) { return vcvtq_f32_s32(a); }
JD_INLINE vi vf_bits(vf a) { return vreinterpretq_s32_f32(a); }
JD_INLINE vf vi_as_float(vi a) { return vreinterpretq_f32_s32(a); }
JD_INLINE vi vi_load(const int32_t *p) { return vld1q_s32(p); }
JD_INLINE vi vi_loadn(const int32_t *p, int n)
{
    int32_t lane[VL] = {0};
    if (n >= VL) return vi_load(p);
    for (int i = 0; i < n; i++) lane[i] = p[i];
    return vld1q_s32(lane);
}
JD_INLINE void vi_store(int32_t *p, vi a) { vst1q_s32(p, a); }
JD_INLINE void vi_storen(int32_t *p, vi a, int n)
{
    int32_t lane[VL];
    vst1q_s32(lane, a);
    for (int i = 0; i < n && i < VL; i++) p[i] = lane[i];
}

#else /* plain C */
#define VL 1
typedef float vf;
typedef int32_t vi;
typedef int vm;
JD_INLINE vf vf_load(const float *p) { return *p; }
JD_INLINE void vf_store(float *p, vf a) { *p = a; }
JD_INLINE vf vf_loadn(const float *p, int n) { return n > 0 ? *p : 0.f; }
JD_INLINE void vf_storen(float *p, vf a, int n) { if (n > 0) *p = a; }
JD_INLINE vf vf_set1(float x) { return x; }
JD_INLINE vf vf_add(vf a, vf b) { return a + b; }
JD_INLINE vf vf_sub(vf a, vf b) { return a - b; }
JD_INLINE vf vf_mul(vf a, vf b) { return a * b; }
JD_INLINE vf vf_div(vf a, vf b) { return a / b; }
JD_INLINE vf vf_sqrt(vf a) { return sqrtf(a); }
JD_INLINE vf vf_fma(vf a, vf b, vf c) { return fmaf(a, b, c); }
JD_INLINE vf vf_fnma(vf a, vf b, vf c) { return fmaf(-a, b, c); }
JD_INLINE vf vf_max(vf a, vf b) { return a > b ? a : b; } /* as x86: the second operand when one is NaN */
JD_INLINE vf vf_min(vf a, vf b) { return a < b ? a : b; }
JD_INLINE vm vf_gt(vf a, vf b) { return a > b; }
JD_INLINE vm vf_ge(vf a, vf b) { return a >= b; }
JD_INLINE vm vf_eq(vf a, vf b) { return a == b; }
JD_INLINE vm vf_isnan(vf a) { return a != a; }
JD_INLINE vm vm_or(vm a, vm b) { return a | b; }
JD_INLINE vf vf_select(vm m, vf a, vf b) { return m ? a : b; }
JD_INLINE vi vi_select(vm m, vi a, vi b) { return m ? a : b; }
JD_INLINE vi vi_set1(int32_t x) { return x; }
JD_INLINE vi vi_add(vi a, vi b) { return (vi)((uint32_t)a + (uint32_t)b); }
JD_INLINE vi vi_sub(vi a, vi b) { return (vi)((uint32_t)a - (uint32_t)b); }
JD_INLINE vi vi_and(vi a, vi b) { return a & b; }
JD_INLINE vi vi_or(vi a, vi b) { return a | b; }
JD_INLINE vi vi_xor(vi a, vi b) { return a ^ b; }
JD_INLINE vi vi_min(vi a, vi b) { return a < b ? a : b; }
#define vi_shl(a, n) ((vi)((uint32_t)(a) << (n)))
#define vi_sar(a, n) ((vi)((a) >> (n)))
#define vi_shr(a, n) ((vi)((uint32_t)(a) >> (n)))
JD_INLINE vi vf_round(vf a)
{
    /* out of range and NaN give INT32_MIN, as the vector instruction does */
    return a >= -2147483648.f && a < 2147483648.f ? (vi)lrintf(a) : INT32_MIN;
}
JD_INLINE vf vi_float(vi a) { return (float)a; }
JD_INLINE vi vf_bits(vf a) { vi r; memcpy(&r, &a, sizeof r); return r; }
JD_INLINE vf vi_as_float(vi a) { vf r; memcpy(&r, &a, sizeof r); return r; }
JD_INLINE vi vi_load(const int32_t *p) { return *p; }
JD_INLINE vi vi_loadn(const int32_t *p, int n) { return n > 0 ? *p : 0; }
JD_INLINE void vi_store(int32_t *p, vi a) { *p = a; }
JD_INLINE void vi_storen(int32_t *p, vi a, int n) { if (n > 0) *p = a; }
#endif

JD_INLINE vf vf_zero(void) { return vf_set1(0.f); }
/* clang-format on */

#endif
