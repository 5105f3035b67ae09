/*
 * world_models.c - "world-models": V sees, M foretells, C acts (D. Ha, J. Schmidhuber, NeurIPS 2018, arXiv 1803.10122), on a
 * race seen from above with the rules of CarRacing-v0.
 */
#include <math.h>
#include <string.h>

#include "claims.h"
#include "jackdaw/search.h"
#include "world.h"

typedef struct work {
    jd_run *r;
    jd_ctx *ctx;
    wm_nets nets;
    wm_tape tape;
    float *z; /* (n,T+1,z): codes of the tape */
    wm_result *f;
    double period;
} work;

/* Streams of tracks that never meet. */
enum { TRAIN_TRACKS = 1, CHOOSE_TRACKS = 2, TEST_TRACKS = 3 };
static uint64_t track(const work *w, int stream, uint64_t i)
{
    return ((uint64_t)stream << 56) + (jd_run_seed(w->r) << 32) + i;
}

static size_t pixels_of(const work *w)
{
    return 3 * (size_t)w->nets.o.side * (size_t)w->nets.o.side;
}

/* ---- V ----------------------------------------------------------------------------------------------------------------------*/

static const uint8_t *picture(const work *w, int64_t episode, int64_t t)
{
    return w->tape.pictures + (size_t)(episode * (w->tape.T + 1) + t) * pixels_of(w);
}

static void to_float(const uint8_t *from, size_t n, float *to)
{
    for (size_t k = 0; k < n; k++) to[k] = (float)from[k] / 255;
}

/* From episodes 0 .. episodes-1. */
static jd_status learn_v(work *w, int steps, int64_t episodes, uint64_t round)
{
    enum { B = 32 };
    const size_t P = pixels_of(w);
    float *x = jd_alloc_array(w->ctx, B, P * sizeof *x);
    jd_rng r = jd_rng_new(jd_run_seed(w->r), "world/v", round);
    const jd_schedule fall = {
        .kind = JD_COSINE, .rate = jd_run_setting(w->r, "v_rate"), .end = jd_run_setting(w->r, "v_rate") / 10};
    double squared = 0, sum = 0;
    jd_run_stage(w->r, "V learns pictures");
    for (int s = 0; x && s < steps && !jd_error(w->ctx); s++) {
        for (int b = 0; b < B; b++) {
            const int64_t e = jd_rng_below(&r, (uint32_t)episodes);
            to_float(picture(w, e, jd_rng_below(&r, (uint32_t)w->tape.length[e] + 1)), P, x + (size_t)b * P);
        }
        wm_v_fit(&w->nets, x, B, (int32_t)(round << 24) + s, jd_schedule_at(&fall, s, steps), &squared);
        sum += squared;
        if (s % 50 != 49) continue;
        if (round) jd_run_log(w->r, s + 1, "V/squared error of a picture", sum / 50);
        w->f->squared = sum / 50;
        sum = 0;
        if (jd_run_progress(w->r, s + 1, steps, "squared error %.2f", w->f->squared)) break;
    }
    jd_free(w->ctx, x);
    return jd_error(w->ctx);
}

/* ---- M ----------------------------------------------------------------------------------------------------------------------*/

static jd_status encode_tape(work *w)
{
    const int64_t T = w->tape.T + 1, Z = w->nets.o.z;
    const size_t P = pixels_of(w);
    float *x = jd_alloc_array(w->ctx, (size_t)T, P * sizeof *x);
    w->z = jd_alloc_array(w->ctx, (size_t)(w->tape.n * T * Z), sizeof *w->z);
    for (int64_t e = 0; x && w->z && e < w->tape.n; e++) {
        to_float(picture(w, e, 0), (size_t)T * P, x);
        const float *z = wm_encode(&w->nets, x, T);
        if (!z) break;
        memcpy(w->z + e * T * Z, z, (size_t)(T * Z) * sizeof *z);
    }
    jd_free(w->ctx, x);
    return jd_error(w->ctx);
}

