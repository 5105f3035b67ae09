/*
 * speech_sentences.c - spoken sentences to text: a deep bidirectional LSTM and CTC on characters.
 *
 * The recordings are the prompts of a telephone exchange, one voice, under twenty minutes in all (Debian's package
 * asterisk-core-sounds-en-wav).  The network (Graves, Mohamed, Hinton 2013) reads 39 features every 20 ms and writes
 * characters; an n-gram model of characters, estimated from the training texts alone, may weigh what the beam search finds.
 */
#include "jackdaw/decode.h"
#include "sentences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K = SENTENCES_K, BLANK = SENTENCES_BLANK, PARTS = SENTENCES_PARTS };
#define FOLDER "/usr/share/asterisk/sounds/en_US_f_Allison"

/* What was read of one prompt. */
typedef struct reading {
    int32_t *plain, *weighed; /* without and with the model of characters */
    size_t plain_n, weighed_n;
} reading;

typedef struct score {
    int64_t characters, errors, words, word_errors, prompts, right;
} score;

typedef struct listener {
    jd_run *r;
    jd_ctx *ctx;
    sentences data;
    speech_ear ear;
    speech_bag bag[PARTS];
    size_t *index[PARTS]; /* which sentence an item of a bag is */
    int64_t units, levels;
    double noise, dropout;
    jd_params *params;
    jd_fn *look;
    speech_feed feed;
    jd_ngram *model;
    int32_t symbol[K];
    double weight, bonus;
} listener;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

static jd_node read_sound(jd_graph *g, const listener *l)
{
    char name[24];
    const jd_node length = jd_arg(g, "length");
    jd_node y = jd_gauss_noise(g, "noise", jd_arg(g, "x"), l->noise); /* (T,B,39) */
    for (int64_t i = 0; i < l->levels; i++) {
        snprintf(name, sizeof name, "level%d", (int)i + 1);
        y = jd_blstm(g, name, jd_dropout(g, name, y, i ? l->dropout : 0), .units = l->units, .length = length);
    }
    return jd_dense(g, "out", jd_dropout(g, "dropout", y, l->dropout), .units = K); /* (T,B,29) */
}

/* The loss is in nats a character. */
static void train_step(jd_graph *g, void *user)
{
    const jd_node count = jd_arg(g, "label_length");
    const jd_node each = jd_ctc(g, read_sound(g, user), jd_arg(g, "labels"), jd_arg(g, "length"), count, BLANK);
    const jd_node characters = jd_sum(g, jd_real_of(g, count), JD_ALL_AXES, false);
    const jd_node loss = jd_div(g, jd_sum(g, each, JD_ALL_AXES, false), characters);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 2);
}

static void look(jd_graph *g, void *user)
{
    jd_result(g, "logits", read_sound(g, user));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return speech_feed_next(&((listener *)user)->feed, step, slot, in);
}

/* ---- reading -------------------------------------------------------------------------------------------------------------*/

static jd_status weigh(listener *l, const float *logits, size_t stride, size_t steps, double weight, double bonus,
                       int32_t *found, size_t *n)
{
    jd_nbest list = {0};
    const jd_beam_options o = {.blank = BLANK,
                               .width = 40,
                               .least = 3e-3,
                               .model = l->model,
                               .symbol = l->symbol,
                               .weight = weight,
                               .bonus = bonus,
                               .end = true};
    *n = 0;
    if (jd_ctc_beam(l->ctx, logits, stride, steps, K, &o, &list)) return jd_error(l->ctx);
    for (; list.count && *n < list.items[0].count; ++*n) found[*n] = list.items[0].symbols[*n].label;
    jd_nbest_free(l->ctx, &list);
    return jd_error(l->ctx);
}

static jd_status add_score(jd_ctx *ctx, const speech_item *item, const int32_t *found, size_t n, score *s)
{
    const size_t U = (size_t)item->labels_n;
    int32_t *words = jd_alloc_array(ctx, U + n + 2, sizeof *words);
    if (!words) return jd_error(ctx);
    const size_t a = sentences_words(item->labels, U, words), b = sentences_words(found, n, words + U);
    const size_t errors = jd_edit_distance(ctx, item->labels, U, found, n).total;
    s->characters += item->labels_n;
    s->errors += (int64_t)errors;
    s->words += (int64_t)a;
    s->word_errors += (int64_t)jd_edit_distance(ctx, words, a, words + U, b).total;
    s->prompts++;
    s->right += errors == 0;
    jd_free(ctx, words);
    return jd_error(ctx);
}

