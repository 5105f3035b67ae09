/* Connected online handwriting: bidirectional LSTM and CTC on real words and lines by unseen writers. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

enum { LEVELS = 4, WORDS = 0, LINES = 1, KINDS = 2 };

typedef struct online {
    jd_run *r;
    jd_ctx *ctx;
    hand_alphabet alphabet;
    int64_t units[LEVELS];
    int levels, join; /* join: pairs of steps become one after this level; 0: never */
    double dropout, noise;
    int kinds; /* 1: words, 2: words and lines */
    jd_ink_reader *reader;
    hand_bag train[KINDS], valid[KINDS], test[KINDS];
    hand_feed feed[KINDS];
    int64_t every, steps; /* every so many steps a batch of lines */
    jd_params *params;
    jd_fn *look;
} online;

/* ---- the net ------------------------------------------------------------------------------------------------------------ */

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
    jd_node length = jd_arg(g, "length");
    const jd_node half = jd_arg(g, "half");
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

/* The loss is in nats a character: the sum over the batch, divided by the number of its characters. */
static void trace_step(jd_graph *g, void *user)
{
    const online *o = user;
    jd_node steps;
    const jd_node logits = model(g, o, &steps), count = jd_arg(g, "label_length");
    const jd_node each = jd_ctc(g, logits, jd_arg(g, "labels"), steps, count, o->alphabet.n);
    const jd_node characters = jd_sum(g, jd_real_of(g, count), JD_ALL_AXES, false);
    const jd_node loss = jd_div(g, jd_sum(g, each, JD_ALL_AXES, false), characters);
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
    online *o = user;
    if (o->kinds == 1) return hand_feed_next(&o->feed[WORDS], step, slot, in);
    const int64_t lines = step / o->every;
    if (step % o->every == o->every - 1) return hand_feed_next(&o->feed[LINES], lines, slot, in);
    return hand_feed_next(&o->feed[WORDS], step - lines, slot, in);
}

/* ---- measuring ---------------------------------------------------------------------------------------------------------- */

static jd_status measure(online *o, const hand_bag *bag, hand_scores *out)
{
    jd_ctx *ctx = o->ctx;
    int32_t *length = jd_alloc_array(ctx, bag->n, sizeof *length);
    for (size_t i = 0; length && i < bag->n; i++) length[i] = bag->items[i].steps;
    jd_batches all = {0};
    hand_batch b = {0};
    jd_batches_make(ctx, &(jd_batches_options){.count = bag->n, .batch = 32, .length = length}, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t n = all.offset[k + 1] - all.offset[k];
        jd_tensor in[6];
        if (hand_batch_fill(bag, index, n, &b)) break;
        hand_batch_inputs(&b, in);
        if (jd_fn_run(o->look, in, 3) ||
            hand_score_batch(&o->alphabet, bag, index, n, jd_fn_result(o->look, "logits", NULL),
                             o->join ? b.half : b.length, out))
            break;
        if (jd_run_progress(o->r, (double)(k + 1), (double)all.count, "measuring")) jd_run_stopped(o->r);
    }
    jd_batches_free(ctx, &all);
    hand_batch_free(ctx, &b);
    jd_free(ctx, length);
    return jd_error(ctx);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    static const char *const names[] = {"valid words", "valid lines"};
    online *o = user;
    double error = 0;
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) {
        char name[64];
        hand_scores s = {0};
        measure(o, &o->valid[k], &s);
        snprintf(name, sizeof name, "%s/character error (%%)", names[k]);
        jd_run_log(r, step, name, hand_cer(&s.all));
        snprintf(name, sizeof name, "%s/texts not in training (%%)", names[k]);
        jd_run_log(r, step, name, hand_cer(&s.unseen));
        error += hand_cer(&s.all);
    }
    return error;
}

/* ---- the data ------------------------------------------------------------------------------------------------------------- */

