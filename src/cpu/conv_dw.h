/* conv_dw.h - the two ways of conv2d_dw: conv_dw.c unfolds the image, conv_dw_taps.c reads it where it lies. */
#ifndef JD_CPU_CONV_DW_H
#define JD_CPU_CONV_DW_H

#include "cpu/conv.h"
#include "ops/attrs.h"
#include "ops/conv.h"

/* Whether the taps can be read where they lie. */
bool JD_K(jd__dw_by_taps)(const jd_call *c);
void JD_K(jd__dw_taps)(const jd_call *c, const jd_worker *w);

#endif
