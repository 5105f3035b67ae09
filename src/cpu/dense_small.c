/*
 * dense_small.c - x W^T where overhead and latency count: few outputs, whose rows of weights fill the lanes (sums in 16
 * parts, see jd__matmul_in_parts); one row of x against a small matrix (chains over k, blocks of weights transposed in
 * registers); one output of few inputs.
 */

#include "cpu/dense_small.h"
#include "cpu/transpose8.h"
#include "cpu/vecmath.h"

#if VL >= 8

/* Eight floats as a vector and back. */
#if VL == 8
#define WIDE(x)   (x)
#define NARROW(x) (x)
#else
#define WIDE(x)   _mm512_zextps256_ps512(x)
#define NARROW(x) _mm512_castps512_ps256(x)
#endif

JD_INLINE vf squash(int act, vf x)
{
    switch (act) {
    case JD_ACT_TANH: return vf_tanh(x);
    case JD_ACT_SIGMOID: return vf_sigmoid(x);
    case JD_ACT_RELU: return vf_select(vf_gt(x, vf_zero()), x, vf_zero());
    default: return x;
    }
}

JD_INLINE __m256 squash8(int act, __m256 x)
{
    return NARROW(squash(act, WIDE(x)));
}

/* ---- sums in 16 parts ---------------------------------------------------------------------------------------------------*/
enum { PARTS = 16 / VL };

/* The first level of jd_tree16: parts 0..7 + parts 8..15. */
JD_INLINE __m256 halves(const vf acc[PARTS])
{
#if VL == 8
    return _mm256_add_ps(acc[0], acc[1]);
#else
    return _mm256_add_ps(_mm512_castps512_ps256(acc[0]), _mm512_extractf32x8_ps(acc[0], 1));
#endif
}

/* Lanes 0, 1 hold two numbers whose sum is the first product, lanes 2, 3 the third, 4..7 the second and fourth. */
JD_INLINE __m256 pairs(vf acc[4][PARTS])
{
    const __m256 a = halves(acc[0]), b = halves(acc[1]), c = halves(acc[2]), d = halves(acc[3]);
    const __m256 ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    const __m256 cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
}

/* x against four rows. */
JD_INLINE __m256 four(const float *x, const float *w0, const float *w1, const float *w2, const float *w3, int64_t K)
{
    vf acc[4][PARTS];
    JD_UNROLL for (int j = 0; j < 4; j++)
    {
        JD_UNROLL for (int v = 0; v < PARTS; v++) acc[j][v] = vf_zero();
    }
    int64_t k = 0;
    for (; k + 16 <= K; k += 16) {
        JD_UNROLL for (int v = 0; v < PARTS; v++)
        {
            const vf a = vf_load(x + k + v * VL);
            acc[0][v] = vf_fma(a, vf_load(w0 + k + v * VL), acc[0][v]);
            acc[1][v] = vf_fma(a, vf_load(w1 + k + v * VL), acc[1][v]);
            acc[2][v] = vf_fma(a, vf_load(w2 + k + v * VL), acc[2][v]);
            acc[3][v] = vf_fma(a, vf_load(w3 + k + v * VL), acc[3][v]);
        }
    }
    for (int v = 0; k < K; k += VL, v++) {
        const int n = K - k < VL ? (int)(K - k) : VL;
        const vf a = vf_loadn(x + k, n);
        const vf b[4] = {vf_loadn(w0 + k, n), vf_loadn(w1 + k, n), vf_loadn(w2 + k, n), vf_loadn(w3 + k, n)};
        JD_UNROLL for (int j = 0; j < 4; j++)
        {
            if (v == 0)
                acc[j][0] = vf_fma(a, b[j], acc[j][0]);
            else
                acc[j][PARTS - 1] = vf_fma(a, b[j], acc[j][PARTS - 1]);
        }
    }
    return pairs(acc);
}

/* The products in order. */
JD_INLINE __m128 order4(__m256 p)
{
    const __m256 s = _mm256_add_ps(_mm256_shuffle_ps(p, p, 0x88), _mm256_shuffle_ps(p, p, 0xdd));
    return _mm_unpacklo_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
}

JD_INLINE __m256 order8(__m256 p, __m256 q)
{
    const __m256 s = _mm256_add_ps(_mm256_shuffle_ps(p, q, 0x88), _mm256_shuffle_ps(p, q, 0xdd));
    const __m128 even = _mm256_castps256_ps128(s), odd = _mm256_extractf128_ps(s, 1);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_unpacklo_ps(even, odd)), _mm_unpackhi_ps(even, odd), 1);
}

