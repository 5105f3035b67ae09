/*
 * phones.h - a toy language: sentences of phones with durations and stress, how a mouth says them, and how they sound.
 *
 * Everything is a function of the random numbers that make the sentence, so the targets are exact.  Twenty phones have three
 * formants, an amplitude, a voice or none, and a shape of the mouth.  Speech organs are slow and look ahead: tracks are a
 * critically damped filter's answer to the phones' targets, which lean towards the next phone before it begins, and a vowel's
 * second formant leans towards the next vowel, however many consonants stand between (Ohman 1966).
 *
 *     phones_sentence s;
 *     phones_make(&rng, &s);
 *     phones_speech(&s, 5, track);             // (phones_frames(&s, 5), PHONES_TRACKS)
 *     phones_speak(ctx, track, T, 5, &sound);  // jd_write_wav, jd_sound_free
 */
#ifndef PHONES_H
#define PHONES_H

#include "jackdaw/data.h"
#include "jackdaw/system.h"

enum { PHONES = 20, PHONES_LEAST = 8, PHONES_MOST = 20, PHONES_RATE = 16000 };

typedef struct phones_sentence {
    int n;
    bool question;
    uint8_t phone[PHONES_MOST], syllable[PHONES_MOST];
    bool stressed[PHONES_MOST];    /* of its syllable */
    double begin[PHONES_MOST + 1]; /* ms; [n] is the end */
} phones_sentence;

/* Syllables CV, CVC or CCV until there are 8 to 20 phones, of N(80,20^2) ms; at least one is stressed. */
void phones_make(jd_rng *r, phones_sentence *s);
const char *phones_name(int phone);
bool phones_vowel(int phone);
bool phones_voiced(int phone);

/* Frames of `step` ms; frame t is at (t + 1/2) step. */
int64_t phones_frames(const phones_sentence *s, double step);
/* The phone at a time. */
int phones_at(const phones_sentence *s, double ms);

/* What a synthesiser is told of each frame: the phone and `context` phones on either side, one-hot (none past the ends); how far
 * into the phone, ms since its begin and until its end; how far into the syllable; whether that is stressed; whether it is
 * a question word, with which every question begins.  x (T,phones_inputs(context)). */
static inline int64_t phones_inputs(int context)
{
    return (2 * context + 1) * PHONES + 6;
}
void phones_input(const phones_sentence *s, double step, int context, float *x);

/* F1, F2, F3 (Hz), amplitude 0..1, F0 (Hz; goes on where there is no voice), voice (0 or 1). */
enum { PHONES_F1, PHONES_F2, PHONES_F3, PHONES_AMPLITUDE, PHONES_F0, PHONES_VOICE, PHONES_TRACKS };
void phones_speech(const phones_sentence *s, double step, float *track);
/* A formant synthesiser after Klatt 1980, cut down: pulses where there is voice, else noise, through three resonators, 16 kHz.
 * Samples are within -0.9 .. 0.9. */
jd_status phones_speak(jd_ctx *ctx, const float *track, int64_t T, double step, jd_sound *out);

/* Landmarks of the mouth, (x, y) with y upward, in units of the width at rest: left corner, upper lip left, middle, right, right
 * corner, lower lip right, middle, left.  Filter of 60 ms, looking 120 ms ahead. */
enum { PHONES_LANDMARKS = 8, PHONES_FACE = 2 * PHONES_LANDMARKS };
void phones_mouth(const phones_sentence *s, double step, float *face /* (T,16) */);

#endif
