/* Deformations: against a direct computation in float64, the ranges of the 2010 paper, equal bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "jackdaw/augment.h"
#include "ctx.h"

#define PI 3.14159265358979323846

#define GOLDEN                                                                                                         \
    0x972eaf535346f897u /* of the bits of 64 deformed images; the same for every compiler and instruction set */

enum { H = 28, W = 28, OH = 29, OW = 29, OUT = OH * OW };

static void make_image(uint8_t *p)
{
    jd_rng r = jd_rng_new(5, "test", 0);
    for (int i = 0; i < H * W; i++) p[i] = (uint8_t)jd_rng_u32(&r);
}

/* A horizontal bar through the centre, soft at its ends. */
static void make_bar(uint8_t *p)
{
    memset(p, 0, H * W);
    for (int x = 6; x < 22; x++) p[13 * W + x] = p[14 * W + x] = 255;
}

static void no_deformation(void **state)
{
    (void)state;
    uint8_t image[H * W];
    float x[OUT];
    make_image(image);
    jd_deform_options o = {0};
    jd_deformer *d = jd_deformer_new(ctx, &o, H, W, 1, OH, OW);
    assert_non_null(d);
    jd_deform(d, 1, 2, 3, 4, image, x);
    for (int r = 0; r < OH; r++)
        for (int c = 0; c < OW; c++) {
            const float want = r < H && c < W ? (float)image[r * W + c] / 127.5f - 1.f : -1.f;
            if (x[r * OW + c] != want) fail_msg("(%d,%d): %.9g, not %.9g", r, c, (double)x[r * OW + c], (double)want);
        }
    jd_deformer_free(d);
}

/* U(-1,1) of pixel (r,c) by the stated layout of the field: 16 bits of word r*32+c for each axis. */
static double noise_at(const jd_rng *rng, int r, int c, int axis)
{
    if (r < 0 || r >= OH || c < 0 || c >= OW) return 0.0;
    const uint32_t word = (uint32_t)(r * 32 + c);
    const uint32_t ctr[4] = {word / 128 * 32 + word % 32, rng->ctr[1], rng->ctr[2], rng->ctr[3]};
    uint32_t out[4];
    jd_philox4x32(ctr, rng->key, out);
    const uint32_t bits = out[word / 32 % 4];
    return ((double)(axis ? bits >> 16 : bits & 0xffff) - 32767.5) / 32768.0;
}

static double pixel_at(const uint8_t *image, int r, int c)
{
    return r < 0 || r >= H || c < 0 || c >= W ? 0.0 : (double)image[r * W + c];
}

static double bilinear(const uint8_t *image, double x, double y)
{
    const int c = (int)floor(x), r = (int)floor(y);
    const double fx = x - c, fy = y - r;
    return (1 - fy) * ((1 - fx) * pixel_at(image, r, c) + fx * pixel_at(image, r, c + 1)) +
           fy * ((1 - fx) * pixel_at(image, r + 1, c) + fx * pixel_at(image, r + 1, c + 1));
}

/* The elastic part alone, with sigma and alpha fixed: two-dimensional Gaussian of 21 x 21 taps that sum to 1. */
static void elastic_reference(void **state)
{
    (void)state;
    const double sigma = 5.5, alpha = 37.0;
    uint8_t image[H * W];
    float x[OUT];
    make_image(image);
    const jd_deform_options o = {.sigma_min = 5.5f, .sigma_max = 5.5f, .alpha_min = 37.f, .alpha_max = 37.f};
    jd_deformer *d = jd_deformer_new(ctx, &o, H, W, 1, OH, OW);
    jd_deform(d, 11, 3, 77, 8, image, x);
    jd_deformer_free(d);

    const jd_rng rng = jd_rng_new(11, "deform/field", (uint64_t)3 << 32 | 77);
    double sum = 0.0, worst = 0.0, power = 0.0;
    for (int a = -10; a <= 10; a++)
        for (int b = -10; b <= 10; b++) sum += exp(-(a * a + b * b) / (2 * sigma * sigma));
    for (int r = 0; r < OH; r++)
        for (int c = 0; c < OW; c++) {
            double shift[2] = {0.0, 0.0};
            for (int axis = 0; axis < 2; axis++)
                for (int a = -10; a <= 10; a++)
                    for (int b = -10; b <= 10; b++)
                        shift[axis] +=
                            exp(-(a * a + b * b) / (2 * sigma * sigma)) / sum * noise_at(&rng, r + a, c + b, axis);
            power += alpha * alpha * (shift[0] * shift[0] + shift[1] * shift[1]) / (2 * OUT);
            const double want = bilinear(image, c + alpha * shift[0], r + alpha * shift[1]) / 127.5 - 1.0;
            worst = fmax(worst, fabs(want - (double)x[r * OW + c]));
        }
    if (worst > 2e-4) fail_msg("differs by %g", worst);
    /* about one pixel: alpha stands after a blur whose taps sum to 1 */
    if (power < 0.3 || power > 3.0) fail_msg("mean squared displacement %g", power);
}

