/*
 * net.h (internal) - the one-line network language, parsed: a layer becomes a small struct.
 *
 *     net   = layer { "," layer }
 *     layer = NAME { NUMBER } { SWITCH [ NUMBER ] }
 *
 * `as NAME` names a layer's parameters, which are otherwise called after the layer's word and place.
 */
#ifndef JD_LAYERS_NET_H
#define JD_LAYERS_NET_H

#include "layers/layers.h"

typedef enum jd__net_word {
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
} jd__net_word;

typedef struct jd__net_part {
    jd__net_word word;
    double size[2];
    jd_activation act;
    double stride, pad, around, dilation, fan, projection, forget, clip, bias;
    bool ceil, places, peepholes, no_forget, each, sum, residual, concat, layer_norm;
    char name[32];    /* of the parameters */
    const char *text; /* of a polynomial: its units */
    int64_t outputs;  /* and how many the last of its layers has */
    jd_polynomial_options polynomial;
} jd__net_part;

/* All layers of a line, one after the other. */
typedef struct jd__net_parser {
    jd_ctx *ctx;
    const char *spec, *at;
    char word[32];
    size_t word_at; /* column of the word */
    int place;      /* of the layer last read: 1, 2... */
    bool end, bad;
} jd__net_parser;
jd__net_parser jd__net_begin(jd_ctx *ctx, const char *spec);
/* The next layer; false after the last, or after an error, which makes the parser `bad`. */
bool jd__net_next(jd__net_parser *p, jd__net_part *l);
/* "conv" */
const char *jd__net_name(jd__net_word w);

#endif
