/*
 * reward_race.h - learners from reward, one after another with seeds of their own, tested as they learn until they have
 * solved their task; and what is kept of them.
 */
#ifndef JACKDAW_SYSTEMS_REWARD_RACE_H
#define JACKDAW_SYSTEMS_REWARD_RACE_H

#include "jackdaw/reward.h"
#include "jackdaw/system.h"

enum { RL_POINTS = 128, RL_SEEDS = 32 };

typedef struct rl_method {
    const char *label;
    bool values; /* advantage learning; otherwise policy gradients */
    jd_policy_options policy;
    jd_advantage_options advantage;
} rl_method;

/* One learner. */
typedef struct rl_outcome {
    double done;          /* 1: it has ended */
    double solved;        /* steps until the first of the tests that it passed in a row; 0: it did not */
    double steps;         /* in all */
    double score, other;  /* of the last test */
    double points;        /* tests */
    double at[RL_POINTS]; /* their scores */
} rl_outcome;

typedef struct rl_race {
    const char *name; /* of this race in the book, and of its curves */
    rl_method method;
    int seeds;
    uint64_t seed;         /* of the first */
    int64_t budget, every; /* steps that may be learned from; between tests */
    jd_play_options test;  /* its seed is that of the first test; every test has episodes of its own */
    int in_a_row;          /* tests to be passed, one after the other */
    double goal;           /* score that passes */
    double (*score)(const jd_episodes *e);
    double (*other)(const jd_episodes *e); /* another number about a test, or NULL */
    rl_outcome out[RL_SEEDS];
    double *weights; /* of the first learner that solved the task, or else of the last; NULL before */
    size_t weight_count;
    bool weights_solved;
} rl_race;

/* Runs the learners that the book (float64, saved with the run) does not know yet.  false: stopped, or an error. */
bool rl_race_run(jd_run *r, jd_params *book, rl_race *race);
void rl_race_free(jd_ctx *ctx, rl_race *race);

int rl_solved(const rl_race *race);
/* Steps of the median learner, one that fails counting as endless. */
double rl_median(const rl_race *race);

/* A learner with the weights that were kept; give it back with rl_learner_free. */
typedef struct rl_learner {
    jd_policy *policy;
    jd_advantage *advantage;
} rl_learner;
rl_learner rl_learner_kept(jd_ctx *ctx, const rl_race *race);
void rl_learner_free(rl_learner *l);
const jd_episodes *rl_play(const rl_learner *l, const jd_play_options *o);

/* Gates (steps,4H), cells (steps,H) of the kept policy's LSTM in episode i of e, to be given to jd_free. */
jd_status rl_inside(jd_ctx *ctx, const rl_learner *l, const rl_race *race, const jd_episodes *e, int64_t i,
                    float **gates, float **cells);

/* Curves of all races in one chart, and a table of them. */
void rl_draw_curves(jd_run *r, const rl_race *race, int races, const char *score, double low, double high,
                    const char *caption);
void rl_draw_table(jd_run *r, const rl_race *race, int races, const char *other, const char *caption);
/* The kept weights of a race as the run's model. */
void rl_save(jd_run *r, const rl_race *race);

#endif
