/*
 * torcs.c - the race simulator TORCS as an environment.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "env/env.h"
#include "env/torcs.h"

enum {
    TIME,
    X,
    Y,
    Z,
    ROLL,
    PITCH,
    YAW,
    FORWARD,
    LEFTWARD,
    TO_MIDDLE,
    WIDTH,
    HEADING,
    RACED,
    AT,
    TOP_SPEED,
    ENGINE,
    DAMAGE,
    GEAR,
    FURTHEST,
    SINCE,
    STATE
};
enum { STEER, ACCELERATE, BRAKE, ACTIONS };
enum { EPISODE = 60, IDLE = 5 /* s */, WRECKED = 5000, MIN_PICTURE = 16, MAX_PICTURE = 256 };

typedef struct race {
    torcs_server server;
    torcs_car *car; /* (count) */
    size_t cars;
    int steps; /* of the simulator, between actions */
    int side;  /* of the picture */
    float *bounds;
} race;

static const float ACTION_LOW[ACTIONS] = {-1, 0, 0}, ACTION_HIGH[ACTIONS] = {1, 1, 1};

static int64_t limit(const jd_env_options *o)
{
    const double steps = EPISODE / jd__env_period(o, .2);
    return steps < 1 ? 1 : (int64_t)(steps + .5);
}

static void close_race(jd_env *e)
{
    race *r = e->outside;
    if (!r) return;
    for (size_t i = 0; i < r->cars; i++) jd__torcs_end(&r->car[i]);
    jd__torcs_stop(&r->server);
    jd_free(e->ctx, r->server.road.section);
    jd_free(e->ctx, r->bounds);
    jd_free(e->ctx, r->car);
    jd_free(e->ctx, r);
    e->outside = NULL;
}

static jd_status check(const jd_env *e, int side, double period)
{
    const double steps = period * TORCS_STEPS_A_SECOND;
    if (side < MIN_PICTURE || side > MAX_PICTURE || !(steps > .999 && steps < 500.001) ||
        fabs(steps - floor(steps + .5)) > 1e-6)
        return jd_fail(
            e->ctx, JD_EUSAGE,
            "env: torcs: pictures of %d x %d pixels every %g s; give 16 to 256 pixels and a multiple of 0.02 s "
            "up to 10 s",
            side, side, period);
    if (e->o.count > 256)
        return jd_fail(e->ctx, JD_EUSAGE, "env: torcs: %zu copies; each is a process, so at most 256", e->o.count);
    return JD_OK;
}

static jd_status open_race(jd_env *e)
{
    const int side = e->o.picture ? e->o.picture : 64;
    const double period = jd__env_period(&e->o, .2);
    if (check(e, side, period)) return jd_error(e->ctx);
    race *r = e->outside = jd_alloc(e->ctx, sizeof *r);
    if (!r) return jd_error(e->ctx);
    const size_t n = 3 * (size_t)side * (size_t)side;
    r->side = side;
    r->steps = (int)(period * TORCS_STEPS_A_SECOND + .5);
    r->bounds = jd_alloc_array(e->ctx, 2 * n, sizeof *r->bounds);
    r->car = jd_alloc_array(e->ctx, e->o.count, sizeof *r->car);
    if (jd_error(e->ctx)) return jd_error(e->ctx);
    for (; r->cars < e->o.count; r->cars++) r->car[r->cars].fd = -1;
    for (size_t k = 0; k < n; k++) r->bounds[n + k] = 1;
    e->observation = (int)n;
    e->low = r->bounds;
    e->high = r->bounds + n;
    r->server.ctx = e->ctx;
    snprintf(r->server.track, sizeof r->server.track, "%s", e->o.track ? e->o.track : "g-track-1");
    e->o.track = r->server.track;
    return jd__torcs_start(&r->server);
}

/* ---- episodes ------------------------------------------------------------------------------------------------------------*/

static void take(double *s, const torcs_state *t)
{
    s[TIME] = t->time;
    s[X] = (double)t->x;
    s[Y] = (double)t->y;
    s[Z] = (double)t->z;
    s[ROLL] = (double)t->roll;
    s[PITCH] = (double)t->pitch;
    s[YAW] = (double)t->yaw;
    s[FORWARD] = (double)t->vx;
    s[LEFTWARD] = (double)t->vy;
    s[TO_MIDDLE] = (double)t->to_middle;
    s[WIDTH] = (double)t->width;
    s[HEADING] = (double)t->heading;
    s[RACED] = (double)t->raced;
    s[AT] = (double)t->at;
    s[TOP_SPEED] = (double)t->top_speed;
    s[ENGINE] = (double)t->rpm;
    s[DAMAGE] = t->damage;
    s[GEAR] = t->gear;
    if (s[RACED] >= s[FURTHEST] + 1) {
        s[FURTHEST] = s[RACED];
        s[SINCE] = s[TIME];
    }
}

