/* Lines of MNIST digits, read without telling where one digit ends: MDLSTM and CTC. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 32, SIDE = 28, LEAST = 3, MOST = 6, GAP_LEAST = -4, GAP_MOST = 8, SHIFT = 3, PER = 4 };

/* Digits of one part of MNIST, and the lines made of them: line i is a function of (seed, i). */
typedef struct source {
    jd_images images;
    size_t first, count; /* of the images */
    uint64_t seed;
    const char *purpose;
} source;

typedef struct line {
    int n, width;
    size_t image[MOST];
    int left[MOST], top[MOST];
} line;

static line plan(const source *s, uint32_t index)
{
    jd_rng rng = jd_rng_new(s->seed, s->purpose, index);
    line l = {.n = LEAST + (int)jd_rng_below(&rng, MOST - LEAST + 1)};
    int x = (int)jd_rng_below(&rng, GAP_MOST + 1);
    for (int i = 0; i < l.n; i++) {
        l.image[i] = s->first + jd_rng_below(&rng, (uint32_t)s->count);
        l.left[i] = x;
        l.top[i] = (ROWS - SIDE) / 2 + (int)jd_rng_below(&rng, 2 * SHIFT + 1) - SHIFT;
        x += SIDE + GAP_LEAST + (int)jd_rng_below(&rng, GAP_MOST - GAP_LEAST + 1);
    }
    l.width = l.left[l.n - 1] + SIDE + (int)jd_rng_below(&rng, GAP_MOST + 1);
    return l;
}

/* Pastes the digits; where two overlap the darker ink counts.  x (width,ROWS), column after column. */
static void make(void *user, uint32_t index, float *x)
{
    const source *s = user;
    const line l = plan(s, index);
    memset(x, 0, (size_t)l.width * ROWS * sizeof *x);
    for (int d = 0; d < l.n; d++) {
        const uint8_t *p = s->images.pixels + l.image[d] * SIDE * SIDE;
        for (int k = 0; k < SIDE; k++)
            for (int t = 0; t < SIDE; t++) {
                const int row = l.top[d] + k;
                if (row < 0 || row >= ROWS) continue;
                float *to = x + (l.left[d] + t) * ROWS + row;
                *to = fmaxf(*to, (float)p[k * SIDE + t] / 255.f);
            }
    }
}

/* A bag of n lines; `keep`: their pictures stay in memory.  The bag's ink holds the texts. */
static jd_status fill(jd_ctx *ctx, source *s, size_t n, bool keep, hand_bag *out)
{
    hand_bag bag = {.ctx = ctx, .width = ROWS, .per = PER, .most_labels = MOST, .make = make, .source = s};
    bag.items = jd_alloc_array(ctx, n, sizeof *bag.items);
    bag.label_room = jd_alloc_array(ctx, n, MOST * sizeof *bag.label_room);
    bag.ink = (jd_ink){
        .count = n, .items = jd_alloc_array(ctx, n, sizeof *bag.ink.items), .text = jd_alloc_array(ctx, n, MOST + 1)};
    if (keep) bag.frames = jd_alloc_array(ctx, n, sizeof *bag.frames);
    for (uint32_t i = 0; i < n && !jd_error(ctx); i++) {
        const line l = plan(s, i);
        int32_t *labels = bag.label_room + i * MOST;
        char *text = bag.ink.text + i * (MOST + 1);
        for (int d = 0; d < l.n; d++) {
            labels[d] = s->images.labels[l.image[d]];
            text[d] = (char)('0' + labels[d]);
        }
        bag.ink.items[i] = (jd_ink_sample){.id = "", .writer = "", .text = text};
        bag.items[i] =
            (hand_item){.ink = &bag.ink.items[i], .labels = labels, .labels_n = l.n, .steps = (int32_t)l.width};
        bag.n = i + 1;
        if (!keep) continue;
        bag.frames[i] = jd_alloc_array(ctx, (size_t)l.width, ROWS * sizeof(float));
        if (bag.frames[i]) make(s, i, bag.frames[i]);
        bag.items[i].x = bag.frames[i];
    }
    if (jd_error(ctx))
        hand_bag_close(&bag);
    else
        *out = bag;
    return jd_error(ctx);
}

typedef struct digits {
    jd_images train, test;
    source part[3]; /* training, validation: the last 5000 training images, test */
} digits;

