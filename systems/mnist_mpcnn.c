/*
 * mnist_mpcnn.c - "mnist-mpcnn": a convolutional net with max-pooling that learns from digits deformed in every epoch.
 *
 * D. C. Ciresan, U. Meier, J. Masci, L. M. Gambardella, J. Schmidhuber, Flexible, high performance convolutional neural
 * networks for image classification, IJCAI 2011.
 *
 * In the paper's notation the smallest net is 1x29x29-20C4-MP2-40C5-MP3-150N-10N: 20 maps of 4 x 4 kernels, pooling over
 * 2 x 2, 40 maps of 5 x 5 over all 20, pooling over 3 x 3, 150 units, 10 classes; 76,040 weights.
 */
#include <stdio.h>

#include "images.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { SIDE = 29, CLASSES = 10 };

static const jd_setting settings[] = {
    {"net", {1, 2, 3}, "1: 20C4-MP2-40C5-MP3-150N, 2: 20C4-MP2-60C4-MP2-100C4-MP2-150N, 3: six convolutions"},
    {"epochs", {4, 40, 800}, "epochs; each shows every digit once, deformed anew"},
    {"batch", {50, 50, 1}, "digits in a step; the paper's 1 is exact online learning"},
    {"lr", {0.1, 0.1, 1e-3}, "learning rate at the start, for the mean gradient of a batch"},
    {"lr_factor", {0, 0, 0.993}, "what the rate is multiplied by after each epoch; 0: it falls along a half cosine"},
    {"lr_end", {1e-2, 1e-2, 3e-5}, "the smallest learning rate"},
    {"init", {0.05, 0.05, 0.05}, "weights and biases start uniform in +- this"},
    /* In few epochs a small net gains from deformations milder than the paper's: 0.5 % instead of 0.6 to 0.7 % on 10,000
     * training digits held out. */
    IMAGES_DIGITS(24, 28, 10),
    {NULL, {0}, NULL},
};

typedef struct cnn {
    int net;
    jd_init init;
} cnn;

/* Convolution, max-pooling over pool x pool (1: none), squashing.  The function increases, so squashing only the winners
 * gives the same values as squashing all before the pooling. */
static jd_node stage(jd_graph *g, const cnn *c, const char *name, jd_node x, int maps, int size, int pool)
{
    x = jd_conv2d(g, name, x, .maps = maps, .size = size, .init = c->init, .bias_init = c->init);
    if (pool > 1) x = jd_maxpool(g, x, .size = pool);
    return jd_activate(g, x, JD_SCALED_TANH);
}

/* (B,29,29,1) -> (B,3,3,40) */
static jd_node small_net(jd_graph *g, const cnn *c, jd_node x)
{
    x = stage(g, c, "conv1", x, 20, 4, 2);    /* 26, 13 */
    return stage(g, c, "conv2", x, 40, 5, 3); /* 9, 3 */
}

/* (B,29,29,1) -> (B,1,1,100) */
static jd_node middle_net(jd_graph *g, const cnn *c, jd_node x)
{
    x = stage(g, c, "conv1", x, 20, 4, 2);     /* 26, 13 */
    x = stage(g, c, "conv2", x, 60, 4, 2);     /* 10, 5 */
    return stage(g, c, "conv3", x, 100, 4, 2); /* 2, 1 */
}

/* (B,29,29,1) -> (B,1,1,120).  The map counts are those of the paper's deepest net, the kernel sizes ours. */
static jd_node deep_net(jd_graph *g, const cnn *c, jd_node x)
{
    x = stage(g, c, "conv1", x, 20, 4, 1);     /* 26 */
    x = stage(g, c, "conv2", x, 40, 3, 2);     /* 24, 12 */
    x = stage(g, c, "conv3", x, 60, 3, 1);     /* 10 */
    x = stage(g, c, "conv4", x, 80, 3, 2);     /* 8, 4 */
    x = stage(g, c, "conv5", x, 100, 3, 1);    /* 2 */
    return stage(g, c, "conv6", x, 120, 2, 1); /* 1 */
}

