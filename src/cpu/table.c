/* table.c - the kernels of one instruction set, from kernels.def. */
#include "cpu/cpu.h"
#include "cpu/dense_small.h"
#include "cpu/isa.h"

#define JD_FAST(op) void JD_K(jd__k_##op)(const jd_call *c, const jd_worker *w);
#include "cpu/kernels.def"
#undef JD_FAST

#define JD_STR_(x)  #x
#define JD_STR(x)   JD_STR_(x)
#define JD_FAST(op) [JD_OP_##op] = JD_K(jd__k_##op),
const jd_cpu JD_K(jd__cpu) = {
    .name = JD_STR(JD_ISA),
    .special = JD_K(jd__special),
    .kernel =
        {
#include "cpu/kernels.def"
        },
};
