/*
 * key_door.c - a room of 7 x 7 places with four coloured doors; the colour of the key is seen at the start and must be
 * remembered.
 */
#include <math.h>

#include "env/env.h"

enum { X, Y, KEY, ORDER, SEED_HIGH, SEED_LOW, STATE };
enum { NORTH, EAST, SOUTH, WEST, ACTIONS };
enum { SIDE = 7, COLORS = 4, SEES = 8, ORDERS = 24, START = 3 };

static const float LOW[SEES] = {0}, HIGH[SEES] = {1, 1, 1, 1, 1, 1, 1, 1};

static int64_t limit(const jd_env_options *o)
{
    (void)o;
    return 120;
}

static void start(const jd_env *e, double *s, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "env/key-door", 0);
    (void)e;
    s[X * JD_LANES] = 0;
    s[Y * JD_LANES] = START;
    s[KEY * JD_LANES] = jd_rng_below(&r, COLORS);
    s[ORDER * JD_LANES] = jd_rng_below(&r, ORDERS);
    s[SEED_HIGH * JD_LANES] = (double)(seed >> 32);
    s[SEED_LOW * JD_LANES] = (double)(seed & UINT32_MAX);
}

static bool whole(double x, double high)
{
    return x >= 0 && x <= high && floor(x) == x;
}

static bool valid(const jd_env *e, const double *s)
{
    static const double most[STATE] = {SIDE - 1, SIDE - 1, COLORS - 1, ORDERS - 1, UINT32_MAX, UINT32_MAX};
    (void)e;
    for (int k = 0; k < STATE; k++)
        if (!whole(s[k * JD_LANES], most[k])) return false;
    return true;
}

/* The colour of door `number`, which stands at the east of row 2 number: permutation `order` of the colours. */
static int door(int order, int number)
{
    int left[COLORS] = {0, 1, 2, 3}, n = COLORS, color = 0;
    for (int k = 0; k <= number; k++) {
        const int pick = order % n;
        order /= n;
        color = left[pick];
        for (int i = pick; i < n - 1; i++) left[i] = left[i + 1];
        n--;
    }
    return color;
}

/* The colour of the door east of a place, or -1. */
static int door_at(double x, double y, double order)
{
    const int row = (int)y;
    return x == SIDE - 1 && row % 2 == 0 ? door((int)order, row / 2) : -1;
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    static const int DX[ACTIONS] = {[EAST] = 1, [WEST] = -1}, DY[ACTIONS] = {[NORTH] = 1, [SOUTH] = -1};
    (void)e;
    for (int l = 0; l < JD_LANES; l++) {
        const int move = action[l] >= 0 && action[l] < ACTIONS ? (int)action[l] : NORTH;
        double *x = &s[X * JD_LANES + l], *y = &s[Y * JD_LANES + l];
        const int color = move == EAST ? door_at(*x, *y, s[ORDER * JD_LANES + l]) : -1;
        const double to_x = *x + DX[move], to_y = *y + DY[move];
        ended[l] = color >= 0;
        reward[l] = 0;
        if (color >= 0)
            reward[l] = color == (int)s[KEY * JD_LANES + l] ? 4.f : -.1f;
        else if (to_x >= 0 && to_x < SIDE && to_y >= 0 && to_y < SIDE)
            *x = to_x, *y = to_y;
        else
            reward[l] = -.1f;
    }
}

static void observe(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    for (int l = 0; l < JD_LANES; l++) {
        const double x = s[X * JD_LANES + l], y = s[Y * JD_LANES + l];
        const int color = x == 0 && y == START ? (int)s[KEY * JD_LANES + l] : door_at(x, y, s[ORDER * JD_LANES + l]);
        obs[NORTH * JD_LANES + l] = y < SIDE - 1;
        obs[EAST * JD_LANES + l] = x < SIDE - 1 || color >= 0;
        obs[SOUTH * JD_LANES + l] = y > 0;
        obs[WEST * JD_LANES + l] = x > 0;
        const uint64_t seed = (uint64_t)s[SEED_HIGH * JD_LANES + l] << 32 | (uint64_t)s[SEED_LOW * JD_LANES + l];
        jd_rng r = jd_rng_new(seed, "env/key-door/noise", (uint64_t)t[l]);
        for (int k = 0; k < COLORS; k++)
            obs[(ACTIONS + k) * JD_LANES + l] = color >= 0 ? (float)(k == color) : e->o.noise ? jd_rng_uniform(&r) : 0;
    }
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    static const uint32_t PAINT[COLORS] = {0xC8553D, 0x3C8D5A, 0x2A6FBB, 0xD9A93B};
    (void)e;
    jd__canvas_view(c, -1.5, -1.5, SIDE + .5, SIDE + .5);
    jd__canvas_box(c, -.6, -.6, SIDE - .4, SIDE - .4, 0x8A8A84);
    jd__canvas_box(c, -.5, -.5, SIDE - .5, SIDE - .5, 0xECECE6);
    for (int k = 0; k < COLORS; k++)
        jd__canvas_box(c, SIDE - .5, 2 * k - .4, SIDE - .2, 2 * k + .4, PAINT[door((int)s[ORDER * JD_LANES], k)]);
    jd__canvas_line(c, -1, START, -1, START, .5, PAINT[(int)s[KEY * JD_LANES]]);
    jd__canvas_line(c, s[X * JD_LANES], s[Y * JD_LANES], s[X * JD_LANES], s[Y * JD_LANES], .7, 0x33363B);
}

const jd_env_kind jd__env_key_door = {.name = "key-door",
                                      .state = STATE,
                                      .observation = SEES,
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
