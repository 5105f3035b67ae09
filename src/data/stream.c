#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/given.h"

#define CHUNK 65536u

struct jd__stream {
    jd_ctx *ctx;
    char *path;
    int fd;
    bool gzip, ended, member_done;
    uint64_t file_bytes; /* the file's size when it was opened */
    uint64_t read_bytes; /* taken from the file so far */
    uint64_t out_bytes;  /* handed on so far */
    z_stream z;
    const uint8_t *next;
    size_t left;
    uint8_t buffer[CHUNK];
};

static jd_status fill(jd__stream *s)
{
    ssize_t n;
    do {
        n = pread(s->fd, s->buffer, CHUNK, (off_t)s->read_bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return jd_fail(s->ctx, JD_EIO, "%s: byte %llu: cannot read: %s", s->path, (unsigned long long)s->read_bytes,
                       strerror(errno));
    s->read_bytes += (uint64_t)n;
    s->next = s->buffer;
    s->left = (size_t)n;
    return JD_OK;
}

jd__stream *jd__stream_open(jd_ctx *ctx, const char *path)
{
    if (jd_error(ctx)) return NULL;
    if (!path) {
        jd_fail(ctx, JD_EUSAGE, "open: no path given; name a file");
        return NULL;
    }
    jd__stream *s = jd_alloc(ctx, sizeof *s);
    if (!s) return NULL;
    s->ctx = ctx;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    s->path = s->fd < 0 ? NULL : jd_strdup(ctx, path);
    struct stat st;
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        jd_fail(ctx, JD_ENOINPUT, "%s: cannot open: %s; check the path", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        jd_fail(ctx, JD_ENOINPUT, "%s: not a regular file; name a file", path);
    } else if (s->path) {
        s->file_bytes = (uint64_t)st.st_size;
        if (fill(s) == JD_OK) {
            s->gzip = s->left >= 2 && s->next[0] == 0x1f && s->next[1] == 0x8b;
            if (s->gzip && inflateInit2(&s->z, 15 + 16) != Z_OK) {
                s->gzip = false;
                jd_fail(ctx, JD_ENOMEM, "%s: no memory to inflate; free some", path);
            }
        }
    }
    if (jd_error(ctx)) {
        jd__stream_close(s);
        return NULL;
    }
    return s;
}

void jd__stream_close(jd__stream *s)
{
    if (!s) return;
    if (s->gzip) inflateEnd(&s->z);
    if (s->fd >= 0) close(s->fd);
    jd_free(s->ctx, s->path);
    jd_free(s->ctx, s);
}

uint64_t jd__stream_bound(const jd__stream *s)
{
    uint64_t bytes = s->file_bytes;
    if (s->gzip && __builtin_mul_overflow(bytes, (uint64_t)JD_LIMIT_RATIO, &bytes)) return UINT64_MAX;
    return bytes;
}

static jd_status broken(jd__stream *s, const char *what)
{
    return jd_fail(s->ctx, JD_EDATA, "%s: byte %llu: %s; the file is damaged, fetch it again", s->path,
                   (unsigned long long)(s->read_bytes - s->left), what);
}

/* After the end of one gzip member: another one, the end, or rubbish. */
static jd_status next_member(jd__stream *s)
{
    if (s->left == 0) {
        jd_status st = fill(s);
        if (st) return st;
    }
    if (s->left == 0) {
        s->ended = true;
        return JD_OK;
    }
    if (s->next[0] != 0x1f) return broken(s, "bytes follow the end of the gzip data");
    if (inflateReset(&s->z) != Z_OK) return broken(s, "a second gzip member cannot be read");
    s->member_done = false;
    return JD_OK;
}

static jd_status read_gzip(jd__stream *s, uint8_t *dst, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n && !s->ended) {
        if (s->member_done) {
            jd_status st = next_member(s);
            if (st) return st;
            continue;
        }
        if (s->left == 0) {
            jd_status st = fill(s);
            if (st) return st;
            if (s->left == 0) return broken(s, "the gzip data ends in the middle (truncated)");
        }
        const size_t room = n - *got < (1u << 30) ? n - *got : (1u << 30);
        s->z.next_in = (Bytef *)(uintptr_t)s->next;
        s->z.avail_in = (uInt)s->left;
        s->z.next_out = dst + *got;
        s->z.avail_out = (uInt)room;
        const int r = inflate(&s->z, Z_NO_FLUSH);
        const size_t made = room - s->z.avail_out;
        s->next += s->left - s->z.avail_in;
        s->left = s->z.avail_in;
        *got += made;
        s->out_bytes += made;
        if (r == Z_STREAM_END)
            s->member_done = true;
        else if (r == Z_MEM_ERROR)
            return jd_fail(s->ctx, JD_ENOMEM, "%s: no memory to inflate; free some", s->path);
        else if (r != Z_OK && r != Z_BUF_ERROR)
            return broken(s, s->z.msg ? s->z.msg : "bad gzip data");
        if (s->out_bytes > JD_LIMIT_RATIO * s->read_bytes)
            return broken(s, "inflates by more than 1100 to 1, which no honest file does");
    }
    return JD_OK;
}

jd_status jd__stream_read(jd__stream *s, void *dst, size_t n, size_t *got)
{
    *got = 0;
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    if (s->gzip) return read_gzip(s, dst, n, got);
    while (*got < n) {
        if (s->left == 0) {
            jd_status st = fill(s);
            if (st) return st;
            if (s->left == 0) break;
        }
        const size_t take = s->left < n - *got ? s->left : n - *got;
        memcpy((uint8_t *)dst + *got, s->next, take);
        s->next += take;
        s->left -= take;
        *got += take;
    }
    s->out_bytes += *got;
    return JD_OK;
}

jd_status jd__stream_end(jd__stream *s)
{
    uint8_t one;
    size_t got;
    const uint64_t at = s->out_bytes;
    jd_status st = jd__stream_read(s, &one, 1, &got);
    if (st) return st;
    if (got)
        return jd_fail(s->ctx, JD_EDATA,
                       "%s: byte %llu%s: data follow where the file should end; its header is wrong, fetch it again",
                       s->path, (unsigned long long)at, s->gzip ? " (inflated)" : "");
    return JD_OK;
}

void *jd_read_gz(jd_ctx *ctx, const char *path, size_t limit, size_t *bytes)
{
    if (!jd__given(ctx, __func__, "path", path)) return NULL;
    jd__stream *s = jd__stream_open(ctx, path);
    if (!s) return NULL;
    if (limit == 0) limit = (size_t)1 << 32;
    const uint64_t bound = jd__stream_bound(s);
    size_t room = s->gzip ? (bound / JD_LIMIT_RATIO) * 4 + 64 : (size_t)bound, used = 0;
    if (room > limit) room = limit;
    uint8_t *data = jd_alloc(ctx, room + 2);
    while (data) {
        size_t got;
        if (jd__stream_read(s, data + used, room + 1 - used, &got)) break;
        used += got;
        if (used <= room) {
            data[used] = 0;
            *bytes = used;
            jd__stream_close(s);
            return data;
        }
        if (room >= limit) {
            jd_fail(ctx, JD_EDATA, "%s: holds more than %zu bytes; split it, or raise the limit", path, limit);
            break;
        }
        const size_t more = room < limit / 2 ? room * 2 : limit;
        uint8_t *larger = jd_realloc(ctx, data, room + 2, more + 2);
        if (!larger) break;
        data = larger;
        room = more;
    }
    jd_free(ctx, data);
    jd__stream_close(s);
    return NULL;
}
