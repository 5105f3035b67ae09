/*
 * events_read.c - reading TensorBoard event files, record by record.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "io/events.h"
#include "io/proto.h"
#include "jackdaw/io.h"

struct jd_event_reader {
    jd_ctx *ctx;
    jd_input in;
    char *path;
    unsigned char *record; /* (capacity) the data of one record */
    size_t capacity;
    uint64_t at, start; /* offset of the next record, of this one */
    int64_t torn;
    double wall_time;
    int64_t step;
    jd_proto summary; /* what is left of this record's values */
    char *tag;        /* a copy with a NUL */
};

jd_event_reader *jd_event_reader_open(jd_ctx *ctx, const char *path)
{
    jd_input in;
    if (jd__input_open(&in, ctx, path)) return NULL;
    jd_event_reader *r = jd_alloc(ctx, sizeof *r);
    if (!r) {
        jd__input_close(&in);
        return NULL;
    }
    *r = (jd_event_reader){.ctx = ctx, .in = in, .torn = -1};
    r->path = jd_strdup(ctx, path);
    if (!r->path) {
        jd_event_reader_close(r);
        return NULL;
    }
    r->in.name = r->path;
    return r;
}

void jd_event_reader_close(jd_event_reader *r)
{
    if (!r) return;
    jd__input_close(&r->in);
    jd_free(r->ctx, r->path);
    jd_free(r->ctx, r->record);
    jd_free(r->ctx, r->tag);
    jd_free(r->ctx, r);
}

int64_t jd_event_reader_torn(const jd_event_reader *r)
{
    return r ? r->torn : -1;
}

static bool torn(jd_event_reader *r)
{
    r->torn = (int64_t)r->start;
    r->at = r->in.size;
    return false;
}

static bool malformed(jd_event_reader *r, const char *what)
{
    jd_fail(r->ctx, JD_EDATA, "%s: byte %" PRIu64 ": %s in a record whose checksum is right", r->path, r->start, what);
    r->at = r->in.size;
    r->summary = (jd_proto){0};
    return false;
}

/* Reads the next record's data; false at the end. */
static bool next_record(jd_event_reader *r, uint64_t *bytes)
{
    r->start = r->at;
    const uint64_t left = r->in.size - r->at;
    if (left == 0) return false;
    unsigned char head[12], tail[4];
    if (left < 16) return torn(r);
    if (jd__input_read(&r->in, r->at, head, 12)) return false;
    if (jd__masked_crc32c(head, 8) != jd__le32(head + 8)) return torn(r);
    *bytes = jd__le64(head);
    if (*bytes > JD_LIMIT_EVENT) {
        jd_fail(r->ctx, JD_EDATA, "%s: byte %" PRIu64 ": a record of %" PRIu64 " bytes, the limit is %" PRIu64, r->path,
                r->at, *bytes, JD_LIMIT_EVENT);
        return false;
    }
    if (*bytes > left - 16) return torn(r);
    if (*bytes > r->capacity || !r->record) {
        jd_free(r->ctx, r->record);
        r->capacity = 0;
        r->record = jd_alloc(r->ctx, (size_t)*bytes);
        if (!r->record) return false;
        r->capacity = (size_t)*bytes;
    }
    if (jd__input_read(&r->in, r->at + 12, r->record, (size_t)*bytes) ||
        jd__input_read(&r->in, r->at + 12 + *bytes, tail, 4))
        return false;
    if (jd__masked_crc32c(r->record, (size_t)*bytes) != jd__le32(tail)) return torn(r);
    r->at += 16 + *bytes;
    return true;
}

static const char *keep_text(jd_event_reader *r, const jd_proto_field *f)
{
    jd_free(r->ctx, r->tag);
    r->tag = jd_alloc(r->ctx, f->bytes + 1);
    return r->tag ? memcpy(r->tag, f->data, f->bytes) : NULL;
}

static bool read_image(const jd_proto_field *value, jd_event *out)
{
    jd_proto m = {.p = value->data, .end = value->data + value->bytes};
    jd_proto_field f;
    while (jd__proto_next(&m, &f)) {
        const bool small = f.wire == 0 && f.value <= INT32_MAX;
        if (f.number <= 3 && !small) return false;
        if (f.number == 1) out->height = (int)f.value;
        if (f.number == 2) out->width = (int)f.value;
        if (f.number == 3) out->channels = (int)f.value;
        if (f.number == 4 && f.wire == 2) {
            out->png = f.data;
            out->png_bytes = f.bytes;
        }
    }
    return !m.bad;
}

static bool read_value(jd_event_reader *r, const jd_proto_field *value, jd_event *out)
{
    *out = (jd_event){.wall_time = r->wall_time, .step = r->step, .tag = ""};
    jd_proto m = {.p = value->data, .end = value->data + value->bytes};
    jd_proto_field f;
    while (jd__proto_next(&m, &f)) {
        if (f.number == 1 && f.wire == 2) {
            out->tag = keep_text(r, &f);
            if (!out->tag) return false;
        } else if (f.number == 2 && f.wire == 5) {
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&out->scalar, &bits, sizeof bits);
            out->has_scalar = true;
        } else if (f.number == 4 && f.wire == 2 && !read_image(&f, out)) {
            return malformed(r, "a malformed image");
        }
    }
    return m.bad ? malformed(r, "a malformed value") : true;
}

/* Reads time, step and where the values are; *version is set for a record that holds the file's version. */
static bool read_event(jd_event_reader *r, uint64_t bytes, const char **version)
{
    jd_proto m = {.p = r->record, .end = r->record + bytes};
    jd_proto_field f;
    r->wall_time = 0;
    r->step = 0;
    while (jd__proto_next(&m, &f)) {
        if (f.number == 1 && f.wire == 1)
            memcpy(&r->wall_time, &f.value, sizeof r->wall_time);
        else if (f.number == 2 && f.wire == 0)
            r->step = (int64_t)f.value;
        else if (f.number == 3 && f.wire == 2 && !(*version = keep_text(r, &f)))
            return false;
        else if (f.number == 5 && f.wire == 2)
            r->summary = (jd_proto){.p = f.data, .end = f.data + f.bytes};
    }
    return m.bad ? malformed(r, "a malformed event") : true;
}

bool jd_event_reader_next(jd_event_reader *r, jd_event *out)
{
    if (!r || jd_error(r->ctx)) return false;
    for (;;) {
        jd_proto_field f;
        while (jd__proto_next(&r->summary, &f))
            if (f.number == 1 && f.wire == 2) return read_value(r, &f, out);
        if (r->summary.bad) return malformed(r, "a malformed summary");
        uint64_t bytes = 0;
        const char *version = NULL;
        r->summary = (jd_proto){0};
        if (!next_record(r, &bytes) || !read_event(r, bytes, &version)) return false;
        if (version) {
            *out = (jd_event){.wall_time = r->wall_time, .step = r->step, .tag = "", .file_version = version};
            return true;
        }
    }
}
