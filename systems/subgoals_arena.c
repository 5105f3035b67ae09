/* subgoals_arena.c - arenas, what lies in the way, and walking; see subgoals.h. */
#include <math.h>

#include "subgoals.h"

const sg_rules sg_rule[SG_WORLDS] = {
    {"three discs", 10, 3, 0, 2, 80, 25, 0, 1.15, 0},
    {"twelve discs", 20, 12, 0, 4, 160, 0, 5, 1.15, 0},
    {"three walls", 10, 0, 3, 3, 120, 0, 10, .5, 1.5},
};

/* A wall is passed where the middle of the walker is in its gap. */
#define GAP       1.0
#define THICKNESS 0.15

static double between(jd_rng *r, double low, double high)
{
    return low + (high - low) * jd_rng_uniform64(r);
}

static double distance(const double a[2], const double b[2])
{
    return hypot(a[0] - b[0], a[1] - b[1]);
}

void sg_wall_gap(double *half_width, double *half_height)
{
    *half_width = GAP;
    *half_height = THICKNESS;
}

static bool free_of_discs(const sg_arena *a, const double p[2], int n, double apart)
{
    for (int i = 0; i < n; i++)
        if (distance(a->disc[i], p) < apart) return false;
    return true;
}

/* One disc on the diagonal, so that the straight way is always blocked, the others anywhere. */
static void place_discs(sg_arena *a, jd_rng *r)
{
    const sg_rules *w = &sg_rule[a->world];
    for (int i = 0; i < w->discs; i++) {
        double p[2];
        do {
            p[0] = i ? between(r, SG_RADIUS, w->side - SG_RADIUS) : between(r, .3 * w->side, .7 * w->side);
            p[1] = i ? between(r, SG_RADIUS, w->side - SG_RADIUS) : p[0];
        } while (!free_of_discs(a, p, i, 2 * SG_RADIUS) || distance(p, a->start) < 1.5 || distance(p, a->goal) < 1.5);
        a->disc[i][0] = p[0], a->disc[i][1] = p[1];
    }
}

void sg_arena_new(sg_arena *a, sg_world world, uint64_t seed, const char *stream, uint64_t index, bool anywhere)
{
    const sg_rules *w = &sg_rule[world];
    jd_rng r = jd_rng_new(seed, stream, index);
    *a = (sg_arena){.world = world, .start = {1, 1}, .goal = {w->side - 1, w->side - 1}};
    if (w->walls) {
        a->start[0] = between(&r, 1, w->side - 1);
        a->goal[0] = between(&r, 1, w->side - 1);
    }
    for (int i = 0; i < w->walls; i++) {
        a->wall[i][0] = w->side * (i + 1) / (w->walls + 1);
        a->wall[i][1] = between(&r, 1, w->side - 1);
    }
    place_discs(a, &r);
    if (!anywhere) return;
    do
        for (int k = 0; k < 2; k++) {
            a->start[k] = between(&r, .5, w->side - .5);
            a->goal[k] = between(&r, .5, w->side - .5);
        }
    while (distance(a->start, a->goal) < 2 || !free_of_discs(a, a->start, w->discs, 1.1 * SG_RADIUS) ||
           !free_of_discs(a, a->goal, w->discs, 1.1 * SG_RADIUS));
}

double sg_danger(const sg_arena *a, const double p[2])
{
    const sg_rules *w = &sg_rule[a->world];
    double sum = 0;
    for (int i = 0; i < w->discs; i++) {
        const double d = distance(p, a->disc[i]) / w->spread;
        sum += exp(-d * d / 2);
    }
    for (int i = 0; i < w->walls; i++) {
        const double y = (p[1] - a->wall[i][0]) / w->spread, x = (p[0] - a->wall[i][1]) / w->lure;
        sum += exp(-y * y / 2) * (1 - exp(-x * x / 2));
    }
    return sum;
}

double sg_cost(const sg_arena *a, const double from[2], const double to[2], double *in_the_way)
{
    const sg_rules *w = &sg_rule[a->world];
    const double length = distance(from, to);
    double mean = 0;
    for (int i = 0; i < SG_POINTS; i++) {
        const double t = (i + .5) / SG_POINTS;
        const double p[2] = {from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])};
        mean += sg_danger(a, p) / SG_POINTS;
    }
    if (in_the_way) *in_the_way = mean * length;
    return length + (w->weight + w->per_length * length) * mean;
}

static double from_segment(const double p[2], const double a[2], const double b[2])
{
    const double x = b[0] - a[0], y = b[1] - a[1], square = x * x + y * y;
    double t = square > 0 ? ((p[0] - a[0]) * x + (p[1] - a[1]) * y) / square : 0;
    t = fmin(1, fmax(0, t));
    return hypot(a[0] + t * x - p[0], a[1] + t * y - p[1]);
}

bool sg_hits(const sg_arena *a, const double from[2], const double to[2])
{
    enum { PARTS = 8 };
    const sg_rules *w = &sg_rule[a->world];
    for (int i = 0; i < w->discs; i++)
        if (from_segment(a->disc[i], from, to) < SG_RADIUS) return true;
    for (int i = 0; i < w->walls; i++)
        for (int k = 0; k <= PARTS; k++) {
            const double t = (double)k / PARTS, x = from[0] + t * (to[0] - from[0]),
                         y = from[1] + t * (to[1] - from[1]);
            if (fabs(y - a->wall[i][0]) < THICKNESS && fabs(x - a->wall[i][1]) > GAP) return true;
        }
    return false;
}

/* ---- walking -------------------------------------------------------------------------------------------------------------*/

static void stride(const sg_executor *e, const double from[2], const double target[2], double to[2])
{
    double x[2] = {target[0] - from[0], target[1] - from[1]}, step[2] = {e->out_b[0], e->out_b[1]};
    const double far = hypot(x[0], x[1]);
    for (int k = 0; k < 2 && far > 1; k++) x[k] /= far;
    for (int i = 0; i < SG_UNITS; i++) {
        const double h = tanh(e->in[i][0] * x[0] + e->in[i][1] * x[1] + e->in_b[i]);
        for (int k = 0; k < 2; k++) step[k] += e->out[k][i] * h;
    }
    const double length = hypot(step[0], step[1]), scale = length > SG_STRIDE ? SG_STRIDE / length : 1;
    for (int k = 0; k < 2; k++) to[k] = from[k] + scale * step[k];
}

void sg_go(const sg_arena *a, const sg_executor *e, const double from[2], const double (*way)[2], int n, sg_walk *w)
{
    double p[2] = {from[0], from[1]}, next[2];
    w->length = w->steps = 0;
    w->path[0][0] = p[0], w->path[0][1] = p[1];
    w->end = SG_LATE;
    for (int k = 0; k < n && w->end == SG_LATE;) {
        if (distance(p, way[k]) <= SG_STRIDE) {
            k++;
            if (k == n) w->end = SG_ARRIVED;
            continue;
        }
        if (w->steps == sg_rule[a->world].steps) return;
        stride(e, p, way[k], next);
        w->length += distance(p, next);
        if (sg_hits(a, p, next)) w->end = SG_CRASHED;
        p[0] = next[0], p[1] = next[1];
        w->steps++;
        w->path[w->steps][0] = p[0], w->path[w->steps][1] = p[1];
    }
}
