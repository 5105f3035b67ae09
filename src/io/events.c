/*
 * events.c - writing TensorBoard event files.  Sources: tensorflow core/lib/io/record_writer.h; tensorboard
 * compat/proto/event.proto and summary.proto.
 */
#include "io/events.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/limits.h"
#include "io/proto.h"
#include "jackdaw/io.h"

struct jd_events {
    jd_ctx *ctx;
    char *path;
    int fd;
};

/* ---- encoding ---- */
uint32_t jd__masked_crc32c(const void *data, size_t bytes)
{
    const uint32_t c = jd__crc32c(data, bytes);
    return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

void jd__event_record(jd_buffer *b, const void *data, size_t bytes)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)bytes >> (8 * i));
    jd__put(b, length, 8);
    jd__put_le(b, jd__masked_crc32c(length, 8), 4);
    jd__put(b, data, bytes);
    jd__put_le(b, jd__masked_crc32c(data, bytes), 4);
}

/* Makes a record of `event`, which it frees. */
static void put_event(jd_buffer *b, jd_buffer *event)
{
    if (event->failed)
        b->failed = true;
    else
        jd__event_record(b, event->data, event->size);
    jd__buffer_free(event);
}

void jd__event_version(jd_buffer *b, double wall_time)
{
    static const char version[] = "brain.Event:2";
    jd_buffer event = {.ctx = b->ctx};
    jd__proto_double(&event, 1, wall_time);
    jd__proto_bytes(&event, 3, version, sizeof version - 1);
    put_event(b, &event);
}

/* Wraps a Summary.Value into Summary and Event; frees `value`. */
static void put_value(jd_buffer *b, double wall_time, int64_t step, jd_buffer *value)
{
    jd_buffer summary = {.ctx = b->ctx}, event = {.ctx = b->ctx};
    jd__proto_bytes(&summary, 1, value->data, value->size);
    jd__proto_double(&event, 1, wall_time);
    jd__proto_int(&event, 2, step);
    jd__proto_bytes(&event, 5, summary.data, summary.size);
    event.failed |= summary.failed || value->failed;
    jd__buffer_free(value);
    jd__buffer_free(&summary);
    put_event(b, &event);
}

void jd__event_scalar(jd_buffer *b, double wall_time, int64_t step, const char *tag, float number)
{
    jd_buffer value = {.ctx = b->ctx};
    jd__proto_bytes(&value, 1, tag, strlen(tag));
    jd__proto_float(&value, 2, number);
    put_value(b, wall_time, step, &value);
}

void jd__event_image(jd_buffer *b, double wall_time, int64_t step, const char *tag, int height, int width, int channels,
                     const void *png, size_t png_bytes)
{
    jd_buffer value = {.ctx = b->ctx}, image = {.ctx = b->ctx};
    jd__proto_int(&image, 1, height);
    jd__proto_int(&image, 2, width);
    jd__proto_int(&image, 3, channels);
    jd__proto_bytes(&image, 4, png, png_bytes);
    jd__proto_bytes(&value, 1, tag, strlen(tag));
    jd__proto_bytes(&value, 4, image.data, image.size);
    value.failed |= image.failed;
    jd__buffer_free(&image);
    put_value(b, wall_time, step, &value);
}

/* ---- files ---- */
static double wall_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One write call a record, so that a reader beside us sees whole records; frees `b`. */
static jd_status flush(jd_events *e, jd_buffer *b)
{
    jd_status status = b->failed ? jd_error(e->ctx) : JD_OK;
    const int error = status ? 0 : jd__write_all(e->ctx, e->fd, b->data, b->size, NULL);
    if (error) status = jd_fail(e->ctx, JD_EIO, "%s: write failed: %s", e->path, strerror(error));
    jd__buffer_free(b);
    return status;
}

