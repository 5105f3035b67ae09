/* Pictures in JPEG, Netpbm and TIFF files: what is read, and what is refused with the byte and a repair. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/data.h"
#include "jackdaw/volume.h"
#include "jpeg_help.h"
#include "picture_files.h"
#include "tiff_file.h"

#include "ctx_tmpdir.h"

static void expect_text(const char *text, size_t bytes, const char *word)
{
    jd_picture p = {0};
    assert_int_equal(jd_decode_picture(ctx, "x.ppm", text, bytes, 0, &p), JD_EDATA);
    assert_null(p.pixels);
    expect_error(JD_EDATA, word);
}

static void netpbm(void **state)
{
    (void)state;
    jd_picture p = {0};
    static const char text[] = "P3 # colours\n2 1\n# the largest\n100\n0 50 100  100 0 25\n";
    assert_int_equal(jd_decode_picture(ctx, "x.ppm", text, strlen(text), 0, &p), JD_OK);
    assert_true(p.height == 1 && p.width == 2 && p.channels == 3);
    assert_memory_equal(p.pixels, ((uint8_t[]){0, 128, 255, 255, 0, 64}), 6);
    jd_picture_free(ctx, &p);
    assert_int_equal(jd_decode_picture(ctx, "x.ppm", text, strlen(text), 1, &p), JD_OK);
    assert_int_equal(p.channels, 1);
    assert_int_equal(p.pixels[0], 104); /* 0.587 128 + 0.114 255 */
    jd_picture_free(ctx, &p);

    static const char deep[] = "P5\n3 1 65535\n\0\0\x80\0\xff\xff"; /* 16 bits, the high byte first */
    assert_int_equal(jd_decode_picture(ctx, "x.pgm", deep, sizeof deep - 1, 3, &p), JD_OK);
    assert_memory_equal(p.pixels, ((uint8_t[]){0, 0, 0, 128, 128, 128, 255, 255, 255}), 9);
    jd_picture_free(ctx, &p);

    expect_text("", 0, "byte 0: the file is empty");
    expect_text("P5\n3 1 255\nab", 13, "3 x 1 pixels need 3 bytes more, 2 are there");
    expect_text("P5\n3 1 255\nabcd", 15, "1 bytes follow the picture");
    expect_text("P5\n1 1 9\nZ", 10, "a sample of 90, but the header says at most 9");
    expect_text("P5\n0 1 9\n", 9, "0 x 1 pixels");
    expect_text("P5\n9999 9999 255\n", 17, "scale the picture down");
    expect_text("P5\n8000 8000 255\n", 17, "64000000 bytes more");
    expect_text("P2 1 1 9 x", 10, "byte 9: the next sample must be a whole number");
    expect_text("P4\n8 1\nA", 8, "convert it to PGM");
    expect_text("BM      ", 8, "ends in its header");
    expect_text("RIFF    AVI ", 12, "this is a RIFF file; convert it to PNG");
    expect_text("hello", 5, "no PNG, JPEG, WebP, BMP, GIF, PGM, PPM or TIFF picture");
}

static void expect_pixels(const void *file, size_t bytes, int channels, const uint8_t *pixels, size_t n)
{
    jd_picture p = {0};
    assert_int_equal(jd_decode_picture(ctx, "x.bmp", file, bytes, 0, &p), JD_OK);
    assert_int_equal(p.channels, channels);
    assert_int_equal(p.height * p.width * p.channels, n);
    assert_memory_equal(p.pixels, pixels, n);
    jd_picture_free(ctx, &p);
}

static void bitmaps(void **state)
{
    (void)state;
    uint8_t f[200] = {0};
    size_t n = (size_t)bmp_header(f, 2, 2, 24, 0, 0); /* blue, green, red; the lowest row first, in units of 4 bytes */
    memcpy(f + n, "\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0", 16);
    expect_pixels(f, n + 16, 3, (const uint8_t *)"\11\10\7\14\13\12\3\2\1\6\5\4", 12);
    expect_text((const char *)f, n + 15, "do not fit into 69 bytes");
    n = (size_t)bmp_header(f, 3, -2, 4, 0, 3);
    memcpy(f + n, "\0\0\0\0\x50\x50\x50\0\xff\xff\xff\0\x01\x20\0\0\x21\0\0\0", 20);
    expect_pixels(f, n + 20, 1, (const uint8_t *)"\0\x50\xff\xff\x50\0", 6);
    n = (size_t)bmp_header(f, 1, 1, 16, 3, 0); /* 5, 6 and 5 bits */
    memcpy(f + n, "\0\xf8\0\0\xe0\x07\0\0\x1f\0\0\0\x1f\xf8\0\0", 16);
    expect_pixels(f, n + 16, 3, (const uint8_t *)"\xff\0\xff", 3);
    bmp_header(f, 1, 1, 8, 1, 0);
    expect_text((const char *)f, 70, "8 bits a pixel with compression 1; convert it to PNG");
}

