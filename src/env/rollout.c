/*
 * rollout.c - networks that act: 16 candidates at once in the lanes of a block, blocks on all threads.
 *
 * Which lane a candidate runs in, and beside whom, is left to chance (the next free lane takes it), because no lane sees
 * another.
 */
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "env/rollout.h"
#include "jackdaw/ranks.h"

static jd_status make(jd_rollout *r)
{
    jd_ctx *ctx = r->ctx;
    const size_t memory = (size_t)r->o.memory_size;
    r->lane = jd_alloc_array(ctx, (size_t)r->threads, sizeof *r->lane);
    for (int i = 0; r->lane && i < r->threads; i++) {
        jd__rollout_lanes *a = &r->lane[i];
        a->env = jd_env_new(ctx, r->o.env, &r->o.env_options);
        a->w = jd_alloc_array(ctx, r->W * JD_LANES, sizeof *a->w);
        a->h = jd_alloc_array(ctx, (2 * (size_t)r->net.hidden + 1) * JD_LANES, sizeof *a->h);
        a->obs = jd_alloc_array(ctx, (size_t)r->net.inputs * JD_LANES, sizeof *a->obs);
        a->act = jd_alloc_array(ctx, (size_t)r->net.outputs * JD_LANES, sizeof *a->act);
        a->memory = jd_alloc_array(ctx, (memory + 1) * JD_LANES, sizeof *a->memory);
    }
    return jd_error(ctx);
}

jd_rollout *jd_rollout_new(jd_ctx *ctx, const jd_rollout_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx)) return NULL;
    jd_env *e = jd_env_new(ctx, o->env, &o->env_options);
    if (!e) return NULL;
    const jd_space see = jd_env_observation(e), act = jd_env_action(e);
    const int outputs = act.choices ? act.choices : act.size;
    const bool outside = e->kind->outside;
    char name[64];
    snprintf(name, sizeof name, "%s", e->kind->name);
    jd_env_free(e);
    if (outside) {
        jd_fail(ctx, JD_EUSAGE, "rollout: %s is not computed in lanes; step it with jd_env_step", name);
        return NULL;
    }
    jd_net_shape shape = o->net;
    if (!shape.inputs) shape.inputs = see.size;
    if (!shape.outputs) shape.outputs = outputs;
    if (!jd_net_weights(&shape) || shape.inputs != see.size || shape.outputs != outputs || o->memory_size < 0) {
        jd_fail(ctx, JD_EUSAGE,
                "rollout: a network of %d inputs, %d hidden units and %d outputs; %s gives %d numbers and takes %d; "
                "hidden units are 0 to %d, memory_size at least 0",
                shape.inputs, shape.hidden, shape.outputs, name, see.size, outputs, JD_NET_MAX);
        return NULL;
    }
    jd_rollout *r = jd_alloc(ctx, sizeof *r);
    if (!r) return NULL;
    r->ctx = ctx;
    r->o = *o;
    r->o.net = shape;
    r->o.env_options.count = JD_LANES;
    r->net = jd__lane_net(&shape);
    r->W = jd_net_weights(&shape);
    r->threads = ctx->threads;
    if (make(r)) {
        jd_rollout_free(r);
        return NULL;
    }
    r->o.env_options.own = NULL; /* copied by the environments */
    if (r->lane[0].env->kind->poles)
        r->kernel = jd__device_population(ctx, "rollout", &r->net);
    else
        jd__device_leave(ctx, "rollouts of %s", name);
    return r;
}

void jd_rollout_free(jd_rollout *r)
{
    if (!r) return;
    jd__rollout_device_free(r);
    for (int i = 0; r->lane && i < r->threads; i++) {
        jd__rollout_lanes *a = &r->lane[i];
        jd_env_free(a->env);
        void *const owned[] = {a->w, a->h, a->obs, a->act, a->memory};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) jd_free(r->ctx, owned[k]);
    }
    jd_free(r->ctx, r->lane);
    jd_free(r->ctx, r);
}

const char *jd_rollout_kernel(const jd_rollout *r)
{
    return r && r->kernel ? r->kernel : "CPU";
}

size_t jd_rollout_weights(const jd_rollout *r)
{
    return r ? r->W : 0;
}

/* A lane begins with candidate k. */
static void enter(const jd__rollout_job *j, jd__rollout_lanes *a, int lane, size_t k)
{
    const jd_rollout *r = j->r;
    jd_env_block *b = &a->env->block[0];
    const int S = a->env->kind->state;
    jd__net_lane(&r->o.net, j->weights + (j->same ? 0 : k * r->W), a->w, lane);
    for (int i = 0; i < 2 * r->net.hidden; i++) a->h[i * JD_LANES + lane] = 0;
    memset(a->memory + lane * r->o.memory_size, 0, (size_t)r->o.memory_size * sizeof *a->memory);
    jd__env_start_lane(a->env, b, lane, j->seed);
    for (int i = 0; j->start && i < S; i++) b->s[i * JD_LANES + lane] = j->start[k * (size_t)S + (size_t)i];
}

