/* learning_to_learn_report.c - learning curves, the function that an LSTM believes in, controls; see learning_to_learn.h. */
#include "learning_to_learn.h"

#include <stdio.h>
#include <string.h>

#include "sequences.h"

enum { CELL = 48, POINTS = 200 };

/* ---- learning curves -------------------------------------------------------------------------------------------------------*/

static const char *title(meta_class kind)
{
    static const char *const titles[META_CLASSES] = {"Boolean functions", "Semi-linear functions",
                                                     "Quadratic functions", "A function that changes"};
    return titles[kind];
}

/* On a logarithmic axis: every example up to 50, then means of some in a row, ever more.  Returns the number of points. */
static size_t thin(bool logarithmic, const double *error, int64_t n, double *x, double *y)
{
    size_t points = 0;
    for (int64_t t = 0, span; t < n && points < POINTS; t += span) {
        span = logarithmic && t >= L2L_TRAINED ? t / 16 : 1;
        if (t + span > n) break;
        x[points] = logarithmic ? (double)t + .5 * (double)(span + 1) : (double)(t - META_LEAD);
        y[points++] = meta_between(error, t + 1, t + span);
    }
    return points;
}

static void curve(jd_chart *chart, const l2l_class *c, const char *label, const double *error, int64_t n, int style)
{
    double x[POINTS], y[POINTS];
    const size_t points = thin(c->kind != META_CHANGING, error, n, x, y);
    jd_chart_line(chart, label, x, y, points, style);
}

static void lstm_curves(jd_chart *chart, const l2l_class *c)
{
    double x[POINTS], one[POINTS], y[L2L_SEEDS * POINTS];
    size_t points = 0;
    for (int s = 0; s < c->seeds; s++) {
        points = thin(c->kind != META_CHANGING, c->net[s].error[L2L_AS_IS], c->shown, x, one);
        memcpy(y + (size_t)s * points, one, points * sizeof *y);
    }
    jd_chart_seeds(chart, "LSTM", x, y, (size_t)c->seeds, points, 0);
}

/* The smallest error that any learner of Boolean functions can have: an argument not seen before, .5 is the best to say. */
static void draw_bound(jd_chart *chart, double first, const char *label)
{
    double x[L2L_TEST], y[L2L_TEST];
    int n = 0;
    for (; n < L2L_TEST && (n == 0 || y[n - 1] > first * 1e-4); n++) {
        x[n] = n + 1;
        y[n] = n ? .75 * y[n - 1] : first;
    }
    jd_chart_line(chart, label, x, y, (size_t)n, JD_NEUTRAL | JD_DASHED);
}

static void draw_class(jd_run *r, const l2l_class *c)
{
    static const char *const captions[META_CLASSES] = {
        "Squared error of the examples before their targets are heard, from 50 on means of some in a row; below, the "
        "wrong answers. Nobody can know the value of an argument that has not come yet: that is the dashed line.",
        "Squared error of the examples before their targets are heard, from 50 on means of some in a row. Dashed: "
        "back-propagation with the settings that are best after 1000 examples. Least squares fit a quadratic function, "
        "which these are not.",
        "Squared error of the examples before their targets are heard, from 50 on means of some in a row; the mean "
        "square of y is 0.726. Dashed: back-propagation with the settings that are best after 1000 examples. Least "
        "squares know that functions are quadratic; without noise nothing is left to learn after six examples: a "
        "bound, not a rival. With y brought to [0.2, 0.8], as recalled of the paper, .5 + .3 y / 6, all errors are 400 "
        "times smaller.",
        "The function changes at example 0; before it, at least 30 examples of another one. Least squares forget by "
        "the factor that serves best; when to forget, the LSTM has learned."};
    jd_ctx *ctx = jd_run_ctx(r);
    const bool changing = c->kind == META_CHANGING;
    const jd_axis examples = {.label = changing ? "examples since the change" : "example",
                              .scale = changing ? JD_LIN : JD_LOG,
                              .min = changing ? -META_LEAD : 1,
                              .max = changing                  ? META_LEAD
                                     : c->kind == META_BOOLEAN ? L2L_TEST
                                                               : L2L_LONG};
    const double least[META_CLASSES] = {1e-4, 1e-4, 1e-4, 1e-3};
    const jd_axis error = {.label = "squared error", .scale = JD_LOG, .min = least[c->kind], .max = 1};
    jd_chart *chart = jd_chart_new(ctx, &examples, &error, 340);
    lstm_curves(chart, c);
    for (int k = META_AVERAGE; k < META_RULES; k++)
        curve(chart, c, meta_rule_name[k], c->error[k], c->shown, k == META_RLS ? JD_NEUTRAL : 0);
    if (!changing) jd_chart_vline(chart, "trained to here", L2L_TRAINED, JD_DASHED | JD_NEUTRAL);
    for (int k = META_SGD; k <= META_ADAM && !changing && c->kind != META_BOOLEAN; k++)
        curve(chart, c, meta_rule_name[k], c->longer[k], L2L_LONG, JD_DASHED | JD_NO_LABEL);
    if (c->kind == META_BOOLEAN) {
        double wrong[L2L_TEST] = {0};
        draw_bound(chart, .25, "bound");
        jd_chart_panel(chart, &(jd_axis){.label = "wrong (%)", .scale = JD_LOG, .min = 1e-2, .max = 100}, 180);
        for (int64_t t = 0; t < c->shown; t++)
            for (int s = 0; s < c->seeds; s++) wrong[t] += 100 * c->net[s].wrong[t] / c->seeds;
        curve(chart, c, "LSTM", wrong, c->shown, 0);
        draw_bound(chart, 50, "bound");
    }
    jd_report_section(jd_run_report(r), title(c->kind));
    jd_report_chart(jd_run_report(r), chart, captions[c->kind]);
}

