/*
 * tensor_file.h - the tensors of a file in memory, as the readers build them.
 */
#ifndef JD_IO_TENSOR_FILE_H
#define JD_IO_TENSOR_FILE_H

#include "io/bytes.h"
#include "jackdaw/io.h"

struct jd_tensor_file {
    jd_ctx *ctx;
    char *path;
    size_t count, metas;
    jd_tensor_entry *entry; /* (count) */
    uint32_t *by_name;      /* (count) indices into entry, in the order of the names */
    jd_metadata *meta;      /* (metas), sorted by key */
    char *strings;          /* names and metadata of a safetensors file */
    void **block;           /* (blocks) memory of the tensors */
    size_t blocks;
};

/* An empty one with room for `blocks` blocks; NULL when memory runs out. */
jd_tensor_file *jd__tensor_file_new(jd_ctx *ctx, const char *path, size_t blocks);
/* Makes by_name; an error (JD_EDATA) when two tensors have one name. */
jd_status jd__tensor_file_index(jd_tensor_file *f);

/* product(dim) x element size, 0 dimensions included; false on overflow. */
bool jd__tensor_bytes(int rank, const int64_t *dim, size_t element, uint64_t *bytes);
/* Checks a tensor that is to be written: type, rank, dimensions, name (unless `nameless`), data; sets *bytes. */
jd_status jd__tensor_check(jd_ctx *ctx, const char *path, const jd_tensor_entry *t, bool nameless, uint64_t *bytes);

/* ---- npy inside npz ---- */
/* Parses a whole npy file; on success *data (to be given to jd_free) holds the values. `offset` is where the npy begins
 * in `name`, for messages. */
jd_status jd__npy_decode(jd_ctx *ctx, const char *name, const unsigned char *npy, uint64_t size, jd_tensor_entry *out,
                         void **data);
/* The bytes that precede the data. */
jd_status jd__npy_header(jd_buffer *b, const jd_tensor_entry *t);

#endif
