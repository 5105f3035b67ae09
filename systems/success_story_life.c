/*
 * success_story_life.c - the success-story algorithm (J. Schmidhuber, J. Zhao, N. Schraudolph, in: Learning to learn, 1997), a policy of
 * probabilistic program cells that can change itself, and its life in a maze; see success_story.h.
 */
#include <string.h>

#include "success_story.h"

#define LEAST  0.001 /* no probability falls below */
#define PAYOFF 100

/* ---- the maze ----------------------------------------------------------------------------------------------------------------*/

static int beyond(const ss_maze *m, int place, int way)
{
    static const int dx[4] = {0, 1, 0, -1}, dy[4] = {-1, 0, 1, 0};
    const int x = place % SS_WIDTH + dx[way], y = place / SS_WIDTH + dy[way];
    const int to = y * SS_WIDTH + x;
    return x < 0 || y < 0 || x >= SS_WIDTH || y >= SS_HEIGHT || m->wall[to] ? -1 : to;
}

static int distance(const ss_maze *m)
{
    int d[SS_PLACES], queue[SS_PLACES], n = 0;
    for (int p = 0; p < SS_PLACES; p++) d[p] = -1;
    d[m->start] = 0;
    queue[n++] = m->start;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) {
            const int to = beyond(m, queue[i], k);
            if (to < 0 || d[to] >= 0) continue;
            d[to] = d[queue[i]] + 1;
            queue[n++] = to;
        }
    return d[m->goal];
}

static void to_start(ss_maze *m)
{
    m->place = m->start;
    m->steps = 0;
}

void ss_maze_new(ss_maze *m, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "success-story/maze", 0);
    do {
        *m = (ss_maze){.start = SS_WIDTH * (SS_HEIGHT - 1), .goal = 2 * SS_WIDTH - 1};
        for (int walls = 0; walls < SS_OBSTACLES;) {
            const int p = (int)jd_rng_below(&r, SS_PLACES);
            if (m->wall[p] || p == m->start || p == m->goal) continue;
            m->wall[p] = true;
            walls++;
        }
        m->shortest = distance(m);
    } while (m->shortest != SS_WAY);
    to_start(m);
}

bool ss_maze_wall(const ss_maze *m, int way)
{
    return beyond(m, m->place, way) < 0;
}

/* ---- the success story -------------------------------------------------------------------------------------------------------*/

void ss_story_free(ss_story *s)
{
    jd_free(s->ctx, s->valid);
    jd_free(s->ctx, s->saved);
    *s = (ss_story){0};
}

static double speed(const ss_story *s, size_t k, double time, double reward)
{
    return k ? (reward - s->valid[k - 1].reward) / (time - s->valid[k - 1].time) : reward / time;
}

bool ss_criterion(const ss_story *s, double time, double reward)
{
    for (size_t k = 1; k <= s->n; k++)
        if (!(speed(s, k, time, reward) > speed(s, k - 1, time, reward))) return false;
    return true;
}

int ss_checkpoint(ss_story *s, double time, double reward, double p[SS_CELLS][SS_VALUES])
{
    int undone = 0;
    while (s->n && !ss_criterion(s, time, reward)) {
        const ss_valid *v = &s->valid[--s->n];
        while (s->saves > v->first) {
            const ss_saved *was = &s->saved[--s->saves];
            memcpy(p[was->cell], was->p, sizeof was->p);
        }
        undone++;
    }
    return undone;
}

static void *grown(jd_ctx *ctx, void *old, size_t *room, size_t size)
{
    const size_t more = *room ? 2 * *room : 64;
    void *p = *room ? jd_realloc(ctx, old, *room * size, more * size) : jd_alloc_array(ctx, more, size);
    if (p) *room = more;
    return p;
}

jd_status ss_save(ss_story *s, double time, double reward, bool opens, int cell, const double p[SS_VALUES])
{
    if (opens && s->n == s->room) {
        ss_valid *v = grown(s->ctx, s->valid, &s->room, sizeof *v);
        if (!v) return jd_error(s->ctx);
        s->valid = v;
    }
    if (s->saves == s->save_room) {
        ss_saved *v = grown(s->ctx, s->saved, &s->save_room, sizeof *v);
        if (!v) return jd_error(s->ctx);
        s->saved = v;
    }
    if (opens) s->valid[s->n++] = (ss_valid){time, reward, s->saves};
    ss_saved *was = &s->saved[s->saves++];
    was->cell = cell;
    memcpy(was->p, p, sizeof was->p);
    return JD_OK;
}

bool ss_shift(double p[SS_VALUES], int value, double factor, bool less)
{
    double q[SS_VALUES], sum = 0;
    for (int k = 0; k < SS_VALUES; k++) sum += q[k] = p[k] * ((k == value) == less ? factor : 1);
    for (int k = 0; k < SS_VALUES; k++)
        if ((q[k] /= sum) < LEAST) return false;
    memcpy(p, q, sizeof q);
    return true;
}

