/* words.h - the state of token passing. */
#ifndef JD_DECODE_WORDS_H
#define JD_DECODE_WORDS_H

#include "decode/frames.h"
#include "decode/lexicon.h"
#include "jackdaw/decode.h"

#define WORDS_NOTHING UINT32_MAX

typedef struct word_token {
    double score;
    uint32_t past; /* the record of the words before, or WORDS_NOTHING */
} word_token;

typedef struct word_record {
    uint32_t word, past;
} word_record;

/* A bigram that the model has an entry for: the word before, and weight ln p + bonus. */
typedef struct word_bigram {
    uint32_t before;
    double ln;
} word_bigram;

typedef struct word_exit {
    double score;
    uint32_t word;
} word_exit;

typedef struct word_search {
    jd_ctx *ctx;
    frames f;
    jd_words_options o;
    size_t D; /* words */

    /* weight ln p + bonus: of a word at the start; after a history without an entry; what that history costs; of the end */
    double *first, *alone, *backoff, *last;
    size_t *bigram_at; /* (D+1) */
    word_bigram *bigram;

    size_t *at;        /* (D+1): word w's segments are token[at[w]] .. */
    word_token *token; /* blank, label, blank ... of each word, with the separator as a last label if there is one */
    double *y;         /* (K): log probabilities */
    word_token *quiet, *exit; /* (D): the token in the last blank; the better of it and the one in the last label */
    word_exit *by_exit, *by_quiet;              /* (D): words sorted by the token's score and the back-off after it */
    uint32_t *stamp;                            /* (D): has a bigram to the word stamp - 1 */
    uint32_t *record_of_exit, *record_of_quiet; /* (D): records made in this frame */
    word_record *record;
    uint32_t records;
    size_t record_room;
} word_search;

/* Fills in first, alone, backoff, last and the bigrams. */
jd_status jd__words_model(word_search *s);

/* The labels of word w, the separator after them left out. */
static inline const int32_t *jd__word_labels(const word_search *s, size_t w, size_t *n)
{
    *n = s->o.lexicon->first[w + 1] - s->o.lexicon->first[w];
    return s->o.lexicon->label + s->o.lexicon->first[w];
}

#endif
