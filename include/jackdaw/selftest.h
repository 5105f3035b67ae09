/*
 * selftest.h - the library checks its own operations on the machine it runs on.
 *
 * For every operation of the list: the fast float32 kernels against the float64 reference, the gradient against finite
 * differences in float64 (ragged lengths, initial states), second derivatives, and the time of fast and reference
 * kernels.  An operation that no case reaches is a failure.  In a context with a device the float32 results and gradients
 * of the device are compared, with the float64 reference on the CPU.
 */
#ifndef JACKDAW_SELFTEST_H
#define JACKDAW_SELFTEST_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_selftest_line {
    const char *name; /* of the case, or of the operation that no case reaches */
    bool passed;
    double forward_error;                   /* relative L2, float32 fast against float64 */
    double gradient_error;                  /* relative L2, against four-point differences; -1: not checked */
    double second_error;                    /* the same for the second derivative; -1: not checked */
    double fast_seconds, reference_seconds; /* one run of forward and backward; 0 without `timed` */
    int fallbacks;                          /* on a device: instructions without a kernel there, run on the CPU */
    const char *message;                    /* "" or what went wrong */
} jd_selftest_line;

typedef struct jd_selftest_options {
    const char *only; /* part of a case's name, or NULL */
    bool timed;
    void (*line)(void *user, const jd_selftest_line *l);
    void *user;
} jd_selftest_options;

/* Returns the number of failures; *cases is how many lines were given. */
JD_API int jd_selftest_ops(jd_ctx *ctx, const jd_selftest_options *o, int *cases);

/* A fingerprint of the weights after short trainings of an MLP, a convolutional network and an LSTM with CTC: the same on
 * every instruction set and any number of threads.  Writes 16 hex digits for each of the three. */
JD_API jd_status jd_selftest_digest(jd_ctx *ctx, char mlp[17], char cnn[17], char lstm[17]);

#ifdef __cplusplus
}
#endif
#endif
