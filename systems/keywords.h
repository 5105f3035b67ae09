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
/* Reads the clips that index.tsv of "speech_commands12", or of the folder that --data names, lists; `held_out` speakers of its training part, the same for every seed, and as
 * large a share of the clips without a speaker, become the validation part. */
jd_status keywords_load(jd_run *r, int held_out, keywords_data *out);
void keywords_free(jd_ctx *ctx, keywords_data *d);

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
