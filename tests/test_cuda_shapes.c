/* test_cuda_shapes.c - the CUDA kernels at sizes of several tiles, parts and blocks, which the cases of the selftest do not
 * reach: emulated, against the CPU's kernels. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/device.h"
#include "jackdaw/jackdaw.h"

/* Random numbers in [-scale, scale): the same bits on both. */
static jd_node noise(jd_graph *g, const char *name, double scale, jd_dims d)
{
    const jd_node step = jd_reshape(g, jd_iota(g, 1), JD_SCALAR);
    return jd_affine(g, jd_random_uniform(g, name, step, d), 2 * scale, -scale);
}

static void result(jd_graph *g, int *n, jd_node x)
{
    char name[16];
    snprintf(name, sizeof name, "r%d", (*n)++);
    jd_result(g, name, x);
}

/* y, and the gradients of a weighted sum of it. */
static void with_gradients(jd_graph *g, int *n, jd_node y, const jd_node *wrt, int count)
{
    jd_node d[8];
    const jd_type *t = jd_type_of(g, y);
    jd_dims shape = {t->rank, {0}};
    memcpy(shape.dim, t->dim, sizeof shape.dim);
    const jd_node w = noise(g, "weights", 1, shape);
    jd_grad(g, jd_sum(g, jd_mul(g, y, w), JD_ALL_AXES, false), JD_NONE, wrt, count, d);
    result(g, n, y);
    for (int i = 0; i < count; i++) result(g, n, d[i]);
}

static void products(jd_graph *g, void *user)
{
    int *n = user;
    *n = 0;
    for (int t = 0; t < 4; t++) {
        const jd_node a = noise(g, "a", 1, t & 1 ? JD_DIMS(130, 70) : JD_DIMS(70, 130));
        const jd_node b = noise(g, "b", 1, t & 2 ? JD_DIMS(90, 130) : JD_DIMS(130, 90));
        result(g, n, jd_matmul(g, a, b, .ta = t & 1, .tb = (t & 2) != 0));
    }
    result(g, n, jd_matmul(g, noise(g, "row", 1, JD_DIMS(1, 200)), noise(g, "w", 1, JD_DIMS(200, 100)), 0));
    result(g, n, jd_matmul(g, noise(g, "col", 1, JD_DIMS(100, 40)), noise(g, "v", 1, JD_DIMS(40, 9)), 0));
    result(g, n, jd_matmul(g, noise(g, "many", 1, JD_DIMS(300, 50)), noise(g, "few", 1, JD_DIMS(5, 50)), .tb = true));
}

static void shapes(jd_graph *g, void *user)
{
    int *n = user;
    *n = 0;
    result(g, n, jd_sum(g, noise(g, "tall", 1, JD_DIMS(5000, 40)), JD_AXIS(0), false));
    result(g, n, jd_sum(g, noise(g, "wide", 1, JD_DIMS(7, 5000)), JD_AXIS(1), true));
    result(g, n, jd_sum(g, noise(g, "all", 1, JD_DIMS(90, 700)), JD_ALL_AXES, false));
    result(g, n, jd_sum(g, noise(g, "some", 1, JD_DIMS(9, 30, 5, 40)), JD_AXIS(0) | JD_AXIS(2), false));
    result(g, n, jd_softmax(g, noise(g, "scores", 5, JD_DIMS(9, 700))));
    result(g, n, jd_log_softmax(g, noise(g, "scores2", 5, JD_DIMS(40, 50))));
    result(g, n, jd_amax(g, noise(g, "max", 1, JD_DIMS(20, 300))));
    result(g, n, jd_argmax(g, noise(g, "argmax", 1, JD_DIMS(20, 300))));
    result(g, n, jd_transpose(g, noise(g, "turn", 1, JD_DIMS(100, 70)), (const int[]){1, 0}));
    result(g, n, jd_transpose(g, noise(g, "turns", 1, JD_DIMS(3, 40, 50)), (const int[]){0, 2, 1}));
    result(g, n, jd_transpose(g, noise(g, "moved", 1, JD_DIMS(6, 7, 8, 9)), (const int[]){2, 0, 3, 1}));
    const jd_node big = noise(g, "big", 2, JD_DIMS(300, 900)); /* more than 2^18: four elements a thread */
    result(g, n, jd_tanh(g, jd_mul(g, big, noise(g, "line", 1, JD_DIMS(900)))));
    const jd_node index = jd_argmax(g, noise(g, "which", 1, JD_DIMS(400, 30)));
    result(g, n, jd_scatter_add(g, noise(g, "rows", 1, JD_DIMS(400, 17)), index, 30));
    result(g, n, jd_gather(g, noise(g, "table", 1, JD_DIMS(30, 17)), index));
}

static void images(jd_graph *g, void *user)
{
    int *n = user;
    *n = 0;
    const jd_node x = noise(g, "x", 1, JD_DIMS(4, 20, 19, 3)), w = noise(g, "w", 0.3, JD_DIMS(70, 5, 4, 3));
    with_gradients(g, n, jd_conv2d_raw(g, x, w, (jd_conv_options){0}), (const jd_node[]){x, w}, 2);
    const jd_node s = noise(g, "s", 0.3, JD_DIMS(6, 3, 3, 3));
    const jd_node y =
        jd_maxpool(g, jd_conv2d_raw(g, x, s, (jd_conv_options){.stride = 2, .pad = 1}), .size = 3, .stride = 2);
    with_gradients(g, n, y, (const jd_node[]){x, s}, 2);
}

