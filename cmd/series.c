/* series.c - time series in the text format .ts (jackdaw/series.h) as samples: sequences, or rows for nets that read none. */
#include <math.h>
#include <string.h>

#include "files.h"
#include "jackdaw/series.h"
#include "model.h"

bool series_are(const char *name)
{
    return file_ends(name, ".ts") || file_ends(name, ".ts.gz");
}

/* Without the series in which values are missing, where that is wished. */
static void drop_missing(jd_series *in, samples *s)
{
    const size_t C = (size_t)in->channels;
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < in->count; i++) {
        const size_t begin = in->start[i], n = in->start[i + 1] - begin;
        bool whole = true;
        for (size_t k = begin * C; k < (begin + n) * C; k++) whole = whole && !isnan(in->values[k]);
        if (!whole) continue;
        memmove(in->values + at * C, in->values + begin * C, n * C * sizeof *in->values);
        if (in->label) {
            char *label = in->label[i];
            in->label[i] = in->label[kept];
            in->label[kept] = label; /* all are freed in the end */
        }
        in->line[kept] = in->line[i];
        in->start[kept++] = at;
        at += n;
    }
    s->skipped += in->count - kept;
    s->count = kept;
    in->start[kept] = at;
}

/* The first value that is missing, and steps where the net wants as many of each. */
static jd_status check(jd_ctx *ctx, const char *path, const jd_series *in, const samples_options *o, const samples *s)
{
    const size_t C = (size_t)in->channels, T = in->start[1];
    if (!s->count) return jd_fail(ctx, JD_EDATA, "%s: values are missing in every series; try --missing mean", path);
    for (size_t i = 0; i < s->count; i++) {
        const size_t n = in->start[i + 1] - in->start[i];
        if (!o->sequence && n != T)
            return jd_fail(
                ctx, JD_EDATA,
                "%s: line %zu: %zu steps, %zu in line %zu; a net that begins with lstm, blstm, gru or srn reads "
                "series of any length",
                path, in->line[i], n, T, in->line[0]);
        for (size_t k = 0; o->missing != MISSING_MEAN && k < n * C; k++)
            if (isnan(in->values[in->start[i] * C + k]))
                return jd_fail(
                    ctx, JD_EDATA,
                    "%s: line %zu, step %zu, channel %zu: the value is missing; --missing mean takes the mean, "
                    "--missing drop leaves such series out",
                    path, in->line[i], k / C + 1, k % C + 1);
    }
    return JD_OK;
}

static jd_status take(jd_ctx *ctx, const char *path, jd_series *in, const samples_options *o, samples *s)
{
    s->count = in->count;
    if (o->missing == MISSING_DROP) drop_missing(in, s);
    if (check(ctx, path, in, o, s)) return jd_error(ctx);
    s->rank = o->sequence ? 2 : 1;
    s->dim[0] = o->sequence ? 1 : (int64_t)in->start[1] * in->channels;
    s->dim[1] = o->sequence ? in->channels : 0;
    for (size_t i = 0; o->sequence && i < s->count; i++) {
        const int64_t n = (int64_t)(in->start[i + 1] - in->start[i]);
        if (n > s->dim[0]) s->dim[0] = n;
    }
    if (!o->unlabelled && !in->label)
        return jd_fail(ctx, JD_EDATA, "%s: the file says that it has no labels (@classLabel)", path);
    if (!o->unlabelled) samples_label(ctx, path, NULL, (const char *const *)in->label, o, s);
    s->values = in->values;
    in->values = NULL;
    if (!o->sequence) return jd_error(ctx);
    s->start = in->start;
    in->start = NULL;
    return jd_error(ctx);
}

jd_status series_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *s)
{
    jd_series in;
    if (jd_read_ts(ctx, path, &in)) return jd_error(ctx);
    take(ctx, path, &in, o, s);
    jd_series_free(ctx, &in);
    return jd_error(ctx);
}
