/* world_nets.c - V and M as graphs of the library; see world.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "world.h"

enum { LAYERS = 4 };

/* ---- V --------------------------------------------------------------------------------------------------------------------*/

/* Layers that halve the picture, and kernels of those that unfold it again from one point. */
static int layers_of(const wm_sizes *o)
{
    return o->side == 64 ? 4 : 3;
}

static const int *kernels_of(const wm_sizes *o)
{
    static const int large[LAYERS] = {5, 5, 6, 6}, small[LAYERS] = {6, 5, 4};
    return o->side == 64 ? large : small;
}

/* The transposed convolution (B,h,w,I) -> (B,(h-1) 2 + size,..,maps): what a convolution of stride 2 from there to here does
 * to errors on their way back. */
static jd_node unfold(jd_graph *g, const char *name, jd_node x, int64_t maps, int size)
{
    char whole[40];
    const int64_t B = jd_dim(g, x, 0), h = jd_dim(g, x, 1), I = jd_dim(g, x, 3), H = (h - 1) * 2 + size;
    snprintf(whole, sizeof whole, "%s/W", name);
    const jd_init init = {JD_INIT_NORMAL, sqrt(2. / (double)(I * size * size) * 4), 0, 0};
    const jd_node w = jd_param(g, whole, init, JD_DIMS(I, size, size, maps));
    const jd_node below = jd_const(g, 0, JD_DIMS(B, H, H, maps));
    const jd_node y = jd_conv2d_raw(g, below, w, (jd_conv_options){.stride = 2});
    jd_node out;
    jd_grad(g, y, x, &below, 1, &out);
    snprintf(whole, sizeof whole, "%s/b", name);
    return jd_add(g, out, jd_param(g, whole, (jd_init){JD_INIT_ZERO, 0, 0, 0}, JD_DIMS(maps)));
}

/* Pictures to mean and ln variance of codes (B,z). */
static void encode(jd_graph *g, const wm_sizes *o, jd_node x, jd_node *mean, jd_node *log_variance)
{
    for (int k = 0; k < layers_of(o); k++) {
        char name[32];
        snprintf(name, sizeof name, "conv%d", k + 1);
        x = jd_conv2d(g, name, x, .maps = o->maps << k, .size = 4, .stride = 2, .act = JD_RELU);
    }
    *mean = jd_dense(g, "mean", x, .units = o->z);
    *log_variance = jd_dense(g, "log-variance", x, .units = o->z);
}

/* Codes to pictures before they are squashed. */
static jd_node decode(jd_graph *g, const wm_sizes *o, jd_node z)
{
    const int L = layers_of(o);
    const int64_t wide = (int64_t)(o->maps << (L - 1)) * 4;
    jd_node x = jd_dense(g, "spread", z, .units = wide);
    x = jd_reshape(g, x, JD_DIMS(jd_dim(g, z, 0), 1, 1, wide));
    for (int k = 0; k < L; k++) {
        char name[32];
        snprintf(name, sizeof name, "unfold%d", k + 1);
        x = unfold(g, name, x, k == L - 1 ? 3 : o->maps << (L - 2 - k), kernels_of(o)[k]);
        if (k < L - 1) x = jd_relu(g, x);
    }
    return x;
}

/* Squared error of a picture and the divergence of its code from N(0,1), which below z/2 costs nothing. */
static void trace_v_fit(jd_graph *g, void *user)
{
    const wm_nets *n = user;
    const jd_node x = jd_arg(g, "x");
    const double B = (double)jd_dim(g, x, 0);
    jd_node mean, logv;
    encode(g, &n->o, x, &mean, &logv);
    const jd_node noise = jd_random_normal(g, "code", jd_arg(g, "step"), JD_DIMS(jd_dim(g, x, 0), n->o.z));
    const jd_node z = jd_add(g, mean, jd_mul(g, jd_exp(g, jd_affine(g, logv, .5, 0)), noise));
    const jd_node off = jd_square(g, jd_sub(g, jd_sigmoid(g, decode(g, &n->o, z)), x));
    const jd_node squared = jd_affine(g, jd_sum(g, off, JD_ALL_AXES, false), 1 / B, 0);
    const jd_node terms = jd_sub(g, jd_add(g, jd_square(g, mean), jd_exp(g, logv)), jd_affine(g, logv, 1, 1));
    const jd_node each = jd_affine(g, jd_sum(g, terms, JD_AXIS(1), false), .5, 0);
    const jd_node divergence = jd_mean(g, jd_max(g, each, jd_const(g, .5 * n->o.z, JD_DIMS(1))), JD_ALL_AXES, false);
    const jd_node loss = jd_add(g, squared, divergence);
    jd_result(g, "loss", loss);
    jd_result(g, "squared", squared);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 100);
}

