/* points.c - see points.h. */
#include "cpu/points.h"
#include "cpu/gemm_tile.h"

static size_t terms(const jd_points *p)
{
    size_t K = 0;
    for (int q = 0; q < p->parts; q++) K += p->part[q].K;
    return K;
}

#if VL > 1
enum { AHEAD = 12, NARROW_ROWS = VL == 16 ? 16 : 8, FEW_ROWS = VL == 16 ? 4 : 3 };

/* Tiles of mr rows and so many vectors, which may belong to several panels.  mr, vectors and whole are constant where it is
 * inlined. */
JD_INLINE void tile(const int mr, const int vectors, const int whole, const jd_points *p, size_t m, size_t n0)
{
    vf acc[NARROW_ROWS][4];
    const int left = (int)(p->N - n0);
    const bool over = p->N <= VL && p->ldc >= VL;
    const size_t panel = terms(p) * JD_NR, ldb = p->ldb ? p->ldb : JD_NR;
    const float *B = p->packed + n0 / JD_NR * panel;
    const ptrdiff_t ak = p->ak;
    JD_UNROLL for (int i = 0; i < mr; i++)
    {
        JD_UNROLL for (int j = 0; j < vectors; j++)
        {
            const float *from = p->init ? p->init + (m + (size_t)i) * p->ldi + n0 + j * VL : NULL;
            const int rest = left - j * VL;
            acc[i][j] = !from ? vf_zero() : whole ? vf_load(from) : rest > 0 ? vf_loadn(from, rest) : vf_zero();
        }
    }
    for (int q = 0; q < p->parts; q++) {
        const ptrdiff_t am = p->part[q].am;
        const float *base[(NARROW_ROWS + 2) / 3]; /* one pointer for each three rows: there are not enough registers */
        JD_UNROLL for (int i = 0; i < mr; i += 3) base[i / 3] = p->part[q].A + ((ptrdiff_t)m + i) * am;
        for (size_t k = 0; k < p->part[q].K; k++, B += ldb) {
            JD_UNROLL for (int j = 0; j < vectors; j++)
            {
                const vf b = vf_load(B + (size_t)(j * VL / JD_NR) * panel + j * VL % JD_NR);
                if (vectors > 2)
                    __builtin_prefetch(B + (size_t)(j * VL / JD_NR) * panel + j * VL % JD_NR + AHEAD * JD_NR);
                JD_UNROLL for (int i = 0; i < mr; i++)
                {
                    acc[i][j] = vf_fma(vf_set1(base[i / 3][i % 3 * am]), b, acc[i][j]);
                }
            }
            JD_UNROLL for (int i = 0; i < mr; i += 3) base[i / 3] += ak;
        }
    }
    JD_UNROLL for (int i = 0; i < mr; i++)
    {
        JD_UNROLL for (int j = 0; j < vectors; j++)
        {
            float *to = p->C + (m + (size_t)i) * p->ldc + n0 + j * VL;
            const int rest = left - j * VL;
            if (whole || (vectors == 1 && over))
                vf_store(to, acc[i][j]);
            else if (rest > 0)
                vf_storen(to, acc[i][j], rest);
        }
    }
}

/* One vector of columns: as many rows as hide the latency of the multiply-adds. */
static void narrow_rows(int mr, const jd_points *p, size_t m, size_t n0)
{
    switch (mr) {
    case 1: tile(1, 1, 0, p, m, n0); break;
    case 2: tile(2, 1, 0, p, m, n0); break;
    case 3: tile(3, 1, 0, p, m, n0); break;
    case 4: tile(4, 1, 0, p, m, n0); break;
    case 5: tile(5, 1, 0, p, m, n0); break;
    case 6: tile(6, 1, 0, p, m, n0); break;
    case 7: tile(7, 1, 0, p, m, n0); break;
#if VL == 16
    case 9: tile(9, 1, 0, p, m, n0); break;
    case 10: tile(10, 1, 0, p, m, n0); break;
    case 11: tile(11, 1, 0, p, m, n0); break;
    case 12: tile(12, 1, 0, p, m, n0); break;
    case 13: tile(13, 1, 0, p, m, n0); break;
    case 14: tile(14, 1, 0, p, m, n0); break;
    case 15: tile(15, 1, 0, p, m, n0); break;
    case 16: tile(16, 1, 0, p, m, n0); break;
#endif
    default: tile(8, 1, 0, p, m, n0); break;
    }
}

