/* Volumes: which reader a file wants, and their values. */
#include "data/volume.h"

#include <math.h>
#include <string.h>

#include "base/given.h"
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
    if (!jd__given(ctx, __func__, "v", v)) return jd_error(ctx);
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

/* One axis of a Gaussian of deviation s: voxels `stride` apart, n of them; what lies outside has no weight. */
static void smooth(const float *from, int64_t all, int64_t stride, int64_t n, const double *weight, int64_t reach,
                   float *to)
{
    for (int64_t i = 0; i < all; i++) {
        const int64_t at = i / stride % n, low = at < reach ? at : reach,
                      high = n - 1 - at < reach ? n - 1 - at : reach;
        double sum = 0, total = 0;
        for (int64_t k = -low; k <= high; k++) {
            const double w = weight[k < 0 ? -k : k];
            sum += w * (double)from[i + k * stride];
            total += w;
        }
        to[i] = (float)(sum / total);
    }
}

jd_status jd_volume_inputs(jd_ctx *ctx, const jd_volume *v, float *x)
{
    if (!jd__given(ctx, __func__, "v", v)) return jd_error(ctx);
    enum { REACH = 10 };
    const double deviation = 4;
    double weight[REACH + 1];
    const int64_t n = v->depth * v->height * v->width;
    jd_volume a = *v, b = *v;
    if (jd_error(ctx)) return jd_error(ctx);
    a.frames = b.frames = 1;
    a.voxels = jd_alloc_array(ctx, (size_t)n, sizeof *a.voxels);
    b.voxels = jd_alloc_array(ctx, (size_t)n, sizeof *b.voxels);
    if (!jd_error(ctx)) {
        memcpy(a.voxels, v->voxels, (size_t)n * sizeof *a.voxels);
        for (int k = 0; k <= REACH; k++) weight[k] = exp(-k * k / (2 * deviation * deviation));
    }
    if (!jd_error(ctx) && !jd_volume_normalise(ctx, &a)) {
        for (int64_t i = 0; i < n; i++) x[i * JD_VOLUME_INPUTS] = a.voxels[i];
        smooth(a.voxels, n, 1, v->width, weight, REACH, b.voxels);
        smooth(b.voxels, n, v->width, v->height, weight, REACH, a.voxels);
        smooth(a.voxels, n, v->width * v->height, v->depth, weight, REACH, b.voxels);
        for (int64_t i = 0; i < n; i++) b.voxels[i] = x[i * JD_VOLUME_INPUTS] - b.voxels[i];
        jd_volume_normalise(ctx, &b);
        for (int64_t i = 0; i < n; i++) x[i * JD_VOLUME_INPUTS + 1] = b.voxels[i];
    }
    jd_free(ctx, a.voxels);
    jd_free(ctx, b.voxels);
    return jd_error(ctx);
}

void jd_volume_free(jd_ctx *ctx, jd_volume *v)
{
    if (!v) return;
    jd_free(ctx, v->voxels);
    *v = (jd_volume){0};
}