static double cer(const score *s)
{
    return s->characters ? 100.0 * (double)s->errors / (double)s->characters : (double)NAN;
}

static double wer(const score *s)
{
    return s->words ? 100.0 * (double)s->word_errors / (double)s->words : (double)NAN;
}

/* Scores of a bag, by best path, and if `weighed` is not NULL by beam search with the model; what was read, if wanted. */
static jd_status measure(listener *l, sentences_part part, score *plain, score *weighed, reading *keep)
{
    jd_ctx *ctx = l->ctx;
    const speech_bag *bag = &l->bag[part];
    int32_t *length = jd_alloc_array(ctx, bag->n, sizeof *length), longest = 1;
    for (size_t i = 0; length && i < bag->n; i++) {
        length[i] = bag->items[i].steps;
        longest = length[i] > longest ? length[i] : longest;
    }
    int32_t *found = jd_alloc_array(ctx, (size_t)longest, sizeof *found);
    jd_batches all = {0};
    speech_batch b = {0};
    jd_batches_make(ctx, &(jd_batches_options){.count = bag->n, .batch = 16, .length = length}, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t B = all.offset[k + 1] - all.offset[k];
        jd_tensor in[4];
        if (speech_batch_fill(bag, index, B, &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(l->look, in, 2)) break;
        const float *logits = jd_fn_result(l->look, "logits", NULL); /* (T,B,29) */
        for (size_t i = 0; logits && i < B && !jd_error(ctx); i++) {
            const speech_item *item = &bag->items[index[i]];
            for (int w = 0; w < 2; w++) {
                size_t n = 0;
                if (w && !weighed) break;
                if (!w)
                    n = jd_ctc_best_path(logits + i * K, B * K, (size_t)item->steps, K, BLANK, found);
                else if (weigh(l, logits + i * K, B * K, (size_t)item->steps, l->weight, l->bonus, found, &n))
                    break;
                add_score(ctx, item, found, n, w ? weighed : plain);
                if (!keep) continue;
                int32_t *copy = jd_alloc_array(ctx, n + 1, sizeof *copy);
                if (copy) memcpy(copy, found, n * sizeof *copy);
                *(w ? &keep[index[i]].weighed : &keep[index[i]].plain) = copy;
                *(w ? &keep[index[i]].weighed_n : &keep[index[i]].plain_n) = n;
            }
        }
    }
    jd_batches_free(ctx, &all);
    speech_batch_free(ctx, &b);
    jd_free(ctx, length);
    jd_free(ctx, found);
    return jd_error(ctx);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    score s = {0};
    measure(user, SENTENCES_VALID, &s, NULL, NULL);
    jd_run_log(r, step, "validation characters wrong (%)", cer(&s));
    return cer(&s);
}

/* ---- data ------------------------------------------------------------------------------------------------------------------*/

/* Items of one part, in the order of the table, at most `most` (0: all). */
static jd_status open_bag(listener *l, sentences_part part)
{
    jd_ctx *ctx = l->ctx;
    const sentences *s = &l->data;
    speech_take *takes = jd_alloc_array(ctx, s->n, sizeof *takes);
    int32_t *labels = NULL;
    size_t n = 0, characters = 1;
    l->index[part] = jd_alloc_array(ctx, s->n, sizeof *l->index[part]);
    for (size_t i = 0; i < s->n; i++) characters += strlen(s->items[i].text);
    labels = jd_alloc_array(ctx, characters, sizeof *labels);
    int32_t *at = labels;
    for (size_t i = 0; !jd_error(ctx) && i < s->n; i++) {
        const sentence *one = &s->items[i];
        if (one->part != part) continue;
        const int32_t count = sentences_labels(one->text, at);
        l->index[part][n] = i;
        takes[n++] = (speech_take){one->sound.samples, one->sound.count, at, count, 0};
        at += count;
    }
    if (!jd_error(ctx)) speech_bag_takes(&l->ear, takes, n, &l->bag[part]);
    jd_free(ctx, takes);
    jd_free(ctx, labels);
    return jd_error(ctx);
}

/* The training texts as "p l e a s e _ e n t e r", a line each. */
static jd_status estimate_model(listener *l)
{
    size_t bytes = 1, at = 0;
    for (size_t i = 0; i < l->data.n; i++) bytes += 2 * strlen(l->data.items[i].text) + 1;
    char *text = jd_alloc(l->ctx, bytes);
    for (size_t i = 0; text && i < l->data.n; i++) {
        if (l->data.items[i].part != SENTENCES_TRAIN) continue;
        for (const char *s = l->data.items[i].text; *s; s++) {
            text[at++] = *s == ' ' ? '_' : *s;
            text[at++] = ' ';
        }
        text[at++] = '\n';
    }
    if (text) l->model = jd_ngram_estimate(l->ctx, text, at, (int)jd_run_setting(l->r, "order"));
    for (int k = 0; l->model && k < K; k++) {
        const char name[2] = {k == 0 ? '_' : SENTENCES_ALPHABET[k], 0};
        l->symbol[k] = k == BLANK ? -1 : jd_ngram_id(l->model, name);
    }
    jd_free(l->ctx, text);
    return jd_error(l->ctx);
}

static jd_status load(listener *l)
{
    jd_run *r = l->r;
    const char *data = jd_run_data(r, "asterisk_prompts");
    const bool own = strcmp(data, "asterisk_prompts") != 0; /* a folder with the recordings and the table */
    char *transcripts =
        own ? jd_asprintf(l->ctx, "%s/transcripts.tsv", data) : jd_dataset_path(l->ctx, data, "transcripts.tsv");
    if (transcripts) sentences_read(r, transcripts, own ? data : FOLDER, jd_run_seed(r), &l->data);
    jd_free(l->ctx, transcripts);
    if (jd_error(l->ctx) || speech_ear_open(l->ctx, l->data.rate, &l->ear)) return jd_error(l->ctx);
    speech_bag *others[] = {&l->bag[SENTENCES_VALID], &l->bag[SENTENCES_TEST]};
    double seconds = 0;
    for (int k = 0; k < PARTS; k++)
        if (open_bag(l, (sentences_part)k)) return jd_error(l->ctx);
    if (speech_normalise(&l->bag[SENTENCES_TRAIN], others, 2) || estimate_model(l)) return jd_error(l->ctx);
    for (size_t i = 0; i < l->data.n; i++)
        if (l->data.items[i].part == SENTENCES_TRAIN) seconds += (double)l->data.items[i].sound.count / l->data.rate;
    jd_run_note(
        r,
        "%zu prompts to train (%.1f minutes), %zu to validate, %zu to test; left out: %zu whose texts cannot be "
        "read aloud in one way, %zu whose length does not fit the text",
        l->bag[0].n, seconds / 60, l->bag[1].n, l->bag[2].n, l->data.unreadable, l->data.implausible);
    return JD_OK;
}

/* ---- the run ------------------------------------------------------------------------------------------------------------------*/

static jd_status train(listener *l, jd_train_result *res)
{
    jd_run *r = l->r;
    const double rate = jd_run_setting(r, "rate");
    l->params = jd_params_new(l->ctx, JD_F32);
    l->look = jd_fn_new(l->ctx, l->params, look, l);
    if (speech_feed_open(l->ctx, &l->bag[SENTENCES_TRAIN], &l->ear, jd_run_seed(r), (size_t)jd_run_setting(r, "batch"),
                         3, &l->feed))
        return jd_error(l->ctx);
    l->feed.short_first = true;
    l->feed.strength = jd_run_setting(r, "change");
    const jd_train_options o = {
        .what = "sentences",
        .trace = train_step,
        .user = l,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)l->feed.per_epoch),
        .batch = next_batch,
        .loaders = 1,
        .slots = 3,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = 50},
        .validate_every = 3 * (int64_t)l->feed.per_epoch,
        .validate = validate,
        .keep_best = true,
        .items_per_step = (int64_t)l->feed.batch,
    };
    return jd_train(r, l->params, &o, res);
}

