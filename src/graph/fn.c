/* fn.c - traced functions: a plan for each combination of input shapes, as long as it is used. */
#include <string.h>

#include "base/given.h"
#include "base/ctx.h"
#include "base/flush.h"
#include "graph/offload.h"
#include "jackdaw/device.h"

enum { MOST_PLANS = 1000 };

struct jd_fn {
    jd_ctx *ctx;
    jd_params *params;
    jd_trace *trace;
    void *user;
    jd_graph graph;
    jd_plan *plan; /* a list, the last used first */
    size_t keep;   /* bytes */
    bool lenient;  /* inputs that the function does not ask for are passed over */
    struct {
        jd_plan *plan;
        uint64_t run;
    } last, before; /* on a device: the last two runs of jd_fn_run */
};

jd_fn *jd_fn_new(jd_ctx *ctx, jd_params *params, jd_trace *trace, void *user)
{
    if (!jd__given(ctx, __func__, "trace", trace)) return NULL;
    if (!ctx->cpu) ctx->cpu = jd__cpu_find(ctx->isa);
    if (!ctx->cpu) {
        jd_fail(ctx, JD_EINTERNAL, "no kernels are built in for the instruction set \"%s\"", ctx->isa);
        return NULL;
    }
    jd_fn *f = jd_alloc(ctx, sizeof *f);
    if (!f) return NULL;
    *f = (jd_fn){.ctx = ctx, .params = params, .trace = trace, .user = user, .keep = (size_t)1 << 30};
    jd__graph_init(&f->graph, ctx, params, params ? jd_params_dtype(params) : JD_F32);
    return f;
}

void jd_fn_free(jd_fn *f)
{
    if (!f) return;
    while (f->plan) {
        jd_plan *next = f->plan->next;
        jd__plan_free(f->plan);
        f->plan = next;
    }
    jd__graph_done(&f->graph);
    jd_free(f->ctx, f);
}

