/* Connected online handwriting: bidirectional LSTM and CTC on real words and lines by unseen writers. */
#include "handwriting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 4, WORST = 24 };

typedef struct online {
    jd_run *r;
    jd_ctx *ctx;
    hand_alphabet alphabet;
    int64_t units[LEVELS];
    int levels, join; /* join: pairs of steps become one after this level; 0: never */
    double dropout, noise;
    jd_ink_reader *reader;
    hand_bag train, valid, test;
    hand_feed feed;
    jd_params *params;
    jd_fn *look;
} online;

/* (T,B,C) -> (T/2,B,2C) */
static jd_node join_pairs(jd_graph *g, jd_node x)
{
    const int64_t T = jd_dim(g, x, 0), B = jd_dim(g, x, 1), C = jd_dim(g, x, 2);
    x = jd_transpose(g, jd_reshape(g, x, JD_DIMS(T / 2, 2, B, C)), (const int[]){0, 2, 1, 3});
    return jd_reshape(g, x, JD_DIMS(T / 2, B, 2 * C));
}

/* Logits (T,B,K) or, after joining, (T/2,B,K); *steps: their lengths. */
static jd_node model(jd_graph *g, const online *o, jd_node *steps)
{
    char name[24];
    jd_node length = jd_arg(g, "length"), half = jd_arg(g, "half");
    jd_node y = jd_gauss_noise(g, "noise", jd_arg(g, "x"), o->noise); /* (T,B,width) */
    for (int i = 0; i < o->levels; i++) {
        snprintf(name, sizeof name, "level%d", i + 1);
        y = jd_blstm(g, name, y, .units = o->units[i], .length = length); /* (T,B,2H) */
        snprintf(name, sizeof name, "dropout%d", i + 1);
        y = jd_dropout(g, name, y, o->dropout);
        if (o->join == i + 1) {
            y = join_pairs(g, y);
            length = half;
        }
    }
    *steps = length;
    return jd_dense(g, "out", y, .units = o->alphabet.n + 1);
}

static void trace_step(jd_graph *g, void *user)
{
    const online *o = user;
    jd_node steps;
    const jd_node logits = model(g, o, &steps);
    const jd_node each = jd_ctc(g, logits, jd_arg(g, "labels"), steps, jd_arg(g, "label_length"), o->alphabet.n);
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = jd_run_setting(o->r, "clip"));
}

