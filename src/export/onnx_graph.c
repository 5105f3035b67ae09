/* onnx_graph.c - an ONNX graph, node by node. */
#include "export/onnx_graph.h"

#include <stdio.h>
#include <string.h>

void jd__onnx_free(jd_onnx *g)
{
    for (int i = 0; i < g->n; i++) jd_free(g->ctx, g->names[i]);
    jd__buffer_free(&g->nodes);
    jd__buffer_free(&g->initializers);
    jd__buffer_free(&g->inputs);
    jd__buffer_free(&g->outputs);
}

jd_onnx *jd__onnx_body(jd_onnx *g)
{
    jd_onnx *body = jd_alloc(g->ctx, sizeof *body);
    if (!body) return NULL;
    *body = (jd_onnx){.ctx = g->ctx, .outer = g};
    body->nodes.ctx = body->initializers.ctx = body->inputs.ctx = body->outputs.ctx = g->ctx;
    return body;
}

void jd__onnx_body_free(jd_onnx *body)
{
    if (!body) return;
    jd_ctx *ctx = body->ctx;
    jd__onnx_free(body);
    jd_free(ctx, body);
}

/* Names are given by the outermost graph, so that no two are the same anywhere. */
const char *jd__onnx_name(jd_onnx *g, const char *stem)
{
    while (g->outer) g = g->outer;
    if (g->n == (int)(sizeof g->names / sizeof *g->names)) {
        jd_fail(g->ctx, JD_EUSAGE, "the network is too large to be exported as ONNX: more than %d values", g->n);
        return "";
    }
    char *name = jd_asprintf(g->ctx, "%s_%d", stem, g->n);
    if (!name) return "";
    g->names[g->n++] = name;
    return name;
}

static void put_string(jd_buffer *b, unsigned field, const char *s)
{
    jd__proto_bytes(b, field, s, strlen(s));
}

static void put_message(jd_buffer *b, unsigned field, jd_buffer *message)
{
    jd__proto_bytes(b, field, message->data, message->size);
    jd__buffer_free(message);
}

static void put_attr(jd_buffer *node, const jd_onnx_attr *a)
{
    static const int types[] = {
        [JD_ONNX_INT] = 2, [JD_ONNX_INTS] = 7, [JD_ONNX_STRING] = 3, [JD_ONNX_STRINGS] = 8, [JD_ONNX_GRAPH] = 5};
    jd_buffer b = {.ctx = node->ctx}, body = {.ctx = node->ctx};
    put_string(&b, 1, a->name);
    switch (a->kind) {
    case JD_ONNX_INT: jd__proto_int(&b, 3, a->i[0]); break;
    case JD_ONNX_INTS:
        for (int k = 0; k < a->n; k++) jd__proto_int(&b, 8, a->i[k]);
        break;
    case JD_ONNX_STRING: put_string(&b, 4, a->s[0]); break;
    case JD_ONNX_STRINGS:
        for (int k = 0; k < a->n; k++) put_string(&b, 9, a->s[k]);
        break;
    case JD_ONNX_GRAPH:
        jd__onnx_graph(a->graph, "body", &body);
        put_message(&b, 6, &body);
        break;
    }
    jd__proto_int(&b, 20, types[a->kind]);
    put_message(node, 5, &b);
}

const char *jd__onnx_node(jd_onnx *g, const char *op, const char *const *in, const jd_onnx_attr *attr, int outputs,
                          const char **out)
{
    jd_buffer b = {.ctx = g->ctx};
    const char *first = "";
    for (; *in; in++) put_string(&b, 1, *in);
    for (int k = 0; k < outputs; k++) {
        const char *name = jd__onnx_name(g, op);
        if (k == 0) first = name;
        if (out) out[k] = name;
        put_string(&b, 2, name);
    }
    put_string(&b, 3, first);
    put_string(&b, 4, op);
    for (; attr && attr->name; attr++) put_attr(&b, attr);
    put_message(&g->nodes, 1, &b);
    return first;
}

