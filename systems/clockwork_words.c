/*
 * clockwork_words.c - a spoken word from its last moment: Clockwork RNN, LSTM and simple net with as many weights (Koutnik,
 * Greff, Gomez, Schmidhuber, A Clockwork RNN, ICML 2014, second experiment).
 *
 * The network reads the cepstra of a clip and names the word from its state after the last step.  The paper's 25 words of
 * TIMIT, 125 to learn from and 50 to be tested on, cannot be had freely; here are ten commands of Speech Commands, said by
 * people who are not heard in training.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "keywords.h"

enum { WORDS = 10, MODULES = 6, TRIES = 10, RATES = 2 };
static const double rate_of[RATES] = {3e-3, 1e-3};

typedef struct task {
    jd_run *r;
    jd_ctx *ctx;
    keywords_data data;
    jd_speech part[3]; /* the words alone: to learn from, held out, to be tested on */
    speech_ear ear;
    speech_bag bag[3];
} task;

typedef struct net {
    task *k;
    clock_net shape;
    char name[48];
    double noise;
    jd_params *params;
    jd_fn *ask;
    speech_feed feed;
} net;

/* ---- data -----------------------------------------------------------------------------------------------------------------*/

/* The words of a part, `most` of each at most. */
static jd_status choose(task *k, const jd_speech *from, int most, jd_speech *out)
{
    int have[WORDS] = {0};
    *out = *from;
    out->count = 0;
    out->items = jd_alloc_array(k->ctx, from->count, sizeof *out->items);
    for (size_t i = 0; out->items && i < from->count; i++) {
        const int word = from->items[i].digit;
        if (word < WORDS && have[word] < most) {
            out->items[out->count++] = from->items[i];
            have[word]++;
        }
    }
    return jd_error(k->ctx);
}

static jd_status load(task *k)
{
    jd_run *r = k->r;
    speech_bag *others[] = {&k->bag[1], &k->bag[2]};
    jd_run_stage(r, "reading clips");
    const int most = (int)jd_run_setting(r, "clips");
    if (!keywords_load(r, (int)jd_run_setting(r, "held_out"), &k->data) &&
        !choose(k, &k->data.train, most, &k->part[0]) && !choose(k, &k->data.valid, 1000, &k->part[1]) &&
        !choose(k, &k->data.test, 1000, &k->part[2]) && !speech_ear_open(k->ctx, k->data.train.rate, &k->ear)) {
        jd_run_stage(r, "computing cepstra");
        for (int i = 0; i < 3 && !jd_error(k->ctx); i++) speech_bag_words(&k->ear, &k->part[i], &k->bag[i]);
        if (!jd_error(k->ctx)) speech_normalise(&k->bag[0], others, 2);
    }
    return jd_error(k->ctx);
}

static void unload(task *k)
{
    for (int i = 0; i < 3; i++) {
        speech_bag_free(&k->bag[i]);
        jd_free(k->ctx, k->part[i].items);
    }
    speech_ear_close(&k->ear);
    keywords_free(k->ctx, &k->data);
}

/* ---- the network ------------------------------------------------------------------------------------------------------------*/

static jd_node model(jd_graph *g, const net *n, jd_node *y)
{
    const jd_node x = jd_gauss_noise(g, "noise", jd_arg(g, "x"), n->noise); /* (T,B,39) */
    const jd_rnn_out h = clock_recur(g, &n->shape, x, jd_arg(g, "length"));
    if (y) *y = h.y;
    return jd_dense(g, "out", h.hT, .units = WORDS);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node labels = jd_arg(g, "labels"), logits = model(g, n, NULL);
    const jd_node word = jd_reshape(g, jd_slice(g, labels, 1, 0, 1), JD_DIMS(jd_dim(g, labels, 0)));
    const jd_node loss = jd_softmax_xent(g, logits, word);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_node y;
    jd_scope_push(g, n->name);
    const jd_node logits = model(g, n, &y);
    jd_result(g, "word", jd_argmax(g, logits));
    jd_result(g, "p", jd_softmax(g, jd_dense(g, "out", y, .units = WORDS))); /* at every step (T,B,10) */
    jd_result(g, "h", y);
    jd_scope_pop(g);
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    return speech_feed_next(&((net *)user)->feed, step, slot, in);
}

