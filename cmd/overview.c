/*
 * overview.c - `jackdaw report FOLDER-OF-RUNS`: all runs below a folder on one page, the papers' figures beside ours.
 *
 * Runs of one system, scale and setting that differ in the seed alone are one line.  Where a seed was run twice the newer
 * run counts.
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run.h"

typedef struct one_run {
    char folder[256], system[96], scale[8], changed[256]; /* settings that are not the scale's own: "T=1000" */
    int order;                                            /* of the system in the registry */
    int64_t seed;
    double value, paper, accept, seconds;
    bool higher, passed;
    struct timespec when;
    char *metric;
} one_run;

typedef struct line_words {
    char href[320], note[512], reason[128];
} line_words;

typedef struct overview {
    jd_ctx *ctx;
    one_run *run;
    size_t n;
} overview;

static double number(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static const char *text(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

static int scale_index(const char *scale)
{
    return !strcmp(scale, "quick") ? 0 : !strcmp(scale, "cpu") ? 1 : 2;
}

/* The settings of a run that differ from those of its scale. */
static void describe_changes(const jd_system *s, const json_t *result, one_run *r)
{
    const json_t *settings = json_object_get(json_object_get(result, "config"), "settings");
    size_t at = 0;
    for (const jd_setting *k = s->settings; k && k->name; k++) {
        const double v = number(settings, k->name);
        if (isnan(v) || v == k->value[scale_index(r->scale)]) continue;
        const int n = snprintf(r->changed + at, sizeof r->changed - at, "%s%s=%.6g", at ? ", " : "", k->name, v);
        at += n < 0 ? 0 : (size_t)n;
        if (at >= sizeof r->changed) break;
    }
}

/* What the result of the run in dir/folder says; false where there is none, or only a summary of other runs. */
static bool read_run(overview *o, const char *dir, const char *folder, one_run *r)
{
    struct stat st;
    char *path = jd_asprintf(o->ctx, "%s/%s/result.json", dir, folder);
    json_t *j = path && !stat(path, &st) ? json_load_file(path, 0, NULL) : NULL;
    const bool one = json_is_object(j) && *text(j, "system") && json_is_number(json_object_get(j, "value")) &&
                     !json_is_array(json_object_get(j, "values"));
    if (one) {
        *r = (one_run){.seed = (int64_t)json_integer_value(json_object_get(j, "seed")),
                       .value = number(j, "value"),
                       .paper = number(j, "paper"),
                       .accept = number(j, "accept"),
                       .seconds = number(j, "seconds"),
                       .higher = !strcmp(text(j, "better"), "higher"),
                       .passed = json_is_true(json_object_get(j, "passed")),
                       .when = st.st_mtim,
                       .metric = jd_strdup(o->ctx, text(j, "metric"))};
        snprintf(r->folder, sizeof r->folder, "%s", folder);
        snprintf(r->system, sizeof r->system, "%s", text(j, "system"));
        snprintf(r->scale, sizeof r->scale, "%s", text(j, "scale"));
        while (cli_systems[r->order] && strcmp(cli_systems[r->order]->name, r->system)) r->order++;
        if (cli_systems[r->order])
            describe_changes(cli_systems[r->order], j, r);
        else /* a training of one's own: its settings are its name's affair */
            snprintf(r->changed, sizeof r->changed, "%s", folder);
    }
    json_decref(j);
    jd_free(o->ctx, path);
    return one && !jd_error(o->ctx);
}

/* The full scale first: it is what the paper did.  Trainings that are no system's come last. */
static int section(const one_run *r)
{
    return cli_systems[r->order] ? 2 - scale_index(r->scale) : 3;
}

static int same_line(const one_run *a, const one_run *b)
{
    int d = section(a) - section(b);
    if (!d) d = a->order - b->order;
    if (!d) d = strcmp(a->system, b->system);
    if (!d) d = strcmp(a->changed, b->changed);
    return d;
}

static int in_order(const void *x, const void *y)
{
    const one_run *a = x, *b = y;
    const int d = same_line(a, b);
    if (d) return d;
    if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
    if (a->when.tv_sec != b->when.tv_sec) return a->when.tv_sec > b->when.tv_sec ? -1 : 1;
    return (a->when.tv_nsec < b->when.tv_nsec) - (a->when.tv_nsec > b->when.tv_nsec);
}

static jd_status read_runs(overview *o, const char *dir)
{
    DIR *d = opendir(dir);
    size_t room = 0;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL && !jd_error(o->ctx);) {
        if (e->d_name[0] == '.') continue;
        if (o->n == room) {
            one_run *more = jd_alloc_array(o->ctx, room = room ? 2 * room : 64, sizeof *more);
            if (!more) break;
            if (o->n) memcpy(more, o->run, o->n * sizeof *more);
            jd_free(o->ctx, o->run);
            o->run = more;
        }
        o->n += read_run(o, dir, e->d_name, &o->run[o->n]);
    }
    if (d) closedir(d);
    if (!o->n && !jd_error(o->ctx))
        jd_fail(o->ctx, JD_ENOINPUT,
                "%s: no report, no result.json and no folder of a run in it; give the folder of a run, such as "
                "runs/lstm-adding-1, or one that holds such folders",
                dir);
    if (o->n) qsort(o->run, o->n, sizeof *o->run, in_order);
    return jd_error(o->ctx);
}

/* Makes a line of the runs from `at` on that belong together; returns how many. */
static size_t make_line(const overview *o, size_t at, jd_result_line *line, line_words *words, double *values)
{
    const one_run *r = &o->run[at];
    size_t n = 0;
    int seeds = 0, passed = 0;
    double seconds = 0;
    for (; at + n < o->n && !same_line(r, r + n); n++) {
        if (n && r[n].seed == r[n - 1].seed) continue; /* an older run */
        values[seeds++] = r[n].value;
        passed += r[n].passed;
        seconds += r[n].seconds;
    }
    const bool own = !cli_systems[r->order], changed = !own && r->changed[0];
    const double each = seconds / seeds;
    char count[32] = "", time[32];
    if (!isnan(r->accept)) snprintf(count, sizeof count, "%d of ", passed);
    snprintf(time, sizeof time, each < 100 ? "%.2g s" : "%.0f min", each < 100 ? each : each / 60);
    snprintf(words->reason, sizeof words->reason, "%s%d, %s%s", count, seeds, time, seeds > 1 ? " each" : "");
    snprintf(words->href, sizeof words->href, "%s/report.html", r->folder);
    snprintf(words->note, sizeof words->note, "%s%s%s", r->metric, changed ? "; " : "", changed ? r->changed : "");
    *line = (jd_result_line){.name = own ? r->folder : r->system,
                             .href = words->href,
                             .note = words->note,
                             .row = {.metric = r->metric,
                                     .paper = r->paper,
                                     .values = values,
                                     .n = seeds,
                                     .accept = r->accept,
                                     .higher_is_better = r->higher,
                                     .passed = 2 * passed > seeds,
                                     .reason = words->reason}};
    return n;
}

static void print_line(const jd_result_line *line, const char *scale)
{
    const jd_result_row *row = &line->row;
    double lo = INFINITY, hi = -INFINITY, mean = 0;
    for (int i = 0; i < row->n; i++) {
        lo = fmin(lo, row->values[i]);
        hi = fmax(hi, row->values[i]);
        mean += row->values[i] / row->n;
    }
    char paper[32] = "-", spread[64] = "", reach[32] = "-";
    if (!isnan(row->paper)) snprintf(paper, sizeof paper, "%.5g", row->paper);
    if (!isnan(row->accept)) snprintf(reach, sizeof reach, "%s %.5g", row->higher_is_better ? ">=" : "<=", row->accept);
    if (row->n > 1) snprintf(spread, sizeof spread, " (%.4g to %.4g)", lo, hi);
    printf("| %s | %s | %s | %s | %.4g%s | %s | %s: %s |\n", line->name, scale, line->note, paper, mean, spread, reach,
           isnan(row->accept) ? "measured"
           : row->passed      ? "reached"
                              : "not reached",
           row->reason);
}

static jd_status write_page(overview *o, const char *dir, const char *out, bool table)
{
    static const char *const title[] = {"Full scale", "The scale of two processor cores", "Quick: a minute",
                                        "Trainings on other data"};
    jd_result_line *line = jd_alloc_array(o->ctx, o->n, sizeof *line);
    line_words *words = jd_alloc_array(o->ctx, o->n, sizeof *words);
    double *values = jd_alloc_array(o->ctx, o->n, sizeof *values);
    char subtitle[512];
    snprintf(subtitle, sizeof subtitle, "%zu run%s in %s", o->n, o->n > 1 ? "s" : "", dir);
    jd_report *rep = jd_report_new(o->ctx, "The papers' figures and ours", subtitle);
    if (table) printf("| system | scale | figure | paper | ours | to reach | seeds |\n|---|---|---|---|---|---|---|\n");
    for (size_t at = 0; at < o->n && !jd_error(o->ctx);) {
        const int part = section(&o->run[at]);
        size_t lines = 0;
        int reached = 0, asked = 0;
        for (; at < o->n && section(&o->run[at]) == part && !jd_error(o->ctx); lines++) {
            at += make_line(o, at, &line[lines], &words[lines], values + at);
            reached += line[lines].row.passed && !isnan(line[lines].row.accept);
            asked += !isnan(line[lines].row.accept);
            if (table && !jd_error(o->ctx)) print_line(&line[lines], o->run[at - 1].scale);
        }
        char count[48] = "", caption[320];
        if (asked) snprintf(count, sizeof count, "%d of %d reached. ", reached, asked);
        snprintf(
            caption, sizeof caption,
            "%sMean and standard deviation over seeds. A disc is a seed, the diamond the paper's figure, green the "
            "side that is asked for; a name leads to the report of its first seed.",
            count);
        jd_report_section(rep, title[part]);
        jd_report_results(rep, line, lines, caption);
    }
    jd_report_write(rep, out);
    jd_report_free(rep);
    jd_free(o->ctx, values);
    jd_free(o->ctx, words);
    jd_free(o->ctx, line);
    return jd_error(o->ctx);
}

jd_status cli_overview(jd_ctx *ctx, const char *dir, const char *out, bool table)
{
    overview o = {.ctx = ctx};
    if (!read_runs(&o, dir)) write_page(&o, dir, out, table);
    for (size_t i = 0; i < o.n; i++) jd_free(ctx, o.run[i].metric);
    jd_free(ctx, o.run);
    return jd_error(ctx);
}
