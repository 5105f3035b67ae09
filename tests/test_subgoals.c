/*
 * test_subgoals.c - the system subgoals: arenas, walking, the cost as a graph against the cost in plain C, and the gradient
 * through both evaluators against central differences.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/subgoals_arena.c"
#include "../systems/subgoals_nets.c"

#include "ctx.h"

enum { B = 3, MOST = 4000 };

static void arenas_are_blocked_but_start_and_goal_are_free(void **state)
{
    (void)state;
    for (int world = 0; world < SG_WORLDS; world++)
        for (uint64_t i = 0; i < 300; i++) {
            sg_arena a, again;
            const bool anywhere = i % 2;
            sg_arena_new(&a, (sg_world)world, 3, "test", i, anywhere);
            sg_arena_new(&again, (sg_world)world, 3, "test", i, anywhere);
            assert_memory_equal(&a, &again, sizeof a);
            for (int k = 0; k < sg_rule[world].discs; k++)
                for (int j = 0; j < k; j++) assert_true(distance(a.disc[k], a.disc[j]) >= 2 * SG_RADIUS);
            if (sg_rule[world].discs) {
                assert_true(a.disc[0][0] == a.disc[0][1]);
                assert_false(sg_hits(&a, a.start, a.start) || sg_hits(&a, a.goal, a.goal));
            }
            if (world != SG_WALLED && !anywhere) assert_true(sg_hits(&a, a.start, a.goal));
        }
    sg_arena a = {.world = SG_WALLED, .wall = {{2.5, 4}, {5, 5}, {7.5, 6}}};
    const double below[2] = {4, 1}, above[2] = {4.2, 4}, aside[2] = {7, 4};
    assert_false(sg_hits(&a, below, above));
    assert_true(sg_hits(&a, below, aside));
}

/* An executor that says a tenth of what it sees: tanh is nearly linear there. */
static sg_executor slow(void)
{
    sg_executor e = {.in = {{.01, 0}, {0, .01}}};
    e.out[0][0] = e.out[1][1] = 40;
    return e;
}

static void walks_arrive_crash_or_are_late(void **state)
{
    (void)state;
    const sg_executor e = slow();
    sg_arena a = {.world = SG_THREE, .start = {1, 1}, .goal = {9, 9}, .disc = {{5, 5}, {2, 8}, {8, 2}}};
    sg_walk w;
    const double way[2][2] = {{1.5, 5.5}, {9, 9}}, there[1][2] = {{9, 9}}, back[40][2] = {{0}};
    sg_go(&a, &e, a.start, there, 1, &w);
    assert_int_equal(w.end, SG_CRASHED);
    assert_true(distance(w.path[w.steps - 1], a.disc[0]) > SG_RADIUS && fabs(w.length - .4 * w.steps) < 1e-3);
    a.disc[1][0] = 9, a.disc[1][1] = 5; /* out of the way */
    sg_go(&a, &e, a.start, way, 2, &w);
    assert_int_equal(w.end, SG_ARRIVED);
    assert_true(distance(w.path[w.steps], a.goal) <= SG_STRIDE);
    double far[40][2];
    for (int i = 0; i < 40; i++) memcpy(far[i], i % 2 ? (double[]){1, 9} : back[i], sizeof far[i]);
    sg_go(&a, &e, a.start, (const double(*)[2])far, 40, &w);
    assert_int_equal(w.end, SG_LATE);
    assert_int_equal(w.steps, sg_rule[SG_THREE].steps);
}

/* ---- the loss as a graph -----------------------------------------------------------------------------------------------*/

typedef struct graph_case {
    sg_generator g;
    sg_evaluator e;
    jd_fn *f;
    double where[B * 4], rest[B * MOST_REST], obstacle[B * SG_DISCS * 2];
    jd_tensor in[3 + PARTS];
    int n;
} graph_case;

static void with_gradient(jd_graph *g, void *user)
{
    graph_case *c = user;
    sg_generator_loss(g, &c->g);
}

