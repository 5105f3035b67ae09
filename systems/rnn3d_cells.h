/*
 * rnn3d_cells.h - one scan of a box, sub-tile by sub-tile, in float or double: rnn3d_cells.c includes this once for each.
 *
 * Places are in the order of the scan: along each axis the scan comes from 0.  Arrays of states have a layer more on that
 * side, index 0, which holds what came from the neighbour, or zeros at the volume's border.
 */
#ifndef R3_CELLS_TYPES
#define R3_CELLS_TYPES

#include "rnn3d_mail.h"

/* A scan's memory in one process, C cells: `real` is float or double. */
typedef struct r3_scan {
    int n[R3_AXES], flip; /* the box; bit e: axis e runs backwards */
    int cells;
    void *h, *c;          /* (n0+1,n1+1,n2+1,C) */
    void *gates, *errors; /* (n0,n1,n2,6C): activated i f0 f1 f2 z o; errors of their inputs */
    void *dc;             /* (n0,n1,n2,C) */
    void *after[R3_AXES]; /* what the next box sends back: errors of h and c of the last layer, (face,2C) */
    const void *w;        /* (1+3C+1,6C): rows for x, h of each axis, bias */
    const void *r;        /* (6C,3C): the recurrent weights again, for the way back */
    const void *v;        /* (C): the output's weights */
    const void *x, *dy;   /* (box) in the volume's order: input, errors of the output */
    void *y;              /* (box): this scan's part of the output */
    void *sums;           /* gradients, as w (real, or int64_t fractions of R3_UNIT), then as v */
    bool exact;
} r3_scan;

typedef struct r3_range {
    int lo[R3_AXES], hi[R3_AXES];
} r3_range;

typedef struct r3_kernels {
    size_t real;
    void (*forward)(r3_scan *s, const r3_range *t);
    void (*backward)(r3_scan *s, const r3_range *t);
    /* Faces of a sub-tile across axis e: packed from the last layer (forward) or as errors for the layer before the first
     * (backward), and put where they are looked for. */
    void (*pack)(const r3_scan *s, const r3_range *t, int e, void *to);
    void (*unpack)(r3_scan *s, const r3_range *t, int e, const void *from);
    void (*pack_back)(const r3_scan *s, const r3_range *t, int e, void *to);
    void (*unpack_back)(r3_scan *s, const r3_range *t, int e, const void *from);
} r3_kernels;
extern const r3_kernels r3_float, r3_double;

#endif

#ifdef REAL

static REAL NAME(sigmoid)(REAL x)
{
    return (REAL)(1 / (1 + jd_exp_lane(-(double)x)));
}

static REAL NAME(squash)(REAL x)
{
    return (REAL)(2 / (1 + jd_exp_lane(-2 * (double)x)) - 1);
}

static size_t NAME(padded)(const r3_scan *s, int i, int j, int k)
{
    return (((size_t)i * (size_t)(s->n[1] + 1) + (size_t)j) * (size_t)(s->n[2] + 1) + (size_t)k) * (size_t)s->cells;
}

static size_t NAME(inside)(const r3_scan *s, int i, int j, int k)
{
    return ((size_t)i * (size_t)s->n[1] + (size_t)j) * (size_t)s->n[2] + (size_t)k;
}

/* The same voxel in the volume's order. */
static size_t NAME(voxel)(const r3_scan *s, int i, int j, int k)
{
    return NAME(inside)(s, s->flip & 1 ? s->n[0] - 1 - i : i, s->flip & 2 ? s->n[1] - 1 - j : j,
                        s->flip & 4 ? s->n[2] - 1 - k : k);
}

static void NAME(cell)(r3_scan *s, int i, int j, int k)
{
    const int C = s->cells, G = R3_GATES * C;
    const REAL *w = s->w, *v = s->v, x = ((const REAL *)s->x)[NAME(voxel)(s, i, j, k)];
    const size_t before[R3_AXES] = {NAME(padded)(s, i, j + 1, k + 1), NAME(padded)(s, i + 1, j, k + 1),
                                    NAME(padded)(s, i + 1, j + 1, k)};
    REAL *g = (REAL *)s->gates + NAME(inside)(s, i, j, k) * (size_t)G, *h = s->h, *c = s->c;
    const size_t here = NAME(padded)(s, i + 1, j + 1, k + 1);
    const REAL *bias = w + (size_t)(1 + 3 * C) * (size_t)G;
    for (int m = 0; m < G; m++) g[m] = bias[m] + x * w[m];
    for (int e = 0; e < R3_AXES; e++)
        for (int q = 0; q < C; q++) {
            const REAL from = h[before[e] + (size_t)q], *row = w + (size_t)(1 + e * C + q) * (size_t)G;
            for (int m = 0; m < G; m++) g[m] += from * row[m];
        }
    for (int m = 0; m < G; m++) g[m] = m / C == 4 ? NAME(squash)(g[m]) : NAME(sigmoid)(g[m]);
    REAL y = 0;
    for (int q = 0; q < C; q++) {
        REAL sum = g[4 * C + q] * g[q];
        for (int e = 0; e < R3_AXES; e++) sum += g[(1 + e) * C + q] * c[before[e] + (size_t)q];
        c[here + (size_t)q] = sum;
        h[here + (size_t)q] = g[5 * C + q] * NAME(squash)(sum);
        y += v[q] * h[here + (size_t)q];
    }
    ((REAL *)s->y)[NAME(voxel)(s, i, j, k)] = y;
}

