/* digit_detection_report.c - pictures with boxes, precision and recall, filters; see digit_detection.h. */
#include "digit_detection.h"

#include <stdio.h>
#include <string.h>

enum { ZOOM = 2, TILE = CLUTTER_SIDE * ZOOM, SHOWN = 8, LIST = 60, TEXT = 240, BYTES = TILE * TILE * 3 };
#define SHOWN_FROM .5f /* detections that are drawn */

static const uint8_t RIGHT[3] = {60, 210, 90}, WRONG[3] = {240, 80, 60}, MISSED[3] = {250, 200, 40};

static void dot(uint8_t *rgb, int y, int x, const uint8_t colour[3])
{
    if (y >= 0 && x >= 0 && y < TILE && x < TILE) memcpy(rgb + (y * TILE + x) * 3, colour, 3);
}

static void outline(uint8_t *rgb, const jd_box *b, const uint8_t colour[3])
{
    const int y0 = (int)(b->y0 * ZOOM), y1 = (int)(b->y1 * ZOOM) - 1, x0 = (int)(b->x0 * ZOOM),
              x1 = (int)(b->x1 * ZOOM) - 1;
    for (int thick = 0; thick < 2; thick++) {
        for (int x = x0; x <= x1; x++) dot(rgb, y0 + thick, x, colour), dot(rgb, y1 - thick, x, colour);
        for (int y = y0; y <= y1; y++) dot(rgb, y, x0 + thick, colour), dot(rgb, y, x1 - thick, colour);
    }
}

/* Appends a digit to a list of them. */
static void list(char text[LIST], int digit)
{
    const size_t at = strlen(text);
    snprintf(text + at, LIST - at, " %d", digit);
}

/* Test picture `index` with what `round` found, and the digits in `text`.  Returns how many are wrong or missed. */
static int paint(uint64_t seed, const jd_images *digits, const detect_round *round, int32_t index, clutter *c,
                 uint8_t *rgb, char text[TEXT])
{
    bool taken[CLUTTER_DIGITS] = {false};
    char right[LIST] = "", wrong[LIST] = "", missed[LIST] = "";
    int faults = 0;
    detect_scene(seed, "clutter/test", (uint64_t)index, digits, c);
    for (int i = 0; i < TILE * TILE; i++)
        memset(rgb + 3 * i, (int)(255 * c->pixels[i / TILE / ZOOM * CLUTTER_SIDE + i % TILE / ZOOM]), 3);
    for (size_t k = 0; k < round->n; k++) {
        const jd_box *b = &round->found[k];
        if (b->image != index || b->score < SHOWN_FROM) continue;
        int t = 0;
        while (t < c->n && (taken[t] || c->box[t].label != b->label || jd_box_overlap(&c->box[t], b) < .5)) t++;
        const bool hit = t < c->n;
        if (hit) taken[t] = true;
        faults += !hit;
        outline(rgb, b, hit ? RIGHT : WRONG);
        list(hit ? right : wrong, b->label);
    }
    for (int t = 0; t < c->n; t++) {
        if (taken[t]) continue;
        faults++;
        outline(rgb, &c->box[t], MISSED);
        list(missed, c->box[t].label);
    }
    snprintf(text, TEXT, "right:%s%s%s%s%s", *right ? right : " none", *wrong ? "; wrong:" : "", wrong,
             *missed ? "; missed:" : "", missed);
    return faults;
}

/* The first pictures, or with `faults` the first of those in which something is wrong. */
static void gallery(jd_run *r, const jd_images *digits, const detect_round *round, int32_t pictures, bool faults,
                    const char *caption)
{
    jd_ctx *ctx = jd_run_ctx(r);
    uint8_t *pixels = jd_alloc_array(ctx, SHOWN + 1, BYTES);
    clutter *c = jd_alloc_array(ctx, 1, sizeof *c);
    char text[SHOWN + 1][TEXT];
    const char *captions[SHOWN];
    size_t n = 0;
    for (int32_t i = 0; pixels && c && i < pictures && n < SHOWN; i++) {
        const int wrong = paint(jd_run_seed(r) * 1000 + 1, digits, round, i, c, pixels + n * BYTES, text[n]);
        if (!faults || wrong) n++;
    }
    for (size_t i = 0; i < n; i++) captions[i] = text[i];
    if (pixels && n)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){
                .pixels = pixels, .n = n, .h = TILE, .w = TILE, .channels = 3, .tile_captions = captions, .columns = 2},
            caption);
    jd_free(ctx, pixels);
    jd_free(ctx, c);
}

