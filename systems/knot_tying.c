/*
 * knot_tying.c - a network that winds a suture around a needle, taught by demonstrations (H. Mayer, F. Gomez, D. Wierstra,
 * I. Nagy, A. Knoll, J. Schmidhuber, IROS 2006): evolved LSTM cells with a linear output (Evolino) move the tip of a
 * gripper on and on; nothing but where the tip is comes in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evolino.h"
#include "knots.h"

enum { DEMONSTRATIONS = 20, TESTS = 10, SPEEDS = 3, MOST_SEEDS = 10, MOST_CELLS = 40, AXES = 3, FEW = 2 };
static const double ORIGIN[AXES] = {.5, 0, 3};
#define LIMIT  .25 /* cm from the path */
#define UNTIED 10. /* what a start counts that is not tied */
#define POOR   5.  /* cm^2: with this misfit of the first FEW demonstrations a network need not try the others */

typedef struct lesson {
    knot shown[DEMONSTRATIONS];
    double shake[DEMONSTRATIONS][KNOT_MOST][AXES]; /* what is added to them while the output is fitted */
    int taught, tried; /* demonstrations the output is fitted to, and those it must repeat on its own */
    bool forgetful;
    double *room; /* (points, columns + 3) */
    knot said;
} lesson;

/* One evolution. */
typedef struct outcome {
    double done;
    double tied, error; /* of 10 unseen starts: those with the right number of turns; mean distance, cm */
    double counted;     /* the mean distance, one that is not tied counting as UNTIED */
    double good;        /* those with the right number of turns that stay within LIMIT on average */
    double turns[TESTS], away[TESTS];
    double steps[SPEEDS], turned[SPEEDS]; /* at 1, 2, 3 times the speed: steps to the end, tied */
    double misfit;                        /* of the demonstrations */
    double path[TESTS][KNOT_MOST * AXES], points[TESTS];
} outcome;

/* ---- the net -----------------------------------------------------------------------------------------------------------*/

static void hear(const double *p, double *u)
{
    for (int c = 0; c < AXES; c++) u[c] = p[c] - ORIGIN[c];
}

/* From `start`, `steps` points on its own: what it says is the way to the next point. */
static void wind(evolino_net *n, const double *start, int steps, double speed, knot *k)
{
    double u[AXES], way[AXES];
    memcpy(k->p[0], start, sizeof k->p[0]);
    hear(start, u);
    evolino_rest(n, u);
    k->steps = 1;
    for (; k->steps < steps && k->steps < KNOT_MOST; k->steps++) {
        const double *p = k->p[k->steps - 1];
        hear(p, u);
        evolino_step(n, u);
        evolino_say(n, way);
        for (int c = 0; c < AXES; c++) {
            const double next = p[c] + speed * way[c];
            k->p[k->steps][c] = fabs(next) < 1e3 ? next : 1e3;
        }
    }
}

/*
 * Fits the output to the demonstrations, and lets the network repeat some on its own: minus the mean misfit.  The fit
 * walks beside each demonstration and is shown the way back, as if the tremor were larger than it was: fitted to the
 * way itself it never learns to return to it, and on its own it leaves it for good.
 */
static double teach(void *user, evolino_net *n)
{
    lesson *l = user;
    n->direct = true;
    n->forgetful = l->forgetful;
    const int C = evolino_columns(n);
    int rows = 0;
    for (int d = 0; d < l->taught; d++) rows += l->shown[d].steps - 1;
    double *a = l->room, *b = a + rows * C, sum = 0, u[AXES], p[AXES];
    for (int d = 0; d < l->taught; d++) {
        const knot *k = &l->shown[d];
        hear(k->p[0], u);
        evolino_rest(n, u);
        for (int t = 0; t + 1 < k->steps; t++, a += C, b += AXES) {
            const double *off = l->shake[d][t];
            for (int c = 0; c < AXES; c++) {
                p[c] = k->p[t][c] + off[c];
                b[c] = k->p[t + 1][c] + KNOT_KEEP * off[c] - p[c];
            }
            hear(p, u);
            evolino_step(n, u);
            evolino_see(n, a);
        }
    }
    evolino_solve(l->room, l->room + rows * C, rows, C, AXES, 1e-10, n->readout);
    for (int d = 0; d < l->tried; d++) {
        const knot *k = &l->shown[d];
        wind(n, k->p[0], k->steps * 13 / 10, 1, &l->said);
        sum += knot_misfit(&l->said, k);
        if (d + 1 == FEW && sum > POOR * FEW) return -sum / FEW;
    }
    return -sum / l->tried;
}

