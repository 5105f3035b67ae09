/*
 * onnx_mdlstm.c - an LSTM in two dimensions in ONNX: for each direction a Scan over the rows, whose state is the row before, and in it
 * a Scan along the row, whose state is the cell before.  The inputs' products are taken of the whole picture at once.
 */
#include "export/onnx.h"

static const char *const dim_names[] = {"W", "B"};

static const char *transpose(jd_onnx *g, const char *x, const int64_t to[4])
{
    const jd_onnx_attr perm[] = {{.name = "perm", .kind = JD_ONNX_INTS, .i = {to[0], to[1], to[2], to[3]}, .n = 4},
                                 {NULL}};
    return jd__onnx_node(g, "Transpose", JD_ONNX_IN(x), perm, 1, NULL);
}

static const char *weighted(jd_onnx *g, const char *c, const float *peep, int64_t H)
{
    return jd__onnx_two(g, "Mul", c, jd__onnx_floats(g, "peep", peep, JD_DIMS(H)));
}

/* a, and what c adds to it through a peephole if there are any. */
static const char *peeped(jd_onnx *g, const char *a, const char *c, const float *peep, int place, int64_t H)
{
    return peep ? jd__onnx_two(g, "Add", a, weighted(g, c, peep + place * H, H)) : a;
}

static const char *gated(jd_onnx *g, const char *a, const char *x)
{
    return jd__onnx_two(g, "Mul", jd__onnx_one(g, "Sigmoid", a), x);
}

static const char *scan(jd_onnx *g, jd_onnx *body, const char *const *in, int inputs, int direction, int outputs,
                        const char **out)
{
    const int d = direction;
    const jd_onnx_attr attr[] = {
        {.name = "body", .kind = JD_ONNX_GRAPH, .graph = body},
        {.name = "num_scan_inputs", .kind = JD_ONNX_INT, .i = {inputs}},
        {.name = "scan_input_directions", .kind = JD_ONNX_INTS, .i = {d, d, d}, .n = inputs},
        {.name = "scan_output_directions", .kind = JD_ONNX_INTS, .i = {d, d}, .n = outputs - 2},
        {NULL}};
    return jd__onnx_node(g, "Scan", in, attr, outputs, out);
}

/* A cell: the state h, c (B,H) to its left, the products (B,5H), and the state above it. */
static void put_cell(jd_onnx_writer *w, jd_onnx *g, const jd_export_layer *x, int d)
{
    const int64_t H = x->l.units, G = 5 * H;
    const float *peep = x->way[0].peep ? x->way[0].peep + d * 4 * H : NULL;
    const char *in[5], *s[5];
    for (int k = 0; k < 5; k++) {
        in[k] = jd__onnx_name(g, "cell");
        jd__onnx_value(&g->inputs, 11, in[k], JD_ONNX_FLOAT, JD_DIMS(-2, k == 2 ? G : H), dim_names);
    }
    const char *left = in[0], *left_c = in[1], *up = in[3], *up_c = in[4];
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {1}}, {NULL}};
    const char *h = jd__onnx_node(g, "Concat", JD_ONNX_IN(up, left), axis, 1, NULL);
    const char *R = jd__onnx_turned(w, "R", x->way[0].R + d * G * 2 * H, G, 2 * H);
    jd__onnx_node(g, "Split", JD_ONNX_IN(jd__onnx_two(g, "Add", in[2], jd__onnx_two(g, "MatMul", h, R))), axis, 5, s);
    const char *i = peeped(g, s[0], jd__onnx_two(g, "Add", up_c, left_c), peep, 0, H); /* i f^1 f^2 z o */
    const char *c = gated(g, i, jd__onnx_one(g, "Tanh", s[3]));
    c = jd__onnx_two(g, "Add", c, gated(g, peeped(g, s[1], up_c, peep, 1, H), up_c));
    c = jd__onnx_two(g, "Add", c, gated(g, peeped(g, s[2], left_c, peep, 2, H), left_c));
    const char *y = gated(g, peeped(g, s[4], c, peep, 3, H), jd__onnx_one(g, "Tanh", c));
    const char *out[4] = {y, c, jd__onnx_one(g, "Identity", y), jd__onnx_one(g, "Identity", c)};
    for (int k = 0; k < 4; k++) jd__onnx_value(&g->outputs, 12, out[k], JD_ONNX_FLOAT, JD_DIMS(-2, H), dim_names);
}

/* A row: the states h, c (W,B,H) above it and the products (W,B,5H). */
static void put_row(jd_onnx_writer *w, jd_onnx *g, jd_onnx *cell, const jd_export_layer *x, int d)
{
    const int64_t H = x->l.units;
    const char *in[3], *out[4];
    for (int k = 0; k < 3; k++) {
        in[k] = jd__onnx_name(g, "row");
        jd__onnx_value(&g->inputs, 11, in[k], JD_ONNX_FLOAT, JD_DIMS(-1, -2, k == 2 ? 5 * H : H), dim_names);
    }
    put_cell(w, cell, x, d);
    const char *zero = jd__onnx_zeros(g, in[2], 1, H);
    scan(g, cell, JD_ONNX_IN(zero, zero, in[2], in[0], in[1]), 3, d >> 1 & 1, 4, out);
    const char *const result[3] = {out[2], out[3], jd__onnx_one(g, "Identity", out[2])};
    for (int k = 0; k < 3; k++)
        jd__onnx_value(&g->outputs, 12, result[k], JD_ONNX_FLOAT, JD_DIMS(-1, -2, H), dim_names);
}

/* x (H,W,B,N) -> (H,W,B,units) of direction d: backwards over the rows with bit 0, along them with bit 1. */
static const char *put_direction(jd_onnx_writer *w, const char *picture, const jd_export_layer *x, int d)
{
    const int64_t H = x->l.units, G = 5 * H, N = x->in.dim[2];
    const jd_export_weights *v = &x->way[0];
    jd_onnx *row = jd__onnx_body(&w->g), *cell = jd__onnx_body(&w->g);
    const char *out[3] = {"", "", ""};
    if (row && cell) {
        const char *W = jd__onnx_turned(w, "W", v->W + d * G * N, G, N);
        const char *pre = jd__onnx_two(&w->g, "MatMul", picture, W);
        pre = jd__onnx_two(&w->g, "Add", pre, jd__onnx_floats(&w->g, "b", v->b + d * G, JD_DIMS(G)));
        put_row(w, row, cell, x, d);
        const char *zero = jd__onnx_zeros(&w->g, pre, 2, H);
        scan(&w->g, row, JD_ONNX_IN(zero, zero, pre), 1, d & 1, 3, out);
    }
    jd__onnx_body_free(cell);
    jd__onnx_body_free(row);
    return out[2];
}

jd_status jd__onnx_mdlstm(jd_onnx_writer *w, const jd_export_layer *x)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {3}}, {NULL}};
    const char *y[5] = {NULL};
    jd__onnx_layout(w, false);
    const char *picture = transpose(&w->g, w->x, (const int64_t[]){1, 2, 0, 3});
    for (int d = 0; d < 4; d++) y[d] = put_direction(w, picture, x, d);
    const char *all =
        x->l.sum ? jd__onnx_node(&w->g, "Sum", y, NULL, 1, NULL) : jd__onnx_node(&w->g, "Concat", y, axis, 1, NULL);
    w->x = transpose(&w->g, all, (const int64_t[]){2, 0, 1, 3});
    return jd_error(w->p->ctx);
}
