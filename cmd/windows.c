/*
 * windows.c - `jackdaw data windows`: of a table whose lines follow one another in time, a table that a net can learn to forecast from:
 * in each line the last values of every column of numbers, and the value of one of them some lines later.
 */
#include "windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "folders.h"
#include "jackdaw/cells.h"

typedef struct windows {
    jd_ctx *ctx;
    jd_tsv t;
    bool *number; /* (cols) */
    size_t history, ahead, target;
} windows;

/* A column of numbers: in most of its cells. */
static bool is_number(const windows *w, size_t c)
{
    size_t n = 0;
    double v;
    for (size_t i = 0; i < w->t.rows; i++) {
        const char *cell = w->t.fields[i * w->t.cols + c];
        n += jd_cell_value("", cell, &v) || jd_cell_value("number comma", cell, &v);
    }
    return 2 * n > w->t.rows;
}

static void write_header(FILE *f, const windows *w, bool targets)
{
    char name[160];
    const char *between = "";
    for (size_t c = 0; c < w->t.cols; c++)
        for (size_t back = w->number[c] ? w->history : 1; back-- > 0; between = ",") {
            snprintf(name, sizeof name, back ? "%.120s-%zu" : "%.120s", w->t.names[c], back);
            fputs(between, f);
            csv_field(f, name);
        }
    snprintf(name, sizeof name, "%.120s+%zu", w->t.names[w->target], w->ahead);
    if (targets) fputs(between, f), csv_field(f, name);
    putc('\n', f);
}

static void write_row(FILE *f, const windows *w, size_t row, bool targets)
{
    const char *between = "";
    for (size_t c = 0; c < w->t.cols; c++)
        for (size_t back = w->number[c] ? w->history : 1; back-- > 0; between = ",") {
            fputs(between, f);
            csv_field(f, w->t.fields[(row - back) * w->t.cols + c]);
        }
    if (targets) putc(',', f), csv_field(f, w->t.fields[(row + w->ahead) * w->t.cols + w->target]);
    putc('\n', f);
}

/* The windows that end in the lines first .. end-1. */
static jd_status write_file(const windows *w, const char *path, size_t first, size_t end, bool targets)
{
    FILE *f = fopen(path, "wb");
    if (!f) return jd_fail(w->ctx, JD_EIO, "%s: cannot be written: %s", path, strerror(errno));
    write_header(f, w, targets);
    for (size_t i = first; i < end; i++) write_row(f, w, i, targets);
    const bool failed = ferror(f) != 0;
    if (fclose(f) || failed) return jd_fail(w->ctx, JD_EIO, "%s: cannot be written: %s", path, strerror(errno));
    printf("%s: %zu row%s\n", path, end - first, end - first == 1 ? "" : "s");
    return JD_OK;
}

static jd_status check(windows *w, const char *path, const char *target)
{
    const int c = jd_tsv_column(w->ctx, &w->t, target);
    if (c < 0) return jd_error(w->ctx);
    w->target = (size_t)c;
    w->number = jd_alloc_array(w->ctx, w->t.cols, sizeof *w->number);
    for (size_t k = 0; w->number && k < w->t.cols; k++) w->number[k] = is_number(w, k);
    if (w->number && !w->number[c])
        return jd_fail(w->ctx, JD_EDATA, "%s: the column %s holds no numbers, so that it cannot be forecast", path,
                       target);
    if (w->t.rows < w->history + w->ahead)
        return jd_fail(w->ctx, JD_EDATA, "%s: %zu rows, of which --history %zu and --ahead %zu take more; ask for less",
                       path, w->t.rows, w->history, w->ahead);
    return jd_error(w->ctx);
}

/* NAME_TRAIN.csv has the last fifth beside it as NAME_TEST.csv, which `train` measures on; windows of one reach into no row of the other. */
static jd_status write_parts(const windows *w, const char *out)
{
    const size_t first = w->history - 1, end = w->t.rows - w->ahead;
    const char *at = strstr(out, "_TRAIN");
    if (!at) return write_file(w, out, first, end, true);
    const size_t part = first + (end - first) * 4 / 5, later = part + w->ahead + w->history - 1;
    if (later >= end)
        return jd_fail(w->ctx, JD_EDATA, "%zu rows are too few for a part to test on; leave _TRAIN out of the name",
                       w->t.rows);
    char *test = jd_asprintf(w->ctx, "%.*s_TEST%s", (int)(at - out), out, at + strlen("_TRAIN"));
    if (test && !write_file(w, out, first, part, true)) write_file(w, test, later, end, true);
    jd_free(w->ctx, test);
    return jd_error(w->ctx);
}

jd_status windows_write(jd_ctx *ctx, cli_args *a)
{
    windows w = {.ctx = ctx,
                 .history = (size_t)cli_int(a, "history", 24, 1, 10000),
                 .ahead = (size_t)cli_int(a, "ahead", 1, 1, 1000000)};
    const char *path = a->rest[1], *target = cli_text(a, "target", NULL), *out = cli_text(a, "output", NULL);
    if (a->bad) return jd_fail(ctx, JD_EUSAGE, "windows needs other numbers");
    if (!target || !out)
        return jd_fail(
            ctx, JD_EUSAGE,
            "windows needs the column to forecast and a file to write: jackdaw data windows %s --target NAME "
            "--history 24 --ahead 1 -o NAME_TRAIN.csv",
            path);
    if (!jd_read_words(ctx, path, folder_separator(ctx, path), &w.t) && !check(&w, path, target)) {
        if (cli_has(a, "newest"))
            write_file(&w, out, w.t.rows - 1, w.t.rows, false);
        else
            write_parts(&w, out);
    }
    jd_free(ctx, w.number);
    jd_tsv_free(ctx, &w.t);
    return jd_error(ctx);
}
