/*
 * gemm.cuh - tiled products of anything: the operands are functors that find element (m,k) or (k,n), so that matrices,
 * transposed matrices and the windows of a convolution go through one kernel.  Each element is one chain of fused
 * multiply-adds over k in order, or one such chain in each of `parts` pieces of k (blockIdx.z).
 *
 * A functor finds an element in two halves, so that what depends on m (or n) is worked out once, and what depends on k once
 * for all rows of a thread: side side_of(int64_t m), term term_of(int64_t k), float at(side, term); static bool k_inner:
 * neighbours in k are neighbours in memory.  Out: void put(int64_t m, int64_t n, float sum, int part).
 *
 * Latency: the elements of the next chunk of BK = 32 k are on their way into registers while this one is multiplied, and
 * two buffers in shared memory (35 KB) need one barrier a chunk.  A tile of 64 x 64 has 1024 cycles of multiply-adds a
 * chunk, more than a multiprocessor waits for L2 (700), so a chain over k = 500 takes some 10 us even where a block has its
 * multiprocessor to itself.
 */
#ifndef JD_CUDA_GEMM_CUH
#define JD_CUDA_GEMM_CUH

#include "cuda/math.cuh"

enum { JD_GEMM_BK = 32, JD_GEMM_THREADS = 256 };

/* The elements of one operand that a thread carries: of a tile of `width` by BK. */
template <int width, class F> struct jd_gemm_load {
    enum {
        BK = JD_GEMM_BK,
        EACH = width * BK / JD_GEMM_THREADS,
        SIDES = F::k_inner ? EACH : 1, /* all of the same k, or all of the same m */
        TERMS = F::k_inner ? 1 : EACH,
        STEP = F::k_inner ? JD_GEMM_THREADS / BK : JD_GEMM_THREADS / width
    };
    static_assert(BK == 32 && JD_GEMM_THREADS == 256, "eight warps of 8 k by 4 m: whole sectors of memory, all banks");
    typename F::side side[SIDES];
    bool inside[SIDES];
    float v[EACH];
    int m, k;

    __device__ void begin(const F &f, int64_t m0, int64_t M)
    {
        const int t = (int)threadIdx.x;
        m = F::k_inner ? t / 128 * 4 + t / 8 % 4 : t % width;
        k = F::k_inner ? t / 32 % 4 * 8 + t % 8 : t / width;
        JD_UNROLL
        for (int i = 0; i < SIDES; i++) {
            const int64_t at = m0 + m + i * STEP;
            inside[i] = at < M;
            side[i] = f.side_of(inside[i] ? at : m0);
        }
    }
    __device__ void get(const F &f, int64_t k0, int64_t end)
    {
        JD_UNROLL
        for (int j = 0; j < TERMS; j++) {
            const int64_t at = k0 + k + j * STEP;
            const bool there = at < end;
            typename F::term term = {};
            if (there) term = f.term_of(at);
            JD_UNROLL
            for (int i = 0; i < SIDES; i++) v[i + j] = there && inside[i] ? f.at(side[i], term) : 0;
        }
    }
    __device__ void put(float (*to)[width + 4]) const
    {
        JD_UNROLL
        for (int i = 0; i < EACH; i++) to[k + (F::k_inner ? 0 : i * STEP)][m + (F::k_inner ? i * STEP : 0)] = v[i];
    }
};

template <int n> static __device__ inline void jd_gemm_read(const float *from, float *to)
{
    JD_UNROLL
    for (int i = 0; i + 4 <= n; i += 4) {
        const float4 x = *reinterpret_cast<const float4 *>(from + i);
        to[i] = x.x;
        to[i + 1] = x.y;
        to[i + 2] = x.z;
        to[i + 3] = x.w;
    }
    if (n < 4) {
        JD_UNROLL
        for (int i = 0; i < n; i++) to[i] = from[i];
    }
}

template <int BM, int BN, int TM, int TN, class A, class B, class Out>
static __global__ void __launch_bounds__(JD_GEMM_THREADS) gemm_tile(A a, B b, Out out, int64_t M, int64_t N, int64_t K)
{
    enum { BK = JD_GEMM_BK };
    static_assert((BM / TM) * (BN / TN) == JD_GEMM_THREADS, "a thread computes TM by TN");
    alignas(16) __shared__ float As[2][BK][BM + 4], Bs[2][BK][BN + 4];
    const int t = (int)threadIdx.x, tm = t / (BN / TN) * TM, tn = t % (BN / TN) * TN;
    const int64_t m0 = (int64_t)blockIdx.x * BM, n0 = (int64_t)blockIdx.y * BN;
    const int64_t begin = K * blockIdx.z / gridDim.z, end = K * (blockIdx.z + 1) / gridDim.z;
    jd_gemm_load<BM, A> left;
    jd_gemm_load<BN, B> right;
    float sum[TM][TN], x[TM], y[TN];
    JD_UNROLL
    for (int e = 0; e < TM * TN; e++) sum[e / TN][e % TN] = 0;
    left.begin(a, m0, M);
    right.begin(b, n0, N);
    left.get(a, begin, end);
    right.get(b, begin, end);
    int side = 0;
    for (int64_t k0 = begin; k0 < end; k0 += BK, side ^= 1) {
        left.put(As[side]);
        right.put(Bs[side]);
        __syncthreads();
        if (k0 + BK < end) {
            left.get(a, k0 + BK, end);
            right.get(b, k0 + BK, end);
        }
        /* The last chunk may be short: a product with zero is not nothing to a NaN. */
        const int most = end - k0 < BK ? (int)(end - k0) : BK;
#ifdef __CUDACC__
#pragma unroll 8
#endif
        for (int k = 0; k < most; k++) {
            jd_gemm_read<TM>(&As[side][k][tm], x);
            jd_gemm_read<TN>(&Bs[side][k][tn], y);
            JD_UNROLL
            for (int e = 0; e < TM * TN; e++) sum[e / TN][e % TN] = fmaf(x[e / TN], y[e % TN], sum[e / TN][e % TN]);
        }
    }
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++)
            if (m0 + tm + i < M && n0 + tn + j < N) out.put(m0 + tm + i, n0 + tn + j, sum[i][j], (int)blockIdx.z);
}

