/*
 * team.c - the thread team: a generation counter starts a job, a countdown ends it; waiting spins, then sleeps.
 *
 * A sleeper announces itself in `sleepers` before it asks the kernel to compare the word it waits for; a waker changes
 * the word before it looks at `sleepers`.  Both orders are sequentially consistent, so at least one side sees the other
 * and no wake-up is lost, while a waker that nobody sleeps for makes no system call.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/team.h"

enum { SPIN_NANOSECONDS = 20000 };

/* A word that threads wait for, on a cache line of its own. */
typedef struct word {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
} word;

typedef struct member {
    jd_worker worker;
    pthread_t thread;
} member;

struct jd_team {
    word generation; /* number of the running job */
    word pending;    /* members that have not ended it, the caller not counted */
    word phase;      /* number of barriers passed */
    _Alignas(64) _Atomic uint32_t arrived;
    int count;
    bool spin, stop;
    void (*fn)(void *user, const jd_worker *w);
    void *user;
    member members[];
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Returns some time after w has a value other than `old`, with acquire order. */
static void wait_change(word *w, uint32_t old, bool spin)
{
    if (atomic_load_explicit(&w->value, memory_order_acquire) != old) return;
    if (spin) {
        const int64_t end = nanoseconds() + SPIN_NANOSECONDS;
        do {
            for (int i = 0; i < 32; i++) {
                if (atomic_load_explicit(&w->value, memory_order_acquire) != old) return;
                pause_cpu();
            }
        } while (nanoseconds() < end);
    }
    atomic_fetch_add_explicit(&w->sleepers, 1, memory_order_seq_cst);
    while (atomic_load_explicit(&w->value, memory_order_seq_cst) == old)
        syscall(SYS_futex, (uint32_t *)&w->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub_explicit(&w->sleepers, 1, memory_order_relaxed);
}

/* To be called after a sequentially consistent change of w->value. */
static void wake_all(word *w)
{
    if (atomic_load_explicit(&w->sleepers, memory_order_seq_cst))
        syscall(SYS_futex, (uint32_t *)&w->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void *member_main(void *arg)
{
    const member *m = arg;
    jd_team *team = m->worker.team;
    for (uint32_t seen = 0;; seen++) {
        wait_change(&team->generation, seen, team->spin);
        if (team->stop) return NULL;
        team->fn(team->user, &m->worker);
        if (atomic_fetch_sub_explicit(&team->pending.value, 1, memory_order_seq_cst) == 1) wake_all(&team->pending);
    }
}

static bool enough_cores(int count)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= count;
}

static void start_job(jd_team *team)
{
    atomic_fetch_add_explicit(&team->generation.value, 1, memory_order_seq_cst);
    wake_all(&team->generation);
}

static void stop_threads(jd_team *team, int started)
{
    team->stop = true;
    start_job(team);
    for (int i = 1; i < started; i++) pthread_join(team->members[i].thread, NULL);
    free(team);
}

jd_team *jd_team_new(int count)
{
    if (count < 1 || count > 4096) return NULL;
    size_t bytes = sizeof(jd_team) + (size_t)count * sizeof(member);
    bytes = (bytes + 63) & ~(size_t)63;
    jd_team *team = aligned_alloc(64, bytes);
    if (!team) return NULL;
    memset(team, 0, bytes);
    team->count = count;
    team->spin = enough_cores(count);
    /* Signals go to the threads of the program, not to ours. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int started = 1;
    for (int i = 0; i < count; i++) {
        member *m = &team->members[i];
        m->worker = (jd_worker){.id = i, .count = count, .team = count > 1 ? team : NULL};
        if (i && pthread_create(&m->thread, NULL, member_main, m)) break;
        started = i + 1;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started < count) {
        stop_threads(team, started);
        return NULL;
    }
    return team;
}

void jd_team_free(jd_team *team)
{
    if (team) stop_threads(team, team->count);
}

int jd_team_count(const jd_team *team)
{
    return team->count;
}

void jd_team_run(jd_team *team, void (*fn)(void *user, const jd_worker *w), void *user)
{
    if (team->count > 1) {
        team->fn = fn;
        team->user = user;
        atomic_store_explicit(&team->pending.value, (uint32_t)team->count - 1, memory_order_relaxed);
        start_job(team);
    }
    fn(user, &team->members[0].worker);
    if (team->count == 1) return;
    uint32_t left;
    while ((left = atomic_load_explicit(&team->pending.value, memory_order_acquire)) != 0)
        wait_change(&team->pending, left, team->spin);
}

void jd_team_barrier(const jd_worker *w)
{
    jd_team *team = w->team;
    if (!team) return;
    /* No member can leave this phase before we arrive, so the number read here is the current one. */
    const uint32_t phase = atomic_load_explicit(&team->phase.value, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == (uint32_t)team->count) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->phase.value, phase + 1, memory_order_seq_cst);
        wake_all(&team->phase);
    } else {
        wait_change(&team->phase, phase, team->spin);
    }
}
