/*
 * prepare.h - what is done to pictures once, before a network sees them: contrast, size, width.
 *
 *     jd_images signs = {0};
 *     jd_load_images(ctx, "gtsrb32", JD_TRAIN, &signs);
 *     jd_images_contrast(ctx, &signs, &(jd_contrast){.kind = JD_CONTRAST_HISTEQ});
 *
 * The same call must prepare what the network learns from and what it is tested on.  All results are the same bits on every
 * machine.
 */
#ifndef JACKDAW_PREPARE_H
#define JACKDAW_PREPARE_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- contrast ----------------------------------------------------------------------------------------------------------
 * The normalisations of D. Ciresan, U. Meier, J. Masci, J. Schmidhuber, "Multi-column deep neural network for traffic sign
 * classification", Neural Networks 32, 2012.  They change the lightness of each picture by itself: the grey level where
 * there is one channel, L of CIE L*a*b* (from sRGB, white D65) where there are three; a* and b* stay as they are. */
typedef enum jd_contrast_kind {
    JD_CONTRAST_NONE,
    JD_CONTRAST_STRETCH, /* "imadjust": a straight line from the level below which 1 % of the pixels lie to the level
                             above which 1 % lie; what lies outside saturates */
    JD_CONTRAST_HISTEQ,  /* histogram equalisation: a level becomes the share of the pixels that are not above it */
    JD_CONTRAST_ADAPTIVE, /* "adapthisteq", CLAHE (Zuiderveld, Graphics Gems IV, 1994): the same in each tile, with clipped
                             counts; between the centres of four tiles their maps are blended bilinearly */
    JD_CONTRAST_EDGES, /* "conorm": a difference of Gaussians in 5 x 5 pixels (sigma 0.5 less sigma 2), scaled so that its
                             largest magnitude becomes half of the range around the middle; edges are replicated */
} jd_contrast_kind;
#define JD_CONTRAST_KINDS 5

typedef struct jd_contrast {
    jd_contrast_kind kind;
    int tile; /* ADAPTIVE: side of a tile in pixels, about; 0: an eighth of the picture's smaller side, not below 6 */
    double
        clip; /* ADAPTIVE: counts above ceil(n/256) + clip (n - that) are spread over all levels, n the tile's pixels;
                    0: 0.01, as Matlab; 1: no clipping */
} jd_contrast;

/* The name the paper uses: "original", "imadjust", "histeq", "adapthisteq", "conorm". */
JD_API const char *jd_contrast_name(jd_contrast_kind kind);
/* Changes all pictures in place.  A picture of one level stays as it is.  Errors: JD_EUSAGE (channels other than 1 and 3,
 * no such kind, tile or clip out of range). */
JD_API jd_status jd_images_contrast(jd_ctx *ctx, jd_images *images, const jd_contrast *o);

/* sRGB bytes to CIE L*a*b* (D65; L 0..100) and back, rounded to the nearest byte, colours outside sRGB cut off. */
JD_API void jd_rgb_to_lab(const uint8_t rgb[3], double lab[3]);
JD_API void jd_lab_to_rgb(const double lab[3], uint8_t rgb[3]);

/* ---- size --------------------------------------------------------------------------------------------------------------
 * Pictures (height,width,channels) of bytes.  Results are rounded to the nearest level. */

/* Averages over areas: output pixel (i,j) is the mean of the input over the rectangle it covers. */
JD_API void jd_resize_area(const uint8_t *in, int height, int width, int channels, uint8_t *out, int out_height,
                           int out_width);
/* The rectangle from (x0,y0) to (x1,y1), in pixels with 0 at the left edge of the first one and `width` at the right edge of
 * the last, sampled bilinearly at the centres of the output's pixels; outside the picture its edge goes on. */
JD_API void jd_resize_bilinear(const uint8_t *in, int height, int width, int channels, double x0, double y0, double x1,
                               double y1, uint8_t *out, int out_height, int out_width);
/* All pictures by jd_resize_area.  Errors: JD_EUSAGE (sides not 1..4096), JD_ENOMEM: the pictures are as they were. */
JD_API jd_status jd_images_resize(jd_ctx *ctx, jd_images *images, int height, int width);

/* Width normalisation (Ciresan, Meier, Gambardella, Schmidhuber, ICDAR 2011): the columns from the first to the last that
 * hold ink (a pixel above 0) are stretched or squeezed to `width` columns, bilinearly, and put in the middle; rows stay as
 * they are.  One channel.  Errors: JD_EUSAGE. */
JD_API jd_status jd_images_ink_width(jd_ctx *ctx, jd_images *images, int width);

/* ---- surroundings ------------------------------------------------------------------------------------------------------
 * On- and off-centre cells (the fixed first layer of Ciresan et al., IJCAI 2011, on NORB): each channel becomes the difference
 * of two Gaussians of `narrow` and `wide` pixels around the middle of the range, so scaled that the root of its mean square is
 * a quarter of the range; beyond the edges pixels go on.  Errors: JD_EUSAGE unless 0 < narrow < wide <= 16. */
JD_API jd_status jd_images_surround(jd_ctx *ctx, jd_images *images, double narrow, double wide);

/* ---- all of it in one line ---------------------------------------------------------------------------------------------
 *     jd_images_prepare(ctx, &signs, "resize 32 32, adapthisteq tile 8 clip 0.03");
 *
 * Steps with commas between, done in their order: `resize HEIGHT WIDTH`, `ink-width COLUMNS`, `surround NARROW WIDE`,
 * `imadjust`, `histeq`, `conorm`, `adapthisteq [tile T] [clip C]`.  An empty line does nothing.  Systems prepare pictures by such
 * lines and write them into their models (docs/architecture.md), so that whoever uses a model prepares pictures by the same one.
 * Errors: JD_EUSAGE, with the word and the nearest known one; those of the steps, after which the pictures are of no use. */
JD_API jd_status jd_images_prepare(jd_ctx *ctx, jd_images *images, const char *line);
/* The size of pictures of height x width after the line; also checks its words. */
JD_API jd_status jd_prepared_size(jd_ctx *ctx, const char *line, int *height, int *width);

#ifdef __cplusplus
}
#endif
#endif
