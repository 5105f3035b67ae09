/*
 * points.h - what the scans of a multi-dimensional LSTM do with points that do not depend on each other: products of a few
 * rows, a point each, with packed weights, and rows cut into stretches and put together.
 *
 * Each element of a product is one chain of fused multiply-adds in the order of k.
 */
#ifndef JD_CPU_POINTS_H
#define JD_CPU_POINTS_H

#include "cpu/gemm.h"
#include "ops/mdlstm.h"

/* C (M,N) = A packed, with the chains starting from init, ldi apart (0: one row for all), or from 0.  A's columns may stand
 * in several places: A(m,k) of a part is A[m * am + k * ak].  `packed` as of JD_K(jd__pack_b). */
typedef struct jd_terms {
    const float *A;
    ptrdiff_t am;
    size_t K;
} jd_terms;
typedef struct jd_points {
    size_t M, N;
    int parts;
    jd_terms part[1 + JD_MD_DIMS];
    ptrdiff_t ak;
    const float *packed, *init;
    size_t ldb; /* N <= VL: floats between rows of `packed`; else 0: JD_NR, as jd__pack_b has it */
    size_t ldi;
    float *C;
    size_t ldc; /* at least VL where N <= VL: whole vectors are written */
} jd_points;
void JD_K(jd__points_mul)(const jd_points *p);

/* Where rows of points stand: row l at first + l step, or at[l], of which -1 is none. */
typedef struct jd_rows {
    ptrdiff_t first, step;
    const ptrdiff_t *at;
} jd_rows;
JD_INLINE ptrdiff_t jd_row(const jd_rows *r, size_t l)
{
    return r->at ? r->at[l] : r->first + (ptrdiff_t)l * r->step;
}

/* Lanes from..to-1; memory is neither read nor written for the others. */
#if VL == 16
JD_INLINE vm vm_range(int from, int to)
{
    return (vm)(VM_(to) & ~VM_(from));
}
JD_INLINE vf vf_load_over(vf x, vm m, const float *p)
{
    return _mm512_mask_loadu_ps(x, m, p);
}
JD_INLINE void vf_store_where(float *p, vm m, vf x)
{
    _mm512_mask_storeu_ps(p, m, x);
}
#elif VL == 8
JD_INLINE vm vm_range(int from, int to)
{
    return _mm256_castsi256_ps(_mm256_andnot_si256(jd_tail_mask(from), jd_tail_mask(to)));
}
JD_INLINE vf vf_load_over(vf x, vm m, const float *p)
{
    return _mm256_blendv_ps(x, _mm256_maskload_ps(p, _mm256_castps_si256(m)), m);
}
JD_INLINE void vf_store_where(float *p, vm m, vf x)
{
    _mm256_maskstore_ps(p, _mm256_castps_si256(m), x);
}
#elif VL == 4
JD_INLINE vm vm_range(int from, int to)
{
    static const int32_t place[VL] = {0, 1, 2, 3};
    const int32x4_t at = vld1q_s32(place);
    return vandq_u32(vcgeq_s32(at, vdupq_n_s32(from)), vcltq_s32(at, vdupq_n_s32(to)));
}
JD_INLINE vf vf_load_over(vf x, vm m, const float *p)
{
    float lane[VL];
    uint32_t on[VL];
    vst1q_f32(lane, x);
    vst1q_u32(on, m);
    for (int i = 0; i < VL; i++)
        if (on[i]) lane[i] = p[i];
    return vld1q_f32(lane);
}
JD_INLINE void vf_store_where(float *p, vm m, vf x)
{
    float lane[VL];
    uint32_t on[VL];
    vst1q_f32(lane, x);
    vst1q_u32(on, m);
    for (int i = 0; i < VL; i++)
        if (on[i]) p[i] = lane[i];
}
#else
JD_INLINE vm vm_range(int from, int to)
{
    return from < to;
}
JD_INLINE vf vf_load_over(vf x, vm m, const float *p)
{
    return m ? *p : x;
}
JD_INLINE void vf_store_where(float *p, vm m, vf x)
{
    if (m) *p = x;
}
#endif

/* A vector over the units of all lanes as of one row, where lanes have H units, at least VL: it meets one lane, or two that
 * follow each other.  Of the second a pointer is given that is as many units before it as the first one has. */
