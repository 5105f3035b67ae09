/*
 * moments.c - the normal equations of all pairs of columns from a few sums of products.
 *
 * A pair's matrix holds sums of u^p v^q with p + q up to twice the degree.  Summed once for all pairs, m^2/2 small solves are
 * left that never look at the rows again.
 */
#include <math.h>
#include <string.h>

#include "gmdh/gmdh.h"

int jd__gmdh_terms(jd_gmdh_unit kind)
{
    return kind == JD_GMDH_LINEAR ? 3 : kind == JD_GMDH_BILINEAR ? 4 : kind == JD_GMDH_CUBIC ? 10 : 6;
}

int jd__gmdh_degree(jd_gmdh_unit kind)
{
    return kind == JD_GMDH_LINEAR ? 1 : kind == JD_GMDH_CUBIC ? 3 : 2;
}

/* The whole matrix of two columns' powers is needed up to degree 2 x degree; products of y only up to the degree. */
jd_status jd__moments_new(jd_ctx *ctx, jd__moments *s, int m, int degree)
{
    *s = (jd__moments){.m = m, .degree = degree};
    const size_t one = (size_t)m, two = one * one;
    size_t need = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (int p = 1; p <= 2 * degree; p++) {
            if (pass) s->one[p] = s->block + at;
            at += one;
            for (int q = 1; q <= p && p + q <= 2 * degree; q++) {
                if (pass) s->two[p][q] = s->block + at;
                at += two;
            }
        }
        for (int p = 1; p <= degree; p++) {
            if (pass) s->y_one[p] = s->block + at;
            at += one;
            for (int q = 1; q <= p && p + q <= degree; q++) {
                if (pass) s->y_two[p][q] = s->block + at;
                at += two;
            }
        }
        need = at;
        if (!pass && !(s->block = jd_alloc_array(ctx, need, sizeof *s->block))) return jd_error(ctx);
    }
    return JD_OK;
}

void jd__moments_free(jd_ctx *ctx, jd__moments *s)
{
    jd_free(ctx, s->block);
    *s = (jd__moments){0};
}

static double power(double x, int p)
{
    double r = x;
    for (int i = 1; i < p; i++) r *= x;
    return r;
}

void jd__moments_of_inputs(jd__moments *s, const double *z, int64_t stride, const int32_t *row, int64_t n)
{
    const int m = s->m, top = 2 * s->degree;
    s->rows = (double)n;
    for (int i = 0; i < m; i++)
        for (int p = 1; p <= top; p++) {
            const double *u = z + i * stride;
            double sum = 0;
            for (int64_t r = 0; r < n; r++) sum += power(u[row[r]], p);
            s->one[p][i] = sum;
        }
    for (int p = 1; p < top; p++)
        for (int q = 1; q <= p && p + q <= top; q++)
            for (int i = 0; i < m; i++)
                for (int j = p == q ? i : 0; j < m; j++) {
                    const double *u = z + i * stride, *v = z + j * stride;
                    double sum = 0;
                    for (int64_t r = 0; r < n; r++) sum += power(u[row[r]], p) * power(v[row[r]], q);
                    s->two[p][q][(int64_t)i * m + j] = sum;
                    if (p == q) s->two[p][q][(int64_t)j * m + i] = sum;
                }
}

void jd__moments_of_target(jd__moments *s, const double *z, int64_t stride, const double *y, const int32_t *row,
                           int64_t n)
{
    const int m = s->m;
    s->y = s->yy = 0;
    for (int64_t r = 0; r < n; r++) {
        s->y += y[r];
        s->yy += y[r] * y[r];
    }
    for (int p = 1; p <= s->degree; p++)
        for (int i = 0; i < m; i++) {
            const double *u = z + i * stride;
            double sum = 0;
            for (int64_t r = 0; r < n; r++) sum += y[r] * power(u[row[r]], p);
            s->y_one[p][i] = sum;
        }
    for (int p = 1; p < s->degree; p++)
        for (int q = 1; q <= p && p + q <= s->degree; q++)
            for (int i = 0; i < m; i++)
                for (int j = p == q ? i : 0; j < m; j++) {
                    const double *u = z + i * stride, *v = z + j * stride;
                    double sum = 0;
                    for (int64_t r = 0; r < n; r++) sum += y[r] * power(u[row[r]], p) * power(v[row[r]], q);
                    s->y_two[p][q][(int64_t)i * m + j] = sum;
                    if (p == q) s->y_two[p][q][(int64_t)j * m + i] = sum;
                }
}

static double input_moment(const jd__moments *s, int p, int q, int i, int j)
{
    if (!p && !q) return s->rows;
    if (!q) return s->one[p][i];
    if (!p) return s->one[q][j];
    return p >= q ? s->two[p][q][(int64_t)i * s->m + j] : s->two[q][p][(int64_t)j * s->m + i];
}

static double target_moment(const jd__moments *s, int p, int q, int i, int j)
{
    if (!p && !q) return s->y;
    if (!q) return s->y_one[p][i];
    if (!p) return s->y_one[q][j];
    return p >= q ? s->y_two[p][q][(int64_t)i * s->m + j] : s->y_two[q][p][(int64_t)j * s->m + i];
}

void jd__moments_pair(const jd__moments *s, int terms, int i, int j, double *G, double *c)
{
    for (int a = 0; a < terms; a++) {
        const unsigned char *e = jd__polynomial_power[a];
        for (int b = 0; b <= a; b++) {
            const unsigned char *f = jd__polynomial_power[b];
            G[a * terms + b] = G[b * terms + a] = input_moment(s, e[0] + f[0], e[1] + f[1], i, j);
        }
        c[a] = target_moment(s, e[0], e[1], i, j);
    }
}

bool jd__gmdh_solve(const double *G, const double *c, int k, double ridge, double *w)
{
    double L[JD_GMDH_TERMS * JD_GMDH_TERMS];
    for (int a = 0; a < k; a++)
        for (int b = 0; b <= a; b++) {
            double sum = G[a * k + b] * (a == b ? 1 + ridge : 1);
            for (int i = 0; i < b; i++) sum -= L[a * k + i] * L[b * k + i];
            if (a != b)
                L[a * k + b] = sum / L[b * k + b];
            else if (sum > 1e-13 * G[a * k + a])
                L[a * k + a] = sqrt(sum);
            else
                return false;
        }
    for (int a = 0; a < k; a++) {
        double sum = c[a];
        for (int i = 0; i < a; i++) sum -= L[a * k + i] * w[i];
        w[a] = sum / L[a * k + a];
    }
    for (int a = k - 1; a >= 0; a--) {
        double sum = w[a];
        for (int i = a + 1; i < k; i++) sum -= L[i * k + a] * w[i];
        w[a] = sum / L[a * k + a];
    }
    return true;
}

double jd__gmdh_error(const double *G, const double *c, double yy, const double *w, int k)
{
    double sum = yy;
    for (int a = 0; a < k; a++) {
        double g = 0;
        for (int b = 0; b < k; b++) g += G[a * k + b] * w[b];
        sum += w[a] * (g - 2 * c[a]);
    }
    return sum;
}