/* Weight and bonus with the fewest characters wrong on the validation prompts. */
static jd_status choose_weights(listener *l)
{
    static const double weights[] = {0.3, 0.6, 0.9}, bonuses[] = {0.7, 1.4};
    double best = (double)INFINITY, weight = 0.6, bonus = 0;
    for (int i = 0; i < 6 && !jd_error(l->ctx); i++) {
        score plain = {0}, s = {0};
        l->weight = weights[i / 2];
        l->bonus = bonuses[i % 2];
        if (jd_run_progress(l->r, i + 1, 6, "weights of the character model")) return jd_run_stopped(l->r);
        if (measure(l, SENTENCES_VALID, &plain, &s, NULL)) break;
        if (cer(&s) < best) {
            best = cer(&s);
            weight = l->weight;
            bonus = l->bonus;
        }
    }
    l->weight = weight;
    l->bonus = bonus;
    return jd_error(l->ctx);
}

/* ---- the report ---------------------------------------------------------------------------------------------------------------*/

static void softmax(const float *x, float *p)
{
    double top = (double)x[0], sum = 0;
    for (int k = 1; k < K; k++) top = fmax(top, (double)x[k]);
    for (int k = 0; k < K; k++) sum += exp((double)x[k] - top);
    for (int k = 0; k < K; k++) p[k] = (float)(exp((double)x[k] - top) / sum);
}

