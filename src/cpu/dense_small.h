/* dense_small.h - x W^T for small nets; see dense_small.c. */
#ifndef JD_CPU_DENSE_SMALL_H
#define JD_CPU_DENSE_SMALL_H

#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "ops/attrs.h"

/* Does member w's share of a product that sums in parts (jd__matmul_in_parts). */
void JD_K(jd__dense_parts)(const jd_call *c, const jd_worker *w);
/* jd_cpu.special */
jd_kernel *JD_K(jd__special)(const jd_call *c);

#endif