static jd_status learn_m(work *w)
{
    enum { B = 16, T = 50 };
    const int steps = (int)jd_run_setting(w->r, "m_steps");
    const int64_t Z = w->nets.o.z, all = w->tape.T;
    float *z = jd_alloc_array(w->ctx, (size_t)((T + 1) * B * Z), sizeof *z);
    float *a = jd_alloc_array(w->ctx, T * B * WM_ACTIONS, sizeof *a);
    jd_rng r = jd_rng_new(jd_run_seed(w->r), "world/m", 0);
    const jd_schedule fall = {
        .kind = JD_COSINE, .rate = jd_run_setting(w->r, "m_rate"), .end = jd_run_setting(w->r, "m_rate") / 10};
    double sum = 0;
    jd_run_stage(w->r, "M learns to foretell");
    for (int s = 0; z && a && s < steps && !jd_error(w->ctx); s++) {
        for (int b = 0; b < B; b++) {
            int64_t e = jd_rng_below(&r, (uint32_t)w->tape.n);
            for (int k = 0; k < 100 && w->tape.length[e] <= T; k++) e = jd_rng_below(&r, (uint32_t)w->tape.n);
            const int64_t room = w->tape.length[e] - T, from = room > 0 ? jd_rng_below(&r, (uint32_t)room + 1) : 0;
            for (int64_t t = 0; t <= T; t++) {
                const int64_t at = from + t < all ? from + t : all;
                memcpy(z + (t * B + b) * Z, w->z + (e * (all + 1) + at) * Z, (size_t)Z * sizeof *z);
                if (t < T)
                    memcpy(a + (t * B + b) * WM_ACTIONS, w->tape.a + (e * all + (at < all ? at : all - 1)) * WM_ACTIONS,
                           WM_ACTIONS * sizeof *a);
            }
        }
        sum += wm_m_fit(&w->nets, z, a, T, B, jd_schedule_at(&fall, s, steps));
        if (s % 50 != 49) continue;
        w->f->nats = sum / 50;
        sum = 0;
        jd_run_log(w->r, s + 1, "M/nats a number of the code", w->f->nats);
        if (jd_run_progress(w->r, s + 1, steps, "%.3f nats", w->f->nats)) break;
    }
    jd_free(w->ctx, z);
    jd_free(w->ctx, a);
    return jd_error(w->ctx);
}

/* ---- C ----------------------------------------------------------------------------------------------------------------------*/

static double mean(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += v[i];
    return sum / (double)n;
}

/* CMA-ES; each generation drives on tracks of its own.  The centre that did best on tracks kept for choosing is left in
 * `best`. */
static bool evolve(work *w, int kind, int i, int generations, double *best)
{
    wm_result *f = w->f;
    const size_t population = (size_t)jd_run_setting(w->r, "population"),
                 share = (size_t)jd_run_setting(w->r, "rollouts");
    const int every = (generations + 19) / 20;
    const size_t chosen = (size_t)jd_run_setting(w->r, "choose");
    wm_race race = {0}, choose = {0};
    double *score = jd_alloc_array(w->ctx, population * share + chosen, sizeof *score), most = -INFINITY;
    jd_search *s = NULL;
    bool whole = true;
    if (!score || wm_race_new(w->ctx, &race, &w->nets, kind, population * share, w->period) ||
        wm_race_new(w->ctx, &choose, &w->nets, kind, chosen, w->period))
        goto out;
    s = jd_search_new(w->ctx, &(jd_search_options){.method = JD_SEARCH_CMAES,
                                                   .dim = (size_t)race.weights,
                                                   .population = population,
                                                   .seed = 100 * jd_run_seed(w->r) + (uint64_t)i,
                                                   .repeats = (int)share,
                                                   .sigma = jd_run_setting(w->r, "sigma")});
    for (int g = 0; s && g < generations && whole && !jd_error(w->ctx); g++) {
        size_t n;
        const double *x = jd_search_ask(s, &n);
        if (!x || n != population) break;
        wm_race_run(&race, x, share, track(w, TRAIN_TRACKS, (uint64_t)g * share), score);
        jd_search_tell(s, score);
        if (g % every != every - 1 && g != generations - 1) continue;
        const double *center = jd_search_center(s);
        wm_race_run(&choose, center, chosen, track(w, CHOOSE_TRACKS, 0), score);
        const double now = mean(score, chosen);
        const int point = g / every;
        f->points = point + 1 > f->points ? point + 1 : f->points;
        f->x[point] = g + 1;
        f->curve[kind][i * WM_POINTS + point] = now;
        if (now > most) {
            most = now;
            memcpy(best, center, (size_t)race.weights * sizeof *best);
        }
        whole = !jd_run_progress(w->r, g + 1, generations, "reward %.0f", now);
    }
out:
    jd_search_free(s);
    wm_race_free(w->ctx, &race);
    wm_race_free(w->ctx, &choose);
    jd_free(w->ctx, score);
    return whole;
}

