/* Training and measuring a net that reads handwriting: words, and lines if wanted, by writers it has not seen. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

enum { WORDS = 0, LINES = 1, KINDS = 2 };

typedef struct reader {
    jd_run *r;
    jd_ctx *ctx;
    hand_alphabet alphabet;
    const hand_net *net;
    char spec[440];
    int kinds; /* 1: words, 2: words and lines */
    char *dir; /* of the ink */
    hand_set set;
    jd_ink_reader *ink;
    hand_bag train[KINDS], valid[KINDS], test[KINDS];
    hand_feed feed[KINDS];
    int64_t every, steps; /* every so many steps a batch of lines */
    jd_params *params;
    jd_fn *look;
} reader;

/* Logits (T',B,labels) of frames x (T,B,width), or of pictures whose columns are the frames. */
static jd_node read_ink(jd_graph *g, const reader *o)
{
    jd_node x = jd_arg(g, "x"), length = jd_arg(g, "length");
    if (o->net->ink.rows) {
        const jd_node turned = jd_transpose(g, x, (const int[]){1, 2, 0}); /* (B,rows,T) */
        x = jd_reshape(g, turned, JD_DIMS(jd_dim(g, x, 1), jd_dim(g, x, 2), jd_dim(g, x, 0), 1));
        x = jd_affine(g, x, o->net->gain, 0);
        length = jd_arg(g, "size");
    }
    return jd_net(g, o->spec, x, length);
}

/* The loss is in nats a character: the sum over the batch, divided by the number of its characters. */
static void trace_step(jd_graph *g, void *user)
{
    const reader *o = user;
    const jd_node logits = read_ink(g, o), count = jd_arg(g, "label_length");
    const jd_node each = jd_ctc(g, logits, jd_arg(g, "labels"), jd_arg(g, "steps"), count, o->alphabet.n);
    const jd_node characters = jd_sum(g, jd_real_of(g, count), JD_ALL_AXES, false);
    const jd_node loss = jd_div(g, jd_sum(g, each, JD_ALL_AXES, false), characters);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = jd_run_setting(o->r, "clip"));
}

static void trace_look(jd_graph *g, void *user)
{
    const reader *o = user;
    jd_result(g, "logits", read_ink(g, o));
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    reader *o = user;
    if (o->kinds == 1) return hand_feed_next(&o->feed[WORDS], step, slot, in);
    const int64_t lines = step / o->every;
    if (step % o->every == o->every - 1) return hand_feed_next(&o->feed[LINES], lines, slot, in);
    return hand_feed_next(&o->feed[WORDS], step - lines, slot, in);
}

static const char *kind_name(const reader *o, int kind)
{
    return kind == LINES || o->set == HAND_IAM ? "lines" : o->net->name ? o->net->name : "words";
}

/* ---- measuring ---------------------------------------------------------------------------------------------------------- */

static jd_status measure(reader *o, const hand_bag *bag, hand_scores *out)
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
        jd_tensor in[HAND_INPUTS];
        if (hand_batch_fill(bag, index, n, &b)) break;
        hand_batch_inputs(&b, in);
        if (jd_fn_run(o->look, in, 4) ||
            hand_score_batch(&o->alphabet, bag, index, n, jd_fn_result(o->look, "logits", NULL), b.steps, out))
            break;
    }
    jd_batches_free(ctx, &all);
    hand_batch_free(ctx, &b);
    jd_free(ctx, length);
    return jd_error(ctx);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    reader *o = user;
    double error = 0;
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) {
        char name[64];
        hand_scores s = {0};
        measure(o, &o->valid[k], &s);
        snprintf(name, sizeof name, "valid %s/character error (%%)", kind_name(o, k));
        jd_run_log(r, step, name, hand_cer(&s.all));
        snprintf(name, sizeof name, "valid %s/texts not in training (%%)", kind_name(o, k));
        if (s.seen.samples) jd_run_log(r, step, name, hand_cer(&s.unseen));
        error += hand_cer(&s.all);
    }
    return error;
}

/* ---- the data ------------------------------------------------------------------------------------------------------------- */

