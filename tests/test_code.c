/*
 * test_code.c - codes of weights: the order of filling, the transform against its definition, exact round trips, the
 * published numbers of weights, products without the weights, the same bits for threads and instruction sets, refusals.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/code.h"

#define PI 3.14159265358979323846

static jd_ctx *context(int threads, const char *isa)
{
    return jd_ctx_new(&(jd_options){.threads = threads, .isa = isa});
}

static double *random_genome(const jd_code *c, uint64_t seed)
{
    double *g = calloc(jd_code_genes(c), sizeof *g);
    jd_rng r = jd_rng_new(seed, "genome", 0);
    for (size_t i = 0; i < jd_code_genes(c); i++) g[i] = jd_rng_normal(&r);
    return g;
}

static jd_code *one(jd_ctx *ctx, jd_code_kind kind, jd_code_fill fill, jd_code_array a)
{
    return jd_code_new(ctx, &(jd_code_options){.kind = kind, .fill = fill, .array = &a, .arrays = 1});
}

/* ---- order -------------------------------------------------------------------------------------------------------------*/

static void expect_order(jd_code_fill fill, jd_code_array a, const char *expected)
{
    jd_ctx *ctx = context(1, NULL);
    jd_code *c = one(ctx, JD_CODE_DCT, fill, a);
    assert_non_null(c);
    char text[512] = "";
    for (size_t i = 0; i < jd_code_genes(c); i++) {
        int array, index[JD_CODE_RANK];
        assert_int_equal(jd_code_place(c, i, &array, index), JD_OK);
        assert_int_equal(array, 0);
        const size_t n = strlen(text);
        for (int d = 0; d < a.rank; d++) text[n + (size_t)d] = (char)('0' + index[d]);
        text[n + (size_t)a.rank] = ' ';
        text[n + (size_t)a.rank + 1] = 0;
    }
    assert_string_equal(text, expected);
    int array, index[JD_CODE_RANK];
    assert_int_equal(jd_code_place(c, jd_code_genes(c), &array, index), JD_EUSAGE);
    jd_code_free(c);
    jd_ctx_free(ctx);
}

static void genes_fill_simplex_by_simplex(void **state)
{
    (void)state;
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 2, .size = {3, 3}}, "00 10 01 20 02 11 21 12 22 ");
    expect_order(JD_FILL_LEXICAL, (jd_code_array){.rank = 2, .size = {3, 3}}, "00 01 10 02 11 20 12 21 22 ");
    /* the longer dimension's corner has the first turn; 4 of 10 places of the last simplex */
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 2, .size = {4, 5}, .genes = 8}, "00 01 10 02 20 11 03 30 ");
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 3, .size = {3, 3, 3}, .genes = 10},
                 "000 100 010 001 200 020 002 101 011 110 ");
    expect_order(JD_FILL_LEXICAL, (jd_code_array){.rank = 3, .size = {2, 1, 3}}, "000 001 100 002 101 102 ");
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 3, .size = {2, 1, 3}}, "000 001 100 002 101 102 ");
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 1, .size = {4}}, "0 1 2 3 ");
    expect_order(JD_FILL_CORNERS, (jd_code_array){.rank = 2, .size = {1, 1}}, "00 ");
}

/* ---- the transform -----------------------------------------------------------------------------------------------------*/

static double basis(jd_code_kind kind, int n, int k, int x)
{
    if (kind == JD_CODE_DCT) return cos(PI / n * k * (x + .5));
    const int m = (k + 1) / 2;
    return k == 0 ? 1 : k % 2 ? cos(2 * PI * m * x / n) : sin(2 * PI * m * x / n);
}

/* The sum over all genes for every weight, as the header writes it. */
static void naive(const jd_code *c, jd_code_kind kind, const jd_code_array *a, const double *genome, double *w)
{
    size_t count = 1;
    for (int d = 0; d < a->rank; d++) count *= (size_t)a->size[d];
    for (size_t i = 0; i < count; i++) {
        int x[JD_CODE_RANK];
        size_t rest = i;
        for (int d = a->rank - 1; d >= 0; d--) {
            x[d] = (int)(rest % (size_t)a->size[d]);
            rest /= (size_t)a->size[d];
        }
        w[i] = 0;
        for (size_t g = 0; g < jd_code_genes(c); g++) {
            int array, k[JD_CODE_RANK];
            jd_code_place(c, g, &array, k);
            double v = genome[g] * (a->scale == 0 ? 1 : a->scale);
            for (int d = 0; d < a->rank; d++) v *= basis(kind, a->size[d], k[d], x[d]);
            w[i] += v;
        }
    }
}

