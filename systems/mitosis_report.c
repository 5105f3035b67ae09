/* mitosis_report.c - figures of the system mitosis. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mitosis.h"

enum { SHOWN = 6, TILE = 256 };

static void table(jd_run *r, const detector *d, double radius, const mitosis_result *m)
{
    static const char *const headings[] = {"slides", "within (px)", "right",  "wrong",
                                           "missed", "precision",   "recall", "F1"};
    enum { COLUMNS = 8, ROWS = 4 };
    const struct {
        const char *name;
        double radius;
        jd_detection_score s;
    } row[ROWS] = {{"validation", radius, m->valid},
                   {"test", radius, m->test},
                   {"test", radius / 2, m->near},
                   {"the paper's, mitoses", 20, {70, 9, 30, 70.0 / 79, 0.7, 140.0 / 179}}};
    char text[ROWS * COLUMNS][32];
    const char *cells[ROWS * COLUMNS];
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        snprintf(text[n++], sizeof text[0], "%s", row[i].name);
        snprintf(text[n++], sizeof text[0], "%g", row[i].radius);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)row[i].s.right);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)row[i].s.wrong);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)row[i].s.missed);
        snprintf(text[n++], sizeof text[0], "%.3f", row[i].s.precision);
        snprintf(text[n++], sizeof text[0], "%.3f", row[i].s.recall);
        snprintf(text[n++], sizeof text[0], "%.3f", row[i].s.f1);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    char caption[300];
    snprintf(
        caption, sizeof caption,
        d->peaks
            ? "Peaks of the map smoothed with a disk of 10 pixels, at least 50 pixels apart, above %.3f: chosen on "
              "the validation slides."
            : "Connected pieces of the map above levels from 0.95 down to %.2f, with a sum of at least %g, that rise "
              "by at "
              "least %g: chosen on the validation slides.",
        d->threshold, d->least, d->rise);
    jd_report_table(jd_run_report(r), headings, cells, ROWS, COLUMNS, caption);
}

/* Precision and recall over the thresholds. */
static void curve(jd_run *r, const detector *d, const slides *test, float *const *maps, double radius)
{
    enum { STEPS = 19 };
    double x[STEPS], y[3][STEPS];
    detector t = *d;
    for (int k = 0; k < STEPS; k++) {
        jd_detection_score s = {0};
        x[k] = t.threshold = (k + 1) / 20.0;
        if (detector_score(jd_run_ctx(r), &t, test, maps, radius, &s)) return;
        y[0][k] = s.f1;
        y[1][k] = s.precision;
        y[2][k] = s.recall;
    }
    static const char *const names[] = {"F1", "precision", "recall"};
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "threshold"},
                               &(jd_axis){.label = "test slides", .min = 0, .max = 1}, 0);
    for (int i = 0; i < 3; i++) jd_chart_line(c, names[i], x, y[i], STEPS, i ? JD_DASHED : 0);
    jd_chart_vline(c, "chosen", d->threshold, JD_NEUTRAL | JD_DASHED);
    jd_report_chart(jd_run_report(r), c,
                    "What other thresholds would give; the one used was chosen without these slides.");
}

/* A circle, two pixels wide. */
static void circle(uint8_t *tile, double y, double x, double radius, const uint8_t rgb[3])
{
    for (int64_t i = 0; i < TILE; i++)
        for (int64_t j = 0; j < TILE; j++)
            if (fabs(hypot((double)i - y, (double)j - x) - radius) <= 0.9) memcpy(tile + (i * TILE + j) * 3, rgb, 3);
}

static void draw_found(uint8_t *tile, const slide *s, const jd_point *found, size_t n, const int32_t *match)
{
    static const uint8_t right[3] = {40, 200, 80}, wrong[3] = {235, 60, 50}, missed[3] = {60, 140, 255};
    for (size_t i = 0; i < n; i++)
        circle(tile, (double)found[i].y, (double)found[i].x, 6, match[i] >= 0 ? right : wrong);
    for (size_t j = 0; j < s->n; j++) {
        bool hit = false;
        for (size_t i = 0; i < n && !hit; i++) hit = match[i] == (int32_t)j;
        if (!hit) circle(tile, (double)s->truth[j].y, (double)s->truth[j].x, 8, missed);
    }
}

static void pictures(jd_run *r, const detector *d, const slides *test, float *const *maps, double radius)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t size = (size_t)TILE * TILE * 3;
    uint8_t *tiles = jd_alloc_array(ctx, 2 * SHOWN * size, 1);
    char text[2 * SHOWN][64];
    const char *captions[2 * SHOWN];
    size_t shown = 0;
    const size_t each = test->n > SHOWN ? test->n / SHOWN : 1;
    for (size_t i = 0; i < test->n && shown < SHOWN && tiles && !jd_error(ctx); i += each) {
        const slide *s = &test->s[i];
        uint8_t *tile = tiles + 2 * shown * size;
        jd_point *found = NULL;
        size_t n = 0;
        jd_detection_score score = {0};
        if (detector_find(ctx, d, s, maps[i], &found, &n)) break;
        int32_t *match = jd_alloc_array(ctx, n + 1, sizeof *match);
        if (match && !jd_match_points(ctx, s->truth, s->n, found, n, radius, &score, match)) {
            for (int64_t y = 0; y < TILE && y < s->H; y++)
                for (int64_t x = 0; x < TILE && x < s->W; x++)
                    for (int c = 0; c < 3; c++) {
                        tile[(y * TILE + x) * 3 + c] = s->rgb[(y * s->W + x) * 3 + c];
                        tile[size + (size_t)((y * TILE + x) * 3 + c)] =
                            (uint8_t)(255 * fmin(1, fmax(0, (double)maps[i][y * s->W + x])));
                    }
            draw_found(tile, s, found, n, match);
            snprintf(text[2 * shown], sizeof text[0], "%lld right, %lld wrong, %lld missed", (long long)score.right,
                     (long long)score.wrong, (long long)score.missed);
            snprintf(text[2 * shown + 1], sizeof text[0], "its map");
            captions[2 * shown] = text[2 * shown];
            captions[2 * shown + 1] = text[2 * shown + 1];
            shown++;
        }
        jd_free(ctx, match);
        jd_free(ctx, found);
    }
    if (shown)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){.pixels = tiles,
                        .n = 2 * shown,
                        .h = TILE,
                        .w = TILE,
                        .channels = 3,
                        .tile_captions = captions,
                        .columns = 2},
            "Corners of test slides, and their maps. Green: right detections, red: wrong ones, blue: missed.");
    jd_free(ctx, tiles);
}

void mitosis_report(jd_run *r, const detector *d, const slides *test, float *const *maps, double radius,
                    const mitosis_result *m)
{
    jd_report_section(jd_run_report(r), "Detections");
    table(r, d, radius, m);
    curve(r, d, test, maps, radius);
    jd_report_section(jd_run_report(r), "What it finds");
    pictures(r, d, test, maps, radius);
    jd_run_extra(r, "precision", m->test.precision);
    jd_run_extra(r, "recall", m->test.recall);
    jd_run_extra(r, "f1_half_radius", m->near.f1);
    jd_run_extra(r, "validation_f1", m->valid.f1);
    jd_run_extra(r, "threshold", d->threshold);
}
