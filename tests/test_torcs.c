/*
 * test_torcs.c - the race simulator as an environment: what its camera sees, how episodes end, and what happens when the
 * simulator is missing, dies or falls silent.  What needs TORCS is skipped, with a message, where it is not installed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "env/env.h"
#include "env/torcs.h"
#include "tmpdir.h"

enum { TIME, X, Y, Z, ROLL, PITCH, YAW, FORWARD, LEFTWARD, TO_MIDDLE, WIDTH, HEADING, RACED, AT, STATE = 20 };

/* The head of struct race in torcs.c. */
typedef struct race {
    torcs_server server;
    torcs_car *car;
} race;

static jd_env *open_env(jd_ctx *ctx, const jd_env_options *o)
{
    jd_env *e = jd_env_new(ctx, "torcs", o);
    if (!e && jd_error(ctx) == JD_EABSENT) {
        print_message("skipped: %s\n", jd_error_message(ctx));
        jd_ctx_free(ctx);
        skip();
    }
    assert_non_null(e);
    return e;
}

/* ---- the camera ----------------------------------------------------------------------------------------------------------*/

/* A ring road of radius 100 m, driven counter-clockwise, 12 m wide. */
static torcs_road ring(torcs_section *s, int n)
{
    const float r = 100;
    for (int i = 0; i < n; i++) {
        const float a = 2 * 3.14159265f * (float)i / (float)n, c = cosf(a), d = sinf(a);
        s[i] = (torcs_section){
            r * 2 * 3.14159265f * (float)i / (float)n, {(r - 6) * c, (r - 6) * d, 2}, {(r + 6) * c, (r + 6) * d, 2}};
    }
    return (torcs_road){.sections = n, .length = r * 2 * 3.14159265f, .width = 12, .section = s};
}

static bool is_road(const uint8_t *p)
{
    return p[0] == p[1] && p[1] == p[2];
}

/* Where the road's pixels of a row lie on the average, from -1 (left border) to 1; 2 when there are none. */
static double mean_column(const uint8_t *rgb, int side, int row)
{
    double sum = 0;
    int n = 0;
    for (int j = 0; j < side; j++)
        if (is_road(rgb + 3 * (row * side + j))) sum += 2 * (j + .5) / side - 1, n++;
    return n ? sum / n : 2;
}

static void the_road_lies_where_it_should(void **state)
{
    (void)state;
    static torcs_section s[160];
    const torcs_road road = ring(s, 160);
    static uint8_t rgb[3 * 64 * 64];
    jd_rng r = jd_rng_new(1, "test/camera", 0);
    for (int k = 0; k < 1000; k++) {
        const double at = jd_rng_uniform64(&r), a = 2 * 3.14159265358979 * at, side = 2 + 3 * jd_rng_uniform64(&r);
        const double off = jd_rng_u32(&r) & 1 ? side : -side; /* to the left: towards the centre */
        const torcs_pose pose = {.x = (100 - off) * cos(a),
                                 .y = (100 - off) * sin(a),
                                 .z = 2.3,
                                 .yaw = a + 3.14159265358979 / 2,
                                 .at = at * (double)road.length};
        jd__torcs_look(&road, &pose, rgb, 64, 64);
        const double column = mean_column(rgb, 64, 32);
        assert_true(off > 0 ? column > .05 && column < 2 : column < -.05);
        for (int i = 0; i < 19; i++) /* nothing of the road above the horizon */
            for (int j = 0; j < 64; j++) assert_false(is_road(rgb + 3 * (i * 64 + j)));
        if (off > 0) assert_true(mean_column(rgb, 64, 25) < mean_column(rgb, 64, 32)); /* it bends to the left */
    }
}

/* A car turned to the left sees the road to the right; the same place, pitched down, sees the horizon higher. */
static void angles_have_the_right_sign(void **state)
{
    (void)state;
    static torcs_section s[160];
    const torcs_road road = ring(s, 160);
    static uint8_t rgb[3 * 64 * 64];
    torcs_pose pose = {.x = 100, .z = 2.3, .yaw = 3.14159265358979 / 2 + .3};
    jd__torcs_look(&road, &pose, rgb, 64, 64);
    assert_true(mean_column(rgb, 64, 32) > .2 && mean_column(rgb, 64, 32) < 2);
    pose.yaw -= .3;
    pose.pitch = .15;
    jd__torcs_look(&road, &pose, rgb, 64, 64);
    assert_true(mean_column(rgb, 64, 17) < 2);
    pose.pitch = 0;
    pose.roll = .3; /* the right side goes down: the right of the picture shows ground */
    jd__torcs_look(&road, &pose, rgb, 64, 64);
    const uint8_t *left = rgb + 3 * (25 * 64 + 1), *right = rgb + 3 * (16 * 64 + 62);
    assert_true(left[2] > 200 && right[2] < 150);
}

