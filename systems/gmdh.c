/*
 * gmdh.c - the group method of data handling, 1965: networks of polynomial units that choose their own depth.
 *
 * Four generated sets with known answers say whether the method works as it should: a quadratic must come back exactly, a
 * nested polynomial needs layers, Friedman's function has noise and useless inputs, and pure noise must be answered by a
 * constant.  Then the public tables, beside linear least squares and a multilayer perceptron with as many weights.
 */
#include "jackdaw/gmdh.h"
#include "gmdh_data.h"
#include "jackdaw/system.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 10, GATES = 6, TABLES = 8, CELL = 32 };

typedef struct spread {
    double sum, squares, high;
    int n;
} spread;

typedef struct gmdh_run {
    jd_run *r;
    jd_ctx *ctx;
    int met, gates;
    char missed[300];
    char cell[(TABLES + 8) * 7][CELL];
    const char *cells[(TABLES + 8) * 7];
    size_t used;
} gmdh_run;

static void add(spread *s, double x)
{
    s->sum += x;
    s->squares += x * x;
    s->high = s->n++ && s->high > x ? s->high : x;
}

static double mean_of(const spread *s)
{
    return s->n ? s->sum / s->n : (double)NAN;
}

static double sd_of(const spread *s)
{
    const double m = mean_of(s), v = s->n > 1 ? (s->squares - s->n * m * m) / (s->n - 1) : 0;
    return v > 0 ? sqrt(v) : 0;
}

static void gate(gmdh_run *w, const char *what, bool ok)
{
    w->gates++;
    w->met += ok;
    if (ok) return;
    const size_t at = strlen(w->missed);
    snprintf(w->missed + at, sizeof w->missed - at, "%s%s", at ? "; " : "not met: ", what);
    jd_run_note(w->r, "not met: %s", what);
}

static void put(gmdh_run *w, const char *fmt, ...) JD_PRINTF(2, 3);
static void put(gmdh_run *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(w->cell[w->used], CELL, fmt, args);
    va_end(args);
    w->cells[w->used] = w->cell[w->used];
    w->used++;
}

/* ---- generated sets --------------------------------------------------------------------------------------------------------*/

typedef struct outcome {
    spread error, linear, layers, units;
    int constant; /* seeds answered by the constant */
} outcome;

static int units_of(const jd_gmdh *net)
{
    int n = 0;
    for (int l = 0; l < jd_gmdh_layers(net); l++) n += jd_gmdh_units(net, l);
    return n;
}

/* NMSE of a network on rows it has not seen. */
static double test_error(const jd_gmdh *net, const gmdh_rows *test)
{
    double *y = jd_alloc_array(test->ctx, (size_t)test->n, sizeof *y), error = (double)NAN;
    if (y && !jd_gmdh_predict(net, test->x, test->n, y)) error = gmdh_nmse(test, y);
    jd_free(test->ctx, y);
    return error;
}

static jd_gmdh *grow_one(gmdh_run *w, gmdh_kind kind, uint64_t seed, int64_t n, const jd_gmdh_options *o, outcome *out)
{
    gmdh_rows train = {.ctx = w->ctx}, test = {.ctx = w->ctx};
    jd_gmdh *net = NULL;
    if (!gmdh_generate(w->ctx, kind, seed, "train", n, &train) &&
        !gmdh_generate(w->ctx, kind, seed, "test", 5000, &test))
        net = jd_gmdh_grow(w->ctx, train.x, train.y, train.n, train.inputs, o);
    if (net) {
        add(&out->error, test_error(net, &test));
        add(&out->linear, gmdh_linear(&train, &test));
        add(&out->layers, jd_gmdh_layers(net));
        add(&out->units, units_of(net));
        out->constant += jd_gmdh_layers(net) == 0;
    }
    gmdh_rows_free(&train);
    gmdh_rows_free(&test);
    return net;
}