static jd_status open_kind(reader *o, int kind, jd_ink ink[3])
{
    static const char *const parts[KINDS][3] = {{"words_train", "words_valid", "words_test"},
                                                {"lines_train", "lines_valid", "lines_test"}};
    jd_run *r = o->r;
    const bool test = jd_run_setting(r, "test") > 0;
    const size_t most = kind == WORDS ? (size_t)jd_run_setting(r, "samples") : 0;
    const size_t check = kind == WORDS ? (size_t)jd_run_setting(r, "valid_samples") : 0;
    if (hand_bag_open(r, o->ink, &o->alphabet, &ink[0],
                      &(hand_bag_options){.part = parts[kind][0], .n = most, .per = o->net->per, .drop = true},
                      &o->train[kind]) ||
        hand_bag_open(r, o->ink, &o->alphabet, &ink[1],
                      &(hand_bag_options){.part = parts[kind][1], .n = check, .per = o->net->per, .keep = true},
                      &o->valid[kind]) ||
        hand_mark_seen(&o->train[kind], &o->valid[kind]))
        return jd_error(o->ctx);
    if (test &&
        !hand_bag_open(r, o->ink, &o->alphabet, &ink[2],
                       &(hand_bag_options){.part = parts[kind][2], .per = o->net->per, .keep = true}, &o->test[kind]))
        hand_mark_seen(&o->train[kind], &o->test[kind]);
    double steps = 0, labels = 0;
    const hand_bag *train = &o->train[kind];
    for (size_t i = 0; i < train->n; i++) {
        steps += train->items[i].steps;
        labels += train->items[i].labels_n;
    }
    if (!jd_error(o->ctx))
        jd_run_note(r, "%zu training %s (%zu with too few frames left out), %.1f frames and %.1f characters each",
                    train->n, kind_name(o, kind), train->dropped, steps / (double)train->n, labels / (double)train->n);
    return jd_error(o->ctx);
}

/* What `jackdaw read` needs to read with the model. */
static void describe(reader *o)
{
    const jd_ink_options *ink = &o->net->ink;
    char letters[HAND_CHARS * 4 + 1] = "";
    for (int i = 0; i < o->alphabet.n; i++) strcat(letters, o->alphabet.name[i]);
    snprintf(o->spec, sizeof o->spec, "%s, dense %d", o->net->spec, o->alphabet.n + 1);
    jd_run_config(o->r, "net", o->spec);
    jd_run_config(o->r, "alphabet", letters);
    jd_run_config_number(o->r, "ink-spacing", (double)ink->spacing);
    jd_run_config_number(o->r, "ink-stack", ink->stack);
    jd_run_config_number(o->r, "ink-view", ink->view);
    jd_run_config_number(o->r, "ink-cell", (double)ink->view_cell);
    jd_run_config_number(o->r, "ink-rows", ink->rows);
    jd_run_config_number(o->r, "ink-size", (double)ink->size);
    jd_run_config_number(o->r, "ink-pen", (double)ink->pen);
    jd_run_config_number(o->r, "ink-gain", o->net->gain);
}

/* One part of the ink: of the set's tables, of tables of the same names in the folder that --data names, or as it is distributed. */
static void load_part(reader *o, int kind, int part, jd_ink *out)
{
    static const char *const parts[KINDS][3] = {
        [WORDS] = {"words_train", "words_valid", "words_test"}, [LINES] = {"lines_train", "lines_valid", "lines_test"}};
    if (jd_error(o->ctx)) return;
    if (o->set != HAND_TABLES) {
        hand_load_folder(o->ctx, o->r, o->dir, o->set, kind == LINES || o->set == HAND_IAM, part, out);
        return;
    }
    char *name = jd_asprintf(o->ctx, "%s.tsv", parts[kind][part]);
    char *path = name ? jd_dataset_path(o->ctx, o->dir, name) : NULL;
    if (path) jd_read_ink_tsv(o->ctx, path, out);
    jd_free(o->ctx, name);
    jd_free(o->ctx, path);
}

static jd_status load(reader *o)
{
    if (o->net->load) {
        if (!o->net->load(o->r, o->net->data, &o->alphabet, &o->train[WORDS], &o->valid[WORDS], &o->test[WORDS]))
            describe(o);
        return jd_error(o->ctx);
    }
    jd_ink ink[KINDS][3] = {0};
    o->dir = jd_dataset_folder(o->ctx, "unipen", jd_run_data(o->r, "unipen"));
    if (!o->dir) return jd_error(o->ctx);
    o->set = hand_set_in(o->dir);
    if (o->set == HAND_IAM) {
        o->kinds = 1;
        jd_run_note(o->r, "IAM-OnDB: what is said of words is measured on its lines");
    }
    jd_run_stage(o->r, "reading the ink");
    for (int k = 0; k < o->kinds; k++)
        for (int i = 0; i < 3; i++) load_part(o, k, i, &ink[k][i]);
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) hand_alphabet_add(o->ctx, &ink[k][0], &o->alphabet);
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) open_kind(o, k, ink[k]);
    if (!jd_error(o->ctx)) describe(o);
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < 3; i++) jd_ink_free(o->ctx, &ink[k][i]);
    return jd_error(o->ctx);
}

