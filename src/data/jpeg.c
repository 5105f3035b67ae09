/*
 * jpeg.c - JPEG pictures through libjpeg-turbo, where the build found it.
 *
 * Its accurate integer DCT is used, whose results are the same bits on every machine.  libjpeg goes on after damaged data
 * with a warning; here that is an error, since what it makes up would be learned.
 */
#include "base/ctx.h"
#include "data/picture.h"

#ifdef JD_HAVE_JPEG
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MOST_SCANS = 200 }; /* a small progressive file could ask for many passes over a large picture */

typedef struct jpeg {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    jd_ctx *ctx;
    const char *name;
    size_t bytes;
    jd_picture pic;
    uint8_t *line; /* CMYK: one row */
} jpeg;

/* Where libjpeg stands in the file. */
static size_t position(const jpeg *j)
{
    return j->d.src && j->d.src->bytes_in_buffer <= j->bytes ? j->bytes - j->d.src->bytes_in_buffer : j->bytes;
}

static void give_up(j_common_ptr d)
{
    jpeg *j = d->client_data;
    char why[JMSG_LENGTH_MAX];
    d->err->format_message(d, why);
    jd__library_failed(j->ctx, j->name, "libjpeg");
    if (!jd_error(j->ctx))
        jd_fail(j->ctx, JD_EDATA, "%s: byte %zu: libjpeg: %s; fetch the file again, or write it anew as baseline JPEG",
                j->name, position(j), why);
    longjmp(j->back, 1);
}

/* Harmless remarks pass: bytes between markers, and notes about colour transforms. */
static void remark(j_common_ptr d, int level)
{
    const int code = d->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR) give_up(d);
}

static void count_scans(j_common_ptr d)
{
    jpeg *j = d->client_data;
    if (j->d.input_scan_number <= MOST_SCANS) return;
    jd_fail(j->ctx, JD_EDATA, "%s: byte %zu: more than %d scans; write it anew as baseline JPEG", j->name, position(j),
            MOST_SCANS);
    longjmp(j->back, 1);
}

static jd_status check_size(jpeg *j)
{
    const uint64_t w = j->d.image_width, h = j->d.image_height, n = w * h * (unsigned)j->d.num_components;
    if (w * h > JD_LIMIT_PIXELS)
        return jd_fail(j->ctx, JD_EDATA,
                       "%s: byte %zu: %llu x %llu pixels; the limit is %u in all, scale the picture down", j->name,
                       position(j), (unsigned long long)w, (unsigned long long)h, JD_LIMIT_PIXELS);
    if (n > (uint64_t)JD_LIMIT_RATIO * j->bytes)
        return jd_fail(j->ctx, JD_EDATA,
                       "%s: byte %zu: %llu x %llu pixels cannot come out of %zu bytes; the file is cut "
                       "off",
                       j->name, position(j), (unsigned long long)w, (unsigned long long)h, j->bytes);
    return JD_OK;
}

/* Inks to light: what C, M and Y leave over, times what K does.  Adobe's programs store the inks inverted. */
static void from_inks(const jpeg *j, const uint8_t *cmyk, uint8_t *out)
{
    const unsigned turn = j->d.saw_Adobe_marker ? 0 : 255;
    for (int x = 0; x < j->pic.width; x++, cmyk += 4, out += j->pic.channels) {
        uint8_t rgb[3];
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(((cmyk[c] ^ turn) * (cmyk[3] ^ turn) + 127) / 255);
        if (j->pic.channels == 3)
            memcpy(out, rgb, 3);
        else
            *out = jd__luma(rgb);
    }
}

static unsigned number(const uint8_t *p, int n, bool big)
{
    unsigned v = 0;
    for (int i = 0; i < n; i++) v |= (unsigned)p[i] << 8 * (big ? n - 1 - i : i);
    return v;
}

/* How the camera was held: the tag Orientation of the first directory of Exif data (Exif 2.3, CIPA DC-008), 1 to 8; 1 where there
 * is none. */
static unsigned orientation(const jpeg *j)
{
    for (const struct jpeg_marker_struct *m = j->d.marker_list; m; m = m->next) {
        const uint8_t *p = m->data + 6;
        if (m->data_length < 14 || memcmp(m->data, "Exif\0", 6) != 0) continue;
        const size_t bytes = m->data_length - 6;
        const bool big = p[0] == 'M';
        const size_t at = number(p + 4, 4, big);
        if (at > bytes || bytes - at < 2) return 1;
        const size_t entries = number(p + at, 2, big);
        for (size_t i = 0; i < entries && (i + 1) * 12 <= bytes - at - 2; i++) {
            const uint8_t *e = p + at + 2 + 12 * i;
            const unsigned v = number(e + 8, 2, big);
            if (number(e, 2, big) == 0x112) return v >= 1 && v <= 8 ? v : 1;
        }
    }
    return 1;
}

