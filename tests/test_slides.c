/* The system mitosis: drawn slides, crops, files of nuclei, detections in maps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../systems/names.c"
#include "../systems/slides.c"
#include "../systems/slides_draw.c"
#include "../systems/mitosis_detect.c"

#include "ctx_tmpdir.h"

static void test_drawn_slides(void **state)
{
    (void)state;
    slides a = {0}, b = {0};
    assert_int_equal(slides_draw(ctx, 5, 0, 2, &a), JD_OK);
    assert_int_equal(slides_draw(ctx, 5, 1, 1, &b), JD_OK);
    assert_memory_equal(a.s[1].rgb, b.s[0].rgb, SIDE * SIDE * 3); /* a slide is a function of seed and number */
    assert_true(memcmp(a.s[0].rgb, a.s[1].rgb, SIDE * SIDE * 3) != 0);
    for (size_t k = 0; k < 2; k++) {
        const slide *s = &a.s[k];
        assert_int_equal(s->n, MITOSES);
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; j < i; j++)
                assert_true(hypot((double)(s->truth[i].y - s->truth[j].y), (double)(s->truth[i].x - s->truth[j].x)) >=
                            60);
        for (int64_t p = 0; p < s->H * s->W; p++) {
            double d = 1e9;
            for (size_t i = 0; i < s->n; i++)
                d = fmin(d,
                         hypot((double)(p / s->W) - (double)s->truth[i].y, (double)(p % s->W) - (double)s->truth[i].x));
            assert_int_equal(s->core[p], d <= REACH);
        }
    }
    slides_free(ctx, &a);
    slides_free(ctx, &b);
}

