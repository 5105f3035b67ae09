/* rivals_dnnl_layers.c - layers on oneDNN primitives: forward passes, and the gradients of weights and inputs. */
#include "rivals.h"

#ifdef JACKDAW_HAVE_DNNL

#include <math.h>

#include "rivals_dnnl.h"

static const dnnl_dims_t ONE = {1, 1}, NONE = {0, 0};

static float weight_scale(dnnl_dim_t fan_in)
{
    return 1 / sqrtf((float)fan_in);
}

static dnnl_memory_desc_t any_layout(dnnl_net *n, const dnnl_memory_desc_t *d)
{
    return net_shape(n, d->ndims, d->dims, dnnl_format_tag_any);
}

static dnnl_memory_t source_for(dnnl_net *n, dnnl_primitive_desc_t p, dnnl_query_t what, dnnl_memory_t m)
{
    const dnnl_memory_desc_t want = net_query(n, p, what, 0);
    return net_as(n, m, &want);
}

/* A result of the primitive added last, in the layout it wants. */
static dnnl_memory_t result_of(dnnl_net *n, dnnl_primitive_desc_t p, dnnl_query_t what, int index, int arg)
{
    const dnnl_memory_desc_t d = net_query(n, p, what, index);
    dnnl_memory_t m = net_memory(n, &d);
    net_arg(n, arg, m);
    return m;
}

