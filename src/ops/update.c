/*
 * update.c - the update rules as nodes: gradient of all parameters, clipping, states, and the op that writes.
 */
#include "ops/update.h"

#include <math.h>
#include <stdio.h>

#include "base/ctx.h"
#include "base/ranks.h"
#include "graph/graph.h"

jd_status jd__infer_update(jd_infer *c)
{
    static const char *const what[] = {"the gradient", "lr", "the scale", "the parameters", "state 1", "state 2", "t"};
    const int64_t P = c->in[JD_UP_W].rank == 1 ? c->in[JD_UP_W].dim[0] : -1;
    const jd_dtype real = jd_real(c->g);
    for (int i = 0; i < c->nin; i++) {
        const jd_type *t = &c->in[i];
        const bool scalar = i == JD_UP_LR || i == JD_UP_SCALE || i == JD_UP_T;
        const bool optional = i == JD_UP_SCALE || i > JD_UP_W;
        if (t->rank < 0 && optional) continue;
        if (t->dtype != (i == JD_UP_T ? JD_F64 : real) || (scalar ? t->rank != 0 : t->rank != 1 || t->dim[0] != P))
            return jd__bad(c, "%s must be a real %s; reshape it", what[i],
                           scalar ? "scalar ()" : "vector as long as the parameters");
    }
    c->nout = 0;
    return JD_OK;
}

enum { USES_MOMENTUM = 1, USES_CLIP = 2, USES_BETA1 = 4, USES_BETA2 = 8, USES_EPSILON = 16 };

static void check_range(jd_graph *g, const char *rule, const char *option, double x, double below, bool used)
{
    if (x != 0 && !used)
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: option %s has no meaning for this rule; leave it out", rule, option);
    else if (!(x >= 0 && x < below))
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: %s is %g; give a number from 0 to below %g", rule, option, x, below);
}

static void check_options(jd_graph *g, const char *rule, const jd_update_options *o, unsigned uses)
{
    check_range(g, rule, "momentum", o->momentum, 1, uses & USES_MOMENTUM);
    check_range(g, rule, "clip", o->clip, INFINITY, uses & USES_CLIP);
    check_range(g, rule, "weight_decay", o->weight_decay, INFINITY, true);
    check_range(g, rule, "beta1", o->beta1, 1, uses & USES_BETA1);
    check_range(g, rule, "beta2", o->beta2, 1, uses & USES_BETA2);
    check_range(g, rule, "epsilon", o->epsilon, INFINITY, uses & USES_EPSILON);
    if (o->nesterov && !(o->momentum > 0))
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: nesterov without momentum; set momentum, for example 0.9", rule);
}

/* min(1, clip / |gradient|): scales the gradient down to the norm `clip` (Pascanu, Mikolov, Bengio, ICML 2013). */
static jd_node clip_scale(jd_graph *g, jd_node grad, double clip)
{
    if (!(clip > 0)) return JD_NONE;
    const jd_node norm = jd_sqrt(g, jd_sum(g, jd_square(g, grad), JD_ALL_AXES, false));
    const jd_node ratio = jd_div(g, jd_const(g, clip, JD_SCALAR), jd_affine(g, norm, 1, 1e-30));
    return jd_min(g, jd_const(g, 1, JD_SCALAR), ratio);
}

static jd_node vector_state(jd_graph *g, const char *name, jd_node w)
{
    return name ? jd_state(g, name, g->real, jd__dims(jd_type_of(g, w))) : JD_NONE;
}

jd_node jd__exchange(jd_graph *g, jd_node gradient, struct jd_group *group)
{
    const jd_exchange_attr a = {group};
    if (!gradient.id || (group && group->shards == 1)) return gradient;
    return jd__add(g, JD_OP_exchange, &a, &gradient, 1, NULL);
}

