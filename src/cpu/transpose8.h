/* transpose8.h - eight rows of eight floats, transposed while they are loaded. */
#ifndef JD_CPU_TRANSPOSE8_H
#define JD_CPU_TRANSPOSE8_H

#include "cpu/simd.h"

#if VL >= 8
/* r[i] = column i of the 8 x 8 block whose rows start at p, stride apart.  Halves of rows j and j + 4 are loaded into one
 * register, which leaves 4 x 4 transposes inside the lanes. */
JD_INLINE void jd_load8x8_transposed(__m256 r[8], const float *p, ptrdiff_t stride)
{
    const float *q = p + 4 * stride;
    for (int h = 0; h < 8; h += 4, p += 4, q += 4) {
        const __m256 a = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1);
        const __m256 b =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + stride)), _mm_loadu_ps(q + stride), 1);
        const __m256 c =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 2 * stride)), _mm_loadu_ps(q + 2 * stride), 1);
        const __m256 d =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 3 * stride)), _mm_loadu_ps(q + 3 * stride), 1);
        const __m256 ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
        const __m256 cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
        r[h] = _mm256_shuffle_ps(ab0, cd0, 0x44);
        r[h + 1] = _mm256_shuffle_ps(ab0, cd0, 0xee);
        r[h + 2] = _mm256_shuffle_ps(ab1, cd1, 0x44);
        r[h + 3] = _mm256_shuffle_ps(ab1, cd1, 0xee);
    }
}
#endif

#endif
