/* view.c - reshape and stop: the same memory under another shape, or cut off from the gradient. */
#include "graph/graph.h"

typedef struct reshape_attr {
    const jd_type *type;
} reshape_attr;

static jd_status infer_reshape(jd_infer *c)
{
    c->out[0] = *((const reshape_attr *)c->attr)->type;
    c->out[0].dtype = c->in[0].dtype;
    if (jd__count(&c->out[0]) != jd__count(&c->in[0])) {
        char want[64];
        return jd__bad(c, "%lld elements do not fit the shape %s; the number of elements must stay the same",
                       (long long)jd__count(&c->in[0]), jd__shape_text(&c->out[0], want));
    }
    return JD_OK;
}

static void grad_reshape(const jd_rule *c)
{
    c->din[0] = jd_reshape(c->g, c->dout[0], jd__dims(jd_type_of(c->g, c->in[0])));
}

const jd_op jd__op_reshape = {.name = "reshape",
                              .doc = "the same elements in another shape",
                              .flags = JD_OP_VIEW,
                              .attr_bytes = sizeof(reshape_attr),
                              .infer = infer_reshape,
                              .grad = grad_reshape};

jd_node jd_reshape(jd_graph *g, jd_node x, jd_dims shape)
{
    if (!x.id || jd_error(jd_graph_ctx(g)) || !jd__shape_ok(g, "jd_reshape", &shape, -1)) return JD_NONE;
    jd_type *t = jd__graph_alloc(g, sizeof *t);
    if (!t) return JD_NONE;
    t->rank = shape.rank;
    int64_t known = 1;
    int open = -1;
    for (int i = 0; i < shape.rank; i++) {
        t->dim[i] = shape.dim[i];
        if (shape.dim[i] < 0)
            open = i;
        else
            known *= shape.dim[i];
    }
    if (open >= 0) t->dim[open] = known > 0 ? jd__count(jd_type_of(g, x)) / known : 0;
    return jd__add(g, JD_OP_reshape, &(reshape_attr){t}, &x, 1, NULL);
}

static jd_status infer_stop(jd_infer *c)
{
    c->out[0] = c->in[0];
    return JD_OK;
}

const jd_op jd__op_stop = {
    .name = "stop", .doc = "the identity whose gradient is zero", .flags = JD_OP_VIEW, .infer = infer_stop};

jd_node jd_stop(jd_graph *g, jd_node x)
{
    return x.id ? jd__add(g, JD_OP_stop, NULL, &x, 1, NULL) : JD_NONE;
}
