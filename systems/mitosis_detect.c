/* mitosis_detect.c - maps of slides, and detections in maps. */
#include <math.h>
#include <string.h>

#include "mitosis.h"

#define DISK  10.0 /* of the smoothing, pixels */
#define APART 50.0 /* peaks */

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

/* The connected pieces above the threshold, at their centres of mass; score: the sum of the map. */
static jd_status pieces(jd_ctx *ctx, const detector *d, const slide *s, const float *map, jd_point **out, size_t *n)
{
    const size_t pixels = (size_t)(s->H * s->W);
    uint8_t *above = jd_alloc_array(ctx, pixels, 1);
    int32_t *label = jd_alloc_array(ctx, pixels, sizeof *label), count = 0;
    jd_point *found = NULL;
    size_t kept = 0;
    for (size_t p = 0; p < pixels && above; p++) above[p] = (double)map[p] > d->threshold;
    if (above && label && !jd_label_objects(ctx, above, s->H, s->W, label, &count))
        found = jd_alloc_array(ctx, (size_t)count + 1, sizeof *found);
    for (size_t p = 0; p < pixels && found; p++)
        if (label[p]) {
            jd_point *o = &found[label[p] - 1];
            o->score += map[p];
            o->y += map[p] * (float)((int64_t)p / s->W);
            o->x += map[p] * (float)((int64_t)p % s->W);
        }
    for (int32_t i = 0; i < count && found; i++)
        if ((double)found[i].score >= d->least) {
            const jd_point o = found[i];
            found[kept++] = (jd_point){o.y / o.score, o.x / o.score, o.score};
        }
    jd_free(ctx, above);
    jd_free(ctx, label);
    *out = found;
    *n = kept;
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

jd_status detector_choose(jd_ctx *ctx, detector *d, const slides *s, float *const *maps, double radius,
                          jd_detection_score *best)
{
    static const double sums[] = {1, 2, 4, 6, 9, 13, 18, 26, 40};
    detector try = *d, chosen = *d;
    *best = (jd_detection_score){.f1 = -1};
    for (int k = 1; k < 40; k++)
        for (int j = 0; j < (d->peaks ? 1 : (int)(sizeof sums / sizeof *sums)); j++) {
            jd_detection_score score;
            try.threshold = k / 40.0;
            try.least = d->peaks ? 0 : sums[j];
            if (detector_score(ctx, &try, s, maps, radius, &score)) return jd_error(ctx);
            if (score.f1 > best->f1) *best = score, chosen = try;
        }
    *d = chosen;
    return JD_OK;
}