/* ---- the run -------------------------------------------------------------------------------------------------------------- */

static jd_status train_net(reader *o, jd_train_result *res)
{
    jd_run *r = o->r;
    const size_t batch[KINDS] = {(size_t)jd_run_setting(r, "batch"),
                                 o->kinds > 1 ? (size_t)jd_run_setting(r, "line_batch") : 0};
    int64_t per[KINDS] = {0};
    for (int k = 0; k < o->kinds; k++) {
        if (hand_feed_open(&o->train[k], o->ink, jd_run_seed(r), batch[k],
                           o->net->load ? 0 : jd_run_setting(r, "change"), 3, &o->feed[k]))
            return jd_error(o->ctx);
        per[k] = (int64_t)o->feed[k].per_epoch;
    }
    const int64_t epoch = per[WORDS] + per[LINES];
    o->every = per[LINES] ? (epoch + per[LINES] / 2) / per[LINES] : epoch + 1;
    o->params = jd_params_new(o->ctx, JD_F32);
    o->look = jd_fn_new(o->ctx, o->params, trace_look, o);
    jd_fn_lenient(o->look); /* of the lengths of a batch it needs one */
    const double rate = jd_run_setting(r, "rate");
    const jd_train_options train = {
        .what = o->kinds > 1 ? "words and lines" : kind_name(o, WORDS),
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

static void say(reader *o, const char *what, const hand_score *s)
{
    jd_run_note(o->r, "%s: %.2f %% of %lld characters wrong, %.1f %% of %lld words", what, hand_cer(s),
                (long long)s->labels, hand_wer(s), (long long)s->words);
}

/* Draws item `index` of a bag with what the net says about it. */
static jd_status draw(reader *o, const hand_bag *bag, const hand_scores *s, uint32_t index, const char *what)
{
    hand_batch b = {0};
    jd_tensor in[HAND_INPUTS];
    const hand_item *item = &bag->items[index];
    if (!hand_batch_fill(bag, &index, 1, &b)) {
        hand_batch_inputs(&b, in);
        jd_fn_run(o->look, in, 4);
    }
    const size_t steps = jd_error(o->ctx) ? 0 : (size_t)b.steps[0];
    float *places = steps ? jd_alloc_array(o->ctx, steps, 2 * sizeof *places) : NULL;
    const float *logits = places ? jd_fn_result(o->look, "logits", NULL) : NULL;
    if (logits && item->ink->strokes && jd_ink_frames(o->ink, item->ink, NULL, 0))
        for (size_t t = 0; t < steps; t++)
            memcpy(places + 2 * t, jd_ink_reader_places(o->ink) + 2 * t * (size_t)o->net->per, 2 * sizeof *places);
    const hand_view v = {.alphabet = &o->alphabet,
                         .item = item,
                         .logits = logits,
                         .steps = steps,
                         .places = places,
                         .width = bag->width,
                         .reading = &s->readings[index]};
    if (logits) hand_show(o->r, &v, what);
    jd_free(o->ctx, places);
    hand_batch_free(o->ctx, &b);
    return jd_error(o->ctx);
}

/* Samples from all over the bag: `right` read rightly and `wrong` with errors. */
static void draw_some(reader *o, const hand_bag *bag, const hand_scores *s, int right, int wrong, const char *what)
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

static void extras(reader *o, const hand_scores *valid, const hand_scores *test)
{
    jd_run *r = o->r;
    const hand_score *all = &test[WORDS].all;
    jd_run_extra(r, "whole_right", 100.0 * (double)all->right / (double)all->samples);
    jd_run_extra(r, "valid_character_error", hand_cer(&valid[WORDS].all));
    jd_run_extra(r, "weights", (double)jd_params_count(o->params));
    if (o->net->load) return;
    jd_run_extra(r, "word_error", hand_wer(all));
    jd_run_extra(r, "character_error_without_case", 100.0 * (double)all->caseless / (double)all->labels);
    jd_run_extra(r, "character_error_seen", hand_cer(&test[WORDS].seen));
    jd_run_extra(r, "character_error_unseen", hand_cer(&test[WORDS].unseen));
    if (o->kinds == 1) return;
    jd_run_extra(r, "line_character_error", hand_cer(&test[LINES].all));
    jd_run_extra(r, "line_character_error_unseen", hand_cer(&test[LINES].unseen));
    jd_run_extra(r, "line_word_error", hand_wer(&test[LINES].all));
}

static void figures(reader *o, const hand_scores *test)
{
    static const char *const titles[KINDS] = {"Words by unseen writers", "Lines by unseen writers"};
    const char *const caption =
        o->net->load ? "Test lines, best path decoding; errors are counted in characters."
                     : "Test writers, best path decoding, no dictionary and no language model; errors are counted in "
                       "characters, and in words. Many prompts recur: the "
                       "texts that are also in training are easier, since the net learns how words are spelled.";
    hand_line table[KINDS];
    for (int k = 0; k < o->kinds; k++) table[k] = (hand_line){kind_name(o, k), &test[k]};
    hand_show_scores(o->r, table, (size_t)o->kinds, caption);
    for (int k = 0; k < o->kinds; k++) {
        jd_report_section(jd_run_report(o->r), o->net->load ? o->net->name : titles[k]);
        draw_some(o, &o->test[k], &test[k], k == WORDS ? 3 : 1, k == WORDS ? 3 : 2,
                  o->net->load ? "Test" : "Test writer");
        hand_show_worst(
            o->r, &o->alphabet, &o->test[k], &test[k], k == WORDS ? 20 : 6,
            o->net->load
                ? "The worst readings."
                : "The worst readings. Some labels are wrong: the writer wrote something else, or in capitals.");
    }
}

static jd_status results(reader *o)
{
    jd_run *r = o->r;
    hand_scores valid[KINDS] = {0}, test[KINDS] = {0};
    const bool tested = jd_run_setting(r, "test") > 0;
    for (int k = 0; k < o->kinds && !jd_error(o->ctx); k++) {
        char what[96];
        measure(o, &o->valid[k], &valid[k]);
        snprintf(what, sizeof what, "validation %s", kind_name(o, k));
        say(o, what, &valid[k].all);
        if (!tested || hand_scores_keep(&o->test[k], &test[k]) || measure(o, &o->test[k], &test[k])) continue;
        snprintf(what, sizeof what, "test %s", kind_name(o, k));
        say(o, what, &test[k].all);
        snprintf(what, sizeof what, "test %s not in training", kind_name(o, k));
        if (test[k].seen.samples) say(o, what, &test[k].unseen);
        if (!o->net->load)
            jd_run_note(r, "where capitals and small letters count as the same: %.2f %% of the characters wrong",
                        100.0 * (double)test[k].all.caseless / (double)test[k].all.labels);
    }
    if (tested && !jd_error(o->ctx)) {
        figures(o, test);
        extras(o, valid, test);
    }
    const double value = hand_cer(&(tested ? test : valid)[WORDS].all);
    for (int k = 0; k < o->kinds; k++) hand_scores_free(&o->test[k], &test[k]);
    if (jd_error(o->ctx)) return jd_error(o->ctx);
    return jd_run_finish(r, value, tested ? NULL : "test=0: measured on the validation data");
}

jd_status hand_run(jd_run *r, const hand_net *net)
{
    reader o = {
        .r = r, .ctx = jd_run_ctx(r), .net = net, .kinds = !net->load && jd_run_setting(r, "lines") > 0 ? 2 : 1};
    o.ink = jd_ink_reader_new(o.ctx, &net->ink);
    jd_train_result res = {0};
    if (o.ink && !load(&o) && !train_net(&o, &res) && !results(&o)) jd_run_save(r, o.params, res.steps, true);
    jd_fn_free(o.look);
    jd_params_free(o.params);
    for (int k = 0; k < KINDS; k++) {
        hand_feed_close(&o.feed[k]);
        hand_bag_close(&o.train[k]);
        hand_bag_close(&o.valid[k]);
        hand_bag_close(&o.test[k]);
    }
    jd_ink_reader_free(o.ink);
    jd_free(o.ctx, o.dir);
    return jd_error(o.ctx);
}
