/* Contrast normalisation, resampling and width normalisation against references computed by hand or directly. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/prepare.h"
#include "ctx.h"

static jd_images wrap(uint8_t *pixels, size_t n, int h, int w, int channels)
{
    return (jd_images){.count = n, .height = h, .width = w, .channels = channels, .pixels = pixels};
}

/* Contrast of one grey picture of 8 x 8. */
static void grey(uint8_t p[64], jd_contrast o)
{
    jd_images im = wrap(p, 1, 8, 8, 1);
    assert_int_equal(jd_images_contrast(ctx, &im, &o), JD_OK);
}

/* 64 pixels, so that one pixel is more than 1 %: the darkest, 40, and the brightest, 200, are the ends of the line. */
static void stretch_by_hand(void **state)
{
    (void)state;
    uint8_t p[64];
    for (int i = 0; i < 64; i++) p[i] = (uint8_t)(100 + i % 3 * 10);
    p[5] = 40, p[6] = 200, p[7] = 60;
    grey(p, (jd_contrast){.kind = JD_CONTRAST_STRETCH});
    assert_int_equal(p[5], 0);
    assert_int_equal(p[6], 255);
    assert_int_equal(p[7], 32);  /* 255 * 20/160 = 31.875 */
    assert_int_equal(p[0], 96);  /* 255 * 60/160 = 95.625 */
    assert_int_equal(p[1], 112); /* 255 * 70/160 = 111.56 */
    /* of 400 pixels four are exactly 1 %: those saturate, the fifth is the end */
    uint8_t q[400];
    memset(q, 100, sizeof q);
    for (int i = 0; i < 4; i++) q[i] = (uint8_t)(10 + i), q[399 - i] = (uint8_t)(250 - i);
    q[4] = 50, q[395] = 150;
    jd_images im = wrap(q, 1, 20, 20, 1);
    assert_int_equal(jd_images_contrast(ctx, &im, &(jd_contrast){.kind = JD_CONTRAST_STRETCH}), JD_OK);
    for (int i = 0; i < 5; i++) assert_true(q[i] == 0 && q[399 - i] == 255);
    assert_int_equal(q[200], 128);
}

static void histeq_by_hand(void **state)
{
    (void)state;
    uint8_t p[64];
    memset(p, 10, 16); /* a quarter each of 10 and 20, half of 30 */
    memset(p + 16, 20, 16);
    memset(p + 32, 30, 32);
    grey(p, (jd_contrast){.kind = JD_CONTRAST_HISTEQ});
    assert_int_equal(p[0], 64);
    assert_int_equal(p[16], 128);
    assert_int_equal(p[63], 255);
    memset(p, 77, sizeof p); /* one level: nothing to spread */
    grey(p, (jd_contrast){.kind = JD_CONTRAST_HISTEQ});
    assert_int_equal(p[9], 77);
}

/* All 256 levels, unevenly: the distribution of the result is the diagonal within 1/256. */
static void histeq_is_flat(void **state)
{
    (void)state;
    enum { SIDE = 256, N = SIDE * SIDE };
    uint8_t *p = malloc(N);
    assert_non_null(p);
    jd_rng r = jd_rng_new(4, "test", 0);
    for (int i = 0; i < N; i++) {
        const double u = jd_rng_uniform64(&r);
        p[i] = i < 256 ? (uint8_t)i : (uint8_t)(255.99 * (0.7 * u + 0.3 * u * u));
    }
    jd_images im = wrap(p, 1, SIDE, SIDE, 1);
    assert_int_equal(jd_images_contrast(ctx, &im, &(jd_contrast){.kind = JD_CONTRAST_HISTEQ}), JD_OK);
    int count[256] = {0};
    for (int i = 0; i < N; i++) count[p[i]]++;
    double sum = 0, worst = 0;
    for (int k = 0; k < 256; k++) {
        sum += count[k];
        if (count[k]) worst = fmax(worst, fabs(sum / N - k / 255.0));
    }
    if (worst > 1.0 / 256) fail_msg("off the diagonal by %g of 1/256", worst * 256);
    free(p);
}