/* Tiles of 64x64; narrower where there are few columns, then higher where there are many rows; 16 rows where there are few. */
template <class A, class B, class Out>
static int gemm_launch(jd_cu *d, const char *name, A a, B b, Out out, int64_t M, int64_t N, int64_t K, int parts = 1)
{
    if (M <= 0 || N <= 0) return 0;
    const int bn = N <= 16 ? 16 : N <= 32 ? 32 : 64;
    const int bm = M <= 16 ? 16 : bn == 32 && M >= 128 * 264 ? 128 : 64;
    /* Rows may be many (x), columns at most 65535 tiles (y). */
    const dim3 grid((unsigned)((M + bm - 1) / bm), (unsigned)((N + bn - 1) / bn), (unsigned)parts),
        block(JD_GEMM_THREADS);
    if (grid.y > 65535) {
        snprintf(d->error, sizeof d->error, "%s: %lld columns are more than a grid holds", name, (long long)N);
        return 1;
    }
    if (bm == 16 && bn == 16)
        return jd_launch(d, name, gemm_tile<16, 16, 1, 1, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    if (bm == 16 && bn == 32)
        return jd_launch(d, name, gemm_tile<16, 32, 1, 2, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    if (bm == 16) return jd_launch(d, name, gemm_tile<16, 64, 1, 4, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    if (bn == 16) return jd_launch(d, name, gemm_tile<64, 16, 4, 1, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    if (bm == 128) return jd_launch(d, name, gemm_tile<128, 32, 4, 4, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    if (bn == 32) return jd_launch(d, name, gemm_tile<64, 32, 4, 2, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
    return jd_launch(d, name, gemm_tile<64, 64, 4, 4, A, B, Out>, grid, block, 0, a, b, out, M, N, K);
}

/* A matrix with any strides, as either operand.  `inner`: the stride over k is 1. */
template <bool inner> struct jd_matrix {
    static constexpr bool k_inner = inner;
    typedef int64_t side, term;
    const float *p;
    int64_t row; /* stride over m if inner, else over k */
    __device__ int64_t side_of(int64_t m) const { return inner ? m * row : m; }
    __device__ int64_t term_of(int64_t k) const { return inner ? k : k * row; }
    __device__ float at(int64_t m, int64_t k) const { return p[m + k]; }
};

/* C (M,N) with rows `row` apart: product, or what lay there plus the product; then bias and squashing function. */
struct jd_store {
    float *p;
    int64_t row;
    const float *bias; /* (N) or NULL */
    int act;
    bool add;
    __device__ void put(int64_t m, int64_t n, float sum, int) const
    {
        float *c = p + m * row + n;
        if (add) sum += *c;
        if (bias) sum += bias[n];
        *c = jd_act_of(act, sum);
    }
};

/* One part of a sum over k cut into parts: part z at p + z size. */
struct jd_store_part {
    float *p;
    int64_t row, size;
    __device__ void put(int64_t m, int64_t n, float sum, int z) const { p[z * size + m * row + n] = sum; }
};

/* C (M,N) = op(A) op(B) [+ C]; lda, ldb, ldc: distances of rows as they lie.  matmul.cu: cuBLASLt where it is there and the
 * product is large enough, else own tiles. */
struct jd_product {
    bool ta, tb;
    int64_t M, N, K;
    const float *A;
    int64_t lda;
    const float *B;
    int64_t ldb;
    float *C;
    int64_t ldc;
    bool add;
    const float *bias; /* (N) or NULL */
    int act;
};
int jd_gemm(jd_cu *d, const jd_product &p);
bool jd_gemm_is_large(int64_t M, int64_t N, int64_t K);

/* y (cols) = the sums of the columns of x (rows, cols) with rows `row` apart, in two steps of fixed order; scratch of
 * jd_column_parts(rows) cols floats. */
int64_t jd_column_parts(int64_t rows);
/* y (n) = the sum of `parts` rows of x (parts, n), in order. */
int jd_sum_parts(jd_cu *d, const float *x, int64_t parts, int64_t n, float *y);
int jd_column_sums(jd_cu *d, const float *x, int64_t rows, int64_t cols, int64_t row, float *y, float *scratch);

#endif