/* As it was seen: 2, 3, 4 mirror rows, both, columns; 5 to 8 take rows for columns and then do as 1 to 4 do. */
static jd_status turn(jpeg *j, unsigned how)
{
    const jd_picture from = j->pic;
    const bool aside = how > 4, right = how == 2 || how == 3 || how == 7 || how == 8,
               down = how == 3 || how == 4 || how == 6 || how == 7;
    const size_t C = (size_t)from.channels;
    uint8_t *out = how == 1 ? NULL : jd_alloc_array(j->ctx, (size_t)from.height * (size_t)from.width, C);
    if (!out) return jd_error(j->ctx);
    const int H = aside ? from.width : from.height, W = aside ? from.height : from.width;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const int u = aside ? y : x, v = aside ? x : y; /* column and row of the file before it is mirrored */
            const int column = right ? from.width - 1 - u : u, row = down ? from.height - 1 - v : v;
            memcpy(out + ((size_t)y * (size_t)W + (size_t)x) * C,
                   from.pixels + ((size_t)row * (size_t)from.width + (size_t)column) * C, C);
        }
    jd_free(j->ctx, from.pixels);
    j->pic = (jd_picture){H, W, from.channels, out};
    return JD_OK;
}

static jd_status decode(jpeg *j, int channels)
{
    jpeg_save_markers(&j->d, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&j->d, TRUE);
    if (check_size(j)) return jd_error(j->ctx);
    const bool inks = j->d.num_components == 4;
    const unsigned held = orientation(j);
    if (!channels) channels = j->d.num_components == 1 ? 1 : 3;
    j->d.out_color_space = inks ? JCS_CMYK : channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    j->d.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&j->d);
    j->pic = (jd_picture){(int)j->d.output_height, (int)j->d.output_width, channels, NULL};
    const size_t row = (size_t)j->pic.width * (size_t)channels;
    j->pic.pixels = jd_alloc_array(j->ctx, (size_t)j->pic.height, row);
    if (inks) j->line = jd_alloc_array(j->ctx, (size_t)j->pic.width, 4);
    while (!jd_error(j->ctx) && j->d.output_scanline < j->d.output_height) {
        uint8_t *to = j->pic.pixels + j->d.output_scanline * row;
        jpeg_read_scanlines(&j->d, &(JSAMPROW){inks ? j->line : to}, 1);
        if (inks) from_inks(j, j->line, to);
    }
    if (!jd_error(j->ctx)) jpeg_finish_decompress(&j->d);
    if (!jd_error(j->ctx)) turn(j, held);
    return jd_error(j->ctx);
}

static void guarded(jpeg *j, const uint8_t *p, int channels)
{
    j->d.err = jpeg_std_error(&j->error);
    j->error.error_exit = give_up;
    j->error.emit_message = remark;
    j->d.client_data = j;
    if (setjmp(j->back)) return;
    errno = 0;
    jpeg_create_decompress(&j->d);
    j->d.client_data = j; /* the call above clears all but `err` */
    j->progress.progress_monitor = count_scans;
    j->d.progress = &j->progress;
    jpeg_mem_src(&j->d, p, (unsigned long)j->bytes);
    decode(j, channels);
}

jd_status jd__jpeg_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    jpeg *j = jd_alloc(ctx, sizeof *j);
    if (!j) return jd_error(ctx);
    j->ctx = ctx;
    j->name = name;
    j->bytes = bytes;
    guarded(j, p, channels);
    jpeg_destroy_decompress(&j->d);
    jd_free(ctx, j->line);
    if (jd_error(ctx))
        jd_picture_free(ctx, &j->pic);
    else
        *out = j->pic;
    jd_free(ctx, j);
    return jd_error(ctx);
}

bool jd_picture_can(const char *format)
{
    static const char *const formats[] = {"png", "pnm", "jpeg"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(format, formats[i])) return true;
    return false;
}

#else

#include <string.h>

jd_status jd__jpeg_decode(jd_ctx *ctx, const char *name, const uint8_t *p, size_t bytes, int channels, jd_picture *out)
{
    (void)p;
    (void)bytes;
    (void)channels;
    (void)out;
    return jd_fail(ctx, JD_EABSENT,
                   "%s is a JPEG file, and this build has no libjpeg; install libjpeg62-turbo-dev and "
                   "build again, or convert the file to PNG",
                   name);
}

bool jd_picture_can(const char *format)
{
    return !strcmp(format, "png") || !strcmp(format, "pnm");
}

#endif
