/*
 * test_events.c - TensorBoard event files: golden bytes, round trips, torn records, malformed messages.
 */
#include "io_help.h"

#include <errno.h>
#include <png.h>

#include "base/ctx.h"
#include "io/events.h"
#include "io/proto.h"

static void crc32c_known_answers(void **state)
{
    (void)state;
    unsigned char block[32];
    assert_int_equal(jd__crc32c("123456789", 9), 0xe3069283);
    memset(block, 0, 32);
    assert_int_equal(jd__crc32c(block, 32), 0x8a9136aa);
    memset(block, 0xff, 32);
    assert_int_equal(jd__crc32c(block, 32), 0x62a8ab43);
    assert_int_equal(jd__crc32c(NULL, 0), 0);
}

static void assert_hex(const jd_buffer *b, const char *hex)
{
    char text[400];
    assert_true(b->size * 2 < sizeof text);
    for (size_t i = 0; i < b->size; i++) snprintf(text + 2 * i, 3, "%02x", b->data[i]);
    assert_string_equal(text, hex);
}

static void golden_records(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_buffer b = {.ctx = ctx};
    jd__event_version(&b, 1700000000.0);
    assert_hex(&b, "1800000000000000a37f4b22"
                   "0900000040fc54d9411a0d627261696e2e4576656e743a32"
                   "eced8f9d");
    jd__buffer_free(&b);
    jd__event_scalar(&b, 1700000001.0, 7, "train/loss", 0.25f);
    assert_hex(&b, "200000000000000029eda9500900004040fc54d94110072a130a110a0a747261696e2f6c6f7373150000803e045864cb");
    jd__buffer_free(&b);
    jd_ctx_free(ctx);
}

static void varints(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static const int64_t values[] = {0, 1, 127, 128, 300, INT64_MAX, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        jd_buffer b = {.ctx = ctx};
        jd__proto_int(&b, 5, values[i]);
        if (values[i] < 0) assert_int_equal(b.size, 11);
        jd_proto m = {.p = b.data, .end = b.data + b.size};
        jd_proto_field f;
        assert_true(jd__proto_next(&m, &f));
        assert_true(f.number == 5 && f.wire == 0 && (int64_t)f.value == values[i]);
        assert_false(jd__proto_next(&m, &f));
        assert_false(m.bad);
        for (size_t cut = 1; cut < b.size; cut++) {
            m = (jd_proto){.p = b.data, .end = b.data + cut};
            assert_false(jd__proto_next(&m, &f));
            assert_true(m.bad);
        }
        jd__buffer_free(&b);
    }
    static const char *const wrong[] = {"\x03",    "\x04",        "\x0e",
                                        "\x0f",    "\x01_______", "\x00_",
                                        "\x0d___", "\x0a\x02_",   "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"};
    static const size_t sizes[] = {1, 1, 1, 1, 8, 2, 4, 3, 11};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const unsigned char *p = (const unsigned char *)wrong[i];
        jd_proto m = {.p = p, .end = p + sizes[i]};
        jd_proto_field f;
        assert_false(jd__proto_next(&m, &f));
        assert_true(m.bad);
    }
    jd_ctx_free(ctx);
}

/* Writes the sample file; returns its path (to be freed). */
static char *write_sample(jd_ctx *ctx, const char *dir)
{
    jd_events *e = jd_events_new(ctx, dir);
    assert_non_null(e);
    assert_int_equal(jd_events_scalar(e, "train/loss", 7, 0.25f), JD_OK);
    static const uint8_t pixels[2 * 3 * 3] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 255};
    assert_int_equal(jd_events_image(e, "filters", 8, pixels, 2, 3, 3), JD_OK);
    assert_int_equal(jd_events_scalar(e, "x", -1, -3), JD_OK);
    char *path = strdup(jd_events_path(e));
    assert_int_equal(jd_events_close(e), JD_OK);
    return path;
}

