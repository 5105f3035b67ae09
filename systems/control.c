/* control.c - linear-quadratic control and allocation: unrolled, solved, compared with what is known. */
#include "control.h"

#include <math.h>
#include <string.h>

/* A traced function of one vector of unknowns "w" (n): results "value" and "gradient". */
typedef struct problem {
    jd_fn *f;
    int64_t n;
} problem;

static double evaluate(void *user, const double *x, double *gradient)
{
    const problem *p = user;
    const jd_tensor in = JD_TENSOR("w", JD_F64, x, p->n);
    if (jd_fn_run(p->f, &in, 1)) return (double)NAN;
    const double *g = jd_fn_result(p->f, "gradient", NULL);
    if (!g) return (double)NAN;
    memcpy(gradient, g, (size_t)p->n * sizeof *g);
    return jd_fn_scalar(p->f, "value");
}

static double operations(jd_ctx *ctx, jd_params *none, jd_trace *trace, bool gradient, int64_t n)
{
    jd_fn *f = jd_fn_new(ctx, none, trace, &gradient);
    const jd_tensor in = JD_TENSOR("w", JD_F64, NULL, n);
    jd_plan *plan = f ? jd_fn_plan(f, &in, 1) : NULL;
    const double count = plan ? jd_plan_describe(plan).operations : (double)NAN;
    jd_fn_free(f);
    return count;
}

/* Solves for w (n), which holds the start; fills counts but for the difference. */
static jd_status solve(jd_ctx *ctx, jd_trace *trace, double *w, int64_t n, double *first_gradient, control_counts *c,
                       jd_minimum *m)
{
    bool gradient = true;
    jd_params *none = jd_params_new(ctx, JD_F64); /* float64 is the parameter store's to say */
    problem p = {jd_fn_new(ctx, none, trace, &gradient), n};
    c->function = operations(ctx, none, trace, false, n);
    c->gradient = operations(ctx, none, trace, true, n);
    if (!jd_error(ctx)) evaluate(&p, w, first_gradient);
    jd_minimize(ctx, &(jd_minimize_options){.iterations = 500, .tolerance = 1e-11}, evaluate, &p, w, (size_t)n, m);
    jd_fn_free(p.f);
    jd_params_free(none);
    return jd_error(ctx);
}

static void results(jd_graph *g, jd_node value, jd_node w, bool gradient)
{
    jd_node d;
    jd_result(g, "value", value);
    if (!gradient) return;
    jd_grad(g, value, JD_NONE, &w, 1, &d);
    jd_result(g, "gradient", d);
}

static double difference(const double *a, const double *b, int64_t n)
{
    double most = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        size = fmax(size, fabs(b[i]));
    }
    return most / size;
}

/* ---- linear dynamics, quadratic cost -------------------------------------------------------------------------------------*/

#define STEP  0.1   /* seconds */
#define PUSH  0.005 /* what a control moves in a step: half its square */
#define PRICE 0.1   /* of a control */

static jd_node square_sum(jd_graph *g, jd_node a, jd_node b)
{
    return jd_add(g, jd_square(g, a), jd_square(g, b));
}

static void trace_lqr(jd_graph *g, void *user)
{
    const jd_node w = jd_arg(g, "w");
    jd_node x = jd_const(g, 1, JD_DIMS(1)), v = jd_const(g, 0, JD_DIMS(1)), cost = jd_const(g, 0, JD_DIMS(1));
    for (int k = 0; k < LQR_STEPS; k++) {
        const jd_node u = jd_slice(g, w, 0, k, 1);
        cost = jd_add(g, cost, jd_add(g, square_sum(g, x, v), jd_affine(g, jd_square(g, u), PRICE, 0)));
        x = jd_add(g, x, jd_add(g, jd_affine(g, v, STEP, 0), jd_affine(g, u, PUSH, 0)));
        v = jd_add(g, v, jd_affine(g, u, STEP, 0));
    }
    results(g, jd_sum(g, jd_add(g, cost, square_sum(g, x, v)), JD_ALL_AXES, false), w, *(bool *)user);
}

static void roll_lqr(const double *u, double x[2][LQR_STEPS + 1])
{
    x[0][0] = 1;
    x[1][0] = 0;
    for (int k = 0; k < LQR_STEPS; k++) {
        x[0][k + 1] = x[0][k] + STEP * x[1][k] + PUSH * u[k];
        x[1][k + 1] = x[1][k] + STEP * u[k];
    }
}

/* The adjoint recursion by hand: lambda[N] = dphi/dx, lambda[k] = dl/dx + A' lambda[k+1], dJ/du[k] = dl/du + B' lambda[k+1]. */
static void adjoint_lqr(const double *u, double *gradient)
{
    double x[2][LQR_STEPS + 1];
    roll_lqr(u, x);
    double p = 2 * x[0][LQR_STEPS], q = 2 * x[1][LQR_STEPS];
    for (int k = LQR_STEPS - 1; k >= 0; k--) {
        gradient[k] = 2 * PRICE * u[k] + PUSH * p + STEP * q;
        q = 2 * x[1][k] + STEP * p + q;
        p = 2 * x[0][k] + p;
    }
}

