/* Environments that a program brings along: the cart of cart-pole-no-velocity, once more, gives its bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "cpu/control.h"
#include "jackdaw/env.h"

#include "ctx.h"

enum { STATE = 5, N = 37, HIDDEN = 4 };

/* ---- the cart, alone and in lanes --------------------------------------------------------------------------------------*/

static void cart_start(void *user, uint64_t seed, double *state)
{
    jd_rng r = jd_rng_new(seed, "env/cart-pole", 0);
    (void)user;
    for (int k = 0; k < STATE; k++) assert_true(state[k] == 0);
    for (int k = 0; k < 4; k++) state[k] = .1 * jd_rng_uniform64(&r) - .05;
    state[4] = 1;
}

static double cart_step(void *user, double *s, const float *action, bool *over)
{
    double sine, cosine;
    (void)user;
    jd_sincos(fabs(s[2]) < 1e6 ? s[2] : 0, &sine, &cosine);
    const double force = action[0] >= 1 ? 10 : -10, mass = 1.1;
    const double push = (force + .1 * .5 * s[3] * s[3] * sine) / mass;
    const double turn = (9.8 * sine - cosine * push) / (.5 * (4. / 3 - .1 * cosine * cosine / mass));
    const double pull = push - .1 * .5 * turn * cosine / mass;
    s[0] += .02 * s[1];
    s[1] += .02 * pull;
    s[2] += .02 * s[3];
    s[3] += .02 * turn;
    *over = !(fabs(s[0]) <= 2.4 && fabs(s[2]) <= 12 * (JD_PI / 180));
    return *over ? -1 : 0;
}

static void cart_observe(void *user, const double *s, float *see)
{
    (void)user;
    see[0] = (float)(s[0] / 2.4);
    see[1] = (float)(s[2] / .21);
}

static void cart_step_lanes(void *user, double *s, const float *action, float *reward, uint8_t *over)
{
    for (int l = 0; l < JD_ENV_LANES; l++) {
        double state[STATE];
        bool ended;
        for (int k = 0; k < STATE; k++) state[k] = s[k * JD_ENV_LANES + l];
        reward[l] = (float)cart_step(user, state, action + l, &ended);
        over[l] = ended;
        for (int k = 0; k < STATE; k++) s[k * JD_ENV_LANES + l] = state[k];
    }
}

static void cart_observe_lanes(void *user, const double *s, float *see)
{
    (void)user;
    for (int l = 0; l < JD_ENV_LANES; l++) {
        see[l] = (float)(s[l] / 2.4);
        see[JD_ENV_LANES + l] = (float)(s[2 * JD_ENV_LANES + l] / .21);
    }
}

#define CART .state = STATE, .observation = 2, .action = 1, .choices = 2, .time_limit = 10000, .start = cart_start
static const jd_env_own ALONE = {.name = "cart", CART, .step = cart_step, .observe = cart_observe};
static const jd_env_own LANES = {CART, .step_lanes = cart_step_lanes, .observe_lanes = cart_observe_lanes};

static void random_weights(double *w, size_t n)
{
    jd_rng r = jd_rng_new(4, "test/own", 0);
    for (size_t i = 0; i < n; i++) w[i] = jd_rng_normal(&r);
}

static void play(const jd_env_own *own, int threads, uint64_t seed, double *score, int64_t *steps)
{
    static double weights[N * 64];
    jd_ctx *c = jd_ctx_new(&(jd_options){.threads = threads});
    jd_rollout *r = jd_rollout_new(c, &(jd_rollout_options){.env = own ? NULL : "cart-pole-no-velocity",
                                                            .env_options = {.own = own},
                                                            .net = {.hidden = HIDDEN}});
    assert_non_null(r);
    assert_true(jd_rollout_weights(r) <= 64);
    random_weights(weights, N * jd_rollout_weights(r));
    assert_int_equal(jd_rollout_run(r, weights, false, N, NULL, seed, 200, score, steps), JD_OK);
    jd_rollout_free(r);
    jd_ctx_free(c);
}

static void test_same_bits(void **state)
{
    (void)state;
    int64_t long_ones = 0;
    for (uint64_t seed = 1; seed < 6; seed++) {
        double want[N], score[N];
        int64_t want_steps[N], steps[N];
        play(NULL, 1, seed, want, want_steps);
        for (int k = 0; k < 4; k++) {
            play(k % 2 ? &LANES : &ALONE, 1 + k / 2, seed, score, steps);
            assert_memory_equal(score, want, sizeof score);
            assert_memory_equal(steps, want_steps, sizeof steps);
        }
        for (int i = 0; i < N; i++) long_ones += want_steps[i] > 20;
    }
    assert_true(long_ones > 10);
}

