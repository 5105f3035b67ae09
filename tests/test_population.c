/*
 * test_population.c - populations of networks against a network written out, and rollouts against a plain loop.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mathf.h"
#include "jackdaw/env.h"
#include "jackdaw/search.h"

enum { MOST = 24 };

/* One step of one network, as population.h describes it: h is replaced. */
static void net(const jd_net_shape *s, const double *w, float *h, const float *x, float *y)
{
    const float bias = s->bias == 0 ? 1 : (float)s->bias;
    float next[MOST];
    for (int j = 0; j < s->hidden; j++) {
        float sum = (float)*w++ * bias;
        for (int k = 0; k < s->inputs; k++) sum = fmaf((float)*w++, x[k], sum);
        for (int k = 0; !s->feed_forward && k < s->hidden; k++) sum = fmaf((float)*w++, h[k], sum);
        next[j] = s->logistic ? jd__sigmoidf(sum) : jd__tanh_shortf(sum);
    }
    memcpy(h, next, (size_t)s->hidden * sizeof *h);
    if (s->direct) memcpy(y, h, (size_t)s->hidden * sizeof *h);
    for (int o = 0; !s->direct && o < s->outputs; o++) {
        float sum = s->no_output_bias ? 0 : (float)*w++ * bias;
        for (int k = 0; k < (s->hidden ? s->hidden : s->inputs); k++)
            sum = fmaf((float)*w++, s->hidden ? h[k] : x[k], sum);
        y[o] = s->logistic ? jd__sigmoidf(sum) : jd__tanh_shortf(sum);
    }
}

static double *random_weights(size_t n)
{
    double *w = calloc(n, sizeof *w);
    jd_rng r = jd_rng_new(2, "weights", n);
    for (size_t i = 0; i < n; i++) w[i] = jd_rng_normal(&r);
    return w;
}

/* Every network of 21, at every step, has the bits of the plain one; on one thread and on three, whatever the instruction
 * set; for shapes with a kernel of their own and for others. */
static void networks_match_the_plain_one(void **state)
{
    (void)state;
    static const jd_net_shape shapes[] = {
        {.inputs = 4, .hidden = 5, .outputs = 1, .no_output_bias = true},
        {.inputs = 6, .hidden = 3, .outputs = 1, .bias = .5},
        {.inputs = 3, .hidden = 3, .outputs = 1},
        {.inputs = 7, .hidden = 11, .outputs = 3, .bias = -.25},
        {.inputs = 5, .hidden = 4, .outputs = 2, .feed_forward = true},
        {.inputs = 5, .hidden = 0, .outputs = 4, .no_output_bias = true},
        {.inputs = 6, .hidden = 9, .outputs = 9, .direct = true, .logistic = true},
        {.inputs = 3, .hidden = 8, .outputs = 2, .logistic = true},
        {.inputs = 3, .hidden = 4, .outputs = 4, .direct = true, .feed_forward = true},
    };
    enum { N = 21, T = 7 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int way = 0; way < 3; way++) {
            const jd_net_shape *s = &shapes[i];
            jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = way == 2 ? 3 : 1, .isa = way ? NULL : "scalar"});
            jd_population *p = jd_population_new(ctx, s, N);
            const size_t W = jd_net_weights(s), stride = jd_population_stride(p);
            const size_t I = (size_t)s->inputs, O = (size_t)s->outputs;
            double *w = random_weights(N * W);
            float *x = calloc(T * I * stride, sizeof *x), *y = calloc(T * O * stride, sizeof *y);
            float *last = calloc(O * stride, sizeof *last);
            jd_rng r = jd_rng_new(3, "inputs", i);
            for (size_t k = 0; k < T * I * stride; k++) x[k] = (float)jd_rng_normal(&r);
            assert_int_equal(jd_population_set(p, 0, N, w), JD_OK);
            assert_int_equal(jd_population_run(p, T, x, false, y, false), JD_OK);
            jd_population_reset(p);
            assert_int_equal(jd_population_run(p, T, x, true, last, true), JD_OK);
            for (size_t n = 0; n < N; n++) {
                float h[MOST] = {0}, held[MOST] = {0}, in[MOST], out[MOST];
                for (int t = 0; t < T; t++) {
                    for (size_t k = 0; k < I; k++) in[k] = x[((size_t)t * I + k) * stride + n];
                    net(s, w + n * W, h, in, out);
                    for (size_t k = 0; k < O; k++) assert_true(out[k] == y[((size_t)t * O + k) * stride + n]);
                    for (size_t k = 0; k < I; k++) in[k] = x[k * stride + n];
                    net(s, w + n * W, held, in, out);
                }
                for (size_t k = 0; k < O; k++) assert_true(out[k] == last[k * stride + n]);
            }
            free(w);
            free(x);
            free(y);
            free(last);
            jd_population_free(p);
            jd_ctx_free(ctx);
        }
}