/* ---- a life ------------------------------------------------------------------------------------------------------------------*/

typedef struct life {
    ss_life *l;
    ss_story story;
    ss_maze maze;
    jd_rng chance;
    double time, reward, began, last_check;
    bool open;    /* a block of modifications has begun */
    double until; /* reward at which modifications are allowed again, after a checkpoint; or < 0 */
    int cell, trail[SS_PATH];
} life;

static int draw(life *w)
{
    const double *p = w->l->p[w->cell];
    w->cell = (w->cell + 1) % SS_CELLS;
    double at = jd_rng_uniform64(&w->chance);
    for (int k = 0; k < SS_VALUES - 1; k++)
        if ((at -= p[k]) < 0) return k;
    return SS_VALUES - 1;
}

static void check(life *w)
{
    ss_life *l = w->l;
    w->last_check = w->time;
    if (l->arm == SS_WITH) {
        l->undone += ss_checkpoint(&w->story, w->time, w->reward, l->p);
        l->broken += !ss_criterion(&w->story, w->time, w->reward);
        l->checkpoints++;
    }
    w->open = false;
    w->until = -1;
}

static void modify(life *w, bool less)
{
    const int cell = draw(w) % SS_CELLS, value = draw(w), strength = draw(w);
    double *p = w->l->p[cell], was[SS_VALUES];
    if (w->l->arm == SS_FIXED || w->until >= 0) return;
    memcpy(was, p, sizeof was);
    if (!ss_shift(p, value, .15 + .8 * strength / (SS_VALUES - 1), less)) return;
    w->l->modifications++;
    if (w->l->arm == SS_WITH) ss_save(&w->story, w->time, w->reward, !w->open, cell, was);
    w->open = true;
}

static void move(life *w, int way, double part)
{
    ss_maze *m = &w->maze;
    const int to = beyond(m, m->place, way);
    if (to < 0) return;
    m->place = to;
    if (m->steps < SS_PATH) w->trail[m->steps] = to;
    m->steps++;
    if (to != m->goal) return;
    ss_life *l = w->l;
    w->reward += PAYOFF;
    l->goals++;
    if (part >= SS_PARTS - 1 && m->steps < SS_PATH) {
        l->path_length = m->steps;
        l->path_cycles = (int)(w->time - w->began);
        memcpy(l->path, w->trail, (size_t)m->steps * sizeof *l->path);
    }
    w->began = w->time;
    to_start(m);
}

static void cycle(life *w, double part)
{
    const int op = draw(w);
    switch (op) {
    case SS_NORTH:
    case SS_EAST:
    case SS_SOUTH:
    case SS_WEST: move(w, op - SS_NORTH, part); break;
    case SS_IF_NORTH:
    case SS_IF_EAST:
    case SS_IF_SOUTH:
    case SS_IF_WEST: {
        const int to = draw(w) % SS_CELLS;
        if (ss_maze_wall(&w->maze, op - SS_IF_NORTH)) w->cell = to;
        break;
    }
    case SS_JUMP: w->cell = draw(w) % SS_CELLS; break;
    case SS_INCREASE: modify(w, false); break;
    case SS_DECREASE: modify(w, true); break;
    case SS_EVALUATE: {
        const int payoffs = 1 + draw(w) / 2;
        if (w->open && w->until < 0) w->until = w->reward + payoffs * PAYOFF;
        break;
    }
    default: break;
    }
    w->time++;
}

bool ss_live(jd_run *r, ss_life *l, ss_arm arm, uint64_t seed, int number)
{
    enum { LIVES = 20 };
    jd_ctx *ctx = jd_run_ctx(r);
    life *w = jd_alloc_array(ctx, 1, sizeof *w);
    if (!w) return false;
    w->l = l;
    w->story.ctx = ctx;
    w->until = -1;
    w->chance = jd_rng_new(seed, "success-story/life", (uint64_t)(number * SS_ARMS + (int)arm));
    ss_maze_new(&w->maze, seed);
    l->arm = arm;
    for (int c = 0; c < SS_CELLS; c++)
        for (int k = 0; k < SS_VALUES; k++) l->p[c][k] = l->at_first[c][k] = 1. / SS_VALUES;
    const double block = l->cycles / SS_PARTS;
    double before = 0;
    int part = 0;
    while (w->time < l->cycles && !jd_error(ctx)) {
        cycle(w, part);
        if ((w->until >= 0 && w->reward >= w->until) || w->time - w->last_check >= l->check_every) check(w);
        if (w->time < block * (part + 1)) continue;
        l->rate[part] = (w->reward - before) / block * 1000;
        l->depth[part] = (double)w->story.n;
        before = w->reward;
        part++;
        if (arm == SS_RESTART && part % (SS_PARTS / LIVES) == 0 && part < SS_PARTS)
            memcpy(l->p, l->at_first, sizeof l->p);
    }
    ss_story_free(&w->story);
    jd_free(ctx, w);
    return !jd_error(ctx);
}
