/* detect.c - from a map to points, and points against the truth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/metrics.h"

jd_status jd_disk_mean(jd_ctx *ctx, const float *map, int64_t H, int64_t W, double radius, float *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (H < 1 || W < 1 || !(radius >= 0) || radius > 1e6)
        return jd_fail(ctx, JD_EUSAGE, "jd_disk_mean: an image of %lldx%lld, radius %g", (long long)H, (long long)W,
                       radius);
    /* sum[y][x]: of the x values before in row y. */
    double *sum = jd_alloc_array(ctx, (size_t)(H * (W + 1)), sizeof *sum);
    if (!sum) return jd_error(ctx);
    for (int64_t y = 0; y < H; y++)
        for (int64_t x = 0; x < W; x++) sum[y * (W + 1) + x + 1] = sum[y * (W + 1) + x] + (double)map[y * W + x];
    const int64_t R = (int64_t)radius;
    for (int64_t y = 0; y < H; y++)
        for (int64_t x = 0; x < W; x++) {
            double s = 0;
            int64_t n = 0;
            for (int64_t d = y < R ? -y : -R; d <= R && y + d < H; d++) {
                const int64_t half = (int64_t)sqrt(radius * radius - (double)(d * d));
                const int64_t lo = x < half ? 0 : x - half, hi = x + half < W ? x + half + 1 : W;
                s += sum[(y + d) * (W + 1) + hi] - sum[(y + d) * (W + 1) + lo];
                n += hi - lo;
            }
            out[y * W + x] = (float)(s / (double)n);
        }
    jd_free(ctx, sum);
    return JD_OK;
}

typedef struct cell {
    float value;
    uint32_t at;
} cell;
static int largest_first(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    if (x->value > y->value || x->value < y->value) return x->value > y->value ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Marks the pixels within `radius` of (y,x). */
static void drop(uint8_t *dropped, int64_t H, int64_t W, int64_t y, int64_t x, double radius)
{
    const int64_t R = (int64_t)radius;
    for (int64_t d = -R; d <= R; d++) {
        if (y + d < 0 || y + d >= H) continue;
        const int64_t half = (int64_t)sqrt(radius * radius - (double)(d * d));
        const int64_t lo = x < half ? 0 : x - half, hi = x + half < W ? x + half : W - 1;
        memset(dropped + (y + d) * W + lo, 1, (size_t)(hi - lo + 1));
    }
}

jd_status jd_find_peaks(jd_ctx *ctx, const float *map, int64_t H, int64_t W, double radius, double threshold,
                        jd_point **out, size_t *n)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (H < 1 || W < 1 || H > UINT32_MAX / W || !(radius >= 0) || radius > 1e6)
        return jd_fail(ctx, JD_EUSAGE, "jd_find_peaks: an image of %lldx%lld, radius %g", (long long)H, (long long)W,
                       radius);
    size_t cells = 0, points = 0;
    for (int64_t p = 0; p < H * W; p++) cells += (double)map[p] >= threshold;
    cell *list = jd_alloc_array(ctx, cells + 1, sizeof *list);
    uint8_t *dropped = jd_alloc_array(ctx, (size_t)(H * W), 1);
    jd_point *found = jd_alloc_array(ctx, cells + 1, sizeof *found);
    if (!jd_error(ctx)) {
        cells = 0;
        for (int64_t p = 0; p < H * W; p++)
            if ((double)map[p] >= threshold) list[cells++] = (cell){map[p], (uint32_t)p};
        qsort(list, cells, sizeof *list, largest_first);
        for (size_t i = 0; i < cells; i++) {
            const int64_t y = (int64_t)list[i].at / W, x = (int64_t)list[i].at % W;
            if (dropped[list[i].at]) continue;
            found[points++] = (jd_point){(float)y, (float)x, list[i].value};
            drop(dropped, H, W, y, x, radius);
        }
        *out = found;
        *n = points;
    } else {
        jd_free(ctx, found);
    }
    jd_free(ctx, list);
    jd_free(ctx, dropped);
    return jd_error(ctx);
}

typedef struct couple {
    double distance;
    uint32_t truth, found;
} couple;
static int nearest_first(const void *a, const void *b)
{
    const couple *x = a, *y = b;
    if (x->distance > y->distance || x->distance < y->distance) return x->distance < y->distance ? -1 : 1;
    if (x->found != y->found) return x->found < y->found ? -1 : 1;
    return (x->truth > y->truth) - (x->truth < y->truth);
}

static void ratios(jd_detection_score *s)
{
    const double found = (double)(s->right + s->wrong), there = (double)(s->right + s->missed);
    s->precision = found > 0 ? (double)s->right / found : 0;
    s->recall = there > 0 ? (double)s->right / there : 0;
    s->f1 = found + there > 0 ? 2 * (double)s->right / (found + there) : 0;
}

static bool within(const jd_point *a, const jd_point *b, double radius, double *d)
{
    *d = hypot((double)a->y - (double)b->y, (double)a->x - (double)b->x);
    return *d <= radius;
}

jd_status jd_match_points(jd_ctx *ctx, const jd_point *truth, size_t truths, const jd_point *found, size_t n,
                          double radius, jd_detection_score *out, int32_t *match)
{
    if (jd_error(ctx)) return jd_error(ctx);
    size_t couples = 0;
    double d;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < truths; j++) couples += within(&found[i], &truth[j], radius, &d);
    couple *list = jd_alloc_array(ctx, couples + 1, sizeof *list);
    uint8_t *taken = jd_alloc_array(ctx, truths + n + 1, 1); /* the truths, then the detections */
    jd_detection_score s = {0};
    if (!jd_error(ctx)) {
        couples = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < truths; j++)
                if (within(&found[i], &truth[j], radius, &d)) list[couples++] = (couple){d, (uint32_t)j, (uint32_t)i};
        qsort(list, couples, sizeof *list, nearest_first);
        for (size_t i = 0; match && i < n; i++) match[i] = -1;
        for (size_t k = 0; k < couples; k++) {
            if (taken[list[k].truth] || taken[truths + list[k].found]) continue;
            taken[list[k].truth] = taken[truths + list[k].found] = 1;
            if (match) match[list[k].found] = (int32_t)list[k].truth;
            s.right++;
        }
        s.wrong = (int64_t)n - s.right;
        s.missed = (int64_t)truths - s.right;
        ratios(&s);
        *out = s;
    }
    jd_free(ctx, list);
    jd_free(ctx, taken);
    return jd_error(ctx);
}

void jd_detection_add(jd_detection_score *sum, const jd_detection_score *one)
{
    sum->right += one->right;
    sum->wrong += one->wrong;
    sum->missed += one->missed;
    ratios(sum);
}
