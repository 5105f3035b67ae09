/* robot_car_drive.c - the loop of seeing and steering; see robot_car.h. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "robot_car.h"

#define PI      3.14159265358979323846
#define PREVIEW 0.35 /* seconds by which the curvature is fed forward */
#define LATERAL 2.   /* m/s^2 */

/* The ride on its springs: two slow oscillations, together 0.3 degrees. */
static double ride(double t, const double phase[2])
{
    return SIGHT_PITCHED + .3 / 57.3 * (.7 * sin(2 * PI * .9 * t + phase[0]) + .3 * sin(2 * PI * 1.7 * t + phase[1]));
}

/* The windows behind dirt, anew in each second. */
static uint32_t dirt(const drive_options *o, int64_t k)
{
    jd_rng r = jd_rng_new(o->seed, "car/dirt", (uint64_t)(k / 25));
    uint32_t bits = 0;
    for (int i = 0; i < SIGHT_WINDOWS; i++) bits |= (uint32_t)(jd_rng_uniform64(&r) < o->covered) << i;
    return bits;
}

/* A push from the side that changes within a second. */
static double gust(double before, jd_rng *r)
{
    return .97 * before + 60 * jd_rng_normal(r);
}

static double chosen_speed(const drive_options *o, const sight *s, double speed)
{
    const double *x = s->kf.x, doubt = 2 * sqrt(s->kf.P[SIGHT_BEND][SIGHT_BEND]) + .03 / 1250;
    const double sharpest = fmax(fabs(x[SIGHT_BEND]), fabs(x[SIGHT_BEND] + 40 * x[SIGHT_CHANGE])) - doubt;
    const double wanted = fmin(o->speed, sqrt(LATERAL / fmax(sharpest, 1e-6)));
    return speed + fmin(fmax(wanted - speed, -3 * DRIVE_CYCLE), 1 * DRIVE_CYCLE);
}

static void record(const drive_options *o, const car *c, const road_view *v, const sight *s)
{
    drive_trace *t = o->trace;
    if (!t || t->n >= DRIVE_TRACE) return;
    const int i = t->n++;
    t->l[i] = (float)c->l;
    t->offset[i] = (float)(c->offset - ROAD_LANE);
    t->bend[i] = (float)road_bend(o->road, c->l);
    t->heading[i] = (float)c->heading;
    t->pitch[i] = (float)v->pitch;
    t->steer[i] = (float)c->steer;
    t->speed[i] = (float)c->speed;
    const int state[4] = {SIGHT_OFFSET, SIGHT_BEND, SIGHT_HEADING, SIGHT_PITCH};
    for (int k = 0; k < 4; k++) t->said[k][i] = (float)s->kf.x[state[k]];
}

/* Sums that become a drive_result. */
typedef struct sums {
    double n, offset, mean, curvature;
} sums;

static void count(const drive_options *o, const car *c, const sight *s, sums *n, drive_result *out)
{
    const double y = c->offset - ROAD_LANE, bend = road_bend(o->road, c->l);
    out->slowest = fmin(out->slowest, c->speed);
    out->fastest = fmax(out->fastest, c->speed);
    if (c->l < o->settle) return;
    n->n++;
    n->offset += y * y;
    n->mean += bend > 0 ? -y : bend < 0 ? y : 0;
    n->curvature += (s->kf.x[SIGHT_BEND] - bend) * (s->kf.x[SIGHT_BEND] - bend);
    out->most = fmax(out->most, fabs(y));
}

/* Moments at about equal distances, in curves if there are any nearby. */
static bool worth(const drive_options *o, const car *c, int snapped)
{
    const double at = (c->l - o->from) / o->metres * SNAPSHOTS - snapped, radius = o->speed > 40 ? 2500 : 600;
    return at > .8 || (at > .1 && fabs(road_bend(o->road, c->l)) > 1 / radius);
}

