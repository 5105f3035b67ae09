/*
 * onnx.c - a network as an ONNX model.
 *
 * Pictures stand channels first between convolutions, as ONNX has it, and channels last where a dense layer looks at them.
 */
#include "export/plan.h"

#include "export/onnx.h"

#include <stdio.h>
#include <string.h>

#include "base/given.h"

enum { IR_VERSION = 8, OPSET = 17, MOST_WINDOW = 64 };

void jd__onnx_activation(jd_onnx_writer *w, jd_activation act)
{
    switch (act) {
    case JD_TANH: w->x = jd__onnx_one(&w->g, "Tanh", w->x); break;
    case JD_SIGMOID: w->x = jd__onnx_one(&w->g, "Sigmoid", w->x); break;
    case JD_RELU: w->x = jd__onnx_one(&w->g, "Relu", w->x); break;
    case JD_SCALED_TANH:
        w->x = jd__onnx_two(&w->g, "Mul", w->x, jd__onnx_number(&w->g, 0.6666));
        w->x = jd__onnx_one(&w->g, "Tanh", w->x);
        w->x = jd__onnx_two(&w->g, "Mul", w->x, jd__onnx_number(&w->g, 1.7159));
        break;
    default: break;
    }
}

static void put_flat(jd_onnx_writer *w, const jd_export_shape *s)
{
    if (s->rank != 3) return;
    jd__onnx_layout(w, false);
    w->x = jd__onnx_two(&w->g, "Reshape", w->x, jd__onnx_ints(&w->g, (int64_t[]){0, -1}, 2));
}

static jd_status put_dense(jd_onnx_writer *w, const jd_export_layer *x)
{
    if (x->l.each && x->in.rank == 3) {
        jd_export_layer conv = *x;
        conv.l.kind = JD_NET_CONV;
        conv.l.size = 1;
        return jd__onnx_picture(w, &conv);
    }
    const int64_t M = x->l.units, N = jd__export_size(&x->in);
    put_flat(w, &x->in);
    const char *b = jd__onnx_floats(&w->g, x->l.name, x->way[0].b, JD_DIMS(M));
    if (x->in.sequence) {
        w->x = jd__onnx_two(&w->g, "MatMul", w->x, jd__onnx_turned(w, x->l.name, x->way[0].W, M, N));
        w->x = jd__onnx_two(&w->g, "Add", w->x, b);
    } else {
        const jd_onnx_attr attr[] = {{.name = "transB", .kind = JD_ONNX_INT, .i = {1}}, {NULL}};
        const char *W = jd__onnx_floats(&w->g, x->l.name, x->way[0].W, JD_DIMS(M, N));
        w->x = jd__onnx_node(&w->g, "Gemm", JD_ONNX_IN(w->x, W, b), attr, 1, NULL);
    }
    jd__onnx_activation(w, x->l.act);
    return jd_error(w->p->ctx);
}

/* W x + b of a layer with as many units as inputs. */
static const char *product(jd_onnx_writer *w, const jd_export_layer *x, const jd_export_weights *v)
{
    const int64_t n = x->in.dim[0];
    const char *y = jd__onnx_two(&w->g, "MatMul", w->x, jd__onnx_turned(w, x->l.name, v->W, n, n));
    return jd__onnx_two(&w->g, "Add", y, jd__onnx_floats(&w->g, x->l.name, v->b, JD_DIMS(n)));
}

/* Channels of a picture may be first. */
static const char *per_channel(jd_onnx_writer *w, const jd_export_layer *x, const float *v)
{
    const int64_t C = x->in.dim[x->in.rank - 1];
    return jd__onnx_floats(&w->g, x->l.name, v, w->channels_first ? JD_DIMS(C, 1, 1) : JD_DIMS(C));
}