/* P[N] = I; K = (R + B'PB)^-1 B'PA, P = I + A'P(A - BK).  The cost is x0'P[0]x0; u[k] = -K[k] x[k]. */
static double riccati(double *u)
{
    double gain[LQR_STEPS][2], a = 1, b = 0, c = 1; /* P = [a b; b c] */
    for (int k = LQR_STEPS - 1; k >= 0; k--) {
        const double pb[2] = {a * PUSH + b * STEP, b * PUSH + c * STEP}; /* P B */
        const double pa[3] = {a, a * STEP + b, b * STEP + c};            /* P A: first row's first, second; last */
        const double under = PRICE + PUSH * pb[0] + STEP * pb[1];
        const double k0 = pb[0] / under, k1 = (pb[0] * STEP + pb[1]) / under;
        const double mixed = pa[1], last = STEP * pa[1] + pa[2];
        gain[k][0] = k0;
        gain[k][1] = k1;
        a = 1 + a - pb[0] * k0;
        c = 1 + last - (pb[0] * STEP + pb[1]) * k1;
        b = mixed - pb[0] * k1;
    }
    double x = 1, v = 0;
    for (int k = 0; k < LQR_STEPS; k++) {
        u[k] = -gain[k][0] * x - gain[k][1] * v;
        x = x + STEP * v + PUSH * u[k];
        v = v + STEP * u[k];
    }
    return a;
}

jd_status lqr_solve(jd_ctx *ctx, lqr_answer *out)
{
    double first[LQR_STEPS] = {0}, by_hand[LQR_STEPS];
    memset(out, 0, sizeof *out);
    for (int k = 0; k < LQR_STEPS; k++) out->u[k] = -0.1 * cos(0.3 * k); /* anything */
    adjoint_lqr(out->u, by_hand);
    out->riccati = riccati(out->gain_u);
    if (solve(ctx, trace_lqr, out->u, LQR_STEPS, first, &out->counts, &out->search)) return jd_error(ctx);
    out->counts.difference = difference(first, by_hand, LQR_STEPS);
    out->cost = out->search.value;
    roll_lqr(out->u, out->x);
    return JD_OK;
}

/* ---- allocation ------------------------------------------------------------------------------------------------------------*/

#define GROWTH 1.1

/* u = x sigmoid(w): between nothing and all there is; the last stage spends all. */
static void trace_allocation(jd_graph *g, void *user)
{
    const jd_node w = jd_arg(g, "w");
    jd_node x = jd_const(g, 1, JD_DIMS(1)), sum = jd_const(g, 0, JD_DIMS(1));
    for (int k = 0; k < ALLOCATION_STEPS - 1; k++) {
        const jd_node u = jd_mul(g, x, jd_sigmoid(g, jd_slice(g, w, 0, k, 1)));
        sum = jd_add(g, sum, jd_sqrt(g, u));
        x = jd_affine(g, jd_sub(g, x, u), GROWTH, 0);
    }
    sum = jd_add(g, sum, jd_sqrt(g, x));
    results(g, jd_sum(g, jd_neg(g, sum), JD_ALL_AXES, false), w, *(bool *)user);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void adjoint_allocation(const double *w, double *gradient)
{
    double x[ALLOCATION_STEPS], u[ALLOCATION_STEPS];
    x[0] = 1;
    for (int k = 0; k + 1 < ALLOCATION_STEPS; k++) {
        u[k] = x[k] * sigmoid(w[k]);
        x[k + 1] = GROWTH * (x[k] - u[k]);
    }
    double lambda = -0.5 / sqrt(x[ALLOCATION_STEPS - 1]);
    for (int k = ALLOCATION_STEPS - 2; k >= 0; k--) {
        const double s = sigmoid(w[k]), by_u = -0.5 / sqrt(u[k]) - GROWTH * lambda;
        gradient[k] = by_u * x[k] * s * (1 - s);
        lambda = GROWTH * lambda + by_u * s;
    }
}

jd_status allocation_solve(jd_ctx *ctx, allocation_answer *out)
{
    enum { N = ALLOCATION_STEPS };
    double w[N - 1] = {0}, first[N - 1] = {0}, by_hand[N - 1], total = 0, x = 1;
    jd_minimum m;
    memset(out, 0, sizeof *out);
    for (int k = 0; k < N; k++) total += pow(GROWTH, k);
    for (int k = 0; k < N; k++) out->closed_u[k] = pow(GROWTH, 2 * k) / total;
    out->closed = sqrt(total);
    adjoint_allocation(w, by_hand);
    if (solve(ctx, trace_allocation, w, N - 1, first, &out->counts, &m)) return jd_error(ctx);
    out->counts.difference = difference(first, by_hand, N - 1);
    out->sum = -m.value;
    for (int k = 0; k < N; k++) {
        out->u[k] = k + 1 < N ? x * sigmoid(w[k]) : x;
        x = GROWTH * (x - out->u[k]);
    }
    return JD_OK;
}
