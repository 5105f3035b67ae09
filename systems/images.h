/*
 * images.h - what the systems that learn pictures share: the data, its batches, the test, the figures of the report.
 *
 *     images *im = images_open(ctx, "mnist", &(images_options){ .side = 29, .held_out = 5000, .batch = 50 });
 *     images_net n = { .im = im, .network = my_network, .curve = "error" };
 *     double error = images_train(r, &n, w, 10, (jd_schedule){ .rate = 0.1 }, p, &result);  // %, and the probabilities p
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
    int side;            /* pictures are padded with background below and to the right */
    const char *prepare; /* what is done to all pictures first (jd_images_prepare); NULL: nothing */
    /* How bright ink on dark lies in the set's pictures, "20 mass": its longer side has 20 pixels, its centre of mass is in the
     * middle; "40 box": the middle of its bounding box is.  NULL: they are no drawings.  For those who bring other pictures. */
    const char *ink;
    size_t held_out; /* the last ones of the training set are the validation set; more where groups end earlier */
    size_t limit;    /* learn from the first ones only; 0: all that are not held out */
    int64_t batch;   /* pictures of a training step */
    int loaders;     /* threads that make batches ahead of their use */
    jd_deform_options deform; /* all zero: none */
    uint64_t seed;            /* of the order and of the deformations */
} images_options;

struct images_slot;
typedef struct images {
    jd_ctx *ctx;
    images_options o;
    int given[2];                 /* height and width of the set's pictures, before they are prepared */
    bool chosen;                  /* whether the last training kept the weights of the best validation */
    bool deformed;                /* whether batches are deformed; may be changed between trainings */
    jd_images train, valid, test; /* train and valid are parts of `all` */
    jd_images all;                /* the whole training set */
    int64_t steps_per_epoch;      /* a last, smaller batch is left out */
    int loaders, slots;           /* for jd_train_options */
    struct images_slot *slot;     /* memory of one batch each */
} images;

/* Finds and reads a set of the registry (data.h). */
images *images_open(jd_ctx *ctx, const char *name, const images_options *o);
/* MNIST (or --data) with the deformations of 2010, all options taken from the run's settings IMAGES_DIGITS. */
images *images_open_digits(jd_run *r, int side);
#define IMAGES_DIGITS(LEAST, MOST, ANGLE) /* strength of the elastic deformation and rotation at quick and cpu */      \
    {"held_out", {5000, 0, 10000}, "training digits kept for validation: for choosing settings, or the epoch"},        \
        {"choose", {0, 0, 1}, "1: the weights of the best validation are tested, as in the paper; 0: the last"},       \
        {"sigma_min", {5, 5, 5}, "elastic deformation: width of the blur, pixels; drawn anew for each digit"},         \
        {"sigma_max", {6, 6, 6}, "the same, largest"},                                                                 \
        {"alpha_min", {LEAST, LEAST, 36}, "elastic deformation: strength, pixels"},                                    \
        {"alpha_max", {MOST, MOST, 38}, "the same, largest"},                                                          \
        {"angle", {ANGLE, ANGLE, 15}, "rotation or shear up to +- this, degrees; half of it for 1 and 7"},             \
        {"scale_min", {15, 15, 15}, "each axis is scaled by up to +- this, per cent"},                                 \
        {"scale_max", {20, 20, 20}, "the same, largest"},                                                              \
    {                                                                                                                  \
        "loaders", {1, 1, 1}, "threads that deform digits ahead of their use"                                          \
    }
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

/* ---- training ----------------------------------------------------------------------------------------------------------*/
/* A network and how it learns: gradient descent on the softmax cross-entropy of its logits. */
typedef struct images_net {
    images *im;
    jd_node (*network)(jd_graph *g, const void *user, jd_node x); /* x (B,side,side,C) -> logits (B,classes) */
    const void *user;
    bool adam; /* otherwise plain gradient descent, with Nesterov momentum if there is any */
    double momentum, weight_decay;
    const char *curve;         /* the error on the digits held out, or on the test set, after each epoch is logged so */
    bool choose;               /* end with the weights of the least error on those held out, not with the last */
    const char *what, *series; /* as in jd_train_options */
    jd_fn *predict;            /* used inside */
} images_net;
/* The set whose error is watched while it learns: the digits held out, or, without any, the test set, which then chooses
 * nothing. */
static inline const jd_images *images_watched(const images *im)
{
    return im->valid.count ? &im->valid : &im->test;
}
/* Trains the weights w and returns the error on the test set, %, which chooses nothing; NAN after an error.  p
 * (test.count,classes), if not NULL, gets the probabilities. */
double images_train(jd_run *r, images_net *n, jd_params *w, double epochs, jd_schedule lr, float *p,
                    jd_train_result *result);

/* Records what the program needs to use the model that is saved (docs/architecture.md, "What a model file says"): the net in
 * the network language (layers.h), with the names of its parameters, what is done to pictures before, or NULL, and the names
 * of the classes (classes), or NULL for numbers. */
void images_describe(const images *im, jd_run *r, const char *net, const char *prepare, const char *const *class_names);

/* ---- figures -----------------------------------------------------------------------------------------------------------*/
/* Error by epoch of the curves logged under `names` (NULL-terminated), and the paper's figure as a line (NAN: none); the
 * caption says which set it is and goes on with `more`. */
void images_report_curves(images *im, jd_run *r, const char *const *names, double paper, const char *more);
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
