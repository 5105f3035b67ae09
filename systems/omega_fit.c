/* The table of the omega pattern and the statistics over it. */
#include "omega_fit.h"

#include <math.h>
#include <stdlib.h>

const jd__omega_event jd__omega_table[OMEGA_EVENTS] = {
    {13.8e9, "Big Bang", NULL},
    {3.5e9, "Life", NULL},
    {0.9e9, "Animal-like life", NULL},
    {220e6, "Mammals", NULL},
    {55e6, "Primates", NULL},
    {13e6, "Hominids", NULL},
    {3.5e6, "Stone tools", NULL},
    {850e3, "Controlled fire", NULL},
    {210e3, "Anatomically modern man", NULL},
    {50e3, "Behaviorally modern man", NULL},
    {13e3, "Neolithic revolution", NULL},
    {3300, "Iron age", NULL},
    {800, "Guns and rockets", NULL},
    {200, "Industrial revolution", NULL},
    {50, "Information revolution", NULL},
    {12, "Small computers with 1 brain power", "forecast"},
    {3, "no event named", "?"},
    {0.75, "no event named", "??"},
    {70 / 365.25, "no event named", "????"},
};

/* P(|t| < x) for whole degrees of freedom, by the finite series in cos(theta), theta = atan(x / sqrt(nu)) (Abramowitz
 * and Stegun 26.7.3, 26.7.4). */
static double student_within(double x, int nu)
{
    const double pi = 3.14159265358979323846;
    const double theta = atan(x / sqrt(nu)), c = cos(theta), s = sin(theta);
    double term = nu % 2 ? c : 1, sum = nu == 1 ? 0 : term;
    for (int i = nu % 2 ? 3 : 2; i <= nu - 2; i += 2) {
        term *= c * c * (i - 1) / i;
        sum += term;
    }
    return nu % 2 ? 2 / pi * (theta + s * sum) : s * sum;
}

