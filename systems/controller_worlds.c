/* controller_worlds.c - a flip-flop, a pole without speeds and a maze with a flag; see controller.h. */
#include <math.h>
#include <string.h>

#include "controller.h"

enum { X, V, ANGLE, TURN };
enum { COLUMN, ROW, FLAG };
enum { NORTH, EAST, SOUTH, WEST };

/* ---- flip-flop -----------------------------------------------------------------------------------------------------------*/

/* The next events, exclusive; desired follows them at once. */
static void events(cm_world *w, double pain, float *x)
{
    const double u = jd_rng_uniform64(&w->rng);
    x[0] = u < .10;
    x[1] = u >= .10 && u < .25;
    x[2] = u >= .25 && u < .50;
    x[3] = 1;
    x[4] = (float)pain;
    if (x[0] > 0) w->s[0] = 0;
    if (x[1] > 0) w->s[0] = 1;
}

static void step_flipflop(cm_world *w, const float *a, float *x, float *o)
{
    const double off = a[0] - w->s[0];
    o[0] = (float)(off * off);
    events(w, off * off, x);
}

/* ---- pole ------------------------------------------------------------------------------------------------------------------*/

#define CART     1.0
#define POLE     .1
#define HALF     .5
#define GRAVITY  9.8
#define FORCE    10.
#define INTERVAL .02
#define TRACK    2.4
#define LEAN     .20943951023931953 /* 12 degrees */

static void look_pole(const cm_world *w, float *x)
{
    x[0] = (float)(w->s[X] / TRACK);
    x[1] = (float)(w->s[ANGLE] / LEAN);
}

static void step_pole(cm_world *w, const float *a, float *x, float *o)
{
    double *s = w->s;
    const double was[2] = {s[X] / TRACK, s[ANGLE] / LEAN}, mass = CART + POLE;
    const double force = FORCE * fmax(-1, fmin(1, a[0])), sine = sin(s[ANGLE]), cosine = cos(s[ANGLE]);
    const double push = (force + POLE * HALF * s[TURN] * s[TURN] * sine) / mass;
    const double turn = (GRAVITY * sine - cosine * push) / (HALF * (4. / 3 - POLE * cosine * cosine / mass));
    const double pull = push - POLE * HALF * turn * cosine / mass;
    s[X] += INTERVAL * s[V];
    s[V] += INTERVAL * pull;
    s[ANGLE] += INTERVAL * s[TURN];
    s[TURN] += INTERVAL * turn;
    w->over = !(fabs(s[X]) <= TRACK && fabs(s[ANGLE]) <= LEAN);
    look_pole(w, x);
    o[0] = (float)(CM_CHANGE[0] * (s[X] / TRACK - was[0]));
    o[1] = (float)(CM_CHANGE[1] * (s[ANGLE] / LEAN - was[1]));
}

/* ---- maze -------------------------------------------------------------------------------------------------------------------*/

/* Columns 0 .. CM_CORRIDOR of row 0; from the last one a step north or south ends the episode. */
static void look_maze(const cm_world *w, float *x)
{
    const bool junction = w->s[COLUMN] >= CM_CORRIDOR;
    memset(x, 0, CM_SEEN * sizeof *x);
    if (w->over) return;
    x[NORTH] = x[SOUTH] = !junction;
    x[EAST] = junction;
    x[WEST] = w->s[COLUMN] <= 0;
    x[4] = w->t ? 0 : (float)w->s[FLAG];
}

static void step_maze(cm_world *w, const float *a, float *x, float *o)
{
    int move = 0;
    double reward = -.05;
    for (int k = 1; k < CM_ACTIONS; k++)
        if (a[k] > a[move]) move = k;
    w->t++;
    if (w->over)
        reward = 0;
    else if (move == EAST)
        w->s[COLUMN] = fmin(w->s[COLUMN] + 1, CM_CORRIDOR);
    else if (move == WEST)
        w->s[COLUMN] = fmax(w->s[COLUMN] - 1, 0);
    else if (w->s[COLUMN] >= CM_CORRIDOR) {
        w->s[ROW] = move == NORTH ? 1 : -1;
        w->over = true;
        reward = w->s[ROW] == w->s[FLAG] ? 2 : -2;
    }
    look_maze(w, x);
    memcpy(o, x, CM_SEEN * sizeof *o);
    o[CM_SEEN] = (float)reward;
}

/* ---- all -----------------------------------------------------------------------------------------------------------------------*/

void cm_begin(cm_world *w, cm_task task, uint64_t seed, const char *stream, uint64_t index, float *x)
{
    static const int size[][3] = {{5, 1, 1}, {2, 1, 2}, {5, 4, 6}};
    *w = (cm_world){.task = task, .seen = size[task][0], .actions = size[task][1], .told = size[task][2]};
    w->rng = jd_rng_new(seed, stream, index);
    if (task == CM_FLIPFLOP)
        events(w, 0, x);
    else if (task == CM_POLE) {
        for (int k = 0; k < 4; k++) w->s[k] = .1 * jd_rng_uniform64(&w->rng) - .05;
        look_pole(w, x);
    } else {
        w->s[FLAG] = index % 2 ? -1 : 1;
        look_maze(w, x);
    }
}

void cm_step(cm_world *w, const float *a, float *x, float *o)
{
    static void (*const step[])(cm_world *, const float *, float *, float *) = {step_flipflop, step_pole, step_maze};
    step[w->task](w, a, x, o);
}
