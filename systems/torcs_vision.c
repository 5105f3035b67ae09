/*
 * torcs_vision.c - a network that learns to drive from pixels: 1,115,139 weights, evolved as 200 cosine coefficients.
 *
 * A search proposes genomes; each drives once from the grid of the training track, several at a time, each in a simulator
 * of its own.  The best one then drives on, for a lap and more, and on tracks that no genome has ever seen.
 */
#include <stdio.h>
#include <string.h>

#include "jackdaw/ranks.h"
#include "torcs.h"

enum { MOST_COPIES = 64, UNSEEN = 5, SAVE_EVERY = 10 /* s */ };
static const char *const TRACK[] = {"g-track-1", "eroad", "wheel-1", "forza", "aalborg"};
static const char *const NEVER_SEEN[UNSEEN] = {"g-track-2", "e-track-1", "street-1", "ruudskogen", "corkscrew"};

typedef struct race {
    torcs_run run;
    jd_env *env;
    pd_nets *nets;
    jd_search *search;
    jd_params *kept; /* the best genome, and which file the search stands in */
    size_t copies, lost;
    float *obs, *action, *before, *reward;
    uint8_t *end, *late;
    ptrdiff_t *who; /* (copies) the candidate that drives, -1: none */
    double *change; /* (copies) sum of squared differences of the controls */
    int *steps;
    double saved_at;
    int slot;
} race;

/* f = d - 3 m / 1000 + v / 5 - 100 c: metres, damage, top speed (m/s), mean squared change of the controls. */
static double fitness(const race *a, size_t i)
{
    double s[TS_STATE];
    jd_env_get_state(a->env, i, s);
    return s[TS_RACED] - 3 * s[TS_DAMAGE] / 1000 + s[TS_TOP_SPEED] / 5 -
           100 * a->change[i] / (a->steps[i] > 0 ? a->steps[i] : 1);
}

/* Puts a candidate into copy i. */
static void enter(race *a, size_t i, ptrdiff_t candidate, const double *genome)
{
    a->who[i] = candidate;
    a->change[i] = 0;
    a->steps[i] = 0;
    if (candidate < 0) return;
    pd_nets_set(a->nets, i, genome + candidate * PD_GENES);
    jd_env_reset(a->env, i, 0, a->obs + i * 3 * PD_PIXELS);
}

static void act(race *a, size_t i)
{
    float *now = a->action + i * PD_ACTIONS, *before = a->before + i * PD_ACTIONS;
    pd_nets_step(a->nets, i, a->obs + i * 3 * PD_PIXELS, now);
    for (int k = 0; k < PD_ACTIONS && a->steps[i] > 0; k++)
        a->change[i] += ((double)now[k] - (double)before[k]) * ((double)now[k] - (double)before[k]);
    memcpy(before, now, PD_ACTIONS * sizeof *now);
    a->steps[i]++;
}

/* Drives of genomes next .. end-1; false when the run is to stop. */
static bool drive(race *a, const double *genome, size_t next, size_t end, double *score)
{
    const jd_search_status at = jd_search_state(a->search);
    const double budget = jd_run_setting(a->run.r, "evaluations");
    const size_t all = end - next;
    size_t left = all;
    for (size_t i = 0; i < a->copies; i++) {
        enter(a, i, next < end ? (ptrdiff_t)next : -1, genome);
        next += next < end;
    }
    while (left && !jd_error(a->run.ctx)) {
        for (size_t i = 0; i < a->copies; i++)
            if (a->who[i] >= 0) act(a, i);
        if (jd_env_step(a->env, a->action, a->obs, a->reward, a->end, a->late)) break;
        const size_t before = left;
        for (size_t i = 0; i < a->copies; i++) {
            if (a->who[i] < 0 || !(a->end[i] || a->late[i])) continue;
            score[a->who[i]] = fitness(a, i);
            left--;
            enter(a, i, next < end ? (ptrdiff_t)next : -1, genome);
            next += next < end;
        }
        const double done = (double)at.evaluations + (double)((all - left) * (size_t)jd_ranks(a->run.ctx));
        if (left < before && jd_run_progress(a->run.r, done, budget, "best %.0f, last mean %.0f", at.best, at.mean))
            return false;
    }
    return true;
}

