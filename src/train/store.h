/*
 * store.h - a parameter store as the tensors of a file, and back: what models and checkpoints have in common.
 */
#ifndef JD_TRAIN_STORE_H
#define JD_TRAIN_STORE_H

#include <jansson.h>

#include "jackdaw/train.h"

/* The tensors of a file that is about to be written; names are copies, data are borrowed. */
typedef struct jd_entries {
    jd_ctx *ctx;
    jd_tensor_entry *t;
    size_t n, room;
} jd_entries;
/* Room for all ranges and states of `p` and `more` vectors. */
jd_status jd__entries_begin(jd_entries *e, jd_ctx *ctx, jd_params *p, size_t more);
void jd__entries_end(jd_entries *e);
void jd__entries_params(jd_entries *e, const char *prefix, jd_params *p);
void jd__entries_states(jd_entries *e, const char *prefix, jd_params *p);
void jd__entries_vector(jd_entries *e, const char *name, jd_file_dtype dtype, size_t count, const void *data);

jd_file_dtype jd__file_dtype(jd_dtype t);

/* The order of parameters or states as JSON: a store that is filled in this order computes the same bits. */
json_t *jd__store_order(jd_ctx *ctx, jd_params *p, bool states);
/* Puts the tensors PREFIX + name of all names in `order` into the store. */
jd_status jd__store_set(jd_ctx *ctx, jd_params *p, const jd_tensor_file *f, const json_t *order, const char *prefix,
                        bool states);
/* A metadata value as JSON, or NULL with an error. */
json_t *jd__meta_json(jd_ctx *ctx, const jd_tensor_file *f, const char *path, const char *key);

#endif
