/*
 * clockwork_words.c - a spoken word from its last moment: Clockwork RNN, LSTM and simple net with as many weights (Koutnik,
 * Greff, Gomez, Schmidhuber, A Clockwork RNN, ICML 2014, second experiment).
 *
 * The network reads the cepstra of a clip and names the word from its state after the last step.  The paper's 25 words of
 * TIMIT, 125 to learn from and 50 to be tested on, cannot be had freely; here are ten commands of Speech Commands, cut out of
 * their clips, said by people who are not heard in training.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "keywords.h"

enum { WORDS = 10, MODULES = 7, TRIES = 10, RATES = 2, WIDTH = 13, MOST_AT_ONCE = 1000 };
static const double rate_of[RATES] = {3e-3, 1e-3};

/* Clips of words as features: every 10 ms twelve cepstra and the logarithm of the energy. */
typedef struct part {
    size_t n, T;     /* clips; most steps */
    float *x;        /* (n,T,13), zero behind a clip's end */
    int32_t *length; /* (n) */
    int32_t *word;   /* (n) */
} part;

typedef struct task {
    jd_run *r;
    jd_ctx *ctx;
    part part[3]; /* to learn from, held out, to be tested on */
} task;

typedef struct net {
    task *k;
    clock_net shape;
    char name[48];
    double noise;
    uint64_t seed;
    int64_t B, per_epoch, epoch;
    jd_params *params;
    jd_fn *ask;
    uint32_t *order;
    float *x; /* (T,B,13) */
    int32_t *length, *word;
} net;

/* ---- data -----------------------------------------------------------------------------------------------------------------*/

static void part_free(jd_ctx *ctx, part *p)
{
    jd_free(ctx, p->x);
    jd_free(ctx, p->length);
    jd_free(ctx, p->word);
}

/* Cuts a clip x (T,13) to the word in it, as the words of TIMIT are cut out of sentences: from the first to the last frame whose
 * energy is nearer to the loudest's than to the faintest's, and some frames around; returns how many are left. */
static size_t cut_word(float *x, size_t T)
{
    enum { ENERGY = WIDTH - 1, AROUND = 5 };
    float least = x[ENERGY], most = least;
    for (size_t t = 0; t < T; t++) {
        least = fminf(least, x[t * WIDTH + ENERGY]);
        most = fmaxf(most, x[t * WIDTH + ENERGY]);
    }
    const float level = (least + most) / 2;
    size_t first = 0, end = T;
    while (x[first * WIDTH + ENERGY] < level) first++;
    while (x[(end - 1) * WIDTH + ENERGY] < level) end--;
    first -= first < AROUND ? first : AROUND;
    end = end + AROUND < T ? end + AROUND : T;
    memmove(x, x + first * WIDTH, (end - first) * WIDTH * sizeof *x);
    memset(x + (end - first) * WIDTH, 0, (T - end + first) * WIDTH * sizeof *x);
    return end - first;
}

/* The words among the clips, `most` of each at most. */
static jd_status hear(task *k, jd_frontend *f, const jd_speech *from, int most, part *out)
{
    int have[WORDS] = {0};
    for (size_t i = 0; i < from->count; i++) {
        const size_t steps = jd_frontend_frames(f, from->items[i].count);
        out->T = steps > out->T ? steps : out->T;
    }
    out->x = jd_alloc_array(k->ctx, from->count * out->T * WIDTH, sizeof *out->x);
    out->length = jd_alloc_array(k->ctx, from->count, sizeof *out->length);
    out->word = jd_alloc_array(k->ctx, from->count, sizeof *out->word);
    for (size_t i = 0; i < from->count && !jd_error(k->ctx); i++) {
        const jd_utterance *u = &from->items[i];
        if (u->digit >= WORDS || have[u->digit]++ >= most) continue;
        float *x = out->x + out->n * out->T * WIDTH;
        memset(x, 0, out->T * WIDTH * sizeof *x);
        jd_frontend_run(f, u->samples, u->count, x);
        out->length[out->n] = (int32_t)cut_word(x, jd_frontend_frames(f, u->count));
        out->word[out->n++] = u->digit;
    }
    return jd_error(k->ctx);
}

