/* least_squares.c - see least_squares.h. */
#include <math.h>
#include <string.h>

#include "least_squares.h"

jd_status least_squares_new(jd_ctx *ctx, int n, int k, least_squares *s)
{
    *s = (least_squares){.ctx = ctx, .n = n, .k = k};
    s->gram = jd_alloc_array(ctx, (size_t)n * (size_t)n, sizeof *s->gram);
    s->cross = jd_alloc_array(ctx, (size_t)n * (size_t)k, sizeof *s->cross);
    return jd_error(ctx);
}

void least_squares_free(least_squares *s)
{
    jd_free(s->ctx, s->gram);
    jd_free(s->ctx, s->cross);
}

void least_squares_add(least_squares *s, const double *x, const double *y)
{
    const int n = s->n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) s->gram[i * n + j] += x[i] * x[j];
    for (int i = 0; i < s->k; i++)
        for (int j = 0; j < n; j++) s->cross[i * n + j] += y[i] * x[j];
}

/* The lower triangle of a becomes its Cholesky factor. */
static bool factor(double *a, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return true;
}

bool least_squares_solve(const least_squares *s, double ridge, double *w)
{
    const int n = s->n;
    double mean = 0;
    double *a = jd_alloc_array(s->ctx, (size_t)n * (size_t)n, sizeof *a);
    if (!a) return false;
    memcpy(a, s->gram, (size_t)n * (size_t)n * sizeof *a);
    for (int i = 0; i < n; i++) mean += a[i * n + i] / n;
    for (int i = 0; i < n; i++) a[i * n + i] += ridge * mean;
    const bool good = factor(a, n);
    memcpy(w, s->cross, (size_t)n * (size_t)s->k * sizeof *w);
    for (int c = 0; good && c < s->k; c++) {
        double *x = w + c * n;
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < i; k++) x[i] -= a[i * n + k] * x[k];
            x[i] /= a[i * n + i];
        }
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
            x[i] /= a[i * n + i];
        }
    }
    jd_free(s->ctx, a);
    return good;
}