static void decoding_is_the_naive_transform(void **state)
{
    (void)state;
    static const jd_code_array shape[] = {
        {.rank = 1, .size = {7}},
        {.rank = 1, .size = {1}},
        {.rank = 1, .size = {50}, .genes = 9},
        {.rank = 2, .size = {5, 3}},
        {.rank = 2, .size = {1, 130}, .genes = 40},
        {.rank = 2, .size = {32, 115}, .genes = 20, .scale = .25},
        {.rank = 2, .size = {19, 67}},
        {.rank = 3, .size = {4, 5, 6}},
        {.rank = 3, .size = {9, 2, 17}, .genes = 100},
        {.rank = 4, .size = {6, 5, 4, 7}, .genes = 70},
        {.rank = 6, .size = {2, 3, 2, 2, 3, 2}},
    };
    jd_ctx *ctx = context(1, NULL);
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int kind = 0; kind < JD_CODES; kind++) {
            if (kind != JD_CODE_DCT && kind != JD_CODE_FOURIER) continue;
            jd_code *c = one(ctx, (jd_code_kind)kind, s % 2 ? JD_FILL_LEXICAL : JD_FILL_CORNERS, shape[s]);
            assert_non_null(c);
            const size_t W = jd_code_weights(c);
            double *g = random_genome(c, s), *w = calloc(W, sizeof *w), *expected = calloc(W, sizeof *expected);
            float *narrow = calloc(W, sizeof *narrow);
            naive(c, (jd_code_kind)kind, &shape[s], g, expected);
            assert_int_equal(jd_code_decode(c, g, w), JD_OK);
            assert_int_equal(jd_code_decode_f32(c, g, narrow), JD_OK);
            for (size_t i = 0; i < W; i++) {
                if (!(fabs(w[i] - expected[i]) < 1e-12 * (double)jd_code_genes(c) + 1e-12))
                    fail_msg("shape %zu, %s: weight %zu is %.17g, not %.17g", s, jd_code_name((jd_code_kind)kind), i,
                             w[i], expected[i]);
                assert_true(narrow[i] == (float)w[i]);
            }
            free(g);
            free(w);
            free(expected);
            free(narrow);
            jd_code_free(c);
        }
    jd_ctx_free(ctx);
}

/* As many genes as weights: there and back, and back and there; truncated: the genes come back. */
static void encoding_inverts_decoding(void **state)
{
    (void)state;
    static const jd_code_array shape[] = {{.rank = 2, .size = {32, 115}},
                                          {.rank = 2, .size = {32, 115}, .genes = 20},
                                          {.rank = 1, .size = {33}},
                                          {.rank = 3, .size = {7, 4, 6}, .scale = -3},
                                          {.rank = 4, .size = {5, 3, 6, 2}, .genes = 50}};
    jd_ctx *ctx = context(1, NULL);
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int kind = 0; kind < JD_CODES; kind++) {
            if (kind == JD_CODE_DIRECT && shape[s].genes) continue;
            jd_code *c = one(ctx, (jd_code_kind)kind, JD_FILL_CORNERS, shape[s]);
            assert_non_null(c);
            const size_t W = jd_code_weights(c), G = jd_code_genes(c);
            double *g = random_genome(c, s), *back = calloc(G, sizeof *back), *w = calloc(W, sizeof *w);
            assert_int_equal(jd_code_decode(c, g, w), JD_OK);
            assert_int_equal(jd_code_encode(c, w, back), JD_OK);
            for (size_t i = 0; i < G; i++)
                if (!(fabs(back[i] - g[i]) < 1e-12))
                    fail_msg("shape %zu, %s: gene %zu comes back %g away", s, jd_code_name((jd_code_kind)kind), i,
                             back[i] - g[i]);
            free(g);
            free(back);
            free(w);
            jd_code_free(c);
        }
    jd_ctx_free(ctx);
}

