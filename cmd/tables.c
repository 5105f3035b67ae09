/* tables.c - tables of numbers and categories as samples, and what their labels are. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "jackdaw/cells.h"
#include "model.h"

/* Words of --missing, in the order of the enum. */
const char *const samples_missing[] = {"refuse", "drop", "mean", NULL};

/* The label of row i as the name of a class: whole numbers in one form, words as they are. */
static const char *label_word(const jd_table *t, size_t i, char buffer[32])
{
    const double y = t->values[i * t->cols + t->cols - 1];
    if (!isfinite(y) || y != floor(y) || fabs(y) > 1e15) return t->words[i];
    snprintf(buffer, 32, "%.0f", y);
    return buffer;
}

static bool is_fraction(double y)
{
    return isfinite(y) && y != floor(y);
}

/* The names of the classes in a column: none where they are numbers from 0.  A few words among numbers are classes too, unless
 * rows that cannot be used are passed over. */
static jd_status name_classes(jd_ctx *ctx, const char *name, const jd_table *t, const samples_options *o, samples *s)
{
    size_t numbers = 0, fractions = 0, words = 0;
    double least = INFINITY;
    if (o->names) {
        if (!*o->names) return JD_OK;
        s->names = jd_strdup(ctx, o->names);
        s->classes += class_count(o->names);
        return jd_error(ctx);
    }
    for (size_t i = 0; i < t->rows; i++) {
        const double y = t->values[i * t->cols + t->cols - 1];
        numbers += isfinite(y) != 0;
        fractions += is_fraction(y);
        words += !isfinite(y) && t->words[i][0];
        if (isfinite(y) && !is_fraction(y)) least = fmin(least, y);
    }
    const bool worded = words && !(o->skip && words < numbers);
    if (!worded && (least == 0 || fractions > numbers / 2 || (fractions && !o->skip))) return JD_OK;
    const char **word = jd_alloc_array(ctx, t->rows + 1, sizeof *word);
    char(*buffer)[32] = jd_alloc_array(ctx, t->rows + 1, sizeof *buffer);
    size_t n = 0;
    for (size_t i = 0; word && buffer && i < t->rows; i++) {
        const double y = t->values[i * t->cols + t->cols - 1];
        if (t->words[i][0] && (worded || (isfinite(y) && !is_fraction(y)))) word[n++] = label_word(t, i, buffer[i]);
    }
    if (word && buffer) s->names = class_list(ctx, name, word, n, &s->classes);
    jd_free(ctx, word);
    jd_free(ctx, buffer);
    return jd_error(ctx);
}

/* `unit`: what t->lines counts. */
static jd_status take_label(jd_ctx *ctx, const char *name, const jd_table *t, size_t i, const char *unit, samples *s)
{
    const double y = t->values[i * t->cols + t->cols - 1];
    char number[32], some[300];
    if (s->names) {
        const int k = class_find(s->names, label_word(t, i, number));
        if (k < 0)
            return jd_fail(ctx, JD_EDATA, "%s: %s %zu: the class '%.60s' is none of %s; correct it, or see --target",
                           name, unit, t->lines[i], t->words[i], class_some(s->names, some, sizeof some));
        s->label[s->count] = k;
        return JD_OK;
    }
    if (isnan(y))
        return jd_fail(ctx, JD_EDATA, "%s: %s %zu: the label is '%.60s', but the other labels are numbers", name, unit,
                       t->lines[i], t->words[i]);
    if (!(y >= 0 && y < 100000) || y != floor(y))
        return jd_fail(ctx, JD_EDATA,
                       "%s: %s %zu: the label is %g; a class is a word or a whole number; for a target that is "
                       "any number use --loss mse, for another column --target",
                       name, unit, t->lines[i], y);
    s->label[s->count] = (int32_t)y;
    if (s->label[s->count] >= s->classes) s->classes = s->label[s->count] + 1;
    return JD_OK;
}

