/*
 * noise.c - normal numbers for searches in many dimensions, and the step of a separable distribution.
 *
 * Noise is float32, made from 32 random bits each (normal.h).  All that it scales is float64.
 */
#include "cpu/control.h"
#include "cpu/normal.h"
#include "jackdaw/exp.h"

enum { BLOCKS = 16, CHUNK = 4 * BLOCKS }; /* counters at a time; numbers made of them */

/* 64-bit lanes of which the low halves count: a product of 32 bits fills a lane.  With 512 bits products and shifts share one
 * port of two, which a shuffle leaves alone. */
#if defined(JD_ISA_avx512)
typedef __m512i vw;
#define WL            8
#define vw_set1(x)    _mm512_set1_epi64((int64_t)(x))
#define vw_load(p)    _mm512_loadu_si512(p)
#define vw_add(a, b)  _mm512_add_epi64(a, b)
#define vw_mul(a, b)  _mm512_mul_epu32(a, b)
#define vw_high(a)    _mm512_shuffle_epi32(a, 0xf5)
#define vw_pair(a, b) _mm512_mask_shuffle_epi32(a, 0xaaaa, b, 0xa0)
#define vw_xor(a, b)  _mm512_xor_si512(a, b)
#elif defined(JD_ISA_avx2)
typedef __m256i vw;
#define WL            4
#define vw_set1(x)    _mm256_set1_epi64x((int64_t)(x))
#define vw_load(p)    _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vw_add(a, b)  _mm256_add_epi64(a, b)
#define vw_mul(a, b)  _mm256_mul_epu32(a, b)
#define vw_high(a)    _mm256_srli_epi64(a, 32)
#define vw_pair(a, b) _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xaa)
#define vw_xor(a, b)  _mm256_xor_si256(a, b)
#else
typedef uint64_t vw;
#define WL            1
#define vw_set1(x)    ((uint64_t)(x))
#define vw_load(p)    (*(p))
#define vw_add(a, b)  ((a) + (b))
#define vw_mul(a, b)  ((uint64_t)(uint32_t)(a) * (uint32_t)(b))
#define vw_high(a)    ((a) >> 32)
#define vw_pair(a, b) ((uint64_t)(uint32_t)(a) | (b) << 32)
#define vw_xor(a, b)  ((a) ^ (b))
#endif

enum { ROUNDS = 10 };
/* What does not change from counter to counter. */
typedef struct stream {
    uint64_t key[ROUNDS][2];
    uint32_t high[2];
} stream;

/* Philox4x32-10 of the counters first + 0, 1 .. WL - 1 and first + 8 .. first + 8 + WL - 1: in word j of lane i the low
 * half is of the first, the high half of the second. */
JD_INLINE void philox(uint64_t first, const stream *s, vw out[4])
{
    static const uint64_t count[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const vw m0 = vw_set1(0xD2511F53u), m1 = vw_set1(0xCD9E8D57u);
    vw a[2], b[2], c[2], d[2];
    JD_UNROLL for (int h = 0; h < 2; h++)
    {
        a[h] = vw_add(vw_set1(first + 8 * (uint64_t)h), vw_load(count));
        b[h] = vw_high(a[h]), c[h] = vw_set1(s->high[0]), d[h] = vw_set1(s->high[1]);
    }
    JD_UNROLL for (int round = 0; round < ROUNDS; round++)
    {
        const vw x0 = vw_set1(s->key[round][0]), x1 = vw_set1(s->key[round][1]);
        JD_UNROLL for (int h = 0; h < 2; h++)
        {
            const vw p = vw_mul(a[h], m0), q = vw_mul(c[h], m1);
            a[h] = vw_xor(vw_xor(vw_high(q), b[h]), x0);
            c[h] = vw_xor(vw_xor(vw_high(p), d[h]), x1);
            b[h] = q;
            d[h] = p;
        }
    }
    const vw *word[4] = {a, b, c, d};
    JD_UNROLL for (int j = 0; j < 4; j++) out[j] = vw_pair(word[j][0], word[j][1]);
}

/* Words e .. e + 63 of a stream: word j of the counters e/4 + i and e/4 + 8 + i is number 16 j + 2 i and the next. */
JD_INLINE void chunk(size_t e, const stream *s, int32_t *to)
{
    vw word[4];
    for (int i = 0; i < 8; i += WL) {
        philox(e / 4 + (uint64_t)i, s, word);
        JD_UNROLL
        for (int j = 0; j < 4; j++) __builtin_memcpy(to + j * BLOCKS + 2 * i, &word[j], sizeof word[j]);
    }
}

enum { PIECE = 128 };

void JD_K(jd__noise)(const uint32_t key[2], const uint32_t high[2], size_t first, size_t n, const double *mu,
                     const double *sigma, float *noise, double *x)
{
    stream s = {.high = {high[0], high[1]}};
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        s.key[round][0] = k0, s.key[round][1] = k1;
    /* One thing after the other over a piece: a processor sees little beyond one number's chain.  The piece is so short that
     * what it writes waits for the caches while the next one is computed. */
    for (size_t e = 0; e < n; e += PIECE) {
        _Alignas(64) int32_t bits[PIECE];
        const size_t some = n - e < PIECE ? n - e : PIECE;
        for (size_t i = 0; i < PIECE; i += CHUNK) chunk(first + e + i, &s, bits + i);
        size_t i = 0;
        for (; i + VL <= some; i += VL) vf_store(noise + e + i, vf_normal(vi_load(bits + i)));
        if (i < some) vf_storen(noise + e + i, vf_normal(vi_load(bits + i)), (int)(some - i));
        for (i = e; i < e + some; i++) x[i] = mu[i] + sigma[i] * (double)noise[i];
    }
}

enum { BLOCK = 1024 };

void JD_K(jd__separable_move)(size_t n, size_t candidates, const uint32_t *order, const double *utility,
                              const float *noise, size_t row, double eta, double *mu, double *sigma)
{
    double first[BLOCK] = {0}, second[BLOCK] = {0}, sum = 0;
    size_t k = 0;
    for (; k + 4 <= candidates; k += 4) { /* four at a time */
        const float *a = noise + (size_t)order[k] * row, *b = noise + (size_t)order[k + 1] * row;
        const float *c = noise + (size_t)order[k + 2] * row, *e = noise + (size_t)order[k + 3] * row;
        const double *u = utility + k;
        for (size_t d = 0; d < n; d++) {
            const double wa = u[0] * (double)a[d], wb = u[1] * (double)b[d];
            const double wc = u[2] * (double)c[d], we = u[3] * (double)e[d];
            first[d] += (wa + wb) + (wc + we);
            second[d] += (wa * (double)a[d] + wb * (double)b[d]) + (wc * (double)c[d] + we * (double)e[d]);
        }
    }
    for (; k < candidates; k++) {
        const float *s = noise + (size_t)order[k] * row;
        for (size_t d = 0; d < n; d++) {
            const double w = utility[k] * (double)s[d];
            first[d] += w;
            second[d] += w * (double)s[d];
        }
    }
    for (k = 0; k < candidates; k++) sum += utility[k];
    for (size_t d = 0; d < n; d++) {
        const double grow = eta / 2 * (second[d] - sum);
        mu[d] += sigma[d] * first[d];
        sigma[d] *= jd_exp_lane_within(grow < 100 ? grow > -100 ? grow : -100 : 100);
    }
}
