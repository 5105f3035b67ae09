/* Published sets of pictures in their own formats: small files of each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "jackdaw/sets.h"
#include "sets_help.h"

#include "ctx_tmpdir.h"

static void cifar(void **state)
{
    (void)state;
    enum { RECORD = 1 + 3072 };
    static uint8_t data[3 * RECORD];
    const char *a = tmpdir_file("a.bin"), *b = tmpdir_file("b.bin");
    for (int r = 0; r < 3; r++) {
        data[r * RECORD] = (uint8_t)(9 - r);
        for (int i = 0; i < 3072; i++) data[r * RECORD + 1 + i] = (uint8_t)(i / 1024 * 70 + i % 1024 % 61 + r);
    }
    tmpdir_write(a, data, 2 * RECORD);
    tmpdir_write(b, data + 2 * RECORD, RECORD);
    jd_images im = {0};
    assert_int_equal(jd_images_read_cifar(ctx, (const char *const[]){a, b}, 2, 10, &im), JD_OK);
    assert_true(im.count == 3 && im.height == 32 && im.width == 32 && im.channels == 3 && im.classes == 10);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(im.labels[r], 9 - r);
        for (int k = 0; k < 3; k++) assert_int_equal(im.pixels[(r * 1024 + 1000) * 3 + k], k * 70 + 1000 % 61 + r);
    }
    jd_images_free(ctx, &im);

    tmpdir_write(b, data, RECORD - 1);
    jd_images_read_cifar(ctx, (const char *const[]){a, b}, 2, 10, &im);
    expect_error(JD_EDATA, "no whole number of records of 3073");
    data[0] = 10;
    tmpdir_write(b, data, RECORD);
    jd_images_read_cifar(ctx, (const char *const[]){b}, 1, 10, &im);
    expect_error(JD_EDATA, "byte 0: class 10 of 0 to 9");
    assert_null(im.pixels);
    tmpdir_write(b, data, 0);
    jd_images_read_cifar(ctx, (const char *const[]){b}, 1, 10, &im);
    expect_error(JD_EDATA, "b.bin");
}

/* A batch of the Python version as Python 2 wrote it: a dictionary with a list of numbers and an array of NumPy. */
static size_t write_batch(uint8_t *f, const char *key, int classes, const uint8_t *pictures)
{
#define PUT(text) memcpy(f + n, text, sizeof text - 1), n += sizeof text - 1
    size_t n = 0;
    PUT("\x80\2}q\1(U\13batch_labelq\2U\1xq\3U");
    f[n++] = (uint8_t)strlen(key);
    memcpy(f + n, key, strlen(key));
    n += strlen(key);
    PUT("]q\4(K\2M\1\0K");
    f[n++] = (uint8_t)(classes - 1);
    PUT("eU\4dataq\5cnumpy.core.multiarray\n_reconstruct\nq\6cnumpy\nndarray\nq\7K\0\x85q\10U\1bq\11\x87q\12Rq\13("
        "K\1K\3M\0"
        "\14\x86q\14cnumpy\ndtype\nq\15U\2u1q\16K\0K\1\x87q\17Rq\20(K\3U\1|q\21NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0"
        "tq\22b\x89T\0\x24\0\0");
    memcpy(f + n, pictures, 3 * 3072);
    n += 3 * 3072;
    PUT("q\23tq\24bu.");
#undef PUT
    return n;
}

