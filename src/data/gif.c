/*
 * gif.c - the first picture of a GIF file (GIF89a specification, CompuServe 1990), on black where it is transparent or does not
 * cover the whole screen, as of PNG files.
 */
#include "data/picture.h"

#include <string.h>

enum { CODES = 4096 };

typedef struct gif {
    jd_ctx *ctx;
    const char *name;
    const uint8_t *p;
    size_t at, bytes;
    const uint8_t *colour; /* (colours,3) */
    size_t colours;
    int transparent; /* -1: none */
    unsigned width, height, left, top, w, h;
    bool interlaced;
} gif;

static jd_status cut_off(const gif *g, const char *where)
{
    return jd_fail(g->ctx, JD_EDATA, "%s: byte %zu: the file ends in %s; it is cut off, fetch it again", g->name, g->at,
                   where);
}

static unsigned le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* A palette of 2^(bits+1) colours, if `flags` says that there is one. */
static jd_status palette(gif *g, unsigned flags)
{
    const size_t n = (size_t)2 << (flags & 7);
    if (!(flags & 128)) return JD_OK;
    if (g->bytes - g->at < 3 * n) return cut_off(g, "its colours");
    g->colour = g->p + g->at;
    g->colours = n;
    g->at += 3 * n;
    return JD_OK;
}

/* Passes over blocks of data up to the empty one. */
static jd_status skip_blocks(gif *g)
{
    while (g->at < g->bytes && g->p[g->at]) g->at += 1 + (size_t)g->p[g->at];
    return g->at++ < g->bytes ? JD_OK : cut_off(g, "an extension");
}

/* Everything up to the data of the first picture. */
static jd_status header(gif *g)
{
    if (g->bytes < 13) return cut_off(g, "its header");
    g->width = le16(g->p + 6);
    g->height = le16(g->p + 8);
    g->at = 13;
    if (palette(g, g->p[10])) return jd_error(g->ctx);
    for (;;) {
        if (g->bytes - g->at < 10) return cut_off(g, "front of its picture");
        const uint8_t *p = g->p + g->at;
        if (p[0] == ',') break;
        if (p[0] != '!')
            return jd_fail(g->ctx, JD_EDATA,
                           "%s: byte %zu: 0x%02x where a picture or an extension begins; the file is "
                           "damaged",
                           g->name, g->at, p[0]);
        if (p[1] == 0xf9 && p[2] == 4 && p[3] & 1) g->transparent = p[6];
        g->at += 2;
        if (skip_blocks(g)) return jd_error(g->ctx);
    }
    const uint8_t *p = g->p + g->at;
    g->left = le16(p + 1), g->top = le16(p + 3), g->w = le16(p + 5), g->h = le16(p + 7);
    g->interlaced = p[9] & 64;
    g->at += 10;
    if (palette(g, p[9])) return jd_error(g->ctx);
    if (!g->width || !g->height || (uint64_t)g->width * g->height > JD_LIMIT_PIXELS || !g->w || !g->h ||
        g->left + g->w > g->width || g->top + g->h > g->height)
        return jd_fail(g->ctx, JD_EDATA,
                       "%s: byte 6: a picture of %u x %u at (%u,%u) of %u x %u pixels; the file is "
                       "damaged, or too large",
                       g->name, g->w, g->h, g->left, g->top, g->width, g->height);
    if ((uint64_t)g->width * g->height > (uint64_t)4 * JD_LIMIT_RATIO * g->bytes)
        return jd_fail(g->ctx, JD_EDATA, "%s: byte 6: %u x %u pixels cannot come out of %zu bytes; the file is cut off",
                       g->name, g->width, g->height, g->bytes);
    return g->colour ? JD_OK : jd_fail(g->ctx, JD_EDATA, "%s: byte 10: no colours; convert it to PNG", g->name);
}

/* Bits of the data, the lowest first, out of blocks that tell their length. */
typedef struct bits {
    uint32_t kept;
    unsigned n;
    size_t left; /* of the block */
} bits;

