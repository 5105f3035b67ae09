/*
 * rowexp.h - maximum and exponentials of one row of scores, for softmax and CTC.
 *
 * Element j of a row goes to partial sum j % 16 whatever the vector length, and jd_tree16 adds these.
 */
#ifndef JD_CPU_ROWEXP_H
#define JD_CPU_ROWEXP_H

#include "base/ctx.h"
#include "cpu/vecmath.h"

enum { JD_ROW_VECTORS = 16 / VL, JD_ROW_AHEAD = 256 }; /* floats fetched ahead: long rows lie in memory */

/* Lanes v VL .. v VL + VL - 1 that are below n. */
JD_INLINE vm jd_row_lanes(int64_t n, int v)
{
    static const float ramp[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vf_gt(vf_set1((float)n), vf_load(ramp + v * VL));
}

/* Lanes present of vector v when n elements are left. */
JD_INLINE int jd_row_left(int64_t n, int v)
{
    const int64_t left = n - v * VL;
    return left < 0 ? 0 : left > VL ? VL : (int)left;
}

/* Largest and smallest of x[n], n > 0; NaNs are passed over. */
JD_INLINE float jd_row_max(const float *x, int64_t n, float *smallest)
{
    vf hi[JD_ROW_VECTORS], lo[JD_ROW_VECTORS];
    const vf top = vf_set1(INFINITY), bottom = vf_set1(-INFINITY);
    for (int v = 0; v < JD_ROW_VECTORS; v++) {
        hi[v] = bottom;
        lo[v] = top;
    }
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __builtin_prefetch(x + i + JD_ROW_AHEAD);
        for (int v = 0; v < JD_ROW_VECTORS; v++) {
            const vf a = vf_load(x + i + v * VL);
            hi[v] = vf_max(a, hi[v]);
            lo[v] = vf_min(a, lo[v]);
        }
    }
    if (i < n)
        for (int v = 0; v < JD_ROW_VECTORS; v++) {
            const vm in = jd_row_lanes(n - i, v);
            const vf a = vf_loadn(x + i + v * VL, jd_row_left(n - i, v));
            hi[v] = vf_max(vf_select(in, a, bottom), hi[v]);
            lo[v] = vf_min(vf_select(in, a, top), lo[v]);
        }
    for (int v = 1; v < JD_ROW_VECTORS; v++) {
        hi[0] = vf_max(hi[v], hi[0]);
        lo[0] = vf_min(lo[v], lo[0]);
    }
    float h[VL], l[VL];
    vf_store(h, hi[0]);
    vf_store(l, lo[0]);
    for (int j = 1; j < VL; j++) {
        h[0] = h[j] > h[0] ? h[j] : h[0];
        l[0] = l[j] < l[0] ? l[j] : l[0];
    }
    *smallest = l[0];
    return h[0];
}

JD_INLINE double jd_row_exp_of(const float *x, float *e, int64_t n, float max, const bool normal)
{
    vf rest[JD_ROW_VECTORS], ones[JD_ROW_VECTORS];
    const vf m = vf_set1(max), zero = vf_zero(), one = vf_set1(1.f);
    for (int v = 0; v < JD_ROW_VECTORS; v++) rest[v] = ones[v] = zero;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __builtin_prefetch(e + i + JD_ROW_AHEAD, 1);
        for (int v = 0; v < JD_ROW_VECTORS; v++) {
            const vf a = vf_load(x + i + v * VL), d = vf_sub(a, m), y = normal ? vf_exp_normal(d) : vf_exp(d);
            const vm top = vf_eq(a, m);
            vf_store(e + i + v * VL, y);
            rest[v] = vf_add(rest[v], vf_select(top, zero, y));
            ones[v] = vf_add(ones[v], vf_select(top, one, zero));
        }
    }
    if (i < n)
        for (int v = 0; v < JD_ROW_VECTORS; v++) {
            const int left = jd_row_left(n - i, v);
            const vf a = vf_loadn(x + i + v * VL, left), d = vf_sub(a, m), y = normal ? vf_exp_normal(d) : vf_exp(d);
            const vm in = jd_row_lanes(n - i, v), top = vf_eq(a, m);
            vf_storen(e + i + v * VL, y, left);
            rest[v] = vf_add(rest[v], vf_select(in, vf_select(top, zero, y), zero));
            ones[v] = vf_add(ones[v], vf_select(in, vf_select(top, one, zero), zero));
        }
    float r[16], o[16];
    for (int v = 0; v < JD_ROW_VECTORS; v++) {
        vf_store(r + v * VL, rest[v]);
        vf_store(o + v * VL, ones[v]);
    }
    return (double)jd_tree16(o) + (double)jd_tree16(r);
}

/* e[n] = exp(x - max), and their sum; largest and smallest are jd_row_max's.  The largest give exactly 1 and are counted
 * apart, so that what the others add is not rounded away: the logarithm of the sum is good to float precision even when it
 * is next to 0. */
JD_INLINE double jd_row_exp(const float *x, float *e, int64_t n, float max, float smallest)
{
    /* No denormal results: the shorter exponential. */
    return max - smallest < 87 ? jd_row_exp_of(x, e, n, max, true) : jd_row_exp_of(x, e, n, max, false);
}

/* x[n] *= scale */
JD_INLINE void jd_row_scale(float *x, int64_t n, float scale)
{
    const vf s = vf_set1(scale);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vf_store(x + i, vf_mul(vf_load(x + i), s));
    if (i < n) vf_storen(x + i, vf_mul(vf_loadn(x + i, (int)(n - i)), s), (int)(n - i));
}

#endif
