/* pool_gather.c - the elements of an image at the winners of a maxpool: the adjoint of unpool. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/real.h"

static jd_status infer_pool_gather(jd_infer *c)
{
    const jd_pool_attr *a = c->attr;
    const int64_t *x = c->in[0].dim, *n = c->in[1].dim;
    if (jd__pool_check(c, a, x[1], x[2])) return JD_EUSAGE;
    if (c->in[1].rank != 4 || c->in[1].dtype != JD_I32 || n[0] != x[0] || n[1] != jd__pool_size(x[1], a) ||
        n[2] != jd__pool_size(x[2], a) || n[3] != x[3])
        return jd__bad(c, "the winners do not fit the image; take the second output of a maxpool of the same sizes");
    c->out[0] = (jd_type){c->in[0].dtype, 4, {n[0], n[1], n[2], n[3]}};
    return JD_OK;
}

static void grad_pool_gather(const jd_rule *c)
{
    if (c->need[0])
        c->din[0] =
            jd__unpool(c->g, c->dout[0], c->in[1], c->attr, jd_dim(c->g, c->in[0], 1), jd_dim(c->g, c->in[0], 2));
}

jd_node jd__pool_gather(jd_graph *g, jd_node x, jd_node winner, const jd_pool_attr *a)
{
    if (!x.id || !winner.id) return JD_NONE;
    return jd__add(g, JD_OP_pool_gather, a, (const jd_node[]){x, winner}, 2, NULL);
}

#define JD_SELF "ops/pool_gather.c"
#include "ops/twice.h"

const jd_op jd__op_pool_gather = {.name = "pool_gather",
                                  .doc = "elements of an image at the winners of a maxpool",
                                  .attr_bytes = sizeof(jd_pool_attr),
                                  .infer = infer_pool_gather,
                                  .grad = grad_pool_gather,
                                  .ref = {pool_gather_f32, pool_gather_f64}};

#else
static void FN(pool_gather)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const REAL *x = c->in[0];
    const int32_t *winner = c->in[1];
    REAL *y = c->out[0];
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t oh = c->out_type[0].dim[1], ow = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), 1, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e++) {
        const int64_t ch = e % C, ox = e / C % ow, oy = e / (C * ow) % oh, b = e / (C * ow * oh);
        const int64_t iy = oy * a->stride + winner[e] / a->size, ix = ox * a->stride + winner[e] % a->size;
        y[e] = winner[e] >= 0 && iy < H && ix < W ? x[((b * H + iy) * W + ix) * C + ch] : 0;
    }
}
#endif
