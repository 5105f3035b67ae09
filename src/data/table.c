/* table.c - tables of words with a header line, as index files of data sets are. */
#include "data/table.h"

#include <string.h>

#include "base/given.h"

enum { LONGEST_ROW = 1 << 20 };
#define TEXT_LIMIT ((size_t)1 << 31)

char *jd__cut_line(char **next, char *end)
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

/* Where the row at p ends whose fields may stand in quotes and hold line ends; NULL where a quote that begins a field is not
 * closed before a separator or a line's end, so that it must be a letter. */
static char *end_of_row(char *p, const char *end)
{
    static const char separators[] = ",;\t|";
    bool begins = true, quoted = false;
    for (const char *last = p + LONGEST_ROW < end ? p + LONGEST_ROW : end; p < last; p++) {
        if (quoted && *p == '"' && p + 1 < end && p[1] == '"') {
            p++;
        } else if (quoted && *p == '"') {
            const char *after = p + 1;
            while (after < end && *after == ' ') after++;
            if (after < end && !strchr(separators, *after) && *after != '\r' && *after != '\n') return NULL;
            quoted = false;
        } else if (!quoted && *p == '\n') {
            return p;
        } else if (!quoted && *p == '"' && begins) {
            quoted = true;
        } else if (!quoted) {
            begins = strchr(separators, *p) || (begins && *p == ' ');
        }
    }
    return quoted || p < end ? NULL : p;
}

char *jd__cut_row(char **next, char *end, size_t *lines)
{
    char *row = *next, *stop = row < end ? end_of_row(row, end) : NULL;
    *lines = 1;
    if (!stop) return jd__cut_line(next, end);
    for (const char *p = row; p < stop; p++) *lines += *p == '\n';
    *next = stop < end ? stop + 1 : end;
    if (stop > row && stop[-1] == '\r') stop--;
    *stop = 0;
    return row;
}

/* Between tabs a quote is a letter like others; between commas what stands in quotes is one field, and "" in it a quote. */
static bool is_quoted(const char *field, char separator)
{
    return *field == '"' && separator != '\t';
}

static const char *end_of_quoted(const char *p)
{
    for (p++; *p && !(*p == '"' && p[1] != '"'); p++) p += *p == '"';
    return p;
}

static size_t count_fields(const char *line, char separator)
{
    for (size_t n = 1;; n++, line++) {
        if (is_quoted(line, separator)) line = end_of_quoted(line);
        line = strchr(line, separator);
        if (!line) return n;
    }
}

/* Cuts the next field off the line. */
static char *cut_field(char **line, char separator)
{
    char *field = *line, *end = field;
    if (is_quoted(field, separator)) {
        char *to = ++field;
        for (end = field; *end && !(*end == '"' && end[1] != '"'); end++) {
            end += *end == '"';
            *to++ = *end;
        }
        end += *end == '"';
        char *const stop = strchr(end, separator);
        *line = stop ? stop + 1 : end + strlen(end);
        *to = 0;
        return field;
    }
    char *stop = strchr(field, separator);
    if (stop) {
        *stop = 0;
        *line = stop + 1;
    } else {
        *line = field + strlen(field);
    }
    return field;
}

char *jd__read_text(jd_ctx *ctx, const char *path, size_t *bytes)
{
    char *text = jd_read_gz(ctx, path, TEXT_LIMIT, bytes);
    if (!text) return NULL;
    const char *nul = memchr(text, 0, *bytes);
    if (nul) {
        const bool wide = *bytes > 1 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
        jd_fail(ctx, JD_EDATA, "%s: byte %zu: a zero byte; %s", path, (size_t)(nul - text),
                wide ? "this is UTF-16 text, save it as UTF-8 (iconv -f UTF-16 -t UTF-8)" : "this is no text file");
        jd_free(ctx, text);
        return NULL;
    }
    if (*bytes && !memchr(text, '\n', *bytes)) /* lines of old Macintosh programs, which spreadsheets still write */
        for (char *p = text; (p = memchr(p, '\r', *bytes - (size_t)(p - text))) != NULL;) *p = '\n';
    return text;
}

jd_status jd_read_words(jd_ctx *ctx, const char *path, char separator, jd_tsv *out)
{
    size_t bytes, lines = 1;
    jd_tsv t = {0};
    t.text = jd__read_text(ctx, path, &bytes);
    if (!t.text) return jd_error(ctx);
    for (size_t i = 0; i < bytes; i++) lines += t.text[i] == '\n';

    char *next = t.text + (bytes >= 3 && !memcmp(t.text, "\xef\xbb\xbf", 3) ? 3 : 0); /* a byte order mark */
    char *line = jd__cut_line(&next, t.text + bytes);
    size_t number = 1, cells;
    if (!line || !*line)
        jd_fail(ctx, JD_EDATA, "%s: line 1: no header; the file is empty", path);
    else if ((t.cols = count_fields(line, separator)) > JD_LIMIT_COLUMNS)
        jd_fail(ctx, JD_EDATA, "%s: line 1: %zu fields; the limit is %u", path, t.cols, JD_LIMIT_COLUMNS);
    else if ((t.names = jd_alloc_array(ctx, t.cols, sizeof(char *))) != NULL)
        for (size_t c = 0; c < t.cols; c++) t.names[c] = cut_field(&line, separator);
    size_t room = 0;
    size_t taken = 1, over = 0; /* lines of a row beyond its first */
    while (!jd_error(ctx) && (line = separator == '\t' ? jd__cut_line(&next, t.text + bytes)
                                                       : jd__cut_row(&next, t.text + bytes, &taken)) != NULL) {
        number += 1 + over;
        over = taken - 1;
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
    if (!jd__given(ctx, __func__, "tsv", tsv) || !jd__given(ctx, __func__, "name", name)) return -1;
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
    if (!tsv) return;
    jd_free(ctx, tsv->names);
    jd_free(ctx, tsv->fields);
    jd_free(ctx, tsv->lines);
    jd_free(ctx, tsv->text);
    *tsv = (jd_tsv){0};
}
