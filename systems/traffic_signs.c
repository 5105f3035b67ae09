/*
 * traffic_signs.c - "traffic-signs": a committee of max-pooling nets that tells traffic signs apart.
 *
 * D. Ciresan, U. Meier, J. Masci, J. Schmidhuber, "A committee of neural networks for traffic sign classification", IJCNN
 * 2011; "Multi-column deep neural network for traffic sign classification", Neural Networks 32, 2012.  Data: J. Stallkamp, M.
 * Schlipsing, J. Salmen, C. Igel, "Man vs. computer", Neural Networks 32, 2012.
 *
 * The paper's columns are 3x48x48-100C7-MP2-150C4-MP2-250C4-MP2-300N-43N; ours see 32 x 32 pixels and have smaller kernels.
 */
#include "committee.h"
#include "jackdaw/prepare.h"
#include "jackdaw/system.h"

#include <stdio.h>

static const jd_setting settings[] = {
    {"net", {1, 2, 3}, "1: 16C5-32C3-48C3-100N, 2: 24C5-48C3-96C3-100N, 3: 100C5-150C3-250C3-300N, each C with MP2"},
    {"columns", {2, 5, 25}, "columns: original, histeq, imadjust, adapthisteq, conorm, and again with other seeds"},
    {"epochs", {6, 20, 60}, "epochs of a column; each shows every picture once, deformed anew"},
    {"batch", {25, 25, 25}, "pictures in a step; the paper's 1 is exact online learning"},
    {"lr", {0.02, 0.02, 0.02}, "learning rate at the start; it falls to 0 along a half cosine"},
    {"momentum", {0.9, 0.9, 0.9}, "of the gradient descent"},
    {"weight_decay", {0, 0, 0}, "pull of the weights towards zero"},
    {"held_out", {0, 0, 0}, "training pictures, whole tracks, kept for validation: for choosing settings"},
    {"angle", {10, 10, 10}, "pictures are rotated by up to +- this, degrees"},
    {"scale", {15, 15, 15}, "each axis is scaled by up to +- this, per cent"},
    {"shift", {3, 3, 3}, "each axis is moved by up to +- this, pixels"},
    {"loaders", {1, 1, 1}, "threads that deform pictures ahead of their use"},
    {NULL, {0}, NULL},
};

/* The classes of the data set, in its order. */
static const char *const names[] = {
    "20 km/h",        "30 km/h",     "50 km/h",    "60 km/h",     "70 km/h",      "80 km/h",    "end 80",
    "100 km/h",       "120 km/h",    "no passing", "no p. lorry", "right of way", "priority",   "yield",
    "stop",           "no vehicles", "no lorries", "no entry",    "danger",       "bend left",  "bend right",
    "bends",          "bumps",       "slippery",   "narrow",      "road works",   "signals",    "pedestrians",
    "children",       "bicycles",    "snow",       "deer",        "end limits",   "turn right", "turn left",
    "ahead",          "ahead/right", "ahead/left", "keep right",  "keep left",    "roundabout", "end no p.",
    "end no p. lorry"};

/* The last is the paper's, for the pictures as they are distributed (--data gtsrb). */
static const struct {
    const char *net;
    int side;
} nets[] = {
    {"conv 16 5 scaled-tanh, maxpool 2, conv 32 3 scaled-tanh, maxpool 2, conv 48 3 scaled-tanh, maxpool 2, "
     "dense 100 scaled-tanh, dense 43",
     32},
    {"conv 24 5 scaled-tanh, maxpool 2, conv 48 3 scaled-tanh, maxpool 2, conv 96 3 scaled-tanh, maxpool 2, "
     "dense 100 scaled-tanh, dense 43",
     32},
    {"conv 100 5 scaled-tanh, maxpool 2, conv 150 3 scaled-tanh, maxpool 2, conv 250 3 scaled-tanh, maxpool 2, "
     "dense 300 scaled-tanh, dense 43",
     32},
    {"conv 100 7 scaled-tanh, maxpool 2, conv 150 4 scaled-tanh, maxpool 2, conv 250 4 scaled-tanh, maxpool 2, "
     "dense 300 scaled-tanh, dense 43",
     48},
};

/* Tiles of 8 x 8 pixels: of the paper's 6 x 6 at 48 x 48 too few pixels would remain at 32 x 32.  Larger pictures are made
 * smaller first, as in the paper. */
