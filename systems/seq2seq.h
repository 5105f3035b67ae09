/*
 * seq2seq.h - one net reads a sequence, another writes the answer, symbol by symbol.
 *
 * Sutskever, Vinyals, Le, Sequence to sequence learning with neural networks, NIPS 2014: the state in which an LSTM is left by
 * the source is where another LSTM begins, which is fed what it has written so far.  Vinyals, Kaiser, Koo, Petrov, Sutskever,
 * Hinton, Grammar as a foreign language, NIPS 2015: before each symbol the writer looks back at all that was read,
 *     u_i = v' tanh(W1 h_i + W2 d)    a = softmax(u)    d' = sum a_i h_i
 * and d' stands beside its state d for the output and beside its next input.
 *
 *     const seq2seq_net n = {.reads = 6000, .writes = 7000, .embed = 128, .units = 256, .attend = 128};
 *     jd_train(r, params, &(jd_train_options){.trace = seq2seq_train, .trace_user = &n, ...}, NULL);
 *     seq2seq_writer *w = seq2seq_writer_new(ctx, &n, params, NULL, NULL);
 *     seq2seq_answer(w, in, 2, &(seq2seq_ask){.inputs = 8, .width = 5, .longest = 40}, found);
 *
 * Whatever else leaves a state in which to begin, such as a net that sees, can have the same writer: it makes a
 * seq2seq_memory of its own.
 */
#ifndef SEQ2SEQ_H
#define SEQ2SEQ_H

#include "jackdaw/data.h"
#include "jackdaw/decode.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { SEQ2SEQ_LAYERS = 4 };
/* Symbols that are no words; words are numbered from SEQ2SEQ_WORDS on. */
enum { SEQ2SEQ_UNKNOWN, SEQ2SEQ_START, SEQ2SEQ_END, SEQ2SEQ_WORDS };

typedef struct seq2seq_net {
    int64_t reads, writes; /* symbols of the source; of the answer: V */
    int64_t embed;         /* D, numbers for a symbol */
    int64_t units;         /* H, of each layer */
    int64_t layers;        /* L of the reader, and of the writer; 0: 1 */
    int64_t attend;        /* units that compare: A; 0: no attention */
    int64_t seen;          /* numbers of what is looked at, h_i; 0: H */
    int64_t project;       /* tanh units between [d; d'] and the softmax; 0: none */
    bool forward;          /* the source is read from its first symbol to its last, else from the last to the first */
    double dropout;        /* of embeddings and of what the softmax sees */
} seq2seq_net;

/* What the writer begins with and looks back at, for S inputs. */
typedef struct seq2seq_memory {
    jd_node h[SEQ2SEQ_LAYERS], c[SEQ2SEQ_LAYERS]; /* (S,H) */
    jd_node seen; /* (S,T,E): the h_i, E = net.seen; none without attention, as the next two */
    jd_node keys; /* (S,T,A): W1 h_i, computed once (seq2seq_look) */
    jd_node hide; /* (S,T): 0, and -1e30 where there is nothing to look at */
} seq2seq_memory;

/* Nodes.  The reader: source int32 (T,S), length int32 (S). */
seq2seq_memory seq2seq_read(jd_graph *g, const seq2seq_net *n, jd_node source, jd_node length);
/* Lets the writer look at `seen` (T,S,E), of each input the first length (S) places; length none: all. */
void seq2seq_look(jd_graph *g, const seq2seq_net *n, seq2seq_memory *m, jd_node seen, jd_node length);
/* Logits (U,S,V) of each symbol after those before it: written (U,S) is START and then the answer.  *weights, if not NULL,
 * becomes a (S,U,T), or none without attention. */
jd_node seq2seq_write(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m, jd_node written, jd_node *weights);

/* A training step: inputs source (T,S), length (S), written (U,S), label (U,S) with -1 past the end, lr, step; Adam, the
 * gradient's norm at most 5.  `user` is the seq2seq_net. */
void seq2seq_train(jd_graph *g, void *user);
/* With the same inputs but lr and step: "loss" (U,S), and "weights" (S,U,T) with attention. */
void seq2seq_measure(jd_graph *g, void *user);

/* ---- writing --------------------------------------------------------------------------------------------------------------*/

typedef struct seq2seq_writer seq2seq_writer;
/* `read`, with read_user, adds the nodes of what is read and ends with seq2seq_begin; NULL: seq2seq_read of the inputs source
 * and length. */
seq2seq_writer *seq2seq_writer_new(jd_ctx *ctx, const seq2seq_net *n, jd_params *params, jd_trace *read,
                                   void *read_user);
void seq2seq_writer_free(seq2seq_writer *w);
void seq2seq_begin(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m);

typedef struct seq2seq_ask {
    size_t inputs, width, longest; /* as in jd_sequence_options */
    const int32_t *limit;
    double power;
} seq2seq_ask;
/* Reads in[0..k-1] and writes the best answers, found (inputs).  UNKNOWN and START are never written. */
jd_status seq2seq_answer(seq2seq_writer *w, const jd_tensor *in, int k, const seq2seq_ask *ask, jd_sequence *found);

