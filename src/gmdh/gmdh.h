/*
 * gmdh.h - what is inside a grown network, and the moments that its units are solved from.
 */
#ifndef JD_GMDH_GMDH_H
#define JD_GMDH_GMDH_H

#include <stdio.h>

#include "jackdaw/gmdh.h"
#include "layers/layers.h"

enum { JD_GMDH_TERMS = JD_POLYNOMIAL_TERMS, JD_GMDH_POWERS = 6 };

typedef struct jd__gmdh_unit {
    int source[2];
    double w[JD_GMDH_TERMS];
    double criterion;
} jd__gmdh_unit;

typedef struct jd__gmdh_layer {
    jd__gmdh_unit *unit;
    int n;
} jd__gmdh_layer;

struct jd_gmdh {
    jd_ctx *ctx;
    jd_gmdh_unit kind;
    int64_t inputs;
    double *mean, *scale;   /* (inputs): z = (x - mean) * scale; scale 0: an input that does not vary */
    double y_mean, y_scale; /* inside, y has mean 0 and variance 1; the answer of no layers is y_mean */
    double low, high;       /* clamps, in these units */
    jd__gmdh_layer *layer;
    int layers;
    double *history;
    int grown;
    double chance;
    int *used; /* inputs looked at */
    int used_n;
};

int jd__gmdh_terms(jd_gmdh_unit kind);
int jd__gmdh_degree(jd_gmdh_unit kind);

static inline double jd__gmdh_clamp(const jd_gmdh *net, double z)
{
    return z < net->low ? net->low : z > net->high ? net->high : z;
}

/* One unit's value; the exported C source does the same operations in the same order. */
double jd__gmdh_value(const double *w, int terms, double u, double v);

/* Sums over a set of rows of the products of powers of the columns, from which every pair's normal equations follow. */
typedef struct jd__moments {
    int m, degree;                                       /* columns; of the polynomial */
    double rows, y, yy;                                  /* number of rows; sums of y and y^2 */
    double *one[JD_GMDH_POWERS + 1];                     /* [p] (m): sums of z^p */
    double *two[JD_GMDH_POWERS + 1][JD_GMDH_POWERS + 1]; /* [p][q] (m,m), p >= q >= 1: sums of z_i^p z_j^q */
    double *y_one[4];                                    /* [p] (m): sums of y z^p */
    double *y_two[3][3];                                 /* [p][q] (m,m) */
    double *block;
} jd__moments;

/* Columns z (m, stride), rows row[0..n-1]. */
jd_status jd__moments_new(jd_ctx *ctx, jd__moments *s, int m, int degree);
void jd__moments_free(jd_ctx *ctx, jd__moments *s);
void jd__moments_of_inputs(jd__moments *s, const double *z, int64_t stride, const int32_t *row, int64_t n);
void jd__moments_of_target(jd__moments *s, const double *z, int64_t stride, const double *y, const int32_t *row,
                           int64_t n);

/* The normal equations of the pair (i,j): G (k,k) and c (k), rows and columns in the order of the terms. */
void jd__moments_pair(const jd__moments *s, int terms, int i, int j, double *G, double *c);
/* w = (G + ridge diag G)^-1 c; false when G is singular. */
bool jd__gmdh_solve(const double *G, const double *c, int k, double ridge, double *w);
/* w' G w - 2 w'c + yy: the squared error over the moments' rows. */
double jd__gmdh_error(const double *G, const double *c, double yy, const double *w, int k);

/* export.c: closes a stream of open_memstream; its text as the context's memory. */
char *jd__gmdh_written(jd_ctx *ctx, FILE *f, char **text);

/* net.c */
jd_gmdh *jd__gmdh_new(jd_ctx *ctx, int64_t inputs);
/* Of the layers grown so far the first `layers` stay, and of them what the first unit of the last one needs. */
jd_status jd__gmdh_prune(jd_gmdh *net, int layers);

#endif
