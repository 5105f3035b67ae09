/*
 * rivals_dnnl.c - oneDNN (2.x) as a rival: finding the library, networks as lists of primitives, and the workloads.
 *
 * A step is the forward and backward pass of the layers, tanh fused into the products where oneDNN can, in the layouts that
 * oneDNN chooses; where two primitives want different layouts the reordering is part of the step, as it is in a network.
 */
#include <stddef.h>

#include "rivals.h"

#ifdef JACKDAW_HAVE_DNNL

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rivals_dnnl.h"

bool net_ok(dnnl_net *n, dnnl_status_t s)
{
    if (s != dnnl_success) n->failed = true;
    return !n->failed;
}

void net_open(dnnl_net *n, const dnnl_calls *call)
{
    *n = (dnnl_net){.call = call, .random = 1};
    if (net_ok(n, call->engine_create(&n->engine, dnnl_cpu, 0)))
        net_ok(n, call->stream_create(&n->stream, n->engine, dnnl_stream_default_flags));
}

void net_close(dnnl_net *n)
{
    for (int i = 0; i < n->ops; i++) n->call->primitive_destroy(n->op[i].primitive);
    for (int i = 0; i < n->descs; i++) n->call->primitive_desc_destroy(n->desc[i]);
    for (int i = 0; i < n->memories; i++) n->call->memory_destroy(n->memory[i]);
    if (n->stream) n->call->stream_destroy(n->stream);
    if (n->engine) n->call->engine_destroy(n->engine);
}

static void execute_from(dnnl_net *n, int first)
{
    for (int i = first; !n->failed && i < n->ops; i++)
        net_ok(n, n->call->primitive_execute(n->op[i].primitive, n->stream, n->op[i].args, n->op[i].arg));
    if (!n->failed) net_ok(n, n->call->stream_wait(n->stream));
}

void net_step(void *net)
{
    execute_from(net, 0);
}

dnnl_memory_desc_t net_shape(dnnl_net *n, int rank, const dnnl_dim_t *size, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d = {0};
    dnnl_dims_t dims = {0};
    memcpy(dims, size, (size_t)rank * sizeof *dims);
    net_ok(n, n->call->memory_desc_init_by_tag(&d, rank, dims, dnnl_f32, tag));
    return d;
}

dnnl_memory_desc_t net_layout(dnnl_net *n, dnnl_memory_t m)
{
    const dnnl_memory_desc_t *d = NULL;
    if (n->failed || !net_ok(n, n->call->memory_get_memory_desc(m, &d))) return (dnnl_memory_desc_t){0};
    return *d;
}

static dnnl_memory_t make_memory(dnnl_net *n, const dnnl_memory_desc_t *d, void *bytes)
{
    dnnl_memory_t m = NULL;
    if (n->memories == NET_MEMORIES) n->failed = true;
    if (n->failed || !net_ok(n, n->call->memory_create(&m, d, n->engine, bytes))) return NULL;
    n->memory[n->memories++] = m;
    return m;
}

static void *bytes_of(dnnl_net *n, dnnl_memory_t m)
{
    void *p = NULL;
    if (!n->failed) net_ok(n, n->call->memory_get_data_handle(m, &p));
    return p;
}

dnnl_memory_t net_memory(dnnl_net *n, const dnnl_memory_desc_t *d)
{
    dnnl_memory_t m = make_memory(n, d, DNNL_MEMORY_ALLOCATE);
    void *p = bytes_of(n, m);
    if (p) memset(p, 0, n->call->memory_desc_get_size(d));
    return m;
}

dnnl_memory_t net_view(dnnl_net *n, dnnl_memory_t m, const dnnl_memory_desc_t *d)
{
    return make_memory(n, d, bytes_of(n, m));
}

dnnl_memory_t net_random(dnnl_net *n, const dnnl_memory_desc_t *plain, float scale)
{
    dnnl_memory_t m = net_memory(n, plain);
    float *x = bytes_of(n, m);
    const size_t count = x ? n->call->memory_desc_get_size(plain) / sizeof *x : 0;
    for (size_t i = 0; i < count; i++) {
        n->random = n->random * 6364136223846793005UL + 1442695040888963407UL;
        x[i] = scale * ((float)(n->random >> 40) / 8388608.0f - 1);
    }
    return m;
}

static dnnl_primitive_desc_t keep(dnnl_net *n, dnnl_primitive_desc_t p)
{
    n->desc[n->descs++] = p;
    return p;
}

void net_add(dnnl_net *n, dnnl_primitive_desc_t p)
{
    dnnl_primitive_t made = NULL;
    if (n->ops == NET_OPS) n->failed = true;
    if (n->failed || !net_ok(n, n->call->primitive_create(&made, p))) return;
    n->op[n->ops].args = 0;
    n->op[n->ops++].primitive = made;
}

