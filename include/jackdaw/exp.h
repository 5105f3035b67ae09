/*
 * exp.h - e^x, sine and cosine in float64 from basic operations only, for loops over many numbers.
 *
 *     for (int i = 0; i < n; i++) gate[i] = 1 / (1 + jd_exp_lane(-net[i]));
 *
 * No branches and no calls: compilers put such loops into vectors.  The same bits on every machine, unlike the C library's;
 * the error is below 1e-14, of the value or, for sine and cosine, absolute.
 */
#ifndef JACKDAW_EXP_H
#define JACKDAW_EXP_H

#include <string.h>

#include "jackdaw/base.h"

/* For |x| <= 600.  x = k ln 2 + r with |r| <= ln 2 / 2, Taylor's series in r; adding 1.5 * 2^52 rounds to an
 * integer, whose lowest bits are then k. */
static inline double jd_exp_lane_within(double x)
{
    const double magic = 6755399441055744.0, s = x * 1.44269504088896340736 + magic, k = s - magic;
    const double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double e = 1.6059043836821613e-10;
    e = e * r + 2.08767569878681e-09, e = e * r + 2.505210838544172e-08, e = e * r + 2.755731922398589e-07;
    e = e * r + 2.7557319223985893e-06, e = e * r + 2.48015873015873e-05, e = e * r + 1.984126984126984e-04;
    e = e * r + 1.388888888888889e-03, e = e * r + 8.333333333333333e-03, e = e * r + 4.1666666666666664e-02;
    e = e * r + 1.6666666666666666e-01, e = e * r + .5, e = e * r + 1, e = e * r + 1;
    uint64_t bits;
    double two;
    memcpy(&bits, &s, sizeof bits);
    bits = (bits << 52) + 0x3ff0000000000000u;
    memcpy(&two, &bits, sizeof two);
    return e * two;
}

/* For any x; beyond +-600: as there. */
static inline double jd_exp_lane(double x)
{
    return jd_exp_lane_within(x < -600 ? -600 : x > 600 ? 600 : x);
}

/* Sine and cosine of |x| < 1e6: reduction by pi/2 in two parts, the first of 33 bits, then Taylor's series on [-pi/4, pi/4]. */
static inline void jd_sincos(double x, double *sine, double *cosine)
{
    const double q = x * (2.0 / 3.14159265358979323846);
    const int64_t k = (int64_t)(q < 0 ? q - 0.5 : q + 0.5);
    const double kd = (double)k;
    const double r = (x - kd * 1.57079632673412561417) - kd * 6.07710050650619224932e-11, z = r * r;
    double s = -7.6471637318198165e-13, c = 4.7794773323873853e-14;
    s = s * z + 1.6059043836821613e-10, c = c * z - 1.1470745597729725e-11;
    s = s * z - 2.5052108385441719e-08, c = c * z + 2.0876756987868099e-09;
    s = s * z + 2.7557319223985893e-06, c = c * z - 2.7557319223985888e-07;
    s = s * z - 1.9841269841269841e-04, c = c * z + 2.4801587301587302e-05;
    s = s * z + 8.3333333333333332e-03, c = c * z - 1.3888888888888889e-03;
    s = s * z - 1.6666666666666666e-01, c = c * z + 4.1666666666666664e-02;
    s = s * z * r + r, c = (c * z - 0.5) * z + 1.0;
    const int64_t quadrant = k & 3;
    *sine = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
    *cosine = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
}

#endif