static void curves(jd_run *r, const detect_seed *s)
{
    static const char *const names[DETECT_ROUNDS] = {"no mistakes seen", "one round", "two rounds"};
    jd_ctx *ctx = jd_run_ctx(r);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "recall", .min = 0, .max = 1},
                               &(jd_axis){.label = "precision", .min = 0, .max = 1}, 0);
    for (int k = 0; k < DETECT_ROUNDS; k++) {
        const detect_round *round = &s->round[k];
        double *recall = jd_alloc_array(ctx, 2 * round->n + 2, sizeof *recall), *precision = recall + round->n + 1;
        if (!recall) break;
        jd_average_precision(ctx, s->truth, s->truths, round->found, round->n, -1, .5, recall, precision);
        jd_chart_line(c, names[k], recall, precision, round->n, 0);
        jd_free(ctx, recall);
    }
    jd_report_chart(
        jd_run_report(r), c,
        "Precision against recall as the threshold on the probability falls, all digits together: nets that have "
        "learned from no mistakes, and from those of one and of two nets before them.");
}

static void table(jd_run *r, const detect_seed *s, int seeds)
{
    enum { COLUMNS = 4 + DETECT_CLASSES, CELL = 24, ROWS = DETECT_SEEDS * DETECT_ROUNDS };
    char room[ROWS][COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < seeds * DETECT_ROUNDS; i++) {
        const detect_round *v = &s[i / DETECT_ROUNDS].round[i % DETECT_ROUNDS];
        snprintf(room[i][0], CELL, "%d", i / DETECT_ROUNDS + 1);
        snprintf(room[i][1], CELL, "%zu", v->hard);
        snprintf(room[i][2], CELL, "%.1f", v->ap);
        snprintf(room[i][3], CELL, "%.1f", v->pooled);
        for (int k = 0; k < DETECT_CLASSES; k++) snprintf(room[i][4 + k], CELL, "%.0f", v->each[k]);
        for (int k = 0; k < COLUMNS; k++) cells[i * COLUMNS + k] = room[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"seed", "mistakes seen", "AP50, mean (%)", "together (%)", "0", "1", "2", "3", "4", "5",
                              "6", "7", "8", "9"},
        cells, (size_t)(seeds * DETECT_ROUNDS), COLUMNS,
        "Average precision of test pictures, whose digits come from MNIST's test set: the mean over the digits, all "
        "digits together, and each of them.");
}

void detect_report(jd_run *r, const detect_seed *s, int seeds, const jd_images *digits, const claims *c)
{
    const detect_round *last = &s[0].round[DETECT_ROUNDS - 1];
    const int32_t pictures = (int32_t)jd_run_setting(r, "pictures");
    claims_table(c, "What the sheet of the task asks for, and what was measured.");
    table(r, s, seeds);
    curves(r, s);
    jd_report_section(jd_run_report(r), "What it finds");
    gallery(
        r, digits, last, pictures, false,
        "The first test pictures with the boxes of probability 0.5 and more: green right, red wrong; yellow: missed.");
    jd_report_section(jd_run_report(r), "Where it fails");
    gallery(r, digits, last, pictures, true, "The first test pictures in which something is wrong or missed.");
    gallery(r, digits, &s[0].round[0], pictures, true,
            "The first net, which has learned from no mistakes, where it fails.");
    const jd_range *range = jd_params_find(last->params, "conv1/W");
    const float *w = jd_params_get(last->params, "conv1/W");
    if (!range || !w) return;
    jd_report_section(jd_run_report(r), "What its first layer looks for");
    jd_report_filters(jd_run_report(r), w, (size_t)range->type.dim[0], 5, 5, 1, false,
                      "Filters of the first convolution; grey is zero.");
}
