/*
 * test_dense.c - products with the weights of small nets: bit-equal to the sums they are defined by, on every
 * instruction set, for any number of rows and threads, by the general kernel and the one for just their sizes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/mathf.h"
#include "call.h"
#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "ops/attrs.h"

static jd_rng rng;

static int below(int n)
{
    return (int)jd_rng_below(&rng, (uint32_t)n);
}

/* Exactly as large as it must be, so that a sanitizer sees a read beyond. */
static float *values(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x + !n);
    for (int64_t i = 0; i < n; i++) x[i] = (float)jd_rng_normal(&rng);
    return x;
}

/* One chain over k, or 16 over every 16th k that are added as a tree: halves, quarters, ... */
static float product(const float *a, const float *b, int64_t K, bool parts)
{
    float s[16] = {0};
    for (int64_t k = 0; k < K; k++) s[parts ? k % 16 : 0] = fmaf(a[k], b[k], s[parts ? k % 16 : 0]);
    for (int half = 8; half && parts; half /= 2)
        for (int i = 0; i < half; i++) s[i] = s[i] + s[i + half];
    return s[0];
}

static float squash(int act, float x)
{
    switch (act) {
    case JD_ACT_TANH: return jd__tanhf(x);
    case JD_ACT_SIGMOID: return jd__sigmoidf(x);
    case JD_ACT_RELU: return x > 0 ? x : 0;
    default: return x;
    }
}

static void same(const char *what, const float *got, const float *want, int64_t M, int64_t N, int64_t K, int act)
{
    for (int64_t i = 0; i < M * N; i++)
        if (memcmp(&got[i], &want[i], sizeof(float)))
            fail_msg("%s: M %d N %d K %d act %d: element %d is %a, not %a", what, (int)M, (int)N, (int)K, act, (int)i,
                     (double)got[i], (double)want[i]);
}

static void check(int64_t M, int64_t N, int64_t K, int act, bool with_bias)
{
    const jd_matmul_attr attr = {.tb = 1, .act = (uint8_t)act};
    float *x = values(M * K), *W = values(N * K), *b = values(N), *want = values(M * N), *got = values(M * N);
    const bool parts = N <= 8 && K >= 16;
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            const float s = product(x + m * K, W + n * K, K, parts);
            want[m * N + n] = squash(act, with_bias ? s + b[n] : s);
        }
    call k;
    call_init(&k, JD_OP_matmul, &attr);
    call_in(&k, JD_F32, JD_DIMS(M, K), x);
    call_in(&k, JD_F32, JD_DIMS(N, K), W);
    if (with_bias) call_in(&k, JD_F32, JD_DIMS(N), b);
    call_out(&k, JD_F32, JD_DIMS(M, N), got);
    call_run(&k, jd__op_matmul.ref[JD_F32], 1);
    same("reference", got, want, M, N, K, act);
    for (int i = 0; i < 3; i++) {
        const jd_cpu *cpu = call_isa(i);
        if (!cpu) continue;
        memset(got, 0xA5, (size_t)(M * N) * sizeof *got);
        call_run(&k, cpu->kernel[JD_OP_matmul], (int[]){1, 2, 5}[below(3)]);
        same(cpu->name, got, want, M, N, K, act);
        jd_kernel *special = cpu->special(&k.c);
        if (!special) continue;
        memset(got, 0xA5, (size_t)(M * N) * sizeof *got);
        call_run(&k, special, (int[]){1, 2}[below(2)]);
        same("kernel for these sizes", got, want, M, N, K, act);
    }
    free(x);
    free(W);
    free(b);
    free(want);
    free(got);
}

static void few_outputs(void **state)
{
    (void)state;
    rng = jd_rng_new(3, "few outputs", 0);
    for (int64_t N = 1; N <= 9; N++)
        for (int64_t K = 14; K <= 50; K++) check(1 + below(20), N, K, below(4), below(2));
    for (int i = 0; i < 60; i++) check(1, 1 + below(8), 16 + below(300), below(4), below(2));
    for (int i = 0; i < 30; i++) check(1 + below(90), 1, 16 + below(100), below(4), below(2));
}

static void one_row(void **state)
{
    (void)state;
    rng = jd_rng_new(3, "one row", 0);
    for (int64_t K = 0; K <= 40; K++)
        for (int i = 0; i < 4; i++) check(1, 8 + below(130), K, i, below(2));
    for (int i = 0; i < 40; i++) check(1, 1 + below(40), 1 + below(140), below(4), below(2));
}