/* One drive of each of n genomes, shared out over the ranks; false when the run is to stop. */
static bool evaluate(race *a, const double *genome, size_t n, double *score)
{
    jd_ctx *ctx = a->run.ctx;
    size_t begin, end;
    const char *why;
    jd_rank_share(ctx, n, &begin, &end);
    if (!drive(a, genome, begin, end, score) || jd_ranks_gather(ctx, score, n, sizeof *score)) return false;
    const size_t lost = jd_env_lost(a->env, &why);
    if (lost > a->lost) jd_run_note(a->run.r, "%s (%zu in all)", why, lost);
    a->lost = lost;
    return !jd_error(ctx) && !jd_ranks_stopping(ctx, false);
}

/* ---- the search ----------------------------------------------------------------------------------------------------------*/

static const char *slot_path(race *a, int slot)
{
    return jd_run_path(a->run.r, slot ? "checkpoints/search-1.safetensors" : "checkpoints/search-0.safetensors");
}

/* The search goes into the file that the last checkpoint does not name, then the checkpoint names it. */
static void save(race *a)
{
    const int slot = !a->slot;
    const jd_type one = {JD_F64, 1, {1}}, genes = {JD_F64, 1, {PD_GENES}};
    const double number = slot, *best = jd_search_best(a->search, NULL);
    if (!best || jd_search_save(a->search, slot_path(a, slot), 0)) return;
    jd_params_set(a->kept, "genome", &genes, best);
    jd_params_set(a->kept, "slot", &one, &number);
    jd_run_save(a->run.r, a->kept, jd_search_state(a->search).evaluations, false);
    a->slot = slot;
    a->saved_at = jd_now();
}

static void load(race *a)
{
    if (jd_run_load(a->run.r, a->kept) < 0) return;
    const double *slot = jd_params_get(a->kept, "slot");
    if (!slot) return;
    a->slot = *slot > 0;
    jd_search_load(a->search, slot_path(a, a->slot));
}

static jd_status evolve(race *a)
{
    jd_run *r = a->run.r;
    size_t n;
    const double *genome;
    jd_run_stage(r, "evolving %d coefficients of %d weights on track %s", PD_GENES, PD_WEIGHTS, a->run.track);
    load(a);
    a->saved_at = jd_now();
    while ((genome = jd_search_ask(a->search, &n)) != NULL) {
        double *score = jd_alloc_array(a->run.ctx, n, sizeof *score);
        const bool on = score && evaluate(a, genome, n, score);
        if (on) jd_search_tell(a->search, score);
        jd_free(a->run.ctx, score);
        if (jd_error(a->run.ctx)) return jd_error(a->run.ctx);
        if (!on) {
            save(a);
            return jd_error(a->run.ctx) ? jd_error(a->run.ctx) : jd_run_stopped(r);
        }
        const jd_search_status at = jd_search_state(a->search);
        jd_run_log(r, at.evaluations, "fitness/best", at.best);
        jd_run_log(r, at.evaluations, "fitness/best of generation", at.last_best);
        jd_run_log(r, at.evaluations, "fitness/mean", at.mean);
        jd_run_log(r, at.evaluations, "search/step size", at.step);
        if (jd_now() - a->saved_at > SAVE_EVERY) save(a);
    }
    save(a);
    return jd_error(a->run.ctx);
}

