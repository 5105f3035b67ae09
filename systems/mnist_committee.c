/*
 * mnist_committee.c - "mnist-committee": columns for digits of different widths, averaged.
 *
 * D. Ciresan, U. Meier, J. Schmidhuber, Multi-column deep neural networks for image classification, CVPR 2012; with width
 * normalisation first in D. Ciresan, U. Meier, L. M. Gambardella, J. Schmidhuber, ICDAR 2011.
 *
 * A column is 1x29x29-20C4-MP2-40C5-MP3-150N-10N.  The paper has 35: digits as they are and with their ink 10, 12, 14, 16, 18
 * and 20 pixels wide, five nets each.
 */
#include "committee.h"
#include "jackdaw/system.h"

#include <stdio.h>

enum { SIDE = 29 };

static const jd_setting settings[] = {
    {"columns",
     {2, 5, 35},
     "columns: digits as they are, then 20, 16, 12, 18, 14, 10 wide, and again with other seeds"},
    {"limit", {10000, 0, 0}, "learn from the first so many digits only; 0: all that are not held out"},
    {"epochs", {5, 10, 100}, "epochs of a column; each shows every digit once, deformed anew"},
    {"batch", {50, 50, 50}, "digits in a step; the paper's 1 is exact online learning"},
    {"lr", {0.1, 0.1, 0.1}, "learning rate at the start; it falls along a half cosine"},
    {"lr_end", {1e-3, 1e-3, 1e-3}, "the last learning rate"},
    {"held_out", {0, 0, 0}, "training digits kept for validation: for choosing settings"},
    {"angle", {15, 15, 15}, "rotation or shear up to +- this, degrees; half of it for 1 and 7"},
    {"scale", {15, 15, 15}, "each axis is scaled by up to +- this, per cent"},
    {"shift", {1, 1, 1}, "each axis is moved by up to +- this, pixels"},
    {"alpha", {36, 36, 36}, "elastic deformation: strength, pixels, before a blur of width 5 to 6"},
    {"loaders", {1, 1, 1}, "threads that deform digits ahead of their use"},
    {NULL, {0}, NULL},
};

static const char NET[] =
    "conv 20 4 scaled-tanh, maxpool 2, conv 40 5 scaled-tanh, maxpool 3, dense 150 scaled-tanh, dense 10";

static void prepare(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME])
{
    static const int width[] = {0, 20, 16, 12, 18, 14, 10};
    const int w = width[column % 7];
    (void)user;
    line[0] = 0;
    snprintf(name, COMMITTEE_NAME, "as they are");
    if (!w) return;
    snprintf(line, COMMITTEE_LINE, "ink-width %d", w);
    snprintf(name, COMMITTEE_NAME, "%d wide", w);
}

static jd_status finish(committee *c)
{
    const double error = c->error[COMMITTEE_MEAN], ratio = c->single > 0 ? error / c->single : (double)NAN;
    jd_run_extra(c->r, "committee_over_single", ratio);
    char why[200];
    snprintf(why, sizeof why, "the committee's error is %.2f times the mean of its columns; 0.85 was to be reached",
             ratio);
    if (ratio > 0.85) jd_run_note(c->r, "%s", why);
    return jd_run_finish(c->r, error, ratio > 0.85 ? why : NULL);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_run_config(r, "net", NET);
    jd_deform_options d = jd_deform_mnist2010();
    d.alpha_min = d.alpha_max = (float)jd_run_setting(r, "alpha");
    d.angle = (float)jd_run_setting(r, "angle");
    d.angle_small = d.angle / 2;
    d.scale_min = d.scale_max = (float)jd_run_setting(r, "scale");
    d.shift = (float)jd_run_setting(r, "shift");
    const committee_options o = {
        .pictures = {.side = SIDE,
                     .ink = "20 mass",
                     .held_out = (size_t)jd_run_setting(r, "held_out"),
                     .limit = (size_t)jd_run_setting(r, "limit"),
                     .batch = (int64_t)jd_run_setting(r, "batch"),
                     .loaders = (int)jd_run_setting(r, "loaders"),
                     .deform = d,
                     .seed = jd_run_seed(r)},
        .line = NET,
        .columns = (int)jd_run_setting(r, "columns"),
        .prepare = prepare,
    };
    committee *c = committee_open(r, jd_run_data(r, "mnist"), &o);
    if (!c) return jd_error(ctx);
    committee_train(
        c, jd_run_setting(r, "epochs"),
        (jd_schedule){.kind = JD_COSINE, .rate = jd_run_setting(r, "lr"), .end = jd_run_setting(r, "lr_end")});
    committee_report(c, 0.23);
    const jd_status status = finish(c);
    committee_close(c);
    return status;
}

const jd_system jd_system_mnist_committee = {
    .name = "mnist-committee",
    .year = 2012,
    .title = "A committee of nets that see handwritten digits at different widths",
    .paper = "Ciresan, Meier, Schmidhuber, CVPR 2012",
    .metric = "test error of the committee, %",
    .higher = false,
    .paper_value = 0.23,
    .paper_note = "35 columns, 800 epochs each; with 7 columns 0.27 +- 0.02 (ICDAR 2011)",
    .accept = {2, 0.65, 0.33},
    .about = "MNIST: 60,000 handwritten digits to learn from, 10,000 to be tested on. Each column is a small "
             "max-pooling net; "
             "the columns see digits whose ink has been brought to different widths, are deformed differently in every "
             "epoch "
             "and begin with different weights. The mean of their probabilities decides.\n\n"
             "Look at the table: the committee should err at most 0.85 times as often as its columns do on average.",
    .data = "mnist",
    .settings = settings,
    .run = run,
};
