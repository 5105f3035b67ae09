/*
 * csv_survey.c - what the columns of a table hold, by all their cells: the forms of numbers and dates (cells.h), words, or nothing
 * that could be learned from.
 */
#include "data/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FEW_ROWS = 20, FEW_WORDS = 20 };

/* Different texts by their hashes, whose set grows; beyond JD_LIMIT_CATEGORIES they are only counted on while none came twice. */
typedef struct texts {
    uint64_t *slot;
    size_t room, n;
    bool twice; /* one came again */
} texts;

typedef struct found {
    unsigned kinds; /* what all cells may be that are no words */
    size_t cells;   /* that are there */
    size_t plain;   /* numbers without a form, too */
    size_t words;   /* cells that are neither number nor date */
    bool points, commas, timed;
    bool counts, constant, whole;
    bool named_id; /* called like a number of things */
    double next;   /* the number that is due if it counts */
    uint64_t first;
    char unit[JD__UNIT];
    bool unitless, united; /* cells without a unit, other than 0, and with one */
    texts seen;
} found;

typedef struct survey {
    jd__csv *c;
    found *column; /* (cols) */
    size_t rows;
} survey;

static uint64_t hash_of(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h ? h : 1;
}

static jd_status add_text(jd_ctx *ctx, texts *t, uint64_t hash)
{
    if (t->twice && t->n > JD_LIMIT_CATEGORIES) return JD_OK;
    if (2 * t->n >= t->room) {
        const size_t more = t->room ? 2 * t->room : 64;
        uint64_t *slot = jd_alloc_array(ctx, more, sizeof *slot);
        if (!slot) return jd_error(ctx);
        for (size_t i = 0; i < t->room; i++)
            if (t->slot[i]) {
                size_t at = t->slot[i] & (more - 1);
                while (slot[at]) at = (at + 1) & (more - 1);
                slot[at] = t->slot[i];
            }
        jd_free(ctx, t->slot);
        t->slot = slot;
        t->room = more;
    }
    size_t at = hash & (t->room - 1);
    while (t->slot[at] && t->slot[at] != hash) at = (at + 1) & (t->room - 1);
    if (t->slot[at])
        t->twice = true;
    else
        t->slot[at] = hash, t->n++;
    return JD_OK;
}

/* Whether a column is called id, customer_id, userId, ROW NR and the like: humid and grid are not. */
static bool is_number_of_things(const char *name)
{
    static const char *const endings[] = {"id", "nr", "no", "uuid", "guid", "index", "number"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t k = strlen(endings[i]);
        if (n < k || strcasecmp(name + n - k, endings[i]) != 0) continue;
        if (n == k || !isalpha((unsigned char)name[n - k - 1])) return true;
        if (isupper((unsigned char)name[n - k]) && islower((unsigned char)name[n - k - 1])) return true;
        if (k == 2 && n >= 8 && !strcasecmp(name + n - k, "nr")) return true; /* Kundennr */
    }
    return false;
}

/* ---- looking ----------------------------------------------------------------------------------------------------------------- */

static jd_status look_at_cell(survey *s, found *f, const char *text)
{
    double plain;
    const jd__cell cell = jd__cell_read(text);
    const bool number = jd__csv_number(text, s->c->separator, &plain), dash = jd__cell_dash(text);
    const uint64_t hash = hash_of(text);
    if (dash && !f->words) return JD_OK;
    if (!f->cells++)
        f->first = hash, f->next = plain = number ? plain : -1,
        f->counts = number && (fabs(plain) < 0.5 || fabs(plain - 1) < 0.5);
    f->constant = f->constant && hash == f->first;
    f->plain += number;
    f->counts = f->counts && number && plain >= f->next && plain <= f->next;
    f->next++;
    f->whole = f->whole && number && plain == floor(plain);
    f->words += !number && !cell.kinds;
    if (cell.kinds) f->kinds &= cell.kinds;
    f->timed |= cell.timed;
    f->points |= cell.points;
    f->commas |= cell.commas;
    if (cell.kinds & JD__CELL_NUMBER) {
        if (!*cell.unit && (!number || fabs(plain) > 0)) f->unitless = true;
        if (*cell.unit && f->united && strcmp(cell.unit, f->unit) != 0) f->kinds &= ~(unsigned)JD__CELL_NUMBER;
        if (*cell.unit && !f->united) memcpy(f->unit, cell.unit, JD__UNIT), f->united = true;
    }
    const bool told_apart = !number || (f->named_id && f->whole);
    return told_apart ? add_text(s->c->ctx, &f->seen, hash) : JD_OK;
}

