/*
 * attention_nets.h - the controller C, the model M, and the gradient through the chain of both (Schmidhuber and Huber 1991).
 *
 *     x(t) -> C -> a(t);   [x(t); a(t)] -> M -> what the retina is expected to see next
 *
 * One hidden layer each, and connections from every layer to every later one.  All units are logistic.
 */
#ifndef ATTENTION_NETS_H
#define ATTENTION_NETS_H

#include "attention_scene.h"

enum { AT_ACTIONS = 6, AT_GOALS = 3, AT_IN = AT_FIELDS + AT_ACTIONS, AT_HIDDEN = 64, AT_STEPS = 64 };

typedef struct at_net {
    int inputs, hidden, outputs;
    double *w; /* (inputs+1,hidden), then (inputs+1+hidden,outputs) */
} at_net;
jd_status at_net_new(jd_ctx *ctx, at_net *n, jd_rng *r); /* with the sizes set; weights uniform in +-0.1 */
void at_net_free(jd_ctx *ctx, at_net *n);
size_t at_net_weights(const at_net *n);

typedef struct at_pass {
    double z[AT_IN + 1 + AT_HIDDEN]; /* inputs, 1, hidden */
    double y[AT_FIELDS];
} at_pass;
void at_forward(const at_net *n, at_pass *p); /* from the inputs in p->z */
/* From the outputs' errors dy: dz (inputs+1+hidden), and, unless NULL, g += scale x gradient.  g may be the weights themselves. */
void at_backward(const at_net *n, const at_pass *p, const double *dy, double *dz, double *g, double scale);

/* A trajectory: at each step what was seen, what C did and what M expected. */
typedef struct at_chain {
    at_net c, m;
    int actions, goals; /* c.inputs = 40 + goals, m.inputs = 40 + actions */
    double clip;        /* 1: errors that come down to an x(t) are cut to it, since products of Jacobians may explode */
    double *g;          /* of C */
    at_pass pc[AT_STEPS], pm[AT_STEPS];
    double x[AT_STEPS + 1][AT_FIELDS];
} at_chain;
jd_status at_chain_new(jd_ctx *ctx, at_chain *k, int actions, int goals, jd_rng *r);
void at_chain_free(jd_ctx *ctx, at_chain *k);
/* From x[t] and the goal (goals numbers): what C does (actions).  What M expects of any action comes into pm[t].y. */
const double *at_act(at_chain *k, int t, const double *goal);
void at_expect(at_chain *k, int t, const double *a);
/* M learns what came: x[t + 1]. The squared error before. */
double at_model_learn(at_chain *k, int t, double rate);
/* After n steps whose last x[n] should have been d: the gradient of sum (d - x(n))^2 / 2 with respect to C's weights into g.  It
 * enters M's outputs of step n-1 and goes M, C, M, C ... to the first step; M is the constant model of what the world did.  The squared
 * error. */
double at_chain_gradient(at_chain *k, int n, const double *d);
/* C's weights -= rate g, with g cut to half a unit's length. */
void at_chain_step(at_chain *k, double rate);

#endif
