/*
 * evolino_mackey_glass.c - a chaotic time series continued by a network that hears only itself.
 *
 * The Mackey-Glass equation with delay 17.  The network is told the series up to some step and then goes on alone for 84.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evolino.h"

enum { DELAY = 17, DROPPED = 1000, FINE = 10, WASHOUT = 100, TAUGHT = 2100, AHEAD = 84, TESTS = 100, APART = 20 };
enum { LENGTH = TAUGHT + TESTS * APART + 2 * AHEAD };

/* x' = 0.2 x(t-17) / (1 + x(t-17)^10) - 0.1 x, history 1.2, Runge-Kutta steps of 0.1 (the delayed value half way between two
 * steps by their mean), one value for each unit of time; squashed, as is usual, to tanh(x - 1). */
static double slope(double x, double delayed)
{
    const double d2 = delayed * delayed, d4 = d2 * d2, d10 = d4 * d4 * d2;
    return .2 * delayed / (1 + d10) - .1 * x;
}

static jd_status mackey_glass(jd_ctx *ctx, double *y, int64_t n)
{
    const int64_t steps = (DROPPED + n) * FINE, lag = DELAY * FINE;
    const double h = 1. / FINE;
    double *x = jd_alloc_array(ctx, (size_t)(steps + lag + 1), sizeof *x); /* x[lag + k] at step k */
    if (!x) return jd_error(ctx);
    for (int64_t k = 0; k <= lag; k++) x[k] = 1.2;
    for (int64_t k = 0; k < steps; k++) {
        const double now = x[lag + k], d0 = x[k], d1 = x[k + 1], middle = (d0 + d1) / 2;
        const double a = slope(now, d0), b = slope(now + h / 2 * a, middle), c = slope(now + h / 2 * b, middle);
        x[lag + k + 1] = now + h / 6 * (a + 2 * b + 2 * c + slope(now + h * c, d1));
    }
    for (int64_t t = 0; t < n; t++) {
        const double e = exp(2 * (x[lag + (DROPPED + t) * FINE] - 1));
        y[t] = (e - 1) / (e + 1);
    }
    jd_free(ctx, x);
    return JD_OK;
}

typedef struct outcome {
    double error[AHEAD]; /* root mean square over the starts, over the series' deviation, 1 .. 84 steps ahead */
    double shown[4 * AHEAD];
} outcome;

/* The network is told the series up to each start and goes on alone; starts follow the part that was taught. */
static void test(const double *series, const evolino_net *taught, outcome *o)
{
    double squares[AHEAD] = {0}, mean = 0, variance = 0;
    for (int64_t t = TAUGHT; t < LENGTH; t++) mean += series[t] / (LENGTH - TAUGHT);
    for (int64_t t = TAUGHT; t < LENGTH; t++) variance += (series[t] - mean) * (series[t] - mean) / (LENGTH - TAUGHT);
    evolino_net told = *taught, alone;
    double said[2 * AHEAD];
    for (int i = 0; i < TESTS; i++) {
        const int64_t from = TAUGHT + i * APART;
        alone = told;
        alone.y[0] = series[from - 1];
        evolino_free_run(&alone, 2 * AHEAD, said);
        for (int k = 0; k < AHEAD; k++) squares[k] += (said[k] - series[from + k]) * (said[k] - series[from + k]);
        if (i == 0) memcpy(o->shown, said, sizeof said);
        for (int k = 0; k < APART; k++) evolino_step(&told, &series[from - 1 + k]);
    }
    for (int k = 0; k < AHEAD; k++) o->error[k] = sqrt(squares[k] / TESTS / variance);
}

