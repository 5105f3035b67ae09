/* ctx_tmpdir.h - what most tests of files start from: a context of one thread, a directory of its own, errors foreseen. */
#ifndef TESTS_CTX_TMPDIR_H
#define TESTS_CTX_TMPDIR_H

#include "jackdaw/base.h"
#include "tmpdir.h"

static jd_ctx *ctx;

static inline int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    return ctx ? tmpdir_setup(state) : -1;
}

static inline int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

/* The last call failed with this status and a message that holds `word`; clears the error. */
static inline void expect_error(jd_status want, const char *word)
{
    assert_int_equal(jd_error(ctx), want);
    if (!strstr(jd_error_message(ctx), word)) fail_msg("'%s' is not in: %s", word, jd_error_message(ctx));
    jd_error_clear(ctx);
}

#endif
