/* gemm_end.h - what follows the sums of a product: bias, then squashing. */
#ifndef JD_CPU_GEMM_END_H
#define JD_CPU_GEMM_END_H

#include "cpu/gemm.h"

/* Rows m of C, columns n0..n0+n-1, C pointing at column n0 of the first row. */
void JD_K(jd__gemm_end)(const jd_gemm *g, float *C, int64_t rows, int64_t n0, int64_t n);

JD_INLINE int jd_gemm_has_end(const jd_gemm *g)
{
    return g->bias || g->act != JD_ACT_NONE;
}

/* The paths of jd__gemm; each does the share of member w. */
void JD_K(jd__gemm_rows)(const jd_gemm *g, int64_t n0, int64_t n1);    /* few rows, B's rows contiguous */
void JD_K(jd__gemm_columns)(const jd_gemm *g, int64_t n0, int64_t n1); /* few rows, B's columns contiguous */
void JD_K(jd__gemm_short)(const jd_gemm *g, int64_t m0, int64_t m1);   /* K <= JD_SHORT_K, B's rows contiguous */
int JD_K(jd__gemm_can_turn)(const jd_gemm *g);
void JD_K(jd__gemm_turned)(const jd_gemm *g, int64_t n0, int64_t n1, float *scratch);
void JD_K(jd__gemm_update)(const jd_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1,
                           float *scratch); /* update, K <= JD_UPDATE_K */
enum { JD_FEW_ROWS = 5, JD_SHORT_K = 4, JD_UPDATE_K = 64 };

#endif
