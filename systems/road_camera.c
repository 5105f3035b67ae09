/* road_camera.c - what the camera in the car sees; see road.h. */
#include <math.h>
#include <string.h>

#include "road.h"

const road_camera ROAD_CAMERA = {320, 240, 350, 159.5, 119.5};
const road_camera ROAD_RETINA = {64, 48, 70, 31.5, 23.5};

bool road_ahead(const road_camera *c, double pitch, double v, double *ahead, double *depth)
{
    const double d = (v - c->v0) / c->f, down = sin(pitch) + d * cos(pitch);
    *ahead = *depth = 0;
    if (down < 1e-3) return false;
    *depth = ROAD_EYE / down;
    *ahead = *depth * (cos(pitch) - d * sin(pitch));
    return true;
}

double road_row_at(const road_camera *c, double pitch, double ahead)
{
    return c->v0 + c->f * tan(atan2(ROAD_EYE, ahead) - pitch);
}

/* ---- noise ---------------------------------------------------------------------------------------------------------------*/

/* Hashes of three numbers. */
static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t h = a * 0x9e3779b1u ^ b * 0x85ebca77u ^ c * 0xc2b2ae3du;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

/* [-1, 1] */
static float rough(uint32_t a, uint32_t b, uint32_t c)
{
    return (float)(int32_t)mix(a, b, c) * (1.f / 2147483648.f);
}

static int cell_of(float x) /* the next whole number below, for |x| < 2^20 */
{
    return (int)(x + 1048576.f) - 1048576;
}

/* ---- the ground ------------------------------------------------------------------------------------------------------------*/

/* The part of lengths from a to b that is mark where 6 m of it and 12 m of gap take turns. */
static double painted(double a, double b)
{
    const double pa = floor(a / 18), pb = floor(b / 18);
    return (6 * (pb - pa) + fmin(6, b - 18 * pb) - fmin(6, a - 18 * pa)) / (b - a);
}

enum { MARKS = 4 };

/* What a row of pixels has in common. */
typedef struct strip {
    uint32_t seed, frame;
    float l, base;         /* along the axis, at the picture's middle: l metres after base */
    float o, across, tilt; /* offset at the picture's middle; change of offset and of length from pixel to pixel */
    float mark[MARKS], paint[MARKS]; /* offsets of the marks from left to right, and how much of their paint is there */
    float haze, grain;
    bool shaded;
    float shadow[5]; /* along: middle, half its length, slant; across: from, to */
} strip;

/* Lines are not laid quite straight, 1.5 cm to either side over 3 m, and are worn. */
static void marks(strip *s, double l, double dl)
{
    static const float at[MARKS] = {(float)ROAD_EDGE, (float)ROAD_WIDTH / 2, -(float)ROAD_WIDTH / 2, -(float)ROAD_EDGE};
    const double cell = floor(l / 3);
    const float part = (float)(l / 3 - cell), dashes = (float)painted(l - dl / 2, l + dl / 2);
    const float seen = .015f * (float)fmin(1, 3 / fmax(dl, 1e-9));
    for (uint32_t i = 0; i < MARKS; i++) {
        const uint32_t here = (uint32_t)(int32_t)cell, worn = (uint32_t)(int32_t)floor(2 * l);
        s->mark[i] =
            at[i] + seen * ((1 - part) * rough(s->seed, here, 100 + i) + part * rough(s->seed, here + 1, 100 + i));
        s->paint[i] = (i % 3 ? dashes : 1) * (.8f + .2f * rough(s->seed, worn, 110 + i));
    }
}

/* Shadows of trees and bridges: in each 45 m one slanted strip, as hashed, or none. */
static void shadow(strip *s, double l)
{
    const double cell = floor(l / 45);
    const uint32_t h = mix(s->seed, (uint32_t)(int32_t)cell, 77);
    s->shaded = h % 3 != 0;
    s->shadow[0] = (float)(45 * cell - (double)s->base) + 6 + (float)(h >> 4 & 31);
    s->shadow[1] = 1 + (float)(h >> 9 & 7) * .6f;
    s->shadow[2] = ((float)(h >> 12 & 15) - 8) * .25f;
    s->shadow[3] = -9 + (float)(h >> 16 & 15);
    s->shadow[4] = s->shadow[3] + 5 + (float)(h >> 20 & 15);
}

