/*
 * test_env.c - environments against published constants, energy and their own snapshots.
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

enum { X, V, T1, W1, T2, W2 };

static jd_ctx *context(int threads)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    assert_non_null(ctx);
    return ctx;
}

/* Steps copy 0 of a double pole with a constant action until it ends or `steps` are over; returns the steps done. */
static int drive(jd_env *e, float action, int steps, double state[6])
{
    float obs[6], reward;
    uint8_t end = 0, late;
    int t = 0;
    for (; t < steps && !end; t++) jd_env_step(e, &action, obs, &reward, &end, &late);
    jd_env_get_state(e, 0, state);
    return t;
}

/* Figures computed elsewhere from the same equations, in double precision. */
static void double_pole_matches_known_trajectories(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "double-pole", NULL);
    double s[6];
    jd_env_reset(e, 0, 0, NULL);
    drive(e, 0, 1, s);
    assert_true(fabs(s[X] - -0.000009876) < 1e-9);
    assert_true(fabs(s[T1] - 0.070033140) < 1e-9);
    assert_true(fabs(s[T2] - 0.000148813) < 1e-9);
    jd_env_reset(e, 0, 0, NULL);
    assert_int_equal(drive(e, 0, 100, s), 23);
    assert_true(fabs(s[T1] - 0.222) < 1e-3 && fabs(s[T2] - 0.717) < 1e-3);
    const double want[6] = {0.048437240, 0.968485604, 0.001587784, -1.381474095, -0.801836251, -17.241046122};
    for (int k = 0; k < 6; k++) s[k] = 0;
    s[T1] = 4 * 3.14159265358979323846 / 180;
    double lanes[6 * JD_LANES] = {0}, force[JD_LANES];
    for (int l = 0; l < JD_LANES; l++) { /* past the point where the short pole has fallen: the physics alone */
        lanes[T1 * JD_LANES + l] = s[T1];
        force[l] = 10;
    }
    const jd_pole_constants c = {.poles = 2,
                                 .mass = 1,
                                 .cart_friction = .0005,
                                 .gravity = -9.8,
                                 .m = {.1, .01},
                                 .ml = {.05, .0005},
                                 .friction = {.000002 / .05, .000002 / .0005},
                                 .lever = {-1.5, -15}};
    for (int t = 0; t < 5; t++) e->control->poles(&c, lanes, force, .01, 2);
    for (int k = 0; k < 6; k++)
        for (int l = 0; l < JD_LANES; l++) assert_true(fabs(lanes[k * JD_LANES + l] - want[k]) < 1e-8);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Seven pushes, computed elsewhere from the equations of 1983. */
static void cart_pole_matches_a_known_trajectory(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    for (int mode = 0; mode < 2; mode++) {
        jd_env *e = jd_env_new(ctx, mode ? "cart-pole-cue" : "cart-pole-no-velocity", NULL);
        static const double want[4] = {0.027035350004436638, 0.581257949376269, 0.015208129253697331,
                                       -0.7876528349087235};
        double s[5] = {0, 0, .05, 0, mode ? -1 : 1};
        float obs[3], reward;
        uint8_t end, late;
        assert_int_equal(jd_env_set_state(e, 0, s), JD_OK);
        for (int t = 0; t < 7; t++) {
            const float action = (t % 3 == 1) == (mode == 1);
            jd_env_step(e, &action, obs, &reward, &end, &late);
            assert_true(reward == 0 && !end && !late);
        }
        jd_env_get_state(e, 0, s);
        for (int k = 0; k < 4; k++) assert_true(fabs(s[k] - want[k]) < 1e-12);
        assert_true(obs[0] == (float)(s[0] / 2.4) && obs[1] == (float)(s[2] / .21));
        float last = 0;
        for (int t = 0; t < 100 && !end; t++) jd_env_step(e, &(float){1}, obs, &last, &end, &late);
        assert_true(end && last == -1);
        jd_env_free(e);
    }
    jd_ctx_free(ctx);
}