/* Each feature to mean 0 and deviation 1 over the clips to learn from. */
static jd_status normalise(task *k)
{
    jd_norm *norm = jd_norm_new(k->ctx, WIDTH);
    for (int pass = 0; pass < 2 && !jd_error(k->ctx); pass++)
        for (int i = 0; i < (pass ? 3 : 1); i++)
            for (size_t c = 0; c < k->part[i].n; c++) {
                float *x = k->part[i].x + c * k->part[i].T * WIDTH;
                if (pass)
                    jd_norm_apply(norm, x, (size_t)k->part[i].length[c]);
                else
                    jd_norm_add(norm, x, (size_t)k->part[i].length[c]);
            }
    jd_norm_free(norm);
    return jd_error(k->ctx);
}

static jd_status load(task *k)
{
    jd_run *r = k->r;
    keywords_data data = {0};
    jd_frontend_options o;
    jd_frontend *f = NULL;
    jd_run_stage(r, "reading clips");
    if (!keywords_load(r, (int)jd_run_setting(r, "held_out"), &data) &&
        !jd_frontend_preset(k->ctx, "mfcc39", data.train.rate, &o)) {
        o.deltas = 0;
        f = jd_frontend_new(k->ctx, &o);
        jd_run_stage(r, "computing cepstra");
        const jd_speech *from[3] = {&data.train, &data.valid, &data.test};
        for (int i = 0; i < 3 && f && !jd_error(k->ctx); i++)
            hear(k, f, from[i], i ? 1000 : (int)jd_run_setting(r, "clips"), &k->part[i]);
        if (!jd_error(k->ctx)) normalise(k);
    }
    jd_frontend_free(f);
    keywords_free(k->ctx, &data);
    return jd_error(k->ctx);
}

/* Clips index[0..B-1] side by side. */
static int put(net *n, const part *p, const uint32_t *index, int64_t B, jd_tensor *in)
{
    for (int64_t b = 0; b < B; b++) {
        const float *x = p->x + (size_t)index[b] * p->T * WIDTH;
        for (size_t t = 0; t < p->T; t++)
            memcpy(n->x + (t * (size_t)B + (size_t)b) * WIDTH, x + t * WIDTH, WIDTH * sizeof *x);
        n->length[b] = p->length[index[b]];
        n->word[b] = p->word[index[b]];
    }
    in[0] = JD_TENSOR("x", JD_F32, n->x, (int64_t)p->T, B, WIDTH);
    in[1] = JD_TENSOR("length", JD_I32, n->length, B);
    in[2] = JD_TENSOR("word", JD_I32, n->word, B);
    return 3;
}

/* ---- the network ------------------------------------------------------------------------------------------------------------*/

static jd_node model(jd_graph *g, const net *n, jd_node *y)
{
    const jd_node x = jd_gauss_noise(g, "noise", jd_arg(g, "x"), n->noise); /* (T,B,13) */
    const jd_rnn_out h = clock_recur(g, &n->shape, x, jd_arg(g, "length"));
    if (y) *y = h.y;
    return jd_dense(g, "out", h.hT, .units = WORDS);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node loss = jd_softmax_xent(g, model(g, n, NULL), jd_arg(g, "word"));
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
    net *n = user;
    const part *p = &n->k->part[0];
    (void)slot;
    if (step / n->per_epoch != n->epoch) {
        n->epoch = step / n->per_epoch;
        jd_epoch_order(n->seed, (uint64_t)n->epoch, n->order, p->n);
    }
    return put(n, p, n->order + step % n->per_epoch * n->B, n->B, in);
}

/* Clips of a part that are named wrongly, %; confusions are added up if they are wanted. */
static double measure(net *n, const part *p, int64_t *confusion)
{
    int64_t wrong = 0;
    for (size_t i = 0; i < p->n && !jd_error(n->k->ctx); i += (size_t)n->B) {
        uint32_t index[MOST_AT_ONCE];
        const int64_t left = (int64_t)(p->n - i), B = left < n->B ? left : n->B;
        jd_tensor in[3];
        for (int64_t b = 0; b < B; b++) index[b] = (uint32_t)((int64_t)i + b);
        put(n, p, index, B, in);
        if (jd_fn_run(n->ask, in, 2)) break;
        const int32_t *word = jd_fn_result(n->ask, "word", NULL);
        for (int64_t b = 0; word && b < B; b++) {
            wrong += word[b] != n->word[b];
            if (confusion) confusion[n->word[b] * WORDS + word[b]]++;
        }
    }
    return 100. * (double)wrong / (double)p->n;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    char series[96];
    const double wrong = measure(n, &n->k->part[1], NULL);
    snprintf(series, sizeof series, "%s/held out wrong (%%)", n->name);
    jd_run_log(r, step, series, wrong);
    return wrong;
}

