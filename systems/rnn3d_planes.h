/*
 * rnn3d_planes.h - the other form of the 3-D RNN on a grid of processes: PyraMiD-LSTM (Stollenga, Byeon, Liwicki,
 * Schmidhuber, NIPS 2015; jd_convlstm_raw in graph.h), in float64.
 *
 *     rp_options o = {.dim = {12, 12, 12}, .procs = {2, 2, 2}, .cells = 4, .size = 3, .exact = true};
 *     rp_world *w = rp_new(ctx, &o);
 *     rp_step(w, volume, target);
 *     ... rp_loss(w), rp_gradient(w), rp_mail(w)->counts ...
 *
 * Six convolutional LSTMs step through the planes of the volume, along each axis to and fro, and are added up.  A plane needs
 * the one before it with a border of (size-1)/2 places all around: processes beside each other in the plane exchange borders,
 * first along one axis, then along the other with the corners that the first brought, so that no message goes further than to
 * a face neighbour.  The last plane of a box goes on to the next box.  On the way back it is the errors of the gates that
 * are exchanged; each place then collects its own in one order, so boxes change no bit.
 */
#ifndef RNN3D_PLANES_H
#define RNN3D_PLANES_H

#include "rnn3d_mail.h"

enum { RP_SCANS = 6 };
typedef struct rp_options {
    int dim[R3_AXES], procs[R3_AXES], cells, size; /* size: side of the windows, odd */
    bool exact;                                    /* gradients are added up as integers */
    uint64_t seed;
} rp_options;

typedef struct rp_world rp_world;
/* Errors: JD_EUSAGE (boxes thinner than a border). */
rp_world *rp_new(jd_ctx *ctx, const rp_options *o);
void rp_free(rp_world *w);
size_t rp_weights(const rp_world *w);
/* For each scan (z+ z- y+ y- x+ x-) W (4C,k,k,1), R (4C,k,k,C), b (4C), gate order i f z o; then the output (C) and its bias. */
const double *rp_weight(const rp_world *w);
/* Volume and targets (D,H,W): forward, backward, all-reduce.  Loss: mean cross-entropy of the output's sigmoid. */
jd_status rp_step(rp_world *w, const double *volume, const double *target);
double rp_loss(const rp_world *w);
const double *rp_gradient(const rp_world *w);
/* Time steps of the forward sweep in which each process does at most one plane, and the planes that each has to do. */
void rp_time(const rp_world *w, int *steps, int *planes);
const r3_mail *rp_mail(const rp_world *w);
/* Halo bytes of a step by formula: with r = (size-1)/2, for each of the two scans along axis a, its plane's axes u < v,
 *     (D_a - 1) 2 r ((p_u - 1) D_v + (p_v - 1) (D_u + 2 r p_u)) numbers in each of C + 4 C maps, and
 *     (p_a - 1) D_u D_v numbers in each of 2 C + 5 C maps for the planes that go on. */
double rp_halo_formula(const rp_options *o);

#endif
