/* webp.c - WebP pictures through libwebp, where the build found it; its decoders compute in integers, the same on every machine. */
#include "base/ctx.h"
#include "data/picture.h"

#ifdef JD_HAVE_WEBP
#include <errno.h>
#include <string.h>

#include <webp/decode.h>

#define EVEN_PIXELS (1u << 22) /* so many pixels of one colour may stand in a few bytes */

static jd_status check(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, WebPBitstreamFeatures *f)
{
    if (WebPGetFeatures(p, bytes, f) != VP8_STATUS_OK)
        return jd_fail(ctx, JD_EDATA, "%s: byte 12: no WebP picture can be decoded; the file is damaged or cut off",
                       name);
    const uint64_t pixels = (uint64_t)f->width * (uint64_t)f->height;
    if (f->has_animation)
        return jd_fail(ctx, JD_EDATA, "%s: an animation; write one of its pictures as a file of its own", name);
    if (!pixels || pixels > JD_LIMIT_PIXELS)
        return jd_fail(ctx, JD_EDATA, "%s: %d x %d pixels; the limit is 2^26, scale the picture down", name, f->width,
                       f->height);
    if (pixels > EVEN_PIXELS && pixels / 8 > (uint64_t)JD_LIMIT_RATIO * bytes)
        return jd_fail(ctx, JD_EDATA, "%s: %d x %d pixels cannot come out of %zu bytes; it is cut off", name, f->width,
                       f->height, bytes);
    return JD_OK;
}

/* rgba (n,4), of which the colours are laid over black, as rgb (n,3) or grey (n), in place. */
static void flatten(uint8_t *p, size_t n, int channels)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned alpha = p[4 * i + 3];
        uint8_t rgb[3];
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)((p[4 * i + (size_t)c] * alpha + 127) / 255);
        if (channels == 3)
            memcpy(p + 3 * i, rgb, 3);
        else
            p[i] = jd__luma(rgb);
    }
}

jd_status jd__webp_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    WebPBitstreamFeatures f;
    errno = 0;
    if (check(ctx, name, p, bytes, &f)) return jd_error(ctx);
    const int C = channels ? channels : 3;
    const size_t n = (size_t)f.width * (size_t)f.height;
    uint8_t *pixels = jd_alloc_array(ctx, n, 4);
    if (pixels && !WebPDecodeRGBAInto(p, bytes, pixels, 4 * n, 4 * f.width)) {
        jd__library_failed(ctx, name, "libwebp");
        jd_fail(ctx, JD_EDATA, "%s: libwebp cannot decode it; the file is damaged or cut off", name);
    }
    if (!jd_error(ctx)) flatten(pixels, n, C);
    uint8_t *smaller = jd_error(ctx) ? NULL : jd_realloc(ctx, pixels, 4 * n, n * (size_t)C);
    if (smaller)
        *out = (jd_picture){f.height, f.width, C, smaller};
    else
        jd_free(ctx, pixels);
    return jd_error(ctx);
}

#else

jd_status jd__webp_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    (void)p, (void)bytes, (void)channels, (void)out;
    return jd_fail(
        ctx, JD_EABSENT,
        "%s is a WebP file, and this build has no libwebp; install libwebp-dev and build again, or convert it: "
        "dwebp FILE -o FILE.png",
        name);
}

#endif
