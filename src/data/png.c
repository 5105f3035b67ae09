#include "base/ctx.h"
#include "data/picture.h"

#include <errno.h>
#include <png.h>
#include <string.h>

#include "base/given.h"

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Signature and IHDR, before libpng sees a byte: the pixel count, and what the compressed bytes can honestly give. */
static jd_status check_head(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    static const uint8_t head[16] = {137, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4}; /* of a pixel, by colour type */
    if (bytes < 33 || memcmp(p, head, 16) != 0)
        return jd_fail(ctx, JD_EDATA, "%s: byte 0: no PNG header in %zu bytes; this is no PNG file", path, bytes);
    const uint64_t w = be32(p + 16), h = be32(p + 20);
    const unsigned depth = p[24], colour = p[25];
    if (w < 1 || h < 1 || w > JD_LIMIT_PIXELS || h > JD_LIMIT_PIXELS || w * h > JD_LIMIT_PIXELS)
        return jd_fail(ctx, JD_EDATA, "%s: byte 16: %llu x %llu pixels; the limit is %u in all, scale the picture down",
                       path, (unsigned long long)w, (unsigned long long)h, JD_LIMIT_PIXELS);
    if (colour > 6 || !samples[colour] || depth > 16)
        return jd_fail(ctx, JD_EDATA, "%s: byte 24: depth %u with colour type %u; the file is damaged", path, depth,
                       colour);
    if (h * ((w * samples[colour] * depth + 7) / 8) > (uint64_t)JD_LIMIT_RATIO * bytes)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 16: %llu x %llu pixels cannot come out of %zu bytes; the file is cut off", path,
                       (unsigned long long)w, (unsigned long long)h, bytes);
    return JD_OK;
}

/* libpng is content with a file whose last bytes are missing: walk over the chunks to the end mark. */
static jd_status check_chunks(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    size_t at = 8;
    while (bytes - at >= 12) {
        const uint32_t size = be32(p + at);
        if (size > bytes - at - 12) break;
        if (memcmp(p + at + 4, "IEND", 4) == 0) return JD_OK;
        at += 12 + (size_t)size;
    }
    return jd_fail(ctx, JD_EDATA,
                   "%s: byte %zu: a chunk goes beyond the end of the file (%zu bytes); it is cut off, fetch it again",
                   path, at, bytes);
}

jd_status jd__png_check(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    return check_head(ctx, path, p, bytes) || check_chunks(ctx, path, p, bytes) ? jd_error(ctx) : JD_OK;
}

jd_status jd__png_decode(jd_ctx *ctx, const char *path, const uint8_t *file, size_t bytes, int channels,
                         jd_picture *out)
{
    if (jd__png_check(ctx, path, file, bytes)) return jd_error(ctx);
    jd_status st = JD_OK;
    png_image image = {.version = PNG_IMAGE_VERSION};
    jd_picture pic = {0};
    errno = 0;
    if (png_image_begin_read_from_memory(&image, file, bytes)) {
        if (channels == 0) channels = image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
        image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
        pic = (jd_picture){.height = (int)image.height, .width = (int)image.width, .channels = channels};
        pic.pixels = jd_alloc_array(ctx, PNG_IMAGE_SIZE(image), 1);
        const png_color black = {0, 0, 0};
        if (pic.pixels)
            png_image_finish_read(&image, &black, pic.pixels, 0, NULL);
        else
            st = JD_ENOMEM;
    }
    if (st == JD_OK && image.warning_or_error & 2) {
        jd__library_failed(ctx, path, "libpng");
        st = jd_fail(ctx, JD_EDATA, "%s: libpng, within %zu bytes: %s; the file is damaged, fetch it again", path,
                     bytes, image.message);
    }
    png_image_free(&image);
    if (st) {
        jd_picture_free(ctx, &pic);
        return st;
    }
    *out = pic;
    return JD_OK;
}

jd_status jd_write_png(jd_ctx *ctx, const char *path, const jd_picture *picture)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "picture", picture)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if ((picture->channels != 1 && picture->channels != 3) || picture->width < 1 || picture->height < 1 ||
        !picture->pixels || (uint64_t)picture->width * (uint64_t)picture->height > JD_LIMIT_PIXELS)
        return jd_fail(ctx, JD_EUSAGE, "%s: a picture of %d x %d with %d channels; 1 or 3 channels, at most %u pixels",
                       path, picture->width, picture->height, picture->channels, JD_LIMIT_PIXELS);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = picture->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *file = jd_alloc(ctx, bytes);
    if (!file) return JD_ENOMEM;
    jd_status st;
    errno = 0;
    if (png_image_write_to_memory(&image, file, &bytes, 0, picture->pixels, 0, NULL))
        st = jd_write_file(ctx, path, file, bytes);
    else {
        jd__library_failed(ctx, path, "libpng");
        st = jd_fail(ctx, JD_EINTERNAL, "%s: libpng cannot encode: %s", path, image.message);
    }
    png_image_free(&image);
    jd_free(ctx, file);
    return st;
}
