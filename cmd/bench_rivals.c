/*
 * bench_rivals.c - `jackdaw bench --rivals`: other libraries at the same work with the same number of threads.
 *
 * Our rounds and theirs alternate in one process, and each pair gives a ratio; the median of the ratios is printed, so
 * that neither a slow minute of the machine nor one disturbed round decides.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "rivals.h"

enum { MOST_PAIRS = 101, LEAST_PAIRS = 7 };

typedef struct side {
    void (*step)(void *);
    void *state;
    long count;      /* steps a round */
    clockid_t clock; /* with one thread its CPU time, so that being interrupted does not count */
} side;

static double now(const side *s)
{
    struct timespec t;
    clock_gettime(s->clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void step_ours(void *job)
{
    bench_step(job);
}

/* The rival's threads go on spinning for some milliseconds after their last work; ours must not share cores with them. */
static void settle(void)
{
    nanosleep(&(struct timespec){0, 30000000}, NULL);
}

static double round_of(const side *s)
{
    settle();
    /* Wakes threads and brings the operands back into the caches; long rounds do not need it. */
    if (s->count > 1) s->step(s->state);
    const double start = now(s);
    for (long i = 0; i < s->count; i++) s->step(s->state);
    return (now(s) - start) / (double)s->count;
}

/* As many steps as make 20 ms. */
static void calibrate(side *s)
{
    s->step(s->state);
    const double start = now(s);
    s->step(s->state);
    const double took = now(s) - start;
    s->count = took > 0.02 ? 1 : (long)ceil(0.02 / (took + 1e-7));
}

typedef struct duel {
    double ours, theirs, ratio, low, high; /* medians; ratio = ours / theirs */
    int pairs;
} duel;

static duel fight(side *ours, side *theirs, int pairs, double budget)
{
    double a[MOST_PAIRS], b[MOST_PAIRS], q[MOST_PAIRS];
    duel d = {0};
    calibrate(ours);
    calibrate(theirs);
    const double begin = jd_now();
    const int most = pairs > 0 && pairs < MOST_PAIRS ? pairs : MOST_PAIRS;
    for (int n = 0; n < most; d.pairs = ++n) {
        if (pairs <= 0 && n >= LEAST_PAIRS && jd_now() - begin > budget) break;
        for (int half = 0; half < 2; half++) {
            const bool we = half == n % 2;
            *(we ? &a[n] : &b[n]) = round_of(we ? ours : theirs);
        }
        q[n] = a[n] / b[n];
    }
    d.ours = bench_median(a, d.pairs);
    d.theirs = bench_median(b, d.pairs);
    d.ratio = bench_median(q, d.pairs); /* sorts */
    d.low = q[0];
    d.high = q[d.pairs - 1];
    return d;
}

static const char *absence(rival_state s)
{
    switch (s) {
    case RIVAL_NOT_BUILT_IN: return "not built in";
    case RIVAL_NOT_INSTALLED: return "not installed";
    case RIVAL_FAILED: return "refused this workload";
    default: return NULL;
    }
}

static void one_rival(const rival *r, const char *workload, bench_job *j, const bench_rival_options *o)
{
    rival_work w = {0};
    const int threads = jd_ctx_threads(j->ctx);
    const rival_state state = r->open(r, &w, workload, threads);
    if (state == RIVAL_OTHER_WORK) return;
    if (state) {
        if (o->json)
            printf("{\"workload\":\"%s\",\"rival\":\"%s\",\"absent\":\"%s\"}\n", workload, r->name, absence(state));
        else
            printf("  %-12s %s\n", r->name, absence(state));
        return;
    }
    const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    side ours = {step_ours, j, 1, clock}, theirs = {w.step, w.state, 1, clock};
    const duel d = fight(&ours, &theirs, o->rounds, o->budget);
    w.close(w.state);
    if (o->json)
        printf("{\"workload\":\"%s\",\"rival\":\"%s\",\"version\":\"%s\",\"seconds\":%.9g,\"ours\":%.9g,\"ratio\":%.4g,"
               "\"ratio_low\":%.4g,\"ratio_high\":%.4g,\"rounds\":%d,\"threads\":%d,\"holds\":\"%s\"}\n",
               workload, r->name, w.version, d.theirs, d.ours, d.ratio, d.low, d.high, d.pairs, threads, w.holds);
    else {
        char text[32];
        printf("  %-12s %-6s median %-11s ours/theirs %.2f (%d rounds, %.2f to %.2f)\n  %-12s %s\n", r->name, w.version,
               bench_time(d.theirs, text), d.ratio, d.pairs, d.low, d.high, "", w.holds);
    }
    fflush(stdout);
}

void bench_rivals(const char *workload, bench_job *j, const bench_rival_options *o)
{
    const rival *const part[] = {rivals_blas, rivals_onednn};
    for (int p = 0; p < 2; p++)
        for (const rival *r = part[p]; r->name; r++) one_rival(r, workload, j, o);
}
