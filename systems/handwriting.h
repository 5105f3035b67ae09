/*
 * handwriting.h - parts of the handwriting systems: samples with their labels, and ragged batches of frames.
 *
 * A bag is one part of the data: ink, the labels of its texts in an alphabet, and the frames of each sample as it is.
 * Training reads the ink anew for every use, with small changes of the hand (jd_ink_frames).
 */
#ifndef HANDWRITING_H
#define HANDWRITING_H

#include "jackdaw/decode.h"
#include "jackdaw/ink.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum {
    HAND_CHARS = 256, /* characters of an alphabet, at most */
    HAND_INPUTS = 6,
    HAND_PAD = 16 /* lengths of batches are multiples of it, so that few shapes are traced */
};

/* The characters of the training texts, by code point; label i is code[i], label n is the blank. */
typedef struct hand_alphabet {
    uint32_t code[HAND_CHARS];
    char name[HAND_CHARS + 1][8]; /* UTF-8; the blank's is "-" */
    int n;
} hand_alphabet;

typedef struct hand_item {
    const jd_ink_sample *ink;
    const int32_t *labels; /* a character that is not in the alphabet is n + 1, which no net can say */
    int32_t labels_n, steps;
    const float *x; /* (steps, width) without changes, or NULL */
    bool seen;      /* its text is also in training */
} hand_item;

typedef struct hand_bag {
    jd_ctx *ctx;
    jd_ink ink;
    hand_item *items;
    size_t n;
    size_t width;
    int per; /* frames that become one step of the output */
    int32_t most_labels;
    size_t dropped; /* samples with fewer frames than their labels need */
    int32_t *label_room;
    float **frames; /* one block for each item, or NULL */
    /* Where there is no ink: puts the frames of an item into x (steps,width); they are the same each time. */
    void (*make)(void *source, uint32_t index, float *x);
    void *source;
} hand_bag;

/* What a folder holds: the tables of the set unipen, or the files of IAM-OnDB (lineStrokes/, ascii/, lists of forms) or UNIPEN (data/,
 * include/) as they are distributed. */
typedef enum hand_set { HAND_TABLES, HAND_IAM, HAND_UNIPEN } hand_set;
hand_set hand_set_in(const char *dir);
/* Part 0 to train, 1 to validate, 2 to test of such files: lines of IAM-OnDB by its lists of forms, else drawn by form; words or lines of
 * UNIPEN (data/6, data/8) drawn by writer.  `r` may be NULL. */
jd_status hand_load_folder(jd_ctx *ctx, jd_run *r, const char *dir, hand_set set, bool lines, int part, jd_ink *out);

/* Adds the characters of the ink's texts.  Errors: JD_EDATA (too many characters, no UTF-8). */
jd_status hand_alphabet_add(jd_ctx *ctx, const jd_ink *ink, hand_alphabet *a);
/* The first `n` samples (0: all) of unipen's `part`; with `keep`, their frames; with `drop`, without those that have too
 * few frames for CTC. */
typedef struct hand_bag_options {
    const char *part;
    size_t n;
    int per;
    bool keep, drop;
} hand_bag_options;
jd_status hand_bag_open(jd_run *r, jd_ink_reader *reader, const hand_alphabet *a, jd_ink *ink,
                        const hand_bag_options *o, hand_bag *out);
void hand_bag_close(hand_bag *bag);
/* Marks the items of `bag` whose text is in `train`. */
jd_status hand_mark_seen(const hand_bag *train, hand_bag *bag);

/* One batch in memory: x (T,B,width), length (B), steps (B): lengths of the output, size (B,2): width and length, labels
 * (B,U), label_length (B). */
typedef struct hand_batch {
    int64_t T, B, U, width;
    int per;
    float *x;
    size_t x_room, rows_room, labels_room;
    int32_t *length, *steps, *size, *labels, *label_length;
} hand_batch;
void hand_batch_free(jd_ctx *ctx, hand_batch *b);
jd_status hand_batch_fill(const hand_bag *bag, const uint32_t *index, size_t n, hand_batch *b);
int hand_batch_inputs(const hand_batch *b, jd_tensor *in); /* HAND_INPUTS, without labels the first 4 */

/* Batches of training without end, for jd_train's `batch`; called by one thread at a time. */
typedef struct hand_feed {
    const hand_bag *bag;
    jd_ink_reader *reader;
    uint64_t seed;
    double strength;
    size_t batch, per_epoch;
    int64_t epoch;
    jd_batches order;
    hand_batch *slots;
    int slots_n;
} hand_feed;
jd_status hand_feed_open(const hand_bag *bag, jd_ink_reader *reader, uint64_t seed, size_t batch, double strength,
                         int slots, hand_feed *out);
