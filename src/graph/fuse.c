/* fuse.c - which ops run at all, and which run together. */
#include <string.h>

#include "base/ctx.h"
#include "graph/plan.h"

static uint32_t users(const jd__fusion *f, uint32_t v)
{
    return f->use_at[v + 1] - f->use_at[v];
}

/* Marks the ops that a result or a fence needs. */
static void find_live(jd_graph *g, jd__fusion *f)
{
    for (uint32_t i = 0; i < g->nresult; i++) {
        f->is_result[g->result[i].value] = 1;
        f->role[g->value[g->result[i].value].op] = JD_ROLE_PLAIN;
    }
    for (uint32_t o = g->nop; o-- > 0;) {
        const jd__opnode *op = &g->op[o];
        if (jd__ops[op->code]->flags & JD_OP_FENCE) f->role[o] = JD_ROLE_PLAIN;
        if (!f->role[o]) continue;
        for (uint32_t i = 0; i < op->nin; i++) {
            const uint32_t v = g->pool[op->in_at + i];
            if (v) f->role[g->value[v].op] = JD_ROLE_PLAIN;
        }
    }
}

/* Lists each value's users among the live ops. */
static void find_users(jd_graph *g, jd__fusion *f)
{
    for (uint32_t o = 0; o < g->nop; o++)
        for (uint32_t i = 0; f->role[o] && i < g->op[o].nin; i++) f->use_at[g->pool[g->op[o].in_at + i] + 2]++;
    for (uint32_t v = 2; v < g->nvalue + 2; v++) f->use_at[v] += f->use_at[v - 1];
    for (uint32_t o = 0; o < g->nop; o++)
        for (uint32_t i = 0; f->role[o] && i < g->op[o].nin; i++)
            f->use[f->use_at[g->pool[g->op[o].in_at + i] + 1]++] = o;
}

static const jd_pw_program *program_of(const jd_graph *g, uint32_t o)
{
    return ((const jd_pw_attr *)(const void *)g->op[o].attr)->program;
}

/* The single user of v, if it is a point-wise op of one step and v is no result; else UINT32_MAX. */
static uint32_t sole_pointwise_user(const jd_graph *g, const jd__fusion *f, uint32_t v)
{
    if (f->is_result[v] || users(f, v) != 1) return UINT32_MAX;
    const uint32_t o = f->use[f->use_at[v]];
    return g->op[o].code == JD_OP_pointwise && program_of(g, o)->nsteps == 1 ? o : UINT32_MAX;
}

/* x + bias, tanh of it: folded into op m, whose values x are (...,N). */
static void fold_end(jd_graph *g, jd__fusion *f, uint32_t m, uint32_t end)
{
    const int64_t N = g->value[end].type.dim[g->value[end].type.rank - 1];
    uint32_t o = sole_pointwise_user(g, f, end);
    if (o != UINT32_MAX && program_of(g, o)->step[0].code == JD_PW_add) {
        const uint32_t a = g->pool[g->op[o].in_at], b = g->op[o].nin > 1 ? g->pool[g->op[o].in_at + 1] : a;
        const uint32_t bias = a == end ? b : a;
        const jd_type *bt = &g->value[bias].type, *mt = &g->value[end].type;
        const uint32_t maker = g->value[bias].op;
        const bool row = bias != end && jd__count(bt) == N && bt->rank >= 1 && bt->dim[bt->rank - 1] == N;
        if (row && jd__count(&g->value[g->op[o].out0].type) == jd__count(mt) &&
            (jd__ops[g->op[maker].code]->flags & JD_OP_LEAF)) {
            f->fold_bias[m] = bias;
            f->role[o] = JD_ROLE_INSIDE;
            end = g->op[o].out0;
            o = sole_pointwise_user(g, f, end);
        }
    }
    /* A squashing function keeps the op's own value out of memory; its result may have any number of users. */
    if (o != UINT32_MAX && f->role[o] == JD_ROLE_PLAIN) {
        const uint8_t code = program_of(g, o)->step[0].code;
        const uint8_t act = code == JD_PW_tanh      ? JD_ACT_TANH
                            : code == JD_PW_sigmoid ? JD_ACT_SIGMOID
                            : code == JD_PW_relu    ? JD_ACT_RELU
                                                    : JD_ACT_NONE;
        if (act != JD_ACT_NONE) {
            f->fold_act[m] = act;
            f->role[o] = JD_ROLE_INSIDE;
            end = g->op[o].out0;
        }
    }
    f->fold_out[m] = end;
}