static jd_status show(listener *l, uint32_t i, const reading *got)
{
    jd_ctx *ctx = l->ctx;
    const speech_bag *bag = &l->bag[SENTENCES_TEST];
    const speech_item *item = &bag->items[i];
    const sentence *s = &l->data.items[l->index[SENTENCES_TEST][i]];
    static char letters[K][2];
    const char *names[K];
    for (int k = 0; k < K; k++) {
        letters[k][0] = k == 0 ? '_' : k == BLANK ? '-' : SENTENCES_ALPHABET[k];
        names[k] = letters[k];
    }
    speech_batch b = {0};
    jd_tensor in[4];
    size_t T = 0, F = 0;
    const size_t steps = (size_t)item->steps;
    float *p = jd_alloc_array(ctx, steps, K * sizeof *p);
    float *sound = p ? speech_spectrogram(ctx, s->sound.samples, s->sound.count, l->data.rate, &T, &F) : NULL;
    char *plain = jd_alloc(ctx, got->plain_n + 1), *weighed = jd_alloc(ctx, got->weighed_n + 1), *caption = NULL;
    if (plain && weighed) {
        sentences_text(got->plain, got->plain_n, plain);
        sentences_text(got->weighed, got->weighed_n, weighed);
        caption =
            jd_asprintf(ctx,
                        "A test prompt. With the model of characters: \"%s\". The network sees every 20 ms and says "
                        "each letter in a spike (_ ends a word); between spikes it says blank (grey).",
                        weighed);
    }
    if (sound && caption && !speech_batch_fill(bag, &i, 1, &b)) {
        speech_batch_inputs(&b, in);
        const float *logits = jd_fn_run(l->look, in, 2) ? NULL : jd_fn_result(l->look, "logits", NULL);
        for (size_t t = 0; logits && t < steps; t++) softmax(logits + t * K, p + t * K);
        const jd_ctc_view view = {.spectrogram = sound,
                                  .T = T,
                                  .F = F,
                                  .seconds = (double)s->sound.count / l->data.rate,
                                  .f_min = 0.02,
                                  .f_max = l->data.rate / 2000.0,
                                  .probs = p,
                                  .Tp = steps,
                                  .K = K,
                                  .names = names,
                                  .blank = BLANK,
                                  .decoded = plain,
                                  .truth = s->text};
        if (logits) jd_report_ctc(jd_run_report(l->r), &view, caption);
    }
    speech_batch_free(ctx, &b);
    jd_free(ctx, p);
    jd_free(ctx, sound);
    jd_free(ctx, plain);
    jd_free(ctx, weighed);
    jd_free(ctx, caption);
    return jd_error(ctx);
}