static jd_status look_at_row(survey *s, char *const *words)
{
    s->rows++;
    for (size_t k = 0; k < s->c->t.cols; k++) {
        const char *text = words[s->c->t.columns[k] - 1];
        found *f = &s->column[k];
        if (jd__cell_missing(text))
            f->counts = false;
        else if (look_at_cell(s, f, text))
            return jd_error(s->c->ctx);
    }
    return JD_OK;
}

/* The lines are cut up in a copy. */
static jd_status look(survey *s, const char *next, bool header)
{
    jd__csv *c = s->c;
    const size_t bytes = (size_t)(c->end - next);
    char *copy = jd_alloc(c->ctx, bytes + 1), *at = copy, *line;
    char **words = jd_alloc_array(c->ctx, c->fields, sizeof *words);
    size_t taken;
    if (copy && words) {
        memcpy(copy, next, bytes);
        if (!header) look_at_row(s, c->words);
        while (!jd_error(c->ctx) &&
               (line = c->arff ? jd__cut_line(&at, copy + bytes) : jd__cut_row(&at, copy + bytes, &taken)) != NULL)
            if (jd__csv_split(c, line, words) == c->fields) look_at_row(s, words);
    }
    jd_free(c->ctx, copy);
    jd_free(c->ctx, words);
    return jd_error(c->ctx);
}

/* ---- judging ----------------------------------------------------------------------------------------------------------------- */

/* Whether a column is numbers that are written with a comma, with a point, or might be either. */
static unsigned writing(const found *f)
{
    return f->cells ? f->kinds & JD__CELL_NUMBER : 0;
}

/* A stray word among many cells is an error that will be found. */
static bool mostly_words(const found *f)
{
    enum { STRAY = 10 };
    return STRAY * f->words > f->cells;
}

/* Whether the cells have a form in common: numbers with one unit or none, times of day, dates whose order is certain. */
static bool has_form(const found *f)
{
    if (mostly_words(f)) return false;
    const unsigned dates = f->kinds & JD__CELL_DATE;
    if (writing(f)) return !(f->united && f->unitless);
    return f->cells && (f->kinds & JD__CELL_CLOCK || (dates && !(dates & (dates - 1))));
}

static bool is_words(const found *f)
{
    return !has_form(f) && 2 * (f->cells - f->plain) > f->cells;
}

/* `comma`: how the other columns write numbers that might be read in both ways, such as 1.234. */
static char *form_of(jd_ctx *ctx, const found *f, bool comma)
{
    const unsigned numbers = writing(f), dates = f->kinds & JD__CELL_DATE;
    if (!has_form(f)) return jd_strdup(ctx, "");
    if (numbers) {
        const bool both = numbers == JD__CELL_NUMBER;
        const bool with_comma = numbers == JD__CELL_COMMA || (both && comma && (f->points || f->commas));
        if (!f->united && !with_comma && f->plain + f->words == f->cells && !f->commas) return jd_strdup(ctx, "");
        return jd_asprintf(ctx, "number %s%s%s", with_comma ? "comma" : "point", f->united ? " " : "", f->unit);
    }
    if (f->kinds & JD__CELL_CLOCK) return jd_strdup(ctx, "time");
    return jd_asprintf(ctx, "date %s%s",
                       dates == JD__CELL_YMD   ? "y-m-d"
                       : dates == JD__CELL_DMY ? "d-m-y"
                                               : "m-d-y",
                       f->timed ? " time" : "");
}

/* Whether the table writes decimals with a comma: a column proves it, and none the contrary.  Without a proof those do that have
 * another separator than the comma. */
static bool writes_commas(const survey *s)
{
    bool comma = false, point = false, doubtful = false;
    for (size_t k = 0; k < s->c->t.cols; k++) {
        const found *f = &s->column[k];
        const unsigned w = writing(f);
        comma |= w == JD__CELL_COMMA;
        point |= w == JD__CELL_POINT && f->points;
        doubtful |= w == JD__CELL_NUMBER && f->commas && !f->points;
    }
    return comma ? !point : !point && doubtful && s->c->separator != ',';
}

static jd_status find_forms(survey *s)
{
    jd__csv *c = s->c;
    const bool comma = writes_commas(s);
    char *list = jd_strdup(c->ctx, "");
    bool any = false;
    for (size_t k = 0; list && k < c->t.cols; k++) {
        const bool label = c->o.last_words && k + 1 == c->t.cols;
        char *form = label ? jd_strdup(c->ctx, "") : form_of(c->ctx, &s->column[k], comma);
        char *more = form ? jd_asprintf(c->ctx, "%s%s%s", list, k ? "\n" : "", form) : NULL;
        any |= form && *form;
        jd_free(c->ctx, form);
        jd_free(c->ctx, list);
        list = more;
    }
    if (any)
        c->t.forms = list;
    else
        jd_free(c->ctx, list);
    return jd_error(c->ctx);
}

