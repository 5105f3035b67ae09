/* auc.c - the area under the ROC curve, by ranks; see metrics.h. */
#include <math.h>
#include <stdlib.h>

#include "jackdaw/metrics.h"

typedef struct ranked {
    float score;
    bool positive;
} ranked;

static int by_score(const void *a, const void *b)
{
    const float x = ((const ranked *)a)->score, y = ((const ranked *)b)->score;
    return (x > y) - (x < y);
}

double jd_auc(jd_ctx *ctx, const float *score, const uint8_t *positive, size_t n)
{
    ranked *all = jd_alloc_array(ctx, n, sizeof *all);
    if (!all) return (double)NAN;
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i])) jd_fail(ctx, JD_EDIVERGED, "auc: score %zu of %zu is not a number", i, n);
        all[i] = (ranked){score[i], positive[i] != 0};
    }
    double above = 0, negatives = 0, positives = 0; /* above: pairs in which the positive one is higher */
    if (!jd_error(ctx)) qsort(all, n, sizeof *all, by_score);
    for (size_t i = 0, end; i < n && !jd_error(ctx); i = end) {
        double tied[2] = {0, 0};
        for (end = i; end < n && all[end].score == all[i].score; end++) tied[all[end].positive]++;
        above += tied[1] * (negatives + tied[0] / 2);
        negatives += tied[0];
        positives += tied[1];
    }
    jd_free(ctx, all);
    return negatives > 0 && positives > 0 ? above / (negatives * positives) : (double)NAN;
}
