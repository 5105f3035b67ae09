/*
 * test_mujoco.c - the environments whose physics MuJoCo computes: free fall, symmetry, rewards, snapshots, threads.  Skipped,
 * with a message, where MuJoCo is not there.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "jackdaw/env.h"

static const char *const NAME[] = {"mj-cart-pole", "mj-hopper", "mj-reacher"};
enum { KINDS = 3, MOST = 24 };

static jd_env *open_env(jd_ctx **ctx, const char *name, int threads, size_t count)
{
    *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    jd_env *e = jd_env_new(*ctx, name, &(jd_env_options){.count = count});
    if (!e && jd_error(*ctx) == JD_EABSENT) {
        print_message("skipped: %s\n", jd_error_message(*ctx));
        jd_ctx_free(*ctx);
        skip();
    }
    assert_non_null(e);
    return e;
}

static void shut(jd_ctx *ctx, jd_env *e)
{
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void one_step(jd_env *e, const float *action, float *reward, bool *ended)
{
    float obs[MOST];
    uint8_t end, late;
    assert_int_equal(jd_env_step(e, action, obs, reward, &end, &late), JD_OK);
    *ended = end;
}

/* A leg high above the ground falls as any body does: four half-explicit Euler steps of 2 ms. */
static void a_body_in_the_air_falls(void **state)
{
    (void)state;
    jd_ctx *ctx;
    jd_env *e = open_env(&ctx, "mj-hopper", 1, 1);
    double s[18] = {0};
    float reward;
    bool ended;
    s[1] = 2;
    assert_int_equal(jd_env_state_size(e), 18);
    assert_int_equal(jd_env_set_state(e, 0, s), JD_OK);
    one_step(e, (const float[]){0, 0, 0}, &reward, &ended);
    jd_env_get_state(e, 0, s);
    assert_true(fabs(s[1] - (2 - 9.81 * .002 * .002 * 10)) < 1e-9);
    assert_true(fabs(s[7] + 9.81 * .008) < 1e-9);
    assert_true(fabs(s[0]) < 1e-12 && !ended && fabsf(reward - 1) < 1e-6f);
    shut(ctx, e);
}

/* On the ground it does not fall through; pushed over, its episode ends. */
static void a_leg_stands_on_the_ground_and_tips_over(void **state)
{
    (void)state;
    jd_ctx *ctx;
    jd_env *e = open_env(&ctx, "mj-hopper", 1, 1);
    double s[18];
    float reward;
    bool ended = false;
    jd_env_reset(e, 0, 3, NULL);
    int t = 0;
    for (; t < 1000 && !ended; t++) {
        one_step(e, (const float[]){0, 0, 0}, &reward, &ended);
        jd_env_get_state(e, 0, s);
        assert_true(s[1] > -1 && s[1] < .1);
    }
    assert_in_range(t, 10, 500);
    assert_true(fabs(s[2]) > .3 || s[1] + 1.25 < .7);
    one_step(e, (const float[]){0, 0, 0}, &reward, &ended);
    assert_true(ended && reward == 0);
    shut(ctx, e);
}

static void the_cart_is_pushed_where_the_force_points(void **state)
{
    (void)state;
    jd_ctx *ctx;
    jd_env *e = open_env(&ctx, "mj-cart-pole", 1, 1);
    double right[6], left[6];
    float reward;
    bool ended;
    for (int side = 0; side < 2; side++) {
        const double rest[6] = {0};
        const float action = side ? -7.f : 1.f; /* beyond -1: clipped */
        jd_env_set_state(e, 0, rest);
        one_step(e, &action, &reward, &ended);
        jd_env_get_state(e, 0, side ? left : right);
    }
    assert_true(right[0] > 0 && right[1] < 0); /* the pole is left behind */
    /* 10 N on 1.2 kg and more, 0.04 s */
    assert_true(right[2] > .25 && right[2] < .04 * 10 / 1.0);
    for (int k = 0; k < 4; k++) assert_true(fabs(right[k] + left[k]) < 1e-9);
    const double fallen[6] = {0, .199, 0, 1};
    jd_env_set_state(e, 0, fallen);
    one_step(e, (const float[]){0}, &reward, &ended);
    assert_true(ended && reward == 1);
    shut(ctx, e);
}

