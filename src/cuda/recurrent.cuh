/*
 * recurrent.cuh - what the kernels of lstm, gru and srn share.
 *
 * A layer is one product for all inputs, then for each step one kernel: a block holds 16 samples and 16 units, adds the
 * products with the state before, and applies the cell.  Samples whose sequence is over take no part.  The gradient goes
 * the same way back, leaves the errors of all steps in an array, and ends with one product for each matrix.
 */
#ifndef JD_CUDA_RECURRENT_CUH
#define JD_CUDA_RECURRENT_CUH

#include "cuda/gemm.cuh"
#include "cuda/table.h"

enum { JD_REC_TILE = 16, JD_REC_CHUNK = 32, JD_REC_THREADS = JD_REC_TILE * JD_REC_TILE };

/* Steps and rows, as in ops/recurrent.h: step s of sample b stands in row time B + b. */
struct jd_steps {
    int64_t T, B;
    bool reverse;
    const int32_t *length; /* (B) or NULL */
    __device__ int64_t count(int64_t b) const
    {
        const int64_t n = length ? length[b] : T;
        return n < 0 ? 0 : n < T ? n : T;
    }
    __device__ int64_t row(int64_t b, int64_t s) const { return (reverse ? count(b) - 1 - s : s) * B + b; }
};

/* sum[g] += over k: rows[i][k] of sample i (NULL: zero) times w(g, unit, k).  Functor W: float at(int g, int64_t unit,
 * int64_t k), static bool k_inner.  All threads of a block of JD_REC_THREADS take part. */
template <int G, class W>
static __device__ inline void jd_rec_sums(const float *const *rows, W w, int64_t u0, int64_t units, int64_t K,
                                          float *sum)
{
    enum { TILE = JD_REC_TILE, CHUNK = JD_REC_CHUNK };
    __shared__ float left[TILE][CHUNK + 1], right[G][TILE][CHUNK + 1];
    const int t = (int)threadIdx.x, i = t / TILE, u = t % TILE;
    for (int64_t k0 = 0; k0 < K; k0 += CHUNK) {
        for (int e = t; e < TILE * CHUNK; e += JD_REC_THREADS) {
            const float *from = rows[e / CHUNK];
            left[e / CHUNK][e % CHUNK] = from && k0 + e % CHUNK < K ? from[k0 + e % CHUNK] : 0;
        }
        for (int e = t; e < G * TILE * CHUNK; e += JD_REC_THREADS) {
            const int g = e / (TILE * CHUNK), r = e % (TILE * CHUNK);
            const int v = W::k_inner ? r / CHUNK : r % TILE, k = W::k_inner ? r % CHUNK : r / TILE;
            right[g][v][k] = u0 + v < units && k0 + k < K ? w.at(g, u0 + v, k0 + k) : 0;
        }
        __syncthreads();
        for (int k = 0; k < CHUNK; k++)
            for (int g = 0; g < G; g++) sum[g] = fmaf(left[i][k], right[g][u][k], sum[g]);
        __syncthreads();
    }
}

/* Row (g H + unit) of R (G H, P). */
struct jd_rec_row {
    static constexpr bool k_inner = true;
    const float *R;
    int64_t H, P;
    __device__ float at(int g, int64_t u, int64_t k) const { return R[(g * H + u) * P + k]; }
};
/* Column `unit` of a matrix whose rows are P long; from term `jump` on, terms are `skip` further to the right in the left
 * operand only (see gru.cu). */
struct jd_rec_column {
    static constexpr bool k_inner = false;
    const float *R;
    int64_t P;
    __device__ float at(int, int64_t u, int64_t k) const { return R[k * P + u]; }
};

/* The rows of 16 samples, found by the first 16 threads; FIND: const float *operator()(int64_t b). */
template <class Find> static __device__ inline void jd_rec_rows(const float **rows, int64_t b0, int64_t B, Find find)
{
    if (threadIdx.x < JD_REC_TILE) {
        const int64_t b = b0 + threadIdx.x;
        rows[threadIdx.x] = b < B ? find(b) : nullptr;
    }
    __syncthreads();
}

static inline dim3 jd_rec_grid(int64_t units, int64_t B)
{
    return dim3((unsigned)((units + JD_REC_TILE - 1) / JD_REC_TILE), (unsigned)((B + JD_REC_TILE - 1) / JD_REC_TILE));
}

/* Zeroes rows of samples that are over: x (T,B,n). */
int jd_rec_clear(jd_cu *d, jd_steps s, float *x, int64_t n);
/* to (B,n) = the row of the last step, of first (B,n) where there is none (NULL: zero). */
int jd_rec_last(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n);
/* to (T,B,n): the row of the step before, of first (B,n) at the first step; zero where the sample is over. */
int jd_rec_before(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n);
/* dx (rows,N) (NULL: not wanted), dW (G,N) and db (G) from the errors delta (rows,G), which stand `row` apart. */
int jd_rec_input_grads(jd_cu *d, const jd_call *c, const float *delta, int64_t row, int64_t rows, int64_t G, float *dx,
                       float *dW, float *db, float *scratch);

#endif
