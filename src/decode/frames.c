/* frames.c - the softmax of a frame, in float64. */
#include "decode/frames.h"

#include <math.h>

#include "base/dmath.h"

jd_status jd__frames_check(jd_ctx *ctx, const frames *f, int32_t blank, const char *who)
{
    if (f->K < 1 || f->K > INT32_MAX || f->count > INT32_MAX)
        return jd_fail(ctx, JD_EUSAGE, "%s: %zu frames of %zu outputs; give at least one output and at most %d", who,
                       f->count, f->K, INT32_MAX);
    if (blank < 0 || (size_t)blank >= f->K)
        return jd_fail(ctx, JD_EUSAGE, "%s: the blank is output %d of %zu; give one from 0 to %zu", who, blank, f->K,
                       f->K - 1);
    return JD_OK;
}

jd_status jd__frame_probabilities(jd_ctx *ctx, const frames *f, size_t t, double *p, const char *who)
{
    const float *x = f->scores + t * f->stride;
    float top = -INFINITY;
    for (size_t k = 0; k < f->K; k++) {
        if (!(x[k] < INFINITY))
            return jd_fail(ctx, JD_EDIVERGED, "%s: frame %zu: output %zu is %g; outputs must be below infinity", who, t,
                           k, (double)x[k]);
        if (x[k] > top) top = x[k];
    }
    if (isinf(top))
        return jd_fail(ctx, JD_EDIVERGED, "%s: frame %zu: all outputs are -infinity; one must be possible", who, t);
    double sum = 0;
    for (size_t k = 0; k < f->K; k++) {
        const double d = (double)x[k] - (double)top;
        p[k] = d > -690 ? jd__exp64(d) : 0;
        sum += p[k];
    }
    for (size_t k = 0; k < f->K; k++) p[k] /= sum;
    return JD_OK;
}
