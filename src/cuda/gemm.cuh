/*
 * gemm.cuh - tiled products of anything: the operands are functors that find element (m,k) or (k,n), so that matrices,
 * transposed matrices and the windows of a convolution go through one kernel.  Each element is one chain of fused
 * multiply-adds over k in order, or one such chain in each of `parts` pieces of k (blockIdx.z).
 *
 * A functor finds an element in two halves, so that what depends on m (or n) is worked out once, and what depends on k once
 * for all rows of a thread: side side_of(int64_t m), term term_of(int64_t k), float at(side, term); static bool k_inner:
 * neighbours in k are neighbours in memory.  Out: void put(int64_t m, int64_t n, float sum, int part).
 *
 * Latency: the elements of the next chunk of BK k are on their way into registers while this one is multiplied, and two
 * buffers in shared memory need one barrier a chunk.  A tile of 64 x 64 has 1024 cycles of multiply-adds in a chunk of 32,
 * more than a multiprocessor waits for L2 (700), so a chain over k = 500 takes some 10 us even where a block has its
 * multiprocessor to itself.  Where there are tiles enough for all multiprocessors they are of 128 x 64: a thread reads 12
 * numbers for 32 multiply-adds (8 for 16 in the small ones), in 6 to 12 cycles of the shared memory for 8 of arithmetic.
 */
#ifndef JD_CUDA_GEMM_CUH
#define JD_CUDA_GEMM_CUH

#include "cuda/math.cuh"

enum { JD_GEMM_THREADS = 256 };
#ifdef __CUDACC__
enum { JD_GEMM_ENOUGH = 132 }; /* tiles for all multiprocessors */
#else
enum { JD_GEMM_ENOUGH = 2 }; /* so that the tests come to the large tiles */
#endif

/* The elements of one operand that a thread carries: of a tile of `width` by BK. */
template <int width, int BK, class F> struct jd_gemm_load {
    enum {
        EACH = width * BK / JD_GEMM_THREADS,
        SIDES = F::k_inner ? EACH : 1, /* all of the same k, or all of the same m */
        TERMS = F::k_inner ? 1 : EACH,
        STEP = JD_GEMM_THREADS / (F::k_inner ? BK : width),
        ALONG = BK / 8 /* warps of 8 k by 4 m along k: whole sectors of memory, all banks */
    };
    typename F::side side[SIDES];
    bool inside[SIDES];
    float v[EACH];
    int m, k;

    __device__ void begin(const F &f, int64_t m0, int64_t M)
    {
        const int t = (int)threadIdx.x;
        m = F::k_inner ? t / (32 * ALONG) * 4 + t / 8 % 4 : t % width;
        k = F::k_inner ? t / 32 % ALONG * 8 + t % 8 : t / width;
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

/* Where in a tile of `width` the i-th of n numbers of thread r lies: four side by side, and four in each further piece. */
template <int n, int width> static __device__ constexpr int jd_gemm_at(int r, int i)
{
    return n <= 4 ? r * n + i : r * 4 + i % 4 + i / 4 * (width / (n / 4));
}

template <int n, int width> static __device__ inline void jd_gemm_read(const float *from, int r, float *to)
{
    JD_UNROLL
    for (int i = 0; i + 4 <= n; i += 4) {
        const float4 x = *reinterpret_cast<const float4 *>(from + jd_gemm_at<n, width>(r, i));
        to[i] = x.x;
        to[i + 1] = x.y;
        to[i + 2] = x.z;
        to[i + 3] = x.w;
    }
    if (n < 4) {
        JD_UNROLL
        for (int i = 0; i < n; i++) to[i] = from[r * n + i];
    }
}

template <int BM, int BN, int TM, int TN, int BK, class A, class B, class Out>
static __global__ void __launch_bounds__(JD_GEMM_THREADS) gemm_tile(A a, B b, Out out, int64_t M, int64_t N, int64_t K)
{
    static_assert((BM / TM) * (BN / TN) == JD_GEMM_THREADS, "a thread computes TM by TN");
    alignas(16) __shared__ float As[2][BK][BM + 4], Bs[2][BK][BN + 4];
    const int t = (int)threadIdx.x, tm = t / (BN / TN), tn = t % (BN / TN);
    const int64_t m0 = (int64_t)blockIdx.x * BM, n0 = (int64_t)blockIdx.y * BN;
    const int64_t begin = K * blockIdx.z / gridDim.z, end = K * (blockIdx.z + 1) / gridDim.z;
    jd_gemm_load<BM, BK, A> left;
    jd_gemm_load<BN, BK, B> right;
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
            jd_gemm_read<TM, BM>(As[side][k], tm, x);
            jd_gemm_read<TN, BN>(Bs[side][k], tn, y);
            JD_UNROLL
            for (int e = 0; e < TM * TN; e++) sum[e / TN][e % TN] = fmaf(x[e / TN], y[e % TN], sum[e / TN][e % TN]);
        }
    }
    JD_UNROLL
    for (int e = 0; e < TM * TN; e++) {
        const int64_t m = m0 + jd_gemm_at<TM, BM>(tm, e / TN), n = n0 + jd_gemm_at<TN, BN>(tn, e % TN);
        if (m < M && n < N) out.put(m, n, sum[e / TN][e % TN], (int)blockIdx.z);
    }
}

