/* transpose8.h - eight rows of eight floats, transposed while they are loaded. */
#ifndef JD_CPU_TRANSPOSE8_H
#define JD_CPU_TRANSPOSE8_H

#include "cpu/simd.h"

#if VL >= 8
/* r[0..3] = columns 0..3 of eight rows: halves of rows j and j + 4 are loaded into one register, which leaves 4 x 4
 * transposes inside the lanes. */
JD_INLINE void jd_load4x8_transposed(__m256 r[4], const float *p0, const float *p1, const float *p2, const float *p3,
                                     const float *p4, const float *p5, const float *p6, const float *p7)
{
    const __m256 a = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p0)), _mm_loadu_ps(p4), 1);
    const __m256 b = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p1)), _mm_loadu_ps(p5), 1);
    const __m256 c = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p2)), _mm_loadu_ps(p6), 1);
    const __m256 d = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p3)), _mm_loadu_ps(p7), 1);
    const __m256 ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
    const __m256 cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
    r[0] = _mm256_shuffle_ps(ab0, cd0, 0x44);
    r[1] = _mm256_shuffle_ps(ab0, cd0, 0xee);
    r[2] = _mm256_shuffle_ps(ab1, cd1, 0x44);
    r[3] = _mm256_shuffle_ps(ab1, cd1, 0xee);
}

/* r[i] = column i of the 8 x 8 block whose rows start at p, stride apart. */
JD_INLINE void jd_load8x8_transposed(__m256 r[8], const float *p, ptrdiff_t stride)
{
    const float *q = p + 4 * stride;
    jd_load4x8_transposed(r, p, p + stride, p + 2 * stride, p + 3 * stride, q, q + stride, q + 2 * stride,
                          q + 3 * stride);
    p += 4;
    q += 4;
    jd_load4x8_transposed(r + 4, p, p + stride, p + 2 * stride, p + 3 * stride, q, q + stride, q + 2 * stride,
                          q + 3 * stride);
}

/* The same for rows that start at p[0..7] + at. */
JD_INLINE void jd_load8x8_rows(__m256 r[8], const float *const p[8], int64_t at)
{
    jd_load4x8_transposed(r, p[0] + at, p[1] + at, p[2] + at, p[3] + at, p[4] + at, p[5] + at, p[6] + at, p[7] + at);
    at += 4;
    jd_load4x8_transposed(r + 4, p[0] + at, p[1] + at, p[2] + at, p[3] + at, p[4] + at, p[5] + at, p[6] + at,
                          p[7] + at);
}
#endif

#endif
