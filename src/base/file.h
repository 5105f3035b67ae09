/*
 * file.h - replacing a file so that, whatever happens, its name holds either the old contents or all of the new ones.
 *
 * Order of operations: temporary file in the same directory (O_EXCL), write, fsync, close, rename, fsync of the
 * directory.  An error of fsync is final: Linux may have dropped the dirty pages, so a second fsync that succeeds proves
 * nothing.
 */
#ifndef JD_BASE_FILE_H
#define JD_BASE_FILE_H

#include <sys/types.h>

#include "jackdaw/base.h"

/* The system calls of the writing side.  A context points at the C library's; tests put failing ones in their place. */
struct jd_io_ops {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *data, size_t bytes);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*link)(const char *from, const char *to);
    int (*unlink)(const char *path);
};

extern const struct jd_io_ops jd__io_system;

/* Through interruptions. */
int jd__open_again(jd_ctx *ctx, const char *path, int flags, mode_t mode);
/* Through interruptions and short writes; 0, or the errno of what failed.  Adds to *written, if not NULL. */
int jd__write_all(jd_ctx *ctx, int fd, const void *data, size_t bytes, uint64_t *written);

typedef struct jd_replacement {
    jd_ctx *ctx;
    char *path, *tmp, *dir;
    int fd;           /* -1 when closed */
    uint64_t written; /* bytes so far */
} jd_replacement;

/* Opens PATH.tmp.PID.  On any failure of these three, the temporary file is gone and the object is empty. */
jd_status jd__replace_begin(jd_replacement *r, jd_ctx *ctx, const char *path);
jd_status jd__replace_write(jd_replacement *r, const void *data, size_t bytes);
/* fsync and close.  The temporary file is then complete and durable, but not yet under its name. */
jd_status jd__replace_flush(jd_replacement *r);
/* rename and fsync of the directory; flushes first if that has not been done. */
jd_status jd__replace_commit(jd_replacement *r);
/* Gives up: removes the temporary file.  Does nothing after a commit or a failure. */
void jd__replace_abort(jd_replacement *r);

/* The directory part of `path` ("." when there is none); to be given to jd_free. */
char *jd__dirname(jd_ctx *ctx, const char *path);

#endif
