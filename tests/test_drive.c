/*
 * test_drive.c - the road that needs no simulator: the car's physics against circles and slopes, laps by a driver that sees
 * the road's middle, the camera against where the car stands.
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

enum { TIME, AT, ASIDE, HEADING, SPEED, RACED, FURTHEST, SINCE, X, Y, Z, YAW, PITCH, STATE };
enum { SIDE = 32, SEEN = 3 * SIDE * SIDE };

static jd_ctx *context(int threads)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    assert_non_null(ctx);
    return ctx;
}

/* Steers to the middle at about 14 m/s, as the check of the TORCS driver does. */
static void keep_to_the_road(const double *s, float *action)
{
    const double steer = (-s[HEADING] - s[ASIDE] / 12) / .366;
    action[0] = (float)fmax(-1, fmin(1, steer));
    action[1] = s[SPEED] < 14 ? .6f : 0;
    action[2] = 0;
}

static void laps_on_every_track(void **state)
{
    (void)state;
    static const char *const TRACKS[] = {"oval", "park", "ridge"};
    static float obs[SEEN];
    jd_ctx *ctx = context(1);
    for (int k = 0; k < 3; k++) {
        jd_env *e = jd_env_new(
            ctx, "drive", &(jd_env_options){.track = TRACKS[k], .picture = SIDE, .period = .1, .time_limit = 5000});
        size_t n;
        double length, s[STATE], x = 0, y = 0, high = 0;
        double *road = jd_env_road(e, &n, &length);
        assert_true(road && n > 300 && length > 800);
        for (size_t i = 0; i < n; i++) /* it closes, and has its width everywhere */
            assert_true(fabs(road[3 * i + 2] - 12) < 1e-4 &&
                        hypot(road[3 * i] - road[3 * ((i + 1) % n)], road[3 * i + 1] - road[3 * ((i + 1) % n) + 1]) <
                            2.2);
        jd_env_reset(e, 0, 4, obs);
        uint8_t end = 0, late = 0;
        float action[3], reward, earned = 0;
        jd_env_get_state(e, 0, s);
        for (int t = 0; t < 3000 && s[RACED] < length && !end; t++) {
            keep_to_the_road(s, action);
            x = s[X], y = s[Y];
            jd_env_step(e, action, obs, &reward, &end, &late);
            jd_env_get_state(e, 0, s);
            assert_true(hypot(s[X] - x, s[Y] - y) < .1 * s[SPEED] + .2); /* no jumps */
            earned += reward;
            high = fmax(high, s[Z]);
        }
        assert_true(!end && s[RACED] >= length && fabs((double)earned - s[RACED]) < .1);
        assert_true(fabs(s[Z]) < .5 && (k != 2 || high > 3.9)); /* back at the start's height; the ridge climbs */
        jd_free(ctx, road);
        jd_env_free(e);
    }
    jd_ctx_free(ctx);
}

/* One step with the wheel turned and nothing else, from `speed` in the middle of the oval's straight. */
static double yaw_after(jd_env *e, double speed, float steer)
{
    static float obs[SEEN];
    double s[STATE] = {[AT] = 20, [SPEED] = speed};
    float reward;
    uint8_t end, late;
    assert_int_equal(jd_env_set_state(e, 0, s), JD_OK);
    jd_env_step(e, (const float[]){steer, 0, 0}, obs, &reward, &end, &late);
    jd_env_get_state(e, 0, s);
    return s[HEADING];
}

static void tyres_hold_so_much(void **state)
{
    (void)state;
    static float obs[SEEN];
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "drive", &(jd_env_options){.track = "oval", .picture = SIDE, .period = .02});
    /* Slowly the front wheel says where the car goes; at speed the tyres do. */
    assert_true(fabs(yaw_after(e, 4, 1) - .02 * 4 * tan(.366) / 2.6) < 1e-12);
    assert_true(fabs(yaw_after(e, 30, 1) - .02 * 9.81 / 30) < 1e-12);
    assert_true(fabs(yaw_after(e, 30, -1) + .02 * 9.81 / 30) < 1e-12);
    /* Full brake: nothing is left for the curve; and the car stops within v^2 / 2 g. */
    double s[STATE] = {[AT] = 20, [SPEED] = 20};
    float reward;
    uint8_t end, late;
    jd_env_set_state(e, 0, s);
    for (int t = 0; t < 150; t++) jd_env_step(e, (const float[]){1, 0, 1}, obs, &reward, &end, &late);
    jd_env_get_state(e, 0, s);
    assert_true(s[SPEED] == 0 && fabs(s[RACED] - 20.5) < .7 && s[HEADING] == 0);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* The lowest row of the picture shows the road nearest to the car: its middle lies on the side where the road is. */
