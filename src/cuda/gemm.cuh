/*
 * gemm.cuh - tiled products of anything: the operands are functors that find element (m,k) or (k,n), so that matrices,
 * transposed matrices and the windows of a convolution go through one kernel.  Each element is one chain of fused
 * multiply-adds over k in order, or one such chain in each of `parts` pieces of k (blockIdx.z).
 *
 * Functor A: float at(int64_t m, int64_t k), static bool k_inner: neighbours in k are neighbours in memory.  B: at(k, n).
 * Out: void put(int64_t m, int64_t n, float sum, int part).
 */
#ifndef JD_CUDA_GEMM_CUH
#define JD_CUDA_GEMM_CUH

#include "cuda/math.cuh"

enum { JD_GEMM_BK = 16 };

template <int BM, int BN, int TM, int TN, class A, class B, class Out>
static __global__ void __launch_bounds__((BM / TM) * (BN / TN))
    gemm_tile(A a, B b, Out out, int64_t M, int64_t N, int64_t K)
{
    enum { BK = JD_GEMM_BK, THREADS = (BM / TM) * (BN / TN) };
    __shared__ float As[BK][BM + 4], Bs[BK][BN + 4];
    const int t = (int)threadIdx.x, tm = t / (BN / TN) * TM, tn = t % (BN / TN) * TN;
    const int64_t m0 = (int64_t)blockIdx.x * BM, n0 = (int64_t)blockIdx.y * BN;
    const int64_t begin = K * blockIdx.z / gridDim.z, end = K * (blockIdx.z + 1) / gridDim.z;
    float sum[TM][TN];
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++) sum[i][j] = 0;
    for (int64_t k0 = begin; k0 < end; k0 += BK) {
        for (int e = t; e < BM * BK; e += THREADS) {
            const int m = A::k_inner ? e / BK : e % BM, k = A::k_inner ? e % BK : e / BM;
            As[k][m] = m0 + m < M && k0 + k < end ? a.at(m0 + m, k0 + k) : 0;
        }
        for (int e = t; e < BN * BK; e += THREADS) {
            const int n = B::k_inner ? e / BK : e % BN, k = B::k_inner ? e % BK : e / BN;
            Bs[k][n] = n0 + n < N && k0 + k < end ? b.at(k0 + k, n0 + n) : 0;
        }
        __syncthreads();
        const int most = end - k0 < BK ? (int)(end - k0) : BK;
        for (int k = 0; k < most; k++) {
            float x[TM], y[TN];
            for (int i = 0; i < TM; i++) x[i] = As[k][tm + i];
            for (int j = 0; j < TN; j++) y[j] = Bs[k][tn + j];
            for (int i = 0; i < TM; i++)
                for (int j = 0; j < TN; j++) sum[i][j] = fmaf(x[i], y[j], sum[i][j]);
        }
        __syncthreads();
    }
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++)
            if (m0 + tm + i < M && n0 + tn + j < N) out.put(m0 + tm + i, n0 + tn + j, sum[i][j], (int)blockIdx.z);
}

/* Tiles of 64x64, or of 16 rows or columns where there are few. */
template <class A, class B, class Out>
static int gemm_launch(jd_cu *d, const char *name, A a, B b, Out out, int64_t M, int64_t N, int64_t K, int parts = 1)
{
    if (M <= 0 || N <= 0) return 0;
    const int bm = M <= 16 ? 16 : 64, bn = N <= 16 ? 16 : 64;
    /* Rows may be many (x), columns at most 65535 tiles (y). */
    const dim3 grid((unsigned)((M + bm - 1) / bm), (unsigned)((N + bn - 1) / bn), (unsigned)parts);
    if (bm == 16 && bn == 16)
        return jd_launch(d, name, gemm_tile<16, 16, 1, 1, A, B, Out>, grid, 256, 0, a, b, out, M, N, K);
    if (bm == 16) return jd_launch(d, name, gemm_tile<16, 64, 1, 4, A, B, Out>, grid, 256, 0, a, b, out, M, N, K);
    if (bn == 16) return jd_launch(d, name, gemm_tile<64, 16, 4, 1, A, B, Out>, grid, 256, 0, a, b, out, M, N, K);
    return jd_launch(d, name, gemm_tile<64, 64, 4, 4, A, B, Out>, grid, 256, 0, a, b, out, M, N, K);
}

/* A matrix with any strides.  `inner`: the stride over k is 1. */
template <bool inner> struct jd_left {
    static constexpr bool k_inner = inner;
    const float *p;
    int64_t row; /* stride over m if inner, else over k */
    __device__ float at(int64_t m, int64_t k) const { return inner ? p[m * row + k] : p[k * row + m]; }
};
template <bool inner> struct jd_right {
    static constexpr bool k_inner = inner;
    const float *p;
    int64_t row; /* stride over n if inner, else over k */
    __device__ float at(int64_t k, int64_t n) const { return inner ? p[n * row + k] : p[k * row + n]; }
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
