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

float jd__sinf(float x)
{
    return vf_sin(x);
}

float jd__cosf(float x)
{
    return vf_cos(x);
}

float jd__quarter_turns(float x, int32_t *quadrant)
{
    /* 2/pi behind the binary point, after 32 zeros */
    static const uint32_t two_over_pi[9] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
                                            0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561};
    uint32_t bits, word[3];
    memcpy(&bits, &x, sizeof bits);
    const int e = (int)(bits >> 23 & 255) - 150; /* x = m 2^e */
    const uint32_t m = (bits & 0x7fffff) | 0x800000;
    *quadrant = 0;
    if (e > 104) return NAN;
    /* 96 bits of 2/pi from weight 2^(1-e) on: what lies before contributes whole turns to the product */
    const unsigned at = (unsigned)(e + 30), shift = at % 32;
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t *w = two_over_pi + at / 32 + i;
        word[i] = shift ? w[0] << shift | w[1] >> (32 - shift) : w[0];
    }
    const uint64_t low = (uint64_t)m * word[2], mid = (uint64_t)m * word[1] + (low >> 32);
    uint64_t turns = ((uint64_t)m * word[0] << 32) + mid; /* in units of 2^-62 quarter turns */
    if (bits >> 31) turns = 0 - turns;
    const uint64_t n = (turns + (UINT64_C(1) << 61)) >> 62;
    *quadrant = (int32_t)n;
    return (float)((double)(int64_t)(turns - (n << 62)) * (1.57079632679489661923 * 0x1p-62));
}
