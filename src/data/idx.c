#include "data/stream.h"

#include <string.h>

#include "base/given.h"

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

size_t jd_idx_value_bytes(jd_idx_type type)
{
    switch (type) {
    case JD_IDX_U8:
    case JD_IDX_I8: return 1;
    case JD_IDX_I16: return 2;
    case JD_IDX_I32:
    case JD_IDX_F32: return 4;
    case JD_IDX_F64: return 8;
    }
    return 0;
}

/* Big-endian values to the machine's order, and back. */
static void swap_values(uint8_t *p, size_t count, size_t bytes)
{
    if (bytes == 1 || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) return;
    for (size_t i = 0; i < count; i++, p += bytes)
        for (size_t a = 0, b = bytes - 1; a < b; a++, b--) {
            const uint8_t t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

static jd_status short_header(jd_ctx *ctx, const char *path, size_t have, size_t need)
{
    return jd_fail(ctx, JD_EDATA, "%s: byte %zu: the IDX header is cut off (%zu of %zu bytes); fetch the file again",
                   path, have, have, need);
}

/* Reads the header; `h` gets type, rank, sizes and the checked count. */
static jd_status read_header(jd_ctx *ctx, const char *path, jd__stream *s, jd_idx *h)
{
    uint8_t head[4 + 8 * 4];
    size_t got;
    jd_status st = jd__stream_read(s, head, 4, &got);
    if (st) return st;
    if (got < 4) return short_header(ctx, path, got, 4);
    if (head[0] || head[1])
        return jd_fail(ctx, JD_EDATA, "%s: byte 0: %02x %02x where an IDX file has 00 00; this is no IDX file", path,
                       head[0], head[1]);
    if (jd_idx_value_bytes((jd_idx_type)head[2]) == 0)
        return jd_fail(ctx, JD_EDATA, "%s: byte 2: type 0x%02x; an IDX file has 08, 09, 0B, 0C, 0D or 0E", path,
                       head[2]);
    if (head[3] < 1 || head[3] > 8)
        return jd_fail(ctx, JD_EDATA, "%s: byte 3: %d dimensions; an IDX file has 1 to 8", path, head[3]);
    h->type = (jd_idx_type)head[2];
    h->rank = head[3];
    const size_t need = 4 * (size_t)h->rank;
    st = jd__stream_read(s, head + 4, need, &got);
    if (st) return st;
    if (got < need) return short_header(ctx, path, 4 + got, 4 + need);

    uint64_t count = 1, bytes;
    for (int i = 0; i < h->rank; i++) {
        const uint32_t n = be32(head + 4 + 4 * i);
        if (n < 1 || n > JD_LIMIT_DIM)
            return jd_fail(ctx, JD_EDATA, "%s: byte %d: size %u of dimension %d; it must be 1 to 2147483647", path,
                           4 + 4 * i, n, i);
        if (__builtin_mul_overflow(count, (uint64_t)n, &count)) count = UINT64_MAX / 8;
        h->size[i] = n;
    }
    if (__builtin_mul_overflow(count, (uint64_t)jd_idx_value_bytes(h->type), &bytes)) bytes = UINT64_MAX;
    if (bytes > jd__stream_bound(s))
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 4: the header declares %llu bytes of values, the file can hold at most %llu; "
                       "it is cut off or no IDX file",
                       path, (unsigned long long)bytes, (unsigned long long)jd__stream_bound(s));
    h->count = (size_t)count;
    return JD_OK;
}

jd_status jd_read_idx(jd_ctx *ctx, const char *path, jd_idx *out)
{
    jd__stream *s = jd__stream_open(ctx, path);
    if (!s) return jd_error(ctx);
    jd_idx h = {0};
    jd_status st = read_header(ctx, path, s, &h);
    if (st == JD_OK) {
        const size_t bytes = h.count * jd_idx_value_bytes(h.type);
        size_t got = 0;
        h.data = jd_alloc(ctx, bytes);
        st = h.data ? jd__stream_read(s, h.data, bytes, &got) : JD_ENOMEM;
        if (st == JD_OK && got < bytes)
            st = jd_fail(ctx, JD_EDATA,
                         "%s: byte %zu: %zu bytes of values, but the header declares %zu; fetch the file again", path,
                         4 + 4 * (size_t)h.rank + got, got, bytes);
        if (st == JD_OK) st = jd__stream_end(s);
    }
    jd__stream_close(s);
    if (st) {
        jd_free(ctx, h.data);
        return st;
    }
    swap_values(h.data, h.count, jd_idx_value_bytes(h.type));
    *out = h;
    return JD_OK;
}

void jd_idx_free(jd_ctx *ctx, jd_idx *idx)
{
    if (!idx) return;
    jd_free(ctx, idx->data);
    *idx = (jd_idx){0};
}

jd_status jd_write_idx(jd_ctx *ctx, const char *path, const jd_idx *idx)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "idx", idx)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const size_t each = jd_idx_value_bytes(idx->type);
    if (!each || idx->rank < 1 || idx->rank > 8 || !idx->data)
        return jd_fail(ctx, JD_EUSAGE, "%s: an IDX file needs a known type, 1 to 8 dimensions and data", path);
    const size_t head = 4 + 4 * (size_t)idx->rank;
    size_t count = 1, bytes;
    for (int i = 0; i < idx->rank; i++)
        if (idx->size[i] < 1 || idx->size[i] > JD_LIMIT_DIM || __builtin_mul_overflow(count, idx->size[i], &count))
            return jd_fail(ctx, JD_EUSAGE, "%s: size %zu of dimension %d; it must be 1 to 2147483647", path,
                           idx->size[i], i);
    if (__builtin_mul_overflow(count, each, &bytes) || __builtin_add_overflow(bytes, head, &bytes))
        return jd_fail(ctx, JD_EUSAGE, "%s: the sizes' product is larger than memory", path);
    uint8_t *file = jd_alloc(ctx, bytes);
    if (!file) return JD_ENOMEM;
    file[2] = (uint8_t)idx->type;
    file[3] = (uint8_t)idx->rank;
    for (int i = 0; i < idx->rank; i++)
        for (int b = 0; b < 4; b++) file[4 + 4 * i + b] = (uint8_t)(idx->size[i] >> (24 - 8 * b));
    memcpy(file + head, idx->data, bytes - head);
    swap_values(file + head, count, each);
    const jd_status st = jd_write_file(ctx, path, file, bytes);
    jd_free(ctx, file);
    return st;
}
