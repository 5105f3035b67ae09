/*
 * file.c - reading whole files; replacing files atomically.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/given.h"
#include "base/ctx.h"

static int system_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const struct jd_io_ops jd__io_system = {system_open, write, fsync, close, rename, link, unlink};

int jd__open_again(jd_ctx *ctx, const char *path, int flags, mode_t mode)
{
    int fd;
    do fd = ctx->io->open(path, flags, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int jd__write_all(jd_ctx *ctx, int fd, const void *data, size_t bytes, uint64_t *written)
{
    const char *p = data;
    while (bytes) {
        const size_t piece = bytes < ((size_t)1 << 30) ? bytes : (size_t)1 << 30;
        const ssize_t n = ctx->io->write(fd, p, piece);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        p += n;
        bytes -= (size_t)n;
        if (written) *written += (uint64_t)n;
    }
    return 0;
}

char *jd__dirname(jd_ctx *ctx, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return jd_strdup(ctx, ".");
    const int n = slash == path ? 1 : (int)(slash - path);
    return jd_asprintf(ctx, "%.*s", n, path);
}

static jd_status sync_dir(jd_ctx *ctx, const char *dir)
{
    const int fd = jd__open_again(ctx, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return jd_fail(ctx, JD_EIO, "%s: cannot open the directory to make it durable: %s", dir, strerror(errno));
    /* Some file systems have no fsync for directories; their renames are then as durable as they can be. */
    const int failed = ctx->io->fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    ctx->io->close(fd);
    return failed ? jd_fail(ctx, JD_EIO, "%s: fsync of the directory failed: %s", dir, strerror(failed)) : JD_OK;
}

static void release(jd_replacement *r)
{
    jd_free(r->ctx, r->path);
    jd_free(r->ctx, r->tmp);
    jd_free(r->ctx, r->dir);
    *r = (jd_replacement){.ctx = r->ctx, .fd = -1};
}

void jd__replace_abort(jd_replacement *r)
{
    if (!r->tmp) return;
    if (r->fd >= 0) r->ctx->io->close(r->fd);
    r->ctx->io->unlink(r->tmp);
    release(r);
}

/* Records what failed, then removes the temporary file. */
static jd_status give_up(jd_replacement *r, const char *what, int error)
{
    const jd_status status = jd_fail(r->ctx, JD_EIO, "%s: byte %llu: %s failed: %s; the old file, if any, is unchanged",
                                     r->path, (unsigned long long)r->written, what, strerror(error));
    jd__replace_abort(r);
    return status;
}

jd_status jd__replace_begin(jd_replacement *r, jd_ctx *ctx, const char *path)
{
    *r = (jd_replacement){.ctx = ctx, .fd = -1};
    r->path = jd_strdup(ctx, path);
    r->dir = jd__dirname(ctx, path);
    if (!r->path || !r->dir) {
        release(r);
        return jd_error(ctx);
    }
    /* A killed process may have had our number, and another thread may write the same name: count on. */
    for (int attempt = 0; attempt < 1000; attempt++) {
        char *tmp = attempt ? jd_asprintf(ctx, "%s.tmp.%ld.%d", path, (long)getpid(), attempt)
                            : jd_asprintf(ctx, "%s.tmp.%ld", path, (long)getpid());
        if (!tmp) break;
        r->fd = jd__open_again(ctx, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (r->fd >= 0) {
            r->tmp = tmp;
            return JD_OK;
        }
        const int error = errno;
        if (error != EEXIST || attempt == 999) {
            jd_fail(ctx, JD_EIO, "%s: cannot create a file there: %s", tmp, strerror(error));
            jd_free(ctx, tmp);
            break;
        }
        jd_free(ctx, tmp);
    }
    release(r);
    return jd_error(ctx);
}

jd_status jd__replace_write(jd_replacement *r, const void *data, size_t bytes)
{
    const int error = jd__write_all(r->ctx, r->fd, data, bytes, &r->written);
    return error ? give_up(r, "write", error) : JD_OK;
}

jd_status jd__replace_flush(jd_replacement *r)
{
    if (r->fd < 0) return JD_OK;
    if (r->ctx->io->fsync(r->fd)) return give_up(r, "fsync", errno);
    const int fd = r->fd;
    r->fd = -1; /* closed even when close reports an error */
    if (r->ctx->io->close(fd)) return give_up(r, "close", errno);
    return JD_OK;
}

jd_status jd__replace_commit(jd_replacement *r)
{
    const jd_status status = jd__replace_flush(r);
    if (status) return status;
    if (r->ctx->io->rename(r->tmp, r->path)) return give_up(r, "rename", errno);
    const jd_status synced = sync_dir(r->ctx, r->dir);
    release(r);
    return synced;
}

jd_status jd_write_file(jd_ctx *ctx, const char *path, const void *data, size_t bytes)
{
    if (!jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    jd_replacement r;
    jd_status status = jd__replace_begin(&r, ctx, path);
    if (!status) status = jd__replace_write(&r, data, bytes);
    if (!status) status = jd__replace_commit(&r);
    return status;
}

/* Reads until the end or until limit + 1 bytes; the buffer grows for files (pipes) that do not know their size. */
static char *read_all(jd_ctx *ctx, int fd, const char *path, size_t expected, size_t limit, size_t *bytes)
{
    size_t capacity = expected + 2, used = 0; /* one byte to see that a file has grown, one for the NUL */
    char *buffer = jd_alloc(ctx, capacity);
    while (buffer) {
        if (used + 1 == capacity) {
            char *bigger = jd_realloc(ctx, buffer, used, capacity * 2);
            if (!bigger) break;
            buffer = bigger;
            capacity *= 2;
        }
        const ssize_t n = read(fd, buffer + used, capacity - 1 - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            jd_fail(ctx, JD_ENOINPUT, "%s: byte %zu: cannot be read: %s", path, used, strerror(errno));
            break;
        }
        used += (size_t)n;
        if (used > limit) {
            jd_fail(ctx, JD_EDATA, "%s: larger than the limit of %zu bytes for such a file", path, limit);
            break;
        }
        if (n == 0) {
            buffer[used] = '\0';
            if (bytes) *bytes = used;
            return buffer;
        }
    }
    jd_free(ctx, buffer);
    return NULL;
}

void *jd_read_file(jd_ctx *ctx, const char *path, size_t limit, size_t *bytes)
{
    if (!jd__given(ctx, __func__, "path", path)) return NULL;
    if (bytes) *bytes = 0;
    if (jd_error(ctx)) return NULL;
    if (!limit) limit = (size_t)4 << 30;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    int fd;
    do fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        jd_fail(ctx, JD_ENOINPUT, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    struct stat st;
    void *data = NULL;
    if (fstat(fd, &st))
        jd_fail(ctx, JD_ENOINPUT, "%s: cannot be examined: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        jd_fail(ctx, JD_ENOINPUT, "%s: is a directory, a file is needed", path);
    else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > limit)
        jd_fail(ctx, JD_EDATA, "%s: %llu bytes, but the limit for such a file is %zu", path,
                (unsigned long long)st.st_size, limit);
    else
        data = read_all(ctx, fd, path, S_ISREG(st.st_mode) ? (size_t)st.st_size : 4096, limit, bytes);
    close(fd);
    return data;
}
