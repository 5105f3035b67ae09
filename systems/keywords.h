/*
 * keywords.h - parts of the keyword spotter: the clips of Speech Commands by speaker, and the figures.
 */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include "speech.h"

enum { KEYWORDS_CLASSES = 12, KEYWORDS_SILENCE = 10, KEYWORDS_UNKNOWN = 11 };
extern const char *const keywords_names[KEYWORDS_CLASSES]; /* ten words, silence, unknown */

/* Clips with .digit = the class.  No speaker is in two of the three parts. */
typedef struct keywords_data {
    jd_speech train, valid, test;
    int speakers[3];
} keywords_data;
/* Reads the clips of "speech_commands12", or of the folder that --data names: those that its index.tsv lists, or Speech Commands
 * as it is distributed (testing_list.txt, validation_list.txt, a folder for each word).  Where the index names none to
 * validate on, `held_out` speakers of the training part, the same for every seed, and as large a share of the clips without a
 * speaker, are taken for it. */
jd_status keywords_load(jd_run *r, int held_out, keywords_data *out);
void keywords_free(jd_ctx *ctx, keywords_data *d);

/* The table of the clips of a folder as it is distributed: file, word, speaker, split (train, valid, test) and the second at
 * which a piece of a longer recording begins (below 0: the whole).  Of unknown words as many clips are taken as one word has,
 * about; silence is cut from the recordings of noise. */
enum { KEYWORDS_COLUMNS = 5 };
jd_status keywords_list_folder(jd_ctx *ctx, const char *dir, jd_tsv *out);

typedef struct keywords_trace {
    const jd_utterance *clip;
    const float *logits; /* (steps,12): what the network says of each step */
    size_t steps;
    int found;
    double confidence; /* its probability */
} keywords_trace;
/* Spectrogram, and the posterior under it. */
void keywords_show(jd_run *r, int rate, const keywords_trace *t);

/* p (n,12): probabilities for each clip.  Draws the share of keywords missed against false alarms on other sounds. */
void keywords_show_alarms(jd_run *r, const jd_speech *test, const float *p);
/* Share of keywords (%) that are found and named rightly at the threshold at which so large a share of the other clips
 * (%) gives a false alarm. */
double keywords_found(const jd_speech *test, const float *p, double false_alarms);

#endif
