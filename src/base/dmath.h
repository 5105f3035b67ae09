/*
 * dmath.h - sine, cosine, exponential and logarithm in float64 from basic operations only.
 *
 * The C library's bits differ between machines and versions; these do not, and what is made with them (deformed images,
 * features of sound, searches) is the same everywhere.  Errors are below 1e-14, absolute for sine and cosine.
 */
#ifndef JD_BASE_DMATH_H
#define JD_BASE_DMATH_H

#include "base/ctx.h"

#define JD_PI 3.14159265358979323846

/* sin and cos of |x| < 1e6: reduction by pi/2 in two parts, then Taylor's series on [-pi/4, pi/4]. */
static inline void jd__sincos(double x, double *sine, double *cosine)
{
    const double q = x * (2.0 / JD_PI);
    const int64_t k = (int64_t)(q < 0 ? q - 0.5 : q + 0.5);
    const double kd = (double)k;
    const double r =
        (x - kd * 1.57079632673412561417) - kd * 6.07710050650619224932e-11; /* the first part has 33 bits */
    const double z = r * r;
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

/* exp of |x| < 700: x = k ln 2 + r, Taylor's series on |r| <= ln 2 / 2, scaled by repeated squaring of 2. */
static inline double jd__exp64(double x)
{
    const double q = x * 1.44269504088896340736;
    const int k = (int)(q < 0 ? q - 0.5 : q + 0.5);
    const double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double e = 1.0;
    for (int i = 15; i > 0; i--) e = e * r / i + 1.0;
    double scale = 1.0, two = k < 0 ? 0.5 : 2.0;
    for (int n = k < 0 ? -k : k; n; n >>= 1, two *= two)
        if (n & 1) scale *= two;
    return e * scale;
}

#endif
