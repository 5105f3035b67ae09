/* Volumes in TIFF files, by libtiff from memory: grey pictures, one slice each; and single pictures. */
#include "base/ctx.h"
#include "data/volume.h"

#include "data/picture.h"

#ifdef JD_HAVE_TIFF
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "data/stream.h"

enum { SLICES_LIMIT = 1 << 15 };

/* The file, and the first thing that libtiff said of it. */
typedef struct source {
    const uint8_t *p;
    size_t bytes, at;
    char fault[160];
} source;

static tmsize_t take(thandle_t user, void *to, tmsize_t n)
{
    source *s = user;
    if (n < 0 || s->at > s->bytes) return 0;
    const size_t left = s->bytes - s->at, want = (size_t)n < left ? (size_t)n : left;
    memcpy(to, s->p + s->at, want);
    s->at += want;
    return (tmsize_t)want;
}
static tmsize_t refuse(thandle_t user, void *from, tmsize_t n)
{
    (void)user, (void)from, (void)n;
    return 0;
}
static toff_t seek(thandle_t user, toff_t to, int from)
{
    source *s = user;
    const toff_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? s->at : s->bytes;
    s->at = (size_t)(base + to);
    return s->at;
}
static int done(thandle_t user)
{
    (void)user;
    return 0;
}
static toff_t size_of(thandle_t user)
{
    return ((source *)user)->bytes;
}

static int fault(TIFF *t, void *user, const char *module, const char *format, va_list ap)
{
    source *s = user;
    (void)t, (void)module;
    if (!s->fault[0]) vsnprintf(s->fault, sizeof s->fault, format, ap);
    return 1; /* libtiff's own handler would print */
}
static int warning(TIFF *t, void *user, const char *module, const char *format, va_list ap)
{
    (void)t, (void)user, (void)module, (void)format, (void)ap;
    return 1;
}

static TIFF *open_memory(jd_ctx *ctx, const char *path, source *s)
{
    errno = 0;
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o) {
        jd_fail(ctx, JD_ENOMEM, "%s: no memory for libtiff; free some", path);
        return NULL;
    }
    /* The most that one strip or tile may ask for. */
    TIFFOpenOptionsSetMaxSingleMemAlloc(
        o, (tmsize_t)(64 + 8 * s->bytes < (1u << 29) ? (1u << 24) + 8 * s->bytes : 1u << 29));
    TIFFOpenOptionsSetErrorHandlerExtR(o, fault, s);
    TIFFOpenOptionsSetWarningHandlerExtR(o, warning, s);
    TIFF *t = TIFFClientOpenExt(path, "rm", s, take, refuse, seek, done, size_of, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    if (!t) {
        jd__library_failed(ctx, path, "libtiff");
        jd_fail(ctx, JD_EDATA, "%s: libtiff: %s; the file is damaged", path, s->fault[0] ? s->fault : "no header");
    }
    return t;
}

typedef struct page {
    uint32_t width, height;
    uint16_t bits, form, photometric;
    bool tiled;
    uint32_t tile_width, tile_height;
} page;

static jd_status bad(jd_ctx *ctx, const char *path, int64_t slice, const source *s, const char *what)
{
    jd__library_failed(ctx, path, "libtiff");
    return jd_fail(ctx, JD_EDATA, "%s: picture %lld: %s%s%s", path, (long long)slice + 1, what,
                   s->fault[0] ? "; libtiff: " : "", s->fault);
}

static jd_status read_page(jd_ctx *ctx, const char *path, TIFF *t, const source *s, int64_t slice, page *g)
{
    uint16_t samples = 1, planar = 1;
    *g = (page){.bits = 1, .form = SAMPLEFORMAT_UINT, .photometric = PHOTOMETRIC_MINISBLACK};
    TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &g->width);
    TIFFGetField(t, TIFFTAG_IMAGELENGTH, &g->height);
    TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &g->bits);
    TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &g->form);
    TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &g->photometric);
    const uint64_t pixels = (uint64_t)g->width * g->height;
    if (!pixels || pixels > JD_LIMIT_PIXELS) return bad(ctx, path, slice, s, "no pixels, or more than 2^26");
    if (samples != 1 || (g->photometric != PHOTOMETRIC_MINISBLACK && g->photometric != PHOTOMETRIC_MINISWHITE))
        return bad(ctx, path, slice, s, "it has colours; convert it to grey");
    const bool whole = g->form == SAMPLEFORMAT_UINT || g->form == SAMPLEFORMAT_INT;
    if (!(whole && (g->bits == 1 || g->bits == 8 || g->bits == 16 || g->bits == 32)) &&
        !(g->form == SAMPLEFORMAT_IEEEFP && (g->bits == 32 || g->bits == 64)))
        return bad(ctx, path, slice, s,
                   "its samples are no integers of 1, 8, 16 or 32 bits and no float of 32 or 64; convert it");
    /* No scheme for grey levels packs better than deflate; blank rows of one bit take one in fax schemes. */
    if (pixels * g->bits / (g->bits == 1 ? 64 : 8) > (uint64_t)JD_LIMIT_RATIO * s->bytes)
        return bad(ctx, path, slice, s, "so many pixels cannot come out of this file; it is cut off");
    g->tiled = TIFFIsTiled(t);
    if (g->tiled && (!TIFFGetField(t, TIFFTAG_TILEWIDTH, &g->tile_width) ||
                     !TIFFGetField(t, TIFFTAG_TILELENGTH, &g->tile_height) || !g->tile_width || !g->tile_height))
        return bad(ctx, path, slice, s, "its tiles have no size");
    return JD_OK;
}

