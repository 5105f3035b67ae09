/*
 * isa.h - every file of src/cpu is compiled once for each instruction set; JD_K gives its functions a name of their own:
 * JD_K(jd_gemm) is jd_gemm_scalar, jd_gemm_avx2, jd_gemm_avx512 or jd_gemm_neon.
 */
#ifndef JD_CPU_ISA_H
#define JD_CPU_ISA_H

#define JD_CAT_(a, b) a##_##b
#define JD_CAT(a, b)  JD_CAT_(a, b)
#define JD_K(name)    JD_CAT(name, JD_ISA)

/* Before a loop of a few rounds whose number is constant: unrolled, so that arrays it indexes live in registers. */
#if defined(__clang__)
#define JD_UNROLL _Pragma("clang loop unroll(full)")
#define JD_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define JD_UNROLL _Pragma("GCC unroll 16")
#define JD_ROLLED _Pragma("GCC unroll 1")
#endif

#endif
