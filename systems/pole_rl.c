/*
 * pole_rl.c - one pole on a cart without velocities, learned from reward alone: recurrent policy gradients (Wierstra et al.,
 * ICANN 2007) and advantage learning with LSTM (Bakker, NIPS 14, 2001).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reward_race.h"

enum { TESTS = 10, RACES = 6, TRIED = 1000, FILMED = 600 };

/* Steps of the shortest of the test's episodes. */
static double shortest(const jd_episodes *e)
{
    double least = (double)INFINITY;
    for (int64_t i = 0; i < e->n; i++) least = fmin(least, e->length[i]);
    return least;
}

static double mean_steps(const jd_episodes *e)
{
    double sum = 0;
    for (int64_t i = 0; i < e->n; i++) sum += (double)e->length[i] / (double)e->n;
    return sum;
}

/* ---- learners ----------------------------------------------------------------------------------------------------------*/

static rl_method gradients(const char *label, const char *env, jd_memory memory)
{
    return (rl_method){.label = label,
                       .policy = {.env = env,
                                  .memory = memory,
                                  .units = 12,
                                  .forget_bias = 1,
                                  .init = 1,
                                  .see_action = true,
                                  .episodes = 32,
                                  .time_limit = 500,
                                  .discount = .98,
                                  .rate = .01,
                                  .baseline_rate = .01}};
}

static rl_method values(const char *label, const char *env, bool memory)
{
    return (rl_method){.label = label,
                       .values = true,
                       .advantage = {.env = env,
                                     .cells = memory ? 12 : 0,
                                     .hidden = memory ? 3 : 15,
                                     .forget_bias = 1,
                                     .init = .5,
                                     .see_action = true,
                                     .time_limit = 1000,
                                     .discount = .97,
                                     .lambda = .8,
                                     .kappa = .3,
                                     .rate = 1e-3,
                                     .explore = 10,
                                     .coldest = .01,
                                     .explore_rate = 2e-3,
                                     .cut_traces = true}};
}

static rl_race race_of(jd_run *r, const char *name, rl_method method, const char *budget, int seeds)
{
    const int64_t steps = (int64_t)jd_run_setting(r, "steps");
    rl_race race = {.name = name,
                    .method = method,
                    .seeds = seeds,
                    .seed = 100 * (jd_run_seed(r) + 1),
                    .budget = (int64_t)(jd_run_setting(r, budget) * 1e6),
                    .every = 20000,
                    .test = {.episodes = TESTS, .seed = 1000000, .time_limit = steps, .greedy = true},
                    .in_a_row = 1,
                    .goal = (double)steps,
                    .score = shortest,
                    .other = mean_steps};
    while (race.budget / race.every > RL_POINTS) race.every *= 2;
    return race;
}

/* ---- figures -----------------------------------------------------------------------------------------------------------*/

/* Carts one above the other: lane k shows episode 0 of e[k]. */
static void film(jd_run *r, const double *const *states, const int64_t *steps, int lanes, const char *caption)
{
    enum { PARTS = 3, MOST = 3, EVERY = 2 };
    static const double HEIGHT = 1.5;
    const int64_t longest = FILMED < steps[0] ? FILMED : steps[0];
    const size_t frames = (size_t)(longest / EVERY), lines = (size_t)(PARTS * lanes);
    jd_film_line line[PARTS * MOST];
    float *p = jd_alloc_array(jd_run_ctx(r), frames * lines * 4, sizeof *p);
    for (int k = 0; k < lanes; k++) {
        line[PARTS * k] = (jd_film_line){.02, JD_FILM_MUTED};
        line[PARTS * k + 1] = (jd_film_line){.14, JD_FILM_INK};
        line[PARTS * k + 2] = (jd_film_line){.06, k};
    }
    for (size_t f = 0; p && f < frames; f++)
        for (int k = 0; k < lanes; k++) {
            const int64_t at = (int64_t)f * EVERY, t = at < steps[k] ? at : steps[k] - 1;
            const double *s = states[k] + t * 5;
            const float y = (float)(-HEIGHT * k), x = (float)s[0];
            const float rows[PARTS][4] = {{-2.4f, y - .1f, 2.4f, y - .1f},
                                          {x - .2f, y, x + .2f, y},
                                          {x, y + .07f, x + (float)sin(s[2]), y + .07f + (float)cos(s[2])}};
            memcpy(p + (f * lines + (size_t)(PARTS * k)) * 4, rows, sizeof rows);
        }
    const jd_film f = {.x0 = -2.6,
                       .y0 = -HEIGHT * (lanes - 1) - .25,
                       .x1 = 2.6,
                       .y1 = 1.2,
                       .seconds = (double)frames * EVERY * .02,
                       .frames = frames,
                       .lines = lines,
                       .points = p,
                       .line = line};
    if (p && frames > 1) jd_report_film(jd_run_report(r), &f, caption);
    jd_free(jd_run_ctx(r), p);
}

