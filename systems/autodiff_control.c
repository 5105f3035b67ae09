/*
 * autodiff_control.c - "autodiff-control": the lineage of back-propagation, run through the one reverse mode of the library.
 *
 * Kelley 1960 and Bryson 1961 derived it for multi-stage optimal control, Dreyfus 1962 by the chain rule alone, Linnainmaa
 * 1970 for any sparse program, as a way to bound its rounding errors; Speelpenning 1980 compiled it; Werbos 1982 and
 * Rumelhart, Hinton, Williams 1986 taught networks with it.  Each of these uses is computed here and compared with an answer
 * that is known from elsewhere.
 */
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "jackdaw/selftest.h"
#include "jackdaw/system.h"
#include "reverse_mode.h"

enum { CHECKS = 24, TEXT = 96, PRODUCTS = 7, SEEDS = 10 };
#define DEGREES 57.29577951308232
#define PI      3.14159265358979323846

typedef struct work {
    jd_run *r;
    jd_ctx *ctx;
    int n, hold;
    char cell[CHECKS][4][TEXT];
    bool film;
} work;

static void check(work *w, const char *what, const char *claim, bool holds, const char *fmt, ...) JD_PRINTF(5, 6);
static void check(work *w, const char *what, const char *claim, bool holds, const char *fmt, ...)
{
    if (jd_error(w->ctx) || w->n == CHECKS) return;
    char(*cell)[TEXT] = w->cell[w->n++];
    va_list args;
    snprintf(cell[0], TEXT, "%s", what);
    snprintf(cell[1], TEXT, "%s", claim);
    va_start(args, fmt);
    vsnprintf(cell[2], TEXT, fmt, args);
    va_end(args);
    snprintf(cell[3], TEXT, "%s", holds ? "holds" : "does not hold");
    w->hold += holds;
    jd_run_note(w->r, "%s: %s: %s: %s", what, claim, cell[2], holds ? "holds" : "DOES NOT HOLD");
}

static void check_counts(work *w, const char *what, const control_counts *c)
{
    check(w, what, "gradient as by hand (1e-13)", c->difference < 1e-13, "%.1e", c->difference);
    check(w, what, "function and gradient: at most 4 times the operations", c->gradient <= 4 * c->function,
          "%.2f (%.0f and %.0f)", c->gradient / c->function, c->gradient, c->function);
}

/* ---- control --------------------------------------------------------------------------------------------------------------*/

static void regulator(work *w)
{
    static lqr_answer a;
    jd_report *rep = jd_run_report(w->r);
    if (lqr_solve(w->ctx, &a)) return;
    const double off = fabs(a.cost - a.riccati) / a.riccati;
    check(w, "linear-quadratic regulator", "cost as by the Riccati recursion (1e-9)", off < 1e-9, "%.12f, off %.1e",
          a.cost, off);
    check_counts(w, "linear-quadratic regulator", &a.counts);
    jd_run_extra(w->r, "lqr_cost", a.cost);
    jd_run_extra(w->r, "lqr_ratio", a.counts.gradient / a.counts.function);
    jd_report_section(rep, "Linear dynamics, quadratic cost");
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "stage"}, &(jd_axis){.label = "state"}, 190);
    double k[LQR_STEPS];
    for (int i = 0; i < LQR_STEPS; i++) k[i] = i;
    jd_chart_line(c, "position", NULL, a.x[0], LQR_STEPS + 1, 0);
    jd_chart_line(c, "speed", NULL, a.x[1], LQR_STEPS + 1, 0);
    jd_chart_panel(c, &(jd_axis){.label = "control"}, 150);
    jd_chart_line(c, "reverse mode", k, a.u, LQR_STEPS, JD_STEPS);
    jd_chart_points(c, "Riccati", k, a.gain_u, NULL, NULL, LQR_STEPS, JD_HOLLOW);
    char caption[300];
    snprintf(
        caption, sizeof caption,
        "50 controls found by L-BFGS from gradients of the unrolled stages (%lld evaluations), on the feedback law "
        "that the Riccati recursion gives. Costs: %.12f and %.12f.",
        (long long)a.search.evaluations, a.cost, a.riccati);
    jd_report_chart(rep, c, caption);
}

