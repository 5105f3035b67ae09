/*
 * probe.h - measures how an error flows back through a recurrent network, lag by lag (Hochreiter 1991).
 *
 * The network runs over T random steps; the error is given at the last step only.  All in float64, with nothing clipped: norms
 * fall below what float32 can hold.
 */
#ifndef JACKDAW_SYSTEMS_PROBE_H
#define JACKDAW_SYSTEMS_PROBE_H

#include "jackdaw/fn.h"

typedef enum probe_cell { PROBE_SRN, PROBE_LSTM, PROBE_GRU } probe_cell;

typedef struct probe_net {
    probe_cell cell;
    int act;        /* SRN: 0 tanh, 1 sigmoid, 3 linear, as in jd_rnn_args */
    bool no_forget; /* LSTM: the 1997 cell, f = 1 */
    bool frozen;    /* LSTM: the output does not recur, what is left is the path through the cell */
    int64_t H, N;   /* units, inputs */
    double *W, *R;  /* (GH,N), (GH,H); G is 1, 4 (i f z o) or 3 (r u n) */
    double *b;      /* (GH) */
} probe_net;
/* Weights from U[-1/sqrt(H), 1/sqrt(H)], biases 0.  To be freed by probe_free. */
probe_net probe_new(jd_ctx *ctx, probe_cell cell, int64_t H, int64_t N, jd_rng *r);
void probe_free(jd_ctx *ctx, probe_net *n);
/* R (H,H) := a random orthogonal matrix, times rho. */
void probe_orthogonal(probe_net *n, double rho, jd_rng *r);

/* For the lags q = 0..T-1, means over the sequences: */
typedef struct probe_flow {
    int64_t T;
    double *norm;  /* |dL/dh(T-q)| for random unit vectors dL/dh(T); of a `frozen` LSTM: of the cells c instead of h */
    double *sigma; /* largest singular value of dh(T)/dh(T-q); by power iteration */
    double slope;  /* least-squares slope of log10 norm over q >= 1 */
    double sigma_slope;
} probe_flow;
probe_flow probe_run(jd_ctx *ctx, const probe_net *n, int64_t T, int sequences, jd_rng *r);
void probe_flow_free(jd_ctx *ctx, probe_flow *f);

#endif
