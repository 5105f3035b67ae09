/* picture.c - pictures in files, told apart by their contents. */
#include "data/picture.h"

#include <string.h>

jd_status jd_decode_picture(jd_ctx *ctx, const char *name, const void *data, size_t bytes, int channels,
                            jd_picture *out)
{
    static const struct {
        const char *head;
        size_t bytes;
        const char *what;
    } others[] = {
        {"RIFF", 4, "a RIFF"}, {"\0\0\0\x0cjP", 6, "a JPEG 2000"}, {"%PDF", 4, "a PDF"}, {"<svg", 4, "an SVG"}};
    if (jd_error(ctx)) return jd_error(ctx);
    if (channels != 0 && channels != 1 && channels != 3)
        return jd_fail(ctx, JD_EUSAGE, "%s: %d channels; ask for 1 (gray), 3 (RGB) or 0 (as stored)", name, channels);
    const uint8_t *p = data;
    if (!bytes) return jd_fail(ctx, JD_EDATA, "%s: byte 0: the file is empty; fetch it again", name);
    if (bytes >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8)) return jd__png_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 3 && !memcmp(p, "\xff\xd8\xff", 3)) return jd__jpeg_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '7')
        return jd__pnm_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 4 && (!memcmp(p, "II*\0", 4) || !memcmp(p, "MM\0*", 4)))
        return jd__tiff_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 2 && !memcmp(p, "BM", 2)) return jd__bmp_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 6 && (!memcmp(p, "GIF87a", 6) || !memcmp(p, "GIF89a", 6)))
        return jd__gif_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4))
        return jd__webp_decode(ctx, name, p, bytes, channels, out);
    if (bytes >= 12 && !memcmp(p + 4, "ftyp", 4))
        return jd_fail(ctx, JD_EDATA, "%s: byte 0: this is an AVIF, HEIC or MP4 file; convert it to PNG or JPEG", name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (bytes > others[i].bytes && !memcmp(p, others[i].head, others[i].bytes))
            return jd_fail(ctx, JD_EDATA, "%s: byte 0: this is %s file; convert it to PNG or JPEG", name,
                           others[i].what);
    return jd_fail(ctx, JD_EDATA,
                   "%s: byte 0: no PNG, JPEG, WebP, BMP, GIF, PGM, PPM or TIFF picture begins in these %zu bytes", name,
                   bytes);
}

jd_status jd_read_picture(jd_ctx *ctx, const char *path, int channels, jd_picture *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    size_t bytes;
    void *file = jd_read_file(ctx, path, (size_t)1 << 29, &bytes);
    if (file) jd_decode_picture(ctx, path, file, bytes, channels, out);
    jd_free(ctx, file);
    return jd_error(ctx);
}

void jd_picture_free(jd_ctx *ctx, jd_picture *picture)
{
    if (!picture) return;
    jd_free(ctx, picture->pixels);
    *picture = (jd_picture){0};
}
