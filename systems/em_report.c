/* em_report.c - scores of maps of membranes, and the figures of the report. */
#include "em_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 10, SHOWN = 3, TILE = 320 };

/* At the thresholds of the contest's script, 0, 0.1 .. 1. */
static jd_status score_stack(jd_ctx *ctx, const em_stack *s, const float *maps, bool thin, jd_membrane_score *out)
{
    return jd_score_membranes(
        ctx,
        &(jd_membranes){
            .slices = s->n, .H = s->H, .W = s->W, .inside = s->inside, .map = maps, .thin = thin, .steps = STEPS},
        out);
}

/* The least over the thresholds of the mean over the slices. */
static double warping(jd_ctx *ctx, const em_stack *s, const float *maps)
{
    double least = INFINITY;
    for (int k = 1; k < 10 && !jd_error(ctx); k++) {
        double sum = 0;
        for (int64_t i = 0; i < s->n; i++) {
            double one = 0;
            const size_t at = (size_t)(i * s->H * s->W);
            if (jd_warping_error(ctx, s->inside + at, maps + at, s->H, s->W, k / 10.0, &one)) break;
            sum += one / (double)s->n;
        }
        least = fmin(least, sum);
    }
    return least;
}

static double wrong_at(const em_stack *s, const float *maps, double threshold)
{
    const size_t n = (size_t)(s->n * s->H * s->W);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) wrong += ((double)maps[i] > threshold) != (s->inside[i] != 0);
    return (double)wrong / (double)n;
}

/* Half the cells that a net merges are let through by pixels that it calls inside with 90 to 99 %, where the contest's
 * thresholds have a single step, and between two steps V_Rand may change by a fifth.  Spread out, the order of the pixels stays. */
static float *spread_out(jd_ctx *ctx, const float *maps, size_t n, const em_spread *o)
{
    float *wide = jd_alloc_array(ctx, n + 1, sizeof *wide);
    for (size_t i = 0; wide && i < n; i++) {
        const double p = fmin(1 - 1e-6, fmax(1e-6, (double)maps[i])), logit = log(p / (1 - p));
        wide[i] = o->width > 0 ? (float)fmin(1, fmax(0, 0.5 + (logit - o->centre) / o->width)) : maps[i];
    }
    return wide;
}

jd_status em_spread_choose(jd_ctx *ctx, const em_stack *s, const float *maps, double width, em_spread *out)
{
    enum { FINE = 80, NEAR = 2 }; /* thresholds a tenth apart, and how many to either side the mean takes in */
    const em_spread all = {FINE / 10.0, 1};
    *out = (em_spread){.width = width};
    if (!s->n || !(width > 0)) return jd_error(ctx);
    jd_membrane_score score;
    float *wide = spread_out(ctx, maps, (size_t)(s->n * s->H * s->W), &all);
    double most = -1;
    if (wide &&
        !jd_score_membranes(
            ctx,
            &(jd_membranes){
                .slices = s->n, .H = s->H, .W = s->W, .inside = s->inside, .map = wide, .thin = true, .steps = FINE},
            &score))
        for (int k = NEAR; k <= FINE - NEAR; k++) {
            double sum = 0;
            for (int i = k - NEAR; i <= k + NEAR; i++) sum += score.at[i].rand;
            if (sum > most) most = sum, out->centre = all.centre + all.width * ((double)k / FINE - 0.5);
        }
    jd_free(ctx, wide);
    return jd_error(ctx);
}

jd_status em_score(jd_ctx *ctx, const em_stack *valid, const float *valid_maps, const em_stack *test, const float *maps,
                   const em_spread *spread, em_scores *out)
{
    em_scores s = {.valid_slices = valid->n, .spread = *spread};
    const size_t n = (size_t)(test->n * test->H * test->W), m = (size_t)(valid->n * valid->H * valid->W);
    float *wide = spread_out(ctx, maps, n, spread), *valid_wide = spread_out(ctx, valid_maps, m, spread);
    float *grey = jd_alloc_array(ctx, n, sizeof *grey);
    for (size_t i = 0; grey && i < n; i++) grey[i] = (float)test->pixels[i] / 255.f;
    jd_membrane_score dark = {0};
    if (grey && wide && valid_wide &&
        (!valid->n || (!score_stack(ctx, valid, valid_wide, true, &s.valid) &&
                       !jd_score_pixels(ctx, valid->inside, valid_maps, m, &s.valid_pixel))) &&
        !score_stack(ctx, test, wide, true, &s.test) && !score_stack(ctx, test, wide, false, &s.raw) &&
        !jd_score_pixels(ctx, test->inside, maps, n, &s.test_pixel) && !score_stack(ctx, test, grey, true, &dark)) {
        s.dark = dark.rand;
        s.wrong = wrong_at(test, maps, valid->n ? s.valid_pixel.threshold : 0.5);
        s.warping = warping(ctx, test, maps);
        *out = s;
    }
    jd_free(ctx, wide);
    jd_free(ctx, valid_wide);
    jd_free(ctx, grey);
    return jd_error(ctx);
}

