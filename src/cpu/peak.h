/* peak.h - bursts of pure arithmetic and pure loads, one for each instruction set. */
#ifndef JD_CPU_PEAK_H
#define JD_CPU_PEAK_H

#include <stdint.h>

#define JD_PEAK_DECLARE(isa)                                                                                           \
    double jd__fma_burst_##isa(int64_t rounds, float *sink); /* returns the floating-point operations done */          \
    double jd__read_burst_##isa(const float *data, int64_t count, int64_t rounds, float *sink); /* bytes read */
JD_PEAK_DECLARE(scalar)
JD_PEAK_DECLARE(avx2)
JD_PEAK_DECLARE(avx512)
JD_PEAK_DECLARE(neon)

#endif
