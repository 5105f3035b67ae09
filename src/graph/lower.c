/* lower.c - the list of instructions, in the order in which they run. */
#include <string.h>

#include "graph/plan.h"

typedef struct lower {
    jd_graph *g;
    jd__fusion *f;
    jd__item *item;
    uint32_t n, cap;
} lower;

static jd__item *add_item(lower *l, uint64_t at, jd_opcode code, uint32_t op)
{
    if (l->n == l->cap) {
        const uint32_t cap = l->cap * 2;
        jd__item *more = jd__graph_alloc(l->g, cap * sizeof *more);
        if (!more) return NULL;
        memcpy(more, l->item, l->n * sizeof *more);
        l->item = more;
        l->cap = cap;
    }
    jd__item *i = &l->item[l->n++];
    memset(i, 0, sizeof *i);
    i->at = at;
    i->code = code;
    i->op = op;
    i->attr = l->g->op[op].attr;
    i->attr_bytes = jd__ops[code]->attr_bytes;
    return i;
}

static uint32_t *values(lower *l, uint32_t n)
{
    return jd__graph_alloc(l->g, (n + 1) * sizeof(uint32_t));
}

static void plain(lower *l, uint32_t o)
{
    const jd__opnode *op = &l->g->op[o];
    jd__item *i = add_item(l, 2 * (uint64_t)o, op->code, o);
    uint32_t *out = values(l, op->nout);
    if (!i || !out) return;
    for (uint32_t k = 0; k < op->nout; k++) out[k] = op->out0 + k;
    i->in = l->g->pool + op->in_at;
    i->nin = op->nin;
    i->out = out;
    i->nout = op->nout;
}

static void product(lower *l, uint32_t o)
{
    const jd__opnode *op = &l->g->op[o];
    jd__item *i = add_item(l, 2 * (uint64_t)o, JD_OP_matmul, o);
    uint32_t *v = values(l, 4);
    jd_matmul_attr *a = jd__graph_alloc(l->g, sizeof *a);
    if (!i || !v || !a) return;
    memcpy(a, op->attr, sizeof *a);
    a->act = l->f->fold_act[o];
    v[0] = l->g->pool[op->in_at];
    v[1] = l->g->pool[op->in_at + 1];
    v[2] = l->f->fold_bias[o];
    v[3] = l->f->fold_out[o];
    i->attr = a;
    i->in = v;
    i->nin = 3;
    i->out = v + 3;
    i->nout = 1;
}

static void convolution(lower *l, uint32_t o)
{
    const uint32_t pool = l->f->fold_pool[o], *in = l->g->pool + l->g->op[o].in_at;
    jd__item *i = add_item(l, 2 * (uint64_t)o, JD_OP_conv2d, o);
    uint32_t *v = values(l, 5);
    jd_conv_attr *a = jd__graph_alloc(l->g, sizeof *a);
    if (!i || !v || !a) return;
    memcpy(a, l->g->op[o].attr, sizeof *a);
    a->act = l->f->fold_act[o];
    v[0] = in[0];
    v[1] = in[1];
    v[2] = l->f->fold_bias[o];
    v[3] = l->f->fold_out[o];
    i->attr = a;
    i->in = v;
    i->nin = 3;
    i->out = v + 3;
    i->nout = 1;
    if (pool == UINT32_MAX) return;
    const uint32_t winner = l->g->op[pool].out0 + 1;
    a->pool = ((const jd_pool_attr *)(const void *)l->g->op[pool].attr)->size;
    v[4] = winner;
    i->nout += l->f->is_result[winner] || l->f->use_at[winner + 1] > l->f->use_at[winner];
}

/* ---- point-wise groups: one program from many --------------------------------------------------------------------------*/

typedef struct join {
    jd_pw_program *p;
    uint32_t in[JD_PW_MAX_IN], out[JD_PW_MAX_OUT];
    uint32_t step_value[JD_PW_MAX_STEPS]; /* the graph value that a step computes, 0 inside a program */
} join;

/* Operand numbers while inputs are still being found: inputs from 0, steps from 128. */
enum { STEP0 = 128 };

