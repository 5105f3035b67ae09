/*
 * protein.h - parts of the protein systems: ragged batches of chains, the input of a net that reads them, and figures.
 */
#ifndef PROTEIN_H
#define PROTEIN_H

#include "jackdaw/layers.h"
#include "jackdaw/protein.h"
#include "jackdaw/system.h"

enum { PROTEIN_PAD = 64 }; /* lengths of batches are multiples of it, so that few shapes are traced */

/* Chains to learn from or to test on. */
typedef struct protein_bag {
    jd_ctx *ctx;
    const jd_chain **chain; /* (n) */
    const int32_t *label;   /* (n): of whole chains, or NULL */
    size_t n;
} protein_bag;

/* One batch in memory: residue, q3, q8 (T,B), -1 past a chain's end and where nothing counts; length, label (B). */
typedef struct protein_batch {
    int64_t T, B;
    int32_t *residue, *q3, *q8, *length, *label;
    size_t room, chains;
} protein_batch;
jd_status protein_batch_fill(const protein_bag *bag, const uint32_t *index, size_t n, protein_batch *b);
void protein_batch_free(jd_ctx *ctx, protein_batch *b);
/* Inputs residue and length; with `targets` also q3 and q8, or label.  Returns how many. */
int protein_batch_inputs(const protein_batch *b, bool residues, bool chains, jd_tensor *in);

/* The batches of training without end, for jd_train's `batch` in the training thread. */
typedef struct protein_feed {
    const protein_bag *bag;
    uint64_t seed;
    size_t batch, per_epoch;
    int64_t epoch;
    jd_batches order;
    protein_batch slot;
} protein_feed;
jd_status protein_feed_open(const protein_bag *bag, uint64_t seed, size_t batch, protein_feed *out);
void protein_feed_close(protein_feed *f);
/* Batch `step`; NULL on error. */
const protein_batch *protein_feed_next(protein_feed *f, int64_t step);
/* All chains once, of like length together. */
jd_status protein_all(const protein_bag *bag, size_t batch, jd_batches *out);

/* What a net of the language (jd_net) says to the input "residue", one-hot: past the end of a chain all is zero. */
jd_node protein_net(jd_graph *g, const char *spec);

/* ---- secondary structure (protein_report.c) ------------------------------------------------------------------------- */

enum { PROTEIN_OUTPUTS = 11 }; /* of the three states, then of the eight */

/* What a net makes of a bag: right of `counted` residues, and the sum over chains of the share right. */
typedef struct protein_score {
    int64_t counted, right3, right8;
    double chains; /* mean over chains of their Q3, % */
    int64_t confusion3[9], confusion8[64];
    double *chain3; /* (n): Q3 of each chain, %; NAN where nothing counts */
    float **p;      /* (n): probabilities (length,11) */
} protein_score;
void protein_score_free(const protein_bag *bag, protein_score *s);
static inline double protein_q3(const protein_score *s)
{
    return s->counted ? 100.0 * (double)s->right3 / (double)s->counted : (double)NAN;
}
static inline double protein_q8(const protein_score *s)
{
    return s->counted ? 100.0 * (double)s->right8 / (double)s->counted : (double)NAN;
}
/* One net of several that are compared. */
typedef struct protein_line {
    const char *name, *spec;
    const protein_score *score;
    int64_t weights;
} protein_line;
void protein_show(jd_run *r, const protein_bag *test, const protein_line *lines, size_t n);

#endif
