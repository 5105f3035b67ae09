/* pyramid_report.c - the figures of pyramid-lstm: volumes slice by slice with truth and answer. */
#include "pyramid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICES = 5, ZOOM = 3, C = JD_VOLUME_INPUTS };

/* Grey of a voxel: its normalised value from -2 to 3. */
static uint8_t grey_of(const volume *v, int64_t at)
{
    const double g = ((double)v->x[at * C] + 2) / 5;
    return (uint8_t)lrint(255 * fmin(1, fmax(0, g)));
}

/* Anterior orange, posterior blue; both readable on grey and by colour-blind readers. */
static void tint(int label, uint8_t rgb[3])
{
    static const uint8_t color[3][3] = {{0, 0, 0}, {230, 120, 0}, {40, 130, 230}};
    for (int c = 0; label && c < 3; c++) rgb[c] = (uint8_t)((rgb[c] + 2 * color[label][c]) / 3);
}

/* One voxel as a square of a tile that is `width` voxels wide. */
static void square(uint8_t *tile, int64_t width, int zoom, int64_t y, int64_t x, const uint8_t rgb[3])
{
    for (int64_t b = 0; b < zoom; b++)
        for (int64_t a = 0; a < zoom; a++) memcpy(tile + ((y * zoom + b) * width * zoom + x * zoom + a) * 3, rgb, 3);
}

/* Slices of one volume: the image, the truth over it, the answer over it. */
static void hippocampus_figure(jd_run *r, const volume *v, const uint8_t *answer, const double dice[2],
                               const char *which)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t plane = v->H * v->W;
    int64_t first = v->D, last = -1;
    for (int64_t i = 0; i < v->D * plane; i++)
        if (v->label[i] || answer[i]) {
            first = i / plane < first ? i / plane : first;
            last = i / plane;
        }
    if (last < 0) first = 0, last = v->D - 1;
    const size_t tile = (size_t)(plane * ZOOM * ZOOM * 3);
    uint8_t *pixels = jd_alloc_array(ctx, 3 * SLICES * tile, 1);
    char text[3 * SLICES][32], caption[256];
    const char *captions[3 * SLICES];
    for (int s = 0; s < SLICES && pixels; s++) {
        const int64_t z = first + (2 * s + 1) * (last - first + 1) / (2 * SLICES);
        for (int row = 0; row < 3; row++) {
            static const char *const what[] = {"slice", "truth", "net"};
            snprintf(text[row * SLICES + s], sizeof text[0], "%s %d", what[row], (int)z);
            captions[row * SLICES + s] = text[row * SLICES + s];
            for (int64_t i = 0; i < plane; i++) {
                const int64_t at = z * plane + i;
                uint8_t rgb[3];
                memset(rgb, grey_of(v, at), 3);
                tint(row == 0 ? 0 : row == 1 ? v->label[at] : answer[at], rgb);
                square(pixels + (size_t)(row * SLICES + s) * tile, v->W, ZOOM, i / v->W, i % v->W, rgb);
            }
        }
    }
    snprintf(
        caption, sizeof caption,
        "%s, the %s of the test volumes: Dice %.3f anterior (orange), %.3f posterior (blue). Slices through it from "
        "below; people's labels, then the net's.",
        v->name, which, dice[0], dice[1]);
    if (pixels)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = 3 * SLICES,
                                     .h = (size_t)(v->H * ZOOM),
                                     .w = (size_t)(v->W * ZOOM),
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = SLICES},
                         caption);
    jd_free(ctx, pixels);
}

static double both(const double d[2])
{
    return (d[0] + d[1]) / 2;
}

/* The volumes in the order of their Dice; true in `order`. */
static bool sorted(jd_ctx *ctx, const volumes *test, const hippocampus_scores *s, size_t **order)
{
    *order = jd_alloc_array(ctx, test->n + 1, sizeof **order);
    for (size_t i = 0; i < test->n && *order; i++) {
        size_t k = i;
        for (; k > 0 && both(s->dice[(*order)[k - 1]]) > both(s->dice[i]); k--) (*order)[k] = (*order)[k - 1];
        (*order)[k] = i;
    }
    return *order && test->n;
}

static void dice_chart(jd_run *r, const volumes *test, const hippocampus_scores *s, const size_t *order)
{
    jd_ctx *ctx = jd_run_ctx(r);
    double *y = jd_alloc_array(ctx, 2 * test->n, sizeof *y), *x = jd_alloc_array(ctx, test->n, sizeof *x);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "test volumes, worst first"}, &(jd_axis){.label = "Dice"}, 260);
    for (size_t i = 0; i < test->n && x && y; i++) {
        x[i] = (double)i + 1;
        for (int k = 0; k < 2; k++) y[(size_t)k * test->n + i] = s->dice[order[i]][k];
    }
    if (x && y) {
        jd_chart_points(c, "anterior", x, y, NULL, NULL, test->n, 0);
        jd_chart_points(c, "posterior", x, y + test->n, NULL, NULL, test->n, JD_HOLLOW);
        jd_chart_hline(c, "to reach", 0.8, JD_DASHED);
    }
    jd_report_chart(jd_run_report(r), c, "Each of the test volumes, both labels.");
    jd_free(ctx, x);
    jd_free(ctx, y);
}

