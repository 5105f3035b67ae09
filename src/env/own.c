/* own.c - environments that a program brings along, as the others are: in lanes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "env/env.h"

struct jd_own {
    jd_env_own o;
    jd_env_kind kind;
    char name[64];
    float low[JD_ENV_OBSERVATION], high[JD_ENV_OBSERVATION], action_low[JD_ENV_ACTION], action_high[JD_ENV_ACTION];
};

static void take(const double *s, int n, double *state)
{
    for (int k = 0; k < n; k++) state[k] = s[k * JD_LANES];
}

static void put(const double *state, int n, double *s)
{
    for (int k = 0; k < n; k++) s[k * JD_LANES] = state[k];
}

static int64_t limit(const jd_env_options *o)
{
    return o->own->time_limit;
}

static void start(const jd_env *e, double *s, uint64_t seed)
{
    const jd_env_own *o = &e->own->o;
    double state[JD_ENV_STATE] = {0};
    o->start(o->user, seed, state);
    put(state, o->state, s);
}

static bool valid(const jd_env *e, const double *s)
{
    const jd_env_own *o = &e->own->o;
    double state[JD_ENV_STATE];
    take(s, o->state, state);
    return !o->valid || o->valid(o->user, state);
}

static void draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const jd_env_own *o = &e->own->o;
    double state[JD_ENV_STATE];
    take(s, o->state, state);
    if (o->draw) o->draw(o->user, state, c->rgb, c->w, c->h);
}

/* What is done: numbers, within their bounds, or one of the choices. */
static float within(const struct jd_own *own, int k, float a)
{
    if (own->o.choices) return a >= 0 && a < (float)own->o.choices ? floorf(a) : 0;
    if (!(a == a)) a = 0;
    return fminf(fmaxf(a, own->action_low[k]), own->action_high[k]);
}

/* Lanes that are over come with ended set. */
static void step_each(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    const jd_env_own *o = &e->own->o;
    for (int l = 0; l < JD_LANES; l++) {
        double state[JD_ENV_STATE];
        float a[JD_ENV_ACTION];
        bool over = false;
        if (ended[l]) continue;
        for (int k = 0; k < o->action; k++) a[k] = within(e->own, k, action[k * JD_LANES + l]);
        take(s + l, o->state, state);
        reward[l] = (float)o->step(o->user, state, a, &over);
        ended[l] = over;
        put(state, o->state, s + l);
    }
}

static void observe_each(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    const jd_env_own *o = &e->own->o;
    (void)t;
    for (int l = 0; l < JD_LANES; l++) {
        double state[JD_ENV_STATE];
        float see[JD_ENV_OBSERVATION];
        take(s + l, o->state, state);
        o->observe(o->user, state, see);
        for (int k = 0; k < o->observation; k++) obs[k * JD_LANES + l] = see[k];
    }
}

static void step_lanes(const jd_env *e, double *s, const float *action, float *reward, uint8_t *ended)
{
    const jd_env_own *o = &e->own->o;
    float a[JD_ENV_ACTION * JD_LANES];
    for (int k = 0; k < o->action; k++)
        for (int l = 0; l < JD_LANES; l++) a[k * JD_LANES + l] = within(e->own, k, action[k * JD_LANES + l]);
    o->step_lanes(o->user, s, a, reward, ended);
}

static void observe_lanes(const jd_env *e, const double *s, const int64_t *t, float *obs)
{
    (void)t;
    e->own->o.observe_lanes(e->own->o.user, s, obs);
}

static void bounds(const float *given, int n, float otherwise, float *out)
{
    for (int k = 0; k < n; k++) out[k] = given ? given[k] : otherwise;
}

static jd_status check(jd_ctx *ctx, const jd_env_own *o, const char *name)
{
    if (o->state < 1 || o->state > JD_ENV_STATE || o->observation < 1 || o->observation > JD_ENV_OBSERVATION ||
        o->action < 1 || o->action > JD_ENV_ACTION || o->choices < 0 || o->choices == 1 || o->time_limit < 1)
        return jd_fail(
            ctx, JD_EUSAGE,
            "env: %s: %d numbers of state, %d observed, %d actions, %d choices, %lld steps; there are 1 to %d "
            "of state, 1 to %d observed, 1 to %d actions, no choices or 2 and more, 1 step and more",
            name, o->state, o->observation, o->action, o->choices, (long long)o->time_limit, JD_ENV_STATE,
            JD_ENV_OBSERVATION, JD_ENV_ACTION);
    if (o->choices && o->action != 1)
        return jd_fail(ctx, JD_EUSAGE, "env: %s: %d actions with choices; a choice is one action", name, o->action);
    if (!o->start || (!o->step && !o->step_lanes) || (!o->observe && !o->observe_lanes))
        return jd_fail(ctx, JD_EUSAGE, "env: %s: start, step and observe are needed, the last two alone or in lanes",
                       name);
    for (int k = 0; !o->choices && o->action_low && o->action_high && k < o->action; k++)
        if (!(o->action_low[k] < o->action_high[k]))
            return jd_fail(ctx, JD_EUSAGE, "env: %s: action %d lies between %g and %g", name, k,
                           (double)o->action_low[k], (double)o->action_high[k]);
    return JD_OK;
}

struct jd_own *jd__own_new(jd_ctx *ctx, const jd_env_own *o, const char *name)
{
    if (check(ctx, o, name)) return NULL;
    struct jd_own *own = jd_alloc(ctx, sizeof *own);
    if (!own) return NULL;
    own->o = *o;
    snprintf(own->name, sizeof own->name, "%s", name);
    bounds(o->low, o->observation, -INFINITY, own->low);
    bounds(o->high, o->observation, INFINITY, own->high);
    bounds(o->action_low, o->action, -1, own->action_low);
    bounds(o->action_high, o->action, 1, own->action_high);
    own->kind = (jd_env_kind){.name = own->name,
                              .state = o->state,
                              .observation = o->observation,
                              .action = o->action,
                              .choices = o->choices,
                              .low = own->low,
                              .high = own->high,
                              .action_low = o->choices ? NULL : own->action_low,
                              .action_high = o->choices ? NULL : own->action_high,
                              .limit = limit,
                              .start = start,
                              .valid = valid,
                              .draw = draw,
                              .step = o->step_lanes ? step_lanes : step_each,
                              .observe = o->observe_lanes ? observe_lanes : observe_each};
    return own;
}

const jd_env_kind *jd__own_kind(const struct jd_own *own)
{
    return &own->kind;
}
