/*
 * ragged.c - series of many lengths in a text without a header, one a line: its numbers, and its class at one end.  The shorter ones may
 * be filled up with nothing or NaN.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "model.h"

enum { FEWEST_ROWS = 4, FEWEST_STEPS = 2, MOST_CLASSES = 20 };

typedef struct row {
    const char *first, *last; /* fields that hold something, in the text */
    size_t at, n;             /* their values, NaN for a word */
    bool late;                /* the last one stands behind empty fields */
} row;

typedef struct ragged {
    jd_ctx *ctx;
    char separator;
    row *row; /* (n) */
    size_t n, room;
    float *value;
    size_t values, value_room;
} ragged;

static bool is_nothing(const char *field)
{
    static const char *const words[] = {"", "NaN", "nan", "NA", "?", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(field, words[i])) return true;
    return false;
}

/* The next field of a line, without blanks around it; NULL at the end. */
static char *next_field(char **at, char separator)
{
    char *field = *at;
    if (!field) return NULL;
    field += strspn(field, separator == '\t' ? " " : " \t");
    if (separator == ' ' && !*field) return NULL;
    char *stop = separator == ' ' ? strpbrk(field, " \t") : strchr(field, separator);
    *at = stop ? stop + 1 : NULL;
    if (stop) *stop = 0;
    for (size_t n = strlen(field); n && (field[n - 1] == ' ' || field[n - 1] == '\t'); n--) field[n - 1] = 0;
    return field;
}

static jd_status put(ragged *r, double v)
{
    if (r->values == r->value_room) {
        const size_t more = r->value_room ? 2 * r->value_room : 1024;
        float *larger = jd_realloc(r->ctx, r->value, r->value_room * sizeof *larger, more * sizeof *larger);
        if (!larger) return jd_error(r->ctx);
        r->value = larger;
        r->value_room = more;
    }
    r->value[r->values++] = (float)v;
    return JD_OK;
}

static jd_status put_row(ragged *r, row l)
{
    if (r->n == r->room) {
        const size_t more = r->room ? 2 * r->room : 64;
        row *larger = jd_realloc(r->ctx, r->row, r->room * sizeof *larger, more * sizeof *larger);
        if (!larger) return jd_error(r->ctx);
        r->row = larger;
        r->room = more;
    }
    r->row[r->n++] = l;
    return JD_OK;
}

/* One line; false where it is no series: a word or a gap stands among its numbers. */
static bool take_line(ragged *r, char *text)
{
    row l = {.at = r->values};
    bool gap = false;
    char *field, *end;
    while ((field = next_field(&text, r->separator)) != NULL) {
        if (is_nothing(field)) {
            gap = true;
            continue;
        }
        if (l.late || (l.n > 1 && isnan(r->value[r->values - 1])) || (gap && !l.n)) return false;
        const double v = strtod(field, &end);
        if (put(r, *end || !isfinite(v) ? (double)NAN : v)) return false;
        if (!l.n++) l.first = field;
        l.last = field;
        l.late = gap;
    }
    return l.n > FEWEST_STEPS && !put_row(r, l);
}

static bool whole(double v)
{
    return isfinite(v) && v == floor(v);
}

/* Whether the fields at an end may be numbers of classes: whole, and few different ones. */
static bool few(const ragged *r, bool last)
{
    double seen[MOST_CLASSES];
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const double v = (double)r->value[r->row[i].at + (last ? r->row[i].n - 1 : 0)];
        size_t k = 0;
        while (k < n && fabs(seen[k] - v) > 0) k++;
        if (!whole(v) || (k == n && n == MOST_CLASSES)) return false;
        if (k == n) seen[n++] = v;
    }
    return n > 1 && 2 * n <= r->n;
}