void pyramid_report_hippocampus(jd_run *r, const volumes *test, const hippocampus_scores *s)
{
    static const char *const headings[] = {"label", "mean Dice", "least Dice", "same place in all volumes"};
    char text[2][3][16];
    const char *cells[8];
    size_t *order;
    jd_report_section(jd_run_report(r), "Hippocampi");
    for (int k = 0; k < 2; k++) {
        cells[4 * k] = k ? "posterior" : "anterior";
        const double value[3] = {s->mean[k], s->least[k], s->untrained[k]};
        for (int i = 0; i < 3; i++) {
            snprintf(text[k][i], sizeof text[k][i], "%.3f", value[i]);
            cells[4 * k + 1 + i] = text[k][i];
        }
    }
    jd_report_table(
        jd_run_report(r), headings, cells, 2, 4,
        "Dice on the test volumes. The last column is what the most frequent label at each relative place of "
        "the training volumes reaches, without a look at the image.");
    if (sorted(jd_run_ctx(r), test, s, &order)) {
        const size_t pick[3] = {test->n / 2, test->n - 1, 0};
        dice_chart(r, test, s, order);
        for (int k = 0; k < 3; k++) {
            const size_t i = order[pick[k]];
            hippocampus_figure(r, &test->v[i], s->label[i], s->dice[i],
                               (const char *const[]){"middle", "best", "worst"}[k]);
        }
    }
    jd_free(jd_run_ctx(r), order);
}

/* ---- membranes --------------------------------------------------------------------------------------------------------------*/

static void membrane_table(jd_run *r, const membrane_scores *s)
{
    static const char *const headings[] = {"", "PyraMiD-LSTM", "logistic regression, 3 x 3 x 3"};
    static const char *const names[] = {"wrong voxels", "F of membrane", "threshold"};
    const double value[3][2] = {{s->error[0], s->error[1]}, {s->f[0], s->f[1]}, {s->threshold[0], s->threshold[1]}};
    char text[3][2][16];
    const char *cells[9];
    for (int i = 0; i < 3; i++) {
        cells[3 * i] = names[i];
        for (int k = 0; k < 2; k++) {
            snprintf(text[i][k], sizeof text[i][k], i == 2 ? "%.2f" : "%.4f", value[i][k]);
            cells[3 * i + 1 + k] = text[i][k];
        }
    }
    char caption[200];
    snprintf(caption, sizeof caption,
             "Test volumes, at the threshold with the fewest wrong voxels of volumes learnt from or held out. The net "
             "makes %.0f %% fewer mistakes.",
             100 * (1 - s->error[0] / fmax(s->error[1], 1e-12)));
    jd_report_table(jd_run_report(r), headings, cells, 3, 3, caption);
}

void pyramid_report_membranes(jd_run *r, const char *title, const char *about, const volumes *test,
                              const membrane_scores *s)
{
    enum { SHOWN = 3, ROWS = 4, MOST = 192 };
    jd_ctx *ctx = jd_run_ctx(r);
    const volume *v = &test->v[0];
    const int64_t h = v->H < MOST ? v->H : MOST, w = v->W < MOST ? v->W : MOST;
    const int zoom = w <= 96 ? 3 : 1;
    const size_t tile = (size_t)(h * w * zoom * zoom * 3);
    jd_report_section(jd_run_report(r), title);
    jd_report_text(jd_run_report(r), about);
    membrane_table(r, s);
    uint8_t *pixels = jd_alloc_array(ctx, ROWS * SHOWN * tile, 1);
    char text[ROWS * SHOWN][48];
    const char *captions[ROWS * SHOWN];
    for (int k = 0; k < SHOWN && pixels; k++) {
        const int64_t z = (2 * k + 1) * v->D / (2 * SHOWN);
        for (int row = 0; row < ROWS; row++) {
            static const char *const what[] = {"slice", "membranes, truth", "net", "logistic regression"};
            snprintf(text[k * ROWS + row], sizeof text[0], "%s %d", what[row], (int)z);
            captions[k * ROWS + row] = text[k * ROWS + row];
            for (int64_t i = 0; i < h * w; i++) {
                const int64_t at = (z * v->H + i / w) * v->W + i % w;
                const float q = row == 1 ? v->label[at] : row == 2 ? s->net[0][at] : s->logistic[0][at];
                uint8_t rgb[3];
                memset(rgb, row == 0 ? grey_of(v, at) : (uint8_t)lrintf(255 * (1 - q)), 3);
                square(pixels + (size_t)(k * ROWS + row) * tile, w, zoom, i / w, i % w, rgb);
            }
        }
    }
    char caption[200];
    snprintf(caption, sizeof caption,
             "Slices of %s%s, the membranes, and the probability of membrane: black is certain.", v->name,
             h < v->H ? ", a corner of each" : "");
    if (pixels)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = ROWS * SHOWN,
                                     .h = (size_t)(h * zoom),
                                     .w = (size_t)(w * zoom),
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = ROWS},
                         caption);
    jd_free(ctx, pixels);
}
