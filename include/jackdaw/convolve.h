/*
 * convolve.h - convolutions with gaps and with partial connections, and local contrast: more of what layers.h begins.
 *
 *     x = jd_local_contrast(g, x, .size = 9);
 *     x = jd_conv2d_partial(g, "h2", x, .conv = { .maps = 40, .size = 5, .act = JD_TANH }, .fan = 8);
 *     x = jd_conv2d_partial(g, "h3", x, .conv = { .maps = 16, .size = 3 }, .dilation = 2);
 *
 * The network language (jd_net) has them as `conv MAPS SIZE [dilate D] [fan N] [places] [around V]` and `contrast SIZE`.
 */
#ifndef JACKDAW_CONVOLVE_H
#define JACKDAW_CONVOLVE_H

#include "jackdaw/layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x (B,H,W,I), w (O,kH,kW,I) -> (B,H',W',O): cross-correlation whose taps lie `dilation` cells apart, with zeros around.
 * It is computed on the d x d fragments of the image (see scan.h), with the same bits as if the gaps were skipped. */
JD_API jd_node jd_conv2d_dilated(jd_graph *g, jd_node x, jd_node w, int dilation, int pad);

/* Partial connections (LeCun et al. 1989; Ciresan et al., IJCAI 2011).  The mask of a connection table: (maps,1,1,I), 1 where
 * table[o I + i] != 0, to be multiplied with weights (maps,kH,kW,I). */
JD_API jd_node jd_connections(jd_graph *g, const uint8_t *table, int64_t maps, int64_t I);

typedef struct jd_partial_options {
    jd_conv2d_options conv;
    int dilation;         /* 0 means 1; not together with a stride */
    const uint8_t *table; /* (maps,I): map o sees map i below where table[o I + i] != 0; or NULL */
    bool places;          /* each unit has a bias of its own: "b" (H',W',maps) instead of (maps) */
    double around;        /* what stands around the image, conv.pad cells wide */
    int64_t fan;          /* each map sees so many below, drawn by the layer's name; 0: all */
} jd_partial_options;
/* jd_conv2d with these options; parameters as there.  Weights without a connection stay as they were at first and do
 * nothing. */
JD_API jd_node jd_conv2d_partial_opt(jd_graph *g, const char *name, jd_node x, jd_partial_options o);
#define jd_conv2d_partial(g, name, x, ...) jd_conv2d_partial_opt(g, name, x, JD_MAKE(jd_partial_options, __VA_ARGS__))

/* Local contrast normalisation (Jarrett, Kavukcuoglu, Ranzato, LeCun, ICCV 2009): over windows w, a Gaussian whose weights
 * within the image and over all channels sum to 1,
 *     v = x - sum w x      s = sqrt(sum w v^2)      y = v / max(c, s), c the mean of s over the image
 * No parameters; (B,H,W,C) -> the same. */
typedef struct jd_contrast_options {
    int size;     /* of the window, odd, 3 to 63; 0 means 9 */
    double sigma; /* of the Gaussian; 0: size / 4 */
} jd_contrast_options;
JD_API jd_node jd_local_contrast_opt(jd_graph *g, jd_node x, jd_contrast_options o);
#define jd_local_contrast(g, x, ...) jd_local_contrast_opt(g, x, JD_MAKE(jd_contrast_options, __VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
