/* speech_synthesis.h - parts of the system speech-synthesis: figures of a net, and what the report shows. */
#ifndef SPEECH_SYNTHESIS_H
#define SPEECH_SYNTHESIS_H

#include "claims.h"
#include "frames.h"
#include "phones.h"

enum {
    SPEECH_CONTEXT = 2,
    SPEECH_STEP = 5 /* ms */,
    SPEECH_SEEDS = 10,
    SPEECH_SOUNDS = 2 /* sentences as sound files */
};
enum { SPEECH_BLSTM, SPEECH_DNN, SPEECH_NETS };

typedef struct speech_score {
    double rmse[PHONES_TRACKS]; /* of formants in Hz, of the amplitude, of F0 in Hz where there is voice */
    double formants;            /* root mean square over the three, Hz */
    double pitch;               /* correlation of F0 over the voiced frames of a sentence, mean over sentences */
    double voice;               /* frames with the wrong voice, % */
} speech_score;
void speech_judge(const frames_set *test, float *const *said, speech_score *s);

typedef struct speech_seed {
    frames_net net[SPEECH_NETS];
    speech_score score[SPEECH_NETS];
} speech_seed;

/* The first test sentences of the first seed: tracks [sentence][target, then what each net says] (T,PHONES_TRACKS). */
typedef struct speech_shown {
    phones_sentence sentence[SPEECH_SOUNDS];
    int64_t T[SPEECH_SOUNDS];
    float *track[SPEECH_SOUNDS][SPEECH_NETS + 1];
    int sounds;  /* files written whose samples are all numbers */
    double peak; /* largest sample of all */
} speech_shown;

/* Keeps what net `net` says, of the first net the targets too, and writes the sound files. */
void speech_keep(jd_run *r, speech_shown *k, const frames_set *test, const phones_sentence *s, float *const *said,
                 int net);
void speech_forget(jd_ctx *ctx, speech_shown *k);
void speech_report(jd_run *r, const speech_seed *s, int seeds, const speech_shown *k, const claims *c);

#endif