/* ---- testing -----------------------------------------------------------------------------------------------------------*/

/* Steps until the tip is within 1 cm of the end of the way; 0: it never is. */
static int arrives(const knot *k, const knot *right)
{
    const double *end = right->p[right->steps - 1];
    for (int i = 0; i < k->steps; i++) {
        double sum = 0;
        for (int c = 0; c < AXES; c++) sum += (k->p[i][c] - end[c]) * (k->p[i][c] - end[c]);
        if (sum < 1) return i;
    }
    return 0;
}

/* Two turns, and the way to the end. */
static bool tied(double turns, const knot *said, const knot *right)
{
    return fabs(turns - knot_winding(right)) < .25 && arrives(said, right);
}

static void stop_at_arrival(knot *k, const knot *right)
{
    const int at = arrives(k, right);
    if (at) k->steps = at + 1;
}

/* Starts that no demonstration had. */
static void test(jd_run *r, evolino_net *n, outcome *o)
{
    jd_ctx *ctx = jd_run_ctx(r);
    knot *right = jd_alloc_array(ctx, 2, sizeof *right), *said = right + 1;
    for (int i = 0; right && i < TESTS; i++) {
        jd_rng rng = jd_rng_new(jd_run_seed(r), "knots/test", (uint64_t)i);
        double offset[AXES];
        knot_offset(&rng, offset);
        knot_path(offset, 1, 1, right);
        for (int k = 0; k < SPEEDS; k++) {
            wind(n, right->p[0], 2 * right->steps, k + 1, said);
            stop_at_arrival(said, right);
            const double turns = knot_winding(said);
            o->turned[k] += tied(turns, said, right);
            o->steps[k] += (double)said->steps / TESTS;
            if (k) continue;
            const double away = knot_distance(said, right);
            o->counted += (tied(turns, said, right) ? away : UNTIED) / TESTS;
            o->good += tied(turns, said, right) && away <= LIMIT;
            o->turns[i] = turns - knot_winding(right) + KNOT_TURNS;
            o->away[i] = away;
            o->error += away / TESTS;
            o->points[i] = said->steps;
            memcpy(o->path[i], said->p, (size_t)said->steps * sizeof said->p[0]);
        }
    }
    o->tied = o->turned[0];
    jd_free(ctx, right);
}

/* One evolution; a network that `book` holds under its name was evolved before. */
static bool evolve_once(jd_run *r, const char *name, const evolino_species *kind, const evolino_search *o, bool resume,
                        jd_params *book, double *genes)
{
    const int64_t count = (int64_t)evolino_genes(kind->cells, kind->channels);
    if (jd_params_find(book, name)) {
        memcpy(genes, jd_params_get(book, name), (size_t)count * sizeof *genes);
        return true;
    }
    if (!evolino_evolve_species(r, name, kind, o, resume, genes)) return false;
    jd_params_set(book, name, &(jd_type){JD_F64, 1, {count}}, genes);
    return true;
}

/*
 * An evolution with large mutations that finds how to wind; where it has not after all its generations, another begins, and
 * the better of them counts.  Then one with small mutations that starts from what was found and improves on it, looking at
 * all demonstrations.  False when the user stopped it; what was found is kept in `book`.
 */
static bool evolve(jd_run *r, const char *name, const evolino_species *kind, uint64_t seed, bool resume,
                   jd_params *book, double *genes)
{
    const size_t count = evolino_genes(kind->cells, kind->channels);
    const int attempts = (int)jd_run_setting(r, "attempts");
    lesson *l = kind->user;
    evolino_search search = evolino_search_settings(r, seed);
    search.target = jd_run_setting(r, "rough");
    evolino_net *n = jd_alloc(jd_run_ctx(r), sizeof *n);
    double *found = jd_alloc_array(jd_run_ctx(r), count, sizeof *found), best = (double)INFINITY;
    bool whole = n && found;
    char label[60];
    for (int a = 0; whole && a < attempts && best > search.target; a++) {
        snprintf(label, sizeof label, a ? "%s, attempt %d" : "%s", name, a + 1);
        search.seed = seed + (uint64_t)a * 1000003;
        whole = evolve_once(r, label, kind, &search, resume, book, found);
        evolino_unpack(n, kind->cells, kind->channels, kind->feedback, found);
        const double misfit = whole ? -kind->fitness(l, n) : (double)INFINITY;
        if (misfit < best) {
            best = misfit;
            memcpy(genes, found, count * sizeof *genes);
        }
    }
    jd_free(jd_run_ctx(r), found);
    jd_free(jd_run_ctx(r), n);
    if (!whole) return false;
    snprintf(label, sizeof label, "%s, fine", name);
    search.center = genes;
    search.sigma = search.spread = jd_run_setting(r, "fine");
    search.generations = (int64_t)jd_run_setting(r, "fine_generations");
    search.target = jd_run_setting(r, "enough");
    l->taught = l->tried = DEMONSTRATIONS;
    return evolino_evolve_species(r, label, kind, &search, resume, genes);
}

