/* scan.h (internal) - what scan_net.c and scanner.c share. */
#ifndef JD_VISION_SCAN_H
#define JD_VISION_SCAN_H

#include "jackdaw/scan.h"

/* Bytes of the largest values that are alive together when N x M outputs are computed, about. */
double jd__scan_bytes(jd_ctx *ctx, const char *net, int64_t height, int64_t width, int64_t channels, int64_t N,
                      int64_t M);

#endif
