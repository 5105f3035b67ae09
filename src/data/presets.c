/* Front ends by name, normalisation, strings of digits. */
#include "base/dmath.h"
#include "jackdaw/audio.h"

#include <math.h>
#include <string.h>

#include "base/given.h"

static const struct {
    const char *name;
    jd_frontend_options o;
} presets[] = {
    {"mfcc39", {.cepstra = 12, .energy = JD_ENERGY_LAST, .deltas = 2}},
    {"graves2005", {.cepstra = 12, .energy = JD_ENERGY_LAST, .deltas = 1}},
    {"graves2013", {.mels = 40, .energy = JD_ENERGY_LAST, .deltas = 2}},
    {"htk",
     {.cepstra = 12,
      .energy = JD_ENERGY_LAST,
      .deltas = 2,
      .magnitude = true,
      .frame_preemphasis = true,
      .gain = 32768.f,
      .fmin = -1.f,
      .mel_floor = 1.f,
      .energy_floor = 1.f}},
    {"kaldi",
     {.cepstra = 12,
      .mels = 23,
      .energy = JD_ENERGY_FIRST,
      .window = JD_WINDOW_POVEY,
      .remove_mean = true,
      .frame_preemphasis = true,
      .gain = 32768.f,
      .mel_floor = 1.1920929e-7f, /* FLT_EPSILON */
      .energy_floor = 1.f}},
};

#define PRESETS ((int)(sizeof presets / sizeof *presets))

const char *jd_frontend_preset_name(int i)
{
    return i >= 0 && i < PRESETS ? presets[i].name : NULL;
}

