/* conv.c - convolutional layers. */
#include "layers/layers.h"

jd_node jd_conv2d_opt(jd_graph *g, const char *name, jd_node x, jd_conv2d_options o)
{
    const int64_t height = o.height ? o.height : o.size, width = o.width ? o.width : o.size;
    if (!x.id || !jd__size_ok(g, name, ".maps", o.maps) || !jd__size_ok(g, name, ".size", height) ||
        !jd__size_ok(g, name, ".size", width))
        return JD_NONE;
    if (jd_rank(g, x) != 4) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a convolution needs images (B,H,W,C), but its input has rank %d", name,
                jd_rank(g, x));
        return JD_NONE;
    }
    jd_scope_push(g, name);
    const jd_node w =
        jd_param(g, "W", jd__default_init(o.init, o.act), JD_DIMS(o.maps, height, width, jd_dim(g, x, 3)));
    jd_node y = jd_conv2d_raw(g, x, w, (jd_conv_options){.stride = o.stride, .pad = o.pad});
    if (!o.no_bias) y = jd_add(g, y, jd_param(g, "b", o.bias_init, JD_DIMS(o.maps)));
    y = jd_activate(g, y, o.act);
    jd_scope_pop(g);
    return y;
}
