/*
 * code.h - codes of weights: a genome of a few coefficients stands for very many weights.
 *
 * Weight matrices are seen as images with few frequencies.  The genome is divided into chromosomes, one for each array of
 * coefficients; genes fill the low frequencies of their array and an inverse transform gives the weights:
 *
 *     const jd_code_array net = {.rank = 2, .size = {32, 115}, .genes = 20};                 // 32 units x 115 inputs
 *     jd_code *c = jd_code_new(ctx, &(jd_code_options){.kind = JD_CODE_DCT, .array = &net, .arrays = 1});
 *     jd_code_decode(c, genome, weights);                                                    // 20 -> 3,680, 1:184
 *
 * Transforms.  A weight is  w[x1..xD] = scale * sum over genes of  c[k1..kD] * b(k1,x1) ... b(kD,xD)  with, for a
 * dimension of n places,
 *   DCT       b(k,x) = cos(pi/n k (x + 1/2)); not normalised, so that a coefficient has the size of a weight
 *   Fourier   1, cos(2 pi x/n), sin(2 pi x/n), cos(4 pi x/n), ...: for places that lie in a ring
 *   Haar      1, then steps from positive to negative over halves, quarters ...: for places that lie in blocks
 *   direct    every weight is a gene
 * All are orthogonal, so that jd_code_encode is an exact inverse where genes are not truncated.
 *
 * Order of filling.  Index vectors come by their sum k1 + ... + kD, low sums first (simplex by simplex).  Inside a simplex:
 *   corners   from the edges towards the middle: the nearest of what is left to the corner (n1 - 1, 0, 0 ...), to
 *             (0, n2 - 1, 0 ...) and so on in turn, longest dimension first; of equally near ones the first in
 *             lexicographic order, of equally long dimensions the first.  In 3 x 3:  00, 10, 01, 20, 02, 11, 21, 12, 22
 *   lexical   by k1, then k2 ...                                    In 3 x 3:  00, 01, 10, 02, 11, 20, 12, 21, 22
 *
 * Sources.  J. Koutnik, F. Gomez, J. Schmidhuber, "Evolving neural networks in compressed weight space", GECCO 2010;
 * "A frequency-domain encoding for neuroevolution", arXiv 1212.6521, 2012; J. Koutnik, G. Cuccu, J. Schmidhuber, F. Gomez,
 * "Evolving large-scale neural networks for vision-based reinforcement learning", GECCO 2013 (`corners` follows the
 * description of its mapping of coefficients; dimensions of one place have no corner).
 *
 * Results do not depend on the number of threads or the instruction set.
 */
#ifndef JACKDAW_CODE_H
#define JACKDAW_CODE_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { JD_CODE_RANK = 6 };

typedef enum jd_code_kind { JD_CODE_DCT, JD_CODE_DIRECT, JD_CODE_FOURIER, JD_CODE_HAAR, JD_CODES } jd_code_kind;
typedef enum jd_code_fill { JD_FILL_CORNERS, JD_FILL_LEXICAL } jd_code_fill;

/* An array of coefficients and the weights it decodes to. */
typedef struct jd_code_array {
    int rank;               /* 1..6 */
    int size[JD_CODE_RANK]; /* places along each dimension, 1..65536 */
    size_t genes;           /* length of its chromosome; 0: as many as weights */
    double scale;           /* of its weights; 0: 1 */
    /* Where weight (x1..xD) stands in the vector of weights: offset + x1 stride[0] + x2 stride[1] ...; all strides 0: in
     * row-major order, and with offset 0 as well after the array before. */
    size_t offset;
    size_t stride[JD_CODE_RANK];
} jd_code_array;

typedef struct jd_code_options {
    jd_code_kind kind;
    jd_code_fill fill;
    const jd_code_array *array; /* (arrays), copied */
    int arrays;                 /* 1..64 */
    size_t weights;             /* length of the vector; 0: just what the arrays cover.  Places in no array get 0 */
} jd_code_options;

typedef struct jd_code jd_code;
/* Errors: JD_EUSAGE (sizes; more genes than weights; two arrays with a weight in common), JD_ENOMEM. */
JD_API jd_code *jd_code_new(jd_ctx *ctx, const jd_code_options *o);
JD_API void jd_code_free(jd_code *c);

JD_API size_t jd_code_genes(const jd_code *c);   /* of all chromosomes, which follow each other in the genome */
JD_API size_t jd_code_weights(const jd_code *c); /* length of the vector of weights */
JD_API double jd_code_ratio(const jd_code *c);   /* weights that the arrays cover / genes: 184 for 1:184 */
/* Where gene i goes: its array, and index[0..rank-1]. */
JD_API jd_status jd_code_place(const jd_code *c, size_t i, int *array, int *index);

/* genome (genes) to weights (weights); jd_code_decode_f32 gives the same numbers, rounded.  Sums are in float64. */
JD_API jd_status jd_code_decode(jd_code *c, const double *genome, double *weights);
JD_API jd_status jd_code_decode_f32(jd_code *c, const double *genome, float *weights);
/* Where `weights` came from genome `before`: decodes again only those arrays whose chromosome is another in `now`, with the
 * bits of jd_code_decode. */
JD_API jd_status jd_code_change(jd_code *c, const double *before, const double *now, double *weights);
JD_API jd_status jd_code_change_f32(jd_code *c, const double *before, const double *now, float *weights);

/* The genes nearest to given weights, in the sense of least squares. */
JD_API jd_status jd_code_encode(jd_code *c, const double *weights, double *genome);

/* y = W x for the matrix W whose rows are the places of an array's first `split` dimensions and whose columns those of the
 * rest, without making W: x is transformed, multiplied with the genes, and y transformed back.  For the 1,048,576 weights
 * of 16 x 16 units that see 64 x 64 pixels this takes about 1/100 of the time that reading W would.
 * x (columns), y (rows); `split` is 1..rank-1. */
JD_API jd_status jd_code_multiply(jd_code *c, int array, int split, const double *genome, const float *x, double *y);

/* "dct", "direct", "fourier", "haar"; NULL for a number that is none. */
JD_API const char *jd_code_name(jd_code_kind kind);

#ifdef __cplusplus
}
#endif
#endif
