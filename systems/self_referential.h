/*
 * self_referential.h - what the experiment self-referential (self_referential.c) hands to its report
 * (self_referential_report.c): trials, each some nets trained on one task.
 */
#ifndef JACKDAW_SYSTEMS_SELF_REFERENTIAL_H
#define JACKDAW_SYSTEMS_SELF_REFERENTIAL_H

#include "claims.h"
#include "selfref.h"

enum { TRIAL_SEEDS = 10, TRIAL_POINTS = 40, TRIAL_AGAIN = 8 };

typedef enum trial_task {
    TASK_BOOLEAN, /* one of the 16 functions an episode */
    TASK_FOUR,    /* and, nand, or, nor */
    TASK_PAIRS,   /* 1 to 12 pairs */
    TASK_AGAIN,   /* 1 to 8 keys, each with two values one after the other */
    TASK_LINEAR   /* 20 examples of a linear function */
} trial_task;

typedef enum trial_name {
    TRIAL_SRWM,
    TRIAL_1993,
    TRIAL_DELTA,
    TRIAL_ADD,  /* as the delta rule, but for the rule */
    TRIAL_1992, /* additive, keys as they are */
    TRIAL_DELTA_AGAIN,
    TRIAL_ADD_AGAIN,
    TRIAL_LINEAR,
    TRIALS
} trial_name;

typedef struct trial {
    const char *label;
    trial_task task;
    selfref_options o;
    int seeds, updates, batch, points;
    double rate, seconds;
    double at[TRIAL_POINTS],
        curve[TRIAL_SEEDS][TRIAL_POINTS];           /* while it is trained: updates; score on other episodes */
    double right[TRIAL_SEEDS], frozen[TRIAL_SEEDS]; /* Boolean: share of right answers, and where no weight changes */
    double by[TRIAL_SEEDS][SELFREF_PAIRS + 1];      /* pairs: share of right signs, by their number */
    double error[TRIAL_SEEDS][SELFREF_EXAMPLES];    /* linear: squared error, by example */
    double ridge[SELFREF_EXAMPLES];
    selfref_net kept; /* the first net */
} trial;

typedef struct self_referential {
    jd_run *r;
    trial trial[TRIALS];
    selfref_episode e; /* scratch */
    int episodes;      /* for the figures, of each kind */
} self_referential;

/* Episode `index` of a stream; `n` pairs, or 0: as many as the stream's numbers say. */
void trial_episode(const trial *t, uint64_t seed, const char *stream, uint64_t index, int n, selfref_episode *e);
void self_referential_report(self_referential *s);

#endif
