/*
 * conv.c - conv2d and conv2d_dx as correlations (corr.h).  The weights are packed once per call.  Results that are pooled
 * stay in scratch, a few rows at a time, from the sums to the bias and the squashing function.  conv2d_dx is a
 * correlation of dy with the weights turned by 180 degrees, with stride s one for each of the s x s phases of the pixels.
 */
#include "cpu/corr.h"
#include "cpu/pool.h"
#include "ops/attrs.h"
#include "ops/conv.h"

void JD_K(jd__k_conv2d)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_conv2d_dx)(const jd_call *c, const jd_worker *w);

static float *whole_lines(float *p)
{
    return (float *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

/* Pools the results of samples b0.., some rows of windows at a time, then adds the bias and squashes. */
static void pooled(const jd_call *c, const jd_corr *q, int64_t b0, float *room, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const int64_t ph = c->out_type[0].dim[1], pw = c->out_type[0].dim[2], size = a->pool, O = q->N, line = q->ow * O;
    const jd__conv_pool block = jd__conv_pooled(size, q->oh, q->ow, ph, O);
    float *const rows = room + (size_t)w->id * (size_t)block.floats;
    jd_corr sums = *q;
    sums.out = rows;
    sums.bias = NULL; /* what follows the sums follows the pooling */
    sums.act = JD_ACT_NONE;
    size_t begin, end;
    jd_share(w, (size_t)((c->out_type[0].dim[0] - b0) * ph), 1, &begin, &end);
    const int64_t stop = b0 * ph + (int64_t)end;
    for (int64_t p0 = b0 * ph + (int64_t)begin; p0 < stop; p0 += block.rows) {
        const int64_t p1 = p0 + block.rows < stop ? p0 + block.rows : stop;
        const int64_t last = (p1 - 1) % ph * size, r0 = p0 / ph * q->oh + p0 % ph * size;
        const int64_t r1 = (p1 - 1) / ph * q->oh + (q->oh - last < size ? q->oh : last + size);
        sums.before = r0 * line;
        JD_K(jd__corr_rows)(&sums, r0, r1);
        for (int64_t p = p0; p < p1; p++) {
            const int64_t y = p % ph * size;
            const jd_pool_row row = {.x = rows + (p / ph * q->oh + y - r0) * line,
                                     .bias = q->bias,
                                     .ny = q->oh - y < size ? q->oh - y : size,
                                     .W = q->ow,
                                     .C = O,
                                     .ow = pw,
                                     .size = a->pool,
                                     .stride = a->pool};
            float *const out = (float *)c->out[0] + p * pw * O;
            JD_K(jd__maxpool_row)(&row, out, c->nout > 1 ? (int32_t *)c->out[1] + p * pw * O : NULL);
            JD_K(jd__corr_squash)(q->act, out, pw * O);
        }
    }
}

void JD_K(jd__k_conv2d)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *x = c->in_type[0].dim, *wt = c->in_type[1].dim, *y = c->out_type[0].dim;
    const int64_t oh = jd__conv_size(x[1], wt[1], a->stride, a->pad),
                  ow = jd__conv_size(x[2], wt[2], a->stride, a->pad);
    const int64_t B = x[0], K = wt[1] * wt[2] * wt[3], N = wt[0];
    jd_corr q = {.in = c->in[0],
                 .in_b = x[1] * x[2] * x[3],
                 .in_y = x[2] * x[3],
                 .H = x[1],
                 .W = x[2],
                 .C = x[3],
                 .kh = wt[1],
                 .kw = wt[2],
                 .oh = oh,
                 .ow = ow,
                 .N = N,
                 .step = a->stride,
                 .off_y = -a->pad,
                 .off_x = -a->pad,
                 .out = c->out[0],
                 .out_b = oh * ow * N,
                 .out_y = ow * N,
                 .out_x = N,
                 .pack = c->scratch,
                 .bias = c->nin > 2 ? c->in[2] : NULL,
                 .act = (jd_act)a->act};
    const int64_t turned = JD_K(jd__corr_by_samples)(&q, B, y[1] * y[2] * N) ? B / VL * VL : 0;
    float *const room = whole_lines((float *)c->scratch + jd__corr_packed(N, K));
    float *const turned_pack =
        a->pool ? room + (size_t)w->count * (size_t)jd__conv_pooled(a->pool, oh, ow, y[1], N).floats : room;
    if (turned) JD_K(jd__corr_samples_pack)(&(jd_corr_weights){.w = c->in[1], .N = N}, K, turned_pack, w);
    if (turned < B) JD_K(jd__corr_pack)(c->in[1], N, K, c->scratch, w);
    jd_team_barrier(w);
    if (turned < B) {
        if (a->pool)
            pooled(c, &q, turned, room, w);
        else
            JD_K(jd__corr)(&q, turned, B, w);
    }
    if (turned) {
        const int64_t pool = a->pool ? a->pool : 1;
        const jd_corr_samples s = {.q = &q,
                                   .pool = pool,
                                   .ph = y[1],
                                   .pw = y[2],
                                   .winner = c->nout > 1 ? c->out[1] : NULL,
                                   .out_b = y[1] * y[2] * N,
                                   .out_y = y[2] * N};
        q.pack = turned_pack;
        JD_K(jd__corr_samples)
        (&s, B, whole_lines(turned_pack + N * K) + (size_t)w->id * jd__corr_samples_room(x[1], x[2], x[3], ow, N, pool),
         w);
    }
}

/* ---- conv2d_dx ------------------------------------------------------------------------------------------------------*/

/* The pixels y of an axis with (y + pad) % stride == phase, and the taps they meet. */
typedef struct phase {
    int64_t first, count; /* y = first + u stride */
    int64_t taps;         /* kh = phase + stride j, j < taps */
    int64_t off;          /* tap taps-1 of pixel u meets dy at u + off */
} phase;

static phase phase_at(int64_t ph, int64_t stride, int64_t pad, int64_t n, int64_t k)
{
    phase p;
    p.first = ((ph - pad) % stride + stride) % stride;
    p.count = n > p.first ? (n - p.first + stride - 1) / stride : 0;
    p.taps = k > ph ? (k - ph + stride - 1) / stride : 0;
    p.off = (p.first + pad - ph) / stride - (p.taps - 1);
    return p;
}

/* Packs the weights of each phase, or runs samples b0.. of it. */
static void phases(const jd_call *c, const jd_worker *w, bool pack, int64_t b0)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in_type[0].dim, *wt = c->in_type[1].dim, *x = c->out_type[0].dim, s = a->stride;
    const int64_t I = x[3], padded = (I + VL - 1) / VL * VL;
    float *room = c->scratch;
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < s; j++) {
            const phase py = phase_at(i, s, a->pad, x[1], wt[1]), px = phase_at(j, s, a->pad, x[2], wt[2]);
            if (pack) {
                JD_K(jd__corr_pack_turned)(c->in[1], wt, i, j, s, py.taps, px.taps, room, w);
            } else {
                const jd_corr q = {.in = c->in[0],
                                   .in_b = dy[1] * dy[2] * dy[3],
                                   .in_y = dy[2] * dy[3],
                                   .H = dy[1],
                                   .W = dy[2],
                                   .C = dy[3],
                                   .kh = py.taps,
                                   .kw = px.taps,
                                   .oh = py.count,
                                   .ow = px.count,
                                   .N = I,
                                   .step = 1,
                                   .off_y = py.off,
                                   .off_x = px.off,
                                   .out = (float *)c->out[0] + (py.first * x[2] + px.first) * I,
                                   .out_b = x[1] * x[2] * I,
                                   .out_y = s * x[2] * I,
                                   .out_x = s * I,
                                   .pack = room};
                JD_K(jd__corr)(&q, b0, dy[0], w);
            }
            room += py.taps * px.taps * dy[3] * padded;
        }
}

