/*
 * ga.c - a simple genetic algorithm: parents from the best quarter, uniform crossover, Gaussian mutation; the best
 * candidate survives.
 */
#include <math.h>
#include <string.h>

#include "search/search.h"

enum { NEXT = 2, ORDER };

static void allocate(jd_search *s)
{
    jd__breed_allocate(s);
    jd__search_field(s, NEXT, "next", s->population, s->D, false);
    jd__search_field(s, ORDER, "order", 1, s->population, false); /* two 32-bit numbers for each member */
}

static void tell(jd_search *s)
{
    uint32_t *order = (uint32_t *)(void *)s->field[ORDER].v;
    const size_t D = s->D, parents = s->population / 4;
    double *next = s->field[NEXT].v, *pop = s->field[JD_POP].v;
    jd__breed_learn(s, order);
    memcpy(next, pop + order[0] * D, D * sizeof *next);
    for (size_t k = 1; k < s->population; k++) {
        jd_rng r = jd__search_rng(s, "search/breed", k);
        const double *a = pop + order[jd_rng_below(&r, (uint32_t)parents)] * D;
        const double *b = pop + order[jd_rng_below(&r, (uint32_t)parents)] * D;
        for (size_t d = 0; d < D; d++) {
            next[k * D + d] = jd_rng_u32(&r) >> 31 ? a[d] : b[d];
            if (jd_rng_uniform64(&r) < s->o.mutation) next[k * D + d] += s->o.spread * jd_rng_normal(&r);
        }
    }
    const double best = s->field[JD_KNOWN].v[order[0]];
    memcpy(pop, next, s->population * D * sizeof *pop);
    for (size_t k = 0; k < s->population; k++) s->field[JD_KNOWN].v[k] = k || s->o.again ? (double)NAN : best;
}

const jd_searcher jd__ga = {"ga",          0,    false, jd__breed_population, allocate, jd__breed_start,
                            jd__breed_ask, tell, NULL,  jd__breed_summary};