static jd_status train(task *k, net *n, double rate, uint64_t seed)
{
    jd_run *r = k->r;
    jd_ctx *ctx = k->ctx;
    size_t T = 0;
    for (int i = 0; i < 3; i++) T = k->part[i].T > T ? k->part[i].T : T;
    n->k = k;
    n->seed = seed;
    n->epoch = -1;
    n->noise = jd_run_setting(r, "noise");
    n->B = (int64_t)jd_run_setting(r, "batch");
    n->per_epoch = (int64_t)k->part[0].n / n->B;
    if (n->per_epoch < 1)
        return jd_fail(ctx, JD_EUSAGE, "clockwork-words: batch=%lld, but there are %zu clips to learn from",
                       (long long)n->B, k->part[0].n);
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->order = jd_alloc_array(ctx, k->part[0].n, sizeof *n->order);
    n->x = jd_alloc_array(ctx, T * (size_t)n->B * WIDTH, sizeof *n->x);
    n->length = jd_alloc_array(ctx, (size_t)n->B, sizeof *n->length);
    n->word = jd_alloc_array(ctx, (size_t)n->B, sizeof *n->word);
    if (jd_error(ctx)) return jd_error(ctx);
    const int64_t steps = (int64_t)(jd_run_setting(r, "epochs") * (double)n->per_epoch);
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = n,
                                .steps = steps,
                                .batch = next_batch,
                                .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50},
                                .validate_every = steps / 10 + 1,
                                .validate = validate,
                                .items_per_step = n->B};
    return jd_train(r, n->params, &o, NULL);
}

static void forget(task *k, net *n)
{
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    jd_free(k->ctx, n->order);
    jd_free(k->ctx, n->x);
    jd_free(k->ctx, n->length);
    jd_free(k->ctx, n->word);
    *n = (net){0};
}

/* ---- the report --------------------------------------------------------------------------------------------------------------*/

/* One clip through the net of the first try: its cepstra, its units, and what would be said at each step. */
static void show(task *k, net *n)
{
    jd_tensor in[3];
    const uint32_t index = 0;
    const size_t H = (size_t)n->shape.units;
    put(n, &k->part[2], &index, 1, in);
    const size_t T = (size_t)n->length[0];
    const float *p = jd_fn_run(n->ask, in, 2) ? NULL : jd_fn_result(n->ask, "p", NULL);
    const float *h = p ? jd_fn_result(n->ask, "h", NULL) : NULL;
    if (!h) return;
    char caption[300];
    jd_timeline *t = jd_timeline_new(k->ctx, "time (s)", 0, .01 * (double)T);
    const jd_map heard = {.label = "features",
                          .values = n->x,
                          .T = T,
                          .H = WIDTH,
                          .vmin = -3,
                          .vmax = 3,
                          .colors = JD_DIVERGING,
                          .height = 90};
    const jd_map units = {
        .label = "units", .values = h, .T = T, .H = H, .vmin = -1, .vmax = 1, .colors = JD_DIVERGING, .height = 190};
    jd_timeline_map(t, &heard);
    jd_timeline_map(t, &units);
    jd_timeline_lines(t, "said so far", p, T, WORDS, keywords_names, 0, 1);
    snprintf(caption, sizeof caption, "%s on a clip of \"%s\".%s", clock_names[n->shape.kind],
             keywords_names[n->word[0]],
             n->shape.kind == CLOCK_CLOCKWORK
                 ? " Quick modules stand above, slow ones below: these hold what was heard over many steps."
                 : "");
    jd_report_timeline(jd_run_report(k->r), t, caption);
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
        tries, k->part[0].n, k->part[1].n, k->part[2].n);
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
            const double wrong = measure(&n, &k->part[1], NULL);
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
            const double wrong = measure(&n, &k->part[2], q->shape.kind == CLOCK_CLOCKWORK ? confusion : NULL);
            q->held_out += measure(&n, &k->part[1], NULL) / tries;
            q->mean += wrong / tries;
            square += wrong * wrong / tries;
            if (i == 0) show(k, &n);
            if (i == 0 && q->shape.kind == CLOCK_CLOCKWORK) jd_run_save(k->r, n.params, 0, true);
        }
        forget(k, &n);
    }
    q->deviation = sqrt(fmax(0, square - q->mean * q->mean));
    jd_run_note(k->r, "%s, %lld weights: %.1f %% wrong, deviation %.1f; of the clips held out %.1f %%",
                clock_names[q->shape.kind], (long long)q->weights, q->mean, q->deviation, q->held_out);
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
        q->shape = clock_like((clock_kind)i, MODULES, WIDTH, WORDS, weights);
        q->weights = clock_weights(&q->shape, WIDTH, WORDS);
        if (run_kind(k, q, tries, confusion)) return jd_error(k->ctx);
    }
    report(k, rows, tries, confusion);
    jd_run_extra(r, "clockwork_error", rows[CLOCK_CLOCKWORK].mean);
    jd_run_extra(r, "lstm_error", rows[CLOCK_LSTM].mean);
    jd_run_extra(r, "srn_error", rows[CLOCK_SRN].mean);
    jd_run_extra(r, "deviation", rows[CLOCK_CLOCKWORK].deviation);
    const double other = fmin(rows[CLOCK_LSTM].mean, rows[CLOCK_SRN].mean), ratio = rows[CLOCK_CLOCKWORK].mean / other;
    return jd_run_finish(r, ratio,
                         ratio < 1 ? NULL
                                   : "another network of as many weights errs less often on these words: a slow module "
                                     "hears the frames at its own ticks only, and no quick one tells it what it heard");
}