/* Why a column tells nothing, or NULL. */
static const char *reason(const survey *s, const found *f, char text[120])
{
    const unsigned dates = mostly_words(f) ? 0 : f->kinds & JD__CELL_DATE;
    if (!f->cells) return "it is empty";
    if (f->constant && s->rows > 1) return "the same in every row";
    if (s->rows < FEW_ROWS) return NULL;
    if (f->counts && f->cells == s->rows) return "it counts the rows";
    if (f->named_id && f->whole && f->plain == f->cells && !f->seen.twice) return "numbers that are all different";
    if (!is_words(f)) return NULL;
    if (dates & (dates - 1))
        return f->seen.n > FEW_WORDS ? "dates of which day and month cannot be told apart; write them as 2026-11-22"
                                     : NULL;
    if (!f->seen.twice) return "words that are all different";
    snprintf(text, 120, "%s%zu different words in %zu rows", f->seen.n > JD_LIMIT_CATEGORIES ? "more than " : "",
             f->seen.n > JD_LIMIT_CATEGORIES ? (size_t)JD_LIMIT_CATEGORIES : f->seen.n, s->rows);
    return f->seen.n > JD_LIMIT_CATEGORIES || (f->seen.n > FEW_WORDS && f->seen.n > s->rows / 2) ? text : NULL;
}

static jd_status note_left(jd__csv *c, size_t k, const char *why, bool header)
{
    const char *name = header ? c->words[c->t.columns[k] - 1] : "";
    char *title = *name ? jd_strdup(c->ctx, name) : jd_asprintf(c->ctx, "column %zu", c->t.columns[k]);
    for (char *p = title; p && *p; p++)
        if (*p == '\n') *p = ' ';
    char *more = title ? jd_asprintf(c->ctx, "%s%s%s: %s", c->t.left_out ? c->t.left_out : "",
                                     c->t.left_out ? "\n" : "", title, why)
                       : NULL;
    jd_free(c->ctx, title);
    jd_free(c->ctx, c->t.left_out);
    c->t.left_out = more;
    return jd_error(c->ctx);
}

/* Takes columns that tell nothing out of those that `*` chose. */
static jd_status leave_out(survey *s, bool header)
{
    jd__csv *c = s->c;
    size_t kept = 0;
    char text[120];
    for (size_t k = 0; k < c->t.cols; k++) {
        const bool label = c->o.last_words && k + 1 == c->t.cols;
        const char *why = !label && c->by_star[k] ? reason(s, &s->column[k], text) : NULL;
        if (why && note_left(c, k, why, header)) return jd_error(c->ctx);
        if (why) {
            jd_free(c->ctx, s->column[k].seen.slot);
            s->column[k].seen.slot = NULL;
            continue;
        }
        const found f = s->column[k];
        if (kept < k) s->column[k].seen.slot = NULL;
        s->column[kept] = f;
        c->by_star[kept] = c->by_star[k];
        c->t.columns[kept++] = c->t.columns[k];
    }
    c->t.cols = kept;
    if (kept > c->t.targets) return JD_OK;
    return jd_fail(c->ctx, JD_EDATA, "%s: no column tells anything: %.300s; choose with --columns", c->path,
                   c->t.left_out ? c->t.left_out : "there is none");
}

jd_status jd__csv_take_forms(jd__csv *c)
{
    const char *at = c->t.forms;
    c->form = jd_alloc_array(c->ctx, c->t.cols + 1, sizeof *c->form);
    for (size_t k = 0; c->form && k < c->t.cols; k++) {
        c->form[k] = at;
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return jd_error(c->ctx);
}

jd_status jd__csv_survey(jd__csv *c, const char *next, bool header)
{
    survey s = {.c = c, .column = jd_alloc_array(c->ctx, c->t.cols + 1, sizeof *s.column)};
    const size_t cols = c->t.cols;
    for (size_t k = 0; s.column && k < cols; k++) {
        s.column[k] = (found){.kinds = ~0u, .counts = true, .constant = true, .whole = true};
        s.column[k].named_id = header && is_number_of_things(c->words[c->t.columns[k] - 1]);
    }
    if (s.column && !look(&s, next, header) && (!c->o.leave_out || !c->by_star || !s.rows || !leave_out(&s, header)) &&
        !find_forms(&s) && c->o.categories && !jd__csv_begin_words(c))
        for (size_t k = 0; k < c->t.cols; k++)
            if (s.column[k].cells && !c->o.known)
                c->column[k].kind = is_words(&s.column[k]) ? JD__CSV_WORDS : JD__CSV_NUMBERS;
    for (size_t k = 0; s.column && k < cols; k++) jd_free(c->ctx, s.column[k].seen.slot);
    jd_free(c->ctx, s.column);
    return jd_error(c->ctx);
}