/* The products of x with n rows, 1..8, that start at w, pitch apart; lanes from n on hold anything. */
JD_INLINE __m256 eight(const float *x, const float *w, int64_t pitch, int n, int64_t K)
{
    const float *w1 = w + (n > 1) * pitch, *w2 = w1 + (n > 2) * pitch, *w3 = w2 + (n > 3) * pitch;
    const __m256 p = four(x, w, w1, w2, w3, K);
    if (n <= 4) return _mm256_zextps128_ps256(order4(p));
    const float *w4 = w3 + pitch, *w5 = w4 + (n > 5) * pitch, *w6 = w5 + (n > 6) * pitch, *w7 = w6 + (n > 7) * pitch;
    return order8(p, four(x, w4, w5, w6, w7, K));
}

/* Stores n lanes; masked stores are slow on some processors. */
JD_INLINE void store_some(float *y, __m256 s, int n)
{
    if (n == 8) {
        _mm256_storeu_ps(y, s);
        return;
    }
    __m128 h = _mm256_castps256_ps128(s);
    if (n & 4) {
        _mm_storeu_ps(y, h);
        h = _mm256_extractf128_ps(s, 1);
        y += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)y, h);
        h = _mm_movehl_ps(h, h);
        y += 2;
    }
    if (n & 1) _mm_store_ss(y, h);
}

void JD_K(jd__dense_parts)(const jd_call *c, const jd_worker *w)
{
    const float *x = c->in[0], *W = c->in[1], *bias = c->nin > 2 ? c->in[2] : NULL;
    float *y = c->out[0];
    const int64_t M = c->out_type[0].dim[0], K = c->in_type[0].dim[1];
    const int N = (int)c->out_type[0].dim[1], act = ((const jd_matmul_attr *)c->attr)->act;
    size_t begin = 0, end = N ? (size_t)M : 0;
    if (w->count > 1 && N) jd_share(w, (size_t)M, 8, &begin, &end);
    if (N == 1) {
        /* One output: the rows of x take the place of the weights. */
        const __m256 b = bias ? _mm256_set1_ps(*bias) : _mm256_setzero_ps();
        for (size_t m = begin; m < end; m += 8) {
            const int n = end - m < 8 ? (int)(end - m) : 8;
            const __m256 s = eight(W, x + m * (size_t)K, K, n, K);
            store_some(y + m, squash8(act, bias ? _mm256_add_ps(s, b) : s), n);
        }
        return;
    }
    const __m256 b = bias ? NARROW(vf_loadn(bias, N)) : _mm256_setzero_ps();
    for (size_t m = begin; m < end; m++) {
        const __m256 s = eight(x + m * (size_t)K, W, K, N, K);
        store_some(y + m * (size_t)N, squash8(act, bias ? _mm256_add_ps(s, b) : s), N);
    }
}

/* The same for one row of x and at most four outputs. */
static void parts_row4(const jd_call *c, const jd_worker *w)
{
    const float *x = c->in[0], *W = c->in[1];
    const int64_t K = c->in_type[0].dim[1];
    const int N = (int)c->out_type[0].dim[1], act = ((const jd_matmul_attr *)c->attr)->act;
    if (w->id) return;
    const float *w1 = W + (N > 1) * K, *w2 = w1 + (N > 2) * K, *w3 = w2 + (N > 3) * K;
    __m256 s = _mm256_zextps128_ps256(order4(four(x, W, w1, w2, w3, K)));
    if (c->nin > 2) s = _mm256_add_ps(s, NARROW(vf_loadn(c->in[2], N)));
    store_some(c->out[0], squash8(act, s), N);
}

/* ---- one row, chains over k ----------------------------------------------------------------------------------------------*/

/* The end of outputs n .. n + 8 groups - 1. */
JD_INLINE void row_end(const int groups, const __m256 acc[4], const float *bias, const int act, float *y)
{
    __m256 s[4];
    JD_UNROLL for (int q = 0; q < groups; q++)
    {
        s[q] = bias ? _mm256_add_ps(acc[q], _mm256_loadu_ps(bias + q * 8)) : acc[q];
    }
#if VL == 16
    if (groups == 4) {
        JD_UNROLL for (int q = 0; q < 4; q += 2)
        {
            vf_store(y + q * 8, squash(act, _mm512_insertf32x8(WIDE(s[q]), s[q + 1], 1)));
        }
        return;
    }
#endif
    JD_UNROLL for (int q = 0; q < groups; q++) _mm256_storeu_ps(y + q * 8, squash8(act, s[q]));
}

