/* bench_search.c - populations of networks, environments, searches: what evolution spends its time on. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "jackdaw/env.h"
#include "jackdaw/population.h"
#include "jackdaw/search.h"

enum { STEPS = 100, COPIES = 1024, HELD = 20, EPISODE = 1000 };

typedef struct workspace {
    jd_population *nets;
    jd_env *env;
    jd_rollout *rollout;
    jd_search *search;
    float *x, *y;
    double *score, *weights;
    size_t dim, n;
    bool fed;
} workspace;

static void close_workspace(bench_job *j)
{
    workspace *s = j->state;
    jd_population_free(s->nets);
    jd_env_free(s->env);
    jd_rollout_free(s->rollout);
    jd_search_free(s->search);
    jd_free(j->ctx, s->score);
    jd_free(j->ctx, s->weights);
    jd_free(j->ctx, s);
}

static workspace *open_workspace(bench_job *j)
{
    j->state = jd_alloc(j->ctx, sizeof(workspace));
    j->close = j->state ? close_workspace : NULL;
    return j->state;
}

/* ---- a networks with 4 inputs, held or (b) new at each step, 5 fully recurrent tanh units with bias, 1 tanh output; 100 time
 * steps ----------------------------------------------------------------------------------------------------------------------*/

static jd_status run_nets(bench_job *j)
{
    const workspace *s = j->state;
    return jd_population_run(s->nets, STEPS, s->x, !s->fed, s->y, true);
}

static jd_status make_nets(const bench_workload *w, bench_job *j)
{
    const jd_net_shape shape = {.inputs = 4, .hidden = 5, .outputs = 1, .no_output_bias = true};
    const size_t W = jd_net_weights(&shape), n = (size_t)w->a;
    workspace *s = open_workspace(j);
    double *weights = jd_alloc_array(j->ctx, n * W, sizeof *weights);
    if (!s || !weights) return jd_error(j->ctx);
    jd_rng r = jd_rng_new(1, "bench", 0);
    for (size_t i = 0; i < n * W; i++) weights[i] = jd_rng_normal(&r);
    s->nets = jd_population_new(j->ctx, &shape, n);
    jd_population_set(s->nets, 0, n, weights);
    jd_free(j->ctx, weights);
    s->fed = w->b;
    s->x = bench_random(j, (s->fed ? (size_t)STEPS : 1) * 4 * jd_population_stride(s->nets), -1, 1);
    s->y = bench_random(j, jd_population_stride(s->nets), 0, 1);
    j->step = run_nets;
    j->gflop = STEPS * (double)n * 2 * (9 * 5 + 5) / 1e9;
    return jd_error(j->ctx);
}

/* ---- 1024 carts with two poles, 20 control steps of two Runge-Kutta steps each ---------------------------------------------*/

static jd_status run_poles(bench_job *j)
{
    static const float rest[COPIES];
    float obs[6 * COPIES], reward[COPIES];
    uint8_t terminated[COPIES], truncated[COPIES];
    const workspace *s = j->state;
    for (size_t i = 0; i < COPIES; i++) jd_env_reset(s->env, i, 0, NULL);
    for (int t = 0; t < HELD; t++) jd_env_step(s->env, rest, obs, reward, terminated, truncated);
    return jd_error(j->ctx);
}

static jd_status make_poles(const bench_workload *w, bench_job *j)
{
    (void)w;
    workspace *s = open_workspace(j);
    if (s) s->env = jd_env_new(j->ctx, "double-pole", &(jd_env_options){.count = COPIES});
    j->step = run_poles;
    return jd_error(j->ctx);
}

/* ---- a recurrent networks of 3 hidden units at the poles, an episode of 1,000 steps each ---------------------------------------*/

static jd_status run_episodes(bench_job *j)
{
    const workspace *s = j->state;
    return jd_rollout_run(s->rollout, s->weights, false, s->n, NULL, 0, EPISODE, s->score, NULL);
}

