/*
 * cmaes.c - covariance matrix adaptation (N. Hansen, "The CMA evolution strategy: a tutorial").
 *
 * Candidates m + sigma B diag(d) z; the covariance C = B diag(d^2) B' learns from the best half (rank mu) and from the path
 * of the mean (rank one); the step size from the length of a second path.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "search/search.h"

enum { MEAN, SIGMA, C, B, SCALE, PATH_S, PATH_C, EIGEN_AT, Y, WEIGHT, ROOM, HISTORY };
enum { FLAT = 64 }; /* generations over which the best scores may not differ for the search to be stuck */

typedef struct rates {
    size_t mu;
    double mueff, cs, ds, cc, c1, cmu, chi;
} rates;

static rates find_rates(const jd_search *s)
{
    const double D = (double)s->D;
    rates r = {.mu = s->population / 2};
    double squares = 0;
    for (size_t i = 0; i < r.mu; i++) squares += s->field[WEIGHT].v[i] * s->field[WEIGHT].v[i];
    r.mueff = 1 / squares;
    r.cs = (r.mueff + 2) / (D + r.mueff + 5);
    r.ds = 1 + 2 * fmax(0, sqrt((r.mueff - 1) / (D + 1)) - 1) + r.cs;
    r.cc = (4 + r.mueff / D) / (D + 4 + 2 * r.mueff / D);
    r.c1 = 2 / ((D + 1.3) * (D + 1.3) + r.mueff);
    r.cmu = fmin(1 - r.c1, 2 * (r.mueff - 2 + 1 / r.mueff) / ((D + 2) * (D + 2) + r.mueff));
    r.chi = sqrt(D) * (1 - 1 / (4 * D) + 1 / (21 * D * D)); /* mean length of a standard normal vector */
    return r;
}

static void allocate(jd_search *s)
{
    const size_t D = s->D, mu = s->population / 2;
    jd__search_field(s, MEAN, "mean", 1, D, true);
    jd__search_field(s, SIGMA, "sigma", 1, 1, true);
    jd__search_field(s, C, "C", D, D, true);
    jd__search_field(s, B, "B", D, D, true);
    jd__search_field(s, SCALE, "d", 1, D, true);
    jd__search_field(s, PATH_S, "p_sigma", 1, D, true);
    jd__search_field(s, PATH_C, "p_c", 1, D, true);
    jd__search_field(s, EIGEN_AT, "eigen_at", 1, 1, true);
    jd__search_field(s, HISTORY, "history", 1, FLAT, true);
    jd__search_field(s, Y, "y", s->population, D, false);
    jd__search_field(s, ROOM, "room", D + 2, D, false);
    double *w = jd__search_field(s, WEIGHT, "weight", 1, mu, false), sum = 0;
    for (size_t i = 0; w && i < mu; i++) {
        w[i] = jd__log64((double)mu + .5) - jd__log64((double)i + 1);
        sum += w[i];
    }
    for (size_t i = 0; w && i < mu; i++) w[i] /= sum;
}

static void start(jd_search *s)
{
    const size_t D = s->D;
    s->field[SIGMA].v[0] = s->o.sigma;
    s->field[EIGEN_AT].v[0] = 0;
    for (size_t i = 0; i < D; i++) {
        s->field[MEAN].v[i] = s->center0[i];
        s->field[SCALE].v[i] = 1;
        s->field[PATH_S].v[i] = s->field[PATH_C].v[i] = 0;
        for (size_t j = 0; j < D; j++) s->field[C].v[i * D + j] = s->field[B].v[i * D + j] = i == j;
    }
}

static void draw(jd_search *s, size_t k)
{
    const size_t D = s->D;
    const double *b = s->field[B].v, *scale = s->field[SCALE].v, sigma = s->field[SIGMA].v[0];
    double *y = s->field[Y].v + k * D, *x = s->x + k * D;
    jd_rng r = jd__search_rng(s, "search/noise", k);
    for (size_t i = 0; i < D; i++) y[i] = 0;
    for (size_t i = 0; i < D; i++) x[i] = scale[i] * jd_rng_normal(&r);
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < D; j++) y[i] += b[i * D + j] * x[j];
    for (size_t i = 0; i < D; i++) x[i] = s->field[MEAN].v[i] + sigma * y[i];
}

static void ask(jd_search *s)
{
    jd__search_each(s, s->asked, s->D * (s->D + 20), draw);
}

/* The two paths; w is the weighted mean of y.  Returns h_sigma, which holds the rank-one path back while the step size
 * grows quickly. */
