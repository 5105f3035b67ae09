/* csv.c - tables of numbers and categories: header or not, quoted fields, missing cells. */
#include "data/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

/* ---- lines and fields ----------------------------------------------------------------------------------------------------*/

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t') s++;
    char *end = s + strlen(s);
    while (end > s && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
    return s;
}

/* Cuts the next field off the line: up to the separator, or what stands in quotes, where "" is a quote. */
static char *cut_field(char **line, char separator)
{
    char *p = *line;
    while ((*p == ' ' || *p == '\t') && *p != separator) p++;
    if (*p != '"') {
        char *field = p, *stop = strchr(p, separator);
        *line = stop ? stop + 1 : p + strlen(p);
        if (stop) *stop = 0;
        return trim(field);
    }
    char *field = ++p, *to = p;
    for (; *p && !(*p == '"' && p[1] != '"'); p++) {
        p += *p == '"';
        *to++ = *p;
    }
    if (*p) p++;
    char *stop = strchr(p, separator);
    *line = stop ? stop + 1 : p + strlen(p);
    *to = 0;
    return field;
}

/* Fields of a line, without changing it. */
static size_t count_fields(const char *line, char separator)
{
    size_t n = 1;
    for (const char *p = line;; n++) {
        while ((*p == ' ' || *p == '\t') && *p != separator) p++;
        if (*p == '"')
            for (p++; *p && !(*p == '"' && p[1] != '"'); p++) p += *p == '"';
        p = strchr(p, separator);
        if (!p) return n;
        p++;
    }
}

static bool skip_line(const char *line)
{
    while (*line == ' ' || *line == '\t') line++;
    return *line == 0 || *line == '#';
}

