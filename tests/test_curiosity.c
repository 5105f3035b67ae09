/*
 * test_curiosity.c - rewards for learning against their formulas, the worlds they are tried in, and one seed twice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/claims.c"
#include "../systems/curiosity.c"
#include "../systems/curiosity_channels.c"
#include "../systems/curiosity_channels_report.c"
#include "../systems/curiosity_report.c"
#include "../systems/curiosity_rewards.c"
#include "../systems/curiosity_runs.c"
#include "../systems/curiosity_worlds.c"
#include "tmpdir.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

/* ---- rewards -----------------------------------------------------------------------------------------------------------------*/

static void windows_compare_the_last_with_those_before(void **state)
{
    (void)state;
    cr_window w = {.n = 0};
    for (int i = 0; i < 2 * CR_WINDOW - 1; i++) cr_window_add(&w, i < CR_WINDOW ? 3 : 1);
    assert_true(cr_window_progress(&w) == 0); /* one is missing */
    assert_true(near(cr_window_error(&w), (3 + 49) / 50.));
    cr_window_add(&w, 1);
    assert_true(near(cr_window_progress(&w), 2) && near(cr_window_error(&w), 1));
    for (int i = 0; i < 10; i++) cr_window_add(&w, 6); /* 40 x 3 and 10 x 1 before; 40 x 1 and 10 x 6 now */
    assert_true(near(cr_window_progress(&w), (120 + 10) / 50. - (40 + 60) / 50.));
}

static void improvement_is_the_fall_of_confidence(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    cr_model m = cr_model_new(ctx, 3, 2, .5, 2);
    m.rate = .25;
    m.trust = .1;
    const double x[2] = {1, 0};
    cr_step s = cr_model_learn(&m, 1, x);
    assert_true(near(s.error, .5) && near(s.improvement, .1 * (2 - .5)) && near(m.k[1], 1.85));
    assert_true(near(m.m[2], .625) && near(m.m[3], .375) && m.m[0] == .5 && m.m[5] == .5);
    s = cr_model_learn(&m, 1, x);
    assert_true(near(s.error, 2 * .375 * .375) && near(s.improvement, .1 * (1.85 - 2 * .375 * .375)));
    /* What is predictable brings all of the first doubt, and no more; noise nothing in the long run. */
    double sum = .15 + s.improvement, noise = 0;
    for (int i = 0; i < 400; i++) sum += cr_model_learn(&m, 1, x).improvement;
    assert_true(fabs(sum - 2) < 1e-9);
    jd_rng r = jd_rng_new(1, "test", 0);
    for (int i = 0; i < 21000; i++) {
        const double y[2] = {jd_rng_normal(&r), jd_rng_normal(&r)};
        s = cr_model_learn(&m, 2, y);
        noise += i < 1000 ? 0 : s.improvement;
        assert_true(near(s.improvement, .1 * (m.k[2] + s.improvement - s.error)));
    }
    assert_true(fabs(noise / 20000) < 1e-3);
    cr_model_free(&m);
    jd_ctx_free(ctx);
}

static void information_gain_is_the_divergence_of_after_from_before(void **state)
{
    (void)state;
    enum { N = 7 };
    jd_ctx *ctx = jd_ctx_new(NULL);
    cr_counts c = cr_counts_new(ctx, 2, N);
    jd_rng r = jd_rng_new(1, "test", 1);
    for (int i = 0; i < 50; i++) {
        double before[N], sum = 0, ones = 0;
        for (int k = 0; k < N; k++) before[k] = cr_counts_p(&c, 1, k);
        const double gain = cr_counts_learn(&c, 1, (int)jd_rng_below(&r, i < 25 ? 2 : N));
        for (int k = 0; k < N; k++) {
            const double after = cr_counts_p(&c, 1, k);
            sum += after * log(after / before[k]);
            ones += after;
        }
        assert_true(near(gain, sum) && near(ones, 1) && gain > 0);
    }
    assert_true(near(cr_counts_p(&c, 0, 3), 1. / N) && c.visits[0] == 0 && c.visits[1] == 50);
    cr_counts_free(&c);
    jd_ctx_free(ctx);
}

