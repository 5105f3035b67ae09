/*
 * selfref.h - parts of the system self-referential: nets that change weights while they run.  Three layers, each with the
 * exact gradient through all weight changes of a run, in double precision; a net around them; episodes to be learned.
 *
 *     selfref_net n = {.o = {.kind = SELFREF_SRWM, .inputs = 5, .outputs = 1, .width = 16, .heads = 2, .steps = 12}};
 *     selfref_net_new(ctx, &n, &rng);
 *     selfref_run(&n, &episode, false);          // n.said (T,outputs)
 *     selfref_back(&n, &episode, 1. / batch);    // adds to n.g;  selfref_adam(&n, rate, 1) when the batch is done
 */
#ifndef JACKDAW_SYSTEMS_SELFREF_H
#define JACKDAW_SYSTEMS_SELFREF_H

#include "jackdaw/exp.h"
#include "jackdaw/system.h"

static inline double selfref_sigmoid(double x)
{
    return 1 / (1 + jd_exp_lane(-x));
}

/* Four partial sums, always the same: vectors for the compiler, the same bits everywhere. */
static inline double selfref_dot(const double *a, const double *b, int n)
{
    double s[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) s[k] += a[i + k] * b[i + k];
    for (; i < n; i++) s[0] += a[i] * b[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* p (n) may be x. */
static inline void selfref_softmax(const double *x, int n, double *p)
{
    double most = x[0], sum = 0;
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) p[i] = jd_exp_lane(x[i] - most);
    for (int i = 0; i < n; i++) sum += p[i];
    for (int i = 0; i < n; i++) p[i] /= sum;
}

/* The error of x, from that of p; dx may be dp. */
static inline void selfref_unsoftmax(const double *p, const double *dp, int n, double *dx)
{
    const double mean = selfref_dot(p, dp, n);
    for (int i = 0; i < n; i++) dx[i] = p[i] * (dp[i] - mean);
}

/* ---- the self-referential weight matrix of 2022 (selfref_srwm.c) -----------------------------------------------------------
 * Irie, Schlag, Csordas, Schmidhuber, ICML 2022.  Per head, with x (d) and W = [Wy; Wq; Wk; wb] of d + d + d + 4 rows:
 *     y = Wy x,  q = softmax(Wq x),  k = softmax(Wk x),  beta = sigmoid(wb x)          (4 rates)
 *     W_B += beta_B (W_B q - W_B k) k'       for each block B of y, q, k, b
 * all from the W before the change.  The first W is what is trained. */

typedef struct srwm {
    int heads, d, steps; /* d: inputs and outputs of a head; steps: the most of a run */
    bool frozen;         /* a control: all rates are 0, W stays the first one */
    int rows;            /* 3 d + 4 */
    double *W;           /* (steps+1,heads,d,rows): before each step, and after the last; column j is W + j * rows */
    double *a;           /* (steps,heads,rows): y, q, k, beta */
    double *r;           /* (steps,heads,rows): W q - W k */
    double *dW, *work;   /* (heads,d,rows); scratch */
} srwm;

jd_status srwm_new(jd_ctx *ctx, srwm *s); /* with heads, d, steps set */
void srwm_free(jd_ctx *ctx, srwm *s);
size_t srwm_weights(const srwm *s); /* of the first W: (heads,d,rows) */
/* x (T,heads,d), y (T,heads,d). */
void srwm_forward(srwm *s, const double *first, const double *x, int T, double *y);
/* After a forward run: dfirst += what the errors dy (T,heads,d) say of the first W; dx (T,heads,d), or NULL, becomes that of x. */
void srwm_backward(srwm *s, const double *x, const double *dy, int T, double *dfirst, double *dx);

/* ---- fast weight programmers (selfref_fast.c) --------------------------------------------------------------------------------
 * A slow net S says from x what to write into and read from a fast weight matrix W, which starts at 0:
 *     additive  (Schmidhuber 1991, 1992):          W += rate v phi(k)',                                  y = W phi(q)
 *     delta     (Schlag, Irie, Schmidhuber 2021):  W += beta (v - W phi(k)) phi(k)', beta = sigmoid(.),   y = W phi(q)  */

typedef enum fast_rule { FAST_ADDITIVE, FAST_DELTA } fast_rule;
typedef enum fast_phi {
    FAST_LINEAR,  /* phi(z) = z */
    FAST_SOFTMAX, /* exp z / sum */
    FAST_ELU      /* (elu(z) + 1) / sum */
} fast_phi;

typedef struct fast {
    int inputs, keys, values, steps;
    fast_rule rule;
    fast_phi phi;
    double rate; /* of the additive rule */
    bool frozen; /* a control: nothing is written */
    int rows;    /* of S: k, q (keys each), v (values), beta */
    double *W;   /* (steps+1,keys,values) */
    double *a;   /* (steps,rows): what S said: k, q before phi, v, beta after the sigmoid */
    double *p;   /* (steps,2,keys): phi(k), phi(q) */
    double *sum; /* (steps,2): what they were divided by */
    double *e;   /* (steps,values): v - W phi(k), or v */
    double *dW, *work;
} fast;

jd_status fast_new(jd_ctx *ctx, fast *f);
void fast_free(jd_ctx *ctx, fast *f);
size_t fast_weights(const fast *f); /* of S: (inputs + 1,rows), the last input is 1 */
/* x (T,inputs), y (T,values). */
void fast_forward(fast *f, const double *S, const double *x, int T, double *y);
void fast_backward(fast *f, const double *S, const double *x, const double *dy, int T, double *dS, double *dx);

/* ---- the self-referential weight matrix of 1993 (selfref_1993.c) -------------------------------------------------------------
 * Schmidhuber, ICANN 1993.  A fully recurrent net whose units, beside outputs and hidden ones, read and change its weights:
 *     y(t+1) = f(W(t) l(t)),  l = [x; eval; val; y]
 *     val(t+1) = sum_c g(|ana(t) - adr(c)|^2) w_c(t)                        what the analysing units point at
 *     w_c(t+1) = w_c(t) + delta(t) g(|mod(t) - adr(c)|^2)                   what the modifying units point at
 *     eval(t+1) = target - output where the target is shown, else 0
 * adr(c): the bits of c, 0 or 1; g(r) = exp(-r / 2 width^2).  Outputs, addresses: logistic; hidden: tanh; delta: tanh / 2. */

typedef struct srwm93 {
    int inputs, outputs, hidden, steps; /* a constant 1 is an input like others */
    double width;
    bool frozen;       /* delta is 0 */
    int bits, units;   /* of an address; outputs + 2 bits + 1 + hidden: in this order o, ana, mod, delta, hidden */
    int sources;       /* inputs + outputs (eval) + 1 (val) + units */
    int weights;       /* sources * units: connection c = source * units + unit */
    double *l;         /* (steps+1,sources): what each step sees */
    double *y;         /* (steps,units): what the units then say */
    double *W;         /* (steps+1,sources,units) */
    double *ana, *mod; /* (steps,2^bits): g for each address */
    double *G, *dl, *work;
} srwm93;

/* What a run is given.  target NULL: none; shown (T): whether eval tells it; reset: all units but no weight are set back before
 * this step, -1: never. */
typedef struct srwm93_input {
    int T, reset;
    const double *x, *target; /* (T,inputs), (T,outputs) */
    const bool *shown;
} srwm93_input;

jd_status srwm93_new(jd_ctx *ctx, srwm93 *s); /* with inputs, outputs, hidden, steps, width set */
void srwm93_free(jd_ctx *ctx, srwm93 *s);
/* The outputs of step t are the first of y[t]. */
void srwm93_forward(srwm93 *s, const double *first, const srwm93_input *in);
/* dout (T,outputs): errors of the outputs of each step. */
void srwm93_backward(srwm93 *s, const srwm93_input *in, const double *dout, double *dfirst);
/* What the units would read and change at an address (bits): val, and the share g for each connection (weights). */
double srwm93_read(srwm93 *s, const double *W, const double *address, double *share);

/* ---- a net to be trained (selfref_net.c) ---------------------------------------------------------------------------------------*/

typedef enum selfref_kind { SELFREF_SRWM, SELFREF_FAST, SELFREF_1993 } selfref_kind;
typedef enum selfref_loss { SELFREF_SQUARE, SELFREF_LOGISTIC } selfref_loss; /* half squares; targets 0, 1 */

typedef enum selfref_code { SELFREF_PLAIN, SELFREF_SOFTMAX, SELFREF_TANH } selfref_code; /* softmax: in each head */

typedef struct selfref_options {
    selfref_kind kind;
    selfref_loss loss;
    int inputs, outputs, steps;
    int width, heads;  /* SRWM: of x, over all heads */
    selfref_code code; /* SRWM: what E u becomes before the layer sees it */
    int keys, values;  /* FAST */
    fast_rule rule;
    fast_phi phi;
    int hidden, ticks;    /* 1993: units; how many ticks a step takes */
    double reach, spread; /* 1993: width of g; standard deviation of the first weights */
} selfref_options;

/* u (T,inputs), target (T,outputs), asked (T): whether the answer of a step counts; told (T): whether eval tells the target;
 * reset: step before which the units of 1993 forget, -1. */
enum { SELFREF_STEPS = 64, SELFREF_INPUTS = 24, SELFREF_OUTPUTS = 8 };
typedef struct selfref_episode {
    int T, reset, kind; /* kind: which function */
    double u[SELFREF_STEPS * SELFREF_INPUTS], target[SELFREF_STEPS * SELFREF_OUTPUTS];
    bool asked[SELFREF_STEPS], told[SELFREF_STEPS];
} selfref_episode;

typedef struct selfref_net {
    selfref_options o;
    srwm s;
    fast f;
    srwm93 z;
    size_t n; /* trained weights: E (inputs+1,width), the layer's, O (layer,width), V (width+1,outputs) */
    size_t layer, mix, read; /* where the last three start */
    double *w, *g, *m, *v;   /* (n): values, gradient, Adam's moments */
    int64_t updates;
    double *x, *xs, *h, *sum; /* (T,width) of a run: E u, its code, what the layer says, what is read */
    double *said;             /* (T,outputs) */
    double *dx, *dh, *dz, *dsaid;
    double *held, *goal; /* 1993: inputs and targets for each tick */
    bool *shown;
} selfref_net;

jd_status selfref_net_new(jd_ctx *ctx, selfref_net *n, jd_rng *rng); /* with o set */
void selfref_net_free(jd_ctx *ctx, selfref_net *n);
/* Answers in n->said; returns the loss, the mean over what was asked.  frozen: no weight changes within the run. */
double selfref_run(selfref_net *n, const selfref_episode *e, bool frozen);
/* Adds the gradient of share * loss of the last run. */
void selfref_back(selfref_net *n, const selfref_episode *e, double share);
/* A step with the gradient, clipped to this norm, which is then 0. */
void selfref_adam(selfref_net *n, double rate, double clip);

/* ---- what is to be learned (selfref_tasks.c) ------------------------------------------------------------------------------------*/

enum { SELFREF_BOOLEAN = 4, SELFREF_D = 8, SELFREF_PAIR = 2 * SELFREF_D + 1, SELFREF_PAIRS = 12 };
enum { SELFREF_ARGUMENTS = 4, SELFREF_LINEAR = SELFREF_ARGUMENTS + 2, SELFREF_EXAMPLES = 20 };

/* One of the 16 functions of two bits, or of and, nand, or, nor: inputs x1, x2 (+-1), label (+-1, 0: hidden), question. */
void selfref_boolean(selfref_episode *e, bool four, jd_rng *r);
/* n keys, random +-1 vectors of 8, each so many times (1, 2) with another value, a vector like it; then all keys again, in
 * random order, and the last value of each is asked for.  Inputs key, value (0: asked for), question. */
void selfref_pairs(selfref_episode *e, int n, int times, jd_rng *r);
/* y = w'x, w and x from N(0,I): inputs x, y (0: asked for), question. */
void selfref_linear(selfref_episode *e, int examples, jd_rng *r);
void selfref_ridge(const selfref_episode *e, double ridge, double *said);

#endif
