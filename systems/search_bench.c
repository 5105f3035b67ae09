/*
 * search_bench.c - every method of search on test functions with known optima: how many evaluations each needs to come how
 * near, and whether the properties hold that theory promises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/search.h"
#include "jackdaw/system.h"
#include "search_functions.h"

enum { TARGETS = 51, RUNS = 100, CHECKS = 8 };

/* Targets fall from 100 to 1e-8 in fifths of a decade. */
static double target(int k)
{
    return pow(10, 2 - k * .2);
}

static int target_at(double exponent)
{
    return (int)lround((2 - exponent) * 5);
}

/* Evaluations to the first vector at or below each target, 0 where it was not reached; and in all. */
typedef struct trial {
    double reached[TARGETS], all;
} trial;

typedef struct bench {
    jd_run *r;
    jd_ctx *ctx;
    int dim, runs, met;
    int64_t budget;
    trial *trial; /* (methods, functions, runs) */
    char missed[400];
} bench;

static trial *trials(const bench *b, int method, int function)
{
    return b->trial + ((size_t)method * FUNCTIONS + (size_t)function) * (size_t)b->runs;
}

static const char *method_name(int m)
{
    static const char *const name[JD_SEARCH_METHODS] = {
        [JD_SEARCH_SNES] = "SNES",           [JD_SEARCH_XNES] = "xNES", [JD_SEARCH_CMAES] = "CMA-ES",
        [JD_SEARCH_COSYNE] = "CoSyNE",       [JD_SEARCH_ESP] = "ESP",   [JD_SEARCH_GA] = "genetic algorithm",
        [JD_SEARCH_RANDOM] = "random search"};
    return name[m];
}

/* ---- trials -----------------------------------------------------------------------------------------------------------*/

static jd_search *searcher(const bench *b, int method, uint64_t seed)
{
    const bool moves = method <= JD_SEARCH_CMAES;
    /* The optimum lies anywhere within -4..4.  Strategies start in the middle; populations, and random search, cover it. */
    return jd_search_new(b->ctx, &(jd_search_options){.method = (jd_search_method)method,
                                                      .dim = (size_t)b->dim,
                                                      .seed = seed,
                                                      .minimize = true,
                                                      .sigma = moves || method == JD_SEARCH_RANDOM ? 2 : 4,
                                                      .budget = b->budget,
                                                      .restart = moves,
                                                      .grow = 2});
}

static void try_once(const bench *b, int method, int function, uint64_t seed, bool root, trial *t)
{
    test_function f;
    double score[16384];
    function_new(&f, function, b->dim, seed);
    f.root = root;
    memset(t, 0, sizeof *t);
    jd_search *s = searcher(b, method, seed);
    int next = 0;
    size_t n;
    for (const double *x; next < TARGETS && (x = jd_search_ask(s, &n)) != NULL; jd_search_tell(s, score)) {
        if (n > sizeof score / sizeof *score) break; /* a population that doubled ten times: the budget is near */
        for (size_t i = 0; i < n; i++) {
            score[i] = function_value(&f, x + i * (size_t)b->dim);
            const double v = root ? score[i] * score[i] * score[i] * score[i] : score[i];
            t->all++;
            for (; next < TARGETS && v <= target(next); next++) t->reached[next] = t->all;
            if (next == TARGETS) break;
        }
    }
    jd_search_free(s);
}

/* What is done is kept with the run, function by function. */
static bool recall(const bench *b, jd_params *book, const char *name, trial *t)
{
    const jd_range *known = jd_params_find(book, name);
    const size_t columns = sizeof *t / sizeof(double);
    if (!known || known->type.rank != 2 || known->type.dim[0] != b->runs || known->type.dim[1] != (int64_t)columns)
        return false;
    memcpy(t, jd_params_get(book, name), (size_t)b->runs * sizeof *t);
    return true;
}

