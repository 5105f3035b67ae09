/*
 * random.c - arrays of random numbers that are a function of (seed of the context, name, step, element).
 * Uniform: element e is what the (e+1)-th call of jd_rng_uniform gives on jd_rng_new(seed, name, step).  Normal: the
 * normal quantile of the middle of the e-th of 2^32 equal intervals, named by the same 32 bits.  The numbers of a float64
 * function are those of the float32 one, so that gradient checks see the same noise.
 */
#ifndef REAL
#include <string.h>

#include "base/ctx.h"
#include "base/given.h"
#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/real.h"

static jd_status infer_random(jd_infer *c)
{
    const jd_random_attr *a = c->attr;
    if (c->in[0].rank != 0 || c->in[0].dtype != JD_I32)
        return jd__bad(c, "needs the step as an int32 scalar (); pass the step counter of the training");
    c->out[0] = *a->type;
    return JD_OK;
}

static jd_node add_random(jd_graph *g, const char *name, jd_node step, jd_dims shape, int32_t kind)
{
    if (jd_error(jd_graph_ctx(g)) || !jd__given(g->ctx, "a random number", "its name", name) ||
        !jd__shape_ok(g, name, &shape, 0))
        return JD_NONE;
    const size_t scope = strlen(g->scope), n = strlen(name);
    char *full = jd__graph_alloc(g, scope + n + 1);
    jd_type *t = jd__graph_alloc(g, sizeof *t);
    if (!full || !t) return JD_NONE;
    memcpy(full, g->scope, scope);
    memcpy(full + scope, name, n + 1);
    t->dtype = g->real;
    t->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) t->dim[i] = shape.dim[i];
    const jd_random_attr a = {.name_hash = jd__rng_hash(full), .type = t, .kind = kind};
    return jd__add(g, JD_OP_random, &a, &step, 1, NULL);
}

jd_node jd_random_uniform(jd_graph *g, const char *name, jd_node step, jd_dims shape)
{
    return add_random(g, name, step, shape, 0);
}

jd_node jd_random_normal(jd_graph *g, const char *name, jd_node step, jd_dims shape)
{
    return add_random(g, name, step, shape, 1);
}

#define JD_SELF "ops/random.c"
#include "ops/twice.h"

const jd_op jd__op_random = {.name = "random",
                             .doc = "uniform or normal numbers of (seed, name, step, element)",
                             .attr_bytes = sizeof(jd_random_attr),
                             .infer = infer_random,
                             .ref = {random_f32, random_f64}};
#else

static void FN(random)(const jd_call *c, const jd_worker *w)
{
    const jd_random_attr *a = c->attr;
    const size_t n = (size_t)jd__count(&c->out_type[0]);
    REAL *y = c->out[0];
    uint32_t key[2], u[4];
    jd__rng_key(c->seed, a->name_hash, key);
    size_t begin, end;
    jd_share(w, n, 4, &begin, &end);
    for (size_t e = begin; e < end; e += 4) {
        const uint64_t block = e / 4;
        jd_philox4x32((const uint32_t[4]){(uint32_t)block, (uint32_t)(block >> 32), *(const uint32_t *)c->in[0], 0},
                      key, u);
        for (size_t i = 0; i < 4 && e + i < end; i++)
            y[e + i] =
                a->kind ? (REAL)jd__normal_quantile(((double)u[i] + 0.5) * 0x1p-32) : (REAL)(u[i] >> 8) * (REAL)0x1p-24;
    }
}
#endif
