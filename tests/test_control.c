/* test_control.c - optimal control through reverse mode: the answers known from elsewhere, the gradient beside a recursion by
 * hand, the counted cost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../systems/control.c"
#include "../systems/orbit.c"
#include "../systems/first_nets.c"
#include "../systems/reverse_mode.c"

static void cheap(const control_counts *c)
{
    assert_true(c->difference < 1e-13);
    assert_true(c->function > 0 && c->gradient > c->function && c->gradient <= 5 * c->function);
}

static void regulator(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static lqr_answer a;
    assert_int_equal(lqr_solve(ctx, &a), JD_OK);
    assert_true(fabs(a.riccati - 13.3162663327617) < 1e-12 * 14);
    assert_true(fabs(a.cost - a.riccati) < 1e-11 * a.riccati);
    for (int k = 0; k < LQR_STEPS; k++) assert_true(fabs(a.u[k] - a.gain_u[k]) < 1e-6);
    cheap(&a.counts);
    jd_ctx_free(ctx);
}

static void flights(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static orbit_answer a, b;
    assert_int_equal(orbit_solve(ctx, 3.3194, 0, &a, NULL, NULL), JD_OK);
    print_message("radius %.6f, off %.1e %.1e, %.3f s, %d evaluations\n", a.radius, a.off[0], a.off[1], a.seconds,
                  (int)a.evaluations);
    assert_true(a.radius >= 1.5249 && a.radius <= 1.5251 && fabs(a.off[0]) < 1e-6 && fabs(a.off[1]) < 1e-6);
    assert_true(fabs(a.phi[0] * 57.29578 - 25.3) < 1 && fabs(a.phi[ORBIT_STEPS - 1] * 57.29578 - 311.1) < 1);
    cheap(&a.counts);
    /* the least time to the radius so reached is the time given: each problem is the other's inverse */
    assert_int_equal(orbit_solve(ctx, 0, a.radius, &b, NULL, NULL), JD_OK);
    print_message("time %.6f\n", b.time);
    assert_true(fabs(b.time - 3.3194) < 1e-4 && fabs(b.off[0]) < 1e-6 && fabs(b.off[1]) < 1e-6);
    assert_int_equal(orbit_solve(ctx, 3.3207, 0, &a, NULL, NULL), JD_OK);
    assert_true(fabs(a.radius - 1.52544) < 2e-5);
    jd_ctx_free(ctx);
}

static void allocation(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    allocation_answer a;
    assert_int_equal(allocation_solve(ctx, &a), JD_OK);
    assert_true(fabs(a.closed - 3.992171) < 1e-6 && fabs(a.sum - a.closed) < 1e-9);
    for (int k = 0; k < ALLOCATION_STEPS; k++) assert_true(fabs(a.u[k] - a.closed_u[k]) < 1e-5);
    cheap(&a.counts);
    jd_ctx_free(ctx);
}

/* The gradient of a product of n numbers costs two multiplications for each of the function's, a zero factor or not. */
static void products(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    for (int64_t n = 2; n <= 1024; n *= 8) {
        product_count c;
        assert_int_equal(reverse_product(ctx, n, &c), JD_OK);
        assert_true(c.function == (double)(n - 1) && c.reverse <= 3 * c.function);
        assert_true(c.forward > (double)n * c.function && c.error < 1e-13);
    }
    jd_ctx_free(ctx);
}

/* What float32 gets wrong stays within the bound that the adjoints give. */
static void rounding_errors(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    rounding r;
    assert_int_equal(reverse_rounding_network(ctx, &r), JD_OK);
    assert_true(r.beyond == 0 && r.median > 1e-3 && r.largest > r.median);
    reverse_rounding_free(ctx, &r);
    jd_ctx_free(ctx);
}

static void first_networks(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    float code[8][3];
    assert_true(reverse_encoder(ctx, 1, 20000, code) > 0);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < i; k++) { /* eight codes, all different */
            double off = 0;
            for (int j = 0; j < 3; j++) off = fmax(off, fabs((double)code[i][j] - (double)code[k][j]));
            assert_true(off > 0.3);
        }
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(regulator),       cmocka_unit_test(flights),
                                       cmocka_unit_test(allocation),      cmocka_unit_test(products),
                                       cmocka_unit_test(rounding_errors), cmocka_unit_test(first_networks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