static bool in_shadow(const strip *s, float l, float o)
{
    const float at = l - s->shadow[0] - s->shadow[2] * o;
    return s->shaded && at > -s->shadow[1] && at < s->shadow[1] && o > s->shadow[3] && o < s->shadow[4];
}

/* How much of a pixel from o - half to o + half is white. */
static float white(const strip *s, float o, float half)
{
    const float reach = half + (float)ROAD_MARK / 2, least = half < (float)ROAD_MARK / 2 ? half : (float)ROAD_MARK / 2;
    float sum = 0;
    for (int i = 0; i < MARKS; i++) {
        const float off = o > s->mark[i] ? o - s->mark[i] : s->mark[i] - o;
        if (off >= reach) continue;
        const float common = reach - off < 2 * least ? reach - off : 2 * least; /* of two lengths that overlap */
        sum += s->paint[i] * common / (2 * half);
    }
    return sum < 1 ? sum : 1;
}

static void paint(const strip *s, int v, int u, float uu, uint8_t *rgb)
{
    static const float ASPHALT[3] = {98, 98, 100}, GRASS[3] = {78, 112, 58}, SKY[3] = {176, 194, 214};
    const float o = s->o + s->across * uu, l = s->l + s->tilt * uu, half = fabsf(s->across) / 2;
    const bool paved = fabsf(o) < (float)ROAD_EDGE + 2;
    const float mark = paved ? white(s, o, half) : 0, rows = s->base + l;
    /* grain of the ground, finer than far pixels can show */
    const float grain =
        (paved ? 9.f : 16.f) * s->grain * rough(s->seed, (uint32_t)cell_of(3 * rows), (uint32_t)cell_of(8 * o));
    const float light = in_shadow(s, l, o) ? .8f : 1, noise = 12 * rough(s->frame, (uint32_t)v, (uint32_t)u);
    for (int k = 0; k < 3; k++) {
        const float ground = (paved ? ASPHALT : GRASS)[k] + grain;
        float c = light * (ground + mark * (222 - ground));
        c += s->haze * (SKY[k] - c) + noise;
        rgb[k] = (uint8_t)(c < 0 ? 0 : c > 255 ? 255 : c);
    }
}

/* The axis at so far ahead of the camera: length along the road, lateral place and direction in the car's frame. */
static void axis(const road_view *s, double ahead, double *l, double *y, double *way)
{
    const road *w = s->road;
    const double at = fmin(fmax(s->l / ROAD_STEP, 0), w->n - 1.001);
    const int i = (int)at;
    const double part = (at - i) * ROAD_STEP, h = w->heading[i] + part * w->bend[i];
    const double x0 = w->x[i] + part * cos(h) - s->offset * sin(h), y0 = w->y[i] + part * sin(h) + s->offset * cos(h);
    const double c = cos(h + s->heading), d = sin(h + s->heading);
    double j = at + ahead / ROAD_STEP;
    for (int round = 0; round < 3; round++) {
        j = fmin(fmax(j, 0), w->n - 1.001);
        const int k = (int)j;
        const double rest = (j - k) * ROAD_STEP, dir = w->heading[k] + rest * w->bend[k];
        const double dx = w->x[k] + rest * cos(dir) - x0, dy = w->y[k] + rest * sin(dir) - y0;
        *way = dir - h - s->heading;
        *y = -d * dx + c * dy;
        *l = j * ROAD_STEP;
        j += (ahead - (c * dx + d * dy)) / fmax(cos(*way), .2) / ROAD_STEP;
    }
}

