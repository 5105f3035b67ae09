/*
 * octopus.h - the arm that reaches, as two systems set it: three starts, one target, fully recurrent networks whose weights
 * a search finds directly or as a few coefficients.
 */
#ifndef JD_SYSTEMS_OCTOPUS_H
#define JD_SYSTEMS_OCTOPUS_H

#include "jackdaw/code.h"
#include "jackdaw/env.h"
#include "jackdaw/search.h"
#include "jackdaw/system.h"

enum {
    OCTOPUS_STATE = 82,
    OCTOPUS_UNITS = 32,
    OCTOPUS_STARTS = 3,    /* turned by -60, 0, 60 degrees */
    OCTOPUS_HELD_OUT = 20, /* angles within +-75 degrees that no search sees */
    OCTOPUS_STEPS = 120,
    OCTOPUS_GRID = 20, /* evaluations between two points of a curve */
    OCTOPUS_SEEDS = 20 /* at most */
};
#define OCTOPUS_GOOD 0.73 /* what is called a good reach when evaluations are counted */

typedef struct octopus {
    jd_run *r;
    jd_ctx *ctx;
    const char *env;
    jd_net_shape net;
    jd_rollout *rollout;
    size_t weights;
    double start[OCTOPUS_STARTS][OCTOPUS_STATE], held_out[OCTOPUS_HELD_OUT][OCTOPUS_STATE];
    double done, total; /* evaluations, for the progress line */
    jd_params *book;    /* outcomes so far, as checkpoints keep them */
    bool resume;        /* the book came from a run that was stopped */
} octopus;

jd_status octopus_open(octopus *o, jd_run *r, const char *env);
void octopus_close(octopus *o);
/* A trial is worth max(0, 1 - t/T d/12) after t of T steps, d being the tip's last distance from the target; nothing if
 * the arm bursts.  weights (n, weights), start (starts, state); score (n, starts), reached likewise or NULL. */
jd_status octopus_evaluate(octopus *o, const double *weights, size_t n, const double (*start)[OCTOPUS_STATE],
                           int starts, double *score, double *reached);

/* A code of weights, searched from several seeds side by side, and what came of it.  Fitness is the mean over starts. */
typedef struct octopus_way {
    const char *name, *key; /* for readers, and in the names of files */
    jd_code *code;
    jd_search_method method;
    double sigma;
    size_t population; /* 0: the method's own */
    size_t points;     /* of a curve */
    double *curve;     /* (seeds, points): best fitness after OCTOPUS_GRID, 2 OCTOPUS_GRID ... evaluations */
    double *best;      /* (seeds, genes) */
    double fitness[OCTOPUS_SEEDS];  /* in the end */
    double held_out[OCTOPUS_SEEDS]; /* mean fitness from angles not seen */
    double reached[OCTOPUS_SEEDS];  /* share of those from which the target was reached */
    double good[OCTOPUS_SEEDS];     /* evaluations until OCTOPUS_GOOD; NaN: never */
    double each[OCTOPUS_SEEDS][OCTOPUS_STARTS];
    bool over; /* nothing is left to search */
} octopus_way;
/* Goes on where a stopped run was. */
jd_status octopus_race(octopus *o, octopus_way *way, int seeds, int64_t budget);
void octopus_way_free(octopus *o, octopus_way *way);
int octopus_best_seed(const octopus_way *way, int seeds);
/* Best fitness after so many evaluations. */
double octopus_after(const octopus_way *way, int seed, int64_t evaluations);
double octopus_mean(const double *x, int n);
double octopus_sd(const double *x, int n);

/* Figures: curves over evaluations; a table of all ways; a film of one network from the three starts, what its muscles do
 * from the middle one; its coefficients and its weights. */
void octopus_show_curves(octopus *o, const octopus_way *way, int ways, int seeds, const char *caption);
void octopus_show_table(octopus *o, const octopus_way *way, int ways, int seeds, int64_t budget);
void octopus_show_motion(octopus *o, const double *weights, const char *caption);
/* Coefficients of the first array along dimensions `down` and down + 1; those of mean 0 along dimension 0, if that is
 * another, are left out. */
void octopus_show_coefficients(octopus *o, const jd_code *code, const double *genome, int down, const char *label,
                               const char *caption);
void octopus_save(octopus *o, const octopus_way *way, int seed, const double *weights);

#endif
