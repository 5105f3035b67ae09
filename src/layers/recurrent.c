/* recurrent.c - recurrent layers with their own parameters, and what to do with sequences. */
#include <math.h>

#include "layers/layers.h"

static jd_init recurrent_init(jd_init given, int64_t units)
{
    if (given.kind != JD_INIT_ZERO || given.scale != 0) return given;
    return (jd_init){.kind = JD_INIT_UNIFORM, .scale = 1 / sqrt((double)units)};
}

static bool sequence_ok(jd_graph *g, const char *name, jd_node x)
{
    if (!x.id) return false;
    if (jd_rank(g, x) == 3) return true;
    jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a recurrent layer needs sequences (T,B,C), but its input has rank %d",
            name, jd_rank(g, x));
    return false;
}

jd_lstm_out jd_lstm_full(jd_graph *g, const char *name, jd_node x, jd_lstm_options o)
{
    const int64_t H = o.units, P = o.projection ? o.projection : H;
    if (!sequence_ok(g, name, x) || !jd__size_ok(g, name, ".units", H) || !jd__size_ok(g, name, ".projection", P))
        return (jd_lstm_out){0};
    if (o.layer_norm && (o.peepholes || o.projection || o.truncate || o.in_squash || o.out_squash)) {
        jd_fail(
            jd_graph_ctx(g), JD_EUSAGE,
            "%s: layer_norm goes with reverse and no_forget only; leave out peepholes, projection, truncate and the "
            "squashing functions",
            name);
        return (jd_lstm_out){0};
    }
    const jd_init init = recurrent_init(o.init, H);
    const double forget = o.no_forget ? 0 : o.forget_bias != 0 ? o.forget_bias : 1;
    jd_scope_push(g, name);
    jd_lstm_args a = {.x = x,
                      .length = o.length,
                      .h0 = o.h0,
                      .c0 = o.c0,
                      .reverse = o.reverse,
                      .no_forget = o.no_forget,
                      .truncate = o.truncate,
                      .in_squash = o.in_squash,
                      .out_squash = o.out_squash};
    a.W = jd_param(g, "W", init, JD_DIMS(4 * H, jd_dim(g, x, 2)));
    a.R = jd_param(g, "R", init, JD_DIMS(4 * H, P));
    a.b = jd_param(g, "b",
                   (jd_init){.kind = JD_INIT_LSTM_BIAS, .scale = forget, .in_gate = o.in_bias, .out_gate = o.out_bias},
                   JD_DIMS(4 * H));
    if (o.layer_norm) {
        const jd_lstm_out out = jd__lstm_normalised(g, &a, &o);
        jd_scope_pop(g);
        return out;
    }
    if (o.peepholes) a.peep = jd_param(g, "peep", init, JD_DIMS(3 * H));
    if (o.projection) a.proj = jd_param(g, "proj", init, JD_DIMS(P, H));
    const jd_lstm_out out = jd_lstm_raw(g, a);
    jd_scope_pop(g);
    return out;
}

jd_node jd_lstm_opt(jd_graph *g, const char *name, jd_node x, jd_lstm_options o)
{
    return jd_lstm_full(g, name, x, o).y;
}

jd_node jd_blstm_opt(jd_graph *g, const char *name, jd_node x, jd_lstm_options o)
{
    if (o.h0.id || o.c0.id) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a bidirectional layer takes no initial state; use two jd_lstm", name);
        return JD_NONE;
    }
    jd_scope_push(g, name);
    jd_node y[2];
    o.reverse = false;
    y[0] = jd_lstm_opt(g, "fw", x, o);
    o.reverse = true;
    y[1] = jd_lstm_opt(g, "bw", x, o);
    jd_scope_pop(g);
    return y[0].id && y[1].id ? jd_concat(g, y, 2, 2) : JD_NONE;
}

static int srn_activation(jd_graph *g, const char *name, jd_activation act, bool linear)
{
    switch (act) {
    case JD_LINEAR: return linear ? 3 : 0;
    case JD_TANH: return 0;
    case JD_SIGMOID: return 1;
    case JD_RELU: return 2;
    default:
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a simple recurrent layer has tanh, sigmoid, relu or linear units",
                name);
        return 0;
    }
}

jd_rnn_out jd_srn_full(jd_graph *g, const char *name, jd_node x, jd_rnn_options o)
{
    const int64_t H = o.units;
    if (!sequence_ok(g, name, x) || !jd__size_ok(g, name, ".units", H)) return (jd_rnn_out){0};
    const jd_init init = recurrent_init(o.init, H);
    const jd_init recurrent = o.recurrent_init.kind != JD_INIT_ZERO ? o.recurrent_init : init;
    jd_scope_push(g, name);
    jd_rnn_args a = {
        .x = x, .length = o.length, .h0 = o.h0, .reverse = o.reverse, .act = srn_activation(g, name, o.act, o.linear)};
    a.W = jd_param(g, "W", init, JD_DIMS(H, jd_dim(g, x, 2)));
    a.R = jd_param(g, "R", recurrent, JD_DIMS(H, H));
    a.b = jd_param(g, "b", (jd_init){0}, JD_DIMS(H));
    const jd_rnn_out out = jd_srn_raw(g, a);
    jd_scope_pop(g);
    return out;
}