/* Orientation of the bright pixels in degrees and their extent along x, from second moments. */
static double orientation(const float *x, double *extent)
{
    double m = 0, mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
    for (int r = 0; r < OH; r++)
        for (int c = 0; c < OW; c++) {
            const double w = (double)x[r * OW + c] + 1.0;
            m += w, mx += w * c, my += w * r, xx += w * c * c, xy += w * c * r, yy += w * r * r;
        }
    mx /= m, my /= m;
    xx = xx / m - mx * mx, xy = xy / m - mx * my, yy = yy / m - my * my;
    *extent = sqrt(12.0 * xx);
    return 0.5 * atan2(2 * xy, xx - yy) * 180.0 / PI;
}

static void angle_range(const jd_deform_options *o, int label, double limit)
{
    uint8_t bar[H * W];
    float x[OUT];
    double least = 0, most = 0, extent;
    make_bar(bar);
    jd_deformer *d = jd_deformer_new(ctx, o, H, W, 1, OH, OW);
    for (uint32_t i = 0; i < 300; i++) {
        jd_deform(d, 1, 0, i, label, bar, x);
        const double a = orientation(x, &extent);
        least = fmin(least, a);
        most = fmax(most, a);
    }
    jd_deformer_free(d);
    if (most > limit + 0.3 || least < -limit - 0.3 || most < 0.93 * limit || least > -0.93 * limit)
        fail_msg("class %d: angles from %g to %g, not +-%g", label, least, most, limit);
}

static void rotation_ranges(void **state)
{
    (void)state;
    jd_deform_options o = jd_deform_mnist2010();
    o.alpha_min = o.alpha_max = o.scale_min = o.scale_max = 0.f;
    o.shear = false;
    for (int label = 0; label < 10; label++) angle_range(&o, label, label == 1 || label == 7 ? 7.5 : 15.0);
}

/* With shear, about half of the samples leave a horizontal bar horizontal. */
static void shear_is_horizontal(void **state)
{
    (void)state;
    uint8_t bar[H * W];
    float x[OUT];
    double extent;
    int level = 0;
    make_bar(bar);
    jd_deform_options o = {.angle = 15.f, .shear = true};
    jd_deformer *d = jd_deformer_new(ctx, &o, H, W, 1, OH, OW);
    for (uint32_t i = 0; i < 400; i++) {
        jd_deform(d, 2, 0, i, 3, bar, x);
        /* rows 13 and 14 only: nothing moved up or down */
        float other = 0.f;
        for (int k = 0; k < OUT; k++)
            if (k / OW != 13 && k / OW != 14) other += x[k] + 1.f;
        level += other == 0.f;
        if (other == 0.f && fabs(orientation(x, &extent)) > 3.0) fail_msg("a sheared bar is turned");
    }
    jd_deformer_free(d);
    if (level < 150 || level > 250) fail_msg("%d of 400 are sheared", level);
}

static void scale_range(void **state)
{
    (void)state;
    uint8_t bar[H * W];
    float x[OUT];
    double least = 1e9, most = 0, plain, extent;
    make_bar(bar);
    const jd_deform_options none = {0}, o = {.scale_min = 20.f, .scale_max = 20.f};
    jd_deformer *d = jd_deformer_new(ctx, &none, H, W, 1, OH, OW);
    jd_deform(d, 1, 0, 0, 0, bar, x);
    orientation(x, &plain);
    jd_deformer_free(d);
    d = jd_deformer_new(ctx, &o, H, W, 1, OH, OW);
    for (uint32_t i = 0; i < 400; i++) {
        jd_deform(d, 3, 0, i, 0, bar, x);
        orientation(x, &extent);
        least = fmin(least, extent / plain);
        most = fmax(most, extent / plain);
    }
    jd_deformer_free(d);
    if (least < 0.78 || least > 0.83 || most < 1.17 || most > 1.22)
        fail_msg("factors from %g to %g, not 0.8 to 1.2", least, most);
}

