/* digit_detection.h - parts of the system digit-detection: rounds of training, what they find, and the report. */
#ifndef DIGIT_DETECTION_H
#define DIGIT_DETECTION_H

#include "claims.h"
#include "clutter.h"
#include "jackdaw/fn.h"
#include "jackdaw/scan.h"

enum { DETECT_ROUNDS = 3, DETECT_SEEDS = 5, DETECT_CLASSES = 10, DETECT_NOTHING = 10 /* the class of no digit */ };
#define DETECT_NET "conv 16 5 relu, maxpool 2, conv 32 5 relu, maxpool 2, dense 100 relu, dense 11"

/* A net and what it was trained with: each round begins anew, with the mistakes of the nets before as further examples. */
typedef struct detect_round {
    char name[48];
    jd_params *params;
    int64_t steps;
    size_t hard;                     /* mistakes to learn from */
    double ap, each[DETECT_CLASSES]; /* mean over the digits; of each, % */
    double pooled;                   /* of all digits together */
    jd_box *found;                   /* in the test pictures */
    size_t n;
} detect_round;

typedef struct detect_seed {
    detect_round round[DETECT_ROUNDS];
    jd_box *truth; /* of the test pictures */
    size_t truths;
    int64_t windows, differ; /* compared with windows cut out one by one; whose outputs differ in a bit */
    bool same_boxes;
} detect_seed;

/* Test picture i; its boxes' image is i. */
void detect_scene(uint64_t seed, const char *stream, uint64_t index, const jd_images *digits, clutter *c);
void detect_report(jd_run *r, const detect_seed *s, int seeds, const jd_images *digits, const claims *c);

#endif
