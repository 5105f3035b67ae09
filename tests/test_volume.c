/* Volumes: NIfTI-1 of every type and byte order, written and read again; TIFF stacks; what nets are fed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <zlib.h>

#include "jackdaw/volume.h"
#include "tiff_file.h"

#include "ctx_tmpdir.h"

static void put(uint8_t *p, int bytes, bool big, uint64_t v)
{
    for (int i = 0; i < bytes; i++) p[big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
}
static void put_float(uint8_t *p, bool big, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    put(p, 4, big, bits);
}

enum { DATA = 368, X = 3, Y = 2, Z = 4, N = X * Y * Z };

/* A header as another program writes it, with an extension of 16 bytes. */
static void header(uint8_t *p, bool big, int type, int bytes, float slope, float inter)
{
    memset(p, 0, DATA);
    put(p, 4, big, 348);
    const int dim[8] = {3, X, Y, Z, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++) put(p + 40 + 2 * i, 2, big, (uint64_t)dim[i]);
    put(p + 70, 2, big, (uint64_t)type);
    put(p + 72, 2, big, (uint64_t)(8 * bytes));
    for (int i = 1; i <= 3; i++) put_float(p + 76 + 4 * i, big, 0.5f * (float)i);
    put_float(p + 108, big, DATA);
    put_float(p + 112, big, slope);
    put_float(p + 116, big, inter);
    memcpy(p + 344, "n+1", 4);
    p[348] = 1;
}

static uint64_t bits_of(int type, double x)
{
    if (type == 16) {
        const float f = (float)x;
        uint32_t u;
        memcpy(&u, &f, 4);
        return u;
    }
    if (type == 64) {
        uint64_t u;
        memcpy(&u, &x, 8);
        return u;
    }
    return x < 0 ? (uint64_t)(int64_t)x : (uint64_t)x;
}

static void every_type_and_byte_order(void **state)
{
    (void)state;
    static const struct {
        int type, bytes;
        double low, high;
    } kind[] = {{2, 1, 0, 255},      {256, 1, -128, 127},    {4, 2, -32768, 32767},  {512, 2, 0, 65535},
                {8, 4, -1e9, 1e9},   {768, 4, 0, 4e9},       {1024, 8, -1e15, 1e15}, {1280, 8, 0, 1.7e19},
                {16, 4, -1.5, 3e30}, {64, 8, -0.001, 1e-300}};
    for (size_t k = 0; k < sizeof kind / sizeof *kind; k++)
        for (int big = 0; big < 2; big++) {
            uint8_t file[DATA + N * 8];
            header(file, big, kind[k].type, kind[k].bytes, 0.5f, 3);
            for (int i = 0; i < N; i++)
                put(file + DATA + i * kind[k].bytes, kind[k].bytes, big,
                    bits_of(kind[k].type, i % 2 ? kind[k].high : kind[k].low));
            const char *path = tmpdir_file("a.nii");
            tmpdir_write(path, file, (size_t)(DATA + N * kind[k].bytes));
            jd_volume v = {0};
            assert_int_equal(jd_read_nifti(ctx, path, &v), JD_OK);
            assert_int_equal(v.width, X);
            assert_int_equal(v.height, Y);
            assert_int_equal(v.depth, Z);
            assert_int_equal(v.frames, 1);
            assert_true(v.space.step[2] == 1.5f);
            for (int i = 0; i < N; i++) {
                const double x = i % 2 ? kind[k].high : kind[k].low, want = 0.5 * x + 3;
                const double stored = kind[k].type == 16 ? 0.5 * (double)(float)x + 3 : want;
                if (v.voxels[i] != (float)stored)
                    fail_msg("type %d, voxel %d: %g, not %g", kind[k].type, i, (double)v.voxels[i], stored);
            }
            jd_volume_free(ctx, &v);
        }
}

static void written_and_read_again(void **state)
{
    (void)state;
    static const jd_nifti_type type[] = {JD_NIFTI_U8, JD_NIFTI_I16, JD_NIFTI_F32};
    for (int k = 0; k < 6; k++) {
        float voxels[2 * N];
        for (int i = 0; i < 2 * N; i++)
            voxels[i] = (float)(k / 2 == 2 ? i * 0.37 - 4 : k / 2 ? i * 700 - 20000 : i * 5);
        jd_volume v = {.frames = 2,
                       .depth = Z,
                       .height = Y,
                       .width = X,
                       .voxels = voxels,
                       .space = {.step = {1, 2, 3.5f},
                                 .qfac = -1,
                                 .units = 2,
                                 .qform = 1,
                                 .sform = 2,
                                 .quatern = {0.1f, 0.2f, 0.3f},
                                 .offset = {-9, 8, 7},
                                 .srow = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}},
                  r = {0};
        const char *path = tmpdir_file(k % 2 ? "b.nii.gz" : "b.nii");
        assert_int_equal(jd_write_nifti(ctx, path, &v, type[k / 2]), JD_OK);
        assert_int_equal(jd_read_volume(ctx, path, &r), JD_OK);
        assert_int_equal(r.frames, 2);
        assert_memory_equal(r.voxels, voxels, sizeof voxels);
        assert_memory_equal(&r.space, &v.space, sizeof v.space);
        jd_volume_free(ctx, &r);
    }
}

