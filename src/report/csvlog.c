/*
 * csvlog.c - the table of metrics of a run.
 */
#include <jackdaw/csvlog.h>

#include "base/ctx.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct jd_csv_log {
    jd_ctx *ctx;
    int fd; /* -1: none */
    char *path;
    int n;
};

static void add_cell(jd__text *t, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        jd__append(t, s);
        return;
    }
    jd__append(t, "\"");
    for (; *s; s++) {
        if (*s == '"') jd__append(t, "\"");
        jd__add_bytes(t, s, 1);
    }
    jd__append(t, "\"");
}

static void add_row(jd__text *t, const char *const *cells, int n)
{
    for (int i = 0; i < n; i++) {
        if (i) jd__append(t, ",");
        if (cells[i]) add_cell(t, cells[i]);
    }
    jd__append(t, "\n");
}

/* The end of the row that starts at s: just after its line feed, or NULL if the row is cut short. */
static const char *row_end(const char *s, const char *end)
{
    bool quoted = false;
    for (; s < end; s++) {
        if (*s == '"') quoted = !quoted;
        if (*s == '\n' && !quoted) return s + 1;
    }
    return NULL;
}

/* A whole number up to a comma or the row's end; false if something else stands there. */
static bool row_step(const char *s, const char *end, int64_t *step)
{
    int64_t v = 0;
    int digits = 0;
    for (; s < end && *s >= '0' && *s <= '9'; s++, digits++)
        if (__builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_add_overflow(v, (int64_t)(*s - '0'), &v))
            return false;
    *step = v;
    return digits && s < end && (*s == ',' || *s == '\n' || *s == '\r');
}

/* Puts the part of the old table that stays behind the new header in `t`. */
static jd_status keep_rows(jd__text *t, const char *path, int64_t resume_step)
{
    size_t bytes;
    if (access(path, F_OK) && errno == ENOENT) return JD_OK;
    char *old = jd_read_file(t->ctx, path, 0, &bytes);
    if (!old) return jd_error(t->ctx);
    const char *s = old, *end = old + bytes, *next = row_end(s, end);
    size_t header = t->len;
    if (bytes && (!next || (size_t)(next - s) != header || memcmp(s, t->p, header))) {
        /* a crash during the first write leaves the beginning of the same header: that is an empty table */
        if (next || bytes >= header || memcmp(s, t->p, bytes))
            jd_fail(t->ctx, JD_EDATA,
                    "%s: line 1: the columns are not those of this run; resume with the same metrics, "
                    "or move the file away",
                    path);
        next = NULL;
    }
    for (size_t line = 2; next && !jd_error(t->ctx); line++) {
        int64_t step;
        s = next;
        next = row_end(s, end);
        if (!next) break;
        if (!row_step(s, next, &step))
            jd_fail(t->ctx, JD_EDATA,
                    "%s: row %zu does not start with a step (a whole number); repair the row or move "
                    "the file away",
                    path, line);
        else if (step <= resume_step)
            jd__add_bytes(t, s, (size_t)(next - s));
    }
    jd_free(t->ctx, old);
    return jd_error(t->ctx);
}

jd_csv_log *jd_csv_log_open(jd_ctx *ctx, const char *path, const char *const *columns, int n_columns,
                            int64_t resume_step)
{
    if (jd_error(ctx)) return NULL;
    if (n_columns < 1) {
        jd_fail(ctx, JD_EUSAGE, "jd_csv_log_open: %s: a table needs at least the column of steps", path);
        return NULL;
    }
    jd_csv_log *log = jd_alloc(ctx, sizeof *log);
    jd__text t = {.ctx = ctx};
    if (!log) return NULL;
    log->ctx = ctx;
    log->fd = -1;
    log->n = n_columns;
    log->path = jd_strdup(ctx, path);
    add_row(&t, columns, n_columns);
    if (resume_step >= 0 && !jd_error(ctx)) keep_rows(&t, path, resume_step);
    if (!jd_error(ctx)) jd_write_file(ctx, path, t.p, t.len);
    if (!jd_error(ctx)) {
        log->fd = jd__open_again(ctx, path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
        if (log->fd < 0) jd_fail(ctx, JD_EIO, "%s: cannot be opened for writing: %s", path, strerror(errno));
    }
    jd__text_free(&t);
    if (log->fd < 0) {
        jd_csv_log_close(log);
        return NULL;
    }
    return log;
}

static jd_status write_row(jd_csv_log *log, jd__text *t)
{
    const int error = jd_error(log->ctx) ? 0 : jd__write_all(log->ctx, log->fd, t->p, t->len, NULL);
    if (error)
        jd_fail(log->ctx, JD_EIO, "%s: a row could not be written: %s; make room on the disk and resume", log->path,
                strerror(error));
    jd__text_free(t);
    return jd_error(log->ctx);
}

jd_status jd_csv_log_append(jd_csv_log *log, const double *values)
{
    if (!log) return JD_EUSAGE;
    jd__text t = {.ctx = log->ctx};
    char buf[JD__NUM];
    if (jd_error(log->ctx)) return jd_error(log->ctx);
    if (!(values[0] >= 0 && values[0] <= 9007199254740992.0) || values[0] != floor(values[0]))
        return jd_fail(log->ctx, JD_EUSAGE, "jd_csv_log_append: %s: step %g is not a whole number", log->path,
                       values[0]);
    snprintf(buf, sizeof buf, "%lld", (long long)values[0]);
    jd__append(&t, buf);
    for (int i = 1; i < log->n; i++) jd__addf(&t, ",%s", jd__plain(buf, values[i]));
    jd__append(&t, "\n");
    return write_row(log, &t);
}

jd_status jd_csv_log_append_text(jd_csv_log *log, const char *const *cells)
{
    int64_t step;
    if (!log) return JD_EUSAGE;
    jd__text t = {.ctx = log->ctx};
    if (jd_error(log->ctx)) return jd_error(log->ctx);
    add_row(&t, cells, log->n);
    if (!t.p || !row_step(t.p, t.p + t.len, &step)) {
        jd__text_free(&t);
        return jd_fail(log->ctx, JD_EUSAGE, "jd_csv_log_append_text: %s: the first cell is not a whole number",
                       log->path);
    }
    return write_row(log, &t);
}

jd_status jd_csv_log_close(jd_csv_log *log)
{
    if (!log) return JD_OK;
    jd_ctx *ctx = log->ctx;
    if (log->fd >= 0 && ctx->io->close(log->fd))
        jd_fail(ctx, JD_EIO, "%s: closing failed: %s", log->path, strerror(errno));
    jd_free(ctx, log->path);
    jd_free(ctx, log);
    return jd_error(ctx);
}
