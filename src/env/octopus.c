/*
 * octopus.c - an octopus's arm in water that reaches for a target: it sees its state, or a picture of itself.
 *
 * Physics and constants of the octopus arm task of the reinforcement-learning competitions, after Y. Yekutieli et al., J.
 * Neurophysiol. 94, 2005; motors at the base make 32 actions.
 */
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "env/env.h"

enum {
    N = JD_OCTOPUS,
    STATE = 2 + 8 * N,
    MUSCLES = 3 * N,
    ACTIONS = MUSCLES + 2,
    PICTURE = 32,
    PIXELS = PICTURE * PICTURE,
    SUBSTEPS = 25
};
#define SUBSTEP 0.2
#define MOTOR   0.1 /* rad/s that the base gains in a step of one motor */
#define WINDOW  12.0
#define NEAR    0.5
#define TARGET                                                                                                         \
    {                                                                                                                  \
        5.5, 3.5                                                                                                       \
    }
#define LIMIT 1e3 /* a coordinate or speed beyond this: the arm has burst */

/* The pose at rest: upper node, lower node, mass of each. */
static const double POSE[N + 1][5] = {
    {.08, 1.00, 0, 0, 1},
    {1.07, .92, 1.00, -.08, .9900990099},
    {2.07, .84, 1.99, -.15, .9803921569},
    {3.07, .77, 2.99, -.23, .9708737864},
    {4.06, .69, 3.99, -.30, .9615384615},
    {5.06, .62, 4.99, -.38, .9523809524},
    {6.06, .54, 5.98, -.46, .8433962264},
    {7.06, .46, 6.98, -.53, .8345794393},
    {8.05, .39, 7.98, -.61, .8259259259},
    {9.05, .31, 8.97, -.69, .8174311927},
    {10.05, .24, 9.97, -.76, .7090909091},
};
static const double CENTER[2] = {(.08 + 0) / 2, (1.00 + 0) / 2};

static double distance(const double *a, const double *b)
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]));
}

/* A muscle between a and b; a longitudinal one has the width of its compartment. */
static void muscle(const double *a, const double *b, double width, double *to)
{
    const double rest = distance(a, b);
    to[0] = 1 / rest;
    to[1] = width > 0 ? .5 * width * width / rest : rest;
}

static jd_octopus constants(void)
{
    jd_octopus c = {.center = {CENTER[0], CENTER[1]},
                    .radius = distance(POSE[0], CENTER),
                    .active = .1,
                    .passive = .05,
                    .least_length = .4,
                    .damping = -.3,
                    .pressure = 10,
                    .tangential = .2,
                    .perpendicular = 1,
                    .gravity = .01,
                    .surface = 5,
                    .repulsion = .04,
                    .power = 2.3,
                    .threshold = .7};
    for (int i = 0; i < N; i++) {
        const double *d = POSE[i], *v = POSE[i] + 2, *dt = POSE[i + 1], *tv = POSE[i + 1] + 2, w = distance(dt, tv);
        muscle(d, dt, w, c.dorsal[i]);
        muscle(v, tv, w, c.ventral[i]);
        muscle(dt, tv, 0, c.transverse[i]);
        c.area[i] = .5 * ((tv[0] - d[0]) * (dt[1] - v[1]) - (tv[1] - d[1]) * (dt[0] - v[0]));
    }
    for (int i = 0; i <= N; i++) {
        c.mass[i] = POSE[i][4];
        c.per_mass[i] = 1 / POSE[i][4];
    }
    return c;
}

/* ---- episodes ----------------------------------------------------------------------------------------------------------*/

static int64_t limit(const jd_env_options *o)
{
    (void)o;
    return 120;
}

/* The resting pose turned about the base, by an angle of -60 to 60 degrees; by none for seed 0. */
static void start(const jd_env *e, double *s, uint64_t seed)
{
    static const double straight = 1.4909663410826592; /* atan2(0.5, 0.04): where the first upper node is */
    jd_rng r = jd_rng_new(seed, "env/octopus-arm", 0);
    const double turn = seed ? (2 * jd_rng_uniform64(&r) - 1) * JD_PI / 3 : 0;
    double sine, cosine;
    (void)e;
    jd_sincos(turn, &sine, &cosine);
    for (int k = 0; k < STATE; k++) s[k * JD_LANES] = 0;
    s[0] = straight + turn;
    for (int i = 1; i <= N; i++)
        for (int lower = 0; lower < 2; lower++) {
            const double x = POSE[i][2 * lower] - CENTER[0], y = POSE[i][2 * lower + 1] - CENTER[1];
            double *to = s + (2 + 4 * (i - 1) + lower * 4 * N) * JD_LANES;
            to[0] = CENTER[0] + cosine * x - sine * y;
            to[JD_LANES] = CENTER[1] + sine * x + cosine * y;
        }
}