static void allocation(work *w)
{
    allocation_answer a;
    double k[ALLOCATION_STEPS], most = 0;
    if (allocation_solve(w->ctx, &a)) return;
    for (int i = 0; i < ALLOCATION_STEPS; i++) {
        k[i] = i;
        most = fmax(most, fabs(a.u[i] - a.closed_u[i]));
    }
    check(w, "allocation", "sum as the closed form, 3.992171 (1e-6)", fabs(a.sum - a.closed) < 1e-6, "%.9f", a.sum);
    check_counts(w, "allocation", &a.counts);
    jd_report_section(jd_run_report(w->r), "Allocation");
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "stage"}, &(jd_axis){.label = "spent"}, 200);
    jd_chart_line(c, "reverse mode", k, a.u, ALLOCATION_STEPS, JD_MARKS);
    jd_chart_points(c, "closed form", k, a.closed_u, NULL, NULL, ALLOCATION_STEPS, JD_HOLLOW);
    char caption[300];
    snprintf(caption, sizeof caption,
             "What is not spent grows by a tenth; the reward of spending u is its square root. Each stage spends 1.21 "
             "times what the one before does. Largest difference from the closed form: %.1e.",
             most);
    jd_report_chart(jd_run_report(w->r), c, caption);
}

/* ---- the flight ------------------------------------------------------------------------------------------------------------*/

/* Angles around the sun by the trapezoidal rule of v / r. */
static void places(const orbit_answer *a, double *x, double *y, double *around)
{
    around[0] = 0;
    for (int k = 0; k <= ORBIT_STEPS; k++) {
        if (k)
            around[k] = around[k - 1] + 0.5 * a->time / ORBIT_STEPS * (a->v[k] / a->r[k] + a->v[k - 1] / a->r[k - 1]);
        x[k] = a->r[k] * cos(around[k]);
        y[k] = a->r[k] * sin(around[k]);
    }
}

static void circle(jd_chart *c, const char *label, double radius)
{
    enum { POINTS = 181 };
    double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = radius * cos(2 * PI * i / (POINTS - 1));
        y[i] = radius * sin(2 * PI * i / (POINTS - 1));
    }
    jd_chart_line(c, label, x, y, POINTS, JD_NEUTRAL | JD_DASHED | JD_NO_LABEL);
}

/* Where the thrust pushes at stage k: from the ship's place, in directions outward and along. */
static void thrust(const orbit_answer *a, const double *around, int k, double length, double out[2])
{
    const double outward = length * sin(a->phi[k]), along = length * cos(a->phi[k]);
    out[0] = outward * cos(around[k]) - along * sin(around[k]);
    out[1] = outward * sin(around[k]) + along * cos(around[k]);
}

/* The sun, both orbits as dots, the ship with its trail and its flame. */
static void film(work *w, const orbit_answer *a, const double *x, const double *y, const double *around)
{
    enum { DOTS = 24, LINES = 4 + 2 * DOTS };
    float *points = jd_alloc_array(w->ctx, (size_t)(ORBIT_STEPS + 1) * LINES * 4, sizeof *points);
    jd_film_line line[LINES] = {{0.16, 1}};
    for (int i = 0; i < 2 * DOTS; i++) line[1 + i] = (jd_film_line){0.02, JD_FILM_MUTED};
    line[1 + 2 * DOTS] = (jd_film_line){0.012, JD_FILM_MUTED};
    line[2 + 2 * DOTS] = (jd_film_line){0.03, 3};
    line[3 + 2 * DOTS] = (jd_film_line){0.07, JD_FILM_INK};
    for (int k = 0; points && k <= ORBIT_STEPS; k++) {
        float(*at)[4] = (float(*)[4])(points + (size_t)k * LINES * 4);
        double d[2];
        const int back = k > 8 ? k - 8 : 0;
        for (int i = 0; i < 2 * DOTS; i++) {
            const double radius = i < DOTS ? 1 : a->radius, angle = 2 * PI * (i % DOTS) / DOTS;
            at[1 + i][0] = at[1 + i][2] = (float)(radius * cos(angle));
            at[1 + i][1] = at[1 + i][3] = (float)(radius * sin(angle));
        }
        thrust(a, around, k < ORBIT_STEPS ? k : ORBIT_STEPS - 1, 0.25, d);
        const float ship[3][4] = {{(float)x[back], (float)y[back], (float)x[k], (float)y[k]},
                                  {(float)x[k], (float)y[k], (float)(x[k] - d[0]), (float)(y[k] - d[1])},
                                  {(float)x[k], (float)y[k], (float)x[k], (float)y[k]}};
        memcpy(at[1 + 2 * DOTS], ship, sizeof ship);
    }
    if (points)
        jd_report_film(jd_run_report(w->r), &(jd_film){-2.1, -1.7, 2.1, 1.7, 8, ORBIT_STEPS + 1, LINES, points, line},
                       "The same flight; behind the ship its flame.");
    jd_free(w->ctx, points);
}