/* ---- without the simulator -----------------------------------------------------------------------------------------------*/

static void fails(jd_ctx *ctx, const jd_env_options *o, jd_status status, const char *word)
{
    assert_null(jd_env_new(ctx, "torcs", o));
    if (jd_error(ctx) != status || !strstr(jd_error_message(ctx), word))
        fail_msg("%d: %s", jd_error(ctx), jd_error_message(ctx));
    jd_error_clear(ctx);
}

/* The environment variable becomes `value` (NULL: goes); put_back undoes the last change of it. */
static char *kept_value;

static void put(const char *name, const char *value)
{
    const char *old = getenv(name);
    kept_value = old ? strdup(old) : NULL;
    setenv(name, value, 1);
}

static void put_back(const char *name)
{
    if (kept_value)
        setenv(name, kept_value, 1);
    else
        unsetenv(name);
    free(kept_value);
    kept_value = NULL;
}

static void fake(const char *script)
{
    const char *dir = tmpdir_file("fake");
    char path[300];
    mkdir(dir, 0700);
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/%s", dir, k ? "modules/simu" : "modules");
        mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/modules/simu/simuv2.so", dir);
    tmpdir_write(path, "", 0);
    snprintf(path, sizeof path, "%s/torcs-bin", dir);
    tmpdir_write(path, script, strlen(script));
    chmod(path, 0700);
    put("JACKDAW_TORCS", dir);
}

static void a_missing_simulator_says_how_to_get_it(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    put("JACKDAW_TORCS", "/nowhere");
    fails(ctx, NULL, JD_EABSENT, "apt-get install torcs");
    put_back("JACKDAW_TORCS");
    jd_ctx_free(ctx);
}