/* By setting "net". */
static const struct {
    const char *name; /* in the paper's notation */
    jd_node (*convolutions)(jd_graph *g, const cnn *c, jd_node x);
    const char *line; /* the same in the network language, for those who load the model */
} NETS[] = {
    {"1x29x29-20C4-MP2-40C5-MP3-150N-10N", small_net,
     "conv 20 4 as conv1, maxpool 2, scaled-tanh, conv 40 5 as conv2, maxpool 3, scaled-tanh"},
    {"1x29x29-20C4-MP2-60C4-MP2-100C4-MP2-150N-10N", middle_net,
     "conv 20 4 as conv1, maxpool 2, scaled-tanh, conv 60 4 as conv2, maxpool 2, scaled-tanh, conv 100 4 as conv3, "
     "maxpool 2, scaled-tanh"},
    {"1x29x29-20C4-40C3-MP2-60C3-80C3-MP2-100C3-120C2-150N-10N", deep_net,
     "conv 20 4 scaled-tanh as conv1, conv 40 3 as conv2, maxpool 2, scaled-tanh, conv 60 3 scaled-tanh as conv3, "
     "conv 80 3 as conv4, maxpool 2, scaled-tanh, conv 100 3 scaled-tanh as conv5, conv 120 2 scaled-tanh as conv6"},
};

static jd_node network(jd_graph *g, const void *user, jd_node x)
{
    const cnn *c = user;
    x = NETS[c->net - 1].convolutions(g, c, x);
    x = jd_dense(g, "hidden", x, .units = 150, .act = JD_SCALED_TANH, .init = c->init, .bias_init = c->init);
    return jd_dense(g, "out", x, .units = CLASSES, .init = c->init, .bias_init = c->init);
}

static jd_schedule schedule(jd_run *r, int64_t steps_per_epoch)
{
    const double factor = jd_run_setting(r, "lr_factor");
    return (jd_schedule){.kind = factor > 0 ? JD_FACTOR : JD_COSINE,
                         .rate = jd_run_setting(r, "lr"),
                         .end = jd_run_setting(r, "lr_end"),
                         .factor = factor,
                         .period = steps_per_epoch};
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int net = (int)jd_run_setting(r, "net"), nets = (int)(sizeof NETS / sizeof *NETS);
    if (net < 1 || net > nets) return jd_fail(ctx, JD_EUSAGE, "net = %d; 1 to %d are possible", net, nets);
    const cnn c = {.net = net, .init = {JD_INIT_UNIFORM, jd_run_setting(r, "init"), 0, 0}};
    images *im = images_open_digits(r, SIDE);
    if (!im) return jd_error(ctx);
    char line[500];
    snprintf(line, sizeof line, "%s, dense 150 scaled-tanh as hidden, dense 10 as out", NETS[net - 1].line);
    jd_run_config(r, "architecture", NETS[net - 1].name);
    images_describe(im, r, line, NULL, NULL);
    jd_params *w = jd_params_new(ctx, JD_F32);
    float *p = jd_alloc_array(ctx, im->test.count * CLASSES, sizeof *p);
    jd_train_result result = {0};

    images_net n = {.im = im,
                    .network = network,
                    .user = &c,
                    .curve = im->valid.count ? "validation/error" : "test/error",
                    .choose = jd_run_setting(r, "choose") != 0};
    const double error =
        images_train(r, &n, w, jd_run_setting(r, "epochs"), schedule(r, im->steps_per_epoch), p, &result);
    jd_run_save(r, w, result.steps, true);
    jd_run_extra(r, "train_seconds", result.seconds);
    if (w) jd_run_extra(r, "weights", (double)jd_params_count(w));
    images_report_curves(im, r, (const char *const[]){"validation/error", "test/error", NULL}, 0.35,
                         "The paper's test error after 1, 3 and 17 epochs was 2.42, 0.97 and 0.48 %.");
    images_report_deformed(im, r);
    images_report_test(im, r, p, NULL);
    images_report_filters(im, r, w, "conv1/W", 0);
    const jd_status status = jd_run_finish(r, error, NULL);

    jd_params_free(w);
    jd_free(ctx, p);
    images_close(im);
    return status;
}

const jd_system jd_system_mnist_mpcnn = {
    .name = "mnist-mpcnn",
    .year = 2011,
    .title = "Max-pooling convolutional nets for handwritten digits",
    .paper = "Ciresan, Meier, Masci, Gambardella, Schmidhuber, IJCAI 2011",
    .metric = "test error, %",
    .higher = false,
    .paper_value = 0.35,
    .paper_note =
        "the deepest net, 20 to 120 maps, trained online for hundreds of epochs; after 1, 3 and 17 epochs 2.42, "
        "0.97 and 0.48 %",
    .accept = {1.3, 0.6, 0.45},
    .about =
        "MNIST: 60,000 handwritten digits of 28 x 28 pixels to learn from, 10,000 to be tested on. Convolutions, each "
        "followed by max-pooling: of every small square only the strongest response goes on, and in learning only "
        "that winner gets an error. Then a layer of 150 units and a softmax; all weights are learned by gradient "
        "descent. Before every epoch all digits are deformed anew.\n\n"
        "Look at how few epochs it takes, and at the mistakes: many are hard for people too.",
    .data = "mnist",
    .settings = settings,
    .run = run,
};
