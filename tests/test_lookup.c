/* gather, scatter_add, onehot: by definition, as adjoints, bit for bit on any number of threads, and their errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "call.h"
#include "jackdaw/fn.h"
#include "ops/attrs.h"

enum { V = 13, E = 19, N = 57 };

static float table[V][E], rows[N][E], out[N][E], sums[V][E], hot[N][V];
static int32_t at[N];

static jd_kernel *kernel_of(jd_opcode op, int variant) /* -1: reference */
{
    const jd_cpu *cpu = variant < 0 ? NULL : call_isa(variant);
    return cpu && cpu->kernel[op] ? cpu->kernel[op] : jd__ops[op]->ref[JD_F32];
}

static int fill(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(4, "test/lookup", 0);
    for (int i = 0; i < V * E; i++) table[i / E][i % E] = (float)jd_rng_normal(&r);
    for (int i = 0; i < N * E; i++) rows[i / E][i % E] = (float)jd_rng_normal(&r);
    for (int i = 0; i < N; i++) at[i] = (int32_t)jd_rng_below(&r, V + 2) - 1; /* -1 and V are outside */
    return 0;
}

static void gather(void **state)
{
    (void)state;
    for (int variant = -1; variant < 3; variant++)
        for (int threads = 1; threads <= 3; threads++) {
            call k;
            memset(out, 0xFF, sizeof out);
            call_init(&k, JD_OP_gather, NULL);
            call_in(&k, JD_F32, JD_DIMS(V, E), table);
            call_in(&k, JD_I32, JD_DIMS(3, N / 3), at);
            call_out(&k, JD_F32, JD_DIMS(3, N / 3, E), out);
            call_run(&k, kernel_of(JD_OP_gather, variant), threads);
            int outside = 0;
            for (int i = 0; i < N; i++)
                for (int e = 0; e < E; e++) {
                    const bool in = at[i] >= 0 && at[i] < V;
                    outside += !in;
                    assert_true(out[i][e] == (in ? table[at[i]][e] : 0));
                }
            assert_true(outside > 0);
        }
}

static void scatter(void **state)
{
    (void)state;
    float want[V][E] = {{0}};
    for (int i = 0; i < N; i++)
        for (int e = 0; e < E; e++)
            if (at[i] >= 0 && at[i] < V) want[at[i]][e] += rows[i][e];
    for (int variant = -1; variant < 3; variant++)
        for (int threads = 1; threads <= 3; threads++) {
            const jd_depth_attr a = {V};
            call k;
            memset(sums, 0xFF, sizeof sums);
            call_init(&k, JD_OP_scatter_add, &a);
            call_in(&k, JD_F32, JD_DIMS(N, E), rows);
            call_in(&k, JD_I32, JD_DIMS(N), at);
            call_out(&k, JD_F32, JD_DIMS(V, E), sums);
            call_run(&k, kernel_of(JD_OP_scatter_add, variant), threads);
            assert_memory_equal(sums, want, sizeof want);
        }
}

static void onehot(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        const jd_depth_attr a = {V};
        call k;
        memset(hot, 0xFF, sizeof hot);
        call_init(&k, JD_OP_onehot, &a);
        call_in(&k, JD_I32, JD_DIMS(N), at);
        call_out(&k, JD_F32, JD_DIMS(N, V), hot);
        call_run(&k, jd__op_onehot.ref[JD_F32], threads);
        for (int i = 0; i < N; i++)
            for (int v = 0; v < V; v++) assert_true(hot[i][v] == (float)(v == at[i]));
    }
}