/* The largest output of each lane, the first of equal ones. */
static void decide(const jd_rollout *r, float *act)
{
    for (int l = 0; l < JD_LANES; l++) {
        int best = 0;
        for (int o = 1; o < r->net.outputs; o++)
            if (act[o * JD_LANES + l] > act[best * JD_LANES + l]) best = o;
        act[l] = (float)best;
    }
}

static void watch(const jd_rollout *r, jd__rollout_lanes *a, const uint8_t *was_over)
{
    const jd_env_block *b = &a->env->block[0];
    for (int l = 0; l < JD_LANES; l++) {
        double state[JD_ENV_STATE];
        if (was_over[l]) continue;
        for (int k = 0; k < a->env->kind->state; k++) state[k] = b->s[k * JD_LANES + l];
        r->o.watch(r->o.user, a->memory + l * r->o.memory_size, b->t[l], state);
    }
}

static void play(jd__rollout_job *j, jd__rollout_lanes *a)
{
    const jd_rollout *r = j->r;
    jd_env_block *b = &a->env->block[0];
    size_t who[JD_LANES] = {0};
    double earned[JD_LANES] = {0};
    int busy = 0;
    memset(a->w, 0, r->W * JD_LANES * sizeof *a->w);
    memset(a->h, 0, 2 * (size_t)r->net.hidden * JD_LANES * sizeof *a->h);
    for (int l = 0; l < JD_LANES; l++) { /* a lane without a candidate has a state all the same */
        jd__env_start_lane(a->env, b, l, j->seed);
        b->over[l] = 1;
    }
    for (int l = 0; l < JD_LANES; l++) {
        who[l] = atomic_fetch_add(&j->next, 1);
        if (who[l] >= j->n) break;
        enter(j, a, l, who[l]);
        earned[l] = 0;
        busy++;
    }
    a->env->kind->observe(a->env, b->s, b->t, a->obs);
    while (busy) {
        float reward[JD_LANES];
        uint8_t was_over[JD_LANES];
        bool entered = false;
        memcpy(was_over, b->over, sizeof was_over);
        a->env->control->net(&r->net, 1, a->w, a->h, 1, a->obs, 0, a->act, 0);
        if (a->env->kind->choices) decide(r, a->act);
        jd__env_step_block(a->env, b, j->limit, a->act, a->obs, reward);
        if (r->o.watch) watch(r, a, was_over);
        for (int l = 0; l < JD_LANES; l++) {
            if (was_over[l]) continue;
            earned[l] += (double)reward[l];
            if (!b->over[l]) continue;
            if (j->steps) j->steps[who[l]] = b->t[l];
            if (j->score)
                j->score[who[l]] = r->o.score
                                       ? r->o.score(r->o.user, a->memory + l * r->o.memory_size, b->t[l], earned[l])
                                       : earned[l];
            who[l] = atomic_fetch_add(&j->next, 1);
            if (who[l] < j->n) {
                enter(j, a, l, who[l]);
                earned[l] = 0;
                entered = true;
            } else {
                busy--;
            }
        }
        if (entered) a->env->kind->observe(a->env, b->s, b->t, a->obs);
    }
}

static void play_share(void *user, const jd_worker *w)
{
    jd__rollout_job *j = user;
    if (w->id < j->r->threads) play(j, &j->r->lane[w->id]);
}

jd_status jd_rollout_run(jd_rollout *r, const double *weights, bool same, size_t n, const double *start, uint64_t seed,
                         int64_t time_limit, double *score, int64_t *steps)
{
    if (!r) return JD_EUSAGE;
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    if (time_limit < 0)
        return jd_fail(r->ctx, JD_EUSAGE, "rollout: a time limit of %lld steps; give 0 or more", (long long)time_limit);
    for (size_t i = 0; start && i < n; i++) /* refused before anything runs */
        if (jd_env_set_state(r->lane[0].env, 0, start + i * (size_t)jd_env_state_size(r->lane[0].env)))
            return jd_error(r->ctx);
    /* This rank's candidates; the others' scores are gathered. */
    size_t begin, end;
    jd_rank_share(r->ctx, n, &begin, &end);
    jd__rollout_job j = {.r = r,
                         .weights = weights ? weights + (same ? 0 : begin * r->W) : NULL,
                         .start = start ? start + begin * (size_t)jd_env_state_size(r->lane[0].env) : NULL,
                         .same = same,
                         .n = end - begin,
                         .seed = seed,
                         .limit = time_limit ? time_limit : jd_env_time_limit(r->lane[0].env),
                         .score = score ? score + begin : NULL,
                         .steps = steps ? steps + begin : NULL};
    atomic_init(&j.next, 0);
    jd_team *team = !r->kernel && r->threads > 1 && j.n > JD_LANES ? jd__ctx_team(r->ctx) : NULL;
    if (r->kernel)
        jd__rollout_run_there(&j);
    else if (team)
        jd_team_run(team, play_share, &j);
    else if (j.n)
        play_share(&j, &(jd_worker){0, 1, NULL});
    if (score) jd_ranks_gather(r->ctx, score, n, sizeof *score);
    if (steps) jd_ranks_gather(r->ctx, steps, n, sizeof *steps);
    return jd_error(r->ctx);
}