/* Where the classes stand: 1 in front, 2 behind, 0 nowhere; -1 where words stand now here, now there. */
static int label_at(const ragged *r)
{
    size_t first = 0, last = 0, late = 0;
    for (size_t i = 0; i < r->n; i++) {
        first += isnan(r->value[r->row[i].at]) != 0;
        last += isnan(r->value[r->row[i].at + r->row[i].n - 1]) != 0;
        late += r->row[i].late;
    }
    if (first && last) return -1;
    if (first || last) return (first ? first : last) == r->n && (!late || last) ? (first ? 1 : 2) : -1;
    if (late) return few(r, true) ? 2 : -1;
    const bool front = few(r, false), behind = few(r, true);
    return front == behind ? 0 : front ? 1 : 2;
}

/* Whether lengths differ as those of series do, not as in a table of which a line was cut short. */
static bool differ(const ragged *r)
{
    enum { LOOKED_AT = 1000 };
    const size_t n = r->n < LOOKED_AT ? r->n : LOOKED_AT;
    size_t most = 0, different = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0, before = 0;
        for (size_t k = 0; k < n; k++) {
            same += r->row[k].n == r->row[i].n;
            before += k < i && r->row[k].n == r->row[i].n;
        }
        most = same > most ? same : most;
        different += !before;
    }
    return different > 2 && most <= n - n / 4;
}

static char separator_of(const char *text)
{
    const size_t n = strcspn(text, "\n");
    for (const char *s = ",;\t"; *s; s++)
        if (memchr(text, *s, n)) return *s;
    return ' ';
}

static jd_status keep(ragged *r, const char *name, const samples_options *o, int label, samples *s)
{
    jd_ctx *ctx = r->ctx;
    const char **word = jd_alloc_array(ctx, r->n + 1, sizeof *word);
    s->start = jd_alloc_array(ctx, r->n + 1, sizeof *s->start);
    s->values = jd_alloc_array(ctx, r->values + 1, sizeof *s->values);
    size_t at = 0, most = 0;
    for (size_t i = 0; !jd_error(ctx) && i < r->n; i++) {
        const row *l = &r->row[i];
        const size_t n = l->n - (label > 0);
        memcpy(s->values + at, r->value + l->at + (label == 1), n * sizeof *s->values);
        word[i] = label == 1 ? l->first : l->last;
        s->start[i + 1] = at += n;
        most = n > most ? n : most;
    }
    s->rank = 2;
    s->count = r->n;
    s->dim[0] = (int64_t)most;
    s->dim[1] = 1;
    s->ragged = label;
    if (!jd_error(ctx) && !o->unlabelled) samples_label(ctx, name, NULL, word, o, s);
    jd_free(ctx, word);
    return jd_error(ctx);
}

bool ragged_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    if (o->columns || o->target || o->regression || o->texts || (o->fit && o->fit->rank != 2)) return false;
    ragged r = {.ctx = ctx};
    char *text = file_text(ctx, name), *at = text, *line;
    bool series = text != NULL;
    if (text) r.separator = separator_of(text);
    while (series && (line = file_line(&at)) != NULL)
        if (line[strspn(line, " \t")]) series = take_line(&r, line);
    const bool known = o->fit != NULL; /* a model of sequences takes lines of any length */
    series = series && r.n && (known || (r.n >= FEWEST_ROWS && differ(&r)));
    int label = series ? label_at(&r) : -1;
    if (label >= 0 && o->unlabelled) { /* numbers are steps */
        const row *l = r.row;
        if (label && !isnan(r.value[label == 1 ? l->at : l->at + l->n - 1])) label = 0;
    } else if (!label) {
        label = -1;
    }
    series = label >= 0 && !jd_error(ctx);
    if (series)
        keep(&r, name, o, label, s);
    else if (jd_error(ctx) == JD_EDATA)
        jd_error_clear(ctx); /* whoever reads it as a table says so again */
    jd_free(ctx, text);
    jd_free(ctx, r.row);
    jd_free(ctx, r.value);
    return series || jd_error(ctx);
}
