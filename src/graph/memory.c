/*
 * memory.c - which value lies where.
 *
 * Views share their source's memory.  The parts of a concatenation along the outermost axis are computed in place.
 * Everything else gets an offset in one arena: free again after its last reader, best fit, 64-byte aligned.
 */
#include <string.h>

#include "graph/plan.h"

enum { ALIGN = 64 };
#define FOREVER UINT32_MAX
#define UNSET   SIZE_MAX

typedef struct hole {
    size_t at, size;
} hole;

typedef struct layout {
    jd_graph *g;
    const jd__fusion *f;
    jd_plan *p;
    uint32_t *root;         /* per value: the value whose memory it shares */
    size_t *shift;          /* bytes from the root's memory */
    uint32_t *first, *last; /* per root: the instructions that first write and last touch it */
    size_t *place;          /* per root: arena offset */
    uint8_t *pinned;        /* per root: holds parts of a concatenation */
    hole *hole;
    uint32_t nhole;
} layout;

static size_t bytes_of(const jd_type *t)
{
    return (size_t)jd__count(t) * jd_dtype_size(t->dtype);
}

static uint32_t resolve(const layout *l, uint32_t v, size_t *shift)
{
    *shift = 0;
    while (l->root[v] != v) {
        *shift += l->shift[v];
        v = l->root[v];
    }
    return v;
}

static bool outermost(const jd_type *t, int axis)
{
    for (int i = 0; i < axis; i++)
        if (t->dim[i] != 1) return false;
    return true;
}

bool jd__is_outer_slice(const jd_graph *g, uint32_t o)
{
    if (g->op[o].code != JD_OP_slice) return false;
    return outermost(&g->value[g->pool[g->op[o].in_at]].type,
                     ((const jd_slice_attr *)(const void *)g->op[o].attr)->axis);
}

static size_t inner_bytes(const jd_type *t, int axis)
{
    size_t n = jd_dtype_size(t->dtype);
    for (int i = axis + 1; i < t->rank; i++) n *= (size_t)t->dim[i];
    return n;
}

static void find_views(layout *l)
{
    const jd_graph *g = l->g;
    for (uint32_t v = 0; v < g->nvalue; v++) l->root[v] = v;
    for (uint32_t o = 0; o < g->nop; o++) {
        const jd__opnode *op = &g->op[o];
        if (!op->nin) continue;
        const uint32_t x = g->pool[op->in_at], y = op->out0;
        if (jd__ops[op->code]->flags & JD_OP_VIEW)
            l->root[y] = x;
        else if (jd__is_outer_slice(g, o)) {
            const jd_slice_attr *a = (const void *)op->attr;
            l->root[y] = x;
            l->shift[y] = (size_t)a->begin * inner_bytes(&g->value[x].type, a->axis);
        }
    }
}

/* Lets the parts of outermost concatenations be computed where they belong; notes in `copied` which could not. */
static void merge_concats(layout *l, const jd__item *item, uint8_t **elided)
{
    const jd_graph *g = l->g;
    for (int k = 0; k < l->p->ninstr; k++) {
        if (item[k].code != JD_OP_concat) continue;
        const jd_slice_attr *a = item[k].attr;
        const uint32_t y = item[k].out[0];
        if (!outermost(&g->value[y].type, a->axis)) continue;
        elided[k] = jd__graph_alloc(l->g, item[k].nin + 1);
        if (!elided[k]) return;
        size_t at = 0;
        for (uint32_t i = 0; i < item[k].nin; i++) {
            const uint32_t v = item[k].in[i];
            size_t shift;
            const uint32_t r = resolve(l, v, &shift);
            const unsigned flags = jd__ops[g->op[g->value[r].op].code]->flags;
            if (!(flags & JD_OP_LEAF) && !shift && bytes_of(&g->value[r].type) == bytes_of(&g->value[v].type) &&
                r != y && !l->f->is_result[r]) {
                l->root[r] = y;
                l->shift[r] = at;
                l->pinned[y] = 1;
                elided[k][i] = 1;
            }
            at += bytes_of(&g->value[v].type);
        }
    }
}

