/* phones.c - a toy language and its tracks of formants and mouth; see phones.h. */
#include "phones.h"

#include <string.h>

enum { VOWELS = 6 };

/* Formants in Hz, amplitude, voice; of the mouth: how far open, how wide, how rounded, upper lip lifted (0..1). */
static const struct kind {
    const char *name;
    float F[3], amplitude;
    bool voiced;
    float open, wide, round, lift;
} KIND[PHONES] = {
    {"a", {750, 1250, 2500}, 1.00f, true, 1.0f, .6f, .0f, .5f},
    {"e", {500, 1900, 2550}, .90f, true, .5f, .9f, .0f, .5f},
    {"i", {300, 2250, 3000}, .80f, true, .2f, 1.0f, .0f, .4f},
    {"o", {500, 850, 2450}, .90f, true, .6f, .1f, .8f, .3f},
    {"u", {320, 750, 2300}, .80f, true, .3f, .0f, 1.0f, .2f},
    {"@", {500, 1450, 2500}, .70f, true, .4f, .5f, .2f, .4f},
    {"m", {280, 1000, 2200}, .40f, true, .0f, .5f, .2f, .0f},
    {"n", {280, 1600, 2600}, .40f, true, .2f, .5f, .1f, .4f},
    {"l", {360, 1200, 2800}, .55f, true, .4f, .6f, .0f, .5f},
    {"r", {330, 1150, 1650}, .50f, true, .2f, .3f, .6f, .6f},
    {"w", {300, 650, 2200}, .50f, true, .1f, .0f, 1.0f, .2f},
    {"j", {280, 2250, 3000}, .50f, true, .2f, .9f, .0f, .4f},
    {"s", {350, 1800, 2700}, .30f, false, .1f, .8f, .0f, .7f},
    {"S", {350, 1900, 2400}, .35f, false, .2f, .1f, .9f, .7f},
    {"f", {340, 1100, 2200}, .20f, false, .05f, .6f, .1f, .9f},
    {"z", {320, 1700, 2650}, .35f, true, .1f, .8f, .0f, .7f},
    {"p", {250, 900, 2200}, .06f, false, .0f, .5f, .3f, .0f},
    {"t", {250, 1750, 2700}, .08f, false, .15f, .6f, .0f, .5f},
    {"k", {250, 1950, 2300}, .08f, false, .3f, .5f, .1f, .4f},
    {"b", {220, 900, 2200}, .15f, true, .0f, .5f, .3f, .0f},
};

const char *phones_name(int phone)
{
    return KIND[phone].name;
}

bool phones_vowel(int phone)
{
    return phone < VOWELS;
}

bool phones_voiced(int phone)
{
    return KIND[phone].voiced;
}

/* ---- sentences -----------------------------------------------------------------------------------------------------------*/

static uint8_t consonant(jd_rng *r)
{
    return (uint8_t)(VOWELS + jd_rng_below(r, PHONES - VOWELS));
}

void phones_make(jd_rng *r, phones_sentence *s)
{
    const int wanted = PHONES_LEAST + (int)jd_rng_below(r, PHONES_MOST - PHONES_LEAST + 1);
    int syllable = 0;
    bool any = false;
    *s = (phones_sentence){.question = jd_rng_below(r, 3) == 0};
    for (; s->n + 3 <= wanted || s->n < PHONES_LEAST; syllable++) {
        const uint32_t kind = jd_rng_below(r, 4); /* CV CV CVC CCV */
        const int onset = kind == 3 ? 2 : 1, begin = s->n;
        const bool stressed = jd_rng_below(r, 3) == 0;
        for (int k = 0; k < onset; k++) s->phone[s->n++] = consonant(r);
        s->phone[s->n++] = (uint8_t)jd_rng_below(r, VOWELS);
        if (kind == 2) s->phone[s->n++] = consonant(r);
        for (int k = begin; k < s->n; k++) {
            s->syllable[k] = (uint8_t)syllable;
            s->stressed[k] = stressed;
        }
        any |= stressed;
    }
    for (int k = 0; k < s->n && !any; k++) s->stressed[k] = s->syllable[k] == 0;
    for (int k = 0; k < s->n; k++) {
        const double ms = 80 + 20 * jd_rng_normal(r);
        s->begin[k + 1] = s->begin[k] + fmin(140, fmax(30, ms));
    }
}

int64_t phones_frames(const phones_sentence *s, double step)
{
    return (int64_t)(s->begin[s->n] / step);
}

int phones_at(const phones_sentence *s, double ms)
{
    int k = 0;
    while (k < s->n - 1 && ms >= s->begin[k + 1]) k++;
    return k;
}