static jd_status open_kind(online *o, int kind, jd_ink ink[3])
{
    static const char *const parts[KINDS][3] = {{"words_train", "words_valid", "words_test"},
                                                {"lines_train", "lines_valid", "lines_test"}};
    jd_run *r = o->r;
    const bool test = jd_run_setting(r, "test") > 0;
    const size_t most = kind == WORDS ? (size_t)jd_run_setting(r, "samples") : 0;
    const size_t check = kind == WORDS ? (size_t)jd_run_setting(r, "valid_samples") : 0;
    if (hand_bag_open(r, o->reader, &o->alphabet, &ink[0],
                      &(hand_bag_options){.part = parts[kind][0], .n = most, .drop = true}, &o->train[kind]) ||
        hand_bag_open(r, o->reader, &o->alphabet, &ink[1],
                      &(hand_bag_options){.part = parts[kind][1], .n = check, .keep = true}, &o->valid[kind]) ||
        hand_mark_seen(&o->train[kind], &o->valid[kind]))
        return jd_error(o->ctx);
    if (test && !hand_bag_open(r, o->reader, &o->alphabet, &ink[2],
                               &(hand_bag_options){.part = parts[kind][2], .keep = true}, &o->test[kind]))
        hand_mark_seen(&o->train[kind], &o->test[kind]);
    double steps = 0, labels = 0;
    const hand_bag *train = &o->train[kind];
    for (size_t i = 0; i < train->n; i++) {
        steps += train->items[i].steps;
        labels += train->items[i].labels_n;
    }
    if (!jd_error(o->ctx))
        jd_run_note(r, "%zu training %s (%zu with too few frames left out), %.1f frames and %.1f characters each",
                    train->n, kind == WORDS ? "words" : "lines", train->dropped, steps / (double)train->n,
                    labels / (double)train->n);
    return jd_error(o->ctx);
}

static jd_status load(online *o)
{
    jd_ink ink[KINDS][3] = {0};
    jd_run_stage(o->r, "reading the ink");
    jd_load_unipen(o->ctx, "words_train", &ink[WORDS][0]);
    jd_load_unipen(o->ctx, "words_valid", &ink[WORDS][1]);
    jd_load_unipen(o->ctx, "words_test", &ink[WORDS][2]);
    if (o->kinds > 1) {
        jd_load_unipen(o->ctx, "lines_train", &ink[LINES][0]);
        jd_load_unipen(o->ctx, "lines_valid", &ink[LINES][1]);
        jd_load_unipen(o->ctx, "lines_test", &ink[LINES][2]);
    }
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) hand_alphabet_add(o->ctx, &ink[k][0], &o->alphabet);
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) open_kind(o, k, ink[k]);
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < 3; i++) jd_ink_free(o->ctx, &ink[k][i]);
    return jd_error(o->ctx);
}

/* ---- the run -------------------------------------------------------------------------------------------------------------- */

static jd_status train_net(online *o, jd_train_result *res)
{
    jd_run *r = o->r;
    const size_t batch[KINDS] = {(size_t)jd_run_setting(r, "batch"), (size_t)jd_run_setting(r, "line_batch")};
    int64_t per[KINDS] = {0};
    for (int k = 0; k < o->kinds; k++) {
        if (hand_feed_open(&o->train[k], o->reader, jd_run_seed(r), batch[k], jd_run_setting(r, "change"), 3,
                           &o->feed[k]))
            return jd_error(o->ctx);
        per[k] = (int64_t)o->feed[k].per_epoch;
    }
    const int64_t epoch = per[WORDS] + per[LINES];
    o->every = per[LINES] ? (epoch + per[LINES] / 2) / per[LINES] : epoch + 1;
    o->params = jd_params_new(o->ctx, JD_F32);
    o->look = jd_fn_new(o->ctx, o->params, trace_look, o);
    const double rate = jd_run_setting(r, "rate");
    const jd_train_options train = {
        .what = o->kinds > 1 ? "words and lines" : "words",
        .trace = trace_step,
        .user = o,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)epoch),
        .batch = next_batch,
        .loaders = 1,
        .slots = 3,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = 100},
        .validate_every = (int64_t)((double)epoch * jd_run_setting(r, "validate")),
        .validate = validate,
        .items_per_step = (int64_t)batch[WORDS],
    };
    return jd_train(r, o->params, &train, res);
}

static void say(online *o, const char *what, const hand_score *s)
{
    jd_run_note(o->r, "%s: %.2f %% of %lld characters wrong, %.1f %% of %lld words", what, hand_cer(s),
                (long long)s->labels, hand_wer(s), (long long)s->words);
}