static bool paths(jd_search *s, const rates *r, const double *w)
{
    const size_t D = s->D;
    const double *b = s->field[B].v, *scale = s->field[SCALE].v;
    double *ps = s->field[PATH_S].v, *pc = s->field[PATH_C].v, *t = s->field[ROOM].v + D, length = 0;
    for (size_t j = 0; j < D; j++) t[j] = 0;
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < D; j++) t[j] += b[i * D + j] * w[i];
    for (size_t j = 0; j < D; j++) t[j] /= scale[j];
    const double keep = 1 - r->cs, add = sqrt(r->cs * (2 - r->cs) * r->mueff);
    for (size_t i = 0; i < D; i++) {
        double z = 0; /* C^-1/2 w */
        for (size_t j = 0; j < D; j++) z += b[i * D + j] * t[j];
        ps[i] = keep * ps[i] + add * z;
        length += ps[i] * ps[i];
    }
    length = sqrt(length);
    const double faded = 1 - jd__exp64(fmax(2 * ((double)s->generation + 1) * jd__log64(keep), -600));
    const bool h = length / sqrt(faded) < (1.4 + 2 / ((double)D + 1)) * r->chi;
    const double addc = h ? sqrt(r->cc * (2 - r->cc) * r->mueff) : 0;
    for (size_t i = 0; i < D; i++) pc[i] = (1 - r->cc) * pc[i] + addc * w[i];
    s->field[SIGMA].v[0] *= jd__exp64(fmin(r->cs / r->ds * (length / r->chi - 1), 1));
    return h;
}

static void covariance(jd_search *s, const rates *r, bool h)
{
    const size_t D = s->D;
    double *c = s->field[C].v;
    const double *pc = s->field[PATH_C].v, *w = s->field[WEIGHT].v;
    const double keep = 1 - r->c1 - r->cmu + (h ? 0 : r->c1 * r->cc * (2 - r->cc));
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j <= i; j++) c[i * D + j] = keep * c[i * D + j] + r->c1 * pc[i] * pc[j];
    for (size_t k = 0; k < r->mu; k++) {
        const double *y = s->field[Y].v + (size_t)s->order[k] * D;
        for (size_t i = 0; i < D; i++) {
            const double yi = r->cmu * w[k] * y[i];
            for (size_t j = 0; j <= i; j++) c[i * D + j] += yi * y[j];
        }
    }
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < i; j++) c[j * D + i] = c[i * D + j];
}

static void tell(jd_search *s)
{
    const size_t D = s->D;
    const rates r = find_rates(s);
    double *w = s->field[ROOM].v;
    memset(w, 0, D * sizeof *w);
    for (size_t k = 0; k < r.mu; k++)
        for (size_t i = 0; i < D; i++) w[i] += s->field[WEIGHT].v[k] * s->field[Y].v[(size_t)s->order[k] * D + i];
    for (size_t i = 0; i < D; i++) s->field[MEAN].v[i] += s->field[SIGMA].v[0] * w[i];
    covariance(s, &r, paths(s, &r, w));
    s->field[HISTORY].v[s->generation % FLAT] = s->last_best;
    if ((double)(s->generation + 1) - s->field[EIGEN_AT].v[0] >= 1 / (10 * (double)D * (r.c1 + r.cmu))) {
        double *copy = s->field[ROOM].v + D;
        memcpy(copy, s->field[C].v, D * D * sizeof *copy);
        jd__eigen(copy, s->field[B].v, s->field[SCALE].v, D);
        for (size_t i = 0; i < D; i++) s->field[SCALE].v[i] = jd__sqrt_positive(s->field[SCALE].v[i]);
        s->field[EIGEN_AT].v[0] = (double)(s->generation + 1);
    }
}

static void summary(const jd_search *s, double *center, double *step)
{
    double sum = 0;
    for (size_t d = 0; d < s->D; d++) {
        if (center) center[d] = s->field[MEAN].v[d];
        sum += jd__log64(fmax(s->field[SCALE].v[d], 1e-300));
    }
    *step = s->field[SIGMA].v[0] * jd__exp64(sum / (double)s->D);
}

/* The tutorial's criteria: no room left, a condition number beyond float64, equal scores over many generations. */
static bool stuck(const jd_search *s)
{
    const double sigma = s->field[SIGMA].v[0];
    double most = 0, low = (double)INFINITY, high = 0;
    for (size_t i = 0; i < s->D; i++) {
        const double d = s->field[SCALE].v[i], mean = fabs(s->field[MEAN].v[i]);
        if (!(sigma * d < 1e150) || !isfinite(mean)) return true;
        most = fmax(most, sigma * sqrt(s->field[C].v[i * s->D + i]) / (1 + mean));
        low = fmin(low, d);
        high = fmax(high, d);
    }
    if (most < 1e-13 || !(high < 1e7 * low)) return true;
    if (s->generation < FLAT) return false;
    for (int i = 1; i < FLAT; i++)
        if (s->field[HISTORY].v[i] != s->field[HISTORY].v[0]) return false;
    return s->deviation == 0;
}

const jd_searcher jd__cmaes = {"cmaes", 1000, true, jd__default_population, allocate, start, ask, tell, stuck, summary};
