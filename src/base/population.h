/*
 * population.h - what the kernels of all processors know of small networks and of the tasks with poles they act in.
 */
#ifndef JD_BASE_POPULATION_H
#define JD_BASE_POPULATION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Of functions that devices have too. */
#ifdef __CUDACC__
#define JD_EVERYWHERE static inline __host__ __device__
#else
#define JD_EVERYWHERE static inline
#endif

enum { JD_LANES = 16 };

/* A network of a population: see jackdaw/population.h.  Weights of many stand in blocks (W,16): number k of network i at
 * [(i / 16 W + k) 16 + i % 16]. */
typedef struct jd_lane_net {
    int inputs, hidden, outputs;
    int feedback;  /* weights from the hidden units: hidden or 0 */
    int out_bias;  /* 0 or 1 */
    int direct;    /* the hidden units are the outputs */
    int logistic;  /* 1 / (1 + exp(-a)) in place of tanh */
    size_t stride; /* from one input, or output, of a step to the next; 0: JD_LANES */
} jd_lane_net;

/* Constants of poles: of the cart, and for each pole with m its mass and l its half-length. */
typedef struct jd_pole_constants {
    int poles; /* 1 or 2 */
    double mass, cart_friction, gravity;
    double m[2], ml[2], friction[2], lever[2]; /* m; m l; joint friction / (m l); -3/4 / l */
} jd_pole_constants;

/* A task with poles, whose reward is 1 a step.  State: x, x', t1, t1', t2, t2'. */
enum { JD_POLE_STATE = 6 };
typedef struct jd_pole_task {
    jd_pole_constants c;
    double scale[JD_POLE_STATE]; /* number k of the state is seen divided by scale[k]; 0: it is not seen */
    double force, interval;      /* N; s of a Runge-Kutta step */
    int intervals;               /* of a control step */
    double track, lean;          /* m to either side, rad: beyond, it is over */
} jd_pole_task;

JD_EVERYWHERE double jd__pole_force(const jd_pole_task *p, float action)
{
    const double a = (double)action;
    return p->force * (a > -1 ? a < 1 ? a : 1 : a <= -1 ? -1 : 0);
}

/* s: number k of the state at [k stride].  Written so that a state which is not a number is not up. */
JD_EVERYWHERE int jd__poles_up(const jd_pole_task *p, const double *s, int stride)
{
    const int up = fabs(s[0]) <= p->track && fabs(s[2 * stride]) <= p->lean;
    return up && (p->c.poles < 2 || fabs(s[4 * stride]) <= p->lean);
}

#endif
