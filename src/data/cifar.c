/* cifar.c - CIFAR-10 and CIFAR-100, binary version (see sets.h). */
#include "data/collect.h"
#include "jackdaw/sets.h"

enum { SIDE = 32, PLANE = SIDE * SIDE };

static jd_status read_file(jd_ctx *ctx, const char *path, int classes, jd__collector *c)
{
    const size_t labels = classes == 100 ? 2 : 1, record = labels + 3 * PLANE;
    size_t bytes;
    uint8_t *data = jd_read_gz(ctx, path, 0, &bytes);
    if (!data) return jd_error(ctx);
    if (!bytes || bytes % record)
        jd_fail(ctx, JD_EDATA,
                "%s: byte %zu: %zu bytes are no whole number of records of %zu; the file is cut off, or "
                "not the binary version of CIFAR-%d",
                path, bytes - bytes % record, bytes, record, classes);
    for (size_t at = 0; at < bytes && !jd_error(ctx); at += record) {
        const int label = data[at + labels - 1];
        if (label >= classes) {
            jd_fail(ctx, JD_EDATA, "%s: byte %zu: class %d of 0 to %d; not the binary version of CIFAR-%d", path,
                    at + labels - 1, label, classes - 1, classes);
            break;
        }
        const uint8_t *p = data + at + labels;
        uint8_t *to = jd__collect(c, label, 0);
        for (int i = 0; to && i < PLANE; i++)
            for (int k = 0; k < 3; k++) to[3 * i + k] = p[k * PLANE + i];
    }
    jd_free(ctx, data);
    return jd_error(ctx);
}

jd_status jd_images_read_cifar(jd_ctx *ctx, const char *const *paths, int files, int classes, jd_images *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (files < 1 || (classes != 10 && classes != 100))
        return jd_fail(ctx, JD_EUSAGE, "jd_images_read_cifar: %d files, %d classes; 10 and 100 classes are known",
                       files, classes);
    jd__collector c = {.ctx = ctx, .set = {.height = SIDE, .width = SIDE, .channels = 3, .classes = classes}};
    for (int i = 0; i < files && !jd_error(ctx); i++) read_file(ctx, paths[i], classes, &c);
    return jd__collected(&c, paths[0], out);
}
