/*
 * code.c - weights from coefficients: products of small matrices in float64.
 *
 * Every element is one chain of multiplications and additions in the order of k, without fused operations, so that every
 * width of vectors gives the same bits.
 */
#include "base/lanes64.h"
#include "cpu/control.h"
#include "cpu/isa.h"

enum { ROWS = 4, WIDE = 2 }; /* a tile is ROWS rows of WIDE vectors */
typedef float vf __attribute__((vector_size(4 * W), aligned(4), may_alias));

INLINE vd load(const double *p)
{
    return *(const vd *)(const void *)p;
}

/* h (K1, n) = g b for n columns from column `from`; n is a multiple of JD_CODE_PAD. */
static void left(const jd_code_plane *p, int from, int n)
{
    const size_t row = ((size_t)p->n2 + JD_CODE_PAD - 1) / JD_CODE_PAD * JD_CODE_PAD;
    for (int k = 0; k < p->K1; k++) {
        const double *g = p->g + (size_t)k * (size_t)p->K2, *b = p->b + from;
        double *h = p->h + (size_t)k * JD_CODE_BLOCK;
        for (int c = 0; c < n; c += W) {
            vd sum = {0};
            for (int j = 0; j < p->extent[k]; j++) sum += g[j] * load(b + (size_t)j * row + c);
            *(vd *)(void *)(h + c) = sum;
        }
    }
}

/* The first n of a vector's elements go to column `column` of a row. */
static void put(const jd_code_plane *p, int row, int column, int n, vd x)
{
    const size_t at = (size_t)row * p->stride + (size_t)column * p->apart;
    for (int l = 0; l < W && l < n; l++)
        if (p->narrow)
            p->narrow[at + (size_t)l * p->apart] = (float)x[l];
        else
            p->wide[at + (size_t)l * p->apart] = x[l];
}

INLINE void tile(const jd_code_plane *p, int row, const int rows, int from, int c)
{
    vd sum[ROWS][WIDE] = {0};
    const double *a = p->a + (size_t)row * (size_t)p->K1, *h = p->h + c;
    const size_t K = (size_t)p->K1, stride = p->stride;
    for (size_t k = 0; k < K; k++, h += JD_CODE_BLOCK) JD_UNROLL
    for (int r = 0; r < rows; r++) JD_UNROLL
    for (int v = 0; v < WIDE; v++) sum[r][v] += a[(size_t)r * K + k] * load(h + v * W);
    if (p->apart != 1 || from + c + WIDE * W > p->n2) {
        JD_UNROLL
        for (int r = 0; r < rows; r++) JD_UNROLL
        for (int v = 0; v < WIDE; v++) put(p, row + r, from + c + v * W, p->n2 - from - c - v * W, sum[r][v]);
        return;
    }
    const size_t at = (size_t)row * stride + (size_t)(from + c);
    if (p->narrow) {
        float *to = p->narrow + at;
        JD_UNROLL
        for (int r = 0; r < rows; r++) JD_UNROLL
        for (int v = 0; v < WIDE; v++)
            *(vf *)(void *)(to + (size_t)r * stride + v * W) = __builtin_convertvector(sum[r][v], vf);
    } else {
        double *to = p->wide + at;
        JD_UNROLL
        for (int r = 0; r < rows; r++) JD_UNROLL
        for (int v = 0; v < WIDE; v++) *(vd *)(void *)(to + (size_t)r * stride + v * W) = sum[r][v];
    }
}

void JD_K(jd__code_plane_rows)(const jd_code_plane *p, int begin, int end)
{
    for (int from = 0; from < p->n2; from += JD_CODE_BLOCK) {
        const int rest = p->n2 - from, n = rest < JD_CODE_BLOCK ? rest : JD_CODE_BLOCK;
        left(p, from, (n + JD_CODE_PAD - 1) / JD_CODE_PAD * JD_CODE_PAD);
        int row = begin;
        for (; row + ROWS <= end; row += ROWS)
            for (int c = 0; c < n; c += WIDE * W) tile(p, row, ROWS, from, c);
        for (; row < end; row++)
            for (int c = 0; c < n; c += WIDE * W) tile(p, row, 1, from, c);
    }
}

void JD_K(jd__code_contract)(const double *a, int K, const double *t, size_t m, double *out)
{
    size_t c = 0;
    for (; c + W <= m; c += W) {
        vd sum = {0};
        for (int k = 0; k < K; k++) sum += a[k] * load(t + (size_t)k * m + c);
        *(vd *)(void *)(out + c) = sum;
    }
    for (; c < m; c++) {
        double sum = 0;
        for (int k = 0; k < K; k++) sum += a[k] * t[(size_t)k * m + c];
        out[c] = sum;
    }
}
