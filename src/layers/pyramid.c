/* pyramid.c - the convolutional LSTM with its own parameters, and the six scans of a volume (PyraMiD-LSTM). */
#include <math.h>

#include "layers/layers.h"

static jd_node scan(jd_graph *g, const char *name, jd_node x, jd_node size, bool reverse, const jd_pyramid_options *o)
{
    const int64_t C = o->units, k = o->size ? o->size : 3, N = jd_dim(g, x, 4);
    jd_init W = o->init, R = o->init,
            b = {.kind = JD_INIT_LSTM_BIAS, .scale = o->forget_bias != 0 ? o->forget_bias : 1};
    if (!W.kind && W.scale == 0) {
        W = (jd_init){.kind = JD_INIT_UNIFORM, .scale = 1 / sqrt((double)(k * k * N))};
        R = (jd_init){.kind = JD_INIT_UNIFORM, .scale = 1 / sqrt((double)(k * k * C))};
    }
    jd_scope_push(g, name);
    const jd_convlstm_args a = {.x = x,
                                .size = size,
                                .W = jd_param(g, "W", W, JD_DIMS(4 * C, k, k, N)),
                                .R = jd_param(g, "R", R, JD_DIMS(4 * C, k, k, C)),
                                .b = jd_param(g, "b", b, JD_DIMS(4 * C)),
                                .reverse = reverse};
    const jd_node y = jd_convlstm_raw(g, a).y;
    jd_scope_pop(g);
    return y;
}

static bool options_ok(jd_graph *g, const char *name, jd_node x, const jd_pyramid_options *o)
{
    if (!x.id || !jd__size_ok(g, name, ".units", o->units)) return false;
    if (jd_rank(g, x) == 5 && o->size >= 0 && (o->size == 0 || o->size % 2 == 1)) return true;
    jd_fail(jd_graph_ctx(g), JD_EUSAGE,
            "%s: needs volumes of rank 5 and windows with an odd side; the input has rank %d, the side is %d", name,
            jd_rank(g, x), o->size ? o->size : 3);
    return false;
}

jd_node jd_convlstm_opt(jd_graph *g, const char *name, jd_node x, jd_convlstm_options o)
{
    const jd_pyramid_options p = {.units = o.units, .size = o.size, .forget_bias = o.forget_bias, .init = o.init};
    return options_ok(g, name, x, &p) ? scan(g, name, x, o.extent, o.reverse, &p) : JD_NONE;
}

/* (B,d1,d2,d3,C) with axis e = 1, 2 or 3 first, as a sequence of planes across it: (de,B,the other two,C); and back. */
static jd_node across(jd_graph *g, jd_node x, int e)
{
    int perm[5] = {e, 0, 1, 2, 4};
    for (int i = 1, k = 2; i < 4; i++)
        if (i != e) perm[k++] = i;
    return jd_transpose(g, x, perm);
}
static jd_node back(jd_graph *g, jd_node y, int e)
{
    int perm[5] = {1, 2, 3, 3, 4};
    for (int i = 1, k = 2; i < 4; i++) perm[i] = i == e ? 0 : k++;
    return jd_transpose(g, y, perm);
}

jd_node jd_pyramid_opt(jd_graph *g, const char *name, jd_node x, jd_pyramid_options o)
{
    static const char *const direction[3][2] = {{"z+", "z-"}, {"y+", "y-"}, {"x+", "x-"}};
    jd_node sum = JD_NONE;
    if (!options_ok(g, name, x, &o)) return JD_NONE;
    jd_scope_push(g, name);
    for (int e = 1; e <= 3; e++) {
        const jd_node planes = across(g, x, e);
        jd_node extent = JD_NONE, part[3];
        for (int i = 0, k = 1; o.extent.id && i < 3; i++) {
            const jd_node column = jd_slice(g, o.extent, 1, i, 1);
            part[i + 1 == e ? 0 : k++] = column;
        }
        if (o.extent.id) extent = jd_concat(g, part, 3, 1);
        const jd_node up = scan(g, direction[e - 1][0], planes, extent, false, &o);
        const jd_node down = scan(g, direction[e - 1][1], planes, extent, true, &o);
        if (!up.id || !down.id) break;
        const jd_node both = back(g, jd_add(g, up, down), e);
        sum = sum.id ? jd_add(g, sum, both) : both;
    }
    jd_scope_pop(g);
    return jd_error(jd_graph_ctx(g)) ? JD_NONE : sum;
}
