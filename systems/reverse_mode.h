/*
 * reverse_mode.h - what reverse mode costs, what else it can tell, and what it taught the first networks: the parts of
 * "autodiff-control" that are no control problems.
 */
#ifndef JD_SYSTEMS_REVERSE_MODE_H
#define JD_SYSTEMS_REVERSE_MODE_H

#include "jackdaw/jackdaw.h"

/* Speelpenning's product of n numbers, multiplied as a tree, 1980: counted operations of the function (n - 1
 * multiplications), of function and gradient by reverse mode, and of the gradient by n forward sweeps. */
typedef struct product_count {
    int64_t n;
    double function, reverse, forward;
    double error; /* of the gradient, relative, one factor being zero in half of the tries */
} product_count;
jd_status reverse_product(jd_ctx *ctx, int64_t n, product_count *out);

/* Linnainmaa's use, 1970: the first-order bound of the rounding error of a program, E = u sum of |adjoint| |value| over its
 * operations, beside the error that float32 really makes, for `n` random inputs. */
typedef struct rounding {
    double largest, median; /* of true error / bound */
    int beyond;             /* inputs with true error > 1.01 bound */
    double *error, *bound;  /* (n) */
} rounding;
enum { ROUNDING_INPUTS = 1000 };
jd_status reverse_rounding_orbit(jd_ctx *ctx, rounding *out);
jd_status reverse_rounding_network(jd_ctx *ctx, rounding *out);
void reverse_rounding_free(jd_ctx *ctx, rounding *r);

/* Processor time, on one thread, and operations of forward and reverse together over those of forward alone, for layers of the library. */
enum { REVERSE_NETS = 4 };
typedef struct net_cost {
    const char *name;
    double limit;            /* the ratio of times that is allowed */
    double time, operations; /* the two ratios */
    double forward_ms;
} net_cost;
jd_status reverse_nets(jd_ctx *ctx, int rounds, net_cost out[REVERSE_NETS]);

/* The 8-3-8 encoder, and telling T from C anywhere in a small picture (Rumelhart, Hinton, Williams 1986), by plain gradient
 * descent: epochs until every output is within 0.5 of its target, or 0 where that does not happen. */
int reverse_encoder(jd_ctx *ctx, uint64_t seed, int most, float code[8][3]);
int reverse_t_c(jd_ctx *ctx, uint64_t seed, int most, float kernel[9]);

#endif
