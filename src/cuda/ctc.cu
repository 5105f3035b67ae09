/*
 * ctc.cu - connectionist temporal classification (ops/ctc.c) in log space and double precision.
 *
 * One block a sample walks forwards, another one backwards, at the same time: alpha_t(s) and beta_t(s) of all frames lie in
 * scratch.  The gradient of each frame is then found on its own, each class by one thread that adds its labels in order.
 */
#include "cuda/math.cuh"
#include "cuda/table.h"

struct ctc {
    const float *x; /* (T,B,K) */
    const int32_t *labels, *length, *label_length;
    int64_t T, B, K, U, S; /* S = 2 U + 1 of the longest */
    int blank;
    double *lse;          /* (T,B) */
    double *alpha, *beta; /* (T,B,S) */
    double *log_p;        /* (B); NaN: faulty, -inf: no path */
    int32_t *state;       /* (B): frames that count; 0: the gradient is 0 */
    float *loss, *grad;
};

enum { CTC_THREADS = 128 };

static __device__ inline double log_add(double a, double b)
{
    const double hi = a > b ? a : b, lo = a > b ? b : a;
    return lo == -INFINITY ? hi : hi + log1p(exp(lo - hi));
}

static __device__ inline int label_of(const ctc &c, const int32_t *l, int64_t i)
{
    return i % 2 ? l[i / 2] : c.blank;
}

static __device__ inline bool may_jump(const int32_t *l, int64_t i)
{
    return i % 2 && i > 1 && l[i / 2] != l[i / 2 - 1];
}

static __device__ inline double log_y(const ctc &c, int64_t row, int k)
{
    return (double)c.x[row * c.K + k] - c.lse[row];
}

/* The log of the sum of e^x of each frame. */
static __global__ void frames(ctc c)
{
    JD_EACH(row, c.T * c.B)
    {
        const float *x = c.x + row * c.K;
        double best = -INFINITY, sum = 0;
        for (int64_t k = 0; k < c.K; k++)
            if (x[k] > best) best = x[k];
        for (int64_t k = 0; k < c.K; k++) sum += exp(x[k] - best);
        c.lse[row] = best + log(sum);
    }
}

/* Whether sample b is in range, and how many frames its labels need. */
static __device__ inline bool sample(const ctc &c, int64_t b, int64_t *needed)
{
    const int64_t T = c.length[b], U = c.label_length[b];
    const int32_t *l = c.labels + b * c.U;
    if (T < 0 || T > c.T || U < 0 || U > c.U) return false;
    *needed = U;
    for (int64_t i = 0; i < U; i++) {
        if (l[i] < 0 || l[i] >= c.K || l[i] == c.blank) return false;
        if (i && l[i] == l[i - 1]) ++*needed;
    }
    return true;
}