/* The right answer earns 0, another one less, whoever adds up what was shown. */
static void adding_pays_for_the_sum(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "adding", &(jd_env_options){.length = 20});
    for (uint64_t seed = 0; seed < 50; seed++) {
        float obs[2], reward = 0, sum = 0;
        uint8_t end = 0, late = 0;
        int steps = 0, marked = 0;
        jd_env_reset(e, 0, seed, obs);
        while (!end) {
            assert_true(obs[0] >= -1 && obs[0] <= 1 && reward == 0);
            if (obs[1] > 0) sum += obs[0], marked++;
            assert_true(steps || obs[1] != 0);
            const float answer = .5f + sum / 4 + (seed % 2 ? .5f * (sum > 0 ? -1.f : 1.f) : 0);
            jd_env_step(e, &answer, obs, &reward, &end, &late);
            steps++;
        }
        assert_true(steps >= 20 && steps <= 22 && marked == 2);
        assert_true(seed % 2 ? fabsf(reward + .25f) < 1e-5f : fabsf(reward) < 1e-12f);
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Whoever remembers the first colour and looks for it along the east wall opens the door. */
static void the_door_opens_to_its_key(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    for (int noise = 0; noise < 2; noise++) {
        jd_env *e = jd_env_new(ctx, "key-door", &(jd_env_options){.noise = noise});
        bool seen[4] = {false};
        for (uint64_t seed = 0; seed < 40; seed++) {
            float obs[8], reward = 0, total = 0;
            uint8_t end = 0, late = 0;
            jd_env_reset(e, 0, seed, obs);
            int key = 0, x = 0, y = 3, way = 1;
            while (obs[4 + key] < 1) key++;
            seen[key] = true;
            for (int t = 0; t < 40 && !end; t++) {
                const bool here = x == 6 && y % 2 == 0 && obs[4 + key] == 1;
                if (x == 6 && y == 6) way = -1;
                const float action = x < 6 || here ? 1 : way > 0 ? 0 : 2;
                jd_env_step(e, &action, obs, &reward, &end, &late);
                total += reward;
                if (x < 6)
                    x++;
                else
                    y += way;
            }
            assert_true(end && total == 4);
        }
        assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
        jd_env_free(e);
    }
    jd_ctx_free(ctx);
}

/* Kinetic and potential energy of cart and uniform rods. */
static double energy(const jd_pole_constants *c, const double *s)
{
    double sum = .5 * c->mass * s[V * JD_LANES] * s[V * JD_LANES];
    for (int i = 0; i < c->poles; i++) {
        const double l = c->ml[i] / c->m[i], v = s[V * JD_LANES];
        const double t = s[(T1 + 2 * i) * JD_LANES], w = s[(W1 + 2 * i) * JD_LANES];
        sum += .5 * c->m[i] * (v * v + 2 * v * l * w * cos(t) + l * l * w * w * 4 / 3) + c->m[i] * 9.8 * l * cos(t);
    }
    return sum;
}

/* Without friction and force the energy stays; through all angles, so that every quadrant of sine and cosine counts. */
static void energy_is_conserved(void **state)
{
    (void)state;
    for (int poles = 1; poles <= 2; poles++) {
        const jd_pole_constants c = {
            .poles = poles, .mass = 1, .gravity = -9.8, .m = {.1, .1}, .ml = {.05, .04}, .lever = {-1.5, -.75 / .4}};
        double s[6 * JD_LANES] = {0}, force[JD_LANES] = {0};
        for (int l = 0; l < JD_LANES; l++) {
            s[T1 * JD_LANES + l] = .3 + .4 * l;
            s[W1 * JD_LANES + l] = 2 - l;
            if (poles == 2) s[T2 * JD_LANES + l] = -1 + .2 * l;
        }
        double before[JD_LANES];
        for (int l = 0; l < JD_LANES; l++) before[l] = energy(&c, s + l);
        jd__control_find("scalar")->poles(&c, s, force, .001, 5000);
        for (int l = 0; l < JD_LANES; l++) assert_true(fabs(energy(&c, s + l) - before[l]) < 1e-9);
    }
}

/* Runge-Kutta of fourth order: half the step, a sixteenth of the error. */
static void the_integrator_is_of_fourth_order(void **state)
{
    (void)state;
    const jd_pole_constants c = {
        .poles = 2, .mass = 1, .gravity = -9.8, .m = {.1, .01}, .ml = {.05, .0005}, .lever = {-1.5, -15}};
    double s[3][6 * JD_LANES] = {{0}}, force[JD_LANES] = {3};
    for (int i = 0; i < 3; i++) {
        s[i][T1 * JD_LANES] = .2;
        s[i][T2 * JD_LANES] = .1;
        jd__control_find("scalar")->poles(&c, s[i], force, i == 2 ? .0005 : i ? .005 : .01, i == 2 ? 400 : i ? 40 : 20);
    }
    const double coarse = fabs(s[0][T2 * JD_LANES] - s[2][T2 * JD_LANES]);
    const double fine = fabs(s[1][T2 * JD_LANES] - s[2][T2 * JD_LANES]);
    assert_true(coarse / fine > 12 && coarse / fine < 22);
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    const jd_control *fast = jd__control_find(jd_ctx_isa(ctx)), *plain = jd__control_find("scalar");
    const jd_pole_constants c = {.poles = 2,
                                 .mass = 1,
                                 .cart_friction = .0005,
                                 .gravity = -9.8,
                                 .m = {.1, .01},
                                 .ml = {.05, .0005},
                                 .friction = {.00004, .004},
                                 .lever = {-1.5, -15}};
    double s[2][6 * JD_LANES], force[JD_LANES];
    jd_rng r = jd_rng_new(5, "test", 0);
    for (int k = 0; k < 6 * JD_LANES; k++) s[0][k] = s[1][k] = .3 * jd_rng_normal(&r);
    for (int l = 0; l < JD_LANES; l++) force[l] = 10 * jd_rng_normal(&r);
    fast->poles(&c, s[0], force, .01, 50);
    plain->poles(&c, s[1], force, .01, 50);
    assert_memory_equal(s[0], s[1], sizeof s[0]);
    jd_ctx_free(ctx);
}

/* A policy with some life in it, a function of the observation. */
static void act(const jd_env *e, const float *obs, size_t n, float *action)
{
    const jd_space see = jd_env_observation(e), space = jd_env_action(e);
    for (size_t i = 0; i < n; i++) {
        const float *o = obs + i * (size_t)see.size;
        const float push = .7f * o[0] - .9f * o[1] + .8f * o[2];
        for (int k = 0; k < space.size; k++)
            action[i * (size_t)space.size + (size_t)k] = space.choices ? (o[0] + o[2] < .5f ? 2.f : 1.f)
                                                         : k           ? .1f * (float)k + push
                                                                       : push;
    }
}

/* Programs and libraries which may not be here have tests of their own. */
static bool outside(int kind)
{
    return strcmp(jd_env_name(kind), "torcs") == 0 || strcmp(jd_env_name(kind), "drive") == 0 ||
           strcmp(jd_env_name(kind), "racing") == 0 || strncmp(jd_env_name(kind), "mj-", 3) == 0;
}

/* A copy that is restored elsewhere, into an environment of another size, goes on bit for bit. */
static void snapshots_go_on_bit_for_bit(void **state)
{
    (void)state;
    enum { N = 19, STEPS = 12 };
    for (int kind = 0; jd_env_name(kind); kind++) {
        if (outside(kind)) continue;
        jd_ctx *ctx = context(1);
        const jd_env_options o = {.length = 5, .noise = true}, many = {.count = N, .length = 5, .noise = true};
        jd_env *a = jd_env_new(ctx, jd_env_name(kind), &many), *b = jd_env_new(ctx, jd_env_name(kind), &o);
        const size_t O = (size_t)jd_env_observation(a).size;
        static float obs[N * JD_ENV_OBSERVATION], alone[JD_ENV_OBSERVATION];
        float action[N * JD_ENV_ACTION], reward[N], one_action[JD_ENV_ACTION], one_reward;
        uint8_t end[N], late[N], one_end, one_late;
        double kept[JD_ENV_STATE + 2], now[JD_ENV_STATE + 2], then[JD_ENV_STATE + 2];
        for (size_t i = 0; i < N; i++) assert_int_equal(jd_env_reset(a, i, 100 + i, obs + i * O), JD_OK);
        for (int t = 0; t < 3; t++) {
            act(a, obs, N, action);
            jd_env_step(a, action, obs, reward, end, late);
        }
        assert_int_equal(jd_env_snapshot(a, N - 1, kept), JD_OK);
        assert_int_equal(jd_env_restore(b, 0, kept), JD_OK);
        memcpy(alone, obs + (N - 1) * O, O * sizeof *alone);
        for (int t = 0; t < STEPS; t++) {
            act(a, obs, N, action);
            act(b, alone, 1, one_action);
            jd_env_step(a, action, obs, reward, end, late);
            jd_env_step(b, one_action, alone, &one_reward, &one_end, &one_late);
            assert_memory_equal(alone, obs + (N - 1) * O, O * sizeof *alone);
            assert_true(one_reward == reward[N - 1] && one_end == end[N - 1] && one_late == late[N - 1]);
        }
        jd_env_snapshot(a, N - 1, now);
        jd_env_snapshot(b, 0, then);
        assert_memory_equal(now, then, (size_t)jd_env_snapshot_size(a) * sizeof *now);
        jd_env_free(a);
        jd_env_free(b);
        jd_ctx_free(ctx);
    }
}

static void episodes_end_and_stay_ended(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "double-pole-no-velocity", &(jd_env_options){.count = 3, .time_limit = 30});
    float action[3] = {0, 0, 0}, obs[9], reward[3];
    uint8_t end[3], late[3];
    double before[6], after[6];
    jd_env_step(e, action, obs, reward, end, late); /* never reset: over from the start */
    assert_true(end[0] && end[1] && end[2] && reward[0] == 0);
    const double upright[6] = {0};
    jd_env_reset(e, 0, 0, NULL);
    assert_int_equal(jd_env_set_state(e, 1, upright), JD_OK);
    jd_env_reset(e, 2, 0, obs);
    assert_true(fabs((double)obs[1] - 4.5 * 3.14159265358979 / 180 / .628) < 1e-6 && obs[0] == 0 && obs[2] == 0);
    double earned[3] = {0};
    for (int t = 0; t < 40; t++) {
        if (t == 35) jd_env_get_state(e, 0, before);
        jd_env_step(e, action, obs, reward, end, late);
        for (int i = 0; i < 3; i++) earned[i] += (double)reward[i];
    }
    jd_env_get_state(e, 0, after);
    assert_memory_equal(before, after, sizeof before);
    assert_true(end[0] && !late[0] && earned[0] > 15 && earned[0] < 30);
    assert_true(late[1] && !end[1] && earned[1] == 30);
    assert_true(earned[2] == earned[0]);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

/* Walks the corridor; at the junction goes where told. */
static double walk(jd_env *e, uint64_t seed, float turn, bool *north)
{
    float obs[3], reward, action = 1;
    uint8_t end = 0, late = 0;
    double earned = 0;
    jd_env_reset(e, 0, seed, obs);
    *north = obs[0] == 0;
    assert_true(obs[1] == 1 && obs[0] + obs[2] == 1);
    for (int t = 0; !end && !late; t++) {
        jd_env_step(e, &action, obs, &reward, &end, &late);
        earned += (double)reward;
        if (t < 8) assert_true(obs[0] == 1 && obs[1] == 0 && obs[2] == 1);
        if (t == 9) assert_true(obs[0] == 0 && obs[1] == 1 && obs[2] == 0);
        action = t >= 9 ? turn : 1;
    }
    return earned;
}

static void the_maze_pays_at_the_right_end(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "t-maze", NULL), *noisy = jd_env_new(ctx, "t-maze", &(jd_env_options){.noise = true});
    int norths = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        bool north, again;
        const double up = walk(e, seed, 0, &north), down = walk(e, seed, 2, &again);
        assert_true(north == again);
        assert_true(fabs(up - (north ? 4 : -.1)) < 1e-6 && fabs(down - (north ? -.1 : 4)) < 1e-6);
        norths += north;
    }
    assert_true(norths > 70 && norths < 130);
    bool north;
    assert_int_equal(jd_env_time_limit(e), 150);
    /* 10 steps, then it bumps into the junction's east wall until the time is up. */
    assert_true(fabs(walk(e, 1, 1, &north) - -.1 * 140) < 1e-4);
    float obs[3], reward, east = 1, first[3];
    uint8_t end, late;
    jd_env_reset(noisy, 0, 7, obs);
    jd_env_step(noisy, &east, first, &reward, &end, &late);
    assert_true(first[0] > 0 && first[0] < 1 && first[2] > 0 && first[2] < 1 && first[1] == 0);
    jd_env_step(noisy, &east, obs, &reward, &end, &late);
    assert_true(obs[0] != first[0]);
    jd_env_reset(noisy, 0, 7, NULL);
    jd_env_step(noisy, &east, obs, &reward, &end, &late);
    assert_memory_equal(obs, first, sizeof obs);
    jd_env_free(e);
    jd_env_free(noisy);
    jd_ctx_free(ctx);
}