static void report(jd_run *r, const double *series, const outcome *o, double paper)
{
    jd_ctx *ctx = jd_run_ctx(r);
    double t[AHEAD], ahead[2 * AHEAD];
    for (int k = 0; k < AHEAD; k++) t[k] = k + 1;
    for (int k = 0; k < 2 * AHEAD; k++) ahead[k] = k + 1;
    jd_report_section(jd_run_report(r), "On its own");
    jd_chart *c =
        jd_chart_new(ctx, &(jd_axis){.label = "steps since it was last told"}, &(jd_axis){.label = "tanh(x - 1)"}, 240);
    jd_chart_line(c, "series", ahead, series + TAUGHT, 2 * AHEAD, JD_NEUTRAL);
    jd_chart_line(c, "network", ahead, o->shown, 2 * AHEAD, 0);
    jd_chart_vline(c, "84", AHEAD, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(jd_run_report(r), c, "The first of the test's starts: what comes and what the network says comes.");
    c = jd_chart_new(ctx, &(jd_axis){.label = "steps ahead"}, &(jd_axis){.label = "NRMSE", .scale = JD_LOG}, 240);
    jd_chart_line(c, "network", t, o->error, AHEAD, 0);
    jd_chart_hline(c, "paper, 84 steps", paper, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(
        jd_run_report(r), c,
        "Error over the series' deviation, root mean square over 100 starts after the part that was taught.");
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int cells = (int)jd_run_setting(r, "cells"), starts = (int)jd_run_setting(r, "starts");
    if (cells < 1 || cells > EVOLINO_CELLS || starts < 1 || starts > EVOLINO_STARTS)
        return jd_fail(ctx, JD_EUSAGE, "evolino-mackey-glass: %d cells, %d starts; give 1 to %d, and 1 to %d", cells,
                       starts, EVOLINO_CELLS, EVOLINO_STARTS);
    double *series = jd_alloc_array(ctx, LENGTH, sizeof *series);
    double *genes = jd_alloc_array(ctx, evolino_genes(cells, 1), sizeof *genes);
    double *room = jd_alloc_array(ctx, (TAUGHT - WASHOUT) * (size_t)(cells + 3), sizeof *room);
    evolino_net *net = jd_alloc(ctx, sizeof *net);
    outcome *o = jd_alloc(ctx, sizeof *o);
    const evolino_task task = {.series = series,
                               .washout = WASHOUT,
                               .end = TAUGHT,
                               .horizon = AHEAD,
                               .starts = starts,
                               .cells = cells,
                               .feedback = jd_run_setting(r, "feedback"),
                               .direct = jd_run_setting(r, "direct") > 0};
    const evolino_search search = evolino_search_settings(r, jd_run_seed(r));
    bool whole = false;
    jd_params *book = jd_params_new(ctx, JD_F64); /* empty: the search keeps itself, the run its log */
    const bool resume = jd_run_load(r, book) >= 0;
    if (!jd_error(ctx) && !mackey_glass(ctx, series, LENGTH)) {
        jd_run_stage(r, "evolving %d cells", cells);
        whole = evolino_evolve(r, "MSE", &task, &search, resume, genes);
        if (!whole && !jd_error(ctx)) jd_run_save(r, book, 0, false);
    }
    double value = (double)NAN;
    if (whole) {
        evolino_unpack(net, cells, 1, task.feedback, genes);
        evolino_teach(net, &task, room);
        test(series, net, o);
        value = o->error[AHEAD - 1];
        report(r, series, o, 1.9e-3);
        jd_run_extra(r, "nrmse_1", o->error[0]);
        jd_run_extra(r, "nrmse_42", o->error[41]);
    }
    jd_params_free(book);
    void *const owned[] = {series, genes, room, net, o};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    if (jd_error(ctx)) return jd_error(ctx);
    char why[80];
    snprintf(why, sizeof why, "the evolution ended with its %lld generations", (long long)search.generations);
    return whole ? jd_run_finish(r, value, why) : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"cells", {20, 30, 30}, "LSTM cells"},
    {"feedback", {.1, .1, .1}, "factor of what it hears of itself"},
    {"direct", {1, 1, 1}, "1: the output also sees what was heard, and a constant"},
    {"generations", {60, 600, 3000}, "of 2 x members networks each"},
    {"members", {40, 40, 40}, "of each cell's subpopulation"},
    {"patience", {20, 20, 20}, "generations without progress before a burst; 0: none"},
    {"sigma", {.3, .3, .3}, "first genes lie within this of 0"},
    {"spread", {.002, .002, .002}, "scale of mutations"},
    {"mutation", {.5, .5, .5}, "probability that a gene of a child is mutated"},
    {"starts", {16, 16, 32}, "from which each network that is tried goes on alone"},
    {NULL}};

const jd_system jd_system_evolino_mackey_glass = {
    .name = "evolino-mackey-glass",
    .year = 2007,
    .title = "Evolino: a chaotic series continued by a network that hears only itself",
    .paper = "Schmidhuber, Wierstra, Gagliolo, Gomez, Neural Computation 19:757-779, 2007",
    .metric = "NRMSE 84 steps ahead",
    .higher = false,
    .paper_value = 1.9e-3,
    .paper_note = "30 cells; recalled, not checked. The series: delay 17, Runge-Kutta 0.1, tanh(x - 1), 100 starts",
    .accept = {NAN, .05, 5e-3},
    .about =
        "A chaotic series: two courses that start together part. The network is told the series up to a step and goes "
        "on alone for 84. Its hidden weights are evolved, its output is computed. Look at how the error grows with "
        "the steps ahead.",
    .settings = settings,
    .run = run,
};
