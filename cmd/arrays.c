/* arrays.c - NumPy's arrays (npy, npz) as samples: rows of numbers, pictures, sequences. */
#include <math.h>
#include <string.h>

#include "classes.h"
#include "files.h"
#include "model.h"

enum { NAMES = 10 };
/* What arrays of an npz are called, the part first. */
static const char *const input_names[3][NAMES] = {[JD_TRAIN] = {"x_train", "X_train", "train_x", "train_images"},
                                                  [JD_TEST] = {"x_test", "X_test", "test_x", "test_images"},
                                                  [JD_ALL] = {"x", "X", "data", "images", "inputs", "features"}};
static const char *const label_names[3][NAMES] = {[JD_TRAIN] = {"y_train", "Y_train", "train_y", "train_labels"},
                                                  [JD_TEST] = {"y_test", "Y_test", "test_y", "test_labels"},
                                                  [JD_ALL] = {"y", "Y", "labels", "label", "targets", "target"}};

bool arrays_are(const char *name)
{
    return file_ends(name, ".npy") || file_ends(name, ".npz");
}

static const jd_tensor_entry *find(const jd_tensor_file *f, const char *const *names)
{
    const jd_tensor_entry *e = NULL;
    for (int k = 0; k < NAMES && names[k] && !e; k++) e = jd_tensor_file_find(f, names[k]);
    return e;
}

bool arrays_have_test(jd_ctx *ctx, const char *name)
{
    jd_tensor_file *f = file_ends(name, ".npz") ? jd_npz_open(ctx, name) : NULL;
    const bool test = f && find(f, input_names[JD_TEST]);
    jd_tensor_file_close(f);
    jd_error_clear(ctx); /* whoever opens it next says so again */
    return test;
}

static double value_at(const jd_tensor_entry *e, size_t i)
{
    switch (e->dtype) {
    case JD_FILE_F32: return (double)((const float *)e->data)[i];
    case JD_FILE_F64: return ((const double *)e->data)[i];
    case JD_FILE_I8: return ((const int8_t *)e->data)[i];
    case JD_FILE_BOOL:
    case JD_FILE_U8: return ((const uint8_t *)e->data)[i];
    case JD_FILE_I16: return ((const int16_t *)e->data)[i];
    case JD_FILE_U16: return ((const uint16_t *)e->data)[i];
    case JD_FILE_I32: return ((const int32_t *)e->data)[i];
    case JD_FILE_U32: return ((const uint32_t *)e->data)[i];
    case JD_FILE_I64: return (double)((const int64_t *)e->data)[i];
    case JD_FILE_U64: return (double)((const uint64_t *)e->data)[i];
    case JD_FILE_F16: { /* IEEE 754 binary16 */
        const unsigned h = ((const uint16_t *)e->data)[i], m = h & 1023, x = h >> 10 & 31;
        const double v = x == 31 ? (m ? (double)NAN : (double)INFINITY)
                         : x     ? ldexp(1024. + m, (int)x - 25)
                                 : ldexp(m, -24);
        return h >> 15 ? -v : v;
    }
    default: return (double)NAN;
    }
}

