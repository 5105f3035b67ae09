/*
 * mdlstm_outer.c - the weight gradients of the multi-dimensional LSTM: the errors of all points times their inputs and
 * the states of their predecessors, packed a block of points at a time.
 *
 * Order of the sums over points: by place and then sample when all samples have the full size, else by sample and then
 * in scan order.
 */
#include "cpu/mdlstm_grad.h"

/* Points whose rows are equally far apart. */
typedef struct run {
    const float *delta, *x, *h[JD_MD_DIMS];
    ptrdiff_t ddelta, dx, dh[JD_MD_DIMS];
    size_t count;
} run;

typedef struct outer {
    mdback *m;
    int d;
    size_t g0, g1, rows, done; /* rows that wait in the block, and those before it */
} outer;

/* The places of one sample of full size are taken in the order of the errors: these need no copy. */
static bool in_order(const mdback *m)
{
    return m->v.z.B == 1 && !m->v.z.size;
}

static void flush(outer *t)
{
    const mdback *m = t->m;
    const size_t G = m->v.z.G, panels = (m->K + JD_NR - 1) / JD_NR;
    const float *a = in_order(m) ? jd__mdlstm_delta(m, (size_t)t->d) + t->done * G : m->v.o.rows_a;
    float *b = m->v.o.rows_b, *product = m->s.product + ((size_t)t->d * G + t->g0) * m->K;
    if (!t->rows) return;
    if (VL > 1 && m->K <= VL) {
        const jd_points p = {.M = t->g1 - t->g0,
                             .N = m->K,
                             .parts = 1,
                             .part = {{a + t->g0, 1, t->rows}},
                             .ak = (ptrdiff_t)G,
                             .packed = b,
                             .ldb = VL,
                             .init = t->done ? product : NULL,
                             .ldi = m->K,
                             .C = product,
                             .ldc = m->K};
        JD_K(jd__points_mul)(&p);
    } else {
        for (size_t p = 1; p < panels && t->rows < JD_MD_BLOCK; p++)
            memmove(b + p * t->rows * JD_NR, b + p * JD_MD_BLOCK * JD_NR, t->rows * JD_NR * sizeof(float));
        JD_K(jd__gemm_packed)
        ((int64_t)(t->g1 - t->g0), (int64_t)t->rows, a + t->g0, 1, (ptrdiff_t)G, b, 0, (int64_t)panels, (int64_t)m->K,
         product, (ptrdiff_t)m->K, t->done > 0);
    }
    t->done += t->rows;
    t->rows = 0;
}

/* A right side of at most one panel, whose rows follow one another.  Columns past the last one do not matter. */
static void pack_narrow(const mdback *m, const run *r, size_t first, size_t count, size_t ldb, float *to)
{
    const size_t N = m->N, H = m->H;
    for (size_t i = first; i < first + count; i++, to += ldb) {
        float *p = to + N;
        jd_copy_over(to, r->x + (ptrdiff_t)i * r->dx, N);
        for (int e = 0; e < m->v.z.n; e++, p += H) {
            const float *h = r->h[e] + (ptrdiff_t)i * r->dh[e];
            if (H == 2)
                memcpy(p, h, 2 * sizeof *p);
            else
                jd_copy_over(p, h, H);
        }
    }
}

/* Row `at` of a right side of several panels, each with room for a whole block. */
static void pack_wide(const mdback *m, const run *r, size_t i, size_t at, float *b)
{
    const size_t rows = JD_MD_BLOCK;
    size_t c = 0;
    for (int part = 0; part <= m->v.z.n; part++) {
        const size_t width = part ? m->H : m->N;
        const float *from = part ? r->h[part - 1] + (ptrdiff_t)i * r->dh[part - 1] : r->x + (ptrdiff_t)i * r->dx;
        for (size_t k = 0, n; k < width; k += n, c += n) {
            const size_t in = c % JD_NR, left = JD_NR - in;
            n = width - k < left ? width - k : left;
            jd_copy(b + (c / JD_NR * rows + at) * JD_NR + in, from + k, n);
        }
    }
}

static void add_run(outer *t, const run *r)
{
    const mdback *m = t->m;
    const size_t G = m->v.z.G, ldb = VL > 1 && m->K <= VL ? VL : JD_NR;
    for (size_t i = 0; i < r->count;) {
        const size_t space = JD_MD_BLOCK - t->rows, left = r->count - i, n = left < space ? left : space;
        float *a = m->v.o.rows_a + t->rows * G;
        for (size_t k = 0; k < n && !in_order(m); k++)
            jd_copy_over(a + k * G, r->delta + (ptrdiff_t)(i + k) * r->ddelta, G);
        if (m->K <= JD_NR)
            pack_narrow(m, r, i, n, ldb, m->v.o.rows_b + t->rows * ldb);
        else
            for (size_t k = 0; k < n; k++) pack_wide(m, r, i + k, t->rows + k, m->v.o.rows_b);
        t->rows += n;
        i += n;
        if (t->rows == JD_MD_BLOCK) flush(t);
    }
}