/* Draws item `index` of a bag with what the net says about it. */
static jd_status draw(online *o, const hand_bag *bag, const hand_scores *s, uint32_t index, const char *what)
{
    hand_batch b = {0};
    jd_tensor in[6];
    const hand_item *item = &bag->items[index];
    if (!hand_batch_fill(bag, &index, 1, &b)) {
        hand_batch_inputs(&b, in);
        jd_fn_run(o->look, in, 3);
    }
    const float *logits = jd_error(o->ctx) ? NULL : jd_fn_result(o->look, "logits", NULL);
    if (logits && jd_ink_frames(o->reader, item->ink, NULL, 0)) {
        const size_t steps = (size_t)(o->join ? b.half[0] : b.length[0]);
        float *places = jd_alloc_array(o->ctx, steps, 2 * sizeof *places);
        const float *from = jd_ink_reader_places(o->reader);
        for (size_t t = 0; places && t < steps; t++)
            memcpy(places + 2 * t, from + 2 * (o->join ? 2 * t : t), 2 * sizeof *places);
        const hand_view v = {.alphabet = &o->alphabet,
                             .item = item,
                             .logits = logits,
                             .steps = steps,
                             .places = places,
                             .reading = &s->readings[index]};
        if (places) hand_show(o->r, &v, what);
        jd_free(o->ctx, places);
    }
    hand_batch_free(o->ctx, &b);
    return jd_error(o->ctx);
}

/* Samples from all over the bag: `right` read rightly and `wrong` with errors. */
static void draw_some(online *o, const hand_bag *bag, const hand_scores *s, int right, int wrong, const char *what)
{
    int left[2] = {right, wrong};
    for (size_t k = 0; k < bag->n && left[0] + left[1] > 0 && !jd_error(o->ctx); k++) {
        const uint32_t i = (uint32_t)(k * 997 % bag->n); /* 997 is prime: each sample once, if n is no multiple of it */
        const bool bad = s->readings[i].errors > 0;
        if (left[bad] == 0 || bag->items[i].labels_n < 5) continue;
        left[bad]--;
        draw(o, bag, s, i, what);
    }
}

