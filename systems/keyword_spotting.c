/*
 * keyword_spotting.c - ten short commands, silence and other words, said by people never heard in training.
 *
 * A bidirectional LSTM reads the cepstra of a clip of one second; the mean of its outputs over time decides (the word
 * classifier of Chen, Parada, Sainath, ICASSP 2015, in both directions; the task of Fernandez, Graves, Schmidhuber,
 * ICANN 2007).  The clips are the published test set of Speech Commands, divided by speaker, so that figures published
 * for the whole set are no comparison.
 */
#include "keywords.h"

#include <stdio.h>
#include <string.h>

enum { CLASSES = KEYWORDS_CLASSES };

typedef struct spotter {
    jd_run *r;
    jd_ctx *ctx;
    keywords_data data;
    speech_ear ear;
    speech_bag train, valid, test;
    int64_t units, levels;
    double noise, dropout, decay;
    jd_params *params;
    jd_fn *look;
    speech_feed feed;
    float *p; /* (test clips,12) */
    int64_t confusion[CLASSES * CLASSES];
    double accuracy, valid_accuracy, seconds;
} spotter;

/* What the network says of each step, before the mean over time: (T,B,12). */
static jd_node levels(jd_graph *g, const spotter *s)
{
    char name[24];
    const jd_node length = jd_arg(g, "length");
    jd_node y = jd_gauss_noise(g, "noise", jd_arg(g, "x"), s->noise); /* (T,B,39) */
    for (int64_t i = 0; i < s->levels; i++) {
        snprintf(name, sizeof name, "level%d", (int)i + 1);
        y = jd_blstm(g, name, jd_dropout(g, name, y, i ? s->dropout : 0), .units = s->units, .length = length);
    }
    return y; /* (T,B,2H) */
}

static void trace_step(jd_graph *g, void *user)
{
    const spotter *s = user;
    const jd_node labels = jd_arg(g, "labels"), mean = jd_time_mean(g, levels(g, s), jd_arg(g, "length"));
    const jd_node logits =
        jd_dense(g, "out", jd_dropout(g, "dropout", mean, s->dropout), .units = CLASSES); /* (B,12) */
    const jd_node word = jd_reshape(g, jd_slice(g, labels, 1, 0, 1), JD_DIMS(jd_dim(g, labels, 0)));
    const jd_node loss = jd_softmax_xent(g, logits, word);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5, .weight_decay = s->decay);
}

/* The output layer is linear, so the mean of what it says of the steps is what it says of their mean. */
static void trace_look(jd_graph *g, void *user)
{
    const jd_node each = jd_dense(g, "out", levels(g, user), .units = CLASSES); /* (T,B,12) */
    jd_result(g, "steps", each);
    jd_result(g, "logits", jd_time_mean(g, each, jd_arg(g, "length")));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return speech_feed_next(&((spotter *)user)->feed, step, slot, in);
}

static int softmax(const float *x, float *p)
{
    int best = 0;
    double sum = 0;
    for (int c = 1; c < CLASSES; c++)
        if (x[c] > x[best]) best = c;
    for (int c = 0; c < CLASSES; c++) sum += exp((double)x[c] - (double)x[best]);
    for (int c = 0; c < CLASSES; c++) p[c] = (float)(exp((double)x[c] - (double)x[best]) / sum);
    return best;
}

/* Share of the bag's clips that are named rightly, %; p (n,12) and the confusions if they are wanted. */
static double measure(spotter *s, const speech_bag *bag, float *p, int64_t *confusion)
{
    jd_ctx *ctx = s->ctx;
    int32_t *length = jd_alloc_array(ctx, bag->n, sizeof *length);
    for (size_t i = 0; length && i < bag->n; i++) length[i] = bag->items[i].steps;
    jd_batches all = {0};
    speech_batch b = {0};
    jd_batches_make(ctx, &(jd_batches_options){.count = bag->n, .batch = 50, .length = length}, &all);
    int64_t right = 0;
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t n = all.offset[k + 1] - all.offset[k];
        jd_tensor in[4];
        if (speech_batch_fill(bag, index, n, &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(s->look, in, 2)) break;
        const float *logits = jd_fn_result(s->look, "logits", NULL); /* (B,12) */
        for (size_t i = 0; logits && i < n; i++) {
            float own[CLASSES];
            const int best = softmax(logits + i * CLASSES, p ? p + index[i] * CLASSES : own);
            const int32_t truth = bag->items[index[i]].labels[0];
            if (confusion) confusion[truth * CLASSES + best]++;
            right += truth == best;
        }
    }
    jd_batches_free(ctx, &all);
    speech_batch_free(ctx, &b);
    jd_free(ctx, length);
    return 100.0 * (double)right / (double)bag->n;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    spotter *s = user;
    const double accuracy = measure(s, &s->valid, NULL, NULL);
    jd_run_log(r, step, "validation accuracy (%)", accuracy);
    return accuracy;
}