jd_rnn_out jd_gru_full(jd_graph *g, const char *name, jd_node x, jd_rnn_options o)
{
    const int64_t H = o.units;
    if (!sequence_ok(g, name, x) || !jd__size_ok(g, name, ".units", H)) return (jd_rnn_out){0};
    const jd_init init = recurrent_init(o.init, H);
    const jd_init recurrent = o.recurrent_init.kind != JD_INIT_ZERO ? o.recurrent_init : init;
    jd_scope_push(g, name);
    jd_rnn_args a = {.x = x, .length = o.length, .h0 = o.h0, .reverse = o.reverse};
    a.W = jd_param(g, "W", init, JD_DIMS(3 * H, jd_dim(g, x, 2)));
    a.R = jd_param(g, "R", recurrent, JD_DIMS(3 * H, H));
    a.b = jd_param(g, "b", (jd_init){0}, JD_DIMS(3 * H));
    a.bR = jd_param(g, "bR", (jd_init){0}, JD_DIMS(H));
    const jd_rnn_out out = jd_gru_raw(g, a);
    jd_scope_pop(g);
    return out;
}

jd_rnn_out jd_clockwork_full(jd_graph *g, const char *name, jd_node x, jd_clockwork_options o)
{
    const int64_t H = o.units;
    if (!sequence_ok(g, name, x) || !jd__size_ok(g, name, ".units", H)) return (jd_rnn_out){0};
    if (!o.modules) o.modules = 1;
    const int64_t heard = jd_clockwork_weights(H, o.modules, o.period, o.full);
    if (!heard) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "%s: %d modules cannot share %lld units; give 1 to 16 modules that divide the number of units", name,
                o.modules, (long long)H);
        return (jd_rnn_out){0};
    }
    const jd_init init = recurrent_init(o.init, H);
    const jd_init recurrent = o.recurrent_init.kind != JD_INIT_ZERO ? o.recurrent_init : init;
    jd_scope_push(g, name);
    jd_clockwork_args a = {.x = x,
                           .length = o.length,
                           .h0 = o.h0,
                           .modules = o.modules,
                           .period = o.period,
                           .full = o.full,
                           .reverse = o.reverse,
                           .act = srn_activation(g, name, o.act, o.linear)};
    a.W = jd_param(g, "W", init, JD_DIMS(H, jd_dim(g, x, 2)));
    a.R = jd_param(g, "R", recurrent, JD_DIMS(heard));
    a.b = jd_param(g, "b", (jd_init){0}, JD_DIMS(H));
    const jd_rnn_out out = jd_clockwork_raw(g, a);
    jd_scope_pop(g);
    return out;
}

jd_node jd_clockwork_opt(jd_graph *g, const char *name, jd_node x, jd_clockwork_options o)
{
    return jd_clockwork_full(g, name, x, o).y;
}

jd_node jd_srn_opt(jd_graph *g, const char *name, jd_node x, jd_rnn_options o)
{
    return jd_srn_full(g, name, x, o).y;
}

jd_node jd_gru_opt(jd_graph *g, const char *name, jd_node x, jd_rnn_options o)
{
    return jd_gru_full(g, name, x, o).y;
}

jd_node jd_time_mask(jd_graph *g, jd_node length, int64_t T)
{
    if (!length.id) return JD_NONE;
    const int64_t B = jd_dim(g, length, 0);
    const jd_node t = jd_reshape(g, jd_real_of(g, jd_iota(g, T)), JD_DIMS(T, 1));
    const jd_node n = jd_reshape(g, jd_real_of(g, length), JD_DIMS(1, B));
    return jd_greater(g, jd_broadcast_to(g, n, JD_DIMS(T, B)), jd_broadcast_to(g, t, JD_DIMS(T, B)));
}

jd_node jd_time_mean(jd_graph *g, jd_node x, jd_node length)
{
    if (!x.id) return JD_NONE;
    if (!length.id) return jd_mean(g, x, JD_AXIS(0), false);
    const int64_t T = jd_dim(g, x, 0), B = jd_dim(g, x, 1);
    const jd_node mask = jd_reshape(g, jd_time_mask(g, length, T), JD_DIMS(T, B, 1));
    const jd_node sum = jd_sum(g, jd_mul(g, x, mask), JD_AXIS(0), false);
    return jd_div(g, sum, jd_reshape(g, jd_real_of(g, length), JD_DIMS(B, 1)));
}

jd_node jd_time_window(jd_graph *g, jd_node x, int64_t w, jd_node length)
{
    enum { MOST = 64 };
    jd_node part[2 * MOST + 1];
    if (!x.id) return JD_NONE;
    if (jd_rank(g, x) != 3 || w < 0 || w > MOST) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "window %lld over %d axes; it takes sequences (T,B,C) and 0..%d steps",
                (long long)w, jd_rank(g, x), MOST);
        return JD_NONE;
    }
    const int64_t T = jd_dim(g, x, 0), B = jd_dim(g, x, 1);
    if (length.id) x = jd_mul(g, x, jd_reshape(g, jd_time_mask(g, length, T), JD_DIMS(T, B, 1)));
    x = jd_pad(g, x, 0, w, w);
    for (int64_t i = 0; i <= 2 * w; i++) part[i] = jd_slice(g, x, 0, i, T);
    return jd_concat(g, part, (int)(2 * w + 1), 2);
}