/* Blanks between fields, however many, become one. */
static void squeeze(char *line)
{
    char *to = line;
    for (const char *p = line; *p; p++) {
        const bool blank = *p == ' ' || *p == '\t';
        if (!blank)
            *to++ = *p;
        else if (to > line && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > line && to[-1] == ' ') to--;
    *to = 0;
}

static void cut_up(const jd__csv *c, char *line, char **words)
{
    for (size_t i = 0; i < c->fields; i++) words[i] = cut_field(&line, c->separator);
}

size_t jd__csv_split(const jd__csv *c, char *line, char **words)
{
    if (skip_line(line) || (c->arff && *line == '%')) return 0;
    if (c->arff) jd__arff_quotes(line);
    if (c->separator == ' ') squeeze(line);
    const size_t have = count_fields(line, c->separator);
    if (have == c->fields) cut_up(c, line, words);
    return have;
}

/* ---- values --------------------------------------------------------------------------------------------------------------*/

bool jd__csv_number(const char *field, char separator, double *value)
{
    char *stop, point[64];
    const char *comma = separator == ',' ? NULL : strchr(field, ',');
    if (!*field) return false;
    if (comma && isdigit((unsigned char)comma[1]) && !strpbrk(comma + 1, ",.") && strlen(field) < sizeof point) {
        field = strcpy(point, field);
        *strchr(point, ',') = '.';
    }
    *value = jd__strtod(field, &stop);
    return *stop == 0;
}

/* Columns that are looked at to find a header. */
static size_t decisive(const jd__csv *c)
{
    return c->t.cols - (c->o.last_words && c->t.cols > 1);
}

/* Units do not count: "1st" may be a name. */
static bool is_value(const jd__csv *c, const char *field)
{
    double ignored;
    if (jd__csv_number(field, c->separator, &ignored) || jd__cell_missing(field)) return true;
    if (!c->o.forms) return false;
    const jd__cell cell = jd__cell_read(field);
    return cell.kinds && (!*cell.unit || *cell.unit == '%' || *cell.unit == '$');
}

/* Whether the words at hand, of which one is no number, are like those of the next line, where there may be categories: then
 * they are no header.  Of a table of words alone only a word that occurs again tells. */
static bool is_row_of_words(jd__csv *c, const char *next)
{
    if (!c->o.categories) return false;
    bool alike = true, numbers = false, again = false;
    char **word = jd_alloc_array(c->ctx, c->fields, sizeof *word);
    for (size_t k = 0; k < decisive(c); k++) numbers = numbers || is_value(c, c->words[c->t.columns[k] - 1]);
    for (int i = 0; word && i < 20 && *next; i++) {
        const size_t n = strcspn(next, "\n");
        char *line = jd_asprintf(c->ctx, "%.*s", (int)(n && next[n - 1] == '\r' ? n - 1 : n), next), *at = line;
        next += n + (next[n] == '\n');
        if (line && c->separator == ' ') squeeze(line);
        if (line && !skip_line(line) && count_fields(line, c->separator) == c->fields) {
            for (size_t k = 0; k < c->fields; k++) word[k] = cut_field(&at, c->separator);
            for (size_t k = 0; k < decisive(c); k++) {
                const char *first = c->words[c->t.columns[k] - 1], *second = word[c->t.columns[k] - 1];
                const bool number = is_value(c, first);
                if (*second) alike = alike && number == is_value(c, second);
                again = again || (!number && !strcmp(first, second));
            }
        }
        jd_free(c->ctx, line);
    }
    jd_free(c->ctx, word);
    return alike && (numbers || again);
}

/* Whether the words at hand are a header: one of those that will be used as numbers is none. */
static bool is_header(jd__csv *c, const char *next)
{
    for (size_t k = 0; k < decisive(c); k++)
        if (!is_value(c, c->words[c->t.columns[k] - 1])) return !is_row_of_words(c, next);
    return false;
}

static jd_status no_number(const jd__csv *c, size_t k, const char *field)
{
    const char *name = c->t.names ? c->t.names[k] : "", *form = jd__cell_form(c->form ? c->form[k] : "");
    const int n = (int)strcspn(form, "\n");
    char what[100] = "is no number";
    if (n) snprintf(what, sizeof what, "is not written as the rest of the column is, \"%.*s\"", n, form);
    return jd_fail(c->ctx, JD_EDATA, "%s: line %zu, column %zu%s%s%s: '%.40s' %s; %s", c->path, c->line,
                   c->t.columns[k], *name ? " (" : "", name, *name ? ")" : "", field, what,
                   jd__cell_missing(field) ? "fill it in, or ask for missing_is_nan"
                   : n                     ? "write it alike, or choose columns without it"
                                           : "write a number, or choose columns without it");
}

static jd_status parse_row(jd__csv *c, double *row)
{
    for (size_t k = 0; k < c->t.cols; k++) {
        const char *field = c->words[c->t.columns[k] - 1], *form = jd__cell_form(c->form ? c->form[k] : "");
        const bool word = c->o.last_words && k + 1 == c->t.cols;
        bool missing = c->o.missing_is_nan && jd__cell_missing(field);
        const bool number =
            *form && *form != '\n' ? jd_cell_value(form, field, &row[k]) : jd__csv_number(field, c->separator, &row[k]);
        jd__csv_column *v = c->column && !word ? &c->column[k] : NULL;
        if (v && !missing && v->kind == JD__CSV_UNKNOWN) v->kind = number ? JD__CSV_NUMBERS : JD__CSV_WORDS;
        if (!number && c->o.forms && c->o.missing_is_nan && !(v && v->kind == JD__CSV_WORDS))
            missing = missing || jd__cell_dash(field);
        if (missing) {
            row[k] = (double)NAN;
        } else if (v && v->kind == JD__CSV_WORDS) {
            if (jd__csv_take_word(c, k, field, &row[k])) return jd_error(c->ctx);
        } else if (word) {
            row[k] = number && isfinite(row[k]) ? row[k] : (double)NAN;
        } else if (!number) {
            return no_number(c, k, field);
        }
    }
    return JD_OK;
}

/* Numbers, and with `forms` dates and the like, among the fields of a line that ends with its file or a line end, cut by
 * `separator`; 0 where it does not occur. */
static size_t numbers_in(const char *line, char separator, bool forms)
{
    size_t n = 0, fields = 0, length;
    double ignored;
    for (bool more = true; more; fields++, line += length + more) {
        char stops[] = {separator, separator == ' ' ? '\t' : '\n', '\r', '\n', 0}, field[64];
        while (*line == ' ' || (*line == '\t' && separator != '\t')) line++;
        const bool quoted = *line == '"';
        length = quoted ? 1 + strcspn(line + 1, "\"\n") : strcspn(line, stops);
        const size_t kept = length - quoted < sizeof field ? length - quoted : 0;
        memcpy(field, line + quoted, kept);
        field[kept] = 0;
        const char *cell = trim(field);
        n += jd__csv_number(cell, separator, &ignored) || (forms && jd__cell_read(cell).kinds);
        if (quoted) length += strcspn(line + length, stops);
        more = line[length] == separator || (separator == ' ' && line[length] == '\t');
    }
    return fields > 1 ? n : 0;
}

/* The separator that cuts the most numbers out of the first line or, if that is a header, out of the next one; a comma where
 * no line has numbers. */
static char separator_of(const jd__csv *c, const char *line, const char *next)
{
    static const char known[] = ",;\t| ";
    char best = 0;
    size_t most = 0;
    if (c->o.separator) return c->o.separator;
    while (*next && (skip_line(next) || *next == '\n' || *next == '\r'))
        next += strcspn(next, "\n") + (strchr(next, '\n') != NULL);
    for (int i = 0; i < 2 && !best; i++)
        for (const char *s = known; *s; s++) {
            const size_t n = numbers_in(i ? next : line, *s, c->o.forms);
            if (n > most) most = n, best = *s;
        }
    if (best) return best;
    return strchr(line, ',')    ? ','
           : strchr(line, ';')  ? ';'
           : strchr(line, '\t') ? '\t'
           : strchr(line, '|')  ? '|'
                                : ',';
}

/* ---- the table -------------------------------------------------------------------------------------------------------------*/

static void free_names(jd_ctx *ctx, char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) jd_free(ctx, names[i]);
    jd_free(ctx, names);
}

