/*
 * xnes.c - exponential natural evolution strategy (Glasmachers, Schaul, Sun, Wierstra, Schmidhuber, GECCO 2010).
 *
 * The search distribution is mu + sigma B s with det B = 1 and s standard normal; the update multiplies B by the
 * exponential of a symmetric matrix, so that the covariance stays positive whatever the step.
 */
#include <math.h>

#include "base/dmath.h"
#include "search/search.h"

enum { MU, SIGMA, B, NOISE, UTILITY, GM, EXPM, ROOM };

static void allocate(jd_search *s)
{
    const size_t D = s->D;
    jd__search_field(s, MU, "mu", 1, D, true);
    jd__search_field(s, SIGMA, "sigma", 1, 1, true);
    jd__search_field(s, B, "B", D, D, true);
    jd__search_field(s, NOISE, "noise", s->population, D, false);
    jd__search_field(s, GM, "G_M", D, D, false);
    jd__search_field(s, EXPM, "expm", D, D, false);
    jd__search_field(s, ROOM, "room", 2 * D, D, false);
    double *u = jd__search_field(s, UTILITY, "utility", 1, s->population, false);
    if (u) jd__utilities(u, s->population);
}

static void start(jd_search *s)
{
    const size_t D = s->D;
    s->field[SIGMA].v[0] = s->o.sigma;
    for (size_t i = 0; i < D; i++) {
        s->field[MU].v[i] = s->center0[i];
        for (size_t j = 0; j < D; j++) s->field[B].v[i * D + j] = i == j;
    }
}

static void draw(jd_search *s, size_t k)
{
    const size_t D = s->D;
    const double *mu = s->field[MU].v, sigma = s->field[SIGMA].v[0], *b = s->field[B].v;
    double *noise = s->field[NOISE].v + k * D, *x = s->x + k * D;
    jd_rng r = jd__search_rng(s, "search/noise", k);
    for (size_t d = 0; d < D; d++) noise[d] = jd_rng_normal(&r);
    for (size_t i = 0; i < D; i++) {
        double y = 0;
        for (size_t j = 0; j < D; j++) y += b[i * D + j] * noise[j];
        x[i] = mu[i] + sigma * y;
    }
}

static void ask(jd_search *s)
{
    jd__search_each(s, s->asked, s->D * (s->D + 20), draw);
}

static void tell(jd_search *s)
{
    const size_t D = s->D;
    const double *u = s->field[UTILITY].v;
    double *mu = s->field[MU].v, *sigma = s->field[SIGMA].v, *b = s->field[B].v, *gm = s->field[GM].v;
    double *gd = s->field[ROOM].v, *e = s->field[EXPM].v;
    const double eta = (9 + 3 * jd__log64((double)D)) / (5 * (double)D * sqrt((double)D));
    for (size_t i = 0; i < D; i++) gd[i] = 0;
    for (size_t i = 0; i < D * D; i++) gm[i] = 0;
    for (size_t k = 0; k < s->asked; k++) {
        const double *noise = s->field[NOISE].v + (size_t)s->order[k] * D;
        for (size_t i = 0; i < D; i++) {
            const double ui = u[k] * noise[i];
            gd[i] += ui;
            gm[i * D + i] -= u[k];
            for (size_t j = 0; j < D; j++) gm[i * D + j] += ui * noise[j];
        }
    }
    for (size_t i = 0; i < D; i++) {
        double y = 0;
        for (size_t j = 0; j < D; j++) y += b[i * D + j] * gd[j];
        mu[i] += sigma[0] * y;
    }
    double trace = 0;
    for (size_t i = 0; i < D; i++) trace += gm[i * D + i];
    trace /= (double)D;
    sigma[0] *= jd__exp64(fmin(eta / 2 * trace, 100));
    for (size_t i = 0; i < D; i++) gm[i * D + i] -= trace;
    for (size_t i = 0; i < D; i++) /* eta/2 G_B, symmetric to the last bit */
        for (size_t j = 0; j <= i; j++) gm[i * D + j] = gm[j * D + i] = eta / 4 * (gm[i * D + j] + gm[j * D + i]);
    jd__expm(gm, e, s->field[ROOM].v, D);
    jd__matmul64(b, e, s->field[ROOM].v, D);
    for (size_t i = 0; i < D * D; i++) b[i] = s->field[ROOM].v[i];
}

static void summary(const jd_search *s, double *center, double *step)
{
    for (size_t d = 0; center && d < s->D; d++) center[d] = s->field[MU].v[d];
    *step = s->field[SIGMA].v[0];
}

static bool stuck(const jd_search *s)
{
    double most = 0, least = (double)INFINITY;
    for (size_t i = 0; i < s->D; i++) {
        double row = 0;
        for (size_t j = 0; j < s->D; j++) row += s->field[B].v[i * s->D + j] * s->field[B].v[i * s->D + j];
        const double deviation = s->field[SIGMA].v[0] * sqrt(row), mu = fabs(s->field[MU].v[i]);
        if (!(deviation < 1e150) || !isfinite(mu)) return true;
        most = fmax(most, deviation / (1 + mu));
        least = fmin(least, deviation);
    }
    return most < 1e-13 || least < 1e-150;
}

const jd_searcher jd__xnes = {"xnes", 1000, true, jd__default_population, allocate, start, ask, tell, stuck, summary};
