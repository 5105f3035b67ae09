/*
 * octopus.c - the arm's task, and searches for networks that solve it.
 */
#include <stdlib.h>
#include <string.h>

#include "octopus.h"

#define PI 3.14159265358979323846
static const double BASE[2] = {.04, .5}, TARGET[2] = {5.5, 3.5};
#define NEAR 0.5

/* ---- the task ----------------------------------------------------------------------------------------------------------*/

static void watch(void *user, double *memory, int64_t t, const double *s)
{
    (void)user;
    (void)t;
    memory[0] = hypot((s[38] + s[78]) / 2 - TARGET[0], (s[39] + s[79]) / 2 - TARGET[1]);
}

static double worth(void *user, const double *memory, int64_t steps, double reward)
{
    (void)user;
    const double d = memory[0], fitness = 1 - (double)steps / OCTOPUS_STEPS * d / 12;
    if (steps < OCTOPUS_STEPS && reward < 0) return 0; /* it burst */
    return fitness > 0 ? fitness : 0;
}

static void turn(const double *straight, double degrees, double *to)
{
    const double a = degrees * PI / 180, c = cos(a), s = sin(a);
    memcpy(to, straight, OCTOPUS_STATE * sizeof *to);
    to[0] += a;
    for (int k = 2; k < OCTOPUS_STATE; k += 4) {
        const double x = straight[k] - BASE[0], y = straight[k + 1] - BASE[1];
        to[k] = BASE[0] + c * x - s * y;
        to[k + 1] = BASE[1] + s * x + c * y;
    }
}

jd_status octopus_open(octopus *o, jd_run *r, const char *env)
{
    memset(o, 0, sizeof *o);
    o->r = r;
    o->ctx = jd_run_ctx(r);
    o->env = env;
    o->net = (jd_net_shape){.hidden = OCTOPUS_UNITS, .outputs = OCTOPUS_UNITS, .direct = true, .logistic = true};
    o->rollout = jd_rollout_new(
        o->ctx, &(jd_rollout_options){.env = env, .net = o->net, .memory_size = 1, .watch = watch, .score = worth});
    o->weights = jd_rollout_weights(o->rollout);
    double straight[OCTOPUS_STATE] = {0};
    jd_env *e = jd_env_new(o->ctx, env, NULL);
    if (e) {
        o->net.inputs = jd_env_observation(e).size;
        jd_env_reset(e, 0, 0, NULL);
        jd_env_get_state(e, 0, straight);
    }
    jd_env_free(e);
    o->book = jd_params_new(o->ctx, JD_F64);
    o->resume = jd_run_load(r, o->book) >= 0;
    for (int k = 0; k < OCTOPUS_STARTS; k++) turn(straight, 60. * (k - 1), o->start[k]);
    jd_rng rng = jd_rng_new(1, "octopus/held-out", 0);
    for (int k = 0; k < OCTOPUS_HELD_OUT; k++) turn(straight, 150 * jd_rng_uniform64(&rng) - 75, o->held_out[k]);
    return jd_error(o->ctx);
}

void octopus_close(octopus *o)
{
    jd_rollout_free(o->rollout);
    jd_params_free(o->book);
}

jd_status octopus_evaluate(octopus *o, const double *weights, size_t n, const double (*start)[OCTOPUS_STATE],
                           int starts, double *score, double *reached)
{
    const size_t W = o->weights, trials = n * (size_t)starts;
    double *w = jd_alloc_array(o->ctx, trials, W * sizeof *w);
    double *begin = jd_alloc_array(o->ctx, trials, OCTOPUS_STATE * sizeof *begin);
    int64_t *steps = jd_alloc_array(o->ctx, trials, sizeof *steps);
    if (!jd_error(o->ctx)) {
        for (size_t t = 0; t < trials; t++) {
            memcpy(w + t * W, weights + t / (size_t)starts * W, W * sizeof *w);
            memcpy(begin + t * OCTOPUS_STATE, start[t % (size_t)starts], OCTOPUS_STATE * sizeof *begin);
        }
        jd_rollout_run(o->rollout, w, false, trials, begin, 0, OCTOPUS_STEPS, score, steps);
        for (size_t t = 0; reached && t < trials; t++) reached[t] = steps[t] < OCTOPUS_STEPS && score[t] > 0;
    }
    jd_free(o->ctx, w);
    jd_free(o->ctx, begin);
    jd_free(o->ctx, steps);
    return jd_error(o->ctx);
}

/* ---- searches ----------------------------------------------------------------------------------------------------------*/

double octopus_mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum / n;
}