static void put_batchnorm(jd_onnx_writer *w, const jd_export_layer *x)
{
    const int64_t C = x->in.dim[x->in.rank - 1];
    float *v = jd_alloc_array(w->p->ctx, (size_t)(2 * C), sizeof *v);
    if (!v) return;
    for (int64_t c = 0; c < C; c++) {
        const jd_export_affine a = jd__export_affine(x, c);
        v[c] = a.scale, v[C + c] = a.shift;
    }
    w->x = jd__onnx_two(&w->g, "Mul", w->x, per_channel(w, x, v));
    w->x = jd__onnx_two(&w->g, "Add", w->x, per_channel(w, x, v + C));
    jd_free(w->p->ctx, v);
}

/* The operator's own epsilon is that of the language. */
static void put_layernorm(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd__onnx_layout(w, false);
    w->x = jd__onnx_node(&w->g, "LayerNormalization",
                         JD_ONNX_IN(w->x, per_channel(w, x, x->gain), per_channel(w, x, x->shift)), NULL, 1, NULL);
}

static void put_stack(jd_onnx_writer *w, const jd_export_layer *x)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {-1}}, {NULL}};
    jd__onnx_layout(w, false);
    w->x = x->l.kind == JD_NET_RESIDUAL ? jd__onnx_two(&w->g, "Add", w->before, w->x)
                                        : jd__onnx_node(&w->g, "Concat", JD_ONNX_IN(w->before, w->x), axis, 1, NULL);
}

/* y = x + t (h - x) */
static void put_highway(jd_onnx_writer *w, const jd_export_layer *x)
{
    const char *from = w->x, *t = jd__onnx_one(&w->g, "Sigmoid", product(w, x, &x->way[1]));
    w->x = product(w, x, &x->way[0]);
    jd__onnx_activation(w, x->l.act);
    w->x = jd__onnx_two(&w->g, "Add", from, jd__onnx_two(&w->g, "Mul", t, jd__onnx_two(&w->g, "Sub", w->x, from)));
}

/* n units of one layer on `sources` (B,S), which the places u and v (n) point into; W (terms,stride). */
static const char *polynomials(jd_onnx_writer *w, const jd_export_layer *x, const char *sources, int64_t n,
                               const int64_t *const place[2], const float *W, int64_t stride)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {1}}, {NULL}};
    const jd_polynomial_options *o = &x->l.polynomial;
    const char *of[2], *z = jd__onnx_floats(&w->g, x->l.name, W, JD_DIMS(n));
    for (int s = 0; s < 2; s++)
        of[s] =
            jd__onnx_node(&w->g, "Gather", JD_ONNX_IN(sources, jd__onnx_ints(&w->g, place[s], (int)n)), axis, 1, NULL);
    for (int t = 1; t < (o->terms ? o->terms : 6); t++) {
        const unsigned char *power = jd__polynomial_power[t];
        const char *term = of[!power[0]];
        for (int i = 1; i < power[0] + power[1]; i++) term = jd__onnx_two(&w->g, "Mul", term, of[i >= power[0]]);
        const char *weight = jd__onnx_floats(&w->g, x->l.name, W + t * stride, JD_DIMS(n));
        z = jd__onnx_two(&w->g, "Add", z, jd__onnx_two(&w->g, "Mul", term, weight));
    }
    if (!(o->low < o->high)) return z;
    const char *low = jd__onnx_number(&w->g, o->low), *high = jd__onnx_number(&w->g, o->high);
    return jd__onnx_node(&w->g, "Clip", JD_ONNX_IN(z, low, high), NULL, 1, NULL);
}

/* (B,1) zeros: the constant that a layer without units is. */
static const char *no_units(jd_onnx *g, const char *x)
{
    const jd_onnx_attr axes[] = {{.name = "axes", .kind = JD_ONNX_INTS, .i = {1}, .n = 1}, {NULL}};
    const char *zero = jd__onnx_number(g, 0);
    return jd__onnx_node(
        g, "Clip", JD_ONNX_IN(jd__onnx_node(g, "ReduceMean", JD_ONNX_IN(x), axes, 1, NULL), zero, zero), NULL, 1, NULL);
}

