/* road.c - the road's axis and the car; see road.h. */
#include <math.h>

#include "road.h"

/* ---- the road ------------------------------------------------------------------------------------------------------------*/

/* Curvature goes in straight lines from each knot to the next. */
typedef struct plan {
    road_kind kind;
    jd_rng r;
    int part; /* of straight, clothoid, arc, clothoid */
    double from, to, begin, end, arc;
} plan;

static double between(jd_rng *r, double lo, double hi)
{
    return lo + (hi - lo) * jd_rng_uniform64(r);
}

static void next_part(plan *p)
{
    static const double sharpest[] = {1 / 1250., 1 / 300., 1 / 1250.};
    const bool tight = p->kind == ROAD_TIGHT, steady = p->kind == ROAD_STEADY;
    const double sharp = sharpest[p->kind], scale = tight ? .5 : 1;
    p->begin = p->end;
    p->from = p->to;
    p->part = (p->part + 1) % 4;
    if (p->part == 1) {
        p->arc = steady ? sharp : between(&p->r, sharp / 4, sharp) * (jd_rng_below(&p->r, 2) ? 1 : -1);
        p->to = p->arc;
    } else if (p->part == 3) {
        p->to = 0;
    }
    const double length = p->part % 2 ? between(&p->r, 120, 250) : between(&p->r, 100, 400);
    p->end = p->begin + (steady ? (p->part == 2 ? 1e9 : 200) : scale * length);
}

jd_status road_new(jd_ctx *ctx, road_kind kind, double metres, uint64_t seed, road *w)
{
    plan p = {.kind = kind, .r = jd_rng_new(seed, "road/plan", (uint64_t)kind), .part = -1};
    *w = (road){.ctx = ctx, .n = (int)((metres + 600) / ROAD_STEP), .seed = seed};
    w->x = jd_alloc_array(ctx, (size_t)w->n, sizeof *w->x);
    w->y = jd_alloc_array(ctx, (size_t)w->n, sizeof *w->y);
    w->heading = jd_alloc_array(ctx, (size_t)w->n, sizeof *w->heading);
    w->bend = jd_alloc_array(ctx, (size_t)w->n, sizeof *w->bend);
    if (jd_error(ctx)) return jd_error(ctx);
    for (int i = 0; i < w->n; i++) {
        const double l = i * ROAD_STEP;
        while (l >= p.end) next_part(&p);
        w->bend[i] = p.from + (p.to - p.from) * (l - p.begin) / (p.end - p.begin);
        if (!i) continue;
        /* the middle of a chord has the mean of the directions at its ends, to third order */
        w->heading[i] = w->heading[i - 1] + ROAD_STEP * .5 * (w->bend[i - 1] + w->bend[i]);
        const double middle = .5 * (w->heading[i - 1] + w->heading[i]);
        w->x[i] = w->x[i - 1] + ROAD_STEP * cos(middle);
        w->y[i] = w->y[i - 1] + ROAD_STEP * sin(middle);
    }
    return JD_OK;
}

void road_free(road *w)
{
    jd_free(w->ctx, w->x);
    jd_free(w->ctx, w->y);
    jd_free(w->ctx, w->heading);
    jd_free(w->ctx, w->bend);
}

double road_bend(const road *w, double l)
{
    const double at = fmin(fmax(l / ROAD_STEP, 0), w->n - 1.001);
    const int i = (int)at;
    return w->bend[i] + (at - i) * (w->bend[i + 1] - w->bend[i]);
}

/* ---- the car -------------------------------------------------------------------------------------------------------------*/

void car_model(double speed, double a[6])
{
    const double mv = CAR_MASS * speed;
    a[0] = -2 * CAR_TYRE / mv;
    a[1] = CAR_TYRE * (CAR_REAR - CAR_FRONT) / (mv * speed) - 1;
    a[2] = CAR_TYRE / mv;
    a[3] = CAR_TYRE * (CAR_REAR - CAR_FRONT) / CAR_INERTIA;
    a[4] = -CAR_TYRE * (CAR_FRONT * CAR_FRONT + CAR_REAR * CAR_REAR) / (CAR_INERTIA * speed);
    a[5] = CAR_TYRE * CAR_FRONT / CAR_INERTIA;
}

void car_step(car *c, const road *w, double steer, double gust, double seconds)
{
    const double dt = 5e-3;
    for (double t = 0; t < seconds - dt / 2; t += dt) {
        const double turn = steer - c->steer, most = CAR_STEER * dt;
        c->steer += turn > most ? most : turn < -most ? -most : turn;
        const double across = c->speed * tan(c->slip); /* of the centre, along the car's y */
        const double front = c->steer - atan((across + CAR_FRONT * c->yaw) / c->speed);
        const double rear = -atan((across - CAR_REAR * c->yaw) / c->speed);
        const double push = CAR_TYRE * front * cos(c->steer) + CAR_TYRE * rear + gust;
        const double next = across + dt * (push / CAR_MASS - c->speed * c->yaw);
        c->yaw += dt * CAR_TYRE * (CAR_FRONT * front * cos(c->steer) - CAR_REAR * rear) / CAR_INERTIA;
        c->slip = atan(next / c->speed);
        const double bend = road_bend(w, c->l), way = c->heading;
        const double ahead = c->speed * cos(way) - next * sin(way), aside = c->speed * sin(way) + next * cos(way);
        const double along = ahead / (1 - bend * c->offset); /* of the axis */
        c->l += dt * along;
        c->offset += dt * aside;
        c->heading += dt * (c->yaw - bend * along);
    }
}
