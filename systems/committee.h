/*
 * committee.h - several networks ("columns") that learn one task from pictures prepared in different ways and from
 * different first weights, and whose probabilities are averaged.
 *
 * D. Ciresan, U. Meier, J. Schmidhuber, Multi-column deep neural networks for image classification, CVPR 2012:
 * p(k|x) = 1/C sum over the columns c of p_c(k | P_c x), with P_c what prepares the pictures of column c.
 *
 *     committee *c = committee_open(r, "mnist", &options);
 *     committee_train(c, 20, (jd_schedule){JD_COSINE, 0.05});
 *     committee_report(c, 0.23, NULL);
 *     status = jd_run_finish(r, c->error[COMMITTEE_MEAN], NULL);
 *     committee_close(c);
 *
 * Functions do nothing after an error, and accept NULL.
 */
#ifndef COMMITTEE_H
#define COMMITTEE_H

#include "images.h"
#include "jackdaw/prepare.h"

enum { COMMITTEE_COLUMNS = 40, COMMITTEE_NAME = 48 };
/* Ways to decide: by the mean of the probabilities, by their product, by the number of columns for a class. */
enum { COMMITTEE_MEAN, COMMITTEE_PRODUCT, COMMITTEE_VOTE, COMMITTEE_WAYS };

typedef struct committee_options {
    images_options pictures; /* .seed is that of the first column; .held_out is counted after mixing (jd_images_mix) */
    images_net net;          /* how a column learns; .im, .curve, .what and .series are filled in */
    int columns;             /* 1..COMMITTEE_COLUMNS */
    /* Prepares a set for a column, in place, and writes the column's name.  It gets .net.user. */
    void (*prepare)(jd_ctx *ctx, const void *user, int column, jd_images *set, char name[COMMITTEE_NAME]);
} committee_options;

typedef struct committee {
    jd_run *r;
    jd_ctx *ctx;
    committee_options o;
    int at; /* the column in training */
    jd_images train, test;
    images *im;   /* the first column's pictures, for figures */
    jd_params *w; /* of all columns, as "column1/conv1/W"... */
    char name[COMMITTEE_COLUMNS][COMMITTEE_NAME];
    float *p[COMMITTEE_COLUMNS];                                             /* (test.count,classes) */
    float *p_valid[COMMITTEE_COLUMNS];                                       /* (valid.count,classes), or NULL */
    double column_error[COMMITTEE_COLUMNS], column_valid[COMMITTEE_COLUMNS]; /* % of the test and validation set */
    float *mean;                                                             /* (test.count,classes) */
    double error[COMMITTEE_WAYS], valid_error;
    double single; /* the mean of the columns' test errors, % */
    double seconds;
    int64_t steps;
} committee;

/* Reads the set; the pictures stay as they are until each column prepares copies of its own. */
committee *committee_open(jd_run *r, const char *data, const committee_options *o);
void committee_close(committee *c);
/* Trains the columns one after the other, tests each and all together, and writes the model. */
void committee_train(committee *c, double epochs, jd_schedule lr);
/* The table of columns, the curves of their errors, deformed pictures, confusions, mistakes and the first column's filters
 * of "conv1/W".  `paper`: an error, %, drawn as a line, or NAN. */
void committee_report(committee *c, double paper, const char *const *class_names);

/* p (n,classes), row by row, from those of the columns; the row sums are 1.  `way` as above. */
void committee_combine(const float *const *p, int columns, size_t n, int classes, int way, float *out);
/* The share of wrong answers, %, and how many of them have the true class not among the first `top`: 1 is the former. */
double committee_error(const jd_images *set, const float *p, int top);

#endif