/* The array of the inputs or labels; NULL and an error where it cannot be told. */
static const jd_tensor_entry *choose(jd_ctx *ctx, const char *path, const jd_tensor_file *f, jd_split split,
                                     bool labels)
{
    const char *const(*names)[NAMES] = labels ? label_names : input_names;
    const jd_tensor_entry *e = NULL;
    char list[300] = "";
    size_t at = 0;
    if (file_ends(path, ".npy"))
        e = jd_tensor_file_entry(f, 0);
    else if (split != JD_ALL)
        e = find(f, names[split]);
    if (!e) e = find(f, names[JD_ALL]);
    if (!e && split == JD_ALL && !labels && !find(f, label_names[JD_TRAIN])) e = find(f, names[JD_TEST]);
    for (size_t i = 0; !e && i < jd_tensor_file_count(f) && at + 80 < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.60s", i ? ", " : "", jd_tensor_file_entry(f, i)->name);
    if (!e)
        jd_fail(ctx, JD_EDATA, "%s: no array of %s among %s; call it %s, or y_train and y_test", path,
                labels ? "labels" : "inputs", list, labels ? "y" : "x, with x_train and x_test");
    else if (!e->data && !(labels && e->words))
        jd_fail(ctx, JD_EDATA, "%s: the array '%s' holds %s, not numbers; convert it with astype", path, e->name,
                e->stored);
    return jd_error(ctx) ? NULL : e;
}

/* ---- inputs --------------------------------------------------------------------------------------------------------------------*/

/* Bytes 0..255 as they are, numbers from 0 to 1 as 0..255. */
static jd_status take_pictures(jd_ctx *ctx, const char *path, const jd_tensor_entry *e, size_t n, samples *s)
{
    double low = INFINITY, high = -INFINITY;
    bool nan = false, fractions = false;
    s->rank = 3;
    for (int k = 0; k < 3; k++) s->dim[k] = k < e->rank - 1 ? e->dim[k + 1] : 1;
    for (size_t i = 0; i < n; i++) {
        const double v = value_at(e, i);
        low = fmin(low, v), high = fmax(high, v);
        nan |= isnan(v);
        fractions |= isfinite(v) && v != floor(v);
    }
    if (s->dim[2] > 4)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: pictures of %lld x %lld with %lld channels; the channels come last: x.transpose(0, 2, 3, 1)", path,
            (long long)s->dim[0], (long long)s->dim[1], (long long)s->dim[2]);
    if (nan || low < 0 || high > 255)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: pixels from %g to %g%s; pictures hold 0 to 255, or 0 to 1, and sequences (N,T,C) are for a net "
            "with lstm and the like",
            path, low, high, nan ? ", some of them NaN" : "");
    if (fractions && high > 1 && high < 128)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: pixels from %g to %g with fractions, which whole numbers of 0 to 255 would lose; divide them "
            "all by the largest that may occur",
            path, low, high);
    const bool bytes = e->dtype == JD_FILE_U8 || (e->dtype != JD_FILE_BOOL && high > 1);
    s->images = (jd_images){.count = s->count,
                            .height = (int)s->dim[0],
                            .width = (int)s->dim[1],
                            .channels = (int)s->dim[2],
                            .pixels = jd_alloc_array(ctx, n, 1)};
    for (size_t i = 0; s->images.pixels && i < n; i++)
        s->images.pixels[i] = (uint8_t)floor((bytes ? 1 : 255) * value_at(e, i) + 0.5);
    return jd_error(ctx);
}

/* Rows (N,C), or sequences (N,T,C) or (N,T), whose last steps may be NaN: they are shorter. */
static jd_status take_numbers(jd_ctx *ctx, const char *path, const jd_tensor_entry *e, size_t n,
                              const samples_options *o, samples *s)
{
    const bool sequence = o->sequence;
    s->rank = sequence ? 2 : 1;
    s->dim[0] = e->dim[1];
    s->dim[1] = sequence ? (e->rank == 3 ? e->dim[2] : 1) : 0;
    const size_t each = n / s->count, C = sequence ? (size_t)s->dim[1] : each;
    s->values = jd_alloc_array(ctx, n, sizeof *s->values);
    if (sequence) s->start = jd_alloc_array(ctx, s->count + 1, sizeof *s->start);
    if (jd_error(ctx)) return jd_error(ctx);
    size_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t used = each;
        if (sequence) /* trailing steps of nothing */
            for (size_t k = each; k > C; k -= C) {
                bool empty = true;
                for (size_t c = k - C; c < k; c++) empty = empty && isnan(value_at(e, i * each + c));
                if (!empty) break;
                used = k - C;
            }
        for (size_t k = 0; k < used; k++) {
            const double v = value_at(e, i * each + k);
            if (!isfinite(v) && o->missing != MISSING_MEAN)
                return jd_fail(
                    ctx, JD_EDATA,
                    "%s: sample %zu, number %zu is %g; replace it, or use --missing mean, which takes the mean", path,
                    i, k, v);
            s->values[at++] = isfinite(v) ? (float)v : NAN;
        }
        if (sequence) s->start[i + 1] = at / C;
    }
    return JD_OK;
}

/* ---- labels --------------------------------------------------------------------------------------------------------------------*/

