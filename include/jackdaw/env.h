/*
 * env.h - environments to act in, shaped like Gymnasium's, many copies at once; and networks that act in them.
 *
 *     jd_env *e = jd_env_new(ctx, "double-pole", &(jd_env_options){.count = 8});
 *     for (size_t i = 0; i < 8; i++) jd_env_reset(e, i, seed + i, obs + 6 * i);                 // obs (8, 6)
 *     jd_env_step(e, action, obs, reward, terminated, truncated);                               // action (8, 1)
 *
 * Environments:
 *   single-pole              one pole on a cart: x/2.4, x'/10, t/0.628, t'/5; starts within +-0.05 of rest
 *   double-pole              two poles: x/2.4, x'/10, t1/0.628, t1'/5, t2/0.628, t2'/16; starts with t1 = 4 degrees
 *   double-pole-no-velocity  two poles: x/2.4, t1/0.628, t2/0.628; starts with t1 = 4.5 degrees
 *   swing-up                 the pole hangs at first: x/2.4, x'/10, sin t, cos t, t'/10; reward (1 + cos t) / 2
 *   cart-pole-no-velocity    one pole, pushed left or right: x/2.4, t/0.21; starts within +-0.05 of rest
 *   cart-pole-cue            the same; a third number, at step 0, is 1, or -1 when left and right are exchanged
 *   t-maze                   a corridor of `length` steps and a junction: 3 bits; actions north, east, south, west
 *   adding                   pairs (value, marker) of the adding problem; the action after the last one is the answer
 *   key-door                 a room of 7 x 7 with four coloured doors: open neighbours, colour; north, east, south, west
 *   octopus-arm              an arm of 10 compartments in water: 82 numbers; 30 muscles and 2 motors that turn the base
 *   octopus-arm-vision       the same arm seen from outside: 32 x 32 pixels
 *   mj-cart-pole             MuJoCo: x, t, x', t' of a pole on a cart
 *   mj-hopper                MuJoCo: one leg that hops: height, 4 angles, 6 speeds; 3 torques
 *   mj-reacher               MuJoCo: an arm of two links: cos, sin of 2 angles, target, 2 speeds, fingertip - target; 2 torques
 *   drive                    a car on a road in three dimensions, computed here: a picture as of torcs; the same actions
 *   racing                   a car on a track of its own, seen from above: a picture; steer, accelerate, brake
 *   torcs                    a racing car in the simulator TORCS: a picture of what lies ahead; steer, accelerate, brake
 *
 * Poles (A. Wieland, IJCNN 1991): cart of 1 kg, poles of 0.1 and 0.01 kg, half-lengths 0.5 and 0.05 m, friction of cart
 * 0.0005 and poles 0.000002; the action -1..1 (beyond: clipped) is a force of -10..10 N, held for 0.02 s, integrated in two
 * Runge-Kutta steps of fourth order.  Terminated when |x| > 2.4 m or a pole leans by more than 36 degrees (swing-up: the
 * track alone).  Reward 1 a step.  State: x, x', t1, t1' (and t2, t2') in m, rad, s.
 *
 * Cart-pole (A. Barto, R. Sutton, C. Anderson, IEEE Trans. SMC 13, 1983): cart of 1 kg, pole of 0.1 kg, half-length 0.5 m,
 * no friction; actions 0 and 1 push with 10 N to the left and to the right for 0.02 s, one step of Euler.  Reward 0, and -1
 * at the end: |x| > 2.4 m or |t| > 12 degrees; 10,000 steps.  State: x, x', t, t', 1 or -1 (exchanged).
 *
 * T-maze (B. Bakker, NIPS 14, 2001): the cue at the start, 011 or 110, tells whether the goal lies north or south of the
 * junction; the corridor shows 101 (with `noise`: n 0 m, uniform), the junction 010.  Reward 4 at the goal, -0.1 at the
 * other end and for bumping; terminated at either end.  State: position, goal (1 north), seed (high, low word).
 *
 * Adding (S. Hochreiter, J. Schmidhuber, Neural Computation 9, 1997, experiment 4): `length` to 1.1 `length` values in
 * -1..1, markers 1 at one of the first ten and at another of the first half, -1 at the ends (a marked first value is 0).
 * The last action, in 0..1, should be 0.5 + (X1 + X2) / 4: reward minus the square of the difference; 0 before.  State: step,
 * length, marked places, seed (high, low word).
 *
 * Key and door (after the recall tasks of B. Bakker): the start, at the west, shows the key's colour as one of 4; the doors are
 * at the east of rows 0, 2, 4, 6, their colours in an order that the seed chooses and seen beside them only.  Reward 4 for
 * the door of the key's colour, -0.1 for another (both end) and for bumping; 120 steps; with `noise` the other places show
 * 4 uniform numbers.  State: x, y, key, order, seed (high, low word).
 *
 * Octopus arm (Y. Yekutieli et al., J. Neurophysiol. 94, 2005; the arm of the reinforcement-learning competitions): a chain
 * of compartments of constant area with a muscle at every side, 11 pairs of point masses, lengths of about 1.  Actions are
 * activations 0..1 (beyond: clipped): 10 dorsal, 10 transverse, 10 ventral muscles from the base to the tip, and two
 * motors that turn the base, one each way, by 0.1 rad/s a step.  A step is 5 units of time, 25 Runge-Kutta steps of fourth
 * order.  The goal is to bring the middle of the tip within 0.5 of `target`: reward 10 and terminated; else -0.01.  An arm
 * that bursts (numbers beyond 1000) is terminated and stays where it was last whole.  Seed 0 begins straight at rest,
 * others turned about the base (0.04, 0.5) by an angle of -60 to 60 degrees.  State: angle of the base and its speed;
 * x, y and velocities of the upper nodes 1..10, then of the lower ones.  Observation: angle / pi, speed; for the upper and
 * the lower side x / 10 of all nodes, y / 10, velocities in x, velocities in y; or pixels of [-12, 12]^2 about the base in
 * rows from the top: 1 in the arm, -1 in 3 x 3 at the target, else 0.
 *
 * TORCS (TORCS 1.3.7, an installed program: JD_EABSENT without it): the car car1-trb1, alone, from the grid of `track`; gears
 * are shifted by the engine's speed.  Each copy is a process of its own.  Observation: `picture` x `picture` x 3 numbers 0..1,
 * rows from the top, red green blue: road, edge lines, grass and sky as a camera of 60 degrees sees them, 3 m
 * above the car's centre and 0.2 rad downward.  Actions, held for
 * `period` s: steering -1 (right) .. 1 (left), accelerator 0..1, brake 0..1.  Reward: metres along the road - 3/1000 of the
 * damage done.  Terminated when the car's middle leaves the road, after 5 s without a metre of progress, at a damage of
 * 5000; truncated after 60 s.  All episodes begin alike, whatever the seed, and are repeated bit for bit on one machine.
 * When a process dies or does not answer, its episode ends (jd_env_lost) and the others go on.  State: time; x, y, z; roll,
 * pitch, yaw; speed forward, to the left; distance left of the middle; width of the road; heading relative to the road;
 * metres raced since the start; place along the road; top speed; engine (rad/s); damage; gear; furthest metre; its time.  It
 * cannot be set; a snapshot holds the actions so far, and restoring it repeats them.
 *
 * Drive: for where TORCS is not.  A bicycle of 2.6 m between the axles whose front wheel turns by up to 0.366 rad, in steps
 * of 0.02 s; tyres hold 9.81 m/s^2 in all directions together, the engine gives 5, air takes 0.001 v^2.  Tracks of straights
 * and arcs, 12 m wide: "oval" (877 m, level), "park" (1185 m), "ridge" (1123 m, with climbs).  Camera, actions, rewards and
 * ends as of torcs, but nothing is damaged and the state can be set.  Seed 0 begins in the middle, others up to 2 m aside and
 * 0.1 rad askew.  State: time, along the road, left of the middle, heading relative to the road, speed, raced, furthest,
 * its time; x, y, z, yaw, pitch.
 *
 * Racing (the rules of CarRacing-v0 of OpenAI Gym; car and tracks are our own): a closed road through 12 check points that the
 * seed draws, 13 units wide, cut into tiles; reward 1000 / tiles for each tile that is visited first, -0.1 a frame of 0.02 s,
 * -100 and terminated beyond 240 units from the middle; terminated when all tiles were visited; truncated after 1,000 frames.
 * Observation: `picture` x `picture` x 3 numbers 0..1, rows from the top: 56 units around the car, which looks up.  Actions,
 * held for `period` s (0: one frame): steering -1 (right) .. 1 (left), accelerator, brake.  State: seed (high, low word), x, y,
 * yaw, speed ahead, to the left, yaw rate, tiles visited, which ones.
 *
 * MuJoCo (MuJoCo 2.2.2, a library found at run time: JD_EABSENT without it, or when Jackdaw was built without its headers).
 * The models are Jackdaw's own; actions -1..1 (beyond: clipped), starts a function of the seed.
 *   mj-cart-pole   force of 10 N x action, 25 steps a second; reward 1; terminated at |t| > 0.2 rad or |x| > 2; 1000 steps
 *   mj-hopper      torques up to 100 N m (hip, knee) and 60 N m (ankle), 125 steps a second; reward: forward speed + 1
 *                  - 0.001 |a|^2; terminated below 0.7 m or at a lean of more than 0.3 rad; speeds are clipped at 10; 1000 steps
 *   mj-reacher     torques up to 0.05 N m, 50 steps a second, links of 0.1 and 0.11 m in the plane; reward: - distance of the
 *                  fingertip from the target - 0.1 |a|^2; 50 steps
 * State: positions, speeds, the solver's last accelerations, and of mj-reacher the target.  It can be set, with zeros for the
 * accelerations.  Results do not depend on the number of threads; other machines may give other last bits.
 */
