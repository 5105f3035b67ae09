/*
 * mujoco_tasks.c - what is asked of a pole on a cart, a hopping leg and an arm.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "env/mujoco.h"

static const float ONES[3] = {1, 1, 1}, MINUS_ONES[3] = {-1, -1, -1};
static const float HIGH[11] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY,
                               INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
static const float LOW[11] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY,
                              -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};

static double spread(jd_rng *r, double half)
{
    return half * (2 * jd_rng_uniform64(r) - 1);
}

static double squares(const float *action, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        const double a = fmax(-1, fmin(1, (double)action[k]));
        sum += a * a;
    }
    return sum;
}

/* ---- mj-cart-pole: x, t, x', t' -------------------------------------------------------------------------------------------*/

static void cart_start(double *s, jd_rng *r)
{
    for (int k = 0; k < 4; k++) s[k] = spread(r, .01);
}

static bool cart_judge(const double *s, const double *before, const float *action, float *reward)
{
    (void)before, (void)action;
    *reward = 1;
    return !(fabs(s[1]) <= .2 && fabs(s[0]) <= 2);
}

static void cart_look(const double *s, float *obs)
{
    for (int k = 0; k < 4; k++) obs[k] = (float)s[k];
}

static const mj_task CART_POLE = {.model = jd__mujoco_cart_pole,
                                  .nq = 2,
                                  .nv = 2,
                                  .nu = 1,
                                  .frames = 2,
                                  .observation = 4,
                                  .low = LOW,
                                  .high = HIGH,
                                  .start = cart_start,
                                  .judge = cart_judge,
                                  .look = cart_look,
                                  .view = {-2.2, -.4, 2.2, .9},
                                  .ground = -.1};

/* ---- mj-hopper: x, z - 1.25, lean, hip, knee, ankle, and their speeds ---------------------------------------------------------*/

enum { HOPPER_FRAMES = 4, HOPPER_NQ = 6 };
static const double HOPPER_STEP = .002 * HOPPER_FRAMES, HOPPER_HEIGHT = 1.25;

static void hopper_start(double *s, jd_rng *r)
{
    for (int k = 0; k < 2 * HOPPER_NQ; k++) s[k] = spread(r, .005);
    s[3] = -fabs(s[3]); /* within the joints' ranges */
    s[4] = -fabs(s[4]);
}

static bool hopper_judge(const double *s, const double *before, const float *action, float *reward)
{
    *reward = (float)((s[0] - before[0]) / HOPPER_STEP + 1 - .001 * squares(action, 3));
    return !(s[1] + HOPPER_HEIGHT >= .7 && fabs(s[2]) <= .3);
}

static void hopper_look(const double *s, float *obs)
{
    obs[0] = (float)(s[1] + HOPPER_HEIGHT);
    for (int k = 1; k < HOPPER_NQ - 1; k++) obs[k] = (float)s[1 + k];
    for (int k = 0; k < HOPPER_NQ; k++) obs[HOPPER_NQ - 1 + k] = (float)fmax(-10, fmin(10, s[HOPPER_NQ + k]));
}

static const mj_task HOPPER = {.model = jd__mujoco_hopper,
                               .nq = HOPPER_NQ,
                               .nv = HOPPER_NQ,
                               .nu = 3,
                               .frames = HOPPER_FRAMES,
                               .observation = 2 * HOPPER_NQ - 1,
                               .low = LOW,
                               .high = HIGH,
                               .start = hopper_start,
                               .judge = hopper_judge,
                               .look = hopper_look,
                               .view = {-1.2, -.1, 1.2, 1.7},
                               .follow = true};

/* ---- mj-reacher: two angles, their speeds; the target -------------------------------------------------------------------------*/

enum { REACHER_TARGET = 6 };

static void reacher_start(double *s, jd_rng *r)
{
    s[0] = spread(r, .1);
    s[1] = spread(r, .1);
    s[2] = spread(r, .005);
    s[3] = spread(r, .005);
    double *t = s + REACHER_TARGET;
    do {
        t[0] = spread(r, .2);
        t[1] = spread(r, .2);
    } while (t[0] * t[0] + t[1] * t[1] > .04);
}

static void fingertip(const double *s, double tip[2])
{
    double a, b, c, d;
    jd_sincos(s[0], &a, &b);
    jd_sincos(s[0] + s[1], &c, &d);
    tip[0] = .1 * b + .11 * d;
    tip[1] = .1 * a + .11 * c;
}

static bool reacher_judge(const double *s, const double *before, const float *action, float *reward)
{
    double tip[2];
    (void)before;
    fingertip(s, tip);
    *reward = (float)(-hypot(tip[0] - s[REACHER_TARGET], tip[1] - s[REACHER_TARGET + 1]) - .1 * squares(action, 2));
    return false;
}

static void reacher_look(const double *s, float *obs)
{
    double tip[2];
    fingertip(s, tip);
    for (int k = 0; k < 2; k++) {
        double sine, cosine;
        jd_sincos(s[k], &sine, &cosine);
        obs[k] = (float)cosine;
        obs[2 + k] = (float)sine;
        obs[4 + k] = (float)s[REACHER_TARGET + k];
        obs[6 + k] = (float)s[2 + k];
        obs[8 + k] = (float)(tip[k] - s[REACHER_TARGET + k]);
    }
}

static const mj_task REACHER = {.model = jd__mujoco_reacher,
                                .nq = 2,
                                .nv = 2,
                                .nu = 2,
                                .extra = 2,
                                .frames = 2,
                                .observation = 10,
                                .low = LOW,
                                .high = HIGH,
                                .start = reacher_start,
                                .judge = reacher_judge,
                                .look = reacher_look,
                                .view = {-.3, -.25, .3, .25},
                                .from_above = true};

/* ---- environments ----------------------------------------------------------------------------------------------------------*/

static int64_t thousand(const jd_env_options *o)
{
    (void)o;
    return 1000;
}

static int64_t fifty(const jd_env_options *o)
{
    (void)o;
    return 50;
}

#define KIND(name_, task_, limit_)                                                                                     \
    {                                                                                                                  \
        .name = name_, .outside = &jd__mujoco_outside, .state = task_##_STATE, .action = task_##_ACTIONS,              \
        .action_low = MINUS_ONES, .action_high = ONES, .limit = limit_, .valid = jd__mujoco_valid,                     \
        .draw = jd__mujoco_draw                                                                                        \
    }
enum {
    CART_POLE_STATE = 6,
    CART_POLE_ACTIONS = 1,
    HOPPER_STATE = 3 * HOPPER_NQ,
    HOPPER_ACTIONS = 3,
    REACHER_STATE = REACHER_TARGET + 2,
    REACHER_ACTIONS = 2
};
const jd_env_kind jd__env_mj_cart_pole = KIND("mj-cart-pole", CART_POLE, thousand);
const jd_env_kind jd__env_mj_hopper = KIND("mj-hopper", HOPPER, thousand);
const jd_env_kind jd__env_mj_reacher = KIND("mj-reacher", REACHER, fifty);

const mj_task *jd__mujoco_task(const jd_env *e)
{
    return e->kind == &jd__env_mj_hopper ? &HOPPER : e->kind == &jd__env_mj_reacher ? &REACHER : &CART_POLE;
}
