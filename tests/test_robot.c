/*
 * test_robot.c - the robot that slips and its late camera: motion against known cases, what a net is shown, the path;
 * linear regression against a known answer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/least_squares.c"
#include "../systems/robot.c"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g, not %.9g +- %.1g", a, b, tolerance);
}

static void test_angles(void **state)
{
    (void)state;
    near(rb_angle(3 * PI), PI, 1e-12);
    near(rb_angle(-PI), PI, 1e-12);
    near(rb_angle(PI + .1), -PI + .1, 1e-12);
    near(rb_angle(-.2), -.2, 0);
    const rb_pose a = {.3, -.7, 2.9}, b = {-1, .4, -2.8}, c = rb_absolute(rb_relative(b, a), a);
    near(c.x, b.x, 1e-12);
    near(c.y, b.y, 1e-12);
    near(c.phi, b.phi, 1e-12);
}

/* Slow commands are followed up to the creep and drag of the wheels; turning on the spot stays on the spot. */
static void test_motion(void **state)
{
    (void)state;
    for (int heading = 0; heading < 12; heading++) {
        rb_robot r = {.pose = {.phi = heading * PI / 6}, .friction = RB_FRICTION};
        rb_drive(&r, &(rb_command){.5, .2, 0}, 3000);
        const double c = cos(r.pose.phi), s = sin(r.pose.phi);
        near(c * r.vx + s * r.vy, .5, .03);
        near(-s * r.vx + c * r.vy, .2, .03);
        near(rb_angle(r.pose.phi - heading * PI / 6), 0, .2); /* the wheels creep under different drags */
    }
    rb_robot spin = {.friction = RB_FRICTION};
    rb_drive(&spin, &(rb_command){0, 0, 4}, 2000);
    near(spin.omega, 4, .15);
    near(hypot(spin.pose.x, spin.pose.y), 0, 1e-9);
}

/* No force beyond friction and drag, whatever is commanded: full slip gives 2/3 of the grip at most, in any direction. */
static void test_slip(void **state)
{
    (void)state;
    for (int direction = 0; direction < 24; direction++) {
        rb_robot r = {.friction = RB_FRICTION};
        double before = 0;
        const double a = direction * PI / 12;
        for (int t = 0; t < 400; t++) {
            rb_drive(&r, &(rb_command){2 * cos(a), 2 * sin(a), 0}, 1);
            const double speed = hypot(r.vx, r.vy);
            assert_true(speed - before <= STEP * 2 * (RB_FRICTION * GRAVITY / 3 + DRAG / MASS) + 1e-12);
            before = speed;
        }
        assert_true(before > .2 && before < .95); /* 0.4 s at 2.29 m/s^2 */
    }
}

