/* device.c - finding and opening the plug-in of a device. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/device.h"
#include "base/plugin.h"
#include "jackdaw/device.h"

static const char *const NAMES[] = {"cpu", "cuda", "cuda-emulated", NULL};
static const char *const PRECISIONS[] = {"exact", "tf32", "bf16", NULL};

static int find_word(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], word)) return i;
    return -1;
}

static const jd_device_api *table_of(jd_ctx *ctx, const char *name, void *library)
{
    jd_device_entry *entry;
    *(void **)&entry = dlsym(library, "jd_device_plugin");
    const jd_device_api *api = entry ? entry() : NULL;
    if (!api || api->abi != JD_DEVICE_ABI) {
        jd_fail(ctx, JD_EABSENT,
                "device %s: its plug-in belongs to another version of the library; build both together", name);
        return NULL;
    }
    return api;
}

static void open_device(jd_ctx *ctx, const jd_device_options *o)
{
    const char *name = o->device ? o->device : "cpu", *precision = o->precision ? o->precision : "exact";
    char why[512], file[64];
    const int n = find_word(name, NAMES), p = find_word(precision, PRECISIONS);
    if (n < 0 || p < 0) {
        const char *near = n < 0 ? jd_nearest(name, NAMES) : jd_nearest(precision, PRECISIONS);
        jd_fail(ctx, JD_EUSAGE, "%s \"%s\" is not known%s%s%s", n < 0 ? "device" : "precision",
                n < 0 ? name : precision, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return;
    }
    if (n == 0) return;
    snprintf(file, sizeof file, "libjackdaw-%s.so", name);
    /* The CUDA runtime in the plug-in leaves things behind that threads and the driver come back to: it stays loaded. */
    const int stays = n == 2 ? 0 : RTLD_NODELETE, flags = RTLD_NOW | RTLD_LOCAL | stays;
    void *library = jd__plugin_open(file, n == 2 ? NULL : "JACKDAW_CUDA_PLUGIN", flags, why, sizeof why);
    if (!library) {
        jd_fail(ctx, JD_EABSENT, "device %s: %s; build with nvcc present (-DJACKDAW_CUDA=ON), or use the CPU", name,
                why);
        return;
    }
    jd_device *d = jd_alloc(ctx, sizeof *d);
    const jd_device_api *api = d ? table_of(ctx, name, library) : NULL;
    if (!api) {
        dlclose(library);
        jd_free(ctx, d);
        return;
    }
    const char *fallback = getenv("JACKDAW_CUDA_FALLBACK");
    *d = (jd_device){.api = api, .library = library, .precision = (jd_precision)p};
    if (fallback) snprintf(d->fallback, sizeof d->fallback, ",%s,", fallback);
    ctx->device = d;
    if (o->describe_only) return;
    d->handle = api->open(d->precision, why, sizeof why);
    if (d->handle) return;
    jd__device_close(ctx);
    jd_fail(ctx, JD_EABSENT, "device %s: %s", name, why);
}

jd_ctx *jd_ctx_new_on(const jd_options *o, const jd_device_options *d)
{
    jd_ctx *ctx = jd_ctx_new(o);
    if (ctx && d) open_device(ctx, d);
    return ctx;
}

void jd__device_close(jd_ctx *ctx)
{
    jd_device *d = ctx->device;
    if (!d) return;
    if (d->handle) d->api->close(d->handle);
    dlclose(d->library);
    jd_free(ctx, d);
    ctx->device = NULL;
}

const char *jd_ctx_device(const jd_ctx *ctx)
{
    return ctx && ctx->device ? ctx->device->api->name : "cpu";
}

const char *jd_ctx_device_text(const jd_ctx *ctx)
{
    const jd_device *d = ctx ? ctx->device : NULL;
    return d && d->handle ? d->api->describe(d->handle) : jd_ctx_device(ctx);
}

jd_status jd_ctx_sync(jd_ctx *ctx)
{
    if (!ctx) return JD_ENOMEM;
    const jd_device *d = ctx->device;
    if (!d || !d->handle || jd_error(ctx) || !d->api->sync(d->handle)) return jd_error(ctx);
    return jd__device_failed(ctx);
}

jd_status jd__device_failed(jd_ctx *ctx)
{
    const jd_device *d = ctx->device;
    return jd_fail(ctx, JD_EIO, "device %s: %s", d->api->name, d->api->error(d->handle));
}

/* ---- what runs there, and what does not ------------------------------------------------------------------------------*/

bool jd__device_shunned(const jd_device *d, const char *name)
{
    char word[64];
    snprintf(word, sizeof word, ",%s,", name);
    return strstr(d->fallback, word) != NULL;
}

void jd__device_leave(jd_ctx *ctx, const char *format, ...)
{
    jd_device *d = ctx->device;
    char what[160];
    va_list args;
    if (!d) return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const size_t n = strlen(d->left), more = strlen(what);
    if (strstr(d->left, what)) return;
    if (n + more + 8 < sizeof d->left)
        snprintf(d->left + n, sizeof d->left - n, "%s%s", n ? ", " : "", what);
    else if (n < 3 || strcmp(d->left + n - 3, "..."))
        snprintf(d->left + n, sizeof d->left - n, ", ...");
}

const char *jd_ctx_device_left(const jd_ctx *ctx)
{
    const jd_device *d = ctx ? ctx->device : NULL;
    return d && d->left[0] ? d->left : NULL;
}

bool jd_ctx_device_used(const jd_ctx *ctx)
{
    return ctx && ctx->device && ctx->device->used;
}

const char *jd_ctx_device_did(const jd_ctx *ctx)
{
    jd_device *d = ctx ? ctx->device : NULL;
    if (!d) return "cpu";
    if (!d->used)
        snprintf(d->did, sizeof d->did, "cpu; nothing was computed on %s", d->api->name);
    else
        snprintf(d->did, sizeof d->did, "%s%s%s", jd_ctx_device_text(ctx), d->left[0] ? "; on the CPU: " : "", d->left);
    return d->did;
}

/* ---- populations -----------------------------------------------------------------------------------------------------*/

const char *jd__device_population(jd_ctx *ctx, const char *what, const jd_lane_net *n)
{
    jd_device_kernel k = {0};
    const jd_device *d = ctx->device;
    if (!d) return NULL;
    if (!jd__device_shunned(d, what) && d->api->population(n, &k)) return k.name;
    jd__device_leave(ctx, "%ss of nets of %d-%d-%d units", what, n->inputs, n->hidden, n->outputs);
    return NULL;
}

jd_status jd__device_room(jd_ctx *ctx, jd_device_room *r, size_t bytes)
{
    const jd_device *d = ctx->device;
    if (r->p && r->bytes >= bytes) return JD_OK;
    if (!d->handle)
        return jd_fail(ctx, JD_EABSENT, "device %s: it was not opened; this context can only describe", d->api->name);
    jd__device_room_free(ctx, r);
    r->p = d->api->alloc(d->handle, bytes);
    if (!r->p)
        return jd_fail(ctx, JD_ENOMEM, "device %s: no room for %zu bytes; use a smaller population", d->api->name,
                       bytes);
    r->bytes = bytes;
    return JD_OK;
}

void jd__device_room_free(jd_ctx *ctx, jd_device_room *r)
{
    const jd_device *d = ctx->device;
    if (r->p && d && d->handle) d->api->release(d->handle, r->p);
    *r = (jd_device_room){NULL, 0};
}
