/* avgpool.c - the mean of each window's cells, of those that exist where a window reaches over the edge. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_avgpool(jd_infer *c)
{
    const jd_pool_attr *a = c->attr;
    const int64_t *x = c->in[0].dim;
    if (jd__pool_check(c, a, x[1], x[2])) return JD_EUSAGE;
    c->out[0] = (jd_type){c->in[0].dtype, 4, {x[0], jd__pool_size(x[1], a), jd__pool_size(x[2], a), x[3]}};
    return JD_OK;
}

static void grad_avgpool(const jd_rule *c)
{
    if (c->need[0])
        c->din[0] = jd__avgpool_dx(c->g, c->dout[0], c->attr, jd_dim(c->g, c->in[0], 1), jd_dim(c->g, c->in[0], 2));
}

jd_node jd_avgpool_opt(jd_graph *g, jd_node x, jd_pool_options o)
{
    if (!x.id) return JD_NONE;
    const jd_pool_attr a = {.size = o.size, .stride = o.stride ? o.stride : o.size, .ceil = o.ceil};
    return jd__add(g, JD_OP_avgpool, &a, &x, 1, NULL);
}

#define JD_SELF "ops/avgpool.c"
#include "ops/twice.h"

const jd_op jd__op_avgpool = {.name = "avgpool",
                              .doc = "mean of each window's cells",
                              .attr_bytes = sizeof(jd_pool_attr),
                              .infer = infer_avgpool,
                              .grad = grad_avgpool,
                              .ref = {avgpool_f32, avgpool_f64}};

#else
static void FN(avgpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const REAL *x = c->in[0];
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t oh = c->out_type[0].dim[1], ow = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->out_type[0]), 1, &begin, &end);
    for (int64_t p = (int64_t)begin; p < (int64_t)end; p++) {
        const int64_t b = p / (oh * ow), y0 = p / ow % oh * a->stride, x0 = p % ow * a->stride;
        const int64_t y1 = y0 + a->size < H ? y0 + a->size : H, x1 = x0 + a->size < W ? x0 + a->size : W;
        const REAL cells = (REAL)((y1 - y0) * (x1 - x0));
        REAL *y = (REAL *)c->out[0] + p * C;
        for (int64_t ch = 0; ch < C; ch++) y[ch] = 0;
        for (int64_t u = y0; u < y1; u++)
            for (int64_t v = x0; v < x1; v++)
                for (int64_t ch = 0; ch < C; ch++) y[ch] += x[((b * H + u) * W + v) * C + ch];
        for (int64_t ch = 0; ch < C; ch++) y[ch] /= cells;
    }
}
#endif
