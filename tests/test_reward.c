/*
 * test_reward.c - gradients of reward: against differences, against the graph's own backward pass, and on a problem whose
 * expected return is known; learning of a short memory task; the same results for any number of threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cpu/control.h"
#include "jackdaw/layers.h"
#include "jackdaw/reward.h"

static jd_ctx *context(int threads)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads});
    assert_non_null(ctx);
    return ctx;
}

/* ---- policy gradients ------------------------------------------------------------------------------------------------*/

enum { T = 5, B = 3, IN = 2, A = 3 };
static const char *const isa = "scalar";

static void loss_of_lstm(jd_graph *g, void *user)
{
    const jd_node y = jd_lstm(g, "lstm", jd_arg(g, "obs"), .units = 4, .length = jd_arg(g, "length"), .forget_bias = 2,
                              .in_bias = -1);
    const jd_node out = jd_dense(g, "out", y, .units = A), advantage = jd_arg(g, "advantage");
    const bool real = *(bool *)user;
    const jd_node sigma = real ? jd_param(g, "sigma", (jd_init){JD_INIT_UNIFORM, .scale = .5}, JD_DIMS(A)) : JD_NONE;
    const jd_node loss = real ? jd_gauss_policy_loss(g, out, sigma, jd_arg(g, "real"), advantage)
                              : jd_policy_loss(g, out, jd_arg(g, "choice"), advantage);
    jd_result(g, "loss", loss);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

/* Ragged episodes: the gradient of -1/B sum advantage log pi against central differences in float64. */
static void policy_loss_matches_differences(void **state)
{
    (void)state;
    static const int32_t length[B] = {5, 2, 3};
    for (int real = 0; real < 2; real++) {
        jd_ctx *ctx = context(1);
        jd_params *w = jd_params_new(ctx, JD_F64);
        bool is_real = real;
        jd_fn *f = jd_fn_new(ctx, w, loss_of_lstm, &is_real);
        double obs[T * B * IN], advantage[T * B], action[T * B * A];
        int32_t choice[T * B];
        jd_rng r = jd_rng_new(1, "test", 0);
        for (int i = 0; i < T * B * IN; i++) obs[i] = jd_rng_normal(&r);
        for (int i = 0; i < T * B; i++) {
            const bool past = i / B >= length[i % B];
            choice[i] = past ? -1 : (int32_t)jd_rng_below(&r, A);
            advantage[i] = past ? 0 : jd_rng_normal(&r);
            for (int k = 0; k < A; k++) action[i * A + k] = past ? 0 : jd_rng_normal(&r);
        }
        const jd_tensor in[] = {JD_TENSOR("obs", JD_F64, obs, T, B, IN), JD_TENSOR("length", JD_I32, length, B),
                                JD_TENSOR("advantage", JD_F64, advantage, T, B),
                                real ? JD_TENSOR("real", JD_F64, action, T, B, A)
                                     : JD_TENSOR("choice", JD_I32, choice, T, B)};
        assert_int_equal(jd_fn_run(f, in, 4), JD_OK);
        const size_t n = jd_params_count(w);
        double *gradient = calloc(n, sizeof *gradient), *p = jd_params_data(w), most = 0;
        memcpy(gradient, jd_fn_result(f, "gradient", NULL), n * sizeof *gradient);
        for (size_t k = 0; k < n; k++) {
            const double was = p[k], h = 1e-5;
            p[k] = was + h;
            jd_fn_run(f, in, 4);
            const double up = jd_fn_scalar(f, "loss");
            p[k] = was - h;
            jd_fn_run(f, in, 4);
            most = fmax(most, fabs((up - jd_fn_scalar(f, "loss")) / (2 * h) - gradient[k]));
            p[k] = was;
        }
        assert_true(most < 1e-6);
        free(gradient);
        jd_fn_free(f);
        jd_params_free(w);
        jd_ctx_free(ctx);
    }
}

static void returns_are_discounted_sums(void **state)
{
    (void)state;
    const float reward[] = {1, 5, 2, 6, 4, 0};
    const int32_t length[] = {3, 2};
    float ret[6];
    jd_returns(reward, length, 3, 2, .5, ret);
    const float want[] = {1 + 1 + 1, 5 + 3, 2 + 2, 6, 4, 0};
    for (int i = 0; i < 6; i++) assert_true(ret[i] == want[i]);
}

/* Two steps of two actions each; the second choice is made where the first led.  Logits w (3,2): of the start, and of the
 * two places.  Rewards R1(a) and R2(a,b). */
static const double R1[2] = {.3, -.2}, R2[2][2] = {{1, -.5}, {.2, .9}};

static void chance(const double *w, double p[2])
{
    p[0] = 1 / (1 + exp(w[1] - w[0]));
    p[1] = 1 - p[0];
}

static double expected(const double *w)
{
    double p[2], q[2], sum = 0;
    chance(w, p);
    for (int a = 0; a < 2; a++) {
        chance(w + 2 + 2 * a, q);
        sum += p[a] * (R1[a] + q[0] * R2[a][0] + q[1] * R2[a][1]);
    }
    return sum;
}

static void loss_of_table(jd_graph *g, void *user)
{
    (void)user;
    const jd_node w = jd_param(g, "w", (jd_init){JD_INIT_NORMAL, .scale = .5}, JD_DIMS(3, 2));
    const jd_node loss = jd_policy_loss(g, jd_gather(g, w, jd_arg(g, "place")), jd_arg(g, "action"), jd_arg(g, "ret"));
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

/* A million episodes: the mean estimate lies within three of its standard errors of the exact gradient. */
static void estimate_averages_to_the_gradient(void **state)
{
    (void)state;
    enum { BATCH = 10000, BATCHES = 100 };
    jd_ctx *ctx = context(1);
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, loss_of_table, NULL);
    int32_t *place = calloc(2 * BATCH, sizeof *place), *action = calloc(2 * BATCH, sizeof *action), *length;
    double *ret = calloc(2 * BATCH, sizeof *ret), sum[6] = {0}, square[6] = {0}, w[6];
    float *reward = calloc(2 * BATCH, sizeof *reward), *back = calloc(2 * BATCH, sizeof *back);
    length = calloc(BATCH, sizeof *length);
    const jd_tensor in[] = {JD_TENSOR("place", JD_I32, place, 2, BATCH), JD_TENSOR("action", JD_I32, action, 2, BATCH),
                            JD_TENSOR("ret", JD_F64, ret, 2, BATCH)};
    jd_fn_plan(f, in, 3);
    memcpy(w, jd_params_data(params), sizeof w);
    for (int k = 0; k < BATCHES; k++) {
        for (int i = 0; i < BATCH; i++) {
            jd_rng r = jd_rng_new(5, "test/episode", (uint64_t)(k * BATCH + i));
            double p[2];
            chance(w, p);
            const int a = jd_rng_uniform64(&r) >= p[0];
            chance(w + 2 + 2 * a, p);
            const int b = jd_rng_uniform64(&r) >= p[0];
            place[BATCH + i] = 1 + a;
            action[i] = a, action[BATCH + i] = b;
            reward[i] = (float)R1[a], reward[BATCH + i] = (float)R2[a][b];
            length[i] = 2;
        }
        jd_returns(reward, length, 2, BATCH, 1, back);
        for (int i = 0; i < 2 * BATCH; i++) ret[i] = (double)back[i];
        assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
        const double *gradient = jd_fn_result(f, "gradient", NULL);
        for (int i = 0; i < 6; i++) sum[i] -= gradient[i], square[i] += gradient[i] * gradient[i];
    }
    for (int i = 0; i < 6; i++) {
        const double mean = sum[i] / BATCHES, error = sqrt((square[i] / BATCHES - mean * mean) / (BATCHES - 1)),
                     h = 1e-5;
        double up[6], down[6];
        memcpy(up, w, sizeof w);
        memcpy(down, w, sizeof w);
        up[i] += h, down[i] -= h;
        const double exact = (expected(up) - expected(down)) / (2 * h);
        assert_true(error < 2e-3 && fabs(mean - exact) < 3 * error);
    }
    void *const owned[] = {place, action, ret, reward, back, length};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

/* ---- advantage learning ----------------------------------------------------------------------------------------------*/

typedef struct twin {
    const jd_cells *n;
    const double *w;
    int choice[JD_CREW];
} twin;

static jd_node piece(jd_graph *g, const char *name, size_t rows, size_t columns)
{
    return jd_param(g, name, (jd_init){JD_INIT_ZERO}, JD_DIMS((int64_t)rows, (int64_t)columns));
}

/* The same network as a graph: sum over lanes of A(chosen) after the last step, truncated. */
static void same_net(jd_graph *g, void *user)
{
    const twin *t = user;
    const int M = t->n->cells, H = t->n->hidden, N = t->n->inputs;
    const jd_node x = jd_arg(g, "x"), w = piece(g, "cells", (size_t)(4 * M), (size_t)t->n->columns);
    const jd_lstm_out y = jd_lstm_raw(g, (jd_lstm_args){.x = x,
                                                        .W = jd_slice(g, w, 1, 0, N),
                                                        .R = jd_slice(g, w, 1, N, M),
                                                        .b = jd_reshape(g, jd_slice(g, w, 1, N + M, 1), JD_DIMS(-1)),
                                                        .truncate = true});
    const int64_t steps = jd_dim(g, x, 0), lanes = jd_dim(g, x, 1);
    const jd_node before = jd_stop(g, jd_reshape(g, jd_slice(g, y.y, 0, steps - 2, 1), JD_DIMS(lanes, M)));
    const jd_node one = jd_const(g, 1, JD_DIMS(lanes, 1));
    const jd_node sees[] = {jd_reshape(g, jd_slice(g, x, 0, steps - 1, 1), JD_DIMS(lanes, N)), before, one};
    const jd_node units = jd_tanh(
        g, jd_matmul(g, jd_concat(g, sees, 3, 1), piece(g, "units", (size_t)H, (size_t)t->n->columns), .tb = true));
    const jd_node shown[] = {y.hT, units, one};
    const jd_node out =
        jd_matmul(g, jd_concat(g, shown, 3, 1), piece(g, "out", (size_t)t->n->actions, (size_t)t->n->seen), .tb = true);
    const jd_node chosen = jd_mul(g, out, jd_onehot(g, jd_arg(g, "choice"), t->n->actions));
    const jd_node sum = jd_sum(g, chosen, JD_ALL_AXES, false);
    jd_result(g, "out", out);
    jd_result(g, "gradient", jd_grad_params(g, sum));
}

/* After seven steps the traces, carried forward, hold what the graph finds going back. */
static void traces_are_the_truncated_gradient(void **state)
{
    (void)state;
    enum { STEPS = 7, N = 3, L = JD_CREW };
    jd_ctx *ctx = context(1);
    const jd_cells n = jd__cells(N, 5, 2, 4);
    double *w = calloc(n.weights, sizeof *w), *trace = calloc(L * n.weights, sizeof *trace);
    double *memory = calloc(jd__crew_size(&n, 1), sizeof *memory), *x = calloc(STEPS * L * N, sizeof *x);
    jd_rng r = jd_rng_new(3, "test", 0);
    for (size_t k = 0; k < n.weights; k++) w[k] = jd_rng_normal(&r);
    for (int k = 0; k < STEPS * L * N; k++) x[k] = jd_rng_normal(&r);
    twin t = {&n, w, {0}};
    int32_t choice[L];
    for (int l = 0; l < L; l++) choice[l] = t.choice[l] = (int)jd_rng_below(&r, 4);
    jd_crew c;
    jd__crew_place(&n, 1, memory, &c);
    for (int s = 0; s < STEPS; s++) {
        static const double none[L] = {0}; /* only the last step's gradient remains */
        for (int l = 0; l < L; l++)
            for (int k = 0; k < N; k++) c.x[L * k + l] = x[(s * L + l) * N + k];
        jd__control_find(isa)->crew_step(&n, w, &c);
        jd__control_find(isa)->crew_trace(&n, w, &c, t.choice, none, trace);
    }
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, same_net, &t);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, x, STEPS, L, N), JD_TENSOR("choice", JD_I32, choice, L)};
    jd_fn_plan(f, in, 2);
    assert_int_equal(jd_params_count(params), n.weights);
    memcpy(jd_params_data(params), w, n.weights * sizeof *w);
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    const double *out = jd_fn_result(f, "out", NULL), *gradient = jd_fn_result(f, "gradient", NULL);
    for (int l = 0; l < L; l++)
        for (int k = 0; k < 4; k++) assert_true(fabs(out[l * 4 + k] - c.a[L * k + l]) < 1e-10);
    for (size_t k = 0; k < n.weights; k++) {
        double sum = 0;
        for (size_t l = 0; l < L; l++) sum += trace[L * k + l];
        assert_true(fabs(sum - gradient[k]) < 1e-10);
    }
    void *const owned[] = {w, trace, memory, x};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

