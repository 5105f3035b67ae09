/*
 * test_base.c - contexts, errors, memory, nearest word, random numbers, files.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"

static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        jd_philox4x32(known[i].ctr, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void streams_are_functions_of_their_key(void **state)
{
    (void)state;
    jd_rng a = jd_rng_new(1, "init/W", 7), b = jd_rng_new(1, "init/W", 7);
    for (int i = 0; i < 100; i++) assert_int_equal(jd_rng_u32(&a), jd_rng_u32(&b));
    a = jd_rng_new(1, "init/W", 7);
    const uint32_t first = jd_rng_u32(&a);
    jd_rng other[] = {jd_rng_new(2, "init/W", 7), jd_rng_new(1, "init/V", 7), jd_rng_new(1, "init/W", 8),
                      jd_rng_new(1, "init/W", 7 + ((uint64_t)1 << 32)), jd_rng_new(1, "", 7)};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) assert_int_not_equal(first, jd_rng_u32(&other[i]));
    /* The block counter carries. */
    jd_rng c = jd_rng_new(1, "x", 0);
    c.ctr[0] = UINT32_MAX;
    for (int i = 0; i < 4; i++) jd_rng_u32(&c);
    assert_int_equal(c.ctr[0], 0);
    assert_int_equal(c.ctr[1], 1);
}

static void uniform_numbers_are_uniform(void **state)
{
    (void)state;
    enum { N = 100000 };
    jd_rng r = jd_rng_new(3, "test", 0);
    double sum = 0, sum64 = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const float u = jd_rng_uniform(&r);
        const double v = jd_rng_uniform64(&r);
        assert_true(u >= 0.f && u < 1.f && v >= 0. && v < 1.);
        sum += u;
        sum64 += v;
        squares += v * v;
    }
    /* Five standard deviations of the mean: 5 / sqrt(12 N). */
    assert_true(fabs(sum / N - 0.5) < 5 / sqrt(12. * N));
    assert_true(fabs(sum64 / N - 0.5) < 5 / sqrt(12. * N));
    assert_true(fabs(squares / N - 1 / 3.) < 5 * sqrt(4 / 45. / N));
}

static void below_is_unbiased(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(4, "test", 0);
    enum { N = 70000 };
    int count[7] = {0};
    for (int i = 0; i < N; i++) {
        const uint32_t x = jd_rng_below(&r, 7);
        assert_true(x < 7);
        count[x]++;
    }
    double chi2 = 0;
    for (int i = 0; i < 7; i++) chi2 += (count[i] - N / 7.) * (count[i] - N / 7.) / (N / 7.);
    assert_true(chi2 < 30); /* 6 degrees of freedom: p < 4e-5 */
    /* With n = 3 * 2^30 a plain modulo would give the lower third twice as often. */
    int low = 0;
    for (int i = 0; i < N; i++) low += jd_rng_below(&r, 3u << 30) < 1u << 30;
    assert_true(abs(low - N / 3) < 5 * sqrt(N * 2 / 9.));
    assert_int_equal(jd_rng_below(&r, 1), 0);
}

