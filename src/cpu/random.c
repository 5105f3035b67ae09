/*
 * random.c - random arrays, many blocks at a time: plain loops over arrays, which the compiler puts into vectors.  Numbers
 * and bits are those of ops/random.c.
 */
#include "base/ctx.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "ops/attrs.h"

enum { BLOCKS = 64 }; /* at a time */

/* Philox4x32-10 of the counters (first + i, step): word j of block i in out[j][i]. */
static void blocks(uint64_t first, uint32_t step, const uint32_t key[2], uint32_t out[4][BLOCKS])
{
    uint32_t *restrict a = out[0], *restrict b = out[1], *restrict c = out[2], *restrict d = out[3];
    for (int i = 0; i < BLOCKS; i++) {
        uint64_t n = first + (uint64_t)i;
        a[i] = (uint32_t)n;
        b[i] = (uint32_t)(n >> 32);
        c[i] = step;
        d[i] = 0;
    }
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int i = 0; i < BLOCKS; i++) {
            const uint64_t p = (uint64_t)0xD2511F53u * a[i], q = (uint64_t)0xCD9E8D57u * c[i];
            const uint32_t na = (uint32_t)(q >> 32) ^ b[i] ^ k0, nc = (uint32_t)(p >> 32) ^ d[i] ^ k1;
            a[i] = na;
            b[i] = (uint32_t)q;
            c[i] = nc;
            d[i] = (uint32_t)p;
        }
}

void JD_K(jd__k_random)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_random)(const jd_call *c, const jd_worker *w)
{
    const jd_random_attr *a = c->attr;
    float *y = c->out[0];
    uint32_t key[2], u[4][BLOCKS];
    jd__rng_key(c->seed, a->name_hash, key);
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), (size_t)4 * BLOCKS, &begin, &end);
    for (size_t e = begin; e < end; e += (size_t)4 * BLOCKS) {
        const size_t n = end - e < (size_t)4 * BLOCKS ? end - e : (size_t)4 * BLOCKS;
        blocks(e / 4, *(const uint32_t *)c->in[0], key, u);
        if (a->kind)
            for (size_t i = 0; i < n; i++)
                y[e + i] = (float)jd__normal_quantile(((double)u[i % 4][i / 4] + 0.5) * 0x1p-32);
        else if (n == (size_t)4 * BLOCKS)
            for (size_t i = 0; i < BLOCKS; i++)
                for (size_t j = 0; j < 4; j++) y[e + 4 * i + j] = (float)(int32_t)(u[j][i] >> 8) * 0x1p-24f;
        else
            for (size_t i = 0; i < n; i++) y[e + i] = (float)(u[i % 4][i / 4] >> 8) * 0x1p-24f;
    }
}
