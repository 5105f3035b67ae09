/*
 * ranks.c - joining, sharing out, and the mean of gradients.
 *
 * The order of a sum is that of the shards' numbers: neighbours are added, then neighbouring pairs, and so on.  A rank
 * adds its own shards as they come, as a binary counter carries; each rank then adds one stretch of the ranks' sums in the
 * same manner and gives it to all.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/plugin.h"
#include "base/ranks.h"
#include "jackdaw/ranks.h"

/* ---- sums ------------------------------------------------------------------------------------------------------------------*/

static void add(void *to, const void *x, size_t n, size_t real)
{
    if (real == sizeof(float))
        for (size_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)x)[i];
    else
        for (size_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)x)[i];
}

/* piece (size, n): neighbours added level by level; the sum is in the first. */
static void add_pieces(char *piece, int size, size_t n, size_t real)
{
    for (int step = 1; step < size; step *= 2)
        for (int r = 0; r + step < size; r += 2 * step)
            add(piece + (size_t)r * n * real, piece + (size_t)(r + step) * n * real, n, real);
}

static jd_status make_room(jd_group *g, size_t bytes)
{
    if (bytes <= g->bytes) return JD_OK;
    for (int k = 0; k < 32; k++) {
        jd_free(g->ctx, g->level[k]);
        g->level[k] = NULL;
    }
    jd_free(g->ctx, g->work);
    g->bytes = 0;
    g->work = jd_alloc(g->ctx, bytes + (size_t)g->size * 64);
    for (int k = 0; k < 32 && 1 << k <= 2 * g->local; k++) g->level[k] = jd_alloc(g->ctx, bytes);
    if (!jd_error(g->ctx)) g->bytes = bytes;
    return jd_error(g->ctx);
}

static jd_status lost(jd_group *g)
{
    return jd_fail(g->ctx, JD_EIO, "rank %d: the other ranks cannot be reached; start again with --resume", g->rank);
}

/* This rank's sum of its shards is in level[top]; out = mean over all ranks. */
static jd_status over_ranks(jd_group *g, const char *sum, void *out, size_t n, size_t real)
{
    const size_t size = (size_t)g->size;
    size_t *send = jd_alloc_array(g->ctx, 2 * size, sizeof *send), *take = send + size;
    if (!send) return jd_error(g->ctx);
    const size_t begin = n * (size_t)g->rank / size, mine = n * ((size_t)g->rank + 1) / size - begin;
    for (size_t r = 0; r < size; r++) {
        send[r] = (n * (r + 1) / size - n * r / size) * real;
        take[r] = mine * real;
    }
    int bad = g->transport->exchange(sum, send, g->work, take);
    add_pieces(g->work, g->size, mine, real);
    bad = bad || g->transport->gather(g->work, mine * real, out, send);
    jd_free(g->ctx, send);
    return bad ? lost(g) : JD_OK;
}

static void mean(jd_group *g, const void *in, void *out, size_t n, size_t real)
{
    if (jd_error(g->ctx) || make_room(g, n * real)) return;
    if (!g->pushed) memset(g->full, 0, sizeof g->full);
    int k = 0;
    const char *sum = in;
    for (; g->full[k]; k++) { /* the neighbour before has the lower number */
        add(g->level[k], sum, n, real);
        sum = g->level[k];
        g->full[k] = false;
    }
    memcpy(g->level[k], sum, n * real);
    g->full[k] = true;
    if (++g->pushed < g->local) return;
    g->pushed = 0;
    const char *all = NULL; /* what is left over passes up: the smallest stretch is the last */
    for (k = 0; k < 32; k++) {
        if (!g->full[k]) continue;
        if (all) add(g->level[k], all, n, real);
        all = g->level[k];
    }
    if (g->transport && over_ranks(g, all, out, n, real)) return;
    if (!g->transport) memcpy(out, all, n * real);
    const double part = 1. / g->shards;
    for (size_t i = 0; i < n && real == sizeof(float); i++) ((float *)out)[i] *= (float)part;
    for (size_t i = 0; i < n && real == sizeof(double); i++) ((double *)out)[i] *= part;
}

/* ---- joining ---------------------------------------------------------------------------------------------------------------*/

static int launched(void)
{
    static const char *const name[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const char *text = getenv(name[i]);
        if (i == 2 && !getenv("SLURM_PROCID")) continue;
        if (text && atoi(text) > 0) return atoi(text);
    }
    return 1;
}

static jd_status join(jd_group *g, int count)
{
    char message[512];
    g->library =
        jd__plugin_open("libjackdaw-mpi.so", "JACKDAW_MPI_PLUGIN", RTLD_NOW | RTLD_GLOBAL, message, sizeof message);
    jd_transport_open *open = NULL;
    if (g->library) {
        void *symbol = dlsym(g->library, "jd_transport_mpi");
        memcpy(&open, &symbol, sizeof open);
        snprintf(message, sizeof message, "the MPI plug-in belongs to another version of the library");
    }
    g->transport = open ? open(message, sizeof message) : NULL;
    if (!g->transport || g->transport->abi != JD_TRANSPORT_ABI)
        return jd_fail(g->ctx, JD_EABSENT,
                       "started as one of %d ranks, but %s; install libopenmpi-dev and openmpi-bin, build again, and "
                       "keep libjackdaw-mpi.so beside the program (or name it in JACKDAW_MPI_PLUGIN)",
                       count, message);
    g->rank = g->transport->rank;
    g->size = g->transport->size;
    return JD_OK;
}