static void draw_flight(work *w, const orbit_answer *a)
{
    double x[ORBIT_STEPS + 1], y[ORBIT_STEPS + 1], around[ORBIT_STEPS + 1];
    places(a, x, y, around);
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "orbits of the start", .min = -2.1, .max = 2.1},
                               &(jd_axis){.label = "", .min = -1.75, .max = 1.75}, 540);
    circle(c, "start", 1);
    circle(c, "goal", a->radius);
    for (int k = 0; k < ORBIT_STEPS; k += 2) {
        double d[2];
        thrust(a, around, k, 0.2, d);
        jd_chart_line(c, "thrust", (const double[]){x[k], x[k] + d[0]}, (const double[]){y[k], y[k] + d[1]}, 2,
                      k ? JD_NO_LABEL : 0);
    }
    jd_chart_line(c, "flight", x, y, ORBIT_STEPS + 1, 0);
    jd_chart_points(c, "sun", (const double[]){0}, (const double[]){0}, NULL, NULL, 1, JD_NEUTRAL);
    jd_report_chart(
        jd_run_report(w->r), c,
        "The flight, from right and counter-clockwise, between the orbit of the start and the largest circle "
        "that can be reached; strokes show where the thrust pushes. It first pushes outward, then, in the "
        "middle of the flight, turns around through the direction of the sun.");
    film(w, a, x, y, around);
}

static void draw_angles(work *w, const orbit_answer *a)
{
    double time[ORBIT_STEPS + 1], phi[ORBIT_STEPS];
    for (int k = 0; k <= ORBIT_STEPS; k++) time[k] = a->time * k / ORBIT_STEPS;
    for (int k = 0; k < ORBIT_STEPS; k++) phi[k] = fmod(fmod(a->phi[k] * DEGREES, 360) + 360, 360);
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "time (a year of the start's orbit is 6.28)"},
                               &(jd_axis){.label = "thrust angle (degrees)"}, 190);
    jd_chart_line(c, "angle", time, phi, ORBIT_STEPS, JD_STEPS | JD_NO_LABEL);
    jd_chart_panel(c, &(jd_axis){.label = "state"}, 190);
    jd_chart_line(c, "radius", time, a->r, ORBIT_STEPS + 1, 0);
    jd_chart_line(c, "radial speed", time, a->u, ORBIT_STEPS + 1, 0);
    jd_chart_line(c, "tangential speed", time, a->v, ORBIT_STEPS + 1, 0);
    jd_report_chart(jd_run_report(w->r), c,
                    "64 angles of thrust, from the direction of flight outward, and the state. At the end the radial "
                    "speed is zero and the tangential one that of a circular orbit.");
}

static void tell(void *user, int outer, double value, double off)
{
    work *w = user;
    jd_run_log(w->r, outer, w->film ? "flight/time" : "flight/radius", value);
    jd_run_log(w->r, outer, w->film ? "flight/off (least time)" : "flight/off (largest radius)", fmax(off, 1e-17));
}

