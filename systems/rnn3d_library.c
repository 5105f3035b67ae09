/* rnn3d_library.c - the same step by the library's own operation, in one piece: what the boxes are compared with. */
#include <stdio.h>
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

/* ---- planes ------------------------------------------------------------------------------------------------------------------*/

enum { PLANE_ARGS = 3 * RP_SCANS + 2 };

static const char *plane_name(int i, char text[16])
{
    static const char *const part[3] = {"W", "R", "b"};
    if (i < 3 * RP_SCANS)
        snprintf(text, 16, "%d/%s", i / 3, part[i % 3]);
    else
        snprintf(text, 16, "%s", i == 3 * RP_SCANS ? "V" : "v");
    return text;
}

/* The volume (D,H,W) with the scan's axis first, and back: (T,1,U,V,C) to (voxels,C). */
static jd_node scan(jd_graph *g, jd_node volume, int number, const jd_node *p)
{
    const int axis = number / 2;
    const int there[R3_AXES] = {axis, axis == 0 ? 1 : 0, axis == 2 ? 1 : 2};
    const int back[4] = {axis == 0 ? 0 : 1, axis == 1 ? 0 : axis == 0 ? 1 : 2, axis == 2 ? 0 : 2, 3};
    const jd_node x = jd_transpose(g, volume, there);
    const int64_t T = jd_dim(g, x, 0), U = jd_dim(g, x, 1), V = jd_dim(g, x, 2);
    const jd_convlstm_args a = {
        .x = jd_reshape(g, x, JD_DIMS(T, 1, U, V, 1)), .W = p[0], .R = p[1], .b = p[2], .reverse = number % 2};
    const jd_node y = jd_convlstm_raw(g, a).y;
    const int64_t C = jd_dim(g, y, 4);
    return jd_reshape(g, jd_transpose(g, jd_reshape(g, y, JD_DIMS(T, U, V, C)), back), JD_DIMS(T * U * V, C));
}

static void trace_planes(jd_graph *g, void *unused)
{
    jd_node p[PLANE_ARGS], grad[PLANE_ARGS], h = JD_NONE;
    char text[16];
    (void)unused;
    for (int i = 0; i < PLANE_ARGS; i++) p[i] = jd_arg(g, plane_name(i, text));
    for (int s = 0; s < RP_SCANS; s++) {
        const jd_node y = scan(g, jd_arg(g, "x"), s, p + 3 * s);
        h = s ? jd_add(g, h, y) : y;
    }
    const jd_node y = jd_add(g, jd_matmul(g, h, p[PLANE_ARGS - 2], .tb = true), p[PLANE_ARGS - 1]);
    const jd_node loss = jd_mean(g, jd_sigmoid_xent_each(g, y, jd_arg(g, "target")), JD_ALL_AXES, false);
    jd_grad(g, loss, JD_NONE, p, PLANE_ARGS, grad);
    jd_result(g, "loss", loss);
    for (int i = 0; i < PLANE_ARGS; i++) jd_result(g, plane_name(i, text), grad[i]);
}

jd_status rp_by_library(jd_ctx *ctx, const rp_options *o, const double *weight, const double *volume,
                        const double *target, double *gradient, double *loss)
{
    const int64_t C = o->cells, k = o->size, voxels = (int64_t)o->dim[0] * o->dim[1] * o->dim[2];
    char text[PLANE_ARGS][16];
    jd_tensor in[PLANE_ARGS + 2] = {JD_TENSOR("x", JD_F64, volume, o->dim[0], o->dim[1], o->dim[2]),
                                    JD_TENSOR("target", JD_F64, target, voxels, 1)};
    for (int i = 0; i < PLANE_ARGS; i++) {
        const char *name = plane_name(i, text[i]);
        jd_tensor *t = &in[2 + i];
        if (i == PLANE_ARGS - 1)
            *t = JD_TENSOR(name, JD_F64, weight, 1);
        else if (i == PLANE_ARGS - 2)
            *t = JD_TENSOR(name, JD_F64, weight, 1, C);
        else if (i % 3 == 2)
            *t = JD_TENSOR(name, JD_F64, weight, 4 * C);
        else
            *t = JD_TENSOR(name, JD_F64, weight, 4 * C, k, k, i % 3 ? C : 1);
        weight += jd_type_count(&t->type);
    }
    jd_params *none = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, none, trace_planes, NULL);
    if (f && !jd_fn_run(f, in, sizeof in / sizeof *in)) {
        *loss = jd_fn_scalar(f, "loss");
        for (int i = 0; i < PLANE_ARGS && !jd_error(ctx); i++) {
            const int64_t n = jd_type_count(&in[2 + i].type);
            const double *from = jd_fn_result(f, text[i], NULL);
            if (from) memcpy(gradient, from, (size_t)n * sizeof *gradient);
            gradient += n;
        }
    }
    jd_fn_free(f);
    jd_params_free(none);
    return jd_error(ctx);
}