static void one_output(void **state)
{
    (void)state;
    rng = jd_rng_new(3, "one output", 0);
    for (int64_t K = 0; K <= 17; K++)
        for (int i = 0; i < 12; i++) check(1 + below(40), 1, K, below(4), below(2));
}

/* One sample's error through a layer and the layer's update in one pass: the bits of the two steps. */
static void check_update(int64_t M, int64_t N)
{
    const jd_matmul_update_attr attr = {.ta = 1, .negate = 1};
    const float rate = 0.05f;
    float *a = values(M), *x = values(N), *W = values(M * N), *next = values(M * N), *got = values(M * N);
    float *want = values(N), *out = values(N);
    for (int64_t n = 0; n < N; n++) want[n] = 0;
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            want[n] = fmaf(a[m], W[m * N + n], want[n]);
            next[m * N + n] = fmaf(-rate, fmaf(a[m], x[n], 0), W[m * N + n]);
        }
    call k;
    call_init(&k, JD_OP_matmul_update, &attr);
    call_in(&k, JD_F32, JD_DIMS(1, M), a);
    call_in(&k, JD_F32, JD_DIMS(1, N), x);
    call_in(&k, JD_F32, JD_DIMS(M, N), got);
    call_in(&k, JD_F32, JD_SCALAR, (void *)(uintptr_t)&rate);
    call_out(&k, JD_F32, JD_DIMS(1, N), out);
    for (int i = -1; i < 3; i++) {
        const jd_cpu *cpu = i < 0 ? NULL : call_isa(i);
        if (i >= 0 && !cpu) continue;
        memcpy(got, W, (size_t)(M * N) * sizeof *got);
        call_run(&k, cpu ? cpu->kernel[JD_OP_matmul_update] : jd__op_matmul_update.ref[JD_F32],
                 (int[]){1, 2, 5}[below(3)]);
        same("the error", out, want, 1, N, M, 0);
        same("the weights", got, next, M, N, 1, 0);
    }
    float *const owned[] = {a, x, W, next, got, want, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void error_and_update(void **state)
{
    (void)state;
    rng = jd_rng_new(3, "error and update", 0);
    for (int i = 0; i < 60; i++) check_update(1 + below(40), 1 + below(300));
}

typedef struct online {
    bool seen; /* somebody looks at the gradient, so nothing is joined */
} online;

static void online_step(jd_graph *g, void *user)
{
    const online *o = user;
    jd_node h = jd_dense(g, "one", jd_arg(g, "x"), .units = 40, .act = JD_TANH);
    h = jd_dense(g, "two", h, .units = 30, .act = JD_TANH);
    const jd_node loss = jd_softmax_xent(g, jd_dense(g, "out", h, .units = 10), jd_arg(g, "label"));
    if (o->seen) jd_result(g, "gradient", jd_grad_params(g, loss));
    jd_update_sgd(g, loss, jd_const(g, .1, JD_SCALAR), 0);
}

static void online_learning_keeps_its_bits(void **state)
{
    (void)state;
    enum { IN = 21 };
    float x[IN];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2, .seed = 5});
    jd_params *p[2];
    jd_fn *f[2];
    online o[2] = {{false}, {true}};
    for (int i = 0; i < 2; i++) {
        p[i] = jd_params_new(ctx, JD_F32);
        f[i] = jd_fn_new(ctx, p[i], online_step, &o[i]);
    }
    for (int32_t step = 0; step < 5; step++) {
        for (int i = 0; i < IN; i++) x[i] = (float)jd_rng_normal(&rng);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 1, IN), JD_TENSOR("label", JD_I32, &step, 1)};
        for (int i = 0; i < 2; i++) assert_int_equal(jd_fn_run(f[i], in, 2), JD_OK);
    }
    assert_int_equal(jd_params_count(p[0]), jd_params_count(p[1]));
    assert_memory_equal(jd_params_data(p[0]), jd_params_data(p[1]), jd_params_count(p[0]) * sizeof(float));
    for (int i = 0; i < 2; i++) {
        jd_fn_free(f[i]);
        jd_params_free(p[i]);
    }
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(few_outputs), cmocka_unit_test(one_row),
                                       cmocka_unit_test(one_output), cmocka_unit_test(error_and_update),
                                       cmocka_unit_test(online_learning_keeps_its_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