static void trace_v_encode(jd_graph *g, void *user)
{
    const wm_nets *n = user;
    jd_node mean, logv;
    encode(g, &n->o, jd_arg(g, "x"), &mean, &logv);
    jd_result(g, "z", mean);
}

static void trace_v_decode(jd_graph *g, void *user)
{
    const wm_nets *n = user;
    jd_result(g, "x", jd_sigmoid(g, decode(g, &n->o, jd_arg(g, "z"))));
}

/* ---- M --------------------------------------------------------------------------------------------------------------------*/

static jd_node mixture(jd_graph *g, const wm_nets *n, jd_node h)
{
    return jd_dense(g, "mixture", h, .units = (int64_t)n->o.z * 3 * WM_MIXTURES);
}

/* z (T+1,B,z), a (T,B,3); the loss is -ln p of the next code, a number of it. */
static void trace_m_fit(jd_graph *g, void *user)
{
    const wm_nets *n = user;
    const jd_node z = jd_arg(g, "z"), a = jd_arg(g, "a");
    const int64_t T = jd_dim(g, a, 0), B = jd_dim(g, a, 1), Z = n->o.z, K = WM_MIXTURES;
    const jd_node both[2] = {jd_slice(g, z, 0, 0, T), a};
    const jd_node h = jd_lstm(g, "lstm", jd_concat(g, both, 2, 2), .units = n->o.h);
    const jd_node out = jd_reshape(g, mixture(g, n, h), JD_DIMS(T * B * Z, 3 * K));
    const jd_node target = jd_reshape(g, jd_slice(g, z, 0, 1, T), JD_DIMS(T * B * Z, 1));
    const jd_node share = jd_log_softmax(g, jd_slice(g, out, 1, 0, K)), log_sigma = jd_slice(g, out, 1, 2 * K, K);
    const jd_node off = jd_mul(g, jd_sub(g, target, jd_slice(g, out, 1, K, K)), jd_exp(g, jd_neg(g, log_sigma)));
    const jd_node each = jd_sub(g, jd_sub(g, share, log_sigma), jd_affine(g, jd_square(g, off), .5, .9189385332046727));
    const jd_node most = jd_stop(g, jd_amax(g, each));
    const jd_node p = jd_add(g, most, jd_log(g, jd_sum(g, jd_exp(g, jd_sub(g, each, most)), JD_AXIS(1), true)));
    const jd_node loss = jd_neg(g, jd_mean(g, p, JD_ALL_AXES, false));
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
}

/* M's next state. */
static jd_node remember(jd_graph *g, const wm_nets *n)
{
    const int64_t H = n->o.h;
    const jd_node z = jd_arg(g, "z"), state = jd_arg(g, "state"), both[2] = {z, jd_arg(g, "a")};
    const jd_node in = jd_concat(g, both, 2, 1);
    const jd_lstm_out out = jd_lstm_full(
        g, "lstm", jd_reshape(g, in, JD_DIMS(1, jd_dim(g, in, 0), jd_dim(g, in, 1))),
        (jd_lstm_options){.units = H, .h0 = jd_slice(g, state, 1, 0, H), .c0 = jd_slice(g, state, 1, H, H)});
    const jd_node next[2] = {out.hT, out.cT};
    jd_result(g, "state", jd_concat(g, next, 2, 1));
    return out.hT;
}

static void trace_m_step(jd_graph *g, void *user)
{
    jd_result(g, "mixture", mixture(g, user, remember(g, user)));
}

static void trace_m_remember(jd_graph *g, void *user)
{
    remember(g, user);
}

void wm_draw(const float *mix, int z, double temperature, jd_rng *r, float *out)
{
    for (int i = 0; i < z; i++) {
        const float *p = mix + i * 3 * WM_MIXTURES;
        double weight[WM_MIXTURES], most = p[0], sum = 0;
        for (int k = 1; k < WM_MIXTURES; k++) most = fmax(most, p[k]);
        for (int k = 0; k < WM_MIXTURES; k++) sum += weight[k] = exp((p[k] - most) / temperature);
        double u = sum * jd_rng_uniform64(r);
        int k = 0;
        while (k < WM_MIXTURES - 1 && u >= weight[k]) u -= weight[k++];
        out[i] = (float)(p[WM_MIXTURES + k] + exp(p[2 * WM_MIXTURES + k]) * sqrt(temperature) * jd_rng_normal(r));
    }
}

/* ---- both -----------------------------------------------------------------------------------------------------------------*/

