/*
 * code.h - what the files of weight codes share.
 */
#ifndef JD_SEARCH_CODE_H
#define JD_SEARCH_CODE_H

#include "base/ctx.h"
#include "cpu/control.h"
#include "jackdaw/code.h"

/* An array, with dimensions of one place put before it so that it has at least two. */
typedef struct jd__code_part {
    int rank, size[JD_CODE_RANK];
    int added; /* dimensions put before */
    size_t stride[JD_CODE_RANK], offset;
    double scale;
    size_t genes, first; /* the chromosome: its length, its place in the genome */
    size_t weights;
    int K[JD_CODE_RANK];           /* indices along a dimension are below this */
    size_t dense;                  /* product of K */
    uint32_t *index;               /* (genes, rank) */
    size_t *at;                    /* (genes): place in an array of K[0] x K[1] ... */
    double *across[JD_CODE_RANK];  /* (K,size) b(k,x); the last one's rows are padded to JD_CODE_PAD */
    double *along[JD_CODE_RANK];   /* (size,K) b(k,x) */
    double *inverse[JD_CODE_RANK]; /* (K) 1 / sum of b(k,x)^2 */
    int *extent;                   /* (K[rank-2]) of the last two dimensions: columns past these have no genes */
} jd__code_part;

struct jd_code {
    jd_ctx *ctx;
    const jd_control *control;
    jd_code_kind kind;
    jd__code_part *part;
    int parts;
    size_t genes, weights, covered;
    double *genes_in; /* (most dense): a chromosome in its array, scaled */
    double *work[2];  /* (largest array of weights), made when encode or multiply first need it */
    double **scratch; /* (threads): what a thread works with */
    int threads;
};

static inline size_t jd__code_padded(int n)
{
    return ((size_t)n + JD_CODE_PAD - 1) / JD_CODE_PAD * JD_CODE_PAD;
}

/* Visits an array's runs along its last dimension: `place` is where a run begins in the vector of weights. */
typedef struct jd__code_walk {
    uint32_t at[JD_CODE_RANK];
    size_t place;
} jd__code_walk;

/* The next run; false after the last. */
static inline bool jd__code_step(const jd__code_part *p, jd__code_walk *w)
{
    for (int d = p->rank - 2; d >= 0; d--) {
        w->place += p->stride[d];
        if (++w->at[d] < (uint32_t)p->size[d]) return true;
        w->place -= p->stride[d] * (size_t)p->size[d];
        w->at[d] = 0;
    }
    return false;
}

/* The order of filling: index (genes, rank) of the first `genes` places. */
jd_status jd__code_order(jd_ctx *ctx, int rank, const int *size, jd_code_fill fill, size_t genes, uint32_t *index);
/* b (K, stride), zero before: b(k,x) of a dimension of n places. */
jd_status jd__code_basis(jd_ctx *ctx, jd_code_kind kind, int n, int K, double *b, size_t stride);

#endif
