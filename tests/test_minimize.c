/* test_minimize.c - L-BFGS: exact on quadratics, through the valley of Rosenbrock's function, honest about what it cannot do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "jackdaw/minimize.h"

enum { N = 40 };

/* sum of k (x[k] - k)^2 / 2 + a chain of couplings: condition number about 40 */
static double quadratic(void *user, const double *x, double *g)
{
    (void)user;
    double v = 0;
    for (int k = 0; k < N; k++) {
        const double d = x[k] - k;
        v += 0.5 * (k + 1) * d * d;
        g[k] = (k + 1) * d;
    }
    return v;
}

static double rosenbrock(void *user, const double *x, double *g)
{
    (void)user;
    double v = 0;
    for (int k = 0; k < N; k++) g[k] = 0;
    for (int k = 0; k < N; k += 2) {
        const double a = 1 - x[k], b = x[k + 1] - x[k] * x[k];
        v += a * a + 100 * b * b;
        g[k] += -2 * a - 400 * b * x[k];
        g[k + 1] += 200 * b;
    }
    return v;
}

/* x - ln x, not defined below 0: a long first step must be taken back */
static double barrier(void *user, const double *x, double *g)
{
    (void)user;
    g[0] = 1 - 1 / x[0];
    return x[0] > 0 ? x[0] - log(x[0]) : (double)NAN;
}

static double slope(void *user, const double *x, double *g)
{
    (void)user;
    g[0] = 1;
    return x[0];
}

static double failing(void *user, const double *x, double *g)
{
    g[0] = x[0];
    jd_fail(user, JD_EDATA, "the objective failed");
    return 1;
}

static void solves(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_minimum m;
    double x[N] = {0};
    assert_int_equal(jd_minimize(ctx, NULL, quadratic, NULL, x, N, &m), JD_OK);
    assert_true(m.converged && m.value < 1e-18 && m.iterations < 80);
    for (int k = 0; k < N; k++) assert_true(fabs(x[k] - k) < 1e-10);
    for (int k = 0; k < N; k++) x[k] = k % 2 ? 1 : -1.2;
    assert_int_equal(jd_minimize(ctx, NULL, rosenbrock, NULL, x, N, &m), JD_OK);
    assert_true(m.converged && m.iterations < 120);
    for (int k = 0; k < N; k++) assert_true(fabs(x[k] - 1) < 1e-9);
    x[0] = 0.05;
    assert_int_equal(jd_minimize(ctx, &(jd_minimize_options){.first_step = 100}, barrier, NULL, x, 1, &m), JD_OK);
    assert_true(m.converged && fabs(x[0] - 1) < 1e-9);
    jd_ctx_free(ctx);
}

static void limits(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_minimum m;
    double x[N] = {-1};
    assert_int_equal(jd_minimize(ctx, NULL, barrier, NULL, x, 1, &m), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_minimize(ctx, NULL, quadratic, NULL, x, 0, &m), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_minimize(ctx, &(jd_minimize_options){.iterations = 3}, rosenbrock, NULL, x, N, &m), JD_OK);
    assert_true(!m.converged && m.iterations == 3);
    assert_int_equal(jd_minimize(ctx, &(jd_minimize_options){.iterations = 20}, slope, NULL, x, 1, &m), JD_OK);
    assert_true(!m.converged && x[0] < -1e6); /* no minimum: it goes down as long as it is allowed to */
    assert_int_equal(jd_minimize(ctx, NULL, failing, ctx, x, 1, &m), JD_EDATA);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(solves), cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