static void trace_look(jd_graph *g, void *user)
{
    jd_node steps;
    jd_result(g, "logits", model(g, user, &steps));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return hand_feed_next(&((online *)user)->feed, step, slot, in);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------- */

typedef struct scores {
    hand_score all, seen, unseen;
    hand_reading *readings; /* (bag->n), or NULL: not kept */
} scores;

static void add_edits(hand_score *s, const hand_item *item, const jd_edits *e)
{
    s->samples++;
    s->right += e->total == 0;
    s->labels += item->labels_n;
    s->errors += (int64_t)e->total;
    s->substitutions += (int64_t)e->substitutions;
    s->insertions += (int64_t)e->insertions;
    s->deletions += (int64_t)e->deletions;
}

static jd_status score_batch(online *o, const hand_bag *bag, const uint32_t *index, const hand_batch *b, scores *out)
{
    const size_t K = (size_t)o->alphabet.n + 1, T = (size_t)b->T;
    const float *logits = jd_fn_result(o->look, "logits", NULL);
    int32_t *found = jd_alloc_array(o->ctx, T, sizeof *found);
    for (size_t i = 0; logits && found && i < (size_t)b->B && !jd_error(o->ctx); i++) {
        const hand_item *item = &bag->items[index[i]];
        const size_t steps = (size_t)(o->join ? b->half[i] : b->length[i]);
        const size_t n = jd_ctc_best_path(logits + i * K, (size_t)b->B * K, steps, K, o->alphabet.n, found);
        const jd_edits e = jd_edit_distance(o->ctx, item->labels, (size_t)item->labels_n, found, n);
        if (jd_error(o->ctx)) break;
        add_edits(&out->all, item, &e);
        add_edits(item->seen ? &out->seen : &out->unseen, item, &e);
        if (!out->readings) continue;
        hand_reading *r = &out->readings[index[i]];
        *r = (hand_reading){.item = index[i], .found_n = (int32_t)n, .errors = (int32_t)e.total};
        r->found = jd_alloc_array(o->ctx, n + 1, sizeof *found);
        if (r->found) memcpy(r->found, found, n * sizeof *found);
    }
    jd_free(o->ctx, found);
    return jd_error(o->ctx);
}

/* Reads all of a bag. */
static jd_status measure(online *o, const hand_bag *bag, scores *out)
{
    jd_ctx *ctx = o->ctx;
    int32_t *length = jd_alloc_array(ctx, bag->n, sizeof *length);
    for (size_t i = 0; length && i < bag->n; i++) length[i] = bag->items[i].steps;
    jd_batches all = {0};
    hand_batch b = {0};
    jd_batches_make(ctx, &(jd_batches_options){.count = bag->n, .batch = 32, .length = length}, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        jd_tensor in[6];
        if (hand_batch_fill(bag, index, all.offset[k + 1] - all.offset[k], &b)) break;
        hand_batch_inputs(&b, in);
        if (jd_fn_run(o->look, in, 3) || score_batch(o, bag, index, &b, out)) break;
        if (jd_run_progress(o->r, (double)(k + 1), (double)all.count, "measuring")) jd_run_stopped(o->r);
    }
    jd_batches_free(ctx, &all);
    hand_batch_free(ctx, &b);
    jd_free(ctx, length);
    return jd_error(ctx);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    online *o = user;
    scores s = {0};
    measure(o, &o->valid, &s);
    jd_run_log(r, step, "valid/character error (%)", hand_cer(&s.all));
    jd_run_log(r, step, "valid/character error, unseen texts (%)", hand_cer(&s.unseen));
    return hand_cer(&s.all);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------ */

static jd_status load(online *o)
{
    jd_run *r = o->r;
    jd_ink train = {0}, valid = {0}, test = {0};
    jd_run_stage(r, "reading the ink");
    jd_load_unipen(o->ctx, "words_train", &train);
    jd_load_unipen(o->ctx, "words_valid", &valid);
    jd_load_unipen(o->ctx, "words_test", &test);
    if (!jd_error(o->ctx)) hand_alphabet_add(o->ctx, &train, &o->alphabet);
    const hand_bag_options some = {.part = "words_train", .n = (size_t)jd_run_setting(r, "samples"), .drop = true};
    const hand_bag_options check = {
        .part = "words_valid", .n = (size_t)jd_run_setting(r, "valid_samples"), .keep = true};
    const hand_bag_options last = {.part = "words_test", .keep = true};
    if (!jd_error(o->ctx) && !hand_bag_open(r, o->reader, &o->alphabet, &train, &some, &o->train) &&
        !hand_bag_open(r, o->reader, &o->alphabet, &valid, &check, &o->valid) &&
        !hand_bag_open(r, o->reader, &o->alphabet, &test, &last, &o->test)) {
        hand_mark_seen(&o->train, &o->valid);
        hand_mark_seen(&o->train, &o->test);
    }
    jd_ink_free(o->ctx, &train);
    jd_ink_free(o->ctx, &valid);
    jd_ink_free(o->ctx, &test);
    if (jd_error(o->ctx)) return jd_error(o->ctx);
    double steps = 0, labels = 0;
    for (size_t i = 0; i < o->train.n; i++) {
        steps += o->train.items[i].steps;
        labels += o->train.items[i].labels_n;
    }
    jd_run_note(r,
                "%zu training words (%zu with too few frames left out), %.1f frames and %.1f letters each; %d labels",
                o->train.n, o->train.dropped, steps / (double)o->train.n, labels / (double)o->train.n, o->alphabet.n);
    return JD_OK;
}

static jd_status train_net(online *o, jd_train_result *res)
{
    jd_run *r = o->r;
    o->params = jd_params_new(o->ctx, JD_F32);
    o->look = jd_fn_new(o->ctx, o->params, trace_look, o);
    if (hand_feed_open(&o->train, o->reader, jd_run_seed(r), (size_t)jd_run_setting(r, "batch"),
                       jd_run_setting(r, "change"), 3, &o->feed))
        return jd_error(o->ctx);
    const double rate = jd_run_setting(r, "rate");
    const jd_train_options train = {
        .what = "words",
        .trace = trace_step,
        .user = o,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)o->feed.per_epoch),
        .batch = next_batch,
        .loaders = 1,
        .slots = 3,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = 100},
        .validate_every = (int64_t)((double)o->feed.per_epoch * jd_run_setting(r, "validate")),
        .validate = validate,
        .items_per_step = (int64_t)o->feed.batch,
    };
    return jd_train(r, o->params, &train, res);
}

