/* em_data.c - slices, maps of whole slices, calibration. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "em.h"
#include "jackdaw/volume.h"

static jd_status add_picture(jd_ctx *ctx, const char *dir, const char *kind, const char *name, int64_t i, em_stack *s,
                             bool label)
{
    char *path = jd_asprintf(ctx, "%s/%s/%s", dir, kind, name);
    jd_picture p = {0};
    jd_status status = path ? jd_read_picture(ctx, path, 1, &p) : JD_ENOMEM;
    if (!status && !s->pixels) {
        s->H = p.height;
        s->W = p.width;
        s->pixels = jd_alloc_array(ctx, (size_t)(s->n * s->H * s->W), 1);
        s->inside = jd_alloc_array(ctx, (size_t)(s->n * s->H * s->W), 1);
        status = jd_error(ctx);
    }
    if (!status && (p.height != s->H || p.width != s->W))
        status = jd_fail(ctx, JD_EDATA, "%s: %d x %d pixels, but the slices before have %lld x %lld", path, p.width,
                         p.height, (long long)s->W, (long long)s->H);
    const size_t n = (size_t)(s->H * s->W);
    if (!status && !label) memcpy(s->pixels + (size_t)i * n, p.pixels, n);
    int most = 0;
    for (size_t k = 0; !status && label && k < n; k++) most = p.pixels[k] > most ? p.pixels[k] : most;
    for (size_t k = 0; !status && label && k < n; k++)
        s->inside[(size_t)i * n + k] = p.pixels[k] >= (most > 1 ? 128 : 1);
    jd_picture_free(ctx, &p);
    jd_free(ctx, path);
    return status;
}

/* Slices first .. first+n-1 of a stack as the contest gives them: bytes, or numbers from 0 to 255; labels may be 0 and 1 too. */
static jd_status take_stack(jd_ctx *ctx, const char *path, int first, em_stack *s, bool label)
{
    jd_volume v = {0};
    if (jd_read_tiff(ctx, path, &v)) return jd_error(ctx);
    const int64_t n = v.height * v.width;
    if (!s->n && v.depth > first) s->n = v.depth - first;
    if (v.depth < first + s->n || !s->n)
        jd_fail(ctx, JD_EDATA, "%s: %lld slices; %lld are needed", path, (long long)v.depth, (long long)(first + s->n));
    else if (label && (v.height != s->H || v.width != s->W))
        jd_fail(ctx, JD_EDATA, "%s: %lld x %lld pixels, but the slices have %lld x %lld", path, (long long)v.width,
                (long long)v.height, (long long)s->W, (long long)s->H);
    s->H = v.height;
    s->W = v.width;
    uint8_t *to = jd_error(ctx) ? NULL : jd_alloc_array(ctx, (size_t)(s->n * n), 1);
    *(label ? &s->inside : &s->pixels) = to;
    float most = 0;
    for (int64_t i = 0; to && i < s->n * n; i++) most = fmaxf(most, v.voxels[first * n + i]);
    for (int64_t i = 0; to && i < s->n * n; i++) {
        const float value = v.voxels[first * n + i];
        if (!(value >= 0 && value <= 255)) {
            jd_fail(ctx, JD_EDATA, "%s: slice %lld has the value %g; give 0 to 255", path, (long long)(first + i / n),
                    (double)value);
            break;
        }
        to[i] = label ? value >= (most > 1 ? 128.f : 0.5f) : (uint8_t)(value + 0.5f);
    }
    jd_volume_free(ctx, &v);
    return jd_error(ctx);
}

jd_status em_load(jd_ctx *ctx, const char *dir, int first, int n, em_stack *out)
{
    em_stack s = {.n = n};
    char *volume = jd_asprintf(ctx, "%s/train-volume.tif", dir), *labels = jd_asprintf(ctx, "%s/train-labels.tif", dir);
    const bool stacks = volume && !access(volume, F_OK);
    if (stacks && labels && !take_stack(ctx, volume, first, &s, false)) take_stack(ctx, labels, first, &s, true);
    jd_free(ctx, volume);
    jd_free(ctx, labels);
    for (int i = 0; i < n && !stacks && !jd_error(ctx); i++) {
        char name[32];
        snprintf(name, sizeof name, "%02d.png", first + i);
        if (add_picture(ctx, dir, "image", name, i, &s, false) || add_picture(ctx, dir, "label", name, i, &s, true))
            break;
    }
    *out = s;
    if (jd_error(ctx)) em_free(ctx, out);
    return jd_error(ctx);
}

jd_status em_load_named(jd_ctx *ctx, const char *dir, char *const *name, int n, em_stack *out)
{
    em_stack s = {.n = n};
    for (int i = 0; i < n && !jd_error(ctx); i++)
        if (!add_picture(ctx, dir, "image", name[i], i, &s, false))
            add_picture(ctx, dir, "label", name[i], i, &s, true);
    *out = s;
    if (jd_error(ctx)) em_free(ctx, out);
    return jd_error(ctx);
}