JD_INLINE void row_act(const int groups, const __m256 acc[4], const float *bias, int act, float *y)
{
    switch (act) {
    case JD_ACT_TANH: row_end(groups, acc, bias, JD_ACT_TANH, y); break;
    case JD_ACT_SIGMOID: row_end(groups, acc, bias, JD_ACT_SIGMOID, y); break;
    case JD_ACT_RELU: row_end(groups, acc, bias, JD_ACT_RELU, y); break;
    default: row_end(groups, acc, bias, JD_ACT_NONE, y); break;
    }
}

/* Outputs 0 .. 8 groups - 1 of W. */
JD_INLINE void row_part(const int groups, const float *x, const float *W, int64_t K, const float *bias, int act,
                        float *y)
{
    __m256 acc[4];
    JD_UNROLL for (int q = 0; q < groups; q++) acc[q] = _mm256_setzero_ps();
    int64_t k = 0;
    for (; k + 4 <= K; k += 4) {
        const __m256 x0 = _mm256_set1_ps(x[k]), x1 = _mm256_set1_ps(x[k + 1]);
        const __m256 x2 = _mm256_set1_ps(x[k + 2]), x3 = _mm256_set1_ps(x[k + 3]);
        JD_UNROLL for (int q = 0; q < groups; q++)
        {
            const float *p = W + q * 8 * K + k;
            __m256 r[4];
            jd_load4x8_transposed(r, p, p + K, p + 2 * K, p + 3 * K, p + 4 * K, p + 5 * K, p + 6 * K, p + 7 * K);
            acc[q] = _mm256_fmadd_ps(x0, r[0], acc[q]);
            acc[q] = _mm256_fmadd_ps(x1, r[1], acc[q]);
            acc[q] = _mm256_fmadd_ps(x2, r[2], acc[q]);
            acc[q] = _mm256_fmadd_ps(x3, r[3], acc[q]);
        }
    }
    for (; k < K; k++) {
        const __m256 a = _mm256_set1_ps(x[k]);
        JD_UNROLL for (int q = 0; q < groups; q++)
        {
            const float *b = W + q * 8 * K + k;
            acc[q] = _mm256_fmadd_ps(
                a, _mm256_setr_ps(b[0], b[K], b[2 * K], b[3 * K], b[4 * K], b[5 * K], b[6 * K], b[7 * K]), acc[q]);
        }
    }
    row_act(groups, acc, bias, act, y);
}

/* K is constant where a kernel is made for it: the places of all weights are then known beforehand. */
JD_INLINE void row(const jd_call *c, const jd_worker *w, const int64_t K, const int groups)
{
    const float *x = c->in[0], *W = c->in[1], *bias = c->nin > 2 ? c->in[2] : NULL;
    float *y = c->out[0];
    const int64_t N = c->out_type[0].dim[1];
    const int act = ((const jd_matmul_attr *)c->attr)->act;
    int64_t n = 0;
    if (w->id) return;
    if (groups == 4)
        for (; n + 32 <= N; n += 32) row_part(4, x, W + n * K, K, bias ? bias + n : NULL, act, y + n);
    /* The last group goes back as far as it must to be whole. */
    JD_ROLLED for (; n < N; n += 8)
    {
        if (n + 8 > N) n = N - 8;
        row_part(1, x, W + n * K, K, bias ? bias + n : NULL, act, y + n);
    }
}

static void row_8(const jd_call *c, const jd_worker *w)
{
    row(c, w, 8, 4);
}

static void row_16(const jd_call *c, const jd_worker *w)
{
    row(c, w, 16, 4);
}

static void row_32(const jd_call *c, const jd_worker *w)
{
    row(c, w, 32, 4);
}

static void row_any(const jd_call *c, const jd_worker *w)
{
    row(c, w, c->in_type[0].dim[1], 1);
}

/* ---- one output of few inputs, many rows: chains over k, a row in each lane -----------------------------------------------*/
enum { SHORT = 16 };

