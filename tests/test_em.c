/* The system em-segmentation: crops, maps from several views, median filter, calibration. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiff_file.h"

#include "../systems/em_crop.c"
#include "../systems/em_data.c"

#include "ctx_tmpdir.h"

enum { SIDE_EM = 40, WINDOW = 7, CROP = 16 };

/* A stack whose labels are a function of its pixels: the middle of a window then tells the label. */
static void make_stack(em_stack *s, uint8_t *pixels, uint8_t *inside)
{
    *s = (em_stack){2, SIDE_EM, SIDE_EM, pixels, inside};
    jd_rng r = jd_rng_new(1, "stack", 0);
    for (int i = 0; i < 2 * SIDE_EM * SIDE_EM; i++) {
        pixels[i] = (uint8_t)jd_rng_below(&r, 256);
        inside[i] = pixels[i] >= 100;
    }
}

static void test_em_crops(void **state)
{
    (void)state;
    static uint8_t pixels[2 * SIDE_EM * SIDE_EM], inside[2 * SIDE_EM * SIDE_EM];
    em_stack s;
    make_stack(&s, pixels, inside);
    const em_crop_options o = {.window = WINDOW, .side = CROP, .every = 1, .seed = 3};
    float x[(CROP + WINDOW - 1) * (CROP + WINDOW - 1)], again[(CROP + WINDOW - 1) * (CROP + WINDOW - 1)];
    int32_t label[CROP * CROP];
    int differ = 0;
    for (int k = 0; k < 40; k++) {
        em_crop(&s, &o, k, x, label);
        for (int i = 0; i < CROP; i++)
            for (int j = 0; j < CROP; j++) {
                const float v = x[(i + WINDOW / 2) * (CROP + WINDOW - 1) + j + WINDOW / 2];
                const int grey = (int)lrintf((v - EM_LOW) / (EM_HIGH - EM_LOW) * 255);
                assert_int_equal(label[i * CROP + j], grey >= 100);
            }
        em_crop(&s, &o, k, again, label);
        assert_memory_equal(x, again, sizeof x);
        em_crop(&s, &o, k + 1, again, label);
        differ += memcmp(x, again, sizeof x) != 0;
    }
    assert_int_equal(differ, 40);
}

/* Bent crops are functions of the index too, and thinned labels are those of the full grid. */
static void test_em_bent(void **state)
{
    (void)state;
    enum { W = CROP + WINDOW - 1 };
    static uint8_t pixels[2 * SIDE_EM * SIDE_EM], inside[2 * SIDE_EM * SIDE_EM];
    em_stack s;
    make_stack(&s, pixels, inside);
    em_crop_options o = {.window = WINDOW, .side = CROP, .every = 1, .angle = 45, .stretch = 0.1, .bend = 2, .seed = 3};
    float x[W * W], thin[W * W];
    int32_t all[CROP * CROP], some[CROP * CROP / 4];
    for (int k = 0; k < 20; k++) {
        o.every = 1;
        em_crop(&s, &o, k, x, all);
        o.every = 2;
        em_crop(&s, &o, k, thin, some);
        assert_memory_equal(x, thin, sizeof x);
        for (int i = 0; i < CROP / 2; i++)
            for (int j = 0; j < CROP / 2; j++) assert_int_equal(some[i * (CROP / 2) + j], all[2 * i * CROP + 2 * j]);
        o.bend = 0;
        em_crop(&s, &o, k, thin, some);
        assert_memory_not_equal(x, thin, sizeof x);
        o.bend = 2;
    }
}

/* The map averaged over the views of a net that sees one pixel is the map itself: the views are turned back rightly. */
static void test_em_map(void **state)
{
    (void)state;
    static uint8_t pixels[2 * SIDE_EM * SIDE_EM], inside[2 * SIDE_EM * SIDE_EM];
    static float one[SIDE_EM * SIDE_EM], eight[SIDE_EM * SIDE_EM];
    em_stack s;
    make_stack(&s, pixels, inside);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_scanner *scan = jd_scanner_new(
        ctx, w, &(jd_scan_options){.net = "dense 2", .height = 1, .width = 1, .channels = 1, .softmax = true});
    assert_int_equal(em_map(ctx, scan, &s, 1, 1, one), JD_OK);
    assert_int_equal(em_map(ctx, scan, &s, 1, 8, eight), JD_OK);
    double spread = 0;
    for (int i = 0; i < SIDE_EM * SIDE_EM; i++) {
        assert_true(fabs((double)(one[i] - eight[i])) < 1e-6);
        spread = fmax(spread, fabs((double)(one[i] - one[0])));
    }
    assert_true(spread > 1e-3);
    jd_scanner_free(scan);
    jd_params_free(w);
}

