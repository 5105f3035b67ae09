/* forms.c - see forms.h. */
#include "forms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "columns.h"
#include "jackdaw/cells.h"

const char *form_words(const char *form, char out[FORM_WORDS])
{
    static const struct {
        const char *form, *words;
    } known[] = {{"number point", "numbers"},
                 {"number comma", "numbers with a decimal comma"},
                 {"date y-m-d", "dates, year-month-day"},
                 {"date d-m-y", "dates, day.month.year"},
                 {"date m-d-y", "dates, month/day/year"},
                 {"time", "times of the day"}};
    const size_t whole = strcspn(form, "\n");
    const bool tails = !strncmp(form, "log ", 4);
    const char *behind = tails ? memchr(form, ';', whole) : NULL;
    if (behind) form = behind + 1 + (behind[1] == ' ');
    const size_t length = strcspn(form, "\n");
    snprintf(out, FORM_WORDS, "%s", tails && !length ? "numbers" : "");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t n = strlen(known[i].form);
        if (length < n || strncmp(form, known[i].form, n) != 0) continue;
        const char *rest = form + n + (length > n);
        const int more = (int)(form + length - rest);
        if (!more)
            snprintf(out, FORM_WORDS, "%s", known[i].words);
        else if (*form == 'n')
            snprintf(out, FORM_WORDS, "%s, in %.*s", known[i].words, more, rest);
        else
            snprintf(out, FORM_WORDS, "%s, with times", known[i].words);
    }
    if (tails) strncat(out, " with long tails: their logarithm", FORM_WORDS - strlen(out) - 1);
    return out;
}

const char *input_title(const model *m, int k, char out[COLUMN_NAME])
{
    const int input = k;
    char name[COLUMN_NAME];
    for (int c = 0; column_title(m->columns, c, name); c++) {
        const char *form = jd_cell_line(m->forms, (size_t)c), *words = jd_cell_line(m->categories, (size_t)c);
        int inputs = jd_cell_inputs(form);
        for (const char *p = words; *p && *p != '\n'; p++) inputs += p == words ? 0 : *p == '|';
        if (k < inputs) {
            const char *what = jd_cell_input_name(form, k);
            snprintf(out, COLUMN_NAME, "%s%s%.80s", what, *what ? " " : "", name);
            return out;
        }
        k -= inputs;
    }
    snprintf(out, COLUMN_NAME, "x%d", input);
    return out;
}

/* "Columns left out" in one line, cut where it grows long. */
static void note_left_out(jd_run *r, const char *list)
{
    char text[600];
    size_t at = 0, more = 0;
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, "\n"), name = strcspn(p, ":");
        if (at + n + 4 < 400)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s (%.*s)", at ? ", " : "", (int)name, p,
                                   (int)(n > name + 2 ? n - name - 2 : 0), p + name + 2);
        else
            more++;
        p += n + (p[n] == '\n');
    }
    if (more) snprintf(text + at, sizeof text - at, "%s%zu more", at ? " and " : "", more);
    jd_run_note(r, "left out: %s; --columns NAME,* takes one all the same", text);
}

void forms_note(jd_run *r, const samples *s)
{
    char words[FORM_WORDS], name[COLUMN_NAME];
    if (s->left_out) note_left_out(r, s->left_out);
    int inputs = 0, shown = 0;
    while (column_title(s->columns, inputs, name)) inputs++;
    for (int k = 0; s->forms && *s->forms; k++) {
        const char *form = jd_cell_line(s->forms, (size_t)k);
        if (k >= inputs && !column_title(s->target_column, k - inputs, name)) break;
        if (k < inputs) column_title(s->columns, k, name);
        if (!*form_words(form, words)) continue;
        enum { MOST = 20 };
        if (shown++ == MOST) jd_run_note(r, "... and more such columns; the report lists them");
        if (shown > MOST) break;
        const int n = jd_cell_inputs(form);
        jd_run_note(r, "%s: %s%s", name, words,
                    n == 1   ? ""
                    : n == 3 ? ": the time, on a circle too"
                    : n == 5 ? ": days since 2000, day of the week and of the year"
                             : ": days since 2000, day of the week and of the year, time of the day");
    }
    if (s->strange) jd_run_note(r, "%s", s->strange);
}

/* What column k of the inputs holds. */
static void describe_column(const samples *s, size_t k, char *out, size_t size)
{
    const char *words = jd_cell_line(s->categories, k);
    const size_t length = strcspn(words, "\n");
    char text[FORM_WORDS], some[300], *list;
    if (length) {
        list = strndup(words, length);
        snprintf(out, size, "words: %s", list ? class_some(list, some, sizeof some) : "");
        free(list);
    } else {
        snprintf(out, size, "%s", *form_words(jd_cell_line(s->forms, k), text) ? text : "numbers");
    }
}