/* x = a b; x + bias; tanh of it: one product with an epilogue. */
static void fold_product(jd_graph *g, jd__fusion *f, uint32_t m)
{
    f->role[m] = JD_ROLE_PRODUCT;
    fold_end(g, f, m, g->op[m].out0);
}

/* A convolution, the max pooling of it by windows that do not overlap, bias, tanh: the image before pooling never lies in
 * memory as a whole.  The kernels of devices do one after the other. */
static void fold_convolution(jd_graph *g, jd__fusion *f, uint32_t m)
{
    uint32_t end = g->op[m].out0;
    if (g->real != JD_F32 || g->ctx->device) return;
    f->role[m] = JD_ROLE_CONV;
    if (!f->is_result[end] && users(f, end) == 1) {
        const uint32_t o = f->use[f->use_at[end]];
        const jd_pool_attr *a = (const void *)g->op[o].attr;
        if (g->op[o].code == JD_OP_maxpool && a->size == a->stride) {
            f->fold_pool[m] = o;
            f->role[o] = JD_ROLE_INSIDE;
            end = g->op[o].out0;
        }
    }
    fold_end(g, f, m, end);
}

/* ---- point-wise groups ----------------------------------------------------------------------------------------------*/

typedef struct counts {
    uint32_t steps, ins, consts;
} counts;

/* Every user outside the two groups must come after op `at`, where the joined group will run. */
static bool users_wait(const jd_graph *g, const jd__fusion *f, const uint32_t *members, uint32_t n, uint32_t gid,
                       uint32_t at)
{
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t v = g->op[members[k]].out0;
        for (uint32_t u = f->use_at[v]; u < f->use_at[v + 1]; u++) {
            const uint32_t o = f->use[u];
            if (o <= at && f->group[o] != gid && o != at && f->group[o] != at) return false;
        }
    }
    return true;
}

/* How many of the members' results somebody outside the joined group needs; users that may still join count too. */
static uint32_t written(const jd_graph *g, const jd__fusion *f, const uint32_t *members, uint32_t n, uint32_t gid,
                        uint32_t o)
{
    uint32_t outs = 0;
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t v = g->op[members[k]].out0;
        bool outside = f->is_result[v] || f->use_at[v] == f->use_at[v + 1];
        for (uint32_t u = f->use_at[v]; u < f->use_at[v + 1] && !outside; u++)
            outside = f->group[f->use[u]] != gid && f->group[f->use[u]] != o;
        outs += outside;
    }
    return outs;
}

