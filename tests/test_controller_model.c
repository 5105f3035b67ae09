/*
 * test_controller_model.c - the gradient for C through M, the three worlds step by step, and plans that get better.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../systems/controller_net.c"
#include "../systems/controller_play.c"
#include "../systems/controller_worlds.c"

static void the_gradient_through_M_is_right(void **state)
{
    (void)state;
    static const cm_options o[] = {{.task = CM_FLIPFLOP, .controller = 5, .model = 7},
                                   {.task = CM_POLE, .controller = 6, .model = 5},
                                   {.task = CM_MAZE, .controller = 5, .model = 4, .lstm = true, .soft = true},
                                   {.task = CM_MAZE, .controller = 5, .model = 4, .soft = true}};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.seed = 3, .threads = 1});
    for (size_t i = 0; i < sizeof o / sizeof *o; i++) {
        const double off = cm_check(ctx, &o[i]);
        assert_true(off > 0 && off <= 1e-6);
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_ctx_free(ctx);
}

/* M's weights are constants where C learns: they stay, C's change. */
static void learning_C_leaves_M_alone(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.seed = 3, .threads = 1});
    cm_pair p;
    const cm_options o = {.task = CM_POLE, .controller = 4, .model = 4};
    assert_int_equal(cm_pair_new(ctx, &p, &o, JD_F32), JD_OK);
    const size_t M = jd_params_count(p.model), C = jd_params_count(p.controller);
    assert_int_equal(M, 4 * 3 + 16 + 4 + 8 + 2);
    assert_int_equal(C, 4 * 2 + 16 + 4 + 4 + 1);
    float before[64], c_before[64];
    memcpy(before, jd_params_data(p.model), M * sizeof *before);
    memcpy(c_before, jd_params_data(p.controller), C * sizeof *c_before);
    const float x[2] = {.1f, .2f}, h[4] = {0}, noise[5] = {0};
    const double first = cm_improve(&p, x, 1, h, h, noise, 5, 1, .01, 0, NULL, NULL);
    assert_memory_equal(before, jd_params_data(p.model), M * sizeof *before);
    assert_memory_not_equal(c_before, jd_params_data(p.controller), C * sizeof *c_before);
    for (int k = 0; k < 50; k++) cm_improve(&p, x, 1, h, h, noise, 5, 1, .01, 0, NULL, NULL);
    assert_true(cm_improve(&p, x, 1, h, h, noise, 5, 1, 0, 0, NULL, NULL) < first);
    cm_pair_free(&p);
    jd_ctx_free(ctx);
}

static void plans_get_better_each_by_itself(void **state)
{
    (void)state;
    enum { H = 12, B = 3 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.seed = 5, .threads = 1});
    cm_pair p;
    const cm_options o = {.task = CM_POLE, .controller = 4, .model = 8};
    assert_int_equal(cm_pair_new(ctx, &p, &o, JD_F32), JD_OK);
    const float x[B * 2] = {.1f, .2f, -.3f, .1f, .5f, -.6f}, h[B * 8] = {0};
    float u[H * B] = {0}, one[H] = {0};
    const double idle = cm_plan(&p, x, h, u, H, B, 0, .5), planned = cm_plan(&p, x, h, u, H, B, 30, .5);
    assert_true(planned < idle && isfinite(planned));
    cm_plan(&p, x + 2, h, one, H, 1, 30, .5); /* the second row alone: the same plan */
    for (int t = 0; t < H; t++) assert_true(one[t] == u[t * B + 1]);
    cm_pair_free(&p);
    jd_ctx_free(ctx);
}

static void the_pole_obeys_its_equations(void **state)
{
    (void)state;
    cm_world w;
    float x[2], o[2], a[1] = {.5f};
    cm_begin(&w, CM_POLE, 1, "test", 0, x);
    for (int k = 0; k < 4; k++) assert_true(fabs(w.s[k]) <= .05);
    w.s[0] = 0, w.s[1] = 1, w.s[2] = .1, w.s[3] = -.5;
    cm_step(&w, a, x, o); /* the same by hand */
    const double l = .5, mp = .1, M = 1.1, F = 5, sn = sin(.1), cs = cos(.1);
    const double turn = (9.8 * sn - cs * (F + mp * l * .25 * sn) / M) / (l * (4. / 3 - mp * cs * cs / M));
    const double pull = (F + mp * l * (.25 * sn - turn * cs)) / M;
    assert_true(fabs(w.s[0] - .02) < 1e-12 && fabs(w.s[1] - 1 - .02 * pull) < 1e-12);
    assert_true(fabs(w.s[2] - .09) < 1e-12 && fabs(w.s[3] + .5 - .02 * turn) < 1e-12);
    assert_true(fabs(x[0] - .02 / 2.4) < 1e-7 && fabs(o[0] - 120 * .02 / 2.4) < 1e-6);
    w.s[2] = .25;
    cm_step(&w, a, x, o);
    assert_true(w.over);
}

