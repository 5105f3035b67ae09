/*
 * lstm_timing.c - measuring and generating times (Gers, Schraudolph, Schmidhuber, JMLR 3, 2002).
 *
 * Measuring: spikes follow each other after F or F + 1 steps, by chance; at each spike the network says which it was.
 * Generating: after one spike at the start the network, without further input, gives a spike every F steps.  In between
 * nothing happens: time itself must be counted.  With peepholes the gates see the cells, also behind a closed output
 * gate; the same network without them stands beside it.
 */
#include <stdio.h>
#include <string.h>

#include "sequences.h"

enum { SHOWN = 4, CHUNK = 32, VALID = 256, TEST = 1024 };

/* What is to be said at a step: 0 or 1, or -1 where it does not matter. */
typedef struct stream {
    int64_t T, B;
    float *x;        /* (T,B,1): `height` at a spike, else 0 */
    int32_t *target; /* (T,B) */
    int32_t *length; /* (B) */
} stream;

typedef struct net {
    const char *name, *what;
    seq_cell cell;
    bool generate;
    int64_t F, spikes, batch; /* spikes: in a stream of training */
    float height;             /* of a spike */
    double clip;
    uint64_t seed;
    jd_params *params;
    jd_fn *ask;
    stream train, test; /* test: twice as many spikes */
    double right;       /* %, of fresh intervals, or of streams without a wrong step */
    int64_t sequences;
} net;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