/* All units of a layer at once; their sources are picked out of the layer before and the inputs, side by side. */
static jd_status put_polynomial(jd_onnx_writer *w, const jd_export_layer *x)
{
    jd_ctx *ctx = w->p->ctx;
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {1}}, {NULL}};
    int64_t most = 1, n = 0, layer = 0;
    for (jd_export_unit u = {0}; jd__export_next_unit(w->p, x, &u);) most++;
    int64_t *place[2] = {jd_alloc_array(ctx, (size_t)most, sizeof **place),
                         jd_alloc_array(ctx, (size_t)most, sizeof **place)};
    float *W = jd_alloc_array(ctx, (size_t)most * JD_POLYNOMIAL_TERMS, sizeof *W);
    put_flat(w, &x->in);
    const char *inputs = w->x, *sources = inputs;
    jd_export_unit u = {0};
    for (bool more = true; more && !jd_error(ctx);) {
        more = jd__export_next_unit(w->p, x, &u);
        if (!more || u.layer > layer) { /* all of this layer are known */
            w->x = n ? polynomials(w, x, sources, n, (const int64_t *const *)place, W, most) : no_units(&w->g, inputs);
            if (more) sources = jd__onnx_node(&w->g, "Concat", JD_ONNX_IN(w->x, inputs), axis, 1, NULL);
            layer = u.layer;
            n = 0;
        }
        for (int s = 0; more && s < 2; s++) place[s][n] = u.source[s];
        for (int t = 0; more && t < u.terms; t++) W[t * most + n] = u.w[t];
        n++;
    }
    jd_free(ctx, place[0]);
    jd_free(ctx, place[1]);
    jd_free(ctx, W);
    return jd_error(ctx);
}

const char *jd__onnx_turned(jd_onnx_writer *w, const char *stem, const float *v, int64_t rows, int64_t columns)
{
    float *turned = jd_alloc_array(w->p->ctx, (size_t)(rows * columns), sizeof *turned);
    for (int64_t i = 0; turned && i < rows; i++)
        for (int64_t k = 0; k < columns; k++) turned[k * rows + i] = v[i * columns + k];
    const char *name = turned ? jd__onnx_floats(&w->g, stem, turned, JD_DIMS(columns, rows)) : "";
    jd_free(w->p->ctx, turned);
    return name;
}

/* The input is symbols: (T,B) or (B), without an axis of numbers.  Gather knows no symbol outside the table, or counts it from the
 * end, so the table has a row of zeros before and behind it, to which those are brought. */
static jd_status put_embed(jd_onnx_writer *w, const jd_export_layer *x)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {0}}, {NULL}};
    const int64_t V = x->l.symbols, n = x->l.units;
    float *rows = jd_alloc_array(w->p->ctx, (size_t)((V + 2) * n), sizeof *rows);
    if (!rows) return jd_error(w->p->ctx);
    memcpy(rows + n, x->way[0].W, (size_t)(V * n) * sizeof *rows);
    const char *table = jd__onnx_floats(&w->g, x->l.name, rows, JD_DIMS(V + 2, n));
    jd_free(w->p->ctx, rows);
    const char *row =
        jd__onnx_two(&w->g, "Add", jd__onnx_cast(&w->g, w->x, JD_ONNX_INT64), jd__onnx_ints(&w->g, (int64_t[]){1}, 1));
    row = jd__onnx_node(&w->g, "Clip", JD_ONNX_IN(row, jd__onnx_int(&w->g, 0), jd__onnx_int(&w->g, V + 1)), NULL, 1,
                        NULL);
    w->x = jd__onnx_node(&w->g, "Gather", JD_ONNX_IN(table, row), axis, 1, NULL);
    return jd_error(w->p->ctx);
}

