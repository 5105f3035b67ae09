/* Batches, padding, test and mistakes of the picture systems (systems/images.c), and that a run of them learns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../systems/images.c"
#include "../systems/images_report.c"
#include "jackdaw/layers.h"
#include "tmpdir.h"

enum { H = 5, W = 4, SIDE = 6, TRAIN = 23, TEST = 411, K = 3 };

/* Picture i has the pixels i + position, so that a batch tells which pictures it holds; its class is i mod 3. */
static jd_images pictures(jd_ctx *ctx, size_t n)
{
    jd_images s = {.count = n, .height = H, .width = W, .channels = 1, .classes = K};
    s.pixels = jd_alloc_array(ctx, n * H * W, 1);
    s.labels = jd_alloc_array(ctx, n, sizeof *s.labels);
    for (size_t i = 0; i < n; i++) {
        s.labels[i] = (int32_t)(i % K);
        for (size_t k = 0; k < H * W; k++) s.pixels[i * H * W + k] = (uint8_t)(i + k);
    }
    return s;
}

static images *make(jd_ctx *ctx, images_options o)
{
    o.side = SIDE;
    images *im = images_from(ctx, pictures(ctx, TRAIN), pictures(ctx, TEST), &o);
    assert_non_null(im);
    return im;
}

static void test_padding(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    images *im = make(ctx, (images_options){.batch = 5});
    float x[2 * SIDE * SIDE];
    images_plain(im, &im->test, 100, 2, x);
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                const float got = x[(n * SIDE + i) * SIDE + j];
                const bool inside = i < H && j < W;
                const double want = inside ? (100 + n + i * W + j) / 127.5 - 1 : -1;
                assert_true(fabs((double)got - want) < 1e-6);
            }
    images_close(im);
    jd_ctx_free(ctx);
}

/* The number of the picture in row b of a batch of undeformed pictures. */
static size_t which(const float *x, int64_t b)
{
    return (size_t)lrintf((x[b * SIDE * SIDE] + 1) * 127.5f);
}

static void test_epochs(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    images *im = make(ctx, (images_options){.batch = 4, .held_out = 3, .loaders = 2, .seed = 7});
    assert_int_equal(im->train.count, 20);
    assert_int_equal(im->valid.count, 3);
    assert_int_equal(im->steps_per_epoch, 5);
    assert_true(im->slots > im->loaders);
    assert_int_equal(im->valid.labels[0], 20 % K);
    assert_int_equal(im->valid.pixels[0], 20);
    size_t first[2][20];
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        int seen[TRAIN] = {0};
        for (int64_t s = 0; s < 5; s++) {
            jd_tensor in[2];
            assert_int_equal(images_next(im, epoch * 5 + s, (int)(s % im->slots), in), 2);
            assert_string_equal(in[0].name, "x");
            assert_int_equal(in[0].type.dim[0], 4);
            assert_int_equal(in[0].type.dim[1], SIDE);
            assert_int_equal(in[1].type.dtype, JD_I32);
            for (int64_t b = 0; b < 4; b++) {
                const size_t i = which(in[0].data, b);
                first[epoch][s * 4 + b] = i;
                assert_true(i < TRAIN);
                seen[i]++;
                assert_int_equal(((const int32_t *)in[1].data)[b], i % K);
            }
        }
        for (int i = 0; i < TRAIN; i++) assert_int_equal(seen[i], i < 20);
    }
    assert_memory_not_equal(first[0], first[1], sizeof first[0]); /* the second epoch has another order */
    images_close(im);
    jd_ctx_free(ctx);
}