/* First phone of a phone's syllable, and one past its last. */
static void syllable_of(const phones_sentence *s, int k, int *first, int *end)
{
    for (*first = k; *first > 0 && s->syllable[*first - 1] == s->syllable[k];) --*first;
    for (*end = k + 1; *end < s->n && s->syllable[*end] == s->syllable[k];) ++*end;
}

void phones_input(const phones_sentence *s, double step, int context, float *x)
{
    const int64_t T = phones_frames(s, step), N = phones_inputs(context);
    memset(x, 0, (size_t)(T * N) * sizeof *x);
    for (int64_t t = 0; t < T; t++, x += N) {
        const double ms = ((double)t + .5) * step;
        const int k = phones_at(s, ms);
        int first, end;
        syllable_of(s, k, &first, &end);
        for (int c = -context; c <= context; c++)
            if (k + c >= 0 && k + c < s->n) x[(c + context) * PHONES + s->phone[k + c]] = 1;
        float *more = x + (2 * context + 1) * PHONES;
        const double since = ms - s->begin[k], until = s->begin[k + 1] - ms;
        more[0] = (float)(since / (since + until));
        more[1] = (float)(since / 100);
        more[2] = (float)(until / 100);
        more[3] = (float)((ms - s->begin[first]) / (s->begin[end] - s->begin[first]));
        more[4] = s->stressed[k];
        more[5] = s->question && s->syllable[k] == 0;
    }
}

/* ---- tracks --------------------------------------------------------------------------------------------------------------*/

/* y'' = (u - y) / tau^2 - 2 y' / tau, in steps of 1 ms. */
typedef struct damped {
    double y, speed;
} damped;

static void damped_step(damped *d, double target, double tau)
{
    d->speed += (target - d->y) / (tau * tau) - 2 * d->speed / tau;
    d->y += d->speed;
}

/* How far the targets of phone k have given way to the next one's: from 0, `ahead` ms before its end, to one half. */
static double leaning(const phones_sentence *s, int k, double ms, double ahead)
{
    const double until = s->begin[k + 1] - ms;
    return k + 1 < s->n && until < ahead ? .5 * (ahead - until) / ahead : 0;
}

static double formant(const phones_sentence *s, int k, int i)
{
    const struct kind *p = &KIND[s->phone[k]];
    if (i != 1 || !phones_vowel(s->phone[k])) return (double)p->F[i];
    for (int n = k + 1; n < s->n; n++)
        if (phones_vowel(s->phone[n])) return .85 * (double)p->F[1] + .15 * (double)KIND[s->phone[n]].F[1];
    return (double)p->F[1];
}

/* Falls from 130 to 90 Hz; up to 30 Hz higher around the vowels of stressed syllables; at the end of a question up to 40 Hz more. */
static double pitch(const phones_sentence *s, double ms)
{
    const double all = s->begin[s->n];
    double hz = 130 - 40 * ms / all;
    for (int k = 0; k < s->n; k++)
        if (s->stressed[k] && phones_vowel(s->phone[k])) {
            const double far = (ms - .5 * (s->begin[k] + s->begin[k + 1])) / 60;
            hz += 30 * exp(-.5 * far * far);
        }
    return s->question && ms > all - 250 ? hz + 40 * (ms - all + 250) / 250 : hz;
}

/* The targets of formants and amplitude at a time. */
static void speech_target(const phones_sentence *s, double ms, double target[4])
{
    const int k = phones_at(s, ms), next = k + 1 < s->n ? k + 1 : k;
    const double lean = leaning(s, k, ms, 40);
    for (int i = 0; i < 3; i++) target[i] = (1 - lean) * formant(s, k, i) + lean * formant(s, next, i);
    target[3] = (1 - lean) * (double)KIND[s->phone[k]].amplitude + lean * (double)KIND[s->phone[next]].amplitude;
}

void phones_speech(const phones_sentence *s, double step, float *track)
{
    const int64_t T = phones_frames(s, step);
    double target[4];
    damped d[4] = {{0}};
    speech_target(s, 0, target);
    for (int i = 0; i < 4; i++) d[i].y = target[i];
    int now = 0;
    for (int64_t t = 0; t < T; t++, track += PHONES_TRACKS) {
        const double ms = ((double)t + .5) * step;
        for (; now < ms; now++) {
            speech_target(s, now, target);
            for (int i = 0; i < 4; i++) damped_step(&d[i], target[i], i < 3 ? 30 : 15);
        }
        for (int i = 0; i < 4; i++) track[i] = (float)d[i].y;
        track[PHONES_F0] = (float)pitch(s, ms);
        track[PHONES_VOICE] = KIND[s->phone[phones_at(s, ms)]].voiced;
    }
}

