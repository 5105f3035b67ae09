/* peak.c - loops that do nothing but multiply-adds, or nothing but loads: the ceilings that speeds are held against. */
#include "cpu/peak.h"
#include "cpu/simd.h"

/* Twelve independent chains hide the latency of two pipes on every CPU that has one of the instruction sets. */
#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

/* The letter of a vector register in assembler's constraints. */
#if defined(JD_ISA_neon)
#define REGISTER "+w"
#else
#define REGISTER "+v"
#endif

double JD_K(jd__fma_burst)(int64_t rounds, float *sink)
{
    const vf x = vf_set1(1.0000001f), y = vf_set1(1e-9f);
#define START(i) vf s##i = vf_set1((float)i);
    CHAINS(START)
    for (int64_t r = 0; r < rounds; r++) {
#define STEP(i) s##i = vf_fma(s##i, x, y);
        CHAINS(STEP)
#if VL > 1
        __asm__ volatile(""
                         : REGISTER(s0), REGISTER(s1), REGISTER(s2), REGISTER(s3), REGISTER(s4), REGISTER(s5),
                           REGISTER(s6), REGISTER(s7), REGISTER(s8), REGISTER(s9), REGISTER(s10), REGISTER(s11));
#endif
    }
    vf sum = vf_zero();
#define ADD(i) sum = vf_add(sum, s##i);
    CHAINS(ADD)
    float out[VL];
    vf_store(out, sum);
    *sink = out[0];
    return 2.0 * 12 * VL * (double)rounds;
}

double JD_K(jd__read_burst)(const float *data, int64_t count, int64_t rounds, float *sink)
{
    vf s[8];
    for (int i = 0; i < 8; i++) s[i] = vf_zero();
    for (int64_t r = 0; r < rounds; r++) {
        for (int64_t k = 0; k + 8 * VL <= count; k += 8 * VL)
            for (int i = 0; i < 8; i++) s[i] = vf_add(s[i], vf_load(data + k + i * VL));
#if VL > 1
        __asm__ volatile("" : REGISTER(s[0]) : : "memory");
#endif
    }
    for (int i = 1; i < 8; i++) s[0] = vf_add(s[0], s[i]);
    float out[VL];
    vf_store(out, s[0]);
    *sink = out[0];
    return 4.0 * (double)count * (double)rounds;
}