static void cifar_python(void **state)
{
    (void)state;
    static uint8_t pictures[3 * 3072], file[12000];
    const char *path = tmpdir_file("test_batch");
    for (size_t i = 0; i < sizeof pictures; i++) pictures[i] = (uint8_t)(i % 251);
    jd_images im = {0};
    for (int classes = 10; classes <= 100; classes += 90) {
        tmpdir_write(path, file, write_batch(file, classes == 10 ? "labels" : "fine_labels", classes, pictures));
        assert_int_equal(jd_images_read_cifar(ctx, &path, 1, classes, &im), JD_OK);
        assert_true(im.count == 3 && im.labels[0] == 2 && im.labels[1] == 1 && im.labels[2] == classes - 1);
        for (int k = 0; k < 3; k++)
            assert_int_equal(im.pixels[(2 * 1024 + 1000) * 3 + k], pictures[2 * 3072 + k * 1024 + 1000]);
        jd_images_free(ctx, &im);
    }
    const size_t n = write_batch(file, "labels", 101, pictures);
    tmpdir_write(path, file, n);
    jd_images_read_cifar(ctx, &path, 1, 10, &im);
    expect_error(JD_EDATA, "picture 2 is of class 100 of 0 to 9");
    jd_images_read_cifar(ctx, &path, 1, 100, &im);
    expect_error(JD_EDATA, "list `fine_labels` of n numbers");
    for (size_t cut = 0; cut < n; cut += cut < 400 ? 1 : 97) { /* ends anywhere */
        tmpdir_write(path, file, cut);
        assert_int_equal(jd_images_read_cifar(ctx, &path, 1, 10, &im), JD_EDATA);
        jd_error_clear(ctx);
    }
    for (size_t bit = 0; bit < 8 * 400; bit++) { /* damaged anywhere */
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        tmpdir_write(path, file, n);
        jd_images_read_cifar(ctx, &path, 1, 10, &im);
        jd_error_clear(ctx);
        jd_images_free(ctx, &im);
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void write_norb(const char *path, int rank, const uint32_t *size, const uint8_t *values, const int32_t *numbers)
{
    static uint8_t file[4096];
    tmpdir_write(path, file, norb_matrix(file, rank, size, values, numbers));
}

static void norb(void **state)
{
    (void)state;
    enum { N = 3, H = 4, W = 5, PLANE = H * W };
    uint8_t px[N * 2 * PLANE];
    for (int i = 0; i < (int)sizeof px; i++) px[i] = (uint8_t)i;
    const int32_t cat[N] = {0, 4, 2}, info[N * 4] = {4, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7};
    char d[128], c[128], f[128]; /* tmpdir_file holds four paths at once */
    snprintf(d, sizeof d, "%s/dat", tmpdir_path);
    snprintf(c, sizeof c, "%s/cat", tmpdir_path);
    snprintf(f, sizeof f, "%s/info", tmpdir_path);
    write_norb(d, 4, (const uint32_t[]){N, 2, H, W}, px, NULL);
    write_norb(c, 1, (const uint32_t[]){N}, NULL, cat);
    write_norb(f, 2, (const uint32_t[]){N, 4}, NULL, info);
    jd_images im = {0};
    assert_int_equal(jd_images_read_norb(ctx, d, c, f, 5, &im), JD_OK);
    assert_true(im.count == N && im.height == H && im.width == W && im.channels == 2);
    for (int i = 0; i < N; i++) {
        assert_int_equal(im.labels[i], cat[i]);
        for (int e = 0; e < 2; e++)
            for (int k = 0; k < PLANE; k++)
                assert_int_equal(im.pixels[(i * PLANE + k) * 2 + e], px[(i * 2 + e) * PLANE + k]);
    }
    assert_true(im.groups[0] != im.groups[2] && im.groups[1] != im.groups[2]); /* instance 4 of two categories */
    jd_images_free(ctx, &im);

    /* as the registry finds them */
    static const char head[] = "norb/smallnorb-5x46789x9x18x6x2x96x96-training-",
                      test[] = "norb/smallnorb-5x01235x9x18x6x2x96x96-testing-";
    static const char *const kind[] = {"dat.mat", "cat.mat", "info.mat"};
    mkdir(tmpdir_file("norb"), 0777);
    for (int i = 0; i < 6; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", i < 3 ? head : test, kind[i % 3]);
        if (i % 3 == 0) write_norb(tmpdir_file(name), 4, (const uint32_t[]){N, 2, H, W}, px, NULL);
        if (i % 3 == 1) write_norb(tmpdir_file(name), 1, (const uint32_t[]){N}, NULL, cat);
        if (i % 3 == 2) write_norb(tmpdir_file(name), 2, (const uint32_t[]){N, 4}, NULL, info);
    }
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    assert_int_equal(jd_load_images(ctx, "norb", JD_ALL, &im), JD_OK);
    assert_int_equal(im.count, 2 * N);
    jd_images_free(ctx, &im);

    jd_images_read_norb(ctx, d, c, f, 4, &im);
    expect_error(JD_EDATA, "row 1: category 4; 0 to 3");
    write_norb(c, 1, (const uint32_t[]){2}, NULL, cat);
    jd_images_read_norb(ctx, d, c, NULL, 5, &im);
    expect_error(JD_EDATA, "2 rows of integers, but there are 3 pictures");
    jd_images_read_norb(ctx, c, c, NULL, 5, &im);
    expect_error(JD_EDATA, "pictures are bytes (count,2,H,W)");
    assert_null(im.pixels);
}

static void gnt(void **state)
{
    (void)state;
    assert_int_equal(jd_gb2312_class(0xB0A1), 0);
    assert_int_equal(jd_gb2312_class(0xD7F9), JD_GB2312_LEVEL_1 - 1);
    assert_int_equal(jd_gb2312_class(0xD7FA), -1);
    assert_int_equal(jd_gb2312_class(0xA3B1), -1);
    assert_int_equal(jd_gb2312_class(0xB1A1), 94);

    uint8_t file[400], gray[60];
    memset(gray, 250, sizeof gray);
    for (int i = 0; i < 10; i++) gray[6 * i] = 50; /* the left column of 10 x 6 is ink */
    size_t n = gnt_record(file, 0xB0A2, 10, 6, gray);
    n += gnt_record(file + n, 0xA3B1, 10, 6, gray); /* a digit: no character of level 1 */
    n += gnt_record(file + n, 0xB1A1, 5, 6, gray);
    const char *path = tmpdir_file("w.gnt");
    tmpdir_write(path, file, n);
    jd_images im = {0};
    assert_int_equal(jd_images_read_gnt(ctx, path, &(jd_gnt_options){.side = 12, .ink = 10}, &im), JD_OK);
    assert_true(im.count == 2 && im.height == 12 && im.channels == 1 && im.classes == JD_GB2312_LEVEL_1);
    assert_true(im.labels[0] == 1 && im.labels[1] == 94);
    for (int y = 0; y < 12;
         y++) /* 10 x 6 keeps its size and stands in the middle: ink, stretched to 255, in column 3 */
        for (int x = 0; x < 12; x++) assert_int_equal(im.pixels[12 * y + x], x == 3 && y >= 1 && y < 11 ? 255 : 0);
    jd_images_free(ctx, &im);
    assert_int_equal(jd_images_read_gnt(ctx, tmpdir_path, &(jd_gnt_options){.classes = 94}, &im),
                     JD_OK); /* the folder */
    assert_true(im.count == 1 && im.height == 48 && im.groups[0] == 0);
    jd_images_free(ctx, &im);

    tmpdir_write(path, file, n - 1);
    jd_images_read_gnt(ctx, path, NULL, &im);
    expect_error(JD_EDATA, "byte 140: a record of 40 bytes, 39 are left");
    file[6] = 7;
    tmpdir_write(path, file, n);
    jd_images_read_gnt(ctx, path, NULL, &im);
    expect_error(JD_EDATA, "byte 0: a record of 70 bytes for 7 x 10 pixels");
    assert_null(im.pixels);
}

static void write_ppm(const char *path, int w, int h, int left)
{
    uint8_t file[512];
    size_t n = (size_t)sprintf((char *)file, "P6\n%d %d\n255\n", w, h);
    for (int i = 0; i < w * h; i++, n += 3) memset(file + n, i % w < left ? 10 : 200, 3);
    tmpdir_write(path, file, n);
}

static void gtsrb(void **state)
{
    (void)state;
    mkdir(tmpdir_file("signs"), 0777);
    mkdir(tmpdir_file("signs/00000"), 0777);
    mkdir(tmpdir_file("signs/00007"), 0777);
    write_ppm(tmpdir_file("signs/00000/00003_00001.ppm"), 8, 8, 4);
    write_ppm(tmpdir_file("signs/00000/00003_00002.ppm"), 8, 8, 4);
    write_ppm(tmpdir_file("signs/00007/00003_00000.ppm"), 10, 6, 0);
    static const char head[] = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\r\n";
    char text[512];
    snprintf(text, sizeof text, "%s00003_00001.ppm;8;8;4;1;7;6;0\r\n00003_00002.ppm;8;8;0;0;3;7;0\r\n", head);
    tmpdir_write(tmpdir_file("signs/00000/GT-00000.csv"), text, strlen(text));
    snprintf(text, sizeof text, "%s00003_00000.ppm;10;6;1;1;8;4;7\n", head);
    const char *last = tmpdir_file("signs/00007/GT-00007.csv");
    tmpdir_write(last, text, strlen(text));
    jd_images im = {0};
    assert_int_equal(jd_images_read_gtsrb(ctx, tmpdir_file("signs"), 4, 43, &im), JD_OK);
    assert_true(im.count == 3 && im.height == 4 && im.channels == 3);
    assert_true(im.labels[0] == 0 && im.labels[1] == 0 && im.labels[2] == 7);
    assert_true(im.groups[0] == im.groups[1] && im.groups[0] != im.groups[2]); /* tracks */
    for (int i = 0; i < 48; i++) {
        assert_int_equal(im.pixels[i], 200); /* the box is the bright half */
        assert_int_equal(im.pixels[48 + i], 10);
    }
    jd_images_free(ctx, &im);

    snprintf(text, sizeof text, "%s00003_00000.ppm;10;6;1;1;10;4;7\n", head);
    tmpdir_write(last, text, strlen(text));
    jd_images_read_gtsrb(ctx, last, 4, 43, &im);
    expect_error(JD_EDATA, "line 2: the box (1,1)-(10,4) is not inside 10 x 6");
    snprintf(text, sizeof text, "%s../x.ppm;10;6;1;1;8;4;7\n", head);
    tmpdir_write(last, text, strlen(text));
    jd_images_read_gtsrb(ctx, last, 4, 43, &im);
    expect_error(JD_EDATA, "no name of a file in the same folder");
    tmpdir_write(last, "Filename;Width;Height\na;1;1\n", 28);
    jd_images_read_gtsrb(ctx, last, 4, 43, &im);
    expect_error(JD_EDATA, "no column Roi.X1");
    jd_images_read_gtsrb(ctx, tmpdir_file("nowhere"), 4, 43, &im);
    expect_error(JD_ENOINPUT, "no such folder");
    assert_null(im.pixels);
}

static void blob(void **state)
{
    (void)state;
    static const char data[] = "P5\n2 1 255\nabP5\n2 1 255\ncdP5\n1 1 255\ne";
    tmpdir_write(tmpdir_file("b.bin"), data, strlen(data));
    const char *index = tmpdir_file("b.tsv");
    static const char good[] = "offset\tlength\tlabel\n13\t13\t1\n0\t13\t0\n";
    tmpdir_write(index, good, strlen(good));
    jd_images im = {0};
    assert_int_equal(jd_images_read_blob(ctx, index, 1, 2, &im), JD_OK);
    assert_true(im.count == 2 && im.width == 2 && im.height == 1 && im.labels[0] == 1);
    assert_memory_equal(im.pixels, "cdab", 4);
    jd_images_free(ctx, &im);
    static const char *const bad[][2] = {
        {"offset\tlength\tlabel\n0\t13\t0\n26\t12\t1\n", "line 3: "},
        {"offset\tlength\tlabel\n0\t39\t0\n", "line 2: length is '39'; a whole number of 0 to 38"},
        {"offset\tlength\tlabel\n0\t13\t2\n", "line 2: label is '2'"},
        {"offset\tlength\tlabel\n0\t-1\t2\n", "line 2: length is '-1'"},
        {"offset\tlength\n0\t13\n", "no column 'label'"},
        {"offset\tlength\tlabel\n0\t12\t0\n", "need 2 bytes more"},
        {"offset\tlength\tlabel\n", "no pictures"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tmpdir_write(index, bad[i][0], strlen(bad[i][0]));
        jd_images_read_blob(ctx, index, 1, 2, &im);
        expect_error(JD_EDATA, bad[i][1]);
        assert_null(im.pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cifar), cmocka_unit_test(cifar_python), cmocka_unit_test(norb),
                                       cmocka_unit_test(gnt),   cmocka_unit_test(gtsrb),        cmocka_unit_test(blob)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