static void flight(work *w)
{
    static orbit_answer a, b;
    if (orbit_solve(w->ctx, 3.3194, 0, &a, tell, w)) return;
    const double off = fmax(fabs(a.off[0]), fabs(a.off[1]));
    check(w, "orbit transfer", "radius 1.5249 to 1.5251 on a circle (1e-7)",
          a.radius >= 1.5249 && a.radius <= 1.5251 && off < 1e-7, "%.6f, off %.0e", a.radius, off);
    check_counts(w, "orbit transfer", &a.counts);
    w->film = true;
    if (orbit_solve(w->ctx, 0, a.radius, &b, tell, w)) return;
    check(w, "orbit transfer, least time", "back to 3.3194 for that radius (1e-4)", fabs(b.time - 3.3194) < 1e-4,
          "%.6f", b.time);
    jd_run_extra(w->r, "orbit_radius", a.radius);
    jd_run_extra(w->r, "orbit_least_time", b.time);
    jd_run_extra(w->r, "orbit_seconds", a.seconds);
    jd_run_extra(w->r, "orbit_ratio", a.counts.gradient / a.counts.function);
    jd_report_section(jd_run_report(w->r), "From the Earth's orbit to that of Mars");
    char text[700];
    snprintf(
        text, sizeof text,
        "A ship with a weak engine is to reach the largest circular orbit in 193 days; lengths are in units of the "
        "first orbit. 64 angles, each held for a Runge-Kutta step, are the unknowns; %.0f elementary operations "
        "forward, %.0f with the gradient. %lld gradients in %.2f s lead to %.6f; the book says about 1.525, and "
        "Mars is at 1.524. The reverse problem, the least time to that orbit, gives %.5f: the 3.3194 that was "
        "allowed.",
        a.counts.function, a.counts.gradient, (long long)a.evaluations, a.seconds, a.radius, b.time);
    jd_report_text(jd_run_report(w->r), text);
    draw_flight(w, &a);
    draw_angles(w, &a);
}

/* ---- costs -------------------------------------------------------------------------------------------------------------------*/

static void products(work *w)
{
    static const int64_t sizes[PRODUCTS] = {16, 64, 256, 1024, 4096, 16384, 65536};
    product_count p[PRODUCTS];
    double n[PRODUCTS], function[PRODUCTS], reverse[PRODUCTS], forward[PRODUCTS], worst = 0, error = 0;
    for (int i = 0; i < PRODUCTS; i++) {
        if (reverse_product(w->ctx, sizes[i], &p[i])) return;
        n[i] = (double)sizes[i];
        function[i] = p[i].function;
        reverse[i] = p[i].reverse;
        forward[i] = p[i].forward;
        worst = fmax(worst, p[i].reverse / p[i].function);
        error = fmax(error, p[i].error);
    }
    check(w, "product of n numbers", "function and gradient: at most 4 times the operations", worst <= 4, "%.3f",
          worst);
    check(w, "product of n numbers", "gradient right, a factor being zero too", error < 1e-12, "off %.0e", error);
    jd_run_extra(w->r, "product_ratio", worst);
    jd_report_section(jd_run_report(w->r), "What a gradient costs");
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "n", .scale = JD_LOG},
                               &(jd_axis){.label = "operations", .scale = JD_LOG}, 260);
    jd_chart_line(c, "n forward sweeps", n, forward, PRODUCTS, JD_MARKS);
    jd_chart_line(c, "reverse mode", n, reverse, PRODUCTS, JD_MARKS);
    jd_chart_line(c, "the product", n, function, PRODUCTS, JD_MARKS);
    jd_report_chart(
        jd_run_report(w->r), c,
        "Speelpenning's product of n numbers, counted from the plans: the gradient by reverse mode needs two "
        "multiplications for each of the function, whatever n; derivatives carried forward, one input at a "
        "time, need n times as much.");
}

static void nets(work *w)
{
    net_cost c[REVERSE_NETS];
    char cell[REVERSE_NETS][3][24];
    const char *cells[REVERSE_NETS * 4];
    if (reverse_nets(w->ctx, (int)jd_run_setting(w->r, "rounds"), c)) return;
    for (int i = 0; i < REVERSE_NETS; i++) {
        char claim[64];
        snprintf(claim, sizeof claim, "forward and reverse: at most %.0f times the time", c[i].limit);
        check(w, c[i].name, claim, c[i].time <= c[i].limit, "%.2f", c[i].time);
        snprintf(cell[i][0], sizeof cell[i][0], "%.2f", c[i].forward_ms);
        snprintf(cell[i][1], sizeof cell[i][1], "%.2f", c[i].operations);
        snprintf(cell[i][2], sizeof cell[i][2], "%.2f", c[i].time);
        cells[4 * i] = c[i].name;
        for (int k = 0; k < 3; k++) cells[4 * i + 1 + k] = cell[i][k];
    }
    jd_report_table(
        jd_run_report(w->r), (const char *const[]){"network", "forward (ms)", "ratio of operations", "ratio of times"},
        cells, REVERSE_NETS, 4,
        "Forward and reverse together over forward alone: counted from the plans, and as the least of several "
        "timed runs on one thread.");
}