/* One network, evolved and tested; false when the user stopped it. */
static bool learn(jd_run *r, const char *name, uint64_t seed, bool forgetful, bool resume, jd_params *book, outcome *o)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int cells = (int)jd_run_setting(r, "cells");
    lesson *l = jd_alloc(ctx, sizeof *l);
    evolino_net *n = jd_alloc(ctx, sizeof *n);
    double *genes = jd_alloc_array(ctx, evolino_genes(cells, AXES), sizeof *genes);
    double *room =
        jd_alloc_array(ctx, (size_t)DEMONSTRATIONS * KNOT_MOST * (size_t)(cells + 2 * AXES + 1), sizeof *room);
    bool whole = l && n && genes && room;
    if (whole) {
        l->room = room;
        l->forgetful = forgetful;
        l->taught = l->tried = (int)jd_run_setting(r, "shown");
        for (int d = 0; d < DEMONSTRATIONS; d++) {
            jd_rng rng = jd_rng_new(jd_run_seed(r), "knots/demonstration", (uint64_t)d);
            knot_demonstrate(&rng, &l->shown[d]);
            rng = jd_rng_new(jd_run_seed(r), "knots/beside", (uint64_t)d);
            knot_tremor(&rng, jd_run_setting(r, "beside"), l->shown[d].steps, l->shake[d]);
        }
        const evolino_species kind = {
            .cells = cells, .channels = AXES, .feedback = jd_run_setting(r, "feedback"), .fitness = teach, .user = l};
        whole = evolve(r, name, &kind, seed, resume, book, genes);
        if (whole) {
            evolino_unpack(n, cells, AXES, kind.feedback, genes);
            o->misfit = -teach(l, n);
            test(r, n, o);
            o->done = 1;
            jd_run_note(r, "%s: %g of %d unseen starts tied, %.3f cm from the path", name, o->tied, TESTS, o->error);
        }
    }
    void *const owned[] = {l, n, genes, room};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    return whole && !jd_error(ctx);
}

/* ---- figures -----------------------------------------------------------------------------------------------------------*/

/* Seen from the side and a little from above. */
static void project(const double *p, double shift, float *xy)
{
    xy[0] = (float)(shift + p[0] + .45 * p[1]);
    xy[1] = (float)(p[2] + .35 * p[1]);
}

/* Two tips winding side by side: the network, and the one without memory.  A thread follows each. */
static void film(jd_run *r, const outcome *with, const outcome *without)
{
    enum { THREAD = 45, EVERY = 2, STILL = 60, PARTS = 1 + STILL + THREAD + 1, LINES = 2 * PARTS, SHOWN = 300 };
    static const double APART = 11;
    const outcome *who[2] = {with, without};
    jd_ctx *ctx = jd_run_ctx(r);
    knot *right = jd_alloc(ctx, sizeof *right);
    const int points = (int)fmin(SHOWN, fmax(with->points[0], without->points[0]));
    const size_t frames = (size_t)(points / EVERY);
    float *p = jd_alloc_array(ctx, frames * LINES * 4, sizeof *p);
    jd_film_line line[LINES];
    if (right) knot_path(with->path[0], 1, 1, right); /* only its turns are drawn, which the start does not move */
    for (int k = 0; k < 2; k++) {
        jd_film_line *l = line + k * PARTS;
        l[0] = (jd_film_line){.16, JD_FILM_MUTED};
        for (int i = 1; i <= STILL; i++) l[i] = (jd_film_line){.03, JD_FILM_MUTED};
        for (int i = 1 + STILL; i < PARTS; i++) l[i] = (jd_film_line){.07, k ? 1 : 0};
        l[PARTS - 1] = (jd_film_line){.35, JD_FILM_INK};
    }
    for (size_t f = 0; p && right && f < frames; f++)
        for (int k = 0; k < 2; k++) {
            const double *path = who[k]->path[0], shift = k * APART;
            const int last = (int)who[k]->points[0] - 1, now = (int)f * EVERY < last ? (int)f * EVERY : last;
            float(*row)[4] = (float(*)[4])(p + (f * LINES + (size_t)(k * PARTS)) * 4);
            const double needle[2][3] = {{.5, -2, 3}, {.5, 2.5, 3}};
            for (int e = 0; e < 2; e++) project(needle[e], shift, row[0] + 2 * e);
            for (int i = 0; i < STILL; i++)
                for (int e = 0; e < 2; e++) project(right->p[25 + 2 * (i + e)], shift, row[1 + i] + 2 * e);
            for (int i = 0; i <= THREAD; i++)
                for (int e = 0; e < 2; e++) {
                    const int t = now - EVERY * 2 * (i + e);
                    project(path + AXES * (i == THREAD ? now : t > 0 ? t : 0), shift, row[1 + STILL + i] + 2 * e);
                }
        }
    const jd_film f = {.x0 = -7,
                       .y0 = 0,
                       .x1 = APART + 5,
                       .y1 = 10,
                       .seconds = .06 * (double)frames,
                       .frames = frames,
                       .lines = LINES,
                       .points = p,
                       .line = line};
    if (p && right && frames > 1)
        jd_report_film(jd_run_report(r), &f,
                       "The tip of the gripper winds the thread around the needle (thick, grey). Left: LSTM cells, on "
                       "their own from a start that nobody demonstrated. Right: the same without memory, which cannot "
                       "know how often it has been around.");
    jd_free(ctx, right);
    jd_free(ctx, p);
}

