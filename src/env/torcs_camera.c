/*
 * torcs_camera.c - the road ahead as a small picture: grass, road with white edge lines, sky.
 *
 * Cross-sections up to 200 m ahead are drawn from far to near, so that a hill hides what is behind it.
 */
#include <math.h>

#include "base/dmath.h"
#include "env/torcs.h"

enum { AHEAD = 200, VERGE = 30, CORNERS = 6 };
static const double HEIGHT = 3, TILT = .2, NEAR = .3, HALF_WIDTH = 0.57735026918962576, /* tan 30 degrees */
    LINE = .35;                                                                         /* width of an edge line, m */
static const uint8_t SKY[3] = {150, 190, 235}, GRASS[3] = {70, 125, 50}, ROAD[3] = {100, 100, 100},
                     WHITE[3] = {240, 240, 240};

typedef struct vec {
    double x, y, z;
} vec;

typedef struct view {
    uint8_t *rgb;
    int w, h;
    double focal; /* pixels */
    vec eye, forward, left, up;
} view;

static double dot(vec a, vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

/* TORCS's angles: first roll around the forward axis (left side up is positive), then pitch (nose down is positive), then
 * yaw. */
static view make_view(const torcs_pose *p, uint8_t *rgb, int w, int h)
{
    double sr, cr, sp, cp, sy, cy;
    jd_sincos(p->roll, &sr, &cr);
    jd_sincos(p->pitch + TILT, &sp, &cp);
    jd_sincos(p->yaw, &sy, &cy);
    view v = {.rgb = rgb, .w = w, .h = h, .focal = w / 2. / HALF_WIDTH};
    v.forward = (vec){cy * cp, sy * cp, -sp};
    v.left = (vec){cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, cp * sr};
    v.up = (vec){cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, cp * cr};
    v.eye = (vec){p->x + HEIGHT * v.up.x, p->y + HEIGHT * v.up.y, p->z + HEIGHT * v.up.z};
    return v;
}

static void put(uint8_t *pixel, const uint8_t *color)
{
    for (int k = 0; k < 3; k++) pixel[k] = color[k];
}

/* Sky above the horizon, grass below. */
static void background(const view *v)
{
    for (int i = 0; i < v->h; i++)
        for (int j = 0; j < v->w; j++) {
            const double a = (v->w / 2. - j - .5) / v->focal, b = (v->h / 2. - i - .5) / v->focal;
            const bool sky = v->forward.z + a * v->left.z + b * v->up.z > 0;
            put(v->rgb + 3 * (i * v->w + j), sky ? SKY : GRASS);
        }
}

/* Colours the pixels whose centres lie in a convex polygon. */
static void fill(const view *v, const double *x, const double *y, int n, const uint8_t *color)
{
    double top = y[0], bottom = y[0];
    for (int k = 1; k < n; k++) {
        if (y[k] < top) top = y[k];
        if (y[k] > bottom) bottom = y[k];
    }
    if (!(bottom > 0 && top < v->h)) return;
    int i = top > 0 ? (int)ceil(top - .5) : 0;
    for (; i < v->h && i + .5 < bottom; i++) {
        const double at = i + .5;
        double from = 1e9, to = -1e9;
        for (int k = 0; k < n; k++) {
            const int m = k + 1 < n ? k + 1 : 0;
            if ((y[k] <= at) == (y[m] <= at)) continue;
            const double cut = x[k] + (at - y[k]) / (y[m] - y[k]) * (x[m] - x[k]);
            if (cut < from) from = cut;
            if (cut > to) to = cut;
        }
        int j = from > .5 ? from < v->w ? (int)ceil(from - .5) : v->w : 0;
        for (; j < v->w && j + .5 < to; j++) put(v->rgb + 3 * (i * v->w + j), color);
    }
}

/* A quadrilateral given in the camera's frame (forward, left, up). */
static void quad(const view *v, const vec *corner, const uint8_t *color)
{
    double x[CORNERS], y[CORNERS];
    int n = 0;
    for (int k = 0; k < 4; k++) {
        const vec a = corner[k], b = corner[(k + 1) & 3];
        if (a.x >= NEAR) {
            x[n] = v->w / 2. - v->focal * a.y / a.x;
            y[n++] = v->h / 2. - v->focal * a.z / a.x;
        }
        if ((a.x >= NEAR) != (b.x >= NEAR)) {
            const double u = (NEAR - a.x) / (b.x - a.x);
            x[n] = v->w / 2. - v->focal * (a.y + u * (b.y - a.y)) / NEAR;
            y[n++] = v->h / 2. - v->focal * (a.z + u * (b.z - a.z)) / NEAR;
        }
    }
    if (n >= 3) fill(v, x, y, n, color);
}

/* The point at the fraction u of the way from the left edge to the right one, in the camera's frame. */
static vec across(const view *v, const torcs_section *s, double u)
{
    const vec d = {s->left[0] + u * ((double)s->right[0] - s->left[0]) - v->eye.x,
                   s->left[1] + u * ((double)s->right[1] - s->left[1]) - v->eye.y,
                   s->left[2] + u * ((double)s->right[2] - s->left[2]) - v->eye.z};
    return (vec){dot(d, v->forward), dot(d, v->left), dot(d, v->up)};
}

/* The last section whose place is not past `at`. */
static int find_section(const torcs_road *r, double at)
{
    int low = 0, high = r->sections;
    while (high - low > 1) {
        const int mid = (low + high) / 2;
        if (r->section[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    return low;
}

void jd__torcs_look(const torcs_road *road, const torcs_pose *pose, uint8_t *rgb, int w, int h)
{
    const view v = make_view(pose, rgb, w, h);
    background(&v);
    const int n = road->sections, first = find_section(road, pose->at) + n - 1;
    const double g = VERGE / (double)road->width, l = LINE / (double)road->width;
    const double cut[] = {-g, 0, l, 1 - l, 1, 1 + g};
    const uint8_t *const color[] = {GRASS, WHITE, ROAD, WHITE, GRASS};
    enum { STRIPS = 5 };
    int last = first + 1;
    for (double run = 0; run < AHEAD && last < first + n - 1; last++) {
        const double step = road->section[(last + 1) % n].at - road->section[last % n].at;
        run += step > 0 ? step : step + road->length;
    }
    vec far_edge[STRIPS + 1], near_edge[STRIPS + 1];
    for (int k = 0; k <= STRIPS; k++) far_edge[k] = across(&v, &road->section[last % n], cut[k]);
    for (int i = last - 1; i >= first; i--) {
        for (int k = 0; k <= STRIPS; k++) near_edge[k] = across(&v, &road->section[i % n], cut[k]);
        for (int k = 0; k < STRIPS; k++)
            quad(&v, (const vec[]){near_edge[k], near_edge[k + 1], far_edge[k + 1], far_edge[k]}, color[k]);
        for (int k = 0; k <= STRIPS; k++) far_edge[k] = near_edge[k];
    }
}