static bool valid(const jd_env *e, const double *s)
{
    (void)e;
    for (int k = 0; k < STATE; k++)
        if (!(fabs(s[k * JD_LANES]) <= LIMIT)) return false;
    return true;
}

static void aim(const jd_env *e, double target[2])
{
    static const double usual[2] = TARGET;
    const double *own = e->o.target;
    memcpy(target, own[0] == 0 && own[1] == 0 ? usual : own, sizeof usual);
}

/* The middle of the tip's two nodes. */
static void tip(const double *s, double to[2])
{
    const double *u = s + (2 + 4 * (N - 1)) * JD_LANES, *l = u + 4 * N * JD_LANES;
    to[0] = (u[0] + l[0]) / 2;
    to[1] = (u[JD_LANES] + l[JD_LANES]) / 2;
}

static void step(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    const jd_octopus c = constants();
    double activation[MUSCLES * JD_LANES], before[STATE * JD_LANES], target[2];
    memcpy(before, s, sizeof before);
    for (int k = 0; k < ACTIONS * JD_LANES; k++) {
        const double a = action[k] > 0 ? action[k] < 1 ? (double)action[k] : 1 : 0;
        if (k < MUSCLES * JD_LANES)
            activation[k] = a;
        else
            s[JD_LANES + k % JD_LANES] += (k < (MUSCLES + 1) * JD_LANES ? MOTOR : -MOTOR) * a;
    }
    e->control->octopus(&c, s, activation, SUBSTEP, SUBSTEPS);
    aim(e, target);
    for (int l = 0; l < JD_LANES; l++) {
        double at[2];
        const bool whole = valid(e, s + l);
        for (int k = 0; !whole && k < STATE; k++) s[k * JD_LANES + l] = before[k * JD_LANES + l];
        tip(s + l, at);
        const bool there = whole && distance(at, target) <= NEAR;
        reward[l] = there ? 10.f : -.01f;
        ended[l] = there || !whole;
    }
}

/* Angle and speed of the base, then for the upper and the lower side x of all nodes, y, and the two speeds. */
static void observe(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    (void)e;
    (void)t;
    for (int l = 0; l < JD_LANES; l++) {
        obs[l] = (float)(s[l] / JD_PI);
        obs[JD_LANES + l] = (float)s[JD_LANES + l];
    }
    for (int side = 0; side < 2; side++)
        for (int v = 0; v < 4; v++)
            for (int i = 0; i < N; i++) {
                const double *from = s + (2 + 4 * (i + side * N) + v) * JD_LANES;
                float *to = obs + (2 + (4 * side + v) * N + i) * JD_LANES;
                for (int l = 0; l < JD_LANES; l++) to[l] = (float)(v < 2 ? from[l] / 10 : from[l]);
            }
}

/* ---- pictures ----------------------------------------------------------------------------------------------------------*/

/* Corners of compartment i of one lane: u(i), u(i+1), l(i+1), l(i). */
static void corners(const double *s, int i, double q[4][2])
{
    double sine, cosine;
    jd_sincos(s[0], &sine, &cosine);
    const double r = distance(POSE[0], CENTER);
    for (int k = 0; k < 4; k++) {
        const int node = k == 1 || k == 2 ? i + 1 : i, lower = k >= 2;
        if (node) {
            const double *p = s + (2 + 4 * (node - 1) + lower * 4 * N) * JD_LANES;
            q[k][0] = p[0], q[k][1] = p[JD_LANES];
        } else {
            q[k][0] = CENTER[0] + (lower ? -r : r) * cosine;
            q[k][1] = CENTER[1] + (lower ? -r : r) * sine;
        }
    }
}

/* Whether a point lies inside a quadrilateral, by the number of its sides to the right. */
static bool inside(double q[4][2], double x, double y)
{
    bool in = false;
    for (int k = 0; k < 4; k++) {
        const double *a = q[k], *b = q[(k + 1) % 4];
        if ((a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])) in = !in;
    }
    return in;
}

/* The pixel that a coordinate, relative to the window's low edge, lies in; outside: the nearest. */
static int pixel(double x)
{
    const double p = floor(x * PICTURE / (2 * WINDOW));
    return p > 0 ? p < PICTURE - 1 ? (int)p : PICTURE - 1 : 0;
}