/* Haar's functions on 6 places, written out. */
static void haar_halves(void **state)
{
    (void)state;
    static const double expected[6][6] = {{1, 1, 1, 1, 1, 1},
                                          {1, 1, 1, -1, -1, -1},
                                          {2. / 3, 2. / 3, -4. / 3, 0, 0, 0},
                                          {0, 0, 0, 2. / 3, 2. / 3, -4. / 3},
                                          {1, -1, 0, 0, 0, 0},
                                          {0, 0, 0, 1, -1, 0}};
    jd_ctx *ctx = context(1, NULL);
    jd_code *c = one(ctx, JD_CODE_HAAR, JD_FILL_CORNERS, (jd_code_array){.rank = 1, .size = {6}});
    for (int k = 0; k < 6; k++) {
        double g[6] = {0}, w[6];
        g[k] = 1;
        assert_int_equal(jd_code_decode(c, g, w), JD_OK);
        for (int x = 0; x < 6; x++) assert_true(fabs(w[x] - expected[k][x]) < 1e-15);
    }
    jd_code_free(c);
    jd_ctx_free(ctx);
}

/* ---- networks ----------------------------------------------------------------------------------------------------------*/

/* 256 units on a grid that see 64 x 64 pixels and each other, 3 outputs: the arrays one after the other. */
static const jd_code_array DRIVER[5] = {{.rank = 4, .size = {16, 16, 64, 64}, .genes = 100},
                                        {.rank = 4, .size = {16, 16, 16, 16}, .genes = 60},
                                        {.rank = 2, .size = {16, 16}, .genes = 10},
                                        {.rank = 3, .size = {3, 16, 16}, .genes = 27},
                                        {.rank = 1, .size = {3}, .genes = 3}};

static void published_networks_have_their_size(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1, NULL);
    jd_code *arm = one(ctx, JD_CODE_DCT, JD_FILL_CORNERS, (jd_code_array){.rank = 2, .size = {32, 115}, .genes = 20});
    assert_int_equal(jd_code_weights(arm), 3680);
    assert_true(jd_code_ratio(arm) == 184);
    jd_code_free(arm);
    const jd_code_array vision[] = {{.rank = 3, .size = {32, 32, 32}, .genes = 100},
                                    {.rank = 2, .size = {32, 32}, .genes = 50},
                                    {.rank = 1, .size = {32}, .genes = 10}};
    jd_code *seeing = jd_code_new(ctx, &(jd_code_options){.array = vision, .arrays = 3});
    assert_int_equal(jd_code_weights(seeing), 33824);
    assert_int_equal(floor(jd_code_ratio(seeing)), 211);
    jd_code_free(seeing);
    jd_code *driver = jd_code_new(ctx, &(jd_code_options){.array = DRIVER, .arrays = 5});
    assert_int_equal(jd_code_weights(driver), 1115139);
    assert_int_equal(jd_code_genes(driver), 200);
    assert_int_equal(floor(jd_code_ratio(driver)), 5575);
    jd_code_free(driver);
    jd_ctx_free(ctx);
}

/* The driver's weights under several threads and instruction sets; changed chromosomes; products with an image. */
static void bits_do_not_depend_on_threads_or_isa(void **state)
{
    (void)state;
    static const struct {
        int threads;
        const char *isa;
    } with[] = {{1, NULL}, {2, NULL}, {3, "scalar"}, {2, "avx2"}, {1, "avx512"}};
    float *first = NULL;
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        jd_ctx *ctx = context(with[i].threads, with[i].isa);
        if (!ctx) continue; /* an instruction set that this processor lacks */
        jd_code *c = jd_code_new(ctx, &(jd_code_options){.array = DRIVER, .arrays = 5});
        const size_t W = jd_code_weights(c);
        double *g = random_genome(c, 5), *now = random_genome(c, 5);
        float *w = calloc(W, sizeof *w), *again = calloc(W, sizeof *again);
        assert_int_equal(jd_code_decode_f32(c, g, w), JD_OK);
        if (!first) {
            first = calloc(W, sizeof *first);
            memcpy(first, w, W * sizeof *w);
        }
        assert_memory_equal(w, first, W * sizeof *w);
        now[3] += 1, now[171] -= 2;
        assert_int_equal(jd_code_change_f32(c, g, now, w), JD_OK);
        assert_int_equal(jd_code_decode_f32(c, now, again), JD_OK);
        assert_memory_equal(w, again, W * sizeof *w);
        assert_memory_not_equal(w, first, W * sizeof *w);
        free(g);
        free(now);
        free(w);
        free(again);
        jd_code_free(c);
        jd_ctx_free(ctx);
    }
    free(first);
}

