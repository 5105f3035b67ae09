/* rnn3d_library.c - the same step by the library's own operation, in one piece: what the boxes are compared with. */
#include <string.h>

#include "jackdaw/layers.h"
#include "rnn3d_library.h"

enum { ARG_W, ARG_R, ARG_B, ARG_V, ARG_V0, ARGS };

static void trace(jd_graph *g, void *unused)
{
    static const char *const name[ARGS] = {"W", "R", "b", "V", "v"};
    jd_node p[ARGS], grad[ARGS];
    (void)unused;
    for (int i = 0; i < ARGS; i++) p[i] = jd_arg(g, name[i]);
    const jd_node h =
        jd_mdlstm_raw(g, (jd_mdlstm_args){.x = jd_arg(g, "x"), .W = p[ARG_W], .R = p[ARG_R], .b = p[ARG_B]}).y;
    const int64_t voxels = jd_dim(g, h, 1) * jd_dim(g, h, 2) * jd_dim(g, h, 3), n = jd_dim(g, h, 4);
    const jd_node y = jd_matmul(g, jd_reshape(g, h, JD_DIMS(voxels, n)), p[ARG_V], .tb = true); /* (voxels,1) */
    const jd_node each = jd_sigmoid_xent_each(g, jd_add(g, y, p[ARG_V0]), jd_arg(g, "target"));
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_grad(g, loss, JD_NONE, p, ARGS, grad);
    jd_result(g, "loss", loss);
    for (int i = 0; i < ARGS; i++) jd_result(g, name[i], grad[i]);
}

jd_status r3_by_library(jd_ctx *ctx, const r3_options *o, const double *weight, const double *volume,
                        const double *target, double *gradient, double *loss)
{
    const int64_t C = o->cells, G = R3_DIRECTIONS * R3_GATES * C, voxels = (int64_t)o->dim[0] * o->dim[1] * o->dim[2];
    const double *at[ARGS] = {weight, weight + G, weight + G * (1 + 3 * C), weight + G * (2 + 3 * C),
                              weight + G * (2 + 3 * C) + R3_DIRECTIONS * C};
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, volume, 1, o->dim[0], o->dim[1], o->dim[2], 1),
                            JD_TENSOR("target", JD_F64, target, voxels, 1),
                            JD_TENSOR("W", JD_F64, at[ARG_W], G, 1),
                            JD_TENSOR("R", JD_F64, at[ARG_R], G, 3 * C),
                            JD_TENSOR("b", JD_F64, at[ARG_B], G),
                            JD_TENSOR("V", JD_F64, at[ARG_V], 1, R3_DIRECTIONS * C),
                            JD_TENSOR("v", JD_F64, at[ARG_V0], 1)};
    static const char *const name[ARGS] = {"W", "R", "b", "V", "v"};
    jd_params *none = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, none, trace, NULL);
    if (f && !jd_fn_run(f, in, sizeof in / sizeof *in)) {
        *loss = jd_fn_scalar(f, "loss");
        for (int i = 0; i < ARGS && !jd_error(ctx); i++) {
            jd_type t;
            const double *from = jd_fn_result(f, name[i], &t);
            if (from) memcpy(gradient + (at[i] - weight), from, (size_t)jd_type_count(&t) * sizeof *gradient);
        }
    }
    jd_fn_free(f);
    jd_params_free(none);
    return jd_error(ctx);
}
