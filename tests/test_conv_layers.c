/* Convolutional layers: dilation against loops, connection tables against dense weights, local contrast by its formulas. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/convolve.h"
#include "jackdaw/scan.h"

enum { H = 11, W = 8, I = 3, O = 4, K = 3 };

static jd_ctx *ctx;
static float x[H * W * I];

static int setup(void **state)
{
    (void)state;
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
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

static const float *run_net(jd_fn *f, jd_type *type)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, H, W, I);
    if (jd_fn_run(f, &in, 1)) fail_msg("%s", jd_error_message(ctx));
    return jd_fn_result(f, "y", type);
}

typedef struct dilation {
    int d, pad;
} dilation;

static void dilate(jd_graph *g, void *user)
{
    const dilation *o = user;
    jd_result(
        g, "y",
        jd_conv2d_partial(g, "conv", jd_arg(g, "x"), .conv = {.maps = O, .size = K, .pad = o->pad}, .dilation = o->d));
}

/* Every element is one chain of multiply-adds over the taps inside the image: the same bits. */
static void test_dilation(void **state)
{
    (void)state;
    static const dilation cases[] = {{2, 0}, {3, 0}, {3, 2}, {2, 3}, {1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        dilation o = cases[c];
        jd_params *w = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, w, dilate, &o);
        jd_type type;
        const float *y = run_net(f, &type), *wt = jd_params_get(w, "conv/W");
        const int oh = H + 2 * o.pad - o.d * (K - 1), ow = W + 2 * o.pad - o.d * (K - 1);
        assert_true(type.dim[1] == oh && type.dim[2] == ow && type.dim[3] == O);
        for (int i = 0; i < oh * ow * O; i++) {
            float s = 0;
            for (int u = 0; u < K; u++)
                for (int v = 0; v < K; v++) {
                    const int r = i / O / ow - o.pad + u * o.d, q = i / O % ow - o.pad + v * o.d;
                    for (int k = 0; k < I && r >= 0 && r < H && q >= 0 && q < W; k++)
                        s = fmaf(x[(r * W + q) * I + k], wt[((i % O * K + u) * K + v) * I + k], s);
                }
            assert_true(y[i] == s);
        }
        jd_fn_free(f);
        jd_params_free(w);
    }
    dilation far = {6, 0};
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, dilate, &far);
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, H, W, I);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "dilation 6"));
    jd_error_clear(ctx);
    jd_fn_free(f);
    jd_params_free(w);
}

static void strided(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_scan_net(g, "conv 4 2 stride 2 tanh as a, conv 3 2 tanh as b", jd_arg(g, "x"), 4, 4));
}

static void dilated(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_net(g, "conv 4 2 tanh as a, conv 3 2 dilate 2 tanh as b", jd_arg(g, "x"), JD_NONE));
}

/* A scan of a net with steps is the net without them whose later layers are dilated ("a trous"): the same bits. */
static void test_scan_is_dilation(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f[2] = {jd_fn_new(ctx, w, strided, NULL), jd_fn_new(ctx, w, dilated, NULL)};
    enum { SIDE = 9 };
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, SIDE, SIDE, I);
    const float *y[2];
    jd_type type[2];
    for (int i = 0; i < 2; i++) {
        if (jd_fn_run(f[i], &in, 1)) fail_msg("%s", jd_error_message(ctx));
        y[i] = jd_fn_result(f[i], "y", &type[i]);
    }
    assert_int_equal(jd_type_count(&type[0]), jd_type_count(&type[1]));
    assert_memory_equal(y[0], y[1], (size_t)jd_type_count(&type[0]) * sizeof(float));
    jd_fn_free(f[0]);
    jd_fn_free(f[1]);
    jd_params_free(w);
}

static const uint8_t table[O * I] = {1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0};

static void connected(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_conv2d_partial(g, "conv", jd_arg(g, "x"), .conv = {.maps = O, .size = K}, .table = user));
}