typedef struct jd_span {
    bool whole; /* all units are of one lane, which exists */
    vm a, b;    /* the units of the first lane, and of the next; none where there is no row */
} jd_span;
JD_INLINE jd_span jd_span_at(size_t H, size_t unit, bool here, bool next)
{
    const int n = H - unit < VL ? (int)(H - unit) : VL;
    const jd_span s = {here && n == VL, vm_range(0, here ? n : 0), vm_range(n, next ? VL : n)};
    return s;
}
JD_INLINE vf jd_span_load(const jd_span *s, const bool whole, const float *a, const float *b)
{
    return whole ? vf_load(a) : vf_load_over(vf_load_over(vf_zero(), s->a, a), s->b, b);
}
JD_INLINE void jd_span_store(const jd_span *s, const bool whole, float *a, float *b, vf x)
{
    if (whole) {
        vf_store(a, x);
    } else {
        vf_store_where(a, s->a, x);
        vf_store_where(b, s->b, x);
    }
}

/* n floats; whole vectors are written, so that JD_MD_OVER floats more may be overwritten. */
JD_INLINE void jd_copy_over(float *to, const float *from, size_t n)
{
    size_t k = 0;
    for (; k + VL <= n; k += VL) vf_store(to + k, vf_load(from + k));
    if (k < n) vf_store(to + k, vf_loadn(from + k, (int)(n - k)));
}

/* n floats and no more. */
JD_INLINE void jd_copy(float *to, const float *from, size_t n)
{
    size_t k = 0;
    for (; k + VL <= n; k += VL) vf_store(to + k, vf_load(from + k));
    if (k < n) vf_storen(to + k, vf_loadn(from + k, (int)(n - k)), (int)(n - k));
}

#if VL == 16
/* to[q] = pairs q of eight rows r of eight pairs each. */
JD_INLINE void jd_turn_pairs(const int parts, const __m512d r[8], __m512d to[8])
{
    __m512d low[4], high[4], near[4], far[4];
    JD_UNROLL for (int i = 0; i < 4; i++)
    {
        low[i] = _mm512_unpacklo_pd(r[2 * i], r[2 * i + 1]);
        high[i] = _mm512_unpackhi_pd(r[2 * i], r[2 * i + 1]);
    }
    JD_UNROLL for (int i = 0; i < 2; i++)
    {
        near[i] = _mm512_shuffle_f64x2(low[2 * i], low[2 * i + 1], 0x88);
        near[2 + i] = _mm512_shuffle_f64x2(high[2 * i], high[2 * i + 1], 0x88);
        far[i] = _mm512_shuffle_f64x2(low[2 * i], low[2 * i + 1], 0xdd);
        far[2 + i] = _mm512_shuffle_f64x2(high[2 * i], high[2 * i + 1], 0xdd);
    }
    to[0] = _mm512_shuffle_f64x2(near[0], near[1], 0x88);
    if (parts > 1) to[1] = _mm512_shuffle_f64x2(near[2], near[3], 0x88);
    if (parts > 2) to[2] = _mm512_shuffle_f64x2(far[0], far[1], 0x88);
    if (parts > 3) to[3] = _mm512_shuffle_f64x2(far[2], far[3], 0x88);
    if (parts > 4) to[4] = _mm512_shuffle_f64x2(near[0], near[1], 0xdd);
    if (parts > 5) to[5] = _mm512_shuffle_f64x2(near[2], near[3], 0xdd);
    if (parts > 6) to[6] = _mm512_shuffle_f64x2(far[0], far[1], 0xdd);
    if (parts > 7) to[7] = _mm512_shuffle_f64x2(far[2], far[3], 0xdd);
}

/* One pair or five, and no more: a vector that reaches into the next line of memory would fetch that line too. */
JD_INLINE __m512d jd_load_pairs(const int parts, const float *p)
{
    if (parts == 1) return _mm512_castpd128_pd512(_mm_loadl_pd(_mm_setzero_pd(), (const double *)(const void *)p));
    const __m128d last = _mm_loadl_pd(_mm_setzero_pd(), (const double *)(const void *)(p + 8));
    return _mm512_insertf64x2(_mm512_castps_pd(_mm512_castps256_ps512(_mm256_loadu_ps(p))), last, 2);
}
JD_INLINE void jd_store_pairs(float *p, __m512d x)
{
    _mm256_storeu_ps(p, _mm512_castps512_ps256(_mm512_castpd_ps(x)));
    _mm_storel_pd((double *)(void *)(p + 8), _mm512_extractf64x2_pd(x, 2));
}

