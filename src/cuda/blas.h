/* blas.h - cuBLASLt, opened at run time so that a machine without it still has the own kernels. */
#ifndef JD_CUDA_BLAS_H
#define JD_CUDA_BLAS_H

#include "cuda/gemm.cuh"

/* NULL when the library is not there. */
struct jd_blas *jd_blas_open(jd_cu *d);
void jd_blas_close(struct jd_blas *b);
/* C = op(A) op(B) [+ C]; `scalars`: alpha and beta in the device's memory instead.  The bias is added, and *biased set, where
 * cuBLASLt does so (biased NULL: not wanted); the squashing function never is applied.  0 done, 1 failed, -1 cuBLASLt has no
 * way to do it. */
int jd_blas_gemm(jd_cu *d, const jd_product &p, const float *scalars, bool *biased);

#endif
