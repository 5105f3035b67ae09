/* pool.h - max pooling of one row of windows. */
#ifndef JD_CPU_POOL_H
#define JD_CPU_POOL_H

#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "ops/attrs.h"

/* The windows of row y0.. of an image (ny rows that exist,W,C), x pointing at row y0: y (ow,C) with the bias (C), if
 * there is one, added; winner (ow,C) or NULL. */
typedef struct jd_pool_row {
    const float *x, *bias;
    int64_t ny, W, C, ow;
    int32_t size, stride;
} jd_pool_row;
void JD_K(jd__maxpool_row)(const jd_pool_row *p, float *y, int32_t *winner);

#endif