/* What a word says as a number; NaN for other words. */
static double number_of(const char *word)
{
    char *end;
    const double v = strtod(word, &end);
    return end > word && !*end && isfinite(v) ? v : (double)NAN;
}

jd_status samples_label(jd_ctx *ctx, const char *name, const double *y, const char *const *words,
                        const samples_options *o, samples *s)
{
    char **word = jd_alloc_array(ctx, s->count + 1, sizeof *word);
    size_t *line = jd_alloc_array(ctx, s->count + 1, sizeof *line);
    double *value = jd_alloc_array(ctx, s->count + 1, sizeof *value);
    const jd_table t = {.rows = s->count, .cols = 1, .values = value, .lines = line, .words = word};
    const size_t count = s->count;
    if (o->regression)
        s->targets = 1, s->target = jd_alloc_array(ctx, count + 1, sizeof *s->target);
    else
        s->label = jd_alloc_array(ctx, count + 1, sizeof *s->label);
    for (size_t i = 0; !jd_error(ctx) && i < count; i++) {
        value[i] = words ? number_of(words[i]) : y[i];
        line[i] = i;
        word[i] = words ? jd_strdup(ctx, words[i]) : jd_asprintf(ctx, "%.9g", y[i]);
        if (words && !o->regression ? !words[i][0] : !isfinite(value[i]))
            jd_fail(ctx, JD_EDATA, "%s: the label of sample %zu is %s", name, i,
                    !words        ? "no number, nor one 1 among zeros"
                    : words[i][0] ? "a word; a target is a number"
                                  : "empty");
        else if (s->target)
            s->target[i] = (float)value[i];
    }
    if (!jd_error(ctx) && s->label) name_classes(ctx, name, &t, o, s);
    for (s->count = 0; !jd_error(ctx) && s->label && s->count < count; s->count++)
        take_label(ctx, name, &t, s->count, "sample", s);
    s->count = count;
    for (size_t i = 0; word && i < count; i++) jd_free(ctx, word[i]);
    jd_free(ctx, word);
    jd_free(ctx, line);
    jd_free(ctx, value);
    if (s->rank == 3) s->images.labels = s->label, s->images.classes = s->classes;
    return jd_error(ctx);
}

/* Whether row i is kept; with `refuse` an empty cell is an error that names it. */
static bool row_kept(jd_ctx *ctx, const char *name, const jd_table *t, size_t i, size_t inputs,
                     const samples_options *o)
{
    size_t steps = inputs; /* a sequence may be shorter than others, with nothing behind its end */
    while (o->sequence && steps > 1 && !isfinite(t->values[i * t->cols + steps - 1])) steps--;
    for (size_t k = 0; k < t->cols; k++) {
        if (k >= steps && k < inputs) continue;
        const bool there = k == inputs && t->words ? t->words[i][0] != 0 : isfinite(t->values[i * t->cols + k]) != 0;
        if (there || (o->missing == MISSING_MEAN && k < inputs)) continue;
        if (o->missing == MISSING_REFUSE && !o->skip)
            jd_fail(ctx, JD_EDATA, "%s: line %zu, column %zu%s%s%s: no %s; fill it in, or %s", name, t->lines[i],
                    t->columns[k], t->names ? " (" : "", t->names ? t->names[k] : "", t->names ? ")" : "",
                    k == inputs && t->words ? "label" : "number",
                    o->unlabelled ? "take the row out, or train with --missing mean"
                                  : "use --missing drop or --missing mean");
        return false;
    }
    return true;
}

/* Whether column k can be asked for by its name: it has one that no other column has. */
static bool has_own_name(const jd_table *t, size_t k)
{
    if (!t->names || !*t->names[k] || strchr(t->names[k], '"')) return false;
    for (size_t i = 0; i < t->cols; i++)
        if (i != k && !strcmp(t->names[i], t->names[k])) return false;
    return true;
}

