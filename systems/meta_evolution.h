/*
 * meta_evolution.h - programs, programs that edit programs, and programs that edit those.  See meta_evolution.c.
 */
#ifndef META_EVOLUTION_H
#define META_EVOLUTION_H

#include "jackdaw/system.h"

/* Largest program; points of a problem; problems to evolve operators on, and to try them on; programs of each level. */
enum {
    ME_NODES = 60,
    ME_CASES = 25,
    ME_TASKS = 6,
    ME_HELD_OUT = 3,
    ME_ALL = ME_TASKS + ME_HELD_OUT,
    ME_PROGRAMS = 200,
    ME_OPERATORS = 40,
    ME_MAKERS = 20,
    ME_POINTS = 50,
    ME_RUNS = 100
};

/* A program as its nodes in prefix order; what a node means is a matter of the alphabet. */
typedef struct me_tree {
    int n;
    uint8_t node[ME_NODES];
} me_tree;
typedef struct me_alphabet {
    int n, leaves; /* symbols; the first so many have no arguments */
    uint8_t arity[32];
    const char *name[32];
} me_alphabet;
/* Formulas of one and of two variables; edits. */
extern const me_alphabet ME_ONE, ME_TWO, ME_EDIT;

int me_end(const me_alphabet *a, const me_tree *t, int at); /* after the subtree at a node */
void me_random(const me_alphabet *a, me_tree *t, int depth, bool full, jd_rng *r);
/* from's subtree at node b takes the place of to's at node a; false, and no change, if that would be too large. */
bool me_graft(const me_alphabet *al, me_tree *to, int a, const me_tree *from, int b);
char *me_text(const me_alphabet *a, const me_tree *t, char *text, size_t size);

/* An operator, itself a program over ME_EDIT, makes a child of two parents over the alphabet `a`: what it has made of the
 * first when it is through. */
void me_edit(const me_tree *op, const me_alphabet *a, const me_tree *one, const me_tree *two, jd_rng *r,
             me_tree *child);
/* The fixed operators: subtree crossover in 90 of 100, subtree mutation in 10 (Koza 1992). */
void me_koza(const me_alphabet *a, const me_tree *one, const me_tree *two, jd_rng *r, me_tree *child);

typedef struct me_task {
    const char *label;
    const me_alphabet *alphabet;
    double x[ME_CASES], y[ME_CASES], z[ME_CASES];
} me_task;
void me_task_new(me_task *t, int number, uint64_t seed);
double me_fitness(const me_task *t, const me_tree *p); /* 1 / (1 + sum of |error|) */

/* ---- evolution -----------------------------------------------------------------------------------------------------------*/

typedef struct me_operator {
    me_tree tree;
    double value; /* running mean of what its children gain on their better parent */
    int uses, maker;
    double over; /* value of the operator it was made from */
} me_operator;
typedef enum me_arm { ME_FIXED, ME_EVOLVED, ME_FROZEN, ME_UNEVOLVED, ME_ARMS } me_arm;
typedef struct me_outcome {
    double best, curve[ME_POINTS];
    me_tree program;
    me_operator op[ME_OPERATORS]; /* at the end, the best first */
} me_outcome;
/* frozen: operators that are used as they are; or NULL.  Births in all: budget. */
void me_evolve(jd_ctx *ctx, const me_task *t, me_arm arm, const me_operator *frozen, int budget, uint64_t seed,
               uint64_t index, me_outcome *out);
/* Two-sided p of the Mann-Whitney test, by its normal approximation with ties. */
double me_mann_whitney(const double *a, const double *b, int n);

#endif