static void shuffle_permutes(void **state)
{
    (void)state;
    uint32_t a[100], seen[100] = {0}, moved = 0;
    for (uint32_t i = 0; i < 100; i++) a[i] = i;
    jd_rng r = jd_rng_new(5, "shuffle", 0);
    jd_rng_shuffle(&r, a, 100);
    for (uint32_t i = 0; i < 100; i++) {
        seen[a[i]]++;
        moved += a[i] != i;
    }
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
    /* All 6 orders of 3 appear equally often. */
    int count[27] = {0};
    for (int i = 0; i < 6000; i++) {
        uint32_t b[3] = {0, 1, 2};
        jd_rng_shuffle(&r, b, 3);
        count[b[0] * 9 + b[1] * 3 + b[2]]++;
    }
    int orders = 0;
    for (int i = 0; i < 27; i++)
        if (count[i]) {
            orders++;
            assert_true(abs(count[i] - 1000) < 150);
        }
    assert_int_equal(orders, 6);
    jd_rng_shuffle(&r, a, 0);
    jd_rng_shuffle(&r, a, 1);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void normal_numbers_are_normal(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = malloc(N * sizeof *x);
    assert_non_null(x);
    jd_rng r = jd_rng_new(6, "test", 0);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (int i = 0; i < N; i++) {
        const double z = x[i] = jd_rng_normal(&r);
        m1 += z / N;
        m2 += z * z / N;
        m3 += z * z * z / N;
        m4 += z * z * z * z / N;
    }
    assert_true(fabs(m1) < 5 / sqrt(N));
    assert_true(fabs(m2 - 1) < 5 * sqrt(2. / N));
    assert_true(fabs(m3) < 5 * sqrt(15. / N));
    assert_true(fabs(m4 - 3) < 5 * sqrt(96. / N));
    /* Kolmogorov-Smirnov. */
    qsort(x, N, sizeof *x, compare);
    double worst = 0;
    for (int i = 0; i < N; i++) worst = fmax(worst, fabs(0.5 * erfc(-x[i] / sqrt(2)) - (i + 0.5) / N));
    assert_true(worst < 2 / sqrt(N));
    free(x);
    /* Exact inversion: the first number of a stream is the quantile of its bits, over the whole range. */
    for (uint64_t i = 0; i < 20000; i++) {
        jd_rng s = jd_rng_new(7, "quantile", i), t = s;
        const double z = jd_rng_normal(&s);
        uint64_t bits = jd_rng_u32(&t);
        bits |= (uint64_t)jd_rng_u32(&t) << 32;
        double p = ((double)(bits >> 12) + 0.5) * 0x1p-52;
        const double q = p < 0.5 ? p : 1 - p;
        const double back = 0.5 * erfc(fabs(z) / sqrt(2));
        assert_true((p < 0.5) == (z < 0));
        assert_true(fabs(back - q) <= 2e-14 * q);
    }
}

/* The quantile in both tails, which a stream reaches too seldom: all three pieces of the approximation. */
static void normal_tails_are_exact(void **state)
{
    (void)state;
    for (int e = 2; e <= 52; e++) {
        /* A reader whose next 64 bits are 2^(64-e), so that p = 2^-e + 2^-53. */
        const uint64_t bits = (uint64_t)1 << (64 - e);
        jd_rng r = {.out = {0, 0, (uint32_t)bits, (uint32_t)(bits >> 32)}, .left = 2};
        const double p = ldexp(1, -e) + 0x1p-53, z = jd_rng_normal(&r);
        assert_true(z < 0);
        assert_true(fabs(0.5 * erfc(-z / sqrt(2)) - p) <= 3e-14 * p);
    }
}

static void log_is_accurate(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(8, "log", 0);
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
        double x = 0.5 + jd_rng_uniform64(&r);
        if (i & 1) x = ldexp(x, (int)jd_rng_below(&r, 2000) - 1000);
        const long double exact = logl(x);
        if (exact != 0) worst = fmax(worst, fabs((double)((jd__log64(x) - exact) / exact)));
    }
    assert_true(worst < 1e-15);
    assert_true(jd__log64(1) == 0);
}

static void errors_are_sticky(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_non_null(ctx);
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_string_equal(jd_error_message(ctx), "");
    assert_int_equal(jd_fail(ctx, JD_EDATA, "file %s: byte %d", "a", 7), JD_EDATA);
    assert_int_equal(jd_fail(ctx, JD_EIO, "second"), JD_EDATA);
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_string_equal(jd_error_message(ctx), "file a: byte 7");
    assert_null(jd_read_file(ctx, "/dev/null", 0, NULL));
    jd_error_clear(ctx);
    assert_int_equal(jd_error(ctx), JD_OK);
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    jd_fail(ctx, JD_EUSAGE, "%s", longer);
    assert_int_equal(strlen(jd_error_message(ctx)), 1023);
    jd_ctx_free(ctx);
    assert_int_equal(jd_error(NULL), JD_ENOMEM);
    assert_int_equal(jd_fail(NULL, JD_EIO, "x"), JD_EIO);
    jd_ctx_free(NULL);
}

static void options_are_checked(void **state)
{
    (void)state;
    assert_null(jd_ctx_new(&(jd_options){.isa = "sse9"}));
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.isa = "scalar", .threads = 3, .seed = 9});
    assert_non_null(ctx);
    assert_string_equal(jd_ctx_isa(ctx), "scalar");
    assert_int_equal(jd_ctx_threads(ctx), 3);
    assert_int_equal(jd_ctx_seed(ctx), 9);
    jd_ctx_set_seed(ctx, 10);
    assert_int_equal(jd_ctx_seed(ctx), 10);
    assert_int_equal(jd_team_count(jd__ctx_team(ctx)), 3);
    assert_ptr_equal(jd__ctx_team(ctx), jd__ctx_team(ctx));
    jd_ctx_free(ctx);

    const char *saved = getenv("JD_ISA");
    char *copy = saved ? strdup(saved) : NULL;
    setenv("JD_ISA", "scalar", 1);
    ctx = jd_ctx_new(NULL);
    assert_string_equal(jd_ctx_isa(ctx), "scalar");
    assert_true(jd_ctx_threads(ctx) >= 1);
    jd_ctx_free(ctx);
    setenv("JD_ISA", "nonsense", 1);
    assert_null(jd_ctx_new(NULL));
    copy ? setenv("JD_ISA", copy, 1) : unsetenv("JD_ISA");
    free(copy);
}

struct heap {
    int live, left; /* objects alive; allocations until failure */
};

