/*
 * team.c - the thread team: a generation counter starts a job, a countdown ends it; waiting spins, then sleeps.
 *
 * A sleeper announces itself in `sleepers` before it asks the kernel to compare the word it waits for; a waker changes
 * the word before it looks at `sleepers`.  Both orders are sequentially consistent, so at least one side sees the other
 * and no wake-up is lost, while a waker that nobody sleeps for makes no system call.
 */
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/team.h"

enum { SPIN_NANOSECONDS = 20000 };
/* How the parts follow the speeds.  Divisions into few units say little about speed.  Shares stay equal while no member is
 * off by a tenth: kernels like round numbers.  A part is never below a quarter of an equal one, so that a member that was
 * held up shows when it is back. */
enum { FINE = 4, MEASURED_NANOSECONDS = 1000000, CUT = 1 << 16 };
static const double GAIN = 0.1, LEAST = 0.25, EQUAL = 0.1;

/* A word that threads wait for, on a cache line of its own. */
typedef struct word {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
} word;

typedef struct member {
    _Alignas(64) jd_worker worker;
    pthread_t thread;
    double part, share; /* of the work by speed, and what is used */
    int64_t since;      /* when the phase began: with the job, or at the last barrier */
    size_t got, of;     /* of the phase's coarsest division; 0: the phase is not divided */
    double alone;       /* nanoseconds that the measured phases would have taken this member without the others */
} member;

struct jd_team {
    word generation; /* number of the running job */
    word pending;    /* members that have not ended it, the caller not counted */
    word phase;      /* number of barriers passed */
    _Alignas(64) _Atomic uint32_t arrived;
    int count;
    pid_t process; /* that has the threads: after a fork the child has none of them */
    bool spin, stop, fixed;
    void (*fn)(void *user, const jd_worker *w);
    void *user;
    uint32_t *cut; /* (count+1) where the shares end, in parts of CUT */
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

/* ---- shares ---------------------------------------------------------------------------------------------------------- */

static void phase_begins(member *m)
{
    m->of = 0;
    m->since = nanoseconds();
}

static void phase_ends(member *m)
{
    if (m->of >= (size_t)(FINE * m->worker.count) && m->got)
        m->alone += (double)(nanoseconds() - m->since) * (double)m->of / (double)m->got;
}

static void set_cuts(jd_team *team)
{
    const double equal = 1. / team->count;
    bool even = !team->fixed;
    double sum = 0;
    for (int i = 0; i < team->count; i++) even = even && fabs(team->members[i].part - equal) < EQUAL * equal;
    for (int i = 0; i < team->count; i++) {
        team->members[i].share = even ? equal : team->members[i].part;
        sum += team->members[i].share;
        team->cut[i + 1] = (uint32_t)(sum * CUT + 0.5);
    }
    team->cut[team->count] = CUT;
}

/* Between jobs: parts move towards the speeds that were seen. */
static void follow_speeds(jd_team *team)
{
    double speeds = 0, parts = 0;
    if (team->fixed || team->members[0].alone < MEASURED_NANOSECONDS) return;
    for (int i = 0; i < team->count; i++) {
        if (!(team->members[i].alone > 0)) return;
        speeds += 1 / team->members[i].alone;
    }
    for (int i = 0; i < team->count; i++) {
        member *m = &team->members[i];
        const double least = LEAST / team->count;
        m->part += GAIN * (1 / m->alone / speeds - m->part);
        if (m->part < least) m->part = least;
        parts += m->part;
        m->alone = 0;
    }
    for (int i = 0; i < team->count; i++) team->members[i].part /= parts;
    set_cuts(team);
}

void jd_team_fix(jd_team *team, const double *part)
{
    team->fixed = part != NULL;
    for (int i = 0; i < team->count; i++) team->members[i].part = part ? part[i] : 1. / team->count;
    set_cuts(team);
}

double jd_team_part(const jd_worker *w, int id)
{
    return w->team ? w->team->members[id].share : 1. / w->count;
}

void jd_team_note(const jd_worker *w, size_t got, size_t of)
{
    if (!w->team) return;
    member *m = &w->team->members[w->id];
    if (m->of && m->of <= of) return;
    m->got = got;
    m->of = of;
}

void jd_team_share(const jd_worker *w, size_t n, size_t grain, size_t *begin, size_t *end)
{
    const size_t units = grain == 1 ? n : (n + grain - 1) / grain, id = (size_t)w->id, count = (size_t)w->count;
    const uint32_t *cut = w->team ? w->team->cut : NULL;
    size_t b = cut ? (units * cut[id] + CUT / 2) / CUT : units * id / count;
    size_t e = cut ? (units * cut[id + 1] + CUT / 2) / CUT : units * (id + 1) / count;
    jd_team_note(w, e - b, units);
    b *= grain;
    e *= grain;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

/* ---- threads --------------------------------------------------------------------------------------------------------- */

static void *member_main(void *arg)
{
    member *m = arg;
    jd_team *team = m->worker.team;
    for (uint32_t seen = 0;; seen++) {
        wait_change(&team->generation, seen, team->spin);
        if (team->stop) return NULL;
        phase_begins(m);
        team->fn(team->user, &m->worker);
        phase_ends(m);
        if (atomic_fetch_sub_explicit(&team->pending.value, 1, memory_order_seq_cst) == 1) wake_all(&team->pending);
    }
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
    const size_t members = sizeof(jd_team) + (size_t)count * sizeof(member);
    const size_t bytes = (members + ((size_t)count + 1) * sizeof(uint32_t) + 63) & ~(size_t)63;
    jd_team *team = aligned_alloc(64, bytes);
    if (!team) return NULL;
    memset(team, 0, bytes);
    team->count = count;
    team->cut = (uint32_t *)(void *)((char *)team + members);
    jd_team_fix(team, NULL);
    team->process = getpid();
    team->spin = jd__cores() >= count;
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
    if (team && jd_team_here(team))
        stop_threads(team, team->count);
    else
        free(team);
}

bool jd_team_here(const jd_team *team)
{
    return team->process == getpid();
}

int jd_team_count(const jd_team *team)
{
    return team->count;
}

void jd_team_run(jd_team *team, void (*fn)(void *user, const jd_worker *w), void *user)
{
    member *me = &team->members[0];
    if (team->count == 1) {
        fn(user, &me->worker);
        return;
    }
    follow_speeds(team);
    team->fn = fn;
    team->user = user;
    atomic_store_explicit(&team->pending.value, (uint32_t)team->count - 1, memory_order_relaxed);
    start_job(team);
    phase_begins(me);
    fn(user, &me->worker);
    phase_ends(me);
    uint32_t left;
    while ((left = atomic_load_explicit(&team->pending.value, memory_order_acquire)) != 0)
        wait_change(&team->pending, left, team->spin);
}

void jd_team_barrier(const jd_worker *w)
{
    jd_team *team = w->team;
    if (!team) return;
    phase_ends(&team->members[w->id]);
    /* No member can leave this phase before we arrive, so the number read here is the current one. */
    const uint32_t phase = atomic_load_explicit(&team->phase.value, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == (uint32_t)team->count) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->phase.value, phase + 1, memory_order_seq_cst);
        wake_all(&team->phase);
    } else {
        wait_change(&team->phase, phase, team->spin);
    }
    phase_begins(&team->members[w->id]);
}
