/*
 * curiosity_channels.h - channels to listen to, one at a time, and a small LSTM that compresses what was heard; the reward
 * is compression progress (J. Schmidhuber, Connection Science 18:173-187, 2006; IEEE TAMD 2:230-247, 2010).
 */
#ifndef CURIOSITY_CHANNELS_H
#define CURIOSITY_CHANNELS_H

#include "jackdaw/system.h"

/* All channels speak in the same 32 symbols.  There may be more than one of a kind, with other parameters. */
enum { CC_SYMBOLS = 32, CC_CHANNELS = 16, CC_KINDS = 5 };
typedef enum cc_kind {
    CC_CONSTANT, /* one symbol */
    CC_SINE,     /* a sine, in 32 steps */
    CC_AR,       /* an autoregressive process of fourth order, in 32 steps over +-3 standard deviations */
    CC_TEXT,     /* English: 26 letters, space and five marks */
    CC_NOISE     /* all symbols alike */
} cc_kind;
typedef struct cc_channel {
    cc_kind kind;
    double phase, step;       /* of the sine */
    double past[4], a[4], sd; /* of the process: x = a0 x(t-1) + ... + noise; its standard deviation */
    size_t at;                /* in the text */
    int symbol;               /* of the constant channel */
    jd_rng chance;
} cc_channel;
/* Channel `number` is of kind number % 5 and variant number / 5. */
void cc_channel_new(cc_channel *c, int number, uint64_t seed);
int cc_channel_next(cc_channel *c); /* 0..31 */
const char *cc_kind_name(cc_kind kind);

/* ---- the experiment --------------------------------------------------------------------------------------------------------*/

/* Blocks of the curves; most seeds; choosers: by progress, and, in the first seeds, by error. */
enum { CC_BLOCKS = 100, CC_SEEDS = 30, CC_CHOOSERS = 2, CC_ERROR_SEEDS = 2 };
enum { CC_PROGRESS, CC_ERROR };
typedef struct cc_result {
    int seeds, channels, visits;
    double *share[CC_CHOOSERS]; /* (seeds, channels, CC_BLOCKS): of the visits */
    double
        *bits[CC_CHOOSERS]; /* (seeds, channels, CC_BLOCKS): code length per symbol of what comes, NaN where unheard */
    double *chosen;         /* (seeds, channels, CC_BLOCKS): visits by progress, without those to any channel */
    /* Per seed and kind: the visit by which it had got half, and four fifths, of those; 0 without any. */
    double half[CC_SEEDS][CC_KINDS], left[CC_SEEDS][CC_KINDS];
} cc_result;
/* false: stopped, or an error. */
bool cc_run(jd_run *r, cc_result *c);
void cc_result_free(jd_ctx *ctx, cc_result *c);
bool cc_in_order(const cc_result *c, int seed); /* constant, sine, process, text */
void cc_draw(jd_run *r, const cc_result *c);

#endif
