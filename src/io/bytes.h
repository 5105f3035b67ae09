/*
 * bytes.h - what readers and writers of this folder share: little-endian numbers, input from a file or from memory, a
 * growing output buffer.
 */
#ifndef JD_IO_BYTES_H
#define JD_IO_BYTES_H

#include "jackdaw/base.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensor files hold little-endian numbers, and are read without conversion"
#endif

static inline uint32_t jd__le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t jd__le32(const unsigned char *p)
{
    return jd__le16(p) | jd__le16(p + 2) << 16;
}

static inline uint64_t jd__le64(const unsigned char *p)
{
    return (uint64_t)jd__le32(p) | (uint64_t)jd__le32(p + 4) << 32;
}

/* ---- input ---- */
typedef struct jd_input {
    jd_ctx *ctx;
    const char *name; /* the file's name, for messages */
    int fd;           /* -1: from memory */
    const unsigned char *memory;
    uint64_t size;
} jd_input;

/* Regular files only: a size that is known is what all checks compare with. */
jd_status jd__input_open(jd_input *in, jd_ctx *ctx, const char *path);
void jd__input_memory(jd_input *in, jd_ctx *ctx, const char *name, const void *data, size_t bytes);
/* Reads exactly `bytes` bytes; the caller has compared offset + bytes with in->size. */
jd_status jd__input_read(const jd_input *in, uint64_t offset, void *to, size_t bytes);
void jd__input_close(jd_input *in);

/* ---- output ---- */
/* Appending to a buffer whose memory has run out does nothing; the context has the error. */
typedef struct jd_buffer {
    jd_ctx *ctx;
    unsigned char *data;
    size_t size, capacity;
    bool failed;
} jd_buffer;

void jd__put(jd_buffer *b, const void *data, size_t bytes);
void jd__put_text(jd_buffer *b, const char *text);
void jd__put_le(jd_buffer *b, uint64_t value, int bytes);
void jd__buffer_free(jd_buffer *b);

/* Reverses the bytes of each of `count` elements of `size` bytes. */
void jd__swap_bytes(void *data, size_t count, size_t size);

/* Well-formed UTF-8 (no surrogates, no overlong forms) without a NUL. */
bool jd__utf8_valid(const char *s, size_t bytes);

/* CRC-32C (Castagnoli) of the data. */
uint32_t jd__crc32c(const void *data, size_t bytes);

#endif
