/* softmax.cu - softmax, log softmax and cross entropy over the last axis: a block a row, sums through a tree. */
#include "cuda/math.cuh"
#include "cuda/table.h"

enum { MOST = 256 };

/* part[0] = the largest, or the sum, of part[0..blockDim.x); blockDim.x a power of two. */
static __device__ inline float tree(float *part, float mine, bool sum)
{
    const int t = (int)threadIdx.x;
    part[t] = mine;
    for (int half = (int)blockDim.x / 2; half; half /= 2) {
        __syncthreads();
        if (t < half) part[t] = sum ? part[t] + part[t + half] : part[t] > part[t + half] ? part[t] : part[t + half];
    }
    __syncthreads();
    const float all = part[0];
    __syncthreads();
    return all;
}

/* y: softmax, or log softmax; with labels also the loss of each row. */
static __global__ void softmax_rows(const float *x, float *y, bool log, const int32_t *labels, float *loss,
                                    int64_t rows, int64_t K)
{
    __shared__ float part[MOST];
    for (int64_t r = blockIdx.x; r < rows; r += gridDim.x) {
        const float *from = x + r * K;
        float *to = y + r * K, best = -INFINITY, sum = 0;
        for (int64_t k = threadIdx.x; k < K; k += blockDim.x)
            if (from[k] > best) best = from[k];
        best = tree(part, best, false);
        for (int64_t k = threadIdx.x; k < K; k += blockDim.x) {
            const float e = jd_expf(from[k] - best);
            if (!log) to[k] = e;
            sum += e;
        }
        sum = tree(part, sum, true);
        const float scale = 1 / sum, lse = jd_logf(sum);
        for (int64_t k = threadIdx.x; k < K; k += blockDim.x) to[k] = log ? from[k] - best - lse : to[k] * scale;
        if (labels && threadIdx.x == 0)
            loss[r] = labels[r] < 0 ? 0 : labels[r] >= K ? NAN : lse - (from[labels[r]] - best);
    }
}

static int run(jd_cu *d, const jd_call *c, float *y, bool log, const int32_t *labels, float *loss)
{
    const jd_type *t = &c->in_type[0];
    const int64_t rows = jd__rows(t), K = t->dim[t->rank - 1];
    const unsigned threads = K <= 32 ? 32 : K <= 64 ? 64 : K <= 128 ? 128 : MOST;
    if (!rows) return 0;
    return JD_LAUNCH(d, softmax_rows, dim3((unsigned)(rows < 1 << 20 ? rows : 1 << 20)), threads, 0, jd_in<float>(c, 0),
                     y, log, labels, loss, rows, K);
}

static int launch_softmax(jd_cu *d, const jd_call *c)
{
    return run(d, c, jd_out<float>(c, 0), jd_attr<jd_softmax_attr>(c)->log != 0, NULL, NULL);
}

static int launch_xent(jd_cu *d, const jd_call *c)
{
    return run(d, c, jd_out<float>(c, 1), false, jd_in<int32_t>(c, 1), jd_out<float>(c, 0));
}

static __global__ void xent_grad(const int32_t *labels, const float *p, const float *dloss, float *dx, int64_t K,
                                 int64_t n)
{
    JD_EACH(e, n)
    {
        const int64_t r = e / K, k = e % K, label = labels[r];
        dx[e] = label >= 0 && label < K ? (p[e] - (k == label ? 1.f : 0.f)) * dloss[r] : 0;
    }
}

static int launch_xent_grad(jd_cu *d, const jd_call *c)
{
    const jd_type *t = &c->in_type[0];
    const int64_t n = jd__count(t);
    if (!n) return 0;
    return JD_LAUNCH(d, xent_grad, jd_grid(n), JD_BLOCK, 0, jd_in<int32_t>(c, 1), jd_in<float>(c, 2),
                     jd_in<float>(c, 3), jd_out<float>(c, 0), t->dim[t->rank - 1], n);
}

const jd_cu_op jd_cu_softmax = {"softmax", launch_softmax, NULL, NULL, NULL};
const jd_cu_op jd_cu_softmax_xent = {"softmax_xent", launch_xent, NULL, NULL, NULL};
const jd_cu_op jd_cu_softmax_xent_grad = {"softmax_xent_grad", launch_xent_grad, NULL, NULL, NULL};
