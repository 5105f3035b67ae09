/*
 * racing.c - a race seen from above, after CarRacing-v0 of OpenAI Gym (its rules and reward; the car and the tracks are our
 * own): each seed draws a closed track, and a car with rear drive, whose tyres slip, is to visit all of it in 1,000 frames.
 *
 * The car is a dynamic bicycle: speeds ahead and to the left, and a yaw rate; each axle's side force grows with its slip angle
 * up to what the tyres hold, and what the rear tyres give along is lacking across.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "env/env.h"
#include "env/torcs.h"

enum { POINTS = 12, FINE = 64, MOST_TILES = 384, WORDS = MOST_TILES / 32, SIDE = 64, FRAMES = 1000, PARTS = 4 };
enum { SEED_HIGH, SEED_LOW, X, Y, YAW, AHEAD, ASIDE, TURN, COUNT, VISITED, STATE = VISITED + WORDS };
enum { STEER, ACCELERATE, BRAKE, ACTIONS };
enum { CELLS = 240, NOWHERE = 0xffff };
#define RADIUS   165.0 /* of the check points at most; units of about a metre */
#define TILE     3.5
#define HALF     6.67  /* of the road's width */
#define FIELD    240.0 /* to either side of the middle */
#define CELL     (2 * FIELD / CELLS)
#define NEAR     12.0 /* of the middle of the road: what the grid knows */
#define FRAME    .02  /* s */
#define GRIP     60.0 /* units/s^2: what the tyres hold on the road */
#define GRASS    .4   /* of that beside it */
#define ENGINE   45.0 /* more than the rear tyres hold */
#define DRAG     .004
#define DRAG_OFF .6 /* 1/s, on grass */
#define LOCK     .4 /* rad */
#define AXLE     1.6
#define INERTIA  2.5
#define STIFF    8.0
#define VIEW     56.0 /* units that a picture shows */

typedef struct track {
    uint32_t seed[2];
    int tiles; /* 0: none yet */
    double length, x[MOST_TILES], y[MOST_TILES], tx[MOST_TILES], ty[MOST_TILES];
    uint16_t cell[CELLS][CELLS]; /* the nearest tile, row by y */
} track;

typedef struct racing {
    track *track; /* (count) */
    torcs_road seen;
    int frames, side;
    float *bounds;
} racing;

static const float ACTION_LOW[ACTIONS] = {-1, 0, 0}, ACTION_HIGH[ACTIONS] = {1, 1, 1};

static int64_t limit(const jd_env_options *o)
{
    const double steps = FRAMES * FRAME / jd__env_period(o, FRAME);
    return steps < 1 ? 1 : (int64_t)(steps + .5);
}

/* ---- the track ----------------------------------------------------------------------------------------------------------*/

/* Catmull and Rom's curve through p1 and p2 at u in 0..1. */
static double spline(double p0, double p1, double p2, double p3, double u)
{
    return .5 * (2 * p1 + u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3 + u * (3 * (p1 - p2) + p3 - p0))));
}

/* Check points around the middle, jittered in angle and distance; the curve through them in short pieces. */
static void sketch(uint64_t seed, double fine[POINTS * FINE][2])
{
    jd_rng r = jd_rng_new(seed, "env/racing", 0);
    double p[POINTS][2];
    for (int i = 0; i < POINTS; i++) {
        double sine, cosine;
        const double angle = 2 * JD_PI / POINTS * (i + .6 * (jd_rng_uniform64(&r) - .5));
        const double radius = RADIUS * (.5 + .5 * jd_rng_uniform64(&r));
        jd_sincos(angle, &sine, &cosine);
        p[i][0] = radius * cosine;
        p[i][1] = radius * sine;
    }
    for (int i = 0; i < POINTS; i++)
        for (int k = 0; k < FINE; k++)
            for (int d = 0; d < 2; d++)
                fine[i * FINE + k][d] = spline(p[(i + POINTS - 1) % POINTS][d], p[i][d], p[(i + 1) % POINTS][d],
                                               p[(i + 2) % POINTS][d], (double)k / FINE);
}

/* Tiles at equal distances along the curve. */
static void lay(track *t, double fine[POINTS * FINE][2])
{
    const int n = POINTS * FINE;
    t->length = 0;
    for (int i = 0; i < n; i++)
        t->length += hypot(fine[(i + 1) % n][0] - fine[i][0], fine[(i + 1) % n][1] - fine[i][1]);
    t->tiles = (int)(t->length / TILE);
    if (t->tiles > MOST_TILES) t->tiles = MOST_TILES;
    double at = 0;
    for (int i = 0, tile = 0; i < n && tile < t->tiles; i++) {
        const double *a = fine[i], *b = fine[(i + 1) % n], piece = hypot(b[0] - a[0], b[1] - a[1]);
        for (; tile < t->tiles && tile * t->length / t->tiles < at + piece; tile++) {
            const double u = (tile * t->length / t->tiles - at) / piece;
            t->x[tile] = a[0] + u * (b[0] - a[0]);
            t->y[tile] = a[1] + u * (b[1] - a[1]);
            t->tx[tile] = (b[0] - a[0]) / piece;
            t->ty[tile] = (b[1] - a[1]) / piece;
        }
        at += piece;
    }
}

