/* csv.c - tables of numbers: header or not, columns chosen by name or number, quoted fields, missing cells. */
#include "data/table.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct csv {
    jd_ctx *ctx;
    const char *path;
    jd_csv_options o;
    char separator;
    locale_t c_locale;
    size_t line;   /* number of the line at hand, from 1 */
    size_t fields; /* of every line */
    char **words;  /* (fields) of the line at hand */
    jd_table t;
} csv;

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

static void split_line(csv *c, char *line)
{
    for (size_t i = 0; i < c->fields; i++) c->words[i] = cut_field(&line, c->separator);
}

/* ---- values --------------------------------------------------------------------------------------------------------------*/

/* A number that fills the whole field; the C locale, whatever the program's is.  Between other separators than commas, the
 * comma of half the world's decimals is understood. */
static bool parse_number(const csv *c, const char *field, char separator, double *value)
{
    char *stop, point[64];
    const char *comma = separator == ',' ? NULL : strchr(field, ',');
    if (!*field) return false;
    if (comma && isdigit((unsigned char)comma[1]) && !strpbrk(comma + 1, ",.") && strlen(field) < sizeof point) {
        field = strcpy(point, field);
        *strchr(point, ',') = '.';
    }
    *value = strtod_l(field, &stop, c->c_locale);
    return *stop == 0;
}

static bool is_missing(const char *field)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "na", "null", "NULL", "NaN", "nan"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(field, words[i])) return true;
    return false;
}

/* Whether the words at hand are a header: one of those that will be used as numbers is none. */
static bool is_header(const csv *c)
{
    double ignored;
    const size_t numbers = c->t.cols - (c->o.last_words && c->t.cols > 1);
    for (size_t k = 0; k < numbers; k++) {
        const char *field = c->words[c->t.columns[k] - 1];
        if (!parse_number(c, field, c->separator, &ignored) && !is_missing(field)) return true;
    }
    return false;
}

static jd_status parse_row(csv *c, double *row)
{
    for (size_t k = 0; k < c->t.cols; k++) {
        const char *field = c->words[c->t.columns[k] - 1];
        const bool word = c->o.last_words && k + 1 == c->t.cols;
        const bool number = parse_number(c, field, c->separator, &row[k]);
        if (c->o.missing_is_nan && is_missing(field))
            row[k] = (double)NAN;
        else if (word)
            row[k] = number && isfinite(row[k]) ? row[k] : (double)NAN;
        else if (!number)
            return jd_fail(c->ctx, JD_EDATA, "%s: line %zu, column %zu: '%.40s' is no number; %s", c->path, c->line,
                           c->t.columns[k], field,
                           is_missing(field) ? "fill it in, or ask for missing_is_nan"
                                             : "write a number, or choose columns without it");
    }
    return JD_OK;
}

/* Numbers among the fields of a line that ends with its file or a line end, cut by `separator`; 0 where it does not occur. */
static size_t numbers_in(const csv *c, const char *line, char separator)
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
        n += parse_number(c, trim(field), separator, &ignored);
        if (quoted) length += strcspn(line + length, stops);
        more = line[length] == separator || (separator == ' ' && line[length] == '\t');
    }
    return fields > 1 ? n : 0;
}

/* The separator that cuts the most numbers out of the first line or, if that is a header, out of the next one; a comma where
 * no line has numbers. */
