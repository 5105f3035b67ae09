/*
 * learned_attention.c - "learned-attention": a fovea learns trajectories to a target through a learned model of what it will see.
 *
 * J. Schmidhuber and R. Huber, Learning to generate artificial fovea trajectories for target detection, International Journal
 * of Neural Systems 2(1&2):135-141, 1991.  Nobody tells the controller C how to move; it is told what the retina should see at the
 * end.  The error of the last input is propagated back through a net M that has learned to predict the next input, into C.
 */
#include <math.h>
#include <stdio.h>

#include "attention.h"
#include "claims.h"

static int at_least(const double *v, int n, double bound)
{
    int k = 0;
    for (int i = 0; i < n; i++) k += v[i] >= bound - 1e-9;
    return k;
}

static double largest(const double *v, int n)
{
    double m = v[0];
    for (int i = 1; i < n; i++) m = fmax(m, v[i]);
    return m;
}

static double smallest(const double *v, int n)
{
    double m = v[0];
    for (int i = 1; i < n; i++) m = fmin(m, v[i]);
    return m;
}

static void judge(claims *c, const attention *a)
{
    const at_result *one = &a->result[AT_TASK_TRIANGLE], *goals = &a->result[AT_TASK_GOALS],
                    *turn = &a->result[AT_TASK_TURN];
    const int n = one->seeds;
    for (int i = AT_TASK_TRIANGLE; i <= AT_TASK_T; i++) {
        const at_result *e = &a->result[i];
        char what[CLAIMS_TEXT];
        snprintf(what, sizeof what, "%s: at least 95 %% within 5 pixels in 8 of 10 seeds", at_tasks[i].name);
        claim(c, at_least(e->success, n, .95) >= .8 * n - 1e-9, what, "%d of %d seeds: median %.1f, %.1f to %.1f %%",
              at_least(e->success, n, .95), n, 100 * at_median(e->success, n), 100 * smallest(e->success, n),
              100 * largest(e->success, n));
    }
    claim(c, at_median(one->hops, n) <= 1.5, "triangle: 1.5 times the steps of 20 pixels of the straight way",
          "%.2f; length %.2f times", at_median(one->hops, n), at_median(one->path, n));
    claim(c, largest(one->random, n) <= .1, "triangle: random outputs at most 10 %", "%.1f %%, %.1f at most",
          100 * at_median(one->random, n), 100 * largest(one->random, n));
    claim(c, at_median(goals->success, n) >= .85, "three things in a scene: the named one in 85 %",
          "%.1f %%, %.1f to %.1f", 100 * at_median(goals->success, n), 100 * smallest(goals->success, n),
          100 * largest(goals->success, n));
    if (turn->seeds)
        claim(c, at_median(turn->success, n) >= .6, "turned: 60 % within 10 pixels and 20 degrees",
              "%.1f %%, %.1f to %.1f; turned by over 80 degrees %.1f", 100 * at_median(turn->success, n),
              100 * smallest(turn->success, n), 100 * largest(turn->success, n), 100 * at_median(turn->other, n));
    claim(c, at_median(one->track, n) < 10, "a triangle that moves: mean distance below 10 pixels",
          "%.2f, %.2f to %.2f", at_median(one->track, n), smallest(one->track, n), largest(one->track, n));
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), scenes = jd_run_setting(r, "scenes");
    if (!(seeds >= 1 && seeds <= AT_SEEDS && scenes >= 1 && scenes <= 1000))
        return jd_fail(ctx, JD_EUSAGE, "learned-attention: seeds is 1 to %d, scenes 1 to 1000", AT_SEEDS);
    attention *a = jd_alloc(ctx, sizeof *a);
    if (!a) return jd_error(ctx);
    a->r = r;
    a->tasks = jd_run_setting(r, "turn") != 0 ? AT_TASKS : AT_TASK_TURN;
    bool whole = !at_scene_new(ctx, &a->scene);
    for (int i = 0; whole && i < a->tasks; i++) whole = at_run_task(a, (at_task_id)i);
    claims c = {.r = r};
    if (whole) {
        judge(&c, a);
        claims_table(&c, "Bounds that were set for this remake; the paper shows trajectories and gives no rates.");
        at_draw(a);
    }
    for (int i = 0; i < AT_TASKS; i++) at_result_free(ctx, &a->result[i]);
    at_scene_free(ctx, &a->scene);
    jd_free(ctx, a);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL) : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"seeds", {2, 10, 20}, "pairs of C and M for each task"},
    {"scenes", {200, 500, 500}, "of the test"},
    {"rate", {.1, .1, .1}, "learning rate of M, and of C"},
    {"examples", {100000, 100000, 100000}, "random moves from which M learns"},
    {"trajectories", {20000, 20000, 20000}, "from which C learns"},
    {"turn", {0, 1, 1}, "1: a retina that turns is learned as well"},
    {"hard_rate", {.03, .03, .03}, "learning rate of C, where one of three things is named or the retina turns"},
    {"hard_examples", {100000, 300000, 300000}, "of M there"},
    {"hard_trajectories", {20000, 40000, 40000}, "of C there"},
    {NULL}};

const jd_system jd_system_learned_attention = {
    .name = "learned-attention",
    .year = 1991,
    .title = "A fovea learns trajectories to a target through a learned model of what it will see next",
    .paper = "Schmidhuber, Huber, International Journal of Neural Systems 2(1&2), 1991",
    .metric = "claims that hold, of 8 (quick: 7)",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the paper shows trajectories and gives no rates of success; the bounds are this remake's",
    .accept = {7, 8, 8},
    .about =
        "A retina of 40 receptive fields, small ones in the middle and large ones outside, moves over a scene of 512 x "
        "512 pixels. A controller C says how far up, down, left and right, from what is seen alone; a model M predicts "
        "what will be seen next, and learns that from random moves. The only goal is what the retina should see at "
        "the end. The error of the last input goes back through M, C, M, C ... to the first step and changes C, "
        "while M stays as it is. No teacher says where to look.",
    .data = "",
    .settings = settings,
    .run = run,
};
