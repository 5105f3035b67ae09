/* Scanning whole images against cutting out every window: random nets, sizes, tiles; streams; nets that cannot be scanned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "jackdaw/scan.h"

static uint32_t pick(jd_rng *r, uint32_t low, uint32_t high)
{
    return low + jd_rng_below(r, high - low + 1);
}

/* A random net for windows of h x w: convolutions, some with steps, pools of all kinds, dense layers. */
static void random_net(jd_rng *r, char net[256], int h, int w)
{
    static const char *const act[] = {"", " tanh", " sigmoid", " relu", " scaled-tanh"};
    static const char *const norm[] = {"", "", "", "batchnorm, ", "layernorm, "};
    size_t at = 0;
    int pools = 0, least = h < w ? h : w;
    net[0] = 0;
    while (least > 2 && at < 150) {
        const int k = (int)pick(r, 1, least < 5 ? (uint32_t)least : 5);
        const uint32_t kind = pools < 3 ? pick(r, 0, 4) : 0;
        if (kind < 2) {
            const int s = pools < 2 && pick(r, 0, 3) == 0 ? 2 : 1;
            at += (size_t)snprintf(net + at, 256 - at, "conv %u %d stride %d%s, %s", pick(r, 1, 20), k, s,
                                   act[pick(r, 0, 4)], norm[pick(r, 0, 4)]);
            h = (h - k) / s + 1, w = (w - k) / s + 1;
            pools += s > 1;
        } else {
            const int p = k > 3 ? 3 : k < 2 ? 2 : k, s = kind == 4 && p > 2 ? 2 : p;
            at += (size_t)snprintf(net + at, 256 - at, "%s %d stride %d%s, ", kind == 3 ? "avgpool" : "maxpool", p, s,
                                   pick(r, 0, 1) ? ", dropout 0.5" : "");
            h = (h - p) / s + 1, w = (w - p) / s + 1;
            pools++;
        }
        least = h < w ? h : w;
    }
    if (pick(r, 0, 1))
        at += (size_t)snprintf(net + at, 256 - at, "flatten, dense %u%s, ", pick(r, 1, 30), act[pick(r, 0, 4)]);
    snprintf(net + at, 256 - at, "dense %u", pick(r, 1, 12));
}

static void patches(jd_graph *g, void *net)
{
    jd_result(g, "y", jd_net(g, net, jd_arg(g, "x"), JD_NONE));
}

/* Every window on its own; out (H,W,K). */
static void by_patches(jd_ctx *ctx, jd_params *w, char *net, const float *image, int64_t H, int64_t W, int64_t C,
                       int64_t h, int64_t wd, float *out, int64_t K)
{
    float *x = calloc((size_t)(W * h * wd * C), sizeof *x);
    jd_fn *f = jd_fn_new(ctx, w, patches, net);
    for (int64_t y = 0; y < H; y++) {
        for (int64_t i = 0; i < W; i++) jd_scan_window(image, H, W, C, y, i, h, wd, x + i * h * wd * C);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, W, h, wd, C);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
        memcpy(out + y * W * K, jd_fn_result(f, "y", NULL), (size_t)(W * K) * sizeof *out);
    }
    jd_fn_free(f);
    free(x);
}

static float *random_image(jd_rng *r, size_t n)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = 2 * jd_rng_uniform(r) - 1;
    return x;
}