/* Clips of a bag that are named wrongly, %; confusions are added up if they are wanted. */
static double measure(net *n, const speech_bag *bag, int64_t *confusion)
{
    jd_ctx *ctx = n->k->ctx;
    enum { AT_ONCE = 50 };
    speech_batch b = {0};
    int64_t wrong = 0;
    for (size_t i = 0; i < bag->n && !jd_error(ctx); i += AT_ONCE) {
        uint32_t index[AT_ONCE];
        const size_t m = bag->n - i < AT_ONCE ? bag->n - i : AT_ONCE;
        jd_tensor in[4];
        for (size_t j = 0; j < m; j++) index[j] = (uint32_t)(i + j);
        if (speech_batch_fill(bag, index, m, &b)) break;
        speech_batch_inputs(&b, in);
        if (jd_fn_run(n->ask, in, 2)) break;
        const int32_t *word = jd_fn_result(n->ask, "word", NULL);
        for (size_t j = 0; word && j < m; j++) {
            const int32_t truth = bag->items[i + j].labels[0];
            wrong += word[j] != truth;
            if (confusion) confusion[truth * WORDS + word[j]]++;
        }
    }
    speech_batch_free(ctx, &b);
    return 100. * (double)wrong / (double)bag->n;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    char series[96];
    const double wrong = measure(n, &n->k->bag[1], NULL);
    snprintf(series, sizeof series, "%s/held out wrong (%%)", n->name);
    jd_run_log(r, step, series, wrong);
    return wrong;
}

static jd_status train(task *k, net *n, double rate, uint64_t seed)
{
    jd_run *r = k->r;
    n->k = k;
    n->noise = jd_run_setting(r, "noise");
    n->params = jd_params_new(k->ctx, JD_F32);
    n->ask = jd_fn_new(k->ctx, n->params, ask, n);
    if (jd_error(k->ctx) ||
        speech_feed_open(k->ctx, &k->bag[0], NULL, seed, (size_t)jd_run_setting(r, "batch"), 1, &n->feed))
        return jd_error(k->ctx);
    const int64_t steps = (int64_t)(jd_run_setting(r, "epochs") * (double)n->feed.per_epoch);
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = n,
                                .steps = steps,
                                .batch = next_batch,
                                .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50},
                                .validate_every = steps / 12 + 1,
                                .validate = validate,
                                .items_per_step = (int64_t)jd_run_setting(r, "batch")};
    return jd_train(r, n->params, &o, NULL);
}

static void forget(task *k, net *n)
{
    speech_feed_close(k->ctx, &n->feed);
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    *n = (net){0};
}

/* ---- the report --------------------------------------------------------------------------------------------------------------*/

/* One clip through the net of the first try: its cepstra, its units, and what would be said at each step. */
static void show(task *k, net *n)
{
    speech_batch b = {0};
    jd_tensor in[4];
    const uint32_t index = 0;
    const size_t H = (size_t)n->shape.units;
    if (!speech_batch_fill(&k->bag[2], &index, 1, &b)) {
        speech_batch_inputs(&b, in);
        const size_t T = (size_t)k->bag[2].items[0].steps;
        const float *p = jd_fn_run(n->ask, in, 2) ? NULL : jd_fn_result(n->ask, "p", NULL);
        const float *h = p ? jd_fn_result(n->ask, "h", NULL) : NULL;
        if (h) {
            char caption[300];
            jd_timeline *t = jd_timeline_new(k->ctx, "time (s)", 0, .02 * (double)T);
            jd_timeline_map(t, &(jd_map){.label = "features",
                                         .values = b.x,
                                         .T = T,
                                         .H = SPEECH_WIDTH,
                                         .colors = JD_DIVERGING,
                                         .height = 110});
            jd_timeline_map(t, &(jd_map){.label = "units",
                                         .values = h,
                                         .T = T,
                                         .H = H,
                                         .vmin = -1,
                                         .vmax = 1,
                                         .colors = JD_DIVERGING,
                                         .height = 190});
            jd_timeline_lines(t, "said so far", p, T, WORDS, keywords_names, 0, 1);
            snprintf(caption, sizeof caption, "%s on a clip of \"%s\".%s", clock_names[n->shape.kind],
                     keywords_names[k->bag[2].items[0].labels[0]],
                     n->shape.kind == CLOCK_CLOCKWORK
                         ? " Quick modules stand above, slow ones below: these hold what was heard over many steps."
                         : "");
            jd_report_timeline(jd_run_report(k->r), t, caption);
        }
    }
    speech_batch_free(k->ctx, &b);
}

