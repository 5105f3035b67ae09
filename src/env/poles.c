/*
 * poles.c - a cart with poles: one, two, two without velocities, and one to be swung up.
 */
#include <math.h>

#include "base/dmath.h"
#include "env/env.h"

enum { X, V, T1, W1, T2, W2 };
#define DEGREE   (JD_PI / 180)
#define TRACK    2.4           /* m, to either side */
#define LEAN     (36 * DEGREE) /* rad */
#define FORCE    10.0          /* N */
#define INTERVAL 0.01          /* s; two of them a step */

#define ONE_POLE                                                                                                       \
    {                                                                                                                  \
        .poles = 1, .mass = 1, .cart_friction = .0005, .gravity = -9.8, .m = {.1}, .ml = {.1 * .5},                    \
        .friction = {.000002 / (.1 * .5)}, .lever = {-.75 / .5},                                                       \
    }
#define TWO_POLES                                                                                                      \
    {                                                                                                                  \
        .poles = 2, .mass = 1, .cart_friction = .0005, .gravity = -9.8, .m = {.1, .01}, .ml = {.1 * .5, .01 * .05},    \
        .friction = {.000002 / (.1 * .5), .000002 / (.01 * .05)}, .lever = {-.75 / .5, -.75 / .05},                    \
    }
#define RULES .force = FORCE, .interval = INTERVAL, .intervals = 2, .track = TRACK
static const jd_pole_task ONE = {.c = ONE_POLE, .scale = {2.4, 10, .628, 5}, RULES, .lean = LEAN},
                          TWO = {.c = TWO_POLES, .scale = {2.4, 10, .628, 5, .628, 16}, RULES, .lean = LEAN},
                          BLIND = {.c = TWO_POLES, .scale = {2.4, 0, .628, 0, .628, 0}, RULES, .lean = LEAN},
                          SWING = {.c = ONE_POLE, RULES, .lean = 1e6};

static const float LOW[6] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
static const float HIGH[6] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
static const float SWING_LOW[5] = {-INFINITY, -INFINITY, -1, -1, -INFINITY};
static const float SWING_HIGH[5] = {INFINITY, INFINITY, 1, 1, INFINITY};
static const float PUSH_LOW[1] = {-1}, PUSH_HIGH[1] = {1};

static int64_t long_limit(const jd_env_options *o)
{
    (void)o;
    return 100000;
}

static int64_t swing_limit(const jd_env_options *o)
{
    (void)o;
    return 1000;
}

static bool any(const jd_env *e, const double *s)
{
    (void)e;
    (void)s;
    return true;
}

/* ---- physics ---------------------------------------------------------------------------------------------------------*/

static void move(const jd_env *e, const jd_pole_task *p, double *s, const float *action, float *reward, uint8_t *ended)
{
    double force[JD_LANES];
    for (int l = 0; l < JD_LANES; l++) force[l] = jd__pole_force(p, action[l]);
    e->control->poles(&p->c, s, force, p->interval, p->intervals);
    for (int l = 0; l < JD_LANES; l++) {
        ended[l] = !jd__poles_up(p, s + l, JD_LANES);
        reward[l] = 1;
    }
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    move(e, e->kind->poles, s, action, reward, ended);
}

static void step_swing(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    move(e, &SWING, s, action, reward, ended);
    for (int l = 0; l < JD_LANES; l++) {
        double sine, cosine;
        jd_sincos(ended[l] ? 0 : s[T1 * JD_LANES + l], &sine, &cosine);
        reward[l] = ended[l] ? 0 : (float)((1 + cosine) / 2);
    }
}

/* ---- observations ------------------------------------------------------------------------------------------------------*/

static void scaled(const double *s, int number, double scale, float *obs)
{
    for (int l = 0; l < JD_LANES; l++) obs[l] = (float)(s[number * JD_LANES + l] / scale);
}

static void observe(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    const double *scale = e->kind->poles->scale;
    (void)t;
    for (int k = 0; k < JD_POLE_STATE; k++)
        if (scale[k] > 0) {
            scaled(s, k, scale[k], obs);
            obs += JD_LANES;
        }
}

static void observe_swing(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    (void)e;
    (void)t;
    scaled(s, X, 2.4, obs);
    scaled(s, V, 10, obs + JD_LANES);
    for (int l = 0; l < JD_LANES; l++) {
        const double angle = s[T1 * JD_LANES + l];
        double sine = 0, cosine = 0;
        if (fabs(angle) < 1e6) jd_sincos(angle, &sine, &cosine);
        obs[2 * JD_LANES + l] = (float)sine;
        obs[3 * JD_LANES + l] = (float)cosine;
    }
    scaled(s, W1, 10, obs + 4 * JD_LANES);
}

