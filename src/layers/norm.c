/*
 * norm.c - normalising layers: over a sample's own units (Ba, Kiros, Hinton, arXiv 1607.06450, 2016), over the batch (Ioffe
 * and Szegedy, ICML 2015), and the LSTM whose sums are normalised at each step.
 */
#include <math.h>

#include "layers/layers.h"

static double epsilon_of(double given)
{
    return given > 0 ? given : 1e-5;
}

static jd_init ones(void)
{
    return (jd_init){.kind = JD_INIT_CONST, .scale = 1};
}

/* x over the last axis: (x - mean) / sqrt(variance + epsilon), times a gain, plus a bias unless it has none. */
static jd_node normalise(jd_graph *g, const char *name, jd_node x, double gain, bool bias, double epsilon)
{
    if (!x.id) return JD_NONE; /* an error is pending */
    const int last = jd_rank(g, x) - 1;
    const int64_t C = jd_dim(g, x, -1);
    const jd_node centred = jd_sub(g, x, jd_mean(g, x, JD_AXIS(last), true));
    const jd_node variance = jd_mean(g, jd_square(g, centred), JD_AXIS(last), true);
    const jd_node scaled = jd_div(g, centred, jd_sqrt(g, jd_affine(g, variance, 1, epsilon)));
    jd_scope_push(g, name);
    jd_node y = jd_mul(g, scaled, jd_param(g, "gain", (jd_init){.kind = JD_INIT_CONST, .scale = gain}, JD_DIMS(C)));
    if (bias) y = jd_add(g, y, jd_param(g, "b", (jd_init){0}, JD_DIMS(C)));
    jd_scope_pop(g);
    return y;
}

static bool has_units(jd_graph *g, const char *name, jd_node x)
{
    if (!x.id) return false;
    if (jd_rank(g, x) >= 2) return true;
    jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a normalising layer needs an input (B,...,C), but its input has rank %d",
            name, jd_rank(g, x));
    return false;
}

jd_node jd_layernorm_opt(jd_graph *g, const char *name, jd_node x, jd_norm_options o)
{
    return has_units(g, name, x) ? normalise(g, name, x, 1, true, epsilon_of(o.epsilon)) : JD_NONE;
}

/* Weights of the elements that count, (...,1), or none when all do; *n is how many, a scalar. */
static jd_node counted(jd_graph *g, jd_node x, jd_node length, jd_node *n)
{
    int64_t all = 1;
    for (int i = 0; i + 1 < jd_rank(g, x); i++) all *= jd_dim(g, x, i);
    *n = jd_const(g, (double)all, JD_SCALAR);
    if (!length.id || jd_rank(g, x) != 3) return JD_NONE;
    const int64_t T = jd_dim(g, x, 0), B = jd_dim(g, x, 1);
    const jd_node mask = jd_time_mask(g, length, T);
    *n = jd_max(g, jd_sum(g, mask, JD_ALL_AXES, false), jd_const(g, 1, JD_SCALAR));
    return jd_reshape(g, mask, JD_DIMS(T, B, 1));
}

static jd_node batch_mean(jd_graph *g, jd_node x, jd_node mask, jd_node n)
{
    const unsigned outer = (1u << (jd_rank(g, x) - 1)) - 1;
    return jd_div(g, jd_sum(g, mask.id ? jd_mul(g, x, mask) : x, outer, false), n);
}

