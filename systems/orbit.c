/* orbit.c - the low-thrust flight between circular orbits, by an augmented Lagrangian on unrolled Runge-Kutta steps. */
#include <math.h>
#include <string.h>

#include "control.h"

#define THRUST 0.1405  /* force over the first mass, in units of the first orbit's gravity */
#define BURN   0.07487 /* mass lost in a unit of time */
#define PI     3.14159265358979323846

jd_node control_keep(control_tape *t, jd_node x, double weight)
{
    if (t->nodes && t->n < t->room) {
        t->nodes[t->n] = x;
        t->weight[t->n++] = weight;
    }
    return x;
}

/* One elementary operation each. */
static jd_node add(control_tape *t, jd_node a, jd_node b)
{
    return control_keep(t, jd_add(t->g, a, b), 1);
}
static jd_node sub(control_tape *t, jd_node a, jd_node b)
{
    return control_keep(t, jd_sub(t->g, a, b), 1);
}
static jd_node mul(control_tape *t, jd_node a, jd_node b)
{
    return control_keep(t, jd_mul(t->g, a, b), 1);
}

typedef struct motion {
    jd_node r, u, v;
} motion;

/* r' = u; u' = v^2/r - 1/r^2 + a sin phi; v' = -u v/r + a cos phi; out and along: a sin phi, a cos phi. */
static motion slope(control_tape *t, motion s, jd_node out, jd_node along)
{
    const jd_node over = control_keep(t, jd_div(t->g, jd_const(t->g, 1, JD_DIMS(1, 1)), s.r), 1);
    const jd_node turn = mul(t, s.v, over), pull = control_keep(t, jd_square(t->g, over), 1);
    return (motion){s.u, add(t, sub(t, mul(t, s.v, turn), pull), out), sub(t, along, mul(t, s.u, turn))};
}

static motion moved(control_tape *t, motion s, motion d, jd_node h)
{
    return (motion){add(t, s.r, mul(t, h, d.r)), add(t, s.u, mul(t, h, d.u)), add(t, s.v, mul(t, h, d.v))};
}

/* h/6 (a + 2 (b + c) + d) */
static jd_node weighed(control_tape *t, jd_node a, jd_node b, jd_node c, jd_node d, jd_node sixth)
{
    const jd_node both = add(t, b, c), ends = add(t, a, d);
    return mul(t, sixth, add(t, ends, add(t, both, both)));
}

/* Acceleration at time `when` N-ths of the flight. */
static jd_node acceleration(control_tape *t, jd_node time, double fixed, double when)
{
    jd_graph *g = t->g;
    const double at = when / ORBIT_STEPS;
    if (!time.id) return jd_const(g, (double)(float)(THRUST / (1 - BURN * at * fixed)), JD_DIMS(1, 1));
    return jd_div(g, jd_const(g, THRUST, JD_DIMS(1, 1)), jd_affine(g, time, -BURN * at, 1));
}

/* A part of the flight's time as a step. */
static jd_node part_of(control_tape *t, jd_node time, double fixed, double divisor)
{
    if (time.id) return jd_affine(t->g, time, 1 / (divisor * ORBIT_STEPS), 0);
    return jd_const(t->g, (double)(float)(fixed / (divisor * ORBIT_STEPS)), JD_DIMS(1, 1));
}

