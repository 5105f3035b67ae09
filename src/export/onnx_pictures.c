/*
 * onnx_pictures.c - the layers of pictures in ONNX.  Between convolutions channels stand first, as ONNX has it; everything else
 * looks at them with channels last.
 */
#include "export/onnx.h"

#include <string.h>

static const char *transpose(jd_onnx *g, const char *x, int a, int b, int c, int d)
{
    const jd_onnx_attr perm[] = {{.name = "perm", .kind = JD_ONNX_INTS, .i = {a, b, c, d}, .n = 4}, {NULL}};
    return jd__onnx_node(g, "Transpose", JD_ONNX_IN(x), perm, 1, NULL);
}

void jd__onnx_layout(jd_onnx_writer *w, bool first)
{
    if (w->channels_first == first) return;
    w->x = first ? transpose(&w->g, w->x, 0, 3, 1, 2) : transpose(&w->g, w->x, 0, 2, 3, 1);
    w->channels_first = first;
}

/* (rows,columns) of blocks of n numbers become (columns,rows). */
static const char *turned_floats(jd_onnx_writer *w, const char *stem, const float *v, int64_t outer, int64_t rows,
                                 int64_t columns, jd_dims shape)
{
    float *turned = jd_alloc_array(w->p->ctx, (size_t)(outer * rows * columns), sizeof *turned);
    for (int64_t o = 0; turned && o < outer; o++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t k = 0; k < columns; k++)
                turned[(o * columns + k) * rows + i] = v[(o * rows + i) * columns + k];
    const char *name = turned ? jd__onnx_floats(&w->g, stem, turned, shape) : "";
    jd_free(w->p->ctx, turned);
    return name;
}

/* Zeros, or another number, around a picture with its channels first. */
static void put_margin(jd_onnx_writer *w, int64_t n, double level)
{
    const char *pads = jd__onnx_ints(&w->g, (int64_t[]){0, 0, n, n, 0, 0, n, n}, 8);
    w->x = jd__onnx_node(&w->g, "Pad", JD_ONNX_IN(w->x, pads, jd__onnx_number(&w->g, level)), NULL, 1, NULL);
}

static jd_status put_conv(jd_onnx_writer *w, const jd_export_layer *x)
{
    const int64_t M = x->l.units, k = x->l.size, C = x->in.dim[2], s = x->l.stride ? x->l.stride : 1, d = x->l.dilation;
    const bool around = x->l.around != 0 && x->l.pad > 0;
    const int64_t pad = around ? 0 : x->l.pad;
    float *kernel = jd__export_kernel(w->p, x);
    if (!kernel) return jd_error(w->p->ctx);
    jd__onnx_layout(w, true);
    if (around) put_margin(w, x->l.pad, x->l.around);
    const jd_onnx_attr attr[] = {{.name = "kernel_shape", .kind = JD_ONNX_INTS, .i = {k, k}, .n = 2},
                                 {.name = "strides", .kind = JD_ONNX_INTS, .i = {s, s}, .n = 2},
                                 {.name = "dilations", .kind = JD_ONNX_INTS, .i = {d, d}, .n = 2},
                                 {.name = "pads", .kind = JD_ONNX_INTS, .i = {pad, pad, pad, pad}, .n = 4},
                                 {NULL}};
    const char *W = turned_floats(w, x->l.name, kernel, M, k * k, C, JD_DIMS(M, C, k, k));
    const int64_t cells = x->out.dim[0] * x->out.dim[1];
    const char *b =
        x->l.places ? turned_floats(w, x->l.name, x->way[0].b, 1, cells, M, JD_DIMS(M, x->out.dim[0], x->out.dim[1]))
                    : jd__onnx_floats(&w->g, x->l.name, x->way[0].b, JD_DIMS(M));
    w->x = jd__onnx_node(&w->g, "Conv", JD_ONNX_IN(w->x, W, x->l.places ? NULL : b), attr, 1, NULL);
    if (x->l.places) w->x = jd__onnx_two(&w->g, "Add", w->x, b);
    jd__onnx_activation(w, x->l.act);
    jd_free(w->p->ctx, kernel);
    return jd_error(w->p->ctx);
}

/* With `ceil` the last windows reach over the edge; what lies there counts for nothing, neither as a maximum nor in a mean. */
static void put_pool(jd_onnx_writer *w, const jd_export_layer *x)
{
    const int64_t k = x->l.size, s = x->l.stride;
    int64_t over[2];
    for (int i = 0; i < 2; i++) {
        over[i] = (x->out.dim[i] - 1) * s + k - x->in.dim[i];
        if (over[i] < 0) over[i] = 0;
    }
    jd__onnx_layout(w, true);
    const jd_onnx_attr attr[] = {{.name = "kernel_shape", .kind = JD_ONNX_INTS, .i = {k, k}, .n = 2},
                                 {.name = "strides", .kind = JD_ONNX_INTS, .i = {s, s}, .n = 2},
                                 {.name = "pads", .kind = JD_ONNX_INTS, .i = {0, 0, over[0], over[1]}, .n = 4},
                                 {NULL}};
    const char *op = x->l.kind == JD_NET_MAXPOOL ? "MaxPool" : "AveragePool";
    w->x = jd__onnx_node(&w->g, op, JD_ONNX_IN(w->x), attr, 1, NULL);
}