jd_node jd_batchnorm_opt(jd_graph *g, const char *name, jd_node x, jd_norm_options o)
{
    if (!has_units(g, name, x)) return JD_NONE;
    if (!(o.momentum >= 0 && o.momentum < 1)) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: momentum is %g; it must lie in [0,1)", name, o.momentum);
        return JD_NONE;
    }
    const jd_dims C = JD_DIMS(jd_dim(g, x, -1));
    jd_scope_push(g, name);
    const jd_node gain = jd_param(g, "gain", ones(), C), bias = jd_param(g, "b", (jd_init){0}, C);
    jd_node mean = jd_param(g, "mean", (jd_init){0}, C), variance = jd_param(g, "variance", ones(), C);
    jd_node centred;
    if (jd_has_arg(g, "step")) {
        const double rate = 1 - (o.momentum > 0 ? o.momentum : 0.9);
        const jd_node running[2] = {mean, variance};
        jd_node n;
        const jd_node mask = counted(g, x, o.length, &n);
        mean = batch_mean(g, x, mask, n);
        centred = jd_sub(g, x, mean);
        variance = batch_mean(g, jd_square(g, centred), mask, n);
        jd_update_average(g, running[0], jd_stop(g, mean), rate);
        jd_update_average(g, running[1], jd_stop(g, variance), rate);
    } else {
        /* What training keeps is no weight: no gradient reaches it. */
        centred = jd_sub(g, x, jd_stop(g, mean));
        variance = jd_stop(g, variance);
    }
    jd_scope_pop(g);
    const jd_node scale = jd_div(g, gain, jd_sqrt(g, jd_affine(g, variance, 1, epsilon_of(o.epsilon))));
    return jd_add(g, jd_mul(g, centred, scale), bias);
}

/* ---- LSTM ----------------------------------------------------------------------------------------------------------------*/

/* One step of all samples: a (B,4H) holds LN(W x) + b; h and c become those of this step. */
static void normalised_step(jd_graph *g, jd_node a, jd_node R, const jd_lstm_options *o, jd_node *h, jd_node *c)
{
    const int64_t H = o->units;
    jd_node gate[4];
    a = jd_add(g, a, normalise(g, "ln_h", jd_matmul(g, *h, R, .tb = true), 1, false, 1e-5));
    for (int q = 0; q < 4; q++) {
        gate[q] = jd_slice(g, a, 1, q * H, H);
        gate[q] = q == 2 ? jd_tanh(g, gate[q]) : jd_sigmoid(g, gate[q]);
    }
    const jd_node written = jd_mul(g, gate[0], gate[2]);
    *c = jd_add(g, written, o->no_forget ? *c : jd_mul(g, gate[1], *c));
    *h = jd_mul(g, gate[3], jd_tanh(g, normalise(g, "ln_c", *c, 1, true, 1e-5)));
}

jd_lstm_out jd__lstm_normalised(jd_graph *g, const jd_lstm_args *a, const jd_lstm_options *o)
{
    const int64_t T = jd_dim(g, a->x, 0), B = jd_dim(g, a->x, 1), N = jd_dim(g, a->x, 2), H = o->units;
    jd_ctx *ctx = jd_graph_ctx(g);
    jd_node *y = jd_alloc_array(ctx, (size_t)T, sizeof *y), all = JD_NONE;
    jd_node x = o->reverse ? jd_reverse(g, a->x, o->length) : a->x;
    x = normalise(g, "ln_x", jd_matmul(g, jd_reshape(g, x, JD_DIMS(T * B, N)), a->W, .tb = true), 1, false, 1e-5);
    x = jd_reshape(g, jd_add(g, x, a->b), JD_DIMS(T, B, 4 * H));
    jd_node h = o->h0.id ? o->h0 : jd_const(g, 0, JD_DIMS(B, H)), c = o->c0.id ? o->c0 : jd_const(g, 0, JD_DIMS(B, H));
    const jd_node mask = o->length.id ? jd_time_mask(g, o->length, T) : JD_NONE;
    for (int64_t t = 0; t < T && !jd_error(ctx); t++) {
        const jd_node before[2] = {h, c};
        normalised_step(g, jd_reshape(g, jd_slice(g, x, 0, t, 1), JD_DIMS(B, 4 * H)), a->R, o, &h, &c);
        jd_node out = h;
        if (mask.id) {
            const jd_node alive = jd_reshape(g, jd_slice(g, mask, 0, t, 1), JD_DIMS(B, 1));
            out = jd_mul(g, h, alive);
            h = jd_where(g, alive, h, before[0]);
            c = jd_where(g, alive, c, before[1]);
        }
        y[t] = jd_reshape(g, out, JD_DIMS(1, B, H));
    }
    if (!jd_error(ctx)) all = jd_concat(g, y, (int)T, 0);
    jd_free(ctx, y);
    return (jd_lstm_out){.y = o->reverse ? jd_reverse(g, all, o->length) : all, .hT = h, .cT = c};
}
