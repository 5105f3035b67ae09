/* rollout.h - what the two ways to run episodes share: in lanes on the CPU (rollout.c), on a device (rollout_device.c). */
#ifndef JD_ENV_ROLLOUT_H
#define JD_ENV_ROLLOUT_H

#include <stdatomic.h>

#include "env/env.h"
#include "search/population.h"

/* What one thread works with. */
typedef struct jd__rollout_lanes {
    jd_env *env;    /* 16 copies */
    float *w;       /* (W,16) */
    float *h;       /* (2 hidden,16) */
    float *obs;     /* (observations,16) */
    float *act;     /* (outputs,16) */
    double *memory; /* (16, memory) */
} jd__rollout_lanes;

struct jd_rollout {
    jd_ctx *ctx;
    jd_rollout_options o;
    jd_lane_net net;
    size_t W;
    int threads;
    jd__rollout_lanes *lane;
    /* On a device: */
    const char *kernel; /* NULL: the CPU's */
    jd_device_room there, trace;
    unsigned char *here; /* what is sent to `there` */
    size_t here_bytes;
    double *seen; /* the trace's copy */
    size_t seen_bytes;
};

typedef struct jd__rollout_job {
    jd_rollout *r;
    const double *weights, *start;
    bool same;
    size_t n;
    uint64_t seed;
    int64_t limit;
    double *score;
    int64_t *steps;
    atomic_size_t next;
} jd__rollout_job;

/* Score and steps of the job's candidates; an error is the context's. */
jd_status jd__rollout_run_there(const jd__rollout_job *j);
void jd__rollout_device_free(jd_rollout *r);

#endif
