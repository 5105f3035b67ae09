/*
 * base.h - contexts, errors, memory, random numbers.
 *
 * Everything in Jackdaw hangs from a `jd_ctx`: allocator, thread team, seed and the first error that happened.  There
 * is no global mutable state; two contexts may be used from two threads at the same time, one context from one thread
 * at a time, which need not always be the same one (loader threads that belong to a context are the library's own business).
 * What was made in a context is freed before it, with the function that its header names.
 *
 * Errors.  A function that can fail returns a `jd_status` (JD_OK is 0) or a NULL pointer, and leaves a sentence in the
 * context: what failed, where, and how to repair it.  The first error is sticky: later calls on the same context do
 * nothing and report the same status until `jd_error_clear`.  So model code needs no checks of its own:
 *
 *     jd_ctx *ctx = jd_ctx_new(&(jd_options){ .threads = 2 });
 *     ...                                                           // build, train
 *     if (jd_error(ctx)) fprintf(stderr, "%s\n", jd_error_message(ctx));
 *
 * The library never prints, never exits and never aborts.  Objects that could not be made are NULL, and functions take such a
 * NULL as an error that was already told: they do nothing and return a status, NULL or 0.
 *
 * It lives with what its host has set: numbers in files have a point in every locale; computations round to the nearest and
 * trap nothing, whatever the floating-point mode, which is put back; threads of its own block all signals; a stack of 256 KiB
 * is enough; after a fork both processes may go on with a context that no thread was using.
 */
#ifndef JACKDAW_BASE_H
#define JACKDAW_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JD_API               __attribute__((visibility("default")))
#define JD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define JD_VERSION_STRING "0.1.0"
/* That of the library in use, where JD_VERSION_STRING is that of the headers.  Programs run with any library of the same major and
 * minor version, which its soname tells (libjackdaw.so.0.1), and read the files of every older one; those of a newer major version
 * are refused. */
JD_API const char *jd_version(void);

/* Options by name, as in jd_dense(g, "out", x, .units = 10): a compound literal in C, a braced initialiser in C++20, where the
 * fields must stand in the order of their declaration.  Older C++ fills the struct and calls the function with `_opt`:
 *     jd_dense_options o = {};
 *     o.units = 10;
 *     x = jd_dense_opt(g, "out", x, o); */
#ifdef __cplusplus
#define JD_MAKE(type, ...) (type{__VA_ARGS__})
#else
#define JD_MAKE(type, ...) ((type){__VA_ARGS__})
#endif

typedef struct jd_ctx jd_ctx;

/* Status codes.  Their values are the exit codes of the `jackdaw` program. */
typedef enum jd_status {
    JD_OK = 0,
    JD_EDIVERGED = 1,   /* the computation failed: a NaN, a training that diverged */
    JD_EUSAGE = 2,      /* wrong use: shapes, options, configuration */
    JD_EDATA = 65,      /* a file's contents are wrong */
    JD_ENOINPUT = 66,   /* a file or data set is missing or cannot be opened */
    JD_EABSENT = 69,    /* a feature that is not built in, or a device that is not there */
    JD_EINTERNAL = 70,  /* a bug in Jackdaw */
    JD_ENOMEM = 71,     /* out of memory */
    JD_EIO = 74,        /* writing failed: disk full, I/O error */
    JD_ESTOPPED = 75,   /* stopped early; can be resumed */
    JD_EINTERRUPT = 130 /* interrupted by the user; can be resumed */
} jd_status;

typedef struct jd_options {
    int threads;   /* worker threads, the caller included; 0: one per core, within the quota of a container */
    uint64_t seed; /* key of every random stream of this context */
    const char
        *isa; /* "scalar", "avx2", "avx512" or, on ARM, "neon"; NULL: $JD_ISA if set, else the best this CPU has */
    /* Memory: returns `bytes` bytes aligned to 64, or NULL; `free` takes what `alloc` gave.  NULL: the C library's. */
    void *(*alloc)(void *user, size_t bytes);
    void (*free)(void *user, void *p);
    void *alloc_user;
} jd_options;