static void sky(const road_view *s, int v, int u0, int u1, uint8_t *rgb)
{
    for (int u = u0; u < u1; u++, rgb += 3) {
        const float noise = 3 * rough((uint32_t)s->frame, (uint32_t)v, (uint32_t)u);
        const float high = (float)(s->camera->v0 - v) / (float)s->camera->f * 60;
        rgb[0] = (uint8_t)(172 - high + noise);
        rgb[1] = (uint8_t)(192 - .6f * high + noise);
        rgb[2] = (uint8_t)(216 + noise);
    }
}

/* Another car in the lane to the left, seen from behind, overtaking or overtaken, one in each 150 m of a train of cars that moves. */
static void cars(const road_view *s, int v, int u0, int u1, uint8_t *rgb)
{
    const road_camera *c = s->camera;
    const double train = 42 * s->time;
    for (int n = 0; n < 2; n++) {
        const double cell = floor((s->l + 4 - train) / 150) + n;
        const uint32_t h = mix((uint32_t)s->road->seed, (uint32_t)(int32_t)cell, 99);
        const double l = train + 150 * cell + 20 + h % 100, ahead = l - s->l;
        double at, y, way;
        if (h % 4 == 0 || ahead < 5 || ahead > 250) continue;
        axis(s, ahead, &at, &y, &way);
        const double bottom = road_row_at(c, s->pitch, ahead), size = c->f / ahead;
        const double middle = c->u0 - size * y, top = bottom - 1.4 * size;
        if (v < top || v > bottom) continue;
        for (int u = u0; u < u1; u++) {
            if (fabs(u - middle) > .9 * size) continue;
            const bool glass = v < top + .5 * size && fabs(u - middle) < .75 * size,
                       lamp = !glass && v < top + .8 * size && fabs(u - middle) > .65 * size;
            uint8_t *p = rgb + 3 * (u - u0);
            const uint8_t paint[3] = {(uint8_t)(40 + (h >> 8 & 127)), (uint8_t)(40 + (h >> 16 & 63)),
                                      (uint8_t)(50 + (h >> 20 & 127))};
            for (int k = 0; k < 3; k++)
                p[k] = v > bottom - .25 * size ? 25 : glass ? 45 : lamp ? (k ? 30 : 190) : paint[k];
        }
    }
}

void road_row(const road_view *s, int v, int u0, int u1, uint8_t *rgb)
{
    const road_camera *c = s->camera;
    double ahead, depth, near = 0, far, l, y, way;
    if (!road_ahead(c, s->pitch, v, &ahead, &depth) || ahead > 550) {
        sky(s, v, u0, u1, rgb);
    } else {
        if (!road_ahead(c, s->pitch, v - .5, &far, &l)) far = ahead + 100;
        road_ahead(c, s->pitch, v + .5, &near, &l);
        axis(s, ahead, &l, &y, &way);
        const double wide = depth / c->f, dl = far - near, base = 1000 * floor(s->l / 1000), along = l - y * sin(way);
        strip t = {.seed = (uint32_t)s->road->seed,
                   .frame = (uint32_t)s->frame,
                   .l = (float)(along - base),
                   .base = (float)base,
                   .o = (float)(-y * cos(way)),
                   .across = (float)(-wide * cos(way)),
                   .tilt = (float)(-wide * sin(way)),
                   .haze = (float)(ahead > 60 ? 1 - exp((60 - ahead) / 260) : 0),
                   .grain = (float)fmin(1, .12 / (wide / 2 + .01))};
        marks(&t, along, dl);
        shadow(&t, along);
        for (int u = u0; u < u1; u++) paint(&t, v, u, (float)(u - c->u0), rgb + 3 * (u - u0));
    }
    if (s->road->cars) cars(s, v, u0, u1, rgb);
}

void road_picture(const road_view *s, uint8_t *rgb)
{
    const int w = s->camera->width;
    for (int v = 0; v < s->camera->height; v++) road_row(s, v, 0, w, rgb + 3 * v * w);
}
