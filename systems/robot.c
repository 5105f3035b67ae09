/* robot.c - see robot.h. */
#include <math.h>

#include "robot.h"

#define PI 3.14159265358979323846

/* ---- the robot ---------------------------------------------------------------------------------------------------------*/

#define MASS    2.2
#define INERTIA 0.012
#define RADIUS  0.08
#define GRAVITY 9.81
#define LAG     0.06 /* of the motors */
#define FASTEST 2.5  /* rim of a wheel */
#define CREEP   0.05 /* slip at which friction is full */
#define DRAG    0.4  /* newtons a wheel */
#define STEP    1e-3

double rb_angle(double a)
{
    return a - 2 * PI * ceil(a / (2 * PI) - .5);
}

static double clamp(double x, double most)
{
    return x > most ? most : x < -most ? -most : x;
}

/* Wheels stand at 60, 180 and 300 degrees and push along the rim of the robot; across it their rollers turn freely. */
static void step(rb_robot *r, const rb_command *c)
{
    static const double across[3][2] = {
        {-.86602540378443865, .5}, {0, -1}, {.86602540378443865, .5}}; /* -sin, cos of 60, 180, 300 degrees */
    const double co = cos(r->pose.phi), si = sin(r->pose.phi), grip = r->friction * GRAVITY * MASS / 3;
    const double vx = co * r->vx + si * r->vy, vy = -si * r->vx + co * r->vy;
    double fx = 0, fy = 0, torque = 0;
    for (int i = 0; i < 3; i++) {
        const double *u = across[i];
        const double wanted = clamp(u[0] * c->vx + u[1] * c->vy + RADIUS * c->omega, FASTEST);
        r->wheel[i] += STEP / LAG * (wanted - r->wheel[i]);
        const double rim = u[0] * vx + u[1] * vy + RADIUS * r->omega;
        const double push = grip * clamp((r->wheel[i] - rim) / CREEP, 1) - DRAG * clamp(rim / CREEP, 1);
        fx += push * u[0];
        fy += push * u[1];
        torque += push * RADIUS;
    }
    r->vx += STEP * (co * fx - si * fy) / MASS;
    r->vy += STEP * (si * fx + co * fy) / MASS;
    r->omega += STEP * torque / INERTIA;
    r->pose.x += STEP * r->vx;
    r->pose.y += STEP * r->vy;
    r->pose.phi = rb_angle(r->pose.phi + STEP * r->omega);
}

void rb_drive(rb_robot *r, const rb_command *c, int milliseconds)
{
    for (int t = 0; t < milliseconds; t++) step(r, c);
}

/* ---- what is recorded ----------------------------------------------------------------------------------------------------*/

jd_status rb_recording_new(jd_ctx *ctx, int frames, rb_recording *d)
{
    const size_t n = (size_t)frames;
    *d = (rb_recording){.ctx = ctx,
                        .frames = frames,
                        .is = jd_alloc_array(ctx, n, sizeof *d->is),
                        .seen = jd_alloc_array(ctx, n, sizeof *d->seen),
                        .sent = jd_alloc_array(ctx, n, sizeof *d->sent)};
    return jd_error(ctx);
}

void rb_recording_free(rb_recording *d)
{
    jd_free(d->ctx, d->is);
    jd_free(d->ctx, d->seen);
    jd_free(d->ctx, d->sent);
}

void rb_see(rb_recording *d, const rb_robot *r, jd_rng *noise)
{
    const int k = d->count++;
    const double lost = jd_rng_uniform64(noise), x = jd_rng_normal(noise), y = jd_rng_normal(noise),
                 phi = jd_rng_normal(noise);
    d->is[k] = r->pose;
    d->seen[k] = (rb_pose){r->pose.x + .003 * x, r->pose.y + .003 * y, rb_angle(r->pose.phi + .01 * phi)};
    if (lost < .01 && k) d->seen[k] = d->seen[k - 1];
}

/* To the next place, at its speed, turning to its heading. */
typedef struct errand {
    rb_pose to;
    double speed;
    int left; /* frames */
} errand;