static void NAME(forward)(r3_scan *s, const r3_range *t)
{
    for (int i = t->lo[0]; i < t->hi[0]; i++)
        for (int j = t->lo[1]; j < t->hi[1]; j++)
            for (int k = t->lo[2]; k < t->hi[2]; k++) NAME(cell)(s, i, j, k);
}

/* What a voxel tells its predecessor along axis e: errors of that one's h, then of its c. */
static void NAME(tell)(const r3_scan *s, int i, int j, int k, int e, REAL *to)
{
    const int C = s->cells, G = R3_GATES * C;
    const size_t at = NAME(inside)(s, i, j, k);
    const REAL *d = (const REAL *)s->errors + at * (size_t)G, *g = (const REAL *)s->gates + at * (size_t)G, *r = s->r;
    const REAL *dc = (const REAL *)s->dc + at * (size_t)C;
    for (int q = 0; q < C; q++) to[q] = 0;
    for (int m = 0; m < G; m++)
        for (int q = 0; q < C; q++) to[q] += d[m] * r[m * 3 * C + e * C + q];
    for (int q = 0; q < C; q++) to[C + q] = g[(1 + e) * C + q] * dc[q];
}

/* Place on a face across axis e. */
static size_t NAME(face)(const r3_scan *s, int i, int j, int k, int e)
{
    const int at[R3_AXES] = {i, j, k}, u = e == 0 ? 1 : 0, v = e == 2 ? 1 : 2;
    return ((size_t)at[u] * (size_t)s->n[v] + (size_t)at[v]) * 2 * (size_t)s->cells;
}

/* Adds the outer product of a voxel's inputs and errors to the gradients. */
static void NAME(learn)(r3_scan *s, const REAL *in, const REAL *d, const REAL *h, REAL dy)
{
    const int C = s->cells, G = R3_GATES * C, N = 2 + 3 * C;
    if (s->exact) {
        int64_t *sum = s->sums;
        for (int a = 0; a < N; a++)
            for (int m = 0; m < G; m++) sum[a * G + m] += (int64_t)((double)in[a] * (double)d[m] * R3_UNIT);
        for (int q = 0; q < C; q++) sum[N * G + q] += (int64_t)((double)h[q] * (double)dy * R3_UNIT);
    } else {
        REAL *sum = s->sums;
        for (int a = 0; a < N; a++)
            for (int m = 0; m < G; m++) sum[a * G + m] += in[a] * d[m];
        for (int q = 0; q < C; q++) sum[N * G + q] += h[q] * dy;
    }
}