/* Every instruction set gives the same bits, lane by lane. */
static void kernels_agree(void **state)
{
    (void)state;
    enum { N = 3, L = JD_CREW, STEPS = 9 };
    static const char *const SETS[] = {"scalar", "avx2", "avx512"};
    const jd_cells n = jd__cells(N, 5, 2, 4);
    double *first = NULL;
    for (int i = 0; i < 3; i++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .isa = SETS[i]});
        if (!ctx) continue; /* not on this machine */
        const jd_control *k = jd__control_find(jd_ctx_isa(ctx));
        double *w = calloc((1 + L) * n.weights, sizeof *w), *trace = w + n.weights;
        double *memory = calloc(jd__crew_size(&n, 1), sizeof *memory), decay[L], step[L];
        int choice[L];
        jd_rng r = jd_rng_new(8, "test", 0);
        for (size_t j = 0; j < n.weights; j++) w[j] = jd_rng_normal(&r);
        jd_crew c;
        jd__crew_place(&n, 1, memory, &c);
        for (int s = 0; s < STEPS; s++) {
            for (int l = 0; l < L; l++) {
                for (int j = 0; j < N; j++) c.x[L * j + l] = jd_rng_normal(&r);
                choice[l] = (int)jd_rng_below(&r, 4);
                decay[l] = jd_rng_uniform64(&r);
                step[l] = .01 * jd_rng_normal(&r);
            }
            k->crew_step(&n, w, &c);
            k->crew_trace(&n, w, &c, choice, decay, trace);
            k->crew_move(n.weights, w, step, trace);
        }
        if (first) assert_memory_equal(first, w, (1 + L) * n.weights * sizeof *w);
        if (first)
            free(w);
        else
            first = w;
        free(memory);
        jd_ctx_free(ctx);
    }
    free(first);
}