/* Height over time, all tests. */
static void draw(jd_run *r, const outcome *o, const char *caption)
{
    static double t[KNOT_MOST], z[KNOT_MOST];
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"},
                               &(jd_axis){.label = "height of the tip (cm)", .min = 0, .max = 10}, 220);
    for (int i = 0; i < TESTS; i++) {
        const int n = (int)o->points[i];
        for (int k = 0; k < n; k++) t[k] = k, z[k] = o->path[i][AXES * k + 2];
        jd_chart_line(c, "network", t, z, (size_t)n, i ? JD_NO_LABEL : 0);
    }
    jd_report_chart(jd_run_report(r), c, caption);
}

static void table(jd_run *r, const outcome *all, int n, int seeds)
{
    static const char *const headings[] = {"network",           "tied",  "within 0.25 cm", "turns", "distance (cm)",
                                           "tied, steps at 1x", "at 2x", "at 3x"};
    enum { COLUMNS = 8, CELL = 40 };
    static char text[(MOST_SEEDS + 1) * COLUMNS][CELL];
    const char *cells[(MOST_SEEDS + 1) * COLUMNS];
    for (int i = 0; i < n; i++) {
        const outcome *o = &all[i];
        char(*t)[CELL] = text + i * COLUMNS;
        double low = o->turns[0], high = o->turns[0];
        for (int k = 1; k < TESTS; k++) low = fmin(low, o->turns[k]), high = fmax(high, o->turns[k]);
        if (i < seeds)
            snprintf(t[0], CELL, "LSTM, seed %d", i + 1);
        else
            snprintf(t[0], CELL, "no memory");
        snprintf(t[1], CELL, "%g of %d", o->tied, TESTS);
        snprintf(t[2], CELL, "%g of %d", o->good, TESTS);
        snprintf(t[3], CELL, "%.2f to %.2f", low, high);
        snprintf(t[4], CELL, "%.3f", o->error);
        for (int k = 0; k < SPEEDS; k++) snprintf(t[5 + k], CELL, "%g, %.0f", o->turned[k], o->steps[k]);
    }
    for (int i = 0; i < n * COLUMNS; i++) cells[i] = text[i];
    jd_report_table(
        jd_run_report(r), headings, cells, (size_t)n, COLUMNS,
        "Ten starts that no demonstration had. Tied: two turns about the needle and the way to the end. Distance: from "
        "the path without noise, both ways, mean. Steps until the end is reached; at 2x and 3x each step the "
        "network asks for is made two or three times as long.");
}