static void one_net(uint64_t seed, int threads)
{
    jd_rng r = jd_rng_new(seed, "scan test", 0);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads, .seed = seed});
    char net[256];
    const int h = (int)pick(&r, 5, 24), w = pick(&r, 0, 2) ? h : (int)pick(&r, 5, 24);
    random_net(&r, net, h, w);
    const int64_t H = pick(&r, 1, 30), W = pick(&r, 1, 30), C = pick(&r, 1, 3);
    jd_scan_shape shape;
    if (jd_scan_check(ctx, net, h, w, C, &shape)) fail_msg("%s: %s", net, jd_error_message(ctx));
    const size_t n = (size_t)(H * W * shape.outputs);
    float *image = random_image(&r, (size_t)(H * W * C)), *want = malloc(n * sizeof *want),
          *got = malloc(n * sizeof *got);
    jd_params *params = jd_params_new(ctx, JD_F32);
    by_patches(ctx, params, net, image, H, W, C, h, w, want, shape.outputs);
    for (int tile = 0; tile < 2; tile++) {
        memset(got, 0xff, n * sizeof *got);
        jd_scanner *s = jd_scanner_new(
            ctx, params, &(jd_scan_options){.net = net, .height = h, .width = w, .channels = C, .tile = tile ? 9 : 0});
        if (jd_scan_image(s, image, H, W, got)) fail_msg("%s: %s", net, jd_error_message(ctx));
        if (memcmp(want, got, n * sizeof *got) != 0)
            for (size_t i = 0; i < n; i++)
                if (want[i] != got[i])
                    fail_msg("seed %d, %s on %dx%d, value %d: %.9g, by patches %.9g", (int)seed, net, h, w, (int)i,
                             (double)got[i], (double)want[i]);
        jd_scanner_free(s);
    }
    jd_params_free(params);
    jd_ctx_free(ctx);
    free(image), free(want), free(got);
}

static void test_random_nets(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) one_net(seed, seed % 3 == 0 ? 2 : 1);
}

/* The layouts of the papers, with few maps: step 8, 36 fragments with pools of 3 and 2, the 95-pixel net. */
static void test_papers(void **state)
{
    (void)state;
    static const struct {
        const char *net;
        int side, H, W;
    } c[] = {
        {"conv 4 4 tanh, maxpool 2, conv 4 4 tanh, maxpool 2, conv 4 4 tanh, maxpool 2, dense 12 tanh, dense 2", 53, 13,
         10},
        {"conv 3 3 tanh, maxpool 3, conv 4 2, maxpool 2, dense 3", 12, 17, 23},
        {"conv 2 4 scaled-tanh, maxpool 2, conv 2 5 scaled-tanh, maxpool 2, conv 2 4 scaled-tanh, maxpool 2, conv 2 4 "
         "scaled-tanh, maxpool 2, dense 9 scaled-tanh, dense 2",
         95, 21, 6}};
    for (int k = 0; k < 3; k++) {
        jd_rng r = jd_rng_new((uint64_t)k, "papers", 0);
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        char net[256];
        snprintf(net, sizeof net, "%s", c[k].net);
        const int64_t H = c[k].H, W = c[k].W, s = c[k].side;
        jd_scan_shape shape;
        assert_int_equal(jd_scan_check(ctx, net, s, s, 1, &shape), JD_OK);
        const size_t n = (size_t)(H * W * shape.outputs);
        float *image = random_image(&r, (size_t)(H * W)), *want = malloc(n * sizeof *want),
              *got = malloc(n * sizeof *got);
        jd_params *params = jd_params_new(ctx, JD_F32);
        by_patches(ctx, params, net, image, H, W, 1, s, s, want, shape.outputs);
        jd_scanner *scan =
            jd_scanner_new(ctx, params, &(jd_scan_options){.net = net, .height = s, .width = s, .channels = 1});
        assert_int_equal(jd_scan_image(scan, image, H, W, got), JD_OK);
        assert_memory_equal(want, got, n * sizeof *got);
        jd_scanner_free(scan);
        jd_params_free(params);
        jd_ctx_free(ctx);
        free(image), free(want), free(got);
    }
}

/* One tile wider than what the convolution works on at a time. */
static void test_wide(void **state)
{
    (void)state;
    enum { W = 610 };
    jd_rng r = jd_rng_new(9, "wide", 0);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *params = jd_params_new(ctx, JD_F32);
    static char net[] = "conv 3 2 tanh, maxpool 2, dense 2";
    static float want[2 * W], got[2 * W];
    float *image = random_image(&r, W);
    by_patches(ctx, params, net, image, 1, W, 1, 5, 5, want, 2);
    jd_scanner *s = jd_scanner_new(
        ctx, params, &(jd_scan_options){.net = net, .height = 5, .width = 5, .channels = 1, .tile = 2 * W});
    assert_int_equal(jd_scan_image(s, image, 1, W, got), JD_OK);
    assert_memory_equal(want, got, sizeof got);
    jd_scanner_free(s);
    jd_params_free(params);
    jd_ctx_free(ctx);
    free(image);
}