typedef struct row {
    clock_net shape;
    int64_t weights;
    double mean, deviation, rate, held_out;
} row;

static void report(task *k, const row *rows, int tries, const int64_t *confusion)
{
    static const char *const headings[] = {
        "network",        "units",     "weights",  "learning rate", "held out wrong (%)",
        "test wrong (%)", "deviation", "paper (%)"};
    static const char *const paper[CLOCK_KINDS] = {"66.8", "34.2", "16.8"};
    enum { COLUMNS = 8 };
    char text[CLOCK_KINDS * COLUMNS][32], caption[400];
    const char *cells[CLOCK_KINDS * COLUMNS];
    size_t n = 0;
    for (int i = 0; i < CLOCK_KINDS; i++) {
        snprintf(text[n++], sizeof text[0], "%s", clock_names[i]);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)rows[i].shape.units);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)rows[i].weights);
        snprintf(text[n++], sizeof text[0], "%g", rows[i].rate);
        snprintf(text[n++], sizeof text[0], "%.1f", rows[i].held_out);
        snprintf(text[n++], sizeof text[0], "%.1f", rows[i].mean);
        snprintf(text[n++], sizeof text[0], "%.1f", rows[i].deviation);
        snprintf(text[n++], sizeof text[0], "%s", paper[i]);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    snprintf(
        caption, sizeof caption,
        "Errors over %d tries with other first weights; %zu clips to learn from, %zu held out, %zu to be tested on, "
        "no speaker in two of them. The learning rate is the one with the fewest errors on the clips held out. The "
        "paper's figures are for other words: 25 of TIMIT.",
        tries, k->bag[0].n, k->bag[1].n, k->bag[2].n);
    jd_report_section(jd_run_report(k->r), "Who remembers the word?");
    jd_report_table(jd_run_report(k->r), headings, cells, CLOCK_KINDS, COLUMNS, caption);
    jd_report_confusion(jd_run_report(k->r), keywords_names, confusion, WORDS,
                        "What the Clockwork RNN takes for what, all tries together.");
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

/* All tries of one network: each learning rate on the first try, the best one on all. */
static jd_status run_kind(task *k, row *q, int tries, int64_t *confusion)
{
    const int rates = (int)jd_run_setting(k->r, "rates");
    double square = 0;
    net n = {0};
    q->held_out = 1e9;
    for (int i = 0; i < rates && i < RATES && rates > 1 && !jd_error(k->ctx); i++) {
        n.shape = q->shape;
        snprintf(n.name, sizeof n.name, "%s rate %g", clock_names[q->shape.kind], rate_of[i]);
        if (!train(k, &n, rate_of[i], jd_run_seed(k->r) + 77)) {
            const double wrong = measure(&n, &k->bag[1], NULL);
            if (wrong < q->held_out) q->held_out = wrong, q->rate = rate_of[i];
        }
        forget(k, &n);
    }
    if (rates == 1) q->rate = rate_of[0];
    q->held_out = q->mean = 0;
    for (int i = 0; i < tries && !jd_error(k->ctx); i++) {
        n.shape = q->shape;
        snprintf(n.name, sizeof n.name, "%s %d", clock_names[q->shape.kind], i + 1);
        if (!train(k, &n, q->rate, jd_run_seed(k->r) + 1000 * (uint64_t)i)) {
            const double wrong = measure(&n, &k->bag[2], q->shape.kind == CLOCK_CLOCKWORK ? confusion : NULL);
            q->held_out += measure(&n, &k->bag[1], NULL) / tries;
            q->mean += wrong / tries;
            square += wrong * wrong / tries;
            if (i == 0) show(k, &n);
            if (i == 0 && q->shape.kind == CLOCK_CLOCKWORK) jd_run_save(k->r, n.params, 0, true);
        }
        forget(k, &n);
    }
    q->deviation = sqrt(fmax(0, square - q->mean * q->mean));
    jd_run_note(k->r, "%s, %lld weights: %.1f %% wrong, deviation %.1f", clock_names[q->shape.kind],
                (long long)q->weights, q->mean, q->deviation);
    return jd_error(k->ctx);
}

