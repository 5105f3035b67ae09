/* lanes.c - see lanes.h. */
#include "cpu/lanes.h"
#include "cpu/transpose8.h"

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { L = JD_MD_LANES, R = JD_MD_TILE };

void JD_K(jd__lanes_pack)(const float *a, size_t sm, size_t sk, size_t M, size_t K, size_t k0, size_t Kall, float *out)
{
    for (size_t m = 0; m < jd__md_padded(M); m++) {
        float *to = out + (m / R * Kall + k0) * R + m % R;
        for (size_t k = 0; k < K; k++) to[k * R] = m < M ? a[m * sm + k * sk] : 0;
    }
}

#if VL > 1
/* `tiles` tiles of R rows with `vectors` vectors of lanes; both constant where it is inlined. */
JD_INLINE void tile(const int tiles, const int vectors, const float *a, size_t K, const float *start, const float *in,
                    float *out)
{
    vf s[2 * R][2];
    UNROLL for (int i = 0; i < tiles * R; i++)
    {
        const vf first = start ? vf_set1(start[i]) : vf_zero();
        UNROLL for (int j = 0; j < vectors; j++) s[i][j] = first;
    }
    const float *second = a + K * R;
    for (size_t k = 0; k < K; k++) {
        vf x[2];
        UNROLL for (int j = 0; j < vectors; j++) x[j] = vf_load(in + k * L + (size_t)j * VL);
        UNROLL for (int i = 0; i < tiles * R; i++)
        {
            const vf w = vf_set1(i < R ? a[k * R + (size_t)i] : second[k * R + (size_t)(i - R)]);
            UNROLL for (int j = 0; j < vectors; j++) s[i][j] = vf_fma(w, x[j], s[i][j]);
        }
    }
    UNROLL for (int i = 0; i < tiles * R; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++) vf_store(out + i * L + j * VL, s[i][j]);
    }
}

static void wide(const float *a, size_t K, const float *start, const float *in, float *out)
{
    tile(1, JD_LANE_VECTORS, a, K, start, in, out);
}
static void narrow(const float *a, size_t K, const float *start, const float *in, float *out)
{
    tile(1, 1, a, K, start, in, out);
}
static void tall(const float *a, size_t K, const float *start, const float *in, float *out)
{
    tile(2, 1, a, K, start, in, out);
}

/* Tiles t and t + 1 (if there is one) of one panel. */
static void pair(const float *a, bool both, size_t K, const float *start, int vectors, const float *in, float *out)
{
    if (vectors == 1) {
        (both ? tall : narrow)(a, K, start, in, out);
        return;
    }
    wide(a, K, start, in, out);
    if (both) wide(a + K * R, K, start ? start + R : NULL, in, out + R * L);
}
#else
static void pair(const float *a, bool both, size_t K, const float *start, int vectors, const float *in, float *out)
{
    for (int i = 0; i < (both ? 2 * R : R); i++)
        for (int l = 0; l < vectors; l++) {
            const float *w = a + (i < R ? (size_t)i : K * R + (size_t)(i - R));
            float s = start ? start[i] : 0;
            for (size_t k = 0; k < K; k++) s = fmaf(w[k * R], in[k * L + (size_t)l], s);
            out[i * L + l] = s;
        }
}
#endif

void JD_K(jd__lanes_mul)(const float *packed, size_t M, size_t K, const float *start, int panels, const int *lanes,
                         const float *in, size_t in_step, float *out, size_t out_step)
{
    for (size_t m = 0; m < M; m += 2 * R)
        for (int p = 0; p < panels; p++)
            pair(packed + m * K, m + R < M, K, start ? start + m : NULL, jd__lane_vectors(lanes[p]),
                 in + (size_t)p * in_step, out + (size_t)p * out_step + m * L);
}

void JD_K(jd__lanes_in)(const float *const row[JD_MD_LANES], int lanes, size_t n, float *to)
{
    const int all = jd__lane_vectors(lanes) * VL;
    size_t k = 0;
#if VL > 1
    for (int l = 0; l < all && n >= 4; l += 8) {
        const float *const *p = row + l;
        for (k = 0; k < n;) {
            const size_t at = k + 4 <= n ? k : n - 4;
            __m256 r[4];
            jd_load4x8_transposed(r, p[0] + at, p[1] + at, p[2] + at, p[3] + at, p[4] + at, p[5] + at, p[6] + at,
                                  p[7] + at);
            UNROLL for (size_t i = 0; i < 4; i++) _mm256_storeu_ps(to + (at + i) * L + l, r[i]);
            k = at + 4;
        }
    }
#endif
    for (; k < n; k++)
        for (int l = 0; l < all; l++) to[k * L + (size_t)l] = row[l][k];
}

void JD_K(jd__lanes_out)(const float *from, size_t n, int lanes, float *const row[JD_MD_LANES])
{
#if VL > 1
    if (n >= 8) {
        for (int l = 0; l < lanes; l += 8)
            for (size_t k = 0; k < n;) {
                const size_t at = k + 8 <= n ? k : n - 8;
                __m256 r[8];
                jd_load8x8_transposed(r, from + at * L + l, L);
                UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(row[l + i] + at, r[i]);
                k = at + 8;
            }
        return;
    }
#endif
    for (int l = 0; l < lanes; l++)
        for (size_t k = 0; k < n; k++) row[l][k] = from[k * L + (size_t)l];
}

void JD_K(jd__lanes_take)(const float *from, const int32_t at[JD_MD_LANES], int lanes, size_t n, float *to)
{
    const int all = jd__lane_vectors(lanes) * VL;
    for (size_t k = 0; k < n; k++, from += L, to += L)
        for (int l = 0; l < all; l++) to[l] = from[at[l]];
}