static void touch(layout *l, uint32_t v, uint32_t when)
{
    size_t shift;
    if (!v) return;
    const uint32_t r = resolve(l, v, &shift);
    if (l->first[r] == FOREVER) l->first[r] = when;
    if (l->last[r] != FOREVER && when > l->last[r]) l->last[r] = when;
}

/* ---- the arena ----------------------------------------------------------------------------------------------------*/

static size_t take(layout *l, size_t bytes)
{
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < l->nhole; i++)
        if (l->hole[i].size >= bytes && (best == UINT32_MAX || l->hole[i].size < l->hole[best].size)) best = i;
    if (best == UINT32_MAX) {
        size_t at = l->p->arena_bytes;
        /* A hole at the very end is grown rather than left. */
        if (l->nhole && l->hole[l->nhole - 1].at + l->hole[l->nhole - 1].size == at) at = l->hole[--l->nhole].at;
        l->p->arena_bytes = at + bytes;
        return at;
    }
    const size_t at = l->hole[best].at;
    l->hole[best].at += bytes;
    l->hole[best].size -= bytes;
    if (!l->hole[best].size) memmove(&l->hole[best], &l->hole[best + 1], (--l->nhole - best) * sizeof(hole));
    return at;
}

static void give(layout *l, size_t at, size_t bytes)
{
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!bytes) return;
    uint32_t i = 0;
    while (i < l->nhole && l->hole[i].at < at) i++;
    const bool left = i > 0 && l->hole[i - 1].at + l->hole[i - 1].size == at;
    const bool right = i < l->nhole && at + bytes == l->hole[i].at;
    if (left && right) {
        l->hole[i - 1].size += bytes + l->hole[i].size;
        memmove(&l->hole[i], &l->hole[i + 1], (--l->nhole - i) * sizeof(hole));
    } else if (left)
        l->hole[i - 1].size += bytes;
    else if (right) {
        l->hole[i].at = at;
        l->hole[i].size += bytes;
    } else {
        memmove(&l->hole[i + 1], &l->hole[i], (l->nhole++ - i) * sizeof(hole));
        l->hole[i] = (hole){at, bytes};
    }
}

static bool is_leaf(const layout *l, uint32_t v)
{
    return (jd__ops[l->g->op[l->g->value[v].op].code]->flags & JD_OP_LEAF) != 0;
}

/* How many operands of the instruction lie in the memory of root s. */
static uint32_t readers(const layout *l, const jd__item *item, uint32_t s)
{
    uint32_t n = 0;
    size_t shift;
    for (uint32_t i = 0; i < item->nin; i++) n += item->in[i] && resolve(l, item->in[i], &shift) == s;
    return n;
}

/* A point-wise result may take over the memory of an input that is read here for the last time. */
static size_t take_over(layout *l, const jd__item *item, uint32_t k, uint32_t r)
{
    if (!(jd__ops[item->code]->flags & JD_OP_IN_PLACE) || l->pinned[r] || item->nout != 1 || l->first[r] != k)
        return UNSET;
    for (uint32_t i = 0; i < item->nin; i++) {
        size_t shift;
        if (!item->in[i]) continue;
        const uint32_t s = resolve(l, item->in[i], &shift);
        if (shift || is_leaf(l, s) || l->pinned[s] || l->last[s] != k || l->place[s] == UNSET) continue;
        if (bytes_of(&l->g->value[s].type) != bytes_of(&l->g->value[r].type)) continue;
        /* Only a full-size operand is read element by element with the result. */
        if (jd__count(&l->g->value[item->in[i]].type) != jd__count(&l->g->value[item->out[0]].type)) continue;
        if (l->g->value[s].type.dtype != l->g->value[r].type.dtype) continue;
        if (readers(l, item, s) > 1) continue;
        const size_t at = l->place[s];
        l->last[s] = FOREVER; /* not given back: its memory lives on under r */
        return at;
    }
    return UNSET;
}

