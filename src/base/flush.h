/*
 * flush.h - the arithmetic of the library, whatever mode the host program has set: to the nearest, without traps; and while
 * kernels run, denormal numbers count as zero.
 *
 * Errors that fade over many steps, and probabilities of labels that are out of the question, sink below the smallest normal
 * number; some processors then take a hundred times as long for every operation.  No result that matters is that small.
 * What the mode was before is put back, with its flags, for it is the caller's.
 */
#ifndef JD_BASE_FLUSH_H
#define JD_BASE_FLUSH_H

#include <stdint.h>

#if defined(__SSE2__)
#include <xmmintrin.h>

/* Of MXCSR: all exceptions masked, rounding to the nearest; flush to zero, denormals are zero; the flags of exceptions. */
enum { JD_MXCSR_PLAIN = 0x1f80, JD_MXCSR_FLUSH = 0x8040, JD_MXCSR_FLAGS = 0x3f };

static inline uint32_t jd__set_mxcsr(uint32_t mode)
{
    const uint32_t before = _mm_getcsr();
    if ((before & ~(uint32_t)JD_MXCSR_FLAGS) != mode) _mm_setcsr(mode);
    return before;
}
/* For kernels; and for what else must have the same bits in every program: weights at their start, gradients' constants. */
static inline uint32_t jd__flush_denormals(void)
{
    return jd__set_mxcsr(JD_MXCSR_PLAIN | JD_MXCSR_FLUSH);
}
static inline uint32_t jd__plain_arithmetic(void)
{
    return jd__set_mxcsr(JD_MXCSR_PLAIN);
}
static inline void jd__arithmetic_end(uint32_t before)
{
    if (before != _mm_getcsr()) _mm_setcsr(before);
}
#elif defined(__aarch64__)
/* Of FPCR: flush to zero; the rest off means no traps, rounding to the nearest.  Flags are in another register. */
enum { JD_FPCR_FLUSH = 1 << 24 };

static inline uint32_t jd__set_fpcr(uint32_t mode)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (before != mode) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
    return (uint32_t)before;
}
static inline uint32_t jd__flush_denormals(void)
{
    return jd__set_fpcr(JD_FPCR_FLUSH);
}
static inline uint32_t jd__plain_arithmetic(void)
{
    return jd__set_fpcr(0);
}
static inline void jd__arithmetic_end(uint32_t before)
{
    jd__set_fpcr(before);
}
#else
static inline uint32_t jd__flush_denormals(void)
{
    return 0;
}
static inline uint32_t jd__plain_arithmetic(void)
{
    return 0;
}
static inline void jd__arithmetic_end(uint32_t before)
{
    (void)before;
}
#endif

#endif