static jd_status run_all(task *k)
{
    jd_run *r = k->r;
    const int tries = (int)jd_run_setting(r, "tries");
    const int64_t weights = (int64_t)jd_run_setting(r, "weights");
    row rows[CLOCK_KINDS] = {{.mean = 0}};
    int64_t confusion[WORDS * WORDS] = {0};
    jd_report_section(jd_run_report(r), "What the networks hear");
    for (int i = CLOCK_KINDS - 1; i >= 0; i--) {
        row *q = &rows[i];
        q->shape = clock_like((clock_kind)i, MODULES, SPEECH_WIDTH, WORDS, weights);
        q->weights = clock_weights(&q->shape, SPEECH_WIDTH, WORDS);
        if (run_kind(k, q, tries, confusion)) return jd_error(k->ctx);
    }
    report(k, rows, tries, confusion);
    jd_run_extra(r, "lstm_error", rows[CLOCK_LSTM].mean);
    jd_run_extra(r, "srn_error", rows[CLOCK_SRN].mean);
    jd_run_extra(r, "deviation", rows[CLOCK_CLOCKWORK].deviation);
    const bool best = rows[2].mean < rows[1].mean && rows[2].mean < rows[0].mean;
    jd_run_extra(r, "clockwork_is_best", best);
    return jd_run_finish(r, rows[CLOCK_CLOCKWORK].mean,
                         best ? NULL : "another network of as many weights errs less often on these words");
}

static jd_status run(jd_run *r)
{
    task k = {.r = r, .ctx = jd_run_ctx(r)};
    const double tries = jd_run_setting(r, "tries");
    if (!(tries >= 1 && tries <= TRIES && jd_run_setting(r, "weights") >= 500 && jd_run_setting(r, "clips") >= 1 &&
          jd_run_setting(r, "epochs") > 0))
        return jd_fail(k.ctx, JD_EUSAGE,
                       "clockwork-words: tries is 1..%d, weights at least 500, clips at least 1, epochs above 0",
                       TRIES);
    if (!load(&k)) run_all(&k);
    unload(&k);
    return jd_error(k.ctx);
}

static const jd_setting SETTINGS[] = {
    {"weights", {5000, 5000, 10000}, "of each network, about"},
    {"clips", {100, 1000, 1000}, "clips of a word to learn from, at most"},
    {"held_out", {20, 20, 20}, "speakers of the training part that are held out"},
    {"tries", {1, 3, 10}, "tries of each network, with other first weights"},
    {"rates", {1, 2, 2}, "learning rates that are tried: 0.003, 0.001"},
    {"epochs", {20, 40, 100}, "passes over the clips"},
    {"batch", {20, 20, 20}, "clips a step"},
    {"noise", {.6, .6, .6}, "deviation of the noise on the features, as in the paper"},
    {0},
};

const jd_system jd_system_clockwork_words = {
    .name = "clockwork-words",
    .year = 2014,
    .title = "A Clockwork RNN names spoken words",
    .paper = "J. Koutnik, K. Greff, F. Gomez, J. Schmidhuber: A Clockwork RNN. ICML 2014",
    .metric = "words named wrongly by the Clockwork RNN (%)",
    .higher = false,
    .paper_value = 16.8,
    .paper_note =
        "25 words of TIMIT, 125 clips to learn from: Clockwork RNN 16.8 %, LSTM 34.2 %, simple net 66.8 %. TIMIT is "
        "not free: here ten words of Speech Commands, speakers disjoint, so the figures are no comparison, only "
        "their order",
    .accept = {60, 40, 35},
    .about = "A network reads a spoken word step by step and names it from the state in which the last step leaves it, "
             "so it "
             "must hold what it heard at the beginning. Three networks with as many weights: a simple recurrent net, "
             "an LSTM, "
             "and a Clockwork RNN whose six modules compute at every step of 20 ms, every second, ... every 32nd. The "
             "features "
             "are cepstra with noise of 0.6 deviations, as in the paper.",
    .data = "speech_commands12",
    .settings = SETTINGS,
    .run = run,
};