static void refuse(const uint8_t *file, size_t bytes, const char *says)
{
    const char *path = tmpdir_file("bad.nii");
    jd_volume v = {0};
    tmpdir_write(path, file, bytes);
    assert_int_equal(jd_read_nifti(ctx, path, &v), JD_EDATA);
    if (!strstr(jd_error_message(ctx), says) || !strstr(jd_error_message(ctx), path))
        fail_msg("\"%s\" is not in: %s", says, jd_error_message(ctx));
    assert_null(v.voxels);
    jd_error_clear(ctx);
}

static void lies_are_refused(void **state)
{
    (void)state;
    uint8_t good[DATA + N], bad[DATA + N];
    header(good, false, 2, 1, 0, 0);
    memset(good + DATA, 7, N);
    static const struct {
        int at, bytes;
        uint64_t value;
        const char *says;
    } lie[] = {{0, 4, 540, "a NIfTI-2 file"},
               {0, 4, 349, "no NIfTI-1 header"},
               {0, 4, 0x4452524e, "an NRRD file"},
               {128, 4, 0x4d434944, "one slice in DICOM"},
               {344, 2, 0, "no mark"},
               {40, 2, 0, "0 dimensions"},
               {40, 2, 9, "9 dimensions"},
               {42, 2, 0, "extent 1 is 0"},
               {44, 2, 30000, "cannot stand"},
               {70, 2, 32, "type 32"},
               {70, 2, 128, "type 128"},
               {72, 2, 16, "16 bits a voxel"},
               {108, 4, 0, "voxels from byte 0"},
               {46, 2, 65535, "extent 3 is -1"}};
    for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
        memcpy(bad, good, sizeof good);
        put(bad + lie[i].at, lie[i].bytes, false, lie[i].value);
        refuse(bad, sizeof bad, lie[i].says);
    }
    refuse(good, sizeof good - 1, "cannot stand");
    refuse(good, 100, "within the NIfTI-1 header");
    memcpy(bad, good, sizeof good);
    for (int i = 1; i <= 3; i++) put(bad + 40 + 2 * i, 2, false, 32000);
    refuse(bad, sizeof bad, "more than 268435456 voxels");
    uint8_t longer[DATA + N + 1] = {0};
    memcpy(longer, good, sizeof good);
    refuse(longer, sizeof longer, "data follow");
    /* a label that the type cannot hold */
    float x[1] = {256};
    const jd_volume v = {.frames = 1, .depth = 1, .height = 1, .width = 1, .voxels = x};
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file("c.nii"), &v, JD_NIFTI_U8), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* The voxels in a file of their own, gzip-ed or not; the path names either. */
static void pairs(void **state)
{
    (void)state;
    uint8_t head[DATA], voxels[N];
    header(head, true, 2, 1, 2, 1);
    memcpy(head + 344, "ni1", 4);
    put_float(head + 108, true, 0);
    for (int i = 0; i < N; i++) voxels[i] = (uint8_t)(3 * i);
    tmpdir_write(tmpdir_file("p.hdr"), head, 348);
    tmpdir_write(tmpdir_file("p.img"), voxels, N);
    tmpdir_write(tmpdir_file("q.HDR"), head, 348);
    gzFile f = gzopen(tmpdir_file("q.img.gz"), "wb");
    assert_int_equal(gzwrite(f, voxels, N), N);
    gzclose(f);
    static const char *const name[] = {"p.hdr", "p.img", "q.HDR"};
    for (int k = 0; k < 3; k++) {
        jd_volume v = {0};
        if (jd_read_volume(ctx, tmpdir_file(name[k]), &v)) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(v.depth, Z);
        for (int i = 0; i < N; i++) assert_true(v.voxels[i] == (float)(6 * i + 1));
        jd_volume_free(ctx, &v);
    }
    jd_volume v = {0};
    tmpdir_write(tmpdir_file("p.img"), voxels, N - 1);
    assert_int_equal(jd_read_volume(ctx, tmpdir_file("p.hdr"), &v), JD_EDATA);
    jd_error_clear(ctx);
    remove(tmpdir_file("p.img"));
    assert_int_equal(jd_read_volume(ctx, tmpdir_file("p.hdr"), &v), JD_ENOINPUT);
    assert_non_null(strstr(jd_error_message(ctx), "p.img"));
    jd_error_clear(ctx);
}

