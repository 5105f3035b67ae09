/*
 * learning_to_learn.h - LSTMs that learn functions at run time: what the experiment (learning_to_learn.c) hands to its
 * report (learning_to_learn_report.c).
 */
#ifndef JACKDAW_SYSTEMS_LEARNING_TO_LEARN_H
#define JACKDAW_SYSTEMS_LEARNING_TO_LEARN_H

#include "claims.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"
#include "meta_functions.h"

enum { L2L_TRAINED = 50, L2L_CHANGING = 100, L2L_TEST = 200, L2L_LONG = 1000 }; /* examples */
enum { L2L_SEEDS = 5, L2L_TUNED = 10 }; /* the other learners are tuned on a tenth as many episodes as are tested */

/* What is done to an episode before the LSTM sees it. */
typedef enum l2l_change {
    L2L_AS_IS,
    L2L_SHUFFLED, /* the targets are mixed: there is nothing to learn but their mean */
    L2L_RESET,    /* the state is set to zero before each example: nothing is remembered */
    L2L_CHANGES
} l2l_change;

/* One LSTM, trained on one class. */
typedef struct l2l_net {
    meta_class kind;
    char name[32]; /* scope of its parameters and of its curves: "quadratic-1" */
    bool easy;     /* also hears the previous x, beside the previous target */
    int64_t units, layers, batch, updates;
    double clip, forget_bias;
    uint64_t seed, number; /* of the run; of the LSTM within its class */
    jd_params *params;
    jd_fn *ask;
    float *x, *y;                        /* (T,B,inputs), (T,B): training batches */
    double error[L2L_CHANGES][L2L_TEST]; /* squared error of each example of the window, mean over test episodes */
    double wrong[L2L_TEST];              /* Boolean: share of wrong answers */
    double seconds;                      /* of training */
} l2l_net;

/* Everything about one class. */
typedef struct l2l_class {
    meta_class kind;
    int64_t T, shown;    /* examples of a test episode, and of the window (meta_window) */
    int64_t first, last; /* the examples that the claim is about, from 1 */
    int seeds;
    l2l_net net[L2L_SEEDS];
    meta_setting setting[META_RULES], later[META_RULES]; /* the best for first .. last; for examples 951 .. 1000 */
    double error[META_RULES][L2L_LONG];                  /* with `setting`, on the same episodes as the LSTMs */
    double longer[META_RULES][L2L_LONG];                 /* nets alone, with `later`, up to L2L_LONG */
} l2l_class;

/* The class in the names of results. */
static inline const char *l2l_key(meta_class kind)
{
    return kind == META_SEMILINEAR ? "semilinear" : meta_name[kind];
}
static inline int64_t l2l_inputs(const l2l_net *n)
{
    return n->easy ? 5 : 3;
}
/* One step of an episode as the LSTM sees it: x(t), y(t-1) and, where it is easy, x(t-1). */
void l2l_input(const l2l_net *n, const double *x, const double *y, int64_t t, float *in);
/* The better of the two nets that learn by back-propagation on the examples of the claim. */
meta_rule l2l_rival(const l2l_class *c);

void l2l_report(jd_run *r, l2l_class *c, int classes, const claims *claims);

#endif
