/*
 * bench.c - `jackdaw bench`: workloads timed against the ceilings of this machine, measured in the same run.
 *
 * Noise: other programs share the machine.  Each round times the workload and the multiply-add peak one after the other,
 * so the share compares neighbours in time; the best and the median of the rounds are printed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "jackdaw/device.h"
#include "cli.h"

enum { MAX_ROUNDS = 1000 };

typedef struct options {
    int rounds, threads;
    bool json, rivals, list;
    double budget; /* seconds a workload */
    const char *device, *precision;
    jd_peaks peak; /* of the device; measured once */
} options;

float *bench_random(bench_job *j, size_t n, float low, float high)
{
    float *x = jd_alloc_array(j->ctx, n, sizeof *x);
    jd_rng r = jd_rng_new(1, "bench", n);
    for (size_t i = 0; x && i < n; i++) x[i] = low + (high - low) * jd_rng_uniform(&r);
    for (int k = 0; k < 7; k++)
        if (!j->memory[k]) {
            j->memory[k] = x;
            break;
        }
    return x;
}

int32_t *bench_random_int(bench_job *j, size_t n, int32_t low, int32_t high)
{
    int32_t *x = (int32_t *)(void *)bench_random(j, n, 0, 1);
    jd_rng r = jd_rng_new(1, "bench labels", n);
    for (size_t i = 0; x && i < n; i++) x[i] = low + (int32_t)jd_rng_below(&r, (uint32_t)(high - low));
    return x;
}

jd_status bench_plan(bench_job *j, jd_trace *trace, void *user, const jd_tensor *in, int n)
{
    j->params = jd_params_new(j->ctx, JD_F32);
    j->fn = jd_fn_new(j->ctx, j->params, trace, user);
    if (!j->fn || jd_fn_run(j->fn, in, n)) return jd_error(j->ctx);
    j->plan = jd_fn_plan(j->fn, in, n);
    return jd_error(j->ctx);
}

static void free_job(bench_job *j)
{
    if (j->close) j->close(j);
    jd_fn_free(j->fn);
    jd_params_free(j->params);
    for (int i = 0; i < 7; i++) jd_free(j->ctx, j->memory[i]);
    free(j->memory[7]);
    jd_ctx_free(j->ctx);
}