/* One tile without clipping is the global method. */
static void adaptive_of_one_tile(void **state)
{
    (void)state;
    uint8_t p[64], q[64];
    jd_rng r = jd_rng_new(9, "test", 1);
    for (int i = 0; i < 64; i++) p[i] = q[i] = (uint8_t)(40 + jd_rng_below(&r, 90));
    grey(p, (jd_contrast){.kind = JD_CONTRAST_ADAPTIVE, .tile = 8, .clip = 1});
    grey(q, (jd_contrast){.kind = JD_CONTRAST_HISTEQ});
    assert_memory_equal(p, q, 64);
}

/* Four tiles of 4 x 4.  Each tile holds 8 pixels of its darker and 8 of its brighter level, so without clipping its map
 * takes the darker one to 1/2 and the brighter one to 1.  Left 100 and 200, right 50 and 150. */
static void adaptive_by_hand(void **state)
{
    (void)state;
    uint8_t p[64];
    for (int i = 0; i < 64; i++) {
        const int x = i % 8, odd = (i / 8 + x) % 2;
        p[i] = (uint8_t)(x < 4 ? (odd ? 200 : 100) : odd ? 150 : 50);
    }
    grey(p, (jd_contrast){.kind = JD_CONTRAST_ADAPTIVE, .tile = 4, .clip = 1});
    /* the centres are at 1.5 and 5.5; column 0 lies before the first: the left map alone */
    assert_true(p[0] == 128 && p[1] == 255);
    assert_int_equal(p[2], 128); /* level 100: 1/2 in both maps */
    assert_int_equal(p[3], 255); /* level 200: 1 in both */
    assert_int_equal(p[4], 80);  /* level 50, 5/8 of the way: 0 left, 1/2 right */
    assert_int_equal(p[5], 239); /* level 150, 7/8 of the way: 1/2 left, 1 right: 15/16 */
    assert_int_equal(p[7], 255); /* past the last centre */
}

/* 16 pixels, a tiny clip: the limit is ceil(16/256) = 1, so two levels keep 1 each and 14 are spread over 256 levels. */
static void adaptive_clipped(void **state)
{
    (void)state;
    uint8_t p[16];
    for (int i = 0; i < 16; i++) p[i] = i < 8 ? 100 : 200;
    jd_images im = wrap(p, 1, 4, 4, 1);
    const jd_contrast o = {.kind = JD_CONTRAST_ADAPTIVE, .tile = 4, .clip = 1e-9};
    assert_int_equal(jd_images_contrast(ctx, &im, &o), JD_OK);
    assert_int_equal(p[0], (int)lrint(255 * (1 + 101 * 14.0 / 256) / 16));
    assert_int_equal(p[15], (int)lrint(255 * (2 + 201 * 14.0 / 256) / 16));
}

/* A step edge: flat parts become the middle, and both sides of the edge go the same way apart. */
static void edges_of_a_step(void **state)
{
    (void)state;
    uint8_t p[256];
    for (int i = 0; i < 256; i++) p[i] = i % 16 < 8 ? 60 : 180;
    jd_images im = wrap(p, 1, 16, 16, 1);
    assert_int_equal(jd_images_contrast(ctx, &im, &(jd_contrast){.kind = JD_CONTRAST_EDGES}), JD_OK);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) {
            const int v = p[y * 16 + x];
            if (x < 6 || x > 9) assert_in_range(v, 127, 128);
            if (x == 7) assert_int_equal(v, 0);
            if (x == 8) assert_int_equal(v, 255);
        }
    /* by hand: along the row the narrow Gaussian has the weights 1, exp(-2), exp(-8), the wide one 1, exp(-1/8),
     * exp(-1/2); at distance 1 from the edge one, at distance 2 two of five columns lie beyond it */
    const double n1 = 1 + 2 * (exp(-2) + exp(-8)), n2 = 1 + 2 * (exp(-0.125) + exp(-0.5));
    const double far = exp(-8) / n1 - exp(-0.5) / n2, near = (exp(-2) + exp(-8)) / n1 - (exp(-0.125) + exp(-0.5)) / n2;
    assert_int_equal(p[6], (int)floor(255 * (0.5 - 0.5 * far / near) + 0.5));
}

