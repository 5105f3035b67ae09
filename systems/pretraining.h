/*
 * pretraining.h - what the parts of "pretraining-trend" share: digits in memory, the stack of layers, fine-tuning.
 */
#ifndef JD_SYSTEMS_PRETRAINING_H
#define JD_SYSTEMS_PRETRAINING_H

#include "jackdaw/augment.h"
#include "jackdaw/jackdaw.h"

enum { PT_LAYERS = 3, PT_PIXELS = 784, PT_CLASSES = 10, PT_SIZES = 5, PT_SEEDS = 8, PT_EPOCHS = 400 };

typedef struct pt_set {
    jd_images images;
    float *x; /* (count,784) in [0,1] */
} pt_set;

typedef struct pt {
    jd_run *r;
    jd_ctx *ctx;
    pt_set train, test;
    int64_t units[PT_LAYERS];
    jd_params *rbm, *coder; /* the two pre-trained stacks: dense1/W, dense1/b, dense1/back ... */
    double reconstruction[PT_LAYERS];
} pt;

/* One fine-tuning: from a pre-trained stack, or from random weights where `start` is NULL. */
typedef struct pt_tuning {
    jd_params *start;
    const uint32_t *index; /* the labelled digits; NULL: all */
    int64_t count, updates, batch;
    double rate;
    uint64_t seed;
    bool deformed;
    const char *curve;   /* test error after every epoch is logged so, or NULL */
    jd_params **trained; /* where the weights go, or NULL: freed */
} pt_tuning;

jd_status pt_open(pt *t);
void pt_close(pt *t);
/* Trains both stacks without labels. */
jd_status pt_pretrain(pt *t);
/* Test error in %; NAN after an error. */
double pt_tune(pt *t, const pt_tuning *o);
/* index (n): n / 10 digits of each class, a function of the seed. */
jd_status pt_balanced(pt *t, int64_t n, uint64_t seed, uint32_t *index);
/* A copy of a store; NULL after an error. */
jd_params *pt_copy(jd_ctx *ctx, jd_params *p);

/* ---- the belief net (belief_net.c) ----------------------------------------------------------------------------------------*/
typedef struct pt_belief {
    double before, after; /* test error in %, before and after the up-down algorithm */
    float *dreams;        /* (10,PT_DREAMS,784) */
} pt_belief;
enum { PT_DREAMS = 7 };
jd_status pt_belief_net(pt *t, pt_belief *out);

/* ---- figures (pretraining_report.c) --------------------------------------------------------------------------------------*/
enum { PT_RBM, PT_CODER, PT_SCRATCH, PT_WAYS };
typedef struct pt_table {
    int sizes, seeds;
    int64_t labels[PT_SIZES];
    double error[PT_WAYS][PT_SIZES][PT_SEEDS]; /* % */
    double deformed; /* from random weights with deformations, all labels; NAN: not measured */
} pt_table;
double pt_mean(const pt_table *e, int way, int size);
void pt_report(pt *t, const pt_table *e, const pt_belief *b, jd_params *tuned);

#endif
