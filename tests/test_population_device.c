/*
 * test_population_device.c - populations and rollouts on the emulated device against those of the CPU, bit for bit; what has no
 * kernel is named.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "jackdaw/device.h"
#include "jackdaw/env.h"

static jd_ctx *context(const char *device)
{
    jd_ctx *ctx = jd_ctx_new_on(&(jd_options){.threads = 1}, &(jd_device_options){.device = device});
    assert_non_null(ctx);
    if (jd_error(ctx) == JD_EABSENT && strstr(jd_error_message(ctx), "was not found")) {
        jd_ctx_free(ctx); /* built without a C++ compiler */
        skip();
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    return ctx;
}

static double *random_weights(size_t n, double scale)
{
    double *w = calloc(n, sizeof *w);
    jd_rng r = jd_rng_new(2, "weights", n);
    for (size_t i = 0; i < n; i++) w[i] = scale * jd_rng_normal(&r);
    return w;
}

/* ---- populations -----------------------------------------------------------------------------------------------------*/

enum { N = 37, T = 5 };

typedef struct outputs {
    float *each, *last, *new; /* all steps; the last one of held inputs; after a reset, with other weights */
    size_t n, one;
} outputs;

static outputs run_population(const char *device, const jd_net_shape *s, const char *kernel)
{
    jd_ctx *ctx = context(device);
    jd_population *p = jd_population_new(ctx, s, N);
    assert_string_equal(jd_population_kernel(p), device ? kernel : "CPU");
    const size_t W = jd_net_weights(s), stride = jd_population_stride(p), O = (size_t)s->outputs;
    const size_t in = (size_t)s->inputs * stride;
    double *w = random_weights(N * W, .4);
    float *x = calloc(T * in, sizeof *x);
    outputs o = {.n = T * O * stride, .one = O * stride};
    o.each = calloc(o.n, sizeof *o.each);
    o.last = calloc(o.one, sizeof *o.last);
    o.new = calloc(o.one, sizeof *o.new);
    jd_rng r = jd_rng_new(3, "inputs", 0);
    for (size_t k = 0; k < T * in; k++) x[k] = (float)jd_rng_normal(&r);
    x[7] = 3e5f;
    assert_int_equal(jd_population_set(p, 0, N, w), JD_OK);
    assert_int_equal(jd_population_run(p, T, x, false, o.each, false), JD_OK);
    assert_int_equal(jd_population_run(p, T - 1, x, true, o.last, true), JD_OK); /* the states go on */
    jd_population_reset(p);
    assert_int_equal(jd_population_set(p, 3, N - 5, w), JD_OK);
    assert_int_equal(jd_population_run(p, T, x, true, o.new, true), JD_OK);
    assert_null(jd_ctx_device_left(ctx));
    jd_population_free(p);
    jd_ctx_free(ctx);
    free(w);
    free(x);
    return o;
}

static void check_shape(const jd_net_shape *s, const char *kernel)
{
    outputs a = run_population(NULL, s, kernel), b = run_population("cuda-emulated", s, kernel);
    const size_t stride = a.one / (size_t)s->outputs;
    for (size_t i = 0; i < a.n; i++) {
        const bool used = i % stride < N;
        if (used) assert_true(isfinite(a.each[i]));
        if (used && a.each[i] != b.each[i])
            fail_msg("%d-%d-%d: output %zu is %g, not %g", s->inputs, s->hidden, s->outputs, i, b.each[i], a.each[i]);
        if (used && i < a.one) assert_true(a.last[i] == b.last[i] && a.new[i] == b.new[i]);
    }
    free(a.each), free(a.last), free(a.new);
    free(b.each), free(b.last), free(b.new);
}