static int cell_of(double v)
{
    return v <= -FIELD ? 0 : v >= FIELD ? CELLS - 1 : (int)((v + FIELD) / CELL);
}

static void chart(track *t)
{
    static const int reach = (int)(NEAR / CELL) + 1;
    float nearest[CELLS][CELLS];
    for (int r = 0; r < CELLS; r++)
        for (int c = 0; c < CELLS; c++) nearest[r][c] = (float)(NEAR * NEAR), t->cell[r][c] = NOWHERE;
    for (int i = 0; i < t->tiles; i++) {
        const int row = cell_of(t->y[i]), column = cell_of(t->x[i]);
        for (int r = row > reach ? row - reach : 0; r <= row + reach && r < CELLS; r++)
            for (int c = column > reach ? column - reach : 0; c <= column + reach && c < CELLS; c++) {
                const double dx = (c + .5) * CELL - FIELD - t->x[i], dy = (r + .5) * CELL - FIELD - t->y[i];
                const float d = (float)(dx * dx + dy * dy);
                if (d < nearest[r][c]) nearest[r][c] = d, t->cell[r][c] = (uint16_t)i;
            }
    }
}

static void make(track *t, uint32_t high, uint32_t low)
{
    double fine[POINTS * FINE][2];
    sketch((uint64_t)high << 32 | low, fine);
    t->seed[0] = high;
    t->seed[1] = low;
    lay(t, fine);
    chart(t);
}

static bool is_of(const track *t, const double *s, int stride)
{
    return t->tiles && t->seed[0] == s[SEED_HIGH * stride] && t->seed[1] == s[SEED_LOW * stride];
}

static const track *find(const jd_env *e, const double *s, int stride)
{
    const racing *r = e->outside;
    for (size_t i = 0; i < e->o.count; i++)
        if (is_of(&r->track[i], s, stride)) return &r->track[i];
    return NULL;
}

/* The nearest tile, or -1; how far from the middle of the road. */
static int tile_at(const track *t, double x, double y, double *off)
{
    *off = 2 * NEAR;
    if (!(fabs(x) < FIELD && fabs(y) < FIELD)) return -1;
    const uint16_t i = t->cell[cell_of(y)][cell_of(x)];
    if (i == NOWHERE) return -1;
    *off = fabs((x - t->x[i]) * t->ty[i] - (y - t->y[i]) * t->tx[i]);
    return i;
}

/* The track of the first copy as cross-sections. */
static const torcs_road *road_of(const jd_env *e)
{
    racing *r = e->outside;
    const track *t = &r->track[0];
    for (int i = 0; i < t->tiles; i++) {
        torcs_section *s = &r->seen.section[i];
        s->at = (float)(i * t->length / t->tiles);
        for (int side = 0; side < 2; side++) {
            const double w = side ? -HALF : HALF;
            float *p = side ? s->right : s->left;
            p[0] = (float)(t->x[i] - w * t->ty[i]), p[1] = (float)(t->y[i] + w * t->tx[i]), p[2] = 0;
        }
    }
    r->seen.sections = t->tiles;
    r->seen.length = (float)t->length;
    return &r->seen;
}

/* ---- opening --------------------------------------------------------------------------------------------------------------*/

static void close_racing(jd_env *e)
{
    racing *r = e->outside;
    if (!r) return;
    jd_free(e->ctx, r->track);
    jd_free(e->ctx, r->seen.section);
    jd_free(e->ctx, r->bounds);
    jd_free(e->ctx, r);
    e->outside = NULL;
}

static jd_status open_racing(jd_env *e)
{
    int side, ticks;
    if (jd__outside_picture(e, SIDE, FRAME, &side, &ticks)) return jd_error(e->ctx);
    racing *r = e->outside = jd_alloc(e->ctx, sizeof *r);
    if (!r) return jd_error(e->ctx);
    const size_t n = 3 * (size_t)side * (size_t)side;
    r->side = side;
    r->frames = ticks;
    r->seen.width = (float)(2 * HALF);
    r->track = jd_alloc_array(e->ctx, e->o.count, sizeof *r->track);
    r->seen.section = jd_alloc_array(e->ctx, MOST_TILES, sizeof *r->seen.section);
    r->bounds = jd_alloc_array(e->ctx, 2 * n, sizeof *r->bounds);
    if (jd_error(e->ctx)) return jd_error(e->ctx);
    for (size_t k = 0; k < n; k++) r->bounds[n + k] = 1;
    e->observation = (int)n;
    e->low = r->bounds;
    e->high = r->bounds + n;
    return JD_OK;
}