static void mouth_target(const phones_sentence *s, double ms, double target[4])
{
    const int k = phones_at(s, ms), next = k + 1 < s->n ? k + 1 : k;
    const struct kind *a = &KIND[s->phone[k]], *b = &KIND[s->phone[next]];
    const double lean = leaning(s, k, ms, 120),
                 from[4] = {(double)a->open, (double)a->wide, (double)a->round, (double)a->lift},
                 to[4] = {(double)b->open, (double)b->wide, (double)b->round, (double)b->lift};
    for (int i = 0; i < 4; i++) target[i] = (1 - lean) * from[i] + lean * to[i];
}

void phones_mouth(const phones_sentence *s, double step, float *face)
{
    const int64_t T = phones_frames(s, step);
    double target[4];
    damped d[4] = {{0}};
    mouth_target(s, 0, target);
    for (int i = 0; i < 4; i++) d[i].y = target[i];
    int now = 0;
    for (int64_t t = 0; t < T; t++, face += PHONES_FACE) {
        for (; now < ((double)t + .5) * step; now++) {
            mouth_target(s, now, target);
            for (int i = 0; i < 4; i++) damped_step(&d[i], target[i], 60);
        }
        const double open = d[0].y, wide = d[1].y, round = d[2].y, lift = d[3].y;
        const double half = .5 * (.75 + .35 * wide - .25 * round), up = .10 + .10 * lift + .06 * open + .05 * round,
                     down = -.12 - .42 * open - .05 * round, corner = -.06 * open + .04 * wide;
        const double x[PHONES_LANDMARKS] = {-half, -.45 * half, 0, .45 * half, half, .5 * half, 0, -.5 * half};
        const double y[PHONES_LANDMARKS] = {corner, .95 * up, .85 * up, .95 * up, corner, .8 * down, down, .8 * down};
        for (int i = 0; i < PHONES_LANDMARKS; i++) {
            face[2 * i] = (float)x[i];
            face[2 * i + 1] = (float)y[i];
        }
    }
}

/* ---- sound ---------------------------------------------------------------------------------------------------------------*/

typedef struct resonator {
    double a, b, c, y1, y2;
} resonator;

static void tune(resonator *z, double hz, double width)
{
    const double pi = 3.14159265358979323846, radius = exp(-pi * width / PHONES_RATE);
    z->b = 2 * radius * cos(2 * pi * hz / PHONES_RATE);
    z->c = -radius * radius;
    z->a = 1 - z->b - z->c; /* 1 at 0 Hz (Klatt 1980, eq. 1-2) */
}

static double ring(resonator *z, double x)
{
    const double y = z->a * x + z->b * z->y1 + z->c * z->y2;
    z->y2 = z->y1;
    z->y1 = y;
    return y;
}

static double within(double v, double least, double most)
{
    return v < least ? least : v > most ? most : v;
}

jd_status phones_speak(jd_ctx *ctx, const float *track, int64_t T, double step, jd_sound *out)
{
    static const double width[3] = {60, 90, 150};
    const int64_t hop = (int64_t)(step * PHONES_RATE / 1000);
    *out = (jd_sound){.rate = PHONES_RATE,
                      .count = (size_t)(T * hop),
                      .samples = jd_alloc_array(ctx, (size_t)(T * hop), sizeof(float))};
    if (!out->samples) return jd_error(ctx);
    resonator z[3] = {{0}};
    jd_rng noise = jd_rng_new(1, "phones/noise", 0);
    double phase = 0, glottis = 0, peak = 0;
    for (int64_t n = 0; n < T * hop; n++) {
        const int64_t t = n / hop, next = t + 1 < T ? t + 1 : t;
        const double part = (double)(n % hop) / (double)hop;
        const float *a = track + t * PHONES_TRACKS, *b = track + next * PHONES_TRACKS;
        double v[PHONES_TRACKS];
        for (int i = 0; i < PHONES_TRACKS; i++) v[i] = (1 - part) * (double)a[i] + part * (double)b[i];
        for (int i = 0; i < 3; i++) tune(&z[i], within(v[i], 100, 6000), width[i]);
        phase += within(v[PHONES_F0], 40, 400) / PHONES_RATE;
        double source = .02 * (2 * jd_rng_uniform64(&noise) - 1);
        const double pulse = phase >= 1 ? 1 : 0;
        phase -= pulse;
        glottis = .9 * glottis + pulse; /* pulses fall off by 6 dB an octave */
        source = v[PHONES_VOICE] > .5 ? glottis + source : 12 * source;
        const double heard = within(v[PHONES_AMPLITUDE], 0, 1.5) * ring(&z[2], ring(&z[1], ring(&z[0], source)));
        out->samples[n] = (float)heard;
        peak = fmax(peak, fabs(heard));
    }
    for (int64_t n = 0; n < T * hop && peak > 0; n++) out->samples[n] *= (float)(.9 / peak);
    return JD_OK;
}
