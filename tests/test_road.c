/*
 * test_road.c - the robot car: the filter against the closed form in the linear case, what is expected in a picture against
 * what is rendered there, the road's and the car's signs and steady states.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/kalman.c"
#include "../systems/road.c"
#include "../systems/road_camera.c"
#include "../systems/road_sight.c"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.12g, not %.12g +- %.1g", a, b, tolerance);
}

/* Solves A x = b by elimination; A (n,n) is destroyed. */
static void solve(int n, double *A, double *b)
{
    for (int i = 0; i < n; i++)
        for (int r = i + 1; r < n; r++) {
            const double f = A[r * n + i] / A[i * n + i];
            for (int k = i; k < n; k++) A[r * n + k] -= f * A[i * n + k];
            b[r] -= f * b[i];
        }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= A[i * n + k] * b[k];
        b[i] /= A[i * n + i];
    }
}

/* A state that stands still, measured linearly: scalar updates end where the closed form is, x = P sum(c z / R) with
 * P^-1 = P0^-1 + sum(c c' / R), in mean and in covariance. */
static void test_linear_case(void **state)
{
    (void)state;
    enum { N = 4, M = 30 };
    const double R = .3, P0 = 2;
    jd_rng r = jd_rng_new(1, "test", 0);
    double information[N * N] = {0}, sum[N] = {0}, truth[N];
    kalman f = {.n = N};
    for (int i = 0; i < N; i++) {
        truth[i] = jd_rng_normal(&r);
        f.P[i][i] = P0;
        information[i * N + i] = 1 / P0;
    }
    for (int m = 0; m < M; m++) {
        double c[N], z = sqrt(R) * jd_rng_normal(&r), said = 0;
        for (int i = 0; i < N; i++) {
            c[i] = jd_rng_normal(&r);
            z += c[i] * truth[i];
            said += c[i] * f.x[i];
        }
        assert_true(kalman_update(&f, c, z - said, R, 1e9));
        for (int i = 0; i < N; i++) {
            sum[i] += c[i] * z / R;
            for (int k = 0; k < N; k++) information[i * N + k] += c[i] * c[k] / R;
        }
    }
    double A[N * N];
    memcpy(A, information, sizeof A);
    solve(N, A, sum);
    for (int i = 0; i < N; i++) {
        double e[N] = {0};
        e[i] = 1;
        near(f.x[i], sum[i], 1e-12);
        memcpy(A, information, sizeof A);
        solve(N, A, e);
        for (int k = 0; k < N; k++) near(f.P[k][i], e[k], 1e-12);
    }
}

/* A moving state: the variance settles at the root of the Riccati equation.  Random walk of variance q, noise R: the
 * variance after an update is (sqrt(q^2 + 4 q R) - q) / 2. */
static void test_random_walk(void **state)
{
    (void)state;
    const double q = .2, R = 1.7, phi[1][KALMAN_MOST] = {{1}}, c[1] = {1};
    kalman f = {.n = 1, .P = {{50}}};
    for (int k = 0; k < 300; k++) {
        kalman_predict(&f, phi, &q);
        kalman_update(&f, c, 0, R, 9);
    }
    near(f.P[0][0], (sqrt(q * q + 4 * q * R) - q) / 2, 1e-12);
    assert_false(kalman_update(&f, c, 3.01 * sqrt(kalman_variance(&f, c, R)), R, 9));
}

static void test_road(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    road w;
    assert_int_equal(road_new(ctx, ROAD_STEADY, 9000, 1, &w), JD_OK);
    near(road_bend(&w, 100), 0, 0);
    near(road_bend(&w, 300), .5 / 1250, 1e-9); /* in the middle of the clothoid from 200 to 400 m */
    near(road_bend(&w, 1000), 1 / 1250., 1e-12);
    const int a = (int)(1000 / ROAD_STEP),
              b = a + (int)lround(2 * 3.14159265358979 * 1250 / ROAD_STEP); /* once around */
    near(hypot(w.x[b] - w.x[a], w.y[b] - w.y[a]), 0, .3);
    assert_true(w.y[a] > 0 && w.heading[a] > 0); /* left is positive */
    road_free(&w);
    for (uint64_t seed = 1; seed < 20; seed++) {
        assert_int_equal(road_new(ctx, ROAD_TIGHT, 3000, seed, &w), JD_OK);
        for (int i = 0; i < w.n; i++) assert_true(fabs(w.bend[i]) <= 1 / 300. + 1e-12);
        road_free(&w);
    }
    jd_ctx_free(ctx);
}

