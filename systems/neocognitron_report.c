/* neocognitron_report.c - the digits of the system neocognitron, and its figures. */
#include "neocognitron.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pen strokes, as polygons of up to ten corners in a square of 16; x < 0 ends a stroke, 0 the digit. */
static const signed char strokes[NEO_DIGITS][24] = {
    {5, 3, 10, 3, 11, 5, 11, 10, 10, 12, 5, 12, 4, 10, 4, 5, 5, 3},
    {6, 5, 8, 3, 8, 12},
    {4, 5, 6, 3, 9, 3, 11, 5, 10, 7, 4, 12, 11, 12},
    {4, 3, 11, 3, 7, 7, 10, 8, 11, 10, 9, 12, 6, 12, 4, 11},
    {9, 12, 9, 3, 4, 9, 11, 9},
    {11, 3, 5, 3, 4, 7, 9, 7, 11, 9, 10, 11, 8, 12, 4, 12},
    {10, 3, 7, 4, 4, 8, 4, 11, 6, 12, 9, 12, 11, 10, 9, 8, 4, 8},
    {4, 3, 11, 3, 7, 12},
    {7, 7, 4, 5, 5, 3, 10, 3, 11, 5, 4, 10, 5, 12, 10, 12, 11, 10, 7, 7},
    {11, 6, 9, 8, 5, 7, 4, 5, 6, 3, 9, 3, 11, 5, 11, 8, 8, 12},
};

static void turn(neo_pose p, const signed char *corner, double *x, double *y)
{
    const double middle = (NEO_SIDE - 1) / 2.0, u = (corner[0] - middle) * p.scale, v = (corner[1] - middle) * p.scale;
    *x = middle + p.dx + u * cos(p.angle) - v * sin(p.angle);
    *y = middle + p.dy + u * sin(p.angle) + v * cos(p.angle);
}

void neo_draw(int digit, neo_pose pose, float *out)
{
    memset(out, 0, NEO_SIDE * NEO_SIDE * sizeof *out);
    for (const signed char *c = strokes[digit]; c[2]; c += 2) {
        double x0, y0, x1, y1;
        turn(pose, c, &x0, &y0);
        turn(pose, c + 2, &x1, &y1);
        const double length = (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0);
        for (int y = 0; y < NEO_SIDE; y++)
            for (int x = 0; x < NEO_SIDE; x++) {
                const double t = fmin(1, fmax(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length));
                if (hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)) < 0.6) out[y * NEO_SIDE + x] = 1;
            }
    }
}

static uint8_t gray(double v)
{
    return (uint8_t)(255 * fmin(1, fmax(0, 1 - v)));
}

/* The cells of the last layer that each digit wakes. */
static void table(jd_run *r, const neo_result *n)
{
    enum { COLUMNS = 7 };
    static const char *const heading[] = {"digit", "its cell", "as shown", "by 1 pixel", "by 2", "by 3", "by 4"};
    char text[(NEO_DIGITS + 1) * COLUMNS][24];
    const char *cell[(NEO_DIGITS + 1) * COLUMNS];
    double mean[NEO_RINGS] = {0};
    for (int d = 0; d <= n->digits; d++) {
        char(*row)[24] = text + d * COLUMNS;
        const bool last = d == n->digits;
        snprintf(row[0], 24, last ? "all" : "%d", d);
        snprintf(row[1], 24, last || n->top[d] < 0 ? "–" : "%d", last ? 0 : n->top[d]);
        for (int s = 0; s < NEO_RINGS; s++) {
            if (!last) mean[s] += 100 * n->right[d][s] / n->digits;
            snprintf(row[2 + s], 24, "%.0f %%", last ? mean[s] : 100 * n->right[d][s]);
        }
    }
    for (int i = 0; i < (n->digits + 1) * COLUMNS; i++) cell[i] = text[i];
    char caption[500];
    snprintf(
        caption, sizeof caption,
        "The strongest cell of the last layer for each digit, and the share of all shifts of that size (their larger "
        "part) at which it is still the strongest. Of %d digits %d have a cell of their own; a cell that two digits "
        "share counts for neither. Turned by up to 10 degrees and scaled by 10 %%: %.0f %% known; with 4 of 256 "
        "pixels flipped: %.0f %%. Planes that learned something: %d, %d and %d of %d.",
        n->digits, n->own, 100 * n->deformed, 100 * n->noisy, n->used[0], n->used[1], n->used[2], n->planes);
    jd_report_section(jd_run_report(r), "Known wherever it stands");
    jd_report_table(jd_run_report(r), heading, cell, (size_t)n->digits + 1, COLUMNS, caption);
}

