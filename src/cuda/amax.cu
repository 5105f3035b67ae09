/* amax.cu - the largest of the last axis, and its index: a block a row.  A NaN is never the largest. */
#include "cuda/table.h"

enum { AMAX_THREADS = 64 };

/* The smaller index wins a tie, as a walk from the left does. */
static __global__ void largest(const float *x, float *value, int32_t *index, int64_t rows, int64_t K)
{
    __shared__ float best[AMAX_THREADS];
    __shared__ int32_t at[AMAX_THREADS];
    const int t = (int)threadIdx.x;
    for (int64_t r = blockIdx.x; r < rows; r += gridDim.x) {
        const float *row = x + r * K;
        float b = -INFINITY;
        int32_t i = INT32_MAX;
        for (int64_t k = t; k < K; k += AMAX_THREADS)
            if (row[k] > b) {
                b = row[k];
                i = (int32_t)k;
            }
        best[t] = b;
        at[t] = i;
        for (int half = AMAX_THREADS / 2; half; half /= 2) {
            __syncthreads();
            if (t >= half) continue;
            const float o = best[t + half];
            if (o > best[t] || (o == best[t] && at[t + half] < at[t])) {
                best[t] = o;
                at[t] = at[t + half];
            }
        }
        if (t == 0 && value) value[r] = best[0];
        if (t == 0 && index) index[r] = at[0] == INT32_MAX ? 0 : at[0];
        __syncthreads();
    }
}

static int run(jd_cu *d, const jd_call *c, float *value, int32_t *index)
{
    const jd_type *t = &c->in_type[0];
    const int64_t rows = jd__rows(t);
    if (!rows) return 0;
    return JD_LAUNCH(d, largest, dim3((unsigned)(rows < 1 << 20 ? rows : 1 << 20)), AMAX_THREADS, 0, jd_in<float>(c, 0),
                     value, index, rows, t->dim[t->rank - 1]);
}

static int launch_amax(jd_cu *d, const jd_call *c)
{
    return run(d, c, jd_out<float>(c, 0), NULL);
}

static int launch_argmax(jd_cu *d, const jd_call *c)
{
    return run(d, c, NULL, jd_out<int32_t>(c, 0));
}

const jd_cu_op jd_cu_amax = {"amax", launch_amax, NULL, NULL, NULL};
const jd_cu_op jd_cu_argmax = {"argmax", launch_argmax, NULL, NULL, NULL};
