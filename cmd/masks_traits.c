/* masks_traits.c - see masks.h. */
#include <math.h>

#include "masks.h"

/* Classes of fewer pixels in a thousand tell nothing of what is fine. */
enum { RARE = 1000, PICTURES = 8 };

/* (height,width): the length of each pixel's run of its class along its row, or along its column if that is shorter. */
static void measure_runs(const masked *p, int *run)
{
    const int H = p->height, W = p->width;
    for (int y = 0; y < H; y++)
        for (int x = 0, next; x < W; x = next) {
            const uint8_t *row = p->label + (size_t)y * (size_t)W;
            for (next = x + 1; next < W && row[next] == row[x];) next++;
            for (int i = x; i < next; i++) run[(size_t)y * (size_t)W + (size_t)i] = next - x;
        }
    for (int x = 0; x < W; x++)
        for (int y = 0, next; y < H; y = next) {
            const uint8_t *column = p->label + x;
            for (next = y + 1; next < H && column[(size_t)next * (size_t)W] == column[(size_t)y * (size_t)W];) next++;
            for (int i = y; i < next; i++) {
                int *at = run + (size_t)i * (size_t)W + (size_t)x;
                *at = next - y < *at ? next - y : *at;
            }
        }
}

/* Of the heights of a class, one a picture: sums of them and of their squares. */
typedef struct heights {
    double n, sum, squares;
} heights;

/* Whether their mean is off the middle by far more than chance. */
static bool leans(const heights *h)
{
    if (h->n < PICTURES) return false;
    const double mean = h->sum / h->n, var = fmax(h->squares / h->n - mean * mean, 1e-6);
    return fabs(mean) > 0.05 && fabs(mean) > 6 * sqrt(var / (h->n - 1));
}

jd_status masks_look(jd_ctx *ctx, const masks *m, masks_traits *out)
{
    double runs[MASKS_CLASSES] = {0}, pixels[MASKS_CLASSES] = {0}, all = 0;
    heights height[MASKS_CLASSES] = {0};
    *out = (masks_traits){0};
    for (size_t i = 0; i < m->n && !jd_error(ctx); i++) {
        const masked *p = &m->picture[i];
        const size_t n = (size_t)p->height * (size_t)p->width;
        double count[MASKS_CLASSES] = {0}, rows[MASKS_CLASSES] = {0};
        int *run = jd_alloc_array(ctx, n, sizeof *run);
        if (!run) break;
        measure_runs(p, run);
        for (size_t q = 0; q < n; q++) {
            count[p->label[q]] += 1;
            rows[p->label[q]] += (double)(q / (size_t)p->width);
            runs[p->label[q]] += run[q];
        }
        for (int k = 0; k < m->classes; k++) {
            pixels[k] += count[k];
            if (count[k] < 0.5 || count[k] > (double)n - 0.5) continue;
            const double at = (rows[k] / count[k] + 0.5) / p->height - 0.5;
            height[k].n += 1;
            height[k].sum += at;
            height[k].squares += at * at;
        }
        all += (double)n;
        out->side += (p->height < p->width ? p->height : p->width) / (double)m->n;
        jd_free(ctx, run);
    }
    for (int k = 0; k < m->classes && !jd_error(ctx); k++) {
        out->upright |= leans(&height[k]);
        if (RARE * pixels[k] < all) continue;
        const double thickness = runs[k] / pixels[k];
        if (!(out->thickness > 0) || thickness < out->thickness) out->thickness = thickness;
    }
    return jd_error(ctx);
}