/* The columns first .. first+n-1 as a list that jd_read_csv understands; to be given to jd_free. */
static char *column_list(jd_ctx *ctx, const jd_table *t, size_t first, size_t n)
{
    size_t room = 1;
    for (size_t k = first; k < first + n; k++) room += 24 + (t->names ? strlen(t->names[k]) : 0);
    char *list = jd_alloc(ctx, room);
    for (size_t k = first, at = 0; list && k < first + n; k++) {
        const char *comma = k > first ? "," : "";
        if (has_own_name(t, k))
            at += (size_t)snprintf(list + at, room - at, "%s\"%s\"", comma, t->names[k]);
        else
            at += (size_t)snprintf(list + at, room - at, "%s%zu", comma, t->columns[k]);
    }
    return list;
}

static jd_status read_columns(jd_ctx *ctx, const char *name, const samples_options *o, jd_table *t, samples *s)
{
    const char *inputs = o->columns ? o->columns : "*", *target = o->target ? o->target : "last";
    return jd_read_csv(ctx, name,
                       &(jd_csv_options){.select = inputs,
                                         .targets = o->unlabelled ? NULL : target,
                                         .forms = !o->sequence,
                                         .known_forms = o->forms,
                                         .leave_out = !o->sequence && !o->forms,
                                         .missing_is_nan = true,
                                         .skipped = o->skip ? &s->skipped : NULL,
                                         .categories = !o->categories || *o->categories,
                                         .known = o->categories,
                                         .strangers = true,
                                         .last_words = !o->unlabelled && !o->regression},
                       t);
}

/* Whether the labels stand first, as in the UCR archive of time series: whole numbers there, few different ones, and fractions in
 * most rows of every other column, so that the last can be no class. */
static bool label_first(const jd_table *t)
{
    enum { MOST = 100 };
    double seen[MOST];
    size_t n = 0;
    if (t->names || t->categories || t->cols < 3 || t->rows < 4) return false;
    for (size_t k = 0; k < t->cols; k++) {
        size_t fractions = 0, whole = 0; /* what is missing counts as neither: series may be shorter than others */
        for (size_t i = 0; i < t->rows; i++) {
            const double v = t->values[i * t->cols + k];
            fractions += is_fraction(v);
            whole += isfinite(v) && !is_fraction(v);
        }
        if (k ? fractions < whole : fractions > 0) return false;
    }
    for (size_t i = 0; i < t->rows; i++) {
        size_t at = 0;
        while (at < n && fabs(seen[at] - t->values[i * t->cols]) > 0) at++;
        if (at == n && (n == MOST || !isfinite(t->values[i * t->cols]))) return false;
        if (at == n) seen[n++] = t->values[i * t->cols];
    }
    return n > 1 && n <= t->rows / 2;
}