static void the_flag_decides_which_end_is_good(void **state)
{
    (void)state;
    for (uint64_t flag = 0; flag < 2; flag++)
        for (int side = 0; side < 2; side++) {
            cm_world w;
            float x[CM_SEEN], o[CM_TOLD];
            const float east[4] = {0, 1, 0, 0}, end[4] = {side ? 0 : 1, 0, side ? 1 : 0, 0};
            cm_begin(&w, CM_MAZE, 1, "test", flag, x);
            assert_true(x[4] == (flag ? -1 : 1) && x[3] == 1);
            cm_step(&w, end, x, o); /* a wall */
            assert_true(!w.over && x[4] == 0 && x[0] == 1 && o[CM_SEEN] == -.05f);
            for (int k = 0; k < CM_CORRIDOR; k++) cm_step(&w, east, x, o);
            assert_true(x[0] == 0 && x[1] == 1 && x[2] == 0);
            cm_step(&w, end, x, o);
            assert_true(w.over && o[CM_SEEN] == ((int)flag == side ? 2 : -2));
            cm_step(&w, east, x, o);
            assert_true(o[CM_SEEN] == 0 && x[0] == 0 && x[1] == 0);
        }
}

static void the_flip_flop_wants_what_the_last_event_said(void **state)
{
    (void)state;
    cm_world w;
    float x[CM_SEEN], o[1];
    int count[3] = {0};
    double wanted = 0;
    cm_begin(&w, CM_FLIPFLOP, 7, "test", 0, x);
    for (int t = 0; t < 4000; t++) {
        assert_true(x[0] + x[1] + x[2] <= 1 && x[3] == 1);
        for (int k = 0; k < 3; k++) count[k] += x[k] > 0;
        wanted = x[0] > 0 ? 0 : x[1] > 0 ? 1 : wanted;
        const float y[1] = {.25f};
        cm_step(&w, y, x, o);
        assert_true(fabs(o[0] - (wanted > 0 ? .5625 : .0625)) < 1e-6 && fabsf(x[4] - o[0]) < 1e-6f);
    }
    assert_true(abs(count[0] - 400) < 70 && abs(count[1] - 600) < 90 && abs(count[2] - 1000) < 110);
}

static void episodes_go_into_the_pool_whole(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.seed = 3, .threads = 1});
    cm_pair p;
    cm_play e;
    cm_pool pool = {0};
    const cm_options o = {.task = CM_POLE, .controller = 4, .model = 4};
    cm_pair_new(ctx, &p, &o, JD_F32);
    cm_play_new(ctx, &e, &p, 150, 4);
    cm_play_run(&p, &e, CM_RANDOM, 1, "test", 0);
    int64_t steps = 0;
    for (int b = 0; b < 4; b++) steps += e.length[b];
    assert_true(steps > 40 && steps < 600);
    for (int k = 0; k < 3; k++) assert_int_equal(cm_pool_add(&p, &pool, &e), JD_OK);
    assert_true(pool.steps == 3 * steps && pool.episodes == 12 && pool.end[11] == pool.steps);
    for (int64_t t = 0; t + 1 < e.length[0]; t++) /* what M is to say is what comes */
        assert_true(fabsf(e.x[(t + 1) * 8 + 1] - e.x[t * 8 + 1] - e.o[t * 8 + 1] / CM_CHANGE[1]) < 1e-5f);
    const double before = cm_pool_fit(&p, &pool, 1, 20, 8, .01, 1, 0),
                 after = cm_pool_fit(&p, &pool, 200, 20, 8, .01, 1, 1);
    assert_true(after < before);
    cm_pool_free(ctx, &pool);
    cm_play_free(ctx, &e);
    cm_pair_free(&p);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_gradient_through_M_is_right),
                                       cmocka_unit_test(learning_C_leaves_M_alone),
                                       cmocka_unit_test(plans_get_better_each_by_itself),
                                       cmocka_unit_test(the_pole_obeys_its_equations),
                                       cmocka_unit_test(the_flag_decides_which_end_is_good),
                                       cmocka_unit_test(the_flip_flop_wants_what_the_last_event_said),
                                       cmocka_unit_test(episodes_go_into_the_pool_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