static void gradient_too(jd_graph *g, void *user)
{
    graph_case *c = user;
    const sg_rules *w = &sg_rule[c->g.world];
    const jd_node where = jd_arg(g, "where");
    jd_node s[SG_ASKED + 2], out = JD_NONE;
    s[0] = jd_slice(g, where, 1, 0, 2);
    s[w->subgoals + 1] = jd_slice(g, where, 1, 2, 2);
    propose(g, &c->g, 0, &out, s + 1);
    const jd_node loss = jd_mean(g, total(g, &c->g, s), JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

static void evaluator_made(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "says", opinion(g, jd_arg(g, "leg"), jd_arg(g, "disc"), true));
}

static double *wide(const float *from, double *to, int n)
{
    for (int i = 0; i < n; i++) to[i] = (double)from[i];
    return to;
}

static void make(graph_case *c, sg_world world, sg_judge by, bool recurrent, jd_trace *trace, const sg_arena *a)
{
    float where[B * 4], rest[B * MOST_REST], obstacle[B * SG_DISCS * 2];
    *c = (graph_case){.g = {.world = world, .by = by, .recurrent = recurrent, .plans = 1, .hidden = 6}};
    c->g.where = where, c->g.rest = rest, c->g.obstacle = obstacle;
    c->g.params = jd_params_new(ctx, JD_F64);
    c->e.params = jd_params_new(ctx, JD_F64);
    c->g.evaluator = &c->e;
    c->f = jd_fn_new(ctx, c->g.params, trace, c);
    if (by == SG_LEARNED) {
        jd_fn *f = jd_fn_new(ctx, c->e.params, evaluator_made, NULL);
        const double leg[LEG] = {0}, disc[SEEN][2] = {{0}};
        const jd_tensor in[2] = {JD_TENSOR("leg", JD_F64, leg, 1, LEG), JD_TENSOR("disc", JD_F64, disc, 1, SEEN, 2)};
        assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
        jd_fn_free(f);
    }
    c->n = sg_generator_fill(&c->g, a, B, c->in);
    c->in[0].data = wide(where, c->where, B * 4);
    c->in[1].data = wide(rest, c->rest, (int)jd_type_count(&c->in[1].type));
    c->in[2].data = wide(obstacle, c->obstacle, (int)jd_type_count(&c->in[2].type));
    for (int i = 0; i < 3; i++) c->in[i].type.dtype = JD_F64;
    c->g.where = c->g.rest = c->g.obstacle = NULL;
}

static void done(graph_case *c)
{
    jd_fn_free(c->f);
    jd_params_free(c->g.params);
    jd_params_free(c->e.params);
}

static void cost_as_a_graph_is_the_cost_in_c(void **state)
{
    (void)state;
    for (int world = 0; world < SG_WORLDS; world++) {
        static graph_case c;
        sg_arena a[B];
        for (int b = 0; b < B; b++) sg_arena_new(&a[b], (sg_world)world, 8, "test", (uint64_t)b, world == SG_TWELVE);
        make(&c, (sg_world)world, SG_CLOSED, false, with_gradient, a);
        assert_int_equal(jd_fn_run(c.f, c.in, c.n), JD_OK);
        const double *s = jd_fn_result(c.f, "subgoals", NULL), *cost = jd_fn_result(c.f, "costs", NULL);
        const int K = sg_rule[world].subgoals;
        for (int b = 0; b < B; b++) {
            double sum = 0;
            const double *from = a[b].start;
            for (int k = 0; k <= K; k++) {
                const double *to = k < K ? s + (b * K + k) * 2 : a[b].goal;
                assert_true(to[0] >= 0 && to[0] <= sg_rule[world].side && to[1] >= 0 && to[1] <= sg_rule[world].side);
                sum += sg_cost(&a[b], from, to, NULL);
                from = to;
            }
            assert_true(fabs(sum - cost[b]) < 1e-5 * sum); /* inputs are float32 */
        }
        done(&c);
    }
}

static void gradients_flow_through_the_evaluator(void **state)
{
    (void)state;
    for (int k = 0; k < 5; k++) {
        static graph_case c;
        sg_arena a[B];
        const sg_world world = k < 3 ? SG_THREE : k == 3 ? SG_TWELVE : SG_WALLED;
        for (int b = 0; b < B; b++) sg_arena_new(&a[b], world, 9, "test", (uint64_t)b, false);
        make(&c, world, k == 2 ? SG_LEARNED : SG_CLOSED, k == 1, gradient_too, a);
        assert_int_equal(jd_fn_run(c.f, c.in, c.n), JD_OK);
        double *w = jd_params_data(c.g.params), gradient[MOST], worst = 0, largest = 0;
        const size_t n = jd_params_count(c.g.params);
        assert_true(n < MOST);
        memcpy(gradient, jd_fn_result(c.f, "gradient", NULL), n * sizeof *gradient);
        for (size_t i = 0; i < n; i++) {
            const double was = w[i], h = 1e-4, weight[4] = {1, -8, 8, -1};
            double numeric = 0;
            for (int q = 0; q < 4; q++) {
                w[i] = was + h * (q < 2 ? q - 2 : q - 1);
                assert_int_equal(jd_fn_run(c.f, c.in, c.n), JD_OK);
                numeric += weight[q] * jd_fn_scalar(c.f, "loss") / (12 * h);
            }
            w[i] = was;
            worst = fmax(worst, fabs(numeric - gradient[i]));
            largest = fmax(largest, fabs(gradient[i]));
        }
        print_message("    of %zu, largest %.3g, farthest off %.3g\n", n, largest, worst);
        assert_true(largest > 1e-3 && worst <= 1e-6 * fmax(1, largest));
        done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arenas_are_blocked_but_start_and_goal_are_free),
        cmocka_unit_test(walks_arrive_crash_or_are_late),
        cmocka_unit_test(cost_as_a_graph_is_the_cost_in_c),
        cmocka_unit_test(gradients_flow_through_the_evaluator),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