/* A stride of 1 leaves one phase, which may have the samples in its lanes. */
static jd_corr whole_dx(const jd_call *c)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in_type[0].dim, *wt = c->in_type[1].dim, *x = c->out_type[0].dim;
    return (jd_corr){.in = c->in[0],
                     .in_b = dy[1] * dy[2] * dy[3],
                     .in_y = dy[2] * dy[3],
                     .H = dy[1],
                     .W = dy[2],
                     .C = dy[3],
                     .kh = wt[1],
                     .kw = wt[2],
                     .oh = x[1],
                     .ow = x[2],
                     .N = x[3],
                     .step = 1,
                     .off_y = a->pad - (wt[1] - 1),
                     .off_x = a->pad - (wt[2] - 1),
                     .out = c->out[0]};
}

void JD_K(jd__k_conv2d_dx)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *wt = c->in_type[1].dim, *x = c->out_type[0].dim, B = x[0], O = wt[0], taps = wt[1] * wt[2];
    jd_corr q = whole_dx(c);
    const int64_t turned = a->stride == 1 && JD_K(jd__corr_by_samples)(&q, B, x[1] * x[2] * x[3]) ? B / VL * VL : 0;
    float *const turned_pack = whole_lines((float *)c->scratch + jd__corr_packed(x[3], taps * O));
    if (turned) JD_K(jd__corr_samples_pack)
    (&(jd_corr_weights){.w = c->in[1], .turned = true, .N = x[3], .O = O, .taps = taps}, taps * O, turned_pack, w);
    if (turned < B) phases(c, w, true, turned);
    jd_team_barrier(w);
    if (turned < B) phases(c, w, false, turned);
    if (turned) {
        const jd_corr_samples s = {
            .q = &q, .pool = 1, .ph = x[1], .pw = x[2], .out_b = x[1] * x[2] * x[3], .out_y = x[2] * x[3]};
        q.pack = turned_pack;
        JD_K(jd__corr_samples)
        (&s, B,
         whole_lines(turned_pack + taps * O * x[3]) +
             (size_t)w->id * jd__corr_samples_room(q.H, q.W, q.C, q.ow, q.N, 1),
         w);
    }
}