void hand_feed_close(hand_feed *feed);
int hand_feed_next(hand_feed *feed, int64_t step, int slot, jd_tensor *in); /* HAND_INPUTS, or 0 */

/* ---- results -------------------------------------------------------------------------------------------------------- */

/* Of one part of the data, or of the samples whose texts were seen in training, or were not. */
typedef struct hand_score {
    int64_t samples, right; /* right: without any error */
    int64_t labels, errors; /* characters */
    int64_t words, word_errors;
    int64_t substitutions, insertions, deletions;
    int64_t caseless; /* characters wrong where capitals and small letters are the same */
} hand_score;
static inline double hand_cer(const hand_score *s)
{
    return s->labels ? 100.0 * (double)s->errors / (double)s->labels : (double)NAN;
}
static inline double hand_wer(const hand_score *s)
{
    return s->words ? 100.0 * (double)s->word_errors / (double)s->words : (double)NAN;
}

/* What the net read of one item. */
typedef struct hand_reading {
    int32_t *found;
    int32_t found_n, errors;
} hand_reading;

typedef struct hand_scores {
    hand_score all, seen, unseen;
    hand_reading *readings; /* (bag->n), or NULL: not kept */
} hand_scores;
/* Room for the readings of a bag. */
jd_status hand_scores_keep(const hand_bag *bag, hand_scores *s);
void hand_scores_free(const hand_bag *bag, hand_scores *s);
/* Best paths of the items index[0..B-1] and their errors: logits (T,B,K), steps (B). */
jd_status hand_score_batch(const hand_alphabet *a, const hand_bag *bag, const uint32_t *index, size_t B,
                           const float *logits, const int32_t *steps, hand_scores *out);

/* Labels as text, cut to fit. */
void hand_text(const hand_alphabet *a, const int32_t *labels, size_t n, char *out, size_t room);

/* ---- figures (handwriting_report.c) ------------------------------------------------------------------------------------ */

/* One sample with its ink, or its picture where there is no ink, and the spikes of the net under it. */
typedef struct hand_view {
    const hand_alphabet *alphabet;
    const hand_item *item;
    const float *logits; /* (steps,K) */
    size_t steps;
    const float *places; /* (steps,2): where the pen was; of ink */
    size_t width;        /* of the item's frames */
    const hand_reading *reading;
} hand_view;
void hand_show(jd_run *r, const hand_view *v, const char *what);
/* The readings with the most errors, at most `n`. */
void hand_show_worst(jd_run *r, const hand_alphabet *a, const hand_bag *bag, const hand_scores *s, size_t n,
                     const char *caption);
/* One line for each of n results: seen, unseen and all texts. */
typedef struct hand_line {
    const char *name;
    const hand_scores *scores;
} hand_line;
void hand_show_scores(jd_run *r, const hand_line *lines, size_t n, const char *caption);

/* ---- the experiment (handwriting_run.c) ------------------------------------------------------------------------------- */

/* What differs from system to system. */
typedef struct hand_net {
    char spec[400]; /* the layers before the output, for jd_net; of pictures with ink.rows */
    jd_ink_options ink;
    int per;     /* frames a step of the output */
    double gain; /* of pictures: what ink of 1 counts as for the net */
    /* Other data than UNIPEN's words and lines, or NULL.  hand_run closes the bags. */
    const char *name; /* of the data */
    jd_status (*load)(jd_run *r, void *data, hand_alphabet *a, hand_bag *train, hand_bag *valid, hand_bag *test);
    void *data;
} hand_net;
/* The settings that hand_run reads, where the data are UNIPEN's. */
#define HAND_SETTINGS                                                                                                  \
    {"samples", {3000, 0, 0}, "training words; 0: all"},                                                               \
        {"valid_samples", {400, 1000, 0}, "validation words; 0: all"},                                                 \
        {"validate", {1, 1, 1}, "epochs from one validation to the next"},                                             \
        {"test", {1, 1, 1}, "1: measure on the test writers at the end; 0: only on the validation writers"},           \
        {"change", {0.5, 1, 1}, "strength of random changes of the hand"}, {"batch", {16, 16, 32}, "words a step"},    \
        {"line_batch", {4, 4, 8}, "lines a step"},                                                                     \
    {                                                                                                                  \
        "clip", {2, 2, 2}, "largest norm of the gradient"                                                              \
    }
jd_status hand_run(jd_run *r, const hand_net *net);

#endif