static uint8_t operand(join *j, uint32_t value)
{
    for (int s = 0; s < j->p->nsteps; s++)
        if (j->step_value[s] == value) return (uint8_t)(STEP0 + s);
    for (int i = 0; i < j->p->nin; i++)
        if (j->in[i] == value) return (uint8_t)i;
    j->in[j->p->nin] = value;
    return (uint8_t)j->p->nin++;
}

static void join_member(lower *l, join *j, uint32_t o, uint32_t group)
{
    const jd__opnode *op = &l->g->op[o];
    const jd_pw_program *q = ((const jd_pw_attr *)(const void *)op->attr)->program;
    uint8_t map[JD_PW_MAX_IN + JD_PW_MAX_STEPS];
    for (uint32_t i = 0; i < op->nin; i++) map[i] = operand(j, l->g->pool[op->in_at + i]);
    for (int s = 0; s < q->nsteps; s++) {
        jd_pw_step t = q->step[s];
        const uint8_t args = jd__pw_operands[t.code];
        t.a = map[t.a];
        if (args > 1) t.b = map[t.b];
        if (args > 2) t.c = map[t.c];
        if (t.code == JD_PW_affine) {
            j->p->constants[j->p->nconst] = q->constants[t.constant];
            j->p->constants[j->p->nconst + 1] = q->constants[t.constant + 1];
            t.constant = (uint16_t)j->p->nconst;
            j->p->nconst += 2;
        }
        map[q->nin + s] = (uint8_t)(STEP0 + j->p->nsteps);
        j->step_value[j->p->nsteps] = s + 1 == q->nsteps ? op->out0 : 0;
        j->p->step[j->p->nsteps++] = t;
    }
    /* Written to memory: what somebody outside the group uses. */
    const uint32_t v = op->out0;
    bool outside = l->f->is_result[v];
    for (uint32_t u = l->f->use_at[v]; u < l->f->use_at[v + 1] && !outside; u++)
        outside = l->f->group[l->f->use[u]] != group || l->f->role[l->f->use[u]] != JD_ROLE_GROUP;
    if (outside) {
        j->p->out[j->p->nout] = (uint8_t)(STEP0 + j->p->nsteps - 1);
        j->out[j->p->nout++] = v;
    }
}

static uint8_t settle(uint8_t operand_, int nin)
{
    return operand_ >= STEP0 ? (uint8_t)(operand_ - STEP0 + nin) : operand_;
}

static void pointwise(lower *l, uint32_t last, const uint32_t *members, uint32_t n)
{
    join j = {.p = jd__graph_alloc(l->g, sizeof *j.p)};
    jd__item *item = add_item(l, 2 * (uint64_t)last, JD_OP_pointwise, last);
    jd_pw_attr *attr = jd__graph_alloc(l->g, sizeof *attr);
    if (!j.p || !item || !attr) return;
    for (uint32_t k = 0; k < n; k++) join_member(l, &j, members[k], last);
    for (int s = 0; s < j.p->nsteps; s++) {
        jd_pw_step *t = &j.p->step[s];
        t->a = settle(t->a, j.p->nin);
        t->b = settle(t->b, j.p->nin);
        t->c = settle(t->c, j.p->nin);
    }
    for (int k = 0; k < j.p->nout; k++) j.p->out[k] = settle(j.p->out[k], j.p->nin);
    uint32_t *v = values(l, (uint32_t)(j.p->nin + j.p->nout));
    if (!v) return;
    memcpy(v, j.in, (size_t)j.p->nin * sizeof *v);
    memcpy(v + j.p->nin, j.out, (size_t)j.p->nout * sizeof *v);
    attr->program = j.p;
    item->attr = attr;
    item->in = v;
    item->nin = (uint32_t)j.p->nin;
    item->out = v + j.p->nin;
    item->nout = (uint32_t)j.p->nout;
}

/* ---- SGD, parameter by parameter ---------------------------------------------------------------------------------------*/

