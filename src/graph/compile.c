/* compile.c - a plan from a traced graph. */
#include <string.h>

#include "base/ctx.h"
#include "graph/offload.h"

/* Below this many operations (see work()) a second thread costs more than it brings: a plan of 10 million takes some 100 us, and
 * in training a loader often keeps the second core.  Measured with nets of two layers. */
enum { PARALLEL_INSTR = 100000, PARALLEL_PLAN = 10000000 };

static void *plan_alloc(jd_plan *p, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (p->memory_used + bytes > p->memory_size) {
        jd_fail(p->ctx, JD_EINTERNAL, "plan: its memory was estimated too small; this is a bug");
        return NULL;
    }
    void *m = (char *)p->memory + p->memory_used;
    p->memory_used += bytes;
    return m;
}

void jd__plan_free(jd_plan *p)
{
    if (!p) return;
    jd__offload_free(p);
    jd_free(p->ctx, p->arena);
    jd_free(p->ctx, p->memory);
    jd_free(p->ctx, p);
}

static size_t round16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

static size_t memory_needed(const jd_graph *g, const jd__item *item, uint32_t n)
{
    size_t bytes = round16((n + 1) * sizeof(jd__instr)), pointers = g->nresult;
    for (uint32_t k = 0; k < n; k++) {
        const size_t io = item[k].nin + item[k].nout;
        bytes += round16(io * sizeof(jd_type)) + round16(io * sizeof(void *)) + round16(io * sizeof(uint32_t)) +
                 round16(item[k].attr_bytes) + round16(sizeof(jd_pw_program));
        pointers += io;
    }
    bytes += round16((pointers + 1) * sizeof(jd__bind));
    bytes += round16(((size_t)g->narg + 1) * sizeof(jd__io)) + round16((g->nresult + 1) * sizeof(jd__io));
    for (int i = 0; i < g->narg; i++) bytes += round16(strlen(g->arg[i].name) + 1);
    for (uint32_t i = 0; i < g->nresult; i++) bytes += round16(strlen(g->result[i].name) + 1);
    for (uint32_t k = 0; k < n; k++) {
        const jd__opnode *op = &g->op[item[k].op];
        bytes += round16(strlen(op->scope) + (op->name ? strlen(op->name) : 0) + 1);
    }
    return bytes + 64;
}

static const char *copy_text(jd_plan *p, const char *a, const char *b)
{
    char *s = plan_alloc(p, strlen(a) + strlen(b) + 1);
    return s ? strcat(strcpy(s, a), b) : "";
}

/* A rough count of operations, for deciding about threads only. */
static double work(const jd__instr *i)
{
    double per_byte = 0.5;
    if (i->call.op == &jd__op_ctc) per_byte = 32; /* the symbols of a text, two by two, at every step */
    if (i->call.op == &jd__op_pointwise) per_byte = 0.5 * (double)((const jd_pw_attr *)i->call.attr)->program->nsteps;
    return i->flop + per_byte * i->bytes;
}

static void measure(jd__instr *i)
{
    const jd_call *c = &i->call;
    i->flop = c->op->flop ? c->op->flop(c) : 0;
    i->bytes = 0;
    for (int k = 0; k < c->nin; k++)
        if (c->in_type[k].rank >= 0)
            i->bytes += (double)jd__count(&c->in_type[k]) * (double)jd_dtype_size(c->in_type[k].dtype);
    for (int k = 0; k < c->nout; k++)
        i->bytes += (double)jd__count(&c->out_type[k]) * (double)jd_dtype_size(c->out_type[k].dtype);
}

static void choose_kernel(jd_plan *p, const jd_graph *g, jd__instr *i, jd_opcode code)
{
    const jd_op *op = jd__ops[code];
    i->kernel = op->ref[g->real == JD_F64 ? JD_F64 : JD_F32];
    i->fast = false;
    if (g->real == JD_F32 && p->cpu && p->cpu->kernel[code]) {
        jd_kernel *special = p->cpu->special ? p->cpu->special(&i->call) : NULL;
        i->kernel = special ? special : p->cpu->kernel[code];
        i->fast = true;
    }
    if (!i->kernel)
        jd_fail(p->ctx, JD_EINTERNAL, "%s: no kernel for %s", op->name, g->real == JD_F64 ? "float64" : "float32");
}

