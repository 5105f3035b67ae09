/*
 * controller.h - the parts of "controller-model": a recurrent net C that acts and a recurrent net M that learns what acting
 * leads to (Schmidhuber, FKI-126-90 and IJCNN 1990).  C is trained by gradients that come to its actions through M.
 *
 *     C:  h_C(t) = tanh(W_C [x(t); h_C(t-1); 1]),        a(t) = squash(V_C [h_C(t); 1] + noise)
 *     M:  h_M(t) = tanh(W_M [x(t); a(t); h_M(t-1); 1]),  o(t) = V_M [h_M(t); 1], what M says of x(t+1) and of reward
 *
 * The weights of both lie in stores of their own; where C learns, those of M come in as inputs: constants.
 */
#ifndef CONTROLLER_H
#define CONTROLLER_H

#include "jackdaw/system.h"

/* ---- the worlds: controller_worlds.c ------------------------------------------------------------------------------------
 * Flip-flop: x = A, B, X, 1, pain(t-1); a = y in 0..1; o = pain(t) = (y - desired)^2.  Events come with .10, .15, .25; desired is
 * 1 from B until the next A.
 * Pole: x = position / 2.4, angle / .2094, no speeds; a in -1..1 is a force of up to 10 N; o = the change of x, times
 * CM_CHANGE.  Cart-pole without friction (R. Florian 2007), Euler steps of .02 s.
 * Maze: x = walls north, east, south, west, and at the start alone the flag, 1 (up) or -1; a = one of four moves; o = the
 * next x, and the reward: 2 or -2 at the ends of the T, else -.05.  Afterwards all is 0. */
typedef enum cm_task { CM_FLIPFLOP, CM_POLE, CM_MAZE } cm_task;
enum { CM_SEEN = 5, CM_ACTIONS = 4, CM_TOLD = 6, CM_CORRIDOR = 5, CM_MAZE_STEPS = 20, CM_POLE_STEPS = 1000 };
static const float CM_CHANGE[2] = {120, 20}; /* makes changes about 1 */

typedef struct cm_world {
    cm_task task;
    int t, seen, actions, told;
    bool over;
    double s[5]; /* flip-flop: desired; pole: x, x', angle, its speed; maze: column, row, flag */
    jd_rng rng;
} cm_world;
/* Begins an episode and says what is seen first. */
void cm_begin(cm_world *w, cm_task task, uint64_t seed, const char *stream, uint64_t index, float *x);
/* x: what is seen next; o: what M should have said. */
void cm_step(cm_world *w, const float *a, float *x, float *o);

/* ---- C and M: controller_net.c ------------------------------------------------------------------------------------------*/
typedef struct cm_options {
    cm_task task;
    int controller, model; /* hidden units */
    bool lstm;             /* M is an LSTM: the maze's flag is seen once */
    bool soft;             /* maze: the probabilities act in the place of one action (to compare) */
} cm_options;

typedef struct cm_pair {
    jd_ctx *ctx;
    cm_options o;
    int seen, actions, told, memory; /* memory: of M's state */
    jd_params *model, *controller;
    jd_fn *fit, *improve, *act, *plan;
} cm_pair;

/* Weights are drawn from the context's seed.  real: JD_F32, or JD_F64 to check gradients. */
jd_status cm_pair_new(jd_ctx *ctx, cm_pair *p, const cm_options *o, jd_dtype real);
void cm_pair_free(cm_pair *p);

/* One step of learning for M: x (L,B,seen), a (L,B,actions), o (L,B,told), counts (L,B,1) 1 where o counts.   The loss. */
double cm_fit(cm_pair *p, const float *x, const float *a, const float *o, const float *counts, int64_t L, int64_t B,
              double rate);

/* One step of learning for C through M, unrolled for T steps: x (real,B,seen) are real inputs, afterwards M's own predictions
 * are seen; hc (B,controller) and hm (B,memory) the states before; noise (T,B,actions) goes to C's outputs before they are
 * squashed.  rate 0: nothing is learned.  heat: of the maze, what
 * J pays for the entropy of each choice, lest C make up its mind too soon.  Returns J; net (T,B,actions), C's outputs before noise, and dream (T,B,told), what M
 * said, are valid until the next call; either may be NULL. */
double cm_improve(cm_pair *p, const float *x, int64_t real, const float *hc, const float *hm, const float *noise,
                  int64_t T, int64_t B, double rate, double heat, const float **net, const float **dream);

/* One step in the world: C sees x (B,seen), acts (a), M follows; states hc, hm are replaced.  With `given`, a is an input
 * and C only watches.  told (B,told), what M expects, may be NULL. */
jd_status cm_act(cm_pair *p, const float *x, const float *noise, float *hc, float *hm, bool given, float *a,
                 float *told, int64_t B);

/* Planning (1990): `rounds` steps of gradient descent on u (H,B,actions), actions before they are squashed, from x (B,seen)
 * and hm (B,memory), all M's predictions; each row by itself.  Leaves in u the best found; returns J, summed over B. */
double cm_plan(cm_pair *p, const float *x, const float *hm, float *u, int64_t H, int64_t B, int rounds, double rate);

/* The gradient of J for C's weights through M, in float64, beside central differences: the largest difference over the
 * largest derivative.  NAN on error. */
double cm_check(jd_ctx *ctx, const cm_options *o);

