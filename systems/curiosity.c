/*
 * curiosity.c - "curiosity": rewards for learning itself (Schmidhuber 1990-2010), in four small worlds, and
 * compression progress on channels that are listened to.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "curiosity.h"
#include "curiosity_channels.h"

enum { WORLDS = 4 };

static void judge_regions(claims *c, const cu_world *w)
{
    const cu_agent *a = &w->agent[CU_A_IMPROVEMENT];
    double mean[CW_REGIONS] = {0};
    int ordered = 0;
    for (int s = 0; s < w->seeds; s++) {
        const double *v = a->visits[s];
        ordered += v[CW_LEARNABLE] > v[CW_NOISE] && v[CW_NOISE] > v[CW_KNOWN];
        for (int k = 0; k < CW_REGIONS; k++) mean[k] += 100 * v[k] / w->steps / w->seeds;
    }
    claim(c, ordered == w->seeds, "regions: learnable > noise > known in every seed", "%d of %d: %.1f, %.1f, %.1f %%",
          ordered, w->seeds, mean[CW_LEARNABLE], mean[CW_NOISE], mean[CW_KNOWN]);
}

static double median(const double *v, const cu_world *w)
{
    return cu_quantile(v, w->seeds, .5);
}

static int above(const double *v, const cu_world *w, double bound)
{
    int n = 0;
    for (int s = 0; s < w->seeds; s++) n += v[s] > bound;
    return n;
}

/* "not reached" where a median lies beyond the run. */
static const char *steps_text(char text[32], double steps)
{
    if (isfinite(steps))
        snprintf(text, 32, "%.0f steps", steps);
    else
        snprintf(text, 32, "not reached");
    return text;
}

static void judge_grid(claims *c, const cu_world *w)
{
    const cu_agent *a = w->agent;
    const double improvement = median(a[CU_IMPROVEMENT].reached, w), random = median(a[CU_RANDOM].reached, w),
                 error = median(a[CU_ERROR].reached, w), looks = median(a[CU_ERROR].share, w);
    char one[32], other[32];
    const bool reached = isfinite(improvement); /* where random actions do not get there, all that is known is: later */
    const double ratio = reached ? fmin(random, w->steps) / improvement : 0;
    claim(c, reached && ratio >= 3, "grid: improvement is 3 times as fast as random actions", "%s%.2f: %s, %s",
          isfinite(random) ? "" : "over ", ratio, steps_text(one, improvement), steps_text(other, random));
    claim(c, reached && improvement < error, "grid: improvement is faster than error", "%s, %s",
          steps_text(one, improvement), steps_text(other, error));
    claim(c, looks > .5, "grid: error spends over half of its looks on random cells", "%.1f %%; %d of %d seeds",
          100 * looks, above(a[CU_ERROR].share, w, .5), w->seeds);
}

static void judge_maze(claims *c, const cu_world *w)
{
    const cu_agent *error = &w->agent[CU_ERROR], *improvement = &w->agent[CU_IMPROVEMENT];
    const double watched = median(error->share, w), left = median(improvement->share, w),
                 cover = median(improvement->cover, w);
    claim(c, watched > .8, "maze: error watches the screen in over 80 % of the late steps", "%.1f %%; %d of %d seeds",
          100 * watched, above(error->share, w, .8), w->seeds);
    claim(c, left < .2, "maze: improvement does in less than 20 %", "%.2f %%; %d of %d seeds", 100 * left,
          w->seeds - above(improvement->share, w, .2), w->seeds);
    claim(c, cover >= .9, "maze: improvement visits 90 % of the rooms", "%.1f %%; %d of %d seeds", 100 * cover,
          above(improvement->cover, w, .9 - 1e-9), w->seeds);
}

/* The ratio of two medians when the seeds are drawn anew, with replacement (Efron 1979): 5 and 95 of 100 lie below. */
static void drawn_anew(const cu_world *w, const double *top, const double *bottom, double low_high[2])
{
    enum { DRAWS = 100 };
    double ratio[DRAWS];
    jd_rng r = jd_rng_new(1, "curiosity/draws", 0);
    for (int d = 0; d < DRAWS; d++) {
        double a[CU_SEEDS], b[CU_SEEDS];
        for (int s = 0; s < w->seeds; s++) {
            const uint32_t from = jd_rng_below(&r, (uint32_t)w->seeds);
            a[s] = fmin(top[from], w->steps);
            b[s] = fmin(bottom[from], w->steps);
        }
        ratio[d] = median(a, w) / median(b, w);
    }
    cu_sort(ratio, DRAWS);
    low_high[0] = ratio[DRAWS / 20];
    low_high[1] = ratio[DRAWS - 1 - DRAWS / 20];
}

static void judge_markov(claims *c, const cu_world *w)
{
    const double *all = w->agent[CU_D_RANDOM].reached, *sought = w->agent[CU_D_GAIN].reached;
    const double gain = median(sought, w), random = median(all, w);
    const double ratio = isfinite(gain) ? fmin(random, w->steps) / gain : 0;
    char one[32], other[32];
    double range[2];
    drawn_anew(w, all, sought, range);
    claim(c, ratio >= 2, "Markov: information gain needs half of random's steps to 0.1 nats",
          "%s1 / %.3f (seeds drawn anew: 1 / %.2f to 1 / %.2f): %s, %s", isfinite(random) ? "" : "below ", ratio,
          range[0], range[1], steps_text(one, gain), steps_text(other, random));
}

