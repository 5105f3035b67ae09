/* social_data.c - recordings with laughter and fillers; see social_signals.h. */
#include "social_signals.h"

#include <string.h>

#include "phones.h"

const char *const social_classes[SOCIAL_CLASSES] = {"garbage", "laughter", "filler"};

static double between(jd_rng *r, double least, double most)
{
    return least + (most - least) * jd_rng_uniform64(r);
}

/* ---- what is heard -------------------------------------------------------------------------------------------------------*/

/* Brings 16 kHz to 8. */
static jd_status halve(jd_ctx *ctx, jd_sound *s)
{
    const size_t n = jd_sound_resampled(s->count, s->rate, SOCIAL_RATE);
    float *half = jd_alloc_array(ctx, n, sizeof *half);
    if (!half) return jd_error(ctx);
    jd_sound_resample(s->samples, s->count, s->rate, SOCIAL_RATE, half);
    jd_free(ctx, s->samples);
    *s = (jd_sound){.rate = SOCIAL_RATE, .count = n, .samples = half};
    return JD_OK;
}

/* A vowel of anybody's throat: `pulses` bursts of `ms` each, one every `period` ms, ever softer. */
typedef struct vowel {
    int pulses;
    double ms, period;
    bool voiced; /* else whispered */
    bool moving; /* into another vowel */
} vowel;

static jd_status utter(jd_ctx *ctx, jd_rng *r, vowel v, jd_sound *out)
{
    enum { STEP = 5, KINDS = 4 };
    static const float formant[KINDS][3] = {{750, 1250, 2500}, {500, 1450, 2500}, {500, 1900, 2550}, {520, 950, 2450}};
    const int64_t T = (int64_t)(((v.pulses - 1) * v.period + v.ms) / STEP) + 1;
    const uint32_t first = jd_rng_below(r, KINDS), other = (first + 1 + jd_rng_below(r, KINDS - 1)) % KINDS;
    const double throat = between(r, .85, 1.2), hz = between(r, 90, 220), fade = between(r, .8, 1);
    float *track = jd_alloc_array(ctx, (size_t)T * PHONES_TRACKS, sizeof *track);
    for (int64_t t = 0; track && t < T; t++) {
        float *x = track + t * PHONES_TRACKS;
        const double now = (double)t * STEP, all = (double)T * STEP, burst = floor(now / v.period),
                     into = (now - burst * v.period) / v.ms;
        const double moved = v.moving ? now / all : 0;
        for (int i = 0; i < 3; i++)
            x[i] = (float)(throat * ((1 - moved) * (double)formant[first][i] + moved * (double)formant[other][i]));
        const double edge = fmin(1, fmin(into, 1 - into) * v.ms / 20); /* 20 ms to rise and to fall */
        x[PHONES_AMPLITUDE] = (float)(into < 1 ? pow(fade, burst) * fmax(0, edge) : 0);
        x[PHONES_F0] = (float)(hz * (1 - .1 * now / all));
        x[PHONES_VOICE] = v.voiced;
    }
    if (track && !phones_speak(ctx, track, T, STEP, out)) halve(ctx, out);
    jd_free(ctx, track);
    return jd_error(ctx);
}

static jd_status word(jd_ctx *ctx, const jd_speech *words, jd_rng *r, jd_sound *out)
{
    if (words) {
        const jd_utterance *u = &words->items[jd_rng_below(r, (uint32_t)words->count)];
        *out = (jd_sound){SOCIAL_RATE, u->count, jd_alloc_array(ctx, u->count, sizeof(float))};
        if (out->samples) memcpy(out->samples, u->samples, u->count * sizeof(float));
        return jd_error(ctx);
    }
    phones_sentence s;
    phones_make(r, &s);
    const int64_t T = phones_frames(&s, 5), begin = (int64_t)jd_rng_below(r, (uint32_t)(T / 2)),
                  frames = 60 + (int64_t)jd_rng_below(r, 40);
    float *track = jd_alloc_array(ctx, (size_t)T * PHONES_TRACKS, sizeof *track);
    if (!track) return jd_error(ctx);
    phones_speech(&s, 5, track);
    const int64_t n = begin + frames > T ? T - begin : frames;
    if (!phones_speak(ctx, track + begin * PHONES_TRACKS, n, 5, out)) halve(ctx, out);
    jd_free(ctx, track);
    return jd_error(ctx);
}

/* What can be heard but words.  Breath is no laugh when it is single, slow or a rattle, and a vowel no filler when it is short or
 * moves into another: rhythm, length and steadiness tell. */