/* ---- figures ------------------------------------------------------------------------------------------------------------*/

static void tables(jd_run *r, const em_scores *s, const em_cubic *cubic)
{
    static const char *const headings[] = {"figure", "winner 2012", "ours"};
    const int at = s->valid_slices ? (int)lround(s->valid.rand_threshold * STEPS) : STEPS / 2;
    const struct {
        const char *name, *paper;
        double value;
    } row[] = {{"V_Rand (thin), best of the thresholds 0, 0.1 .. 1", "0.97", s->test.rand},
               {"V_Rand (thin), threshold chosen on the slices held out", "", s->test.at[at].rand},
               {"V_Info (thin), best threshold", "0.99", s->test.info},
               {"V_Rand without thinning (1 - Rand error of 2012)", "0.952", s->raw.rand},
               {"pixel error: wrong at 0.5", "", s->test_pixel.half},
               {"pixel error: wrong, threshold of the slices held out", "0.060", s->wrong},
               {"pixel error: mean square", "", s->test_pixel.square},
               {"pixel error: 1 - largest F of the inside", "", 1 - s->test_pixel.similarity},
               {"warping error, all kinds, 1e-6", "434", s->warping * 1e6},
               {"V_Rand (thin) of the grey values, no learning", "", s->dark}};
    enum { ROWS = sizeof row / sizeof *row };
    char text[ROWS][32];
    const char *cells[ROWS * 3];
    for (int i = 0; i < ROWS; i++) {
        snprintf(text[i], sizeof text[i], row[i].value > 2 ? "%.0f" : "%.4f", row[i].value);
        cells[3 * i] = row[i].name;
        cells[3 * i + 1] = row[i].paper;
        cells[3 * i + 2] = text[i];
    }
    char caption[400];
    snprintf(
        caption, sizeof caption,
        "Test slices 20-24. The winner's figures are of the contest's hidden slices; its warping error counts splits "
        "and mergers only. Calibration: g(p) = p + p (1 - p) (%.3f + %.3f p); V_Rand and V_Info see 1/2 + (logit(g) - "
        "%.1f) / %g, centred where V_Rand is best on the slices held out.",
        cubic->a, cubic->b, s->spread.centre, s->spread.width);
    jd_report_table(jd_run_report(r), headings, cells, ROWS, 3, caption);
    static const char *const names[] = {"v_rand_validation_threshold",
                                        "v_info",
                                        "v_rand_unthinned",
                                        "pixel_error",
                                        "pixel_error_validation_threshold",
                                        "pixel_error_square",
                                        "warping_error",
                                        "validation_v_rand",
                                        "validation_pixel_error"};
    const double values[] = {s->test.at[at].rand,  s->test.info, s->raw.rand,   s->test_pixel.half, s->wrong,
                             s->test_pixel.square, s->warping,   s->valid.rand, s->valid_pixel.half};
    for (int i = 0; i < 9; i++) jd_run_extra(r, names[i], values[i]);
}

static void curves(jd_run *r, const em_scores *s)
{
    double x[STEPS + 1], y[4][STEPS + 1];
    for (int k = 0; k <= STEPS; k++) {
        x[k] = (double)k / STEPS;
        y[0][k] = s->test.at[k].rand;
        y[1][k] = s->test.at[k].info;
        y[2][k] = s->test.at[k].rand_split;
        y[3][k] = s->test.at[k].rand_merge;
    }
    jd_chart *c = jd_chart_new(jd_run_ctx(r),
                               &(jd_axis){.label = s->spread.width > 0 ? "threshold on the map, spread out"
                                                                       : "threshold on the probability of inside"},
                               &(jd_axis){.label = "score of the test slices", .min = 0.4, .max = 1}, 0);
    static const char *const names[] = {"V_Rand", "V_Info", "V_Rand, splits", "V_Rand, mergers"};
    for (int i = 0; i < 4; i++) jd_chart_line(c, names[i], x, y[i], STEPS + 1, i > 1 ? JD_DASHED : 0);
    jd_report_chart(
        jd_run_report(r), c,
        "A low threshold leaves gaps in membranes, through which cells merge; a high one splits cells at every "
        "doubt. The contest takes the best threshold.");
}