/* What convolution and inner product share once their descriptor is there. */
static void forward_product(dnnl_net *n, dnnl_layer *l, const void *op, dnnl_memory_t x,
                            const dnnl_memory_desc_t *plain, dnnl_dim_t fan_in)
{
    l->forward = net_desc(n, op, NULL, l->tanh);
    l->src = source_for(n, l->forward, dnnl_query_src_md, x);
    const dnnl_memory_desc_t w = net_query(n, l->forward, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t b = net_query(n, l->forward, dnnl_query_weights_md, 1);
    l->weights = net_random_as(n, plain, &w, weight_scale(fan_in));
    l->bias = net_random(n, &b, 0.1f);
    net_add(n, l->forward);
    net_arg(n, DNNL_ARG_SRC, l->src);
    net_arg(n, DNNL_ARG_WEIGHTS, l->weights);
    net_arg(n, DNNL_ARG_BIAS, l->bias);
    l->dst = result_of(n, l->forward, dnnl_query_dst_md, 0, DNNL_ARG_DST);
}

dnnl_layer layer_conv(dnnl_net *n, dnnl_memory_t x, int maps, int window)
{
    dnnl_layer l = {.kind = LAYER_CONV, .tanh = true, .window = window};
    const dnnl_memory_desc_t in = net_layout(n, x), s = any_layout(n, &in);
    const dnnl_dim_t side = in.dims[2] - window + 1, out[] = {in.dims[0], maps, side, side}, count[] = {maps};
    const dnnl_dim_t kernel[] = {maps, in.dims[1], window, window};
    const dnnl_memory_desc_t plain = net_shape(n, 4, kernel, dnnl_oihw), w = any_layout(n, &plain);
    const dnnl_memory_desc_t b = net_shape(n, 1, count, dnnl_a), d = net_shape(n, 4, out, dnnl_format_tag_any);
    dnnl_convolution_desc_t c = {0};
    net_ok(n, n->call->convolution_forward_desc_init(&c, dnnl_forward_training, dnnl_convolution_direct, &s, &w, &b, &d,
                                                     ONE, NONE, NONE));
    forward_product(n, &l, &c, x, &plain, kernel[1] * window * window);
    return l;
}

/* In plain layouts: with those of oneDNN's choice, bringing the large weights into them and back in each step costs more
 * than they gain.  A picture is flattened first. */
dnnl_layer layer_dense(dnnl_net *n, dnnl_memory_t x, int units, bool tanh)
{
    dnnl_layer l = {.kind = LAYER_DENSE, .tanh = tanh};
    const dnnl_memory_desc_t in = net_layout(n, x);
    dnnl_dim_t fan_in = 1;
    for (int i = 1; i < in.ndims; i++) fan_in *= in.dims[i];
    const dnnl_dim_t rows[] = {in.dims[0], fan_in}, kernel[] = {units, fan_in}, out[] = {in.dims[0], units};
    const dnnl_dim_t count[] = {units};
    const dnnl_memory_desc_t s = net_shape(n, 2, rows, dnnl_ab), w = net_shape(n, 2, kernel, dnnl_ab);
    const dnnl_memory_desc_t b = net_shape(n, 1, count, dnnl_a), d = net_shape(n, 2, out, dnnl_ab);
    if (in.ndims == 4) {
        l.picture = net_shape(n, 4, in.dims, dnnl_nchw);
        x = net_view(n, net_as(n, x, &l.picture), &s);
    }
    dnnl_inner_product_desc_t c = {0};
    net_ok(n, n->call->inner_product_forward_desc_init(&c, dnnl_forward_training, &s, &w, &b, &d));
    forward_product(n, &l, &c, x, &w, fan_in);
    return l;
}

dnnl_layer layer_pool(dnnl_net *n, dnnl_memory_t x, int window)
{
    dnnl_layer l = {.kind = LAYER_POOL, .window = window, .src = x};
    const dnnl_memory_desc_t in = net_layout(n, x);
    const dnnl_dim_t side = in.dims[2] / window, out[] = {in.dims[0], in.dims[1], side, side};
    const dnnl_memory_desc_t d = net_shape(n, 4, out, dnnl_format_tag_any);
    const dnnl_dims_t size = {window, window};
    dnnl_pooling_v2_desc_t c = {0};
    net_ok(n, n->call->pooling_v2_forward_desc_init(&c, dnnl_forward_training, dnnl_pooling_max, &in, &d, size, size,
                                                    NONE, NONE, NONE));
    l.forward = net_desc(n, &c, NULL, false);
    net_add(n, l.forward);
    net_arg(n, DNNL_ARG_SRC, x);
    l.dst = result_of(n, l.forward, dnnl_query_dst_md, 0, DNNL_ARG_DST);
    l.workspace = result_of(n, l.forward, dnnl_query_workspace_md, 0, DNNL_ARG_WORKSPACE);
    return l;
}

typedef struct lstm_shapes {
    dnnl_memory_desc_t src, weights, recurrent, bias, dst; /* plain */
} lstm_shapes;

static lstm_shapes lstm_plain(dnnl_net *n, dnnl_memory_t x, dnnl_dim_t units, bool both)
{
    const dnnl_memory_desc_t in = net_layout(n, x);
    const dnnl_dim_t T = in.dims[0], B = in.dims[1], I = in.dims[2], dirs = both ? 2 : 1;
    const dnnl_dim_t w[] = {1, dirs, I, 4, units}, r[] = {1, dirs, units, 4, units}, b[] = {1, dirs, 4, units};
    const dnnl_dim_t out[] = {T, B, dirs * units};
    return (lstm_shapes){in, net_shape(n, 5, w, dnnl_ldigo), net_shape(n, 5, r, dnnl_ldigo),
                         net_shape(n, 4, b, dnnl_ldgo), net_shape(n, 3, out, dnnl_tnc)};
}

static dnnl_rnn_direction_t direction(bool both)
{
    return both ? dnnl_bidirectional_concat : dnnl_unidirectional_left2right;
}

/* The master weights are plain, as an update wants them: what the primitives pack is packed in every step. */
dnnl_layer layer_lstm(dnnl_net *n, dnnl_memory_t x, int units, bool both)
{
    dnnl_layer l = {.kind = LAYER_LSTM, .both = both, .src = x};
    const lstm_shapes s = lstm_plain(n, x, units, both);
    const dnnl_memory_desc_t w = any_layout(n, &s.weights), r = any_layout(n, &s.recurrent);
    dnnl_rnn_desc_t c = {0};
    net_ok(n, n->call->lstm_forward_desc_init(&c, dnnl_forward_training, direction(both), &s.src, NULL, NULL, &w, &r,
                                              &s.bias, &s.dst, NULL, NULL, 0));
    l.forward = net_desc(n, &c, NULL, false);
    l.weights = net_random(n, &s.weights, weight_scale(units));
    l.recurrent = net_random(n, &s.recurrent, weight_scale(units));
    l.bias = net_random(n, &s.bias, 0.1f);
    const dnnl_memory_desc_t want[] = {net_query(n, l.forward, dnnl_query_weights_md, 0),
                                       net_query(n, l.forward, dnnl_query_weights_md, 1)};
    dnnl_memory_t packed[] = {net_as(n, l.weights, &want[0]), net_as(n, l.recurrent, &want[1])};
    net_add(n, l.forward);
    net_arg(n, DNNL_ARG_SRC_LAYER, x);
    net_arg(n, DNNL_ARG_WEIGHTS_LAYER, packed[0]);
    net_arg(n, DNNL_ARG_WEIGHTS_ITER, packed[1]);
    net_arg(n, DNNL_ARG_BIAS, l.bias);
    l.dst = result_of(n, l.forward, dnnl_query_dst_md, 0, DNNL_ARG_DST_LAYER);
    l.workspace = result_of(n, l.forward, dnnl_query_workspace_md, 0, DNNL_ARG_WORKSPACE);
    return l;
}

static dnnl_memory_t lstm_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy)
{
    const dnnl_memory_desc_t out = net_layout(n, l->dst);
    const lstm_shapes s = lstm_plain(n, l->src, out.dims[2] / (l->both ? 2 : 1), l->both);
    const dnnl_memory_desc_t w = any_layout(n, &s.weights), r = any_layout(n, &s.recurrent);
    dnnl_rnn_desc_t c = {0};
    net_ok(n, n->call->lstm_backward_desc_init(&c, dnnl_backward, direction(l->both), &s.src, NULL, NULL, &w, &r,
                                               &s.bias, &s.dst, NULL, NULL, &s.src, NULL, NULL, &w, &r, &s.bias, &s.dst,
                                               NULL, NULL, 0));
    dnnl_primitive_desc_t p = net_desc(n, &c, l->forward, false);
    const dnnl_memory_desc_t want[] = {net_query(n, p, dnnl_query_weights_md, 0),
                                       net_query(n, p, dnnl_query_weights_md, 1)};
    dnnl_memory_t packed[] = {net_as(n, l->weights, &want[0]), net_as(n, l->recurrent, &want[1])};
    dy = net_as(n, dy, &s.dst);
    net_add(n, p);
    net_arg(n, DNNL_ARG_SRC_LAYER, l->src);
    net_arg(n, DNNL_ARG_WEIGHTS_LAYER, packed[0]);
    net_arg(n, DNNL_ARG_WEIGHTS_ITER, packed[1]);
    net_arg(n, DNNL_ARG_BIAS, l->bias);
    net_arg(n, DNNL_ARG_DST_LAYER, l->dst);
    net_arg(n, DNNL_ARG_WORKSPACE, l->workspace);
    net_arg(n, DNNL_ARG_DIFF_DST_LAYER, dy);
    dnnl_memory_t dx = result_of(n, p, dnnl_query_diff_src_md, 0, DNNL_ARG_DIFF_SRC_LAYER);
    dnnl_memory_t dw = result_of(n, p, dnnl_query_diff_weights_md, 0, DNNL_ARG_DIFF_WEIGHTS_LAYER);
    dnnl_memory_t dr = result_of(n, p, dnnl_query_diff_weights_md, 1, DNNL_ARG_DIFF_WEIGHTS_ITER);
    result_of(n, p, dnnl_query_diff_weights_md, 2, DNNL_ARG_DIFF_BIAS);
    net_as(n, dw, &s.weights);
    net_as(n, dr, &s.recurrent);
    return dx;
}