static vowel sound_of(jd_rng *r, uint32_t which, int *kind)
{
    const bool laugh = which < 4, slow = which == 8, rattle = which == 9;
    const double rate = laugh ? between(r, 4, 6) : slow ? between(r, 1.5, 2.7) : rattle ? between(r, 8, 11) : 1;
    *kind = laugh ? SOCIAL_LAUGHTER : which < 8 ? SOCIAL_FILLER : SOCIAL_GARBAGE;
    vowel v = {.pulses = 1, .period = 1000 / rate, .voiced = which >= 4 && which < 8};
    if (laugh || slow || rattle) {
        v.pulses = (slow ? 2 : rattle ? 5 : 3) + (int)jd_rng_below(r, 5);
        v.ms = between(r, .35, .6) * (slow ? 200 : v.period);
    } else if (which < 8 || which == 11) {
        v.ms = between(r, 300, 600);
        v.voiced = true;
        v.moving = which == 11;
    } else { /* a breath, a short vowel */
        v.ms = between(r, 60, 220);
        v.voiced = which == 12;
    }
    return v;
}

static jd_status event(jd_ctx *ctx, const jd_speech *words, jd_rng *r, jd_sound *out, int *kind)
{
    const uint32_t which = jd_rng_below(r, 20);
    *kind = SOCIAL_GARBAGE;
    if (which >= 13)
        word(ctx, words, r, out);
    else
        utter(ctx, r, sound_of(r, which, kind), out);
    if (!jd_error(ctx)) jd_sound_level(out->samples, out->count, (float)(.1 * pow(10, between(r, -5, 5) / 20)));
    return jd_error(ctx);
}

/* ---- clips ---------------------------------------------------------------------------------------------------------------*/

jd_status social_make(jd_ctx *ctx, const jd_speech *words, double seconds, jd_rng *r, social_clip *out)
{
    const size_t n = (size_t)(seconds * SOCIAL_RATE);
    *out = (social_clip){{SOCIAL_RATE, n, jd_alloc_array(ctx, n, sizeof(float))}, jd_alloc_array(ctx, n, 1)};
    double power = 0, heard = 0;
    for (size_t at = 0; at < n && !jd_error(ctx);) {
        jd_sound s = {0};
        int kind = SOCIAL_GARBAGE;
        at += (size_t)(between(r, .05, .4) * SOCIAL_RATE);
        if (event(ctx, words, r, &s, &kind)) break;
        for (size_t i = 0; i < s.count && at < n; i++, at++) {
            out->sound.samples[at] = s.samples[i];
            out->kind[at] = (uint8_t)kind;
            power += (double)s.samples[i] * (double)s.samples[i];
            heard++;
        }
        jd_sound_free(ctx, &s);
    }
    const double noise = heard > 0 ? sqrt(power / heard / 10) : 0; /* 10 dB below */
    for (size_t i = 0; i < n && !jd_error(ctx); i++) out->sound.samples[i] += (float)(noise * jd_rng_normal(r));
    return jd_error(ctx);
}

void social_clip_free(jd_ctx *ctx, social_clip *c)
{
    jd_sound_free(ctx, &c->sound);
    jd_free(ctx, c->kind);
    *c = (social_clip){0};
}

jd_status social_set(jd_ctx *ctx, const jd_speech *words, double seconds, uint64_t seed, const char *stream, size_t n,
                     frames_set *out)
{
    const jd_frontend_options o = {
        .rate = SOCIAL_RATE, .shift_ms = SOCIAL_SHIFT, .mels = SOCIAL_MELS, .mel_floor = 1e-6f};
    jd_frontend *f = jd_frontend_new(ctx, &o);
    *out = frames_set_new(ctx, n, SOCIAL_MELS, SOCIAL_CLASSES, true);
    for (size_t i = 0; f && i < n && !jd_error(ctx); i++) {
        jd_rng r = jd_rng_new(seed, stream, i);
        social_clip c = {0};
        if (!social_make(ctx, words, seconds, &r, &c)) {
            const int64_t T = (int64_t)jd_frontend_frames(f, c.sound.count);
            frames_item *it = frames_room(ctx, out, i, T);
            if (it) jd_frontend_run(f, c.sound.samples, c.sound.count, it->x);
            for (int64_t t = 0; it && t < T; t++) { /* frames of 25 ms every 10 */
                const size_t middle = (size_t)t * SOCIAL_RATE * SOCIAL_SHIFT / 1000 + SOCIAL_RATE * 25 / 2000;
                it->label[t] = c.kind[middle < c.sound.count ? middle : c.sound.count - 1];
            }
        }
        social_clip_free(ctx, &c);
    }
    jd_frontend_free(f);
    return jd_error(ctx);
}