/* What a net sees does not depend on where the robot is and how it stands, and says nothing of the future. */
static void test_inputs(void **state)
{
    (void)state;
    enum { N = 60, K = 40 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    rb_recording d, e;
    assert_int_equal(rb_recording_new(ctx, N, &d), JD_OK);
    assert_int_equal(rb_recording_new(ctx, N, &e), JD_OK);
    rb_wander(&d, 5, "test", RB_FRICTION, RB_DELAY);
    assert_int_equal(d.count, N);
    const rb_pose moved = {1.5, -2, 2.5};
    for (int k = 0; k < N; k++) {
        e.is[k] = rb_absolute(d.is[k], moved);
        e.seen[k] = k > K - RB_DELAY ? (rb_pose){9, 9, 1} : rb_absolute(d.seen[k], moved);
        e.sent[k] = k >= K ? (rb_command){9, 9, 9} : d.sent[k];
    }
    float a[RB_INPUTS], b[RB_INPUTS], out[RB_OUTPUTS];
    rb_inputs(&d, K, RB_DELAY, a);
    rb_inputs(&e, K, RB_DELAY, b);
    for (int i = 0; i < RB_INPUTS; i++) near((double)a[i], (double)b[i], 1e-5);
    near((double)a[0], 0, 0);
    near((double)a[3], 1, 0);
    near((double)a[4 * RB_HISTORY], d.sent[K - 1].vx, 1e-6);
    rb_outputs(&d, K, RB_DELAY, d.is[K], out);
    const double said[RB_OUTPUTS] = {(double)out[0], (double)out[1], (double)out[2], (double)out[3]};
    const rb_pose p = rb_said(&d, K, RB_DELAY, said);
    near(p.x, d.is[K].x, 1e-6);
    near(p.y, d.is[K].y, 1e-6);
    near(rb_angle(p.phi - d.is[K].phi), 0, 1e-6);
    rb_recording_free(&d);
    rb_recording_free(&e);
    jd_ctx_free(ctx);
}

/* The camera: noise of 3 mm and 0.01 rad, about one frame in a hundred repeated. */
static void test_camera(void **state)
{
    (void)state;
    enum { N = 20000 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    rb_recording d;
    assert_int_equal(rb_recording_new(ctx, N, &d), JD_OK);
    rb_wander(&d, 6, "test", RB_FRICTION, RB_DELAY);
    double square[3] = {0};
    int fresh = 0;
    for (int k = 1; k < N; k++) {
        if (d.seen[k].x == d.seen[k - 1].x && d.seen[k].y == d.seen[k - 1].y) continue;
        fresh++;
        square[0] += pow(d.seen[k].x - d.is[k].x, 2);
        square[1] += pow(d.seen[k].y - d.is[k].y, 2);
        square[2] += pow(rb_angle(d.seen[k].phi - d.is[k].phi), 2);
    }
    near((double)fresh / N, .99, .003);
    near(sqrt(square[0] / fresh), .003, 1e-4);
    near(sqrt(square[1] / fresh), .003, 1e-4);
    near(sqrt(square[2] / fresh), .01, 3e-4);
    rb_recording_free(&d);
    jd_ctx_free(ctx);
}

static void test_path(void **state)
{
    (void)state;
    static rb_path p;
    double far;
    rb_path_new(&p);
    for (int i = 0; i < RB_PATH; i++) {
        const int next = (i + 1) % RB_PATH;
        near(hypot(p.x[next] - p.x[i], p.y[next] - p.y[i]), p.length / RB_PATH, 1e-4);
        near(rb_angle(p.phi[next] - p.phi[i]), p.bend[i] * p.length / RB_PATH, 2e-3);
        assert_true(p.speed[i] * p.speed[i] * fabs(p.bend[i]) <= SIDEWAYS + 1e-9 && p.speed[i] <= TOP);
        assert_int_equal(rb_nearest(&p, p.x[i], p.y[i], (i + 50) % RB_PATH, &far), i);
    }
    near(p.bend[0], 0, 1e-6); /* the crossing is straight */
}

static void test_least_squares(void **state)
{
    (void)state;
    enum { N = 5, K = 2 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_rng r = jd_rng_new(1, "test", 0);
    least_squares s;
    double truth[K * N], w[K * N];
    for (int i = 0; i < K * N; i++) truth[i] = jd_rng_normal(&r);
    assert_int_equal(least_squares_new(ctx, N, K, &s), JD_OK);
    for (int i = 0; i < 100; i++) {
        double x[N], y[K] = {0};
        for (int k = 0; k < N; k++) x[k] = jd_rng_normal(&r);
        for (int k = 0; k < K * N; k++) y[k / N] += truth[k] * x[k % N];
        least_squares_add(&s, x, y);
    }
    assert_true(least_squares_solve(&s, 0, w));
    for (int i = 0; i < K * N; i++) near(w[i], truth[i], 1e-12);
    memset(s.gram, 0, N * N * sizeof *s.gram);
    assert_false(least_squares_solve(&s, 0, w));
    least_squares_free(&s);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_angles),        cmocka_unit_test(test_motion), cmocka_unit_test(test_slip),
        cmocka_unit_test(test_inputs),        cmocka_unit_test(test_camera), cmocka_unit_test(test_path),
        cmocka_unit_test(test_least_squares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
