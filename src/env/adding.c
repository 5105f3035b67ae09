/*
 * adding.c - the adding problem (Hochreiter and Schmidhuber 1997, experiment 4) as an environment: one pair of value and
 * marker a step, and after the last the action is the answer.
 */
#include <math.h>

#include "env/env.h"

enum { STEP, LENGTH, FIRST, SECOND, SEED_HIGH, SEED_LOW, STATE };

static const float LOW[2] = {-1, -1}, HIGH[2] = {1, 1}, ANSWER_LOW[1] = {0}, ANSWER_HIGH[1] = {1};

static int64_t limit(const jd_env_options *o)
{
    return o->length + o->length / 10 + 1;
}

static uint64_t seed_of(const double *s, int lane)
{
    return (uint64_t)s[SEED_HIGH * JD_LANES + lane] << 32 | (uint64_t)s[SEED_LOW * JD_LANES + lane];
}

static float value(const double *s, int lane, int64_t t)
{
    if (t == 0 && (s[FIRST * JD_LANES + lane] == 0 || s[SECOND * JD_LANES + lane] == 0)) return 0;
    jd_rng r = jd_rng_new(seed_of(s, lane), "env/adding/value", (uint64_t)t);
    return 2 * jd_rng_uniform(&r) - 1;
}

static float target(const double *s, int lane)
{
    return .5f + (value(s, lane, (int64_t)s[FIRST * JD_LANES + lane]) +
                  value(s, lane, (int64_t)s[SECOND * JD_LANES + lane])) /
                     4;
}

/* T..1.1 T pairs; one of the first ten is marked, and another in the first half. */
static void start(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/adding", 0);
    const uint32_t T = (uint32_t)e->o.length, length = T + jd_rng_below(&r, T / 10 + 1);
    const uint32_t range = T >= 6 ? T / 2 - 1 : 2, one = jd_rng_below(&r, length < 11 ? length - 1 : 10);
    uint32_t two = jd_rng_below(&r, range - (one < range));
    if (two >= one && one < range) two++;
    s[STEP * JD_LANES] = 0;
    s[LENGTH * JD_LANES] = length;
    s[FIRST * JD_LANES] = one;
    s[SECOND * JD_LANES] = two;
    s[SEED_HIGH * JD_LANES] = (double)(seed >> 32);
    s[SEED_LOW * JD_LANES] = (double)(seed & UINT32_MAX);
}

static bool whole(double x, double low, double high)
{
    return x >= low && x <= high && floor(x) == x;
}

static bool valid(const jd_env *e, const double *s)
{
    const double length = s[LENGTH * JD_LANES];
    return whole(length, e->o.length, (double)limit(&e->o)) && whole(s[STEP * JD_LANES], 0, length) &&
           whole(s[FIRST * JD_LANES], 0, length - 1) && whole(s[SECOND * JD_LANES], 0, length - 1) &&
           whole(s[SEED_HIGH * JD_LANES], 0, UINT32_MAX) && whole(s[SEED_LOW * JD_LANES], 0, UINT32_MAX);
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    (void)e;
    for (int l = 0; l < JD_LANES; l++) {
        const double length = s[LENGTH * JD_LANES + l];
        if (s[STEP * JD_LANES + l] < length) s[STEP * JD_LANES + l] += 1;
        ended[l] = s[STEP * JD_LANES + l] >= length;
        reward[l] = 0;
        if (!ended[l]) continue;
        const float a = action[l] >= 0 ? action[l] < 1 ? action[l] : 1 : 0, away = a - target(s, l);
        reward[l] = -away * away;
    }
}

static void observe(const jd_env *e, const double *s, const int64_t *steps, float *obs)
{
    (void)e;
    (void)steps;
    for (int l = 0; l < JD_LANES; l++) {
        const double t = s[STEP * JD_LANES + l], length = s[LENGTH * JD_LANES + l];
        const bool marked = t == s[FIRST * JD_LANES + l] || t == s[SECOND * JD_LANES + l];
        const bool past = t >= length;
        obs[l] = past ? 0 : value(s, l, (int64_t)t);
        obs[JD_LANES + l] = past ? 0 : marked ? 1 : t == 0 || t == length - 1 ? -1 : 0;
    }
}

/* The sequence so far as bars; marked values are red. */
static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const double n = (double)limit(&e->o), shape = .35 * n;
    jd__canvas_view(c, -1, -shape, n, shape);
    jd__canvas_line(c, 0, 0, s[LENGTH * JD_LANES] - 1, 0, .02 * n, 0x8A8A84);
    for (int64_t t = 0; t <= (int64_t)s[STEP * JD_LANES] && t < (int64_t)s[LENGTH * JD_LANES]; t++) {
        const bool marked = (double)t == s[FIRST * JD_LANES] || (double)t == s[SECOND * JD_LANES];
        const double high = shape * .9 * (double)value(s, 0, t);
        jd__canvas_box(c, (double)t - .4, fmin(0, high), (double)t + .4, fmax(0, high) + .01 * n,
                       marked ? 0xC8553D : 0x2A6FBB);
    }
    const double aim = s[STEP * JD_LANES];
    jd__canvas_line(c, aim, -shape * .95, aim, -shape * .95, .08 * n, 0x33363B);
}

const jd_env_kind jd__env_adding = {.name = "adding",
                                    .state = STATE,
                                    .observation = 2,
                                    .action = 1,
                                    .low = LOW,
                                    .high = HIGH,
                                    .action_low = ANSWER_LOW,
                                    .action_high = ANSWER_HIGH,
                                    .limit = limit,
                                    .start = start,
                                    .valid = valid,
                                    .draw = draw,
                                    .step = step,
                                    .observe = observe};
