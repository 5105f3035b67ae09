/*
 * ranks.h - one run on several processes, on one machine or on many.
 *
 * Processes that mpirun or srun has started join as ranks.  All run the same program from the same seed and keep the same
 * state: populations share their candidates out and gather the scores (jd_rollout_run), training takes the mean of the
 * gradients of several batches (jd_train).  Rank 0 writes the files.
 *
 *     jd_ctx *ctx = jd_ctx_new(NULL);
 *     if (jd_ranks_join(ctx, 0)) fprintf(stderr, "%s\n", jd_error_message(ctx));
 *     printf("rank %d of %d\n", jd_my_rank(ctx), jd_ranks(ctx));
 *
 * Shards: a training step works on so many batches, one after another or side by side, and adds their gradients in a
 * binary tree by number.  The weights depend on the number of shards and not on the number of ranks: 1, 2 or 4 ranks with
 * four shards give the same bits.
 *
 * A rank that dies takes the others with it (the launcher ends them); `--resume` goes on from rank 0's checkpoint.
 */
#ifndef JACKDAW_RANKS_H
#define JACKDAW_RANKS_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Joins the ranks of this launch; without a launcher there is one.  shards: 0 means one for each rank; otherwise a multiple
 * of the number of ranks, and where a rank has several a power of two of them.  To be called once, before anything is
 * trained.  Errors: JD_EABSENT (started by a launcher, but this build has no MPI), JD_EUSAGE (shards). */
JD_API jd_status jd_ranks_join(jd_ctx *ctx, int shards);

/* This process's number, how many there are, and the shards of a training step; 0, 1 and 1 without jd_ranks_join. */
JD_API int jd_my_rank(const jd_ctx *ctx);
JD_API int jd_ranks(const jd_ctx *ctx);
JD_API int jd_shards(const jd_ctx *ctx);

/* This rank's part of n things: begin..end-1; and, once every rank has filled in its part of `all` (n, bytes each), the
 * others' parts.  Every rank must call it, in the same order. */
JD_API void jd_rank_share(const jd_ctx *ctx, size_t n, size_t *begin, size_t *end);
JD_API jd_status jd_ranks_gather(jd_ctx *ctx, void *all, size_t n, size_t bytes);

/* Bytes for each rank, one after the other by rank, out_bytes (ranks) for each; *in, to be given to jd_free, gets those from
 * each, in_bytes (ranks) of them.  Every rank must call it, in the same order. */
JD_API jd_status jd_ranks_exchange(jd_ctx *ctx, const void *out, const size_t *out_bytes, void **in, size_t *in_bytes);

/* Any rank's wish to stop reaches all of them at the same place of the program: with the next gathering or training step.
 * Says true from then on. */
JD_API bool jd_ranks_stopping(jd_ctx *ctx, bool wish);

#ifdef __cplusplus
}
#endif
#endif