static outcome grow_ten(gmdh_run *w, const char *name, gmdh_kind kind, int64_t n, jd_gmdh_options o)
{
    outcome out = {.constant = 0};
    for (int s = 0; s < SEEDS && !jd_error(w->ctx); s++)
        jd_gmdh_free(grow_one(w, kind, jd_run_seed(w->r) * SEEDS + (uint64_t)s, n, &o, &out));
    put(w, "%s", name);
    put(w, "%.4f (%.4f)", mean_of(&out.error), sd_of(&out.error));
    put(w, "%.4f", out.error.high);
    put(w, "%.3f", mean_of(&out.linear));
    put(w, "%.1f", mean_of(&out.layers));
    put(w, "%.0f", mean_of(&out.units));
    put(w, "%d", out.constant);
    jd_run_note(w->r, "%s: test NMSE %.4f +- %.4f, worst %.4f; linear %.3f; %.1f layers, %.0f units", name,
                mean_of(&out.error), sd_of(&out.error), out.error.high, mean_of(&out.linear), mean_of(&out.layers),
                mean_of(&out.units));
    return out;
}

/* One layer, one unit, and the six factors of the truth to 1e-6, in every seed. */
static bool quadratic_is_exact(gmdh_run *w)
{
    static const double truth[] = {1, 2, -1, .3, .5, -.7}; /* 1 x0 x2 x0^2 x0x2 x2^2 */
    bool exact = true;
    for (int s = 0; s < SEEDS && !jd_error(w->ctx); s++) {
        outcome ignored = {.constant = 0};
        jd_gmdh *net = grow_one(w, GMDH_QUADRATIC, jd_run_seed(w->r) * SEEDS + (uint64_t)s, 100,
                                &(jd_gmdh_options){.ridge = 1e-13}, &ignored);
        jd_gmdh_term term[8];
        size_t n = 0;
        exact = exact && net && units_of(net) == 1 && !jd_gmdh_expand(net, term, 8, &n) && n == 6;
        for (size_t i = 0; exact && i < n; i++) exact = fabs(term[i].factor - truth[i]) < 1e-6;
        jd_gmdh_free(net);
    }
    return exact;
}

static void generated_sets(gmdh_run *w)
{
    static const char *const headings[] = {"set",     "test NMSE, mean (sd)", "worst", "linear", "layers", "units",
                                           "constant"};
    const jd_gmdh_options plain = {.layers = 12}, admix = {.layers = 12, .admix = true};
    jd_run_stage(w->r, "sets with known answers");
    w->used = 0;
    grow_ten(w, "quadratic, 100 rows", GMDH_QUADRATIC, 100, (jd_gmdh_options){.ridge = 1e-13});
    grow_ten(w, "nested, 400 rows", GMDH_NESTED, 400, plain);
    const outcome nested = grow_ten(w, "nested, inputs admixed", GMDH_NESTED, 400, admix);
    grow_ten(w, "Friedman 1, 500 rows", GMDH_FRIEDMAN, 500, plain);
    const outcome friedman = grow_ten(w, "Friedman 1, inputs admixed", GMDH_FRIEDMAN, 500, admix);
    grow_ten(w, "Friedman 1, 2000 rows, admixed", GMDH_FRIEDMAN, 2000, admix);
    const outcome noise = grow_ten(w, "pure noise, 200 rows", GMDH_NOISE, 200, plain);
    jd_report_table(jd_run_report(w->r), headings, w->cells, w->used / 7, 7,
                    "Ten seeds a set; the error on 5000 rows that were not grown on, over the variance of the target. "
                    "\"constant\" counts the seeds in which the permutation test found nothing to learn. Friedman's "
                    "function has a noise floor near 0.04.");
    gate(w, "a quadratic comes back as one unit with its factors to 1e-6", quadratic_is_exact(w));
    gate(w, "nested polynomial, inputs admixed: NMSE at most 0.003", mean_of(&nested.error) <= .003);
    gate(w, "Friedman 1, 500 rows, admixed: mean NMSE at most 0.105", mean_of(&friedman.error) <= .105);
    gate(w, "Friedman 1: no seed above 0.13", friedman.error.high <= .13);
    gate(w, "pure noise: the constant in at least 9 of 10 seeds", noise.constant >= 9);
    jd_run_extra(w->r, "friedman_nmse", mean_of(&friedman.error));
    jd_run_extra(w->r, "friedman_worst", friedman.error.high);
    jd_run_extra(w->r, "nested_nmse", mean_of(&nested.error));
    jd_run_extra(w->r, "noise_constant", noise.constant);
}

/* ---- one network to look at --------------------------------------------------------------------------------------------------*/

