/*
 * subgoals.c - "subgoals": a net that learns to plan by inventing subgoals (J. Schmidhuber, ICANN 1991; J. Schmidhuber,
 * R. Wahnsiedler, SAB 1992).
 *
 * An executor can go straight to a point and sees no obstacles.  An evaluator knows what a straight leg from one point to
 * another costs: in closed form, or learned from legs that were walked.  A generator looks at the arena, says K points, and
 * learns by gradient descent on the summed cost of the legs, through the evaluator.
 */
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "subgoals.h"

enum {
    STRAIGHT,
    BLIND,
    STEP_BY_STEP,
    SINGLE,
    AT_ONCE,
    LEARNED,
    STRAIGHT12,
    TWELVE,
    RECURSIVE,
    STRAIGHT_W,
    WALLED,
    ARMS,
    DEEPEST = 3,
    FEW = 3 /* seeds of the controls */
};
#define DOUBT 1.6 /* of danger along a leg: above, the generator is asked again about it */

/* The points of a plan for one arena: subgoals, and the goal.  With more than one level left, legs that the closed form doubts
 * are planned in turn; their subgoals count only where they make the leg better. */
static int plan(sg_generator *g, const sg_arena *a, int levels, bool part, double (*way)[2])
{
    double s[1][SG_ASKED][2], before, after = 0, from[2] = {a->start[0], a->start[1]};
    const int K = sg_rule[g->world].subgoals;
    int n = 0;
    if (!sg_generator_ask(g, a, 1, s)) return 0;
    for (int k = 0; k <= K; k++) {
        double more = 0;
        const double *to = k < K ? s[0][k] : a->goal;
        if (levels > 1 || part) sg_cost(a, from, to, &more);
        after += more;
        if (levels > 1 && more > DOUBT) {
            sg_arena leg = *a;
            memcpy(leg.start, from, sizeof from);
            memcpy(leg.goal, to, sizeof leg.goal);
            n += plan(g, &leg, levels - 1, true, way + n);
        } else {
            memcpy(way[n++], to, sizeof *way);
        }
        memcpy(from, to, sizeof from);
    }
    if (!part) return n;
    sg_cost(a, a->start, a->goal, &before);
    if (after < before) return n;
    memcpy(way[0], a->goal, sizeof *way);
    return 1;
}

static void test(jd_run *r, sg_arm *arm, sg_generator *g, const sg_executor *e, int seed, bool recursive)
{
    jd_ctx *ctx = jd_run_ctx(r);
    sg_walk *w = jd_alloc_array(ctx, 1, sizeof *w);
    double way[SG_WAY][2], length = 0;
    int end[3] = {0};
    for (int i = 0; w && i < arm->tests && !jd_error(ctx); i++) {
        sg_arena a;
        sg_arena_new(&a, arm->world, jd_run_seed(r), "subgoals/test", (uint64_t)(seed * arm->tests + i), false);
        int n = 1;
        if (g)
            n = plan(g, &a, recursive ? DEEPEST : 1, false, way);
        else
            memcpy(way[0], a.goal, sizeof *way);
        sg_go(&a, e, a.start, (const double(*)[2])way, n, w);
        end[w->end]++;
        if (w->end == SG_ARRIVED) length += w->length / hypot(a.goal[0] - a.start[0], a.goal[1] - a.start[1]);
        if (seed || arm->shows == SG_SHOWN) continue;
        sg_shown *s = &arm->shown[arm->shows++];
        s->arena = a;
        s->n = n;
        memcpy(s->way, way, (size_t)n * sizeof *way);
        s->walk = *w;
    }
    arm->success[seed] = (double)end[SG_ARRIVED] / arm->tests;
    arm->crashed[seed] = (double)end[SG_CRASHED] / arm->tests;
    arm->late[seed] = (double)end[SG_LATE] / arm->tests;
    arm->length[seed] = end[SG_ARRIVED] ? length / end[SG_ARRIVED] : (double)NAN;
    jd_free(ctx, w);
}

