/*
 * memory.c - zeroed, 64-byte aligned memory from the context's allocator.
 */
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "base/number.h"
#include "base/ctx.h"

void *jd_alloc(jd_ctx *ctx, size_t bytes)
{
    if (!ctx) return NULL;
    size_t padded;
    /* Whole cache lines: a vector load at the end of an array stays inside its allocation, and 0 bytes are an object. */
    void *p = NULL;
    if (!__builtin_add_overflow(bytes ? bytes : 1, (size_t)63, &padded)) {
        padded &= ~(size_t)63;
        p = ctx->alloc(ctx->alloc_user, padded);
        if (p) return memset(p, 0, padded);
    }
    jd_fail(ctx, JD_ENOMEM, "out of memory: %zu bytes asked for; make the model or the batch smaller", bytes);
    return NULL;
}

void *jd_alloc_array(jd_ctx *ctx, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        jd_fail(ctx, JD_ENOMEM, "out of memory: %zu objects of %zu bytes asked for", count, size);
        return NULL;
    }
    return jd_alloc(ctx, bytes);
}

void *jd_realloc(jd_ctx *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    void *q = jd_alloc(ctx, new_bytes);
    if (!q) return NULL; /* p stays valid, as with the C library's realloc */
    if (p) {
        memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
        jd_free(ctx, p);
    }
    return q;
}

char *jd_strdup(jd_ctx *ctx, const char *s)
{
    if (!jd__given(ctx, __func__, "s", s)) return NULL;
    const size_t bytes = strlen(s) + 1;
    char *copy = jd_alloc(ctx, bytes);
    if (copy) memcpy(copy, s, bytes);
    return copy;
}

char *jd_asprintf(jd_ctx *ctx, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = jd__vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = NULL;
    if (n < 0)
        jd_fail(ctx, JD_EINTERNAL, "jd_asprintf: the format \"%s\" cannot be printed", fmt);
    else if ((s = jd_alloc(ctx, (size_t)n + 1)) != NULL)
        jd__vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void jd_free(jd_ctx *ctx, void *p)
{
    if (p) ctx->free(ctx->alloc_user, p);
}
