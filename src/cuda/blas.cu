/* blas.cu - products by cuBLASLt.  Row-major C (M,N) is column-major (N,M), so C' = op(B)' op(A)' is what it computes. */
#include "cuda/blas.h"

#ifdef __CUDACC__
#include <cublasLt.h>
#include <dlfcn.h>

#define CALLS(X)                                                                                                       \
    X(Create)                                                                                                          \
    X(Destroy)                                                                                                         \
    X(MatmulDescCreate)                                                                                                \
    X(MatmulDescDestroy)                                                                                               \
    X(MatmulDescSetAttribute)                                                                                          \
    X(MatrixLayoutCreate)                                                                                              \
    X(MatrixLayoutDestroy)                                                                                             \
    X(MatmulPreferenceCreate)                                                                                          \
    X(MatmulPreferenceDestroy)                                                                                         \
    X(MatmulPreferenceSetAttribute)                                                                                    \
    X(MatmulAlgoGetHeuristic)                                                                                          \
    X(Matmul)                                                                                                          \
    X(GetVersion)

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

enum { WORKSPACE = 64 << 20 };

struct jd_blas {
    void *library, *workspace; /* two: of each side its own */
    cublasLtHandle_t handle;
    cublasLtMatmulPreference_t preference;
    cublasComputeType_t compute;
#define X(name) decltype(&cublasLt##name) name;
    CALLS(X)
#undef X
};

void jd_blas_close(jd_blas *b)
{
    if (!b) return;
    if (b->preference) b->MatmulPreferenceDestroy(b->preference);
    if (b->handle) b->Destroy(b->handle);
    if (b->workspace) cudaFree(b->workspace);
    if (b->library) dlclose(b->library);
    delete b;
}

jd_blas *jd_blas_open(jd_cu *d)
{
    /* As the loader finds it, then where the toolkit is installed; it stays loaded, as the CUDA runtime in it must. */
    static const char *const file[] = {"libcublasLt.so." TEXT(CUBLAS_VER_MAJOR),
                                       "/usr/local/cuda/lib64/libcublasLt.so." TEXT(CUBLAS_VER_MAJOR), "libcublasLt.so",
                                       NULL};
    jd_blas *b = new jd_blas();
    for (int i = 0; file[i] && !b->library; i++) b->library = dlopen(file[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool all = b->library != nullptr;
#define X(name)                                                                                                        \
    if (all) b->name = reinterpret_cast<decltype(&cublasLt##name)>(dlsym(b->library, "cublasLt" #name));               \
    all = all && b->name;
    CALLS(X)
#undef X
    all = all && b->GetVersion() / 10000 == CUBLAS_VER_MAJOR;
    b->compute = d->precision == JD_TF32   ? CUBLAS_COMPUTE_32F_FAST_TF32
                 : d->precision == JD_BF16 ? CUBLAS_COMPUTE_32F_FAST_16BF
                                           : CUBLAS_COMPUTE_32F;
    const uint64_t bytes = WORKSPACE;
    /* Parts of a sum meet in the workspace, in order: those that meet in the result come as they are done. */
    const uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    if (all && !b->Create(&b->handle) && !b->MatmulPreferenceCreate(&b->preference) &&
        !b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                         sizeof bytes) &&
        !b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions,
                                         sizeof reductions) &&
        cudaMalloc(&b->workspace, 2 * (size_t)WORKSPACE) == cudaSuccess)
        return b;
    cudaGetLastError(); /* it is reported by the NULL */
    jd_blas_close(b);
    return nullptr;
}

/* The largest power of two up to 16 that divides an address: parameters are aligned to an element only. */
static uint32_t alignment(const void *p)
{
    return (uintptr_t)p % 16 == 0 ? 16 : (uintptr_t)p % 8 == 0 ? 8 : 4;
}

static void set_alignment(jd_blas *b, const jd_product &p, const float *bias)
{
    const uint32_t a = alignment(p.B), x = alignment(p.A), c = alignment(p.C);
    const uint32_t d =
        bias && alignment(bias) < c ? alignment(bias) : c; /* the epilogue reads the bias as it writes D */
    b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &a, sizeof a);
    b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &x, sizeof x);
    b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &c, sizeof c);
    b->MatmulPreferenceSetAttribute(b->preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &d, sizeof d);
}

