/* gmdh_data.h - what the system gmdh learns from: functions with known answers, and public tables. */
#ifndef SYSTEMS_GMDH_DATA_H
#define SYSTEMS_GMDH_DATA_H

#include "jackdaw/data.h"

typedef enum gmdh_kind { GMDH_QUADRATIC, GMDH_NESTED, GMDH_FRIEDMAN, GMDH_NOISE } gmdh_kind;

typedef struct gmdh_rows {
    jd_ctx *ctx;
    int64_t n, inputs;
    double *x, *y; /* (n, inputs), (n) */
} gmdh_rows;

/* Rows of a generated set: stream `part` ("train", "test") of a seed. */
jd_status gmdh_generate(jd_ctx *ctx, gmdh_kind kind, uint64_t seed, const char *part, int64_t n, gmdh_rows *out);
/* The last column is the target. */
jd_status gmdh_of_table(jd_ctx *ctx, const jd_table *table, const uint32_t *row, int64_t n, gmdh_rows *out);
void gmdh_rows_free(gmdh_rows *r);

/* Mean squared error over the variance of the truth. */
double gmdh_nmse(const gmdh_rows *truth, const double *y);
/* The same for linear least squares and for a net inputs-hidden-hidden-1 of tanh units trained by Adam, both fitted to
 * `train`. */
double gmdh_linear(const gmdh_rows *train, const gmdh_rows *test);
double gmdh_perceptron(const gmdh_rows *train, const gmdh_rows *test, int64_t weights, int64_t steps);

#endif
