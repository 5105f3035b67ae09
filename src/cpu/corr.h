/*
 * corr.h - correlations of images with small windows as implicit matrix products: what the convolutions and the
 * convolutional LSTM share.
 *
 * M is pixels, N result channels, K = (kh,kw,c).  For one kh the taps (kw,c) of a pixel are one contiguous run of the
 * image, so the left operand needs no copy.  Pixels near a padded edge use fewer taps; rows and columns with the same
 * range of taps are worked on together, over all samples of a block, so that padding costs no multiplication.
 */
#ifndef JD_CPU_CORR_H
#define JD_CPU_CORR_H

#include "cpu/conv.h"
#include "ops/attrs.h"

/* One correlation with unit or larger step, and where its results go. */
typedef struct jd_corr {
    const float *in;    /* value (b,y,x,c) stands at b in_b + y in_y + x C + c */
    int64_t in_b, in_y; /* strides */
    int64_t H, W, C;
    int64_t kh, kw;
    int64_t oh, ow, N;           /* results: (B,oh,ow,N) */
    int64_t step, off_y, off_x;  /* tap (0,0) of result (y,x) lies at (y step + off_y, x step + off_x) */
    float *out;                  /* of result (0,0,0,0) */
    int64_t out_b, out_y, out_x; /* strides */
    const float *pack;           /* [panel][kh kw C][V VL] */
    bool add;                    /* the chains go on from what `out` holds */
    int64_t before;              /* so many floats before the first row that is asked for have no place in `out` */
    const float *bias;           /* (N) or NULL, added to each result, */
    jd_act act;                  /* which is squashed then; not with `add`, and rows without gaps */
} jd_corr;

/* Squashes n values in place. */
void JD_K(jd__corr_squash)(jd_act act, float *x, int64_t n);
/* The rows of results r0..r1-1 of (B,oh). */
void JD_K(jd__corr_rows)(const jd_corr *q, int64_t r0, int64_t r1);
/* Member w's share of all. */
void JD_K(jd__corr)(const jd_corr *q, int64_t B, const jd_worker *w);

/* Packs weights (N,K) as [panel][k][V VL], this member's share. */
void JD_K(jd__corr_pack)(const float *src, int64_t N, int64_t K, float *dst, const jd_worker *w);
/* Packs weights wt = (O,kh,kw,I) turned by 180 degrees, those taps (ph_y + stride j, ph_x + stride j') that exist:
 * k = (j'y, j'x, o), columns i. */
void JD_K(jd__corr_pack_turned)(const float *src, const int64_t wt[4], int64_t ph_y, int64_t ph_x, int64_t stride,
                                int64_t ny, int64_t nx, float *dst, const jd_worker *w);
/* Floats of N columns of K terms packed, on any instruction set. */
static inline size_t jd__corr_packed(int64_t N, int64_t K)
{
    return (size_t)((N + 15) / 16 * 16 * K);
}

#endif
