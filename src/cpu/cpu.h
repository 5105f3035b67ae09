/*
 * cpu.h - what the fast kernels of one instruction set offer: a kernel for each op of kernels.def, and the routines that
 * other parts of the library call by function pointer (jd_call.cpu).
 */
#ifndef JD_CPU_CPU_H
#define JD_CPU_CPU_H

#include "graph/op.h"

typedef struct jd_cpu {
    const char *name;
    jd_kernel *kernel[JD_OP_COUNT]; /* NULL: the reference kernel serves */
    /* A kernel for an instruction of just these types and attributes (pointers are not set), with the same bits as
     * kernel[] but less to decide; NULL: there is none.  May be NULL. */
    jd_kernel *(*special)(const jd_call *c);
} jd_cpu;

extern const jd_cpu jd__cpu_scalar;
extern const jd_cpu jd__cpu_avx2;
extern const jd_cpu jd__cpu_avx512;
extern const jd_cpu jd__cpu_neon;

/* "scalar", "avx2", "avx512", "neon", or "reference" (no fast kernels); NULL for a name that is not built in. */
const jd_cpu *jd__cpu_find(const char *name);

#endif