/* ---- the car --------------------------------------------------------------------------------------------------------------*/

/* Visits the tile under the car; 1 when it is new. */
static int visit(const track *t, double *s)
{
    double off;
    const int i = tile_at(t, s[X], s[Y], &off);
    if (i < 0 || off > HALF) return 0;
    const uint32_t word = (uint32_t)s[VISITED + i / 32], bit = 1u << i % 32;
    if (word & bit) return 0;
    s[VISITED + i / 32] = (double)(word | bit);
    s[COUNT]++;
    return 1;
}

static jd_status start(jd_env *e, size_t i, uint64_t seed, double *s)
{
    racing *r = e->outside;
    track *t = &r->track[i];
    memset(s, 0, STATE * sizeof *s);
    s[SEED_HIGH] = (double)(seed >> 32);
    s[SEED_LOW] = (double)(seed & 0xffffffff);
    if (!is_of(t, s, 1)) make(t, (uint32_t)(seed >> 32), (uint32_t)seed);
    s[X] = t->x[0];
    s[Y] = t->y[0];
    s[YAW] = atan2(t->ty[0], t->tx[0]);
    visit(t, s);
    return JD_OK;
}

/* x within -1..1, nearly linear at first. */
static double soft(double x)
{
    return x / sqrt(1 + x * x);
}

/* A part of a frame.  Side forces of an axle: what it holds, times how far it slips. */
static void roll(double *s, double grip, bool grass, double steer, double accelerate, double brake)
{
    const double h = FRAME / PARTS, v = s[AHEAD], hold = grip / 2, under = fabs(v) + 5;
    double along = ENGINE * accelerate;
    if (along > hold) along = hold; /* wheels spin */
    const double slow = fmin(hold * brake, v > 0 ? v / h / 2 : 0), rear_along = along - slow;
    const double across = hold * sqrt(fmax(.04, 1 - rear_along * rear_along / (hold * hold)));
    const double front_across = hold * sqrt(fmax(.04, 1 - slow * slow / (hold * hold)));
    const double angle = LOCK * steer / (1 + fabs(v) / 40);
    const double front = front_across * soft(STIFF * (angle - (s[ASIDE] + AXLE * s[TURN]) / under));
    const double rear = across * soft(-STIFF * (s[ASIDE] - AXLE * s[TURN]) / under);
    const double ahead = rear_along - slow - DRAG * v * fabs(v) - (grass ? DRAG_OFF : .05) * v - front * angle;
    double sine, cosine;
    s[AHEAD] += h * (ahead + s[ASIDE] * s[TURN]);
    s[ASIDE] += h * (front + rear - v * s[TURN]);
    s[TURN] += h * AXLE * (front - rear) / INERTIA;
    s[YAW] += h * s[TURN];
    if (s[YAW] > JD_PI) s[YAW] -= 2 * JD_PI;
    if (s[YAW] < -JD_PI) s[YAW] += 2 * JD_PI;
    jd_sincos(s[YAW], &sine, &cosine);
    s[X] += h * (s[AHEAD] * cosine - s[ASIDE] * sine);
    s[Y] += h * (s[AHEAD] * sine + s[ASIDE] * cosine);
}

static double clipped(float x, int k)
{
    return (double)(!(x == x) ? 0 : x < ACTION_LOW[k] ? ACTION_LOW[k] : x > ACTION_HIGH[k] ? ACTION_HIGH[k] : x);
}

static bool drive(const track *t, double *s, const float *a, float *reward)
{
    double off;
    tile_at(t, s[X], s[Y], &off);
    const bool grass = off > HALF;
    for (int k = 0; k < PARTS; k++)
        roll(s, grass ? GRASS * GRIP : GRIP, grass, clipped(a[STEER], STEER), clipped(a[ACCELERATE], ACCELERATE),
             clipped(a[BRAKE], BRAKE));
    *reward += (float)(1000. / t->tiles * visit(t, s) - .1);
    if (fabs(s[X]) < FIELD && fabs(s[Y]) < FIELD) return s[COUNT] >= t->tiles;
    *reward -= 100;
    return true;
}

