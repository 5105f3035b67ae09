/* slides_draw.c - synthetic slides: tissue, nuclei, mitoses and dark nuclei that look like them. */
#include <math.h>
#include <string.h>

#include "slides.h"

enum { SIDE = 512, NUCLEI = 150, MITOSES = 8, DARK = 15, OBJECTS = NUCLEI + MITOSES + DARK, GRID = 66 };
#define PI    3.14159265358979323846
#define REACH 10.0 /* of a mitosis' core */

/* Smooth noise in [-1,1]: random values on a grid, interpolated. */
typedef struct noise {
    float v[GRID][GRID];
    double cell;
} noise;
static void noise_draw(noise *n, jd_rng *r, double cell)
{
    n->cell = cell;
    for (int i = 0; i < GRID; i++)
        for (int j = 0; j < GRID; j++) n->v[i][j] = 2 * jd_rng_uniform(r) - 1;
}
static double noise_at(const noise *n, double y, double x)
{
    const double gy = y / n->cell, gx = x / n->cell;
    const int i = (int)gy % (GRID - 1), j = (int)gx % (GRID - 1);
    const double dy = gy - floor(gy), dx = gx - floor(gx), sy = dy * dy * (3 - 2 * dy), sx = dx * dx * (3 - 2 * dx);
    return (1 - sy) * ((1 - sx) * (double)n->v[i][j] + sx * (double)n->v[i][j + 1]) +
           sy * ((1 - sx) * (double)n->v[i + 1][j] + sx * (double)n->v[i + 1][j + 1]);
}

typedef enum shape { NUCLEUS, ROUND, PLATE, RING, PAIR } shape;

typedef struct object {
    shape kind;
    double y, x, angle, a, b; /* half axes; of a ring the radius and half its thickness */
    double gap;               /* between the plates of a pair */
    double wobble[3], phase[3];
    double rgb[3];
} object;

static double between(jd_rng *r, double low, double high)
{
    return low + (high - low) * jd_rng_uniform64(r);
}

static void choose_shape(object *o, shape k, jd_rng *r)
{
    static const double colour[2][3] = {{146, 112, 178}, {70, 42, 98}}; /* haematoxylin: nuclei, dense chromatin */
    *o = (object){.kind = k, .angle = between(r, 0, PI)};
    switch (k) {
    case NUCLEUS:
        o->a = between(r, 7, 12);
        o->b = o->a * between(r, 0.65, 1);
        break;
    case ROUND: o->a = between(r, 4, 7), o->b = o->a * between(r, 0.9, 1); break;
    case PLATE: o->a = between(r, 8, 12), o->b = between(r, 2.2, 3.6); break;
    case RING: o->a = between(r, 5.5, 8), o->b = between(r, 1.4, 2.2); break;
    default: o->a = between(r, 6, 9), o->b = between(r, 1.8, 2.8), o->gap = between(r, 4.5, 7); break;
    }
    const double rough = k == NUCLEUS ? 0.04 : k == ROUND ? 0.02 : 0.16;
    for (int i = 0; i < 3; i++) {
        o->wobble[i] = between(r, 0, rough);
        o->phase[i] = between(r, 0, 2 * PI);
    }
    const double tint = between(r, -14, 14);
    for (int c = 0; c < 3; c++) o->rgb[c] = colour[k != NUCLEUS][c] + tint;
}

/* How far (y,x) lies inside an ellipse with a rough edge, in pixels, about. */
static double ellipse(const object *o, double y, double x)
{
    const double e = hypot(y / o->b, x / o->a), angle = atan2(y, x);
    double edge = 1;
    for (int i = 0; i < 3; i++) edge += o->wobble[i] * cos((i + 2) * angle + o->phase[i]);
    return (edge - e) * o->b;
}

/* Coverage of the pixel (y,x) by the object, 0 to 1. */
static double cover(const object *o, double y, double x)
{
    const double c = cos(o->angle), s = sin(o->angle), v = c * (y - o->y) - s * (x - o->x),
                 u = s * (y - o->y) + c * (x - o->x);
    double d;
    if (o->kind == RING) {
        const double angle = atan2(v, u);
        double r = o->a;
        for (int i = 0; i < 3; i++) r += o->a * o->wobble[i] * cos((i + 2) * angle + o->phase[i]);
        d = o->b - fabs(hypot(u, v) - r);
    } else if (o->kind == PAIR) {
        d = fmax(ellipse(o, v - o->gap, u), ellipse(o, v + o->gap, u));
    } else {
        d = ellipse(o, v, u);
    }
    return fmin(1, fmax(0, 0.5 + 0.7 * d));
}

