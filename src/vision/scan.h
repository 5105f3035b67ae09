/* scan.h (internal) - what scan_net.c and scanner.c share. */
#ifndef JD_VISION_SCAN_H
#define JD_VISION_SCAN_H

#include "jackdaw/scan.h"

/* Coordinate i of an axis of n pixels, mirrored at both ends as often as needed; the edge pixels are not repeated. */
static inline int64_t jd__mirror(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

/* Bytes of the largest values that are alive together when N x M outputs are computed, about. */
double jd__scan_bytes(jd_ctx *ctx, const char *net, int64_t height, int64_t width, int64_t channels, int64_t N,
                      int64_t M);

#endif
