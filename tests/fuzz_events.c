/* fuzz_events.c - the reader of TensorBoard's event files, with right checksums. */
#include "fuzz.h"
#include "io/events.h"
#include "jackdaw/io.h"

static const char *const WORDS[] = {
    "\x0a", "\x12", "\x2a", "\x09", "\x15", "\x22", "\x10\x01", "\xff\xff\xff\xff\x0f", "brain.Event:2", NULL};

static void seeds(jd_ctx *ctx)
{
    static const char picture[] = "not really a picture";
    jd_buffer b = {.ctx = ctx};
    jd__event_version(&b, 1e9);
    jd__event_scalar(&b, 1e9, 7, "train/loss", 0.25f);
    fuzz_seed(b.data, b.size);
    jd__event_image(&b, 1e9, 8, "filters", 2, 3, 3, picture, sizeof picture);
    jd__event_scalar(&b, 1e9, -1, "x", -3);
    fuzz_seed(b.data, b.size);
    jd__buffer_free(&b);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_event_reader *r = jd_event_reader_open(ctx, fuzz_file(data, bytes));
    jd_event e;
    while (r && jd_event_reader_next(r, &e)) {
        fuzz_touch(e.tag, strlen(e.tag));
        if (e.file_version) fuzz_touch(e.file_version, strlen(e.file_version));
        fuzz_touch(e.png, e.png_bytes);
    }
    const int64_t torn = jd_event_reader_torn(r);
    fuzz_check(torn >= -1 && torn <= (int64_t)bytes, "where the file is torn");
    jd_event_reader_close(r);
    return jd_error(ctx);
}

static void repair(uint8_t *p, size_t bytes)
{
    for (size_t at = 0; bytes - at >= 16;) {
        const size_t n = fuzz_le32(p + at);
        if (n > bytes - at - 16 || fuzz_le32(p + at + 4)) return;
        fuzz_put32(p + at + 8, jd__masked_crc32c(p + at, 8), false);
        fuzz_put32(p + at + 12 + n, jd__masked_crc32c(p + at + 12, n), false);
        at += 16 + n;
    }
}

const fuzz_format fuzz_this = {.name = "events",
                               .inputs = 20000,
                               .longest = 1024,
                               .seeds = seeds,
                               .read = read_input,
                               .repair = repair,
                               .words = WORDS};