static void populations_have_the_bits_of_the_cpu(void **state)
{
    (void)state;
    static const struct {
        jd_net_shape shape;
        const char *kernel;
    } all[] = {
        {{.inputs = 4, .hidden = 5, .outputs = 1, .no_output_bias = true}, "a thread each"},
        {{.inputs = 6, .hidden = 3, .outputs = 1, .bias = .5}, "a thread each"},
        {{.inputs = 5, .hidden = 4, .outputs = 2, .feed_forward = true}, "a thread each"},
        {{.inputs = 5, .hidden = 0, .outputs = 4, .no_output_bias = true}, "a thread each"},
        {{.inputs = 3, .hidden = 8, .outputs = 2, .logistic = true}, "a thread each"},
        {{.inputs = 3, .hidden = 4, .outputs = 4, .direct = true, .feed_forward = true}, "a thread each"},
        {{.inputs = 7, .hidden = 11, .outputs = 3, .bias = -.25}, "a block each"},
        {{.inputs = 6, .hidden = 40, .outputs = 40, .direct = true, .logistic = true}, "a block each"},
        {{.inputs = 70, .hidden = 0, .outputs = 33}, "a block each"},
        {{.inputs = 9, .hidden = 300, .outputs = 7, .feed_forward = true}, "a block each"},
        {{.inputs = 2, .hidden = 9, .outputs = 270, .feed_forward = true}, "a block each"},
        {{.inputs = 2, .hidden = 60, .outputs = 5}, "a block each"},
    };
    for (int order = 0; order < 3; order++) {
        setenv("JACKDAW_EMULATE_ORDER", order == 0 ? "0" : order == 1 ? "1" : "2", 1);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) check_shape(&all[i].shape, all[i].kernel);
    }
    unsetenv("JACKDAW_EMULATE_ORDER");
}

/* ---- episodes --------------------------------------------------------------------------------------------------------*/

static void remember(void *user, double *memory, int64_t t, const double *s)
{
    (void)user;
    if (t != (int64_t)memory[1] + 1) memory[0] = (double)NAN; /* every step once, in its order */
    memory[0] += (double)t * (s[0] + s[2] + s[3]);
    memory[1] += 1;
}

static double judge(void *user, const double *memory, int64_t steps, double reward)
{
    (void)user;
    return memory[0] + 1000 * memory[1] + (double)steps + reward;
}

typedef struct episodes {
    const char *env;
    jd_net_shape net;
    const char *kernel;
    bool same, started, watched;
    size_t n;
    int64_t limit;
    const double *weights; /* NULL: random ones */
} episodes;

static void run_episodes(const char *device, const episodes *e, double *score, int64_t *steps)
{
    jd_ctx *ctx = context(device);
    jd_rollout_options o = {.env = e->env, .net = e->net, .memory_size = 2};
    o.watch = e->watched ? remember : NULL;
    o.score = e->watched ? judge : NULL;
    jd_rollout *r = jd_rollout_new(ctx, &o);
    assert_string_equal(jd_rollout_kernel(r), device ? e->kernel : "CPU");
    const size_t W = jd_rollout_weights(r);
    double *random = random_weights((e->same ? 1 : e->n) * W, 1), *start = calloc(e->n, 6 * sizeof *start);
    const size_t states = strcmp(e->env, "single-pole") ? 6 : 4;
    jd_rng rng = jd_rng_new(4, "start", 0);
    for (size_t i = 0; i < e->n * states; i++) start[i] = .02 * jd_rng_normal(&rng);
    for (int again = 0; again < 2; again++)
        assert_int_equal(jd_rollout_run(r, e->weights ? e->weights : random, e->same, e->n, e->started ? start : NULL,
                                        11, e->limit, score, steps),
                         JD_OK);
    assert_int_equal(jd_rollout_run(r, random, e->same, 0, NULL, 11, e->limit, NULL, NULL), JD_OK);
    assert_null(jd_ctx_device_left(ctx));
    free(random);
    free(start);
    jd_rollout_free(r);
    jd_ctx_free(ctx);
}

/* Pushes against where cart and pole go: balances one pole for ever. */
static const double BALANCE[5] = {0, .6, 3, 12, 8};

static void episodes_have_the_bits_of_the_cpu(void **state)
{
    (void)state;
    const jd_net_shape three = {.hidden = 3, .bias = .5}, many = {.hidden = 14},
                       forward = {.hidden = 4, .feed_forward = true};
    const episodes all[] = {
        {"double-pole", three, "a thread each", .n = 53, .limit = 90},
        {"double-pole", three, "a thread each", .n = 40, .limit = 60, .watched = true, .started = true},
        {"double-pole", three, "a thread each", .n = 35, .limit = 60, .same = true, .started = true},
        {"double-pole", many, "a block each", .n = 21, .limit = 60, .started = true, .watched = true},
        {"double-pole-no-velocity", many, "a block each", .n = 19, .limit = 70, .same = true, .started = true},
        {"double-pole-no-velocity", forward, "a thread each", .n = 33, .limit = 80, .watched = true},
        {"single-pole", {.hidden = 0}, "a thread each", .n = 64, .limit = 150, .started = true},
        {"single-pole", {.hidden = 0}, "a thread each", .n = 3, .limit = 20000, .same = true, .weights = BALANCE},
        {"single-pole",
         {.hidden = 0},
         "a thread each",
         .n = 45,
         .limit = 12000,
         .same = true,
         .started = true,
         .watched = true,
         .weights = BALANCE},
    };
    for (int order = 0; order < 3; order++) {
        setenv("JACKDAW_EMULATE_ORDER", order == 0 ? "0" : order == 1 ? "1" : "2", 1);
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            const episodes *e = &all[k];
            double score[2][64];
            int64_t steps[2][64], most = 0;
            run_episodes(NULL, e, score[0], steps[0]);
            run_episodes("cuda-emulated", e, score[1], steps[1]);
            for (size_t i = 0; i < e->n; i++) {
                if (score[0][i] != score[1][i] || steps[0][i] != steps[1][i])
                    fail_msg("%zu, episode %zu: %.17g in %lld steps, not %.17g in %lld", k, i, score[1][i],
                             (long long)steps[1][i], score[0][i], (long long)steps[0][i]);
                most = steps[0][i] > most ? steps[0][i] : most;
            }
            if (e->weights) assert_int_equal(most, e->limit); /* more than one launch */
        }
    }
    unsetenv("JACKDAW_EMULATE_ORDER");
}

