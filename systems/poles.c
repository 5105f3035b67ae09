/* poles.c - what a network earns at the poles; see poles.h. */
#include "poles.h"

#include <string.h>

#define DEGREE (3.14159265358979323846 / 180)

struct poles_judge {
    jd_ctx *ctx;
    bool blind;
    jd_rollout *fit, *plain;
    size_t capacity; /* of networks in the room for starts */
    double *start;   /* (capacity, 625, 6) */
    double *weights; /* (capacity, 625, W) */
    int64_t *steps;  /* (capacity, 625) */
};

/* ---- damping ----------------------------------------------------------------------------------------------------------*/

enum { X, V, T1, W1, WINDOW = 101 }; /* steps t - 100 .. t */

static double unrest(const double *s)
{
    return fabs(s[X]) + fabs(s[V]) + fabs(s[T1]) + fabs(s[W1]);
}

static void watch(void *user, double *memory, int64_t t, const double *state)
{
    (void)user;
    if (t == 1) memory[0] = 4.5 * DEGREE; /* the start counts while it is within the window */
    memory[t % WINDOW] = unrest(state);
}

static double damped(void *user, const double *memory, int64_t steps, double reward)
{
    (void)user;
    (void)reward;
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) sum += memory[i];
    return .1 * (double)steps / POLES_SHORT + (steps < 100 ? 0 : .9 * .75 / fmax(sum, 1e-9));
}

/* ---- judging ----------------------------------------------------------------------------------------------------------*/

poles_judge *poles_judge_new(jd_ctx *ctx, bool blind, const jd_net_shape *net)
{
    poles_judge *j = jd_alloc(ctx, sizeof *j);
    if (!j) return NULL;
    jd_rollout_options o = {.env = blind ? "double-pole-no-velocity" : "double-pole", .net = *net};
    j->ctx = ctx;
    j->blind = blind;
    j->plain = jd_rollout_new(ctx, &o);
    o.memory_size = WINDOW;
    o.watch = watch;
    o.score = damped;
    j->fit = blind ? jd_rollout_new(ctx, &o) : NULL;
    if (!jd_error(ctx)) return j;
    poles_judge_free(j);
    return NULL;
}

void poles_judge_free(poles_judge *j)
{
    if (!j) return;
    jd_rollout_free(j->fit);
    jd_rollout_free(j->plain);
    jd_free(j->ctx, j->start);
    jd_free(j->ctx, j->weights);
    jd_free(j->ctx, j->steps);
    jd_free(j->ctx, j);
}

size_t poles_weights(const poles_judge *j)
{
    return jd_rollout_weights(j->plain);
}

jd_status poles_earn(poles_judge *j, const double *weights, size_t n, double *score, int64_t *steps)
{
    if (j->blind) return jd_rollout_run(j->fit, weights, false, n, NULL, 0, POLES_SHORT, score, steps);
    return jd_rollout_run(j->plain, weights, false, n, NULL, 0, POLES_STEPS, score, steps);
}

jd_status poles_endure(poles_judge *j, const double *weights, size_t n, int64_t *steps)
{
    return jd_rollout_run(j->plain, weights, false, n, NULL, 0, POLES_STEPS, NULL, steps);
}

void poles_start(int i, double state[6])
{
    static const double place[5] = {.05, .25, .5, .75, .95}, range[4] = {2.16, 1.35, 3.6 * DEGREE, 8.6 * DEGREE};
    memset(state, 0, 6 * sizeof *state);
    for (int k = 3; k >= 0; k--, i /= 5) state[k] = (2 * place[i % 5] - 1) * range[k];
}

static jd_status room(poles_judge *j, size_t n)
{
    if (n <= j->capacity) return JD_OK;
    const size_t episodes = n * POLES_STARTS, W = poles_weights(j);
    jd_free(j->ctx, j->start);
    jd_free(j->ctx, j->weights);
    jd_free(j->ctx, j->steps);
    j->start = jd_alloc_array(j->ctx, episodes * 6, sizeof *j->start);
    j->weights = jd_alloc_array(j->ctx, episodes * W, sizeof *j->weights);
    j->steps = jd_alloc_array(j->ctx, episodes, sizeof *j->steps);
    j->capacity = jd_error(j->ctx) ? 0 : n;
    for (size_t i = 0; i < j->capacity * POLES_STARTS; i++) poles_start((int)(i % POLES_STARTS), j->start + i * 6);
    return jd_error(j->ctx);
}

jd_status poles_generalise(poles_judge *j, const double *weights, size_t n, int *starts, int64_t *steps)
{
    const size_t W = poles_weights(j);
    if (room(j, n)) return jd_error(j->ctx);
    for (size_t i = 0; i < n * POLES_STARTS; i++)
        memcpy(j->weights + i * W, weights + i / POLES_STARTS * W, W * sizeof *weights);
    if (jd_rollout_run(j->plain, j->weights, false, n * POLES_STARTS, j->start, 0, POLES_SHORT, NULL, j->steps))
        return jd_error(j->ctx);
    for (size_t i = 0; i < n; i++) {
        starts[i] = 0;
        for (int k = 0; k < POLES_STARTS; k++) starts[i] += j->steps[i * POLES_STARTS + (size_t)k] >= POLES_SHORT;
    }
    if (steps) memcpy(steps, j->steps, n * POLES_STARTS * sizeof *steps);
    return JD_OK;
}
