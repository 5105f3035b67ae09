/*
 * double_pole.c - balancing two poles on a cart: the measure of neuroevolution, with and without velocities.
 *
 * What counts is how many networks are tried until one balances both poles for half an hour.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poles_report.h"

enum { HEADLINE_SEED = 1000000 }; /* seeds of searches start here: those that settings were chosen on lie below */

/* Settings of the comparison, chosen on other seeds than those that are reported.  The recurrent networks are the same for
 * all methods but CoSyNE without velocities; networks without memory stand at the end of the first table. */
#define MEMORY(units)                                                                                                  \
    {                                                                                                                  \
        .hidden = units, .bias = .5                                                                                    \
    }
#define FORWARD(units)                                                                                                 \
    {                                                                                                                  \
        .hidden = units, .bias = .5, .feed_forward = true                                                              \
    }
static const poles_method SEEN[] = {
    {"SNES", {.method = JD_SEARCH_SNES, .sigma = .3, .population = 12, .patience = 60}, MEMORY(3), NAN, NULL},
    {"xNES", {.method = JD_SEARCH_XNES, .sigma = .25, .patience = 60}, MEMORY(3), NAN, NULL},
    {"CMA-ES", {.method = JD_SEARCH_CMAES, .sigma = .3, .patience = 60}, MEMORY(3), 895, "Igel 2003"},
    {"CoSyNE",
     {.method = JD_SEARCH_COSYNE, .sigma = .3, .population = 20, .mutation = .5, .patience = 30},
     MEMORY(3),
     NAN,
     NULL},
    {"ESP", {.method = JD_SEARCH_ESP, .sigma = .5}, MEMORY(3), 3800, "Gomez, Miikkulainen 1999"},
    {"genetic algorithm", {.method = JD_SEARCH_GA, .sigma = .5}, MEMORY(3), NAN, NULL},
    {"random search", {.method = JD_SEARCH_RANDOM, .sigma = 2}, MEMORY(3), NAN, NULL},
    {"SNES, no memory", {.method = JD_SEARCH_SNES, .sigma = 1, .patience = 60}, FORWARD(3), NAN, NULL},
    {"CoSyNE, no memory",
     {.method = JD_SEARCH_COSYNE, .sigma = 2, .population = 20, .spread = .6, .patience = 30},
     FORWARD(3),
     954,
     "Gomez et al. 2008"},
};
static const poles_method BLIND[] = {
    {"SNES", {.method = JD_SEARCH_SNES, .sigma = .3, .population = 20, .patience = 100}, MEMORY(3), NAN, NULL},
    {"xNES", {.method = JD_SEARCH_XNES, .sigma = .3, .population = 20, .patience = 100}, MEMORY(3), NAN, NULL},
    {"CMA-ES",
     {.method = JD_SEARCH_CMAES, .sigma = .3, .population = 20, .patience = 100},
     MEMORY(3),
     6061,
     "Igel 2003"},
    {"CoSyNE",
     {.method = JD_SEARCH_COSYNE, .sigma = 2, .population = 20, .spread = .6, .patience = 30},
     MEMORY(2),
     3416,
     "Gomez et al. 2008"},
    {"ESP", {.method = JD_SEARCH_ESP}, MEMORY(3), 20374, "Gomez, Miikkulainen 1999"},
    {"genetic algorithm", {.method = JD_SEARCH_GA}, MEMORY(3), NAN, NULL},
    {"random search", {.method = JD_SEARCH_RANDOM, .sigma = 2}, MEMORY(3), NAN, NULL},
};
enum { METHODS = JD_SEARCH_METHODS, ROWS = sizeof SEEN / sizeof *SEEN };
_Static_assert(sizeof BLIND / sizeof *BLIND == METHODS, "a row for each method");

/* The method of the settings: that of the table, with what the user changed. */
static jd_status chosen(jd_run *r, const poles_method *table, poles_method *m)
{
    const int number = (int)jd_run_setting(r, "method");
    if (number < 0 || number >= METHODS)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE,
                       "poles: method %d; give 0 to %d: SNES, xNES, CMA-ES, CoSyNE, ESP, GA, "
                       "random",
                       number, METHODS - 1);
    *m = table[number];
    if (jd_run_setting(r, "population") > 0) m->search.population = (size_t)jd_run_setting(r, "population");
    if (jd_run_setting(r, "sigma") > 0) m->search.sigma = jd_run_setting(r, "sigma");
    if (jd_run_setting(r, "hidden") > 0) m->net.hidden = (int)jd_run_setting(r, "hidden");
    m->net.feed_forward = jd_run_setting(r, "feed_forward") > 0;
    return JD_OK;
}

static jd_status save_best(jd_run *r, const poles_race_result *best)
{
    jd_params *model = jd_params_new(jd_run_ctx(r), JD_F64);
    const poles_outcome *o = poles_median_run(best);
    const jd_net_shape net = poles_net(best);
    jd_run_config_number(r, "hidden units", net.hidden);
    if (o) jd_params_set(model, "controller", &(jd_type){JD_F64, 1, {(int64_t)jd_net_weights(&net)}}, o->weights);
    if (o) jd_run_save(r, model, 0, true);
    jd_params_free(model);
    return jd_error(jd_run_ctx(r));
}

