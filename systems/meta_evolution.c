/*
 * meta_evolution.c - "meta-evolution": genetic programming whose operators are programs, evolved by operators that are programs
 * (J. Schmidhuber, Evolutionary principles in self-referential learning, diploma thesis, TU Muenchen, 1987).
 */
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "meta_evolution.h"

enum { SEED_STRIDE = 1000, TEXT = 200 };
static const char *const arm_label[ME_ARMS] = {"fixed operators", "evolved operators", "frozen operators",
                                               "random operators"};

typedef struct work {
    me_task task[ME_ALL];
    int runs;
    double best[ME_ALL][ME_ARMS][ME_RUNS], curve[ME_ALL][ME_ARMS][ME_RUNS * ME_POINTS];
    me_outcome first[ME_ALL]; /* of the first run with evolved operators, frozen ones on problems held out */
    me_operator evolved[ME_RUNS][ME_OPERATORS]; /* run i: those evolved on problem i mod ME_TASKS */
} work;

static double median(const double *v, int n)
{
    double w[ME_RUNS];
    memcpy(w, v, (size_t)n * sizeof *w);
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && w[k - 1] > w[k]; k--) {
            const double x = w[k];
            w[k] = w[k - 1], w[k - 1] = x;
        }
    return (w[(n - 1) / 2] + w[n / 2]) / 2;
}

static bool all_runs(jd_run *r, work *w, int budget)
{
    static const me_arm arms[2][3] = {{ME_FIXED, ME_UNEVOLVED, ME_EVOLVED}, {ME_FIXED, ME_FROZEN, ME_FROZEN}};
    jd_ctx *ctx = jd_run_ctx(r);
    me_outcome *o = jd_alloc_array(ctx, 1, sizeof *o);
    bool whole = o;
    for (int t = 0; t < ME_ALL && whole; t++) {
        const bool held_out = t >= ME_TASKS;
        for (int i = 0; i < w->runs && whole; i++) {
            for (int k = 0; k < 3 - held_out && !jd_error(ctx); k++) {
                const me_arm arm = arms[held_out][k];
                me_evolve(ctx, &w->task[t], arm, arm == ME_FROZEN ? w->evolved[i] : NULL, budget,
                          SEED_STRIDE * jd_run_seed(r) + 1, (uint64_t)(t * ME_RUNS + i), o);
                w->best[t][arm][i] = o->best;
                memcpy(w->curve[t][arm] + i * ME_POINTS, o->curve, sizeof o->curve);
                if (arm == ME_EVOLVED && i % ME_TASKS == t) memcpy(w->evolved[i], o->op, sizeof o->op);
                if ((arm == ME_EVOLVED || arm == ME_FROZEN) && !i) w->first[t] = *o;
            }
            whole = !jd_error(ctx) &&
                    !jd_run_progress(r, t * w->runs + i + 1, ME_ALL * w->runs, "%s: %.3f", w->task[t].label, o->best);
        }
    }
    jd_free(ctx, o);
    return whole;
}

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static void judge(claims *c, const work *w)
{
    int better = 0, worse = 0, above = 0, bred = 0;
    for (int t = 0; t < ME_TASKS; t++) {
        const double fixed = median(w->best[t][ME_FIXED], w->runs), own = median(w->best[t][ME_EVOLVED], w->runs);
        const bool sure = me_mann_whitney(w->best[t][ME_FIXED], w->best[t][ME_EVOLVED], w->runs) < .05;
        better += sure && own > fixed;
        worse += sure && own < fixed;
        bred += own > median(w->best[t][ME_UNEVOLVED], w->runs);
    }
    for (int t = ME_TASKS; t < ME_ALL; t++)
        above += median(w->best[t][ME_FROZEN], w->runs) > median(w->best[t][ME_FIXED], w->runs);
    claim(c, better >= 4, "operators that evolve from random ones beat fixed ones (p < 0.05) on 4 of 6 problems",
          "better on %d, worse on %d of %d", better, worse, ME_TASKS);
    claim(c, above >= 2, "operators evolved on those and frozen beat fixed ones on 2 of 3 others",
          "higher median on %d of %d", above, ME_HELD_OUT);
    claim(c, bred >= 4, "operators that are bred beat random ones that only compete, on 4 of 6",
          "higher median on %d of %d", bred, ME_TASKS);
    jd_run_extra(c->r, "better", better);
    jd_run_extra(c->r, "worse", worse);
    jd_run_extra(c->r, "frozen_above", above);
}

/* ---- figures -------------------------------------------------------------------------------------------------------------------*/

static void curves(jd_run *r, const work *w, int budget)
{
    static const me_arm shown[3] = {ME_FIXED, ME_EVOLVED, ME_UNEVOLVED};
    double x[ME_POINTS];
    jd_chart *c = NULL;
    for (int p = 0; p < ME_POINTS; p++) x[p] = (double)budget * p / (ME_POINTS - 1);
    jd_report_section(jd_run_report(r), "Evolution");
    for (int t = 0; t < ME_TASKS; t++) {
        const jd_axis y = {.label = w->task[t].label};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "births"}, &y, 120);
        else
            jd_chart_panel(c, &y, 120);
        for (int k = 0; k < 3; k++) {
            double mid[ME_POINTS], v[ME_RUNS];
            for (int p = 0; p < ME_POINTS; p++) {
                for (int i = 0; i < w->runs; i++) v[i] = w->curve[t][shown[k]][i * ME_POINTS + p];
                mid[p] = median(v, w->runs);
            }
            jd_chart_line(c, arm_label[shown[k]], x, mid, ME_POINTS, 0);
        }
    }
    jd_report_chart(
        jd_run_report(r), c,
        "Fitness 1 / (1 + sum of errors) of the best program so far, median of the runs; 1 is a perfect one. Fixed: "
        "Koza's subtree crossover (90 %) and mutation (10 %). Evolved: 40 operators that begin as random programs, are "
        "chosen by what their children gain, and are bred by 20 others. Random: the same without breeding.");
}

