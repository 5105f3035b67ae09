/*
 * lstm_adding.c - the adding and the multiplication problem (Hochreiter and Schmidhuber 1997, experiments 4 and 5).
 *
 * A sequence of about T random numbers, two of which are marked; after the last step the network says the sum, or the
 * product, of the two.  The first marked number must be kept over half of the sequence, as a real number, among T that do
 * not matter.
 */
#include <stdio.h>

#include "sequences.h"

enum { CHUNK = 256, VALID = 512, TEST = 2560, SHOWN = 400 };
#define TOLERANCE 0.04 /* the paper's: an answer is right when it is this near to the target */

typedef struct task {
    const char *system;                   /* for messages */
    const char *train, *valid, *test;     /* streams of random numbers */
    const char *show, *question, *target; /* "Can it add?", the target in words */
    const char *guess;                    /* the constant answer in words */
    int64_t (*make)(jd_rng *r, int64_t T, float *x, int64_t stride, float *target);
    double mean;     /* of the targets: the constant answer, and the first one of the network */
    double scale;    /* of the error that is trained: sums are, not their quarters */
    double least;    /* value */
    double paper[2]; /* thousands of training sequences in the paper with T = 100 and 1000; 0: it does not say */
    bool by_error;   /* the run's figure is the mean squared error */
} task;

static const task ADDING = {.system = "lstm-adding",
                            .train = "adding/train",
                            .valid = "adding/valid",
                            .test = "adding/test",
                            .show = "adding/show",
                            .question = "Can it add?",
                            .target = "target: 0.5 + (X1 + X2) / 4",
                            .guess = "always 0.5",
                            .make = seq_adding,
                            .mean = .5,
                            .scale = 4,
                            .least = -1,
                            .paper = {74, 853}};
static const task MULTIPLICATION = {.system = "lstm-multiplication",
                                    .train = "multiplication/train",
                                    .valid = "multiplication/valid",
                                    .test = "multiplication/test",
                                    .show = "multiplication/show",
                                    .question = "Can it multiply?",
                                    .target = "target: X1 X2",
                                    .guess = "always 0.25",
                                    .make = seq_multiplication,
                                    .mean = .25,
                                    .scale = 4,
                                    .least = 0,
                                    .paper = {1273},
                                    .by_error = true};

/* One network: the LSTM, or the plain recurrent net that is its control, and the batch it is fed. */
typedef struct net {
    const task *task;
    const char *name; /* scope of its parameters and of its curves */
    seq_cell cell;
    int64_t T, batch;
    double clip;
    uint64_t seed;
    jd_params *params;
    jd_fn *ask, *look;
    float *x;        /* (1.1 T, batch or CHUNK, 2): value and marker, zero past a sequence's end */
    float *target;   /* (batch or CHUNK) */
    int32_t *length; /* (batch or CHUNK) */
} net;

typedef struct score {
    double correct, mse;     /* share within the tolerance; mean squared error of the scaled target */
    double guess, guess_mse; /* the same of the constant answer */
    double target[SHOWN], answer[SHOWN];
} score;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

/* The answer in the state h (...,H): one linear unit, at first the mean of all targets. */
static jd_node read_out(jd_graph *g, const net *n, jd_node h)
{
    return jd_dense(g, "out", h, .units = 1, .bias_init = {JD_INIT_CONST, n->task->mean});
}

/* (T,B,2) -> (B): the answer after each sequence's last step.  `cell` is where to put the inside of the LSTM, or NULL. */
static jd_node answer(jd_graph *g, const net *n, jd_lstm_out *cell)
{
    const jd_lstm_out out = seq_recur(g, &n->cell, jd_arg(g, "x"), jd_arg(g, "length"));
    if (cell) *cell = out;
    return jd_reshape(g, read_out(g, n, out.hT), JD_DIMS(-1));
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node error = jd_sub(g, answer(g, n, NULL), jd_arg(g, "target"));
    const jd_node loss = jd_mean(g, jd_square(g, jd_affine(g, error, n->task->scale, 0)), JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->clip);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    jd_result(g, "answer", answer(g, n, NULL));
    jd_scope_pop(g);
}