static void show_history(gmdh_run *w, const jd_gmdh *net)
{
    const double *criterion;
    double layer[64];
    const int n = jd_gmdh_history(net, &criterion);
    for (int l = 0; l < n && l < 64; l++) layer[l] = l + 1;
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "layer", .min = 0, .max = n + 1},
                               &(jd_axis){.label = "criterion of the best unit", .scale = JD_LOG}, 220);
    jd_chart_line(c, "criterion", layer, criterion, (size_t)n, JD_MARKS | JD_NO_LABEL);
    jd_chart_vline(c, "kept", jd_gmdh_layers(net), JD_DASHED);
    jd_report_chart(jd_run_report(w->r), c,
                    "Friedman's function, one seed, eight layers allowed: squared error on the rows that were not "
                    "fitted, of each layer's best unit. Growth stops where it no longer falls.");
}

static void show_fit(gmdh_run *w, const jd_gmdh *net, const gmdh_rows *test)
{
    enum { SHOWN = 400 };
    double y[SHOWN];
    if (test->n < SHOWN || jd_gmdh_predict(net, test->x, SHOWN, y)) return;
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "target"}, &(jd_axis){.label = "network"}, 320);
    const double line[2] = {0, 28};
    jd_chart_line(c, "equal", line, line, 2, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_points(c, "rows", test->y, y, NULL, NULL, SHOWN, JD_NO_LABEL);
    jd_report_chart(jd_run_report(w->r), c, "The same network on 400 rows that it has not seen; the line is equality.");
}

/* What a stranger should be able to see: the units that survived, layer by layer, and that growing is repeatable. */
static void eight_layers(gmdh_run *w)
{
    jd_report *rep = jd_run_report(w->r);
    const jd_gmdh_options o = {.layers = 8, .admix = true};
    outcome first = {.constant = 0}, again = {.constant = 0};
    const uint64_t seed = jd_run_seed(w->r) * SEEDS;
    gmdh_rows test = {.ctx = w->ctx};
    jd_gmdh *net = grow_one(w, GMDH_FRIEDMAN, seed, 500, &o, &first);
    jd_gmdh *twin = grow_one(w, GMDH_FRIEDMAN, seed, 500, &o, &again);
    char *text = net ? jd_gmdh_text(net, NULL) : NULL, *other = twin ? jd_gmdh_text(twin, NULL) : NULL;
    gate(w, "the same rows grow the same network", text && other && !strcmp(text, other));
    if (text && !gmdh_generate(w->ctx, GMDH_FRIEDMAN, seed, "test", 1000, &test)) {
        jd_report_section(rep, "One network");
        show_history(w, net);
        show_fit(w, net, &test);
        jd_report_section(rep, "Its units");
        jd_report_text(rep, "Layer by layer; x0 to x9 are the standardised inputs, of which x5 to x9 say nothing.");
        char *line = text;
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
            char item[400];
            snprintf(item, sizeof item, "- `%.*s`", (int)(end - line), line);
            jd_report_text(rep, item);
        }
        jd_gmdh_save(net, jd_run_path(w->r, "model.safetensors"));
        char *source = jd_gmdh_source(net, "friedman");
        if (source) jd_write_file(w->ctx, jd_run_path(w->r, "friedman.c"), source, strlen(source));
        jd_free(w->ctx, source);
    }
    gmdh_rows_free(&test);
    jd_free(w->ctx, text);
    jd_free(w->ctx, other);
    jd_gmdh_free(net);
    jd_gmdh_free(twin);
}

/* ---- public tables ---------------------------------------------------------------------------------------------------------------*/

/* One random split: 60 % to fit, 20 % to rank, 20 % to test. */
static void one_split(gmdh_run *w, const jd_table *table, int split, spread *ours, spread *linear, spread *net_error,
                      spread *weights)
{
    const int64_t n = (int64_t)table->rows, test_n = n / 5;
    gmdh_rows train = {.ctx = w->ctx}, test = {.ctx = w->ctx};
    uint32_t *row = jd_alloc_array(w->ctx, table->rows, sizeof *row);
    jd_gmdh *net = NULL;
    if (row) {
        jd_epoch_order(jd_run_seed(w->r), (uint64_t)split, row, table->rows);
        gmdh_of_table(w->ctx, table, row, test_n, &test);
        gmdh_of_table(w->ctx, table, row + test_n, n - test_n, &train);
    }
    if (!jd_error(w->ctx))
        net = jd_gmdh_grow(w->ctx, train.x, train.y, train.n, train.inputs,
                           &(jd_gmdh_options){.admix = true, .fit_rows = 3});
    if (net) {
        const int64_t count = 6 * units_of(net);
        add(ours, test_error(net, &test));
        add(linear, gmdh_linear(&train, &test));
        add(net_error, gmdh_perceptron(&train, &test, count, (int64_t)jd_run_setting(w->r, "steps")));
        add(weights, (double)count);
    }
    jd_gmdh_free(net);
    gmdh_rows_free(&train);
    gmdh_rows_free(&test);
    jd_free(w->ctx, row);
}

