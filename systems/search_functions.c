/* search_functions.c - see search_functions.h. */
#include "search_functions.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

const char *function_name(int kind)
{
    static const char *const name[FUNCTIONS] = {
        "sphere",         "ellipsoid",  "rotated ellipsoid",  "rotated discus", "rotated cigar",
        "rotated powers", "Rosenbrock", "rotated Rosenbrock", "Rastrigin",      "rotated Rastrigin"};
    return name[kind];
}

static bool rotated(int kind)
{
    return kind == F_RASTRIGIN_ROTATED || kind == F_ROSENBROCK_ROTATED ||
           (kind >= F_ELLIPSOID_ROTATED && kind <= F_POWERS_ROTATED);
}

/* Rows of normal numbers, made orthonormal one after the other (Gram and Schmidt). */
static void random_rotation(double *q, int n, jd_rng *r)
{
    for (int i = 0; i < n; i++) {
        double *row = q + i * n, length = 0;
        for (int k = 0; k < n; k++) row[k] = jd_rng_normal(r);
        for (int pass = 0; pass < 2; pass++) /* twice is enough */
            for (int j = 0; j < i; j++) {
                double dot = 0;
                for (int k = 0; k < n; k++) dot += row[k] * q[j * n + k];
                for (int k = 0; k < n; k++) row[k] -= dot * q[j * n + k];
            }
        for (int k = 0; k < n; k++) length += row[k] * row[k];
        for (int k = 0; k < n; k++) row[k] /= sqrt(length);
    }
}

void function_new(test_function *f, int kind, int dim, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "search/function", 0);
    const double far = kind == F_ROSENBROCK || kind == F_ROSENBROCK_ROTATED ? 3 : 4;
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->dim = dim;
    for (int i = 0; i < dim; i++) f->at[i] = far * (2 * jd_rng_uniform64(&r) - 1);
    for (int i = 0; i < dim; i++) f->turn[i * dim + i] = 1;
    if (rotated(kind)) random_rotation(f->turn, dim, &r);
}

static double rosenbrock(const double *z, int n)
{
    const double scale = fmax(1, sqrt(n) / 8);
    double sum = 0;
    for (int i = 0; i + 1 < n; i++) {
        const double a = scale * z[i] + 1, b = scale * z[i + 1] + 1;
        sum += 100 * (a * a - b) * (a * a - b) + (a - 1) * (a - 1);
    }
    return sum;
}

static double value(const test_function *f, const double *z)
{
    const int n = f->dim;
    double sum = 0, waves = 0;
    for (int i = 0; i < n; i++) {
        const double q = z[i] * z[i], t = (double)i / (n - 1);
        switch (f->kind) {
        case F_SPHERE: sum += q; break;
        case F_ELLIPSOID:
        case F_ELLIPSOID_ROTATED: sum += pow(10, 6 * t) * q; break;
        case F_DISCUS_ROTATED: sum += i ? q : 1e6 * q; break;
        case F_CIGAR_ROTATED: sum += i ? 1e6 * q : q; break;
        case F_POWERS_ROTATED: sum += pow(fabs(z[i]), 2 + 4 * t); break;
        case F_ROSENBROCK:
        case F_ROSENBROCK_ROTATED: return rosenbrock(z, n);
        default: /* Rastrigin, with axes of lengths 1 to sqrt(10) */
            sum += q * pow(10, t);
            waves += 1 - cos(2 * PI * z[i] * pow(10, t / 2));
        }
    }
    return f->kind == F_POWERS_ROTATED ? sqrt(sum) : sum + 10 * waves;
}

double function_value(const test_function *f, const double *x)
{
    double z[FUNCTION_DIM];
    const int n = f->dim;
    for (int i = 0; i < n; i++) {
        z[i] = 0;
        if (rotated(f->kind))
            for (int k = 0; k < n; k++) z[i] += f->turn[i * n + k] * (x[k] - f->at[k]);
        else
            z[i] = x[i] - f->at[i];
    }
    const double v = value(f, z);
    return f->root ? sqrt(sqrt(v)) : v;
}
