/* activate.c - squashing functions by name. */
#include "layers/layers.h"

jd_node jd_activate(jd_graph *g, jd_node x, jd_activation act)
{
    switch (act) {
    case JD_TANH: return jd_tanh(g, x);
    case JD_SIGMOID: return jd_sigmoid(g, x);
    case JD_RELU: return jd_relu(g, x);
    case JD_SCALED_TANH: return jd_affine(g, jd_tanh(g, jd_affine(g, x, 0.6666, 0)), 1.7159, 0);
    default: return x;
    }
}

jd_init jd__default_init(jd_init given, jd_activation act)
{
    if (given.kind != JD_INIT_ZERO || given.scale != 0) return given;
    return (jd_init){.kind = act == JD_RELU ? JD_INIT_HE : JD_INIT_GLOROT};
}

bool jd__size_ok(jd_graph *g, const char *name, const char *what, int64_t n)
{
    if (n > 0) return true;
    if (!jd_error(jd_graph_ctx(g)))
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: %s is %lld; it must be at least 1", name, what, (long long)n);
    return false;
}
