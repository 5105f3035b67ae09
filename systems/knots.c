/* knots.c - see knots.h. */
#include "knots.h"

#include <math.h>
#include <string.h>

#define TAU 6.28318530717958647693
enum { APPROACH = 25, TURN = 60, RETREAT = 30, PULL = 25 };
static const double START[3] = {0, 0, 8}, AXIS[3] = {.5, 0, 3}, AWAY[3] = {-3, 1, 6}, END[3] = {-6, 1, 9};
#define RADIUS 1.5
#define PITCH  .15
#define TREMOR .03
#define FAR    20. /* cm */
#define LOST   1e3 /* cm^2: more than any misfit on the way */

static void put(knot *k, const double *a, const double *b, double share)
{
    for (int c = 0; c < 3; c++) k->p[k->steps][c] = a[c] + share * (b[c] - a[c]);
    k->steps++;
}

/* A straight line without its last point. */
static void line(knot *k, const double *a, const double *b, double steps)
{
    const int n = (int)floor(steps + .5);
    for (int i = 0; i < n; i++) put(k, a, b, (double)i / n);
}

static void on_helix(double turns, double radius, double *p)
{
    p[0] = AXIS[0] + radius * cos(TAU * turns);
    p[1] = PITCH * turns;
    p[2] = AXIS[2] + radius * sin(TAU * turns);
}

void knot_path(const double *offset, double radius, double slowness, knot *k)
{
    double start[3], first[3], last[3];
    k->steps = 0;
    for (int c = 0; c < 3; c++) start[c] = START[c] + offset[c];
    on_helix(0, RADIUS * radius, first);
    on_helix(KNOT_TURNS, RADIUS * radius, last);
    line(k, start, first, APPROACH * slowness);
    const int n = (int)floor(KNOT_TURNS * TURN * slowness + .5);
    for (int i = 0; i < n; i++) {
        double p[3];
        on_helix(KNOT_TURNS * i / n, RADIUS * radius, p);
        put(k, p, p, 0);
    }
    line(k, last, AWAY, RETREAT * slowness);
    line(k, AWAY, END, PULL * slowness);
    put(k, END, END, 0);
}

void knot_offset(jd_rng *r, double *offset)
{
    for (int c = 0; c < 3; c++) offset[c] = .5 * jd_rng_normal(r);
}

void knot_tremor(jd_rng *r, double size, int steps, double (*shake)[3])
{
    const double fresh = size * sqrt(1 - KNOT_KEEP * KNOT_KEEP);
    for (int i = 0; i < steps; i++)
        for (int c = 0; c < 3; c++) shake[i][c] = (i ? KNOT_KEEP * shake[i - 1][c] : 0) + fresh * jd_rng_normal(r);
}

void knot_demonstrate(jd_rng *r, knot *k)
{
    double offset[3], shake[KNOT_MOST][3];
    knot_offset(r, offset);
    const double radius = .9 + .2 * jd_rng_uniform64(r), slowness = .85 + .3 * jd_rng_uniform64(r);
    knot_path(offset, radius, slowness, k);
    knot_tremor(r, TREMOR, k->steps, shake);
    for (int i = 0; i < k->steps; i++)
        for (int c = 0; c < 3; c++) k->p[i][c] += shake[i][c];
}

double knot_winding(const knot *k)
{
    double sum = 0, before = 0;
    for (int i = 0; i < k->steps; i++) {
        const double angle = atan2(k->p[i][2] - AXIS[2], k->p[i][0] - AXIS[0]);
        double turn = i ? angle - before : 0;
        if (turn > TAU / 2) turn -= TAU;
        if (turn < -TAU / 2) turn += TAU;
        sum += turn;
        before = angle;
    }
    return sum / TAU;
}

static double squared(const double *a, const double *b)
{
    double sum = 0;
    for (int c = 0; c < 3; c++) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

static double one_way(const knot *a, const knot *b)
{
    double sum = 0;
    for (int i = 0; i < a->steps; i++) {
        double least = squared(a->p[i], b->p[0]);
        for (int j = 1; j < b->steps; j++) least = fmin(least, squared(a->p[i], b->p[j]));
        sum += sqrt(least) / a->steps;
    }
    return sum;
}

double knot_distance(const knot *a, const knot *b)
{
    return fmax(one_way(a, b), one_way(b, a));
}

double knot_misfit(const knot *said, const knot *shown)
{
    double sum = 0;
    int at = 0, i = 0;
    for (; i < said->steps && at < shown->steps - 1; i++) {
        double least = squared(said->p[i], shown->p[at]);
        int next = at;
        for (int j = at + 1; j <= at + 3 && j < shown->steps; j++) {
            const double d = squared(said->p[i], shown->p[j]);
            if (d < least) least = d, next = j;
        }
        if (!(least < FAR * FAR)) return LOST + shown->steps - at;
        sum += least;
        at = next;
    }
    for (int j = at + 1; j < shown->steps; j++) sum += squared(said->p[i - 1], shown->p[j]);
    return sum / i;
}