static __device__ inline void ctc_forwards(const ctc &c, int64_t b)
{
    const int64_t S = 2 * (int64_t)c.label_length[b] + 1, T = c.length[b];
    const int32_t *l = c.labels + b * c.U;
    for (int64_t t = 0; t < T; t++) {
        const int64_t row = t * c.B + b;
        double *now = c.alpha + row * c.S;
        const double *before = now - c.B * c.S;
        for (int64_t i = threadIdx.x; i < S; i += blockDim.x) {
            double a = t ? before[i] : i ? -INFINITY : 0;
            if (i >= 1) a = log_add(a, t ? before[i - 1] : i == 1 ? 0 : -INFINITY);
            if (t && may_jump(l, i)) a = log_add(a, before[i - 2]);
            now[i] = a + log_y(c, row, label_of(c, l, i));
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        const double *end = c.alpha + ((T - 1) * c.B + b) * c.S;
        c.log_p[b] = log_add(end[S - 1], S > 1 ? end[S - 2] : -INFINITY);
        c.loss[b] = (float)-c.log_p[b];
    }
}

/* beta_t(s): the frame t itself is not in it. */
static __device__ inline void ctc_backwards(const ctc &c, int64_t b)
{
    const int64_t S = 2 * (int64_t)c.label_length[b] + 1, T = c.length[b];
    const int32_t *l = c.labels + b * c.U;
    for (int64_t t = T; t-- > 0;) {
        const int64_t row = t * c.B + b, next = row + c.B;
        double *now = c.beta + row * c.S;
        const double *after = c.beta + next * c.S;
        for (int64_t i = threadIdx.x; i < S; i += blockDim.x) {
            if (t == T - 1) {
                now[i] = i >= S - 2 ? 0 : -INFINITY;
                continue;
            }
            double v = after[i] + log_y(c, next, label_of(c, l, i));
            if (i + 1 < S) v = log_add(v, after[i + 1] + log_y(c, next, label_of(c, l, i + 1)));
            if (i + 2 < S && may_jump(l, i + 2)) v = log_add(v, after[i + 2] + log_y(c, next, label_of(c, l, i + 2)));
            now[i] = v;
        }
        __syncthreads();
    }
}

/* blockIdx.x: the sample; blockIdx.y: 0 forwards, 1 backwards. */
static __global__ void paths(ctc c)
{
    const int64_t b = blockIdx.x;
    int64_t needed = 0;
    const bool fine = sample(c, b, &needed), runs = fine && c.length[b] > 0 && c.length[b] >= needed;
    if (blockIdx.y == 0 && threadIdx.x == 0) {
        c.state[b] = runs ? c.length[b] : 0;
        if (!runs) c.loss[b] = !fine ? NAN : c.length[b] < needed ? INFINITY : 0;
    }
    if (runs && blockIdx.y == 0) ctc_forwards(c, b);
    if (runs && blockIdx.y == 1) ctc_backwards(c, b);
}

/* One block a frame, one thread a class. */
static __global__ void gradients(ctc c)
{
    for (int64_t row = blockIdx.x; row < c.T * c.B; row += gridDim.x) {
        const int64_t t = row / c.B, b = row % c.B, U = c.label_length[b];
        const int32_t *l = c.labels + b * c.U;
        const double *a = c.alpha + row * c.S, *z = c.beta + row * c.S;
        const bool counts = t < c.state[b] && c.log_p[b] != -INFINITY;
        for (int64_t k = threadIdx.x; k < c.K; k += blockDim.x) {
            double g = counts ? exp(log_y(c, row, (int)k)) : 0;
            if (counts && k == c.blank)
                for (int64_t i = 0; i <= U; i++) g -= exp(a[2 * i] + z[2 * i] - c.log_p[b]);
            else if (counts)
                for (int64_t i = 0; i < U; i++)
                    if (l[i] == k) g -= exp(a[2 * i + 1] + z[2 * i + 1] - c.log_p[b]);
            c.grad[row * c.K + k] = (float)g;
        }
    }
}

static size_t carve(const jd_call *call, ctc *c, void *base)
{
    const jd_type *x = &call->in_type[0];
    jd_pieces m = {static_cast<char *>(base), 0};
    c->T = x->dim[0];
    c->B = x->dim[1];
    c->K = x->dim[2];
    c->U = call->in_type[1].dim[1];
    c->S = 2 * c->U + 1;
    c->lse = m.take<double>(c->T * c->B);
    c->alpha = m.take<double>(c->T * c->B * c->S);
    c->beta = m.take<double>(c->T * c->B * c->S);
    c->log_p = m.take<double>(c->B);
    c->state = m.take<int32_t>(c->B);
    return m.used;
}

static size_t scratch_ctc(const jd_call *call)
{
    ctc c;
    return carve(call, &c, NULL);
}

static int launch_ctc(jd_cu *d, const jd_call *call)
{
    ctc c;
    carve(call, &c, call->scratch);
    c.x = jd_in<float>(call, 0);
    c.labels = jd_in<int32_t>(call, 1);
    c.length = jd_in<int32_t>(call, 2);
    c.label_length = jd_in<int32_t>(call, 3);
    c.blank = jd_attr<jd_ctc_attr>(call)->blank;
    c.loss = jd_out<float>(call, 0);
    c.grad = jd_out<float>(call, 1);
    if (!c.B) return 0;
    const int64_t rows = c.T * c.B;
    if (rows && JD_LAUNCH(d, frames, jd_grid(rows), JD_BLOCK, 0, c)) return 1;
    if (JD_LAUNCH(d, paths, dim3((unsigned)c.B, 2), CTC_THREADS, 0, c)) return 1;
    return rows ? JD_LAUNCH(d, gradients, dim3((unsigned)(rows < 1 << 20 ? rows : 1 << 20)), CTC_THREADS, 0, c) : 0;
}

static __global__ void scaled(const float *g, const float *dloss, float *y, int64_t B, int64_t K, int64_t n)
{
    JD_EACH(e, n) y[e] = g[e] * dloss[e / K % B];
}

static int launch_ctc_grad(jd_cu *d, const jd_call *c)
{
    const jd_type *x = &c->in_type[0];
    const int64_t n = jd__count(x);
    if (!n) return 0;
    return JD_LAUNCH(d, scaled, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 4), jd_in<float>(c, 5), jd_out<float>(c, 0),
                     x->dim[1], x->dim[2], n);
}

const jd_cu_op jd_cu_ctc = {"ctc paths", launch_ctc, scratch_ctc, NULL, NULL};
const jd_cu_op jd_cu_ctc_grad = {"ctc scale", launch_ctc_grad, NULL, NULL, NULL};
