/*
 * summary.c - the parts of a report that every run has: the figure, the curves of what was logged, the configuration.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/given.h"
#include "base/number.h"
#include "train/run.h"

static double number_of(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

void jd__report_head(jd_report *rep, const json_t *result, const char *paper_note)
{
    const double value = number_of(result, "value");
    const char *better = json_string_value(json_object_get(result, "better"));
    const char *metric = json_string_value(json_object_get(result, "metric"));
    jd_report_result(rep, &(jd_result_row){.metric = metric ? metric : "score",
                                           .paper = number_of(result, "paper"),
                                           .paper_note = paper_note,
                                           .values = &value,
                                           .n = 1,
                                           .accept = number_of(result, "accept"),
                                           .higher_is_better = better && !strcmp(better, "higher"),
                                           .passed = json_is_true(json_object_get(result, "passed")),
                                           .reason = json_string_value(json_object_get(result, "why"))});
}

/* "train/loss" and "valid/loss" share the chart "loss"; the part before the last slash is the curve's label. */
static const char *leaf(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* A range of more than two powers of ten of positive values is drawn on a log axis. */
static bool wants_log(const jd_logbook *log, const char *group)
{
    double low = (double)INFINITY, high = 0;
    for (int i = 0; i < log->n; i++)
        for (size_t k = 0; k < log->series[i].n && !strcmp(leaf(log->series[i].name), group); k++) {
            const double y = log->series[i].value[k];
            if (!isfinite(y)) continue;
            if (y < low) low = y;
            if (y > high) high = y;
        }
    return low > 0 && high / low > 100;
}

static void chart_of(jd_ctx *ctx, jd_report *rep, const jd_logbook *log, const char *group)
{
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "step"},
                               &(jd_axis){.label = group, .scale = wants_log(log, group) ? JD_LOG : JD_LIN}, 0);
    for (int i = 0; i < log->n; i++) {
        const jd_series *s = &log->series[i];
        if (strcmp(leaf(s->name), group)) continue;
        char label[64];
        const int length = (int)(leaf(s->name) - s->name) - 1;
        snprintf(label, sizeof label, "%.*s", length > 0 ? length : (int)strlen(s->name), s->name);
        double *x = jd_alloc_array(ctx, s->n, sizeof *x);
        for (size_t k = 0; x && k < s->n; k++) x[k] = (double)s->step[k];
        if (x) jd_chart_line(c, label, x, s->value, s->n, s->n < 40 ? JD_MARKS : 0);
        jd_free(ctx, x);
    }
    char caption[160];
    snprintf(caption, sizeof caption, "%s during the run, as logged in metrics.csv.", group);
    jd_report_chart(rep, c, caption);
}

void jd__report_curves(jd_ctx *ctx, jd_report *rep, const jd_logbook *log)
{
    bool heading = false;
    for (int i = 0; i < log->n && !jd_error(ctx); i++) {
        const char *group = leaf(log->series[i].name);
        bool first = true, several = false;
        for (int k = 0; k < log->n; k++) {
            if (strcmp(leaf(log->series[k].name), group)) continue;
            first = first && k >= i;
            several = several || log->series[k].n > 1;
        }
        if (!first || !several) continue; /* a single point is no curve */
        if (!heading) jd_report_section(rep, "Learning curves");
        heading = true;
        chart_of(ctx, rep, log, group);
    }
}

enum { PAIRS = 128 };
typedef struct pairs {
    jd_ctx *ctx;
    char *name[PAIRS], *value[PAIRS];
    size_t n;
} pairs;

static void add_pairs(pairs *p, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)object, key, v)
    {
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, key);
        if (json_is_object(v)) {
            add_pairs(p, "", v);
        } else if (p->n < PAIRS) {
            p->name[p->n] = jd_strdup(p->ctx, name);
            p->value[p->n] =
                json_is_string(v) ? jd_strdup(p->ctx, json_string_value(v)) : jd__json_text(p->ctx, v, false);
            p->n++;
        }
    }
}

