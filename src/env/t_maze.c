/*
 * t_maze.c - a corridor that ends in a junction; the cue at its beginning tells where the goal is (B. Bakker,
 * "Reinforcement learning with long short-term memory", NIPS 14, 2001).
 */
#include <math.h>

#include "env/env.h"

enum { POSITION, GOAL, SEED_HIGH, SEED_LOW, STATE };
enum { NORTH, EAST, SOUTH, WEST, ACTIONS };

static const float LOW[3] = {0, 0, 0}, HIGH[3] = {1, 1, 1};

static int64_t limit(const jd_env_options *o)
{
    return 10 * (int64_t)o->length + 50;
}

static void start(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/t-maze", 0);
    (void)e;
    s[POSITION * JD_LANES] = 0;
    s[GOAL * JD_LANES] = jd_rng_u32(&r) >> 31;
    s[SEED_HIGH * JD_LANES] = (double)(seed >> 32);
    s[SEED_LOW * JD_LANES] = (double)(seed & UINT32_MAX);
}

static bool whole(double x, double high)
{
    return x >= 0 && x <= high && floor(x) == x;
}

static bool valid(const jd_env *e, const double *s)
{
    return whole(s[POSITION * JD_LANES], e->o.length) && whole(s[GOAL * JD_LANES], 1) &&
           whole(s[SEED_HIGH * JD_LANES], UINT32_MAX) && whole(s[SEED_LOW * JD_LANES], UINT32_MAX);
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    for (int l = 0; l < JD_LANES; l++) {
        const float a = action[l];
        const int move = a >= 0 && a < ACTIONS ? (int)a : NORTH;
        double *x = &s[POSITION * JD_LANES + l];
        const bool junction = *x >= e->o.length;
        ended[l] = junction && (move == NORTH || move == SOUTH);
        reward[l] = 0;
        if (ended[l])
            reward[l] = (move == NORTH) == (s[GOAL * JD_LANES + l] > 0) ? 4.f : -.1f;
        else if (move == EAST && !junction)
            ++*x;
        else if (move == WEST && *x > 0)
            --*x;
        else
            reward[l] = -.1f;
    }
}

static void observe(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    for (int l = 0; l < JD_LANES; l++) {
        const double x = s[POSITION * JD_LANES + l];
        const bool junction = x >= e->o.length, first = x <= 0, north = s[GOAL * JD_LANES + l] > 0;
        float a = junction || (first && north) ? 0 : 1, c = junction || (first && !north) ? 0 : 1;
        if (e->o.noise && !first && !junction) {
            const uint64_t seed = (uint64_t)s[SEED_HIGH * JD_LANES + l] << 32 | (uint64_t)s[SEED_LOW * JD_LANES + l];
            jd_rng r = jd_rng_new(seed, "env/t-maze/noise", (uint64_t)t[l]);
            a = jd_rng_uniform(&r);
            c = jd_rng_uniform(&r);
        }
        obs[l] = a;
        obs[JD_LANES + l] = junction || first ? 1 : 0;
        obs[2 * JD_LANES + l] = c;
    }
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const double n = e->o.length, goal = s[GOAL * JD_LANES] > 0 ? 1 : -1;
    jd__canvas_view(c, -1, -2, n + 1, 2);
    jd__canvas_line(c, 0, 0, n, 0, .9, 0xDCDCD6);
    jd__canvas_line(c, n, -1, n, 1, .9, 0xDCDCD6);
    jd__canvas_line(c, n, goal, n, goal, .5, 0x3C8D5A);
    jd__canvas_line(c, 0, goal * .3, 0, goal * .3, .2, 0x3C8D5A);
    jd__canvas_line(c, s[POSITION * JD_LANES], 0, s[POSITION * JD_LANES], 0, .6, 0x2A6FBB);
}

const jd_env_kind jd__env_t_maze = {.name = "t-maze",
                                    .state = STATE,
                                    .observation = 3,
                                    .action = 1,
                                    .choices = ACTIONS,
                                    .low = LOW,
                                    .high = HIGH,
                                    .limit = limit,
                                    .start = start,
                                    .valid = valid,
                                    .draw = draw,
                                    .step = step,
                                    .observe = observe};