static void shapes_have_weights_and_segments(void **state)
{
    (void)state;
    const jd_net_shape with = {.inputs = 6, .hidden = 3, .outputs = 1},
                       without = {.inputs = 3, .hidden = 3, .outputs = 1};
    assert_int_equal(jd_net_weights(&with), 34);
    assert_int_equal(jd_net_weights(&without), 25);
    assert_int_equal(jd_net_weights(&(jd_net_shape){.inputs = 0, .outputs = 1}), 0);
    assert_int_equal(jd_net_weights(&(jd_net_shape){.inputs = 1, .outputs = 1, .hidden = 1025}), 0);
    const jd_net_shape arm = {.inputs = 82, .hidden = 32, .outputs = 32, .direct = true, .logistic = true},
                       seeing = {.inputs = 1024, .hidden = 32, .outputs = 32, .direct = true},
                       uneven = {.inputs = 2, .hidden = 3, .outputs = 2, .direct = true};
    assert_int_equal(jd_net_weights(&arm), 3680);
    assert_int_equal(jd_net_weights(&seeing), 33824);
    assert_int_equal(jd_net_weights(&uneven), 0);
    uint32_t g[25];
    jd_net_segments(&without, g);
    for (uint32_t i = 0; i < 21; i++) assert_int_equal(g[i], i / 7);
    assert_int_equal(g[21], 3);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(g[22 + i], i);
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_null(jd_population_new(ctx, &(jd_net_shape){.inputs = 1025, .outputs = 1}, 4));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    jd_population *p = jd_population_new(ctx, &with, 4);
    double w[34] = {0};
    assert_int_equal(jd_population_set(p, 4, 1, w), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_population_run(p, 0, NULL, false, NULL, false), JD_EUSAGE);
    jd_population_free(p);
    jd_ctx_free(ctx);
}

static void remember(void *user, double *memory, int64_t t, const double *s)
{
    (void)user;
    memory[0] += (double)t * s[0];
    memory[1] += 1;
}

static double judge(void *user, const double *memory, int64_t steps, double reward)
{
    (void)user;
    return memory[0] + 1000 * memory[1] + (double)steps + reward;
}

/* The same episode, step by step, of one network and one environment. */
static double plain_episode(const char *name, const jd_net_shape *s, const double *w, const double *start,
                            int64_t limit, int64_t *steps)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_env *e = jd_env_new(ctx, name, &(jd_env_options){.time_limit = limit, .length = 4});
    float obs[8], h[MOST] = {0}, y[MOST], reward;
    uint8_t end = 0, late = 0;
    double memory[2] = {0}, earned = 0, now[8];
    jd_env_reset(e, 0, 11, obs);
    if (start) {
        double snapshot[16] = {0};
        memcpy(snapshot + 2, start, (size_t)jd_env_state_size(e) * sizeof *start);
        jd_env_restore(e, 0, snapshot);
        for (int k = 0; k < 6; k++) obs[k] = 0;
        static const double scale[6] = {2.4, 10, .628, 5, .628, 16};
        for (int k = 0; k < s->inputs; k++) obs[k] = (float)(start[k] / scale[k]);
    }
    for (*steps = 0; !end && !late;) {
        net(s, w, h, obs, y);
        if (jd_env_action(e).choices)
            for (int k = 1, best = 0; k < s->outputs; k++) {
                if (y[k] > y[best]) best = k;
                if (k == s->outputs - 1) y[0] = (float)best;
            }
        jd_env_step(e, y, obs, &reward, &end, &late);
        jd_env_get_state(e, 0, now);
        remember(NULL, memory, ++*steps, now);
        earned += (double)reward;
    }
    jd_env_free(e);
    jd_ctx_free(ctx);
    return judge(NULL, memory, *steps, earned);
}

