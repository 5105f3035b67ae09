/* IDX files, plain and gzip-ed: golden bytes, every type, limits, images with labels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <zlib.h>

#include "jackdaw/data.h"

#include "ctx_tmpdir.h"

static void write_gz(const char *path, const void *data, size_t bytes, const char *mode)
{
    gzFile f = gzopen(path, mode);
    assert_non_null(f);
    assert_int_equal(gzwrite(f, data, (unsigned)bytes), (int)bytes);
    assert_int_equal(gzclose(f), Z_OK);
}

/* Two int16 rows of three, written by hand from the format's description. */
static const uint8_t golden[] = {0, 0, 0x0B, 2,    0, 0, 0,    2,    0,    0, 0, 3,
                                 0, 1, 0xff, 0xff, 1, 0, 0x7f, 0xff, 0x80, 0, 0, 0};

static void check_golden(const jd_idx *x)
{
    static const int16_t want[6] = {1, -1, 256, 32767, -32768, 0};
    assert_int_equal(x->type, JD_IDX_I16);
    assert_int_equal(x->rank, 2);
    assert_int_equal(x->size[0], 2);
    assert_int_equal(x->size[1], 3);
    assert_int_equal(x->count, 6);
    assert_memory_equal(x->data, want, sizeof want);
}

static void reads_golden(void **state)
{
    (void)state;
    const char *plain = tmpdir_file("golden"), *gz = tmpdir_file("golden-but-gzip"), *two = tmpdir_file("members");
    tmpdir_write(plain, golden, sizeof golden);
    write_gz(gz, golden, sizeof golden, "wb");
    write_gz(two, golden, 7, "wb"); /* gzip files may be joined */
    write_gz(two, golden + 7, sizeof golden - 7, "ab");
    const char *all[3] = {plain, gz, two};
    for (int i = 0; i < 3; i++) {
        jd_idx x = {0};
        assert_int_equal(jd_read_idx(ctx, all[i], &x), JD_OK);
        check_golden(&x);
        jd_idx_free(ctx, &x);
    }
}

static void every_type_goes_round(void **state)
{
    (void)state;
    static const jd_idx_type types[] = {JD_IDX_U8, JD_IDX_I8, JD_IDX_I16, JD_IDX_I32, JD_IDX_F32, JD_IDX_F64};
    uint8_t data[2 * 3 * 8];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 37 + 11);
    for (int t = 0; t < 6; t++) {
        const char *path = tmpdir_file("round");
        jd_idx x = {.type = types[t], .rank = 3, .size = {2, 1, 3}, .data = data}, y = {0};
        assert_int_equal(jd_write_idx(ctx, path, &x), JD_OK);
        assert_int_equal(jd_read_idx(ctx, path, &y), JD_OK);
        assert_int_equal(y.count, 6);
        assert_memory_equal(y.data, data, 6 * jd_idx_value_bytes(types[t]));
        jd_idx_free(ctx, &y);
    }
}

static void refuse(const uint8_t *head, size_t bytes, const char *word)
{
    const char *path = tmpdir_file("bad");
    jd_idx x = {.rank = 77};
    tmpdir_write(path, head, bytes);
    assert_int_equal(jd_read_idx(ctx, path, &x), JD_EDATA);
    assert_int_equal(x.rank, 77); /* the caller's object stays as it was */
    assert_non_null(strstr(jd_error_message(ctx), path));
    expect_error(JD_EDATA, word);
}

static void limits(void **state)
{
    (void)state;
    refuse((const uint8_t[]){1, 0, 8, 1, 0, 0, 0, 1, 5}, 9, "byte 0");
    refuse((const uint8_t[]){0, 0, 0x0A, 1, 0, 0, 0, 1, 5}, 9, "byte 2");
    refuse((const uint8_t[]){0, 0, 8, 0, 5}, 5, "byte 3");
    refuse((const uint8_t[]){0, 0, 8, 9, 0, 0, 0, 1, 5}, 9, "byte 3");
    refuse((const uint8_t[]){0, 0, 8, 1, 0, 0, 0, 0}, 8, "size 0");
    refuse((const uint8_t[]){0, 0, 8, 1, 0x80, 0, 0, 0, 5}, 9, "size 2147483648");
    refuse((const uint8_t[]){0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 5}, 9, "2147483647 bytes");
    refuse((const uint8_t[]){0, 0, 8, 1, 0, 0, 0, 2, 5, 6, 7}, 11, "data follow");
    refuse((const uint8_t[]){0, 0, 8, 1, 0, 0, 0, 2, 5}, 9, "fetch");
    /* products beyond 64 bits */
    uint8_t big[4 + 8 * 4 + 1] = {0, 0, 0x0E, 8};
    for (int i = 0; i < 8; i++) memcpy(big + 4 + 4 * i, (const uint8_t[]){0x7f, 0xff, 0xff, 0xff}, 4);
    refuse(big, sizeof big, "declares");
    /* 2^32 x 2^32 = 2^64 would wrap to 0 */
    uint8_t wrap[4 + 4 * 4 + 1] = {0, 0, 8, 4};
    for (int i = 0; i < 4; i++) wrap[4 + 4 * i + 1] = 1; /* 65536 each */
    refuse(wrap, sizeof wrap, "declares");
}

