/*
 * io.h - tensors in files: safetensors (weights, checkpoints), NumPy's npy and npz, TensorBoard event files.
 *
 *     jd_tensor_file *f = jd_safetensors_open(ctx, "model.safetensors");
 *     const jd_tensor_entry *w = jd_tensor_file_get(f, "fc/W");          // NULL, and an error, if there is none
 *     jd_tensor_file_close(f);
 *
 * Every reader takes its file as hostile: each size is compared with what the file holds before memory is taken.  An
 * error (JD_EDATA) names file, byte offset, field and the two numbers that disagree.  Writers replace a file as
 * jd_write_file does: the name holds the old contents or all of the new ones.  Equal contents give equal bytes.
 */
#ifndef JACKDAW_IO_H
#define JACKDAW_IO_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tensors in files ---------------------------------------------------------------------------------------------- */

/* What a file can hold; the engine computes in fewer types (jd_dtype). */
typedef enum jd_file_dtype {
    JD_FILE_F32,
    JD_FILE_F64,
    JD_FILE_F16,
    JD_FILE_BF16,
    JD_FILE_I8,
    JD_FILE_U8,
    JD_FILE_I16,
    JD_FILE_I32,
    JD_FILE_I64,
    JD_FILE_BOOL, /* one byte each */
    JD_FILE_U16,  /* the unsigned types from here: npy and npz only */
    JD_FILE_U32,
    JD_FILE_U64,
    JD_FILE_OTHER /* listed, but not readable: 8-bit floats and the like */
} jd_file_dtype;

JD_API size_t jd_file_dtype_size(jd_file_dtype t);      /* bytes of one element; 0 for JD_FILE_OTHER */
JD_API const char *jd_file_dtype_name(jd_file_dtype t); /* "F32"; "?" for JD_FILE_OTHER */

/* One tensor, row-major, in the machine's byte order, aligned to its element size. */
typedef struct jd_tensor_entry {
    const char *name; /* UTF-8, 1..1024 bytes */
    jd_file_dtype dtype;
    int rank;                 /* 0 (a scalar) to 8 */
    int64_t dim[8];           /* a dimension may be 0 */
    const void *data;         /* NULL in a read file: the type is not readable */
    uint64_t bytes;           /* set by readers; writers take it from dtype and dim */
    const char *stored;       /* set by readers: the type's spelling in the file, "F8_E4M3" */
    const char *const *words; /* set by npy and npz readers for text, in UTF-8 (data is NULL then); NULL for numbers */
} jd_tensor_entry;

typedef struct jd_metadata {
    const char *key, *value; /* UTF-8 */
} jd_metadata;

/* A file's tensors in memory; everything it returns lives until it is closed.  Functions accept NULL (an open that
 * failed). */
typedef struct jd_tensor_file jd_tensor_file;
JD_API size_t jd_tensor_file_count(const jd_tensor_file *f);
JD_API const jd_tensor_entry *jd_tensor_file_entry(const jd_tensor_file *f, size_t i);        /* in the file's order */
JD_API const jd_tensor_entry *jd_tensor_file_find(const jd_tensor_file *f, const char *name); /* NULL: not there */
/* Like find, but records an error when the tensor is not there (naming a near one) or its type is not readable. */
JD_API const jd_tensor_entry *jd_tensor_file_get(const jd_tensor_file *f, const char *name);
JD_API size_t jd_tensor_file_metadata_count(const jd_tensor_file *f);
JD_API const jd_metadata *jd_tensor_file_metadata(const jd_tensor_file *f, size_t i); /* sorted by key */
JD_API const char *jd_tensor_file_meta(const jd_tensor_file *f, const char *key);     /* NULL: not there */
JD_API void jd_tensor_file_close(jd_tensor_file *f);

/* ---- safetensors ---------------------------------------------------------------------------------------------------
 * Source: the format's description and reader, https://github.com/huggingface/safetensors.  Reads F32, F64, F16, BF16,
 * I8, U8, I16, I32, I64 and BOOL; tensors of the format's other types are listed with data NULL.  Jackdaw's own files
 * carry checksums in the metadata, compared when present: `jackdaw.xxh3`, XXH3-64 of the data, and
 * `jackdaw.xxh3.header`, XXH3-64 of the header with the digits of this value taken as '0'. */
JD_API jd_tensor_file *jd_safetensors_open(jd_ctx *ctx, const char *path);
/* The same from memory, which is copied; `name` stands for the file name in messages. */
JD_API jd_tensor_file *jd_safetensors_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes);