/* The first example whose error is below `level`, 0 if none is. */
static int64_t first_below(const double *error, int64_t n, double level)
{
    for (int64_t t = 0; t < n; t++)
        if (error[t] < level) return t + 1;
    return 0;
}

static void write_setting(char *cell, meta_rule k, const meta_setting *s)
{
    if (k == META_RLS)
        snprintf(cell, CELL, "noise %g, keeps %g", s->noise, s->forget);
    else if (k == META_SGD || k == META_ADAM)
        snprintf(cell, CELL, "rate %g, weights to %g", s->rate, s->scale);
    else
        snprintf(cell, CELL, "-");
}

/* The mean error of examples from .. to; none where to is 0. */
static void write_error(char *cell, const double *error, int64_t from, int64_t to)
{
    const double mean = to ? meta_between(error, from, to) : 0;
    if (to && mean >= 1e-6)
        snprintf(cell, CELL, "%.2g", mean);
    else
        snprintf(cell, CELL, "%s", to ? "< 1e-6" : "-");
}

static void table_class(jd_run *r, const l2l_class *c)
{
    static const int64_t spans[2][4][2] = {{{1, 5}, {1, 50}, {0, 0}, {101, 200}}, {{1, 5}, {6, 10}, {0, 0}, {21, 30}}};
    const int64_t(*span)[2] = spans[c->kind == META_CHANGING]; /* {0, 0}: the examples of the claim */
    char head[4][CELL], cell[META_RULES + L2L_SEEDS][6][CELL], caption[400];
    const char *cells[(META_RULES + L2L_SEEDS) * 6];
    int rows = 0;
    for (int i = 0; i < c->seeds + META_RULES; i++, rows++) {
        const bool lstm = i < c->seeds;
        const meta_rule k = (meta_rule)(i - c->seeds);
        const double *error = lstm ? c->net[i].error[L2L_AS_IS] : c->error[k];
        if (lstm)
            snprintf(cell[i][0], CELL, "LSTM %d", i + 1);
        else
            snprintf(cell[i][0], CELL, "%s", meta_rule_name[k]);
        for (int q = 0; q < 4; q++) {
            const int64_t first = span[q][0] ? span[q][0] : c->first, last = span[q][0] ? span[q][1] : c->last;
            const int64_t zero = c->kind == META_CHANGING ? META_LEAD : 0;
            const int64_t from = span[q][0] ? first + zero : first, to = span[q][0] ? last + zero : last;
            snprintf(head[q], CELL, "%d-%d", (int)(from - zero), (int)(to - zero));
            write_error(cell[i][1 + q], error, from, to <= c->shown ? to : 0);
        }
        if (lstm)
            snprintf(cell[i][5], CELL, "%zu weights", jd_params_count(c->net[i].params));
        else
            write_setting(cell[i][5], k, &c->setting[k]);
        for (int q = 0; q < 6; q++) cells[6 * i + q] = cell[i][q];
    }
    const int episodes = (int)jd_run_setting(r, "episodes");
    snprintf(caption, sizeof caption,
             "Mean squared errors over %d functions, by examples%s. The settings are the best for examples %s on %d "
             "other functions, of 30 for each way of back-propagation.",
             episodes, c->kind == META_CHANGING ? " since the change" : "", head[2], episodes / L2L_TUNED);
    jd_report_table(jd_run_report(r), (const char *const[]){"learner", head[0], head[1], head[2], head[3], "setting"},
                    cells, (size_t)rows, 6, caption);
}