void em_free(jd_ctx *ctx, em_stack *s)
{
    jd_free(ctx, s->pixels);
    jd_free(ctx, s->inside);
    *s = (em_stack){0};
}

jd_status em_map(jd_ctx *ctx, jd_scanner *scan, const em_stack *s, int64_t i, int views, float *map)
{
    const int64_t H = s->H, W = s->W, side = H;
    const uint8_t *pixels = s->pixels + i * H * W;
    if (H != W && views > 1)
        return jd_fail(ctx, JD_EUSAGE, "slices of %lld x %lld cannot be turned; use views = 1", (long long)W,
                       (long long)H);
    float *x = jd_alloc_array(ctx, (size_t)(H * W), sizeof *x),
          *p = jd_alloc_array(ctx, (size_t)(2 * H * W), sizeof *p);
    int64_t a = 0, b = 0;
    memset(map, 0, (size_t)(H * W) * sizeof *map);
    for (int view = 0; view < views && x && p; view++) {
        for (int64_t y = 0; y < H; y++)
            for (int64_t c = 0; c < W; c++) {
                em_turn(view, side, y, c, &a, &b);
                x[y * W + c] = EM_LOW + (EM_HIGH - EM_LOW) * (float)pixels[view ? a * W + b : y * W + c] / 255.f;
            }
        if (jd_scan_image(scan, x, H, W, p)) break;
        for (int64_t y = 0; y < H; y++)
            for (int64_t c = 0; c < W; c++) {
                em_turn(view, side, y, c, &a, &b);
                map[view ? a * W + b : y * W + c] += p[2 * (y * W + c) + 1] / (float)views;
            }
    }
    jd_free(ctx, x);
    jd_free(ctx, p);
    return jd_error(ctx);
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

jd_status em_median(jd_ctx *ctx, float *map, int64_t H, int64_t W, int radius)
{
    if (radius < 1) return JD_OK;
    float *old = jd_alloc_array(ctx, (size_t)(H * W), sizeof *old);
    float *near = jd_alloc_array(ctx, (size_t)((2 * radius + 1) * (2 * radius + 1)), sizeof *near);
    if (old && near) memcpy(old, map, (size_t)(H * W) * sizeof *old);
    for (int64_t y = 0; y < H && old && near; y++)
        for (int64_t x = 0; x < W; x++) {
            size_t n = 0;
            for (int64_t i = y - radius; i <= y + radius; i++)
                for (int64_t j = x - radius; j <= x + radius; j++)
                    if (i >= 0 && i < H && j >= 0 && j < W) near[n++] = old[i * W + j];
            qsort(near, n, sizeof *near, by_value);
            map[y * W + x] = near[n / 2];
        }
    jd_free(ctx, old);
    jd_free(ctx, near);
    return jd_error(ctx);
}

/* ---- calibration --------------------------------------------------------------------------------------------------------*/

double em_cubic_at(const em_cubic *c, double p)
{
    return p + p * (1 - p) * (c->a + c->b * p);
}

static bool rises(const em_cubic *c)
{
    for (int i = 0; i < 200; i++)
        if (em_cubic_at(c, (i + 1) / 200.0) < em_cubic_at(c, i / 200.0)) return false;
    return true;
}

/* Least squares over 100 bins weighted by their pixels; where the best cubic falls somewhere, the straight line is moved
 * towards it as far as it still rises. */
em_cubic em_calibrate(const float *map, const uint8_t *inside, size_t n)
{
    enum { BINS = 100 };
    double count[BINS] = {0}, sum[BINS] = {0}, right[BINS] = {0};
    for (size_t i = 0; i < n; i++) {
        int k = (int)(map[i] * BINS);
        k = k < 0 ? 0 : k >= BINS ? BINS - 1 : k;
        count[k]++;
        sum[k] += (double)map[i];
        right[k] += inside[i];
    }
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
    for (int k = 0; k < BINS; k++) {
        if (count[k] < 1) continue;
        const double p = sum[k] / count[k], u = p * (1 - p), v = u * p, y = right[k] / count[k] - p;
        aa += count[k] * u * u;
        ab += count[k] * u * v;
        bb += count[k] * v * v;
        ay += count[k] * u * y;
        by += count[k] * v * y;
    }
    const double det = aa * bb - ab * ab;
    if (!(det > 1e-12 * aa * bb)) return (em_cubic){0};
    const em_cubic best = {(bb * ay - ab * by) / det, (aa * by - ab * ay) / det};
    em_cubic c = best;
    for (int i = 63; i >= 0 && !rises(&c); i--) c = (em_cubic){best.a * i / 64, best.b * i / 64};
    return c;
}

jd_status em_finish(jd_ctx *ctx, const em_stack *s, const em_cubic *c, int median, float *maps)
{
    const size_t n = (size_t)(s->H * s->W);
    for (size_t i = 0; i < (size_t)s->n * n; i++) maps[i] = (float)em_cubic_at(c, (double)maps[i]);
    for (int64_t i = 0; i < s->n; i++)
        if (em_median(ctx, maps + (size_t)i * n, s->H, s->W, median)) break;
    return jd_error(ctx);
}