static void prepare(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME])
{
    static const jd_contrast_kind order[JD_CONTRAST_KINDS] = {JD_CONTRAST_NONE, JD_CONTRAST_HISTEQ, JD_CONTRAST_STRETCH,
                                                              JD_CONTRAST_ADAPTIVE, JD_CONTRAST_EDGES};
    const jd_contrast_kind kind = order[column % JD_CONTRAST_KINDS];
    const int side = *(const int *)user;
    snprintf(name, COMMITTEE_NAME, "%s", jd_contrast_name(kind));
    int n = snprintf(line, COMMITTEE_LINE, "resize %d %d", side, side);
    if (kind != JD_CONTRAST_NONE) n += snprintf(line + n, COMMITTEE_LINE - (size_t)n, ", %s", name);
    if (kind == JD_CONTRAST_ADAPTIVE)
        snprintf(line + n, COMMITTEE_LINE - (size_t)n, " tile %d clip 0.03", side > 32 ? 6 : 8);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int net = (int)jd_run_setting(r, "net") - 1, known = (int)(sizeof nets / sizeof *nets);
    if (net < 0 || net >= known) return jd_fail(ctx, JD_EUSAGE, "net = %d; 1 to %d are possible", net + 1, known);
    jd_run_config(r, "net", nets[net].net);
    const float angle = (float)jd_run_setting(r, "angle"), scale = (float)jd_run_setting(r, "scale");
    const committee_options o = {
        .pictures = {.side = nets[net].side,
                     .held_out = (size_t)jd_run_setting(r, "held_out"),
                     .batch = (int64_t)jd_run_setting(r, "batch"),
                     .loaders = (int)jd_run_setting(r, "loaders"),
                     .deform = {.angle = angle,
                                .angle_small = angle,
                                .scale_min = scale,
                                .scale_max = scale,
                                .shift = (float)jd_run_setting(r, "shift"),
                                .edge = true},
                     .seed = jd_run_seed(r)},
        .line = nets[net].net,
        .net = {.momentum = jd_run_setting(r, "momentum"), .weight_decay = jd_run_setting(r, "weight_decay")},
        .columns = (int)jd_run_setting(r, "columns"),
        .class_names = names,
        .prepare = prepare,
        .user = &nets[net].side,
    };
    committee *c = committee_open(r, jd_run_data(r, "gtsrb32"), &o);
    if (!c) return jd_error(ctx);
    committee_train(c, jd_run_setting(r, "epochs"), (jd_schedule){.kind = JD_COSINE, .rate = jd_run_setting(r, "lr")});
    jd_run_extra(r, "human_error", 1.16);
    committee_report(c, 0.54);
    const jd_status status = jd_run_finish(r, c->error[COMMITTEE_MEAN], NULL);
    committee_close(c);
    return status;
}

const jd_system jd_system_traffic_signs = {
    .name = "traffic-signs",
    .year = 2011,
    .title = "A committee of max-pooling nets recognises traffic signs",
    .paper = "Ciresan, Meier, Masci, Schmidhuber, IJCNN 2011 and Neural Networks 32, 2012",
    .metric = "test error of the committee, %",
    .higher = false,
    .paper_value = 0.54,
    .paper_note = "25 columns on 48 x 48 pixels, all 39,209 training and 12,630 test pictures; people erred on 1.16 % "
                  "of them. Our data are a sixth of the training pictures, at 32 x 32, and 4,000 of the test pictures",
    .accept = {5, 3, 2},
    .about =
        "German traffic signs photographed from a car, 43 classes: 6,535 pictures to learn from, five of each pass of "
        "a "
        "sign, and 4,000 to be tested on, all resized to 32 x 32 pixels; the box of the sign is cut out. A column is a "
        "net of three convolutions with max-pooling, a layer of hidden units and a softmax. The columns see the same "
        "pictures with their contrast normalised in different ways and begin with different weights; the mean of their "
        "probabilities decides. In every epoch all pictures are shifted, rotated and scaled anew.\n\n"
        "Look at the speed limits among the mistakes, and at how dark some of the pictures are that are still told "
        "apart. People erred on 1.16 % of the benchmark's test set.",
    .data = "gtsrb32",
    .settings = settings,
    .run = run,
};
