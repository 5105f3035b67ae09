/*
 * test_robot_plan.c - the net iterated in a plan: one step in the graph is what the net says of the recording; the gradient
 * of a plan's cost by its commands against differences.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/least_squares.c"
#include "../systems/robocup_plan.c"
#include "../systems/robocup_predict.c"
#include "../systems/robot.c"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g, not %.9g +- %.1g", a, b, tolerance);
}

static void one_step(jd_graph *g, void *user)
{
    const jd_node p = jd_arg(g, "poses"); /* (1,4,6) */
    jd_node v[4];
    for (int i = 0; i < 4; i++) v[i] = jd_reshape(g, jd_slice(g, p, 1, i, 1), JD_DIMS(1, RB_HISTORY));
    const track t = on(g, user, (track){v[0], v[1], v[2], v[3]}, jd_arg(g, "sent"));
    jd_result(g, "x", newest(g, t.x));
    jd_result(g, "y", newest(g, t.y));
    jd_result(g, "s", newest(g, t.s));
    jd_result(g, "c", newest(g, t.c));
    jd_result(g, "before", t.x);
}

static void test_step(void **state)
{
    (void)state;
    enum { N = 120 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 4});
    rb_recording d;
    rc_lab lab = {.delay = 1};
    rc_net *n = &lab.net[RC_NET];
    *n = (rc_net){.kind = RC_NET, .name = "n", .units = 10, .params = jd_params_new(ctx, JD_F32)};
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    jd_fn *f = jd_fn_new(ctx, n->params, one_step, n);
    assert_int_equal(rb_recording_new(ctx, N, &d), JD_OK);
    rb_wander(&d, 3, "test", RB_FRICTION, RB_DELAY);
    for (int k = 20; k < N; k += 7) {
        float poses[4][RB_HISTORY], sent[RB_HISTORY][3];
        for (int j = 0; j < RB_HISTORY; j++) {
            const rb_pose q = d.seen[k - 1 - j];
            const rb_command *c = &d.sent[k - 1 - j];
            poses[0][j] = (float)q.x, poses[1][j] = (float)q.y, poses[2][j] = (float)sin(q.phi),
            poses[3][j] = (float)cos(q.phi);
            sent[j][0] = (float)c->vx, sent[j][1] = (float)c->vy, sent[j][2] = (float)(c->omega / 3);
        }
        const rb_pose said = net_says(&lab, n, &d, k);
        const jd_tensor in[] = {JD_TENSOR("poses", JD_F32, poses, 1, 4, RB_HISTORY),
                                JD_TENSOR("sent", JD_F32, sent, 1, RB_HISTORY, 3)};
        assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
        near(jd_fn_scalar(f, "x"), said.x, 2e-6);
        near(jd_fn_scalar(f, "y"), said.y, 2e-6);
        near(rb_angle(atan2(jd_fn_scalar(f, "s"), jd_fn_scalar(f, "c")) - said.phi), 0, 1e-5);
        const float *before = jd_fn_result(f, "before", NULL);
        for (int j = 1; j < RB_HISTORY; j++) assert_true(before[j] == poses[0][j - 1]);
    }
    jd_fn_free(f);
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    rb_recording_free(&d);
    jd_ctx_free(ctx);
}

/* In float64, through 28 steps of the net. */
static void test_gradient(void **state)
{
    (void)state;
    enum { B = 2, T = STEPS + RB_HISTORY - 1 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 4});
    rc_net n = {.kind = RC_NET, .name = "n", .units = 10, .params = jd_params_new(ctx, JD_F64)};
    jd_fn *f = jd_fn_new(ctx, n.params, trace, &n);
    jd_rng r = jd_rng_new(5, "test", 0);
    static double commands[B][T][3], poses[B][4][RB_HISTORY], others[RK_AHEAD][2][RK_OTHERS], gradient[B * T * 3];
    const double goal[2] = {1, .2}, small = 1e-6;
    for (int i = 0; i < B * T * 3; i++) (&commands[0][0][0])[i] = jd_rng_normal(&r);
    for (int i = 0; i < RK_AHEAD * 2 * RK_OTHERS; i++) (&others[0][0][0])[i] = .3 * jd_rng_normal(&r);
    for (int b = 0; b < B; b++)
        for (int j = 0; j < RB_HISTORY; j++) {
            poses[b][0][j] = -.02 * j, poses[b][1][j] = .01 * j * j, poses[b][2][j] = sin(.1 * j),
            poses[b][3][j] = cos(.1 * j);
        }
    const jd_tensor in[] = {JD_TENSOR("commands", JD_F64, commands, B, T, 3),
                            JD_TENSOR("poses", JD_F64, poses, B, 4, RB_HISTORY), JD_TENSOR("goal", JD_F64, goal, 1, 2),
                            JD_TENSOR("others", JD_F64, others, RK_AHEAD, 2, RK_OTHERS)};
    assert_int_equal(jd_fn_run(f, in, 4), JD_OK);
    memcpy(gradient, jd_fn_result(f, "gradient", NULL), sizeof gradient);
    for (int i = 0; i < B * T * 3; i += 5) {
        double *x = &(&commands[0][0][0])[i], sum[2] = {0};
        for (int side = 0; side < 2; side++) {
            *x += side ? -2 * small : small;
            assert_int_equal(jd_fn_run(f, in, 4), JD_OK);
            const double *cost = jd_fn_result(f, "cost", NULL);
            for (int b = 0; b < B; b++) sum[side] += cost[b];
        }
        *x += small;
        near((sum[0] - sum[1]) / (2 * small), gradient[i], 1e-6 * fmax(1, fabs(gradient[i])));
    }
    jd_fn_free(f);
    jd_params_free(n.params);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_step), cmocka_unit_test(test_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