static bool measure(bench *b, jd_params *book)
{
    double saved = jd_now();
    for (int m = 0; m < JD_SEARCH_METHODS; m++) {
        jd_run_stage(b->r, "%s", method_name(m));
        for (int f = 0; f < FUNCTIONS && !jd_error(b->ctx); f++) {
            char name[80];
            trial *t = trials(b, m, f);
            snprintf(name, sizeof name, "trial/%s/%d", jd_search_method_name((jd_search_method)m), f);
            if (!recall(b, book, name, t)) {
                for (int i = 0; i < b->runs; i++)
                    try_once(b, m, f, jd_run_seed(b->r) * RUNS + (uint64_t)i, false, t + i);
                jd_params_set(book, name, &(jd_type){JD_F64, 2, {b->runs, sizeof *t / sizeof(double)}}, t);
            }
            const bool stop =
                jd_run_progress(b->r, m * FUNCTIONS + f + 1, JD_SEARCH_METHODS * FUNCTIONS, "%s", function_name(f));
            if (stop || jd_now() - saved > 20) {
                jd_run_save(b->r, book, 0, false);
                saved = jd_now();
            }
            if (stop) return false;
        }
    }
    return !jd_error(b->ctx);
}

/* Expected running time (Hansen et al. 2009): all evaluations spent, over the number of successes.  Infinite without. */
static double running_time(const bench *b, int method, int function, int k)
{
    double spent = 0;
    int successes = 0;
    for (int i = 0; i < b->runs; i++) {
        const trial *t = trials(b, method, function) + i;
        spent += t->reached[k] > 0 ? t->reached[k] : t->all;
        successes += t->reached[k] > 0;
    }
    return successes ? spent / successes : (double)INFINITY;
}

static int successes(const bench *b, int method, int function)
{
    int n = 0;
    for (int i = 0; i < b->runs; i++) n += trials(b, method, function)[i].reached[TARGETS - 1] > 0;
    return n;
}

/* ---- what theory promises ---------------------------------------------------------------------------------------------*/

static void check(bench *b, const char *what, bool holds)
{
    b->met += holds;
    jd_run_note(b->r, "%s: %s", holds ? "holds" : "does not hold", what);
    if (holds) return;
    const size_t at = strlen(b->missed);
    snprintf(b->missed + at, sizeof b->missed - at, "%s%s", at ? "; " : "does not hold: ", what);
}

static bool near_ratio(double a, double b, double most)
{
    return isfinite(a) && isfinite(b) && a <= most * b && b <= most * a;
}

/* The order of vectors is all that these methods see: the fourth root of the function gives the same course. */
static bool order_is_all(const bench *b, int method)
{
    for (int i = 0; i < 2; i++) {
        trial plain, root;
        const uint64_t seed = jd_run_seed(b->r) * RUNS + (uint64_t)i;
        try_once(b, method, F_ROSENBROCK, seed, false, &plain);
        try_once(b, method, F_ROSENBROCK, seed, true, &root);
        for (int k = 0; k < TARGETS; k++) /* v^(1/4)^4 rounds: a target may be passed one vector later */
            if (fabs(plain.reached[k] - root.reached[k]) > .001 * plain.all) return false;
        if (plain.all != root.all && !(plain.reached[TARGETS - 1] > 0)) return false;
    }
    return true;
}

static void checks(bench *b)
{
    const int last = TARGETS - 1, two = target_at(0), low = target_at(-4);
    const double snes = running_time(b, JD_SEARCH_SNES, F_ELLIPSOID, last);
    check(b, "CMA-ES needs as long for the turned ellipsoid as for the straight one (factor 1.25)",
          near_ratio(running_time(b, JD_SEARCH_CMAES, F_ELLIPSOID, last),
                     running_time(b, JD_SEARCH_CMAES, F_ELLIPSOID_ROTATED, last), 1.25));
    check(b, "xNES needs as long for the turned ellipsoid as for the straight one (factor 1.25)",
          near_ratio(running_time(b, JD_SEARCH_XNES, F_ELLIPSOID, last),
                     running_time(b, JD_SEARCH_XNES, F_ELLIPSOID_ROTATED, last), 1.25));
    check(b, "SNES, which adapts each dimension alone, needs over three times as long for the turned ellipsoid",
          isfinite(snes) && running_time(b, JD_SEARCH_SNES, F_ELLIPSOID_ROTATED, last) > 3 * snes);
    const double t0 = running_time(b, JD_SEARCH_CMAES, F_SPHERE, two),
                 t1 = running_time(b, JD_SEARCH_CMAES, F_SPHERE, low),
                 t2 = running_time(b, JD_SEARCH_CMAES, F_SPHERE, last);
    check(b, "CMA-ES nears the sphere's centre at one rate: 1 to 1e-4 takes as long as 1e-4 to 1e-8 (factor 1.15)",
          near_ratio(t1 - t0, t2 - t1, 1.15));
    bool all = true;
    for (int f = 0; f < F_RASTRIGIN; f++) all = all && successes(b, JD_SEARCH_CMAES, f) >= (9 * b->runs + 9) / 10;
    check(b, "CMA-ES reaches 1e-8 on every function without local grids in nine of ten runs", all);
    int level = -1; /* the last target of the sphere that random search reaches in all runs */
    for (int k = 0; k < TARGETS; k++) {
        int reached = 0;
        for (int i = 0; i < b->runs; i++) reached += trials(b, JD_SEARCH_RANDOM, F_SPHERE)[i].reached[k] > 0;
        if (reached == b->runs) level = k;
    }
    double least = level < 0 ? 0 : (double)INFINITY;
    int slowest = JD_SEARCH_RANDOM;
    for (int m = 0; m < JD_SEARCH_RANDOM && level >= 0; m++) {
        const double factor = running_time(b, JD_SEARCH_RANDOM, F_SPHERE, level) / running_time(b, m, F_SPHERE, level);
        if (factor < least) least = factor, slowest = m;
    }
    char what[160];
    snprintf(
        what, sizeof what,
        "every method is three times as quick as random search at the best that it reaches on the sphere (%s %.1f)",
        method_name(slowest), least);
    check(b, what, least > 3);
    check(b, "CMA-ES, SNES and xNES see only the order of vectors",
          order_is_all(b, JD_SEARCH_CMAES) && order_is_all(b, JD_SEARCH_SNES) && order_is_all(b, JD_SEARCH_XNES));
    check(b, "CoSyNE and the genetic algorithm see only the order of vectors",
          order_is_all(b, JD_SEARCH_COSYNE) && order_is_all(b, JD_SEARCH_GA));
}

