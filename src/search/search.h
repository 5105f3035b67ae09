/*
 * search.h - what the methods of search share.
 *
 * A method keeps its state in fields: named float64 arrays that the common code frees, saves and loads.  `ask` is a pure
 * function of that state, so that a search saved after an ask asks the same again.
 */
#ifndef JD_SEARCH_SEARCH_H
#define JD_SEARCH_SEARCH_H

#include "base/ctx.h"
#include "jackdaw/search.h"

enum { JD_SEARCH_FIELDS = 16 };

typedef struct jd_search_field {
    const char *name;
    double *v;
    size_t rows, columns;
    bool kept; /* part of the saved state; the others are scratch */
} jd_search_field;

typedef struct jd_searcher {
    const char *name;
    size_t max_dim;                           /* 0: no limit */
    bool moves;                               /* a distribution that moves (not a population) */
    size_t (*population)(const jd_search *s); /* the method's own number of candidates */
    void (*allocate)(jd_search *s);           /* its fields, for the present population */
    void (*start)(jd_search *s);              /* their first values, also after a restart */
    void (*ask)(jd_search *s);                /* fills x (asked, dim) */
    void (*tell)(jd_search *s);               /* score and order are those of x */
    bool (*stuck)(const jd_search *s);        /* no progress is possible; NULL: cannot tell */
    void (*summary)(const jd_search *s, double *center, double *step); /* center may be NULL */
} jd_searcher;

struct jd_search {
    jd_ctx *ctx;
    jd_search_options o; /* with defaults filled in */
    const jd_searcher *m;
    double *center0;
    uint32_t *segment;
    size_t D, segments;
    size_t population; /* option or default, times grow at each restart */
    size_t asked;      /* rows of x; a population that keeps survivors asks for fewer than all */
    int64_t evaluations, generations, generation, restarts, stale;
    double best_score, restart_best, last_best, mean, deviation;
    bool has_best, restart_has_best, pending;
    const char *done;
    jd_search_field field[JD_SEARCH_FIELDS];
    double *x;       /* (asked, dim) */
    double *score;   /* (asked): higher is better, whatever the caller's sense */
    uint32_t *order; /* (asked): best first */
    double *best;    /* (dim) */
    double *summary; /* (dim) for jd_search_center */
    size_t room;     /* rows that x, score, order hold */
};

extern const jd_searcher jd__snes, jd__xnes, jd__cmaes, jd__cosyne, jd__esp, jd__ga, jd__random_search;

/* Makes field `slot`, (rows, columns) zeros, kept or scratch. */
double *jd__search_field(jd_search *s, int slot, const char *name, size_t rows, size_t columns, bool kept);

/* The stream of candidate k in this generation of this restart. */
jd_rng jd__search_rng(const jd_search *s, const char *purpose, uint64_t k);

/* Calls fn(s, k) for k = 0..n-1, on the context's threads when n x work is large; fn must write what belongs to k only. */
void jd__search_each(jd_search *s, size_t n, size_t work, void (*fn)(jd_search *s, size_t k));

/* Utilities of ranks, best first: max(0, ln(n/2 + 1) - ln k) normalised to sum 1, minus 1/n. */
void jd__utilities(double *u, size_t n);

/* order = indices of score[0..n-1], highest first, equal ones by index. */
void jd__rank(const double *score, uint32_t *order, size_t n);

size_t jd__default_population(const jd_search *s); /* 4 + floor(3 ln dim) */

/* linear.c.  C (n,n) symmetric = B diag(d) B'; B's columns are the axes.  C is destroyed.  Jacobi's cyclic method. */
void jd__eigen(double *C, double *B, double *d, size_t n);
/* E (n,n) = exp(A), by scaling and squaring; A is destroyed, T (2,n,n) is scratch. */
void jd__expm(double *A, double *E, double *T, size_t n);
/* out (n,n) = a b. */
void jd__matmul64(const double *a, const double *b, double *out, size_t n);
double jd__sqrt_positive(double x); /* 0 for x <= 0 */

/* breed.c: what the methods that breed share.  POPULATION (members, dim) is their field 0, KNOWN (members) their field 1:
 * the score, or NaN where a member has to be evaluated. */
enum { JD_POP, JD_KNOWN };
size_t jd__breed_population(const jd_search *s);     /* 40 */
void jd__breed_allocate(jd_search *s);               /* the two fields */
void jd__breed_members(jd_search *s);                /* the first vectors, or those of a restart */
void jd__breed_start(jd_search *s);                  /* the same, and no score is known */
void jd__breed_ask(jd_search *s);                    /* the members without a score */
void jd__breed_learn(jd_search *s, uint32_t *order); /* their scores; ranks all members, order has 2 x members */
void jd__breed_summary(const jd_search *s, double *center, double *step);
/* Mutates each of n values with the probability of the options. */
void jd__mutate(const jd_search *s, jd_rng *r, double *x, size_t n);

/* search.c: everything that depends on the size of the population. */
jd_status jd__search_allocate(jd_search *s);
enum { JD_MAX_POPULATION = 1 << 24 };

#endif
