/*
 * meta_functions.h - functions to be learned example by example, and learners that are not themselves learned.
 *
 * An episode is one function drawn from a class and examples (x, y = f(x)) of it in a row.  Every learner says y(t) after
 * (x(1), y(1)) ... (x(t-1), y(t-1)) and x(t), and hears y(t) only then.  An episode is a function of the generator alone:
 *
 *     jd_rng r = jd_rng_new(seed, "meta/test", episode);
 *     int64_t change = meta_episode(META_QUADRATIC, 50, &r, x, y);       // x (50,2), y (50)
 *     meta_learn(META_SGD, &(meta_setting){.rate = .1, .scale = 1}, META_QUADRATIC, &r, x, y, 50, said);
 */
#ifndef JACKDAW_SYSTEMS_META_FUNCTIONS_H
#define JACKDAW_SYSTEMS_META_FUNCTIONS_H

#include "jackdaw/base.h"

/* ---- functions of two arguments ----------------------------------------------------------------------------------------*/

typedef enum meta_class {
    META_BOOLEAN,    /* the 16 functions of x in {0,1}^2 */
    META_SEMILINEAR, /* (1 + tanh(w1 x1 + w2 x2 + w3)) / 2, w from U[-2,2], x from U[-1,1]^2 */
    META_QUADRATIC,  /* a x1^2 + b x2^2 + c x1 x2 + d x1 + e x2 + f, all from U[-1,1] */
    META_CHANGING,   /* semi-linear; another function from a random example on */
    META_CLASSES
} meta_class;
extern const char *const meta_name[META_CLASSES];

enum { META_FEATURES = 6 };
typedef struct meta_function {
    meta_class kind;
    double c[META_FEATURES]; /* Boolean: the value for (0,0), (0,1), (1,0), (1,1); else as in the formula */
} meta_function;
meta_function meta_draw(meta_class kind, jd_rng *r);
double meta_value(const meta_function *f, const double x[2]);
/* The mean of y over a class, which is known to all learners as y(0). */
double meta_mean(meta_class kind);
/* phi (6): x1^2, x2^2, x1 x2, x1, x2, 1 */
void meta_features(const double x[2], double *phi);

/* Draws a function, then T examples: x (T,2), y (T).  Returns the example with which another function begins, from 0.3 T to
 * 0.7 T, or T where it stays the same; *f, unless NULL, is the (first) function. */
int64_t meta_episode(meta_class kind, int64_t T, jd_rng *r, double *x, double *y, meta_function *f);
/* Mixes the targets of an episode: what is left is their mean. */
void meta_shuffle(jd_rng *r, double *y, int64_t T);

/* ---- learners ------------------------------------------------------------------------------------------------------------*/

typedef enum meta_rule {
    META_CONSTANT, /* the mean of the class */
    META_AVERAGE,  /* the mean of the targets heard so far in this episode */
    META_LAST,     /* the target heard last */
    META_SGD,      /* a 2-10-1 tanh net, on-line back-propagation */
    META_ADAM,     /* the same with Adam's steps */
    META_RLS,      /* recursive least squares on the quadratic features: the floor of the quadratic class */
    META_RULES
} meta_rule;
extern const char *const meta_rule_name[META_RULES];

typedef struct meta_setting {
    double rate, scale; /* nets: learning rate, first weights from U[-scale,scale] */
    double noise,
        forget; /* least squares: variance of an observation, factor of what was known, each example (1: keeps) */
} meta_setting;

/* Setting i of those tried with a rule; false after the last.  Nets: five rates, six scales. */
bool meta_setting_at(meta_rule rule, meta_class kind, int i, meta_setting *s);

/* said (T): what a rule says of each example before it hears the target. `r` gives the nets' first weights. */
void meta_learn(meta_rule rule, const meta_setting *s, meta_class kind, jd_rng *r, const double *x, const double *y,
                int64_t T, double *said);

/* ---- learning curves -----------------------------------------------------------------------------------------------------*/

/* The first examples of an episode to be looked at, and how many: all; where the function changes, META_LEAD before the
 * change and META_LEAD from it on. */
enum { META_LEAD = 30 };
int64_t meta_window(meta_class kind, int64_t T, int64_t change, int64_t *first);

typedef struct meta_episodes {
    meta_class kind;
    uint64_t seed;
    const char *stream;
    int64_t count, T;
} meta_episodes;

/* error (meta_window): squared error of each example, the mean over the episodes. */
jd_status meta_curve(jd_ctx *ctx, const meta_episodes *e, meta_rule rule, const meta_setting *s, double *error);
/* The setting with the smallest mean error of examples first .. last (from 1) of the window. */
jd_status meta_tune(jd_ctx *ctx, const meta_episodes *e, meta_rule rule, int64_t first, int64_t last,
                    meta_setting *best);
/* Mean of examples first .. last, from 1. */
double meta_between(const double *error, int64_t first, int64_t last);

#endif
