/*
 * proto.h - protobuf's wire format: key = field << 3 | wire type; wire 0 varint, 1 eight bytes, 2 length and bytes, 5
 * four bytes.
 */
#ifndef JD_IO_PROTO_H
#define JD_IO_PROTO_H

#include "io/bytes.h"

/* ---- writing ---- */
void jd__proto_varint(jd_buffer *b, uint64_t v);
void jd__proto_int(jd_buffer *b, unsigned field, int64_t v);
void jd__proto_double(jd_buffer *b, unsigned field, double v);
void jd__proto_float(jd_buffer *b, unsigned field, float v);
void jd__proto_bytes(jd_buffer *b, unsigned field, const void *data, size_t bytes);

/* ---- reading ---- */
typedef struct jd_proto {
    const unsigned char *p, *end;
    bool bad; /* the message is malformed */
} jd_proto;

typedef struct jd_proto_field {
    unsigned number, wire;
    uint64_t value;            /* wire 0, 1, 5 */
    const unsigned char *data; /* wire 2 */
    size_t bytes;
} jd_proto_field;

/* The next field of a message; false at its end or when it is malformed. */
bool jd__proto_next(jd_proto *m, jd_proto_field *f);

#endif
