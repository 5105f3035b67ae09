/*
 * mathf.h - float32 exp, log, tanh, sigmoid, sin, cos with the same bits on every machine and instruction set: the scalar
 * versions of src/cpu/vecmath.h, operation for operation.  Error at most 2 ulp, of tanh_short at most 6.
 */
#ifndef JD_BASE_MATHF_H
#define JD_BASE_MATHF_H

#include <stdint.h>

float jd__expf(float x);
float jd__logf(float x);
float jd__tanhf(float x);
float jd__tanh_shortf(float x); /* that of populations of networks, and of simple recurrent layers */
float jd__sigmoidf(float x);
float jd__sinf(float x);
float jd__cosf(float x);

/* x = n pi/2 + r, |r| <= pi/4, for any finite |x| >= 2^-1; *quadrant is n modulo 4.  Exact to the last bits for the largest x
 * (Payne and Hanek 1983), in integers.  NaN for x that is not finite. */
float jd__quarter_turns(float x, int32_t *quadrant);

#endif
