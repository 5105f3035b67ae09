/* rows.c - see rows.h. */
#include "cpu/rows.h"

/* k of one pass: a panel of so many k and the rows it meets stay in the first-level cache */
enum { KC = 256 };

/* columns of panel q, and where they start in the result */
JD_INLINE int width_of(const jd_panels *p, int q)
{
    const int left = p->n - q / p->G * JD_RW;
    return left < JD_RW ? left : JD_RW;
}
JD_INLINE int column_of(const jd_panels *p, int q)
{
    return p->at[q % p->G] + q / p->G * JD_RW;
}

void JD_K(jd__rows_pack)(const jd_panels *p, const float *b, size_t sk, size_t sn, int q0, int q1)
{
    for (int q = q0; q < q1; q++) {
        const size_t first = (size_t)(q % p->G) * (size_t)p->n + (size_t)(q / p->G) * JD_RW;
        const float *from = b + first * sn;
        float *out = p->data + (size_t)q * (size_t)p->K * JD_RW;
        const int width = width_of(p, q);
        for (int k = 0; k < p->K; k++, from += sk, out += JD_RW) {
            if (width == JD_RW && sn == 1) {
                vf_store(out, vf_load(from));
                vf_store(out + VL, vf_load(from + VL));
                continue;
            }
            for (int j = 0; j < width; j++) out[j] = from[(size_t)j * sn];
            for (int j = width; j < JD_RW; j++) out[j] = 0;
        }
    }
}

/* A tile of `rows` rows and `cols` panels (both constant where it is inlined), over k = k0..k1-1. */
JD_INLINE void tile(const int rows, const int cols, const jd_panels *p, int q, int k0, int k1, const float *const *a,
                    float *const *c, const float *bias, int add)
{
    vf s[6][8];
    const float *b[4], *x[6];
    int at[4], width[4];
    for (int j = 0; j < cols; j++) {
        b[j] = p->data + ((size_t)(q + j) * (size_t)p->K + (size_t)k0) * JD_RW;
        at[j] = column_of(p, q + j);
        width[j] = width_of(p, q + j);
    }
    for (int i = 0; i < rows; i++) {
        x[i] = a[i] + k0;
        for (int j = 0; j < cols; j++)
            for (int h = 0; h < 2; h++) {
                const int left = width[j] - h * VL;
                const float *from = bias && !k0 ? bias : c[i];
                s[i][2 * j + h] = (bias || add || k0) && left > 0 ? vf_loadn(from + at[j] + h * VL, left) : vf_zero();
            }
    }
    for (int k = 0; k < k1 - k0; k++) {
        vf w[8];
        for (int j = 0; j < 2 * cols; j++) w[j] = vf_load(b[j / 2] + (size_t)k * JD_RW + (size_t)(j % 2) * VL);
        for (int i = 0; i < rows; i++) {
            const vf xi = vf_set1(x[i][k]);
            for (int j = 0; j < 2 * cols; j++) s[i][j] = vf_fma(xi, w[j], s[i][j]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            for (int h = 0; h < 2; h++) {
                const int left = width[j] - h * VL;
                if (left > 0) vf_storen(c[i] + at[j] + h * VL, s[i][2 * j + h], left);
            }
}

typedef const float *const *rows_in;
typedef float *const *rows_out;

#define TILE(r, n)                                                                                                     \
    static void tile_##r##x##n(const jd_panels *p, int q, int k0, int k1, rows_in a, rows_out c, const float *bias,    \
                               int add)                                                                                \
    {                                                                                                                  \
        tile(r, n, p, q, k0, k1, a, c, bias, add);                                                                     \
    }
TILE(1, 1)
TILE(1, 4)
TILE(2, 1)
TILE(2, 2)
TILE(3, 1)
TILE(3, 2)
TILE(4, 1)
TILE(5, 1)
TILE(6, 1)

typedef void tile_fn(const jd_panels *, int, int, int, rows_in, rows_out, const float *, int);

/* Few rows: several panels at once, so that enough chains are under way to hide the latency of the additions. */
static void mul_few(const jd_panels *p, int q0, int q1, int m, rows_in a, rows_out c, const float *bias, int add)
{
    static tile_fn *const one[4] = {0, tile_1x1, tile_2x1, tile_3x1}, *const many[4] = {0, tile_1x4, tile_2x2,
                                                                                        tile_3x2};
    static const int step[4] = {0, 4, 2, 2};
    int q = q0;
    for (; q + step[m] <= q1; q += step[m]) many[m](p, q, 0, p->K, a, c, bias, add);
    for (; q < q1; q++) one[m](p, q, 0, p->K, a, c, bias, add);
}

void JD_K(jd__rows_mul)(const jd_panels *p, int q0, int q1, int m, const float *const *a, float *const *c,
                        const float *bias, int add)
{
    static tile_fn *const one[7] = {0, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1, tile_6x1};
    if (m <= 0) return;
    if (m <= 3) {
        mul_few(p, q0, q1, m, a, c, bias, add);
        return;
    }
    /* rows in equal tiles of at most 6: 16 rows are 6 + 5 + 5, 8 are 4 + 4 */
    const int tiles = (m + 5) / 6, least = m / tiles, more = m % tiles;
    int k0 = 0;
    do {
        const int k1 = p->K - k0 > KC + KC / 2 ? k0 + KC : p->K;
        for (int q = q0; q < q1; q++)
            for (int t = 0, i = 0; t < tiles; t++) {
                const int r = least + (t < more);
                one[r](p, q, k0, k1, a + i, c + i, bias, add);
                i += r;
            }
        k0 = k1;
    } while (k0 < p->K);
}