static void values_learn_and_choose(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    cr_q q = cr_q_new(ctx, 2, 3, 1);
    q.rate = .5;
    q.discount = .9;
    q.q[5] = 2;
    cr_q_learn(&q, 0, 1, -.4, 1); /* 1 + 0.5 (-0.4 + 0.9 x 2 - 1) */
    assert_true(near(q.q[1], 1.2) && q.q[0] == 1 && q.q[2] == 1);
    jd_rng r = jd_rng_new(1, "test", 2);
    int chosen[3] = {0};
    for (int i = 0; i < 3000; i++) assert_int_equal(cr_q_choose(&q, 0, &r), 1);
    q.q[2] = q.q[1];
    for (int i = 0; i < 3000; i++) chosen[cr_q_choose(&q, 0, &r)]++;
    assert_true(chosen[0] == 0 && abs(chosen[1] - 1500) < 150);
    q.explore = .3;
    for (int i = 0; i < 3000; i++) chosen[cr_q_choose(&q, 0, &r)]++;
    assert_true(abs(chosen[0] - 300) < 75);
    cr_q_free(&q);
    jd_ctx_free(ctx);
}

/* ---- worlds ------------------------------------------------------------------------------------------------------------------*/

static void regions_are_known_noisy_and_learnable(void **state)
{
    (void)state;
    cw_regions w, again;
    cw_regions_new(&w, 3);
    cw_regions_new(&again, 3);
    double sum = 0, squares = 0, fixed = 0;
    int context;
    for (int i = 0; i < 4000; i++) {
        const double x = cw_regions_visit(&w, CW_NOISE, &context);
        assert_true(context == i % 8 && x == cw_regions_visit(&again, CW_NOISE, &context));
        sum += x / 4000;
        squares += x * x / 4000;
    }
    assert_true(fabs(sum) < .03 && fabs(squares - .25) < .02);
    for (int i = 0; i < 2 * CW_CONTEXTS; i++) {
        const double x = cw_regions_visit(&w, CW_LEARNABLE, &context);
        assert_true(context == i % CW_CONTEXTS && x == w.target[CW_LEARNABLE][context]);
        fixed += x * x / (2 * CW_CONTEXTS);
    }
    assert_true(fixed > 2.5 && fixed < 6);
    static const double known[] = {1, 0, -1, 0};
    for (int i = 0; i < 8; i++) assert_true(cw_regions_visit(&w, CW_KNOWN, &context) == known[i % 4]);
}

static void the_grid_has_three_kinds_of_cells(void **state)
{
    (void)state;
    cw_grid w;
    cw_grid_new(&w, 5);
    int kinds[3] = {0}, seen[CW_SYMBOLS] = {0};
    for (int c = 0; c < CW_CELLS; c++) {
        kinds[w.kind[c]]++;
        for (int k = 1; k < CW_WAYS; k++)
            assert_true((w.symbol[c][k] == w.symbol[c][0]) == (w.kind[c] != CW_DEPENDENT));
    }
    assert_true(kinds[CW_FIXED] == 30 && kinds[CW_RANDOM] == 30 && kinds[CW_DEPENDENT] == 40);
    assert_int_equal(cw_grid_neighbour(9, 1), -1);
    assert_int_equal(cw_grid_neighbour(9, 2), 19);
    w.cell = 0;
    w.from = 1;
    assert_true(cw_grid_step(&w, 0) < 0 && w.cell == 0 && w.from == 1); /* the edge */
    assert_true(cw_grid_step(&w, 1) < 0 && w.cell == 1 && w.from == 3 && cw_grid_state(&w) == 7);
    while (w.kind[w.cell] != CW_DEPENDENT) w.cell++;
    for (w.from = 0; w.from < CW_WAYS; w.from++) assert_int_equal(cw_grid_step(&w, CW_LOOK), w.symbol[w.cell][w.from]);
    w.from = 0;
    for (w.cell = 0; w.kind[w.cell] != CW_RANDOM;) w.cell++;
    for (int i = 0; i < 8000; i++) seen[cw_grid_step(&w, CW_LOOK)]++;
    for (int i = 0; i < CW_SYMBOLS; i++) assert_true(abs(seen[i] - 1000) < 120);
}