static void webp(void **state)
{
    (void)state;
    static const uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 200, 100, 50, 255, 255, 255};
    jd_picture p = {0};
    if (jd_decode_picture(ctx, "x.webp", WEBP_FILE, sizeof WEBP_FILE, 0, &p) == JD_EABSENT) {
        expect_error(JD_EABSENT, "dwebp FILE");
        return;
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_true(p.height == 2 && p.width == 3 && p.channels == 3);
    assert_memory_equal(p.pixels, rgb, sizeof rgb);
    jd_picture_free(ctx, &p);
    assert_int_equal(jd_decode_picture(ctx, "x.webp", WEBP_FILE, sizeof WEBP_FILE, 1, &p), JD_OK);
    assert_true(p.channels == 1 && p.pixels[5] == 255 && p.pixels[0] == 76);
    jd_picture_free(ctx, &p);
    expect_text((const char *)WEBP_FILE, sizeof WEBP_FILE - 20, "damaged or cut off");
    expect_text((const char *)WEBP_FILE, 12, "no WebP picture can be decoded");
}

static void gifs(void **state)
{
    (void)state;
    uint8_t file[sizeof GIF_FILE], want[90];
    for (int i = 0; i < 30; i++) {
        const int k = (i % 5 + i / 5) % 4;
        memcpy(want + 3 * i, (const uint8_t[]){k == 1 ? 255 : 0, k == 2 ? 255 : 0, 0}, 3);
    }
    expect_pixels(GIF_FILE, sizeof GIF_FILE, 3, want, 90);
    memcpy(file, GIF_FILE, sizeof file);
    file[43] = 9; /* codes of 9 bits at least */
    expect_text((const char *)file, sizeof file, "codes of 9 bits");
    expect_text((const char *)GIF_FILE, 55, "ends in its pixels");
}

/* One picture of a file; 16 bits become 8, 0 may be white. */
static void tiff(void **state)
{
    (void)state;
    uint8_t file[1024];
    uint32_t value[40];
    jd_picture p = {0};
    for (uint32_t i = 0; i < 40; i++) value[i] = i * 1000;
    size_t n = tiff_file(&(tiff_kind){true, 16, 1, 1, 1, 4, 5, false}, value, file);
    if (!jd_has_tiff()) {
        assert_int_equal(jd_decode_picture(ctx, "a.tif", file, n, 0, &p), JD_EABSENT);
        jd_error_clear(ctx);
        return;
    }
    if (jd_decode_picture(ctx, "a.tif", file, n, 0, &p)) fail_msg("%s", jd_error_message(ctx));
    assert_true(p.height == 4 && p.width == 5 && p.channels == 1);
    for (int i = 0; i < 20; i++) assert_true(abs(p.pixels[i] - i * 1000 * 255 / 65535) <= 1);
    jd_picture_free(ctx, &p);
    for (uint32_t i = 0; i < 40; i++) value[i] = i;
    n = tiff_file(&(tiff_kind){false, 8, 1, 0, 1, 4, 5, false}, value, file);
    if (jd_decode_picture(ctx, "a.tif", file, n, 3, &p)) fail_msg("%s", jd_error_message(ctx));
    for (int i = 0; i < 60; i++) assert_int_equal(p.pixels[i], 255 - i / 3);
    jd_picture_free(ctx, &p);
    n = tiff_file(&(tiff_kind){false, 8, 1, 1, 2, 4, 5, false}, value, file);
    assert_int_equal(jd_decode_picture(ctx, "a.tif", file, n, 0, &p), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "a.tif: more than one picture"));
    jd_error_clear(ctx);
    n = tiff_file(&(tiff_kind){false, 32, 3, 1, 1, 4, 5, false}, value, file);
    assert_int_equal(jd_decode_picture(ctx, "a.tif", file, n, 0, &p), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "convert it to PNG"));
    jd_error_clear(ctx);
}

#ifdef JD_HAVE_JPEG
enum { H = 16, W = 24 };

/* A soft picture, so that the loss is small. */
static void soft(uint8_t *px, int channels)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < channels; c++) *px++ = (uint8_t)(40 + 5 * x + 4 * y + 10 * (c % 3));
}