/* When the last instruction that reads this range of the parameters runs, before op `limit`. */
static uint64_t last_read(const lower *l, int64_t begin, int64_t end, uint32_t limit)
{
    uint64_t at = 0;
    const jd_graph *g = l->g;
    for (uint32_t p = 0; p < limit; p++) {
        if (g->op[p].code != JD_OP_param) continue;
        const jd__leaf_attr *a = (const void *)g->op[p].attr;
        const uint32_t v = g->op[p].out0;
        if (a->offset >= end || a->offset + jd__count(&g->value[v].type) <= begin) continue;
        /* Views of the parameter are read by their users: follow them one level at a time. */
        uint32_t stack[32], top = 0;
        stack[top++] = v;
        while (top) {
            const uint32_t x = stack[--top];
            for (uint32_t u = l->f->use_at[x]; u < l->f->use_at[x + 1]; u++) {
                const uint32_t o = l->f->use[u];
                if (o >= limit) continue;
                if (l->f->role[o] == JD_ROLE_NONE) {
                    if (top < 32)
                        stack[top++] = g->op[o].out0;
                    else
                        return 2 * (uint64_t)limit;
                }
                const uint64_t when = 2 * (uint64_t)(l->f->role[o] == JD_ROLE_GROUP ? l->f->group[o] : o);
                if (when > at) at = when;
            }
        }
    }
    return at;
}

/* The product behind a piece of the gradient, when nobody else uses it; else UINT32_MAX. */
static uint32_t sole_product(const lower *l, uint32_t piece)
{
    const jd_graph *g = l->g;
    while (l->f->use_at[piece + 1] - l->f->use_at[piece] == 1 && !l->f->is_result[piece]) {
        const uint32_t o = g->value[piece].op;
        if (g->op[o].code == JD_OP_reshape) {
            piece = g->pool[g->op[o].in_at];
            continue;
        }
        return l->f->role[o] == JD_ROLE_PRODUCT && !l->f->fold_bias[o] && !l->f->fold_act[o] ? o : UINT32_MAX;
    }
    return UINT32_MAX;
}

static void sgd_piece(lower *l, uint32_t o, uint32_t piece, const jd_range *r, uint32_t param)
{
    const jd_graph *g = l->g;
    const uint32_t lr = g->pool[g->op[o].in_at + 1], m = sole_product(l, piece);
    const int64_t n = jd__count(&r->type), begin = (int64_t)r->offset;
    uint32_t *v = values(l, 6);
    jd_type *t = jd__graph_alloc(l->g, 6 * sizeof *t);
    if (!v || !t) return;
    if (m != UINT32_MAX) {
        uint64_t at = last_read(l, begin, begin + n, o);
        if (at < 2 * (uint64_t)m) at = 2 * (uint64_t)m;
        jd__item *i = add_item(l, at + 1, JD_OP_matmul_update, o);
        jd_matmul_update_attr *a = jd__graph_alloc(l->g, sizeof *a);
        if (!i || !a) return;
        const jd_matmul_attr *ma = (const void *)g->op[m].attr;
        *a = (jd_matmul_update_attr){.ta = ma->ta, .tb = ma->tb, .negate = 1};
        v[0] = g->pool[g->op[m].in_at];
        v[1] = g->pool[g->op[m].in_at + 1];
        v[2] = param;
        v[3] = lr;
        for (int k = 0; k < 4; k++) t[k] = g->value[v[k]].type;
        t[2] = g->value[g->op[m].out0].type;
        i->attr = a;
        i->in = v;
        i->in_type = t;
        i->nin = 4;
        l->f->role[m] = JD_ROLE_INSIDE;
        return;
    }
    jd__item *i = add_item(l, 2 * (uint64_t)o, JD_OP_update_sgd, o);
    if (!i) return;
    v[0] = piece;
    v[1] = lr;
    v[2] = 0;
    v[3] = param;
    v[4] = v[5] = 0;
    for (int k = 0; k < 6; k++) t[k] = g->value[v[k]].type;
    t[0] = t[3] = (jd_type){g->real, 1, {n}};
    for (int k = 0; k < 6; k++)
        if (!v[k]) t[k].rank = -1;
    i->in = v;
    i->in_type = t;
    i->nin = l->g->op[o].nin < 6 ? l->g->op[o].nin : 6;
}

