/* canvas.c - a pixel takes as much of the colour as the shape covers of it, taken from the distance of its centre. */
#include <math.h>

#include "env/canvas.h"

void jd__canvas_view(jd_canvas *c, double x0, double y0, double x1, double y1)
{
    c->scale = fmin(c->w / (x1 - x0), c->h / (y1 - y0));
    c->x0 = (x0 + x1 - c->w / c->scale) / 2;
    c->y0 = (y0 + y1 - c->h / c->scale) / 2;
}

static void blend(uint8_t *p, uint32_t color, double cover)
{
    if (!(cover > 0)) return;
    if (cover > 1) cover = 1;
    for (int i = 0; i < 3; i++) {
        const double to = (color >> (16 - 8 * i)) & 255;
        p[i] = (uint8_t)(p[i] + (to - p[i]) * cover + .5);
    }
}

void jd__canvas_clear(jd_canvas *c, uint32_t color)
{
    for (int i = 0; i < c->w * c->h; i++) blend(c->rgb + 3 * (long)i, color, 1);
}

static int clamp(double x, int high)
{
    return x > 0 ? x < high ? (int)x : high : 0; /* also for what is not a number */
}

void jd__canvas_line(jd_canvas *c, double x0, double y0, double x1, double y1, double thickness, uint32_t color)
{
    const double k = c->scale, ax = (x0 - c->x0) * k, ay = c->h - (y0 - c->y0) * k;
    const double dx = (x1 - x0) * k, dy = -(y1 - y0) * k, half = thickness * k / 2, length = dx * dx + dy * dy;
    const int left = clamp(fmin(ax, ax + dx) - half - 1, c->w), right = clamp(fmax(ax, ax + dx) + half + 2, c->w);
    const int top = clamp(fmin(ay, ay + dy) - half - 1, c->h), bottom = clamp(fmax(ay, ay + dy) + half + 2, c->h);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            const double px = x + .5 - ax, py = y + .5 - ay;
            const double along = length > 0 ? fmax(0, fmin(1, (px * dx + py * dy) / length)) : 0;
            const double ox = px - along * dx, oy = py - along * dy;
            blend(c->rgb + 3 * ((long)y * c->w + x), color, half + .5 - sqrt(ox * ox + oy * oy));
        }
}

void jd__canvas_box(jd_canvas *c, double x0, double y0, double x1, double y1, uint32_t color)
{
    const double k = c->scale, left = (x0 - c->x0) * k, right = (x1 - c->x0) * k;
    const double top = c->h - (y1 - c->y0) * k, bottom = c->h - (y0 - c->y0) * k;
    for (int y = clamp(top, c->h); y < clamp(bottom + 1, c->h); y++)
        for (int x = clamp(left, c->w); x < clamp(right + 1, c->w); x++) {
            const double across = fmin(x + 1, right) - fmax(x, left), down = fmin(y + 1, bottom) - fmax(y, top);
            blend(c->rgb + 3 * ((long)y * c->w + x), color, fmax(0, across) * fmax(0, down));
        }
}
