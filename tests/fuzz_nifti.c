/* fuzz_nifti.c - the NIfTI-1 reader. */
#include "fuzz.h"
#include "jackdaw/volume.h"

static void seeds(jd_ctx *ctx)
{
    float voxels[24];
    static const jd_nifti_type type[] = {JD_NIFTI_U8, JD_NIFTI_I16, JD_NIFTI_F32};
    for (int i = 0; i < 24; i++) voxels[i] = (float)(i * 10);
    const jd_volume v = {.frames = 1, .depth = 2, .height = 4, .width = 3, .voxels = voxels};
    for (int k = 0; k < 6; k++) {
        const char *path = fuzz_scratch(k % 2 ? "seed.nii.gz" : "seed.nii");
        jd_write_nifti(ctx, path, &v, type[k / 2]);
        fuzz_seed_file(ctx, path);
    }
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_volume v = {0};
    const jd_status status = jd_read_nifti(ctx, fuzz_file(data, bytes), &v);
    fuzz_check((v.voxels == NULL) == (status != JD_OK), "voxels and an error, or neither");
    if (!status) {
        fuzz_check(v.frames > 0 && v.depth > 0 && v.height > 0 && v.width > 0, "extents");
        fuzz_touch(v.voxels, (size_t)(v.frames * v.depth * v.height * v.width) * sizeof *v.voxels);
    }
    jd_volume_free(ctx, &v);
    return status;
}

const fuzz_format fuzz_this = {.name = "nifti", .inputs = 20000, .longest = 1024, .seeds = seeds, .read = read_input};
