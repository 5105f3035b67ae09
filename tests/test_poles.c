/*
 * test_poles.c - what networks earn at the poles, against a plain loop; races alone, in company, on two threads, stopped and
 * resumed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../systems/poles.c"
#include "../systems/poles_race.c"
#include "jackdaw/population.h"
#include "sanitized.h"
#include "tmpdir.h"

static jd_ctx *context(int threads)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    assert_non_null(ctx);
    return ctx;
}

static void starts_are_gruaus_grid(void **state)
{
    (void)state;
    const double most[4] = {2.16 * .9, 1.35 * .9, 3.6 * .9 * DEGREE, 8.6 * .9 * DEGREE};
    double s[6], sum[4] = {0};
    for (int i = 0; i < POLES_STARTS; i++) {
        double before[6];
        if (i) memcpy(before, s, sizeof s);
        poles_start(i, s);
        assert_true(s[4] == 0 && s[5] == 0);
        for (int k = 0; k < 4; k++) {
            assert_true(fabs(s[k]) <= most[k] + 1e-12);
            sum[k] += s[k];
        }
        if (i) assert_memory_not_equal(before, s, sizeof s);
    }
    for (int k = 0; k < 4; k++) assert_true(fabs(sum[k]) < 1e-9);
    poles_start(0, s);
    for (int k = 0; k < 4; k++) assert_true(fabs(s[k] + most[k]) < 1e-12);
}

/* The network and its fitness by a loop over one environment, as the definition reads. */
static double plain_fitness(jd_ctx *ctx, const jd_net_shape *shape, const double *weights, int64_t *steps)
{
    jd_env *e = jd_env_new(ctx, "double-pole-no-velocity", NULL);
    jd_population *p = jd_population_new(ctx, shape, 1);
    static double unquiet[POLES_SHORT + 1];
    float obs[3], x[3 * 16] = {0}, y[16], reward;
    uint8_t end = 0, late;
    double s[6], sum = 0;
    int64_t t = 0;
    jd_population_set(p, 0, 1, weights);
    jd_env_reset(e, 0, 0, obs);
    jd_env_get_state(e, 0, s);
    unquiet[0] = unrest(s);
    while (!end && t < POLES_SHORT) {
        for (int k = 0; k < 3; k++) x[k * 16] = obs[k];
        jd_population_run(p, 1, x, false, y, true);
        jd_env_step(e, y, obs, &reward, &end, &late);
        jd_env_get_state(e, 0, s);
        unquiet[++t] = unrest(s);
    }
    jd_population_free(p);
    jd_env_free(e);
    *steps = t;
    if (t < 100) return .1 * (double)t / 1000;
    for (int64_t i = t - 100; i <= t; i++) sum += unquiet[i];
    return .1 * (double)t / 1000 + .9 * .75 / sum;
}

/* Along a search, because networks that last 100 steps are rare among random ones. */
static void damping_fitness_is_as_defined(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    const jd_net_shape shape = {.inputs = 3, .hidden = 3, .outputs = 1, .bias = .5};
    poles_judge *j = poles_judge_new(ctx, true, &shape);
    const size_t W = poles_weights(j);
    jd_search *search = jd_search_new(
        ctx, &(jd_search_options){.method = JD_SEARCH_SNES, .dim = W, .sigma = .3, .seed = 1, .budget = 1500});
    double score[32];
    int64_t steps[32];
    int lasting = 0, generation = 0;
    size_t n;
    for (const double *w; (w = jd_search_ask(search, &n)) != NULL; jd_search_tell(search, score)) {
        assert_true(n <= 32);
        assert_int_equal(poles_earn(j, w, n, score, steps), JD_OK);
        for (size_t i = 0; generation % (SANITIZED ? 16 : 4) == 0 && i < n; i++) {
            int64_t want_steps;
            const double want = plain_fitness(ctx, &shape, w + i * W, &want_steps);
            assert_int_equal(steps[i], want_steps);
            assert_true(fabs(score[i] - want) < 1e-12);
            lasting += want_steps >= 100;
        }
        generation++;
    }
    assert_true(lasting >= (SANITIZED ? 2 : 10)); /* the second part of the fitness counted too */
    jd_search_free(search);
    poles_judge_free(j);
    jd_ctx_free(ctx);
}

