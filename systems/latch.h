/*
 * latch.h - the latch problem: the first input is -1 or +1, noise follows, and the network says at the end which it was
 * (Bengio, Simard, Frasconi 1994; Hochreiter 1991).
 */
#ifndef JACKDAW_SYSTEMS_LATCH_H
#define JACKDAW_SYSTEMS_LATCH_H

#include "jackdaw/train.h"

enum { LATCH_LENGTHS = 7, LATCH_MOST_TRIES = 100, LATCH_TESTED = 1000 };
extern const int64_t latch_length[LATCH_LENGTHS]; /* steps of the sequences */

/* For a plain recurrent net [0] and an LSTM [1] of 10 units, and the first `lengths` lengths. */
typedef struct latch_table {
    int lengths, tries;
    double success[2][LATCH_LENGTHS]; /* share of the tries with at least 95 % right answers to fresh sequences */
    double right[2][LATCH_LENGTHS];   /* mean share of right answers */
} latch_table;
/* Trains `tries` networks of each kind for every length up to `longest`, each on so many sequences at most.  Weights and
 * sequences depend on the run's seed and the number of the try. */
latch_table latch_run(jd_run *r, int64_t longest, int tries, int64_t sequences);

#endif