/* Drives that no simulator finished, of all ranks. */
static double episodes_lost(const race *a)
{
    jd_ctx *ctx = a->run.ctx;
    const size_t ranks = (size_t)jd_ranks(ctx);
    double *lost = jd_alloc_array(ctx, ranks, sizeof *lost), sum = 0;
    if (lost) lost[jd_my_rank(ctx)] = (double)a->lost;
    if (lost && !jd_ranks_gather(ctx, lost, ranks, sizeof *lost))
        for (size_t k = 0; k < ranks; k++) sum += lost[k];
    jd_free(ctx, lost);
    return sum;
}

/* ---- the run -------------------------------------------------------------------------------------------------------------*/

static jd_status finish(race *a)
{
    const torcs_run *w = &a->run;
    jd_run *r = w->r;
    const double *best = jd_search_best(a->search, NULL);
    torcs_drive d[1 + UNSEEN] = {{0}};
    jd_run_stage(r, "driving on: %s, then tracks never seen", w->track);
    for (size_t k = 0; k <= UNSEEN && !jd_error(w->ctx); k++) {
        torcs_test(w, k ? NEVER_SEEN[k - 1] : w->track, best, &d[k]);
        jd_run_note(r, "%s: %.0f m in %g s; %.2f laps of %.0f m in %d s", d[k].track, d[k].within, w->seconds,
                    d[k].laps, d[k].length, TORCS_TEST_SECONDS);
    }
    double unseen = 0;
    for (size_t k = 1; k <= UNSEEN; k++) unseen += d[k].within / UNSEEN;
    if (!jd_error(w->ctx)) {
        torcs_report_search(w);
        torcs_report_drive(w, &d[0], "The drive on the training track");
        torcs_report_table(w, d, 1 + UNSEEN);
        torcs_report_drive(w, &d[1], "A track it had never seen");
        torcs_report_weights(w, best);
        if (!isnan(d[0].lap_time)) jd_run_extra(r, "lap_seconds", d[0].lap_time);
        jd_run_extra(r, "metres_in_time", d[0].within);
        jd_run_extra(r, "metres_in_time_unseen", unseen);
        jd_run_extra(r, "top_speed_kmh", d[0].state[d[0].steps * TS_STATE + TS_TOP_SPEED] * 3.6);
        jd_run_extra(r, "episodes_lost", episodes_lost(a));
        jd_run_extra(r, "difference_from_explicit_weights", d[0].error);
        jd_run_save(r, a->kept, 0, true);
    }
    const double laps = d[0].laps;
    char why[160];
    snprintf(why, sizeof why, "left the road after %.0f m of %.0f", laps * d[0].length, d[0].length);
    for (size_t k = 0; k <= UNSEEN; k++) torcs_drive_free(w->ctx, &d[k]);
    return jd_error(w->ctx) ? jd_error(w->ctx) : jd_run_finish(r, laps, laps < 1 ? why : NULL);
}

static void release(race *a)
{
    jd_ctx *ctx = a->run.ctx;
    void *const arrays[] = {a->obs, a->action, a->before, a->reward, a->end, a->late, a->who, a->change, a->steps};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) jd_free(ctx, arrays[k]);
    jd_env_free(a->env);
    pd_nets_free(a->nets);
    jd_search_free(a->search);
    jd_params_free(a->kept);
}