/* The model, with the line of the network language that says what levels() and the output layer build. */
static void save(spotter *s, int64_t steps)
{
    char net[300];
    size_t at = 0;
    for (int64_t i = 0; i < s->levels && at < sizeof net; i++)
        at += (size_t)snprintf(net + at, sizeof net - at, "blstm %d as level%d, ", (int)s->units, (int)i + 1);
    if (at < sizeof net) snprintf(net + at, sizeof net - at, "mean, dense %d as out", CLASSES);
    speech_describe(s->r, s->data.train.rate, &s->train, net, NULL, keywords_names, CLASSES);
    jd_run_save(s->r, s->params, steps, true);
}

static jd_status train(spotter *s)
{
    jd_run *r = s->r;
    s->units = (int64_t)jd_run_setting(r, "units");
    s->levels = (int64_t)jd_run_setting(r, "levels");
    s->noise = jd_run_setting(r, "noise");
    s->dropout = jd_run_setting(r, "dropout");
    s->decay = jd_run_setting(r, "decay");
    const double rate = jd_run_setting(r, "rate");
    s->params = jd_params_new(s->ctx, JD_F32);
    s->look = jd_fn_new(s->ctx, s->params, trace_look, s);
    if (speech_feed_open(s->ctx, &s->train, &s->ear, jd_run_seed(r), (size_t)jd_run_setting(r, "batch"), 3, &s->feed))
        return jd_error(s->ctx);
    s->feed.strength = jd_run_setting(r, "change");
    const jd_train_options o = {
        .what = "keywords",
        .trace = trace_step,
        .user = s,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)s->feed.per_epoch),
        .batch = next_batch,
        .loaders = 1,
        .slots = 3,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = 50},
        .validate_every = (int64_t)s->feed.per_epoch * 2,
        .validate = validate,
        .higher = true,
        .keep_best = true,
        .items_per_step = (int64_t)s->feed.batch,
    };
    jd_train_result res;
    if (!jd_train(r, s->params, &o, &res)) {
        s->seconds = res.seconds;
        s->valid_accuracy = res.best;
        s->accuracy = measure(s, &s->test, s->p, s->confusion);
        save(s, res.steps);
    }
    return jd_error(s->ctx);
}

/* Clip `i` of the test bag by itself, step by step. */
static jd_status show(spotter *s, uint32_t i)
{
    speech_batch b = {0};
    jd_tensor in[4];
    if (!speech_batch_fill(&s->test, &i, 1, &b)) {
        speech_batch_inputs(&b, in);
        if (!jd_fn_run(s->look, in, 2)) {
            float p[CLASSES];
            keywords_trace t = {.clip = &s->data.test.items[i],
                                .logits = jd_fn_result(s->look, "steps", NULL),
                                .steps = (size_t)b.length[0]};
            const float *logits = jd_fn_result(s->look, "logits", NULL);
            if (logits && t.logits) {
                t.found = softmax(logits, p);
                t.confidence = (double)p[t.found];
                keywords_show(s->r, s->data.test.rate, &t);
            }
        }
    }
    speech_batch_free(s->ctx, &b);
    return jd_error(s->ctx);
}

/* The surest right answers for three words, and the surest wrong ones. */
static void show_clips(spotter *s)
{
    const size_t n = s->test.n;
    bool *used = jd_alloc(s->ctx, n);
    static const int words[] = {0, 5, 8};
    for (int k = 0; used && k < 6 && !jd_error(s->ctx); k++) {
        size_t pick = n;
        float most = 0;
        for (size_t i = 0; i < n; i++) {
            const float *p = s->p + i * CLASSES;
            const int truth = s->test.items[i].labels[0];
            int best = 0;
            for (int c = 1; c < CLASSES; c++)
                if (p[c] > p[best]) best = c;
            const bool wanted = k < 3 ? best == truth && truth == words[k] : best != truth && truth < KEYWORDS_SILENCE;
            if (!wanted || used[i] || !(p[best] > most)) continue;
            most = p[best];
            pick = i;
        }
        if (pick == n) continue;
        used[pick] = true;
        show(s, (uint32_t)pick);
    }
    jd_free(s->ctx, used);
}