static void say(online *o, const char *what, const hand_score *s)
{
    jd_run_note(o->r, "%s: %.2f %% of %lld characters wrong, %.1f %% of %lld words", what, hand_cer(s),
                (long long)s->labels, hand_wer(s), (long long)s->samples);
}

static jd_status run(jd_run *r)
{
    online o = {.r = r,
                .ctx = jd_run_ctx(r),
                .units = {(int64_t)jd_run_setting(r, "units1"), (int64_t)jd_run_setting(r, "units2"),
                          (int64_t)jd_run_setting(r, "units3"), (int64_t)jd_run_setting(r, "units3")},
                .levels = (int)jd_run_setting(r, "levels"),
                .join = (int)jd_run_setting(r, "join"),
                .dropout = jd_run_setting(r, "dropout"),
                .noise = jd_run_setting(r, "noise")};
    const jd_ink_options ink = {.spacing = (float)jd_run_setting(r, "spacing"),
                                .stack = (int)jd_run_setting(r, "stack"),
                                .view = (int)jd_run_setting(r, "view"),
                                .view_cell = (float)jd_run_setting(r, "cell")};
    o.reader = jd_ink_reader_new(o.ctx, &ink);
    jd_train_result res = {0};
    if (o.reader && !load(&o) && !train_net(&o, &res)) {
        scores valid = {0}, test = {0};
        measure(&o, &o.valid, &valid);
        say(&o, "validation", &valid.all);
        say(&o, "validation, texts not in training", &valid.unseen);
        if (jd_run_setting(r, "test") > 0) {
            measure(&o, &o.test, &test);
            say(&o, "test", &test.all);
            say(&o, "test, texts not in training", &test.unseen);
        }
        jd_run_finish(r, jd_run_setting(r, "test") > 0 ? hand_cer(&test.all) : hand_cer(&valid.all), NULL);
    }
    hand_feed_close(&o.feed);
    jd_fn_free(o.look);
    jd_params_free(o.params);
    hand_bag_close(&o.train);
    hand_bag_close(&o.valid);
    hand_bag_close(&o.test);
    jd_ink_reader_free(o.reader);
    return jd_error(o.ctx);
}

static const jd_setting settings[] = {
    {"samples", {4000, 0, 0}, "training words; 0: all"},
    {"valid_samples", {400, 1000, 0}, "validation words; 0: all"},
    {"validate", {1, 1, 1}, "epochs from one validation to the next"},
    {"epochs", {4, 8, 40}, "passes over the training words"},
    {"test", {1, 1, 1}, "1: measure on the test writers at the end; 0: only on the validation writers"},
    {"spacing", {0.2, 0.2, 0.2}, "way between points, in heights of writing"},
    {"stack", {4, 4, 4}, "points a frame"},
    {"view", {0, 0, 0}, "cells to a side of the picture around each frame; 0: none"},
    {"cell", {0.5, 0.5, 0.5}, "side of such a cell, in heights of writing"},
    {"levels", {2, 2, 3}, "levels of bidirectional LSTM"},
    {"units1", {64, 96, 128}, "cells a direction, first level"},
    {"units2", {96, 128, 256}, "cells a direction, second level"},
    {"units3", {96, 128, 256}, "cells a direction, further levels"},
    {"join", {0, 0, 0}, "after this level pairs of steps become one; 0: never"},
    {"dropout", {0, 0.1, 0.3}, "share of outputs dropped after each level"},
    {"noise", {0, 0, 0}, "deviation of noise on the features"},
    {"change", {0.5, 1, 1}, "strength of random changes of the hand"},
    {"batch", {16, 16, 32}, "words a step"},
    {"rate", {4e-3, 3e-3, 2e-3}, "Adam's rate"},
    {"clip", {10, 10, 10}, "largest norm of the gradient"},
    {NULL},
};

const jd_system jd_system_handwriting_online = {
    .name = "handwriting-online",
    .year = 2009,
    .title = "Connected online handwriting: BLSTM and CTC",
    .paper = "Graves, Liwicki, Fernandez, Bertolami, Bunke, Schmidhuber, TPAMI 31(5), 2009",
    .metric = "character error rate on words by unseen writers (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note = "the paper used IAM-OnDB, which needs registration; this is UNIPEN",
    .accept = {60, 20, 12},
    .about = "todo",
    .data = "unipen",
    .settings = settings,
    .run = run,
};
