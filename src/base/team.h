/*
 * team.h - a persistent team of threads that runs one function on all its members.
 *
 * Member `id` of `count` does its share of the work, and no result may depend on shares or on `count` (see
 * architecture.md, "Same bits").  Shares follow the members' speeds: where a core is slower than another, or other programs
 * take some of its time, its member gets less.  They change between jobs only.  Waiting spins for some microseconds, then
 * sleeps on a futex.
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
/* Whether this process has its threads; the child of a fork has not, and may only free it. */
bool jd_team_here(const jd_team *team);
int jd_team_count(const jd_team *team);

/* Runs fn(user, worker) on every member, the caller being member 0; returns when all are done. */
void jd_team_run(jd_team *team, void (*fn)(void *user, const jd_worker *w), void *user);

/* Inside jd_team_run: waits for all members.  A team of one returns at once. */
void jd_team_barrier(const jd_worker *w);

/* The share [*begin, *end) of worker w in n items, cut at multiples of `grain`; the same one throughout a job. */
void jd_team_share(const jd_worker *w, size_t n, size_t grain, size_t *begin, size_t *end);
static inline void jd_share(const jd_worker *w, size_t n, size_t grain, size_t *begin, size_t *end)
{
    *begin = 0;
    *end = n;
    if (w->count > 1) jd_team_share(w, n, grain, begin, end);
}

/* For work divided in another way, or before the last barrier: from here to the next barrier w does `got` of `of` equal
 * parts.  jd_share says it by itself. */
void jd_team_note(const jd_worker *w, size_t got, size_t of);

/* The part of the work that member `id` should get, 0..1; all parts sum to 1. */
double jd_team_part(const jd_worker *w, int id);

/* Fixes the parts (count), for tests; NULL: they follow the speeds again. */
void jd_team_fix(jd_team *team, const double *part);

#endif
