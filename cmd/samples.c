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

/* Class `y` of a row: an error where it is none. */
static jd_status check_label(jd_ctx *ctx, const char *name, size_t row, double y)
{
    if (y >= 0 && y < 100000 && y == floor(y)) return JD_OK;
    return jd_fail(
        ctx, JD_EDATA,
        "%s: row %zu: the last column is %g; a class is a whole number from 0; for a target that is any number use "
        "--loss mse",
        name, row, y);
}

/* Drops the rows whose label is none when that is wanted. */
static jd_status take_labels(jd_ctx *ctx, const char *name, jd_table *t, const samples_options *o, samples *s)
{
    size_t kept = 0;
    s->label = jd_alloc_array(ctx, t->rows, sizeof *s->label);
    for (size_t i = 0; s->label && i < t->rows; i++) {
        const double y = t->values[i * t->cols + t->cols - 1];
        if (check_label(ctx, name, i + 1, y)) {
            if (!o->skip) return jd_error(ctx);
            jd_error_clear(ctx);
            continue;
        }
        memmove(t->values + kept * t->cols, t->values + i * t->cols, t->cols * sizeof *t->values);
        s->label[kept++] = (int32_t)y;
        if ((int32_t)y >= s->classes) s->classes = (int32_t)y + 1;
    }
    s->skipped += t->rows - kept;
    s->count = t->rows = kept;
    return jd_error(ctx);
}

static jd_status load_csv(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    jd_table t = {0};
    if (jd_read_csv(ctx, name, &(jd_csv_options){.skipped = o->skip ? &s->skipped : NULL}, &t)) return jd_error(ctx);
    const size_t n = t.cols - (o->unlabelled ? 0 : 1);
    s->rank = 1;
    s->count = t.rows;
    s->dim[0] = (int64_t)n;
    if (n < 1 || t.rows < 1)
        jd_fail(ctx, JD_EDATA, "%s: %zu rows and %zu columns; at least one row and two columns are needed", name,
                t.rows, t.cols);
    else if (!o->unlabelled && !o->regression)
        take_labels(ctx, name, &t, o, s);
    if (!jd_error(ctx)) s->values = jd_alloc_array(ctx, t.rows * n, sizeof *s->values);
    for (size_t i = 0; s->values && i < t.rows; i++)
        for (size_t k = 0; k < n; k++) s->values[i * n + k] = (float)t.values[i * t.cols + k];
    if (!jd_error(ctx) && !o->unlabelled && o->regression) {
        s->target = jd_alloc_array(ctx, t.rows, sizeof *s->target);
        for (size_t i = 0; s->target && i < t.rows; i++) s->target[i] = (float)t.values[i * t.cols + n];
    }
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