/* Writes n tensors and m metadata pairs.  The keys format, jackdaw.version, jackdaw.xxh3 and jackdaw.xxh3.header are the
 * writer's own (given values are passed over, so that the metadata of a read file can be handed on); jackdaw.kind is
 * "weights" unless given.  Errors: JD_EUSAGE (names, types, duplicates), JD_EIO. */
JD_API jd_status jd_safetensors_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n,
                                      const jd_metadata *metadata, size_t m);

/* ---- checkpoints ---------------------------------------------------------------------------------------------------
 * A checkpoint is a safetensors file with jackdaw.kind = checkpoint.  Saving keeps the `keep` previous generations as
 * PATH.1 (the newest) .. PATH.keep and removes PATH.N beyond; whatever call fails, and whenever the process is killed,
 * the last good generation is on the disk under one of these names.
 *     jd_checkpoint_save(ctx, "run/last.ckpt", tensors, n, meta, m, 2);
 *     char *warning = NULL;
 *     jd_tensor_file *f = jd_checkpoint_load(ctx, "run/last.ckpt", &warning); */
JD_API jd_status jd_checkpoint_save(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n,
                                    const jd_metadata *metadata, size_t m, int keep);
/* The newest generation that verifies.  If that is not PATH itself, *warning (may be NULL) becomes a text, to be given
 * to jd_free, that names the damaged files; they are left in place.  Errors: JD_ENOINPUT (no generation is there),
 * JD_EDATA (none verifies). */
JD_API jd_tensor_file *jd_checkpoint_load(jd_ctx *ctx, const char *path, char **warning);

/* ---- NumPy's npy and npz -------------------------------------------------------------------------------------------
 * Source: numpy/lib/_format_impl.py.  Reads versions 1.0 to 3.0, either byte order, C and Fortran order; refuses object
 * arrays (they hold pickles, which run code), structured and complex types.  Text (U and S) is listed with `words`.
 * Writes numbers, version 1.0, little-endian, C order.  An npz is a ZIP archive of npy files: reads stored and deflated members, writes stored ones. */
JD_API jd_tensor_file *jd_npy_open(jd_ctx *ctx, const char *path); /* one tensor, named "" */
JD_API jd_tensor_file *jd_npy_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes);
JD_API jd_status jd_npy_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensor); /* its name is not used */
JD_API jd_tensor_file *jd_npz_open(jd_ctx *ctx, const char *path);
JD_API jd_tensor_file *jd_npz_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes);
JD_API jd_status jd_npz_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n);

/* ---- TensorBoard event files ---------------------------------------------------------------------------------------
 *     jd_events *e = jd_events_new(ctx, "runs/digits-1");
 *     jd_events_scalar(e, "train/loss", step, loss);
 *     jd_events_close(e);
 * Each record reaches the operating system before the call returns.  A resumed run opens a new file; TensorBoard joins
 * the files of a directory.  Functions accept NULL (a failed jd_events_new).  Errors: JD_EIO, JD_EUSAGE. */
typedef struct jd_events jd_events;
JD_API jd_events *jd_events_new(jd_ctx *ctx, const char *dir); /* makes `dir` if it is missing (not its parents) */
JD_API const char *jd_events_path(const jd_events *e);
JD_API jd_status jd_events_scalar(jd_events *e, const char *tag, int64_t step, float value);
/* pixels (height,width,channels), 8 bits each; channels 1 (grey), 3 (RGB) or 4 (RGBA). */
JD_API jd_status jd_events_image(jd_events *e, const char *tag, int64_t step, const uint8_t *pixels, int height,
                                 int width, int channels);
JD_API jd_status jd_events_close(jd_events *e);

/* One value of an event file. */
typedef struct jd_event {
    double wall_time; /* seconds since 1970 */
    int64_t step;
    const char *tag;          /* lives until the next call; "" for the file's version */
    const char *file_version; /* of the first record, else NULL */
    bool has_scalar;
    float scalar;
    int height, width, channels; /* of an image */
    const void *png;             /* NULL: no image */
    size_t png_bytes;
} jd_event;

typedef struct jd_event_reader jd_event_reader;
JD_API jd_event_reader *jd_event_reader_open(jd_ctx *ctx, const char *path);
/* False at the end, at a torn record (normal after a kill: see jd_event_reader_torn) and after an error. */
JD_API bool jd_event_reader_next(jd_event_reader *r, jd_event *out);
/* The byte offset of the record that is cut short or whose checksum is wrong; -1 if the file ended properly. */
JD_API int64_t jd_event_reader_torn(const jd_event_reader *r);
JD_API void jd_event_reader_close(jd_event_reader *r);

#ifdef __cplusplus
}
#endif
#endif