/* Sample i of a row. */
static float sample_at(const uint8_t *row, size_t i, const page *g)
{
    const uint8_t *p = row + i * g->bits / 8;
    const bool sign = g->form == SAMPLEFORMAT_INT;
    float f;
    uint16_t h;
    uint32_t w;
    double x;
    switch (g->bits) {
    case 1: x = p[0] >> (7 - i % 8) & 1; break;
    case 8: x = sign ? (int8_t)p[0] : p[0]; break;
    case 16:
        memcpy(&h, p, 2);
        x = sign ? (int16_t)h : h;
        break;
    case 64: memcpy(&x, p, 8); break;
    default:
        memcpy(&w, p, 4);
        memcpy(&f, p, 4);
        x = g->form == SAMPLEFORMAT_IEEEFP ? (double)f : sign ? (double)(int32_t)w : (double)w;
    }
    if (g->photometric == PHOTOMETRIC_MINISWHITE && g->form == SAMPLEFORMAT_UINT)
        x = (double)(UINT32_MAX >> (32 - g->bits)) - x;
    return (float)x;
}

static jd_status read_pixels(jd_ctx *ctx, const char *path, TIFF *t, const source *s, int64_t slice, const page *g,
                             float *out)
{
    const uint32_t w = g->tiled ? g->tile_width : g->width, h = g->tiled ? g->tile_height : 1;
    const tmsize_t need = g->tiled ? TIFFTileSize(t) : TIFFScanlineSize(t);
    const uint64_t row = ((uint64_t)w * g->bits + 7) / 8;
    uint64_t room;
    if (__builtin_mul_overflow(row, (uint64_t)h, &room) || need < 0 || (uint64_t)need < room ||
        (uint64_t)need > (uint64_t)JD_LIMIT_RATIO * s->bytes)
        return bad(ctx, path, slice, s, "its rows or tiles have an impossible size");
    uint8_t *p = jd_alloc(ctx, (size_t)need);
    for (uint32_t y0 = 0; y0 < g->height && p && !jd_error(ctx); y0 += h)
        for (uint32_t x0 = 0; x0 < g->width; x0 += w) {
            const bool ok = g->tiled ? TIFFReadTile(t, p, x0, y0, 0, 0) >= need : TIFFReadScanline(t, p, y0, 0) == 1;
            if (!ok) {
                bad(ctx, path, slice, s, "its pixels cannot be decoded; the file is damaged");
                break;
            }
            for (uint32_t y = 0; y < h && y0 + y < g->height; y++)
                for (uint32_t x = 0; x < w && x0 + x < g->width; x++)
                    out[(size_t)(y0 + y) * g->width + x0 + x] = sample_at(p + (size_t)y * row, x, g);
        }
    jd_free(ctx, p);
    return jd_error(ctx);
}

static jd_status read_slices(jd_ctx *ctx, const char *path, TIFF *t, const source *s, jd_volume *v)
{
    size_t room = 0;
    do {
        page g;
        if (read_page(ctx, path, t, s, v->depth, &g)) break;
        if (v->depth && (g.width != v->width || g.height != v->height)) {
            bad(ctx, path, v->depth, s, "it has another size than the first; all slices must have one size");
            break;
        }
        v->width = g.width;
        v->height = g.height;
        const size_t n = (size_t)(v->width * v->height), used = (size_t)v->depth * n;
        if (v->depth == SLICES_LIMIT || used + n > JD_LIMIT_VOXELS) {
            bad(ctx, path, v->depth, s, "more than 2^28 voxels or 2^15 slices; cut the stack");
            break;
        }
        if (used + n > room) {
            const size_t more = v->depth ? 2 * room : n;
            float *larger = jd_realloc(ctx, v->voxels, room * sizeof *larger, more * sizeof *larger);
            if (!larger) break;
            v->voxels = larger;
            room = more;
        }
        if (read_pixels(ctx, path, t, s, v->depth, &g, v->voxels + used)) break;
        v->depth++;
    } while (TIFFReadDirectory(t));
    if (!jd_error(ctx) && s->fault[0]) bad(ctx, path, v->depth, s, "the list of pictures is damaged");
    v->frames = 1;
    return jd_error(ctx);
}