/* The same with the inside of the cell, and what the network would answer at every step. */
static void look(jd_graph *g, void *user)
{
    const net *n = user;
    jd_lstm_out cell = {0};
    jd_scope_push(g, n->name);
    answer(g, n, &cell);
    seq_result_inside(g, &cell);
    jd_result(g, "answers", read_out(g, n, cell.y));
    jd_scope_pop(g);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

/* Sequences first .. first + B - 1 of a stream, padded to the longest length there can be. */
static int fill(net *n, const char *stream, int64_t first, int64_t B, jd_tensor *in)
{
    const int64_t T = seq_adding_longest(n->T);
    for (int64_t i = 0; i < T * B * 2; i++) n->x[i] = 0;
    for (int64_t b = 0; b < B; b++) {
        jd_rng r = jd_rng_new(n->seed, stream, (uint64_t)(first + b));
        n->length[b] = (int32_t)n->task->make(&r, n->T, n->x + b * 2, B * 2, &n->target[b]);
    }
    in[0] = JD_TENSOR("x", JD_F32, n->x, T, B, 2);
    in[1] = JD_TENSOR("length", JD_I32, n->length, B);
    in[2] = JD_TENSOR("target", JD_F32, n->target, B);
    return 3;
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    (void)slot;
    return fill(n, n->task->train, step * n->batch, n->batch, in);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

static score measure(net *n, const char *stream, int64_t count)
{
    score s = {0};
    int64_t right = 0, guessed = 0;
    jd_tensor in[3];
    for (int64_t done = 0; done < count; done += CHUNK) {
        fill(n, stream, done, CHUNK, in);
        if (jd_fn_run(n->ask, in, 2)) break;
        const float *y = jd_fn_result(n->ask, "answer", NULL);
        for (int64_t b = 0; y && b < CHUNK; b++) {
            const double error = (double)y[b] - (double)n->target[b];
            const double off = n->task->mean - (double)n->target[b];
            right += fabs(error) < TOLERANCE;
            guessed += fabs(off) < TOLERANCE;
            s.guess_mse += off * off / (double)count;
            s.mse += error * error / (double)count;
            if (done + b < SHOWN) {
                s.target[done + b] = (double)n->target[b];
                s.answer[done + b] = (double)y[b];
            }
        }
    }
    s.correct = (double)right / (double)count;
    s.guess = (double)guessed / (double)count;
    return s;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const score s = measure(n, n->task->valid, VALID);
    seq_log(r, step * n->batch, n->name, "wrong (%)", 100 * (1 - s.correct));
    return s.correct;
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

static jd_status train(jd_run *r, net *n, int64_t steps)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t T = (size_t)seq_adding_longest(n->T), widest = (size_t)(n->batch > CHUNK ? n->batch : CHUNK);
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->look = jd_fn_new(ctx, n->params, look, n);
    n->x = jd_alloc_array(ctx, T * widest * 2, sizeof *n->x);
    n->target = jd_alloc_array(ctx, widest, sizeof *n->target);
    n->length = jd_alloc_array(ctx, widest, sizeof *n->length);
    if (jd_error(ctx)) return jd_error(ctx);
    return jd_train(r, n->params,
                    &(jd_train_options){.what = n->cell.plain ? "plain recurrent net" : "LSTM",
                                        .series = n->name,
                                        .trace = train_step,
                                        .user = n,
                                        .steps = steps,
                                        .batch = batch,
                                        .lr = {.kind = JD_HALVING,
                                               .rate = jd_run_setting(r, "rate"),
                                               .period = (int64_t)jd_run_setting(r, "halve")},
                                        .validate_every = steps > 100 ? steps / 50 : 1,
                                        .validate = validate,
                                        .higher = true,
                                        .items_per_step = n->batch},
                    NULL);
}

static void forget(jd_ctx *ctx, net *n)
{
    jd_fn_free(n->look);
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    jd_free(ctx, n->x);
    jd_free(ctx, n->target);
    jd_free(ctx, n->length);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

static void report_scores(jd_run *r, const task *k, const score *lstm, const score *plain, int64_t T)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, k->question);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "training sequences (thousands)"},
                               &(jd_axis){.label = "wrong answers (%)", .min = 0, .max = 100}, 260);
    seq_draw_curve(c, r, "lstm/wrong (%)", "LSTM", 1000, 0);
    seq_draw_curve(c, r, "plain/wrong (%)", "plain RNN", 1000, 0);
    const double thousands = T == 100 ? k->paper[0] : T == 1000 ? k->paper[1] : 0;
    char paper[40];
    snprintf(paper, sizeof paper, "paper: %.0f,000", thousands);
    if (thousands > 0) jd_chart_vline(c, paper, thousands, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(rep, c,
                    "Answers further than 0.04 from the target, on 512 sequences that are not trained on. The "
                    "plain recurrent net has the same number of units and sees the same sequences.");

    c = jd_chart_new(ctx, &(jd_axis){.label = k->target, .min = 0, .max = 1},
                     &(jd_axis){.label = "answer", .min = 0, .max = 1}, 380);
    const double end[2] = {0, 1}, lo[2] = {-TOLERANCE, 1 - TOLERANCE}, hi[2] = {TOLERANCE, 1 + TOLERANCE};
    jd_chart_band(c, "right", end, lo, hi, 2, JD_NEUTRAL);
    jd_chart_points(c, "LSTM", lstm->target, lstm->answer, NULL, NULL, SHOWN, 0);
    jd_chart_points(c, "plain RNN", plain->target, plain->answer, NULL, NULL, SHOWN, JD_HOLLOW);
    jd_report_chart(rep, c,
                    "400 test sequences after training: the LSTM's answers lie on the diagonal, the plain net "
                    "knows little more than the mean.");

    char cell[3][2][32];
    const double correct[3] = {lstm->correct, plain->correct, lstm->guess};
    const double mse[3] = {lstm->mse, plain->mse, lstm->guess_mse};
    for (int i = 0; i < 3; i++) {
        snprintf(cell[i][0], sizeof cell[i][0], "%.0f", TEST * (1 - correct[i]));
        snprintf(cell[i][1], sizeof cell[i][1], "%.5f", mse[i]);
    }
    const char *const cells[] = {"LSTM",     cell[0][0], cell[0][1], "plain RNN", cell[1][0],
                                 cell[1][1], k->guess,   cell[2][0], cell[2][1]};
    jd_report_table(rep, (const char *const[]){"network", "wrong of 2560", "mean squared error"}, cells, 3, 3,
                    "Fresh test sequences, seen only here.");
}