/* A(chosen) of lanes 0 and 1 after six steps from rest; with a trace, dA/dw too. */
static void six_steps(const jd_cells *n, const double *w, const double *x, double *trace, double a[2])
{
    enum { STEPS = 6, L = JD_CREW };
    static const double none[L] = {0};
    double *memory = calloc(jd__crew_size(n, 1), sizeof *memory);
    int choice[L];
    jd_crew c;
    for (int l = 0; l < L; l++) choice[l] = l % 2;
    jd__crew_place(n, 1, memory, &c);
    for (int s = 0; s < STEPS; s++) {
        for (int l = 0; l < L; l++)
            for (int i = 0; i < n->inputs; i++) c.x[L * i + l] = x[s * n->inputs + i];
        jd__control_find(isa)->crew_step(n, w, &c);
        if (trace) jd__control_find(isa)->crew_trace(n, w, &c, choice, none, trace);
    }
    a[0] = c.a[0], a[1] = c.a[L + 1];
    free(memory);
}

/* Without recurrent weights nothing is truncated: the traces are dA/dw by differences. */
static void traces_match_differences(void **state)
{
    (void)state;
    enum { N = 2, L = JD_CREW };
    const jd_cells n = jd__cells(N, 3, 2, 2);
    const size_t rows = (size_t)(4 * n.cells + n.hidden), C = (size_t)n.columns;
    double *w = calloc(n.weights, sizeof *w), *trace = calloc(L * n.weights, sizeof *trace), x[6 * N], a[2];
    jd_rng r = jd_rng_new(4, "test", 0);
    for (size_t k = 0; k < n.weights; k++) {
        const bool recurrent = k < rows * C && k % C >= N && k % C < C - 1;
        w[k] = recurrent ? 0 : jd_rng_normal(&r);
    }
    for (int k = 0; k < 6 * N; k++) x[k] = jd_rng_normal(&r);
    six_steps(&n, w, x, trace, a);
    for (size_t k = 0; k < n.weights; k++) {
        if (k < rows * C && k % C >= N && k % C < C - 1) continue;
        const double was = w[k], h = 1e-5;
        double up[2], down[2];
        w[k] = was + h;
        six_steps(&n, w, x, NULL, up);
        w[k] = was - h;
        six_steps(&n, w, x, NULL, down);
        w[k] = was;
        for (size_t l = 0; l < 2; l++) assert_true(fabs((up[l] - down[l]) / (2 * h) - trace[L * k + l]) < 1e-6);
    }
    free(w);
    free(trace);
}