static void add_update(jd_graph *g, jd_opcode op, jd_node loss, jd_node lr, const jd_update_options *o,
                       const char *const state[3])
{
    if (jd_error(jd_graph_ctx(g))) return;
    jd_node in[JD_UP_INPUTS] = {JD_NONE};
    in[JD_UP_GRAD] = jd_grad_params(g, loss);
    if (g->ctx->group) in[JD_UP_GRAD] = jd__exchange(g, in[JD_UP_GRAD], g->ctx->group);
    in[JD_UP_LR] = lr;
    in[JD_UP_SCALE] = clip_scale(g, in[JD_UP_GRAD], o->clip);
    in[JD_UP_W] = jd__params_node(g);
    in[JD_UP_STATE1] = vector_state(g, state[0], in[JD_UP_W]);
    in[JD_UP_STATE2] = vector_state(g, state[1], in[JD_UP_W]);
    if (state[2]) in[JD_UP_T] = jd_state(g, state[2], JD_F64, JD_SCALAR);
    const jd_update_attr a = {.momentum = o->momentum,
                              .weight_decay = o->weight_decay,
                              .beta1 = o->beta1,
                              .beta2 = o->beta2,
                              .epsilon = o->epsilon,
                              .nesterov = o->nesterov};
    jd__add(g, op, &a, in, JD_UP_INPUTS, NULL);
}

void jd_update_sgd_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o)
{
    check_options(g, "jd_update_sgd", &o, USES_MOMENTUM | USES_CLIP);
    add_update(g, JD_OP_update_sgd, loss, lr, &o,
               (const char *const[]){o.momentum > 0 ? "momentum" : NULL, NULL, NULL});
}

void jd_update_adam_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o)
{
    check_options(g, "jd_update_adam", &o, USES_CLIP | USES_BETA1 | USES_BETA2 | USES_EPSILON);
    if (o.beta1 == 0) o.beta1 = 0.9;
    if (o.beta2 == 0) o.beta2 = 0.999;
    if (o.epsilon == 0) o.epsilon = 1e-8;
    add_update(g, JD_OP_update_adam, loss, lr, &o, (const char *const[]){"adam/m", "adam/v", "adam/t"});
}

void jd_update_rmsprop_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o)
{
    check_options(g, "jd_update_rmsprop", &o, USES_MOMENTUM | USES_CLIP | USES_BETA2 | USES_EPSILON);
    if (o.nesterov)
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "jd_update_rmsprop: nesterov has no meaning for this rule; leave it out");
    if (o.beta2 == 0) o.beta2 = 0.9;
    if (o.epsilon == 0) o.epsilon = 1e-8;
    add_update(g, JD_OP_update_rmsprop, loss, lr, &o,
               (const char *const[]){"rmsprop/ms", o.momentum > 0 ? "rmsprop/velocity" : NULL, NULL});
}

void jd_update_rprop_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o)
{
    check_options(g, "jd_update_rprop", &o, 0);
    add_update(g, JD_OP_update_rprop, loss, lr, &o, (const char *const[]){"rprop/step", "rprop/last", "rprop/t"});
}

void jd_update_average(jd_graph *g, jd_node w, jd_node x, double rate)
{
    if (jd_error(jd_graph_ctx(g))) return;
    const jd_opcode source = jd__op_of(g, w);
    if (source != JD_OP_param && source != JD_OP_state) {
        jd_fail(g->ctx, JD_EUSAGE,
                "jd_update_average: only a parameter or a state can be written; this is neither, or a parameter with "
                "weight noise (jd_weight_noise)");
        return;
    }
    /* plain descent on |x - w|^2 / 2 */
    const jd_node in[JD_UP_INPUTS] = {
        [JD_UP_GRAD] = jd_sub(g, w, x), [JD_UP_LR] = jd_const(g, rate, JD_SCALAR), [JD_UP_W] = w};
    jd__add(g, JD_OP_update_sgd, &(jd_update_attr){0}, in, JD_UP_INPUTS, NULL);
}
