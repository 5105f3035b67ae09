/* onnx_recurrent.c - recurrent layers: ONNX's operators, or a Scan whose body is made of primitives. */
#include "export/onnx.h"

#include <stdio.h>
#include <string.h>

/* ---- operators -------------------------------------------------------------------------------------------------------------- */

/* Block `to` of out (blocks of `rows` rows of `columns`) = block `from` of v; v NULL: zeros. */
static void put_block(float *out, int to, const float *v, int from, int64_t rows, int64_t columns)
{
    const size_t n = (size_t)(rows * columns);
    if (v) memcpy(out + (size_t)to * n, v + (size_t)from * n, n * sizeof *v);
}

/* The gates of each operator in ONNX's order, as places in ours: LSTM i o f c of i f z o, GRU z r h of r u n. */
static const int gate_order[3][4] = {{0, 3, 1, 2}, {1, 0, 2, 0}, {0, 0, 0, 0}};

typedef struct operand {
    float *W, *R, *B, *P; /* (D,GH,N) (D,GH,H) (D,2GH) (D,3H) */
} operand;

/* One direction into place d. */
static void fill(const jd_export_layer *x, int d, int G, operand *o)
{
    const int64_t H = x->l.units, N = x->in.dim[0];
    const jd_export_weights *v = &x->way[d];
    const int *order = gate_order[x->l.kind - JD_NET_LSTM];
    float *W = o->W + d * G * H * N, *R = o->R + d * G * H * H, *B = o->B + d * 2 * G * H;
    for (int k = 0; k < G; k++) {
        const bool open =
            x->l.no_forget && x->l.kind == JD_NET_LSTM && order[k] == 1; /* a forget gate that is always 1 */
        put_block(W, k, open ? NULL : v->W, order[k], H, N);
        put_block(R, k, open ? NULL : v->R, order[k], H, H);
        put_block(B, k, open ? NULL : v->b, order[k], H, 1);
        for (int64_t i = 0; open && i < H; i++) B[k * H + i] = 100; /* sigmoid(100) is 1 in float32 */
    }
    if (v->bR) put_block(B, 3 + 2, v->bR, 0, H, 1);
    if (!v->peep) return;
    static const int peep_order[3] = {0, 2, 1}; /* i o f of i f o */
    for (int k = 0; k < 3; k++)
        if (!(x->l.no_forget && k == 2)) put_block(o->P + d * 3 * H, k, v->peep, peep_order[k], H, 1);
}

/* With `states`: the input NAME/h, or c, in the form (1,B,n) of the operators or (B,n); else NULL. */
static const char *state_in(jd_onnx_writer *w, const jd_export_layer *x, char part, int64_t n, bool operator)
{
    static const char *const dim_names[] = {"T", "B"};
    char name[48];
    if (!w->p->e->states) return NULL;
    snprintf(name, sizeof name, "%s/%c", x->l.name, part);
    jd__onnx_value(&w->g.inputs, 11, name, JD_ONNX_FLOAT, JD_DIMS(-2, n), dim_names);
    return operator? jd__onnx_two(&w->g, "Unsqueeze", name, jd__onnx_ints(&w->g, (int64_t[]){0}, 1))
                   : jd__onnx_one(&w->g, "Identity", name);
}

static void state_out(jd_onnx_writer *w, const jd_export_layer *x, char part, int64_t n, const char *state,
                      bool operator)
{
    static const char *const dim_names[] = {"T", "B"};
    char name[48];
    if (!w->p->e->states) return;
    snprintf(name, sizeof name, "%s/%c_next", x->l.name, part);
    if (operator) state = jd__onnx_two(&w->g, "Squeeze", state, jd__onnx_ints(&w->g, (int64_t[]){0}, 1));
    jd__onnx_result(&w->g, state, name);
    jd__onnx_value(&w->g.outputs, 12, name, JD_ONNX_FLOAT, JD_DIMS(-2, n), dim_names);
}

