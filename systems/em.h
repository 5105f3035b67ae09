/*
 * em.h - membranes in slices under the electron microscope: the slices, crops to learn from, maps of whole slices.
 *
 * Pixels are fed as EM_LOW for black to EM_HIGH for white.  Labels are 1 inside of cells, 0 on membranes, and a map gives
 * each pixel's probability to lie inside.
 */
#ifndef EM_H
#define EM_H

#include "jackdaw/data.h"
#include "jackdaw/metrics.h"
#include "jackdaw/scan.h"
#include "jackdaw/train.h"

enum { EM_VIEWS = 8 }; /* turned by quarters and mirrored */
/* Of the slices whose labels are public, the first are for training and those after them for testing. */
enum { EM_TRAIN_SLICES = 20, EM_TEST_SLICES = 5 };
#define EM_LOW  (-3)
#define EM_HIGH 3

typedef struct em_stack {
    int64_t n, H, W;
    uint8_t *pixels; /* (n,H,W) */
    uint8_t *inside; /* (n,H,W) */
} em_stack;
/* Slices first .. first+n-1 of the folder DIR, all of one size: of the contest's stacks train-volume.tif and
 * train-labels.tif, of which n = 0 means all, or of image/NN.png and label/NN.png. */
jd_status em_load(jd_ctx *ctx, const char *dir, int first, int n, em_stack *out);
/* The n pictures image/NAME of DIR with their labels label/NAME. */
jd_status em_load_named(jd_ctx *ctx, const char *dir, char *const *name, int n, em_stack *out);
void em_free(jd_ctx *ctx, em_stack *s);

/* Where the point (i,j) of view 0 .. EM_VIEWS-1 of a square of `side` lies in the square itself. */
void em_turn(int view, int64_t side, int64_t i, int64_t j, int64_t *a, int64_t *b);

typedef struct em_crop_options {
    int64_t window, side, every; /* of the net; a crop has side x side pixels, of which one in `every` is classified */
    double contrast, brightness; /* factor 1 +- contrast, shift +- brightness in fed units */
    double angle, stretch,
        bend; /* turned by +- angle degrees, scaled by 1 +- stretch, displaced by about `bend` pixels */
    uint64_t seed;
} em_crop_options;
/* Crop number `index`: a place of a slice, one of its views, bent, and with another contrast, as a function of seed and
 * index.  x (side+window-1)^2, label
 * (side/every,side/every). */
void em_crop(const em_stack *s, const em_crop_options *o, int64_t index, float *x, int32_t *label);

/* The map (H,W) of slice i: the mean of the scans of `views` of its 8 turned and mirrored versions, turned back. */
jd_status em_map(jd_ctx *ctx, jd_scanner *scan, const em_stack *s, int64_t i, int views, float *map);
/* The median of each square of 2 radius + 1 pixels a side, cut off at the edges. */
jd_status em_median(jd_ctx *ctx, float *map, int64_t H, int64_t W, int radius);

/* Calibration: a monotone cubic g with g(0) = 0 and g(1) = 1 that maps predictions to the measured shares of inside. */
typedef struct em_cubic {
    double a, b; /* g(p) = p + p (1-p) (a + b p) */
} em_cubic;
em_cubic em_calibrate(const float *map, const uint8_t *inside, size_t n);
double em_cubic_at(const em_cubic *c, double p);
/* Calibrates and filters the maps (n,H,W) of a stack. */
jd_status em_finish(jd_ctx *ctx, const em_stack *s, const em_cubic *c, int median, float *maps);

#endif