/* The run that starts at a row of the arrays and goes on `step` rows at a time; inside: whether the predecessors exist. */
static run make_run(const outer *t, size_t row, ptrdiff_t step, size_t count, const bool *inside)
{
    const mdback *m = t->m;
    const jd_md *z = &m->v.z;
    const ptrdiff_t D = (ptrdiff_t)z->D, G = (ptrdiff_t)z->G, H = (ptrdiff_t)m->H;
    run r = {.delta = jd__mdlstm_delta(m, (size_t)t->d) + (ptrdiff_t)row * G,
             .x = m->x + row * m->N,
             .ddelta = step * G,
             .dx = step * (ptrdiff_t)m->N,
             .count = count};
    for (int e = 0; e < z->n; e++) {
        const ptrdiff_t stride = z->dir[t->d] >> e & 1 ? -(ptrdiff_t)z->stride[e] : (ptrdiff_t)z->stride[e];
        r.h[e] = inside[e] ? m->y + (((ptrdiff_t)row - stride) * D + t->d) * H : m->v.o.zero;
        r.dh[e] = inside[e] ? step * D * H : 0;
    }
    return r;
}

/* The points of a line along the last dimension, of which one at an end has no predecessor in it. */
static void add_line(outer *t, size_t row, ptrdiff_t step, size_t count, const bool *line_inside, bool at_start)
{
    bool inside[JD_MD_DIMS], outside[JD_MD_DIMS];
    const int last = t->m->v.z.n - 1;
    memcpy(inside, line_inside, sizeof inside);
    memcpy(outside, line_inside, sizeof outside);
    inside[last] = true;
    outside[last] = false;
    const size_t end = (size_t)((ptrdiff_t)row + step * (ptrdiff_t)(at_start ? 0 : count - 1));
    const size_t rest = at_start ? (size_t)((ptrdiff_t)row + step) : row;
    const run first = make_run(t, end, step, 1, outside);
    if (at_start) add_run(t, &first);
    if (count > 1) {
        const run others = make_run(t, rest, step, count - 1, inside);
        add_run(t, &others);
    }
    if (!at_start) add_run(t, &first);
}

/* By sample and then in scan order. */
static void samples_in_turn(outer *t)
{
    const jd_md *z = &t->m->v.z;
    const int s = z->dir[t->d], last = z->n - 1;
    const ptrdiff_t step = s >> last & 1 ? -1 : 1;
    size_t ext[JD_MD_DIMS];
    for (size_t b = 0; b < z->B; b++) {
        if (!jd__md_extent(z, b, ext)) continue;
        size_t lines[JD_MD_DIMS] = {ext[0], ext[1], ext[2]}, at[JD_MD_DIMS] = {0};
        lines[last] = 1;
        do {
            const bool inside[JD_MD_DIMS] = {at[0] > 0, at[1] > 0, at[2] > 0};
            add_line(t, b * z->P + jd__md_place(z, s, ext, at), step, ext[last], inside, true);
        } while (jd__md_next(lines, at));
    }
}

/* By place in the array and then sample; all samples have the full size. */
static void places_in_turn(outer *t)
{
    const jd_md *z = &t->m->v.z;
    const int s = z->dir[t->d], last = z->n - 1;
    size_t ext[JD_MD_DIMS], at[JD_MD_DIMS] = {0}, row = 0;
    if (!z->B || !jd__md_extent(z, 0, ext)) return;
    size_t lines[JD_MD_DIMS] = {ext[0], ext[1], ext[2]};
    const size_t length = z->B == 1 ? ext[last] : 1;
    if (z->B == 1) lines[last] = 1;
    do {
        bool inside[JD_MD_DIMS];
        for (int e = 0; e < JD_MD_DIMS; e++) inside[e] = s >> e & 1 ? at[e] + 1 < ext[e] : at[e] > 0;
        if (z->B == 1) {
            add_line(t, row, 1, length, inside, !(s >> last & 1));
        } else {
            const run r = make_run(t, row, (ptrdiff_t)z->P, z->B, inside);
            add_run(t, &r);
        }
        row += length;
    } while (jd__md_next(lines, at));
}

void JD_K(jd__mdlstm_outer)(mdback *m, int d, size_t g0, size_t g1)
{
    const jd_md *z = &m->v.z;
    outer t = {m, d, g0, g1, 0, 0};
    if (z->size)
        samples_in_turn(&t);
    else
        places_in_turn(&t);
    flush(&t);
    if (!t.done) memset(m->s.product + ((size_t)d * z->G + g0) * m->K, 0, (g1 - g0) * m->K * sizeof(float));
}
