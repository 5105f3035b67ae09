/* gnt.c - character files of CASIA-HWDB (see sets.h). */
#include "data/collect.h"
#include "jackdaw/prepare.h"
#include "jackdaw/sets.h"

#include <string.h>

#include "base/given.h"

enum { SIDE = 48, INK = 40, SIDE_LIMIT = 4096, HEAD = 10, ROW = 94, FIRST = 0xB0, LAST = 0xD7, IN_LAST = 89 };

int jd_gb2312_class(unsigned code)
{
    const int row = (int)(code >> 8) - FIRST, at = (int)(code & 255) - 0xA1;
    if (code > 0xffff || row < 0 || row > LAST - FIRST || at < 0 || at >= (row == LAST - FIRST ? IN_LAST : ROW))
        return -1;
    return row * ROW + at;
}

typedef struct reader {
    jd__collector c;
    int ink;
    uint8_t *scratch; /* (ink,ink) */
} reader;

/* Gray (h,w), 255 paper, into its place: ink bright, contrast stretched before the resize, as the 2013 report says. */
static void place(const reader *r, uint8_t *gray, int h, int w, uint8_t *to)
{
    const size_t n = (size_t)h * (size_t)w;
    int low = 255, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = gray[i] < low ? gray[i] : low;
        high = gray[i] > high ? gray[i] : high;
    }
    const int range = high > low ? high - low : 1;
    for (size_t i = 0; i < n; i++) gray[i] = (uint8_t)(((high - gray[i]) * 255 + range / 2) / range);
    const int longer = h > w ? h : w, side = r->c.set.height;
    const int64_t half = longer / 2;
    int oh = (int)(((int64_t)h * r->ink + half) / longer), ow = (int)(((int64_t)w * r->ink + half) / longer);
    oh = oh < 1 ? 1 : oh;
    ow = ow < 1 ? 1 : ow;
    jd_resize_area(gray, h, w, 1, r->scratch, oh, ow);
    memset(to, 0, (size_t)side * (size_t)side);
    for (int i = 0; i < oh; i++)
        memcpy(to + (size_t)(i + (side - oh) / 2) * (size_t)side + (size_t)((side - ow) / 2),
               r->scratch + (size_t)i * (size_t)ow, (size_t)ow);
}

static jd_status read_file(reader *r, const char *path, int32_t writer)
{
    jd_ctx *ctx = r->c.ctx;
    size_t bytes;
    uint8_t *p = jd_read_gz(ctx, path, 0, &bytes);
    if (!p) return jd_error(ctx);
    if (!bytes) jd_fail(ctx, JD_EDATA, "%s: byte 0: the file is empty; fetch it again", path);
    for (size_t at = 0; at < bytes && !jd_error(ctx);) {
        const size_t left = bytes - at;
        const uint8_t *q = p + at;
        if (left < HEAD) {
            jd_fail(ctx, JD_EDATA, "%s: byte %zu: %zu bytes are no record; the file is cut off", path, at, left);
            break;
        }
        const size_t size = (size_t)q[3] << 24 | (size_t)q[2] << 16 | (size_t)q[1] << 8 | q[0];
        const int w = q[7] << 8 | q[6], h = q[9] << 8 | q[8];
        if (w < 1 || h < 1 || size != HEAD + (size_t)w * (size_t)h) {
            jd_fail(ctx, JD_EDATA, "%s: byte %zu: a record of %zu bytes for %d x %d pixels; no GNT file, or damaged",
                    path, at, size, w, h);
            break;
        }
        if (size > left) {
            jd_fail(ctx, JD_EDATA, "%s: byte %zu: a record of %zu bytes, %zu are left; the file is cut off", path, at,
                    size, left);
            break;
        }
        const int label = jd_gb2312_class((unsigned)q[4] << 8 | q[5]);
        uint8_t *to = label >= 0 && label < r->c.set.classes ? jd__collect(&r->c, label, writer) : NULL;
        if (to) place(r, p + at + HEAD, h, w, to);
        at += size;
    }
    jd_free(ctx, p);
    return jd_error(ctx);
}

jd_status jd_images_read_gnt(jd_ctx *ctx, const char *path, const jd_gnt_options *o, jd_images *out)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const int side = o && o->side ? o->side : SIDE, ink = o && o->ink ? o->ink : side * INK / SIDE;
    const int classes = o && o->classes ? o->classes : JD_GB2312_LEVEL_1;
    if (side < 1 || side > SIDE_LIMIT || ink < 1 || ink > side || classes < 1 || classes > JD_GB2312_LEVEL_1)
        return jd_fail(ctx, JD_EUSAGE,
                       "jd_images_read_gnt: ink %d in %d pixels, %d classes; 1 to the side, at most %d, and "
                       "1 to %d",
                       ink, side, classes, SIDE_LIMIT, JD_GB2312_LEVEL_1);
    reader r = {
        .c = {.ctx = ctx, .set = {.height = side, .width = side, .channels = 1, .classes = classes}, .grouped = true},
        .ink = ink};
    r.scratch = jd_alloc_array(ctx, (size_t)ink, (size_t)ink);
    size_t n;
    char **names = jd__list_folder(ctx, path, ".gnt", &n);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        char *file = jd_asprintf(ctx, "%s/%s", path, names[i]);
        if (file) read_file(&r, file, (int32_t)i);
        jd_free(ctx, file);
    }
    if (!names && !jd_error(ctx)) read_file(&r, path, 0);
    jd__list_free(ctx, names, n);
    jd_free(ctx, r.scratch);
    return jd__collected(&r.c, path, out);
}