/* A simulator that has gone mad must not send the camera or the search anywhere. */
static bool sane(const torcs_state *t)
{
    return fabs(t->time) < 1e6 && fabsf(t->x) + fabsf(t->y) + fabsf(t->z) < 1e6f &&
           fabsf(t->roll) + fabsf(t->pitch) + fabsf(t->yaw) < 1e4f && fabsf(t->raced) < 1e7f && fabsf(t->at) < 1e6f &&
           fabsf(t->vx) + fabsf(t->vy) + fabsf(t->top_speed) < 1e4f && fabsf(t->rpm) < 1e6f &&
           fabsf(t->to_middle) + fabsf(t->heading) < 1e6f && t->width > 0 && t->width < 1e3f;
}

static jd_status start(jd_env *e, size_t i, uint64_t seed, double *state)
{
    (void)seed;
    race *r = e->outside;
    torcs_state t;
    if (jd__torcs_begin(&r->server, &r->car[i], &t)) return jd_error(e->ctx);
    if (!sane(&t)) return jd_fail(e->ctx, JD_EIO, "torcs: the simulator's first state makes no sense");
    memset(state, 0, STATE * sizeof *state);
    take(state, &t);
    state[FURTHEST] = state[RACED];
    state[SINCE] = state[TIME];
    return JD_OK;
}

static float clipped(float x, int k)
{
    return !(x == x) ? 0 : x < ACTION_LOW[k] ? ACTION_LOW[k] : x > ACTION_HIGH[k] ? ACTION_HIGH[k] : x;
}

static void lose(jd_env *e, size_t i, const char *why)
{
    race *r = e->outside;
    jd__torcs_end(&r->car[i]);
    e->lost++;
    snprintf(e->trouble, sizeof e->trouble, "torcs: an episode on track %s was lost: %s", r->server.track, why);
}

static void step(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended)
{
    race *r = e->outside;
    for (size_t i = 0; i < e->o.count; i++) {
        const float *a = action + i * ACTIONS;
        const torcs_order order = {clipped(a[STEER], STEER), clipped(a[ACCELERATE], ACCELERATE),
                                   clipped(a[BRAKE], BRAKE), r->steps};
        if (go[i]) jd__torcs_tell(&r->car[i], &order);
    }
    for (size_t i = 0; i < e->o.count; i++) {
        if (!go[i]) continue;
        double *s = state + i * STATE;
        torcs_state t;
        const char *why = "what it says makes no sense";
        if (!jd__torcs_hear(&r->server, &r->car[i], &t, &why) || !sane(&t)) {
            lose(e, i, why);
            ended[i] = 1;
            continue;
        }
        const double raced = s[RACED], damage = s[DAMAGE];
        take(s, &t);
        reward[i] = (float)(s[RACED] - raced - .003 * (s[DAMAGE] - damage));
        ended[i] = fabs(s[TO_MIDDLE]) > s[WIDTH] / 2 || s[DAMAGE] >= WRECKED || s[TIME] - s[SINCE] > IDLE;
        if (ended[i]) jd__torcs_end(&r->car[i]);
    }
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

static void look(const jd_env *e, const double *s, float *obs)
{
    const race *r = e->outside;
    uint8_t rgb[3 * MAX_PICTURE * MAX_PICTURE];
    const torcs_pose pose = {s[X], s[Y], s[Z], s[ROLL], s[PITCH], s[YAW], s[AT]};
    jd__torcs_look(&r->server.road, &pose, rgb, r->side, r->side);
    for (int k = 0; k < e->observation; k++) obs[k] = (float)rgb[k] * (1.f / 255);
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const race *r = e->outside;
    const torcs_pose pose = {s[X * JD_LANES],     s[Y * JD_LANES],   s[Z * JD_LANES], s[ROLL * JD_LANES],
                             s[PITCH * JD_LANES], s[YAW * JD_LANES], s[AT * JD_LANES]};
    jd__torcs_look(&r->server.road, &pose, c->rgb, c->w, c->h);
}

static bool valid(const jd_env *e, const double *s)
{
    (void)e;
    return fabs(s[YAW * JD_LANES]) < 1e5 && s[WIDTH * JD_LANES] >= 0;
}

static const torcs_road *road_of(const jd_env *e)
{
    return &((const race *)e->outside)->server.road;
}

static const jd_env_outside OUTSIDE = {
    .open = open_race, .close = close_race, .start = start, .step = step, .look = look, .road = road_of};

const jd_env_kind jd__env_torcs = {.name = "torcs",
                                   .outside = &OUTSIDE,
                                   .state = STATE,
                                   .action = ACTIONS,
                                   .action_low = ACTION_LOW,
                                   .action_high = ACTION_HIGH,
                                   .limit = limit,
                                   .valid = valid,
                                   .draw = draw};