static void lab_round_trip(void **state)
{
    (void)state;
    int worst = 0;
    for (int a = 0; a < 256; a += 15)
        for (int b = 0; b < 256; b += 5)
            for (int c = 0; c < 256; c += 15) {
                const uint8_t rgb[3] = {(uint8_t)a, (uint8_t)b, (uint8_t)c};
                uint8_t back[3];
                double lab[3];
                jd_rgb_to_lab(rgb, lab);
                assert_true(lab[0] >= -1e-9 && lab[0] <= 100 + 1e-3);
                jd_lab_to_rgb(lab, back);
                for (int k = 0; k < 3; k++) worst = abs(back[k] - rgb[k]) > worst ? abs(back[k] - rgb[k]) : worst;
            }
    assert_true(worst <= 1);
    /* published values of sRGB primaries under D65 */
    double red[3], white[3], grey_[3];
    jd_rgb_to_lab((const uint8_t[]){255, 0, 0}, red);
    jd_rgb_to_lab((const uint8_t[]){255, 255, 255}, white);
    jd_rgb_to_lab((const uint8_t[]){119, 119, 119}, grey_);
    assert_true(fabs(red[0] - 53.24) < 0.02 && fabs(red[1] - 80.09) < 0.05 && fabs(red[2] - 67.20) < 0.05);
    assert_true(fabs(white[0] - 100) < 1e-3 && fabs(white[1]) < 0.01 && fabs(white[2]) < 0.01);
    assert_true(fabs(grey_[0] - 50.03) < 0.05);
}

/* In colour the lightness is what changes: a grey RGB picture stays grey and equals the grey picture's result in L. */
static void colour(void **state)
{
    (void)state;
    uint8_t p[64 * 3];
    for (int i = 0; i < 64; i++) p[3 * i] = p[3 * i + 1] = p[3 * i + 2] = (uint8_t)(i < 32 ? 80 : 90);
    p[0] = 200, p[1] = 30, p[2] = 40;
    for (int k = 1; k < JD_CONTRAST_KINDS; k++) {
        uint8_t q[64 * 3];
        memcpy(q, p, sizeof q);
        jd_images im = wrap(q, 1, 8, 8, 3);
        assert_int_equal(jd_images_contrast(ctx, &im, &(jd_contrast){.kind = (jd_contrast_kind)k}), JD_OK);
        for (int i = 1; i < 64; i++)
            assert_true(abs(q[3 * i] - q[3 * i + 1]) <= 1 && abs(q[3 * i] - q[3 * i + 2]) <= 1);
        assert_memory_not_equal(p, q, sizeof q);
    }
    uint8_t q[64 * 3];
    memcpy(q, p, sizeof q);
    jd_images im = wrap(q, 1, 8, 8, 3);
    jd_images_contrast(ctx, &im, &(jd_contrast){.kind = JD_CONTRAST_HISTEQ});
    assert_true(q[0] > q[1] && q[0] > q[2]); /* red stays red */
    assert_true(q[63 * 3] >= 245);           /* 63 of 64 pixels are not brighter: L = 98.4 */
}

static void area(void **state)
{
    (void)state;
    const uint8_t p[] = {0, 10, 20, 30, 40, 50, 60, 70, 80}; /* 3 x 3 */
    uint8_t out[9];
    jd_resize_area(p, 3, 3, 1, out, 3, 3);
    assert_memory_equal(out, p, 9);
    jd_resize_area(p, 3, 3, 1, out, 1, 1);
    assert_int_equal(out[0], 40);
    /* 2 x 2: the upper left covers 1.5 x 1.5 pixels: (0 + 10/2 + 30/2 + 40/4) / 2.25 = 13.33 */
    jd_resize_area(p, 3, 3, 1, out, 2, 2);
    assert_int_equal(out[0], 13);
    assert_int_equal(out[1], 27); /* (10/2 + 20 + 40/4 + 50/2) / 2.25 = 26.67 */
    assert_int_equal(out[3], 67);
    /* colours do not mix */
    const uint8_t rgb[] = {10, 100, 200, 30, 120, 220};
    jd_resize_area(rgb, 1, 2, 3, out, 1, 1);
    assert_true(out[0] == 20 && out[1] == 110 && out[2] == 210);
    /* 28 to 16 keeps the mean */
    uint8_t a[784], b[256];
    double before = 0, after = 0;
    for (int i = 0; i < 784; i++) before += a[i] = (uint8_t)(i * 37 % 251);
    jd_resize_area(a, 28, 28, 1, b, 16, 16);
    for (int i = 0; i < 256; i++) after += b[i];
    assert_true(fabs(before / 784 - after / 256) < 0.1);
}

