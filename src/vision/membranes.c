/* membranes.c - scores of maps of membranes over thresholds; pixel errors; the warping error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "jackdaw/metrics.h"

static void add_score(jd_partition_score *sum, const jd_partition_score *s, double share)
{
    sum->rand += share * s->rand;
    sum->rand_split += share * s->rand_split;
    sum->rand_merge += share * s->rand_merge;
    sum->info += share * s->info;
    sum->info_split += share * s->info_split;
    sum->info_merge += share * s->info_merge;
}

/* One slice at one threshold. */
static jd_status one(jd_ctx *ctx, const jd_membranes *m, const int32_t *truth, const float *map, double threshold,
                     uint8_t *inside, int32_t *found, jd_partition_score *out)
{
    const size_t n = (size_t)(m->H * m->W);
    int32_t count;
    for (size_t i = 0; i < n; i++) inside[i] = (double)map[i] > threshold;
    if (jd_label_objects(ctx, inside, m->H, m->W, found, &count)) return jd_error(ctx);
    if (m->thin && jd_label_thin(ctx, found, m->H, m->W)) return jd_error(ctx);
    return jd_compare_partitions(ctx, truth, found, n, out);
}

jd_status jd_score_membranes(jd_ctx *ctx, const jd_membranes *m, jd_membrane_score *out)
{
    if (!jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const int steps = m->steps ? m->steps : 10;
    if (m->slices < 1 || m->H < 1 || m->W < 1 || steps < 1 || steps > JD_MEMBRANE_STEPS)
        return jd_fail(ctx, JD_EUSAGE, "jd_score_membranes: %lld slices of %lldx%lld, %d steps; 1 to %d steps",
                       (long long)m->slices, (long long)m->H, (long long)m->W, steps, JD_MEMBRANE_STEPS);
    const size_t n = (size_t)(m->H * m->W);
    int32_t *truth = jd_alloc_array(ctx, n, sizeof *truth), *found = jd_alloc_array(ctx, n, sizeof *found), count;
    uint8_t *inside = jd_alloc_array(ctx, n, 1);
    jd_membrane_score s = {.steps = steps};
    for (int64_t i = 0; i < m->slices && !jd_error(ctx); i++) {
        jd_label_objects(ctx, m->inside + (size_t)i * n, m->H, m->W, truth, &count);
        for (int k = 0; k <= steps && !jd_error(ctx); k++) {
            jd_partition_score p;
            if (one(ctx, m, truth, m->map + (size_t)i * n, (double)k / steps, inside, found, &p)) break;
            add_score(&s.at[k], &p, 1 / (double)m->slices);
        }
    }
    for (int k = 0; k <= steps; k++) {
        if (s.at[k].rand > s.rand) s.rand = s.at[k].rand, s.rand_threshold = (double)k / steps;
        if (s.at[k].info > s.info) s.info = s.at[k].info, s.info_threshold = (double)k / steps;
    }
    jd_free(ctx, truth);
    jd_free(ctx, found);
    jd_free(ctx, inside);
    if (!jd_error(ctx)) *out = s;
    return jd_error(ctx);
}

jd_status jd_score_pixels(jd_ctx *ctx, const uint8_t *inside, const float *map, size_t n, jd_pixel_score *out)
{
    enum { STEPS = 100 };
    if (jd_error(ctx)) return jd_error(ctx);
    if (!n) return jd_fail(ctx, JD_EUSAGE, "jd_score_pixels: no pixels");
    /* above[c][k]: pixels of truth c whose value is above threshold k. */
    double above[2][STEPS + 1] = {{0}}, all[2] = {0}, square = 0;
    for (size_t i = 0; i < n; i++) {
        const int c = inside[i] != 0;
        const double v = (double)map[i];
        int k = (int)fmin(STEPS, fmax(-1, floor(v * STEPS)));
        while (k >= 0 && !(v > (double)k / STEPS)) k--;
        while (k < STEPS && v > (double)(k + 1) / STEPS) k++;
        if (k >= 0) above[c][k]++;
        all[c]++;
        square += (v - c) * (v - c);
    }
    jd_pixel_score s = {.square = square / (double)n, .wrong = 2};
    double higher[2] = {0};
    for (int k = STEPS; k >= 0; k--) {
        for (int c = 0; c < 2; c++) higher[c] += above[c][k];
        const double wrong = (higher[0] + all[1] - higher[1]) / (double)n;
        const double f = higher[0] + all[1] > 0 ? 2 * higher[1] / (higher[0] + higher[1] + all[1]) : 0;
        if (wrong <= s.wrong) s.wrong = wrong, s.threshold = (double)k / STEPS;
        if (k == STEPS / 2) s.half = wrong;
        if (f > s.similarity) s.similarity = f;
    }
    *out = s;
    return JD_OK;
}

/* ---- warping -----------------------------------------------------------------------------------------------------------*/

/* Whether flipping the middle of a 3 x 3 square keeps the topology: one 4-connected piece of the inside among the neighbours
 * touches the middle by a side, and the outside is there.  ring: the 8 neighbours clockwise from the upper left.  A piece
 * is a run along the ring with at least one side (odd places); it begins at a side that the one before does not reach. */
static bool simple(const uint8_t ring[8])
{
    int pieces = 0;
    for (int i = 1; i < 8; i += 2) pieces += ring[i] && !(ring[i - 1] && ring[(i + 6) % 8]);
    return pieces == 1;
}

typedef struct wish {
    float sure;
    int32_t at;
} wish;
static int surest_first(const void *a, const void *b)
{
    const wish *x = a, *y = b;
    if (x->sure > y->sure || x->sure < y->sure) return x->sure > y->sure ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

jd_status jd_warping_error(jd_ctx *ctx, const uint8_t *inside, const float *map, int64_t H, int64_t W, double threshold,
                           double *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (H < 1 || W < 1 || H > INT32_MAX / 2 / (W + 2))
        return jd_fail(ctx, JD_EUSAGE, "jd_warping_error: an image of %lldx%lld", (long long)H, (long long)W);
    const int64_t P = W + 2; /* one pixel of outside around */
    const int64_t ring_at[8] = {-P - 1, -P, -P + 1, 1, P + 1, P, P - 1, -1};
    uint8_t *t = jd_alloc_array(ctx, (size_t)((H + 2) * P), 1);
    wish *list = jd_alloc_array(ctx, (size_t)(H * W), sizeof *list);
    size_t n = 0, before = 0;
    for (int64_t p = 0; p < H * W && t && list; p++) {
        const int64_t at = (p / W + 1) * P + p % W + 1;
        t[at] = inside[p] != 0;
        if (t[at] != ((double)map[p] > threshold))
            list[n++] = (wish){(float)fabs((double)map[p] - threshold), (int32_t)at};
    }
    if (n) qsort(list, n, sizeof *list, surest_first);
    while (n != before) {
        before = n;
        n = 0;
        for (size_t i = 0; i < before; i++) {
            const int32_t at = list[i].at;
            uint8_t ring[8];
            for (int k = 0; k < 8; k++) ring[k] = t[at + ring_at[k]];
            if (simple(ring))
                t[at] ^= 1;
            else
                list[n++] = list[i];
        }
    }
    *out = (double)n / (double)(H * W);
    jd_free(ctx, t);
    jd_free(ctx, list);
    return jd_error(ctx);
}
