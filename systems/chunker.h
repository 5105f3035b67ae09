/*
 * chunker.h - parts of the system history-compressor: a small recurrent net that learns while it runs, the pair of
 * automatizer and chunker, and stacks of levels.
 *
 *     rnn n = rnn_new(ctx, &(rnn_options){.inputs = 22, .hidden = 20, .symbols = 22, .window = 3, .rate = .1}, &rng);
 *     rnn_see(&n, x);                          // the state after x, and what is predicted from it
 *     rnn_learn(&n, &(rnn_target){.symbol = 4});   // what came next
 */
#ifndef CHUNKER_H
#define CHUNKER_H

#include "jackdaw/system.h"

/* ---- a net that learns on-line (chunker_net.c) ---------------------------------------------------------------------------
 *     h(t) = tanh(W [x(t); h(t-1); 1])          (H)
 *     o(t) = V [x(t); h(t); 1]                  symbols: softmax; one logistic unit: the teacher; others: linear
 * Inputs and hidden units reach hidden and output units, as in the paper.  The error of o(t) flows back through `window`
 * steps and changes the weights at once. */

typedef struct rnn_options {
    int inputs, hidden, symbols, linear;
    int window;   /* steps that an error flows back: 1: this one only */
    double rate;  /* of gradient descent */
    double range; /* first weights are uniform within +- this; 0: 1 / sqrt(fan in) */
    double mimic; /* weight of the linear outputs' error */
} rnn_options;

typedef struct rnn {
    rnn_options o;
    int wide, outputs; /* inputs + hidden + 1; symbols + 1 + linear */
    double *W, *V;     /* (wide,hidden), (wide,outputs): a row for each input, so that one-hot inputs cost one row */
    double *z;         /* (window,wide): what the last steps saw: x(t), h(t-1), 1 */
    double *h;         /* (window,hidden): and what they made of it */
    double *y;         /* (outputs): what is predicted now: probabilities, the teacher's, linear outputs */
    double *error, *back, *delta; /* of the outputs; of h, going back; (window,hidden) before the tanh */
    int64_t steps;
} rnn;

/* What came next.  symbol -1: none is predicted; teacher: 0 or 1, -1: none was given; linear NULL: no error. */
typedef struct rnn_target {
    int symbol;
    double teacher;
    const double *linear; /* (linear) */
} rnn_target;

rnn rnn_new(jd_ctx *ctx, const rnn_options *o, jd_rng *rng);
void rnn_free(jd_ctx *ctx, rnn *n);
void rnn_forget(rnn *n); /* the state and the steps behind it, not the weights */
/* x (inputs); n->y is what follows. */
void rnn_see(rnn *n, const double *x);
int rnn_likeliest(const rnn *n); /* the symbol with the largest probability, the first of several */
/* A step of gradient descent; returns the loss before it, in nats (half squares for the linear outputs). */
double rnn_learn(rnn *n, const rnn_target *t);
double rnn_loss(const rnn *n, const rnn_target *t);

/* ---- automatizer and chunker (chunker_pair.c) -----------------------------------------------------------------------------
 * Schmidhuber, Neural Computation 4(2), 1992, "the two-net version".  The automatizer A predicts the next symbol, the teacher's
 * next word and the chunker's present state.  Only what A does not expect reaches the chunker C, which predicts the next
 * thing that will reach it, many steps ahead perhaps. */

typedef struct pair_options {
    int symbols, hidden, chunker_hidden;
    int window; /* of both */
    double rate, chunker_rate;
    double mimic; /* weight of A's error about C's state; 0: A learns nothing from C */
    double sure;  /* expected is what had at least this probability */
} pair_options;

typedef struct pair {
    pair_options o;
    rnn a, c;
    int state;    /* chunker_hidden + symbols + 1 */
    double *x;    /* (symbols + 2): one-hot symbol; whether a teacher spoke, and what, +-1 */
    double *s;    /* (state): C's hidden units and predictions */
    bool learned; /* C has a state */
} pair;

typedef struct pair_step {
    bool surprise; /* A failed, and C made a step */
    bool answer;   /* what the pair expected the teacher to say: of A and C the surer one counts */
    bool alone;    /* and A by itself */
} pair_step;

/* What both nets see of a symbol and the teacher's word (-1: none): x (symbols + 2). */
void pair_input(int symbols, int symbol, double teacher, double *x);
pair pair_new(jd_ctx *ctx, const pair_options *o, uint64_t seed);
void pair_free(jd_ctx *ctx, pair *p);
/* The next symbol, and the teacher's word: 0, 1 or -1: none.  Both nets learn. */
pair_step pair_see(pair *p, int symbol, double teacher);

/* ---- a stack of levels (chunker_stack.c) ------------------------------------------------------------------------------------
 * The multi-level predictor hierarchy of 1991.  A level predicts the next symbol of its stream.  Of a symbol that it expected
 * nothing goes up; any other goes up with the number of steps since the last one, and the pair is a symbol of the next
 * level.  From what goes up, and the frozen level, the stream can be rebuilt. */

typedef struct stream {
    int32_t *symbol; /* (n) */
    size_t n;
} stream;

typedef struct level_options {
    int hidden, window, most; /* units; steps an error flows back; symbols that are told apart, rarer ones look alike */
    double rate, sure;
    int epochs; /* at most; training ends before when surprises have stopped falling */
} level_options;

/* One pair of what goes up. */
typedef struct chunk {
    int32_t symbol, steps;
} chunk;

typedef struct level {
    level_options o;
    int symbols; /* that the net tells apart; the last one stands for all others */
    rnn net;
    double *x;
    chunk *code; /* (codes): what the symbols of the next level mean, the most frequent first */
    int codes;
    double surprises; /* per symbol, in the last epoch of training */
    int epochs;       /* that training took */
} level;

/* Learns to predict the stream, and freezes; `symbols`: it has 0 .. symbols-1. */
jd_status level_train(jd_ctx *ctx, level *l, const level_options *o, const stream *s, int symbols, uint64_t seed);
void level_free(jd_ctx *ctx, level *l);
/* What goes up (its symbols are those of l->code; a pair that is not there yet gets the next number), and at which step of s each
 * was sent (at, may be NULL).  expected (s->n), may be NULL: what the level expected at each step.  bits: of the symbols,
 * if each is coded with the level's probability. */
jd_status level_send(jd_ctx *ctx, level *l, const stream *s, stream *up, uint32_t *at, int32_t *expected, double *bits);
/* The stream again, from what went up; it had n symbols. */
jd_status level_rebuild(jd_ctx *ctx, level *l, const stream *up, size_t n, stream *s);
void stream_free(jd_ctx *ctx, stream *s);

#endif
