/* lanes.c - see lanes.h. */
#include "cpu/lanes.h"
#include "cpu/gemm.h"
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
                    float *out, size_t ld)
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
        UNROLL for (int j = 0; j < vectors; j++) vf_store(out + (size_t)i * ld + j * VL, s[i][j]);
    }
}

typedef void tile_fn(const float *a, size_t K, const float *start, const float *in, float *out, size_t ld);
static void narrow(const float *a, size_t K, const float *start, const float *in, float *out, size_t ld)
{
    tile(1, 1, a, K, start, in, out, ld);
}
static void tall(const float *a, size_t K, const float *start, const float *in, float *out, size_t ld)
{
    tile(2, 1, a, K, start, in, out, ld);
}
#if VL == 8
static void wide(const float *a, size_t K, const float *start, const float *in, float *out, size_t ld)
{
    tile(1, 2, a, K, start, in, out, ld);
}
#else
/* Two tiles of two panels: as many sums as hide the latency of the multiply-adds, each weight loaded once for both. */
static void twin(const float *a, size_t K, const float *start, const float *const in[2], float *const out[2], size_t ld)
{
    vf s[2 * R][2];
    UNROLL for (int i = 0; i < 2 * R; i++) s[i][0] = s[i][1] = start ? vf_set1(start[i]) : vf_zero();
    const float *second = a + K * R, *x0 = in[0], *x1 = in[1];
    for (size_t k = 0; k < K; k++, x0 += L, x1 += L) {
        const vf first = vf_load(x0), other = vf_load(x1);
        UNROLL for (int i = 0; i < 2 * R; i++)
        {
            const vf w = vf_set1(i < R ? a[k * R + (size_t)i] : second[k * R + (size_t)(i - R)]);
            s[i][0] = vf_fma(w, first, s[i][0]);
            s[i][1] = vf_fma(w, other, s[i][1]);
        }
    }
    UNROLL for (int i = 0; i < 2 * R; i++)
    {
        vf_store(out[0] + (size_t)i * ld, s[i][0]);
        vf_store(out[1] + (size_t)i * ld, s[i][1]);
    }
}
#endif

/* Tiles t and t + 1 (if there is one) of one panel. */
static void pair(const float *a, bool both, size_t K, const float *start, int vectors, const float *in, float *out,
                 size_t ld)
{
#if VL == 8
    if (vectors > 1) {
        wide(a, K, start, in, out, ld);
        if (both) wide(a + K * R, K, start ? start + R : NULL, in, out + R * ld, ld);
        return;
    }
#else
    (void)vectors;
#endif
    tile_fn *const f = both ? tall : narrow;
    f(a, K, start, in, out, ld);
}
#else
static void pair(const float *a, bool both, size_t K, const float *start, int vectors, const float *in, float *out,
                 size_t ld)
{
    for (int i = 0; i < (both ? 2 * R : R); i++)
        for (int l = 0; l < vectors; l++) {
            const float *w = a + (i < R ? (size_t)i : K * R + (size_t)(i - R));
            float s = start ? start[i] : 0;
            for (size_t k = 0; k < K; k++) s = fmaf(w[k * R], in[k * L + (size_t)l], s);
            out[(size_t)i * ld + (size_t)l] = s;
        }
}
#endif

void JD_K(jd__lanes_mul)(const float *packed, size_t M, size_t K, const float *start, int panels, const int *lanes,
                         const float *const *in, float *const *out, size_t ld)
{
    for (size_t m = 0; m < M; m += 2 * R) {
        const float *a = packed + m * K, *first = start ? start + m : NULL;
        const bool both = m + R < M;
        int p = 0;
#if VL == 16
        for (; both && p + 2 <= panels; p += 2)
            twin(a, K, first, in + p, (float *const[2]){out[p] + m * ld, out[p + 1] + m * ld}, ld);
#endif
        for (; p < panels; p++) pair(a, both, K, first, jd__lane_vectors(lanes[p]), in[p], out[p] + m * ld, ld);
    }
}

bool JD_K(jd__lanes_are_few)(size_t lanes, size_t M)
{
    const size_t over_rows = lanes * ((M + JD_NR - 1) / JD_NR * (JD_NR / VL)), over_lanes = M * (JD_MD_LANES / VL);
    return VL > 1 && lanes <= JD_MD_LANES && 4 * over_rows < 3 * over_lanes;
}

void JD_K(jd__lanes_mul_few)(const float *packed, size_t M, size_t K, const float *start, int lanes, const float *in,
                             float *sum, float *out, size_t ld)
{
    const size_t step = jd__lanes_few_row(M);
    const float *row[L];
    for (int l = 0; l < L; l++) row[l] = l < lanes ? sum + (size_t)l * step : sum;
    for (int l = 0; start && l < lanes; l++) memcpy(sum + (size_t)l * step, start, M * sizeof(float));
    JD_K(jd__gemm_packed)
    (lanes, (int64_t)K, in, 1, L, packed, 0, (int64_t)((M + JD_NR - 1) / JD_NR), (int64_t)M, sum, (ptrdiff_t)step,
     start != NULL);
    JD_K(jd__lanes_in)(row, lanes, M, out, ld);
}

void JD_K(jd__lanes_in)(const float *const row[JD_MD_LANES], int lanes, size_t n, float *to, size_t ld)
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
            UNROLL for (size_t i = 0; i < 4; i++) _mm256_storeu_ps(to + (at + i) * ld + l, r[i]);
            k = at + 4;
        }
    }
#endif
    for (; k < n; k++)
        for (int l = 0; l < all; l++) to[k * ld + (size_t)l] = row[l][k];
}

void JD_K(jd__lanes_out)(const float *from, size_t ld, size_t n, int lanes, float *const row[JD_MD_LANES])
{
#if VL > 1
    if (n >= 8) {
        for (int l = 0; l < lanes; l += 8)
            for (size_t k = 0; k < n;) {
                const size_t at = k + 8 <= n ? k : n - 8;
                __m256 r[8];
                jd_load8x8_transposed(r, from + at * ld + l, (ptrdiff_t)ld);
                UNROLL for (int i = 0; i < 8; i++) _mm256_storeu_ps(row[l + i] + at, r[i]);
                k = at + 8;
            }
        return;
    }
#endif
    for (int l = 0; l < lanes; l++)
        for (size_t k = 0; k < n; k++) row[l][k] = from[k * ld + (size_t)l];
}
