/*
 * ctx.c - making a context: options, number of threads, instruction set.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ctx.h"
#include "base/device.h"
#include "base/ranks.h"

enum { MAX_THREADS = 1024 };

/* What this processor has and this build has kernels for. */
static bool has_avx2(void)
{
#ifdef JD_HAVE_avx2
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static bool has_avx512(void)
{
#ifdef JD_HAVE_avx512
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

/* Every processor of 64-bit ARM has NEON. */
static bool has_neon(void)
{
#ifdef JD_HAVE_neon
    return true;
#else
    return false;
#endif
}

/* NULL when the wish is unknown or cannot run here. */
static const char *choose_isa(const char *wish)
{
    if (!wish) wish = getenv("JD_ISA");
    const bool any = !wish || !*wish;
    if (has_avx512() && (any || !strcmp(wish, "avx512"))) return "avx512";
    if (has_avx2() && (any || !strcmp(wish, "avx2"))) return "avx2";
    if (has_neon() && (any || !strcmp(wish, "neon"))) return "neon";
    if (any || !strcmp(wish, "scalar")) return "scalar";
    return NULL;
}

static void *system_alloc(void *user, size_t bytes)
{
    (void)user;
    void *p = NULL;
    /* A large array in large pages: its rows lie on few pages, and looking those up costs little. */
    const size_t large = (size_t)2 << 20;
    if (bytes < 2 * large) return posix_memalign(&p, 64, bytes) == 0 ? p : NULL;
    if (posix_memalign(&p, large, bytes)) return NULL;
    madvise(p, bytes & ~(large - 1), MADV_HUGEPAGE);
    return p;
}

static void system_free(void *user, void *p)
{
    (void)user;
    free(p);
}

const char *jd_version(void)
{
    return JD_VERSION_STRING;
}

jd_ctx *jd_ctx_new(const jd_options *o)
{
    static const jd_options none;
    if (!o) o = &none;
    const char *isa = choose_isa(o->isa);
    if (!isa) return NULL;
    const bool own = o->alloc && o->free;
    void *(*alloc)(void *, size_t) = own ? o->alloc : system_alloc;
    jd_ctx *ctx = alloc(own ? o->alloc_user : NULL, sizeof *ctx);
    if (!ctx) return NULL;
    memset(ctx, 0, sizeof *ctx);
    ctx->alloc = alloc;
    ctx->free = own ? o->free : system_free;
    ctx->alloc_user = own ? o->alloc_user : NULL;
    ctx->threads = o->threads > 0 ? o->threads : jd__cores();
    if (ctx->threads > MAX_THREADS) ctx->threads = MAX_THREADS;
    ctx->seed = o->seed;
    ctx->isa = isa;
    ctx->io = &jd__io_system;
    if (pthread_mutex_init(&ctx->lock, NULL)) {
        ctx->free(ctx->alloc_user, ctx);
        return NULL;
    }
    return ctx;
}

void jd_ctx_free(jd_ctx *ctx)
{
    if (!ctx) return;
    jd__device_close(ctx);
    if (ctx->group) ctx->group->free(ctx->group);
    jd_team_free(ctx->team);
    pthread_mutex_destroy(&ctx->lock);
    ctx->free(ctx->alloc_user, ctx);
}

int jd_ctx_threads(const jd_ctx *ctx)
{
    return ctx ? ctx->threads : 0;
}

uint64_t jd_ctx_seed(const jd_ctx *ctx)
{
    return ctx ? ctx->seed : 0;
}

void jd_ctx_set_seed(jd_ctx *ctx, uint64_t seed)
{
    if (ctx) ctx->seed = seed;
}

const char *jd_ctx_isa(const jd_ctx *ctx)
{
    return ctx ? ctx->isa : "";
}

jd_team *jd__ctx_team(jd_ctx *ctx)
{
    pthread_mutex_lock(&ctx->lock);
    if (ctx->team && !jd_team_here(ctx->team)) {
        jd_team_free(ctx->team);
        ctx->team = NULL;
    }
    if (!ctx->team) ctx->team = jd_team_new(ctx->threads);
    jd_team *team = ctx->team;
    pthread_mutex_unlock(&ctx->lock);
    if (!team)
        jd_fail(ctx, JD_ENOMEM, "context: %d threads cannot be started; ask for fewer (--threads)", ctx->threads);
    return team;
}
