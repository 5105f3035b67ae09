/*
 * layers.h - layers are functions that add nodes and own named parameters; there are no layer objects.
 *
 *     x = jd_conv2d (g, "conv1", x, .maps = 20, .size = 4, .act = JD_TANH);      // (B,28,28,1) -> (B,25,25,20)
 *     x = jd_maxpool(g, x, .size = 2);                                           // -> (B,12,12,20)
 *     x = jd_dense  (g, "out", x, .units = 10);                                  // -> (B,10)
 *
 * A layer named "conv1" has the parameters "conv1/W", "conv1/b"...; calling it twice under one name shares them.
 * Options left out take the defaults given here.
 */
#ifndef JACKDAW_LAYERS_H
#define JACKDAW_LAYERS_H

#include "jackdaw/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jd_activation {
    JD_LINEAR,
    JD_TANH,
    JD_SIGMOID,
    JD_RELU,
    JD_SCALED_TANH /* 1.7159 tanh(2/3 a), LeCun; as the 2010-2012 networks used it (0.6666) */
} jd_activation;
JD_API jd_node jd_activate(jd_graph *g, jd_node x, jd_activation act);

/* Weights are [out,in].  `init` left zero means: Glorot for linear, tanh and sigmoid, He for relu.  The bias starts at 0
 * unless `bias_init` says otherwise. */
typedef struct jd_dense_options {
    int64_t units;
    jd_activation act;
    jd_init init, bias_init;
    bool no_bias;
    bool each; /* at every point: (...,C) -> (...,units) for any rank */
} jd_dense_options;
/* (B,...) -> (B,units) for images and vectors; (T,B,C) -> (T,B,units) for sequences (rank 3: step by step). */
JD_API jd_node jd_dense_opt(jd_graph *g, const char *name, jd_node x, jd_dense_options o);
#define jd_dense(g, name, x, ...) jd_dense_opt(g, name, x, JD_MAKE(jd_dense_options, __VA_ARGS__))

/* Highway layers (Srivastava, Greff, Schmidhuber, arXiv 1505.00387, 2015), as many units as the input has channels, at every
 * point: y = H(x) T(x) + x (1 - T(x)), H = act(Wh x + bh), T = sigma(Wt x + bt).  `layers` of them make a net of that depth
 * that gradient descent can train: the gates start nearly shut, so that at first the input passes.  Parameters
 * "NAME/1/H/W", "NAME/1/H/b", "NAME/1/T/W", "NAME/1/T/b", "NAME/2/...".
 *
 *     x = jd_dense(g, "in", x, .units = 50, .act = JD_TANH);
 *     x = jd_highway(g, "way", x, .layers = 48, .act = JD_TANH, .gate_bias = -3);
 *     x = jd_dense(g, "out", x, .units = 10); */
typedef struct jd_highway_options {
    int64_t layers; /* 0: 1 */
    jd_activation act;
    double gate_bias; /* what the gates' biases start at; 0 means -2; the deeper the more negative, -1 to -4 */
    jd_init init;     /* of the weights */
} jd_highway_options;
JD_API jd_node jd_highway_opt(jd_graph *g, const char *name, jd_node x, jd_highway_options o);
#define jd_highway(g, name, x, ...) jd_highway_opt(g, name, x, JD_MAKE(jd_highway_options, __VA_ARGS__))

/* Normalisation over the last axis (channels) of (B,...,C), with a trained gain and bias, "NAME/gain", "NAME/b" (C).
 * jd_layernorm (Ba, Kiros, Hinton 2016): by each point's own mean and variance over the C units.
 * jd_batchnorm (Ioffe and Szegedy, ICML 2015): each channel by its mean and variance over all points of the batch while
 * there is an input "step" (training), which also go into the running means "NAME/mean", "NAME/variance" (C); these serve
 * without that input (evaluation) and are stored with the weights, but no gradient reaches them.
 *
 *     x = jd_relu(g, jd_batchnorm(g, "bn1", jd_conv2d(g, "conv1", x, .maps = 20, .size = 5, .no_bias = true))); */