/* ---- learning --------------------------------------------------------------------------------------------------------*/

static double mean_return(const jd_episodes *e)
{
    double sum = 0;
    assert_non_null(e);
    for (int64_t i = 0; i < e->n; i++) sum += jd_episode_return(e, i) / (double)e->n;
    return sum;
}

/* A corridor of three steps: with memory the goal is found, without it half of the time. */
static void memory_finds_the_goal(void **state)
{
    (void)state;
    for (int memory = 0; memory < 2; memory++) {
        jd_ctx *ctx = context(1);
        jd_policy *p = jd_policy_new(ctx, &(jd_policy_options){.env = "t-maze",
                                                               .env_options.length = 3,
                                                               .memory = memory ? JD_MEMORY_LSTM : JD_MEMORY_NONE,
                                                               .forget_bias = 4,
                                                               .in_bias = -1,
                                                               .init = 1,
                                                               .episodes = 32,
                                                               .discount = .98,
                                                               .rate = .02});
        for (int i = 0; i < 250; i++) assert_int_equal(jd_policy_train(p, NULL), JD_OK);
        const double earned = mean_return(jd_policy_play(p, &(jd_play_options){.episodes = 64, .greedy = true}));
        if (memory)
            assert_true(earned > 3.9);
        else
            assert_true(earned < 2.7);
        jd_policy_free(p);
        jd_ctx_free(ctx);
    }
}

