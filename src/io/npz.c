/*
 * npz.c - reading ZIP archives of npy files.  Source: PKWARE's APPNOTE.TXT; sizes come from the central directory,
 * because NumPy's local headers may leave them to a Zip64 field or to a descriptor behind the data.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/limits.h"
#include "io/tensor_file.h"

enum { END_BYTES = 22, CENTRAL_BYTES = 46, LOCAL_BYTES = 30, LONGEST_END = 65557 };

typedef struct zip_member {
    char *name;
    uint64_t packed, unpacked, local; /* sizes; offset of the local header */
    uint64_t data;                    /* offset of the data */
    uint32_t crc;
    unsigned method;
} zip_member;

typedef struct zip {
    jd_ctx *ctx;
    const char *name;
    const unsigned char *bytes;
    uint64_t size;
    uint64_t central, central_size, count;
    zip_member *members;
} zip;

static jd_status bad(const zip *z, uint64_t at, const char *what, uint64_t a, uint64_t b)
{
    return jd_fail(z->ctx, JD_EDATA, "%s: byte %" PRIu64 ": %s (%" PRIu64 ", %" PRIu64 ")", z->name, at, what, a, b);
}

/* Replaces what did not fit the end record by the values of the Zip64 end record. */
static jd_status read_zip64_end(zip *z, uint64_t end)
{
    if (end < 20 || jd__le32(z->bytes + end - 20) != 0x07064b50) return bad(z, end, "Zip64 locator missing", end, 20);
    const uint64_t at = jd__le64(z->bytes + end - 12);
    if (at > z->size || z->size - at < 56 || jd__le32(z->bytes + at) != 0x06064b50)
        return bad(z, end - 20, "Zip64 end record is not where the locator says", at, z->size);
    z->count = jd__le64(z->bytes + at + 32);
    z->central_size = jd__le64(z->bytes + at + 40);
    z->central = jd__le64(z->bytes + at + 48);
    return JD_OK;
}

static jd_status find_central(zip *z)
{
    if (z->size < END_BYTES)
        return bad(z, 0, "not a ZIP archive: bytes, and those an end record needs", z->size, END_BYTES);
    const uint64_t lowest = z->size > LONGEST_END ? z->size - LONGEST_END : 0;
    uint64_t end = z->size - END_BYTES;
    /* The comment must reach exactly to the end of the file, or the signature is part of a comment. */
    while (jd__le32(z->bytes + end) != 0x06054b50 || jd__le16(z->bytes + end + 20) != z->size - END_BYTES - end) {
        if (end == lowest) return bad(z, lowest, "not a ZIP archive: no end record", lowest, z->size);
        end--;
    }
    const unsigned char *e = z->bytes + end;
    z->count = jd__le16(e + 10);
    z->central_size = jd__le32(e + 12);
    z->central = jd__le32(e + 16);
    if (jd__le16(e + 4) || jd__le16(e + 6) || jd__le16(e + 8) != jd__le16(e + 10))
        return bad(z, end + 4, "archives of several disks are not read: disk, of", jd__le16(e + 4), jd__le16(e + 6));
    if (z->count == 0xFFFF || z->central_size == 0xFFFFFFFF || z->central == 0xFFFFFFFF)
        if (read_zip64_end(z, end)) return jd_error(z->ctx);
    if (z->count > JD_LIMIT_ZIP_ENTRIES)
        return bad(z, end + 10, "members, and the limit", z->count, JD_LIMIT_ZIP_ENTRIES);
    if (z->central > end || z->central_size > end - z->central)
        return bad(z, end + 12, "the central directory does not fit: its end, and the room",
                   z->central + z->central_size, end);
    if (z->count > z->central_size / CENTRAL_BYTES)
        return bad(z, end + 10, "more members than the central directory has room for", z->count,
                   z->central_size / CENTRAL_BYTES);
    return JD_OK;
}