static void the_camera_sees_where_the_road_is(void **state)
{
    (void)state;
    static float obs[SEEN];
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "drive", &(jd_env_options){.track = "ridge", .picture = SIDE});
    jd_rng r = jd_rng_new(1, "test", 0);
    float reward;
    uint8_t end, late;
    for (int k = 0; k < 1000; k++) {
        double s[STATE] = {[AT] = 1100 * jd_rng_uniform64(&r), [ASIDE] = 10 * jd_rng_uniform64(&r) - 5};
        if (fabs(s[ASIDE]) < .5) s[ASIDE] += 1;
        jd_env_set_state(e, 0, s);
        jd_env_step(e, (const float[]){0, 0, 0}, obs, &reward, &end, &late);
        double sum = 0, columns = 0;
        for (int j = 0; j < SIDE; j++) {
            const float *p = obs + 3 * ((SIDE - 1) * SIDE + j);
            const bool grass = p[1] > p[0] + .1f && p[1] > p[2] + .1f;
            if (!grass) sum += j - (SIDE - 1) / 2., columns++;
        }
        assert_true(columns > 0);
        /* To the left of the middle the road lies to the right, unless it fills the row. */
        assert_true(columns == SIDE || (s[ASIDE] > 0) == (sum > 0));
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Copies and threads do not matter, and a snapshot goes on bit for bit. */
static void copies_and_snapshots_agree(void **state)
{
    (void)state;
    enum { N = 17, STEPS = 12 };
    static float obs[N * SEEN], alone[SEEN];
    jd_ctx *ctx = context(2), *other = context(1);
    const jd_env_options many = {.count = N, .picture = SIDE}, one = {.picture = SIDE};
    jd_env *a = jd_env_new(ctx, "drive", &many), *b = jd_env_new(other, "drive", &one);
    float action[3 * N], reward[N], one_reward;
    uint8_t end[N], late[N], one_end, one_late;
    double *kept = calloc((size_t)jd_env_snapshot_size(a), sizeof *kept);
    for (size_t i = 0; i < N; i++) jd_env_reset(a, i, i, obs + i * SEEN);
    for (int t = 0; t < 2 * STEPS; t++) {
        for (int i = 0; i < N; i++)
            action[3 * i] = .1f * sinf((float)(t + i)), action[3 * i + 1] = 1, action[3 * i + 2] = 0;
        if (t == STEPS) {
            assert_int_equal(jd_env_snapshot(a, N - 1, kept), JD_OK);
            assert_int_equal(jd_env_restore(b, 0, kept), JD_OK);
        }
        jd_env_step(a, action, obs, reward, end, late);
        if (t < STEPS) continue;
        jd_env_step(b, action + 3 * (N - 1), alone, &one_reward, &one_end, &one_late);
        assert_memory_equal(alone, obs + (N - 1) * SEEN, sizeof alone);
        assert_true(one_reward == reward[N - 1] && one_end == end[N - 1] && one_late == late[N - 1]);
    }
    kept[2 + AT] = -1;
    assert_int_equal(jd_env_restore(b, 0, kept), JD_EUSAGE);
    jd_error_clear(other);
    assert_null(jd_env_new(other, "drive", &(jd_env_options){.track = "parc"}));
    assert_non_null(strstr(jd_error_message(other), "park"));
    jd_error_clear(other);
    assert_null(jd_rollout_new(other, &(jd_rollout_options){.env = "drive", .env_options = one})); /* not in lanes */
    assert_int_equal(jd_error(other), JD_EUSAGE);
    free(kept);
    jd_env_free(a);
    jd_env_free(b);
    jd_ctx_free(ctx);
    jd_ctx_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laps_on_every_track),
        cmocka_unit_test(tyres_hold_so_much),
        cmocka_unit_test(the_camera_sees_where_the_road_is),
        cmocka_unit_test(copies_and_snapshots_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