/* Whether the first column counts the rows: it has no name and then a whole number, as pandas and R write it, or is called like
 * a row's number, and then goes up by one, as databases write it. */
static bool first_counts(const jd__csv *c, const char *next)
{
    static const char *const names[] = {"", "id", "index", "row", "rowid", "row_id", "rownames", "unnamed: 0"};
    enum { NAMES = sizeof names / sizeof *names, LOOKED_AT = 50 };
    if (c->fields < 3 || !c->words[1][0]) return false;
    int name = 0, rows = 0;
    while (name < NAMES && strcasecmp(names[name], c->words[0]) != 0) name++;
    if (name == NAMES) return false;
    for (unsigned long before = 0; *next && rows < LOOKED_AT; rows++) {
        char *end;
        next += *next == '"';
        if (!isdigit((unsigned char)*next)) return false;
        const unsigned long number = strtoul(next, &end, 10);
        if (*end != c->separator && *end != '"') return false;
        if (!name) return true;
        if (rows && number != before + 1) return false;
        before = number;
        next += strcspn(next, "\n");
        next += *next == '\n';
    }
    return rows > 2;
}

/* Whether this line and the next one end with a separator, as spreadsheets write a column that was emptied. */
static bool ends_empty(const jd__csv *c, const char *next)
{
    const size_t n = strcspn(next, "\r\n");
    return c->fields > 2 && !c->words[c->fields - 1][0] && n && next[n - 1] == c->separator;
}

/* Looks at the first line of substance: separator, fields, columns; *header when it holds names. */
static jd_status first_line(jd__csv *c, char *line, const char *next, bool *header)
{
    bool named = false;
    c->separator = separator_of(c, line, next);
    if (c->separator == ' ') squeeze(line);
    c->fields = count_fields(line, c->separator);
    if (c->fields > JD_LIMIT_COLUMNS)
        return jd_fail(c->ctx, JD_EDATA, "%s: line %zu: %zu fields; the limit is %u", c->path, c->line, c->fields,
                       JD_LIMIT_COLUMNS);
    c->words = jd_alloc_array(c->ctx, c->fields, sizeof *c->words);
    if (!c->words) return jd_error(c->ctx);
    cut_up(c, line, c->words);
    c->trailing = ends_empty(c, next);
    if (jd__csv_choose(c, first_counts(c, next), &named)) return jd_error(c->ctx);
    *header = named || c->arff || is_header(c, next);
    if (!*header) c->t.row_numbers = 0;
    if (jd_error(c->ctx) || (c->o.forms && !c->o.known_forms && jd__csv_survey(c, next, *header)))
        return jd_error(c->ctx);
    if (c->o.known_forms && *c->o.known_forms) c->t.forms = jd_strdup(c->ctx, c->o.known_forms);
    if (c->t.forms && jd__csv_take_forms(c)) return jd_error(c->ctx);
    if (c->o.categories && !c->column && jd__csv_begin_words(c)) return jd_error(c->ctx);
    if (!*header) return JD_OK;
    c->t.names = jd_alloc_array(c->ctx, c->t.cols, sizeof *c->t.names);
    for (size_t k = 0; c->t.names && k < c->t.cols; k++) c->t.names[k] = jd__csv_text(c, c->words[c->t.columns[k] - 1]);
    return jd_error(c->ctx);
}

/* A row of n fields takes at least n bytes of text, so the room never passes the file's size by much. */
static jd_status grow(jd__csv *c, size_t *room)
{
    const size_t more = *room ? 2 * *room : 16, row = c->t.cols * sizeof(double);
    double *values = jd_realloc(c->ctx, c->t.values, *room * row, more * row);
    if (!values) return JD_ENOMEM;
    c->t.values = values;
    size_t *lines = jd_realloc(c->ctx, c->t.lines, *room * sizeof *lines, more * sizeof *lines);
    if (!lines) return JD_ENOMEM;
    c->t.lines = lines;
    if (c->o.last_words) {
        char **words = jd_realloc(c->ctx, c->t.words, *room * sizeof *words, more * sizeof *words);
        if (!words) return JD_ENOMEM;
        c->t.words = words;
    }
    *room = more;
    return JD_OK;
}

