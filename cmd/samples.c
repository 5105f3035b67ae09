/* samples.c - data sets by name, IDX files and CSV tables, as samples in memory. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "model.h"

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

bool samples_is_file(const char *name)
{
    struct stat st;
    return strchr(name, '/') || (stat(name, &st) == 0 && S_ISREG(st.st_mode)) || ends_with(name, ".csv");
}

void samples_free(jd_ctx *ctx, samples *s)
{
    jd_images_free(ctx, &s->images); /* the labels of images belong to them */
    if (s->rank == 1) jd_free(ctx, s->label);
    jd_free(ctx, s->values);
    jd_free(ctx, s->target);
    jd_free(ctx, s->columns);
    jd_free(ctx, s->target_column);
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

static void take_images(samples *s)
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
    int32_t most = 0;
    for (size_t i = 0; s->images.labels && i < s->images.count; i++)
        if (s->images.labels[i] > most) most = s->images.labels[i];
    s->images.classes = most + 1;
    take_images(s);
    return JD_OK;
}

/* Words of --missing, in the order of the enum. */
const char *const samples_missing[] = {"refuse", "drop", "mean", NULL};

static jd_status take_label(jd_ctx *ctx, const char *name, size_t line, double y, samples *s)
{
    if (!(y >= 0 && y < 100000) || y != floor(y))
        return jd_fail(ctx, JD_EDATA,
                       "%s: line %zu: the label is %g; a class is a whole number from 0; for a target that is "
                       "any number use --loss mse",
                       name, line, y);
    s->label[s->count] = (int32_t)y;
    if (s->label[s->count] >= s->classes) s->classes = s->label[s->count] + 1;
    return JD_OK;
}

/* Whether row i is kept; with `refuse` an empty cell is an error that names it. */
static bool row_kept(jd_ctx *ctx, const char *name, const jd_table *t, size_t i, size_t inputs,
                     const samples_options *o)
{
    for (size_t k = 0; k < t->cols; k++) {
        if (isfinite(t->values[i * t->cols + k]) || (o->missing == MISSING_MEAN && k < inputs)) continue;
        if (o->missing == MISSING_REFUSE && !o->skip)
            jd_fail(ctx, JD_EDATA,
                    "%s: line %zu, column %zu%s%s%s: no number; fill it in, or use --missing drop or --missing mean",
                    name, t->lines[i], t->columns[k], t->names ? " (" : "", t->names ? t->names[k] : "",
                    t->names ? ")" : "");
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
        jd_read_csv(
            ctx, name,
            &(jd_csv_options){.select = select, .missing_is_nan = true, .skipped = o->skip ? &s->skipped : NULL}, t);
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
    for (size_t i = 0; i < t.rows && !jd_error(ctx); i++) {
        if (!row_kept(ctx, name, &t, i, n, o)) continue;
        for (size_t k = 0; k < n; k++) {
            const double v = t.values[i * t.cols + k];
            s->values[s->count * n + k] = isfinite(v) ? (float)v : NAN;
        }
        const double y = t.values[i * t.cols + t.cols - 1];
        if (s->target) s->target[s->count] = (float)y;
        if (s->label && take_label(ctx, name, t.lines[i], y, s)) {
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

jd_status samples_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *out)
{
    *out = (samples){0};
    if (ends_with(name, ".csv") || ends_with(name, ".csv.gz")) {
        load_csv(ctx, name, o, out);
    } else if (samples_is_file(name)) {
        load_idx(ctx, name, o->labels, !o->unlabelled, out);
    } else {
        if (!jd_load_images(ctx, name, o->split, &out->images)) take_images(out);
    }
    if (!jd_error(ctx) && o->regression && !out->target)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss mse needs a CSV file with the target in its last column", name);
    if (jd_error(ctx)) samples_free(ctx, out);
    return jd_error(ctx);
}
