/*
 * test_search.c - every method of search finds optima that it should find, gives the same bits for any number of threads
 * and after a resume, keeps to its budget, and refuses what is wrong.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cpu/control.h"
#include "jackdaw/io.h"
#include "cpu/control.h"
#include "search/search.h"
#include "tmpdir.h"

enum { D = 6 };

static double sphere(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - 1) * (x[i] - 1);
    return sum;
}

/* A valley a thousand times longer than wide that is not parallel to the axes: an ellipsoid behind a reflection. */
static double valley(const double *x, size_t n)
{
    double along = 0, sum = 0;
    for (size_t i = 0; i < n; i++) along += x[i] * (double)(i + 1);
    for (size_t i = 0; i < n; i++) {
        const double norm = (double)(n * (n + 1) * (2 * n + 1)) / 6, y = x[i] - 2 * along * (double)(i + 1) / norm - 1;
        sum += pow(10, 6 * (double)i / (double)(n - 1)) * y * y;
    }
    return sum;
}

static double flat(const double *x, size_t n)
{
    return x[0] > 1e300 || n == 0;
}

static int64_t drive(jd_search *s, double (*f)(const double *, size_t), size_t dim, int repeats, int64_t generations)
{
    const double *x;
    int64_t done = 0;
    for (size_t n; done < generations && (x = jd_search_ask(s, &n)) != NULL; done++) {
        double *score = calloc(n * (size_t)repeats, sizeof *score);
        for (size_t k = 0; k < n; k++)
            for (int r = 0; r < repeats; r++) score[k * (size_t)repeats + (size_t)r] = f(x + k * dim, dim);
        jd_search_tell(s, score);
        free(score);
    }
    return done;
}

static double reached(jd_search_method m, double (*f)(const double *, size_t), int64_t budget, uint64_t seed)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_search *s = jd_search_new(
        ctx, &(jd_search_options){.method = m, .dim = D, .seed = seed, .minimize = true, .budget = budget});
    drive(s, f, D, 1, INT64_MAX);
    double best = (double)NAN;
    assert_non_null(jd_search_best(s, &best));
    assert_true(jd_search_state(s).evaluations <= budget);
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_search_free(s);
    jd_ctx_free(ctx);
    return best;
}

static void methods_find_the_sphere(void **state)
{
    (void)state;
    static const double within[JD_SEARCH_METHODS] = {1e-10, 1e-10, 1e-10, .05, .2, .05, 3};
    for (int m = 0; m < JD_SEARCH_METHODS; m++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            const double best = reached((jd_search_method)m, sphere, 6000, seed);
            if (!(best < within[m])) fail_msg("%s: %g", jd_search_method_name((jd_search_method)m), best);
        }
}

/* The full covariance is what such a valley needs; the separable strategy and random search are far behind. */
static void covariance_follows_the_valley(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_true(reached(JD_SEARCH_CMAES, valley, 12000, seed) < 1e-8);
        assert_true(reached(JD_SEARCH_XNES, valley, 12000, seed) < 1e-8);
        assert_true(reached(JD_SEARCH_SNES, valley, 12000, seed) > 1e-8);
        assert_true(reached(JD_SEARCH_RANDOM, valley, 12000, seed) > 1e-2);
    }
}