/* Y (T,D,B,H) to (T,B,D H). */
static void join_directions(jd_onnx_writer *w, const char *y, int D)
{
    if (D == 1) {
        w->x = jd__onnx_two(&w->g, "Squeeze", y, jd__onnx_ints(&w->g, (int64_t[]){1}, 1));
        return;
    }
    const jd_onnx_attr perm[] = {{.name = "perm", .kind = JD_ONNX_INTS, .i = {0, 2, 1, 3}, .n = 4}, {NULL}};
    y = jd__onnx_node(&w->g, "Transpose", JD_ONNX_IN(y), perm, 1, NULL);
    w->x = jd__onnx_two(&w->g, "Reshape", y, jd__onnx_ints(&w->g, (int64_t[]){0, 0, -1}, 3));
}

static void put_operator(jd_onnx_writer *w, const jd_export_layer *x, int D, int G, const operand *o)
{
    static const char *const ops[] = {"LSTM", "GRU", "RNN"};
    const int64_t H = x->l.units, N = x->in.dim[0];
    const char *act = x->l.act == JD_SIGMOID ? "Sigmoid" : x->l.act == JD_RELU ? "Relu" : "Tanh";
    jd_onnx_attr attr[5] = {{.name = "hidden_size", .kind = JD_ONNX_INT, .i = {H}},
                            {.name = "direction", .kind = JD_ONNX_STRING, .s = {D == 2 ? "bidirectional" : "forward"}}};
    if (x->l.kind == JD_NET_GRU) attr[2] = (jd_onnx_attr){.name = "linear_before_reset", .kind = JD_ONNX_INT, .i = {1}};
    if (x->l.kind == JD_NET_SRN)
        attr[2] = (jd_onnx_attr){.name = "activations", .kind = JD_ONNX_STRINGS, .s = {act, act}, .n = D};
    const char *W = jd__onnx_floats(&w->g, x->l.name, o->W, JD_DIMS(D, G * H, N));
    const char *R = jd__onnx_floats(&w->g, x->l.name, o->R, JD_DIMS(D, G * H, H));
    const char *B = jd__onnx_floats(&w->g, x->l.name, o->B, JD_DIMS(D, 2 * G * H));
    const char *P = x->l.peepholes ? jd__onnx_floats(&w->g, x->l.name, o->P, JD_DIMS(D, 3 * H)) : NULL;
    const bool lstm = x->l.kind == JD_NET_LSTM, states = w->p->e->states;
    const char *h = state_in(w, x, 'h', H, true), *c = lstm ? state_in(w, x, 'c', H, true) : NULL, *out[3];
    const char *const lengths = w->mask ? "lengths" : P || h ? "" : NULL;
    const char *const in[] = {w->x, W, R, B, lengths, h ? h : P ? "" : NULL, c ? c : P ? "" : NULL, P, NULL};
    jd__onnx_node(&w->g, ops[x->l.kind - JD_NET_LSTM], in, attr, states ? 2 + lstm : 1, out);
    if (states) state_out(w, x, 'h', H, out[1], true);
    if (states && lstm) state_out(w, x, 'c', H, out[2], true);
    join_directions(w, out[0], D);
}

jd_status jd__onnx_recurrent(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd_ctx *ctx = w->p->ctx;
    const size_t D = x->l.both ? 2 : 1, H = (size_t)x->l.units, N = (size_t)x->in.dim[0];
    const size_t G = (size_t)jd__export_gates(x);
    operand o = {jd_alloc_array(ctx, D * G * H * N, sizeof(float)), jd_alloc_array(ctx, D * G * H * H, sizeof(float)),
                 jd_alloc_array(ctx, D * 2 * G * H, sizeof(float)), jd_alloc_array(ctx, D * 3 * H, sizeof(float))};
    if (!jd_error(ctx)) {
        for (int d = 0; d < (int)D; d++) fill(x, d, (int)G, &o);
        put_operator(w, x, (int)D, (int)G, &o);
    }
    jd_free(ctx, o.W);
    jd_free(ctx, o.R);
    jd_free(ctx, o.B);
    jd_free(ctx, o.P);
    return jd_error(ctx);
}

/* ---- primitives --------------------------------------------------------------------------------------------------------------- */

