/* rows.c - see rows.h. */
#include "export/rows.h"

#include <math.h>
#include <string.h>

#include "data/cells.h"
#include "jackdaw/train.h"

void jd__rows_free(jd_ctx *ctx, jd__rows *r)
{
    for (size_t k = 0; k < r->n; k++) {
        jd_free(ctx, r->column[k].name);
        jd_free(ctx, r->column[k].word);
    }
    jd_free(ctx, r->column);
    jd_free(ctx, r->columns);
    jd_free(ctx, r->categories);
    jd_free(ctx, r->forms);
    *r = (jd__rows){0};
}

/* The next of "name",3,"other", for jd_free; NULL at the end. */
static char *next_name(jd_ctx *ctx, const char **at)
{
    const char *p = *at;
    if (!*p) return NULL;
    const bool quoted = *p == '"';
    const char *begin = p + quoted;
    const size_t n = strcspn(begin, quoted ? "\"" : ",");
    p = begin + n;
    p += strcspn(p, ",");
    *at = p + (*p == ',');
    return jd_asprintf(ctx, "%s%.*s", quoted ? "" : "column ", (int)n, begin);
}

static jd_status take_words(jd_ctx *ctx, jd__row_column *c, const char *list)
{
    const size_t length = strcspn(list, "\n");
    size_t n = length > 0;
    for (size_t i = 0; i < length; i++) n += list[i] == '|';
    c->word = n ? jd_alloc_array(ctx, n, sizeof *c->word) : NULL;
    for (size_t i = 0; c->word && i < n; i++, list += strcspn(list, "|\n") + 1) c->word[i] = list;
    c->words = c->word ? n : 0;
    return jd_error(ctx);
}

jd_status jd__rows_read(jd_ctx *ctx, const jd_tensor_file *f, int64_t inputs, jd__rows *r)
{
    size_t room = 0;
    int64_t sum = 0;
    *r = (jd__rows){.columns = jd_model_setting(ctx, f, "columns"),
                    .categories = jd_model_setting(ctx, f, "categories"),
                    .forms = jd_model_setting(ctx, f, "forms")};
    char *name;
    const char *at = r->columns ? r->columns : "";
    while (!jd_error(ctx) && (name = next_name(ctx, &at)) != NULL) {
        if (r->n == room) {
            const size_t more = room ? 2 * room : 16;
            jd__row_column *larger = jd_realloc(ctx, r->column, room * sizeof *larger, more * sizeof *larger);
            if (!larger) {
                jd_free(ctx, name);
                break;
            }
            r->column = larger;
            room = more;
        }
        jd__row_column *c = &r->column[r->n];
        *c = (jd__row_column){.name = name, .form = jd_cell_line(r->forms, r->n)};
        r->n++;
        take_words(ctx, c, jd_cell_line(r->categories, r->n - 1));
        sum += c->words ? (int64_t)c->words : jd_cell_inputs(c->form);
    }
    if (jd_error(ctx) || sum != inputs) jd__rows_free(ctx, r);
    return jd_error(ctx);
}

/* Whether `list`, which goes on behind its first word, begins with this word. */
static bool is_word(const char *list, const char *word)
{
    const size_t n = strcspn(list, "|\n");
    return strlen(word) == n && !memcmp(list, word, n);
}

jd_status jd__rows_take(jd_ctx *ctx, const jd__rows *r, const char *const *cells, float *in)
{
    for (size_t k = 0; k < r->n; k++) {
        const jd__row_column *c = &r->column[k];
        const char *cell = cells[k] ? cells[k] : "";
        const size_t n = c->words ? c->words : (size_t)jd_cell_inputs(c->form);
        double value = (double)NAN;
        size_t found = n;
        if (c->words)
            for (found = 0; found < n && !is_word(c->word[found], cell); found++) {
            }
        else if (!jd__cell_missing(cell) && !jd_cell_value(c->form, cell, &value) && !jd__cell_dash(cell))
            return jd_fail(ctx, JD_EDATA, "jd_model_row: cell %zu (%s): '%.40s' is no number%s%.*s", k, c->name, cell,
                           *jd__cell_form(c->form) && *c->form != '\n' ? " of the form " : "",
                           (int)strcspn(jd__cell_form(c->form), "\n"), jd__cell_form(c->form));
        if (c->words)
            for (size_t w = 0; w < n; w++) in[w] = found == n ? (float)NAN : (float)(w == found);
        else
            jd_cell_spread(c->form, value, in);
        in += n;
    }
    return JD_OK;
}