/* Colour pictures, mirrored or not, and moved. */
static void mirror_and_channels(void **state)
{
    (void)state;
    uint8_t image[5 * 7 * 3];
    float x[5 * 7 * 3];
    for (int i = 0; i < 105; i++) image[i] = (uint8_t)(2 * i);
    const jd_deform_options o = {.mirror = true, .low = 0.f, .high = 255.f};
    jd_deformer *d = jd_deformer_new(ctx, &o, 5, 7, 3, 5, 7);
    int mirrored = 0;
    for (uint32_t i = 0; i < 100; i++) {
        jd_deform(d, 1, 0, i, -1, image, x);
        const bool flip = x[0] != 0.f;
        mirrored += flip;
        for (int r = 0; r < 5; r++)
            for (int c = 0; c < 7; c++)
                for (int k = 0; k < 3; k++) {
                    const int want = image[(r * 7 + (flip ? 6 - c : c)) * 3 + k];
                    if (x[(r * 7 + c) * 3 + k] != (float)want) fail_msg("(%d,%d,%d)", r, c, k);
                }
    }
    jd_deformer_free(d);
    assert_in_range(mirrored, 30, 70);

    const jd_deform_options far = {.shift = 4000.f, .background = 51, .low = 0.f, .high = 1.f};
    d = jd_deformer_new(ctx, &far, 5, 7, 3, 5, 7);
    jd_deform(d, 1, 0, 1, -1, image, x);
    jd_deformer_free(d);
    for (int i = 0; i < 105; i++) assert_true(x[i] == 0.2f); /* moved out of sight: all background */
}

static uint64_t digest(const float *x, size_t n)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        for (int b = 0; b < 4; b++) h = (h ^ (bits >> 8 * b & 255)) * 1099511628211u;
    }
    return h;
}

static void same_bits(void **state)
{
    (void)state;
    uint8_t image[H * W];
    static float a[64 * OUT], b[OUT];
    make_image(image);
    const jd_deform_options o = jd_deform_mnist2010();
    jd_deformer *d = jd_deformer_new(ctx, &o, H, W, 1, OH, OW), *e = jd_deformer_new(ctx, &o, H, W, 1, OH, OW);
    for (uint32_t i = 0; i < 64; i++) jd_deform(d, 9, 1, i, (int)i % 10, image, a + i * OUT);
    for (uint32_t i = 64; i-- > 0;) { /* another object, another order */
        jd_deform(e, 9, 1, i, (int)i % 10, image, b);
        assert_memory_equal(a + i * OUT, b, sizeof b);
        for (int k = 0; k < OUT; k++) assert_true(b[k] >= -1.f && b[k] <= 1.f);
    }
    const uint64_t h = digest(a, 64 * OUT);
    if (h != GOLDEN) fail_msg("digest 0x%016llx", (unsigned long long)h);
    jd_deform(e, 9, 2, 0, 0, image, b);
    assert_memory_not_equal(a, b, sizeof b); /* another epoch */
    jd_deform(e, 8, 1, 0, 0, image, b);
    assert_memory_not_equal(a, b, sizeof b); /* another seed */

    const jd_images set = {
        .count = 1, .height = H, .width = W, .channels = 1, .pixels = image, .labels = &(int32_t){7}};
    const uint32_t index[2] = {0, 0};
    int32_t y[2];
    static float two[2 * OUT];
    jd_deform_batch(d, 9, 1, &set, index, 2, two, y);
    jd_deform(e, 9, 1, 0, 7, image, b);
    assert_memory_equal(two, b, sizeof b);
    assert_memory_equal(two + OUT, b, sizeof b);
    assert_int_equal(y[1], 7);
    jd_deformer_free(d);
    jd_deformer_free(e);
}

static void refuse(jd_deform_options o, int h, int ch, const char *word)
{
    assert_null(jd_deformer_new(ctx, &o, h, W, ch, OH, OW));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), word));
    jd_error_clear(ctx);
}

static void wrong_use(void **state)
{
    (void)state;
    refuse((jd_deform_options){0}, 0, 1, "side");
    refuse((jd_deform_options){0}, 4097, 1, "side");
    refuse((jd_deform_options){0}, H, 17, "channels");
    refuse((jd_deform_options){.alpha_min = 1.f, .alpha_max = 1.f}, H, 1, "sigma");
    refuse((jd_deform_options){.scale_min = 20.f, .scale_max = 15.f}, H, 1, "scale");
    refuse((jd_deform_options){.angle = NAN}, H, 1, "angle");
}