/* One generation of SNES against the equations, written out. */
static void snes_is_the_published_update(void **state)
{
    (void)state;
    enum { N = 8 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const double center[3] = {1, -2, .5};
    jd_search *s = jd_search_new(
        ctx, &(jd_search_options){.method = JD_SEARCH_SNES, .dim = 3, .population = N, .sigma = .7, .center = center});
    size_t n;
    const double *x = jd_search_ask(s, &n);
    assert_int_equal(n, N);
    double noise[N][3], score[N], u[N], sum = 0, mu[3], sigma[3];
    int rank[N];
    for (int k = 0; k < N; k++) {
        score[k] = -sphere(x + 3 * k, 3);
        for (int d = 0; d < 3; d++) noise[k][d] = (x[3 * k + d] - center[d]) / .7;
        u[k] = fmax(0, log(N / 2. + 1) - log(k + 1.));
        sum += u[k];
    }
    for (int k = 0; k < N; k++) {
        rank[k] = 0;
        for (int j = 0; j < N; j++) rank[k] += score[j] > score[k];
    }
    const double eta = (3 + log(3.)) / (5 * sqrt(3.));
    for (int d = 0; d < 3; d++) {
        double first = 0, second = 0;
        for (int k = 0; k < N; k++) {
            const double w = u[rank[k]] / sum - 1. / N;
            first += w * noise[k][d];
            second += w * (noise[k][d] * noise[k][d] - 1);
        }
        mu[d] = center[d] + .7 * first;
        sigma[d] = .7 * exp(eta / 2 * second);
    }
    jd_search_tell(s, score);
    for (int d = 0; d < 3; d++) {
        assert_true(fabs(s->field[0].v[d] - mu[d]) < 1e-12);
        assert_true(fabs(s->field[1].v[d] - sigma[d]) < 1e-12);
        assert_true(jd_search_center(s)[d] == s->field[0].v[d]);
    }
    jd_search_free(s);
    jd_ctx_free(ctx);
}

static void eigenvectors_and_exponential(void **state)
{
    (void)state;
    enum { N = 7 };
    double C[N * N], A[N * N], B[N * N], d[N], E[N * N], T[2 * N * N];
    jd_rng r = jd_rng_new(3, "test", 0);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) C[i * N + j] = C[j * N + i] = jd_rng_normal(&r);
    memcpy(A, C, sizeof A);
    jd__eigen(A, B, d, N);
    memcpy(A, C, sizeof A);
    jd__expm(A, E, T, N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double c = 0, e = 0, unit = 0;
            for (int k = 0; k < N; k++) {
                c += B[i * N + k] * d[k] * B[j * N + k];
                e += B[i * N + k] * exp(d[k]) * B[j * N + k];
                unit += B[i * N + k] * B[j * N + k];
            }
            assert_true(fabs(c - C[i * N + j]) < 1e-13);
            assert_true(fabs(unit - (i == j)) < 1e-14);
            assert_true(fabs(e - E[i * N + j]) < 1e-12 * (1 + fabs(e)));
        }
}

static jd_search_options hard(jd_search_method m)
{
    static const uint32_t segment[D] = {0, 0, 1, 1, 1, 2};
    return (jd_search_options){.method = m,
                               .dim = D,
                               .population = 12,
                               .seed = 9,
                               .minimize = true,
                               .restart = true,
                               .patience = 5,
                               .grow = 1.5,
                               .repeats = 2,
                               .segment = segment};
}

static void same(jd_search *a, jd_search *b)
{
    size_t n, m;
    const double *x = jd_search_ask(a, &n), *y = jd_search_ask(b, &m);
    assert_non_null(x);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n * D * sizeof *x);
    const jd_search_status p = jd_search_state(a), q = jd_search_state(b);
    assert_memory_equal(&p, &q, sizeof p);
}

/* Saved in the middle, after an ask, and loaded into a fresh search: every later vector has the same bits. */
static void resumes_bit_for_bit(void **state)
{
    (void)state;
    for (int m = 0; m < JD_SEARCH_METHODS; m++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        const jd_search_options o = hard((jd_search_method)m);
        jd_search *a = jd_search_new(ctx, &o), *b = jd_search_new(ctx, &o);
        drive(a, valley, D, 2, 47);
        assert_true(m != JD_SEARCH_COSYNE || jd_search_state(a).restarts > 0);
        jd_search_ask(a, NULL);
        assert_int_equal(jd_search_save(a, tmpdir_file("s"), 1), JD_OK);
        drive(b, valley, D, 2, 3);
        assert_int_equal(jd_search_load(b, tmpdir_file("s")), JD_OK);
        same(a, b);
        drive(a, valley, D, 2, 40);
        drive(b, valley, D, 2, 40);
        same(a, b);
        jd_search_free(a);
        jd_search_free(b);
        jd_ctx_free(ctx);
    }
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    enum { LARGE = 9000, SMALL = 60 };
    for (int m = 0; m < 3; m++) {
        const size_t dim = m == JD_SEARCH_SNES ? LARGE : SMALL;
        jd_search *s[2];
        jd_ctx *ctx[2];
        for (int i = 0; i < 2; i++) {
            ctx[i] = jd_ctx_new(&(jd_options){.threads = i ? 3 : 1});
            s[i] = jd_search_new(ctx[i],
                                 &(jd_search_options){.method = (jd_search_method)m, .dim = dim, .population = 40});
            drive(s[i], sphere, dim, 1, 4);
        }
        const double *x = jd_search_ask(s[0], NULL), *y = jd_search_ask(s[1], NULL);
        assert_memory_equal(x, y, dim * 40 * sizeof *x);
        for (int i = 0; i < 2; i++) {
            jd_search_free(s[i]);
            jd_ctx_free(ctx[i]);
        }
    }
}

