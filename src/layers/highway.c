/* highway.c - highway layers; see layers.h. */
#include <stdio.h>

#include "layers/layers.h"

jd_node jd_highway_opt(jd_graph *g, const char *name, jd_node x, jd_highway_options o)
{
    const int64_t layers = o.layers ? o.layers : 1;
    if (!x.id || !jd__size_ok(g, name, ".layers", layers)) return JD_NONE;
    if (jd_rank(g, x) < 2) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a highway needs an input (B,...,C), but its input has rank %d", name,
                jd_rank(g, x));
        return JD_NONE;
    }
    const int64_t C = jd_dim(g, x, -1);
    const jd_init bias = {.kind = JD_INIT_CONST, .scale = o.gate_bias != 0 ? o.gate_bias : -2};
    jd_scope_push(g, name);
    for (int64_t i = 1; i <= layers && x.id; i++) {
        char scope[24];
        snprintf(scope, sizeof scope, "%lld", (long long)i);
        jd_scope_push(g, scope);
        const jd_node h = jd_dense(g, "H", x, .units = C, .act = o.act, .each = true, .init = o.init);
        const jd_node t =
            jd_dense(g, "T", x, .units = C, .act = JD_SIGMOID, .each = true, .init = o.init, .bias_init = bias);
        x = jd_add(g, x, jd_mul(g, t, jd_sub(g, h, x)));
        jd_scope_pop(g);
    }
    jd_scope_pop(g);
    return x;
}
