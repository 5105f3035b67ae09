/*
 * drive.c - a road in three dimensions and a car on it, where no simulator is needed: a bicycle whose tyres hold so much and
 * no more, on tracks made of straights and arcs, seen by the camera that also looks at the roads of TORCS.
 *
 * The car is computed along the road: `at` metres from the start, `aside` metres to the left of the middle, `heading` to the
 * left of the road's direction.  With curvature k of the road (to the left is positive) and yaw rate w of the car
 *     at' = v cos(heading) / (1 - k aside),   aside' = v sin(heading),   heading' = w - k at'.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "env/env.h"
#include "env/torcs.h"

enum { TIME, AT, ASIDE, HEADING, SPEED, RACED, FURTHEST, SINCE, X, Y, Z, YAW, PITCH, STATE };
enum { STEER, ACCELERATE, BRAKE, ACTIONS };
enum { EPISODE = 60, IDLE = 5 /* s */, SIDE = 64, SEGMENTS = 16 };
#define WIDTH    12.0 /* m, of the road */
#define BASE     2.6  /* m, between the axles */
#define LOCK     .366 /* rad: wheels turned as far as they go */
#define GRIP     1.0  /* friction of the tyres */
#define GRAVITY  9.81
#define ENGINE   5.0  /* m/s^2, accelerator down */
#define DRAG     .001 /* per m: 70 m/s at most */
#define INTERVAL .02  /* s */
#define APART    2.0  /* m, between cross-sections */

/* An arc of `length` m with curvature `bend` (1/m) that climbs `climb` m. */
typedef struct segment {
    double length, bend, climb;
    /* Filled in: */
    double at, x, y, z, yaw;
} segment;

typedef struct track {
    const char *name;
    int segments, rounds; /* the list, driven through so often, closes: it turns by 360 degrees / rounds */
    segment part[SEGMENTS / 2];
} track;

#define STRAIGHT(length, climb)                                                                                        \
    {                                                                                                                  \
        (length), 0, (climb), 0, 0, 0, 0, 0                                                                            \
    }
#define LEFT(radius, degrees, climb)                                                                                   \
    {                                                                                                                  \
        (radius) * (degrees) * (JD_PI / 180), 1. / (radius), (climb), 0, 0, 0, 0, 0                                    \
    }
#define RIGHT(radius, degrees, climb)                                                                                  \
    {                                                                                                                  \
        (radius) * (degrees) * (JD_PI / 180), -1. / (radius), (climb), 0, 0, 0, 0, 0                                   \
    }
static const track TRACK[] = {
    {"oval", 2, 2, {STRAIGHT(250, 0), LEFT(60, 180, 0)}},
    {"park",
     6,
     2,
     {STRAIGHT(160, 0), RIGHT(50, 60, 1.5), STRAIGHT(60, 0), LEFT(40, 120, -1.5), STRAIGHT(90, 0), LEFT(70, 120, 0)}},
    {"ridge", 5, 3, {STRAIGHT(90, 4), LEFT(40, 90, 0), STRAIGHT(80, -4), RIGHT(60, 60, 0), LEFT(50, 90, 0)}}};
enum { TRACKS = sizeof TRACK / sizeof *TRACK };

typedef struct road {
    torcs_road seen;
    int segments;
    segment part[SEGMENTS];
    int substeps, side;
    float *bounds;
} road;

static const float ACTION_LOW[ACTIONS] = {-1, 0, 0}, ACTION_HIGH[ACTIONS] = {1, 1, 1};

static int64_t limit(const jd_env_options *o)
{
    const double steps = EPISODE / jd__env_period(o, .2);
    return steps < 1 ? 1 : (int64_t)(steps + .5);
}

/* ---- the road ------------------------------------------------------------------------------------------------------------*/

static const segment *find(const road *r, double at)
{
    const segment *s = r->part;
    while (s + 1 < r->part + r->segments && s[1].at <= at) s++;
    return s;
}

/* The point `aside` to the left of the middle, and the road's direction there. */
static void place(const segment *s, double at, double aside, double *x, double *y, double *z, double *yaw)
{
    const double run = at - s->at, turn = s->bend * run;
    double sine, cosine, ahead, left;
    jd_sincos(turn, &sine, &cosine);
    ahead = s->bend == 0 ? run : sine / s->bend;
    left = s->bend == 0 ? 0 : (1 - cosine) / s->bend;
    ahead -= aside * sine;
    left += aside * cosine;
    jd_sincos(s->yaw, &sine, &cosine);
    *x = s->x + ahead * cosine - left * sine;
    *y = s->y + ahead * sine + left * cosine;
    *z = s->z + s->climb * run / s->length;
    *yaw = s->yaw + turn;
}