dnnl_memory_t net_as(dnnl_net *n, dnnl_memory_t m, const dnnl_memory_desc_t *want)
{
    const dnnl_memory_desc_t have = net_layout(n, m);
    if (n->failed || n->call->memory_desc_equal(&have, want)) return m;
    dnnl_memory_t to = net_memory(n, want);
    dnnl_primitive_desc_t p = NULL;
    if (n->descs == NET_DESCS) n->failed = true;
    if (n->failed || !net_ok(n, n->call->reorder_primitive_desc_create(&p, &have, n->engine, want, n->engine, NULL)))
        return NULL;
    net_add(n, keep(n, p));
    net_arg(n, DNNL_ARG_FROM, m);
    net_arg(n, DNNL_ARG_TO, to);
    return to;
}

/* Blocked layouts may have padding that must be zero, so random numbers are made plain and reordered at once. */
dnnl_memory_t net_random_as(dnnl_net *n, const dnnl_memory_desc_t *plain, const dnnl_memory_desc_t *want, float scale)
{
    const int first = n->ops;
    dnnl_memory_t m = net_as(n, net_random(n, plain, scale), want);
    execute_from(n, first);
    while (n->ops > first) n->call->primitive_destroy(n->op[--n->ops].primitive);
    return m;
}

dnnl_primitive_desc_t net_desc(dnnl_net *n, const void *op_desc, dnnl_primitive_desc_t hint, bool then_tanh)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t after = NULL;
    if (n->descs == NET_DESCS) n->failed = true;
    if (n->failed) return NULL;
    if (then_tanh && net_ok(n, n->call->primitive_attr_create(&attr)) && net_ok(n, n->call->post_ops_create(&after)) &&
        net_ok(n, n->call->post_ops_append_eltwise(after, 1, dnnl_eltwise_tanh, 0, 0)))
        net_ok(n, n->call->primitive_attr_set_post_ops(attr, after));
    dnnl_primitive_desc_t p = NULL;
    if (!n->failed && net_ok(n, n->call->primitive_desc_create(&p, op_desc, attr, n->engine, hint))) keep(n, p);
    if (after) n->call->post_ops_destroy(after);
    if (attr) n->call->primitive_attr_destroy(attr);
    return p;
}

void net_arg(dnnl_net *n, int which, dnnl_memory_t m)
{
    if (n->failed) return;
    const int last = n->ops - 1;
    if (n->op[last].args == OP_ARGS)
        n->failed = true;
    else
        n->op[last].arg[n->op[last].args++] = (dnnl_exec_arg_t){which, m};
}

dnnl_memory_desc_t net_query(dnnl_net *n, dnnl_primitive_desc_t p, dnnl_query_t what, int index)
{
    const dnnl_memory_desc_t *d = n->failed ? NULL : n->call->primitive_desc_query_md(p, what, index);
    if (!d) n->failed = true;
    return d ? *d : (dnnl_memory_desc_t){0};
}

#define STR(x)    #x
#define STRING(x) STR(x)