/* Sizes of 0xFFFFFFFF stand in the extra field 1, in this order and only those. */
static jd_status read_zip64_extra(const zip *z, const unsigned char *extra, size_t n, zip_member *m)
{
    uint64_t *const wanted[3] = {&m->unpacked, &m->packed, &m->local};
    for (size_t at = 0; at + 4 <= n;) {
        const size_t id = jd__le16(extra + at), length = jd__le16(extra + at + 2);
        if (length > n - at - 4) break;
        if (id == 1) {
            size_t used = 0;
            for (int i = 0; i < 3; i++) {
                if (*wanted[i] != 0xFFFFFFFF) continue;
                if (length - used < 8)
                    return bad(z, (uint64_t)(extra - z->bytes) + at, "Zip64 field too short", length, used + 8);
                *wanted[i] = jd__le64(extra + at + 4 + used);
                used += 8;
            }
            return JD_OK;
        }
        at += 4 + length;
    }
    return bad(z, (uint64_t)(extra - z->bytes), "Zip64 field missing or cut short", n, 4);
}

/* A name that stays below the reader's directory, and ends in .npy, which is cut off. */
static jd_status read_name(zip *z, uint64_t at, size_t n, zip_member *m)
{
    const char *name = (const char *)z->bytes + at;
    if (n < 5 || n > JD_LIMIT_NAME + 4 || !jd__utf8_valid(name, n))
        return bad(z, at, "a member's name must have 5 to 1028 bytes of UTF-8 without NUL: it has, limit", n,
                   JD_LIMIT_NAME + 4);
    if (name[0] == '/' || memmem(name, n, "..", 2))
        return jd_fail(z->ctx, JD_EDATA, "%s: byte %" PRIu64 ": member name \"%.*s\" leaves the archive", z->name, at,
                       (int)(n < 200 ? n : 200), name);
    if (memcmp(name + n - 4, ".npy", 4) != 0)
        return jd_fail(z->ctx, JD_EDATA, "%s: byte %" PRIu64 ": member \"%.*s\" is not an .npy file", z->name, at,
                       (int)(n < 200 ? n : 200), name);
    m->name = jd_alloc(z->ctx, n);
    if (!m->name) return jd_error(z->ctx);
    memcpy(m->name, name, n - 4);
    return JD_OK;
}

/* The local header must agree with the central one; behind it lies the data. */
static jd_status read_local(zip *z, zip_member *m, uint64_t name_at, size_t name_bytes)
{
    const uint64_t at = m->local;
    if (at > z->central || z->central - at < LOCAL_BYTES || jd__le32(z->bytes + at) != 0x04034b50)
        return bad(z, at, "no local header there: offset, end of the members", at, z->central);
    const unsigned char *l = z->bytes + at;
    const uint64_t n = jd__le16(l + 26), extra = jd__le16(l + 28);
    if (jd__le16(l + 6) & 1 || jd__le16(l + 8) != m->method || n != name_bytes ||
        n + extra > z->central - at - LOCAL_BYTES || memcmp(l + LOCAL_BYTES, z->bytes + name_at, name_bytes) != 0)
        return bad(z, at, "local and central header disagree: methods", jd__le16(l + 8), m->method);
    m->data = at + LOCAL_BYTES + n + extra;
    if (m->packed > z->central - m->data)
        return bad(z, at, "a member does not fit: its bytes, and those left", m->packed, z->central - m->data);
    return JD_OK;
}

