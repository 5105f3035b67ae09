/* road_sight.c - see road_sight.h. */
#include <math.h>
#include <string.h>

#include "road_sight.h"

/* Distances ahead at which is looked. */
static const double AHEAD[SIGHT_ROWS] = {8, 10.5, 14, 18.5, 24.5, 33, 44, 60};
#define LOOK_AHEAD 60.
#define SETTLING   2. /* seconds in which the springs bring the pitch back */

void sight_new(sight *s, double restless)
{
    static const double doubt[SIGHT_STATES] = {.5, .03, .01, .03, 3e-4, 3e-6, 3e-6, .05, .008};
    *s = (sight){.kf = {.n = SIGHT_STATES}, .noise = .12, .wear = .004, .restless = restless};
    s->kf.x[SIGHT_WIDTH] = ROAD_WIDTH;
    s->kf.x[SIGHT_PITCH] = SIGHT_PITCHED;
    for (int i = 0; i < SIGHT_STATES; i++) s->kf.P[i][i] = doubt[i] * doubt[i];
}

/* ---- prediction ------------------------------------------------------------------------------------------------------------*/

/* A = exp(F t) by its series; F (n,n) in rows of m. */
static void exponential(int n, const double *F, double t, double *A)
{
    enum { MOST = SIGHT_STATES + 2 };
    double term[MOST * MOST] = {0}, next[MOST * MOST];
    memset(A, 0, (size_t)(n * n) * sizeof *A);
    for (int i = 0; i < n; i++) A[i * n + i] = term[i * n + i] = 1;
    for (int k = 1; k <= 8; k++) {
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int m = 0; m < n; m++) sum += term[i * n + m] * F[m * n + j];
                next[i * n + j] = sum * t / k;
            }
        memcpy(term, next, (size_t)(n * n) * sizeof *term);
        for (int i = 0; i < n * n; i++) A[i] += term[i];
    }
}

void sight_predict(sight *s, double speed, double steer, double seconds)
{
    enum { N = SIGHT_STATES + 2, STEER = SIGHT_STATES, ONE };
    double F[N][N] = {{0}}, A[N][N], phi[SIGHT_STATES][KALMAN_MOST], x[SIGHT_STATES], a[6];
    car_model(speed, a);
    F[SIGHT_OFFSET][SIGHT_HEADING] = F[SIGHT_OFFSET][SIGHT_SLIP] = speed;
    F[SIGHT_HEADING][SIGHT_YAW] = 1;
    F[SIGHT_HEADING][SIGHT_BEND] = -speed;
    F[SIGHT_SLIP][SIGHT_SLIP] = a[0], F[SIGHT_SLIP][SIGHT_YAW] = a[1], F[SIGHT_SLIP][STEER] = a[2];
    F[SIGHT_YAW][SIGHT_SLIP] = a[3], F[SIGHT_YAW][SIGHT_YAW] = a[4], F[SIGHT_YAW][STEER] = a[5];
    F[SIGHT_BEND][SIGHT_CHANGE] = speed;
    F[SIGHT_CHANGE][SIGHT_CHANGES] = 3 * speed / LOOK_AHEAD;
    F[SIGHT_CHANGE][SIGHT_CHANGE] = -3 * speed / LOOK_AHEAD;
    F[SIGHT_PITCH][SIGHT_PITCH] = -1 / SETTLING;
    F[SIGHT_PITCH][ONE] = SIGHT_PITCHED / SETTLING;
    exponential(N, &F[0][0], seconds, &A[0][0]);
    for (int i = 0; i < SIGHT_STATES; i++) {
        x[i] = A[i][STEER] * steer + A[i][ONE];
        for (int j = 0; j < SIGHT_STATES; j++) x[i] += A[i][j] * s->kf.x[j];
        memcpy(phi[i], A[i], sizeof phi[i]);
    }
    memcpy(s->kf.x, x, sizeof x);
    double step[SIGHT_STATES] = {1e-3, 2e-4, 5e-4, 1.5e-3, 1e-6, 1e-8, 0, 5e-4, 1.2e-3}, q[SIGHT_STATES];
    step[SIGHT_CHANGES] = s->restless;
    for (int i = 0; i < SIGHT_STATES; i++) q[i] = step[i] * step[i];
    kalman_predict(&s->kf, phi, q);
}

/* ---- what is expected --------------------------------------------------------------------------------------------------------*/

static bool border(const double *x, const road_camera *c, double pitch, double v, int side, double *u)
{
    double X, depth;
    *u = 0;
    if (!road_ahead(c, pitch, v, &X, &depth)) return false;
    const double y = -x[SIGHT_OFFSET] - x[SIGHT_HEADING] * X + X * X * (x[SIGHT_BEND] / 2 + x[SIGHT_CHANGE] * X / 6) +
                     side * x[SIGHT_WIDTH] / 2;
    *u = c->u0 - c->f * y / depth;
    return true;
}

