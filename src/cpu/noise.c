/*
 * noise.c - normal numbers for searches in many dimensions, and the step of a separable distribution.
 *
 * Noise is float32, made from 32 random bits each: the sign, and the probability t of what lies beyond it on either side,
 * so that the tails keep their precision (they end at 6.2).  Inverse error function: M. B. Giles, "Approximating the erfinv
 * function", GPU Computing Gems, 2010, single precision.  All that it scales is float64.
 */
#include "cpu/control.h"
#include "cpu/vecmath.h"

enum { BLOCKS = 16, CHUNK = 4 * BLOCKS }; /* counters at a time; numbers made of them */

/* 64-bit lanes of which the low halves count: a product of 32 bits fills a lane. */
#if defined(JD_ISA_avx512)
typedef __m512i vw;
#define WL           8
#define all_lanes(m) ((m) == 0xffff)
#define vw_set1(x)   _mm512_set1_epi64((int64_t)(x))
#define vw_load(p)   _mm512_loadu_si512(p)
#define vw_add(a, b) _mm512_add_epi64(a, b)
#define vw_mul(a, b) _mm512_mul_epu32(a, b)
#define vw_high(a)   _mm512_srli_epi64(a, 32)
#define vw_low(a)    _mm512_slli_epi64(a, 32)
#define vw_xor(a, b) _mm512_xor_si512(a, b)
#elif defined(JD_ISA_avx2)
typedef __m256i vw;
#define WL           4
#define all_lanes(m) (_mm256_movemask_ps(m) == 0xff)
#define vw_set1(x)   _mm256_set1_epi64x((int64_t)(x))
#define vw_load(p)   _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vw_add(a, b) _mm256_add_epi64(a, b)
#define vw_mul(a, b) _mm256_mul_epu32(a, b)
#define vw_high(a)   _mm256_srli_epi64(a, 32)
#define vw_low(a)    _mm256_slli_epi64(a, 32)
#define vw_xor(a, b) _mm256_xor_si256(a, b)
#else
typedef uint64_t vw;
#define WL           1
#define all_lanes(m) (m)
#define vw_set1(x)   ((uint64_t)(x))
#define vw_load(p)   (*(p))
#define vw_add(a, b) ((a) + (b))
#define vw_mul(a, b) ((uint64_t)(uint32_t)(a) * (uint32_t)(b))
#define vw_high(a)   ((a) >> 32)
#define vw_low(a)    ((a) << 32)
#define vw_xor(a, b) ((a) ^ (b))
#endif

/* Philox4x32-10 of the counters first + 0, 1 .. WL - 1 and first + 8 .. first + 8 + WL - 1: in word j of lane i the low
 * half is of the first, the high half of the second. */
