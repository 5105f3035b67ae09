/*
 * esp.c - enforced subpopulations (Gomez and Miikkulainen, Adaptive Behavior 5, 1997).
 *
 * Each segment of the vector (the weights of one neuron) has a population of its own.  Vectors are put together from random
 * members, each in three of them or as many as asked; a member's fitness is the mean of their scores, or the best.  The paper
 * has ten: a better mean, but two poles on a cart then take over twice as many vectors.
 */
#include <math.h>
#include <string.h>

#include "search/search.h"

enum { FITNESS = 1, MATE, ORDER, NEXT };

static size_t trials(const jd_search *s)
{
    return (size_t)s->o.trials;
}

static size_t default_population(const jd_search *s)
{
    (void)s;
    return 20;
}

static void allocate(jd_search *s)
{
    s->asked = trials(s) * s->population;
    jd__search_field(s, JD_POP, "population", s->population, s->D, true);
    jd__search_field(s, FITNESS, "fitness", s->segments, s->population, false);
    jd__search_field(s, MATE, "mate", trials(s) * s->segments, s->population, false);
    jd__search_field(s, ORDER, "order", 1, s->population, false); /* two 32-bit numbers for each member */
    jd__search_field(s, NEXT, "next", s->population, s->D, false);
}

/* In each trial every member takes part once: vector j gets, for each segment, the member at place j of a permutation. */
static void ask(jd_search *s)
{
    const size_t n = s->population, D = s->D;
    uint32_t *permutation = (uint32_t *)(void *)s->field[ORDER].v;
    for (size_t t = 0; t < trials(s); t++) {
        jd_rng r = jd__search_rng(s, "search/mate", t);
        double *mate = s->field[MATE].v + t * s->segments * n; /* (segments, n) */
        for (size_t g = 0; g < s->segments; g++) {
            for (size_t k = 0; k < n; k++) permutation[k] = (uint32_t)k;
            jd_rng_shuffle(&r, permutation, n);
            for (size_t k = 0; k < n; k++) mate[g * n + k] = permutation[k];
        }
        for (size_t k = 0; k < n; k++)
            for (size_t d = 0; d < D; d++)
                s->x[(t * n + k) * D + d] = s->field[JD_POP].v[(size_t)mate[s->segment[d] * n + k] * D + d];
    }
}

/* Each of the best quarter mates with a better one (the best with itself); the two children of one cut, mutated, take the
 * places of the lower half. */
static void breed(jd_search *s, size_t g, const uint32_t *order)
{
    const size_t n = s->population, D = s->D, parents = n / 4, first = n - n / 2;
    const double *pop = s->field[JD_POP].v;
    double *next = s->field[NEXT].v;
    size_t size = 0;
    for (size_t d = 0; d < D; d++) size += s->segment[d] == g;
    for (size_t k = 0; k < n; k++) {
        const size_t pair = k < first ? 0 : (k - first) / 2, low = pair % parents;
        jd_rng both = jd__search_rng(s, "search/pair", g * n + pair), r = jd__search_rng(s, "search/breed", g * n + k);
        const size_t high = low ? jd_rng_below(&both, (uint32_t)low) : 0;
        const size_t cut = jd_rng_below(&both, (uint32_t)size + 1);
        const size_t a = order[(k - first) % 2 ? high : low], b = order[(k - first) % 2 ? low : high];
        size_t i = 0;
        for (size_t d = 0; d < D; d++) {
            if (s->segment[d] != g) continue;
            next[k * D + d] = pop[(k < first ? order[k] : i < cut ? a : b) * D + d];
            if (k >= first) jd__mutate(s, &r, next + k * D + d, 1);
            i++;
        }
    }
}

static void tell(jd_search *s)
{
    const size_t n = s->population;
    uint32_t *order = (uint32_t *)(void *)s->field[ORDER].v;
    double *fitness = s->field[FITNESS].v;
    for (size_t i = 0; i < s->segments * n; i++) fitness[i] = s->o.best_of_trials ? (double)-INFINITY : 0;
    for (size_t t = 0; t < trials(s); t++)
        for (size_t g = 0; g < s->segments; g++)
            for (size_t k = 0; k < n; k++) {
                double *f = &fitness[g * n + (size_t)s->field[MATE].v[(t * s->segments + g) * n + k]];
                const double score = s->score[t * n + k];
                *f = s->o.best_of_trials ? fmax(*f, score) : *f + score;
            }
    for (size_t g = 0; g < s->segments; g++) {
        jd__rank(fitness + g * n, order, n);
        breed(s, g, order);
    }
    memcpy(s->field[JD_POP].v, s->field[NEXT].v, n * s->D * sizeof(double));
}

const jd_searcher jd__esp = {"esp", 0,    false, default_population, allocate, jd__breed_members,
                             ask,   tell, NULL,  jd__breed_summary};
