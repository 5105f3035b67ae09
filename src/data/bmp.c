/* bmp.c - Windows bitmaps (BITMAPINFOHEADER and later): 1, 4 and 8 bits with a palette, 16, 24 and 32 bits; not compressed. */
#include "data/picture.h"

#include <string.h>

enum { FILE_HEADER = 14, RGB = 0, BITFIELDS = 3, ALPHAFIELDS = 6 };

typedef struct bmp {
    uint32_t width, height, bits, compression;
    bool from_top;
    uint32_t mask[3];      /* of 16 and 32 bits: red, green, blue */
    const uint8_t *colour; /* palette: blue, green, red, 0 */
    uint32_t colours;
    const uint8_t *pixels;
    size_t row; /* bytes */
} bmp;

static uint32_t le16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}
static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static jd_status wrong(jd_ctx *ctx, const char *name, int at, const char *what)
{
    return jd_fail(ctx, JD_EDATA, "%s: byte %d: %s", name, at, what);
}

static jd_status read_header(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, bmp *b)
{
    if (bytes < FILE_HEADER + 40) return wrong(ctx, name, 0, "the file ends in its header; fetch it again");
    const uint64_t header = le32(p + 14), at = le32(p + 10);
    const uint8_t *h = p + FILE_HEADER;
    if (header < 40 || header > bytes - FILE_HEADER)
        return wrong(ctx, name, 14, "a bitmap of OS/2, or a damaged one; convert it to PNG");
    const int64_t height = (int32_t)le32(h + 8);
    b->width = le32(h + 4);
    b->height = (uint32_t)(height < 0 ? -height : height);
    b->from_top = height < 0;
    b->bits = le16(h + 14);
    b->compression = le32(h + 16);
    if (!b->width || !b->height || (uint64_t)b->width * b->height > JD_LIMIT_PIXELS)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 18: %u x %u pixels; 1 to %u in all are possible, scale the picture down", name,
                       b->width, b->height, JD_LIMIT_PIXELS);
    const bool fields = b->compression == BITFIELDS || b->compression == ALPHAFIELDS;
    if ((b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 && b->bits != 32) ||
        (b->compression != RGB && !(fields && (b->bits == 16 || b->bits == 32))))
        return jd_fail(ctx, JD_EDATA, "%s: byte 28: %u bits a pixel with compression %u; convert it to PNG", name,
                       b->bits, b->compression);
    b->mask[0] = b->bits == 16 ? 0x7c00 : 0xff0000;
    b->mask[1] = b->bits == 16 ? 0x03e0 : 0x00ff00;
    b->mask[2] = b->bits == 16 ? 0x001f : 0x0000ff;
    size_t more = 0; /* masks behind the shortest header */
    if (fields) {
        if (bytes < FILE_HEADER + 52) return wrong(ctx, name, 54, "the file ends in its header; fetch it again");
        for (int k = 0; k < 3; k++) b->mask[k] = le32(h + 40 + 4 * k);
        if (header < 52) more = b->compression == BITFIELDS ? 12 : 16;
    }
    b->colour = h + header + more;
    b->colours = b->bits > 8 ? 0 : le32(h + 32) && le32(h + 32) < 1u << b->bits ? le32(h + 32) : 1u << b->bits;
    b->row = ((size_t)b->width * b->bits + 31) / 32 * 4;
    const uint64_t first = FILE_HEADER + header + more + 4 * (uint64_t)b->colours;
    if (at < first || at > bytes || (uint64_t)b->row * b->height > bytes - at)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 10: %u x %u pixels of %u bits from byte %llu do not fit into %zu bytes; the file is "
                       "cut off, fetch it again",
                       name, b->width, b->height, b->bits, (unsigned long long)at, bytes);
    b->pixels = p + at;
    return JD_OK;
}

/* The bits of a mask as 0 to 255. */
static uint8_t part(uint32_t v, uint32_t mask)
{
    if (!mask) return 0;
    const int shift = __builtin_ctz(mask);
    const uint64_t most = mask >> shift, x = (v & mask) >> shift;
    return (uint8_t)((x * 255 + most / 2) / most);
}

static void pixel(const bmp *b, const uint8_t *row, uint32_t x, uint8_t rgb[3])
{
    if (b->bits <= 8) {
        const uint32_t each = 8 / b->bits;
        const uint32_t k = (uint32_t)row[x / each] >> (8 - b->bits * (x % each + 1)) & ((1u << b->bits) - 1);
        const uint8_t *c = b->colour + 4 * (size_t)k;
        for (int i = 0; i < 3; i++) rgb[i] = k < b->colours ? c[2 - i] : 0;
    } else if (b->bits == 24) {
        for (int i = 0; i < 3; i++) rgb[i] = row[3 * (size_t)x + 2 - (size_t)i];
    } else {
        const uint32_t v = b->bits == 16 ? le16(row + 2 * (size_t)x) : le32(row + 4 * (size_t)x);
        for (int i = 0; i < 3; i++) rgb[i] = part(v, b->mask[i]);
    }
}

static bool is_grey(const bmp *b)
{
    for (uint32_t k = 0; k < b->colours; k++)
        if (b->colour[4 * k] != b->colour[4 * k + 1] || b->colour[4 * k] != b->colour[4 * k + 2]) return false;
    return b->colours > 0;
}

jd_status jd__bmp_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    bmp b = {0};
    if (read_header(ctx, name, p, bytes, &b)) return jd_error(ctx);
    if (!channels) channels = is_grey(&b) ? 1 : 3;
    uint8_t *to = jd_alloc_array(ctx, (size_t)b.height * b.width, (size_t)channels);
    if (!to) return jd_error(ctx);
    *out = (jd_picture){(int)b.height, (int)b.width, channels, to};
    for (uint32_t y = 0; y < b.height; y++) {
        const uint8_t *row = b.pixels + b.row * (b.from_top ? y : b.height - 1 - y);
        for (uint32_t x = 0; x < b.width; x++, to += channels) {
            uint8_t rgb[3];
            pixel(&b, row, x, rgb);
            if (channels == 3)
                memcpy(to, rgb, 3);
            else
                *to = jd__luma(rgb);
        }
    }
    return JD_OK;
}