/* After how many examples the LSTM is as good as back-propagation after a thousand. */
static void compare_long(jd_run *r, const l2l_class *c)
{
    char text[300];
    double best = (double)INFINITY;
    int64_t latest = 0;
    for (int k = META_SGD; k <= META_ADAM; k++) best = fmin(best, meta_between(c->longer[k], L2L_LONG - 49, L2L_LONG));
    bool all = true;
    for (int s = 0; s < c->seeds; s++) {
        const int64_t at = first_below(c->net[s].error[L2L_AS_IS], c->shown, best);
        all &= at > 0;
        latest = at > latest ? at : latest;
    }
    if (all)
        snprintf(text, sizeof text,
                 "Back-propagation, at its best for that, has an error of %.2g after 1000 examples; the LSTM has less "
                 "after %d.",
                 best, (int)latest);
    else
        snprintf(text, sizeof text,
                 "Back-propagation, at its best for that, has an error of %.2g after 1000 examples; not every LSTM has "
                 "less within 200.",
                 best);
    jd_report_text(jd_run_report(r), text);
    jd_run_note(r, "%s: %s", meta_name[c->kind], text);
    snprintf(text, sizeof text, "%s_examples", l2l_key(c->kind));
    jd_run_extra(r, text, all ? (double)latest : (double)NAN);
}

/* ---- one function, as the LSTM believes it to be -----------------------------------------------------------------------------*/

enum { GRID = 21, ZOOM = 4, STAGES = 5, SHOWN = 3, SIDE = GRID * ZOOM, HISTORY = 40 };

/* Blue below the mean, white, red above; a grid value as ZOOM x ZOOM pixels. */
static void paint(uint8_t *tile, const double *value, double mean, double most)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            double v = (value[(GRID - 1 - i / ZOOM) * GRID + j / ZOOM] - mean) / most;
            v = v < -1 ? -1 : v > 1 ? 1 : v;
            uint8_t *p = tile + 3 * (i * SIDE + j);
            p[0] = (uint8_t)(v > 0 ? 255 - 45 * v : 255 + 215 * v);
            p[1] = (uint8_t)(255 - (v > 0 ? 205 : 150) * fabs(v));
            p[2] = (uint8_t)(v > 0 ? 255 - 200 * v : 255 + 65 * v);
        }
}

/* What the LSTM would say at every point of the grid after the first t examples. */
static jd_status believe(jd_ctx *ctx, l2l_net *n, const double *x, const double *y, int64_t t, double *value)
{
    const int64_t B = GRID * GRID, N = l2l_inputs(n);
    float *in = jd_alloc_array(ctx, (size_t)((t + 1) * B * N), sizeof *in);
    double *seen = jd_alloc_array(ctx, 2 * (size_t)(t + 1), sizeof *seen);
    for (int64_t b = 0; in && seen && b < B; b++) {
        memcpy(seen, x, 2 * (size_t)t * sizeof *seen);
        seen[2 * t] = (double)(b % GRID) * 2 / (GRID - 1) - 1;
        seen[2 * t + 1] = (double)(b / GRID) * 2 / (GRID - 1) - 1;
        for (int64_t s = 0; s <= t; s++) l2l_input(n, seen, y, s, in + (s * B + b) * N);
    }
    if (in && seen && !jd_fn_run(n->ask, (jd_tensor[]){JD_TENSOR("x", JD_F32, in, t + 1, B, N)}, 1)) {
        const float *o = jd_fn_result(n->ask, "answer", NULL);
        for (int64_t b = 0; o && b < B; b++) value[b] = (double)o[t * B + b];
    }
    jd_free(ctx, in);
    jd_free(ctx, seen);
    return jd_error(ctx);
}