static void narrow(const jd_points *p, size_t n0)
{
    const size_t tiles = (p->M + NARROW_ROWS - 1) / NARROW_ROWS;
    for (size_t t = 0, m = 0, next; t < tiles; t++, m = next) {
        next = p->M * (t + 1) / tiles;
        narrow_rows((int)(next - m), p, m, n0);
    }
}

/* A few rows: panels side by side for the same reason. */
static void few_whole(int mr, const jd_points *p, size_t n0)
{
    switch (mr) {
    case 1: tile(1, 4, 1, p, 0, n0); break;
    case 2: tile(2, 4, 1, p, 0, n0); break;
    case 3: tile(3, 4, 1, p, 0, n0); break;
    default: tile(4, 4, 1, p, 0, n0); break;
    }
}
static void few_last(int mr, int vectors, const jd_points *p, size_t n0)
{
    switch (4 * vectors + mr - 1) {
    case 4: tile(1, 1, 0, p, 0, n0); break;
    case 5: tile(2, 1, 0, p, 0, n0); break;
    case 6: tile(3, 1, 0, p, 0, n0); break;
    case 7: tile(4, 1, 0, p, 0, n0); break;
    case 8: tile(1, 2, 0, p, 0, n0); break;
    case 9: tile(2, 2, 0, p, 0, n0); break;
    case 10: tile(3, 2, 0, p, 0, n0); break;
    case 11: tile(4, 2, 0, p, 0, n0); break;
    case 12: tile(1, 3, 0, p, 0, n0); break;
    case 13: tile(2, 3, 0, p, 0, n0); break;
    case 14: tile(3, 3, 0, p, 0, n0); break;
    case 15: tile(4, 3, 0, p, 0, n0); break;
    case 16: tile(1, 4, 0, p, 0, n0); break;
    case 17: tile(2, 4, 0, p, 0, n0); break;
    case 18: tile(3, 4, 0, p, 0, n0); break;
    default: tile(4, 4, 0, p, 0, n0); break;
    }
}

static bool small(const jd_points *p)
{
    if (p->M > FEW_ROWS) return false;
    size_t n0 = 0;
    for (; n0 + 4 * VL <= p->N; n0 += 4 * VL) few_whole((int)p->M, p, n0);
    if (n0 < p->N) few_last((int)p->M, (int)((p->N - n0 + VL - 1) / VL), p, n0);
    return true;
}
#else
static bool small(const jd_points *p)
{
    (void)p;
    return false;
}
static void narrow(const jd_points *p, size_t n0)
{
    (void)p;
    (void)n0;
}
#endif

void JD_K(jd__points_mul)(const jd_points *p)
{
    if (!p->M || small(p)) return;
    const jd_cut cut = jd_cut_rows((int64_t)p->M);
    const size_t K = terms(p);
    for (size_t n0 = 0; n0 < p->N; n0 += JD_NR) {
        const int n = p->N - n0 < JD_NR ? (int)(p->N - n0) : JD_NR;
        if (VL > 1 && n <= VL) {
            narrow(p, n0);
            break;
        }
        for (int64_t t = 0; t < cut.tiles; t++) {
            const size_t m = (size_t)jd_cut_start(&cut, t);
            float *const C = p->C + m * p->ldc + n0;
            jd_tile_end e = {.init = p->init ? p->init + m * p->ldi + n0 : NULL,
                             .ldi = (ptrdiff_t)p->ldi,
                             .C = C,
                             .ldc = (ptrdiff_t)p->ldc,
                             .next = C,
                             .n = n};
            const float *B = p->packed + n0 * K;
            for (int q = 0; q < p->parts; q++) {
                const jd_terms *a = &p->part[q];
                JD_K(jd__tile)
                (jd_cut_size(&cut, t), (int64_t)a->K, a->A + (ptrdiff_t)m * a->am, a->am, p->ak, B, &e);
                B += a->K * JD_NR;
                e.init = C;
                e.ldi = e.ldc;
            }
        }
    }
}
