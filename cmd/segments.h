/* segments.h - nets that say of every pixel what it is (trained from masks): their figures, and what a report shows. */
#ifndef JD_CMD_SEGMENTS_H
#define JD_CMD_SEGMENTS_H

#include "masks.h"

typedef struct segments_score {
    int64_t *confusion; /* (K,K): row true, column answered, in pixels */
    double error;       /* % of wrong pixels */
    double iou;         /* mean over the classes that occur */
} segments_score;

/* Intersection over union, and Dice's coefficient, of class k; NaN where neither truth nor answer has it. */
double segments_iou(const segments_score *s, int classes, int k);
double segments_dice(const segments_score *s, int classes, int k);
/* From the confusion to the rest. */
void segments_finish(segments_score *s, int classes);

/* The likeliest of the probabilities p (K). */
int segments_class(const float *p, int classes);
/* The map (H,W,K) of a picture, the mean of the model's nets, for jd_free. */
float *segments_map(jd_ctx *ctx, jd_scanner *const *scan, const model *m, const masked *p);
/* All pictures index[0..n-1] (NULL: the first n).  `r`, which may be NULL, is told of the progress. */
jd_status segments_measure(jd_ctx *ctx, jd_scanner *const *scan, const model *m, const masks *set,
                           const uint32_t *index, size_t n, jd_run *r, segments_score *out);
void segments_free(jd_ctx *ctx, segments_score *s);

/* Writes each pixel's likeliest class of a map (H,W,K) as a picture of the values that the masks had, in colours where these were
 * colours; of `objects`, black and white. */
jd_status segments_write(jd_ctx *ctx, const model *m, bool objects, const float *map, int height, int width,
                         const char *path);

/* Confusion, figures of the classes, and some pictures beside truth and answer. */
jd_status segments_report(jd_ctx *ctx, jd_report *rep, jd_scanner *const *scan, const model *m, const masks *set,
                          const uint32_t *index, size_t n, const segments_score *s);

/* What the model's file says of its masks' values. */
masks_kind segments_kind(jd_ctx *ctx, const char *path);

#endif
