/*
 * recur.h - how a recurrent kernel divides a batch of sequences over a team, and which rows it touches at a step.
 *
 * With enough samples each member takes samples of its own and never waits for another (samples do not depend on each
 * other).  With few samples and large weights each member takes a range of units of all samples instead, and all meet at
 * a barrier once or twice a step.  Both give the same bits: every pre-activation is one chain in a fixed order.
 */
#ifndef JD_CPU_RECUR_H
#define JD_CPU_RECUR_H

#include "cpu/rows.h"
#include "ops/recurrent.h"

typedef struct jd_recur {
    jd_worker w; /* the team at work; a team of one for small products */
    int T, B, H, P;
    bool reverse, ragged;
    bool by_units;   /* members share units, not samples */
    int base;        /* samples of the members before this one */
    int n;           /* samples of this member... */
    int32_t *sample; /* ...by falling length */
    int32_t *length; /* of those */
    int32_t *first;  /* (B) row of each sample's first step when the valid rows are packed together (ragged) */
    int rows;        /* number of valid rows */
    int period;      /* > 1: the valid rows are those of every so many steps; `first` and `rows` count these only */
    const int32_t *given; /* the lengths as the op got them, or NULL */
    int32_t *row, *prev;  /* rows t B + b of the present step and the one before, of the samples alive; prev -1: none */
    const float **a;      /* row pointers, for a step or for a chunk of steps */
    float **c;
    int chunk;          /* rows of a chunk */
    size_t got, of;     /* this member's part of the steps, and all */
    int u0, u1, p0, p1; /* blocks of JD_RW units and outputs that this member computes */
} jd_recur;

/* False when this member has nothing to do because the work is too small for a team.  step_flop: of one step of one
 * sample; weights: floats of the recurrent weights. */
bool JD_K(jd__recur_init)(jd_recur *r, const jd_call *c, const jd_worker *w, const jd_rec_space *space, bool reverse,
                          int H, int P, double step_flop);

/* The same for a kernel whose members never share units: with fewer samples than members the first works alone. */
bool JD_K(jd__recur_init_samples)(jd_recur *r, const jd_call *c, const jd_worker *w, const jd_rec_space *space,
                                  bool reverse, int H, double step_flop);

/* Samples of this member alive at step s; fills row and prev. */
int JD_K(jd__recur_step)(jd_recur *r, int s);

/* Row of (step s, i-th sample of this member) in arrays that hold the valid rows only. */
static inline size_t jd__recur_packed(const jd_recur *r, int i, int s)
{
    return r->ragged ? (size_t)(r->first[r->sample[i]] + s) : (size_t)r->row[i];
}

/* Steps s0.. of a chunk in which the input product is done at once; returns the step after the chunk. */
int JD_K(jd__recur_input)(jd_recur *r, int s0, const float *x, int N, const jd_panels *W, int q0, int q1,
                          const float *bias, float *out, int ldo);

/* Zeroes rows of n floats past each sample's length in out (T,B,n). */
void JD_K(jd__recur_clear)(const jd_recur *r, float *out, int n);

/* last (B,n): each sample's last row of all (T,B,n), or its first state, or zero. */
void JD_K(jd__recur_last)(const jd_recur *r, const float *all, const float *first, float *last, int n);

/* to (B,n) = from, or zero; this member's samples (all have to meet before others read them). */
void JD_K(jd__recur_start)(const jd_recur *r, const float *from, float *to, int n);

/* Packs this member's share of the panels; weights (columns,K) that few rows will meet are left as they lie. */
void JD_K(jd__recur_pack)(const jd_recur *r, jd_panels *p, const float *b, size_t sk, size_t sn);
static inline void jd__recur_meet(const jd_recur *r)
{
    if (r->w.count == 1) return;
    jd_team_barrier(&r->w);
    jd_team_note(&r->w, r->got, r->of);
}
static inline void jd__recur_sync(const jd_recur *r)
{
    if (r->by_units) jd__recur_meet(r);
}

/* After all members met: out[k] = sum over b of sum[b * ld + k], in the order of b, for this member's share of n. */
void JD_K(jd__recur_reduce)(const jd_recur *r, const float *sum, size_t ld, int n, float *out);

/* A weight gradient: out (hi - lo, n) = sum over all valid rows of (columns lo..hi-1 of the errors)' times a row of n
 * numbers that stands at the same step in `all` (T,B,n), or at the step before with `before`. */
typedef struct jd_outer {
    int lo, hi, n;
    int ld; /* of `all` and `first`; 0: n */
    const float *all;
    const float *first; /* (B,n): the state before the first step, or NULL */
    bool before, again; /* again: the same rows as the term above */
    float *out;
} jd_outer;
/* By all members together, once all have met; error (rows, ld). */
void JD_K(jd__recur_outer)(const jd_recur *r, const float *error, int ld, const jd_outer *term, int terms, float *room);

/* dx (T,B,N) = error (rows, K) W, zero past the lengths; by all members together. */
void JD_K(jd__recur_dx)(const jd_recur *r, const float *error, int ld, const jd_panels *W, float *dx, int N);

/* The simple recurrent layer on one sample with at most so many inputs and units. */
enum { JD_TINY = 8 };
void JD_K(jd__srn_tiny)(const jd_call *c);

#endif