/* Eight rows, or as many as there are, with a table or one after the other. */
JD_INLINE void jd_cut_pairs(const int parts, const bool table, const float *from, ptrdiff_t unit, const jd_rows *row,
                            size_t lanes, float *to, size_t step)
{
    const ptrdiff_t along = row->step * unit;
    from += table ? 0 : row->first * unit;
    for (size_t l = 0; l < lanes; l += 8, to += 16) {
        __m512d r[8], out[8];
        if (!table && l + 8 <= lanes) {
            JD_UNROLL for (int i = 0; i < 8; i++, from += along) r[i] = jd_load_pairs(parts, from);
        } else {
            JD_UNROLL for (size_t i = 0; i < 8; i++)
            {
                r[i] = _mm512_setzero_pd();
                if (l + i >= lanes || (table && row->at[l + i] < 0)) continue;
                r[i] = jd_load_pairs(parts, from + (table ? row->at[l + i] * unit : (ptrdiff_t)i * along));
            }
        }
        jd_turn_pairs(parts, r, out);
        JD_UNROLL for (int q = 0; q < parts; q++) _mm512_storeu_pd(to + (size_t)q * step, out[q]);
    }
}

/* Rows of five pairs. */
JD_INLINE void jd_join_pairs(const bool table, const float *from, size_t step, size_t lanes, float *to, ptrdiff_t unit,
                             const jd_rows *row)
{
    const ptrdiff_t along = row->step * unit;
    to += table ? 0 : row->first * unit;
    for (size_t l = 0; l < lanes; l += 8, from += 16) {
        __m512d r[8], out[8];
        JD_UNROLL for (int q = 0; q < 8; q++)
        {
            r[q] = q < 5 ? _mm512_loadu_pd(from + (size_t)q * step) : _mm512_setzero_pd();
        }
        jd_turn_pairs(8, r, out);
        if (!table && l + 8 <= lanes) {
            JD_UNROLL for (int i = 0; i < 8; i++, to += along) jd_store_pairs(to, out[i]);
        } else {
            JD_UNROLL for (size_t i = 0; i < 8; i++)
            {
                if (l + i >= lanes || (table && row->at[l + i] < 0)) continue;
                jd_store_pairs(to + (table ? row->at[l + i] * unit : (ptrdiff_t)i * along), out[i]);
            }
        }
    }
}
#endif

JD_INLINE void jd_copy_pairs(const float *from, size_t lanes, float *to, ptrdiff_t unit, const jd_rows *row)
{
    for (size_t l = 0; l < lanes; l++, from += 2) {
        const ptrdiff_t at = jd_row(row, l);
        if (at >= 0) memcpy(to + at * unit, from, 2 * sizeof *to);
    }
}

/* `parts` matrices (lanes,n), `step` apart, of rows of parts * n floats that stand `unit` apart; 0 where there is none.
 * Whole vectors are written. */
JD_INLINE void jd_rows_in(const float *from, size_t unit, const jd_rows *row, const float *zero, size_t lanes,
                          const size_t parts, size_t n, float *to, size_t step)
{
#if VL == 16
    if (n == 2 && (parts == 5 || parts == 1)) {
        if (parts == 5 && row->at)
            jd_cut_pairs(5, true, from, (ptrdiff_t)unit, row, lanes, to, step);
        else if (parts == 5)
            jd_cut_pairs(5, false, from, (ptrdiff_t)unit, row, lanes, to, step);
        else if (row->at)
            jd_cut_pairs(1, true, from, (ptrdiff_t)unit, row, lanes, to, step);
        else
            jd_cut_pairs(1, false, from, (ptrdiff_t)unit, row, lanes, to, step);
        return;
    }
#endif
    for (size_t l = 0; l < lanes; l++, to += n) {
        const ptrdiff_t at = jd_row(row, l);
        const float *p = at < 0 ? zero : from + at * (ptrdiff_t)unit;
        for (size_t q = 0; q < parts; q++, p += n) jd_copy_over(to + q * step, p, n);
    }
}

/* The inverse; no more than the rows is written. */
JD_INLINE void jd_rows_out(const float *from, size_t step, size_t lanes, const size_t parts, size_t n, float *to,
                           size_t unit, const jd_rows *row)
{
#if VL == 16
    if (n == 2 && parts == 5) {
        if (row->at)
            jd_join_pairs(true, from, step, lanes, to, (ptrdiff_t)unit, row);
        else
            jd_join_pairs(false, from, step, lanes, to, (ptrdiff_t)unit, row);
        return;
    }
#endif
    if (n == 2 && parts == 1) {
        jd_copy_pairs(from, lanes, to, (ptrdiff_t)unit, row);
        return;
    }
    for (size_t l = 0; l < lanes; l++, from += n) {
        const ptrdiff_t at = jd_row(row, l);
        float *p = to + at * (ptrdiff_t)unit;
        for (size_t q = 0; q < parts && at >= 0; q++, p += n) {
            if ((parts - q - 1) * n >= VL)
                jd_copy_over(p, from + q * step, n);
            else
                jd_copy(p, from + q * step, n);
        }
    }
}

#endif
