/*
 * sum.c - sums over axes.
 *
 * Adjacent axes that are treated alike count as one, which leaves (kept, summed, kept) for nearly every use.  The order
 * of additions is fixed by the shape alone: 16 partial sums along a row; rows of a column sum in blocks of BLOCK, block
 * sums one after another.
 */
#include "cpu/isa.h"
#include "cpu/simd.h"
#include "ops/attrs.h"
#include "ops/sum.h"

void JD_K(jd__k_sum)(const jd_call *c, const jd_worker *w);

static float row_sum(const float *x, int64_t n)
{
    float part[16], tail[16] = {0};
    vf s[16 / VL];
    int64_t i = 0;
    for (int k = 0; k < 16 / VL; k++) s[k] = vf_zero();
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16 / VL; k++) s[k] = vf_add(s[k], vf_load(x + i + k * VL));
    for (int k = 0; i + k < n; k++) tail[k] = x[i + k];
    for (int k = 0; k < 16 / VL; k++) vf_store(part + k * VL, vf_add(s[k], vf_load(tail + k * VL)));
    return jd_tree16(part);
}

/* y[j] = sum of x[r * inner + j] over rows, for columns j0..j1-1. */
static void column_sum(const float *x, int64_t rows, int64_t inner, int64_t j0, int64_t j1, float *y)
{
    for (int64_t j = j0; j < j1; j += 4 * VL) {
        vf s[4];
        int left[4];
        for (int k = 0; k < 4; k++) {
            s[k] = vf_zero();
            const int64_t n = j1 - j - k * VL;
            left[k] = n <= 0 ? 0 : n < VL ? (int)n : VL;
        }
        if (j + 4 * VL <= j1)
            for (int64_t r = 0; r < rows; r++)
                for (int k = 0; k < 4; k++) s[k] = vf_add(s[k], vf_load(x + r * inner + j + k * VL));
        else
            for (int64_t r = 0; r < rows; r++)
                for (int k = 0; k < 4 && left[k]; k++)
                    s[k] = vf_add(s[k], vf_loadn(x + r * inner + j + k * VL, left[k]));
        for (int k = 0; k < 4 && left[k]; k++) vf_storen(y + j + k * VL, s[k], left[k]);
    }
}

/* (rows, inner) -> (inner): blocks of rows side by side over the team, then the blocks in order. */
static void sum_rows(const jd_call *c, const jd_worker *w, int64_t rows, int64_t inner)
{
    const float *x = c->in[0];
    float *y = c->out[0], *block = c->scratch;
    const int64_t blocks = (rows + JD_SUM_BLOCK - 1) / JD_SUM_BLOCK;
    size_t begin, end;
    if (blocks <= 1) {
        jd_share(w, (size_t)inner, 4 * VL, &begin, &end);
        column_sum(x, rows, inner, (int64_t)begin, (int64_t)end, y);
        return;
    }
    jd_share(w, (size_t)blocks, 1, &begin, &end);
    for (int64_t b = (int64_t)begin; b < (int64_t)end; b++) {
        const int64_t from = b * JD_SUM_BLOCK, n = rows - from < JD_SUM_BLOCK ? rows - from : JD_SUM_BLOCK;
        column_sum(x + from * inner, n, inner, 0, inner, block + b * inner);
    }
    jd_team_barrier(w);
    jd_share(w, (size_t)inner, 4 * VL, &begin, &end);
    column_sum(block, blocks, inner, (int64_t)begin, (int64_t)end, y);
}

/* All n elements: pieces of JD_SUM_PIECE, then the pieces as one row. */
static void sum_everything(const jd_call *c, const jd_worker *w, int64_t n)
{
    const float *x = c->in[0];
    float *piece = c->scratch;
    const int64_t pieces = (n + JD_SUM_PIECE - 1) / JD_SUM_PIECE;
    size_t begin, end;
    if (pieces <= 1) {
        if (w->id == 0) *(float *)c->out[0] = row_sum(x, n);
        return;
    }
    jd_share(w, (size_t)pieces, 1, &begin, &end);
    for (int64_t p = (int64_t)begin; p < (int64_t)end; p++) {
        const int64_t from = p * JD_SUM_PIECE;
        piece[p] = row_sum(x + from, n - from < JD_SUM_PIECE ? n - from : JD_SUM_PIECE);
    }
    jd_team_barrier(w);
    if (w->id == 0) *(float *)c->out[0] = row_sum(piece, pieces);
}

void JD_K(jd__k_sum)(const jd_call *c, const jd_worker *w)
{
    int64_t outer, rows, inner;
    if (!jd__sum_pattern(c, &outer, &rows, &inner)) {
        c->op->ref[JD_F32](c, w);
        return;
    }
    size_t begin, end;
    if (outer == 1 && inner == 1)
        sum_everything(c, w, rows);
    else if (outer == 1)
        sum_rows(c, w, rows, inner);
    else {
        const float *x = c->in[0];
        float *y = c->out[0];
        jd_share(w, (size_t)outer, 1, &begin, &end);
        for (int64_t o = (int64_t)begin; o < (int64_t)end; o++) {
            if (inner == 1)
                y[o] = row_sum(x + o * rows, rows);
            else
                column_sum(x + o * rows * inner, rows, inner, 0, inner, y + o * inner);
        }
    }
}
