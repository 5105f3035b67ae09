/* graph.c - values, ops, scopes: what tracing builds. */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "base/given.h"
#include "base/number.h"

struct jd__block {
    struct jd__block *next;
    size_t used, size;
    _Alignas(64) unsigned char data[];
};

const jd_op *const jd__ops[JD_OP_COUNT] = {
#define X(name) [JD_OP_##name] = &jd__op_##name,
    JD_OPS(X)
#undef X
};

size_t jd_dtype_size(jd_dtype t)
{
    return t == JD_F64 ? 8 : 4;
}

int64_t jd_type_count(const jd_type *t)
{
    return jd__count(t);
}

const char *jd__shape_text(const jd_type *t, char buf[64])
{
    size_t n = 0;
    buf[n++] = '(';
    for (int i = 0; i < t->rank && n < 52; i++)
        n += (size_t)snprintf(buf + n, 64 - n, "%s%lld", i ? "," : "", (long long)t->dim[i]);
    snprintf(buf + (n < 62 ? n : 62), 64 - (n < 62 ? n : 62), ")");
    return buf;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------*/

/* Doubles the array at *p (elements of `size` bytes) until it holds n. */
static jd_status grow(jd_ctx *ctx, void *p, uint32_t *cap, uint32_t n, size_t size)
{
    if (n <= *cap) return JD_OK;
    uint32_t want = *cap ? *cap : 64;
    while (want < n) want *= 2;
    void *old, *fresh;
    memcpy(&old, p, sizeof old);
    fresh = jd_realloc(ctx, old, (size_t)*cap * size, (size_t)want * size);
    if (!fresh) return jd_error(ctx);
    memcpy(p, &fresh, sizeof fresh);
    *cap = want;
    return JD_OK;
}

void *jd__graph_alloc(jd_graph *g, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (!g->block || g->block->used + bytes > g->block->size) {
        const size_t size = bytes > 8192 ? bytes : 8192;
        struct jd__block *b = jd_alloc(g->ctx, sizeof *b + size);
        if (!b) return NULL;
        b->size = size;
        b->next = g->block;
        g->block = b;
    }
    void *p = g->block->data + g->block->used;
    g->block->used += bytes;
    memset(p, 0, bytes);
    return p;
}

static void free_blocks(jd_graph *g, bool keep_one)
{
    while (g->block && (!keep_one || g->block->next)) {
        struct jd__block *next = g->block->next;
        jd_free(g->ctx, g->block);
        g->block = next;
    }
    if (g->block) g->block->used = 0;
}

jd_status jd__graph_init(jd_graph *g, jd_ctx *ctx, jd_params *params, jd_dtype real)
{
    *g = (jd_graph){.ctx = ctx, .params = params, .real = real, .scope = ""};
    return JD_OK;
}

jd_status jd__graph_reset(jd_graph *g, const jd_tensor *arg, int narg)
{
    free_blocks(g, true);
    g->nop = g->npool = g->nresult = 0;
    g->nvalue = 1;
    g->scope = "";
    g->depth = 0;
    g->arg = arg;
    g->narg = narg;
    g->wanted = NULL; /* it was in the blocks */
    g->nwanted = g->cap_wanted = 0;
    g->noise = 0;
    g->noise_step = JD_NONE;
    g->arg_value = jd__graph_alloc(g, (size_t)(narg + 1) * sizeof *g->arg_value);
    if (!g->arg_value) return jd_error(g->ctx);
    if (grow(g->ctx, &g->value, &g->cap_value, 64, sizeof *g->value)) return jd_error(g->ctx);
    memset(&g->value[0], 0, sizeof g->value[0]);
    return JD_OK;
}

void jd__graph_done(jd_graph *g)
{
    free_blocks(g, false);
    jd_free(g->ctx, g->value);
    jd_free(g->ctx, g->op);
    jd_free(g->ctx, g->pool);
    jd_free(g->ctx, g->result);
    memset(g, 0, sizeof *g);
}

/* ---- looking --------------------------------------------------------------------------------------------------------*/

jd_ctx *jd_graph_ctx(const jd_graph *g)
{
    return g ? g->ctx : NULL;
}

jd_dtype jd_real(const jd_graph *g)
{
    return g ? g->real : JD_F32;
}

const jd_type *jd_type_of(const jd_graph *g, jd_node x)
{
    static const jd_type none;
    return g ? &g->value[x.id < g->nvalue ? x.id : 0].type : &none;
}

int jd_rank(const jd_graph *g, jd_node x)
{
    return jd_type_of(g, x)->rank;
}

int64_t jd_dim(const jd_graph *g, jd_node x, int axis)
{
    const jd_type *t = jd_type_of(g, x);
    if (axis < 0) axis += t->rank;
    if (axis >= 0 && axis < t->rank) return t->dim[axis];
    if (g && x.id)
        jd_fail(g->ctx, JD_EUSAGE, "%sjd_dim: axis %d of a value of rank %d; use -%d..%d", g->scope, axis, t->rank,
                t->rank, t->rank - 1);
    return 0;
}

jd_opcode jd__op_of(const jd_graph *g, jd_node x)
{
    return x.id && x.id < g->nvalue ? g->op[g->value[x.id].op].code : JD_OP_COUNT;
}

const void *jd__attr_of(const jd_graph *g, jd_node x)
{
    return x.id && x.id < g->nvalue ? g->op[g->value[x.id].op].attr : NULL;
}

int jd__inputs_of(const jd_graph *g, jd_node x, const jd_node **in)
{
    if (!x.id || x.id >= g->nvalue) return 0;
    const jd__opnode *o = &g->op[g->value[x.id].op];
    _Static_assert(sizeof(jd_node) == sizeof(uint32_t), "a node is its number");
    *in = (const jd_node *)(const void *)(g->pool + o->in_at);
    return (int)o->nin;
}

bool jd__shape_ok(jd_graph *g, const char *what, const jd_dims *shape, int64_t least)
{
    bool ok = shape->rank >= 0 && shape->rank <= JD_MAX_RANK;
    for (int i = 0; ok && i < shape->rank; i++) ok = shape->dim[i] >= least && shape->dim[i] <= INT32_MAX;
    if (!ok)
        jd_fail(g->ctx, JD_EUSAGE,
                "%s: no such shape is possible: %d dimensions (at most %d), the first %lld (0..2^31-1)", what,
                shape->rank, JD_MAX_RANK, shape->rank ? (long long)shape->dim[0] : 0);
    return ok;
}

/* ---- scopes and names ------------------------------------------------------------------------------------------------*/

static bool foreign(jd_graph *g, jd_node x)
{
    if (x.id < g->nvalue) return false;
    jd_fail(g->ctx, JD_EUSAGE, "%sa node of another function or trace; nodes live only while their function is traced",
            g->scope);
    return true;
}

static const char *join(jd_graph *g, const char *a, const char *b, const char *c)
{
    if (!jd__given(g->ctx, "a function that adds to a graph", "a name", b)) return "";
    const size_t na = strlen(a), nb = strlen(b), nc = strlen(c);
    char *s = jd__graph_alloc(g, na + nb + nc + 1);
    if (!s) return "";
    memcpy(s, a, na);
    memcpy(s + na, b, nb);
    memcpy(s + na + nb, c, nc);
    return s;
}

void jd_scope_push(jd_graph *g, const char *name)
{
    if (!g) return;
    if (g->depth == JD_MAX_SCOPES) {
        jd_fail(g->ctx, JD_EUSAGE, "jd_scope_push \"%s\": %d scopes are open; match each push with a pop", name,
                g->depth);
        return;
    }
    g->outer[g->depth++] = g->scope;
    g->scope = join(g, g->scope, name, "/");
}

void jd_scope_pop(jd_graph *g)
{
    if (!g) return;
    if (!g->depth) {
        jd_fail(g->ctx, JD_EUSAGE, "jd_scope_pop: no scope is open; match each pop with a push");
        return;
    }
    g->scope = g->outer[--g->depth];
}

jd_node jd_named(jd_graph *g, const char *name, jd_node x)
{
    if (x.id && !foreign(g, x)) g->op[g->value[x.id].op].name = join(g, "", name, "");
    return x;
}

void jd_result(jd_graph *g, const char *name, jd_node x)
{
    if (!g) return;
    if (!x.id) {
        if (!jd_error(g->ctx))
            jd_fail(g->ctx, JD_EUSAGE, "jd_result \"%s\": the null node; give it a value", name ? name : "");
        return;
    }
    if (foreign(g, x) || !jd__given(g->ctx, __func__, "name", name)) return;
    for (uint32_t i = 0; i < g->nresult; i++)
        if (!strcmp(g->result[i].name, name)) {
            jd_fail(g->ctx, JD_EUSAGE, "jd_result \"%s\": named twice; names of results must differ", name);
            return;
        }
    if (grow(g->ctx, &g->result, &g->cap_result, g->nresult + 1, sizeof *g->result)) return;
    g->result[g->nresult++] = (jd__named){join(g, "", name, ""), x.id};
}

/* ---- adding ops ------------------------------------------------------------------------------------------------------*/

jd_status jd__bad(const jd_infer *c, const char *fmt, ...)
{
    char text[400], shapes[256], one[64];
    va_list ap;
    va_start(ap, fmt);
    jd__vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = 0;
    shapes[0] = 0;
    for (int i = 0; i < c->nin && i < 6 && n < sizeof shapes - 80; i++) {
        const char *type = c->in[i].dtype == JD_I32 ? "i32" : c->in[i].dtype == JD_F64 ? "f64" : "f32";
        n += (size_t)snprintf(shapes + n, sizeof shapes - n, "%s%s%s", i ? ", " : "",
                              c->in[i].rank < 0 ? "none" : jd__shape_text(&c->in[i], one),
                              c->in[i].rank < 0 ? "" : type);
    }
    return jd_fail(c->g->ctx, JD_EUSAGE, "%s%s: %s [inputs: %s]", c->g->scope, c->op->name, text, shapes);
}

jd_node jd__add(jd_graph *g, jd_opcode code, const void *attr, const jd_node *in, int nin, jd_node *out)
{
    const jd_op *op = jd__ops[code];
    jd_type in_type[64], *types = in_type;
    if (jd_error(g->ctx)) return JD_NONE;
    if (nin > 64 && !(types = jd__graph_alloc(g, (size_t)nin * sizeof *types))) return JD_NONE;
    for (int i = 0; i < nin; i++) {
        if (foreign(g, in[i])) return JD_NONE;
        types[i] = *jd_type_of(g, in[i]);
        if (!in[i].id) types[i].rank = -1;
    }
    if (grow(g->ctx, &g->op, &g->cap_op, g->nop + 1, sizeof *g->op) ||
        grow(g->ctx, &g->pool, &g->cap_pool, g->npool + (uint32_t)nin, sizeof *g->pool) ||
        grow(g->ctx, &g->value, &g->cap_value, g->nvalue + JD_MAX_OUT, sizeof *g->value))
        return JD_NONE;
    jd__opnode *o = &g->op[g->nop];
    memset(o, 0, sizeof *o);
    if (attr) memcpy(o->attr, attr, op->attr_bytes);
    jd_infer infer = {.g = g, .op = op, .attr = o->attr, .nin = nin, .nout = 1, .in = types};
    memset(infer.out, 0, sizeof infer.out);
    if (op->infer(&infer)) return JD_NONE;
    o->code = code;
    o->nin = (uint32_t)nin;
    o->nout = (uint32_t)infer.nout;
    o->in_at = g->npool;
    o->out0 = g->nvalue;
    o->scope = g->scope;
    for (int i = 0; i < nin; i++) g->pool[g->npool++] = in[i].id;
    for (int i = 0; i < infer.nout; i++) {
        g->value[g->nvalue] = (jd__value){infer.out[i], g->nop, (uint32_t)i};
        if (out) out[i] = (jd_node){g->nvalue};
        g->nvalue++;
    }
    g->nop++;
    return (jd_node){infer.nout ? o->out0 : 0};
}
