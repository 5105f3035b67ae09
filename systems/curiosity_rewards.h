/*
 * curiosity_rewards.h - rewards for learning: prediction error, its improvement, information gain; models in tables that
 * give them, and a controller that seeks them.
 *
 * Sources: J. Schmidhuber, FKI-126-90 (error), FKI-149-91 and IJCNN 1991 (improvement); J. Storck, S. Hochreiter,
 * J. Schmidhuber, ICANN 1995 (information gain).
 */
#ifndef CURIOSITY_REWARDS_H
#define CURIOSITY_REWARDS_H

#include "jackdaw/base.h"

/* ---- improvement, in windows -------------------------------------------------------------------------------------------
 * The mean of the W errors before the last W, less that of the last W; 0 before there are 2 W. */
enum { CR_WINDOW = 50 };
typedef struct cr_window {
    double error[2 * CR_WINDOW]; /* the last ones, in a ring */
    int64_t n;
} cr_window;
void cr_window_add(cr_window *w, double error);
double cr_window_progress(const cr_window *w); /* signed */
double cr_window_error(const cr_window *w);    /* mean of the last W, or of as many as there are */

/* ---- a world model and its confidence, in tables ------------------------------------------------------------------------
 * M predicts `width` numbers for each of `entries` situations; K predicts M's squared error there.  Both move by a share of
 * the way to what was observed:  M += rate (x - M),  K += trust (e - K) with e the error before M moved.  The improvement
 * is how far K fell: K_old - K_new = trust (K_old - e), which has mean 0 where there is only noise. */
typedef struct cr_model {
    jd_ctx *ctx;
    int entries, width;
    double rate, trust;
    double *m, *k; /* (entries, width), (entries) */
} cr_model;
/* Everything is expected to be `guess` at first, with an error of `doubt`. */
cr_model cr_model_new(jd_ctx *ctx, int entries, int width, double guess, double doubt);
void cr_model_free(cr_model *m);
typedef struct cr_step {
    double error, improvement;
} cr_step;
cr_step cr_model_learn(cr_model *m, int entry, const double *x);
double cr_model_error(const cr_model *m, int entry, const double *x); /* sum of squares */

/* ---- counts of transitions -----------------------------------------------------------------------------------------------
 * p(next | pair) = (count + a) / (visits + 1) with a = 1 / states. */
typedef struct cr_counts {
    jd_ctx *ctx;
    int pairs, states;
    double *count, *visits; /* (pairs, states), (pairs) */
} cr_counts;
cr_counts cr_counts_new(jd_ctx *ctx, int pairs, int states);
void cr_counts_free(cr_counts *c);
double cr_counts_p(const cr_counts *c, int pair, int next);
/* Counts one transition; how much the estimate moved, in nats: sum_k p'_k log(p'_k / p_k). */
double cr_counts_learn(cr_counts *c, int pair, int next);

/* ---- the controller: Q-learning in a table --------------------------------------------------------------------------------
 * Q(s,a) += rate (r + discount max Q(s',.) - Q(s,a)), the rate never annealed since what is rewarded changes; greedy, ties
 * at random, and with probability `explore` any action.  Values that start high make
 * it try everything, with any reward or none. */
typedef struct cr_q {
    jd_ctx *ctx;
    int states, actions;
    double rate, discount, explore;
    double *q; /* (states, actions) */
} cr_q;
cr_q cr_q_new(jd_ctx *ctx, int states, int actions, double start);
void cr_q_free(cr_q *q);
int cr_q_choose(const cr_q *q, int state, jd_rng *r);
void cr_q_learn(cr_q *q, int state, int action, double reward, int next);

#endif
