/*
 * save.c - the model and the checkpoints of a run.
 *
 * A model holds the weights under their names.  A checkpoint holds param/NAME and state/NAME, where the training stands
 * (train/at), the best weights so far (train/best) and the rows logged since the training began (metrics/...).  There is
 * no random state and no data order to keep: both are functions of seed and step.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "jackdaw/ranks.h"
#include "train/run.h"
#include "train/store.h"

enum {
    AT_STEP,
    AT_LOSS_SUM,
    AT_LOSS_N,
    AT_BEST,
    AT_BEST_STEP,
    AT_SINCE,
    AT_FLAGS,
    AT_VALIDATED,
    AT_FIRST_ROW,
    AT_SECONDS,
    AT_COUNT
};
enum { HAS_BEST = 1, DONE = 2, REACHED = 4 };

/* What a checkpoint carries besides the store, while it is written. */
typedef struct writer {
    jd_entries e;
    int64_t *step; /* the log's rows as columns */
    double *value;
    int32_t *series;
    double at[AT_COUNT];
} writer;

static void put_log(writer *w, const jd_logbook *log, size_t first)
{
    const size_t n = log->rows > first ? log->rows - first : 0;
    if (!n) return;
    w->step = jd_alloc_array(w->e.ctx, n, sizeof *w->step);
    w->value = jd_alloc_array(w->e.ctx, n, sizeof *w->value);
    w->series = jd_alloc_array(w->e.ctx, n, sizeof *w->series);
    if (jd_error(w->e.ctx)) return;
    for (size_t i = 0; i < n; i++) {
        w->step[i] = log->row[first + i].step;
        w->value[i] = log->row[first + i].value;
        w->series[i] = log->row[first + i].series;
    }
    jd__entries_vector(&w->e, "metrics/step", JD_FILE_I64, n, w->step);
    jd__entries_vector(&w->e, "metrics/value", JD_FILE_F64, n, w->value);
    jd__entries_vector(&w->e, "metrics/series", JD_FILE_I32, n, w->series);
}

static void put_progress(writer *w, const jd_run *r, const jd_progress *at)
{
    const int flags = (at->has_best ? HAS_BEST : 0) | (at->done ? DONE : 0) | (at->reached ? REACHED : 0);
    const double v[AT_COUNT] = {
        [AT_STEP] = (double)at->step,
        [AT_LOSS_SUM] = at->loss_sum,
        [AT_LOSS_N] = (double)at->loss_n,
        [AT_BEST] = at->best,
        [AT_BEST_STEP] = (double)at->best_step,
        [AT_SINCE] = (double)at->since_best,
        [AT_FLAGS] = flags,
        [AT_VALIDATED] = (double)at->validated,
        [AT_FIRST_ROW] = (double)at->first_row,
        [AT_SECONDS] = jd_run_seconds(r),
    };
    memcpy(w->at, v, sizeof v);
    jd__entries_vector(&w->e, "train/at", JD_FILE_F64, AT_COUNT, w->at);
}

jd_status jd__checkpoint_write(jd_run *r, const char *path, jd_params *p, const jd_progress *at)
{
    writer w = {0};
    if (jd_my_rank(r->ctx)) return jd_error(r->ctx); /* rank 0 writes for all */
    if (jd_error(r->ctx) || jd__entries_begin(&w.e, r->ctx, p, 5)) return jd_error(r->ctx);
    jd__entries_params(&w.e, "param/", p);
    jd__entries_states(&w.e, "state/", p);
    put_progress(&w, r, at);
    if (at->has_best && at->best_weights)
        jd__entries_vector(&w.e, "train/best", jd__file_dtype(jd_params_dtype(p)), at->best_count, at->best_weights);
    put_log(&w, &r->log, at->first_row);
    json_t *params = jd__store_order(r->ctx, p, false), *states = jd__store_order(r->ctx, p, true);
    errno = 0;
    json_t *names = json_array();
    for (int i = 0; i < r->log.n; i++) json_array_append_new(names, json_string(r->log.series[i].name));
    jd__library_failed(r->ctx, path, "jansson");
    jd_metadata meta[] = {{"jackdaw.config", jd_run_config_json(r)},
                          {"jackdaw.metrics", jd__json_text(r->ctx, names, false)},
                          {"jackdaw.order", jd__json_text(r->ctx, params, false)},
                          {"jackdaw.states", jd__json_text(r->ctx, states, false)}};
    if (!jd_error(r->ctx)) jd_checkpoint_save(r->ctx, path, w.e.t, w.e.n, meta, 4, 2);
    for (int i = 0; i < 4; i++) jd_free(r->ctx, (void *)(uintptr_t)meta[i].value);
    json_decref(names);
    json_decref(params);
    json_decref(states);
    jd__entries_end(&w.e);
    void *const columns[] = {w.step, w.value, w.series};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) jd_free(r->ctx, columns[i]);
    return jd_error(r->ctx);
}

