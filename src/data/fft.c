#include "data/fft.h"
#include "base/dmath.h"

jd_status jd__fft_init(jd_ctx *ctx, jd__fft *f, int n)
{
    const size_t half = (size_t)n / 2;
    f->n = n;
    f->root = jd_alloc_array(ctx, half * 2, sizeof(double));
    f->work = jd_alloc_array(ctx, half * 2, sizeof(double));
    f->rev = jd_alloc_array(ctx, half, sizeof(uint16_t));
    if (jd_error(ctx)) return jd_error(ctx);
    size_t bits = 0;
    while ((size_t)1 << bits < half) bits++;
    for (size_t k = 0; k < half; k++) {
        double s, c;
        jd_sincos(2.0 * JD_PI * (double)k / n, &s, &c);
        f->root[2 * k] = c;
        f->root[2 * k + 1] = -s;
        size_t r = 0;
        for (size_t b = 0; b < bits; b++) r |= (k >> b & 1) << (bits - 1 - b);
        f->rev[k] = (uint16_t)r;
    }
    return JD_OK;
}

void jd__fft_free(jd_ctx *ctx, jd__fft *f)
{
    jd_free(ctx, f->root);
    jd_free(ctx, f->work);
    jd_free(ctx, f->rev);
}

/* Even samples as real, odd ones as imaginary parts: a complex transform of half the length (radix 2, in time). */
static void half_transform(jd__fft *f, const double *x)
{
    const size_t m = (size_t)f->n / 2;
    double *z = f->work;
    for (size_t k = 0; k < m; k++) {
        z[2 * k] = x[2 * (size_t)f->rev[k]];
        z[2 * k + 1] = x[2 * (size_t)f->rev[k] + 1];
    }
    for (size_t h = 1; h < m; h *= 2) {
        const size_t step = m / h; /* of root: exp(-2 pi i j / 2h) = root[j * n / 2h] */
        for (size_t at = 0; at < m; at += 2 * h)
            for (size_t j = 0; j < h; j++) {
                const double wr = f->root[2 * j * step], wi = f->root[2 * j * step + 1];
                double *a = z + 2 * (at + j), *b = a + 2 * h;
                const double tr = b[0] * wr - b[1] * wi, ti = b[0] * wi + b[1] * wr;
                b[0] = a[0] - tr;
                b[1] = a[1] - ti;
                a[0] += tr;
                a[1] += ti;
            }
    }
}

void jd__fft_power(jd__fft *f, const double *x, double *power)
{
    const size_t m = (size_t)f->n / 2;
    const double *z = f->work;
    half_transform(f, x);
    power[0] = (z[0] + z[1]) * (z[0] + z[1]);
    power[m] = (z[0] - z[1]) * (z[0] - z[1]);
    for (size_t k = 1; k < m; k++) {
        /* X_k = E + exp(-2 pi i k / n) O, with E and O the transforms of the even and odd samples */
        const double *a = z + 2 * k, *b = z + 2 * (m - k);
        const double er = 0.5 * (a[0] + b[0]), ei = 0.5 * (a[1] - b[1]);
        const double or = 0.5 * (a[1] + b[1]), oi = 0.5 * (b[0] - a[0]);
        const double wr = f->root[2 * k], wi = f->root[2 * k + 1];
        const double re = er + (or *wr - oi * wi), im = ei + (or *wi + oi * wr);
        power[k] = re * re + im * im;
    }
}