static jd_status prepare(race *a)
{
    jd_ctx *ctx = a->run.ctx;
    jd_run *r = a->run.r;
    const size_t n = a->copies;
    a->env = jd_env_new(ctx, "torcs",
                        &(jd_env_options){.count = n,
                                          .track = a->run.track,
                                          .period = a->run.period,
                                          .time_limit = (int64_t)(a->run.seconds / a->run.period + .5)});
    a->nets = pd_nets_new(ctx, n);
    a->kept = jd_params_new(ctx, JD_F64);
    a->obs = jd_alloc_array(ctx, n, 3 * PD_PIXELS * sizeof *a->obs);
    a->action = jd_alloc_array(ctx, n, PD_ACTIONS * sizeof *a->action);
    a->before = jd_alloc_array(ctx, n, PD_ACTIONS * sizeof *a->before);
    a->reward = jd_alloc_array(ctx, n, sizeof *a->reward);
    a->end = jd_alloc_array(ctx, n, 1);
    a->late = jd_alloc_array(ctx, n, 1);
    a->who = jd_alloc_array(ctx, n, sizeof *a->who);
    a->change = jd_alloc_array(ctx, n, sizeof *a->change);
    a->steps = jd_alloc_array(ctx, n, sizeof *a->steps);
    a->search = jd_search_new(
        ctx, &(jd_search_options){.method = jd_run_setting(r, "cosyne") > 0 ? JD_SEARCH_COSYNE : JD_SEARCH_SNES,
                                  .dim = PD_GENES,
                                  .population = (size_t)jd_run_setting(r, "population"),
                                  .seed = jd_run_seed(r),
                                  .sigma = jd_run_setting(r, "sigma"),
                                  .budget = (int64_t)jd_run_setting(r, "evaluations")});
    return jd_error(ctx);
}

static jd_status run(jd_run *r)
{
    const double track = jd_run_setting(r, "track"), copies = jd_run_setting(r, "copies");
    race a = {.run = {r, jd_run_ctx(r), jd_run_setting(r, "seconds"), jd_run_setting(r, "period"), TRACK[0]}};
    if (!(track >= 0 && track < 5 && copies >= 1 && copies <= MOST_COPIES))
        return jd_fail(a.run.ctx, JD_EUSAGE, "torcs-vision: track %g, copies %g; tracks are 0 to 4, copies 1 to %d",
                       track, copies, MOST_COPIES);
    a.run.track = TRACK[(int)track];
    a.copies = (size_t)copies;
    jd_run_config(r, "track", a.run.track);
    jd_run_config(r, "net", "64 x 64 edges, 256 sigmoid units, 3 outputs: 1,115,139 weights, 200 DCT coefficients");
    if (!prepare(&a) && !evolve(&a)) finish(&a);
    release(&a);
    return jd_error(a.run.ctx);
}

static const jd_setting settings[] = {
    {"evaluations", {1600, 8000, 40000}, "drives of the search"},
    {"population", {24, 24, 64}, "drives of a generation"},
    {"sigma", {1, 1, 1}, "first step size of the coefficients"},
    {"cosyne", {0, 0, 0}, "1: CoSyNE instead of SNES"},
    {"seconds", {60, 60, 60}, "length of a drive of the search"},
    {"period", {.2, .2, .2}, "seconds between two looks"},
    {"track", {0, 0, 0}, "0 g-track-1, 1 eroad, 2 wheel-1, 3 forza, 4 aalborg"},
    {"copies", {24, 24, 64}, "simulators side by side"},
    {NULL, {0}, NULL},
};

const jd_system jd_system_torcs_vision = {
    .name = "torcs-vision",
    .year = 2013,
    .title = "A network of 1,115,139 weights learns to drive from pixels",
    .paper = "J. Koutnik, G. Cuccu, J. Schmidhuber, F. Gomez, GECCO 2013",
    .metric = "laps of the training track in 200 s, from pixels alone",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "the paper reports 625 m of its own track (not checked); 1,115,139 weights from 200 coefficients are the same",
    .accept = {(double)NAN, 1, 1},
    .about =
        "The simulator is TORCS 1.3.7, the car car1-trb1, alone on the track. Every 0.2 s the network sees 64 x 64 "
        "pixels of a camera above the car, from which only edges of the colour's saturation are left, and says how to "
        "steer, accelerate and brake. Its weights are five images with few frequencies; the search knows nothing but "
        "200 coefficients and what a drive was worth: metres along the road, less damage and restless controls, plus "
        "a fifth of the top speed. For comparison: the simulator's own driver bt, which knows the whole track, needs "
        "47.5 s for its first lap of g-track-1 in the car car1-stock1. Look at the driven line, at the pictures it "
        "drove by, and at the tracks it never saw.",
    .data = NULL,
    .settings = settings,
    .run = run,
};
