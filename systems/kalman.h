/*
 * kalman.h - the Kalman filter of a few states, updated by one number at a time.
 *
 *     kalman f = {.n = 2, .x = {0, 1}};
 *     kalman_predict(&f, Phi, q);                       // P = Phi P Phi' + diag(q); x is the caller's, or Phi x
 *     kalman_update(&f, c, z - z_expected, R, 9);       // refused when the innovation is beyond 3 sigma
 *
 * Numbers of one picture are independent given the state, so that updates one after the other are the update by all of
 * them.  Joseph's form P = (I - K c') P (I - K c')' + K R K' keeps P symmetric and positive.
 * Source: Dickmanns, Dynamic Vision for Perception and Control of Motion, Springer 2007, ch. 6.
 */
#ifndef KALMAN_H
#define KALMAN_H

#include "jackdaw/base.h"

enum { KALMAN_MOST = 9 };
typedef struct kalman {
    int n;
    double x[KALMAN_MOST], P[KALMAN_MOST][KALMAN_MOST];
} kalman;

/* P to the next time step; phi (n,n) with rows of KALMAN_MOST, q (n). */
void kalman_predict(kalman *f, const double phi[][KALMAN_MOST], const double *q);
/* Variance of a measurement c'x + noise of variance R. */
double kalman_variance(const kalman *f, const double *c, double R);
/* Corrects by a measurement that was off by `innovation`; nothing happens, and false is returned, where its square is beyond
 * `gate` times its variance. */
bool kalman_update(kalman *f, const double *c, double innovation, double R, double gate);

#endif
