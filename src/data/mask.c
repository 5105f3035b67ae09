/* mask.c - pictures whose values are labels: as they are stored, before palettes become colours and 16 bits become 8. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "base/ctx.h"
#include "base/given.h"
#include "data/picture.h"
#include "jackdaw/volume.h"

/* ---- PNG ---------------------------------------------------------------------------------------------------------------------*/

typedef struct source {
    const uint8_t *p;
    size_t bytes, at;
    char message[200];
} source;

static void take_bytes(png_structp png, png_bytep out, size_t n)
{
    source *s = png_get_io_ptr(png);
    if (n > s->bytes - s->at) png_error(png, "the file is cut off");
    memcpy(out, s->p + s->at, n);
    s->at += n;
}

static void on_error(png_structp png, png_const_charp what)
{
    source *s = png_get_error_ptr(png);
    snprintf(s->message, sizeof s->message, "%s", what);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp what)
{
    (void)png, (void)what;
}

/* The values of a row of `depth` bits, `channels` of them a pixel. */
static void take_row(const uint8_t *row, int width, int channels, int depth, uint32_t *out)
{
    for (int i = 0; i < width; i++) {
        const uint8_t *p = row + (size_t)i * (size_t)channels * (depth == 16 ? 2 : 1);
        out[i] = channels == 3 ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]
                 : depth == 16 ? (uint32_t)p[0] << 8 | p[1]
                               : p[0];
    }
}

/* What libpng is to do: numbers as they are, without alpha; colours of 8 bits. */
static int prepare(png_structp png, png_infop info)
{
    const int kind = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    const bool colour = kind == PNG_COLOR_TYPE_RGB || kind == PNG_COLOR_TYPE_RGB_ALPHA;
    png_set_packing(png);
    png_set_strip_alpha(png);
    if (colour && depth == 16) png_set_strip_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return colour ? 3 : 1;
}

/* libpng jumps back to the first line after an error: what is freed behind it is volatile. */
static jd_status read_rows(jd_ctx *ctx, png_structp png, png_infop info, jd_mask *out)
{
    uint8_t *volatile pixels = NULL;
    uint8_t **volatile rows = NULL;
    volatile bool failed = true;
    if (!setjmp(png_jmpbuf(png))) {
        png_read_info(png, info);
        const int channels = prepare(png, info), depth = png_get_bit_depth(png, info);
        const size_t stride = png_get_rowbytes(png, info), H = png_get_image_height(png, info);
        out->height = (int)H;
        out->width = (int)png_get_image_width(png, info);
        pixels = jd_alloc_array(ctx, H, stride);
        rows = jd_alloc_array(ctx, H, sizeof *rows);
        out->value = jd_alloc_array(ctx, H, (size_t)out->width * sizeof *out->value);
        if (!jd_error(ctx)) {
            for (size_t y = 0; y < H; y++) rows[y] = pixels + y * stride;
            png_read_image(png, rows);
            for (size_t y = 0; y < H; y++)
                take_row(rows[y], out->width, channels, depth, out->value + y * (size_t)out->width);
            failed = false;
        }
    }
    jd_free(ctx, pixels);
    jd_free(ctx, rows);
    return failed ? JD_EDATA : JD_OK;
}

static jd_status read_png(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_mask *out)
{
    source s = {.p = p, .bytes = bytes};
    if (jd__png_check(ctx, path, p, bytes)) return jd_error(ctx);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return jd_fail(ctx, JD_ENOMEM, "%s: out of memory", path);
    }
    png_set_read_fn(png, &s, take_bytes);
    if (read_rows(ctx, png, info, out) && !jd_error(ctx)) {
        jd__library_failed(ctx, path, "libpng");
        jd_fail(ctx, JD_EDATA, "%s: libpng, at byte %zu: %s; the file is damaged, fetch it again", path, s.at,
                s.message);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return jd_error(ctx);
}

/* ---- the others --------------------------------------------------------------------------------------------------------------*/

static jd_status from_picture(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_mask *out)
{
    jd_picture a = {0};
    if (jd_decode_picture(ctx, path, p, bytes, 0, &a)) return jd_error(ctx);
    const size_t n = (size_t)a.height * (size_t)a.width;
    *out = (jd_mask){a.height, a.width, jd_alloc_array(ctx, n, sizeof *out->value)};
    if (out->value) take_row(a.pixels, (int)n, a.channels, 8, out->value);
    jd_picture_free(ctx, &a);
    return jd_error(ctx);
}

/* Of one grey channel, which may have 16 bits; false where it has more, and is read as a picture. */
static bool from_tiff(jd_ctx *ctx, const char *path, jd_mask *out)
{
    jd_volume v = {0};
    if (jd_read_tiff(ctx, path, &v)) {
        if (jd_error(ctx) == JD_EDATA || jd_error(ctx) == JD_EUSAGE) jd_error_clear(ctx);
        return jd_error(ctx) != JD_OK;
    }
    const int64_t n = v.height * v.width;
    *out = (jd_mask){(int)v.height, (int)v.width, NULL};
    if (v.depth != 1)
        jd_fail(ctx, JD_EDATA, "%s: %lld pictures in one file; a mask is one", path, (long long)v.depth);
    else
        out->value = jd_alloc_array(ctx, (size_t)n, sizeof *out->value);
    for (int64_t i = 0; out->value && i < n; i++) {
        const float value = v.voxels[i];
        if (!(value >= 0 && value < 16777216) || value != (float)(uint32_t)value) {
            jd_fail(ctx, JD_EDATA, "%s: the value %g; labels are whole numbers from 0", path, (double)value);
            break;
        }
        out->value[i] = (uint32_t)value;
    }
    jd_volume_free(ctx, &v);
    return true;
}

jd_status jd_read_mask(jd_ctx *ctx, const char *path, jd_mask *out)
{
    jd_mask m = {0};
    size_t bytes = 0;
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    uint8_t *p = jd_error(ctx) ? NULL : jd_read_file(ctx, path, (size_t)1 << 29, &bytes);
    if (!p) return jd_error(ctx);
    const bool tiff = bytes >= 4 && (!memcmp(p, "II*\0", 4) || !memcmp(p, "MM\0*", 4));
    if ((bytes >= 3 && !memcmp(p, "\xff\xd8\xff", 3)) || (bytes >= 12 && !memcmp(p + 8, "WEBP", 4)))
        jd_fail(ctx, JD_EDATA, "%s: JPEG and WebP change the values of a mask; save it as PNG or TIFF", path);
    else if (bytes >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8))
        read_png(ctx, path, p, bytes, &m);
    else if (!tiff || !from_tiff(ctx, path, &m))
        from_picture(ctx, path, p, bytes, &m);
    jd_free(ctx, p);
    if (jd_error(ctx))
        jd_free(ctx, m.value);
    else
        *out = m;
    return jd_error(ctx);
}

void jd_mask_free(jd_ctx *ctx, jd_mask *mask)
{
    if (!mask) return;
    jd_free(ctx, mask->value);
    *mask = (jd_mask){0};
}