double octopus_sd(const double *x, int n)
{
    const double mean = octopus_mean(x, n);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

int octopus_best_seed(const octopus_way *way, int seeds)
{
    int best = 0;
    for (int s = 1; s < seeds; s++)
        if (way->fitness[s] > way->fitness[best]) best = s;
    return best;
}

double octopus_after(const octopus_way *way, int seed, int64_t evaluations)
{
    int64_t p = evaluations / OCTOPUS_GRID - 1;
    if (p >= (int64_t)way->points) p = (int64_t)way->points - 1;
    return p < 0 ? 0 : way->curve[(size_t)seed * way->points + (size_t)p];
}

void octopus_way_free(octopus *o, octopus_way *way)
{
    jd_code_free(way->code);
    jd_free(o->ctx, way->curve);
    jd_free(o->ctx, way->best);
    way->code = NULL;
    way->curve = way->best = NULL;
}

/* Notes the scores (n, starts) of a search's candidates x, the `done`-th and later ones of its seed. */
static void learn(octopus_way *way, int seed, int64_t done, const double *x, size_t n, const double *score,
                  double *fitness)
{
    const size_t G = jd_code_genes(way->code);
    for (size_t i = 0; i < n; i++) {
        fitness[i] = octopus_mean(score + i * OCTOPUS_STARTS, OCTOPUS_STARTS);
        if (fitness[i] > way->fitness[seed]) {
            way->fitness[seed] = fitness[i];
            memcpy(way->best + (size_t)seed * G, x + i * G, G * sizeof *x);
            memcpy(way->each[seed], score + i * OCTOPUS_STARTS, sizeof way->each[seed]);
        }
        const int64_t count = done + (int64_t)i + 1;
        if (!(way->good[seed] > 0) && way->fitness[seed] >= OCTOPUS_GOOD) way->good[seed] = (double)count;
        const size_t p = (size_t)((count - 1) / OCTOPUS_GRID); /* the point that this evaluation still counts for */
        if (p < way->points) way->curve[(size_t)seed * way->points + p] = way->fitness[seed];
    }
}

/* One generation of every search that is not done, all candidates evaluated together; false when all are done. */
static bool generation(octopus *o, octopus_way *way, jd_search **search, int seeds)
{
    const size_t W = o->weights, G = jd_code_genes(way->code);
    const double *x[OCTOPUS_SEEDS] = {0};
    size_t n[OCTOPUS_SEEDS] = {0}, all = 0, at = 0;
    int64_t done[OCTOPUS_SEEDS];
    for (int s = 0; s < seeds; s++) {
        done[s] = jd_search_state(search[s]).evaluations;
        x[s] = jd_search_ask(search[s], &n[s]);
        if (!x[s]) n[s] = 0;
        all += n[s];
    }
    if (!all || jd_error(o->ctx)) return false;
    double *w = jd_alloc_array(o->ctx, all, W * sizeof *w), *fitness = jd_alloc_array(o->ctx, all, sizeof *fitness);
    double *score = jd_alloc_array(o->ctx, all, OCTOPUS_STARTS * sizeof *score);
    for (int s = 0; w && s < seeds; s++)
        for (size_t i = 0; i < n[s]; i++) jd_code_decode(way->code, x[s] + i * G, w + at++ * W);
    if (!jd_error(o->ctx)) octopus_evaluate(o, w, all, o->start, OCTOPUS_STARTS, score, NULL);
    at = 0;
    for (int s = 0; !jd_error(o->ctx) && s < seeds; s++) {
        if (!n[s]) continue;
        learn(way, s, done[s], x[s], n[s], score + at * OCTOPUS_STARTS, fitness + at);
        jd_search_tell(search[s], fitness + at);
        at += n[s];
    }
    o->done += (double)all;
    jd_free(o->ctx, w);
    jd_free(o->ctx, fitness);
    jd_free(o->ctx, score);
    return !jd_error(o->ctx);
}

static void test_held_out(octopus *o, octopus_way *way, int seeds)
{
    double *w = jd_alloc_array(o->ctx, (size_t)seeds, o->weights * sizeof *w);
    double score[OCTOPUS_SEEDS * OCTOPUS_HELD_OUT], reached[OCTOPUS_SEEDS * OCTOPUS_HELD_OUT];
    for (int s = 0; w && s < seeds; s++)
        jd_code_decode(way->code, way->best + (size_t)s * jd_code_genes(way->code), w + (size_t)s * o->weights);
    if (w && !octopus_evaluate(o, w, (size_t)seeds, o->held_out, OCTOPUS_HELD_OUT, score, reached))
        for (int s = 0; s < seeds; s++) {
            way->held_out[s] = octopus_mean(score + s * OCTOPUS_HELD_OUT, OCTOPUS_HELD_OUT);
            way->reached[s] = octopus_mean(reached + s * OCTOPUS_HELD_OUT, OCTOPUS_HELD_OUT);
        }
    jd_free(o->ctx, w);
}

/* ---- what a stopped run leaves -------------------------------------------------------------------------------------------*/

enum { HEAD = 4 + OCTOPUS_STARTS + 1 };

static size_t row_size(const octopus_way *way)
{
    return HEAD + way->points + jd_code_genes(way->code);
}

static char *file_of(const octopus *o, const octopus_way *way, int seed)
{
    return jd_asprintf(o->ctx, "%s/checkpoints/%s-%d.safetensors", jd_run_dir(o->r), way->key, seed);
}

/* The way's outcome into the book (seeds, row), or back. */
static void book(octopus *o, octopus_way *way, int seeds, bool back)
{
    const size_t row = row_size(way), G = jd_code_genes(way->code);
    double *all = jd_alloc_array(o->ctx, (size_t)seeds, row * sizeof *all);
    if (!all) return;
    const jd_range *known = jd_params_find(o->book, way->key);
    const bool there =
        known && known->type.rank == 2 && known->type.dim[0] == seeds && known->type.dim[1] == (int64_t)row;
    if (back && there) memcpy(all, jd_params_get(o->book, way->key), (size_t)seeds * row * sizeof *all);
    for (int s = 0; s < seeds && (!back || there); s++) {
        double *const part[] = {&way->fitness[s],
                                &way->held_out[s],
                                &way->reached[s],
                                &way->good[s],
                                way->each[s],
                                way->curve + (size_t)s * way->points,
                                way->best + (size_t)s * G};
        const size_t size[] = {1, 1, 1, 1, OCTOPUS_STARTS, way->points, G};
        double *at = all + (size_t)s * row;
        for (size_t k = 0; k < sizeof size / sizeof *size; at += size[k++])
            if (back)
                memcpy(part[k], at, size[k] * sizeof *at);
            else
                memcpy(at, part[k], size[k] * sizeof *at);
        if (back)
            way->over = *at > 0;
        else
            *at = way->over;
    }
    if (!back) {
        jd_params_set(o->book, way->key, &(jd_type){JD_F64, 2, {seeds, (int64_t)row}}, all);
        jd_run_save(o->r, o->book, 0, false);
    }
    jd_free(o->ctx, all);
}

/* The book is written before the searches: one that is a little older finds again what stands there. */
static void save(octopus *o, octopus_way *way, jd_search **search, int seeds)
{
    book(o, way, seeds, false);
    for (int s = 0; s < seeds && !jd_error(o->ctx); s++) {
        char *path = file_of(o, way, s);
        if (path && way->over)
            remove(path);
        else if (path)
            jd_search_save(search[s], path, 0);
        jd_free(o->ctx, path);
    }
}

static void begin(octopus *o, octopus_way *way, jd_search **search, int seeds, int64_t budget)
{
    for (int s = 0; s < seeds && !jd_error(o->ctx); s++) {
        search[s] = jd_search_new(o->ctx, &(jd_search_options){.method = way->method,
                                                               .dim = jd_code_genes(way->code),
                                                               .population = way->population,
                                                               .seed = jd_run_seed(o->r) * OCTOPUS_SEEDS + (uint64_t)s,
                                                               .sigma = way->sigma,
                                                               .budget = budget});
        char *path = o->resume ? file_of(o, way, s) : NULL;
        if (path && jd_search_load(search[s], path) == JD_ENOINPUT) jd_error_clear(o->ctx);
        jd_free(o->ctx, path);
        if (search[s]) o->done += (double)jd_search_state(search[s]).evaluations;
    }
}

/* ---- the race --------------------------------------------------------------------------------------------------------------*/

/* Until all searches are done, or the user stops it (true). */
static bool search_on(octopus *o, octopus_way *way, jd_search **search, int seeds)
{
    double saved = jd_now();
    while (!jd_error(o->ctx) && generation(o, way, search, seeds)) {
        const bool stop =
            jd_run_progress(o->r, o->done, o->total, "%s: %.3f", way->name, octopus_mean(way->fitness, seeds));
        if (stop || jd_now() - saved > 20) {
            save(o, way, search, seeds);
            saved = jd_now();
        }
        if (stop) return true;
    }
    return false;
}

jd_status octopus_race(octopus *o, octopus_way *way, int seeds, int64_t budget)
{
    jd_search *search[OCTOPUS_SEEDS] = {0};
    if (jd_error(o->ctx)) return jd_error(o->ctx);
    way->points = (size_t)(budget / OCTOPUS_GRID);
    way->curve = jd_alloc_array(o->ctx, (size_t)seeds, way->points * sizeof *way->curve);
    way->best = jd_alloc_array(o->ctx, (size_t)seeds, jd_code_genes(way->code) * sizeof *way->best);
    for (int s = 0; s < seeds; s++) way->good[s] = (double)NAN;
    if (!jd_error(o->ctx)) book(o, way, seeds, true);
    if (way->over) {
        o->done += (double)budget * seeds;
        return jd_error(o->ctx);
    }
    begin(o, way, search, seeds, budget);
    const bool stopped = search_on(o, way, search, seeds);
    for (int s = 0; !stopped && way->curve && s < seeds; s++) /* a generation that did not fit leaves points empty */
        for (size_t p = 1; p < way->points; p++)
            if (way->curve[(size_t)s * way->points + p] <= 0)
                way->curve[(size_t)s * way->points + p] = way->curve[(size_t)s * way->points + p - 1];
    if (!stopped && !jd_error(o->ctx)) {
        test_held_out(o, way, seeds);
        way->over = true;
        save(o, way, search, seeds);
    }
    for (int s = 0; s < seeds; s++) jd_search_free(search[s]);
    return stopped ? jd_run_stopped(o->r) : jd_error(o->ctx);
}
