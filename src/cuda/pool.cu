/*
 * pool.cu - pooling: one thread a cell, of the result or, for the adjoints, of the image, which gathers from the windows
 * over it in their order.
 */
#include "cuda/table.h"

struct pool {
    int64_t H, W, oh, ow, C;
    int size, stride;
    jd_divisor by_H, by_W, by_oh, by_ow, by_C, by_size, by_stride;
};

/* Element e of the image, or of the result: picture, row, column, channel. */
struct pool_at {
    int64_t b, y, x, ch;
};
static __device__ inline pool_at cell_of(int64_t e, const jd_divisor &channels, const jd_divisor &width,
                                         const jd_divisor &height)
{
    pool_at p;
    p.ch = channels.cut(&e);
    p.x = width.cut(&e);
    p.y = height.cut(&e);
    p.b = e;
    return p;
}

/* The windows [first, last] along one axis of m windows that cover cell y. */
static __device__ inline void covering(const pool &s, int64_t y, int64_t m, int64_t *first, int64_t *last)
{
    const int64_t at = s.by_stride.quotient(y);
    *first = y < s.size ? 0 : s.by_stride.quotient(y - s.size) + 1;
    *last = at < m - 1 ? at : m - 1;
}

static __global__ void max_of(const float *x, float *y, int32_t *winner, pool s, int64_t n)
{
    JD_EACH(e, n)
    {
        const pool_at o = cell_of(e, s.by_C, s.by_ow, s.by_oh);
        const int64_t ch = o.ch, ox = o.x, oy = o.y, b = o.b;
        const int64_t y0 = oy * s.stride, x0 = ox * s.stride;
        float best = x[((b * s.H + y0) * s.W + x0) * s.C + ch];
        int32_t at = 0;
        for (int u = 0; u < s.size && y0 + u < s.H; u++)
            for (int v = 0; v < s.size && x0 + v < s.W; v++) {
                const float t = x[((b * s.H + y0 + u) * s.W + x0 + v) * s.C + ch];
                if (t > best || t != t) {
                    best = t;
                    at = u * s.size + v;
                }
            }
        y[e] = best;
        winner[e] = at;
    }
}

static __global__ void to_winners(const float *dy, const int32_t *winner, float *dx, pool s, int64_t n)
{
    JD_EACH(e, n)
    {
        const pool_at i = cell_of(e, s.by_C, s.by_W, s.by_H);
        const int64_t ch = i.ch, x = i.x, y = i.y, b = i.b;
        int64_t oy0, oy1, ox0, ox1;
        covering(s, y, s.oh, &oy0, &oy1);
        covering(s, x, s.ow, &ox0, &ox1);
        float sum = 0;
        for (int64_t oy = oy0; oy <= oy1; oy++)
            for (int64_t ox = ox0; ox <= ox1; ox++) {
                const int64_t o = ((b * s.oh + oy) * s.ow + ox) * s.C + ch;
                if (winner[o] == (y - oy * s.stride) * s.size + x - ox * s.stride) sum += dy[o];
            }
        dx[e] = sum;
    }
}

static __global__ void at_winners(const float *x, const int32_t *winner, float *y, pool s, int64_t n)
{
    JD_EACH(e, n)
    {
        const pool_at o = cell_of(e, s.by_C, s.by_ow, s.by_oh);
        const int64_t ch = o.ch, ox = o.x, oy = o.y, b = o.b;
        const int64_t at = winner[e] < 0 ? 0 : winner[e], down = s.by_size.quotient(at);
        const int64_t iy = oy * s.stride + down, ix = ox * s.stride + at - down * s.size;
        y[e] = winner[e] >= 0 && iy < s.H && ix < s.W ? x[((b * s.H + iy) * s.W + ix) * s.C + ch] : 0;
    }
}

/* Cells of window (oy,ox). */
static __device__ inline float cells(const pool &s, int64_t oy, int64_t ox)
{
    const int64_t h = s.H - oy * s.stride, w = s.W - ox * s.stride;
    return (float)((h < s.size ? h : s.size) * (w < s.size ? w : s.size));
}