/* NULL: the library is not on this machine. */
static const dnnl_calls *library(void)
{
    static dnnl_calls calls;
    static bool tried;
    if (tried) return calls.version ? &calls : NULL;
    tried = true;
    void *handle = dlopen("libdnnl.so." STRING(DNNL_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return NULL;
    bool all = true;
#define F(name)                                                                                                        \
    *(void **)(void *)&calls.name = dlsym(handle, "dnnl_" #name);                                                      \
    all = all && calls.name;
    DNNL_CALLS(F)
#undef F
    *(void **)(void *)&calls.set_threads = dlsym(handle, "omp_set_num_threads");
    if (!all || !calls.set_threads) calls.version = NULL;
    return calls.version ? &calls : NULL;
}

/* Appends the gradients of l[0..count) to their forward passes; dy: the gradient of the last output. */
static void backward(dnnl_net *n, const dnnl_layer *l, int count, bool need_dx)
{
    const dnnl_memory_desc_t d = net_layout(n, l[count - 1].dst);
    double size = 1;
    for (int i = 0; i < d.ndims; i++) size *= (double)d.dims[i];
    dnnl_memory_t dy = net_random(n, &d, (float)(1 / sqrt(size)));
    for (int i = count - 1; i >= 0; i--) dy = layer_backward(n, &l[i], dy, i > 0 || need_dx);
}

static void cnn(dnnl_net *n, bool signs, int B)
{
    static const int maps[2][3] = {{20, 40, 0}, {100, 150, 250}}, window[2][3] = {{4, 5, 0}, {7, 4, 4}};
    static const int pool[2][3] = {{2, 3, 0}, {2, 2, 2}}, full[2][2] = {{150, 10}, {300, 43}};
    const dnnl_dim_t size[] = {B, signs ? 3 : 1, signs ? 48 : 29, signs ? 48 : 29};
    const dnnl_memory_desc_t d = net_shape(n, 4, size, dnnl_nchw);
    dnnl_memory_t x = net_random(n, &d, 1);
    dnnl_layer l[8];
    int k = 0;
    for (int i = 0; i < 3 && maps[signs][i]; i++) {
        l[k] = layer_conv(n, x, maps[signs][i], window[signs][i]);
        l[k + 1] = layer_pool(n, l[k].dst, pool[signs][i]);
        x = l[k + 1].dst;
        k += 2;
    }
    for (int i = 0; i < 2; i++, k++) {
        l[k] = layer_dense(n, x, full[signs][i], i == 0);
        x = l[k].dst;
    }
    backward(n, l, k, false);
}

static void mlp(dnnl_net *n, int B)
{
    static const int units[] = {2500, 2000, 1500, 1000, 500, 10};
    const dnnl_dim_t size[] = {B, 784};
    const dnnl_memory_desc_t d = net_shape(n, 2, size, dnnl_ab);
    dnnl_memory_t x = net_random(n, &d, 1);
    dnnl_layer l[6];
    for (int i = 0; i < 6; i++) {
        l[i] = layer_dense(n, x, units[i], i < 5);
        x = l[i].dst;
    }
    backward(n, l, 6, false);
}

/* `layers` LSTM layers and, with outputs > 0, a dense layer at every frame. */
static void recurrent(dnnl_net *n, int T, int B, int in, int units, int layers, bool both, int outputs, bool need_dx)
{
    const dnnl_dim_t size[] = {T, B, in}, flat[] = {T * B, units * (both ? 2 : 1)};
    const dnnl_memory_desc_t d = net_shape(n, 3, size, dnnl_tnc), rows = net_shape(n, 2, flat, dnnl_ab);
    dnnl_memory_t x = net_random(n, &d, 1);
    dnnl_layer l[4];
    for (int i = 0; i < layers; i++) {
        l[i] = layer_lstm(n, x, units, both);
        x = l[i].dst;
    }
    if (!outputs) {
        backward(n, l, layers, need_dx);
        return;
    }
    const dnnl_memory_desc_t frames = net_layout(n, x);
    const dnnl_layer out = layer_dense(n, net_view(n, x, &rows), outputs, false);
    const dnnl_memory_desc_t scores = net_layout(n, out.dst);
    dnnl_memory_t dy = layer_backward(n, &out, net_random(n, &scores, 0.01f), true);
    dy = net_view(n, net_as(n, dy, &rows), &frames);
    for (int i = layers - 1; i >= 0; i--) dy = layer_backward(n, &l[i], dy, i > 0 || need_dx);
}

/* Builds the workload's net; NULL: not one of ours.  Otherwise what the step holds. */
static const char *build(dnnl_net *n, const char *workload)
{
    int a, b;
    char kind[8];
    if (sscanf(workload, "mlp_b%d", &a) == 1) {
        if (n) mlp(n, a);
        return "inner products with bias and tanh, forward and backward; no loss, no update";
    }
    if (sscanf(workload, "cnn_%5s", kind) == 1 && sscanf(workload + 9, "_b%d", &a) == 1) {
        if (n) cnn(n, !strcmp(kind, "gtsrb"), a);
        return "convolutions, pools, inner products, tanh, forward and backward; no loss, no update";
    }
    if (sscanf(workload, "lstm_h%d_%2s", &a, kind) == 2) {
        const bool both = !strcmp(kind, "bi");
        if (n) recurrent(n, 100, 32, 64, a, !strcmp(kind, "l2") ? 2 : 1, both, 0, false);
        return "LSTM primitives, forward and backward (also of the first input); no loss, no update";
    }
    if (sscanf(workload, "blstm_ctc_i%d_b%d", &a, &b) == 2) {
        if (n) recurrent(n, 300, b, a, 250, 3, true, 62, false);
        return "LSTM primitives and output product, forward and backward (also of the first input); without CTC, no "
               "update";
    }
    if (sscanf(workload, "charlm_b%d", &a) == 1) {
        if (n) recurrent(n, 100, a, 96, 512, 1, false, 96, true);
        return "LSTM primitive and output product, forward and backward; no embedding, no loss, no update";
    }
    return NULL;
}

static void close_net(void *state)
{
    net_close(state);
    free(state);
}

static rival_state open_dnnl(const rival *r, rival_work *w, const char *workload, int threads)
{
    (void)r;
    const char *holds = build(NULL, workload);
    if (!holds) return RIVAL_OTHER_WORK;
    const dnnl_calls *call = library();
    if (!call) return RIVAL_NOT_INSTALLED;
    call->set_threads(threads);
    dnnl_net *n = malloc(sizeof *n);
    if (!n) return RIVAL_FAILED;
    net_open(n, call);
    build(n, workload);
    net_step(n);
    if (n->failed) {
        close_net(n);
        return RIVAL_FAILED;
    }
    *w = (rival_work){n, net_step, close_net, holds, ""};
    const dnnl_version_t *v = call->version();
    snprintf(w->version, sizeof w->version, "%d.%d.%d", v->major, v->minor, v->patch);
    return RIVAL_READY;
}

#else

static rival_state open_dnnl(const rival *r, rival_work *w, const char *workload, int threads)
{
    (void)r, (void)w, (void)threads;
    (void)workload;
    return RIVAL_NOT_BUILT_IN;
}

#endif

const rival rivals_onednn[] = {{"oneDNN", open_dnnl, NULL}, {0}};
