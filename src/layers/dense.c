/* dense.c - fully connected layers, embeddings, and the noise layers. */
#include "layers/layers.h"

jd_node jd_dense_opt(jd_graph *g, const char *name, jd_node x, jd_dense_options o)
{
    if (!x.id || !jd__size_ok(g, name, ".units", o.units)) return JD_NONE;
    const int rank = jd_rank(g, x);
    const bool each = rank == 3 || (o.each && rank > 2);
    jd_dims shape = {rank, {0}};
    int64_t outer = rank >= 1 ? jd_dim(g, x, 0) : 1;
    for (int i = 0; i < rank; i++) shape.dim[i] = jd_dim(g, x, i);
    for (int i = 1; each && i + 1 < rank; i++) outer *= shape.dim[i];
    const jd_node flat = rank == 2 ? x : jd_reshape(g, x, JD_DIMS(outer, -1));
    jd_scope_push(g, name);
    const jd_node w = jd_param(g, "W", jd__default_init(o.init, o.act), JD_DIMS(o.units, jd_dim(g, flat, 1)));
    jd_node y = jd_matmul(g, flat, w, .tb = true);
    if (!o.no_bias) y = jd_add(g, y, jd_param(g, "b", o.bias_init, JD_DIMS(o.units)));
    y = jd_activate(g, y, o.act);
    jd_scope_pop(g);
    if (!each) return y;
    shape.dim[rank - 1] = o.units;
    return jd_reshape(g, y, shape);
}

jd_node jd_embedding(jd_graph *g, const char *name, jd_node index, int64_t symbols, int64_t units)
{
    if (!index.id || !jd__size_ok(g, name, "symbols", symbols) || !jd__size_ok(g, name, "units", units)) return JD_NONE;
    jd_scope_push(g, name);
    const jd_node table = jd_param(g, "W", (jd_init){.kind = JD_INIT_NORMAL, .scale = 1}, JD_DIMS(symbols, units));
    jd_scope_pop(g);
    return jd_gather(g, table, index);
}

static jd_dims dims_of(jd_graph *g, jd_node x)
{
    const jd_type *t = jd_type_of(g, x);
    jd_dims d = {t->rank, {0}};
    for (int i = 0; i < t->rank; i++) d.dim[i] = t->dim[i];
    return d;
}

jd_node jd_dropout(jd_graph *g, const char *name, jd_node x, double rate)
{
    if (!x.id) return JD_NONE;
    if (rate < 0 || rate >= 1) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: dropout rate %g; it must lie in [0,1)", name, rate);
        return JD_NONE;
    }
    if (rate == 0 || !jd_has_arg(g, "step")) return x;
    const jd_node u = jd_random_uniform(g, name, jd_arg(g, "step"), dims_of(g, x));
    const jd_node keep = jd_greater(g, u, jd_const(g, rate, JD_SCALAR));
    return jd_mul(g, x, jd_affine(g, keep, 1 / (1 - rate), 0));
}

jd_node jd_gauss_noise(jd_graph *g, const char *name, jd_node x, double sigma)
{
    if (!x.id || sigma == 0 || !jd_has_arg(g, "step")) return x;
    const jd_node n = jd_random_normal(g, name, jd_arg(g, "step"), dims_of(g, x));
    return jd_add(g, x, jd_affine(g, n, sigma, 0));
}
