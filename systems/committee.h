/*
 * committee.h - several networks ("columns") that learn one task from pictures prepared in different ways and from
 * different first weights, and whose probabilities are averaged.
 *
 * D. Ciresan, U. Meier, J. Schmidhuber, Multi-column deep neural networks for image classification, CVPR 2012:
 * p(k|x) = 1/C sum over the columns c of p_c(k | P_c x), with P_c what prepares the pictures of column c.
 *
 *     committee *c = committee_open(r, "mnist", &options);
 *     committee_train(c, 20, (jd_schedule){JD_COSINE, 0.05});
 *     committee_report(c, 0.23);
 *     status = jd_run_finish(r, c->error[COMMITTEE_MEAN], NULL);
 *     committee_close(c);
 *
 * Functions do nothing after an error, and accept NULL.
 */
#ifndef COMMITTEE_H
#define COMMITTEE_H

#include "images.h"

enum { COMMITTEE_COLUMNS = 40, COMMITTEE_NAME = 48, COMMITTEE_LINE = 96 };
/* Ways to decide: by the mean of the probabilities, by their product, by the number of columns for a class. */
enum { COMMITTEE_MEAN, COMMITTEE_PRODUCT, COMMITTEE_VOTE, COMMITTEE_WAYS };

typedef struct committee_options {
    images_options pictures; /* .seed is that of the first column; .held_out is counted after mixing (jd_images_mix) */
    const char *line;        /* the network of each column, in the network language */
    images_net net;          /* how a column learns; .im, .network, .user, .curve, .what and .series are filled in */
    int columns;             /* 1..COMMITTEE_COLUMNS */
    const char *const *class_names; /* (classes), or NULL for numbers */
    /* Writes how a column's pictures are prepared (jd_images_prepare), and the column's name.  NULL: all columns see the
     * pictures as `pictures.prepare` says. */
    void (*prepare)(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME]);
    const void *user; /* for it */
} committee_options;

typedef struct committee {
    jd_run *r;
    jd_ctx *ctx;
    committee_options o;
    int at; /* the column in training */
    jd_images train, test;
    images *im;   /* the first column's pictures, for figures */
    jd_params *w; /* of all columns, as "column1/conv1/W"... */
    char name[COMMITTEE_COLUMNS][COMMITTEE_NAME], prepare[COMMITTEE_COLUMNS][COMMITTEE_LINE];
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
/* Trains the columns one after the other, tests each and all together, and writes the model: all columns and how each
 * prepares its pictures in one file, which `eval`, `predict` and `serve` use as one. */
void committee_train(committee *c, double epochs, jd_schedule lr);
/* The table of columns, the curves of their errors, deformed pictures, confusions, mistakes and the first column's filters
 * of "conv1/W".  `paper`: an error, %, drawn as a line, or NAN. */
void committee_report(committee *c, double paper);

/* p (n,classes), row by row, from those of the columns; the row sums are 1.  `way` as above.  The mean is computed as
 * `jackdaw eval` does, in float32 from the first column to the last, times 1/columns: with the same bits. */
void committee_combine(const float *const *p, int columns, size_t n, int classes, int way, float *out);
/* The share of wrong answers, %, and how many of them have the true class not among the first `top`: 1 is the former. */
double committee_error(const jd_images *set, const float *p, int top);

#endif
