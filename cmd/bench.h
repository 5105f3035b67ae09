/* bench.h - the workloads of `jackdaw bench`. */
#ifndef JD_CMD_BENCH_H
#define JD_CMD_BENCH_H

#include "jackdaw/bench.h"
#include "jackdaw/jackdaw.h"

/* A workload that has been set up: step() does the work once. */
typedef struct bench_job {
    jd_ctx *ctx;
    jd_fn *fn;
    jd_params *params;
    jd_plan *plan;
    void *memory[8]; /* freed with the job */
    double gflop;    /* of one step, counted as performance.md counts */
    double bytes;    /* for the workloads that bandwidth limits: what must move, and from where (see limit) */
    double (*limit)(const struct bench_job *j, const jd_peaks *peak); /* seconds; NULL: gflop / peak */
    jd_status (*step)(struct bench_job *j);                           /* NULL: runs the plan */
    void *state;                                                      /* of the step, */
    void (*close)(struct bench_job *j);                               /* which frees it; or NULL */
} bench_job;

typedef struct bench_workload {
    const char *name, *doc;
    jd_status (*make)(const struct bench_workload *w, bench_job *j);
    int a, b, c;      /* sizes, as the workload's file explains */
    double prototype; /* seconds of a hand-written prototype elsewhere, or to reach; 0: none */
} bench_workload;

extern const bench_workload bench_recurrent[], bench_nets[], bench_small[], bench_decode[], bench_scan[],
    bench_search[]; /* each ends with a NULL name */

/* Uniform numbers in [low, high) in memory that the job frees. */
float *bench_random(bench_job *j, size_t n, float low, float high);
int32_t *bench_random_int(bench_job *j, size_t n, int32_t low, int32_t high);
/* Traces `trace` for the inputs and copies their data. */
jd_status bench_plan(bench_job *j, jd_trace *trace, void *user, const jd_tensor *in, int n);

jd_status bench_step(bench_job *j); /* once; on a device it may still be running when this returns */
/* The device's rate of large products (flops) and of large copies, bytes read and written (l2, l3, dram). */
jd_peaks bench_device_peaks(jd_ctx *ctx);
double bench_median(double *x, int n); /* sorts x */
const char *bench_time(double seconds, char text[32]);

typedef struct bench_rival_options {
    bool json;
    int rounds;    /* pairs of rounds; 0: as many as the budget allows */
    double budget; /* seconds a rival */
} bench_rival_options;
/* Prints how the libraries that are there do at the same work, against the job in alternating rounds. */
void bench_rivals(const char *workload, bench_job *j, const bench_rival_options *o);

#endif