/* -1 at the end of the data. */
static int take_code(gif *g, bits *b, unsigned size)
{
    while (b->n < size) {
        if (!b->left) {
            if (g->at >= g->bytes || !g->p[g->at]) return -1;
            b->left = g->p[g->at++];
        }
        if (g->at >= g->bytes) return -1;
        b->kept |= (uint32_t)g->p[g->at++] << b->n;
        b->left--;
        b->n += 8;
    }
    const int code = (int)(b->kept & ((1u << size) - 1));
    b->kept >>= size;
    b->n -= size;
    return code;
}

/* LZW: n places in the palette.  A code stands for the string of the code `before` it and one `last` byte. */
static jd_status unpack(gif *g, size_t n, uint8_t *out)
{
    uint16_t before[CODES];
    uint8_t last[CODES], first[CODES];
    uint16_t length[CODES];
    if (g->at >= g->bytes) return cut_off(g, "its pixels");
    const unsigned least = g->p[g->at++];
    if (least < 1 || least > 8)
        return jd_fail(g->ctx, JD_EDATA, "%s: byte %zu: codes of %u bits; the file is damaged", g->name, g->at - 1,
                       least);
    const int clear = 1 << least;
    for (int k = 0; k < clear; k++) last[k] = first[k] = (uint8_t)k, length[k] = 1;
    bits b = {0};
    int next = clear + 2, old = -1;
    unsigned size = least + 1;
    for (size_t done = 0; done < n;) {
        const int code = take_code(g, &b, size);
        if (code < 0 || code == clear + 1) return cut_off(g, "its pixels");
        if (code == clear) {
            next = clear + 2, size = least + 1, old = -1;
            continue;
        }
        if (code > next || (old < 0 && code >= clear) || (code == next && next == CODES))
            return jd_fail(g->ctx, JD_EDATA, "%s: byte %zu: code %d where %d codes are known; the file is damaged",
                           g->name, g->at, code, next);
        if (old >= 0 && next < CODES) {
            before[next] = (uint16_t)old;
            first[next] = first[old];
            last[next] = code == next ? first[old] : first[code];
            length[next] = (uint16_t)(length[old] + 1);
            if (++next == 1 << size && size < 12) size++;
        }
        size_t at = done + length[code];
        const size_t end = at;
        for (int k = code; at > done; k = before[k])
            if (--at < n) out[at] = last[k];
        done = end;
        old = code;
    }
    return JD_OK;
}

/* The row of the picture that row i of the data is. */
static unsigned row_of(const gif *g, unsigned i)
{
    static const unsigned begin[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    for (int k = 0; g->interlaced && k < 4; k++) {
        const unsigned rows = g->h > begin[k] ? (g->h - begin[k] + step[k] - 1) / step[k] : 0;
        if (i < rows) return begin[k] + i * step[k];
        i -= rows;
    }
    return i;
}

jd_status jd__gif_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    gif g = {.ctx = ctx, .name = name, .p = p, .bytes = bytes, .transparent = -1};
    if (header(&g)) return jd_error(ctx);
    if (!channels) channels = jd__grey(g.colour, g.colours) ? 1 : 3;
    uint8_t *place = jd_alloc_array(ctx, g.h, g.w);
    uint8_t *pixels = jd_alloc_array(ctx, (size_t)g.height * g.width, (size_t)channels);
    if (jd_error(ctx) || unpack(&g, (size_t)g.h * g.w, place)) {
        jd_free(ctx, place);
        jd_free(ctx, pixels);
        return jd_error(ctx);
    }
    for (unsigned i = 0; i < g.h; i++)
        for (unsigned x = 0; x < g.w; x++) {
            const size_t k = place[(size_t)i * g.w + x];
            uint8_t *to = pixels + ((size_t)(g.top + row_of(&g, i)) * g.width + g.left + x) * (size_t)channels;
            if ((int)k == g.transparent || k >= g.colours) continue;
            if (channels == 3)
                memcpy(to, g.colour + 3 * k, 3);
            else
                *to = jd__luma(g.colour + 3 * k);
        }
    jd_free(ctx, place);
    *out = (jd_picture){(int)g.height, (int)g.width, channels, pixels};
    return JD_OK;
}
