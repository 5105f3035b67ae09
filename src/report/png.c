/*
 * png.c - a PNG writer for 8-bit pictures (ISO/IEC 15948): one IDAT chunk, a filter chosen per row.
 */
#include <jackdaw/report.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* Writes length, type and check sum around the `n` data bytes that already stand at p + 8; returns the chunk's end. */
static uint8_t *chunk(uint8_t *p, const char *type, size_t n)
{
    put32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    put32(p + 8 + n, (uint32_t)crc32(crc32(0, NULL, 0), p + 4, (uInt)(n + 4)));
    return p + 12 + n;
}

/* Filters one row with filter 0 (none), 1 (left) or 2 (up); returns the sum of absolute differences, the usual guess at
 * how well a row will compress (PNG specification 12.7). */
static size_t filter_row(uint8_t *out, const uint8_t *row, const uint8_t *up, size_t n, size_t channels, int filter)
{
    size_t sum = 0;
    out[0] = (uint8_t)filter;
    for (size_t i = 0; i < n; i++) {
        uint8_t ref = filter == 1 ? (i >= channels ? row[i - channels] : 0) : filter == 2 ? (up ? up[i] : 0) : 0;
        uint8_t d = (uint8_t)(row[i] - ref);
        out[1 + i] = d;
        sum += d < 128 ? d : 256u - d;
    }
    return sum;
}

uint8_t *jd_png_encode(jd_ctx *ctx, const uint8_t *pixels, size_t w, size_t h, size_t channels, size_t *bytes)
{
    static const uint8_t color_type[5] = {0, 0, 4, 2, 6};
    size_t stride = 0, raw_size = 0;
    *bytes = 0;
    if (jd_error(ctx)) return NULL;
    if (!pixels || !w || !h || channels < 1 || channels > 4 || w > 1u << 20 || h > 1u << 20 ||
        __builtin_mul_overflow(w, channels, &stride) || __builtin_mul_overflow(stride + 1, h, &raw_size) ||
        raw_size > 1u << 30) {
        jd_fail(ctx, JD_EUSAGE,
                "jd_png_encode: a picture of %zu x %zu x %zu; it needs 1 to 4 channels and at most 1 GiB", h, w,
                channels);
        return NULL;
    }
    uLong bound = compressBound((uLong)raw_size);
    uint8_t *raw = jd_alloc(ctx, raw_size), *trial = jd_alloc(ctx, stride + 1), *png = jd_alloc(ctx, bound + 64);
    if (raw && trial && png) {
        for (size_t y = 0; y < h; y++) {
            const uint8_t *row = pixels + y * stride, *up = y ? row - stride : NULL;
            uint8_t *best = raw + y * (stride + 1);
            size_t least = filter_row(best, row, up, stride, channels, 0);
            for (int f = 1; f <= 2; f++) {
                size_t sum = filter_row(trial, row, up, stride, channels, f);
                if (sum >= least) continue;
                least = sum;
                memcpy(best, trial, stride + 1);
            }
        }
        memcpy(png, "\x89PNG\r\n\x1a\n", 8);
        put32(png + 16, (uint32_t)w);
        put32(png + 20, (uint32_t)h);
        png[24] = 8;
        png[25] = color_type[channels];
        uint8_t *p = chunk(png + 8, "IHDR", 13);
        const int packed = compress2(p + 8, &bound, raw, (uLong)raw_size, 9);
        if (packed == Z_OK) {
            p = chunk(p, "IDAT", bound);
            p = chunk(p, "IEND", 0);
            *bytes = (size_t)(p - png);
        } else {
            jd_fail(ctx, packed == Z_MEM_ERROR ? JD_ENOMEM : JD_EINTERNAL,
                    "jd_png_encode: zlib could not compress the picture");
        }
    }
    jd_free(ctx, raw);
    jd_free(ctx, trial);
    if (!*bytes) {
        jd_free(ctx, png);
        png = NULL;
    }
    return png;
}
