/*
 * csv_sparse.c - the text format of LIBSVM (C.-C. Chang, C.-J. Lin, 2011): `LABEL INDEX:VALUE INDEX:VALUE ...` in each line, what
 * is not listed being 0.  As a table: the label is column 1, index i column i + 1.
 */
#include "data/csv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* The next word of a line, of n characters; false at its end or a comment. */
static bool next_word(const char **at, const char *end, size_t *n)
{
    const char *p = *at;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
    const char *begin = p;
    while (p < end && !strchr(" \t\r\n", *p)) p++;
    *at = begin;
    *n = (size_t)(p - begin);
    return *n > 0 && *begin != '#';
}

/* "INDEX:VALUE" */
static bool is_pair(const char *p, size_t n, long *index, double *value)
{
    char word[64], *end;
    if (n >= sizeof word || !isdigit((unsigned char)*p)) return false;
    memcpy(word, p, n);
    word[n] = 0;
    *index = strtol(word, &end, 10);
    if (*end != ':' || !end[1]) return false;
    *value = jd__strtod(end + 1, &end);
    return !*end;
}

static bool is_number(const char *p, size_t n)
{
    char word[64], *end;
    if (n >= sizeof word) return false;
    memcpy(word, p, n);
    word[n] = 0;
    jd__strtod(word, &end);
    return end > word && !*end;
}

bool jd__csv_is_sparse(const char *text, const char *end)
{
    size_t n, pairs = 0;
    long index;
    double value;
    while (text < end && (*text == '#' || isspace((unsigned char)*text))) {
        const char *stop = *text == '#' ? memchr(text, '\n', (size_t)(end - text)) : text;
        text = stop ? stop + 1 : end;
    }
    const char *stop = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
    if (stop) end = stop;
    if (!next_word(&text, end, &n) || !is_number(text, n)) return false;
    for (text += n; next_word(&text, end, &n); text += n, pairs++)
        if (!is_pair(text, n, &index, &value)) return false;
    return pairs > 0;
}

static jd_status wrong(const jd__csv *c, const char *p, size_t n, const char *what)
{
    return jd_fail(c->ctx, JD_EDATA, "%s: line %zu: '%.*s' %s", c->path, c->line, n < 40 ? (int)n : 40, p, what);
}

/* One line: its pairs into row (fields), where there is one; *most becomes the largest index.  *label is where it begins. */
static jd_status read_line(const jd__csv *c, const char *line, double *row, size_t *most, const char **label)
{
    const char *end = line + strlen(line), *at = line;
    size_t n;
    long index, before = 0;
    double value;
    *label = next_word(&at, end, &n) ? at : NULL;
    if (!*label) return JD_OK;
    if (!is_number(at, n)) return wrong(c, at, n, "is no label; a line is LABEL INDEX:VALUE INDEX:VALUE ...");
    if (row) row[0] = jd__strtod(at, NULL);
    for (at += n; next_word(&at, end, &n); at += n) {
        if (!is_pair(at, n, &index, &value)) return wrong(c, at, n, "is not of the form INDEX:VALUE");
        if (index <= before || index >= (long)JD_LIMIT_COLUMNS)
            return wrong(c, at, n, "stands where the next index is due; they begin at 1, rise, and are below 100000");
        before = index;
        if (row) row[index] = value;
    }
    if ((size_t)before > *most) *most = (size_t)before;
    return JD_OK;
}

/* The largest number in a list of columns: those of a model may be more than a file has. */
static size_t asked_for(const char *select)
{
    size_t most = 0;
    for (const char *p = select ? select : ""; *p; p++)
        if (isdigit((unsigned char)*p)) {
            char *end;
            const unsigned long v = strtoul(p, &end, 10);
            if (v > most && v <= JD_LIMIT_COLUMNS) most = v;
            p = end - 1;
        }
    return most;
}

/* What the lines hold is looked through before: there is room for every row. */
static jd_status prepare(jd__csv *c, char *text, char *end, size_t *rows)
{
    bool named;
    char *next = text, *line;
    size_t most = 0;
    const char *label;
    while ((line = jd__cut_line(&next, end)) != NULL) {
        c->line++;
        const jd_status st = read_line(c, line, NULL, &most, &label);
        if (st && !c->o.skipped) return st;
        if (st) jd_error_clear(c->ctx);
        *rows += st || label;
    }
    const size_t inputs = asked_for(c->o.select), targets = asked_for(c->o.targets),
                 asked = inputs > targets ? inputs : targets;
    c->fields = most + 1 > asked ? most + 1 : asked;
    c->words = jd_alloc_array(c->ctx, c->fields, sizeof *c->words);
    char *none = c->words ? jd_strdup(c->ctx, "") : NULL;
    for (size_t i = 0; none && i < c->fields; i++) c->words[i] = none; /* the columns have no names */
    c->sparse = true;
    if (none && !c->o.select && !c->o.targets) c->o.select = "*,1";
    if (none) jd__csv_choose(c, false, &named);
    jd_free(c->ctx, none);
    if (jd_error(c->ctx)) return jd_error(c->ctx);
    const size_t most_cells =
        JD_LIMIT_SPARSE + 256 * (size_t)(end - text); /* few texts have fewer values among the zeros */
    size_t cells;
    if (__builtin_mul_overflow(*rows, c->t.cols, &cells) || cells > most_cells)
        return jd_fail(c->ctx, JD_EDATA, "%s: %zu rows of %zu columns are more than %zu numbers; take fewer columns",
                       c->path, *rows, c->t.cols, most_cells);
    c->t.values = jd_alloc_array(c->ctx, cells + 1, sizeof *c->t.values);
    c->t.lines = jd_alloc_array(c->ctx, *rows + 1, sizeof *c->t.lines);
    if (c->o.last_words) c->t.words = jd_alloc_array(c->ctx, *rows + 1, sizeof *c->t.words);
    return jd_error(c->ctx);
}

jd_status jd__csv_sparse(jd__csv *c, char *text, char *end)
{
    size_t rows = 0, most = 0;
    if (prepare(c, text, end, &rows)) return jd_error(c->ctx);
    double *row = jd_alloc_array(c->ctx, c->fields, sizeof *row);
    c->line = 0;
    for (char *line = text; row && line < end && !jd_error(c->ctx); line += strlen(line) + 1) { /* cut by prepare */
        const char *label;
        c->line++;
        memset(row, 0, c->fields * sizeof *row);
        if (read_line(c, line, row, &most, &label) && c->o.skipped) {
            jd_error_clear(c->ctx);
            ++*c->o.skipped;
            continue;
        }
        if (!label) continue;
        const double *last = row + c->t.columns[c->t.cols - 1] - 1;
        for (size_t k = 0; k < c->t.cols; k++) c->t.values[c->t.rows * c->t.cols + k] = row[c->t.columns[k] - 1];
        if (c->t.words && !(c->t.words[c->t.rows] = jd_asprintf(c->ctx, "%.9g", *last))) break;
        c->t.lines[c->t.rows++] = c->line;
    }
    jd_free(c->ctx, row);
    if (!jd_error(c->ctx) && !c->t.rows) jd_fail(c->ctx, JD_EDATA, "%s: no row in it; the table is empty", c->path);
    return jd_error(c->ctx);
}