static void make_instr(jd_plan *p, const jd_graph *g, jd__instr *i, const jd__item *item)
{
    const uint32_t nin = item->nin, nout = item->nout;
    jd_type *type = plan_alloc(p, (nin + nout) * sizeof *type);
    void **pointer = plan_alloc(p, (nin + nout) * sizeof *pointer);
    uint32_t *value = plan_alloc(p, (nin + nout) * sizeof *value);
    void *attr = plan_alloc(p, item->attr_bytes);
    if (jd_error(p->ctx)) return;
    for (uint32_t k = 0; k < nin; k++) {
        type[k] = item->in_type ? item->in_type[k] : g->value[item->in[k]].type;
        if (!item->in[k]) type[k].rank = -1;
        value[k] = item->in[k];
    }
    for (uint32_t k = 0; k < nout; k++) {
        type[nin + k] = g->value[item->out[k]].type;
        value[nin + k] = item->out[k];
    }
    memcpy(attr, item->attr, item->attr_bytes);
    if (item->code == JD_OP_pointwise) {
        jd_pw_program *q = plan_alloc(p, sizeof *q);
        if (!q) return;
        *q = *((jd_pw_attr *)attr)->program;
        ((jd_pw_attr *)attr)->program = q;
    }
    const jd__opnode *op = &g->op[item->op];
    i->name = copy_text(p, op->name && strchr(op->name, '/') ? "" : op->scope, op->name ? op->name : "");
    i->value = value;
    i->call = (jd_call){.op = jd__ops[item->code],
                        .attr = attr,
                        .nin = (int)nin,
                        .nout = (int)nout,
                        .in_type = type,
                        .out_type = type + nin,
                        .in = pointer,
                        .out = pointer + nin,
                        .cpu = p->cpu,
                        .seed = jd_ctx_seed(p->ctx)};
    choose_kernel(p, g, i, item->code);
    measure(i);
    i->code = item->code;
    jd_device_kernel k = {0};
    if (g->real == JD_F32 && jd__offload_kernel(p, &i->call, item->code, &k)) {
        i->device = k.name;
        i->device_scratch = k.scratch_bytes;
        i->device_half = k.half;
        return; /* scratch memory is the device's affair */
    }
    i->parallel = jd_ctx_threads(p->ctx) > 1 && !(i->call.op->flags & JD_OP_SERIAL) && work(i) >= PARALLEL_INSTR;
    i->scratch_bytes =
        i->call.op->scratch ? i->call.op->scratch(&i->call, i->parallel ? jd_ctx_threads(p->ctx) : 1) : 0;
}

static void name_io(jd_plan *p, const jd_graph *g)
{
    p->ninput = g->narg;
    p->nresult = (int)g->nresult;
    p->input = plan_alloc(p, ((size_t)p->ninput + 1) * sizeof *p->input);
    p->result = plan_alloc(p, ((size_t)p->nresult + 1) * sizeof *p->result);
    if (jd_error(p->ctx)) return;
    for (int i = 0; i < p->ninput; i++)
        p->input[i] = (jd__io){copy_text(p, g->arg[i].name, ""), g->arg[i].type, NULL, false};
    for (int i = 0; i < p->nresult; i++)
        p->result[i] = (jd__io){copy_text(p, g->result[i].name, ""), g->value[g->result[i].value].type, NULL, true};
}

jd_status jd__compile(jd_graph *g, jd_plan **out)
{
    const double start = jd_now();
    jd__fusion f;
    jd__item *item;
    uint32_t n;
    *out = NULL;
    if (jd__fuse(g, &f) || jd__lower(g, &f, &item, &n)) return jd_error(g->ctx);
    jd_plan *p = jd_alloc(g->ctx, sizeof *p);
    if (!p) return jd_error(g->ctx);
    p->ctx = g->ctx;
    p->params = g->params;
    p->cpu = g->ctx->cpu;
    p->ninstr = (int)n;
    p->memory_size = memory_needed(g, item, n);
    p->memory = jd_alloc(g->ctx, p->memory_size);
    if (p->memory) {
        p->instr = plan_alloc(p, (n + 1) * sizeof *p->instr);
        size_t pointers = g->nresult;
        for (uint32_t k = 0; k < n; k++) pointers += item[k].nin + item[k].nout;
        p->bind = plan_alloc(p, (pointers + 1) * sizeof *p->bind);
        double total = 0;
        for (uint32_t k = 0; k < n && !jd_error(g->ctx); k++) {
            make_instr(p, g, &p->instr[k], &item[k]);
            if (item[k].code == JD_OP_exchange) p->exchange = (int)k + 1;
            total += work(&p->instr[k]);
            p->parallel |= p->instr[k].parallel;
        }
        /* A small plan runs on the caller alone: waking the team would cost more than the run. */
        if (total < PARALLEL_PLAN) {
            p->parallel = false;
            for (uint32_t k = 0; k < n; k++) p->instr[k].parallel = false;
        }
        name_io(p, g);
        if (!jd_error(g->ctx)) jd__layout(g, &f, p, item);
        if (!jd_error(g->ctx) && g->real == JD_F32 && g->ctx->device) jd__offload_plan(p);
    }
    if (jd_error(g->ctx)) {
        jd__plan_free(p);
        return jd_error(g->ctx);
    }
    p->compile_seconds = jd_now() - start;
    *out = p;
    return JD_OK;
}