static bool have_tiff(void)
{
    jd_volume v = {0};
    tmpdir_write(tmpdir_file("t.tif"), "II*", 4);
    const bool yes = jd_read_tiff(ctx, tmpdir_file("t.tif"), &v) != JD_EABSENT;
    if (!yes) assert_non_null(strstr(jd_error_message(ctx), "libtiff-dev"));
    jd_error_clear(ctx);
    return yes;
}

static void tiff_stacks(void **state)
{
    (void)state;
    if (!have_tiff()) skip();
    static const struct {
        tiff_kind k;
        uint32_t in[2];
        double out[2];
    } c[] = {{{false, 8, 1, 1, 1, 5, 7, false}, {0, 250}, {0, 250}},
             {{true, 8, 1, 0, 3, 5, 7, false}, {0, 250}, {255, 5}},
             {{false, 16, 1, 1, 2, 4, 3, false}, {65535, 9}, {65535, 9}},
             {{true, 16, 2, 1, 2, 4, 3, false}, {65535, 9}, {-1, 9}},
             {{true, 32, 3, 1, 2, 4, 3, false}, {0x3fc00000, 0xc0000000}, {1.5, -2}},
             {{false, 32, 1, 1, 1, 2, 2, false}, {4000000000u, 1}, {4e9, 1}},
             {{false, 8, 2, 1, 2, 5, 9, true}, {200, 3}, {-56, 3}},
             {{true, 16, 1, 1, 1, 16, 11, true}, {513, 3}, {513, 3}},
             {{false, 1, 1, 1, 2, 5, 11, false}, {1, 0}, {1, 0}},
             {{true, 1, 1, 0, 1, 5, 8, false}, {1, 0}, {0, 1}}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        const tiff_kind *k = &c[i].k;
        uint32_t value[512];
        uint8_t file[4096];
        const int n = k->pages * k->height * k->width;
        for (int j = 0; j < n; j++) value[j] = c[i].in[j % 5 == 2];
        const char *path = tmpdir_file("a.tif");
        tmpdir_write(path, file, tiff_file(k, value, file));
        jd_volume v = {0};
        if (jd_read_volume(ctx, path, &v)) fail_msg("file %zu: %s", i, jd_error_message(ctx));
        assert_int_equal(v.depth, k->pages);
        assert_int_equal(v.height, k->height);
        assert_int_equal(v.width, k->width);
        for (int j = 0; j < n; j++)
            if (v.voxels[j] != (float)c[i].out[j % 5 == 2])
                fail_msg("file %zu, voxel %d: %g", i, j, (double)v.voxels[j]);
        jd_volume_free(ctx, &v);
    }
}

static void inputs_of_nets(void **state)
{
    (void)state;
    enum { D = 5, H = 9, W = 12, ALL = D * H * W };
    static float voxels[ALL], x[ALL * JD_VOLUME_INPUTS], again[ALL * JD_VOLUME_INPUTS];
    jd_rng r = jd_rng_new(1, "voxels", 0);
    for (int i = 0; i < ALL; i++) voxels[i] = 300 + 40 * jd_rng_uniform(&r) + 5 * (float)(i % W);
    jd_volume v = {.frames = 1, .depth = D, .height = H, .width = W, .voxels = voxels};
    assert_int_equal(jd_volume_inputs(ctx, &v, x), JD_OK);
    for (int c = 0; c < JD_VOLUME_INPUTS; c++) {
        double sum = 0, square = 0;
        for (int i = 0; i < ALL; i++) {
            sum += (double)x[i * JD_VOLUME_INPUTS + c];
            square += (double)x[i * JD_VOLUME_INPUTS + c] * (double)x[i * JD_VOLUME_INPUTS + c];
        }
        assert_true(fabs(sum / ALL) < 1e-5);
        assert_true(fabs(square / ALL - 1) < 1e-4);
    }
    /* another unit of the scanner makes no difference */
    for (int i = 0; i < ALL; i++) voxels[i] = voxels[i] * 2 - 64;
    assert_int_equal(jd_volume_inputs(ctx, &v, again), JD_OK);
    for (int i = 0; i < ALL * JD_VOLUME_INPUTS; i++) assert_true(fabs((double)x[i] - (double)again[i]) < 1e-4);
    voxels[W + 2] = NAN;
    assert_int_equal(jd_volume_inputs(ctx, &v, x), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "x=2 y=1 z=0"));
    jd_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_type_and_byte_order),
                                       cmocka_unit_test(written_and_read_again),
                                       cmocka_unit_test(lies_are_refused),
                                       cmocka_unit_test(pairs),
                                       cmocka_unit_test(tiff_stacks),
                                       cmocka_unit_test(inputs_of_nets)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
