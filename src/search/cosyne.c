/*
 * cosyne.c - cooperative synapse neuroevolution (Gomez, Schmidhuber, Miikkulainen, JMLR 9:937-965, 2008).
 *
 * The population is a matrix: a column is a candidate, a row the subpopulation of one weight.  Children of the best quarter
 * replace the worst quarter; then rows are permuted, so that values that did well in one candidate meet others.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "search/search.h"

enum { NEXT = 2, ORDER, PROBABILITY, RANKED };

static void allocate(jd_search *s)
{
    jd__breed_allocate(s);
    jd__search_field(s, NEXT, "next", s->population, s->D, false);
    jd__search_field(s, ORDER, "order", 2, s->population, false); /* four 32-bit numbers for each member */
    jd__search_field(s, PROBABILITY, "probability", 1, s->population, false);
    jd__search_field(s, RANKED, "ranked", 1, s->population, false);
}

/* Where one-point crossover cuts: before a dimension that begins a segment; 0..D. */
static size_t cut(const jd_search *s, jd_rng *r)
{
    size_t at = jd_rng_below(r, (uint32_t)s->D);
    while (at > 0 && s->segment[at] == s->segment[at - 1]) at--;
    return at;
}

/* next (best first) = the population by rank, its last quarter replaced by mutated children of the first. */
static void breed(jd_search *s, const uint32_t *order, size_t quarter)
{
    const size_t D = s->D, m = s->population;
    const double *pop = s->field[JD_POP].v;
    double *next = s->field[NEXT].v;
    for (size_t k = 0; k < m - quarter; k++) memcpy(next + k * D, pop + order[k] * D, D * sizeof *next);
    for (size_t k = m - quarter; k < m; k++) {
        jd_rng r = jd__search_rng(s, "search/breed", k);
        const double *a = next + jd_rng_below(&r, (uint32_t)quarter) * D;
        const double *b = next + jd_rng_below(&r, (uint32_t)quarter) * D;
        const size_t at = cut(s, &r);
        for (size_t d = 0; d < D; d++) next[k * D + d] = d < at ? a[d] : b[d];
        jd__mutate(s, &r, next + k * D, D);
    }
}

/* The probability that an entry of member k (best first) is permuted. */
static void mark(const jd_search *s, const uint32_t *order, size_t quarter, double *p)
{
    const size_t m = s->population;
    const double *known = s->field[JD_KNOWN].v, high = known[order[0]], low = known[order[m - 1]];
    for (size_t k = 0; k < m; k++) {
        const double height = high > low && isfinite(low) ? (known[order[k]] - low) / (high - low) : 0;
        const double root = height > 0 ? jd__exp64(jd__log64(height) / (double)s->D) : 0;
        p[k] = s->o.cosyne == JD_COSYNE_ALL ? 1 : s->o.cosyne == JD_COSYNE_MARKED ? 1 - root : k >= quarter;
        if (s->o.cosyne != JD_COSYNE_ALL && k >= m - quarter) p[k] = 0; /* children keep what they got */
    }
}

/* Shuffles, dimension by dimension, the entries that are marked; members that change lose their score. */
static void permute(jd_search *s, const double *p, uint32_t *marked, uint32_t *shuffled, double *known)
{
    const size_t D = s->D;
    double *next = s->field[NEXT].v, *pop = s->field[JD_POP].v;
    memcpy(pop, next, s->population * D * sizeof *pop);
    jd_rng r = jd__search_rng(s, "search/permute", 0);
    for (size_t d = 0; d < D; d++) {
        size_t n = 0;
        for (size_t k = 0; k < s->population; k++)
            if (p[k] >= 1 || (p[k] > 0 && jd_rng_uniform64(&r) < p[k])) marked[n++] = (uint32_t)k;
        memcpy(shuffled, marked, n * sizeof *marked);
        jd_rng_shuffle(&r, shuffled, n);
        for (size_t i = 0; i < n; i++) {
            pop[marked[i] * D + d] = next[shuffled[i] * D + d];
            if (marked[i] != shuffled[i]) known[marked[i]] = (double)NAN;
        }
    }
}

static void tell(jd_search *s)
{
    const size_t m = s->population, quarter = m / 4;
    uint32_t *order = (uint32_t *)(void *)s->field[ORDER].v;
    double *p = s->field[PROBABILITY].v, *known = s->field[JD_KNOWN].v;
    jd__breed_learn(s, order);
    breed(s, order, quarter);
    mark(s, order, quarter, p);
    double *kept = s->field[RANKED].v;
    for (size_t k = 0; k < m; k++) kept[k] = k < m - quarter && !s->o.again ? known[order[k]] : (double)NAN;
    for (size_t k = 0; k < m; k++) known[k] = kept[k];
    permute(s, p, order + 2 * m, order + 3 * m, known);
}

const jd_searcher jd__cosyne = {"cosyne",      0,    false, jd__breed_population, allocate, jd__breed_start,
                                jd__breed_ask, tell, NULL,  jd__breed_summary};
