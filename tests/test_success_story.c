/*
 * test_success_story.c - the system success-story: the criterion on a stack by hand, modifications that are taken back in full, the
 * maze, and lives that repeat.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/success_story_life.c"
#include "tmpdir.h"

static jd_ctx *ctx;

static void even(double p[SS_CELLS][SS_VALUES])
{
    for (int c = 0; c < SS_CELLS; c++)
        for (int k = 0; k < SS_VALUES; k++) p[c][k] = 1. / SS_VALUES;
}

static void blocks_that_do_not_pay_are_taken_back(void **state)
{
    (void)state;
    double p[SS_CELLS][SS_VALUES], after_first[SS_VALUES];
    ss_story s = {.ctx = ctx};
    even(p);
    /* 10 payoffs in 100: a block; 40 in the next 100: it stands */
    assert_int_equal(ss_save(&s, 100, 10, true, 3, p[3]), JD_OK);
    assert_true(ss_shift(p[3], 5, .5, false));
    memcpy(after_first, p[3], sizeof after_first);
    assert_int_equal(ss_checkpoint(&s, 200, 50, p), 0);
    assert_true(s.n == 1 && ss_criterion(&s, 200, 50));
    /* a second block of two changes of the same cell; as fast as since the first: taken back, both changes of it */
    ss_save(&s, 200, 50, true, 3, p[3]);
    assert_true(ss_shift(p[3], 1, .5, false));
    ss_save(&s, 210, 54, false, 3, p[3]);
    assert_true(ss_shift(p[3], 2, .3, true));
    assert_int_equal(ss_checkpoint(&s, 300, 90, p), 1);
    assert_true(s.n == 1 && s.saves == 1);
    assert_memory_equal(p[3], after_first, sizeof after_first);
    /* much later the first is no better than the whole: nothing stands */
    assert_int_equal(ss_checkpoint(&s, 1000, 100, p), 1);
    assert_true(s.n == 0 && s.saves == 0 && ss_criterion(&s, 1000, 100));
    for (int k = 0; k < SS_VALUES; k++) assert_true(p[3][k] == 1. / SS_VALUES);
    ss_story_free(&s);
}

static void the_criterion_is_a_chain_of_speeds(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(3, "test", 0);
    double p[SS_CELLS][SS_VALUES];
    even(p);
    for (int trial = 0; trial < 200; trial++) {
        ss_story s = {.ctx = ctx};
        double time = 0, reward = 0;
        for (int i = 0; i < 30; i++) {
            time += 1 + jd_rng_below(&r, 50);
            reward += jd_rng_below(&r, 60);
            ss_checkpoint(&s, time, reward, p);
            double last = reward / time;
            for (size_t k = 0; k < s.n; k++) {
                const double now = (reward - s.valid[k].reward) / (time - s.valid[k].time);
                assert_true(now > last);
                last = now;
            }
            if (jd_rng_below(&r, 2)) ss_save(&s, time, reward, true, 0, p[0]);
        }
        ss_story_free(&s);
    }
}

static void probabilities_stay_probabilities(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(4, "test", 0);
    double p[SS_CELLS][SS_VALUES];
    even(p);
    int refused = 0;
    for (int i = 0; i < 5000; i++) {
        const int value = (int)jd_rng_below(&r, SS_VALUES);
        const bool less = jd_rng_below(&r, 2);
        const double was = p[0][value];
        double sum = 0;
        if (ss_shift(p[0], value, .15 + .8 * jd_rng_uniform64(&r), less))
            assert_true(less ? p[0][value] < was : p[0][value] > was);
        else
            refused++;
        for (int k = 0; k < SS_VALUES; k++) {
            sum += p[0][k];
            assert_true(p[0][k] >= LEAST);
        }
        assert_true(fabs(sum - 1) < 1e-12);
    }
    assert_true(refused > 0);
}

static void mazes_have_seven_obstacles_and_a_way_of_fourteen(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        ss_maze m;
        int walls = 0;
        ss_maze_new(&m, seed);
        for (int p = 0; p < SS_PLACES; p++) walls += m.wall[p];
        assert_true(walls == SS_OBSTACLES && m.shortest == SS_WAY && !m.wall[m.start] && !m.wall[m.goal]);
        assert_true(ss_maze_wall(&m, 3) && ss_maze_wall(&m, 2)); /* the corner */
    }
}

static void one_seed_gives_one_life(void **state)
{
    (void)state;
    static ss_life a, b;
    for (int arm = 0; arm < SS_ARMS; arm++) {
        jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "lives", .dir = tmpdir_file("run")});
        a = b = (ss_life){.cycles = 300000, .check_every = 50000};
        assert_true(ss_live(r, &a, (ss_arm)arm, 5, 0) && ss_live(r, &b, (ss_arm)arm, 5, 0));
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.goals > 0 && a.broken <= 0);
        if (arm == SS_FIXED) assert_memory_equal(a.p, a.at_first, sizeof a.p);
        if (arm == SS_WITH) assert_true(a.modifications > 10 && a.undone > 0 && a.checkpoints > 5);
        jd_run_free(r);
    }
}

static int setup(void **state)
{
    ctx = jd_ctx_new(NULL);
    return ctx ? tmpdir_setup(state) : -1;
}

static int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_do_not_pay_are_taken_back),
        cmocka_unit_test(the_criterion_is_a_chain_of_speeds),
        cmocka_unit_test(probabilities_stay_probabilities),
        cmocka_unit_test(mazes_have_seven_obstacles_and_a_way_of_fourteen),
        cmocka_unit_test(one_seed_gives_one_life),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
