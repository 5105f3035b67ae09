/*
 * test_evolino.c - the least squares of Evolino against normal equations, minimum norm for dependent columns; teaching
 * against a loop written out; evolution stopped and resumed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../systems/evolino.c"
#include "tmpdir.h"

enum { M = 60, N = 7 };

static void random_problem(uint64_t seed, double *a, double *b)
{
    jd_rng r = jd_rng_new(seed, "test", 0);
    for (int i = 0; i < M * N; i++) a[i] = jd_rng_normal(&r);
    for (int i = 0; i < M; i++) b[i] = jd_rng_normal(&r);
}

/* A'(A x - b) for each column: 0 at the least squares. */
static double slope_of_error(const double *a, const double *b, const double *x)
{
    double most = 0;
    for (int j = 0; j < N; j++) {
        double sum = 0;
        for (int i = 0; i < M; i++) {
            double off = -b[i];
            for (int k = 0; k < N; k++) off += a[i * N + k] * x[k];
            sum += a[i * N + j] * off;
        }
        most = fmax(most, fabs(sum));
    }
    return most;
}

static void solves_least_squares(void **state)
{
    (void)state;
    double a[M * N], b[M], u[M * N], v[M], x[N];
    for (uint64_t seed = 0; seed < 20; seed++) {
        random_problem(seed, a, b);
        memcpy(u, a, sizeof a), memcpy(v, b, sizeof b);
        assert_int_equal(evolino_solve(u, v, M, N, 1, 1e-10, x), N);
        assert_true(slope_of_error(a, b, x) < 1e-11);
    }
}

/* Several right sides at once are what each is alone. */
static void solves_for_several_outputs(void **state)
{
    (void)state;
    double a[M * N], b[M], u[M * N], v[M], both[2 * M], x[N], xs[2 * N];
    random_problem(8, a, b);
    for (int i = 0; i < M; i++) both[2 * i] = b[i], both[2 * i + 1] = a[i * N + 2] - b[i];
    memcpy(u, a, sizeof a), memcpy(v, b, sizeof b);
    evolino_solve(u, v, M, N, 1, 1e-10, x);
    memcpy(u, a, sizeof a);
    assert_int_equal(evolino_solve(u, both, M, N, 2, 1e-10, xs), N);
    for (int k = 0; k < N; k++) {
        assert_true(fabs(xs[k] - x[k]) < 1e-12);
        assert_true(fabs(xs[N + k] - ((k == 2) - x[k])) < 1e-11);
    }
}

/* Column 3 = column 1 + column 2, column 5 = 0: of all solutions the shortest, which is at right angles to what the matrix
 * does not see. */
static void dependent_columns_give_the_shortest(void **state)
{
    (void)state;
    double a[M * N], b[M], u[M * N], v[M], x[N];
    random_problem(5, a, b);
    for (int i = 0; i < M; i++) {
        a[i * N + 3] = a[i * N + 1] + a[i * N + 2];
        a[i * N + 5] = 0;
    }
    memcpy(u, a, sizeof a), memcpy(v, b, sizeof b);
    assert_int_equal(evolino_solve(u, v, M, N, 1, 1e-10, x), N - 2);
    assert_true(slope_of_error(a, b, x) < 1e-11);
    assert_true(x[5] == 0 && fabs(x[1] + x[2] - x[3]) < 1e-12);
    memset(u, 0, sizeof u);
    assert_int_equal(evolino_solve(u, v, M, N, 1, 1e-10, x), 0);
    for (int k = 0; k < N; k++) assert_true(x[k] == 0);
}

/* The cell as evolino.h writes it, with the C library's exponential. */
static void cells_match_their_equations(void **state)
{
    (void)state;
    enum { H = 3 };
    double genes[H * 4 * (H + 2)], s[H] = {0}, phi[H] = {0};
    evolino_net *n = calloc(1, sizeof *n);
    jd_rng r = jd_rng_new(1, "test", 1);
    assert_int_equal(evolino_genes(H, 1), sizeof genes / sizeof *genes);
    for (size_t i = 0; i < evolino_genes(H, 1); i++) genes[i] = jd_rng_normal(&r);
    genes[4] = 1e9; /* cut to 10 */
    evolino_unpack(n, H, 1, .25, genes);
    genes[4] = 10;
    for (int t = 0; t < 50; t++) {
        const double y = sin(t);
        double before[H];
        memcpy(before, phi, sizeof phi);
        evolino_step(n, &y);
        for (int i = 0; i < H; i++) {
            double net[4];
            for (int g = 0; g < 4; g++) {
                const double *w = genes + (i * 4 + g) * (H + 2);
                net[g] = w[H] * .25 * y + w[H + 1];
                for (int k = 0; k < H; k++) net[g] += w[k] * before[k];
            }
            s[i] = net[3] / (1 + exp(-net[0])) + s[i] / (1 + exp(-net[1]));
            phi[i] = tanh(s[i] / (1 + exp(-net[2])));
            assert_true(fabs(phi[i] - n->phi[i]) < 1e-12 && fabs(s[i] - n->s[i]) < 1e-10);
        }
    }
    free(n);
}

/* ---- evolution --------------------------------------------------------------------------------------------------------*/

typedef struct stopper {
    volatile int stop;
    int after;
} stopper;

static void count(void *user, const jd_run_event *e)
{
    stopper *s = user;
    if (e->kind == JD_EVENT_PROGRESS && s->after > 0 && --s->after == 0) s->stop = 15;
}

static double series[160];

static bool evolve(const char *dir, int threads, int after, bool resume, double *genes)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    stopper s = {.after = after};
    jd_run *r = jd_run_new(
        ctx, &(jd_run_options){
                 .name = "evolino", .dir = dir, .resume = resume, .on_event = count, .user = &s, .stop = &s.stop});
    assert_non_null(r);
    const evolino_task task = {.series = series, .washout = 40, .end = 160, .cells = 4, .feedback = .1};
    const evolino_search o = {.members = 12,
                              .trials = 2,
                              .generations = 30,
                              .patience = 6,
                              .sigma = .1,
                              .spread = .05,
                              .mutation = .5,
                              .seed = 3};
    const bool whole = evolino_evolve(r, "test", &task, &o, resume, genes);
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_run_free(r);
    jd_ctx_free(ctx);
    return whole;
}

static void evolution_learns_and_resumes_bit_for_bit(void **state)
{
    (void)state;
    enum { GENES = 4 * 4 * 6 };
    double whole[GENES], parts[GENES], room[120 * 7];
    for (int t = 0; t < 160; t++) series[t] = sin(.3 * t);
    assert_true(evolve(tmpdir_file("a"), 1, 0, false, whole));
    assert_false(evolve(tmpdir_file("b"), 1, 4, false, parts));
    assert_false(evolve(tmpdir_file("b"), 2, 9, true, parts));
    assert_true(evolve(tmpdir_file("b"), 1, 0, true, parts));
    assert_memory_equal(whole, parts, sizeof whole);
    evolino_net *n = calloc(1, sizeof *n);
    const evolino_task task = {.series = series, .washout = 40, .end = 160, .cells = 4, .feedback = .1};
    evolino_unpack(n, 4, 1, .1, whole);
    assert_true(evolino_teach(n, &task, room) > -.05); /* the signal's mean square is 0.5 */
    free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solves_least_squares), cmocka_unit_test(solves_for_several_outputs),
        cmocka_unit_test(dependent_columns_give_the_shortest), cmocka_unit_test(cells_match_their_equations),
        cmocka_unit_test(evolution_learns_and_resumes_bit_for_bit)};
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
