/* Ink as a grey picture, column by column. */
#include "data/ink.h"

#include <math.h>
#include <string.h>

enum { MARGIN = 1, MOST_COLUMNS = 1 << 16 };

/* Distance of (x,y) from the straight line between a and b. */
static float distance(float x, float y, float ax, float ay, float bx, float by)
{
    const float dx = bx - ax, dy = by - ay, way = dx * dx + dy * dy;
    float f = way > 0 ? ((x - ax) * dx + (y - ay) * dy) / way : 0;
    f = fminf(fmaxf(f, 0), 1);
    const float ex = x - (ax + f * dx), ey = y - (ay + f * dy);
    return sqrtf(ex * ex + ey * ey);
}

static int clamp(float x, int low, int high)
{
    return x <= (float)low ? low : x >= (float)high ? high : (int)x;
}

/* One piece of a stroke into the columns (T,rows); pixel (t,k) has its middle at (t + 1/2, k + 1/2). */
static void draw(const jd_ink_reader *r, float ax, float ay, float bx, float by)
{
    const int rows = r->o.rows;
    const float half = 0.5f * r->o.pen, reach = half + 1;
    const int t0 = clamp(fminf(ax, bx) - reach, 0, (int)r->T), t1 = clamp(fmaxf(ax, bx) + reach + 1, 0, (int)r->T);
    const int k0 = clamp(fminf(ay, by) - reach, 0, rows), k1 = clamp(fmaxf(ay, by) + reach + 1, 0, rows);
    for (int t = t0; t < t1; t++)
        for (int k = k0; k < k1; k++) {
            float *p = r->frames + t * rows + k;
            const float ink = half + 0.5f - distance((float)t + 0.5f, (float)k + 0.5f, ax, ay, bx, by);
            *p = fmaxf(*p, fminf(ink, 1));
        }
}

size_t jd__ink_columns(jd_ink_reader *r)
{
    const size_t n = r->raw_n, rows = (size_t)r->o.rows;
    float lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        lo[0] = fminf(lo[0], r->raw[i].x), hi[0] = fmaxf(hi[0], r->raw[i].x);
        lo[1] = fminf(lo[1], r->raw[i].y), hi[1] = fmaxf(hi[1], r->raw[i].y);
    }
    const float border = MARGIN + 0.5f * r->o.pen, inside = fmaxf((float)rows - 2 * border, 1);
    float size = r->o.size;
    if (size * (hi[1] - lo[1]) > inside) size = inside / (hi[1] - lo[1]);
    const float wide = size * (hi[0] - lo[0]) + 2 * border;
    if (!(wide < (float)MOST_COLUMNS)) {
        jd_fail(r->ctx, JD_EDATA, "ink: a picture %g columns wide; at most %d are drawn, cut the sample", (double)wide,
                MOST_COLUMNS);
        return 0;
    }
    r->T = (size_t)wide + 1;
    if (!jd__ink_room(r->ctx, (void **)&r->frames, &r->frames_room, r->T * rows, sizeof(float)) ||
        !jd__ink_room(r->ctx, (void **)&r->places, &r->places_room, 2 * r->T, sizeof(float)) ||
        !jd__ink_room(r->ctx, (void **)&r->strokes, &r->strokes_room, r->T, sizeof(size_t)))
        return 0;
    memset(r->frames, 0, r->T * rows * sizeof(float));
    memset(r->strokes, 0, r->T * sizeof(size_t));
    /* The mean of the writing in the middle, unless a part would be cut off. */
    float top = 0.5f * (float)rows;
    top = fmaxf(top, border - size * lo[1]);
    top = fminf(top, (float)rows - border - size * hi[1]);
    const float left = border - size * lo[0];
    for (size_t i = 0; i < n; i++) {
        const bool goes_on = i > 0 && r->raw[i - 1].stroke == r->raw[i].stroke;
        const size_t from = goes_on ? i - 1 : i;
        draw(r, left + size * r->raw[from].x, top + size * r->raw[from].y, left + size * r->raw[i].x,
             top + size * r->raw[i].y);
    }
    for (size_t t = 0; t < r->T; t++) {
        r->places[2 * t] = r->first_x + r->height * (((float)t + 0.5f - left) / size + r->mean_x);
        r->places[2 * t + 1] = 0;
    }
    return r->T;
}