/* ---- pairs ----------------------------------------------------------------------------------------------------------------*/

typedef struct seq2seq_pair {
    int32_t *source, *target; /* words */
    int32_t source_n, target_n;
} seq2seq_pair;

typedef struct seq2seq_pairs {
    size_t n, room;
    seq2seq_pair *pair;
} seq2seq_pairs;
/* Adds a copy. */
jd_status seq2seq_pairs_add(jd_ctx *ctx, seq2seq_pairs *p, const int32_t *source, size_t source_n,
                            const int32_t *target, size_t target_n);
void seq2seq_pairs_free(jd_ctx *ctx, seq2seq_pairs *p);

/* A batch in memory.  T and U are rounded up, so that few shapes are traced. */
typedef struct seq2seq_batch {
    int64_t T, U, S;
    int32_t *source, *length, *written, *label; /* (T,S), (S), (U,S), (U,S) */
    size_t room;
} seq2seq_batch;
jd_status seq2seq_batch_fill(jd_ctx *ctx, const seq2seq_pairs *p, const uint32_t *index, size_t n, seq2seq_batch *b);
void seq2seq_batch_free(jd_ctx *ctx, seq2seq_batch *b);
/* source, length, written, label: 4. */
int seq2seq_batch_inputs(const seq2seq_batch *b, jd_tensor *in);

/* Batches of training without end, pairs of like length together. */
typedef struct seq2seq_feed {
    jd_ctx *ctx;
    const seq2seq_pairs *pairs;
    uint64_t seed;
    size_t batch, per_epoch;
    int64_t
        short_first; /* pass e of these sees the shortest (e + 1) / (short_first + 1) of all pairs, again and again */
    int64_t epoch;
    int32_t *size; /* (n) */
    jd_batches order;
    seq2seq_batch slot;
} seq2seq_feed;
jd_status seq2seq_feed_open(jd_ctx *ctx, const seq2seq_pairs *pairs, size_t batch, uint64_t seed, seq2seq_feed *f);
void seq2seq_feed_close(seq2seq_feed *f);
/* For jd_train's `batch`. */
int seq2seq_feed_next(seq2seq_feed *f, int64_t step, jd_tensor *in);

/* Perplexity of pairs: e to the mean loss of a symbol of the answer, its end counted. */
double seq2seq_perplexity(jd_ctx *ctx, jd_fn *measure, const seq2seq_pairs *p, size_t batch);
/* Answers to all pairs' sources, found (n), in batches of like length. */
/* `ask`'s number of inputs does not count. */
jd_status seq2seq_answers(jd_ctx *ctx, seq2seq_writer *w, const seq2seq_pairs *p, size_t batch, const seq2seq_ask *ask,
                          jd_sequence *found);
void seq2seq_found_free(jd_ctx *ctx, jd_sequence *found, size_t n);

/* ---- learning -------------------------------------------------------------------------------------------------------------*/

/* A net that learns from pairs, with what it is held against.  Fill in the upper part, seq2seq_learn does the rest. */
typedef struct seq2seq_learner {
    jd_run *r;
    const char *name; /* in logs */
    seq2seq_net net;
    const seq2seq_pairs *train, *valid;
    size_t batch, longest; /* pairs a step; symbols of an answer at most */
    const int32_t *limit;  /* of each pair held out, or NULL: symbols of its answer */
    double epochs, rate;   /* the rate falls to a 20th along a half cosine */
    int64_t short_first;   /* passes in which only short pairs are learned from, see seq2seq_feed */
    int64_t validations;   /* in all */
    int64_t patience;      /* validations without a better score before it stops; 0: never */
    const char *score_name;
    /* Of greedy answers to the pairs held out (n): higher is better.  The weights of the best score are kept, of equal
     * ones those with the lowest perplexity. */
    double (*score)(void *user, const seq2seq_pairs *valid, const jd_sequence *found);
    void *user;
    uint64_t seed;

    jd_params *params;
    jd_fn *measure;
    seq2seq_writer *writer;
    seq2seq_feed feed;
    double best; /* score */
    double seconds;
    int64_t steps;
} seq2seq_learner;
jd_status seq2seq_learn(seq2seq_learner *l);
void seq2seq_forget(seq2seq_learner *l);
/* Saves the net as the run's model, with what `jackdaw predict` needs beside: its sizes, the beam, and `about`, such as words. */
jd_status seq2seq_save(seq2seq_learner *l, size_t width, double power, const jd_metadata *about, size_t n);
/* Attention a (U,T) while pair i's answer is read out under teacher forcing, for jd_free; NULL without attention. */
float *seq2seq_attention(seq2seq_learner *l, const seq2seq_pair *pair, int64_t *U, int64_t *T);

#endif
