/*
 * conv.h - the convolution and pooling ops that only gradient rules add, and the sizes they share.
 *
 * The three convolutions are one trilinear form, sum of dy[b,oy,ox,o] x[b,oy s - p + kh,ox s - p + kw,i] w[o,kh,kw,i],
 * each op its derivative by one factor.  So they are closed under differentiation.
 */
#ifndef JD_OPS_CONV_H
#define JD_OPS_CONV_H

#include "graph/op.h"
#include "ops/attrs.h"

/* dy (B,H',W',O), w (O,kH,kW,I) -> (B,h,w,I) */
jd_node jd__conv2d_dx(jd_graph *g, jd_node dy, jd_node w, int stride, int pad, int64_t height, int64_t width);
/* dy (B,H',W',O), x (B,H,W,I) -> (O,kH,kW,I) */
jd_node jd__conv2d_dw(jd_graph *g, jd_node dy, jd_node x, int stride, int pad, int64_t kh, int64_t kw);

/* dy (B,H',W',C), winner int32 (B,H',W',C) -> (B,height,width,C) */
jd_node jd__unpool(jd_graph *g, jd_node dy, jd_node winner, const jd_pool_attr *a, int64_t height, int64_t width);
/* x (B,H,W,C), winner -> (B,H',W',C) */
jd_node jd__pool_gather(jd_graph *g, jd_node x, jd_node winner, const jd_pool_attr *a);
/* dy (B,H',W',C) -> (B,height,width,C) */
jd_node jd__avgpool_dx(jd_graph *g, jd_node dy, const jd_pool_attr *a, int64_t height, int64_t width);

/* Positions of a window of k cells on n + 2 pad cells; 0 where it does not fit. */
static inline int64_t jd__conv_size(int64_t n, int64_t k, int64_t stride, int64_t pad)
{
    return k > 0 && n + 2 * pad >= k ? (n + 2 * pad - k) / stride + 1 : 0;
}
/* Positions of a pooling window on n cells; with `ceil` the last one may reach over the edge but not lie outside. */
static inline int64_t jd__pool_size(int64_t n, const jd_pool_attr *a)
{
    if (n < 1) return 0;
    if (!a->ceil) return n >= a->size ? (n - a->size) / a->stride + 1 : 0;
    int64_t m = n > a->size ? (n - a->size + a->stride - 1) / a->stride + 1 : 1;
    while (m > 1 && (m - 1) * a->stride >= n) m--;
    return m;
}

/* Checks that in[0] is real (B,H,W,C) and the window sane, and that it fits H and W. */
jd_status jd__pool_check(const jd_infer *c, const jd_pool_attr *a, int64_t height, int64_t width);
/* Checks of conv2d, conv2d_dx and conv2d_dw; finds oh and ow from the other sizes. */
typedef struct jd__conv_sizes {
    int64_t B, H, W, I, O, kh, kw, oh, ow;
} jd__conv_sizes;
jd_status jd__conv_check(const jd_infer *c, jd__conv_sizes *s);

/* Convolutions whose lanes may be samples (cpu/corr.h): those whose images the second cache holds, 16 at a time, and whose
 * columns do not fill vectors.  The floats that each thread needs for them. */
static inline bool jd__corr_samples_fit(int64_t H, int64_t W, int64_t C, int64_t N)
{
    return N % 16 != 0 && H * W * C <= 16384;
}
static inline size_t jd__corr_samples_room(int64_t H, int64_t W, int64_t C, int64_t ow, int64_t N, int64_t pool)
{
    return 16 * (size_t)(H * W * C + (pool + 2) * ow * N);
}

/* conv2d with pooling: how many rows of results are worked on together, and the floats that they take at most. */
typedef struct jd__conv_pool {
    int64_t rows, floats;
} jd__conv_pool;
static inline jd__conv_pool jd__conv_pooled(int64_t size, int64_t oh, int64_t ow, int64_t ph, int64_t O)
{
    enum { PIXELS = 512 };
    const int64_t pixels = size * ow, rows = pixels < PIXELS ? PIXELS / pixels : 1, left = oh - ph * size;
    /* Rows that no window covers lie between those of two samples. */
    const int64_t most = rows * size + (left > 0 ? left * (ph ? (rows - 1) / ph + 1 : 0) : 0);
    return (jd__conv_pool){rows, (most * ow * O + 15) / 16 * 16};
}

/* How conv2d_dw cuts the rows (b,oy): into 8 parts where the weights are few, so that many threads find work; the parts
 * are a function of the shapes alone. */
enum {
    JD_DW_PARTS = 8,
    JD_DW_FEW = 32768,
    JD_DW_CHUNK = 192,
    JD_DW_SPAN = 4 * JD_DW_CHUNK,
    JD_DW_STRIP = JD_DW_CHUNK * 48 + 64
};
typedef struct jd__dw_parts {
    int64_t rows;
    int64_t parts; /* part k is the rows [k rows / parts, (k + 1) rows / parts) */
} jd__dw_parts;
static inline jd__dw_parts jd__conv_dw_parts(const jd_type *dy, const jd_type *dw)
{
    const int64_t rows = dy->dim[0] * dy->dim[1];
    return (jd__dw_parts){rows, jd__count(dw) <= JD_DW_FEW && rows >= JD_DW_PARTS ? JD_DW_PARTS : 1};
}

#endif