static void jpeg(void **state)
{
    (void)state;
    uint8_t px[H * W * 4];
    for (int kind = 0; kind < 4; kind++) {
        const int channels = kind < 2 ? 3 : kind == 2 ? 1 : 4;
        soft(px, channels);
        for (int i = 0; channels == 4 && i < H * W; i++) px[4 * i + 3] = 255; /* inverted: no black ink */
        size_t bytes;
        uint8_t *file = jpeg_file(px, H, W, channels, kind == 1, &bytes);
        assert_non_null(file);
        for (int want = 0; want <= 3; want += want ? 2 : 1) {
            jd_picture p = {0};
            assert_int_equal(jd_decode_picture(ctx, "x.jpg", file, bytes, want, &p), JD_OK);
            assert_true(p.height == H && p.width == W);
            assert_int_equal(p.channels, want ? want : channels == 1 ? 1 : 3);
            for (int i = 0; i < H * W; i++) /* the middle channel is near the luma of these grays */
                assert_in_range(p.pixels[i * p.channels + (p.channels == 3)] + 20 - px[i * channels + (channels >= 3)],
                                channels == p.channels || channels == 4 ? 8 : 4, 36);
            jd_picture_free(ctx, &p);
        }
        jd_picture p = {0};
        jd_decode_picture(ctx, "x.jpg", file, bytes - 12, 0, &p);
        expect_error(JD_EDATA, "x.jpg: byte ");
        jd_decode_picture(ctx, "x.jpg", file, 40, 0, &p);
        expect_error(JD_EDATA, "libjpeg: ");
        free(file);
    }
}

/* The header of a small file claims 8000 x 8000 pixels. */
static void jpeg_claims(void **state)
{
    (void)state;
    uint8_t px[H * W];
    soft(px, 1);
    size_t bytes;
    uint8_t *file = jpeg_file(px, H, W, 1, false, &bytes);
    size_t at = 2;
    while (file[at + 1] != 0xC0) at += 2 + (size_t)(file[at + 2] << 8 | file[at + 3]);
    file[at + 5] = file[at + 7] = 31;
    jd_picture p = {0};
    jd_decode_picture(ctx, "x.jpg", file, bytes, 0, &p);
    expect_error(JD_EDATA, "cannot come out of");
    file[at + 5] = file[at + 7] = 99;
    jd_decode_picture(ctx, "x.jpg", file, bytes, 0, &p);
    expect_error(JD_EDATA, "scale the picture down");
    file[at + 4] = 12; /* bits a sample */
    jd_decode_picture(ctx, "x.jpg", file, bytes, 0, &p);
    expect_error(JD_EDATA, "write it anew as baseline JPEG");
    free(file);
}
#else
static void absent(void **state)
{
    (void)state;
    jd_picture p = {0};
    jd_decode_picture(ctx, "x.jpg", "\xff\xd8\xff\xe0", 4, 0, &p);
    expect_error(JD_EABSENT, "libjpeg62-turbo-dev");
}
#endif

/* A picture that is dark on its left, as a camera that was turned stores it: right side up again. */
static void turned_jpegs(void **state)
{
    (void)state;
    enum { EXIF = 36 };
    uint8_t px[H * W], turned[2048];
    for (int i = 0; i < H * W; i++) px[i] = i % W < W / 2 ? 10 : 240;
    size_t bytes;
    uint8_t *file = jpeg_file(px, H, W, 1, false, &bytes);
    if (!file) skip();
    static const char exif[EXIF + 1] = "\xff\xe1\0\x22"
                                       "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\0\0\0\0\0\0\0";
    static const bool wide[9] = {0, 1, 1, 1, 1, 0, 0, 0, 0}, dark[9] = {0, 1, 0, 0, 1, 1, 1, 0, 0};
    for (int how = 0; how <= 8; how++) { /* 0 means nothing */
        memcpy(turned, file, 2);
        memcpy(turned + 2, exif, EXIF);
        turned[2 + 29] = (uint8_t)how;
        memcpy(turned + 2 + EXIF, file + 2, bytes - 2);
        jd_picture p = {0};
        assert_int_equal(jd_decode_picture(ctx, "x.jpg", turned, bytes + EXIF, 0, &p), JD_OK);
        assert_int_equal(p.width, how == 0 || wide[how] ? W : H);
        assert_int_equal(p.pixels[0] < 128, how == 0 || dark[how]); /* the left, or above */
        assert_int_equal(p.pixels[H * W - 1] < 128, !(how == 0 || dark[how]));
        jd_picture_free(ctx, &p);
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netpbm), cmocka_unit_test(bitmaps),     cmocka_unit_test(turned_jpegs),
        cmocka_unit_test(gifs),   cmocka_unit_test(webp),        cmocka_unit_test(tiff),
#ifdef JD_HAVE_JPEG
        cmocka_unit_test(jpeg),   cmocka_unit_test(jpeg_claims),
#else
        cmocka_unit_test(absent),
#endif
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