jd_status jd_read_tiff(jd_ctx *ctx, const char *path, jd_volume *out)
{
    source s = {0};
    jd_volume v = {0};
    if (jd_error(ctx)) return jd_error(ctx);
    void *file = jd_read_file(ctx, path, (size_t)1 << 30, &s.bytes);
    if (!file) return jd_error(ctx);
    s.p = file;
    TIFF *t = open_memory(ctx, path, &s);
    if (t) {
        read_slices(ctx, path, t, &s, &v);
        TIFFClose(t);
    }
    jd_free(ctx, file);
    if (jd_error(ctx))
        jd_volume_free(ctx, &v);
    else
        *out = v;
    return jd_error(ctx);
}

/* ---- a picture ----------------------------------------------------------------------------------------------------------- */

/* Whether another picture follows, beside the same ones made smaller. */
static bool has_another(TIFF *t)
{
    while (TIFFReadDirectory(t)) {
        uint32_t kind = 0;
        TIFFGetField(t, TIFFTAG_SUBFILETYPE, &kind);
        if (!(kind & FILETYPE_REDUCEDIMAGE)) return true;
    }
    return false;
}

/* All that libtiff's own conversion takes: grey, palettes, RGB, YCbCr, CMYK, 1 to 16 bits; alpha over black. */
static jd_status decode(jd_ctx *ctx, const char *name, TIFF *t, const source *s, int channels, jd_picture *out)
{
    uint32_t w = 0, h = 0;
    uint16_t samples = 1, kind = PHOTOMETRIC_MINISBLACK;
    char why[1024] = "";
    TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &w);
    TIFFGetField(t, TIFFTAG_IMAGELENGTH, &h);
    TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &kind);
    const uint64_t pixels = (uint64_t)w * h;
    const bool grey = samples <= 2 && (kind == PHOTOMETRIC_MINISBLACK || kind == PHOTOMETRIC_MINISWHITE);
    if (!pixels || pixels > JD_LIMIT_PIXELS) return bad(ctx, name, 0, s, "no pixels, or more than 2^26");
    if (pixels / 8 > (uint64_t)JD_LIMIT_RATIO * s->bytes)
        return bad(ctx, name, 0, s, "so many pixels cannot come out of this file; it is cut off");
    if (!TIFFRGBAImageOK(t, why)) {
        jd__library_failed(ctx, name, "libtiff");
        return jd_fail(ctx, JD_EDATA, "%s: libtiff: %.200s; convert it to PNG", name, why);
    }
    const int C = channels ? channels : grey ? 1 : 3;
    uint32_t *raster = jd_alloc_array(ctx, (size_t)pixels, sizeof *raster);
    uint8_t *to = jd_alloc_array(ctx, (size_t)pixels, (size_t)C);
    if (raster && to && TIFFReadRGBAImageOriented(t, w, h, raster, ORIENTATION_TOPLEFT, 1) != 1)
        bad(ctx, name, 0, s, "its pixels cannot be decoded; the file is damaged");
    for (size_t i = 0; !jd_error(ctx) && i < pixels; i++) {
        const uint8_t rgb[3] = {(uint8_t)TIFFGetR(raster[i]), (uint8_t)TIFFGetG(raster[i]),
                                (uint8_t)TIFFGetB(raster[i])};
        if (C == 3)
            memcpy(to + 3 * i, rgb, 3);
        else
            to[i] = grey ? rgb[0] : jd__luma(rgb);
    }
    jd_free(ctx, raster);
    if (!jd_error(ctx) && has_another(t))
        jd_fail(ctx, JD_EDATA, "%s: more than one picture; a file of its own is needed for each", name);
    if (jd_error(ctx))
        jd_free(ctx, to);
    else
        *out = (jd_picture){(int)h, (int)w, C, to};
    return jd_error(ctx);
}

jd_status jd__tiff_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    source s = {.p = p, .bytes = bytes};
    TIFF *t = open_memory(ctx, name, &s);
    if (t) {
        decode(ctx, name, t, &s, channels, out);
        TIFFClose(t);
    }
    return jd_error(ctx);
}

bool jd_has_tiff(void)
{
    return true;
}

#else
static jd_status absent(jd_ctx *ctx, const char *path)
{
    if (jd_error(ctx)) return jd_error(ctx);
    return jd_fail(ctx, JD_EABSENT,
                   "%s: TIFF files need libtiff, without which this program was built; install libtiff-dev and build "
                   "it again",
                   path);
}

jd_status jd__tiff_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    (void)p, (void)bytes, (void)channels, (void)out;
    return absent(ctx, name);
}

bool jd_has_tiff(void)
{
    return false;
}

jd_status jd_read_tiff(jd_ctx *ctx, const char *path, jd_volume *out)
{
    (void)out;
    return absent(ctx, path);
}
#endif