static __global__ void mean_of(const float *x, float *y, pool s, int64_t n)
{
    JD_EACH(e, n)
    {
        const pool_at o = cell_of(e, s.by_C, s.by_ow, s.by_oh);
        const int64_t ch = o.ch, ox = o.x, oy = o.y, b = o.b;
        const int64_t y0 = oy * s.stride, x0 = ox * s.stride;
        float sum = 0;
        for (int64_t u = y0; u < y0 + s.size && u < s.H; u++)
            for (int64_t v = x0; v < x0 + s.size && v < s.W; v++) sum += x[((b * s.H + u) * s.W + v) * s.C + ch];
        y[e] = sum / cells(s, oy, ox);
    }
}

static __global__ void shares(const float *dy, float *dx, pool s, int64_t n)
{
    JD_EACH(e, n)
    {
        const pool_at i = cell_of(e, s.by_C, s.by_W, s.by_H);
        const int64_t ch = i.ch, x = i.x, y = i.y, b = i.b;
        int64_t oy0, oy1, ox0, ox1;
        covering(s, y, s.oh, &oy0, &oy1);
        covering(s, x, s.ow, &ox0, &ox1);
        float sum = 0;
        for (int64_t oy = oy0; oy <= oy1; oy++)
            for (int64_t ox = ox0; ox <= ox1; ox++)
                sum += dy[((b * s.oh + oy) * s.ow + ox) * s.C + ch] / cells(s, oy, ox);
        dx[e] = sum;
    }
}

static pool sizes(const jd_call *c, const jd_type *x, const jd_type *y)
{
    const jd_pool_attr *a = jd_attr<jd_pool_attr>(c);
    const int64_t n = jd__count(x) > jd__count(y) ? jd__count(x) : jd__count(y);
    return {x->dim[1],
            x->dim[2],
            y->dim[1],
            y->dim[2],
            x->dim[3],
            a->size,
            a->stride,
            jd_divide_by(x->dim[1], n),
            jd_divide_by(x->dim[2], n),
            jd_divide_by(y->dim[1], n),
            jd_divide_by(y->dim[2], n),
            jd_divide_by(x->dim[3], n),
            jd_divide_by(a->size, INT32_MAX),
            jd_divide_by(a->stride, INT32_MAX)};
}

static int launch_maxpool(jd_cu *d, const jd_call *c)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, max_of, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_out<float>(c, 0), jd_out<int32_t>(c, 1),
                     sizes(c, &c->in_type[0], &c->out_type[0]), n);
}

static int launch_unpool(jd_cu *d, const jd_call *c)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, to_winners, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_in<int32_t>(c, 1),
                     jd_out<float>(c, 0), sizes(c, &c->out_type[0], &c->in_type[0]), n);
}

static int launch_pool_gather(jd_cu *d, const jd_call *c)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, at_winners, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_in<int32_t>(c, 1),
                     jd_out<float>(c, 0), sizes(c, &c->in_type[0], &c->out_type[0]), n);
}

static int launch_avgpool(jd_cu *d, const jd_call *c)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, mean_of, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_out<float>(c, 0),
                     sizes(c, &c->in_type[0], &c->out_type[0]), n);
}

static int launch_avgpool_dx(jd_cu *d, const jd_call *c)
{
    const int64_t n = jd__count(&c->out_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, shares, jd_grid(n), JD_BLOCK, 0, jd_in<float>(c, 0), jd_out<float>(c, 0),
                     sizes(c, &c->out_type[0], &c->in_type[0]), n);
}

const jd_cu_op jd_cu_maxpool = {"maxpool", launch_maxpool, NULL, NULL, NULL};
const jd_cu_op jd_cu_unpool = {"unpool", launch_unpool, NULL, NULL, NULL};
const jd_cu_op jd_cu_pool_gather = {"pool_gather", launch_pool_gather, NULL, NULL, NULL};
const jd_cu_op jd_cu_avgpool = {"avgpool", launch_avgpool, NULL, NULL, NULL};
const jd_cu_op jd_cu_avgpool_dx = {"avgpool_dx", launch_avgpool_dx, NULL, NULL, NULL};
