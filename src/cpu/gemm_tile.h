/*
 * gemm_tile.h - the innermost loops of the matrix product: a tile of mr rows and JD_NR columns held in registers.
 */
#ifndef JD_CPU_GEMM_TILE_H
#define JD_CPU_GEMM_TILE_H

#include "cpu/gemm.h"

enum { NV = JD_NR / VL }; /* vectors in a row of a tile */

/* Where a tile's chains start and what becomes of their sums. */
typedef struct jd_tile_end {
    const float *init; /* (mr,n) ldi apart, or NULL: 0 */
    ptrdiff_t ldi;
    float *C; /* (mr,n) ldc apart */
    ptrdiff_t ldc;
    const float *next;  /* C of a tile that follows, to be fetched meanwhile */
    const float *ahead; /* other memory to be fetched: K / 4 addresses, ahead_step apart; NULL: none */
    ptrdiff_t ahead_step;
    int n;      /* columns that exist, 1..JD_NR */
    int update; /* C = fma(alpha, sum, C) */
    float alpha;
} jd_tile_end;

/* One term of every sum. */
JD_INLINE void tile_term(const int mr, vf acc[JD_MR][NV], const float *base[(JD_MR + 2) / 3], ptrdiff_t am,
                         ptrdiff_t ak, const float *B)
{
    vf b[NV];
    JD_UNROLL for (int j = 0; j < NV; j++) b[j] = vf_load(B + j * VL);
    JD_UNROLL for (int i = 0; i < mr; i++)
    {
        const vf a = vf_set1(base[i / 3][(i % 3) * am]);
        JD_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = vf_fma(a, b[j], acc[i][j]);
    }
    JD_UNROLL for (int i = 0; i < mr; i += 3) base[i / 3] += ak;
}

/* mr must be a constant, so that `acc` lives in registers.  Rows of A are reached from one pointer for each three rows,
 * which keeps the loop within the general registers. */
JD_INLINE void tile_rows_of(const int mr, const int whole, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak,
                            const float *B, const jd_tile_end *e)
{
    vf acc[JD_MR][NV];
    const float *base[(JD_MR + 2) / 3];
    JD_UNROLL for (int i = 0; i < mr; i++)
    {
        JD_UNROLL for (int j = 0; j < JD_NR; j += 16) __builtin_prefetch(e->next + i * e->ldc + j, 1);
    }
    if (e->init) {
        JD_UNROLL for (int i = 0; i < mr; i++)
        {
            JD_UNROLL for (int j = 0; j < NV; j++)
            {
                const float *p = e->init + i * e->ldi + j * VL;
                const int left = e->n - j * VL;
                acc[i][j] = whole ? vf_load(p) : left > 0 ? vf_loadn(p, left) : vf_zero();
            }
        }
    } else {
        JD_UNROLL for (int i = 0; i < mr; i++)
        {
            JD_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = vf_zero();
        }
    }
    JD_UNROLL for (int i = 0; i < mr; i += 3) base[i / 3] = A + i * am;
    const float *ahead = e->ahead ? e->ahead : e->C;
    const ptrdiff_t ahead_step = e->ahead ? e->ahead_step : 0;
    int64_t k = 0;
    for (; k + 4 <= K; k += 4) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += ahead_step;
        /* Unrolled, gcc 12 would copy sums from register to register. */
        JD_ROLLED for (int i = 0; i < 4; i++, B += JD_NR) tile_term(mr, acc, base, am, ak, B);
    }
    for (; k < K; k++, B += JD_NR) tile_term(mr, acc, base, am, ak, B);
    JD_UNROLL for (int i = 0; i < mr; i++)
    {
        JD_UNROLL for (int j = 0; j < NV; j++)
        {
            float *p = e->C + i * e->ldc + j * VL;
            const int left = e->n - j * VL;
            if (!whole && left <= 0) continue;
            if (e->update) {
                const vf c = whole ? vf_load(p) : vf_loadn(p, left);
                acc[i][j] = vf_fma(vf_set1(e->alpha), acc[i][j], c);
            }
            if (whole)
                vf_store(p, acc[i][j]);
            else
                vf_storen(p, acc[i][j], left);
        }
    }
}

JD_INLINE void tile_rows(const int mr, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B,
                         const jd_tile_end *e)
{
    if (e->n == JD_NR)
        tile_rows_of(mr, 1, K, A, am, ak, B, e);
    else
        tile_rows_of(mr, 0, K, A, am, ak, B, e);
}

/* Rows of tile t when M rows are cut into the fewest tiles, as even as can be: a tile of one or two rows would wait for
 * its own additions. */
typedef struct jd_cut {
    int64_t tiles, base, longer;
} jd_cut;
JD_INLINE jd_cut jd_cut_rows(int64_t M)
{
    const int64_t tiles = (M + JD_MR - 1) / JD_MR;
    return (jd_cut){tiles, tiles ? M / tiles : 0, tiles ? M % tiles : 0};
}
JD_INLINE int64_t jd_cut_start(const jd_cut *c, int64_t t)
{
    return t * c->base + (t < c->longer ? t : c->longer);
}
JD_INLINE int jd_cut_size(const jd_cut *c, int64_t t)
{
    return (int)(c->base + (t < c->longer));
}

/* The tile of any number of rows. */
void JD_K(jd__tile)(int mr, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B,
                    const jd_tile_end *e);

#endif