static bool same_shape(const jd_type *a, const jd_type *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

/* Groups are named by their last member, from which fusion.next links the others. */
typedef struct grouping {
    counts *size;   /* per last member */
    uint32_t *list; /* scratch */
    uint32_t fence; /* ops below this one may not be joined: a fence lies between */
} grouping;

static void try_join(jd_graph *g, jd__fusion *f, grouping *q, uint32_t o, uint32_t v)
{
    const uint32_t p = g->value[v].op, gid = f->group[p];
    if (f->role[p] != JD_ROLE_GROUP || gid == o || p < q->fence || gid < q->fence) return;
    if (!same_shape(&g->value[v].type, &g->value[g->op[o].out0].type)) return;
    counts *a = &q->size[gid], *b = &q->size[o];
    if (a->steps + b->steps > JD_PW_MAX_STEPS || a->ins + b->ins - 1 > JD_PW_MAX_IN ||
        a->consts + b->consts > JD_PW_MAX_CONST)
        return;
    uint32_t n = 0;
    for (uint32_t m = gid; m != UINT32_MAX; m = f->next[m]) {
        if (m < q->fence) return;
        q->list[n++] = m;
    }
    if (!users_wait(g, f, q->list, n, gid, o)) return;
    for (uint32_t m = o; m != UINT32_MAX; m = f->next[m]) q->list[n++] = m;
    if (written(g, f, q->list, n, gid, o) > JD_PW_MAX_OUT) return;
    uint32_t tail = o;
    while (f->next[tail] != UINT32_MAX) tail = f->next[tail];
    f->next[tail] = gid;
    for (uint32_t k = 0; k < n; k++) f->group[q->list[k]] = o;
    b->steps += a->steps;
    b->ins += a->ins - 1;
    b->consts += a->consts;
}

static jd_status group_pointwise(jd_graph *g, jd__fusion *f)
{
    grouping q = {.size = jd__graph_alloc(g, g->nop * sizeof *q.size),
                  .list = jd__graph_alloc(g, (JD_PW_MAX_STEPS + 1) * sizeof *q.list)};
    if (!q.size || !q.list) return jd_error(g->ctx);
    for (uint32_t o = 0; o < g->nop; o++) {
        if (!f->role[o]) continue;
        if (jd__ops[g->op[o].code]->flags & JD_OP_FENCE) q.fence = o;
        if (g->op[o].code != JD_OP_pointwise || f->role[o] != JD_ROLE_PLAIN) continue;
        const jd_pw_program *p = program_of(g, o);
        f->role[o] = JD_ROLE_GROUP;
        f->group[o] = o;
        f->next[o] = UINT32_MAX;
        q.size[o] = (counts){(uint32_t)p->nsteps, (uint32_t)p->nin, (uint32_t)p->nconst};
        for (uint32_t i = 0; i < g->op[o].nin; i++) try_join(g, f, &q, o, g->pool[g->op[o].in_at + i]);
    }
    return JD_OK;
}

/* A plain SGD step whose gradient nobody else sees: each parameter is updated on its own (see lower.c). */
static void mark_sgd(jd_graph *g, jd__fusion *f)
{
    for (uint32_t o = 0; o < g->nop; o++) {
        const jd__opnode *op = &g->op[o];
        if (op->code != JD_OP_update_sgd || f->role[o] != JD_ROLE_PLAIN) continue;
        const jd_update_attr *a = (const void *)op->attr;
        const uint32_t grad = g->pool[op->in_at], scale = g->pool[op->in_at + 2];
        const uint32_t maker = g->value[grad].op;
        if (a->momentum != 0 || a->weight_decay != 0 || scale || f->is_result[grad] || users(f, grad) != 1) continue;
        if (g->op[maker].code != JD_OP_concat) continue;
        f->role[o] = JD_ROLE_SGD;
        f->role[maker] = JD_ROLE_INSIDE;
    }
}

jd_status jd__fuse(jd_graph *g, jd__fusion *f)
{
    const size_t ops = g->nop + 1, values = g->nvalue + 3;
    *f = (jd__fusion){.role = jd__graph_alloc(g, ops),
                      .use_at = jd__graph_alloc(g, values * sizeof(uint32_t)),
                      .use = jd__graph_alloc(g, (g->npool + 1) * sizeof(uint32_t)),
                      .is_result = jd__graph_alloc(g, values),
                      .fold_out = jd__graph_alloc(g, ops * sizeof(uint32_t)),
                      .fold_bias = jd__graph_alloc(g, ops * sizeof(uint32_t)),
                      .fold_pool = jd__graph_alloc(g, ops * sizeof(uint32_t)),
                      .fold_act = jd__graph_alloc(g, ops),
                      .group = jd__graph_alloc(g, ops * sizeof(uint32_t)),
                      .next = jd__graph_alloc(g, ops * sizeof(uint32_t))};
    if (jd_error(g->ctx)) return jd_error(g->ctx);
    memset(f->group, 0xff, ops * sizeof(uint32_t));
    memset(f->fold_pool, 0xff, ops * sizeof(uint32_t));
    find_live(g, f);
    find_users(g, f);
    for (uint32_t o = 0; o < g->nop; o++) {
        const unsigned flags = jd__ops[g->op[o].code]->flags;
        if (!f->role[o]) continue;
        if ((flags & (JD_OP_LEAF | JD_OP_VIEW)) || jd__is_outer_slice(g, o))
            f->role[o] = JD_ROLE_NONE;
        else if (g->op[o].code == JD_OP_matmul)
            fold_product(g, f, o);
        else if (g->op[o].code == JD_OP_conv2d)
            fold_convolution(g, f, o);
    }
    mark_sgd(g, f);
    return group_pointwise(g, f);
}