/* (T,B,C) -> (T,B,(2n+1)C): each step with the n before and the n after it, zeros past the ends. */
static void put_window(jd_onnx_writer *w, int64_t n)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {2}}, {NULL}};
    const char *part[2 * MOST_WINDOW + 2] = {NULL};
    if (w->mask) w->x = jd__onnx_two(&w->g, "Mul", w->x, w->mask);
    const char *x = jd__onnx_two(&w->g, "Pad", w->x, jd__onnx_ints(&w->g, (int64_t[]){n, 0, 0, n, 0, 0}, 6));
    const char *first = jd__onnx_ints(&w->g, (int64_t[]){0}, 1);
    for (int64_t i = 0; i <= 2 * n && i <= 2 * MOST_WINDOW; i++)
        part[i] =
            jd__onnx_node(&w->g, "Slice",
                          JD_ONNX_IN(x, jd__onnx_ints(&w->g, &i, 1),
                                     jd__onnx_ints(&w->g, (int64_t[]){i < 2 * n ? i - 2 * n : INT64_MAX}, 1), first),
                          NULL, 1, NULL);
    w->x = jd__onnx_node(&w->g, "Concat", part, axis, 1, NULL);
}

/* Over time. */
static void put_mean(jd_onnx_writer *w)
{
    const jd_onnx_attr attr[] = {{.name = "axes", .kind = JD_ONNX_INTS, .i = {0}, .n = 1},
                                 {.name = "keepdims", .kind = JD_ONNX_INT, .i = {0}},
                                 {NULL}};
    if (!w->mask) {
        w->x = jd__onnx_node(&w->g, "ReduceMean", JD_ONNX_IN(w->x), attr, 1, NULL);
        return;
    }
    /* From operator set 13 on the axes of a sum are an input. */
    const char *first = jd__onnx_ints(&w->g, (int64_t[]){0}, 1);
    const char *sum = jd__onnx_node(&w->g, "ReduceSum", JD_ONNX_IN(jd__onnx_two(&w->g, "Mul", w->x, w->mask), first),
                                    attr + 1, 1, NULL);
    const char *steps = jd__onnx_node(&w->g, "ReduceSum", JD_ONNX_IN(w->mask, first), attr + 1, 1, NULL);
    w->x = jd__onnx_two(&w->g, "Div", sum, steps);
}

/* ---- the model ------------------------------------------------------------------------------------------------------------------ */

static jd_status put_layer(jd_onnx_writer *w, const jd_export_layer *x)
{
    switch (x->l.kind) {
    case JD_NET_CONV:
    case JD_NET_MAXPOOL:
    case JD_NET_AVGPOOL:
    case JD_NET_CONTRAST:
    case JD_NET_BLOCK:
    case JD_NET_COLLAPSE:
    case JD_NET_MDLSTM: return jd__onnx_picture(w, x);
    case JD_NET_DENSE: return put_dense(w, x);
    case JD_NET_LSTM:
    case JD_NET_GRU:
    case JD_NET_SRN:
        return w->primitives || x->l.layer_norm || x->l.projection ? jd__onnx_scan(w, x) : jd__onnx_recurrent(w, x);
    case JD_NET_CLOCKWORK: return jd__onnx_scan(w, x);
    case JD_NET_EMBED: return put_embed(w, x);
    case JD_NET_ACTIVATION: jd__onnx_activation(w, x->l.act); break;
    case JD_NET_FLATTEN: put_flat(w, &x->in); break;
    case JD_NET_HIGHWAY: put_highway(w, x); break;
    case JD_NET_BATCHNORM: put_batchnorm(w, x); break;
    case JD_NET_LAYERNORM: put_layernorm(w, x); break;
    case JD_NET_RESIDUAL:
    case JD_NET_CONCAT: put_stack(w, x); break;
    case JD_NET_POLYNOMIAL: return put_polynomial(w, x);
    case JD_NET_WINDOW: put_window(w, x->l.units); break;
    default: put_mean(w);
    }
    return jd_error(w->p->ctx);
}