static void ends_for_a_reason(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_search_options o = {.method = JD_SEARCH_SNES, .dim = 4, .population = 10, .minimize = true, .budget = 57};
    jd_search *s = jd_search_new(ctx, &o);
    assert_int_equal(drive(s, sphere, 4, 1, 1000), 5);
    assert_string_equal(jd_search_done(s), "budget");
    assert_int_equal(jd_search_state(s).evaluations, 50);
    jd_search_free(s);

    o.budget = 0;
    o.has_target = true;
    o.target = .1;
    s = jd_search_new(ctx, &o);
    drive(s, sphere, 4, 1, 10000);
    assert_string_equal(jd_search_done(s), "target");
    double best;
    jd_search_best(s, &best);
    assert_true(best <= .1);
    jd_search_free(s);

    o.has_target = false;
    o.patience = 7;
    s = jd_search_new(ctx, &o);
    assert_int_equal(drive(s, flat, 4, 1, 10000), 8);
    assert_string_equal(jd_search_done(s), "converged");
    jd_search_free(s);

    o.restart = true;
    o.grow = 2;
    s = jd_search_new(ctx, &o);
    assert_int_equal(drive(s, flat, 4, 1, 8), 8);
    assert_int_equal(jd_search_state(s).restarts, 1);
    assert_int_equal(jd_search_state(s).population, 20);
    assert_null(jd_search_done(s));
    jd_search_free(s);

    o.patience = 0;
    o.restart = false;
    for (int m = JD_SEARCH_SNES; m <= JD_SEARCH_CMAES; m++) { /* the distribution shrinks until nothing can move */
        o.method = (jd_search_method)m;
        s = jd_search_new(ctx, &o);
        drive(s, sphere, 4, 1, 10000);
        assert_string_equal(jd_search_done(s), "converged");
        jd_search_free(s);
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_ctx_free(ctx);
}

/* Scores that are no numbers are the worst, and the mean of repeated scores counts. */
static void scores_may_be_bad(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_search *s =
        jd_search_new(ctx, &(jd_search_options){.method = JD_SEARCH_XNES, .dim = 2, .population = 4, .repeats = 2});
    size_t n;
    const double *x = jd_search_ask(s, &n);
    const double third[2] = {x[4], x[5]};
    const double score[8] = {(double)NAN, 9, 5, 0, 3, 3, -INFINITY, -INFINITY};
    assert_int_equal(jd_search_tell(s, score), JD_OK);
    double best;
    const double *b = jd_search_best(s, &best);
    assert_true(best == 3 && b[0] == third[0] && b[1] == third[1]);
    assert_true(jd_search_state(s).mean == 2.75);
    assert_int_equal(jd_search_tell(s, score), JD_EUSAGE);
    jd_search_free(s);
    jd_ctx_free(ctx);
}

static int upwards(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* MIDDLE: the best quarter stays and is not evaluated again; values only move within their dimension. */
static void cosyne_permutes_within_dimensions(void **state)
{
    (void)state;
    for (int rule = JD_COSYNE_MIDDLE; rule <= JD_COSYNE_MARKED; rule++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_search *s = jd_search_new(
            ctx, &(jd_search_options){
                     .method = JD_SEARCH_COSYNE, .dim = D, .population = 40, .cosyne = (jd_cosyne_rule)rule});
        drive(s, sphere, D, 1, 1);
        size_t n;
        const double *x = jd_search_ask(s, &n);
        assert_true(n <= 40 && n >= 10);
        assert_true(rule != JD_COSYNE_MIDDLE || (n >= 28 && n <= 30)); /* a member may draw itself in every dimension */
        double first[40 * D];
        memcpy(first, s->field[0].v, sizeof first);
        assert_true(rule == JD_COSYNE_ALL || isnan(s->field[1].v[39]));
        (void)x;
        drive(s, sphere, D, 1, 1);
        for (int d = 0; d < D; d++) { /* values that were not bred are found again in the same dimension */
            int found = 0;
            for (int k = 0; k < 40; k++)
                for (int j = 0; j < 40; j++)
                    if (s->field[0].v[k * D + d] == first[j * D + d]) {
                        found++;
                        break;
                    }
            assert_true(found >= 30);
        }
        assert_string_equal(s->field[2].name,
                            "next"); /* the members as they were bred: none is lost, some have moved */
        assert_true(memcmp(s->field[0].v, s->field[2].v, sizeof first) != 0);
        for (int d = 0; d < D; d++) {
            double a[40], b[40];
            for (int k = 0; k < 40; k++) a[k] = s->field[0].v[k * D + d], b[k] = s->field[2].v[k * D + d];
            qsort(a, 40, sizeof *a, upwards);
            qsort(b, 40, sizeof *b, upwards);
            assert_memory_equal(a, b, sizeof a);
        }
        jd_search_free(s);
        jd_ctx_free(ctx);
    }
}

static void refused(jd_search_options o)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    assert_null(jd_search_new(ctx, &o));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_true(strlen(jd_error_message(ctx)) > 20);
    jd_ctx_free(ctx);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    const double bad[2] = {0, (double)INFINITY};
    const uint32_t gap[3] = {0, 2, 1};
    refused((jd_search_options){.dim = 0});
    refused((jd_search_options){.dim = 3, .trials = -1});
    refused((jd_search_options){.dim = 3, .trials = 1001});
    refused((jd_search_options){.method = (jd_search_method)99, .dim = 3});
    refused((jd_search_options){.method = JD_SEARCH_XNES, .dim = 5000});
    refused((jd_search_options){.dim = 3, .population = 3});
    refused((jd_search_options){.dim = 3, .sigma = -1});
    refused((jd_search_options){.dim = 3, .sigma = (double)NAN});
    refused((jd_search_options){.dim = 3, .mutation = 1.5});
    refused((jd_search_options){.dim = 3, .grow = .5});
    refused((jd_search_options){.dim = 3, .budget = -1});
    refused((jd_search_options){.dim = 2, .center = bad});
    refused((jd_search_options){.dim = 3, .segment = gap});
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    assert_int_equal(jd_search_method_named(ctx, "cmaes"), JD_SEARCH_CMAES);
    assert_int_equal(jd_search_method_named(ctx, "xness"), JD_SEARCH_METHODS);
    assert_non_null(strstr(jd_error_message(ctx), "xnes"));
    jd_ctx_free(ctx);
}

/* A file of other options, or a damaged one, is refused, and the search goes on as it was. */
static void wrong_files_are_refused(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_search_options o = hard(JD_SEARCH_CMAES);
    jd_search *s = jd_search_new(ctx, &o);
    drive(s, sphere, D, 2, 5);
    jd_search_save(s, tmpdir_file("x"), 0);
    size_t n, bytes;
    double before[40 * D];
    memcpy(before, jd_search_ask(s, &n), sizeof(double) * 12 * D);
    const double other[D] = {1};
    jd_search_options wrong[6] = {o, o, o, o, o, o};
    wrong[0].seed = 10;
    wrong[1].sigma = 2;
    wrong[2].method = JD_SEARCH_XNES;
    wrong[3].center = other;
    wrong[4].population = 14;
    wrong[5].segment = NULL;
    for (int i = 0; i < 6; i++) {
        jd_search *t = jd_search_new(ctx, &wrong[i]);
        assert_int_equal(jd_search_load(t, tmpdir_file("x")), JD_EDATA);
        jd_error_clear(ctx);
        assert_non_null(jd_search_ask(t, NULL));
        jd_search_free(t);
    }
    unsigned char *file = jd_read_file(ctx, tmpdir_file("x"), 0, &bytes);
    for (size_t cut = 0; cut < bytes; cut += 97) {
        tmpdir_write(tmpdir_file("torn"), file, cut);
        assert_int_equal(jd_search_load(s, tmpdir_file("torn")), JD_EDATA);
        jd_error_clear(ctx);
    }
    assert_int_equal(jd_search_load(s, tmpdir_file("none")), JD_ENOINPUT);
    jd_error_clear(ctx);
    assert_memory_equal(jd_search_ask(s, NULL), before, sizeof(double) * n * D);
    /* A file whose checksums are right, but whose counters are not. */
    jd_tensor_file *f = jd_safetensors_parse(ctx, "x", file, bytes);
    jd_tensor_entry t[32];
    const size_t count = jd_tensor_file_count(f);
    int64_t at[8];
    for (size_t i = 0; i < count; i++) {
        t[i] = *jd_tensor_file_entry(f, i);
        if (!strcmp(t[i].name, "at")) {
            memcpy(at, t[i].data, sizeof at);
            t[i].data = at;
        }
    }
    const int64_t true_at[8] = {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]};
    for (int i = 1; i < 8; i++) {
        memcpy(at, true_at, sizeof at);
        at[i] = i == 6 ? 1 << 20 : -1;
        jd_checkpoint_save(ctx, tmpdir_file("y"), t, count, &(jd_metadata){"jackdaw.search", "cmaes"}, 1, 0);
        assert_int_equal(jd_search_load(s, tmpdir_file("y")), JD_EDATA);
        jd_error_clear(ctx);
    }
    memcpy(at, true_at, sizeof at);
    jd_checkpoint_save(ctx, tmpdir_file("y"), t, count, &(jd_metadata){"jackdaw.search", "cmaes"}, 1, 0);
    assert_int_equal(jd_search_load(s, tmpdir_file("y")), JD_OK);
    jd_tensor_file_close(f);
    jd_free(ctx, file);
    jd_search_free(s);
    jd_ctx_free(ctx);
}

