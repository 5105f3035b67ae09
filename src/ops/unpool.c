/* unpool.c - the gradient of maxpool: each cotangent goes to the winner of its window; what meets in a cell is added in
 * the order of the windows, from 0. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_unpool(jd_infer *c)
{
    const jd_pool_attr *a = c->attr;
    const int64_t *dy = c->in[0].dim, *n = c->in[1].dim;
    if (jd__pool_check(c, a, a->h, a->w)) return JD_EUSAGE;
    if (c->in[1].rank != 4 || c->in[1].dtype != JD_I32 || n[0] != dy[0] || n[1] != dy[1] || n[2] != dy[2] ||
        n[3] != dy[3])
        return jd__bad(c, "the winners should be int32 of the cotangent's shape; take the second output of maxpool");
    if (dy[1] != jd__pool_size(a->h, a) || dy[2] != jd__pool_size(a->w, a))
        return jd__bad(c, "the cotangent does not fit a %dx%d image pooled by %d", a->h, a->w, a->size);
    c->out[0] = (jd_type){c->in[0].dtype, 4, {dy[0], a->h, a->w, dy[3]}};
    return JD_OK;
}

static void grad_unpool(const jd_rule *c)
{
    if (c->need[0]) c->din[0] = jd__pool_gather(c->g, c->dout[0], c->in[1], c->attr);
}

jd_node jd__unpool(jd_graph *g, jd_node dy, jd_node winner, const jd_pool_attr *a, int64_t height, int64_t width)
{
    if (!dy.id || !winner.id) return JD_NONE;
    jd_pool_attr b = *a;
    b.h = (int32_t)height;
    b.w = (int32_t)width;
    return jd__add(g, JD_OP_unpool, &b, (const jd_node[]){dy, winner}, 2, NULL);
}

#define JD_SELF "ops/unpool.c"
#include "ops/twice.h"

const jd_op jd__op_unpool = {.name = "unpool",
                             .doc = "gradient of maxpool: cotangents to the winners",
                             .attr_bytes = sizeof(jd_pool_attr),
                             .infer = infer_unpool,
                             .grad = grad_unpool,
                             .ref = {unpool_f32, unpool_f64}};

#else
static void FN(unpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const REAL *dy = c->in[0];
    const int32_t *winner = c->in[1];
    REAL *dx = c->out[0];
    const int64_t oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t H = a->h, W = a->w;
    size_t begin, end;
    jd_share(w, (size_t)(c->in_type[0].dim[0] * C), 1, &begin, &end);
    for (int64_t plane = (int64_t)begin; plane < (int64_t)end; plane++) {
        const int64_t b = plane / C, ch = plane % C;
        for (int64_t p = 0; p < H * W; p++) dx[(b * H * W + p) * C + ch] = 0;
        for (int64_t p = 0; p < oh * ow; p++) {
            const int64_t e = (b * oh * ow + p) * C + ch;
            const int64_t y = p / ow * a->stride + winner[e] / a->size, x = p % ow * a->stride + winner[e] % a->size;
            if (winner[e] >= 0 && y < H && x < W) dx[((b * H + y) * W + x) * C + ch] += dy[e];
        }
    }
}
#endif
