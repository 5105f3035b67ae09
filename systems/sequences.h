/*
 * sequences.h - the artificial tasks of the LSTM papers as endless generators, and the picture of an LSTM at work.
 *
 * Every generator takes its random numbers from a jd_rng, so a sequence is a function of (seed, purpose, index):
 *
 *     jd_rng r = jd_rng_new(seed, "adding/train", sequence);
 *     int64_t length = seq_adding(&r, 100, x, 2, &target);
 */
#ifndef JACKDAW_SYSTEMS_SEQUENCES_H
#define JACKDAW_SYSTEMS_SEQUENCES_H

#include "jackdaw/layers.h"
#include "jackdaw/system.h"

/* ---- strings: a symbol for each step, and the set of symbols that may follow it (bit s: symbol s) --------------------*/

enum { SEQ_REBER_MAX = 64, SEQ_REBER_SYMBOLS = 7 };
#define SEQ_REBER_NAMES "BTPSXVE"
typedef struct seq_reber_string {
    int length; /* symbols, the first B and the last E included */
    int32_t symbol[SEQ_REBER_MAX];
    uint8_t legal[SEQ_REBER_MAX]; /* legal[t] may follow symbol[t]; 0 after the last */
} seq_reber_string;
/* An embedded Reber string: B, T or P, a Reber string, the same T or P again, E. */
seq_reber_string seq_reber(jd_rng *r);

enum { SEQ_ABC_SYMBOLS = 5 };
#define SEQ_ABC_NAMES "SabcT"
/* S a^n b^n c^n T has 3n + 2 symbols; writes them and the legal sets. */
void seq_abc(int64_t n, int32_t *symbol, uint8_t *legal);

enum { SEQ_ORDER_SYMBOLS = 8 };
#define SEQ_ORDER_NAMES "EBabcdXY"
/* Temporal order 6a (marks 2) and 6b (marks 3): among 100..110 symbols two or three are X or Y.  Writes up to 110
 * symbols and the steps of the marks, returns the length; the class, in *label, is 0..2^marks-1: X is 0, Y is 1. */
int64_t seq_order(jd_rng *r, int marks, int32_t *symbol, int64_t *at, int32_t *label);

/* Strings side by side, as a batch: what is read, what comes next, what may come next. */
typedef struct seq_strings {
    int64_t n, T;           /* strings; steps of the longest */
    int32_t *symbol, *next; /* (T,n); past a string's end 0, and -1, which costs nothing */
    uint8_t *legal;         /* (T,n) */
    int32_t *length;        /* (n): steps, one less than symbols */
} seq_strings;
seq_strings seq_strings_new(jd_ctx *ctx, int64_t n, int64_t T);
void seq_strings_free(jd_ctx *ctx, seq_strings *s);
/* Writes string b, of `symbols` symbols. */
void seq_strings_put(seq_strings *s, int64_t b, const int32_t *symbol, const uint8_t *legal, int64_t symbols);
/* The inputs "symbol" and "length"; returns 2. */
int seq_strings_inputs(const seq_strings *s, jd_tensor *in);

/* ---- real-valued sequences: x[t * stride] is the step's first value ----------------------------------------------------*/

/* The adding problem with T..1.1T pairs (value, marker); the target is 0.5 + (X1 + X2) / 4.  Returns the length. */
int64_t seq_adding(jd_rng *r, int64_t T, float *x, int64_t stride, float *target);
/* The same with values in [0,1) and their product as the target (experiment 5). */
int64_t seq_multiplication(jd_rng *r, int64_t T, float *x, int64_t stride, float *target);
static inline int64_t seq_adding_longest(int64_t T)
{
    return T + T / 10;
}
/* The latch problem: -1 or +1 at step 0, then T - 1 steps of N(0, 0.2^2).  Returns the class, 0 or 1. */
int32_t seq_latch(jd_rng *r, int64_t T, float *x, int64_t stride);

/* ---- the network: an LSTM, or the plain recurrent net of the same size that is its control ----------------------------*/

typedef struct seq_cell {
    bool plain, peepholes;
    int64_t units;
    double forget_bias, in_bias, out_bias; /* first biases of the gates; forget 0 means 1 */
} seq_cell;
/* x (T,B,N) -> y (T,B,H) and hT (B,H), after each sequence's last step; only the LSTM has gates and cells. */
jd_lstm_out seq_recur(jd_graph *g, const seq_cell *c, jd_node x, jd_node length);
/* Gives the inside of an LSTM as the results "gates" and "cells", for seq_show_lstm. */
void seq_result_inside(jd_graph *g, const jd_lstm_out *o);

/* Logs a value as "NET/WHAT". */
void seq_log(jd_run *r, int64_t step, const char *net, const char *what, double value);

/* ---- how they are shown ------------------------------------------------------------------------------------------------*/

/* Tracks of a timeline: cell states, input, forget and output gates of one sequence, from jd_lstm_full run on a batch of
 * one: gates (T,1,4H) and cells (T,1,H). */
void seq_show_lstm(jd_ctx *ctx, jd_timeline *t, const float *gates, const float *cells, int64_t T, int64_t H);

/* A track of symbols: names[symbol[t]] centred at step t. */
void seq_show_symbols(jd_timeline *t, const char *label, const char *names, const int32_t *symbol, int64_t T);

/* A logged series as a curve over its steps / per; `style` as in jd_chart_line. */
void seq_draw_curve(jd_chart *c, jd_run *r, const char *series, const char *label, double per, int style);

#endif