/* Labels of crops are those of the slide at the places that the windows show. */
static void test_slide_crops(void **state)
{
    (void)state;
    enum { H = 60, W = 80, S = 24, N = 9, X = S + N - 1 };
    static uint8_t rgb[H * W * 3], core[H * W];
    static float x[X * X * 3];
    int32_t label[S * S];
    slide one = {.H = H, .W = W, .rgb = rgb, .core = core};
    const slides all = {1, &one};
    for (int i = 0; i < H * W; i++) {
        core[i] = (i / W / 5 + i % W / 7) % 2 == 0;
        for (int c = 0; c < 3; c++) rgb[3 * i + c] = core[i] ? 200 : 50;
    }
    slide_crop_options o = {.window = N, .side = S, .every = 1, .keep = 1};
    int seen[3] = {0};
    for (int k = 0; k < 30; k++) {
        slide_crop(&all, &o, 7, k, x, label);
        for (int i = 0; i < S; i++)
            for (int j = 0; j < S; j++) {
                const int32_t l = label[i * S + j];
                seen[l + 1]++;
                if (l >= 0) assert_int_equal(l, x[((i + N / 2) * X + j + N / 2) * 3] > 0);
            }
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    o.keep = 0.1;
    int kept = 0, positive = 0;
    for (int k = 0; k < 30; k++) {
        slide_crop(&all, &o, 7, k, x, label);
        for (int i = 0; i < S * S; i++) kept += label[i] == 0, positive += label[i] == 1;
    }
    assert_int_equal(positive, seen[2]);
    assert_true(abs(kept - seen[1] / 10) < seen[1] / 40);
}

static void put(const char *name, const char *text)
{
    assert_int_equal(jd_write_file(ctx, tmpdir_file(name), text, strlen(text)), JD_OK);
}

static jd_status load(slides *s)
{
    return slides_load_nuclei(ctx, tmpdir_path, "train", 0.5, true, s);
}

static void test_nuclei_files(void **state)
{
    (void)state;
    enum { H = 20, W = 30 };
    static uint8_t rgb[H * W * 3];
    for (int i = 0; i < H * W; i++) {
        const bool dark = i / W < 4 && i % W < 4; /* stained: a dark spot on a pink ground */
        rgb[3 * i] = dark ? 90 : 230;
        rgb[3 * i + 1] = dark ? 60 : 150;
        rgb[3 * i + 2] = dark ? 120 : 200;
    }
    slides s = {0};
    assert_int_equal(load(&s), JD_ENOINPUT);
    jd_error_clear(ctx);
    assert_int_equal(mkdir(tmpdir_file("image"), 0700), 0);
    assert_int_equal(jd_write_png(ctx, tmpdir_file("image/a.png"), &(jd_picture){H, W, 3, rgb}), JD_OK);
    put("images.tsv", "image\tsplit\tkind\na\ttrain\tcolour\nb\ttest\tdark\n");
    put("train_points.tsv", "image\tx\ty\tarea\na\t1.5\t1.5\t16\na\t29\t19\t400\n");
    assert_int_equal(load(&s), JD_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.s[0].n, 2);
    assert_true(s.s[0].H == H && s.s[0].W == W && s.s[0].truth[1].x == 29 && s.s[0].truth[1].y == 19);
    assert_true(s.s[0].rgb[0] > s.s[0].rgb[(H * W - 1) * 3]); /* the spot is the bright one now */
    assert_true(s.s[0].core[W + 1] && !s.s[0].core[8] && s.s[0].core[15 * W + 28] && !s.s[0].core[12 * W + 28]);
    slides_free(ctx, &s);
    static const char *const bad[] = {"image\tx\ty\tarea\na\t30\t1\t16\n", "image\tx\ty\tarea\na\t1\t-1\t16\n",
                                      "image\tx\ty\tarea\na\t1\t1\tnan\n", "image\tx\tz\tarea\na\t1\t1\t9\n"};
    for (int i = 0; i < 4; i++) {
        put("train_points.tsv", bad[i]);
        assert_int_equal(load(&s), JD_EDATA);
        assert_true(s.n == 0 && !s.s);
        jd_error_clear(ctx);
    }
    put("images.tsv", "image\tsplit\n../a\ttrain\n");
    assert_int_equal(load(&s), JD_EDATA);
    jd_error_clear(ctx);
    put("images.tsv", "image\tsplit\na\ttest\n");
    assert_int_equal(load(&s), JD_EDATA);
    jd_error_clear(ctx);
}

/* As the contest gives them: a mask for each nucleus, every fifth picture to test. */
static void test_contest(void **state)
{
    (void)state;
    enum { H = 12, W = 15 };
    static uint8_t grey[H * W], mask[2][H * W];
    for (int i = 0; i < 3; i++) mask[0][W + 2 + i] = mask[0][2 * W + 2 + i] = mask[0][3 * W + 2 + i] = 255;
    mask[1][9 * W + 11] = mask[1][9 * W + 12] = 255;
    for (int k = 0; k < 6; k++) {
        char path[64], folder[4][32];
        snprintf(folder[0], 32, "bowl/stage1_train/p%d", k);
        snprintf(folder[1], 32, "bowl/stage1_train/p%d/images", k);
        snprintf(folder[2], 32, "bowl/stage1_train/p%d/masks", k);
        mkdir(tmpdir_file("bowl"), 0700), mkdir(tmpdir_file("bowl/stage1_train"), 0700);
        for (int i = 0; i < 3; i++) assert_int_equal(mkdir(tmpdir_file(folder[i]), 0700), 0);
        snprintf(path, sizeof path, "%s/p%d.png", folder[1], k);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(path), &(jd_picture){H, W, 1, grey}), JD_OK);
        for (int i = 0; i < 1 + (k == 4); i++) {
            snprintf(path, sizeof path, "%s/m%d.png", folder[2], i);
            assert_int_equal(jd_write_png(ctx, tmpdir_file(path), &(jd_picture){H, W, 1, mask[i]}), JD_OK);
        }
    }
    slides s = {0};
    assert_int_equal(slides_load_nuclei(ctx, tmpdir_file("bowl"), "train", 0.5, true, &s), JD_OK);
    assert_int_equal(s.n, 5);
    slides_free(ctx, &s);
    assert_int_equal(slides_load_nuclei(ctx, tmpdir_file("bowl"), "test", 0.5, true, &s), JD_OK);
    assert_true(s.n == 1 && s.s[0].n == 2 && s.s[0].H == H && s.s[0].W == W);
    assert_true(s.s[0].truth[0].x == 3 && s.s[0].truth[0].y == 2 && s.s[0].truth[1].x == 11.5f);
    slides_free(ctx, &s);
    assert_int_equal(slides_load_nuclei(ctx, tmpdir_file("bowl/stage1_train"), "test", 0.5, true, &s), JD_OK);
    assert_int_equal(s.n, 6);
    slides_free(ctx, &s);
    assert_int_equal(
        jd_write_png(ctx, tmpdir_file("bowl/stage1_train/p4/masks/m1.png"), &(jd_picture){W, H, 1, mask[1]}), JD_OK);
    assert_int_equal(slides_load_nuclei(ctx, tmpdir_file("bowl"), "test", 0.5, true, &s), JD_EDATA);
    assert_non_null(
        strstr(jd_error_message(ctx), "p4/masks/m1.png: a mask of 12 x 15 pixels for a picture of 15 x 12"));
    jd_error_clear(ctx);
}

