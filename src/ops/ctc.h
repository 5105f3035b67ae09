/* ctc.h - what the kernels of CTC share. */
#ifndef JD_OPS_CTC_H
#define JD_OPS_CTC_H

#include "graph/op.h"
#include "ops/attrs.h"

enum { JD_CTC_MAX = 1 << 20 }; /* frames, labels */

typedef struct jd_ctc_sample {
    int64_t stride; /* elements from a frame's logits to the next one's: B K */
    int64_t K, length, U;
    int64_t needed;        /* frames that the labels need: U + number of equal neighbours */
    const int32_t *labels; /* (U) */
    int32_t blank;
} jd_ctc_sample;

/* Fills *s for sample b; false when a length or label is out of range. */
bool jd__ctc_sample(const jd_call *c, int64_t b, jd_ctc_sample *s);

/* Labels rounded up to whole vectors of the fast kernel, with guards on both sides. */
static inline int64_t jd__ctc_pitch(int64_t U)
{
    return (U + 1 + 3) / 4 * 4 + 8;
}

/* Bytes that one member needs for T frames, K classes, U labels; a multiple of 64. */
static inline size_t jd__ctc_scratch(int64_t T, int64_t K, int64_t U)
{
    const size_t t = (size_t)T + 2, pitch = (size_t)jd__ctc_pitch(U);
    return (t * (pitch * 32 + 32) + pitch * 160 + (size_t)K * 16 + 255) / 64 * 64;
}

/* The sample in numbers of double mantissa and 64-bit exponent: slower than the fast kernel, but no path can underflow.
 * x: its first logits; g: its first gradient, written for s->length frames.  Returns the loss.  0 < s->length. */
double jd__ctc_wide(const jd_ctc_sample *s, const float *x, float *g, void *scratch);

#endif
