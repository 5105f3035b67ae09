/*
 * mathf.h - float32 exp, log, tanh, sigmoid with the same bits on every machine and instruction set: the scalar versions
 * of src/cpu/vecmath.h, operation for operation.  Error at most 2 ulp, of tanh_short
 * at most 6.
 */
#ifndef JD_BASE_MATHF_H
#define JD_BASE_MATHF_H

float jd__expf(float x);
float jd__logf(float x);
float jd__tanhf(float x);
float jd__tanh_shortf(float x); /* that of populations of networks */
float jd__sigmoidf(float x);

#endif