static jd_status results(online *o)
{
    static const char *const names[KINDS] = {"words", "lines"};
    jd_run *r = o->r;
    hand_scores valid[KINDS] = {0}, test[KINDS] = {0};
    hand_line table[2 * KINDS];
    size_t n = 0;
    const bool tested = jd_run_setting(r, "test") > 0;
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) {
        char what[64];
        measure(o, &o->valid[k], &valid[k]);
        snprintf(what, sizeof what, "validation %s", names[k]);
        say(o, what, &valid[k].all);
        if (!tested || hand_scores_keep(&o->test[k], &test[k]) || measure(o, &o->test[k], &test[k])) continue;
        snprintf(what, sizeof what, "test %s", names[k]);
        say(o, what, &test[k].all);
        snprintf(what, sizeof what, "test %s not in training", names[k]);
        say(o, what, &test[k].unseen);
        table[n++] = (hand_line){names[k], &test[k]};
    }
    jd_report *rep = jd_run_report(r);
    if (tested && !jd_error(o->ctx)) {
        hand_show_scores(r, table, n,
                         "Test writers, best path decoding, no dictionary and no language model. Many prompts recur: "
                         "the texts that are also in training are easier, since the net learns how words are spelled.");
        for (int k = 0; k < o->kinds; k++) {
            jd_report_section(rep, k == WORDS ? "Words by unseen writers" : "Lines by unseen writers");
            draw_some(o, &o->test[k], &test[k], k == WORDS ? 3 : 1, k == WORDS ? 3 : 2, "Test writer");
            hand_show_worst(
                r, &o->alphabet, &o->test[k], &test[k], k == WORDS ? 20 : 6,
                "The worst readings. Some labels are wrong: the writer wrote something else, or in capitals.");
        }
        jd_run_extra(r, "word_error", hand_wer(&test[WORDS].all));
        jd_run_extra(r, "character_error_without_case",
                     100.0 * (double)test[WORDS].all.caseless / (double)test[WORDS].all.labels);
        jd_run_extra(r, "character_error_seen", hand_cer(&test[WORDS].seen));
        jd_run_extra(r, "character_error_unseen", hand_cer(&test[WORDS].unseen));
        jd_run_extra(r, "valid_character_error", hand_cer(&valid[WORDS].all));
        if (o->kinds > 1) {
            jd_run_extra(r, "line_character_error", hand_cer(&test[LINES].all));
            jd_run_extra(r, "line_character_error_unseen", hand_cer(&test[LINES].unseen));
            jd_run_extra(r, "line_word_error", hand_wer(&test[LINES].all));
        }
        jd_run_extra(r, "weights", (double)jd_params_count(o->params));
    }
    const double value = hand_cer(&(tested ? test : valid)[WORDS].all);
    for (int k = 0; k < o->kinds; k++) hand_scores_free(&o->test[k], &test[k]);
    if (jd_error(o->ctx)) return jd_error(o->ctx);
    return jd_run_finish(r, value, tested ? NULL : "test=0: measured on the validation writers");
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
                .noise = jd_run_setting(r, "noise"),
                .kinds = jd_run_setting(r, "lines") > 0 ? 2 : 1};
    if (o.levels < 1 || o.levels > LEVELS)
        return jd_fail(o.ctx, JD_EUSAGE, "handwriting: %d levels; 1 to %d are possible", o.levels, LEVELS);
    const jd_ink_options ink = {.spacing = (float)jd_run_setting(r, "spacing"),
                                .stack = (int)jd_run_setting(r, "stack"),
                                .view = (int)jd_run_setting(r, "view"),
                                .view_cell = (float)jd_run_setting(r, "cell")};
    o.reader = jd_ink_reader_new(o.ctx, &ink);
    jd_train_result res = {0};
    if (o.reader && !load(&o) && !train_net(&o, &res) && !results(&o)) jd_run_save(r, o.params, res.steps, true);
    jd_fn_free(o.look);
    jd_params_free(o.params);
    for (int k = 0; k < KINDS; k++) {
        hand_feed_close(&o.feed[k]);
        hand_bag_close(&o.train[k]);
        hand_bag_close(&o.valid[k]);
        hand_bag_close(&o.test[k]);
    }
    jd_ink_reader_free(o.reader);
    return jd_error(o.ctx);
}

static const jd_setting settings[] = {
    {"samples", {3000, 0, 0}, "training words; 0: all"},
    {"valid_samples", {400, 1000, 0}, "validation words; 0: all"},
    {"validate", {1, 1, 1}, "epochs from one validation to the next"},
    {"epochs", {4, 8, 40}, "passes over the training samples"},
    {"lines", {0, 1, 1}, "1: lines of text are trained and measured too, with the same net"},
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
    {"line_batch", {4, 4, 8}, "lines a step"},
    {"rate", {4e-3, 3e-3, 2e-3}, "Adam's rate"},
    {"clip", {2, 2, 2}, "largest norm of the gradient"},
    {NULL},
};

const jd_system jd_system_handwriting_online = {
    .name = "handwriting-online",
    .year = 2009,
    .title = "Connected online handwriting: BLSTM and CTC on words and lines",
    .paper = "Graves, Liwicki, Fernandez, Bertolami, Bunke, Schmidhuber, TPAMI 31(5), 2009",
    .metric = "character error rate on words by unseen writers (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "the paper reads lines of IAM-OnDB, which needs registration: 79.7 % of the words right with a dictionary "
        "of 20,000 words and bigrams; this is UNIPEN, without a dictionary",
    .accept = {NAN, 20, 12},
    .about = "The strokes of a pen, resampled to points a fixed way apart and gathered into frames of a few points "
             "each, are "
             "read by a bidirectional LSTM; connectionist temporal classification teaches it to write down the text "
             "without being told where one letter ends and the next begins. Training, validation and test have "
             "different writers. Nothing but the net reads: no dictionary, no language model. Look at the spikes under "
             "the ink: the net says most letters where they end, and dots and bars that come late change what it said "
             "long before.",
    .data = "unipen",
    .settings = settings,
    .run = run,
};