static void show_scores(listener *l, const score *s)
{
    static const char *const names[] = {"validation, best path", "validation, with the model", "test, best path",
                                        "test, with the model"};
    char room[4][4][24];
    const char *cells[20];
    for (int i = 0; i < 4; i++) {
        snprintf(room[i][0], sizeof room[i][0], "%lld", (long long)s[i].prompts);
        snprintf(room[i][1], sizeof room[i][1], "%.1f", cer(&s[i]));
        snprintf(room[i][2], sizeof room[i][2], "%.1f", wer(&s[i]));
        snprintf(room[i][3], sizeof room[i][3], "%lld", (long long)s[i].right);
        cells[5 * i] = names[i];
        for (int k = 0; k < 4; k++) cells[5 * i + k + 1] = room[i][k];
    }
    char caption[400];
    snprintf(caption, sizeof caption,
             "No text of these prompts is in training, though their words may be. The model is a %d-gram of "
             "characters, from the training texts alone; its weight %.1f and the bonus %.1f for a character were "
             "chosen on the validation prompts.",
             (int)jd_run_setting(l->r, "order"), l->weight, l->bonus);
    jd_report_table(
        jd_run_report(l->r),
        (const char *const[]){"prompts", "number", "characters wrong (%)", "words wrong (%)", "prompts right"}, cells,
        4, 5, caption);
}

/* Prompts from all over the test part. */
static jd_status show_readings(listener *l, const reading *got)
{
    enum { ROWS = 16 };
    const speech_bag *bag = &l->bag[SENTENCES_TEST];
    char *cells[3 * ROWS] = {NULL};
    const size_t rows = bag->n < ROWS ? bag->n : ROWS;
    int left = 4;
    for (size_t k = 0; k < bag->n && left > 0 && !jd_error(l->ctx); k++) {
        const uint32_t i = (uint32_t)(k * 37 % bag->n);
        if (bag->items[i].labels_n < 20 || bag->items[i].labels_n > 60) continue;
        show(l, i, &got[i]);
        left--;
    }
    for (size_t k = 0; k < rows && !jd_error(l->ctx); k++) {
        const size_t i = k * bag->n / rows;
        const reading *g = &got[i];
        cells[3 * k] = jd_strdup(l->ctx, l->data.items[l->index[SENTENCES_TEST][i]].text);
        cells[3 * k + 1] = jd_alloc(l->ctx, g->plain_n + 1);
        cells[3 * k + 2] = jd_alloc(l->ctx, g->weighed_n + 1);
        if (jd_error(l->ctx)) break;
        sentences_text(g->plain, g->plain_n, cells[3 * k + 1]);
        sentences_text(g->weighed, g->weighed_n, cells[3 * k + 2]);
    }
    if (!jd_error(l->ctx))
        jd_report_table(jd_run_report(l->r), (const char *const[]){"said", "read", "read with the model"},
                        (const char *const *)cells, rows, 3, "Test prompts.");
    for (int k = 0; k < 3 * ROWS; k++) jd_free(l->ctx, cells[k]);
    return jd_error(l->ctx);
}

/* The model, with the line of the network language that says what read_sound() builds. */
static void save(listener *l, int64_t steps)
{
    char net[300];
    size_t at = 0;
    for (int64_t i = 0; i < l->levels && at < sizeof net; i++)
        at += (size_t)snprintf(net + at, sizeof net - at, "blstm %d as level%d, ", (int)l->units, (int)i + 1);
    if (at < sizeof net) snprintf(net + at, sizeof net - at, "dense %d as out", K);
    speech_describe(l->r, l->data.rate, &l->bag[SENTENCES_TRAIN], net, SENTENCES_ALPHABET, NULL, 0);
    jd_run_save(l->r, l->params, steps, true);
}