/* Returns NULL only when memory runs out or `isa` is unknown.  `o` may be NULL. */
JD_API jd_ctx *jd_ctx_new(const jd_options *o);
JD_API void jd_ctx_free(jd_ctx *ctx);
JD_API int jd_ctx_threads(const jd_ctx *ctx);
JD_API uint64_t jd_ctx_seed(const jd_ctx *ctx);
JD_API void jd_ctx_set_seed(jd_ctx *ctx, uint64_t seed);
JD_API const char *jd_ctx_isa(const jd_ctx *ctx);

/* The first error since the context was made or cleared; JD_OK and "" when there is none. */
JD_API jd_status jd_error(const jd_ctx *ctx);
JD_API const char *jd_error_message(const jd_ctx *ctx);
JD_API void jd_error_clear(jd_ctx *ctx);

/* Records an error (if none is pending) and returns the pending status.  Thread-safe.  A message beyond 1 KiB loses its middle.
 *     return jd_fail(ctx, JD_EDATA, "%s: byte %zu: 7 labels, but 8 images; check both files", path, at); */
JD_API jd_status jd_fail(jd_ctx *ctx, jd_status status, const char *fmt, ...) JD_PRINTF(3, 4);

/* Zeroed memory aligned to 64 bytes from the context's allocator; on failure NULL, with JD_ENOMEM recorded.
 * `jd_alloc_array` checks count x size for overflow. */
JD_API void *jd_alloc(jd_ctx *ctx, size_t bytes);
JD_API void *jd_alloc_array(jd_ctx *ctx, size_t count, size_t size);
JD_API void *jd_realloc(jd_ctx *ctx, void *p, size_t old_bytes, size_t new_bytes);
JD_API char *jd_strdup(jd_ctx *ctx, const char *s);
JD_API char *jd_asprintf(jd_ctx *ctx, const char *fmt, ...) JD_PRINTF(2, 3);
JD_API void jd_free(jd_ctx *ctx, void *p);

/* The word of `words` (NULL-terminated) nearest to `word` by edit distance, for "did you mean"; NULL if none is near. */
JD_API const char *jd_nearest(const char *word, const char *const *words);

/* Seconds from a monotonic clock. */
JD_API double jd_now(void);

/* Like C's rename after fsync: puts `bytes` bytes at `data` into the file `path` so that, whatever happens, `path` holds
 * either the old contents or all of the new ones.  Errors: JD_EIO. */
JD_API jd_status jd_write_file(jd_ctx *ctx, const char *path, const void *data, size_t bytes);

/* Reads a whole file, at most `limit` bytes (0: 4 GiB), into memory to be given to jd_free; one NUL byte follows the
 * data.  Errors: JD_ENOINPUT (cannot be opened), JD_EDATA (larger than the limit). */
JD_API void *jd_read_file(jd_ctx *ctx, const char *path, size_t limit, size_t *bytes);

/* ---- random numbers -------------------------------------------------------------------------------------------------
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): numbers are a function of (seed, purpose, index), so a result
 * does not depend on threads, and a resumed run needs no generator state. */

/* A sequential reader of one stream; a plain value, copy it freely. */
typedef struct jd_rng {
    uint32_t key[2];
    uint32_t ctr[4]; /* ctr[0] counts blocks; ctr[1] unused; ctr[2..3] the stream's index */
    uint32_t out[4];
    int left;
} jd_rng;

/* Stream `index` of `purpose` ("init/conv1/W", "shuffle"...) under `seed`:
 *     jd_rng r = jd_rng_new(seed, "deform", epoch * 60000 + sample);
 *     float angle = 15.f * (2.f * jd_rng_uniform(&r) - 1.f); */
JD_API jd_rng jd_rng_new(uint64_t seed, const char *purpose, uint64_t index);
JD_API uint32_t jd_rng_u32(jd_rng *r);
JD_API float jd_rng_uniform(jd_rng *r);              /* [0,1), 24 bits */
JD_API double jd_rng_uniform64(jd_rng *r);           /* [0,1), 53 bits */
JD_API double jd_rng_normal(jd_rng *r);              /* mean 0, variance 1; by inversion, AS 241 */
JD_API uint32_t jd_rng_below(jd_rng *r, uint32_t n); /* uniform in 0..n-1, without bias; n > 0 */
JD_API void jd_rng_shuffle(jd_rng *r, uint32_t *a, size_t n);
/* One raw block, for tests and for kernels. */
JD_API void jd_philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

#ifdef __cplusplus
}
#endif
#endif
