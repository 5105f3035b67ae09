/* cases.h - what jd_selftest_ops runs. */
#ifndef JD_SELFTEST_CASES_H
#define JD_SELFTEST_CASES_H

#include "jackdaw/layers.h"

enum { CASE_INPUTS = 10, CASE_OUTS = 6 };

typedef struct case_input {
    const char *name;
    jd_dims shape;
    double low, high;      /* real inputs: uniform in it */
    int32_t below;         /* > 0: int32 in 0..below-1 */
    const int32_t *values; /* int32 given one by one */
} case_input;

typedef struct op_case {
    const char *name;
    case_input in[CASE_INPUTS];
    /* Adds the nodes; returns how many of out[] are to be checked. */
    int (*build)(jd_graph *g, jd_node *out);
    double kink; /* inputs keep this distance from each other and half of it from 0 (ReLU, max) */
    bool no_gradient, second;
    double tolerance; /* of the float32 result; 0: 2e-6 */
} op_case;

extern const op_case jd__cases_basic[], jd__cases_fused[], jd__cases_mdlstm[],
    jd__cases_convlstm[]; /* end with a NULL name */

#endif
