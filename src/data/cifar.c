/* cifar.c - CIFAR-10 and CIFAR-100, the binary and the Python version (see sets.h). */
#include "data/collect.h"
#include "io/pickle.h"
#include "jackdaw/sets.h"

enum { SIDE = 32, PLANE = SIDE * SIDE };

/* One picture out of three planes. */
static bool add(jd__collector *c, int label, const uint8_t *planes)
{
    uint8_t *to = jd__collect(c, label, 0);
    for (int i = 0; to && i < PLANE; i++)
        for (int k = 0; k < 3; k++) to[3 * i + k] = planes[k * PLANE + i];
    return to != NULL;
}

/* A pickle of a dictionary with `data`, uint8 (n,3072), and `labels`, of CIFAR-100 `fine_labels`, a list of n numbers. */
static jd_status read_python(jd_ctx *ctx, const char *path, const uint8_t *data, size_t bytes, int classes,
                             jd__collector *c)
{
    const char *key = classes == 100 ? "fine_labels" : "labels";
    int64_t dim[4] = {0};
    int rank = 0;
    jd__pickle *k = jd__pickle_read(ctx, path, data, bytes);
    if (!k) return jd_error(ctx);
    const int64_t list = jd__pickle_get(k, jd__pickle_root(k), key);
    const uint8_t *p = jd__pickle_bytes(k, jd__pickle_get(k, jd__pickle_root(k), "data"), &rank, dim);
    const size_t n = jd__pickle_count(k, list);
    int64_t *label = jd_alloc_array(ctx, n + 1, sizeof *label);
    if (!p || rank != 2 || dim[1] != 3 * PLANE || (size_t)dim[0] != n || !n)
        jd_fail(ctx, JD_EDATA,
                "%s: no uint8 array `data` (n,3072) and list `%s` of n numbers in it; not a batch of the "
                "Python version of CIFAR-%d",
                path, key, classes);
    else if (label && !jd__pickle_numbers(k, list, label, n))
        jd_fail(ctx, JD_EDATA, "%s: `%s` holds other things than numbers; fetch the file again", path, key);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        if (label[i] < 0 || label[i] >= classes)
            jd_fail(ctx, JD_EDATA, "%s: picture %zu is of class %lld of 0 to %d; fetch the file again", path, i,
                    (long long)label[i], classes - 1);
        else if (!add(c, (int)label[i], p + i * 3 * PLANE))
            break;
    }
    jd_free(ctx, label);
    jd__pickle_free(k);
    return jd_error(ctx);
}

static jd_status read_file(jd_ctx *ctx, const char *path, int classes, jd__collector *c)
{
    const size_t labels = classes == 100 ? 2 : 1, record = labels + 3 * PLANE;
    size_t bytes;
    uint8_t *data = jd_read_gz(ctx, path, 0, &bytes);
    if (!data) return jd_error(ctx);
    if (bytes > 1 && data[0] == 0x80 && data[1] <= 5) { /* neither a class nor a coarse one is 128 */
        read_python(ctx, path, data, bytes, classes, c);
        jd_free(ctx, data);
        return jd_error(ctx);
    }
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
        if (!add(c, label, data + at + labels)) break;
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
