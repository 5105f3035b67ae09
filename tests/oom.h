/* oom.h - what test_oom.c does without memory: short programs against the public headers. */
#ifndef JD_TESTS_OOM_H
#define JD_TESTS_OOM_H

#include <stddef.h>
#include <stdint.h>

#include "jackdaw/base.h"

typedef struct oom_scenario {
    const char *name;
    /* Leaves nothing behind but files in oom_dir, and adds what it computed to the sum, which must be the same each time. */
    void (*run)(jd_ctx *ctx, uint64_t *sum);

    int threads;
} oom_scenario;
extern const oom_scenario oom_learning[], oom_files[], oom_tools[]; /* each ends with a name of NULL */

/* A path in the test's folder; four of them can be held at once. */
const char *oom_path(const char *name);
void oom_add(uint64_t *sum, const void *data, size_t bytes);

#endif
