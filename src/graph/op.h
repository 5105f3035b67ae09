/*
 * op.h - what an operation is.
 *
 * One op, one file src/ops/NAME.c that defines `const jd_op jd__op_NAME`: shape rule, gradient rule, reference kernels for
 * float32 and float64 (one source, see ops/real.h), and for a fused op its decomposition into primitives.  A fast
 * float32 kernel, where there is one, is src/cpu/NAME.c and is listed in src/cpu/kernels.def.  The list below gives
 * every op its number; nothing else has to be edited to add one.
 */
#ifndef JD_GRAPH_OP_H
#define JD_GRAPH_OP_H

#include "base/team.h"
#include "jackdaw/graph.h"

/* X(name) */
#define JD_OPS(X)                                                                                                      \
    X(arg) /* leaves: no kernels */                                                                                    \
    X(param)                                                                                                           \
    X(state)                                                                                                           \
    X(constant)                                                                                                        \
    X(iota)                                                                                                            \
    X(pointwise) /* a small program of point-wise steps, see ops/pointwise.h */                                        \
    X(reshape)   /* views: no kernels */                                                                               \
    X(stop)                                                                                                            \
    X(transpose)                                                                                                       \
    X(broadcast)                                                                                                       \
    X(slice)                                                                                                           \
    X(pad)                                                                                                             \
    X(concat)                                                                                                          \
    X(reverse)                                                                                                         \
    X(sum)                                                                                                             \
    X(amax)                                                                                                            \
    X(argmax)                                                                                                          \
    X(matmul)                                                                                                          \
    X(matmul_update) /* w += alpha a b: a product straight into a parameter */                                         \
    X(gather)                                                                                                          \
    X(scatter_add)                                                                                                     \
    X(onehot)                                                                                                          \
    X(random)                                                                                                          \
    X(conv2d)                                                                                                          \
    X(conv2d_dx)                                                                                                       \
    X(conv2d_dw)                                                                                                       \
    X(maxpool)     /* y and the index of the winner */                                                                 \
    X(unpool)      /* dy scattered to the winners */                                                                   \
    X(pool_gather) /* x gathered at the winners */                                                                     \
    X(avgpool)                                                                                                         \
    X(avgpool_dx)                                                                                                      \
    X(softmax)                                                                                                         \
    X(softmax_xent)                                                                                                    \
    X(softmax_xent_grad)                                                                                               \
    X(ctc)                                                                                                             \
    X(ctc_grad)                                                                                                        \
    X(lstm)                                                                                                            \
    X(lstm_grad)                                                                                                       \
    X(gru)                                                                                                             \
    X(gru_grad)                                                                                                        \
    X(srn)                                                                                                             \
    X(srn_grad)                                                                                                        \
    X(clockwork)                                                                                                       \
    X(clockwork_grad)                                                                                                  \
    X(exchange) /* the mean of a gradient over shards and ranks */                                                     \
    X(update_sgd)                                                                                                      \
    X(update_adam)                                                                                                     \
    X(update_rmsprop)                                                                                                  \
    X(update_rprop)                                                                                                    \
    X(mdlstm)                                                                                                          \
    X(mdlstm_grad)                                                                                                     \
    X(convlstm)                                                                                                        \
    X(convlstm_grad)

#define JD_OP_ENUM_(name) JD_OP_##name,
typedef enum jd_opcode { JD_OPS(JD_OP_ENUM_) JD_OP_COUNT } jd_opcode;
#undef JD_OP_ENUM_

enum { JD_MAX_OUT = 16, JD_ATTR_BYTES = 48 };

typedef struct jd_op jd_op;

/* What a kernel sees: types, pointers, attributes.  All buffers are aligned to 64 bytes except views of parameters,
 * slices and inputs, which are aligned to their element. */
typedef struct jd_call {
    const jd_op *op;
    const void *attr; /* the op's attribute struct */
    int nin, nout;
    const jd_type *in_type, *out_type;
    void **in, **out;         /* in[i] is NULL for an optional input that is absent */
    void *scratch;            /* op->scratch() bytes, aligned to 64, contents undefined */
    const struct jd_cpu *cpu; /* the fast helper routines of the chosen instruction set */
    uint64_t seed;            /* of the context */
} jd_call;

