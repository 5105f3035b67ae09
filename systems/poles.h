/*
 * poles.h - two poles on one cart as a test of search: what a network earns, when it has solved the task, and races of
 * many searches of one method.
 *
 * Tasks (Wieland 1991; Gruau, Whitley, Pyeatt 1996; Gomez and Miikkulainen 1999): with velocities a network earns the
 * steps it balances.  Without, it earns 0.1 t / 1000 + 0.9 f in a run of at most 1,000 steps, where f = 0 for t < 100 and
 * else 0.75 over the sum of |x| + |x'| + |t1| + |t1'| from step t - 100 to t, which keeps poles from being swung forever.
 * Solved: 100,000 steps, half an hour, from the first start.
 */
#ifndef JACKDAW_SYSTEMS_POLES_H
#define JACKDAW_SYSTEMS_POLES_H

#include "jackdaw/env.h"
#include "jackdaw/fn.h"
#include "jackdaw/search.h"
#include "jackdaw/system.h"

enum { POLES_STEPS = 100000, POLES_SHORT = 1000, POLES_STARTS = 625, POLES_GENERAL = 200, POLES_WEIGHTS = 64 };

typedef struct poles_method {
    const char *label;
    jd_search_options search; /* dim, seed and budget are the race's */
    jd_net_shape net;         /* at most POLES_WEIGHTS weights */
    double published;         /* evaluations, NAN: none */
    const char *source;       /* of the published figure, or NULL */
} poles_method;

/* One search.  Evaluations count the networks tried, in the order of the generation, up to the one that does it; 0: not
 * within the budget.  The tests that follow a run of 1,000 steps belong to the same evaluation. */
typedef struct poles_outcome {
    double balanced;               /* evaluations up to the first network that balances 100,000 steps */
    double general;                /* evaluations up to the first of these that passes Gruau's test */
    double starts;                 /* of its 625 starts, those from which the first network balances 1,000 steps */
    double starts_general;         /* the same of the network that passes */
    double weights[POLES_WEIGHTS]; /* of the last network counted */
    double tried;                  /* evaluations in all */
    double ended;                  /* 1: the search is over */
} poles_outcome;

typedef struct poles_judge poles_judge;
/* blind: without velocities. */
poles_judge *poles_judge_new(jd_ctx *ctx, bool blind, const jd_net_shape *net);
void poles_judge_free(poles_judge *j);
size_t poles_weights(const poles_judge *j);
/* What each of n networks (n, weights) earns, and how many steps it balances: up to 100,000, without velocities 1,000. */
jd_status poles_earn(poles_judge *j, const double *weights, size_t n, double *score, int64_t *steps);
/* Steps up to 100,000. */
jd_status poles_endure(poles_judge *j, const double *weights, size_t n, int64_t *steps);
/* From how many of the 625 starts (Gruau's grid) each network balances 1,000 steps.  steps (n, 625) or NULL. */
jd_status poles_generalise(poles_judge *j, const double *weights, size_t n, int *starts, int64_t *steps);
/* State of start i: x, x', t1, t1' each at 0.05, 0.25, 0.5, 0.75, 0.95 of its range; the short pole upright. */
void poles_start(int i, double state[6]);

/* Many searches of one method side by side, with seeds seed, seed + 1 ...; each ends when it has balanced (with `gruau`:
 * when Gruau's test is passed) or at the budget. */
typedef struct poles_race_options {
    const poles_method *method;
    const char *name; /* of this race in the book and in file names */
    bool blind, gruau;
    int runs;
    uint64_t seed;
    int64_t budget;
    jd_params *book; /* float64: what is known of the searches, saved with the run; one book for all races of a run */
    bool resume;     /* the book came from a run that was stopped: searches go on from where they were saved */
} poles_race_options;
/* out (runs).  Stopped by the user, everything is saved in the run's folder. */
jd_status poles_race(jd_run *r, const poles_race_options *o, poles_outcome *out);

#endif