static jd_status read_member(zip *z, uint64_t *at, zip_member *m)
{
    const uint64_t end = z->central + z->central_size;
    const unsigned char *c = z->bytes + *at;
    if (end - *at < CENTRAL_BYTES || jd__le32(c) != 0x02014b50)
        return bad(z, *at, "no central header there: offset, end of the directory", *at, end);
    const uint64_t n = jd__le16(c + 28), extra = jd__le16(c + 30), comment = jd__le16(c + 32);
    if (n + extra + comment > end - *at - CENTRAL_BYTES)
        return bad(z, *at, "a central header does not fit: bytes, and those left", n + extra + comment, end - *at);
    m->method = jd__le16(c + 10);
    m->crc = jd__le32(c + 16);
    m->packed = jd__le32(c + 20);
    m->unpacked = jd__le32(c + 24);
    m->local = jd__le32(c + 42);
    if (jd__le16(c + 8) & 1) return bad(z, *at + 8, "encrypted members are not read: flags", jd__le16(c + 8), 1);
    if (m->method != 0 && m->method != 8)
        return bad(z, *at + 10, "compression method, where 0 (stored) and 8 (deflate) are read", m->method, 8);
    if (jd__le16(c + 34)) return bad(z, *at + 34, "archives of several disks are not read", jd__le16(c + 34), 0);
    if (m->packed == 0xFFFFFFFF || m->unpacked == 0xFFFFFFFF || m->local == 0xFFFFFFFF)
        if (read_zip64_extra(z, c + CENTRAL_BYTES + n, (size_t)extra, m)) return jd_error(z->ctx);
    const uint64_t name_at = *at + CENTRAL_BYTES;
    if (read_name(z, name_at, (size_t)n, m) || read_local(z, m, name_at, (size_t)n)) return jd_error(z->ctx);
    if (m->method == 0 ? m->packed != m->unpacked : m->unpacked / JD_LIMIT_INFLATE > m->packed)
        return bad(z, *at + 20, "impossible sizes: packed, unpacked", m->packed, m->unpacked);
    *at += CENTRAL_BYTES + n + extra + comment;
    return JD_OK;
}

static int by_place(const void *a, const void *b)
{
    const zip_member *x = *(const zip_member *const *)a, *y = *(const zip_member *const *)b;
    return (x->local > y->local) - (x->local < y->local);
}

static jd_status check_overlap(const zip *z)
{
    const zip_member **order = jd_alloc_array(z->ctx, (size_t)z->count, sizeof *order);
    if (!order) return jd_error(z->ctx);
    for (size_t i = 0; i < z->count; i++) order[i] = &z->members[i];
    if (z->count) qsort(order, (size_t)z->count, sizeof *order, by_place);
    jd_status status = JD_OK;
    for (size_t i = 1; i < z->count && !status; i++) {
        const uint64_t end = order[i - 1]->data + order[i - 1]->packed;
        if (order[i]->local < end)
            status = bad(z, order[i]->local, "members overlap: one begins, one ends", order[i]->local, end);
    }
    jd_free(z->ctx, order);
    return status;
}

/* Inflates into memory that grows with what really comes out, not with what the header promises. */
static unsigned char *inflate_member(const zip *z, const zip_member *m)
{
    z_stream s = {0};
    size_t capacity = m->unpacked < 65536 ? (size_t)m->unpacked + 1 : 65536, used = 0;
    uint64_t fed = 0;
    unsigned char *out = jd_alloc(z->ctx, capacity);
    if (!out) return NULL;
    if (inflateInit2(&s, -15) != Z_OK) {
        jd_fail(z->ctx, JD_ENOMEM, "%s: no memory to inflate \"%.200s\"", z->name, m->name);
        jd_free(z->ctx, out);
        return NULL;
    }
    int code = Z_OK;
    while (code == Z_OK && used <= m->unpacked) {
        if (used == capacity) {
            const size_t bigger = m->unpacked + 1 < 2 * capacity ? (size_t)m->unpacked + 1 : 2 * capacity;
            unsigned char *grown = jd_realloc(z->ctx, out, used, bigger);
            if (!grown) break;
            out = grown;
            capacity = bigger;
        }
        const size_t room = capacity - used, piece = room < 1u << 30 ? room : 1u << 30;
        const uint64_t left = m->packed - fed, feed = left < 1u << 30 ? left : 1u << 30;
        s.next_in = (unsigned char *)(uintptr_t)(z->bytes + m->data + fed);
        s.avail_in = (uInt)feed;
        s.next_out = out + used;
        s.avail_out = (uInt)piece;
        code = inflate(&s, Z_NO_FLUSH);
        fed += feed - s.avail_in;
        used += piece - s.avail_out;
    }
    inflateEnd(&s);
    if (code == Z_STREAM_END && used == m->unpacked && fed == m->packed) return out;
    if (code == Z_MEM_ERROR)
        jd_fail(z->ctx, JD_ENOMEM, "%s: no memory to inflate \"%.200s\"", z->name, m->name);
    else
        bad(z, m->data + fed, "inflating a member failed: bytes that came out, declared", used, m->unpacked);
    jd_free(z->ctx, out);
    return NULL;
}