/* A change touches the weights of changed chromosomes alone, in both types. */
static void changes_decode_what_changed(void **state)
{
    (void)state;
    static const jd_code_array two[] = {{.rank = 2, .size = {6, 5}, .genes = 7},
                                        {.rank = 2, .size = {4, 4}, .genes = 3}};
    jd_ctx *ctx = context(1, NULL);
    jd_code *c = jd_code_new(ctx, &(jd_code_options){.array = two, .arrays = 2});
    double *g = random_genome(c, 5), now[10], w[46], again[46];
    memcpy(now, g, sizeof now);
    now[8] += 1;
    assert_int_equal(jd_code_decode(c, g, w), JD_OK);
    w[3] = 77; /* of the first array, which nobody decodes again */
    assert_int_equal(jd_code_change(c, g, now, w), JD_OK);
    assert_int_equal(jd_code_decode(c, now, again), JD_OK);
    assert_true(w[3] == 77);
    again[3] = 77;
    assert_memory_equal(w, again, sizeof w);
    free(g);
    jd_code_free(c);
    jd_ctx_free(ctx);
}

static void products_need_no_weights(void **state)
{
    (void)state;
    static const jd_code_array shape[] = {{.rank = 4, .size = {16, 16, 64, 64}, .genes = 100, .scale = 1. / 300},
                                          {.rank = 3, .size = {5, 9, 7}, .genes = 60},
                                          {.rank = 2, .size = {6, 31}}};
    jd_ctx *ctx = context(1, NULL);
    for (int s = 0; s < 3; s++)
        for (int kind = 0; kind < JD_CODES; kind++)
            for (int split = 1; split < shape[s].rank; split++) {
                if (kind == JD_CODE_DIRECT && shape[s].genes) continue;
                if (s == 0 && (split != 2 || kind != JD_CODE_DCT)) continue;
                jd_code *c = one(ctx, (jd_code_kind)kind, JD_FILL_CORNERS, shape[s]);
                size_t rows = 1;
                for (int d = 0; d < split; d++) rows *= (size_t)shape[s].size[d];
                const size_t W = jd_code_weights(c), columns = W / rows;
                double *g = random_genome(c, 9), *w = calloc(W, sizeof *w), *y = calloc(rows, sizeof *y);
                float *x = calloc(columns, sizeof *x);
                jd_rng r = jd_rng_new(1, "image", 0);
                for (size_t k = 0; k < columns; k++) x[k] = jd_rng_uniform(&r) < .1f;
                assert_int_equal(jd_code_decode(c, g, w), JD_OK);
                assert_int_equal(jd_code_multiply(c, 0, split, g, x, y), JD_OK);
                for (size_t i = 0; i < rows; i++) {
                    double sum = 0;
                    for (size_t k = 0; k < columns; k++) sum += w[i * columns + k] * (double)x[k];
                    if (!(fabs(sum - y[i]) < 1e-9)) fail_msg("shape %d, row %zu: %g, not %g", s, i, y[i], sum);
                }
                free(g);
                free(w);
                free(x);
                free(y);
                jd_code_free(c);
            }
    jd_ctx_free(ctx);
}