static void report_beliefs(jd_run *r, l2l_net *n)
{
    static const int64_t after[STAGES] = {2, 5, 10, 20, HISTORY};
    enum { ROW = STAGES + 1, TILES = SHOWN * ROW };
    jd_ctx *ctx = jd_run_ctx(r);
    uint8_t *pixels = jd_alloc_array(ctx, TILES * 3 * SIDE * SIDE, 1);
    double x[2 * HISTORY], y[HISTORY], value[GRID * GRID], truth[GRID * GRID];
    char text[TILES][24];
    const char *captions[TILES];
    for (int f = 0; pixels && f < SHOWN && !jd_error(ctx); f++) {
        meta_function function;
        double most = 0;
        jd_rng rng = jd_rng_new(n->seed, "meta/show", (uint64_t)f);
        meta_episode(n->kind, HISTORY, &rng, x, y, &function);
        for (int b = 0; b < GRID * GRID; b++) {
            const double at[2] = {(double)(b % GRID) * 2 / (GRID - 1) - 1, (double)(b / GRID) * 2 / (GRID - 1) - 1};
            truth[b] = meta_value(&function, at);
            most = fmax(most, fabs(truth[b] - meta_mean(n->kind)));
        }
        for (int i = 0; i < ROW && !jd_error(ctx); i++) {
            double off = 0;
            if (i < STAGES) believe(ctx, n, x, y, after[i], value);
            const double *show = i < STAGES ? value : truth;
            for (int b = 0; b < GRID * GRID; b++) off += (show[b] - truth[b]) * (show[b] - truth[b]) / (GRID * GRID);
            paint(pixels + 3 * SIDE * SIDE * (f * ROW + i), show, meta_mean(n->kind), most);
            snprintf(text[f * ROW + i], sizeof *text, i < STAGES ? "%d: %.2g" : "the function",
                     i < STAGES ? (int)after[i] : 0, off);
            captions[f * ROW + i] = text[f * ROW + i];
        }
    }
    if (pixels && !jd_error(ctx))
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = TILES,
                                     .h = SIDE,
                                     .w = SIDE,
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = ROW},
                         "Three functions of two arguments that the LSTM never saw, a row each: what it would say at "
                         "every point of the square after 2, 5, 10, 20, 40 examples, its mean squared error over the "
                         "square, and on the right the function. Blue is below the mean of the class, red above. The "
                         "weights are the same in all pictures: only the state differs.");
    jd_free(ctx, pixels);
}

/* ---- one episode -------------------------------------------------------------------------------------------------------------*/

/* Targets and what was said of them, in the first examples and in those of the claim. */
static void report_answers(jd_run *r, l2l_class *c)
{
    enum { FUNCTIONS = 30, EARLY = 5, MOST = FUNCTIONS * L2L_TRAINED };
    jd_ctx *ctx = jd_run_ctx(r);
    l2l_net *n = &c->net[0];
    const int64_t T = L2L_TRAINED, N = l2l_inputs(n);
    double x[2 * L2L_TRAINED], y[FUNCTIONS][L2L_TRAINED], point[2][2][MOST];
    size_t points[2] = {0};
    char later[32];
    float *in = jd_alloc_array(ctx, (size_t)(T * FUNCTIONS * N), sizeof *in), said[2 * L2L_TRAINED];
    for (int64_t b = 0; in && b < FUNCTIONS; b++) {
        jd_rng rng = jd_rng_new(n->seed, "meta/show", (uint64_t)b);
        meta_episode(n->kind, T, &rng, x, y[b], NULL);
        for (int64_t t = 0; t < T; t++) l2l_input(n, x, y[b], t, in + (t * FUNCTIONS + b) * N);
    }
    if (in && !jd_fn_run(n->ask, (jd_tensor[]){JD_TENSOR("x", JD_F32, in, T, FUNCTIONS, N)}, 1)) {
        const float *o = jd_fn_result(n->ask, "answer", NULL);
        for (int64_t i = 0; o && i < T * FUNCTIONS; i++) {
            const int64_t t = i / FUNCTIONS, b = i % FUNCTIONS;
            const int late = t + 1 >= c->first ? 1 : t < EARLY ? 0 : -1;
            if (b == 0) said[2 * t] = (float)y[0][t], said[2 * t + 1] = o[i];
            if (late < 0) continue;
            point[late][0][points[late]] = y[b][t];
            point[late][1][points[late]++] = (double)o[i];
        }
        jd_timeline *line = jd_timeline_new(ctx, "example", 1, (double)T);
        jd_timeline_lines(line, "one function", said, (size_t)T, 2, (const char *const[]){"target", "LSTM"}, 0, 0);
        jd_report_timeline(jd_run_report(r), line,
                           "One episode: the targets of 50 random arguments of one function, and what the LSTM says "
                           "before it hears them: early, and late.");
        jd_chart *chart = jd_chart_new(ctx, &(jd_axis){.label = "target"}, &(jd_axis){.label = "LSTM"}, 380);
        const double ends[2] = {n->kind == META_QUADRATIC ? -3.5 : 0, n->kind == META_QUADRATIC ? 3.5 : 1};
        jd_chart_line(chart, "right", ends, ends, 2, JD_NEUTRAL | JD_NO_LABEL);
        jd_chart_points(chart, "examples 1-5", point[0][0], point[0][1], NULL, NULL, points[0], JD_HOLLOW);
        snprintf(later, sizeof later, "examples %d-%d", (int)c->first, L2L_TRAINED);
        jd_chart_points(chart, later, point[1][0], point[1][1], NULL, NULL, points[1], 0);
        jd_report_chart(jd_run_report(r), chart,
                        "Thirty functions: the first five examples of each, and those of the claim. On the line the "
                        "answer is right.");
    }
    jd_free(ctx, in);
}

