/* mitosis_detect.c - maps of slides, and detections in maps. */
#include <math.h>
#include <string.h>

#include "mitosis.h"

enum { LEVELS = 20 }; /* of thresholds */
#define DISK  10.0    /* of the smoothing, pixels */
#define APART 50.0    /* peaks */

/* Where the pixel (i,j) of a turned slide lies in the slide. */
static int64_t turn(int view, int64_t H, int64_t W, int64_t i, int64_t j)
{
    int64_t y = view & 4 ? j : i, x = view & 4 ? i : j;
    if (view & 1) y = H - 1 - y;
    if (view & 2) x = W - 1 - x;
    return y * W + x;
}

jd_status slide_map(jd_ctx *ctx, jd_scanner *scan, const slide *s, int views, float *map)
{
    const size_t n = (size_t)(s->H * s->W);
    float *x = jd_alloc_array(ctx, 3 * n, sizeof *x), *p = jd_alloc_array(ctx, 2 * n, sizeof *p);
    memset(map, 0, n * sizeof *map);
    for (int view = 0; view < views && x && p; view++) {
        const int64_t h = view & 4 ? s->W : s->H, w = view & 4 ? s->H : s->W;
        for (int64_t i = 0; i < h; i++)
            for (int64_t j = 0; j < w; j++)
                for (int c = 0; c < 3; c++)
                    x[(i * w + j) * 3 + c] = (float)s->rgb[turn(view, s->H, s->W, i, j) * 3 + c] / 127.5f - 1;
        if (jd_scan_image(scan, x, h, w, p)) break;
        for (int64_t i = 0; i < h; i++)
            for (int64_t j = 0; j < w; j++) map[turn(view, s->H, s->W, i, j)] += p[2 * (i * w + j) + 1] / (float)views;
    }
    jd_free(ctx, x);
    jd_free(ctx, p);
    return jd_error(ctx);
}

/* Adds the pieces above `level` that hold none found before, rise far enough above it and whose sum of the map is large
 * enough, at their centres of mass.  label: the pieces; claimed: pixels of those found. */
static size_t add_pieces(const detector *d, const slide *s, const float *map, const int32_t *label, int32_t count,
                         double level, jd_point *sum, float *top, uint8_t *claimed, jd_point *found, size_t n)
{
    const size_t pixels = (size_t)(s->H * s->W);
    memset(sum, 0, (size_t)(count + 1) * sizeof *sum);
    memset(top, 0, (size_t)(count + 1) * sizeof *top);
    for (size_t p = 0; p < pixels; p++) {
        jd_point *o = &sum[label[p]];
        if (!label[p] || o->score < 0) continue;
        if (claimed[p]) {
            o->score = -1;
            continue;
        }
        if (map[p] > top[label[p]]) top[label[p]] = map[p];
        o->score += map[p];
        o->y += map[p] * (float)((int64_t)p / s->W);
        o->x += map[p] * (float)((int64_t)p % s->W);
    }
    for (int32_t i = 1; i <= count; i++) {
        const jd_point o = sum[i];
        if (o.score > 0 && (double)o.score >= d->least && (double)top[i] >= level + d->rise)
            found[n++] = (jd_point){o.y / o.score, o.x / o.score, (float)level};
        else
            sum[i].score = -1;
    }
    for (size_t p = 0; p < pixels; p++)
        if (label[p] && sum[label[p]].score > 0) claimed[p] = 1;
    return n;
}

/* From high levels to low ones, so that things that touch, and join at low levels, are found one by one. */
static jd_status pieces(jd_ctx *ctx, const detector *d, const slide *s, const float *map, jd_point **out, size_t *n)
{
    const size_t pixels = (size_t)(s->H * s->W);
    uint8_t *above = jd_alloc_array(ctx, pixels, 1), *claimed = jd_alloc_array(ctx, pixels, 1);
    int32_t *label = jd_alloc_array(ctx, pixels, sizeof *label), count = 0;
    float *top = jd_alloc_array(ctx, pixels + 1, sizeof *top);
    jd_point *sum = jd_alloc_array(ctx, pixels + 1, sizeof *sum),
             *found = jd_alloc_array(ctx, pixels + 1, sizeof *found);
    *n = 0;
    for (int k = LEVELS - 1; k > 0 && !jd_error(ctx); k--) {
        const double level = (double)k / LEVELS;
        if (level < d->threshold - 1e-9) break;
        for (size_t p = 0; p < pixels; p++) above[p] = (double)map[p] > level;
        if (!jd_label_objects(ctx, above, s->H, s->W, label, &count))
            *n = add_pieces(d, s, map, label, count, level, sum, top, claimed, found, *n);
    }
    jd_free(ctx, above);
    jd_free(ctx, claimed);
    jd_free(ctx, label);
    jd_free(ctx, sum);
    jd_free(ctx, top);
    if (jd_error(ctx)) jd_free(ctx, found), found = NULL;
    *out = found;
    return jd_error(ctx);
}

