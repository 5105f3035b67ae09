/* controller_play.c - episodes with C, at random or by plan, and the memory of what M saw; see controller.h. */
#include <math.h>
#include <string.h>

#include "controller.h"

jd_status cm_play_new(jd_ctx *ctx, cm_play *e, const cm_pair *p, int64_t T, int64_t B)
{
    const size_t n = (size_t)(T * B);
    *e = (cm_play){.T = T, .B = B, .sigma = .1};
    e->x = jd_alloc_array(ctx, n * (size_t)p->seen, sizeof *e->x);
    e->a = jd_alloc_array(ctx, n * (size_t)p->actions, sizeof *e->a);
    e->o = jd_alloc_array(ctx, n * (size_t)p->told, sizeof *e->o);
    e->told = jd_alloc_array(ctx, n * (size_t)p->told, sizeof *e->told);
    e->noise = jd_alloc_array(ctx, n * (size_t)p->actions, sizeof *e->noise);
    e->hc = jd_alloc_array(ctx, n * (size_t)p->o.controller, sizeof *e->hc);
    e->hm = jd_alloc_array(ctx, n * (size_t)p->memory, sizeof *e->hm);
    e->state = jd_alloc_array(ctx, n * 5, sizeof *e->state);
    e->length = jd_alloc_array(ctx, (size_t)B, sizeof *e->length);
    return jd_error(ctx);
}

void cm_play_free(jd_ctx *ctx, cm_play *e)
{
    float *all[] = {e->x, e->a, e->o, e->told, e->noise, e->hc, e->hm};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    jd_free(ctx, e->state);
    jd_free(ctx, e->length);
    *e = (cm_play){0};
}

double cm_play_mean(const cm_play *e)
{
    double sum = 0;
    for (int64_t b = 0; b < e->B; b++) sum += e->length[b];
    return sum / (double)e->B;
}

/* ---- acting -----------------------------------------------------------------------------------------------------------------*/

/* Any action; that of before is often kept, or little would ever happen. */
static void anything(cm_task task, jd_rng *r, const float *before, float *a)
{
    const bool keep = before && jd_rng_uniform64(r) < (task == CM_MAZE ? .75 : .5);
    if (task == CM_FLIPFLOP)
        a[0] = jd_rng_uniform(r);
    else if (keep)
        memcpy(a, before, sizeof *a * (task == CM_MAZE ? CM_ACTIONS : 1));
    else if (task == CM_POLE)
        a[0] = 2 * jd_rng_uniform(r) - 1;
    else {
        memset(a, 0, CM_ACTIONS * sizeof *a);
        a[jd_rng_below(r, CM_ACTIONS)] = 1;
    }
}

static void draw_noise(const cm_pair *p, const cm_play *e, cm_how how, jd_rng *r, float *noise)
{
    for (int64_t i = 0; i < e->B * p->actions; i++)
        if (how != CM_NOISY && !(how >= CM_PLAN && e->explore))
            noise[i] = 0;
        else if (p->o.task == CM_MAZE)
            noise[i] = (float)-log(-log(jd_rng_uniform64(r) + 1e-12) + 1e-12);
        else
            noise[i] = (float)(e->sigma * jd_rng_normal(r));
}

/* The first action of the plan, which is kept in u (H,B,1). */
static void plan(cm_pair *p, const cm_play *e, cm_how how, int64_t t, const float *hc, const float *hm, float *u,
                 const float *zero, const float *noise, float *a)
{
    const int64_t H = e->horizon, B = e->B;
    const float *x = e->x + t * B * p->seen, *net;
    if (how == CM_PLAN) {
        memmove(u, u + B, sizeof *u * (size_t)((H - 1) * B));
        memset(u + (H - 1) * B, 0, sizeof *u * (size_t)B);
    } else if (isfinite(cm_improve(p, x, 1, hc, hm, zero, H, B, 0, 0, &net, NULL)))
        memcpy(u, net, sizeof *u * (size_t)(H * B));
    cm_plan(p, x, hm, u, H, B, e->rounds, e->rate);
    for (int64_t b = 0; b < B; b++) a[b] = tanhf(u[b] + noise[b]);
}

