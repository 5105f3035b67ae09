/*
 * speech.h - parts of the spoken digit systems: recordings to feature vectors, and ragged batches of them.
 *
 * A bag holds sequences: recordings whose features are computed anew for every use with random changes (pitch, tempo,
 * noise), or features computed once.  Features: every second frame (20 ms) of 12 cepstra and log energy with first and
 * second differences, 39 in all; see speech_hear for the mean that is
 * taken off; each dimension is divided by its deviation over the training set.
 */
#ifndef SPEECH_H
#define SPEECH_H

#include "jackdaw/audio.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum {
    SPEECH_WIDTH = 39,
    SPEECH_MELS = 26,
    SPEECH_SKIP = 2,    /* frames of 10 ms a network step */
    SPEECH_PRIOR = 40,  /* frames */
    SPEECH_TEMPOS = 5,  /* front ends with frame shifts of 8.5 to 11.5 ms */
    SPEECH_LABELS = 8,  /* of a string of digits, at most */
    SPEECH_PAD = 16,    /* lengths of batches are multiples of it, so that few shapes are traced */
    SPEECH_CLASSES = 10 /* digits; label 10 is the blank of strings */
};

/* Makes features; one for each thread that works. */
typedef struct speech_ear {
    jd_ctx *ctx;
    int rate;
    jd_ear *ear[SPEECH_TEMPOS];
    const float *frames; /* of the last recording, in its ear */
    float *samples;      /* scratch */
    size_t samples_room;
} speech_ear;
jd_status speech_ear_open(jd_ctx *ctx, int rate, speech_ear *ear);
void speech_ear_close(speech_ear *ear);
/* Features of a recording into ear->frames, before normalisation over the training set: returns the steps, or 0 and an
 * error.  Of the recording's own mean the share frames / (frames + SPEECH_PRIOR) is taken off: the mean of a long string
 * tells of the microphone and the voice, that of a short word also of the word.  `change` NULL: as it is; otherwise the
 * source of the random changes, of the given strength (1: usual). */
int32_t speech_hear(speech_ear *ear, const float *samples, size_t count, jd_rng *change, double strength);

typedef struct speech_item {
    const float *wave; /* (count), or NULL: the bag makes it again */
    size_t count;
    float *x;      /* (steps, 39) without changes */
    int32_t steps; /* of x */
    const int32_t *labels;
    int32_t labels_n;
    int speaker;
} speech_item;

typedef struct speech_bag {
    jd_ctx *ctx;
    speech_item *items;
    size_t n;
    int32_t most_labels;
    int32_t *label_room;
    float mean[SPEECH_WIDTH], deviation[SPEECH_WIDTH]; /* of the training set */
    const jd_speech *source;                           /* of strings: made again for each use with changes */
    jd_digits_options how;
    uint64_t seed;
} speech_bag;
/* A recording and what is said in it. */
typedef struct speech_take {
    const float *wave; /* must outlive the bag */
    size_t count;
    const int32_t *labels; /* are copied */
    int32_t labels_n;
    int speaker;
} speech_take;
jd_status speech_bag_takes(speech_ear *ear, const speech_take *takes, size_t n, speech_bag *out);
/* The bag's waves are those of `speech`, which must outlive it. */
jd_status speech_bag_words(speech_ear *ear, const jd_speech *speech, speech_bag *out);
/* Strings 0 .. n - 1 under `seed`; their waves are not kept. */
jd_status speech_bag_strings(jd_run *r, speech_ear *ear, const jd_speech *speech, const jd_digits_options *o,
                             uint64_t seed, size_t n, speech_bag *out);
void speech_bag_free(speech_bag *bag);
/* Records what the program needs to use the model that is saved: how it hears, the net in the network language (layers.h)
 * with the names of its parameters, and what its outputs stand for: an alphabet for CTC, or the names of classes. */
void speech_describe(jd_run *r, int rate, const speech_bag *train, const char *net, const char *alphabet,
                     const char *const *class_names, int classes);