const char *jd__onnx_zeros(jd_onnx *g, const char *x, int dims, int64_t n)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {0}}, {NULL}};
    const char *shape = jd__onnx_one(g, "Shape", x);
    const char *of =
        jd__onnx_node(g, "Gather", JD_ONNX_IN(shape, jd__onnx_ints(g, (int64_t[]){1, 2}, dims)), axis, 1, NULL);
    shape = jd__onnx_node(g, "Concat", JD_ONNX_IN(of, jd__onnx_ints(g, &n, 1)), axis, 1, NULL);
    return jd__onnx_one(g, "ConstantOfShape", shape);
}

/* Of an LSTM: over its n last numbers, with a gain and perhaps a bias. */
static const char *normalised(jd_onnx *g, const char *x, const float *gain, const float *bias, int64_t n)
{
    const char *b = bias ? jd__onnx_floats(g, "ln_b", bias, JD_DIMS(n)) : NULL;
    return jd__onnx_node(g, "LayerNormalization", JD_ONNX_IN(x, jd__onnx_floats(g, "ln_gain", gain, JD_DIMS(n)), b),
                         NULL, 1, NULL);
}

static void split(jd_onnx *g, const char *x, int n, const char **out)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {1}}, {NULL}};
    jd__onnx_node(g, "Split", JD_ONNX_IN(x), axis, n, out);
}

static const char *gate(jd_onnx *g, const char *a, const float *peep, const char *c, int64_t H)
{
    if (peep) a = jd__onnx_two(g, "Add", a, jd__onnx_two(g, "Mul", c, jd__onnx_floats(g, "peep", peep, JD_DIMS(H))));
    return jd__onnx_one(g, "Sigmoid", a);
}

/* a (B,4H) and the cells c: the new output; *new_c the new cells. */
static const char *lstm_step(jd_onnx_writer *w, jd_onnx *g, const jd_export_layer *x, const jd_export_weights *v,
                             const char *a, const char *c, const char **new_c)
{
    const int64_t H = x->l.units;
    const float *peep = v->peep;
    const char *s[4], *kept = c;
    split(g, a, 4, s); /* i f z o */
    const char *i = gate(g, s[0], peep, c, H), *z = jd__onnx_one(g, "Tanh", s[2]);
    if (!x->l.no_forget) kept = jd__onnx_two(g, "Mul", gate(g, s[1], peep ? peep + H : NULL, c, H), c);
    *new_c = jd__onnx_two(g, "Add", jd__onnx_two(g, "Mul", i, z), kept);
    const char *o = gate(g, s[3], peep ? peep + 2 * H : NULL, *new_c, H);
    const char *seen = v->ln_c ? normalised(g, *new_c, v->ln_c, v->ln_cb, H) : *new_c;
    const char *m = jd__onnx_two(g, "Mul", o, jd__onnx_one(g, "Tanh", seen));
    return v->proj ? jd__onnx_two(g, "MatMul", m, jd__onnx_turned(w, "proj", v->proj, x->l.projection, H)) : m;
}

/* xa (B,3H) from the input, q (B,3H) from the state h. */
static const char *gru_step(jd_onnx *g, const jd_export_layer *x, const jd_export_weights *v, const char *xa,
                            const char *q, const char *h)
{
    const char *a[3], *b[3];
    split(g, xa, 3, a);
    split(g, q, 3, b);
    const char *r = jd__onnx_one(g, "Sigmoid", jd__onnx_two(g, "Add", a[0], b[0]));
    const char *u = jd__onnx_one(g, "Sigmoid", jd__onnx_two(g, "Add", a[1], b[1]));
    const char *inner = jd__onnx_two(g, "Add", b[2], jd__onnx_floats(g, "bR", v->bR, JD_DIMS(x->l.units)));
    const char *n = jd__onnx_one(g, "Tanh", jd__onnx_two(g, "Add", a[2], jd__onnx_two(g, "Mul", r, inner)));
    return jd__onnx_two(g, "Add", n, jd__onnx_two(g, "Mul", u, jd__onnx_two(g, "Sub", h, n)));
}

