/*
 * bench.h - what this machine can do at most, measured now.
 *
 *     jd_peaks peak = jd_measure_peaks(ctx, 0.05);
 *     printf("%.0f GFLOP/s\n", peak.flops / 1e9);
 */
#ifndef JACKDAW_BENCH_H
#define JACKDAW_BENCH_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Per second, of all the context's threads together. */
typedef struct jd_peaks {
    double flops;        /* float32 multiply-adds, two operations each */
    double l2, l3, dram; /* bytes read from working sets of 256 KiB, 4 MiB and 96 MiB a thread */
} jd_peaks;

/* The best of several bursts of about `seconds` each. */
JD_API jd_peaks jd_measure_peaks(jd_ctx *ctx, double seconds);
/* The multiply-add rate alone. */
JD_API double jd_measure_flops(jd_ctx *ctx, double seconds);

#ifdef __cplusplus
}
#endif
#endif
