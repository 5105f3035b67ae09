/*
 * log.c - what a run logs: the history in memory, metrics.csv, TensorBoard events.
 *
 * metrics.csv has the columns step, name, value, for a run may log a new name at any time.  It is a view: a checkpoint
 * carries the rows of its training, so a resumed run writes the table anew and ends with the one of an uninterrupted run.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "train/run.h"

static int find_series(const jd_logbook *log, const char *name)
{
    for (int i = 0; i < log->n; i++)
        if (!strcmp(log->series[i].name, name)) return i;
    return -1;
}

static int new_series(jd_ctx *ctx, jd_logbook *log, const char *name)
{
    if (log->n == log->cap) {
        const int cap = log->cap ? 2 * log->cap : 16;
        jd_series *s = jd_realloc(ctx, log->series, (size_t)log->cap * sizeof *s, (size_t)cap * sizeof *s);
        if (!s) return -1;
        log->series = s;
        log->cap = cap;
    }
    log->series[log->n] = (jd_series){.name = jd_strdup(ctx, name)};
    return log->series[log->n].name ? log->n++ : -1;
}

int jd__log_add(jd_ctx *ctx, jd_logbook *log, int64_t step, const char *name, double value)
{
    int i = find_series(log, name);
    if (i < 0 && (i = new_series(ctx, log, name)) < 0) return -1;
    jd_series *s = &log->series[i];
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        int64_t *step_more = jd_realloc(ctx, s->step, s->cap * sizeof *s->step, cap * sizeof *s->step);
        if (step_more) s->step = step_more;
        double *value_more = jd_realloc(ctx, s->value, s->cap * sizeof *s->value, cap * sizeof *s->value);
        if (value_more) s->value = value_more;
        if (!step_more || !value_more) return -1;
        s->cap = cap;
    }
    if (log->rows == log->row_cap) {
        const size_t cap = log->row_cap ? 2 * log->row_cap : 256;
        jd_row *row = jd_realloc(ctx, log->row, log->row_cap * sizeof *row, cap * sizeof *row);
        if (!row) return -1;
        log->row = row;
        log->row_cap = cap;
    }
    s->step[s->n] = step;
    s->value[s->n++] = value;
    log->row[log->rows++] = (jd_row){i, step, value};
    return i;
}

void jd__log_free(jd_ctx *ctx, jd_logbook *log)
{
    for (int i = 0; i < log->n; i++) {
        jd_free(ctx, log->series[i].name);
        jd_free(ctx, log->series[i].step);
        jd_free(ctx, log->series[i].value);
    }
    jd_free(ctx, log->series);
    jd_free(ctx, log->row);
    *log = (jd_logbook){0};
}

jd_status jd__run_open_log(jd_run *r)
{
    static const char *const columns[] = {"step", "name", "value"};
    r->csv = jd_csv_log_open(r->ctx, jd_run_path(r, "metrics.csv"), columns, 3, -1);
    r->events = r->csv ? jd_events_new(r->ctx, jd_run_path(r, "events")) : NULL;
    return jd_error(r->ctx);
}

/* The shortest decimal that reads back to the same double. */
static void shortest(char out[40], double x)
{
    if (!isfinite(x)) {
        snprintf(out, 40, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        jd__snprintf(out, 40, "%.*g", digits, x);
        const double back = jd__strtod(out, NULL);
        if (!memcmp(&back, &x, sizeof x)) return;
    }
}

jd_status jd__run_relog(jd_run *r, int64_t step, const char *name, double value)
{
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    char a[24], b[40];
    if (jd__log_add(r->ctx, &r->log, step, name, value) < 0) return jd_error(r->ctx);
    snprintf(a, sizeof a, "%lld", (long long)step);
    shortest(b, value);
    return jd_csv_log_append_text(r->csv, (const char *[]){a, name, b});
}

void jd_run_log(jd_run *r, int64_t step, const char *name, double value)
{
    if (!r) return;
    if (jd__run_relog(r, step, name, value)) return;
    jd_events_scalar(r->events, name, step, (float)value);
    if (r->o.on_event)
        r->o.on_event(r->o.user, &(jd_run_event){.kind = JD_EVENT_METRIC, .name = name, .step = step, .value = value});
}

size_t jd_run_history(const jd_run *r, const char *name, const int64_t **step, const double **value)
{
    if (!r) return 0;
    const int i = find_series(&r->log, name);
    if (i < 0) return 0;
    if (step) *step = r->log.series[i].step;
    if (value) *value = r->log.series[i].value;
    return r->log.series[i].n;
}

const char *jd_run_series(const jd_run *r, int i)
{
    if (!r) return NULL;
    return i >= 0 && i < r->log.n ? r->log.series[i].name : NULL;
}