static jd_status report(spotter *s)
{
    jd_run *r = s->r;
    jd_report *rep = jd_run_report(r);
    char caption[500];
    jd_report_section(rep, "What is taken for what");
    snprintf(
        caption, sizeof caption,
        "%zu clips of %d speakers that were in no way part of the training: %.2f %% right. The clips were divided by "
        "speaker; figures published for the whole of Speech Commands, with ten times as much to learn from, are no "
        "comparison.",
        s->test.n, s->data.speakers[2], s->accuracy);
    jd_report_confusion(rep, keywords_names, s->confusion, CLASSES, caption);
    keywords_show_alarms(r, &s->data.test, s->p);
    jd_report_section(rep, "What the network hears, and when it says what");
    show_clips(s);
    jd_run_extra(r, "validation_accuracy", s->valid_accuracy);
    jd_run_extra(r, "weights", (double)jd_params_count(s->params));
    jd_run_extra(r, "training_seconds", s->seconds);
    jd_run_extra(r, "found_at_5_percent_alarms", keywords_found(&s->data.test, s->p, 5));
    jd_run_note(r, "%.2f %% of %zu clips right; validation %.2f %%", s->accuracy, s->test.n, s->valid_accuracy);
    return jd_run_finish(r, s->accuracy, NULL);
}

static jd_status load(spotter *s)
{
    if (keywords_load(s->r, (int)jd_run_setting(s->r, "held_out"), &s->data)) return jd_error(s->ctx);
    jd_run_config_number(s->r, "clips", (double)s->data.train.count);
    jd_run_config_number(s->r, "speakers", s->data.speakers[0]);
    jd_run_stage(s->r, "features");
    speech_bag *others[] = {&s->valid, &s->test};
    if (speech_ear_open(s->ctx, s->data.train.rate, &s->ear) || speech_bag_words(&s->ear, &s->data.train, &s->train) ||
        speech_bag_words(&s->ear, &s->data.valid, &s->valid) || speech_bag_words(&s->ear, &s->data.test, &s->test) ||
        speech_normalise(&s->train, others, 2))
        return jd_error(s->ctx);
    s->p = jd_alloc_array(s->ctx, s->test.n * CLASSES, sizeof *s->p);
    return jd_error(s->ctx);
}

static jd_status run(jd_run *r)
{
    spotter s = {.r = r, .ctx = jd_run_ctx(r)};
    if (!load(&s) && !train(&s)) report(&s);
    speech_feed_close(s.ctx, &s.feed);
    jd_fn_free(s.look);
    jd_params_free(s.params);
    speech_bag_free(&s.train);
    speech_bag_free(&s.valid);
    speech_bag_free(&s.test);
    if (s.ear.ctx) speech_ear_close(&s.ear);
    keywords_free(s.ctx, &s.data);
    jd_free(s.ctx, s.p);
    return jd_error(s.ctx);
}

static const jd_setting settings[] = {
    {"held_out", {21, 21, 21}, "speakers of the training part that validate instead"},
    {"units", {48, 64, 128}, "LSTM cells a direction and level"},
    {"levels", {1, 2, 2}, "levels of LSTM cells"},
    {"epochs", {5, 16, 100}, "passes over the clips, each time changed"},
    {"batch", {16, 32, 32}, "clips a step"},
    {"rate", {5e-3, 4e-3, 3e-3}, "Adam's rate"},
    {"change", {1, 1, 1}, "strength of random changes of pitch, tempo, tilt, place and noise"},
    {"noise", {0.3, 0.3, 0.3}, "deviation of noise on the features"},
    {"dropout", {0.2, 0.3, 0.4}, "share of outputs dropped"},
    {"decay", {0, 0, 0}, "weight decay"},
    {NULL},
};

const jd_system jd_system_keyword_spotting = {
    .name = "keyword-spotting",
    .year = 2015,
    .title = "Keyword spotting: ten commands by unheard speakers, BLSTM",
    .paper = "Chen, Parada, Sainath, ICASSP 2015; Fernandez, Graves, Schmidhuber, ICANN 2007",
    .metric = "clips named rightly (%)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "the papers used recordings that are not public; these are 3,836 clips of Speech Commands, by speaker",
    .accept = {80, 85, 88},
    .about =
        "Clips of one second hold one of ten commands, another word, or no word at all. A bidirectional LSTM reads 39 "
        "features every 20 ms; the mean of what it says over time names the clip. 147 people speak in training, 21 "
        "others choose the moment to stop, and 43 more, whom nothing was chosen for, are the test. Each pass over the "
        "clips hears them changed: another pitch, tempo, microphone, place in time, and noise.",
    .data = "speech_commands12",
    .settings = settings,
    .run = run,
};