static void rollouts_match_the_plain_loop(void **state)
{
    (void)state;
    static const jd_net_shape poles = {.inputs = 6, .hidden = 3, .outputs = 1, .bias = .5};
    static const jd_net_shape maze = {.inputs = 3, .hidden = 2, .outputs = 4};
    enum { N = 53 };
    for (int way = 0; way < 6; way++) {
        const jd_net_shape *s = way % 3 == 1 ? &maze : &poles;
        const char *name = way % 3 == 1 ? "t-maze" : "double-pole";
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = way < 3 ? 1 : 3});
        jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env = name,
                                                                  .env_options = {.length = 4},
                                                                  .net = {.hidden = s->hidden, .bias = s->bias},
                                                                  .memory_size = 2,
                                                                  .watch = remember,
                                                                  .score = judge});
        const size_t W = jd_rollout_weights(r);
        assert_int_equal(W, jd_net_weights(s));
        double *w = random_weights(N * W), score[N], start[N][6];
        int64_t steps[N];
        jd_rng rng = jd_rng_new(4, "start", 0);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 6; k++) start[i][k] = .1 * jd_rng_normal(&rng);
        const bool started = way % 3 == 2;
        assert_int_equal(jd_rollout_run(r, w, started, N, started ? &start[0][0] : NULL, 11, 60, score, steps), JD_OK);
        int64_t least = 1000, most = 0;
        for (size_t i = 0; i < N; i++) {
            int64_t t;
            const double want = plain_episode(name, s, started ? w : w + i * W, started ? start[i] : NULL, 60, &t);
            assert_true(score[i] == want && steps[i] == t);
            least = t < least ? t : least;
            most = t > most ? t : most;
        }
        assert_true(least < most);
        free(w);
        jd_rollout_free(r);
        jd_ctx_free(ctx);
    }
}

static void wrong_rollouts_are_refused(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_null(jd_rollout_new(ctx, &(jd_rollout_options){.env = "double-pole", .net = {.inputs = 3, .hidden = 2}}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_rollout_new(ctx, &(jd_rollout_options){.env = "quadruple-pole"}));
    jd_error_clear(ctx);
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env = "single-pole"});
    const double w[5] = {0}, start[4] = {0, (double)NAN, 0, 0};
    double score;
    assert_int_equal(jd_rollout_weights(r), 5);
    assert_int_equal(jd_rollout_run(r, w, true, 1, start, 0, 0, &score, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_rollout_run(r, w, true, 1, NULL, 0, -1, &score, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_rollout_run(r, w, true, 0, NULL, 0, 0, NULL, NULL), JD_OK);
    jd_rollout_free(r);
    jd_ctx_free(ctx);
}

/* A search that sees only vectors and scores finds a network that balances one pole. */
static void a_search_balances_a_pole(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env = "single-pole"});
    jd_search *s = jd_search_new(ctx, &(jd_search_options){.method = JD_SEARCH_XNES,
                                                           .dim = jd_rollout_weights(r),
                                                           .budget = 2000,
                                                           .has_target = true,
                                                           .target = 2000});
    const double *x;
    double score[64];
    for (size_t n; (x = jd_search_ask(s, &n)) != NULL; jd_search_tell(s, score))
        assert_int_equal(jd_rollout_run(r, x, false, n, NULL, 5, 2000, score, NULL), JD_OK);
    assert_string_equal(jd_search_done(s), "target");
    jd_search_free(s);
    jd_rollout_free(r);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_match_the_plain_one),  cmocka_unit_test(shapes_have_weights_and_segments),
        cmocka_unit_test(rollouts_match_the_plain_loop), cmocka_unit_test(wrong_rollouts_are_refused),
        cmocka_unit_test(a_search_balances_a_pole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