#ifndef JACKDAW_ENV_H
#define JACKDAW_ENV_H

#include "jackdaw/population.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_env jd_env;

/* An environment of your own (jd_env_options.own): the numbers of its state and what becomes of them.  Its copies are run, kept
 * and evolved in like those above, millions of steps a second; examples/evolve.c is a whole program.
 *
 *     static double step(void *user, double *s, const float *action, bool *over)      // a point to be held near 0
 *     {
 *         (void)user, s[0] += .1 * s[1], s[1] += .1 * action[0];
 *         *over = fabs(s[0]) > 1;
 *         return 1;
 *     }
 *
 * All functions are called from several threads at once, for different copies; `user` comes back to them.  For bits that do
 * not depend on the machine a state should come from basic operations and exp.h.  An action that is not a number is 0, one
 * beyond its bounds lies on them when it arrives here. */
enum { JD_ENV_STATE = 256, JD_ENV_OBSERVATION = 1024, JD_ENV_ACTION = 32, JD_ENV_LANES = 16 }; /* at most */
typedef struct jd_env_own {
    const char *name; /* for messages; NULL: "own".  Copied, as is all that stands here but `user` */
    int state, observation, action;
    int choices;                           /* of the one action, 2 and more; 0: actions are `action` numbers */
    const float *low, *high;               /* (observation); NULL: no bounds */
    const float *action_low, *action_high; /* (action); NULL: -1, 1 */
    int64_t time_limit;                    /* steps after which an episode is truncated */
    void *user;
    void (*start)(void *user, uint64_t seed, double *state); /* a function of the seed; state comes as zeros */
    /* One step: changes the state, returns the reward, says with *over that the episode is over. */
    double (*step)(void *user, double *state, const float *action, bool *over);
    void (*observe)(void *user, const double *state, float *observation);
    bool (*valid)(void *user, const double *state); /* NULL: any numbers are a state */
    /* rgb (h,w,3) comes light grey; NULL: it stays so. */
    void (*draw)(void *user, const double *state, uint8_t *rgb, int w, int h);
    /* In place of step and observe, or NULL: 16 copies at once, for code that the compiler turns into vectors.  Number k of
     * copy l is state[16 k + l]; action (action,16), reward and over (16), observation (observation,16).  Copies for which
     * over is set on arrival have ended: what happens to them is undone. */
    void (*step_lanes)(void *user, double *state, const float *action, float *reward, uint8_t *over);
    void (*observe_lanes)(void *user, const double *state, float *observation);
} jd_env_own;