/* Without gravity, what the arm does depends on the angle between its links alone. */
static void the_arm_may_be_turned(void **state)
{
    (void)state;
    jd_ctx *ctx;
    jd_env *e = open_env(&ctx, "mj-reacher", 1, 2);
    const float action[4] = {.7f, -.4f, .7f, -.4f};
    double a[8] = {.3, .8, .1, -.2, 0, 0, .1, .05}, b[8] = {1.3, .8, .1, -.2, 0, 0, -.1, .02};
    float obs[20], reward[2];
    uint8_t end[2], late[2];
    jd_env_set_state(e, 0, a);
    jd_env_set_state(e, 1, b);
    for (int t = 0; t < 20; t++) jd_env_step(e, action, obs, reward, end, late);
    jd_env_get_state(e, 0, a);
    jd_env_get_state(e, 1, b);
    assert_true(fabs(b[0] - a[0] - 1) < 1e-9);
    for (int k = 1; k < 4; k++) assert_true(fabs(a[k] - b[k]) < 1e-9);
    assert_true(fabs(a[2]) > .01);
    const double x = .1 * cos(a[0]) + .11 * cos(a[0] + a[1]) - .1, y = .1 * sin(a[0]) + .11 * sin(a[0] + a[1]) - .05;
    assert_true(fabs((double)reward[0] + hypot(x, y) + .1 * (.49 + .16)) < 1e-6);
    assert_true(fabs((double)obs[8] - x) < 1e-6 && fabs((double)obs[9] - y) < 1e-6);
    shut(ctx, e);
}

static void wiggle(float *action, size_t n, int t)
{
    for (size_t k = 0; k < n; k++) action[k] = (float)sin(.7 * t + (double)k);
}

/* The same bits on one thread and on three, and from a snapshot in another environment. */
static void results_depend_on_nothing_else(void **state)
{
    (void)state;
    enum { N = 5, STEPS = 30 };
    for (int kind = 0; kind < KINDS; kind++) {
        jd_ctx *c1, *c3;
        jd_env *one = open_env(&c1, NAME[kind], 1, N), *three = open_env(&c3, NAME[kind], 3, N + 2);
        const size_t A = (size_t)jd_env_action(one).size, O = (size_t)jd_env_observation(one).size;
        float action[(N + 2) * 3], seen[2][(N + 2) * MOST], reward[2][N + 2];
        uint8_t end[N + 2], late[N + 2];
        double snapshot[MOST], a[MOST], b[MOST];
        for (size_t i = 0; i < N; i++) jd_env_reset(one, i, 10 + i, NULL);
        for (size_t i = 0; i < N + 2; i++) jd_env_reset(three, i, 10 + i, NULL);
        for (int t = 0; t < STEPS; t++) {
            wiggle(action, (N + 2) * A, t);
            if (t == 4) action[1] = (float)NAN;
            if (t == 12) {
                assert_int_equal(jd_env_snapshot(one, 1, snapshot), JD_OK);
                assert_int_equal(jd_env_restore(three, 1, snapshot), JD_OK);
            }
            jd_env_step(one, action, seen[0], reward[0], end, late);
            jd_env_step(three, action, seen[1], reward[1], end, late);
            assert_memory_equal(seen[0], seen[1], N * O * sizeof **seen);
            assert_memory_equal(reward[0], reward[1], N * sizeof **reward);
        }
        for (size_t i = 0; i < N; i++) {
            jd_env_get_state(one, i, a);
            jd_env_get_state(three, i, b);
            assert_memory_equal(a, b, (size_t)jd_env_state_size(one) * sizeof *a);
        }
        shut(c1, one);
        shut(c3, three);
    }
}

static void wild_states_end_the_episode(void **state)
{
    (void)state;
    jd_ctx *ctx;
    jd_env *e = open_env(&ctx, "mj-hopper", 1, 1);
    double s[18] = {0};
    float reward;
    bool ended;
    s[9] = 1e8;
    assert_int_equal(jd_env_set_state(e, 0, s), JD_OK);
    one_step(e, (const float[]){1, 1, 1}, &reward, &ended);
    assert_true(ended);
    jd_env_get_state(e, 0, s);
    for (int k = 0; k < 18; k++) assert_true(fabs(s[k]) < 1e9);
    s[2] = (double)NAN;
    assert_int_equal(jd_env_set_state(e, 0, s), JD_EUSAGE);
    jd_error_clear(ctx);
    uint8_t rgb[3 * 64 * 64];
    jd_env_reset(e, 0, 1, NULL);
    assert_int_equal(jd_env_render(e, 0, rgb, 64, 64), JD_OK);
    int body = 0;
    for (int p = 0; p < 64 * 64; p++) body += rgb[3 * p] < 0x70;
    assert_in_range(body, 50, 1000);
    shut(ctx, e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_in_the_air_falls),
        cmocka_unit_test(a_leg_stands_on_the_ground_and_tips_over),
        cmocka_unit_test(the_cart_is_pushed_where_the_force_points),
        cmocka_unit_test(the_arm_may_be_turned),
        cmocka_unit_test(results_depend_on_nothing_else),
        cmocka_unit_test(wild_states_end_the_episode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