static void the_swing_starts_below(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_env *e = jd_env_new(ctx, "swing-up", NULL);
    float obs[5], reward, none = 0;
    uint8_t end, late;
    double s[4], other[4];
    jd_env_reset(e, 0, 1, obs);
    jd_env_get_state(e, 0, s);
    assert_true(fabs(s[T1] - 3.14159265358979) <= .05 && obs[3] < -.99f);
    assert_true(fabs((double)obs[2] - sin(s[T1])) < 1e-6);
    jd_env_reset(e, 0, 2, obs);
    jd_env_get_state(e, 0, other);
    assert_true(s[T1] != other[T1]);
    jd_env_step(e, &none, obs, &reward, &end, &late);
    assert_true(reward >= 0 && reward < .01f && !end);
    const double up[4] = {0};
    jd_env_set_state(e, 0, up);
    jd_env_step(e, &none, obs, &reward, &end, &late);
    assert_true(reward == 1);
    const double gone[4] = {2.39, 10, 0, 0};
    jd_env_set_state(e, 0, gone);
    jd_env_step(e, &none, obs, &reward, &end, &late);
    assert_true(end && reward == 0);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void pictures_show_the_state(void **state)
{
    (void)state;
    enum { W = 120, H = 80 };
    static uint8_t a[H][W][3], b[H][W][3];
    for (int kind = 0; jd_env_name(kind); kind++) {
        if (outside(kind)) continue;
        jd_ctx *ctx = context(1);
        jd_env *e = jd_env_new(ctx, jd_env_name(kind), NULL);
        static float obs[JD_ENV_OBSERVATION];
        float action[JD_ENV_ACTION], reward;
        for (int k = 0; k < JD_ENV_ACTION; k++) action[k] = jd_env_action(e).choices ? 1 : k % 3 ? 0 : .8f;
        uint8_t end, late;
        jd_env_reset(e, 0, 3, obs);
        assert_int_equal(jd_env_render(e, 0, &a[0][0][0], W, H), JD_OK);
        for (int t = 0; t < 5; t++) jd_env_step(e, action, obs, &reward, &end, &late);
        jd_env_render(e, 0, &b[0][0][0], W, H);
        int differ = 0, dark = 0;
        for (int i = 0; i < W * H; i++) {
            differ += memcmp(&a[0][0][0] + 3 * i, &b[0][0][0] + 3 * i, 3) != 0;
            dark += a[i / W][i % W][0] < 128;
        }
        assert_true(differ > 20 && dark > 20 && dark < W * H / 2);
        assert_int_equal(jd_env_render(e, 0, &a[0][0][0], 8, 8), JD_EUSAGE);
        jd_env_free(e);
        jd_ctx_free(ctx);
    }
}

static void expect(jd_ctx *ctx, bool refused)
{
    assert_true(refused);
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
}

static void wrong_input_is_refused(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    assert_null(jd_env_new(ctx, "double-poles", NULL));
    assert_non_null(strstr(jd_error_message(ctx), "did you mean \"double-pole\""));
    jd_error_clear(ctx);
    expect(ctx, !jd_env_new(ctx, "t-maze", &(jd_env_options){.length = -1}));
    expect(ctx, !jd_env_new(ctx, "t-maze", &(jd_env_options){.length = 1 << 30}));
    expect(ctx, !jd_env_new(ctx, "octopus-arm", &(jd_env_options){.target = {(double)NAN, 1}}));
    expect(ctx, !jd_env_new(ctx, "swing-up", &(jd_env_options){.time_limit = -5}));
    jd_env *e = jd_env_new(ctx, "t-maze", NULL), *p = jd_env_new(ctx, "double-pole", NULL);
    const double outside[4] = {11, 0, 0, 0}, half[4] = {.5, 0, 0, 0}, bad[6] = {(double)NAN};
    expect(ctx, jd_env_reset(e, 1, 0, NULL) != JD_OK);
    expect(ctx, jd_env_set_state(e, 0, outside) != JD_OK);
    expect(ctx, jd_env_set_state(e, 0, half) != JD_OK);
    expect(ctx, jd_env_set_state(p, 0, bad) != JD_OK);
    const double late[8] = {-1}, ended[8] = {0, 3}, broken[8] = {0, 0, (double)INFINITY};
    expect(ctx, jd_env_restore(p, 0, late) != JD_OK);
    expect(ctx, jd_env_restore(p, 0, ended) != JD_OK);
    expect(ctx, jd_env_restore(p, 0, broken) != JD_OK);
    /* An action that is no number is 0; one out of range is clipped. */
    const float actions[4] = {NAN, 0, 7, 1};
    double s[4][6];
    for (int i = 0; i < 4; i++) {
        float obs[6], reward;
        uint8_t end, over;
        jd_env_reset(p, 0, 0, NULL);
        jd_env_step(p, &actions[i], obs, &reward, &end, &over);
        jd_env_get_state(p, 0, s[i]);
    }
    assert_memory_equal(s[0], s[1], sizeof s[0]);
    assert_memory_equal(s[2], s[3], sizeof s[0]);
    assert_true(s[3][V] > .15);
    jd_env_free(e);
    jd_env_free(p);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_pole_matches_known_trajectories),
        cmocka_unit_test(cart_pole_matches_a_known_trajectory),
        cmocka_unit_test(adding_pays_for_the_sum),
        cmocka_unit_test(the_door_opens_to_its_key),
        cmocka_unit_test(energy_is_conserved),
        cmocka_unit_test(the_integrator_is_of_fourth_order),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
        cmocka_unit_test(snapshots_go_on_bit_for_bit),
        cmocka_unit_test(episodes_end_and_stay_ended),
        cmocka_unit_test(the_maze_pays_at_the_right_end),
        cmocka_unit_test(the_swing_starts_below),
        cmocka_unit_test(pictures_show_the_state),
        cmocka_unit_test(wrong_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
