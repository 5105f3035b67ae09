/* leaf.c - inputs, parameters, states, constants: values that no kernel computes. */
#include <string.h>

#include "base/given.h"
#include "graph/graph.h"

/* Leaves are added with their type in a side channel: the attribute cannot hold a jd_type. */
typedef struct leaf_attr {
    jd__leaf_attr leaf;
    const jd_type *type;
} leaf_attr;

static jd_status infer_leaf(jd_infer *c)
{
    const leaf_attr *a = c->attr;
    c->out[0] = *a->type;
    return JD_OK;
}

#define LEAF(name_, doc_)                                                                                              \
    const jd_op jd__op_##name_ = {                                                                                     \
        .name = #name_, .doc = doc_, .flags = JD_OP_LEAF, .attr_bytes = sizeof(leaf_attr), .infer = infer_leaf};
LEAF(arg, "an input of the traced function")
LEAF(param, "a range of the parameter vector")
LEAF(state, "a state buffer beside the parameters")
LEAF(constant, "one number, repeated")
LEAF(iota, "0, 1, 2, ... as int32")

static jd_node leaf(jd_graph *g, jd_opcode code, int64_t offset, double value, const jd_type *type)
{
    jd_type *t = jd__graph_alloc(g, sizeof *t);
    if (!t) return JD_NONE;
    *t = *type;
    return jd__add(g, code, &(leaf_attr){{offset, value}, t}, NULL, 0, NULL);
}

static jd_type real_type(const jd_graph *g, jd_dims d)
{
    jd_type t = {.dtype = g->real, .rank = d.rank};
    for (int i = 0; i < d.rank; i++) t.dim[i] = d.dim[i];
    return t;
}

/* Whoever asks whether an input is there would use it. */
static void note_wanted(jd_graph *g, const char *name)
{
    for (int i = 0; i < g->nwanted; i++)
        if (!strcmp(g->wanted[i], name)) return;
    if (g->nwanted == g->cap_wanted) {
        const int more = g->cap_wanted ? 2 * g->cap_wanted : 8;
        const char **larger = jd__graph_alloc(g, (size_t)more * sizeof *larger);
        if (!larger) return;
        if (g->nwanted) memcpy(larger, g->wanted, (size_t)g->nwanted * sizeof *larger);
        g->wanted = larger;
        g->cap_wanted = more;
    }
    char *copy = jd__graph_alloc(g, strlen(name) + 1);
    if (!copy) return;
    g->wanted[g->nwanted++] = strcpy(copy, name);
}

bool jd_has_arg(jd_graph *g, const char *name)
{
    if (jd_error(jd_graph_ctx(g)) || !jd__given(g->ctx, __func__, "name", name)) return false;
    note_wanted(g, name);
    for (int i = 0; i < g->narg; i++)
        if (!strcmp(g->arg[i].name, name)) return true;
    return false;
}

jd_node jd_arg(jd_graph *g, const char *name)
{
    if (jd_error(jd_graph_ctx(g)) || !jd__given(g->ctx, __func__, "name", name)) return JD_NONE;
    for (int i = 0; i < g->narg; i++)
        if (!strcmp(g->arg[i].name, name)) {
            if (!g->arg_value[i]) {
                jd_type t = g->arg[i].type;
                if (t.dtype != JD_I32 && t.dtype != g->real) {
                    jd_fail(g->ctx, JD_EUSAGE, "%sarg \"%s\": given as %s, but this function computes in %s", g->scope,
                            name, t.dtype == JD_F32 ? "float32" : "float64", g->real == JD_F32 ? "float32" : "float64");
                    return JD_NONE;
                }
                const jd_node x = jd_named(g, name, leaf(g, JD_OP_arg, i, 0, &t));
                g->arg_value[i] = x.id;
            }
            return (jd_node){g->arg_value[i]};
        }
    const char **words = jd__graph_alloc(g, (size_t)(g->narg + 1) * sizeof *words);
    if (!words) return JD_NONE;
    for (int i = 0; i < g->narg; i++) words[i] = g->arg[i].name;
    const char *near = jd_nearest(name, words);
    jd_fail(g->ctx, JD_EUSAGE, "%sarg \"%s\": no such input was given%s%s%s", g->scope, name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return JD_NONE;
}

jd_node jd_const(jd_graph *g, double value, jd_dims shape)
{
    if (jd_error(jd_graph_ctx(g)) || !jd__shape_ok(g, "jd_const", &shape, 0)) return JD_NONE;
    const jd_type t = real_type(g, shape);
    return leaf(g, JD_OP_constant, 0, value, &t);
}

jd_node jd_iota(jd_graph *g, int64_t n)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return leaf(g, JD_OP_iota, 0, 0, &(jd_type){JD_I32, 1, {n}});
}

static const char *scoped(jd_graph *g, const char *name)
{
    if (!jd__given(g->ctx, "a parameter or state", "its name", name)) return NULL;
    char *s = jd__graph_alloc(g, strlen(g->scope) + strlen(name) + 1);
    if (s) strcat(strcpy(s, g->scope), name);
    return s;
}

jd_node jd_param(jd_graph *g, const char *name, jd_init init, jd_dims shape)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    const char *full = scoped(g, name);
    if (!full) return JD_NONE;
    if (!g->params) {
        jd_fail(g->ctx, JD_EUSAGE,
                "param \"%s\": this function was made without a parameter store; pass a jd_params to "
                "jd_fn_new",
                full);
        return JD_NONE;
    }
    if (!jd__shape_ok(g, full, &shape, 0)) return JD_NONE;
    const jd_type t = real_type(g, shape);
    const int i = jd__params_intern(g->params, full, &t, &init);
    if (i < 0) return JD_NONE;
    jd_node w = jd_named(g, full, leaf(g, JD_OP_param, (int64_t)g->params->range[i].offset, 0, &t));
    if (g->noise > 0 && g->noise_step.id)
        w = jd_add(g, w, jd_affine(g, jd_random_normal(g, full, g->noise_step, shape), g->noise, 0));
    return w;
}

jd_node jd__params_node(jd_graph *g)
{
    if (jd_error(jd_graph_ctx(g)) || !g->params) return JD_NONE;
    return jd_named(g, "parameters", leaf(g, JD_OP_param, 0, 0, &(jd_type){g->real, 1, {(int64_t)g->params->count}}));
}

jd_node jd_state(jd_graph *g, const char *name, jd_dtype dtype, jd_dims shape)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    const char *full = scoped(g, name);
    if (!full) return JD_NONE;
    if (!g->params) {
        jd_fail(g->ctx, JD_EUSAGE, "state \"%s\": this function was made without a parameter store", full);
        return JD_NONE;
    }
    if (!jd__shape_ok(g, full, &shape, 0)) return JD_NONE;
    jd_type t = real_type(g, shape);
    t.dtype = dtype;
    const int i = jd__params_intern_state(g->params, full, &t);
    if (i < 0) return JD_NONE;
    return jd_named(g, full, leaf(g, JD_OP_state, i, 0, &t));
}

void jd_weight_noise(jd_graph *g, double sigma, jd_node step)
{
    if (!g) return;
    g->noise = sigma;
    g->noise_step = step;
}