jd_status jd_frontend_preset(jd_ctx *ctx, const char *name, int rate, jd_frontend_options *out)
{
    if (!jd__given(ctx, __func__, "name", name) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    const char *words[PRESETS + 1] = {NULL};
    if (jd_error(ctx)) return jd_error(ctx);
    for (int i = 0; i < PRESETS; i++) {
        words[i] = presets[i].name;
        if (strcmp(name, presets[i].name) != 0) continue;
        *out = presets[i].o;
        out->rate = rate;
        return JD_OK;
    }
    const char *near = jd_nearest(name, words);
    return jd_fail(ctx, JD_EUSAGE, "no front end '%s'; %s%s%s", name,
                   near ? "did you mean '" : "there are mfcc39, graves2005, graves2013, htk, kaldi", near ? near : "",
                   near ? "'?" : "");
}

/* ---- normalisation ---- */

struct jd_norm {
    jd_ctx *ctx;
    int width;
    double count;
    double *mean, *square; /* (width): mean, and sum of squared deviations from it */
    float *shift, *std;    /* (width): what jd_norm_apply uses */
};

jd_norm *jd_norm_new(jd_ctx *ctx, int width)
{
    if (jd_error(ctx)) return NULL;
    if (width < 1 || width > 1 << 20) {
        jd_fail(ctx, JD_EUSAGE, "jd_norm_new: width %d; 1 to 1048576", width);
        return NULL;
    }
    jd_norm *n = jd_alloc(ctx, sizeof *n);
    if (!n) return NULL;
    n->ctx = ctx;
    n->width = width;
    n->mean = jd_alloc_array(ctx, (size_t)width, sizeof(double));
    n->square = jd_alloc_array(ctx, (size_t)width, sizeof(double));
    n->shift = jd_alloc_array(ctx, (size_t)width, sizeof(float));
    n->std = jd_alloc_array(ctx, (size_t)width, sizeof(float));
    if (jd_error(ctx)) {
        jd_norm_free(n);
        return NULL;
    }
    for (int c = 0; c < width; c++) n->std[c] = 1.f;
    return n;
}

void jd_norm_free(jd_norm *n)
{
    if (!n) return;
    jd_free(n->ctx, n->mean);
    jd_free(n->ctx, n->square);
    jd_free(n->ctx, n->shift);
    jd_free(n->ctx, n->std);
    jd_free(n->ctx, n);
}

void jd_norm_add(jd_norm *n, const float *x, size_t frames)
{
    for (size_t t = 0; t < frames; t++, x += n->width) {
        n->count += 1.0;
        for (int c = 0; c < n->width; c++) { /* Welford's update: no cancellation */
            const double d = (double)x[c] - n->mean[c];
            n->mean[c] += d / n->count;
            n->square[c] += d * ((double)x[c] - n->mean[c]);
        }
    }
    for (int c = 0; frames && c < n->width; c++) {
        const double std = sqrt(n->square[c] / n->count);
        n->shift[c] = (float)n->mean[c];
        n->std[c] = std > 1e-7 * fabs(n->mean[c]) && std > 1e-30 ? (float)std : 1.f;
    }
}

void jd_norm_apply(const jd_norm *n, float *x, size_t frames)
{
    for (size_t t = 0; t < frames; t++, x += n->width)
        for (int c = 0; c < n->width; c++) x[c] = (x[c] - n->shift[c]) / n->std[c];
}

void jd_norm_get(const jd_norm *n, float *mean, float *std)
{
    if (!n) return;
    memcpy(mean, n->shift, (size_t)n->width * sizeof(float));
    memcpy(std, n->std, (size_t)n->width * sizeof(float));
}

void jd_norm_set(jd_norm *n, const float *mean, const float *std)
{
    if (!n) return;
    memcpy(n->shift, mean, (size_t)n->width * sizeof(float));
    memcpy(n->std, std, (size_t)n->width * sizeof(float));
}

/* ---- connected digits ---- */

typedef struct plan {
    int count;
    size_t item[32], begin[32]; /* recording, and where it starts in the string */
    float gain[32];
    size_t total;
} plan;

static jd_digits_options with_defaults(const jd_digits_options *o)
{
    jd_digits_options d = o ? *o : (jd_digits_options){0};
    if (d.least == 0 && d.most == 0) {
        d.least = 3;
        d.most = 7;
    }
    if (d.gap_ms == 0.f) d.gap_ms = 150.f;
    if (d.gain_db == 0.f) d.gain_db = 6.f;
    if (d.snr_db == 0.f) d.snr_db = 20.f;
    if (d.gap_ms < 0.f) d.gap_ms = 0.f;
    if (d.gain_db < 0.f) d.gain_db = 0.f;
    return d;
}

static double from_db(double db)
{
    return jd__exp64(db * (2.302585092994045684 / 20.0));
}

/* A recording: any, or the k-th of the given speaker. */
static size_t pick(const jd_speech *speech, jd_rng *r, int speaker)
{
    if (speaker < 0) return jd_rng_below(r, (uint32_t)speech->count);
    uint32_t n = 0;
    for (size_t i = 0; i < speech->count; i++) n += speech->items[i].speaker == speaker;
    uint32_t k = jd_rng_below(r, n);
    for (size_t i = 0;; i++)
        if (speech->items[i].speaker == speaker && k-- == 0) return i;
}

static plan draw(const jd_speech *speech, const jd_digits_options *o, jd_rng *r)
{
    plan p = {.count = o->least + (int)jd_rng_below(r, (uint32_t)(o->most - o->least + 1))};
    const uint32_t gap = (uint32_t)((double)o->gap_ms * 0.001 * speech->rate + 0.5);
    const int speaker = o->one_speaker ? speech->items[jd_rng_below(r, (uint32_t)speech->count)].speaker : -1;
    for (int k = 0; k < p.count; k++) {
        if (k) p.total += jd_rng_below(r, gap + 1);
        p.item[k] = pick(speech, r, speaker);
        p.gain[k] = (float)from_db((double)o->gain_db * (2.0 * jd_rng_uniform64(r) - 1.0));
        p.begin[k] = p.total;
        p.total += speech->items[p.item[k]].count;
    }
    return p;
}

/* Adds white noise `snr_db` below the mean power of the string. */
static void add_noise(float *x, size_t n, float snr_db, uint64_t seed, uint64_t index)
{
    double power = 0.0;
    for (size_t i = 0; i < n; i++) power += (double)x[i] * (double)x[i];
    const double amplitude = sqrt(power / (double)n) * from_db(-(double)snr_db);
    jd_rng r = jd_rng_new(seed, "digits/noise", index);
    for (size_t i = 0; i < n; i++) x[i] += (float)(amplitude * jd_rng_normal(&r));
}

jd_status jd_digits_make(jd_ctx *ctx, const jd_speech *speech, const jd_digits_options *o, uint64_t seed,
                         uint64_t index, jd_digits *out)
{
    if (!jd__given(ctx, __func__, "speech", speech) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const jd_digits_options d = with_defaults(o);
    if (speech->count < 1 || speech->count > UINT32_MAX)
        return jd_fail(ctx, JD_EUSAGE, "jd_digits_make: no recordings given");
    if (d.least < 1 || d.most < d.least || d.most > 32)
        return jd_fail(ctx, JD_EUSAGE, "jd_digits_make: %d to %d digits; 1 <= least <= most <= 32", d.least, d.most);
    if (!(d.gap_ms <= 60000.f && d.gain_db <= 60.f && fabsf(d.snr_db) <= 200.f))
        return jd_fail(ctx, JD_EUSAGE, "jd_digits_make: gap up to 60000 ms, gain up to 60 dB, SNR within 200 dB");
    jd_rng r = jd_rng_new(seed, "digits", index);
    const plan p = draw(speech, &d, &r);
    float *x = jd_alloc_array(ctx, p.total, sizeof *x);
    if (!x) return JD_ENOMEM;
    jd_digits s = {.count = p.count, .samples_count = p.total, .samples = x};
    for (int k = 0; k < p.count; k++) {
        const jd_utterance *u = &speech->items[p.item[k]];
        s.labels[k] = u->digit;
        for (size_t i = 0; i < u->count; i++) x[p.begin[k] + i] = p.gain[k] * u->samples[i];
    }
    if (!d.no_noise) add_noise(x, p.total, d.snr_db, seed, index);
    *out = s;
    return JD_OK;
}

void jd_digits_free(jd_ctx *ctx, jd_digits *digits)
{
    if (!digits) return;
    jd_free(ctx, digits->samples);
    *digits = (jd_digits){0};
}