static jd_status run(jd_run *r)
{
    task k = {.r = r, .ctx = jd_run_ctx(r)};
    const double tries = jd_run_setting(r, "tries");
    if (!(tries >= 1 && tries <= TRIES && jd_run_setting(r, "weights") >= 500 && jd_run_setting(r, "clips") >= 1 &&
          jd_run_setting(r, "batch") >= 1 && jd_run_setting(r, "batch") <= MOST_AT_ONCE &&
          jd_run_setting(r, "epochs") > 0))
        return jd_fail(
            k.ctx, JD_EUSAGE,
            "clockwork-words: tries is 1..%d, weights at least 500, clips at least 1, batch 1..%d, epochs above 0",
            TRIES, MOST_AT_ONCE);
    if (!load(&k)) run_all(&k);
    for (int i = 0; i < 3; i++) part_free(k.ctx, &k.part[i]);
    return jd_error(k.ctx);
}

static const jd_setting SETTINGS[] = {
    {"weights", {5000, 5000, 10000}, "of each network, about"},
    {"clips", {150, 1000, 1000}, "clips of a word to learn from, at most"},
    {"held_out", {20, 20, 20}, "speakers of the training part that are held out"},
    {"tries", {2, 3, 10}, "tries of each network, with other first weights"},
    {"rates", {1, 2, 2}, "learning rates that are tried: 0.003, 0.001"},
    {"epochs", {15, 25, 100}, "passes over the clips"},
    {"batch", {20, 20, 20}, "clips a step"},
    {"noise", {.6, .6, .6}, "deviation of the noise on the features, as in the paper"},
    {0},
};

const jd_system jd_system_clockwork_words = {
    .name = "clockwork-words",
    .year = 2014,
    .title = "A Clockwork RNN names spoken words",
    .paper = "J. Koutnik, K. Greff, F. Gomez, J. Schmidhuber: A Clockwork RNN. ICML 2014",
    .metric = "errors of the Clockwork RNN over those of the better of the others",
    .higher = false,
    .paper_value = 16.8 / 34.2,
    .paper_note =
        "25 words of TIMIT, 125 clips to learn from: wrong are 16.8 % by the Clockwork RNN, 34.2 % by the LSTM, 66.8 % "
        "by the simple net. TIMIT is not free: here ten words of Speech Commands, speakers disjoint",
    .accept = {1, 1, 1},
    .about =
        "A network reads a spoken word step by step and names it from the state in which the last step leaves it, so "
        "it must hold what it heard at the beginning. Three networks with as many weights: a simple recurrent net, an "
        "LSTM, and a Clockwork RNN whose seven modules compute at every step of 10 ms, every second, ... every 64th. "
        "The features are thirteen cepstra with noise of 0.6 deviations, as in the paper.",
    .data = "speech_commands12",
    .settings = SETTINGS,
    .run = run,
};