static bool too_near(const object *list, int n, const object *o, double far, double near_nucleus)
{
    for (int i = 0; i < n; i++) {
        const double d = hypot(list[i].y - o->y, list[i].x - o->x);
        if (d < (list[i].kind == NUCLEUS || o->kind == NUCLEUS ? near_nucleus : far)) return true;
    }
    return false;
}

/* The mitoses first, then the dark ones, then the nuclei where there is room. */
static int arrange(object *list, jd_rng *r)
{
    int n = 0;
    for (int i = 0; i < OBJECTS; i++) {
        const shape k = i < MITOSES ? (shape)(PLATE + jd_rng_below(r, 3)) : i < MITOSES + DARK ? ROUND : NUCLEUS;
        object o;
        choose_shape(&o, k, r);
        for (int attempt = 0; attempt < 400; attempt++) {
            o.y = between(r, 12, SIDE - 12);
            o.x = between(r, 12, SIDE - 12);
            if (too_near(list, n, &o, i < MITOSES ? 60 : 26, 21)) continue;
            list[n++] = o;
            break;
        }
    }
    return n;
}

static void paint(slide *s, const object *o, const noise *grain)
{
    const int64_t reach = 26;
    for (int64_t y = (int64_t)o->y - reach; y <= (int64_t)o->y + reach; y++)
        for (int64_t x = (int64_t)o->x - reach; x <= (int64_t)o->x + reach; x++) {
            if (y < 0 || y >= s->H || x < 0 || x >= s->W) continue;
            const double m = cover(o, (double)y, (double)x) * (o->kind == NUCLEUS ? 0.85 : 0.95);
            uint8_t *p = s->rgb + (y * s->W + x) * 3;
            const double texture = (o->kind == NUCLEUS ? 26 : 10) * noise_at(grain, (double)y, (double)x);
            for (int c = 0; m > 0 && c < 3; c++)
                p[c] = (uint8_t)fmin(255, fmax(0, (1 - m) * p[c] + m * (o->rgb[c] + texture)));
        }
}

static void tissue(slide *s, jd_rng *r, const noise *coarse, const noise *fine, const noise *grain)
{
    static const double pink[3] = {226, 178, 206}, pale[3] = {244, 226, 236};
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++) {
            const double a = 0.5 + 0.5 * noise_at(coarse, (double)y, (double)x);
            const double b = 14 * noise_at(fine, (double)y, (double)x) + 8 * noise_at(grain, (double)y, (double)x) +
                             6 * (jd_rng_uniform64(r) - 0.5);
            for (int c = 0; c < 3; c++)
                s->rgb[(y * SIDE + x) * 3 + c] =
                    (uint8_t)fmin(255, fmax(0, a * pink[c] + (1 - a) * pale[c] + (c == 1 ? 1.3 : 0.8) * b));
        }
}

static void draw_one(slide *s, uint64_t seed, uint64_t index, noise *n)
{
    jd_rng r = jd_rng_new(seed, "slide", index);
    object list[OBJECTS];
    noise_draw(&n[0], &r, 40);
    noise_draw(&n[1], &r, 9);
    noise_draw(&n[2], &r, 2.5);
    tissue(s, &r, &n[0], &n[1], &n[2]);
    const int objects = arrange(list, &r);
    for (int i = objects; i-- > 0;) paint(s, &list[i], &n[2]);
    for (int i = 0; i < objects; i++)
        if (list[i].kind >= PLATE) s->truth[s->n++] = (jd_point){(float)list[i].y, (float)list[i].x, 0};
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++)
            for (size_t i = 0; i < s->n; i++)
                if (hypot((double)y - (double)s->truth[i].y, (double)x - (double)s->truth[i].x) <= REACH)
                    s->core[y * SIDE + x] = 1;
}

jd_status slides_draw(jd_ctx *ctx, uint64_t seed, size_t first, size_t n, slides *out)
{
    slides s = {.n = n, .s = jd_alloc_array(ctx, n, sizeof *s.s)};
    noise *layers = jd_alloc_array(ctx, 3, sizeof *layers);
    for (size_t i = 0; i < n && s.s && layers; i++) {
        slide *one = &s.s[i];
        *one = (slide){.H = SIDE, .W = SIDE, .rgb = jd_alloc_array(ctx, SIDE * SIDE * 3, 1)};
        one->core = jd_alloc_array(ctx, SIDE * SIDE, 1);
        one->truth = jd_alloc_array(ctx, MITOSES, sizeof *one->truth);
        if (jd_error(ctx)) break;
        draw_one(one, seed, first + i, layers);
    }
    jd_free(ctx, layers);
    if (jd_error(ctx)) slides_free(ctx, &s);
    *out = s;
    return jd_error(ctx);
}
