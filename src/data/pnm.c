/* pnm.c - PGM and PPM (Netpbm), as text (P2, P3) and raw (P5, P6), 8 and 16 bits; 16 bits become 8. */
#include "data/picture.h"

#include <string.h>

typedef struct pnm {
    jd_ctx *ctx;
    const char *name;
    const uint8_t *p;
    size_t at, bytes;
} pnm;

/* A number of the header or of a text raster; blanks and comments before it are skipped. */
static jd_status number(pnm *f, unsigned most, const char *what, unsigned *out)
{
    for (bool comment = false; f->at < f->bytes; f->at++) {
        const uint8_t c = f->p[f->at];
        if (c == '#') comment = true;
        if (comment ? c == '\n' : false) comment = false;
        if (!comment && c > ' ') break;
    }
    const size_t start = f->at;
    uint64_t v = 0;
    while (f->at < f->bytes && f->p[f->at] >= '0' && f->p[f->at] <= '9' && v <= most)
        v = 10 * v + (uint64_t)(f->p[f->at++] - '0');
    if (f->at == start && f->at == f->bytes)
        return jd_fail(f->ctx, JD_EDATA, "%s: byte %zu: the file ends before its %s; it is cut off, fetch it again",
                       f->name, start, what);
    if (f->at == start || v > most)
        return jd_fail(f->ctx, JD_EDATA,
                       "%s: byte %zu: the %s must be a whole number of at most %u; the file is damaged", f->name, start,
                       what, most);
    *out = (unsigned)v;
    return JD_OK;
}

static uint8_t to_byte(unsigned v, unsigned most)
{
    return (uint8_t)((v * 255u + most / 2) / most);
}

static jd_status too_large(const pnm *f, size_t at, unsigned v, unsigned most)
{
    return jd_fail(f->ctx, JD_EDATA,
                   "%s: byte %zu: a sample of %u, but the header says at most %u; the file is damaged", f->name, at, v,
                   most);
}

/* n samples into out. */
static jd_status raster(pnm *f, bool text, unsigned most, size_t n, uint8_t *out)
{
    const size_t each = most > 255 ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        if (text) {
            if (number(f, 65535, "next sample", &v)) return jd_error(f->ctx);
        } else {
            v = each == 2 ? (unsigned)f->p[f->at] << 8 | f->p[f->at + 1] : f->p[f->at];
            f->at += each;
        }
        if (v > most) return too_large(f, f->at - each, v, most);
        out[i] = to_byte(v, most);
    }
    while (text && f->at < f->bytes && f->p[f->at] <= ' ') f->at++;
    if (f->at < f->bytes)
        return jd_fail(f->ctx, JD_EDATA, "%s: byte %zu: %zu bytes follow the picture; split a file of several pictures",
                       f->name, f->at, f->bytes - f->at);
    return JD_OK;
}

static void to_channels(jd_picture *pic, int stored, const uint8_t *from)
{
    const size_t n = (size_t)pic->height * (size_t)pic->width;
    for (size_t i = 0; i < n; i++)
        if (stored == 3)
            pic->pixels[i] = jd__luma(from + 3 * i);
        else
            memset(pic->pixels + 3 * i, from[i], 3);
}

jd_status jd__pnm_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    pnm f = {.ctx = ctx, .name = name, .p = p, .at = 2, .bytes = bytes};
    const bool text = p[1] == '2' || p[1] == '3';
    const int stored = p[1] == '3' || p[1] == '6' ? 3 : 1;
    if (p[1] == '1' || p[1] == '4' || p[1] == '7')
        return jd_fail(ctx, JD_EDATA, "%s: byte 0: P%c is a bitmap or a PAM file; convert it to PGM, PPM or PNG", name,
                       p[1]);
    unsigned w, h, most;
    if (number(&f, JD_LIMIT_PIXELS, "width", &w) || number(&f, JD_LIMIT_PIXELS, "height", &h) ||
        number(&f, 65535, "largest sample", &most))
        return jd_error(ctx);
    if (w < 1 || h < 1 || (uint64_t)w * h > JD_LIMIT_PIXELS)
        return jd_fail(ctx, JD_EDATA, "%s: byte 2: %u x %u pixels; 1 to %u in all are possible, scale the picture down",
                       name, w, h, JD_LIMIT_PIXELS);
    if (most < 1 || f.at >= bytes || p[f.at++] > ' ')
        return jd_fail(ctx, JD_EDATA, "%s: byte %zu: a largest sample of %u and then no blank; the file is damaged",
                       name, f.at, most);
    const uint64_t n = (uint64_t)w * h * (unsigned)stored, need = text ? 2 * n - 1 : n * (most > 255 ? 2 : 1);
    if (need > bytes - f.at)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte %zu: %u x %u pixels need %llu bytes more, %zu are there; the file is cut "
                       "off, fetch it again",
                       name, f.at, w, h, (unsigned long long)need, bytes - f.at);
    if (!channels) channels = stored;
    jd_picture pic = {.height = (int)h, .width = (int)w, .channels = channels};
    pic.pixels = jd_alloc_array(ctx, (size_t)w * h, (size_t)channels);
    uint8_t *samples = channels == stored ? pic.pixels : jd_alloc_array(ctx, (size_t)n, 1);
    if (!jd_error(ctx) && !raster(&f, text, most, (size_t)n, samples) && samples != pic.pixels)
        to_channels(&pic, stored, samples);
    if (samples != pic.pixels) jd_free(ctx, samples);
    if (jd_error(ctx))
        jd_picture_free(ctx, &pic);
    else
        *out = pic;
    return jd_error(ctx);
}
