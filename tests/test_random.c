/* The random op: the numbers of jd_rng, the same on any number of threads and instruction set; moments; independence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/ctx.h"
#include "call.h"
#include "jackdaw/fn.h"
#include "ops/attrs.h"

enum { N = 100003 };

static void run(jd_kernel *kernel, jd_dtype real, const char *name, uint64_t seed, int32_t step, int kind, int64_t n,
                int threads, void *out)
{
    const jd_random_attr a = {.name_hash = jd__rng_hash(name), .kind = kind};
    call k;
    call_init(&k, JD_OP_random, &a);
    call_in(&k, JD_I32, JD_SCALAR, &step);
    call_out(&k, real, JD_DIMS(n), out);
    k.c.seed = seed;
    call_run(&k, kernel, threads);
}

static jd_kernel *kernel_of(int variant) /* -1: reference; NULL: not on this machine */
{
    if (variant < 0) return jd__op_random.ref[JD_F32];
    const jd_cpu *cpu = call_isa(variant);
    return !cpu ? NULL : cpu->kernel[JD_OP_random] ? cpu->kernel[JD_OP_random] : jd__op_random.ref[JD_F32];
}

static void as_rng(void **state)
{
    (void)state;
    float y[1001];
    double y64[1001];
    jd_rng r = jd_rng_new(42, "dropout", 7);
    run(jd__op_random.ref[JD_F64], JD_F64, "dropout", 42, 7, 0, 1001, 1, y64);
    run(jd__op_random.ref[JD_F32], JD_F32, "dropout", 42, 7, 0, 1001, 1, y);
    for (int i = 0; i < 1001; i++) {
        const float want = jd_rng_uniform(&r);
        assert_true(y[i] == want && y64[i] == (double)want);
    }
}

static void same_bits(void **state)
{
    (void)state;
    float *want = aligned(N * 4), *y = aligned(N * 4);
    for (int kind = 0; kind < 2; kind++) {
        run(kernel_of(-1), JD_F32, "noise", 1, 3, kind, N, 1, want);
        for (int variant = -1; variant < 3; variant++)
            for (int threads = 1; threads <= 3; threads++) {
                if (!kernel_of(variant)) continue;
                for (int64_t n = N; n > 0; n /= 45) { /* also a prefix is the same */
                    memset(y, 0, N * 4);
                    run(kernel_of(variant), JD_F32, "noise", 1, 3, kind, n, threads, y);
                    assert_memory_equal(y, want, (size_t)n * 4);
                    if (n < N) assert_true(y[n] == 0);
                }
            }
    }
    free(want);
    free(y);
}

static void moments(void **state)
{
    (void)state;
    float *y = aligned(N * 4);
    for (int kind = 0; kind < 2; kind++) {
        double m1 = 0, m2 = 0, m3 = 0, m4 = 0, lag = 0;
        run(kernel_of(-1), JD_F32, "moments", 5, 0, kind, N, 2, y);
        for (int i = 0; i < N; i++) {
            const double x = kind ? (double)y[i] : (double)y[i] - .5;
            if (!kind) assert_true(y[i] >= 0 && y[i] < 1);
            m1 += x;
            m2 += x * x;
            m3 += x * x * x;
            m4 += x * x * x * x;
            if (i) lag += x * (kind ? (double)y[i - 1] : (double)y[i - 1] - .5);
        }
        const double variance = kind ? 1 : 1. / 12, fourth = kind ? 3 : 1. / 80;
        assert_true(fabs(m1 / N) < 4 * sqrt(variance / N));
        assert_true(fabs(m2 / N - variance) < .02 * variance);
        assert_true(fabs(m3 / N) < .05 * pow(variance, 1.5));
        assert_true(fabs(m4 / N - fourth) < .05 * fourth);
        assert_true(fabs(lag / N) < .02 * variance);
    }
    free(y);
}

/* Other name, step or seed: other numbers. */
static void streams(void **state)
{
    (void)state;
    float y[4][256];
    run(kernel_of(-1), JD_F32, "a", 1, 0, 0, 256, 1, y[0]);
    run(kernel_of(-1), JD_F32, "b", 1, 0, 0, 256, 1, y[1]);
    run(kernel_of(-1), JD_F32, "a", 1, 1, 0, 256, 1, y[2]);
    run(kernel_of(-1), JD_F32, "a", 2, 0, 0, 256, 1, y[3]);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++) {
            int equal = 0;
            for (int k = 0; k < 256; k++) equal += y[i][k] == y[j][k];
            assert_true(equal < 4);
        }
}

static void trace(jd_graph *g, void *user)
{
    (void)user;
    const jd_node step = jd_arg(g, "step");
    jd_scope_push(g, "layer");
    jd_result(g, "u", jd_random_uniform(g, "mask", step, JD_DIMS(3, 5)));
    jd_scope_pop(g);
    jd_result(g, "top", jd_random_uniform(g, "mask", step, JD_DIMS(3, 5)));
    jd_result(g, "n", jd_random_normal(g, "mask", step, JD_DIMS(2, 2, 2)));
}

/* In a function: the stream's name has the scope in front, the step is the input's. */
static void in_graph(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2, .seed = 77});
    jd_params *params = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, params, trace, NULL);
    for (int32_t step = 0; step < 3; step++) {
        const jd_tensor in[] = {JD_SCALAR_I32("step", &step)};
        jd_type type;
        assert_int_equal(jd_fn_run(f, in, 1), JD_OK);
        jd_rng layer = jd_rng_new(77, "layer/mask", (uint64_t)step), top = jd_rng_new(77, "mask", (uint64_t)step);
        const float *u = jd_fn_result(f, "u", &type), *t = jd_fn_result(f, "top", &type);
        for (int i = 0; i < 15; i++) assert_true(u[i] == jd_rng_uniform(&layer) && t[i] == jd_rng_uniform(&top));
        const float *n = jd_fn_result(f, "n", &type);
        assert_int_equal(type.rank, 3);
        for (int i = 0; i < 8; i++) assert_true(isfinite(n[i]) && n[i] != 0);
    }
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_rng), cmocka_unit_test(same_bits), cmocka_unit_test(moments),
                                       cmocka_unit_test(streams), cmocka_unit_test(in_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