/* One compartment in the picture obs (32,32,16), rows downward: 1 where a pixel's middle is inside. */
static void fill(double q[4][2], float *obs)
{
    double low[2] = {q[0][0], q[0][1]}, high[2] = {q[0][0], q[0][1]};
    for (int k = 1; k < 4; k++)
        for (int d = 0; d < 2; d++) {
            low[d] = fmin(low[d], q[k][d]);
            high[d] = fmax(high[d], q[k][d]);
        }
    const double x0 = CENTER[0] - WINDOW, y0 = CENTER[1] - WINDOW, size = 2 * WINDOW / PICTURE;
    for (int j = pixel(low[1] - y0); j <= pixel(high[1] - y0); j++)
        for (int i = pixel(low[0] - x0); i <= pixel(high[0] - x0); i++)
            if (inside(q, x0 + (i + .5) * size, y0 + (j + .5) * size))
                obs[((PICTURE - 1 - j) * PICTURE + i) * JD_LANES] = 1;
}

static void look(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    double target[2];
    (void)t;
    memset(obs, 0, PIXELS * JD_LANES * sizeof *obs);
    aim(e, target);
    const int tx = pixel(target[0] - CENTER[0] + WINDOW), ty = pixel(target[1] - CENTER[1] + WINDOW);
    for (int l = 0; l < JD_LANES; l++) {
        for (int i = 0; i < N; i++) {
            double q[4][2];
            corners(s + l, i, q);
            fill(q, obs + l);
        }
        for (int j = ty - 1; j <= ty + 1; j++)
            for (int i = tx - 1; i <= tx + 1; i++)
                if (i >= 0 && j >= 0 && i < PICTURE && j < PICTURE)
                    obs[((PICTURE - 1 - j) * PICTURE + i) * JD_LANES + l] = -1;
    }
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    double target[2];
    aim(e, target);
    jd__canvas_view(c, CENTER[0] - WINDOW, CENTER[1] - WINDOW, CENTER[0] + WINDOW, CENTER[1] + WINDOW);
    jd__canvas_box(c, CENTER[0] - 10 * WINDOW, -10 * WINDOW, CENTER[0] + 10 * WINDOW, 5, 0xDDEBF2); /* the water */
    jd__canvas_line(c, target[0], target[1], target[0], target[1], 2 * NEAR, 0xE07B39);
    for (int i = 0; i < N; i++) {
        double q[4][2];
        corners(s, i, q);
        const double ax = (q[0][0] + q[3][0]) / 2, ay = (q[0][1] + q[3][1]) / 2;
        const double bx = (q[1][0] + q[2][0]) / 2, by = (q[1][1] + q[2][1]) / 2;
        jd__canvas_line(c, ax, ay, bx, by, distance(q[1], q[2]), 0x9C6AA6);
    }
    for (int i = 0; i < N; i++) {
        double q[4][2];
        corners(s, i, q);
        for (int k = 0; k < 3; k++) jd__canvas_line(c, q[k][0], q[k][1], q[k + 1][0], q[k + 1][1], .15, 0x4A2A55);
    }
}

#define TEN(x)  x, x, x, x, x, x, x, x, x, x
#define FREE(x) TEN(x), TEN(x), TEN(x), TEN(x), TEN(x), TEN(x), TEN(x), TEN(x), x, x
#define ROW(x)  TEN(x), TEN(x), TEN(x), x, x
#define ROWS(x) ROW(x), ROW(x), ROW(x), ROW(x), ROW(x), ROW(x), ROW(x), ROW(x)
static const float LOW[STATE] = {FREE(-INFINITY)}, HIGH[STATE] = {FREE(INFINITY)};
static const float DARK[PIXELS] = {ROWS(-1), ROWS(-1), ROWS(-1), ROWS(-1)};
static const float LIGHT[PIXELS] = {ROWS(1), ROWS(1), ROWS(1), ROWS(1)};
static const float RELAXED[ACTIONS] = {0}, TENSE[ACTIONS] = {ROW(1)};

const jd_env_kind jd__env_octopus = {.name = "octopus-arm",
                                     .state = STATE,
                                     .observation = STATE,
                                     .action = ACTIONS,
                                     .low = LOW,
                                     .high = HIGH,
                                     .action_low = RELAXED,
                                     .action_high = TENSE,
                                     .limit = limit,
                                     .start = start,
                                     .valid = valid,
                                     .draw = draw,
                                     .step = step,
                                     .observe = observe};

const jd_env_kind jd__env_octopus_vision = {.name = "octopus-arm-vision",
                                            .state = STATE,
                                            .observation = PIXELS,
                                            .action = ACTIONS,
                                            .low = DARK,
                                            .high = LIGHT,
                                            .action_low = RELAXED,
                                            .action_high = TENSE,
                                            .limit = limit,
                                            .start = start,
                                            .valid = valid,
                                            .draw = draw,
                                            .step = step,
                                            .observe = look};
