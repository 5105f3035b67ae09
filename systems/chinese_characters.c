/*
 * chinese_characters.c - "chinese-characters": max-pooling nets read handwritten Chinese characters that look alike.
 *
 * D. Ciresan, U. Meier, J. Schmidhuber, CVPR 2012; D. Ciresan, J. Schmidhuber, "Multi-column deep neural networks for offline
 * handwritten Chinese character classification", arXiv:1309.0261, 2013.  Data: C.-L. Liu, F. Yin, D.-H. Wang, Q.-F. Wang,
 * "CASIA online and offline Chinese handwriting databases", ICDAR 2011.
 *
 * The paper's net is 1x48x48-100C3-MP2-200C2-MP2-300C2-MP2-400C2-MP2-500N-3755N.
 */
#include "committee.h"
#include "jackdaw/system.h"

#include <stdio.h>

static const jd_setting settings[] = {
    {"net",
     {1, 2, 3},
     "1: 16C3-24C2-32C2-48C2-100N, 2: 32C3-64C2-96C2-128C2-256N, 3: 100C3-200C2-300C2-400C2-500N, with MP2"},
    {"columns", {1, 2, 5}, "columns, each with first weights, an order and deformations of its own"},
    {"epochs", {3, 30, 60}, "epochs of a column; each shows every character once, deformed anew"},
    {"batch", {25, 25, 25}, "characters in a step"},
    {"lr", {0.02, 0.02, 0.02}, "learning rate at the start; it falls to 0 along a half cosine"},
    {"momentum", {0.9, 0.9, 0.9}, "of the gradient descent"},
    {"weight_decay", {5e-4, 5e-4, 5e-4}, "pull of the weights towards zero"},
    {"held_out", {0, 0, 0}, "training characters kept for validation: for choosing settings"},
    {"angle", {5, 10, 10}, "characters are rotated or sheared by up to +- this, degrees"},
    {"scale", {10, 10, 10}, "each axis is scaled by up to +- this, per cent"},
    {"shift", {2, 2, 2}, "each axis is moved by up to +- this, pixels"},
    {"alpha", {20, 40, 40}, "elastic deformation: strength, pixels, before a blur of width 5 to 6; 0: none"},
    {"loaders", {1, 1, 1}, "threads that deform characters ahead of their use"},
    {NULL, {0}, NULL},
};

static const char *const nets[] = {
    "conv 16 3 scaled-tanh, maxpool 2, conv 24 2 scaled-tanh, maxpool 2, conv 32 2 scaled-tanh, maxpool 2, "
    "conv 48 2 scaled-tanh, maxpool 2, dense 100 scaled-tanh, dense ",
    "conv 32 3 scaled-tanh, maxpool 2, conv 64 2 scaled-tanh, maxpool 2, conv 96 2 scaled-tanh, maxpool 2, "
    "conv 128 2 scaled-tanh, maxpool 2, dense 256 scaled-tanh, dense ",
    "conv 100 3 scaled-tanh, maxpool 2, conv 200 2 scaled-tanh, maxpool 2, conv 300 2 scaled-tanh, maxpool 2, "
    "conv 400 2 scaled-tanh, maxpool 2, dense 500 scaled-tanh, dense ",
};

/* The pictures are scaled and centred in the data set, as in the paper. */
static void prepare(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME])
{
    (void)user;
    line[0] = 0;
    snprintf(name, COMMITTEE_NAME, "seed %d", column + 1);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int net = (int)jd_run_setting(r, "net"), known = (int)(sizeof nets / sizeof *nets);
    if (net < 1 || net > known) return jd_fail(ctx, JD_EUSAGE, "net = %d; 1 to %d are possible", net, known);
    const char *data = jd_run_data(r, "hwdb100");
    const jd_dataset *set = jd_dataset_find(ctx, data); /* "hwdb" has all 3,755 classes */
    if (!set) return jd_error(ctx);
    char text[300];
    snprintf(text, sizeof text, "%s%d", nets[net - 1], set->classes);
    jd_run_config(r, "net", text);
    const float angle = (float)jd_run_setting(r, "angle"), scale = (float)jd_run_setting(r, "scale");
    const float alpha = (float)jd_run_setting(r, "alpha");
    const committee_options o = {
        .pictures = {.side = 48,
                     .ink = "40 box",
                     .held_out = (size_t)jd_run_setting(r, "held_out"),
                     .batch = (int64_t)jd_run_setting(r, "batch"),
                     .loaders = (int)jd_run_setting(r, "loaders"),
                     .deform = {.sigma_min = 5,
                                .sigma_max = 6,
                                .alpha_min = alpha,
                                .alpha_max = alpha,
                                .angle = angle,
                                .angle_small = angle,
                                .shear = true,
                                .scale_min = scale,
                                .scale_max = scale,
                                .shift = (float)jd_run_setting(r, "shift")},
                     .seed = jd_run_seed(r)},
        .line = text,
        .net = {.momentum = jd_run_setting(r, "momentum"), .weight_decay = jd_run_setting(r, "weight_decay")},
        .columns = (int)jd_run_setting(r, "columns"),
        .prepare = prepare,
    };
    committee *c = committee_open(r, data, &o);
    if (!c) return jd_error(ctx);
    committee_train(c, jd_run_setting(r, "epochs"), (jd_schedule){.kind = JD_COSINE, .rate = jd_run_setting(r, "lr")});
    if (!jd_error(ctx)) jd_run_extra(r, "top10_error", committee_error(&c->test, c->mean, 10));
    committee_report(c, 6.5);
    const jd_status status = jd_run_finish(r, c->error[COMMITTEE_MEAN], NULL);
    committee_close(c);
    return status;
}

const jd_system jd_system_chinese_characters = {
    .name = "chinese-characters",
    .year = 2012,
    .title = "Max-pooling nets read handwritten Chinese characters",
    .paper = "Ciresan, Meier, Schmidhuber, CVPR 2012; Ciresan, Schmidhuber, arXiv:1309.0261, 2013",
    .metric = "test error, %",
    .higher = false,
    .paper_value = 6.5,
    .paper_note = "a committee for all 3,755 classes of HWDB1.1 (4.2 % in the contest of 2013, where people erred on "
                  "3.9 %); ours are 100 classes that look alike",
    .accept = {20, 6, 4},
    .about =
        "A hundred Chinese characters, most of them neighbours in the dictionary that share their radical, written by "
        "hand: 23,967 to learn from, 4,000 to be tested on, scaled to 40 x 40 and centred in 48 x 48 pixels. Four "
        "convolutions, each followed by max-pooling, a layer of hidden units and a softmax; in every epoch all "
        "characters are shifted, scaled, rotated or sheared and bent anew.\n\n"
        "Look at the mistakes: often one stroke decides.",
    .data = "hwdb100",
    .settings = settings,
    .run = run,
};
