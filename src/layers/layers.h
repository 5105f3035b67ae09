/* layers.h (internal) - what the layer files share. */
#ifndef JD_LAYERS_LAYERS_H
#define JD_LAYERS_LAYERS_H

#include "jackdaw/layers.h"

/* `given`, or the default for a layer with this activation. */
jd_init jd__default_init(jd_init given, jd_activation act);

/* false, with an error that names the layer, unless n >= 1. */
bool jd__size_ok(jd_graph *g, const char *name, const char *what, int64_t n);

/* Which of the I maps below each of the maps of a convolution sees: (maps,I), 1 or 0, in memory of the context; NULL after an
 * error.  A function of the layer's name, for models must mean the same in every context. */
uint8_t *jd__fan_table(jd_ctx *ctx, const char *name, int64_t maps, int64_t I, int64_t fan);

/* The LSTM with `layer_norm`; called inside the layer's scope, with the parameters of the plain layer. */
jd_lstm_out jd__lstm_normalised(jd_graph *g, const jd_lstm_args *a, const jd_lstm_options *o);

/* Terms of jd_polynomial: exponents of u and v, in the order of the public header. */
enum { JD_POLYNOMIAL_TERMS = 10 };
extern const unsigned char jd__polynomial_power[JD_POLYNOMIAL_TERMS][2];
/* What stands at *at in the text of a `polynomial` layer, and moves on: 1 a unit with its sources (0 .. units-1 those of the
 * layer before, then the inputs), 0 the mark "/" of the next layer, -1 neither. */
int jd__polynomial_next(const char **at, int64_t units, int64_t source[2]);
/* The layers of such a text on x (B,...) -> (B,units of the last); zeros (B,1) for a text without units. */
jd_node jd__polynomial_net(jd_graph *g, const char *name, jd_node x, const char *text, jd_polynomial_options o);

/* jd_net on a chunk of a sequence, for jd_stream: recurrent layers begin with the inputs "NAME/h" and "NAME/c" and give what
 * they end with as results of these names. */
jd_node jd__net_chunk(jd_graph *g, const char *spec, jd_node x);
/* What is carried so, for B streams side by side: at most JD_NET_STATES; returns how many, -1 after an error, such as a layer that
 * needs later steps. */
typedef struct jd__net_state {
    char name[40];
    int64_t size; /* (B,size) */
} jd__net_state;
enum { JD_NET_STATES = 64 };
int jd__net_states(jd_ctx *ctx, const char *spec, jd__net_state list[JD_NET_STATES]);

/* A network in one line, layer by layer, for those who build something else of it than jd_net does. */
typedef enum jd__net_kind {
    JD_NET_CONV,
    JD_NET_MAXPOOL,
    JD_NET_AVGPOOL,
    JD_NET_DENSE,
    JD_NET_DROPOUT,
    JD_NET_NOISE,
    JD_NET_FLATTEN,
    JD_NET_ACTIVATION,
    JD_NET_LSTM, /* these three in this order */
    JD_NET_GRU,
    JD_NET_SRN,
    JD_NET_CLOCKWORK,
    JD_NET_EMBED,
    JD_NET_MEAN,
    JD_NET_HIGHWAY, /* `units` layers */
    JD_NET_POLYNOMIAL,
    JD_NET_LAYERNORM,
    JD_NET_BATCHNORM,
    JD_NET_RESIDUAL, /* the layer before this entry: its input is added to its output, */
    JD_NET_CONCAT,   /* or set beside it */
    JD_NET_WINDOW,
    JD_NET_CONTRAST,
    JD_NET_BLOCK, /* `units` high, `size` wide */
    JD_NET_COLLAPSE,
    JD_NET_MDLSTM,
    JD_NET_OTHER
} jd__net_kind;
typedef struct jd__net_layer {
    jd__net_kind kind;
    char word[16];                   /* "conv" */
    char name[32];                   /* of the parameters: "conv1" */
    int64_t units;                   /* maps, units, or the side of a pooling window */
    int64_t symbols;                 /* of an embedding */
    int modules;                     /* of a clockwork layer */
    int size, stride, pad, dilation; /* dilation is at least 1 */
    int64_t fan;                     /* of a convolution with partial connections, or 0 */
    double around;                   /* what stands in the padding of a convolution */
    bool ceil, each, places;
    jd_activation act;
    double rate;                     /* of dropout, sigma of noise */
    bool both, peepholes, no_forget; /* of recurrent layers: in both directions */
    bool layer_norm, sum;            /* of an LSTM; of an MDLSTM's directions */
    int64_t projection;
    const char *text; /* of a polynomial: its units, within the line; `units` is how many the last layer has */
    jd_polynomial_options polynomial;
} jd__net_layer;
enum { JD_NET_LAYERS = 64 };
/* Reads the layers of `spec`, at most JD_NET_LAYERS; returns how many entries there are, 0 after an error. */
int jd__net_layers(jd_ctx *ctx, const char *spec, jd__net_layer list[JD_NET_LAYERS]);

#endif