/* ---- races --------------------------------------------------------------------------------------------------------------*/

static const poles_method METHOD = {.label = "SNES",
                                    .search = {.method = JD_SEARCH_SNES, .sigma = .5, .patience = 60, .restart = true},
                                    .net = {.hidden = 3, .feed_forward = true, .bias = .5}};

typedef struct stopper {
    volatile int stop;
    int after;
} stopper;

static void count(void *user, const jd_run_event *e)
{
    stopper *s = user;
    if (e->kind == JD_EVENT_PROGRESS && s->after > 0 && --s->after == 0) s->stop = 15;
}

/* A race of `runs` searches from `seed`; stopped after so many generations if `after` is not 0. */
static jd_status race_once(const char *dir, int threads, int runs, uint64_t seed, int after, bool resume,
                           poles_outcome *out)
{
    jd_ctx *ctx = context(threads);
    stopper s = {.after = after};
    jd_run *r = jd_run_new(
        ctx, &(jd_run_options){
                 .name = "poles", .dir = dir, .resume = resume, .on_event = count, .user = &s, .stop = &s.stop});
    assert_non_null(r);
    jd_params *book = jd_params_new(ctx, JD_F64);
    const poles_race_options o = {.method = &METHOD,
                                  .name = "main",
                                  .runs = runs,
                                  .seed = seed,
                                  .budget = 3000,
                                  .book = book,
                                  .resume = jd_run_load(r, book) >= 0};
    const jd_status status = poles_race(r, &o, out);
    jd_params_free(book);
    jd_run_free(r);
    jd_ctx_free(ctx);
    return status;
}

static void searches_do_not_see_each_other(void **state)
{
    (void)state;
    enum { N = SANITIZED ? 3 : 5 };
    const char *dir = tmpdir_file("a");
    poles_outcome together[N], again[N], alone;
    assert_int_equal(race_once(dir, 1, N, 70, 0, false, together), JD_OK);
    assert_int_equal(race_once(dir, 2, N, 70, 0, false, again), JD_OK);
    assert_memory_equal(together, again, sizeof together);
    assert_int_equal(race_once(dir, 1, 1, 72, 0, false, &alone), JD_OK);
    assert_memory_equal(&together[2], &alone, sizeof alone);
    int solved = 0;
    jd_ctx *ctx = context(1);
    jd_net_shape net = METHOD.net;
    net.inputs = 6, net.outputs = 1;
    poles_judge *j = poles_judge_new(ctx, false, &net);
    for (int i = 0; i < N; i++) {
        int64_t steps;
        if (!(together[i].balanced > 0)) continue;
        solved++;
        assert_int_equal(poles_endure(j, together[i].weights, 1, &steps), JD_OK);
        assert_int_equal(steps, POLES_STEPS);
        assert_true(together[i].balanced <= 3000 && together[i].balanced > 1);
        assert_true(together[i].starts <= POLES_STARTS);
    }
    assert_true(solved >= (N + 1) / 2);
    poles_judge_free(j);
    jd_ctx_free(ctx);
}

static void a_stopped_race_goes_on_bit_for_bit(void **state)
{
    (void)state;
    enum { N = 3 };
    const char *dir = tmpdir_file("b"), *other = tmpdir_file("c");
    poles_outcome whole[N], parts[N];
    assert_int_equal(race_once(dir, 1, N, 80, 0, false, whole), JD_OK);
    assert_int_equal(race_once(other, 1, N, 80, 5, false, parts), JD_ESTOPPED);
    assert_int_equal(race_once(other, 2, N, 80, 17, true, parts), JD_ESTOPPED);
    assert_int_equal(race_once(other, 1, N, 80, 0, true, parts), JD_OK);
    assert_memory_equal(whole, parts, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_gruaus_grid), cmocka_unit_test(damping_fitness_is_as_defined),
        cmocka_unit_test(searches_do_not_see_each_other), cmocka_unit_test(a_stopped_race_goes_on_bit_for_bit)};
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