static jd_status results(listener *l, const jd_train_result *res)
{
    jd_run *r = l->r;
    score s[4] = {{0}};
    const size_t n = l->bag[SENTENCES_TEST].n;
    reading *got = jd_alloc_array(l->ctx, n, sizeof *got);
    if (got && !choose_weights(l) && !measure(l, SENTENCES_VALID, &s[0], &s[1], NULL) &&
        !measure(l, SENTENCES_TEST, &s[2], &s[3], got)) {
        jd_report_section(jd_run_report(r), "Prompts it has not heard");
        show_scores(l, s);
        show_readings(l, got);
        jd_run_note(r,
                    "test prompts: %.1f %% of the characters wrong, %.1f %% of the words; with the model of characters "
                    "%.1f %% and %.1f %%",
                    cer(&s[2]), wer(&s[2]), cer(&s[3]), wer(&s[3]));
        jd_run_extra(r, "word_error", wer(&s[2]));
        jd_run_extra(r, "character_error_with_model", cer(&s[3]));
        jd_run_extra(r, "word_error_with_model", wer(&s[3]));
        jd_run_extra(r, "validation_character_error", cer(&s[0]));
        jd_run_extra(r, "training_seconds", res->seconds);
        jd_run_extra(r, "weights", (double)jd_params_count(l->params));
        save(l, res->steps);
        jd_run_finish(r, cer(&s[2]), NULL);
    }
    for (size_t i = 0; got && i < n; i++) {
        jd_free(l->ctx, got[i].plain);
        jd_free(l->ctx, got[i].weighed);
    }
    jd_free(l->ctx, got);
    return jd_error(l->ctx);
}

static jd_status run(jd_run *r)
{
    listener l = {.r = r,
                  .ctx = jd_run_ctx(r),
                  .units = (int64_t)jd_run_setting(r, "units"),
                  .levels = (int64_t)jd_run_setting(r, "levels"),
                  .noise = jd_run_setting(r, "noise"),
                  .dropout = jd_run_setting(r, "dropout")};
    jd_train_result res = {0};
    if (!load(&l) && !train(&l, &res)) results(&l, &res);
    speech_feed_close(l.ctx, &l.feed);
    jd_fn_free(l.look);
    jd_params_free(l.params);
    jd_ngram_free(l.model);
    for (int k = 0; k < PARTS; k++) {
        speech_bag_free(&l.bag[k]);
        jd_free(l.ctx, l.index[k]);
    }
    if (l.ear.ctx) speech_ear_close(&l.ear);
    sentences_free(&l.data);
    return jd_error(l.ctx);
}

static const jd_setting settings[] = {
    {"units", {64, 128, 250}, "LSTM cells a direction and level"},
    {"levels", {1, 2, 3}, "levels of LSTM cells"},
    {"epochs", {12, 90, 150}, "passes over the prompts, each time changed"},
    {"batch", {3, 2, 16}, "prompts a step"},
    {"rate", {6e-3, 6e-3, 1e-3}, "Adam's rate"},
    {"change", {0.5, 0.5, 0.5}, "strength of random changes of pitch, tempo, tilt and noise"},
    {"noise", {0.3, 0.3, 0.3}, "deviation of noise on the features"},
    {"dropout", {0.2, 0.2, 0.4}, "share of outputs dropped"},
    {"order", {5, 5, 5}, "n of the n-gram model of characters"},
    {NULL},
};

const jd_system jd_system_speech_sentences = {
    .name = "speech-sentences",
    .year = 2013,
    .title = "Spoken sentences to text, deep BLSTM and CTC on characters",
    .paper = "A. Graves, A. Mohamed, G. Hinton: Speech recognition with deep recurrent neural networks. ICASSP 2013; "
             "Hannun et al., arXiv 1412.5567, 2014",
    .metric = "characters wrong in prompts not in training, best path (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "the papers' corpora are licensed; these are the prompts of a telephone exchange, one voice, twelve minutes to "
        "learn from",
    .accept = {NAN, NAN, NAN},
    .about = "One voice reads the prompts of a telephone exchange: single words, and sentences of up to some seventy "
             "words. A tenth of the texts chooses the moment to stop and the weight of the language model, a fifth is "
             "the test; prompts of one text are always on one side. With twelve minutes of speech the network learns "
             "to spell what it hears, as a child writes: look at the spikes under the spectrogram, and at the words "
             "that it has to invent.",
    .data = "asterisk_prompts",
    .settings = settings,
    .run = run,
};