static char separator_of(const csv *c, const char *line, const char *next)
{
    static const char known[] = ",;\t ";
    char best = 0;
    size_t most = 0;
    if (c->o.separator) return c->o.separator;
    while (*next && (skip_line(next) || *next == '\n' || *next == '\r'))
        next += strcspn(next, "\n") + (strchr(next, '\n') != NULL);
    for (int i = 0; i < 2 && !best; i++)
        for (const char *s = known; *s; s++) {
            const size_t n = numbers_in(c, i ? next : line, *s);
            if (n > most) most = n, best = *s;
        }
    if (best) return best;
    return strchr(line, ',') ? ',' : strchr(line, ';') ? ';' : strchr(line, '\t') ? '\t' : ',';
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

/* ---- the choice of columns -------------------------------------------------------------------------------------------------*/

/* The next word of the list into `word`; false at its end.  What stands in quotes is a name. */
static bool next_choice(const char **at, char word[128], bool *name)
{
    size_t n = 0;
    const char *p = *at;
    while (*p == ' ') p++;
    if (!*p) return false;
    const bool quoted = *p == '"';
    *name = quoted;
    for (p += quoted; *p && (quoted ? *p != '"' : *p != ','); p++)
        if (n + 1 < 128) word[n++] = *p;
    while (!quoted && n && word[n - 1] == ' ') n--;
    word[n] = 0;
    while (*p && *p != ',') p++;
    *at = *p ? p + 1 : p;
    return true;
}

/* "3", "3-7" or "last"; false for anything else. */
static bool numbered(const csv *c, const char *word, size_t *first, size_t *last)
{
    char *end;
    if (!strcmp(word, "last")) {
        *first = *last = c->fields;
        return true;
    }
    if (!isdigit((unsigned char)*word)) return false;
    *first = *last = strtoul(word, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1])) *last = strtoul(end + 1, &end, 10);
    return *end == 0;
}

static jd_status no_column(const csv *c, const char *word)
{
    const char **names = jd_alloc_array(c->ctx, c->fields + 1, sizeof *names);
    if (!names) return jd_error(c->ctx);
    for (size_t i = 0; i < c->fields; i++) names[i] = c->words[i];
    const char *near = jd_nearest(word, names);
    jd_fail(c->ctx, JD_EDATA, "%s: line %zu: no column '%s' among the %zu; %s%s%s", c->path, c->line, word, c->fields,
            near ? "did you mean '" : "give a name of the header, or a number from 1", near ? near : "",
            near ? "'?" : "");
    jd_free(c->ctx, names);
    return jd_error(c->ctx);
}

static jd_status take_column(csv *c, bool *taken, size_t column)
{
    if (taken[column - 1])
        return jd_fail(c->ctx, JD_EUSAGE, "%s: column %zu is asked for twice; take one out of the list", c->path,
                       column);
    taken[column - 1] = true;
    c->t.columns[c->t.cols++] = column;
    return JD_OK;
}

/* The columns of one word of the list; those of "*" are filled in later. */
static jd_status take_word(csv *c, bool *taken, const char *word, bool name, bool *named)
{
    size_t first = 0, last = 0;
    const bool number = !name && numbered(c, word, &first, &last);
    for (size_t i = 0; !number && i < c->fields; i++)
        if (!strcmp(c->words[i], word)) {
            *named = true;
            return take_column(c, taken, i + 1);
        }
    if (!number || first < 1 || last > c->fields || first > last) return no_column(c, word);
    for (size_t i = first; i <= last; i++)
        if (take_column(c, taken, i)) return jd_error(c->ctx);
    return JD_OK;
}

/* Fills columns[] from the list and the words of the first line; *named when one was chosen by its name. */
static jd_status choose(csv *c, bool *named)
{
    bool *taken = jd_alloc_array(c->ctx, c->fields, sizeof *taken);
    c->t.columns = jd_alloc_array(c->ctx, c->fields, sizeof *c->t.columns);
    char word[128];
    bool name;
    size_t star = SIZE_MAX;
    const char *at = c->o.select ? c->o.select : "*";
    while (!jd_error(c->ctx) && next_choice(&at, word, &name)) {
        if (!name && !strcmp(word, "*"))
            star = c->t.cols;
        else
            take_word(c, taken, word, name, named);
    }
    size_t others = 0;
    for (size_t i = 0; !jd_error(c->ctx) && i < c->fields; i++) others += !taken[i];
    if (!jd_error(c->ctx) && star != SIZE_MAX) {
        memmove(c->t.columns + star + others, c->t.columns + star, (c->t.cols - star) * sizeof *c->t.columns);
        for (size_t i = 0; i < c->fields; i++)
            if (!taken[i]) c->t.columns[star++] = i + 1;
        c->t.cols += others;
    }
    jd_free(c->ctx, taken);
    if (!jd_error(c->ctx) && !c->t.cols) jd_fail(c->ctx, JD_EUSAGE, "%s: the list of columns is empty", c->path);
    return jd_error(c->ctx);
}