static void advantages_find_the_goal(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_advantage *a = jd_advantage_new(
        ctx, &(jd_advantage_options){
                 .env = "t-maze", .env_options.length = 3, .cells = 4, .hidden = 3, .rate = 2e-3, .explore = 5});
    jd_learning at = {0};
    assert_int_equal(jd_advantage_train(a, 150000, &at), JD_OK);
    assert_true(at.steps >= 150000 && at.episodes > 0);
    assert_true(mean_return(jd_advantage_play(a, &(jd_play_options){.episodes = 64, .greedy = true})) > 3.9);
    jd_advantage_free(a);
    jd_ctx_free(ctx);
}

static void same_results_for_any_number_of_threads(void **state)
{
    (void)state;
    float *weights[2] = {NULL};
    size_t n = 0;
    for (int k = 0; k < 2; k++) {
        jd_ctx *ctx = context(k + 1);
        jd_policy *p = jd_policy_new(ctx, &(jd_policy_options){.env = "single-pole", .episodes = 20, .time_limit = 60});
        for (int i = 0; i < 3; i++) assert_int_equal(jd_policy_train(p, NULL), JD_OK);
        n = jd_params_count(jd_policy_params(p));
        weights[k] = calloc(n, sizeof(float));
        memcpy(weights[k], jd_params_data(jd_policy_params(p)), n * sizeof(float));
        jd_policy_free(p);
        jd_ctx_free(ctx);
    }
    assert_memory_equal(weights[0], weights[1], n * sizeof(float));
    free(weights[0]);
    free(weights[1]);
}