/* Where a sample still lasts (`mask` is 1) the new value, else the old one. */
static const char *lasting(jd_onnx *g, const char *mask, const char *new, const char *old)
{
    return jd__onnx_node(g, "Where", JD_ONNX_IN(jd__onnx_cast(g, mask, JD_ONNX_BOOL), new, old), NULL, 1, NULL);
}

/* Which units of a clockwork layer compute at each step, as (T,1,H): 1 where its module's period divides the step, from 0. */
static const char *ticks(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd_onnx *g = &w->g;
    const int64_t H = x->l.units, S = H / x->l.modules;
    int64_t *period = jd_alloc_array(w->p->ctx, (size_t)H, sizeof *period);
    for (int64_t k = 0; period && k < H; k++) period[k] = (int64_t)1 << k / S;
    const char *periods = period ? jd__onnx_ints(g, period, (int)H) : "";
    jd_free(w->p->ctx, period);
    const char *step = jd__onnx_cast(g, jd__onnx_time(g, w->x), JD_ONNX_INT64);
    step = jd__onnx_two(g, "Sub", step, jd__onnx_ints(g, (int64_t[]){1}, 1));
    const char *due =
        jd__onnx_two(g, "Equal", jd__onnx_two(g, "Mod", step, periods), jd__onnx_ints(g, (int64_t[]){0}, 1));
    return jd__onnx_two(g, "Unsqueeze", jd__onnx_cast(g, due, JD_ONNX_FLOAT), jd__onnx_ints(g, (int64_t[]){1}, 1));
}

/* The packed weights of a clockwork layer as (H,H), transposed; zeros from modules that are not heard. */
static const char *unpacked(jd_onnx_writer *w, const jd_export_layer *x)
{
    const int64_t H = x->l.units, S = H / x->l.modules;
    float *R = jd_alloc_array(w->p->ctx, (size_t)(H * H), sizeof *R);
    const float *from = x->way[0].R;
    for (int64_t i = 0; R && i < H; i++)
        for (int64_t k = i / S * S; k < H; k++) R[i * H + k] = *from++;
    const char *name = R ? jd__onnx_turned(w, "R", R, H, H) : "";
    jd_free(w->p->ctx, R);
    return name;
}

/* One step: the body of the Scan.  Its inputs are the states, then the step's part of the hoisted product, and of the mask of
 * lengths if there are any. */
static void put_body(jd_onnx_writer *w, jd_onnx *g, const jd_export_layer *x, const jd_export_weights *v, int64_t G)
{
    static const char *const dim_names[] = {"T", "B"};
    const int64_t H = x->l.units, P = x->l.projection ? x->l.projection : H;
    const bool lstm = x->l.kind == JD_NET_LSTM;
    const char *h = jd__onnx_name(g, "h"), *c = lstm ? jd__onnx_name(g, "c") : NULL, *xa = jd__onnx_name(g, "xa"),
               *new_c = NULL;
    jd__onnx_value(&g->inputs, 11, h, JD_ONNX_FLOAT, JD_DIMS(-2, P), dim_names);
    if (lstm) jd__onnx_value(&g->inputs, 11, c, JD_ONNX_FLOAT, JD_DIMS(-2, H), dim_names);
    jd__onnx_value(&g->inputs, 11, xa, JD_ONNX_FLOAT, JD_DIMS(-2, G * H), dim_names);
    const bool clock = x->l.kind == JD_NET_CLOCKWORK;
    const char *mask = w->mask ? jd__onnx_name(g, "mask") : NULL, *due = clock ? jd__onnx_name(g, "due") : NULL;
    if (mask) jd__onnx_value(&g->inputs, 11, mask, JD_ONNX_FLOAT, JD_DIMS(-2, 1), dim_names);
    if (due) jd__onnx_value(&g->inputs, 11, due, JD_ONNX_FLOAT, JD_DIMS(1, H), dim_names);
    const char *R = clock ? unpacked(w, x) : jd__onnx_turned(w, "R", v->R, G * H, P);
    const char *q = jd__onnx_two(g, "MatMul", h, R), *new_h;
    if (v->ln_h) q = normalised(g, q, v->ln_h, NULL, G * H);
    if (x->l.kind == JD_NET_GRU) {
        new_h = gru_step(g, x, v, xa, q, h);
    } else {
        const char *a = jd__onnx_two(g, "Add", xa, q);
        new_h = lstm ? lstm_step(w, g, x, v, a, c, &new_c)
                     : jd__onnx_one(g,
                                    x->l.act == JD_SIGMOID ? "Sigmoid"
                                    : x->l.act == JD_RELU  ? "Relu"
                                                           : "Tanh",
                                    a);
    }
    if (due) new_h = lasting(g, due, new_h, h);
    const char *y = mask ? jd__onnx_two(g, "Mul", new_h, mask) : jd__onnx_one(g, "Identity", new_h);
    if (mask) new_h = lasting(g, mask, new_h, h);
    if (mask && lstm) new_c = lasting(g, mask, new_c, c);
    jd__onnx_value(&g->outputs, 12, new_h, JD_ONNX_FLOAT, JD_DIMS(-2, P), dim_names);
    if (lstm) jd__onnx_value(&g->outputs, 12, new_c, JD_ONNX_FLOAT, JD_DIMS(-2, H), dim_names);
    jd__onnx_value(&g->outputs, 12, y, JD_ONNX_FLOAT, JD_DIMS(-2, P), dim_names);
}

