/*
 * error.c - the sticky first error of a context.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/ctx.h"
#include "base/given.h"

jd_status jd_error(const jd_ctx *ctx)
{
    return ctx ? jd__ctx_status(ctx) : JD_ENOMEM;
}

const char *jd_error_message(const jd_ctx *ctx)
{
    if (!ctx) return "no context: out of memory, or an instruction set that is unknown or that this CPU lacks";
    /* Written once, before status becomes nonzero. */
    return jd_error(ctx) ? ctx->message : "";
}

void jd_error_clear(jd_ctx *ctx)
{
    if (!ctx) return;
    pthread_mutex_lock(&ctx->lock);
    __atomic_store_n(&ctx->status, JD_OK, __ATOMIC_RELEASE);
    ctx->message[0] = '\0';
    pthread_mutex_unlock(&ctx->lock);
}

/* A text that is too long, because of a path or a line that it quotes, keeps its beginning and its end, where the reason
 * stands. */
static void print_message(char *text, size_t size, const char *fmt, va_list args)
{
    static const char gap[] = " ... ";
    va_list again;
    va_copy(again, args);
    const int n = jd__vsnprintf(text, size, fmt, args);
    char *whole = n >= (int)size ? malloc((size_t)n + 1) : NULL;
    if (n < 0) text[0] = '\0';
    if (whole) {
        size_t head = size / 2, tail = (size_t)n - (size - 1 - head - (sizeof gap - 1));
        jd__vsnprintf(whole, (size_t)n + 1, fmt, again);
        /* Not within a character of UTF-8. */
        while (head > 0 && (whole[head] & 0xc0) == 0x80) head--;
        while ((whole[tail] & 0xc0) == 0x80) tail++;
        memcpy(text + head, gap, sizeof gap - 1);
        memcpy(text + head + sizeof gap - 1, whole + tail, (size_t)n - tail + 1);
        free(whole);
    }
    va_end(again);
}

bool jd__given(jd_ctx *ctx, const char *fn, const char *what, const void *p)
{
    if (ctx && !p) jd_fail(ctx, JD_EUSAGE, "%s: %s is NULL", fn, what);
    return ctx && p;
}

jd_status jd_fail(jd_ctx *ctx, jd_status status, const char *fmt, ...)
{
    if (!ctx) return status;
    pthread_mutex_lock(&ctx->lock);
    if (ctx->status == JD_OK && status != JD_OK) {
        va_list ap;
        va_start(ap, fmt);
        print_message(ctx->message, sizeof ctx->message, fmt, ap);
        va_end(ap);
        __atomic_store_n(&ctx->status, status, __ATOMIC_RELEASE);
    }
    status = ctx->status;
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

bool jd__library_failed(jd_ctx *ctx, const char *name, const char *library)
{
    if (errno != ENOMEM) return false;
    jd_fail(ctx, JD_ENOMEM, "%s: out of memory in %s; make the model or the batch smaller", name, library);
    return true;
}
