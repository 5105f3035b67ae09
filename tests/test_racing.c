/*
 * test_racing.c - the race from above: tracks, rewards, the car's physics, pictures, and copies that go on bit for bit.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/env.h"

enum { SIDE = 32, PICTURE = SIDE * SIDE * 3 };
enum { X = 2, Y, YAW, AHEAD, ASIDE, TURN, COUNT }; /* of the state */

static jd_ctx *context(int threads)
{
    return jd_ctx_new(&(jd_options){.threads = threads, .seed = 1});
}

static jd_env *racing(jd_ctx *ctx, size_t n, double period)
{
    return jd_env_new(ctx, "racing", &(jd_env_options){.count = n, .picture = SIDE, .period = period});
}

/* Follows the road with all that can be known; what it earns. */
static double follow(jd_ctx *ctx, jd_env *e, double speed, int most, double *covered)
{
    size_t n;
    double length, s[64], sum = 0;
    float obs[PICTURE], reward;
    uint8_t end = 0, late = 0;
    double *road = jd_env_road(e, &n, &length);
    for (int t = 0; t < most && !end && !late; t++) {
        jd_env_get_state(e, 0, s);
        size_t near = 0;
        for (size_t i = 1; i < n; i++)
            if (hypot(road[3 * i] - s[X], road[3 * i + 1] - s[Y]) <
                hypot(road[3 * near] - s[X], road[3 * near + 1] - s[Y]))
                near = i;
        const double *goal = road + 3 * ((near + 4) % n);
        double off = atan2(goal[1] - s[Y], goal[0] - s[X]) - s[YAW];
        off = atan2(sin(off), cos(off));
        const float a[3] = {(float)(2.5 * off), s[AHEAD] < speed ? .5f : 0, s[AHEAD] > speed + 4 ? .4f : 0};
        jd_env_step(e, a, obs, &reward, &end, &late);
        sum += reward;
    }
    jd_env_get_state(e, 0, s);
    *covered = s[COUNT] / (double)n;
    jd_free(ctx, road);
    return sum;
}