/* ---- acting and learning: controller_play.c, controller_learn.c ----------------------------------------------------------*/
typedef enum cm_how {
    CM_RANDOM, /* anything: to begin with */
    CM_NOISY,  /* C, with "probabilistic output units": noise, or draws */
    CM_GREEDY, /* C alone */
    CM_PLAN,   /* the pole: plans alone, the last one shifted */
    CM_BOTH    /* the pole: what C would do in M's dream, made better by planning */
} cm_how;

/* B episodes of at most T steps, side by side. */
typedef struct cm_play {
    int64_t T, B;
    float *x, *a, *o, *told; /* (T,B,..) */
    float *noise;            /* (T,B,actions), before squashing */
    float *hc, *hm;          /* (T,B,..), before each step */
    double *state;           /* (T,B,5): of the world, before each step */
    int *length;             /* (B) */
    double sigma;            /* of noise */
    bool explore;            /* noise on plans as well */
    int horizon, rounds;     /* of plans */
    double rate;
} cm_play;
jd_status cm_play_new(jd_ctx *ctx, cm_play *e, const cm_pair *p, int64_t T, int64_t B);
void cm_play_free(jd_ctx *ctx, cm_play *e);
jd_status cm_play_run(cm_pair *p, cm_play *e, cm_how how, uint64_t seed, const char *stream, uint64_t first);
double cm_play_mean(const cm_play *e); /* length */

/* All that M has seen. */
typedef struct cm_pool {
    float *x, *a, *o;
    int64_t steps, room;
    int64_t *end; /* (episodes) one past its last step */
    int64_t episodes, places;
    double blur; /* of noise on actions while M learns: between moves it then answers with something between */
} cm_pool;
jd_status cm_pool_add(cm_pair *p, cm_pool *pool, const cm_play *e);
void cm_pool_free(jd_ctx *ctx, cm_pool *pool);
/* M learns from `updates` batches of B windows of at most L steps, the rate falling to a tenth; the mean of the last losses. */
double cm_pool_fit(cm_pair *p, const cm_pool *pool, int updates, int64_t L, int64_t B, double rate, uint64_t seed,
                   uint64_t batch);

enum { CM_SEEDS = 100, CM_POINTS = 60, CM_SHOWN = 60, CM_CYCLES = 12, CM_TESTS = 30, CM_DREAM = 40 };

/* Two ways: M first, then C through the frozen M; or both at every step. */
enum { CM_SEQUENTIAL, CM_PARALLEL, CM_WAYS };
typedef struct cm_flipflop {
    int seeds;
    double bits[CM_WAYS][CM_SEEDS]; /* share right, 30 test episodes of 60 steps */
    double x[CM_POINTS];            /* updates of C */
    int points;
    double curve[CM_WAYS][CM_SEEDS * CM_POINTS]; /* (seeds, CM_POINTS): pain */
    float shown[CM_SHOWN][8];                    /* of the first seed: A, B, X, desired, y, pain, what M says */
} cm_flipflop;

enum { CM_ALONE, CM_PLANNED, CM_TOGETHER, CM_ACTORS };
typedef struct cm_pole {
    int seeds, cycles;
    double steps[CM_ACTORS][CM_SEEDS], whole[CM_ACTORS][CM_SEEDS]; /* mean length; episodes of 1,000 steps, of 30 */
    double least[CM_ACTORS][CM_SEEDS];
    double curve[CM_SEEDS * CM_CYCLES]; /* steps on episodes for choosing, after each cycle */
    double error[CM_SEEDS * CM_CYCLES]; /* of M */
    int done[CM_SEEDS];                 /* cycles */
    int plan_cycles[CM_SEEDS];          /* after which all plans held, or the last */
    double *path[CM_ACTORS]; /* of the first seed: (CM_POLE_STEPS,5) states of one test episode, to be freed */
    float *force[CM_ACTORS]; /* (CM_POLE_STEPS) */
    int length[CM_ACTORS];
    float dream[CM_DREAM][4]; /* position and angle, by M without looking, and as they were */
} cm_pole;

enum { CM_HARD, CM_SOFT, CM_KINDS, CM_SOFT_SEEDS = 3 }; /* to compare: the first seeds with soft actions, too */
typedef struct cm_maze {
    int seeds, points;
    double right[CM_KINDS][CM_SEEDS];                           /* of the two flags, 0, 1 or 2 */
    double x[CM_POINTS], curve[CM_KINDS][CM_SEEDS * CM_POINTS]; /* reward of drawn actions, dreamt */
    double error[CM_SEEDS];
    int path[2][CM_MAZE_STEPS], length[2];               /* columns; of the first seed, by flag */
    float told[2][CM_MAZE_STEPS], got[2][CM_MAZE_STEPS]; /* reward that M expects, and what comes */
    int row[2];                                          /* where it ended */
} cm_maze;

/* Learns and tests one seed's pair (index i). */
jd_status cm_flipflop_learn(jd_run *r, cm_flipflop *f, int i);
jd_status cm_pole_learn(jd_run *r, cm_pole *f, int i);
jd_status cm_maze_learn(jd_run *r, cm_maze *f, int i);

void cm_report_flipflop(jd_run *r, const cm_flipflop *f);
void cm_report_pole(jd_run *r, const cm_pole *f);
void cm_report_maze(jd_run *r, const cm_maze *f);

#endif
