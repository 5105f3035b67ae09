/*
 * music.h - parts of the music systems: notes as a table of steps, to be drawn and written as a MIDI file.
 */
#ifndef MUSIC_H
#define MUSIC_H

#include "jackdaw/layers.h"
#include "jackdaw/midi.h"
#include "jackdaw/system.h"

/* on (T,N): 1 where note n sounds during step t. */
typedef struct music_roll {
    int64_t T, N;
    uint8_t *on;
} music_roll;
jd_status music_roll_new(jd_ctx *ctx, int64_t T, int64_t N, music_roll *out);
void music_roll_free(jd_ctx *ctx, music_roll *roll);

/* How the columns sound. */
typedef struct music_voice {
    const uint8_t *pitch;   /* (N): MIDI notes */
    const uint8_t *channel; /* (N), or NULL: all 0 */
    uint8_t program[16], velocity[16];
    int per_quarter; /* steps of a quarter */
    double tempo;    /* quarters a minute */
    int hold; /* a note that goes on is struck anew after so many steps, counted from the beginning; 1: every step */
    int hold_channel; /* of which `hold` is true; the others are struck at every step; -1: all */
} music_voice;
jd_status music_write(jd_ctx *ctx, const char *path, const music_roll *roll, const music_voice *v);

/* Notes with the probabilities p (N), each by itself. */
void music_draw(jd_rng *r, const float *p, int64_t N, uint8_t *on);
/* One of N notes or none, where at most one can sound: none has what the notes leave of 1.  With `r` NULL the likeliest.
 * Returns the note, or -1. */
int music_draw_one(jd_rng *r, const float *p, int64_t N, double temperature);

/* One track of a timeline: rows by pitch, low notes at the bottom; values (T,N), columns first .. first + n - 1. */
void music_show(jd_ctx *ctx, jd_timeline *t, const char *label, const float *values, int64_t T, int64_t N,
                int64_t first, int64_t n, double y0, const char *const *names, double height);
void music_show_roll(jd_ctx *ctx, jd_timeline *t, const char *label, const music_roll *roll, int64_t begin,
                     int64_t steps, int64_t first, int64_t n, double y0, const char *const *names, double height);

#endif
