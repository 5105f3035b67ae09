/*
 * maxpool.c - the largest element of each window and which one it was; ties go to the first, a NaN wins.
 *
 * Weng, Ahuja and Huang (IJCNN 1992); back-propagation through the winner: Ranzato et al. (CVPR 2007).
 */
#ifndef REAL
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/pointwise.h"
#include "ops/real.h"

jd_status jd__pool_check(const jd_infer *c, const jd_pool_attr *a, int64_t height, int64_t width)
{
    if (c->in[0].rank != 4 || c->in[0].dtype == JD_I32)
        return jd__bad(c, "needs real images (B,H,W,C); reshape, or jd_real_of for integers");
    if (a->size < 1 || a->stride < 1)
        return jd__bad(c, "size %d, stride %d; use 1 or more for both", a->size, a->stride);
    if (jd__pool_size(height, a) < 1 || jd__pool_size(width, a) < 1)
        return jd__bad(c, "a %dx%d window does not fit on a %lldx%lld image; use a smaller size or .ceil", a->size,
                       a->size, (long long)height, (long long)width);
    return JD_OK;
}

static jd_status infer_maxpool(jd_infer *c)
{
    const jd_pool_attr *a = c->attr;
    const int64_t *x = c->in[0].dim;
    if (jd__pool_check(c, a, x[1], x[2])) return JD_EUSAGE;
    c->out[0] = (jd_type){c->in[0].dtype, 4, {x[0], jd__pool_size(x[1], a), jd__pool_size(x[2], a), x[3]}};
    c->out[1] = c->out[0];
    c->out[1].dtype = JD_I32;
    c->nout = 2;
    return JD_OK;
}

static void grad_maxpool(const jd_rule *c)
{
    if (c->need[0] && c->dout[0].id)
        c->din[0] =
            jd__unpool(c->g, c->dout[0], c->out[1], c->attr, jd_dim(c->g, c->in[0], 1), jd_dim(c->g, c->in[0], 2));
}

/* Whether b adds one number to each channel of x, or one to all. */
static bool per_channel(jd_graph *g, jd_node x, jd_node b)
{
    const jd_type *tb = jd_type_of(g, b);
    for (int i = 0; i + 1 < tb->rank; i++)
        if (tb->dim[i] != 1) return false;
    return tb->rank == 0 || tb->dim[tb->rank - 1] == 1 || tb->dim[tb->rank - 1] == jd_dim(g, x, -1);
}

/* If x is an increasing function of one image: pools that image and applies the function to the result. */
static jd_node pool_inside(jd_graph *g, jd_node x, jd_pool_options o)
{
    if (jd__op_of(g, x) != JD_OP_pointwise) return JD_NONE;
    const jd_pw_program *p = ((const jd_pw_attr *)jd__attr_of(g, x))->program;
    const jd_node *in = NULL;
    const int n = jd__inputs_of(g, x, &in);
    if (!p || p->nsteps != 1 || n < 1) return JD_NONE;
    const jd_node a = in[0], b = n > 1 ? in[1] : JD_NONE;
    switch ((jd_pw_code)p->step[0].code) {
    case JD_PW_tanh: return jd_tanh(g, jd_maxpool_opt(g, a, o));
    case JD_PW_sigmoid: return jd_sigmoid(g, jd_maxpool_opt(g, a, o));
    case JD_PW_relu: return jd_relu(g, jd_maxpool_opt(g, a, o));
    case JD_PW_affine: {
        const double *k = p->constants + p->step[0].constant;
        return k[0] > 0 ? jd_affine(g, jd_maxpool_opt(g, a, o), k[0], k[1]) : JD_NONE;
    }
    case JD_PW_add: break;
    default: return JD_NONE;
    }
    if (n != 2 || p->step[0].a == p->step[0].b) return JD_NONE;
    for (int k = 0; k < 2; k++) {
        const jd_node image = k ? b : a, bias = k ? a : b;
        if (jd_rank(g, image) == 4 && jd_type_count(jd_type_of(g, image)) == jd_type_count(jd_type_of(g, x)) &&
            per_channel(g, image, bias))
            return jd_add(g, jd_maxpool_opt(g, image, o), bias);
    }
    return JD_NONE;
}

jd_node jd_maxpool_opt(jd_graph *g, jd_node x, jd_pool_options o)
{
    if (!x.id || jd_error(jd_graph_ctx(g))) return JD_NONE;
    const jd_pool_attr a = {.size = o.size, .stride = o.stride ? o.stride : o.size, .ceil = o.ceil};
    /* A misfit is reported at the node the caller named, not at one inside. */
    if (jd_rank(g, x) == 4 && a.size > 0 && a.stride > 0 && jd__pool_size(jd_dim(g, x, 1), &a) > 0 &&
        jd__pool_size(jd_dim(g, x, 2), &a) > 0) {
        const jd_node y = pool_inside(g, x, o);
        if (y.id || jd_error(jd_graph_ctx(g))) return y;
    }
    return jd__add(g, JD_OP_maxpool, &a, &x, 1, NULL);
}

#define JD_SELF "ops/maxpool.c"
#include "ops/twice.h"

const jd_op jd__op_maxpool = {.name = "maxpool",
                              .doc = "largest element of each window, and its place in the window",
                              .attr_bytes = sizeof(jd_pool_attr),
                              .infer = infer_maxpool,
                              .grad = grad_maxpool,
                              .ref = {maxpool_f32, maxpool_f64}};

#else
static void FN(maxpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const REAL *x = c->in[0];
    REAL *y = c->out[0];
    int32_t *winner = c->out[1];
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t oh = c->out_type[0].dim[1], ow = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), 1, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e++) {
        const int64_t ch = e % C, ox = e / C % ow, oy = e / (C * ow) % oh, b = e / (C * ow * oh);
        const int64_t y0 = oy * a->stride, x0 = ox * a->stride;
        REAL best = x[((b * H + y0) * W + x0) * C + ch];
        int32_t at = 0;
        for (int32_t u = 0; u < a->size && y0 + u < H; u++)
            for (int32_t v = 0; v < a->size && x0 + v < W; v++) {
                const REAL t = x[((b * H + y0 + u) * W + x0 + v) * C + ch];
                if (t > best || t != t) best = t, at = u * a->size + v;
            }
        y[e] = best;
        winner[e] = at;
    }
}
#endif