/* ---- starts ------------------------------------------------------------------------------------------------------------*/

static void rest(double *s, int n)
{
    for (int k = 0; k < n; k++) s[k * JD_LANES] = 0;
}

static void start_one(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/single-pole", 0);
    (void)e;
    for (int k = 0; k < 4; k++) s[k * JD_LANES] = .1 * jd_rng_uniform64(&r) - .05;
}

static void start_two(const jd_env *e, double *s, uint64_t seed)
{
    (void)e;
    (void)seed;
    rest(s, 6);
    s[T1 * JD_LANES] = 4 * DEGREE;
}

static void start_blind(const jd_env *e, double *s, uint64_t seed)
{
    (void)e;
    (void)seed;
    rest(s, 6);
    s[T1 * JD_LANES] = 4.5 * DEGREE;
}

static void start_swing(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/swing-up", 0);
    (void)e;
    rest(s, 4);
    s[T1 * JD_LANES] = JD_PI + .1 * jd_rng_uniform64(&r) - .05;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

void jd__draw_cart(jd_canvas *c, double x, double low, double high)
{
    jd__canvas_view(c, -TRACK - .4, low, TRACK + .4, high);
    jd__canvas_line(c, -TRACK, -.12, TRACK, -.12, .03, 0x8A8A84);
    jd__canvas_line(c, -TRACK, -.18, -TRACK, .1, .04, 0x8A8A84);
    jd__canvas_line(c, TRACK, -.18, TRACK, .1, .04, 0x8A8A84);
    jd__canvas_box(c, x - .22, -.08, x + .22, .08, 0x33363B);
}

void jd__draw_pole(jd_canvas *c, double x, double angle, double length, double thickness, uint32_t color)
{
    if (!(fabs(angle) < 1e6)) return;
    double sine, cosine;
    jd_sincos(angle, &sine, &cosine);
    jd__canvas_line(c, x, .08, x + length * sine, .08 + length * cosine, thickness, color);
}

static void draw_one(const jd_env *e, const double *s, jd_canvas *c)
{
    (void)e;
    jd__draw_cart(c, s[0], -.5, 1.6);
    jd__draw_pole(c, s[0], s[T1 * JD_LANES], 1, .06, 0x2A6FBB);
}

static void draw_two(const jd_env *e, const double *s, jd_canvas *c)
{
    draw_one(e, s, c);
    jd__draw_pole(c, s[0], s[T2 * JD_LANES], .1, .05, 0xC8553D);
}

static void draw_swing(const jd_env *e, const double *s, jd_canvas *c)
{
    (void)e;
    jd__draw_cart(c, s[0], -1.3, 1.3);
    jd__draw_pole(c, s[0], s[T1 * JD_LANES], 1, .06, 0x2A6FBB);
}

#define PUSH .action = 1, .action_low = PUSH_LOW, .action_high = PUSH_HIGH, .valid = any
const jd_env_kind jd__env_single_pole = {.name = "single-pole",
                                         .state = 4,
                                         .observation = 4,
                                         .low = LOW,
                                         .high = HIGH,
                                         PUSH,
                                         .limit = long_limit,
                                         .start = start_one,
                                         .draw = draw_one,
                                         .step = step,
                                         .observe = observe,
                                         .poles = &ONE};
const jd_env_kind jd__env_double_pole = {.name = "double-pole",
                                         .state = 6,
                                         .observation = 6,
                                         .low = LOW,
                                         .high = HIGH,
                                         PUSH,
                                         .limit = long_limit,
                                         .start = start_two,
                                         .draw = draw_two,
                                         .step = step,
                                         .observe = observe,
                                         .poles = &TWO};
const jd_env_kind jd__env_double_pole_blind = {.name = "double-pole-no-velocity",
                                               .state = 6,
                                               .observation = 3,
                                               .low = LOW,
                                               .high = HIGH,
                                               PUSH,
                                               .limit = long_limit,
                                               .start = start_blind,
                                               .draw = draw_two,
                                               .step = step,
                                               .observe = observe,
                                               .poles = &BLIND};
const jd_env_kind jd__env_swing_up = {.name = "swing-up",
                                      .state = 4,
                                      .observation = 5,
                                      .low = SWING_LOW,
                                      .high = SWING_HIGH,
                                      PUSH,
                                      .limit = swing_limit,
                                      .start = start_swing,
                                      .draw = draw_swing,
                                      .step = step_swing,
                                      .observe = observe_swing};