static dnnl_memory_t pool_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy)
{
    const dnnl_memory_desc_t in = net_layout(n, l->src), out = net_layout(n, l->dst);
    const dnnl_dims_t size = {l->window, l->window};
    dnnl_pooling_v2_desc_t c = {0};
    net_ok(n, n->call->pooling_v2_backward_desc_init(&c, dnnl_pooling_max, &in, &out, size, size, NONE, NONE, NONE));
    dnnl_primitive_desc_t p = net_desc(n, &c, l->forward, false);
    dy = net_as(n, dy, &out);
    net_add(n, p);
    net_arg(n, DNNL_ARG_DIFF_DST, dy);
    net_arg(n, DNNL_ARG_WORKSPACE, l->workspace);
    return result_of(n, p, dnnl_query_diff_src_md, 0, DNNL_ARG_DIFF_SRC);
}

/* dy *= 1 - y^2, in place */
static dnnl_memory_t tanh_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy)
{
    const dnnl_memory_desc_t d = net_layout(n, l->dst);
    dnnl_eltwise_desc_t f = {0}, c = {0};
    net_ok(n,
           n->call->eltwise_forward_desc_init(&f, dnnl_forward_training, dnnl_eltwise_tanh_use_dst_for_bwd, &d, 0, 0));
    net_ok(n, n->call->eltwise_backward_desc_init(&c, dnnl_eltwise_tanh_use_dst_for_bwd, &d, &d, 0, 0));
    dnnl_primitive_desc_t p = net_desc(n, &c, net_desc(n, &f, NULL, false), false);
    dy = net_as(n, dy, &d);
    net_add(n, p);
    net_arg(n, DNNL_ARG_DST, l->dst);
    net_arg(n, DNNL_ARG_DIFF_DST, dy);
    net_arg(n, DNNL_ARG_DIFF_SRC, dy);
    return dy;
}

