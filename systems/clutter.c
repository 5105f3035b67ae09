/* clutter.c - handwritten digits in clutter; see clutter.h. */
#include "clutter.h"

#include <string.h>

const double CLUTTER_STEP[CLUTTER_LEVELS] = {1, 1.4142135623730951, 2};

static double between(jd_rng *r, double least, double most)
{
    return least + (most - least) * jd_rng_uniform64(r);
}

static void brighten(clutter *c, int y, int x, double v)
{
    if (y < 0 || x < 0 || y >= CLUTTER_SIDE || x >= CLUTTER_SIDE) return;
    float *p = c->pixels + y * CLUTTER_SIDE + x;
    if (*p < (float)v) *p = (float)v;
}

/* A bent line, as broad and as bright as a digit's. */
static void stroke(jd_rng *r, clutter *c)
{
    const double bright = between(r, .5, 1), half = between(r, .8, 2.2), bend = between(r, -.1, .1);
    double y = between(r, 0, CLUTTER_SIDE), x = between(r, 0, CLUTTER_SIDE), angle = between(r, 0, 6.283185307179586);
    const int steps = 8 + (int)jd_rng_below(r, 24);
    for (int s = 0; s < steps; s++, angle += bend, y += sin(angle), x += cos(angle))
        for (int dy = -3; dy <= 3; dy++)
            for (int dx = -3; dx <= 3; dx++) {
                const int py = (int)(y + dy), px = (int)(x + dx);
                const double v = py + .5 - y, u = px + .5 - x, edge = half + .5 - sqrt(v * v + u * u);
                if (edge > 0) brighten(c, py, px, bright * fmin(1, edge));
            }
}

/* Part (h,w) of digit k from (top,left), enlarged, with its upper left at (y,x). */
static void paste(const jd_images *d, size_t k, int top, int left, int h, int w, double scale, double y, double x,
                  clutter *c)
{
    const uint8_t *digit = d->pixels + k * (size_t)(d->height * d->width);
    for (int py = (int)y; py <= (int)(y + h * scale); py++)
        for (int px = (int)x; px <= (int)(x + w * scale); px++) {
            const double v = (py + .5 - y) / scale - .5, u = (px + .5 - x) / scale - .5;
            const int iv = (int)floor(v), iu = (int)floor(u);
            double sum = 0;
            for (int q = 0; q < 4; q++) {
                const int yy = iv + q / 2, xx = iu + q % 2;
                if (yy < 0 || xx < 0 || yy >= h || xx >= w || yy + top >= d->height || xx + left >= d->width) continue;
                sum += (q / 2 ? v - iv : 1 - v + iv) * (q % 2 ? u - iu : 1 - u + iu) *
                       digit[(yy + top) * d->width + xx + left] / 255.;
            }
            brighten(c, py, px, sum);
        }
}

static bool place(jd_rng *r, const jd_images *d, clutter *c)
{
    const size_t k = jd_rng_below(r, (uint32_t)d->count);
    const int level = (int)jd_rng_below(r, CLUTTER_LEVELS);
    const double scale = CLUTTER_STEP[level] * between(r, .92, 1.08), side = CLUTTER_WINDOW * scale;
    const double y = between(r, 0, CLUTTER_SIDE - side), x = between(r, 0, CLUTTER_SIDE - side);
    const jd_box box = {(float)y, (float)x, (float)(y + side), (float)(x + side), 1, d->labels[k], 0};
    for (int i = 0; i < c->n; i++)
        if (jd_box_overlap(&box, &c->box[i]) > .03) return false;
    paste(d, k, 0, 0, d->height, d->width, scale, y, x, c);
    c->level[c->n] = level;
    c->box[c->n++] = box;
    return true;
}

void clutter_make(jd_rng *r, const jd_images *digits, clutter *c)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < CLUTTER_SIDE * CLUTTER_SIDE; i++) c->pixels[i] = .12f * jd_rng_uniform(r);
    const int strokes = 5 + (int)jd_rng_below(r, 8), pieces = 4 + (int)jd_rng_below(r, 6),
              wanted = 1 + (int)jd_rng_below(r, CLUTTER_DIGITS);
    for (int i = 0; i < strokes; i++) stroke(r, c);
    for (int i = 0; i < pieces; i++) { /* too little of a digit to be one */
        const size_t k = jd_rng_below(r, (uint32_t)digits->count);
        const int top = 4 + (int)jd_rng_below(r, 12), left = 4 + (int)jd_rng_below(r, 12);
        const double scale = between(r, 1, 2), y = between(r, 0, CLUTTER_SIDE), x = between(r, 0, CLUTTER_SIDE);
        paste(digits, k, top, left, 9, 9, scale, y, x, c);
    }
    for (int tries = 0; c->n < wanted && tries < 60; tries++) place(r, digits, c);
}

/* ---- looking -------------------------------------------------------------------------------------------------------------*/

static double at(const clutter *c, double y, double x)
{
    const double most = CLUTTER_SIDE - 1;
    y = fmin(most, fmax(0, y - .5));
    x = fmin(most, fmax(0, x - .5));
    const int iy = (int)y, ix = (int)x, jy = iy + 1 < CLUTTER_SIDE ? iy + 1 : iy,
              jx = ix + 1 < CLUTTER_SIDE ? ix + 1 : ix;
    const double v = y - iy, u = x - ix;
    const float *p = c->pixels;
    return (1 - v) * ((1 - u) * (double)p[iy * CLUTTER_SIDE + ix] + u * (double)p[iy * CLUTTER_SIDE + jx]) +
           v * ((1 - u) * (double)p[jy * CLUTTER_SIDE + ix] + u * (double)p[jy * CLUTTER_SIDE + jx]);
}

/* The mean of the quarters of a pixel of `step`, with its middle at (y,x). */
static float seen(const clutter *c, double y, double x, double step)
{
    double sum = 0;
    for (int q = 0; q < 4; q++) sum += at(c, y + (q / 2 - .5) * step / 2, x + (q % 2 - .5) * step / 2);
    return (float)(sum / 4);
}

void clutter_window(const clutter *c, double y, double x, double step, int h, int w, float *out)
{
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++)
            out[i * w + j] = seen(c, y + (i + .5 - h / 2.) * step, x + (j + .5 - w / 2.) * step, step);
}

void clutter_level(const clutter *c, int level, float *out)
{
    const int side = clutter_side(level);
    const double middle = side * CLUTTER_STEP[level] / 2;
    clutter_window(c, middle, middle, CLUTTER_STEP[level], side, side, out);
}

jd_box clutter_box(int level, int i, int j)
{
    const double step = CLUTTER_STEP[level], top = (i - CLUTTER_WINDOW / 2) * step,
                 left = (j - CLUTTER_WINDOW / 2) * step, side = CLUTTER_WINDOW * step;
    return (jd_box){(float)top, (float)left, (float)(top + side), (float)(left + side), 0, 0, 0};
}
