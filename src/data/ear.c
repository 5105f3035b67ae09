/* ear.c - from a recording to what a recogniser was trained on. */
#include <math.h>
#include <string.h>

#include "base/given.h"
#include "base/dmath.h"
#include "jackdaw/audio.h"

struct jd_ear {
    jd_ctx *ctx;
    jd_frontend *front;
    jd_ear_options o;
    size_t width;
    float *mean, *factor;
    float *samples, *steps; /* of the last recording */
    size_t samples_room, steps_room;
};

jd_ear *jd_ear_new(jd_ctx *ctx, const jd_ear_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    jd_frontend_options f;
    if (o->rate < 1000 || o->rate > 400000 || o->skip < 0 || o->skip > 1000) {
        jd_fail(ctx, JD_EUSAGE, "ear: rate %d, skip %d; rates of 1000 to 400000 and skips to 1000 are possible",
                o->rate, o->skip);
        return NULL;
    }
    if (jd_frontend_preset(ctx, o->preset, o->rate, &f)) return NULL;
    if (o->shift_ms > 0) f.shift_ms = o->shift_ms;
    if (o->mel_floor > 0) f.mel_floor = o->mel_floor;
    if (o->energy_floor > 0) f.energy_floor = o->energy_floor;
    jd_ear *e = jd_alloc(ctx, sizeof *e);
    if (!e) return NULL;
    *e = (jd_ear){.ctx = ctx, .o = *o, .front = jd_frontend_new(ctx, &f)};
    e->o.preset = NULL; /* the caller's */
    e->o.skip = o->skip ? o->skip : 1;
    e->width = e->front ? (size_t)jd_frontend_width(e->front) : 0;
    if (o->mean && o->factor && e->front) {
        e->mean = jd_alloc_array(ctx, e->width, sizeof *e->mean);
        e->factor = jd_alloc_array(ctx, e->width, sizeof *e->factor);
        if (e->mean && e->factor) {
            memcpy(e->mean, o->mean, e->width * sizeof *e->mean);
            memcpy(e->factor, o->factor, e->width * sizeof *e->factor);
        }
    }
    if (!jd_error(ctx)) return e;
    jd_ear_free(e);
    return NULL;
}

void jd_ear_free(jd_ear *e)
{
    if (!e) return;
    jd_frontend_free(e->front);
    jd_free(e->ctx, e->mean);
    jd_free(e->ctx, e->factor);
    jd_free(e->ctx, e->samples);
    jd_free(e->ctx, e->steps);
    jd_free(e->ctx, e);
}

int jd_ear_width(const jd_ear *e)
{
    if (!e) return 0;
    return (int)e->width;
}

const float *jd_ear_steps(const jd_ear *e)
{
    if (!e) return NULL;
    return e->steps;
}

static float *room(jd_ctx *ctx, float **p, size_t *have, size_t want)
{
    if (want <= *have) return *p;
    jd_free(ctx, *p);
    *p = jd_alloc_array(ctx, want + want / 4, sizeof **p);
    *have = *p ? want + want / 4 : 0;
    return *p;
}

void jd_sound_level(float *x, size_t n, float rms)
{
    double power = 0;
    for (size_t i = 0; i < n; i++) power += (double)x[i] * (double)x[i];
    const float gain = power > 0 ? (float)((double)rms / sqrt(power / (double)n)) : 1.f;
    for (size_t i = 0; i < n; i++) x[i] *= gain;
}

size_t jd_sound_resampled(size_t count, int from, int to)
{
    return (size_t)((double)count * to / from);
}

/* Each output is a sum of the inputs around it, weighted by a sinc of the lower of the two rates' bandwidth under a Hann
 * window of HALF zero crossings to either side. */
void jd_sound_resample(const float *in, size_t count, int from, int to, float *out)
{
    enum { HALF = 16 };
    const double low = to < from ? (double)to / from : 1, reach = HALF / low; /* in input samples */
    const size_t n = jd_sound_resampled(count, from, to);
    for (size_t i = 0; i < n; i++) {
        const double at = (double)i * from / to;
        const int64_t first = (int64_t)ceil(at - reach), last = (int64_t)floor(at + reach);
        double sum = 0, weights = 0;
        for (int64_t k = first; k <= last; k++) {
            const double d = (double)k - at, angle = JD_PI * d * low;
            double sine, cosine, window, other;
            jd_sincos(angle, &sine, &cosine);
            jd_sincos(JD_PI * d / reach, &other, &window);
            const double w = (fabs(angle) < 1e-9 ? 1 : sine / angle) * (0.5 + 0.5 * window);
            weights += w;
            if (k >= 0 && k < (int64_t)count) sum += w * (double)in[k];
        }
        out[i] = (float)(sum / weights);
    }
}

size_t jd_ear_hear(jd_ear *e, const float *samples, size_t count, int rate, size_t first)
{
    if (!e) return 0;
    const int own = e->o.rate;
    const size_t n = rate == own ? count : jd_sound_resampled(count, rate, own), W = e->width;
    if (rate < 1000 || rate > 400000 || n < 1) {
        jd_fail(e->ctx, JD_EDATA, "ear: %zu samples at %d a second; there is nothing to hear", count, rate);
        return 0;
    }
    float *x = room(e->ctx, &e->samples, &e->samples_room, n);
    if (!x) return 0;
    if (rate == own)
        memcpy(x, samples, n * sizeof *x);
    else
        jd_sound_resample(samples, count, rate, own, x);
    if (e->o.level > 0) jd_sound_level(x, n, e->o.level);
    const size_t frames = jd_frontend_frames(e->front, n), skip = (size_t)e->o.skip;
    float *y = room(e->ctx, &e->steps, &e->steps_room, frames * W);
    double *own_mean = y ? jd_alloc_array(e->ctx, W, sizeof *own_mean) : NULL;
    if (!own_mean) return 0;
    jd_frontend_run(e->front, x, n, y);
    for (size_t t = 0; t < frames && e->o.prior >= 0; t++)
        for (size_t d = 0; d < W; d++) own_mean[d] += y[t * W + d] / (double)(frames + (size_t)e->o.prior);
    if (first >= frames) first = 0;
    size_t steps = 0;
    for (size_t t = first; t < frames; t += skip, steps++)
        for (size_t d = 0; d < W; d++) {
            const float v = (float)((double)y[t * W + d] - own_mean[d]);
            y[steps * W + d] = e->mean ? (v - e->mean[d]) * e->factor[d] : v;
        }
    jd_free(e->ctx, own_mean);
    return steps;
}
