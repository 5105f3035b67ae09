/*
 * test_meta.c - functions to be learned and the learners beside the LSTM: ranges and moments of the classes, the net's
 * gradient by finite differences, least squares against their closed form, what is heard when.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/meta_functions.c"

static void assert_near(double a, double b, double tolerance)
{
    assert_true(fabs(a - b) <= tolerance);
}

static void test_classes(void **state)
{
    (void)state;
    enum { EPISODES = 4000, T = 100 };
    double x[2 * T], y[T];
    for (int kind = 0; kind < META_CLASSES; kind++) {
        double sum = 0, power = 0, lowest = 9, highest = -9;
        bool table[16] = {false};
        for (int i = 0; i < EPISODES; i++) {
            jd_rng r = jd_rng_new(1, "test", (uint64_t)i);
            meta_function f;
            const int64_t change = meta_episode((meta_class)kind, T, &r, x, y, &f);
            if (kind == META_CHANGING)
                assert_in_range(change, META_LEAD, T - META_LEAD);
            else
                assert_int_equal(change, T);
            for (int t = 0; t < T; t++) {
                for (int k = 0; k < 2; k++) {
                    if (kind == META_BOOLEAN)
                        assert_true(x[2 * t + k] == 0 || x[2 * t + k] == 1);
                    else
                        assert_true(fabs(x[2 * t + k]) <= 1);
                }
                if (t < change) assert_near(y[t], meta_value(&f, x + 2 * t), 0);
                lowest = fmin(lowest, y[t]);
                highest = fmax(highest, y[t]);
                sum += y[t] / EPISODES / T;
                power += y[t] * y[t] / EPISODES / T;
            }
            if (kind == META_CHANGING) assert_true(y[change] != meta_value(&f, x + 2 * change));
            if (kind == META_BOOLEAN) table[(int)(f.c[0] + 2 * f.c[1] + 4 * f.c[2] + 8 * f.c[3])] = true;
        }
        assert_near(sum, meta_mean((meta_class)kind), .03);
        if (kind == META_QUADRATIC) { /* E[y^2] = (1/5 + 1/5 + 1/9 + 1/3 + 1/3 + 1) / 3 = 0.726 */
            assert_near(power, (1. / 5 + 1. / 5 + 1. / 9 + 1. / 3 + 1. / 3 + 1) / 3, .02);
            assert_near((1. / 5 + 1. / 5 + 1. / 9 + 1. / 3 + 1. / 3 + 1) / 3, .726, 5e-4);
            assert_true(lowest > -6 && highest < 6 && lowest < -2.5 && highest > 2.5);
        } else {
            assert_true(lowest >= 0 && highest <= 1 && lowest < .05 && highest > .95);
        }
        for (int i = 0; i < 16 && kind == META_BOOLEAN; i++) assert_true(table[i]);
    }
}

