/*
 * hq_learning.c - "hq-learning": agents that take turns, and learn when to hand over (M. Wiering, J. Schmidhuber,
 * HQ-learning, Adaptive Behavior 6(2):219-246, 1997).
 *
 * Many places of a maze look alike, and in some the same sight asks for different actions.  One policy without memory does
 * not arrive.  An ordered team of such policies can, when each learns where its part ends.
 */
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "hq_learning.h"

enum { TEAMS = 5, SEED_STRIDE = 1000 };
static const int team[TEAMS] = {1, 3, 4, 6, 8};

static void play(hq_arm *a, const hq_maze *m, uint64_t seed, int sim)
{
    hq_learner l;
    hq_learner_new(&l, m, &a->o, seed, (uint64_t)(sim * (HQ_AGENTS + 1) + a->o.agents));
    a->best[sim] = HQ_LIMIT;
    for (int t = 0; t < a->o.trials; t++) {
        hq_trial(&l, a->o.greedy[0] + (a->o.greedy[1] - a->o.greedy[0]) * t / a->o.trials);
        hq_learn(&l);
        const int k = (t + 1) / a->o.every - 1;
        if ((t + 1) % a->o.every || k >= HQ_TESTS) continue;
        hq_trial(&l, 1);
        a->tests = k + 1;
        a->curve[sim * HQ_TESTS + k] = a->last[sim] = l.arrived ? l.steps : HQ_LIMIT;
        a->best[sim] = fmin(a->best[sim], a->last[sim]);
        if (!a->shown.m || (l.arrived && (!a->shown.arrived || l.steps < a->shown.steps))) a->shown = l;
    }
}

static bool teams(jd_run *r, const hq_maze *m, hq_arm *arm, const hq_options *o, int sims)
{
    for (int k = 0; k < TEAMS; k++) {
        arm[k].o = *o;
        arm[k].o.agents = team[k];
        arm[k].sims = sims;
        if (team[k] == 1)
            snprintf(arm[k].label, sizeof arm[k].label, "flat Q(\u03bb)");
        else
            snprintf(arm[k].label, sizeof arm[k].label, "%d agents", team[k]);
        for (int s = 0; s < sims; s++) {
            play(&arm[k], m, SEED_STRIDE * jd_run_seed(r) + 1, s);
            if (jd_run_progress(r, k * sims + s + 1, TEAMS * sims, "%s, %s: %.0f steps", m->label, arm[k].label,
                                arm[k].last[s]))
                return false;
        }
    }
    return true;
}

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static double share(const hq_arm *a, const double *steps, double bound)
{
    double n = 0;
    for (int s = 0; s < a->sims; s++) n += steps[s] <= bound;
    return n / a->sims;
}

static void judge_h1(claims *c, const hq_maze *m, const hq_arm *arm)
{
    char what[CLAIMS_TEXT];
    const double six = share(&arm[3], arm[3].best, 1.2 * m->optimum),
                 eight = share(&arm[4], arm[4].best, 1.2 * m->optimum),
                 flat = share(&arm[0], arm[0].best, 1.2 * m->optimum);
    snprintf(what, sizeof what, "%s: 6 or 8 agents within 1.2 of the shortest in 80 %% of the simulations", m->label);
    claim(c, six >= .8 || eight >= .8, what, "%.0f %% and %.0f %%, in any test (in the last one %.0f %% and %.0f %%)",
          100 * six, 100 * eight, 100 * share(&arm[3], arm[3].last, 1.2 * m->optimum),
          100 * share(&arm[4], arm[4].last, 1.2 * m->optimum));
    snprintf(what, sizeof what, "%s: flat Q(\u03bb) in less than 5 %%", m->label);
    claim(c, flat < .05, what, "%.0f %%, in any test", 100 * flat);
}

static void judge_key(claims *c, const hq_maze *m, const hq_arm *arm)
{
    int best = 1, most = 1;
    for (int k = 1; k < TEAMS; k++) {
        if (share(&arm[k], arm[k].best, m->optimum) > share(&arm[best], arm[best].best, m->optimum)) best = k;
        if (share(&arm[k], arm[k].best, HQ_LIMIT - 1) > share(&arm[most], arm[most].best, HQ_LIMIT - 1)) most = k;
    }
    claim(c, share(&arm[best], arm[best].best, m->optimum) >= .05,
          "key and door: the shortest way in 5 % of the simulations",
          "%.0f %% with %s (3, 4, 6, 8 agents: %.0f, %.0f, %.0f, %.0f %%; paper: 8, 9, 8, 6 %%)",
          100 * share(&arm[best], arm[best].best, m->optimum), arm[best].label,
          100 * share(&arm[1], arm[1].best, m->optimum), 100 * share(&arm[2], arm[2].best, m->optimum),
          100 * share(&arm[3], arm[3].best, m->optimum), 100 * share(&arm[4], arm[4].best, m->optimum));
    claim(c, share(&arm[most], arm[most].best, HQ_LIMIT - 1) >= .8, "key and door: the goal in 80 % of the simulations",
          "%.0f %% with %s; flat Q(\u03bb) %.0f %%", 100 * share(&arm[most], arm[most].best, HQ_LIMIT - 1),
          arm[most].label, 100 * share(&arm[0], arm[0].best, HQ_LIMIT - 1));
}