static jd_status run(jd_run *r, bool blind)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const poles_method *table = blind ? BLIND : SEEN;
    const int runs = (int)jd_run_setting(r, "runs"), compared = (int)jd_run_setting(r, "compared");
    poles_race_result result[ROWS + 1] = {{.runs = 0}};
    poles_method method;
    if (chosen(r, table, &method)) return jd_error(ctx);
    if (runs < 1 || runs > 1000 || compared < 0 || compared > 1000)
        return jd_fail(ctx, JD_EUSAGE, "poles: %d runs, %d compared; give 1 to 1000, and 0 to 1000", runs, compared);
    jd_params *book = jd_params_new(ctx, JD_F64);
    poles_race_options o = {.blind = blind,
                            .seed = HEADLINE_SEED + jd_run_seed(r) * 10000,
                            .budget = (int64_t)jd_run_setting(r, "budget"),
                            .book = book,
                            .resume = jd_run_load(r, book) >= 0};
    int n = 0;
    const int rows = !compared ? 0 : blind ? METHODS : ROWS;
    for (int i = -1; i < rows && !jd_error(ctx); i++) {
        poles_race_result *p = &result[n++];
        p->method = i < 0 ? method : table[i];
        p->runs = i < 0 ? runs : compared;
        p->blind = blind;
        p->budget = o.budget;
        p->out = jd_alloc_array(ctx, (size_t)p->runs, sizeof *p->out);
        o.method = &p->method;
        o.runs = p->runs;
        p->method.search.restart = p->method.search.patience > 0;
        char name[20];
        snprintf(name, sizeof name, "race-%d", i + 1);
        o.name = name;
        o.gruau = blind;
        jd_run_stage(r, i < 0 ? "%s" : "comparison: %s", p->method.label);
        if (p->out && !poles_race(r, &o, p->out)) poles_tell(r, p);
    }
    const poles_summary s = poles_summarise(&result[0]);
    char why[240] = "";
    if (!jd_error(ctx)) {
        poles_report(r, result, n);
        save_best(r, &result[0]);
        if (s.solved < (runs * 48 + 49) / 50)
            snprintf(why, sizeof why, "%d of %d searches solved the task within %lld evaluations; 48 of 50 should",
                     s.solved, runs, (long long)o.budget);
    }
    for (int i = 0; i < n; i++) jd_free(ctx, result[i].out);
    jd_params_free(book);
    if (jd_error(ctx)) return jd_error(ctx);
    /* Too few solved counts as a figure that is not reached, whatever the median. */
    return jd_run_finish(r, why[0] ? (double)INFINITY : s.median, why[0] ? why : NULL);
}

static jd_status run_seen(jd_run *r)
{
    return run(r, false);
}

static jd_status run_blind(jd_run *r)
{
    return run(r, true);
}

#define SETTINGS(method, budget, compared)                                                                             \
    {                                                                                                                  \
        {"method", {method, method, method}, "0 SNES, 1 xNES, 2 CMA-ES, 3 CoSyNE, 4 ESP, 5 GA, 6 random"},             \
            {"runs", {20, 50, 100}, "searches, each with a seed of its own"},                                          \
            {"budget", {budget, budget, 5 * (budget)}, "networks that a search may try"},                              \
            {"population", {0, 0, 0}, "candidates a generation; 0: the table's"},                                      \
            {"sigma", {0, 0, 0}, "first step size; 0: the table's"},                                                   \
            {"hidden", {0, 0, 0}, "hidden units; 0: the table's"},                                                     \
            {"feed_forward", {0, 0, 0}, "1: the hidden units do not see each other's last values"},                    \
            {"compared", {0, compared, 100}, "searches of every method for the table; 0: none"},                       \
        {                                                                                                              \
            NULL                                                                                                       \
        }                                                                                                              \
    }
static const jd_setting seen_settings[] = SETTINGS(0, 20000, 50), blind_settings[] = SETTINGS(1, 20000, 20);

const jd_system jd_system_double_pole = {
    .name = "double-pole",
    .year = 2008,
    .title = "Balancing two poles on a cart: black-box search for small recurrent networks",
    .paper = "Gomez, Schmidhuber, Miikkulainen, JMLR 9:937-965, 2008; Wierstra et al., JMLR 15:949-980, 2014",
    .metric = "networks tried until one balances, median",
    .higher = false,
    .paper_value = 954,
    .paper_note = "CoSyNE, mean of its runs; recalled, not checked. CMA-ES: 895",
    .accept = {1000, 1000, 1000},
    .about =
        "A cart must keep two poles of different length upright by pushes left and right. The network sees position, "
        "angles and velocities; its three hidden units see each other's last values. A search sees nothing but how "
        "many steps each network lasted. Look at the film, and at how many networks each method had to try.",
    .settings = seen_settings,
    .run = run_seen,
};

const jd_system jd_system_double_pole_no_velocity = {
    .name = "double-pole-no-velocity",
    .year = 2008,
    .title = "Balancing two poles without seeing velocities: a task that needs memory",
    .paper = "Gomez, Schmidhuber, Miikkulainen, JMLR 9:937-965, 2008; Wierstra et al., JMLR 15:949-980, 2014",
    .metric = "networks tried until one balances and passes Gruau's test, median",
    .higher = false,
    .paper_value = 3416,
    .paper_note =
        "CoSyNE with the damping fitness, mean of its runs; recalled, not checked. CMA-ES: 6,061; ESP: 20,374",
    .accept = {4000, 4000, 4000},
    .about =
        "As double-pole, but the network sees position and angles only and has to work out the velocities from what "
        "it remembers. Fitness rewards calm: poles that are swung forever do not count. A network that lasts is then "
        "tried from 625 starts, of which it should master 200.",
    .settings = blind_settings,
    .run = run_blind,
};