/* What the network does not see, and what its cells hold meanwhile. */
static void traces(jd_run *r, const rl_learner *l, const rl_race *race, const jd_episodes *e)
{
    enum { SHOWN = 250 };
    static const char *const seen[] = {"x / 2.4", "angle / 0.21"}, *const hidden[] = {"speed (m/s)", "turn (rad/s)"};
    static float see[SHOWN * 2], hide[SHOWN * 2];
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t T = e->length[0] < SHOWN ? e->length[0] : SHOWN;
    float *gates, *cells;
    for (int64_t t = 0; t < T; t++)
        for (int k = 0; k < 2; k++) {
            const double *s = e->states + t * e->n * e->state;
            see[2 * t + k] = e->obs[t * e->n * e->input + k];
            hide[2 * t + k] = (float)s[2 * k + 1];
        }
    if (rl_inside(ctx, l, race, e, 0, &gates, &cells) || !cells) return;
    const size_t H = (size_t)race->method.policy.units;
    for (size_t i = 0; i < (size_t)T * H; i++) cells[i] = tanhf(cells[i]);
    jd_timeline *line = jd_timeline_new(ctx, "s", 0, .02 * (double)T);
    jd_timeline_lines(line, "seen", see, (size_t)T, 2, seen, 0, 0);
    jd_timeline_lines(line, "not seen", hide, (size_t)T, 2, hidden, 0, 0);
    jd_timeline_map(line, &(jd_map){.label = "cells (tanh c)",
                                    .value_label = "",
                                    .values = cells,
                                    .T = (size_t)T,
                                    .H = H,
                                    .y0 = 1,
                                    .y1 = (double)H,
                                    .vmin = -1,
                                    .vmax = 1,
                                    .colors = JD_DIVERGING,
                                    .height = 150});
    jd_report_timeline(jd_run_report(r), line,
                       "Five seconds of the policy: what it sees, the velocities that it does not, and its cells, some "
                       "of which follow them.");
    jd_free(ctx, gates);
    jd_free(ctx, cells);
}

static void show(jd_run *r, const rl_race *race, const int *which, int lanes)
{
    jd_ctx *ctx = jd_run_ctx(r);
    double *states[3] = {NULL};
    int64_t steps[3] = {0};
    const jd_play_options play = {.episodes = 1, .seed = 3, .time_limit = FILMED, .greedy = true, .states = true};
    jd_report_section(jd_run_report(r), "Balancing");
    for (int k = 0; k < lanes && !jd_error(ctx); k++) {
        rl_learner l = rl_learner_kept(ctx, &race[which[k]]);
        const jd_episodes *e = jd_error(ctx) ? NULL : rl_play(&l, &play);
        if (e) {
            steps[k] = e->length[0];
            states[k] = jd_alloc_array(ctx, (size_t)(e->T * e->state), sizeof **states);
            if (states[k]) memcpy(states[k], e->states, (size_t)(e->T * e->state) * sizeof **states);
            if (!k) traces(r, &l, &race[which[k]], e);
        }
        rl_learner_free(&l);
    }
    if (!jd_error(ctx))
        film(
            r, (const double *const *)states, steps, lanes,
            "From above: policy gradient with LSTM, advantage learning with LSTM, policy gradient without memory. The "
            "bottom one sees the same, cannot know which way the pole is moving, and stands still once it has failed.");
    for (int k = 0; k < lanes; k++) jd_free(ctx, states[k]);
}

/* ---- the run -----------------------------------------------------------------------------------------------------------*/

static void judge(bool good, int *met, char *why, size_t size, const char *what)
{
    *met += good;
    if (!good) snprintf(why + strlen(why), size - strlen(why), "%s%s", why[0] ? "; " : "", what);
}

