/*
 * control.h - three problems of multi-stage optimal control (Kelley 1960, Bryson 1961) as graphs of the library, solved by
 * its reverse mode and L-BFGS, each with the answer that is known from elsewhere.
 *
 * A problem is x[k+1] = f(x[k], u[k]), J = sum of l(x[k], u[k]) + phi(x[N]).  The stages are unrolled into one graph whose
 * leaves are the controls; dJ/du is jd_grad's, as back-propagation through time is.
 */
#ifndef JD_SYSTEMS_CONTROL_H
#define JD_SYSTEMS_CONTROL_H

#include "jackdaw/jackdaw.h"

enum { LQR_STEPS = 50, ORBIT_STEPS = 64, ALLOCATION_STEPS = 10 };

/* What both kinds of answer have: counted operations and how the gradient compares with the recursion by hand. */
typedef struct control_counts {
    double function, gradient; /* arithmetic operations of the function alone, and of function and gradient together */
    double difference;         /* from the adjoint recursion by hand: largest of |a - b| over largest |b| */
} control_counts;

/* Linear dynamics, quadratic cost: x' = A x + B u with A = [1 .1; 0 1], B = [.005 .1]', cost x'x + .1 u^2, x0 = (1,0). */
typedef struct lqr_answer {
    double cost, riccati; /* by gradient; by the Riccati recursion */
    double u[LQR_STEPS], x[2][LQR_STEPS + 1], gain_u[LQR_STEPS];
    jd_minimum search;
    control_counts counts;
} lqr_answer;
jd_status lqr_solve(jd_ctx *ctx, lqr_answer *out);

/* The low-thrust flight from the orbit of radius 1 outward (Bryson and Ho 1975, section 2.5): state r, u (radial speed),
 * v (tangential); the thrust's angle is free, its force constant while the mass falls. */
typedef struct orbit_answer {
    double radius, time;     /* at the end */
    double off[2];           /* u and v - r^-1/2 at the end: 0 on a circular orbit */
    double phi[ORBIT_STEPS]; /* radians from the tangent, outward positive */
    double r[ORBIT_STEPS + 1], u[ORBIT_STEPS + 1], v[ORBIT_STEPS + 1];
    int64_t evaluations;
    double seconds;
    control_counts counts; /* of the first kind of problem only */
} orbit_answer;
/* time > 0: the largest circular orbit reached in that time; time 0: the least time to the circular orbit `radius`.
 * progress (may be NULL) gets (outer iteration, radius or time, constraint error). */
jd_status orbit_solve(jd_ctx *ctx, double time, double radius, orbit_answer *out,
                      void (*progress)(void *user, int outer, double value, double off), void *user);

/* Bryson's allocation: the sum of sqrt(u[k]) is to be large, x' = 1.1 (x - u), x0 = 1. */
typedef struct allocation_answer {
    double sum, closed;
    double u[ALLOCATION_STEPS], closed_u[ALLOCATION_STEPS];
    control_counts counts;
} allocation_answer;
jd_status allocation_solve(jd_ctx *ctx, allocation_answer *out);

/* A roll-out as a list of elementary operations, for estimates of its rounding error (Linnainmaa 1970): with `nodes`, every
 * operation is appended with the bound of its relative error in units of half the distance of neighbouring numbers. */
typedef struct control_tape {
    jd_graph *g;
    jd_node *nodes;
    double *weight;
    int n, room;
} control_tape;
jd_node control_keep(control_tape *t, jd_node x, double weight);

typedef struct orbit_nodes {
    jd_node r, u, v; /* (B,1) at the end */
    jd_node path[3][ORBIT_STEPS + 1];
} orbit_nodes;
/* phi (N,B,1); time (1,1) or none: then `fixed` is the time and all constants are rounded to float32 first. */
orbit_nodes orbit_trace(control_tape *t, jd_node phi, jd_node time, double fixed);

#endif