static void sgd(lower *l, uint32_t o)
{
    jd_graph *g = l->g;
    const jd__opnode *op = &g->op[o];
    const jd__opnode *cat = &g->op[g->value[g->pool[op->in_at]].op];
    for (uint32_t k = 0; k < cat->nin; k++) {
        const jd_range *r = &g->params->range[k];
        const uint32_t piece = g->pool[cat->in_at + k];
        if (g->op[g->value[piece].op].code == JD_OP_constant) continue; /* not touched by the loss */
        /* The range as a value of its own, for the layout. */
        uint32_t param = 0;
        for (uint32_t p = 0; p < o && !param; p++) {
            const jd__leaf_attr *a = (const void *)g->op[p].attr;
            if (g->op[p].code == JD_OP_param && (size_t)a->offset == r->offset &&
                jd__count(&g->value[g->op[p].out0].type) == jd__count(&r->type))
                param = g->op[p].out0;
        }
        if (param) sgd_piece(l, o, piece, r, param);
    }
}

static int by_time(const void *a, const void *b)
{
    const jd__item *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->op < y->op ? -1 : x->op > y->op;
}

static void sort_items(jd__item *item, uint32_t n)
{
    /* Nearly sorted already: insertion, which is stable and needs no memory. */
    for (uint32_t i = 1; i < n; i++) {
        if (by_time(&item[i - 1], &item[i]) <= 0) continue;
        const jd__item x = item[i];
        uint32_t k = i;
        for (; k > 0 && by_time(&item[k - 1], &x) > 0; k--) item[k] = item[k - 1];
        item[k] = x;
    }
}

/* One sample's error through a layer, followed by the layer's update: one instruction reads the weights once for both. */
static bool is_error_and_update(const lower *l, const jd__item *d, const jd__item *u)
{
    if (d->code != JD_OP_matmul || u->code != JD_OP_matmul_update || u->nout) return false;
    const jd_matmul_attr *a = d->attr;
    const jd_matmul_update_attr *b = u->attr;
    return !a->ta && !a->tb && a->act == JD_ACT_NONE && !d->in[2] && b->ta && !b->tb && d->in[0] == u->in[0] &&
           d->in[1] == u->in[2] && l->g->value[d->in[0]].type.dim[0] == 1;
}

static void join_updates(lower *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (n && is_error_and_update(l, &l->item[n - 1], &l->item[i])) {
            const jd__item error = l->item[n - 1];
            jd__item *joined = &l->item[n - 1];
            *joined = l->item[i];
            joined->at = error.at;
            joined->out = error.out;
            joined->nout = 1;
        } else {
            l->item[n++] = l->item[i];
        }
    }
    l->n = n;
}

jd_status jd__lower(jd_graph *g, jd__fusion *f, jd__item **items, uint32_t *n)
{
    lower l = {.g = g, .f = f, .cap = g->nop + 16};
    l.item = jd__graph_alloc(g, l.cap * sizeof *l.item);
    uint32_t *members = jd__graph_alloc(g, (JD_PW_MAX_STEPS + 1) * sizeof *members);
    if (!l.item || !members) return jd_error(g->ctx);
    for (uint32_t o = 0; o < g->nop; o++)
        if (f->role[o] == JD_ROLE_SGD) sgd(&l, o);
    for (uint32_t o = 0; o < g->nop; o++) {
        if (f->role[o] == JD_ROLE_PLAIN)
            plain(&l, o);
        else if (f->role[o] == JD_ROLE_PRODUCT)
            product(&l, o);
        else if (f->role[o] == JD_ROLE_CONV)
            convolution(&l, o);
        else if (f->role[o] == JD_ROLE_GROUP && f->group[o] == o) {
            uint32_t count = 0;
            for (uint32_t m = o; m != UINT32_MAX; m = f->next[m]) {
                uint32_t k = count++;
                for (; k > 0 && members[k - 1] > m; k--) members[k] = members[k - 1];
                members[k] = m;
            }
            pointwise(&l, o, members, count);
        }
    }
    sort_items(l.item, l.n);
    if (!jd_error(g->ctx)) join_updates(&l);
    *items = l.item;
    *n = l.n;
    return jd_error(g->ctx);
}
