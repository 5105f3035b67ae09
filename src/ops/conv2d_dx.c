/*
 * conv2d_dx.c - the gradient of a convolution by its images.
 *
 * Every element is one chain of fused multiply-adds, from 0, over (oy,ox,o) in order: the results it took part in as
 * they lie in memory, which is kh and kw descending.
 */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_conv2d_dx(jd_infer *c)
{
    const jd_conv_attr *a = c->attr;
    const int64_t *dy = c->in[0].dim, *w = c->in[1].dim;
    jd__conv_sizes s = {dy[0], a->h, a->w, w[3], w[0], w[1], w[2], 0, 0};
    if (jd__conv_check(c, &s)) return JD_EUSAGE;
    if (dy[1] != s.oh || dy[2] != s.ow || dy[3] != s.O)
        return jd__bad(c, "the cotangent should be (B,%lld,%lld,%lld), as the convolution's result", (long long)s.oh,
                       (long long)s.ow, (long long)s.O);
    c->out[0] = (jd_type){c->in[0].dtype, 4, {s.B, s.H, s.W, s.I}};
    return JD_OK;
}

static void grad_conv2d_dx(const jd_rule *c)
{
    const jd_conv_attr *a = c->attr;
    const jd_node dy = c->in[0], w = c->in[1], d = c->dout[0];
    if (c->need[0]) c->din[0] = jd_conv2d_raw(c->g, d, w, (jd_conv_options){a->stride, a->pad});
    if (c->need[1]) c->din[1] = jd__conv2d_dw(c->g, dy, d, a->stride, a->pad, jd_dim(c->g, w, 1), jd_dim(c->g, w, 2));
}

/* As many as the convolution's. */
static double flop_conv2d_dx(const jd_call *c)
{
    const int64_t *w = c->in_type[1].dim;
    return 2.0 * (double)jd__count(&c->in_type[0]) * (double)(w[1] * w[2] * w[3]);
}

/* The packed weights. */
static size_t scratch_conv2d_dx(const jd_call *c, int threads)
{
    const int64_t *dy = c->in_type[0].dim, *w = c->in_type[1].dim;
    size_t n = (size_t)((w[3] + 15) / 16 * 16 * w[1] * w[2] * w[0]);
    if (jd__corr_samples_fit(dy[1], dy[2], dy[3], w[3]))
        n += 32 + (size_t)(w[0] * w[1] * w[2] * w[3]) +
             (size_t)threads * jd__corr_samples_room(dy[1], dy[2], dy[3], c->out_type[0].dim[2], w[3], 1);
    return n * sizeof(float) + 64;
}

jd_node jd__conv2d_dx(jd_graph *g, jd_node dy, jd_node w, int stride, int pad, int64_t height, int64_t width)
{
    if (!dy.id || !w.id) return JD_NONE;
    const jd_conv_attr a = {.stride = stride, .pad = pad, .h = (int32_t)height, .w = (int32_t)width};
    return jd__add(g, JD_OP_conv2d_dx, &a, (const jd_node[]){dy, w}, 2, NULL);
}

#define JD_SELF "ops/conv2d_dx.c"
#include "ops/twice.h"

const jd_op jd__op_conv2d_dx = {.name = "conv2d_dx",
                                .doc = "gradient of conv2d by its images",
                                .attr_bytes = sizeof(jd_conv_attr),
                                .infer = infer_conv2d_dx,
                                .grad = grad_conv2d_dx,
                                .scratch = scratch_conv2d_dx,
                                .flop = flop_conv2d_dx,
                                .ref = {conv2d_dx_f32, conv2d_dx_f64}};

#else
static void FN(conv2d_dx)(const jd_call *c, const jd_worker *w)
{
    const jd_conv_attr *a = c->attr;
    const REAL *dy = c->in[0], *wt = c->in[1];
    REAL *dx = c->out[0];
    const int64_t oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2], O = c->in_type[0].dim[3];
    const int64_t kh = c->in_type[1].dim[1], kw = c->in_type[1].dim[2], I = c->in_type[1].dim[3];
    const int64_t H = c->out_type[0].dim[1], W = c->out_type[0].dim[2], step = a->stride;
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->out_type[0]), 1, &begin, &end);
    for (int64_t p = (int64_t)begin; p < (int64_t)end; p++) {
        const int64_t b = p / (H * W), y = p / W % H + a->pad, x = p % W + a->pad;
        for (int64_t i = 0; i < I; i++) {
            REAL s = 0;
            for (int64_t u = kh - 1; u >= 0; u--)
                for (int64_t v = kw - 1; v >= 0; v--) {
                    if (y < u || x < v || (y - u) % step || (x - v) % step) continue;
                    const int64_t oy = (y - u) / step, ox = (x - v) / step;
                    if (oy >= oh || ox >= ow) continue;
                    const REAL *ds = dy + ((b * oh + oy) * ow + ox) * O, *ws = wt + (u * kw + v) * I + i;
                    for (int64_t o = 0; o < O; o++) s = R_FMA(ds[o], ws[o * kh * kw * I], s);
                }
            dx[p * I + i] = s;
        }
    }
}
#endif