/* One line into the table; the first is split already. */
static jd_status take_row(jd__csv *c, char *line, bool first)
{
    const size_t have = first ? c->fields : jd__csv_split(c, line, c->words);
    if (have != c->fields)
        return jd_fail(
            c->ctx, JD_EDATA, "%s: line %zu: %zu fields, but the first line has %zu; repair the line%s", c->path,
            c->line, have, c->fields,
            c->fields == 1
                ? ", take a title above the table out, or give a text to `jackdaw run text-compression --data`"
                : "");
    if (c->trailing && *c->words[c->fields - 1])
        return jd_fail(c->ctx, JD_EDATA,
                       "%s: line %zu, column %zu: '%.40s', but the first lines end with a separator and hold nothing "
                       "there; fill them in, or take it out",
                       c->path, c->line, c->fields, c->words[c->fields - 1]);
    if (parse_row(c, c->t.values + c->t.rows * c->t.cols)) return jd_error(c->ctx);
    if (c->t.words) {
        const char *word = c->words[c->t.columns[c->t.cols - 1] - 1];
        c->t.words[c->t.rows] = jd__csv_text(c, jd__cell_missing(word) ? "" : word);
        if (!c->t.words[c->t.rows]) return jd_error(c->ctx);
    }
    c->t.lines[c->t.rows++] = c->line;
    return JD_OK;
}

/* The names of an ARFF file's columns, as a first line would have them. */
static jd_status arff_head(jd__csv *c, char **next, char *end)
{
    bool header = false;
    char *line = jd__arff_header(c, next, end);
    c->arff = true;
    c->o.separator = ',';
    if (line) first_line(c, line, *next, &header);
    jd_free(c->ctx, line);
    return jd_error(c->ctx);
}

static jd_status parse(jd__csv *c, char *text, size_t bytes)
{
    size_t room = 0;
    char *next = text, *line;
    c->end = text + bytes;
    if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) next += 3; /* a byte order mark */
    if (jd__arff_begins(next, text + bytes) && arff_head(c, &next, text + bytes)) return jd_error(c->ctx);
    if (!c->arff && jd__csv_is_sparse(next, text + bytes)) return jd__csv_sparse(c, next, text + bytes);
    size_t taken = 1, over = 0; /* lines of a row beyond its first */
    while ((line = c->arff ? jd__cut_line(&next, text + bytes) : jd__cut_row(&next, text + bytes, &taken)) != NULL) {
        c->line += 1 + over;
        over = taken - 1;
        if (skip_line(line) || (c->arff && *line == '%')) continue;
        if (c->arff) jd__arff_quotes(line);
        bool header = false;
        const bool first = !c->fields;
        if (first && first_line(c, line, next, &header)) return jd_error(c->ctx);
        if (header) continue;
        if (c->t.rows == room && grow(c, &room)) return jd_error(c->ctx);
        const jd_status status = take_row(c, line, first);
        if (status == JD_EDATA && c->o.skipped) {
            jd_error_clear(c->ctx);
            ++*c->o.skipped;
        } else if (status) {
            return status;
        }
    }
    if (c->t.rows == 0)
        return jd_fail(c->ctx, JD_EDATA, "%s: line %zu: no row%s; the table is empty", c->path, c->line,
                       c->t.names ? " behind the names of the columns" : "");
    return jd__csv_end_words(c);
}

jd_status jd_read_csv(jd_ctx *ctx, const char *path, const jd_csv_options *o, jd_table *out)
{
    size_t bytes;
    char *text = jd__read_text(ctx, path, &bytes);
    if (!text) return jd_error(ctx);
    jd__csv c = {.ctx = ctx, .path = path};
    if (o) c.o = *o;
    const jd_status st = parse(&c, text, bytes);
    jd_free(ctx, text);
    jd_free(ctx, c.words);
    jd_free(ctx, c.form);
    jd_free(ctx, c.by_star);
    jd__csv_free_words(&c);
    if (st)
        jd_table_free(ctx, &c.t);
    else
        *out = c.t;
    return st;
}

void jd_table_free(jd_ctx *ctx, jd_table *table)
{
    if (!table) return;
    free_names(ctx, table->names, table->cols);
    free_names(ctx, table->words, table->rows);
    jd_free(ctx, table->values);
    jd_free(ctx, table->columns);
    jd_free(ctx, table->lines);
    jd_free(ctx, table->categories);
    jd_free(ctx, table->forms);
    jd_free(ctx, table->left_out);
    *table = (jd_table){0};
}