static void bilinear(void **state)
{
    (void)state;
    const uint8_t p[] = {0, 100, 40, 200};
    uint8_t out[16];
    jd_resize_bilinear(p, 2, 2, 1, 0, 0, 2, 2, out, 2, 2);
    assert_memory_equal(out, p, 4);
    jd_resize_bilinear(p, 2, 2, 1, 0, 0, 2, 2, out, 4, 4); /* centres at -.25 (the edge), .25, .75, 1.25 */
    assert_true(out[0] == 0 && out[1] == 25 && out[2] == 75 && out[3] == 100);
    assert_int_equal(out[4], 10);
    assert_int_equal(out[5], 39);                          /* .75 * 25 + .25 * (40 + 160/4) = 38.75 */
    jd_resize_bilinear(p, 2, 2, 1, 1, 0, 2, 1, out, 1, 1); /* one pixel cut out */
    assert_int_equal(out[0], 100);
    jd_resize_bilinear(p, 2, 2, 1, 5, 5, 9, 9, out, 1, 1); /* outside, the edge goes on */
    assert_int_equal(out[0], 200);
}

static void ink_width(void **state)
{
    (void)state;
    enum { W = 10, H = 3 };
    uint8_t p[2 * H * W] = {0};
    for (int y = 0; y < H; y++)
        for (int x = 0; x < 4; x++)
            p[y * W + x + 1] = (uint8_t)(100 + 10 * y); /* columns 1 to 4; the second is empty */
    jd_images im = wrap(p, 2, H, W, 1);
    assert_int_equal(jd_images_ink_width(ctx, &im, 8), JD_OK);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            /* the outermost samples lie a quarter of a column outside */
            const double share = x < 1 || x > 8 ? 0 : x == 1 || x == 8 ? 0.75 : 1;
            assert_int_equal(p[y * W + x], (int)floor(share * (100 + 10 * y) + 0.5));
        }
    for (int i = H * W; i < 2 * H * W; i++) assert_int_equal(p[i], 0);
    assert_int_equal(jd_images_ink_width(ctx, &im, 2), JD_OK); /* and together again */
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) assert_int_equal(p[y * W + x], x == 4 || x == 5 ? 100 + 10 * y : 0);
    assert_int_equal(jd_images_ink_width(ctx, &im, 11), JD_EUSAGE);
    jd_error_clear(ctx);
}

static void resized_set(void **state)
{
    (void)state;
    uint8_t *p = jd_alloc_array(ctx, 2, 16);
    for (int i = 0; i < 32; i++) p[i] = (uint8_t)(i < 16 ? 50 : i);
    jd_images im = wrap(p, 2, 4, 4, 1);
    assert_int_equal(jd_images_resize(ctx, &im, 2, 2), JD_OK);
    assert_true(im.height == 2 && im.width == 2 && im.pixels[0] == 50);
    assert_int_equal(im.pixels[4], 19); /* (16 + 17 + 20 + 21) / 4 = 18.5 */
    assert_int_equal(jd_images_resize(ctx, &im, 0, 2), JD_EUSAGE);
    jd_error_clear(ctx);
    jd_images_free(ctx, &im);
}

