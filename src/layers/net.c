/*
 * net.c - the one-line network language.
 *
 *     net   = layer { "," layer }
 *     layer = NAME { NUMBER } { SWITCH [ NUMBER ] }
 *
 * `as NAME` names a layer's parameters, which are otherwise called after the layer's word and place.
 *
 * Parsing and building are apart: a parsed layer is a small struct, and `build` turns it into nodes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "base/number.h"
#include "jackdaw/convolve.h"
#include "layers/layers.h"

typedef enum kind {
    L_CONV,
    L_MAXPOOL,
    L_AVGPOOL,
    L_DENSE,
    L_DROPOUT,
    L_NOISE,
    L_EMBED,
    L_LSTM,
    L_BLSTM,
    L_GRU,
    L_BGRU,
    L_SRN,
    L_BSRN,
    L_CLOCKWORK,
    L_HIGHWAY,
    L_LAYERNORM,
    L_BATCHNORM,
    L_MDLSTM,
    L_PYRAMID,
    L_BLOCK,
    L_CUBE,
    L_UNCUBE,
    L_COLLAPSE,
    L_CONTRAST,
    L_POLYNOMIAL,
    L_MEAN,
    L_WINDOW,
    L_FLATTEN,
    L_TANH,
    L_SIGMOID,
    L_RELU,
    L_SCALED_TANH,
    L_KINDS
} kind;

/* Switch letters: a activations, s stride, p pad, c ceil, h peepholes, n no-forget, j projection, f forget, e each, u sum,
 * x clip, r residual, k concat, l layernorm, b bias, m name, d dilation, o fan, v around, y places, q degree, z clamp. */
