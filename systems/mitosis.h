/* mitosis.h - maps of slides, detections in maps, and the figures of the report. */
#ifndef MITOSIS_H
#define MITOSIS_H

#include "jackdaw/metrics.h"
#include "jackdaw/scan.h"
#include "jackdaw/train.h"
#include "slides.h"

/* The probability of class 1 at each pixel (H,W): the mean over the first `views` of 8 turned and mirrored versions. */
jd_status slide_map(jd_ctx *ctx, jd_scanner *scan, const slide *s, int views, float *map);

/* From a map to points, best first: peaks of the map smoothed with a disk, as in the paper; or, for things of many sizes, the
 * centres of the connected pieces of the map above a level, from high levels down to the threshold; score: the level. */
typedef struct detector {
    bool peaks;
    double threshold;
    double least; /* pieces: least sum of the map over one, */
    double rise;  /* and how far its top is at least above the level at which it is found */
} detector;
jd_status detector_find(jd_ctx *ctx, const detector *d, const slide *s, const float *map, jd_point **out, size_t *n);
/* Counts over all slides. */
jd_status detector_score(jd_ctx *ctx, const detector *d, const slides *s, float *const *maps, double radius,
                         jd_detection_score *out);
/* The threshold and the least sum with the best F1 on these slides. */
jd_status detector_choose(jd_ctx *ctx, detector *d, const slides *s, float *const *maps, double radius,
                          jd_detection_score *best);

typedef struct mitosis_result {
    jd_detection_score valid, test, near; /* near: of the test within half the radius */
} mitosis_result;
void mitosis_report(jd_run *r, const detector *d, const slides *test, float *const *maps, double radius,
                    const mitosis_result *result);

#endif