static void lay(road *r, const track *t)
{
    double at = 0, x = 0, y = 0, z = 0, yaw = 0;
    for (int i = 0; i < t->segments * t->rounds; i++) {
        segment *s = &r->part[r->segments++];
        *s = t->part[i % t->segments];
        s->at = at, s->x = x, s->y = y, s->z = z, s->yaw = yaw;
        at += s->length;
        place(s, at, 0, &x, &y, &z, &yaw);
    }
    r->seen.length = (float)at;
}

static jd_status survey(jd_env *e, road *r)
{
    const double length = (double)r->seen.length;
    const int n = (int)(length / APART);
    r->seen.section = jd_alloc_array(e->ctx, (size_t)n, sizeof *r->seen.section);
    r->seen.width = (float)WIDTH;
    for (int i = 0; r->seen.section && i < n; i++) {
        torcs_section *s = &r->seen.section[i];
        const double at = length * i / n;
        s->at = (float)at;
        for (int side = 0; side < 2; side++) {
            double x, y, z, yaw;
            place(find(r, at), at, side ? -WIDTH / 2 : WIDTH / 2, &x, &y, &z, &yaw);
            float *p = side ? s->right : s->left;
            p[0] = (float)x, p[1] = (float)y, p[2] = (float)z;
        }
        r->seen.sections++;
    }
    return jd_error(e->ctx);
}

static const torcs_road *road_of(const jd_env *e)
{
    return &((const road *)e->outside)->seen;
}

static void close_road(jd_env *e)
{
    road *r = e->outside;
    if (!r) return;
    jd_free(e->ctx, r->seen.section);
    jd_free(e->ctx, r->bounds);
    jd_free(e->ctx, r);
    e->outside = NULL;
}