static bool is_vector(const jd_tensor_entry *e, jd_file_dtype dtype, size_t n)
{
    return e && e->dtype == dtype && e->rank == 1 && e->data && e->dim[0] == (int64_t)n;
}

static jd_status read_log(jd_run *r, const jd_tensor_file *f, const char *path, size_t first)
{
    const jd_tensor_entry *step = jd_tensor_file_find(f, "metrics/step");
    if (!step) return JD_OK;
    const size_t n = step->rank == 1 ? (size_t)step->dim[0] : 0;
    const jd_tensor_entry *value = jd_tensor_file_find(f, "metrics/value");
    const jd_tensor_entry *series = jd_tensor_file_find(f, "metrics/series");
    json_t *names = jd__meta_json(r->ctx, f, path, "jackdaw.metrics");
    if (!names || !is_vector(step, JD_FILE_I64, n) || !is_vector(value, JD_FILE_F64, n) ||
        !is_vector(series, JD_FILE_I32, n)) {
        json_decref(names);
        return jd_fail(r->ctx, JD_EDATA, "%s: metrics/step, value and series do not belong together", path);
    }
    /* What the program logged again on its way here is there already. */
    for (size_t i = r->log.rows > first ? r->log.rows - first : 0; i < n && !jd_error(r->ctx); i++) {
        const int32_t at = ((const int32_t *)series->data)[i];
        const char *name = at >= 0 ? json_string_value(json_array_get(names, (size_t)at)) : NULL;
        if (name)
            jd__run_relog(r, ((const int64_t *)step->data)[i], name, ((const double *)value->data)[i]);
        else
            jd_fail(r->ctx, JD_EDATA, "%s: metrics/series: row %zu names no series", path, i);
    }
    json_decref(names);
    return jd_error(r->ctx);
}

static jd_status read_progress(jd_run *r, const jd_tensor_file *f, const char *path, jd_params *p, jd_progress *at)
{
    const jd_tensor_entry *e = jd_tensor_file_get(f, "train/at");
    const jd_tensor_entry *best = jd_tensor_file_find(f, "train/best");
    if (!is_vector(e, JD_FILE_F64, AT_COUNT))
        return jd_fail(r->ctx, JD_EDATA, "%s: train/at is not %d numbers; start anew without --resume", path, AT_COUNT);
    const double *v = e->data;
    for (int i = 0; i < AT_COUNT; i++)
        if (i != AT_LOSS_SUM && i != AT_BEST && !(v[i] >= -1 && v[i] < (i == AT_FLAGS ? 8 : 9e15)))
            return jd_fail(r->ctx, JD_EDATA, "%s: train/at: value %d is out of range", path, i);
    const int flags = (int)v[AT_FLAGS];
    *at = (jd_progress){.step = (int64_t)v[AT_STEP],
                        .loss_sum = v[AT_LOSS_SUM],
                        .loss_n = (int64_t)v[AT_LOSS_N],
                        .best = v[AT_BEST],
                        .best_step = (int64_t)v[AT_BEST_STEP],
                        .since_best = (int64_t)v[AT_SINCE],
                        .validated = (int64_t)v[AT_VALIDATED],
                        .has_best = flags & HAS_BEST,
                        .done = flags & DONE,
                        .reached = flags & REACHED,
                        .first_row = v[AT_FIRST_ROW] > 0 ? (size_t)v[AT_FIRST_ROW] : 0};
    if (v[AT_SECONDS] > r->seconds_before) r->seconds_before = v[AT_SECONDS];
    if (!best) return JD_OK;
    const size_t count = jd_params_count(p);
    if (!is_vector(best, jd__file_dtype(jd_params_dtype(p)), count))
        return jd_fail(r->ctx, JD_EDATA, "%s: train/best does not fit the parameters", path);
    at->best_weights = jd_alloc_array(r->ctx, count, jd_dtype_size(jd_params_dtype(p)));
    if (!at->best_weights) return jd_error(r->ctx);
    memcpy(at->best_weights, best->data, count * jd_dtype_size(jd_params_dtype(p)));
    at->best_count = count;
    return JD_OK;
}

