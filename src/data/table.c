#include "data/stream.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT ((size_t)1 << 31)
#define COLS_LIMIT 100000u

/* Cuts the line at `*next` off the text (in place, without its end) and moves on; NULL after the last. */
static char *cut_line(char **next, char *end)
{
    char *line = *next;
    if (line >= end) return NULL;
    char *stop = memchr(line, '\n', (size_t)(end - line));
    *next = stop ? stop + 1 : end;
    if (!stop) stop = end;
    if (stop > line && stop[-1] == '\r') stop--;
    *stop = 0;
    return line;
}

static size_t count_fields(const char *line, char separator)
{
    size_t n = 1;
    for (; *line; line++) n += *line == separator;
    return n;
}

/* Cuts the next field off the line. */
static char *cut_field(char **line, char separator)
{
    char *field = *line, *stop = strchr(field, separator);
    if (stop) {
        *stop = 0;
        *line = stop + 1;
    } else {
        *line = field + strlen(field);
    }
    return field;
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t') s++;
    char *end = s + strlen(s);
    while (end > s && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
    return s;
}

/* A number that fills the whole field; the C locale, whatever the program's is. */
static bool parse_number(const char *field, locale_t c_locale, double *value)
{
    char *stop;
    if (!*field) return false;
    *value = strtod_l(field, &stop, c_locale);
    return *stop == 0;
}

static bool skip_line(const char *line)
{
    while (*line == ' ' || *line == '\t') line++;
    return *line == 0 || *line == '#';
}

static char *read_text(jd_ctx *ctx, const char *path, size_t *bytes)
{
    char *text = jd_read_gz(ctx, path, TEXT_LIMIT, bytes);
    if (!text) return NULL;
    const char *nul = memchr(text, 0, *bytes);
    if (nul) {
        jd_fail(ctx, JD_EDATA, "%s: byte %zu: a zero byte; this is no text file", path, (size_t)(nul - text));
        jd_free(ctx, text);
        return NULL;
    }
    return text;
}

static void free_names(jd_ctx *ctx, char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) jd_free(ctx, names[i]);
    jd_free(ctx, names);
}

/* One line of a CSV file: into `row`, or an error that names line and column. */
static jd_status parse_row(jd_ctx *ctx, const char *path, size_t line_number, char *line, char separator,
                           bool missing_is_nan, locale_t c_locale, size_t cols, double *row)
{
    const size_t have = count_fields(line, separator);
    if (have != cols)
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: %zu fields, but the first line has %zu; repair the line", path,
                       line_number, have, cols);
    for (size_t c = 0; c < cols; c++) {
        char *field = trim(cut_field(&line, separator));
        if (!*field && missing_is_nan)
            row[c] = (double)NAN;
        else if (!parse_number(field, c_locale, &row[c]))
            return jd_fail(ctx, JD_EDATA, "%s: line %zu, column %zu: '%.40s' is no number; %s", path, line_number,
                           c + 1, field, *field ? "repair it" : "fill it in, or ask for missing_is_nan");
    }
    return JD_OK;
}

/* The names of a header line; a line of numbers only is none, and leaves *names NULL. */
static jd_status parse_header(jd_ctx *ctx, const char *line, char separator, locale_t c_locale, size_t cols,
                              char ***names)
{
    char *copy = jd_strdup(ctx, line), *next = copy;
    if (!copy) return JD_ENOMEM;
    char **list = jd_alloc_array(ctx, cols, sizeof *list);
    bool header = false;
    for (size_t c = 0; list && c < cols; c++) {
        double ignored;
        const char *field = trim(cut_field(&next, separator));
        if (*field && !parse_number(field, c_locale, &ignored)) header = true;
        list[c] = jd_strdup(ctx, field);
    }
    jd_free(ctx, copy);
    if (!header || jd_error(ctx))
        free_names(ctx, list, cols);
    else
        *names = list;
    return jd_error(ctx);
}

static jd_status parse_csv(jd_ctx *ctx, const char *path, char *text, size_t bytes, const jd_csv_options *o,
                           locale_t c_locale, jd_table *t)
{
    const char separator = o->separator ? o->separator : ',';
    size_t room = 0, number = 0;
    char *next = text, *line;
    while ((line = cut_line(&next, text + bytes)) != NULL) {
        number++;
        if (skip_line(line)) continue;
        if (t->cols == 0) {
            t->cols = count_fields(line, separator);
            if (t->cols > COLS_LIMIT)
                return jd_fail(ctx, JD_EDATA, "%s: line %zu: %zu fields; the limit is %u", path, number, t->cols,
                               COLS_LIMIT);
            jd_status st = parse_header(ctx, line, separator, c_locale, t->cols, &t->names);
            if (st) return st;
            if (t->names) continue;
        }
        if (t->rows == room) {
            /* a row of n fields takes at least n bytes of text: `room` never passes the file's size by much */
            const size_t more = room ? 2 * room : 16;
            double *larger =
                jd_realloc(ctx, t->values, room * t->cols * sizeof(double), more * t->cols * sizeof(double));
            if (!larger) return JD_ENOMEM;
            t->values = larger;
            room = more;
        }
        jd_status st = parse_row(ctx, path, number, line, separator, o->missing_is_nan, c_locale, t->cols,
                                 t->values + t->rows * t->cols);
        if (st == JD_EDATA && o->skipped) {
            jd_error_clear(ctx);
            ++*o->skipped;
            continue;
        }
        if (st) return st;
        t->rows++;
    }
    if (t->rows == 0)
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: no line of numbers; the table is empty", path, number);
    return JD_OK;
}

