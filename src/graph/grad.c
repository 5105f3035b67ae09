/* grad.c - reverse mode: gradients are more graph. */
#include <string.h>

#include "graph/graph.h"
#include "ops/attrs.h"

/* Which values depend on one of wrt[]. */
static void mark_dependents(const jd_graph *g, const jd_node *wrt, int n, uint32_t last_op, uint8_t *dep)
{
    uint32_t first = UINT32_MAX;
    for (int i = 0; i < n; i++)
        if (wrt[i].id && g->value[wrt[i].id].type.dtype != JD_I32) { /* lengths and labels have no gradient */
            dep[wrt[i].id] = 1;
            if (g->value[wrt[i].id].op < first) first = g->value[wrt[i].id].op;
        }
    if (first == UINT32_MAX) return;
    for (uint32_t o = first; o <= last_op; o++) {
        const jd__opnode *op = &g->op[o];
        bool any = false;
        for (uint32_t i = 0; i < op->nin && !any; i++) any = dep[g->pool[op->in_at + i]];
        if (!any || op->code == JD_OP_stop) continue;
        for (uint32_t i = 0; i < op->nout; i++)
            if (g->value[op->out0 + i].type.dtype != JD_I32) dep[op->out0 + i] = 1;
    }
}

/* a + b, two parts of one cotangent.  Pieces of neighbouring slices are put side by side instead of being added as zeros. */
static jd_node accumulate(jd_graph *g, jd_node a, jd_node b)
{
    if (!a.id) return b;
    const jd__opnode *pa = &g->op[g->value[a.id].op], *pb = &g->op[g->value[b.id].op];
    if (pa->code != JD_OP_pad || pb->code != JD_OP_pad) return jd_add(g, a, b);
    jd_slice_attr first, second;
    memcpy(&first, jd__attr_of(g, a), sizeof first);
    memcpy(&second, jd__attr_of(g, b), sizeof second);
    jd_node part[2] = {{g->pool[pa->in_at]}, {g->pool[pb->in_at]}};
    const int axis = first.axis;
    if (axis != second.axis) return jd_add(g, a, b);
    if (second.begin < first.begin) {
        const jd_slice_attr swap = first;
        const jd_node node = part[0];
        first = second, second = swap;
        part[0] = part[1], part[1] = node;
    }
    if (first.begin + jd_dim(g, part[0], axis) != second.begin) return jd_add(g, a, b);
    const jd_node both = jd_concat(g, part, 2, axis);
    return first.begin || second.size ? jd_pad(g, both, axis, first.begin, second.size) : both;
}

/* Applies the gradient rule of op `o`, adding into cot[] of its inputs. */
static void back_one(jd_graph *g, uint32_t o, const uint8_t *dep, jd_node *cot, void *scratch)
{
    const jd__opnode op = g->op[o];
    const jd_op *desc = jd__ops[op.code];
    bool live = false, wanted = false;
    jd_node out[JD_MAX_OUT], dout[JD_MAX_OUT];
    for (uint32_t i = 0; i < op.nout; i++) {
        out[i] = (jd_node){op.out0 + i};
        dout[i] = cot[op.out0 + i];
        if (dout[i].id) live = true;
    }
    jd_node *in = scratch, *din = in + op.nin;
    bool *need = (bool *)(din + op.nin);
    for (uint32_t i = 0; i < op.nin; i++) {
        in[i] = (jd_node){g->pool[op.in_at + i]};
        din[i] = JD_NONE;
        need[i] = in[i].id && dep[in[i].id];
        if (need[i]) wanted = true;
    }
    if (!live || !wanted || !desc->grad) return;
    unsigned char attr[JD_ATTR_BYTES]; /* the op array may move while the rule adds nodes */
    memcpy(attr, op.attr, sizeof attr);
    const char *scope = g->scope;
    g->scope = op.scope;
    desc->grad(&(jd_rule){.g = g,
                          .op = desc,
                          .attr = attr,
                          .nin = (int)op.nin,
                          .nout = (int)op.nout,
                          .in = in,
                          .out = out,
                          .dout = dout,
                          .din = din,
                          .need = need});
    for (uint32_t i = 0; i < op.nin; i++)
        if (need[i] && din[i].id) {
            jd_node *c = &cot[in[i].id];
            *c = accumulate(g, *c, din[i]);
        }
    g->scope = scope;
}

void jd_grad(jd_graph *g, jd_node loss, jd_node seed, const jd_node *wrt, int n, jd_node *grad)
{
    for (int i = 0; i < n; i++) grad[i] = JD_NONE;
    if (jd_error(jd_graph_ctx(g)) || !loss.id) return;
    const jd_type *t = jd_type_of(g, loss);
    if (!seed.id) {
        if (jd__count(t) != 1) {
            char shape[64];
            jd_fail(g->ctx, JD_EUSAGE,
                    "%sjd_grad: the loss has the shape %s; reduce it with jd_sum or jd_mean, or give a "
                    "seed",
                    g->scope, jd__shape_text(t, shape));
            return;
        }
        seed = jd_const(g, 1, jd__dims(t));
    }
    const uint32_t last = g->value[loss.id].op, values = g->nvalue;
    uint32_t widest = 1;
    for (uint32_t o = 0; o <= last; o++)
        if (g->op[o].nin > widest) widest = g->op[o].nin;
    uint8_t *dep = jd__graph_alloc(g, values);
    jd_node *cot = jd__graph_alloc(g, values * sizeof *cot);
    void *scratch = jd__graph_alloc(g, widest * (2 * sizeof(jd_node) + sizeof(bool)));
    if (!dep || !cot || !scratch) return;
    mark_dependents(g, wrt, n, last, dep);
    cot[loss.id] = seed;
    for (uint32_t o = last + 1; o-- > 0;) back_one(g, o, dep, cot, scratch);
    for (int i = 0; i < n; i++)
        if (wrt[i].id) grad[i] = cot[wrt[i].id];
}

