/*
 * test_hq.c - the system hq-learning: mazes that are what they are said to be, turns that end at subgoals, and what is learned from
 * a trial against the formulas.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/hq_learner.c"
#include "../systems/hq_mazes.c"

static hq_maze maze[HQ_MAZES];

static int setup(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    for (int k = 0; k < HQ_MAZES; k++)
        if (!hq_maze_new(ctx, &maze[k], (hq_kind)k, 3)) return -1;
    jd_ctx_free(ctx);
    return 0;
}

static void mazes_are_as_described(void **state)
{
    (void)state;
    static const int free[HQ_MAZES] = {29, 62, -1}, sights[HQ_MAZES] = {8, 9, 11}, way[HQ_MAZES] = {28, 28, 83};
    for (int k = 0; k < HQ_MAZES; k++) {
        const hq_maze *m = &maze[k];
        assert_true(free[k] < 0 || m->free == free[k]);
        assert_int_equal(m->sights, sights[k]);
        assert_int_equal(m->optimum, way[k]);
        assert_false(hq_memoryless(m));
    }
    assert_false(hq_team(&maze[HQ_TEN], 2) || hq_team(&maze[HQ_KEY], 1));
    assert_true(hq_team(&maze[HQ_KEY], 3));
}

/* The key opens the door, and only it. */
static void the_door_needs_the_key(void **state)
{
    (void)state;
    const hq_maze *m = &maze[HQ_KEY];
    int doors = 0, keys = 0;
    for (int p = 0; p < m->w * m->h; p++)
        for (int k = 0; k < HQ_ACTIONS; k++) {
            if (m->wall[p] || p == m->door || p == m->goal) continue;
            const int bare = m->next[p][k], keyed = m->next[p + HQ_PLACES][k];
            keys += bare >= HQ_PLACES && hq_place(bare) == m->key;
            assert_true(bare < HQ_PLACES || hq_place(bare) == m->key);
            assert_true(keyed >= HQ_PLACES);
            assert_true(hq_place(bare) != m->door);
            doors += hq_place(keyed) == m->door;
        }
    assert_true(doors >= 2 && keys >= 2);
}

/* A corridor is done by hand: three sights. */
static void corridor(hq_maze *m)
{
    *m = (hq_maze){.w = 5, .h = 1, .key = -1, .door = -1, .goal = 4};
    tables(m);
}

static void a_policy_without_memory_is_found_where_there_is_one(void **state)
{
    (void)state;
    static hq_maze m;
    corridor(&m);
    assert_int_equal(m.optimum, 4);
    assert_int_equal(m.sights, 3);
    assert_true(hq_memoryless(&m) && hq_team(&m, 1));
}

static void turns_end_at_subgoals(void **state)
{
    (void)state;
    static hq_learner l;
    const hq_options o = {.agents = 4, .reward = 100, .discount = .9, .temperature = 1, .trials = 1};
    hq_learner_new(&l, &maze[HQ_TEN], &o, 1, 0);
    for (int trial = 0; trial < 200; trial++) {
        hq_trial(&l, .3);
        int agent = 0;
        for (int t = 0; t < l.steps; t++) {
            assert_int_equal(l.agent[t], agent);
            assert_int_equal(l.state[t + 1], l.m->next[l.state[t]][l.action[t]]);
            const bool seen = l.m->sight[l.state[t + 1]] == l.subgoal[agent];
            if (seen && agent < 3 && hq_place(l.state[t + 1]) != l.m->goal) agent++;
        }
        assert_int_equal(l.active, agent + 1);
        assert_true(l.arrived == (hq_place(l.state[l.steps]) == l.m->goal) && (l.arrived || l.steps == HQ_LIMIT));
    }
}

/* Two agents in the corridor: the first goes two steps, the second two. */
static void a_trial_is_learned_as_the_formulas_say(void **state)
{
    (void)state;
    static hq_maze m;
    static hq_learner l;
    corridor(&m);
    const hq_options o = {
        .agents = 2, .reward = 10, .cost = .5, .discount = .9, .lambda = .5, .rate = .2, .subgoal_rate = .3};
    hq_learner_new(&l, &m, &o, 1, 0);
    const int first = m.sight[0], middle = m.sight[1];
    l.steps = 4, l.active = 2, l.arrived = true;
    l.subgoal[0] = (int8_t)middle;
    for (int t = 0; t <= 4; t++) l.state[t] = (int16_t)t, l.agent[t] = t >= 2;
    for (int t = 0; t < 4; t++) l.action[t] = 1;
    l.q[1][middle][1] = 4, l.q[1][middle][3] = 1, l.q[0][middle][1] = 2;
    hq_learn(&l);
    /* backward: the goal; Q'(2) with agent 2's value; the hand-over; agent 1's start */
    const double q3 = 10 - .5, a = 4 + .2 * (q3 - 4), q2 = -.5 + .9 * (.5 * a + .5 * q3), b = a + .2 * (q2 - a);
    const double q1 = -.5 + .9 * b, c = 2 + .2 * (q1 - 2), q0 = -.5 + .9 * (.5 * c + .5 * q1);
    assert_true(fabs(l.q[1][middle][1] - b) < 1e-12);
    assert_true(fabs(l.q[0][middle][1] - c) < 1e-12);
    assert_true(fabs(l.q[0][first][1] - .2 * q0) < 1e-12);
    const double RN = -.5 + .9 * 9.5, R1 = -.5 + .9 * -.5;
    assert_true(fabs(l.hq[0][middle] - .3 * (R1 + .81 * RN)) < 1e-12);
    assert_true(l.q[1][middle][3] == 1 && l.hq[0][first] == 0);
}

static void one_seed_gives_one_course(void **state)
{
    (void)state;
    static hq_learner a, b;
    const hq_options o = {
        .agents = 3, .reward = 100, .discount = .9, .lambda = .9, .rate = .1, .subgoal_rate = .1, .temperature = 1};
    hq_learner_new(&a, &maze[HQ_ZIGZAG], &o, 5, 0);
    hq_learner_new(&b, &maze[HQ_ZIGZAG], &o, 5, 0);
    for (int t = 0; t < 300; t++) {
        hq_trial(&a, .8), hq_learn(&a);
        hq_trial(&b, .8), hq_learn(&b);
    }
    assert_memory_equal(a.q, b.q, sizeof a.q);
    assert_memory_equal(a.hq, b.hq, sizeof a.hq);
    double moved = 0;
    for (int i = 0; i < HQ_SIGHTS; i++) moved += a.hq[0][i];
    assert_true(moved > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mazes_are_as_described),
        cmocka_unit_test(the_door_needs_the_key),
        cmocka_unit_test(a_policy_without_memory_is_found_where_there_is_one),
        cmocka_unit_test(turns_end_at_subgoals),
        cmocka_unit_test(a_trial_is_learned_as_the_formulas_say),
        cmocka_unit_test(one_seed_gives_one_course),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
