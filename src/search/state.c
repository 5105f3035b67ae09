/*
 * state.c - a search in a file: a checkpoint with the options that shape its course, its counters and its fields.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/io.h"
#include "search/search.h"

enum {
    AT_SEED,
    AT_EVALUATIONS,
    AT_GENERATIONS,
    AT_GENERATION,
    AT_RESTARTS,
    AT_STALE,
    AT_POPULATION,
    AT_FLAGS,
    AT_COUNT
};
enum { HAS_BEST = 1, RESTART_HAS_BEST = 2, CONVERGED = 4 };
enum { SCORE_BEST, SCORE_RESTART, SCORE_LAST, SCORE_MEAN, SCORE_DEVIATION, SCORE_COUNT };
enum { OPTIONS = 11, FIXED = 6 };

static const char *const OPTION[OPTIONS] = {"dim",      "population", "minimize", "sigma",  "repeats", "restart",
                                            "patience", "grow",       "mutation", "spread", "rule"};

static void options(const jd_search *s, double out[OPTIONS])
{
    const jd_search_options *o = &s->o;
    const double v[OPTIONS] = {(double)o->dim,
                               (double)o->population,
                               o->minimize,
                               o->sigma,
                               o->repeats,
                               o->restart,
                               (double)o->patience,
                               o->grow,
                               o->mutation,
                               o->spread,
                               (int)o->cosyne + 4 * o->again + 8 * o->best_of_trials + 16 * (o->trials - 10)};
    memcpy(out, v, sizeof v);
}

static void counters(const jd_search *s, int64_t at[AT_COUNT], double score[SCORE_COUNT])
{
    const bool converged = s->done && !strcmp(s->done, "converged");
    const int64_t v[AT_COUNT] = {(int64_t)s->o.seed,
                                 s->evaluations,
                                 s->generations,
                                 s->generation,
                                 s->restarts,
                                 s->stale,
                                 (int64_t)s->population,
                                 s->has_best * HAS_BEST | s->restart_has_best * RESTART_HAS_BEST |
                                     converged * CONVERGED};
    const double w[SCORE_COUNT] = {s->best_score, s->restart_best, s->last_best, s->mean, s->deviation};
    memcpy(at, v, sizeof v);
    memcpy(score, w, sizeof w);
}

static jd_tensor_entry entry(const char *name, jd_file_dtype dtype, const void *data, size_t n)
{
    return (jd_tensor_entry){.name = name, .dtype = dtype, .rank = 1, .dim = {(int64_t)n}, .data = data};
}

jd_status jd_search_save(jd_search *s, const char *path, int keep)
{
    if (!s) return JD_EUSAGE;
    jd_ctx *ctx = s->ctx;
    if (jd_error(ctx)) return jd_error(ctx);
    int64_t at[AT_COUNT];
    double score[SCORE_COUNT], option[OPTIONS];
    char name[JD_SEARCH_FIELDS][48];
    options(s, option);
    counters(s, at, score);
    jd_tensor_entry t[FIXED + JD_SEARCH_FIELDS] = {
        entry("at", JD_FILE_I64, at, AT_COUNT),          entry("score", JD_FILE_F64, score, SCORE_COUNT),
        entry("options", JD_FILE_F64, option, OPTIONS),  entry("center", JD_FILE_F64, s->center0, s->D),
        entry("segment", JD_FILE_I32, s->segment, s->D), entry("best", JD_FILE_F64, s->best, s->D)};
    size_t n = FIXED;
    for (int i = 0; i < JD_SEARCH_FIELDS; i++) {
        const jd_search_field *f = &s->field[i];
        if (!f->v || !f->kept) continue;
        snprintf(name[i], sizeof name[i], "field/%s", f->name);
        t[n++] = entry(name[i], JD_FILE_F64, f->v, f->rows * f->columns);
    }
    return jd_checkpoint_save(ctx, path, t, n, &(jd_metadata){"jackdaw.search", s->m->name}, 1, keep);
}

/* A tensor of n numbers; NULL, and an error, for anything else. */
static const void *numbers(jd_ctx *ctx, const char *path, const jd_tensor_file *f, const char *name,
                           jd_file_dtype dtype, size_t n)
{
    const jd_tensor_entry *e = jd_tensor_file_get(f, name);
    if (!e) return NULL;
    if (e->dtype == dtype && e->rank == 1 && e->dim[0] >= 0 && (uint64_t)e->dim[0] == n) return e->data;
    jd_fail(ctx, JD_EDATA, "%s: tensor %s has rank %d, %" PRId64 " numbers of type %s; the search needs %zu of %s",
            path, name, e->rank, e->rank ? e->dim[0] : 1, e->stored, n, jd_file_dtype_name(dtype));
    return NULL;
}

/* The population after so many restarts. */
static int64_t population_after(const jd_search *s, int64_t restarts)
{
    double p = (double)(s->o.population ? s->o.population : s->m->population(s));
    for (int64_t i = 0; i < restarts; i++) {
        double next = floor(p * s->o.grow);
        if (next > JD_MAX_POPULATION) next = JD_MAX_POPULATION;
        if (next == p) break;
        p = next;
    }
    return (int64_t)p;
}