typedef struct jd_env_options {
    size_t count;          /* copies; 0: 1 */
    const jd_env_own *own; /* instead of the name, which may be NULL then */
    int64_t time_limit;    /* steps after which an episode is truncated; 0: the environment's own (jd_env_time_limit) */
    int length;            /* t-maze: of the corridor; adding: values; 1..100000; 0: 10 */
    bool noise;            /* t-maze: a noisy corridor; key-door: noisy places */
    double target[2];      /* octopus-arm: where to reach; 0, 0: (5.5, 3.5) */
    const char *track;     /* torcs: NULL: "g-track-1"; drive: NULL: "park".  Copied */
    int picture;           /* torcs, drive, racing: height and width of the picture, 16..256; 0: 64 */
    double period; /* torcs, drive, racing: seconds between actions, a multiple of 0.02 up to 10; 0: 0.2, 0.02 */
} jd_env_options;

/* What an observation or action is: `size` numbers within low..high, or one of `choices` (a float that holds 0, 1, ...). */
typedef struct jd_space {
    int size, choices;       /* choices 0: continuous */
    const float *low, *high; /* (size); infinite where there is no bound */
} jd_space;

/* Errors: JD_EUSAGE (no such environment: the message names the nearest; options). */
JD_API jd_env *jd_env_new(jd_ctx *ctx, const char *name, const jd_env_options *o);
JD_API void jd_env_free(jd_env *e);
JD_API const char *jd_env_name(int i); /* of the i-th environment; NULL after the last */
JD_API jd_space jd_env_observation(const jd_env *e);
JD_API jd_space jd_env_action(const jd_env *e);
JD_API int64_t jd_env_time_limit(const jd_env *e);

