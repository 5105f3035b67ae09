/* folder_sounds.c - recordings of classes, in folders, as sequences of features. */
#include <string.h>

#include "folders.h"
#include "model.h"

/* As the speech systems hear (mfcc39 every 20 ms, scaled to one loudness, floors about 45 dB below it). */
const jd_ear_options folder_ear = {
    .preset = "mfcc39", .mel_floor = 1e-3f, .energy_floor = 1e-4f, .level = 0.1f, .skip = 2, .prior = 40};
enum { MOST_RATE = 16000 };

/* The lowest rate of the recordings, which all can be brought to, at most MOST_RATE. */
static jd_status choose_rate(jd_ctx *ctx, const folder *f, const samples_options *o, int *rate)
{
    *rate = MOST_RATE;
    for (size_t i = 0; i < f->files.n; i++) {
        jd_sound s = {0};
        if (!jd_read_sound(ctx, f->files.path[i], &s) && s.rate < *rate) *rate = s.rate;
        jd_sound_free(ctx, &s);
        if (o->skip && jd_error(ctx) != JD_ENOMEM) jd_error_clear(ctx);
        if (jd_error(ctx)) return jd_error(ctx);
    }
    return JD_OK;
}

/* The features of a recording at the end of the samples. */
static jd_status add_sound(jd_ctx *ctx, jd_ear *ear, const folder *f, size_t which, samples *s, size_t *room)
{
    const char *path = f->files.path[which];
    jd_sound sound = {0};
    const size_t width = (size_t)s->dim[1];
    if (jd_read_sound(ctx, path, &sound)) return jd_error(ctx);
    const size_t T = jd_ear_hear(ear, sound.samples, sound.count, sound.rate, 0), at = s->start[s->count];
    jd_sound_free(ctx, &sound);
    if (jd_error(ctx)) {
        char *why = jd_strdup(ctx, jd_error_message(ctx));
        jd_error_clear(ctx);
        jd_fail(ctx, JD_EDATA, "%s: %s", path, why ? why : "");
        jd_free(ctx, why);
        return jd_error(ctx);
    }
    if (at + T > *room) {
        const size_t more = 2 * (at + T);
        float *values = jd_realloc(ctx, s->values, *room * width * sizeof *values, more * width * sizeof *values);
        if (!values) return jd_error(ctx);
        s->values = values;
        *room = more;
    }
    memcpy(s->values + at * width, jd_ear_steps(ear), T * width * sizeof *s->values);
    if (s->text && !(s->text[s->count] = jd_strdup(ctx, f->text[which]))) return jd_error(ctx);
    s->held[s->count] = f->held[which];
    s->label[s->count++] = f->class[which];
    s->start[s->count] = at + T;
    if ((int64_t)T > s->dim[0]) s->dim[0] = (int64_t)T;
    return JD_OK;
}

jd_status folder_sounds(jd_ctx *ctx, const folder *f, const samples_options *o, samples *s)
{
    jd_ear_options how = folder_ear;
    if (o->rate)
        how.rate = o->rate;
    else if (choose_rate(ctx, f, o, &how.rate))
        return jd_error(ctx);
    jd_ear *ear = jd_ear_new(ctx, &how);
    size_t room = 0;
    s->rank = 2;
    s->rate = how.rate;
    s->dim[1] = ear ? jd_ear_width(ear) : 0;
    s->label = jd_alloc_array(ctx, f->files.n + 1, sizeof *s->label);
    s->held = jd_alloc_array(ctx, f->files.n + 1, sizeof *s->held);
    if (f->text) s->text = jd_alloc_array(ctx, f->files.n + 1, sizeof *s->text);
    s->start = jd_alloc_array(ctx, f->files.n + 1, sizeof *s->start);
    for (size_t i = 0; !jd_error(ctx) && i < f->files.n; i++)
        if (add_sound(ctx, ear, f, i, s, &room) && o->skip && jd_error(ctx) != JD_ENOMEM) {
            jd_error_clear(ctx);
            s->skipped++;
        }
    jd_ear_free(ear);
    if (!jd_error(ctx) && !s->count)
        jd_fail(ctx, JD_EDATA, "%s and others: none of the %zu recordings can be used", f->files.path[0], f->files.n);
    return jd_error(ctx);
}