static jd_status compare(const jd_search *s, const char *path, const jd_tensor_file *f, const int64_t *at)
{
    const char *method = jd_tensor_file_meta(f, "jackdaw.search");
    if (!method || strcmp(method, s->m->name))
        return jd_fail(s->ctx, JD_EDATA, "%s: holds a search by \"%s\", not by %s; use the options it was saved with",
                       path, method ? method : "", s->m->name);
    double is[OPTIONS];
    options(s, is);
    const double *was = numbers(s->ctx, path, f, "options", JD_FILE_F64, OPTIONS);
    for (int i = 0; was && i < OPTIONS; i++)
        if (was[i] != is[i])
            return jd_fail(s->ctx, JD_EDATA, "%s: option %s was %g and is now %g; use the options it was saved with",
                           path, OPTION[i], was[i], is[i]);
    const void *center = numbers(s->ctx, path, f, "center", JD_FILE_F64, s->D);
    const void *segment = numbers(s->ctx, path, f, "segment", JD_FILE_I32, s->D);
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    if (memcmp(center, s->center0, s->D * sizeof *s->center0) || memcmp(segment, s->segment, s->D * sizeof *s->segment))
        return jd_fail(s->ctx, JD_EDATA, "%s: the centre or the segments differ; use the options it was saved with",
                       path);
    if (at[AT_SEED] != (int64_t)s->o.seed)
        return jd_fail(s->ctx, JD_EDATA, "%s: the seed was %" PRIu64 " and is now %" PRIu64 "; use the same", path,
                       (uint64_t)at[AT_SEED], s->o.seed);
    for (int i = AT_EVALUATIONS; i < AT_COUNT; i++)
        if (at[i] < 0 || at[i] > INT64_C(1) << 53)
            return jd_fail(s->ctx, JD_EDATA, "%s: counter %d is %" PRId64 "; it cannot be negative or above 2^53", path,
                           i, at[i]);
    if (at[AT_POPULATION] != population_after(s, at[AT_RESTARTS]))
        return jd_fail(s->ctx, JD_EDATA,
                       "%s: a population of %" PRId64 " after %" PRId64 " restarts; it should be %" PRId64, path,
                       at[AT_POPULATION], at[AT_RESTARTS], population_after(s, at[AT_RESTARTS]));
    return JD_OK;
}

/* Fills a fresh search from the file. */
static jd_status fill(jd_search *t, const char *path, const jd_tensor_file *f, const int64_t *at)
{
    jd_ctx *ctx = t->ctx;
    const double *score = numbers(ctx, path, f, "score", JD_FILE_F64, SCORE_COUNT);
    const double *best = numbers(ctx, path, f, "best", JD_FILE_F64, t->D);
    if (!score || !best) return jd_error(ctx);
    if (t->population != (size_t)at[AT_POPULATION]) {
        t->population = (size_t)at[AT_POPULATION];
        if (jd__search_allocate(t)) return jd_error(ctx);
    }
    for (int i = 0; i < JD_SEARCH_FIELDS; i++) {
        const jd_search_field *field = &t->field[i];
        char name[48];
        if (!field->v || !field->kept) continue;
        snprintf(name, sizeof name, "field/%s", field->name);
        const double *v = numbers(ctx, path, f, name, JD_FILE_F64, field->rows * field->columns);
        if (!v) return jd_error(ctx);
        memcpy(field->v, v, field->rows * field->columns * sizeof *v);
    }
    memcpy(t->best, best, t->D * sizeof *best);
    t->evaluations = at[AT_EVALUATIONS];
    t->generations = at[AT_GENERATIONS];
    t->generation = at[AT_GENERATION];
    t->restarts = at[AT_RESTARTS];
    t->stale = at[AT_STALE];
    t->has_best = at[AT_FLAGS] & HAS_BEST;
    t->restart_has_best = at[AT_FLAGS] & RESTART_HAS_BEST;
    t->best_score = score[SCORE_BEST];
    t->restart_best = score[SCORE_RESTART];
    t->last_best = score[SCORE_LAST];
    t->mean = score[SCORE_MEAN];
    t->deviation = score[SCORE_DEVIATION];
    if (at[AT_FLAGS] & CONVERGED) t->done = "converged";
    if (t->has_best && t->o.has_target && t->best_score >= (t->o.minimize ? -t->o.target : t->o.target))
        t->done = "target";
    return JD_OK;
}

jd_status jd_search_load(jd_search *s, const char *path)
{
    if (!s) return JD_EUSAGE;
    jd_ctx *ctx = s->ctx;
    if (jd_error(ctx)) return jd_error(ctx);
    jd_tensor_file *f = jd_checkpoint_load(ctx, path, NULL);
    const int64_t *at = f ? numbers(ctx, path, f, "at", JD_FILE_I64, AT_COUNT) : NULL;
    jd_search *t = at && !compare(s, path, f, at) ? jd_search_new(ctx, &s->o) : NULL;
    if (t && !fill(t, path, f, at)) {
        jd_search old = *s; /* the caller's handle takes the new contents */
        *s = *t;
        *t = old;
    }
    jd_search_free(t);
    jd_tensor_file_close(f);
    return jd_error(ctx);
}