typedef union product_desc {
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t dense;
} product_desc;

static dnnl_memory_t product_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy, bool need_dx)
{
    const bool conv = l->kind == LAYER_CONV;
    dnnl_memory_desc_t s = net_layout(n, l->src), k = net_layout(n, l->weights), d = net_layout(n, l->dst);
    const dnnl_memory_desc_t w = k, b = net_layout(n, l->bias);
    if (conv) s = any_layout(n, &s), k = any_layout(n, &k), d = any_layout(n, &d);
    product_desc c = {0};
    net_ok(n, conv ? n->call->convolution_backward_weights_desc_init(&c.conv, dnnl_convolution_direct, &s, &k, &b, &d,
                                                                     ONE, NONE, NONE)
                   : n->call->inner_product_backward_weights_desc_init(&c.dense, &s, &k, &b, &d));
    dnnl_primitive_desc_t p = net_desc(n, &c, l->forward, false);
    dnnl_memory_t x = source_for(n, p, dnnl_query_src_md, l->src), g = source_for(n, p, dnnl_query_diff_dst_md, dy);
    net_add(n, p);
    net_arg(n, DNNL_ARG_SRC, x);
    net_arg(n, DNNL_ARG_DIFF_DST, g);
    dnnl_memory_t dw = result_of(n, p, dnnl_query_diff_weights_md, 0, DNNL_ARG_DIFF_WEIGHTS);
    result_of(n, p, dnnl_query_diff_weights_md, 1, DNNL_ARG_DIFF_BIAS);
    net_as(n, dw, &w); /* an update adds it to the weights */
    if (!need_dx) return NULL;

    c = (product_desc){0};
    net_ok(n, conv ? n->call->convolution_backward_data_desc_init(&c.conv, dnnl_convolution_direct, &s, &k, &d, ONE,
                                                                  NONE, NONE)
                   : n->call->inner_product_backward_data_desc_init(&c.dense, &s, &k, &d));
    p = net_desc(n, &c, l->forward, false);
    dnnl_memory_t weights = source_for(n, p, dnnl_query_weights_md, l->weights);
    g = source_for(n, p, dnnl_query_diff_dst_md, dy);
    net_add(n, p);
    net_arg(n, DNNL_ARG_WEIGHTS, weights);
    net_arg(n, DNNL_ARG_DIFF_DST, g);
    dnnl_memory_t dx = result_of(n, p, dnnl_query_diff_src_md, 0, DNNL_ARG_DIFF_SRC);
    return l->picture.ndims ? net_view(n, dx, &l->picture) : dx;
}

dnnl_memory_t layer_backward(dnnl_net *n, const dnnl_layer *l, dnnl_memory_t dy, bool need_dx)
{
    if (l->kind == LAYER_POOL) return pool_backward(n, l, dy);
    if (l->kind == LAYER_LSTM) return lstm_backward(n, l, dy);
    if (l->tanh) dy = tanh_backward(n, l, dy);
    return product_backward(n, l, dy, need_dx);
}

#endif