static int entries(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void options_are_checked(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    fails(ctx, &(jd_env_options){.picture = 8}, JD_EUSAGE, "16 to 256");
    fails(ctx, &(jd_env_options){.period = .03}, JD_EUSAGE, "multiple of 0.02");
    fails(ctx, &(jd_env_options){.period = (double)NAN, .picture = 300}, JD_EUSAGE, "16 to 256");
    fails(ctx, &(jd_env_options){.count = 5000}, JD_EUSAGE, "at most 256");
    fails(ctx, &(jd_env_options){.time_limit = INT64_MAX}, JD_EUSAGE, "time limit");
    jd_ctx_free(ctx);
}

static void a_simulator_that_does_not_start_is_an_error(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_env_free(open_env(ctx, NULL));
    char *const old = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    setenv("TMPDIR", tmpdir_path, 1);
    fake("#!/bin/sh\necho no wheels today\nexit 3\n");
    const int before = entries(tmpdir_path);
    fails(ctx, NULL, JD_EIO, "no wheels today");
    put_back("JACKDAW_TORCS");
    fake("#!/bin/sh\nexec sleep 100\n");
    torcs_server s = {.ctx = ctx, .track = "forza", .patience = .3};
    assert_int_equal(jd__torcs_start(&s), JD_EIO);
    assert_int_equal(s.pid, 0);
    jd_error_clear(ctx);
    assert_int_equal(entries(tmpdir_path), before);
    put_back("JACKDAW_TORCS");
    fails(ctx, &(jd_env_options){.track = "no-such-track"}, JD_EUSAGE, "no-such-track");
    fails(ctx, &(jd_env_options){.track = "../road/forza"}, JD_EUSAGE, "no track");
    jd_env_free(open_env(ctx, NULL));
    assert_int_equal(entries(tmpdir_path), before);
    if (old)
        setenv("TMPDIR", old, 1);
    else
        unsetenv("TMPDIR");
    free(old);
    jd_ctx_free(ctx);
}

/* ---- with it -------------------------------------------------------------------------------------------------------------*/

/* Steers towards the middle of the road at a constant speed. */
static void follow(const double *s, double speed, float *action)
{
    action[0] = (float)((-s[HEADING] - s[TO_MIDDLE] / s[WIDTH]) / .366);
    action[1] = s[FORWARD] < speed ? .5f : 0;
    action[2] = 0;
}

/* The lap time that a driver of the same rule reached when it was written against the simulator's own headers. */
static void a_lap_takes_the_known_time(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_env *e = open_env(ctx, &(jd_env_options){.track = "forza", .period = .02, .picture = 16, .time_limit = 25000});
    float obs[3 * 16 * 16], action[3], reward;
    uint8_t end = 0, late = 0;
    double s[STATE], before, lap = 0, off = 0, earned = 0;
    assert_int_equal(jd_env_state_size(e), STATE);
    jd_env_reset(e, 0, 0, obs);
    jd_env_get_state(e, 0, s);
    const double start = s[RACED], began = jd_now();
    do {
        if (jd_now() - began >
            60) { /* 19,500 questions and answers: a second on a machine that has nothing else to do */
            print_message("skipped: the machine is too busy for a lap, %.0f m in a minute\n", s[RACED]);
            jd_env_free(e);
            jd_ctx_free(ctx);
            skip();
        }
        before = s[AT];
        follow(s, 15, action);
        assert_int_equal(jd_env_step(e, action, obs, &reward, &end, &late), JD_OK);
        jd_env_get_state(e, 0, s);
        earned += (double)reward;
        if (fabs(s[TO_MIDDLE]) > off) off = fabs(s[TO_MIDDLE]);
        if (s[AT] < before - 1000 && s[RACED] > 1000) lap = s[TIME];
    } while (!end && !late && lap == 0);
    assert_true(fabs(lap - 389.53) < .05);
    assert_true(off < 2.5); /* it starts at the side of the road */
    assert_true(fabs(earned - (s[RACED] - start)) < .5);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void episodes_repeat_bit_for_bit(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2});
    jd_env *e = open_env(ctx, &(jd_env_options){.count = 2, .time_limit = 60});
    const int size = jd_env_snapshot_size(e), n = jd_env_observation(e).size;
    assert_int_equal(n, 64 * 64 * 3);
    float *obs = calloc((size_t)(2 * n), sizeof *obs), action[6], did[60][3], reward[2];
    double *snap = calloc((size_t)size, sizeof *snap), s[STATE], was[60][STATE], other[STATE];
    uint8_t end[2], late[2];
    jd_env_reset(e, 0, 0, obs);
    jd_env_reset(e, 1, 7, obs + n);
    for (int t = 0; t < 60; t++) {
        if (t == 25) jd_env_snapshot(e, 0, snap);
        if (t == 40) assert_int_equal(jd_env_restore(e, 1, snap), JD_OK);
        jd_env_get_state(e, 0, s);
        follow(s, 30, did[t]);
        if (t == 24) did[t][0] = (float)NAN, did[t][1] = 1e30f;
        const int as = t < 40 ? t : t - 15; /* copy 1 does it again from step 25 on */
        memcpy(action, did[t], sizeof did[t]);
        memcpy(action + 3, did[as], sizeof did[as]);
        assert_int_equal(jd_env_step(e, action, obs, reward, end, late), JD_OK);
        jd_env_get_state(e, 0, was[t]);
        jd_env_get_state(e, 1, other);
        assert_memory_equal(was[as], other, sizeof other);
        if (as == t) assert_memory_equal(obs, obs + n, (size_t)n * sizeof *obs);
        for (int k = 0; k < 2 * n; k++) assert_true(obs[k] >= 0 && obs[k] <= 1);
    }
    assert_true(s[RACED] > 20);
    assert_true(late[0] && !late[1]);
    snap[2 + RACED] += 1e-9;
    assert_int_equal(jd_env_restore(e, 1, snap), JD_EDATA);
    jd_error_clear(ctx);
    assert_int_equal(jd_env_set_state(e, 0, s), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_env_lost(e, NULL), 0);
    free(obs);
    free(snap);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void a_car_that_stands_or_leaves_the_road_ends(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_env *e = open_env(ctx, &(jd_env_options){.count = 2});
    float *obs = calloc(2 * 64 * 64 * 3, sizeof *obs), reward[2];
    const float action[6] = {0, 0, 1, .5f, 1, 0};
    uint8_t end[2] = {0}, late[2];
    int over[2] = {0};
    for (size_t i = 0; i < 2; i++) jd_env_reset(e, i, 0, NULL);
    for (int t = 1; t < 100 && !(over[0] && over[1]); t++) {
        jd_env_step(e, action, obs, reward, end, late);
        for (int i = 0; i < 2; i++)
            if (end[i] && !over[i]) over[i] = t;
    }
    assert_in_range(over[0], 24, 28); /* 5 s */
    assert_in_range(over[1], 5, 60);
    jd_env_step(e, action, obs, reward, end, late);
    assert_true(end[0] && end[1] && reward[0] == 0 && reward[1] == 0);
    free(obs);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

static void a_lost_process_costs_one_episode(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_env *e = open_env(ctx, &(jd_env_options){.count = 3});
    race *r = e->outside;
    float *obs = calloc(3 * 64 * 64 * 3, sizeof *obs), reward[3];
    const float action[9] = {0, .5f, 0, 0, .5f, 0, 0, .5f, 0};
    uint8_t end[3], late[3];
    const char *why;
    for (size_t i = 0; i < 3; i++) assert_int_equal(jd_env_reset(e, i, 0, NULL), JD_OK);
    kill(r->car[1].pid, SIGKILL);
    assert_int_equal(jd_env_step(e, action, obs, reward, end, late), JD_OK);
    assert_true(!end[0] && end[1] && !end[2]);
    assert_int_equal(jd_env_lost(e, &why), 1);
    assert_non_null(strstr(why, "ended"));
    r->server.patience = .5;
    const pid_t silent = r->car[2].pid;
    kill(silent, SIGSTOP);
    assert_int_equal(jd_env_step(e, action, obs, reward, end, late), JD_OK);
    assert_true(!end[0] && end[2]);
    assert_int_equal(jd_env_lost(e, &why), 2);
    assert_non_null(strstr(why, "in time"));
    r->server.patience = 30;
    kill(r->server.pid, SIGKILL); /* the simulator itself: it is started anew */
    assert_int_equal(jd_env_reset(e, 1, 0, NULL), JD_OK);
    assert_int_equal(jd_env_reset(e, 2, 0, NULL), JD_OK);
    assert_int_equal(jd_env_step(e, action, obs, reward, end, late), JD_OK);
    assert_true(!end[0] && !end[1] && !end[2]);
    const pid_t server = r->server.pid;
    free(obs);
    jd_env_free(e);
    assert_int_equal(kill(server, 0), -1);
    jd_ctx_free(ctx);
}

/* On a real track, at random places: a car to the left of the middle sees more road on its right. */
static void real_tracks_are_seen_from_the_right_side(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_env *e = open_env(ctx, &(jd_env_options){.track = "wheel-1"});
    const torcs_road *road = &((race *)e->outside)->server.road;
    static uint8_t rgb[3 * 64 * 64];
    jd_rng r = jd_rng_new(2, "test/camera", 0);
    int right = 0;
    for (int k = 0; k < 1000; k++) {
        const int i = (int)jd_rng_below(&r, (uint32_t)road->sections), next = (i + 1) % road->sections;
        const torcs_section *a = &road->section[i], *b = &road->section[next];
        const double u = jd_rng_u32(&r) & 1 ? .2 : .8; /* from the left edge */
        double at[3], ahead[3];
        for (int m = 0; m < 3; m++) {
            at[m] = (double)a->left[m] + u * ((double)a->right[m] - (double)a->left[m]);
            ahead[m] = (double)b->left[m] + u * ((double)b->right[m] - (double)b->left[m]);
        }
        const double run = hypot(ahead[0] - at[0], ahead[1] - at[1]);
        const torcs_pose pose = {.x = at[0],
                                 .y = at[1],
                                 .z = at[2] + .35,
                                 .at = (double)a->at + .01,
                                 .yaw = atan2(ahead[1] - at[1], ahead[0] - at[0]),
                                 .pitch = -atan2(ahead[2] - at[2], run)};
        jd__torcs_look(road, &pose, rgb, 64, 64);
        const double column = mean_column(rgb, 64, 45);
        right += u < .5 ? column > 0 && column < 2 : column < 0;
    }
    assert_true(right >= 995);
    size_t n;
    double length;
    double *middle = jd_env_road(e, &n, &length);
    assert_int_equal(n, road->sections);
    assert_true(fabs(length - 4328.54) < .01 && fabs(middle[2] - 14) < .01);
    jd_free(ctx, middle);
    jd_env_free(e);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_road_lies_where_it_should),
        cmocka_unit_test(angles_have_the_right_sign),
        cmocka_unit_test(a_missing_simulator_says_how_to_get_it),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test_setup_teardown(a_simulator_that_does_not_start_is_an_error, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(a_lap_takes_the_known_time),
        cmocka_unit_test(episodes_repeat_bit_for_bit),
        cmocka_unit_test(a_car_that_stands_or_leaves_the_road_ends),
        cmocka_unit_test(a_lost_process_costs_one_episode),
        cmocka_unit_test(real_tracks_are_seen_from_the_right_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
