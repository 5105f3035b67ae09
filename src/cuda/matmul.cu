/*
 * matmul.cu - products of matrices: cuBLASLt for the large ones, own tiles for the rest.  Own products have the CPU's bits
 * (one chain over k, or 16, see jd__matmul_in_parts).
 */
#include "cuda/blas.h"
#include "cuda/gemm.cuh"
#include "cuda/table.h"

/* Below this cuBLASLt's set-up and its tiles do not pay.  A long chain over k for few results keeps few multiprocessors busy
 * (32 k take 0.5 us in own tiles), while cuBLASLt cuts it into parts. */
bool jd_gemm_is_large(int64_t M, int64_t N, int64_t K)
{
    const double all = (double)M * (double)N * (double)K;
    return (M >= 32 && N >= 32 && K >= 32 && all >= 1 << 22) || (K >= 384 && all >= 1 << 19);
}

static __global__ void epilogue(float *c, int64_t M, int64_t N, int64_t row, const float *bias, int act)
{
    JD_EACH(e, M * N)
    {
        float *x = c + e / N * row + e % N;
        *x = jd_act_of(act, *x + (bias ? bias[e % N] : 0));
    }
}

template <bool ta, bool tb> static int own(jd_cu *d, const jd_product &p)
{
    return gemm_launch(d, "matmul", jd_matrix<!ta>{p.A, p.lda}, jd_matrix<tb>{p.B, p.ldb},
                       jd_store{p.C, p.ldc, p.bias, p.act, p.add}, p.M, p.N, p.K);
}

int jd_gemm(jd_cu *d, const jd_product &p)
{
    if (p.M <= 0 || p.N <= 0) return 0;
    if (d->blas && jd_gemm_is_large(p.M, p.N, p.K)) {
        bool biased = false;
        const int status = jd_blas_gemm(d, p, NULL, &biased);
        const float *bias = biased ? NULL : p.bias;
        if (status > 0) return status;
        if (status == 0)
            return bias || p.act
                       ? JD_LAUNCH(d, epilogue, jd_grid(p.M * p.N), JD_BLOCK, 0, p.C, p.M, p.N, p.ldc, bias, p.act)
                       : 0;
    }
    return p.ta ? (p.tb ? own<true, true>(d, p) : own<true, false>(d, p))
                : (p.tb ? own<false, true>(d, p) : own<false, false>(d, p));
}

/* ---- few outputs of many inputs: 16 chains over every 16th k, then a tree ------------------------------------------*/

enum { PARTS = 16, ROWS = 16 };

static __global__ void in_parts(const float *A, const float *B, const float *bias, int act, float *C, int64_t M,
                                int64_t N, int64_t K)
{
    __shared__ float s[ROWS][PARTS];
    const int part = (int)threadIdx.x % PARTS, row = (int)threadIdx.x / PARTS;
    const int64_t m = (int64_t)blockIdx.x * ROWS + row, n = blockIdx.y;
    float sum = 0;
    for (int64_t k = part; k < K && m < M; k += PARTS) sum = fmaf(A[m * K + k], B[n * K + k], sum);
    s[row][part] = sum;
    for (int half = PARTS / 2; half; half /= 2) {
        __syncthreads();
        if (part < half) s[row][part] += s[row][part + half];
    }
    if (part == 0 && m < M) C[m * N + n] = jd_act_of(act, s[row][0] + (bias ? bias[n] : 0));
}

static int launch_matmul(jd_cu *d, const jd_call *c)
{
    const jd_matmul_attr *a = jd_attr<jd_matmul_attr>(c);
    const int64_t M = c->out_type[0].dim[0], N = c->out_type[0].dim[1], K = c->in_type[0].dim[a->ta ? 0 : 1];
    const float *bias = c->nin > 2 ? jd_in<float>(c, 2) : NULL;
    if (!M || !N) return 0;
    if (jd__matmul_in_parts(a->ta, a->tb, N, K))
        return JD_LAUNCH(d, in_parts, dim3((unsigned)((M + ROWS - 1) / ROWS), (unsigned)N), PARTS * ROWS, 0,
                         jd_in<float>(c, 0), jd_in<float>(c, 1), bias, a->act, jd_out<float>(c, 0), M, N, K);
    const jd_product p = {a->ta != 0,
                          a->tb != 0,
                          M,
                          N,
                          K,
                          jd_in<float>(c, 0),
                          a->ta ? M : K,
                          jd_in<float>(c, 1),
                          a->tb ? K : N,
                          jd_out<float>(c, 0),
                          N,
                          false,
                          bias,
                          a->act};
    return jd_gemm(d, p);
}

static const char *variant_matmul(const jd_call *c, jd_precision p)
{
    const jd_matmul_attr *a = jd_attr<jd_matmul_attr>(c);
    const int64_t M = c->out_type[0].dim[0], N = c->out_type[0].dim[1], K = c->in_type[0].dim[a->ta ? 0 : 1];
    if (jd__matmul_in_parts(a->ta, a->tb, N, K)) return "parts";
    if (!jd_gemm_is_large(M, N, K)) return "tiles";
    return p == JD_TF32 ? "cublasLt tf32" : p == JD_BF16 ? "cublasLt bf16" : "cublasLt";
}