JD_INLINE void philox(uint64_t first, const uint32_t key[2], const uint32_t high[2], vw out[4])
{
    static const uint64_t count[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const vw m0 = vw_set1(0xD2511F53u), m1 = vw_set1(0xCD9E8D57u);
    vw a[2], b[2], c[2], d[2];
    uint32_t k0 = key[0], k1 = key[1];
    JD_UNROLL for (int h = 0; h < 2; h++)
    {
        a[h] = vw_add(vw_set1(first + 8 * (uint64_t)h), vw_load(count));
        b[h] = vw_high(a[h]), c[h] = vw_set1(high[0]), d[h] = vw_set1(high[1]);
    }
    JD_UNROLL for (int round = 0; round < 10; round++)
    {
        const vw x0 = vw_set1(k0), x1 = vw_set1(k1);
        JD_UNROLL for (int h = 0; h < 2; h++)
        {
            const vw p = vw_mul(a[h], m0), q = vw_mul(c[h], m1);
            a[h] = vw_xor(vw_xor(vw_high(q), b[h]), x0);
            c[h] = vw_xor(vw_xor(vw_high(p), d[h]), x1);
            b[h] = q;
            d[h] = p;
        }
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    const vw *word[4] = {a, b, c, d};
    JD_UNROLL for (int j = 0; j < 4; j++) out[j] = vw_xor(vw_high(vw_low(word[j][0])), vw_low(word[j][1]));
}

JD_INLINE vf poly(const float *c, int n, vf w)
{
    vf p = vf_set1(c[0]);
    for (int i = 1; i < n; i++) p = vf_fma(p, w, vf_set1(c[i]));
    return p;
}

/* -log of a normal number in (0, 1], without the special cases of vf_log: x = m 2^e, m in [sqrt(1/2),
 * sqrt 2), Cephes' polynomial. */
JD_INLINE vf minus_log(vf x)
{
    const vi bits = vi_sub(vf_bits(x), vi_set1(0x3f3504f3));
    const vf k = vi_float(vi_sar(bits, 23));
    const vf m = vi_as_float(vi_add(vi_and(bits, vi_set1(0x007fffff)), vi_set1(0x3f3504f3)));
    const vf f = vf_sub(m, vf_set1(1.f)), z = vf_mul(f, f);
    static const float c[] = {
        7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
        -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f,  -.5f};
    return vf_fnma(k, vf_set1(0.693147181f), vf_fnma(poly(c, 10, f), z, vf_sub(vf_zero(), f)));
}

/* sqrt(2) erfinv(x), |x| = 1 - t, from 32 bits. */
JD_INLINE vf normal(vi bits)
{
    static const float near[] = {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f,
                                 -0.00125372503f, -0.00417768164f, 0.246640727f,    1.50140941f};
    static const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                                -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
    const vf t = vf_fma(vi_float(vi_and(bits, vi_set1(0x7fffffff))), vf_set1(0x1p-31f), vf_set1(0x1p-32f));
    const vf w = minus_log(vf_mul(t, vf_sub(vf_set1(2.f), t))); /* -log((1 - x) (1 + x)) */
    const vm middle = vf_gt(vf_set1(5.f), w);
    vf p = poly(near, 9, vf_sub(w, vf_set1(2.5f)));
    if (!all_lanes(middle)) /* one vector in twenty */
        p = vf_select(middle, p, poly(far, 9, vf_sub(vf_sqrt(vf_max(w, vf_zero())), vf_set1(3.f))));
    const vf x = vf_mul(vf_mul(p, vf_sub(vf_set1(1.f), t)), vf_set1(1.41421356f));
    return vi_as_float(vi_xor(vf_bits(x), vi_and(bits, vi_set1(INT32_MIN))));
}

/* Numbers e .. e + 63 of a stream: word j of the counters e/4 + i and e/4 + 8 + i is number 16 j + 2 i and the next. */
JD_INLINE void chunk(size_t e, const uint32_t key[2], const uint32_t high[2], float *to)
{
    vw word[4];
    int32_t bits[2 * WL];
    for (int i = 0; i < 8; i += WL) {
        philox(e / 4 + (uint64_t)i, key, high, word);
        for (int j = 0; j < 4; j++) {
            __builtin_memcpy(bits, &word[j], sizeof bits);
            for (int l = 0; l < 2 * WL; l += VL) vf_store(to + j * BLOCKS + 2 * i + l, normal(vi_load(bits + l)));
        }
    }
}

void JD_K(jd__noise)(const uint32_t key[2], const uint32_t high[2], size_t first, size_t n, const double *mu,
                     const double *sigma, float *noise, double *x)
{
    for (size_t e = 0; e < n; e += CHUNK) {
        float all[CHUNK];
        const size_t some = n - e < CHUNK ? n - e : CHUNK;
        chunk(first + e, key, high, all);
        for (size_t i = 0; i < some; i++) noise[e + i] = all[i];
        for (size_t i = 0; i < some; i++) x[e + i] = mu[e + i] + sigma[e + i] * (double)all[i];
    }
}

/* e^x for |x| <= 100, as jd__exp64 but without branches: x = k ln 2 + r, k by adding what leaves no room for fractions. */
JD_INLINE double exponential(double x)
{
    const double magic = 0x1.8p52, s = x * 1.44269504088896340736 + magic, k = s - magic;
    const double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double e = 1.6059043836821613e-10;
    e = e * r + 2.08767569878681e-09, e = e * r + 2.505210838544172e-08, e = e * r + 2.755731922398589e-07;
    e = e * r + 2.7557319223985893e-06, e = e * r + 2.48015873015873e-05, e = e * r + 1.984126984126984e-04;
    e = e * r + 1.388888888888889e-03, e = e * r + 8.333333333333333e-03, e = e * r + 4.1666666666666664e-02;
    e = e * r + 1.6666666666666666e-01, e = e * r + .5, e = e * r + 1, e = e * r + 1;
    uint64_t bits;
    double two;
    __builtin_memcpy(&bits, &s, sizeof bits);
    bits = (bits << 52) + 0x3ff0000000000000u;
    __builtin_memcpy(&two, &bits, sizeof two);
    return e * two;
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
        sigma[d] *= exponential(grow < 100 ? grow > -100 ? grow : -100 : 100);
    }
}