jd_status jd_read_csv(jd_ctx *ctx, const char *path, const jd_csv_options *o, jd_table *out)
{
    static const jd_csv_options defaults = {0};
    size_t bytes;
    char *text = read_text(ctx, path, &bytes);
    if (!text) return jd_error(ctx);
    jd_table t = {0};
    jd_status st;
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale) {
        st = parse_csv(ctx, path, text, bytes, o ? o : &defaults, c_locale, &t);
        freelocale(c_locale);
    } else {
        st = jd_fail(ctx, JD_ENOMEM, "%s: no memory for the C locale; free some", path);
    }
    jd_free(ctx, text);
    if (st)
        jd_table_free(ctx, &t);
    else
        *out = t;
    return st;
}

void jd_table_free(jd_ctx *ctx, jd_table *table)
{
    free_names(ctx, table->names, table->cols);
    jd_free(ctx, table->values);
    *table = (jd_table){0};
}

jd_status jd_read_words(jd_ctx *ctx, const char *path, char separator, jd_tsv *out)
{
    size_t bytes, lines = 1;
    jd_tsv t = {0};
    t.text = read_text(ctx, path, &bytes);
    if (!t.text) return jd_error(ctx);
    for (size_t i = 0; i < bytes; i++) lines += t.text[i] == '\n';

    char *next = t.text, *line = cut_line(&next, t.text + bytes);
    size_t number = 1, cells;
    if (!line || !*line)
        jd_fail(ctx, JD_EDATA, "%s: line 1: no header; the file is empty", path);
    else if ((t.cols = count_fields(line, separator)) > COLS_LIMIT)
        jd_fail(ctx, JD_EDATA, "%s: line 1: %zu fields; the limit is %u", path, t.cols, COLS_LIMIT);
    else if ((t.names = jd_alloc_array(ctx, t.cols, sizeof(char *))) != NULL)
        for (size_t c = 0; c < t.cols; c++) t.names[c] = cut_field(&line, separator);
    size_t room = 0;
    while (!jd_error(ctx) && (line = cut_line(&next, t.text + bytes)) != NULL) {
        number++;
        if (!*line) continue;
        const size_t have = count_fields(line, separator);
        if (have != t.cols) {
            jd_fail(ctx, JD_EDATA, "%s: line %zu: %zu fields, but the header has %zu; repair the line", path, number,
                    have, t.cols);
            break;
        }
        if (t.rows == room) {
            const size_t more = room ? 2 * room : (lines < 64 ? lines : 64);
            if (__builtin_mul_overflow(more, t.cols, &cells)) cells = SIZE_MAX / sizeof(char *);
            char **larger = jd_realloc(ctx, t.fields, room * t.cols * sizeof(char *), cells * sizeof(char *));
            if (!larger) break;
            t.fields = larger;
            size_t *lines_of = jd_realloc(ctx, t.lines, room * sizeof *t.lines, more * sizeof *t.lines);
            if (!lines_of) break;
            t.lines = lines_of;
            room = more;
        }
        t.lines[t.rows] = number;
        for (size_t c = 0; c < t.cols; c++) t.fields[t.rows * t.cols + c] = cut_field(&line, separator);
        t.rows++;
    }
    if (jd_error(ctx)) {
        jd_tsv_free(ctx, &t);
        return jd_error(ctx);
    }
    *out = t;
    return JD_OK;
}

jd_status jd_read_tsv(jd_ctx *ctx, const char *path, jd_tsv *out)
{
    return jd_read_words(ctx, path, '\t', out);
}

int jd_tsv_column(jd_ctx *ctx, const jd_tsv *tsv, const char *name)
{
    for (size_t c = 0; c < tsv->cols; c++)
        if (strcmp(tsv->names[c], name) == 0) return (int)c;
    const char **words = jd_alloc_array(ctx, tsv->cols + 1, sizeof *words);
    if (!words) return -1;
    for (size_t c = 0; c < tsv->cols; c++) words[c] = tsv->names[c];
    const char *near = jd_nearest(name, words);
    jd_fail(ctx, JD_EDATA, "table: no column '%s'; did you mean '%s'?", name, near ? near : words[0]);
    jd_free(ctx, words);
    return -1;
}

void jd_tsv_free(jd_ctx *ctx, jd_tsv *tsv)
{
    jd_free(ctx, tsv->names);
    jd_free(ctx, tsv->fields);
    jd_free(ctx, tsv->lines);
    jd_free(ctx, tsv->text);
    *tsv = (jd_tsv){0};
}
