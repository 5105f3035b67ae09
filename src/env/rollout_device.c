/*
 * rollout_device.c - networks that act on a device: one copy there, launches of many steps, one small copy back after each.
 *
 * Who watches an episode sees its states afterwards, in their order: a launch then leaves them behind.
 */
#include <string.h>

#include "env/rollout.h"

enum { STEPS = 8192, SEEN = 16 << 20, ALIGN = 256 }; /* of a launch; bytes of states that it leaves behind, about */

/* Where things lie in the piece of memory that goes to the device; steps and ends come back. */
typedef struct layout {
    size_t s, w, h, t, over, end;
} layout;

static size_t after(size_t at, size_t n, size_t size)
{
    return (at + n * size + ALIGN - 1) / ALIGN * ALIGN;
}

static layout layout_of(const jd__rollout_job *j, size_t states)
{
    const size_t nets = ((j->same ? 1 : j->n) + JD_LANES - 1) / JD_LANES * JD_LANES;
    layout l = {0};
    l.w = after(l.s, states * j->n, sizeof(double));
    l.h = after(l.w, nets * j->r->W, sizeof(float));
    l.t = after(l.h, (size_t)j->r->net.hidden * j->n, sizeof(float));
    l.over = after(l.t, j->n, sizeof(int64_t));
    l.end = after(l.over, j->n, 1);
    return l;
}

/* Memory of the host, whose contents are lost when it grows. */
static void *grown(jd_ctx *ctx, void *p, size_t *have, size_t bytes)
{
    if (*have >= bytes) return p;
    jd_free(ctx, p);
    p = jd_alloc(ctx, bytes);
    *have = p ? bytes : 0;
    return p;
}

static jd_status room(const jd__rollout_job *j, const layout *l, size_t seen)
{
    jd_rollout *r = j->r;
    r->here = grown(r->ctx, r->here, &r->here_bytes, l->end);
    if (seen) r->seen = grown(r->ctx, r->seen, &r->seen_bytes, seen);
    if (jd_error(r->ctx) || jd__device_room(r->ctx, &r->there, l->end)) return jd_error(r->ctx);
    return seen ? jd__device_room(r->ctx, &r->trace, seen) : JD_OK;
}

/* Everything at its beginning: weights in blocks, states of the task; steps, ends and the networks' states are 0. */
static void begin(const jd__rollout_job *j, const layout *l, size_t states)
{
    jd_rollout *r = j->r;
    jd_env *e = r->lane[0].env;
    double *s = (double *)(void *)(r->here + l->s);
    float *w = (float *)(void *)(r->here + l->w);
    memset(r->here, 0, l->end);
    jd__env_start_lane(e, &e->block[0], 0, j->seed);
    for (size_t k = 0; k < states; k++)
        for (size_t i = 0; i < j->n; i++)
            s[k * j->n + i] = j->start ? j->start[i * states + k] : e->block[0].s[k * JD_LANES];
    for (size_t i = 0; i < (j->same ? 1 : j->n); i++)
        jd__net_lane(&r->o.net, j->weights + i * r->W, w + i / JD_LANES * r->W * JD_LANES, (int)(i % JD_LANES));
}

/* The states of a launch, whose first step was number done + 1 of all episodes. */
static void watch(const jd__rollout_job *j, const int64_t *t, int64_t done, int64_t steps, size_t states,
                  double *memory)
{
    const jd_rollout *r = j->r;
    for (int64_t step = 0; step < steps; step++)
        for (size_t i = 0; i < j->n; i++) {
            double state[JD_POLE_STATE];
            if (t[i] <= done + step) continue;
            for (size_t k = 0; k < states; k++) state[k] = r->seen[((size_t)step * states + k) * j->n + i];
            r->o.watch(r->o.user, memory + i * (size_t)r->o.memory_size, done + step + 1, state);
        }
}

static bool all_over(const uint8_t *over, size_t n)
{
    return !memchr(over, 0, n);
}

/* All episodes to their end; steps and ends are in r->here. */
static jd_status play(const jd__rollout_job *j, const layout *l, size_t states, int64_t at_once, double *memory)
{
    jd_rollout *r = j->r;
    const jd_device *d = r->ctx->device;
    unsigned char *there = r->there.p;
    int64_t *t = (int64_t *)(void *)(r->here + l->t);
    jd_device_episodes p = {.net = r->net,
                            .task = *r->lane[0].env->kind->poles,
                            .count = (int64_t)j->n,
                            .limit = j->limit,
                            .steps = at_once,
                            .same = j->same,
                            .w = (const float *)(void *)(there + l->w),
                            .h = (float *)(void *)(there + l->h),
                            .s = (double *)(void *)(there + l->s),
                            .t = (int64_t *)(void *)(there + l->t),
                            .over = there + l->over,
                            .trace = r->o.watch ? r->trace.p : NULL};
    if (d->api->upload(d->handle, there, r->here, l->end)) return jd__device_failed(r->ctx);
    for (int64_t done = 0; done < j->limit; done += at_once) {
        if (d->api->episodes(d->handle, &p) || d->api->download(d->handle, t, there + l->t, l->end - l->t))
            return jd__device_failed(r->ctx);
        if (r->o.watch) {
            const size_t bytes = (size_t)at_once * states * j->n * sizeof(double);
            if (d->api->download(d->handle, r->seen, r->trace.p, bytes)) return jd__device_failed(r->ctx);
            watch(j, t, done, at_once, states, memory);
        }
        if (all_over(r->here + l->over, j->n)) break;
    }
    r->ctx->device->used = true;
    return JD_OK;
}

jd_status jd__rollout_run_there(const jd__rollout_job *j)
{
    jd_rollout *r = j->r;
    const size_t states = (size_t)r->lane[0].env->kind->state, row = states * j->n * sizeof(double);
    if (!j->n) return JD_OK;
    const layout l = layout_of(j, states);
    int64_t at_once = r->o.watch ? (int64_t)(SEEN / row) : STEPS;
    if (at_once < 1) at_once = 1;
    if (at_once > j->limit) at_once = j->limit;
    double *memory = jd_alloc_array(r->ctx, j->n, ((size_t)r->o.memory_size + 1) * sizeof *memory);
    if (memory && !room(j, &l, r->o.watch ? (size_t)at_once * row : 0)) {
        begin(j, &l, states);
        if (!play(j, &l, states, at_once, memory)) {
            const int64_t *t = (const int64_t *)(const void *)(r->here + l.t);
            for (size_t i = 0; i < j->n; i++) {
                const double *m = memory + i * (size_t)r->o.memory_size, earned = (double)t[i];
                if (j->steps) j->steps[i] = t[i];
                if (j->score) j->score[i] = r->o.score ? r->o.score(r->o.user, m, t[i], earned) : earned;
            }
        }
    }
    jd_free(r->ctx, memory);
    return jd_error(r->ctx);
}

void jd__rollout_device_free(jd_rollout *r)
{
    if (!r->kernel) return;
    jd__device_room_free(r->ctx, &r->there);
    jd__device_room_free(r->ctx, &r->trace);
    jd_free(r->ctx, r->here);
    jd_free(r->ctx, r->seen);
}
