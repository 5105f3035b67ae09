/*
 * metrics.h - how good a segmentation, a detection, a translation or a parse is, by the definitions of the contests.
 *
 * Membranes (ISBI 2012; Arganda-Carreras et al., Frontiers in Neuroanatomy 9:142, 2015): truth and proposal are split into
 * 4-connected objects of inside pixels, and only pixels that the truth puts inside an object count.
 *
 *     jd_membrane_score s;                                        // inside (n,H,W) 0 or 1, map (n,H,W) in [0,1]
 *     jd_score_membranes(ctx, &(jd_membranes){ n, 512, 512, inside, map, .thin = true }, &s);
 *     printf("V_Rand %.4f at %.1f\n", s.rand, s.rand_threshold);
 *
 * Detections (ICPR 2012): peaks of a map, each at most once right; boxes, and their average precision.
 *
 * Rankings: the area under the ROC curve.
 */
#ifndef JACKDAW_METRICS_H
#define JACKDAW_METRICS_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- partitions --------------------------------------------------------------------------------------------------------*/

/* label (H,W): 0 where `inside` is 0, else 1 .. *count by the 4-connected object, numbered by their first pixels. */
JD_API jd_status jd_label_objects(jd_ctx *ctx, const uint8_t *inside, int64_t H, int64_t W, int32_t *label,
                                  int32_t *count);
/* Floods the pixels labelled 0 from the objects, nearest first, 4-connected; those between two objects stay 0, which
 * leaves lines one pixel wide. */
JD_API jd_status jd_label_thin(jd_ctx *ctx, int32_t *label, int64_t H, int64_t W);

/* How two partitions agree on the pixels where truth > 0.  With p_ij the share of those pixels in truth object i and found
 * object j, a pixel with found 0 being an object of its own, and s, t the objects' shares in `found` and `truth`:
 *     rand_split = sum p_ij^2 / sum t_i^2     rand_merge = sum p_ij^2 / sum s_j^2     rand: their harmonic mean, V_Rand
 *     info_split = I(s,t) / H(s)              info_merge = I(s,t) / H(t)              info: likewise, V_info
 * Splits lower the first of a pair, mergers the second; 1 is perfect.  The Rand error of 2012 is 1 - rand.  Labels are 0 to
 * JD_MAX_LABEL. */
#define JD_MAX_LABEL 0x3ffffff
typedef struct jd_partition_score {
    double rand, rand_split, rand_merge;
    double info, info_split, info_merge;
} jd_partition_score;
/* Errors: JD_EUSAGE (labels out of range, no truth pixel). */
JD_API jd_status jd_compare_partitions(jd_ctx *ctx, const int32_t *truth, const int32_t *found, size_t n,
                                       jd_partition_score *out);

/* ---- membranes ---------------------------------------------------------------------------------------------------------*/

enum { JD_MEMBRANE_STEPS = 100 };
typedef struct jd_membranes {
    int64_t slices, H, W;
    const uint8_t *inside; /* truth (slices,H,W): 0 membrane, else inside */
    const float *map;      /* (slices,H,W): probability of inside */
    bool thin;             /* thin the proposal's membranes before comparing: V_Rand(thin) */
    int steps; /* thresholds 0, 1/steps .. 1; 0 means 10, at most JD_MEMBRANE_STEPS.  Inside is map > threshold */
} jd_membranes;
typedef struct jd_membrane_score {
    double rand, rand_threshold, info, info_threshold; /* means over the slices at the best threshold */
    int steps;
    jd_partition_score at[JD_MEMBRANE_STEPS + 1]; /* means over the slices at each threshold */
} jd_membrane_score;
JD_API jd_status jd_score_membranes(jd_ctx *ctx, const jd_membranes *m, jd_membrane_score *out);

/* Pixel errors of a map: all readings of the contest's "pixel error". */
typedef struct jd_pixel_score {
    double square;           /* mean of (truth - map)^2 */
    double wrong, threshold; /* least share of wrong pixels over the thresholds 0, 0.01 .. 1, and where */
    double half;             /* share of wrong pixels at threshold 0.5 */
    double similarity;       /* largest F of the inside pixels over the thresholds; the error is 1 - it */
} jd_pixel_score;
JD_API jd_status jd_score_pixels(jd_ctx *ctx, const uint8_t *inside, const float *map, size_t n, jd_pixel_score *out);

/* Warping error (Jain et al., CVPR 2010): the truth is flipped towards the proposal (map > threshold) pixel by pixel where
 * that keeps the topology of 4-connected objects, the surest pixels first, until nothing changes; *out is the share of
 * pixels that still differ.  The contest counts of these only those that split or merge objects. */
JD_API jd_status jd_warping_error(jd_ctx *ctx, const uint8_t *inside, const float *map, int64_t H, int64_t W,
                                  double threshold, double *out);

/* ---- detections --------------------------------------------------------------------------------------------------------*/

typedef struct jd_point {
    float y, x;
    float score; /* of a detection */
} jd_point;

/* The mean of each pixel's surroundings within `radius`, of those that lie in the image.  out != map. */
JD_API jd_status jd_disk_mean(jd_ctx *ctx, const float *map, int64_t H, int64_t W, double radius, float *out);
/* Non-maximum suppression: takes the largest value (the first of equals), drops all pixels within `radius`, and so on
 * while values are >= threshold.  Points in that order to *out, to be given to jd_free. */