typedef struct jd_norm_options {
    double epsilon;  /* added to the variance; 0 means 1e-5 */
    double momentum; /* batch: how much of the running mean a step keeps; 0 means 0.9 */
    jd_node length;  /* batch, sequences (T,B,C): int32 (B), steps past it do not count; or none */
} jd_norm_options;
JD_API jd_node jd_layernorm_opt(jd_graph *g, const char *name, jd_node x, jd_norm_options o);
JD_API jd_node jd_batchnorm_opt(jd_graph *g, const char *name, jd_node x, jd_norm_options o);
#define jd_layernorm(g, name, x, ...) jd_layernorm_opt(g, name, x, JD_MAKE(jd_norm_options, __VA_ARGS__))
#define jd_batchnorm(g, name, x, ...) jd_batchnorm_opt(g, name, x, JD_MAKE(jd_norm_options, __VA_ARGS__))

typedef struct jd_conv2d_options {
    int64_t maps;
    int size; /* square kernels; or height and width: */
    int height, width;
    int stride, pad;
    jd_activation act;
    jd_init init, bias_init;
    bool no_bias;
} jd_conv2d_options;
/* (B,H,W,I) -> (B,H',W',maps), weights [maps,kH,kW,I] */
JD_API jd_node jd_conv2d_opt(jd_graph *g, const char *name, jd_node x, jd_conv2d_options o);
#define jd_conv2d(g, name, x, ...) jd_conv2d_opt(g, name, x, JD_MAKE(jd_conv2d_options, __VA_ARGS__))

/* Inverted dropout: each value is kept with probability 1 - rate and then divided by it.  The mask is a function of
 * (seed, name, step): feed the input "step" (int32 ()).  Without that input (evaluation) x passes unchanged. */
JD_API jd_node jd_dropout(jd_graph *g, const char *name, jd_node x, double rate);
/* Adds N(0, sigma^2) when there is an input "step"; the same rule. */
JD_API jd_node jd_gauss_noise(jd_graph *g, const char *name, jd_node x, double sigma);

/* int32 (...) -> (...,units), parameter "NAME/W" (symbols, units) */
JD_API jd_node jd_embedding(jd_graph *g, const char *name, jd_node index, int64_t symbols, int64_t units);

/* LSTM (Hochreiter and Schmidhuber 1997; forget gates: Gers, Schmidhuber, Cummins 1999; peepholes: Gers and Schmidhuber
 * 2000; projection: Sak, Senior, Beaufays 2014).  Parameters W (4H,N), R (4H,P), b (4H), gate order i f z o, [peep] (3H),
 * [proj] (P,H). */
typedef struct jd_lstm_options {
    int64_t units;      /* H */
    jd_node length;     /* int32 (B), or none */
    jd_node h0, c0;     /* (B,P), (B,H), or none */
    int64_t projection; /* P; 0: none */
    bool peepholes, reverse, no_forget, truncate;
    bool layer_norm; /* normalise W x, R h and c at each step (Ba, Kiros, Hinton 2016); unrolled, no other switch but
                        reverse and no_forget; parameters ln_x/gain, ln_h/gain (4H), ln_c/gain, ln_c/b (H) */
    jd_squash in_squash, out_squash;
    double forget_bias;       /* what the forget gate's bias starts at; 0 means 1 (write 1e-9 for none) */
    double in_bias, out_bias; /* of the input and output gates: negative keeps the cell shut at first */
    jd_init init;             /* of W and R; zero: U[-1/sqrt(H), 1/sqrt(H)] */
} jd_lstm_options;
JD_API jd_lstm_out jd_lstm_full(jd_graph *g, const char *name, jd_node x, jd_lstm_options o);
JD_API jd_node jd_lstm_opt(jd_graph *g, const char *name, jd_node x, jd_lstm_options o); /* y (T,B,P) */
#define jd_lstm(g, name, x, ...) jd_lstm_opt(g, name, x, JD_MAKE(jd_lstm_options, __VA_ARGS__))
/* Both directions, "NAME/fw" and "NAME/bw": (T,B,N) -> (T,B,2P) */
JD_API jd_node jd_blstm_opt(jd_graph *g, const char *name, jd_node x, jd_lstm_options o);
#define jd_blstm(g, name, x, ...) jd_blstm_opt(g, name, x, JD_MAKE(jd_lstm_options, __VA_ARGS__))

