/*
 * cart_pole.c - the cart with one pole of A. Barto, R. Sutton, C. Anderson (IEEE Trans. SMC 13, 1983) pushed left or right
 * with full force, seen without velocities; and with a cue at the start that tells which action is which (after B. Bakker,
 * NIPS 14, 2001).
 */
#include <math.h>

#include "base/dmath.h"
#include "env/env.h"

enum { X, V, T, W, MODE, STATE };
#define DEGREE    (JD_PI / 180)
#define CART      1.0  /* kg */
#define POLE      .1   /* kg */
#define HALF      .5   /* m */
#define GRAVITY   9.8  /* m/s^2 */
#define FORCE     10.0 /* N */
#define INTERVAL  .02  /* s, one step of Euler */
#define TRACK     2.4  /* m, to either side */
#define LEAN      (12 * DEGREE)
#define ANGLE_ONE .21 /* rad that are shown as 1 */

static const float LOW[3] = {-INFINITY, -INFINITY, -1}, HIGH[3] = {INFINITY, INFINITY, 1};

static int64_t limit(const jd_env_options *o)
{
    (void)o;
    return 10000;
}

static void start(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/cart-pole", 0);
    for (int k = 0; k < MODE; k++) s[k * JD_LANES] = .1 * jd_rng_uniform64(&r) - .05;
    s[MODE * JD_LANES] = e->kind->observation == 3 && jd_rng_u32(&r) >> 31 ? -1 : 1;
}

static bool valid(const jd_env *e, const double *s)
{
    const double mode = s[MODE * JD_LANES];
    return mode == 1 || (mode == -1 && e->kind->observation == 3);
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    (void)e;
    for (int l = 0; l < JD_LANES; l++) {
        double *x = s + X * JD_LANES + l, *v = s + V * JD_LANES + l, *t = s + T * JD_LANES + l,
               *w = s + W * JD_LANES + l;
        const double force = (action[l] >= 1 ? FORCE : -FORCE) * s[MODE * JD_LANES + l], mass = CART + POLE;
        double sine, cosine;
        jd_sincos(fabs(*t) < 1e6 ? *t : 0, &sine, &cosine);
        const double push = (force + POLE * HALF * *w * *w * sine) / mass;
        const double turn = (GRAVITY * sine - cosine * push) / (HALF * (4. / 3 - POLE * cosine * cosine / mass));
        const double pull = push - POLE * HALF * turn * cosine / mass;
        *x += INTERVAL * *v;
        *v += INTERVAL * pull;
        *t += INTERVAL * *w;
        *w += INTERVAL * turn;
        ended[l] = !(fabs(*x) <= TRACK && fabs(*t) <= LEAN);
        reward[l] = ended[l] ? -1 : 0;
    }
}

static void observe(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    for (int l = 0; l < JD_LANES; l++) {
        obs[l] = (float)(s[X * JD_LANES + l] / TRACK);
        obs[JD_LANES + l] = (float)(s[T * JD_LANES + l] / ANGLE_ONE);
        if (e->kind->observation == 3) obs[2 * JD_LANES + l] = t[l] ? 0 : (float)s[MODE * JD_LANES + l];
    }
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    (void)e;
    jd__draw_cart(c, s[X * JD_LANES], -.5, 1.6);
    jd__draw_pole(c, s[X * JD_LANES], s[T * JD_LANES], 2 * HALF, .06, 0x2A6FBB);
}

#define COMMON                                                                                                         \
    .state = STATE, .action = 1, .choices = 2, .low = LOW, .high = HIGH, .limit = limit, .start = start,               \
    .valid = valid, .draw = draw, .step = step, .observe = observe
const jd_env_kind jd__env_cart_pole_blind = {.name = "cart-pole-no-velocity", .observation = 2, COMMON};
const jd_env_kind jd__env_cart_pole_cue = {.name = "cart-pole-cue", .observation = 3, COMMON};
