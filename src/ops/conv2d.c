/*
 * conv2d.c - two-dimensional cross-correlation, channels last, zero padding.
 *
 * Every element is one chain of fused multiply-adds over (kh,kw,i) in order, from 0, over the taps that lie inside the
 * image: the same bits for any batch, number of threads and kernel.
 */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

jd_status jd__conv_check(const jd_infer *c, jd__conv_sizes *s)
{
    const jd_conv_attr *a = c->attr;
    for (int i = 0; i < 2; i++)
        if (c->in[i].rank != 4 || c->in[i].dtype == JD_I32 || c->in[i].dtype != c->in[0].dtype)
            return jd__bad(c, "needs real images (B,H,W,C) and weights (O,kH,kW,I) of one type; reshape or jd_real_of");
    if (a->stride < 1) return jd__bad(c, "stride %d; use 1 or more", a->stride);
    if (a->pad < 0) return jd__bad(c, "padding %d; use 0 or more, and jd_slice to cut", a->pad);
    if (s->kh < 1 || s->kw < 1)
        return jd__bad(c, "a window of %lldx%lld; use 1x1 or more", (long long)s->kh, (long long)s->kw);
    s->oh = jd__conv_size(s->H, s->kh, a->stride, a->pad);
    s->ow = jd__conv_size(s->W, s->kw, a->stride, a->pad);
    if (s->oh < 1 || s->ow < 1)
        return jd__bad(
            c,
            "a %lldx%lld window on a %lldx%lld image with %d zeros around does not fit; use a smaller window or .pad",
            (long long)s->kh, (long long)s->kw, (long long)s->H, (long long)s->W, a->pad);
    return JD_OK;
}

static jd_status infer_conv2d(jd_infer *c)
{
    const int64_t *x = c->in[0].dim, *w = c->in[1].dim;
    jd__conv_sizes s = {x[0], x[1], x[2], x[3], w[0], w[1], w[2], 0, 0};
    if (c->in[0].rank == 4 && c->in[1].rank == 4 && x[3] != w[3])
        return jd__bad(c, "the image has %lld channels, the weights (O,kH,kW,I) are for %lld", (long long)x[3],
                       (long long)w[3]);
    if (jd__conv_check(c, &s)) return JD_EUSAGE;
    c->out[0] = (jd_type){c->in[0].dtype, 4, {s.B, s.oh, s.ow, s.O}};
    return JD_OK;
}

static void grad_conv2d(const jd_rule *c)
{
    const jd_conv_attr *a = c->attr;
    const jd_node x = c->in[0], w = c->in[1], d = c->dout[0];
    if (c->need[0]) c->din[0] = jd__conv2d_dx(c->g, d, w, a->stride, a->pad, jd_dim(c->g, x, 1), jd_dim(c->g, x, 2));
    if (c->need[1]) c->din[1] = jd__conv2d_dw(c->g, d, x, a->stride, a->pad, jd_dim(c->g, w, 1), jd_dim(c->g, w, 2));
}

static double flop_conv2d(const jd_call *c)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *x = c->in_type[0].dim, *w = c->in_type[1].dim;
    const int64_t oh = jd__conv_size(x[1], w[1], a->stride, a->pad), ow = jd__conv_size(x[2], w[2], a->stride, a->pad);
    return 2.0 * (double)(x[0] * oh * ow * w[0]) * (double)(w[1] * w[2] * w[3]);
}

/* The packed weights, and for each thread the rows that are pooled together. */
static size_t scratch_conv2d(const jd_call *c, int threads)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *x = c->in_type[0].dim, *w = c->in_type[1].dim;
    size_t n = (size_t)((w[0] + 15) / 16 * 16 * w[1] * w[2] * w[3]);
    if (a->pool) {
        const jd__conv_pool p =
            jd__conv_pooled(a->pool, jd__conv_size(x[1], w[1], a->stride, a->pad),
                            jd__conv_size(x[2], w[2], a->stride, a->pad), c->out_type[0].dim[1], w[0]);
        n += 16 + (size_t)threads * (size_t)p.floats;
    }
    if (jd__corr_samples_fit(x[1], x[2], x[3], w[0]))
        n += 32 + (size_t)(w[0] * w[1] * w[2] * w[3]) +
             (size_t)threads * jd__corr_samples_room(x[1], x[2], x[3], jd__conv_size(x[2], w[2], a->stride, a->pad),
                                                     w[0], a->pool ? a->pool : 1);
    return n * sizeof(float) + 64;
}