static void judge_channels(claims *c, const cc_result *e)
{
    int ordered = 0;
    for (int s = 0; s < e->seeds; s++) ordered += cc_in_order(e, s);
    claim(c, ordered >= .8 * e->seeds - 1e-9,
          "channels: left in the order constant, sine, AR(4), text in 8 of 10 seeds", "%d of %d seeds", ordered,
          e->seeds);
}

static jd_status run(jd_run *r)
{
    static bool (*const measure[WORLDS])(jd_run *, cu_world *) = {cu_regions, cu_grid, cu_maze, cu_markov};
    static void (*const judge[WORLDS])(claims *, const cu_world *) = {judge_regions, judge_grid, judge_maze,
                                                                      judge_markov};
    static void (*const draw[WORLDS])(jd_run *, const cu_world *) = {cu_draw_regions, cu_draw_grid, cu_draw_maze,
                                                                     cu_draw_markov};
    static const char *const steps[WORLDS] = {"region_steps", "grid_steps", "maze_steps", "markov_steps"};
    jd_ctx *ctx = jd_run_ctx(r);
    claims c = {.r = r};
    const double seeds = jd_run_setting(r, "seeds"), markov_seeds = jd_run_setting(r, "markov_seeds"),
                 heard = jd_run_setting(r, "channels");
    bool whole = seeds >= 1 && seeds <= CU_SEEDS && markov_seeds >= 1 && markov_seeds <= CU_SEEDS;
    for (int i = 0; i < WORLDS; i++) whole = whole && jd_run_setting(r, steps[i]) >= CU_POINTS;
    if (!whole)
        return jd_fail(ctx, JD_EUSAGE, "curiosity: seeds and markov_seeds are 1 to %d, and the steps are at least %d",
                       CU_SEEDS, CU_POINTS);
    if (!(jd_run_setting(r, "channel_seeds") <= CC_SEEDS && heard >= CC_KINDS && heard <= CC_CHANNELS &&
          jd_run_setting(r, "channel_visits") >= CC_BLOCKS && jd_run_setting(r, "channel_units") >= 1))
        return jd_fail(
            ctx, JD_EUSAGE,
            "curiosity: channel_seeds is at most %d, channels %d to %d, channel_visits at least %d, channel_units "
            "at least 1",
            CC_SEEDS, CC_KINDS, CC_CHANNELS, CC_BLOCKS);
    cu_world *w = jd_alloc_array(ctx, WORLDS, sizeof *w);
    for (int i = 0; whole && i < WORLDS; i++) {
        whole = w && measure[i](r, &w[i]);
        if (whole) judge[i](&c, &w[i]);
    }
    cc_result e = {0};
    if (whole && jd_run_setting(r, "channel_seeds") > 0) whole = cc_run(r, &e);
    if (whole && e.seeds) judge_channels(&c, &e);
    if (whole) claims_table(&c, "Medians over the seeds.");
    for (int i = 0; whole && i < WORLDS; i++) draw[i](r, &w[i]);
    if (whole && e.seeds) cc_draw(r, &e);
    cc_result_free(ctx, &e);
    for (int i = 0; w && i < WORLDS; i++) cu_world_free(ctx, &w[i]);
    jd_free(ctx, w);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL) : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"seeds", {10, 20, 100}, "learners of each kind in the regions, the grid and the maze"},
    {"markov_seeds", {30, 100, 100}, "the same, in the Markov environment"},
    {"region_steps", {5000, 5000, 5000}, "visits in the three regions"},
    {"grid_steps", {60000, 60000, 60000}, "moves and looks in the grid"},
    {"maze_steps", {20000, 20000, 20000}, "steps in the maze"},
    {"markov_steps", {30000, 30000, 30000}, "steps in the Markov environment"},
    {"channel_seeds", {0, 10, 10}, "listeners to channels; 0: none"},
    {"channels", {5, 5, 16}, "of five kinds"},
    {"channel_visits", {500, 500, 3000}, "to channels, of 128 symbols each"},
    {"channel_units", {64, 64, 512}, "cells of the LSTM that compresses"},
    {"channel_rate", {.002, .002, .001}, "its learning rate"},
    {"channel_explore", {.2, .2, .2}, "share of visits to any channel"},
    {NULL}};

const jd_system jd_system_curiosity = {
    .name = "curiosity",
    .year = 1991,
    .title = "Rewards for learning itself: error, its improvement, information gain, compression progress",
    .paper = "Schmidhuber, IJCNN 1991, Connection Science 2006; Storck, Hochreiter, Schmidhuber, ICANN 1995",
    .metric = "claims that hold, of 9 (quick: 8)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "1991: up to 10 times faster than random exploration in 100 states; 1995: much faster. The worlds here are "
        "remakes, the bounds estimates",
    .accept = {8, 9, 9},
    .about =
        "A learner that is rewarded where its world model errs stays where there is only noise. One that is rewarded "
        "where the model gets better looks where there is something left to learn, and goes on. Four worlds with "
        "tables for model and controller: three regions to choose from, a grid of symbols of which some are random, "
        "a maze with a noisy television, and a random Markov environment. Learners differ in the reward alone; one "
        "has none, because values that start high explore by themselves. At the end a "
        "listener chooses among channels by how much an LSTM learns to compress them.",
    .settings = settings,
    .run = run,
};
