/*
 * history.h - the experiments of the system history-compressor and what they measure.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "chunker.h"

enum { HISTORY_SEEDS = 17, HISTORY_DEPTHS = 4, HISTORY_LEVELS = 3, HISTORY_BLOCK = 1000, HISTORY_SENTENCE = 20 };

/* ---- a lag of 20 steps (history_lag.c) ---------------------------------------------------------------------------------------
 * Task 1 of 1991: a or x, then b1 .. b20, without end or mark; with b20 a teacher says whether a came first. */

enum { LAG_SYMBOLS = 22, LAG_STEPS = 21 };

/* One pair of nets. */
typedef struct lag_run {
    size_t reached;    /* sequences until 950 of 1000 in a row were right; 0: not */
    size_t alone;      /* sequences until A without C, its weights frozen, was right on 950 of 1000 others; 0: not */
    size_t blocks;     /* of 1000 sequences */
    double *right;     /* (blocks): share of right answers of the pair, */
    double *single;    /* of A alone, */
    double *surprises; /* and surprises a sequence */
} lag_run;
/* Learns until A can do without C, for at most `most` sequences. */
jd_status lag_pair(jd_run *r, uint64_t seed, size_t most, lag_run *out, pair *keep);
void lag_free(jd_ctx *ctx, lag_run *l);
/* A plain net with A's units and rate: right answers, a block of 1000 sequences after the other (blocks). */
jd_status lag_plain(jd_run *r, uint64_t seed, int window, size_t blocks, double *right);
/* The next symbol and the teacher's word (-1: none) of the endless stream; *first is what it began with. */
int lag_next(jd_rng *rng, int t, int *first, double *teacher);

/* ---- depth and levels (history_depth.c) -----------------------------------------------------------------------------------
 * Task 2: A or B, a cycle of 1 2 3 4 5 up to step T-1, then the first symbol again.  Task 3: words of five letters, sentences
 * of four words, and at each sentence the question of which kind the sentence before the last was. */

typedef struct depth_run {
    int T;
    double recall;    /* share of the last symbols that were expected */
    double surprises; /* a sequence, at the first level */
    double plain;     /* recall of a plain net with errors that flow back through all T steps */
    bool same;        /* the stream could be rebuilt from what reached the top */
    size_t rebuilt;   /* symbols */
} depth_run;
jd_status depth_task(jd_run *r, uint64_t seed, int T, bool control, depth_run *out);

typedef struct levels_run {
    int levels;
    size_t symbols[HISTORY_LEVELS + 1]; /* that reach a level; the last: the top */
    double bits[HISTORY_LEVELS];        /* of a raw symbol, if what reaches the level is coded with its probabilities */
    double right, plain;                /* answers of the top; of a plain net on the letters */
} levels_run;
jd_status sentences_task(jd_run *r, uint64_t seed, levels_run *out);
/* Plain text, at most 100 kB of `path`, or of the licences that Debian ships; *bytes is 0 where there is none. */
jd_status text_task(jd_run *r, const char *path, uint64_t seed, levels_run *out, size_t *bytes, double *order0);

/* ---- the report (history_report.c) ----------------------------------------------------------------------------------------- */

typedef struct history {
    jd_run *r;
    int seeds, plain_seeds, depth_seeds, depths;
    size_t plain_blocks, full_blocks;
    lag_run lag[HISTORY_SEEDS];
    double *plain[HISTORY_SEEDS], *full[HISTORY_SEEDS]; /* (plain_blocks), (full_blocks) */
    depth_run depth[HISTORY_DEPTHS][HISTORY_SEEDS];
    levels_run sentences, text;
    size_t text_bytes;
    double order0; /* bits a character by its frequency alone */
    pair shown;    /* a pair that has learned */
} history;
void history_report(history *h);

#endif
