/*
 * env.c - many copies of an environment.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "env/env.h"

static const jd_env_kind *const KIND[] = {&jd__env_single_pole, &jd__env_double_pole,     &jd__env_double_pole_blind,
                                          &jd__env_swing_up,    &jd__env_cart_pole_blind, &jd__env_cart_pole_cue,
                                          &jd__env_t_maze,      &jd__env_adding,          &jd__env_key_door,
                                          &jd__env_octopus,     &jd__env_octopus_vision,  &jd__env_torcs,
                                          &jd__env_drive,       &jd__env_racing,          &jd__env_mj_cart_pole,
                                          &jd__env_mj_hopper,   &jd__env_mj_reacher,      NULL};
enum { KINDS = sizeof KIND / sizeof *KIND - 1, TERMINATED = 1, TRUNCATED = 2, MAX_LENGTH = 100000 };

const char *jd_env_name(int i)
{
    return i >= 0 && i < KINDS ? KIND[i]->name : NULL;
}

static const jd_env_kind *find(jd_ctx *ctx, const char *name)
{
    const char *words[KINDS + 1] = {0};
    for (int i = 0; i < KINDS; i++) {
        if (!strcmp(KIND[i]->name, name)) return KIND[i];
        words[i] = KIND[i]->name;
    }
    const char *near = jd_nearest(name, words);
    char known[512] = "";
    for (int i = 0; i < KINDS; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), i ? ", %s" : "%s", KIND[i]->name);
    jd_fail(ctx, JD_EUSAGE, "env: no environment \"%s\"%s%s%s; there are %s", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "", known);
    return NULL;
}

static jd_status check_options(jd_ctx *ctx, const char *name, const jd_env_options *o)
{
    if (o->time_limit < 0 || o->length < 0 || o->length > MAX_LENGTH || o->count > SIZE_MAX / 2)
        return jd_fail(ctx, JD_EUSAGE, "env: %s: time limit %lld and length %d are 0 or more, the length at most %d",
                       name, (long long)o->time_limit, o->length, MAX_LENGTH);
    if (!(fabs(o->target[0]) <= 1e6 && fabs(o->target[1]) <= 1e6))
        return jd_fail(ctx, JD_EUSAGE, "env: %s: a target at %g, %g; give two numbers", name, o->target[0],
                       o->target[1]);
    return JD_OK;
}

static jd_status make_copies(jd_env *e)
{
    jd_ctx *ctx = e->ctx;
    const size_t state = (size_t)e->kind->state * JD_LANES;
    e->blocks = (e->o.count + JD_LANES - 1) / JD_LANES;
    e->block = jd_alloc_array(ctx, e->blocks, sizeof *e->block);
    e->s = jd_alloc_array(ctx, e->blocks, state * sizeof *e->s);
    if (jd_error(ctx)) return jd_error(ctx);
    e->observation = e->kind->observation;
    e->low = e->kind->low;
    e->high = e->kind->high;
    for (size_t b = 0; b < e->blocks; b++) {
        e->block[b].s = e->s + b * state;
        memset(e->block[b].over, TERMINATED, JD_LANES);
    }
    return e->kind->outside ? jd__outside_open(e) : JD_OK;
}

jd_env *jd_env_new(jd_ctx *ctx, const char *name, const jd_env_options *o)
{
    static const jd_env_options none;
    if (!o) o = &none;
    if (!name && o->own) name = o->own->name ? o->own->name : "own";
    if (!jd__given(ctx, __func__, "name", name)) return NULL;
    if (jd_error(ctx)) return NULL;
    const jd_env_kind *kind = o->own ? NULL : find(ctx, name);
    if ((!kind && !o->own) || check_options(ctx, name, o)) return NULL;
    struct jd_own *own = o->own ? jd__own_new(ctx, o->own, name) : NULL;
    jd_env *e = kind || own ? jd_alloc(ctx, sizeof *e) : NULL;
    if (!e) {
        jd_free(ctx, own);
        return NULL;
    }
    e->ctx = ctx;
    e->own = own;
    e->kind = own ? jd__own_kind(own) : kind;
    e->control = jd__control_find(ctx->isa);
    e->o = *o;
    if (!e->o.count) e->o.count = 1;
    if (!e->o.length) e->o.length = 10;
    if (!e->o.time_limit) e->o.time_limit = e->kind->limit(&e->o);
    e->o.own = NULL; /* it was copied */
    if (make_copies(e)) {
        jd_env_free(e);
        return NULL;
    }
    return e;
}