/* Noise is the normal quantile of Philox's words, on every instruction set and wherever a stream is cut. */
static void noise_is_normal(void **state)
{
    (void)state;
    enum { N = 64 * 400 + 23 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    const jd_control *all[] = {jd__control_find("scalar"), jd__control_find(jd_ctx_isa(ctx)),
                               jd__control_find(strcmp(jd_ctx_isa(ctx), "scalar") ? "avx2" : "scalar")};
    const uint32_t key[2] = {7, 9}, high[2] = {3, 1u << 24};
    double *mu = calloc(N, sizeof *mu), *sigma = calloc(N, sizeof *sigma), *x = calloc(N, sizeof *x);
    float *noise = calloc(N, sizeof *noise), *again = calloc(N, sizeof *again);
    for (int i = 0; i < N; i++) mu[i] = i, sigma[i] = 1 + .001 * i;
    all[0]->noise(key, high, 0, N, mu, sigma, noise, x);
    double squares = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        const int word = i % 64 / 16, block = i / 64 * 16 + i % 16 / 2 + 8 * (i % 2);
        uint32_t out[4];
        jd_philox4x32((const uint32_t[4]){(uint32_t)block, 0, high[0], high[1]}, key, out);
        const double t = ((double)(out[word] & 0x7fffffff) + .5) * 0x1p-31; /* in both tails together */
        const double want = (out[word] >> 31 ? -1 : 1) * -jd__normal_quantile(t / 2);
        if (!(fabs((double)noise[i] - want) < 2e-6 * (1 + fabs(want))))
            fail_msg("number %d is %g, not %g", i, (double)noise[i], want);
        assert_true(x[i] == mu[i] + sigma[i] * (double)noise[i]);
        squares += want * want / N;
        fourth += want * want * want * want / N;
    }
    assert_true(fabs(squares - 1) < .03 && fabs(fourth - 3) < .3);
    for (size_t k = 1; k < 3; k++) {
        all[k]->noise(key, high, 0, 6400, mu, sigma, again, x);
        all[k]->noise(key, high, 6400, N - 6400, mu + 6400, sigma + 6400, again + 6400, x + 6400);
        assert_memory_equal(noise, again, N * sizeof *noise);
    }
    free(mu), free(sigma), free(x), free(noise), free(again);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_find_the_sphere),
        cmocka_unit_test(covariance_follows_the_valley),
        cmocka_unit_test(snes_is_the_published_update),
        cmocka_unit_test(noise_is_normal),
        cmocka_unit_test(eigenvectors_and_exponential),
        cmocka_unit_test(resumes_bit_for_bit),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(ends_for_a_reason),
        cmocka_unit_test(scores_may_be_bad),
        cmocka_unit_test(cosyne_permutes_within_dimensions),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(wrong_files_are_refused),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
