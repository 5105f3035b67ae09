/* test_gmdh.c - growing polynomial networks: exact recovery, noise, pruning, export, files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jackdaw/gmdh.h"
#include "jackdaw/layers.h"
#include "jackdaw/io.h"
#include "tmpdir.h"

enum { N = 400, D = 5 };

typedef struct rows {
    double x[N * D], y[N];
} rows;

static double quadratic(const double *x)
{
    return 1 + 2 * x[0] - x[2] + .5 * x[0] * x[2] + .3 * x[0] * x[0] - .7 * x[2] * x[2];
}

static double nested(const double *x)
{
    const double a = 1 + 2 * x[0] - x[1] + .5 * x[0] * x[1] + .3 * x[0] * x[0], b = x[2] * x[3] - x[2];
    return a + b + .25 * a * b;
}

static void fill(rows *t, uint64_t seed, double (*f)(const double *), double noise)
{
    jd_rng r = jd_rng_new(seed, "test/gmdh", 0);
    for (int i = 0; i < N * D; i++) t->x[i] = 2 * jd_rng_uniform64(&r) - 1;
    for (int i = 0; i < N; i++) t->y[i] = (f ? f(t->x + i * D) : 0) + noise * jd_rng_normal(&r);
}

static double error_of(const jd_gmdh *net, const rows *t)
{
    static double y[N];
    double mean = 0, error = 0, all = 0;
    assert_int_equal(jd_gmdh_predict(net, t->x, N, y), JD_OK);
    for (int i = 0; i < N; i++) mean += t->y[i] / N;
    for (int i = 0; i < N; i++) {
        error += (y[i] - t->y[i]) * (y[i] - t->y[i]);
        all += (t->y[i] - mean) * (t->y[i] - mean);
    }
    return error / all;
}

/* One layer, one unit, the weights of the truth. */
static void recovers_a_quadratic(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    for (uint64_t seed = 0; seed < 10; seed++) {
        fill(&t, seed, quadratic, 0);
        jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, 100, D, &(jd_gmdh_options){.ridge = 1e-13});
        assert_non_null(net);
        assert_int_equal(jd_gmdh_layers(net), 1);
        assert_int_equal(jd_gmdh_units(net, 0), 1);
        jd_gmdh_term term[16];
        size_t n = 0;
        assert_int_equal(jd_gmdh_expand(net, term, 16, &n), JD_OK);
        const int *used;
        assert_int_equal(jd_gmdh_used(net, &used), 2);
        assert_int_equal(used[0], 0);
        assert_int_equal(used[1], 2);
        static const struct {
            double factor;
            uint8_t p, q;
        } truth[] = {{1, 0, 0}, {2, 1, 0}, {-1, 0, 1}, {.3, 2, 0}, {.5, 1, 1}, {-.7, 0, 2}};
        assert_int_equal(n, 6);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(term[i].power[0], truth[i].p);
            assert_int_equal(term[i].power[1], truth[i].q);
            assert_true(fabs(term[i].factor - truth[i].factor) < 1e-6);
        }
        jd_gmdh_free(net);
    }
}

static void nested_polynomials_need_layers(void **state)
{
    jd_ctx *ctx = *state;
    static rows t, test;
    fill(&t, 3, nested, 0);
    fill(&test, 4, nested, 0);
    jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.admix = true});
    assert_non_null(net);
    assert_true(jd_gmdh_layers(net) >= 2);
    assert_true(error_of(net, &test) < .005);
    jd_gmdh_free(net);
}

/* Most of ten seeds of pure noise end with the constant; without the test most of them would not. */
static void noise_gives_the_constant(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    int constant = 0, without = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        fill(&t, 100 + seed, NULL, 1);
        for (int test = 0; test < 2; test++) {
            jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, 200, D, &(jd_gmdh_options){.shuffles = test ? 0 : -1});
            assert_non_null(net);
            assert_true(test ? jd_gmdh_chance(net) > 0 : isnan(jd_gmdh_chance(net)));
            *(test ? &constant : &without) += jd_gmdh_layers(net) == 0;
            jd_gmdh_free(net);
        }
    }
    assert_true(constant >= 9);
    assert_true(without < constant);
}

static void every_unit_criterion_and_split_learns(void **state)
{
    jd_ctx *ctx = *state;
    static rows t, test;
    fill(&t, 5, quadratic, .05);
    fill(&test, 6, quadratic, .05);
    for (int unit = 0; unit < 4; unit++)
        for (int criterion = 0; criterion < 3; criterion++)
            for (int split = 0; split < 3; split++) {
                jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D,
                                            &(jd_gmdh_options){.unit = (jd_gmdh_unit)unit,
                                                               .criterion = (jd_gmdh_criterion)criterion,
                                                               .split = (jd_gmdh_split)split,
                                                               .fit_rows = 1 + split,
                                                               .admix = true,
                                                               .layers = 4});
                assert_non_null(net);
                /* A plane explains what is not curved: see the factors of quadratic(). */
                /* Planes leave the curvature of quadratic() over.  With them a criterion that only asks whether two halves
                 * agree may prefer inputs that say nothing: that pair is left out. */
                const bool plane = unit == JD_GMDH_LINEAR;
                if (!plane || criterion != JD_GMDH_UNBIASED)
                    assert_true(error_of(net, &test) < (plane ? .08 : unit == JD_GMDH_BILINEAR ? .05 : .006));
                jd_gmdh_free(net);
            }
}

