/*
 * lstm_anbncn.c - counting: the context-sensitive language a^n b^n c^n (Gers and Schmidhuber 2001).
 *
 * The network reads S a..a b..b c..c T and predicts at each step which symbols may follow.  It is trained on n <= 10 and
 * then tried on longer strings: only a network that counts can accept them.
 */
#include <stdio.h>

#include "sequences.h"

enum { K = SEQ_ABC_SYMBOLS };

/* Strings with n = 1..s.n, as one batch. */
typedef struct strings {
    seq_strings s;
    float *target; /* (T,n,5): 1 for the symbols that may follow */
} strings;

typedef struct net {
    const char *name;
    seq_cell cell;
    int64_t taught;
    double clip, noise;
    jd_params *params;
    jd_fn *read;
    strings train, longer;
} net;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

/* int32 (T,B) -> logits (T,B,5) */
static jd_node predict(jd_graph *g, const net *n, jd_lstm_out *cell)
{
    const jd_lstm_out out = seq_recur(g, &n->cell, jd_onehot(g, jd_arg(g, "symbol"), K), jd_arg(g, "length"));
    if (cell) *cell = out;
    return jd_dense(g, "out", out.y, .units = K);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    const jd_node length = jd_arg(g, "length");
    /* With noisy weights only gates that are fully open or shut count reliably, and those also count further. */
    if (n->noise > 0) jd_weight_noise(g, n->noise, jd_arg(g, "step"));
    jd_scope_push(g, n->name);
    const jd_node each = jd_sigmoid_xent_each(g, predict(g, n, NULL), jd_arg(g, "target")); /* (T,B,5) */
    const jd_node mask = jd_reshape(g, jd_time_mask(g, length, n->train.s.T), JD_DIMS(n->train.s.T, n->taught, 1));
    const jd_node steps = jd_sum(g, jd_real_of(g, length), JD_ALL_AXES, false);
    const jd_node loss = jd_div(g, jd_sum(g, jd_mul(g, each, mask), JD_ALL_AXES, false), steps);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->clip);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void read_strings(jd_graph *g, void *user)
{
    const net *n = user;
    jd_lstm_out cell = {0};
    jd_scope_push(g, n->name);
    jd_result(g, "next", jd_sigmoid(g, predict(g, n, &cell)));
    if (!n->cell.plain && jd_dim(g, cell.y, 1) == 1) seq_result_inside(g, &cell); /* one string: to be looked at */
    jd_scope_pop(g);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

static strings make(jd_ctx *ctx, int64_t most)
{
    const int64_t T = 3 * most + 1; /* predictions of the longest */
    strings all = {.s = seq_strings_new(ctx, most, T),
                   .target = jd_alloc_array(ctx, (size_t)(T * most * K), sizeof *all.target)};
    int32_t *symbol = jd_alloc_array(ctx, (size_t)T + 1, sizeof *symbol);
    uint8_t *legal = jd_alloc_array(ctx, (size_t)T + 1, sizeof *legal);
    for (int64_t b = 0; !jd_error(ctx) && b < most; b++) {
        seq_abc(b + 1, symbol, legal);
        seq_strings_put(&all.s, b, symbol, legal, 3 * (b + 1) + 2);
    }
    for (int64_t i = 0; !jd_error(ctx) && i < T * most; i++)
        for (int k = 0; k < K; k++) all.target[i * K + k] = (float)(all.s.legal[i] >> k & 1);
    jd_free(ctx, symbol);
    jd_free(ctx, legal);
    return all;
}

static void discard(jd_ctx *ctx, strings *all)
{
    seq_strings_free(ctx, &all->s);
    jd_free(ctx, all->target);
}

/* Every step shows all strings of the training set, one for each n. */
static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    const net *n = user;
    (void)step;
    (void)slot;
    seq_strings_inputs(&n->train.s, in);
    in[2] = JD_TENSOR("target", JD_F32, n->train.target, n->train.s.T, n->train.s.n, K);
    return 3;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

/* The largest N such that all strings with n = 1..N are accepted: at every step exactly the legal symbols have p > 1/2.
 * accepted[n - 1], or NULL, tells it for each n. */
static int64_t measure(net *n, const strings *all, double *accepted)
{
    const seq_strings *s = &all->s;
    jd_tensor in[2];
    int64_t longest = 0;
    if (jd_fn_run(n->read, in, seq_strings_inputs(s, in))) return 0;
    const float *p = jd_fn_result(n->read, "next", NULL); /* (T,n,5) */
    for (int64_t b = 0; p && b < s->n; b++) {
        int64_t right = 0;
        for (int64_t t = 0; t < s->length[b]; t++) {
            const int64_t i = t * s->n + b;
            int set = 0;
            for (int k = 0; k < K; k++) set |= (p[i * K + k] > .5f) << k;
            right += set == s->legal[i];
        }
        if (accepted) accepted[b] = 100. * (double)right / (double)s->length[b];
        if (right == s->length[b] && longest == b) longest = b + 1;
    }
    return longest;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const int64_t longest = measure(n, &n->longer, NULL);
    seq_log(r, step * n->taught, n->name, "longest n", (double)longest);
    return (double)(longest < n->taught ? longest : n->taught); /* longer ones are no business of the training */
}

static jd_status train(jd_run *r, net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t steps = (int64_t)jd_run_setting(r, "sequences") / n->taught;
    n->params = jd_params_new(ctx, JD_F32);
    n->read = jd_fn_new(ctx, n->params, read_strings, n);
    return jd_train(r, n->params,
                    &(jd_train_options){.what = n->cell.plain ? "plain recurrent net" : "LSTM",
                                        .series = n->name,
                                        .trace = train_step,
                                        .user = n,
                                        .steps = steps,
                                        .batch = batch,
                                        .lr = {.kind = JD_COSINE, .rate = jd_run_setting(r, "rate")},
                                        .validate_every = steps > 60 ? steps / 60 : 1,
                                        .validate = validate,
                                        .higher = true,
                                        .items_per_step = n->taught},
                    NULL);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

static void report_lengths(jd_run *r, const net *n, const double *lstm, const double *plain)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    const size_t most = (size_t)n->longer.s.n;
    jd_report_section(rep, "How far does it count?");
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "training strings (thousands)"},
                               &(jd_axis){.label = "all accepted up to n", .min = 0}, 220);
    seq_draw_curve(c, r, "lstm/longest n", "LSTM", 1000, JD_STEPS);
    seq_draw_curve(c, r, "plain/longest n", "plain RNN", 1000, JD_STEPS);
    jd_chart_hline(c, "trained on", (double)n->taught, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(rep, c,
                    "Longest n such that every string a^n b^n c^n up to it is predicted right at every step, while "
                    "training goes on with n up to the dashed line.");
    double *x = jd_alloc_array(ctx, most, sizeof *x);
    if (!x) return;
    for (size_t i = 0; i < most; i++) x[i] = (double)(i + 1);
    c = jd_chart_new(ctx, &(jd_axis){.label = "n"}, &(jd_axis){.label = "steps predicted right (%)", .max = 100}, 220);
    jd_chart_line(c, "LSTM", x, lstm, most, 0);
    jd_chart_line(c, "plain RNN", x, plain, most, 0);
    jd_chart_vline(c, "trained on", (double)n->taught, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(rep, c,
                    "After training: steps of each string at which exactly the legal symbols are predicted. A "
                    "string is accepted at 100 %.");
    jd_free(ctx, x);
}

static void report_inside(jd_run *r, net *n, int64_t longest)
{
    static const char *const names[K] = {"S", "a", "b", "c", "T"};
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t m = longest < 1 ? 1 : longest < 24 ? longest : 24;
    const seq_strings *all = &n->longer.s;
    const int32_t length = all->length[m - 1];
    const int64_t steps = length;
    int32_t *symbol = jd_alloc_array(ctx, (size_t)steps, sizeof *symbol);
    if (!symbol) return;
    for (int64_t t = 0; t < steps; t++) symbol[t] = all->symbol[t * all->n + m - 1];
    jd_fn_run(n->read,
              (jd_tensor[]){JD_TENSOR("symbol", JD_I32, symbol, steps, 1), JD_TENSOR("length", JD_I32, &length, 1)}, 2);
    const float *gates = jd_fn_result(n->read, "gates", NULL), *cells = jd_fn_result(n->read, "cells", NULL);
    const float *p = jd_fn_result(n->read, "next", NULL);
    if (gates && cells && p) {
        jd_report_section(jd_run_report(r), "Inside the LSTM");
        jd_timeline *t = jd_timeline_new(ctx, "step", -.5, (double)steps - .5);
        jd_timeline_lines(t, "cell states", cells, (size_t)steps, (size_t)n->cell.units, NULL, 0, 0);
        seq_show_lstm(ctx, t, gates, cells, steps, n->cell.units);
        seq_show_symbols(t, "read", SEQ_ABC_NAMES, symbol, steps);
        jd_timeline_map(t, &(jd_map){.label = "may follow",
                                     .value_label = "p",
                                     .values = p,
                                     .T = (size_t)steps,
                                     .H = K,
                                     .vmin = 0,
                                     .vmax = 1,
                                     .row_names = names});
        jd_report_timeline(
            jd_run_report(r), t,
            "One string, the longest that is accepted or n = 24. Cells count up while the a's come and down "
            "with the b's, others count the b's for the c's; the predictions change where a counter comes "
            "back to its threshold.");
    }
    jd_free(ctx, symbol);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    net lstm = {.name = "lstm", .cell = {.peepholes = true}};
    lstm.cell.units = (int64_t)jd_run_setting(r, "units");
    lstm.cell.forget_bias = jd_run_setting(r, "forget_bias");
    lstm.taught = (int64_t)jd_run_setting(r, "taught");
    lstm.clip = jd_run_setting(r, "clip");
    lstm.noise = jd_run_setting(r, "weight_noise");
    const int64_t most = (int64_t)jd_run_setting(r, "tried");
    if (lstm.cell.units < 1 || lstm.taught < 1 || most < lstm.taught || most > 2000)
        return jd_fail(ctx, JD_EUSAGE, "lstm-anbncn: units and taught are at least 1, tried is taught..2000");
    lstm.train = make(ctx, lstm.taught);
    lstm.longer = make(ctx, most);
    double *accepted = jd_alloc_array(ctx, 2 * (size_t)most, sizeof *accepted);
    net plain = lstm;
    plain.name = "plain";
    plain.cell.plain = true;
    plain.noise = 0; /* it learns less with noise */
    if (!jd_error(ctx) && !train(r, &lstm) && !train(r, &plain)) {
        const int64_t a = measure(&lstm, &lstm.longer, accepted);
        const int64_t b = measure(&plain, &plain.longer, accepted + most);
        jd_run_note(r,
                    "trained on n <= %lld; the LSTM accepts every n <= %lld, the plain recurrent net every n <= %lld",
                    (long long)lstm.taught, (long long)a, (long long)b);
        report_lengths(r, &lstm, accepted, accepted + most);
        report_inside(r, &lstm, a);
        jd_run_extra(r, "longest_n", (double)a);
        jd_run_extra(r, "plain_rnn_longest_n", (double)b);
        jd_run_save(r, lstm.params, (int64_t)jd_run_setting(r, "sequences") / lstm.taught, true);
        jd_run_finish(r, (double)a, a < 18 ? "the counters are not exact enough beyond this n" : NULL);
    }
    jd_fn_free(lstm.read);
    jd_fn_free(plain.read);
    jd_params_free(lstm.params);
    jd_params_free(plain.params);
    discard(ctx, &lstm.train);
    discard(ctx, &lstm.longer);
    jd_free(ctx, accepted);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"units", {5, 5, 5}, "memory cells, and units of the plain net"},
    {"taught", {10, 10, 10}, "longest n of the training set"},
    {"tried", {100, 500, 1000}, "longest n that is tried"},
    {"sequences", {60000, 120000, 400000}, "training strings"},
    {"rate", {.01, .01, .01}, "Adam's first learning rate, which falls to 0 along a cosine"},
    {"clip", {1, 1, 1}, "norm to which the gradient is clipped"},
    {"forget_bias", {4, 4, 4}, "first bias of the forget gates"},
    {"weight_noise", {.2, .2, .2}, "standard deviation of the noise on every weight of the LSTM during training"},
    {0},
};

const jd_system jd_system_lstm_anbncn = {
    .name = "lstm-anbncn",
    .year = 2001,
    .title = "LSTM counts: a^n b^n c^n",
    .paper = "F. A. Gers, J. Schmidhuber: LSTM Recurrent Networks Learn Simple Context-Free and Context-Sensitive "
             "Languages. IEEE Transactions on Neural Networks 12(6), 2001",
    .metric = "longest n with every string up to it accepted",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "The paper's networks, trained online on n up to about 40, accepted n up to 500 at best; here training has "
        "n up to 10 only.",
    .accept = {10, 18, 18},
    .about = "The strings S a^n b^n c^n T: while the a's come, another a or the first b may follow; from then on every "
             "symbol is settled by counting. At each step the network gives for each of the five symbols a probability "
             "that it may follow; a string is accepted when exactly the legal ones are above one half at every step. "
             "Peepholes let the gates see the counters.",
    .settings = SETTINGS,
    .run = run,
};
