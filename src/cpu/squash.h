/* squash.h - the squashing functions of the LSTM cell and of simple recurrent units, and their slopes from their values; see ops/squash.h.
 * 2 sigma(x) - 1 is tanh(x/2), which keeps small values exact. */
#ifndef JD_CPU_SQUASH_H
#define JD_CPU_SQUASH_H

#include "cpu/vecmath.h"
#include "jackdaw/graph.h"

JD_INLINE vf vf_squash(int kind, vf x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return vf_mul(vf_set1(2.f), vf_tanh(vf_mul(vf_set1(.5f), x)));
    case JD_SQUASH_2SIGM1: return vf_tanh(vf_mul(vf_set1(.5f), x));
    default: return vf_tanh(x);
    }
}

JD_INLINE vf vf_squash_slope(int kind, vf y)
{
    const vf one = vf_set1(1.f);
    switch (kind) {
    case JD_SQUASH_LINEAR: return one;
    case JD_SQUASH_4SIGM2: return vf_fnma(vf_mul(vf_set1(.25f), y), y, one);
    case JD_SQUASH_2SIGM1: return vf_mul(vf_set1(.5f), vf_fnma(y, y, one));
    default: return vf_fnma(y, y, one);
    }
}

/* Of simple units, whose steps are one chain. */
JD_INLINE vf vf_rnn_act(int act, vf x)
{
    switch (act) {
    case 1: return vf_sigmoid(x);
    case 2: return vf_select(vf_gt(x, vf_zero()), x, vf_zero());
    case 3: return x;
    default: return vf_tanh_soon(x);
    }
}

JD_INLINE vf vf_rnn_slope(int act, vf y)
{
    const vf one = vf_set1(1.f);
    switch (act) {
    case 1: return vf_mul(y, vf_sub(one, y));
    case 2: return vf_select(vf_gt(y, vf_zero()), one, vf_zero());
    case 3: return one;
    default: return vf_fnma(y, y, one);
    }
}

#endif