static void NAME(cell_back)(r3_scan *s, int i, int j, int k)
{
    const int C = s->cells, G = R3_GATES * C, at[R3_AXES] = {i, j, k};
    const size_t here = NAME(inside)(s, i, j, k), mine = NAME(padded)(s, i + 1, j + 1, k + 1);
    const size_t before[R3_AXES] = {NAME(padded)(s, i, j + 1, k + 1), NAME(padded)(s, i + 1, j, k + 1),
                                    NAME(padded)(s, i + 1, j + 1, k)};
    const REAL *g = (const REAL *)s->gates + here * (size_t)G, *h = s->h, *c = s->c, *v = s->v;
    const REAL dy = ((const REAL *)s->dy)[NAME(voxel)(s, i, j, k)];
    REAL *d = (REAL *)s->errors + here * (size_t)G, *keep = (REAL *)s->dc + here * (size_t)C;
    REAL dh[R3_CELLS], dc[R3_CELLS], told[2 * R3_CELLS], in[2 + 3 * R3_CELLS];
    for (int q = 0; q < C; q++) dh[q] = dy * v[q], dc[q] = 0;
    for (int e = 0; e < R3_AXES; e++) { /* always in this order: the same bits wherever boxes end */
        const REAL *from = told;
        if (at[e] + 1 < s->n[e])
            NAME(tell)(s, i + (e == 0), j + (e == 1), k + (e == 2), e, told);
        else
            from = (const REAL *)s->after[e] + NAME(face)(s, i, j, k, e);
        for (int q = 0; q < C; q++) dh[q] += from[q], dc[q] += from[C + q];
    }
    for (int q = 0; q < C; q++) {
        const REAL out = NAME(squash)(c[mine + (size_t)q]), o = g[5 * C + q], z = g[4 * C + q], gate = g[q];
        const REAL all = dc[q] + dh[q] * o * (1 - out * out);
        keep[q] = all;
        d[q] = all * z * gate * (1 - gate);
        for (int e = 0; e < R3_AXES; e++) {
            const REAL f = g[(1 + e) * C + q];
            d[(1 + e) * C + q] = all * c[before[e] + (size_t)q] * f * (1 - f);
        }
        d[4 * C + q] = all * gate * (1 - z * z);
        d[5 * C + q] = dh[q] * out * o * (1 - o);
    }
    in[0] = ((const REAL *)s->x)[NAME(voxel)(s, i, j, k)];
    for (int e = 0; e < R3_AXES; e++)
        for (int q = 0; q < C; q++) in[1 + e * C + q] = h[before[e] + (size_t)q];
    in[1 + 3 * C] = 1;
    NAME(learn)(s, in, d, h + mine, dy);
}

static void NAME(backward)(r3_scan *s, const r3_range *t)
{
    for (int i = t->hi[0] - 1; i >= t->lo[0]; i--)
        for (int j = t->hi[1] - 1; j >= t->lo[1]; j--)
            for (int k = t->hi[2] - 1; k >= t->lo[2]; k--) NAME(cell_back)(s, i, j, k);
}

/* ---- faces -----------------------------------------------------------------------------------------------------------------*/

/* The sub-tile's face across axis e in layer `at`. */
static r3_range NAME(layer)(const r3_range *t, int e, int at)
{
    r3_range l = *t;
    l.lo[e] = at;
    l.hi[e] = at + 1;
    return l;
}

#define FOR_EACH(l)                                                                                                    \
    for (int i = (l).lo[0]; i < (l).hi[0]; i++)                                                                        \
        for (int j = (l).lo[1]; j < (l).hi[1]; j++)                                                                    \
            for (int k = (l).lo[2]; k < (l).hi[2]; k++)

static void NAME(pack)(const r3_scan *s, const r3_range *t, int e, void *to)
{
    const r3_range l = NAME(layer)(t, e, s->n[e] - 1);
    const size_t bytes = (size_t)s->cells * sizeof(REAL);
    REAL *p = to;
    FOR_EACH(l)
    {
        const size_t at = NAME(padded)(s, i + 1, j + 1, k + 1);
        memcpy(p, (const REAL *)s->h + at, bytes);
        memcpy(p + s->cells, (const REAL *)s->c + at, bytes);
        p += 2 * s->cells;
    }
}

static void NAME(unpack)(r3_scan *s, const r3_range *t, int e, const void *from)
{
    const r3_range l = NAME(layer)(t, e, -1);
    const size_t bytes = (size_t)s->cells * sizeof(REAL);
    const REAL *p = from;
    FOR_EACH(l)
    {
        const size_t at = NAME(padded)(s, i + 1, j + 1, k + 1);
        memcpy((REAL *)s->h + at, p, bytes);
        memcpy((REAL *)s->c + at, p + s->cells, bytes);
        p += 2 * s->cells;
    }
}

static void NAME(pack_back)(const r3_scan *s, const r3_range *t, int e, void *to)
{
    const r3_range l = NAME(layer)(t, e, 0);
    REAL *p = to;
    FOR_EACH(l)
    {
        NAME(tell)(s, i, j, k, e, p);
        p += 2 * s->cells;
    }
}

static void NAME(unpack_back)(r3_scan *s, const r3_range *t, int e, const void *from)
{
    const r3_range l = NAME(layer)(t, e, s->n[e] - 1);
    const REAL *p = from;
    FOR_EACH(l)
    {
        memcpy((REAL *)s->after[e] + NAME(face)(s, i, j, k, e), p, 2 * (size_t)s->cells * sizeof(REAL));
        p += 2 * s->cells;
    }
}

#undef FOR_EACH
#endif