/* Two round hills that touch, a flat plain with ripples, and a lone hill too small. */
static void test_pieces(void **state)
{
    (void)state;
    enum { H = 40, W = 60 };
    static float map[H * W];
    static const struct {
        double y, x, height, width;
    } hill[] = {{12, 12, 0.95, 5}, {12, 23, 0.9, 5}, {30, 50, 0.9, 0.8}};
    for (int i = 0; i < H * W; i++) {
        const double y = i / W, x = i % W;
        double v = y > 22 && x < 40 ? 0.5 + 0.04 * sin(y) * sin(x) : 0;
        for (int k = 0; k < 3; k++) {
            const double d = hypot(y - hill[k].y, x - hill[k].x) / hill[k].width;
            v = fmax(v, hill[k].height * exp(-0.5 * d * d));
        }
        map[i] = (float)v;
    }
    const slide s = {.H = H, .W = W};
    jd_point *found = NULL;
    size_t n = 0;
    const detector d = {.threshold = 0.55, .least = 4, .rise = 0.2};
    assert_int_equal(detector_find(ctx, &d, &s, map, &found, &n), JD_OK);
    assert_int_equal(n, 2);
    for (int k = 0; k < 2; k++)
        assert_true(hypot((double)found[k].y - hill[k].y, (double)found[k].x - hill[k].x) < 1.5);
    assert_true(found[0].score >= found[1].score);
    jd_free(ctx, found);
    /* further down the plain counts once, and its ripples not at all */
    const detector low = {.threshold = 0.1, .least = 4, .rise = 0.2};
    assert_int_equal(detector_find(ctx, &low, &s, map, &found, &n), JD_OK);
    assert_int_equal(n, 3);
    jd_free(ctx, found);
}

/* Contrast is stretched where that is asked for. */
static void takes_pictures(void **state)
{
    (void)state;
    uint8_t rgb[2 * 3 * 3];
    for (int i = 0; i < 18; i++) rgb[i] = (uint8_t)(10 + i);
    const jd_picture p = {2, 3, 3, rgb};
    slide a = {0}, b = {0};
    assert_int_equal(slide_take(ctx, &p, false, &a), JD_OK);
    assert_int_equal(slide_take(ctx, &p, true, &b), JD_OK);
    assert_true(a.H == 2 && a.W == 3 && abs(b.rgb[17] - b.rgb[0]) == 255);
    assert_memory_equal(a.rgb, rgb, sizeof rgb);
    slide_free(ctx, &a);
    slide_free(ctx, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_pictures),   cmocka_unit_test(test_drawn_slides),
                                       cmocka_unit_test(test_slide_crops), cmocka_unit_test(test_nuclei_files),
                                       cmocka_unit_test(test_contest),     cmocka_unit_test(test_pieces)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