jd_status detector_find(jd_ctx *ctx, const detector *d, const slide *s, const float *map, jd_point **out, size_t *n)
{
    if (!d->peaks) return pieces(ctx, d, s, map, out, n);
    float *smooth = jd_alloc_array(ctx, (size_t)(s->H * s->W), sizeof *smooth);
    if (smooth && !jd_disk_mean(ctx, map, s->H, s->W, DISK, smooth))
        jd_find_peaks(ctx, smooth, s->H, s->W, APART, d->threshold, out, n);
    jd_free(ctx, smooth);
    return jd_error(ctx);
}

jd_status detector_score(jd_ctx *ctx, const detector *d, const slides *s, float *const *maps, double radius,
                         jd_detection_score *out)
{
    jd_detection_score sum = {0}, one;
    for (size_t i = 0; i < s->n; i++) {
        jd_point *found = NULL;
        size_t n = 0;
        if (!detector_find(ctx, d, &s->s[i], maps[i], &found, &n) &&
            !jd_match_points(ctx, s->s[i].truth, s->s[i].n, found, n, radius, &one, NULL))
            jd_detection_add(&sum, &one);
        jd_free(ctx, found);
        if (jd_error(ctx)) return jd_error(ctx);
    }
    *out = sum;
    return JD_OK;
}

/* All that is found from the lowest level on, slide by slide, best first. */
typedef struct findings {
    jd_point **found;
    size_t *n;
} findings;

/* The counts when only findings with scores of at least `threshold` are kept. */
static jd_status score_at(jd_ctx *ctx, const findings *f, const slides *s, double threshold, double radius,
                          jd_detection_score *out)
{
    *out = (jd_detection_score){0};
    for (size_t i = 0; i < s->n; i++) {
        jd_detection_score one;
        size_t n = 0;
        while (n < f->n[i] && (double)f->found[i][n].score >= threshold - 1e-6) n++;
        if (jd_match_points(ctx, s->s[i].truth, s->s[i].n, f->found[i], n, radius, &one, NULL)) break;
        jd_detection_add(out, &one);
    }
    return jd_error(ctx);
}

/* The best threshold for one way of finding. */
static jd_status try_thresholds(jd_ctx *ctx, const detector *way, const slides *s, float *const *maps, double radius,
                                findings *f, detector *chosen, jd_detection_score *best)
{
    for (size_t i = 0; i < s->n && !jd_error(ctx); i++)
        detector_find(ctx, way, &s->s[i], maps[i], &f->found[i], &f->n[i]);
    for (int k = 1; k < LEVELS && !jd_error(ctx); k++) {
        jd_detection_score score;
        if (score_at(ctx, f, s, (double)k / LEVELS, radius, &score) || score.f1 <= best->f1) continue;
        *best = score;
        *chosen = *way;
        chosen->threshold = (double)k / LEVELS;
    }
    for (size_t i = 0; i < s->n; i++) {
        jd_free(ctx, f->found[i]);
        f->found[i] = NULL;
    }
    return jd_error(ctx);
}

jd_status detector_choose(jd_ctx *ctx, detector *d, const slides *s, float *const *maps, double radius,
                          jd_detection_score *best)
{
    static const double sums[] = {2, 4, 8, 14, 24}, rises[] = {0.1, 0.2, 0.3};
    findings f = {jd_alloc_array(ctx, s->n + 1, sizeof *f.found), jd_alloc_array(ctx, s->n + 1, sizeof *f.n)};
    detector way = {.peaks = d->peaks, .threshold = 1.0 / LEVELS};
    *best = (jd_detection_score){.f1 = -1};
    if (d->peaks && f.found && f.n) try_thresholds(ctx, &way, s, maps, radius, &f, d, best);
    for (int j = 0; j < 15 && !way.peaks && f.found && f.n; j++) {
        way.least = sums[j % 5];
        way.rise = rises[j / 5];
        if (try_thresholds(ctx, &way, s, maps, radius, &f, d, best)) break;
    }
    jd_free(ctx, f.found);
    jd_free(ctx, f.n);
    return jd_error(ctx);
}
