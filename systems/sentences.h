/*
 * sentences.h - parts of the system speech-sentences: recorded prompts with their texts as characters.
 */
#ifndef SENTENCES_H
#define SENTENCES_H

#include "speech.h"

enum { SENTENCES_LETTERS = 28, SENTENCES_K = SENTENCES_LETTERS + 1, SENTENCES_BLANK = SENTENCES_LETTERS };
/* Label k is letter k of this: a blank between words, a to z, the apostrophe. */
#define SENTENCES_ALPHABET " abcdefghijklmnopqrstuvwxyz'"

/* What is said: small letters, apostrophes and single blanks; remarks in brackets and punctuation go, single digits become
 * words.  NULL, without an error, where something is left that is read aloud in an unknown way (1234, #, H.323).  For
 * jd_free. */
char *sentences_normalise(jd_ctx *ctx, const char *text);
/* Labels of a normalised text; returns their number. */
int32_t sentences_labels(const char *text, int32_t *out);
/* Labels as text; `out` has room for n + 1 characters. */
void sentences_text(const int32_t *labels, size_t n, char *out);

/* Number k + 1 for each word, alike for words that are alike in both texts; returns how many.  For word errors. */
size_t sentences_words(const int32_t *labels, size_t n, int32_t *out);

typedef enum sentences_part { SENTENCES_TRAIN, SENTENCES_VALID, SENTENCES_TEST, SENTENCES_PARTS } sentences_part;

typedef struct sentence {
    const char *file; /* of the table */
    char *text;       /* normalised */
    jd_sound sound;
    sentences_part part;
} sentence;

typedef struct sentences {
    jd_ctx *ctx;
    jd_tsv table;
    sentence *items;
    size_t n, unreadable, implausible;
    int rate;
} sentences;
/* Reads the table `transcripts` (columns wav or file, and text) and the recordings it names below `folder`.  Left out, and counted,
 * are texts that cannot be normalised and those with under 1 or over 25 characters a second, which do not belong to their
 * recording.  Prompts of one text always come into the same part; a tenth validates, a fifth tests: which ones depends on
 * `seed`.  Errors: JD_ENOINPUT names the folder and the package that has it. */
jd_status sentences_read(jd_run *r, const char *transcripts, const char *folder, uint64_t seed, sentences *out);
void sentences_free(sentences *s);

#endif