/* ---- gradients: one pass over an image is the sum over its windows ---------------------------------------------------*/

enum { SIDE = 14, GH = 8, GW = 12 };
static const char GRADIENT_NET[] = "conv 3 3 tanh, maxpool 2, conv 4 3 tanh, maxpool 2, dense 9 tanh, dense 2";

static void loss_of_windows(jd_graph *g, void *user)
{
    (void)user;
    jd_node y = jd_net(g, GRADIENT_NET, jd_arg(g, "x"), JD_NONE);
    jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_const(g, 1, JD_SCALAR), 0);
    jd_result(g, "loss", loss);
}

static void loss_of_image(jd_graph *g, void *user)
{
    const int *every = user;
    jd_node y = jd_scan_net_every(g, GRADIENT_NET, jd_arg(g, "x"), SIDE, SIDE, *every);
    jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_const(g, 1, JD_SCALAR), 0);
    jd_result(g, "loss", loss);
}

/* Of all pixels, or of those on a grid of `every`. */
static void check_gradient(int every)
{
    enum { H = GH + SIDE - 1, W = GW + SIDE - 1 };
    static float image[2][H][W], windows[2 * GH * GW][SIDE][SIDE];
    static int32_t label[2 * GH * GW];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    jd_rng r = jd_rng_new(4, "gradient", 0);
    for (int b = 0; b < 2; b++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) image[b][y][x] = 2 * jd_rng_uniform(&r) - 1;
    int n = 0;
    for (int b = 0; b < 2; b++)
        for (int y = 0; y < GH; y += every)
            for (int x = 0; x < GW; x += every, n++) {
                label[n] = (int32_t)jd_rng_below(&r, 3) - 1;
                for (int i = 0; i < SIDE; i++) memcpy(windows[n][i], &image[b][y + i][x], SIDE * sizeof(float));
            }
    jd_params *p[2];
    double loss[2];
    for (int k = 0; k < 2; k++) {
        p[k] = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p[k], k ? loss_of_image : loss_of_windows, &every);
        const jd_tensor in[2][2] = {
            {JD_TENSOR("x", JD_F32, windows, n, SIDE, SIDE, 1), JD_TENSOR("label", JD_I32, label, n)},
            {JD_TENSOR("x", JD_F32, image, 2, H, W, 1), JD_TENSOR("label", JD_I32, label, 2, GH / every, GW / every)}};
        assert_int_equal(jd_fn_run(f, in[k], 2), JD_OK);
        loss[k] = jd_fn_scalar(f, "loss");
        jd_fn_free(f);
    }
    assert_true(fabs(loss[0] - loss[1]) < 1e-6 * loss[0]);
    const float *a = jd_params_data(p[0]), *b = jd_params_data(p[1]);
    for (size_t i = 0; i < jd_params_count(p[0]); i++) assert_true(fabs((double)(a[i] - b[i])) < 2e-6);
    for (int k = 0; k < 2; k++) jd_params_free(p[k]);
    jd_ctx_free(ctx);
}

static void test_gradient(void **state)
{
    (void)state;
    check_gradient(1);
    check_gradient(2);
    check_gradient(4);
}

static void test_every(void **state)
{
    (void)state;
    static float image[(GH + SIDE - 1) * (GW + SIDE - 1)];
    static int32_t label[GH * GW];
    int every = 8;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, loss_of_image, &every);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, image, 1, GH + SIDE - 1, GW + SIDE - 1, 1),
                            JD_TENSOR("label", JD_I32, label, 1, 1, 1)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "every 8-th output"));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- streams, progress, refusals --------------------------------------------------------------------------------------*/

static const char SMALL[] = "conv 3 3 tanh, maxpool 2, conv 4 3, maxpool 2, dense 2";

typedef struct rows {
    int64_t H, W;
    int seen[40][40];
    int stop_at, reads, fail_read;
} rows;