/* Fits mean and deviation on `train` and normalises the fixed features of all bags with them. */
jd_status speech_normalise(speech_bag *train, speech_bag *const *others, int n);

/* One batch in memory: x (T,B,39), length (B), labels (B,U), label_length (B). */
typedef struct speech_batch {
    int64_t T, B, U;
    float *x;
    size_t room; /* floats in x */
    int32_t *length, *labels, *label_length;
} speech_batch;
void speech_batch_free(jd_ctx *ctx, speech_batch *b);

/* Batches of training without end: an epoch after the other, sequences of similar length together. */
typedef struct speech_feed {
    const speech_bag *bag;
    speech_ear *ear; /* NULL: always the fixed features */
    uint64_t seed;
    double strength;  /* of the random changes */
    bool short_first; /* the first epoch runs from the shortest to the longest */
    size_t batch, per_epoch;
    int64_t epoch; /* the one that `order` holds */
    jd_batches order;
    speech_batch *slots;
    int slots_n;
} speech_feed;
jd_status speech_feed_open(jd_ctx *ctx, const speech_bag *bag, speech_ear *ear, uint64_t seed, size_t batch, int slots,
                           speech_feed *out);
void speech_feed_close(jd_ctx *ctx, speech_feed *feed);
/* For jd_train's `batch`: inputs x, length, labels, label_length; called by one thread at a time.  Returns 4, or 0. */
int speech_feed_next(speech_feed *feed, int64_t step, int slot, jd_tensor *in);
/* Items index[0..n-1] with their fixed features. */
jd_status speech_batch_fill(const speech_bag *bag, const uint32_t *index, size_t n, speech_batch *b);
int speech_batch_inputs(const speech_batch *b, jd_tensor *in);

/* ---- the experiments ------------------------------------------------------------------------------------------------ */

typedef struct speech_words_result {
    double accuracy; /* % */
    int64_t confusion[SPEECH_CLASSES * SPEECH_CLASSES];
    int64_t count;
    double seconds;
} speech_words_result;
/* Isolated digits: trains on one bag, tests on another.  `name` stands in logs: "words", "unseen-theo".  `setting` names
 * the setting with the number of epochs. */
jd_status speech_words(jd_run *r, const char *name, const char *setting, const speech_bag *train,
                       const speech_bag *test, speech_ear *ear, speech_words_result *out);

typedef struct speech_strings_result {
    double error; /* label error rate, % */
    double beam;  /* the same error by prefix beam search, % */
    double whole; /* strings without any error, % */
    int64_t labels, substitutions, insertions, deletions;
    int64_t weights;
    double seconds;
} speech_strings_result;
typedef struct speech_strings_options {
    const char *name; /* in logs */
    bool one_way;     /* an LSTM forwards in time only, with as many cells */
    bool show;        /* puts figures of single strings into the report, and saves the model */
    const speech_bag *train, *test;
    speech_ear *ear; /* to hear the training strings changed; NULL: as they are */
} speech_strings_options;
jd_status speech_strings(jd_run *r, const speech_strings_options *o, speech_strings_result *out);

/* Figures (speech_report.c).  All copy what they are given. */
typedef struct speech_trace {
    const speech_item *item;
    const jd_digits *wave;
    const float *logits; /* (steps,11) */
    const float *gates;  /* (steps,4H) of one layer, i f z o */
    const float *cells;  /* (steps,H) */
    size_t units;        /* H */
    const int32_t *found;
    size_t found_n;
} speech_trace;
void speech_show_string(jd_run *r, const speech_trace *t);
void speech_show_cells(jd_run *r, const speech_trace *t);
/* Log mel spectrum (T,F) of a waveform, a frame every 5 ms, in dB under its loudest value, at least -60; for jd_free. */
float *speech_spectrogram(jd_ctx *ctx, const float *samples, size_t count, int rate, size_t *T, size_t *F);

#endif