static uint32_t crc_of(const unsigned char *p, uint64_t n)
{
    uLong c = crc32(0, NULL, 0);
    while (n) {
        const uInt piece = n < 1u << 30 ? (uInt)n : 1u << 30;
        c = crc32(c, p, piece);
        p += piece;
        n -= piece;
    }
    return (uint32_t)c;
}

static jd_status read_array(const zip *z, const zip_member *m, jd_tensor_entry *t, void **data)
{
    unsigned char *inflated = NULL;
    const unsigned char *npy = z->bytes + m->data;
    if (m->method == 8) npy = inflated = inflate_member(z, m);
    if (!npy) return jd_error(z->ctx);
    const uint32_t crc = crc_of(npy, m->unpacked);
    jd_status status;
    char *name = NULL;
    if (crc != m->crc)
        status = bad(z, m->data, "CRC-32 of a member is wrong: computed, stored", crc, m->crc);
    else if ((name = jd_asprintf(z->ctx, "%s: member \"%.200s\"", z->name, m->name)) == NULL)
        status = jd_error(z->ctx);
    else
        status = jd__npy_decode(z->ctx, name, npy, m->unpacked, t, data);
    jd_free(z->ctx, name);
    jd_free(z->ctx, inflated);
    return status;
}

static jd_status read_archive(zip *z, jd_tensor_file **out)
{
    if (find_central(z)) return jd_error(z->ctx);
    z->members = jd_alloc_array(z->ctx, (size_t)z->count, sizeof *z->members);
    /* A tensor's name and its values are one block each. */
    jd_tensor_file *f = *out = z->members ? jd__tensor_file_new(z->ctx, z->name, 2 * (size_t)z->count) : NULL;
    if (!f || !(f->entry = jd_alloc_array(z->ctx, (size_t)z->count, sizeof *f->entry))) return jd_error(z->ctx);
    uint64_t at = z->central;
    for (size_t i = 0; i < z->count; i++) {
        zip_member *m = &z->members[i];
        const jd_status status = read_member(z, &at, m);
        f->block[2 * i] = m->name;
        if (status) return status;
        f->entry[i].name = m->name;
    }
    if (at != z->central + z->central_size)
        return bad(z, at, "the central directory is longer than its members", at, z->central + z->central_size);
    f->count = (size_t)z->count;
    if (check_overlap(z) || jd__tensor_file_index(f)) return jd_error(z->ctx);
    for (size_t i = 0; i < z->count; i++)
        if (read_array(z, &z->members[i], &f->entry[i], &f->block[2 * i + 1])) return jd_error(z->ctx);
    return JD_OK;
}

static jd_tensor_file *read_npz(const jd_input *in, const unsigned char *bytes)
{
    jd_tensor_file *f = NULL;
    zip z = {.ctx = in->ctx, .name = in->name, .bytes = bytes, .size = in->size};
    if (read_archive(&z, &f)) {
        jd_tensor_file_close(f);
        f = NULL;
    }
    jd_free(in->ctx, z.members);
    return f;
}

jd_tensor_file *jd_npz_open(jd_ctx *ctx, const char *path)
{
    jd_input in;
    if (jd__input_open(&in, ctx, path)) return NULL;
    jd_tensor_file *f = NULL;
    unsigned char *bytes = NULL;
    if (in.size > JD_LIMIT_TENSOR_BYTES)
        jd_fail(ctx, JD_EDATA, "%s: %" PRIu64 " bytes, the limit is 2^40", path, in.size);
    else if ((bytes = jd_alloc(ctx, (size_t)in.size)) && !jd__input_read(&in, 0, bytes, (size_t)in.size))
        f = read_npz(&in, bytes);
    jd_free(ctx, bytes);
    jd__input_close(&in);
    return f;
}

jd_tensor_file *jd_npz_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes)
{
    if (jd_error(ctx)) return NULL;
    jd_input in;
    jd__input_memory(&in, ctx, name, data, bytes);
    return read_npz(&in, data);
}
