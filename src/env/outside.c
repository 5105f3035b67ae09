/*
 * outside.c - environments that are computed elsewhere: by a library, or by processes of their own.
 *
 * The copies are stepped together: all get their actions, then all answers are awaited, then all threads make the
 * observations.  Where the state is not all there is, a snapshot holds the list of actions; restoring it repeats them and
 * compares the states.
 */
#include <math.h>
#include <string.h>

#include "env/env.h"
#include "env/torcs.h"

enum { TERMINATED = 1, TRUNCATED = 2 };

jd_status jd__outside_picture(const jd_env *e, int usual_side, double usual_period, int *side, int *ticks)
{
    const double period = jd__env_period(&e->o, usual_period), n = period * 50;
    *side = e->o.picture ? e->o.picture : usual_side;
    *ticks = (int)(n + .5);
    if (*side >= 16 && *side <= 256 && n > .999 && n < 500.001 && fabs(n - floor(n + .5)) <= 1e-6) return JD_OK;
    return jd_fail(e->ctx, JD_EUSAGE,
                   "env: %s: pictures of %d x %d pixels every %g s; give 16 to 256 pixels and a multiple of 0.02 s "
                   "up to 10 s",
                   e->kind->name, *side, *side, period);
}

jd_status jd__outside_open(jd_env *e)
{
    const size_t n = e->o.count, A = (size_t)e->kind->action, limit = (size_t)e->o.time_limit;
    if (limit > 1000000)
        return jd_fail(e->ctx, JD_EUSAGE, "env: %s: a time limit of %zu steps; at most 1000000", e->kind->name, limit);
    e->row = jd_alloc_array(e->ctx, n, (size_t)e->kind->state * sizeof *e->row);
    if (!e->kind->outside->whole) e->past = jd_alloc_array(e->ctx, n, limit * A * sizeof *e->past);
    e->go = jd_alloc_array(e->ctx, n, 1);
    e->ended = jd_alloc_array(e->ctx, n, 1);
    return jd_error(e->ctx) ? jd_error(e->ctx) : e->kind->outside->open(e);
}

void jd__outside_close(jd_env *e)
{
    if (!e->kind->outside) return;
    e->kind->outside->close(e);
    jd_free(e->ctx, e->row);
    jd_free(e->ctx, e->past);
    jd_free(e->ctx, e->go);
    jd_free(e->ctx, e->ended);
}

static void store(jd_env *e, size_t i)
{
    const int n = e->kind->state;
    double *s = e->block[i / JD_LANES].s + i % JD_LANES;
    for (int k = 0; k < n; k++) s[k * JD_LANES] = e->row[i * (size_t)n + (size_t)k];
}

jd_status jd__outside_reset(jd_env *e, size_t i, uint64_t seed, float *obs)
{
    jd_env_block *b = &e->block[i / JD_LANES];
    double *row = e->row + i * (size_t)e->kind->state;
    if (e->kind->outside->start(e, i, seed, row)) return jd_error(e->ctx);
    b->t[i % JD_LANES] = 0;
    b->over[i % JD_LANES] = 0;
    store(e, i);
    if (obs) e->kind->outside->look(e, row, obs);
    return JD_OK;
}

/* The copies with `go` take one step. */
static void advance(jd_env *e, const float *action, float *reward)
{
    const size_t A = (size_t)e->kind->action;
    memset(e->ended, 0, e->o.count);
    e->kind->outside->step(e, e->go, action, e->row, reward, e->ended);
    for (size_t i = 0; i < e->o.count; i++) {
        if (!e->go[i]) continue;
        int64_t *t = &e->block[i / JD_LANES].t[i % JD_LANES];
        if (e->past)
            memcpy(e->past + (i * (size_t)e->o.time_limit + (size_t)*t) * A, action + i * A, A * sizeof *action);
        ++*t;
        e->block[i / JD_LANES].over[i % JD_LANES] = e->ended[i] ? TERMINATED : *t >= e->o.time_limit ? TRUNCATED : 0;
        store(e, i);
    }
}

typedef struct looks {
    const jd_env *e;
    float *obs;
} looks;