static void draw_rounding(work *w, jd_chart *c, const char *label, const rounding *r)
{
    enum { SHOWN = 300 };
    (void)w;
    jd_chart_points(c, label, r->bound, r->error, NULL, NULL, SHOWN, JD_HOLLOW);
}

static void roundings(work *w)
{
    rounding a = {0}, b = {0};
    if (!reverse_rounding_orbit(w->ctx, &a) && !reverse_rounding_network(w->ctx, &b)) {
        check(w, "rounding of the flight", "1000 inputs: error at most 1.01 of the bound", a.beyond == 0,
              "largest %.2f, median %.3f", a.largest, a.median);
        check(w, "rounding of a perceptron", "1000 inputs: error at most 1.01 of the bound", b.beyond == 0,
              "largest %.2f, median %.3f", b.largest, b.median);
        jd_report_section(jd_run_report(w->r), "What adjoints say about rounding errors");
        jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "bound by the adjoints", .scale = JD_LOG},
                                   &(jd_axis){.label = "true error of float32", .scale = JD_LOG}, 300);
        draw_rounding(w, c, "flight", &a);
        draw_rounding(w, c, "perceptron", &b);
        const double line[2] = {3e-8, 1e-5};
        jd_chart_line(c, "equal", line, line, 2, JD_NEUTRAL | JD_NO_LABEL);
        jd_report_chart(jd_run_report(w->r), c,
                        "Linnainmaa's use of reverse mode: to first order a program's result moves by the sum of each "
                        "operation's rounding error times its adjoint. Each point is one random input, computed in "
                        "float32 and in float64; below the line the bound holds.");
    }
    reverse_rounding_free(w->ctx, &a);
    reverse_rounding_free(w->ctx, &b);
}

/* ---- first networks ------------------------------------------------------------------------------------------------------------*/

static void first_nets(work *w)
{
    const int most = (int)jd_run_setting(w->r, "epochs");
    int encoded = 0, told = 0, epochs[2][SEEDS];
    float code[8][3] = {{0}}, kernel[SEEDS * 9] = {0};
    double sum[2] = {0, 0};
    for (int s = 0; s < SEEDS && !jd_error(w->ctx); s++) {
        const uint64_t seed = jd_run_seed(w->r) * SEEDS + (uint64_t)s;
        epochs[0][s] = reverse_encoder(w->ctx, seed, most, code);
        epochs[1][s] = reverse_t_c(w->ctx, seed, most, kernel + 9 * s);
        encoded += epochs[0][s] > 0;
        told += epochs[1][s] > 0;
        for (int k = 0; k < 2; k++) sum[k] += epochs[k][s];
        if (jd_run_progress(w->r, s + 1, SEEDS, "encoder %d, T or C %d epochs", epochs[0][s], epochs[1][s])) {
            jd_run_stopped(w->r);
            return;
        }
    }
    check(w, "8-3-8 encoder", "learned from 9 of 10 first weights", encoded >= 9, "%d of %d, %.0f epochs", encoded,
          SEEDS, sum[0] / fmax(1, encoded));
    check(w, "T or C", "learned from 9 of 10 first weights", told >= 9, "%d of %d, %.0f epochs", told, SEEDS,
          sum[1] / fmax(1, told));
    jd_report *rep = jd_run_report(w->r);
    jd_report_section(rep, "What it taught the first networks");
    float map[24];
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) map[3 * i + k] = code[i][k];
    jd_report_map(
        rep,
        &(jd_map){.label = "hidden unit",
                  .value_label = "activation",
                  .values = map,
                  .T = 8,
                  .H = 3,
                  .vmin = 0,
                  .vmax = 1,
                  .height = 90},
        "symbol", 0, 8,
        "The code that an 8-3-8 network invents for eight symbols: nearly the binary numbers, found by descent "
        "alone (the last of ten seeds).");
    jd_report_filters(
        rep, kernel, SEEDS, 3, 3, 1, false,
        "T or C: the nine weights that all hidden units share, for each of ten seeds; light excites, dark "
        "inhibits. Their windows cover the picture; the output adds them all up with one weight. Nine dark "
        "weights tell compact letters from those that stretch out; others wait for one feature, such as the "
        "free end of the T.");
}