static jd_node say(jd_graph *g, const net *n, jd_lstm_out *cell)
{
    const jd_lstm_out out = seq_recur(g, &n->cell, jd_arg(g, "x"), jd_arg(g, "length"));
    if (cell) *cell = out;
    return jd_dense(g, "out", out.y, .units = 2); /* (T,B,2) */
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node loss = jd_softmax_xent(g, say(g, n, NULL), jd_arg(g, "target"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->clip);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_lstm_out cell = {0};
    jd_scope_push(g, n->name);
    jd_result(g, "p", jd_softmax(g, say(g, n, &cell)));
    seq_result_inside(g, &cell);
    jd_scope_pop(g);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

static stream new_stream(jd_ctx *ctx, const net *n, int64_t spikes, int64_t B)
{
    stream s = {.T = spikes * (n->F + !n->generate) + 1, .B = B};
    const size_t all = (size_t)(s.T * B);
    s.x = jd_alloc_array(ctx, all, sizeof *s.x);
    s.target = jd_alloc_array(ctx, all, sizeof *s.target);
    s.length = jd_alloc_array(ctx, (size_t)B, sizeof *s.length);
    return s;
}

static void free_stream(jd_ctx *ctx, stream *s)
{
    jd_free(ctx, s->x);
    jd_free(ctx, s->target);
    jd_free(ctx, s->length);
}

/* Streams first .. first + B - 1 of a source of random numbers. */
static int fill(const net *n, stream *s, const char *source, int64_t first, jd_tensor *in)
{
    for (int64_t b = 0; b < s->B; b++) {
        jd_rng r = jd_rng_new(n->seed, source, (uint64_t)(first + b));
        for (int64_t t = 0; t < s->T; t++) {
            s->x[t * s->B + b] = 0;
            s->target[t * s->B + b] = n->generate ? t % n->F == 0 && t > 0 : -1;
        }
        s->length[b] = (int32_t)s->T;
        if (n->generate) {
            s->x[b] = n->height;
            continue;
        }
        int64_t t = 0;
        while (t < s->T) {
            const int32_t longer = (int32_t)jd_rng_below(&r, 2);
            s->x[t * s->B + b] = n->height;
            t += n->F + longer;
            if (t < s->T) s->target[t * s->B + b] = longer;
        }
    }
    in[0] = JD_TENSOR("x", JD_F32, s->x, s->T, s->B, 1);
    in[1] = JD_TENSOR("length", JD_I32, s->length, s->B);
    in[2] = JD_TENSOR("target", JD_I32, s->target, s->T, s->B);
    return 3;
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    (void)slot;
    return fill(n, &n->train, "timing/train", step * n->batch, in);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

/* Share of intervals told rightly, or of spikes and pauses between them that are as they should be, %. */
static double measure(net *n, const char *source, int64_t count)
{
    const stream *s = &n->test;
    int64_t right = 0, all = 0;
    jd_tensor in[3];
    for (int64_t done = 0; done < count; done += s->B) {
        fill(n, &n->test, source, done, in);
        if (jd_fn_run(n->ask, in, 2)) break;
        const float *p = jd_fn_result(n->ask, "p", NULL); /* (T,B,2) */
        for (int64_t b = 0; p && b < s->B; b++) {
            bool whole = true;
            for (int64_t t = 0; t < s->T; t++) {
                const int64_t i = t * s->B + b;
                if (s->target[i] < 0) continue;
                const bool said = p[2 * i + 1] > p[2 * i];
                whole &= said == (s->target[i] == 1);
                if (!n->generate) {
                    right += said == (s->target[i] == 1);
                    all++;
                } else if (t > 0 && t % n->F == 0) { /* one interval: its pause and the spike that ends it */
                    right += whole;
                    all++;
                    whole = true;
                }
            }
        }
    }
    return 100.0 * (double)right / (double)all;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const double right = measure(n, "timing/valid", n->generate ? 1 : VALID);
    seq_log(r, step * n->batch, n->name, "wrong (%)", 100 - right);
    return right;
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

static jd_status train(jd_run *r, net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t steps = n->sequences / n->batch;
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->train = new_stream(ctx, n, n->spikes, n->batch);
    n->test = new_stream(ctx, n, 2 * n->spikes, n->generate ? 1 : CHUNK);
    if (jd_error(ctx)) return jd_error(ctx);
    const jd_train_options o = {
        .what = n->what,
        .series = n->name,
        .trace = train_step,
        .user = n,
        .steps = steps,
        .batch = batch,
        .lr = {.kind = JD_COSINE, .rate = jd_run_setting(r, "rate"), .end = jd_run_setting(r, "rate") / 50},
        .validate_every = steps > 100 ? steps / 50 : 1,
        .validate = validate,
        .higher = true,
        .keep_best = true,
        .items_per_step = n->batch};
    if (jd_train(r, n->params, &o, NULL)) return jd_error(ctx);
    n->right = measure(n, "timing/test", n->generate ? 1 : TEST);
    return jd_error(ctx);
}

static void forget(jd_ctx *ctx, net *n)
{
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    free_stream(ctx, &n->train);
    free_stream(ctx, &n->test);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

static void report_curves(jd_run *r, const net *with, const net *without, const char *caption)
{
    char name[80];
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "training sequences (thousands)"},
                               &(jd_axis){.label = "wrong (%)", .min = 0, .max = with->generate ? 100 : 60}, 220);
    snprintf(name, sizeof name, "%s/wrong (%%)", with->name);
    seq_draw_curve(c, r, name, "peepholes", 1000, 0);
    snprintf(name, sizeof name, "%s/wrong (%%)", without->name);
    seq_draw_curve(c, r, name, "none", 1000, 0);
    jd_report_chart(jd_run_report(r), c, caption);
}

/* A test stream from the first spike to the last of `spikes`, and the inside of the network. */
static void report_inside(jd_run *r, net *n, const char *caption)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_tensor in[3];
    stream one = new_stream(ctx, n, SHOWN, 1);
    float *lines = jd_alloc_array(ctx, (size_t)one.T * 2, sizeof *lines);
    if (!jd_error(ctx)) fill(n, &one, "timing/show", 0, in);
    if (!jd_error(ctx) && !jd_fn_run(n->ask, in, 2)) {
        const float *p = jd_fn_result(n->ask, "p", NULL);
        const float *gates = jd_fn_result(n->ask, "gates", NULL), *cells = jd_fn_result(n->ask, "cells", NULL);
        jd_timeline *t = jd_timeline_new(ctx, "step", -.5, (double)one.T - .5);
        for (int64_t i = 0; p && i < one.T; i++) {
            lines[2 * i] = n->generate ? (float)(one.target[i] == 1) : one.x[i] / n->height;
            lines[2 * i + 1] = p[2 * i + 1];
        }
        jd_timeline_lines(t, n->generate ? "spikes" : "spikes, and \"longer\"", lines, (size_t)one.T, 2,
                          (const char *const[]){n->generate ? "wanted" : "input", n->generate ? "given" : "p(longer)"},
                          0, 1);
        if (!n->generate) {
            char text[SHOWN * 2 + 8] = "";
            double at[SHOWN * 2 + 8];
            size_t k = 0;
            for (int64_t i = 1; i < one.T && k < SHOWN * 2; i++)
                if (one.target[i] >= 0) {
                    at[k] = (double)i;
                    text[k++] = one.target[i] ? '+' : '-';
                }
            jd_timeline_text(t, "+: F + 1 steps", text, at);
        }
        if (gates && cells) seq_show_lstm(ctx, t, gates, cells, one.T, n->cell.units);
        jd_report_timeline(jd_run_report(r), t, caption);
    }
    jd_free(ctx, lines);
    free_stream(ctx, &one);
}

static void report(jd_run *r, net *n)
{
    char text[400];
    jd_report_section(jd_run_report(r), "Measuring");
    snprintf(
        text, sizeof text,
        "Intervals of %lld and %lld steps taken for each other, on streams twice as long as those of training. A guess "
        "is wrong in half of the cases.",
        (long long)n[0].F, (long long)n[0].F + 1);
    report_curves(r, &n[0], &n[1], text);
    report_inside(
        r, &n[0],
        "With peepholes, a test stream. What is said matters at spikes only. A cell climbs from spike to spike and "
        "is emptied there by its forget gate; how high it stands tells the time.");
    jd_report_section(jd_run_report(r), "Generating");
    snprintf(text, sizeof text,
             "A spike every %lld steps: intervals with a wrong step, over twice the time of training. One spike at "
             "the start is all the network is given.",
             (long long)n[2].F);
    report_curves(r, &n[2], &n[3], text);
    report_inside(r, &n[2], "With peepholes: what the network gives after one spike, and what is wanted.");
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    static const char *const names[4] = {"measure", "measure-none", "generate", "generate-none"};
    net n[4] = {0};
    for (int i = 0; i < 4; i++) {
        n[i] = (net){.name = names[i], .what = names[i], .generate = i >= 2};
        n[i].F = (int64_t)jd_run_setting(r, i < 2 ? "F" : "period");
        n[i].spikes = (int64_t)jd_run_setting(r, "spikes") * (i < 2 ? 1 : 2);
        n[i].batch = i < 2 ? (int64_t)jd_run_setting(r, "batch") : 1;
        n[i].sequences = (int64_t)jd_run_setting(r, i < 2 ? "sequences" : "generated");
        n[i].height = (float)jd_run_setting(r, "height");
        n[i].clip = jd_run_setting(r, "clip");
        n[i].seed = jd_run_seed(r);
        n[i].cell = (seq_cell){.units = (int64_t)jd_run_setting(r, "units"),
                               .peepholes = i % 2 == 0,
                               .forget_bias = jd_run_setting(r, "forget_bias"),
                               .in_bias = jd_run_setting(r, "in_bias")};
        if (n[i].F < 2 || n[i].F > 1000 || n[i].spikes < 1 || n[i].batch < 1 || n[i].cell.units < 1)
            return jd_fail(ctx, JD_EUSAGE, "lstm-timing: F and period are 2..1000, the others at least 1");
    }
    for (int i = 0; i < 4 && !jd_error(ctx); i++) train(r, &n[i]);
    if (!jd_error(ctx)) {
        report(r, n);
        jd_run_note(r, "measuring %lld or %lld steps: %.2f %% right, without peepholes %.2f %%", (long long)n[0].F,
                    (long long)n[0].F + 1, n[0].right, n[1].right);
        jd_run_note(r, "a spike every %lld steps: %.1f %% of the intervals right, without peepholes %.1f %%",
                    (long long)n[2].F, n[2].right, n[3].right);
        jd_run_extra(r, "no_peepholes", n[1].right);
        jd_run_extra(r, "generated", n[2].right);
        jd_run_extra(r, "generated_no_peepholes", n[3].right);
        jd_run_save(r, n[0].params, n[0].sequences / n[0].batch, true);
        jd_run_finish(r, n[0].right,
                      n[0].right < 99 ? "the network found no exact clock in this many sequences" : NULL);
    }
    for (int i = 0; i < 4; i++) forget(ctx, &n[i]);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"F", {20, 49, 49}, "steps of the shorter interval to be measured"},
    {"period", {10, 20, 50}, "steps between the spikes to be generated"},
    {"spikes", {4, 4, 4}, "intervals in a training sequence; twice as many to generate"},
    {"units", {16, 16, 16}, "memory cells"},
    {"sequences", {32000, 64000, 128000}, "training sequences, measuring"},
    {"generated", {3000, 10000, 40000}, "training sequences, generating"},
    {"height", {20, 20, 20}, "of a spike of the input"},
    {"batch", {8, 8, 8}, "sequences per step, measuring"},
    {"rate", {1e-2, 1e-2, 1e-2}, "Adam's first learning rate"},
    {"clip", {1, 1, 1}, "norm to which the gradient is clipped"},
    {"forget_bias", {4, 4, 4}, "first bias of the forget gates"},
    {"in_bias", {-2, -2, -2}, "first bias of the input gates: cells that climb slowly can tell late steps apart"},
    {0},
};

const jd_system jd_system_lstm_timing = {
    .name = "lstm-timing",
    .year = 2002,
    .title = "LSTM with peepholes measures and generates times",
    .paper =
        "F. A. Gers, N. N. Schraudolph, J. Schmidhuber: Learning Precise Timing with LSTM Recurrent Networks. JMLR 3, "
        "2002",
    .metric = "intervals told apart (%)",
    .higher = true,
    .paper_value = 100,
    .paper_note =
        "LSTM with peepholes tells intervals of 49 and 50 steps apart, without shorter examples; the paper trained "
        "on line by gradient descent, one cell in a block; here 16 cells, whole gradients, Adam, spikes 20 high",
    .accept = {95, 99, 99},
    .about =
        "Spikes follow each other after F or F + 1 steps in which nothing happens; at each spike the network is to "
        "say which it was. And: after a single spike it is to give a spike every so many steps by itself, over twice "
        "the time of training; this is shown, but not part of the figure, and it succeeds in some runs only. "
        "Peepholes let the gates see the cells even when the output gate is closed; the paper's networks, trained on "
        "line with truncated gradients, needed them. With whole gradients the network without peepholes learns to "
        "measure as well. What to look at: the cells that climb and are emptied.",
    .settings = SETTINGS,
    .run = run,
};
