/* Isolated digits: a bidirectional LSTM, the mean of its outputs over time, softmax. */
#include "speech.h"

#include <stdio.h>
#include <string.h>

typedef struct words {
    jd_ctx *ctx;
    const char *name;
    int64_t units, levels;
    double noise, dropout, clip, decay;
    bool training;
    jd_params *params;
    jd_fn *look;
    const speech_bag *test;
    speech_feed feed;
    speech_words_result *out;
} words;

static jd_node model(jd_graph *g, const words *w)
{
    char name[24];
    const jd_node length = jd_arg(g, "length");
    jd_node y = jd_gauss_noise(g, "noise", jd_arg(g, "x"), w->noise); /* (T,B,39) */
    for (int64_t i = 0; i < w->levels; i++) {
        snprintf(name, sizeof name, "level%d", (int)i + 1);
        y = jd_blstm(g, name, y, .units = w->units, .length = length); /* (T,B,2H) */
    }
    y = jd_dropout(g, "dropout", jd_time_mean(g, y, length), w->dropout); /* (B,2H) */
    return jd_dense(g, "out", y, .units = SPEECH_CLASSES);
}

static void trace_step(jd_graph *g, void *user)
{
    const words *w = user;
    const jd_node logits = model(g, w), labels = jd_arg(g, "labels");
    const jd_node digit = jd_reshape(g, jd_slice(g, labels, 1, 0, 1), JD_DIMS(jd_dim(g, labels, 0)));
    const jd_node loss = jd_softmax_xent(g, logits, digit);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = w->clip, .weight_decay = w->decay);
}

static void trace_look(jd_graph *g, void *user)
{
    jd_result(g, "logits", model(g, user));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return speech_feed_next(&((words *)user)->feed, step, slot, in);
}

/* Shares of right answers and the confusion matrix over the test bag. */
static double measure(words *w)
{
    jd_ctx *ctx = w->ctx;
    speech_words_result *out = w->out;
    memset(out->confusion, 0, sizeof out->confusion);
    int32_t *length = jd_alloc_array(ctx, w->test->n, sizeof *length);
    for (size_t i = 0; length && i < w->test->n; i++) length[i] = w->test->items[i].steps;
    jd_batches all = {0};
    speech_batch b = {0};
    jd_batches_make(ctx, &(jd_batches_options){.count = w->test->n, .batch = 50, .length = length}, &all);
    int64_t right = 0;
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t n = all.offset[k + 1] - all.offset[k];
        jd_tensor in[4];
        if (speech_batch_fill(w->test, index, n, &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(w->look, in, 2)) break;
        const float *logits = jd_fn_result(w->look, "logits", NULL); /* (B,10) */
        for (size_t i = 0; logits && i < n; i++) {
            int best = 0;
            for (int c = 1; c < SPEECH_CLASSES; c++)
                if (logits[i * SPEECH_CLASSES + (size_t)c] > logits[i * SPEECH_CLASSES + (size_t)best]) best = c;
            const int32_t truth = w->test->items[index[i]].labels[0];
            out->confusion[truth * SPEECH_CLASSES + best]++;
            right += truth == best;
        }
    }
    jd_batches_free(ctx, &all);
    speech_batch_free(ctx, &b);
    jd_free(ctx, length);
    out->count = (int64_t)w->test->n;
    out->accuracy = 100.0 * (double)right / (double)w->test->n;
    return out->accuracy;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    words *w = user;
    char name[64];
    const double accuracy = measure(w);
    snprintf(name, sizeof name, "%s/test accuracy (%%)", w->name);
    jd_run_log(r, step, name, accuracy);
    return accuracy;
}

jd_status speech_words(jd_run *r, const char *name, const char *setting, const speech_bag *train,
                       const speech_bag *test, speech_ear *ear, speech_words_result *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    *out = (speech_words_result){.accuracy = (double)NAN};
    words w = {.ctx = ctx,
               .name = name,
               .units = (int64_t)jd_run_setting(r, "word_units"),
               .levels = (int64_t)jd_run_setting(r, "word_levels"),
               .noise = jd_run_setting(r, "word_noise"),
               .dropout = jd_run_setting(r, "word_dropout"),
               .clip = 5,
               .decay = jd_run_setting(r, "word_decay"),
               .test = test,
               .out = out};
    char what[96];
    snprintf(what, sizeof what, "isolated digits: %s", name);
    const double epochs = jd_run_setting(r, setting);
    w.params = jd_params_new(ctx, JD_F32);
    w.look = jd_fn_new(ctx, w.params, trace_look, &w);
    if (!speech_feed_open(ctx, train, ear, jd_run_seed(r), (size_t)jd_run_setting(r, "word_batch"), 3, &w.feed)) {
        w.feed.strength = jd_run_setting(r, "change");
        const double rate = jd_run_setting(r, "word_rate");
        const jd_train_options o = {
            .what = what,
            .series = name,
            .trace = trace_step,
            .user = &w,
            .steps = (int64_t)(epochs * (double)w.feed.per_epoch),
            .batch = next_batch,
            .loaders = 1,
            .slots = 3,
            .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50},
            .validate_every = (int64_t)w.feed.per_epoch * 4,
            .validate = validate,
            .items_per_step = (int64_t)w.feed.batch,
        };
        jd_train_result res;
        if (!jd_train(r, w.params, &o, &res)) measure(&w);
        out->seconds = res.seconds;
    }
    speech_feed_close(ctx, &w.feed);
    jd_fn_free(w.look);
    jd_params_free(w.params);
    return jd_error(ctx);
}
