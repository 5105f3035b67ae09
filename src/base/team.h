/*
 * team.h - a persistent team of threads that runs one function on all its members.
 *
 * The partition of work is static: member `id` of `count` does its fixed share, and no result may depend on `count`
 * (see architecture.md, "Same bits").  Waiting spins for some microseconds, then sleeps on a futex.
 */
#ifndef JD_BASE_TEAM_H
#define JD_BASE_TEAM_H

#include "jackdaw/base.h"

typedef struct jd_team jd_team;

/* What a kernel knows of the thread it runs on. */
typedef struct jd_worker {
    int id, count; /* 0 <= id < count */
    jd_team *team; /* NULL when count is 1 */
} jd_worker;

/* A team of `count` members: the caller and count-1 threads of its own.  NULL when threads cannot be made. */
jd_team *jd_team_new(int count);
void jd_team_free(jd_team *team);
int jd_team_count(const jd_team *team);

/* Runs fn(user, worker) on every member, the caller being member 0; returns when all are done. */
void jd_team_run(jd_team *team, void (*fn)(void *user, const jd_worker *w), void *user);

/* Inside jd_team_run: waits for all members.  A team of one returns at once. */
void jd_team_barrier(const jd_worker *w);

/* The share [*begin, *end) of worker w in n items, cut at multiples of `grain`. */
static inline void jd_share(const jd_worker *w, size_t n, size_t grain, size_t *begin, size_t *end)
{
    const size_t units = (n + grain - 1) / grain;
    const size_t per = units / (size_t)w->count, rest = units % (size_t)w->count, id = (size_t)w->id;
    size_t b = (id * per + (id < rest ? id : rest)) * grain;
    size_t e = b + (per + (id < rest ? 1 : 0)) * grain;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

#endif
