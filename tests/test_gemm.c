/*
 * test_gemm.c - matrix products: exact on integers, bit-equal to one chain of fused multiply-adds on anything, for every
 * shape, layout, instruction set and number of threads.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JD_ISA        scalar
#define JD_ISA_scalar 1
#include "base/mathf.h"
#include "cpu/gemm.h"

#define DECLARE(isa)                                                                                                   \
    size_t jd__pack_size_##isa(int64_t K, int64_t N);                                                                  \
    void jd__pack_b_##isa(const float *B, ptrdiff_t sk, ptrdiff_t sn, int64_t K, int64_t N, int64_t panel0,            \
                          int64_t panel1, float *out);                                                                 \
    void jd__gemm_packed_##isa(int64_t M, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *packed,  \
                               int64_t panel0, int64_t panel1, int64_t N, float *C, ptrdiff_t ldc, int accumulate);    \
    void jd__gemm_##isa(const jd_gemm *g, const jd_worker *w, float *scratch);
#ifdef JD_HAVE_avx2
DECLARE(avx2)
#endif
#ifdef JD_HAVE_avx512
DECLARE(avx512)
#endif

typedef struct isa {
    const char *name;
    int nr;
    size_t (*pack_size)(int64_t, int64_t);
    void (*pack_b)(const float *, ptrdiff_t, ptrdiff_t, int64_t, int64_t, int64_t, int64_t, float *);
    void (*packed)(int64_t, int64_t, const float *, ptrdiff_t, ptrdiff_t, const float *, int64_t, int64_t, int64_t,
                   float *, ptrdiff_t, int);
    void (*gemm)(const jd_gemm *, const jd_worker *, float *);
} isa;
#define ROW(isa, nr)                                                                                                   \
    {                                                                                                                  \
#isa, nr, jd__pack_size_##isa, jd__pack_b_##isa, jd__gemm_packed_##isa, jd__gemm_##isa                         \
    }
static const isa isas[] = {
    ROW(scalar, 4),
#ifdef JD_HAVE_avx2
    ROW(avx2, 16),
#endif
#ifdef JD_HAVE_avx512
    ROW(avx512, 32),
#endif
};

static int isa_count(void)
{
#ifdef JD_HAVE_avx512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return 3;
#endif
#ifdef JD_HAVE_avx2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 2;
#endif
    return 1;
}

static jd_rng rng;
static int below(int n)
{
    return (int)jd_rng_below(&rng, (uint32_t)n);
}

/* What the product must be, element by element. */
static float expected(const jd_gemm *g, const float *C, int64_t m, int64_t n)
{
    float s = g->accumulate ? C[m * g->ldc + n] : 0.f;
    for (int64_t k = 0; k < g->K; k++) s = fmaf(g->A[m * g->am + k * g->ak], g->B[k * g->bk + n * g->bn], s);
    if (g->update) return fmaf(g->alpha, s, C[m * g->ldc + n]);
    if (g->bias) s += g->bias[n];
    switch (g->act) {
    case JD_ACT_TANH: return jd__tanhf(s);
    case JD_ACT_SIGMOID: return jd__sigmoidf(s);
    case JD_ACT_RELU: return s > 0 ? s : 0;
    default: return s;
    }
}

static float *values(int64_t n, int integers)
{
    float *x = aligned_alloc(64, ((size_t)n * sizeof(float) / 64 + 1) * 64);
    for (int64_t i = 0; i < n; i++) x[i] = integers ? (float)(below(17) - 8) : (float)jd_rng_normal(&rng);
    return x;
}

/* A product of the given shape with everything else at random; the operands are exactly as large as they must be, so that
 * a sanitizer sees a read beyond them. */
static jd_gemm make(int64_t M, int64_t N, int64_t K, int integers)
{
    const int ta = below(2), tb = below(2), kind = below(4);
    jd_gemm g = {.M = M, .N = N, .K = K, .am = ta ? 1 : K, .ak = ta ? M : 1, .bk = tb ? 1 : N, .bn = tb ? K : 1};
    g.A = values(M * K, integers);
    g.B = values(K * N, integers);
    g.ldc = N + below(3);
    g.accumulate = kind == 1;
    g.update = kind == 2;
    g.alpha = integers ? (float)(below(5) - 2) : -0.37f;
    if (kind == 3) g.bias = values(N, integers);
    if (kind != 2) g.act = (jd_act)(integers ? (below(2) ? JD_ACT_NONE : JD_ACT_RELU) : below(4));
    return g;
}

static void drop(jd_gemm *g)
{
    free((void *)(uintptr_t)g->A);
    free((void *)(uintptr_t)g->B);
    free((void *)(uintptr_t)g->bias);
}

