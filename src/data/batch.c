/* Epoch permutations, and batches of sequences of similar length. */
#include "jackdaw/data.h"

#include <string.h>

#include "base/given.h"

void jd_epoch_order(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    jd_rng r = jd_rng_new(seed, "shuffle", epoch);
    jd_rng_shuffle(&r, order, n);
}

/* Stable merge sort by decreasing length: equal lengths keep the order in which they come. */
static void sort_by_length(uint32_t *a, size_t n, uint32_t *scratch, const int32_t *length)
{
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            const size_t mid = at + run < n ? at + run : n, end = at + 2 * run < n ? at + 2 * run : n;
            size_t i = at, j = mid, k = at;
            while (i < mid && j < end) scratch[k++] = length[a[j]] > length[a[i]] ? a[j++] : a[i++];
            while (i < mid) scratch[k++] = a[i++];
            while (j < end) scratch[k++] = a[j++];
        }
        memcpy(a, scratch, n * sizeof *a);
    }
}

/* Cuts 0..samples-1 into batches; the batches of `order` come first. */
static void cut(const jd_batches_options *o, const uint32_t *samples, const uint32_t *order, jd_batches *b)
{
    size_t at = 0;
    for (size_t k = 0; k < b->count; k++) {
        const size_t begin = order[k] * o->batch;
        const size_t n = o->count - begin < o->batch ? o->count - begin : o->batch;
        b->offset[k] = at;
        memcpy(b->index + at, samples + begin, n * sizeof *b->index);
        at += n;
    }
    b->offset[b->count] = at;
}

static jd_status check(jd_ctx *ctx, const jd_batches_options *o)
{
    if (o->batch < 1 || o->count < 1 || o->count > UINT32_MAX)
        return jd_fail(ctx, JD_EUSAGE, "jd_batches_make: %zu samples in batches of %zu; both must be 1 to 4294967295",
                       o->count, o->batch);
    if (o->drop_last && o->count < o->batch)
        return jd_fail(ctx, JD_EUSAGE,
                       "jd_batches_make: %zu samples do not fill one batch of %zu; make the batch smaller", o->count,
                       o->batch);
    for (size_t i = 0; o->length && i < o->count; i++)
        if (o->length[i] < 0)
            return jd_fail(ctx, JD_EUSAGE, "jd_batches_make: sample %zu has length %d; it must not be negative", i,
                           o->length[i]);
    return JD_OK;
}

jd_status jd_batches_make(jd_ctx *ctx, const jd_batches_options *o, jd_batches *out)
{
    if (!jd__given(ctx, __func__, "o", o) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    jd_status st = check(ctx, o);
    if (st) return st;
    jd_batches b = {.count = (o->count - 1) / o->batch + 1};
    if (o->drop_last) b.count = o->count / o->batch;
    uint32_t *samples = jd_alloc_array(ctx, o->count, sizeof *samples);
    uint32_t *order = jd_alloc_array(ctx, b.count > o->count ? b.count : o->count, sizeof *order);
    b.index = jd_alloc_array(ctx, o->count, sizeof *b.index);
    b.offset = jd_alloc_array(ctx, b.count + 1, sizeof *b.offset);
    if (!jd_error(ctx)) {
        if (o->shuffle)
            jd_epoch_order(o->seed, o->epoch, samples, o->count);
        else
            for (size_t i = 0; i < o->count; i++) samples[i] = (uint32_t)i;
        size_t pool = o->count;
        if (o->pool && __builtin_mul_overflow(o->pool, o->batch, &pool)) pool = o->count;
        for (size_t at = 0; o->length && at < o->count; at += pool) {
            if (pool > o->count - at) pool = o->count - at;
            sort_by_length(samples + at, pool, order, o->length);
        }
        for (size_t k = 0; k < b.count; k++) order[k] = (uint32_t)k;
        if (o->shuffle && o->length) {
            jd_rng r = jd_rng_new(o->seed, "shuffle/batches", o->epoch);
            jd_rng_shuffle(&r, order, b.count);
        }
        cut(o, samples, order, &b);
    }
    jd_free(ctx, samples);
    jd_free(ctx, order);
    if (jd_error(ctx))
        jd_batches_free(ctx, &b);
    else
        *out = b;
    return jd_error(ctx);
}

void jd_batches_free(jd_ctx *ctx, jd_batches *batches)
{
    if (!batches) return;
    jd_free(ctx, batches->index);
    jd_free(ctx, batches->offset);
    *batches = (jd_batches){0};
}
