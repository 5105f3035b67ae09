/* fast_scan_report.c - figures of the system fast-scan. */
#include "fast_scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OVERVIEW = 500, ZOOM = 250, CELL = 200 };

static void random_nets(jd_run *r, const fast_scan_result *f)
{
    enum { COLUMNS = 6 };
    static const char *const heading[] = {"net", "window", "image", "fragments", "values", "largest difference"};
    jd_ctx *ctx = jd_run_ctx(r);
    char(*text)[CELL] = jd_alloc_array(ctx, (size_t)f->trials * COLUMNS, sizeof *text);
    const char **cell = jd_alloc_array(ctx, (size_t)f->trials * COLUMNS, sizeof *cell);
    double values = 0, same = 0;
    for (int i = 0; text && cell && i < f->trials; i++) {
        const fast_scan_trial *t = &f->trial[i];
        const double n = (double)(t->H * t->W * t->shape.outputs);
        char(*row)[CELL] = text + i * COLUMNS;
        snprintf(row[0], CELL, "%.190s", t->net);
        snprintf(row[1], CELL, "%lld x %lld x %lld", (long long)t->h, (long long)t->w, (long long)t->C);
        snprintf(row[2], CELL, "%lld x %lld", (long long)t->H, (long long)t->W);
        snprintf(row[3], CELL, "%lld", (long long)(t->shape.step * t->shape.step));
        snprintf(row[4], CELL, "%.0f", n);
        snprintf(row[5], CELL, t->difference > 0 ? "%.1e" : "0", t->difference);
        values += n;
        same += n * t->same;
        for (int c = 0; c < COLUMNS; c++) cell[i * COLUMNS + c] = row[c];
    }
    char caption[400];
    snprintf(caption, sizeof caption,
             "Random nets on random images, every pixel's window cut out and computed on its own, against one scan. Of "
             "%.0f values %.0f have the same bits. Beyond the image's edges the windows see it mirrored.",
             values, same);
    jd_report_section(jd_run_report(r), "The same numbers");
    if (text && cell) jd_report_table(jd_run_report(r), heading, cell, (size_t)f->trials, COLUMNS, caption);
    jd_free(ctx, text);
    jd_free(ctx, cell);
}

/* Multiply-adds of the 95-pixel net's layers: for each window on its own, and where every value is computed once.  Before a
 * layer the steps make S; with w cells of the window after it, all its fragments together have (512 + S (w - 1))^2 cells. */
static void layers(jd_run *r, const fast_scan_result *f)
{
    enum { LAYERS = 6, COLUMNS = 4 };
    static const struct {
        const char *name;
        double step, cells, each;
    } layer[LAYERS] = {{"convolution 4 x 4", 1, 92, 16 * 48},      {"convolution 5 x 5", 2, 42, 25 * 48 * 48},
                       {"convolution 4 x 4", 4, 18, 16 * 48 * 48}, {"convolution 4 x 4", 8, 6, 16 * 48 * 48},
                       {"200 units", 16, 1, 9 * 48 * 200},         {"2 outputs", 16, 1, 400}};
    static const char *const heading[] = {"layer", "windows, G", "scan, G", "gain"};
    char text[(LAYERS + 2) * COLUMNS][48];
    const char *cell[(LAYERS + 2) * COLUMNS];
    double sum[2] = {0};
    for (int i = 0; i < LAYERS; i++) {
        const double side = FAST_SCAN_IMAGE + layer[i].step * (layer[i].cells - 1),
                     pixels = FAST_SCAN_IMAGE * FAST_SCAN_IMAGE;
        const double alone = 1e-9 * pixels * layer[i].cells * layer[i].cells * layer[i].each;
        const double once = 1e-9 * side * side * layer[i].each;
        char(*row)[48] = text + i * COLUMNS;
        snprintf(row[0], 48, "%s", layer[i].name);
        snprintf(row[1], 48, alone < 10 ? "%.2f" : "%.0f", alone);
        snprintf(row[2], 48, "%.3g", once);
        snprintf(row[3], 48, "%.0f", alone / once);
        sum[0] += alone;
        sum[1] += once;
    }
    char(*row)[48] = text + LAYERS * COLUMNS;
    snprintf(row[0], 48, "all, multiply-adds");
    snprintf(row[1], 48, "%.0f", sum[0]);
    snprintf(row[2], 48, "%.3g", sum[1]);
    snprintf(row[3], 48, "%.0f", sum[0] / sum[1]);
    row += COLUMNS;
    snprintf(row[0], 48, "measured, seconds");
    snprintf(row[1], 48, "%.0f", f->patch_seconds);
    snprintf(row[2], 48, "%.2f", f->scan_seconds);
    snprintf(row[3], 48, "%.0f", f->patch_seconds / f->scan_seconds);
    for (int i = 0; i < (LAYERS + 2) * COLUMNS; i++) cell[i] = text[i];
    char caption[500];
    snprintf(
        caption, sizeof caption,
        "The membrane net of 2012, window 95 x 95, at all 262,144 pixels of 512 x 512: billions of multiply-adds and "
        "seconds on %d thread%s. The windows' time is the quickest batch of 64 of the %lld that were timed, times "
        "4,096; their values differ from the scan's by at most %.1g.",
        jd_ctx_threads(jd_run_ctx(r)), jd_ctx_threads(jd_run_ctx(r)) == 1 ? "" : "s", (long long)f->windows,
        f->patch_difference);
    jd_report_section(jd_run_report(r), "A fraction of the work");
    jd_report_table(jd_run_report(r), heading, cell, LAYERS + 2, COLUMNS, caption);
}

