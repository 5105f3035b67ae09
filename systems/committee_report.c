/* committee_report.c - the figures of a committee. */
#include "committee.h"
#include "jackdaw/prepare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 64, COLS = 3 };

static bool right(const jd_images *set, const float *p, size_t i)
{
    const float *q = p + i * (size_t)set->classes;
    for (int k = 0; k < set->classes; k++)
        if (q[k] > q[set->labels[i]] || (q[k] >= q[set->labels[i]] && k < set->labels[i])) return false;
    return true;
}

/* What the committee and its best column answer differently (McNemar's counts).  The best is chosen by the validation set
 * where there is one. */
static void compare_with_best(committee *c, char *text, size_t bytes)
{
    const double *by = isfinite(c->column_valid[0]) ? c->column_valid : c->column_error;
    int best = 0;
    for (int k = 1; k < c->o.columns; k++)
        if (by[k] < by[best]) best = k;
    size_t gained = 0, lost = 0;
    for (size_t i = 0; i < c->test.count; i++) {
        const bool all = right(&c->test, c->mean, i), one = right(&c->test, c->p[best], i);
        gained += all && !one;
        lost += one && !all;
    }
    snprintf(text, bytes,
             "Against its best column (%s, the best on the %s set) the committee corrects %zu pictures and spoils %zu.",
             c->name[best], by == c->column_valid ? "validation" : "test", gained, lost);
    jd_run_extra(c->r, "corrected", (double)gained);
    jd_run_extra(c->r, "spoiled", (double)lost);
}

static void table(committee *c)
{
    static const char *const heading[] = {"column", "validation error, %", "test error, %"};
    static const char *const way[] = {"committee: mean", "committee: product", "committee: vote"};
    char text[COMMITTEE_COLUMNS + COMMITTEE_WAYS + 1][COLS][CELL];
    const char *cell[(COMMITTEE_COLUMNS + COMMITTEE_WAYS + 1) * COLS];
    size_t rows = 0;
    for (int k = 0; k < c->o.columns; k++, rows++) {
        snprintf(text[rows][0], CELL, "%s", c->name[k]);
        snprintf(text[rows][1], CELL, isfinite(c->column_valid[k]) ? "%.2f" : "–", c->column_valid[k]);
        snprintf(text[rows][2], CELL, "%.2f", c->column_error[k]);
    }
    snprintf(text[rows][0], CELL, "mean of the columns");
    snprintf(text[rows][1], CELL, "–");
    snprintf(text[rows++][2], CELL, "%.2f", c->single);
    for (int k = 0; k < COMMITTEE_WAYS; k++, rows++) {
        snprintf(text[rows][0], CELL, "%s", way[k]);
        snprintf(text[rows][1], CELL, k == COMMITTEE_MEAN && isfinite(c->valid_error) ? "%.2f" : "–", c->valid_error);
        snprintf(text[rows][2], CELL, "%.2f", c->error[k]);
    }
    for (size_t i = 0; i < rows * COLS; i++) cell[i] = text[i / COLS][i % COLS];
    char caption[400], compared[250];
    compare_with_best(c, compared, sizeof compared);
    snprintf(caption, sizeof caption,
             "The columns by themselves and together. The mean of the probabilities is what counts. %s", compared);
    jd_report_section(jd_run_report(c->r), "Columns and committee");
    jd_report_table(jd_run_report(c->r), heading, cell, rows, COLS, caption);
}

/* A picture as each column sees it: six of the test set, a row each. */
static void views(committee *c)
{
    enum { SHOWN = 6 };
    const int columns = c->o.columns;
    const size_t given = (size_t)c->test.height * (size_t)c->test.width * (size_t)c->test.channels;
    const size_t n = c->test.count < SHOWN ? c->test.count : SHOWN;
    const jd_images *seen = &c->im->test; /* of the first column; all have its size */
    const size_t bytes = (size_t)seen->height * (size_t)seen->width * (size_t)seen->channels;
    uint8_t *tiles = jd_alloc_array(c->ctx, n * (size_t)columns, bytes);
    for (int k = 0; tiles && k < columns; k++) {
        jd_images some = c->test;
        some.count = n;
        some.pixels = jd_alloc_array(c->ctx, n, given);
        if (some.pixels) memcpy(some.pixels, c->test.pixels, n * given);
        if (some.pixels && !jd_images_prepare(c->ctx, &some, c->prepare[k]) && some.height == seen->height &&
            some.width == seen->width)
            for (size_t i = 0; i < n; i++)
                memcpy(tiles + (i * (size_t)columns + (size_t)k) * bytes, some.pixels + i * bytes, bytes);
        jd_free(c->ctx, some.pixels);
    }
    char caption[COMMITTEE_COLUMNS * COMMITTEE_NAME + 100];
    size_t at =
        (size_t)snprintf(caption, sizeof caption, "The first pictures of the test set as the columns see them:");
    for (int k = 0; k < columns; k++)
        at += (size_t)snprintf(caption + at, sizeof caption - at, "%s %s", k ? "," : "", c->name[k]);
    if (tiles)
        jd_report_images(jd_run_report(c->r),
                         &(jd_tiles){.pixels = tiles,
                                     .n = n * (size_t)columns,
                                     .h = (size_t)seen->height,
                                     .w = (size_t)seen->width,
                                     .channels = (size_t)seen->channels,
                                     .columns = columns},
                         caption);
    jd_free(c->ctx, tiles);
}

void committee_report(committee *c, double paper)
{
    if (!c || jd_error(c->ctx)) return;
    const char *curve[COMMITTEE_COLUMNS + 1] = {NULL};
    char name[COMMITTEE_COLUMNS][COMMITTEE_NAME + 8];
    for (int k = 0; k < c->o.columns; k++) {
        snprintf(name[k], sizeof name[k], "%s/error", c->name[k]);
        curve[k] = name[k];
    }
    if (c->o.columns > 1) {
        table(c);
        views(c);
    }
    images_report_curves(c->im, c->r, curve, paper, "");
    if (c->im->deformed) images_report_deformed(c->im, c->r);
    images_report_test(c->im, c->r, c->mean, c->o.class_names);
    images_report_filters(c->im, c->r, c->w, "column1/conv1/W", 0);
}
