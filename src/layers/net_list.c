/* net_list.c - what a line of the network language says, for those who build something else of it than jd_net does. */
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "layers/net.h"

int jd__net_states(jd_ctx *ctx, const char *spec, jd__net_state list[JD_NET_STATES])
{
    jd__net_parser p = jd__net_begin(ctx, spec);
    jd__net_part l;
    int n = 0;
    while (jd__net_next(&p, &l)) {
        switch (l.word) {
        case L_DENSE:
        case L_DROPOUT:
        case L_NOISE:
        case L_EMBED:
        case L_HIGHWAY:
        case L_LAYERNORM:
        case L_BATCHNORM:
        case L_TANH:
        case L_SIGMOID:
        case L_RELU:
        case L_SCALED_TANH: continue;
        case L_LSTM:
        case L_GRU:
        case L_SRN: break;
        default:
            jd_fail(ctx, JD_EUSAGE,
                    "network \"%s\": the layer \"%s\" cannot be fed step by step, it needs more of the sequence; train "
                    "with "
                    "lstm, gru or srn in one direction, or run the whole sequence at once (jd_net)",
                    spec, jd__net_name(l.word));
            return -1;
        }
        if (n + 2 > JD_NET_STATES) {
            jd_fail(ctx, JD_EUSAGE, "network \"%s\": more than %d states", spec, JD_NET_STATES);
            return -1;
        }
        list[n].size = (int64_t)(l.projection > 0 ? l.projection : l.size[0]);
        snprintf(list[n++].name, sizeof list->name, "%s/h", l.name);
        if (l.word != L_LSTM) continue;
        list[n].size = (int64_t)l.size[0];
        snprintf(list[n++].name, sizeof list->name, "%s/c", l.name);
    }
    return p.bad ? -1 : n;
}

jd_status jd_net_check(jd_ctx *ctx, const char *spec)
{
    if (!jd__given(ctx, __func__, "spec", spec)) return jd_error(ctx);
    jd__net_parser p = jd__net_begin(ctx, spec);
    jd__net_part l;
    while (jd__net_next(&p, &l)) {
    }
    return p.bad ? jd_error(ctx) : JD_OK;
}

int64_t jd_net_outputs(jd_ctx *ctx, const char *spec)
{
    if (!jd__given(ctx, __func__, "spec", spec)) return 0;
    jd__net_parser p = jd__net_begin(ctx, spec);
    jd__net_part l;
    int64_t units = 0;
    while (jd__net_next(&p, &l)) {
        switch (l.word) {
        case L_CONV:
        case L_DENSE:
        case L_PYRAMID:
        case L_GRU:
        case L_SRN:
        case L_CLOCKWORK: units = (int64_t)l.size[0]; break;
        case L_MDLSTM:
            units = l.sum ? (int64_t)l.size[0] : 0;
            break; /* else the number of directions is not known here */
        case L_UNCUBE: units /= (int64_t)(l.size[0] * l.size[0] * l.size[0]); break;
        case L_EMBED: units = (int64_t)l.size[1]; break;
        case L_POLYNOMIAL: units = l.outputs; break;
        case L_LSTM: units = (int64_t)(l.projection > 0 ? l.projection : l.size[0]); break;
        case L_BLSTM: units = 2 * (int64_t)(l.projection > 0 ? l.projection : l.size[0]); break;
        case L_BGRU:
        case L_BSRN: units = 2 * (int64_t)l.size[0]; break;
        default: break;
        }
        if (l.concat) units = 0; /* depends on the input */
    }
    return p.bad ? 0 : units;
}