static void round_trip(void **state)
{
    (void)state;
    char dir[64], sub[80];
    make_dir(dir);
    snprintf(sub, sizeof sub, "%s/run", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    char *path = write_sample(ctx, sub);
    assert_non_null(strstr(path, "/run/events.out.tfevents."));
    jd_event_reader *r = jd_event_reader_open(ctx, path);
    jd_event v;
    assert_true(jd_event_reader_next(r, &v));
    assert_string_equal(v.file_version, "brain.Event:2");
    assert_true(v.wall_time > 1.7e9);
    assert_true(jd_event_reader_next(r, &v));
    assert_true(v.has_scalar && v.scalar == 0.25f && v.step == 7 && !v.file_version && !v.png);
    assert_string_equal(v.tag, "train/loss");
    assert_true(jd_event_reader_next(r, &v));
    assert_string_equal(v.tag, "filters");
    assert_true(!v.has_scalar && v.height == 2 && v.width == 3 && v.channels == 3);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, v.png, v.png_bytes));
    assert_true(image.width == 3 && image.height == 2);
    image.format = PNG_FORMAT_RGB;
    uint8_t pixels[18];
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    assert_true(pixels[0] == 0 && pixels[5] == 5 && pixels[17] == 255);
    assert_true(jd_event_reader_next(r, &v));
    assert_true(v.step == -1 && v.scalar == -3);
    assert_false(jd_event_reader_next(r, &v));
    assert_int_equal(jd_event_reader_torn(r), -1);
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_event_reader_close(r);
    /* A second file in the same second takes another name. */
    char *other = write_sample(ctx, sub);
    assert_string_not_equal(path, other);
    free(other);
    free(path);
    remove_dir(sub);
    remove_dir(dir);
    jd_ctx_free(ctx);
}