static void place_outputs(layout *l, const jd__item *item, uint32_t k)
{
    for (uint32_t i = 0; i < item->nout; i++) {
        size_t shift;
        const uint32_t r = resolve(l, item->out[i], &shift);
        if (l->place[r] != UNSET) continue;
        const size_t over = take_over(l, item, k, r);
        l->place[r] = over != UNSET ? over : take(l, bytes_of(&l->g->value[r].type));
    }
}

static void free_dead(layout *l, const jd__item *item, uint32_t k)
{
    for (uint32_t i = 0; i < item->nin + item->nout; i++) {
        const uint32_t v = i < item->nin ? item->in[i] : item->out[i - item->nin];
        size_t shift;
        if (!v) continue;
        const uint32_t r = resolve(l, v, &shift);
        if (is_leaf(l, r) || l->last[r] != k || l->place[r] == UNSET) continue;
        give(l, l->place[r], bytes_of(&l->g->value[r].type));
        l->last[r] = FOREVER; /* once */
    }
}

/* ---- binding -----------------------------------------------------------------------------------------------------------*/

static void bind_pointer(layout *l, void **where, uint32_t v)
{
    const jd_graph *g = l->g;
    size_t shift;
    *where = NULL;
    if (!v) return;
    const uint32_t r = resolve(l, v, &shift);
    const jd__opnode *op = &g->op[g->value[r].op];
    if (op->code == JD_OP_param || op->code == JD_OP_state) {
        const jd__leaf_attr *a = (const void *)op->attr;
        const bool state = op->code == JD_OP_state;
        const size_t offset = state ? 0 : (size_t)a->offset * jd_dtype_size(g->real);
        l->p->bind[l->p->nbind++] = (jd__bind){where, state ? a->offset : -1, offset + shift};
        return;
    }
    *where = l->p->arena + l->place[r] + shift;
}

void jd__plan_rebind(jd_plan *p)
{
    if (!p->params) return;
    for (int i = 0; i < p->nbind; i++) {
        unsigned char *base = p->bind[i].state >= 0 ? p->params->state_data[p->bind[i].state] : p->params->data;
        *p->bind[i].where = base + p->bind[i].offset;
    }
    p->generation = p->params->generation;
}

static void fill_leaf(const layout *l, uint32_t v)
{
    const jd__opnode *op = &l->g->op[l->g->value[v].op];
    const jd__leaf_attr *a = (const void *)op->attr;
    const jd_type *t = &l->g->value[v].type;
    const int64_t n = jd__count(t);
    void *data = l->p->arena + l->place[v];
    for (int64_t i = 0; i < n; i++) {
        if (op->code == JD_OP_iota)
            ((int32_t *)data)[i] = (int32_t)i;
        else if (t->dtype == JD_F32)
            ((float *)data)[i] = (float)a->value;
        else
            ((double *)data)[i] = a->value;
    }
}

static jd_status arrays(layout *l)
{
    jd_graph *g = l->g;
    const size_t n = g->nvalue;
    l->root = jd__graph_alloc(g, n * sizeof *l->root);
    l->shift = jd__graph_alloc(g, n * sizeof *l->shift);
    l->first = jd__graph_alloc(g, n * sizeof *l->first);
    l->last = jd__graph_alloc(g, n * sizeof *l->last);
    l->place = jd__graph_alloc(g, n * sizeof *l->place);
    l->pinned = jd__graph_alloc(g, n);
    l->hole = jd__graph_alloc(g, (n + (size_t)l->p->ninstr + 2) * sizeof *l->hole);
    if (jd_error(g->ctx)) return jd_error(g->ctx);
    memset(l->first, 0xff, n * sizeof *l->first);
    memset(l->place, 0xff, n * sizeof *l->place);
    return JD_OK;
}

