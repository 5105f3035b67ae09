/*
 * snes.c - separable natural evolution strategy (Schaul, Glasmachers, Schmidhuber, GECCO 2011), and random search.
 */
#include <math.h>

#include "base/dmath.h"
#include "search/search.h"

enum { MU, SIGMA, NOISE, UTILITY, BLOCK = 1024 };

static void allocate(jd_search *s)
{
    jd__search_field(s, MU, "mu", 1, s->D, true);
    jd__search_field(s, SIGMA, "sigma", 1, s->D, true);
    jd__search_field(s, NOISE, "noise", s->population, s->D, false);
    double *u = jd__search_field(s, UTILITY, "utility", 1, s->population, false);
    if (u) jd__utilities(u, s->population);
}

static void start(jd_search *s)
{
    for (size_t d = 0; d < s->D; d++) {
        s->field[MU].v[d] = s->center0[d];
        s->field[SIGMA].v[d] = s->o.sigma;
    }
}

static void draw(jd_search *s, size_t k)
{
    const double *mu = s->field[MU].v, *sigma = s->field[SIGMA].v;
    double *noise = s->field[NOISE].v + k * s->D, *x = s->x + k * s->D;
    jd_rng r = jd__search_rng(s, "search/noise", k);
    for (size_t d = 0; d < s->D; d++) {
        noise[d] = jd_rng_normal(&r);
        x[d] = mu[d] + sigma[d] * noise[d];
    }
}

static void ask(jd_search *s)
{
    jd__search_each(s, s->asked, s->D * 20, draw);
}

/* mu += sigma sum u s; sigma *= exp(eta/2 sum u (s^2 - 1)), for one block of dimensions. */
static void move(jd_search *s, size_t block)
{
    const size_t begin = block * BLOCK, end = begin + BLOCK < s->D ? begin + BLOCK : s->D;
    const double eta = (3 + jd__log64((double)s->D)) / (5 * sqrt((double)s->D));
    double first[BLOCK] = {0}, second[BLOCK] = {0};
    for (size_t k = 0; k < s->asked; k++) {
        const double u = s->field[UTILITY].v[k], *noise = s->field[NOISE].v + (size_t)s->order[k] * s->D + begin;
        for (size_t d = 0; d < end - begin; d++) {
            first[d] += u * noise[d];
            second[d] += u * (noise[d] * noise[d] - 1);
        }
    }
    double *mu = s->field[MU].v + begin, *sigma = s->field[SIGMA].v + begin;
    for (size_t d = 0; d < end - begin; d++) {
        mu[d] += sigma[d] * first[d];
        sigma[d] *= jd__exp64(fmin(eta / 2 * second[d], 100));
    }
}

static void tell(jd_search *s)
{
    jd__search_each(s, (s->D + BLOCK - 1) / BLOCK, s->asked * BLOCK, move);
}

static void summary(const jd_search *s, double *center, double *step)
{
    double sum = 0;
    for (size_t d = 0; d < s->D; d++) {
        if (center) center[d] = s->field[MU].v[d];
        sum += jd__log64(fmax(s->field[SIGMA].v[d], 1e-300));
    }
    *step = jd__exp64(sum / (double)s->D);
}

static bool stuck(const jd_search *s)
{
    double most = 0;
    for (size_t d = 0; d < s->D; d++) {
        const double sigma = s->field[SIGMA].v[d], mu = s->field[MU].v[d];
        if (!(sigma < 1e150) || !isfinite(mu)) return true;
        most = fmax(most, sigma / (1 + fabs(mu)));
    }
    return most < 1e-13;
}

const jd_searcher jd__snes = {"snes", 0, true, jd__default_population, allocate, start, ask, tell, stuck, summary};

/* Random search never moves. */
static void stay(jd_search *s)
{
    (void)s;
}

const jd_searcher jd__random_search = {"random", 0,    true,   jd__default_population, allocate, start, ask,
                                       stay,     NULL, summary};