/* A batch depends on the step alone: not on the slot, nor on what the slot held before. */
static void test_deformed_batches(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const jd_deform_options deform = {.angle = 20, .angle_small = 20, .shift = 1};
    images *im = make(ctx, (images_options){.batch = 4, .loaders = 1, .seed = 9, .deform = deform});
    assert_true(im->deformed);
    jd_tensor in[2], again[2], later[2];
    images_next(im, 3, 0, in);
    images_next(im, 40, 1, later);
    images_next(im, 3, 1, again);
    assert_memory_equal(in[0].data, again[0].data, 4 * SIDE * SIDE * sizeof(float));
    assert_memory_equal(in[1].data, again[1].data, 4 * sizeof(int32_t));
    images_next(im, 3 + im->steps_per_epoch, 1, again);
    assert_memory_not_equal(in[0].data, again[0].data, 4 * SIDE * SIDE * sizeof(float));
    im->deformed = false; /* the control of mnist-mlp */
    images_next(im, 3, 2, again);
    float x[SIDE * SIDE];
    images_plain(im, &im->train, which(again[0].data, 0), 1, x);
    assert_memory_equal(again[0].data, x, sizeof x);
    images_close(im);
    jd_ctx_free(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const images_options bad[] = {
        {.side = 4, .batch = 2},                       /* smaller than the pictures */
        {.side = SIDE, .batch = 2, .held_out = TRAIN}, /* nothing left */
        {.side = SIDE, .batch = 0},                    /* no batch */
        {.side = SIDE, .batch = 22, .held_out = 2},    /* less than a batch */
        {.side = SIDE, .batch = 9, .limit = 8},        /* less than a batch */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(images_from(ctx, pictures(ctx, TRAIN), pictures(ctx, TEST), &bad[i]));
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    jd_images other = pictures(ctx, TEST);
    other.height = W;
    other.width = H;
    assert_null(images_from(ctx, pictures(ctx, TRAIN), other, &(images_options){.side = SIDE, .batch = 2}));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    jd_error_clear(ctx);
    assert_null(images_open(ctx, "no-such-set", &(images_options){.side = SIDE, .batch = 2}));
    assert_int_not_equal(jd_error(ctx), JD_OK);
    jd_ctx_free(ctx);
}

/* Answers by the brightness of the first pixel: p = softmax(c, 0, -c), where c is negative for dark pictures. */
static void by_brightness(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x");
    const int64_t B = jd_dim(g, x, 0);
    const jd_node c = jd_slice(g, jd_reshape(g, x, JD_DIMS(B, SIDE * SIDE)), 1, 0, 1);
    const jd_node logits[] = {c, jd_const(g, 0, JD_DIMS(B, 1)), jd_neg(g, c)};
    jd_result(g, "p", jd_softmax(g, jd_concat(g, logits, 3, 1)));
}

static void test_error(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    images *im = make(ctx, (images_options){.batch = 4});
    jd_fn *f = jd_fn_new(ctx, NULL, by_brightness, NULL);
    float *p = jd_alloc_array(ctx, TEST * K, sizeof *p);
    const double error = images_error(im, f, &im->test, p);
    int wrong = 0; /* 411 pictures: more than two batches, the last one smaller */
    for (size_t i = 0; i < TEST; i++) wrong += im->test.labels[i] != (im->test.pixels[i * H * W] > 127 ? 0 : 2);
    assert_true(wrong > 100 && wrong < 400);
    assert_true(fabs(error - 100.0 * wrong / TEST) < 1e-9);
    for (size_t i = 0; i < TEST; i++)
        assert_true(fabs((double)p[i * K] + (double)p[i * K + 1] + (double)p[i * K + 2] - 1) < 1e-5);

    uint32_t worst[50];
    assert_int_equal(images_worst(&im->test, p, worst, 50), 50);
    float last = -1;
    for (int k = 0; k < 50; k++) {
        const float mine = p[worst[k] * K + (uint32_t)im->test.labels[worst[k]]];
        assert_true(mine >= last);
        last = mine;
        for (int j = 0; j < k; j++) assert_int_not_equal(worst[j], worst[k]);
    }
    int below = 0; /* none of the mistakes that were left out is worse */
    for (size_t i = 0; i < TEST; i++) {
        const int said = im->test.pixels[i * H * W] > 127 ? 0 : 2;
        below += said != im->test.labels[i] && p[i * K + (size_t)im->test.labels[i]] < last;
    }
    assert_true(below <= 49);
    jd_fn_free(f);
    jd_free(ctx, p);
    images_close(im);
    jd_ctx_free(ctx);
}

static jd_node net(jd_graph *g)
{
    return jd_dense(g, "out", jd_dense(g, "hidden", jd_arg(g, "x"), .units = 8, .act = JD_SCALED_TANH), .units = K);
}

static void learn(jd_graph *g, void *user)
{
    (void)user;
    const jd_node loss = jd_softmax_xent(g, net(g), jd_arg(g, "y"));
    jd_result(g, "loss", loss);
    jd_update_sgd(g, loss, jd_arg(g, "lr"));
}

static void predict(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "p", jd_softmax(g, net(g)));
}

/* Class k is a bright row k: a small net must learn it through jd_train with a loader thread, and the report must hold
 * what the functions promise. */
static void test_learning(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2});
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "images", .dir = tmpdir_path, .seed = 3});
    assert_non_null(r);
    jd_images train = pictures(ctx, 240), test = pictures(ctx, 60);
    jd_images *const both[] = {&train, &test};
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < both[s]->count; i++)
            for (size_t k = 0; k < H * W; k++)
                both[s]->pixels[i * H * W + k] = (uint8_t)(k / W == 1 + i % K ? 200 + i % 50 : (i * 7 + k * 13) % 60);
    images *im = images_from(ctx, train, test,
                             &(images_options){.side = SIDE,
                                               .batch = 8,
                                               .held_out = 40,
                                               .loaders = 1,
                                               .deform = {.shift = 0.3f, .angle = 4, .angle_small = 4}});
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, predict, NULL);
    jd_train(r, w,
             &(jd_train_options){.trace = learn,
                                 .user = im,
                                 .steps = 6 * im->steps_per_epoch,
                                 .batch = images_next,
                                 .loaders = im->loaders,
                                 .slots = im->slots,
                                 .lr = {.kind = JD_CONSTANT, .rate = 0.2}},
             NULL);
    float p[60 * K];
    assert_true(images_error(im, f, &im->test, p) < 2);
    assert_true(images_error(im, f, &im->valid, NULL) < 5);
    images_report_curves(im, r, (const char *const[]){"train/loss", "not logged", NULL}, 0.35, "Curves.");
    images_report_deformed(im, r);
    images_report_test(im, r, p, NULL);
    images_report_filters(im, r, w, "hidden/W", SIDE);
    assert_int_equal(jd_error(ctx), JD_OK);
    size_t bytes;
    char *html = jd_report_html(jd_run_report(r), &bytes);
    assert_non_null(strstr(html, "weights of all 8 units"));
    assert_non_null(strstr(html, "Where it errs"));
    assert_non_null(strstr(html, "What it learned from"));
    jd_free(ctx, html);
    jd_fn_free(f);
    jd_params_free(w);
    images_close(im);
    jd_run_free(r);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_deformed_batches),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_error),
        cmocka_unit_test_setup_teardown(test_learning, tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
