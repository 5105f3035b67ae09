/*
 * population.h - many small networks, each with weights of its own, run side by side: 16 of them in the lanes of vectors.
 *
 *     const jd_net_shape shape = {.inputs = 6, .hidden = 3, .outputs = 1};
 *     jd_population *p = jd_population_new(ctx, &shape, 1000);
 *     jd_population_set(p, 0, 1000, weights);            // (1000, jd_net_weights(shape)), from a search
 *
 * The network: h_t = tanh(W (bias, x_t, h_t-1)), y_t = tanh(V (bias, h_t)), in float32.  Its weights, as one vector:
 * for each hidden unit its bias weight, its weights from the inputs and, unless feed_forward, from all hidden units;
 * then for each output its bias weight (unless no_output_bias) and its weights from the hidden units.  Without hidden
 * units the outputs see bias and inputs.  With `direct` the hidden units are the outputs: y_t = h_t, and V does not exist.
 * With `logistic` units give 1 / (1 + exp(-a)) in place of tanh(a).
 *
 * A network's results depend neither on its place in the population, nor on the number of threads, nor on the
 * instruction set.  In a context with a device (device.h) the networks run there, with the same bits, where their weights fit
 * into the shared memory of a multiprocessor: some 57,000 of them.
 */
#ifndef JACKDAW_POPULATION_H
#define JACKDAW_POPULATION_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { JD_NET_MAX = 1024 }; /* inputs, hidden units, outputs of a network of a population */

typedef struct jd_net_shape {
    int inputs, hidden, outputs;
    bool feed_forward, no_output_bias;
    bool direct, logistic; /* direct: outputs and hidden are the same number */
    double bias;           /* the value of the bias input; 0: 1 */
} jd_net_shape;

/* Length of the weight vector; 0 for a shape with a number outside of 1..1024 (hidden: 0..1024). */
JD_API size_t jd_net_weights(const jd_net_shape *shape);
/* The hidden unit that each weight belongs to, by its input or its output side, as jd_search_options.segment wants it: the
 * output's bias weights make a segment of their own.  Without hidden units: the output.  segment (jd_net_weights). */
JD_API void jd_net_segments(const jd_net_shape *shape, uint32_t *segment);

typedef struct jd_population jd_population;
/* Errors: JD_EUSAGE (shape, count), JD_ENOMEM. */
JD_API jd_population *jd_population_new(jd_ctx *ctx, const jd_net_shape *shape, size_t count);
JD_API void jd_population_free(jd_population *p);
/* Weights (n, jd_net_weights) of the networks first .. first + n - 1.  Errors: JD_EUSAGE (no such networks). */
JD_API jd_status jd_population_set(jd_population *p, size_t first, size_t n, const double *weights);
/* All hidden states become 0. */
JD_API void jd_population_reset(jd_population *p);
/* How they run: "CPU", or the name of the device's kernel. */
JD_API const char *jd_population_kernel(const jd_population *p);
/* The count rounded up to whole vectors: the row length of x and y below. */
JD_API size_t jd_population_stride(const jd_population *p);
/* T steps of every network.  x (T, inputs, stride), or (inputs, stride) when `hold`: the same at every step;
 * y (T, outputs, stride), or with `last` (outputs, stride): after the last step only.  On all the context's threads. */
JD_API jd_status jd_population_run(jd_population *p, int64_t T, const float *x, bool hold, float *y, bool last);

#ifdef __cplusplus
}
#endif
#endif
