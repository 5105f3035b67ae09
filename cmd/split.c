/* split.c - samples to learn from and samples kept for validation. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

static int by_rank(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Those that are held back come first; returns how many there are. */
static size_t part_held(jd_ctx *ctx, const samples *s, uint32_t *index)
{
    if (!s->held || !memchr(s->held, true, s->count)) return 0;
    uint32_t *others = jd_alloc_array(ctx, s->count + 1, sizeof *others);
    size_t valid = 0, n = 0;
    for (size_t i = 0; others && i < s->count; i++) {
        if (s->held[index[i]])
            index[valid++] = index[i];
        else
            others[n++] = index[i];
    }
    if (others) memcpy(index + valid, others, n * sizeof *others);
    jd_free(ctx, others);
    return valid;
}

size_t samples_part(jd_ctx *ctx, const samples *s, uint32_t *index, size_t valid)
{
    const int32_t *group = s->rank == 3 ? s->images.groups : NULL;
    const size_t n = s->count, held = part_held(ctx, s, index);
    if (held) return held;
    if (!group || !valid) return valid;
    uint64_t *key = jd_alloc_array(ctx, n, sizeof *key); /* the place of the group's first sample, then the sample */
    uint32_t *place = jd_alloc_array(ctx, n, sizeof *place);
    uint64_t *pair = jd_alloc_array(ctx, n, sizeof *pair);
    for (size_t i = 0; !jd_error(ctx) && i < n; i++) {
        const uint32_t sample = index[i];
        pair[i] = (uint64_t)(uint32_t)group[sample] << 32 | (uint32_t)i;
    }
    if (!jd_error(ctx)) qsort(pair, n, sizeof *pair, by_rank);
    for (size_t i = 0, first = 0; !jd_error(ctx) && i < n; i++) {
        if (i && pair[i] >> 32 != pair[i - 1] >> 32) first = i;
        place[(uint32_t)pair[i]] = (uint32_t)pair[first]; /* of each place in the order, where its group begins */
    }
    for (size_t i = 0; !jd_error(ctx) && i < n; i++) key[i] = (uint64_t)place[i] << 32 | index[i];
    if (!jd_error(ctx)) {
        qsort(key, n, sizeof *key, by_rank);
        for (size_t i = 0; i < n; i++) index[i] = (uint32_t)key[i];
        while (valid < n && key[valid] >> 32 == key[valid - 1] >> 32) valid++;
    }
    jd_free(ctx, key);
    jd_free(ctx, place);
    jd_free(ctx, pair);
    return valid;
}