/* For each digit a map of shifts: dark where its own cell answers most. */
static void shift_maps(jd_run *r, const neo_result *n)
{
    enum { ACROSS = 2 * NEO_SHIFT + 1, PIXELS = 6, SIDE = ACROSS * PIXELS };
    static uint8_t tiles[NEO_DIGITS][SIDE][SIDE][3];
    char text[NEO_DIGITS][24];
    const char *caption[NEO_DIGITS];
    static const uint8_t yes[3] = {38, 110, 150}, no[3] = {228, 226, 220};
    for (int d = 0; d < n->digits; d++) {
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                for (int c = 0; c < 3; c++) {
                    const bool line = y % PIXELS == 0 || x % PIXELS == 0;
                    tiles[d][y][x][c] = line ? 255 : n->at[d][y / PIXELS][x / PIXELS] ? yes[c] : no[c];
                }
        snprintf(text[d], sizeof text[d], "%d", d);
        caption[d] = text[d];
    }
    jd_report_images(
        jd_run_report(r),
        &(jd_tiles){.pixels = &tiles[0][0][0][0],
                    .n = (size_t)n->digits,
                    .h = SIDE,
                    .w = SIDE,
                    .channels = 3,
                    .tile_captions = caption,
                    .columns = 5},
        "Each square is one shift, from 4 pixels up and left to 4 pixels down and right, the middle being the "
        "place where the net learned the digit: blue where the digit's own cell is the strongest.");
}

/* The kernels of the first S-layer that were reinforced. */
static void kernels(jd_run *r, const neo_result *n, jd_params *w)
{
    enum { K = 5 };
    const float *a = jd_params_get(w, "s1/a"), *b = jd_params_get(w, "s1/b");
    float chosen[NEO_PLANES * K * K];
    size_t shown = 0;
    for (int k = 0; a && b && k < n->planes; k++)
        if (b[k] > 0) memcpy(chosen + K * K * shown++, a + K * K * k, K * K * sizeof *a);
    jd_report_section(jd_run_report(r), "What the cells learned");
    if (shown)
        jd_report_filters(
            jd_run_report(r), chosen, shown, K, K, 1, false,
            "What the planes of the first S-layer look for in their 5 x 5 pixels: ends, bends and slants of the "
            "strokes that were strongest in their neighbourhood.");
}

enum { MAP_PLANES = 3 };

/* The planes of u (h,w,K) with the largest values, the first MAP_PLANES. */
static void strongest(const float *u, const jd_type *type, int plane[MAP_PLANES])
{
    const int64_t K = type->dim[3], cells = type->dim[1] * type->dim[2];
    for (int t = 0; t < MAP_PLANES; t++) {
        float most = -1;
        for (int k = 0; k < K; k++) {
            bool taken = false;
            for (int i = 0; i < t; i++) taken |= plane[i] == k;
            for (int64_t p = 0; p < cells && !taken; p++)
                if (u[p * K + k] > most) most = u[p * K + k], plane[t] = k;
        }
    }
}

/* A digit in two places, and what three planes of C-cells of each layer make of it. */
static void maps(jd_run *r, const neo_result *n, jd_fn *f)
{
    enum { ROWS = 4, SIDE = 60, COLUMNS = 1 + 2 * MAP_PLANES };
    static const char *const layer[] = {"c1", "c2"};
    jd_ctx *ctx = jd_run_ctx(r);
    const int second = n->digits > 3 ? 3 : 0,
              shown[ROWS] = {n->digits > 4 ? 4 : 1, n->digits > 4 ? 4 : 1, second, second};
    int plane[2][MAP_PLANES] = {{0}};
    uint8_t *tiles = jd_alloc_array(ctx, (size_t)ROWS * COLUMNS * SIDE * SIDE, 1);
    for (int i = 0; tiles && i < ROWS; i++) {
        float picture[NEO_SIDE * NEO_SIDE];
        neo_draw(shown[i], (neo_pose){i % 2 ? 2 : 0, i % 2 ? -1 : 0, 0, 1}, picture);
        const jd_tensor in = JD_TENSOR("x", JD_F32, picture, 1, NEO_SIDE, NEO_SIDE, 1);
        if (jd_fn_run(f, &in, 1)) break;
        for (int t = 0; t < COLUMNS; t++) {
            const int l = (t - 1) / MAP_PLANES, at = (t - 1) % MAP_PLANES;
            jd_type type = {JD_F32, 4, {1, NEO_SIDE, NEO_SIDE, 1}};
            const float *u = t ? jd_fn_result(f, layer[l], &type) : picture;
            if (t && at == 0 && i % 2 == 0) strongest(u, &type, plane[l]);
            const int64_t h = type.dim[1], w = type.dim[2], K = type.dim[3];
            const int k = t ? plane[l][at] : 0;
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++)
                    tiles[((i * COLUMNS + t) * SIDE + y) * SIDE + x] =
                        y == 0 || x == 0 ? 200 : gray((double)u[(y * h / SIDE * w + x * w / SIDE) * K + k]);
        }
    }
    if (tiles && !jd_error(ctx))
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){.pixels = tiles, .n = ROWS * COLUMNS, .h = SIDE, .w = SIDE, .channels = 1, .columns = COLUMNS},
            "Each row: a digit, the three planes of the first C-layer that answer it most (dark: strongly), and "
            "those of the second. Every second row is the digit of the row before, moved by two pixels to the "
            "right and one up, in the same planes: the answers move along, blurred and in coarser steps.");
    jd_free(ctx, tiles);
}

void neo_report(jd_run *r, const neo_result *n, jd_params *w, jd_fn *f)
{
    table(r, n);
    shift_maps(r, n);
    kernels(r, n, w);
    maps(r, n, f);
}
