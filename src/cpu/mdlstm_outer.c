/*
 * mdlstm_outer.c - the weight gradients of the multi-dimensional LSTM: the errors of all points times their inputs and
 * the states of their predecessors, packed a block of points at a time.  Errors of large layers are taken during the
 * scans: they need not go to memory and come back.
 *
 * Order of the sums over points: during the scans by part of the batch, crew, step and lane, the parts being added at the
 * end; after them by place and then sample when all samples have the full size, else by sample and then in scan order.
 */
#include "cpu/gemm_tile.h"
#include "cpu/mdlstm_grad.h"

/* C (M,K), going on from C or from 0, plus a' b, where a is (rows,M) and G apart and b a block of panels. */
static void multiply(size_t M, size_t rows, const float *a, size_t G, const float *b, size_t K, float *C, bool go_on)
{
    const jd_cut cut = jd_cut_rows((int64_t)M);
    for (size_t n0 = 0; n0 < K; n0 += JD_NR, b += JD_MD_BLOCK * JD_NR) {
        const size_t left = K - n0;
        for (int64_t t = 0; t < cut.tiles; t++) {
            const int64_t m = jd_cut_start(&cut, t);
            float *const to = C + (size_t)m * K + n0;
            const jd_tile_end e = {.init = go_on ? to : NULL,
                                   .ldi = (ptrdiff_t)K,
                                   .C = to,
                                   .ldc = (ptrdiff_t)K,
                                   .next = t + 1 < cut.tiles ? to + (size_t)cut.base * K : to,
                                   .n = left < JD_NR ? (int)left : JD_NR};
            JD_K(jd__tile)(jd_cut_size(&cut, t), (int64_t)rows, a + m, 1, (ptrdiff_t)G, b, &e);
        }
    }
}

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
    const size_t G = m->v.z.G;
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
        multiply(t->g1 - t->g0, t->rows, a + t->g0, G, b, m->K, product, t->done > 0);
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
static void pack_wide(const mdback *m, const float *x, const float *const h[JD_MD_DIMS], size_t at, float *b)
{
    size_t c = 0;
    for (int part = 0; part <= m->v.z.n; part++) {
        const size_t width = part ? m->H : m->N;
        const float *from = part ? h[part - 1] : x;
        for (size_t k = 0, n; k < width; k += n, c += n) {
            const size_t in = c % JD_NR, left = JD_NR - in;
            n = width - k < left ? width - k : left;
            jd_copy(b + (c / JD_NR * JD_MD_BLOCK + at) * JD_NR + in, from + k, n);
        }
    }
}

static void pack_run(const mdback *m, const run *r, size_t first, size_t count, size_t at)
{
    for (size_t i = first; i < first + count; i++, at++) {
        const float *h[JD_MD_DIMS];
        for (int e = 0; e < m->v.z.n; e++) h[e] = r->h[e] + (ptrdiff_t)i * r->dh[e];
        pack_wide(m, r->x + (ptrdiff_t)i * r->dx, h, at, m->v.o.rows_b);
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
            pack_run(m, r, i, n, t->rows);
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

/* ---- during the scans -----------------------------------------------------------------------------------------------------*/

static void take_in(mdback *m)
{
    const size_t G = m->v.z.G;
    if (m->rows) multiply(G, m->rows, m->v.o.rows_a, G, m->v.o.rows_b, m->K, m->sum, m->done > 0);
    m->done += m->rows;
    m->rows = 0;
}

float *JD_K(jd__mdlstm_room)(mdback *m, size_t lanes)
{
    if (m->rows + lanes > JD_MD_BLOCK) take_in(m);
    return m->v.o.rows_a + m->rows * m->v.z.G;
}

void JD_K(jd__mdlstm_meet)(mdback *m, int d, int k, size_t l0, size_t l1, const jd_rows *rows)
{
    const jd_wave *v = &m->v;
    const jd_md *z = &v->z;
    const ptrdiff_t D = z->D, H = (ptrdiff_t)m->H;
    for (size_t l = l0; l < l1; l++) {
        const ptrdiff_t row = jd_row(rows, l - l0);
        const float *h[JD_MD_DIMS];
        for (int e = 0; e < z->n; e++) {
            const ptrdiff_t stride = z->dir[d] >> e & 1 ? -(ptrdiff_t)z->stride[e] : (ptrdiff_t)z->stride[e];
            const bool inside = row >= 0 && (e < z->n - 1 ? v->o.low[l] >> e & 1 : k > v->o.first[l]);
            h[e] = inside ? m->y + ((row - stride) * D + d) * H : v->o.zero;
        }
        pack_wide(m, row < 0 ? v->o.zero : m->x + row * (ptrdiff_t)m->N, h, m->rows + l - l0, v->o.rows_b);
    }
    m->rows += l1 - l0;
}

void JD_K(jd__mdlstm_end)(mdback *m)
{
    take_in(m);
    if (!m->done) memset(m->sum, 0, m->v.z.G * m->K * sizeof(float));
    m->done = 0;
}
