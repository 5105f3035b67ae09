/*
 * world.h - the parts of "world-models" (Ha and Schmidhuber 2018): V, a variational autoencoder of pictures; M, an LSTM that
 * foretells V's codes as mixtures of normal distributions; C, a linear map from code and memory to actions.
 */
#ifndef WORLD_H
#define WORLD_H

#include "jackdaw/env.h"
#include "jackdaw/system.h"

enum { WM_ACTIONS = 3, WM_MIXTURES = 5, WM_SEEDS = 10, WM_POINTS = 400, WM_SHOWN = 7, WM_DREAM = 7, WM_STEPS = 1000 };

typedef struct wm_sizes {
    int side; /* of pictures: 64 as published, or 32 */
    int maps; /* of V's first layer; 32 as published */
    int z, h; /* of codes; cells of M: 32 and 256 as published */
} wm_sizes;

/* V, M: world_nets.c */
typedef struct wm_nets {
    jd_ctx *ctx;
    wm_sizes o;
    jd_params *v, *m;
    jd_fn *v_fit, *v_encode, *v_decode, *m_fit, *m_step, *m_remember;
} wm_nets;
jd_status wm_nets_new(jd_ctx *ctx, wm_nets *n, const wm_sizes *o);
void wm_nets_free(wm_nets *n);
/* One step of learning on pictures (B,side,side,3); the loss: squared error of a picture, and the divergence of its code. */
double wm_v_fit(wm_nets *n, const float *pictures, int64_t B, int32_t step, double rate, double *squared);
/* Codes (B,z), the means; pictures of codes (B,side,side,3).  Valid until the next call. */
const float *wm_encode(wm_nets *n, const float *pictures, int64_t B);
const float *wm_decode(wm_nets *n, const float *z, int64_t B);
/* One step of learning on z (T+1,B,z) and a (T,B,3): nats a number of a code. */
double wm_m_fit(wm_nets *n, const float *z, const float *a, int64_t T, int64_t B, double rate);
/* One step of M's memory, state (B,2h): outputs, then cells.  Returns what it foretells, (B,z,15): logits, means, ln sigma of the
 * five parts. */
const float *wm_m_step(wm_nets *n, const float *z, const float *a, float *state, int64_t B);
/* The same without what it foretells. */
jd_status wm_m_remember(wm_nets *n, const float *z, const float *a, float *state, int64_t B);
/* Draws the next code at a temperature. */
void wm_draw(const float *mixture, int z, double temperature, jd_rng *r, float *out);
/* Weights of V, M and C of these sizes. */
jd_status wm_count(jd_ctx *ctx, const wm_sizes *o, size_t count[3]);

/* Races: world_race.c */
enum { WM_V_ONLY, WM_WHOLE, WM_KINDS };
typedef struct wm_race {
    wm_nets *nets;
    int kind, inputs, weights; /* of C */
    size_t n;
    double period;
    jd_env *env;
    float *pictures, *action, *reward, *state;
    uint8_t *end, *late;
    double *path; /* (WM_STEPS,2) of the first car, or NULL; its steps */
    int path_steps;
    float *shown; /* (WM_STEPS, side, side, 3) what it saw, or NULL */
} wm_race;
jd_status wm_race_new(jd_ctx *ctx, wm_race *r, wm_nets *nets, int kind, size_t n, double period);
void wm_race_free(jd_ctx *ctx, wm_race *r);
/* What C does about a code and M's memory. */
void wm_act(const wm_race *r, const double *w, const float *z, const float *h, float *a);
/* One episode for each car: weights of car i at w + (i / share) weights, track seed + i % share; score (n). */
jd_status wm_race_run(wm_race *r, const double *w, size_t share, uint64_t seed, double *score);

/* Episodes to learn from: pictures (n,T+1,side,side,3) as bytes, a (n,T,3); length (n) steps. */
typedef struct wm_tape {
    int64_t n, T;
    uint8_t *pictures;
    float *a;
    int *length;
} wm_tape;
jd_status wm_tape_new(jd_ctx *ctx, wm_tape *t, const wm_nets *nets, int64_t n, int64_t T);
/* Records episodes first .. last-1: random actions, or those of a C that sees V alone with much noise; their mean reward. */
double wm_record(jd_run *r, wm_nets *nets, wm_tape *t, int64_t first, int64_t last, const double *explorer,
                 double period);
void wm_tape_free(jd_ctx *ctx, wm_tape *t);

typedef struct wm_result {
    wm_sizes o;
    size_t count[3], published[3];
    int seeds, points, tests;
    double test[WM_KINDS][WM_SEEDS], spread[WM_KINDS][WM_SEEDS]; /* mean and deviation over test tracks */
    double x[WM_POINTS], curve[WM_KINDS][WM_SEEDS * WM_POINTS];
    double random, explored; /* reward of random actions, of a first C with noise */
    double squared, nats;
    double *best[WM_KINDS]; /* C of the first seed */
    double *path[WM_KINDS];
    int steps[WM_KINDS];
    double *road; /* (n,3) */
    size_t sections;
    uint8_t *seen;  /* (2, WM_SHOWN, side, side, 3) camera and reconstruction */
    uint8_t *dream; /* (2, WM_DREAM, side, side, 3): as it was, as dreamt */
} wm_result;
void wm_report(jd_run *r, const wm_result *f);

#endif
