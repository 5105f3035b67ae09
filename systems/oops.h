/*
 * oops.h - the optimal ordered problem solver: a language of four tokens, and a stack machine whose programs grow while they run.
 * See oops.c.
 */
#ifndef OOPS_H
#define OOPS_H

#include "jackdaw/system.h"

/* ---- four tokens ---------------------------------------------------------------------------------------------------------*/

/* Move a disk from S to D; exchange what S, A, D mean, for the rest of this call: S and D's partner A; call: the program on one
 * disk less, with the present pegs. */
enum { OOPS4_MOVE, OOPS4_AD, OOPS4_SA, OOPS4_CALL, OOPS4_TOKENS, OOPS4_LONGEST = 10, OOPS4_DISKS = 15 };
typedef struct oops4_program {
    int length, token[OOPS4_LONGEST];
} oops4_program;
/* Whether the program brings n disks from the first to the third peg; *moves it made. */
bool oops4_solves(const oops4_program *p, int n, int64_t *moves);
/* All programs in order of length, first token first, until one brings first .. n disks home each.  Returns programs tried. */
int64_t oops4_search(int first, int n, oops4_program *p);
const char *oops4_text(const oops4_program *p, char text[64]);

/* ---- the stack machine -------------------------------------------------------------------------------------------------------*/

typedef enum oops_token {
    OOPS_DEFNP,  /* takes n from the data stack; what follows, up to endnp, is a procedure, which is called with n */
    OOPS_ENDNP,  /* its end: return */
    OOPS_CALLTP, /* in a procedure with argument n: calls it with n - 1, unless that is 0 */
    OOPS_C1,
    OOPS_C2,
    OOPS_BOOSTQ, /* takes i; the tokens of the i-th program become likelier, from here on */
    OOPS_C3, /* in a procedure c3, c4, c5 stand for the instructions with these numbers: moves a disk from S to D; */
    OOPS_C4, /* exchanges what S and A mean, until a call returns; */
    OOPS_C5, /* and A and D.  Elsewhere they push their numbers, as c1 and c2 do everywhere */
    OOPS_DEC,
    OOPS_INC,
    OOPS_DUP,
    OOPS_DEL,
    OOPS_ADD,
    OOPS_SUB,
    OOPS_MUL,
    OOPS_DIV,
    OOPS_BY2,
    OOPS_UP, /* exchanges the two topmost numbers */
    OOPS_GEQ,
    OOPS_EQ,
    OOPS_NOT,
    OOPS_SKIP,   /* takes a number; if it is 0 the next instruction is passed over */
    OOPS_RETURN, /* takes a number; if it is 0 the procedure returns */
    OOPS_BOTTOM, /* pushes the argument of the procedure */
    OOPS_MOD,    /* remainder */
    OOPS_NOP,
    OOPS_TOKENS
} oops_token;
const char *oops_name(int token);

typedef enum oops_kind { OOPS_ONES_TWOS, OOPS_HANOI, OOPS_KINDS } oops_kind;

/* Longest code, all frozen programs and the growing one; data stack, calls; most instances of a problem; frozen programs. */
enum {
    OOPS_CODE = 512,
    OOPS_STACK = 128,
    OOPS_CALLS = 48,
    OOPS_TASKS = 32,
    OOPS_FROZEN = 80,
    OOPS_DEEPEST = 24,
    OOPS_MOST_DISKS = 20
};

typedef struct oops_found {
    oops_kind kind;
    int n, length, begin; /* of the problem; tokens; where it begins in the code */
    bool extends;         /* the program before it, whose code is its first part */
    int64_t steps, prefixes;
    bool old; /* the program before it solved this, too */
} oops_found;

typedef struct oops_solver oops_solver;
typedef struct oops_options {
    uint32_t tokens;             /* bit i: token i may be used */
    double boost;                /* what boostq adds to the weight of a token; all have 1 at first, */
    uint32_t likely[OOPS_KINDS]; /* and those of a kind of problem, bit i: token i, have been boosted */
    int64_t limit;               /* of steps, in all; 0: none */
    int instances;               /* that will be asked for, for the progress shown */
    int verify;                  /* the hash of the whole state is compared after every so many prefixes that failed */
} oops_options;
oops_solver *oops_new(jd_run *r, const oops_options *o);
void oops_free(oops_solver *s);
/* Solves instance n of a problem after those before it; false: stopped, or the limit of steps was reached. */
bool oops_solve(oops_solver *s, oops_kind kind, int n);
int oops_count(const oops_solver *s);
const oops_found *oops_program(const oops_solver *s, int i);
const char *oops_text(const oops_solver *s, int i, char text[256]);
int64_t oops_steps(const oops_solver *s);
/* Program i on instance n: its moves of disks, two numbers each, to `move` (2 most); returns how many, -1 if it does not solve it. */
int oops_moves(oops_solver *s, int i, int n, int *move, int most);
/* Comparisons of the hash, and how many of them differed. */
void oops_checks(const oops_solver *s, int64_t *made, int64_t *differ);

#endif
