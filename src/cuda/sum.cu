/*
 * sum.cu - sums over axes.  The terms of one sum are cut into parts that depend on the shape alone; each part is summed by
 * one thread, or by a block through a tree, and the parts in order.
 */
#include "cuda/table.h"

/* Kept and summed dimensions, neighbours merged. */
struct sum_shape {
    int kept, summed;
    int64_t keep_dim[JD_MAX_RANK], keep_stride[JD_MAX_RANK], sum_dim[JD_MAX_RANK], sum_stride[JD_MAX_RANK];
    int64_t n, terms; /* results, terms of each */
};

static __device__ inline int64_t place(int rank, const int64_t *dim, const int64_t *stride, int64_t e)
{
    int64_t at = 0;
    for (int i = rank; i-- > 1; e /= dim[i]) at += e % dim[i] * stride[i];
    return rank ? at + e * stride[0] : 0; /* the outermost takes what is left */
}

/* One thread a result; blockIdx.y is the part. */
static __global__ void sum_threads(const float *x, float *y, sum_shape s)
{
    const int64_t begin = s.terms * blockIdx.y / gridDim.y, end = s.terms * (blockIdx.y + 1) / gridDim.y;
    JD_EACH(e, s.n)
    {
        const float *from = x + place(s.kept, s.keep_dim, s.keep_stride, e);
        y[blockIdx.y * s.n + e] =
            jd_sum_of<16>(begin, end, 1, [&](int64_t r) { return from[place(s.summed, s.sum_dim, s.sum_stride, r)]; });
    }
}

/* One block a result. */
enum { SUM_THREADS = 128 };
static __global__ void sum_blocks(const float *x, float *y, sum_shape s)
{
    __shared__ float part[SUM_THREADS];
    const int64_t begin = s.terms * blockIdx.y / gridDim.y, end = s.terms * (blockIdx.y + 1) / gridDim.y;
    const int t = (int)threadIdx.x;
    for (int64_t e = blockIdx.x; e < s.n; e += gridDim.x) {
        const float *from = x + place(s.kept, s.keep_dim, s.keep_stride, e);
        part[t] = jd_sum_of<8>(begin + t, end, SUM_THREADS,
                               [&](int64_t r) { return from[place(s.summed, s.sum_dim, s.sum_stride, r)]; });
        for (int half = SUM_THREADS / 2; half; half /= 2) {
            __syncthreads();
            if (t < half) part[t] += part[t + half];
        }
        if (t == 0) y[blockIdx.y * s.n + e] = part[0];
        __syncthreads();
    }
}

static sum_shape shape_of(const jd_call *c)
{
    const unsigned axes = jd_attr<jd_sum_attr>(c)->axes;
    const jd_type *t = &c->in_type[0];
    sum_shape s = {};
    int64_t stride[JD_MAX_RANK], step = 1;
    for (int i = t->rank; i-- > 0; step *= t->dim[i]) stride[i] = step;
    s.n = s.terms = 1;
    bool before = false, any = false;
    for (int i = 0; i < t->rank; i++) {
        const bool summed = (axes & (1u << i)) != 0;
        (summed ? s.terms : s.n) *= t->dim[i];
        if (t->dim[i] == 1) continue;
        int *rank = summed ? &s.summed : &s.kept;
        int64_t *dim = summed ? s.sum_dim : s.keep_dim, *by = summed ? s.sum_stride : s.keep_stride;
        if (any && before == summed) {
            dim[*rank - 1] *= t->dim[i];
            by[*rank - 1] = stride[i];
        } else {
            dim[*rank] = t->dim[i];
            by[(*rank)++] = stride[i];
        }
        before = summed;
        any = true;
    }
    return s;
}

static bool along_rows(const sum_shape &s)
{
    return s.summed && s.sum_stride[s.summed - 1] == 1 && s.terms > 8;
}

/* Enough blocks for the machine, and not less than 1024 terms (64 for a thread) in each. */
static int64_t parts_of(const sum_shape &s)
{
    const int64_t most = s.terms / (along_rows(s) ? 1024 : 64),
                  blocks = along_rows(s) ? s.n : (s.n + JD_BLOCK - 1) / JD_BLOCK;
    const int64_t want = 528 / (blocks ? blocks : 1);
    const int64_t parts = want < most ? want : most;
    return parts < 1 ? 1 : parts > 512 ? 512 : parts;
}

static size_t scratch_sum(const jd_call *c)
{
    const sum_shape s = shape_of(c);
    const int64_t parts = parts_of(s);
    return parts > 1 ? (size_t)(parts * s.n) * sizeof(float) : 0;
}

static int launch_sum(jd_cu *d, const jd_call *c)
{
    const sum_shape s = shape_of(c);
    if (!s.n) return 0;
    const int64_t parts = parts_of(s);
    float *y = jd_out<float>(c, 0), *to = parts > 1 ? static_cast<float *>(c->scratch) : y;
    if (along_rows(s)) {
        const dim3 grid((unsigned)(s.n < 1 << 20 ? s.n : 1 << 20), (unsigned)parts);
        if (JD_LAUNCH(d, sum_blocks, grid, SUM_THREADS, 0, jd_in<float>(c, 0), to, s)) return 1;
    } else {
        const dim3 grid(jd_grid(s.n).x, (unsigned)parts);
        if (JD_LAUNCH(d, sum_threads, grid, JD_BLOCK, 0, jd_in<float>(c, 0), to, s)) return 1;
    }
    if (parts == 1) return 0;
    sum_shape last = {};
    last.n = s.n;
    last.terms = parts;
    last.kept = last.summed = 1;
    last.keep_dim[0] = s.n;
    last.keep_stride[0] = 1;
    last.sum_dim[0] = parts;
    last.sum_stride[0] = s.n;
    return JD_LAUNCH(d, sum_threads, jd_grid(s.n), JD_BLOCK, 0, (const float *)to, y, last);
}

const jd_cu_op jd_cu_sum = {"sum", launch_sum, scratch_sum, NULL, NULL};