/* LSTM in one to three dimensions (Graves, Fernandez, Schmidhuber, ICANN 2007; see jd_mdlstm_raw): (T,B,C), (B,H,W,C) or
 * (B,D,H,W,C) -> the same with D H or, with `sum`, H channels, D the number of scan directions.  Parameters W (D G,N),
 * R (D G,n H), b (D,n+3,H), [peep] (D (n+2) H) with G = (n+3) H and the gate order i f^1..f^n z o.
 *
 *     jd_node size = jd_arg(g, "size");                                   // int32 (B,2), or JD_NONE
 *     x = jd_blocks(g, x, &size, .height = 3, .width = 4);                // the recogniser of NIPS 2008 begins
 *     x = jd_mdlstm(g, "scan1", x, .units = 2, .size = size, .peepholes = true);
 *     x = jd_dense(g, "map1", jd_blocks(g, x, &size, .height = 3, .width = 4), .units = 6, .act = JD_TANH, .each = true); */
typedef struct jd_mdlstm_options {
    int64_t units;       /* H, of each direction */
    unsigned directions; /* bit s: scan with dimension e backwards where bit e of s is set; 0: all 2^n */
    jd_node size;        /* int32 (B,n) extents of each sample, for sequences (B); or none */
    bool peepholes;
    bool sum; /* add the directions up instead of setting them side by side */
    jd_squash in_squash, out_squash;
    double forget_bias; /* 0 means: 1 for sequences, else -ln(n-1), so that the n forget gates add up to 1 */
    double clip;        /* > 0: keeps the errors of the pre-activations inside [-clip, clip]; RNNLIB uses 1 */
    jd_init init;       /* of W, R and the peepholes; zero: U[-1/sqrt(n H), 1/sqrt(n H)] */
} jd_mdlstm_options;
JD_API jd_node jd_mdlstm_opt(jd_graph *g, const char *name, jd_node x, jd_mdlstm_options o);
#define jd_mdlstm(g, name, x, ...) jd_mdlstm_opt(g, name, x, JD_MAKE(jd_mdlstm_options, __VA_ARGS__))

/* A convolutional LSTM (jd_convlstm_raw) over planes: (T,B,Y,X,N) -> (T,B,Y,X,units).  Parameters W (4C,k,k,N),
 * R (4C,k,k,C), b (4C). */
typedef struct jd_convlstm_options {
    int64_t units;      /* C */
    int size;           /* k, odd; 0 means 3 */
    jd_node extent;     /* int32 (B,3): T, Y, X of each sample, or none */
    bool reverse;       /* from the last plane to the first */
    double forget_bias; /* 0 means 1 */
    jd_init init;       /* of W and R; zero: U[-a, a] with a = 1/sqrt(k k N), 1/sqrt(k k C) */
} jd_convlstm_options;
JD_API jd_node jd_convlstm_opt(jd_graph *g, const char *name, jd_node x, jd_convlstm_options o);
#define jd_convlstm(g, name, x, ...) jd_convlstm_opt(g, name, x, JD_MAKE(jd_convlstm_options, __VA_ARGS__))

/* PyraMiD-LSTM (Stollenga, Byeon, Liwicki, Schmidhuber, NIPS 2015): six convolutional LSTMs over the planes of a volume,
 * up and down each axis, with weights of their own ("NAME/z+/W" .. "NAME/x-/b"), added up:
 * (B,Z,Y,X,C) -> (B,Z,Y,X,units).  The pyramids that the scans see cover the volume.  Between such layers stands a dense
 * layer at every place:
 *
 *     x = jd_pyramid(g, "scan1", jd_arg(g, "volume"), .units = 8, .extent = size);       // int32 (B,3), or JD_NONE
 *     x = jd_dense(g, "mix1", x, .units = 16, .act = JD_TANH, .each = true);
 *     x = jd_dense(g, "out", jd_pyramid(g, "scan2", x, .units = 8, .extent = size), .units = 3, .each = true); */
