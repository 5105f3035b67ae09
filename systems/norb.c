/*
 * norb.c - "norb": a deep max-pooling net tells five kinds of toys apart, seen by two cameras from all sides.
 *
 * D. C. Ciresan, U. Meier, J. Masci, L. M. Gambardella, J. Schmidhuber, Flexible, high performance convolutional neural
 * networks for image classification, IJCAI 2011, on small NORB (Y. LeCun, F. J. Huang, L. Bottou, CVPR 2004): 24,300 pairs
 * of pictures of 25 toys to learn from, as many of 25 other toys to be tested on.  Pairs are averaged down to 48 x 48, as in
 * the paper, which has a fixed layer extract on- and off-centre contrasts first: a difference of two Gaussians.
 */
#include <math.h>
#include <stdio.h>

#include "committee.h"
#include "jackdaw/system.h"

enum { SIDE = 48 };

static const jd_setting settings[] = {
    {"net", {1, 2, 3}, "maps of the three convolutions: 1: 16-24-32, 2: 50-50-50, 3: 300-500-500"},
    {"contrast", {1, 1, 1}, "1: differences of Gaussians (widths 1 and 4 pixels) instead of the pictures themselves"},
    {"columns", {1, 1, 3}, "nets that begin with different weights"},
    {"epochs", {2, 8, 20}, "epochs of each column; each shows every pair once, moved anew"},
    {"batch", {30, 30, 30}, "pairs in a step"},
    {"lr", {0.02, 0.02, 0.02}, "learning rate at the start; it falls to 0 along a half cosine"},
    {"momentum", {0.9, 0.9, 0.9}, "of the gradient descent"},
    {"weight_decay", {1e-4, 1e-4, 1e-4}, "pull of the weights towards zero"},
    {"held_out", {4860, 4860, 4860}, "training pairs, whole toys, kept for validation; they are not learned"},
    {"shift", {2.4, 2.4, 2.4}, "each axis is moved by up to +- this, pixels: 5 %"},
    {"loaders", {1, 1, 1}, "threads that move pictures ahead of their use"},
    {NULL, {0}, NULL},
};

static const char *const names[] = {"animal", "human", "airplane", "truck", "car"};

/* 48 -> 44 -> 22 -> 18 -> 9 -> 6 -> 3 */
static const struct {
    int maps[3], hidden;
} nets[] = {{{16, 24, 32}, 100}, {{50, 50, 50}, 300}, {{300, 500, 500}, 500}};

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int net = (int)jd_run_setting(r, "net"), known = (int)(sizeof nets / sizeof *nets);
    if (net < 1 || net > known) return jd_fail(ctx, JD_EUSAGE, "net = %d; 1 to %d are possible", net, known);
    const int *maps = nets[net - 1].maps;
    char line[300];
    snprintf(line, sizeof line,
             "conv %d 5 scaled-tanh, maxpool 2, conv %d 5 scaled-tanh, maxpool 2, conv %d 4 scaled-tanh, "
             "maxpool 2, dense %d scaled-tanh, dense 5",
             maps[0], maps[1], maps[2], nets[net - 1].hidden);
    jd_run_config(r, "net", line);
    const committee_options o = {
        .pictures = {.side = SIDE,
                     .prepare = jd_run_setting(r, "contrast") != 0 ? "resize 48 48, surround 1 4" : "resize 48 48",
                     .held_out = (size_t)jd_run_setting(r, "held_out"),
                     .batch = (int64_t)jd_run_setting(r, "batch"),
                     .loaders = (int)jd_run_setting(r, "loaders"),
                     .deform = {.shift = (float)jd_run_setting(r, "shift"), .edge = true},
                     .seed = jd_run_seed(r)},
        .line = line,
        .net = {.momentum = jd_run_setting(r, "momentum"), .weight_decay = jd_run_setting(r, "weight_decay")},
        .columns = (int)jd_run_setting(r, "columns"),
        .class_names = names,
    };
    committee *c = committee_open(r, jd_run_data(r, "norb"), &o);
    if (!c) return jd_error(ctx);
    committee_train(c, jd_run_setting(r, "epochs"), (jd_schedule){.kind = JD_COSINE, .rate = jd_run_setting(r, "lr")});
    committee_report(c, 2.53);
    const jd_status status = jd_run_finish(r, c->error[COMMITTEE_MEAN], NULL);
    committee_close(c);
    return status;
}

const jd_system jd_system_norb = {
    .name = "norb",
    .year = 2011,
    .title = "A max-pooling net tells toys apart from any side, with two eyes",
    .paper = "Ciresan, Meier, Masci, Gambardella, Schmidhuber, IJCAI 2011",
    .metric = "test error, %",
    .higher = false,
    .paper_value = 2.53,
    .paper_note = "small NORB, after five epochs of a net with up to 500 maps a layer",
    .accept = {(double)NAN, (double)NAN, 4},
    .about =
        "Small NORB: fifty toys of five kinds, photographed by two cameras from 162 sides under six lights; the 25 "
        "toys of "
        "the test are others than those of the training. The two pictures of a pair are the two channels of one input; "
        "in the "
        "figures the left one is red, the right one green and blue, as for red-cyan glasses. A difference of Gaussians "
        "takes "
        "contrast out; three convolutions with max-pooling, hidden units and a softmax follow.\n\n"
        "The set must be brought by hand: `jackdaw data list norb` says from where.",
    .data = "norb",
    .settings = settings,
    .run = run,
};