/* ---- the report -------------------------------------------------------------------------------------------------------*/

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The share of all pairs of function and target that have been reached, against evaluations over dimension. */
static void draw_shares(bench *b)
{
    const size_t pairs = (size_t)FUNCTIONS * TARGETS * (size_t)b->runs;
    double *x = jd_alloc_array(b->ctx, 2 * pairs, sizeof *x), *y = x + pairs;
    jd_chart *c = jd_chart_new(
        b->ctx,
        &(jd_axis){.label = "evaluations / dimension", .scale = JD_LOG, .min = 1, .max = (double)b->budget / b->dim},
        &(jd_axis){.label = "functions and targets reached (%)", .min = 0, .max = 100}, 380);
    for (int m = 0; x && m < JD_SEARCH_METHODS; m++) {
        size_t n = 0;
        for (int f = 0; f < FUNCTIONS; f++)
            for (int i = 0; i < b->runs; i++)
                for (int k = 0; k < TARGETS; k++) {
                    const double at = trials(b, m, f)[i].reached[k];
                    if (at > 0) x[n++] = fmax(1, at / b->dim);
                }
        qsort(x, n, sizeof *x, by_value);
        for (size_t i = 0; i < n; i++) y[i] = 100. * (double)(i + 1) / (double)pairs;
        if (n) jd_chart_line(c, method_name(m), x, y, n, JD_STEPS);
        char name[60];
        snprintf(name, sizeof name, "reached %s", jd_search_method_name((jd_search_method)m));
        jd_run_extra(b->r, name, n ? y[n - 1] : 0);
    }
    jd_report_chart(
        jd_run_report(b->r), c,
        "Over all functions, runs and 51 targets from 100 to 1e-8 above the optimum: the share reached within "
        "so many evaluations. Higher and further left is better; a curve ends where its last target fell.");
    jd_free(b->ctx, x);
}

static void draw_function(bench *b, int f)
{
    double x[TARGETS], y[TARGETS];
    char caption[200];
    jd_chart *c = jd_chart_new(
        b->ctx, &(jd_axis){.label = "decades below 100", .min = 0, .max = 10},
        &(jd_axis){.label = "expected evaluations", .scale = JD_LOG, .min = 10, .max = 10 * (double)b->budget}, 240);
    for (int m = 0; m < JD_SEARCH_METHODS; m++) {
        int n = 0;
        for (int k = 0; k < TARGETS; k++) {
            const double t = running_time(b, m, f, k);
            if (!isfinite(t)) break;
            x[n] = .2 * k;
            y[n++] = t;
        }
        if (n) jd_chart_line(c, method_name(m), x, y, (size_t)n, 0);
    }
    snprintf(caption, sizeof caption, "%c%s in %d dimensions: expected evaluations to each target; 10 is 1e-8.",
             function_name(f)[0] >= 'a' ? function_name(f)[0] - 32 : function_name(f)[0], function_name(f) + 1, b->dim);
    jd_report_chart(jd_run_report(b->r), c, caption);
}