orbit_nodes orbit_trace(control_tape *t, jd_node phi, jd_node time, double fixed)
{
    jd_graph *g = t->g;
    const int64_t B = jd_dim(g, phi, 1);
    const jd_node one = jd_const(g, 1, JD_DIMS(B, 1)), h = part_of(t, time, fixed, 1);
    const jd_node half = part_of(t, time, fixed, 2), sixth = part_of(t, time, fixed, 6);
    motion s = {one, jd_const(g, 0, JD_DIMS(B, 1)), one};
    orbit_nodes n = {.path = {{s.r}, {s.u}, {s.v}}};
    for (int k = 0; k < ORBIT_STEPS; k++) {
        const jd_node angle = jd_reshape(g, jd_slice(g, phi, 0, k, 1), JD_DIMS(B, 1));
        const jd_node sine = control_keep(t, jd_sin(g, angle), 4), cosine = control_keep(t, jd_cos(g, angle), 4);
        jd_node out[3], along[3];
        for (int i = 0; i < 3; i++) {
            const jd_node a = acceleration(t, time, fixed, k + 0.5 * i);
            out[i] = mul(t, a, sine);
            along[i] = mul(t, a, cosine);
        }
        const motion d1 = slope(t, s, out[0], along[0]);
        const motion d2 = slope(t, moved(t, s, d1, half), out[1], along[1]);
        const motion d3 = slope(t, moved(t, s, d2, half), out[1], along[1]);
        const motion d4 = slope(t, moved(t, s, d3, h), out[2], along[2]);
        s.r = add(t, s.r, weighed(t, d1.r, d2.r, d3.r, d4.r, sixth));
        s.u = add(t, s.u, weighed(t, d1.u, d2.u, d3.u, d4.u, sixth));
        s.v = add(t, s.v, weighed(t, d1.v, d2.v, d3.v, d4.v, sixth));
        n.path[0][k + 1] = s.r;
        n.path[1][k + 1] = s.u;
        n.path[2][k + 1] = s.v;
    }
    n.r = s.r;
    n.u = s.u;
    n.v = s.v;
    return n;
}

/* ---- the problem with its constraints --------------------------------------------------------------------------------------*/

typedef struct flight {
    bool shortest, gradient; /* least time instead of largest radius; with the gradient */
    double time, radius;     /* the one that is given */
    jd_fn *f;
    double nu[3], mu; /* multipliers and the penalty's weight */
    int64_t unknowns;
} flight;

/* L = J + sum of nu c + mu/2 c^2 with c = (u, v - r^-1/2, r - goal); args w (n) = the angles and, if it is free, the time. */
static void trace_flight(jd_graph *g, void *user)
{
    const flight *f = user;
    control_tape t = {.g = g};
    const jd_node w = jd_arg(g, "w"),
                  phi = jd_reshape(g, jd_slice(g, w, 0, 0, ORBIT_STEPS), JD_DIMS(ORBIT_STEPS, 1, 1));
    const jd_node time = f->shortest ? jd_reshape(g, jd_slice(g, w, 0, ORBIT_STEPS, 1), JD_DIMS(1, 1))
                                     : jd_const(g, f->time, JD_DIMS(1, 1));
    const orbit_nodes n = orbit_trace(&t, phi, time, 0);
    const jd_node speed = jd_div(g, jd_const(g, 1, JD_DIMS(1, 1)), jd_sqrt(g, n.r));
    const jd_node c[3] = {n.u, jd_sub(g, n.v, speed), jd_affine(g, n.r, 1, -f->radius)};
    jd_node L = f->shortest ? time : jd_neg(g, n.r);
    const jd_node nu = jd_arg(g, "nu"), mu = jd_arg(g, "mu");
    for (int i = 0; i < (f->shortest ? 3 : 2); i++) {
        L = jd_add(g, L, jd_mul(g, jd_slice(g, nu, 0, i, 1), c[i]));
        L = jd_add(g, L, jd_mul(g, jd_affine(g, mu, 0.5, 0), jd_square(g, c[i])));
    }
    const jd_node value = jd_sum(g, L, JD_ALL_AXES, false);
    jd_result(g, "value", value);
    static const char *const names[] = {"r", "u", "v"};
    if (!f->gradient) return;
    for (int i = 0; i < 3; i++) jd_result(g, names[i], jd_concat(g, n.path[i], ORBIT_STEPS + 1, 0));
    jd_node d;
    jd_grad(g, value, JD_NONE, &w, 1, &d);
    jd_result(g, "gradient", d);
}