static void leave(jd_group *g)
{
    jd_ctx *ctx = g->ctx;
    const jd_status status = jd_error(ctx);
    /* After an error of this rank alone the others may wait for it: without a farewell the launcher ends them. */
    if (g->transport && (!status || status == JD_EINTERRUPT || status == JD_ESTOPPED)) g->transport->leave();
    for (int k = 0; k < 32; k++) jd_free(ctx, g->level[k]);
    jd_free(ctx, g->work);
    jd_free(ctx, g);
}

jd_status jd_ranks_join(jd_ctx *ctx, int shards)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (ctx->group) return jd_fail(ctx, JD_EUSAGE, "jd_ranks_join: this context has joined already");
    jd_group *g = jd_alloc(ctx, sizeof *g);
    if (!g) return jd_error(ctx);
    *g = (jd_group){.ctx = ctx, .size = 1, .mean = mean, .free = leave};
    ctx->group = g;
    const int count = launched();
    if (count > 1 && join(g, count)) return jd_error(ctx);
    g->shards = shards > 0 ? shards : g->size;
    g->local = g->shards / g->size;
    const bool even = g->shards % g->size == 0, power = (g->local & (g->local - 1)) == 0;
    if (shards < 0 || !even || !(power || g->size == 1) || g->shards > 1 << 16)
        return jd_fail(ctx, JD_EUSAGE,
                       "%d shards on %d ranks; give a multiple of the ranks so that each has 1, 2, 4, 8... of them",
                       shards, g->size);
    return JD_OK;
}

int jd_my_rank(const jd_ctx *ctx)
{
    return ctx && ctx->group ? ctx->group->rank : 0;
}

int jd_ranks(const jd_ctx *ctx)
{
    return ctx && ctx->group ? ctx->group->size : 1;
}

int jd_shards(const jd_ctx *ctx)
{
    return ctx && ctx->group ? ctx->group->shards : 1;
}

/* ---- sharing out -----------------------------------------------------------------------------------------------------------*/

void jd_rank_share(const jd_ctx *ctx, size_t n, size_t *begin, size_t *end)
{
    const size_t rank = (size_t)jd_my_rank(ctx), size = (size_t)jd_ranks(ctx);
    *begin = n * rank / size;
    *end = n * (rank + 1) / size;
}

/* Every meeting tells whether a rank wishes to stop. */
static int hear_wishes(jd_group *g, size_t *counts)
{
    const unsigned char mine = g->wish;
    unsigned char *all = jd_alloc(g->ctx, (size_t)g->size);
    for (int r = 0; r < g->size; r++) counts[r] = 1;
    const int bad = !all || g->transport->gather(&mine, 1, all, counts);
    for (int r = 0; !bad && r < g->size; r++) g->stopping = g->stopping || all[r];
    jd_free(g->ctx, all);
    return bad;
}

jd_status jd_ranks_gather(jd_ctx *ctx, void *all, size_t n, size_t bytes)
{
    jd_group *g = ctx->group;
    if (jd_error(ctx) || !g || !g->transport) return jd_error(ctx);
    const size_t size = (size_t)g->size;
    size_t *counts = jd_alloc_array(ctx, size, sizeof *counts), begin, end;
    char *copy = jd_alloc(ctx, n * bytes + 1);
    if (counts && copy) {
        jd_rank_share(ctx, n, &begin, &end);
        int bad = hear_wishes(g, counts);
        for (size_t r = 0; r < size; r++) counts[r] = (n * (r + 1) / size - n * r / size) * bytes;
        if (n) memcpy(copy, (char *)all + begin * bytes, (end - begin) * bytes);
        bad = bad || g->transport->gather(copy, (end - begin) * bytes, all, counts);
        if (bad) lost(g);
    }
    jd_free(ctx, copy);
    jd_free(ctx, counts);
    return jd_error(ctx);
}

jd_status jd_ranks_exchange(jd_ctx *ctx, const void *out, const size_t *out_bytes, void **in, size_t *in_bytes)
{
    jd_group *g = ctx->group;
    const size_t size = (size_t)jd_ranks(ctx);
    size_t all = 0;
    *in = NULL;
    if (jd_error(ctx)) return jd_error(ctx);
    if (g && g->transport) { /* first how much, then that */
        size_t *one = jd_alloc_array(ctx, size, sizeof *one);
        for (size_t r = 0; one && r < size; r++) one[r] = sizeof *out_bytes;
        const int bad = !one || g->transport->exchange(out_bytes, one, in_bytes, one);
        jd_free(ctx, one);
        if (bad) return lost(g);
    } else {
        in_bytes[0] = out_bytes[0];
    }
    for (size_t r = 0; r < size; r++) all += in_bytes[r];
    *in = jd_alloc(ctx, all + 1);
    if (!*in) return jd_error(ctx);
    if (!g || !g->transport)
        memcpy(*in, out, all);
    else if (g->transport->exchange(out, out_bytes, *in, in_bytes))
        return lost(g);
    return JD_OK;
}

bool jd_ranks_stopping(jd_ctx *ctx, bool wish)
{
    jd_group *g = ctx->group;
    if (!g || !g->transport) return wish;
    g->wish = g->wish || wish;
    return g->stopping;
}