/* Bias, inputs and feedback of 4 units in rows of 1 + 5 + 4 weights, the bias' places being left out. */
static void strides_place_arrays(void **state)
{
    (void)state;
    const jd_code_array part[] = {{.rank = 2, .size = {5, 4}, .genes = 6, .offset = 1, .stride = {1, 10}},
                                  {.rank = 2, .size = {4, 4}, .offset = 6, .stride = {10, 1}}};
    for (int kind = 0; kind < JD_CODES; kind++) {
        jd_ctx *ctx = context(1, NULL);
        jd_code_array a[2] = {part[0], part[1]};
        if (kind == JD_CODE_DIRECT) a[0].genes = 0;
        jd_code *c =
            jd_code_new(ctx, &(jd_code_options){.kind = (jd_code_kind)kind, .array = a, .arrays = 2, .weights = 40});
        assert_non_null(c);
        a[0].offset = a[1].offset = 0;
        memset(a[0].stride, 0, sizeof a[0].stride);
        memset(a[1].stride, 0, sizeof a[1].stride);
        jd_code *dense = jd_code_new(ctx, &(jd_code_options){.kind = (jd_code_kind)kind, .array = a, .arrays = 2});
        double *g = random_genome(c, 4), w[40], d[36], back[36];
        memset(w, 0xFF, sizeof w);
        jd_code_decode(c, g, w);
        jd_code_decode(dense, g, d);
        assert_int_equal(jd_code_encode(c, w, back), JD_OK);
        for (size_t i = 0; i < jd_code_genes(c); i++) assert_true(fabs(back[i] - g[i]) < 1e-13);
        for (int u = 0; u < 4; u++) {
            assert_true(w[u * 10] == 0);
            for (int i = 0; i < 5; i++) assert_true(w[u * 10 + 1 + i] == d[i * 4 + u]);
            for (int i = 0; i < 4; i++) assert_true(w[u * 10 + 6 + i] == d[20 + u * 4 + i]);
        }
        free(g);
        jd_code_free(c);
        jd_code_free(dense);
        jd_ctx_free(ctx);
    }
}

static void wrong_arrays_are_refused(void **state)
{
    (void)state;
    static const jd_code_array wrong[] = {
        {.rank = 0, .size = {3}},
        {.rank = 7, .size = {1, 1, 1, 1, 1, 1}},
        {.rank = 2, .size = {3, 0}},
        {.rank = 2, .size = {65537, 1}},
        {.rank = 4, .size = {65536, 65536, 65536, 65536}},
        {.rank = 2, .size = {3, 3}, .genes = 10},
        {.rank = 2, .size = {3, 3}, .stride = {2, 1}},
        {.rank = 2, .size = {3, 3}, .stride = {SIZE_MAX / 2, 1}},
        {.rank = 2, .size = {3, 3}, .offset = SIZE_MAX},
        {.rank = 2, .size = {3, 3}, .scale = (double)NAN},
    };
    jd_ctx *ctx = context(1, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(one(ctx, JD_CODE_DCT, JD_FILL_CORNERS, wrong[i]));
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    const jd_code_array same[2] = {{.rank = 1, .size = {4}}, {.rank = 1, .size = {4}, .offset = 3}};
    assert_null(jd_code_new(ctx, &(jd_code_options){.array = same, .arrays = 2}));
    assert_non_null(strstr(jd_error_message(ctx), "belongs to an array already"));
    jd_error_clear(ctx);
    assert_null(one(ctx, JD_CODE_DIRECT, JD_FILL_CORNERS, (jd_code_array){.rank = 1, .size = {4}, .genes = 2}));
    jd_error_clear(ctx);
    assert_null(one(ctx, JD_CODES, JD_FILL_CORNERS, same[0]));
    jd_error_clear(ctx);
    assert_null(jd_code_new(ctx, &(jd_code_options){.array = same, .arrays = 1, .weights = 3}));
    jd_error_clear(ctx);
    jd_code *c = one(ctx, JD_CODE_DCT, JD_FILL_CORNERS, same[0]);
    float x[4] = {0};
    double y[4], g[4] = {0};
    assert_int_equal(jd_code_multiply(c, 0, 1, g, x, y), JD_EUSAGE);
    jd_code_free(c);
    assert_null(jd_code_name(JD_CODES));
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genes_fill_simplex_by_simplex),
        cmocka_unit_test(decoding_is_the_naive_transform),
        cmocka_unit_test(encoding_inverts_decoding),
        cmocka_unit_test(haar_halves),
        cmocka_unit_test(published_networks_have_their_size),
        cmocka_unit_test(strides_place_arrays),
        cmocka_unit_test(bits_do_not_depend_on_threads_or_isa),
        cmocka_unit_test(changes_decode_what_changed),
        cmocka_unit_test(products_need_no_weights),
        cmocka_unit_test(wrong_arrays_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