static void report_inside(jd_run *r, net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_tensor in[3];
    fill(n, n->task->show, 0, 1, in);
    if (jd_fn_run(n->look, in, 2)) return;
    const float *gates = jd_fn_result(n->look, "gates", NULL), *cells = jd_fn_result(n->look, "cells", NULL);
    const float *answers = jd_fn_result(n->look, "answers", NULL);
    const int64_t T = n->length[0];
    float *target = jd_alloc_array(ctx, 3 * (size_t)T, sizeof *target); /* (T,2): answer and target */
    float *value = target + 2 * T;
    double at[2];
    if (!gates || !cells || !answers || !target) return;
    for (int64_t t = 0, marks = 0; t < T; t++) {
        value[t] = n->x[2 * t];
        if (n->x[2 * t + 1] > 0) at[marks++ & 1] = (double)t;
        target[2 * t] = answers[t];
        target[2 * t + 1] = n->target[0];
    }
    jd_report_section(jd_run_report(r), "Inside the LSTM");
    jd_timeline *t = jd_timeline_new(ctx, "step", -.5, (double)T - .5);
    jd_timeline_lines(t, "value", value, (size_t)T, 1, (const char *const[]){""}, n->task->least, 1);
    jd_timeline_text(t, "marked", "XX", at);
    seq_show_lstm(ctx, t, gates, cells, T, n->cell.units);
    jd_timeline_lines(t, "answer at each step", target, (size_t)T, 2, (const char *const[]){"answer", "target"}, 0, 1);
    jd_report_timeline(jd_run_report(r), t,
                       "One test sequence with its two marked numbers. The cell states change there and are kept "
                       "elsewhere: the forget gates of the storing cells stay near 1 while the input gates ignore "
                       "unmarked numbers. Only the answer after the last step counts.");
    jd_free(ctx, target);
}