/* ---- the table -------------------------------------------------------------------------------------------------------------*/

static void free_names(jd_ctx *ctx, char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) jd_free(ctx, names[i]);
    jd_free(ctx, names);
}

/* Looks at the first line of substance: separator, fields, columns; *header when it holds names. */
static jd_status first_line(csv *c, char *line, const char *next, bool *header)
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
    split_line(c, line);
    if (choose(c, &named)) return jd_error(c->ctx);
    *header = named || is_header(c);
    if (!*header) return JD_OK;
    c->t.names = jd_alloc_array(c->ctx, c->t.cols, sizeof *c->t.names);
    for (size_t k = 0; c->t.names && k < c->t.cols; k++)
        c->t.names[k] = jd_strdup(c->ctx, c->words[c->t.columns[k] - 1]);
    return jd_error(c->ctx);
}

/* A row of n fields takes at least n bytes of text, so the room never passes the file's size by much. */
static jd_status grow(csv *c, size_t *room)
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
static jd_status take_row(csv *c, char *line, bool first)
{
    if (!first && c->separator == ' ') squeeze(line);
    const size_t have = first ? c->fields : count_fields(line, c->separator);
    if (have != c->fields)
        return jd_fail(c->ctx, JD_EDATA, "%s: line %zu: %zu fields, but the first line has %zu; repair the line",
                       c->path, c->line, have, c->fields);
    if (!first) split_line(c, line);
    if (parse_row(c, c->t.values + c->t.rows * c->t.cols)) return jd_error(c->ctx);
    if (c->t.words) {
        const char *word = c->words[c->t.columns[c->t.cols - 1] - 1];
        c->t.words[c->t.rows] = jd_strdup(c->ctx, is_missing(word) ? "" : word);
        if (!c->t.words[c->t.rows]) return JD_ENOMEM;
    }
    c->t.lines[c->t.rows++] = c->line;
    return JD_OK;
}

static jd_status parse(csv *c, char *text, size_t bytes)
{
    size_t room = 0;
    char *next = text, *line;
    if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) next += 3; /* a byte order mark */
    while ((line = jd__cut_line(&next, text + bytes)) != NULL) {
        c->line++;
        if (skip_line(line)) continue;
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
        return jd_fail(c->ctx, JD_EDATA, "%s: line %zu: no line of numbers; the table is empty", c->path, c->line);
    return JD_OK;
}

jd_status jd_read_csv(jd_ctx *ctx, const char *path, const jd_csv_options *o, jd_table *out)
{
    size_t bytes;
    char *text = jd__read_text(ctx, path, &bytes);
    if (!text) return jd_error(ctx);
    csv c = {.ctx = ctx, .path = path, .c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (o) c.o = *o;
    jd_status st;
    if (c.c_locale) {
        st = parse(&c, text, bytes);
        freelocale(c.c_locale);
    } else {
        st = jd_fail(ctx, JD_ENOMEM, "%s: no memory for the C locale; free some", path);
    }
    jd_free(ctx, text);
    jd_free(ctx, c.words);
    if (st)
        jd_table_free(ctx, &c.t);
    else
        *out = c.t;
    return st;
}

void jd_table_free(jd_ctx *ctx, jd_table *table)
{
    free_names(ctx, table->names, table->cols);
    free_names(ctx, table->words, table->rows);
    jd_free(ctx, table->values);
    jd_free(ctx, table->columns);
    jd_free(ctx, table->lines);
    *table = (jd_table){0};
}
