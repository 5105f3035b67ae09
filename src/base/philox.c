/*
 * philox.c - counter-based random numbers: Philox4x32-10.
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * Normal variates: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
 * Statistics 37 (1988), procedure PPND16.
 */
#include <math.h>
#include <string.h>

#include "base/ctx.h"

void jd_philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0;
        c1 = (uint32_t)p1;
        c2 = n2;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* A bijection of 64 bits in which every input bit changes about half of the output bits. */
static uint64_t mix64(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ (x >> 32);
}

uint64_t jd__rng_hash(const char *purpose)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
    for (const unsigned char *p = (const unsigned char *)purpose; *p; p++) h = (h ^ *p) * 0x100000001B3u;
    return h;
}

void jd__rng_key(uint64_t seed, uint64_t hash, uint32_t key[2])
{
    const uint64_t k = mix64(mix64(seed + 0x9E3779B97F4A7C15u) ^ hash);
    key[0] = (uint32_t)k;
    key[1] = (uint32_t)(k >> 32);
}

jd_rng jd_rng_new(uint64_t seed, const char *purpose, uint64_t index)
{
    jd_rng r = {.ctr = {0, 0, (uint32_t)index, (uint32_t)(index >> 32)}};
    jd__rng_key(seed, jd__rng_hash(purpose), r.key);
    return r;
}

uint32_t jd_rng_u32(jd_rng *r)
{
    if (!r) return 0;
    if (!r->left) {
        jd_philox4x32(r->ctr, r->key, r->out);
        if (++r->ctr[0] == 0) r->ctr[1]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

static uint64_t next64(jd_rng *r)
{
    const uint64_t low = jd_rng_u32(r);
    return low | (uint64_t)jd_rng_u32(r) << 32;
}

float jd_rng_uniform(jd_rng *r)
{
    if (!r) return 0;
    return (float)(jd_rng_u32(r) >> 8) * 0x1p-24f;
}

double jd_rng_uniform64(jd_rng *r)
{
    if (!r) return 0;
    return (double)(next64(r) >> 11) * 0x1p-53;
}

/* D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019). */
uint32_t jd_rng_below(jd_rng *r, uint32_t n)
{
    if (!r) return 0;
    uint64_t m = (uint64_t)jd_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        const uint32_t threshold = (0u - n) % n;
        while ((uint32_t)m < threshold) m = (uint64_t)jd_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

static uint64_t below64(jd_rng *r, uint64_t n)
{
    if (n <= UINT32_MAX) return jd_rng_below(r, (uint32_t)n);
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do x = next64(r);
    while (x >= limit);
    return x % n;
}

void jd_rng_shuffle(jd_rng *r, uint32_t *a, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)below64(r, i);
        const uint32_t t = a[i - 1];
        a[i - 1] = a[j];
        a[j] = t;
    }
}

double jd__log64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int k = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    /* log m = 2 artanh s with s = (m-1)/(m+1), |s| < 0.1716: the term after the last is below 2^-57. */
    const double f = m - 1.0, s = f / (m + 1.0), z = s * s;
    double p = 0.0;
    for (int n = 23; n >= 3; n -= 2) p = (p + 1.0 / n) * z;
    /* 2s = f - s f, so the leading term f is exact and only the small rest is rounded. */
    const double rest = s * (f - 2.0 * p);
    const double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33; /* k ln2_hi is exact */
    return k * ln2_hi + (f - (rest - k * ln2_lo));
}

static double polynomial(const double *c, double x) /* c[0] + c[1] x + ... + c[7] x^7 */
{
    double y = c[7];
    for (int i = 6; i >= 0; i--) y = y * x + c[i];
    return y;
}

double jd__normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    const double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * polynomial(a, r) / polynomial(b, r);
    }
    const double r = sqrt(-jd__log64(q < 0 ? p : 1.0 - p));
    const double x =
        r <= 5.0 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5.0) / polynomial(f, r - 5.0);
    return q < 0 ? -x : x;
}

double jd_rng_normal(jd_rng *r)
{
    if (!r) return 0;
    /* 52 bits and a half: never 0 or 1, symmetric, and 1 - p is exact. */
    return jd__normal_quantile(((double)(next64(r) >> 12) + 0.5) * 0x1p-52);
}