static void store(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

/* Reads all; returns the number of values, and where it was torn. */
static int read_values(jd_ctx *ctx, const char *path, int64_t *torn)
{
    jd_event_reader *r = jd_event_reader_open(ctx, path);
    assert_non_null(r);
    jd_event v;
    int n = 0;
    while (jd_event_reader_next(r, &v)) n++;
    *torn = jd_event_reader_torn(r);
    assert_false(jd_event_reader_next(r, &v));
    jd_event_reader_close(r);
    return n;
}

static void torn_and_flipped_files(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/copy", dir);
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    char *original = write_sample(ctx, dir);
    size_t n;
    unsigned char *file = jd_read_file(ctx, original, 0, &n);
    size_t ends[5] = {0};
    for (int i = 0; i < 4; i++) ends[i + 1] = ends[i] + 16 + (size_t)file[ends[i]] + 256 * (size_t)file[ends[i] + 1];
    assert_int_equal(ends[4], n);
    int64_t torn;
    for (size_t length = 0; length <= n; length++) {
        store(path, file, length);
        int whole = 0;
        while (whole < 4 && ends[whole + 1] <= length) whole++;
        assert_int_equal(read_values(ctx, path, &torn), whole);
        assert_int_equal(torn, length == ends[whole] ? -1 : (int64_t)ends[whole]);
        assert_int_equal(jd_error(ctx), JD_OK);
    }
    /* Every flipped bit is noticed by the record's checksums. */
    for (size_t bit = 0; bit < n * 8; bit++) {
        file[bit / 8] ^= (unsigned char)(1u << bit % 8);
        store(path, file, n);
        int record = 0;
        while (ends[record + 1] <= bit / 8) record++;
        assert_int_equal(read_values(ctx, path, &torn), record);
        assert_int_equal(torn, ends[record]);
        file[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(h.largest < 1 << 20);
    jd_free(ctx, file);
    free(original);
    remove_dir(dir);
    jd_ctx_free(ctx);
    assert_int_equal(h.live, 0);
}

static void malformed_messages_and_limits(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    int64_t torn;
    /* Checksums right, message wrong; then messages with nothing of interest, which are passed over. */
    static const char *const wrong[] = {"\x09___", "\x2a\x02\x0a\x05", "\x2a\x04\x0a\x02\x0a\x05",
                                        "\x2a\x06\x0a\x04\x22\x02\x08\x80", "\x2a\x06\x0a\x04\x22\x02\x0a"};
    static const size_t sizes[] = {4, 4, 6, 8, 7};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        jd_buffer b = {.ctx = ctx};
        jd__event_record(&b, wrong[i], sizes[i]);
        store(path, b.data, b.size);
        assert_int_equal(read_values(ctx, path, &torn), 0);
        assert_int_equal(jd_error(ctx), JD_EDATA);
        jd_error_clear(ctx);
        jd__buffer_free(&b);
    }
    jd_buffer b = {.ctx = ctx};
    jd__event_record(&b, "", 0);
    jd__event_record(&b, "\x30\x01", 2);
    store(path, b.data, b.size);
    assert_int_equal(read_values(ctx, path, &torn), 0);
    assert_int_equal(torn, -1);
    assert_int_equal(jd_error(ctx), JD_OK);
    jd__buffer_free(&b);
    /* A length beyond the limit, with a right checksum; and within it, but beyond the file. */
    for (uint64_t length = (64u << 20) - 1; length <= (64u << 20) + 1; length++) {
        unsigned char le[8];
        for (int i = 0; i < 8; i++) le[i] = (unsigned char)(length >> (8 * i));
        jd__put(&b, le, 8);
        jd__put_le(&b, jd__masked_crc32c(le, 8), 4);
        jd__put_le(&b, 0, 8);
        store(path, b.data, b.size);
        assert_int_equal(read_values(ctx, path, &torn), 0);
        assert_int_equal(jd_error(ctx), length > 64u << 20 ? JD_EDATA : JD_OK);
        assert_int_equal(torn, length > 64u << 20 ? -1 : 0);
        jd_error_clear(ctx);
        jd__buffer_free(&b);
    }
    assert_true(h.largest < 1 << 16);
    remove_dir(dir);
    jd_ctx_free(ctx);
}

static ssize_t full_disk(int fd, const void *data, size_t bytes)
{
    (void)fd;
    (void)data;
    (void)bytes;
    errno = ENOSPC;
    return -1;
}

static void wrong_use_and_full_disks(void **state)
{
    (void)state;
    char dir[64];
    make_dir(dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    static const uint8_t pixel[4] = {0};
    jd_events *e = jd_events_new(ctx, dir);
    assert_int_equal(jd_events_scalar(e, "", 0, 0), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_events_scalar(e, "\xff", 0, 0), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_events_image(e, "a", 0, pixel, 1, 1, 2), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_events_image(e, "a", 0, pixel, 0, 1, 1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_events_image(e, "a", 0, pixel, 1, 1, 1), JD_OK);
    assert_int_equal(jd_events_image(e, "a", 0, pixel, 1, 1, 4), JD_OK);
    struct jd_io_ops ops = jd__io_system;
    ops.write = full_disk;
    ctx->io = &ops;
    assert_int_equal(jd_events_scalar(e, "a", 0, 0), JD_EIO);
    assert_int_equal(jd_events_scalar(e, "a", 0, 0), JD_EIO);
    assert_int_equal(jd_events_close(e), JD_EIO);
    jd_error_clear(ctx);
    assert_null(jd_events_new(ctx, dir));
    assert_int_equal(jd_error(ctx), JD_EIO);
    jd_error_clear(ctx);
    ctx->io = &jd__io_system;
    assert_null(jd_events_new(ctx, "/nonexistent/dir/run"));
    assert_int_equal(jd_error(ctx), JD_EIO);
    jd_error_clear(ctx);
    assert_null(jd_event_reader_open(ctx, "/nonexistent/file"));
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    remove_dir(dir);
    jd_ctx_free(ctx);
    assert_int_equal(jd_events_scalar(NULL, "a", 0, 0), JD_EUSAGE);
    assert_int_equal(jd_events_close(NULL), JD_OK);
    assert_false(jd_event_reader_next(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_known_answers),
        cmocka_unit_test(golden_records),
        cmocka_unit_test(varints),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(torn_and_flipped_files),
        cmocka_unit_test(malformed_messages_and_limits),
        cmocka_unit_test(wrong_use_and_full_disks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