static void put_input(jd_onnx_writer *w)
{
    const jd_export *e = w->p->e;
    jd_onnx *g = &w->g;
    if (e->height && (e->low != 0 || e->high != 0)) {
        w->x = jd__onnx_two(g, "Mul", w->x, jd__onnx_number(g, ((double)e->high - (double)e->low) / 255));
        w->x = jd__onnx_two(g, "Add", w->x, jd__onnx_number(g, (double)e->low));
    } else if (e->mean && w->p->in.rank == 1) {
        w->x = jd__onnx_two(g, "Sub", w->x, jd__onnx_floats(g, "mean", e->mean, JD_DIMS(e->columns)));
        w->x = jd__onnx_two(g, "Mul", w->x, jd__onnx_floats(g, "factor", e->factor, JD_DIMS(e->columns)));
    }
}

const char *jd__onnx_time(jd_onnx *g, const char *x)
{
    const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {0}}, {NULL}};
    const char *steps = jd__onnx_node(
        g, "Gather", JD_ONNX_IN(jd__onnx_one(g, "Shape", x), jd__onnx_ints(g, (int64_t[]){0}, 1)), axis, 1, NULL);
    const char *ones = jd__onnx_two(g, "Add", jd__onnx_one(g, "ConstantOfShape", steps), jd__onnx_number(g, 1));
    const char *time = jd__onnx_two(g, "CumSum", ones, jd__onnx_int(g, 0));
    return jd__onnx_two(g, "Unsqueeze", time, jd__onnx_ints(g, (int64_t[]){1}, 1));
}

/* The input "lengths" (B), and the mask that it means. */
static void put_lengths(jd_onnx_writer *w)
{
    static const char *const dim_names[] = {"T", "B"};
    jd_onnx *g = &w->g;
    jd__onnx_value(&g->inputs, 11, "lengths", JD_ONNX_INT32, JD_DIMS(-2), dim_names);
    const char *time = jd__onnx_time(g, "x");
    const char *last = jd__onnx_cast(g, "lengths", JD_ONNX_FLOAT);
    const char *mask = jd__onnx_cast(g, jd__onnx_two(g, "LessOrEqual", time, last), JD_ONNX_FLOAT);
    w->mask = jd__onnx_two(g, "Unsqueeze", mask, jd__onnx_ints(g, (int64_t[]){2}, 1));
}

/* `steps`: of a sequence, if that is fixed. */
static jd_dims dims_of(const jd_export_shape *s, int64_t steps)
{
    if (s->rank == 3) return JD_DIMS(-2, s->dim[0], s->dim[1], s->dim[2]);
    return s->sequence ? JD_DIMS(steps ? steps : -1, -2, s->dim[0]) : JD_DIMS(-2, s->dim[0]);
}

static void put_meta(jd_buffer *model, const char *key, const char *value)
{
    jd_buffer b = {.ctx = model->ctx};
    jd__proto_bytes(&b, 1, key, strlen(key));
    jd__proto_bytes(&b, 2, value, strlen(value));
    jd__proto_bytes(model, 14, b.data, b.size);
    jd__buffer_free(&b);
}

static void put_model(jd_onnx_writer *w, jd_buffer *model)
{
    jd_buffer graph = {.ctx = model->ctx}, opset = {.ctx = model->ctx};
    jd__proto_int(model, 1, IR_VERSION);
    jd__proto_bytes(model, 2, "jackdaw", 7);
    jd__proto_bytes(model, 3, JD_VERSION_STRING, strlen(JD_VERSION_STRING));
    jd__onnx_graph(&w->g, "net", &graph);
    jd__proto_bytes(model, 7, graph.data, graph.size);
    jd__proto_bytes(&opset, 1, "", 0);
    jd__proto_int(&opset, 2, OPSET);
    jd__proto_bytes(model, 8, opset.data, opset.size);
    put_meta(model, "net", w->p->net);
    if (w->p->e->labels) put_meta(model, "labels", w->p->e->labels);
    if (w->p->e->note) put_meta(model, "note", w->p->e->note);
    jd__buffer_free(&graph);
    jd__buffer_free(&opset);
}

