/*
 * homology.h - parts of the system protein-homology: chains with a role in each of several tasks, and scores of rankings.
 *
 * A task is a superfamily: is a chain one of its members, though its family was never shown?
 */
#ifndef HOMOLOGY_H
#define HOMOLOGY_H

#include "protein.h"

/* What a chain is in a task; the numbers are those of the lists of Liao and Noble 2003. */
enum { HOMOLOGY_NONE, HOMOLOGY_TRAIN_YES, HOMOLOGY_TRAIN_NO, HOMOLOGY_TEST_YES, HOMOLOGY_TEST_NO };
enum { HOMOLOGY_MOTIFS = 3, HOMOLOGY_COLUMNS = 8, HOMOLOGY_FAMILIES = 5 };

typedef struct homology_data {
    jd_ctx *ctx;
    size_t n, tasks;
    jd_chain *chain; /* (n) */
    char **name;     /* (tasks) */
    uint8_t *role;   /* (tasks,n) */
    /* Of generated chains; else NULL. */
    uint8_t *decoy; /* (n): 1: the motifs stand in the wrong order */
    int16_t *at;    /* (n,3): where the motif that is read first, second, third begins */
    uint8_t *which; /* (n,3): which motif that is */
    float
        *odds; /* (tasks,3,8,20): log odds over the background of the letters of a motif in a family nobody has seen */
    float *shown; /* (tasks,3,8,20): the same by the mean of the four families that are trained on */
    uint8_t *gap; /* (tasks,2): residues between the motifs; 0: each chain has its own */
    float *bag;   /* (n,3 tasks): the best match of each motif anywhere in the chain, in nats over the background */
    char *text;
    int32_t *codes;
    jd_chains file;
} homology_data;

/* The generator: superfamilies of 3 motifs, each 8 columns of Dirichlet(concentration) probabilities, at two distances of 10
 * to 40 residues, in chains of 80 to 250 residues with the background of Swiss-Prot.  Of a family's columns 30 % are drawn
 * anew; the distances and the order are the superfamily's, or with `loose` every chain draws its own distances.
 * Families 1 to 4 are trained on, the fifth is the test; of the chains that are no members `decoys` have the superfamily's
 * own motifs in a wrong order. */
typedef struct homology_options {
    int superfamilies;
    int members, test_members; /* chains of a family that is trained on; of the fifth */
    double negatives;          /* in training, for each positive */
    double concentration;      /* 0.3; the smaller, the more conserved are the motifs */
    double decoys;             /* share of the negatives, below 1 */
    bool loose;                /* distances differ from chain to chain */
    uint64_t seed;
} homology_options;
jd_status homology_generate(jd_ctx *ctx, const homology_options *o, homology_data *out);
/* Chains in DIR/sequences.fasta and their roles in DIR/tasks.tsv: the column `id` and one for each task, with 0
 * for no role, 1 and 2 for the positive and negative chains to train on, 3 and 4 for those to test on. */
jd_status homology_read(jd_ctx *ctx, const char *dir, homology_data *out);
void homology_free(homology_data *d);

/* What somebody would say who knows how the superfamily was made: the logarithm of the likelihood ratio of chain i as a
 * member of `task` against background with the share `decoys` of the orders that are wrong.  With odds = d->odds no order of
 * the chains has a greater area (Neyman and Pearson 1933), but for what the motifs of other superfamilies tell.  What it
 * cannot know is which columns the new family has drawn anew: each letter there has the probability 0.7 ancestor + 0.3 / 20.
 * odds = d->shown: somebody who knows the four families of training instead of their ancestor, and takes the mean of their
 * probabilities, a tenth of it spread over all letters.  gaps: whether the distances are known. */
double homology_known(const homology_data *d, const float *odds, bool gaps, size_t task, size_t i, double decoys);

/* Area under the curve of true against false positives (ties count half), and the mean share of the positives that stand
 * before the i-th negative, i = 1 .. n (Gribskov and Robinson 1996); of equal scores the negatives stand first. */
double homology_roc(const double *score, const bool *yes, size_t count);
double homology_roc_n(jd_ctx *ctx, const double *score, const bool *yes, size_t count, size_t n);

/* ---- the experiment ------------------------------------------------------------------------------------------------------*/

typedef struct homology_task {
    struct homology_lab *lab;
    size_t number;
    char scope[40];
    protein_bag train, test;
    int32_t *label;
    uint32_t *index; /* (test.n): their numbers in the data */
    bool *yes;       /* (test.n) */
    double *score;   /* (test.n): logits */
    double weight;   /* of a positive chain in the loss */
    jd_params *params;
    jd_fn *look;
    protein_feed feed;
    double roc, roc50, bag_roc, bag_roc50, decoys_roc, decoys_bag;
    double seen_roc;       /* on the chains of training */
    double known, known50; /* ROC and ROC50 of who knows the ancestor's motifs */
    double shown, blurred; /* ROC of who knows those of the four families, with and without the distances */
} homology_task;

/* When the network answers: after the last residue, or with the mean, the largest, or the logarithm of the mean
 * exponential of what it says after each: if that is the log odds of a member whose last motif ends there, then this is
 * the log odds of a member whose motifs may stand anywhere. */
enum { HOMOLOGY_LAST, HOMOLOGY_MEAN, HOMOLOGY_LARGEST, HOMOLOGY_ANYWHERE };

/* One set of superfamilies. */
typedef struct homology_lab {
    jd_run *r;
    jd_ctx *ctx;
    const char *kind; /* in logs */
    double concentration;
    int members; /* of each family that is trained on */
    homology_data data;
    int64_t units, window;
    int answer;
    double clip, open, decay, dropout;
    bool loose;
    size_t tasks; /* that are learned */
    homology_task *task;
    double residues_per_second, genome_seconds;
} homology_lab;
/* The figures of one set of superfamilies (homology_report.c). */
void homology_show(homology_lab *l, const char *title);

#endif
