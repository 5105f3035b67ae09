/*
 * snes.c - separable natural evolution strategy (Schaul, Glasmachers, Schmidhuber, GECCO 2011), and random search.
 */
#include <math.h>

#include "base/dmath.h"
#include "cpu/control.h"
#include "search/search.h"

enum { MU, SIGMA, NOISE, UTILITY, BLOCK = 1024 };

/* Numbers from one candidate's noise to the next. */
static size_t row(const jd_search *s)
{
    return (s->D + 63) / 64 * 64;
}

static float *noise_of(const jd_search *s) /* (population, row) */
{
    return (float *)(void *)s->field[NOISE].v;
}

static void allocate(jd_search *s)
{
    jd__search_field(s, MU, "mu", 1, s->D, true);
    jd__search_field(s, SIGMA, "sigma", 1, s->D, true);
    jd__search_field(s, NOISE, "noise", s->population, row(s) / 2, false); /* two to a float64 */
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
    const jd_rng r = jd__search_rng(s, "search/noise", k);
    jd__control_find(s->ctx->isa)
        ->noise(r.key, r.ctr + 2, 0, s->D, s->field[MU].v, s->field[SIGMA].v, noise_of(s) + k * row(s),
                s->x + k * s->D);
}

static void ask(jd_search *s)
{
    jd__search_each(s, s->asked, s->D, draw);
}

/* One block of dimensions. */
static void move(jd_search *s, size_t block)
{
    const size_t begin = block * BLOCK, end = begin + BLOCK < s->D ? begin + BLOCK : s->D;
    const double eta = (3 + jd__log64((double)s->D)) / (5 * sqrt((double)s->D));
    jd__control_find(s->ctx->isa)
        ->separable_move(end - begin, s->asked, s->order, s->field[UTILITY].v, noise_of(s) + begin, row(s), eta,
                         s->field[MU].v + begin, s->field[SIGMA].v + begin);
}

static void tell(jd_search *s)
{
    jd__search_each(s, (s->D + BLOCK - 1) / BLOCK, s->asked * BLOCK / 2, move);
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
        const double part = sigma / (1 + fabs(mu));
        if (part > most) most = part;
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