static float pixel(int64_t y, int64_t x)
{
    return (float)((y * 7 + x * 13) % 17) / 17.f;
}
static jd_status read_rows(void *user, int64_t y, int64_t x, int64_t n, float *row)
{
    rows *r = user;
    assert_true(y >= 0 && y < r->H && x >= 0 && n > 0 && x + n <= r->W);
    if (r->fail_read && ++r->reads >= r->fail_read) return JD_EIO;
    for (int64_t i = 0; i < n; i++) row[i] = pixel(y, x + i);
    return JD_OK;
}
static jd_status write_rows(void *user, int64_t y, int64_t x, int64_t n, const float *row)
{
    rows *r = user;
    for (int64_t i = 0; i < n; i++) {
        r->seen[y][x + i]++;
        assert_true(isfinite(row[2 * i]));
        assert_true(fabs((double)row[2 * i] + (double)row[2 * i + 1] - 1) < 1e-6);
    }
    return JD_OK;
}
static bool stop(void *user, int64_t done, int64_t total)
{
    assert_true(done >= 1 && done <= total);
    return done == ((rows *)user)->stop_at;
}

static void test_stream(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *w = jd_params_new(ctx, JD_F32);
    rows r = {.H = 37, .W = 29};
    const jd_scan_options o = {.net = SMALL,
                               .height = 14,
                               .width = 14,
                               .channels = 1,
                               .softmax = true,
                               .tile = 12,
                               .progress = stop,
                               .user = &r};
    const jd_scan_stream im = {37, 29, read_rows, write_rows, &r};
    jd_scanner *s = jd_scanner_new(ctx, w, &o);
    assert_int_equal(jd_scan_run(s, &im), JD_OK);
    for (int y = 0; y < 37; y++)
        for (int x = 0; x < 29; x++) assert_int_equal(r.seen[y][x], 1);
    r.stop_at = 2;
    assert_int_equal(jd_scan_run(s, &im), JD_ESTOPPED);
    jd_error_clear(ctx);
    r.stop_at = 0;
    r.fail_read = 5;
    assert_int_equal(jd_scan_run(s, &im), JD_EIO);
    jd_error_clear(ctx);
    jd_scanner_free(s);
    /* weights of another net */
    s = jd_scanner_new(ctx, w, &(jd_scan_options){.net = "conv 3 3, dense 2", .height = 5, .width = 5, .channels = 1});
    float out[2 * 9], in[9] = {0};
    assert_int_equal(jd_scan_image(s, in, 3, 3, out), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "dense2/W"));
    jd_scanner_free(s);
    jd_params_free(w);
    jd_ctx_free(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *net, *word;
    } c[] = {{"conv 3 3 pad 1, dense 2", "conv1"},
             {"conv 3 9, dense 2", "does not fit"},
             {"conv 3 3, maxpool 4 ceil, dense 2", "maxpool2"},
             {"conv 3 3, maxpool 2", "3x3 cells"},
             {"mdlstm 3, dense 2", "mdlstm1"},
             {"conv 3 3, dense 2, polynomial x0*x1", "polynomial3"},
             {"dense 2, dense 2 residual", "dense2"},
             {"convo 3 3", "convo"},
             {"", "layer is missing"},
             {"conv 3 3, mean, dense 2", "mean2"}};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(jd_scan_check(ctx, c[i].net, 8, 8, 1, NULL), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), c[i].word)) fail_msg("%s: %s", c[i].net, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    assert_int_equal(jd_scan_check(ctx, "dense 2", 0, 8, 1, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    jd_scan_shape shape;
    assert_int_equal(
        jd_scan_check(ctx,
                      "conv 48 4 tanh, maxpool 2, conv 48 5 tanh, maxpool 2, conv 48 4 tanh, maxpool 2, conv 48 4 "
                      "tanh, maxpool 2, dense 200 tanh, dense 2",
                      95, 95, 1, &shape),
        JD_OK);
    assert_int_equal(shape.step, 16);
    assert_int_equal(shape.outputs, 2);
    assert_true(fabs(shape.macs * 512 * 512 / 31.8e12 - 1) < 0.005);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_nets), cmocka_unit_test(test_papers),
                                       cmocka_unit_test(test_wide),        cmocka_unit_test(test_gradient),
                                       cmocka_unit_test(test_every),       cmocka_unit_test(test_stream),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
