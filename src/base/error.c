/*
 * error.c - the sticky first error of a context.
 */
#include <errno.h>
#include <stdio.h>

#include "base/ctx.h"

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

jd_status jd_fail(jd_ctx *ctx, jd_status status, const char *fmt, ...)
{
    if (!ctx) return status;
    pthread_mutex_lock(&ctx->lock);
    if (ctx->status == JD_OK && status != JD_OK) {
        va_list ap;
        va_start(ap, fmt);
        if (vsnprintf(ctx->message, sizeof ctx->message, fmt, ap) < 0) ctx->message[0] = '\0';
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
