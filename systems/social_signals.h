/* social_signals.h - parts of the system social-signals: generated recordings with laughter and fillers, and the report. */
#ifndef SOCIAL_SIGNALS_H
#define SOCIAL_SIGNALS_H

#include "claims.h"
#include "frames.h"
#include "jackdaw/audio.h"

enum { SOCIAL_RATE = 8000, SOCIAL_SHIFT = 10 /* ms */, SOCIAL_MELS = 26, SOCIAL_SEEDS = 10 };
enum { SOCIAL_GARBAGE, SOCIAL_LAUGHTER, SOCIAL_FILLER, SOCIAL_CLASSES };
enum { SOCIAL_DEEP, SOCIAL_SHALLOW, SOCIAL_ONE_WAY, SOCIAL_NETS };
extern const char *const social_nets[SOCIAL_NETS], *const social_classes[SOCIAL_CLASSES];

/* Words, laughs, fillers, other breaths and vowels one after the other in white noise, 10 dB below.  `kind` (count) says
 * of every sample which class it belongs to. */
typedef struct social_clip {
    jd_sound sound;
    uint8_t *kind;
} social_clip;
/* `words`: recordings at 8 kHz to draw from, or NULL: generated speech (phones.h). */
jd_status social_make(jd_ctx *ctx, const jd_speech *words, double seconds, jd_rng *r, social_clip *out);
void social_clip_free(jd_ctx *ctx, social_clip *c);
/* n clips of a stream as 26 log mel filters every 10 ms, and the class in the middle of each frame. */
jd_status social_set(jd_ctx *ctx, const jd_speech *words, double seconds, uint64_t seed, const char *stream, size_t n,
                     frames_set *out);

typedef struct social_seed {
    frames_net net[SOCIAL_NETS];
    double auc[SOCIAL_NETS][SOCIAL_CLASSES], uaauc[SOCIAL_NETS]; /* of laughter and filler; their mean; % */
} social_seed;

enum { SOCIAL_POINTS = 200 };
/* Of the first seed: a test clip, what each net says of it, and ROC curves over all test clips. */
typedef struct social_shown {
    social_clip clip;
    int64_t T;
    float *mel, *said[SOCIAL_NETS]; /* (T,26), (T,3) */
    double miss[SOCIAL_NETS][SOCIAL_CLASSES][SOCIAL_POINTS], alarm[SOCIAL_NETS][SOCIAL_CLASSES][SOCIAL_POINTS]; /* % */
} social_shown;
void social_report(jd_run *r, const social_seed *s, int seeds, const social_shown *k, const claims *c);

#endif
