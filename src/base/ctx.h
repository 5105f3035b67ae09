/*
 * ctx.h - what is inside a context.
 */
#ifndef JD_BASE_CTX_H
#define JD_BASE_CTX_H

#include <pthread.h>

#include "base/file.h"
#include "base/team.h"
#include "jackdaw/base.h"

struct jd_ctx {
    int threads;
    uint64_t seed;
    const char *isa; /* static storage */
    void *(*alloc)(void *user, size_t bytes);
    void (*free)(void *user, void *p);
    void *alloc_user;
    const struct jd_io_ops *io; /* system calls of the writing side; tests put failing ones here */
    pthread_mutex_t lock;       /* guards changes of status and message, and the making of team */
    jd_status status;           /* read without the lock: the message is complete before this is nonzero */
    char message[1024];
    jd_team *team;            /* made at first use */
    struct jd_group *group;   /* the ranks, once joined; see base/ranks.h */
    const void *cpu;          /* the kernel table of `isa` */
    struct jd_device *device; /* NULL: the CPU */
};

static inline jd_status jd__ctx_status(const jd_ctx *ctx)
{
    return __atomic_load_n(&ctx->status, __ATOMIC_ACQUIRE);
}

/* After a library that takes memory by itself has worked, before what it says is believed: true, with JD_ENOMEM recorded, where
 * memory ran out.  The one sign of that which they all leave is the C library's errno, which is set to 0 before.  A result
 * is no sign of success: jansson's parser loses a character when its buffer cannot grow. */
bool jd__library_failed(jd_ctx *ctx, const char *name, const char *library);

/* Processors that this process may use: those it may run on, or fewer where a quota of its control groups is worth fewer. */
int jd__cores(void);

/* That quota in processors, rounded up, 0 for none: `self` lists the groups as /proc/self/cgroup does, which lie under `root`
 * as under /sys/fs/cgroup. */
int jd__cores_quota(const char *self, const char *root);

/* The context's team; made at the first call.  NULL (with an error recorded) when threads cannot be made. */
jd_team *jd__ctx_team(jd_ctx *ctx);

/* Natural logarithm of a positive, normal x from basic operations only, so that its bits are the same on every machine;
 * relative error below 1e-15. */
double jd__log64(double x);

/* The parts of jd_rng_new and jd_rng_normal, for kernels: hash of a purpose, key of (seed, hash), and the x below which a
 * standard normal variate lies with probability p, 0 < p < 1. */
uint64_t jd__rng_hash(const char *purpose);
void jd__rng_key(uint64_t seed, uint64_t hash, uint32_t key[2]);
double jd__normal_quantile(double p);

#endif