/* ---- the run -----------------------------------------------------------------------------------------------------------*/

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int seeds = (int)jd_run_setting(r, "seeds"), cells = (int)jd_run_setting(r, "cells");
    const int shown = (int)jd_run_setting(r, "shown");
    if (seeds < 1 || seeds > MOST_SEEDS || cells < 1 || cells > MOST_CELLS || shown < 1 || shown > DEMONSTRATIONS)
        return jd_fail(ctx, JD_EUSAGE, "knot-tying: %d seeds, %d cells, %d shown; give 1 to %d, 1 to %d, 1 to %d",
                       seeds, cells, shown, MOST_SEEDS, MOST_CELLS, DEMONSTRATIONS);
    const int n = seeds + 1;
    outcome *all = jd_alloc_array(ctx, (size_t)n, sizeof *all);
    jd_params *book = jd_params_new(ctx, JD_F64);
    const jd_type shape = {JD_F64, 2, {n, sizeof *all / sizeof(double)}};
    const bool resume = jd_run_load(r, book) >= 0;
    if (all && resume && jd_params_find(book, "outcome"))
        memcpy(all, jd_params_get(book, "outcome"), (size_t)n * sizeof *all);
    bool whole = all != NULL;
    for (int i = 0; whole && i < n; i++) {
        char name[40];
        if (i < seeds)
            snprintf(name, sizeof name, "LSTM %d", i + 1);
        else
            snprintf(name, sizeof name, "no memory");
        jd_run_stage(r, "%s", name);
        if (all[i].done > 0) continue;
        whole = learn(r, name, jd_run_seed(r) * 100 + (uint64_t)i, i == seeds, resume, book, &all[i]);
        jd_params_set(book, "outcome", &shape, all);
        jd_run_save(r, book, 0, false);
    }
    double value = 0, bound = 0;
    char why[200] = "";
    if (whole && !jd_error(ctx)) {
        for (int i = 0; i < seeds; i++) value += all[i].counted / seeds, bound += all[i].tied / seeds;
        jd_report_section(jd_run_report(r), "Winding");
        film(r, &all[0], &all[seeds]);
        draw(r, &all[0], "LSTM: ten starts that no demonstration had. Two turns are two valleys and two hills.");
        draw(r, &all[seeds], "The same without memory.");
        table(r, all, n, seeds);
        jd_run_extra(r, "tied", all[0].tied);
        jd_run_extra(r, "no_memory_tied", all[seeds].tied);
        snprintf(why, sizeof why, "%.1f of %d starts tied on average", bound, TESTS);
        if (all[seeds].tied >= TESTS / 2) {
            snprintf(why, sizeof why, "the network without memory ties %g of %d: the task does not ask for memory",
                     all[seeds].tied, TESTS);
            value = (double)INFINITY;
        }
    }
    jd_params_free(book);
    jd_free(ctx, all);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? jd_run_finish(r, value, why[0] ? why : NULL) : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"seeds", {1, 3, 10}, "evolutions"},
    {"cells", {12, 12, 20}, "LSTM cells"},
    {"shown", {6, 10, 20}, "demonstrations that the first evolution looks at, of 20"},
    {"generations", {200, 300, 400}, "of twice `members` networks each, to find how to wind"},
    {"attempts", {1, 3, 3}, "times that such an evolution may begin anew"},
    {"rough", {.25, .25, .25}, "misfit of the demonstrations at which that is found, in cm^2"},
    {"fine_generations", {100, 600, 800}, "with small mutations, to improve on it"},
    {"enough", {.06, .03, .02}, "misfit at which evolution ends, in cm^2"},
    {"members", {20, 20, 40}, "of each subpopulation"},
    {"patience", {8, 8, 8}, "generations without progress before a burst; 0: none"},
    {"sigma", {.3, .3, .3}, "range of the first weights"},
    {"spread", {.05, .05, .05}, "scale of mutations"},
    {"fine", {.02, .02, .02}, "scale of the small ones"},
    {"mutation", {.2, .2, .2}, "probability of each weight's"},
    {"feedback", {.3, .3, .3}, "factor of what is heard, in 1/cm"},
    {"beside", {.2, .2, .2}, "cm beside the demonstrations, from where the output is taught to return"},
    {NULL}};

const jd_system jd_system_knot_tying = {
    .name = "knot-tying",
    .year = 2006,
    .title = "Winding a surgeon's knot: evolved LSTM cells that repeat what was demonstrated",
    .paper =
        "Mayer, Gomez, Wierstra, Nagy, Knoll, Schmidhuber, IROS 2006; Schmidhuber et al., Neural Computation 19, 2007",
    .metric = "distance from the path of 10 unseen starts (cm); one that is not tied counts as 10",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "a robot tied knots faster than with preprogrammed control; its trajectories are not public, these are "
        "generated: 20 demonstrations with starts, radii, durations and tremor of their own. The figure to "
        "reach: all of 10 starts tied, 0.25 cm from the path on average (quick: 0.35)",
    .accept = {.35, .25, .25},
    .about =
        "The tip of a gripper winds a thread twice around a needle and goes back. After each turn it is at the same "
        "place but has to go another way, so whoever sees only where it is cannot do it. Evolino finds the cells and "
        "computes the output. Look at the film: the right one does not know when to stop.",
    .settings = settings,
    .run = run,
};