static jd_status read_all(jd_run *r, const jd_tensor_file *f, const char *path, jd_params *p, jd_progress *at)
{
    json_t *was = jd__meta_json(r->ctx, f, path, "jackdaw.config"), *is = jd__run_config(r);
    json_t *params = jd__meta_json(r->ctx, f, path, "jackdaw.order"),
           *states = jd__meta_json(r->ctx, f, path, "jackdaw.states");
    if (!jd_error(r->ctx)) jd__config_compare(r->ctx, path, was, is);
    if (!jd_error(r->ctx)) jd__store_set(r->ctx, p, f, params, "param/", false);
    if (!jd_error(r->ctx)) jd__store_set(r->ctx, p, f, states, "state/", true);
    if (!jd_error(r->ctx)) read_progress(r, f, path, p, at);
    if (!jd_error(r->ctx)) read_log(r, f, path, at->first_row);
    json_decref(was);
    json_decref(is);
    json_decref(params);
    json_decref(states);
    return jd_error(r->ctx);
}

bool jd__checkpoint_read(jd_run *r, const char *path, jd_params *p, jd_progress *at)
{
    if (jd_error(r->ctx)) return false;
    char *warning = NULL;
    jd_tensor_file *f = jd_checkpoint_load(r->ctx, path, &warning);
    if (!f) {
        if (jd_error(r->ctx) == JD_ENOINPUT) jd_error_clear(r->ctx); /* none yet: from the beginning */
        return false;
    }
    if (warning) jd_run_warn(r, "%s", warning);
    jd_free(r->ctx, warning);
    read_all(r, f, path, p, at);
    jd_tensor_file_close(f);
    return !jd_error(r->ctx);
}

static jd_status save_model(jd_run *r, jd_params *p, int64_t step)
{
    char number[24], *config = jd_run_config_json(r);
    snprintf(number, sizeof number, "%" PRId64, step);
    const jd_metadata meta[] = {{"jackdaw.step", number}, {"jackdaw.config", config}};
    if (config) jd_params_save(r->ctx, p, jd_run_path(r, "model.safetensors"), meta, 2);
    jd_free(r->ctx, config);
    return jd_error(r->ctx);
}

jd_status jd_run_save(jd_run *r, jd_params *p, int64_t step, bool final)
{
    if (!r) return JD_EUSAGE;
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    if (final) return save_model(r, p, step);
    const jd_progress at = {.step = step, .best = (double)NAN};
    char *path = jd_asprintf(r->ctx, "%s/checkpoints/run.safetensors", r->home);
    if (path) jd__checkpoint_write(r, path, p, &at);
    jd_free(r->ctx, path);
    return jd_error(r->ctx);
}

int64_t jd_run_load(jd_run *r, jd_params *p)
{
    if (!r) return 0;
    jd_progress at = {0};
    char *path =
        r->o.resume && !jd_error(r->ctx) ? jd_asprintf(r->ctx, "%s/checkpoints/run.safetensors", r->home) : NULL;
    const bool there = path && jd__checkpoint_read(r, path, p, &at);
    jd_free(r->ctx, path);
    jd_free(r->ctx, at.best_weights);
    return there ? at.step : -1;
}