typedef struct jd_pyramid_options {
    int64_t units;
    int size;           /* k, odd; 0 means 3; the paper uses 7 */
    jd_node extent;     /* int32 (B,3): Z, Y, X of each volume, at the low corner, or none; outside the result is 0 */
    double forget_bias; /* 0 means 1 */
    jd_init init;       /* as above */
} jd_pyramid_options;
JD_API jd_node jd_pyramid_opt(jd_graph *g, const char *name, jd_node x, jd_pyramid_options o);
#define jd_pyramid(g, name, x, ...) jd_pyramid_opt(g, name, x, JD_MAKE(jd_pyramid_options, __VA_ARGS__))

/* Blocks of cells become channels, with zeros past the right and lower edge (Graves and Schmidhuber, NIPS 2008):
 * (B,H,W,C) -> (B,ceil(H/height),ceil(W/width),height width C); likewise (B,W,C) and (B,D,H,W,C).  A side left out is 1.
 * *size, int32 (B,n), becomes the extents in blocks; size may be NULL. */
typedef struct jd_blocks_options {
    int depth, height, width;
} jd_blocks_options;
JD_API jd_node jd_blocks_opt(jd_graph *g, jd_node x, jd_node *size, jd_blocks_options o);
#define jd_blocks(g, x, size, ...) jd_blocks_opt(g, x, size, JD_MAKE(jd_blocks_options, __VA_ARGS__))
/* The inverse, up to what was filled up: (B,H,W,height width C) -> (B,H height,W width,C). */
JD_API jd_node jd_unblocks_opt(jd_graph *g, jd_node x, jd_blocks_options o);
#define jd_unblocks(g, x, ...) jd_unblocks_opt(g, x, JD_MAKE(jd_blocks_options, __VA_ARGS__))
/* (B,H,W,C) -> (W,B,C): the sum over the height, a sequence along the line */
JD_API jd_node jd_collapse(jd_graph *g, jd_node x);

typedef struct jd_rnn_options {
    int64_t units;
    jd_node length, h0;
    bool reverse;
    jd_activation act; /* SRN; JD_LINEAR (0) means tanh unless `linear` */
    bool linear;
    jd_init init;           /* of W and R */
    jd_init recurrent_init; /* of R alone */
} jd_rnn_options;
JD_API jd_rnn_out jd_srn_full(jd_graph *g, const char *name, jd_node x, jd_rnn_options o);
JD_API jd_rnn_out jd_gru_full(jd_graph *g, const char *name, jd_node x, jd_rnn_options o);
JD_API jd_node jd_srn_opt(jd_graph *g, const char *name, jd_node x, jd_rnn_options o);
JD_API jd_node jd_gru_opt(jd_graph *g, const char *name, jd_node x, jd_rnn_options o);
#define jd_srn(g, name, x, ...) jd_srn_opt(g, name, x, JD_MAKE(jd_rnn_options, __VA_ARGS__))
#define jd_gru(g, name, x, ...) jd_gru_opt(g, name, x, JD_MAKE(jd_rnn_options, __VA_ARGS__))

/* Clockwork RNN (Koutnik, Greff, Gomez, Schmidhuber, ICML 2014): `modules` groups of units that compute at every step, every
 * second, every fourth...; see jd_clockwork_raw.  Parameters W (H,N), R packed, b (H).
 *
 *     x = jd_clockwork(g, "clock", x, .units = 64, .modules = 8, .length = jd_arg(g, "length"));     // (T,B,N) -> (T,B,64)
 */
typedef struct jd_clockwork_options {
    int64_t units;
    int modules; /* 1 to 16, divides units; 0: 1 */
    const int *period;
    jd_node length, h0;
    bool full, reverse;
    jd_activation act; /* JD_LINEAR (0) means tanh unless `linear` */
    bool linear;
    jd_init init;           /* of W and R; zero: U[-1/sqrt(H), 1/sqrt(H)] */
    jd_init recurrent_init; /* of R alone, a vector here: a kind with a scale of its own */
} jd_clockwork_options;
JD_API jd_rnn_out jd_clockwork_full(jd_graph *g, const char *name, jd_node x, jd_clockwork_options o);
JD_API jd_node jd_clockwork_opt(jd_graph *g, const char *name, jd_node x, jd_clockwork_options o);
#define jd_clockwork(g, name, x, ...) jd_clockwork_opt(g, name, x, JD_MAKE(jd_clockwork_options, __VA_ARGS__))

