/*
 * recurrent.h - what the recurrent ops share: checks of shapes, sample lengths, the steps of an unrolled loop, and the
 * layout of the scratch memory of the fast kernels.
 *
 * Step and time: a sample of length L is processed in steps s = 0..L-1; step s stands at time s, or at L-1-s when the
 * layer runs in reverse.
 */
#ifndef JD_OPS_RECURRENT_H
#define JD_OPS_RECURRENT_H

#include "graph/op.h"
#include "ops/attrs.h"

/* A sample's length, kept inside [0,T] whatever the data say; T when there are no lengths. */
static inline size_t jd__length(const int32_t *length, size_t b, size_t T)
{
    if (!length) return T;
    if (length[b] < 0) return 0;
    return (size_t)length[b] < T ? (size_t)length[b] : T;
}
static inline size_t jd__time(bool reverse, size_t length, size_t s)
{
    return reverse ? length - 1 - s : s;
}

/* OK when input i is present (or `optional` and absent) and has the element type and shape given. */
jd_status jd__rec_want(const jd_infer *c, int i, const char *what, bool optional, jd_dtype dtype, jd_dims shape);
/* Checks input 0, x (T,B,N), and input 1, the lengths. */
jd_status jd__rec_want_sequence(const jd_infer *c);
/* The type of an output like input i; (0) when that input is absent. */
jd_type jd__rec_like(const jd_infer *c, int i);

/* The gradient rule of a recurrent op with `inputs` inputs, of which the second is the length: its backward op gets them,
 * the `kept` outputs, and what flows into the first two outputs; it gives the gradients in the order of the inputs. */
void jd__rec_grad(const jd_rule *c, jd_opcode back, const void *attr, int inputs, const int *kept, int nkept);
/* The shape rule of that backward op: n gradients, the first of which is empty when nobody needs it. */
jd_status jd__rec_infer_grad(jd_infer *c, int n, bool need_dx);
jd_type jd__rec_type(jd_dtype dtype, jd_dims shape);

/* ---- decompositions: a loop over the steps of all samples at once ------------------------------------------------------*/
typedef struct jd_unroll {
    jd_graph *g;
    int64_t T, B;
    jd_node length; /* (B) real, or none */
    jd_node raw;    /* the int32 lengths */
    bool reverse;
} jd_unroll;
jd_unroll jd__unroll(const jd_rule *c, bool reverse);
/* x W' + b for all steps, in processing order: (T,B,rows of W) */
jd_node jd__unroll_input(const jd_unroll *u, jd_node x, jd_node W, jd_node b);
/* step s of a sequence (T,B,n): (B,n) */
jd_node jd__unroll_at(const jd_unroll *u, jd_node x, int64_t s);
/* `now` for the samples alive at step s, `otherwise` (none: zero) for the others */
jd_node jd__unroll_alive(const jd_unroll *u, int64_t s, jd_node now, jd_node otherwise);
/* The outputs of all steps (B,n) in processing order as (T,B,n), back in the order of time. */
jd_node jd__unroll_stack(const jd_unroll *u, jd_node *y);

/* ---- scratch memory of the fast kernels ----------------------------------------------------------------------------------
 * A kernel and its op's scratch() walk through the same list of pieces; with base NULL the walk only measures. */
typedef struct jd_carve {
    char *base;
    size_t used;
} jd_carve;
static inline void *jd__carve(jd_carve *m, size_t bytes)
{
    char *p = m->base ? m->base + m->used : NULL;
    m->used += (bytes + 63) & ~(size_t)63;
    return p;
}
/* Floats of a packed matrix (K, G groups of n columns): panels are at most 32 columns wide. */
static inline size_t jd__packed_floats(size_t K, size_t G, size_t n)
{
    return K * G * ((n + 31) / 32 * 32);
}

/* Rows that the weight gradients take in at a time, and columns of errors. */
enum { JD_OUTER_ROWS = 384, JD_OUTER_COLUMNS = 48 };

/* Pre-activations of a sample that are at work at a time. */
enum { JD_PRE_FLOATS = 256 };

/* Rows of errors stand so many floats further apart than they need: 4096 bytes apart they would get in each other's way in
 * the first-level cache. */
enum { JD_DELTA_PAD = 16 };

/* For all recurrent ops.  H units, P outputs, G groups of H pre-activations, D groups of their gradients. */
typedef struct jd_rec_space {
    float *w, *r, *proj; /* packed weights */
    float *r2;           /* GRU backward: the second packed half of R */
    float *start;        /* LSTM forward: the bias in the order of the panels */
    float *pre;          /* LSTM forward: pre-activations of some units of a step, JD_PRE_FLOATS a sample and member */
    void *plan;          /* int32: order of samples, lengths, row pointers; one piece a member */
    size_t plan_bytes;
    /* backward only */
    float *delta;   /* (rows, D H + JD_DELTA_PAD) errors of the pre-activations; or (rows, D H) */
    float *dr;      /* (rows, P) errors of the projected output */
    float *dh, *dc; /* (B,P), (B,H) errors that arrive from the step after; P rounded up */
    float *dm;      /* (B,H) errors of the outputs before projection */
    float *sum;     /* (B, D H + 3H) sums over a sample's steps: of delta, and for the peepholes */
    float *outer;   /* one piece a member: blocks of the factors of the weight gradients */
    size_t outer_floats;
} jd_rec_space;

/* Bytes of a member's piece of `plan`. */
size_t jd__rec_plan_bytes(size_t T, size_t B);
/* Fills s (pointers NULL when base is NULL) and returns the bytes.  gates: blocks of rows of W and R (inputs 2 and 3); an
 * op with four has a projection when input 6 is there.  grad: of the backward op. */
size_t jd__rec_space(const jd_call *c, int gates, bool grad, int threads, void *base, jd_rec_space *s);

#endif
