/*
 * real.h - one source for float32 and float64 kernels.  An op's file includes itself twice:
 *
 *     #ifndef REAL
 *     ... rules ...
 *     #define JD_SELF "ops/relu.c"
 *     #include "ops/twice.h"
 *     const jd_op jd__op_relu = { ..., .ref = { relu_f32, relu_f64 } };
 *     #else
 *     static void FN(relu)(const jd_call *c, const jd_worker *w) { const REAL *x = c->in[0]; ... }
 *     #endif
 *
 * REAL is the type, FN(name) the name with _f32 or _f64, and R_EXP... the scalar functions: the project's own in float32
 * (the same bits on every machine), libm's in float64 (which only serves checks).
 */
#ifndef JD_OPS_REAL_H
#define JD_OPS_REAL_H

#include <math.h>
#include "base/mathf.h"

#define JD_REAL_CAT_(a, b) a##_##b
#define JD_REAL_CAT(a, b)  JD_REAL_CAT_(a, b)
#define FN(name)           JD_REAL_CAT(name, REAL_SUFFIX)

#define R_EXP(x)       _Generic((x), float : jd__expf, double : exp)(x)
#define R_LOG(x)       _Generic((x), float : jd__logf, double : log)(x)
#define R_TANH(x)      _Generic((x), float : jd__tanhf, double : tanh)(x)
#define R_SIGMOID(x)   _Generic((x), float : jd__sigmoidf, double : jd__sigmoid)(x)
#define R_SIN(x)       _Generic((x), float : jd__sinf, double : sin)(x)
#define R_COS(x)       _Generic((x), float : jd__cosf, double : cos)(x)
#define R_SQRT(x)      _Generic((x), float : sqrtf, double : sqrt)(x)
#define R_FMA(a, b, c) _Generic((c), float : fmaf, double : fma)((a), (b), (c))

static inline double jd__sigmoid(double x)
{
    const double e = exp(-fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

#endif