static const struct {
    const char *name;
    int sizes;
    const char *switches, *usage;
} LAYER[L_KINDS] = {
    [L_CONV] = {"conv", 2, "aspdomvy",
                "conv MAPS SIZE [stride S] [pad P] [around V] [dilate D] [fan N] [places] "
                "[tanh|sigmoid|relu|scaled-tanh] [as NAME]"},
    [L_MAXPOOL] = {"maxpool", 1, "sc", "maxpool SIZE [stride S] [ceil]"},
    [L_AVGPOOL] = {"avgpool", 1, "sc", "avgpool SIZE [stride S] [ceil]"},
    [L_DENSE] = {"dense", 1, "aerkm", "dense UNITS [each] [tanh|sigmoid|relu|scaled-tanh] [residual|concat] [as NAME]"},
    [L_DROPOUT] = {"dropout", 1, "", "dropout RATE"},
    [L_NOISE] = {"noise", 1, "", "noise SIGMA"},
    [L_EMBED] = {"embed", 2, "m", "embed SYMBOLS UNITS [as NAME]"},
    [L_LSTM] = {"lstm", 1, "hnjflrkm",
                "lstm UNITS [peepholes] [no-forget] [projection P] [forget B] [layernorm] [residual|concat] [as NAME]"},
    [L_BLSTM] =
        {"blstm", 1, "hnjflrkm",
         "blstm UNITS [peepholes] [no-forget] [projection P] [forget B] [layernorm] [residual|concat] [as NAME]"},
    [L_GRU] = {"gru", 1, "rkm", "gru UNITS [residual|concat] [as NAME]"},
    [L_BGRU] = {"bgru", 1, "rkm", "bgru UNITS [residual|concat] [as NAME]"},
    [L_SRN] = {"srn", 1, "arkm", "srn UNITS [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_BSRN] = {"bsrn", 1, "arkm", "bsrn UNITS [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_CLOCKWORK] = {"clockwork", 2, "arkm", "clockwork UNITS MODULES [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_HIGHWAY] = {"highway", 1, "abm", "highway LAYERS [tanh|sigmoid|relu|scaled-tanh] [bias B] [as NAME]"},
    [L_LAYERNORM] = {"layernorm", 0, "m", "layernorm [as NAME]"},
    [L_BATCHNORM] = {"batchnorm", 0, "m", "batchnorm [as NAME]"},
    [L_MDLSTM] = {"mdlstm", 1, "hufxm", "mdlstm UNITS [peepholes] [sum] [forget B] [clip C] [as NAME]"},
    [L_PYRAMID] = {"pyramid", 2, "fm", "pyramid UNITS SIZE [forget B] [as NAME]"},
    [L_BLOCK] = {"block", 2, "", "block HEIGHT WIDTH"},
    [L_CUBE] = {"cube", 1, "", "cube SIDE"},
    [L_UNCUBE] = {"uncube", 1, "", "uncube SIDE"},
    [L_COLLAPSE] = {"collapse", 0, "", "collapse"},
    [L_CONTRAST] = {"contrast", 1, "", "contrast SIZE"},
    [L_POLYNOMIAL] = {"polynomial", 0, "qzm", "polynomial x0*x1 x2*x3 / 0*1 [linear|bilinear|cubic] [clamp LOW HIGH]"},
    [L_MEAN] = {"mean", 0, "", "mean"},
    [L_WINDOW] = {"window", 1, "", "window STEPS"},
    [L_FLATTEN] = {"flatten", 0, "", "flatten"},
    [L_TANH] = {"tanh", 0, "", "tanh"},
    [L_SIGMOID] = {"sigmoid", 0, "", "sigmoid"},
    [L_RELU] = {"relu", 0, "", "relu"},
    [L_SCALED_TANH] = {"scaled-tanh", 0, "", "scaled-tanh"},
};
static const struct {
    const char *name;
    char letter;
    int numbers;
} SWITCH[] = {{"tanh", 'a', 0},      {"sigmoid", 'a', 0},    {"relu", 'a', 0},     {"scaled-tanh", 'a', 0},
              {"stride", 's', 1},    {"pad", 'p', 1},        {"ceil", 'c', 0},     {"peepholes", 'h', 0},
              {"no-forget", 'n', 0}, {"projection", 'j', 1}, {"forget", 'f', 1},   {"each", 'e', 0},
              {"sum", 'u', 0},       {"clip", 'x', 1},       {"residual", 'r', 0}, {"concat", 'k', 0},
              {"layernorm", 'l', 0}, {"bias", 'b', 1},       {"as", 'm', 0},       {"dilate", 'd', 1},
              {"fan", 'o', 1},       {"around", 'v', 1},     {"places", 'y', 0},   {"linear", 'q', 0},
              {"bilinear", 'q', 0},  {"cubic", 'q', 0},      {"clamp", 'z', 2}};
enum { SWITCHES = sizeof SWITCH / sizeof *SWITCH };

typedef struct layer {
    kind kind;
    double size[2];
    jd_activation act;
    double stride, pad, around, dilation, fan, projection, forget, clip, bias;
    bool ceil, places, peepholes, no_forget, each, sum, residual, concat, layer_norm;
    char name[32];    /* of the parameters */
    const char *text; /* of a polynomial: its units */
    int64_t outputs;  /* and how many the last of its layers has */
    jd_polynomial_options polynomial;
} layer;

typedef struct parser {
    jd_ctx *ctx;
    const char *spec, *at;
    char word[32];
    size_t word_at; /* column of the word */
} parser;

/* The next word of this layer into p->word; false at a comma or the end. */
static bool next_word(parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n') p->at++;
    p->word_at = (size_t)(p->at - p->spec);
    size_t n = 0;
    while (*p->at && *p->at != ',' && *p->at != ' ' && *p->at != '\t' && *p->at != '\n') {
        if (n + 1 < sizeof p->word) p->word[n++] = *p->at;
        p->at++;
    }
    p->word[n] = 0;
    return n > 0;
}

static jd_status bad_word(parser *p, const char *what, const char *const *words, const char *usage)
{
    const char *near = jd_nearest(p->word, words);
    return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: %s \"%s\"%s%s%s%s%s", p->spec, p->word_at + 1, what,
                   p->word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                   usage ? "; it is: " : "", usage ? usage : "");
}

static jd_status number(parser *p, const char *usage, double *x)
{
    char *end;
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: a number is missing; it is: %s", p->spec,
                       p->word_at + 1, usage);
    *x = jd__strtod(p->word, &end);
    if (*end || !isfinite(*x) || fabs(*x) > 1e7) {
        static const char *const none[] = {NULL};
        return bad_word(p, "not a usable number:", none, usage);
    }
    return JD_OK;
}

