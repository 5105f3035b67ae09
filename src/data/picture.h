/*
 * picture.h (internal) - one decoder for each format of pictures; picture.c tells the formats apart.
 *
 * Each takes the whole file at `p`, checks what the header claims against `bytes` before it takes memory, and on failure
 * leaves *out as it was.  `channels`: 1, 3, or 0 for what is stored.  `name` stands in errors.
 */
#ifndef JD_DATA_PICTURE_H
#define JD_DATA_PICTURE_H

#include "data/stream.h"

jd_status jd__png_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
/* What the header claims, and that the file is whole. */
jd_status jd__png_check(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes);
jd_status jd__jpeg_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
jd_status jd__tiff_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
jd_status jd__pnm_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
jd_status jd__bmp_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
jd_status jd__webp_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);
jd_status jd__gif_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out);

/* Rec. 601 luma, as JPEG files store it. */
static inline uint8_t jd__luma(const uint8_t *rgb)
{
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

/* Whether all n colours of a palette (r, g, b each) are grey. */
static inline bool jd__grey(const uint8_t *palette, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (palette[3 * i] != palette[3 * i + 1] || palette[3 * i] != palette[3 * i + 2]) return false;
    return true;
}

#endif