static void look(void *user, const jd_worker *w)
{
    const looks *l = user;
    const jd_env *e = l->e;
    size_t begin, end;
    jd_share(w, e->o.count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        e->kind->outside->look(e, e->row + i * (size_t)e->kind->state, l->obs + i * (size_t)e->observation);
}

jd_status jd__outside_step(jd_env *e, const float *action, float *obs, float *reward, uint8_t *terminated,
                           uint8_t *truncated)
{
    jd_team *team = jd__ctx_team(e->ctx);
    if (!team) return jd_error(e->ctx);
    for (size_t i = 0; i < e->o.count; i++) e->go[i] = !e->block[i / JD_LANES].over[i % JD_LANES];
    memset(reward, 0, e->o.count * sizeof *reward);
    advance(e, action, reward);
    looks l = {e, obs};
    jd_team_run(team, look, &l);
    for (size_t i = 0; i < e->o.count; i++) {
        const uint8_t over = e->block[i / JD_LANES].over[i % JD_LANES];
        terminated[i] = over == TERMINATED;
        truncated[i] = over == TRUNCATED;
    }
    return JD_OK;
}

void jd__outside_put(jd_env *e, size_t i, const double *state)
{
    const size_t n = (size_t)e->kind->state;
    memcpy(e->row + i * n, state, n * sizeof *state);
}

void jd__outside_past(const jd_env *e, size_t i, double *actions)
{
    const size_t A = (size_t)e->kind->action, all = (size_t)e->o.time_limit * A;
    const size_t done = (size_t)e->block[i / JD_LANES].t[i % JD_LANES] * A;
    for (size_t k = 0; k < all; k++) actions[k] = k < done ? (double)e->past[i * all + k] : 0;
}

jd_status jd__outside_repeat(jd_env *e, size_t i, const double *snapshot)
{
    const size_t A = (size_t)e->kind->action, S = (size_t)e->kind->state, n = e->o.count;
    const double *state = snapshot + 2, *past = state + S;
    if (snapshot[0] > (double)e->o.time_limit)
        return jd_fail(e->ctx, JD_EUSAGE, "env: %s: a snapshot of %.0f steps; the time limit is %lld", e->kind->name,
                       snapshot[0], (long long)e->o.time_limit);
    float *action = jd_alloc_array(e->ctx, n, A * sizeof *action), *reward = jd_alloc_array(e->ctx, n, sizeof *reward);
    if (action && reward && !jd__outside_reset(e, i, 0, NULL)) {
        memset(e->go, 0, n);
        e->go[i] = 1;
        for (size_t t = 0; t < (size_t)snapshot[0]; t++) {
            for (size_t k = 0; k < A; k++) action[i * A + k] = (float)past[t * A + k];
            advance(e, action, reward);
        }
        if (memcmp(e->row + i * S, state, S * sizeof *state))
            jd_fail(e->ctx, JD_EDATA,
                    "env: %s: the repeated actions led elsewhere; the snapshot is of another machine, version or track",
                    e->kind->name);
    }
    jd_free(e->ctx, action);
    jd_free(e->ctx, reward);
    return jd_error(e->ctx);
}

double *jd_env_road(const jd_env *e, size_t *n, double *length)
{
    if (!e || jd_error(e->ctx)) return NULL;
    if (!e->kind->outside || !e->kind->outside->road) {
        jd_fail(e->ctx, JD_EUSAGE, "env: %s has no road", e->kind->name);
        return NULL;
    }
    const torcs_road *road = e->kind->outside->road(e);
    double *out = jd_alloc_array(e->ctx, (size_t)road->sections, 3 * sizeof *out);
    for (int i = 0; out && i < road->sections; i++) {
        const torcs_section *s = &road->section[i];
        out[3 * i] = ((double)s->left[0] + (double)s->right[0]) / 2;
        out[3 * i + 1] = ((double)s->left[1] + (double)s->right[1]) / 2;
        out[3 * i + 2] = hypot((double)s->left[0] - (double)s->right[0], (double)s->left[1] - (double)s->right[1]);
    }
    *n = out ? (size_t)road->sections : 0;
    *length = (double)road->length;
    return out;
}
