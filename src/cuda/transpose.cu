/* transpose.cu - another order of the dimensions, and repetition: each result finds its source by strides. */
#include "cuda/table.h"

struct strides {
    int rank;
    int64_t dim[JD_MAX_RANK], stride[JD_MAX_RANK];
};

static __device__ inline int64_t source(const strides &s, int64_t e)
{
    int64_t at = 0;
    for (int i = s.rank; i-- > 1; e /= s.dim[i]) at += e % s.dim[i] * s.stride[i];
    return s.rank ? at + e * s.stride[0] : 0; /* the outermost takes what is left */
}

static __global__ void by_strides(const float *x, float *y, strides s, int64_t n)
{
    JD_EACH(e, n) y[e] = x[source(s, e)];
}

/* Neighbours that go together become one dimension. */
static void merge(strides *s)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] == 1) continue;
        if (n && s->stride[n - 1] == s->stride[i] * s->dim[i] && (s->stride[i] || !s->stride[n - 1])) {
            s->dim[n - 1] *= s->dim[i];
            s->stride[n - 1] = s->stride[i];
        } else {
            s->dim[n] = s->dim[i];
            s->stride[n++] = s->stride[i];
        }
    }
    s->rank = n;
}

static int run(jd_cu *d, const jd_call *c, strides s)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    merge(&s);
    return JD_LAUNCH(d, by_strides, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_out<float>(c, 0), s, n);
}

/* The matrix transpose: a tile through shared memory, so that both sides are read and written along rows. */
enum { TILE = 32, LINES = 8 };

static __global__ void turn(const float *x, float *y, int64_t rows, int64_t cols)
{
    __shared__ float tile[TILE][TILE + 1];
    const float *from = x + blockIdx.z * rows * cols;
    float *to = y + blockIdx.z * rows * cols;
    const int tx = (int)threadIdx.x % TILE, ty = (int)threadIdx.x / TILE;
    const int64_t r0 = (int64_t)blockIdx.y * TILE, c0 = (int64_t)blockIdx.x * TILE;
    for (int i = ty; i < TILE; i += LINES)
        if (r0 + i < rows && c0 + tx < cols) tile[i][tx] = from[(r0 + i) * cols + c0 + tx];
    __syncthreads();
    for (int i = ty; i < TILE; i += LINES)
        if (c0 + i < cols && r0 + tx < rows) to[(c0 + i) * rows + r0 + tx] = tile[tx][i];
}

static int launch_transpose(jd_cu *d, const jd_call *c)
{
    const jd_transpose_attr *a = jd_attr<jd_transpose_attr>(c);
    const jd_type *x = &c->in_type[0], *y = &c->out_type[0];
    strides s = {y->rank, {0}, {0}};
    int64_t stride[JD_MAX_RANK], n = 1;
    for (int i = x->rank; i-- > 0; n *= x->dim[i]) stride[i] = n;
    for (int i = 0; i < y->rank; i++) {
        s.dim[i] = y->dim[i];
        s.stride[i] = stride[a->perm[i]];
    }
    strides m = s;
    merge(&m);
    const int r = m.rank;
    const bool matrix = n && r >= 2 && r <= 3 && m.stride[r - 2] == 1 && m.stride[r - 1] == m.dim[r - 2] &&
                        (r == 2 || m.stride[0] == m.dim[1] * m.dim[2]);
    const int64_t rows = matrix ? m.dim[r - 1] : 0, cols = matrix ? m.dim[r - 2] : 0, count = r == 3 ? m.dim[0] : 1;
    if (matrix && count <= 65535 && (rows + TILE - 1) / TILE <= 65535) {
        const dim3 grid((unsigned)((cols + TILE - 1) / TILE), (unsigned)((rows + TILE - 1) / TILE), (unsigned)count);
        return JD_LAUNCH(d, turn, grid, TILE * LINES, 0, jd_in<float>(c, 0), jd_out<float>(c, 0), rows, cols);
    }
    return run(d, c, s);
}

const jd_cu_op jd_cu_transpose = {"transpose", launch_transpose, NULL, NULL, NULL};

static int launch_broadcast(jd_cu *d, const jd_call *c)
{
    const jd_type *x = &c->in_type[0], *y = &c->out_type[0];
    strides s = {y->rank, {0}, {0}};
    int64_t n = 1;
    for (int i = 0; i < y->rank; i++) s.dim[i] = y->dim[i];
    for (int i = x->rank; i-- > 0; n *= x->dim[i]) s.stride[y->rank - x->rank + i] = x->dim[i] == 1 ? 0 : n;
    return run(d, c, s);
}

const jd_cu_op jd_cu_broadcast = {"broadcast", launch_broadcast, NULL, NULL, NULL};
