/* protein.h (internal) - what the readers of chains share. */
#ifndef JD_DATA_PROTEIN_H
#define JD_DATA_PROTEIN_H

#include "jackdaw/protein.h"

/* The place of a state's letter in `states`, -1 if it has none. */
int32_t jd__state_of(const char *states, char letter);
/* An array of NumPy's in memory; on failure *c holds what jd_chains_free frees. */
jd_status jd__read_chains_npy(jd_ctx *ctx, const char *path, const uint8_t *file, size_t bytes, jd_chains *c);

#endif