static void the_maze_is_a_tree_with_one_screen(void **state)
{
    (void)state;
    cw_maze w, again;
    cw_maze_new(&w, 7);
    cw_maze_new(&again, 7);
    assert_memory_equal(&w, &again, sizeof w);
    int open = 0, reached = 1, from[CW_ROOMS] = {0}, heads = 0;
    bool been[CW_ROOMS] = {true};
    for (int y = 0; y < CW_BITMAP; y++)
        for (int x = 0; x < CW_BITMAP; x++) open += !w.wall[y][x];
    assert_int_equal(open, CW_ROOMS + CW_ROOMS - 1); /* rooms, and the doors of a tree */
    uint8_t seen[CW_PIXELS];
    for (int i = 0; i < reached; i++)
        for (int k = 0; k < CW_WAYS; k++) {
            w.room = from[i];
            assert_false(cw_maze_step(&w, k, seen));
            if (!been[w.room]) been[w.room] = true, from[reached++] = w.room;
        }
    assert_int_equal(reached, CW_ROOMS);
    w.room = 0; /* the corner: beyond the edge all is wall, the middle is free */
    look(&w, seen);
    assert_true(seen[0] && seen[6] && seen[42] && !seen[24] && seen[3 * 7 + 4] == w.wall[1][2]);
    w.room = w.screen == 0 ? 1 : 0;
    uint8_t before[CW_PIXELS];
    look(&w, before);
    assert_false(cw_maze_step(&w, CW_REMOTE, seen)); /* no screen here */
    assert_memory_equal(seen, before, sizeof seen);
    w.room = w.screen;
    for (int i = 0; i < 200; i++) {
        assert_true(cw_maze_step(&w, CW_REMOTE, seen) && w.room == w.screen);
        for (int k = 0; k < CW_PIXELS; k++) heads += seen[k];
    }
    assert_true(abs(heads - 4900) < 200);
}

static void the_markov_world_is_as_it_says(void **state)
{
    (void)state;
    cw_markov w;
    cw_markov_new(&w, 11);
    int even = 0, seen[CW_STATES] = {0};
    for (int i = 0; i < CW_PAIRS; i++) {
        double sum = 0;
        for (int k = 0; k < CW_STATES; k++) sum += cw_markov_p(&w, i, k);
        assert_true(near(sum, 1));
        even += w.even[i];
    }
    assert_int_equal(even, 40);
    for (int kind = 0; kind < 2; kind++) {
        int pair = 0;
        while (w.even[pair] != (kind == 1)) pair++;
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < 10000; i++) {
            w.state = pair / CW_CHOICES;
            seen[cw_markov_step(&w, pair % CW_CHOICES)]++;
        }
        for (int k = 0; k < CW_STATES; k++)
            assert_true(fabs(seen[k] - 10000 * cw_markov_p(&w, pair, k)) < (cw_markov_p(&w, pair, k) > .01 ? 150 : 10));
    }
}

static void channels_speak_as_their_kind_does(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (int number = 0; number < 2 * CC_KINDS; number++) {
        cc_channel c, again;
        int seen[CC_SYMBOLS] = {0}, used = 0;
        double innovation = 0, variance = 0;
        cc_channel_new(&c, number, 3);
        cc_channel_new(&again, number, 3);
        const int first = cc_channel_next(&again);
        for (int i = 0; i < N; i++) {
            double guess = 0;
            for (int k = 0; k < 4; k++) guess += c.a[k] * c.past[k];
            const int s = cc_channel_next(&c);
            assert_true(s >= 0 && s < CC_SYMBOLS && (i || s == first));
            seen[s]++;
            innovation += (c.past[0] - guess) * (c.past[0] - guess) / N;
            variance += c.past[0] * c.past[0] / N;
        }
        for (int s = 0; s < CC_SYMBOLS; s++) used += seen[s] > 0;
        assert_true((used == 1) == (c.kind == CC_CONSTANT));
        if (c.kind == CC_AR)
            assert_true(fabs(innovation - 1) < .05 && fabs(variance / c.sd / c.sd - 1) < .5 && c.sd > 3);
        if (number == CC_SINE) assert_true(seen[0] > 3 * seen[15] && used == CC_SYMBOLS);
        for (int s = 0; c.kind == CC_NOISE && s < CC_SYMBOLS; s++) assert_true(abs(seen[s] - N / CC_SYMBOLS) < 130);
        if (c.kind == CC_TEXT) assert_true(seen['e' - 'a'] > seen['w' - 'a'] && seen[26] > seen['e' - 'a']);
    }
}

