/*
 * images.h - what the systems that learn pictures share: the data, its batches, the test, the figures of the report.
 *
 *     images *im = images_open(ctx, "mnist", &(images_options){ .side = 29, .held_out = 5000, .batch = 50 });
 *     jd_train(r, w, &(jd_train_options){ .batch = images_next, .user = im, .loaders = im->loaders, .slots = im->slots });
 *     double error = images_error(im, predict, &im->test, p);             // %, and the probabilities p (n,classes)
 *     images_close(im);
 *
 * Networks get their pictures as the input "x" (B,side,side,C) in [-1,1] and the classes as "y", int32 (B); a predicting
 * function has the result "p" (B,classes).  Functions do nothing after an error, and accept NULL.
 */
#ifndef IMAGES_H
#define IMAGES_H

#include "jackdaw/augment.h"
#include "jackdaw/train.h"

typedef struct images_options {
    int side;                 /* pictures are padded with background below and to the right */
    size_t held_out;          /* the last ones of the training set are the validation set */
    size_t limit;             /* learn from the first ones only; 0: all that are not held out */
    int64_t batch;            /* pictures of a training step */
    int loaders;              /* threads that make batches ahead of their use */
    jd_deform_options deform; /* all zero: none */
    uint64_t seed;            /* of the order and of the deformations */
} images_options;

struct images_slot;
typedef struct images {
    jd_ctx *ctx;
    images_options o;
    bool deformed;                /* whether batches are deformed; may be changed between trainings */
    jd_images train, valid, test; /* train and valid are parts of `all` */
    jd_images all;                /* the whole training set */
    int64_t steps_per_epoch;      /* a last, smaller batch is left out */
    int loaders, slots;           /* for jd_train_options */
    struct images_slot *slot;     /* memory of one batch each */
} images;

/* Finds and reads a set of the registry (data.h). */
images *images_open(jd_ctx *ctx, const char *name, const images_options *o);
/* MNIST (or --data) with the deformations of 2010, all options taken from the run's settings of the same names. */
images *images_open_digits(jd_run *r, int side);
/* The same from pictures in memory, which from now on belong to it. */
images *images_from(jd_ctx *ctx, jd_images train, jd_images test, const images_options *o);
void images_close(images *im);

/* jd_train_options.batch, with .user an `images`: fills "x" and "y".  Every epoch shows every picture once, in an order
 * and with deformations that depend on seed and step alone. */
int images_next(void *user, int64_t step, int slot, jd_tensor *in);
/* Pictures first .. first+n-1 of a set as they are, padded: x (n,side,side,C) in [-1,1]. */
void images_plain(const images *im, const jd_images *set, size_t first, size_t n, float *x);

/* The share of a set, in %, whose largest p is not the label's.  p (set->count,classes), if not NULL, gets the result "p"
 * of `predict`.  NAN after an error. */
double images_error(images *im, jd_fn *predict, const jd_images *set, float *p);

/* ---- figures -----------------------------------------------------------------------------------------------------------*/
/* Error by epoch of the curves logged under `names` (NULL-terminated), and the paper's figure as a line (NAN: none). */
void images_report_curves(images *im, jd_run *r, const char *const *names, double paper, const char *caption);
/* The first pictures of some classes, each with six of its deformations. */
void images_report_deformed(images *im, jd_run *r);
/* Confusion matrix and the worst mistakes: those with the smallest probability of the true class. */
void images_report_test(images *im, jd_run *r, const float *p, const char *const *class_names);
/* The weights (n,h,w,C) of the parameter `name` as pictures; of more than 60 those of the largest norms.  `side` != 0: the
 * parameter is (n, side*side). */
void images_report_filters(images *im, jd_run *r, jd_params *w, const char *name, int side);
/* worst[0..most-1]: wrongly classified pictures by increasing probability of their class; returns how many. */
size_t images_worst(const jd_images *set, const float *p, uint32_t *worst, size_t most);

#endif