static void gzip_limits(void **state)
{
    (void)state;
    const char *path = tmpdir_file("bomb.gz");
    /* declares 2 GiB: more than a file of this size can hold, refused before any memory is taken */
    const uint8_t head[] = {0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3};
    jd_idx x = {0};
    write_gz(path, head, sizeof head, "wb");
    jd_read_idx(ctx, path, &x);
    expect_error(JD_EDATA, "can hold at most");
    /* more data than declared: stops at one byte more */
    static uint8_t zeros[1 << 20] = {0, 0, 8, 1, 0, 0, 0, 4};
    write_gz(path, zeros, sizeof zeros, "wb9");
    jd_read_idx(ctx, path, &x);
    expect_error(JD_EDATA, "data follow");
    /* rubbish behind the gzip data */
    write_gz(path, golden, sizeof golden, "wb");
    FILE *f = fopen(path, "ab");
    fputs("rubbish", f);
    fclose(f);
    jd_read_idx(ctx, path, &x);
    expect_error(JD_EDATA, "follow the end of the gzip");
}

static void not_there(void **state)
{
    (void)state;
    jd_idx x = {0};
    jd_read_idx(ctx, tmpdir_file("absent"), &x);
    expect_error(JD_ENOINPUT, "absent");
    jd_read_idx(ctx, tmpdir_path, &x);
    expect_error(JD_ENOINPUT, "regular file");
}

static void read_gz_limit(void **state)
{
    (void)state;
    const char *path = tmpdir_file("text.gz");
    char text[5000];
    memset(text, 'x', sizeof text);
    size_t bytes = 0;
    write_gz(path, text, sizeof text, "wb");
    char *all = jd_read_gz(ctx, path, sizeof text, &bytes); /* exactly the limit */
    assert_non_null(all);
    assert_int_equal(bytes, sizeof text);
    assert_memory_equal(all, text, sizeof text);
    assert_int_equal(all[bytes], 0);
    jd_free(ctx, all);
    assert_null(jd_read_gz(ctx, path, sizeof text - 1, &bytes));
    expect_error(JD_EDATA, "more than 4999 bytes");
}

static void images_and_labels(void **state)
{
    (void)state;
    uint8_t pixels[3 * 2 * 2] = {0, 51, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9}, labels[3] = {2, 0, 1};
    const char *px = tmpdir_file("images"), *lb = tmpdir_file("labels");
    jd_write_idx(ctx, px, &(jd_idx){.type = JD_IDX_U8, .rank = 3, .size = {3, 2, 2}, .data = pixels});
    jd_write_idx(ctx, lb, &(jd_idx){.type = JD_IDX_U8, .rank = 1, .size = {3}, .data = labels});
    jd_images im = {0};
    assert_int_equal(jd_images_read_idx(ctx, px, lb, 3, &im), JD_OK);
    assert_int_equal(im.count, 3);
    assert_int_equal(im.channels, 1);
    float x[8];
    int32_t y[2];
    jd_images_batch(&im, (const uint32_t[]){2, 0}, 2, -1.f, 1.f, x, y);
    assert_int_equal(y[0], 1);
    assert_int_equal(y[1], 2);
    for (int i = 0; i < 4; i++) {
        assert_true(x[i] == (float)(pixels[8 + i] / 127.5 - 1.0));
        assert_true(x[4 + i] == (float)(pixels[i] / 127.5 - 1.0));
    }
    jd_pixels_to_float(pixels, 3, 0.f, 1.f, x);
    assert_true(x[0] == 0.f && x[1] == 0.2f && x[2] == 1.f);
    jd_images_free(ctx, &im);

    jd_images_read_idx(ctx, px, lb, 2, &im); /* label 2 at byte 8 */
    expect_error(JD_EDATA, "byte 8: label 2");
    jd_write_idx(ctx, lb, &(jd_idx){.type = JD_IDX_U8, .rank = 1, .size = {2}, .data = labels});
    jd_images_read_idx(ctx, px, lb, 3, &im);
    expect_error(JD_EDATA, "2 labels, but 3 images");
    jd_images_read_idx(ctx, lb, NULL, 0, &im);
    expect_error(JD_EDATA, "1 dimensions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_golden),
        cmocka_unit_test(every_type_goes_round),
        cmocka_unit_test(limits),
        cmocka_unit_test(gzip_limits),
        cmocka_unit_test(not_there),
        cmocka_unit_test(read_gz_limit),
        cmocka_unit_test(images_and_labels),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