jd_node jd_conv2d_raw(jd_graph *g, jd_node x, jd_node w, jd_conv_options o)
{
    if (!x.id || !w.id) return JD_NONE;
    return jd__add(g, JD_OP_conv2d, &(jd_conv_attr){.stride = o.stride ? o.stride : 1, .pad = o.pad},
                   (const jd_node[]){x, w}, 2, NULL);
}

#define JD_SELF "ops/conv2d.c"
#include "ops/twice.h"

const jd_op jd__op_conv2d = {.name = "conv2d",
                             .doc = "cross-correlation of images (B,H,W,I) with weights (O,kH,kW,I)",
                             .attr_bytes = sizeof(jd_conv_attr),
                             .infer = infer_conv2d,
                             .grad = grad_conv2d,
                             .scratch = scratch_conv2d,
                             .flop = flop_conv2d,
                             .ref = {conv2d_f32, conv2d_f64}};

#else
/* The result at (b,y,x,o). */
static REAL FN(conv_at)(const jd_call *c, int64_t b, int64_t y, int64_t x, int64_t o)
{
    const jd_conv_attr *a = c->attr;
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], I = c->in_type[0].dim[3];
    const int64_t kh = c->in_type[1].dim[1], kw = c->in_type[1].dim[2];
    const int64_t iy = y * a->stride - a->pad, ix = x * a->stride - a->pad;
    REAL s = 0;
    for (int64_t u = 0; u < kh; u++)
        for (int64_t v = 0; v < kw; v++) {
            if (iy + u < 0 || iy + u >= H || ix + v < 0 || ix + v >= W) continue;
            const REAL *xs = (const REAL *)c->in[0] + ((b * H + iy + u) * W + ix + v) * I;
            const REAL *ws = (const REAL *)c->in[1] + ((o * kh + u) * kw + v) * I;
            for (int64_t i = 0; i < I; i++) s = R_FMA(xs[i], ws[i], s);
        }
    return s;
}

static void FN(conv2d)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const REAL *bias = c->nin > 2 ? c->in[2] : NULL;
    REAL *out = c->out[0];
    int32_t *winner = c->nout > 1 ? c->out[1] : NULL;
    const int64_t oh = jd__conv_size(c->in_type[0].dim[1], c->in_type[1].dim[1], a->stride, a->pad);
    const int64_t ow = jd__conv_size(c->in_type[0].dim[2], c->in_type[1].dim[2], a->stride, a->pad);
    const int64_t ph = c->out_type[0].dim[1], pw = c->out_type[0].dim[2], O = c->out_type[0].dim[3];
    const int64_t size = a->pool ? a->pool : 1;
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), 1, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e++) {
        const int64_t o = e % O, x0 = e / O % pw * size, y0 = e / (O * pw) % ph * size, b = e / (O * pw * ph);
        REAL best = FN(conv_at)(c, b, y0, x0, o);
        int32_t at = 0;
        for (int64_t k = 1; k < size * size; k++) {
            if (y0 + k / size >= oh || x0 + k % size >= ow) continue;
            const REAL t = FN(conv_at)(c, b, y0 + k / size, x0 + k % size, o);
            if (t > best || t != t) best = t, at = (int32_t)k;
        }
        if (winner) winner[e] = at;
        if (bias) best += bias[o];
        if (a->act == JD_ACT_TANH) best = R_TANH(best);
        if (a->act == JD_ACT_SIGMOID) best = R_SIGMOID(best);
        if (a->act == JD_ACT_RELU) best = best > 0 ? best : 0;
        out[e] = best;
    }
}
#endif
