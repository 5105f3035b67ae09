/* Best path decoding and edit distance. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "jackdaw/decode.h"

static void best_path(void **state)
{
    (void)state;
    /* frames: a a - a b b - -, blank 2 */
    static const int frame[8] = {0, 0, 2, 0, 1, 1, 2, 2};
    float y[8][3] = {{0}};
    int32_t found[8];
    for (int t = 0; t < 8; t++) y[t][frame[t]] = 1;
    assert_int_equal(jd_ctc_best_path(y[0], 3, 8, 3, 2, found), 3);
    assert_int_equal(found[0], 0);
    assert_int_equal(found[1], 0);
    assert_int_equal(found[2], 1);
    assert_int_equal(jd_ctc_best_path(y[0], 3, 2, 3, 2, found), 1);
    assert_int_equal(jd_ctc_best_path(y[0], 3, 0, 3, 2, found), 0);
    /* with class 0 as the blank the same frames say: 2 1 2 */
    assert_int_equal(jd_ctc_best_path(y[0], 3, 8, 3, 0, found), 3);
    assert_int_equal(found[0], 2);
    assert_int_equal(found[1], 1);
    assert_int_equal(found[2], 2);
}

/* P(a) = .4, P(blank) = .6 twice: the best path says nothing, although "a" is likelier as a whole. */
static void mini_example(void **state)
{
    (void)state;
    const float y[2][3] = {{.4f, 0, .6f}, {.4f, 0, .6f}};
    int32_t found[2];
    assert_int_equal(jd_ctc_best_path(y[0], 3, 2, 3, 2, found), 0);
}

static void batch(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    enum { T = 5, B = 3, K = 4 };
    static const int frame[T][B] = {{1, 0, 3}, {1, 2, 3}, {0, 2, 0}, {1, 3, 3}, {2, 3, 1}};
    float y[T][B][K] = {{{0}}};
    int32_t length[B] = {5, 4, 3}, labels[B][T], count[B];
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++) y[t][b][frame[t][b]] = 2;
    assert_int_equal(jd_ctc_best_paths(ctx, y[0][0], T, B, K, length, 0, labels[0], count), JD_OK);
    assert_int_equal(count[0], 3); /* 1 1 2 */
    assert_int_equal(count[1], 2); /* 2 3 */
    assert_int_equal(count[2], 1); /* 3 */
    assert_true(labels[0][0] == 1 && labels[0][1] == 1 && labels[0][2] == 2);
    assert_true(labels[1][0] == 2 && labels[1][1] == 3 && labels[2][0] == 3);
    static const int32_t target[B][2] = {{1, 2}, {2, 3}, {1, 9}};
    static const int32_t target_length[B] = {2, 2, 1};
    /* 1 insertion, 0, 1 substitution of 5 labels */
    assert_true(fabs(jd_label_error_rate(ctx, target[0], 2, target_length, labels[0], T, count, B) - .4) < 1e-15);
    /* no labels to be found: no error, or infinitely many; lengths beyond the arrays are refused */
    assert_true(jd_label_error_rate(ctx, target[0], 2, (const int32_t[]){0}, labels[0], T, (const int32_t[]){0}, 1) ==
                0);
    assert_true(isinf(jd_label_error_rate(ctx, target[0], 2, (const int32_t[]){0}, labels[0], T, count, 1)));
    static const int32_t wrong[][2] = {{3, 0}, {-1, 0}, {0, T + 1}, {0, -1}};
    for (int i = 0; i < 4; i++) {
        assert_true(jd_label_error_rate(ctx, target[0], 2, &wrong[i][0], labels[0], T, &wrong[i][1], 1) == -1);
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    length[1] = 6;
    assert_int_equal(jd_ctc_best_paths(ctx, y[0][0], T, B, K, length, 0, labels[0], count), JD_EUSAGE);
    jd_ctx_free(ctx);
}

static jd_edits edits(jd_ctx *ctx, const char *a, const char *b)
{
    int32_t x[32], y[32];
    size_t n = 0, m = 0;
    for (; a[n]; n++) x[n] = a[n];
    for (; b[m]; m++) y[m] = b[m];
    return jd_edit_distance(ctx, x, n, y, m);
}

static void levenshtein(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    static const struct {
        const char *a, *b;
        size_t s, i, d;
    } known[] = {{"", "", 0, 0, 0},
                 {"abc", "abc", 0, 0, 0},
                 {"", "ab", 0, 2, 0},
                 {"ab", "", 0, 0, 2},
                 {"kitten", "sitting", 2, 1, 0},
                 {"sitting", "kitten", 2, 0, 1},
                 {"saturday", "sunday", 1, 0, 2},
                 {"abcdef", "xabcdef", 0, 1, 0},
                 {"ab", "ba", 2, 0, 0}};
    for (size_t n = 0; n < sizeof known / sizeof *known; n++) {
        const jd_edits e = edits(ctx, known[n].a, known[n].b);
        assert_int_equal(e.substitutions, known[n].s);
        assert_int_equal(e.insertions, known[n].i);
        assert_int_equal(e.deletions, known[n].d);
        assert_int_equal(e.total, known[n].s + known[n].i + known[n].d);
    }
    jd_ctx_free(ctx);
}

/* By recursion from the definition. */
static size_t distance(const int32_t *a, size_t n, const int32_t *b, size_t m)
{
    if (!n || !m) return n + m;
    const size_t s = distance(a + 1, n - 1, b + 1, m - 1) + (*a != *b);
    const size_t d = distance(a + 1, n - 1, b, m) + 1, i = distance(a, n, b + 1, m - 1) + 1;
    return s < d ? (s < i ? s : i) : (d < i ? d : i);
}

static void random_strings(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_rng r = jd_rng_new(1, "test/edits", 0);
    for (int n = 0; n < 300; n++) {
        int32_t a[6], b[6];
        const size_t na = jd_rng_below(&r, 7), nb = jd_rng_below(&r, 7);
        for (int i = 0; i < 6; i++) {
            a[i] = (int32_t)jd_rng_below(&r, 3);
            b[i] = (int32_t)jd_rng_below(&r, 3);
        }
        const jd_edits e = jd_edit_distance(ctx, a, na, b, nb);
        assert_int_equal(e.total, distance(a, na, b, nb));
        assert_int_equal(e.total, e.substitutions + e.insertions + e.deletions);
        assert_int_equal(na + e.insertions, nb + e.deletions);
    }
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(best_path), cmocka_unit_test(mini_example),
                                       cmocka_unit_test(batch), cmocka_unit_test(levenshtein),
                                       cmocka_unit_test(random_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
