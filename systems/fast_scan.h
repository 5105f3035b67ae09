/* fast_scan.h - what fast_scan.c measures and fast_scan_report.c shows. */
#ifndef FAST_SCAN_H
#define FAST_SCAN_H

#include "jackdaw/scan.h"
#include "jackdaw/system.h"
#include "slides.h"

enum { FAST_SCAN_NETS = 100, FAST_SCAN_SPEC = 200 };

/* One random net, scanned over an image and applied to each of its windows. */
typedef struct fast_scan_trial {
    char net[FAST_SCAN_SPEC];
    int64_t h, w, H, W, C; /* window, image */
    jd_scan_shape shape;
    double difference; /* the largest over all values, relative to 1 or to the value if that is larger */
    double same;       /* share of the values that have the same bits */
} fast_scan_trial;

typedef struct fast_scan_result {
    int trials;
    fast_scan_trial trial[FAST_SCAN_NETS];
    double worst;
    /* the 95-pixel net on 512 x 512 */
    double scan_seconds, patch_seconds; /* of the image; patch: from the windows that were timed */
    int64_t windows;                    /* timed */
    double patch_difference;            /* largest between those windows and the scan */
    jd_scan_shape shape;
    /* the large picture */
    int64_t side;
    double large_seconds;
    const slide *large;
    const float *map; /* (side,side) */
    jd_point *found;
    size_t n;
    jd_detection_score score;
} fast_scan_result;

extern const char fast_scan_em95[];
enum { FAST_SCAN_WINDOW = 95, FAST_SCAN_IMAGE = 512 };

void fast_scan_report(jd_run *r, const fast_scan_result *f);

#endif