static jd_status read_name(parser *p, layer *l)
{
    static const char *const none[] = {NULL};
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: a name is missing; it is: %s", p->spec,
                       p->word_at + 1, LAYER[l->kind].usage);
    if (p->word[strspn(p->word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.")])
        return bad_word(p, "a name of letters, digits and _-/. is needed, not", none, NULL);
    snprintf(l->name, sizeof l->name, "%s", p->word);
    return JD_OK;
}

static jd_status apply_switch(parser *p, layer *l, int s)
{
    double x = 0;
    if (SWITCH[s].numbers && number(p, LAYER[l->kind].usage, &x)) return jd_error(p->ctx);
    switch (SWITCH[s].letter) {
    case 'a': l->act = (jd_activation[]){JD_TANH, JD_SIGMOID, JD_RELU, JD_SCALED_TANH}[s]; break;
    case 's': l->stride = x; break;
    case 'p': l->pad = x; break;
    case 'd': l->dilation = x; break;
    case 'o': l->fan = x; break;
    case 'v': l->around = x; break;
    case 'y': l->places = true; break;
    case 'c': l->ceil = true; break;
    case 'h': l->peepholes = true; break;
    case 'n': l->no_forget = true; break;
    case 'j': l->projection = x; break;
    case 'e': l->each = true; break;
    case 'u': l->sum = true; break;
    case 'x': l->clip = x; break;
    case 'm': return read_name(p, l);
    case 'r': l->residual = true; break;
    case 'k': l->concat = true; break;
    case 'l': l->layer_norm = true; break;
    case 'b': l->bias = x; break;
    case 'q': l->polynomial.terms = SWITCH[s].name[0] == 'l' ? 3 : SWITCH[s].name[0] == 'b' ? 4 : 10; break;
    case 'z':
        l->polynomial.low = x;
        if (number(p, LAYER[l->kind].usage, &l->polynomial.high)) return jd_error(p->ctx);
        if (!(l->polynomial.low < l->polynomial.high))
            return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": clamp %g %g; the first must be below the second",
                           p->spec, x, l->polynomial.high);
        break;
    default: l->forget = x; break;
    }
    return JD_OK;
}

static jd_status parse_switches(parser *p, layer *l)
{
    while (next_word(p)) {
        const char *words[SWITCHES + 1];
        int n = 0, found = -1;
        for (int s = 0; s < SWITCHES; s++) {
            if (!strchr(LAYER[l->kind].switches, SWITCH[s].letter)) continue;
            words[n++] = SWITCH[s].name;
            if (!strcmp(SWITCH[s].name, p->word)) found = s;
        }
        words[n] = NULL;
        if (found < 0) return bad_word(p, "unknown switch", words, LAYER[l->kind].usage);
        if (apply_switch(p, l, found)) return jd_error(p->ctx);
    }
    return JD_OK;
}

/* Skips the units of a polynomial, which are read again when it is built. */
static jd_status parse_units(parser *p, layer *l)
{
    int64_t source[2], before = 0;
    l->text = p->at;
    l->outputs = 0;
    for (int k; (k = jd__polynomial_next(&p->at, before, source)) >= 0;) {
        if (k) {
            l->outputs++;
            continue;
        }
        if (!l->outputs)
            return jd_fail(p->ctx, JD_EUSAGE,
                           "network \"%s\": column %zu: a layer without units before \"/\"; it is: %s", p->spec,
                           (size_t)(p->at - p->spec), LAYER[l->kind].usage);
        before = l->outputs;
        l->outputs = 0;
    }
    if (before && !l->outputs)
        return jd_fail(p->ctx, JD_EUSAGE,
                       "network \"%s\": column %zu: a unit such as 0*1 or 0*x2 is missing; units of the layer before "
                       "are 0 to %lld",
                       p->spec, (size_t)(p->at - p->spec) + 1, (long long)before - 1);
    if (!l->outputs) l->outputs = 1; /* the constant */
    return JD_OK;
}

/* Parses the layer at `place` (1, 2...); *end becomes true after the last. */
static jd_status parse_layer(parser *p, int place, layer *l, bool *end)
{
    *l = (layer){.kind = L_KINDS};
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE,
                       "network \"%s\": column %zu: a layer is missing; write for example \"dense 10\"", p->spec,
                       p->word_at + 1);
    const char *words[L_KINDS + 1] = {0};
    for (int k = 0; k < L_KINDS; k++) {
        words[k] = LAYER[k].name;
        if (!strcmp(words[k], p->word)) l->kind = (kind)k;
    }
    if (l->kind == L_KINDS) return bad_word(p, "unknown layer", words, NULL);
    for (int i = 0; i < LAYER[l->kind].sizes; i++)
        if (number(p, LAYER[l->kind].usage, &l->size[i])) return jd_error(p->ctx);
    const bool fraction = l->kind == L_DROPOUT || l->kind == L_NOISE;
    for (int i = 0; i < LAYER[l->kind].sizes; i++)
        if (!fraction && (l->size[i] < 1 || l->size[i] != floor(l->size[i])))
            return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": %s: %g is not a whole number of at least 1; it is: %s",
                           p->spec, LAYER[l->kind].name, l->size[i], LAYER[l->kind].usage);
    if (l->kind == L_DROPOUT && (l->size[0] < 0 || l->size[0] >= 1))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": dropout %g; the rate must lie in [0,1)", p->spec,
                       l->size[0]);
    snprintf(l->name, sizeof l->name, "%s%d", LAYER[l->kind].name, place);
    if (l->kind == L_POLYNOMIAL && parse_units(p, l)) return jd_error(p->ctx);
    if (parse_switches(p, l)) return jd_error(p->ctx);
    if (l->residual && l->concat)
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": %s: residual or concat, not both; it is: %s", p->spec,
                       LAYER[l->kind].name, LAYER[l->kind].usage);
    *end = *p->at != ',';
    if (!*end) p->at++;
    return JD_OK;
}

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

