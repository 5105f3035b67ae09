/*
 * linear.c - the little linear algebra of the full-covariance methods, in float64 and in one fixed order.
 */
#include <math.h>
#include <string.h>

#include "search/search.h"

double jd__sqrt_positive(double x)
{
    return x > 0 ? sqrt(x) : 0;
}

void jd__matmul64(const double *a, const double *b, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *o = out + i * n;
        memset(o, 0, n * sizeof *o);
        for (size_t k = 0; k < n; k++) {
            const double x = a[i * n + k], *row = b + k * n;
            for (size_t j = 0; j < n; j++) o[j] += x * row[j];
        }
    }
}

/* The rotation of rows and columns p, q of C that makes C[p][q] zero (Golub and Van Loan, Algorithm 8.4.1); rows of V
 * follow. */
static void rotate(double *C, double *V, size_t n, size_t p, size_t q)
{
    const double apq = C[p * n + q], theta = (C[q * n + q] - C[p * n + p]) / (2 * apq);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(1 + theta * theta));
    const double c = 1 / sqrt(1 + t * t), s = t * c;
    double *rp = C + p * n, *rq = C + q * n, *vp = V + p * n, *vq = V + q * n;
    for (size_t k = 0; k < n; k++) {
        const double x = rp[k], y = rq[k], v = vp[k], w = vq[k];
        rp[k] = c * x - s * y;
        rq[k] = s * x + c * y;
        vp[k] = c * v - s * w;
        vq[k] = s * v + c * w;
    }
    for (size_t k = 0; k < n; k++) {
        const double x = C[k * n + p], y = C[k * n + q];
        C[k * n + p] = c * x - s * y;
        C[k * n + q] = s * x + c * y;
    }
    C[p * n + q] = C[q * n + p] = 0;
}

void jd__eigen(double *C, double *B, double *d, size_t n)
{
    enum { SWEEPS = 30 };
    memset(B, 0, n * n * sizeof *B);
    for (size_t i = 0; i < n; i++) B[i * n + i] = 1;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0, diagonal = 0;
        for (size_t i = 0; i < n; i++) {
            diagonal += C[i * n + i] * C[i * n + i];
            for (size_t j = i + 1; j < n; j++) off += C[i * n + j] * C[i * n + j];
        }
        if (!(off > 1e-30 * diagonal)) break;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(C[p * n + q]) > 1e-17 * sqrt(fabs(C[p * n + p] * C[q * n + q]))) rotate(C, B, n, p, q);
    }
    for (size_t i = 0; i < n; i++) {
        d[i] = C[i * n + i];
        for (size_t j = i + 1; j < n; j++) { /* the axes as columns */
            const double t = B[i * n + j];
            B[i * n + j] = B[j * n + i];
            B[j * n + i] = t;
        }
    }
}

void jd__expm(double *A, double *E, double *T, size_t n)
{
    enum { TERMS = 12 };
    double norm = 0;
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        for (size_t j = 0; j < n; j++) row += fabs(A[i * n + j]);
        norm = fmax(norm, row);
    }
    int squarings = 0;
    double scale = 1;
    while (norm * scale > .25 && squarings < 60) {
        scale *= .5;
        squarings++;
    }
    for (size_t i = 0; i < n * n; i++) A[i] *= scale;
    /* Taylor by Horner: E = I + A (I + A/2 (I + A/3 (...))); the rest is below 0.25^13 / 13! = 2e-18. */
    memset(E, 0, n * n * sizeof *E);
    for (size_t i = 0; i < n; i++) E[i * n + i] = 1;
    for (int k = TERMS; k >= 1; k--) {
        jd__matmul64(A, E, T, n);
        for (size_t i = 0; i < n * n; i++) E[i] = T[i] / k;
        for (size_t i = 0; i < n; i++) E[i * n + i] += 1;
    }
    for (int k = 0; k < squarings; k++) {
        jd__matmul64(E, E, T, n);
        memcpy(E, T, n * n * sizeof *E);
    }
}
