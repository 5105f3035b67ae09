/* fuzz_png.c - the PNG reader (libpng below it), with right checksums. */
#include <zlib.h>

#include "fuzz.h"
#include "jackdaw/data.h"

static const char *const WORDS[] = {"IHDR", "IDAT", "PLTE", "tRNS", "gAMA", "IEND", "\x10", "\x04", NULL};

static void seeds(jd_ctx *ctx)
{
    uint8_t px[7 * 5 * 3];
    for (size_t i = 0; i < sizeof px; i++) px[i] = (uint8_t)(i * 11);
    for (int channels = 1; channels <= 3; channels += 2) {
        const char *path = fuzz_scratch("seed.png");
        jd_write_png(ctx, path, &(jd_picture){.height = 5, .width = 7, .channels = channels, .pixels = px});
        fuzz_seed_file(ctx, path);
    }
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    const char *path = fuzz_file(data, bytes);
    for (int channels = 0; channels <= 3 && !jd_error(ctx); channels += channels ? 2 : 1) {
        jd_picture p = {0};
        const jd_status status = jd_read_picture(ctx, path, channels, &p);
        fuzz_check((p.pixels == NULL) == (status != JD_OK), "pixels and an error, or neither");
        if (!status) {
            fuzz_check(p.channels == 1 || p.channels == 3, "channels");
            fuzz_touch(p.pixels, (size_t)p.height * (size_t)p.width * (size_t)p.channels);
        }
        jd_picture_free(ctx, &p);
    }
    if (!jd_error(ctx)) { /* what is a picture is a mask too */
        jd_mask m = {0};
        const jd_status status = jd_read_mask(ctx, path, &m);
        fuzz_check((m.value == NULL) == (status != JD_OK), "values and an error, or neither");
        if (!status) fuzz_touch(m.value, (size_t)m.height * (size_t)m.width * sizeof *m.value);
        jd_mask_free(ctx, &m);
    }
    return jd_error(ctx);
}

static void repair(uint8_t *p, size_t bytes)
{
    for (size_t at = 8; at + 12 <= bytes;) {
        const size_t n = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
        if (n > bytes - at - 12) return;
        fuzz_put32(p + at + 8 + n, (uint32_t)crc32(0, p + at + 4, (unsigned)n + 4), true);
        at += 12 + n;
    }
}

const fuzz_format fuzz_this = {.name = "png",
                               .inputs = 5000,
                               .longest = 1024,
                               .seeds = seeds,
                               .read = read_input,
                               .repair = repair,
                               .words = WORDS};