static void step(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended)
{
    const racing *r = e->outside;
    for (size_t i = 0; i < e->o.count; i++) {
        double *s = state + i * STATE;
        track *t = &r->track[i];
        if (!go[i]) continue;
        if (!is_of(t, s, 1)) make(t, (uint32_t)s[SEED_HIGH], (uint32_t)s[SEED_LOW]); /* the state was set */
        for (int k = 0; k < r->frames && !ended[i]; k++) ended[i] = drive(t, s, action + i * ACTIONS, &reward[i]);
    }
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

typedef struct view {
    const track *t;
    double x, y, sine, cosine, unit, per_unit; /* of the car; units of length a pixel, and pixels a unit */
    int w, h;
} view;

static view view_of(const track *t, const double *s, int stride, int w, int h)
{
    view v = {.t = t, .x = s[X * stride], .y = s[Y * stride], .unit = VIEW / (w < h ? w : h), .w = w, .h = h};
    v.per_unit = 1 / v.unit;
    jd_sincos(s[YAW * stride], &v.sine, &v.cosine);
    return v;
}

/* Squares of 20 units; no place lies further out than a million, so that truncation is floor. */
static bool light_grass(double x, double y)
{
    enum { FAR_OUT = 1 << 17 };
    return ((int)(x * .05 + FAR_OUT) + (int)(y * .05 + FAR_OUT)) & 1;
}

/* The car stands at seven tenths of the height and looks up. */
static inline void see(const view *v, int px, int py, double *out)
{
    const double forward = (.7 * v->h - py - .5) * v->unit, left = (.5 * v->w - px - .5) * v->unit;
    const double x = v->x + forward * v->cosine - left * v->sine, y = v->y + forward * v->sine + left * v->cosine;
    double off;
    const int i = tile_at(v->t, x, y, &off);
    out[0] = out[2] = .4;
    out[1] = light_grass(x, y) ? .9 : .8;
    if (fabs(x) > FIELD || fabs(y) > FIELD) out[0] = out[1] = out[2] = .9;
    double covers = .5 + (HALF - off) * v->per_unit;
    covers = covers < 0 ? 0 : covers > 1 ? 1 : covers;
    if (i >= 0)
        for (int k = 0; k < 3; k++) out[k] += covers * (.4 - out[k]);
    if (fabs(forward) < 2.4 && fabs(left) < 1.4) out[0] = .8, out[1] = out[2] = 0;
}

static void look(const jd_env *e, const double *s, float *obs)
{
    const int side = ((const racing *)e->outside)->side;
    const track *t = find(e, s, 1);
    const view v = view_of(t, s, 1, side, side);
    for (int y = 0; t && y < side; y++)
        for (int x = 0; x < side; x++) {
            double rgb[3];
            see(&v, x, y, rgb);
            for (int c = 0; c < 3; c++) *obs++ = (float)rgb[c];
        }
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const track *known = find(e, s, JD_LANES);
    track *made = known ? NULL : jd_alloc(e->ctx, sizeof *made);
    if (made) make(made, (uint32_t)s[SEED_HIGH * JD_LANES], (uint32_t)s[SEED_LOW * JD_LANES]);
    const view v = view_of(known ? known : made, s, JD_LANES, c->w, c->h);
    for (int k = 0; v.t && k < c->w * c->h; k++) {
        double rgb[3];
        see(&v, k % c->w, k / c->w, rgb);
        for (int i = 0; i < 3; i++) c->rgb[3 * k + i] = (uint8_t)(255 * rgb[i] + .5);
    }
    jd_free(e->ctx, made);
}

static bool whole_below(double v, double bound)
{
    return v >= 0 && v < bound && floor(v) == v;
}

static bool valid(const jd_env *e, const double *s)
{
    (void)e;
    for (int k = 0; k < WORDS; k++)
        if (!whole_below(s[(VISITED + k) * JD_LANES], 4294967296.)) return false;
    return whole_below(s[SEED_HIGH * JD_LANES], 4294967296.) && whole_below(s[SEED_LOW * JD_LANES], 4294967296.) &&
           whole_below(s[COUNT * JD_LANES], MOST_TILES + 1) && fabs(s[X * JD_LANES]) < 1e6 &&
           fabs(s[Y * JD_LANES]) < 1e6 && fabs(s[YAW * JD_LANES]) < 1e6 && fabs(s[AHEAD * JD_LANES]) < 1e4 &&
           fabs(s[ASIDE * JD_LANES]) < 1e4 && fabs(s[TURN * JD_LANES]) < 1e4;
}

static const jd_env_outside OUTSIDE = {.open = open_racing,
                                       .close = close_racing,
                                       .start = start,
                                       .step = step,
                                       .look = look,
                                       .road = road_of,
                                       .whole = true};
const jd_env_kind jd__env_racing = {.name = "racing",
                                    .outside = &OUTSIDE,
                                    .state = STATE,
                                    .action = ACTIONS,
                                    .action_low = ACTION_LOW,
                                    .action_high = ACTION_HIGH,
                                    .limit = limit,
                                    .valid = valid,
                                    .draw = draw};