/* ---- controls, training, claims ------------------------------------------------------------------------------------------------*/

static void report_controls(jd_run *r, const l2l_class *c)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const l2l_net *n = &c->net[0];
    double x[L2L_TRAINED];
    for (int t = 0; t < L2L_TRAINED; t++) x[t] = t + 1;
    jd_chart *chart =
        jd_chart_new(ctx, &(jd_axis){.label = "example"}, &(jd_axis){.label = "squared error", .scale = JD_LOG}, 260);
    jd_chart_line(chart, "LSTM", x, n->error[L2L_AS_IS], L2L_TRAINED, 0);
    jd_chart_line(chart, "targets mixed", x, n->error[L2L_SHUFFLED], L2L_TRAINED, 0);
    jd_chart_line(chart, "no memory", x, n->error[L2L_RESET], L2L_TRAINED, 0);
    jd_chart_line(chart, "mean so far", x, c->error[META_AVERAGE], L2L_TRAINED, JD_NEUTRAL);
    jd_chart_line(chart, "constant", x, c->error[META_CONSTANT], L2L_TRAINED, JD_NEUTRAL | JD_DASHED);
    jd_report_section(jd_run_report(r), "Controls");
    jd_report_chart(
        jd_run_report(r), chart,
        "The same LSTM on the same functions, with the targets of each episode in another order, so that they say "
        "nothing about their arguments; and with the state set to zero before each example. If what it knows of a "
        "function comes from pairs and is kept in its state, the error must be that of the mean again, or more.");
}

static void report_training(jd_run *r, const l2l_class *c, int classes)
{
    jd_chart *chart = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "training steps"},
                                   &(jd_axis){.label = "squared error", .scale = JD_LOG}, 260);
    char name[64];
    for (int k = 0; k < classes; k++)
        for (int s = 0; s < c[k].seeds; s++) {
            snprintf(name, sizeof name, "%s/error", c[k].net[s].name);
            seq_draw_curve(chart, r, name, meta_name[c[k].kind], 1, s ? JD_NO_LABEL : 0);
        }
    jd_report_section(jd_run_report(r), "Learning to learn");
    jd_report_chart(jd_run_report(r), chart,
                    "Errors on functions kept for this, in the examples that the claims are about, while the weights "
                    "are trained, a curve for each LSTM. The steps down: first the mean of a class is learned, then to "
                    "keep the mean of a function, then to learn it.");
}

static void report_class(jd_run *r, const l2l_class *c)
{
    draw_class(r, c);
    if (c->kind == META_SEMILINEAR || c->kind == META_QUADRATIC) compare_long(r, c);
    table_class(r, c);
}

void l2l_report(jd_run *r, l2l_class *c, int classes, const claims *judged)
{
    claims_table(judged, "The bounds are this program's, not the paper's, which prints curves.");
    const int shown = classes > META_QUADRATIC ? META_QUADRATIC : classes - 1;
    report_class(r, &c[shown]);
    if (c[shown].kind != META_BOOLEAN) report_beliefs(r, &c[shown].net[0]);
    report_answers(r, &c[shown]);
    for (int k = 0; k < classes; k++)
        if (k != shown) report_class(r, &c[k]);
    report_controls(r, &c[shown]);
    report_training(r, c, classes);
}