const char *jd__onnx_two(jd_onnx *g, const char *op, const char *a, const char *b)
{
    return jd__onnx_node(g, op, JD_ONNX_IN(a, b), NULL, 1, NULL);
}

const char *jd__onnx_one(jd_onnx *g, const char *op, const char *a)
{
    return jd__onnx_node(g, op, JD_ONNX_IN(a), NULL, 1, NULL);
}

const char *jd__onnx_cast(jd_onnx *g, const char *x, int type)
{
    const jd_onnx_attr to[] = {{.name = "to", .kind = JD_ONNX_INT, .i = {type}}, {NULL}};
    return jd__onnx_node(g, "Cast", JD_ONNX_IN(x), to, 1, NULL);
}

void jd__onnx_result(jd_onnx *g, const char *x, const char *name)
{
    jd_buffer b = {.ctx = g->ctx};
    put_string(&b, 1, x);
    put_string(&b, 2, name);
    put_string(&b, 4, "Identity");
    put_message(&g->nodes, 1, &b);
}

static const char *put_tensor(jd_onnx *g, const char *stem, int type, jd_dims shape, const void *data, size_t bytes)
{
    while (g->outer) g = g->outer;
    jd_buffer b = {.ctx = g->ctx};
    const char *name = jd__onnx_name(g, stem);
    for (int i = 0; i < shape.rank; i++) jd__proto_int(&b, 1, shape.dim[i]);
    jd__proto_int(&b, 2, type);
    put_string(&b, 8, name);
    jd__proto_bytes(&b, 9, data, bytes);
    put_message(&g->initializers, 5, &b);
    return name;
}

const char *jd__onnx_floats(jd_onnx *g, const char *stem, const float *v, jd_dims shape)
{
    size_t n = 1;
    for (int i = 0; i < shape.rank; i++) n *= (size_t)shape.dim[i];
    return put_tensor(g, stem, JD_ONNX_FLOAT, shape, v, n * sizeof *v);
}

const char *jd__onnx_number(jd_onnx *g, double v)
{
    const float f = (float)v;
    return put_tensor(g, "number", JD_ONNX_FLOAT, JD_SCALAR, &f, sizeof f);
}

const char *jd__onnx_int(jd_onnx *g, int64_t v)
{
    return put_tensor(g, "size", JD_ONNX_INT64, JD_SCALAR, &v, sizeof v);
}

const char *jd__onnx_ints(jd_onnx *g, const int64_t *v, int n)
{
    return put_tensor(g, "sizes", JD_ONNX_INT64, JD_DIMS(n), v, (size_t)n * sizeof *v);
}

void jd__onnx_value(jd_buffer *to, unsigned field, const char *name, int type, jd_dims shape,
                    const char *const *dim_names)
{
    jd_buffer value = {.ctx = to->ctx}, kind = {.ctx = to->ctx}, tensor = {.ctx = to->ctx}, dims = {.ctx = to->ctx};
    for (int i = 0; i < shape.rank; i++) {
        jd_buffer dim = {.ctx = to->ctx};
        if (shape.dim[i] < 0)
            put_string(&dim, 2, dim_names[-1 - shape.dim[i]]);
        else
            jd__proto_int(&dim, 1, shape.dim[i]);
        put_message(&dims, 1, &dim);
    }
    jd__proto_int(&tensor, 1, type);
    put_message(&tensor, 2, &dims);
    put_message(&kind, 1, &tensor);
    put_string(&value, 1, name);
    put_message(&value, 2, &kind);
    put_message(to, field, &value);
}

void jd__onnx_graph(jd_onnx *g, const char *name, jd_buffer *out)
{
    jd__put(out, g->nodes.data, g->nodes.size);
    put_string(out, 2, name);
    jd__put(out, g->initializers.data, g->initializers.size);
    jd__put(out, g->inputs.data, g->inputs.size);
    jd__put(out, g->outputs.data, g->outputs.size);
}