void jd_env_free(jd_env *e)
{
    if (!e) return;
    jd__outside_close(e);
    jd_free(e->ctx, e->block);
    jd_free(e->ctx, e->s);
    jd_free(e->ctx, e->own);
    jd_free(e->ctx, e);
}

jd_space jd_env_observation(const jd_env *e)
{
    if (!e) return (jd_space){0};
    return (jd_space){.size = e->observation, .low = e->low, .high = e->high};
}

jd_space jd_env_action(const jd_env *e)
{
    if (!e) return (jd_space){0};
    return (jd_space){e->kind->action, e->kind->choices, e->kind->action_low, e->kind->action_high};
}

int64_t jd_env_time_limit(const jd_env *e)
{
    if (!e) return 0;
    return e->o.time_limit;
}

int jd_env_state_size(const jd_env *e)
{
    if (!e) return 0;
    return e->kind->state;
}

int jd_env_snapshot_size(const jd_env *e)
{
    if (!e) return 0;
    return e->kind->state + 2 + (e->past ? (int)e->o.time_limit * e->kind->action : 0);
}

size_t jd_env_lost(const jd_env *e, const char **why)
{
    if (!e) return 0;
    if (why) *why = e->trouble;
    return e->lost;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------*/

void jd__env_start_lane(const jd_env *e, jd_env_block *b, int lane, uint64_t seed)
{
    b->t[lane] = 0;
    b->over[lane] = 0;
    e->kind->start(e, b->s + lane, seed);
}

void jd__env_step_block(const jd_env *e, jd_env_block *b, int64_t time_limit, const float *action, float *obs,
                        float *reward)
{
    const int n = e->kind->state;
    double kept[JD_ENV_STATE * JD_LANES];
    uint8_t ended[JD_LANES];
    int over = 0;
    for (int l = 0; l < JD_LANES; l++) over |= ended[l] = b->over[l];
    if (over) memcpy(kept, b->s, (size_t)n * JD_LANES * sizeof *kept);
    e->kind->step(e, b->s, action, reward, ended);
    for (int l = 0; l < JD_LANES; l++) {
        if (b->over[l]) {
            for (int k = 0; k < n; k++) b->s[k * JD_LANES + l] = kept[k * JD_LANES + l];
            reward[l] = 0;
        } else {
            b->t[l]++;
            b->over[l] = ended[l] ? TERMINATED : b->t[l] >= time_limit ? TRUNCATED : 0;
        }
    }
    e->kind->observe(e, b->s, b->t, obs);
}

/* ---- copies ------------------------------------------------------------------------------------------------------------*/

static jd_env_block *find_copy(const jd_env *e, size_t i, int *lane)
{
    if (!e || jd_error(e->ctx)) return NULL;
    *lane = (int)(i % JD_LANES);
    if (i < e->o.count) return &e->block[i / JD_LANES];
    jd_fail(e->ctx, JD_EUSAGE, "env: copy %zu of %zu does not exist", i, e->o.count);
    return NULL;
}

jd_status jd_env_reset(jd_env *e, size_t i, uint64_t seed, float *obs)
{
    int lane;
    jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    if (e->kind->outside) return jd__outside_reset(e, i, seed, obs);
    jd__env_start_lane(e, b, lane, seed);
    float all[JD_ENV_OBSERVATION * JD_LANES];
    e->kind->observe(e, b->s, b->t, all);
    for (int k = 0; obs && k < e->kind->observation; k++) obs[k] = all[k * JD_LANES + lane];
    return JD_OK;
}

jd_status jd_env_step(jd_env *e, const float *action, float *obs, float *reward, uint8_t *terminated,
                      uint8_t *truncated)
{
    if (!e) return JD_EUSAGE;
    if (jd_error(e->ctx)) return jd_error(e->ctx);
    if (e->kind->outside) return jd__outside_step(e, action, obs, reward, terminated, truncated);
    const size_t A = (size_t)e->kind->action, O = (size_t)e->kind->observation;
    for (size_t b = 0; b < e->blocks; b++) {
        float a[JD_LANES * JD_ENV_ACTION] = {0}, o[JD_LANES * JD_ENV_OBSERVATION], r[JD_LANES];
        const size_t first = b * JD_LANES, left = e->o.count - first, n = left < JD_LANES ? left : JD_LANES;
        for (size_t l = 0; l < n; l++)
            for (size_t k = 0; k < A; k++) a[k * JD_LANES + l] = action[(first + l) * A + k];
        jd__env_step_block(e, &e->block[b], e->o.time_limit, a, o, r);
        for (size_t l = 0; l < n; l++) {
            for (size_t k = 0; k < O; k++) obs[(first + l) * O + k] = o[k * JD_LANES + l];
            reward[first + l] = r[l];
            terminated[first + l] = e->block[b].over[l] == TERMINATED;
            truncated[first + l] = e->block[b].over[l] == TRUNCATED;
        }
    }
    return JD_OK;
}

jd_status jd_env_get_state(const jd_env *e, size_t i, double *state)
{
    int lane;
    const jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    for (int k = 0; k < e->kind->state; k++) state[k] = b->s[k * JD_LANES + lane];
    return JD_OK;
}

/* Whether n numbers are a state of this environment. */
static jd_status check_state(const jd_env *e, const double *state)
{
    for (int k = 0; k < e->kind->state; k++)
        if (!(fabs(state[k]) < 1e18))
            return jd_fail(e->ctx, JD_EUSAGE, "env: %s: number %d of the state is %g; it has to be finite",
                           e->kind->name, k, state[k]);
    double lanes[JD_ENV_STATE * JD_LANES];
    for (int k = 0; k < e->kind->state; k++) lanes[k * JD_LANES] = state[k];
    if (!e->kind->valid(e, lanes))
        return jd_fail(e->ctx, JD_EUSAGE, "env: %s: this is no state of it; see jackdaw/env.h", e->kind->name);
    return JD_OK;
}

jd_status jd_env_set_state(jd_env *e, size_t i, const double *state)
{
    int lane;
    jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    if (e->past)
        return jd_fail(e->ctx, JD_EUSAGE, "env: %s: its state cannot be set; restore a snapshot instead",
                       e->kind->name);
    if (check_state(e, state)) return jd_error(e->ctx);
    for (int k = 0; k < e->kind->state; k++) b->s[k * JD_LANES + lane] = state[k];
    b->t[lane] = 0;
    b->over[lane] = 0;
    if (e->kind->outside) jd__outside_put(e, i, state);
    return JD_OK;
}

jd_status jd_env_snapshot(const jd_env *e, size_t i, double *snapshot)
{
    int lane;
    const jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    snapshot[0] = (double)b->t[lane];
    snapshot[1] = b->over[lane];
    if (e->past) jd__outside_past(e, i, snapshot + 2 + e->kind->state);
    return jd_env_get_state(e, i, snapshot + 2);
}

jd_status jd_env_restore(jd_env *e, size_t i, const double *snapshot)
{
    int lane;
    jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    const double t = snapshot[0], over = snapshot[1];
    if (!(t >= 0 && t < 0x1p53 && floor(t) == t) || !(over == 0 || over == TERMINATED || over == TRUNCATED))
        return jd_fail(e->ctx, JD_EUSAGE, "env: %s: %g steps, end %g: this is no snapshot", e->kind->name, t, over);
    if (check_state(e, snapshot + 2)) return jd_error(e->ctx);
    if (e->past && jd__outside_repeat(e, i, snapshot)) return jd_error(e->ctx);
    for (int k = 0; k < e->kind->state; k++) b->s[k * JD_LANES + lane] = snapshot[2 + k];
    b->t[lane] = (int64_t)t;
    b->over[lane] = (uint8_t)over;
    if (e->kind->outside) jd__outside_put(e, i, snapshot + 2);
    return JD_OK;
}

jd_status jd_env_render(const jd_env *e, size_t i, uint8_t *rgb, int w, int h)
{
    int lane;
    const jd_env_block *b = find_copy(e, i, &lane);
    if (!b) return e ? jd_error(e->ctx) : JD_EUSAGE;
    if (w < 16 || h < 16 || w > 4096 || h > 4096)
        return jd_fail(e->ctx, JD_EUSAGE, "env: a picture of %d x %d pixels; give 16 to 4096 each", w, h);
    jd_canvas c = {.rgb = rgb, .w = w, .h = h};
    memset(rgb, 0, 3 * (size_t)w * (size_t)h);
    jd__canvas_clear(&c, 0xFAFAF7);
    e->kind->draw(e, b->s + lane, &c);
    return JD_OK;
}