static double lagrangian(void *user, const double *x, double *gradient)
{
    const flight *f = user;
    const jd_tensor in[] = {JD_TENSOR("w", JD_F64, x, f->unknowns), JD_TENSOR("nu", JD_F64, f->nu, 3),
                            JD_TENSOR("mu", JD_F64, &f->mu, 1)};
    if (jd_fn_run(f->f, in, 3)) return (double)NAN;
    const double *g = jd_fn_result(f->f, "gradient", NULL);
    if (!g) return (double)NAN;
    memcpy(gradient, g, (size_t)f->unknowns * sizeof *g);
    return jd_fn_scalar(f->f, "value");
}

/* ---- the same gradient by hand -----------------------------------------------------------------------------------------------*/

typedef struct vec {
    double r, u, v;
} vec;

static vec plus(vec a, double h, vec b)
{
    return (vec){a.r + h * b.r, a.u + h * b.u, a.v + h * b.v};
}

static vec slope_of(vec s, double a, double phi)
{
    return (vec){s.u, s.v * s.v / s.r - 1 / (s.r * s.r) + a * sin(phi), a * cos(phi) - s.u * s.v / s.r};
}

/* (d slope / d state)' d, and its part by the angle added to *by_phi. */
static vec pulled(vec s, double a, double phi, vec d, double *by_phi)
{
    *by_phi += d.u * a * cos(phi) - d.v * a * sin(phi);
    return (vec){d.u * (-s.v * s.v / (s.r * s.r) + 2 / (s.r * s.r * s.r)) + d.v * s.u * s.v / (s.r * s.r),
                 d.r - d.v * s.v / s.r, d.u * 2 * s.v / s.r - d.v * s.u / s.r};
}

/* dL/dphi of the problem with given time, by the recursion of the adjoint through each Runge-Kutta step. */
static void adjoint(const flight *f, const double *phi, double *gradient)
{
    vec s[ORBIT_STEPS + 1], x[ORBIT_STEPS][4];
    const double h = f->time / ORBIT_STEPS;
    s[0] = (vec){1, 0, 1};
    for (int k = 0; k < ORBIT_STEPS; k++) {
        vec d[4];
        for (int i = 0; i < 4; i++) {
            const double c = i == 0 ? 0 : i < 3 ? 0.5 : 1, a = THRUST / (1 - BURN * (k + c) * h);
            x[k][i] = i ? plus(s[k], c * h, d[i - 1]) : s[k];
            d[i] = slope_of(x[k][i], a, phi[k]);
        }
        s[k + 1] = plus(plus(plus(plus(s[k], h / 6, d[0]), h / 3, d[1]), h / 3, d[2]), h / 6, d[3]);
    }
    const vec e = s[ORBIT_STEPS];
    const double c[2] = {e.u, e.v - 1 / sqrt(e.r)}, at[2] = {f->nu[0] + f->mu * c[0], f->nu[1] + f->mu * c[1]};
    vec lambda = {-1 + at[1] * 0.5 / (e.r * sqrt(e.r)), at[0], at[1]};
    for (int k = ORBIT_STEPS - 1; k >= 0; k--) {
        vec before = lambda, carried = {0, 0, 0};
        gradient[k] = 0;
        for (int i = 3; i >= 0; i--) {
            const double share = i == 0 || i == 3 ? h / 6 : h / 3, c_next = i == 3 ? 0 : i == 2 ? h : h / 2;
            const double when = i == 0 ? 0 : i < 3 ? 0.5 : 1, a = THRUST / (1 - BURN * (k + when) * h);
            const vec d = plus((vec){share * lambda.r, share * lambda.u, share * lambda.v}, c_next, carried);
            carried = pulled(x[k][i], a, phi[k], d, &gradient[k]);
            before = plus(before, 1, carried);
        }
        lambda = before;
    }
}

static double against_hand(flight *f, const double *w)
{
    double by_hand[ORBIT_STEPS], by_graph[ORBIT_STEPS + 1], most = 0, size = 0;
    adjoint(f, w, by_hand);
    lagrangian(f, w, by_graph);
    for (int k = 0; k < ORBIT_STEPS; k++) {
        most = fmax(most, fabs(by_hand[k] - by_graph[k]));
        size = fmax(size, fabs(by_hand[k]));
    }
    return most / size;
}