/* One unit of a polynomial network (gmdh.h): u, v (B,1) -> (B,1), the polynomial with the weights NAME (terms) in the order
 * 1 u v uv u^2 v^2 u^2v uv^2 u^3 v^3, kept within low..high. */
typedef struct jd_polynomial_options {
    int terms;        /* 3, 4, 6 or 10; 0: 6 */
    double low, high; /* both 0: not kept */
} jd_polynomial_options;
JD_API jd_node jd_polynomial_opt(jd_graph *g, const char *name, jd_node u, jd_node v, jd_polynomial_options o);
#define jd_polynomial(g, name, u, v, ...) jd_polynomial_opt(g, name, u, v, JD_MAKE(jd_polynomial_options, __VA_ARGS__))

/* (T,B), 1 where t < length[b] */
JD_API jd_node jd_time_mask(jd_graph *g, jd_node length, int64_t T);
/* (T,B,C) -> (B,C): the mean over each sample's own steps; length none: all */
JD_API jd_node jd_time_mean(jd_graph *g, jd_node x, jd_node length);
/* (T,B,C) -> (T,B,(2w+1)C): each step with the w steps before and after it, zeros past a sample's ends */
JD_API jd_node jd_time_window(jd_graph *g, jd_node x, int64_t w, jd_node length);

/* The one-line network language:
 *
 *     "conv 20 4 tanh, maxpool 2, conv 40 5 tanh, maxpool 3, dense 150 tanh, dense 10"
 *     "blstm 64 peepholes, blstm 64, dropout 0.3, dense 11"
 *
 * Layers are separated by commas; words after the sizes are switches.  Layers: conv MAPS SIZE [stride S] [pad P] [ACT] (and more: convolve.h);
 * maxpool SIZE [stride S] [ceil]; avgpool SIZE; dense UNITS [ACT]; dropout RATE; noise SIGMA; embed SYMBOLS UNITS;
 * lstm|blstm UNITS [peepholes] [no-forget] [projection P] [forget B] [layernorm]; gru|bgru UNITS; srn|bsrn UNITS [ACT];
 * clockwork UNITS MODULES [ACT]; highway LAYERS [ACT] [bias B]; layernorm; batchnorm;
 * mdlstm UNITS [peepholes] [sum] [forget B] [clip C]; pyramid UNITS SIZE [forget B]; block HEIGHT WIDTH; collapse;
 * cube SIDE and uncube SIDE (blocks of a volume's voxels as channels, and back, at the end);
 * `dense UNITS each` at every point; mean (over time); window STEPS (each step with so many on either side); flatten;
 * tanh, sigmoid, relu, scaled-tanh.  ACT is one of the last four.  Recurrent and dense layers can be stacked with
 * `residual` (their input is added to their output) or `concat` (their input is set beside their output, so that every layer
 * above sees all those below).  `polynomial x0*x2 x1*x3 / 0*1 / 0*x4 [linear|bilinear|cubic] [clamp LOW HIGH]`: layers of
 * jd_polynomial units between slashes, each with its two sources, inputs x0, x1 ... or units 0, 1 ... of the layer before.
 * Parameters are named after the layer and its place: "conv1/W", "dense5/b", or as told:
 * `dense 10 as out`.  An unknown word is answered with the nearest known one.  `length`, int32, or none: of sequences (B);
 * of images (B,2) their own height and width, for mdlstm, block and collapse; of volumes (B,3) depth, height and width, for
 * pyramid. */
JD_API jd_node jd_net(jd_graph *g, const char *spec, jd_node x, jd_node length);
/* Checks a spec without a graph: JD_OK, or the error with the place of the word. */
JD_API jd_status jd_net_check(jd_ctx *ctx, const char *spec);
/* The number of units of the last layer that has one (the classes of a classifier), or 0. */
JD_API int64_t jd_net_outputs(jd_ctx *ctx, const char *spec);

#ifdef __cplusplus
}
#endif
#endif
