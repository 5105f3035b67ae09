/*
 * rows.h - products of rows that may lie anywhere with a weight matrix that was packed once: what a recurrent layer needs
 * at every step.
 *
 * A weight matrix of K rows and G groups of n columns (the gates of n units) is packed into panels of JD_RW columns, K x
 * JD_RW floats each.  Panel q holds the columns of group q % G that start at unit (q / G) JD_RW: the gates of the same
 * units lie side by side, so that a range of units is a range of panels.  Panels at the edge are filled up with zeros.
 *
 * Each element of a result is one chain of fused multiply-adds in the order of k, whatever the number of rows.
 */
#ifndef JD_CPU_ROWS_H
#define JD_CPU_ROWS_H

#include "cpu/simd.h"

enum { JD_RW = 2 * VL, JD_GROUPS = 4 };

typedef struct jd_panels {
    float *data;
    const float *raw; /* (G n, K): the weights as they lie, met by few rows and not packed; or NULL */
    int K, G, n;
    int at[JD_GROUPS]; /* first column of each group in a row of the result */
} jd_panels;

static inline int jd__row_blocks(int n)
{
    return (n + JD_RW - 1) / JD_RW;
}

/* Packs panels q0..q1-1; element (k, group g, column j) is b[k * sk + (g * n + j) * sn]. */
void JD_K(jd__rows_pack)(const jd_panels *p, const float *b, size_t sk, size_t sn, int q0, int q1);

/* For each of m rows i and the columns of panels q0..q1-1: c[i] = start + a[i] x panel.  The start is bias (by column of
 * the result) when bias is given, else c[i] itself when `add`, else 0. */
void JD_K(jd__rows_mul)(const jd_panels *p, int q0, int q1, int m, const float *const *a, float *const *c,
                        const float *bias, int add);

/* One part of a chain: rows against packed columns. */
typedef struct jd_part {
    const jd_panels *p;
    const float *const *a;
} jd_part;

/* The panels q0..q1-1 of all parts for m rows, a panel's columns side by side in the order of the panels:
 * out[i * ld + (q - q0) * JD_RW + l] = start[q * JD_RW + l] (without start: itself) + the parts, one after another.
 * follow: the panel that the next call will begin with; it is fetched at the end. */
void JD_K(jd__rows_chain)(const jd_part *part, int parts, int q0, int q1, int follow, int m, const float *start,
                          float *out, size_t ld);

#endif
