/* minimize.c - L-BFGS with a line search to the strong Wolfe conditions. */
#include <math.h>
#include <string.h>

#include "jackdaw/minimize.h"

/* Wolfe: a step must gain at least DOWN of what the slope promises and leave at most FLAT of the slope. */
#define DOWN 1e-4
#define FLAT 0.9
enum { MOST_TRIALS = 40 };

typedef struct lbfgs {
    jd_ctx *ctx;
    jd_objective *f;
    void *user;
    size_t n;
    int memory, held, newest;
    double *x, *g;               /* where the search stands, and the gradient */
    double *trial, *trial_g, *d; /* of the line search; its direction */
    double *s, *y, *rho, *alpha; /* (memory,n) steps and changes of the gradient; 1 / s'y; scratch */
    double value;
    int64_t evaluations;
} lbfgs;

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double largest(const double *a, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(a[i]));
    return most;
}

/* Value and slope along the direction at step t; the point and gradient stay in trial, trial_g. */
static double along(lbfgs *b, double t, double *slope)
{
    for (size_t i = 0; i < b->n; i++) b->trial[i] = b->x[i] + t * b->d[i];
    const double v = b->f(b->user, b->trial, b->trial_g);
    b->evaluations++;
    *slope = dot(b->trial_g, b->d, b->n);
    return isfinite(v) && isfinite(*slope) ? v : (double)INFINITY;
}

/* The minimum of the cubic through two values and slopes, kept away from the ends of the interval; its middle where the
 * cubic has none. */
static double between(double t0, double v0, double s0, double t1, double v1, double s1)
{
    const double width = t1 - t0, middle = t0 + 0.5 * width;
    if (!isfinite(v1) || !isfinite(s1)) return t0 + 0.1 * width;
    const double a = s0 + s1 - 3 * (v0 - v1) / (t0 - t1), under = a * a - s0 * s1;
    if (!(under >= 0)) return middle;
    const double root = copysign(sqrt(under), width);
    const double t = t1 - width * (s1 + root - a) / (s1 - s0 + 2 * root);
    const double low = t0 + 0.1 * width, high = t1 - 0.1 * width;
    return isfinite(t) && (t - low) * (t - high) < 0 ? t : middle;
}

/* Moves x to a point that meets the strong Wolfe conditions; false when no step goes down. */
static bool line_search(lbfgs *b, double t, double slope0)
{
    const double v0 = b->value;
    double lo = 0, lo_v = v0, lo_s = slope0, hi = 0, hi_v = 0, hi_s = 0;
    bool bracketed = false;
    for (int k = 0; k < MOST_TRIALS && !jd_error(b->ctx); k++) {
        double s;
        const double v = along(b, t, &s);
        if (v > v0 + DOWN * t * slope0 || v >= lo_v + 1e-15 * fabs(lo_v)) {
            hi = t, hi_v = v, hi_s = s, bracketed = true;
        } else if (fabs(s) <= -FLAT * slope0) {
            b->value = v;
            return true;
        } else {
            if (bracketed ? s * (hi - lo) >= 0 : s >= 0) hi = lo, hi_v = lo_v, hi_s = lo_s, bracketed = true;
            lo = t, lo_v = v, lo_s = s;
        }
        t = bracketed ? between(lo, lo_v, lo_s, hi, hi_v, hi_s) : 4 * t;
        if (bracketed && fabs(hi - lo) * largest(b->d, b->n) <= 1e-16 * (1 + largest(b->x, b->n))) break;
    }
    if (!(lo_v < v0)) return false; /* rounding errors hide what is left to gain */
    double s;
    b->value = along(b, lo, &s);
    return isfinite(b->value);
}

/* d = -H g by the two loops over the pairs held. */
static void direction(lbfgs *b)
{
    const size_t n = b->n;
    for (size_t i = 0; i < n; i++) b->d[i] = -b->g[i];
    for (int k = 0; k < b->held; k++) {
        const int at = (b->newest - k + b->memory) % b->memory;
        const double *s = b->s + (size_t)at * n, *y = b->y + (size_t)at * n;
        b->alpha[at] = b->rho[at] * dot(s, b->d, n);
        for (size_t i = 0; i < n; i++) b->d[i] -= b->alpha[at] * y[i];
    }
    if (b->held) {
        const double *y = b->y + (size_t)b->newest * n;
        const double scale = 1 / (b->rho[b->newest] * dot(y, y, n));
        for (size_t i = 0; i < n; i++) b->d[i] *= scale;
    }
    for (int k = b->held - 1; k >= 0; k--) {
        const int at = (b->newest - k + b->memory) % b->memory;
        const double *s = b->s + (size_t)at * n, *y = b->y + (size_t)at * n;
        const double beta = b->rho[at] * dot(y, b->d, n);
        for (size_t i = 0; i < n; i++) b->d[i] += (b->alpha[at] - beta) * s[i];
    }
}

