/*
 * bytes.c - input from a file or from memory, a growing output buffer, UTF-8, CRC-32C.
 */
#include "io/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

jd_status jd__input_open(jd_input *in, jd_ctx *ctx, const char *path)
{
    *in = (jd_input){.ctx = ctx, .name = path, .fd = -1};
    if (jd_error(ctx)) return jd_error(ctx);
    /* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
    do in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (in->fd < 0 && errno == EINTR);
    if (in->fd < 0) return jd_fail(ctx, JD_ENOINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat st;
    if (fstat(in->fd, &st) || !S_ISREG(st.st_mode)) {
        jd__input_close(in);
        return jd_fail(ctx, JD_ENOINPUT, "%s: is not a regular file", path);
    }
    in->size = (uint64_t)st.st_size;
    return JD_OK;
}

void jd__input_memory(jd_input *in, jd_ctx *ctx, const char *name, const void *data, size_t bytes)
{
    *in = (jd_input){.ctx = ctx, .name = name, .fd = -1, .memory = data, .size = bytes};
}

jd_status jd__input_read(const jd_input *in, uint64_t offset, void *to, size_t bytes)
{
    if (!bytes) return JD_OK;
    if (in->fd < 0) {
        memcpy(to, in->memory + offset, bytes);
        return JD_OK;
    }
    for (size_t done = 0; done < bytes;) {
        const size_t rest = bytes - done, piece = rest < ((size_t)1 << 30) ? rest : (size_t)1 << 30;
        const ssize_t n = pread(in->fd, (char *)to + done, piece, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return jd_fail(in->ctx, JD_EIO, "%s: byte %llu: cannot be read: %s", in->name,
                           (unsigned long long)(offset + done), strerror(errno));
        if (n == 0)
            return jd_fail(in->ctx, JD_EDATA, "%s: byte %llu: the file became shorter than its %llu bytes while read",
                           in->name, (unsigned long long)(offset + done), (unsigned long long)in->size);
        done += (size_t)n;
    }
    return JD_OK;
}

void jd__input_close(jd_input *in)
{
    if (in->fd >= 0) close(in->fd);
    in->fd = -1;
}

void jd__put(jd_buffer *b, const void *data, size_t bytes)
{
    if (b->failed || !bytes) return;
    size_t need, capacity = b->capacity ? b->capacity : 256;
    if (__builtin_add_overflow(b->size, bytes, &need) || need > SIZE_MAX / 4) need = SIZE_MAX / 4;
    while (capacity < need) capacity *= 2;
    if (capacity != b->capacity) {
        unsigned char *grown = jd_realloc(b->ctx, b->data, b->size, capacity);
        if (!grown) {
            b->failed = true;
            return;
        }
        b->data = grown;
        b->capacity = capacity;
    }
    memcpy(b->data + b->size, data, bytes);
    b->size += bytes;
}

void jd__put_text(jd_buffer *b, const char *text)
{
    jd__put(b, text, strlen(text));
}

void jd__put_le(jd_buffer *b, uint64_t value, int bytes)
{
    unsigned char le[8];
    for (int i = 0; i < bytes; i++) le[i] = (unsigned char)(value >> (8 * i));
    jd__put(b, le, (size_t)bytes);
}

void jd__buffer_free(jd_buffer *b)
{
    jd_free(b->ctx, b->data);
    *b = (jd_buffer){.ctx = b->ctx};
}

void jd__swap_bytes(void *data, size_t count, size_t size)
{
    unsigned char *p = data;
    for (size_t i = 0; i < count; i++, p += size)
        for (size_t k = 0; k < size / 2; k++) {
            const unsigned char t = p[k];
            p[k] = p[size - 1 - k];
            p[size - 1 - k] = t;
        }
}

bool jd__utf8_valid(const char *s, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + bytes;
    while (p < end) {
        const unsigned c = *p++;
        if (c == 0) return false;
        if (c < 0x80) continue;
        const int more = c >= 0xC2 && c <= 0xDF ? 1 : c >= 0xE0 && c <= 0xEF ? 2 : c >= 0xF0 && c <= 0xF4 ? 3 : 0;
        if (!more || end - p < more) return false;
        /* The second byte rules out overlong forms, surrogates and numbers above 0x10FFFF. */
        const unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        const unsigned high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        if (*p < low || *p > high) return false;
        for (int i = 1; i < more; i++)
            if ((p[i] & 0xC0) != 0x80) return false;
        p += more;
    }
    return true;
}

uint32_t jd__crc32c(const void *data, size_t bytes)
{
    /* Reflected polynomial 0x82F63B78, four bits at a time. */
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                       0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const unsigned char *p = data;
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < bytes; i++) {
        c ^= p[i];
        c = c >> 4 ^ table[c & 15];
        c = c >> 4 ^ table[c & 15];
    }
    return ~c;
}
