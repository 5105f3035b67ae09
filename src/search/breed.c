/*
 * breed.c - what the methods that breed a population share.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "search/search.h"

/* Cauchy's distribution as the tangent of a uniform angle. */
static double cauchy(jd_rng *r, double scale)
{
    double sine, cosine;
    jd_sincos(JD_PI * (jd_rng_uniform64(r) - .5), &sine, &cosine);
    return scale * sine / fmax(cosine, 1e-12);
}

void jd__mutate(const jd_search *s, jd_rng *r, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (jd_rng_uniform64(r) < s->o.mutation) x[i] += cauchy(r, s->o.spread);
}

size_t jd__breed_population(const jd_search *s)
{
    (void)s;
    return 40;
}

void jd__breed_allocate(jd_search *s)
{
    jd__search_field(s, JD_POP, "population", s->population, s->D, true);
    jd__search_field(s, JD_KNOWN, "known", 1, s->population, true);
}

void jd__breed_members(jd_search *s)
{
    for (size_t k = 0; k < s->population; k++) {
        double *x = s->field[JD_POP].v + k * s->D;
        jd_rng r = jd__search_rng(s, "search/start", k);
        for (size_t d = 0; d < s->D; d++)
            x[d] = s->restarts ? s->best[d] + cauchy(&r, s->o.spread)
                               : s->center0[d] + s->o.sigma * (2 * jd_rng_uniform64(&r) - 1);
    }
}

void jd__breed_start(jd_search *s)
{
    jd__breed_members(s);
    for (size_t k = 0; k < s->population; k++) s->field[JD_KNOWN].v[k] = (double)NAN;
}

void jd__breed_ask(jd_search *s)
{
    s->asked = 0;
    for (size_t k = 0; k < s->population; k++)
        if (isnan(s->field[JD_KNOWN].v[k]))
            memcpy(s->x + s->asked++ * s->D, s->field[JD_POP].v + k * s->D, s->D * sizeof *s->x);
}

void jd__breed_learn(jd_search *s, uint32_t *order)
{
    size_t row = 0;
    double *known = s->field[JD_KNOWN].v;
    for (size_t k = 0; k < s->population; k++)
        if (isnan(known[k])) known[k] = s->score[row++];
    jd__rank(known, order, s->population);
}

void jd__breed_summary(const jd_search *s, double *center, double *step)
{
    const size_t members = s->field[JD_POP].rows;
    double squares = 0;
    for (size_t d = 0; d < s->D; d++) {
        double mean = 0;
        for (size_t k = 0; k < members; k++) mean += s->field[JD_POP].v[k * s->D + d];
        mean /= (double)members;
        if (center) center[d] = mean;
        for (size_t k = 0; k < members; k++) {
            const double off = s->field[JD_POP].v[k * s->D + d] - mean;
            squares += off * off;
        }
    }
    *step = sqrt(squares / (double)members / (double)s->D);
}