/* The bias of a column of C is that of a row of C', as the epilogue has it; NULL: none. */
static bool set_bias(jd_blas *b, cublasLtMatmulDesc_t desc, const float *bias)
{
    const cublasLtEpilogue_t with = bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    return (!bias || !b->MatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias)) &&
           !b->MatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &with, sizeof with);
}

int jd_blas_gemm(jd_cu *d, const jd_product &p, const float *scalars, bool *biased)
{
    jd_blas *b = d->blas;
    cublasLtMatmulDesc_t desc = nullptr;
    cublasLtMatrixLayout_t left = nullptr, right = nullptr, result = nullptr;
    cublasLtMatmulHeuristicResult_t found = {};
    const cublasOperation_t t = CUBLAS_OP_T, n = CUBLAS_OP_N;
    const cublasLtPointerMode_t mode = scalars ? CUBLASLT_POINTER_MODE_DEVICE : CUBLASLT_POINTER_MODE_HOST;
    const float one = 1, beta = p.add ? 1.f : 0.f;
    int count = 0, status = -1;
    bool ok = !b->MatmulDescCreate(&desc, b->compute, CUDA_R_32F) &&
              !b->MatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, p.tb ? &t : &n, sizeof t) &&
              !b->MatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSB, p.ta ? &t : &n, sizeof t) &&
              !b->MatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_POINTER_MODE, &mode, sizeof mode);
    ok =
        ok &&
        !b->MatrixLayoutCreate(&left, CUDA_R_32F, (uint64_t)(p.tb ? p.K : p.N), (uint64_t)(p.tb ? p.N : p.K), p.ldb) &&
        !b->MatrixLayoutCreate(&right, CUDA_R_32F, (uint64_t)(p.ta ? p.M : p.K), (uint64_t)(p.ta ? p.K : p.M), p.lda) &&
        !b->MatrixLayoutCreate(&result, CUDA_R_32F, (uint64_t)p.N, (uint64_t)p.M, p.ldc);
    if (ok) set_alignment(b, p, biased ? p.bias : nullptr);
    const auto ask = [&] {
        return !b->MatmulAlgoGetHeuristic(b->handle, desc, left, right, result, result, b->preference, 1, &found,
                                          &count) &&
               count > 0;
    };
    const bool wish = ok && biased && p.bias, bias = wish && set_bias(b, desc, p.bias) && ask();
    if (ok && (bias || ((!wish || set_bias(b, desc, nullptr)) && ask()))) {
        const cublasStatus_t s =
            b->Matmul(b->handle, desc, scalars ? scalars : &one, p.B, left, p.A, right, scalars ? scalars + 1 : &beta,
                      p.C, result, p.C, result, &found.algo,
                      static_cast<char *>(b->workspace) + (size_t)d->side * WORKSPACE, WORKSPACE, d->stream);
        status = s ? 1 : 0;
        if (s) snprintf(d->error, sizeof d->error, "cublasLtMatmul: status %d", (int)s);
        if (bias) *biased = true;
    }
    if (result) b->MatrixLayoutDestroy(result);
    if (right) b->MatrixLayoutDestroy(right);
    if (left) b->MatrixLayoutDestroy(left);
    if (desc) b->MatmulDescDestroy(desc);
    return status;
}
#else
jd_blas *jd_blas_open(jd_cu *)
{
    return nullptr;
}

void jd_blas_close(jd_blas *) {}

int jd_blas_gemm(jd_cu *, const jd_product &, const float *, bool *)
{
    return -1;
}
#endif