static void refusals(void **state)
{
    (void)state;
    uint8_t p[64] = {0};
    const jd_contrast bad[] = {{.kind = (jd_contrast_kind)9},
                               {.kind = JD_CONTRAST_ADAPTIVE, .tile = 9},
                               {.kind = JD_CONTRAST_ADAPTIVE, .tile = -1},
                               {.kind = JD_CONTRAST_ADAPTIVE, .clip = 2},
                               {.kind = JD_CONTRAST_ADAPTIVE, .clip = (double)NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jd_images im = wrap(p, 1, 8, 8, 1);
        assert_int_equal(jd_images_contrast(ctx, &im, &bad[i]), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    jd_images two = wrap(p, 1, 4, 8, 2);
    assert_int_equal(jd_images_contrast(ctx, &two, &(jd_contrast){.kind = JD_CONTRAST_HISTEQ}), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_contrast_name((jd_contrast_kind)9));
    assert_string_equal(jd_contrast_name(JD_CONTRAST_ADAPTIVE), "adapthisteq");
}

/* A line does what its calls do, one after the other. */
static void lines(void **state)
{
    (void)state;
    uint8_t a[12 * 10 * 3], b[sizeof a];
    jd_rng r = jd_rng_new(3, "lines", 0);
    for (size_t i = 0; i < sizeof a; i++) a[i] = b[i] = (uint8_t)jd_rng_below(&r, 256);
    jd_images x = wrap(a, 1, 12, 10, 3), y = wrap(b, 1, 12, 10, 3);
    x.pixels = jd_alloc(ctx, sizeof a);
    y.pixels = jd_alloc(ctx, sizeof b);
    memcpy(x.pixels, a, sizeof a);
    memcpy(y.pixels, b, sizeof b);
    assert_int_equal(jd_images_prepare(ctx, &x, "resize 9 8,adapthisteq tile 3 clip 0.2, imadjust"), JD_OK);
    jd_images_resize(ctx, &y, 9, 8);
    jd_images_contrast(ctx, &y, &(jd_contrast){.kind = JD_CONTRAST_ADAPTIVE, .tile = 3, .clip = 0.2});
    jd_images_contrast(ctx, &y, &(jd_contrast){.kind = JD_CONTRAST_STRETCH});
    assert_int_equal(x.height, 9);
    assert_int_equal(x.width, 8);
    assert_memory_equal(x.pixels, y.pixels, 9 * 8 * 3);
    for (int k = 1; k < JD_CONTRAST_KINDS; k++) {
        assert_int_equal(jd_images_prepare(ctx, &x, jd_contrast_name((jd_contrast_kind)k)), JD_OK);
        jd_images_contrast(ctx, &y, &(jd_contrast){.kind = (jd_contrast_kind)k});
        assert_memory_equal(x.pixels, y.pixels, 9 * 8 * 3);
    }
    assert_int_equal(jd_images_prepare(ctx, &x, ""), JD_OK);
    assert_int_equal(jd_images_prepare(ctx, &x, "surround 1 4"), JD_OK);
    jd_images_surround(ctx, &y, 1, 4);
    assert_memory_equal(x.pixels, y.pixels, 9 * 8 * 3);
    int h = 9, w = 8;
    assert_int_equal(jd_prepared_size(ctx, "histeq, resize 5 6", &h, &w), JD_OK);
    assert_true(h == 5 && w == 6);
    static const char *const bad[] = {"resize 5", "resize 5 x",    "resise 5 5",   "histeq tile 3",
                                      "histeq,",  "adapthisteq 3", "resize 0 5",   "adapthisteq clip nan",
                                      ",",        "ink-width 3",   "resize 5 1e9", "surround 4 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(jd_images_prepare(ctx, &x, bad[i]), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    jd_images_free(ctx, &x);
    jd_images_free(ctx, &y);
}

/* One bright pixel: brighter than its surroundings there, darker around it, and what is even stays in the middle. */
static void surround_by_hand(void **state)
{
    (void)state;
    uint8_t p[31 * 31] = {0};
    p[15 * 31 + 15] = 250;
    jd_images im = wrap(p, 1, 31, 31, 1);
    assert_int_equal(jd_images_surround(ctx, &im, 1, 4), JD_OK);
    assert_int_equal(p[15 * 31 + 15], 255);
    assert_true(p[15 * 31 + 19] < 128 && p[11 * 31 + 15] == p[15 * 31 + 19]);
    assert_int_equal(p[0], 128);
    memset(p, 77, sizeof p);
    assert_int_equal(jd_images_surround(ctx, &im, 1, 4), JD_OK);
    for (size_t k = 0; k < sizeof p; k++) assert_true(abs(p[k] - 128) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(surround_by_hand),
        cmocka_unit_test(stretch_by_hand),
        cmocka_unit_test(histeq_by_hand),
        cmocka_unit_test(histeq_is_flat),
        cmocka_unit_test(adaptive_of_one_tile),
        cmocka_unit_test(adaptive_by_hand),
        cmocka_unit_test(adaptive_clipped),
        cmocka_unit_test(edges_of_a_step),
        cmocka_unit_test(lab_round_trip),
        cmocka_unit_test(colour),
        cmocka_unit_test(area),
        cmocka_unit_test(bilinear),
        cmocka_unit_test(ink_width),
        cmocka_unit_test(resized_set),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