static void report_pairs(jd_ctx *ctx, jd_report *rep, const char *title, const json_t *object)
{
    pairs *p = object ? jd_alloc(ctx, sizeof *p) : NULL;
    if (!p) return;
    p->ctx = ctx;
    add_pairs(p, "", object);
    if (!jd_error(ctx) && p->n)
        jd_report_pairs(rep, title, (const char *const *)p->name, (const char *const *)p->value, p->n);
    for (size_t i = 0; i < p->n; i++) {
        jd_free(ctx, p->name[i]);
        jd_free(ctx, p->value[i]);
    }
    jd_free(ctx, p);
}

/* Fields of a result that stand elsewhere in the report. */
static const char *const shown[] = {"system",     "scale",  "seed",   "metric", "value",      "better",
                                    "paper",      "accept", "passed", "device", "why",        "title",
                                    "paper_note", "about",  "source", "config", "environment"};

void jd__report_tail(jd_ctx *ctx, jd_report *rep, const json_t *result)
{
    errno = 0;
    json_t *more = json_copy((json_t *)(uintptr_t)result);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) json_object_del(more, shown[i]);
    jd__library_failed(ctx, "the report", "jansson");
    jd_report_section(rep, "How this was made");
    report_pairs(ctx, rep, "Measured", more);
    report_pairs(ctx, rep, "Configuration", json_object_get(result, "config"));
    report_pairs(ctx, rep, "Environment", json_object_get(result, "environment"));
    json_decref(more);
}

/* metrics.csv back into memory: step,name,value, where a name holds no comma and no quote. */
static jd_status read_metrics(jd_ctx *ctx, const char *path, jd_logbook *log)
{
    size_t bytes;
    char *text = jd_read_file(ctx, path, 0, &bytes);
    if (!text) return jd_error(ctx);
    size_t line = 1;
    char *at = memchr(text, '\n', bytes);
    for (char *end; at && (end = strchr(at + 1, '\n')) != NULL && !jd_error(ctx); at = end, line++) {
        *end = 0;
        char *rest, *number_end = NULL;
        const long long step = strtoll(at + 1, &rest, 10);
        char *comma = *rest == ',' ? strchr(rest + 1, ',') : NULL;
        double value = 0;
        if (comma) {
            *comma = 0;
            value = jd__strtod(comma + 1, &number_end);
        }
        if (!comma || number_end == comma + 1 || *number_end)
            jd_fail(ctx, JD_EDATA, "%s: line %zu is not step,name,value; repair or remove it", path, line + 1);
        else
            jd__log_add(ctx, log, step, rest + 1, value);
    }
    jd_free(ctx, text);
    return jd_error(ctx);
}

static void rebuild(jd_ctx *ctx, const char *dir, const json_t *result, const char *path)
{
    jd_logbook log = {0};
    char *metrics = jd_asprintf(ctx, "%s/metrics.csv", dir);
    const char *title = json_string_value(json_object_get(result, "title"));
    const char *source = json_string_value(json_object_get(result, "source"));
    const char *about = json_string_value(json_object_get(result, "about"));
    if (metrics && !read_metrics(ctx, metrics, &log)) {
        jd_report *rep = jd_report_new(ctx, title ? title : dir, source);
        jd__report_head(rep, result, json_string_value(json_object_get(result, "paper_note")));
        if (about) jd_report_text(rep, about);
        jd__report_curves(ctx, rep, &log);
        jd__report_tail(ctx, rep, result);
        jd_report_write(rep, path);
        jd_report_free(rep);
    }
    jd__log_free(ctx, &log);
    jd_free(ctx, metrics);
}

jd_status jd_run_rebuild_report(jd_ctx *ctx, const char *dir, const char *path)
{
    if (!jd__given(ctx, __func__, "dir", dir) || !jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    char *file = jd_asprintf(ctx, "%s/result.json", dir);
    size_t bytes;
    char *text = file ? jd_read_file(ctx, file, (size_t)64 << 20, &bytes) : NULL;
    if (text) {
        json_error_t e;
        errno = 0;
        json_t *result = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &e);
        if (jd__library_failed(ctx, file, "jansson") || !json_is_object(result))
            jd_fail(ctx, JD_EDATA, "%s: line %d: %s; run the system again", file, result ? 1 : e.line,
                    result ? "is not a JSON object" : e.text);
        else
            rebuild(ctx, dir, result, path);
        json_decref(result);
    }
    jd_free(ctx, text);
    jd_free(ctx, file);
    return jd_error(ctx);
}