static errand next_errand(jd_rng *r)
{
    errand e = {.to = {3 * jd_rng_uniform64(r) - 1.5, 2 * jd_rng_uniform64(r) - 1, PI * (2 * jd_rng_uniform64(r) - 1)}};
    e.speed = .3 + 1.7 * jd_rng_uniform64(r);
    e.left = 90;
    return e;
}

static rb_command towards(const errand *e, rb_pose p)
{
    const double dx = e->to.x - p.x, dy = e->to.y - p.y, far = fmax(hypot(dx, dy), 1e-9);
    const rb_pose way = rb_relative((rb_pose){p.x + dx / far, p.y + dy / far, e->to.phi}, p);
    return (rb_command){e->speed * way.x, e->speed * way.y, clamp(4 * way.phi, 6)};
}

void rb_wander(rb_recording *d, uint64_t seed, const char *stream, double friction, int delay)
{
    jd_rng r = jd_rng_new(seed, stream, 0), noise = jd_rng_new(seed, stream, 1);
    rb_robot robot = {.friction = friction};
    errand e = next_errand(&r);
    for (d->count = 0; d->count < d->frames;) {
        rb_see(d, &robot, &noise);
        const int k = d->count - 1, known = k > delay ? k - delay : 0;
        if (hypot(e.to.x - d->seen[known].x, e.to.y - d->seen[known].y) < .2 || --e.left <= 0) e = next_errand(&r);
        d->sent[k] = towards(&e, d->seen[known]);
        rb_drive(&robot, &d->sent[k], RB_FRAME_MS);
    }
}

/* ---- from a recording to a net -----------------------------------------------------------------------------------------*/

rb_pose rb_relative(rb_pose p, rb_pose from)
{
    const double c = cos(from.phi), s = sin(from.phi), dx = p.x - from.x, dy = p.y - from.y;
    return (rb_pose){c * dx + s * dy, -s * dx + c * dy, rb_angle(p.phi - from.phi)};
}

rb_pose rb_absolute(rb_pose p, rb_pose from)
{
    const double c = cos(from.phi), s = sin(from.phi);
    return (rb_pose){from.x + c * p.x - s * p.y, from.y + s * p.x + c * p.y, rb_angle(from.phi + p.phi)};
}

int rb_first(int delay)
{
    return delay + RB_HISTORY;
}

/* 0.2 m, 1 m/s and 3 rad/s count as 1. */
static void say(rb_pose p, float out[4])
{
    out[0] = (float)(5 * p.x);
    out[1] = (float)(5 * p.y);
    out[2] = (float)sin(p.phi);
    out[3] = (float)cos(p.phi);
}

void rb_inputs(const rb_recording *d, int k, int delay, float in[RB_INPUTS])
{
    for (int j = 0; j < RB_HISTORY; j++) {
        const rb_command *c = &d->sent[k - 1 - j];
        float *sent = in + 4 * RB_HISTORY + 3 * j;
        say(rb_relative(d->seen[k - delay - j], d->seen[k - delay]), in + 4 * j);
        sent[0] = (float)c->vx;
        sent[1] = (float)c->vy;
        sent[2] = (float)(c->omega / 3);
    }
}

void rb_outputs(const rb_recording *d, int k, int delay, rb_pose p, float out[RB_OUTPUTS])
{
    say(rb_relative(p, d->seen[k - delay]), out);
}

rb_pose rb_said(const rb_recording *d, int k, int delay, const double out[RB_OUTPUTS])
{
    return rb_absolute((rb_pose){out[0] / 5, out[1] / 5, atan2(out[2], out[3])}, d->seen[k - delay]);
}

/* The mean speeds of the six poses known stand for the middle of their time. */
static rb_command seen_speed(const rb_recording *d, int k)
{
    const int span = RB_HISTORY - 1;
    const rb_pose p = rb_relative(d->seen[k], d->seen[k - span]);
    const double over = span * RB_FRAME, c = cos(p.phi / 2), s = sin(p.phi / 2); /* as it heads in the middle */
    return (rb_command){(c * p.x + s * p.y) / over, (-s * p.x + c * p.y) / over, p.phi / over};
}