static bool one_generator(jd_run *r, sg_arm *arm, sg_arm *recursive, sg_generator g, const sg_executor *e, int seed)
{
    static const char *const steps[SG_WORLDS] = {"steps", "steps12", "steps_walls"};
    g.world = arm->world;
    g.hidden = (int)jd_run_setting(r, arm->world == SG_TWELVE ? "units12" : "units");
    bool whole = sg_generator_train(r, &g, seed, (int)jd_run_setting(r, steps[arm->world]),
                                    arm->curve + seed * SG_CURVE, SG_CURVE);
    if (whole) {
        test(r, arm, &g, e, seed, false);
        if (recursive) test(r, recursive, &g, e, seed, true);
        jd_run_note(r, "%s, %s, seed %d: %.1f %%", sg_rule[arm->world].label, arm->label, seed + 1,
                    100 * arm->success[seed]);
        if (!seed && arm->world == SG_THREE && g.plans > 1 && g.by == SG_CLOSED) jd_run_save(r, g.params, 0, true);
    }
    sg_generator_free(jd_run_ctx(r), &g);
    return whole && !jd_error(jd_run_ctx(r));
}

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static double mean(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] / n;
    return sum;
}

static void least_and_most(const double *v, int n, double *least, double *most)
{
    *least = *most = v[0];
    for (int i = 1; i < n; i++) *least = fmin(*least, v[i]), *most = fmax(*most, v[i]);
}

static void judge_arm(claims *c, const sg_arm *a, double bound, const char *what)
{
    double least, most;
    const double got = mean(a->success, a->seeds);
    least_and_most(a->success, a->seeds, &least, &most);
    claim(c, bound > 0 ? got >= bound : got == 0, what, "%.1f %% (%.1f to %.1f), %d seeds of %d arenas", 100 * got,
          100 * least, 100 * most, a->seeds, a->tests);
}