static void *counted_alloc(void *user, size_t bytes)
{
    struct heap *h = user;
    if (h->left-- <= 0) return NULL;
    h->live++;
    return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

static void counted_free(void *user, void *p)
{
    ((struct heap *)user)->live--;
    free(p);
}

static void memory_is_aligned_zeroed_and_counted(void **state)
{
    (void)state;
    struct heap heap = {.left = 7};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.alloc = counted_alloc, .free = counted_free, .alloc_user = &heap});
    assert_non_null(ctx);
    char *p = jd_alloc(ctx, 1000);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(p[i], 0);
    memset(p, 'a', 1000);
    p = jd_realloc(ctx, p, 1000, 3000);
    assert_true(p[999] == 'a' && p[1000] == 0 && p[2999] == 0);
    p = jd_realloc(ctx, p, 3000, 10);
    assert_int_equal(p[9], 'a');
    char *zero = jd_alloc(ctx, 0), *s = jd_strdup(ctx, "twelve"), *f = jd_asprintf(ctx, "%d-%s", 12, s);
    assert_non_null(zero);
    assert_string_equal(f, "12-twelve");
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_null(jd_alloc(ctx, 10)); /* the eighth */
    assert_int_equal(jd_error(ctx), JD_ENOMEM);
    jd_error_clear(ctx);
    assert_null(jd_alloc_array(ctx, SIZE_MAX / 2, 3));
    assert_int_equal(jd_error(ctx), JD_ENOMEM);
    jd_error_clear(ctx);
    heap.left = 100;
    assert_null(jd_alloc(ctx, SIZE_MAX - 10)); /* rounding up must not wrap */
    assert_int_equal(jd_error(ctx), JD_ENOMEM);
    jd_free(ctx, p);
    jd_free(ctx, zero);
    jd_free(ctx, s);
    jd_free(ctx, f);
    jd_free(ctx, NULL);
    jd_ctx_free(ctx);
    assert_int_equal(heap.live, 0);
    heap.left = 0;
    assert_null(jd_ctx_new(&(jd_options){.alloc = counted_alloc, .free = counted_free, .alloc_user = &heap}));
}

static void nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"conv", "maxpool", "dense", "lstm", "momentum", "tanh", NULL};
    assert_string_equal(jd_nearest("covn", words), "conv"); /* a swap counts once */
    assert_string_equal(jd_nearest("maxpol", words), "maxpool");
    assert_string_equal(jd_nearest("LSTM", words), "lstm");
    assert_string_equal(jd_nearest("momentun", words), "momentum");
    assert_string_equal(jd_nearest("dence", words), "dense");
    assert_string_equal(jd_nearest("Mom", words), "momentum");
    assert_null(jd_nearest("mo", words));
    assert_null(jd_nearest("zebra", words));
    assert_null(jd_nearest("x", words));
    assert_null(jd_nearest("", words));
    assert_null(jd_nearest("dense", (const char *const[]){NULL}));
    char longest[300];
    memset(longest, 'a', 299);
    longest[299] = 0;
    assert_null(jd_nearest(longest, words));
    assert_null(jd_nearest("a", (const char *const[]){longest, NULL}));
}

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    int n = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void files_are_replaced(void **state)
{
    (void)state;
    char dir[] = "/tmp/jackdaw-base-XXXXXX", path[100];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(jd_write_file(ctx, path, "first", 5), JD_OK);
    assert_int_equal(jd_write_file(ctx, path, "second", 6), JD_OK);
    assert_int_equal(entries(dir), 1);
    size_t n;
    char *data = jd_read_file(ctx, path, 6, &n);
    assert_int_equal(n, 6);
    assert_string_equal(data, "second");
    jd_free(ctx, data);
    assert_null(jd_read_file(ctx, path, 5, &n));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_int_equal(n, 0);
    jd_error_clear(ctx);
    assert_null(jd_read_file(ctx, dir, 0, &n));
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    jd_error_clear(ctx);
    assert_null(jd_read_file(ctx, "/nonexistent/file", 0, &n));
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    jd_error_clear(ctx);
    assert_int_equal(jd_write_file(ctx, "/nonexistent/file", "x", 1), JD_EIO);
    jd_error_clear(ctx);

    /* A stale temporary file of a killed process with our number is no obstacle, and is left alone. */
    char stale[200];
    snprintf(stale, sizeof stale, "%s.tmp.%ld", path, (long)getpid());
    fclose(fopen(stale, "w"));
    assert_int_equal(jd_write_file(ctx, path, "", 0), JD_OK);
    assert_int_equal(entries(dir), 2);
    unlink(stale);
    data = jd_read_file(ctx, path, 0, &n);
    assert_non_null(data);
    assert_int_equal(n, 0);
    jd_free(ctx, data);

    /* A file that does not know its size. */
    data = jd_read_file(ctx, "/proc/self/status", 0, &n);
    assert_non_null(data);
    assert_true(n > 100);
    jd_free(ctx, data);
    unlink(path);
    rmdir(dir);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(streams_are_functions_of_their_key),
        cmocka_unit_test(uniform_numbers_are_uniform),
        cmocka_unit_test(below_is_unbiased),
        cmocka_unit_test(shuffle_permutes),
        cmocka_unit_test(normal_numbers_are_normal),
        cmocka_unit_test(normal_tails_are_exact),
        cmocka_unit_test(log_is_accurate),
        cmocka_unit_test(errors_are_sticky),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(memory_is_aligned_zeroed_and_counted),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(files_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