/* All networks are one that lasts, so that all episodes have all steps; a search finds it. */
static jd_status find_one(bench_job *j, workspace *s)
{
    size_t n;
    const double *x;
    s->search = jd_search_new(j->ctx, &(jd_search_options){.method = JD_SEARCH_XNES,
                                                           .dim = s->dim,
                                                           .sigma = .3,
                                                           .budget = 20000,
                                                           .has_target = true,
                                                           .target = EPISODE});
    while ((x = jd_search_ask(s->search, &n)) != NULL && n <= s->n) {
        jd_rollout_run(s->rollout, x, false, n, NULL, 0, EPISODE, s->score, NULL);
        jd_search_tell(s->search, s->score);
    }
    double score = 0;
    const double *best = jd_error(j->ctx) ? NULL : jd_search_best(s->search, &score);
    if (best && score < EPISODE) return jd_fail(j->ctx, JD_EINTERNAL, "bench: no network balances %d steps", EPISODE);
    for (size_t i = 0; best && i < s->n; i++) memcpy(s->weights + i * s->dim, best, s->dim * sizeof *best);
    return jd_error(j->ctx);
}

static jd_status make_episodes(const bench_workload *w, bench_job *j)
{
    workspace *s = open_workspace(j);
    if (!s) return jd_error(j->ctx);
    s->n = (size_t)w->a;
    s->rollout = jd_rollout_new(j->ctx, &(jd_rollout_options){.env = "double-pole", .net = {.hidden = 3}});
    s->dim = jd_rollout_weights(s->rollout);
    s->score = jd_alloc_array(j->ctx, s->n, sizeof *s->score);
    s->weights = jd_alloc_array(j->ctx, s->n, s->dim * sizeof *s->weights);
    j->step = run_episodes;
    return jd_error(j->ctx) ? jd_error(j->ctx) : find_one(j, s);
}

/* ---- one generation of separable NES on the sphere: a dimensions, b candidates ----------------------------------------------*/

static double sphere(const double *x, size_t n)
{
    double part[8] = {0}, sum = 0;
    for (size_t i = 0; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) part[k] += x[i + k] * x[i + k];
    for (size_t k = 0; k < 8; k++) sum += part[k];
    for (size_t i = n / 8 * 8; i < n; i++) sum += x[i] * x[i];
    return sum;
}

static jd_status run_snes(bench_job *j)
{
    const workspace *s = j->state;
    size_t n;
    const double *x = jd_search_ask(s->search, &n);
    for (size_t i = 0; x && i < n; i++) s->score[i] = sphere(x + i * s->dim, s->dim);
    return jd_search_tell(s->search, s->score);
}

static jd_status make_snes(const bench_workload *w, bench_job *j)
{
    workspace *s = open_workspace(j);
    if (!s) return jd_error(j->ctx);
    s->dim = (size_t)w->a;
    s->score = jd_alloc_array(j->ctx, (size_t)w->b, sizeof *s->score);
    /* A restart keeps it going: the sphere is found after some ten thousand generations. */
    s->search = jd_search_new(
        j->ctx,
        &(jd_search_options){
            .method = JD_SEARCH_SNES, .dim = s->dim, .population = (size_t)w->b, .minimize = true, .restart = true});
    j->step = run_snes;
    return jd_error(j->ctx);
}

const bench_workload bench_search[] = {
    {"controller_p1000", "1000 recurrent controllers, 100 time steps, held inputs", make_nets, 1000, 0, 0, 0.204e-3},
    {"controller_p1000_fed", "the same, new inputs at each step", make_nets, 1000, 1, 0, 0.204e-3},
    {"controller_p100000", "100,000 of them", make_nets, 100000, 0, 0, 0},
    {"episodes_p1000", "1000 recurrent networks balance two poles for 1,000 steps", make_episodes, 1000, 0, 0, 0},
    {"episodes_p100000", "100,000 of them", make_episodes, 100000, 0, 0, 0},
    {"double_pole", "20 steps of 1024 carts with two poles (5 M steps a second)", make_poles, 0, 0, 0, 4.096e-3},
    {"snes_d1000_l100", "a generation of separable NES (NumPy / 20)", make_snes, 1000, 100, 0, 3.3e-3 / 20},
    {"snes_d10000_l100", "", make_snes, 10000, 100, 0, 24.7e-3 / 20},
    {0},
};
