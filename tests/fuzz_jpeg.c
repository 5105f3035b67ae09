/* fuzz_jpeg.c - the JPEG reader (libjpeg-turbo below it); without libjpeg, the refusal. */
#include "fuzz.h"
#include "jackdaw/data.h"
#include "jpeg_help.h"

static const char *const WORDS[] = {"\xff\xc0", "\xff\xc2", "\xff\xc4", "\xff\xda", "\xff\xdb", "\xff\xdd",
                                    "\xff\xd9", "\xff\xee", "Adobe",    "\xff\xfe", NULL};

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    uint8_t px[9 * 17 * 4];
    for (size_t i = 0; i < sizeof px; i++) px[i] = (uint8_t)(i * 3 + i / 17 * 5);
    for (int kind = 0; kind < 5; kind++) {
        size_t bytes;
        uint8_t *file = jpeg_file(px, 9, 17, kind == 4 ? 4 : kind % 2 ? 3 : 1, kind == 2 || kind == 3, &bytes);
        if (file) fuzz_seed(file, bytes);
        free(file);
    }
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    for (int channels = 0; channels <= 3 && !jd_error(ctx); channels += channels ? 2 : 1) {
        jd_picture p = {0};
        const jd_status status = jd_decode_picture(ctx, "x.jpg", data, bytes, channels, &p);
        fuzz_check((p.pixels == NULL) == (status != JD_OK), "pixels and an error, or neither");
        if (!status) fuzz_touch(p.pixels, (size_t)p.height * (size_t)p.width * (size_t)p.channels);
        jd_picture_free(ctx, &p);
    }
    return jd_error(ctx);
}

const fuzz_format fuzz_this = {.name = "jpeg",
                               .inputs = 3000,
                               .longest = 2048,
                               .seeds = seeds,
                               .read = read_input,
                               .words = WORDS,
                               .also = JD_EABSENT};
