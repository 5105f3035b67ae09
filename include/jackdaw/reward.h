/*
 * reward.h - learning from reward by gradient: recurrent policy gradients, and advantage learning with LSTM.
 *
 * Both learn to act in an environment (env.h) that shows only part of its state; memory carries the rest.
 *
 *     jd_policy *p = jd_policy_new(ctx, &(jd_policy_options){.env = "t-maze", .units = 12, .episodes = 64});
 *     while (steps < budget) jd_policy_train(p, &at), steps = at.steps;                  // plays, learns from it
 *     const jd_episodes *e = jd_policy_play(p, &(jd_play_options){.episodes = 100, .greedy = true});
 *
 * Recurrent policy gradients (D. Wierstra, A. Foerster, J. Peters, J. Schmidhuber, ICANN 2007; Logic Journal of the IGPL
 * 18(5), 2010; REINFORCE: R. Williams 1992): the policy pi(a_t | h_t) sees the history through the state h_t of an LSTM and
 * follows
 *     sum over t of grad log pi(a_t | h_t) (R_t - b(h'_t)),    R_t = sum over k >= t of gamma^(k-t) r_k,
 * averaged over episodes, back through time.  The baseline b is a second LSTM that learns R_t by mean squared error.
 *
 * Advantage learning (L. Baird, M. Harmon 1993; with LSTM, eligibility traces and directed exploration: B. Bakker, NIPS 14,
 * 2001): outputs A(s,a), V(s) = max over a of A(s,a), and after each step
 *     delta = V(s_t) + (r_t + gamma V(s_t+1) - V(s_t)) / kappa - A(s_t,a_t)             (at an end V(s_t+1) = 0)
 *     e = gamma lambda e + dA(s_t,a_t)/dw,     w += alpha delta e.
 * dA/dw is the truncated real-time gradient of 1997: exact within the cells for all time, but nothing flows back through
 * the recurrent weights.  A small net beside it learns v = |delta| + beta v' of where it is still wrong, and sets the
 * temperature v / C at which actions are drawn.
 *
 * The results are functions of the options and seeds: the number of threads does not change them.
 */
#ifndef JACKDAW_REWARD_H
#define JACKDAW_REWARD_H

#include "jackdaw/env.h"
#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- episodes --------------------------------------------------------------------------------------------------------*/

/* What n actors saw and did; past an episode's end observations and rewards are 0 and actions -1. */
typedef struct jd_episodes {
    int64_t n, T;              /* episodes; steps of the longest */
    int input, action, state;  /* numbers a step */
    const float *obs;          /* (T,n,input): the observation and, with `see_action`, the action before */
    const float *act;          /* (T,n,action): a choice 0, 1 ... or real numbers */
    const float *reward;       /* (T,n) */
    const double *states;      /* (T,n,state): before each step; NULL unless asked for */
    const int32_t *length;     /* (n) */
    const uint8_t *terminated; /* (n): 1 when the environment ended it, 0 when the time was over */
} jd_episodes;
/* Sum of the rewards of episode i. */
JD_API double jd_episode_return(const jd_episodes *e, int64_t i);

typedef struct jd_play_options {
    int64_t episodes;   /* 0: 1 */
    uint64_t seed;      /* episode i begins with jd_env_reset(seed + i) */
    int64_t time_limit; /* 0: the environment's */
    bool greedy;        /* the likeliest action, or the mean; otherwise drawn */
    bool states;        /* record the environment's states */
} jd_play_options;

/* ---- policy gradients as nodes ---------------------------------------------------------------------------------------*/

/* R_t of reward (T,B), from t on, discounted by gamma; 0 past the end. */
JD_API void jd_returns(const float *reward, const int32_t *length, int64_t T, int64_t B, double gamma, float *ret);
/* - 1/B sum over b and t of advantage log pi(action): logits (T,B,A), int32 action (T,B), negative past the end;
 * advantage (T,B) counts as a constant. */
JD_API jd_node jd_policy_loss(jd_graph *g, jd_node logits, jd_node action, jd_node advantage);
/* The same for independent normal distributions: mean (T,B,A), log_sigma (A), action (T,B,A); the advantage is 0 past the
 * end. */
JD_API jd_node jd_gauss_policy_loss(jd_graph *g, jd_node mean, jd_node log_sigma, jd_node action, jd_node advantage);

/* ---- policy gradients as a learner ------------------------------------------------------------------------------------*/

typedef enum jd_memory {
    JD_MEMORY_LSTM,
    JD_MEMORY_SRN, /* Elman's net */
    JD_MEMORY_NONE /* tanh units that see the present observation only */
} jd_memory;
typedef enum jd_baseline {
    JD_BASELINE_HISTORY, /* a second net of the same kind that sees the same history */
    JD_BASELINE_MEAN,    /* the mean return at this time over the batch */
    JD_BASELINE_NONE
} jd_baseline;