/* Eight rows of K floats, K < SHORT; `room`: floats behind them may be read. */
JD_INLINE __m256 column_sums(const float *x, const float *W, int K, int rows, bool room)
{
    _Alignas(32) float copy[8 * SHORT];
    ptrdiff_t pitch = K;
    if (!room) {
        for (int i = 0; i < 8 * SHORT; i += 8) _mm256_store_ps(copy + i, _mm256_setzero_ps());
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < K; k++) copy[i * SHORT + k] = x[i * K + k];
        x = copy;
        pitch = SHORT;
    }
    __m256 s = _mm256_setzero_ps();
    for (int k = 0; k < K; k += 8) {
        __m256 r[8];
        jd_load8x8_transposed(r, x + k, pitch);
        JD_UNROLL for (int i = 0; i < 8; i++)
        {
            if (k + i < K) s = _mm256_fmadd_ps(_mm256_set1_ps(W[k + i]), r[i], s);
        }
    }
    return s;
}

static void column(const jd_call *c, const jd_worker *w)
{
    const float *x = c->in[0], *W = c->in[1], *bias = c->nin > 2 ? c->in[2] : NULL;
    float *y = c->out[0];
    const size_t M = (size_t)c->out_type[0].dim[0];
    const int K = (int)c->in_type[0].dim[1], act = ((const jd_matmul_attr *)c->attr)->act;
    size_t begin, end, m;
    jd_share(w, M, 8, &begin, &end);
    m = begin;
#if VL == 16 /* all of whose lanes are squashed at once */
    for (; m + 16 <= end && (m + 15) * (size_t)K + SHORT <= M * (size_t)K; m += 16) {
        const __m256 low = column_sums(x + m * (size_t)K, W, K, 8, true);
        const __m256 high = column_sums(x + (m + 8) * (size_t)K, W, K, 8, true);
        vf s = _mm512_insertf32x8(WIDE(low), high, 1);
        if (bias) s = vf_add(s, vf_set1(*bias));
        vf_store(y + m, squash(act, s));
    }
#endif
    for (; m < end; m += 8) {
        const int rows = end - m < 8 ? (int)(end - m) : 8;
        const bool room = (m + 7) * (size_t)K + SHORT <= M * (size_t)K;
        __m256 s = column_sums(x + m * (size_t)K, W, K, rows, room);
        if (bias) s = _mm256_add_ps(s, _mm256_set1_ps(*bias));
        store_some(y + m, squash8(act, s), rows);
    }
}

jd_kernel *JD_K(jd__special)(const jd_call *c)
{
    enum { MOST = 128 };
    const jd_matmul_attr *a = c->attr;
    if (c->op != &jd__op_matmul || a->ta || !a->tb) return NULL;
    const int64_t M = c->out_type[0].dim[0], N = c->out_type[0].dim[1], K = c->in_type[0].dim[1];
    if (N == 1 && M > 1 && K >= 1 && K < SHORT) return column;
    if (M != 1) return NULL;
    if (jd__matmul_in_parts(false, true, N, K)) return N >= 1 && N <= 4 ? parts_row4 : NULL;
    if (N < 8 || N > MOST || K > MOST) return NULL;
    return K == 8 ? row_8 : K == 16 ? row_16 : K == 32 ? row_32 : row_any;
}

#else

static float squash(int act, float x)
{
    float y[VL] = {x};
    if (act == JD_ACT_TANH) vf_store(y, vf_tanh(vf_set1(x)));
    if (act == JD_ACT_SIGMOID) vf_store(y, vf_sigmoid(vf_set1(x)));
    return act == JD_ACT_RELU ? (x > 0 ? x : 0) : y[0];
}

void JD_K(jd__dense_parts)(const jd_call *c, const jd_worker *w)
{
    const float *x = c->in[0], *W = c->in[1], *bias = c->nin > 2 ? c->in[2] : NULL;
    float *y = c->out[0];
    const int64_t N = c->out_type[0].dim[1], K = c->in_type[0].dim[1];
    const int act = ((const jd_matmul_attr *)c->attr)->act;
    size_t begin, end;
    jd_share(w, (size_t)c->out_type[0].dim[0], 8, &begin, &end);
    for (int64_t m = (int64_t)begin; m < (int64_t)end; m++) {
        for (int64_t n = 0; n < N; n++) {
            float s[16] = {0};
            for (int64_t k = 0; k < K; k++) s[k % 16] = fmaf(x[m * K + k], W[n * K + k], s[k % 16]);
            const float sum = jd_tree16(s);
            y[m * N + n] = squash(act, bias ? sum + bias[n] : sum);
        }
    }
}

jd_kernel *JD_K(jd__special)(const jd_call *c)
{
    (void)c;
    return NULL;
}
#endif
