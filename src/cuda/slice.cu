/* slice.cu - parts along an axis: slice, pad, concat, and sequences backwards. */
#include "cuda/table.h"

/* Rows of n.d elements (4 bytes each) that lie `from_row` and `to_row` apart. */
static __global__ void copy_rows(const uint32_t *from, int64_t from_row, uint32_t *to, int64_t to_row, jd_divisor n,
                                 int64_t all)
{
    JD_EACH(e, all)
    {
        int64_t row = e;
        const int64_t at = n.cut(&row);
        to[row * to_row + at] = from[row * from_row + at];
    }
}

static int rows(jd_cu *d, const void *from, int64_t from_row, void *to, int64_t to_row, int64_t n, int64_t count)
{
    if (n <= 0 || count <= 0) return 0;
    if (count == 1) return jd_copy(d, to, from, (size_t)n * 4);
    return JD_LAUNCH(d, copy_rows, jd_grid(n * count), JD_BLOCK, 0, static_cast<const uint32_t *>(from), from_row,
                     static_cast<uint32_t *>(to), to_row, jd_divide_by(n, n * count), n * count);
}

static int64_t product(const jd_type *t, int begin, int end)
{
    int64_t n = 1;
    for (int i = begin; i < end; i++) n *= t->dim[i];
    return n;
}

static int launch_slice(jd_cu *d, const jd_call *c)
{
    const jd_slice_attr *a = jd_attr<jd_slice_attr>(c);
    const jd_type *t = &c->in_type[0];
    const int64_t inner = product(t, a->axis + 1, t->rank);
    return rows(d, jd_in<uint32_t>(c, 0) + a->begin * inner, t->dim[a->axis] * inner, c->out[0], a->size * inner,
                a->size * inner, product(t, 0, a->axis));
}

static int launch_pad(jd_cu *d, const jd_call *c)
{
    const jd_slice_attr *a = jd_attr<jd_slice_attr>(c);
    const jd_type *t = &c->in_type[0], *y = &c->out_type[0];
    const int64_t inner = product(t, a->axis + 1, t->rank);
    return jd_zero(d, c->out[0], (size_t)jd__count(y) * 4) ||
           rows(d, c->in[0], t->dim[a->axis] * inner, jd_out<uint32_t>(c, 0) + a->begin * inner,
                y->dim[a->axis] * inner, t->dim[a->axis] * inner, product(t, 0, a->axis));
}

/* A part whose pointer is NULL lies in its place already. */
static int launch_concat(jd_cu *d, const jd_call *c)
{
    const int axis = jd_attr<jd_slice_attr>(c)->axis;
    const jd_type *y = &c->out_type[0];
    const int64_t inner = product(y, axis + 1, y->rank), outer = product(y, 0, axis);
    int64_t at = 0;
    for (int k = 0; k < c->nin; k++) {
        const int64_t n = c->in_type[k].dim[axis] * inner;
        if (c->in[k] && rows(d, c->in[k], n, jd_out<uint32_t>(c, 0) + at, y->dim[axis] * inner, n, outer)) return 1;
        at += n;
    }
    return 0;
}

static __global__ void backwards(const float *x, const int32_t *length, float *y, int64_t T, int64_t B, int64_t n)
{
    JD_EACH(e, T * B * n)
    {
        const int64_t b = e / n % B, t = e / (n * B), len = length ? (length[b] < T ? length[b] : T) : T;
        const int64_t from = t < len ? len - 1 - t : t;
        y[e] = x[(from * B + b) * n + e % n];
    }
}

static int launch_reverse(jd_cu *d, const jd_call *c)
{
    const jd_type *t = &c->in_type[0];
    const int64_t n = product(t, 2, t->rank), all = jd__count(t);
    if (!all) return 0;
    return JD_LAUNCH(d, backwards, jd_grid(all), JD_BLOCK, 0, jd_in<float>(c, 0), jd_in<int32_t>(c, 1),
                     jd_out<float>(c, 0), t->dim[0], t->dim[1], n);
}

const jd_cu_op jd_cu_slice = {"slice", launch_slice, NULL, NULL, NULL};
const jd_cu_op jd_cu_pad = {"pad", launch_pad, NULL, NULL, NULL};
const jd_cu_op jd_cu_concat = {"concat", launch_concat, NULL, NULL, NULL};
const jd_cu_op jd_cu_reverse = {"reverse", launch_reverse, NULL, NULL, NULL};