/* A colour that neighbouring numbers do not share. */
static void colour(int32_t label, uint8_t rgb[3])
{
    uint32_t h = (uint32_t)label * 2654435761u;
    for (int c = 0; c < 3; c++, h = h * 1664525u + 1013904223u) rgb[c] = (uint8_t)(70 + (h >> 24) * 170 / 255);
}

/* Objects in colours over the slice; boundaries white.  out (TILE,TILE,3): a corner of the slice. */
static void paint(const uint8_t *grey, const int32_t *label, int64_t W, uint8_t *out)
{
    for (int64_t y = 0; y < TILE; y++)
        for (int64_t x = 0; x < TILE; x++) {
            const int64_t p = y * W + x;
            uint8_t *o = out + (y * TILE + x) * 3, rgb[3] = {255, 255, 255};
            if (label && label[p]) colour(label[p], rgb);
            for (int c = 0; c < 3; c++) {
                const int mixed = label && label[p] ? (grey[p] + 2 * rgb[c]) / 3 : rgb[c];
                o[c] = label ? (uint8_t)mixed : grey[p];
            }
        }
}

/* Slices beside their maps, segmentations and truths. */
static void pictures(jd_run *r, const em_stack *s, const float *maps, const em_spread *spread, double threshold)
{
    jd_ctx *ctx = jd_run_ctx(r);
    float *wide = spread_out(ctx, maps, (size_t)(s->n * s->H * s->W), spread);
    const size_t n = (size_t)(s->H * s->W), tile = (size_t)TILE * TILE * 3;
    const int64_t shown = s->n < SHOWN ? s->n : SHOWN;
    uint8_t *tiles = jd_alloc_array(ctx, (size_t)(4 * shown) * tile, 1), *grey = jd_alloc_array(ctx, n, 1);
    uint8_t *inside = jd_alloc_array(ctx, n, 1);
    int32_t *label = jd_alloc_array(ctx, n, sizeof *label), count;
    char text[4 * SHOWN][64];
    const char *captions[4 * SHOWN];
    for (int64_t i = 0; wide && i < shown && !jd_error(ctx) && s->H >= TILE && s->W >= TILE; i++) {
        const uint8_t *pixels = s->pixels + (size_t)i * n;
        const float *map = maps + (size_t)i * n;
        uint8_t *out = tiles + (size_t)(4 * i) * tile;
        for (size_t k = 0; k < n; k++) {
            grey[k] = (uint8_t)lrint(255 * fmin(1, fmax(0, (double)map[k])));
            inside[k] = (double)wide[(size_t)i * n + k] > threshold;
        }
        paint(pixels, NULL, s->W, out);
        paint(grey, NULL, s->W, out + tile);
        jd_label_objects(ctx, inside, s->H, s->W, label, &count);
        jd_label_thin(ctx, label, s->H, s->W);
        paint(pixels, label, s->W, out + 2 * tile);
        jd_label_objects(ctx, s->inside + (size_t)i * n, s->H, s->W, label, &count);
        paint(pixels, label, s->W, out + 3 * tile);
        static const char *const what[] = {"slice", "probability of inside", "segmentation", "truth"};
        for (int k = 0; k < 4; k++) {
            snprintf(text[4 * i + k], sizeof text[0], "%s %d", what[k], 20 + (int)i);
            captions[4 * i + k] = text[4 * i + k];
        }
    }
    jd_report_images(
        jd_run_report(r),
        &(jd_tiles){.pixels = tiles,
                    .n = (size_t)(4 * shown),
                    .h = TILE,
                    .w = TILE,
                    .channels = 3,
                    .tile_captions = captions,
                    .columns = 2},
        "Test slices, a corner of each: the slice, the map, the cells that the map encloses after thinning, "
        "and the cells that people marked. Colours only tell cells apart.");
    jd_free(ctx, wide);
    jd_free(ctx, tiles);
    jd_free(ctx, grey);
    jd_free(ctx, inside);
    jd_free(ctx, label);
}

void em_report(jd_run *r, const em_stack *test, const float *maps, const em_scores *s, const em_cubic *cubic)
{
    jd_report_section(jd_run_report(r), "Scores");
    tables(r, s, cubic);
    curves(r, s);
    jd_report_section(jd_run_report(r), "What it sees");
    pictures(r, test, maps, &s->spread, s->test.rand_threshold);
}