/* ---- the operations of the library ---------------------------------------------------------------------------------------------*/

typedef struct selftest_sum {
    jd_run *r;
    double worst;
    char name[48];
    int n, failed;
} selftest_sum;

static void one_case(void *user, const jd_selftest_line *l)
{
    selftest_sum *s = user;
    s->n++;
    s->failed += !l->passed;
    if (l->gradient_error > s->worst) {
        s->worst = l->gradient_error;
        snprintf(s->name, sizeof s->name, "%s", l->name);
    }
    jd_run_progress(s->r, s->n, 100, "%s", l->name);
}

static void every_operation(work *w)
{
    selftest_sum s = {.r = w->r};
    int cases = 0;
    if (jd_run_setting(w->r, "operations") == 0) return;
    jd_run_stage(w->r, "checking the gradient of every operation");
    jd_selftest_ops(w->ctx, &(jd_selftest_options){.line = one_case, .user = &s}, &cases);
    check(w, "every operation of the library", "gradient as by differences (1e-7)", s.worst <= 1e-7 && !s.failed,
          "%d cases, worst %.0e (%s)", cases, s.worst, s.name);
}

static void table(work *w)
{
    const char *cells[CHECKS * 4];
    for (int i = 0; i < w->n; i++)
        for (int k = 0; k < 4; k++) cells[4 * i + k] = w->cell[i][k];
    jd_report_section(jd_run_report(w->r), "The claims, one by one");
    jd_report_table(jd_run_report(w->r), (const char *const[]){"what", "claim", "measured", ""}, cells, (size_t)w->n, 4,
                    "All operations are counted from compiled plans.");
}

static jd_status run(jd_run *r)
{
    work *w = jd_alloc(jd_run_ctx(r), sizeof *w);
    if (!w) return jd_error(jd_run_ctx(r));
    w->r = r;
    w->ctx = jd_run_ctx(r);
    jd_ctx *ctx = w->ctx;
    jd_run_stage(r, "optimal control");
    flight(w);
    regulator(w);
    allocation(w);
    jd_run_stage(r, "counting and timing");
    products(w);
    nets(w);
    roundings(w);
    jd_run_stage(r, "first networks");
    first_nets(w);
    every_operation(w);
    if (!jd_error(ctx)) {
        table(w);
        jd_run_finish(r, w->hold, w->hold < w->n ? "see the table of claims" : NULL);
    }
    jd_free(ctx, w);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"operations",
     {0, 1, 1},
     "1: also check the gradient of every operation of the library, which takes most of the time"},
    {"rounds", {10, 30, 100}, "timed runs of each network"},
    {"epochs", {40000, 40000, 40000}, "epochs allowed to the first networks"},
    {NULL, {0}, NULL}};

const jd_system jd_system_autodiff_control = {
    .name = "autodiff-control",
    .year = 1960,
    .title = "The lineage of back-propagation: optimal control, rounding errors, first networks",
    .paper = "Kelley, ARS Journal 30, 1960; Bryson, Harvard symposium 1961; Linnainmaa, Helsinki 1970; Speelpenning, "
             "Illinois 1980",
    .metric = "claims that hold, of 21 (quick: 20)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "No single figure: each claim has its own, such as the orbit's radius of about 1.525 in Bryson and Ho.",
    .accept = {20, 21, 21},
    .about =
        "Reverse mode, the way gradients of deep networks are computed, was derived for multi-stage control "
        "processes, formulated for any sparse program to bound rounding errors, and then taught networks. Here the "
        "one implementation that trains the networks of this library solves those first problems. Look at the "
        "flight, at the counted costs, and at the code that the encoder invents.",
    .settings = settings,
    .run = run,
};
