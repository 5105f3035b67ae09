/* seeds.c - the summary over several seeds: median, spread, how many passed, the curves together. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jackdaw/device.h"
#include "run.h"

jd_status cli_make_dir(jd_ctx *ctx, const char *dir)
{
    char *path = jd_strdup(ctx, dir);
    for (char *p = path ? path + 1 : NULL; p; p++) {
        const char c = *p;
        if (c && c != '/') continue;
        *p = 0;
        if (mkdir(path, 0777) && errno != EEXIST)
            jd_fail(ctx, JD_EIO, "%s: the folder cannot be made: %s", path, strerror(errno));
        *p = c;
        if (!c) break;
    }
    jd_free(ctx, path);
    return jd_error(ctx);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct figures {
    double value[CLI_MAX_SEEDS]; /* in the order of the seeds; NAN: failed */
    double low, median, high, seconds;
    int passed, ended;
    bool median_passed;
} figures;

static void measure(const cli_series *s, figures *f)
{
    double sorted[CLI_MAX_SEEDS];
    *f = (figures){.low = (double)NAN, .median = (double)NAN, .high = (double)NAN};
    for (int i = 0; i < s->n; i++) {
        f->value[i] = s->run[i] ? jd_run_value(s->run[i]) : (double)NAN;
        f->passed += s->run[i] && jd_run_passed(s->run[i]);
        if (s->run[i]) f->seconds += jd_run_seconds(s->run[i]);
        if (!isnan(f->value[i])) sorted[f->ended++] = f->value[i];
    }
    const int n = f->ended;
    if (n == 0) return;
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    f->low = sorted[0];
    f->high = sorted[n - 1];
    f->median = n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
    const double accept = s->system->accept[s->scale];
    /* A seed that failed is worse than any figure, so it takes the place of the worst in the count. */
    f->median_passed = 2 * f->passed > s->n || (isnan(accept) && n == s->n);
}

static json_t *number(double x)
{
    if (!isfinite(x)) return json_null();
    return x == floor(x) && fabs(x) < 1e15 ? json_integer((json_int_t)x) : json_real(x);
}

static json_t *summary_json(const jd_ctx *ctx, const cli_series *s, const figures *f)
{
    static const char *const scale[] = {"quick", "cpu", "full"};
    const jd_system *y = s->system;
    json_t *j = json_object(), *seeds = json_array(), *values = json_array();
    for (int i = 0; i < s->n; i++) {
        json_array_append_new(seeds, s->run[i] ? json_integer((json_int_t)jd_run_seed(s->run[i])) : json_null());
        json_array_append_new(values, number(f->value[i]));
    }
    json_object_set_new(j, "system", json_string(y->name));
    json_object_set_new(j, "scale", json_string(scale[s->scale]));
    json_object_set_new(j, "seed", s->run[0] ? json_integer((json_int_t)jd_run_seed(s->run[0])) : json_null());
    json_object_set_new(j, "metric", json_string(y->metric));
    json_object_set_new(j, "value", number(f->median));
    json_object_set_new(j, "better", json_string(y->higher ? "higher" : "lower"));
    json_object_set_new(j, "paper", number(y->paper_value));
    json_object_set_new(j, "accept", number(y->accept[s->scale]));
    json_object_set_new(j, "passed", json_boolean(f->median_passed));
    json_object_set_new(j, "seconds", number(round(f->seconds * 1000) / 1000));
    json_object_set_new(j, "device", json_string(jd_ctx_device_did(ctx)));
    json_object_set_new(j, "seeds", seeds);
    json_object_set_new(j, "values", values);
    json_object_set_new(j, "lowest", number(f->low));
    json_object_set_new(j, "highest", number(f->high));
    json_object_set_new(j, "count_passed", json_integer(f->passed));
    return j;
}

