/*
 * search_functions.h - test functions of black-box search, after the noiseless functions of the BBOB workshops (Hansen,
 * Finck, Ros, Auger, INRIA RR-6829, 2009), without their oscillating and asymmetric distortions.
 */
#ifndef JACKDAW_SYSTEMS_SEARCH_FUNCTIONS_H
#define JACKDAW_SYSTEMS_SEARCH_FUNCTIONS_H

#include "jackdaw/base.h"

enum { FUNCTIONS = 10, FUNCTION_DIM = 40 };
enum {
    F_SPHERE,
    F_ELLIPSOID,         /* condition 10^6, along the axes */
    F_ELLIPSOID_ROTATED, /* the same, turned */
    F_DISCUS_ROTATED,    /* one short axis */
    F_CIGAR_ROTATED,     /* one long axis */
    F_POWERS_ROTATED,    /* |z_i|^(2 + 4 i / (D - 1)) */
    F_ROSENBROCK,        /* a bent valley */
    F_ROSENBROCK_ROTATED,
    F_RASTRIGIN, /* 10^D local optima or so, on a grid */
    F_RASTRIGIN_ROTATED
};

typedef struct test_function {
    int kind, dim;
    bool root;                                /* the fourth root of the value: the same order of vectors */
    double at[FUNCTION_DIM];                  /* the optimum, within -4..4 (Rosenbrock: -3..3) */
    double turn[FUNCTION_DIM * FUNCTION_DIM]; /* a random rotation, or the identity */
} test_function;

const char *function_name(int kind);
/* Instance of a function: a place and a rotation of its own for each seed.  2 <= dim <= FUNCTION_DIM. */
void function_new(test_function *f, int kind, int dim, uint64_t seed);
/* 0 at the optimum, larger elsewhere. */
double function_value(const test_function *f, const double *x);

#endif