/* One net: from the input "x" to its outputs. */
static void put_net(jd_onnx_writer *w)
{
    const jd_export_plan *p = w->p;
    const jd_export *e = p->e;
    w->x = "x";
    w->channels_first = false;
    put_input(w);
    for (int i = 0; i < p->n && !jd_error(p->ctx); i++) {
        const jd__net_kind next = i + 1 < p->n ? p->layer[i + 1].l.kind : JD_NET_OTHER;
        if (next == JD_NET_RESIDUAL || next == JD_NET_CONCAT) {
            jd__onnx_layout(w, false);
            w->before = w->x;
        }
        put_layer(w, &p->layer[i]);
    }
    jd__onnx_layout(w, false);
    if (e->softmax) {
        const jd_onnx_attr axis[] = {{.name = "axis", .kind = JD_ONNX_INT, .i = {-1}}, {NULL}};
        w->x = jd__onnx_node(&w->g, "Softmax", JD_ONNX_IN(w->x), axis, 1, NULL);
    }
    if (!e->softmax && e->out_factor) {
        const jd_dims K = JD_DIMS(p->out.dim[p->out.rank - 1]);
        w->x = jd__onnx_two(&w->g, "Mul", w->x, jd__onnx_floats(&w->g, "out_factor", e->out_factor, K));
        w->x = jd__onnx_two(&w->g, "Add", w->x, jd__onnx_floats(&w->g, "out_shift", e->out_shift, K));
    }
}

jd_status jd_export_onnx(jd_ctx *ctx, const jd_export *e, const char *path, bool primitives)
{
    if (!jd__given(ctx, __func__, "e", e) || !jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    static const char *const dim_names[] = {"T", "B"};
    jd_export_plan *p = jd_alloc(ctx, sizeof *p);
    jd_onnx_writer *w = jd_alloc(ctx, sizeof *w);
    if (e->lengths && !e->sequence)
        jd_fail(ctx, JD_EUSAGE, "ONNX: .lengths is for sequences; this net takes one input");
    jd__net_state states[JD_NET_STATES];
    if (e->states && !e->sequence) jd_fail(ctx, JD_EUSAGE, "ONNX: .states is for sequences; this net reads none");
    if (e->states && !jd_error(ctx)) jd__net_states(ctx, e->net, states); /* refuses what needs later steps */
    if (p && w && !jd_error(ctx) && !jd__export_plan(ctx, e, 0, "ONNX", p)) {
        *w = (jd_onnx_writer){.p = p, .primitives = primitives};
        w->g.ctx = w->g.nodes.ctx = w->g.initializers.ctx = w->g.inputs.ctx = w->g.outputs.ctx = ctx;
        jd_buffer model = {.ctx = ctx};
        const int members = jd__export_members(e);
        const char *sum = NULL;
        if (p->symbols)
            jd__onnx_value(&w->g.inputs, 11, "x", JD_ONNX_INT32, p->in.sequence ? JD_DIMS(-1, -2) : JD_DIMS(-2),
                           dim_names);
        else
            jd__onnx_value(&w->g.inputs, 11, "x", JD_ONNX_FLOAT, dims_of(&p->in, 0), dim_names);
        if (e->lengths && e->sequence) put_lengths(w);
        for (int k = 0; k < members && !(k && jd__export_plan(ctx, e, k, "ONNX", p)); k++) {
            put_net(w);
            sum = k ? jd__onnx_two(&w->g, "Add", sum, w->x) : w->x;
        }
        if (members > 1) sum = jd__onnx_two(&w->g, "Mul", sum, jd__onnx_number(&w->g, 1.0 / members));
        jd__onnx_result(&w->g, sum, "y");
        jd__onnx_value(&w->g.outputs, 12, "y", JD_ONNX_FLOAT, dims_of(&p->out, p->steps), dim_names);
        put_model(w, &model);
        if (!jd_error(ctx)) jd_write_file(ctx, path, model.data, model.size);
        jd__buffer_free(&model);
        jd__onnx_free(&w->g);
    }
    jd_free(ctx, w);
    jd_free(ctx, p);
    return jd_error(ctx);
}
