/*
 * powerplay.c - "powerplay": a solver that goes on inventing the simplest task that it cannot solve yet, and learns to solve it.
 *
 * J. Schmidhuber, PowerPlay, arXiv 1112.5309 (2011), Frontiers in Psychology 4:313, 2013; R. K. Srivastava, B. R. Steunebrink,
 * J. Schmidhuber, First experiments with PowerPlay, Neural Networks 41:130-136, 2013.
 */
#include "powerplay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "jackdaw/csvlog.h"

enum { LATE = 30, MANY = 3 };
static const char *const family_name[PP_FAMILIES] = {"states", "pictures"};

int pp_users_of(const pp_player *p, int unit, int k)
{
    return p->net.w[unit][k] ? p->users[unit] : 0;
}

static double median(const double *v, int n)
{
    double s[PP_SEEDS];
    memcpy(s, v, (size_t)n * sizeof *v);
    for (int i = 1; i < n; i++)
        for (int j = i; j && s[j] < s[j - 1]; j--) {
            const double t = s[j];
            s[j] = s[j - 1];
            s[j - 1] = t;
        }
    return n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

/* ---- a line of the log for each acceptance -----------------------------------------------------------------------------------*/

static const char *const column[] = {"number", "task",  "phase", "pairs_tried", "spent",           "tests_run",
                                     "saved",  "steps", "cost",  "total_cost",  "weights_changed", "units_used"};
enum { COLUMNS = sizeof column / sizeof *column };

static void write_event(jd_csv_log *log, const pp_player *p)
{
    const pp_event *e = &p->event[p->events - 1];
    const pp_task *t = &p->task[e->task];
    const double number[COLUMNS - 2] = {
        p->events,    e->shorter ? -1 : t->code, e->phase,        (double)e->candidates, e->spent, e->tests, e->saved,
        t->run.steps, (double)t->run.cost,       (double)e->total};
    char cell[COLUMNS][32], changes[PP_CHANGES * 40] = "", used[PP_UNITS * 4] = "";
    const char *cells[COLUMNS];
    for (int i = 0; i < COLUMNS - 2; i++) {
        snprintf(cell[i], sizeof cell[i], "%.0f", number[i]);
        cells[i] = cell[i];
    }
    for (int i = 0; i < e->change.n; i++) {
        const int unit = e->change.connection[i] / PP_OUT, k = e->change.connection[i] % PP_OUT;
        const size_t at = strlen(changes);
        snprintf(changes + at, sizeof changes - at, "%s%d-%d:%.3f->%.3f", i ? " " : "", unit, p->net.to[unit][k],
                 (double)e->change.from[i] / PP_ONE, (double)e->change.to[i] / PP_ONE);
    }
    for (int i = 0; i < p->net.units; i++)
        if (pp_has(t->run.used, i))
            snprintf(used + strlen(used), sizeof used - strlen(used), "%s%d", *used ? " " : "", i);
    cells[COLUMNS - 2] = changes;
    cells[COLUMNS - 1] = used;
    jd_csv_log_append_text(log, cells);
}

/* ---- one seed ----------------------------------------------------------------------------------------------------------------*/

static void summarize(pp_result *x, int s)
{
    const pp_player *p = &x->player[s];
    int late = 0, once = 0, often = 0;
    for (int i = 0; i < x->events[s]; i++) {
        const pp_event *e = &p->event[i];
        x->changed[s] += (double)e->change.n / x->events[s];
        if (e->task < LATE) continue;
        late++;
        x->retested[s] += (double)e->tests / (e->tests + e->saved);
    }
    x->retested[s] = late ? x->retested[s] / late : (double)NAN;
    for (int unit = 0; unit + 1 < p->net.units; unit++)
        for (int k = 0; k < PP_OUT; k++) {
            once += pp_users_of(p, unit, k) > 0;
            often += pp_users_of(p, unit, k) >= MANY;
        }
    x->reused[s] = once ? (double)often / once : 0;
    x->solved[s] = 1 - (double)p->open / (p->family == PP_PICTURES ? p->pictures : PP_CODES);
}

static void audit(pp_result *x, const pp_player *p)
{
    x->audits++;
    x->faults += !pp_audit(p);
}

static bool play(powerplay *a, pp_family family, int s)
{
    enum { PIECES = 20, PIECE = 20000000 };
    pp_result *x = &a->result[family];
    pp_player *p = &x->player[s];
    jd_ctx *ctx = jd_run_ctx(a->r);
    const bool pictures = family == PP_PICTURES;
    const int wanted = (int)jd_run_setting(a->r, pictures ? "pictures" : "tasks");
    const double budget = 1e6 * jd_run_setting(a->r, pictures ? "picture_budget" : "budget"),
                 start = jd_run_seconds(a->r);
    char name[64];
    snprintf(name, sizeof name, "tasks-%s-%d.csv", family_name[family], s + 1);
    jd_csv_log *log = jd_csv_log_open(ctx, jd_run_path(a->r, name), column, COLUMNS, -1);
    *p = (pp_player){.family = family};
    p->picture = a->pictures.pixels;
    p->label = a->pictures.labels;
    p->pictures = pictures ? (int)a->pictures.count : 0;
    pp_start(p, jd_run_seed(a->r) * 1000 + 1 + (uint64_t)s);
    while (!jd_error(ctx) && p->tasks < wanted && p->spent < budget && p->open) {
        if (pp_invent(p, fmin(budget, p->spent + PIECE))) {
            audit(x, p);
            write_event(log, p);
        }
        if (jd_run_progress(a->r, p->tasks, wanted, "%s, seed %d: %.2g looked at", family_name[family], s + 1,
                            p->spent))
            break;
    }
    x->events[s] = p->events;
    x->net[s] = p->net;
    x->seconds[s] = jd_run_seconds(a->r) - start;
    summarize(x, s);
    x->before[s] = p->total;
    p->shorter = true;
    const double more = 1e6 * jd_run_setting(a->r, "shorten_budget");
    for (int i = 0; i < PIECES && more > 0 && !jd_error(ctx); i++) {
        pp_invent(p, p->spent + more / PIECES);
        audit(x, p);
        if (jd_run_progress(a->r, i, PIECES, "%s, seed %d: the same with less", family_name[family], s + 1)) break;
    }
    x->after[s] = p->total;
    jd_csv_log_close(log);
    return !jd_error(ctx) && !jd_run_progress(a->r, 1, 1, "%s", family_name[family]);
}

static bool play_family(powerplay *a, pp_family family)
{
    pp_result *x = &a->result[family];
    const int seeds = (int)jd_run_setting(a->r, "seeds");
    x->player = jd_alloc_array(jd_run_ctx(a->r), (size_t)seeds, sizeof *x->player);
    if (!x->player) return false;
    jd_run_stage(a->r, "%s", family_name[family]);
    for (; x->seeds < seeds; x->seeds++)
        if (!play(a, family, x->seeds)) return false;
    return true;
}

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static int reached(const pp_result *x, int tasks)
{
    int n = 0;
    for (int s = 0; s < x->seeds; s++) n += x->player[s].tasks >= tasks;
    return n;
}

static int fewest(const pp_result *x)
{
    int n = PP_MOST;
    for (int s = 0; s < x->seeds; s++) n = x->player[s].tasks < n ? x->player[s].tasks : n;
    return n;
}

static void saved_by(const pp_result *x, double *v)
{
    for (int s = 0; s < x->seeds; s++) v[s] = x->before[s] ? 1 - (double)x->after[s] / (double)x->before[s] : 0;
}

/* The same figure of the other family, where there is one. */
static const char *of_pictures(char text[48], const pp_result *x, const double *share)
{
    text[0] = 0;
    if (x->seeds) snprintf(text, 48, "; pictures %.1f %%", 100 * median(share, x->seeds));
    return text;
}

static void judge(claims *c, const powerplay *a)
{
    const pp_result *st = &a->result[PP_STATES], *pi = &a->result[PP_PICTURES];
    const int n = st->seeds, wanted = (int)jd_run_setting(a->r, "tasks");
    double less[PP_SEEDS], less_pictures[PP_SEEDS];
    saved_by(st, less);
    saved_by(pi, less_pictures);
    claim(c, st->faults + pi->faults == 0, "after every acceptance all tasks pass from scratch", "%d of %d audits",
          st->audits + pi->audits - st->faults - pi->faults, st->audits + pi->audits);
    claim(c, median(st->retested, n) < .6, "states: under 60 % of the old tasks run again, after task 30", "%.1f %%",
          100 * median(st->retested, n));
    char what[CLAIMS_TEXT], text[48];
    snprintf(what, sizeof what, "states: %d tasks in every seed", wanted);
    claim(c, reached(st, wanted) == n, what, "%d of %d seeds; fewest %d", reached(st, wanted), n, fewest(st));
    if (pi->seeds)
        claim(c, fewest(pi) >= 20 && median(pi->changed, n) <= 10,
              "pictures: 20 tasks, at most 10 weights changed for each", "fewest %d; %.2f weights", fewest(pi),
              median(pi->changed, n));
    claim(c, median(st->reused, n) > .3 && (!pi->seeds || median(pi->reused, n) > .3),
          "over 30 % of the used connections are used by 3 tasks or more", "%.1f %%%s", 100 * median(st->reused, n),
          of_pictures(text, pi, pi->reused));
    claim(c, median(less, n) >= .1, "states: the search for less brings the cost of all tasks down by 10 %",
          "%.1f %%%s", 100 * median(less, n), of_pictures(text, pi, less_pictures));
}

/* ---- the system --------------------------------------------------------------------------------------------------------------*/

/* The first pictures of the set in an order of the seed; without the set there are none. */
static void load_pictures(powerplay *a)
{
    jd_ctx *ctx = jd_run_ctx(a->r);
    const char *name = jd_run_data(a->r, "mnist");
    const size_t size = PP_SIDE * PP_SIDE;
    jd_images all = {0};
    if (jd_load_images(ctx, name, JD_TRAIN, &all) == JD_ENOINPUT) {
        jd_run_note(a->r, "%s is not here: the family of pictures is left out", name);
        jd_error_clear(ctx);
        return;
    }
    if (jd_error(ctx)) return;
    if (all.height != PP_SIDE || all.width != PP_SIDE || all.channels != 1 || !all.labels || all.classes > 10) {
        jd_fail(ctx, JD_EUSAGE, "powerplay: %s does not hold grey pictures of 28 x 28 in up to ten classes", name);
        jd_images_free(ctx, &all);
        return;
    }
    const size_t n = all.count < PP_PICTURES_MOST ? all.count : PP_PICTURES_MOST;
    a->pictures.pixels = jd_alloc_array(ctx, n, size);
    a->pictures.labels = jd_alloc_array(ctx, n, sizeof *a->pictures.labels);
    uint32_t *order = jd_alloc_array(ctx, all.count, sizeof *order);
    if (!jd_error(ctx)) {
        jd_rng r = jd_rng_new(jd_run_seed(a->r), "powerplay/pictures", 0);
        for (size_t i = 0; i < all.count; i++) order[i] = (uint32_t)i;
        jd_rng_shuffle(&r, order, all.count);
        for (size_t i = 0; i < n; i++) {
            memcpy(a->pictures.pixels + i * size, all.pixels + order[i] * size, size);
            a->pictures.labels[i] = all.labels[order[i]];
        }
        a->pictures.count = n;
    }
    jd_free(ctx, order);
    jd_images_free(ctx, &all);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), tasks = jd_run_setting(r, "tasks"),
                 pictures = jd_run_setting(r, "pictures");
    if (!(seeds >= 1 && seeds <= PP_SEEDS && tasks >= 1 && tasks <= PP_CODES && pictures >= 0 &&
          pictures <= PP_PICTURES_MOST))
        return jd_fail(ctx, JD_EUSAGE, "powerplay: seeds is 1 to %d, tasks 1 to %d, pictures 0 to %d", PP_SEEDS,
                       PP_CODES, PP_PICTURES_MOST);
    powerplay a = {.r = r};
    bool whole = play_family(&a, PP_STATES);
    if (whole && pictures > 0) load_pictures(&a);
    whole = whole && !jd_error(ctx);
    if (whole && a.pictures.count) whole = play_family(&a, PP_PICTURES);
    claims c = {.r = r};
    if (whole) {
        judge(&c, &a);
        claims_table(&c, "Medians over the seeds.");
        pp_draw(&a);
    }
    for (int i = 0; i < PP_FAMILIES; i++) jd_free(ctx, a.result[i].player);
    jd_free(ctx, a.pictures.pixels);
    jd_free(ctx, a.pictures.labels);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL) : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"seeds", {2, 5, 10}, "solvers for each family of tasks"},
    {"tasks", {60, 100, 1000}, "of codes and states, to be invented"},
    {"budget", {1000, 40000, 1e6}, "connections looked at in that search, at most, in millions"},
    {"pictures", {20, 100, 300}, "tasks of pictures; 0: none"},
    {"picture_budget", {1000, 2000, 1e6}, "connections looked at there, at most, in millions"},
    {"shorten_budget", {300, 2500, 10000}, "connections looked at in the search for the same with less, in millions"},
    {NULL}};

const jd_system jd_system_powerplay = {
    .name = "powerplay",
    .year = 2011,
    .title = "A solver that goes on inventing the simplest task it cannot solve yet",
    .paper = "Schmidhuber, arXiv 1112.5309, 2011; Srivastava, Steunebrink, Schmidhuber, Neural Networks 41, 2013",
    .metric = "claims that hold, of 6",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the papers report stages of development and re-use of code; the bounds are this remake's",
    .accept = {6, 6, 6},
    .about =
        "A search for pairs of a task and a change of the solver, the cheapest first. A pair is accepted if the old "
        "solver fails at the task, and the new one solves it and all tasks before, with the same results. The solver "
        "is a recurrent net that stops by itself and looks only at connections out of active units. A change of "
        "others cannot matter: only tasks that used the changed ones are run again. In the first family a task is a "
        "code, to be answered by halting in a state in which no other task ended; in the second a picture, to be "
        "named after the net has moved its retina over it. At the end the solver seeks changes by which the same "
        "tasks cost less.",
    .data = "mnist",
    .settings = settings,
    .run = run,
};
