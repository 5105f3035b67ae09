/*
 * gemm_size.h - the block sizes of the matrix product and the memory it needs; see cpu/gemm.h.
 *
 * One set of numbers for every instruction set, so that an op can say how much scratch its kernel wants before the
 * kernel is chosen.  No result depends on them: partial sums continue through memory, bit for bit.
 */
#ifndef JD_OPS_GEMM_SIZE_H
#define JD_OPS_GEMM_SIZE_H

#include <stddef.h>
#include <stdint.h>

enum {
    JD_GEMM_KC = 512,        /* terms of the sum a packed block covers */
    JD_GEMM_NC = 1024,       /* columns of a packed block of B */
    JD_GEMM_MC = 192,        /* rows of a packed block of A */
    JD_GEMM_UPDATE_NC = 256, /* the same for updates, which keep their partial sums apart */
    JD_GEMM_UPDATE_MC = 2016,
    JD_GEMM_TURNED_ROWS = 160, /* the transposed product: rows of A, floats of A in a block, columns of a block of B */
    JD_GEMM_TURNED_A = 81920,
    JD_GEMM_TURNED_NC = 1024,
    JD_GEMM_PAD = 32 /* columns are padded to at most a multiple of this */
};

/* Floats of a packed block of A of so many rows: tiles of at least four rows, a line apart, and room behind the last. */
static inline int64_t jd__gemm_packed_rows(int64_t M, int64_t kc)
{
    const int64_t m = M < JD_GEMM_MC ? M : JD_GEMM_MC;
    return (m * kc + (m / 4 + 2) * 16 + 15) / 16 * 16;
}

/* Floats of scratch of one thread. */
static inline size_t jd__gemm_scratch_each(int64_t M, int64_t N, int64_t K)
{
    const int64_t k = K < JD_GEMM_KC ? K : JD_GEMM_KC;
    const int64_t padded = (N + JD_GEMM_PAD - 1) / JD_GEMM_PAD * JD_GEMM_PAD;
    const int64_t n = padded < JD_GEMM_NC ? padded : JD_GEMM_NC;
    int64_t floats = k * n + jd__gemm_packed_rows(M, k);
    if (K > JD_GEMM_KC) {
        const int64_t un = n < JD_GEMM_UPDATE_NC ? n : JD_GEMM_UPDATE_NC;
        const int64_t um = M < JD_GEMM_UPDATE_MC ? M : JD_GEMM_UPDATE_MC;
        floats += un * um;
    }
    if (M <= JD_GEMM_TURNED_ROWS) {
        const int64_t lanes = (M + JD_GEMM_PAD - 1) / JD_GEMM_PAD * JD_GEMM_PAD;
        const int64_t un = N < JD_GEMM_TURNED_NC ? N : JD_GEMM_TURNED_NC;
        const int64_t turned = (lanes * K < JD_GEMM_TURNED_A ? lanes * K : JD_GEMM_TURNED_A) + 64 + lanes * un;
        if (floats < turned) floats = turned;
    }
    return (size_t)((floats + 64) / 16 * 16);
}

/* Bytes of scratch of one product of these sizes on `threads` threads, for any order of its operands. */
static inline size_t jd__gemm_scratch(int64_t M, int64_t N, int64_t K, int threads)
{
    return jd__gemm_scratch_each(M, N, K) * sizeof(float) * (size_t)threads;
}

#endif