static void test_values(void **state)
{
    (void)state;
    const double x[2] = {.3, -.7}, corner[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const meta_function s = {META_SEMILINEAR, {1.5, -.4, .2}}, q = {META_QUADRATIC, {.1, -.2, .3, -.4, .5, -.6}};
    const meta_function b = {META_BOOLEAN, {0, 1, 1, 0}}; /* exclusive or */
    assert_near(meta_value(&s, x), .5 * (1 + tanh(1.5 * .3 + .4 * .7 + .2)), 1e-14);
    assert_near(meta_value(&q, x), .1 * .09 - .2 * .49 - .3 * .21 - .4 * .3 - .5 * .7 - .6, 1e-14);
    for (int i = 0; i < 4; i++) assert_near(meta_value(&b, corner[i]), (double)(i == 1 || i == 2), 0);
}

/* A longer episode begins as the shorter one does. */
static void test_episodes(void **state)
{
    (void)state;
    double x[2][400], y[2][200], sorted = 0;
    for (int i = 0; i < 2; i++) {
        jd_rng r = jd_rng_new(3, "test", 7);
        meta_episode(META_QUADRATIC, i ? 200 : 50, &r, x[i], y[i], NULL);
    }
    assert_memory_equal(x[0], x[1], 100 * sizeof(double));
    assert_memory_equal(y[0], y[1], 50 * sizeof(double));
    jd_rng r = jd_rng_new(3, "mix", 7);
    meta_shuffle(&r, y[0], 50);
    int moved = 0;
    for (int t = 0; t < 50; t++) {
        int found = 0;
        for (int k = 0; k < 50; k++) found += y[0][k] == y[1][t];
        assert_int_equal(found, 1);
        moved += y[0][t] != y[1][t];
        sorted += y[0][t] - y[1][t];
    }
    assert_true(moved > 40);
    assert_near(sorted, 0, 1e-12);
    int64_t first;
    assert_int_equal(meta_window(META_CHANGING, 100, 47, &first), 2 * META_LEAD);
    assert_int_equal(first, 47 - META_LEAD);
    assert_int_equal(meta_window(META_QUADRATIC, 200, 200, &first), 200);
    assert_int_equal(first, 0);
}

static double half_square(const double *w, const double *x, double y)
{
    double h[HIDDEN];
    const double off = net_say(w, x, h) - y;
    return off * off / 2;
}

static void test_gradient(void **state)
{
    (void)state;
    double w[WEIGHTS], g[WEIGHTS], h[HIDDEN];
    const double x[2] = {.4, -.9}, y = .3, step = 1e-6;
    jd_rng r = jd_rng_new(5, "test", 0);
    for (int i = 0; i < WEIGHTS; i++) w[i] = between(&r, 1.5);
    const double said = net_say(w, x, h);
    double direct = w[WEIGHTS - 1];
    for (int j = 0; j < HIDDEN; j++) direct += w[30 + j] * tanh(w[2 * j] * x[0] + w[2 * j + 1] * x[1] + w[20 + j]);
    assert_near(said, direct, 1e-13);
    net_gradient(w, x, h, said - y, g);
    for (int i = 0; i < WEIGHTS; i++) {
        const double kept = w[i];
        w[i] = kept + step;
        const double more = half_square(w, x, y);
        w[i] = kept - step;
        const double less = half_square(w, x, y);
        w[i] = kept;
        assert_near(g[i], (more - less) / (2 * step), 1e-8);
    }
}

/* The second answer, from the first step written out: down the gradient, or by the rate in each weight (Adam). */
static void test_steps(void **state)
{
    (void)state;
    const double x[4] = {.4, -.9, -.2, .6}, y[2] = {.8, .1};
    for (int adam = 0; adam < 2; adam++) {
        const meta_setting s = {.rate = .05, .scale = .7};
        jd_rng r = jd_rng_new(5, "test", 1), same = r;
        double said[2], w[WEIGHTS], g[WEIGHTS], h[HIDDEN];
        meta_learn(adam ? META_ADAM : META_SGD, &s, META_SEMILINEAR, &r, x, y, 2, said);
        for (int i = 0; i < WEIGHTS; i++) w[i] = between(&same, .7);
        w[WEIGHTS - 1] = .5;
        const double first = net_say(w, x, h);
        assert_near(said[0], first, 1e-14);
        net_gradient(w, x, h, first - y[0], g);
        for (int i = 0; i < WEIGHTS; i++) w[i] -= .05 * (adam ? (g[i] > 0 ? 1 : -1) : g[i]);
        assert_near(said[1], net_say(w, x + 2, h), adam ? 1e-5 : 1e-14);
        assert_true(fabs(said[1] - first) > 1e-3);
    }
}

/* A z = b, A (6,6): elimination with pivots. */
static void solve(double A[META_FEATURES][META_FEATURES], double *b)
{
    enum { N = META_FEATURES };
    for (int k = 0; k < N; k++) {
        int p = k;
        for (int i = k + 1; i < N; i++)
            if (fabs(A[i][k]) > fabs(A[p][k])) p = i;
        for (int j = 0; j < N; j++) {
            const double t = A[k][j];
            A[k][j] = A[p][j];
            A[p][j] = t;
        }
        const double t = b[k];
        b[k] = b[p];
        b[p] = t;
        for (int i = 0; i < N; i++) {
            if (i == k) continue;
            const double f = A[i][k] / A[k][k];
            for (int j = 0; j < N; j++) A[i][j] -= f * A[k][j];
            b[i] -= f * b[k];
        }
    }
    for (int k = 0; k < N; k++) b[k] /= A[k][k];
}

/* Recursive least squares are ridge regression: theta = (Phi' Phi / r + 3 I)^-1 Phi' y / r after every example. */
static void test_least_squares(void **state)
{
    (void)state;
    enum { T = 30 };
    double x[2 * T], y[T], said[T];
    jd_rng r = jd_rng_new(8, "test", 0);
    meta_episode(META_SEMILINEAR, T, &r, x, y, NULL); /* not in their class: nothing fits exactly */
    const meta_setting s = {.noise = .01, .forget = 1};
    meta_learn(META_RLS, &s, META_SEMILINEAR, &r, x, y, T, said);
    for (int n = 0; n < T; n++) {
        double A[META_FEATURES][META_FEATURES] = {{0}}, b[META_FEATURES] = {0}, phi[META_FEATURES], answer = .5;
        for (int i = 0; i < META_FEATURES; i++) A[i][i] = 3;
        for (int t = 0; t < n; t++) {
            meta_features(x + 2 * t, phi);
            for (int i = 0; i < META_FEATURES; i++) {
                b[i] += phi[i] * (y[t] - .5) / s.noise;
                for (int j = 0; j < META_FEATURES; j++) A[i][j] += phi[i] * phi[j] / s.noise;
            }
        }
        solve(A, b);
        meta_features(x + 2 * n, phi);
        for (int i = 0; i < META_FEATURES; i++) answer += b[i] * phi[i];
        assert_near(said[n], answer, 1e-10);
    }
    const meta_setting exact = {.noise = 1e-6, .forget = 1}; /* six equations, six unknowns */
    meta_episode(META_QUADRATIC, T, &r, x, y, NULL);
    meta_learn(META_RLS, &exact, META_QUADRATIC, &r, x, y, T, said);
    for (int t = 15; t < T; t++) assert_near(said[t], y[t], 1e-2);
}

/* What is forgotten comes back to the prior and not beyond: nothing grows without bound where nothing is heard. */
static void test_forgetting(void **state)
{
    (void)state;
    const meta_setting s = {.noise = .01, .forget = .8};
    double phi[META_FEATURES];
    squares q;
    squares_start(&q);
    for (int t = 0; t < 200; t++) {
        meta_features((const double[2]){.5, .5}, phi);
        squares_hear(&q, &s, phi, 0);
    }
    double trace = 0;
    for (int i = 0; i < META_FEATURES; i++) trace += q.P[i][i];
    assert_true(trace < META_FEATURES / 3. + 1e-9 && trace > 1);
}

static void test_means(void **state)
{
    (void)state;
    const double x[8] = {0}, y[4] = {1, 0, .5, 1};
    const double want[3][4] = {{.5, .5, .5, .5}, {.5, 1, .5, .5}, {.5, 1, 0, .5}};
    for (int k = META_CONSTANT; k <= META_LAST; k++) {
        double said[4];
        meta_learn((meta_rule)k, &(meta_setting){0}, META_BOOLEAN, NULL, x, y, 4, said);
        for (int t = 0; t < 4; t++) assert_near(said[t], want[k][t], 1e-15);
    }
}

static void test_curves(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    const meta_episodes e = {META_QUADRATIC, 4, "test", 300, 40};
    double constant[40], error[40];
    meta_setting best = {0}, s;
    assert_int_equal(meta_curve(ctx, &e, META_CONSTANT, &best, constant), JD_OK);
    assert_near(meta_between(constant, 1, 40), .726, .1);
    assert_near(meta_between((const double[]){1, 2, 4, 8}, 2, 3), 3, 1e-15);
    assert_int_equal(meta_tune(ctx, &e, META_SGD, 31, 40, &best), JD_OK);
    assert_int_equal(meta_curve(ctx, &e, META_SGD, &best, error), JD_OK);
    const double least = meta_between(error, 31, 40);
    assert_true(least < .5 * meta_between(constant, 31, 40)); /* it learns */
    int settings = 0;
    for (; meta_setting_at(META_SGD, META_QUADRATIC, settings, &s); settings++) {
        meta_curve(ctx, &e, META_SGD, &s, error);
        assert_true(!(meta_between(error, 31, 40) < least)); /* NaN where it diverges */
    }
    assert_int_equal(settings, 30);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),    cmocka_unit_test(test_values), cmocka_unit_test(test_episodes),
        cmocka_unit_test(test_gradient),   cmocka_unit_test(test_steps),  cmocka_unit_test(test_least_squares),
        cmocka_unit_test(test_forgetting), cmocka_unit_test(test_means),  cmocka_unit_test(test_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
