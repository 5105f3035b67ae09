/* net.c - a line of the network language as nodes of a graph. */
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "jackdaw/convolve.h"
#include "layers/net.h"

/* ---- building ----------------------------------------------------------------------------------------------------------*/

/* The state of a recurrent layer of a chunk: a part of it as the chunk begins. */
static jd_node state_before(jd_graph *g, const char *name, const char *part, bool chunk)
{
    char full[48];
    snprintf(full, sizeof full, "%s/%s", name, part);
    return chunk ? jd_arg(g, full) : JD_NONE;
}

static void state_after(jd_graph *g, const char *name, const char *part, bool chunk, jd_node x)
{
    char full[48];
    snprintf(full, sizeof full, "%s/%s", name, part);
    if (chunk && x.id) jd_result(g, full, x);
}

static jd_node one_way(jd_graph *g, const char *name, jd_node x, const jd__net_part *l, jd_rnn_options o, bool chunk)
{
    o.h0 = state_before(g, name, "h", chunk);
    const jd_rnn_out out = l->word == L_GRU ? jd_gru_full(g, name, x, o) : jd_srn_full(g, name, x, o);
    state_after(g, name, "h", chunk, out.hT);
    return out.y;
}

static jd_node lstm(jd_graph *g, const char *name, jd_node x, const jd__net_part *l, jd_node length, bool chunk)
{
    jd_lstm_options o = {.units = (int64_t)l->size[0],
                         .length = length,
                         .peepholes = l->peepholes,
                         .no_forget = l->no_forget,
                         .layer_norm = l->layer_norm,
                         .projection = (int64_t)l->projection,
                         .forget_bias = l->forget};
    if (l->word == L_BLSTM) return jd_blstm_opt(g, name, x, o);
    o.h0 = state_before(g, name, "h", chunk);
    o.c0 = state_before(g, name, "c", chunk);
    const jd_lstm_out out = jd_lstm_full(g, name, x, o);
    state_after(g, name, "h", chunk, out.hT);
    state_after(g, name, "c", chunk, out.cT);
    return out.y;
}

static jd_node both(jd_graph *g, const char *name, jd_node x, const jd__net_part *l, jd_node length, bool chunk)
{
    const bool gru = l->word == L_GRU || l->word == L_BGRU, bi = l->word == L_BGRU || l->word == L_BSRN;
    jd_rnn_options o = {.units = (int64_t)l->size[0], .length = length, .act = l->act};
    if (!bi) return one_way(g, name, x, l, o, chunk);
    jd_node y[2];
    jd_scope_push(g, name);
    y[0] = gru ? jd_gru_opt(g, "fw", x, o) : jd_srn_opt(g, "fw", x, o);
    o.reverse = true;
    y[1] = gru ? jd_gru_opt(g, "bw", x, o) : jd_srn_opt(g, "bw", x, o);
    jd_scope_pop(g);
    return y[0].id && y[1].id ? jd_concat(g, y, 2, 2) : JD_NONE;
}

