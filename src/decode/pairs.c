/* pairs.c - open addressing with linear probing. */
#include "decode/pairs.h"

#include <string.h>

static void put(pairs *p, uint64_t key, uint32_t value)
{
    size_t at = jd__pairs_hash(key) & (p->size - 1);
    while (p->value[at]) at = (at + 1) & (p->size - 1);
    p->key[at] = key;
    p->value[at] = value;
    p->used++;
}

static bool grow(jd_ctx *ctx, pairs *p)
{
    pairs larger = {.size = p->size ? 2 * p->size : 64};
    larger.key = jd_alloc_array(ctx, larger.size, sizeof *larger.key);
    larger.value = jd_alloc_array(ctx, larger.size, sizeof *larger.value);
    if (!larger.key || !larger.value) {
        jd__pairs_free(ctx, &larger);
        return false;
    }
    for (size_t i = 0; i < p->size; i++)
        if (p->value[i]) put(&larger, p->key[i], p->value[i]);
    jd__pairs_free(ctx, p);
    *p = larger;
    return true;
}

bool jd__pairs_put(jd_ctx *ctx, pairs *p, uint32_t a, uint32_t b, uint32_t value)
{
    if (2 * (p->used + 1) > p->size && !grow(ctx, p)) return false;
    put(p, (uint64_t)a << 32 | b, value);
    return true;
}

void jd__pairs_clear(pairs *p)
{
    if (p->used) memset(p->value, 0, p->size * sizeof *p->value);
    p->used = 0;
}

void jd__pairs_free(jd_ctx *ctx, pairs *p)
{
    jd_free(ctx, p->key);
    jd_free(ctx, p->value);
    *p = (pairs){0};
}
