/*
 * graph.h (internal) - the graph as the ops, the gradient and the planner see it.
 */
#ifndef JD_GRAPH_GRAPH_H
#define JD_GRAPH_GRAPH_H

#include "graph/op.h"
#include "jackdaw/fn.h"

/* One value: output `out` of op `op`. */
typedef struct jd__value {
    jd_type type;
    uint32_t op;
    uint32_t out;
} jd__value;

typedef struct jd__opnode {
    jd_opcode code;
    uint32_t nin, nout;
    uint32_t in_at; /* first input in graph->pool */
    uint32_t out0;  /* value id of output 0 */
    const char *scope, *name;
    _Alignas(8) unsigned char attr[JD_ATTR_BYTES];
} jd__opnode;

typedef struct jd__named {
    const char *name;
    uint32_t value;
} jd__named;

enum { JD_MAX_SCOPES = 64 };

struct jd_graph {
    jd_ctx *ctx;
    jd_params *params;
    jd_dtype real;
    jd__value *value; /* value[0] is the null value */
    uint32_t nvalue, cap_value;
    jd__opnode *op;
    uint32_t nop, cap_op;
    uint32_t *pool;
    uint32_t npool, cap_pool;
    jd__named *result;
    uint32_t nresult, cap_result;
    const jd_tensor *arg; /* the inputs this trace is for */
    int narg;
    uint32_t *arg_value; /* value of arg[i], 0 until jd_arg asks for it */
    const char **wanted; /* (nwanted) names that jd_has_arg was asked for, found or not */
    int nwanted, cap_wanted;
    const char *scope;                /* "encoder/lstm0/" */
    const char *outer[JD_MAX_SCOPES]; /* the scopes around it */
    int depth;
    struct jd__block *block; /* memory of jd__graph_alloc */
    double noise;            /* weight noise, see jd_weight_noise */
    jd_node noise_step;
};

/* A graph that traces for the inputs arg[narg]; jd__graph_reset makes it empty but keeps its memory. */
jd_status jd__graph_init(jd_graph *g, jd_ctx *ctx, jd_params *params, jd_dtype real);
jd_status jd__graph_reset(jd_graph *g, const jd_tensor *arg, int narg);
void jd__graph_done(jd_graph *g);

/* Zeroed memory that lives as long as the graph's present trace. */
void *jd__graph_alloc(jd_graph *g, size_t bytes);

/* The producer of a value.  For the null node: JD_OP_COUNT, NULL, 0 inputs. */
jd_opcode jd__op_of(const jd_graph *g, jd_node x);
const void *jd__attr_of(const jd_graph *g, jd_node x);
int jd__inputs_of(const jd_graph *g, jd_node x, const jd_node **in);

/* The whole parameter vector (P) as one node. */
jd_node jd__params_node(jd_graph *g);

/* false, with an error that names `what`, unless the shape has at most JD_MAX_RANK dimensions of at least `least`. */
bool jd__shape_ok(jd_graph *g, const char *what, const jd_dims *shape, int64_t least);

/* Makes "(2,3)" of a shape; returns buf. */
const char *jd__shape_text(const jd_type *t, char buf[64]);

/* Attribute of param and state leaves. */
typedef struct jd__leaf_attr {
    int64_t offset; /* param: elements into the vector; state: index of the state; arg: index of the input */
    double value;   /* constant */
} jd__leaf_attr;

/* ---- parameter store ---- */
struct jd_params {
    jd_ctx *ctx;
    jd_dtype real;
    unsigned char *data;
    size_t count, capacity; /* elements */
    jd_range *range;
    int nrange, cap_range;
    bool sealed; /* no parameter is made any more */
    jd_range *state;
    void **state_data;
    int nstate, cap_state;
    uint64_t generation;       /* grows when a pointer into the store may have moved */
    struct jd__mirror *mirror; /* on a device, see offload.h; NULL: the host's memory is all there is */
};
/* Finds or makes; -1 and an error when the shape differs from before. */
int jd__params_intern(jd_params *p, const char *name, const jd_type *type, const jd_init *init);
int jd__params_intern_state(jd_params *p, const char *name, const jd_type *type);
/* Fills n elements at `out` by the rule; stream "init/NAME" of `seed`. */
jd_status jd__init_fill(jd_ctx *ctx, const char *name, const jd_type *type, const jd_init *init, void *out);

#endif
