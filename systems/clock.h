/*
 * clock.h - the three recurrent networks that the Clockwork RNN paper compares, with as many weights each.
 *
 *     clock_net n = clock_like(CLOCK_LSTM, 0, 39, 10, 5000);     // an LSTM of about 5,000 weights for 39 inputs, 10 outputs
 *     jd_node y = clock_recur(g, &n, x, length).y;
 */
#ifndef JACKDAW_SYSTEMS_CLOCK_H
#define JACKDAW_SYSTEMS_CLOCK_H

#include "jackdaw/layers.h"

typedef enum clock_kind { CLOCK_SRN, CLOCK_LSTM, CLOCK_CLOCKWORK, CLOCK_KINDS } clock_kind;
extern const char *const clock_names[CLOCK_KINDS];

typedef struct clock_net {
    clock_kind kind;
    int64_t units;
    int modules; /* of the clockwork net: periods 1, 2, 4... */
    double forget_bias;
    jd_init init; /* zero: the layer's own */
} clock_net;

/* Weights of the network with a dense layer on top; inputs may be 0. */
int64_t clock_weights(const clock_net *n, int64_t inputs, int64_t outputs);
/* The network of that kind whose number of weights is nearest to `weights`. */
clock_net clock_like(clock_kind kind, int modules, int64_t inputs, int64_t outputs, int64_t weights);
/* x (T,B,N) -> y (T,B,units), hT (B,units) */
jd_rnn_out clock_recur(jd_graph *g, const clock_net *n, jd_node x, jd_node length);

#endif
