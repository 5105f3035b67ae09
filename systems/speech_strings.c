/* Strings of digits: LSTM layers and CTC; best path decoding; label error rate. */
#include "jackdaw/decode.h"
#include "speech.h"

#include <stdio.h>
#include <string.h>

enum { K = SPEECH_CLASSES + 1, BLANK = SPEECH_CLASSES };

typedef struct strings {
    jd_ctx *ctx;
    const speech_strings_options *o;
    int64_t units, levels;
    double noise, clip;
    jd_params *params;
    jd_fn *look;
    speech_feed feed;
    int64_t beam_errors;
    speech_strings_result *out;
} strings;

static jd_node model(jd_graph *g, const strings *s, bool traces)
{
    char name[24];
    const jd_node length = jd_arg(g, "length");
    jd_node y = jd_gauss_noise(g, "noise", jd_arg(g, "x"), s->noise); /* (T,B,39) */
    for (int64_t i = 0; i < s->levels; i++) {
        snprintf(name, sizeof name, "level%d", (int)i + 1);
        const jd_lstm_options o = {.units = s->units, .length = length};
        if (traces && i == s->levels - 1) { /* the forward half alone, a second time, for its gates */
            if (!s->o->one_way) jd_scope_push(g, name);
            const jd_lstm_out l = jd_lstm_full(g, s->o->one_way ? name : "fw", y, o);
            if (!s->o->one_way) jd_scope_pop(g);
            jd_result(g, "gates", l.gates);
            jd_result(g, "cells", l.cells);
        }
        y = s->o->one_way ? jd_lstm_opt(g, name, y, o) : jd_blstm_opt(g, name, y, o);
    }
    return jd_dense(g, "out", y, .units = K); /* (T,B,11) */
}

static void trace_step(jd_graph *g, void *user)
{
    const strings *s = user;
    const jd_node each =
        jd_ctc(g, model(g, s, false), jd_arg(g, "labels"), jd_arg(g, "length"), jd_arg(g, "label_length"), BLANK);
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = s->clip);
}

static void trace_look(jd_graph *g, void *user)
{
    jd_result(g, "logits", model(g, user, false));
}

static void trace_show(jd_graph *g, void *user)
{
    jd_result(g, "logits", model(g, user, true));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return speech_feed_next(&((strings *)user)->feed, step, slot, in);
}

/* Edits that prefix beam search leaves in a string. */
static size_t beam_errors(strings *s, const float *logits, size_t stride, const speech_item *item, int32_t *found)
{
    jd_nbest list = {0};
    size_t n = 0;
    const jd_beam_options o = {.blank = BLANK, .width = 30};
    if (jd_ctc_beam(s->ctx, logits, stride, (size_t)item->steps, K, &o, &list)) return 0;
    for (; n < list.items[0].count; n++) found[n] = list.items[0].symbols[n].label;
    jd_nbest_free(s->ctx, &list);
    return jd_edit_distance(s->ctx, item->labels, (size_t)item->labels_n, found, n).total;
}

/* One batch of the test strings into the sums of `out`. */
static jd_status score(strings *s, const uint32_t *index, const speech_batch *b, int64_t *right, int64_t *errors)
{
    const float *logits = jd_fn_result(s->look, "logits", NULL); /* (T,B,11) */
    int32_t *found = jd_alloc_array(s->ctx, (size_t)b->T, sizeof *found);
    for (size_t i = 0; logits && found && i < (size_t)b->B; i++) {
        const speech_item *item = &s->o->test->items[index[i]];
        const size_t n = jd_ctc_best_path(logits + i * K, (size_t)b->B * K, (size_t)b->length[i], K, BLANK, found);
        const jd_edits e = jd_edit_distance(s->ctx, item->labels, (size_t)item->labels_n, found, n);
        if (jd_error(s->ctx)) break;
        s->out->labels += item->labels_n;
        s->out->substitutions += (int64_t)e.substitutions;
        s->out->insertions += (int64_t)e.insertions;
        s->out->deletions += (int64_t)e.deletions;
        *errors += (int64_t)e.total;
        *right += e.total == 0;
        s->beam_errors += (int64_t)beam_errors(s, logits + i * K, (size_t)b->B * K, item, found);
    }
    jd_free(s->ctx, found);
    return jd_error(s->ctx);
}

