/*
 * test_octopus.c - the octopus's arm against trajectories of the competition's simulator, its symmetries, its pictures.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "env/env.h"

enum { STATE = 82, ACTIONS = 32, TIP = 2 + 4 * 9 };

static jd_ctx *context(int threads, const char *isa)
{
    return jd_ctx_new(&(jd_options){.threads = threads, .isa = isa});
}

/* `steps` with the same activation of ten muscles from `first` on (-1: none); the state. */
static void hold(jd_env *e, int first, int steps, double *s)
{
    static float obs[1024];
    float action[ACTIONS] = {0}, reward;
    uint8_t end, late;
    for (int k = 0; first >= 0 && k < 10; k++) action[first + k] = 1;
    for (int t = 0; t < steps; t++) jd_env_step(e, action, obs, &reward, &end, &late);
    jd_env_get_state(e, 0, s);
}

/* The tip's upper node after 1 and 10 steps, and the base's angle after 10, as the simulator of the competition gives
 * them. */
static void trajectories_are_the_simulators(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int first;
        double one[2], ten[2], angle;
    } want[] = {{"none", -1, {10.059674, 0.182051}, {9.940985, 0.157351}, 1.490910},
                {"dorsal", 0, {9.789240, 0.234406}, {7.994195, 1.017843}, 0.783701},
                {"ventral", 20, {10.089903, 0.174663}, {8.617108, -0.761375}, 2.195164},
                {"transverse", 10, {10.333957, 0.068420}, {12.981395, -0.130983}, 1.483058}};
    jd_ctx *ctx = context(1, NULL);
    jd_env *e = jd_env_new(ctx, "octopus-arm", NULL);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double s[STATE];
        jd_env_reset(e, 0, 0, NULL);
        hold(e, want[i].first, 1, s);
        if (!(hypot(s[TIP] - want[i].one[0], s[TIP + 1] - want[i].one[1]) < 1.5e-6))
            fail_msg("%s: after 1 step %.7f, %.7f", want[i].name, s[TIP], s[TIP + 1]);
        hold(e, want[i].first, 9, s);
        if (!(hypot(s[TIP] - want[i].ten[0], s[TIP + 1] - want[i].ten[1]) < .01 && fabs(s[0] - want[i].angle) < .01))
            fail_msg("%s: after 10 steps %.6f, %.6f, angle %.6f", want[i].name, s[TIP], s[TIP + 1], s[0]);
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Under water no direction is special: an arm that begins turned moves as the other one does, turned. */
static void turned_arms_move_alike(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1, NULL);
    jd_env *e = jd_env_new(ctx, "octopus-arm", NULL);
    double straight[STATE], turned[STATE];
    jd_env_reset(e, 0, 0, NULL);
    jd_env_get_state(e, 0, straight);
    jd_env_reset(e, 0, 7, NULL);
    jd_env_get_state(e, 0, turned);
    const double by = turned[0] - straight[0];
    assert_true(fabs(by) > .1 && fabs(by) < 1.05 && turned[41] == 0);
    hold(e, 0, 2, turned);
    jd_env_reset(e, 0, 0, NULL);
    hold(e, 0, 2, straight);
    for (int k = 2; k < STATE; k += 2) {
        const double shift = k % 4 == 2 ? 1 : 0; /* positions turn about the base, velocities about nothing */
        const double x = straight[k] - .04 * shift, y = straight[k + 1] - .5 * shift;
        assert_true(fabs(turned[k] - (.04 * shift + x * cos(by) - y * sin(by))) < 1e-6);
        assert_true(fabs(turned[k + 1] - (.5 * shift + x * sin(by) + y * cos(by))) < 1e-6);
    }
    assert_true(fabs(turned[0] - straight[0] - by) < 1e-8);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const isa[] = {"scalar", "avx2", "avx512"};
    double first[16][STATE], s[STATE];
    for (int i = 0; i < 3; i++) {
        jd_ctx *ctx = context(1, isa[i]);
        if (!ctx) continue;
        jd_env *e = jd_env_new(ctx, "octopus-arm", &(jd_env_options){.count = 16});
        static float obs[16 * STATE], action[16 * ACTIONS];
        float reward[16];
        uint8_t end[16], late[16];
        jd_rng r = jd_rng_new(3, "muscles", 0);
        for (size_t k = 0; k < 16; k++) jd_env_reset(e, k, k, NULL);
        for (int t = 0; t < 20; t++) {
            for (int k = 0; k < 16 * ACTIONS; k++) action[k] = jd_rng_uniform(&r) < .5f;
            jd_env_step(e, action, obs, reward, end, late);
        }
        for (size_t k = 0; k < 16; k++) {
            jd_env_get_state(e, k, i ? s : first[k]);
            if (i) assert_memory_equal(s, first[k], sizeof s);
        }
        jd_env_free(e);
        jd_ctx_free(ctx);
    }
}