static jd_status run(jd_run *r)
{
    static const char *const BLIND = "cart-pole-no-velocity";
    jd_ctx *ctx = jd_run_ctx(r);
    const int seeds = (int)jd_run_setting(r, "seeds"), cue = (int)jd_run_setting(r, "cue");
    if (seeds < 1 || seeds > RL_SEEDS || cue < 0 || cue > RL_SEEDS)
        return jd_fail(ctx, JD_EUSAGE, "pole-no-velocity-rl: %d seeds, %d with the cue; give 1 to %d, and 0 to %d",
                       seeds, cue, RL_SEEDS, RL_SEEDS);
    rl_race *race = jd_alloc_array(ctx, RACES, sizeof *race);
    jd_params *book = jd_params_new(ctx, JD_F64);
    jd_run_load(r, book);
    int n = 0;
    if (!jd_error(ctx)) {
        race[n++] = race_of(r, "gradient", gradients("policy gradient, LSTM", BLIND, JD_MEMORY_LSTM), "budget", seeds);
        race[n++] = race_of(r, "values", values("advantage learning, LSTM", BLIND, true), "budget", seeds);
        race[n++] = race_of(r, "gradient, no memory", gradients("policy gradient, no memory", BLIND, JD_MEMORY_NONE),
                            "control", seeds);
        race[n++] =
            race_of(r, "values, no memory", values("advantage learning, no memory", BLIND, false), "control", seeds);
        if (cue)
            race[n++] =
                race_of(r, "gradient, with the cue",
                        gradients("policy gradient, LSTM, actions exchanged by a cue", "cart-pole-cue", JD_MEMORY_LSTM),
                        "budget", cue);
    }
    bool whole = !jd_error(ctx);
    for (int i = 0; whole && i < n; i++) {
        jd_run_stage(r, "%s", race[i].method.label);
        whole = rl_race_run(r, book, &race[i]);
    }
    int met = 0;
    char why[300] = "";
    if (whole && !jd_error(ctx)) {
        judge(rl_solved(&race[0]) >= .8 * seeds - 1e-9, &met, why, sizeof why,
              "policy gradient: fewer than 4 of 5 solved");
        judge(rl_solved(&race[1]) >= .8 * seeds - 1e-9, &met, why, sizeof why,
              "advantage learning: fewer than 4 of 5 solved");
        judge(!rl_solved(&race[2]) && !rl_solved(&race[3]), &met, why, sizeof why, "a net without memory solved it");
        show(r, race, (const int[]){0, 1, 2}, 3);
        jd_report_section(jd_run_report(r), "Learning");
        rl_draw_curves(
            r, race, 4, "shortest of ten tests (steps)", 0, race[0].goal,
            "Steps that the pole stood in the shortest of ten test episodes, against the steps learned from; "
            "thin lines are seeds.");
        rl_draw_table(r, race, n, "mean steps",
                      "Solved: ten test episodes in which the pole stands to the end, with the action that the network "
                      "likes best; steps learned from until then. Last test: the shortest of ten episodes, mean of the "
                      "seeds.");
        rl_save(r, &race[0]);
        for (int i = 0; i < n; i++) jd_run_extra(r, race[i].name, rl_solved(&race[i]) / (double)race[i].seeds);
    }
    for (int i = 0; i < n; i++) rl_race_free(ctx, &race[i]);
    jd_params_free(book);
    jd_free(ctx, race);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? jd_run_finish(r, met, why[0] ? why : NULL) : jd_run_stopped(r);
}

static const jd_setting settings[] = {{"seeds", {2, 5, 10}, "learners of each kind"},
                                      {"steps", {TRIED, TRIED, 10 * TRIED}, "that the pole must stand"},
                                      {"budget", {1.5, 10, 10}, "million steps that a learner with memory may use"},
                                      {"control", {.2, 1, 5}, "million steps of a learner without"},
                                      {"cue", {0, 3, 10}, "learners that are told at the start which way is which"},
                                      {NULL}};

const jd_system jd_system_pole_rl = {
    .name = "pole-no-velocity-rl",
    .year = 2007,
    .title = "Balancing a pole without seeing velocities, learned from reward by gradient",
    .paper = "Wierstra, Foerster, Peters, Schmidhuber, ICANN 2007; Bakker, NIPS 14, 2001",
    .metric = "figures reached",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "LSTM solves a share of the runs, feed-forward nets none (recalled, not checked). The figures to reach: 4 "
        "of 5 learners by policy gradients, 4 of 5 by advantage learning, none without memory",
    .accept = {3, 3, 3},
    .about =
        "A cart is pushed left or right to keep a pole upright. The network sees position, angle and its own last "
        "push, but no velocity, and is told nothing but that the pole fell. Look at the film, and at the cells beside "
        "the velocities that are hidden.",
    .settings = settings,
    .run = run,
};