bool sight_expect(const sight *s, const road_camera *c, double v, int side, double *u, double *d)
{
    const double *x = s->kf.x, pitch = x[SIGHT_PITCH], small = 1e-5;
    double X, depth, more, less;
    if (!border(x, c, pitch, v, side, u) || !border(x, c, pitch - small, v, side, &less)) return false;
    border(x, c, pitch + small, v, side, &more);
    road_ahead(c, pitch, v, &X, &depth);
    const double scale = -c->f / depth;
    memset(d, 0, SIGHT_STATES * sizeof *d);
    d[SIGHT_OFFSET] = -scale;
    d[SIGHT_HEADING] = -scale * X;
    d[SIGHT_BEND] = scale * X * X / 2;
    d[SIGHT_CHANGE] = scale * X * X * X / 6;
    d[SIGHT_WIDTH] = scale * side / 2;
    d[SIGHT_PITCH] = (more - less) / (2 * small);
    return true;
}

/* ---- search ------------------------------------------------------------------------------------------------------------------*/

enum { WIDEST = 120, SIDE = 3 };

static void hide(const road_view *view, int row, int n, uint8_t *rgb)
{
    jd_rng r = jd_rng_new(view->road->seed, "road/dirt", view->frame * 1024 + (uint64_t)row);
    for (int i = 0; i < n; i++) {
        const uint32_t grey = 60 + jd_rng_below(&r, 50);
        for (int k = 0; k < 3; k++) rgb[3 * i + k] = (uint8_t)grey;
    }
}

/* Brightness of pixels from..from+n-1: the mean of three rows, each shifted along the border, `slant` pixels a row. */
static void profile(const road_view *view, const sight_window *w, int from, int n, double slant, float *out)
{
    uint8_t rgb[3 * (WIDEST + 2)];
    memset(out, 0, (size_t)n * sizeof *out);
    for (int j = -1; j <= 1; j++) {
        const double shift = slant * j;
        const int whole = (int)floor(shift);
        const float part = (float)(shift - whole);
        if (w->covered)
            hide(view, w->row + j, n + 1, rgb);
        else
            road_row(view, w->row + j, from + whole, from + whole + n + 1, rgb);
        for (int i = 0; i < n; i++) {
            const uint8_t *p = rgb + 3 * i;
            const float here = (float)(p[0] + 2 * p[1] + p[2]) / 4, next = (float)(p[3] + 2 * p[4] + p[5]) / 4;
            out[i] += (here + part * (next - here)) / 3;
        }
    }
}

/* The centre of a bright bar `bar` pixels wide in a profile: the ternary mask + on the bar, 0 on a pixel at either side, - on
 * `flank` pixels beyond; the best place, refined by a parabola.  False where no answer exceeds `least`. */
static bool find_bar(const float *p, int n, int bar, int flank, double least, double *centre)
{
    const int size = bar + 2 + 2 * flank;
    double answer[WIDEST];
    int best = -1;
    for (int i = 0; i + size <= n; i++) {
        double in = 0, out = 0;
        for (int k = 0; k < size; k++) {
            const bool inside = k > flank && k <= flank + bar, beyond = k < flank || k >= flank + bar + 2;
            if (inside) in += (double)p[i + k];
            if (beyond) out += (double)p[i + k];
        }
        answer[i] = in / bar - out / (2 * flank);
        if (best < 0 || answer[i] > answer[best]) best = i;
    }
    if (best < 1 || best + 1 + size > n || answer[best] < least) return false;
    const double a = answer[best - 1], b = answer[best], c = answer[best + 1], curve = a - 2 * b + c;
    *centre = best + (size - 1) / 2. + (curve < 0 ? .5 * (a - c) / curve : 0);
    return true;
}

