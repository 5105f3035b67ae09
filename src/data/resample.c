/* resample.c - pictures of other sizes: averages over areas, bilinear samples, the width of the ink. */
#include "jackdaw/prepare.h"

#include <math.h>
#include <string.h>

#include "base/given.h"

enum { SIDE_LIMIT = 4096 };

static uint8_t to_level(double v)
{
    return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : floor(v + 0.5));
}

/* Sum of the input over one rectangle, in which the pixels of its border count by the part of them inside. */
static double area_sum(const uint8_t *in, int width, int channels, const double y[2], const double x[2])
{
    double sum = 0.0;
    for (int i = (int)y[0]; i < y[1]; i++) {
        const double high = fmin(y[1], i + 1) - fmax(y[0], i);
        double row = 0.0;
        for (int j = (int)x[0]; j < x[1]; j++)
            row += (fmin(x[1], j + 1) - fmax(x[0], j)) *
                   (double)in[((size_t)i * (size_t)width + (size_t)j) * (size_t)channels];
        sum += high * row;
    }
    return sum;
}

void jd_resize_area(const uint8_t *in, int height, int width, int channels, uint8_t *out, int out_height, int out_width)
{
    for (int i = 0; i < out_height; i++) {
        /* from products of whole numbers, so that the last edge is exactly `height` */
        const double y[2] = {(double)i * height / out_height, (double)(i + 1) * height / out_height};
        for (int j = 0; j < out_width; j++) {
            const double x[2] = {(double)j * width / out_width, (double)(j + 1) * width / out_width};
            const double area = (y[1] - y[0]) * (x[1] - x[0]);
            for (int c = 0; c < channels; c++) *out++ = to_level(area_sum(in + c, width, channels, y, x) / area);
        }
    }
}

/* The two pixels around `at` and the weight of the second; beyond the edges the last pixel goes on. */
static void neighbours(double at, int n, int *a, int *b, double *part)
{
    const double f = floor(at);
    *part = at - f;
    *a = f < 0 ? 0 : f > n - 1 ? n - 1 : (int)f;
    *b = f + 1 < 0 ? 0 : f + 1 > n - 1 ? n - 1 : (int)f + 1;
}

void jd_resize_bilinear(const uint8_t *in, int height, int width, int channels, double x0, double y0, double x1,
                        double y1, uint8_t *out, int out_height, int out_width)
{
    const size_t ch = (size_t)channels, pitch = (size_t)width * ch;
    for (int i = 0; i < out_height; i++) {
        int top, under;
        double fy;
        neighbours(y0 + (i + 0.5) * (y1 - y0) / out_height - 0.5, height, &top, &under, &fy);
        for (int j = 0; j < out_width; j++) {
            int left, right;
            double fx;
            neighbours(x0 + (j + 0.5) * (x1 - x0) / out_width - 0.5, width, &left, &right, &fx);
            const uint8_t *p = in + (size_t)top * pitch, *q = in + (size_t)under * pitch;
            for (size_t c = 0; c < ch; c++) {
                const double a = p[(size_t)left * ch + c], b = p[(size_t)right * ch + c];
                const double d = q[(size_t)left * ch + c], e = q[(size_t)right * ch + c];
                const double up = a + (b - a) * fx, down = d + (e - d) * fx;
                *out++ = to_level(up + (down - up) * fy);
            }
        }
    }
}

jd_status jd_images_resize(jd_ctx *ctx, jd_images *images, int height, int width)
{
    if (!jd__given(ctx, __func__, "images", images)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (height < 1 || width < 1 || height > SIDE_LIMIT || width > SIDE_LIMIT)
        return jd_fail(ctx, JD_EUSAGE, "jd_images_resize: to %d x %d; sides of 1 to %d are possible", height, width,
                       SIDE_LIMIT);
    const size_t ch = (size_t)images->channels;
    const size_t from = (size_t)images->height * (size_t)images->width * ch, to = (size_t)height * (size_t)width * ch;
    uint8_t *pixels = jd_alloc_array(ctx, images->count, to);
    if (!pixels) return jd_error(ctx);
    for (size_t i = 0; i < images->count; i++)
        jd_resize_area(images->pixels + i * from, images->height, images->width, images->channels, pixels + i * to,
                       height, width);
    jd_free(ctx, images->pixels);
    images->pixels = pixels;
    images->height = height;
    images->width = width;
    return JD_OK;
}

/* First and last column with ink; false where there is none. */
static bool ink(const uint8_t *p, int height, int width, int *first, int *last)
{
    *first = width;
    *last = -1;
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            if (p[(size_t)i * (size_t)width + (size_t)j]) {
                if (j < *first) *first = j;
                if (j > *last) *last = j;
            }
    return *last >= 0;
}

jd_status jd_images_ink_width(jd_ctx *ctx, jd_images *images, int width)
{
    if (!jd__given(ctx, __func__, "images", images)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (images->channels != 1 || width < 1 || width > images->width)
        return jd_fail(
            ctx, JD_EUSAGE,
            "jd_images_ink_width: to %d columns, pictures of %d columns and %d channels; 1 to %d columns and "
            "one channel are possible",
            width, images->width, images->channels, images->width);
    const size_t wide = (size_t)images->width, each = (size_t)images->height * wide, w = (size_t)width;
    uint8_t *box = jd_alloc_array(ctx, (size_t)images->height, w);
    for (size_t i = 0; box && i < images->count; i++) {
        uint8_t *p = images->pixels + i * each;
        int first, last;
        if (!ink(p, images->height, images->width, &first, &last)) continue;
        jd_resize_bilinear(p, images->height, images->width, 1, first, 0, last + 1, images->height, box, images->height,
                           width);
        memset(p, 0, each);
        for (size_t row = 0; row < (size_t)images->height; row++)
            memcpy(p + row * wide + (wide - w) / 2, box + row * w, w);
    }
    jd_free(ctx, box);
    return jd_error(ctx);
}