/* The contest's stacks: the slices that were asked for, labels white inside; what does not fit is refused. */
static void test_stacks(void **state)
{
    (void)state;
    enum { PAGES = 4, H = 6, W = 5, ALL = PAGES * H * W };
    if (!jd_has_tiff()) return;
    static uint8_t file[4096];
    uint32_t pixel[ALL], label[ALL];
    for (uint32_t i = 0; i < ALL; i++) pixel[i] = i * 7 % 256, label[i] = i % 3 ? 255 : 0;
    tiff_kind k = {.bits = 8, .form = 1, .photometric = 1, .pages = PAGES, .height = H, .width = W};
    tmpdir_write(tmpdir_file("train-volume.tif"), file, tiff_file(&k, pixel, file));
    tmpdir_write(tmpdir_file("train-labels.tif"), file, tiff_file(&k, label, file));
    em_stack s = {0};
    assert_int_equal(em_load(ctx, tmpdir_path, 1, 2, &s), JD_OK);
    assert_true(s.n == 2 && s.H == H && s.W == W);
    for (int i = 0; i < 2 * H * W; i++)
        assert_true(s.pixels[i] == pixel[H * W + i] && s.inside[i] == ((H * W + i) % 3 != 0));
    em_free(ctx, &s);
    /* labels of one bit, all slices */
    for (int i = 0; i < ALL; i++) label[i] /= 255;
    tmpdir_write(tmpdir_file("train-labels.tif"), file, tiff_file(&k, label, file));
    assert_int_equal(em_load(ctx, tmpdir_path, 0, 0, &s), JD_OK);
    assert_int_equal(s.n, PAGES);
    for (int i = 0; i < ALL; i++) assert_int_equal(s.inside[i], i % 3 != 0);
    em_free(ctx, &s);
    assert_int_equal(em_load(ctx, tmpdir_path, 3, 2, &s), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "4 slices; 5 are needed"));
    jd_error_clear(ctx);
    k.width = 3;
    tmpdir_write(tmpdir_file("train-labels.tif"), file, tiff_file(&k, label, file));
    assert_int_equal(em_load(ctx, tmpdir_path, 0, 2, &s), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "3 x 6 pixels"));
    jd_error_clear(ctx);
    remove(tmpdir_file("train-labels.tif"));
    assert_int_equal(em_load(ctx, tmpdir_path, 0, 2, &s), JD_ENOINPUT);
    jd_error_clear(ctx);
}

static void test_median_and_calibration(void **state)
{
    (void)state;
    float map[25] = {0};
    map[12] = 9;
    for (int i = 0; i < 5; i++) map[i] = 1;
    assert_int_equal(em_median(ctx, map, 5, 5, 1), JD_OK);
    assert_true(map[12] == 0); /* a lone peak goes */
    assert_true(map[2] == 1);  /* an edge of two rows, half of which are 1 */
    /* predictions that are too high: the truth is p^2, which the cubic family holds */
    enum { N = 200000 };
    static float p[N];
    static uint8_t y[N];
    jd_rng r = jd_rng_new(1, "calibration", 0);
    for (int i = 0; i < N; i++) {
        p[i] = jd_rng_uniform(&r);
        y[i] = jd_rng_uniform(&r) < p[i] * p[i];
    }
    const em_cubic c = em_calibrate(p, y, N);
    for (double v = 0; v <= 1; v += 0.1) assert_true(fabs(em_cubic_at(&c, v) - v * v) < 0.02);
    assert_true(em_cubic_at(&c, 0) == 0 && em_cubic_at(&c, 1) == 1);
    /* a step: no cubic fits, and the answer still rises */
    for (int i = 0; i < N; i++) y[i] = p[i] > 0.9f;
    const em_cubic step = em_calibrate(p, y, N);
    for (int i = 0; i < 1000; i++)
        assert_true(em_cubic_at(&step, (i + 1) / 1000.0) >= em_cubic_at(&step, i / 1000.0) - 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_em_crops), cmocka_unit_test(test_em_bent),
                                       cmocka_unit_test(test_em_map), cmocka_unit_test(test_stacks),
                                       cmocka_unit_test(test_median_and_calibration)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
