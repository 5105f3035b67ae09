/*
 * flush.h - denormal numbers count as zero while kernels run.
 *
 * Errors that fade over many steps, and probabilities of labels that are out of the question, sink below the smallest normal
 * number; some processors then take a hundred times as long for every operation.  No result that matters is that small.
 * What the mode was before is put back, for it is the caller's.
 */
#ifndef JD_BASE_FLUSH_H
#define JD_BASE_FLUSH_H

#include <stdint.h>

#if defined(__SSE2__)
#include <xmmintrin.h>

/* Flush to zero, denormals are zero. */
enum { JD_FLUSH = 0x8040 };

static inline uint32_t jd__flush_denormals(void)
{
    const uint32_t before = _mm_getcsr();
    if ((before & JD_FLUSH) != JD_FLUSH) _mm_setcsr(before | JD_FLUSH);
    return before;
}
static inline void jd__flush_end(uint32_t before)
{
    if ((before & JD_FLUSH) != JD_FLUSH) _mm_setcsr(before);
}
#else
static inline uint32_t jd__flush_denormals(void)
{
    return 0;
}
static inline void jd__flush_end(uint32_t before)
{
    (void)before;
}
#endif

#endif
