/*
 * gemm.h - matrix products in float32.
 *
 * Every element of a product is one chain of fused multiply-adds over k = 0..K-1 in that order, starting from 0 (or from
 * what C holds).  Lanes, tiles, blocks and threads only choose which chains run side by side, and a chain that is cut
 * goes on from memory, so its bits depend on nothing but its own row and column: not on M, the number of threads, the
 * instruction set, or the path taken here.
 *
 * Packed weights are panels of JD_NR columns, each (K,JD_NR), zero padded: panel p starts at p * K * JD_NR.
 */
#ifndef JD_CPU_GEMM_H
#define JD_CPU_GEMM_H

#include "base/team.h"
#include "cpu/simd.h"
#include "ops/attrs.h"
#include "ops/gemm_size.h"

#if defined(JD_ISA_avx512)
enum { JD_MR = 12, JD_NR = 32 };
#elif defined(JD_ISA_avx2)
enum { JD_MR = 6, JD_NR = 16 };
#elif defined(JD_ISA_neon)
enum { JD_MR = 6, JD_NR = 16 }; /* 32 registers: 6 x 4 results, 4 of B */
#else
enum { JD_MR = 4, JD_NR = 4 };
#endif

/* Floats that N columns of K terms take when packed. */
size_t JD_K(jd__pack_size)(int64_t K, int64_t N);

/* Packs panels panel0..panel1-1 of B, where B(k,n) = B[k*sk + n*sn], to their places in `out` (aligned to 64 bytes). */
void JD_K(jd__pack_b)(const float *B, ptrdiff_t sk, ptrdiff_t sn, int64_t K, int64_t N, int64_t panel0, int64_t panel1,
                      float *out);

/* C(m,n), ldc apart, for all m < M and the columns n < N of panels panel0..panel1-1, where A(m,k) = A[m*am + k*ak].
 * accumulate: the chains start from C instead of 0. */
void JD_K(jd__gemm_packed)(int64_t M, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *packed,
                           int64_t panel0, int64_t panel1, int64_t N, float *C, ptrdiff_t ldc, int accumulate);

/* C = act(A B + bias), or with `update` C = fma(alpha, A B, C). */
typedef struct jd_gemm {
    int64_t M, N, K;
    const float *A; /* A(m,k) = A[m*am + k*ak] */
    ptrdiff_t am, ak;
    const float *B; /* B(k,n) = B[k*bk + n*bn] */
    ptrdiff_t bk, bn;
    float *C; /* C(m,n) = C[m*ldc + n] */
    ptrdiff_t ldc;
    int accumulate;    /* the sums start from C; not with update */
    const float *bias; /* (N) or NULL */
    jd_act act;
    int update;
    float alpha;
} jd_gemm;

/* Does member w's share; `scratch` is the team's, of jd__gemm_scratch(M, N, K, threads) bytes, aligned to 64.  A product
 * without outer team is run with the worker {0, 1, NULL}. */
void JD_K(jd__gemm)(const jd_gemm *g, const jd_worker *w, float *scratch);

#endif
