/*
 * lanes.h - products whose columns are points that do not depend on each other, 16 to a panel: what the scans of a
 * multi-dimensional LSTM need.  A panel's matrix is (rows, 16), its rows `ld` floats apart; only its first `lanes`
 * columns count.
 *
 * Each element of a result is one chain of fused multiply-adds in the order of k.
 */
#ifndef JD_CPU_LANES_H
#define JD_CPU_LANES_H

#include "cpu/simd.h"
#include "ops/mdlstm.h"

/* Vectors that hold so many lanes. */
static inline int jd__lane_vectors(int lanes)
{
    return (lanes + VL - 1) / VL;
}

/* Packs rows [0, jd__md_padded(M)) of a matrix whose element (m,k) is a[m * sm + k * sk], k < K, into out at column k0 of
 * Kall: tiles of JD_MD_TILE rows, column by column. */
void JD_K(jd__lanes_pack)(const float *a, size_t sm, size_t sk, size_t M, size_t K, size_t k0, size_t Kall, float *out);

/* out[p] (M,16) = start (M) or 0, + packed (M,K) x in[p] (K,16), for each panel p; in has rows of 16 floats, out rows ld
 * floats apart.  Rows up to jd__md_padded(M) of out may be written; start has so many. */
void JD_K(jd__lanes_mul)(const float *packed, size_t M, size_t K, const float *start, int panels, const int *lanes,
                         const float *const *in, float *const *out, size_t ld);

/* The same product for one panel of a few lanes, whose vectors would be mostly empty: vectors run over the rows of the
 * result instead.  `packed` is W' of JD_K(jd__pack_b), sum has room for 16 rows of jd__lanes_few_row(M) floats. */
static inline size_t jd__lanes_few_row(size_t M)
{
    return (M + 31) / 32 * 32;
}
bool JD_K(jd__lanes_are_few)(size_t lanes, size_t M);
void JD_K(jd__lanes_mul_few)(const float *packed, size_t M, size_t K, const float *start, int lanes, const float *in,
                             float *sum, float *out, size_t ld);

/* to (n,16): column l is row[l][0..n-1]; whole vectors of lanes are written. */
void JD_K(jd__lanes_in)(const float *const row[JD_MD_LANES], int lanes, size_t n, float *to, size_t ld);
/* The inverse: row[l][0..n-1] = column l of from.  Rows past the last lane are written up to a multiple of 8. */
void JD_K(jd__lanes_out)(const float *from, size_t ld, size_t n, int lanes, float *const row[JD_MD_LANES]);
/* Asks for the n floats that start `step` floats behind each row: the point that the lane comes to next.  Rows of a large
 * layer lie too far apart for the processor to foresee. */
static inline void jd__lanes_fetch(const float *const row[JD_MD_LANES], size_t n, ptrdiff_t step)
{
    enum { LINE = 16, LEAST = 64 };
    if (n < LEAST) return;
    for (int l = 0; l < JD_MD_LANES; l++)
        for (size_t k = 0; k < n; k += LINE) __builtin_prefetch(row[l] + step + (ptrdiff_t)k, 0, 2);
}

#endif