/* Colours are deformed alike and do not mix; with edges that go on, nothing but the picture's own colours appears. */
static void colour_with_edges(void **state)
{
    (void)state;
    enum { SIDE = 9, C = 3 };
    uint8_t image[SIDE * SIDE * C];
    float x[SIDE * SIDE * C], plain[SIDE * SIDE * C];
    jd_rng r = jd_rng_new(6, "test", 0);
    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)jd_rng_u32(&r);
    const jd_deform_options o = {.angle = 40, .angle_small = 40, .scale_max = 30, .shift = 6, .edge = true};
    jd_deformer *d = jd_deformer_new(ctx, &o, SIDE, SIDE, C, SIDE, SIDE);
    assert_non_null(d);
    for (uint32_t sample = 0; sample < 20; sample++) {
        jd_deform(d, 8, 1, sample, 0, image, x);
        for (int k = 0; k < C; k++) {
            uint8_t grey[SIDE * SIDE];
            for (int i = 0; i < SIDE * SIDE; i++) grey[i] = image[i * C + k];
            jd_deformer *g = jd_deformer_new(ctx, &o, SIDE, SIDE, 1, SIDE, SIDE);
            jd_deform(g, 8, 1, sample, 0, grey, plain);
            for (int i = 0; i < SIDE * SIDE; i++) assert_true(x[i * C + k] == plain[i]); /* colours do not mix */
            jd_deformer_free(g);
        }
    }
    for (int i = 0; i < SIDE * SIDE * C; i++) image[i] = (uint8_t)(i % C == 0 ? 200 : i % C == 1 ? 90 : 10);
    jd_deform(d, 8, 2, 3, 0, image, x);
    for (int i = 0; i < SIDE * SIDE * C; i++) assert_true(fabs((double)x[i] - (image[i] / 127.5 - 1)) < 1e-6);
    jd_deformer_free(d);
    /* without any deformation the picture comes out as it is */
    d = jd_deformer_new(ctx, &(jd_deform_options){.edge = true}, SIDE, SIDE, C, SIDE, SIDE);
    float same[SIDE * SIDE * C];
    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)jd_rng_u32(&r);
    jd_deform(d, 8, 2, 3, 0, image, x);
    for (size_t i = 0; i < sizeof image; i++) same[i] = (float)image[i] / 127.5f - 1.f;
    assert_memory_equal(x, same, sizeof x);
    jd_deformer_free(d);
}

/* Without rotation and scaling the clamped sample can be computed for each pixel from the shift alone, which two pictures
 * of a slope tell. */
static void shifted_edges(void **state)
{
    (void)state;
    enum { SIDE = 21 };
    uint8_t across[SIDE * SIDE], down[SIDE * SIDE], image[SIDE * SIDE];
    float x[SIDE * SIDE], y[SIDE * SIDE], z[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) {
        across[i] = (uint8_t)(10 * (i % SIDE));
        down[i] = (uint8_t)(10 * (i / SIDE));
        image[i] = (uint8_t)(i * 7 % 256);
    }
    const jd_deform_options o = {.shift = 6, .edge = true};
    jd_deformer *d = jd_deformer_new(ctx, &o, SIDE, SIDE, 1, SIDE, SIDE);
    for (uint32_t sample = 0; sample < 30; sample++) {
        jd_deform(d, 3, 0, sample, 0, across, x);
        jd_deform(d, 3, 0, sample, 0, down, y);
        jd_deform(d, 3, 0, sample, 0, image, z);
        for (int i = 0; i < SIDE * SIDE; i++) {
            /* the slope with its edges going on is the clamped coordinate itself */
            const double cx = ((double)x[i] + 1) * 12.75, cy = ((double)y[i] + 1) * 12.75;
            const int a = cx >= SIDE - 1 ? SIDE - 2 : (int)cx, b = cy >= SIDE - 1 ? SIDE - 2 : (int)cy;
            const double fx = cx - a, fy = cy - b;
            const uint8_t *p = image + b * SIDE + a;
            const double want = (1 - fy) * ((1 - fx) * p[0] + fx * p[1]) + fy * ((1 - fx) * p[SIDE] + fx * p[SIDE + 1]);
            assert_true(cx >= -1e-5 && cx <= SIDE - 1 + 1e-5);
            assert_true(fabs(want / 127.5 - 1 - (double)z[i]) < 1e-3);
        }
    }
    jd_deformer_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_deformation),  cmocka_unit_test(colour_with_edges),
        cmocka_unit_test(shifted_edges),   cmocka_unit_test(elastic_reference),
        cmocka_unit_test(rotation_ranges), cmocka_unit_test(shear_is_horizontal),
        cmocka_unit_test(scale_range),     cmocka_unit_test(mirror_and_channels),
        cmocka_unit_test(same_bits),       cmocka_unit_test(wrong_use),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
