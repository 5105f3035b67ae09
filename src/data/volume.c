/* Volumes: which reader a file wants, and their values. */
#include "data/volume.h"

#include <math.h>

#include "data/stream.h"

jd_status jd_read_volume(jd_ctx *ctx, const char *path, jd_volume *out)
{
    uint8_t head[4] = {0};
    size_t got;
    jd__stream *s = jd__stream_open(ctx, path);
    if (!s) return jd_error(ctx);
    jd__stream_read(s, head, sizeof head, &got);
    jd__stream_close(s);
    if (jd_error(ctx)) return jd_error(ctx);
    const bool little = head[0] == 'I' && head[1] == 'I', big = head[0] == 'M' && head[1] == 'M';
    /* 42 is TIFF, 43 BigTIFF */
    if ((little && (head[2] == 42 || head[2] == 43) && !head[3]) ||
        (big && (head[3] == 42 || head[3] == 43) && !head[2]))
        return jd_read_tiff(ctx, path, out);
    return jd_read_nifti(ctx, path, out);
}

jd_status jd_volume_normalise(jd_ctx *ctx, jd_volume *v)
{
    const size_t n = (size_t)(v->frames * v->depth * v->height * v->width);
    double sum = 0, square = 0;
    if (jd_error(ctx)) return jd_error(ctx);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v->voxels[i]))
            return jd_fail(ctx, JD_EDATA,
                           "voxel x=%zu y=%zu z=%zu is no finite number; replace such voxels in the file",
                           i % (size_t)v->width, i / (size_t)v->width % (size_t)v->height,
                           i / (size_t)(v->width * v->height) % (size_t)v->depth);
        sum += (double)v->voxels[i];
    }
    const double mean = n ? sum / (double)n : 0;
    for (size_t i = 0; i < n; i++) square += ((double)v->voxels[i] - mean) * ((double)v->voxels[i] - mean);
    const double scale = square > 0 ? 1 / sqrt(square / (double)n) : 0;
    for (size_t i = 0; i < n; i++) v->voxels[i] = (float)(((double)v->voxels[i] - mean) * scale);
    return JD_OK;
}

void jd_volume_free(jd_ctx *ctx, jd_volume *v)
{
    jd_free(ctx, v->voxels);
    *v = (jd_volume){0};
}