jd_status bench_step(bench_job *j)
{
    return j->step ? j->step(j) : jd_plan_run(j->plan);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

typedef struct timing {
    double best, median, high; /* seconds a step */
    jd_peaks peak;
    double share_best, share_median;
    int rounds;
} timing;

/* How many steps make about 20 ms. */
static long steps_per_round(bench_job *j)
{
    long n = 1;
    for (;;) {
        const double start = jd_now();
        for (long i = 0; i < n && !jd_error(j->ctx); i++) bench_step(j);
        jd_ctx_sync(j->ctx);
        const double took = jd_now() - start;
        if (took > 0.01 || jd_error(j->ctx)) return took > 0.02 ? n : n * 2;
        n *= 4;
    }
}

/* Of the CPU now; of a device once, since nobody else works on it. */
static jd_peaks peaks_now(jd_ctx *ctx, options *o)
{
    if (!o->device) return jd_measure_peaks(ctx, 0.02);
    if (o->peak.flops <= 0 && !strcmp(jd_ctx_device(ctx), "cuda")) o->peak = bench_device_peaks(ctx);
    return o->peak;
}

static jd_status measure(bench_job *j, options *o, timing *t)
{
    double s[MAX_ROUNDS], share[MAX_ROUNDS];
    memset(t, 0, sizeof *t);
    const long n = steps_per_round(j);
    if (jd_error(j->ctx)) return jd_error(j->ctx);
    t->peak = peaks_now(j->ctx, o);
    const double begin = jd_now();
    for (int r = 0; r < MAX_ROUNDS; r++) {
        if (o->rounds ? r >= o->rounds : r >= 7 && jd_now() - begin > o->budget) break;
        const double flops = o->device ? t->peak.flops : jd_measure_flops(j->ctx, 0.002);
        jd_ctx_sync(j->ctx);
        const double start = jd_now();
        for (long i = 0; i < n; i++) bench_step(j);
        jd_ctx_sync(j->ctx);
        s[r] = (jd_now() - start) / (double)n;
        jd_peaks now = t->peak;
        now.flops = flops;
        share[r] = (j->limit ? j->limit(j, &now) : j->gflop * 1e9 / flops) / s[r];
        if (flops > t->peak.flops) t->peak.flops = flops;
        t->rounds = r + 1;
    }
    t->share_median = bench_median(share, t->rounds);
    t->median = bench_median(s, t->rounds);
    t->best = s[0];
    t->high = s[t->rounds - 1];
    t->share_best = (j->limit ? j->limit(j, &t->peak) : j->gflop * 1e9 / t->peak.flops) / t->best;
    return jd_error(j->ctx);
}

const char *bench_time(double s, char text[32])
{
    if (s >= 1)
        snprintf(text, 32, "%.3f s", s);
    else if (s >= 1e-3)
        snprintf(text, 32, "%.3f ms", s * 1e3);
    else if (s >= 1e-6)
        snprintf(text, 32, "%.3f us", s * 1e6);
    else
        snprintf(text, 32, "%.1f ns", s * 1e9);
    return text;
}

static void show(const bench_workload *w, const bench_job *j, const timing *t, const options *o)
{
    const bool limited = j->gflop > 0 && !(w->prototype > 0) && t->peak.flops > 0;
    if (o->json) {
        printf("{\"workload\":\"%s\",\"seconds\":%.9g,\"best\":%.9g,\"highest\":%.9g,\"rounds\":%d,\"gflop\":%.6g,"
               "\"peak_gflops\":%.4g,",
               w->name, t->median, t->best, t->high, t->rounds, j->gflop, t->peak.flops / 1e9);
        if (limited) printf("\"share\":%.4g,\"share_best\":%.4g,", t->share_median, t->share_best);
        printf("\"device\":\"%s\",", jd_ctx_device_did(j->ctx));
        if (w->prototype > 0)
            printf("\"prototype_seconds\":%.4g,\"to_prototype\":%.4g,", w->prototype, t->best / w->prototype);
        printf("\"l2_gbs\":%.4g,\"l3_gbs\":%.4g,\"dram_gbs\":%.4g,\"threads\":%d,\"isa\":\"%s\"}\n", t->peak.l2 / 1e9,
               t->peak.l3 / 1e9, t->peak.dram / 1e9, jd_ctx_threads(j->ctx), jd_ctx_isa(j->ctx));
        fflush(stdout);
        return;
    }
    char a[32], b[32], c[32];
    printf("%-20s median %-11s best %-11s worst %-11s", w->name, bench_time(t->median, a), bench_time(t->best, b),
           bench_time(t->high, c));
    if (j->gflop > 0) printf(" %7.2f GFLOP/s", j->gflop / t->median);
    if (limited) printf("  share of limit %3.0f %% (best %3.0f %%)", 100 * t->share_median, 100 * t->share_best);
    if (w->prototype > 0 && !o->device)
        printf("  %.2f x the prototype's %s", t->best / w->prototype, bench_time(w->prototype, a));
    if (o->device) printf("\ndevice %s", jd_ctx_device_did(j->ctx));
    printf("\nseconds %.9g\n", t->best);
    fflush(stdout);
}

static int run_one(const bench_workload *w, options *o)
{
    bench_job j = {.ctx = jd_ctx_new_on(&(jd_options){.threads = o->threads, .seed = 1},
                                        &(jd_device_options){.device = o->device, .precision = o->precision})};
    timing t;
    if (!j.ctx) {
        fprintf(stderr, "jackdaw bench: no context; is $JD_ISA an instruction set of this processor?\n");
        return JD_EUSAGE;
    }
    jd_status status = jd_error(j.ctx);
    if (!status) status = w->make(w, &j);
    if (!status) status = measure(&j, o, &t);
    if (status)
        fprintf(stderr, "jackdaw bench: %s: %s\n", w->name, jd_error_message(j.ctx));
    else {
        show(w, &j, &t, o);
        if (o->rivals) bench_rivals(w->name, &j, &(bench_rival_options){o->json, o->rounds, o->budget});
    }
    free_job(&j);
    return (int)status;
}

static const bench_workload *const *all(int *n)
{
    static const bench_workload *list[128];
    const bench_workload *const part[] = {bench_recurrent, bench_nets, bench_small,
                                          bench_decode,    bench_scan, bench_search};
    *n = 0;
    for (size_t p = 0; p < sizeof part / sizeof *part; p++)
        for (const bench_workload *w = part[p]; w->name; w++) list[(*n)++] = w;
    list[*n] = NULL;
    return list;
}

static bool matches(const char *pattern, const char *name)
{
    const size_t n = strlen(pattern);
    return n && pattern[n - 1] == '*' ? !strncmp(pattern, name, n - 1) : !strcmp(pattern, name);
}

static int check_name(const char *pattern, const bench_workload *const *w, int n)
{
    const char *words[129] = {0};
    for (int i = 0; i < n; i++) {
        if (matches(pattern, w[i]->name)) return 0;
        words[i] = w[i]->name;
    }
    return cli_unknown("bench", "workload", pattern, words, "`jackdaw bench --list` shows all");
}

int cmd_bench(int argc, char **argv)
{
    cli_args a;
    const int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    options o = {.rounds = (int)cli_int(&a, "rounds", 0, 1, MAX_ROUNDS),
                 .threads = (int)cli_int(&a, "threads", 0, 1, 1024),
                 .json = cli_has(&a, "json"),
                 .rivals = cli_has(&a, "rivals"),
                 .list = cli_has(&a, "list"),
                 .budget = 1.5,
                 .device = cli_text(&a, "device", NULL),
                 .precision = cli_text(&a, "precision", NULL)};
    if (a.bad) return JD_EUSAGE;
    if (o.device && !strcmp(o.device, "cpu")) o.device = NULL;
    int n, status = 0, failed = 0;
    const bench_workload *const *w = all(&n);
    for (int k = 0; k < a.n; k++)
        if (check_name(a.rest[k], w, n)) return JD_EUSAGE;
    for (int i = 0; i < n; i++) {
        bool wanted = a.n == 0;
        for (int k = 0; k < a.n; k++) wanted |= matches(a.rest[k], w[i]->name);
        if (!wanted) continue;
        if (o.list)
            printf("%-20s %s\n", w[i]->name, w[i]->doc);
        else if ((status = run_one(w[i], &o)) == JD_EABSENT)
            return status; /* no device: the others would say the same */
        else if (status)
            failed = JD_EINTERNAL;
    }
    return failed;
}
