/*
 * scan.h - a net trained on patches, applied to every pixel of an image at the price of a few convolutions.
 *
 * Giusti, Ciresan, Masci, Gambardella, Schmidhuber, Fast image scanning with deep max-pooling convolutional neural
 * networks, ICIP 2013.  A pooling or any other step by s cuts the maps of an image into s x s fragments, one for each
 * offset, which go on separately; at the end they are put together again.  Each window of the image is scored exactly
 * once, by the same operations on the same numbers as if it were cut out: the values have the same bits.
 *
 *     jd_scanner *s = jd_scanner_new(ctx, weights, &(jd_scan_options){ .net = "conv 48 4 tanh, maxpool 2, ... dense 2",
 *                                    .height = 95, .width = 95, .channels = 1, .softmax = true });
 *     jd_scan_image(s, pixels, 512, 512, p);                                // p (512,512,2)
 *     jd_scanner_free(s);
 *
 * The window of pixel (y,x) begins at (y - height/2, x - width/2), halves rounded down: a window of even side reaches one
 * pixel further up and left.  Beyond its edges the image is mirrored, the edge pixels not repeated.
 *
 * Nets that can be scanned: conv (without pad), maxpool, avgpool, dense, flatten, squashing functions, dropout and noise,
 * with a map of 1 x 1 at the end.
 */
#ifndef JACKDAW_SCAN_H
#define JACKDAW_SCAN_H

#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a window that reaches over the edge looks: coordinate i of an axis of n pixels, mirrored at both ends as often as
 * needed.  Crops that a net learns from should be cut by it too. */
static inline int64_t jd_scan_mirror(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

typedef struct jd_scan_shape {
    int64_t step; /* product of all steps: outputs are computed in multiples of it; there are step x step fragments */
    int64_t outputs; /* K numbers at each pixel */
    double macs;     /* multiply-adds of one window on its own */
} jd_scan_shape;
/* Whether a network for windows (height,width,channels) can be scanned, and its sizes.  `out` may be NULL.  Errors:
 * JD_EUSAGE, with the layer and the reason. */
JD_API jd_status jd_scan_check(jd_ctx *ctx, const char *net, int64_t height, int64_t width, int64_t channels,
                               jd_scan_shape *out);

/* The nodes: x (B, N + height - 1, M + width - 1, C) -> (B,N,M,K), N and M multiples of the step.  The parameters are those
 * of jd_net.  Differentiable: the gradient of a loss at all pixels is the sum over their windows, in one pass (Masci,
 * Giusti, Ciresan, Fricout, Schmidhuber, A fast learning algorithm for image segmentation with max-pooling convolutional
 * networks, ICIP 2013). */
JD_API jd_node jd_scan_net(jd_graph *g, const char *net, jd_node x, int64_t height, int64_t width);
/* The same at pixels 0, every, 2 every ... of both axes alone: (B,N/every,M/every,K).  `every` is the product of the net's
 * first steps, 1 for all pixels.  Neighbours teach nearly the same, and half as many an axis cost a quarter. */
JD_API jd_node jd_scan_net_every(jd_graph *g, const char *net, jd_node x, int64_t height, int64_t width, int64_t every);

/* The largest product of the net's first steps, at most `most`: what `every` below may be; 1 where there is none. */
JD_API int64_t jd_scan_every(jd_ctx *ctx, const char *net, int64_t most);

typedef struct jd_scan_options {
    const char *net; /* in the language of jd_net */
    int64_t height, width, channels;
    bool softmax;  /* probabilities instead of the net's outputs */
    int64_t tile;  /* outputs are computed in squares of at most this side; 0: by `memory` */
    size_t memory; /* bytes that one tile may take, about; 0: 512 MiB */
    /* Called after each tile; true stops the scan with JD_ESTOPPED.  May be NULL. */
    bool (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} jd_scan_options;

typedef struct jd_scanner jd_scanner;
/* `weights` must outlive it.  Weights that hold other parameters than the net's are an error when the scan begins. */
JD_API jd_scanner *jd_scanner_new(jd_ctx *ctx, jd_params *weights, const jd_scan_options *o);
JD_API void jd_scanner_free(jd_scanner *s);

/* image (H,W,C) -> out (H,W,K). */
JD_API jd_status jd_scan_image(jd_scanner *s, const float *image, int64_t H, int64_t W, float *out);

/* The same for an image that is not in memory: tile by tile, rows of pixels are asked for (several times where tiles
 * overlap) and rows of outputs handed over, each once.  A status that is not JD_OK ends the scan. */
typedef struct jd_scan_stream {
    int64_t H, W;
    jd_status (*read)(void *user, int64_t y, int64_t x, int64_t n, float *row);        /* row (n,C) */
    jd_status (*write)(void *user, int64_t y, int64_t x, int64_t n, const float *row); /* row (n,K) */
    void *user;
} jd_scan_stream;
JD_API jd_status jd_scan_run(jd_scanner *s, const jd_scan_stream *image);

/* Copies the window (height,width,C) of pixel (y,x) of image (H,W,C): what the net was trained on. */
JD_API void jd_scan_window(const float *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, int64_t height,
                           int64_t width, float *window);

#ifdef __cplusplus
}
#endif
#endif
