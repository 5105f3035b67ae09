/* samples.c - data sets by name, IDX files, tables and folders of pictures, as samples in memory. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "classes.h"
#include "folders.h"
#include "letters.h"
#include "model.h"

static bool is_folder(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_text(int first)
{
    return first == '\t' || first == 0xef || (first >= ' ' && first < 0x7f);
}

/* By its name, or by contents that are text: IDX files begin with two zero bytes. */
static bool is_table(jd_ctx *ctx, const char *name)
{
    static const char *const endings[] = {".csv", ".tsv", ".tab", ".txt", ".data", ".dat"};
    const bool packed = file_ends(name, ".gz");
    const size_t n = strlen(name) - (packed ? 3 : 0);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (n >= strlen(endings[i]) && !strncasecmp(name + n - strlen(endings[i]), endings[i], strlen(endings[i])))
            return true;
    if (packed && !strstr(name, "idx")) {
        size_t bytes = 0;
        uint8_t *text = jd_read_gz(ctx, name, 0, &bytes);
        const bool yes = text && bytes && is_text(text[0]);
        jd_free(ctx, text);
        jd_error_clear(ctx); /* whoever reads it says so again */
        return yes;
    }
    FILE *f = fopen(name, "rb");
    const int first = f ? getc(f) : EOF;
    if (f) fclose(f);
    return is_text(first);
}

bool samples_is_file(const char *name)
{
    struct stat st;
    if (strchr(name, '/') || (stat(name, &st) == 0 && S_ISREG(st.st_mode)) || file_ends(name, ".csv")) return true;
    for (int i = 0; jd_dataset_at(i); i++)
        if (!strcmp(jd_dataset_at(i)->name, name)) return false;
    return is_folder(name);
}

bool samples_has_test(jd_ctx *ctx, const char *name)
{
    if (!samples_is_file(name)) return true;
    if (!is_folder(name)) return arrays_have_test(ctx, name);
    return jd_dataset_in(ctx, name) || folder_has_test(ctx, name);
}

int64_t samples_steps(const samples *s, const uint32_t *index, size_t n)
{
    enum { PAD = 16 };
    size_t most = 0, least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const size_t T = s->start[index[i] + 1] - s->start[index[i]];
        if (T > most) most = T;
        if (T < least) least = T;
    }
    return (int64_t)(most == least ? most : (most + PAD - 1) / PAD * PAD);
}

void samples_free(jd_ctx *ctx, samples *s)
{
    jd_images_free(ctx, &s->images); /* the labels of images belong to them */
    if (s->rank != 3) jd_free(ctx, s->label);
    jd_free(ctx, s->start);
    jd_free(ctx, s->values);
    jd_free(ctx, s->target);
    jd_free(ctx, s->columns);
    jd_free(ctx, s->target_column);
    jd_free(ctx, s->names);
    for (size_t i = 0; s->text && i < s->count; i++) jd_free(ctx, s->text[i]);
    jd_free(ctx, s->text);
    jd_free(ctx, s->alphabet);
    jd_free(ctx, s->letters);
    jd_free(ctx, s->first_letter);
    *s = (samples){0};
}

/* "train-images-idx3-ubyte" has its labels in "train-labels-idx1-ubyte"; to be given to jd_free. */
static char *labels_beside(jd_ctx *ctx, const char *images)
{
    const char *at = strstr(images, "images-idx3");
    if (at) return jd_asprintf(ctx, "%.*slabels-idx1%s", (int)(at - images), images, at + strlen("images-idx3"));
    jd_fail(ctx, JD_EUSAGE, "%s: where are the labels? give their IDX file with --labels", images);
    return NULL;
}

void images_count_classes(jd_images *images)
{
    int32_t most = 0;
    for (size_t i = 0; images->labels && i < images->count; i++)
        if (images->labels[i] > most) most = images->labels[i];
    images->classes = most + 1;
}

