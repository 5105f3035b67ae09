/*
 * control_octopus.c - a planar arm of compartments with muscles at their sides and water inside (Y. Yekutieli et al.,
 * "Dynamic model of the octopus arm", J. Neurophysiol. 94, 2005), by Runge-Kutta steps of fourth order, in float64.
 *
 * As for poles, lanes are copies of the arm and nothing is fused, so that every width of vectors gives the same bits.
 */
#include "base/lanes64.h"
#include "cpu/control.h"

enum { N = JD_OCTOPUS, NODES = 2 * (N + 1), STATE = 2 + 8 * N };

/* Where the arm is, and what acts on it.  Node 2 i is the upper one of pair i, node 2 i + 1 the lower one. */
typedef struct arm {
    vd x[NODES], y[NODES], vx[NODES], vy[NODES], fx[NODES], fy[NODES];
    vd sine, cosine; /* of the base's angle */
} arm;

/* Pairs of nodes that were nearer than threshold + MARGIN, in some lane, when the nodes were at x, y. */
#define MARGIN .3
typedef struct near_pairs {
    vd x[NODES], y[NODES];
    int n; /* -1: nothing listed yet */
    uint8_t pair[NODES * NODES / 2][2];
} near_pairs;

/* The place of a node of pair i >= 1 in the state: x, y, then velocities. */
INLINE int place(int i, int lower)
{
    return 2 + 4 * (i - 1) + lower * 4 * N;
}

static void pose(const jd_octopus *c, const vd *s, arm *a)
{
    sincos_lanes(s[0], &a->sine, &a->cosine);
    const vd dx = c->radius * a->cosine, dy = c->radius * a->sine, vx = -s[1] * dy, vy = s[1] * dx;
    a->x[0] = c->center[0] + dx, a->y[0] = c->center[1] + dy;
    a->x[1] = c->center[0] - dx, a->y[1] = c->center[1] - dy;
    a->vx[0] = vx, a->vy[0] = vy;
    a->vx[1] = -vx, a->vy[1] = -vy;
    for (int i = 1; i <= N; i++)
        for (int lower = 0; lower < 2; lower++) {
            const vd *p = s + place(i, lower);
            const int n = 2 * i + lower;
            a->x[n] = p[0], a->y[n] = p[1], a->vx[n] = p[2], a->vy[n] = p[3];
        }
}

/* The weight of what is out of the water; in it the arm floats. */
static void weigh(const jd_octopus *c, arm *a)
{
    const vd zero = {0};
    for (int n = 0; n < NODES; n++) {
        a->fx[n] = zero;
        a->fy[n] = choose(a->y[n] < c->surface, zero, zero - c->gravity * c->mass[n / 2]);
    }
}

/* A muscle pulls its ends p and q towards each other; *ex, *ey: the direction from p to q. */
INLINE void pull(const jd_octopus *c, arm *a, const double *muscle, vd activation, int p, int q, vd *ex, vd *ey)
{
    const vd dx = a->x[q] - a->x[p], dy = a->y[q] - a->y[p], zero = {0};
    const vd length = sqrt_lanes(dx * dx + dy * dy), inverse = 1.0 / length;
    *ex = dx * inverse, *ey = dy * inverse;
    const vd closing = (a->vx[p] - a->vx[q]) * *ex + (a->vy[p] - a->vy[q]) * *ey;
    const vd over = length * muscle[0] - c->least_length;
    const vd spring = muscle[1] * (c->active * activation + c->passive) * over;
    const vd f = choose(over > zero, spring, zero) + muscle[1] * c->damping * closing;
    a->fx[p] += f * *ex, a->fy[p] += f * *ey;
    a->fx[q] -= f * *ex, a->fy[q] -= f * *ey;
}

/* Water resists motion along and across the axis (ex, ey), with the square of the speed. */
INLINE void drag(const jd_octopus *c, arm *a, int n, vd ex, vd ey)
{
    const vd along = a->vx[n] * ex + a->vy[n] * ey, across = a->vx[n] * ey - a->vy[n] * ex;
    const vd t = c->tangential * abs_lanes(along) * along, p = c->perpendicular * abs_lanes(across) * across;
    a->fx[n] -= t * ex + p * ey;
    a->fy[n] -= t * ey - p * ex;
}

/* The pressure of compartment i, whose area wants to stay, on its corners u(i), u(i+1), l(i+1), l(i). */
INLINE void press(const jd_octopus *c, arm *a, int i)
{
    const int d = 2 * i, v = d + 1, dt = d + 2, tv = d + 3;
    const vd x1 = a->x[tv] - a->x[d], y1 = a->y[tv] - a->y[d], x2 = a->x[dt] - a->x[v], y2 = a->y[dt] - a->y[v];
    const vd area = .5 * (x1 * y2 - y1 * x2);
    const vd excess = c->pressure * (abs_lanes(area) - c->area[i]);
    const vd p = with_sign(with_sign(sqrt_lanes(abs_lanes(excess)), excess), area);
    a->fx[d] += p * y2, a->fy[d] -= p * x2;
    a->fx[tv] -= p * y2, a->fy[tv] += p * x2;
    a->fx[dt] += p * y1, a->fy[dt] -= p * x1;
    a->fx[v] -= p * y1, a->fy[v] += p * x1;
}