static void table(jd_run *r, const work *w)
{
    enum { COLUMNS = 5 };
    char cell[ME_ALL][COLUMNS][48];
    const char *cells[ME_ALL * COLUMNS];
    for (int t = 0; t < ME_ALL; t++) {
        const me_arm own = t < ME_TASKS ? ME_EVOLVED : ME_FROZEN;
        snprintf(cell[t][0], 48, "%s", w->task[t].label);
        snprintf(cell[t][1], 48, "%.3f", median(w->best[t][ME_FIXED], w->runs));
        snprintf(cell[t][2], 48, "%.3f%s", median(w->best[t][own], w->runs), t < ME_TASKS ? "" : " (frozen)");
        snprintf(cell[t][3], 48, t < ME_TASKS ? "%.3f" : "-", median(w->best[t][ME_UNEVOLVED], w->runs));
        snprintf(cell[t][4], 48, "%.4f", me_mann_whitney(w->best[t][ME_FIXED], w->best[t][own], w->runs));
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * t + k] = cell[t][k];
    }
    jd_report_table(
        jd_run_report(r), (const char *const[]){"problem", "fixed", "evolved", "random", "p"}, cells, ME_ALL, COLUMNS,
        "Fitness of the best program at the end, median of the runs. On the last three problems operators that were "
        "evolved on the others are used as they are. p: Mann-Whitney, fixed against evolved or frozen.");
}

static void programs(jd_run *r, const work *w)
{
    enum { EACH = 2, COLUMNS = 3, ROWS = ME_TASKS * (EACH + 1) };
    char(*cell)[COLUMNS][TEXT] = jd_alloc_array(jd_run_ctx(r), ROWS, sizeof *cell);
    const char *cells[ROWS * COLUMNS];
    int row = 0;
    for (int t = 0; cell && t < ME_TASKS; t++)
        for (int k = 0; k <= EACH; k++, row++) {
            const me_outcome *o = &w->first[t];
            snprintf(cell[row][0], TEXT, "%s", k ? "" : w->task[t].label);
            if (k) {
                snprintf(cell[row][1], TEXT, "operator, %d uses", o->op[k - 1].uses);
                me_text(&ME_EDIT, &o->op[k - 1].tree, cell[row][2], TEXT);
            } else {
                snprintf(cell[row][1], TEXT, "program, %.3f", o->best);
                me_text(w->task[t].alphabet, &o->program, cell[row][2], TEXT);
            }
            for (int i = 0; i < COLUMNS; i++) cells[COLUMNS * row + i] = cell[row][i];
        }
    if (cell)
        jd_report_table(jd_run_report(r), (const char *const[]){"problem", "", "as it evolved"}, cells, (size_t)row,
                        COLUMNS,
                        "The first run on each problem: its best program, and the operators that gained most in the "
                        "end. A and B are the parents, each with a cursor that begins anywhere; the child is what has "
                        "become of A.");
    jd_free(jd_run_ctx(r), cell);
}

/* ---- the run ----------------------------------------------------------------------------------------------------------------------*/

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int runs = (int)jd_run_setting(r, "runs"), budget = (int)jd_run_setting(r, "births");
    if (!(runs >= 1 && runs <= ME_RUNS && budget >= 2 * ME_PROGRAMS))
        return jd_fail(ctx, JD_EUSAGE, "meta-evolution: runs is 1 to %d, births at least %d", ME_RUNS, 2 * ME_PROGRAMS);
    work *w = jd_alloc_array(ctx, 1, sizeof *w);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    bool whole = w && c;
    if (whole) {
        w->runs = runs;
        c->r = r;
        for (int t = 0; t < ME_ALL; t++) me_task_new(&w->task[t], t, SEED_STRIDE * jd_run_seed(r));
        jd_run_stage(r, "evolution");
        whole = all_runs(r, w, budget);
    }
    if (whole) {
        judge(c, w);
        claims_table(c, "The thesis prints no figures; the bounds are this program's.");
        curves(r, w, budget);
        table(r, w);
        jd_report_section(jd_run_report(r), "What evolved");
        programs(r, w);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    jd_free(ctx, w);
    jd_free(ctx, c);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? JD_OK : jd_run_stopped(r);
}

static const jd_setting settings[] = {{"runs", {6, 30, 100}, "of each kind on each problem"},
                                      {"births", {15000, 100000, 100000}, "of programs in a run"},
                                      {NULL}};

const jd_system jd_system_meta_evolution = {
    .name = "meta-evolution",
    .year = 1987,
    .title = "Genetic programming whose operators are programs that evolve, and the operators of those as well",
    .paper = "Schmidhuber, diploma thesis, TU Munich, 1987",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "the thesis prints no figures; problems from later work (Koza 1992, Keijzer 2003)",
    .accept = {(double)NAN, 3, 3},
    .about = "Programs are formulas that are to fit points. What makes new ones of old ones, elsewhere written by "
             "hand, is here a program as well: it moves through two parents, copies, cuts and pastes. Such operators "
             "begin as random programs; they are chosen by how much better than their parents their children are, and "
             "other programs in the same language make new ones of them, chosen by how much better those are; and "
             "these edit each other. The table at the end shows operators as they evolved.",
    .data = "",
    .settings = settings,
    .run = run,
};