static const char *put_direction(jd_onnx_writer *w, const jd_export_layer *x, int d)
{
    const jd_export_weights *v = &x->way[d];
    const int64_t H = x->l.units, P = x->l.projection ? x->l.projection : H;
    const int64_t G = jd__export_gates(x);
    const bool lstm = x->l.kind == JD_NET_LSTM;
    jd_onnx *body = jd__onnx_body(&w->g);
    const char *out[3] = {"", "", ""};
    if (!body) return "";
    const char *xa = jd__onnx_two(&w->g, "MatMul", w->x, jd__onnx_turned(w, "W", v->W, G * H, x->in.dim[0]));
    if (v->ln_x) xa = normalised(&w->g, xa, v->ln_x, NULL, G * H);
    xa = jd__onnx_two(&w->g, "Add", xa, jd__onnx_floats(&w->g, "b", v->b, JD_DIMS(G * H)));
    put_body(w, body, x, v, G);
    const char *due = x->l.kind == JD_NET_CLOCKWORK ? ticks(w, x) : NULL;
    const int inputs = 1 + (w->mask != NULL) + (due != NULL);
    const jd_onnx_attr attr[] = {{.name = "body", .kind = JD_ONNX_GRAPH, .graph = body},
                                 {.name = "num_scan_inputs", .kind = JD_ONNX_INT, .i = {inputs}},
                                 {.name = "scan_input_directions", .kind = JD_ONNX_INTS, .i = {d, d, d}, .n = inputs},
                                 {.name = "scan_output_directions", .kind = JD_ONNX_INTS, .i = {d}, .n = 1},
                                 {NULL}};
    const char *h0 = state_in(w, x, 'h', P, false), *c0 = lstm ? state_in(w, x, 'c', H, false) : xa;
    if (!h0) h0 = jd__onnx_zeros(&w->g, w->x, 1, P);
    if (!c0) c0 = jd__onnx_zeros(&w->g, w->x, 1, H);
    const char *more = w->mask ? w->mask : due; /* after the hoisted product: the mask, then the ticks */
    const char *const in[] = {h0, c0, lstm ? xa : more, lstm ? w->mask : w->mask ? due : NULL, NULL};
    jd__onnx_node(&w->g, "Scan", in, attr, lstm ? 3 : 2, out);
    state_out(w, x, 'h', P, out[0], false);
    if (lstm) state_out(w, x, 'c', H, out[1], false);
    jd__onnx_body_free(body);
    return out[lstm ? 2 : 1];
}

jd_status jd__onnx_scan(jd_onnx_writer *w, const jd_export_layer *x)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {2}}, {NULL}};
    const char *y = put_direction(w, x, 0);
    if (x->l.both) y = jd__onnx_node(&w->g, "Concat", JD_ONNX_IN(y, put_direction(w, x, 1)), axis, 1, NULL);
    w->x = y;
    return jd_error(w->p->ctx);
}
