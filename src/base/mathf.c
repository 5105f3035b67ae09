/* mathf.c - the scalar faces of src/cpu/vecmath.h. */
#define JD_ISA        scalar
#define JD_ISA_scalar 1
#include "base/mathf.h"
#include "cpu/vecmath.h"

float jd__expf(float x)
{
    return vf_exp(x);
}

float jd__logf(float x)
{
    return vf_log(x);
}

float jd__tanhf(float x)
{
    return vf_tanh(x);
}

float jd__tanh_shortf(float x)
{
    return vf_tanh_short(x);
}

float jd__sigmoidf(float x)
{
    return vf_sigmoid(x);
}
