/*
 * pointwise.h - point-wise programs.
 *
 * A node `pointwise` holds a program of one or more steps over values that broadcast to one shape.  The planner fuses
 * neighbours by joining their programs, so a chain of point-wise nodes is one pass over memory.  Values are numbered:
 * 0..nin-1 the inputs, nin+i the result of step i.
 */
#ifndef JD_OPS_POINTWISE_H
#define JD_OPS_POINTWISE_H

#include "graph/op.h"

/* X(code, operands, doc) */
#define JD_POINTWISE(X)                                                                                                \
    X(add, 2, "a + b")                                                                                                 \
    X(sub, 2, "a - b")                                                                                                 \
    X(mul, 2, "a b")                                                                                                   \
    X(div, 2, "a / b")                                                                                                 \
    X(max, 2, "a > b ? a : b")                                                                                         \
    X(min, 2, "a < b ? a : b")                                                                                         \
    X(greater, 2, "a > b ? 1 : 0")                                                                                     \
    X(where, 3, "a != 0 ? b : c")                                                                                      \
    X(neg, 1, "-a")                                                                                                    \
    X(exp, 1, "e^a")                                                                                                   \
    X(log, 1, "ln a")                                                                                                  \
    X(tanh, 1, "tanh a")                                                                                               \
    X(sigmoid, 1, "1 / (1 + e^-a)")                                                                                    \
    X(sin, 1, "sin a")                                                                                                 \
    X(cos, 1, "cos a")                                                                                                 \
    X(relu, 1, "a > 0 ? a : 0")                                                                                        \
    X(sqrt, 1, "square root of a")                                                                                     \
    X(square, 1, "a a")                                                                                                \
    X(abs, 1, "|a|")                                                                                                   \
    X(softplus, 1, "max(a,0) + ln(1 + e^-|a|)")                                                                        \
    X(affine, 1, "fma(a, scale, shift)")                                                                               \
    X(real, 1, "int32 to real")

#define JD_PW_ENUM_(code, operands, doc) JD_PW_##code,
typedef enum jd_pw_code { JD_POINTWISE(JD_PW_ENUM_) JD_PW_COUNT } jd_pw_code;
#undef JD_PW_ENUM_
extern const char *const jd__pw_name[JD_PW_COUNT];
extern const uint8_t jd__pw_operands[JD_PW_COUNT];

typedef struct jd_pw_step {
    uint8_t code;
    uint8_t a, b, c;   /* operands, as numbered above */
    uint16_t constant; /* affine: scale = constants[constant], shift = constants[constant + 1] */
} jd_pw_step;

enum { JD_PW_MAX_IN = 15, JD_PW_MAX_STEPS = 24, JD_PW_MAX_OUT = 8, JD_PW_MAX_CONST = 16 };

/* The attribute of op pointwise is a pointer to one of these, owned by the graph (or plan). */
typedef struct jd_pw_program {
    int nin, nsteps, nout;
    jd_pw_step step[JD_PW_MAX_STEPS];
    uint8_t out[JD_PW_MAX_OUT]; /* which values are written to out[0..nout-1] */
    int nconst;
    double constants[JD_PW_MAX_CONST];
} jd_pw_program;
typedef struct jd_pw_attr {
    const jd_pw_program *program;
} jd_pw_attr;

/* How input element i is found for output element e: FULL in[e]; ONE in[0]; ROW in[e % period]; COLUMN in[e / period]. */
typedef enum jd_pw_kind { JD_PW_FULL, JD_PW_ONE, JD_PW_ROW, JD_PW_COLUMN, JD_PW_GENERAL } jd_pw_kind;
static inline jd_pw_kind jd__pw_kind(const jd_type *in, const jd_type *out, int64_t *period)
{
    const int64_t n = jd__count(in), total = jd__count(out);
    *period = 1;
    if (n == total) return JD_PW_FULL;
    if (n == 1) return JD_PW_ONE;
    /* Leading ones (or missing dimensions), then the same dimensions: a row that repeats. */
    const int lead = out->rank - in->rank;
    int i = 0, k = in->rank;
    while (i < in->rank && in->dim[i] == 1) i++;
    while (k > i && in->dim[k - 1] == out->dim[k - 1 + lead]) k--;
    if (k == i) {
        *period = n;
        return JD_PW_ROW;
    }
    /* The same dimensions, then ones: each element repeats. */
    if (lead != 0) return JD_PW_GENERAL;
    for (k = in->rank; k > 0 && in->dim[k - 1] == 1;) k--;
    for (i = 0; i < k; i++)
        if (in->dim[i] != out->dim[i]) return JD_PW_GENERAL;
    *period = total / n;
    return JD_PW_COLUMN;
}

#endif
