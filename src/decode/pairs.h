/* pairs.h - a table from pairs of numbers to numbers above 0: the edges of trees. */
#ifndef JD_DECODE_PAIRS_H
#define JD_DECODE_PAIRS_H

#include "jackdaw/base.h"

typedef struct pairs {
    uint64_t *key;
    uint32_t *value;   /* 0: a free place */
    size_t size, used; /* size: a power of two, at least twice `used` */
} pairs;

/* The value at (a, b), or 0. */
static inline uint32_t jd__pairs_get(const pairs *p, uint32_t a, uint32_t b);
/* Adds a pair that is not there yet; value > 0.  False on lack of memory. */
bool jd__pairs_put(jd_ctx *ctx, pairs *p, uint32_t a, uint32_t b, uint32_t value);
void jd__pairs_clear(pairs *p);
void jd__pairs_free(jd_ctx *ctx, pairs *p);

static inline size_t jd__pairs_hash(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(x ^ x >> 31);
}

static inline uint32_t jd__pairs_get(const pairs *p, uint32_t a, uint32_t b)
{
    if (!p->size) return 0;
    const uint64_t key = (uint64_t)a << 32 | b;
    for (size_t at = jd__pairs_hash(key);; at++) {
        at &= p->size - 1;
        if (!p->value[at] || p->key[at] == key) return p->value[at];
    }
}

#endif
