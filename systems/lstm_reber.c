/*
 * lstm_reber.c - the embedded Reber grammar (Hochreiter and Schmidhuber 1997, experiment 1).
 *
 * Strings of a small automaton are read symbol by symbol, and the next symbol is predicted.  The second symbol of a string,
 * T or P, comes back just before the end: what happened in between says nothing about it, so it must be remembered.
 */
#include <stdio.h>
#include <string.h>

#include "sequences.h"

enum {
    STRINGS = 256,
    FRESH = 2048,
    K = SEQ_REBER_SYMBOLS,
    T = SEQ_REBER_MAX - 1 /* predictions of the longest string */
};

/* A set of strings: as a batch, and one by one. */
typedef struct strings {
    seq_strings s;
    seq_reber_string *string; /* (s.n) */
} strings;

typedef struct net {
    const char *name;
    seq_cell cell;
    double clip;
    uint64_t seed;
    jd_params *params;
    jd_fn *read;
    strings train, test, one;
} net;

/* Shares of the strings predicted right at every step, of the sets, and of the second T or P. */
typedef struct score {
    double strings, sets, outer;
} score;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

/* int32 (T,B) -> logits of the next symbol (T,B,7) */
static jd_node predict(jd_graph *g, const net *n, jd_lstm_out *cell)
{
    const jd_lstm_out out = seq_recur(g, &n->cell, jd_onehot(g, jd_arg(g, "symbol"), K), jd_arg(g, "length"));
    if (cell) *cell = out;
    return jd_dense(g, "out", out.y, .units = K);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node loss = jd_softmax_xent(g, predict(g, n, NULL), jd_arg(g, "next"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->clip);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void read_strings(jd_graph *g, void *user)
{
    const net *n = user;
    jd_lstm_out cell = {0};
    jd_scope_push(g, n->name);
    jd_result(g, "next", jd_softmax(g, predict(g, n, &cell)));
    if (!n->cell.plain && jd_dim(g, cell.y, 1) == 1) seq_result_inside(g, &cell); /* one string: to be looked at */
    jd_scope_pop(g);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

static bool is_in(const strings *set, const seq_reber_string *x)
{
    for (int64_t i = 0; i < set->s.n; i++)
        if (!memcmp(&set->string[i], x, sizeof *x)) return true;
    return false;
}

/* n strings of a stream; none that occurs in `apart`, unless that is NULL. */
static strings draw(jd_ctx *ctx, uint64_t seed, const char *stream, int64_t n, const strings *apart)
{
    strings set = {.s = seq_strings_new(ctx, n, T), .string = jd_alloc_array(ctx, (size_t)n, sizeof *set.string)};
    jd_rng r = jd_rng_new(seed, stream, 0);
    for (int64_t i = 0; !jd_error(ctx) && i < n; i++) {
        seq_reber_string *x = &set.string[i];
        do *x = seq_reber(&r);
        while (apart && is_in(apart, x));
        seq_strings_put(&set.s, i, x->symbol, x->legal, x->length);
    }
    return set;
}

static void discard(jd_ctx *ctx, strings *set)
{
    seq_strings_free(ctx, &set->s);
    jd_free(ctx, set->string);
}

/* One string of the training set at random, as in the paper. */
static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    (void)slot;
    jd_rng r = jd_rng_new(n->seed, "reber/order", (uint64_t)step);
    const int64_t i = jd_rng_below(&r, STRINGS);
    const seq_reber_string *x = &n->train.string[i];
    seq_strings_put(&n->one.s, 0, x->symbol, x->legal, x->length);
    seq_strings_inputs(&n->one.s, in);
    in[2] = JD_TENSOR("next", JD_I32, n->one.s.next, T, 1);
    return 3;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

/* Every legal symbol is more probable than every other one. */
static bool set_is_right(const float *p, uint8_t legal)
{
    float least = 2, most = -1;
    for (int k = 0; k < K; k++) {
        if (legal >> k & 1) least = p[k] < least ? p[k] : least;
        if (!(legal >> k & 1)) most = p[k] > most ? p[k] : most;
    }
    return least > most;
}

static score measure(net *n, const strings *set)
{
    const seq_strings *s = &set->s;
    score sum = {0};
    jd_tensor in[2];
    if (jd_fn_run(n->read, in, seq_strings_inputs(s, in))) return sum;
    const float *p = jd_fn_result(n->read, "next", NULL); /* (T,B,7) */
    int64_t steps = 0;
    for (int64_t b = 0; p && b < s->n; b++) {
        bool all = true;
        for (int t = 0; t < s->length[b]; t++, steps++) {
            const int64_t i = t * s->n + b;
            const bool right = set_is_right(p + i * K, s->legal[i]);
            all = all && right;
            sum.sets += right;
            if (t == s->length[b] - 2) sum.outer += right; /* the second T or P is next */
        }
        sum.strings += all;
    }
    return (score){sum.strings / (double)s->n, sum.sets / (double)steps, sum.outer / (double)s->n};
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const score train = measure(n, &n->train), test = measure(n, &n->test);
    seq_log(r, step, n->name, "wrong strings (%)", 100 * (1 - (train.strings + test.strings) / 2));
    seq_log(r, step, n->name, "wrong second letters (%)", 100 * (1 - test.outer));
    return (train.strings + test.strings) / 2;
}

static jd_status train(jd_run *r, net *n, jd_train_result *result)
{
    jd_ctx *ctx = jd_run_ctx(r);
    n->params = jd_params_new(ctx, JD_F32);
    n->read = jd_fn_new(ctx, n->params, read_strings, n);
    return jd_train(r, n->params,
                    &(jd_train_options){.what = n->cell.plain ? "plain recurrent net" : "LSTM",
                                        .series = n->name,
                                        .trace = train_step,
                                        .user = n,
                                        .steps = (int64_t)jd_run_setting(r, "sequences"),
                                        .batch = batch,
                                        .lr = {.rate = jd_run_setting(r, "rate")},
                                        .validate_every = 100,
                                        .validate = validate,
                                        .higher = true,
                                        .has_stop_at = true,
                                        .stop_at = 1},
                    result);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

static void report_scores(jd_run *r, const score *lstm, const score *plain, const score *fresh)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "How fast it learns the grammar");
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "strings presented"},
                               &(jd_axis){.label = "wrong strings (%)", .min = 0, .max = 100}, 200);
    seq_draw_curve(c, r, "lstm/wrong strings (%)", "LSTM", 1, 0);
    seq_draw_curve(c, r, "plain/wrong strings (%)", "plain RNN", 1, 0);
    jd_chart_vline(c, "paper: 8,440", 8440, JD_DASHED | JD_NEUTRAL);
    jd_chart_panel(c, &(jd_axis){.label = "wrong second T or P (%)", .min = 0, .max = 100}, 200);
    seq_draw_curve(c, r, "lstm/wrong second letters (%)", "LSTM", 1, 0);
    seq_draw_curve(c, r, "plain/wrong second letters (%)", "plain RNN", 1, 0);
    jd_report_chart(
        rep, c,
        "Above: strings with at least one wrong prediction, of the 256 training and 256 test strings. Below: "
        "test strings whose last but one symbol is not predicted. The plain net learns the inner grammar "
        "but guesses that letter.");
    char cell[3][3][32];
    const score *row[3] = {lstm, plain, fresh};
    for (int i = 0; i < 3; i++) {
        snprintf(cell[i][0], sizeof cell[i][0], "%.2f", 100 * row[i]->strings);
        snprintf(cell[i][1], sizeof cell[i][1], "%.2f", 100 * row[i]->sets);
        snprintf(cell[i][2], sizeof cell[i][2], "%.2f", 100 * row[i]->outer);
    }
    const char *const cells[] = {"LSTM, 256 test strings",      cell[0][0], cell[0][1], cell[0][2],
                                 "plain RNN, 256 test strings", cell[1][0], cell[1][1], cell[1][2],
                                 "LSTM, 2048 fresh strings",    cell[2][0], cell[2][1], cell[2][2]};
    jd_report_table(rep, (const char *const[]){"network", "whole strings (%)", "single steps (%)", "second T or P (%)"},
                    cells, 3, 4,
                    "Right predictions at the end of training. Fresh strings were drawn afterwards from the same "
                    "grammar; longer ones than in the two sets occur among them.");
}