JD_API jd_status jd_find_peaks(jd_ctx *ctx, const float *map, int64_t H, int64_t W, double radius, double threshold,
                               jd_point **out, size_t *n);

typedef struct jd_detection_score {
    int64_t right, wrong, missed; /* true positives, false positives, false negatives */
    double precision, recall, f1; /* 0 where nothing was found or nothing is there */
} jd_detection_score;
/* Detections against the truth of one image: pairs within `radius`, nearest first, each point in at most one pair.  match,
 * if not NULL, becomes for each detection its truth's index or -1. */
JD_API jd_status jd_match_points(jd_ctx *ctx, const jd_point *truth, size_t truths, const jd_point *found, size_t n,
                                 double radius, jd_detection_score *out, int32_t *match);
/* Counts of several images as one: precision, recall and f1 from the sums. */
JD_API void jd_detection_add(jd_detection_score *sum, const jd_detection_score *one);

/* ---- boxes -------------------------------------------------------------------------------------------------------------*/

typedef struct jd_box {
    float y0, x0, y1, x1;
    float score;   /* of a detection */
    int32_t label; /* its class */
    int32_t image; /* boxes of different images have nothing to do with each other */
} jd_box;
/* Intersection over union, 0 to 1. */
JD_API double jd_box_overlap(const jd_box *a, const jd_box *b);
/* Greedy non-maximum suppression: sorts by score and drops every box that overlaps one that is kept, of any class, by more than
 * `most`.  Returns how many are left, at the front. */
JD_API size_t jd_box_suppress(jd_box *box, size_t n, double most);
/* Soft suppression (Bodla, Singh, Chellappa, Davis, ICCV 2017): the surest box stays as it is, and the scores of all others, of
 * any class, are multiplied by exp(-overlap^2 / spread), their overlap with it; then the surest of those, and so on, down to the
 * score `least`.  What was second best at a place is so kept, behind all that nothing speaks against.  The paper's spread is 0.5.
 * Sorts by the new scores and returns how many are left, at the front. */
JD_API size_t jd_box_soften(jd_box *box, size_t n, double spread, double least);
/* Average precision (Everingham et al., IJCV 88, 2010; the area of 2010, at all points): in the order of their scores, each
 * detection of class `label` (-1: of all together) is right if it overlaps a truth of its class that is still free by at least
 * `least`, and takes the one that it overlaps most; precision is the best at this recall or beyond.  `recall` and `precision`, if
 * not NULL, become the curve (found).  NaN where there is no truth, and on lack of memory. */
JD_API double jd_average_precision(jd_ctx *ctx, const jd_box *truth, size_t truths, const jd_box *found, size_t n,
                                   int32_t label, double least, double *recall, double *precision);

/* ---- texts ---------------------------------------------------------------------------------------------------------------*/

/* BLEU (Papineni, Roukos, Ward, Zhu, ACL 2002) of a corpus: the geometric mean over n of the shares of n-grams that are right,
 * each counted at most as often as one reference has it, times exp(1 - r/c) where the texts have c < r words; r adds up the
 * lengths of the references nearest to each text (of two as near, the shorter).  As multi-bleu.perl, without smoothing.
 *
 *     jd_bleu b = {0};
 *     jd_bleu_add(&b, found, found_n, &(jd_text){truth, truth_n}, 1);         // for each sentence
 *     printf("BLEU %.2f\n", 100 * jd_bleu_score(&b, 4)); */
enum { JD_BLEU_MOST = 4 };
typedef struct jd_text {
    const int32_t *word; /* a number for each word, alike for words that are alike */
    size_t count;
} jd_text;
typedef struct jd_bleu {
    uint64_t right[JD_BLEU_MOST], all[JD_BLEU_MOST]; /* n-grams, n = 1 .. 4 */
    uint64_t words, reference;                       /* c and r */
} jd_bleu;
JD_API void jd_bleu_add(jd_bleu *b, const int32_t *word, size_t n, const jd_text *reference, size_t references);
/* In [0,1], of n-grams up to `order`, 1 to JD_BLEU_MOST. */
JD_API double jd_bleu_score(const jd_bleu *b, int order);

/* Labelled brackets of parse trees (Black et al., Speech and Natural Language Workshop 1991; as EVALB counts): a bracket is
 * right if the truth has one of its label over the same words, each of which counts once. */
typedef struct jd_bracket {
    int32_t label, first, last; /* words */
} jd_bracket;
typedef struct jd_bracket_score {
    uint64_t right, found, truth;
} jd_bracket_score;
JD_API void jd_bracket_add(jd_bracket_score *s, const jd_bracket *truth, size_t n, const jd_bracket *found, size_t m);
/* 2 right / (found + truth), in [0,1]; 0 where there are none. */
JD_API double jd_bracket_f1(const jd_bracket_score *s);

/* ---- ranking -----------------------------------------------------------------------------------------------------------*/

/* The area under the ROC curve: the probability that a positive sample has a higher score than a negative one, ties counting
 * one half (Mann and Whitney 1947).  NaN where all are positive or none is.  Errors: JD_EDIVERGED (a score that is NaN), no
 * memory; then NaN too. */
JD_API double jd_auc(jd_ctx *ctx, const float *score, const uint8_t *positive, size_t n);

#ifdef __cplusplus
}
#endif
#endif
