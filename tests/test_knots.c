/*
 * test_knots.c - the trajectories of knot-tying, and what is measured on them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../systems/knots.c"

static const double HERE[3] = {0};

static void paths_wind_twice(void **state)
{
    (void)state;
    knot *k = calloc(1, sizeof *k);
    knot_path(HERE, 1, 1, k);
    assert_int_equal(k->steps, APPROACH + 2 * TURN + RETREAT + PULL + 1);
    /* The ends of both turns are one place, within the pitch. */
    const double *one = k->p[APPROACH + TURN], *two = k->p[APPROACH + 2 * TURN];
    assert_true(fabs(one[0] - two[0]) < 1e-9 && fabs(one[2] - two[2]) < 1e-9 && fabs(two[1] - one[1] - .15) < 1e-9);
    assert_true(fabs(one[0] - 2) < 1e-9 && fabs(one[2] - 3) < 1e-9);
    for (int c = 0; c < 3; c++) assert_true(k->p[k->steps - 1][c] == END[c]);
    /* From 95 degrees above the axis down to its side, around twice, and up to 135 degrees on the other side. */
    const double from = atan2(5, -.5), to = atan2(6, -6.5);
    assert_true(fabs(knot_winding(k) - (2 - from / TAU + to / TAU)) < 1e-9);
    free(k);
}

static void demonstrations_differ_as_they_should(void **state)
{
    (void)state;
    enum { N = 200 };
    knot *k = calloc(1, sizeof *k);
    double start = 0, shortest = 1e9, longest = 0;
    for (int i = 0; i < N; i++) {
        jd_rng r = jd_rng_new(1, "test", (uint64_t)i);
        knot_demonstrate(&r, k);
        start += k->p[0][0] * k->p[0][0] / N;
        shortest = fmin(shortest, k->steps);
        longest = fmax(longest, k->steps);
        assert_true(fabs(knot_winding(k) - 2) < .3);
    }
    assert_true(sqrt(start) > .4 && sqrt(start) < .6);
    assert_true(shortest >= 170 && shortest < 180 && longest <= 232 && longest > 222);
    free(k);
}

/* A path is at no distance from itself; one with a turn less is, however near its points are, and the sooner it is lost the
 * worse it is. */
static void a_missing_turn_is_seen(void **state)
{
    (void)state;
    knot *k = calloc(1, sizeof *k), *less = calloc(1, sizeof *less);
    knot_path(HERE, 1, 1, k);
    assert_true(knot_distance(k, k) == 0 && knot_misfit(k, k) == 0);
    for (int i = 0; i < k->steps; i++) {
        if (i >= APPROACH && i < APPROACH + TURN) continue;
        memcpy(less->p[less->steps++], k->p[i], sizeof *k->p);
    }
    assert_true(knot_distance(less, k) < .1);
    assert_true(fabs(knot_winding(k) - knot_winding(less) - 1) < 1e-9);
    assert_true(knot_misfit(less, k) > 1);
    less->p[3][1] = 1e9;
    assert_true(knot_misfit(less, k) == 1e3 + k->steps - 2);
    free(k);
    free(less);
}

/* Whoever stops on the way pays for what is left, however well the rest was done. */
static void a_halt_is_seen(void **state)
{
    (void)state;
    knot *k = calloc(1, sizeof *k), *said = calloc(1, sizeof *said);
    knot_path(HERE, 1, 1, k);
    const int at = APPROACH + 2 * TURN;
    double left = 0;
    for (int i = at; i < k->steps; i++) left += squared(k->p[at - 1], k->p[i]);
    *said = *k;
    said->steps = at;
    assert_true(fabs(knot_misfit(said, k) - left / at) < 1e-9 && left / at > 1);
    /* Half as fast costs next to nothing, nor do two more steps at the end. */
    said->steps = 0;
    for (int i = 0; i < k->steps; i++)
        for (int half = 0; half < 2; half++) memcpy(said->p[said->steps++], k->p[i], sizeof *k->p);
    assert_true(knot_misfit(said, k) == 0);
    free(k);
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_wind_twice),
        cmocka_unit_test(demonstrations_differ_as_they_should),
        cmocka_unit_test(a_missing_turn_is_seen),
        cmocka_unit_test(a_halt_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
