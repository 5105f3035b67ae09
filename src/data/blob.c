/* blob.c - picture files laid end to end in one file, beside an index. */
#include "data/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct blob {
    jd_ctx *ctx;
    const char *path; /* of the index */
    char *name;       /* of the blob */
    jd_tsv tsv;
    uint8_t *data;
    size_t bytes;
    int offset, length, label, channels;
} blob;

/* A whole number of 0 .. most in a cell. */
static size_t number(const blob *b, size_t row, int column, size_t most)
{
    const char *text = b->tsv.fields[row * b->tsv.cols + (size_t)column];
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && v <= most) return (size_t)v;
    jd_fail(b->ctx, JD_EDATA, "%s: line %zu: %s is '%.40s'; a whole number of 0 to %zu is needed", b->path,
            b->tsv.lines[row], b->tsv.names[column], text, most);
    return 0;
}

static int column(blob *b, const char *name)
{
    if (jd_error(b->ctx)) return -1;
    for (size_t c = 0; c < b->tsv.cols; c++)
        if (!strcmp(b->tsv.names[c], name)) return (int)c;
    jd_fail(b->ctx, JD_EDATA, "%s: line 1: no column '%s'; offset, length and label are needed", b->path, name);
    return -1;
}

/* X.tsv or X.tsv.gz has its pictures in X.bin. */
static jd_status open_blob(blob *b)
{
    const char *end = strstr(b->path, ".tsv");
    for (const char *next; end && (next = strstr(end + 1, ".tsv"));) end = next;
    if (!end) return jd_fail(b->ctx, JD_EUSAGE, "%s: the index must be called X.tsv, its pictures X.bin", b->path);
    b->name = jd_asprintf(b->ctx, "%.*s.bin", (int)(end - b->path), b->path);
    b->data = b->name ? jd_read_gz(b->ctx, b->name, 0, &b->bytes) : NULL;
    return jd_error(b->ctx);
}

static jd_status read_one(blob *b, size_t row, int classes, jd__collector *c)
{
    const size_t at = number(b, row, b->offset, b->bytes), n = number(b, row, b->length, b->bytes - at);
    const size_t label = jd_error(b->ctx) ? 0 : number(b, row, b->label, (size_t)classes - 1);
    if (jd_error(b->ctx)) return jd_error(b->ctx);
    char where[512];
    snprintf(where, sizeof where, "%s: line %zu: %s at %zu", b->path, b->tsv.lines[row], b->name, at);
    jd_picture p = {0};
    if (jd_decode_picture(b->ctx, where, b->data + at, n, b->channels, &p)) return jd_error(b->ctx);
    if (!c->set.count) {
        c->set.height = p.height;
        c->set.width = p.width;
    }
    if (p.height != c->set.height || p.width != c->set.width)
        jd_fail(b->ctx, JD_EDATA, "%s: %d x %d pixels, but the pictures before are %d x %d; resize it", where, p.width,
                p.height, c->set.width, c->set.height);
    uint8_t *to = jd__collect(c, (int32_t)label, 0);
    if (to) memcpy(to, p.pixels, (size_t)p.height * (size_t)p.width * (size_t)p.channels);
    jd_picture_free(b->ctx, &p);
    return jd_error(b->ctx);
}

jd_status jd_images_read_blob(jd_ctx *ctx, const char *index_path, int channels, int classes, jd_images *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if ((channels != 1 && channels != 3) || classes < 1)
        return jd_fail(ctx, JD_EUSAGE, "jd_images_read_blob: %d channels, %d classes; 1 or 3, and 1 or more", channels,
                       classes);
    blob b = {.ctx = ctx, .path = index_path, .channels = channels};
    jd__collector c = {.ctx = ctx, .set = {.channels = channels, .classes = classes}};
    if (!jd_read_tsv(ctx, index_path, &b.tsv)) {
        b.offset = column(&b, "offset");
        b.length = column(&b, "length");
        b.label = column(&b, "label");
        if (!jd_error(ctx)) open_blob(&b);
        for (size_t i = 0; i < b.tsv.rows && !jd_error(ctx); i++) read_one(&b, i, classes, &c);
    }
    jd_tsv_free(ctx, &b.tsv);
    jd_free(ctx, b.name);
    jd_free(ctx, b.data);
    return jd__collected(&c, index_path, out);
}
