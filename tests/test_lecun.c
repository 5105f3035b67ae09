/* The net of 1989: its connection table and counts, masks against zeroed weights, its surround. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/images.c"
#include "../systems/images_report.c"
#include "../systems/lecun_1989.c"

enum { B = 3 };

static jd_ctx *ctx;
static float x[B * SIDE * SIDE];

static int setup(void **state)
{
    (void)state;
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 5});
    jd_rng r = jd_rng_new(1, "test", 0);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = 2 * jd_rng_uniform(&r) - 1;
    return ctx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    jd_ctx_free(ctx);
    return 0;
}

static void dense(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "p",
              jd_add(g, jd_mul(g, network(g, jd_arg(g, "x"), false), jd_const(g, 0.5, JD_DIMS(1))),
                     jd_const(g, 0.5, JD_DIMS(1))));
}

static void by_line(jd_graph *g, void *user)
{
    (void)user;
    const jd_node half = jd_const(g, 0.5, JD_DIMS(1));
    jd_result(g, "p", jd_add(g, jd_mul(g, jd_net(g, LINE, jd_arg(g, "x"), JD_NONE), half), half));
}

static const float *outputs(jd_fn *f)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, B, SIDE, SIDE, 1);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    return jd_fn_result(f, "p", NULL);
}

static void table(void **state)
{
    (void)state;
    int free_weights =
            MAPS * KERNEL * KERNEL + 8 * 8 * MAPS + 4 * 4 * MAPS + (MAPS * 16 + 1) * HIDDEN + (HIDDEN + 1) * CLASSES,
        connections = 8 * 8 * MAPS * (KERNEL * KERNEL + 1) + (MAPS * 16 + 1) * HIDDEN + (HIDDEN + 1) * CLASSES;
    for (int to = 0; to < MAPS; to++) {
        int fan = 0;
        for (int from = 0; from < MAPS; from++) fan += connected(to, from);
        assert_int_equal(fan, FAN);
        free_weights += fan * KERNEL * KERNEL;
        connections += 4 * 4 * (fan * KERNEL * KERNEL + 1);
    }
    assert_int_equal(free_weights, FREE);
    assert_int_equal(connections, 64660);
    for (int from = 0; from < MAPS; from++) { /* every map below is seen as often as every other */
        int fan = 0;
        for (int to = 0; to < MAPS; to++) fan += connected(to, from);
        assert_int_equal(fan, FAN);
    }
}

/* With the weights that the table leaves out set to zero, the net without mask gives the same bits. */
static void mask_or_zeros(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *masked = jd_fn_new(ctx, w, predict, NULL), *plain = jd_fn_new(ctx, w, dense, NULL);
    float before[B * CLASSES], other[B * CLASSES];
    memcpy(before, outputs(masked), sizeof before);
    memcpy(other, outputs(plain), sizeof other);
    assert_memory_not_equal(before, other, sizeof before);
    clear_unconnected(w);
    assert_memory_equal(outputs(plain), before, sizeof before);
    assert_memory_equal(outputs(masked), before, sizeof before);
    jd_fn *described = jd_fn_new(ctx, w, by_line, NULL);
    const int ranges = jd_params_ranges(w);
    assert_memory_equal(outputs(described), before, sizeof before);
    assert_int_equal(jd_params_ranges(w), ranges);
    jd_fn_free(described);
    jd_fn_free(masked);
    jd_fn_free(plain);
    jd_params_free(w);
}

/* A step of learning moves the weights of the table and no others. */
static void table_learns(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, learn, NULL), *look = jd_fn_new(ctx, w, predict, NULL);
    outputs(look);
    enum { N = MAPS * KERNEL * KERNEL * MAPS };
    float before[N];
    memcpy(before, jd_params_get(w, "h2/W"), sizeof before);
    const int32_t y[B] = {0, 4, 9};
    const float lr = 0.1f;
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, B, SIDE, SIDE, 1), JD_TENSOR("y", JD_I32, y, B),
                            JD_SCALAR_F32("lr", &lr)};
    assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
    const float *after = jd_params_get(w, "h2/W");
    for (int i = 0; i < N; i++)
        assert_int_equal(after[i] != before[i], connected(i / (KERNEL * KERNEL * MAPS), i % MAPS));
    jd_fn_free(f);
    jd_fn_free(look);
    jd_params_free(w);
}

/* The first layer at one corner, by hand: outside the picture there is -1. */
static void corner(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "p", maps(g, "h1", jd_arg(g, "x"), KERNEL * KERNEL, NULL));
}

static void surrounded(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, corner, NULL);
    const float *h1 = outputs(f), *kernel = jd_params_get(w, "h1/W"), *bias = jd_params_get(w, "h1/b");
    for (int m = 0; m < MAPS; m++) {
        double a = (double)bias[m];
        for (int i = 0; i < KERNEL; i++)
            for (int j = 0; j < KERNEL; j++) {
                const bool in = i >= 2 && j >= 2;
                a += (double)kernel[(m * KERNEL + i) * KERNEL + j] * (in ? (double)x[(i - 2) * SIDE + j - 2] : -1.0);
            }
        assert_true(fabs(1.7159 * tanh(0.6666 * a) - (double)h1[m]) < 1e-6);
    }
    jd_fn_free(f);
    jd_params_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(mask_or_zeros),
        cmocka_unit_test(table_learns),
        cmocka_unit_test(surrounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