/* ---- the learners ------------------------------------------------------------------------------------------------------------*/

static void one_seed_gives_one_course(void **state)
{
    (void)state;
    static const char *const set[] = {"seeds=2",           "grid_steps=2000", "maze_steps=1000",
                                      "markov_steps=1000", "channel_seeds=1", "channel_visits=100",
                                      "channel_units=4",   "markov_seeds=2",  NULL};
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_run *r = jd_run_new(
        ctx, &(jd_run_options){.system = &jd_system_curiosity, .seed = 9, .dir = tmpdir_file("run"), .set = set});
    bool (*const measure[])(jd_run *, cu_world *) = {cu_regions, cu_grid, cu_maze, cu_markov};
    cu_world *w = calloc(2, sizeof *w);
    for (int i = 0; i < 4; i++) {
        assert_true(measure[i](r, &w[0]) && measure[i](r, &w[1]));
        for (int a = 0; a < CU_AGENTS; a++) {
            const double *one = w[0].agent[a].curve[0];
            assert_memory_equal(one, w[1].agent[a].curve[0], 2 * CU_POINTS * sizeof *one);
            assert_memory_not_equal(one, one + CU_POINTS, CU_POINTS * sizeof *one); /* the other seed */
            for (int p = 0; p < 2 * CU_POINTS; p++) assert_true(isfinite(one[p]) && one[p] >= 0 && one[p] <= 101);
        }
        cu_world_free(ctx, &w[0]);
        cu_world_free(ctx, &w[1]);
    }
    free(w);
    cc_result one = {0}, other = {0};
    assert_true(cc_run(r, &one) && cc_run(r, &other));
    for (int by = 0; by < CC_CHOOSERS; by++)
        assert_memory_equal(one.bits[by], other.bits[by], CC_KINDS * CC_BLOCKS * sizeof(double));
    double visits = 0;
    for (int i = 0; i < CC_KINDS * CC_BLOCKS; i++) visits += one.share[CC_PROGRESS][i];
    assert_true(fabs(visits - 100) < 1e-9 && memcmp(one.bits[0], one.bits[1], CC_KINDS * CC_BLOCKS * sizeof(double)));
    cc_result_free(ctx, &one);
    cc_result_free(ctx, &other);
    jd_run_free(r);
    jd_ctx_free(ctx);
}

/* The divergence that is carried along from step to step is the one that the definition gives. */
static void divergence_is_carried_along(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    cw_markov v;
    cw_markov_new(&v, 2);
    cr_counts c = cr_counts_new(ctx, CW_PAIRS, CW_STATES);
    jd_rng r = jd_rng_new(1, "test", 3);
    double kl = 0, sum = 0;
    for (int i = 0; i < CW_PAIRS; i++) kl += divergence(&v, &c, i);
    for (int t = 0; t < 3000; t++) {
        const int pair = v.state * CW_CHOICES + (int)jd_rng_below(&r, CW_CHOICES);
        double gain;
        kl += learn_transition(&v, &c, pair, cw_markov_step(&v, pair % CW_CHOICES), &gain);
    }
    for (int i = 0; i < CW_PAIRS; i++) sum += divergence(&v, &c, i);
    assert_true(fabs(kl - sum) < 1e-9 && kl > 0);
    cr_counts_free(&c);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_compare_the_last_with_those_before),
        cmocka_unit_test(improvement_is_the_fall_of_confidence),
        cmocka_unit_test(information_gain_is_the_divergence_of_after_from_before),
        cmocka_unit_test(values_learn_and_choose),
        cmocka_unit_test(regions_are_known_noisy_and_learnable),
        cmocka_unit_test(the_grid_has_three_kinds_of_cells),
        cmocka_unit_test(the_maze_is_a_tree_with_one_screen),
        cmocka_unit_test(the_markov_world_is_as_it_says),
        cmocka_unit_test(channels_speak_as_their_kind_does),
        cmocka_unit_test(one_seed_gives_one_course),
        cmocka_unit_test(divergence_is_carried_along),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
