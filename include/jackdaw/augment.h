/*
 * augment.h - images deformed anew in every epoch.
 *
 * The deformation of Ciresan, Meier, Gambardella, Schmidhuber, "Deep, big, simple neural nets for handwritten digit
 * recognition", Neural Computation 22(12), 2010; the elastic part is that of Simard, Steinkraus, Platt, ICDAR 2003.
 * For each output pixel p the source point is
 *
 *     q = c + M (p - c) + alpha d(p)        c: the image's centre; M: mirror, scaling, rotation or shear, inverted
 *
 * where d is a field of U[-1,1] per pixel and axis, blurred with a Gaussian of width sigma whose taps sum to 1.  The
 * original image is interpolated once, bilinearly, at q; outside it is background, or its edge goes on.  Each sample is deformed as a function of
 * (seed, epoch, sample) alone, with the same bits on every machine and for any number of threads.
 *
 *     jd_deform_options o = jd_deform_mnist2010();
 *     jd_deformer *d = jd_deformer_new(ctx, &o, 28, 28, 1, 29, 29);          // one for each thread that works
 *     jd_deform(d, seed, epoch, sample, label, pixels, x);                   // x (29,29,1) in [-1,1]
 */
#ifndef JACKDAW_AUGMENT_H
#define JACKDAW_AUGMENT_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A range of zeros switches its part off; all zero is no deformation at all. */
typedef struct jd_deform_options {
    float sigma_min, sigma_max; /* elastic: width of the blur in pixels, uniform in the range */
    float alpha_min, alpha_max; /* elastic: strength in pixels */
    float angle;                /* rotation or shear by an angle uniform in +-angle degrees */
    float angle_small;          /* the same for the classes of `small_classes` */
    uint32_t small_classes;     /* bit k: class k */
    bool shear;                 /* half of the samples are sheared along x instead of rotated: dx = tan(angle) dy */
    float scale_min, scale_max; /* gamma: each axis is scaled by a factor uniform in 1 +- gamma/100 */
    float shift;                /* translation of each axis, uniform in +-shift pixels */
    bool mirror;                /* half of the samples are mirrored left-right */
    uint8_t background;         /* pixel value outside the image */
    bool edge;                  /* outside the image its edge goes on, as photographs need, instead of the background */
    float low, high;            /* what pixels 0 and 255 become; both 0: -1 and 1 */
} jd_deform_options;

/* The 2010 paper's: sigma 5-6, alpha 36-38, angle 15 (7.5 for the digits 1 and 7), rotation or shear, scaling 15-20 %. */
JD_API jd_deform_options jd_deform_mnist2010(void);

typedef struct jd_deformer jd_deformer;

/* For images (height,width,channels) into (out_height,out_width,channels); where the output is larger, rows and columns
 * of background follow below and to the right (28 x 28 into 29 x 29), where it is smaller they are cut off there.
 * Errors: JD_EUSAGE (sizes not in 1..4096, channels not in 1..16, ranges upside down or not finite). */
JD_API jd_deformer *jd_deformer_new(jd_ctx *ctx, const jd_deform_options *o, int height, int width, int channels,
                                    int out_height, int out_width);
JD_API void jd_deformer_free(jd_deformer *d);

/* Deforms one image.  `label` only chooses between `angle` and `angle_small`; -1 where there is none.  One deformer serves
 * one thread at a time. */
JD_API void jd_deform(jd_deformer *d, uint64_t seed, uint32_t epoch, uint32_t sample, int label, const uint8_t *image,
                      float *out);

/* Deforms the images index[0..n-1] into x (n,out_height,out_width,C); y (n) gets the labels, if not NULL. */
JD_API void jd_deform_batch(jd_deformer *d, uint64_t seed, uint32_t epoch, const jd_images *images,
                            const uint32_t *index, size_t n, float *x, int32_t *y);

#ifdef __cplusplus
}
#endif
#endif