/* Copy i begins an episode, a function of the seed; obs (size) may be NULL. */
JD_API jd_status jd_env_reset(jd_env *e, size_t i, uint64_t seed, float *obs);
/* One step of all copies: action (count, size), obs (count, size), reward, terminated, truncated (count).  A copy whose
 * episode has ended stays as it is, with reward 0, until it is reset.  An action that is not a number counts as 0.
 * Before a copy's first reset it counts as ended. */
JD_API jd_status jd_env_step(jd_env *e, const float *action, float *obs, float *reward, uint8_t *terminated,
                             uint8_t *truncated);

/* How many episodes have ended because the process that ran them died or fell silent; *why (may be NULL) says why the last
 * one did. */
JD_API size_t jd_env_lost(const jd_env *e, const char **why);

/* The middle of the road, n points x, y in m and its width there, to be given to jd_free: road (n,3).  *length: of one lap.
 * Errors: JD_EUSAGE (not an environment with a road). */
JD_API double *jd_env_road(const jd_env *e, size_t *n, double *length);

/* The state of copy i (jd_env_state_size numbers), in SI units; setting it begins an episode there. */
JD_API int jd_env_state_size(const jd_env *e);
JD_API jd_status jd_env_get_state(const jd_env *e, size_t i, double *state);
JD_API jd_status jd_env_set_state(jd_env *e, size_t i, const double *state);

/* Everything about copy i (jd_env_snapshot_size numbers): state, steps, whether it ended.  Restored into any copy of an
 * environment of the same name and options it goes on bit for bit.  Errors: JD_EUSAGE (not a snapshot). */
JD_API int jd_env_snapshot_size(const jd_env *e);
JD_API jd_status jd_env_snapshot(const jd_env *e, size_t i, double *snapshot);
JD_API jd_status jd_env_restore(jd_env *e, size_t i, const double *snapshot);

/* A picture of copy i: rgb (h, w, 3).  Errors: JD_EUSAGE (smaller than 16 x 16 or larger than 4096 x 4096). */
JD_API jd_status jd_env_render(const jd_env *e, size_t i, uint8_t *rgb, int w, int h);

/* ---- networks that act ---------------------------------------------------------------------------------------------------
 * Runs one episode for each of n weight vectors: each network with an environment of its own, 16 in the lanes of vectors,
 * any number of threads; a lane whose episode ends takes the next candidate.  What a network earns does not depend on
 * who runs beside it.  Outputs are actions; among choices the largest output decides.  In a context with a device (device.h)
 * whole episodes of single-pole, double-pole and double-pole-no-velocity run there, with the same bits; others stay on the CPU
 * and stand in jd_ctx_device_left.  Errors: JD_EUSAGE (the network does not fit; an environment that is not computed in
 * lanes: drive, racing, torcs and MuJoCo's). */
typedef struct jd_rollout_options {
    const char *env;            /* or env_options.own */
    jd_env_options env_options; /* count is not used */
    jd_net_shape net;           /* inputs and outputs 0: the environment's */
    /* What an episode is worth; NULL: the sum of its rewards.  `memory` holds `memory_size` numbers for each candidate, zeros
     * at the start; `watch` sees the state after each step t = 1, 2, ...  Both are called from several threads, each for
     * candidates of its own; on a device from one, when steps are over. */
    int memory_size;
    void (*watch)(void *user, double *memory, int64_t t, const double *state);
    double (*score)(void *user, const double *memory, int64_t steps, double reward);
    void *user;
} jd_rollout_options;
typedef struct jd_rollout jd_rollout;
JD_API jd_rollout *jd_rollout_new(jd_ctx *ctx, const jd_rollout_options *o);
JD_API void jd_rollout_free(jd_rollout *r);
/* How they run: "CPU", or the name of the device's kernel. */
JD_API const char *jd_rollout_kernel(const jd_rollout *r);
JD_API size_t jd_rollout_weights(const jd_rollout *r);
/* weights (n, jd_rollout_weights), or (1, ...) for all with `same`; start (n, state) or NULL: reset with `seed`, the same
 * episode for all.  score (n) and steps (n) may be NULL.  time_limit: of these episodes; 0: the environment's. */
JD_API jd_status jd_rollout_run(jd_rollout *r, const double *weights, bool same, size_t n, const double *start,
                                uint64_t seed, int64_t time_limit, double *score, int64_t *steps);

#ifdef __cplusplus
}
#endif
#endif
