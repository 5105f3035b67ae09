/*
 * safetensors.h - the streaming writer that weights and checkpoints share.
 */
#ifndef JD_IO_SAFETENSORS_H
#define JD_IO_SAFETENSORS_H

#include "base/file.h"
#include "io/tensor_file.h"

/* Writes header and data; `kind` is the value of jackdaw.kind unless the metadata has one.  The caller begins and
 * commits the replacement; on failure it has been given up. */
jd_status jd__safetensors_emit(jd_replacement *r, jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors,
                               size_t n, const jd_metadata *metadata, size_t m, const char *kind);

/* XXH3-64 of the header bytes with the 16 digits at `digits` (in header; NULL: none) taken as '0'. */
uint64_t jd__safetensors_header_hash(const char *header, size_t bytes, const char *digits);
/* Where the digits of jackdaw.xxh3.header stand in a header; NULL if they do not. */
const char *jd__safetensors_header_digits(const char *header, size_t bytes);

#endif
