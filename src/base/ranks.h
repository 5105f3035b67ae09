/*
 * ranks.h - what a context knows of the ranks, and what carries bytes between them.
 */
#ifndef JD_BASE_RANKS_H
#define JD_BASE_RANKS_H

#include "jackdaw/base.h"

/* What a plug-in offers (src/dist/mpi.c): all calls are collective and return 0 when they succeed.  counts[r] bytes go to
 * or come from rank r, laid end to end. */
enum { JD_TRANSPORT_ABI = 1 };
typedef struct jd_transport {
    int abi, rank, size;
    int (*gather)(const void *mine, size_t bytes, void *all, const size_t *counts);
    int (*exchange)(const void *out, const size_t *out_counts, void *in, const size_t *in_counts);
    void (*leave)(void);
} jd_transport;
typedef const jd_transport *jd_transport_open(char *message, size_t size);

typedef struct jd_group {
    jd_ctx *ctx;
    const jd_transport *transport; /* NULL: one rank */
    void *library;
    int rank, size;
    int shards, local; /* in all, and of this rank */
    int pushed;        /* shards of this step whose gradients are in */
    bool wish, stopping;
    /* The mean over all shards of n gradients, float (real 4) or double (8), in the last of this rank's calls of a step;
     * `out` stays as it is in the others. */
    void (*mean)(struct jd_group *g, const void *in, void *out, size_t n, size_t real);
    void (*free)(struct jd_group *g);
    char *level[32]; /* sums of 1, 2, 4... shards that wait for their neighbours */
    bool full[32];
    char *work; /* pieces on their way */
    size_t bytes;
} jd_group;

#endif
