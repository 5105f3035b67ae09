/*
 * minimize.h - the smooth minimum of a function whose gradient is known: L-BFGS in float64.
 *
 * For problems with tens to thousands of unknowns and no noise: optimal control, fits, the last digits of a small network.
 * The function may be a plan (fn.h) whose gradient is jd_grad's:
 *
 *     double cost(void *user, const double *x, double *gradient);              // runs a plan, fills in the gradient
 *     jd_minimum m;
 *     jd_minimize(ctx, &(jd_minimize_options){.iterations = 200}, cost, &problem, x, n, &m);     // x: start, then minimum
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2006: algorithms 7.4, 7.5 (limited-memory BFGS), 3.5 and 3.6 (line
 * search to the strong Wolfe conditions).
 */
#ifndef JACKDAW_MINIMIZE_H
#define JACKDAW_MINIMIZE_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The value at x (n), and the gradient there into gradient (n).  NAN or infinity: x is outside the domain; the line search
 * then takes a shorter step. */
typedef double jd_objective(void *user, const double *x, double *gradient);

typedef struct jd_minimize_options {
    int64_t iterations; /* at most; 0: 1000 */
    int memory;         /* pairs of the inverse Hessian's approximation; 0: 12 */
    double tolerance;   /* done when the largest element of the gradient is at most this; 0: 1e-10 */
    double first_step;  /* length of the first trial step; 0: 1 / |gradient|, at most 1 */
} jd_minimize_options;

typedef struct jd_minimum {
    double value, slope; /* at the end; largest element of the gradient */
    int64_t iterations, evaluations;
    bool converged; /* the tolerance was reached; otherwise the iterations, or no step went further down */
} jd_minimum;

/* `o` and `out` may be NULL.  Errors: JD_EUSAGE (no unknowns, options out of range, a start where the function is not
 * finite), JD_ENOMEM, and any error that the function leaves in the context, which ends the search. */
JD_API jd_status jd_minimize(jd_ctx *ctx, const jd_minimize_options *o, jd_objective *f, void *user, double *x,
                             size_t n, jd_minimum *out);

#ifdef __cplusplus
}
#endif
#endif
