/*
 * recurrent.cuh - what the kernels of lstm, gru, srn and clockwork share.
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
    /* The row of step s in x (T,B,n), and that of the step before it, in `first` (B,n) for step 0; NULL: none. */
    __device__ const float *at(const float *x, int64_t n, int64_t b, int64_t s) const
    {
        return s < count(b) ? x + row(b, s) * n : nullptr;
    }
    __device__ const float *before(const float *x, const float *first, int64_t n, int64_t b, int64_t s) const
    {
        if (s >= count(b)) return nullptr;
        return s ? x + row(b, s - 1) * n : first ? first + b * n : nullptr;
    }
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
/* Column `unit` of a matrix whose rows are P long. */
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

/* The body of a kernel for step `step`: find(b) is the row of each sample, K long; then(b, unit, sum, row) has G sums of its
 * products with w, for the units of samples that are not over. */
template <int G, class W, class Find, class Then>
static __device__ inline void jd_rec_step(jd_steps s, int64_t step, W w, int64_t units, int64_t K, Find find, Then then)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE;
    jd_rec_rows(rows, b0, s.B, find);
    float sum[G] = {};
    jd_rec_sums<G>(rows, w, u0, units, K, sum);
    const int i = (int)threadIdx.x / JD_REC_TILE;
    const int64_t b = b0 + i, u = u0 + threadIdx.x % JD_REC_TILE;
    if (b < s.B && u < units && step < s.count(b)) then(b, u, sum, rows[i]);
}
#define JD_REC_KERNEL static __global__ void __launch_bounds__(JD_REC_THREADS)
#define JD_REC_LAUNCH(d, kernel, units, s, ...)                                                                        \
    JD_LAUNCH(d, kernel, jd_rec_grid(units, (s).B), JD_REC_THREADS, 0, __VA_ARGS__)

static inline dim3 jd_rec_grid(int64_t units, int64_t B)
{
    return dim3((unsigned)((units + JD_REC_TILE - 1) / JD_REC_TILE), (unsigned)((B + JD_REC_TILE - 1) / JD_REC_TILE));
}

/* The squashing functions of simple units (ops/squash.h), and their slopes as functions of their value. */
static __device__ inline float jd_rnn_act(int act, float x)
{
    return act == 0 ? jd_tanhf(x) : act == 1 ? jd_sigmoidf(x) : act == 2 ? (x > 0 ? x : 0) : x;
}
static __device__ inline float jd_rnn_slope(int act, float y)
{
    return act == 0 ? 1 - y * y : act == 1 ? y * (1 - y) : act == 2 ? (y > 0 ? 1.f : 0.f) : 1.f;
}

/* The steps of a layer whose inputs begin with x and length. */
static inline jd_steps jd_rec_steps(const jd_call *c, bool reverse)
{
    return {c->in_type[0].dim[0], c->in_type[0].dim[1], reverse, jd_in<int32_t>(c, 1)};
}

/* to (T,B,G of `row`) = W x + b, of the inputs 0, 2 and 4. */
int jd_rec_inputs(jd_cu *d, const jd_call *c, int64_t G, float *to, int64_t row);
/* Zeroes rows of samples that are over: x (T,B,n). */
int jd_rec_clear(jd_cu *d, jd_steps s, float *x, int64_t n);
/* to (B,n) = the row of the last step, of first (B,n) where there is none (NULL: zero). */
int jd_rec_last(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n);
/* to (T,B,n): the row of the step before, of first (B,n) at the first step; zero where the sample is over. */
int jd_rec_before(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n);
/* to (G,n) = the sum over rows of the products of delta (rows, G of `row`) and x (rows,n). */
int jd_rec_weight_grad(jd_cu *d, const float *delta, int64_t row, int64_t rows, int64_t G, const float *x, int64_t n,
                       float *to);
/* dx (rows,N) (NULL: not wanted), dW (G,N) and db (G) from the errors delta (rows,G), which stand `row` apart. */
int jd_rec_input_grads(jd_cu *d, const jd_call *c, const float *delta, int64_t row, int64_t rows, int64_t G, float *dx,
                       float *dW, float *db, float *scratch);

#endif
