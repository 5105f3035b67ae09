/*
 * env.h - what an environment defines.
 *
 * Copies stand in blocks of 16 lanes: number k of the state of lane l is state[16 k + l].  The common code keeps the steps
 * and whether an episode ended, and leaves ended lanes as they are.
 */
#ifndef JD_ENV_ENV_H
#define JD_ENV_ENV_H

#include "base/ctx.h"
#include "cpu/control.h"
#include "env/canvas.h"
#include "jackdaw/env.h"

/* What an environment defines that is computed elsewhere - by a library, or by processes of their own - in the place of
 * start, step and observe.  State rows are contiguous here.  A function that fails records an error. */
typedef struct jd_env_outside {
    /* Fills e->outside, e->observation, e->low, e->high. */
    jd_status (*open)(jd_env *e);
    void (*close)(jd_env *e);
    jd_status (*start)(jd_env *e, size_t i, uint64_t seed, double *state);
    /* The copies with go (count): action (count,actions); state (count,states) is updated; reward and ended (count). */
    void (*step)(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended);
    void (*look)(const jd_env *e, const double *state, float *obs); /* one copy; called from several threads */
    const struct torcs_road *(*road)(const jd_env *e);              /* NULL: none */
    bool whole; /* the row is all there is: it can be set, and a snapshot needs no actions to repeat */
} jd_env_outside;

typedef struct jd_env_kind {
    const char *name;
    const jd_env_outside *outside; /* NULL: computed here, in lanes */
    int state, observation, action, choices;
    const float *low, *high;               /* of observations */
    const float *action_low, *action_high; /* NULL: choices */
    int64_t (*limit)(const jd_env_options *o);
    /* One lane: s is that lane's number 0, the others follow at 16. */
    void (*start)(const jd_env *e, double *s, uint64_t seed);
    bool (*valid)(const jd_env *e, const double *s); /* could this be a state? */
    void (*draw)(const jd_env *e, const double *s, jd_canvas *c);
    /* A block: action (actions,16), reward and ended (16; set where a lane was over before), obs (observations,16); t (16):
     * steps before this one. */
    void (*step)(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended);
    void (*observe)(const jd_env *e, const double *s, const int64_t *t, float *obs);
    const jd_pole_task *poles; /* the same as numbers, for devices; NULL: it is another task */
} jd_env_kind;

typedef struct jd_env_block {
    double *s; /* (state,16) */
    int64_t t[JD_LANES];
    uint8_t over[JD_LANES];
} jd_env_block;

struct jd_env {
    jd_ctx *ctx;
    const jd_env_kind *kind;
    struct jd_own *own; /* NULL: one of Jackdaw's */
    const jd_control *control;
    jd_env_options o;
    size_t blocks;
    jd_env_block *block;
    double *s;
    int observation;         /* size */
    const float *low, *high; /* of observations */
    /* Outside: */
    void *outside; /* the environment's own */
    double *row;   /* (count,states) */
    float *past;   /* (count, time limit, actions): what a snapshot repeats */
    uint8_t *go, *ended;
    size_t lost;       /* episodes that ended because their process did */
    char trouble[160]; /* why the last of them did */
};

extern const jd_env_kind jd__env_single_pole, jd__env_double_pole, jd__env_double_pole_blind, jd__env_swing_up,
    jd__env_t_maze, jd__env_octopus, jd__env_octopus_vision, jd__env_torcs, jd__env_mj_cart_pole, jd__env_mj_hopper,
    jd__env_mj_reacher, jd__env_cart_pole_blind, jd__env_cart_pole_cue, jd__env_adding, jd__env_key_door, jd__env_drive,
    jd__env_racing;

/* An environment that a program brought along; freed by jd_free. */
struct jd_own *jd__own_new(jd_ctx *ctx, const jd_env_own *o, const char *name);
const jd_env_kind *jd__own_kind(const struct jd_own *own);
/* One step of a block: lanes that are over stay and earn 0.  over becomes 1 (terminated) or 2 (truncated). */
void jd__env_step_block(const jd_env *e, jd_env_block *b, int64_t time_limit, const float *action, float *obs,
                        float *reward);
/* Outside: what jd_env_reset, _step, _set_state, _snapshot and _restore do. */
jd_status jd__outside_open(jd_env *e);
/* Seconds between actions: those asked for, or what is usual. */
static inline double jd__env_period(const jd_env_options *o, double usual)
{
    return o->period > 0 ? o->period : usual;
}
/* For environments that are seen as square pictures and move in ticks of 0.02 s: the side and the ticks between actions. */
jd_status jd__outside_picture(const jd_env *e, int usual_side, double usual_period, int *side, int *ticks);
void jd__outside_close(jd_env *e);
jd_status jd__outside_reset(jd_env *e, size_t i, uint64_t seed, float *obs);
jd_status jd__outside_step(jd_env *e, const float *action, float *obs, float *reward, uint8_t *terminated,
                           uint8_t *truncated);
void jd__outside_put(jd_env *e, size_t i, const double *state);
void jd__outside_past(const jd_env *e, size_t i, double *actions);
jd_status jd__outside_repeat(jd_env *e, size_t i, const double *snapshot);
/* A cart at x on its track of +-2.4 m, seen between these heights; a pole on it, which leans to the right with a positive
 * angle. */
void jd__draw_cart(jd_canvas *c, double x, double low, double high);
void jd__draw_pole(jd_canvas *c, double x, double angle, double length, double thickness, uint32_t color);
void jd__env_start_lane(const jd_env *e, jd_env_block *b, int lane, uint64_t seed);

#endif
