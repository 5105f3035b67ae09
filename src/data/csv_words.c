/* csv_words.c - columns of a table that hold categories: words become places in a list. */
#include "data/csv.h"
#include "io/bytes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 255 }; /* bytes of a category */

char *jd__csv_text(const jd__csv *c, const char *word)
{
    const size_t n = strlen(word);
    if (n && !jd__utf8_valid(word, n)) {
        jd_fail(c->ctx, JD_EDATA,
                "%s: line %zu: a word is no UTF-8 text; save the file as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8)",
                c->path, c->line);
        return NULL;
    }
    return jd_strdup(c->ctx, word);
}

/* Where `word` is, or where it should be put in. */
static size_t place(const jd__csv_column *v, const char *word, bool *there)
{
    size_t low = 0, high = v->n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const int order = strcmp(v->word[mid].text, word);
        if (!order) {
            *there = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *there = false;
    return low;
}

static jd_status put_in(jd__csv *c, jd__csv_column *v, size_t at, const char *word)
{
    if (v->n == v->room) {
        const size_t more = v->room ? 2 * v->room : 8, size = sizeof *v->word;
        struct jd__csv_word *larger = jd_realloc(c->ctx, v->word, v->room * size, more * size);
        if (!larger) return jd_error(c->ctx);
        v->word = larger;
        v->room = more;
    }
    char *text = jd__csv_text(c, word);
    if (!text) return jd_error(c->ctx);
    memmove(v->word + at + 1, v->word + at, (v->n - at) * sizeof *v->word);
    v->word[at].text = text;
    v->word[at].code = v->n++;
    return JD_OK;
}

static jd_status wrong_word(const jd__csv *c, size_t k, const char *word, const char *what)
{
    const char *name = c->t.names ? c->t.names[k] : "";
    return jd_fail(c->ctx, JD_EDATA, "%s: line %zu, column %zu%s%s%s: '%.40s' %s", c->path, c->line, c->t.columns[k],
                   *name ? " (" : "", name, *name ? ")" : "", word, what);
}

jd_status jd__csv_take_word(jd__csv *c, size_t k, const char *word, double *value)
{
    jd__csv_column *v = &c->column[k];
    bool there;
    const size_t at = place(v, word, &there);
    *value = -1;
    if (!there && c->o.known && c->o.strangers) {
        if (!c->t.strangers++) c->t.strange[0] = c->line, c->t.strange[1] = c->t.columns[k];
        return JD_OK;
    }
    if (!there && c->o.known)
        return wrong_word(c, k, word, "is none of the words that this column had when the model learned; correct it");
    if (strlen(word) > LONGEST) return wrong_word(c, k, word, "and so on is too long for a category");
    if (strpbrk(word, "|\n"))
        return wrong_word(c, k, word, "holds a | or a line's end, which stand between categories; write it otherwise");
    if (!there && v->n == JD_LIMIT_CATEGORIES)
        return wrong_word(c, k, word,
                          "is the 1001st word in this column, too many for categories; leave the column out "
                          "(--columns -NAME)");
    if (!there && put_in(c, v, at, word)) return jd_error(c->ctx);
    *value = (double)v->word[at].code;
    return JD_OK;
}

jd_status jd__csv_begin_words(jd__csv *c)
{
    c->column = jd_alloc_array(c->ctx, c->t.cols, sizeof *c->column);
    const char *at = c->o.known;
    const size_t inputs = c->t.cols - (c->o.last_words && c->t.cols);
    for (size_t k = 0; c->column && at && !jd_error(c->ctx) && k < inputs; k++) {
        jd__csv_column *v = &c->column[k];
        const size_t length = strcspn(at, "\n");
        v->kind = length ? JD__CSV_WORDS : JD__CSV_NUMBERS;
        for (const char *end = at + length; at < end; at += *at == '|') {
            char word[LONGEST + 1];
            const size_t n = strcspn(at, "|\n");
            bool there;
            snprintf(word, sizeof word, "%.*s", (int)n, at);
            const size_t to = place(v, word, &there);
            if (there || put_in(c, v, to, word)) break;
            at += n;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return jd_error(c->ctx);
}

jd_status jd__csv_end_words(jd__csv *c)
{
    size_t room = 1, last = 0;
    for (size_t k = 0; c->column && k < c->t.cols; k++) {
        const jd__csv_column *v = &c->column[k];
        for (size_t i = 0; i < v->n; i++) room += strlen(v->word[i].text) + 1;
        if (v->n) last = k + 1;
    }
    if (!last || !(c->t.categories = jd_alloc(c->ctx, room + last))) return jd_error(c->ctx);
    char *to = c->t.categories;
    for (size_t k = 0; k < last; k++) {
        const jd__csv_column *v = &c->column[k];
        size_t *rank = jd_alloc_array(c->ctx, v->n + 1, sizeof *rank);
        if (!rank) return jd_error(c->ctx);
        if (k) *to++ = '\n';
        for (size_t i = 0; i < v->n; i++) {
            const size_t n = strlen(v->word[i].text);
            if (i) *to++ = '|';
            memcpy(to, v->word[i].text, n);
            to += n;
            rank[v->word[i].code] = i;
        }
        for (size_t i = k; v->n && i < c->t.rows * c->t.cols; i += c->t.cols)
            if (c->t.values[i] >= 0) c->t.values[i] = (double)rank[(size_t)c->t.values[i]];
        jd_free(c->ctx, rank);
    }
    *to = 0;
    return JD_OK;
}

void jd__csv_free_words(jd__csv *c)
{
    for (size_t k = 0; c->column && k < c->t.cols; k++) {
        for (size_t i = 0; i < c->column[k].n; i++) jd_free(c->ctx, c->column[k].word[i].text);
        jd_free(c->ctx, c->column[k].word);
    }
    jd_free(c->ctx, c->column);
}