static void draw_table(bench *b)
{
    enum { COLUMNS = JD_SEARCH_METHODS + 1, CELL = 32 };
    static const char *headings[COLUMNS] = {"function"};
    char text[FUNCTIONS * COLUMNS][CELL];
    const char *cells[FUNCTIONS * COLUMNS];
    for (int m = 0; m < JD_SEARCH_METHODS; m++) headings[m + 1] = method_name(m);
    for (int f = 0; f < FUNCTIONS; f++) {
        snprintf(text[f * COLUMNS], CELL, "%s", function_name(f));
        for (int m = 0; m < JD_SEARCH_METHODS; m++) {
            const double t = running_time(b, m, f, TARGETS - 1);
            char *cell = text[f * COLUMNS + m + 1];
            if (isfinite(t))
                snprintf(cell, CELL, "%.0f (%d)", t, successes(b, m, f));
            else
                snprintf(cell, CELL, "%s", "-");
        }
    }
    for (int i = 0; i < FUNCTIONS * COLUMNS; i++) cells[i] = text[i];
    char caption[200];
    snprintf(
        caption, sizeof caption,
        "Expected evaluations to 1e-8 above the optimum in %d dimensions; in brackets how many of %d runs reached it "
        "within %lld evaluations.",
        b->dim, b->runs, (long long)b->budget);
    jd_report_table(jd_run_report(b->r), headings, cells, FUNCTIONS, COLUMNS, caption);
}

static jd_status run(jd_run *r)
{
    bench b = {
        .r = r, .ctx = jd_run_ctx(r), .dim = (int)jd_run_setting(r, "dim"), .runs = (int)jd_run_setting(r, "runs")};
    b.budget = (int64_t)(jd_run_setting(r, "budget") * b.dim);
    if (b.dim < 2 || b.dim > FUNCTION_DIM || b.runs < 1 || b.runs > RUNS || b.budget < 1000)
        return jd_fail(b.ctx, JD_EUSAGE,
                       "search-bench: %d dimensions, %d runs, a budget of %lld; give 2 to %d, 1 to %d, and "
                       "at least 1000",
                       b.dim, b.runs, (long long)b.budget, FUNCTION_DIM, RUNS);
    b.trial = jd_alloc_array(b.ctx, (size_t)JD_SEARCH_METHODS * FUNCTIONS * (size_t)b.runs, sizeof *b.trial);
    jd_params *book = jd_params_new(b.ctx, JD_F64);
    jd_run_load(r, book);
    const bool whole = b.trial && measure(&b, book);
    if (whole) {
        jd_report_section(jd_run_report(r), "All functions together");
        draw_shares(&b);
        draw_table(&b);
        jd_report_section(jd_run_report(r), "Function by function");
        for (int f = 0; f < FUNCTIONS; f++) draw_function(&b, f);
        checks(&b);
    }
    jd_params_free(book);
    jd_free(b.ctx, b.trial);
    if (jd_error(b.ctx)) return jd_error(b.ctx);
    if (!whole) return jd_run_stopped(r);
    return jd_run_finish(r, b.met, b.missed[0] ? b.missed : NULL);
}

static const jd_setting settings[] = {{"dim", {5, 10, 20}, "dimensions of the functions"},
                                      {"runs", {5, 15, 15}, "runs of each method on each function"},
                                      {"budget", {4000, 10000, 100000}, "evaluations for each dimension"},
                                      {NULL}};

const jd_system jd_system_search_bench = {
    .name = "search-bench",
    .year = 2014,
    .title = "Every method of black-box search on functions with known optima",
    .paper = "Wierstra et al., JMLR 15:949-980, 2014; functions after Hansen, Finck, Ros, Auger, INRIA RR-6829, 2009",
    .metric = "properties of the methods that hold",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the papers' curves are not at hand; what theory promises is checked instead",
    .accept = {CHECKS, CHECKS, CHECKS},
    .about =
        "Functions that are easy to write down and differ in what makes them hard: ill-conditioned, turned against the "
        "axes, bent, full of local optima. Each method sees the values only. Look at which curves do not care whether "
        "a function is turned, and at what restarts do for Rastrigin's grid.",
    .settings = settings,
    .run = run,
};
