/*
 * least_squares.h - linear regression from rows that come one after the other.
 *
 *     least_squares s;
 *     least_squares_new(ctx, 43, 4, &s);
 *     for (...) least_squares_add(&s, x, y);       // x (43), y (4)
 *     least_squares_solve(&s, 1e-9, w);            // w (4,43): y = w x
 *     least_squares_free(&s);
 */
#ifndef LEAST_SQUARES_H
#define LEAST_SQUARES_H

#include "jackdaw/base.h"

typedef struct least_squares {
    jd_ctx *ctx;
    int n, k;
    double *gram, *cross; /* (n,n): sum of x x'; (k,n): sum of y x' */
} least_squares;

jd_status least_squares_new(jd_ctx *ctx, int n, int k, least_squares *s);
void least_squares_free(least_squares *s);
void least_squares_add(least_squares *s, const double *x, const double *y);
/* The normal equations by Cholesky; `ridge` times the mean of the Gram matrix' diagonal is added to it, which also settles
 * columns that depend on others.  False where the matrix is not positive definite. */
bool least_squares_solve(const least_squares *s, double ridge, double *w);

#endif
