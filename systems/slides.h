/*
 * slides.h - pictures of tissue with points to be found in them: nuclei (2018 Data Science Bowl) or synthetic mitoses.
 *
 *     slides train = {0};
 *     slides_load_nuclei(ctx, dir, "train", &train);
 *     slide_crop(&train, &(slide_crop_options){ .window = 53, .side = 64, .every = 1 }, seed, index, x, label);
 *     slides_free(ctx, &train);
 */
#ifndef SLIDES_H
#define SLIDES_H

#include "jackdaw/data.h"
#include "jackdaw/metrics.h"

typedef struct slide {
    int64_t H, W;
    uint8_t *rgb;    /* (H,W,3) */
    uint8_t *core;   /* (H,W): 1 near a point of the truth */
    float *score;    /* (H,W): what a preliminary net says, or NULL */
    jd_point *truth; /* (n) */
    size_t n;
} slide;
typedef struct slides {
    size_t n;
    slide *s;
} slides;
void slides_free(jd_ctx *ctx, slides *s);

/* A picture (RGB) without its truth, prepared as slides_load_nuclei does. */
jd_status slide_take(jd_ctx *ctx, const jd_picture *p, bool stretch, slide *s);
void slide_free(jd_ctx *ctx, slide *s);
/* The pictures of one split of DIR: those of images.tsv in the split and those that SPLIT_points.tsv names; either table may
 * be missing, and points.tsv stands in for the second.  With `stretch` contrast is stretched so that 1 % of the values are black and 0.5 % white, and
 * pictures that are bright or coloured are turned into their negatives.  The core of
 * a nucleus reaches `share` of the radius of a disk of its area, within 2 to 10 pixels.  Or pictures and masks as the contest gives
 * them: DIR/stage1_train/ID/images/ID.png and masks/, of which every fifth is to test; DIR/ID/images/, all one part. */
jd_status slides_load_nuclei(jd_ctx *ctx, const char *dir, const char *split, double share, bool stretch, slides *out);
/* Slides first .. first+n-1 of the synthetic set `seed`, 512 x 512: pink tissue, 150 nuclei, 8 mitoses (dark plates, rings
 * and pairs of plates), 15 dark round nuclei that are none.  The core reaches 10 pixels. */
jd_status slides_draw(jd_ctx *ctx, uint64_t seed, size_t first, size_t n, slides *out);

typedef struct slide_crop_options {
    int64_t window, side,
        every;       /* of the net; a crop has side x side pixels, one in `every` of an axis is classified */
    double zoom;     /* scaled by a factor from 1/(1+zoom) to 1+zoom */
    double contrast; /* factor 1 +- contrast on the values of a channel, shift +- contrast */
    double colour; /* channels move by up to this share towards random blends of all three, as another stain's would */
    double keep;   /* share of the background pixels that are kept; the label of the others is -1 */
    double hard;   /* share of those that are drawn by the preliminary net's score */
    double mean_score; /* of the background */
} slide_crop_options;
/* Crop `index`: a place of a slide, turned, mirrored, zoomed, as a function of seed and index.  x (side+window-1)^2 x 3 in
 * [-1,1], label (side/every,side/every): 1 core, 0 background, -1 left out. */
void slide_crop(const slides *s, const slide_crop_options *o, uint64_t seed, int64_t index, float *x, int32_t *label);

#endif
