/*
 * fft.h - the discrete Fourier transform of real signals in float64, for lengths that are powers of two.
 *
 * In float64 because the quiet bands of a loud frame lie 100 dB and more below it, where the rounding of a float32
 * transform would be heard in the logarithm; with own twiddles because the C library's sine differs between machines.
 */
#ifndef JD_DATA_FFT_H
#define JD_DATA_FFT_H

#include "jackdaw/base.h"

typedef struct jd__fft {
    int n;         /* a power of two, 4..65536 */
    double *root;  /* (n/2, 2): exp(-2 pi i k / n) */
    double *work;  /* (n/2, 2) */
    uint16_t *rev; /* (n/2): bit reversal */
} jd__fft;

jd_status jd__fft_init(jd_ctx *ctx, jd__fft *f, int n);
void jd__fft_free(jd_ctx *ctx, jd__fft *f);
/* power[k] = |X_k|^2 for k = 0..n/2, of x (n). */
void jd__fft_power(jd__fft *f, const double *x, double *power);

#endif
