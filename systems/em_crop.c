/*
 * em_crop.c - crops of slices to learn from: turned, mirrored, bent, and lighter or darker.
 *
 * A crop is bent by a rotation, a change of size and a smooth random field: displacements drawn at the corners of a grid,
 * joined by cubic B-splines (Ronneberger, Fischer, Brox, MICCAI 2015, learn membranes from few slices that way).  Labels
 * move along with the pixels.
 */
#include <math.h>

#include "em.h"

enum { GRID = 32, CORNERS = 16 }; /* pixels between corners; corners of a side at most */

typedef struct warp {
    double y0, x0;   /* of the crop's centre, in the slice */
    double half;     /* of the crop's side */
    double cos, sin; /* times the scale */
    bool bent;
    float dy[CORNERS][CORNERS], dx[CORNERS][CORNERS]; /* displacements, pixels */
} warp;

void em_turn(int view, int64_t side, int64_t i, int64_t j, int64_t *a, int64_t *b)
{
    *a = view & 4 ? j : i;
    *b = view & 4 ? i : j;
    if (view & 1) *a = side - 1 - *a;
    if (view & 2) *b = side - 1 - *b;
}

static void draw_warp(jd_rng *r, const em_crop_options *o, int64_t y0, int64_t x0, int64_t side, warp *w)
{
    const double angle = o->angle * (2 * (double)jd_rng_uniform(r) - 1) * (3.14159265358979323846 / 180);
    const double scale = 1 + o->stretch * (2 * (double)jd_rng_uniform(r) - 1);
    w->half = 0.5 * (double)(side - 1);
    w->y0 = (double)(y0 - o->window / 2) + w->half;
    w->x0 = (double)(x0 - o->window / 2) + w->half;
    w->cos = scale * cos(angle);
    w->sin = scale * sin(angle);
    w->bent = o->bend > 0;
    for (int i = 0; i < CORNERS && w->bent; i++)
        for (int j = 0; j < CORNERS; j++) {
            w->dy[i][j] = (float)(o->bend * jd_rng_normal(r));
            w->dx[i][j] = (float)(o->bend * jd_rng_normal(r));
        }
}

/* The cubic B-spline's weights of four corners at t, 0 .. 1, between the middle two. */
static void spline(float t, float b[4])
{
    const float u = 1 - t;
    b[0] = u * u * u / 6;
    b[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
    b[2] = (3 * u * u * u - 6 * u * u + 4) / 6;
    b[3] = t * t * t / 6;
}

/* Where the crop's point (a,b) comes from. */
static void source(const warp *w, int64_t a, int64_t b, double *y, double *x)
{
    const double i = (double)a - w->half, j = (double)b - w->half;
    *y = w->y0 + w->cos * i - w->sin * j;
    *x = w->x0 + w->sin * i + w->cos * j;
    if (!w->bent) return;
    const int64_t gi = a / GRID, gj = b / GRID;
    float p[4], q[4], dy = 0, dx = 0;
    spline((float)(a % GRID) / GRID, p);
    spline((float)(b % GRID) / GRID, q);
    for (int k = 0; k < 4; k++)
        for (int l = 0; l < 4; l++) {
            dy += p[k] * q[l] * w->dy[(gi + k) % CORNERS][(gj + l) % CORNERS];
            dx += p[k] * q[l] * w->dx[(gi + k) % CORNERS][(gj + l) % CORNERS];
        }
    *y += (double)dy;
    *x += (double)dx;
}

/* Between the four pixels around (y,x). */
static float grey(const uint8_t *pixels, int64_t H, int64_t W, double y, double x)
{
    const double fy = floor(y), fx = floor(x);
    const float v = (float)(y - fy), u = (float)(x - fx);
    const uint8_t *above = pixels + jd_scan_mirror((int64_t)fy, H) * W,
                  *below = pixels + jd_scan_mirror((int64_t)fy + 1, H) * W;
    const int64_t left = jd_scan_mirror((int64_t)fx, W), right = jd_scan_mirror((int64_t)fx + 1, W);
    return (1 - v) * ((1 - u) * above[left] + u * above[right]) + v * ((1 - u) * below[left] + u * below[right]);
}

void em_crop(const em_stack *s, const em_crop_options *o, int64_t index, float *x, int32_t *label)
{
    jd_rng r = jd_rng_new(o->seed, "crop", (uint64_t)index);
    const int64_t slice = jd_rng_below(&r, (uint32_t)s->n), side = o->side + o->window - 1, edge = o->window / 2;
    const int64_t y0 = jd_rng_below(&r, (uint32_t)(s->H - o->side + 1));
    const int64_t x0 = jd_rng_below(&r, (uint32_t)(s->W - o->side + 1));
    const int view = (int)jd_rng_below(&r, EM_VIEWS);
    const float factor = 1 + (float)o->contrast * (2 * jd_rng_uniform(&r) - 1);
    const float shift = (float)o->brightness * (2 * jd_rng_uniform(&r) - 1);
    const uint8_t *pixels = s->pixels + slice * s->H * s->W, *inside = s->inside + slice * s->H * s->W;
    warp w;
    draw_warp(&r, o, y0, x0, side, &w);
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++) {
            int64_t a, b;
            double y, c;
            em_turn(view, side, i, j, &a, &b);
            source(&w, a, b, &y, &c);
            const float v = EM_LOW + (EM_HIGH - EM_LOW) * grey(pixels, s->H, s->W, y, c) / 255.f;
            x[i * side + j] = factor * v + shift;
            const int64_t m = i - edge, n = j - edge;
            if (m >= 0 && m < o->side && n >= 0 && n < o->side && m % o->every == 0 && n % o->every == 0)
                label[m / o->every * (o->side / o->every) + n / o->every] =
                    inside[jd_scan_mirror(lrint(y), s->H) * s->W + jd_scan_mirror(lrint(c), s->W)];
        }
}