rb_pose rb_integrate(const rb_odometry *o, const rb_recording *d, int k, int delay)
{
    enum { PARTS = 3 };
    const double h = RB_FRAME / PARTS, keep = exp(-h / o->lag);
    rb_command v = seen_speed(d, k - delay);
    rb_pose p = d->seen[k - delay];
    for (int j = k - delay - RB_HISTORY / 2; j < k; j++)
        for (int i = 0; i < PARTS; i++) {
            const rb_command *c = &d->sent[j];
            v.vx = c->vx + keep * (v.vx - c->vx);
            v.vy = c->vy + keep * (v.vy - c->vy);
            v.omega = c->omega + keep * (v.omega - c->omega);
            if (j >= k - delay) p = rb_absolute((rb_pose){v.vx * h, v.vy * h, v.omega * h}, p);
        }
    return p;
}

/* ---- the figure of eight -------------------------------------------------------------------------------------------------*/

/* Three wheels that must not turn the robot push sideways with at most 1/sqrt(3) of the grip, 2 m/s^2 (robot.c: across). */
#define SIDEWAYS 1.6
#define ALONG    1.2
#define TOP      1.5

static void limit_speed(rb_path *p)
{
    const double step = p->length / RB_PATH;
    for (int i = 0; i < RB_PATH; i++) p->speed[i] = fmin(TOP, sqrt(SIDEWAYS / fmax(fabs(p->bend[i]), 1e-9)));
    for (int i = 0; i < 2 * RB_PATH; i++) { /* twice round, so that the seam has no say */
        const int at = i % RB_PATH, next = (i + 1) % RB_PATH, back = RB_PATH - 1 - at, before = (back + 1) % RB_PATH;
        p->speed[next] = fmin(p->speed[next], sqrt(p->speed[at] * p->speed[at] + 2 * ALONG * step));
        p->speed[back] = fmin(p->speed[back], sqrt(p->speed[before] * p->speed[before] + 2 * ALONG * step));
    }
}

/* Points at equal steps of length. */
void rb_path_new(rb_path *p)
{
    enum { FINE = 200000 };
    double done = 0, length = 0;
    int next = 0;
    for (int pass = 0; pass < 2; pass++, length = done, done = 0)
        for (int i = 0; i < FINE; i++) {
            const double t = 2 * PI * i / FINE, dx = .75 * cos(t), dy = .8 * cos(2 * t), v = hypot(dx, dy);
            if (pass && next < RB_PATH && done >= length * next / RB_PATH) {
                p->x[next] = .75 * sin(t);
                p->y[next] = .4 * sin(2 * t);
                p->phi[next] = atan2(dy, dx);
                p->bend[next++] = (dx * -1.6 * sin(2 * t) + dy * .75 * sin(t)) / (v * v * v);
            }
            done += v * 2 * PI / FINE;
        }
    p->length = length;
    limit_speed(p);
}

int rb_nearest(const rb_path *p, double x, double y, int near, double *distance)
{
    enum { AROUND = RB_PATH / 8 }; /* the other branch at the crossing is further along */
    int best = near;
    *distance = HUGE_VAL;
    for (int i = near - AROUND; i <= near + AROUND; i++) {
        const int at = (i + RB_PATH) % RB_PATH;
        const double far = hypot(x - p->x[at], y - p->y[at]);
        if (far < *distance) *distance = far, best = at;
    }
    return best;
}

rb_command rb_follow(const rb_path *p, rb_pose pose, int *at)
{
    double far;
    const int i = *at = rb_nearest(p, pose.x, pose.y, *at, &far);
    const double vx = p->speed[i] * cos(p->phi[i]) + 5 * (p->x[i] - pose.x);
    const double vy = p->speed[i] * sin(p->phi[i]) + 5 * (p->y[i] - pose.y);
    const double c = cos(pose.phi), s = sin(pose.phi);
    return (rb_command){c * vx + s * vy, -s * vx + c * vy,
                        clamp(p->speed[i] * p->bend[i] + 5 * rb_angle(p->phi[i] - pose.phi), 6)};
}
