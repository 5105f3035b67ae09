/*
 * midi.h - notes in Standard MIDI Files, written and read.
 *
 *     jd_midi_note c = {.start = 0, .length = 480, .pitch = 60, .velocity = 90};     // middle C, a quarter
 *     jd_write_midi(ctx, "c.mid", &(jd_midi){.division = 480, .tempo = 120, .count = 1, .notes = &c});
 *     jd_midi m = {0};
 *     jd_read_midi(ctx, "c.mid", &m);  ...  jd_midi_free(ctx, &m);
 *
 * Source: MIDI Manufacturers Association, Standard MIDI Files 1.0, 1996.
 */
#ifndef JACKDAW_MIDI_H
#define JACKDAW_MIDI_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_midi_note {
    int64_t start, length; /* ticks from the beginning, both below 2^28 */
    uint8_t pitch;         /* 0..127, 60: middle C */
    uint8_t velocity;      /* 1..127: how hard it is struck */
    uint8_t channel;       /* 0..15; 9: drums */
} jd_midi_note;

typedef struct jd_midi {
    int division;        /* ticks a quarter, 1..32767 */
    double tempo;        /* quarters a minute */
    uint8_t program[16]; /* the instrument of each channel, 0..127 (0: piano) */
    size_t count;
    jd_midi_note *notes;
} jd_midi;

/* Writes a file of format 1: a track with the tempo, then one for each channel that has notes.  `notes` need not be in
 * order; of notes of one channel and pitch that overlap, the first ends where the next begins when read again.  Errors:
 * JD_EUSAGE names the note and the limit, JD_EIO. */
JD_API jd_status jd_write_midi(jd_ctx *ctx, const char *path, const jd_midi *midi);
/* Reads formats 0 and 1: notes in the order of start, channel, pitch; the first tempo (120 where there is none) and each
 * channel's first program; all else is passed over.  A note that is never ended lasts to the end of its track.  Errors:
 * JD_EDATA names the byte: a chunk or event cut short, format 2, time in frames (SMPTE), more than 2^24 notes. */
JD_API jd_status jd_read_midi(jd_ctx *ctx, const char *path, jd_midi *out);
JD_API void jd_midi_free(jd_ctx *ctx, jd_midi *midi);

#ifdef __cplusplus
}
#endif
#endif
