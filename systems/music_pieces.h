/*
 * music_pieces.h - pieces of music as tables of steps and notes.
 *
 *     pieces train = {0};
 *     pieces_read(run, "train", &train);
 */
#ifndef MUSIC_PIECES_H
#define MUSIC_PIECES_H

#include "jackdaw/system.h"

enum { PIECES_NOTES = 88, PIECES_LOWEST = 21 }; /* the keys of a piano */

typedef struct song {
    int32_t steps;
    uint8_t *on; /* (steps,PIECES_NOTES) */
} song;

typedef struct pieces {
    size_t n;
    song *items;
    uint8_t *memory;
    int64_t steps; /* in all */
} pieces;

/* The part "train", "valid" or "test" of what --data names, or of the set jsb_chorales: of quarter.PART.txt, of
 * jsb-chorales-quarter.json, or of the MIDI files in a folder PART. */
jd_status pieces_read(jd_run *r, const char *part, pieces *out);
void pieces_free(jd_ctx *ctx, pieces *p);

#endif
