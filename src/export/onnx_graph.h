/*
 * onnx_graph.h - writing an ONNX graph node by node (onnx.proto3: GraphProto, NodeProto, TensorProto).
 *
 * Values have names; a function that adds a node returns the name of its output, which lives as long as the graph.
 */
#ifndef JD_EXPORT_ONNX_GRAPH_H
#define JD_EXPORT_ONNX_GRAPH_H

#include "io/proto.h"
#include "jackdaw/graph.h"

typedef struct jd_onnx {
    jd_ctx *ctx;
    jd_buffer nodes, initializers, inputs, outputs; /* the fields of a GraphProto */
    struct jd_onnx *outer;                          /* of a body: the graph around it, which holds the initializers */
    char *names[8192];
    int n;
} jd_onnx;

void jd__onnx_free(jd_onnx *g);
/* An empty graph for the body of a node of g or of another body; NULL after an error. */
jd_onnx *jd__onnx_body(jd_onnx *g);
void jd__onnx_body_free(jd_onnx *body);
/* A new name that begins so; NULL, and an error, when there are too many. */
const char *jd__onnx_name(jd_onnx *g, const char *stem);

typedef struct jd_onnx_attr {
    const char *name;
    enum { JD_ONNX_INT, JD_ONNX_INTS, JD_ONNX_STRING, JD_ONNX_STRINGS, JD_ONNX_GRAPH } kind;
    int64_t i[8]; /* the int, or the ints */
    int n;        /* how many ints or strings */
    const char *s[2];
    jd_onnx *graph;
} jd_onnx_attr;

/* A node `op` with up to 8 inputs (the list ends with NULL; "" is one left out) and attributes (ends with a NULL name, or
 * NULL: none); its `outputs` new values are named after `stem`, and the first is returned, all of them in `out` unless that
 * is NULL. */
const char *jd__onnx_node(jd_onnx *g, const char *op, const char *const *in, const jd_onnx_attr *attr, int outputs,
                          const char **out);
#define JD_ONNX_IN(...) ((const char *const[]){__VA_ARGS__, NULL})
const char *jd__onnx_two(jd_onnx *g, const char *op, const char *a, const char *b);
const char *jd__onnx_one(jd_onnx *g, const char *op, const char *a);

/* The value x under a name of the caller's: a result. */
void jd__onnx_result(jd_onnx *g, const char *x, const char *name);

/* Constants: float32 of a shape, one float32, int64 of one dimension. */
const char *jd__onnx_floats(jd_onnx *g, const char *stem, const float *v, jd_dims shape);
const char *jd__onnx_number(jd_onnx *g, double v);
const char *jd__onnx_int(jd_onnx *g, int64_t v);
const char *jd__onnx_ints(jd_onnx *g, const int64_t *v, int n);

/* TensorProto.DataType */
enum { JD_ONNX_FLOAT = 1, JD_ONNX_INT32 = 6, JD_ONNX_INT64 = 7, JD_ONNX_BOOL = 9 };
/* An input or output; a dimension below 0 has the name dim_names[-1 - dim]. */
void jd__onnx_value(jd_buffer *to, unsigned field, const char *name, int type, jd_dims shape,
                    const char *const *dim_names);
/* x in another type. */
const char *jd__onnx_cast(jd_onnx *g, const char *x, int type);
/* The GraphProto. */
void jd__onnx_graph(jd_onnx *g, const char *name, jd_buffer *out);

#endif
