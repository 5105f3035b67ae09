/*
 * proto.c - protobuf's wire format.
 */
#include "io/proto.h"

#include <string.h>

void jd__proto_varint(jd_buffer *b, uint64_t v)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
        n++;
    } while (v);
    jd__put(b, bytes, n);
}

void jd__proto_int(jd_buffer *b, unsigned field, int64_t v)
{
    jd__proto_varint(b, (uint64_t)field << 3);
    jd__proto_varint(b, (uint64_t)v);
}

void jd__proto_double(jd_buffer *b, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    jd__proto_varint(b, (uint64_t)field << 3 | 1);
    jd__put_le(b, bits, 8);
}

void jd__proto_float(jd_buffer *b, unsigned field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    jd__proto_varint(b, (uint64_t)field << 3 | 5);
    jd__put_le(b, bits, 4);
}

void jd__proto_bytes(jd_buffer *b, unsigned field, const void *data, size_t bytes)
{
    jd__proto_varint(b, (uint64_t)field << 3 | 2);
    jd__proto_varint(b, bytes);
    jd__put(b, data, bytes);
}

static bool read_varint(jd_proto *m, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 70 && m->p < m->end; shift += 7) {
        const unsigned c = *m->p++;
        if (shift == 63 && c > 1) return false; /* more than 64 bits */
        *v |= (uint64_t)(c & 127) << shift;
        if (!(c & 128)) return true;
    }
    return false;
}

bool jd__proto_next(jd_proto *m, jd_proto_field *f)
{
    uint64_t key, n;
    if (m->bad || m->p >= m->end) return false;
    m->bad = true;
    if (!read_varint(m, &key) || key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) return false;
    *f = (jd_proto_field){.number = (unsigned)(key >> 3), .wire = (unsigned)(key & 7)};
    const size_t left = (size_t)(m->end - m->p);
    switch (f->wire) {
    case 0:
        if (!read_varint(m, &f->value)) return false;
        break;
    case 1:
        if (left < 8) return false;
        f->value = jd__le64(m->p);
        m->p += 8;
        break;
    case 2:
        if (!read_varint(m, &n) || n > (uint64_t)(m->end - m->p)) return false;
        f->data = m->p;
        f->bytes = (size_t)n;
        m->p += n;
        break;
    case 5:
        if (left < 4) return false;
        f->value = jd__le32(m->p);
        m->p += 4;
        break;
    default: return false;
    }
    m->bad = false;
    return true;
}