static void look_once(sight *s, const road_view *view, sight_window *w, int side, double ahead)
{
    const road_camera *c = view->camera;
    double d[SIGHT_STATES], other, centre, X, depth, unused[SIGHT_STATES];
    float p[WIDEST];
    w->what = SIGHT_NONE;
    w->row = (int)lround(road_row_at(c, s->kf.x[SIGHT_PITCH], ahead));
    w->from = w->to = 0;
    if (w->row + 1 >= c->height || !sight_expect(s, c, w->row, side, &w->expected, d) ||
        !sight_expect(s, c, w->row + 1, side, &other, unused) ||
        !road_ahead(c, s->kf.x[SIGHT_PITCH], w->row, &X, &depth))
        return;
    const double wear = s->wear * c->f / depth, R = s->noise * s->noise + wear * wear;
    const double sigma = sqrt(kalman_variance(&s->kf, d, R)), mark = ROAD_MARK * c->f / depth;
    const int bar = mark < 1.5 ? 1 : (int)lround(mark),
              flank = bar < 2   ? 2
                      : bar > 4 ? 4
                                : bar,
              size = bar + 2 + 2 * flank;
    const int half = (int)fmin(3 * sigma + size / 2. + 3, (WIDEST - 1) / 2);
    w->from = (int)lround(w->expected) - half;
    w->to = w->from + 2 * half + 1;
    if (w->from < 0 || w->to > c->width) { /* partly outside: nothing to be seen beyond the picture */
        w->from = w->from < 0 ? 0 : w->from;
        w->to = w->to > c->width ? c->width : w->to;
        if (w->to - w->from < size + 3) return;
    }
    s->looked++;
    profile(view, w, w->from, w->to - w->from, other - w->expected, p);
    if (!find_bar(p, w->to - w->from, bar, flank, 14 + 26 * fmin(1, mark / 3), &centre)) return;
    w->found = w->from + centre;
    const double off = w->found - w->expected, variance = sigma * sigma;
    if (kalman_update(&s->kf, d, off, R, 9)) {
        w->what = SIGHT_FOUND;
        s->found++;
        s->innovations += off * off / variance;
    } else {
        w->what = SIGHT_GATED;
        s->gated++;
    }
}

void sight_look(sight *s, const road_view *view, uint32_t covered)
{
    for (int i = 0; i < SIGHT_WINDOWS; i++) { /* near ones first: they say most about where the far ones are */
        s->window[i].covered = covered >> i & 1;
        look_once(s, view, &s->window[i], i % 2 ? -1 : 1, AHEAD[i / 2]);
    }
}

/* ---- steering ------------------------------------------------------------------------------------------------------------*/

enum { HELM = 5 };

double helm_steady(double speed, double bend)
{
    double a[6];
    car_model(speed, a);
    /* 0 = a0 b + a1 r + a2 steer and 0 = a3 b + a4 r + a5 steer at r = V bend */
    return speed * bend * (a[0] * a[4] - a[3] * a[1]) / (a[3] * a[2] - a[0] * a[5]);
}

static double steady_slip(double speed, double bend)
{
    double a[6];
    car_model(speed, a);
    return -(a[1] * speed * bend + a[2] * helm_steady(speed, bend)) / a[0];
}

void helm_new(helm *h, double speed)
{
    static const double weight[HELM] = {1, 10, 0, 0, 0}, rate = 1, T = .04;
    double F[HELM + 1][HELM + 1] = {{0}}, A[HELM + 1][HELM + 1], P[HELM][HELM] = {{0}}, a[6];
    *h = (helm){.speed = speed};
    car_model(speed, a);
    F[0][1] = F[0][2] = speed;
    F[1][3] = 1;
    F[2][2] = a[0], F[2][3] = a[1], F[2][4] = a[2];
    F[3][2] = a[3], F[3][3] = a[4], F[3][4] = a[5];
    F[4][5] = 1;
    exponential(HELM + 1, &F[0][0], T, &A[0][0]);
    for (int i = 0; i < HELM; i++) P[i][i] = weight[i];
    for (int round = 0; round < 2000; round++) { /* the Riccati recursion */
        double PA[HELM][HELM] = {{0}}, PB[HELM] = {0}, BPA[HELM] = {0}, BPB = rate * T, next[HELM][HELM];
        for (int i = 0; i < HELM; i++)
            for (int k = 0; k < HELM; k++) {
                for (int j = 0; j < HELM; j++) PA[i][j] += P[i][k] * A[k][j];
                PB[i] += P[i][k] * A[k][HELM];
            }
        for (int k = 0; k < HELM; k++) {
            for (int j = 0; j < HELM; j++) BPA[j] += A[k][HELM] * PA[k][j];
            BPB += A[k][HELM] * PB[k];
        }
        for (int i = 0; i < HELM; i++)
            for (int j = 0; j < HELM; j++) {
                next[i][j] = (i == j ? weight[i] * T : 0) - BPA[i] * BPA[j] / BPB;
                for (int k = 0; k < HELM; k++) next[i][j] += A[k][i] * PA[k][j];
            }
        memcpy(P, next, sizeof P);
        for (int j = 0; j < HELM; j++) h->gain[j] = BPA[j] / BPB;
    }
}

double helm_goal(const helm *h, const double state[4], double bend)
{
    const double slip = steady_slip(h->speed, bend);
    const double wanted[4] = {0, -slip, slip, h->speed * bend};
    double goal = helm_steady(h->speed, bend);
    for (int i = 0; i < 4; i++) goal -= h->gain[i] / h->gain[4] * (state[i] - wanted[i]);
    return goal;
}

double helm_turn(const helm *h, double steer, double goal, double seconds)
{
    return steer + h->gain[4] * (goal - steer) * seconds;
}
