/*
 * search.h - black-box search: it sees only a vector and a score.
 *
 * A search proposes vectors, is told how good they are, and proposes better ones:
 *
 *     jd_search *s = jd_search_new(ctx, &(jd_search_options){.method = JD_SEARCH_XNES, .dim = 34, .budget = 20000});
 *     for (size_t n; (x = jd_search_ask(s, &n)) != NULL; jd_search_tell(s, score)) evaluate(x, n, score);   // x (n, dim)
 *     const double *best = jd_search_best(s, &score_of_it);
 *
 * Vectors and scores are float64.  The vectors of a search that converges differ from their mean by 1e-8 of it and less,
 * which float32 cannot hold; a network's weights are rounded once, where they are used.
 *
 * Every random number is a function of (seed, restart, generation, candidate), and no sum depends on the number of
 * threads: the same options and scores give the same vectors, bit for bit.  A saved search goes on bit for bit.
 * A score that is not a number counts as worse than any; equal scores rank by their place.
 *
 * Sources.  SNES: Schaul, Glasmachers, Schmidhuber, GECCO 2011.  xNES: Glasmachers, Schaul, Sun, Wierstra, Schmidhuber,
 * GECCO 2010; both: Wierstra et al., JMLR 15:949-980, 2014.  CMA-ES: Hansen, "The CMA evolution strategy: a tutorial";
 * restarts with growing populations: Auger and Hansen, CEC 2005.  CoSyNE: Gomez, Schmidhuber, Miikkulainen, JMLR
 * 9:937-965, 2008.  ESP: Gomez and Miikkulainen, Adaptive Behavior 5, 1997.
 */
#ifndef JACKDAW_SEARCH_H
#define JACKDAW_SEARCH_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_search jd_search;

typedef enum jd_search_method {
    JD_SEARCH_SNES,   /* separable natural evolution strategy: a step size for each dimension */
    JD_SEARCH_XNES,   /* exponential natural evolution strategy: a full covariance; dim <= 1000 */
    JD_SEARCH_CMAES,  /* covariance matrix adaptation; dim <= 1000 */
    JD_SEARCH_COSYNE, /* cooperative synapse neuroevolution: a population of values for each dimension */
    JD_SEARCH_ESP,    /* enforced subpopulations: a population for each segment (neuron) of the vector */
    JD_SEARCH_GA,     /* genetic algorithm: truncation selection, uniform crossover, Gaussian mutation, one elite */
    JD_SEARCH_RANDOM, /* independent draws around the centre: the baseline */
    JD_SEARCH_METHODS
} jd_search_method;

/* Which values CoSyNE permutes among the candidates, dimension by dimension. */
typedef enum jd_cosyne_rule {
    JD_COSYNE_MIDDLE, /* all but those of the best quarter and of the new children */
    JD_COSYNE_ALL,    /* all */
    JD_COSYNE_MARKED /* candidate j with probability 1 - ((f_j - f_min) / (f_max - f_min))^(1/dim), the published rule */
} jd_cosyne_rule;

typedef struct jd_search_options {
    jd_search_method method;
    size_t dim;        /* length of the vectors */
    size_t population; /* candidates a generation; 0: 4 + floor(3 ln dim) for SNES, xNES, CMA-ES and random search, 40
                        * for CoSyNE and GA; ESP: members of each subpopulation (0: 20) */
    uint64_t seed;
    bool minimize; /* a lower score is better */
    double sigma;  /* first step size; for CoSyNE, ESP and GA the first vectors are uniform within centre +- sigma;
                           * 0: 1 */
    const double *center; /* (dim) first mean; NULL: zeros.  Copied */
    int64_t budget;       /* evaluations that are never exceeded; 0: no limit */
    int repeats;          /* scores asked for each candidate of a noisy problem; their mean counts; 0: 1 */
    bool has_target;      /* the search is done when a score reaches `target` */
    double target;
    bool restart;     /* start anew when stuck: from the centre, or for CoSyNE, ESP and GA around the best vector
                       * ("burst mutation"); without it the search is then done */
    int64_t patience; /* stuck also after so many generations without a better best; 0: not */
    double grow;      /* the population's factor at each restart; 0: 1.  CMA-ES with 2 is IPOP */
    double mutation;  /* CoSyNE, ESP, GA: probability that a value of a child is mutated; 0: 0.3 (GA: 1) */
    double spread;    /* their scale of mutations, Cauchy (GA: Gaussian); 0: 0.3 */
    jd_cosyne_rule cosyne;
    int trials;          /* ESP: vectors of a generation that each member is part of; 0: 3 */
    bool best_of_trials; /* ESP: a member is as good as the best of them, instead of their mean */
    bool again;          /* CoSyNE, GA: survivors are evaluated anew in each generation, as noise demands */
    const uint32_t
        *segment; /* (dim) ESP: the subpopulation of each dimension, 0, 1, 2 ...; CoSyNE's crossover cuts only
                              * between two segments.  NULL: each dimension its own.  Copied */
} jd_search_options;

/* Errors: JD_EUSAGE (an option out of its range), JD_ENOMEM. */
JD_API jd_search *jd_search_new(jd_ctx *ctx, const jd_search_options *o);
JD_API void jd_search_free(jd_search *s);

/* The candidates to evaluate, (*n, dim), valid until the next tell; the same ones when asked again.  NULL when the search
 * is done (jd_search_done) or an error is pending. */
JD_API const double *jd_search_ask(jd_search *s, size_t *n);
/* The scores (n, repeats) of what was asked.  Errors: JD_EUSAGE (nothing was asked). */
JD_API jd_status jd_search_tell(jd_search *s, const double *score);

/* Why the search is over: "budget", "target", "converged"; NULL while it is not. */
JD_API const char *jd_search_done(const jd_search *s);
/* The best vector evaluated so far (dim) and its score; NULL before the first tell. */
JD_API const double *jd_search_best(const jd_search *s, double *score);
/* The centre of the distribution, or of the population (dim); valid until the next call on this search. */
JD_API const double *jd_search_center(jd_search *s);

typedef struct jd_search_status {
    int64_t evaluations, generations; /* in all */
    int64_t restarts;
    size_t population;      /* of the present restart */
    double best, last_best; /* score: ever, and in the last generation */
    double mean, deviation; /* of the last generation's scores (those that are finite) */
    double step; /* geometric mean of the distribution's standard deviations; of a population: root mean square
                             * distance from its mean, per dimension */
} jd_search_status;
JD_API jd_search_status jd_search_state(const jd_search *s);

/* Saves between a tell and the next ask, or after an ask (which is then asked again).  A safetensors checkpoint that keeps
 * `keep` older generations (jd_checkpoint_save).  Errors: JD_EIO. */
JD_API jd_status jd_search_save(jd_search *s, const char *path, int keep);
/* Brings back the state into a search made with the same options.  On an error the search is as it was.
 * Errors: JD_ENOINPUT (no file), JD_EDATA (damaged, or of other options; the message names the first difference). */
JD_API jd_status jd_search_load(jd_search *s, const char *path);

/* "snes", "xnes", "cmaes", "cosyne", "esp", "ga", "random"; NULL for a number that is none. */
JD_API const char *jd_search_method_name(jd_search_method m);
/* JD_SEARCH_METHODS, and an error that names the nearest, for a name that is none. */
JD_API jd_search_method jd_search_method_named(jd_ctx *ctx, const char *name);

#ifdef __cplusplus
}
#endif
#endif