static void test(work *w, int kind, int i, const double *best)
{
    wm_result *f = w->f;
    const size_t n = (size_t)f->tests;
    wm_race race;
    double *score = jd_alloc_array(w->ctx, n, sizeof *score), off = 0;
    if (!wm_race_new(w->ctx, &race, &w->nets, kind, n, w->period)) {
        if (!i) race.path = f->path[kind] = jd_alloc_array(w->ctx, WM_STEPS * 2, sizeof *race.path);
        wm_race_run(&race, best, n, track(w, TEST_TRACKS, 0), score);
        if (!jd_error(w->ctx)) {
            f->test[kind][i] = mean(score, n);
            for (size_t k = 0; k < n; k++) off += (score[k] - f->test[kind][i]) * (score[k] - f->test[kind][i]);
            f->spread[kind][i] = sqrt(off / (double)n);
        }
        if (!i) f->steps[kind] = race.path_steps;
        if (!i && !f->road) {
            double length;
            f->road = jd_env_road(race.env, &f->sections, &length);
        }
    }
    wm_race_free(w->ctx, &race);
    jd_free(w->ctx, score);
}

/* ---- what it saw and dreamt ----------------------------------------------------------------------------------------------*/

static void to_bytes(const float *from, size_t n, uint8_t *to)
{
    for (size_t k = 0; k < n; k++) to[k] = (uint8_t)(255 * fminf(1, fmaxf(0, from[k])) + .5f);
}