/* All worlds take a step; what is seen next goes into `next` (B,seen) unless NULL.  How many are not over. */
static int all_step(const cm_pair *p, cm_play *e, cm_world *w, int64_t t, float *next)
{
    float last[CM_SEEN];
    int live = 0;
    for (int64_t b = 0; b < e->B; b++) {
        const int64_t at = t * e->B + b;
        if (w[b].over && p->o.task == CM_POLE) continue; /* in the maze M is to learn that nothing follows */
        cm_step(&w[b], e->a + at * p->actions, last, e->o + at * p->told);
        if (next) memcpy(next + b * p->seen, last, sizeof *next * (size_t)p->seen);
        e->length[b] = (int)t + 1;
        live += !w[b].over;
    }
    return live;
}

static void remember(const cm_pair *p, cm_play *e, const cm_world *w, int64_t t, const float *hc, const float *hm)
{
    const size_t B = (size_t)e->B, C = (size_t)p->o.controller, M = (size_t)p->memory;
    memcpy(e->hc + (size_t)t * B * C, hc, sizeof *hc * B * C);
    memcpy(e->hm + (size_t)t * B * M, hm, sizeof *hm * B * M);
    for (size_t b = 0; b < B; b++) memcpy(e->state + ((size_t)t * B + b) * 5, w[b].s, sizeof w[b].s);
}

jd_status cm_play_run(cm_pair *p, cm_play *e, cm_how how, uint64_t seed, const char *stream, uint64_t first)
{
    const int64_t B = e->B, A = p->actions, H = how >= CM_PLAN ? e->horizon : 1;
    cm_world *w = jd_alloc_array(p->ctx, (size_t)B, sizeof *w);
    float *hc = jd_alloc_array(p->ctx, (size_t)(B * p->o.controller), sizeof *hc);
    float *hm = jd_alloc_array(p->ctx, (size_t)(B * p->memory), sizeof *hm);
    float *u = jd_alloc_array(p->ctx, (size_t)(H * B * A), sizeof *u);
    float *zero = jd_alloc_array(p->ctx, (size_t)(H * B * A), sizeof *zero);
    jd_rng r = jd_rng_new(seed, "controller/actions", first);
    for (int64_t b = 0; !jd_error(p->ctx) && b < B; b++) {
        cm_begin(&w[b], p->o.task, seed, stream, first + (uint64_t)b, e->x + b * p->seen);
        e->length[b] = 0;
    }
    for (int64_t t = 0, live = B; t < e->T && live && !jd_error(p->ctx); t++) {
        float *x = e->x + t * B * p->seen, *a = e->a + t * B * A, *noise = e->noise + t * B * A;
        remember(p, e, w, t, hc, hm);
        draw_noise(p, e, how, &r, noise);
        for (int64_t b = 0; how == CM_RANDOM && b < B; b++)
            anything(p->o.task, &r, t ? a + (b - B) * A : NULL, a + b * A);
        if (how >= CM_PLAN) plan(p, e, how, t, hc, hm, u, zero, noise, a);
        if (how != CM_RANDOM) cm_act(p, x, noise, hc, hm, how >= CM_PLAN, a, e->told + t * B * p->told, B);
        live = all_step(p, e, w, t, t + 1 < e->T ? x + B * p->seen : NULL);
        if (p->o.task != CM_POLE) live = B;
    }
    float *all[] = {hc, hm, u, zero};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(p->ctx, all[i]);
    jd_free(p->ctx, w);
    return jd_error(p->ctx);
}

/* ---- what M has seen --------------------------------------------------------------------------------------------------*/

static void grow(jd_ctx *ctx, float **v, int64_t was, int64_t room, int64_t width)
{
    const size_t size = (size_t)width * sizeof **v;
    float *more = jd_realloc(ctx, *v, (size_t)was * size, (size_t)room * size);
    if (more) *v = more;
}

