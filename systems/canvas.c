/* canvas.c - small pictures; see canvas.h. */
#include <math.h>
#include <string.h>

#include "canvas.h"

const double CANVAS_WALL[3] = {.36, .38, .42}, CANVAS_INK[3] = {.10, .10, .12}, CANVAS_PALE[3] = {.97, .97, .98},
             CANVAS_GOAL[3] = {.13, .55, .28};

const double *canvas_colour(int i)
{
    static const double colour[8][3] = {{.00, .45, .70}, {.84, .37, .00}, {.00, .62, .45}, {.80, .47, .65},
                                        {.90, .62, .00}, {.34, .71, .91}, {.55, .34, .60}, {.60, .20, .20}};
    return colour[i % 8];
}

void canvas_mix(const double a[3], const double b[3], double share, double rgb[3])
{
    const double t = fmin(1, fmax(0, share));
    for (int k = 0; k < 3; k++) rgb[k] = a[k] + t * (b[k] - a[k]);
}

canvas canvas_new(jd_ctx *ctx, size_t n, size_t w, size_t h, double across)
{
    canvas c = {n, w, h, (double)w / across, jd_alloc_array(ctx, n * w * h, 3)};
    if (c.pixels) memset(c.pixels, 249, n * w * h * 3);
    return c;
}

static void blend(canvas *c, size_t i, int64_t px, int64_t py, const double rgb[3], double cover)
{
    if (px < 0 || py < 0 || px >= (int64_t)c->w || py >= (int64_t)c->h || !(cover > 0)) return;
    uint8_t *p = c->pixels + ((i * c->h + (c->h - 1 - (size_t)py)) * c->w + (size_t)px) * 3;
    const double t = fmin(1, cover);
    for (int k = 0; k < 3; k++) p[k] = (uint8_t)lround((1 - t) * p[k] + t * 255 * rgb[k]);
}

void canvas_line(canvas *c, size_t i, double x0, double y0, double x1, double y1, double width, const double rgb[3],
                 double cover)
{
    if (!c->pixels) return;
    const double u = c->units, ax = x0 * u, ay = y0 * u, dx = (x1 - x0) * u, dy = (y1 - y0) * u, half = width * u / 2;
    const double square = dx * dx + dy * dy, reach = half + 1;
    const int64_t left = (int64_t)floor(fmin(ax, ax + dx) - reach), right = (int64_t)ceil(fmax(ax, ax + dx) + reach);
    const int64_t low = (int64_t)floor(fmin(ay, ay + dy) - reach), high = (int64_t)ceil(fmax(ay, ay + dy) + reach);
    for (int64_t py = low; py <= high; py++)
        for (int64_t px = left; px <= right; px++) {
            const double qx = (double)px + .5 - ax, qy = (double)py + .5 - ay;
            const double t = square > 0 ? fmin(1, fmax(0, (qx * dx + qy * dy) / square)) : 0;
            blend(c, i, px, py, rgb, cover * fmin(1, half + .5 - hypot(qx - t * dx, qy - t * dy)));
        }
}

void canvas_disc(canvas *c, size_t i, double x, double y, double radius, const double rgb[3], double cover)
{
    canvas_line(c, i, x, y, x, y, 2 * radius, rgb, cover);
}

void canvas_box(canvas *c, size_t i, double x0, double y0, double x1, double y1, const double rgb[3], double cover)
{
    if (!c->pixels) return;
    const double u = c->units;
    for (int64_t py = lround(y0 * u); py < lround(y1 * u); py++)
        for (int64_t px = lround(x0 * u); px < lround(x1 * u); px++) blend(c, i, px, py, rgb, cover);
}

void canvas_show(jd_run *r, canvas *c, const char *const *captions, int columns, const char *caption)
{
    if (c->pixels)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = c->pixels,
                                     .n = c->n,
                                     .h = c->h,
                                     .w = c->w,
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = columns},
                         caption);
    jd_free(jd_run_ctx(r), c->pixels);
    c->pixels = NULL;
}