static double measure(strings *s)
{
    jd_ctx *ctx = s->ctx;
    const speech_bag *test = s->o->test;
    speech_strings_result *out = s->out;
    s->beam_errors = 0;
    out->labels = out->substitutions = out->insertions = out->deletions = 0;
    int32_t *length = jd_alloc_array(ctx, test->n, sizeof *length);
    for (size_t i = 0; length && i < test->n; i++) length[i] = test->items[i].steps;
    jd_batches all = {0};
    speech_batch b = {0};
    int64_t right = 0, errors = 0;
    jd_batches_make(ctx, &(jd_batches_options){.count = test->n, .batch = 40, .length = length}, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        jd_tensor in[4];
        if (speech_batch_fill(test, index, all.offset[k + 1] - all.offset[k], &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(s->look, in, 2) || score(s, index, &b, &right, &errors)) break;
    }
    jd_batches_free(ctx, &all);
    speech_batch_free(ctx, &b);
    jd_free(ctx, length);
    out->error = 100.0 * (double)errors / (double)out->labels;
    out->beam = 100.0 * (double)s->beam_errors / (double)out->labels;
    out->whole = 100.0 * (double)right / (double)test->n;
    return out->error;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    strings *s = user;
    char name[64];
    const double error = measure(s);
    snprintf(name, sizeof name, "%s/test label error (%%)", s->o->name);
    jd_run_log(r, step, name, error);
    return error;
}

/* Draws string `index`; `cells`: with the inside of the last layer.  The plan of `f` has just run on it. */
static void draw(strings *s, jd_run *r, jd_fn *f, uint32_t index, const int32_t *found, size_t found_n, bool cells)
{
    jd_digits wave = {0};
    const speech_bag *test = s->o->test;
    if (jd_digits_make(s->ctx, test->source, &test->how, test->seed, index, &wave)) return;
    const speech_trace t = {.item = &s->o->test->items[index],
                            .wave = &wave,
                            .logits = jd_fn_result(f, "logits", NULL),
                            .gates = jd_fn_result(f, "gates", NULL),
                            .cells = jd_fn_result(f, "cells", NULL),
                            .units = (size_t)s->units,
                            .found = found,
                            .found_n = found_n};
    if (!jd_error(s->ctx)) speech_show_string(r, &t);
    if (!jd_error(s->ctx) && cells) speech_show_cells(r, &t);
    jd_digits_free(s->ctx, &wave);
}

/* Goes through test strings one at a time until two that were heard rightly and two that were misheard are drawn. */
static jd_status show(strings *s, jd_run *r)
{
    jd_fn *f = jd_fn_new(s->ctx, s->params, trace_show, s);
    const speech_bag *test = s->o->test;
    speech_batch b = {0};
    int left[2] = {2, 2};
    for (uint32_t i = 0; f && i < test->n && left[0] + left[1] > 0 && !jd_error(s->ctx); i++) {
        jd_tensor in[4];
        if (speech_batch_fill(test, &i, 1, &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(f, in, 2)) break;
        const speech_item *item = &test->items[i];
        int32_t *found = jd_alloc_array(s->ctx, (size_t)b.T, sizeof *found);
        const float *logits = jd_fn_result(f, "logits", NULL);
        if (!found || !logits) break;
        const size_t n = jd_ctc_best_path(logits, K, (size_t)item->steps, K, BLANK, found);
        const bool wrong = n != (size_t)item->labels_n || memcmp(found, item->labels, n * sizeof *found) != 0;
        if (left[wrong] > 0) {
            draw(s, r, f, i, found, n, !wrong && left[0] == 2);
            left[wrong]--;
        }
        jd_free(s->ctx, found);
    }
    speech_batch_free(s->ctx, &b);
    jd_fn_free(f);
    return jd_error(s->ctx);
}

/* The model, with the line of the network language that says what model() builds. */
static void save(strings *s, jd_run *r, int64_t steps)
{
    char net[300];
    size_t at = 0;
    for (int64_t i = 0; i < s->levels && at < sizeof net; i++)
        at += (size_t)snprintf(net + at, sizeof net - at, "%slstm %d as level%d, ", s->o->one_way ? "" : "b",
                               (int)s->units, (int)i + 1);
    if (at < sizeof net) snprintf(net + at, sizeof net - at, "dense %d as out", K);
    speech_describe(r, s->o->train->source->rate, s->o->train, net, "0123456789", NULL, 0);
    jd_run_save(r, s->params, steps, true);
}

jd_status speech_strings(jd_run *r, const speech_strings_options *o, speech_strings_result *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    *out = (speech_strings_result){.error = (double)NAN};
    strings s = {.ctx = ctx,
                 .o = o,
                 .units = (int64_t)jd_run_setting(r, "units"),
                 .levels = (int64_t)jd_run_setting(r, "levels"),
                 .noise = jd_run_setting(r, "noise"),
                 .clip = 5,
                 .out = out};
    char what[96];
    snprintf(what, sizeof what, "strings of digits: %s", o->name);
    s.params = jd_params_new(ctx, JD_F32);
    s.look = jd_fn_new(ctx, s.params, trace_look, &s);
    if (!speech_feed_open(ctx, o->train, o->ear, jd_run_seed(r), (size_t)jd_run_setting(r, "batch"), 3, &s.feed)) {
        s.feed.short_first = true;
        s.feed.strength = jd_run_setting(r, "string_change");
        const double rate = jd_run_setting(r, "rate");
        const jd_train_options train = {
            .what = what,
            .series = o->name,
            .trace = trace_step,
            .user = &s,
            .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)s.feed.per_epoch),
            .batch = next_batch,
            .loaders = 1,
            .slots = 3,
            .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 20, .warmup = 50},
            .validate_every = (int64_t)s.feed.per_epoch,
            .validate = validate,
            .items_per_step = (int64_t)s.feed.batch,
        };
        jd_train_result res;
        if (!jd_train(r, s.params, &train, &res)) {
            measure(&s);
            out->weights = (int64_t)jd_params_count(s.params);
            if (o->show) show(&s, r);
            if (o->show) save(&s, r, res.steps);
        }
        out->seconds = res.seconds;
    }
    speech_feed_close(ctx, &s.feed);
    jd_fn_free(s.look);
    jd_params_free(s.params);
    return jd_error(ctx);
}