double jd__student_975(int nu)
{
    if (nu < 1) return INFINITY;
    double lo = 0, hi = 13;
    for (int i = 0; i < 100; i++) {
        const double mid = (lo + hi) / 2;
        if (student_within(mid, nu) < 0.95)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

jd__omega_line jd__omega_fit(const double *t, int n)
{
    double mean = 0, sxy = 0, sxx = 0, syy = 0, ssr = 0;
    const double middle = (n - 1) / 2.0;
    for (int k = 0; k < n; k++) mean += log(t[k]) / n;
    for (int k = 0; k < n; k++) {
        const double x = k - middle, y = log(t[k]) - mean;
        sxy += x * y;
        sxx += x * x;
        syy += y * y;
    }
    jd__omega_line f = {.n = n, .slope = sxy / sxx};
    f.intercept = mean - f.slope * middle;
    for (int k = 0; k < n; k++) {
        const double e = log(t[k]) - f.intercept - f.slope * k;
        ssr += e * e;
    }
    f.ssr = ssr;
    f.s = sqrt(ssr / (n - 2));
    f.rms = sqrt(ssr / n);
    f.r2 = 1 - ssr / syy;
    const double half = jd__student_975(n - 2) * f.s / sqrt(sxx);
    f.q = exp(f.slope);
    f.q_low = exp(f.slope - half);
    f.q_high = exp(f.slope + half);
    f.T0 = exp(f.intercept);
    return f;
}

double jd__omega_ssr(const double *t, int n, double omega, const double *log_q)
{
    double mean = 0, sxy = 0, sxx = 0, ssr = 0;
    const double middle = (n - 1) / 2.0;
    /* Omega - y_k = t_k + (Omega - 2050): the small number is added last, so 13.8e9 costs no digits. */
    const double shift = omega - OMEGA_NOW;
    if (t[n - 1] + shift <= 0) return INFINITY;
    for (int k = 0; k < n; k++) mean += log(t[k] + shift) / n;
    for (int k = 0; k < n; k++) {
        const double x = k - middle;
        sxy += x * (log(t[k] + shift) - mean);
        sxx += x * x;
    }
    const double slope = log_q ? *log_q : sxy / sxx;
    for (int k = 0; k < n; k++) {
        const double e = log(t[k] + shift) - mean - slope * (k - middle);
        ssr += e * e;
    }
    return ssr;
}

/* Where ssr crosses `limit` between `inside` (below it) and `outside` (above it). */
static double crossing(const double *t, int n, const double *log_q, double limit, double inside, double outside)
{
    for (int i = 0; i < 200 && fabs(outside - inside) > 1e-9; i++) {
        const double mid = (inside + outside) / 2;
        if (jd__omega_ssr(t, n, mid, log_q) <= limit)
            inside = mid;
        else
            outside = mid;
    }
    return inside;
}

jd__omega_profile jd__omega_free(const double *t, int n, const double *log_q)
{
    const double last = OMEGA_NOW - t[n - 1]; /* the year of the last event: Omega lies after it */
    jd__omega_profile p = {.nu = log_q ? n - 2 : n - 3, .ssr = INFINITY};
    double grid_ssr = INFINITY;
    /* The span searched grows with the last event's distance, as does what the data can say. */
    const int steps = (int)(2 * 20 * t[n - 1]) + 2;
    for (int i = 1; i < steps; i++) {
        const double omega = last + 0.5 * i, ssr = jd__omega_ssr(t, n, omega, log_q);
        if (ssr < grid_ssr) {
            grid_ssr = ssr;
            p.best_half_year = omega;
        }
    }
    /* Golden section in the three grid points around the best. */
    const double g = (sqrt(5.0) - 1) / 2;
    double lo = p.best_half_year - 0.5, hi = p.best_half_year + 0.5;
    while (hi - lo > 1e-7) {
        const double a = hi - g * (hi - lo), b = lo + g * (hi - lo);
        if (jd__omega_ssr(t, n, a, log_q) < jd__omega_ssr(t, n, b, log_q))
            hi = b;
        else
            lo = a;
    }
    p.best = (lo + hi) / 2;
    p.ssr = jd__omega_ssr(t, n, p.best, log_q);
    /* F(1, nu) is the square of Student's t. */
    const double q = jd__student_975(p.nu), limit = p.ssr * (1 + q * q / p.nu);
    p.low = crossing(t, n, log_q, limit, p.best, last);
    double far = p.best + 1;
    while (jd__omega_ssr(t, n, far, log_q) <= limit && far < 1e9) far = p.best + 2 * (far - p.best);
    p.high = crossing(t, n, log_q, limit, p.best, far);
    return p;
}

static int compare(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

jd_status jd__omega_chance(jd_ctx *ctx, const double *t, int n, int draws, uint64_t seed, jd__omega_control *out)
{
    double x[OMEGA_EVENTS];
    if (n < 3 || n > OMEGA_EVENTS || draws < 1)
        return jd_fail(ctx, JD_EUSAGE, "omega: control of %d draws over %d events; take 1 draw or more", draws, n);
    jd__omega_control c = {.draws = draws};
    c.r2 = jd_alloc_array(ctx, (size_t)draws, sizeof(double));
    c.rms = jd_alloc_array(ctx, (size_t)draws, sizeof(double));
    if (jd_error(ctx)) {
        jd__omega_control_free(ctx, &c);
        return jd_error(ctx);
    }
    const double low = log(t[n - 1]), high = log(t[0]);
    for (int i = 0; i < draws; i++) {
        jd_rng r = jd_rng_new(seed, "omega/control", (uint64_t)i);
        for (int k = 0; k < n; k++) x[k] = -(low + (high - low) * jd_rng_uniform64(&r));
        qsort(x, (size_t)n, sizeof x[0], compare);
        for (int k = 1; k < n - 1; k++) x[k] = exp(-x[k]);
        x[0] = t[0];
        x[n - 1] = t[n - 1];
        const jd__omega_line f = jd__omega_fit(x, n);
        c.r2[i] = f.r2;
        c.rms[i] = f.rms;
    }
    qsort(c.r2, (size_t)draws, sizeof(double), compare);
    qsort(c.rms, (size_t)draws, sizeof(double), compare);
    *out = c;
    return JD_OK;
}

void jd__omega_control_free(jd_ctx *ctx, jd__omega_control *c)
{
    jd_free(ctx, c->r2);
    jd_free(ctx, c->rms);
    *c = (jd__omega_control){0};
}

double jd__omega_quantile(const double *sorted, int n, double p)
{
    const double at = p * (n - 1);
    const int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}