/* loss = sum(tanh(gather(table))^2) + ...: gradient and second derivative by differences */
static void trace(jd_graph *g, void *user)
{
    (void)user;
    const jd_node t = jd_arg(g, "table"), i = jd_arg(g, "index"), v = jd_arg(g, "v");
    const jd_node picked = jd_tanh(g, jd_gather(g, t, i));
    const jd_node back = jd_square(g, jd_scatter_add(g, picked, i, 4));
    const jd_node loss =
        jd_sum(g, jd_mul(g, back, jd_matmul(g, jd_onehot(g, jd_iota(g, 4), 4), t)), JD_ALL_AXES, false);
    jd_node d, dd;
    jd_grad(g, loss, JD_NONE, &t, 1, &d);
    const jd_node along = jd_sum(g, jd_mul(g, d, v), JD_ALL_AXES, false);
    jd_grad(g, along, JD_NONE, &t, 1, &dd);
    jd_result(g, "loss", loss);
    jd_result(g, "d", d);
    jd_result(g, "along", along);
    jd_result(g, "dd", dd);
}

static void derivatives(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, trace, NULL);
    double t[12], v[12], d[12], dd[12];
    const int32_t index[6] = {2, 0, 2, 3, -1, 0};
    jd_rng r = jd_rng_new(9, "test/lookup", 0);
    for (int i = 0; i < 12; i++) {
        t[i] = jd_rng_normal(&r);
        v[i] = jd_rng_normal(&r);
    }
    const jd_tensor in[] = {JD_TENSOR("table", JD_F64, t, 4, 3), JD_TENSOR("index", JD_I32, index, 2, 3),
                            JD_TENSOR("v", JD_F64, v, 4, 3)};
    jd_type type;
    assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
    memcpy(d, jd_fn_result(f, "d", &type), sizeof d);
    memcpy(dd, jd_fn_result(f, "dd", &type), sizeof dd);
    for (int i = 0; i < 12; i++) {
        double value[2][2];
        const double x = t[i], h = 1e-5;
        for (int side = 0; side < 2; side++) {
            t[i] = side ? x + h : x - h;
            jd_fn_run(f, in, 3);
            value[side][0] = jd_fn_scalar(f, "loss");
            value[side][1] = jd_fn_scalar(f, "along");
        }
        t[i] = x;
        assert_true(fabs((value[1][0] - value[0][0]) / (2 * h) - d[i]) < 1e-8);
        assert_true(fabs((value[1][1] - value[0][1]) / (2 * h) - dd[i]) < 1e-8);
    }
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

static void trace_wrong(jd_graph *g, void *user)
{
    const int *which = user;
    const jd_node x = jd_arg(g, "x"), i = jd_arg(g, "i");
    const jd_node flat = jd_reshape(g, x, JD_DIMS(-1));
    jd_node y = JD_NONE;
    switch (*which) {
    case 0: y = jd_gather(g, flat, i); break;
    case 1: y = jd_gather(g, x, x); break;
    case 2: y = jd_scatter_add(g, x, jd_iota(g, 5), 3); break;
    case 3: y = jd_scatter_add(g, x, i, 0); break;
    case 4: y = jd_onehot(g, x, 3); break;
    case 5: y = jd_onehot(g, i, -2); break;
    case 6: y = jd_softmax_xent_each(g, x, jd_iota(g, 7)); break;
    case 7: y = jd_ctc(g, x, i, i, i, 0); break;
    case 8: y = jd_random_uniform(g, "noise", x, JD_DIMS(3)); break;
    default: y = jd_argmax(g, i); break;
    }
    jd_result(g, "y", y);
}

/* Every misuse is an error that says what is needed, and nothing runs. */
static void errors(void **state)
{
    (void)state;
    for (int which = 0; which < 10; which++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_params *params = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, params, trace_wrong, &which);
        const float x[6] = {0};
        const int32_t i[2] = {0, 1};
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 2, 3), JD_TENSOR("i", JD_I32, i, 2)};
        assert_int_equal(jd_fn_run(f, in, 2), JD_EUSAGE);
        assert_true(strlen(jd_error_message(ctx)) > 30);
        jd_fn_free(f);
        jd_params_free(params);
        jd_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gather), cmocka_unit_test(scatter), cmocka_unit_test(onehot),
                                       cmocka_unit_test(derivatives), cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, fill, NULL);
}