static void tracks_are_closed_and_drawn_by_the_seed(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = racing(ctx, 1, .02);
    double first = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        size_t n;
        double length;
        assert_int_equal(jd_env_reset(e, 0, seed, NULL), JD_OK);
        double *road = jd_env_road(e, &n, &length);
        assert_true(n > 150 && n <= 384 && length > 500);
        for (size_t i = 0; i < n; i++) { /* tiles follow each other, the last one before the first */
            const double *a = road + 3 * i, *b = road + 3 * ((i + 1) % n);
            const double gap = hypot(b[0] - a[0], b[1] - a[1]);
            assert_true(gap > .3 * length / (double)n && gap < 1.05 * length / (double)n);
            assert_true(fabs(a[0]) < 240 && fabs(a[1]) < 240 && fabs(a[2] - 13.34) < 1e-3);
        }
        if (seed == 1) assert_true(first != length);
        first = length;
        jd_free(ctx, road);
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void rewards_are_for_new_tiles_less_a_tenth_a_frame(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = racing(ctx, 1, .02);
    double covered, s[64], before[64];
    jd_env_reset(e, 0, 5, NULL);
    jd_env_get_state(e, 0, before);
    assert_true(before[COUNT] == 1);
    const double sum = follow(ctx, e, 20, 300, &covered);
    size_t n;
    double length, *road = jd_env_road(e, &n, &length);
    jd_env_get_state(e, 0, s);
    assert_true(s[COUNT] > 20);
    assert_true(fabs(sum - (1000 * (s[COUNT] - 1) / (double)n - 30)) < 1e-2);
    jd_free(ctx, road);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void a_careful_driver_stays_on_the_road(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "racing", &(jd_env_options){.picture = 16, .time_limit = 6000});
    for (uint64_t seed = 0; seed < 3; seed++) {
        double covered;
        jd_env_reset(e, 0, seed, NULL);
        follow(ctx, e, 18, 6000, &covered);
        assert_true(covered > .97);
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Full throttle straight on ends outside the field with -100. */
static void leaving_the_field_ends_it(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = racing(ctx, 1, .2);
    float obs[PICTURE], reward = 0;
    const float a[3] = {0, .6f, 0};
    uint8_t end = 0, late = 0;
    jd_env_reset(e, 0, 3, NULL);
    for (int t = 0; t < 100 && !end && !late; t++) jd_env_step(e, a, obs, &reward, &end, &late);
    assert_true(end && !late && reward < -90);
    jd_env_step(e, a, obs, &reward, &end, &late);
    assert_true(reward == 0);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* The car's wheels: a gentle turn has the radius of its lock; too fast a turn slides. */
static void tyres_hold_so_much_and_no_more(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = racing(ctx, 1, .02);
    double s[64];
    float obs[PICTURE], reward;
    uint8_t end, late;
    for (int fast = 0; fast < 2; fast++) {
        jd_env_reset(e, 0, 0, NULL);
        jd_env_get_state(e, 0, s);
        s[AHEAD] = fast ? 60 : 5;
        assert_int_equal(jd_env_set_state(e, 0, s), JD_OK);
        const float a[3] = {fast ? 1 : .3f, 0, 0};
        for (int t = 0; t < 20; t++) {
            const double vx = s[AHEAD] * cos(s[YAW]) - s[ASIDE] * sin(s[YAW]);
            const double vy = s[AHEAD] * sin(s[YAW]) + s[ASIDE] * cos(s[YAW]);
            jd_env_step(e, a, obs, &reward, &end, &late);
            jd_env_get_state(e, 0, s);
            const double ux = s[AHEAD] * cos(s[YAW]) - s[ASIDE] * sin(s[YAW]);
            const double uy = s[AHEAD] * sin(s[YAW]) + s[ASIDE] * cos(s[YAW]);
            assert_true(hypot(ux - vx, uy - vy) / .02 < 60 + 20); /* grip, and air that slows it down */
        }
        assert_true(s[TURN] > 0);
        if (!fast) assert_true(fabs(s[ASIDE]) < .6); /* it follows its wheels */
    }
    s[COUNT] = .5;
    assert_int_equal(jd_env_set_state(e, 0, s), JD_EUSAGE);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void the_picture_shows_car_road_and_grass(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = racing(ctx, 1, .02);
    float obs[PICTURE];
    uint8_t rgb[PICTURE];
    jd_env_reset(e, 0, 4, obs);
    const float *car = obs + 3 * (22 * SIDE + 16), *ahead = obs + 3 * (18 * SIDE + 16),
                *side = obs + 3 * (22 * SIDE + 1);
    assert_true(car[0] > .7f && car[1] < .1f);
    assert_true(fabsf(ahead[0] - .4f) < .01f && fabsf(ahead[1] - .4f) < .01f);
    assert_true(side[1] > .7f && side[0] < .5f);
    assert_int_equal(jd_env_render(e, 0, rgb, SIDE, SIDE), JD_OK);
    for (int k = 0; k < PICTURE; k++) assert_true(fabsf(obs[k] - (float)rgb[k] / 255) < .003f);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void copies_go_on_bit_for_bit_on_any_threads(void **state)
{
    (void)state;
    enum { N = 5 };
    jd_ctx *ctx = context(1), *other = context(3);
    jd_env *a = racing(ctx, N, .08), *b = racing(other, N, .08), *c = racing(ctx, 1, .08);
    static float one[N * PICTURE], two[N * PICTURE], alone[PICTURE];
    float action[N * 3], r1[N], r2[N], r3;
    uint8_t e1[N], l1[N], e2[N], l2[N], e3, l3;
    double kept[64], now[64], then[64];
    assert_true(jd_env_snapshot_size(a) <= 64);
    for (size_t i = 0; i < N; i++) {
        jd_env_reset(a, i, 100 + i, one + i * PICTURE);
        jd_env_reset(b, i, 100 + i, two + i * PICTURE);
    }
    for (int t = 0; t < 40; t++) {
        for (int k = 0; k < N * 3; k++) action[k] = k % 3 == 0 ? .5f * (float)sin(t + k) : k % 3 == 1 ? .7f : .1f;
        jd_env_step(a, action, one, r1, e1, l1);
        jd_env_step(b, action, two, r2, e2, l2);
        assert_memory_equal(one, two, sizeof one);
        assert_memory_equal(r1, r2, sizeof r1);
        if (t == 10) {
            assert_int_equal(jd_env_snapshot(a, N - 1, kept), JD_OK);
            assert_int_equal(jd_env_restore(c, 0, kept), JD_OK);
        }
        if (t > 10) {
            jd_env_step(c, action + (N - 1) * 3, alone, &r3, &e3, &l3);
            assert_memory_equal(alone, one + (N - 1) * PICTURE, sizeof alone);
            assert_true(r3 == r1[N - 1] && e3 == e1[N - 1]);
        }
    }
    jd_env_snapshot(a, N - 1, now);
    jd_env_snapshot(c, 0, then);
    assert_memory_equal(now, then, (size_t)jd_env_snapshot_size(a) * sizeof *now);
    jd_env_free(a);
    jd_env_free(b);
    jd_env_free(c);
    jd_ctx_free(ctx);
    jd_ctx_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tracks_are_closed_and_drawn_by_the_seed),
                                       cmocka_unit_test(rewards_are_for_new_tiles_less_a_tenth_a_frame),
                                       cmocka_unit_test(a_careful_driver_stays_on_the_road),
                                       cmocka_unit_test(leaving_the_field_ends_it),
                                       cmocka_unit_test(tyres_hold_so_much_and_no_more),
                                       cmocka_unit_test(the_picture_shows_car_road_and_grass),
                                       cmocka_unit_test(copies_go_on_bit_for_bit_on_any_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
