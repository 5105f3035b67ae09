/* fuzz_idx.c - the IDX reader, plain and gzip-ed. */
#include <zlib.h>

#include "fuzz.h"
#include "jackdaw/data.h"

static void seeds(jd_ctx *ctx)
{
    static const uint8_t pixels[24] = {1, 2, 3, 250};
    static const double values[6] = {0.5, -1e300, 3};
    const jd_idx idx[] = {{.type = JD_IDX_U8, .rank = 3, .size = {2, 3, 4}, .data = (void *)(uintptr_t)pixels},
                          {.type = JD_IDX_F64, .rank = 1, .size = {6}, .data = (void *)(uintptr_t)values}};
    for (int i = 0; i < 2; i++) {
        const char *path = fuzz_scratch("seed.idx");
        jd_write_idx(ctx, path, &idx[i]);
        fuzz_seed_file(ctx, path);
    }
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 5, 4, 3, 2, 1, 0};
    const char *path = fuzz_scratch("seed.gz");
    gzFile f = gzopen(path, "wb");
    gzwrite(f, labels, sizeof labels);
    gzclose(f);
    fuzz_seed_file(ctx, path);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    const char *path = fuzz_file(data, bytes);
    jd_idx idx = {0};
    const jd_status status = jd_read_idx(ctx, path, &idx);
    fuzz_check((idx.data == NULL) == (status != JD_OK), "data and an error, or neither");
    fuzz_touch(idx.data, idx.count * jd_idx_value_bytes(idx.type));
    jd_idx_free(ctx, &idx);
    if (status) return status;
    jd_images images = {0};
    const jd_status also = jd_images_read_idx(ctx, path, NULL, 10, &images);
    if (!also)
        fuzz_touch(images.pixels,
                   images.count * (size_t)images.height * (size_t)images.width * (size_t)images.channels);
    jd_images_free(ctx, &images);
    if (also == JD_EDATA) jd_error_clear(ctx); /* other IDX files hold no pictures */
    return jd_error(ctx);
}

const fuzz_format fuzz_this = {.name = "idx", .inputs = 20000, .longest = 512, .seeds = seeds, .read = read_input};