void samples_take_images(samples *s)
{
    s->rank = 3;
    s->count = s->images.count;
    s->dim[0] = s->images.height;
    s->dim[1] = s->images.width;
    s->dim[2] = s->images.channels;
    s->label = s->images.labels;
    s->classes = s->images.classes;
}

static jd_status load_idx(jd_ctx *ctx, const char *name, const char *labels, bool labelled, samples *s)
{
    char *beside = labelled && !labels ? labels_beside(ctx, name) : NULL;
    if (!jd_error(ctx)) jd_images_read_idx(ctx, name, labelled ? (labels ? labels : beside) : NULL, 256, &s->images);
    jd_free(ctx, beside);
    if (jd_error(ctx)) return jd_error(ctx);
    images_count_classes(&s->images);
    samples_take_images(s);
    return JD_OK;
}

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
                       "any number use --loss mse",
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
        s->target = jd_alloc_array(ctx, count + 1, sizeof *s->target);
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
    for (size_t k = 0; k < t->cols; k++) {
        const bool there = k == inputs && t->words ? t->words[i][0] != 0 : isfinite(t->values[i * t->cols + k]) != 0;
        if (there || (o->missing == MISSING_MEAN && k < inputs)) continue;
        if (o->missing == MISSING_REFUSE && !o->skip)
            jd_fail(ctx, JD_EDATA,
                    "%s: line %zu, column %zu%s%s%s: no %s; fill it in, or use --missing drop or --missing mean", name,
                    t->lines[i], t->columns[k], t->names ? " (" : "", t->names ? t->names[k] : "", t->names ? ")" : "",
                    k == inputs && t->words ? "label" : "number");
        return false;
    }
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
        if (t->names && !strchr(t->names[k], '"'))
            at += (size_t)snprintf(list + at, room - at, "%s\"%s\"", comma, t->names[k]);
        else
            at += (size_t)snprintf(list + at, room - at, "%s%zu", comma, t->columns[k]);
    }
    return list;
}

static jd_status read_table(jd_ctx *ctx, const char *name, const samples_options *o, jd_table *t, samples *s)
{
    const char *inputs = o->columns ? o->columns : "*", *target = o->target ? o->target : "last";
    char *select = NULL;
    if (o->unlabelled)
        select = jd_strdup(ctx, inputs);
    else if (o->columns || o->target)
        select = jd_asprintf(ctx, "%s,%s", inputs, target);
    if (!jd_error(ctx))
        jd_read_csv(ctx, name,
                    &(jd_csv_options){.select = select,
                                      .missing_is_nan = true,
                                      .skipped = o->skip ? &s->skipped : NULL,
                                      .last_words = !o->unlabelled && !o->regression},
                    t);
    jd_free(ctx, select);
    return jd_error(ctx);
}

static jd_status load_csv(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    jd_table t = {0};
    if (read_table(ctx, name, o, &t, s)) return jd_error(ctx);
    const size_t n = t.cols - (o->unlabelled ? 0 : 1);
    s->rank = 1;
    s->dim[0] = (int64_t)n;
    if (n < 1)
        jd_fail(ctx, JD_EDATA, "%s: %zu rows and %zu columns; at least one row and two columns are needed", name,
                t.rows, t.cols);
    else
        s->values = jd_alloc_array(ctx, t.rows * n, sizeof *s->values);
    if (!jd_error(ctx) && !o->unlabelled && !o->regression) s->label = jd_alloc_array(ctx, t.rows, sizeof *s->label);
    if (!jd_error(ctx) && !o->unlabelled && o->regression) s->target = jd_alloc_array(ctx, t.rows, sizeof *s->target);
    if (s->label) name_classes(ctx, name, &t, o, s);
    for (size_t i = 0; i < t.rows && !jd_error(ctx); i++) {
        if (!row_kept(ctx, name, &t, i, n, o)) continue;
        for (size_t k = 0; k < n; k++) {
            const double v = t.values[i * t.cols + k];
            s->values[s->count * n + k] = isfinite(v) ? (float)v : NAN;
        }
        if (s->target) s->target[s->count] = (float)t.values[i * t.cols + t.cols - 1];
        if (s->label && take_label(ctx, name, &t, i, "line", s)) {
            if (!o->skip) break;
            jd_error_clear(ctx);
            continue;
        }
        s->count++;
    }
    if (!jd_error(ctx) && !s->count)
        jd_fail(ctx, JD_EDATA, "%s: no row without missing cells; try --missing mean, or choose --columns", name);
    if (!jd_error(ctx)) s->columns = column_list(ctx, &t, 0, n);
    if (!jd_error(ctx) && !o->unlabelled) s->target_column = column_list(ctx, &t, n, 1);
    s->skipped += t.rows - s->count;
    jd_table_free(ctx, &t);
    return jd_error(ctx);
}