static void the_goal_pays_and_motors_turn(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1, NULL);
    jd_env *e = jd_env_new(ctx, "octopus-arm", &(jd_env_options){.count = 3, .target = {10.45, -.27}});
    static float obs[3 * STATE], action[3 * ACTIONS];
    float reward[3];
    uint8_t end[3], late[3];
    double s[STATE], far[STATE];
    for (size_t k = 0; k < 3; k++) jd_env_reset(e, k, 0, NULL);
    jd_env_get_state(e, 1, s);
    for (int k = 4; k < STATE; k += 4) s[k] = s[k + 1] = 990; /* an arm that flies apart */
    jd_env_set_state(e, 1, s);
    for (int k = 0; k < 10; k++) action[2 * ACTIONS + k] = 1;
    action[30] = -5;
    jd_env_step(e, action, obs, reward, end, late);
    assert_true(reward[0] == 10 && end[0]);
    jd_env_get_state(e, 1, far);
    assert_true(reward[1] == -.01f && end[1]);
    assert_memory_equal(far, s, sizeof s);
    assert_true(reward[2] == -.01f && !end[2]);
    jd_env_get_state(e, 2, s);
    assert_true(fabs((double)obs[2 * STATE] - s[0] / 3.14159265358979) < 1e-6 &&
                fabs((double)obs[2 * STATE + 1] - s[1]) < 1e-6);
    assert_true(fabs((double)obs[2 * STATE + 2 + 9] - s[TIP] / 10) < 1e-6);        /* upper x, the last */
    assert_true(fabs((double)obs[2 * STATE + 2 + 70 + 0] - s[2 + 40 + 3]) < 1e-6); /* lower vy, the first */
    /* the motors: one each way, by 0.1 rad/s; they alone tell these two arms apart */
    memset(action, 0, sizeof action);
    action[30] = .5f, action[ACTIONS + 30] = action[ACTIONS + 31] = 1;
    double both[STATE];
    for (size_t k = 0; k < 3; k++) jd_env_reset(e, k, 3, NULL);
    jd_env_step(e, action, obs, reward, end, late);
    jd_env_get_state(e, 0, far);
    jd_env_get_state(e, 1, both);
    jd_env_get_state(e, 2, s);
    assert_memory_equal(both, s, sizeof s);
    assert_true(far[0] > s[0] + .02);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* The picture's bright pixels cover the arm's area, and lie where the arm is. */
static void pictures_cover_the_arm(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1, NULL);
    jd_env *e = jd_env_new(ctx, "octopus-arm-vision", NULL);
    static float obs[32][32];
    for (uint64_t seed = 0; seed < 5; seed++) {
        double s[STATE], sum = 0, x = 0, y = 0, mx = 0, my = 0;
        int target = 0;
        jd_env_reset(e, 0, seed, &obs[0][0]);
        jd_env_get_state(e, 0, s);
        for (int j = 0; j < 32; j++)
            for (int i = 0; i < 32; i++) {
                assert_true(obs[j][i] == 0 || obs[j][i] == 1 || obs[j][i] == -1);
                if (obs[j][i] < 0) target++;
                if (obs[j][i] < 1) continue;
                sum++;
                x += .04 - 12 + (i + .5) * .75;
                y += .5 + 12 - (j + .5) * .75;
            }
        for (int k = 2; k < STATE; k += 4) mx += s[k] / 20, my += s[k + 1] / 20;
        assert_int_equal(target, 9);
        assert_true(obs[31 - 20][23] == -1 || obs[11][19] == -1);
        if (!(sum * .75 * .75 > 8.5 && sum * .75 * .75 < 13.5))
            fail_msg("seed %d: area %g", (int)seed, sum * .75 * .75);
        assert_true(fabs(x / sum - mx) < 1.2 && fabs(y / sum - my) < 1.2);
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Fully recurrent networks that act, one thread and three: the same scores. */
static void rollouts_do_not_depend_on_threads(void **state)
{
    (void)state;
    enum { NETS = 40 };
    double *w = NULL, score[2][NETS];
    int64_t steps[2][NETS];
    for (int way = 0; way < 2; way++) {
        jd_ctx *ctx = context(way ? 3 : 1, NULL);
        jd_rollout *r =
            jd_rollout_new(ctx, &(jd_rollout_options){.env = "octopus-arm",
                                                      .env_options = {.target = {9, -2}},
                                                      .net = {.hidden = 32, .direct = true, .logistic = true}});
        const size_t W = jd_rollout_weights(r);
        assert_int_equal(W, 3680);
        if (!w) {
            w = calloc(NETS * W, sizeof *w);
            jd_rng g = jd_rng_new(5, "nets", 0);
            for (size_t k = 0; k < NETS * W; k++) w[k] = jd_rng_normal(&g);
        }
        assert_int_equal(jd_rollout_run(r, w, false, NETS, NULL, 4, 15, score[way], steps[way]), JD_OK);
        jd_rollout_free(r);
        jd_ctx_free(ctx);
    }
    assert_memory_equal(score[0], score[1], sizeof score[0]);
    assert_memory_equal(steps[0], steps[1], sizeof steps[0]);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectories_are_the_simulators),
        cmocka_unit_test(turned_arms_move_alike),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
        cmocka_unit_test(the_goal_pays_and_motors_turn),
        cmocka_unit_test(pictures_cover_the_arm),
        cmocka_unit_test(rollouts_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