static void outside_the_inputs_it_stays_in_range(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    fill(&t, 7, nested, .1);
    jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.admix = true});
    double low = t.y[0], high = t.y[0], y;
    for (int i = 0; i < N; i++) {
        low = fmin(low, t.y[i]);
        high = fmax(high, t.y[i]);
    }
    const double far[D] = {1e6, -1e6, 1e6, -1e6, 1e6}, slack = 1e-9 * (high - low);
    assert_int_equal(jd_gmdh_predict(net, far, 1, &y), JD_OK);
    assert_true(y >= low - (high - low) - slack && y <= high + (high - low) + slack);
    jd_gmdh_free(net);
}

typedef struct graph_of {
    const jd_gmdh *net;
} graph_of;

/* The same network in the language of jd_net, on standardised rows, float64. */
static void trace_spec(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

static void becomes_a_line_of_text(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    static double y[N], z[N * D];
    for (int kind = 0; kind < 3; kind++) {
        fill(&t, 9 + (uint64_t)kind, kind < 2 ? nested : NULL, kind < 2 ? .1 : 1);
        const jd_gmdh_options o = {.layers = 3, .admix = true, .unit = kind ? JD_GMDH_QUADRATIC : JD_GMDH_CUBIC};
        jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &o);
        jd_params *p = jd_params_new(ctx, JD_F64);
        char *spec = jd_gmdh_spec(net);
        const double *mean, *scale, *answer;
        double y_mean, y_scale;
        jd_gmdh_scaling(net, &mean, &scale, &y_mean, &y_scale);
        for (int i = 0; i < N * D; i++) z[i] = (t.x[i] - mean[i % D]) * scale[i % D];
        assert_int_equal(jd_net_check(ctx, spec), JD_OK);
        assert_int_equal(jd_net_outputs(ctx, spec), 1);
        assert_int_equal(jd_gmdh_params(net, "polynomial1", p), JD_OK);
        const size_t weights = jd_params_count(p);
        jd_fn *f = jd_fn_new(ctx, p, trace_spec, spec);
        const jd_tensor in = JD_TENSOR("x", JD_F64, z, N, D);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
        assert_int_equal(jd_params_count(p), weights); /* every unit was found under its name */
        assert_int_equal(jd_gmdh_predict(net, t.x, N, y), JD_OK);
        answer = jd_fn_result(f, "y", NULL);
        for (int i = 0; i < N; i++) assert_true(fabs(y_mean + y_scale * answer[i] - y[i]) < 1e-7);
        if (jd_gmdh_layers(net)) {
            ((double *)jd_params_data(p))[0] += 1;
            assert_int_equal(jd_gmdh_take(net, "polynomial1", p), JD_OK);
            int source[2], terms;
            assert_true(jd_gmdh_unit_at(net, 0, 0, source, &terms)[0] == ((double *)jd_params_data(p))[0]);
            assert_int_equal(jd_gmdh_take(net, "elsewhere", p), JD_EUSAGE);
            jd_error_clear(ctx);
        }
        jd_free(ctx, spec);
        jd_fn_free(f);
        jd_params_free(p);
        jd_gmdh_free(net);
    }
}

static void trace(jd_graph *g, void *user)
{
    const graph_of *t = user;
    const jd_node y = jd_gmdh_graph(g, t->net, jd_arg(g, "x"));
    jd_result(g, "y", y);
    if (!jd_has_arg(g, "y")) return;
    const jd_node e = jd_sub(g, y, jd_arg(g, "y"));
    const jd_node loss = jd_mean(g, jd_mul(g, e, e), JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_const(g, .05, JD_SCALAR));
    jd_result(g, "loss", loss);
}

/* The graph answers what the network answers, and gradient descent lowers its training error. */
static void becomes_a_graph(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    static double y[N];
    fill(&t, 8, nested, .1);
    jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.layers = 3, .admix = true});
    assert_non_null(net);
    jd_params *p = jd_params_new(ctx, JD_F64);
    assert_int_equal(jd_gmdh_params(net, "gmdh", p), JD_OK);
    graph_of user = {net};
    jd_fn *f = jd_fn_new(ctx, p, trace, &user);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, t.x, N, D), JD_TENSOR("y", JD_F64, t.y, N, 1)};
    assert_int_equal(jd_fn_run(f, in, 1), JD_OK);
    const double *answer = jd_fn_result(f, "y", NULL);
    assert_int_equal(jd_gmdh_predict(net, t.x, N, y), JD_OK);
    for (int i = 0; i < N; i++) assert_true(fabs(answer[i] - y[i]) < 1e-12);
    double first = 0;
    for (int step = 0; step < 50; step++) {
        assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
        if (!step) first = jd_fn_scalar(f, "loss");
    }
    assert_true(jd_fn_scalar(f, "loss") < first);
    jd_fn_free(f);
    jd_params_free(p);
    jd_gmdh_free(net);
}