jd_status wm_nets_new(jd_ctx *ctx, wm_nets *n, const wm_sizes *o)
{
    *n = (wm_nets){.ctx = ctx, .o = *o};
    n->v = jd_params_new(ctx, JD_F32);
    n->m = jd_params_new(ctx, JD_F32);
    n->v_fit = jd_fn_new(ctx, n->v, trace_v_fit, n);
    n->v_encode = jd_fn_new(ctx, n->v, trace_v_encode, n);
    n->v_decode = jd_fn_new(ctx, n->v, trace_v_decode, n);
    n->m_fit = jd_fn_new(ctx, n->m, trace_m_fit, n);
    n->m_step = jd_fn_new(ctx, n->m, trace_m_step, n);
    n->m_remember = jd_fn_new(ctx, n->m, trace_m_remember, n);
    return jd_error(ctx);
}

void wm_nets_free(wm_nets *n)
{
    jd_fn *f[] = {n->v_fit, n->v_encode, n->v_decode, n->m_fit, n->m_step, n->m_remember};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) jd_fn_free(f[i]);
    jd_params_free(n->v);
    jd_params_free(n->m);
    *n = (wm_nets){0};
}

double wm_v_fit(wm_nets *n, const float *pictures, int64_t B, int32_t step, double rate, double *squared)
{
    const float lr = (float)rate;
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, pictures, B, n->o.side, n->o.side, 3), JD_SCALAR_I32("step", &step),
                            JD_SCALAR_F32("lr", &lr)};
    if (jd_fn_run(n->v_fit, in, 3)) return (double)NAN;
    if (squared) *squared = jd_fn_scalar(n->v_fit, "squared");
    return jd_fn_scalar(n->v_fit, "loss");
}

const float *wm_encode(wm_nets *n, const float *pictures, int64_t B)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, pictures, B, n->o.side, n->o.side, 3);
    return jd_fn_run(n->v_encode, &in, 1) ? NULL : jd_fn_result(n->v_encode, "z", NULL);
}

const float *wm_decode(wm_nets *n, const float *z, int64_t B)
{
    const jd_tensor in = JD_TENSOR("z", JD_F32, z, B, n->o.z);
    return jd_fn_run(n->v_decode, &in, 1) ? NULL : jd_fn_result(n->v_decode, "x", NULL);
}

double wm_m_fit(wm_nets *n, const float *z, const float *a, int64_t T, int64_t B, double rate)
{
    const float lr = (float)rate;
    const jd_tensor in[] = {JD_TENSOR("z", JD_F32, z, T + 1, B, n->o.z), JD_TENSOR("a", JD_F32, a, T, B, WM_ACTIONS),
                            JD_SCALAR_F32("lr", &lr)};
    return jd_fn_run(n->m_fit, in, 3) ? (double)NAN : jd_fn_scalar(n->m_fit, "loss");
}

static jd_status go_on(wm_nets *n, jd_fn *f, const float *z, const float *a, float *state, int64_t B)
{
    const jd_tensor in[] = {JD_TENSOR("z", JD_F32, z, B, n->o.z), JD_TENSOR("a", JD_F32, a, B, WM_ACTIONS),
                            JD_TENSOR("state", JD_F32, state, B, 2 * n->o.h)};
    if (!jd_fn_run(f, in, 3)) memcpy(state, jd_fn_result(f, "state", NULL), sizeof *state * (size_t)(B * 2 * n->o.h));
    return jd_error(n->ctx);
}

const float *wm_m_step(wm_nets *n, const float *z, const float *a, float *state, int64_t B)
{
    return go_on(n, n->m_step, z, a, state, B) ? NULL : jd_fn_result(n->m_step, "mixture", NULL);
}

jd_status wm_m_remember(wm_nets *n, const float *z, const float *a, float *state, int64_t B)
{
    return go_on(n, n->m_remember, z, a, state, B);
}

jd_status wm_count(jd_ctx *ctx, const wm_sizes *o, size_t count[3])
{
    wm_nets n;
    float lr = 0;
    int32_t step = 0;
    if (wm_nets_new(ctx, &n, o)) return jd_error(ctx);
    const jd_tensor v[] = {JD_TENSOR("x", JD_F32, NULL, 1, o->side, o->side, 3), JD_SCALAR_I32("step", &step),
                           JD_SCALAR_F32("lr", &lr)};
    const jd_tensor m[] = {JD_TENSOR("z", JD_F32, NULL, 2, 1, o->z), JD_TENSOR("a", JD_F32, NULL, 1, 1, WM_ACTIONS),
                           JD_SCALAR_F32("lr", &lr)};
    jd_fn_plan(n.v_fit, v, 3);
    jd_fn_plan(n.m_fit, m, 3);
    count[0] = jd_params_count(n.v);
    count[1] = jd_params_count(n.m);
    count[2] = (size_t)(o->z + o->h + 1) * WM_ACTIONS;
    wm_nets_free(&n);
    return jd_error(ctx);
}
