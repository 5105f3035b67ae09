/* csv_columns.c - the columns of a table that are wanted: by name, by number, all others. */
#include "data/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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
static bool numbered(const jd__csv *c, const char *word, size_t *first, size_t *last)
{
    char *end;
    if (!strcmp(word, "last")) {
        *first = *last = c->sparse ? 1 : c->fields - c->trailing;
        return true;
    }
    if (!isdigit((unsigned char)*word)) return false;
    *first = *last = strtoul(word, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1])) *last = strtoul(end + 1, &end, 10);
    return *end == 0;
}

static jd_status no_column(const jd__csv *c, const char *word)
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

static jd_status take_column(jd__csv *c, bool *taken, size_t column)
{
    if (taken[column - 1])
        return jd_fail(c->ctx, JD_EUSAGE, "%s: column %zu is asked for twice; take one out of the list", c->path,
                       column);
    taken[column - 1] = true;
    c->t.columns[c->t.cols++] = column;
    return JD_OK;
}

static jd_status leave_out(jd__csv *c, bool *taken, size_t column)
{
    if (taken[column - 1])
        return jd_fail(c->ctx, JD_EUSAGE, "%s: column %zu is asked for and left out; take one out of the list", c->path,
                       column);
    taken[column - 1] = true;
    return JD_OK;
}

/* The columns of one word of the list; those of "*" are filled in later. */
static jd_status take_word(jd__csv *c, bool *taken, const char *word, bool name, bool *named)
{
    size_t first = 0, last = 0;
    for (int out = 0; out < 2; out++, word++) { /* a name may begin with - */
        jd_status (*take)(jd__csv *, bool *, size_t) = out ? leave_out : take_column;
        const bool number = !name && numbered(c, word, &first, &last);
        for (size_t i = 0; !number && i < c->fields; i++)
            if (!strcmp(c->words[i], word)) {
                *named = true;
                return take(c, taken, i + 1);
            }
        if (number && first >= 1 && last <= c->fields && first <= last) {
            for (size_t i = first; i <= last && !jd_error(c->ctx); i++) take(c, taken, i);
            return jd_error(c->ctx);
        }
        if (name || *word != '-') break;
    }
    return no_column(c, word);
}

jd_status jd__csv_choose(jd__csv *c, bool counts, bool *named)
{
    bool *taken = jd_alloc_array(c->ctx, c->fields, sizeof *taken);
    c->t.columns = jd_alloc_array(c->ctx, c->fields, sizeof *c->t.columns);
    char word[128];
    bool name;
    const char *at = c->o.select ? c->o.select : "*";
    size_t star = *at == '-' ? 0 : SIZE_MAX;
    while (!jd_error(c->ctx) && next_choice(&at, word, &name)) {
        if (!name && !strcmp(word, "*"))
            star = c->t.cols;
        else
            take_word(c, taken, word, name, named);
    }
    const size_t inputs = c->t.cols;
    at = c->o.targets ? c->o.targets : "";
    while (!jd_error(c->ctx) && next_choice(&at, word, &name)) take_word(c, taken, word, name, named);
    c->t.targets = c->t.cols - inputs;
    if (!jd_error(c->ctx) && c->o.targets && !c->t.targets)
        jd_fail(c->ctx, JD_EUSAGE, "%s: the list of targets \"%s\" names no column", c->path, c->o.targets);
    if (!jd_error(c->ctx) && star != SIZE_MAX && counts && !taken[0]) {
        taken[0] = true;
        c->t.row_numbers = 1;
    }
    if (!jd_error(c->ctx) && c->trailing) taken[c->fields - 1] = true;
    size_t others = 0;
    for (size_t i = 0; !jd_error(c->ctx) && i < c->fields; i++) others += !taken[i];
    if (!jd_error(c->ctx) && star != SIZE_MAX) {
        memmove(c->t.columns + star + others, c->t.columns + star, (c->t.cols - star) * sizeof *c->t.columns);
        c->by_star = jd_alloc_array(c->ctx, c->t.cols + others, sizeof *c->by_star);
        for (size_t i = 0; c->by_star && i < c->fields; i++) {
            if (taken[i]) continue;
            c->by_star[star] = true;
            c->t.columns[star++] = i + 1;
        }
        c->t.cols += others;
    }
    jd_free(c->ctx, taken);
    if (!jd_error(c->ctx) && !c->t.cols) jd_fail(c->ctx, JD_EUSAGE, "%s: the list of columns is empty", c->path);
    return jd_error(c->ctx);
}