static void public_tables(gmdh_run *w)
{
    static const char *const headings[] = {"table", "rows", "inputs", "GMDH", "linear", "perceptron", "weights"};
    const jd_dataset *set = jd_dataset_find(w->ctx, "uci_regression");
    char *dir = jd_dataset_folder(w->ctx, "uci_regression", jd_run_data(w->r, NULL)); /* or one with the same tables */
    if (!dir) {
        jd_run_note(w->r, "public tables left out: %s", jd_error_message(w->ctx));
        jd_error_clear(w->ctx);
        return;
    }
    const int splits = (int)jd_run_setting(w->r, "splits");
    w->used = 0;
    for (int t = 0; t < TABLES && !jd_error(w->ctx); t++) {
        jd_table table = {0};
        char name[40], *path;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(set->files[t].name, "."), set->files[t].name);
        if (jd_run_progress(w->r, t, TABLES, "%s", name)) break;
        path = jd_dataset_path(w->ctx, dir, set->files[t].name);
        spread ours = {0}, linear = {0}, net = {0}, weights = {0};
        if (path && !jd_read_csv(w->ctx, path, NULL, &table))
            for (int s = 0; s < splits && !jd_error(w->ctx); s++)
                one_split(w, &table, s, &ours, &linear, &net, &weights);
        put(w, "%s", name);
        put(w, "%zu", table.rows);
        put(w, "%zu", table.cols ? table.cols - 1 : 0);
        put(w, "%.3f (%.3f)", mean_of(&ours), sd_of(&ours));
        put(w, "%.3f (%.3f)", mean_of(&linear), sd_of(&linear));
        put(w, "%.3f (%.3f)", mean_of(&net), sd_of(&net));
        put(w, "%.0f", mean_of(&weights));
        jd_run_note(w->r, "%s: NMSE %.3f, linear %.3f, perceptron %.3f", name, mean_of(&ours), mean_of(&linear),
                    mean_of(&net));
        jd_table_free(w->ctx, &table);
        jd_free(w->ctx, path);
    }
    jd_report_section(jd_run_report(w->r), "Public tables");
    char caption[300];
    snprintf(caption, sizeof caption,
             "Test NMSE, mean (sd) of %d random splits: 60 %% of the rows to fit, 20 %% to rank, 20 %% untouched. The "
             "perceptron has two hidden layers of tanh units and as many weights as the grown network.",
             splits);
    jd_report_table(jd_run_report(w->r), headings, w->cells, w->used / 7, 7, caption);
    jd_free(w->ctx, dir);
}

static jd_status run(jd_run *r)
{
    gmdh_run w = {.r = r, .ctx = jd_run_ctx(r)};
    generated_sets(&w);
    eight_layers(&w);
    jd_run_stage(r, "public tables");
    public_tables(&w);
    jd_run_extra(r, "gates", w.gates);
    if (jd_error(w.ctx)) return jd_error(w.ctx);
    return jd_run_finish(r, w.met, w.missed[0] ? w.missed : NULL);
}

static const jd_setting settings[] = {{"splits", {2, 10, 10}, "random splits of each public table"},
                                      {"steps", {1000, 4000, 20000}, "training steps of the perceptron beside it"},
                                      {NULL}};

const jd_system jd_system_gmdh = {
    .name = "gmdh",
    .year = 1965,
    .title = "Group method of data handling: polynomial networks that grow their own layers",
    .paper = "Ivakhnenko, Lapa, Cybernetic Predicting Devices, 1965; Ivakhnenko, IEEE Trans. SMC-1(4), 1971",
    .metric = "checks of the method met",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the 1971 paper has networks of eight layers; no table of its errors is at hand, so none is compared",
    .accept = {GATES, GATES, GATES},
    .about = "Units compute quadratic polynomials of two inputs, solved by least squares on one part of the rows and "
             "ranked on another; the best of a layer feed the next until the ranking no longer improves. Look at the "
             "layers it chooses, at the units that survive, and at what it answers to pure noise.",
    .data = "uci_regression",
    .settings = settings,
    .run = run,
};