static void recurrent(jd_graph *g, void *user)
{
    int *n = user;
    enum { T = 6, B = 20, N = 33, H = 40 };
    *n = 0;
    const jd_node x = noise(g, "x", 1, JD_DIMS(T, B, N)), W = noise(g, "W", 0.3, JD_DIMS(4 * H, N));
    const jd_node R = noise(g, "R", 0.3, JD_DIMS(4 * H, H)), b = noise(g, "b", 0.3, JD_DIMS(4 * H));
    const jd_node length = jd_argmax(g, noise(g, "length", 1, JD_DIMS(B, T + 1)));
    const jd_node all[] = {x, W, R, b};
    with_gradients(g, n, jd_lstm_raw(g, (jd_lstm_args){.x = x, .length = length, .W = W, .R = R, .b = b}).y, all, 4);
    const jd_node W3 = noise(g, "W3", 0.3, JD_DIMS(3 * H, N)), R3 = noise(g, "R3", 0.3, JD_DIMS(3 * H, H));
    const jd_node b3 = noise(g, "b3", 0.3, JD_DIMS(3 * H));
    with_gradients(g, n,
                   jd_gru_raw(g, (jd_rnn_args){.x = x, .length = length, .W = W3, .R = R3, .b = b3, .reverse = true}).y,
                   (const jd_node[]){x, W3, R3, b3}, 4);
}

static void grids(jd_graph *g, void *user)
{
    int *n = user;
    enum { H = 18, N = 7, D = 4, G = 5 * H };
    *n = 0;
    const jd_node x = noise(g, "x", 1, JD_DIMS(3, 8, 9, N)), W = noise(g, "W", 0.3, JD_DIMS(D * G, N));
    const jd_node R = noise(g, "R", 0.2, JD_DIMS(D * G, 2 * H)), b = noise(g, "b", 0.3, JD_DIMS(D * G));
    const jd_node peep = noise(g, "peep", 0.3, JD_DIMS(D * 4 * H));
    const jd_mdlstm_args a = {.x = x, .W = W, .R = R, .b = b, .peep = peep};
    with_gradients(g, n, jd_mdlstm_raw(g, a).y, (const jd_node[]){x, W, R, b, peep}, 5);
}

static void paths(jd_graph *g, void *user)
{
    int *n = user;
    enum { T = 60, B = 5, K = 150, U = 20 };
    *n = 0;
    const jd_node x = noise(g, "x", 2, JD_DIMS(T, B, K)), zero = jd_const(g, -10, JD_DIMS(B, U, 1));
    /* Labels from 1 on, lengths near the whole. */
    const jd_node labels =
        jd_argmax(g, jd_concat(g, (const jd_node[]){zero, noise(g, "labels", 1, JD_DIMS(B, U, K - 1))}, 2, 2));
    const jd_node length = jd_argmax(g, noise(g, "length", 1, JD_DIMS(B, T + 1)));
    const jd_node count = jd_argmax(g, noise(g, "count", 1, JD_DIMS(B, U + 1)));
    const jd_node loss = jd_ctc(g, x, labels, length, count, 0);
    jd_node d;
    jd_grad(g, jd_sum(g, loss, JD_ALL_AXES, false), JD_NONE, &x, 1, &d);
    result(g, n, loss);
    result(g, n, d);
}

static double value(const void *data, jd_dtype t, int64_t i)
{
    return t == JD_I32 ? (double)((const int32_t *)data)[i] : (double)((const float *)data)[i];
}

static void compare(jd_trace *trace)
{
    jd_ctx *ctx[2];
    jd_fn *f[2];
    int n[2] = {0};
    for (int k = 0; k < 2; k++) {
        ctx[k] = jd_ctx_new_on(&(jd_options){.threads = 1, .seed = 5},
                               &(jd_device_options){.device = k ? "cuda-emulated" : NULL});
        if (k && jd_error(ctx[k]) == JD_EABSENT) skip(); /* built without a C++ compiler */
        assert_int_equal(jd_error(ctx[k]), JD_OK);
        f[k] = jd_fn_new(ctx[k], NULL, trace, &n[k]);
        if (jd_fn_run(f[k], NULL, 0)) fail_msg("%s", jd_error_message(ctx[k]));
    }
    for (int r = 0; r < n[0]; r++) {
        char name[16];
        jd_type t;
        double diff = 0, norm = 0;
        snprintf(name, sizeof name, "r%d", r);
        const void *a = jd_fn_result(f[0], name, &t), *b = jd_fn_result(f[1], name, NULL);
        assert_true(a && b);
        for (int64_t i = 0; i < jd_type_count(&t); i++) {
            const double x = value(a, t.dtype, i), y = value(b, t.dtype, i);
            if (isinf(x) && x == y) continue;
            diff += (x - y) * (x - y);
            norm += x * x;
        }
        if (!(diff <= 1e-10 * norm)) fail_msg("result %d: normalised square error %g", r, diff / norm);
    }
    for (int k = 0; k < 2; k++) {
        jd_fn_free(f[k]);
        jd_ctx_free(ctx[k]);
    }
}

#define TEST(trace)                                                                                                    \
    static void test_##trace(void **state)                                                                             \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        compare(trace);                                                                                                \
    }
TEST(products)
TEST(shapes)
TEST(images)
TEST(recurrent)

/* A part of a GPU has no room for all blocks of a layer at once: a kernel a step does the work. */
static void test_recurrent_on_a_part(void **state)
{
    (void)state;
    setenv("JACKDAW_EMULATE_MULTIPROCESSORS", "1", 1);
    compare(recurrent);
    unsetenv("JACKDAW_EMULATE_MULTIPROCESSORS");
}

TEST(grids)
TEST(paths)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),           cmocka_unit_test(test_shapes), cmocka_unit_test(test_images),
        cmocka_unit_test(test_recurrent),          cmocka_unit_test(test_grids),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_recurrent_on_a_part)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