static jd_status load(jd_run *r, void *data, hand_alphabet *a, hand_bag *train, hand_bag *valid, hand_bag *test)
{
    enum { HELD = 5000 };
    digits *d = data;
    jd_ctx *ctx = jd_run_ctx(r);
    const char *set = jd_run_data(r, "mnist");
    jd_run_stage(r, "making lines of digits");
    if (jd_load_images(ctx, set, JD_TRAIN, &d->train) || jd_load_images(ctx, set, JD_TEST, &d->test))
        return jd_error(ctx);
    if (d->train.height != SIDE || d->train.width != SIDE || d->train.channels != 1 || d->train.classes != 10 ||
        d->train.count < 2 * HELD || d->test.height != SIDE || d->test.width != SIDE || d->test.channels != 1)
        return jd_fail(ctx, JD_EUSAGE, "mnist-lines: %s is not made of grey pictures of 10 digits, 28 x 28", set);
    for (int i = 0; i < 10; i++) {
        a->code[i] = (uint32_t)('0' + i);
        a->name[i][0] = (char)('0' + i);
    }
    a->n = 10;
    a->name[10][0] = '-';
    const size_t n = d->train.count - HELD;
    d->part[0] = (source){d->train, 0, n, jd_run_seed(r), "mnist-lines/train"};
    d->part[1] = (source){d->train, n, HELD, 1, "mnist-lines/valid"};
    d->part[2] = (source){d->test, 0, d->test.count, 1, "mnist-lines/test"}; /* the same lines for every seed */
    if (!fill(ctx, &d->part[0], (size_t)jd_run_setting(r, "samples"), false, train) &&
        !fill(ctx, &d->part[1], (size_t)jd_run_setting(r, "valid_samples"), true, valid))
        fill(ctx, &d->part[2], (size_t)jd_run_setting(r, "test_samples"), true, test);
    return jd_error(ctx);
}

static jd_status run(jd_run *r)
{
    digits d = {0};
    const double clip = jd_run_setting(r, "cell_clip");
    hand_net net = {.ink = {.rows = ROWS},
                    .per = PER,
                    .gain = jd_run_setting(r, "gain"),
                    .name = "digit lines",
                    .load = load,
                    .data = &d};
    snprintf(net.spec, sizeof net.spec,
             "block 4 2, mdlstm %g peepholes clip %g, block 2 2, dense 6 tanh each, mdlstm %g peepholes clip %g, "
             "block 2 1, dense 20 tanh each, mdlstm %g peepholes clip %g, collapse",
             jd_run_setting(r, "units1"), clip, jd_run_setting(r, "units2"), clip, jd_run_setting(r, "units3"), clip);
    hand_run(r, &net);
    jd_images_free(jd_run_ctx(r), &d.train);
    jd_images_free(jd_run_ctx(r), &d.test);
    return jd_error(jd_run_ctx(r));
}

static const jd_setting settings[] = {
    {"samples", {4000, 20000, 200000}, "training lines"},
    {"valid_samples", {200, 500, 1000}, "validation lines"},
    {"test_samples", {500, 2000, 2000}, "test lines"},
    {"test", {1, 1, 1}, "1: measure on the test lines at the end"},
    {"validate", {1, 1, 1}, "epochs from one validation to the next"},
    {"epochs", {4, 6, 6}, "passes over the training lines"},
    {"units1", {2, 2, 4}, "cells a direction, first scan"},
    {"units2", {10, 10, 20}, "cells a direction, second scan"},
    {"units3", {50, 50, 100}, "cells a direction, third scan"},
    {"gain", {3, 3, 3}, "what ink of 1 counts as: about one deviation is 1 then"},
    {"cell_clip", {1, 1, 1}, "largest error of a pre-activation; RNNLIB's is 1"},
    {"batch", {16, 16, 32}, "lines a step"},
    {"rate", {4e-3, 3e-3, 2e-3}, "Adam's rate"},
    {"clip", {2, 2, 2}, "largest norm of the gradient"},
    {NULL},
};

const jd_system jd_system_mnist_lines = {
    .name = "mnist-lines",
    .year = 2008,
    .title = "Lines of handwritten digits: multi-dimensional LSTM and CTC",
    .paper = "Graves, Schmidhuber, NIPS 2008",
    .metric = "character error rate on lines of test digits (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "the paper reads Arabic town names, which need registration; the net has its sizes, 2, 10 and 50 cells",
    .accept = {NAN, 5, 1},
    .about =
        "Three to six MNIST digits, some touching, are pasted side by side onto a picture 32 pixels high. The net is "
        "told which digits there are, not where. LSTM cells in two dimensions scan it from all four corners at "
        "three levels; the last is added up over the height and read by connectionist temporal classification. "
        "Test lines are made of test digits only.",
    .data = "mnist",
    .settings = settings,
    .run = run,
};