static jd_status read_table(jd_ctx *ctx, const char *name, const samples_options *o, jd_table *t, samples *s)
{
    if (read_columns(ctx, name, o, t, s) || o->target || o->columns || o->unlabelled || o->regression ||
        !label_first(t))
        return jd_error(ctx);
    samples_options first = *o;
    first.target = "1";
    jd_table_free(ctx, t);
    s->label_first = true;
    return read_columns(ctx, name, &first, t, s);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whether the last column is no class but a number to be learned: fractions occur, or whole numbers most of which are different. */
static bool is_target(jd_ctx *ctx, const jd_table *t, samples *s)
{
    enum { FEW = 20 };
    size_t n = 0, different = 0;
    double *y = jd_alloc_array(ctx, t->rows + 1, sizeof *y);
    bool words = false;
    s->fractions = false;
    for (size_t i = 0; y && i < t->rows && !words; i++) {
        const double v = t->values[i * t->cols + t->cols - 1];
        words = !isfinite(v) && t->words[i][0];
        s->fractions |= is_fraction(v);
        if (isfinite(v)) y[n++] = v;
    }
    if (y && !words) qsort(y, n, sizeof *y, by_size);
    for (size_t i = 0; y && !words && i < n; i++) different += !i || y[i] > y[i - 1];
    jd_free(ctx, y);
    return !words && (s->fractions || (different > FEW && different > n / FEW));
}

/* How many inputs each of n columns becomes: those of its form (cells.h), or one for each of its words; a list that is no choice of categories is an
 * error.  Returns the sum. */
static size_t inputs_of(jd_ctx *ctx, const char *name, const jd_table *t, const samples_options *o, size_t n,
                        size_t *width)
{
    size_t sum = 0;
    const char *at = t->categories ? t->categories : "";
    for (size_t k = 0; k < t->cols; k++) {
        const size_t length = strcspn(at, "\n");
        size_t words = length > 0;
        for (size_t i = 0; i < length; i++) words += at[i] == '|';
        const char *title = t->names ? t->names[k] : "";
        const size_t spread = (size_t)jd_cell_inputs(jd_cell_line(t->forms, k));
        if (k < n) sum += width[k] = words ? words : spread;
        if (k >= n && spread > 1)
            jd_fail(ctx, JD_EDATA,
                    "%s: column %zu%s%s%s: the target is a date or a time; write what is to be learned as a number, "
                    "such as "
                    "days from a day that is known",
                    name, t->columns[k], *title ? " (" : "", title, *title ? ")" : "");
        if (words && k >= n)
            jd_fail(ctx, JD_EDATA, "%s: column %zu%s%s%s: the target is a word, %.*s; --loss mse needs numbers", name,
                    t->columns[k], *title ? " (" : "", title, *title ? ")" : "", (int)strcspn(at, "|\n"), at);
        else if (!o->categories && words > 20 && words > t->rows / 2)
            jd_fail(ctx, JD_EDATA,
                    "%s: column %zu%s%s%s: %zu different words in %zu rows, such as '%.*s', too many for categories; "
                    "write numbers, or leave the column out with --columns -%s",
                    name, t->columns[k], *title ? " (" : "", title, *title ? ")" : "", words, t->rows,
                    (int)strcspn(at, "|\n") < 40 ? (int)strcspn(at, "|\n") : 40, at, *title ? title : "NUMBER");
        at += length + (at[length] == '\n');
    }
    return sum;
}

/* The inputs of row i, and its targets where `target` is not NULL.  A word that is not known is a missing cell. */
static jd_status take_values(jd_ctx *ctx, const char *name, const jd_table *t, size_t i, size_t n, const size_t *width,
                             const bool *words, const char *const *forms, float *to, float *target)
{
    for (size_t k = 0; k < (target ? t->cols : n); k++) {
        const double v = t->values[i * t->cols + k];
        if (fabs(v) > FLT_MAX && isfinite(v))
            return jd_fail(ctx, JD_EDATA, "%s: line %zu, column %zu: %g is beyond what a float holds; scale the column",
                           name, t->lines[i], t->columns[k], v);
        if (k >= n) target[k - n] = (float)v;
        if (k >= n) continue;
        if (words && words[k])
            for (size_t w = 0; w < width[k]; w++) to[w] = !(v >= 0) ? NAN : (float)((size_t)v == w);
        else
            jd_cell_spread(forms[k], v, to);
        to += width[k];
    }
    return JD_OK;
}

/* Which columns hold words, (cols), and their forms. */
static void find_kinds(const jd_table *t, bool *words, const char **forms)
{
    const char *at = t->categories ? t->categories : "", *form = t->forms ? t->forms : "";
    for (size_t k = 0; k < t->cols; k++) {
        const size_t length = strcspn(at, "\n"), n = strcspn(form, "\n");
        words[k] = length > 0;
        forms[k] = form;
        at += length + (at[length] == '\n');
        form += n + (form[n] == '\n');
    }
}

/* What the model needs to know of the columns, and what people should. */
static void keep_columns(jd_ctx *ctx, const jd_table *t, size_t n, const size_t *width, const bool *words, samples *s)
{
    bool *category = t->categories ? jd_alloc_array(ctx, (size_t)s->dim[0] + 1, sizeof *category) : NULL;
    s->category = category;
    if (category) s->categories = jd_strdup(ctx, t->categories);
    for (size_t k = 0; category && k < n; category += width[k++])
        for (size_t w = 0; w < width[k]; w++) category[w] = words[k];
    if (t->forms) s->forms = jd_strdup(ctx, t->forms);
    if (t->left_out) s->left_out = jd_strdup(ctx, t->left_out);
    if (t->strangers)
        s->strange = jd_asprintf(
            ctx,
            "%zu cell%s hold%s a word that was not there when the model learned, the first in line %zu, "
            "column %zu; such a cell counts as missing",
            t->strangers, t->strangers > 1 ? "s" : "", t->strangers > 1 ? "" : "s", t->strange[0], t->strange[1]);
    s->row_numbers = t->row_numbers;
}

jd_status table_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    jd_table t = {0};
    if (read_table(ctx, name, o, &t, s)) return jd_error(ctx);
    const size_t targets = o->unlabelled ? 0 : t.targets ? t.targets : 1, n = t.cols - targets;
    const bool regression = o->regression || (o->guess && !o->unlabelled && targets == 1 && is_target(ctx, &t, s));
    if (o->tails && !o->forms && tails_find(ctx, &t, n)) {
        jd_table_free(ctx, &t);
        return jd_error(ctx);
    }
    size_t *width = jd_alloc_array(ctx, t.cols + 1, sizeof *width), inputs = 0;
    bool *words = jd_alloc_array(ctx, t.cols + 1, sizeof *words);
    const char **forms = jd_alloc_array(ctx, t.cols + 1, sizeof *forms);
    s->rank = 1;
    if (n < 1)
        jd_fail(ctx, JD_EDATA, "%s: %zu rows and %zu columns; at least one row and two columns are needed", name,
                t.rows, t.cols);
    else if (targets > 1 && !regression)
        jd_fail(ctx, JD_EUSAGE,
                "%s: %zu columns of labels, but a sample has one class; for several targets that are numbers use "
                "--loss mse",
                name, targets);
    else if (width && words && forms)
        inputs = inputs_of(ctx, name, &t, o, n, width), find_kinds(&t, words, forms);
    s->dim[0] = (int64_t)inputs;
    if (!jd_error(ctx)) s->values = jd_alloc_array(ctx, t.rows, inputs * sizeof *s->values);
    if (!jd_error(ctx) && !o->unlabelled && !regression) s->label = jd_alloc_array(ctx, t.rows, sizeof *s->label);
    if (!jd_error(ctx) && !o->unlabelled && regression)
        s->target = jd_alloc_array(ctx, t.rows, targets * sizeof *s->target);
    if (s->target) s->targets = (int)targets;
    if (s->label) name_classes(ctx, name, &t, o, s);
    for (size_t i = 0; i < t.rows && !jd_error(ctx); i++) {
        if (!row_kept(ctx, name, &t, i, n, o)) continue;
        float *target = s->target ? s->target + s->count * targets : NULL;
        if (take_values(ctx, name, &t, i, n, width, words, forms, s->values + s->count * inputs, target) ||
            (s->label && take_label(ctx, name, &t, i, "line", s))) {
            if (!o->skip) break;
            jd_error_clear(ctx);
            continue;
        }
        s->count++;
    }
    if (!jd_error(ctx) && !s->count)
        jd_fail(ctx, JD_EDATA, "%s: no row without missing cells; try --missing mean, or choose --columns", name);
    if (!jd_error(ctx)) s->columns = column_list(ctx, &t, 0, n);
    if (!jd_error(ctx) && !o->unlabelled) s->target_column = column_list(ctx, &t, n, targets);
    if (!jd_error(ctx)) keep_columns(ctx, &t, n, width, words, s);
    s->skipped += t.rows - s->count;
    jd_free(ctx, width);
    jd_free(ctx, words);
    jd_free(ctx, forms);
    jd_table_free(ctx, &t);
    return jd_error(ctx);
}