/* Label i: of (N) and (N,1) the number, of (N,K) the place of the one 1 among zeros; NaN where there is none. */
static double label_at(const jd_tensor_entry *e, size_t i, size_t count)
{
    const size_t K = count ? (size_t)e->dim[1] : 1;
    double label = (double)NAN;
    if (K == 1) return value_at(e, i);
    for (size_t k = 0; k < K; k++) {
        const double v = value_at(e, i * K + k);
        if (!(v >= 0 && v <= 1) || v != floor(v) || (v > 0 && !isnan(label))) return (double)NAN;
        if (v > 0) label = (double)k;
    }
    return label;
}

/* Several targets for each sample, (N,K). */
static jd_status take_targets(jd_ctx *ctx, const char *path, const jd_tensor_entry *e, samples *s)
{
    const size_t K = (size_t)e->dim[1];
    if (!K || K > MODEL_TARGETS)
        return jd_fail(ctx, JD_EDATA, "%s: %zu targets for each sample; 1 to %d", path, K, MODEL_TARGETS);
    s->target = jd_alloc_array(ctx, s->count, K * sizeof *s->target);
    s->targets = (int)K;
    for (size_t i = 0; s->target && i < s->count * K; i++) {
        const double v = value_at(e, i);
        if (!isfinite(v))
            return jd_fail(ctx, JD_EDATA, "%s: target %zu of sample %zu is %g; leave the sample out", path, i % K,
                           i / K, v);
        s->target[i] = (float)v;
    }
    return jd_error(ctx);
}

static jd_status take_labels(jd_ctx *ctx, const char *path, const jd_tensor_entry *e, const samples_options *o,
                             samples *s)
{
    if (e->rank < 1 || e->rank > 2 || (size_t)e->dim[0] != s->count)
        return jd_fail(ctx, JD_EDATA, "%s: %lld labels with %d dimensions, but %zu samples; one number each is needed",
                       path, e->rank ? (long long)e->dim[0] : 1, e->rank, s->count);
    if (e->words && (e->rank == 2 && e->dim[1] != 1))
        return jd_fail(ctx, JD_EDATA, "%s: %lld words for each sample; one is needed", path, (long long)e->dim[1]);
    if (o->regression && !e->words && e->rank == 2 && e->dim[1] != 1) return take_targets(ctx, path, e, s);
    double *y = jd_alloc_array(ctx, s->count, sizeof *y);
    for (size_t i = 0; y && i < s->count && !e->words; i++) y[i] = label_at(e, i, e->rank == 2 ? 1 : 0);
    if (y) samples_label(ctx, path, y, e->words, o, s);
    jd_free(ctx, y);
    return jd_error(ctx);
}

jd_status arrays_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *s)
{
    const bool npz = file_ends(path, ".npz"), own = o->labels || !npz;
    jd_tensor_file *f = npz ? jd_npz_open(ctx, path) : jd_npy_open(ctx, path), *g = NULL;
    const jd_tensor_entry *x = f ? choose(ctx, path, f, o->split, false) : NULL, *y = NULL;
    size_t n = 1;
    for (int k = 0; x && k < x->rank; k++) n *= (size_t)x->dim[k];
    if (x && (x->rank < 2 || x->rank > 4 || !n))
        jd_fail(ctx, JD_EDATA,
                "%s: an array with %d dimensions and %zu numbers; rows are (N,C), sequences (N,T,C), pictures "
                "(N,H,W) or (N,H,W,C)",
                path, x->rank, n);
    if (x) s->count = (size_t)x->dim[0];
    if (jd_error(ctx)) {
    } else if (o->sequence && x->rank < 4) {
        take_numbers(ctx, path, x, n, o, s);
    } else if (x->rank == 2) {
        take_numbers(ctx, path, x, n, o, s);
    } else {
        take_pictures(ctx, path, x, n, s);
    }
    if (!jd_error(ctx) && !o->unlabelled) {
        const char *labels = o->labels ? o->labels : path;
        if (own && !o->labels)
            jd_fail(ctx, JD_EUSAGE,
                    "%s: where are the labels? give their file with --labels (of test data: --test-labels)", path);
        else if (own)
            g = file_ends(labels, ".npz") ? jd_npz_open(ctx, labels) : jd_npy_open(ctx, labels);
        if (!jd_error(ctx)) y = choose(ctx, labels, g ? g : f, o->split, true);
        if (y) take_labels(ctx, labels, y, o, s);
    }
    jd_tensor_file_close(f);
    jd_tensor_file_close(g);
    return jd_error(ctx);
}
