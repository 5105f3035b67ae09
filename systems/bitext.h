/*
 * bitext.h - sentences with their translations, in three parts: to learn from, held out, and to be tested on.
 *
 * Words are counted in the first part alone.  Pairs whose source also stands in another part are not learned from.
 *
 *     bitext b;
 *     bitext_read(r, &(bitext_options){.language = "fr", .words = 6000, .least = 2, .longest = 40}, &b);
 *     ... b.part[BITEXT_TRAIN], b.line[BITEXT_TEST][0].target ...
 */
#ifndef BITEXT_H
#define BITEXT_H

#include "jackdaw/train.h"
#include "seq2seq.h"
#include "vocabulary.h"

typedef enum bitext_part { BITEXT_TRAIN, BITEXT_VALID, BITEXT_TEST, BITEXT_PARTS } bitext_part;

typedef struct bitext_line {
    char *source, *target;
} bitext_line;

typedef struct bitext {
    jd_ctx *ctx;
    const char *from, *to;       /* names of the languages */
    bool official;               /* the set's own parts; else divided here */
    vocabulary *source, *target; /* words from SEQ2SEQ_WORDS on */
    seq2seq_pairs part[BITEXT_PARTS];
    bitext_line *line[BITEXT_PARTS]; /* as they were written, for each pair */
    size_t repeated, too_long;       /* pairs to learn from that were left out */
    char *text[2 * BITEXT_PARTS];    /* what the lines point into */
    double unknown[2];               /* share of the test part's words that are unknown, of either side */
} bitext;

typedef struct bitext_options {
    const char *language; /* "fr" or "de", of multi30k */
    size_t words, least;  /* most words of a vocabulary; how often a word must be there */
    size_t longest;       /* words of a sentence to learn from */
    size_t most;          /* pairs to learn from; 0: all */
    size_t most_held_out; /* pairs held out, and to be tested on; 0: all */
} bitext_options;

/* What --data names: nothing, multi30k; a folder with {train,val,test}.{source,target}; two files A,B with a comma between
 * them, translated line by line; or a file with a tab between both sides of a line.  One or two files are divided by a hash of
 * the source: 96, 2 and 2 %.  All may be gzip-ed. */
jd_status bitext_read(jd_run *r, const bitext_options *o, bitext *out);
void bitext_free(bitext *b);

#endif