/* The tiles of a product: 64x64; narrower where there are few columns, higher where there are many rows, 16 rows where
 * there are few. */
struct jd_gemm_tiles {
    int bm, bn;
    dim3 grid;
};

static inline jd_gemm_tiles jd_gemm_tiles_for(int64_t M, int64_t N, int parts)
{
    jd_gemm_tiles t = {M <= 16 ? 16 : 64, N <= 16 ? 16 : N <= 32 ? 32 : 64, dim3()};
    const int64_t down = (M + 127) / 128, across = (N + t.bn - 1) / t.bn;
    const bool fills = down * 128 * 5 <= (M + 63) / 64 * 64 * 6; /* no more than a fifth for nothing */
    if (M > 16 && fills &&
        ((t.bn == 64 && down * across * parts >= JD_GEMM_ENOUGH) || (t.bn == 32 && down >= 2 * JD_GEMM_ENOUGH)))
        t.bm = 128;
    t.grid = dim3((unsigned)((M + t.bm - 1) / t.bm), (unsigned)across, (unsigned)parts);
    return t;
}

template <class A, class B, class Out>
static int gemm_launch(jd_cu *d, const char *name, A a, B b, Out out, int64_t M, int64_t N, int64_t K, int parts = 1)
{
    if (M <= 0 || N <= 0) return 0;
    const jd_gemm_tiles t = jd_gemm_tiles_for(M, N, parts);
    /* Rows may be many (x), columns at most 65535 tiles (y). */
    if (t.grid.y > 65535) {
        snprintf(d->error, sizeof d->error, "%s: %lld columns are more than a grid holds", name, (long long)N);
        return 1;
    }
    const auto run = [&](auto kernel) {
        return jd_launch(d, name, kernel, t.grid, JD_GEMM_THREADS, 0, a, b, out, M, N, K);
    };
    switch (t.bm * 1000 + t.bn) {
    case 16016: return run(gemm_tile<16, 16, 1, 1, 32, A, B, Out>);
    case 16032: return run(gemm_tile<16, 32, 1, 2, 32, A, B, Out>);
    case 16064: return run(gemm_tile<16, 64, 1, 4, 32, A, B, Out>);
    case 64016: return run(gemm_tile<64, 16, 4, 1, 32, A, B, Out>);
    case 64032: return run(gemm_tile<64, 32, 4, 2, 32, A, B, Out>);
    case 128032: return run(gemm_tile<128, 32, 4, 4, 32, A, B, Out>);
    case 128064: return run(gemm_tile<128, 64, 8, 4, 16, A, B, Out>);
    default: return run(gemm_tile<64, 64, 4, 4, 32, A, B, Out>);
    }
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