/* One series of all seeds over the steps of the longest. */
static void chart_series(jd_ctx *ctx, jd_report *rep, const cli_series *s, const char *name)
{
    const int64_t *steps = NULL;
    size_t n = 0;
    for (int i = 0; i < s->n; i++) {
        const int64_t *step;
        const size_t m = s->run[i] ? jd_run_history(s->run[i], name, &step, NULL) : 0;
        if (m > n) {
            n = m;
            steps = step;
        }
    }
    if (n < 2) return;
    double *x = jd_alloc_array(ctx, n, sizeof *x), *y = jd_alloc_array(ctx, n * (size_t)s->n, sizeof *y);
    for (size_t k = 0; x && k < n; k++) x[k] = (double)steps[k];
    for (int i = 0; y && i < s->n; i++) {
        const int64_t *step = NULL;
        const double *value = NULL;
        const size_t m = s->run[i] ? jd_run_history(s->run[i], name, &step, &value) : 0;
        size_t at = 0;
        for (size_t k = 0; k < n; k++) {
            while (at < m && step[at] < steps[k]) at++;
            y[(size_t)i * n + k] = at < m && step[at] == steps[k] ? value[at] : (double)NAN;
        }
    }
    if (!jd_error(ctx)) {
        jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "step"}, &(jd_axis){.label = name}, 0);
        jd_chart_seeds(c, "median", x, y, (size_t)s->n, n, 0);
        char caption[160];
        snprintf(caption, sizeof caption, "%s: a thin line for each seed, the median in bold.", name);
        jd_report_chart(rep, c, caption);
    }
    jd_free(ctx, x);
    jd_free(ctx, y);
}

static void write_report(jd_ctx *ctx, const cli_series *s, const figures *f, const char *path)
{
    const jd_system *y = s->system;
    char subtitle[256], reason[128];
    snprintf(subtitle, sizeof subtitle, "%s, %d seed%s. %s", y->name, s->n, s->n > 1 ? "s" : "", y->paper);
    snprintf(reason, sizeof reason, "%d of %d seeds passed", f->passed, s->n);
    jd_report *rep = jd_report_new(ctx, y->title, subtitle);
    jd_report_result(rep, &(jd_result_row){.metric = y->metric,
                                           .paper = y->paper_value,
                                           .paper_note = y->paper_note,
                                           .values = f->value,
                                           .n = s->n,
                                           .accept = y->accept[s->scale],
                                           .higher_is_better = y->higher,
                                           .passed = f->median_passed,
                                           .reason = reason});
    if (y->about) jd_report_text(rep, y->about);
    jd_report_section(rep, "Learning curves");
    const jd_run *first = NULL;
    for (int i = 0; i < s->n && !first; i++) first = s->run[i];
    for (int i = 0; first && jd_run_series(first, i); i++) chart_series(ctx, rep, s, jd_run_series(first, i));
    jd_report_write(rep, path);
    jd_report_free(rep);
}

int cli_summary(jd_ctx *ctx, const cli_series *s, bool json)
{
    figures *f = jd_alloc(ctx, sizeof *f);
    if (!f || cli_make_dir(ctx, s->dir)) {
        jd_free(ctx, f);
        return (int)jd_error(ctx);
    }
    measure(s, f);
    char *report = jd_asprintf(ctx, "%s/report.html", s->dir), *result = jd_asprintf(ctx, "%s/result.json", s->dir);
    json_t *j = summary_json(ctx, s, f);
    char *line = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *pretty = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    if (report && result && line && pretty && !jd_write_file(ctx, result, pretty, strlen(pretty)))
        write_report(ctx, s, f, report);
    if (!jd_error(ctx) && json)
        printf("%s\n", line);
    else if (!jd_error(ctx))
        printf("%s, %d seed%s: median %.6g, from %.6g to %.6g; %d of %d passed\n  report %s\n", s->system->name, s->n,
               s->n > 1 ? "s" : "", f->median, f->low, f->high, f->passed, s->n, report);
    free(line);
    free(pretty);
    json_decref(j);
    jd_free(ctx, report);
    jd_free(ctx, result);
    const int code = f->ended == 0 ? JD_EDIVERGED : 0;
    jd_free(ctx, f);
    return jd_error(ctx) ? (int)jd_error(ctx) : code;
}
