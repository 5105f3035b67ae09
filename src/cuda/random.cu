/*
 * random.cu - random numbers with the CPU's bits: Philox4x32-10 of (element / 4, step) under the key of (seed, name), and
 * the normal quantile of M. J. Wichura's algorithm AS 241 operation for operation (base/philox.c).
 */
#include "cuda/table.h"

extern "C" void jd__rng_key(uint64_t seed, uint64_t hash, uint32_t key[2]);

static __device__ inline void philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t k0, uint32_t k1, uint32_t out[4])
{
    uint32_t c3 = 0;
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0;
        c1 = (uint32_t)p1;
        c2 = n2;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static __device__ inline double log_of(double x) /* jd__log64 */
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
    const double f = m - 1.0, s = f / (m + 1.0), z = s * s;
    double p = 0.0;
    for (int n = 23; n >= 3; n -= 2) p = (p + 1.0 / n) * z;
    const double rest = s * (f - 2.0 * p);
    const double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33;
    return k * ln2_hi + (f - (rest - k * ln2_lo));
}

static __device__ inline double polynomial(double c0, double c1, double c2, double c3, double c4, double c5, double c6,
                                           double c7, double x)
{
    double y = c7;
    y = y * x + c6;
    y = y * x + c5;
    y = y * x + c4;
    y = y * x + c3;
    y = y * x + c2;
    y = y * x + c1;
    return y * x + c0;
}

static __device__ inline double normal_quantile(double p)
{
    const double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q *
               polynomial(3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
                          1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                          3.3430575583588128105e+4, 2.5090809287301226727e+3, r) /
               polynomial(1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                          2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                          5.2264952788528545610e+3, r);
    }
    const double r = sqrt(-log_of(q < 0 ? p : 1.0 - p));
    double x;
    if (r <= 5.0)
        x = polynomial(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                       3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                       2.27238449892691845833e-2, 7.74545014278341407640e-4, r - 1.6) /
            polynomial(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                       1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                       1.05075007164441684324e-9, r - 1.6);
    else
        x = polynomial(6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                       2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                       2.71155556874348757815e-5, 2.01033439929228813265e-7, r - 5.0) /
            polynomial(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                       7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                       2.04426310338993978564e-15, r - 5.0);
    return q < 0 ? -x : x;
}

static __global__ void random_blocks(const uint32_t *step, uint32_t k0, uint32_t k1, int normal, float *y, int64_t n)
{
    JD_EACH(block, (n + 3) / 4)
    {
        uint32_t u[4];
        philox((uint32_t)block, (uint32_t)(block >> 32), *step, k0, k1, u);
        for (int i = 0; i < 4; i++)
            if (4 * block + i < n)
                y[4 * block + i] =
                    normal ? (float)normal_quantile(((double)u[i] + 0.5) * 0x1p-32) : (float)(u[i] >> 8) * 0x1p-24f;
    }
}

static int launch_random(jd_cu *d, const jd_call *c)
{
    const jd_random_attr *a = jd_attr<jd_random_attr>(c);
    const int64_t n = jd__count(&c->out_type[0]);
    uint32_t key[2];
    if (!n) return 0;
    jd__rng_key(c->seed, a->name_hash, key);
    return JD_LAUNCH(d, random_blocks, jd_grid((n + 3) / 4), JD_BLOCK, 0, jd_in<uint32_t>(c, 0), key[0], key[1],
                     a->kind, jd_out<float>(c, 0), n);
}

const jd_cu_op jd_cu_random = {"philox", launch_random, NULL, NULL, NULL};
