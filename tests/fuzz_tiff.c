/* fuzz_tiff.c - the TIFF reader (libtiff below it). */
#include "fuzz.h"
#include "jackdaw/data.h"
#include "jackdaw/volume.h"
#include "tiff_file.h"

static void seeds(jd_ctx *ctx)
{
    static const tiff_kind kind[] = {{false, 8, 1, 1, 2, 5, 7, false},
                                     {true, 16, 1, 0, 1, 5, 7, false},
                                     {false, 32, 3, 1, 1, 3, 4, false},
                                     {true, 8, 1, 1, 1, 9, 11, true}};
    (void)ctx;
    for (int k = 0; k < 4; k++) {
        uint8_t file[1024];
        uint32_t value[128];
        for (uint32_t i = 0; i < 128; i++) value[i] = i * 3;
        fuzz_seed(file, tiff_file(&kind[k], value, file));
    }
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_volume v = {0};
    jd_picture p = {0};
    const jd_status one = jd_read_picture(ctx, fuzz_file(data, bytes), bytes % 2 ? 1 : 0, &p);
    fuzz_check((p.pixels == NULL) == (one != JD_OK), "pixels and an error, or neither");
    if (!one) fuzz_touch(p.pixels, (size_t)(p.height * p.width * p.channels));
    jd_picture_free(ctx, &p);
    jd_error_clear(ctx);
    const jd_status status = jd_read_tiff(ctx, fuzz_file(data, bytes), &v);
    fuzz_check((v.voxels == NULL) == (status != JD_OK), "voxels and an error, or neither");
    if (!status) fuzz_touch(v.voxels, (size_t)(v.depth * v.height * v.width) * sizeof *v.voxels);
    jd_volume_free(ctx, &v);
    return status;
}

const fuzz_format fuzz_this = {
    .name = "tiff", .inputs = 8000, .longest = 1024, .seeds = seeds, .read = read_input, .also = JD_EABSENT};
