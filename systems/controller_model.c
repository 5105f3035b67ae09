/*
 * controller_model.c - "controller-model": a recurrent controller that learns by gradients through a recurrent model of the
 * world, and plans with it (J. Schmidhuber, FKI-126-90, revised; IJCNN 1990, vol. II, p. 253; NIPS 3, 1991).
 */
#include <math.h>
#include <string.h>

#include "claims.h"
#include "controller.h"

typedef struct work {
    claims c;
    cm_flipflop flipflop;
    cm_pole pole;
    cm_maze maze;
} work;

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static int above(const double *v, int n, double bound)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += v[i] > bound;
    return count;
}

static double mean(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i];
    return sum / n;
}

static double least(const double *v, int n)
{
    double m = v[0];
    for (int i = 1; i < n; i++) m = fmin(m, v[i]);
    return m;
}

/* At least `of` tenths of n seeds. */
static bool tenths(int good, int n, int of)
{
    return 10 * good >= of * n;
}

static void judge_gradients(work *w, jd_ctx *ctx)
{
    const cm_options o[] = {{.task = CM_FLIPFLOP, .controller = 8, .model = 8},
                            {.task = CM_POLE, .controller = 8, .model = 8},
                            {.task = CM_MAZE, .controller = 8, .model = 8, .lstm = true, .soft = true}};
    double off[3];
    for (int k = 0; k < 3; k++) off[k] = cm_check(ctx, &o[k]);
    const double worst = fmax(off[0], fmax(off[1], off[2]));
    if (!jd_error(ctx))
        claim(&w->c, worst <= 1e-6, "the gradient for C through M is that of central differences, to 1e-6, in float64",
              "%.1e, %.1e, %.1e (flip-flop, pole, maze)", off[0], off[1], off[2]);
}

static void judge_flipflop(work *w)
{
    const cm_flipflop *f = &w->flipflop;
    static const char *const what[CM_WAYS] = {
        "flip-flop, M first: over 90 % of the bits right in every seed (1990: 6 of 10 runs)",
        "flip-flop, M and C in parallel: the same (1990: 20 of 30 runs)"};
    for (int way = 0; way < CM_WAYS; way++) {
        const int good = above(f->bits[way], f->seeds, .9);
        claim(&w->c, good == f->seeds, what[way], "%d of %d seeds; mean %.2f %%, least %.2f %%", good, f->seeds,
              100 * mean(f->bits[way], f->seeds), 100 * least(f->bits[way], f->seeds));
    }
    jd_run_extra(w->c.r, "flipflop_bits", 100 * mean(f->bits[CM_SEQUENTIAL], f->seeds));
    jd_run_extra(w->c.r, "flipflop_bits_parallel", 100 * mean(f->bits[CM_PARALLEL], f->seeds));
}

static void judge_pole(work *w)
{
    const cm_pole *f = &w->pole;
    const int n = f->seeds, good = above(f->whole[CM_ALONE], n, .5);
    const double c = mean(f->steps[CM_ALONE], n), plan = mean(f->steps[CM_PLANNED], n),
                 both = mean(f->steps[CM_TOGETHER], n);
    claim(&w->c, tenths(good, n, 6), "pole without speeds: 1,000 steps in one of 30 episodes at least, 6 of 10 seeds",
          "%d of %d seeds; %.1f of 30 episodes in the mean, %.0f steps", good, n, mean(f->whole[CM_ALONE], n), c);
    claim(&w->c, plan >= c - 1e-9, "planning alone: the pole stands as long as with C",
          "%.0f and %.0f steps; %.1f of 30 episodes whole", plan, c, mean(f->whole[CM_PLANNED], n));
    claim(&w->c, both >= c - 1e-9, "planning from what C proposes: the same",
          "%.0f and %.0f steps; %.1f of 30 episodes whole", both, c, mean(f->whole[CM_TOGETHER], n));
    jd_run_extra(w->c.r, "pole_steps", c);
    jd_run_extra(w->c.r, "pole_steps_planning", plan);
    jd_run_extra(w->c.r, "pole_steps_both", both);
}