static void report_inside(jd_run *r, net *n)
{
    static const char *const names[K] = {"B", "T", "P", "S", "X", "V", "E"};
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report_section(jd_run_report(r), "Inside the LSTM");
    for (int32_t letter = 1; letter <= 2; letter++) { /* a string with T, one with P: the longest of up to 30 symbols */
        int64_t best = 0;
        for (int64_t i = 0, longest = 0; i < n->test.s.n; i++) {
            const seq_reber_string *s = &n->test.string[i];
            if (s->symbol[1] != letter || s->length > 30 || s->length <= longest) continue;
            longest = s->length;
            best = i;
        }
        const seq_reber_string *s = &n->test.string[best];
        const int64_t steps = s->length - 1;
        const int32_t length = (int32_t)steps;
        if (jd_fn_run(n->read,
                      (jd_tensor[]){JD_TENSOR("symbol", JD_I32, s->symbol, steps, 1),
                                    JD_TENSOR("length", JD_I32, &length, 1)},
                      2))
            return;
        const float *gates = jd_fn_result(n->read, "gates", NULL), *cells = jd_fn_result(n->read, "cells", NULL);
        const float *p = jd_fn_result(n->read, "next", NULL);
        if (!gates || !cells || !p) return;
        jd_timeline *t = jd_timeline_new(ctx, "step", -.5, (double)steps - .5);
        seq_show_lstm(ctx, t, gates, cells, steps, n->cell.units);
        seq_show_symbols(t, "read", SEQ_REBER_NAMES, s->symbol, steps);
        jd_timeline_map(t, &(jd_map){.label = "prediction",
                                     .value_label = "p",
                                     .values = p,
                                     .T = (size_t)steps,
                                     .H = K,
                                     .vmin = 0,
                                     .vmax = 1,
                                     .row_names = names});
        seq_show_symbols(t, "came next", SEQ_REBER_NAMES, s->symbol + 1, steps);
        jd_report_timeline(jd_run_report(r), t,
                           letter == 1
                               ? "A test string with T. Where two symbols are possible, the network gives both about "
                                 "one half; the second T is certain, from the first to the last but one step kept in "
                                 "a cell whose state hardly moves."
                               : "A test string with P: compare the cell that stores the letter.");
    }
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    net lstm = {.name = "lstm", .seed = jd_run_seed(r)};
    lstm.cell.units = (int64_t)jd_run_setting(r, "units");
    lstm.cell.in_bias = lstm.cell.out_bias = jd_run_setting(r, "gate_bias");
    if (lstm.cell.units < 1) return jd_fail(ctx, JD_EUSAGE, "lstm-reber: units is at least 1");
    lstm.clip = jd_run_setting(r, "clip");
    lstm.train = draw(ctx, lstm.seed, "reber/train", STRINGS, NULL);
    lstm.test = draw(ctx, lstm.seed, "reber/test", STRINGS, &lstm.train);
    lstm.one = draw(ctx, lstm.seed, "reber/one", 1, NULL);
    strings fresh = draw(ctx, lstm.seed, "reber/fresh", FRESH, NULL);
    net plain = lstm;
    plain.name = "plain";
    plain.cell.plain = true;
    jd_train_result result = {0}, control = {0};
    if (!jd_error(ctx) && !train(r, &lstm, &result) && !train(r, &plain, &control)) {
        const score a = measure(&lstm, &lstm.test), b = measure(&plain, &plain.test), c = measure(&lstm, &fresh);
        jd_run_note(
            r,
            "LSTM: %s after %lld strings; fresh strings right: %.2f %%. Plain recurrent net: %.1f %% of the test "
            "strings, %.1f %% of the second letters right after %lld",
            result.reached ? "all 512 right" : "not solved", (long long)result.steps, 100 * c.strings, 100 * b.strings,
            100 * b.outer, (long long)control.steps);
        report_scores(r, &a, &b, &c);
        report_inside(r, &lstm);
        jd_run_extra(r, "test_strings_right", 100 * a.strings);
        jd_run_extra(r, "fresh_strings_right", 100 * c.strings);
        jd_run_extra(r, "plain_rnn_test_strings_right", 100 * b.strings);
        jd_run_extra(r, "plain_rnn_second_letters_right", 100 * b.outer);
        jd_run_save(r, lstm.params, result.steps, true);
        jd_run_finish(r, result.reached ? (double)result.steps : (double)NAN,
                      result.reached ? NULL : "not all 512 strings were predicted right within the strings allowed");
    }
    jd_fn_free(lstm.read);
    jd_fn_free(plain.read);
    jd_params_free(lstm.params);
    jd_params_free(plain.params);
    discard(ctx, &lstm.train);
    discard(ctx, &lstm.test);
    discard(ctx, &lstm.one);
    discard(ctx, &fresh);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"units", {8, 8, 8}, "memory cells, and units of the plain net"},
    {"sequences", {12000, 12000, 30000}, "strings presented at most"},
    {"rate", {.01, .01, .01}, "Adam's learning rate"},
    {"clip", {5, 5, 5}, "norm to which the gradient is clipped"},
    {"gate_bias", {-1, -1, -1}, "first bias of input and output gates"},
    {0},
};

const jd_system jd_system_lstm_reber = {
    .name = "lstm-reber",
    .year = 1997,
    .title = "LSTM on the embedded Reber grammar",
    .paper = "S. Hochreiter, J. Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997, experiment 1",
    .metric = "strings presented until all 256 training and 256 test strings are right",
    .higher = false,
    .paper_value = 8440,
    .paper_note =
        "Mean of the trials that succeeded, 3 blocks of 2 cells, plain gradient descent. Here 8 cells with forget "
        "gates and Adam, looked at every 100 strings; no test string is a training string.",
    .accept = {12000, 12000, 12000},
    .about =
        "A string is right when at every step each symbol that the grammar allows next is more probable than each that "
        "it does not. Plain recurrent nets learn the inner grammar, where the last one or two symbols decide, but "
        "fail at the last but one symbol, which repeats the second: the network has seen some ten symbols since. "
        "Training shows one random training string at a time.",
    .settings = SETTINGS,
    .run = run,
};