static jd_status open_new(jd_events *e, const char *dir, double now)
{
    char host[256] = "host";
    if (gethostname(host, sizeof host - 1) || !*host) memcpy(host, "host", 5);
    for (int n = 0; n < 1000; n++) {
        e->path =
            jd_asprintf(e->ctx, "%s/events.out.tfevents.%lld.%s.%ld.%d", dir, (long long)now, host, (long)getpid(), n);
        if (!e->path) return jd_error(e->ctx);
        e->fd = jd__open_again(e->ctx, e->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
        if (e->fd >= 0) return JD_OK;
        if (errno != EEXIST) break;
        jd_free(e->ctx, e->path);
        e->path = NULL;
    }
    return jd_fail(e->ctx, JD_EIO, "%s: cannot make an event file there: %s", dir, strerror(errno));
}

jd_events *jd_events_new(jd_ctx *ctx, const char *dir)
{
    if (jd_error(ctx)) return NULL;
    if (mkdir(dir, 0755) && errno != EEXIST) {
        jd_fail(ctx, JD_EIO, "%s: the directory cannot be made: %s", dir, strerror(errno));
        return NULL;
    }
    jd_events *e = jd_alloc(ctx, sizeof *e);
    if (!e) return NULL;
    e->ctx = ctx;
    e->fd = -1;
    const double now = wall_clock();
    jd_buffer b = {.ctx = ctx};
    if (!open_new(e, dir, now)) {
        jd__event_version(&b, now);
        if (!flush(e, &b)) return e;
    }
    jd_events_close(e);
    return NULL;
}

const char *jd_events_path(const jd_events *e)
{
    return e ? e->path : "";
}

static jd_status check(jd_events *e, const char *tag)
{
    if (jd_error(e->ctx)) return jd_error(e->ctx);
    const size_t n = tag ? strlen(tag) : 0;
    if (n < 1 || n > JD_LIMIT_NAME || !jd__utf8_valid(tag, n))
        return jd_fail(e->ctx, JD_EUSAGE, "%s: a tag must be 1 to %d bytes of UTF-8, this has %zu", e->path,
                       (int)JD_LIMIT_NAME, n);
    return JD_OK;
}

jd_status jd_events_scalar(jd_events *e, const char *tag, int64_t step, float value)
{
    if (!e) return JD_EUSAGE;
    if (check(e, tag)) return jd_error(e->ctx);
    jd_buffer b = {.ctx = e->ctx};
    jd__event_scalar(&b, wall_clock(), step, tag, value);
    return flush(e, &b);
}

jd_status jd_events_image(jd_events *e, const char *tag, int64_t step, const uint8_t *pixels, int height, int width,
                          int channels)
{
    if (!e) return JD_EUSAGE;
    if (check(e, tag)) return jd_error(e->ctx);
    if (!pixels || height < 1 || width < 1 || height > 65500 || width > 65500 ||
        (uint64_t)height * (uint64_t)width > 1u << 23 || (channels != 1 && channels != 3 && channels != 4))
        return jd_fail(
            e->ctx, JD_EUSAGE,
            "%s: image \"%s\" of (%d,%d,%d): sides must be at least 1, pixels at most 2^23, channels 1, 3 or 4",
            e->path, tag, height, width, channels);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = channels == 1   ? PNG_FORMAT_GRAY
                                 : channels == 3 ? PNG_FORMAT_RGB
                                                 : PNG_FORMAT_RGBA};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *png = jd_alloc(e->ctx, bytes);
    if (!png) return jd_error(e->ctx);
    jd_status status;
    errno = 0;
    if (png_image_write_to_memory(&image, png, &bytes, 0, pixels, 0, NULL)) {
        jd_buffer b = {.ctx = e->ctx};
        jd__event_image(&b, wall_clock(), step, tag, height, width, channels, png, bytes);
        status = flush(e, &b);
    } else {
        jd__library_failed(e->ctx, e->path, "libpng");
        status =
            jd_fail(e->ctx, JD_EINTERNAL, "%s: image \"%s\" cannot be written as PNG: %s", e->path, tag, image.message);
    }
    png_image_free(&image);
    jd_free(e->ctx, png);
    return status;
}

jd_status jd_events_close(jd_events *e)
{
    if (!e) return JD_OK;
    jd_ctx *ctx = e->ctx;
    if (e->fd >= 0 && ctx->io->close(e->fd)) jd_fail(ctx, JD_EIO, "%s: close failed: %s", e->path, strerror(errno));
    jd_free(ctx, e->path);
    jd_free(ctx, e);
    return jd_error(ctx);
}