/* ---- what is left to the CPU --------------------------------------------------------------------------------------------*/

static void what_has_no_kernel_is_named(void **state)
{
    (void)state;
    jd_ctx *ctx = context("cuda-emulated");
    assert_string_equal(jd_ctx_device_did(ctx), "cpu; nothing was computed on cuda-emulated");
    jd_population *p = jd_population_new(ctx, &(jd_net_shape){.inputs = 100, .hidden = 1000, .outputs = 2}, 2);
    assert_string_equal(jd_population_kernel(p), "CPU");
    assert_string_equal(jd_ctx_device_left(ctx), "populations of nets of 100-1000-2 units");
    jd_population_free(p);
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env = "t-maze", .net = {.hidden = 2}});
    jd_rollout *again = jd_rollout_new(ctx, &(jd_rollout_options){.env = "t-maze", .net = {.hidden = 3}});
    assert_string_equal(jd_rollout_kernel(r), "CPU");
    assert_string_equal(jd_ctx_device_left(ctx), "populations of nets of 100-1000-2 units, rollouts of t-maze");
    double w[64] = {0}, score;
    assert_int_equal(jd_rollout_run(r, w, true, 1, NULL, 1, 0, &score, NULL), JD_OK);
    assert_string_equal(jd_ctx_device_did(ctx), "cpu; nothing was computed on cuda-emulated");
    jd_rollout *pole = jd_rollout_new(ctx, &(jd_rollout_options){.env = "single-pole"});
    assert_int_equal(jd_rollout_run(pole, w, true, 1, NULL, 1, 0, &score, NULL), JD_OK);
    assert_string_equal(jd_ctx_device_did(ctx), "CUDA kernels emulated on the CPU; on the CPU: populations of nets of "
                                                "100-1000-2 units, rollouts of t-maze");
    jd_rollout_free(r);
    jd_rollout_free(again);
    jd_rollout_free(pole);
    jd_ctx_free(ctx);

    setenv("JACKDAW_CUDA_FALLBACK", "population,rollout", 1);
    ctx = context("cuda-emulated");
    unsetenv("JACKDAW_CUDA_FALLBACK");
    r = jd_rollout_new(ctx, &(jd_rollout_options){.env = "double-pole", .net = {.hidden = 3}});
    assert_string_equal(jd_rollout_kernel(r), "CPU");
    assert_string_equal(jd_ctx_device_left(ctx), "rollouts of nets of 6-3-1 units");
    jd_rollout_free(r);
    jd_ctx_free(ctx);
}

/* A device that was only described runs nothing. */
static void a_described_device_runs_nothing(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new_on(NULL, &(jd_device_options){.device = "cuda-emulated", .describe_only = true});
    if (jd_error(ctx) == JD_EABSENT) {
        jd_ctx_free(ctx);
        skip();
    }
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env = "single-pole"});
    const double w[5] = {0};
    double score;
    assert_string_equal(jd_rollout_kernel(r), "a thread each");
    assert_int_equal(jd_rollout_run(r, w, true, 1, NULL, 0, 0, &score, NULL), JD_EABSENT);
    jd_rollout_free(r);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(populations_have_the_bits_of_the_cpu),
        cmocka_unit_test(episodes_have_the_bits_of_the_cpu),
        cmocka_unit_test(what_has_no_kernel_is_named),
        cmocka_unit_test(a_described_device_runs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
