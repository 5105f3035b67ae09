/*
 * sparkline.c - a curve in one line of a terminal.
 */
#include <jackdaw/report.h>

#include <math.h>
#include <string.h>

char *jd_sparkline(jd_ctx *ctx, const double *values, size_t n, size_t width)
{
    size_t bytes = 0, o = 0;
    if (jd_error(ctx)) return NULL;
    if (width > n) width = n;
    if (__builtin_mul_overflow(width, (size_t)3, &bytes)) {
        jd_fail(ctx, JD_EUSAGE, "jd_sparkline: width %zu is too large", width);
        return NULL;
    }
    char *s = jd_alloc(ctx, bytes + 1);
    double *mean = jd_alloc_array(ctx, width + 1, sizeof *mean), lo = INFINITY, hi = -INFINITY;
    if (s && mean) {
        for (size_t c = 0; c < width; c++) {
            size_t from = (size_t)((double)n * (double)c / (double)width);
            size_t to = (size_t)((double)n * (double)(c + 1) / (double)width), count = 0;
            double m = 0;
            for (size_t i = from; i < to && i < n; i++)
                if (isfinite(values[i])) m += (values[i] - m) / (double)++count;
            mean[c] = count ? m : NAN;
            if (count) lo = fmin(lo, m), hi = fmax(hi, m);
        }
        for (size_t c = 0; c < width; c++) {
            if (isnan(mean[c])) {
                s[o++] = ' ';
                continue;
            }
            /* halves first: hi - lo may be larger than the largest double */
            double range = hi / 2 - lo / 2;
            int level = range > 0 ? (int)((mean[c] / 2 - lo / 2) / range * 7.999) : 3;
            s[o++] = (char)0xe2; /* U+2581 + level */
            s[o++] = (char)0x96;
            s[o++] = (char)(0x81 + level);
        }
        s[o] = 0;
    }
    jd_free(ctx, mean);
    return s;
}