/* The record is what the environment says when the recorded actions are repeated. */
static void episodes_are_what_happened(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    jd_policy *p =
        jd_policy_new(ctx, &(jd_policy_options){.env = "t-maze", .env_options.length = 4, .see_action = true});
    const jd_episodes *e = jd_policy_play(p, &(jd_play_options){.episodes = 5, .seed = 9, .states = true});
    assert_non_null(e);
    assert_int_equal(e->input, 3 + 4);
    jd_env *env = jd_env_new(ctx, "t-maze", &(jd_env_options){.length = 4});
    for (int64_t i = 0; i < e->n; i++) {
        float obs[3], reward;
        uint8_t end = 0, late = 0;
        double s[4];
        jd_env_reset(env, 0, 9 + (uint64_t)i, obs);
        int64_t t = 0;
        for (; !end && !late; t++) {
            const float *in = e->obs + (t * e->n + i) * e->input, *did = e->act + t * e->n + i;
            jd_env_get_state(env, 0, s);
            assert_memory_equal(in, obs, sizeof obs);
            assert_memory_equal(e->states + (t * e->n + i) * e->state, s, sizeof s);
            for (int k = 0; t && k < 4; k++) assert_true(in[3 + k] == (float)(k == (int)e->act[(t - 1) * e->n + i]));
            jd_env_step(env, did, obs, &reward, &end, &late);
            assert_true(reward == e->reward[t * e->n + i]);
        }
        assert_int_equal(t, e->length[i]);
        assert_int_equal(end, e->terminated[i]);
        for (; t < e->T; t++) assert_true(e->act[t * e->n + i] < 0 && e->reward[t * e->n + i] == 0);
    }
    jd_env_free(env);
    jd_policy_free(p);
    jd_ctx_free(ctx);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    jd_ctx *ctx = context(1);
    assert_null(jd_policy_new(ctx, &(jd_policy_options){.env = "t-maize"}));
    assert_non_null(strstr(jd_error_message(ctx), "t-maze"));
    jd_error_clear(ctx);
    assert_null(jd_policy_new(ctx, &(jd_policy_options){.env = "t-maze", .discount = 2}));
    jd_error_clear(ctx);
    assert_null(jd_advantage_new(ctx, &(jd_advantage_options){.env = "t-maze"}));
    jd_error_clear(ctx);
    assert_null(jd_advantage_new(ctx, &(jd_advantage_options){.env = "single-pole", .cells = 2}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_loss_matches_differences),
        cmocka_unit_test(returns_are_discounted_sums),
        cmocka_unit_test(estimate_averages_to_the_gradient),
        cmocka_unit_test(traces_are_the_truncated_gradient),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(traces_match_differences),
        cmocka_unit_test(memory_finds_the_goal),
        cmocka_unit_test(advantages_find_the_goal),
        cmocka_unit_test(same_results_for_any_number_of_threads),
        cmocka_unit_test(episodes_are_what_happened),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