static jd_node one_way(jd_graph *g, const char *name, jd_node x, const layer *l, jd_rnn_options o, bool chunk)
{
    o.h0 = state_before(g, name, "h", chunk);
    const jd_rnn_out out = l->kind == L_GRU ? jd_gru_full(g, name, x, o) : jd_srn_full(g, name, x, o);
    state_after(g, name, "h", chunk, out.hT);
    return out.y;
}

static jd_node lstm(jd_graph *g, const char *name, jd_node x, const layer *l, jd_node length, bool chunk)
{
    jd_lstm_options o = {.units = (int64_t)l->size[0],
                         .length = length,
                         .peepholes = l->peepholes,
                         .no_forget = l->no_forget,
                         .layer_norm = l->layer_norm,
                         .projection = (int64_t)l->projection,
                         .forget_bias = l->forget};
    if (l->kind == L_BLSTM) return jd_blstm_opt(g, name, x, o);
    o.h0 = state_before(g, name, "h", chunk);
    o.c0 = state_before(g, name, "c", chunk);
    const jd_lstm_out out = jd_lstm_full(g, name, x, o);
    state_after(g, name, "h", chunk, out.hT);
    state_after(g, name, "c", chunk, out.cT);
    return out.y;
}

static jd_node both(jd_graph *g, const char *name, jd_node x, const layer *l, jd_node length, bool chunk)
{
    const bool gru = l->kind == L_GRU || l->kind == L_BGRU, bi = l->kind == L_BGRU || l->kind == L_BSRN;
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
static jd_node build(jd_graph *g, const char *name, jd_node x, const layer *l, jd_node *lengths, bool chunk)
{
    const int64_t n = (int64_t)l->size[0];
    const bool sized = lengths->id && jd_rank(g, *lengths) == 2;
    const jd_node length = sized ? JD_NONE : *lengths;
    switch (l->kind) {
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
static jd_node stacked(jd_graph *g, const char *name, jd_node x, jd_node y, const layer *l)
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
    parser p = {jd_graph_ctx(g), spec, spec, "", 0};
    bool end = false;
    if (!jd__given(p.ctx, "jd_net", "spec", spec)) return JD_NONE;
    for (int place = 1; !end && !jd_error(p.ctx); place++) {
        layer l;
        if (parse_layer(&p, place, &l, &end)) return JD_NONE;
        x = stacked(g, l.name, x, build(g, l.name, x, &l, &length, chunk), &l);
    }
    return jd_error(p.ctx) ? JD_NONE : x;
}

jd_node jd_net(jd_graph *g, const char *spec, jd_node x, jd_node length)
{
    return build_all(g, spec, x, length, false);
}

jd_node jd__net_chunk(jd_graph *g, const char *spec, jd_node x)
{
    return build_all(g, spec, x, JD_NONE, true);
}

int jd__net_states(jd_ctx *ctx, const char *spec, jd__net_state list[JD_NET_STATES])
{
    parser p = {ctx, spec, spec, "", 0};
    bool end = false;
    int n = 0;
    for (int place = 1; !end; place++) {
        layer l;
        if (parse_layer(&p, place, &l, &end)) return -1;
        switch (l.kind) {
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
                    spec, LAYER[l.kind].name);
            return -1;
        }
        if (n + 2 > JD_NET_STATES) {
            jd_fail(ctx, JD_EUSAGE, "network \"%s\": more than %d states", spec, JD_NET_STATES);
            return -1;
        }
        list[n].size = (int64_t)(l.projection > 0 ? l.projection : l.size[0]);
        snprintf(list[n++].name, sizeof list->name, "%s/h", l.name);
        if (l.kind != L_LSTM) continue;
        list[n].size = (int64_t)l.size[0];
        snprintf(list[n++].name, sizeof list->name, "%s/c", l.name);
    }
    return n;
}

jd_status jd_net_check(jd_ctx *ctx, const char *spec)
{
    if (!jd__given(ctx, __func__, "spec", spec)) return jd_error(ctx);
    parser p = {ctx, spec, spec, "", 0};
    bool end = false;
    layer l;
    while (!end)
        if (parse_layer(&p, 0, &l, &end)) return jd_error(ctx);
    return JD_OK;
}

int64_t jd_net_outputs(jd_ctx *ctx, const char *spec)
{
    if (!jd__given(ctx, __func__, "spec", spec)) return 0;
    parser p = {ctx, spec, spec, "", 0};
    bool end = false;
    layer l;
    int64_t units = 0;
    while (!end) {
        if (parse_layer(&p, 0, &l, &end)) return 0;
        switch (l.kind) {
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
    return units;
}

static jd__net_kind kind_of(kind k)
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
    case L_MEAN: return JD_NET_MEAN;
    case L_HIGHWAY: return JD_NET_HIGHWAY;
    case L_POLYNOMIAL: return JD_NET_POLYNOMIAL;
    case L_LAYERNORM: return JD_NET_LAYERNORM;
    case L_BATCHNORM: return JD_NET_BATCHNORM;
    default: return JD_NET_OTHER;
    }
}

int jd__net_layers(jd_ctx *ctx, const char *spec, jd__net_layer list[JD_NET_LAYERS])
{
    if (!jd__given(ctx, "the export or scan of a network", ".net", spec)) return 0;
    parser p = {ctx, spec, spec, "", 0};
    bool end = false;
    int n = 0;
    for (int place = 1; !end; place++) {
        layer l;
        if (parse_layer(&p, place, &l, &end)) return 0;
        const bool stacks = l.residual || l.concat;
        if (n + stacks >= JD_NET_LAYERS) {
            jd_fail(ctx, JD_EUSAGE, "network \"%s\": more than %d layers", spec, JD_NET_LAYERS);
            return 0;
        }
        jd__net_layer *o = &list[n++];
        *o = (jd__net_layer){.kind = l.layer_norm || l.places || l.around != 0 ? JD_NET_OTHER : kind_of(l.kind),
                             .units = l.kind == L_POLYNOMIAL ? l.outputs : (int64_t)l.size[0],
                             .size = (int)(l.kind == L_CONV ? l.size[1] : l.size[0]),
                             .stride = (int)l.stride,
                             .pad = (int)l.pad,
                             .dilation = l.dilation > 1 ? (int)l.dilation : 1,
                             .fan = (int64_t)l.fan,
                             .ceil = l.ceil,
                             .each = l.each,
                             .act = l.act,
                             .rate = l.size[0],
                             .both = l.kind == L_BLSTM || l.kind == L_BGRU || l.kind == L_BSRN,
                             .peepholes = l.peepholes,
                             .no_forget = l.no_forget,
                             .projection = (int64_t)l.projection,
                             .text = l.text,
                             .polynomial = l.polynomial};
        if (o->kind == JD_NET_ACTIVATION)
            o->act = (jd_activation[]){JD_TANH, JD_SIGMOID, JD_RELU, JD_SCALED_TANH}[l.kind - L_TANH];
        snprintf(o->word, sizeof o->word, "%s", LAYER[l.kind].name);
        snprintf(o->name, sizeof o->name, "%s", l.name);
        if (!stacks) continue;
        list[n] = *o;
        list[n++].kind = l.residual ? JD_NET_RESIDUAL : JD_NET_CONCAT;
    }
    return n;
}