/* Held at the angle of helm_steady the car goes round with that curvature; without gusts the law keeps it in the lane. */
static void test_car(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    road w;
    assert_int_equal(road_new(ctx, ROAD_STEADY, 20000, 1, &w), JD_OK);
    for (double speed = 25; speed <= 50; speed += 12.5) {
        car c = {.l = 500, .speed = speed};
        for (int k = 0; k < 200; k++) car_step(&c, &w, helm_steady(speed, 1e-3), 0, .04);
        near(c.yaw / speed, 1e-3, 2e-6);
        helm h;
        helm_new(&h, speed);
        car d = {.l = 500, .offset = ROAD_LANE + .5, .speed = speed};
        for (int k = 0; k < 500; k++) {
            const double s[4] = {d.offset - ROAD_LANE, d.heading, d.slip, d.yaw};
            car_step(&d, &w, helm_turn(&h, d.steer, helm_goal(&h, s, 1 / 1250.), .04), 0, .04);
            assert_true(fabs(s[0]) < .6);
        }
        near(d.offset, ROAD_LANE, .02);
    }
    road_free(&w);
    jd_ctx_free(ctx);
}

static void test_camera(void **state)
{
    (void)state;
    double ahead, depth;
    for (double X = 6; X < 100; X *= 1.7)
        for (double pitch = .03; pitch < .07; pitch += .01) {
            assert_true(road_ahead(&ROAD_CAMERA, pitch, road_row_at(&ROAD_CAMERA, pitch, X), &ahead, &depth));
            near(ahead, X, 1e-9);
            near(depth, ahead * cos(pitch) + ROAD_EYE * sin(pitch), 1e-9);
        }
    assert_false(road_ahead(&ROAD_CAMERA, .05, 20, &ahead, &depth));
}

/* Derivatives of the expected place by differences. */
static void test_derivatives(void **state)
{
    (void)state;
    sight s;
    double u, d[SIGHT_STATES], more, less, unused[SIGHT_STATES];
    sight_new(&s, 1e-6);
    const double x[SIGHT_STATES] = {.3, -.02, .004, .03, 5e-4, 2e-6, 1e-6, 3.6, .05};
    const double step[SIGHT_STATES] = {1e-4, 1e-5, 1e-4, 1e-4, 1e-7, 1e-9, 1e-9, 1e-4, 1e-6};
    for (int v = 125; v < 240; v += 23)
        for (int side = -1; side <= 1; side += 2)
            for (int i = 0; i < SIGHT_STATES; i++) {
                memcpy(s.kf.x, x, sizeof x);
                assert_true(sight_expect(&s, &ROAD_CAMERA, v, side, &u, d));
                s.kf.x[i] = x[i] + step[i];
                sight_expect(&s, &ROAD_CAMERA, v, side, &more, unused);
                s.kf.x[i] = x[i] - step[i];
                sight_expect(&s, &ROAD_CAMERA, v, side, &less, unused);
                near((more - less) / (2 * step[i]), d[i], 1e-5 * (1 + fabs(d[i])));
            }
}

/* The search finds the solid mark where the truth says that it is, in a left curve seen from a car off its lane. */
static void test_search(void **state)
{
    (void)state;
    enum { L = 900 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    road w;
    assert_int_equal(road_new(ctx, ROAD_STEADY, 3000, 3, &w), JD_OK);
    for (int k = 0; k < 10; k++) {
        const double offset = .08 * (k - 5), heading = .003 * (k - 4), pitch = .05 + .0005 * k;
        const road_view view = {&w, &ROAD_CAMERA, L + 7 * k, ROAD_LANE + offset, heading, pitch, 0, (uint64_t)k};
        sight s;
        sight_new(&s, 1e-6);
        s.kf.x[SIGHT_OFFSET] = offset, s.kf.x[SIGHT_HEADING] = heading, s.kf.x[SIGHT_PITCH] = pitch;
        s.kf.x[SIGHT_BEND] = 1 / 1250.;
        for (int i = 0; i < SIGHT_STATES; i++) s.kf.P[i][i] *= 1e-4; /* known, so that the updates change nothing */
        sight_look(&s, &view, 0);
        int found = 0;
        for (int i = 1; i < SIGHT_WINDOWS; i += 2) { /* the right border */
            found += s.window[i].what == SIGHT_FOUND;
            if (s.window[i].what == SIGHT_FOUND) near(s.window[i].found, s.window[i].expected, 1.2);
        }
        assert_true(found >= SIGHT_ROWS - 2);
        sight_look(&s, &view, 0xffffffff);
        for (int i = 0; i < SIGHT_WINDOWS; i++) assert_true(s.window[i].covered);
    }
    road_free(&w);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_case), cmocka_unit_test(test_random_walk), cmocka_unit_test(test_road),
        cmocka_unit_test(test_car),         cmocka_unit_test(test_camera),      cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