/* A kernel runs on all members of the team at once and does its own share (w->id of w->count; count may be 1).  The
 * executor waits for all members after each kernel.  A kernel never allocates. */
typedef void jd_kernel(const jd_call *c, const jd_worker *w);

/* The shape rule: fills nout and out[] from in[]; on a misfit calls jd__bad(c, ...) and returns its status. */
typedef struct jd_infer {
    jd_graph *g;
    const jd_op *op;
    const void *attr;
    int nin, nout;
    const jd_type *in; /* in[i].rank is -1 for an absent optional input */
    jd_type out[JD_MAX_OUT];
} jd_infer;
jd_status jd__bad(const jd_infer *c, const char *fmt, ...) JD_PRINTF(2, 3);

/* The gradient rule and the decomposition: both add nodes.
 * grad: given out[] and dout[] (null where nothing flows), sets din[i] for the inputs with need[i].
 * decompose: sets out[] to primitives that compute the same from in[]; outputs that only serve the backward op may stay
 * null. */
typedef struct jd_rule {
    jd_graph *g;
    const jd_op *op;
    const void *attr;
    int nin, nout;
    const jd_node *in;
    jd_node *out;
    const jd_node *dout;
    jd_node *din;
    const bool *need;
} jd_rule;

enum {
    JD_OP_LEAF = 1,     /* no instruction: the value is an input, parameter, state or constant */
    JD_OP_VIEW = 2,     /* no instruction: shares its input's memory */
    JD_OP_FENCE = 4,    /* writes parameters or states; nothing that reads them may be moved across */
    JD_OP_SERIAL = 8,   /* the kernel wants to run on one thread */
    JD_OP_IN_PLACE = 16 /* out[0] may be the same memory as an input of its size */
};

struct jd_op {
    const char *name;
    const char *doc; /* one line */
    unsigned flags;
    size_t attr_bytes;
    jd_status (*infer)(jd_infer *c);
    void (*grad)(const jd_rule *c); /* NULL: not differentiable, gradient zero */
    void (*decompose)(const jd_rule *c);
    size_t (*scratch)(const jd_call *c, int threads); /* NULL: none; pointers in c are not set */
    double (*flop)(const jd_call *c);                 /* 2 x multiply-adds of products; NULL: 0 */
    jd_kernel *ref[2];                                /* plain C: [JD_F32], [JD_F64] */
};

#define JD_OP_DECLARE_(name) extern const jd_op jd__op_##name;
JD_OPS(JD_OP_DECLARE_)
#undef JD_OP_DECLARE_
extern const jd_op *const jd__ops[JD_OP_COUNT];

/* Adds one op.  attr (op->attr_bytes) is copied.  `in` may hold null nodes for optional inputs.  Fills out[nout] (may be
 * NULL) and returns the first output. */
jd_node jd__add(jd_graph *g, jd_opcode op, const void *attr, const jd_node *in, int nin, jd_node *out);

/* The gradient rule of every *_grad op whose inputs are (forward inputs..., anything..., douts of the forward outputs):
 * differentiates the forward op's decomposition.  `map_in(rule, i)`: see ops/secondorder.c. */
typedef struct jd_second_order {
    jd_opcode forward;
    int forward_in; /* the first forward_in inputs of the grad op are the forward op's inputs */
    int dout_at;    /* in[dout_at + k] is the cotangent of forward output k, for k < douts */
    int douts;
    /* output j of the grad op is the gradient of forward input out_of[j] */
    const int *out_of;
} jd_second_order;
void jd__grad_of_grad(const jd_rule *c, const jd_second_order *s);

/* Helpers for rules. */
static inline int64_t jd__count(const jd_type *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->dim[i];
    return n;
}
/* Number of rows: all dimensions but the last. */
static inline int64_t jd__rows(const jd_type *t)
{
    int64_t n = 1;
    for (int i = 0; i + 1 < t->rank; i++) n *= t->dim[i];
    return n;
}
static inline jd_dims jd__dims(const jd_type *t)
{
    jd_dims d = {t->rank, {0}};
    for (int i = 0; i < t->rank; i++) d.dim[i] = t->dim[i];
    return d;
}

#endif
