/*
 * rivals_dnnl.h - a small network on oneDNN's C interface: a list of primitives to execute in order.
 *
 * Every call on a net that has failed does nothing, so only the end asks.
 */
#ifndef JD_CMD_RIVALS_DNNL_H
#define JD_CMD_RIVALS_DNNL_H

#include <stdbool.h>

#include <oneapi/dnnl/dnnl.h>

/* The calls used, looked up at run time: the program starts without oneDNN and its OpenMP. */
#define DNNL_CALLS(F)                                                                                                  \
    F(version)                                                                                                         \
    F(engine_create)                                                                                                   \
    F(engine_destroy)                                                                                                  \
    F(stream_create)                                                                                                   \
    F(stream_wait)                                                                                                     \
    F(stream_destroy)                                                                                                  \
    F(memory_desc_init_by_tag)                                                                                         \
    F(memory_desc_equal)                                                                                               \
    F(memory_desc_get_size)                                                                                            \
    F(memory_create)                                                                                                   \
    F(memory_get_memory_desc)                                                                                          \
    F(memory_get_data_handle)                                                                                          \
    F(memory_destroy)                                                                                                  \
    F(primitive_desc_create)                                                                                           \
    F(primitive_desc_query_md)                                                                                         \
    F(primitive_desc_destroy)                                                                                          \
    F(primitive_create)                                                                                                \
    F(primitive_execute)                                                                                               \
    F(primitive_destroy)                                                                                               \
    F(primitive_attr_create)                                                                                           \
    F(primitive_attr_set_post_ops)                                                                                     \
    F(primitive_attr_destroy)                                                                                          \
    F(post_ops_create)                                                                                                 \
    F(post_ops_append_eltwise)                                                                                         \
    F(post_ops_destroy)                                                                                                \
    F(reorder_primitive_desc_create)                                                                                   \
    F(convolution_forward_desc_init)                                                                                   \
    F(convolution_backward_data_desc_init)                                                                             \
    F(convolution_backward_weights_desc_init)                                                                          \
    F(pooling_v2_forward_desc_init)                                                                                    \
    F(pooling_v2_backward_desc_init)                                                                                   \
    F(eltwise_backward_desc_init)                                                                                      \
    F(eltwise_forward_desc_init)                                                                                       \
    F(inner_product_forward_desc_init)                                                                                 \
    F(inner_product_backward_data_desc_init)                                                                           \
    F(inner_product_backward_weights_desc_init)                                                                        \
    F(lstm_forward_desc_init)                                                                                          \
    F(lstm_backward_desc_init)

typedef struct dnnl_calls {
#define F(name) __typeof__(dnnl_##name) *name;
    DNNL_CALLS(F)
#undef F
    void (*set_threads)(int); /* OpenMP's */
} dnnl_calls;

enum { NET_OPS = 128, NET_DESCS = 128, NET_MEMORIES = 256, OP_ARGS = 16 };

typedef struct dnnl_net {
    const dnnl_calls *call;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct {
        dnnl_primitive_t primitive;
        dnnl_exec_arg_t arg[OP_ARGS];
        int args;
    } op[NET_OPS];
    int ops;
    dnnl_primitive_desc_t desc[NET_DESCS];
    int descs;
    dnnl_memory_t memory[NET_MEMORIES];
    int memories;
    unsigned long random;
    bool failed;
} dnnl_net;

/* A layer whose forward pass is in the list, and what its backward pass needs. */
typedef struct dnnl_layer {
    enum { LAYER_CONV, LAYER_POOL, LAYER_DENSE, LAYER_LSTM } kind;
    bool tanh, both; /* squashed; bidirectional */
    int window;
    dnnl_primitive_desc_t forward;
    dnnl_memory_desc_t picture; /* of the input before it was flattened; no axes: it was flat */
    dnnl_memory_t src, weights, recurrent, bias, dst, workspace;
} dnnl_layer;

/* rivals_dnnl.c */
void net_open(dnnl_net *n, const dnnl_calls *call);
void net_close(dnnl_net *n);
void net_step(void *net);
bool net_ok(dnnl_net *n, dnnl_status_t s);
dnnl_memory_desc_t net_shape(dnnl_net *n, int rank, const dnnl_dim_t *size, dnnl_format_tag_t tag);
dnnl_memory_desc_t net_layout(dnnl_net *n, dnnl_memory_t m);
dnnl_memory_t net_memory(dnnl_net *n, const dnnl_memory_desc_t *d);                  /* zeros */
dnnl_memory_t net_view(dnnl_net *n, dnnl_memory_t m, const dnnl_memory_desc_t *d);   /* the same bytes */
dnnl_memory_t net_random(dnnl_net *n, const dnnl_memory_desc_t *plain, float scale); /* uniform in +-scale */
dnnl_memory_t net_random_as(dnnl_net *n, const dnnl_memory_desc_t *plain, const dnnl_memory_desc_t *want, float scale);
dnnl_memory_t net_as(dnnl_net *n, dnnl_memory_t m, const dnnl_memory_desc_t *want); /* m, or a reordered copy */
/* A primitive to be, owned by the net; the layouts it wants can be asked before net_add puts it into the list. */
dnnl_primitive_desc_t net_desc(dnnl_net *n, const void *op_desc, dnnl_primitive_desc_t hint, bool then_tanh);
void net_add(dnnl_net *n, dnnl_primitive_desc_t p);
void net_arg(dnnl_net *n, int which, dnnl_memory_t m); /* of the operation added last */
dnnl_memory_desc_t net_query(dnnl_net *n, dnnl_primitive_desc_t p, dnnl_query_t what, int index);

/* rivals_dnnl_layers.c: forward appends the primitives of a layer, backward those of its gradients. */
dnnl_layer layer_conv(dnnl_net *n, dnnl_memory_t x, int maps, int window); /* with tanh */
dnnl_layer layer_pool(dnnl_net *n, dnnl_memory_t x, int window);
dnnl_layer layer_dense(dnnl_net *n, dnnl_memory_t x, int units, bool tanh);
dnnl_layer layer_lstm(dnnl_net *n, dnnl_memory_t x, int units, bool both);
/* The gradient of the layer's input, NULL unless need_dx. */
dnnl_memory_t layer_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy, bool need_dx);

#endif