static jd__net_kind kind_of(jd__net_word k)
{
    switch (k) {
    case L_CONV: return JD_NET_CONV;
    case L_MAXPOOL: return JD_NET_MAXPOOL;
    case L_AVGPOOL: return JD_NET_AVGPOOL;
    case L_DENSE: return JD_NET_DENSE;
    case L_DROPOUT: return JD_NET_DROPOUT;
    case L_NOISE: return JD_NET_NOISE;
    case L_FLATTEN: return JD_NET_FLATTEN;
    case L_TANH:
    case L_SIGMOID:
    case L_RELU:
    case L_SCALED_TANH: return JD_NET_ACTIVATION;
    case L_LSTM:
    case L_BLSTM: return JD_NET_LSTM;
    case L_GRU:
    case L_BGRU: return JD_NET_GRU;
    case L_SRN:
    case L_BSRN: return JD_NET_SRN;
    case L_CLOCKWORK: return JD_NET_CLOCKWORK;
    case L_EMBED: return JD_NET_EMBED;
    case L_MEAN: return JD_NET_MEAN;
    case L_HIGHWAY: return JD_NET_HIGHWAY;
    case L_POLYNOMIAL: return JD_NET_POLYNOMIAL;
    case L_LAYERNORM: return JD_NET_LAYERNORM;
    case L_BATCHNORM: return JD_NET_BATCHNORM;
    case L_WINDOW: return JD_NET_WINDOW;
    case L_CONTRAST: return JD_NET_CONTRAST;
    case L_BLOCK: return JD_NET_BLOCK;
    case L_COLLAPSE: return JD_NET_COLLAPSE;
    case L_MDLSTM: return JD_NET_MDLSTM;
    default: return JD_NET_OTHER;
    }
}

int jd__net_layers(jd_ctx *ctx, const char *spec, jd__net_layer list[JD_NET_LAYERS])
{
    if (!jd__given(ctx, "the export or scan of a network", ".net", spec)) return 0;
    jd__net_parser p = jd__net_begin(ctx, spec);
    jd__net_part l;
    int n = 0;
    while (jd__net_next(&p, &l)) {
        const bool stacks = l.residual || l.concat;
        if (n + stacks >= JD_NET_LAYERS) {
            jd_fail(ctx, JD_EUSAGE, "network \"%s\": more than %d layers", spec, JD_NET_LAYERS);
            return 0;
        }
        jd__net_layer *o = &list[n++];
        *o = (jd__net_layer){.kind = kind_of(l.word),
                             .units = l.word == L_POLYNOMIAL ? l.outputs : (int64_t)l.size[l.word == L_EMBED],
                             .symbols = l.word == L_EMBED ? (int64_t)l.size[0] : 0,
                             .modules = l.word == L_CLOCKWORK ? (int)l.size[1] : 0,
                             .size = (int)l.size[l.word == L_CONV || l.word == L_BLOCK],
                             .stride = (int)l.stride,
                             .pad = (int)l.pad,
                             .dilation = l.dilation > 1 ? (int)l.dilation : 1,
                             .fan = (int64_t)l.fan,
                             .around = l.around,
                             .places = l.places,
                             .ceil = l.ceil,
                             .each = l.each,
                             .act = l.act,
                             .rate = l.size[0],
                             .both = l.word == L_BLSTM || l.word == L_BGRU || l.word == L_BSRN,
                             .peepholes = l.peepholes,
                             .no_forget = l.no_forget,
                             .layer_norm = l.layer_norm,
                             .sum = l.sum,
                             .projection = (int64_t)l.projection,
                             .text = l.text,
                             .polynomial = l.polynomial};
        if (o->kind == JD_NET_ACTIVATION)
            o->act = (jd_activation[]){JD_TANH, JD_SIGMOID, JD_RELU, JD_SCALED_TANH}[l.word - L_TANH];
        snprintf(o->word, sizeof o->word, "%s", jd__net_name(l.word));
        snprintf(o->name, sizeof o->name, "%s", l.name);
        if (!stacks) continue;
        list[n] = *o;
        list[n++].kind = l.residual ? JD_NET_RESIDUAL : JD_NET_CONCAT;
    }
    return p.bad ? 0 : n;
}