static void test_copies(void **state)
{
    (void)state;
    jd_env *own = jd_env_new(ctx, NULL, &(jd_env_options){.count = 20, .own = &ALONE}),
           *like = jd_env_new(ctx, "cart-pole-no-velocity", &(jd_env_options){.count = 20});
    assert_true(own && like);
    assert_int_equal(jd_env_state_size(own), STATE);
    assert_int_equal(jd_env_time_limit(own), 10000);
    assert_int_equal(jd_env_action(own).choices, 2);
    assert_true(jd_env_observation(own).size == 2 && jd_env_observation(own).high[1] == INFINITY);
    float obs[40], same[40], action[20], reward[20], reward_too[20];
    uint8_t over[20], over_too[20], cut[20];
    double kept[STATE + 2], s[STATE], t[STATE];
    for (size_t i = 0; i < 20; i++) {
        jd_env_reset(own, i, i, obs + 2 * i);
        jd_env_reset(like, i, i, same + 2 * i);
    }
    assert_memory_equal(obs, same, sizeof obs);
    assert_int_equal(jd_env_snapshot_size(own), STATE + 2);
    for (int step = 0; step < 40; step++) {
        if (step == 10) jd_env_snapshot(own, 3, kept);
        for (int i = 0; i < 20; i++) action[i] = (float)((step + i) / 3 % 2);
        assert_int_equal(jd_env_step(own, action, obs, reward, over, cut), JD_OK);
        assert_int_equal(jd_env_step(like, action, same, reward_too, over_too, cut), JD_OK);
        assert_memory_equal(obs, same, sizeof obs);
        assert_memory_equal(reward, reward_too, sizeof reward);
        assert_memory_equal(over, over_too, sizeof over);
        if (step == 10) jd_env_get_state(own, 3, t);
    }
    assert_int_equal(jd_env_restore(own, 3, kept), JD_OK);
    for (int i = 0; i < 20; i++) action[i] = (float)((10 + i) / 3 % 2);
    jd_env_step(own, action, obs, reward, over, cut);
    jd_env_get_state(own, 3, s);
    assert_memory_equal(s, t, sizeof s);
    jd_env_free(own);
    jd_env_free(like);
}

/* ---- actions, pictures, states --------------------------------------------------------------------------------------------*/

typedef struct seen {
    int steps;
    float last[2];
} seen;

static void still(void *user, uint64_t seed, double *s)
{
    (void)user;
    s[0] = (double)seed;
}

static double note(void *user, double *s, const float *action, bool *over)
{
    seen *v = user;
    v->steps++;
    memcpy(v->last, action, sizeof v->last);
    *over = s[0] >= 2;
    s[0]++;
    return 1;
}

static void look(void *user, const double *s, float *see)
{
    (void)user;
    see[0] = (float)s[0];
}

static bool not_negative(void *user, const double *s)
{
    (void)user;
    return s[0] >= 0;
}

static void paint(void *user, const double *s, uint8_t *rgb, int w, int h)
{
    (void)user;
    rgb[3 * w * (h - 1)] = (uint8_t)s[0];
}

static const float DOWN[2] = {-2, 0}, UP[2] = {2, .5f};
static const jd_env_own SIMPLE = {.state = 1,
                                  .observation = 1,
                                  .action = 2,
                                  .action_low = DOWN,
                                  .action_high = UP,
                                  .time_limit = 4,
                                  .start = still,
                                  .step = note,
                                  .observe = look,
                                  .valid = not_negative,
                                  .draw = paint};

static void test_actions(void **state)
{
    (void)state;
    seen v = {0};
    jd_env_own own = SIMPLE;
    own.user = &v;
    jd_env *e = jd_env_new(ctx, "mine", &(jd_env_options){.own = &own});
    assert_non_null(e);
    memset(&own, 0, sizeof own); /* it was copied */
    float obs, reward;
    uint8_t over, cut, rgb[16 * 16 * 3];
    jd_env_step(e, (float[]){0, 0}, &obs, &reward, &over, &cut); /* not begun: nothing is called */
    assert_int_equal(v.steps, 0);
    jd_env_reset(e, 0, 0, &obs);
    jd_env_step(e, (float[]){9, -9}, &obs, &reward, &over, &cut);
    assert_true(v.last[0] == 2 && v.last[1] == 0 && obs == 1 && reward == 1 && !over);
    jd_env_step(e, (float[]){NAN, .25f}, &obs, &reward, &over, &cut);
    assert_true(v.last[0] == 0 && v.last[1] == .25f && !over && !cut);
    jd_env_step(e, (float[]){0, 0}, &obs, &reward, &over, &cut);
    assert_true(over && !cut && v.steps == 3);
    jd_env_step(e, (float[]){0, 0}, &obs, &reward, &over, &cut);
    assert_true(v.steps == 3 && reward == 0 && obs == 3);
    assert_int_equal(jd_env_render(e, 0, rgb, 16, 16), JD_OK);
    assert_true(rgb[3 * 16 * 15] == 3 && rgb[0] == rgb[3] && rgb[0] > 200);
    assert_int_equal(jd_env_set_state(e, 0, &(double){-1}), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "mine"));
    jd_error_clear(ctx);
    assert_int_equal(jd_env_set_state(e, 0, &(double){1}), JD_OK);
    jd_env_free(e);
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env_options = {.own = &SIMPLE}, .net = {.outputs = 3}});
    assert_null(r);
    assert_non_null(strstr(jd_error_message(ctx), "own gives 1 numbers and takes 2"));
    jd_error_clear(ctx);
}

static void refused(jd_env_own own, const char *word)
{
    assert_null(jd_env_new(ctx, NULL, &(jd_env_options){.own = &own}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    if (!strstr(jd_error_message(ctx), word)) fail_msg("'%s' is not in: %s", word, jd_error_message(ctx));
    jd_error_clear(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    jd_env_own o = SIMPLE;
    refused((o.state = JD_ENV_STATE + 1, o), "257 numbers of state");
    o = SIMPLE, refused((o.observation = 0, o), "0 observed");
    o = SIMPLE, refused((o.action = 33, o), "33 actions");
    o = SIMPLE, refused((o.choices = 1, o), "1 choices");
    o = SIMPLE, refused((o.choices = 3, o), "a choice is one action");
    o = SIMPLE, refused((o.time_limit = 0, o), "0 steps");
    o = SIMPLE, refused((o.start = NULL, o), "start, step and observe");
    o = SIMPLE, refused((o.step = NULL, o), "start, step and observe");
    o = SIMPLE, refused((o.observe = NULL, o), "start, step and observe");
    o = SIMPLE, refused((o.action_high = DOWN, o), "action 0 lies between -2 and -2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_copies),
                                       cmocka_unit_test(test_actions), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