/* x (B,1,H,W) weighted by the Gaussian in both directions, over what of it lies inside the picture. */
static const char *window_mean(jd_onnx_writer *w, const char *x, const jd_export_layer *l)
{
    const int64_t k = l->l.size, H = l->in.dim[0], W = l->in.dim[1];
    float weight[JD_EXPORT_CONTRAST];
    jd__export_gaussian((int)k, weight);
    for (int i = 0; i < 2; i++) {
        const int64_t h = i ? 1 : k, v = i ? k : 1, n = i ? W : H;
        const jd_onnx_attr attr[] = {{.name = "kernel_shape", .kind = JD_ONNX_INTS, .i = {h, v}, .n = 2},
                                     {.name = "pads", .kind = JD_ONNX_INTS, .i = {h / 2, v / 2, h / 2, v / 2}, .n = 4},
                                     {NULL}};
        float *inside = jd_alloc_array(w->p->ctx, (size_t)n, sizeof *inside);
        for (int64_t c = 0; inside && c < n; c++)
            for (int64_t j = 0; j < k; j++)
                if (c + j >= k / 2 && c + j - k / 2 < n) inside[c] += weight[j];
        x = jd__onnx_node(&w->g, "Conv", JD_ONNX_IN(x, jd__onnx_floats(&w->g, "gaussian", weight, JD_DIMS(1, 1, h, v))),
                          attr, 1, NULL);
        if (inside)
            x = jd__onnx_two(&w->g, "Div", x,
                             jd__onnx_floats(&w->g, "inside", inside, i ? JD_DIMS(1, n) : JD_DIMS(n, 1)));
        jd_free(w->p->ctx, inside);
    }
    return x;
}

static const char *mean_of(jd_onnx *g, const char *x, int axis, int axes)
{
    const jd_onnx_attr attr[] = {{.name = "axes", .kind = JD_ONNX_INTS, .i = {axis, axis + 1}, .n = axes}, {NULL}};
    return jd__onnx_node(g, "ReduceMean", JD_ONNX_IN(x), attr, 1, NULL);
}

/* v / max(s, mean s), v = x - window mean, s^2 = window mean of v^2: see jd_local_contrast. */
static void put_contrast(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd_onnx *g = &w->g;
    jd__onnx_layout(w, true);
    const char *v = jd__onnx_two(g, "Sub", w->x, window_mean(w, mean_of(g, w->x, 1, 1), x));
    const char *s = window_mean(w, mean_of(g, jd__onnx_two(g, "Mul", v, v), 1, 1), x);
    s = jd__onnx_one(g, "Sqrt", jd__onnx_two(g, "Add", s, jd__onnx_number(g, 1e-8)));
    w->x = jd__onnx_two(g, "Div", v, jd__onnx_two(g, "Max", s, mean_of(g, s, 2, 2)));
}

/* (B,H,W,C) -> (B,H/h,W/v,h v C), zeros past the right and lower edge. */
static void put_block(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd_onnx *g = &w->g;
    const int64_t h = x->l.units, v = x->l.size, H = x->out.dim[0], W = x->out.dim[1], C = x->in.dim[2];
    const int64_t below = H * h - x->in.dim[0], right = W * v - x->in.dim[1];
    const jd_onnx_attr perm[] = {{.name = "perm", .kind = JD_ONNX_INTS, .i = {0, 1, 3, 2, 4, 5}, .n = 6}, {NULL}};
    jd__onnx_layout(w, false);
    if (below || right)
        w->x = jd__onnx_two(g, "Pad", w->x, jd__onnx_ints(g, (int64_t[]){0, 0, 0, 0, 0, below, right, 0}, 8));
    w->x = jd__onnx_two(g, "Reshape", w->x, jd__onnx_ints(g, (int64_t[]){-1, H, h, W, v, C}, 6));
    w->x = jd__onnx_node(g, "Transpose", JD_ONNX_IN(w->x), perm, 1, NULL);
    w->x = jd__onnx_two(g, "Reshape", w->x, jd__onnx_ints(g, (int64_t[]){-1, H, W, h * v * C}, 4));
}

/* (B,H,W,C) -> (W,B,C) */
static void put_collapse(jd_onnx_writer *w)
{
    const jd_onnx_attr keep[] = {{.name = "keepdims", .kind = JD_ONNX_INT, .i = {0}}, {NULL}};
    const jd_onnx_attr perm[] = {{.name = "perm", .kind = JD_ONNX_INTS, .i = {1, 0, 2}, .n = 3}, {NULL}};
    jd__onnx_layout(w, false);
    w->x = jd__onnx_node(&w->g, "ReduceSum", JD_ONNX_IN(w->x, jd__onnx_ints(&w->g, (int64_t[]){1}, 1)), keep, 1, NULL);
    w->x = jd__onnx_node(&w->g, "Transpose", JD_ONNX_IN(w->x), perm, 1, NULL);
}

jd_status jd__onnx_picture(jd_onnx_writer *w, const jd_export_layer *x)
{
    switch (x->l.kind) {
    case JD_NET_CONV: return put_conv(w, x);
    case JD_NET_CONTRAST: put_contrast(w, x); break;
    case JD_NET_BLOCK: put_block(w, x); break;
    case JD_NET_COLLAPSE: put_collapse(w); break;
    case JD_NET_MDLSTM: return jd__onnx_mdlstm(w, x);
    default: put_pool(w, x);
    }
    return jd_error(w->p->ctx);
}