/* Lists the pairs of nodes that could come too near before some node has moved by half of MARGIN. */
static void list_pairs(const jd_octopus *c, const arm *a, near_pairs *list)
{
    const double near = (c->threshold + MARGIN) * (c->threshold + MARGIN);
    list->n = 0;
    for (int i = 0; i < NODES; i++) {
        list->x[i] = a->x[i], list->y[i] = a->y[i];
        for (int j = i + 1; j < NODES; j++) {
            const vd dx = a->x[i] - a->x[j], dy = a->y[i] - a->y[j];
            if (!any_lane(dx * dx + dy * dy < near)) continue;
            list->pair[list->n][0] = (uint8_t)i;
            list->pair[list->n++][1] = (uint8_t)j;
        }
    }
}

static int moved_too_far(const arm *a, const near_pairs *list)
{
    const vd limit = (vd){0} + MARGIN * MARGIN / 4;
    vl far = {0};
    for (int n = 0; n < NODES; n++) {
        const vd dx = a->x[n] - list->x[n], dy = a->y[n] - list->y[n];
        far |= dx * dx + dy * dy > limit;
    }
    return any_lane(far);
}

/* Nodes that come too near to each other part.  Pairs that are not listed are too far apart in every lane, so a lane's sums
 * do not depend on the list. */
static void part(const jd_octopus *c, arm *a, near_pairs *list)
{
    const double near = c->threshold * c->threshold;
    if (list->n < 0 || moved_too_far(a, list)) list_pairs(c, a, list);
    for (int k = 0; k < list->n; k++) {
        const int i = list->pair[k][0], j = list->pair[k][1];
        const vd dx = a->x[i] - a->x[j], dy = a->y[i] - a->y[j], d2 = dx * dx + dy * dy;
        const vl mask = d2 < near;
        if (!any_lane(mask)) continue;
        const vd tiny = (vd){0} + 1e-12, safe = choose(d2 > tiny, d2, tiny);
        const vd f = c->repulsion * power_lanes(safe, -.5 * (c->power + 1));
        a->fx[i] = choose(mask, a->fx[i] + f * dx, a->fx[i]);
        a->fy[i] = choose(mask, a->fy[i] + f * dy, a->fy[i]);
        a->fx[j] = choose(mask, a->fx[j] - f * dx, a->fx[j]);
        a->fy[j] = choose(mask, a->fy[j] - f * dy, a->fy[j]);
    }
}

/* d = the derivative of the state s. */
static void slope(const jd_octopus *c, const vd *s, const vd *activation, near_pairs *list, vd *d)
{
    arm a;
    pose(c, s, &a);
    weigh(c, &a);
    for (int i = 0; i < N; i++) {
        const int up = 2 * i;
        vd ex, ey;
        pull(c, &a, c->dorsal[i], activation[i], up, up + 2, &ex, &ey);
        drag(c, &a, up + 2, ex, ey);
        pull(c, &a, c->ventral[i], activation[2 * N + i], up + 3, up + 1, &ex, &ey);
        drag(c, &a, up + 3, ex, ey);
        pull(c, &a, c->transverse[i], activation[N + i], up + 2, up + 3, &ex, &ey);
        press(c, &a, i);
    }
    part(c, &a, list);
    const vd turning = (a.fy[0] - a.fy[1]) * a.cosine - (a.fx[0] - a.fx[1]) * a.sine;
    d[0] = s[1];
    d[1] = arctan_lanes(turning / c->radius) / c->mass[0];
    for (int i = 1; i <= N; i++)
        for (int lower = 0; lower < 2; lower++) {
            vd *p = d + place(i, lower);
            const int n = 2 * i + lower;
            p[0] = a.vx[n], p[1] = a.vy[n];
            p[2] = a.fx[n] * c->per_mass[i], p[3] = a.fy[n] * c->per_mass[i];
        }
}

void JD_K(jd__octopus_lanes)(const jd_octopus *c, double *state, const double *activation, double h, int steps)
{
    for (int v = 0; v < JD_LANES; v += W) {
        near_pairs list;
        list.n = -1;
        vd s[STATE], k[STATE], sum[STATE], t[STATE], act[3 * N];
        for (int i = 0; i < STATE; i++) s[i] = *(const vd *)(const void *)(state + i * JD_LANES + v);
        for (int i = 0; i < 3 * N; i++) act[i] = *(const vd *)(const void *)(activation + i * JD_LANES + v);
        for (int step = 0; step < steps; step++) {
            slope(c, s, act, &list, sum);
            for (int i = 0; i < STATE; i++) t[i] = s[i] + h / 2 * sum[i];
            slope(c, t, act, &list, k);
            for (int i = 0; i < STATE; i++) t[i] = s[i] + h / 2 * k[i], sum[i] += 2.0 * k[i];
            slope(c, t, act, &list, k);
            for (int i = 0; i < STATE; i++) t[i] = s[i] + h * k[i], sum[i] += 2.0 * k[i];
            slope(c, t, act, &list, k);
            for (int i = 0; i < STATE; i++) s[i] += h / 6 * (sum[i] + k[i]);
        }
        for (int i = 0; i < STATE; i++) *(vd *)(void *)(state + i * JD_LANES + v) = s[i];
    }
}
