/*
 * convlstm.h - the sizes of the convolutional LSTM, and the scratch memory of its kernels.
 *
 * A sequence is T planes of Y x X places.  Sample b has planes 0..length-1 and in each the places of an upper left corner
 * of `height` by `width`; all else is outside, where everything is zero.
 */
#ifndef JD_OPS_CONVLSTM_H
#define JD_OPS_CONVLSTM_H

#include "ops/recurrent.h"

typedef struct jd_planes {
    int64_t T, B, Y, X, N, C, k;
    int64_t plane; /* Y X */
    bool reverse;
    const int32_t *size; /* (B,3), or NULL */
} jd_planes;

static inline jd_planes jd__planes(const jd_call *c)
{
    const int64_t *x = c->in_type[0].dim, *R = c->in_type[3].dim;
    const jd_convlstm_attr *a = (const jd_convlstm_attr *)c->attr;
    const jd_planes p = {x[0], x[1], x[2], x[3], x[4], R[3], R[1], x[2] * x[3], a->reverse != 0, NULL};
    return p;
}

typedef struct jd_plane_size {
    int64_t length, height, width;
} jd_plane_size;

/* Of sample b, kept inside the array whatever the data say; a sample without places has no planes. */
static inline jd_plane_size jd__plane_size(const jd_planes *p, int64_t b)
{
    const int64_t most[3] = {p->T, p->Y, p->X};
    int64_t n[3] = {p->T, p->Y, p->X};
    for (int i = 0; p->size && i < 3; i++) {
        const int64_t want = p->size[3 * b + i];
        n[i] = want < 0 ? 0 : want < most[i] ? want : most[i];
    }
    if (!n[1] || !n[2]) n[0] = 0;
    const jd_plane_size size = {n[0], n[1], n[2]};
    return size;
}

/* The plane (t,b) of step s of a sample of that length, as its number t B + b; -1 before the first and past the last step. */
static inline int64_t jd__plane_at(const jd_planes *p, int64_t b, int64_t length, int64_t s)
{
    if (s < 0 || s >= length) return -1;
    return (p->reverse ? length - 1 - s : s) * p->B + b;
}

/* ---- scratch memory of the fast kernels ------------------------------------------------------------------------------- */

/* Calls of other ops' kernels, for all planes at once.  They share one piece of scratch. */
typedef enum jd_plane_call {
    JD_PLANES_DX, /* delta, W -> dx */
    JD_PLANES_DW, /* delta, x -> dW */
    JD_PLANES_DR, /* delta, y of the step before -> dR */
    JD_PLANES_DB  /* delta -> db */
} jd_plane_call;

typedef struct jd_plane_op {
    jd_call c;
    jd_type in_type[2], out_type[1];
    void *in[2], *out[1];
    union {
        jd_conv_attr conv;
        jd_sum_attr sum;
    } attr;
} jd_plane_op;

typedef struct jd_plane_space {
    float *weights; /* R packed, or packed turned */
    float *input;   /* forward: W packed */
    float *x;       /* backward, ragged: x with zeros outside */
    float *delta;   /* backward: (T,B,Y,X,4C) errors of the pre-activations */
    float *dh, *dc; /* backward: (B,Y,X,C) that flow into the step before */
    void *other;    /* backward: of the other kernels */
} jd_plane_space;

/* Fills s (pointers NULL when base is NULL) and returns the bytes. */
size_t jd__plane_space(const jd_call *c, bool grad, int threads, void *base, jd_plane_space *s);

/* Prepares a call of another op with the types and pointers of c (pointers only when c has them). */
void jd__plane_op(const jd_call *c, jd_plane_call what, const jd_plane_space *s, jd_plane_op *o);

#endif