static void judge_maze(work *w)
{
    const cm_maze *f = &w->maze;
    const int n = f->seeds < CM_SOFT_SEEDS ? f->seeds : CM_SOFT_SEEDS;
    const int good = above(f->right[CM_HARD], f->seeds, 1.5), soft = above(f->right[CM_SOFT], n, 1.5);
    claim(&w->c, tenths(good, f->seeds, 8), "maze: the goal is found for both flags, 8 of 10 seeds",
          "%d of %d seeds; %d of %d with soft actions in place of drawn ones", good, f->seeds, soft, n);
    jd_run_extra(w->c.r, "maze_seeds", good);
    jd_run_extra(w->c.r, "maze_seeds_soft", soft);
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

static bool sensible(jd_run *r, const work *w)
{
    static const char *const whole[] = {"flipflop_updates", "flipflop_warm", "pole_random",  "pole_fit",
                                        "pole_refresh",     "pole_updates",  "maze_random",  "maze_fit",
                                        "maze_refresh",     "maze_cycles",   "maze_updates", "plan_rounds",
                                        "plan_cycles",      "plan_choose"};
    const int seeds[] = {w->flipflop.seeds, w->pole.seeds, w->maze.seeds};
    for (size_t i = 0; i < 3; i++)
        if (seeds[i] < (i < 2) || seeds[i] > CM_SEEDS) return false; /* the maze may be left out */
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (!(jd_run_setting(r, whole[i]) >= 1 && jd_run_setting(r, whole[i]) <= 1e6)) return false;
    const double dream = jd_run_setting(r, "pole_dream"), horizon = jd_run_setting(r, "plan_horizon"),
                 window = jd_run_setting(r, "pole_window"), plan_window = jd_run_setting(r, "plan_window"),
                 units = jd_run_setting(r, "maze_units");
    return w->pole.cycles >= 1 && w->pole.cycles < CM_CYCLES && dream >= 2 && dream <= 400 && horizon >= 2 &&
           horizon <= 400 && window >= 3 && window <= 400 && plan_window >= 3 && plan_window <= 400 && units >= 1 &&
           units <= 64 && jd_run_setting(r, "pole_random") >= 30 && jd_run_setting(r, "plan_choose") <= 1000 &&
           jd_run_setting(r, "maze_random") >= 64;
}

static jd_status learn(jd_run *r, work *w)
{
    jd_ctx *ctx = jd_run_ctx(r);
    judge_gradients(w, ctx);
    for (int i = 0; i < w->flipflop.seeds && !jd_error(ctx); i++) cm_flipflop_learn(r, &w->flipflop, i);
    if (!jd_error(ctx)) judge_flipflop(w);
    for (int i = 0; i < w->pole.seeds && !jd_error(ctx); i++) cm_pole_learn(r, &w->pole, i);
    if (!jd_error(ctx)) judge_pole(w);
    for (int i = 0; i < w->maze.seeds && !jd_error(ctx); i++) cm_maze_learn(r, &w->maze, i);
    if (!jd_error(ctx) && w->maze.seeds) judge_maze(w);
    return jd_error(ctx);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    work *w = jd_alloc_array(ctx, 1, sizeof *w);
    if (!w) return jd_error(ctx);
    w->c.r = r;
    w->flipflop.seeds = (int)jd_run_setting(r, "flipflop_seeds");
    w->pole.seeds = (int)jd_run_setting(r, "pole_seeds");
    w->pole.cycles = (int)jd_run_setting(r, "pole_cycles");
    w->maze.seeds = (int)jd_run_setting(r, "maze_seeds");
    for (size_t i = 0; i < sizeof w->pole.curve / sizeof *w->pole.curve; i++)
        w->pole.curve[i] = w->pole.error[i] = (double)NAN;
    for (int k = 0; k < CM_KINDS; k++)
        for (size_t i = 0; i < sizeof w->maze.curve[k] / sizeof *w->maze.curve[k]; i++)
            w->maze.curve[k][i] = (double)NAN;
    if (!sensible(r, w))
        jd_fail(
            ctx, JD_EUSAGE,
            "controller-model: seeds are 1 to %d, maze_seeds 0 or more, pole_cycles 1 to %d, pole_random at least 30, "
            "maze_random at least 64, dreams and plans 2 to 400 steps, plan_choose at most 1000, maze_units 1 to 64, "
            "the rest at least 1",
            CM_SEEDS, CM_CYCLES - 1);
    else if (!learn(r, w)) {
        claims_table(&w->c,
                     "Bounds are this program's, after public re-makes; the report of 1990 itself was not at hand.");
        cm_report_flipflop(r, &w->flipflop);
        cm_report_pole(r, &w->pole);
        if (w->maze.seeds) cm_report_maze(r, &w->maze);
        jd_run_finish(r, w->c.hold, w->c.hold < w->c.n ? "see the table of claims" : NULL);
    }
    for (int k = 0; k < CM_ACTORS; k++) {
        jd_free(ctx, w->pole.path[k]);
        jd_free(ctx, w->pole.force[k]);
    }
    jd_free(ctx, w);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"flipflop_seeds", {3, 10, 10}, "pairs of each kind"},
    {"flipflop_updates", {3000, 3000, 3000}, "of C, with 8 episodes of 20 steps each"},
    {"flipflop_warm", {500, 500, 500}, "of M alone before both learn in parallel"},
    {"flipflop_rate_m", {.01, .01, .01}, "learning rate of M"},
    {"flipflop_rate_c", {.005, .005, .005}, "learning rate of C"},
    {"flipflop_noise", {.5, .5, .5}, "on C's output before it is squashed"},
    {"pole_seeds", {2, 10, 10}, "pairs"},
    {"pole_random", {600, 600, 600}, "random episodes at first"},
    {"pole_cycles", {6, 6, 6}, "M, then C, at most"},
    {"pole_fit", {2000, 2000, 2000}, "of M at first, with 32 windows each"},
    {"pole_refresh", {1000, 1000, 1000}, "of M in later cycles"},
    {"pole_window", {50, 50, 50}, "steps"},
    {"pole_rate_m", {.005, .005, .005}, "learning rate of M"},
    {"pole_updates", {400, 400, 400}, "of C in a cycle, with 8 dreams each"},
    {"pole_dream", {50, 50, 50}, "steps of a dream"},
    {"pole_rate_c", {.005, .005, .005}, "learning rate of C"},
    {"pole_noise", {.1, .1, .1}, "on C's output before it is squashed"},
    {"plan_cycles", {6, 6, 6}, "of planned episodes that M learns from, at most"},
    {"plan_choose",
     {30, 100, 100},
     "episodes that plans have to hold in, or M goes on learning; thirty often miss one of thirty that falls"},
    {"plan_window", {200, 200, 200}, "steps, when M learns from plans"},
    {"plan_horizon", {50, 50, 50}, "steps"},
    {"plan_rounds", {10, 10, 10}, "of gradient descent for each real step"},
    {"plan_rate", {.5, .5, .5}, "the most by which an action moves in a round, before it is squashed"},
    {"maze_seeds", {0, 10, 10}, "pairs of each kind; 0: the maze is left out"},
    {"maze_units", {32, 32, 32}, "of M"},
    {"maze_random", {2000, 2000, 2000}, "random episodes at first"},
    {"maze_cycles", {4, 4, 4}, "M, then C, at most"},
    {"maze_fit", {8000, 8000, 8000}, "of M at first, with 64 episodes each"},
    {"maze_refresh", {2000, 2000, 2000}, "of M in each cycle, with noise on its actions"},
    {"maze_rate_m",
     {.02, .02, .02},
     "learning rate of M; with a fourth of it M does not find out what the flag is for"},
    {"maze_updates", {800, 800, 800}, "of C in a cycle, with 32 dreams each"},
    {"maze_rate_c", {.01, .01, .01}, "learning rate of C"},
    {"maze_blur", {.4, .4, .4}, "standard deviation of noise on M's actions while it learns"},
    {"maze_heat", {.1, .1, .1}, "paid for the entropy of a choice at first; falls in a straight line"},
    {"maze_floor", {.3, .3, .3}, "the share of maze_heat that is left"},
    {NULL, {0}, NULL}};

const jd_system jd_system_controller_model = {
    .name = "controller-model",
    .year = 1990,
    .title = "A recurrent controller learns through a recurrent model of the world, and plans with it",
    .paper = "J. Schmidhuber: Making the world differentiable. FKI-126-90, 1990; An on-line algorithm for dynamic "
             "reinforcement learning and planning in reactive environments. IJCNN 1990; Reinforcement learning in "
             "Markovian and non-Markovian environments. NIPS 3, 1991",
    .metric = "claims that hold, of 7 (quick: 6)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "1990, as told by a public re-make: flip-flop solved in 6 of 10 runs (M first) and 20 of 30 (in "
                  "parallel) within a million steps; the pole's criterion was 1,000 steps",
    .accept = {6, 7, 7},
    .about = "M, a recurrent net, learns what comes next and what hurts. C, another one, acts. Pain is no function "
             "that could be differentiated, but M's prediction of it is: errors flow back through M's fixed weights "
             "into C's actions, and on through C's and M's own feedback to what was seen before. C is never told what "
             "it should have done. The same gradient with respect to the actions alone makes plans at run time.",
    .data = "",
    .settings = settings,
    .run = run,
};