/* x becomes the trial point; the pair is kept when it has positive curvature. */
static void advance(lbfgs *b)
{
    const size_t n = b->n;
    const int at = (b->newest + 1) % b->memory;
    double *s = b->s + (size_t)at * n, *y = b->y + (size_t)at * n;
    for (size_t i = 0; i < n; i++) {
        s[i] = b->trial[i] - b->x[i];
        y[i] = b->trial_g[i] - b->g[i];
    }
    memcpy(b->x, b->trial, n * sizeof *b->x);
    memcpy(b->g, b->trial_g, n * sizeof *b->g);
    const double curvature = dot(s, y, n);
    if (!(curvature > 1e-300)) return;
    b->rho[at] = 1 / curvature;
    b->newest = at;
    if (b->held < b->memory) b->held++;
}

static void search(lbfgs *b, const jd_minimize_options *o, jd_minimum *m)
{
    const double tolerance = o->tolerance > 0 ? o->tolerance : 1e-10;
    const int64_t most = o->iterations ? o->iterations : 1000;
    b->value = b->f(b->user, b->x, b->g);
    b->evaluations = 1;
    if (!jd_error(b->ctx) && !(isfinite(b->value) && isfinite(dot(b->g, b->g, b->n))))
        jd_fail(b->ctx, JD_EUSAGE, "jd_minimize: the function is not finite at the start; begin elsewhere");
    while (!jd_error(b->ctx) && m->iterations < most) {
        if (largest(b->g, b->n) <= tolerance) break;
        direction(b);
        double slope = dot(b->g, b->d, b->n);
        if (!(slope < 0)) { /* the pairs no longer describe a convex function: begin anew, straight down */
            b->held = 0;
            direction(b);
            slope = -dot(b->g, b->g, b->n);
        }
        const double length = sqrt(dot(b->g, b->g, b->n));
        const double first = o->first_step > 0 ? o->first_step / length : fmin(1, 1 / length);
        if (!line_search(b, b->held ? 1 : first, slope)) {
            if (!b->held) break;
            b->held = 0; /* once more, straight down */
            continue;
        }
        m->iterations++;
        advance(b);
    }
    m->value = b->value;
    m->slope = largest(b->g, b->n);
    m->evaluations = b->evaluations;
    m->converged = m->slope <= tolerance;
}

jd_status jd_minimize(jd_ctx *ctx, const jd_minimize_options *o, jd_objective *f, void *user, double *x, size_t n,
                      jd_minimum *out)
{
    static const jd_minimize_options defaults = {0};
    if (jd_error(ctx)) return jd_error(ctx);
    if (!o) o = &defaults;
    if (n < 1 || o->iterations < 0 || o->memory < 0 || o->memory > 1000)
        return jd_fail(ctx, JD_EUSAGE,
                       "jd_minimize: %zu unknowns, iterations %lld, memory %d; at least one unknown and no negative "
                       "option are needed, memory at most 1000",
                       n, (long long)o->iterations, o->memory);
    jd_minimum m = {0};
    lbfgs b = {.ctx = ctx, .f = f, .user = user, .n = n, .memory = o->memory ? o->memory : 12, .x = x};
    const size_t pairs = (size_t)b.memory;
    double *vectors = jd_alloc_array(ctx, n, (4 + 2 * pairs) * sizeof(double));
    double *scalars = jd_alloc_array(ctx, 2 * pairs, sizeof(double));
    if (vectors && scalars) {
        double **const part[] = {&b.g, &b.trial, &b.trial_g, &b.d};
        for (size_t i = 0; i < 4; i++) *part[i] = vectors + i * n;
        b.s = vectors + 4 * n;
        b.y = b.s + pairs * n;
        b.rho = scalars;
        b.alpha = scalars + pairs;
        search(&b, o, &m);
    }
    jd_free(ctx, vectors);
    jd_free(ctx, scalars);
    if (out) *out = m;
    return jd_error(ctx);
}