/* ---- random walks --------------------------------------------------------------------------------------------------------------*/

/* How many of so many random walks arrive, and the shortest of them. */
static int wander(const hq_maze *m, uint64_t seed, int walks, int limit, int *best)
{
    jd_rng r = jd_rng_new(seed, "hq/random", 0);
    int arrived = 0;
    *best = 0;
    for (int i = 0; i < walks; i++) {
        int s = m->start, t = 0;
        for (; t < limit && hq_place(s) != m->goal; t++) s = m->next[s][jd_rng_u32(&r) & 3];
        if (hq_place(s) != m->goal) continue;
        arrived++;
        if (!*best || t < *best) *best = t;
    }
    return arrived;
}

static void random_table(jd_run *r, const hq_maze *const *m, int n)
{
    char cell[HQ_MAZES][4][64];
    const char *cells[HQ_MAZES * 4];
    for (int i = 0; i < n; i++) {
        int best, at;
        const int few = wander(m[i], jd_run_seed(r), 20000, HQ_LIMIT, &best),
                  many = wander(m[i], jd_run_seed(r) + 1, 3000, 10000, &at);
        snprintf(cell[i][0], 64, "%s", m[i]->label);
        snprintf(cell[i][1], 64, "%d free, %d sights, shortest %d", m[i]->free, m[i]->sights, m[i]->optimum);
        snprintf(cell[i][2], 64, few ? "%d arrive; the best in %d steps" : "none arrives", few, best);
        snprintf(cell[i][3], 64, many ? "%d arrive; the best in %d steps" : "none arrives", many, at);
        for (int k = 0; k < 4; k++) cells[4 * i + k] = cell[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"maze", "", "20,000 random walks of 1000 steps", "3000 of 10,000 steps"}, cells,
        (size_t)n, 4,
        "How hard it is to meet the goal by chance. In the paper's maze with a key none of 20,000 did, and the "
        "best of 3000 long ones took 1174 steps.");
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

static void show(jd_run *r, const hq_maze *m, const hq_arm *arm)
{
    static const char *const title[HQ_MAZES] = {"The zigzag", "The maze of 10 x 10", "Key and door"};
    static const char *const tables[HQ_MAZES] = {
        "The zigzag: 5 corridors, in which the same sight asks for east and for west.",
        "A maze as the paper describes it: 62 places, 9 sights, shortest way of 28 steps, no policy without memory "
        "arrives (all 4^9 were tried), nor do two agents find the shortest way. The paper's own drawing is a picture; "
        "this one was found from a seed.",
        "26 x 23 places, the door opens once the key is held, and is a wall before. 11 sights, shortest way of 83 "
        "steps, as the paper describes its own; three agents can go it. The paper: the shortest way in 8, 9, 8, 6 % "
        "of the simulations with 3, 4, 6, 8 agents."};
    const int kind = m->key >= 0 ? HQ_KEY : m->w == 10 ? HQ_TEN : HQ_ZIGZAG;
    jd_report_section(jd_run_report(r), title[kind]);
    hq_draw_maze(
        r, m, kind == HQ_KEY ? arm + 1 : arm, kind == HQ_KEY ? TEAMS - 1 : TEAMS,
        "The best test of all simulations. Each agent walks in a colour of its own; a ring is where one has seen "
        "its subgoal and the next takes over. Start black, goal green.");
    hq_draw_curves(r, m, arm, TEAMS);
    hq_draw_table(r, m, arm, TEAMS, tables[kind]);
    hq_draw_values(r, &arm[kind == HQ_KEY ? 2 : 4]);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int sims = (int)jd_run_setting(r, "sims"), key_sims = (int)jd_run_setting(r, "key_sims"),
              trials = (int)jd_run_setting(r, "trials");
    if (!(sims >= 1 && sims <= HQ_SIMS && key_sims >= 0 && key_sims <= HQ_SIMS && trials >= HQ_TESTS))
        return jd_fail(ctx, JD_EUSAGE, "hq-learning: sims is 1 to %d, key_sims 0 to %d, trials at least %d", HQ_SIMS,
                       HQ_SIMS, HQ_TESTS);
    const int every = trials < 500 * HQ_TESTS ? trials >= 20000 ? 500 : trials / 40 : trials / HQ_TESTS;
    const hq_options h1 = {.reward = 100,
                           .discount = .9,
                           .lambda = .9,
                           .rate = jd_run_setting(r, "rate"),
                           .subgoal_rate = jd_run_setting(r, "subgoal_rate"),
                           .temperature = jd_run_setting(r, "temperature"),
                           .greedy = {jd_run_setting(r, "greedy_first"), jd_run_setting(r, "greedy_last")},
                           .trials = trials,
                           .every = every};
    hq_options h2 = h1;
    h2.reward = 500, h2.cost = .1, h2.discount = 1;
    h2.rate = .05, h2.subgoal_rate = .01, h2.temperature = .2;
    h2.greedy[0] = .4, h2.greedy[1] = .8;
    hq_maze *m = jd_alloc_array(ctx, HQ_MAZES, sizeof *m);
    hq_arm *arm = jd_alloc_array(ctx, HQ_MAZES * TEAMS, sizeof *arm);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    const hq_maze *made[HQ_MAZES];
    int n = 0;
    bool whole = m && arm && c;
    for (int k = 0; k < HQ_MAZES && whole; k++) {
        if (k == HQ_KEY && !key_sims) break;
        jd_run_stage(r, k == HQ_ZIGZAG ? "the zigzag" : k == HQ_TEN ? "10 x 10" : "key and door");
        whole = hq_maze_new(ctx, &m[k], (hq_kind)k, (uint64_t)jd_run_setting(r, "maze")) &&
                teams(r, &m[k], arm + TEAMS * k, k == HQ_KEY ? &h2 : &h1, k == HQ_KEY ? key_sims : sims);
        made[n++] = &m[k];
    }
    if (whole) {
        c->r = r;
        for (int k = 0; k < n; k++) (k == HQ_KEY ? judge_key : judge_h1)(c, &m[k], arm + TEAMS * k);
        claims_table(c, "The paper's tasks, in mazes of this program.");
        for (int k = 0; k < n; k++) show(r, &m[k], arm + TEAMS * k);
        jd_report_section(jd_run_report(r), "Random walks");
        random_table(r, made, n);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    jd_free(ctx, m);
    jd_free(ctx, arm);
    jd_free(ctx, c);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? JD_OK : jd_run_stopped(r);
}

static const jd_setting settings[] = {{"sims", {4, 20, 100}, "simulations of each team in the first two mazes"},
                                      {"key_sims", {0, 20, 100}, "in the maze with key and door; 0: leave it out"},
                                      {"trials", {20000, 20000, 20000}, "of each simulation"},
                                      {"maze", {3, 3, 3}, "seed of the two mazes that are found by trying"},
                                      {"rate", {.05, .05, .05}, "of Q, in the first two mazes"},
                                      {"subgoal_rate", {.1, .1, .1}, "of HQ"},
                                      {"temperature", {.5, .5, .5}, "of Boltzmann's rule, where the best is not taken"},
                                      {"greedy_first", {.9, .9, .9}, "share of choices that are the best, at first"},
                                      {"greedy_last", {1, 1, 1}, "and in the end"},
                                      {NULL}};

const jd_system jd_system_hq_learning = {
    .name = "hq-learning",
    .year = 1997,
    .title = "HQ-learning: agents without memory that take turns, and learn where their parts end",
    .paper = "Wiering, Schmidhuber, Adaptive Behavior 6(2), 1997",
    .metric = "claims that hold, of 6 (quick: 4)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "key and door: shortest way in 8, 9, 8, 6 % of 100 simulations with 3, 4, 6, 8 agents, good policies in "
        "almost all. The drawings are pictures; the mazes here are others with the same numbers",
    .accept = {4, 6, 6},
    .about =
        "In these mazes an agent sees no more than which of the four neighbours are walls, and the same sight asks "
        "for different actions in different places: no policy without memory arrives. HQ-learning has several such "
        "policies, which take turns: each chooses a sight as its subgoal, acts until it sees that, and hands over to "
        "the next. Which subgoals are good is learned as values are, and the only memory of the whole is whose turn "
        "it is. Look at the colours of the ways: each is one agent.",
    .data = "",
    .settings = settings,
    .run = run,
};