jd_node jd_grad_params(jd_graph *g, jd_node loss)
{
    if (jd_error(jd_graph_ctx(g)) || !loss.id) return JD_NONE;
    if (!g->params || !g->params->nrange) {
        jd_fail(g->ctx, JD_EUSAGE, "%sjd_grad_params: the function has no parameters; add them with jd_param",
                g->scope);
        return JD_NONE;
    }
    const int n = g->params->nrange;
    /* A range may be mentioned by several leaves: shared weights. */
    uint32_t leaves = 0;
    for (uint32_t o = 0; o < g->nop; o++) leaves += g->op[o].code == JD_OP_param;
    jd_node *wrt = jd__graph_alloc(g, (leaves + 1) * sizeof *wrt), *dw = jd__graph_alloc(g, (leaves + 1) * sizeof *dw);
    jd_node *flat = jd__graph_alloc(g, (size_t)n * sizeof *flat);
    if (!wrt || !dw || !flat) return JD_NONE;
    leaves = 0;
    for (uint32_t o = 0; o < g->nop; o++)
        if (g->op[o].code == JD_OP_param) wrt[leaves++] = (jd_node){g->op[o].out0};
    jd_grad(g, loss, JD_NONE, wrt, (int)leaves, dw);
    for (int i = 0; i < n; i++) {
        const jd_range *r = &g->params->range[i];
        for (uint32_t k = 0; k < leaves; k++) {
            const jd__leaf_attr *a = jd__attr_of(g, wrt[k]);
            if (!dw[k].id || (size_t)a->offset != r->offset) continue;
            const jd_node piece = jd_reshape(g, dw[k], JD_DIMS(-1));
            flat[i] = flat[i].id ? jd_add(g, flat[i], piece) : piece;
        }
        if (!flat[i].id) flat[i] = jd_const(g, 0, JD_DIMS(jd__count(&r->type)));
    }
    return jd_named(g, "gradient", n == 1 ? flat[0] : jd_concat(g, flat, n, 0));
}

/* An alias of x: a leaf for the inner differentiations below. */
static jd_node alias(jd_graph *g, jd_node x)
{
    if (!x.id || jd_type_of(g, x)->dtype == JD_I32) return x;
    return jd_reshape(g, x, jd__dims(jd_type_of(g, x)));
}

static jd_node add_to(jd_graph *g, jd_node sum, jd_node a, jd_node b)
{
    const jd_node s = jd_sum(g, jd_mul(g, a, b), JD_ALL_AXES, false);
    return sum.id ? jd_add(g, sum, s) : s;
}

void jd__grad_of_grad(const jd_rule *c, const jd_second_order *s)
{
    enum { MAX = 32 };
    jd_graph *g = c->g;
    jd_node in[MAX], out[JD_MAX_OUT] = {{0}}, cot[JD_MAX_OUT], all[MAX], d[MAX], dd[MAX];
    /* The forward op again, in primitives, on aliases of its inputs; L = sum_k <out_k, cotangent_k>. */
    for (int i = 0; i < s->forward_in; i++) in[i] = alias(g, c->in[i]);
    jd__ops[s->forward]->decompose(&(jd_rule){.g = g,
                                              .op = jd__ops[s->forward],
                                              .attr = c->attr,
                                              .nin = s->forward_in,
                                              .nout = JD_MAX_OUT,
                                              .in = in,
                                              .out = out});
    jd_node loss = JD_NONE;
    for (int k = 0; k < s->douts; k++) {
        cot[k] = alias(g, c->in[s->dout_at + k]);
        if (cot[k].id && out[k].id) loss = add_to(g, loss, out[k], cot[k]);
    }
    if (!loss.id) return;
    /* Its gradients are what the grad op computes; pair them with what flows into the grad op and differentiate. */
    jd_grad(g, loss, JD_NONE, in, s->forward_in, d);
    jd_node outer = JD_NONE;
    for (int j = 0; j < c->nout; j++)
        if (c->dout[j].id && d[s->out_of[j]].id) outer = add_to(g, outer, d[s->out_of[j]], c->dout[j]);
    if (!outer.id) return;
    for (int i = 0; i < s->forward_in; i++) all[i] = in[i];
    for (int k = 0; k < s->douts; k++) all[s->forward_in + k] = cot[k];
    jd_grad(g, outer, JD_NONE, all, s->forward_in + s->douts, dd);
    for (int i = 0; i < s->forward_in; i++) c->din[i] = dd[i];
    for (int k = 0; k < s->douts; k++) c->din[s->dout_at + k] = dd[s->forward_in + k];
}