void drive(const drive_options *o, drive_result *out)
{
    jd_rng r = jd_rng_new(o->seed, "car/ride", 0);
    const double phase[2] = {2 * PI * jd_rng_uniform64(&r), 2 * PI * jd_rng_uniform64(&r)};
    car c = {.l = o->from, .offset = ROAD_LANE + o->start[0], .heading = o->start[1], .speed = o->speed};
    sight s;
    helm h;
    sums n = {0};
    double wind = 0, hand = 0;
    int snapped = 0;
    sight_new(&s, o->speed > 40 ? 1e-6 : 6e-6);
    helm_new(&h, c.speed);
    if (o->trace) o->trace->n = 0;
    *out = (drive_result){.out = -1, .slowest = o->speed, .fastest = o->speed};
    for (int64_t k = 0; c.l < o->from + o->metres; k++) {
        const road_view view = {o->road,
                                &ROAD_CAMERA,
                                c.l,
                                c.offset,
                                c.heading,
                                ride((double)k * DRIVE_CYCLE, phase),
                                (double)k * DRIVE_CYCLE,
                                o->seed * 1000003 + (uint64_t)k};
        sight_look(&s, &view, o->covered > 0 ? dirt(o, k) : 0);
        count(o, &c, &s, &n, out);
        record(o, &c, &view, &s);
        if (o->moment && snapped < SNAPSHOTS && worth(o, &c, snapped))
            o->moment[snapped++] = (drive_moment){true, view, s};
        if (fabs(c.offset - ROAD_LANE) > DRIVE_OUT && c.l >= o->from + o->settle) {
            out->out = c.l;
            break;
        }
        if (fabs(h.speed - c.speed) > .5) helm_new(&h, c.speed);
        const double *x = s.kf.x, bend = x[SIGHT_BEND] + PREVIEW * c.speed * x[SIGHT_CHANGE];
        const double wise = helm_goal(&h, x, o->blind_to_curves ? 0 : bend);
        const double goal = o->net ? cnn_steer(o->net, &view) : wise;
        if (o->watch) o->watch(o->user, &view, &s, &c, goal, wise);
        hand = .92 * hand + .39 * o->shaky * jd_rng_normal(&r);
        const double before = c.steer, wheel = fmin(fmax(helm_turn(&h, c.steer, goal + hand, DRIVE_CYCLE), -.5), .5);
        const double slow = chosen_speed(o, &s, c.speed);
        wind = gust(wind, &r);
        car_step(&c, o->road, wheel, wind, DRIVE_CYCLE);
        c.speed = slow;
        sight_predict(&s, c.speed, .5 * (before + c.steer), DRIVE_CYCLE);
        if (!isfinite(c.offset) || fabs(c.offset) > 50) {
            out->out = c.l;
            break;
        }
    }
    const double count = fmax(n.n, 1);
    out->metres = c.l - o->from;
    out->offset = sqrt(n.offset / count);
    out->mean = n.mean / count;
    out->curvature = sqrt(n.curvature / count);
    out->innovation = s.innovations / fmax(1, (double)s.found);
    out->found = (double)s.found / fmax(1, (double)s.looked);
    out->gated = (double)s.gated / fmax(1, (double)s.looked);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------*/

/* Of this process, whatever else the machine does. */
static double cpu(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

typedef struct draw_all {
    uint8_t rgb[320 * 240 * 3];
    double spent;
} draw_all;

static void draw(void *user, const road_view *view, const sight *s, const car *c, double goal, double wise)
{
    draw_all *d = user;
    const double from = cpu();
    (void)s, (void)c, (void)goal, (void)wise;
    road_picture(view, d->rgb);
    d->spent += cpu() - from;
}

void drive_time(const road *w, double speed, double seconds, double *whole, double *windows, double *alone)
{
    static draw_all d;
    drive_result unused;
    drive_options o = {.road = w, .speed = speed, .metres = speed * seconds, .seed = 1};
    double from = cpu();
    drive(&o, &unused);
    *windows = seconds / fmax(cpu() - from, 1e-9);
    d.spent = 0;
    o.watch = draw;
    o.user = &d;
    from = cpu();
    drive(&o, &unused);
    const double spent = cpu() - from;
    *whole = seconds / spent;
    *alone = seconds / fmax(spent - d.spent, 1e-9);
}