/* ---- solving -----------------------------------------------------------------------------------------------------------------*/

static double count_flight(jd_ctx *ctx, jd_params *none, flight f, bool gradient)
{
    f.gradient = gradient;
    jd_fn *fn = jd_fn_new(ctx, none, trace_flight, &f);
    const jd_tensor in[] = {JD_TENSOR("w", JD_F64, NULL, f.unknowns), JD_TENSOR("nu", JD_F64, NULL, 3),
                            JD_TENSOR("mu", JD_F64, NULL, 1)};
    jd_plan *plan = fn ? jd_fn_plan(fn, in, 3) : NULL;
    const double count = plan ? jd_plan_describe(plan).operations : (double)NAN;
    jd_fn_free(fn);
    return count;
}

static void take(const flight *f, const double *w, orbit_answer *out)
{
    double *const to[3] = {out->r, out->u, out->v};
    static const char *const names[] = {"r", "u", "v"};
    for (int i = 0; i < 3; i++) {
        const double *from = jd_fn_result(f->f, names[i], NULL);
        if (from) memcpy(to[i], from, (ORBIT_STEPS + 1) * sizeof *from);
    }
    memcpy(out->phi, w, sizeof out->phi);
    out->time = f->shortest ? w[ORBIT_STEPS] : f->time;
    out->radius = out->r[ORBIT_STEPS];
    out->off[0] = out->u[ORBIT_STEPS];
    out->off[1] = out->v[ORBIT_STEPS] - 1 / sqrt(out->radius);
}

jd_status orbit_solve(jd_ctx *ctx, double time, double radius, orbit_answer *out,
                      void (*progress)(void *user, int outer, double value, double off), void *user)
{
    enum { OUTER = 12, INNER = 60 };
    double w[ORBIT_STEPS + 1], gradient[ORBIT_STEPS + 1];
    flight f = {.shortest = !(time > 0), .gradient = true, .time = time, .radius = radius};
    f.mu = f.shortest ? 200 : 10; /* less would let the flight of no time win */
    f.unknowns = ORBIT_STEPS + f.shortest;
    memset(out, 0, sizeof *out);
    for (int k = 0; k < ORBIT_STEPS; k++) w[k] = k < ORBIT_STEPS / 2 ? 0.5 : 2 * PI - 1;
    w[ORBIT_STEPS] = 3; /* near, not at, the answer */
    jd_params *none = jd_params_new(ctx, JD_F64);
    f.f = jd_fn_new(ctx, none, trace_flight, &f);
    if (!jd_error(ctx) && !f.shortest) out->counts.difference = against_hand(&f, w);
    out->counts.function = count_flight(ctx, none, f, false);
    out->counts.gradient = count_flight(ctx, none, f, true);
    const double began = jd_now();
    for (int outer = 0; outer < OUTER && !jd_error(ctx); outer++) {
        jd_minimum m;
        if (jd_minimize(ctx, &(jd_minimize_options){.iterations = INNER, .tolerance = 1e-10}, lagrangian, &f, w,
                        (size_t)f.unknowns, &m))
            break;
        out->evaluations += m.evaluations;
        lagrangian(&f, w, gradient);
        take(&f, w, out);
        const double c[3] = {out->off[0], out->off[1], out->radius - f.radius};
        for (int i = 0; i < (f.shortest ? 3 : 2); i++) f.nu[i] += f.mu * c[i];
        f.mu = fmin(2 * f.mu, f.shortest ? 2000 : 1000);
        if (progress) progress(user, outer, f.shortest ? out->time : out->radius, fmax(fabs(c[0]), fabs(c[1])));
    }
    out->seconds = jd_now() - began;
    jd_fn_free(f.f);
    jd_params_free(none);
    return jd_error(ctx);
}