static void circle(uint8_t *tile, int side, double y, double x, double radius, const uint8_t rgb[3])
{
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            if (fabs(hypot(i - y, j - x) - radius) <= 1) memcpy(tile + (i * side + j) * 3, rgb, 3);
}

/* The square of `side` pixels from (y,x) on, shrunk to n x n: the picture, and the map in red over a pale picture. */
static void view(const fast_scan_result *f, int64_t y, int64_t x, int64_t side, int n, uint8_t *plain, uint8_t *marked)
{
    static const uint8_t right[3] = {0, 130, 60}, wrong[3] = {220, 30, 30}, missed[3] = {30, 80, 220};
    const slide *s = f->large;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const int64_t y0 = y + i * side / n, x0 = x + j * side / n, y1 = y + (i + 1) * side / n;
            const int64_t x1 = x + (j + 1) * side / n;
            double sum[3] = {0}, p = 0;
            for (int64_t a = y0; a < y1; a++)
                for (int64_t b = x0; b < x1; b++) {
                    for (int c = 0; c < 3; c++) sum[c] += s->rgb[(a * s->W + b) * 3 + c];
                    p = fmax(p, (double)f->map[a * s->W + b]);
                }
            for (int c = 0; c < 3; c++) {
                const double v = sum[c] / (double)((y1 - y0) * (x1 - x0)), pale = 160 + v * 95 / 255;
                plain[(i * n + j) * 3 + c] = (uint8_t)v;
                marked[(i * n + j) * 3 + c] = (uint8_t)((1 - p) * pale + p * (c == 0 ? 200 : 20));
            }
        }
    const double scale = (double)n / (double)side, radius = fmax(4, 14 * scale);
    for (size_t k = 0; k < f->large->n; k++) {
        bool hit = false;
        for (size_t i = 0; i < f->n; i++)
            hit |= hypot((double)(f->found[i].y - s->truth[k].y), (double)(f->found[i].x - s->truth[k].x)) <= 20;
        circle(marked, n, ((double)s->truth[k].y - (double)y) * scale, ((double)s->truth[k].x - (double)x) * scale,
               radius, hit ? right : missed);
    }
    for (size_t i = 0; i < f->n; i++) {
        bool near = false;
        for (size_t k = 0; k < s->n; k++)
            near |= hypot((double)(f->found[i].y - s->truth[k].y), (double)(f->found[i].x - s->truth[k].x)) <= 20;
        if (!near)
            circle(marked, n, ((double)f->found[i].y - (double)y) * scale, ((double)f->found[i].x - (double)x) * scale,
                   radius, wrong);
    }
}

static void large(jd_run *r, const fast_scan_result *f)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t each = (size_t)OVERVIEW * OVERVIEW * 3;
    uint8_t *tiles = jd_alloc_array(ctx, 2 * each, 1);
    if (!tiles) return;
    char caption[700];
    jd_report_section(jd_run_report(r), "A large picture");
    snprintf(
        caption, sizeof caption,
        "Synthetic tissue of %lld x %lld pixels, each the middle of a window of 53 x 53 that a net with three poolings "
        "scored, in %.1f s. Below: its map in red. Of %zu mitoses %lld are found (green), %lld are missed (blue), %lld "
        "other places are marked (red circles): F1 %.3f, at a threshold chosen on another picture.",
        (long long)f->side, (long long)f->side, f->large_seconds, f->large->n, (long long)f->score.right,
        (long long)f->score.missed, (long long)f->score.wrong, f->score.f1);
    view(f, 0, 0, f->side, OVERVIEW, tiles, tiles + each);
    jd_report_images(jd_run_report(r),
                     &(jd_tiles){.pixels = tiles, .n = 2, .h = OVERVIEW, .w = OVERVIEW, .channels = 3, .columns = 2},
                     caption);
    const jd_point *at = f->large->n ? &f->large->truth[f->large->n / 2] : NULL;
    const int64_t most = f->side - ZOOM, y = at ? (int64_t)fmin(fmax(0, (double)at->y - ZOOM / 2), (double)most) : 0,
                  x = at ? (int64_t)fmin(fmax(0, (double)at->x - ZOOM / 2), (double)most) : 0;
    view(f, y, x, ZOOM, OVERVIEW, tiles, tiles + each);
    jd_report_images(
        jd_run_report(r),
        &(jd_tiles){.pixels = tiles, .n = 2, .h = OVERVIEW, .w = OVERVIEW, .channels = 3, .columns = 2},
        "A part of it, every pixel twice as large: dark plates and rings are mitoses, dark round spots are not.");
    jd_free(ctx, tiles);
}

void fast_scan_report(jd_run *r, const fast_scan_result *f)
{
    layers(r, f);
    if (f->large) large(r, f);
    random_nets(r, f);
}