/* The figure of the run, and why it is not what was to be reached. */
static jd_status finish(jd_run *r, const task *k, const score *a)
{
    const bool stored = k->by_error ? a->mse < a->guess_mse / 10 : a->correct >= .85;
    const char *why =
        stored ? NULL : "the training ended before the LSTM stored the first number; it may need more sequences";
    if (k->by_error)
        jd_run_extra(r, "correct", 100 * a->correct);
    else
        jd_run_extra(r, "mse", a->mse);
    return jd_run_finish(r, k->by_error ? a->mse : 100 * a->correct, why);
}

/* First biases for T steps, where the settings are 0.  Forget gates 3 + ln T (after Tallec and Ollivier 2018): 1 - f is about
 * e^-3 / T, so that 95 % of a cell's state, and of the error that flows back in it, are left after T steps.  Input gates
 * -2 - ln(T) / 2: T random values that leak through them add up like sqrt(T), so that the sum is e^-2 at most and does not
 * drown the two marked ones while the gates do not know the mark. */
static void first_biases(jd_run *r, int64_t T, seq_cell *cell)
{
    const double forget = jd_run_setting(r, "forget_bias"), in = jd_run_setting(r, "in_bias"), steps = (double)T;
    cell->forget_bias = fabs(forget) > 0 ? forget : 3 + log(steps);
    cell->in_bias = fabs(in) > 0 ? in : -2 - log(steps) / 2;
}

static jd_status run_task(jd_run *r, const task *k)
{
    const int64_t T = (int64_t)jd_run_setting(r, "T"), B = (int64_t)jd_run_setting(r, "batch");
    net lstm = {.task = k, .name = "lstm", .T = T, .batch = B};
    lstm.cell.units = (int64_t)jd_run_setting(r, "units");
    if (T < 40 || T > 5000 || B < 1 || lstm.cell.units < 1)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE, "%s: T is 40..5000, batch and units are at least 1", k->system);
    first_biases(r, T, &lstm.cell);
    lstm.clip = jd_run_setting(r, "clip");
    lstm.seed = jd_run_seed(r);
    net plain = lstm;
    plain.name = "plain";
    plain.cell.plain = true;
    const int64_t steps = (int64_t)jd_run_setting(r, "sequences") / B;
    const int64_t control = (int64_t)jd_run_setting(r, "control") / B;
    if (!train(r, &lstm, steps) && !train(r, &plain, control)) {
        jd_run_stage(r, "testing on %d fresh sequences", TEST);
        const score a = measure(&lstm, k->test, TEST), b = measure(&plain, k->test, TEST);
        if (!jd_error(jd_run_ctx(r))) {
            jd_run_note(r, "LSTM: %.1f %% right, plain recurrent net: %.1f %%, of %d fresh sequences (T = %lld)",
                        100 * a.correct, 100 * b.correct, TEST, (long long)T);
            report_scores(r, k, &a, &b, T);
            report_inside(r, &lstm);
            jd_run_extra(r, "plain_rnn_correct", 100 * b.correct);
            jd_run_extra(r, "plain_rnn_mse", b.mse);
            jd_run_extra(r, "sequences", (double)(steps * B));
            jd_run_save(r, lstm.params, steps, true);
            finish(r, k, &a);
        }
    }
    forget(jd_run_ctx(r), &lstm);
    forget(jd_run_ctx(r), &plain);
    return jd_error(jd_run_ctx(r));
}

static jd_status run_adding(jd_run *r)
{
    return run_task(r, &ADDING);
}

static jd_status run_multiplication(jd_run *r)
{
    return run_task(r, &MULTIPLICATION);
}