/* A table does what zeroed weights do, bit for bit. */
static void test_table(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *partial = jd_fn_new(ctx, w, connected, (void *)(uintptr_t)table), *full = jd_fn_new(ctx, w, connected, NULL);
    jd_type type;
    const float *y = run_net(partial, &type);
    float *wt = jd_params_get(w, "conv/W");
    for (int o = 0; o < O; o++)
        for (int t = 0; t < K * K; t++)
            for (int i = 0; i < I; i++) wt[(o * K * K + t) * I + i] *= table[o * I + i];
    assert_memory_equal(y, run_net(full, NULL), (size_t)jd_type_count(&type) * sizeof *y);
    jd_fn_free(partial);
    jd_fn_free(full);
    jd_params_free(w);
}

static void fan(jd_graph *g, void *user)
{
    const jd_node y = jd_net(g, user, jd_arg(g, "x"), JD_NONE);
    jd_result(g, "y", jd_grad_params(g, jd_sum(g, y, JD_ALL_AXES, false)));
}

/* Each map has as many maps below as were asked for: the others' weights have no gradient. */
static void test_fan(void **state)
{
    (void)state;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, fan, "conv 4 2 fan 2");
    const float *d = run_net(f, NULL);
    d += jd_params_find(w, "conv1/W")->offset;
    for (int o = 0; o < O; o++) {
        int seen = 0;
        for (int i = 0; i < I; i++) {
            int nonzero = 0;
            for (int t = 0; t < 4; t++) nonzero += d[(o * 4 + t) * I + i] != 0;
            assert_true(nonzero == 0 || nonzero == 4);
            seen += nonzero == 4;
        }
        assert_int_equal(seen, 2);
    }
    /* A model's table is the same in every context. */
    float first[O * 4 * I];
    memcpy(first, d, sizeof first);
    jd_fn_free(f);
    jd_ctx_set_seed(ctx, 2);
    f = jd_fn_new(ctx, w, fan, "conv 4 2 fan 2");
    d = run_net(f, NULL);
    d += jd_params_find(w, "conv1/W")->offset;
    assert_memory_equal(d, first, sizeof first);
    jd_ctx_set_seed(ctx, 3);
    jd_fn_free(f);
    f = jd_fn_new(ctx, w, fan, "conv 4 2 fan 4");
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, H, W, I);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "1 to all are possible"));
    jd_error_clear(ctx);
    jd_fn_free(f);
    jd_params_free(w);
}

static void contrast(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_local_contrast(g, jd_arg(g, "x"), .size = *(int *)user, .sigma = 1.5));
}

/* The weighted mean over the part of the window that lies in the image, and over the channels of v if it has any. */
static double mean_at(const double *v, int channels, int y, int z, int k)
{
    double sum = 0, all = 0;
    for (int i = -k / 2; i <= k / 2; i++)
        for (int j = -k / 2; j <= k / 2; j++) {
            if (y + i < 0 || y + i >= H || z + j < 0 || z + j >= W) continue;
            const double w = exp(-(i * i + j * j) / (2 * 1.5 * 1.5));
            all += w;
            for (int c = 0; c < channels; c++) sum += w * v[((y + i) * W + z + j) * channels + c] / channels;
        }
    return sum / all;
}

static void test_contrast(void **state)
{
    (void)state;
    int k = 5;
    jd_fn *f = jd_fn_new(ctx, NULL, contrast, &k);
    const float *y = run_net(f, NULL);
    double in[H * W * I], v[H * W * I], square[H * W * I], s[H * W], c = 0;
    for (int i = 0; i < H * W * I; i++) in[i] = (double)x[i];
    for (int i = 0; i < H * W * I; i++) v[i] = in[i] - mean_at(in, I, i / I / W, i / I % W, k);
    for (int i = 0; i < H * W * I; i++) square[i] = v[i] * v[i];
    for (int i = 0; i < H * W; i++) c += (s[i] = sqrt(mean_at(square, I, i / W, i % W, k))) / (H * W);
    for (int i = 0; i < H * W * I; i++) assert_true(fabs((double)y[i] - v[i] / fmax(s[i / I], c)) < 1e-5);
    jd_fn_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dilation), cmocka_unit_test(test_scan_is_dilation),
                                       cmocka_unit_test(test_table), cmocka_unit_test(test_fan),
                                       cmocka_unit_test(test_contrast)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
