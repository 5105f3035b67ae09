/*
 * conv2d_dw.c - the gradient of a convolution by its weights.
 *
 * Every element is a chain of fused multiply-adds over the pixels (b,oy,ox) in order, from 0, a pixel outside the image
 * being 0.  The fast kernel cuts the rows (b,oy) into a number of parts that depends on the shapes alone, makes one chain
 * in each part, and adds the parts in a fixed tree.
 */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_conv2d_dw(jd_infer *c)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in[0].dim, *x = c->in[1].dim;
    jd__conv_sizes s = {x[0], x[1], x[2], x[3], dy[3], a->h, a->w, 0, 0};
    if (jd__conv_check(c, &s)) return JD_EUSAGE;
    if (dy[0] != s.B || dy[1] != s.oh || dy[2] != s.ow)
        return jd__bad(c, "the cotangent should be (%lld,%lld,%lld,O), as the convolution's result", (long long)s.B,
                       (long long)s.oh, (long long)s.ow);
    c->out[0] = (jd_type){c->in[0].dtype, 4, {s.O, s.kh, s.kw, s.I}};
    return JD_OK;
}

static void grad_conv2d_dw(const jd_rule *c)
{
    const jd_conv_attr *a = c->attr;
    const jd_node dy = c->in[0], x = c->in[1], d = c->dout[0];
    if (c->need[0]) c->din[0] = jd_conv2d_raw(c->g, x, d, (jd_conv_options){a->stride, a->pad});
    if (c->need[1]) c->din[1] = jd__conv2d_dx(c->g, dy, d, a->stride, a->pad, jd_dim(c->g, x, 1), jd_dim(c->g, x, 2));
}

static double flop_conv2d_dw(const jd_call *c)
{
    const int64_t *w = c->out_type[0].dim;
    return 2.0 * (double)jd__count(&c->in_type[0]) * (double)(w[1] * w[2] * w[3]);
}

/* The parts' sums, channels padded, and for each thread a strip of packed pixels and a span of packed cotangents. */
static size_t scratch_conv2d_dw(const jd_call *c, int threads)
{
    const jd__dw_parts p = jd__conv_dw_parts(&c->in_type[0], &c->out_type[0]);
    const int64_t *w = c->out_type[0].dim, padded = (w[0] + 15) / 16 * 16;
    return (p.parts > 1 ? (size_t)(p.parts * padded * w[1] * w[2] * w[3]) * sizeof(float) + 64 : 0) +
           (size_t)(threads * (JD_DW_STRIP + JD_DW_SPAN * c->in_type[0].dim[3])) * sizeof(float) + 64;
}

jd_node jd__conv2d_dw(jd_graph *g, jd_node dy, jd_node x, int stride, int pad, int64_t kh, int64_t kw)
{
    if (!dy.id || !x.id) return JD_NONE;
    const jd_conv_attr a = {.stride = stride, .pad = pad, .h = (int32_t)kh, .w = (int32_t)kw};
    return jd__add(g, JD_OP_conv2d_dw, &a, (const jd_node[]){dy, x}, 2, NULL);
}

#define JD_SELF "ops/conv2d_dw.c"
#include "ops/twice.h"

const jd_op jd__op_conv2d_dw = {.name = "conv2d_dw",
                                .doc = "gradient of conv2d by its weights",
                                .attr_bytes = sizeof(jd_conv_attr),
                                .infer = infer_conv2d_dw,
                                .grad = grad_conv2d_dw,
                                .scratch = scratch_conv2d_dw,
                                .flop = flop_conv2d_dw,
                                .ref = {conv2d_dw_f32, conv2d_dw_f64}};

#else
static void FN(conv2d_dw)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const REAL *dy = c->in[0], *x = c->in[1];
    REAL *dw = c->out[0];
    const int64_t B = c->in_type[0].dim[0], oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2];
    const int64_t O = c->in_type[0].dim[3], H = c->in_type[1].dim[1], W = c->in_type[1].dim[2];
    const int64_t I = c->in_type[1].dim[3], kh = c->out_type[0].dim[1], kw = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), 1, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e++) {
        const int64_t i = e % I, v = e / I % kw, u = e / (I * kw) % kh, o = e / (I * kw * kh);
        REAL s = 0;
        for (int64_t r = 0; r < B * oh; r++) {
            const int64_t iy = r % oh * a->stride - a->pad + u;
            if (iy < 0 || iy >= H) continue;
            for (int64_t ox = 0; ox < ow; ox++) {
                const int64_t ix = ox * a->stride - a->pad + v;
                if (ix < 0 || ix >= W) continue;
                s = R_FMA(dy[(r * ow + ox) * O + o], x[((r / oh * H + iy) * W + ix) * I + i], s);
            }
        }
        dw[e] = s;
    }
}
#endif
