/*
 * lstm_noise_lag.c - long lags without and with noise (Hochreiter and Schmidhuber 1997, experiments 2a and 2b).
 *
 * A sequence begins and ends with the same symbol, x or y, and p - 1 others stand between.  2a: always the same others,
 * a1, a2, ... in order, so all is easy but the last.  2b: others drawn at random, so nothing can be predicted but the
 * last.  At each step the network names the next symbol; what counts is that it names the last one, p steps after it was
 * told.
 */
#include <stdio.h>
#include <string.h>

#include "sequences.h"

enum { FRESH = 256, MOST_TRIALS = 10 };
#define TOLERANCE 0.25 /* the paper's: each output at the last step is this near to its target */

typedef struct net {
    char name[32];
    bool noise; /* 2b */
    seq_cell cell;
    int64_t p, batch;
    uint64_t seed;
    jd_params *params;
    jd_fn *ask;
    seq_strings train, test;
    double solved; /* share of the test sequences; the trial is solved when it is 1 */
    int64_t sequences;
} net;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

/* (T,B) -> logits of the next symbol (T,B,p+1) */
static jd_node predict(jd_graph *g, const net *n, jd_lstm_out *cell)
{
    const jd_lstm_out out = seq_recur(g, &n->cell, jd_onehot(g, jd_arg(g, "symbol"), n->p + 1), jd_arg(g, "length"));
    if (cell) *cell = out;
    return jd_dense(g, "out", out.y, .units = n->p + 1);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node loss = jd_softmax_xent(g, predict(g, n, NULL), jd_arg(g, "next"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_lstm_out cell = {0};
    jd_scope_push(g, n->name);
    jd_result(g, "p", jd_softmax(g, predict(g, n, &cell)));
    if (!n->cell.plain) seq_result_inside(g, &cell);
    jd_scope_pop(g);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

/* Sequence `index` of a stream, into place b: symbols 0 .. p-2 are the a's, p-1 is x, p is y.  Even ones have x, so that a
 * batch has as many of both. */
static void put(const net *n, seq_strings *s, const char *stream, int64_t index, int64_t b)
{
    const int64_t p = n->p;
    jd_rng r = jd_rng_new(n->seed, stream, (uint64_t)index);
    for (int64_t t = 0; t < p; t++) {
        const int32_t key = (int32_t)(p - 1 + index % 2);
        const int32_t now = n->noise ? (int32_t)jd_rng_below(&r, (uint32_t)p - 1) : (int32_t)t;
        if (t == 0) s->symbol[b] = key;
        if (t + 1 < p) s->symbol[(t + 1) * s->n + b] = now;
        /* random symbols cannot be predicted; to be told so at every step would only be noise */
        s->next[t * s->n + b] = t + 1 == p ? key : n->noise ? -1 : now;
    }
    s->length[b] = (int32_t)p;
}

static int fill(const net *n, seq_strings *s, const char *stream, int64_t first, jd_tensor *in)
{
    for (int64_t b = 0; b < s->n; b++) put(n, s, stream, first + b, b);
    const int count = seq_strings_inputs(s, in);
    in[count] = JD_TENSOR("next", JD_I32, s->next, s->T, s->n);
    return count + 1;
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    (void)slot;
    return fill(n, &n->train, "lag/train", step * n->batch, in);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

/* Share of fresh sequences whose last symbol is predicted within the tolerance in every output. */
static double measure(net *n, const char *stream)
{
    jd_tensor in[3];
    const int64_t K = n->p + 1, B = n->test.n;
    int64_t right = 0;
    fill(n, &n->test, stream, 0, in);
    if (jd_fn_run(n->ask, in, 2)) return 0;
    const float *p = jd_fn_result(n->ask, "p", NULL); /* (T,B,K) */
    for (int64_t b = 0; p && b < B; b++) {
        const float *last = p + ((n->p - 1) * B + b) * K;
        bool near = true;
        for (int64_t k = 0; k < K; k++)
            near &= fabs((double)last[k] - (k == n->test.next[(n->p - 1) * B + b])) < TOLERANCE;
        right += near;
    }
    return (double)right / (double)B;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const double right = measure(n, "lag/valid");
    seq_log(r, step * n->batch, n->name, "right (%)", 100 * right);
    return right;
}

/* One trial, to the first validation without an error or to the end. */
static jd_status train(jd_run *r, net *n, int64_t sequences)
{
    jd_ctx *ctx = jd_run_ctx(r);
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->train = seq_strings_new(ctx, n->batch, n->p);
    n->test = seq_strings_new(ctx, n->noise ? FRESH : 2, n->p);
    if (jd_error(ctx)) return jd_error(ctx);
    jd_train_result res = {0};
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = n,
                                .steps = sequences / n->batch,
                                .batch = batch,
                                .lr = {.rate = jd_run_setting(r, "rate")},
                                .validate_every = 100,
                                .validate = validate,
                                .higher = true,
                                .stop_at = 1,
                                .has_stop_at = true,
                                .items_per_step = n->batch};
    if (!jd_train(r, n->params, &o, &res)) {
        n->solved = measure(n, "lag/test");
        n->sequences = res.steps * n->batch;
    }
    return jd_error(ctx);
}

static void forget(jd_ctx *ctx, net *n)
{
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    seq_strings_free(ctx, &n->train);
    seq_strings_free(ctx, &n->test);
}

/* ---- the experiments ---------------------------------------------------------------------------------------------------------*/

typedef struct part {
    const char *name;
    bool noise, plain;
    int trials, solved;
    double sequences; /* mean of the solved ones */
} part;

static void report_inside(jd_run *r, net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_tensor in[3];
    seq_strings one = seq_strings_new(ctx, 1, n->p);
    float *line = jd_alloc_array(ctx, (size_t)n->p * 2, sizeof *line);
    for (int64_t key = 0; key < 2 && line && !jd_error(ctx); key++) {
        fill(n, &one, "lag/show", key, in);
        if (jd_fn_run(n->ask, in, 2)) break;
        const float *p = jd_fn_result(n->ask, "p", NULL);
        const float *gates = jd_fn_result(n->ask, "gates", NULL), *cells = jd_fn_result(n->ask, "cells", NULL);
        if (!p || !gates || !cells) break;
        for (int64_t t = 0; t < n->p; t++)
            for (int64_t k = 0; k < 2; k++) line[2 * t + k] = p[t * (n->p + 1) + n->p - 1 + k];
        jd_timeline *t = jd_timeline_new(ctx, "step", -.5, (double)n->p - .5);
        seq_show_lstm(ctx, t, gates, cells, n->p, n->cell.units);
        jd_timeline_lines(t, "predicted", line, (size_t)n->p, 2, (const char *const[]){"x", "y"}, 0, 1);
        char caption[300];
        snprintf(
            caption, sizeof caption,
            "Random symbols between two %s. The first symbol decides which way the cells go; forget gates near 1 keep "
            "that for %lld steps, and no symbol in between turns it round.",
            key ? "y" : "x", (long long)n->p);
        jd_report_timeline(jd_run_report(r), t, caption);
    }
    jd_free(ctx, line);
    seq_strings_free(ctx, &one);
}

static jd_status run_part(jd_run *r, part *k)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double sequences = jd_run_setting(r, k->noise ? "noise_sequences" : "sequences");
    for (int i = 0; i < k->trials && !jd_error(ctx); i++) {
        net n = {.noise = k->noise,
                 .p = (int64_t)jd_run_setting(r, "p"),
                 .batch = k->noise ? (int64_t)jd_run_setting(r, "batch") : 2,
                 .seed = jd_run_seed(r) + 1000 * (uint64_t)i,
                 .cell = {.plain = k->plain,
                          .units = (int64_t)jd_run_setting(r, "units"),
                          .forget_bias = jd_run_setting(r, "forget_bias"),
                          .in_bias = jd_run_setting(r, "in_bias")}};
        snprintf(n.name, sizeof n.name, "%s-%d", k->name, i + 1);
        if (!train(r, &n, (int64_t)sequences)) {
            const bool solved = n.solved >= 1;
            if (solved) k->sequences += (double)n.sequences;
            k->solved += solved;
            if (solved && k->noise && !k->plain && k->solved == 1) {
                jd_report_section(jd_run_report(r), "Inside the LSTM");
                report_inside(r, &n);
                jd_run_save(r, n.params, n.sequences / n.batch, true);
            }
        }
        forget(ctx, &n);
    }
    if (k->solved) k->sequences /= k->solved;
    return jd_error(ctx);
}

static void report(jd_run *r, const part *k, int n)
{
    static const char *const paper[4] = {"LSTM 100 %, 5,040 sequences", "back-propagation 0 %", "LSTM solves it", "-"};
    static const char *const headings[] = {"task", "network", "trials", "solved", "sequences (mean)", "paper"};
    char text[4][4][48];
    const char *cells[4 * 6];
    for (int i = 0; i < n; i++) {
        snprintf(text[i][0], sizeof text[i][0], "%s",
                 k[i].noise ? "2b: random between" : "2a: always the same between");
        snprintf(text[i][1], sizeof text[i][1], "%d", k[i].trials);
        snprintf(text[i][2], sizeof text[i][2], "%d", k[i].solved);
        snprintf(text[i][3], sizeof text[i][3], k[i].solved ? "%.0f" : "-", k[i].sequences);
        const char *const row[6] = {text[i][0], k[i].plain ? "plain RNN" : "LSTM", text[i][1], text[i][2], text[i][3],
                                    paper[i]};
        memcpy(cells + i * 6, row, sizeof row);
    }
    jd_report_section(jd_run_report(r), "Who bridges the lag?");
    jd_report_table(
        jd_run_report(r), headings, cells, (size_t)n, 6,
        "A trial is solved when at the last step every output is within 0.25 of its target: for both sequences "
        "(2a), for 256 fresh ones (2b).");
}

static jd_status run(jd_run *r)
{
    const int trials = (int)jd_run_setting(r, "trials"), control = (int)jd_run_setting(r, "control");
    const double p = jd_run_setting(r, "p");
    if (trials < 1 || trials > MOST_TRIALS || control < 0 || control > MOST_TRIALS || !(p >= 3 && p <= 2000) ||
        jd_run_setting(r, "units") < 1 || jd_run_setting(r, "batch") < 2)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE,
                       "lstm-noise-lag: trials and control are up to %d, p is 3..2000, batch at least 2", MOST_TRIALS);
    part k[4] = {{"lstm", false, false, trials, 0, 0},
                 {"plain", false, true, control, 0, 0},
                 {"lstm-noise", true, false, trials, 0, 0},
                 {"plain-noise", true, true, control, 0, 0}};
    for (int i = 0; i < 4; i++)
        if (run_part(r, &k[i])) return jd_error(jd_run_ctx(r));
    report(r, k, 4);
    for (int i = 0; i < 4; i++) {
        char after[40] = "";
        if (k[i].solved) snprintf(after, sizeof after, ", after %.0f sequences in the mean", k[i].sequences);
        jd_run_note(r, "%s, %s: %d of %d trials solved%s", k[i].noise ? "2b, noise" : "2a, no noise",
                    k[i].plain ? "plain recurrent net" : "LSTM", k[i].solved, k[i].trials, after);
    }
    jd_run_extra(r, "sequences", k[0].sequences);
    jd_run_extra(r, "plain_rnn", control ? 100. * k[1].solved / control : (double)NAN);
    jd_run_extra(r, "random", 100. * k[2].solved / trials);
    jd_run_extra(r, "random_sequences", k[2].sequences);
    jd_run_extra(r, "random_plain_rnn", control ? 100. * k[3].solved / control : (double)NAN);
    const double solved = 50. * (k[0].solved + k[2].solved) / trials;
    return jd_run_finish(r, solved, solved < 100 ? "some trials ended before the first symbol was stored" : NULL);
}

static const jd_setting SETTINGS[] = {
    {"p", {50, 100, 1000}, "steps from the first symbol to the last"},
    {"units", {32, 64, 64}, "memory cells, and units of the plain net"},
    {"trials", {2, 4, 10}, "trials of the LSTM on each task"},
    {"control", {1, 1, 10}, "trials of the plain net on each task"},
    {"sequences", {40000, 60000, 200000}, "training sequences of a trial at most, 2a"},
    {"noise_sequences", {32000, 64000, 256000}, "the same, 2b"},
    {"batch", {16, 16, 16}, "sequences per step, 2b"},
    {"rate", {5e-3, 5e-3, 3e-3}, "Adam's learning rate"},
    {"forget_bias", {6, 6, 8}, "first bias of the forget gates"},
    {"in_bias", {-1, -1, -1}, "first bias of the input gates"},
    {0},
};

const jd_system jd_system_lstm_noise_lag = {
    .name = "lstm-noise-lag",
    .year = 1997,
    .title = "LSTM bridges long lags, without and with noise",
    .paper = "S. Hochreiter, J. Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997, experiment 2",
    .metric = "LSTM trials solved (%)",
    .higher = true,
    .paper_value = 100,
    .paper_note =
        "p = 100: LSTM 100 % of the trials in 5,040 sequences on average, back-propagation through time and RTRL "
        "none; one cell without forget gate, on-line gradient descent. Here 64 cells with forget gates, Adam",
    .accept = {100, 100, 100},
    .about =
        "A sequence begins and ends with the same symbol, x or y, and p - 1 others stand between: always the same, or "
        "drawn at random. To name the last symbol a network must remember the first, over p steps. What to look at: "
        "which cells end differently after x and after y, and how they get there.",
    .settings = SETTINGS,
    .run = run,
};