typedef struct jd_policy_options {
    const char *env;
    jd_env_options env_options; /* count is not used */
    jd_memory memory;
    int64_t units;               /* 0: 12 */
    double forget_bias, in_bias; /* of the LSTM's gates at first; forget 0 means 1 */
    double init;                 /* the memory's weights at first uniform within +-init; 0: 1/sqrt(units) */
    bool see_action;             /* the net also sees the action before, one of `choices` as one-hot */
    int64_t episodes;            /* of an update; 0: 32 */
    int64_t time_limit;          /* of training episodes; 0: the environment's */
    double discount;             /* gamma; 0: 1 */
    jd_baseline baseline;
    double rate, baseline_rate; /* 0: 0.01 both */
    double momentum;            /* > 0: gradient descent with momentum; 0: Adam */
    double clip;                /* largest norm of a gradient; 0: off */
    double entropy;             /* weight of the policy's entropy as a bonus; 0: none, as published */
    double sigma;               /* first standard deviation of real actions; 0: 0.5 */
    uint64_t seed;              /* of episodes and actions; the weights' is the context's */
} jd_policy_options;
typedef struct jd_learning {
    int64_t episodes, steps; /* in all so far */
    double reward, length;   /* means of the episodes that ended in the last call; NAN: none did */
} jd_learning;

typedef struct jd_policy jd_policy;
/* Errors: JD_EUSAGE (environment, options). */
JD_API jd_policy *jd_policy_new(jd_ctx *ctx, const jd_policy_options *o);
JD_API void jd_policy_free(jd_policy *p);
JD_API jd_params *jd_policy_params(jd_policy *p); /* of the policy, "policy/..." */
/* One batch of episodes and one update of policy and baseline. */
JD_API jd_status jd_policy_train(jd_policy *p, jd_learning *at);
/* Acts; valid until the next call on p.  NULL on error. */
JD_API const jd_episodes *jd_policy_play(jd_policy *p, const jd_play_options *o);
/* The gradient estimate of the expected return from n episodes drawn with this seed (see jd_play_options), for one
 * baseline: gradient (jd_params_count).  Nothing is learned. */
JD_API jd_status jd_policy_gradient(jd_policy *p, jd_baseline baseline, int64_t n, uint64_t seed, float *gradient);

/* ---- advantage learning ------------------------------------------------------------------------------------------------*/

typedef struct jd_advantage_options {
    const char *env; /* one with choices */
    jd_env_options env_options;
    int64_t time_limit;          /* of training episodes; 0: the environment's */
    int cells, hidden;           /* LSTM cells and tanh units; both see inputs and cells */
    double forget_bias, in_bias; /* at first; forget 0 means 1 */
    bool see_action;
    double discount, lambda, kappa; /* 0: 0.98, 0.8, 0.3.  Below kappa = 0.1 it diverges easily */
    double rate;                    /* alpha; 0: 2e-4 */
    double explore;                 /* C: temperature is v / C; 0: 1 */
    double coldest;                 /* the least temperature; 0: 1e-3, which is as good as greedy */
    double explore_discount;        /* beta; 0: 0.95 */
    double explore_rate;            /* 0: 1e-3 */
    double epsilon;                 /* > 0: in place of all that, a random action with this probability */
    bool cut_traces;                /* traces begin anew after an action that was not the best */
    double init;                    /* weights at first uniform within +-init; 0: 0.1 */
    uint64_t seed;                  /* of weights, episodes and actions */
} jd_advantage_options;
typedef struct jd_advantage jd_advantage;
/* Errors: JD_EUSAGE. */
JD_API jd_advantage *jd_advantage_new(jd_ctx *ctx, const jd_advantage_options *o);
JD_API void jd_advantage_free(jd_advantage *a);
/* The weights, float64, one vector: cells (4,cells,C) in gate order i f z o and tanh units (hidden,C), with C columns for
 * inputs, cells and bias; then outputs (actions, cells + hidden + 1). */
JD_API double *jd_advantage_weights(jd_advantage *a, size_t *n);
/* Acts and learns for about `steps` steps, 16 copies of the environment together, each with traces of its own; the copies
 * go on where the last call left them.  Errors: JD_EDIVERGED. */
JD_API jd_status jd_advantage_train(jd_advantage *a, int64_t steps, jd_learning *at);
/* As jd_policy_play; drawn actions use the temperature that was learned. */
JD_API const jd_episodes *jd_advantage_play(jd_advantage *a, const jd_play_options *o);

#ifdef __cplusplus
}
#endif
#endif