static void judge(claims *c, const sg_arm *arm)
{
    judge_arm(c, &arm[AT_ONCE], .95, "three discs, evaluator in closed form: at least 95 % arrive");
    const double blind = mean(arm[BLIND].success, arm[BLIND].seeds),
                 sees = mean(arm[SINGLE].success, arm[SINGLE].seeds);
    claim(c, sees > blind, "one plan only: better than one detour for all arenas", "%.1f %%, against %.1f %%",
          100 * sees, 100 * blind);
    judge_arm(c, &arm[LEARNED], .90, "three discs, evaluator learned from walks: at least 90 %");
    judge_arm(c, &arm[STRAIGHT], 0, "without subgoals: 0 %");
    if (!arm[TWELVE].seeds) return;
    const double once = mean(arm[TWELVE].success, arm[TWELVE].seeds),
                 again = mean(arm[RECURSIVE].success, arm[TWELVE].seeds);
    claim(c, again > once, "twelve discs: asking again about doubtful legs helps",
          "%.1f %% to %.1f %%; straight %.1f %%", 100 * once, 100 * again, 100 * arm[STRAIGHT12].success[0]);
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

static bool learned_arm(jd_run *r, sg_arm *arm, const sg_executor *e, int seed, sg_evaluator *first)
{
    sg_evaluator other = {0}, *v = seed ? &other : first;
    bool whole =
        sg_evaluator_train(r, e, v, seed, (int)jd_run_setting(r, "legs"), (int)jd_run_setting(r, "judge_steps"));
    if (whole)
        jd_run_note(r, "evaluator, seed %d: error %.3f, %.1f %% of crashes told from arrivals", seed + 1, v->error,
                    100 * v->right);
    whole = whole &&
            one_generator(r, arm, NULL,
                          (sg_generator){.by = SG_LEARNED, .evaluator = v, .plans = (int)jd_run_setting(r, "plans")}, e,
                          seed);
    if (seed) sg_evaluator_free(v);
    return whole;
}

static bool all_arms(jd_run *r, sg_arm *arm, const sg_executor *e, sg_evaluator *v)
{
    const int plans = (int)jd_run_setting(r, "plans");
    bool whole = true;
    jd_run_stage(r, "three discs");
    for (int s = 0; s < arm[AT_ONCE].seeds && whole; s++) {
        test(r, &arm[STRAIGHT], NULL, e, s, false);
        whole = one_generator(r, &arm[AT_ONCE], NULL, (sg_generator){.plans = plans}, e, s) &&
                learned_arm(r, &arm[LEARNED], e, s, v);
        if (whole && s < arm[BLIND].seeds)
            whole = one_generator(r, &arm[BLIND], NULL, (sg_generator){.blind = true, .plans = 1}, e, s) &&
                    one_generator(r, &arm[SINGLE], NULL, (sg_generator){.plans = 1}, e, s) &&
                    one_generator(r, &arm[STEP_BY_STEP], NULL, (sg_generator){.recurrent = true, .plans = 1}, e, s);
    }
    if (whole && arm[TWELVE].seeds) jd_run_stage(r, "twelve discs");
    for (int s = 0; s < arm[TWELVE].seeds && whole; s++) {
        test(r, &arm[STRAIGHT12], NULL, e, s, false);
        whole = one_generator(r, &arm[TWELVE], &arm[RECURSIVE], (sg_generator){.plans = plans}, e, s);
    }
    if (whole && arm[WALLED].seeds) jd_run_stage(r, "three walls");
    for (int s = 0; s < arm[WALLED].seeds && whole; s++) {
        test(r, &arm[STRAIGHT_W], NULL, e, s, false);
        whole = one_generator(r, &arm[WALLED], NULL, (sg_generator){.plans = 1}, e, s);
    }
    return whole && !jd_error(jd_run_ctx(r));
}

static void draw(jd_run *r, const sg_arm *arm, sg_evaluator *v)
{
    const bool hard = arm[TWELVE].seeds > 0;
    jd_report_section(jd_run_report(r), "Ways through arenas");
    sg_draw_film(r, &arm[hard ? RECURSIVE : AT_ONCE]);
    sg_draw_ways(
        r, &arm[AT_ONCE], SG_SHOWN,
        "Unseen arenas. Start black, goal green, discs grey; the two subgoals and the straight legs between them "
        "orange, the executor's steps blue. The evaluator has chosen among the plans that the generator proposes.");
    sg_draw_landscape(r, v, &arm[LEARNED]);
    sg_draw_ways(r, &arm[LEARNED], SG_SHOWN,
                 "The same arenas: plans of the generator that learned through the learned evaluator.");
    sg_draw_ways(r, &arm[BLIND], 4, "A generator that does not see the discs finds one detour for all arenas.");
    sg_draw_ways(r, &arm[STRAIGHT], 4, "Without subgoals.");
    if (hard) {
        sg_draw_ways(
            r, &arm[TWELVE], 4,
            "Twelve discs, twice the side: four subgoals at once. The generator prefers the rim, where few discs are.");
        sg_draw_ways(
            r, &arm[RECURSIVE], 4,
            "The same arenas; where the evaluator doubts a leg, the generator is asked for subgoals of that leg, "
            "up to three deep.");
        sg_draw_ways(r, &arm[WALLED], 4,
                     "Three walls with a gap each: three subgoals. This program's arena; no figure was published for "
                     "one like it.");
    }
    sg_draw_arms(r, arm, hard ? ARMS : LEARNED + 1);
    sg_draw_curves(r, arm, ARMS);
}

static jd_status run(jd_run *r)
{
    static const char *const label[ARMS] = {"straight to the goal",
                                            "one detour: the generator sees no discs",
                                            "one plan, subgoal after subgoal",
                                            "one plan",
                                            "best of the plans",
                                            "best of the plans, evaluator learned",
                                            "straight to the goal",
                                            "best of the plans",
                                            "and again for doubtful legs",
                                            "straight to the goal",
                                            "one plan"};
    jd_ctx *ctx = jd_run_ctx(r);
    const int seeds = (int)jd_run_setting(r, "seeds"), hard = (int)jd_run_setting(r, "hard_seeds"),
              tests = (int)jd_run_setting(r, "tests");
    if (!(seeds >= 1 && seeds <= SG_SEEDS && hard >= 0 && hard <= SG_SEEDS && tests >= SG_SHOWN &&
          jd_run_setting(r, "steps") >= 1 && jd_run_setting(r, "plans") >= 1 &&
          jd_run_setting(r, "plans") <= SG_PLANS && jd_run_setting(r, "legs") >= 1))
        return jd_fail(ctx, JD_EUSAGE,
                       "subgoals: seeds is 1 to %d, hard_seeds 0 to %d, tests at least %d, plans 1 to %d, steps and "
                       "legs at least 1",
                       SG_SEEDS, SG_SEEDS, SG_SHOWN, SG_PLANS);
    sg_arm *arm = jd_alloc_array(ctx, ARMS, sizeof *arm);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    sg_executor e;
    sg_evaluator v = {0};
    double error = 0;
    for (int i = 0; arm && i < ARMS; i++) {
        arm[i].label = label[i];
        arm[i].world = i < STRAIGHT12 ? SG_THREE : i < STRAIGHT_W ? SG_TWELVE : SG_WALLED;
        arm[i].seeds = i >= STRAIGHT12 ? hard : i >= BLIND && i <= SINGLE && seeds > FEW ? FEW : seeds;
        arm[i].tests = tests;
    }
    jd_run_stage(r, "the executor");
    bool whole = arm && c && sg_executor_train(r, &e, (int)jd_run_setting(r, "executor_steps"), &error);
    if (whole) jd_run_note(r, "executor: steps of 0.4 are off by %.4f", error);
    whole = whole && all_arms(r, arm, &e, &v);
    if (whole) {
        c->r = r;
        judge(c, arm);
        claims_table(c, "Means over the seeds, smallest and largest.");
        draw(r, arm, &v);
        jd_run_extra(r, "closed_form", 100 * mean(arm[AT_ONCE].success, seeds));
        jd_run_extra(r, "step_by_step", 100 * mean(arm[STEP_BY_STEP].success, arm[STEP_BY_STEP].seeds));
        jd_run_extra(r, "learned", 100 * mean(arm[LEARNED].success, seeds));
        jd_run_extra(r, "evaluator_error", v.error);
    }
    if (whole) jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    sg_evaluator_free(&v);
    jd_free(ctx, arm);
    jd_free(ctx, c);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? JD_OK : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"seeds", {2, 10, 30}, "generators of each kind for three discs"},
    {"hard_seeds", {0, 3, 10}, "for twelve discs and for walls; 0: leave them out"},
    {"tests", {100, 200, 1000}, "arenas for each"},
    {"steps",
     {2000, 1200, 5000},
     "updates of a generator, of 128 arenas each; more of them where only two generators are averaged"},
    {"steps12", {1500, 1500, 20000}, "with twelve discs"},
    {"steps_walls", {3000, 3000, 10000}, "with walls"},
    {"rate", {.003, .003, .003}, "of the generator, at first"},
    {"plans", {4, 4, 4}, "that a generator proposes; the evaluator chooses"},
    {"units", {96, 96, 96}, "in each of the generator's two hidden layers"},
    {"units12", {128, 128, 256}, "with twelve discs"},
    {"legs", {20000, 20000, 20000}, "walked, to learn the evaluator from"},
    {"judge_steps", {10000, 10000, 40000}, "updates of the evaluator, of 128 legs each"},
    {"executor_steps", {3000, 3000, 3000}, "updates of the executor"},
    {NULL}};

const jd_system jd_system_subgoals = {
    .name = "subgoals",
    .year = 1991,
    .title = "Learning to plan: subgoals from a net that learns through an evaluator",
    .paper = "Schmidhuber, ICANN 1991; Schmidhuber, Wahnsiedler, SAB 1992",
    .metric = "claims that hold, of 5 (quick: 4)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "the papers print pictures; a public remake of this arena reports 98.5 +- 1.1 % over 10 seeds, and 0 % "
        "without subgoals",
    .accept = {4, 5, 5},
    .about = "An executor can walk straight to a point and does not see what lies in between. A generator looks at "
             "the arena and invents subgoals for it. Nobody shows it good ones: it learns by gradient descent on what "
             "an evaluator says the legs will cost, through that evaluator, which stays as it is. The evaluator is a "
             "formula, or a net that has learned from legs that were walked, and how they ended. Look at the "
             "landscape of the learned evaluator and at the subgoals on its slopes.",
    .data = "",
    .settings = settings,
    .run = run,
};
