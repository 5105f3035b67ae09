/*
 * fashion_mpcnn.c - "fashion-mpcnn": the max-pooling convolutional net of 2011 on pictures of clothes.
 *
 * The network family is that of mnist_mpcnn.c (Ciresan, Meier, Masci, Gambardella, Schmidhuber, IJCAI 2011); the data,
 * Fashion-MNIST (Xiao, Rasul, Vollgraf, arXiv:1708.07747, 2017), are in a Debian package, so this one runs everywhere.
 */
#include <stdio.h>

#include "images.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { SIDE = 29, CLASSES = 10 };

static const jd_setting settings[] = {
    {"maps1", {20, 32, 64}, "maps of the first convolution, 4 x 4"},
    {"maps2", {40, 64, 128}, "maps of the second convolution, 5 x 5"},
    {"hidden", {150, 200, 400}, "units of the layer before the last"},
    {"epochs", {6, 20, 100}, "epochs; each shows every picture once"},
    {"batch", {50, 50, 50}, "pictures in a step"},
    {"lr", {0.05, 0.05, 0.05}, "learning rate at the start; it falls to 0 along a half cosine"},
    {"momentum", {0.9, 0.9, 0.9}, "of the gradient descent"},
    {"weight_decay", {1e-4, 2e-4, 5e-4}, "pull of the weights towards zero"},
    {"held_out", {0, 0, 0}, "training pictures kept for validation: for choosing settings"},
    {"mirror", {1, 1, 1}, "1: half of the pictures are mirrored left-right, anew in every epoch"},
    {"shift", {0, 1, 1}, "pictures are moved by up to so many pixels"},
    {"angle", {0, 0, 5}, "pictures are rotated by up to +- this, degrees"},
    {"loaders", {1, 1, 1}, "threads that prepare pictures ahead of their use"},
    {NULL, {0}, NULL},
};

static const char *const names[CLASSES] = {"T-shirt", "trousers", "pullover", "dress", "coat",
                                           "sandal",  "shirt",    "sneaker",  "bag",   "boot"};

/* x (B,29,29,1) -> (B,10) */
static jd_node network(jd_graph *g, const void *user, jd_node x)
{
    const jd_run *r = user;
    const int maps1 = (int)jd_run_setting(r, "maps1"), maps2 = (int)jd_run_setting(r, "maps2");
    x = jd_maxpool(g, jd_conv2d(g, "conv1", x, .maps = maps1, .size = 4, .act = JD_TANH),
                   .size = 2); /* (B,13,13,maps1) */
    x = jd_maxpool(g, jd_conv2d(g, "conv2", x, .maps = maps2, .size = 5, .act = JD_TANH),
                   .size = 3); /* (B,3,3,maps2) */
    x = jd_dense(g, "hidden", x, .units = (int64_t)jd_run_setting(r, "hidden"), .act = JD_TANH);
    return jd_dense(g, "out", x, .units = CLASSES);
}

static images *open_pictures(jd_run *r)
{
    const float shift = (float)jd_run_setting(r, "shift"), angle = (float)jd_run_setting(r, "angle");
    return images_open(jd_run_ctx(r), jd_run_data(r, "fashion-mnist"),
                       &(images_options){.side = SIDE,
                                         .held_out = (size_t)jd_run_setting(r, "held_out"),
                                         .batch = (int64_t)jd_run_setting(r, "batch"),
                                         .loaders = (int)jd_run_setting(r, "loaders"),
                                         .deform = {.mirror = jd_run_setting(r, "mirror") != 0,
                                                    .shift = shift,
                                                    .angle = angle,
                                                    .angle_small = angle},
                                         .seed = jd_run_seed(r)});
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    images *im = open_pictures(r);
    if (!im) return jd_error(ctx);
    char line[300];
    snprintf(
        line, sizeof line,
        "conv %d 4 tanh as conv1, maxpool 2, conv %d 5 tanh as conv2, maxpool 3, dense %d tanh as hidden, dense 10 as "
        "out",
        (int)jd_run_setting(r, "maps1"), (int)jd_run_setting(r, "maps2"), (int)jd_run_setting(r, "hidden"));
    images_describe(im, r, line, NULL, names);
    jd_params *w = jd_params_new(ctx, JD_F32);
    float *p = jd_alloc_array(ctx, im->test.count * CLASSES, sizeof *p);
    jd_train_result result = {0};

    images_net n = {.im = im,
                    .network = network,
                    .user = r,
                    .momentum = jd_run_setting(r, "momentum"),
                    .weight_decay = jd_run_setting(r, "weight_decay"),
                    .curve = im->valid.count ? "validation/error" : "test/error"};
    const double error = images_train(r, &n, w, jd_run_setting(r, "epochs"),
                                      (jd_schedule){JD_COSINE, jd_run_setting(r, "lr")}, p, &result);
    jd_run_save(r, w, result.steps, true);
    jd_run_extra(r, "train_seconds", result.seconds);
    if (w) jd_run_extra(r, "weights", (double)jd_params_count(w));
    images_report_curves(im, r, (const char *const[]){"validation/error", "test/error", NULL}, (double)NAN, "");
    if (im->deformed) images_report_deformed(im, r);
    images_report_test(im, r, p, names);
    images_report_filters(im, r, w, "conv1/W", 0);
    const jd_status status = jd_run_finish(r, 100 - error, NULL);

    jd_params_free(w);
    jd_free(ctx, p);
    images_close(im);
    return status;
}

const jd_system jd_system_fashion_mpcnn = {
    .name = "fashion-mpcnn",
    .year = 2011,
    .title = "A max-pooling convolutional net learns to tell clothes apart",
    .paper = "network: Ciresan, Meier, Masci, Gambardella, Schmidhuber, IJCAI 2011; data: Xiao, Rasul, Vollgraf, 2017",
    .metric = "test accuracy, %",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "the paper of the network is older than the data",
    .accept = {90, 91.5, 92.5},
    .about =
        "Fashion-MNIST: 60,000 pictures of clothes, shoes and bags of 28 x 28 pixels in ten classes to learn from, "
        "10,000 to be tested on. Two convolutions, each followed by max-pooling, a hidden layer and a softmax learn "
        "from the pixels alone.\n\n"
        "Look at the shirts: most of the mistakes confuse them with T-shirts, pullovers and coats.",
    .data = "fashion-mnist",
    .settings = settings,
    .run = run,
};
