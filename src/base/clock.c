/*
 * clock.c - the monotonic clock.
 */
#include <time.h>

#include "jackdaw/base.h"

double jd_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
