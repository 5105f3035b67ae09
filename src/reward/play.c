/* play.c - see play.h. */
#include "reward/play.h"

#include <string.h>

enum { ENVIRONMENT_LIMIT = 1 << 24, FIRST = 256 };

jd_status jd__stage_open(jd_stage *s, jd_ctx *ctx, const char *env, const jd_env_options *o, bool see_action)
{
    *s = (jd_stage){.ctx = ctx, .name = env, .o = *o, .see_action = see_action};
    s->o.count = 1;
    jd_env *e = jd_env_new(ctx, env, &s->o);
    if (!e) return jd_error(ctx);
    s->see = jd_env_observation(e);
    s->act = jd_env_action(e);
    s->state = jd_env_state_size(e);
    s->input = s->see.size;
    if (see_action) s->input += s->act.choices ? s->act.choices : s->act.size;
    jd_env_free(e);
    return JD_OK;
}

static void forget(jd_stage *s)
{
    jd_env_free(s->env);
    void *const owned[] = {s->obs, s->action, s->reward, s->states, s->length, s->terminated,
                           s->end, s->late,   s->over,   s->now,    s->did,    s->got};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(s->ctx, owned[i]);
    s->env = NULL;
    s->obs = s->action = s->reward = s->now = s->did = s->got = NULL;
    s->states = NULL;
    s->length = NULL;
    s->terminated = s->end = s->late = s->over = NULL;
    s->copies = s->capacity = 0;
}

void jd__stage_close(jd_stage *s)
{
    if (s->ctx) forget(s);
}

static jd_status assemble(jd_stage *s, int64_t n)
{
    if (s->copies == n) return jd_error(s->ctx);
    forget(s);
    const size_t N = (size_t)n;
    s->o.count = N;
    s->env = jd_env_new(s->ctx, s->name, &s->o);
    s->length = jd_alloc_array(s->ctx, N, sizeof *s->length);
    s->terminated = jd_alloc_array(s->ctx, N, 1);
    s->end = jd_alloc_array(s->ctx, N, 1);
    s->late = jd_alloc_array(s->ctx, N, 1);
    s->over = jd_alloc_array(s->ctx, N, 1);
    s->now = jd_alloc_array(s->ctx, N * (size_t)s->see.size, sizeof *s->now);
    s->did = jd_alloc_array(s->ctx, N * (size_t)s->act.size, sizeof *s->did);
    s->got = jd_alloc_array(s->ctx, N, sizeof *s->got);
    if (!jd_error(s->ctx)) s->copies = n;
    return jd_error(s->ctx);
}

static void *longer(jd_stage *s, void *p, int64_t steps, size_t row, size_t size)
{
    const size_t bytes = (size_t)s->copies * row * size;
    return jd_realloc(s->ctx, p, (size_t)s->capacity * bytes, (size_t)steps * bytes);
}

/* Room for one more step. */
static jd_status make_room(jd_stage *s, int64_t t, bool states)
{
    if (t < s->capacity && (!states || s->states)) return JD_OK;
    const int64_t steps = t < s->capacity ? s->capacity : s->capacity ? 2 * s->capacity : FIRST;
    void *p;
    if (steps > s->capacity) {
        if ((p = longer(s, s->obs, steps, (size_t)s->input, sizeof *s->obs))) s->obs = p;
        if (p && (p = longer(s, s->action, steps, (size_t)s->act.size, sizeof *s->action))) s->action = p;
        if (p && (p = longer(s, s->reward, steps, 1, sizeof *s->reward))) s->reward = p;
        if (!p) return jd_error(s->ctx);
    }
    if (states || s->states) {
        const int64_t had = s->capacity;
        if (!s->states) s->capacity = 0;
        p = longer(s, s->states, steps, (size_t)s->state, sizeof *s->states);
        s->capacity = had;
        if (!p) return jd_error(s->ctx);
        s->states = p;
    }
    s->capacity = steps;
    return JD_OK;
}

void jd__stage_see_action(const jd_stage *s, const float *did, float *in)
{
    const int extra = s->input - s->see.size;
    for (int k = 0; k < extra; k++) in[k] = !did ? 0 : s->act.choices ? (float)(k == (int)did[0]) : did[k];
}

/* What the networks see at time t, as a row of the record. */
static void look(jd_stage *s, int64_t t, bool states)
{
    const int O = s->see.size, A = s->act.size;
    for (int64_t i = 0; i < s->copies; i++) {
        float *in = s->obs + (t * s->copies + i) * s->input;
        memset(in, 0, (size_t)s->input * sizeof *in);
        if (states) jd_env_get_state(s->env, (size_t)i, s->states + (t * s->copies + i) * s->state);
        if (s->over[i]) continue;
        memcpy(in, s->now + i * O, (size_t)O * sizeof *in);
        jd__stage_see_action(s, t ? s->did + i * A : NULL, in + O);
    }
}

static int64_t act(jd_stage *s, int64_t t, int64_t limit)
{
    int64_t alive = 0;
    const int A = s->act.size;
    if (jd_env_step(s->env, s->did, s->now, s->got, s->end, s->late)) return 0;
    for (int64_t i = 0; i < s->copies; i++) {
        const bool acted = !s->over[i];
        for (int k = 0; k < A; k++) s->action[(t * s->copies + i) * A + k] = acted ? s->did[i * A + k] : -1;
        s->reward[t * s->copies + i] = acted ? s->got[i] : 0;
        if (!acted) continue;
        s->terminated[i] = s->end[i];
        s->length[i] = (int32_t)(t + 1);
        s->over[i] = s->end[i] || s->late[i] || t + 1 >= limit;
        alive += !s->over[i];
    }
    return alive;
}

jd_status jd__stage_play(jd_stage *s, int64_t n, const jd_play_options *o, jd__actor *actor, void *user)
{
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    if (n < 1 || o->time_limit < 0 || o->time_limit > ENVIRONMENT_LIMIT)
        return jd_fail(s->ctx, JD_EUSAGE, "play: %s: %lld episodes of %lld steps; give at least 1, of at most %d",
                       s->name, (long long)n, (long long)o->time_limit, ENVIRONMENT_LIMIT);
    if (assemble(s, n)) return jd_error(s->ctx);
    const int64_t limit = o->time_limit ? o->time_limit : jd_env_time_limit(s->env);
    for (int64_t i = 0; i < n; i++) {
        jd_env_reset(s->env, (size_t)i, o->seed + (uint64_t)i, s->now + i * s->see.size);
        s->length[i] = 0;
        s->terminated[i] = s->over[i] = 0;
    }
    int64_t t = 0;
    for (bool alive = true; alive; t++) {
        if (make_room(s, t, o->states)) return jd_error(s->ctx);
        look(s, t, o->states);
        actor(user, t, s->obs + t * n * s->input, s->did);
        alive = act(s, t, limit) > 0;
        if (jd_error(s->ctx)) return jd_error(s->ctx);
    }
    s->e = (jd_episodes){.n = n,
                         .T = t,
                         .input = s->input,
                         .action = s->act.size,
                         .state = s->state,
                         .obs = s->obs,
                         .act = s->action,
                         .reward = s->reward,
                         .states = o->states ? s->states : NULL,
                         .length = s->length,
                         .terminated = s->terminated};
    return JD_OK;
}

double jd_episode_return(const jd_episodes *e, int64_t i)
{
    if (!e) return 0;
    double sum = 0;
    for (int64_t t = 0; t < e->length[i]; t++) sum += (double)e->reward[t * e->n + i];
    return sum;
}
