/*
 * dmath.h - elementary functions in float64 from basic operations only; sine and cosine stand in jackdaw/exp.h.
 *
 * The C library's bits differ between machines and versions; these do not, and what is made with them (deformed images,
 * features of sound, searches) is the same everywhere.  Errors are below 1e-14.
 */
#ifndef JD_BASE_DMATH_H
#define JD_BASE_DMATH_H

#include "base/ctx.h"
#include "jackdaw/exp.h"

#define JD_PI 3.14159265358979323846

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