void forms_report(jd_ctx *ctx, jd_report *rep, const samples *s)
{
    enum { MOST = 60, CELL = 320 };
    char(*text)[CELL] = jd_alloc_array(ctx, 2 * MOST, sizeof *text);
    const char *cell[2 * MOST], *p = s->left_out ? s->left_out : "";
    char name[COLUMN_NAME];
    size_t rows = 0;
    for (; text && rows < MOST && column_title(s->columns, (int)rows, name); rows++) {
        snprintf(text[2 * rows], CELL, "%s", name);
        describe_column(s, rows, text[2 * rows + 1], CELL);
    }
    for (; text && *p && rows < MOST; rows++) {
        const size_t n = strcspn(p, "\n"), title = strcspn(p, ":");
        snprintf(text[2 * rows], CELL, "%.*s", (int)title, p);
        snprintf(text[2 * rows + 1], CELL, "left out%.*s", (int)(n - title), p + title);
        p += n + (p[n] == '\n');
    }
    for (size_t i = 0; i < 2 * rows; i++) cell[i] = text[i];
    if (rows) {
        jd_report_section(rep, "Its columns");
        jd_report_table(rep, (const char *const[]){"column", "what it holds"}, cell, rows, 2,
                        rows < MOST ? "The inputs, as the table was read." : "The first of them.");
    }
    jd_free(ctx, text);
}

void forms_warn(const char *command, const char *file, const samples *s)
{
    if (s->strange) cli_fail(command, 0, "%s: %s", file, s->strange);
}

/* What column k of a table holds. */
static void print_column(const jd_table *t, size_t k, bool json)
{
    const char *words = jd_cell_line(t->categories, k), *form = jd_cell_line(t->forms, k);
    const size_t length = strcspn(words, "\n");
    char text[FORM_WORDS], some[300], *list = NULL;
    double least = INFINITY, most = -INFINITY;
    size_t empty = 0, n = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const double v = t->values[i * t->cols + k];
        empty += isnan(v) != 0;
        least = fmin(least, v), most = fmax(most, v);
    }
    for (size_t i = 0; length && i <= length; i++) n += i == length || words[i] == '|';
    if (json) {
        printf("%s{\"name\":", k ? "," : "");
        cli_json_string(t->names ? t->names[k] : "");
        printf(",\"form\":");
        list = strndup(length ? "words" : form, length ? 5 : strcspn(form, "\n"));
        cli_json_string(list ? list : "");
        free(list);
        printf(",\"words\":%zu,\"missing\":%zu,\"inputs\":%zu}", n, empty, n ? n : (size_t)jd_cell_inputs(form));
        return;
    }
    printf("  %-24s ", t->names && *t->names[k] ? t->names[k] : "-");
    if (length) {
        list = strndup(words, length);
        printf("%zu words: %s", n, list ? class_some(list, some, sizeof some) : "");
        free(list);
    } else {
        printf("%s", *form_words(form, text) ? text : "numbers");
        if (jd_cell_inputs(form) == 1 && least <= most) printf(", %.6g to %.6g", least, most);
        if (jd_cell_inputs(form) > 1) printf(", %d inputs of a net", jd_cell_inputs(form));
    }
    printf(empty ? "; missing in %zu rows\n" : "\n", empty);
}

bool forms_list(jd_ctx *ctx, const char *path, bool json)
{
    jd_table t = {0};
    const jd_csv_options o = {.missing_is_nan = true, .categories = true, .forms = true, .leave_out = true};
    if (jd_read_csv(ctx, path, &o, &t)) {
        if (jd_error(ctx) != JD_ENOMEM) jd_error_clear(ctx);
        return false;
    }
    if (json) printf(",\"rows\":%zu,\"holds\":[", t.rows);
    for (size_t k = 0; k < t.cols; k++) print_column(&t, k, json);
    if (json) printf("]");
    for (const char *p = t.left_out; !json && p && *p;) {
        const size_t n = strcspn(p, "\n"), name = strcspn(p, ":");
        printf("  %-24.*s left out of training: %.*s\n", (int)name, p, (int)(n > name + 2 ? n - name - 2 : 0),
               p + name + 2);
        p += n + (p[n] == '\n');
    }
    if (t.row_numbers && !json) printf("  column %-17zu left out of training: it counts the rows\n", t.row_numbers);
    jd_table_free(ctx, &t);
    return true;
}