/* The names of inputs are short; one that is NULL is found out when a plan is made. */
static bool same_name(const char *a, const char *b)
{
    if (!b) return false;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool fits(const jd_plan *p, const jd_tensor *in, int n)
{
    if (p->ninput != n || (n && !in)) return false;
    for (int i = 0; i < n; i++) {
        const jd__io *io = &p->input[i];
        if (io->type.rank != in[i].type.rank || io->type.dtype != in[i].type.dtype) return false;
        for (int d = 0; d < io->type.rank; d++)
            if (io->type.dim[d] != in[i].type.dim[d]) return false;
        if (io->name != in[i].name && !same_name(io->name, in[i].name)) return false;
    }
    return true;
}

/* Without parameters the function computes in the type of its inputs. */
static jd_dtype real_of(const jd_fn *f, const jd_tensor *in, int n)
{
    if (f->params) return jd_params_dtype(f->params);
    for (int i = 0; i < n; i++)
        if (in[i].type.dtype != JD_I32) return in[i].type.dtype;
    return JD_F32;
}

static jd_status check_inputs(jd_fn *f, const jd_tensor *in, int n)
{
    if (n < 0 || (n && !in)) return jd_fail(f->ctx, JD_EUSAGE, "%d inputs%s", n, n < 0 ? "" : " at NULL");
    for (int i = 0; i < n; i++) {
        char shape[64];
        if (!jd__given(f->ctx, "jd_fn_run", "the name of an input", in[i].name)) return jd_error(f->ctx);
        if (in[i].type.rank < 0 || in[i].type.rank > JD_MAX_RANK)
            return jd_fail(f->ctx, JD_EUSAGE, "input \"%s\": rank %d; 0..%d is possible", in[i].name, in[i].type.rank,
                           JD_MAX_RANK);
        for (int d = 0; d < in[i].type.rank; d++)
            if (in[i].type.dim[d] < 0 || in[i].type.dim[d] > INT32_MAX)
                return jd_fail(f->ctx, JD_EUSAGE, "input \"%s\": dimension %d of %s is out of range", in[i].name, d,
                               jd__shape_text(&in[i].type, shape));
        for (int k = 0; k < i; k++)
            if (!strcmp(in[i].name, in[k].name))
                return jd_fail(f->ctx, JD_EUSAGE, "input \"%s\": given twice", in[i].name);
    }
    return JD_OK;
}

void jd_fn_keep(jd_fn *f, size_t bytes)
{
    if (f) f->keep = bytes;
}

/* Frees what was not used for longest.  Runs that a device may still be at work on stay. */
static void forget(jd_fn *f)
{
    size_t bytes = 0;
    int plans = 0;
    for (jd_plan **at = &f->plan, *p; (p = *at) != NULL;) {
        if (!p->held && p != f->last.plan && p != f->before.plan) {
            bytes += p->arena_bytes + p->memory_size;
            plans++;
            if (plans > 2 && (bytes > f->keep || plans > MOST_PLANS)) {
                *at = p->next;
                jd__plan_free(p);
                continue;
            }
        }
        at = &p->next;
    }
}

void jd_fn_lenient(jd_fn *f)
{
    if (f) f->lenient = true;
}

/* Whether a name may be given though nothing took it: what jd_has_arg was asked for, and "step", which layers as dropout take. */
static bool is_spare(const jd_fn *f, const char *name)
{
    for (int i = 0; i < f->graph.nwanted; i++)
        if (!strcmp(f->graph.wanted[i], name)) return true;
    return !strcmp(name, "step");
}

/* An input that the traced function did not ask for is misspelt, as a rule: the nearest name that it did ask for. */
static jd_status check_wanted(jd_fn *f, const jd_tensor *in, int n)
{
    jd_graph *g = &f->graph;
    for (int i = 0; i < n && !f->lenient; i++) {
        if (g->arg_value[i] || is_spare(f, in[i].name)) continue;
        const char **words = jd__graph_alloc(g, (size_t)(n + g->nwanted + 2) * sizeof *words);
        if (!words) return jd_error(f->ctx);
        int k = 0;
        for (int j = 0; j < n; j++)
            if (g->arg_value[j]) words[k++] = in[j].name;
        for (int j = 0; j < g->nwanted; j++) words[k++] = g->wanted[j];
        words[k] = "step";
        const char *near = jd_nearest(in[i].name, words);
        return jd_fail(f->ctx, JD_EUSAGE, "input \"%s\": the function asks for no such input%s%s%s", in[i].name,
                       near ? "; did you mean \"" : "; take it out", near ? near : "", near ? "\"?" : "");
    }
    return JD_OK;
}

static jd_plan *new_plan(jd_fn *f, const jd_tensor *in, int n)
{
    const double start = jd_now();
    f->graph.real = real_of(f, in, n);
    if (jd__graph_reset(&f->graph, in, n)) return NULL;
    f->trace(&f->graph, f->user);
    if (jd_error(f->ctx) || check_wanted(f, in, n)) return NULL;
    const double traced = jd_now() - start;
    jd_plan *p;
    if (jd__compile(&f->graph, &p)) return NULL;
    p->trace_seconds = traced;
    p->next = f->plan;
    f->plan = p;
    forget(f);
    return p;
}

static jd_plan *plan_for(jd_fn *f, const jd_tensor *in, int n)
{
    if (jd_error(f->ctx)) return NULL;
    jd_plan *before = NULL;
    for (jd_plan *p = f->plan; p; before = p, p = p->next) {
        if (!fits(p, in, n)) continue;
        if (before) {
            before->next = p->next;
            p->next = f->plan;
            f->plan = p;
        }
        return p;
    }
    /* Weights are drawn while their function is traced: in the same arithmetic whatever the program has set. */
    const uint32_t mode = jd__plain_arithmetic();
    jd_plan *p = check_inputs(f, in, n) ? NULL : new_plan(f, in, n);
    jd__arithmetic_end(mode);
    return p;
}

jd_plan *jd_fn_plan(jd_fn *f, const jd_tensor *in, int n)
{
    jd_plan *p = f ? plan_for(f, in, n) : NULL;
    if (p) p->held = true;
    return p;
}

/* For a small net the call of memcpy is part of the time that counts. */
static void copy_input(void *to, const void *from, size_t n)
{
    enum { FEW = 128 };
    if (n > FEW || n % 4) {
        memcpy(to, from, n);
        return;
    }
    char *a = to;
    const char *b = from;
    for (; n >= 16; n -= 16, a += 16, b += 16) memcpy(a, b, 16);
    for (; n; n -= 4, a += 4, b += 4) memcpy(a, b, 4);
}

jd_status jd_fn_run(jd_fn *f, const jd_tensor *in, int n)
{
    if (!f) return JD_EUSAGE;
    jd_plan *p = plan_for(f, in, n);
    if (!p) return jd_error(f->ctx);
    if (p->off) {
        if (jd__offload_run(p, in, n)) return jd_error(f->ctx);
        f->before = f->last;
        f->last.plan = p;
        f->last.run = p->off->runs - 1;
        return JD_OK;
    }
    for (int i = 0; i < n; i++)
        if (p->input[i].used && in[i].data)
            copy_input(p->input[i].data, in[i].data,
                       (size_t)jd__count(&in[i].type) * (in[i].type.dtype == JD_F64 ? 8 : 4));
    return jd_plan_run(p);
}

static jd__io *find_io(jd_ctx *ctx, jd__io *io, int n, const char *name, const char *what)
{
    if (!jd__given(ctx, what, "its name", name)) return NULL;
    const char *words[65] = {0};
    for (int i = 0; i < n; i++) {
        if (!strcmp(io[i].name, name)) return &io[i];
        if (i < 64) words[i] = io[i].name;
    }
    const char *near = jd_nearest(name, words);
    jd_fail(ctx, JD_EUSAGE, "no %s \"%s\"%s%s%s", what, name, near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return NULL;
}

void *jd_plan_input(jd_plan *p, const char *name)
{
    if (!p) return NULL;
    jd__io *io = find_io(p->ctx, p->input, p->ninput, name, "input");
    if (p->off) p->off->exposed = true;
    return io ? io->data : NULL;
}

const void *jd_plan_result(jd_plan *p, const char *name, jd_type *type)
{
    if (!p) return NULL;
    jd__io *io = find_io(p->ctx, p->result, p->nresult, name, "result");
    if (!io || (p->off && jd__offload_result(p, io))) return NULL;
    if (type) *type = io->type;
    return io->data;
}

const void *jd_fn_result(jd_fn *f, const char *name, jd_type *type)
{
    if (!f) return NULL;
    if (jd_error(f->ctx)) return NULL;
    if (!f->plan) {
        jd_fail(f->ctx, JD_EUSAGE, "jd_fn_result \"%s\": the function has not run yet; call jd_fn_run first", name);
        return NULL;
    }
    return jd_plan_result(f->plan, name, type);
}

double jd_fn_scalar(jd_fn *f, const char *name)
{
    if (!f) return 0;
    jd_type t;
    const void *data = jd_fn_result(f, name, &t);
    if (!data) return 0;
    if (jd__count(&t) != 1) {
        char shape[64];
        jd_fail(f->ctx, JD_EUSAGE, "jd_fn_scalar \"%s\": has the shape %s; read it with jd_fn_result", name,
                jd__shape_text(&t, shape));
        return 0;
    }
    return t.dtype == JD_F32   ? (double)*(const float *)data
           : t.dtype == JD_F64 ? *(const double *)data
                               : (double)*(const int32_t *)data;
}

double jd_fn_scalar_before(jd_fn *f, const char *name)
{
    if (!f) return 0;
    double value = 0;
    if (jd_error(f->ctx)) return 0;
    if (!f->before.plan) {
        jd_fail(f->ctx, JD_EUSAGE,
                "jd_fn_scalar_before \"%s\": needs a device and two runs; read the value with jd_fn_scalar", name);
        return 0;
    }
    const jd__io *io = find_io(f->ctx, f->before.plan->result, f->before.plan->nresult, name, "result");
    if (io) jd__offload_scalar(f->before.plan, io, f->before.run, &value);
    return value;
}
