/* avgpool_dx.c - the gradient of avgpool: each cotangent in equal shares to its window's cells. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_avgpool_dx(jd_infer *c)
{
    const jd_pool_attr *a = c->attr;
    const int64_t *dy = c->in[0].dim;
    if (jd__pool_check(c, a, a->h, a->w)) return JD_EUSAGE;
    if (dy[1] != jd__pool_size(a->h, a) || dy[2] != jd__pool_size(a->w, a))
        return jd__bad(c, "the cotangent does not fit a %dx%d image pooled by %d", a->h, a->w, a->size);
    c->out[0] = (jd_type){c->in[0].dtype, 4, {dy[0], a->h, a->w, dy[3]}};
    return JD_OK;
}

static void grad_avgpool_dx(const jd_rule *c)
{
    const jd_pool_attr *a = c->attr;
    if (c->need[0]) c->din[0] = jd_avgpool_opt(c->g, c->dout[0], (jd_pool_options){a->size, a->stride, a->ceil != 0});
}

jd_node jd__avgpool_dx(jd_graph *g, jd_node dy, const jd_pool_attr *a, int64_t height, int64_t width)
{
    if (!dy.id) return JD_NONE;
    jd_pool_attr b = *a;
    b.h = (int32_t)height;
    b.w = (int32_t)width;
    return jd__add(g, JD_OP_avgpool_dx, &b, &dy, 1, NULL);
}

#define JD_SELF "ops/avgpool_dx.c"
#include "ops/twice.h"

const jd_op jd__op_avgpool_dx = {.name = "avgpool_dx",
                                 .doc = "gradient of avgpool",
                                 .attr_bytes = sizeof(jd_pool_attr),
                                 .infer = infer_avgpool_dx,
                                 .grad = grad_avgpool_dx,
                                 .ref = {avgpool_dx_f32, avgpool_dx_f64}};

#else
/* One row of cells (b,y): adds the shares of the windows over it, in the windows' order. */
static void FN(avgpool_dx)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const int64_t oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t H = a->h, W = a->w;
    size_t begin, end;
    jd_share(w, (size_t)(c->in_type[0].dim[0] * H), 1, &begin, &end);
    for (int64_t r = (int64_t)begin; r < (int64_t)end; r++) {
        const int64_t b = r / H, y = r % H;
        REAL *row = (REAL *)c->out[0] + r * W * C;
        for (int64_t e = 0; e < W * C; e++) row[e] = 0;
        for (int64_t oy = y < a->size ? 0 : (y - a->size) / a->stride + 1; oy < oh && oy * a->stride <= y; oy++)
            for (int64_t ox = 0; ox < ow; ox++) {
                const int64_t y0 = oy * a->stride, x0 = ox * a->stride;
                const int64_t y1 = y0 + a->size < H ? y0 + a->size : H, x1 = x0 + a->size < W ? x0 + a->size : W;
                const REAL cells = (REAL)((y1 - y0) * (x1 - x0));
                const REAL *d = (const REAL *)c->in[0] + ((b * oh + oy) * ow + ox) * C;
                for (int64_t x = x0; x < x1; x++)
                    for (int64_t ch = 0; ch < C; ch++) row[x * C + ch] += d[ch] / cells;
            }
    }
}
#endif
