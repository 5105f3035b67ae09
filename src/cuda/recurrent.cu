/* recurrent.cu - the parts of recurrent layers that do not depend on the cell. */
#include "cuda/recurrent.cuh"

int jd_rec_inputs(jd_cu *d, const jd_call *c, int64_t G, float *to, int64_t row)
{
    const jd_type *x = &c->in_type[0];
    const int64_t rows = x->dim[0] * x->dim[1], N = x->dim[2];
    const float *W = jd_in<float>(c, 2), *b = jd_in<float>(c, 4);
    return jd_gemm(d, jd_product{false, true, rows, G, N, jd_in<float>(c, 0), N, W, N, to, row, false, b, 0});
}

/* A block a row, so that sample and time are found once. */
static dim3 rows_grid(jd_steps s)
{
    const int64_t rows = s.T * s.B;
    return dim3((unsigned)(rows < 1 << 20 ? rows : 1 << 20));
}

static __global__ void clear_dead(jd_steps s, float *x, int64_t n)
{
    for (int64_t row = blockIdx.x; row < s.T * s.B; row += gridDim.x) {
        if (row / s.B < s.count(row % s.B)) continue;
        for (int64_t e = threadIdx.x; e < n; e += blockDim.x) x[row * n + e] = 0;
    }
}

int jd_rec_clear(jd_cu *d, jd_steps s, float *x, int64_t n)
{
    const int64_t all = s.T * s.B * n;
    if (!s.length || !all) return 0;
    return JD_LAUNCH(d, clear_dead, rows_grid(s), JD_BLOCK, 0, s, x, n);
}

static __global__ void last_rows(jd_steps s, const float *x, const float *first, float *to, int64_t n)
{
    JD_EACH(e, s.B * n)
    {
        const int64_t b = e / n, count = s.count(b);
        to[e] = count ? x[s.row(b, count - 1) * n + e % n] : first ? first[e] : 0;
    }
}

int jd_rec_last(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n)
{
    return s.B * n > 0 ? JD_LAUNCH(d, last_rows, jd_grid(s.B * n), JD_BLOCK, 0, s, x, first, to, n) : 0;
}

static __global__ void rows_before(jd_steps s, const float *x, const float *first, float *to, int64_t n)
{
    for (int64_t row = blockIdx.x; row < s.T * s.B; row += gridDim.x) {
        const int64_t b = row % s.B, t = row / s.B, count = s.count(b), before = s.reverse ? t + 1 : t - 1;
        const float *from = t >= count                      ? nullptr
                            : before >= 0 && before < count ? x + (before * s.B + b) * n
                            : first                         ? first + b * n
                                                            : nullptr;
        for (int64_t e = threadIdx.x; e < n; e += blockDim.x) to[row * n + e] = from ? from[e] : 0;
    }
}

int jd_rec_before(jd_cu *d, jd_steps s, const float *x, const float *first, float *to, int64_t n)
{
    const int64_t all = s.T * s.B * n;
    return all ? JD_LAUNCH(d, rows_before, rows_grid(s), JD_BLOCK, 0, s, x, first, to, n) : 0;
}

int jd_rec_weight_grad(jd_cu *d, const float *delta, int64_t row, int64_t rows, int64_t G, const float *x, int64_t n,
                       float *to)
{
    return jd_gemm(d, jd_product{true, false, G, n, rows, delta, row, x, n, to, n, false, NULL, 0});
}

int jd_rec_input_grads(jd_cu *d, const jd_call *c, const float *delta, int64_t row, int64_t rows, int64_t G, float *dx,
                       float *dW, float *db, float *scratch)
{
    const int64_t N = c->in_type[0].dim[c->in_type[0].rank - 1];
    const float *x = jd_in<float>(c, 0), *W = jd_in<float>(c, 2);
    const jd_product left = {false, false, rows, N, G, delta, row, W, N, dx, N, false, NULL, 0};
    return (dx && jd_gemm(d, left)) || jd_rec_weight_grad(d, delta, row, rows, G, x, N, dW) ||
           jd_column_sums(d, delta, rows, G, row, db, scratch);
}
