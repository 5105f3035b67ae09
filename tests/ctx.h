/* ctx.h - what most tests without files start from: a context of one thread. */
#ifndef TESTS_CTX_H
#define TESTS_CTX_H

#include "jackdaw/base.h"

static jd_ctx *ctx;

static inline int setup(void **s)
{
    (void)s;
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    return ctx ? 0 : -1;
}

static inline int teardown(void **s)
{
    (void)s;
    jd_ctx_free(ctx);
    return 0;
}

#endif