static const track *find_track(jd_env *e)
{
    const char *name = e->o.track ? e->o.track : TRACK[1].name, *words[TRACKS + 1] = {0};
    for (int i = 0; i < TRACKS; i++) {
        if (!strcmp(TRACK[i].name, name)) return &TRACK[i];
        words[i] = TRACK[i].name;
    }
    const char *near = jd_nearest(name, words);
    jd_fail(e->ctx, JD_EUSAGE, "env: drive: no track \"%s\"%s%s%s; there are oval, park, ridge", name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static jd_status open_road(jd_env *e)
{
    const track *t = find_track(e);
    if (!t) return jd_error(e->ctx);
    int side, ticks;
    if (jd__outside_picture(e, SIDE, .2, &side, &ticks)) return jd_error(e->ctx);
    road *r = e->outside = jd_alloc(e->ctx, sizeof *r);
    if (!r) return jd_error(e->ctx);
    const size_t n = 3 * (size_t)side * (size_t)side;
    r->side = side;
    r->substeps = ticks;
    r->bounds = jd_alloc_array(e->ctx, 2 * n, sizeof *r->bounds);
    if (!r->bounds) return jd_error(e->ctx);
    for (size_t k = 0; k < n; k++) r->bounds[n + k] = 1;
    e->observation = (int)n;
    e->low = r->bounds;
    e->high = r->bounds + n;
    e->o.track = t->name;
    lay(r, t);
    return survey(e, r);
}

/* ---- the car -------------------------------------------------------------------------------------------------------------*/

/* Where the car is in space. */
static void stand(const road *r, double *s)
{
    const segment *g = find(r, s[AT]);
    double yaw;
    place(g, s[AT], s[ASIDE], &s[X], &s[Y], &s[Z], &yaw);
    s[YAW] = yaw + s[HEADING];
    s[PITCH] = -g->climb / g->length;
}

static jd_status start(jd_env *e, size_t i, uint64_t seed, double *s)
{
    jd_rng rng = jd_rng_new(seed, "env/drive", 0);
    (void)i;
    memset(s, 0, STATE * sizeof *s);
    if (seed) {
        s[ASIDE] = 4 * jd_rng_uniform64(&rng) - 2;
        s[HEADING] = .2 * jd_rng_uniform64(&rng) - .1;
    }
    stand(e->outside, s);
    return JD_OK;
}

/* What the tyres give in one direction is lacking in the other. */
static void roll(const road *r, double *s, double steer, double accelerate, double brake)
{
    const segment *g = find(r, s[AT]);
    const double hold = GRIP * GRAVITY, v = s[SPEED];
    double push = ENGINE * accelerate - hold * brake, sine, cosine, turned, straight;
    push = push > hold ? hold : push < -hold ? -hold : push;
    const double sideways = sqrt(hold * hold - push * push);
    jd_sincos(LOCK * steer, &turned, &straight);
    double yaw_rate = v * turned / straight / BASE;
    if (fabs(yaw_rate) * v > sideways) yaw_rate = yaw_rate > 0 ? sideways / v : -sideways / v;
    jd_sincos(s[HEADING], &sine, &cosine);
    const double along = v * cosine / fmax(1 - g->bend * s[ASIDE], .1);
    s[AT] += INTERVAL * along;
    s[ASIDE] += INTERVAL * v * sine;
    s[HEADING] += INTERVAL * (yaw_rate - g->bend * along);
    const double faster = v + INTERVAL * (push - DRAG * v * v - GRAVITY * g->climb / g->length);
    s[SPEED] = faster > 0 ? faster : 0; /* there is no reverse gear, and brakes hold on a slope */
    s[RACED] += INTERVAL * along;
    s[TIME] += INTERVAL;
    const double length = (double)r->seen.length;
    if (s[AT] >= length) s[AT] -= length;
    if (s[AT] < 0) s[AT] += length;
    if (s[HEADING] > JD_PI) s[HEADING] -= 2 * JD_PI;
    if (s[HEADING] < -JD_PI) s[HEADING] += 2 * JD_PI;
    if (s[RACED] >= s[FURTHEST] + 1) s[FURTHEST] = s[RACED], s[SINCE] = s[TIME];
}

static double clipped(float x, int k)
{
    return (double)(!(x == x) ? 0 : x < ACTION_LOW[k] ? ACTION_LOW[k] : x > ACTION_HIGH[k] ? ACTION_HIGH[k] : x);
}

static void step(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended)
{
    const road *r = e->outside;
    for (size_t i = 0; i < e->o.count; i++) {
        if (!go[i]) continue;
        const float *a = action + i * ACTIONS;
        double *s = state + i * STATE;
        const double raced = s[RACED];
        for (int k = 0; k < r->substeps && !ended[i]; k++) {
            roll(r, s, clipped(a[STEER], STEER), clipped(a[ACCELERATE], ACCELERATE), clipped(a[BRAKE], BRAKE));
            ended[i] = fabs(s[ASIDE]) > WIDTH / 2 || s[TIME] - s[SINCE] > IDLE;
        }
        reward[i] = (float)(s[RACED] - raced);
        stand(r, s);
    }
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

static void see(const road *r, const double *s, int stride, uint8_t *rgb, int w, int h)
{
    /* On the road's slope the nose points along the road: turned across it the car rolls instead. */
    double sine, cosine;
    jd_sincos(s[HEADING * stride], &sine, &cosine);
    const double slope = s[PITCH * stride];
    const torcs_pose pose = {s[X * stride],  s[Y * stride],   s[Z * stride], slope * sine,
                             slope * cosine, s[YAW * stride], s[AT * stride]};
    jd__torcs_look(&r->seen, &pose, rgb, w, h);
}

static void look(const jd_env *e, const double *s, float *obs)
{
    const road *r = e->outside;
    uint8_t rgb[3 * 256 * 256];
    see(r, s, 1, rgb, r->side, r->side);
    for (int k = 0; k < e->observation; k++) obs[k] = (float)rgb[k] * (1.f / 255);
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    see(e->outside, s, JD_LANES, c->rgb, c->w, c->h);
}

static bool valid(const jd_env *e, const double *s)
{
    const road *r = e->outside;
    const double at = s[AT * JD_LANES];
    return at >= 0 && at < (double)r->seen.length && fabs(s[ASIDE * JD_LANES]) < 100 &&
           fabs(s[HEADING * JD_LANES]) <= JD_PI && s[SPEED * JD_LANES] >= 0 && s[SPEED * JD_LANES] < 1000 &&
           fabs(s[YAW * JD_LANES]) < 1e5 && fabs(s[PITCH * JD_LANES]) < 1;
}

static const jd_env_outside OUTSIDE = {
    .open = open_road, .close = close_road, .start = start, .step = step, .look = look, .road = road_of, .whole = true};

const jd_env_kind jd__env_drive = {.name = "drive",
                                   .outside = &OUTSIDE,
                                   .state = STATE,
                                   .action = ACTIONS,
                                   .action_low = ACTION_LOW,
                                   .action_high = ACTION_HIGH,
                                   .limit = limit,
                                   .valid = valid,
                                   .draw = draw};