static const jd_setting SETTINGS[] = {
    {"T", {100, 100, 1000}, "shortest length; sequences have T to 1.1 T steps"},
    {"units", {8, 8, 8}, "memory cells, and units of the plain net"},
    {"sequences", {160000, 256000, 512000}, "training sequences of the LSTM"},
    {"control", {96000, 256000, 512000}, "training sequences of the plain recurrent net"},
    {"batch", {32, 32, 32}, "sequences per step"},
    {"rate", {5e-3, 5e-3, 5e-3}, "Adam's first learning rate"},
    {"halve", {1500, 1500, 3000}, "steps until it is halved"},
    {"clip", {1, 1, 1}, "norm to which the gradient is clipped"},
    {"forget_bias", {0, 0, 0}, "first bias of the forget gates; 0: 3 + ln T"},
    {"in_bias", {0, 0, 0}, "first bias of the input gates; 0: -2 - ln(T) / 2"},
    {0},
};

const jd_system jd_system_lstm_adding = {
    .name = "lstm-adding",
    .year = 1997,
    .title = "LSTM on the adding problem",
    .paper = "S. Hochreiter, J. Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997, experiment 4",
    .metric = "test sequences right (%)",
    .higher = true,
    .paper_value = 100. * 2559 / 2560,
    .paper_note =
        "T = 100, 74,000 training sequences, and T = 1000, 853,000: 1 of 2560 wrong. Two blocks of two cells without "
        "forget gates, plain gradient descent; here eight cells with forget gates, Adam.",
    .accept = {85, 85, 85},
    .about =
        "Each step brings a random number and a marker. Two numbers of the sequence are marked; after the last step "
        "the network is asked for their sum. To answer, it must keep the first number, exactly, over at least half "
        "of the sequence, while all the others pass by. What to look at: the LSTM's error falls all at once when it "
        "finds out to store, and the plain recurrent net of the same size, fed the same, stays where it began. "
        "`--set T=1000` asks for ten times the lag, the longest of the paper. Nothing else is set for it: the biases "
        "that the gates begin with follow from T, and no shorter sequences come first.",
    .settings = SETTINGS,
    .run = run_adding,
};

static const jd_setting MULTIPLICATION_SETTINGS[] = {
    {"T", {100, 100, 500}, "shortest length; sequences have T to 1.1 T steps"},
    {"units", {8, 8, 8}, "memory cells, and units of the plain net"},
    {"sequences", {128000, 256000, 1024000}, "training sequences of the LSTM"},
    {"control", {32000, 128000, 512000}, "training sequences of the plain recurrent net"},
    {"batch", {16, 16, 16}, "sequences per step"},
    {"rate", {5e-3, 5e-3, 5e-3}, "Adam's first learning rate"},
    {"halve", {3000, 4000, 12000}, "steps until it is halved"},
    {"clip", {1, 1, 1}, "norm to which the gradient is clipped"},
    {"forget_bias", {5, 5, 5}, "first bias of the forget gates; 0: 3 + ln T"},
    {"in_bias", {-2, -2, -2}, "first bias of the input gates; 0: -2 - ln(T) / 2"},
    {0},
};

const jd_system jd_system_lstm_multiplication = {
    .name = "lstm-multiplication",
    .year = 1997,
    .title = "LSTM on the multiplication problem",
    .paper = "S. Hochreiter, J. Schmidhuber: Long Short-Term Memory. Neural Computation 9(8), 1997, experiment 5",
    .metric = "mean squared error of the product",
    .higher = false,
    .paper_value = .0139,
    .paper_note =
        "T = 100, 1,273,000 training sequences, until 13 of the last 2000 were wrong by more than 0.04 (0.0223 after "
        "482,000, 140 wrong). Two blocks of two cells without forget gates, plain gradient descent; here eight cells "
        "with forget gates, Adam.",
    .accept = {.0223, .0139, .0139},
    .about =
        "Each step brings a random number from 0 to 1 and a marker. Two numbers of the sequence are marked; after the "
        "last step the network is asked for their product, to show that it is not only the summing in its cells that "
        "solves the adding problem. Always to answer 0.25, the mean, has an error of 0.05. What to look at: the wrong "
        "answers fall all at once, and which gates move at the two marks.",
    .settings = MULTIPLICATION_SETTINGS,
    .run = run_multiplication,
};