static void check(const jd_gemm *g)
{
    static const int teams[] = {1, 2, 3, 7};
    const size_t count = (size_t)(g->M * g->ldc), bytes = count * sizeof(float) + 1;
    float *start = values((int64_t)count, 1), *want = malloc(bytes), *got = malloc(bytes);
    memcpy(want, start, count * sizeof(float));
    for (int64_t m = 0; m < g->M; m++)
        for (int64_t n = 0; n < g->N; n++) want[m * g->ldc + n] = expected(g, start, m, n);
    for (int i = 0; i < isa_count(); i++) {
        const int team = teams[below(4)];
        float *scratch = aligned_alloc(64, (jd__gemm_scratch(g->M, g->N, g->K, team) / 64 + 1) * 64);
        jd_gemm h = *g;
        h.C = got;
        memcpy(got, start, count * sizeof(float));
        for (int id = 0; id < team; id++) isas[i].gemm(&h, &(jd_worker){id, team, NULL}, scratch);
        free(scratch);
        if (memcmp(got, want, count * sizeof(float))) {
            size_t e = 0;
            while (!memcmp(&got[e], &want[e], sizeof(float))) e++;
            print_error(
                "%s M %d N %d K %d ta %d tb %d team %d acc %d update %d bias %d act %d: (%d,%d) is %.9g, not %.9g\n",
                isas[i].name, (int)g->M, (int)g->N, (int)g->K, g->am == 1, g->bk == 1, team, g->accumulate, g->update,
                g->bias != NULL, g->act, (int)(e / (size_t)g->ldc), (int)(e % (size_t)g->ldc), (double)got[e],
                (double)want[e]);
            fail();
        }
    }
    free(start);
    free(want);
    free(got);
}

static int size_of(int most)
{
    static const int edge[] = {0, 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 97};
    int n = below(2) ? below(most) : edge[below((int)(sizeof edge / sizeof *edge))];
    return n < most ? n : most;
}

static void small_shapes(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        jd_gemm g = make(size_of(60), size_of(100), size_of(80), i % 2);
        check(&g);
        drop(&g);
    }
}

/* Sums and sides longer than a block. */
static void large_shapes(void **state)
{
    (void)state;
    static const int shapes[][3] = {{1, 70, 600},  {2, 33, 513},   {5, 1100, 40},  {3, 520, 300},  {13, 40, 531},
                                    {49, 64, 300}, {50, 270, 520}, {150, 50, 257}, {300, 20, 30},  {7, 1060, 17},
                                    {60, 1100, 9}, {290, 3, 3},    {64, 300, 64},  {2100, 17, 260}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int k = 0; k < 3; k++) {
            jd_gemm g = make(shapes[i][0], shapes[i][1], shapes[i][2], k == 0);
            check(&g);
            drop(&g);
        }
    }
}

/* A row's bits do not depend on the rows that stand beside it. */
static void batch(void **state)
{
    (void)state;
    enum { M = 70, N = 40, K = 300 };
    for (int tb = 0; tb < 2; tb++) {
        float *A = values(M * K, 0), *B = values(K * N, 0), *all = values(M * N, 1), *one = values(N, 1);
        float *scratch = aligned_alloc(64, (jd__gemm_scratch(M, N, K, 1) / 64 + 1) * 64);
        const jd_worker alone = {0, 1, NULL};
        jd_gemm g = {.M = M,
                     .N = N,
                     .K = K,
                     .A = A,
                     .am = K,
                     .ak = 1,
                     .B = B,
                     .bk = tb ? 1 : N,
                     .bn = tb ? K : 1,
                     .C = all,
                     .ldc = N};
        for (int i = 0; i < isa_count(); i++) {
            g.M = M;
            g.A = A;
            g.C = all;
            isas[i].gemm(&g, &alone, scratch);
            for (int m = 0; m < M; m++) {
                g.M = 1;
                g.A = A + m * K;
                g.C = one;
                isas[i].gemm(&g, &alone, scratch);
                assert_memory_equal(one, all + m * N, N * sizeof(float));
            }
        }
        free(A);
        free(B);
        free(all);
        free(one);
        free(scratch);
    }
}

static void packed(void **state)
{
    (void)state;
    for (int t = 0; t < 600; t++) {
        const int i = below(isa_count());
        jd_gemm g = make(size_of(30), size_of(150), size_of(60), 0);
        const int64_t panels = (g.N + isas[i].nr - 1) / isas[i].nr;
        const int64_t cut = panels ? below((int)panels + 1) : 0;
        const size_t count = (size_t)(g.M * g.ldc), floats = isas[i].pack_size(g.K, g.N);
        float *start = values((int64_t)count, 1), *got = malloc(count * sizeof(float) + 1);
        float *weights = aligned_alloc(64, (floats * sizeof(float) / 64 + 1) * 64);
        memcpy(got, start, count * sizeof(float));
        g.update = 0;
        g.act = JD_ACT_NONE;
        /* In two parts, as two threads would. */
        isas[i].pack_b(g.B, g.bk, g.bn, g.K, g.N, cut, panels, weights);
        isas[i].pack_b(g.B, g.bk, g.bn, g.K, g.N, 0, cut, weights);
        isas[i].packed(g.M, g.K, g.A, g.am, g.ak, weights, 0, cut, g.N, got, g.ldc, g.accumulate);
        isas[i].packed(g.M, g.K, g.A, g.am, g.ak, weights, cut, panels, g.N, got, g.ldc, g.accumulate);
        const float *bias = g.bias;
        g.bias = NULL;
        for (int64_t m = 0; m < g.M; m++)
            for (int64_t n = 0; n < g.N; n++) {
                const float want = expected(&g, start, m, n);
                assert_memory_equal(&got[m * g.ldc + n], &want, sizeof want);
            }
        for (int64_t m = 0; m < g.M; m++)
            for (int64_t n = g.N; n < g.ldc; n++) assert_true(got[m * g.ldc + n] == start[m * g.ldc + n]);
        g.bias = bias;
        drop(&g);
        free(start);
        free(got);
        free(weights);
    }
}

int main(void)
{
    rng = jd_rng_new(1, "test/gemm", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_shapes), cmocka_unit_test(large_shapes),
                                       cmocka_unit_test(batch), cmocka_unit_test(packed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
