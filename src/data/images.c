#include "data/stream.h"

#include <string.h>

/* Checks images (count,H,W[,C]) and labels (count) against each other. */
static jd_status check_pair(jd_ctx *ctx, const char *images_path, const char *labels_path, int classes, const jd_idx *x,
                            const jd_idx *y)
{
    if (x->type != JD_IDX_U8 || (x->rank != 3 && x->rank != 4))
        return jd_fail(ctx, JD_EDATA, "%s: byte 2: type 0x%02x with %d dimensions; images are bytes (08) with 3 or 4",
                       images_path, (unsigned)x->type, x->rank);
    if (x->size[0] > JD_LIMIT_DIM || x->size[1] > 65536 || x->size[2] > 65536 || (x->rank == 4 && x->size[3] > 16))
        return jd_fail(ctx, JD_EDATA, "%s: byte 8: images of %zu x %zu; at most 65536 x 65536 with 16 channels",
                       images_path, x->size[1], x->size[2]);
    if (!labels_path) return JD_OK;
    if (y->type != JD_IDX_U8 || y->rank != 1)
        return jd_fail(ctx, JD_EDATA, "%s: byte 2: type 0x%02x with %d dimensions; labels are bytes (08) with 1",
                       labels_path, (unsigned)y->type, y->rank);
    if (y->size[0] != x->size[0])
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 4: %zu labels, but %zu images in %s; check that both files belong together",
                       labels_path, y->size[0], x->size[0], images_path);
    const uint8_t *label = y->data;
    for (size_t i = 0; i < y->count; i++)
        if (label[i] >= classes)
            return jd_fail(ctx, JD_EDATA,
                           "%s: byte %zu: label %d, but there are %d classes; check the number of classes", labels_path,
                           8 + i, label[i], classes);
    return JD_OK;
}

jd_status jd_images_read_idx(jd_ctx *ctx, const char *images_path, const char *labels_path, int classes, jd_images *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (labels_path && (classes < 1 || classes > 256))
        return jd_fail(ctx, JD_EUSAGE, "jd_images_read_idx: %d classes; labels of bytes allow 1 to 256", classes);
    jd_idx x = {0}, y = {0};
    jd_images im = {0};
    jd_status st = jd_read_idx(ctx, images_path, &x);
    if (st == JD_OK && labels_path) st = jd_read_idx(ctx, labels_path, &y);
    if (st == JD_OK) st = check_pair(ctx, images_path, labels_path, classes, &x, &y);
    if (st == JD_OK && labels_path) {
        im.labels = jd_alloc_array(ctx, y.count, sizeof *im.labels);
        if (!im.labels) st = JD_ENOMEM;
        for (size_t i = 0; st == JD_OK && i < y.count; i++) im.labels[i] = ((const uint8_t *)y.data)[i];
    }
    jd_idx_free(ctx, &y);
    if (st) {
        jd_idx_free(ctx, &x);
        return st;
    }
    im.count = x.size[0];
    im.height = (int)x.size[1];
    im.width = (int)x.size[2];
    im.channels = x.rank == 4 ? (int)x.size[3] : 1;
    im.classes = labels_path ? classes : 0;
    im.pixels = x.data;
    *out = im;
    return JD_OK;
}

void jd_images_free(jd_ctx *ctx, jd_images *images)
{
    if (!images) return;
    jd_free(ctx, images->pixels);
    jd_free(ctx, images->labels);
    jd_free(ctx, images->groups);
    *images = (jd_images){0};
}

static void pixel_table(float low, float high, float table[256])
{
    for (int i = 0; i < 256; i++) table[i] = (float)((double)low + ((double)high - (double)low) * i / 255.0);
}

void jd_pixels_to_float(const uint8_t *p, size_t n, float low, float high, float *out)
{
    float table[256];
    pixel_table(low, high, table);
    for (size_t i = 0; i < n; i++) out[i] = table[p[i]];
}

void jd_images_batch(const jd_images *images, const uint32_t *index, size_t n, float low, float high, float *x,
                     int32_t *y)
{
    if (!images) return;
    float table[256];
    pixel_table(low, high, table);
    const size_t each = (size_t)images->height * (size_t)images->width * (size_t)images->channels;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = images->pixels + index[i] * each;
        for (size_t k = 0; k < each; k++) x[i * each + k] = table[p[k]];
        if (y) y[i] = images->labels ? images->labels[index[i]] : 0;
    }
}