/* *lengths: those of sequences (B), or the extents of images (B,2) and volumes (B,3); blocks make them smaller. */
static jd_node build(jd_graph *g, const char *name, jd_node x, const jd__net_part *l, jd_node *lengths, bool chunk)
{
    const int64_t n = (int64_t)l->size[0];
    const bool sized = lengths->id && jd_rank(g, *lengths) == 2;
    const jd_node length = sized ? JD_NONE : *lengths;
    switch (l->word) {
    case L_CONV:
        return jd_conv2d_partial(
            g, name, x,
            .conv = {.maps = n, .size = (int)l->size[1], .stride = (int)l->stride, .pad = (int)l->pad, .act = l->act},
            .dilation = (int)l->dilation, .fan = (int64_t)l->fan, .around = l->around, .places = l->places);
    case L_MAXPOOL: return jd_maxpool(g, x, .size = (int)n, .stride = (int)l->stride, .ceil = l->ceil);
    case L_AVGPOOL: return jd_avgpool(g, x, .size = (int)n, .stride = (int)l->stride, .ceil = l->ceil);
    case L_DENSE: return jd_dense(g, name, x, .units = n, .act = l->act, .each = l->each);
    case L_DROPOUT: return jd_dropout(g, name, x, l->size[0]);
    case L_NOISE: return jd_gauss_noise(g, name, x, l->size[0]);
    case L_EMBED: return jd_embedding(g, name, x, n, (int64_t)l->size[1]);
    case L_LSTM:
    case L_BLSTM: return lstm(g, name, x, l, length, chunk);
    case L_GRU:
    case L_BGRU:
    case L_SRN:
    case L_BSRN: return both(g, name, x, l, length, chunk);
    case L_CLOCKWORK:
        return jd_clockwork(g, name, x, .units = n, .modules = (int)l->size[1], .length = length, .act = l->act);
    case L_HIGHWAY: return jd_highway(g, name, x, .layers = n, .act = l->act, .gate_bias = l->bias);
    case L_LAYERNORM: return jd_layernorm(g, name, x);
    case L_BATCHNORM: return jd_batchnorm(g, name, x, .length = length);
    case L_MDLSTM:
        return jd_mdlstm(g, name, x, .units = n, .size = sized || (x.id && jd_rank(g, x) == 3) ? *lengths : JD_NONE,
                         .peepholes = l->peepholes, .sum = l->sum, .forget_bias = l->forget, .clip = l->clip);
    case L_PYRAMID:
        return jd_pyramid(g, name, x, .units = n, .size = (int)l->size[1], .extent = sized ? *lengths : JD_NONE,
                          .forget_bias = l->forget);
    case L_BLOCK: return jd_blocks(g, x, sized ? lengths : NULL, .height = (int)n, .width = (int)l->size[1]);
    case L_CUBE: return jd_blocks(g, x, sized ? lengths : NULL, .depth = (int)n, .height = (int)n, .width = (int)n);
    case L_UNCUBE:
        if (sized) *lengths = JD_NONE; /* in voxels they are not known any more */
        return jd_unblocks(g, x, .depth = (int)n, .height = (int)n, .width = (int)n);
    case L_COLLAPSE:
        if (sized) *lengths = jd_reshape(g, jd_slice(g, *lengths, 1, 1, 1), JD_DIMS(jd_dim(g, *lengths, 0)));
        return jd_collapse(g, x);
    case L_CONTRAST: return jd_local_contrast(g, x, .size = (int)n);
    case L_POLYNOMIAL: return jd__polynomial_net(g, name, x, l->text, l->polynomial);
    case L_MEAN: return jd_time_mean(g, x, length);
    case L_WINDOW: return jd_time_window(g, x, n, length);
    case L_FLATTEN: return x.id ? jd_reshape(g, x, JD_DIMS(jd_dim(g, x, 0), -1)) : JD_NONE;
    case L_TANH: return jd_tanh(g, x);
    case L_SIGMOID: return jd_sigmoid(g, x);
    case L_RELU: return jd_relu(g, x);
    default: return jd_activate(g, x, JD_SCALED_TANH);
    }
}

/* The output y of a layer on x, stacked as its switches say. */
static jd_node stacked(jd_graph *g, const char *name, jd_node x, jd_node y, const jd__net_part *l)
{
    if (!x.id || !y.id || (!l->residual && !l->concat)) return y;
    const int last = jd_rank(g, y) - 1;
    bool fits = jd_rank(g, x) == last + 1;
    for (int i = 0; fits && i <= last - (l->concat ? 1 : 0); i++) fits = jd_dim(g, x, i) == jd_dim(g, y, i);
    if (fits) return l->concat ? jd_concat(g, (jd_node[]){x, y}, 2, last) : jd_add(g, x, y);
    jd_fail(jd_graph_ctx(g), JD_EUSAGE,
            "%s: %s needs an output of the shape of the input; the input has %lld channels, the output %lld", name,
            l->residual ? "residual" : "concat", (long long)jd_dim(g, x, -1), (long long)jd_dim(g, y, -1));
    return JD_NONE;
}

static jd_node build_all(jd_graph *g, const char *spec, jd_node x, jd_node length, bool chunk)
{
    jd_ctx *ctx = jd_graph_ctx(g);
    jd__net_parser p = jd__net_begin(ctx, spec);
    jd__net_part l;
    if (!jd__given(ctx, "jd_net", "spec", spec)) return JD_NONE;
    while (!jd_error(ctx) && jd__net_next(&p, &l))
        x = stacked(g, l.name, x, build(g, l.name, x, &l, &length, chunk), &l);
    return jd_error(ctx) ? JD_NONE : x;
}

jd_node jd_net(jd_graph *g, const char *spec, jd_node x, jd_node length)
{
    return build_all(g, spec, x, length, false);
}

jd_node jd__net_chunk(jd_graph *g, const char *spec, jd_node x)
{
    return build_all(g, spec, x, JD_NONE, true);
}