const jd_cu_op jd_cu_matmul = {"tiles", launch_matmul, NULL, NULL, variant_matmul};

/* ---- w += alpha op(a) op(b) ------------------------------------------------------------------------------------------*/

struct store_update {
    float *p;
    int64_t row;
    const float *alpha;
    bool negate;
    __device__ void put(int64_t m, int64_t n, float sum, int) const
    {
        float *c = p + m * row + n;
        *c = fmaf(negate ? -*alpha : *alpha, sum, *c);
    }
};

template <bool ta, bool tb> static int own_update(jd_cu *d, const jd_product &p, const float *alpha, bool negate)
{
    return gemm_launch(d, "matmul_update", jd_matrix<!ta>{p.A, p.lda}, jd_matrix<tb>{p.B, p.ldb},
                       store_update{p.C, p.ldc, alpha, negate}, p.M, p.N, p.K);
}

/* cuBLASLt takes alpha and beta from the device. */
static __global__ void scalars(const float *alpha, bool negate, float *to)
{
    if (threadIdx.x == 0) {
        to[0] = negate ? -*alpha : *alpha;
        to[1] = 1;
    }
}

/* out (N) = a column (M) turned, times w as it is. */
static __global__ void through(const float *a, const float *w, float *out, int64_t M, int64_t N)
{
    JD_EACH(n, N)
    {
        float s = 0;
        for (int64_t m = 0; m < M; m++) s = fmaf(a[m], w[m * N + n], s);
        out[n] = s;
    }
}

static int launch_update(jd_cu *d, const jd_call *c)
{
    const jd_matmul_update_attr *a = jd_attr<jd_matmul_update_attr>(c);
    const int64_t M = c->in_type[2].dim[0], N = c->in_type[2].dim[1], K = c->in_type[0].dim[a->ta ? 0 : 1];
    float *w = static_cast<float *>(c->in[2]), *two = static_cast<float *>(c->scratch);
    const float *alpha = jd_in<float>(c, 3);
    if (!M || !N) return 0;
    const jd_product p = {
        a->ta != 0, a->tb != 0, M,     N,    K, jd_in<float>(c, 0), a->ta ? M : K, jd_in<float>(c, 1), a->tb ? K : N,
        w,          N,          false, NULL, 0};
    if (c->nout &&
        JD_LAUNCH(d, through, jd_grid(N), JD_BLOCK, 0, jd_in<float>(c, 0), (const float *)w, jd_out<float>(c, 0), M, N))
        return 1;
    if (d->blas && jd_gemm_is_large(M, N, K)) {
        if (JD_LAUNCH(d, scalars, dim3(1), 32, 0, alpha, a->negate != 0, two)) return 1;
        const int status = jd_blas_gemm(d, p, two, NULL);
        if (status >= 0) return status;
    }
    const bool negate = a->negate != 0;
    return p.ta ? (p.tb ? own_update<true, true>(d, p, alpha, negate) : own_update<true, false>(d, p, alpha, negate))
                : (p.tb ? own_update<false, true>(d, p, alpha, negate) : own_update<false, false>(d, p, alpha, negate));
}

static size_t scratch_update(const jd_call *)
{
    return 2 * sizeof(float);
}

static const char *variant_update(const jd_call *c, jd_precision p)
{
    const jd_matmul_update_attr *a = jd_attr<jd_matmul_update_attr>(c);
    if (!jd_gemm_is_large(c->in_type[2].dim[0], c->in_type[2].dim[1], c->in_type[0].dim[a->ta ? 0 : 1])) return "tiles";
    return p == JD_TF32 ? "cublasLt tf32" : p == JD_BF16 ? "cublasLt bf16" : "cublasLt";
}

const jd_cu_op jd_cu_matmul_update = {"tiles", launch_update, scratch_update, NULL, variant_update};

/* ---- sums of columns -------------------------------------------------------------------------------------------------*/

int64_t jd_column_parts(int64_t rows)
{
    return rows < 64 ? 1 : rows < 64 * 256 ? (rows + 63) / 64 : 256;
}

/* blockIdx.y: the part; each thread a column. */
static __global__ void column_part(const float *x, int64_t rows, int64_t cols, int64_t row, float *y)
{
    const int64_t begin = rows * blockIdx.y / gridDim.y, end = rows * (blockIdx.y + 1) / gridDim.y;
    JD_EACH(c, cols)
    y[blockIdx.y * cols + c] = jd_sum_of<16>(begin, end, 1, [&](int64_t r) { return x[r * row + c]; });
}

int jd_column_sums(jd_cu *d, const float *x, int64_t rows, int64_t cols, int64_t row, float *y, float *scratch)
{
    if (cols <= 0) return 0;
    const int64_t parts = jd_column_parts(rows);
    const dim3 grid((unsigned)((cols + 127) / 128), (unsigned)parts);
    if (JD_LAUNCH(d, column_part, grid, 128, 0, x, rows, cols, row, parts > 1 ? scratch : y)) return 1;
    if (parts == 1) return 0;
    return jd_sum_parts(d, scratch, parts, cols, y);
}

int jd_sum_parts(jd_cu *d, const float *x, int64_t parts, int64_t n, float *y)
{
    return JD_LAUNCH(d, column_part, dim3(jd_grid(n).x), JD_BLOCK, 0, x, parts, n, n, y);
}