static void comes_back_from_a_file(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    static double y[N], again[N];
    const char *path = tmpdir_file("net.safetensors");
    for (int kind = 0; kind < 4; kind++) {
        fill(&t, 9, kind ? nested : NULL, 1e-3);
        jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.unit = (jd_gmdh_unit)kind, .layers = 5});
        assert_int_equal(jd_gmdh_save(net, path), JD_OK);
        jd_gmdh *back = jd_gmdh_load(ctx, path);
        assert_non_null(back);
        assert_int_equal(jd_gmdh_layers(back), jd_gmdh_layers(net));
        jd_gmdh_predict(net, t.x, N, y);
        jd_gmdh_predict(back, t.x, N, again);
        assert_memory_equal(y, again, sizeof y);
        jd_gmdh_free(net);
        jd_gmdh_free(back);
    }
    /* Another program's file. */
    const double one = 1;
    const jd_tensor_entry e = {.name = "w", .dtype = JD_FILE_F64, .rank = 1, .dim = {1}, .data = &one};
    assert_int_equal(jd_safetensors_write(ctx, path, &e, 1, NULL, 0), JD_OK);
    assert_null(jd_gmdh_load(ctx, path));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "net.safetensors"));
    jd_error_clear(ctx);
}

/* The written function is compiled by the tests' own compiler only in spirit: its text must carry every weight. */
static void writes_text_and_source(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    fill(&t, 10, quadratic, 0);
    jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, NULL);
    const char *const names[D] = {"a", "b", "c", "d", "e"};
    char *text = jd_gmdh_text(net, names), *source = jd_gmdh_source(net, "predict"), weight[40];
    assert_non_null(strstr(text, "z1.1 = "));
    assert_non_null(strstr(text, "[a] [c]"));
    int from[2], terms;
    const double *w = jd_gmdh_unit_at(net, 0, 0, from, &terms);
    for (int i = 0; i < terms; i++) {
        snprintf(weight, sizeof weight, "%.17g", w[i]);
        assert_non_null(strstr(source, weight));
    }
    assert_non_null(strstr(source, "double predict(const double *x)"));
    jd_free(ctx, text);
    jd_free(ctx, source);
    jd_gmdh_free(net);
}

static void refuses_bad_rows(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    fill(&t, 11, quadratic, 0);
    t.x[7 * D + 3] = (double)NAN;
    assert_null(jd_gmdh_grow(ctx, t.x, t.y, N, D, NULL));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "row 7, input 3"));
    jd_error_clear(ctx);
    assert_null(jd_gmdh_grow(ctx, t.x, t.y, 5, D, NULL));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    for (int i = 0; i < N * D; i++) t.x[i] = i % D ? 3 : t.x[i];
    t.x[0] = 0;
    assert_null(jd_gmdh_grow(ctx, t.x, t.y, N, D, NULL));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.tolerance = 2}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* A constant target is answered by the constant, and inputs that do not vary are never used. */
static void constants(void **state)
{
    jd_ctx *ctx = *state;
    static rows t;
    fill(&t, 12, quadratic, 0);
    for (int i = 0; i < N; i++) t.x[i * D + 1] = 5;
    jd_gmdh *net = jd_gmdh_grow(ctx, t.x, t.y, N, D, &(jd_gmdh_options){.admix = true});
    const int *used;
    const int n = jd_gmdh_used(net, &used);
    for (int i = 0; i < n; i++) assert_int_not_equal(used[i], 1);
    jd_gmdh_free(net);
    for (int i = 0; i < N; i++) t.y[i] = 4.25;
    net = jd_gmdh_grow(ctx, t.x, t.y, N, D, NULL);
    double y;
    assert_int_equal(jd_gmdh_layers(net), 0);
    jd_gmdh_predict(net, t.x, 1, &y);
    assert_true(fabs(y - 4.25) < 1e-12);
    jd_gmdh_free(net);
}

static int make(void **state)
{
    *state = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    return *state ? tmpdir_setup(NULL) : -1;
}

static int drop(void **state)
{
    jd_ctx_free(*state);
    return tmpdir_teardown(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers_a_quadratic),
        cmocka_unit_test(nested_polynomials_need_layers),
        cmocka_unit_test(noise_gives_the_constant),
        cmocka_unit_test(every_unit_criterion_and_split_learns),
        cmocka_unit_test(outside_the_inputs_it_stays_in_range),
        cmocka_unit_test(becomes_a_graph),
        cmocka_unit_test(becomes_a_line_of_text),
        cmocka_unit_test(comes_back_from_a_file),
        cmocka_unit_test(writes_text_and_source),
        cmocka_unit_test(refuses_bad_rows),
        cmocka_unit_test(constants),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