/* The first seed's C drives a test track; V takes its pictures apart and puts them together again; from some step on M dreams. */
static jd_status show(work *w)
{
    enum { FROM = 20, APART = 2 };
    wm_result *f = w->f;
    const size_t P = pixels_of(w), Z = (size_t)w->nets.o.z, H = (size_t)w->nets.o.h;
    wm_race race;
    double score;
    f->seen = jd_alloc_array(w->ctx, 2 * WM_SHOWN, P);
    f->dream = jd_alloc_array(w->ctx, 2 * WM_DREAM, P);
    float *state = jd_alloc_array(w->ctx, 2 * H, sizeof *state), a[WM_ACTIONS];
    float *z = jd_alloc_array(w->ctx, Z, sizeof *z);
    if (jd_error(w->ctx) || wm_race_new(w->ctx, &race, &w->nets, WM_WHOLE, 1, w->period)) return jd_error(w->ctx);
    race.shown = jd_alloc_array(w->ctx, WM_STEPS, P * sizeof *race.shown);
    race.path = jd_alloc_array(w->ctx, WM_STEPS * 2, sizeof *race.path);
    if (!jd_error(w->ctx)) wm_race_run(&race, f->best[WM_WHOLE], 1, track(w, TEST_TRACKS, 0), &score);
    const int n = race.path_steps;
    for (int k = 0; !jd_error(w->ctx) && k < WM_SHOWN; k++) {
        const float *x = race.shown + (size_t)(k * (n - 1) / (WM_SHOWN - 1)) * P;
        to_bytes(x, P, f->seen + (size_t)k * P);
        memcpy(z, wm_encode(&w->nets, x, 1), Z * sizeof *z);
        to_bytes(wm_decode(&w->nets, z, 1), P, f->seen + (size_t)(WM_SHOWN + k) * P);
    }
    jd_rng rng = jd_rng_new(jd_run_seed(w->r), "world/dream", 0);
    for (int t = 0; !jd_error(w->ctx) && t < FROM + APART * WM_DREAM && t < n; t++) {
        if (t <= FROM) memcpy(z, wm_encode(&w->nets, race.shown + (size_t)t * P, 1), Z * sizeof *z);
        if (t >= FROM && (t - FROM) % APART == 0) {
            const size_t k = (size_t)(t - FROM) / APART;
            to_bytes(race.shown + (size_t)t * P, P, f->dream + k * P);
            to_bytes(wm_decode(&w->nets, z, 1), P, f->dream + (WM_DREAM + k) * P);
        }
        wm_act(&race, f->best[WM_WHOLE], z, state, a);
        const float *mixture = wm_m_step(&w->nets, z, a, state, 1);
        if (mixture) wm_draw(mixture, (int)Z, jd_run_setting(w->r, "temperature"), &rng, z);
    }
    jd_free(w->ctx, race.shown);
    jd_free(w->ctx, race.path);
    jd_free(w->ctx, state);
    jd_free(w->ctx, z);
    wm_race_free(w->ctx, &race);
    return jd_error(w->ctx);
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

static void judge(work *w, claims *c)
{
    const wm_result *f = w->f;
    double least = INFINITY, mean_of[WM_KINDS];
    for (int k = 0; k < WM_KINDS; k++) mean_of[k] = mean(f->test[k], (size_t)f->seeds);
    for (int i = 0; i < f->seeds; i++) least = fmin(least, f->test[WM_WHOLE][i] - f->test[WM_V_ONLY][i]);
    claim(c, f->published[0] == 4348547 && f->published[1] == 422368 && f->published[2] == 867,
          "at the published sizes V, M and C have 4,348,547, 422,368 and 867 weights",
          "%zu, %zu, %zu; here %zu, %zu, %zu", f->published[0], f->published[1], f->published[2], f->count[0],
          f->count[1], f->count[2]);
    claim(c, mean_of[WM_WHOLE] - mean_of[WM_V_ONLY] >= 100,
          "with M, C earns at least 100 more than with V alone, in the mean of the seeds",
          "%.0f and %.0f: %.0f more; the seed with the least: %.0f", mean_of[WM_WHOLE], mean_of[WM_V_ONLY],
          mean_of[WM_WHOLE] - mean_of[WM_V_ONLY], least);
    claim(c, mean_of[WM_V_ONLY] > f->random, "V alone is better than random actions", "%.0f and %.0f",
          mean_of[WM_V_ONLY], f->random);
    jd_run_extra(w->r, "reward_v_only", mean_of[WM_V_ONLY]);
    jd_run_extra(w->r, "reward_v_m", mean_of[WM_WHOLE]);
    jd_run_extra(w->r, "reward_random", f->random);
}

/* First random drives; from those a V, with which a first C learns in a few generations; then drives of that C with much noise,
 * so that V and M get to know the road at speed as well (the paper's iterative procedure, once). */
static jd_status gather(work *w)
{
    wm_result *f = w->f;
    const int64_t half = (int64_t)jd_run_setting(w->r, "drives") / 20 * 10;
    const int steps = (int)jd_run_setting(w->r, "v_steps");
    double *explorer = jd_alloc_array(w->ctx, (size_t)(f->o.z + 1) * WM_ACTIONS, sizeof *explorer);
    const int64_t T = (int64_t)(WM_STEPS / jd_run_setting(w->r, "frames") + .5);
    if (!explorer || wm_tape_new(w->ctx, &w->tape, &w->nets, 2 * half, T)) return jd_error(w->ctx);
    jd_run_stage(w->r, "random drives");
    f->random = wm_record(w->r, &w->nets, &w->tape, 0, half, NULL, w->period);
    if (!jd_error(w->ctx) && !learn_v(w, (steps + 1) / 2, half, 0)) {
        jd_run_stage(w->r, "a first C");
        evolve(w, WM_V_ONLY, WM_SEEDS - 1, (int)jd_run_setting(w->r, "first_generations"), explorer);
    }
    if (!jd_error(w->ctx)) {
        jd_run_stage(w->r, "drives of the first C, with noise");
        f->explored = wm_record(w->r, &w->nets, &w->tape, half, 2 * half, explorer, w->period);
        jd_run_note(w->r, "random drives earn %.0f, those of the first C with noise %.0f", f->random, f->explored);
    }
    jd_free(w->ctx, explorer);
    f->points = 0;
    return jd_error(w->ctx) ? jd_error(w->ctx) : learn_v(w, steps, 2 * half, 1);
}

static jd_status learn(work *w)
{
    wm_result *f = w->f;
    static const wm_sizes published = {64, 32, 32, 256};
    if (wm_count(w->ctx, &published, f->published) || wm_count(w->ctx, &f->o, f->count) ||
        wm_nets_new(w->ctx, &w->nets, &f->o))
        return jd_error(w->ctx);
    if (gather(w) || encode_tape(w) || learn_m(w)) return jd_error(w->ctx);
    const int generations = (int)jd_run_setting(w->r, "generations");
    for (int i = 0; i < f->seeds; i++)
        for (int kind = 0; kind < WM_KINDS; kind++) {
            double *best = jd_alloc_array(w->ctx, (size_t)(f->o.z + f->o.h + 1) * WM_ACTIONS, sizeof *best);
            jd_run_stage(w->r, "C evolves with %s, seed %d of %d", kind ? "V and M" : "V alone", i + 1, f->seeds);
            const bool whole = best && evolve(w, kind, i, generations, best);
            if (whole && !jd_error(w->ctx)) test(w, kind, i, best);
            if (!i)
                f->best[kind] = best;
            else
                jd_free(w->ctx, best);
            if (!whole && !jd_error(w->ctx)) return jd_run_stopped(w->r);
            if (jd_error(w->ctx)) return jd_error(w->ctx);
            jd_run_note(w->r, "seed %d, %s: %.0f +- %.0f on %d test tracks", i + 1, kind ? "V and M" : "V alone",
                        f->test[kind][i], f->spread[kind][i], f->tests);
        }
    return show(w);
}

static bool sensible(jd_run *r, const wm_result *f)
{
    static const char *const whole[] = {"v_steps",  "m_steps", "generations", "first_generations",
                                        "rollouts", "choose",  "cells"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (!(jd_run_setting(r, whole[i]) >= 1 && jd_run_setting(r, whole[i]) <= 1e6)) return false;
    return f->seeds >= 1 && f->seeds < WM_SEEDS && f->tests >= 1 && f->tests <= 1000 &&
           (f->o.side == 32 || f->o.side == 64) && f->o.maps >= 1 && f->o.maps <= 64 && f->o.z >= 1 && f->o.z <= 256 &&
           f->o.h <= 1024 && (f->o.z + f->o.h + 1) * WM_ACTIONS <= 1000 && jd_run_setting(r, "drives") >= 20 &&
           jd_run_setting(r, "population") >= 4 && jd_run_setting(r, "frames") >= 1 &&
           jd_run_setting(r, "frames") <= 20;
}

static void done(work *w)
{
    wm_result *f = w->f;
    for (int k = 0; f && k < WM_KINDS; k++) {
        jd_free(w->ctx, f->best[k]);
        jd_free(w->ctx, f->path[k]);
    }
    if (f) {
        jd_free(w->ctx, f->road);
        jd_free(w->ctx, f->seen);
        jd_free(w->ctx, f->dream);
    }
    wm_tape_free(w->ctx, &w->tape);
    jd_free(w->ctx, w->z);
    wm_nets_free(&w->nets);
    jd_free(w->ctx, f);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    claims c = {.r = r};
    work w = {.r = r, .ctx = ctx, .period = .02 * jd_run_setting(r, "frames")};
    wm_result *f = w.f = jd_alloc_array(ctx, 1, sizeof *f);
    if (!f) return jd_error(ctx);
    f->o = (wm_sizes){(int)jd_run_setting(r, "side"), (int)jd_run_setting(r, "maps"), (int)jd_run_setting(r, "code"),
                      (int)jd_run_setting(r, "cells")};
    f->seeds = (int)jd_run_setting(r, "seeds");
    f->tests = (int)jd_run_setting(r, "tests");
    if (!sensible(r, f))
        jd_fail(ctx, JD_EUSAGE,
                "world-models: seeds are 1 to %d, tests 1 to 1000, side 32 or 64, maps 1 to 64, code and cells 1 to "
                "332 together, drives at least 20, population at least 4, frames 1 to 20, the rest at least 1",
                WM_SEEDS - 1);
    else if (!learn(&w)) {
        judge(&w, &c);
        claims_table(&c, "The paper's task is CarRacing-v0 itself, 906 +- 21 with M, 632 +- 251 with V alone: its "
                         "track, car and picture are others, so figures cannot be compared; what can is the gain from "
                         "M.");
        wm_report(r, f);
        jd_run_finish(r, mean(f->test[WM_WHOLE], (size_t)f->seeds) - mean(f->test[WM_V_ONLY], (size_t)f->seeds),
                      c.hold < c.n ? "see the table of claims" : NULL);
    }
    done(&w);
    return jd_error(ctx);
}

static const jd_setting settings[] = {{"seeds", {1, 3, 3}, "evolutions of C of each kind"},
                                      {"side", {32, 32, 64}, "of pictures"},
                                      {"maps", {8, 8, 32}, "of V's first layer"},
                                      {"code", {16, 16, 32}, "numbers of V's code"},
                                      {"cells", {64, 64, 256}, "of M"},
                                      {"frames", {4, 4, 1}, "for which an action is held"},
                                      {"drives", {60, 100, 10000}, "to learn from, half of them at random"},
                                      {"v_steps", {600, 2000, 300000}, "of V, with 32 pictures each"},
                                      {"v_rate", {.002, .002, .0001}, "learning rate of V"},
                                      {"m_steps", {500, 3500, 80000}, "of M, with 16 pieces of 50 steps each"},
                                      {"m_rate", {.003, .003, .001}, "learning rate of M"},
                                      {"population", {12, 32, 64}, "of CMA-ES"},
                                      {"rollouts", {2, 2, 16}, "for each candidate"},
                                      {"first_generations", {8, 12, 20}, "of the C that explores"},
                                      {"generations", {40, 200, 400}, "of CMA-ES"},
                                      {"sigma", {.3, .1, .1}, "its first step"},
                                      {"choose", {6, 16, 16}, "tracks on which the centre is chosen"},
                                      {"tests", {10, 30, 100}, "tracks on which it is measured"},
                                      {"temperature", {1, 1, 1}, "of M's dream"},
                                      {NULL, {0}, NULL}};

const jd_system jd_system_world_models = {
    .name = "world-models",
    .year = 2018,
    .title = "World models: V sees, M foretells, C acts",
    .paper =
        "D. Ha, J. Schmidhuber: Recurrent world models facilitate policy evolution. NeurIPS 2018, arXiv 1803.10122",
    .metric = "reward gained by M: with V, M and C, less that with V and C",
    .higher = true,
    .paper_value = 274,
    .paper_note =
        "906 +- 21 less 632 +- 251 over 100 tracks of CarRacing-v0 itself; not comparable: other tracks, car and "
        "pictures, and at quick and cpu smaller nets, actions held for four frames",
    .accept = {NAN, 100, 100},
    .about = "A race seen from above. V, a variational autoencoder, turns each picture into a few numbers; M, an "
             "LSTM, learns to foretell them as mixtures of normal distributions; both without any reward, from random "
             "drives and from those of a first C. C is a linear map from V's code and M's memory to steering, gas and "
             "brake, found by evolution. What M remembers tells how fast things move, which no single picture does.",
    .data = "",
    .settings = settings,
    .run = run,
};