jd_status cm_pool_add(cm_pair *p, cm_pool *pool, const cm_play *e)
{
    int64_t steps = pool->steps;
    for (int64_t b = 0; b < e->B; b++) steps += e->length[b];
    if (steps > pool->room || pool->episodes + e->B > pool->places) {
        const int64_t was = pool->room, places = 2 * (pool->episodes + e->B);
        int64_t *end = jd_realloc(p->ctx, pool->end, (size_t)pool->places * sizeof *end, (size_t)places * sizeof *end);
        if (!end) return jd_error(p->ctx);
        pool->end = end;
        pool->places = places;
        if (steps > was) {
            pool->room = 2 * steps;
            grow(p->ctx, &pool->x, was, pool->room, p->seen);
            grow(p->ctx, &pool->a, was, pool->room, p->actions);
            grow(p->ctx, &pool->o, was, pool->room, p->told);
            if (jd_error(p->ctx)) return jd_error(p->ctx);
        }
    }
    for (int64_t b = 0; b < e->B; b++) {
        for (int64_t t = 0; t < e->length[b]; t++, pool->steps++) {
            const int64_t at = t * e->B + b, to = pool->steps;
            memcpy(pool->x + to * p->seen, e->x + at * p->seen, sizeof *pool->x * (size_t)p->seen);
            memcpy(pool->a + to * p->actions, e->a + at * p->actions, sizeof *pool->a * (size_t)p->actions);
            memcpy(pool->o + to * p->told, e->o + at * p->told, sizeof *pool->o * (size_t)p->told);
        }
        pool->end[pool->episodes++] = pool->steps;
    }
    return JD_OK;
}

void cm_pool_free(jd_ctx *ctx, cm_pool *pool)
{
    jd_free(ctx, pool->x);
    jd_free(ctx, pool->a);
    jd_free(ctx, pool->o);
    jd_free(ctx, pool->end);
    *pool = (cm_pool){0};
}

/* A window of at most L steps from anywhere, as column b; every step that was seen begins one with equal chance. */
static void window(const cm_pair *p, const cm_pool *pool, int64_t begin, int64_t L, int64_t B, int64_t b, float *x,
                   float *a, float *o, float *counts)
{
    int64_t low = 0, high = pool->episodes - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (pool->end[middle] > begin)
            high = middle;
        else
            low = middle + 1;
    }
    const int64_t first = low ? pool->end[low - 1] : 0, end = pool->end[low];
    if (p->o.task != CM_POLE || end - begin < L) begin = end - L > first ? end - L : first;
    for (int64_t t = 0; t < L; t++) {
        const int64_t to = t * B + b, from = begin + t < end ? begin + t : end - 1;
        memcpy(x + to * p->seen, pool->x + from * p->seen, sizeof *x * (size_t)p->seen);
        memcpy(a + to * p->actions, pool->a + from * p->actions, sizeof *a * (size_t)p->actions);
        memcpy(o + to * p->told, pool->o + from * p->told, sizeof *o * (size_t)p->told);
        counts[to] = begin + t < end && (t > 1 || p->o.task != CM_POLE); /* two looks tell a speed */
    }
}

double cm_pool_fit(cm_pair *p, const cm_pool *pool, int updates, int64_t L, int64_t B, double rate, uint64_t seed,
                   uint64_t batch)
{
    const size_t n = (size_t)(L * B);
    float *x = jd_alloc_array(p->ctx, n * (size_t)p->seen, sizeof *x);
    float *a = jd_alloc_array(p->ctx, n * (size_t)p->actions, sizeof *a);
    float *o = jd_alloc_array(p->ctx, n * (size_t)p->told, sizeof *o);
    float *counts = jd_alloc_array(p->ctx, n, sizeof *counts);
    const jd_schedule fall = {.kind = JD_COSINE, .rate = rate, .end = rate / 50};
    jd_rng r = jd_rng_new(seed, "controller/windows", batch);
    double sum = 0;
    int last = 0;
    for (int u = 0; u < updates && !jd_error(p->ctx); u++) {
        for (int64_t b = 0; b < B; b++)
            window(p, pool, jd_rng_below(&r, (uint32_t)pool->steps), L, B, b, x, a, o, counts);
        for (int64_t k = 0; pool->blur > 0 && k < L * B * p->actions; k++)
            a[k] += (float)(pool->blur * jd_rng_normal(&r));
        const double loss = cm_fit(p, x, a, o, counts, L, B, jd_schedule_at(&fall, u, updates));
        if (u >= updates - 100) sum += loss, last++;
    }
    float *all[] = {x, a, o, counts};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(p->ctx, all[i]);
    return jd_error(p->ctx) ? (double)NAN : sum / fmax(last, 1);
}