/* The rows of a table as sequences of one number a step. */
static jd_status to_sequences(jd_ctx *ctx, samples *s)
{
    s->start = jd_alloc_array(ctx, s->count + 1, sizeof *s->start);
    for (size_t i = 0; s->start && i <= s->count; i++) s->start[i] = i * (size_t)s->dim[0];
    s->rank = 2;
    s->dim[1] = 1;
    return jd_error(ctx);
}

/* The recordings or pictures of a folder. */
static jd_status load_folder(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    folder f;
    if (folder_open(ctx, name, o->split, o->names, o->texts, &f)) return jd_error(ctx);
    s->classes = f.classes;
    if (f.names) s->names = jd_strdup(ctx, f.names);
    if (o->fit && (o->fit->rank != 3 || f.sounds))
        jd_fail(ctx, JD_EUSAGE, "%s: %s, but the model takes %s", name,
                f.sounds ? "a folder of recordings" : "a folder of pictures",
                o->fit->rank == 3 ? "pictures" : "tables");
    else if (o->regression)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss mse needs a target, but a folder tells classes; leave it out", name);
    else if (o->texts && !f.sounds)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss ctc is for recordings (WAV, FLAC, SPHERE) and what is said in them", name);
    else if (f.sounds && !folder_sounds(ctx, &f, o, s) && o->texts)
        letters_label(ctx, name, o, s);
    else if (!f.sounds)
        folder_pictures(ctx, &f, o, s);
    folder_close(ctx, &f);
    return jd_error(ctx);
}

jd_status samples_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *out)
{
    struct stat st;
    *out = (samples){0};
    if (samples_is_file(name) && stat(name, &st))
        return jd_fail(ctx, JD_ENOINPUT, "%s: cannot open: %s; check the path", name, strerror(errno));
    if (samples_is_file(name) && is_folder(name) && !jd_dataset_in(ctx, name)) {
        if (!listed_load(ctx, name, o, out)) load_folder(ctx, name, o, out);
    } else if (arrays_are(name)) {
        arrays_load(ctx, name, o, out);
    } else if (series_are(name)) {
        series_load(ctx, name, o, out);
    } else if (samples_is_file(name) && is_table(ctx, name)) {
        const bool pictures = o->fit && o->fit->rank == 3 && file_ends(name, ".tsv");
        if (pictures && listed_load(ctx, name, o, out)) return jd_error(ctx);
        if (!load_csv(ctx, name, o, out) && o->sequence) to_sequences(ctx, out);
    } else if (samples_is_file(name) && !is_folder(name)) {
        load_idx(ctx, name, o->labels, !o->unlabelled, out);
    } else {
        if (!jd_load_images(ctx, name, o->split, &out->images)) samples_take_images(out);
    }
    if (!jd_error(ctx) && o->texts && !out->text)
        jd_fail(ctx, JD_EUSAGE,
                "%s: --loss ctc needs a folder of recordings with a table index.tsv, columns file and text", name);
    if (!jd_error(ctx) && o->regression && !out->target)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss mse needs a table with the target in its last column, or --target", name);
    if (jd_error(ctx)) samples_free(ctx, out);
    return jd_error(ctx);
}
