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
#include "ops/conv.h"

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

/* The taps [lo, hi) of k that lie on n cells when tap 0 lies at `at`. */
typedef struct jd_taps {
    int64_t lo, hi;
} jd_taps;
static inline jd_taps jd_taps_at(int64_t at, int64_t k, int64_t n)
{
    jd_taps t = {at < 0 ? -at : 0, n - at < k ? n - at : k};
    if (t.lo >= t.hi) t.lo = t.hi = 0;
    return t;
}

/* The end of the run of positions from `from` that have the same taps. */
static inline int64_t jd_same_taps(int64_t from, int64_t to, int64_t step, int64_t off, int64_t k, int64_t n,
                                   jd_taps *t)
{
    *t = jd_taps_at(from * step + off, k, n);
    int64_t e = from + 1;
    while (e < to) {
        const jd_taps u = jd_taps_at(e * step + off, k, n);
        if (u.lo != t->lo || u.hi != t->hi) break;
        e++;
    }
    return e;
}

/* Squashes n values in place. */
void JD_K(jd__corr_squash)(jd_act act, float *x, int64_t n);
/* The rows of results r0..r1-1 of (B,oh). */
void JD_K(jd__corr_rows)(const jd_corr *q, int64_t r0, int64_t r1);
/* Member w's share of samples b0..b1-1. */
void JD_K(jd__corr)(const jd_corr *q, int64_t b0, int64_t b1, const jd_worker *w);

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

/* ---- lanes that are samples -------------------------------------------------------------------------------------------
 * A number of columns that leaves many lanes of its last vector empty is better met with the samples of a batch in the
 * lanes.  Each result is the same chain. */
typedef struct jd_corr_samples {
    const jd_corr *q;     /* pack: of jd__corr_samples_pack; results are stored, not added */
    int64_t pool;         /* windows of so many cells are pooled; 1: none */
    int64_t ph, pw;       /* rows and columns after that */
    int32_t *winner;      /* or NULL */
    int64_t out_b, out_y; /* strides of q->out, and of winner, after that */
} jd_corr_samples;
/* Whether this pays, for B samples with so many results each after pooling. */
bool JD_K(jd__corr_by_samples)(const jd_corr *q, int64_t B, int64_t results);
/* Member w's share of the first B / VL * VL samples.  room: its own. */
void JD_K(jd__corr_samples)(const jd_corr_samples *s, int64_t B, float *room, const jd_worker *w);

/* Weights (N,K), or those of (O,taps,N) with the taps from the last to the first, K = (taps,O). */
typedef struct jd_corr_weights {
    const float *w;
    bool turned;
    int64_t N, O, taps;
} jd_corr_weights;
/* Packs them, member w's share. */
void JD_K(jd__corr_samples_pack)(const jd_corr_weights *src, int64_t K, float *dst, const jd_worker *w);

#endif