/* Inputs, constants and results keep their place for the whole run, before everything else. */
static void place_lasting(layout *l)
{
    const jd_graph *g = l->g;
    for (uint32_t i = 0; i < g->nresult; i++) {
        size_t shift;
        l->last[resolve(l, g->result[i].value, &shift)] = FOREVER;
    }
    /* The inputs lie side by side at the beginning: a device gets them by one copy. */
    for (int inputs = 1; inputs >= 0; inputs--)
        for (uint32_t o = 0; o < g->nop; o++) {
            const jd_opcode c = g->op[o].code;
            if (inputs ? c == JD_OP_arg : c == JD_OP_constant || c == JD_OP_iota)
                l->place[g->op[o].out0] = take(l, bytes_of(&g->value[g->op[o].out0].type));
        }
}

static void bind_all(layout *l, const jd__item *item, uint8_t *const *elided)
{
    jd_plan *p = l->p;
    const jd_graph *g = l->g;
    for (int k = 0; k < p->ninstr; k++) {
        jd_call *c = &p->instr[k].call;
        for (int i = 0; i < c->nin; i++) bind_pointer(l, &c->in[i], item[k].in[i]);
        for (int i = 0; i < c->nout; i++) bind_pointer(l, &c->out[i], item[k].out[i]);
        /* A part of a concatenation that is already in place needs no copy: an absent input says so to the kernel. */
        bool work = !elided[k];
        for (int i = 0; elided[k] && i < c->nin; i++) {
            if (elided[k][i])
                c->in[i] = NULL;
            else
                work = true;
        }
        if (!work) p->instr[k].parallel = false; /* nothing is left to do: not worth a barrier */
    }
    for (int i = 0; i < p->ninput; i++)
        if (g->arg_value[i]) {
            p->input[i].data = p->arena + l->place[g->arg_value[i]];
            p->input[i].used = true;
        }
    for (uint32_t i = 0; i < g->nresult; i++) bind_pointer(l, &p->result[i].data, g->result[i].value);
    for (uint32_t o = 0; o < g->nop; o++)
        if (g->op[o].code == JD_OP_constant || g->op[o].code == JD_OP_iota) fill_leaf(l, g->op[o].out0);
}

jd_status jd__layout(jd_graph *g, const jd__fusion *f, jd_plan *p, const jd__item *item)
{
    layout l = {.g = g, .f = f, .p = p};
    if (arrays(&l)) return jd_error(g->ctx);
    uint8_t **elided = jd__graph_alloc(g, ((size_t)p->ninstr + 1) * sizeof *elided);
    size_t *scratch = jd__graph_alloc(g, ((size_t)p->ninstr + 1) * sizeof *scratch);
    if (!elided || !scratch) return jd_error(g->ctx);
    find_views(&l);
    merge_concats(&l, item, elided);
    for (uint32_t k = 0; k < (uint32_t)p->ninstr; k++) {
        for (uint32_t i = 0; i < item[k].nin; i++) touch(&l, item[k].in[i], k);
        for (uint32_t i = 0; i < item[k].nout; i++) touch(&l, item[k].out[i], k);
    }
    place_lasting(&l);
    for (uint32_t k = 0; k < (uint32_t)p->ninstr; k++) {
        place_outputs(&l, &item[k], k);
        scratch[k] = take(&l, p->instr[k].scratch_bytes);
        give(&l, scratch[k], p->instr[k].scratch_bytes);
        /* What the first of a pair reads last is not yet free for what the second writes. */
        if (k && jd__may_pair(p, (int)k - 1)) free_dead(&l, &item[k - 1], k - 1);
        if (!jd__may_pair(p, (int)k)) free_dead(&l, &item[k], k);
    }
    if (jd_error(g->ctx)) return jd_error(g->ctx);
    p->arena = jd_alloc(g->ctx, p->arena_bytes + ALIGN);
    if (!p->arena) return jd_error(g->ctx);
    for (int k = 0; k < p->ninstr; k++)
        p->instr[k].call.scratch = p->instr[k].scratch_bytes ? p->arena + scratch[k] : NULL;
    bind_all(&l, item, elided);
    jd__plan_rebind(p);
    return JD_OK;
}
